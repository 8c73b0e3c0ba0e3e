/*
 * Job files and what stands in them. The first byte says what the rest is: the text of a job file
 * ('j'; what follows a line "=====" is a file that it may include), a value over those of a file
 * ('s'), the value of an option ('o', then its type), a size or duration ('u'), or a text with
 * references ('e').
 */
#include <libconfig.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/expand.h"
#include "config/job.h"
#include "config/option/option_value.h"
#include "config/option/options.h"
#include "config/source/syntax.h"
#include "fuzz_demand.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
#define LEAKS(how) (__lsan_##how ? __lsan_##how() : (void)0)
#else
#define LEAKS(how) (void)0
#endif

#define PARTING "\n=====\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], job_path[80], include_path[80], secret_path[80];

/* ---- files ----------------------------------------------------------------------------------- */

static void remove_folder(void)
{
    unlink(job_path);
    unlink(include_path);
    unlink(secret_path);
    rmdir(folder);
}

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");

    demand(file && fwrite(text, 1, length, file) == length && fclose(file) == 0, "a file");
}

static void make_folder(void)
{
    if (*folder)
        return;
    /* In memory: a disk takes its time for each file. */
    strcpy(folder, "/dev/shm/fuzz_config.XXXXXX");
    if (!mkdtemp(folder)) {
        strcpy(folder, "/tmp/fuzz_config.XXXXXX");
        demand(mkdtemp(folder) != NULL, "a folder");
    }
    snprintf(job_path, sizeof job_path, "%s/job.cfg", folder);
    snprintf(include_path, sizeof include_path, "%s/more.cfg", folder);
    snprintf(secret_path, sizeof secret_path, "%s/secret", folder);
    write_file(secret_path, "hush\n", 5);
    setenv("FUZZ", "v\xC3\xA4lue", 1);
    setenv("HOME", folder, 1);
    atexit(remove_folder);
}

/* ---- findings -------------------------------------------------------------------------------- */

static void demand_findings(const struct tow_diags *diags)
{
    size_t errors = 0;

    demand(!diags->incomplete, "memory");
    for (size_t i = 0; i < diags->count; i++) {
        const struct tow_diag *diag = &diags->items[i];

        if (strlen(diag->text) <= 5 || !tow_utf8_valid(diag->text, strlen(diag->text)))
            fprintf(stderr, "%s\n", diag->text);
        demand(strlen(diag->text) > 5, "a text");
        demand(tow_utf8_valid(diag->text, strlen(diag->text)), "a text in UTF-8");
        for (const char *p = diag->text; *p; p++)
            demand((unsigned char)*p >= ' ' && *p != 0x7f, "a finding without control bytes");
        demand(diag->line >= 0 && (diag->file || diag->line == 0), "a place");
        errors += diag->severity == TOW_DIAG_ERROR;
    }
    demand(errors == diags->errors, "as many errors as are counted");
}

static void demand_same_findings(const struct tow_diags *a, const struct tow_diags *b)
{
    demand(a->count == b->count, "as many findings the second time");
    for (size_t i = 0; i < a->count; i++)
        demand(strcmp(a->items[i].text, b->items[i].text) == 0, "the same findings");
}

/* ---- job files ------------------------------------------------------------------------------- */

static const char *const modes[] = {"csv", "ndjson", "text"};

struct thing {
    const char *text, *path, *token;
    int64_t count, bytes, wait;
    double ratio;
    int32_t flag, mode;
    struct tow_strings names;
};

#define AT(member) offsetof(struct thing, member)

static const struct tow_option options[] = {
    {"text", TOW_OPTION_STRING, 0, AT(text), "none", 1, 5, NULL, "a text"},
    {"count", TOW_OPTION_INT, 0, AT(count), "7", -10, 10, NULL, "a count"},
    {"ratio", TOW_OPTION_DOUBLE, 0, AT(ratio), "0.5", 0, 1, NULL, "a ratio"},
    {"flag", TOW_OPTION_BOOL, 0, AT(flag), "true", 0, 0, NULL, "a flag"},
    {"mode", TOW_OPTION_CHOICE, 0, AT(mode), "ndjson", 0, 0, "csv|ndjson|text", "a mode"},
    {"bytes", TOW_OPTION_SIZE, 0, AT(bytes), "1MiB", 1, 1 << 30, NULL, "a size"},
    {"wait", TOW_OPTION_DURATION, 0, AT(wait), "1m", 1000, INT64_MAX, NULL, "a time"},
    {"path", TOW_OPTION_PATH, 0, AT(path), NULL, 0, 0, NULL, "where it lies"},
    {"names", TOW_OPTION_STRINGS, 0, AT(names), "a", 1, 2, NULL, "names"},
    {"token", TOW_OPTION_STRING, TOW_OPTION_SECRET, AT(token), NULL, 0, 20, NULL, "a secret"},
    TOW_OPTIONS_END,
};
#define OPTION_COUNT (sizeof options / sizeof *options - 1)

static const struct tow_plugin plugin = {
    TOW_PLUGIN_HEAD, "thing", "1", "a thing", sizeof(struct thing), options, NULL, NULL, NULL,
};

static void demand_thing(const struct thing *thing)
{
    demand(thing->text && *thing->text && strlen(thing->text) <= 5, "a text in bounds");
    demand(thing->count >= -10 && thing->count <= 10, "a count in bounds");
    demand(thing->ratio >= 0 && thing->ratio <= 1, "a ratio in bounds");
    demand(thing->flag == 0 || thing->flag == 1, "a flag");
    demand(thing->mode >= 0 && thing->mode < 3, "a mode");
    demand(thing->bytes >= 1 && thing->bytes <= 1 << 30, "a size in bounds");
    demand(thing->wait >= 1000, "a time in bounds");
    demand(!thing->path || *thing->path, "a path");
    demand(thing->names.count >= 1 && thing->names.count <= 2, "names in bounds");
    demand(!thing->token || strlen(thing->token) <= 20, "a token in bounds");
}

static void try_section(const struct tow_job *job, const struct tow_setting *section)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_instance instance;
    struct tow_diags diags = {0};

    demand(tow_instance_init(&instance, &plugin, section, job->dir, &diags, &err) == TOW_OK,
           "memory");
    demand_findings(&diags);
    if (diags.errors == 0)
        demand_thing(instance.self);
    tow_instance_release(&instance);
    tow_diags_release(&diags);
}

static void demand_job(const struct tow_job *job)
{
    const struct tow_retry *retry = &job->retry;

    demand(job->name && *job->name && strlen(job->name) <= 64, "a name");
    demand(job->path && *job->path == '/' && *job->dir == '/', "a path");
    demand(tow_section_plugin(&job->source) && tow_section_plugin(&job->sink), "plugins");
    demand(retry->base_ms >= 1 && retry->base_ms <= retry->cap_ms &&
               retry->cap_ms <= retry->budget_ms,
           "retries in order");
    demand(retry->tries >= 1 && retry->tries <= 1000, "tries in bounds");
    demand(job->tuning.workers >= 1 && job->tuning.workers <= TOW_WORKERS_MAX, "workers");
    demand(job->tuning.batch_rows >= 1 && job->tuning.batch_rows <= 1048576, "rows of a batch");
    demand(job->max_rejects >= -1 &&
               (job->max_reject_percent == -1 ||
                (job->max_reject_percent >= 0 && job->max_reject_percent <= 100)),
           "rejects in bounds");
    for (size_t i = 0; i < job->column_count; i++)
        demand(job->columns[i].name && (!job->columns[i].from != !job->columns[i].value),
               "a column from somewhere");
    if (job->has_schedule) {
        int64_t next = tow_schedule_next(&job->schedule, 0);

        demand(next > 0 || next == TOW_SLOT_NEVER, "a slot behind");
    }
}

static void try_job(const char *const *sets, size_t count)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0}, again = {0};
    struct tow_job job;

    demand(tow_job_load_set(job_path, sets, count, &job, &diags, &err) == TOW_OK, "memory");
    demand_findings(&diags);
    if (diags.errors == 0) {
        demand_job(&job);
        try_section(&job, &job.source);
        try_section(&job, &job.sink);
    }
    tow_job_release(&job);
    demand(tow_job_load_set(job_path, sets, count, &job, &again, &err) == TOW_OK, "memory");
    demand_same_findings(&diags, &again);
    tow_job_release(&job);
    tow_diags_release(&diags);
    tow_diags_release(&again);
}

/* What our grammar has, libconfig reads, save names that are set twice; and the other way. */
static void try_grammar(void)
{
    struct tow_source source = {.parts = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_pool names = {NULL};
    config_t config;

    demand(tow_source_read(&source, job_path, &names, &diags, &err) == TOW_OK, "memory");
    if (!source.unreadable && !source.incomplete && source.text.length > 0) {
        int ours = tow_syntax_check(&source, &diags), theirs;

        LEAKS(disable);
        config_init(&config);
        theirs = config_read_string(&config, source.text.bytes);
        if (ours != theirs &&
            !(ours && strcmp(config_error_text(&config), "duplicate setting name") == 0)) {
            fprintf(stderr, "line %d: %s\n%s\n", config_error_line(&config),
                    config_error_text(&config), diags.count ? diags.items[0].text : "");
            demand(0, "the grammar of libconfig");
        }
        config_destroy(&config);
        LEAKS(enable);
    }
    tow_source_release(&source);
    tow_diags_release(&diags);
    tow_pool_release(&names);
}

static void try_text(const char *text, size_t size)
{
    const char *more = memmem(text, size, PARTING, strlen(PARTING));
    size_t length = more ? (size_t)(more - text) : size;

    more = more ? more + strlen(PARTING) : text + size;
    write_file(job_path, text, length);
    write_file(include_path, more, (size_t)(text + size - more));
    try_grammar();
    try_job(NULL, 0);
}

static void try_set(const char *text)
{
    static const char job[] = "version = 1; job = { name = \"j\"; source = { plugin = \"thing\"; };"
                              "sink = { plugin = \"thing\"; bytes = \"1kB\"; }; };";

    write_file(job_path, job, sizeof job - 1);
    try_job(&text, 1);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void try_option(const struct tow_option *option, const char *text)
{
    struct tow_pool pool = {NULL};
    const struct tow_option_target target = {&pool, "/folder"};
    struct tow_error err = TOW_ERROR_INIT;
    struct thing thing = {.flag = 0};
    char *at = (char *)&thing + option->offset;

    if (tow_option_read_text(option, text, &target, at, &err) != TOW_OK) {
        demand_message(&err);
        demand(err.code == TOW_E_CONFIG, "a refusal");
    } else if (option->type == TOW_OPTION_CHOICE) {
        demand(strcmp(modes[thing.mode], text) == 0, "the choice that was written");
    } else if (option->type == TOW_OPTION_STRING) {
        demand(strcmp(*(char **)at, text) == 0, "the text that was written");
    } else if (option->type == TOW_OPTION_PATH) {
        size_t behind = strlen(thing.path), length = strlen(text);

        demand(strncmp(text, "./", 2) == 0 || strncmp(text, "~/", 2) == 0 ||
                   (behind >= length && strcmp(thing.path + behind - length, text) == 0),
               "the path that was written");
    }
    tow_pool_release(&pool);
}

/* What is read is written in a form that reads the same. */
static void try_unit(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t value, again;
    char back[32];

    if (tow_parse_size(text, &value, &err) == TOW_OK) {
        demand(value >= 0, "a size");
        tow_format_size(value, back);
        demand(tow_parse_size(back, &again, &err) == TOW_OK && again == value, "the same size");
    } else {
        demand_message(&err);
    }
    err = (struct tow_error)TOW_ERROR_INIT;
    if (tow_parse_duration(text, &value, &err) == TOW_OK) {
        demand(value >= 0, "a duration");
        tow_format_duration(value, back);
        demand(tow_parse_duration(back, &again, &err) == TOW_OK && again == value,
               "the same duration");
    } else {
        demand_message(&err);
    }
}

/* Doubling each "${" into "$${" gives a text that stands for itself. */
static void try_expand(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *out, *safe = malloc(2 * strlen(text) + 1), *to = safe;
    int origin;

    demand(safe != NULL, "memory");
    if (tow_expand_text(text, folder, &out, &origin, &err) == TOW_OK) {
        demand(origin != TOW_SETTING_LITERAL || strlen(out) <= strlen(text), "a literal");
        free(out);
    } else {
        demand_message(&err);
    }
    for (const char *p = text; *p; p++) {
        if (p[0] == '$' && p[1] == '{')
            *to++ = '$';
        *to++ = *p;
    }
    *to = '\0';
    demand(tow_expand_text(safe, folder, &out, &origin, &err) == TOW_OK, "a text without any");
    demand(origin == TOW_SETTING_LITERAL && strcmp(out, text) == 0, "the text itself");
    free(out);
    free(safe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size < 2)
        return 0;
    make_folder();
    text = strndup((const char *)data + 1, size - 1);
    demand(text != NULL, "memory");
    if (data[0] == 's')
        try_set(text);
    else if (data[0] == 'o')
        try_option(&options[data[1] % OPTION_COUNT], *text ? text + 1 : text);
    else if (data[0] == 'u')
        try_unit(text);
    else if (data[0] == 'e')
        try_expand(text);
    else
        try_text((const char *)data + 1, size - 1);
    free(text);
    return 0;
}
