/* Sink instances and the threads that write through them. */
#include <stdlib.h>
#include <string.h>

#include "run/backoff.h"
#include "run/run_priv.h"
#include "towpath/clock.h"

static const struct tow_sink_ops *worker_ops(const struct run_worker *worker)
{
    return worker->run->sink->sink;
}

static int worker_defers(const struct run_worker *worker)
{
    return (worker_ops(worker)->flags & TOW_SINK_DEFERS) != 0;
}

/* ---- records in hand ------------------------------------------------------------------------ */

static int worker_take(struct run_worker *worker, struct record *record, struct tow_error *err)
{
    if (worker->open_count == worker->open_capacity) {
        size_t capacity = worker->open_capacity ? worker->open_capacity * 2 : 4;
        struct record **open = reallocarray(worker->open, capacity, sizeof *open);

        if (!open)
            return tow_error_nomem(err);
        worker->open = open;
        worker->open_capacity = capacity;
    }
    worker->open[worker->open_count++] = record;
    return TOW_OK;
}

/* Hands records whose rows are all settled to the tracker, save `held`, which its caller puts back
 * itself. Returns 1 where `held` was among them. */
static int worker_let_go(struct run_worker *worker, const struct record *held)
{
    size_t kept = 0;
    int held_done = 0;

    for (size_t i = 0; i < worker->open_count; i++) {
        struct record *record = worker->open[i];

        if (record->open > 0)
            worker->open[kept++] = record;
        else if (record == held)
            held_done = 1;
        else
            tracker_done(&worker->run->tracker, record);
    }
    worker->open_count = kept;
    return held_done;
}

static int worker_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                         const char *code, const char *message)
{
    struct run_worker *worker = context;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = tow_error_set(&err, TOW_E_BUG, "batch %llu is not in this sink's hands",
                           (unsigned long long)seq);

    if (outcome == TOW_ROW_FILTERED)
        rc = tow_error_set(&err, TOW_E_BUG, "batch %llu: a sink cannot filter rows",
                           (unsigned long long)seq);
    else
        for (size_t i = 0; i < worker->open_count; i++)
            if (worker->open[i]->seq == seq)
                rc = record_settle_try(worker->open[i], first, count, outcome, code, message, &err);
    if (rc) {
        tow_error_prefix(&err, "%s", worker->sink.box.area);
        run_fail(worker->run, &err, -1);
    }
    return rc;
}

/* Answers that come faster than this are saved together: a commit is dearer than they are. */
#define WORKER_KEEP_MS 20

static int worker_keep(void *context, uint64_t seq)
{
    struct run_worker *worker = context;
    struct tow_error err = TOW_ERROR_INIT;
    int64_t now = tow_monotonic_ms();
    int rc = TOW_OK;

    if (now - worker->kept_ms < WORKER_KEEP_MS)
        return TOW_OK;
    for (size_t i = 0; !rc && i < worker->open_count; i++)
        if (worker->open[i]->seq == seq)
            rc = ahead_save(worker->run, worker->open[i], &err);
    worker->kept_ms = now;
    if (rc)
        run_fail(worker->run, &err, -1);
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* One call of write and what it settles. */
static int worker_offer(struct run_worker *worker, struct record *record, struct tow_error *err)
{
    struct tow_rows offer = {.size = sizeof offer, .seq = record->seq};
    int rc = record_try(record, &worker->run->out, &offer.array, err);

    if (rc)
        return rc;
    offer.attempt = record->tries;
    tow_host_clear(err);
    rc = worker_ops(worker)->write(worker->sink.instance.self, &offer, err);
    rc = tow_host_result(&worker->sink.box, "write", rc, err);
    if (rc == TOW_E_DATA) {
        char reason[sizeof err->message];

        memcpy(reason, err->message, sizeof reason);
        return record_settle_rest(record, TOW_ROW_REJECTED, "refused", reason, err);
    }
    if (rc == TOW_OK && !worker_defers(worker))
        rc = record_settle_rest(record, TOW_ROW_ACCEPTED, NULL, NULL, err);
    return rc;
}

/* What a call of the sink has settled, of whichever batches. */
static int worker_save_ahead(struct run_worker *worker, struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < worker->open_count; i++)
        rc = ahead_save(worker->run, worker->open[i], err);
    return rc;
}

static int worker_try(struct run_worker *worker, struct record *record, struct tow_error *err)
{
    struct tow_error unsaved = TOW_ERROR_INIT;
    int rc = worker_offer(worker, record, err);

    if (worker_save_ahead(worker, &unsaved))
        *err = unsaved;
    return unsaved.code ? unsaved.code : rc;
}

/* Tries until the sink has taken the batch or will not. A try that settled rows got somewhere, so
 * the budget starts anew. */
static int worker_write(struct run_worker *worker, struct record *record, struct tow_error *err)
{
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &worker->run->job->retry);
    for (;;) {
        int64_t before = record->open;
        int rc = worker_try(worker, record, err);

        if (rc == TOW_OK || (record->open == 0 && tow_backoff_may_pass(rc)))
            return TOW_OK;
        if (record->open < before)
            tow_backoff_reset(&backoff);
        if (!run_retry(worker->run, &backoff, err))
            return err->code;
    }
}

static int worker_handle(struct run_worker *worker, struct record *record)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (record->open > 0) {
        rc = worker_take(worker, record, &err);
        if (!rc)
            rc = worker_write(worker, record, &err);
    }
    if (rc)
        run_fail(worker->run, &err, -1);
    int done = worker_let_go(worker, record) || record->open == 0;
    tracker_put_back(&worker->run->tracker, record, done);
    return rc;
}

static void *worker_main(void *context)
{
    struct run_worker *worker = context;
    struct record *record;

    while ((record = tracker_pop(&worker->run->tracker)))
        if (worker_handle(worker, record))
            break;
    return NULL;
}

/* ---- opening and closing -------------------------------------------------------------------- */

/* A routed sink has its options from the job's section, child by child. */
static const struct tow_setting worker_no_options = {.kind = TOW_SETTING_GROUP};

static int worker_open(struct run *run, struct run_worker *worker, struct tow_error *err)
{
    const struct run_sink what = {
        .plugin = run->sink,
        .section = run->route ? &worker_no_options : &run->job->sink,
        .role = "sink",
        .worker = worker->number,
        .workers = workers_wanted(run),
        .token = &worker->token,
        .schema = &run->out,
        .settle = worker_settle,
        .keep = worker_keep,
        .prepare = run->route ? route_prepare : NULL,
        .context = worker,
    };

    /* Stays in force until a flush brings another one. */
    if (run->resume.token_count > worker->number)
        worker->token = run->resume.tokens[worker->number];
    return run_open_sink(run, &what, &worker->sink, err);
}

uint32_t workers_wanted(const struct run *run)
{
    return (uint32_t)tow_assembly_workers(run->assembly);
}

int workers_open(struct run *run, struct tow_error *err)
{
    uint32_t count = workers_wanted(run);
    int rc = TOW_OK;

    run->workers = calloc(count, sizeof *run->workers);
    if (!run->workers)
        return tow_error_nomem(err);
    run->worker_count = count;
    for (uint32_t i = 0; !rc && i < count; i++) {
        run->workers[i].run = run;
        run->workers[i].number = i;
        run->workers[i].token.size = sizeof run->workers[i].token;
        rc = worker_open(run, &run->workers[i], err);
    }
    return rc;
}

int workers_start(struct run *run, struct tow_error *err)
{
    for (uint32_t i = 0; i < run->worker_count; i++) {
        struct run_worker *worker = &run->workers[i];
        int errnum = pthread_create(&worker->thread, NULL, worker_main, worker);

        if (errnum)
            return tow_error_errno(err, TOW_E_ENV, errnum, "starting sink thread %u", i);
        worker->started = 1;
    }
    return TOW_OK;
}

void workers_join(struct run *run)
{
    if (run->tracker.ring)
        tracker_close(&run->tracker);
    for (uint32_t i = 0; i < run->worker_count; i++) {
        if (run->workers[i].started)
            pthread_join(run->workers[i].thread, NULL);
        run->workers[i].started = 0;
    }
}

void workers_close(struct run *run)
{
    for (uint32_t i = 0; i < run->worker_count; i++) {
        struct run_worker *worker = &run->workers[i];

        run_close_sink(&worker->sink);
        free(worker->open);
    }
    free(run->workers);
    run->workers = NULL;
    run->worker_count = 0;
}

/* ---- flush and finish ----------------------------------------------------------------------- */

/* After a failed flush a deferring sink gets its open rows once more. */
static int worker_write_again(struct run_worker *worker, struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < worker->open_count; i++)
        rc = worker_try(worker, worker->open[i], err);
    worker_let_go(worker, NULL);
    return rc;
}

static int worker_accept_deferred(struct run_worker *worker, struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < worker->open_count; i++)
        rc = record_settle_rest(worker->open[i], TOW_ROW_ACCEPTED, NULL, NULL, err);
    worker_let_go(worker, NULL);
    return rc;
}

static int worker_flush_once(struct run_worker *worker, struct tow_error *err)
{
    struct tow_error unsaved = TOW_ERROR_INIT;
    int rc = run_flush_sink(&worker->sink, &worker->token, err);

    if (!rc)
        return worker_accept_deferred(worker, err);
    if (worker_save_ahead(worker, &unsaved))
        *err = unsaved;
    worker_let_go(worker, NULL);
    return err->code;
}

static int worker_flush(struct run_worker *worker, struct tow_error *err)
{
    struct tow_backoff backoff;
    int rc = worker_flush_once(worker, err);

    tow_backoff_init(&backoff, &worker->run->job->retry);
    while (rc) {
        if (!run_retry(worker->run, &backoff, err))
            return err->code;
        rc = worker_write_again(worker, err);
        if (!rc)
            rc = worker_flush_once(worker, err);
    }
    return TOW_OK;
}

int workers_flush(struct run *run, struct tow_error *err)
{
    int rc = TOW_OK;

    for (uint32_t i = 0; !rc && i < run->worker_count; i++)
        rc = worker_flush(&run->workers[i], err);
    return rc;
}

int workers_finish(struct run *run, struct tow_error *err)
{
    int rc = TOW_OK;

    for (uint32_t i = 0; !rc && i < run->worker_count; i++)
        rc = run_finish_sink(run, &run->workers[i].sink, err);
    return rc;
}

int workers_hold_rows(const struct run *run)
{
    size_t count = 0;

    for (uint32_t i = 0; i < run->worker_count; i++)
        if (worker_defers(&run->workers[i]))
            count += run->workers[i].open_count;
    return count > 0;
}
