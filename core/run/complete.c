/* Batches whose rows are all settled: rejects and results written, counts kept, checkpoint moved.
 */
#include <stdlib.h>
#include <string.h>

#include "run/run_priv.h"
#include "towpath/clock.h"

static const char *const complete_stage_names[] = {"source", "transform", "columns", "sink"};

/* ---- rejects -------------------------------------------------------------------------------- */

static int complete_open_rejects(struct run *run, struct tow_error *err)
{
    if (run->rejects)
        return TOW_OK;
    run->rejects =
        tow_rejects_new(run->report->reject_path, run->job->name, run->id, &run->in, err);
    run->reject_writer =
        run->rejects ? tow_json_writer_new(&run->in, TOW_JSON_OMIT_NULLS, err) : NULL;
    return run->reject_writer ? TOW_OK : err->code;
}

static int64_t complete_line_of(const struct record *record, int64_t row)
{
    const struct ArrowArray *lines = &record->lines;

    if (!lines->release)
        return 0;
    return ((const int64_t *)lines->buffers[1])[lines->offset + row];
}

int run_reject_line(struct run *run, struct record *record, const struct record_note *note,
                    struct tow_error *err)
{
    const struct ArrowArray *text;

    if (note->row < 0)
        return tow_buffer_append(&run->reject_lines, record->note_text.data + note->raw,
                                 note->raw_length, err);
    int rc = record_text(record, &run->in, &text, err);
    if (rc)
        return rc;
    const struct tow_reject_row row = {
        .code = record_code(record, note),
        .message = record_message(record, note),
        .stage = complete_stage_names[note->stage],
        .origin = record->origin,
        .line = complete_line_of(record, note->row),
        .row = note->row,
        .array = text,
    };
    return tow_reject_line(&run->reject_lines, run->reject_writer, &row, err);
}

static int complete_rejects(struct run *run, struct record *record, struct tow_error *err)
{
    int rc = TOW_OK;

    if (record->note_count == 0)
        return TOW_OK;
    rc = complete_open_rejects(run, err);
    run->reject_lines.size = 0;
    for (size_t i = 0; !rc && i < record->note_count; i++)
        rc = run_reject_line(run, record, &record->notes[i], err);
    record_drop_text(record);
    if (!rc)
        rc = tow_rejects_write(run->rejects, run->reject_lines.data, run->reject_lines.size, err);
    return rc;
}

/* ---- counts --------------------------------------------------------------------------------- */

static int complete_keep_mark(struct run *run, struct record *record, struct tow_error *err)
{
    if (!record->mark_key)
        return TOW_OK;
    if (run->mark_count == run->mark_capacity) {
        size_t capacity = run->mark_capacity ? run->mark_capacity * 2 : 8;
        struct tow_mark *marks = reallocarray(run->marks, capacity, sizeof *marks);

        if (!marks)
            return tow_error_nomem(err);
        run->marks = marks;
        run->mark_capacity = capacity;
    }
    run->marks[run->mark_count++] =
        (struct tow_mark){.key = record->mark_key, .value = record->mark_value};
    record->mark_key = NULL;
    record->mark_value = NULL;
    return TOW_OK;
}

static void complete_count(struct run *run, const struct record *record)
{
    run->settled.seq = record->seq;
    run->settled.position = record->position;
    run->settled_read = record->read_through;
    pthread_mutex_lock(&run->lock);
    run->counts.accepted += record->accepted;
    run->counts.rejected += record->rejected;
    run->counts.filtered += record->filtered;
    pthread_mutex_unlock(&run->lock);
}

/* Too many rejects stop the run at once; a percentage is only judged at its end. */
static int complete_check_limit(struct run *run, struct tow_error *err)
{
    int64_t most = run->job->max_rejects;
    int64_t rejected = run->before.rejected + run->counts.rejected;

    if (most < 0 || rejected <= most)
        return TOW_OK;
    return tow_error_set(err, TOW_E_DATA, "%lld rows rejected; rejects.max is %lld",
                         (long long)rejected, (long long)most);
}

int run_check_percent(struct run *run, struct tow_error *err)
{
    double most = run->job->max_reject_percent;
    int64_t rejected = run->before.rejected + run->counts.rejected;
    int64_t read = run->before.read + run->settled_read;

    if (most < 0 || read == 0 || (double)rejected * 100 <= most * (double)read)
        return TOW_OK;
    return tow_error_set(
        err, TOW_E_DATA, "%lld of %lld rows rejected (%.3f%%); rejects.max_percent is %g",
        (long long)rejected, (long long)read, (double)rejected * 100 / (double)read, most);
}

int run_complete(void *context, struct record *record)
{
    struct run *run = context;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = complete_rejects(run, record, &err);

    if (!rc)
        rc = results_write(run, record, &err);
    if (!rc)
        rc = complete_keep_mark(run, record, &err);
    /* Of this batch, rejects and results may have some rows by now: they belong to no checkpoint.
     */
    if (rc)
        run_freeze(run);
    if (!rc) {
        complete_count(run, record);
        if (!run->results && run->assembly->sink->sink->flags & TOW_SINK_FINAL)
            rc = run_commit(run, &err);
    }
    if (rc) {
        run_fail(run, &err, -1);
        return rc;
    }
    /* The batch itself is complete: the limit ends the run behind it, not before. */
    if (complete_check_limit(run, &err))
        run_fail(run, &err, TOW_EXIT_REJECTS);
    return TOW_OK;
}

/* ---- the checkpoint ------------------------------------------------------------------------- */

/* Promise: every row that the source counted has one outcome. */
static int complete_balance(struct run *run, struct tow_error *err)
{
    const struct tow_counts *counts = &run->counts;
    int64_t settled = counts->accepted + counts->rejected + counts->filtered;

    if (settled == run->settled_read)
        return TOW_OK;
    tow_error_set(err, TOW_E_BUG,
                  "the counts do not balance: %lld rows read, %lld accepted + %lld rejected + %lld "
                  "filtered = %lld; the checkpoint stays where it was",
                  (long long)run->settled_read, (long long)counts->accepted,
                  (long long)counts->rejected, (long long)counts->filtered, (long long)settled);
    run_fail_balance(run, err);
    return TOW_E_BUG;
}

/* Sinks' tokens, then that of the results. */
static int complete_tokens(struct run *run, struct tow_error *err)
{
    uint32_t count = run->worker_count + (run->results != NULL);

    if (!run->settled.tokens)
        run->settled.tokens = calloc(count, sizeof *run->settled.tokens);
    if (!run->settled.tokens)
        return tow_error_nomem(err);
    run->settled.token_count = count;
    for (uint32_t i = 0; i < run->worker_count; i++)
        run->settled.tokens[i] = run->workers[i].token;
    return run->results ? results_flush(run, &run->settled.tokens[count - 1], err) : TOW_OK;
}

/* The counts of what is settled; pending is what was read beyond. */
void run_fill_commit(struct run *run, struct tow_commit *commit)
{
    *commit = (struct tow_commit){
        .job = run->key,
        .run = run->id,
        .counts = &run->committed,
        .reject_bytes = run->reject_bytes,
        .ledger = run->reader.source.box.ledger,
    };
}

static void complete_drop_marks(struct run *run)
{
    for (size_t i = 0; i < run->mark_count; i++) {
        free(run->marks[i].key);
        free(run->marks[i].value);
    }
    run->mark_count = 0;
}

static struct tow_counts complete_settled_counts(struct run *run)
{
    struct tow_counts counts;

    pthread_mutex_lock(&run->lock);
    counts = run->counts;
    pthread_mutex_unlock(&run->lock);
    counts.read = run->settled_read;
    counts.pending = 0;
    return counts;
}

int run_commit(struct run *run, struct tow_error *err)
{
    int64_t reject_bytes = run->reject_bytes;
    struct tow_counts counts;
    struct tow_commit commit;
    int rc = complete_balance(run, err);

    if (!rc)
        rc = complete_tokens(run, err);
    if (!rc && run->rejects)
        rc = tow_rejects_sync(run->rejects, &reject_bytes, err);
    if (rc)
        return rc;
    counts = complete_settled_counts(run);
    run->settled.saved_us = tow_now_us();
    run_fill_commit(run, &commit);
    commit.counts = &counts;
    commit.reject_bytes = reject_bytes;
    if (run->options->limit < 0) { /* a trial leaves no trace in the job's state */
        commit.checkpoint = &run->settled;
        commit.marks = run->marks;
        commit.mark_count = run->mark_count;
    }
    rc = tow_state_commit(run->state, &commit, err);
    if (rc)
        return rc;
    /* Not before: the end of a run writes these, and they must not be ahead of the checkpoint. */
    run->committed = counts;
    run->reject_bytes = reject_bytes;
    run->committed_seq = run->settled.seq;
    if (run->route)
        route_committed(run);
    complete_drop_marks(run);
    return TOW_OK;
}
