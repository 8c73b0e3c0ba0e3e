#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"

/* What view points at in row 0, and how long it is. */
static const void *fill_value(const struct tow_view *view, uint8_t *bit, size_t *length)
{
    if (tow_type_is_bytes(view->type.id))
        return tow_view_bytes(view, 0, length);
    *length = tow_type_width(view->type.id);
    if (*length > 0)
        return (const char *)view->values + (size_t)view->offset * *length;
    *bit = (uint8_t)tow_view_bool(view, 0);
    *length = sizeof *bit;
    return bit;
}

int tow_fill_init(struct tow_fill *fill, const struct tow_view *view, struct tow_error *err)
{
    uint8_t bit;
    size_t length;
    const void *value = fill_value(view, &bit, &length);
    char *bytes = malloc(length + 1);

    if (!bytes)
        return tow_error_nomem(err);
    memcpy(bytes, value, length);
    *fill = (struct tow_fill){bytes, length, 1};
    return TOW_OK;
}

void tow_fill_release(struct tow_fill *fill)
{
    free(fill->bytes);
    *fill = (struct tow_fill){0};
}

static void fill_all_bytes(const struct tow_fill *fill, struct tow_column *column, int64_t rows)
{
    char *p = column->bytes;

    for (int64_t row = 0; row < rows; row++) {
        p = mempcpy(p, fill->bytes, fill->length);
        column->offsets[row + 1] = (int32_t)(p - column->bytes);
    }
}

int tow_fill_all(const struct tow_fill *fill, struct tow_column *column, int64_t rows,
                 struct tow_error *err)
{
    int is_bytes = tow_type_is_bytes(column->type.id);
    int64_t bytes = 0;
    int code;

    if (is_bytes && __builtin_mul_overflow((int64_t)fill->length, rows, &bytes))
        bytes = INT64_MAX;
    code = tow_column_reserve(column, rows, bytes, err);
    if (code != TOW_OK)
        return code;
    if (is_bytes)
        fill_all_bytes(fill, column, rows);
    else if (column->type.id == TOW_TYPE_BOOL)
        memset(column->values, *fill->bytes ? 0xff : 0, (size_t)(rows + 7) / 8);
    else
        for (int64_t row = 0; row < rows; row++)
            memcpy((char *)column->values + (size_t)row * fill->length, fill->bytes, fill->length);
    column->length = rows;
    column->null_count = 0;
    return TOW_OK;
}

void tow_fill_nulls(const struct tow_step *step)
{
    const struct tow_fill *fill = step->fill;
    char *values = step->out->values;
    int is_bool = step->out->type.id == TOW_TYPE_BOOL;

    for (int64_t row = 0; row < step->in.length; row++) {
        if (!tow_view_is_null(&step->in, row))
            continue;
        if (!is_bool)
            memcpy(values + (size_t)row * fill->length, fill->bytes, fill->length);
        else if (*fill->bytes)
            values[row >> 3] = (char)((unsigned char)values[row >> 3] | 1u << (row & 7));
        else
            values[row >> 3] = (char)((unsigned char)values[row >> 3] & ~(1u << (row & 7)));
    }
}
