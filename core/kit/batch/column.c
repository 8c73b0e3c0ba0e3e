#include "kit/batch/column.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kit/batch/bits.h"

/* A cache line, and the width of the widest vector registers; Arrow recommends it. */
#define COLUMN_ALIGNMENT 64
#define COLUMN_ROWS_MIN  64
#define COLUMN_BYTES_MIN 1024

static size_t column_bitmap_size(int64_t rows)
{
    return ((size_t)rows + 7) / 8;
}

/* Bytes of the values buffer, of offsets where the type has those. */
static size_t column_values_size(const struct tow_column *column, int64_t rows)
{
    if (tow_type_is_bytes(column->type.id))
        return ((size_t)rows + 1) * sizeof(int32_t);
    if (column->type.id == TOW_TYPE_BOOL)
        return column_bitmap_size(rows);
    return (size_t)rows * tow_type_width(column->type.id);
}

/* A buffer of `size` bytes and slack with the first `kept` bytes of `old`, which is freed; NULL
 * where memory is out: `old` is as before. */
static void *column_resize(void *old, size_t kept, size_t size)
{
    size_t whole =
        (size + TOW_BUFFER_SLACK + COLUMN_ALIGNMENT - 1) & ~(size_t)(COLUMN_ALIGNMENT - 1);
    void *buffer = whole > size ? aligned_alloc(COLUMN_ALIGNMENT, whole) : NULL;

    if (!buffer)
        return NULL;
    if (old)
        memcpy(buffer, old, kept);
    free(old);
    return buffer;
}

/* At least what is needed and at least double, within what a column may have. */
static int64_t column_capacity(int64_t current, int64_t needed, int64_t least)
{
    int64_t capacity = current > TOW_COLUMN_MAX / 2 ? TOW_COLUMN_MAX : 2 * current;

    if (capacity < needed)
        capacity = needed;
    return capacity < least ? least : capacity;
}

/* A failure half way leaves a buffer larger than row_capacity says, which does no harm. */
static int column_grow_rows(struct tow_column *column, int64_t rows, struct tow_error *err)
{
    int64_t old = column->row_capacity;
    int64_t capacity = column_capacity(old, rows, COLUMN_ROWS_MIN);
    int is_bytes = tow_type_is_bytes(column->type.id);
    uint8_t *validity;
    void *values;

    /* 32-bit hosts: 16 is the widest value. */
    if ((uint64_t)capacity > (SIZE_MAX - 4 * TOW_BUFFER_SLACK) / 16)
        return tow_error_nomem(err);
    validity =
        column_resize(column->validity, column_bitmap_size(old), column_bitmap_size(capacity));
    if (!validity)
        return tow_error_nomem(err);
    column->validity = validity;
    values = column_resize(is_bytes ? column->offsets : column->values,
                           column_values_size(column, old), column_values_size(column, capacity));
    if (!values)
        return tow_error_nomem(err);
    if (!is_bytes)
        column->values = values;
    else if (!column->offsets)
        *(int32_t *)values = 0;
    if (is_bytes)
        column->offsets = values;
    column->row_capacity = capacity;
    return TOW_OK;
}

static int column_grow_bytes(struct tow_column *column, int64_t bytes, struct tow_error *err)
{
    int64_t capacity = column_capacity(column->byte_capacity, bytes, COLUMN_BYTES_MIN);
    char *buffer = column_resize(column->bytes, (size_t)column->byte_capacity, (size_t)capacity);

    if (!buffer)
        return tow_error_nomem(err);
    column->bytes = buffer;
    column->byte_capacity = capacity;
    return TOW_OK;
}

int tow_column_grow(struct tow_column *column, int64_t rows, int64_t bytes, struct tow_error *err)
{
    int is_bytes = tow_type_is_bytes(column->type.id);
    int code = TOW_OK;

    if (rows < 0 || bytes < 0)
        return tow_error_set(err, TOW_E_BUG, "room for %" PRId64 " rows and %" PRId64 " bytes",
                             rows, bytes);
    if (rows > TOW_COLUMN_MAX)
        return tow_error_set(err, TOW_E_DATA, "a batch holds at most %d rows, not %" PRId64,
                             TOW_COLUMN_MAX, rows);
    if (is_bytes && bytes > TOW_COLUMN_MAX)
        return tow_error_set(err, TOW_E_DATA,
                             "a column of a batch holds at most %d bytes, not %" PRId64,
                             TOW_COLUMN_MAX, bytes);
    if (rows > column->row_capacity || column->row_capacity == 0)
        code = column_grow_rows(column, rows, err);
    if (code == TOW_OK && is_bytes && (bytes > column->byte_capacity || !column->bytes))
        code = column_grow_bytes(column, bytes, err);
    return code;
}

void tow_column_release(struct tow_column *column)
{
    free(column->validity);
    free(column->values);
    free(column->offsets);
    free(column->bytes);
    *column = (struct tow_column){.type = column->type};
}

void tow_column_put_null(struct tow_column *column)
{
    int64_t row = column->length;

    tow_bit_append(column->validity, row, 0);
    if (column->offsets)
        column->offsets[row + 1] = column->offsets[row];
    else if (column->type.id == TOW_TYPE_BOOL)
        tow_bit_append(column->values, row, 0);
    else
        memset((char *)column->values + (size_t)row * tow_type_width(column->type.id), 0,
               tow_type_width(column->type.id));
    column->length++;
    column->null_count++;
}

void tow_column_move(struct tow_column *to, struct tow_column *from)
{
    *to = *from;
    *from = (struct tow_column){.type = to->type};
}

size_t tow_column_allocated(const struct tow_column *column)
{
    if (column->row_capacity == 0)
        return 0;
    return column_bitmap_size(column->row_capacity) +
           column_values_size(column, column->row_capacity) + (size_t)column->byte_capacity;
}
