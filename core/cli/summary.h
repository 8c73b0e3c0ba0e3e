/*
 * How a run went, in a block for people or a JSON object for machines.
 */
#ifndef CORE_CLI_SUMMARY_H
#define CORE_CLI_SUMMARY_H

#include <stdio.h>

#include "cli/cli.h"
#include "console/doc.h"

/* Of the command that ran the job. */
struct tow_summary {
    const char *job; /* its name */
    const struct tow_cli *cli;
    const char *path;                    /* of its file, as given */
    const struct tow_texts *sets;        /* values of --set */
    const struct tow_assembly *assembly; /* says which of them are secrets */
    int64_t replay_of;                   /* 0: no replay */
    int trial;                           /* 1: --limit */
    const struct tow_run_report *report;
};

int tow_summary_text(const struct tow_summary *summary, FILE *to, struct tow_error *err);
/* Members: see `towpath run --help`, which TOW_SUMMARY_JSON is part of. */
int tow_summary_json(const struct tow_summary *summary, FILE *to, struct tow_error *err);

#define TOW_SUMMARY_JSON                                                                         \
    "With --json one object is printed: job, run, status (ok, failed, cancelled),\n"             \
    "exit_code, error (null or {class, message}), start, end, seconds, load, earlier_loads\n"    \
    "and earlier_rows (ended before by `load`), resumed_of (the run whose load this one\n"       \
    "continued), replay_of, trial, rows {read, accepted, rejected, filtered, pending}, bytes,\n" \
    "batches, retries, rows_per_second, bytes_per_second, rejects (file or null)."

#endif
