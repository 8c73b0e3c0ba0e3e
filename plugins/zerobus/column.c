/* Which types go into which columns of a table, and which values do not. */
#include "plugins/zerobus/column.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/zerobus/nested.h"

/* The same value in the table's type, for each of ours: how it is written. */
struct bus_way {
    enum tow_type_id from;
    enum tow_zerobus_kind kind;
    enum tow_zerobus_type type;
    enum bus_put put;
};

static const struct bus_way bus_ways[] = {
    {TOW_TYPE_BOOL, TOW_ZEROBUS_BOOL, TOW_ZEROBUS_PLAIN, BUS_BOOL},
    {TOW_TYPE_FLOAT32, TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN, BUS_FLOAT},
    {TOW_TYPE_FLOAT32, TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN, BUS_FLOAT_DOUBLE},
    {TOW_TYPE_FLOAT64, TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN, BUS_DOUBLE},
    {TOW_TYPE_FLOAT64, TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN, BUS_DOUBLE_FLOAT},
    {TOW_TYPE_STRING, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN, BUS_BYTES},
    {TOW_TYPE_STRING, TOW_ZEROBUS_STRING, TOW_ZEROBUS_VARIANT, BUS_BYTES},
    {TOW_TYPE_STRING, TOW_ZEROBUS_BYTES, TOW_ZEROBUS_PLAIN, BUS_BYTES},
    {TOW_TYPE_JSON, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN, BUS_BYTES},
    {TOW_TYPE_JSON, TOW_ZEROBUS_STRING, TOW_ZEROBUS_VARIANT, BUS_BYTES},
    {TOW_TYPE_BINARY, TOW_ZEROBUS_BYTES, TOW_ZEROBUS_PLAIN, BUS_BYTES},
    {TOW_TYPE_DATE, TOW_ZEROBUS_INT32, TOW_ZEROBUS_DATE, BUS_INT32},
    {TOW_TYPE_TIMESTAMP, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP, BUS_INT64},
    {TOW_TYPE_TIMESTAMP_NTZ, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP_NTZ, BUS_INT64},
    {TOW_TYPE_DECIMAL, TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL, BUS_DECIMAL},
};

/* Integers: how each of ours is read, and its range. */
static const struct bus_integer {
    enum tow_type_id from;
    enum bus_put put;
    int64_t least, most;
    int fits_double; /* exactly */
} bus_integers[] = {
    {TOW_TYPE_INT8, BUS_INT8, INT8_MIN, INT8_MAX, 1},
    {TOW_TYPE_INT16, BUS_INT16, INT16_MIN, INT16_MAX, 1},
    {TOW_TYPE_INT32, BUS_INT32, INT32_MIN, INT32_MAX, 1},
    {TOW_TYPE_INT64, BUS_INT64, INT64_MIN, INT64_MAX, 0},
    {TOW_TYPE_UINT8, BUS_UINT8, 0, UINT8_MAX, 1},
    {TOW_TYPE_UINT16, BUS_UINT16, 0, UINT16_MAX, 1},
    {TOW_TYPE_UINT32, BUS_UINT32, 0, UINT32_MAX, 1},
    {TOW_TYPE_UINT64, BUS_UINT64, 0, INT64_MAX, 0},
};

static const struct bus_integer *bus_integer_of(enum tow_type_id id)
{
    for (size_t i = 0; i < sizeof bus_integers / sizeof *bus_integers; i++)
        if (bus_integers[i].from == id)
            return &bus_integers[i];
    return NULL;
}

/* Bounds of the table's integer types. */
static void bus_bounds(const struct tow_zerobus_field *field, int64_t *least, int64_t *most)
{
    *least = field->kind == TOW_ZEROBUS_INT32 ? INT32_MIN : INT64_MIN;
    *most = field->kind == TOW_ZEROBUS_INT32 ? INT32_MAX : INT64_MAX;
    if (field->type == TOW_ZEROBUS_BYTE) {
        *least = INT8_MIN;
        *most = INT8_MAX;
    } else if (field->type == TOW_ZEROBUS_SHORT) {
        *least = INT16_MIN;
        *most = INT16_MAX;
    }
}

/* 1 where the type is an integer that goes into the field. */
static int bus_take_integer(struct bus_column *column, const struct bus_integer *integer)
{
    const struct tow_zerobus_field *field = column->field;

    if (!integer)
        return 0;
    if (field->kind == TOW_ZEROBUS_DOUBLE && integer->fits_double) {
        column->put = BUS_INTEGER_DOUBLE;
        return 1;
    }
    if ((field->kind != TOW_ZEROBUS_INT32 && field->kind != TOW_ZEROBUS_INT64) ||
        (field->type != TOW_ZEROBUS_PLAIN && field->type != TOW_ZEROBUS_BYTE &&
         field->type != TOW_ZEROBUS_SHORT))
        return 0;
    column->put = integer->put;
    bus_bounds(field, &column->least, &column->most);
    column->is_bounded = integer->least < column->least || integer->most > column->most ||
                         integer->from == TOW_TYPE_UINT64;
    return 1;
}

static int bus_take_other(struct bus_column *column, const struct tow_field *from)
{
    const struct tow_zerobus_field *field = column->field;

    for (size_t i = 0; i < sizeof bus_ways / sizeof *bus_ways; i++) {
        const struct bus_way *way = &bus_ways[i];

        if (way->from != from->type.id || way->kind != field->kind || way->type != field->type)
            continue;
        column->put = way->put;
        column->is_bounded = way->put == BUS_DOUBLE_FLOAT;
        column->is_digits = way->put == BUS_DECIMAL && from->type.precision - from->type.scale >
                                                           field->precision - field->scale;
        /* Digits behind the point that the table does not keep would be lost there. */
        return way->put != BUS_DECIMAL || from->type.scale <= field->scale;
    }
    return 0;
}

static size_t bus_value_room(enum bus_put put)
{
    switch (put) {
    case BUS_BOOL:
        return 1;
    case BUS_FLOAT:
    case BUS_DOUBLE_FLOAT:
        return 4;
    case BUS_DOUBLE:
    case BUS_FLOAT_DOUBLE:
    case BUS_INTEGER_DOUBLE:
        return 8;
    case BUS_DECIMAL:
        return TOW_DECIMAL_TEXT_MAX + 1;
    default:
        return TOW_PROTO_VARINT_MAX;
    }
}

static int bus_wire_type(const struct bus_column *column)
{
    switch (column->put) {
    case BUS_FLOAT:
    case BUS_DOUBLE_FLOAT:
        return TOW_PROTO_32;
    case BUS_DOUBLE:
    case BUS_FLOAT_DOUBLE:
    case BUS_INTEGER_DOUBLE:
        return TOW_PROTO_64;
    case BUS_BYTES:
    case BUS_DECIMAL:
        return TOW_PROTO_BYTES;
    default:
        return TOW_PROTO_VARINT;
    }
}

static int bus_refuse_type(const struct tow_field *from, const struct tow_zerobus_field *field,
                           struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];

    if (field->is_repeated || field->message)
        return tow_error_set(err, TOW_E_CONFIG,
                             "column \"%s\" is %s in the table: give it the type json in `columns`",
                             field->name, field->sql ? field->sql : "nested");
    return tow_error_set(err, TOW_E_CONFIG,
                         "column \"%s\" is %s in the table, and %s here: give it a type that fits "
                         "in `columns`",
                         field->name, field->sql ? field->sql : "of another type",
                         tow_type_name(from->type, type));
}

int bus_column_init(struct bus_column *column, const struct tow_field *from,
                    const struct tow_zerobus_field *field, struct tow_error *err)
{
    *column = (struct bus_column){.view.type = from->type, .field = field};
    column->is_required = field->is_required && !from->not_null;
    if (field->is_repeated || field->message) {
        column->put = BUS_NESTED;
        column->room = sizeof column->tag;
        return from->type.id == TOW_TYPE_JSON || from->type.id == TOW_TYPE_STRING
                   ? TOW_OK
                   : bus_refuse_type(from, field, err);
    }
    if ((!bus_take_integer(column, bus_integer_of(from->type.id)) && !bus_take_other(column, from)))
        return bus_refuse_type(from, field, err);
    column->tag_length =
        (unsigned char)(tow_proto_put_varint(column->tag,
                                             tow_proto_tag(field->number, bus_wire_type(column))) -
                        column->tag);
    column->room = sizeof column->tag + bus_value_room(column->put);
    return TOW_OK;
}

void bus_column_release(struct bus_column *column)
{
    tow_buffer_release(&column->nested.bytes);
    free(column->nested.starts);
    free(column->nested.bad);
}

/* ---- nested columns -------------------------------------------------------------------------- */

static int bus_nested_reserve(struct bus_nested *nested, int64_t rows, struct tow_error *err)
{
    if (rows <= nested->capacity)
        return TOW_OK;
    free(nested->starts);
    free(nested->bad);
    nested->starts = calloc((size_t)rows + 1, sizeof *nested->starts);
    nested->bad = calloc((size_t)rows, 1);
    nested->capacity = nested->starts && nested->bad ? rows : 0;
    return nested->capacity ? TOW_OK : tow_error_nomem(err);
}

static int bus_nested_row(const struct bus_column *column, int64_t row, struct tow_buffer *out,
                          struct tow_error *err)
{
    size_t length;
    const char *json = tow_view_bytes(&column->view, row, &length);

    return bus_nested_put(out, column->field, json, length, err);
}

int bus_column_prepare(struct bus_column *column, int64_t rows, struct tow_error *err)
{
    struct bus_nested *nested = &column->nested;
    int code;

    if (column->put != BUS_NESTED)
        return TOW_OK;
    code = bus_nested_reserve(nested, rows, err);
    nested->bytes.size = 0;
    for (int64_t row = 0; row < rows && code == TOW_OK; row++) {
        struct tow_error misfit = TOW_ERROR_INIT;

        nested->starts[row] = nested->bytes.size;
        if (!tow_view_is_null(&column->view, row))
            code = bus_nested_row(column, row, &nested->bytes, &misfit);
        nested->bad[row] = code == TOW_E_DATA;
        if (nested->bad[row]) {
            nested->bytes.size = nested->starts[row];
            code = TOW_OK;
        }
        nested->starts[row + 1] = nested->bytes.size;
    }
    return code == TOW_OK ? TOW_OK : tow_error_nomem(err);
}

/* ---- misfits --------------------------------------------------------------------------------- */

static int64_t bus_first_null(const struct bus_column *column, int64_t first, int64_t end)
{
    if (!column->view.validity)
        return end;
    while (first < end && !tow_view_is_null(&column->view, first))
        first++;
    return first;
}

static int bus_is_outside(const struct bus_column *column, int64_t row)
{
    int64_t value;

    if (column->put == BUS_DOUBLE_FLOAT) {
        double real = fabs(tow_view_double(&column->view, row));

        return isfinite(real) && real > (double)FLT_MAX;
    }
    value = tow_view_int64(&column->view, row);
    if (column->put == BUS_UINT64 && value < 0)
        return 1;
    return value < column->least || value > column->most;
}

/* Whether a value has more digits before its point than the table has room for. */
static int bus_has_too_many_digits(const struct bus_column *column, int64_t row)
{
    const struct tow_zerobus_field *field = column->field;
    char text[TOW_DECIMAL_TEXT_MAX];
    const char *digits = text, *end, *point;

    end = tow_put_decimal(text, tow_view_decimal(&column->view, row), column->view.type.scale);
    digits += *digits == '-';
    point = memchr(digits, '.', (size_t)(end - digits));
    return *digits != '0' && (point ? point : end) - digits > field->precision - field->scale;
}

static int64_t bus_first_outside(const struct bus_column *column, int64_t first, int64_t end)
{
    for (; first < end; first++) {
        if (tow_view_is_null(&column->view, first))
            continue;
        if (column->is_digits ? bus_has_too_many_digits(column, first)
                              : bus_is_outside(column, first))
            break;
    }
    return first;
}

int64_t bus_column_misfit(const struct bus_column *column, int64_t first, int64_t end)
{
    if (column->is_required)
        end = bus_first_null(column, first, end);
    if (column->is_bounded || column->is_digits)
        end = bus_first_outside(column, first, end);
    if (column->put == BUS_NESTED) {
        const unsigned char *bad = memchr(column->nested.bad + first, 1, (size_t)(end - first));

        end = bad ? bad - column->nested.bad : end;
    }
    return end;
}

/* Once more, for the words. */
static void bus_explain_nested(const struct bus_column *column, int64_t row,
                               struct tow_bus_misfit *misfit)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    bus_nested_row(column, row, &out, &err);
    tow_buffer_release(&out);
    misfit->code = "out_of_range";
    (void)snprintf(misfit->message, sizeof misfit->message, "column %.250s", err.message);
}

static void bus_put_value(const struct bus_column *column, int64_t row,
                          char text[TOW_DECIMAL_TEXT_MAX + 1])
{
    char *end = text;

    if (column->put == BUS_DECIMAL)
        end = tow_put_decimal(text, tow_view_decimal(&column->view, row), column->view.type.scale);
    else if (column->put == BUS_DOUBLE_FLOAT)
        end = tow_put_double(text, tow_view_double(&column->view, row));
    else if (column->put == BUS_UINT64)
        end = tow_put_uint64(text, (uint64_t)tow_view_int64(&column->view, row));
    else
        end = tow_put_int64(text, tow_view_int64(&column->view, row));
    *end = '\0';
}

void bus_column_explain(const struct bus_column *column, int64_t row, struct tow_bus_misfit *misfit)
{
    const struct tow_zerobus_field *field = column->field;
    char value[TOW_DECIMAL_TEXT_MAX + 1];

    if (tow_view_is_null(&column->view, row)) {
        misfit->code = "not_null";
        (void)snprintf(misfit->message, sizeof misfit->message,
                       "column \"%s\" is NOT NULL in the table, and null in this row", field->name);
        return;
    }
    if (column->put == BUS_NESTED) {
        bus_explain_nested(column, row, misfit);
        return;
    }
    misfit->code = "out_of_range";
    bus_put_value(column, row, value);
    (void)snprintf(misfit->message, sizeof misfit->message, "column \"%s\": %s does not fit %s",
                   field->name, value, field->sql ? field->sql : "the table's type");
}
