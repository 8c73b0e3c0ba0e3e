#include "run/record.h"

#include <stdlib.h>
#include <string.h>

/* ---- making --------------------------------------------------------------------------------- */

/* Fixed-width buffers are guessed at 8 bytes a value; the last offset of a string column tells its
 * bytes. Only bounds on memory in flight hang on it. */
static size_t record_array_bytes(const struct ArrowArray *array)
{
    size_t bytes = 0;

    for (int64_t i = 0; i < array->n_children; i++) {
        const struct ArrowArray *child = array->children[i];
        const int32_t *offsets = child->n_buffers == 3 ? child->buffers[1] : NULL;

        bytes += (size_t)array->length * 8;
        if (offsets)
            bytes += (size_t)(offsets[child->offset + child->length] - offsets[child->offset]);
    }
    return bytes;
}

static int record_take_mark(struct record *record, const struct tow_batch *batch,
                            struct tow_error *err)
{
    if (!batch->mark_key || !batch->mark_value)
        return TOW_OK;
    record->mark_key = strdup(batch->mark_key);
    record->mark_value = strdup(batch->mark_value);
    return record->mark_key && record->mark_value ? TOW_OK : tow_error_nomem(err);
}

static int record_take_rows(struct record *record, struct tow_batch *batch, struct tow_error *err)
{
    if (!batch->array.release || batch->array.length == 0)
        return TOW_OK;
    record->source_rows = batch->array.length;
    record->open = record->stage_rows = batch->array.length;
    record->bytes = record_array_bytes(&batch->array);
    record->is_typed = (batch->flags & TOW_BATCH_TYPED) != 0;
    record->fate = calloc(1, (size_t)record->source_rows);
    if (!record->fate)
        return tow_error_nomem(err);
    record->source = tow_share_new(&batch->array, err);
    return record->source ? TOW_OK : TOW_E_NOMEM;
}

int record_new(struct record **out, uint64_t seq, struct tow_batch *batch, struct tow_error *err)
{
    struct record *record = calloc(1, sizeof *record);

    if (!record)
        return tow_error_nomem(err);
    record->seq = seq;
    record->origin = batch->origin;
    record->position = batch->position;
    int rc = record_take_mark(record, batch, err);
    if (!rc)
        rc = record_take_rows(record, batch, err);
    if (rc) {
        record_free(record);
        return rc;
    }
    record->lines = batch->lines;
    batch->lines.release = NULL;
    record->held = batch->held;
    record->as_text = batch->as_text;
    record->let_go = batch->let_go;
    record->read_bytes = record->is_typed ? (size_t)batch->held_bytes : record->bytes;
    record->bytes += (size_t)batch->held_bytes;
    batch->held = NULL;
    *out = record;
    return TOW_OK;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    if (record->out.release)
        record->out.release(&record->out);
    if (record->try_copy.release)
        record->try_copy.release(&record->try_copy);
    if (record->lines.release)
        record->lines.release(&record->lines);
    record_drop_text(record);
    if (record->held)
        record->let_go(record->held);
    tow_share_unref(record->source);
    free(record->fate);
    free(record->notes);
    tow_buffer_release(&record->note_text);
    free(record->out_rows);
    free(record->try_rows);
    free(record->mark_key);
    free(record->mark_value);
    free(record);
}

/* ---- notes ---------------------------------------------------------------------------------- */

static int record_add_text(struct record *record, const char *text, size_t length, size_t *offset,
                           struct tow_error *err)
{
    *offset = record->note_text.size;
    int rc = tow_buffer_append(&record->note_text, text, length, err);
    return rc ? rc : tow_buffer_append(&record->note_text, "", 1, err);
}

static int record_add_note(struct record *record, struct record_note note, const char *code,
                           const char *message, struct tow_error *err)
{
    if (record->note_count == record->note_capacity) {
        size_t capacity = record->note_capacity ? record->note_capacity * 2 : 16;
        struct record_note *notes = reallocarray(record->notes, capacity, sizeof *notes);

        if (!notes)
            return tow_error_nomem(err);
        record->notes = notes;
        record->note_capacity = capacity;
    }
    int rc = record_add_text(record, code, strlen(code), &note.code, err);
    if (!rc)
        rc = record_add_text(record, message, strlen(message), &note.message, err);
    if (!rc)
        record->notes[record->note_count++] = note;
    return rc;
}

int record_unreadable(struct record *record, const char *code, const char *message,
                      const struct tow_buffer *line, struct tow_error *err)
{
    struct record_note note = {.row = -1, .stage = RECORD_SOURCE, .raw_length = line->size};
    int rc = record_add_text(record, line->data, line->size, &note.raw, err);

    if (!rc)
        rc = record_add_note(record, note, code, message, err);
    if (!rc)
        record->rejected++;
    return rc;
}

void record_adopt_unreadable(struct record *record, struct record *from)
{
    record->notes = from->notes;
    record->note_count = from->note_count;
    record->note_capacity = from->note_capacity;
    record->note_text = from->note_text;
    record->rejected += from->rejected;
    from->notes = NULL;
    from->note_text = (struct tow_buffer){0};
}

void record_drop_text(struct record *record)
{
    if (record->text.release)
        record->text.release(&record->text);
}

int record_text(struct record *record, const struct ArrowSchema *schema,
                const struct ArrowArray **out, struct tow_error *err)
{
    int rc;

    *out = record->is_typed ? &record->text : tow_share_array(record->source);
    if (!record->is_typed || record->text.release)
        return TOW_OK;
    rc = record->as_text(record->held, &record->text, err);
    if (!rc)
        rc = tow_array_validate(&record->text, schema, err);
    /* A trial may have cut rows off the typed array. */
    if (!rc && record->text.length < record->source_rows)
        rc = tow_error_set(err, TOW_E_BUG, "%lld rows as text where the batch has %lld",
                           (long long)record->text.length, (long long)record->source_rows);
    if (!rc)
        return TOW_OK;
    record_drop_text(record);
    return tow_error_prefix(err, "batch %llu: as_text", (unsigned long long)record->seq);
}

/* ---- settling ------------------------------------------------------------------------------- */

static int record_bug(struct record *record, struct tow_error *err, const char *what, int64_t row)
{
    return tow_error_set(err, TOW_E_BUG, "batch %llu, row %lld: %s",
                         (unsigned long long)record->seq, (long long)row, what);
}

static int record_settle_source(struct record *record, int64_t row, enum record_stage stage,
                                int outcome, const char *code, const char *message,
                                struct tow_error *err)
{
    if (row < 0 || row >= record->source_rows)
        return record_bug(record, err, "settled, but the batch has no such row", row);
    if (record->fate[row])
        return record_bug(record, err, "settled twice", row);
    if (outcome < TOW_ROW_ACCEPTED || outcome > TOW_ROW_FILTERED)
        return record_bug(record, err, "settled with an unknown outcome", row);
    if (outcome == TOW_ROW_REJECTED) {
        struct record_note note = {.row = row, .stage = stage};

        if (!code || !message)
            return record_bug(record, err, "rejected without code and message", row);
        int rc = record_add_note(record, note, code, message, err);
        if (rc)
            return rc;
    }
    record->fate[row] = (uint8_t)outcome;
    record->open--;
    record->unsaved |= stage == RECORD_SINK;
    record->accepted += outcome == TOW_ROW_ACCEPTED;
    record->rejected += outcome == TOW_ROW_REJECTED;
    record->filtered += outcome == TOW_ROW_FILTERED;
    return TOW_OK;
}

int record_settle_stage(struct record *record, int64_t row, enum record_stage stage, int outcome,
                        const char *code, const char *message, struct tow_error *err)
{
    if (row < 0 || row >= record->stage_rows)
        return record_bug(record, err, "settled, but the batch has no such row", row);
    if (record->out_rows)
        row = record->out_rows[row];
    return record_settle_source(record, row, stage, outcome, code, message, err);
}

int record_reject_stage(struct record *record, enum record_stage stage, const char *code,
                        const char *message, struct tow_error *err)
{
    int rc = TOW_OK;

    for (int64_t row = 0; !rc && row < record->source_rows; row++)
        if (!record->fate[row])
            rc = record_settle_source(record, row, stage, TOW_ROW_REJECTED, code, message, err);
    return rc;
}

static int64_t record_source_row(const struct record *record, int64_t try_row)
{
    int64_t out = record->try_rows ? record->try_rows[try_row] : try_row;

    return record->out_rows ? record->out_rows[out] : out;
}

int record_settle_try(struct record *record, int64_t first, int64_t count, int outcome,
                      const char *code, const char *message, struct tow_error *err)
{
    if (first < 0 || count < 0 || first > record->try_count || count > record->try_count - first)
        return record_bug(record, err, "settled, but this try has no such row", first);
    for (int64_t i = first; i < first + count; i++) {
        int rc = record_settle_source(record, record_source_row(record, i), RECORD_SINK, outcome,
                                      code, message, err);
        if (rc)
            return rc;
    }
    return TOW_OK;
}

int record_settle_before(struct record *record, int64_t row, int outcome, const char *code,
                         const char *message, struct tow_error *err)
{
    if (row >= 0 && row < record->source_rows && record->fate[row])
        return TOW_OK;
    int unsaved = record->unsaved;
    int rc = record_settle_source(record, row, RECORD_SINK, outcome, code, message, err);
    record->unsaved = unsaved;
    return rc;
}

/* The common end of a batch: all of its rows accepted at once. */
static int record_accept_untouched(struct record *record)
{
    if (record->try_rows || record->try_count != record->open ||
        record->open != record->source_rows)
        return 0;
    memset(record->fate, TOW_ROW_ACCEPTED, (size_t)record->source_rows);
    record->accepted += record->open;
    record->open = 0;
    record->unsaved = 1;
    return 1;
}

int record_settle_rest(struct record *record, int outcome, const char *code, const char *message,
                       struct tow_error *err)
{
    if (outcome == TOW_ROW_ACCEPTED && record_accept_untouched(record))
        return TOW_OK;
    for (int64_t i = 0; i < record->try_count && record->open > 0; i++) {
        int64_t row = record_source_row(record, i);
        int rc = record->fate[row]
                     ? TOW_OK
                     : record_settle_source(record, row, RECORD_SINK, outcome, code, message, err);
        if (rc)
            return rc;
    }
    return TOW_OK;
}

/* ---- outgoing rows -------------------------------------------------------------------------- */

int record_end_stage(struct record *record, int64_t length, struct tow_error *err)
{
    int64_t count = 0;

    if (length != record->open)
        return tow_error_set(
            err, TOW_E_BUG, "batch %llu: a transform left %lld rows open and handed out %lld",
            (unsigned long long)record->seq, (long long)record->open, (long long)length);
    record->stage_rows = length;
    if (record->open == record->source_rows)
        return TOW_OK;
    if (!record->out_rows)
        record->out_rows =
            reallocarray(NULL, (size_t)record->source_rows, sizeof *record->out_rows);
    if (!record->out_rows)
        return tow_error_nomem(err);
    for (int64_t row = 0; row < record->source_rows; row++)
        if (!record->fate[row])
            record->out_rows[count++] = row;
    return TOW_OK;
}

void record_outgoing(struct record *record, struct ArrowArray *out)
{
    record->out = *out;
    out->release = NULL;
    record->bytes += record_array_bytes(&record->out);
}

static int record_list_open(struct record *record, struct tow_error *err)
{
    int64_t count = 0;

    if (!record->try_rows)
        record->try_rows =
            reallocarray(NULL, (size_t)record->out.length + 1, sizeof *record->try_rows);
    if (!record->try_rows)
        return tow_error_nomem(err);
    for (int64_t out = 0; out < record->out.length; out++)
        if (!record->fate[record->out_rows ? record->out_rows[out] : out])
            record->try_rows[count++] = out;
    record->try_count = count;
    return TOW_OK;
}

int record_try(struct record *record, const struct ArrowSchema *schema,
               const struct ArrowArray **rows, struct tow_error *err)
{
    if (record->try_copy.release)
        record->try_copy.release(&record->try_copy);
    *rows = &record->out;
    record->tries++;
    record->try_count = record->out.length;
    if (record->open == record->out.length)
        return TOW_OK;
    int rc = record_list_open(record, err);
    if (!rc)
        rc = tow_array_take(schema, &record->out, record->try_rows, record->try_count,
                            &record->try_copy, err);
    if (!rc)
        *rows = &record->try_copy;
    return rc;
}
