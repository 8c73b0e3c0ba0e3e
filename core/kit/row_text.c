#include "kit/row_text.h"

#include <string.h>

static char *row_put_bool(char *p, int value)
{
    /* "true" with its terminator is five bytes as well: one store of fixed size. */
    memcpy(p, value ? "true" : "false", 5);
    return p + (value ? 4 : 5);
}

static char *row_put_base64(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *bytes = tow_view_bytes(view, row, &length);

    return tow_put_base64(p, bytes, length);
}

char *tow_put_value(char *p, const struct tow_view *view, int64_t row)
{
    const int64_t at = row + view->offset;

    switch (view->type.id) {
    case TOW_TYPE_BOOL:
        return row_put_bool(p, tow_view_bool(view, row));
    case TOW_TYPE_INT8:
        return tow_put_int64(p, ((const int8_t *)view->values)[at]);
    case TOW_TYPE_INT16:
        return tow_put_int64(p, ((const int16_t *)view->values)[at]);
    case TOW_TYPE_INT32:
        return tow_put_int64(p, ((const int32_t *)view->values)[at]);
    case TOW_TYPE_INT64:
        return tow_put_int64(p, ((const int64_t *)view->values)[at]);
    case TOW_TYPE_UINT8:
        return tow_put_uint64(p, ((const uint8_t *)view->values)[at]);
    case TOW_TYPE_UINT16:
        return tow_put_uint64(p, ((const uint16_t *)view->values)[at]);
    case TOW_TYPE_UINT32:
        return tow_put_uint64(p, ((const uint32_t *)view->values)[at]);
    case TOW_TYPE_UINT64:
        return tow_put_uint64(p, ((const uint64_t *)view->values)[at]);
    case TOW_TYPE_FLOAT32:
        return tow_put_float(p, ((const float *)view->values)[at]);
    case TOW_TYPE_FLOAT64:
        return tow_put_double(p, ((const double *)view->values)[at]);
    case TOW_TYPE_DECIMAL:
        return tow_put_decimal(p, ((const struct tow_decimal *)view->values)[at], view->type.scale);
    case TOW_TYPE_DATE:
        return tow_put_date(p, ((const int32_t *)view->values)[at]);
    case TOW_TYPE_TIMESTAMP:
        return tow_put_timestamp(p, ((const int64_t *)view->values)[at], 1);
    case TOW_TYPE_TIMESTAMP_NTZ:
        return tow_put_timestamp(p, ((const int64_t *)view->values)[at], 0);
    case TOW_TYPE_BINARY:
        return row_put_base64(p, view, row);
    case TOW_TYPE_STRING:
    case TOW_TYPE_JSON:
        break;
    }
    return p;
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
