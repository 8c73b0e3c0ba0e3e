#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/execute.h"
#include "cli/reject_view.h"
#include "cli/summary.h"
#include "console/doc.h"
#include "console/human.h"
#include "console/table.h"

struct replay_options {
    const char *job;
    int dry_run, again, json;
    struct tow_texts sets;
};

#define REPLAY(member) offsetof(struct replay_options, member)

static const struct tow_argument replay_arguments[] = {
    {"job", 0, TOW_ARGUMENT_TEXT, REPLAY(job), "FILE",
     "another job file than the one that the run was made with", 0, 0, 0},
    {"dry-run", 0, TOW_ARGUMENT_FLAG, REPLAY(dry_run), NULL, "send nothing; count the rows by code",
     0, 0, 0},
    {"again", 0, TOW_ARGUMENT_FLAG, REPLAY(again), NULL,
     "also where these rows were replayed before", 0, 0, 0},
    {"set", 0, TOW_ARGUMENT_TEXTS, REPLAY(sets), "KEY=VALUE",
     "another value than the job file's (sink.path=out.csv)", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, REPLAY(json), NULL, "print the outcome as JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* ---- what would be sent --------------------------------------------------------------------- */

struct replay_code {
    char *name;
    int64_t rows, unreadable;
};

struct replay_counts {
    struct replay_code *codes;
    size_t count;
    int64_t rows, unreadable;
};

static int replay_count(struct replay_counts *counts, const struct tow_reject_line *reject,
                        struct tow_error *err)
{
    size_t i = 0;

    while (i < counts->count && strcmp(counts->codes[i].name, reject->code) != 0)
        i++;
    if (i == counts->count) {
        struct replay_code *codes = reallocarray(counts->codes, i + 1, sizeof *codes);

        if (!codes)
            return tow_error_nomem(err);
        counts->codes = codes;
        codes[i] = (struct replay_code){.name = strdup(reject->code)};
        if (!codes[i].name)
            return tow_error_nomem(err);
        counts->count++;
    }
    int unreadable = reject->row.text == NULL;
    counts->codes[i].unreadable += unreadable;
    counts->codes[i].rows += !unreadable;
    counts->unreadable += unreadable;
    counts->rows += !unreadable;
    return TOW_OK;
}

static int replay_count_all(struct replay_counts *counts, struct tow_reject_reader *reader,
                            struct tow_error *err)
{
    struct tow_reject_line reject = {0};
    int rc = TOW_OK;

    while (!rc) {
        const char *line;
        size_t length;

        rc = tow_reject_reader_next(reader, &line, &length, err);
        if (!rc)
            rc = tow_reject_line_parse(&reject, line, length, err);
        if (!rc)
            rc = replay_count(counts, &reject, err);
    }
    tow_reject_line_release(&reject);
    return rc == TOW_END ? TOW_OK : rc;
}

static int replay_counts_json(const struct replay_counts *counts, const struct tow_run *run,
                              struct tow_error *err)
{
    struct tow_doc doc = {.to = stdout};

    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "job", run->job);
    tow_doc_int(&doc, "replay_of", run->id);
    tow_doc_int(&doc, "rows", counts->rows);
    tow_doc_int(&doc, "unreadable", counts->unreadable);
    tow_doc_open(&doc, "codes", '[');
    for (size_t i = 0; i < counts->count; i++) {
        tow_doc_open(&doc, NULL, '{');
        tow_doc_text(&doc, "code", counts->codes[i].name);
        tow_doc_int(&doc, "rows", counts->codes[i].rows);
        tow_doc_int(&doc, "unreadable", counts->codes[i].unreadable);
        tow_doc_close(&doc, '}');
    }
    tow_doc_close(&doc, ']');
    tow_doc_close(&doc, '}');
    return tow_doc_end(&doc, err);
}

static int replay_counts_text(const struct replay_counts *counts, const struct tow_run *run,
                              struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"CODE", 0, 0}, {"TO SEND", 1, 0}, {"UNREADABLE", 1, 0}};
    struct tow_table *table = tow_table_new(columns, 3);
    char rows[TOW_HUMAN_MAX], unreadable[TOW_HUMAN_MAX];

    for (size_t i = 0; i < counts->count; i++) {
        tow_table_add(table, "%s", counts->codes[i].name);
        tow_table_add(table, "%s", tow_human_count(counts->codes[i].rows, rows));
        tow_table_add(table, "%s", tow_human_count(counts->codes[i].unreadable, unreadable));
    }
    int rc = tow_table_print(table, 0, stdout, err);
    if (rc)
        return rc;
    printf("a replay of run %" PRId64 " of job %s would send %s row%s\n", run->id, run->job,
           tow_human_count(counts->rows, rows), counts->rows == 1 ? "" : "s");
    if (counts->unreadable)
        printf("%s of which only the text is known would be rejected again\n",
               tow_human_count(counts->unreadable, unreadable));
    return TOW_OK;
}

static int replay_dry_run(struct tow_state *state, const struct tow_run *run, int json,
                          struct tow_error *err)
{
    struct replay_counts counts = {0};
    struct tow_reject_reader *reader = tow_reject_view_open(state, run, err);
    int rc = reader ? replay_count_all(&counts, reader, err) : err->code;

    if (!rc)
        rc = json ? replay_counts_json(&counts, run, err) : replay_counts_text(&counts, run, err);
    tow_reject_reader_free(reader);
    for (size_t i = 0; i < counts.count; i++)
        free(counts.codes[i].name);
    free(counts.codes);
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int replay_check(const struct tow_run *run, const struct replay_options *options,
                        struct tow_error *err)
{
    if (run->reject_bytes == 0)
        return tow_error_set(err, TOW_E_CONFIG, "run %" PRId64 " of job %s rejected no rows",
                             run->id, run->job);
    if (run->replayed_by && !options->again)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the rejected rows of run %" PRId64 " were replayed by run %" PRId64
                             "; to send them once more, give --again",
                             run->id, run->replayed_by);
    return TOW_OK;
}

static int replay_call(const struct tow_cli *cli, const void *options)
{
    const struct replay_options *replay = options;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_run run;
    int rc = tow_cli_find_run(cli, &state, &run, &err);

    if (!rc)
        rc = replay_check(&run, replay, &err);
    if (!rc && replay->dry_run)
        rc = replay_dry_run(state, &run, replay->json, &err);
    tow_state_close(state);
    if (rc)
        return tow_cli_fail(&err);
    if (replay->dry_run)
        return TOW_EXIT_OK;
    const struct tow_execute execute = {
        .path = replay->job ? replay->job : run.job_file,
        .sets = &replay->sets,
        .limit = -1,
        .replay_of = run.id,
        .json = replay->json,
    };
    return tow_cli_execute(cli, &execute);
}

const struct tow_command tow_cmd_replay = {
    .name = "replay",
    .arguments = "RUN",
    .summary = "Sends the rows that a run rejected through the job again",
    .about =
        "Mend the job file first, or the far end; the file is the run's, where --job names no\n"
        "other. Rows of which only the text is known are rejected again. A replay is a run of its\n"
        "own: it can be stopped and goes on when it is started again, and it leaves the job's\n"
        "checkpoint alone.\n"
        "\n" TOW_SUMMARY_JSON "\n"
        "With --dry-run: job, replay_of, rows, unreadable, codes [{code, rows, unreadable}].",
    .example = "  towpath replay 7 --dry-run\n"
               "  towpath replay 7",
    .options = replay_arguments,
    .options_size = sizeof(struct replay_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = replay_call,
};
