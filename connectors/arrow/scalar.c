#include "connectors/arrow/scalar.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "connectors/arrow/interval.h"
#include "connectors/arrow/moment.h"
#include "towpath/value.h"

/* Room for any value of fixed width but binary, and its quotes. */
#define SCALAR_TEXT_MAX (TOW_DECIMAL_TEXT_MAX + 2)

static int64_t scalar_int(const struct tow_ipc_column *column, int64_t i)
{
    switch (column->field->width) {
    case 8:
        return ((const int8_t *)column->values)[i];
    case 16:
        return ((const int16_t *)column->values)[i];
    case 32:
        return ((const int32_t *)column->values)[i];
    default:
        return ((const int64_t *)column->values)[i];
    }
}

static uint64_t scalar_unsigned(const struct tow_ipc_column *column, int64_t i)
{
    switch (column->field->width) {
    case 8:
        return ((const uint8_t *)column->values)[i];
    case 16:
        return ((const uint16_t *)column->values)[i];
    case 32:
        return ((const uint32_t *)column->values)[i];
    default:
        return ((const uint64_t *)column->values)[i];
    }
}

/* ---- bare values ----------------------------------------------------------------------------- */

static char *scalar_put_bool(char *p, const struct tow_ipc_column *column, int64_t i)
{
    int value = ((const uint8_t *)column->values)[i / 8] >> (i % 8) & 1;

    return stpcpy(p, value ? "true" : "false");
}

static char *scalar_put_int(char *p, const struct tow_ipc_column *column, int64_t i)
{
    if (column->field->is_signed)
        return tow_put_int64(p, scalar_int(column, i));
    return tow_put_uint64(p, scalar_unsigned(column, i));
}

/* What is no number has no JSON text but a string. */
static char *scalar_put_float(char *p, const struct tow_ipc_column *column, int64_t i)
{
    int is_double = column->field->width == 64;
    double value = is_double ? ((const double *)column->values)[i]
                             : (double)((const float *)column->values)[i];
    int is_word = !isfinite(value);

    if (is_word)
        *p++ = '"';
    p = is_double ? tow_put_double(p, value) : tow_put_float(p, (float)value);
    if (is_word)
        *p++ = '"';
    return p;
}

static char *scalar_put_decimal(char *p, const struct tow_ipc_column *column, int64_t i)
{
    return tow_put_decimal(p, ((const struct tow_decimal *)column->values)[i],
                           column->field->scale);
}

/* ---- values in quotes ------------------------------------------------------------------------ */

/* NULL where the calendar has no such value. */
static char *scalar_put_moment(char *p, const struct tow_ipc_column *column, int64_t i)
{
    const struct tow_ipc_field *field = column->field;
    const int32_t *pair = (const int32_t *)column->values + 2 * i;

    switch (field->type) {
    case TOW_IPC_DATE:
        return tow_put_ipc_date(p, scalar_int(column, i), field->unit);
    case TOW_IPC_TIME:
        return tow_put_ipc_time(p, scalar_int(column, i), field->unit);
    case TOW_IPC_TIMESTAMP:
        return tow_put_ipc_timestamp(p, scalar_int(column, i), field->unit,
                                     field->timezone[0] != '\0');
    case TOW_IPC_DURATION:
        return tow_put_interval_time(p, scalar_int(column, i), field->unit);
    case TOW_IPC_INTERVAL_MONTHS:
        return tow_put_interval_months(p, (int32_t)scalar_int(column, i));
    default:
        return tow_put_interval_days(p, pair[0], pair[1]);
    }
}

static int scalar_refuse_moment(const struct tow_ipc_column *column, int64_t i,
                                struct tow_error *err)
{
    const char *what = "timestamp that 64 bits of microseconds hold";

    if (column->field->type == TOW_IPC_DATE)
        what = "date of whole days that 32 bits hold";
    else if (column->field->type == TOW_IPC_TIME)
        what = "time of a day";
    return tow_error_set(err, TOW_E_DATA, "%" PRId64 " is no %s", scalar_int(column, i), what);
}

static int scalar_append_moment(const struct tow_ipc_column *column, int64_t i,
                                struct tow_buffer *out, struct tow_error *err)
{
    char *p = out->data + out->size;

    *p++ = '"';
    p = scalar_put_moment(p, column, i);
    if (!p)
        return scalar_refuse_moment(column, i, err);
    *p++ = '"';
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

static int scalar_append_fixed(const struct tow_ipc_column *column, int64_t i,
                               struct tow_buffer *out, struct tow_error *err)
{
    char *p = out->data + out->size;

    switch (column->field->type) {
    case TOW_IPC_BOOL:
        p = scalar_put_bool(p, column, i);
        break;
    case TOW_IPC_INT:
        p = scalar_put_int(p, column, i);
        break;
    case TOW_IPC_FLOAT:
        p = scalar_put_float(p, column, i);
        break;
    case TOW_IPC_DECIMAL:
        p = scalar_put_decimal(p, column, i);
        break;
    default:
        return scalar_append_moment(column, i, out, err);
    }
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

/* ---- text and binary ------------------------------------------------------------------------- */

static const char *scalar_bytes(const struct tow_ipc_column *column, int64_t i, size_t *length)
{
    const int32_t *small = column->offsets;
    const int64_t *large = column->offsets;

    switch (column->field->type) {
    case TOW_IPC_FIXED_BINARY:
        *length = (size_t)column->field->width / 8;
        return (const char *)column->values + (size_t)i * *length;
    case TOW_IPC_LARGE_UTF8:
    case TOW_IPC_LARGE_BINARY:
        *length = (size_t)(large[i + 1] - large[i]);
        return column->bytes + large[i];
    default:
        *length = (size_t)(small[i + 1] - small[i]);
        return column->bytes + small[i];
    }
}

static int scalar_append_binary(const char *bytes, size_t length, struct tow_buffer *out,
                                struct tow_error *err)
{
    size_t room = length / 3 + 1;
    char *p;
    int code;

    if (__builtin_mul_overflow(room, (size_t)4, &room))
        return tow_error_nomem(err);
    code = tow_buffer_reserve(out, room + 2, err);
    if (code != TOW_OK)
        return code;
    p = out->data + out->size;
    *p++ = '"';
    p = tow_put_base64(p, bytes, length);
    *p++ = '"';
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

int tow_ipc_scalar_put(const struct tow_ipc_column *column, int64_t i, struct tow_buffer *out,
                       struct tow_error *err)
{
    size_t length;
    const char *bytes;
    int code;

    switch (column->field->type) {
    case TOW_IPC_UTF8:
    case TOW_IPC_LARGE_UTF8:
        bytes = scalar_bytes(column, i, &length);
        return tow_buffer_json_string(out, bytes, length, err);
    case TOW_IPC_BINARY:
    case TOW_IPC_LARGE_BINARY:
    case TOW_IPC_FIXED_BINARY:
        bytes = scalar_bytes(column, i, &length);
        return scalar_append_binary(bytes, length, out, err);
    default:
        code = tow_buffer_reserve(out, SCALAR_TEXT_MAX, err);
        return code == TOW_OK ? scalar_append_fixed(column, i, out, err) : code;
    }
}
