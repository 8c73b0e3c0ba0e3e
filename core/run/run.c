#include "run/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "run/run_priv.h"

/* ---- failures ------------------------------------------------------------------------------- */

int tow_exit_code(int error_class)
{
    switch (error_class) {
    case TOW_OK:
    case TOW_END:
        return TOW_EXIT_OK;
    case TOW_E_CONFIG:
    case TOW_E_UNSUPPORTED:
        return TOW_EXIT_CONFIG;
    case TOW_E_TRANSIENT:
    case TOW_E_RATE:
    case TOW_E_AUTH:
    case TOW_E_DATA:
    case TOW_E_ENV:
        return TOW_EXIT_ENVIRONMENT;
    case TOW_E_CANCELLED:
        return 128 + SIGINT;
    default:
        return TOW_EXIT_INTERNAL;
    }
}

void run_fail(struct run *run, const struct tow_error *err, int exit_code)
{
    pthread_mutex_lock(&run->lock);
    if (run->failure.code == TOW_OK) {
        run->failure = *err;
        run->exit_code = exit_code;
    }
    pthread_mutex_unlock(&run->lock);
    if (run->tracker.ring)
        tracker_fail(&run->tracker);
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

/* ---- instances ------------------------------------------------------------------------------ */

int run_open_instance(struct run *run, struct run_instance *instance,
                      const struct tow_plugin *plugin, const struct tow_setting *section,
                      const char *role, struct tow_error *err)
{
    struct tow_diags diags = {0};
    int rc = tow_instance_init(&instance->instance, plugin, section, run->job->dir, &diags, err);

    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    tow_host_init(&instance->box, run->job, role, plugin);
    instance->box.host.load_id = run->load_id;
    instance->box.host.replay = run->options->replay_of != 0;
    if (run->options->limit >= 0 && run->options->limit < run->job->tuning.batch_rows)
        instance->box.host.batch_rows = run->options->limit ? (uint32_t)run->options->limit : 1;
    instance->box.cancel = &run->hard;
    instance->box.state = run->state;
    instance->box.ledger_job = run->key;
    return rc;
}

void run_close_instance(struct run_instance *instance)
{
    tow_instance_release(&instance->instance);
    instance->opened = 0;
}

int run_call_result(const struct run_instance *instance, const char *call, int rc,
                    struct tow_error *err)
{
    if (rc == TOW_OK)
        return TOW_OK;
    if (rc > TOW_OK || strcmp(tow_error_name(rc), "unknown") == 0)
        return tow_error_set(err, TOW_E_BUG, "%s: %s returned %d, which means nothing here",
                             instance->box.area, call, rc);
    err->code = rc;
    if (!err->message[0])
        snprintf(err->message, sizeof err->message, "%s failed (%s) and gave no reason", call,
                 tow_error_name(rc));
    tow_error_prefix(err, "%s", instance->box.area);
    return rc;
}

/* ---- the way through ------------------------------------------------------------------------ */

/* Waits until the sinks have what was read, makes it durable and moves the checkpoint there. */
static int run_checkpoint(struct run *run, struct tow_error *err)
{
    int rc = TOW_OK;

    if (!tracker_wait_quiet(&run->tracker))
        return TOW_E_CANCELLED;
    if (run->reader.seq == run->committed_seq && run->committed_seq > 0)
        return TOW_OK;
    rc = workers_flush(run, err);
    if (!rc && run_failed(run))
        return TOW_E_CANCELLED;
    if (!rc && !tracker_empty(&run->tracker))
        rc = tow_error_set(err, TOW_E_BUG, "rows are left open after a flush");
    return rc ? rc : run_commit(run, err);
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

/* Reads until the end (TOW_END), a stop (TOW_E_CANCELLED) or a failure. */
static int run_read_all(struct run *run, struct tow_error *err)
{
    int64_t due = tow_monotonic_ms() + run->job->tuning.checkpoint_ms;

    while (!run_failed(run)) {
        struct record *record = NULL;

        if (tow_cancel_get(run->options->cancel))
            return tow_error_set(err, TOW_E_CANCELLED, "stopped by a signal");
        if (run_limit_reached(run))
            return TOW_END;
        int rc = reader_next(run, &record, err);
        if (!rc)
            rc = run_push(run, record, err);
        if (!rc && tow_monotonic_ms() >= due) {
            rc = run_checkpoint(run, err);
            due = tow_monotonic_ms() + run->job->tuning.checkpoint_ms;
        }
        if (rc)
            return rc;
    }
    return TOW_E_CANCELLED;
}

/* ---- start ---------------------------------------------------------------------------------- */

static int run_take_lock(struct run *run, struct tow_error *err)
{
    int busy = 0;
    int rc = tow_state_lock(run->state, run->job->name, &run->lock_of_job, &busy, err);

    if (busy)
        run->exit_code = TOW_EXIT_LOCKED;
    return rc;
}

static int run_begin(struct run *run, struct tow_error *err)
{
    int rc = run_take_lock(run, err);

    if (!rc)
        rc = resume_find(run, err);
    const struct tow_run_start start = {
        .job = run->job->name,
        .job_file = run->job->path,
        .load_id = run->load_id,
        .replay_of = run->options->replay_of,
        .now_us = run->report->start_us,
    };
    if (!rc)
        rc = tow_state_run_begin(run->state, &start, &run->id, err);
    if (rc)
        return rc;
    run->report->run = run->id;
    char *path = tow_state_reject_path(run->state, run->job->name, run->id);
    if (!path)
        return tow_error_nomem(err);
    snprintf(run->report->reject_path, sizeof run->report->reject_path, "%s", path);
    free(path);
    return TOW_OK;
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

static int run_open(struct run *run, struct tow_error *err)
{
    const struct tow_tuning *tuning = &run->job->tuning;
    int rc = reader_open(run, err);

    if (rc)
        return rc;
    resume_fingerprint(run);
    run_start_checkpoint(run);
    rc = resume_check_schema(run, err);
    if (!rc)
        rc = results_open(run, err);
    if (!rc)
        rc = workers_open(run, err);
    if (!rc)
        rc = tracker_init(&run->tracker, tuning->queue_batches + run->worker_count,
                          tuning->queue_bytes, err);
    if (rc)
        return rc;
    run->tracker.complete = run_complete;
    run->tracker.context = run;
    rc = ticker_start(run, err);
    return rc ? rc : workers_start(run, err);
}

/* ---- end ------------------------------------------------------------------------------------ */

/* The input is complete and everything is durable: publish, and put the checkpoint where the next
 * run starts. Too many rejects keep a result that is published as a whole from being so. */
static int run_finish(struct run *run, struct tow_error *err)
{
    struct tow_error rejects = TOW_ERROR_INIT;
    int too_many = run_check_percent(run, &rejects) != TOW_OK;

    if (too_many)
        run_fail(run, &rejects, TOW_EXIT_REJECTS);
    if (too_many && run->assembly->sink->sink->finish)
        return TOW_OK;
    int rc = workers_finish(run, err);
    if (!rc)
        rc = results_finish(run, err);
    if (rc)
        return rc;
    run->settled.load_id[0] = '\0';
    run->settled.token_count = 0;
    run->settled.seq = run->committed_seq = 0;
    run->settled.position = run->reader.at_end ? run->reader.end : run->settled.position;
    return TOW_OK;
}

/* After a failure, what was completed before it is kept where the sink holds just that. */
static void run_keep_prefix(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;
    int final = (run->assembly->sink->sink->flags & TOW_SINK_FINAL) != 0;
    int rc = TOW_OK;

    if (run->settled.seq == run->committed_seq || !(final || tracker_clean(&run->tracker)))
        return;
    if (!final)
        rc = workers_flush(run, &err);
    if (!rc)
        rc = run_commit(run, &err);
    if (rc)
        tow_log_line(TOW_LOG_WARN, "run", "the checkpoint could not be moved: %s", err.message);
}

/* `rc` is how reading ended. */
static void run_wind_up(struct run *run, int rc, const struct tow_error *read_err)
{
    struct tow_error err = TOW_ERROR_INIT;
    int done = TOW_OK;

    if (!run_failed(run)) {
        done = run_checkpoint(run, &err);
        if (!done && rc == TOW_END)
            done = run_finish(run, &err);
        if (done && done != TOW_E_CANCELLED)
            run_fail(run, &err, -1);
    }
    workers_join(run);
    if (rc < 0 && !run_failed(run))
        run_fail(run, read_err, -1);
    else if (run_failed(run) && !(run->exit_code == TOW_EXIT_BALANCE))
        run_keep_prefix(run);
}

static int run_failure_exit(const struct run *run)
{
    int code = run->failure.code;
    int signal_number = tow_cancel_get(run->options->cancel);

    if (code == TOW_OK)
        return TOW_EXIT_OK;
    if (run->exit_code >= 0)
        return run->exit_code;
    if (code == TOW_E_CANCELLED && signal_number > 1)
        return 128 + signal_number;
    if ((code == TOW_E_TRANSIENT || code == TOW_E_RATE) && run->committed.accepted > 0)
        return TOW_EXIT_PARTIAL;
    return tow_exit_code(code);
}

static const char *run_status(const struct run *run)
{
    if (run->failure.code == TOW_OK)
        return TOW_RUN_OK;
    return run->failure.code == TOW_E_CANCELLED ? TOW_RUN_CANCELLED : TOW_RUN_FAILED;
}

static void run_report_counts(struct run *run)
{
    struct tow_counts *counts = &run->committed;

    counts->read = run->counts.read;
    counts->bytes = run->counts.bytes;
    counts->batches = run->counts.batches;
    counts->retries = run->counts.retries;
    counts->pending = counts->read - counts->accepted - counts->rejected - counts->filtered;
    run->report->counts = *counts;
    if (run->reject_bytes == 0)
        run->report->reject_path[0] = '\0';
}

/* The last transaction: counts, status and, after a load that is complete, where the next starts.
 */
static void run_write_end(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_commit commit;

    if (run->id == 0)
        return;
    run_fill_commit(run, &commit);
    if (run->settled.load_id[0] == '\0' && run->settled.run && run->options->limit < 0)
        commit.checkpoint = &run->settled;
    run->settled.saved_us = run->report->end_us;
    int rc = tow_state_run_end(run->state, &commit, run_status(run), run_failure_exit(run),
                               run->failure.code ? &run->failure : NULL, run->report->end_us, &err);
    /* A replay that is through needs no checkpoint, and is no job of its own. */
    if (!rc && run->options->replay_of && run->failure.code == TOW_OK)
        rc = tow_state_checkpoint_reset(run->state, run->key, 1, &err);
    if (rc)
        run_fail(run, &err, -1);
}

void run_release(struct run *run)
{
    ticker_stop(run);
    results_close(run);
    workers_close(run);
    tracker_release(&run->tracker);
    reader_close(run);
    tow_rejects_free(run->rejects);
    tow_json_writer_free(run->reject_writer);
    tow_buffer_release(&run->reject_lines);
    for (size_t i = 0; i < run->mark_count; i++) {
        free(run->marks[i].key);
        free(run->marks[i].value);
    }
    free(run->marks);
    if (run->in.release)
        run->in.release(&run->in);
    if (run->out.release)
        run->out.release(&run->out);
    free(run->settled.tokens);
    run->settled.tokens = NULL;
    tow_checkpoint_release(&run->resume);
    if (run->lock_of_job)
        tow_state_unlock(run->lock_of_job);
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
    run->hard.fd = run->quit.fd = -1;
    run->started_ms = tow_monotonic_ms();
    run->report->start_us = tow_now_us();
    if (run->options->replay_of)
        snprintf(run->key, sizeof run->key, "%s@replay-%lld", run->job->name,
                 (long long)run->options->replay_of);
    else
        snprintf(run->key, sizeof run->key, "%s", run->job->name);
    int rc = tow_cancel_init(&run->hard, err);
    return rc ? rc : tow_cancel_init(&run->quit, err);
}

static void run_execute(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = run_init(run, &err);

    if (!rc)
        rc = run_begin(run, &err);
    if (!rc)
        rc = run_open(run, &err);
    if (rc) {
        run_fail(run, &err, run->exit_code);
        workers_join(run);
    } else {
        rc = run_read_all(run, &err);
        run_wind_up(run, rc, &err);
    }
    run->report->end_us = tow_now_us();
    run_report_counts(run);
    run_write_end(run);
}

int tow_run_job(struct tow_assembly *assembly, struct tow_loader *loader, struct tow_state *state,
                const struct tow_run_options *options, struct tow_run_report *report)
{
    struct run run = {
        .assembly = assembly,
        .job = assembly->job,
        .state = state,
        .options = options,
        .report = report,
    };

    (void)loader;
    *report = (struct tow_run_report){.error = TOW_ERROR_INIT};
    run_execute(&run);
    report->exit_code = run_failure_exit(&run);
    report->error = run.failure;
    snprintf(report->status, sizeof report->status, "%s", run_status(&run));
    memcpy(report->load_id, run.load_id, sizeof report->load_id);
    run_release(&run);
    return report->error.code;
}
