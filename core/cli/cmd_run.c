#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/execute.h"
#include "cli/summary.h"
#include "towpath/value.h"

struct run_options {
    int64_t limit;
    int full, accept_schema, json, log_job;
    const char *since, *slot, *text, *why;
    int64_t attempt;
    struct tow_texts sets;
};

#define RUN(member) offsetof(struct run_options, member)

static const struct tow_argument run_arguments[] = {
    {"limit", 0, TOW_ARGUMENT_NUMBER, RUN(limit), "ROWS",
     "read at most so many rows, as a trial: the checkpoint stays", 0, INT64_MAX, -1},
    {"full", 0, TOW_ARGUMENT_FLAG, RUN(full), NULL,
     "start from nothing: forget checkpoint and ledgers", 0, 0, 0},
    {"since", 0, TOW_ARGUMENT_TEXT, RUN(since), "MOMENT",
     "start from there instead: --full with source.since", 0, 0, 0},
    {"accept-schema-change", 0, TOW_ARGUMENT_FLAG, RUN(accept_schema), NULL,
     "go on although the source's columns changed", 0, 0, 0},
    {"set", 0, TOW_ARGUMENT_TEXTS, RUN(sets), "KEY=VALUE",
     "another value than the job file's (sink.path=out.csv)", 0, 0, 0},
    {"text", 0, TOW_ARGUMENT_TEXT, RUN(text), "COPY",
     "read the job from this earlier copy of the file", 0, 0, 0},
    {"slot", 0, TOW_ARGUMENT_TEXT, RUN(slot), "MOMENT",
     "run only if no run stands for that moment of the schedule yet", 0, 0, 0},
    {"attempt", 0, TOW_ARGUMENT_NUMBER, RUN(attempt), "N",
     "with --slot: the try it is; one whose run failed needs a higher one", 1, 1000000, 1},
    {"why", 0, TOW_ARGUMENT_TEXT, RUN(why), "FILE", "write there why no run began, where none did",
     0, 0, 0},
    {"log-job", 0, TOW_ARGUMENT_FLAG, RUN(log_job), NULL, "begin each log line with the job's name",
     0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, RUN(json), NULL, "print the closing block as JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* A moment with its zone, as `towpath runs` and the daemon write slots. */
static int run_slot(const char *text, int64_t *slot_us, struct tow_error *err)
{
    int zone = 0;

    if (tow_parse_timestamp(text, strlen(text), slot_us, &zone) != TOW_PARSE_OK || !zone ||
        *slot_us == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "--slot: \"%.40s\" is no moment such as 2026-01-31T04:00:00Z", text);
    return TOW_OK;
}

static int run_with(const struct tow_cli *cli, const struct run_options *run,
                    const struct tow_texts *sets)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t slot_us = 0;

    if (run->slot && run_slot(run->slot, &slot_us, &err))
        return tow_cli_usage("run", "%s", err.message);
    const struct tow_execute execute = {
        .path = cli->arguments[0],
        .text = run->text,
        .why = run->why,
        .sets = sets,
        .limit = run->limit,
        .full = run->full || run->since,
        .accept_schema = run->accept_schema,
        .slot_us = slot_us,
        .attempt = slot_us ? (int32_t)run->attempt : 0,
        .name_log = run->log_job,
        .json = run->json,
    };

    return tow_cli_execute(cli, &execute);
}

/* Where a run starts is the source's to say; the core only forgets where the last one ended. */
static int run_since(const struct tow_cli *cli, const struct run_options *run)
{
    struct tow_texts sets = {calloc(run->sets.count + 1, sizeof *sets.items), run->sets.count};
    struct tow_error err = TOW_ERROR_INIT;
    char *set = NULL;
    int code;

    if (!sets.items || asprintf(&set, "source.since=\"%s\"", run->since) < 0) {
        tow_error_nomem(&err);
        code = tow_cli_fail(&err);
    } else {
        for (size_t i = 0; i < run->sets.count; i++)
            sets.items[i] = run->sets.items[i];
        sets.items[sets.count++] = set;
        code = run_with(cli, run, &sets);
    }
    free(set);
    free(sets.items);
    return code;
}

static int run_call(const struct tow_cli *cli, const void *options)
{
    const struct run_options *run = options;

    return run->since ? run_since(cli, run) : run_with(cli, run, &run->sets);
}

const struct tow_command tow_cmd_run = {
    .name = "run",
    .arguments = "FILE",
    .summary = "Runs a job, or goes on with it where its last run stopped",
    .about =
        "Rows that are refused go to a file that the closing block names; `towpath replay` sends\n"
        "them again. The first SIGINT or SIGTERM stops reading and finishes what is in flight, "
        "the\n"
        "second stops at once; in both cases a later run goes on without loss.\n"
        "\n"
        "With --slot, of all runs that are started for one moment of a schedule, by whatever and\n"
        "however often, one does the work; the others end with exit code 8.\n"
        "\n"
        "Where the sink writes to standard output (path = \"-\"), the closing block goes to\n"
        "standard error.\n"
        "\n" TOW_SUMMARY_JSON,
    .example = "  towpath run orders.cfg\n"
               "  towpath run orders.cfg --limit 100 --set sink.path=trial.ndjson\n"
               "  towpath run changes.cfg --since 2026-01-01",
    .options = run_arguments,
    .options_size = sizeof(struct run_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = run_call,
};
