/* One column on its way into records. */
#ifndef PLUGINS_ZEROBUS_COLUMN_H
#define PLUGINS_ZEROBUS_COLUMN_H

#include "plugins/zerobus/encode.h"

/* How values are written. */
enum bus_put {
    BUS_BOOL,
    BUS_INT8,
    BUS_INT16,
    BUS_INT32,
    BUS_INT64,
    BUS_UINT8,
    BUS_UINT16,
    BUS_UINT32,
    BUS_UINT64,
    BUS_FLOAT,          /* as float */
    BUS_DOUBLE,         /* as double */
    BUS_FLOAT_DOUBLE,   /* float as double */
    BUS_DOUBLE_FLOAT,   /* double as float */
    BUS_INTEGER_DOUBLE, /* an integer of 32 bits at most, as double */
    BUS_BYTES,
    BUS_DECIMAL,
    BUS_NESTED /* as fields that were made beforehand, with their tags */
};

/* Fields of each row of a batch. */
struct bus_nested {
    struct tow_buffer bytes;
    size_t *starts;     /* in bytes: of each row, and one more */
    unsigned char *bad; /* 1: the row does not fit */
    int64_t capacity;   /* rows */
};

struct bus_column {
    struct tow_view view;
    enum bus_put put;
    unsigned char tag_length;
    char tag[TOW_PROTO_VARINT_MAX]; /* copied as a whole */
    size_t room;                    /* for tag and value, without the bytes of BUS_BYTES */
    int is_required;
    int is_bounded; /* values outside of [least, most] are misfits ... */
    int64_t least, most;
    int is_digits; /* ... or (BUS_DECIMAL) of more digits than the table's */
    const struct tow_zerobus_field *field;
    struct bus_nested nested; /* BUS_NESTED */
};

/* Finds out how a column goes into its field: TOW_OK, or TOW_E_CONFIG. */
int bus_column_init(struct bus_column *column, const struct tow_field *from,
                    const struct tow_zerobus_field *field, struct tow_error *err);
void bus_column_release(struct bus_column *column);
/* Makes the fields of a batch, for BUS_NESTED; the view is the batch's. */
int bus_column_prepare(struct bus_column *column, int64_t rows, struct tow_error *err);
/* First misfit in rows [first, end): its number, or `end`. */
int64_t bus_column_misfit(const struct bus_column *column, int64_t first, int64_t end);
void bus_column_explain(const struct bus_column *column, int64_t row,
                        struct tow_bus_misfit *misfit);

#endif
