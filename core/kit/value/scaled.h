/* w * 10^e in binary: what correct rounding to a floating-point format needs to know of it. */
#ifndef KIT_VALUE_SCALED_H
#define KIT_VALUE_SCALED_H

#include <stdint.h>

#include "kit/value/digits.h"
#include "kit/value/pow10.h"

/* (high / 2^63) * 2^exponent with the top bit of high set, plus, where rest is not 0, something
 * below one unit of high. */
struct tow_scaled {
    uint64_t high;
    int exponent;
    int rest;
};

/* A binary floating-point format. */
struct tow_scaled_format {
    int precision;     /* bits of significand, the implicit one included */
    int exponent_min;  /* of the smallest normal number, 1.0 * 2^exponent_min */
    uint64_t infinity; /* its bits */
};

/*
 * digits * 10^exponent for digits > 0 and an exponent of the table. 0 where 128 bits of the power
 * are too few to tell `high` (rare but for powers below 10^0 that divide the digits exactly).
 */
static inline int tow_scaled_multiply(uint64_t digits, int exponent, struct tow_scaled *out)
{
    const struct tow_pow10 *power = tow_pow10_get(exponent);
    int zeros = 63 - (int)tow_top_bit(digits);
    uint64_t factor = digits << zeros;
    unsigned __int128 low = (unsigned __int128)factor * power->low;
    unsigned __int128 top = (unsigned __int128)factor * power->high + (uint64_t)(low >> 64);
    uint64_t high = (uint64_t)(top >> 64), middle = (uint64_t)top;
    int shift = !(high >> 63);

    out->high = high << shift | (middle >> 63 & (unsigned)shift);
    out->exponent = tow_pow10_log2(exponent) + 64 - zeros - shift;
    middle <<= shift;
    if (tow_pow10_is_exact(exponent)) {
        out->rest = (middle | (uint64_t)low) != 0;
        return 1;
    }
    /* A cut power is less than one unit short, so the product is less than `factor` units of its
     * last word short: at most two units of the middle word, and not nothing. */
    out->rest = 1;
    return middle < UINT64_MAX - 1;
}

/* Rounds half to even. The result is the format's bits without sign; infinity or more: too big. */
static inline uint64_t tow_scaled_round(const struct tow_scaled *value,
                                        const struct tow_scaled_format *format)
{
    const uint64_t half = UINT64_C(1) << 63;
    int below = format->exponent_min - value->exponent;
    int drop = 64 - format->precision + (below > 0 ? below : 0);
    uint64_t kept, cut;

    if (drop > 64)
        return 0;
    kept = drop < 64 ? value->high >> drop : 0;
    cut = value->high << (64 - drop);
    kept += cut > half || (cut == half && (value->rest || (kept & 1)));
    /* A normal number's implicit bit, and one that rounding carried, add one to the exponent. */
    if (below < 0)
        kept += (uint64_t)-below << (format->precision - 1);
    return kept;
}

#endif
