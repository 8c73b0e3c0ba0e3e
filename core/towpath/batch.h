/*
 * towpath/batch.h - the kit: schemas, batches and values without touching Arrow by hand.
 *
 * Part of libtowpath-kit, which plugins link statically: nothing here crosses the plugin border.
 * Functions that can fail return TOW_OK or a class of towpath/error.h and set err; those that make
 * something return NULL then. What they write to an `out` is the caller's, to be released; after a
 * failure there is nothing in it. Where a comment names no class, it is TOW_E_NOMEM.
 */
#ifndef TOWPATH_BATCH_H
#define TOWPATH_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/arrow.h"
#include "towpath/error.h"
#include "towpath/plugin.h"
#include "towpath/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types and schemas ---------------------------------------------------------------------- */

/* The version-1 types. Beside each: Arrow format string, C type of a value in the buffer. */
enum tow_type_id {
    TOW_TYPE_BOOL = 1,      /* b: one bit */
    TOW_TYPE_INT8,          /* c */
    TOW_TYPE_INT16,         /* s */
    TOW_TYPE_INT32,         /* i */
    TOW_TYPE_INT64,         /* l */
    TOW_TYPE_UINT8,         /* C */
    TOW_TYPE_UINT16,        /* S */
    TOW_TYPE_UINT32,        /* I */
    TOW_TYPE_UINT64,        /* L */
    TOW_TYPE_FLOAT32,       /* f */
    TOW_TYPE_FLOAT64,       /* g */
    TOW_TYPE_DECIMAL,       /* d:precision,scale: struct tow_decimal */
    TOW_TYPE_STRING,        /* u: int32 offsets, UTF-8 */
    TOW_TYPE_BINARY,        /* z: int32 offsets */
    TOW_TYPE_DATE,          /* tdD: int32 days since 1970-01-01 */
    TOW_TYPE_TIMESTAMP,     /* tsu:UTC: int64 microseconds since 1970 UTC */
    TOW_TYPE_TIMESTAMP_NTZ, /* tsu: (no zone): int64 microseconds since 1970, wall clock */
    TOW_TYPE_JSON           /* u with extension name arrow.json */
};

struct tow_type {
    enum tow_type_id id;
    int precision, scale; /* TOW_TYPE_DECIMAL only: 1..38, 0..precision */
};

struct tow_field {
    const char *name;
    struct tow_type type;
    int not_null; /* 1: no nulls */
};

/* Names as job files say them: "bool", "int8" ... "uint64", "float32", "float64", "decimal(10,2)",
 * "string", "binary", "date", "timestamp", "timestamp_ntz", "json". Parsing also takes the aliases
 * "int" (int64), "double", "float" (both float64), "text", "boolean", and "decimal(10)" for
 * scale 0. TOW_E_CONFIG for anything else. */
#define TOW_TYPE_TEXT_MAX 24
char *tow_type_name(struct tow_type type, char text[TOW_TYPE_TEXT_MAX]);
int tow_type_parse(const char *text, struct tow_type *out, struct tow_error *err);
/* Bytes of a value in its buffer; 0 for bool (bits) and for string, binary and json. */
size_t tow_type_width(enum tow_type_id id);
/* 1 for string, binary and json: offsets and bytes. */
int tow_type_is_bytes(enum tow_type_id id);

/* A struct schema with these columns. Names are copied. TOW_E_UNSUPPORTED for a name that is empty
 * or comes twice, or a type that there is not. */
int tow_schema_make(struct ArrowSchema *out, const struct tow_field *fields, size_t count,
                    struct tow_error *err);
int tow_schema_copy(struct ArrowSchema *out, const struct ArrowSchema *schema,
                    struct tow_error *err);
/* Refuses what is not a struct of version-1 types, and doubled or empty column names:
 * TOW_E_UNSUPPORTED, or TOW_E_BUG where it breaks the rules of the C data interface. */
int tow_schema_validate(const struct ArrowSchema *schema, struct tow_error *err);
/* Reads column `index`; name is borrowed from schema. */
int tow_schema_field(const struct ArrowSchema *schema, int64_t index, struct tow_field *out,
                     struct tow_error *err);
/* Index of a column by exact name; -1 where there is none. */
int64_t tow_schema_find(const struct ArrowSchema *schema, const char *name);
/* 1 where names, types and nullability are the same, in that order. */
int tow_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b);

/* ---- reading: views and the cursor ---------------------------------------------------------- */

/* One column's buffers with the offsets of array and parent worked in: row r of the batch is
 * element r + offset of every buffer. Borrowed from the array. */
struct tow_view {
    struct tow_type type;
    const uint8_t *validity; /* one bit per row, least significant first; NULL: no nulls */
    const void *values;      /* fixed-width values, or bits for bool */
    const int32_t *offsets;  /* string, binary, json: n + 1 of them */
    const char *bytes;       /* string, binary, json */
    int64_t offset;
    int64_t length;
};

/* The array must have passed tow_array_validate against the schema. */
void tow_view_init(struct tow_view *view, const struct ArrowSchema *schema,
                   const struct ArrowArray *array, int64_t column);

static inline int tow_view_is_null(const struct tow_view *view, int64_t row)
{
    int64_t bit = row + view->offset;

    return view->validity && !(view->validity[bit >> 3] >> (bit & 7) & 1);
}

static inline const char *tow_view_bytes(const struct tow_view *view, int64_t row, size_t *length)
{
    const int32_t *offset = view->offsets + row + view->offset;

    *length = (size_t)(offset[1] - offset[0]);
    return view->bytes + offset[0];
}

/* The end of the bytes that all rows of a string, binary or json column lie in. */
static inline const char *tow_view_bytes_end(const struct tow_view *view)
{
    return view->bytes + view->offsets[view->offset + view->length];
}

static inline int tow_view_bool(const struct tow_view *view, int64_t row)
{
    int64_t bit = row + view->offset;

    return ((const uint8_t *)view->values)[bit >> 3] >> (bit & 7) & 1;
}

/* Any signed or unsigned integer, date or timestamp, widened (uint64 by its bits). */
int64_t tow_view_int64(const struct tow_view *view, int64_t row);
/* float32 or float64. */
double tow_view_double(const struct tow_view *view, int64_t row);
struct tow_decimal tow_view_decimal(const struct tow_view *view, int64_t row);

/* Row after row over batches of one schema; the comfortable way to read. */
struct tow_cursor {
    struct tow_view *columns;
    int64_t column_count;
    int64_t row; /* of the current batch */
    int64_t length;
    const struct ArrowSchema *schema; /* borrowed */
};

int tow_cursor_init(struct tow_cursor *cursor, const struct ArrowSchema *schema,
                    struct tow_error *err);
void tow_cursor_release(struct tow_cursor *cursor);
/* Starts a batch, which has passed tow_array_validate; borrowed until the next one. It stands
 * before the first row. */
void tow_cursor_batch(struct tow_cursor *cursor, const struct ArrowArray *array);
/* Steps to the next row; 0 at the end. */
static inline int tow_cursor_next(struct tow_cursor *cursor)
{
    return ++cursor->row < cursor->length;
}

/* ---- validation ----------------------------------------------------------------------------- */

/*
 * Checks that an array from elsewhere fits the schema: counts of buffers and children, lengths,
 * offsets that rise within 32 bits, no null where the schema forbids it. Never reads a value
 * buffer's content except offsets and validity. What C data structures cannot show (a buffer
 * shorter than its length says) stays the producer's promise. Buffers must be aligned to their
 * values, 8 bytes at most. Only what lies in the batch's rows is looked at. TOW_E_BUG, or
 * TOW_E_UNSUPPORTED for rows that are null as a whole (a validity buffer of the struct itself).
 */
int tow_array_validate(const struct ArrowArray *array, const struct ArrowSchema *schema,
                       struct tow_error *err);

/* ---- writing: the builder ------------------------------------------------------------------- */

/*
 * Collects rows and hands them out as one array. The buffers of an array that was handed out come
 * back to the builder when it is released, from any thread and also after the builder is freed, so
 * that a steady stream allocates nothing. One thread at a time.
 */
struct tow_builder;

/* Names are copied. Errors as of tow_schema_make; _schema takes what tow_schema_validate passes. */
struct tow_builder *tow_builder_new(const struct tow_field *fields, size_t count,
                                    struct tow_error *err);
struct tow_builder *tow_builder_new_schema(const struct ArrowSchema *schema, struct tow_error *err);
void tow_builder_free(struct tow_builder *builder);

/*
 * The comfortable way: append to each column at most once per row, then end the row. Columns that
 * got nothing are null. A value out of the column's range, or of another kind than the column, is
 * TOW_E_DATA or TOW_E_BUG and leaves the row open: cancel it or append again.
 */
int tow_append_null(struct tow_builder *builder, size_t column, struct tow_error *err);
int tow_append_bool(struct tow_builder *builder, size_t column, int value, struct tow_error *err);
/* Integers of any width, date (days) and timestamp (microseconds). */
int tow_append_int64(struct tow_builder *builder, size_t column, int64_t value,
                     struct tow_error *err);
int tow_append_uint64(struct tow_builder *builder, size_t column, uint64_t value,
                      struct tow_error *err);
int tow_append_double(struct tow_builder *builder, size_t column, double value,
                      struct tow_error *err);
int tow_append_decimal(struct tow_builder *builder, size_t column, struct tow_decimal value,
                       struct tow_error *err);
/* string, binary, json: UTF-8 is the caller's promise. A column of a batch holds 2147483647 bytes
 * at most: TOW_E_DATA beyond. */
int tow_append_bytes(struct tow_builder *builder, size_t column, const void *bytes, size_t length,
                     struct tow_error *err);
/* NULL is a null. */
int tow_append_text(struct tow_builder *builder, size_t column, const char *text,
                    struct tow_error *err);
/* A null where the column is not null is TOW_E_DATA and leaves the row open. */
int tow_builder_end_row(struct tow_builder *builder, struct tow_error *err);
void tow_builder_cancel_row(struct tow_builder *builder);

int64_t tow_builder_rows(const struct tow_builder *builder);
/* Bytes in use in all buffers. */
size_t tow_builder_bytes(const struct tow_builder *builder);
/* 1 once a batch of these rows should be closed: the limits of the host (0: no such limit), or
 * offsets half way to 2^31, so that one large row still fits. */
int tow_builder_full(const struct tow_builder *builder, uint32_t rows, uint64_t bytes);

/* Moves all ended rows out; the builder is empty and goes on. An open row, or columns filled by
 * hand that do not fit together, are TOW_E_BUG; after any error the rows are still there. */
int tow_builder_finish(struct tow_builder *builder, struct ArrowArray *out, struct tow_error *err);
/* Drops all rows. */
void tow_builder_reset(struct tow_builder *builder);
/* A builder without rows that is not needed for a while: frees the buffers that it has, and those
 * that come back before it is used again. */
void tow_builder_rest(struct tow_builder *builder);

/*
 * The fast way: fill the buffers column by column. Reserve, write values[0..n), validity bits and
 * (string, binary, json) offsets[0..n] and bytes, then set length and null_count of every column
 * to the same number of rows. Not to be mixed with an open row.
 */
struct tow_column {
    struct tow_type type;
    uint8_t *validity; /* written always; left out of the array where null_count is 0 */
    void *values;      /* NULL for string, binary, json */
    int32_t *offsets;  /* offsets[0] is 0 */
    char *bytes;
    int64_t length;
    int64_t null_count;
    int64_t row_capacity;
    int64_t byte_capacity;
};

/* Bytes that may be written, and read, past the end of every buffer: room for wide stores. */
#define TOW_BUFFER_SLACK 64

/* Borrowed, until the builder is freed. */
struct tow_column *tow_builder_column(struct tow_builder *builder, size_t column);
/* Makes room for `rows` rows and `bytes` bytes in all (not: more), doubling what has to grow.
 * Contents stay; pointers may change. After finish every column is to be reserved anew. */
int tow_column_reserve(struct tow_column *column, int64_t rows, int64_t bytes,
                       struct tow_error *err);

/* ---- sharing and picking -------------------------------------------------------------------- */

/*
 * A batch that several others share: the array is released with the last reference. Columns and
 * slices that are taken from it are arrays of their own that hold a reference each. References may
 * be taken and dropped from any thread.
 */
struct tow_share;

/* Moves the array in; where it fails the array stays the caller's. */
struct tow_share *tow_share_new(struct ArrowArray *array, struct tow_error *err);
const struct ArrowArray *tow_share_array(const struct tow_share *share);
struct tow_share *tow_share_ref(struct tow_share *share);
void tow_share_unref(struct tow_share *share);
/* Column `column` as an array of its own; no bytes are copied. */
int tow_share_column(struct tow_share *share, int64_t column, struct ArrowArray *out,
                     struct tow_error *err);
/* Rows [first, first + count) of all columns; no bytes are copied. Nulls of columns that have some
 * are not counted (null_count -1). */
int tow_share_slice(struct tow_share *share, int64_t first, int64_t count, struct ArrowArray *out,
                    struct tow_error *err);
/* A struct array over `count` columns, which are moved in unless it fails. length is that of
 * each. */
int tow_struct_make(struct ArrowArray *out, struct ArrowArray *columns, int64_t count,
                    int64_t length, struct tow_error *err);
/* Copies the rows whose numbers are listed (rising or not, also twice) into a new array. The array
 * must have passed tow_array_validate. */
int tow_array_take(const struct ArrowSchema *schema, const struct ArrowArray *array,
                   const int64_t *rows, int64_t count, struct ArrowArray *out,
                   struct tow_error *err);

/* ---- positions ------------------------------------------------------------------------------ */

/* An integer as position (decimal text), for sources that count; `fallback` where the position is
 * empty or not such an integer. */
void tow_position_set_int(struct tow_position *position, int64_t value);
int64_t tow_position_get_int(const struct tow_position *position, int64_t fallback);

/* ---- log ------------------------------------------------------------------------------------ */

/* Formats one line for host->log; cut after 2047 bytes. */
void tow_log(const struct tow_host *host, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
