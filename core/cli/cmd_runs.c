/* `towpath runs` and `towpath runs show`: what ran, and how it went. */
#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "console/human.h"
#include "console/run_doc.h"
#include "console/table.h"

#define RUNS_SHOWN 20

struct runs_options {
    int64_t last;
    int json;
};

#define RUNS(member) offsetof(struct runs_options, member)

static const struct tow_argument runs_arguments[] = {
    {"last", 0, TOW_ARGUMENT_NUMBER, RUNS(last), "N", "the newest N runs (default 20; 0: all)", 0,
     INT64_MAX, RUNS_SHOWN},
    {"json", 0, TOW_ARGUMENT_FLAG, RUNS(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static const struct tow_argument runs_show_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, RUNS(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* A run that is on has no duration yet. */
static char *runs_lapse(const struct tow_run *run, char text[TOW_HUMAN_MAX])
{
    if (run->end_us)
        return tow_human_lapse(run->end_us - run->start_us, text);
    return strcpy(text, "-");
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void runs_doc(struct tow_doc *doc, const struct tow_run *run, const char *rejects)
{
    tow_doc_open(doc, NULL, '{');
    tow_doc_int(doc, "run", run->id);
    tow_doc_text(doc, "job", run->job);
    tow_doc_text(doc, "file", run->job_file);
    tow_doc_text(doc, "status", run->status);
    tow_run_doc_exit_code(doc, run->exit_code);
    tow_run_doc_error(doc, run->error_class, run->error);
    tow_doc_time(doc, "start", run->start_us);
    tow_doc_time(doc, "end", run->end_us);
    tow_doc_text(doc, "load", run->load_id);
    tow_doc_nonzero(doc, "replay_of", run->replay_of);
    tow_doc_nonzero(doc, "replayed_by", run->replayed_by);
    tow_doc_time(doc, "slot", run->slot_us);
    tow_doc_nonzero(doc, "attempt", run->attempt);
    tow_run_doc_counts(doc, &run->counts);
    tow_doc_text(doc, "rejects", rejects);
    tow_doc_close(doc, '}');
}

/* ---- the list ------------------------------------------------------------------------------- */

struct runs_list {
    struct tow_state *state;
    struct tow_table *table; /* or */
    struct tow_doc *doc;
};

static void runs_row(struct tow_table *table, const struct tow_run *run)
{
    char text[TOW_HUMAN_MAX];

    tow_table_add(table, "%" PRId64, run->id);
    tow_table_add(table, "%s", run->job);
    tow_table_add(table, "%s", run->status);
    tow_table_add(table, "%s", tow_human_moment(run->start_us, text));
    tow_table_add(table, "%s", runs_lapse(run, text));
    tow_table_add(table, "%s", tow_human_count(run->counts.read, text));
    tow_table_add(table, "%s", tow_human_count(run->counts.accepted, text));
    tow_table_add(table, "%s", tow_human_count(run->counts.rejected, text));
    if (run->replay_of)
        tow_table_add(table, "replays %" PRId64, run->replay_of);
    else
        tow_table_add(table, "%s", run->error);
}

static int runs_visit(void *context, const struct tow_run *run)
{
    struct runs_list *list = context;

    if (list->doc) {
        char *path =
            run->reject_bytes ? tow_state_reject_path(list->state, run->job, run->id) : NULL;

        runs_doc(list->doc, run, path);
        free(path);
    } else {
        runs_row(list->table, run);
    }
    return 0;
}

static int runs_list(const struct tow_cli *cli, const struct runs_options *options,
                     struct tow_state *state, struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"RUN", 1, 0},  {"JOB", 0, 0},      {"STATUS", 0, 0},   {"START", 0, 0}, {"DURATION", 1, 0},
        {"READ", 1, 0}, {"ACCEPTED", 1, 0}, {"REJECTED", 1, 0}, {"NOTE", 0, 0},
    };
    const char *job = cli->argument_count ? cli->arguments[0] : NULL;
    struct tow_doc doc = {.to = stdout};
    struct runs_list list = {.state = state, .doc = options->json ? &doc : NULL};
    int rc, ended;

    if (list.doc)
        tow_doc_open(&doc, NULL, '[');
    else
        list.table = tow_table_new(columns, sizeof columns / sizeof columns[0]);
    rc = tow_state_runs(state, job, options->last, runs_visit, &list, err);
    if (list.doc) {
        tow_doc_close(&doc, ']');
        ended = tow_doc_end(&doc, rc ? NULL : err);
    } else {
        ended = tow_table_print(list.table, 0, stdout, rc ? NULL : err);
    }
    return rc ? rc : ended;
}

static int runs_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    int rc = tow_cli_state(cli, TOW_STATE_READ, &state, &err);

    if (!rc)
        rc = runs_list(cli, options, state, &err);
    tow_state_close(state);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

/* ---- one run -------------------------------------------------------------------------------- */

static void runs_pair(struct tow_table *table, const char *name, const char *value)
{
    tow_table_add(table, "%s", name);
    tow_table_add(table, "%s", value);
}

static void runs_pair_count(struct tow_table *table, const char *name, int64_t count)
{
    char text[TOW_HUMAN_MAX];

    runs_pair(table, name, tow_human_count(count, text));
}

static int runs_show_text(const struct tow_run *run, const char *rejects, struct tow_error *err)
{
    static const struct tow_table_column pair[] = {{NULL, 0, 0}, {NULL, 0, 0}};
    struct tow_table *table = tow_table_new(pair, 2);
    char text[TOW_HUMAN_MAX];

    tow_table_add(table, "run");
    tow_table_add(table, "%" PRId64, run->id);
    runs_pair(table, "job", run->job);
    runs_pair(table, "file", run->job_file);
    runs_pair(table, "status", run->status);
    if (run->error_class)
        runs_pair(table, "error", run->error);
    if (run->exit_code >= 0)
        runs_pair_count(table, "exit code", run->exit_code);
    runs_pair(table, "start", tow_human_moment(run->start_us, text));
    runs_pair(table, "end", tow_human_moment(run->end_us, text));
    runs_pair(table, "duration", runs_lapse(run, text));
    runs_pair(table, "load", run->load_id);
    if (run->replay_of)
        runs_pair_count(table, "replays", run->replay_of);
    if (run->slot_us)
        runs_pair(table, "slot", tow_human_moment(run->slot_us, text));
    if (run->attempt > 1)
        runs_pair_count(table, "attempt", run->attempt);
    runs_pair_count(table, "read", run->counts.read);
    runs_pair_count(table, "accepted", run->counts.accepted);
    runs_pair_count(table, "rejected", run->counts.rejected);
    runs_pair_count(table, "filtered", run->counts.filtered);
    runs_pair_count(table, "pending", run->counts.pending);
    runs_pair_count(table, "retries", run->counts.retries);
    runs_pair(table, "bytes", tow_human_bytes(run->counts.bytes, text));
    if (rejects)
        runs_pair(table, "rejects", rejects);
    if (run->replayed_by) {
        tow_table_add(table, "replayed by");
        tow_table_add(table, "run %" PRId64, run->replayed_by);
    }
    return tow_table_print(table, 0, stdout, err);
}

static int runs_show(const struct tow_run *run, struct tow_state *state, int json,
                     struct tow_error *err)
{
    struct tow_doc doc = {.to = stdout};
    char *rejects = NULL;
    int rc;

    if (run->reject_bytes) {
        rejects = tow_state_reject_path(state, run->job, run->id);
        if (!rejects)
            return tow_error_nomem(err);
    }
    if (json) {
        runs_doc(&doc, run, rejects);
        rc = tow_doc_end(&doc, err);
    } else {
        rc = runs_show_text(run, rejects, err);
    }
    free(rejects);
    return rc;
}

static int runs_show_call(const struct tow_cli *cli, const void *options)
{
    const struct runs_options *runs = options;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_run run;
    int rc = tow_cli_find_run(cli, &state, &run, &err);

    if (!rc)
        rc = runs_show(&run, state, runs->json, &err);
    tow_state_close(state);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

#define RUNS_JSON                                                                                 \
    "run, job, file, status (running, ok,\n"                                                      \
    "failed, cancelled, interrupted), exit_code, error (null or {class, message}), start, end,\n" \
    "load, replay_of, replayed_by, slot, attempt, rows {read, accepted, rejected, filtered,\n"    \
    "pending}, bytes, batches, retries, rejects."

const struct tow_command tow_cmd_runs = {
    .name = "runs",
    .arguments = "[JOB]",
    .summary = "Lists runs, newest first",
    .about = "Counts of a run that is under way are those of its last checkpoint.\n"
             "\n"
             "With --json an array is printed, of objects: " RUNS_JSON,
    .example = "  towpath runs orders --last 5",
    .options = runs_arguments,
    .options_size = sizeof(struct runs_options),
    .argument_max = 1,
    .call = runs_call,
};

const struct tow_command tow_cmd_runs_show = {
    .name = "runs show",
    .arguments = "RUN",
    .summary = "Shows all about one run",
    .about = "With --json one object is printed: " RUNS_JSON,
    .example = "  towpath runs show 7",
    .options = runs_show_arguments,
    .options_size = sizeof(struct runs_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = runs_show_call,
};
