#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/reject_view.h"

struct rejects_options {
    int64_t limit;
    int json;
};

#define REJECTS(member) offsetof(struct rejects_options, member)

static const struct tow_argument rejects_arguments[] = {
    {"limit", 0, TOW_ARGUMENT_NUMBER, REJECTS(limit), "N", "at most N rows (default: all)", 0,
     INT64_MAX, -1},
    {"json", 0, TOW_ARGUMENT_FLAG, REJECTS(json), NULL, "print the lines as they are stored", 0, 0,
     0},
    TOW_ARGUMENTS_END,
};

static int rejects_print_all(struct tow_reject_reader *reader,
                             const struct rejects_options *options, struct tow_error *err)
{
    struct tow_reject_line reject = {0};
    int rc = TOW_OK;

    for (int64_t count = 0; options->limit < 0 || count < options->limit; count++) {
        const char *line;
        size_t length;

        rc = tow_reject_reader_next(reader, &line, &length, err);
        if (rc)
            break;
        if (options->json) {
            fwrite(line, 1, length, stdout);
            putchar('\n');
            continue;
        }
        rc = tow_reject_line_parse(&reject, line, length, err);
        if (rc)
            break;
        tow_reject_view_print(&reject, "    ");
        if (ferror(stdout))
            break;
    }
    tow_reject_line_release(&reject);
    return rc == TOW_END ? TOW_OK : rc;
}

static int rejects_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_reject_reader *reader = NULL;
    struct tow_run run;
    int rc = tow_cli_find_run(cli, &state, &run, &err);

    if (!rc && run.reject_bytes > 0) {
        reader = tow_reject_view_open(state, &run, &err);
        rc = reader ? rejects_print_all(reader, options, &err) : err.code;
    } else if (!rc && !((const struct rejects_options *)options)->json) {
        printf("run %" PRId64 " of job %s rejected no rows\n", run.id, run.job);
    }
    tow_reject_reader_free(reader);
    tow_state_close(state);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_rejects = {
    .name = "rejects",
    .arguments = "RUN",
    .summary = "Prints the rows that a run rejected, each with the reason",
    .about =
        "A row is two lines: where it stood, code and reason; then the row, or the text of it\n"
        "where it could not be read as a row. With --json each is one line of JSON: code,\n"
        "message, stage, origin, line, row or raw.",
    .example = "  towpath rejects 7 --limit 10",
    .options = rejects_arguments,
    .options_size = sizeof(struct rejects_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = rejects_call,
};
