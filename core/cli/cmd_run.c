#include "cli/execute.h"
#include "cli/summary.h"

struct run_options {
    int64_t limit;
    int full, accept_schema, json;
    struct tow_texts sets;
};

#define RUN(member) offsetof(struct run_options, member)

static const struct tow_argument run_arguments[] = {
    {"limit", 0, TOW_ARGUMENT_NUMBER, RUN(limit), "ROWS",
     "read at most so many rows, as a trial: the checkpoint stays", 0, INT64_MAX, -1},
    {"full", 0, TOW_ARGUMENT_FLAG, RUN(full), NULL,
     "start from nothing: forget checkpoint and ledgers", 0, 0, 0},
    {"accept-schema-change", 0, TOW_ARGUMENT_FLAG, RUN(accept_schema), NULL,
     "go on although the source's columns changed", 0, 0, 0},
    {"set", 0, TOW_ARGUMENT_TEXTS, RUN(sets), "KEY=VALUE",
     "another value than the job file's (sink.path=out.csv)", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, RUN(json), NULL, "print the closing block as JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static int run_call(const struct tow_cli *cli, const void *options)
{
    const struct run_options *run = options;
    const struct tow_execute execute = {
        .path = cli->arguments[0],
        .sets = &run->sets,
        .limit = run->limit,
        .full = run->full,
        .accept_schema = run->accept_schema,
        .json = run->json,
    };

    return tow_cli_execute(cli, &execute);
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
        "Where the sink writes to standard output (path = \"-\"), the closing block goes to\n"
        "standard error.\n"
        "\n" TOW_SUMMARY_JSON,
    .example = "  towpath run orders.cfg\n"
               "  towpath run orders.cfg --limit 100 --set sink.path=trial.ndjson",
    .options = run_arguments,
    .options_size = sizeof(struct run_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = run_call,
};
