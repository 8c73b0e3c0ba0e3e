/* `towpath state show`: where jobs stand. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "console/doc.h"
#include "console/human.h"
#include "console/table.h"
#include "towpath/value.h"

/* Bytes of a position that the list of all jobs shows. */
#define STATE_POSITION_SHOWN 40

/* ---- positions ------------------------------------------------------------------------------ */

static int state_printable(const struct tow_position *position)
{
    for (uint32_t i = 0; i < position->length; i++)
        if (position->bytes[i] < 0x20 || position->bytes[i] == 0x7f)
            return 0;
    return tow_utf8_valid((const char *)position->bytes, position->length);
}

/* As text where it is printable, else as hex with "0x" before it. */
static void state_position_text(const struct tow_position *position,
                                char text[2 * TOW_POSITION_MAX + 3])
{
    if (position->length == 0) {
        strcpy(text, "(start)");
    } else if (state_printable(position)) {
        memcpy(text, position->bytes, position->length);
        text[position->length] = '\0';
    } else {
        memcpy(text, "0x", 2);
        *tow_put_hex(text + 2, position->bytes, position->length) = '\0';
    }
}

static void state_doc_position(struct tow_doc *doc, const char *key,
                               const struct tow_position *position)
{
    char text[2 * TOW_POSITION_MAX + 3];

    tow_doc_open(doc, key, '{');
    *tow_put_hex(text, position->bytes, position->length) = '\0';
    tow_doc_text(doc, "hex", text);
    state_position_text(position, text);
    tow_doc_text(doc, "text", position->length && state_printable(position) ? text : NULL);
    tow_doc_close(doc, '}');
}

/* ---- show ----------------------------------------------------------------------------------- */

struct state_show_options {
    int json;
};

static const struct tow_argument state_show_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct state_show_options, json), NULL, "print JSON", 0,
     0, 0},
    TOW_ARGUMENTS_END,
};

static void state_doc_job(struct tow_doc *doc, const char *job,
                          const struct tow_checkpoint *checkpoint)
{
    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "job", job);
    if (checkpoint) {
        tow_doc_open(doc, "checkpoint", '{');
        tow_doc_text(doc, "source", checkpoint->source);
        tow_doc_text(doc, "source_version", checkpoint->source_version);
        tow_doc_text(doc, "sink", checkpoint->sink);
        tow_doc_text(doc, "fingerprint", checkpoint->fingerprint);
        tow_doc_text(doc, "load", checkpoint->load_id[0] ? checkpoint->load_id : NULL);
        tow_doc_int(doc, "run", checkpoint->run);
        tow_doc_time(doc, "saved", checkpoint->saved_us);
        tow_doc_int(doc, "batches", (int64_t)checkpoint->seq);
        state_doc_position(doc, "position", &checkpoint->position);
        tow_doc_open(doc, "tokens", '[');
        for (uint32_t i = 0; i < checkpoint->token_count; i++)
            state_doc_position(doc, NULL, &checkpoint->tokens[i]);
        tow_doc_close(doc, ']');
        tow_doc_close(doc, '}');
    } else {
        tow_doc_text(doc, "checkpoint", NULL);
    }
    tow_doc_close(doc, '}');
}

static void state_row(struct tow_table *table, const char *job,
                      const struct tow_checkpoint *checkpoint)
{
    char position[2 * TOW_POSITION_MAX + 3], text[TOW_HUMAN_MAX];

    tow_table_add(table, "%s", job);
    if (!checkpoint) {
        tow_table_add(table, "-");
        tow_table_add(table, "-");
        tow_table_add(table, "-");
        tow_table_add(table, "no checkpoint");
        return;
    }
    tow_table_add(table, "%s", checkpoint->source);
    tow_table_add(table, "%s", tow_human_moment(checkpoint->saved_us, text));
    tow_table_add(table, "%s", checkpoint->load_id[0] ? "unfinished" : "complete");
    state_position_text(&checkpoint->position, position);
    if (strlen(position) > STATE_POSITION_SHOWN)
        strcpy(position + STATE_POSITION_SHOWN, "...");
    tow_table_add(table, "%s", position);
}

struct state_list {
    struct tow_state *state;
    struct tow_table *table; /* or */
    struct tow_doc *doc;
    struct tow_error *err;
};

static int state_visit(void *context, const char *job)
{
    struct state_list *list = context;
    struct tow_checkpoint checkpoint = {0};
    int rc = tow_state_checkpoint(list->state, job, &checkpoint, list->err);

    if (rc < TOW_OK)
        return rc;
    if (list->doc)
        state_doc_job(list->doc, job, rc == TOW_OK ? &checkpoint : NULL);
    else
        state_row(list->table, job, rc == TOW_OK ? &checkpoint : NULL);
    tow_checkpoint_release(&checkpoint);
    return TOW_OK;
}

static int state_list(struct tow_state *state, struct tow_doc *doc, struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"JOB", 0, 0}, {"SOURCE", 0, 0}, {"SAVED", 0, 0}, {"LOAD", 0, 0}, {"POSITION", 0, 0},
    };
    struct state_list list = {.state = state, .doc = doc, .err = err};

    if (doc)
        tow_doc_open(doc, NULL, '[');
    else
        list.table = tow_table_new(columns, sizeof columns / sizeof columns[0]);
    int rc = tow_state_jobs(state, state_visit, &list, err);
    if (doc) {
        tow_doc_close(doc, ']');
        return rc;
    }
    int printed = tow_table_print(list.table, 0, stdout, rc ? NULL : err);
    return rc ? rc : printed;
}

static int32_t state_count_entry(void *context, const char *key, const void *value, uint32_t length)
{
    (void)key, (void)value, (void)length;
    ++*(int64_t *)context;
    return 0;
}

static int state_ledger_row(struct tow_table *table, struct tow_state *state, const char *job,
                            const char *role, const char *plugin, struct tow_error *err)
{
    char ledger[80], text[TOW_HUMAN_MAX];
    int64_t count = 0;

    snprintf(ledger, sizeof ledger, "%s:%s", role, plugin);
    int rc = tow_state_ledger_each(state, job, ledger, "", state_count_entry, &count, err);
    if (rc || count == 0)
        return rc;
    tow_table_add(table, "ledger");
    tow_table_add(table, "%s: %s entr%s", ledger, tow_human_count(count, text),
                  count == 1 ? "y" : "ies");
    return TOW_OK;
}

static int state_show_job(struct tow_state *state, const char *job,
                          const struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    static const struct tow_table_column pair[] = {{NULL, 0, 0}, {NULL, 0, 0}};
    struct tow_table *table = tow_table_new(pair, 2);
    char position[2 * TOW_POSITION_MAX + 3], text[TOW_HUMAN_MAX];

    tow_table_add(table, "job");
    tow_table_add(table, "%s", job);
    tow_table_add(table, "source");
    tow_table_add(table, "%s %s", checkpoint->source, checkpoint->source_version);
    tow_table_add(table, "sink");
    tow_table_add(table, "%s", checkpoint->sink);
    tow_table_add(table, "saved");
    tow_table_add(table, "%s by run %" PRId64, tow_human_moment(checkpoint->saved_us, text),
                  checkpoint->run);
    tow_table_add(table, "load");
    if (checkpoint->load_id[0])
        tow_table_add(table, "%s, unfinished: the next run goes on behind batch %" PRIu64,
                      checkpoint->load_id, checkpoint->seq);
    else
        tow_table_add(table, "complete: the next run starts a new one");
    state_position_text(&checkpoint->position, position);
    tow_table_add(table, "position");
    tow_table_add(table, "%s", position);
    for (uint32_t i = 0; i < checkpoint->token_count; i++) {
        state_position_text(&checkpoint->tokens[i], position);
        tow_table_add(table, "token %" PRIu32, i);
        tow_table_add(table, "%s", checkpoint->tokens[i].length ? position : "(none)");
    }
    int rc = state_ledger_row(table, state, job, "source", checkpoint->source, err);
    if (!rc)
        rc = state_ledger_row(table, state, job, "sink", checkpoint->sink, err);
    int printed = tow_table_print(table, 0, stdout, rc ? NULL : err);
    return rc ? rc : printed;
}

static int state_show_one(struct tow_state *state, const char *job, struct tow_doc *doc,
                          struct tow_error *err)
{
    struct tow_checkpoint checkpoint = {0};
    int rc = tow_cli_known_job(state, job, err);

    if (rc)
        return rc;
    rc = tow_state_checkpoint(state, job, &checkpoint, err);
    if (rc >= TOW_OK && doc)
        state_doc_job(doc, job, rc == TOW_OK ? &checkpoint : NULL);
    else if (rc == TOW_OK)
        rc = state_show_job(state, job, &checkpoint, err);
    else if (rc == TOW_END)
        printf("job %s has no checkpoint: its next run starts from nothing\n", job);
    tow_checkpoint_release(&checkpoint);
    return rc < TOW_OK ? rc : TOW_OK;
}

static int state_show_call(const struct tow_cli *cli, const void *options)
{
    const struct state_show_options *show = options;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_doc doc = {.to = stdout};
    int rc = tow_cli_state(cli, TOW_STATE_READ, &state, &err);

    if (!rc && cli->argument_count)
        rc = state_show_one(state, cli->arguments[0], show->json ? &doc : NULL, &err);
    else if (!rc)
        rc = state_list(state, show->json ? &doc : NULL, &err);
    int written = tow_doc_end(&doc, rc ? NULL : &err);
    tow_state_close(state);
    return rc || written ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_state_show = {
    .name = "state show",
    .arguments = "[JOB]",
    .summary = "Shows where jobs stand",
    .about = "Positions are shown as text where they are printable, else in hex.\n"
             "\n"
             "With --json: an array, or with JOB one object, of job, checkpoint {source,\n"
             "source_version, sink, fingerprint, load, run, saved, batches, position {hex, text},\n"
             "tokens [{hex, text}]} or null.",
    .example = "  towpath state show orders",
    .options = state_show_arguments,
    .options_size = sizeof(struct state_show_options),
    .argument_max = 1,
    .call = state_show_call,
};
