/*
 * One run of a job: source -> transforms -> columns -> sink workers, with the outcome of each row
 * recorded and the checkpoint moved only past rows that are settled and durable.
 *
 * How it works inside stands in docs/design.md, "A run".
 */
#ifndef CORE_RUN_RUN_H
#define CORE_RUN_RUN_H

#include "config/job.h"
#include "run/assembly/assembly.h"
#include "run/cancel.h"
#include "state/state.h"

/* Exit codes of `towpath run`; documented in towpath(1) and stable. */
#define TOW_EXIT_OK          0
#define TOW_EXIT_INTERNAL    1
#define TOW_EXIT_CONFIG      2
#define TOW_EXIT_ENVIRONMENT 3
#define TOW_EXIT_BALANCE     4
#define TOW_EXIT_REJECTS     5
#define TOW_EXIT_PARTIAL     6
#define TOW_EXIT_LOCKED      8

/* The exit code for an error class outside a run (a failed `state reset`, say). */
int tow_exit_code(int error_class);

/* What is going on, for the live line; sent about once a second from another thread. */
struct tow_progress {
    struct tow_counts counts; /* as they stand, not only what is committed; pending: in flight */
    int64_t bytes_in_flight;
    int64_t elapsed_ms;
    int64_t retries;
    int stopping; /* 1: draining after a signal */
};

struct tow_run_report;

struct tow_run_options {
    int64_t limit;     /* rows to read at most, as a trial: the output is published, checkpoint and
                          ledgers stay; -1: all */
    int full;          /* 1: start from nothing: checkpoint and ledgers are forgotten */
    int accept_schema; /* 1: resume although the source's columns changed */
    int64_t replay_of; /* run whose rejects are the input; 0: the job's own source */
    int64_t slot_us;   /* the slot of its schedule that the run stands for; 0: none. Where another
                          run has taken it, this one ends with TOW_EXIT_LOCKED */
    int32_t attempt;   /* of the slot, from 1 */
    struct tow_cancel *cancel; /* stop reading and drain; set by the caller's signal handler */
    struct tow_cancel *abort;  /* stop at once; set by the second signal; may be NULL */
    int64_t heartbeat_ms;      /* how often the job's lock is renewed; 0: every 10 s */
    void (*progress)(void *context, const struct tow_progress *progress); /* may be NULL */
    void *progress_context;
    /* A load has ended by the job's `load`, and another one follows; may be NULL. */
    void (*load_ended)(void *context, const struct tow_run_report *report);
    void *load_context;
};

/* How it went. Fixed-size text, so there is nothing to release. */
struct tow_run_report {
    int64_t run; /* 0 where it never began */
    int exit_code;
    char status[16]; /* TOW_RUN_... */
    int64_t start_us, end_us;
    struct tow_counts counts;
    int64_t resumed_of; /* the run whose load this one continued; 0: a new load */
    char load_id[33];
    char reject_path[4096]; /* "" where nothing was rejected */
    struct tow_error error; /* TOW_OK where all went well */
    int64_t loads, rows;    /* loads that ended before this one by the job's `load`, and rows that
                               were read in them */
};

/*
 * Runs the job; where loads end by its `load`, one run of the state after the other: the report is
 * the last one's. The return value is that of report->error; the exit code is in the report. Needs
 * an assembly without errors.
 */
int tow_run_job(struct tow_assembly *assembly, struct tow_state *state,
                const struct tow_run_options *options, struct tow_run_report *report);

#endif
