/*
 * What the daemon does, without its processes and clocks: which job is started, skipped, closed or
 * told about, by the agendas of core/schedule and by the state. The loop (loop.h) calls in with the
 * time and with what happened; `ops` starts and watches processes. So tests drive years of it with
 * a clock of their own.
 *
 * Nothing is ever lost by dying, at any instant:
 * - the agenda is kept before a run starts, so the daemon that comes next knows what was to run;
 * - the run takes its slot in the transaction that begins it (state/state.h), so a start that is
 *   made twice begins one run;
 * - a run that outlives the daemon goes on; the next daemon finds it by the job's lock, waits for
 *   its end and reads how it ended from the state;
 * - a run that died with it is closed as interrupted and begun again for its slot.
 *
 * Where the state cannot be read or written, nothing is started: what cannot be recorded must not
 * run. The supervisor says so once, looks again every few seconds, and goes on where it stood.
 *
 * One thread.
 */
#ifndef CORE_DAEMON_SUPERVISOR_H
#define CORE_DAEMON_SUPERVISOR_H

#include "daemon/job.h"

#define TOW_STATE_RETRY_US (5 * INT64_C(1000000)) /* a state that failed is tried again */

struct tow_supervisor;

struct tow_supervisor_ops {
    /* Starts `towpath run` for job->plan, with the slot of job->agenda or by hand, in job->child.
     */
    int (*start)(void *context, struct tow_daemon_job *job, struct tow_error *err);
    /* Tells the job's child to end. */
    void (*stop)(void *context, struct tow_daemon_job *job);
    /* A descriptor for the end of somebody's process; -1 where it is gone or cannot be seen. */
    int (*watch)(void *context, int64_t pid);
    void (*unwatch)(void *context, int fd);
    /* Monotonic milliseconds: timeouts of runs know no clock changes. */
    int64_t (*monotonic_ms)(void *context);
};

struct tow_supervisor {
    struct tow_state *state; /* NULL: it could not be opened yet */
    const struct tow_supervisor_ops *ops;
    void *context;
    int max_runs;

    struct tow_daemon_job **jobs; /* in the order of their files' names */
    size_t count;
    int running; /* children */
    int draining;
    int told; /* an alert was put into the state; the caller clears it */

    int state_failed; /* the last thing asked of the state did not work */
    char state_error[1024];
    int64_t state_retry_us; /* when it is tried again */
    int64_t clock_us;       /* of the last step */
};

void tow_supervisor_release(struct tow_supervisor *supervisor);

/* Closes runs whose processes are dead, of all jobs in the state: at start. */
int tow_supervisor_close_dead(struct tow_supervisor *supervisor, int64_t now_us,
                              struct tow_error *err);
/* Takes the plans (whose contents move) as the new set: jobs of the same name keep what is known of
 * them and their runs; what is not among them goes, at the end of its run. A stale one has a name
 * alone: the job of that name, which is there, stays as it is. */
int tow_supervisor_take(struct tow_supervisor *supervisor, struct tow_job_plan *plans,
                        const int *stale, size_t count, struct tow_error *err);

/* Does what is due, and returns when to come again, INT64_MAX for never. To be called as well after
 * each of the calls below, and after the clock was set. */
int64_t tow_supervisor_step(struct tow_supervisor *supervisor, int64_t now_us);
/* The job's child has ended. */
void tow_supervisor_ended(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                          int exit_code, int signal_number, int64_t now_us);
/* The process of job->watch_fd has ended. */
void tow_supervisor_watched(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            int64_t now_us);
/* A run that somebody asked for. TOW_E_TRANSIENT where the job runs, or the daemon is draining or
 * has --max-runs runs under way; TOW_E_ENV where the state fails. */
int tow_supervisor_run(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                       int64_t now_us, struct tow_error *err);
/* Starts nothing more and tells all children to end. */
void tow_supervisor_drain(struct tow_supervisor *supervisor);

/* By name; NULL where there is none. */
struct tow_daemon_job *tow_supervisor_find(const struct tow_supervisor *supervisor,
                                           const char *name);
/* When the job starts next; TOW_SLOT_NEVER. */
int64_t tow_supervisor_next(const struct tow_daemon_job *job, int64_t now_us);

/* Between the files of the supervisor. It failed for this reason; the last three below fail, too,
 * where there is no state. */
void tow_supervisor_state_failed(struct tow_supervisor *supervisor, const struct tow_error *err,
                                 int64_t now_us);
int tow_supervisor_keep(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                        int64_t now_us);
/* A run that was not started here is on, by the job's lock, and is watched: 1. 0 where there is
 * none, -1 where the state failed. */
int tow_supervisor_find_foreign(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                                int64_t now_us);
void tow_supervisor_drop_watch(struct tow_supervisor *supervisor, struct tow_daemon_job *job);
/* TOW_OK once the job is taken on, TOW_END where that waits for the end of a run. */
int tow_supervisor_adopt(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                         int64_t now_us);
/* Takes the job's newest ended run into account: its health, and alerts about it. */
int tow_supervisor_judge(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                         int64_t now_us);

#endif
