#include "connectors/arrow/field_type.h"

#include <inttypes.h>
#include <limits.h>

/* Numbers of the union Type. */
enum {
    ID_NULL = 1,
    ID_INT,
    ID_FLOATING_POINT,
    ID_BINARY,
    ID_UTF8,
    ID_BOOL,
    ID_DECIMAL,
    ID_DATE,
    ID_TIME,
    ID_TIMESTAMP,
    ID_INTERVAL,
    ID_LIST,
    ID_STRUCT,
    ID_UNION,
    ID_FIXED_SIZE_BINARY,
    ID_FIXED_SIZE_LIST,
    ID_MAP,
    ID_DURATION,
    ID_LARGE_BINARY,
    ID_LARGE_UTF8,
    ID_LARGE_LIST,
};

#define DECIMAL_PRECISION_MAX 38

const char *tow_ipc_type_name(int id)
{
    static const char *const names[] = {NULL,
                                        "Null",
                                        "Int",
                                        "FloatingPoint",
                                        "Binary",
                                        "Utf8",
                                        "Bool",
                                        "Decimal",
                                        "Date",
                                        "Time",
                                        "Timestamp",
                                        "Interval",
                                        "List",
                                        "Struct",
                                        "Union",
                                        "FixedSizeBinary",
                                        "FixedSizeList",
                                        "Map",
                                        "Duration",
                                        "LargeBinary",
                                        "LargeUtf8",
                                        "LargeList",
                                        "RunEndEncoded",
                                        "BinaryView",
                                        "Utf8View",
                                        "ListView",
                                        "LargeListView"};

    return id > 0 && id < (int)(sizeof names / sizeof *names) ? names[id] : NULL;
}

/* ---- types with parameters ------------------------------------------------------------------- */

static int type_set_int(struct tow_ipc_field *field, const struct tow_flat_table *type,
                        struct tow_error *err)
{
    int64_t width = tow_flat_number(type, 0, 4, 0);

    if (width != 8 && width != 16 && width != 32 && width != 64)
        return tow_error_set(err, TOW_E_DATA, "an Int of %" PRId64 " bits", width);
    field->type = TOW_IPC_INT;
    field->width = (int)width;
    field->is_signed = tow_flat_number(type, 1, 1, 0) != 0;
    return TOW_OK;
}

static int type_set_float(struct tow_ipc_field *field, const struct tow_flat_table *type,
                          struct tow_error *err)
{
    enum { HALF, SINGLE, DOUBLE };
    int64_t precision = tow_flat_number(type, 0, 2, HALF);

    if (precision == HALF)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "type FloatingPoint of half precision");
    if (precision != SINGLE && precision != DOUBLE)
        return tow_error_set(err, TOW_E_DATA, "a FloatingPoint of precision %" PRId64, precision);
    field->type = TOW_IPC_FLOAT;
    field->width = precision == SINGLE ? 32 : 64;
    return TOW_OK;
}

static int type_set_decimal(struct tow_ipc_field *field, const struct tow_flat_table *type,
                            struct tow_error *err)
{
    int64_t precision = tow_flat_number(type, 0, 4, 0), scale = tow_flat_number(type, 1, 4, 0);
    int64_t width = tow_flat_number(type, 2, 4, 128);

    if (width != 128)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "type Decimal of %" PRId64 " bits, where 128 are read", width);
    if (precision < 1 || precision > DECIMAL_PRECISION_MAX)
        return tow_error_set(err, TOW_E_DATA, "a Decimal of %" PRId64 " digits; 1 to %d fit",
                             precision, DECIMAL_PRECISION_MAX);
    if (scale < 0 || scale > DECIMAL_PRECISION_MAX)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "type Decimal of scale %" PRId64 ", where 0 to %d are read", scale,
                             DECIMAL_PRECISION_MAX);
    field->type = TOW_IPC_DECIMAL;
    field->width = 128;
    field->precision = (int)precision;
    field->scale = (int)scale;
    return TOW_OK;
}

static int type_set_date(struct tow_ipc_field *field, const struct tow_flat_table *type,
                         struct tow_error *err)
{
    enum { DAY, MILLISECOND };
    int64_t unit = tow_flat_number(type, 0, 2, MILLISECOND);

    if (unit != DAY && unit != MILLISECOND)
        return tow_error_set(err, TOW_E_DATA, "a Date of unit %" PRId64, unit);
    field->type = TOW_IPC_DATE;
    field->unit = unit == DAY ? TOW_IPC_DAY : TOW_IPC_MILLI;
    field->width = unit == DAY ? 32 : 64;
    return TOW_OK;
}

/* Seconds to nanoseconds are numbered as enum tow_ipc_unit is. */
static int type_set_unit(struct tow_ipc_field *field, int64_t unit, const char *name,
                         struct tow_error *err)
{
    if (unit < TOW_IPC_SECOND || unit > TOW_IPC_NANO)
        return tow_error_set(err, TOW_E_DATA, "a %s of unit %" PRId64, name, unit);
    field->unit = (enum tow_ipc_unit)unit;
    field->width = 64;
    return TOW_OK;
}

static int type_set_time(struct tow_ipc_field *field, const struct tow_flat_table *type,
                         struct tow_error *err)
{
    int64_t width = tow_flat_number(type, 1, 4, 32);
    int code = type_set_unit(field, tow_flat_number(type, 0, 2, TOW_IPC_MILLI), "Time", err);

    if (code != TOW_OK)
        return code;
    if (width != (field->unit <= TOW_IPC_MILLI ? 32 : 64))
        return tow_error_set(err, TOW_E_DATA,
                             "a Time of %" PRId64 " bits and unit %d: seconds and milliseconds "
                             "have 32, smaller units 64",
                             width, (int)field->unit);
    field->type = TOW_IPC_TIME;
    field->width = (int)width;
    return TOW_OK;
}

static int type_set_timestamp(struct tow_ipc_field *field, const struct tow_flat_table *type,
                              struct tow_error *err)
{
    size_t length;
    const char *timezone = tow_flat_string(type, 1, &length);

    field->type = TOW_IPC_TIMESTAMP;
    field->timezone = timezone ? timezone : "";
    return type_set_unit(field, tow_flat_number(type, 0, 2, TOW_IPC_SECOND), "Timestamp", err);
}

static int type_set_interval(struct tow_ipc_field *field, const struct tow_flat_table *type,
                             struct tow_error *err)
{
    enum { YEAR_MONTH, DAY_TIME, MONTH_DAY_NANO };
    int64_t unit = tow_flat_number(type, 0, 2, YEAR_MONTH);

    if (unit == MONTH_DAY_NANO)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "type Interval of months, days and nanoseconds");
    if (unit != YEAR_MONTH && unit != DAY_TIME)
        return tow_error_set(err, TOW_E_DATA, "an Interval of unit %" PRId64, unit);
    field->type = unit == YEAR_MONTH ? TOW_IPC_INTERVAL_MONTHS : TOW_IPC_INTERVAL_DAYS;
    field->width = unit == YEAR_MONTH ? 32 : 64;
    return TOW_OK;
}

static int type_set_fixed_binary(struct tow_ipc_field *field, const struct tow_flat_table *type,
                                 struct tow_error *err)
{
    int64_t bytes = tow_flat_number(type, 0, 4, 0);

    if (bytes < 0 || bytes > INT_MAX / 8)
        return tow_error_set(err, TOW_E_DATA, "a FixedSizeBinary of %" PRId64 " bytes", bytes);
    field->type = TOW_IPC_FIXED_BINARY;
    field->width = (int)bytes * 8;
    return TOW_OK;
}

static int type_set_fixed_list(struct tow_ipc_field *field, const struct tow_flat_table *type,
                               struct tow_error *err)
{
    int64_t size = tow_flat_number(type, 0, 4, 0);

    if (size < 0)
        return tow_error_set(err, TOW_E_DATA, "a FixedSizeList of %" PRId64 " elements", size);
    field->type = TOW_IPC_FIXED_LIST;
    field->list_size = (int)size;
    return TOW_OK;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int type_set_plain(struct tow_ipc_field *field, enum tow_ipc_type type, int width)
{
    field->type = type;
    field->width = width;
    return TOW_OK;
}

static int type_refuse(int id, struct tow_error *err)
{
    const char *name = tow_ipc_type_name(id);

    if (!name)
        return tow_error_set(err, TOW_E_DATA, "no type has the number %d", id);
    return tow_error_set(err, TOW_E_UNSUPPORTED, "type %s is not read here", name);
}

static int type_set(struct tow_ipc_field *field, int id, const struct tow_flat_table *type,
                    struct tow_error *err)
{
    switch (id) {
    case ID_NULL:
        return type_set_plain(field, TOW_IPC_NULL, 0);
    case ID_INT:
        return type_set_int(field, type, err);
    case ID_FLOATING_POINT:
        return type_set_float(field, type, err);
    case ID_BINARY:
        return type_set_plain(field, TOW_IPC_BINARY, 0);
    case ID_UTF8:
        return type_set_plain(field, TOW_IPC_UTF8, 0);
    case ID_BOOL:
        return type_set_plain(field, TOW_IPC_BOOL, 1);
    case ID_DECIMAL:
        return type_set_decimal(field, type, err);
    case ID_DATE:
        return type_set_date(field, type, err);
    case ID_TIME:
        return type_set_time(field, type, err);
    case ID_TIMESTAMP:
        return type_set_timestamp(field, type, err);
    case ID_INTERVAL:
        return type_set_interval(field, type, err);
    case ID_LIST:
        return type_set_plain(field, TOW_IPC_LIST, 0);
    case ID_STRUCT:
        return type_set_plain(field, TOW_IPC_STRUCT, 0);
    case ID_FIXED_SIZE_BINARY:
        return type_set_fixed_binary(field, type, err);
    case ID_FIXED_SIZE_LIST:
        return type_set_fixed_list(field, type, err);
    case ID_MAP:
        return type_set_plain(field, TOW_IPC_MAP, 0);
    case ID_DURATION:
        field->type = TOW_IPC_DURATION;
        return type_set_unit(field, tow_flat_number(type, 0, 2, TOW_IPC_MILLI), "Duration", err);
    case ID_LARGE_BINARY:
        return type_set_plain(field, TOW_IPC_LARGE_BINARY, 0);
    case ID_LARGE_UTF8:
        return type_set_plain(field, TOW_IPC_LARGE_UTF8, 0);
    case ID_LARGE_LIST:
        return type_set_plain(field, TOW_IPC_LARGE_LIST, 0);
    default:
        return type_refuse(id, err);
    }
}

static int type_check_children(const struct tow_ipc_field *field, int id, struct tow_error *err)
{
    switch (field->type) {
    case TOW_IPC_STRUCT:
        return TOW_OK;
    case TOW_IPC_LIST:
    case TOW_IPC_LARGE_LIST:
    case TOW_IPC_FIXED_LIST:
    case TOW_IPC_MAP:
        if (field->child_count == 1)
            return TOW_OK;
        return tow_error_set(err, TOW_E_DATA, "a %s of %zu children, which has one",
                             tow_ipc_type_name(id), field->child_count);
    default:
        if (field->child_count == 0)
            return TOW_OK;
        return tow_error_set(err, TOW_E_DATA, "a %s of %zu children, which has none",
                             tow_ipc_type_name(id), field->child_count);
    }
}

int tow_ipc_field_set_type(struct tow_ipc_field *field, int id, const struct tow_flat_table *type,
                           struct tow_error *err)
{
    int code;

    field->timezone = "";
    code = type_set(field, id, type, err);
    return code == TOW_OK ? type_check_children(field, id, err) : code;
}

size_t tow_ipc_type_buffers(enum tow_ipc_type type)
{
    switch (type) {
    case TOW_IPC_NULL:
        return 0;
    case TOW_IPC_STRUCT:
    case TOW_IPC_FIXED_LIST:
        return 1;
    case TOW_IPC_UTF8:
    case TOW_IPC_BINARY:
    case TOW_IPC_LARGE_UTF8:
    case TOW_IPC_LARGE_BINARY:
        return 3;
    default:
        return 2;
    }
}

size_t tow_ipc_type_offset_width(enum tow_ipc_type type)
{
    switch (type) {
    case TOW_IPC_UTF8:
    case TOW_IPC_BINARY:
    case TOW_IPC_LIST:
    case TOW_IPC_MAP:
        return sizeof(int32_t);
    case TOW_IPC_LARGE_UTF8:
    case TOW_IPC_LARGE_BINARY:
    case TOW_IPC_LARGE_LIST:
        return sizeof(int64_t);
    default:
        return 0;
    }
}
