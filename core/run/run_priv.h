/*
 * What the parts of a run share. Threads: the run's own thread reads, transforms and takes
 * checkpoints; workers write; the ticker beats and shows. Whoever finished the oldest batch
 * completes it (tracker.h). Members are used by the run's thread alone unless said otherwise.
 */
#ifndef CORE_RUN_RUN_PRIV_H
#define CORE_RUN_RUN_PRIV_H

#include "run/ahead.h"
#include "run/backoff.h"
#include "run/host.h"
#include "run/route/route.h"
#include "run/run.h"
#include "run/tracker.h"
#include "state/rejects.h"

struct run;

/* One plugin instance in use. */
struct run_instance {
    struct tow_instance instance;
    struct tow_host_box box;
    int opened; /* open was called: close is due */
};

/* A sink instance and the thread that writes through it. */
struct run_worker {
    struct run *run;
    struct run_instance sink;
    pthread_t thread;
    int started;
    uint32_t number;
    struct record **open; /* written, not yet settled; more than one only with TOW_SINK_DEFERS */
    size_t open_count, open_capacity;
    struct tow_position token; /* of the last flush */
    int64_t kept_ms;           /* when host->keep saved last */
};

/* Where the source's rows wait while a batch is read and transformed. */
struct run_reader {
    struct run_instance source;
    struct run_instance *transforms;   /* job->transform_count */
    struct ArrowSchema *schemas;       /* what comes out of each transform */
    struct tow_columns *columns;       /* NULL: rows go out as they are */
    struct ArrowSchema typed;          /* of typed batches; released where the source makes none */
    int was_typed;                     /* the last batch was */
    struct tow_columns *typed_columns; /* from `typed` to what `columns` makes */
    struct record *current;            /* in the transforms now, for settle */
    enum record_stage stage;
    struct record *unreadable; /* holds what the source rejected since the last batch; NULL
                                  where it rejected nothing */
    uint64_t seq;              /* last number given; goes on in a load that is resumed */
    int64_t read;              /* rows of this load handed out or rejected by the source */
    int64_t met_before;        /* of loads that ended with the source still open */
    struct tow_position last;  /* of the newest batch */
    struct tow_position end;   /* where the next run starts; valid once at_end */
    int at_end;
};

struct run_results;

struct run {
    struct tow_assembly *assembly;
    const struct tow_job *job;
    struct tow_state *state;
    const struct tow_run_options *options;
    struct tow_run_report *report;
    char key[96]; /* the job as checkpoints and ledgers know it; a replay has its own */
    char load_id[33];
    char fingerprint[65];
    int64_t id;
    struct tow_checkpoint resume; /* where the last run stopped; load_id "" for a new load */
    struct tow_cancel stop;       /* source and waits are told to stop: a signal, or a failure */
    struct tow_cancel hard;       /* sinks are told to stop at once */
    struct tow_lock *lock_of_job;
    struct tow_counts before;    /* of earlier runs of this load */
    int64_t load_began_ms;       /* monotonic, its first row of this run; 0: none yet */
    int rolled;                  /* the load ended by `load`, not with the source */
    struct ahead ahead;          /* rows that earlier runs settled beyond `resume` */
    struct tow_overlay *overlay; /* the ledgers of a trial; NULL: they are the state's */

    struct ArrowSchema in, out;    /* columns of the source, and for the sink */
    struct tow_words words;        /* of the source, that sinks' options use */
    const struct tow_plugin *sink; /* what workers write to: the job's, or the route's */
    struct route *route;           /* NULL where the job has none */
    struct run_reader reader;
    struct run_worker *workers;
    uint32_t worker_count;
    struct run_results *results; /* NULL where the job has none */
    struct tow_rejects *rejects;
    struct tow_json_writer *reject_writer;
    struct tow_buffer reject_lines;
    struct tracker tracker;

    /* By the thread that completes; by the run's thread once all is quiet. */
    struct tow_checkpoint settled; /* up to here all rows are settled */
    struct tow_mark *marks;        /* of batches completed since the last commit */
    size_t mark_count, mark_capacity;
    int64_t settled_read; /* rows read up to there, by the source's own count */
    struct tow_counts committed;
    int64_t reject_bytes;                /* committed length of the reject file */
    uint64_t committed_seq, flushed_seq; /* batches behind which the last commit, and the last
                                            checkpoint with a flush, were made; 0: none */

    /* Under `lock`. */
    pthread_mutex_t lock;
    struct tow_counts counts; /* as completed; read and retries as they happen */
    struct tow_error failure; /* the first; code TOW_OK while all is well */
    int exit_code;            /* that goes with it; -1: by its class */
    int frozen;               /* 1: nothing more may be flushed or committed */

    struct tow_cancel quit; /* the ticker may go */
    pthread_t ticker;
    int ticking;
    int64_t started_ms; /* monotonic */
};

/* ---- run.c ---------------------------------------------------------------------------------- */

/* Of a run whose pointers down to `report` are set. Release it in every case. */
int run_init(struct run *run, struct tow_error *err);
void run_release(struct run *run);
/* Keeps the first failure and stops the workers. exit_code -1: by the error's class. */
void run_fail(struct run *run, const struct tow_error *err, int exit_code);
/* 1 where the run has failed. */
int run_failed(struct run *run);
/* What is not committed by now never will be: the lock is lost, or a batch broke off half way
 * through its completion. Fail the run too. */
void run_freeze(struct run *run);
int run_is_frozen(struct run *run);
/* Rows got lost or doubled: freezes and fails the run, TOW_EXIT_BALANCE. */
void run_fail_balance(struct run *run, const struct tow_error *err);
void run_count_retry(struct run *run);
/* Waits until the sinks have what was read, makes it durable and moves the checkpoint there. */
int run_checkpoint(struct run *run, struct tow_error *err);

/* ---- load.c --------------------------------------------------------------------------------- */

/* 1 where the load ends here by the job's `load`. */
int load_is_full(struct run *run);
/* Frees what belongs to one load. No thread but the caller's may be at work. */
void load_release(struct run *run);
/* After a load that went well: as run_init left it, save for what stays open. */
int load_next(struct run *run, struct tow_error *err);

/* ---- instance.c ----------------------------------------------------------------------------- */

/* Fills the instance and its host as for a sink; it is not opened yet. Close it in every case. */
int run_open_instance(struct run *run, struct run_instance *instance,
                      const struct tow_plugin *plugin, const struct tow_setting *section,
                      const char *role, struct tow_error *err);
void run_close_instance(struct run_instance *instance);
/* A call failed: 1 where it is to be made again, after the wait. Otherwise err tells why not. */
int run_retry(struct run *run, struct tow_backoff *backoff, struct tow_error *err);
/* A sink to be opened; all is borrowed. */
struct run_sink {
    const struct tow_plugin *plugin;
    const struct tow_setting *section;
    const char *role;
    uint32_t worker, workers;
    const struct tow_position *token;
    const struct ArrowSchema *schema;
    int (*settle)(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                  const char *code, const char *message);
    int (*keep)(void *context, uint64_t seq);
    void (*prepare)(void *self, void *context); /* of a new instance; may be NULL */
    void *context;
};

/* Instance, with the source's words filled in, open and begin, with retries, each on an instance of
 * its own. */
int run_open_sink(struct run *run, const struct run_sink *what, struct run_instance *sink,
                  struct tow_error *err);
/* One try of open and begin. */
int run_try_sink(struct run_instance *sink, const struct tow_position *token,
                 const struct ArrowSchema *schema, struct tow_error *err);
/* One flush; where it fails, *token stays. */
int run_flush_sink(struct run_instance *sink, struct tow_position *token, struct tow_error *err);
/* finish, where there is one, with retries. */
int run_finish_sink(struct run *run, struct run_instance *sink, struct tow_error *err);
/* close, where it is due, and run_close_instance. */
void run_close_sink(struct run_instance *sink);

/* ---- wind_up.c ------------------------------------------------------------------------------ */

/* After reading ended with `rc`: drains, publishes or keeps what there is, stops all threads. */
void run_wind_up(struct run *run, int rc, const struct tow_error *read_err);
/* No other thread is about any more. */
int run_exit_code(const struct run *run);
const char *run_status(const struct run *run);
void run_report_counts(struct run *run);
/* The last transaction. */
void run_write_end(struct run *run);

/* ---- resume.c ------------------------------------------------------------------------------- */

/* Reads the checkpoint into run->resume; names the load. */
int resume_find(struct run *run, struct tow_error *err);
/* A name that no load has had. */
int run_new_load_id(char load_id[33], struct tow_error *err);
/* After the run has begun in the state: nobody else can move the checkpoint any more. Makes sure
 * that nobody did since resume_find, and forgets what `full` says is to be forgotten. */
int resume_begin(struct run *run, struct tow_error *err);
/* Fills run->fingerprint from the schemas and the job. */
void resume_fingerprint(struct run *run);
/* Does the checkpoint fit the source's columns, and the number of sinks? */
int resume_check_source(struct run *run, struct tow_error *err);
/* After the sinks have had their say: does an unfinished load fit what goes out now? */
int resume_check_outgoing(struct run *run, struct tow_error *err);

/* ---- reader.c ------------------------------------------------------------------------------- */

/* Opens source and transforms at the position of run->resume; sets run->in and run->out. Where they
 * are open since the last load, they stay so. */
int reader_open(struct run *run, struct tow_error *err);
void reader_close(struct run *run);
/* Reads one batch through the transforms: TOW_OK with *record, NULL where the batch says nothing
 * new; TOW_END, or an error. */
int reader_next(struct run *run, struct record **record, struct tow_error *err);

/* ---- typed.c -------------------------------------------------------------------------------- */

/* Behind reader_open's other parts: lets the source make the types that the job's columns want, and
 * no columns that nobody wants, where it can. */
int typed_open(struct run *run, struct tow_error *err);
void typed_close(struct run *run);
/* Is what a batch says of types, and holds, as plugin.h has it? */
int typed_check_batch(const struct run *run, const struct tow_batch *batch, struct tow_error *err);
/* The columns that a batch goes through. */
struct tow_columns *typed_columns_for(struct run_reader *reader, const struct record *record);

/* ---- worker.c ------------------------------------------------------------------------------- */

/* Sink instances that the run uses: `pipeline.workers` where the sink may run in parallel. */
uint32_t workers_wanted(const struct run *run);
int workers_open(struct run *run, struct tow_error *err);
int workers_start(struct run *run, struct tow_error *err);
/* No record is popped any more; waits for the threads. */
void workers_join(struct run *run);
void workers_close(struct run *run);
/* All is quiet: makes what the sinks took durable, with retries; fills the tokens. */
int workers_flush(struct run *run, struct tow_error *err);
int workers_finish(struct run *run, struct tow_error *err);
/* 1 where a sink that defers has rows in its hands that are not settled. No worker may be running.
 */
int workers_hold_rows(const struct run *run);

/* ---- complete.c ----------------------------------------------------------------------------- */

/* The tracker's callback: rejects and results of a record, counts, limits. */
int run_complete(void *run, struct record *record);
/* Appends the reject store's line for a rejected row of the record to run->reject_lines. */
int run_reject_line(struct run *run, struct record *record, const struct record_note *note,
                    struct tow_error *err);
/* All rows so far are completed and the sinks flushed: moves the checkpoint there. */
int run_commit(struct run *run, struct tow_error *err);
/* Rows rejected in this load beyond `rejects.max_percent`: TOW_E_DATA. */
int run_check_percent(struct run *run, struct tow_error *err);
/* What run_commit and the end of a run write. */
void run_fill_commit(struct run *run, struct tow_commit *commit);

/* ---- ticker.c ------------------------------------------------------------------------------- */

/* A thread that beats for the lock, shows progress and ends the drain when its time is over. */
int ticker_start(struct run *run, struct tow_error *err);
void ticker_stop(struct run *run);

/* ---- results.c ------------------------------------------------------------------------------ */

/* Opens the job's results sink, if it has one. Its token is the last of run->resume's. */
int results_open(struct run *run, struct tow_error *err);
int results_write(struct run *run, const struct record *record, struct tow_error *err);
int results_flush(struct run *run, struct tow_position *token, struct tow_error *err);
int results_finish(struct run *run, struct tow_error *err);
void results_close(struct run *run);

/* ---- history.c ------------------------------------------------------------------------------ */

/* The run is over and its report is filled in, save for what is not its own: writes the row, where
 * the job has a history. A row that cannot be written is warned about. */
void run_write_history(struct run *run);

#endif
