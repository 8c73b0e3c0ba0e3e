/* Loads that follow one another in one run of the program, with the source open all the while. */
#include <stdlib.h>
#include <string.h>

#include "run/run_priv.h"
#include "towpath/clock.h"

/* A trial and a replay are one load, whatever the job says. */
static int load_rolls(const struct run *run)
{
    return tow_job_rolls(run->job) && run->options->limit < 0 && !run->options->replay_of;
}

/* Rows of earlier runs of this load count; how long ago they were read does not. */
int load_is_full(struct run *run)
{
    const struct tow_load_limits *limits = &run->job->load;
    int64_t rows = run->before.read + run->reader.read, now = tow_monotonic_ms();

    if (!load_rolls(run) || rows == 0)
        return 0;
    if (run->load_began_ms == 0)
        run->load_began_ms = now;
    return (limits->max_rows > 0 && rows >= limits->max_rows) ||
           (limits->max_bytes > 0 && run->before.bytes + run->counts.bytes >= limits->max_bytes) ||
           (limits->max_age_ms > 0 && now - run->load_began_ms >= limits->max_age_ms);
}

void load_release(struct run *run)
{
    results_close(run);
    workers_close(run);
    route_close(run);
    tracker_release(&run->tracker);
    run->tracker = (struct tracker){0};
    tow_rejects_free(run->rejects);
    run->rejects = NULL;
    tow_json_writer_free(run->reject_writer);
    run->reject_writer = NULL;
    tow_buffer_release(&run->reject_lines);
    for (size_t i = 0; i < run->mark_count; i++) {
        free(run->marks[i].key);
        free(run->marks[i].value);
    }
    free(run->marks);
    run->marks = NULL;
    run->mark_count = run->mark_capacity = 0;
    free(run->settled.tokens);
    run->settled = (struct tow_checkpoint){0};
    tow_checkpoint_release(&run->resume);
    run->resume = (struct tow_checkpoint){0};
    ahead_release(&run->ahead);
    run->ahead = (struct ahead){0};
}

int load_next(struct run *run, struct tow_error *err)
{
    /* That of the history, which has kept the lock. */
    ticker_stop(run);
    load_release(run);
    run->before = run->counts = run->committed = (struct tow_counts){0};
    run->reader.met_before += run->reader.read;
    run->reader.read = 0;
    run->settled_read = run->reject_bytes = 0;
    run->committed_seq = run->flushed_seq = 0;
    run->id = 0;
    run->rolled = 0;
    run->load_began_ms = 0;
    run->started_ms = tow_monotonic_ms();
    const int64_t loads = run->report->loads, rows = run->report->rows;
    *run->report = (struct tow_run_report){
        .start_us = tow_now_us(), .loads = loads, .rows = rows, .error = TOW_ERROR_INIT};
    tow_cancel_release(&run->quit);
    return tow_cancel_init(&run->quit, err);
}
