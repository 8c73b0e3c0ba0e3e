#include "kit/row_text.h"

#include <string.h>

/* One function for a type, so that a writer chooses once for a column and not for each value. */
#define ROW_PUT(name, type, put)                                                   \
    static char *row_put_##name(char *p, const struct tow_view *view, int64_t row) \
    {                                                                              \
        return put(p, ((const type *)view->values)[row + view->offset]);           \
    }

ROW_PUT(int8, int8_t, tow_put_int64)
ROW_PUT(int16, int16_t, tow_put_int64)
ROW_PUT(int32, int32_t, tow_put_int64)
ROW_PUT(int64, int64_t, tow_put_int64)
ROW_PUT(uint8, uint8_t, tow_put_uint64)
ROW_PUT(uint16, uint16_t, tow_put_uint64)
ROW_PUT(uint32, uint32_t, tow_put_uint64)
ROW_PUT(uint64, uint64_t, tow_put_uint64)
ROW_PUT(float32, float, tow_put_float)
ROW_PUT(float64, double, tow_put_double)
ROW_PUT(date, int32_t, tow_put_date)

static char *row_put_bool(char *p, const struct tow_view *view, int64_t row)
{
    int value = tow_view_bool(view, row);

    /* "true" with its terminator is five bytes as well: one store of fixed size. */
    memcpy(p, value ? "true" : "false", 5);
    return p + (value ? 4 : 5);
}

static char *row_put_decimal(char *p, const struct tow_view *view, int64_t row)
{
    const struct tow_decimal *values = view->values;

    return tow_put_decimal(p, values[row + view->offset], view->type.scale);
}

static char *row_put_timestamp(char *p, const struct tow_view *view, int64_t row)
{
    const int64_t *values = view->values;

    return tow_put_timestamp(p, values[row + view->offset], view->type.id == TOW_TYPE_TIMESTAMP);
}

static char *row_put_binary(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *bytes = tow_view_bytes(view, row, &length);

    return tow_put_base64(p, bytes, length);
}

tow_value_put *tow_value_put_of(enum tow_type_id id)
{
    static tow_value_put *const puts[] = {
        [TOW_TYPE_BOOL] = row_put_bool,
        [TOW_TYPE_INT8] = row_put_int8,
        [TOW_TYPE_INT16] = row_put_int16,
        [TOW_TYPE_INT32] = row_put_int32,
        [TOW_TYPE_INT64] = row_put_int64,
        [TOW_TYPE_UINT8] = row_put_uint8,
        [TOW_TYPE_UINT16] = row_put_uint16,
        [TOW_TYPE_UINT32] = row_put_uint32,
        [TOW_TYPE_UINT64] = row_put_uint64,
        [TOW_TYPE_FLOAT32] = row_put_float32,
        [TOW_TYPE_FLOAT64] = row_put_float64,
        [TOW_TYPE_DECIMAL] = row_put_decimal,
        [TOW_TYPE_BINARY] = row_put_binary,
        [TOW_TYPE_DATE] = row_put_date,
        [TOW_TYPE_TIMESTAMP] = row_put_timestamp,
        [TOW_TYPE_TIMESTAMP_NTZ] = row_put_timestamp,
        [TOW_TYPE_STRING] = NULL,
        [TOW_TYPE_JSON] = NULL,
    };

    return puts[id];
}

/* Content of all string, binary and json columns in these rows. */
static size_t row_bytes(const struct tow_cursor *cursor, int64_t first, int64_t count)
{
    size_t bytes = 0;

    for (int64_t i = 0; i < cursor->column_count; i++) {
        const struct tow_view *view = &cursor->columns[i];
        const int32_t *offsets = view->offsets;

        if (offsets)
            bytes +=
                (size_t)(offsets[view->offset + first + count] - offsets[view->offset + first]);
    }
    return bytes;
}

int tow_row_reserve(struct tow_buffer *out, const struct tow_cursor *cursor,
                    const struct tow_row_room *room, int64_t first, int64_t count,
                    struct tow_error *err)
{
    size_t fixed, content, total;

    if (__builtin_mul_overflow(room->fixed, (size_t)count, &fixed) ||
        __builtin_mul_overflow(room->factor, row_bytes(cursor, first, count), &content) ||
        __builtin_add_overflow(fixed, content, &total))
        return tow_error_nomem(err);
    return tow_buffer_reserve(out, total, err);
}
