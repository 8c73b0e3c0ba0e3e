#include "columns/columns_priv.h"
#include "kit/value/calendar.h"

/* Floats from here on are beyond int64. */
#define TIME_MICROS_LIMIT 0x1p63
/* Floats from here on have no digits behind the point. */
#define TIME_WHOLE 0x1p52

/* Days whose microseconds fit 64 bits, on both sides of 1970. */
#define TIME_DAYS_MAX (INT64_MAX / TOW_MICROS_PER_DAY)

static inline __int128 time_floor(__int128 value, __int128 divisor)
{
    __int128 quotient = value / divisor;

    return quotient - (value % divisor < 0);
}

enum tow_refusal_reason tow_epoch_to_micros(__int128 count, int exponent, int64_t *micros)
{
    __int128 value = count;

    /* Cutting in two goes as cutting at once does. */
    if (exponent < -TOW_DECIMAL_PRECISION_MAX) {
        value = time_floor(value, tow_power_of_ten(-exponent - TOW_DECIMAL_PRECISION_MAX));
        exponent = -TOW_DECIMAL_PRECISION_MAX;
    }
    if (exponent < 0)
        value = time_floor(value, tow_power_of_ten(-exponent));
    else if (__builtin_mul_overflow(value, tow_power_of_ten(exponent), &value))
        return TOW_REFUSAL_RANGE;
    if (value < INT64_MIN || value > INT64_MAX)
        return TOW_REFUSAL_RANGE;
    *micros = (int64_t)value;
    return TOW_REFUSAL_NONE;
}

static inline void time_put_epoch(const struct tow_step *step, int64_t row, __int128 count,
                                  int64_t *out)
{
    int exponent = step->conversion->epoch_exponent;

    *out = 0;
    if (step->conversion->from.id == TOW_TYPE_DECIMAL)
        exponent -= step->conversion->from.scale;
    if (tow_epoch_to_micros(count, exponent, out) != TOW_REFUSAL_NONE &&
        !tow_view_is_null(&step->in, row))
        tow_step_refuse(step, row, TOW_REFUSAL_RANGE);
}

static void time_load_integer(const struct tow_step *step, int64_t first, int64_t count,
                              int64_t *block)
{
    int is_unsigned = step->in.type.id == TOW_TYPE_UINT64;

    tow_block_read(&step->in, first, count, block);
    for (int64_t i = 0; i < count; i++)
        time_put_epoch(step, first + i, is_unsigned ? (__int128)(uint64_t)block[i] : block[i],
                       &block[i]);
}

static void time_load_decimal(const struct tow_step *step, int64_t first, int64_t count,
                              int64_t *block)
{
    for (int64_t i = 0; i < count; i++)
        time_put_epoch(step, first + i, tow_decimal_value(tow_view_decimal(&step->in, first + i)),
                       &block[i]);
}

/* To the nearest microsecond: in a float64, digits beyond are noise. NaN is in no range. */
static void time_load_float(const struct tow_step *step, int64_t first, int64_t count,
                            int64_t *block)
{
    int exponent = step->conversion->epoch_exponent;
    double power = (double)tow_power_of_ten(exponent < 0 ? -exponent : exponent);

    for (int64_t i = 0; i < count; i++) {
        double value = tow_view_double(&step->in, first + i);
        double micros = exponent < 0 ? value / power : value * power;

        block[i] = 0;
        if (micros > -TIME_WHOLE && micros < TIME_WHOLE)
            block[i] = (int64_t)(micros < 0 ? micros - 0.5 : micros + 0.5);
        else if (micros >= -TIME_MICROS_LIMIT && micros < TIME_MICROS_LIMIT)
            block[i] = (int64_t)micros;
        else if (!tow_view_is_null(&step->in, first + i))
            tow_step_refuse(step, first + i, TOW_REFUSAL_RANGE);
    }
}

static void time_load_date(const struct tow_step *step, int64_t first, int64_t count,
                           int64_t *block)
{
    tow_block_read(&step->in, first, count, block);
    for (int64_t i = 0; i < count; i++) {
        if (block[i] >= -TIME_DAYS_MAX && block[i] <= TIME_DAYS_MAX) {
            block[i] *= TOW_MICROS_PER_DAY;
            continue;
        }
        block[i] = 0;
        if (!tow_view_is_null(&step->in, first + i))
            tow_step_refuse(step, first + i, TOW_REFUSAL_RANGE);
    }
}

static void time_load_midnight(const struct tow_step *step, int64_t first, int64_t count,
                               int64_t *block)
{
    tow_block_read(&step->in, first, count, block);
    for (int64_t i = 0; i < count; i++) {
        int64_t days = block[i] / TOW_MICROS_PER_DAY;

        if (days * TOW_MICROS_PER_DAY != block[i] && !tow_view_is_null(&step->in, first + i))
            tow_step_refuse(step, first + i, TOW_REFUSAL_CLOCK);
        block[i] = days;
    }
}

int tow_cast_integer_to_timestamp(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, time_load_integer, err);
}

int tow_cast_decimal_to_timestamp(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, time_load_decimal, err);
}

int tow_cast_float_to_timestamp(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, time_load_float, err);
}

int tow_cast_date_to_timestamp(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, time_load_date, err);
}

int tow_cast_timestamp_to_date(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, time_load_midnight, err);
}
