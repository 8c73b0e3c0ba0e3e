#include "columns/columns_priv.h"

/* Up to these, floats hold every integer. */
#define CAST_DOUBLE_EXACT (INT64_C(1) << 53)
#define CAST_FLOAT_EXACT  (INT64_C(1) << 24)

/* ---- bool and integers ---------------------------------------------------------------------- */

static void cast_load_bool(const struct tow_step *step, int64_t first, int64_t count,
                           int64_t *block)
{
    tow_block_read(&step->in, first, count, block);
}

static void cast_load_integer(const struct tow_step *step, int64_t first, int64_t count,
                              int64_t *block)
{
    tow_block_read(&step->in, first, count, block);
    tow_block_check(step, first, count, block);
}

int tow_cast_bool_to_integer(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, cast_load_bool, err);
}

int tow_cast_integer_to_integer(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, cast_load_integer, err);
}

int tow_cast_integer_to_bool(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, cast_load_integer, err);
}

/* ---- integers to floats, exactly ------------------------------------------------------------ */

/* By its bits, the upper half of uint64 looks negative. */
static inline int64_t cast_exact_low(const struct tow_step *step, int64_t exact)
{
    return step->in.type.id == TOW_TYPE_UINT64 ? 0 : -exact;
}

static void cast_put_double(const struct tow_step *step, int64_t row, int64_t bits)
{
    int is_unsigned = step->in.type.id == TOW_TYPE_UINT64;
    __int128 value = is_unsigned ? (__int128)(uint64_t)bits : bits;
    double *out = (double *)step->out->values + row;

    *out = is_unsigned ? (double)(uint64_t)bits : (double)bits;
    if ((__int128)*out != value && !tow_view_is_null(&step->in, row))
        tow_step_refuse(step, row, TOW_REFUSAL_DIGITS);
}

static void cast_put_float(const struct tow_step *step, int64_t row, int64_t bits)
{
    int is_unsigned = step->in.type.id == TOW_TYPE_UINT64;
    __int128 value = is_unsigned ? (__int128)(uint64_t)bits : bits;
    float *out = (float *)step->out->values + row;

    *out = is_unsigned ? (float)(uint64_t)bits : (float)bits;
    if ((__int128)*out != value && !tow_view_is_null(&step->in, row))
        tow_step_refuse(step, row, TOW_REFUSAL_DIGITS);
}

static void cast_write_doubles(const struct tow_step *step, int64_t first, int64_t count,
                               const int64_t *block)
{
    int64_t low = cast_exact_low(step, CAST_DOUBLE_EXACT);
    double *out = (double *)step->out->values + first;

    for (int64_t i = 0; i < count; i++) {
        out[i] = (double)block[i];
        if (__builtin_expect(block[i] < low || block[i] > CAST_DOUBLE_EXACT, 0))
            cast_put_double(step, first + i, block[i]);
    }
}

static void cast_write_floats(const struct tow_step *step, int64_t first, int64_t count,
                              const int64_t *block)
{
    int64_t low = cast_exact_low(step, CAST_FLOAT_EXACT);
    float *out = (float *)step->out->values + first;

    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)block[i];
        if (__builtin_expect(block[i] < low || block[i] > CAST_FLOAT_EXACT, 0))
            cast_put_float(step, first + i, block[i]);
    }
}

int tow_cast_integer_to_float(struct tow_step *step, struct tow_error *err)
{
    int is_float32 = step->conversion->to.id == TOW_TYPE_FLOAT32;
    int64_t block[TOW_BLOCK_ROWS];
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    for (int64_t first = 0; first < step->in.length; first += TOW_BLOCK_ROWS) {
        int64_t left = step->in.length - first;
        int64_t count = left < TOW_BLOCK_ROWS ? left : TOW_BLOCK_ROWS;

        tow_block_read(&step->in, first, count, block);
        if (is_float32)
            cast_write_floats(step, first, count, block);
        else
            cast_write_doubles(step, first, count, block);
    }
    return TOW_OK;
}

/* ---- floats --------------------------------------------------------------------------------- */

static inline double cast_read_double(const struct tow_view *view, int64_t row)
{
    int64_t at = row + view->offset;

    return view->type.id == TOW_TYPE_FLOAT32 ? (double)((const float *)view->values)[at]
                                             : ((const double *)view->values)[at];
}

/* NaN is in no range. */
static inline enum tow_refusal_reason cast_whole(double value, struct tow_integer_range range,
                                                 int64_t *out)
{
    double low = (double)range.low;
    double limit = range.high == UINT64_MAX ? 0x1p64 : (double)(range.high + 1);

    if (!(value >= low && value < limit))
        return TOW_REFUSAL_RANGE;
    *out = value < 0 ? (int64_t)value : (int64_t)(uint64_t)value;
    if ((value < 0 ? (double)*out : (double)(uint64_t)*out) != value)
        return TOW_REFUSAL_DIGITS;
    return TOW_REFUSAL_NONE;
}

static void cast_load_whole(const struct tow_step *step, int64_t first, int64_t count,
                            int64_t *block)
{
    struct tow_integer_range range = tow_integer_range(step->conversion->to.id);

    for (int64_t i = 0; i < count; i++) {
        enum tow_refusal_reason reason;

        block[i] = 0;
        reason = cast_whole(cast_read_double(&step->in, first + i), range, &block[i]);
        if (reason != TOW_REFUSAL_NONE && !tow_view_is_null(&step->in, first + i))
            tow_step_refuse(step, first + i, reason);
    }
}

int tow_cast_float_to_integer(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, cast_load_whole, err);
}

/* A float32 rounds, as whoever asks for one knows, but a finite value stays finite. */
static void cast_narrow_doubles(const struct tow_step *step)
{
    const double *in = (const double *)step->in.values + step->in.offset;
    float *out = step->out->values;

    for (int64_t row = 0; row < step->in.length; row++) {
        out[row] = (float)in[row];
        if (__builtin_isinf(out[row]) && !__builtin_isinf(in[row]) &&
            !tow_view_is_null(&step->in, row))
            tow_step_refuse(step, row, TOW_REFUSAL_RANGE);
    }
}

static void cast_widen_floats(const struct tow_step *step)
{
    const float *in = (const float *)step->in.values + step->in.offset;
    double *out = step->out->values;

    for (int64_t row = 0; row < step->in.length; row++)
        out[row] = (double)in[row];
}

int tow_cast_float_to_float(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK || step->in.length == 0)
        return code;
    if (step->conversion->to.id == TOW_TYPE_FLOAT32)
        cast_narrow_doubles(step);
    else
        cast_widen_floats(step);
    return TOW_OK;
}
