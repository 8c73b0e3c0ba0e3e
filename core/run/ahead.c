#include "run/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "run/run_priv.h"

/*
 * The bytes of a batch: struct ahead_head, then spans in order of row, each struct ahead_span and,
 * of a rejected row, the texts of its code and message with a NUL behind each. They never leave the
 * machine that wrote them, so numbers are as the processor has them.
 */
#define AHEAD_MAGIC 0x31646561u

struct ahead_head {
    uint32_t magic;
    uint32_t spans;
    int64_t rows;  /* of the source's batch */
    uint64_t hash; /* of their content */
};

struct ahead_span {
    int64_t first, count;
    uint32_t outcome;
    uint32_t text; /* bytes of text behind it */
};

/* ---- what is in a batch --------------------------------------------------------------------- */

static inline uint64_t ahead_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

/* A multiplication waits for the one before it: long runs go in four chains side by side. */
#define AHEAD_LANES 4

static const unsigned char *ahead_hash_lanes(uint64_t *hash, const unsigned char *p, size_t length)
{
    uint64_t lanes[AHEAD_LANES] = {*hash, ~*hash, *hash << 1, *hash >> 1}, word;

    for (; length >= 8 * AHEAD_LANES; length -= 8 * AHEAD_LANES)
        for (int i = 0; i < AHEAD_LANES; i++, p += 8) {
            memcpy(&word, p, 8);
            lanes[i] = ahead_mix(lanes[i], word);
        }
    for (int i = 0; i < AHEAD_LANES; i++)
        *hash = ahead_mix(*hash, lanes[i]);
    return p;
}

static uint64_t ahead_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    uint64_t word = 0;

    hash = ahead_mix(hash, length);
    if (length >= 8 * AHEAD_LANES) {
        p = ahead_hash_lanes(&hash, p, length);
        length %= 8 * AHEAD_LANES;
    }
    for (; length >= 8; length -= 8, p += 8) {
        memcpy(&word, p, 8);
        hash = ahead_mix(hash, word);
    }
    word = 0;
    memcpy(&word, p, length);
    return ahead_mix(hash, word);
}

static uint64_t ahead_hash_value(uint64_t hash, const struct tow_view *view, int64_t row)
{
    size_t width = tow_type_width(view->type.id);

    if (tow_view_is_null(view, row))
        return ahead_mix(hash, 1);
    if (view->type.id == TOW_TYPE_BOOL)
        return ahead_mix(hash, 2 + (uint64_t)tow_view_bool(view, row));
    if (width)
        return ahead_hash_bytes(
            hash, (const char *)view->values + width * (size_t)(row + view->offset), width);
    const char *bytes = tow_view_bytes(view, row, &width);
    return ahead_hash_bytes(hash, bytes, width);
}

/* All values of a string column, which lie behind each other: their bytes, and where each ends. */
static uint64_t ahead_hash_texts(uint64_t hash, const struct tow_view *view)
{
    const int32_t *offsets = view->offsets + view->offset;
    uint64_t pair = 0;

    for (int64_t row = 1; row <= view->length; row++) {
        pair = pair << 32 | (uint32_t)(offsets[row] - offsets[0]);
        if (row % 2 == 0 || row == view->length)
            hash = ahead_mix(hash, pair);
    }
    return ahead_hash_bytes(hash, view->bytes + offsets[0],
                            (size_t)(offsets[view->length] - offsets[0]));
}

static uint64_t ahead_hash_column(uint64_t hash, const struct tow_view *view)
{
    size_t width = tow_type_width(view->type.id);

    if (!view->validity && width)
        return ahead_hash_bytes(hash, (const char *)view->values + width * (size_t)view->offset,
                                width * (size_t)view->length);
    if (!view->validity && tow_type_is_bytes(view->type.id))
        return ahead_hash_texts(hash, view);
    for (int64_t row = 0; row < view->length; row++)
        hash = ahead_hash_value(hash, view, row);
    return hash;
}

/* It guards against mistakes, not against anyone. Null values' bytes are not looked at. */
static uint64_t ahead_hash(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    uint64_t hash = (uint64_t)array->length;

    for (int64_t i = 0; i < schema->n_children; i++) {
        struct tow_view view;

        tow_view_init(&view, schema, array, i);
        hash = ahead_hash_column(hash, &view);
    }
    return hash;
}

/* Of a record's source rows; worked out once. */
static uint64_t ahead_hash_record(const struct run *run, struct record *record)
{
    if (!record->is_hashed)
        record->hash = ahead_hash(record->is_typed ? &run->reader.typed : &run->in,
                                  tow_share_array(record->source));
    record->is_hashed = 1;
    return record->hash;
}

/* ---- saving --------------------------------------------------------------------------------- */

/* Notes lie in the order in which rows were settled, mostly that of the rows: *from is where the
 * last one was found, and is moved on. */
static int ahead_has_note(const struct record *record, int64_t row, size_t *from, const char **code,
                          const char **message)
{
    for (size_t i = 0; i < record->note_count; i++) {
        size_t at = (*from + i) % record->note_count;
        const struct record_note *note = &record->notes[at];

        if (note->row != row)
            continue;
        *from = at;
        *code = record_code(record, note);
        *message = record_message(record, note);
        return note->stage == RECORD_SINK;
    }
    return 0;
}

/* Rejected rows have a span each, for their texts; rows that the columns rejected have none. */
static int ahead_put_span(const struct record *record, struct ahead_span span, size_t *from,
                          struct tow_buffer *out, struct tow_error *err)
{
    const char *code = "", *message = "";
    int rc;

    if (span.outcome == TOW_ROW_REJECTED) {
        if (!ahead_has_note(record, span.first, from, &code, &message))
            return TOW_OK;
        span.text = (uint32_t)(strlen(code) + strlen(message) + 2);
    }
    rc = tow_buffer_append(out, &span, sizeof span, err);
    if (!rc && span.text)
        rc = tow_buffer_append(out, code, strlen(code) + 1, err);
    if (!rc && span.text)
        rc = tow_buffer_append(out, message, strlen(message) + 1, err);
    if (!rc)
        ((struct ahead_head *)out->data)->spans++;
    return rc;
}

static int ahead_encode(const struct run *run, struct record *record, struct tow_buffer *out,
                        struct tow_error *err)
{
    const struct ahead_head head = {
        .magic = AHEAD_MAGIC,
        .rows = record->source_rows,
        .hash = ahead_hash_record(run, record),
    };
    size_t from = 0;
    int rc = tow_buffer_append(out, &head, sizeof head, err);

    for (int64_t row = 0, next; !rc && row < record->source_rows; row = next) {
        struct ahead_span span = {.first = row, .outcome = record->fate[row]};

        next = row + 1;
        while (span.outcome != TOW_ROW_REJECTED && next < record->source_rows &&
               record->fate[next] == record->fate[row])
            next++;
        span.count = next - row;
        if (span.outcome == TOW_ROW_ACCEPTED || span.outcome == TOW_ROW_REJECTED)
            rc = ahead_put_span(record, span, &from, out, err);
    }
    return rc;
}

/* The oldest batch, once it is done, is committed right away. */
static int ahead_is_needed(struct run *run, const struct record *record)
{
    if (!(run->assembly->sink->sink->flags & TOW_SINK_FINAL) || run->options->limit >= 0 ||
        !record->unsaved)
        return 0;
    return record->open > 0 || run->results || !tracker_is_oldest(&run->tracker, record);
}

int ahead_save(struct run *run, struct record *record, struct tow_error *err)
{
    struct tow_buffer rows = {0};

    if (!ahead_is_needed(run, record))
        return TOW_OK;
    int rc = ahead_encode(run, record, &rows, err);
    if (!rc) {
        const struct tow_ahead ahead = {
            .job = run->key,
            .sink = run->assembly->sink->name,
            .seq = record->seq,
            .rows = rows.data,
            .length = rows.size,
        };

        rc = tow_state_ahead_put(run->state, &ahead, run->id, err);
    }
    tow_buffer_release(&rows);
    record->unsaved = rc != TOW_OK;
    return rc;
}

/* ---- loading -------------------------------------------------------------------------------- */

static int ahead_keep(void *context, const struct tow_ahead *found, struct tow_error *err)
{
    struct ahead *ahead = context;

    if (ahead->count == ahead->capacity) {
        size_t capacity = ahead->capacity ? ahead->capacity * 2 : 16;
        struct ahead_batch *batches = reallocarray(ahead->batches, capacity, sizeof *batches);

        if (!batches)
            return tow_error_nomem(err);
        ahead->batches = batches;
        ahead->capacity = capacity;
    }
    struct ahead_batch batch = {.seq = found->seq, .length = found->length};
    batch.rows = malloc(found->length + 1);
    if (!batch.rows)
        return tow_error_nomem(err);
    if (found->length > 0)
        memcpy(batch.rows, found->rows, found->length);
    ahead->batches[ahead->count++] = batch;
    return TOW_OK;
}

int ahead_load(struct run *run, struct tow_error *err)
{
    const struct tow_plugin *sink = run->assembly->sink;

    if (!(sink->sink->flags & TOW_SINK_FINAL) || run->options->limit >= 0)
        return TOW_OK;
    return tow_state_ahead_each(run->state, run->key, sink->name, ahead_keep, &run->ahead, err);
}

void ahead_release(struct ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++)
        free(ahead->batches[i].rows);
    free(ahead->batches);
    *ahead = (struct ahead){0};
}

/* ---- applying ------------------------------------------------------------------------------- */

static int ahead_damaged(const struct ahead_batch *batch, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV,
                         "the state is damaged: what it has of batch %llu ahead of the checkpoint "
                         "cannot be read",
                         (unsigned long long)batch->seq);
}

/* Code and message behind a span; both NUL-terminated within its text. */
static int ahead_texts(const struct ahead_batch *batch, const struct ahead_span *span,
                       const char *text, const char **message, struct tow_error *err)
{
    const char *end = span->text ? memchr(text, '\0', span->text) : NULL;

    if (span->outcome != TOW_ROW_REJECTED)
        return span->text ? ahead_damaged(batch, err) : TOW_OK;
    if (!end || text[span->text - 1] != '\0' || end == text + span->text - 1)
        return ahead_damaged(batch, err);
    *message = end + 1;
    return TOW_OK;
}

static int ahead_apply_span(struct record *record, const struct ahead_batch *batch,
                            const struct ahead_span *span, const char *text, struct tow_error *err)
{
    const char *message = NULL;
    int rc = ahead_texts(batch, span, text, &message, err);

    if (!rc && (span->first < 0 || span->count < 0 || span->first > record->source_rows ||
                span->count > record->source_rows - span->first ||
                (span->outcome != TOW_ROW_ACCEPTED && span->outcome != TOW_ROW_REJECTED)))
        rc = ahead_damaged(batch, err);
    for (int64_t i = 0; !rc && i < span->count; i++)
        rc = record_settle_before(record, span->first + i, (int)span->outcome, text, message, err);
    return rc;
}

static int ahead_apply_batch(struct record *record, const struct ahead_batch *batch,
                             const struct ahead_head *head, struct tow_error *err)
{
    size_t at = sizeof *head;
    int rc = TOW_OK;

    for (uint32_t i = 0; !rc && i < head->spans; i++) {
        struct ahead_span span;

        if (batch->length - at < sizeof span)
            return ahead_damaged(batch, err);
        memcpy(&span, batch->rows + at, sizeof span);
        at += sizeof span;
        if (batch->length - at < span.text)
            return ahead_damaged(batch, err);
        rc = ahead_apply_span(record, batch, &span, (const char *)batch->rows + at, err);
        at += span.text;
    }
    return rc;
}

static void ahead_warn(struct ahead *ahead, uint64_t seq)
{
    if (ahead->warned)
        return;
    ahead->warned = 1;
    tow_log_line(TOW_LOG_WARN, "run",
                 "batch %llu comes with other rows than in the run before; what the far end has of "
                 "it already is sent again",
                 (unsigned long long)seq);
}

int ahead_apply(struct run *run, struct record *record, struct tow_error *err)
{
    struct ahead *ahead = &run->ahead;
    struct ahead_head head;

    while (ahead->next < ahead->count && ahead->batches[ahead->next].seq < record->seq)
        ahead->next++;
    if (ahead->next == ahead->count || ahead->batches[ahead->next].seq != record->seq)
        return TOW_OK;
    const struct ahead_batch *batch = &ahead->batches[ahead->next];
    if (batch->length < sizeof head)
        return ahead_damaged(batch, err);
    memcpy(&head, batch->rows, sizeof head);
    if (head.magic != AHEAD_MAGIC)
        return ahead_damaged(batch, err);
    if (head.rows != record->source_rows || !record->source ||
        head.hash != ahead_hash_record(run, record)) {
        ahead_warn(ahead, record->seq);
        return TOW_OK;
    }
    return ahead_apply_batch(record, batch, &head, err);
}
