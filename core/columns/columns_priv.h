/*
 * Inside of core/columns: what its files share.
 *
 * A spec becomes a plan once. For each batch the plan's steps run column by column, each from a
 * view of what came before into the buffers of a builder. A value that a step cannot take marks
 * its row as refused, with a reason; the message is made when the row is reported, from the value
 * that came in. One thread at a time.
 */
#ifndef CORE_COLUMNS_COLUMNS_PRIV_H
#define CORE_COLUMNS_COLUMNS_PRIV_H

#include <openssl/evp.h>

#include "columns/columns.h"
#include "towpath/texts.h"

/* ---- refused rows: refusal.c ---------------------------------------------------------------- */

enum tow_refusal_reason {
    TOW_REFUSAL_NONE,
    TOW_REFUSAL_REQUIRED, /* null */
    TOW_REFUSAL_SYNTAX,   /* text that is no value of the type */
    TOW_REFUSAL_ZONE,     /* a time with a zone, for a type that has none */
    TOW_REFUSAL_RANGE,    /* beyond what the type can hold */
    TOW_REFUSAL_DIGITS,   /* the type would lose digits */
    TOW_REFUSAL_CLOCK     /* a time of day, for a date */
};

struct tow_refusal {
    uint32_t column; /* the first, in order of the specs, that refused the row */
    uint32_t reason; /* enum tow_refusal_reason */
};

/* One a row of the batch at hand; no row is marked between batches. */
struct tow_refusals {
    struct tow_refusal *rows;
    int64_t capacity;
    int64_t count;   /* of marked rows */
    uint32_t column; /* the one that is being converted */
};

int tow_refusals_reserve(struct tow_refusals *refusals, int64_t rows, struct tow_error *err);
void tow_refusals_release(struct tow_refusals *refusals);
/* Marks a row unless an earlier column has. */
void tow_refusals_add(struct tow_refusals *refusals, int64_t row, enum tow_refusal_reason reason);
/* Unmarks all of a batch of `rows` rows. */
void tow_refusals_clear(struct tow_refusals *refusals, int64_t rows);

/* ---- conversions: conversion.c -------------------------------------------------------------- */

enum tow_format_kind {
    TOW_FORMAT_NONE,
    TOW_FORMAT_PATTERN, /* strptime(3)'s letters */
    TOW_FORMAT_EPOCH,   /* a count since 1970 */
    TOW_FORMAT_BASE64,
    TOW_FORMAT_HEX,
    TOW_FORMAT_UTF8
};

struct tow_step;

/* Converts step->in to the values, or offsets and bytes, of step->out. Validity is not its
 * business: null rows may get any value. */
typedef int tow_convert(struct tow_step *step, struct tow_error *err);

/* How values of one type become another; fixed once made. */
struct tow_conversion {
    struct tow_type from, to;
    enum tow_format_kind format;
    const char *pattern;  /* the format as written, of times; NULL where there is none; borrowed */
    int epoch_exponent;   /* TOW_FORMAT_EPOCH: the count times ten to this is microseconds */
    tow_convert *convert; /* NULL: there is nothing to do */
    /* Of text without a pattern to int64, float64, date or a timestamp, many at once; its
     * convert is NULL for other types. Integers of all widths are int64 here. */
    struct tow_texts_converter texts;
    int keeps_buffers; /* 1: both types lie in memory alike, so convert at most checks */
};

/* TOW_E_CONFIG where there is no such conversion or the format does not fit it. */
int tow_conversion_init(struct tow_conversion *conversion, struct tow_type from, struct tow_type to,
                        const char *format, struct tow_error *err);

static inline int tow_type_same(struct tow_type a, struct tow_type b)
{
    return a.id == b.id &&
           (a.id != TOW_TYPE_DECIMAL || (a.precision == b.precision && a.scale == b.scale));
}

/* ---- one value in the form of the outgoing column: fill.c ----------------------------------- */

/* A default or a constant. */
struct tow_fill {
    char *bytes; /* text, a fixed-width value, or one byte 0 or 1 for bool */
    size_t length;
    int present;
};

/* Copies row 0, which is not null. */
int tow_fill_init(struct tow_fill *fill, const struct tow_view *view, struct tow_error *err);
void tow_fill_release(struct tow_fill *fill);
/* Puts the value in all rows of an empty column. */
int tow_fill_all(const struct tow_fill *fill, struct tow_column *column, int64_t rows,
                 struct tow_error *err);
/* Puts the value in each row of step->out that is null in step->in: types of fixed width only. */
void tow_fill_nulls(const struct tow_step *step);

/* ---- steps: step.c -------------------------------------------------------------------------- */

/* One step at work on one batch. */
struct tow_step {
    const struct tow_column_spec *spec;
    const struct tow_conversion *conversion;
    struct tow_view in;
    int64_t null_count;          /* of in */
    struct tow_column *out;      /* NULL where the step only checks */
    const struct tow_fill *fill; /* what goes out for null, where it is present */
    struct tow_refusals *refusals;
    struct tow_digest *digest;
};

static inline void tow_step_refuse(const struct tow_step *step, int64_t row,
                                   enum tow_refusal_reason reason)
{
    tow_refusals_add(step->refusals, row, reason);
}

/* Room in step->out for all rows, with `bytes` bytes for those that are not null. */
int tow_step_reserve(struct tow_step *step, int64_t bytes, struct tow_error *err);
/* Writes what goes out for null in a column of bytes; returns the end. */
char *tow_step_put_null(const struct tow_step *step, char *p);
/* Bytes of all rows of step->in, which is a column of bytes. */
int64_t tow_step_bytes(const struct tow_step *step);

/* Copies a column to one that lies in memory alike. */
tow_convert tow_copy_column;
/* Bits [first, first + count) to the start of another run; its last byte may get bits beyond. */
void tow_copy_bits(uint8_t *to, const uint8_t *from, int64_t first, int64_t count);

/* ---- rows as 64-bit integers: block.c ------------------------------------------------------- */

/* Bits of a block fill whole bytes, and a block stays in the first-level cache. */
#define TOW_BLOCK_ROWS 512

/* Reads rows [first, first + count) as integers that fit the outgoing type (uint64 by its bits),
 * refusing those that do not; what it puts for null and refused rows does not matter. */
typedef void tow_block_load(const struct tow_step *step, int64_t first, int64_t count,
                            int64_t *block);

/* Converts to bool, integers, date or timestamps a block at a time. */
int tow_block_convert(struct tow_step *step, tow_block_load *load, struct tow_error *err);
/* Reads bool, integers, dates and timestamps as they are. */
void tow_block_read(const struct tow_view *view, int64_t first, int64_t count, int64_t *block);
/* Refuses what the outgoing bool or integer type cannot hold. Values of an incoming uint64 are
 * taken by their bits, all others with their sign. */
void tow_block_check(const struct tow_step *step, int64_t first, int64_t count,
                     const int64_t *block);

struct tow_integer_range {
    int64_t low;
    uint64_t high;
};

/* Bounds of an integer type; of bool 0 and 1. */
struct tow_integer_range tow_integer_range(enum tow_type_id id);

/* ---- converters: from_text.c, cast.c, cast_decimal.c, cast_time.c, to_text.c ----------------- */

tow_convert tow_text_to_bool, tow_text_to_integer, tow_text_to_float, tow_text_to_decimal;
tow_convert tow_text_to_binary, tow_text_to_date, tow_text_to_timestamp;
tow_convert tow_text_check_json; /* only checks */

tow_convert tow_cast_bool_to_integer, tow_cast_integer_to_integer, tow_cast_integer_to_bool;
tow_convert tow_cast_integer_to_float, tow_cast_float_to_integer, tow_cast_float_to_float;
tow_convert tow_cast_integer_to_decimal, tow_cast_float_to_decimal, tow_cast_decimal_to_decimal;
tow_convert tow_cast_decimal_to_integer, tow_cast_decimal_to_float;
tow_convert tow_cast_integer_to_timestamp, tow_cast_float_to_timestamp;
tow_convert tow_cast_decimal_to_timestamp, tow_cast_date_to_timestamp, tow_cast_timestamp_to_date;

tow_convert tow_to_text, tow_binary_to_text;
tow_convert tow_binary_check_utf8; /* only checks */

static inline __int128 tow_decimal_value(struct tow_decimal decimal)
{
    return (__int128)((unsigned __int128)(uint64_t)decimal.high << 64 | decimal.low);
}

static inline struct tow_decimal tow_decimal_of(__int128 value)
{
    return (struct tow_decimal){(uint64_t)value, (int64_t)(value >> 64)};
}

/* 10^exponent, exponent 0 to 38. */
__int128 tow_power_of_ten(int exponent);

/* A count of epoch units, times 10^-scale, as microseconds; digits beyond are cut towards the
 * past. */
enum tow_refusal_reason tow_epoch_to_micros(__int128 count, int exponent, int64_t *micros);

#define TOW_VALUE_TEXT_MAX TOW_DECIMAL_TEXT_MAX

/* A value, which is not null, as text: columns of bytes give theirs as they are, all others write
 * to `room`. */
const char *tow_value_text(const struct tow_view *view, int64_t row, char room[TOW_VALUE_TEXT_MAX],
                           size_t *length);

/* ---- null_if, trim, lower: text_steps.c ------------------------------------------------------ */

/* Cuts ASCII white space at both ends. */
const char *tow_text_trim(const char *text, size_t *length);
/* Clears the bits of rows whose text is one of spec->null_if in a bitmap that has the view's
 * offset; returns how many. */
int64_t tow_null_if(const struct tow_step *step, uint8_t *validity);
tow_convert tow_trim_and_lower;

/* ---- hash: digest.c ------------------------------------------------------------------------- */

/* SHA-256. Zero-initialized is valid and not open. */
struct tow_digest {
    EVP_MD *method;
    EVP_MD_CTX *context;
};

/* Does nothing where it is open. TOW_E_ENV where libcrypto lacks the algorithm. */
int tow_digest_open(struct tow_digest *digest, struct tow_error *err);
void tow_digest_release(struct tow_digest *digest);
/* Each value's text: hex to a string column, 32 bytes to a binary one. */
tow_convert tow_digest_column;

/* ---- plans: plan.c makes them, plan_run.c runs them ------------------------------------------ */

/* What one spec comes to. */
struct tow_column_plan {
    struct tow_column_spec spec; /* its strings are borrowed */
    int64_t source;              /* incoming column; -1 for a constant */
    struct tow_type source_type;
    struct tow_type type; /* that goes out */
    struct tow_conversion conversion;
    struct tow_fill fill;        /* the constant, or what replaces null */
    struct tow_builder *builder; /* of the column, where it is not shared */
};

/* What plans need while they run and leave as they found it. */
struct tow_workspace {
    struct tow_refusals refusals;
    struct tow_builder *scratch; /* one string column: text between two steps */
    uint8_t *validity;           /* of a column that null_if made nulls in */
    size_t validity_size;
    struct tow_digest digest;
};

int tow_workspace_init(struct tow_workspace *work, struct tow_error *err);
void tow_workspace_release(struct tow_workspace *work);

/* Makes count plans, zeroed before, from the specs. Findings go to diags; plans can be run where
 * they were not refused. They are to be released in every case. */
int tow_plans_init(struct tow_column_plan *plans, const struct tow_column_spec *specs, size_t count,
                   const struct ArrowSchema *in, struct tow_workspace *work,
                   struct tow_diags *diags, struct tow_error *err);
/* 1 where an error was found since there were so many, also one that found no memory. */
int tow_plans_refused(const struct tow_diags *diags, size_t errors_before);
void tow_plan_release(struct tow_column_plan *plan);

/*
 * Runs a plan that is not a constant's. step->in is the incoming column; afterwards it is the
 * outgoing one. step->out is then the column of plan->builder that it lies in, or NULL where the
 * incoming buffers can be shared. Refused rows are marked in work->refusals.
 */
int tow_plan_run(const struct tow_column_plan *plan, struct tow_workspace *work,
                 struct tow_step *step, struct tow_error *err);

/* ---- messages: message.c -------------------------------------------------------------------- */

#define TOW_REFUSAL_TEXT_MAX 768

/*
 * Why the plan refused a row of the incoming column, with the value cut to 64 bytes and its control
 * bytes escaped, but without the column's name. Returns the code for machines.
 */
const char *tow_refusal_describe(const struct tow_column_plan *plan, const struct tow_view *view,
                                 int64_t row, enum tow_refusal_reason reason,
                                 char message[TOW_REFUSAL_TEXT_MAX]);

/* ---- constants: constants.c ----------------------------------------------------------------- */

/* The constant columns of all plans, as many rows as the largest batch had; batches share them. */
struct tow_constants {
    struct tow_builder *builder;
    struct tow_share *share;
    int64_t rows;
};

int tow_constants_init(struct tow_constants *constants, const struct tow_column_plan *plans,
                       size_t count, struct tow_error *err);
void tow_constants_release(struct tow_constants *constants);
/* Makes the columns long enough. */
int tow_constants_reserve(struct tow_constants *constants, const struct tow_column_plan *plans,
                          size_t count, int64_t rows, struct tow_error *err);
/* The index-th constant, as long as was reserved for or less. */
int tow_constants_column(const struct tow_constants *constants, int64_t index, int64_t rows,
                         struct ArrowArray *out, struct tow_error *err);

#endif
