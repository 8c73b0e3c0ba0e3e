/* How a run ends: published, or kept as far as it came; the report and the closing transaction. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "run/run_priv.h"

/* ---- the sinks ------------------------------------------------------------------------------ */

/* The checkpoint goes where the next run starts. */
static void wind_up_end_load(struct run *run)
{
    run->settled.load_id[0] = '\0';
    run->settled.token_count = 0;
    run->settled.seq = run->committed_seq = 0;
    if (run->reader.at_end)
        run->settled.position = run->reader.end;
}

/* The input is complete and everything is durable: publish. Too many rejects keep a result that is
 * published as a whole from being so. */
static int wind_up_finish(struct run *run, struct tow_error *err)
{
    struct tow_error rejects = TOW_ERROR_INIT;
    int too_many = run_check_percent(run, &rejects) != TOW_OK;

    int rc = TOW_OK;

    if (!too_many || !run->assembly->sink->sink->finish) {
        rc = workers_finish(run, err);
        if (!rc)
            rc = results_finish(run, err);
        if (!rc)
            wind_up_end_load(run);
    }
    if (too_many)
        run_fail(run, &rejects, TOW_EXIT_REJECTS);
    return rc;
}

/* 1 where the sinks hold just what was completed, or what more they hold is final. */
static int wind_up_is_prefix(struct run *run)
{
    if (run->assembly->sink->sink->flags & TOW_SINK_FINAL)
        return 1;
    return tracker_clean(&run->tracker) && !workers_hold_rows(run);
}

/* After a failure, what was completed before it is kept where the sink holds just that. */
static void wind_up_keep_prefix(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (run->settled.seq == run->committed_seq || run_is_frozen(run) || !wind_up_is_prefix(run))
        return;
    if (!(run->assembly->sink->sink->flags & TOW_SINK_FINAL))
        rc = workers_flush(run, &err);
    if (!rc)
        rc = run_commit(run, &err);
    if (rc)
        tow_log_line(TOW_LOG_WARN, "run", "the checkpoint could not be moved: %s", err.message);
}

void run_wind_up(struct run *run, int rc, const struct tow_error *read_err)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (!run_failed(run)) {
        int done = run_checkpoint(run, &err);

        if (!done && rc == TOW_END && !run_failed(run))
            done = wind_up_finish(run, &err);
        /* A stop is no reason where there is another. */
        if (rc < TOW_OK && rc != TOW_E_CANCELLED)
            run_fail(run, read_err, -1);
        if (done)
            run_fail(run, &err, -1);
        if (rc == TOW_E_CANCELLED)
            run_fail(run, read_err, -1);
    }
    workers_join(run);
    if (run_failed(run))
        wind_up_keep_prefix(run);
    ticker_stop(run);
}

/* ---- the report ----------------------------------------------------------------------------- */

int run_exit_code(const struct run *run)
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

const char *run_status(const struct run *run)
{
    if (run->failure.code == TOW_OK)
        return TOW_RUN_OK;
    return run->failure.code == TOW_E_CANCELLED ? TOW_RUN_CANCELLED : TOW_RUN_FAILED;
}

void run_report_counts(struct run *run)
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

/* Counts, status and, after a load that is complete, where the next one starts. */
void run_write_end(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_commit commit;

    if (run->id == 0)
        return;
    run_fill_commit(run, &commit);
    if (run->settled.load_id[0] == '\0' && run->settled.run && run->options->limit < 0)
        commit.checkpoint = &run->settled;
    run->settled.saved_us = run->report->end_us;
    int rc = tow_state_run_end(run->state, &commit, run_status(run), run_exit_code(run),
                               run->failure.code ? &run->failure : NULL, run->report->end_us, &err);
    /* A replay that is through needs no checkpoint, and is no job of its own. */
    if (!rc && run->options->replay_of && run->failure.code == TOW_OK)
        rc = tow_state_checkpoint_reset(run->state, run->key, 1, &err);
    if (rc)
        run_fail(run, &err, -1);
}
