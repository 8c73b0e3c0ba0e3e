#include "run/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "run/assembly/words.h"
#include "run/run_priv.h"
#include "towpath/clock.h"

/* ---- failures ------------------------------------------------------------------------------- */

void run_fail(struct run *run, const struct tow_error *err, int exit_code)
{
    pthread_mutex_lock(&run->lock);
    int first = run->failure.code == TOW_OK;
    if (first) {
        run->failure = *err;
        run->exit_code = exit_code;
    }
    pthread_mutex_unlock(&run->lock);
    if (!first && err->code != TOW_OK && err->code != TOW_E_CANCELLED)
        tow_log_line(TOW_LOG_WARN, "run", "then: %s", err->message);
    tow_cancel_set(&run->stop, 1);
    if (run->tracker.ring)
        tracker_fail(&run->tracker);
}

void run_freeze(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    run->frozen = 1;
    pthread_mutex_unlock(&run->lock);
}

int run_is_frozen(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    int frozen = run->frozen;
    pthread_mutex_unlock(&run->lock);
    return frozen;
}

void run_fail_balance(struct run *run, const struct tow_error *err)
{
    run_freeze(run);
    run_fail(run, err, TOW_EXIT_BALANCE);
}

int run_failed(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    int failed = run->failure.code != TOW_OK;
    pthread_mutex_unlock(&run->lock);
    return failed;
}

void run_count_retry(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    run->counts.retries++;
    pthread_mutex_unlock(&run->lock);
}

/* ---- the way through ------------------------------------------------------------------------ */

int run_checkpoint(struct run *run, struct tow_error *err)
{
    int rc = TOW_OK;

    if (!tracker_wait_quiet(&run->tracker))
        return TOW_E_CANCELLED;
    if (run->reader.seq == run->flushed_seq && run->flushed_seq > 0)
        return TOW_OK;
    rc = workers_flush(run, err);
    if (!rc && run_failed(run))
        return TOW_E_CANCELLED;
    if (!rc && !tracker_empty(&run->tracker))
        rc = tow_error_set(err, TOW_E_BUG, "rows are left open after a flush");
    if (!rc)
        rc = run_commit(run, err);
    if (!rc)
        run->flushed_seq = run->settled.seq;
    return rc;
}

/* A deferring sink may hold all that fits in flight: then only a flush goes on. */
static int run_push(struct run *run, struct record *record, struct tow_error *err)
{
    int rc;

    while ((rc = tracker_push(&run->tracker, record)) == TOW_END) {
        rc = workers_flush(run, err);
        if (rc)
            break;
    }
    if (rc)
        record_free(record);
    return rc;
}

static int run_limit_reached(const struct run *run)
{
    return run->options->limit >= 0 && run->reader.read >= run->options->limit;
}

/* Reads until the end (TOW_END), a stop (TOW_E_CANCELLED) or a failure to read. What fails behind
 * the source fails the run; then the result means nothing. */
static int run_read_all(struct run *run, struct tow_error *err)
{
    const int64_t interval = tow_assembly_checkpoint_ms(run->assembly);
    int64_t due = tow_monotonic_ms() + interval;

    while (!run_failed(run)) {
        struct record *record = NULL;

        if (tow_cancel_get(run->options->cancel))
            return tow_error_set(err, TOW_E_CANCELLED, "stopped by a signal");
        if (run_limit_reached(run))
            return TOW_END;
        int rc = reader_next(run, &record, err);
        if (rc)
            return rc;
        if (record)
            rc = run_push(run, record, err);
        run->rolled = !rc && load_is_full(run);
        if (run->rolled)
            return TOW_END;
        if (!rc && tow_monotonic_ms() >= due) {
            /* A source that waits has nothing to save. */
            if (run->reader.seq != run->flushed_seq)
                rc = run_checkpoint(run, err);
            due = tow_monotonic_ms() + interval;
        }
        if (rc)
            run_fail(run, err, -1);
    }
    return TOW_E_CANCELLED;
}

/* ---- start ---------------------------------------------------------------------------------- */

static int run_take_lock(struct run *run, struct tow_error *err)
{
    int busy = 0;

    if (run->lock_of_job)
        return TOW_OK;
    int rc = tow_state_lock(run->state, run->job->name, &run->lock_of_job, &busy, err);

    if (busy)
        run->exit_code = TOW_EXIT_LOCKED;
    return rc;
}

static int run_name_rejects(struct run *run, struct tow_error *err)
{
    char *path = tow_state_reject_path(run->state, run->job->name, run->id);

    if (!path)
        return tow_error_nomem(err);
    int length = snprintf(run->report->reject_path, sizeof run->report->reject_path, "%s", path);
    free(path);
    if ((size_t)length >= sizeof run->report->reject_path)
        return tow_error_set(err, TOW_E_ENV, "the reject file's path has %d bytes; at most %zu fit",
                             length, sizeof run->report->reject_path - 1);
    return TOW_OK;
}

static int run_begin(struct run *run, struct tow_error *err)
{
    int taken = 0, rc = run_take_lock(run, err);

    if (!rc)
        rc = resume_find(run, err);
    const struct tow_run_start start = {
        .job = run->job->name,
        .job_file = run->job->path,
        .load_id = run->load_id,
        .replay_of = run->options->replay_of,
        .now_us = run->report->start_us,
        /* Loads that follow the first one have no part in the slot. */
        .slot_us = run->report->loads ? 0 : run->options->slot_us,
        .attempt = run->report->loads ? 0 : run->options->attempt,
        .taken = &taken,
    };
    if (!rc)
        rc = tow_state_run_begin(run->state, &start, &run->id, err);
    if (taken)
        run->exit_code = TOW_EXIT_LOCKED;
    if (rc)
        return rc;
    run->report->run = run->id;
    rc = run_name_rejects(run, err);
    if (!rc)
        rc = resume_begin(run, err);
    return rc ? rc : ahead_load(run, err);
}

static void run_start_checkpoint(struct run *run)
{
    struct tow_checkpoint *settled = &run->settled;
    const struct tow_plugin *source = run->reader.source.instance.plugin;

    snprintf(settled->source, sizeof settled->source, "%s", source->name);
    snprintf(settled->source_version, sizeof settled->source_version, "%s", source->version);
    snprintf(settled->sink, sizeof settled->sink, "%s", run->assembly->sink->name);
    memcpy(settled->fingerprint, run->fingerprint, sizeof settled->fingerprint);
    memcpy(settled->load_id, run->load_id, sizeof settled->load_id);
    settled->run = run->id;
    settled->seq = run->resume.seq;
    settled->position = run->resume.position;
    run->reader.seq = run->resume.seq;
}

/* A trial leaves no trace in the ledgers. Whoever starts from nothing finds nothing. */
static int run_open_overlay(struct run *run, struct tow_error *err)
{
    if (run->options->limit < 0)
        return TOW_OK;
    run->overlay = tow_overlay_new(run->options->full ? NULL : run->state, run->key, err);
    return run->overlay ? TOW_OK : err->code;
}

static int run_open(struct run *run, struct tow_error *err)
{
    int rc =
        tracker_init(&run->tracker, tow_assembly_queue_batches(run->assembly) + workers_wanted(run),
                     tow_assembly_queue_bytes(run->assembly), err);

    if (rc)
        return rc;
    run->tracker.complete = run_complete;
    run->tracker.context = run;
    /* From here on: to open may take longer than the lock lasts without a heartbeat. */
    rc = ticker_start(run, err);
    if (!rc)
        rc = run_open_overlay(run, err);
    if (!rc)
        rc = reader_open(run, err);
    if (rc)
        return rc;
    resume_fingerprint(run);
    run_start_checkpoint(run);
    rc = resume_check_source(run, err);
    if (!rc)
        rc = words_find(run, err);
    if (!rc)
        rc = route_open(run, err);
    if (!rc)
        rc = results_open(run, err);
    if (!rc)
        rc = workers_open(run, err);
    if (!rc)
        rc = resume_check_outgoing(run, err);
    return rc ? rc : workers_start(run, err);
}

void run_release(struct run *run)
{
    ticker_stop(run);
    load_release(run);
    reader_close(run);
    if (run->in.release)
        run->in.release(&run->in);
    if (run->out.release)
        run->out.release(&run->out);
    tow_overlay_free(run->overlay);
    if (run->lock_of_job)
        tow_state_unlock(run->lock_of_job);
    tow_cancel_release(&run->stop);
    tow_cancel_release(&run->hard);
    tow_cancel_release(&run->quit);
    pthread_mutex_destroy(&run->lock);
}

/* ---- the whole ------------------------------------------------------------------------------ */

int run_init(struct run *run, struct tow_error *err)
{
    pthread_mutex_init(&run->lock, NULL);
    run->failure = (struct tow_error)TOW_ERROR_INIT;
    run->exit_code = -1;
    run->stop.fd = run->hard.fd = run->quit.fd = -1;
    run->started_ms = tow_monotonic_ms();
    run->report->start_us = tow_now_us();
    if (run->options->replay_of)
        snprintf(run->key, sizeof run->key, "%s@replay-%lld", run->job->name,
                 (long long)run->options->replay_of);
    else
        snprintf(run->key, sizeof run->key, "%s", run->job->name);
    int rc = tow_cancel_init(&run->stop, err);
    if (!rc)
        rc = tow_cancel_init(&run->hard, err);
    return rc ? rc : tow_cancel_init(&run->quit, err);
}

/* One load, or what is left of one, as one run of the state. */
static void run_execute(struct run *run, int rc, struct tow_error *begun)
{
    struct tow_error err = *begun;

    if (!rc)
        rc = run_begin(run, &err);
    if (!rc)
        rc = run_open(run, &err);
    if (rc) {
        run_fail(run, &err, run->exit_code);
        workers_join(run);
        ticker_stop(run);
    } else {
        rc = run_read_all(run, &err);
        run_wind_up(run, rc, &err);
    }
    run->report->end_us = tow_now_us();
    run_report_counts(run);
    run_write_end(run);
}

static void run_report(struct run *run)
{
    struct tow_run_report *report = run->report;

    report->exit_code = run_exit_code(run);
    report->error = run->failure;
    snprintf(report->status, sizeof report->status, "%s", run_status(run));
    memcpy(report->load_id, run->load_id, sizeof report->load_id);
}

int tow_run_job(struct tow_assembly *assembly, struct tow_state *state,
                const struct tow_run_options *options, struct tow_run_report *report)
{
    struct run run = {
        .assembly = assembly,
        .job = assembly->job,
        .state = state,
        .options = options,
        .report = report,
    };

    struct tow_error err = TOW_ERROR_INIT;

    *report = (struct tow_run_report){.error = TOW_ERROR_INIT};
    int rc = run_init(&run, &err);
    for (;;) {
        run_execute(&run, rc, &err);
        run_report(&run);
        run_write_history(&run);
        if (!run.rolled || run_failed(&run))
            break;
        if (options->load_ended)
            options->load_ended(options->load_context, report);
        report->loads++;
        report->rows += report->counts.read;
        rc = load_next(&run, &err);
    }
    run_release(&run);
    return report->error.code;
}
