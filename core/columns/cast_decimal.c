#include "columns/columns_priv.h"

/* Integers of a float64, and powers of ten that it holds exactly: one division of such rounds
 * correctly. */
#define DECIMAL_DOUBLE_EXACT (INT64_C(1) << 53)
#define DECIMAL_POWER_EXACT  22

__int128 tow_power_of_ten(int exponent)
{
    __int128 power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

static inline __int128 decimal_read(const struct tow_view *view, int64_t row)
{
    return tow_decimal_value(((const struct tow_decimal *)view->values)[row + view->offset]);
}

static inline void decimal_write(const struct tow_step *step, int64_t row, __int128 value)
{
    ((struct tow_decimal *)step->out->values)[row] = tow_decimal_of(value);
}

static inline void decimal_refuse(const struct tow_step *step, int64_t row,
                                  enum tow_refusal_reason reason)
{
    if (!tow_view_is_null(&step->in, row))
        tow_step_refuse(step, row, reason);
}

/* ---- to decimal ----------------------------------------------------------------------------- */

int tow_cast_integer_to_decimal(struct tow_step *step, struct tow_error *err)
{
    struct tow_type to = step->conversion->to;
    __int128 power = tow_power_of_ten(to.scale);
    __int128 limit = tow_power_of_ten(to.precision - to.scale);
    int is_unsigned = step->in.type.id == TOW_TYPE_UINT64;
    int64_t block[TOW_BLOCK_ROWS];
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        int64_t left = step->in.length - row, at = row % TOW_BLOCK_ROWS;
        __int128 value;

        if (at == 0)
            tow_block_read(&step->in, row, left < TOW_BLOCK_ROWS ? left : TOW_BLOCK_ROWS, block);
        value = is_unsigned ? (__int128)(uint64_t)block[at] : block[at];
        if (value <= -limit || value >= limit) {
            value = 0;
            decimal_refuse(step, row, TOW_REFUSAL_RANGE);
        }
        decimal_write(step, row, value * power);
    }
    return TOW_OK;
}

/* By the shortest text that reads back as the float: 0.1 is 0.1, not what lies next to it in
 * binary. NaN and the infinities are no decimals. */
int tow_cast_float_to_decimal(struct tow_step *step, struct tow_error *err)
{
    struct tow_type to = step->conversion->to;
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        struct tow_decimal value = {0, 0};
        char room[TOW_VALUE_TEXT_MAX];
        size_t length;
        const char *text = tow_value_text(&step->in, row, room, &length);

        if (tow_parse_decimal(text, length, to.precision, to.scale, &value) != TOW_PARSE_OK)
            decimal_refuse(step, row, TOW_REFUSAL_RANGE);
        ((struct tow_decimal *)step->out->values)[row] = value;
    }
    return TOW_OK;
}

static void decimal_scale_up(const struct tow_step *step)
{
    const struct tow_conversion *conversion = step->conversion;
    __int128 power = tow_power_of_ten(conversion->to.scale - conversion->from.scale);
    __int128 limit = (tow_power_of_ten(conversion->to.precision) - 1) / power;

    for (int64_t row = 0; row < step->in.length; row++) {
        __int128 value = decimal_read(&step->in, row);

        if (value < -limit || value > limit) {
            value = 0;
            decimal_refuse(step, row, TOW_REFUSAL_RANGE);
        }
        decimal_write(step, row, value * power);
    }
}

static void decimal_scale_down(const struct tow_step *step)
{
    const struct tow_conversion *conversion = step->conversion;
    __int128 power = tow_power_of_ten(conversion->from.scale - conversion->to.scale);
    __int128 limit = tow_power_of_ten(conversion->to.precision);

    for (int64_t row = 0; row < step->in.length; row++) {
        __int128 value = decimal_read(&step->in, row);
        __int128 whole = value / power;

        if (whole * power != value)
            decimal_refuse(step, row, TOW_REFUSAL_DIGITS);
        else if (whole <= -limit || whole >= limit)
            decimal_refuse(step, row, TOW_REFUSAL_RANGE);
        decimal_write(step, row, whole);
    }
}

int tow_cast_decimal_to_decimal(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    if (step->conversion->to.scale >= step->conversion->from.scale)
        decimal_scale_up(step);
    else
        decimal_scale_down(step);
    return TOW_OK;
}

/* ---- from decimal --------------------------------------------------------------------------- */

static void decimal_load_integer(const struct tow_step *step, int64_t first, int64_t count,
                                 int64_t *block)
{
    struct tow_integer_range range = tow_integer_range(step->conversion->to.id);
    __int128 power = tow_power_of_ten(step->conversion->from.scale);

    for (int64_t i = 0; i < count; i++) {
        __int128 value = decimal_read(&step->in, first + i);
        __int128 whole = value / power;

        if (whole < range.low || whole > (__int128)range.high)
            decimal_refuse(step, first + i, TOW_REFUSAL_RANGE);
        else if (whole * power != value)
            decimal_refuse(step, first + i, TOW_REFUSAL_DIGITS);
        block[i] = (int64_t)whole;
    }
}

int tow_cast_decimal_to_integer(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, decimal_load_integer, err);
}

/* Every decimal is in the range of both floats, so that parsing its text cannot fail. */
static void decimal_to_doubles(const struct tow_step *step)
{
    int scale = step->conversion->from.scale;
    double power = (double)tow_power_of_ten(scale <= DECIMAL_POWER_EXACT ? scale : 0);
    double *out = step->out->values;

    for (int64_t row = 0; row < step->in.length; row++) {
        __int128 value = decimal_read(&step->in, row);
        char text[TOW_DECIMAL_TEXT_MAX];
        char *end;

        if (scale <= DECIMAL_POWER_EXACT && value >= -DECIMAL_DOUBLE_EXACT &&
            value <= DECIMAL_DOUBLE_EXACT) {
            out[row] = (double)(int64_t)value / power;
            continue;
        }
        end = tow_put_decimal(text, tow_decimal_of(value), scale);
        tow_parse_double(text, (size_t)(end - text), &out[row]);
    }
}

static void decimal_to_floats(const struct tow_step *step)
{
    float *out = step->out->values;

    for (int64_t row = 0; row < step->in.length; row++) {
        char text[TOW_DECIMAL_TEXT_MAX];
        char *end = tow_put_decimal(text, tow_decimal_of(decimal_read(&step->in, row)),
                                    step->conversion->from.scale);

        tow_parse_float(text, (size_t)(end - text), &out[row]);
    }
}

int tow_cast_decimal_to_float(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    if (step->conversion->to.id == TOW_TYPE_FLOAT32)
        decimal_to_floats(step);
    else
        decimal_to_doubles(step);
    return TOW_OK;
}
