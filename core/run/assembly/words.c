#include "run/assembly/words.h"

#include <stdio.h>
#include <string.h>

#include "run/route/route.h"
#include "run/run_priv.h"

#define WORDS_LEDGER "core:words"

/* ---- whose they are ------------------------------------------------------------------------- */

void words_stand_in(struct tow_assembly *assembly)
{
    struct tow_error err = TOW_ERROR_INIT;

    /* The list was looked at when the plugin was loaded. */
    tow_words_parse(&assembly->words, assembly->source ? tow_source_names(assembly->source) : NULL,
                    &err);
}

struct words_look {
    const struct tow_assembly *assembly;
    const struct tow_plugin *sink;
    const struct tow_setting *section;
    struct tow_diags *diags;
    struct tow_words known;
};

static int words_is_own(const char *list, const char *word, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words own;

    return tow_words_parse(&own, list, &err) == TOW_OK && tow_words_find(&own, word, length);
}

/* "the source csv offers none, the sink fills in {load} and {part}". */
static void words_say_known(const struct words_look *look, const char *own, char *text, size_t size)
{
    const char *offered = tow_source_names(look->assembly->source);

    snprintf(text, size, "source %s offers %s%s%s, sink %s knows %s%s%s itself",
             look->assembly->source->name, offered ? "{" : "none", offered ? offered : "",
             offered ? "}" : "", look->sink->name, *own ? "{" : "none", own, *own ? "}" : "");
}

static int words_find_stray(void *context, const struct tow_option *option, const char *word,
                            size_t length)
{
    const struct words_look *look = context;
    struct tow_words known = look->known;
    const char *own = tow_sink_words(look->sink), *names[TOW_WORDS_MAX + 2] = {NULL};
    const struct tow_setting *given = tow_setting_get(look->section, option->name);
    const struct tow_setting *place = given ? given : look->section;
    char name[TOW_WORD_NAME_MAX + 1], said[512];

    if (tow_words_find(&known, word, length) || words_is_own(own, word, length))
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    for (size_t i = 0; i < known.count; i++)
        names[i] = known.items[i].name;
    const char *near = tow_nearest(name, names);
    words_say_known(look, own ? own : "", said, sizeof said);
    if (near)
        tow_diags_add(look->diags, TOW_DIAG_ERROR, place->file, place->line,
                      "%s: nobody fills in {%s}; did you mean {%s}?", option->name, name, near);
    else if (own)
        tow_diags_add(look->diags, TOW_DIAG_ERROR, place->file, place->line,
                      "%s: nobody fills in {%s}: %s", option->name, name, said);
    return 0;
}

int words_look(const struct tow_assembly *assembly, struct tow_instance *instance, const char *role,
               const struct tow_setting *section, struct tow_diags *diags, struct tow_error *err)
{
    struct words_look look = {assembly, instance->plugin, section, diags, assembly->words};
    struct tow_error found = TOW_ERROR_INIT;

    if ((strcmp(role, "sink") != 0 && strcmp(role, "results") != 0) || !assembly->source)
        return TOW_OK;
    if (strcmp(role, "sink") == 0)
        route_sample(assembly->job, &look.known);
    tow_instance_each_word(instance, words_find_stray, &look);
    if (tow_instance_fill(instance, &look.known, &found) == TOW_E_NOMEM)
        return tow_error_nomem(err);
    /* What the true word comes to is not known yet: bounds are for the run. */
    return TOW_OK;
}

/* ---- which are used ------------------------------------------------------------------------- */

struct words_use {
    const struct tow_assembly *assembly;
    struct tow_words *used;
};

static int words_note_use(void *context, const struct tow_option *option, const char *word,
                          size_t length)
{
    struct words_use *use = context;
    struct tow_words offered = use->assembly->words;
    const struct tow_word *found = tow_words_find(&offered, word, length);

    (void)option;
    if (found && !tow_words_find(use->used, word, length))
        use->used->items[use->used->count++] = *found;
    return 0;
}

static int words_use_of(struct words_use *use, const struct tow_plugin *plugin,
                        const struct tow_setting *section, struct tow_error *err)
{
    struct tow_instance instance = {0};
    struct tow_diags known = {0};

    if (!plugin)
        return TOW_OK;
    int rc = tow_instance_init(&instance, plugin, section, use->assembly->job->dir, &known, err);
    if (!rc)
        tow_instance_each_word(&instance, words_note_use, use);
    tow_diags_release(&known);
    tow_instance_release(&instance);
    return rc;
}

int words_used(const struct tow_assembly *assembly, struct tow_words *used, struct tow_error *err)
{
    struct words_use use = {assembly, used};
    int rc = TOW_OK;

    *used = (struct tow_words){0};
    if (assembly->words.count > 0)
        rc = words_use_of(&use, assembly->sink, &assembly->job->sink, err);
    if (!rc && assembly->words.count > 0)
        rc = words_use_of(&use, assembly->results, &assembly->job->results, err);
    return rc;
}

/* ---- asking --------------------------------------------------------------------------------- */

/* What a source says, as far as it is kept; one byte more than allowed tells that it was more. */
struct words_said {
    char text[TOW_WORD_VALUE_MAX + 1];
    size_t length;
};

static int32_t words_take(void *context, const char *text, uint64_t length)
{
    struct words_said *said = context;
    size_t room = sizeof said->text - said->length;
    size_t taken = length < room ? (size_t)length : room;

    if (taken)
        memcpy(said->text + said->length, text, taken);
    said->length += taken;
    return TOW_OK;
}

int words_ask(const struct tow_plugin *source, void *self, const struct tow_host_box *box,
              struct tow_word *word, struct tow_error *err)
{
    struct words_said said = {.length = 0};

    tow_host_clear(err);
    int rc = source->source->name(self, word->name, words_take, &said, err);
    rc = tow_host_result(box, "name", rc, err);
    if (!rc && tow_word_set(word, said.text, said.length, err))
        rc = tow_error_prefix(err, "%s: its word {%s}", box->area, word->name);
    return rc;
}

static int words_ask_again(struct run *run, struct tow_word *word, struct tow_error *err)
{
    const struct run_instance *source = &run->reader.source;
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &run->job->retry);
    while (words_ask(source->instance.plugin, source->instance.self, &source->box, word, err))
        if (!run_retry(run, &backoff, err))
            return err->code;
    return TOW_OK;
}

/* ---- keeping -------------------------------------------------------------------------------- */

/* An entry is the load's id, a space and the word. */
static int words_keep(struct run *run, const struct tow_word *word, struct tow_error *err)
{
    char entry[sizeof run->load_id + sizeof word->value + 1];
    int length = snprintf(entry, sizeof entry, "%s %s", run->load_id, word->value);

    if (run->options->limit >= 0 || run->options->replay_of)
        return TOW_OK;
    return tow_state_ledger_put(run->state, run->job->name, WORDS_LEDGER, word->name, entry,
                                (uint32_t)length, err);
}

/* TOW_END where nothing is kept that counts for this run. */
static int words_recall(struct run *run, struct tow_word *word, struct tow_error *err)
{
    struct tow_position entry = {.size = sizeof entry};
    const size_t head = strlen(run->load_id) + 1;

    if (!run->resume.load_id[0] && !run->options->replay_of)
        return TOW_END;
    int rc =
        tow_state_ledger_get(run->state, run->job->name, WORDS_LEDGER, word->name, &entry, err);
    if (rc)
        return rc;
    const char *text = (const char *)entry.bytes, *space = memchr(text, ' ', entry.length);
    size_t load = space ? (size_t)(space - text) : entry.length;
    if (!run->options->replay_of && (load + 1 != head || memcmp(text, run->load_id, load) != 0))
        return TOW_END;
    return tow_word_set(word, text + load + 1, entry.length > load ? entry.length - load - 1 : 0,
                        err);
}

static int words_find_one(struct run *run, struct tow_word *word, struct tow_error *err)
{
    int rc = words_recall(run, word, err);

    if (rc != TOW_END)
        return rc;
    if (run->options->replay_of)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the source's word {%s} is not known any more, and a replay does not "
                             "ask the source: write it out, as in --set sink.OPTION=VALUE",
                             word->name);
    rc = words_ask_again(run, word, err);
    return rc ? rc : words_keep(run, word, err);
}

/* Options are looked at once more, now that they are known. */
static int words_check_again(struct run *run, const struct tow_plugin *plugin,
                             const struct tow_setting *section, const char *role,
                             struct tow_error *err)
{
    struct run_instance instance = {.opened = 0};
    struct tow_words words = run->words;

    if (strcmp(role, "sink") == 0)
        route_sample(run->job, &words);
    if (!plugin)
        return TOW_OK;
    int rc = run_open_instance(run, &instance, plugin, section, role, err);
    if (!rc)
        rc = tow_instance_fill(&instance.instance, &words, err);
    if (!rc && plugin->sink->check) {
        tow_host_clear(err);
        rc = plugin->sink->check(instance.instance.self, &instance.box.host, err);
        rc = tow_host_result(&instance.box, "check", rc, err);
    }
    run_close_instance(&instance);
    return rc;
}

int words_find(struct run *run, struct tow_error *err)
{
    int rc = words_used(run->assembly, &run->words, err);

    for (size_t i = 0; !rc && i < run->words.count; i++)
        rc = words_find_one(run, &run->words.items[i], err);
    if (!rc && run->words.count > 0)
        rc = words_check_again(run, run->assembly->sink, &run->job->sink, "sink", err);
    if (!rc && run->words.count > 0)
        rc = words_check_again(run, run->assembly->results, &run->job->results, "results", err);
    return rc;
}
