#include "run/run_priv.h"
#include "towpath/clock.h"

#define TICK_MS     250
#define BEAT_MS     10000
#define PROGRESS_MS 1000
#define REPORT_MS   2000

static struct tow_progress ticker_progress(struct run *run, int64_t now)
{
    struct tow_progress progress = {
        .elapsed_ms = now - run->started_ms,
        .stopping = tow_cancel_get(run->options->cancel) != 0,
    };

    pthread_mutex_lock(&run->lock);
    progress.counts = run->counts;
    pthread_mutex_unlock(&run->lock);
    progress.retries = progress.counts.retries;
    progress.counts.pending = progress.counts.read - progress.counts.accepted -
                              progress.counts.rejected - progress.counts.filtered;
    pthread_mutex_lock(&run->tracker.lock);
    progress.bytes_in_flight = run->tracker.bytes;
    pthread_mutex_unlock(&run->tracker.lock);
    return progress;
}

static void ticker_show(struct run *run, int64_t now)
{
    const struct tow_progress progress = ticker_progress(run, now);

    run->options->progress(run->options->progress_context, &progress);
}

/* A stop or a failure first lets what is in flight drain; when that takes too long, or on the
 * second signal, the sinks are told to give up. */
static void ticker_watch_stop(struct run *run, int64_t now, int64_t *stopped)
{
    if (run->options->abort && tow_cancel_get(run->options->abort))
        tow_cancel_set(&run->hard, tow_cancel_get(run->options->abort));
    if (tow_cancel_get(run->options->cancel))
        tow_cancel_set(&run->stop, tow_cancel_get(run->options->cancel));
    if (!tow_cancel_get(&run->stop))
        return;
    if (*stopped == 0)
        *stopped = now;
    if (now - *stopped >= run->job->tuning.drain_ms)
        tow_cancel_set(&run->hard, tow_cancel_get(&run->stop));
}

/*
 * Renews the lock and says with it how far the run is. Where the lock was taken over, another run
 * is at work: this one must not touch anything more. must: 0 where the lock is fresh still, and a
 * state that cannot be written is no reason to fail.
 */
static void ticker_beat(struct run *run, int64_t now, int64_t settled_ms, int must)
{
    const struct tow_progress progress = ticker_progress(run, now);
    const struct tow_at_work activity = {
        .run = run->id,
        .counts = progress.counts,
        .in_flight = progress.bytes_in_flight,
        .lag_us = progress.counts.pending > 0 ? (now - settled_ms) * 1000 : 0,
        .stopping = progress.stopping,
    };
    struct tow_error err = TOW_ERROR_INIT;

    if (tow_state_report(run->lock_of_job, &activity, &err) != TOW_E_ENV || !must)
        return;
    run_freeze(run);
    run_fail(run, &err, -1);
    tow_cancel_set(&run->hard, 1);
}

/* When a row was settled last, or none was in flight; moves *settled to how many are. */
static int64_t ticker_settled(struct run *run, int64_t now, int64_t settled_ms, int64_t *settled)
{
    pthread_mutex_lock(&run->lock);
    int64_t done = run->counts.accepted + run->counts.rejected + run->counts.filtered;
    int moved = done != *settled || done == run->counts.read;
    pthread_mutex_unlock(&run->lock);
    *settled = done;
    return moved ? now : settled_ms;
}

static void *ticker_main(void *context)
{
    struct run *run = context;
    int64_t beat_ms = run->options->heartbeat_ms ? run->options->heartbeat_ms : BEAT_MS;
    int64_t beat = tow_monotonic_ms(), shown = beat, stopped = 0;
    int64_t reported = beat - REPORT_MS, settled_ms = beat, settled = 0;

    while (!tow_cancel_wait(&run->quit, TICK_MS)) {
        int64_t now = tow_monotonic_ms();

        ticker_watch_stop(run, now, &stopped);
        settled_ms = ticker_settled(run, now, settled_ms, &settled);
        if (now - beat >= beat_ms || now - reported >= REPORT_MS) {
            ticker_beat(run, now, settled_ms, now - beat >= beat_ms);
            beat = now - beat >= beat_ms ? now : beat;
            reported = now;
        }
        if (run->options->progress && now - shown >= PROGRESS_MS) {
            shown = now;
            ticker_show(run, now);
        }
    }
    return NULL;
}

int ticker_start(struct run *run, struct tow_error *err)
{
    int errnum = pthread_create(&run->ticker, NULL, ticker_main, run);

    if (errnum)
        return tow_error_errno(err, TOW_E_ENV, errnum, "starting the ticker thread");
    run->ticking = 1;
    return TOW_OK;
}

void ticker_stop(struct run *run)
{
    if (!run->ticking)
        return;
    tow_cancel_set(&run->quit, 1);
    pthread_join(run->ticker, NULL);
    run->ticking = 0;
}
