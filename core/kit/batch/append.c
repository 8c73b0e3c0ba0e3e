#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/batch/bits.h"
#include "kit/batch/builder.h"
#include "kit/batch/column.h"

#define APPEND_INTEGER_MAX 24 /* text of 64 bits, with its end */

/* What an integer column can hold; no entry: not an integer column. */
static const struct append_range {
    int64_t min;
    uint64_t max;
} append_ranges[] = {
    [TOW_TYPE_INT8] = {INT8_MIN, INT8_MAX},
    [TOW_TYPE_INT16] = {INT16_MIN, INT16_MAX},
    [TOW_TYPE_INT32] = {INT32_MIN, INT32_MAX},
    [TOW_TYPE_INT64] = {INT64_MIN, INT64_MAX},
    [TOW_TYPE_UINT8] = {0, UINT8_MAX},
    [TOW_TYPE_UINT16] = {0, UINT16_MAX},
    [TOW_TYPE_UINT32] = {0, UINT32_MAX},
    [TOW_TYPE_UINT64] = {0, UINT64_MAX},
    [TOW_TYPE_DATE] = {INT32_MIN, INT32_MAX},
    [TOW_TYPE_TIMESTAMP] = {INT64_MIN, INT64_MAX},
    [TOW_TYPE_TIMESTAMP_NTZ] = {INT64_MIN, INT64_MAX},
    [TOW_TYPE_JSON] = {0, 0},
};

/* ---- what all appends share ----------------------------------------------------------------- */

static void append_refuse_length(const struct tow_builder_column *own, struct tow_error *err)
{
    int64_t rows = own->builder->rows;

    if (own->column.length == rows + 1)
        tow_error_set(err, TOW_E_BUG, "column \"%s\" got a second value in row %" PRId64, own->name,
                      rows);
    else
        tow_error_set(err, TOW_E_BUG, "column \"%s\": %" PRId64 " rows where others have %" PRId64,
                      own->name, own->column.length, rows);
}

static int append_refuse_kind(const struct tow_builder_column *own, const char *kind,
                              struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];

    return tow_error_set(err, TOW_E_BUG, "column \"%s\" is %s, it cannot take %s", own->name,
                         tow_type_name(own->column.type, type), kind);
}

/* Finds the column, opens the row and sees that the column has had no value in it. NULL where that
 * is not so: TOW_E_BUG. */
static struct tow_builder_column *append_begin(struct tow_builder *builder, size_t column,
                                               struct tow_error *err)
{
    struct tow_builder_column *own;

    if (column >= builder->count) {
        tow_error_set(err, TOW_E_BUG, "value for column number %zu of %zu", column, builder->count);
        return NULL;
    }
    own = &builder->columns[column];
    if (!builder->open) {
        builder->rows = tow_builder_rows(builder);
        builder->open = 1;
    }
    if (own->column.length == builder->rows)
        return own;
    append_refuse_length(own, err);
    return NULL;
}

/* Room for one more row and `bytes` more bytes. */
static int append_reserve(struct tow_column *column, size_t bytes, struct tow_error *err)
{
    int64_t text = tow_column_text(column);

    /* Beyond any limit already, and never an overflow of the sum. */
    if (bytes > TOW_COLUMN_MAX)
        bytes = (size_t)TOW_COLUMN_MAX + 1;
    if (tow_column_has_room(column, column->length + 1, text + (int64_t)bytes))
        return TOW_OK;
    return tow_column_reserve(column, column->length + 1, text + (int64_t)bytes, err);
}

static void append_end(struct tow_column *column)
{
    tow_bit_append(column->validity, column->length, 1);
    column->length++;
}

/* ---- integers ------------------------------------------------------------------------------- */

static const struct append_range *append_range_of(const struct tow_builder_column *own)
{
    const struct append_range *range = &append_ranges[own->column.type.id];

    return range->max > 0 ? range : NULL;
}

/* Stores the low bytes of an integer that fits. */
static int append_integer(struct tow_column *column, uint64_t bits, struct tow_error *err)
{
    int64_t row = column->length;
    int code = append_reserve(column, 0, err);

    if (code != TOW_OK)
        return code;
    switch (tow_type_width(column->type.id)) {
    case 1:
        ((uint8_t *)column->values)[row] = (uint8_t)bits;
        break;
    case 2:
        ((uint16_t *)column->values)[row] = (uint16_t)bits;
        break;
    case 4:
        ((uint32_t *)column->values)[row] = (uint32_t)bits;
        break;
    default:
        ((uint64_t *)column->values)[row] = bits;
        break;
    }
    append_end(column);
    return TOW_OK;
}

/* The column, and what its integers may be. TOW_E_BUG where there is no such column. */
static inline int append_begin_integer(struct tow_builder *builder, size_t column,
                                       struct tow_builder_column **own,
                                       const struct append_range **range, struct tow_error *err)
{
    *own = append_begin(builder, column, err);
    if (!*own)
        return TOW_E_BUG;
    *range = append_range_of(*own);
    return *range ? TOW_OK : append_refuse_kind(*own, "an integer", err);
}

/* value: as text, since it may be of either sign. */
static int append_refuse_range(const struct tow_builder_column *own,
                               const struct append_range *range, const char *value,
                               struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];

    return tow_error_set(
        err, TOW_E_DATA, "column \"%s\": %s does not fit %s (%" PRId64 " to %" PRIu64 ")",
        own->name, value, tow_type_name(own->column.type, type), range->min, range->max);
}

int tow_append_int64(struct tow_builder *builder, size_t column, int64_t value,
                     struct tow_error *err)
{
    struct tow_builder_column *own;
    const struct append_range *range;
    char text[APPEND_INTEGER_MAX];
    int code = append_begin_integer(builder, column, &own, &range, err);

    if (code != TOW_OK)
        return code;
    if (value >= range->min && (value <= 0 || (uint64_t)value <= range->max))
        return append_integer(&own->column, (uint64_t)value, err);
    snprintf(text, sizeof text, "%" PRId64, value);
    return append_refuse_range(own, range, text, err);
}

int tow_append_uint64(struct tow_builder *builder, size_t column, uint64_t value,
                      struct tow_error *err)
{
    struct tow_builder_column *own;
    const struct append_range *range;
    char text[APPEND_INTEGER_MAX];
    int code = append_begin_integer(builder, column, &own, &range, err);

    if (code != TOW_OK)
        return code;
    if (value <= range->max)
        return append_integer(&own->column, value, err);
    snprintf(text, sizeof text, "%" PRIu64, value);
    return append_refuse_range(own, range, text, err);
}

/* ---- other values of fixed width ------------------------------------------------------------ */

int tow_append_bool(struct tow_builder *builder, size_t column, int value, struct tow_error *err)
{
    struct tow_builder_column *own = append_begin(builder, column, err);
    int code;

    if (!own)
        return TOW_E_BUG;
    if (own->column.type.id != TOW_TYPE_BOOL)
        return append_refuse_kind(own, "a bool", err);
    code = append_reserve(&own->column, 0, err);
    if (code != TOW_OK)
        return code;
    tow_bit_append(own->column.values, own->column.length, value);
    append_end(&own->column);
    return TOW_OK;
}

int tow_append_double(struct tow_builder *builder, size_t column, double value,
                      struct tow_error *err)
{
    struct tow_builder_column *own = append_begin(builder, column, err);
    int code;
    enum tow_type_id id;

    if (!own)
        return TOW_E_BUG;
    id = own->column.type.id;
    if (id != TOW_TYPE_FLOAT32 && id != TOW_TYPE_FLOAT64)
        return append_refuse_kind(own, "a floating-point number", err);
    /* Values just above FLT_MAX still round to it. */
    if (id == TOW_TYPE_FLOAT32 && isfinite(value) && isinf((float)value))
        return tow_error_set(err, TOW_E_DATA,
                             "column \"%s\": %.17g does not fit float32 (up to %.9g)", own->name,
                             value, (double)FLT_MAX);
    code = append_reserve(&own->column, 0, err);
    if (code != TOW_OK)
        return code;
    if (id == TOW_TYPE_FLOAT32)
        ((float *)own->column.values)[own->column.length] = (float)value;
    else
        ((double *)own->column.values)[own->column.length] = value;
    append_end(&own->column);
    return TOW_OK;
}

static unsigned __int128 append_decimal_magnitude(struct tow_decimal value)
{
    unsigned __int128 bits = (unsigned __int128)(uint64_t)value.high << 64 | value.low;

    return value.high < 0 ? -bits : bits;
}

int tow_append_decimal(struct tow_builder *builder, size_t column, struct tow_decimal value,
                       struct tow_error *err)
{
    struct tow_builder_column *own = append_begin(builder, column, err);
    char type[TOW_TYPE_TEXT_MAX], text[TOW_DECIMAL_TEXT_MAX];
    int code;

    if (!own)
        return TOW_E_BUG;
    if (own->column.type.id != TOW_TYPE_DECIMAL)
        return append_refuse_kind(own, "a decimal", err);
    if (append_decimal_magnitude(value) >= own->decimal_limit) {
        char *end = tow_put_decimal(text, value, own->column.type.scale);

        return tow_error_set(err, TOW_E_DATA, "column \"%s\": %.*s does not fit %s", own->name,
                             (int)(end - text), text, tow_type_name(own->column.type, type));
    }
    code = append_reserve(&own->column, 0, err);
    if (code != TOW_OK)
        return code;
    ((struct tow_decimal *)own->column.values)[own->column.length] = value;
    append_end(&own->column);
    return TOW_OK;
}

/* ---- bytes and nulls ------------------------------------------------------------------------ */

int tow_append_bytes(struct tow_builder *builder, size_t column, const void *bytes, size_t length,
                     struct tow_error *err)
{
    struct tow_builder_column *own = append_begin(builder, column, err);
    int code;
    int32_t *offset;

    if (!own)
        return TOW_E_BUG;
    if (!tow_type_is_bytes(own->column.type.id))
        return append_refuse_kind(own, "bytes", err);
    code = append_reserve(&own->column, length, err);
    if (code != TOW_OK)
        return code;
    offset = own->column.offsets + own->column.length;
    if (length > 0)
        memcpy(own->column.bytes + offset[0], bytes, length);
    offset[1] = offset[0] + (int32_t)length;
    append_end(&own->column);
    return TOW_OK;
}

int tow_append_text(struct tow_builder *builder, size_t column, const char *text,
                    struct tow_error *err)
{
    return text ? tow_append_bytes(builder, column, text, strlen(text), err)
                : tow_append_null(builder, column, err);
}

int tow_append_null(struct tow_builder *builder, size_t column, struct tow_error *err)
{
    struct tow_builder_column *own = append_begin(builder, column, err);
    int code;

    if (!own)
        return TOW_E_BUG;
    code = append_reserve(&own->column, 0, err);
    if (code == TOW_OK)
        tow_column_put_null(&own->column);
    return code;
}
