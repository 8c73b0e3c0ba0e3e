/*
 * The installation's state: one SQLite file (WAL, synchronous=FULL, 0600) with runs, checkpoints,
 * locks, ledgers and agendas. No secret ever enters it.
 *
 * A connection may be used from any thread; calls are serialized inside. Several processes may
 * use one file. Every change is one transaction and is durable when the call returns. SQLite's
 * busy waits are bounded (10 s), then TOW_E_TRANSIENT; a full disk, a damaged or unreadable file,
 * or one that was removed or replaced since it was opened for writing is TOW_E_ENV; a file whose
 * schema is newer than this program TOW_E_CONFIG, saying both versions.
 */
#ifndef CORE_STATE_STATE_H
#define CORE_STATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "schedule/agenda.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

struct tow_state;

#define TOW_STATE_READ   0 /* never creates or changes anything; an absent file is an empty state */
#define TOW_STATE_CREATE 1 /* creates file (0600) and missing folders (0700), migrates */

int tow_state_open(const char *path, int mode, struct tow_state **out, struct tow_error *err);
void tow_state_close(struct tow_state *state);
/* Absolute. */
const char *tow_state_path(const struct tow_state *state);
/* Where it lies: `given`, else $TOWPATH_STATE, else /var/lib/towpath/state.db for root, else
 * $XDG_STATE_HOME/towpath/state.db (default ~/.local/state). Heap string, NULL without memory. */
char *tow_state_default_path(const char *given);
/* "DIR/state.rejects/JOB/RUN.ndjson" beside "DIR/state.db". Heap string. */
char *tow_state_reject_path(const struct tow_state *state, const char *job, int64_t run);

/* ---- locks ---------------------------------------------------------------------------------- */

/*
 * One run of a job at a time, over all processes on the file. A lock holds host, boot, process,
 * its start time and a heartbeat. It is taken over when its process on this host (same boot) is
 * gone, or when its heartbeat is older than 60 s. On this host and boot the heartbeat does not
 * count: a stopped process, or a clock that jumped, does not lose its lock. A process in another
 * container of this host is judged by its heartbeat, as one of another host is. Refused:
 * TOW_E_TRANSIENT with *busy = 1 and a message that names host, process and since when.
 * A job's name is 1 to 64 bytes, without "/", not starting with ".", else TOW_E_CONFIG.
 * Locks are given back before their state is closed.
 */
struct tow_lock;
int tow_state_lock(struct tow_state *state, const char *job, struct tow_lock **out, int *busy,
                   struct tow_error *err);
void tow_state_unlock(struct tow_lock *lock);
/* TOW_OK where somebody who may be at work holds the job's lock, else TOW_END. *pid is its process
 * where that can be looked at from here, else 0. */
int tow_state_lock_holder(struct tow_state *state, const char *job, int64_t *pid,
                          struct tow_error *err);

/* ---- runs and checkpoints ------------------------------------------------------------------- */

struct tow_counts {
    int64_t read, accepted, rejected, filtered, pending;
    int64_t bytes; /* of the batches read, in memory */
    int64_t batches;
    int64_t retries;
};

/* What the holder of a lock is doing; kept with the lock, and gone with it. */
struct tow_at_work {
    char job[65];
    int64_t run; /* 0: none yet */
    char host[256];
    int64_t pid;
    int64_t since_us, heartbeat_us; /* of the lock */
    int64_t reported_us;            /* when the counts below were; 0: never */
    struct tow_counts counts;       /* as they stand, not only what is committed */
    int64_t in_flight;              /* bytes */
    int64_t lag_us;   /* since a row was settled, while rows are in flight; 0 where none is */
    int32_t stopping; /* 1: it finishes what is in flight */
};

/* Renews the heartbeat (call at least every 15 s) and says what the run does (run, counts,
 * in_flight, lag_us, stopping are read). TOW_E_ENV where the lock was taken over. */
int tow_state_report(struct tow_lock *lock, const struct tow_at_work *activity,
                     struct tow_error *err);
/* The locks whose owners may be at work, in order of job; stops when visit returns other than 0
 * and returns that. */
int tow_state_at_work(struct tow_state *state,
                      int (*visit)(void *context, const struct tow_at_work *activity),
                      void *context, struct tow_error *err);

/* How a run ended, or "running". Texts are stable: users and --json see them. */
#define TOW_RUN_RUNNING     "running"
#define TOW_RUN_OK          "ok"
#define TOW_RUN_FAILED      "failed"
#define TOW_RUN_CANCELLED   "cancelled"
#define TOW_RUN_INTERRUPTED "interrupted" /* its process died */

struct tow_run {
    int64_t id;
    char job[65];
    char job_file[4096]; /* absolute path of the file that it ran; "" where unknown */
    char load_id[33];
    char status[16];
    int32_t exit_code;   /* -1 while running and where interrupted */
    int32_t error_class; /* TOW_OK or a class */
    char error[1024];
    int64_t start_us, end_us; /* since 1970 UTC; end 0 while running */
    struct tow_counts counts; /* as of the last checkpoint */
    int64_t reject_bytes;     /* valid length of the reject file */
    int64_t replay_of;        /* the run whose rejects this one replays; 0 for none */
    int64_t replayed_by;      /* the newest run that replayed this one's rejects; 0 for none */
    int64_t slot_us;          /* the slot of its schedule that it stands for; 0 for none */
    int32_t attempt;          /* 1: the first for that slot; 0 where there is none */
};

#define TOW_STATE_TOKENS_MAX 65 /* of 64 workers, and of the results */

/* Where a job stands. */
struct tow_checkpoint {
    char source[64]; /* plugin that made the position */
    char source_version[32];
    char sink[64];
    char fingerprint[65]; /* of the source's schema: equal text, equal columns */
    char load_id[33];     /* load that is under way; "" between loads */
    int64_t run;          /* run that wrote it */
    int64_t saved_us;
    uint64_t seq; /* last batch that is settled; the next one is seq + 1 */
    struct tow_position position;
    uint32_t token_count;        /* sink instances, then the results sink where there is one */
    struct tow_position *tokens; /* heap; tow_checkpoint_release */
};

void tow_checkpoint_release(struct tow_checkpoint *checkpoint);

/* What is known of a run when it starts. */
struct tow_run_start {
    const char *job;
    const char *job_file; /* absolute path */
    const char *load_id;
    int64_t replay_of; /* 0: none */
    int64_t now_us;
    int64_t slot_us; /* of the schedule; 0: it stands for none */
    int32_t attempt; /* with a slot, from 1 */
    int *taken;      /* set to 1 where the slot is another run's; may be NULL */
};

/* Starts a run: closes runs of the job that are still "running" as interrupted (the lock is held,
 * so they are dead), with the time of their last checkpoint as their end, then writes a new one.
 * *id tells its number, unique in the file, rising.
 * One run takes a slot's attempt: where a run of the job stands for that attempt, for a later one,
 * or for a slot up to TOW_AGENDA_BACK_MAX_US later, TOW_E_TRANSIENT with *taken. One that was cut
 * off (interrupted, cancelled) may be gone on with under the same attempt. */
int tow_state_run_begin(struct tow_state *state, const struct tow_run_start *start, int64_t *id,
                        struct tow_error *err);

/* The job's checkpoint: TOW_OK, or TOW_END where there is none. */
int tow_state_checkpoint(struct tow_state *state, const char *job, struct tow_checkpoint *out,
                         struct tow_error *err);

struct tow_mark {
    char *key, *value; /* NUL-terminated text */
};

/*
 * All that moves in one transaction when a checkpoint is taken. A run that is no longer "running"
 * (another one took its lock over and closed it) moves nothing: TOW_E_ENV.
 */
struct tow_commit {
    const char *job; /* whose checkpoint and ledgers move: the run's job, or a key of a replay */
    int64_t run;
    const struct tow_checkpoint *checkpoint; /* NULL: leave it as it is; its `run` is not read */
    const struct tow_counts *counts;
    int64_t reject_bytes;
    const char *ledger; /* ledger name of the source, for marks */
    const struct tow_mark *marks;
    size_t mark_count;
};
int tow_state_commit(struct tow_state *state, const struct tow_commit *commit,
                     struct tow_error *err);

/* As commit, and closes the run with status, exit code and error (may be NULL: none). A run with
 * replay_of that ends "ok" is noted at the run that it replayed. */
int tow_state_run_end(struct tow_state *state, const struct tow_commit *commit, const char *status,
                      int32_t exit_code, const struct tow_error *error, int64_t now_us,
                      struct tow_error *err);

/* One run by number: TOW_OK or TOW_END. */
int tow_state_run(struct tow_state *state, int64_t id, struct tow_run *out, struct tow_error *err);
/* The newest run of a slot, and of a job: TOW_OK or TOW_END. */
int tow_state_slot_run(struct tow_state *state, const char *job, int64_t slot_us,
                       struct tow_run *out, struct tow_error *err);
int tow_state_last_run(struct tow_state *state, const char *job, struct tow_run *out,
                       struct tow_error *err);
/* The first run after number `after` that is "running": TOW_OK or TOW_END. Its process may be dead.
 */
int tow_state_running(struct tow_state *state, int64_t after, struct tow_run *out,
                      struct tow_error *err);
/* Says how a run ended that could not say so itself: one that is "running", while the caller holds
 * the job's lock, or "cancelled". Others are left alone. */
int tow_state_run_close(struct tow_state *state, int64_t id, const char *status, int32_t exit_code,
                        const struct tow_error *error, int64_t now_us, struct tow_error *err);
/* What a job's runs come to. counts.read and pending stay 0: they are not settled. */
struct tow_totals {
    char job[65];
    int64_t ok, failed, cancelled, interrupted; /* runs that ended so */
    int64_t duration_us;                        /* of those */
    int64_t last_ok_us;                         /* when the last good one ended; 0: none */
    struct tow_counts counts;
};
/* The largest number up to which all runs have ended: what they come to stays as it is. */
int tow_state_settled(struct tow_state *state, int64_t *id, struct tow_error *err);
/* Of runs after number `after` up to `upto`, a job at a time. visit must not call back. */
int tow_state_totals(struct tow_state *state, int64_t after, int64_t upto,
                     void (*visit)(void *context, const struct tow_totals *totals), void *context,
                     struct tow_error *err);
/* When the job's checkpoint was taken: TOW_OK or TOW_END. */
int tow_state_checkpoint_time(struct tow_state *state, const char *job, int64_t *saved_us,
                              struct tow_error *err);
/* Sums of the counts of all runs of a load. */
int tow_state_load_counts(struct tow_state *state, const char *load_id, struct tow_counts *out,
                          struct tow_error *err);
/* Newest first, of one job or (NULL) all, at most `limit` (0: all); stops when visit returns other
 * than 0 and returns that. Here and below, visit may call back into the state. */
int tow_state_runs(struct tow_state *state, const char *job, int64_t limit,
                   int (*visit)(void *context, const struct tow_run *run), void *context,
                   struct tow_error *err);
/* Names of all jobs that have a checkpoint or a run, in order. */
int tow_state_jobs(struct tow_state *state, int (*visit)(void *context, const char *job),
                   void *context, struct tow_error *err);

/* `state reset` and `state set`: forget the checkpoint (with ledger: also the ledgers), or put one
 * in place. The caller holds the job's lock. */
int tow_state_checkpoint_reset(struct tow_state *state, const char *job, int with_ledger,
                               struct tow_error *err);
int tow_state_checkpoint_set(struct tow_state *state, const char *job,
                             const struct tow_checkpoint *checkpoint, struct tow_error *err);

/* ---- agendas of schedules ---------------------------------------------------------------------
 */

/* Where the scheduler stands with a job: writes it, or replaces it. */
int tow_state_agenda_put(struct tow_state *state, const char *job, const struct tow_agenda *agenda,
                         struct tow_error *err);
/* TOW_OK, or TOW_END where the job has none; the agenda is then TOW_AGENDA_NEW. */
int tow_state_agenda(struct tow_state *state, const char *job, struct tow_agenda *agenda,
                     struct tow_error *err);

/* ---- health and alerts ---------------------------------------------------------------------- */

/* What is known of a job, so that a change of it is told once. */
struct tow_health {
    int64_t judged;                   /* number of the newest run that is part of this */
    int32_t failing, rejecting, late; /* 0 or 1 */
};

/* A message that waits for its delivery. It holds no text: what it says is made from its run. */
struct tow_alert {
    int64_t id;
    char job[65];
    char event[16];  /* "failure", "recovery", "rejects", "late" */
    int64_t channel; /* which entry of the job's `alerts`, from 0 */
    int64_t run;     /* 0: about a slot without one */
    int64_t slot_us; /* 0: none */
    int64_t created_us, due_us;
    int64_t tries; /* deliveries that failed */
};

/* TOW_OK, or TOW_END with all zero where nothing is known. */
int tow_state_health(struct tow_state *state, const char *job, struct tow_health *health,
                     struct tow_error *err);
/* Writes it together with the alerts that it gives rise to (id and tries are not read). */
int tow_state_health_put(struct tow_state *state, const char *job, const struct tow_health *health,
                         const struct tow_alert *alerts, size_t count, struct tow_error *err);
/* The alert that is due first: TOW_OK or TOW_END. */
int tow_state_alert_next(struct tow_state *state, struct tow_alert *alert, struct tow_error *err);
int tow_state_alert_count(struct tow_state *state, int64_t *count, struct tow_error *err);
/* It is due again then, after so many deliveries that failed. */
int tow_state_alert_delay(struct tow_state *state, int64_t id, int64_t tries, int64_t due_us,
                          struct tow_error *err);
/* It is delivered, or given up. */
int tow_state_alert_remove(struct tow_state *state, int64_t id, struct tow_error *err);

/* ---- rows settled ahead of the checkpoint --------------------------------------------------- */

/* A batch of which the far end has rows for good although the checkpoint lies before it. */
struct tow_ahead {
    const char *job, *sink; /* sink: the plugin's name */
    uint64_t seq;           /* the batch's number in its load */
    const void *rows;       /* which, and what became of them: core/run/ahead.h */
    size_t length;
};

/* Writes, or replaces, what is known of a batch. A run that is no longer "running" is TOW_E_ENV. A
 * checkpoint at or behind the batch, and one between loads, takes it away again. */
int tow_state_ahead_put(struct tow_state *state, const struct tow_ahead *ahead, int64_t run,
                        struct tow_error *err);
/* Calls visit in order of seq, until it returns other than TOW_OK; returns what it returned. */
int tow_state_ahead_each(struct tow_state *state, const char *job, const char *sink,
                         int (*visit)(void *context, const struct tow_ahead *ahead,
                                      struct tow_error *err),
                         void *context, struct tow_error *err);

/* ---- ledgers -------------------------------------------------------------------------------- */

/* Durable facts of one plugin in one job; `ledger` is "source:csv" or "sink:file". The calls are
 * those of struct tow_host and mean the same. */
int tow_state_ledger_get(struct tow_state *state, const char *job, const char *ledger,
                         const char *key, struct tow_position *value, struct tow_error *err);
/* Puts a value of the ledger into a plugin's structure, which may be an older, shorter one: what
 * does not fit is cut. */
void tow_ledger_give(const void *bytes, size_t length, struct tow_position *out);
int tow_state_ledger_put(struct tow_state *state, const char *job, const char *ledger,
                         const char *key, const void *value, uint32_t length,
                         struct tow_error *err);
int tow_state_ledger_remove(struct tow_state *state, const char *job, const char *ledger,
                            const char *key, struct tow_error *err);
int tow_state_ledger_each(struct tow_state *state, const char *job, const char *ledger,
                          const char *prefix,
                          int32_t (*visit)(void *context, const char *key, const void *value,
                                           uint32_t length),
                          void *context, struct tow_error *err);

#endif
