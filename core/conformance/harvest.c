#include "conformance/harvest.h"

#include <stdlib.h>
#include <string.h>

void harvest_release(struct harvest *harvest)
{
    for (int64_t i = 0; i < 2 * harvest->batches; i++)
        free(harvest->marks[i]);
    free(harvest->marks);
    free(harvest->rows);
    free(harvest->positions);
    free(harvest->row_at);
    free(harvest->rejected_at);
    *harvest = (struct harvest){0};
}

static uint64_t harvest_hash(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static int harvest_row(struct harvest *harvest, uint64_t hash, struct tow_error *err)
{
    if (harvest->count == harvest->capacity) {
        int64_t capacity = harvest->capacity ? harvest->capacity * 2 : 1024;
        uint64_t *rows = reallocarray(harvest->rows, (size_t)capacity, sizeof *rows);

        if (!rows)
            return tow_error_nomem(err);
        harvest->rows = rows;
        harvest->capacity = capacity;
    }
    harvest->rows[harvest->count++] = hash;
    return TOW_OK;
}

static int harvest_grow(struct harvest *harvest, struct tow_error *err)
{
    size_t capacity = harvest->batch_capacity ? (size_t)harvest->batch_capacity * 2 : 16;
    void *positions = reallocarray(harvest->positions, capacity, sizeof *harvest->positions);
    void *marks = reallocarray(harvest->marks, capacity, 2 * sizeof *harvest->marks);
    void *row_at = reallocarray(harvest->row_at, capacity, sizeof *harvest->row_at);
    void *rejected_at = reallocarray(harvest->rejected_at, capacity, sizeof *harvest->rejected_at);

    harvest->positions = positions ? positions : harvest->positions;
    harvest->marks = marks ? marks : harvest->marks;
    harvest->row_at = row_at ? row_at : harvest->row_at;
    harvest->rejected_at = rejected_at ? rejected_at : harvest->rejected_at;
    if (!positions || !marks || !row_at || !rejected_at)
        return tow_error_nomem(err);
    harvest->batch_capacity = (int64_t)capacity;
    return TOW_OK;
}

static int harvest_mark(struct harvest *harvest, const struct tow_batch *batch,
                        struct tow_error *err)
{
    char **marks = &harvest->marks[2 * harvest->batches];

    marks[0] = marks[1] = NULL;
    if (!batch->mark_key || !batch->mark_value)
        return TOW_OK;
    marks[0] = strdup(batch->mark_key);
    marks[1] = strdup(batch->mark_value);
    if (marks[0] && marks[1])
        return TOW_OK;
    free(marks[0]);
    free(marks[1]);
    return tow_error_nomem(err);
}

int harvest_batch(struct harvest *harvest, const struct tow_batch *batch, int64_t rejected,
                  struct tow_json_writer *writer, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int rc = TOW_OK;

    for (int64_t row = 0; !rc && batch->array.release && row < batch->array.length; row++) {
        text.size = 0;
        rc = tow_json_writer_object(writer, &batch->array, row, &text, err);
        if (!rc)
            rc = harvest_row(harvest, harvest_hash(text.data, text.size), err);
    }
    tow_buffer_release(&text);
    if (!rc && harvest->batches == harvest->batch_capacity)
        rc = harvest_grow(harvest, err);
    if (!rc)
        rc = harvest_mark(harvest, batch, err);
    if (rc)
        return rc;
    harvest->positions[harvest->batches] = batch->position;
    harvest->row_at[harvest->batches] = harvest->count;
    harvest->rejected_at[harvest->batches] = rejected;
    harvest->batches++;
    if (batch->array.release && batch->array.length > harvest->widest)
        harvest->widest = batch->array.length;
    return TOW_OK;
}

int harvest_equal(const struct harvest *a, const struct harvest *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->rows, b->rows, (size_t)a->count * sizeof *a->rows) == 0);
}
