#include <stdlib.h>
#include <string.h>

#include "plugins/events/source.h"
#include "towpath/batch.h"

void tow_events_batch_release(struct tow_events_batch *batch)
{
    tow_events_rows_release(&batch->rows);
    free(batch->key);
    free(batch->value);
    *batch = (struct tow_events_batch){0};
}

int tow_events_batch_is_full(const struct tow_events_source *source)
{
    int64_t limit = source->options.event_limit;

    return source->is_pausing || tow_events_rows_are_full(&source->batch.rows) ||
           (limit > 0 && source->taken + source->batch.rows.count >= limit);
}

int tow_events_batch_is_empty(const struct tow_events_source *source)
{
    return source->batch.rows.count == 0 && source->rejected == source->batch.rejects;
}

void tow_events_reject(struct tow_events_source *source, const struct tow_frame *frame,
                       const char *code, const char *message)
{
    const struct tow_source_reject reject = {
        .size = sizeof reject,
        .raw_length =
            (uint32_t)(frame->length < TOW_FRAME_RAW_MAX ? frame->length : TOW_FRAME_RAW_MAX),
        .code = code,
        .message = message,
        .origin = source->reading.frames.path,
        .line = frame->line,
        .offset = frame->offset,
        .raw = frame->text,
    };

    source->rejected++;
    if (source->host->reject(source->host, &reject) != TOW_OK)
        source->is_pausing = 1;
}

/* ---- marks ---------------------------------------------------------------------------------- */

int tow_events_batch_mark(struct tow_events_source *source, char *key, char *value,
                          struct tow_error *err)
{
    struct tow_events_batch *batch = &source->batch;

    free(batch->key);
    free(batch->value);
    batch->key = key;
    batch->value = value;
    return key && value ? TOW_OK : tow_error_nomem(err);
}

int tow_events_batch_mark_progress(struct tow_events_source *source, struct tow_error *err)
{
    const struct tow_events_reading *reading = &source->reading;
    const struct tow_events_progress progress = {reading->identity, reading->frames.offset,
                                                 reading->frames.line};
    char key[TOW_EVENTS_TAIL_MAX];
    int code;

    tow_events_tail_key(reading->identity, key);
    code = tow_events_batch_mark(source, strdup(key),
                                 tow_events_tail_text(&progress, reading->file->file.path), err);
    return code == TOW_OK ? tow_events_files_note(&source->files, &progress, err) : code;
}

/* The mark of a batch of the open file; none where there is nothing to say. */
static int batch_mark(struct tow_events_source *source, int *has_mark, struct tow_error *err)
{
    const struct tow_events_reading *reading = &source->reading;
    const struct tow_file *file = &reading->file->file;

    *has_mark = 0;
    if (!source->options.incremental || file->is_stream)
        return TOW_OK;
    *has_mark = 1;
    if (reading->frames.is_tail)
        return tow_events_batch_mark_progress(source, err);
    *has_mark = reading->is_at_end;
    if (!reading->is_at_end)
        return TOW_OK;
    return tow_events_batch_mark(source, tow_file_ledger_key(file->path), strdup(reading->mark),
                                 err);
}

/* ---- handing over --------------------------------------------------------------------------- */

/* Where the file at hand stands, behind the rows of the batch. */
static struct tow_events_position batch_position(const struct tow_events_source *source)
{
    const struct tow_events_reading *reading = &source->reading;
    const struct tow_window *window = &source->window;
    int is_there = tow_window_offset(window) == reading->frames.offset;
    size_t checked = is_there ? tow_window_history(window) : 0;
    struct tow_events_position position = {
        .place = reading->is_at_end ? TOW_EVENTS_FILE_DONE : TOW_EVENTS_IN_FILE,
        .at = {reading->frames.offset, tow_window_checksum(window, checked), (uint32_t)checked},
        .line = reading->frames.line,
        .taken = source->taken,
    };

    strcpy(position.path, reading->file->file.path);
    return position;
}

static void batch_count(const struct tow_events_source *source, struct tow_batch *out)
{
    out->flags |= TOW_BATCH_COUNTED;
    out->counted = source->framed - source->other_streams - source->other_dates;
}

int tow_events_batch_hand_over(struct tow_events_source *source, struct tow_batch *out,
                               struct tow_error *err)
{
    struct tow_events_batch *batch = &source->batch;
    int64_t count = batch->rows.count;
    int has_mark = source->is_starting && source->reading.file == NULL, code = TOW_OK;

    if (source->reading.file && !source->is_waiting)
        code = batch_mark(source, &has_mark, err);
    if (code == TOW_OK)
        code = tow_events_rows_finish(&batch->rows, out, err);
    if (code != TOW_OK)
        return code;
    source->taken += count;
    if (source->reading.file && !source->is_waiting)
        source->position = batch_position(source);
    tow_events_position_put(&source->position, &out->position);
    batch_count(source, out);
    batch->rejects = source->rejected;
    source->is_pausing = 0;
    if (source->reading.file) {
        out->origin = source->reading.file->file.path;
        source->reading.file->is_origin = 1;
    }
    if (has_mark) {
        out->mark_key = batch->key;
        out->mark_value = batch->value;
    }
    return TOW_OK;
}
