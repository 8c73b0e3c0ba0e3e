/*
 * Running a job from the command line: signals, live line, closing block. `run` and `replay` share
 * it.
 */
#ifndef CORE_CLI_EXECUTE_H
#define CORE_CLI_EXECUTE_H

#include "cli/cli.h"

struct tow_execute {
    const char *path; /* of the job file, as given */
    const char *text; /* of a file whose text stands for that of the job file; NULL: none */
    const struct tow_texts *sets;
    int64_t limit; /* -1: all */
    int full, accept_schema;
    int64_t replay_of;
    int64_t slot_us; /* 0: none */
    int32_t attempt;
    const char *why; /* a file that says why no run began; NULL: nobody asks */
    int name_log;    /* 1: log lines start with the job's name */
    int json;
};

/* Returns the exit code. */
int tow_cli_execute(const struct tow_cli *cli, const struct tow_execute *execute);

/* From now on SIGINT and SIGTERM set `cancel`, and once that is set, `abort` (the same, where a
 * second one changes nothing). NULL, NULL: as before. */
void tow_cli_catch(struct tow_cancel *cancel, struct tow_cancel *abort);

#endif
