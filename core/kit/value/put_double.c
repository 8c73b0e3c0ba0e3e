#include <float.h>
#include <math.h>
#include <string.h>

#include "kit/value/digits.h"
#include "kit/value/pow10.h"
#include "towpath/value.h"

/* digits * 10^exponent */
struct shortest {
    uint64_t digits;
    int exponent;
};

/* A finite number above zero: significand * 2^exponent. */
struct binary {
    uint64_t significand;
    int exponent;
    int boundary; /* 1: a power of two, whose lower neighbour is half as far as the upper one */
};

/* floor(power * factor / 2^128) with its lowest bit set where the quotient is not exact. The power
 * is rounded up. */
static inline uint64_t shortest_multiply(unsigned __int128 power, uint64_t factor)
{
    unsigned __int128 low = (unsigned __int128)(uint64_t)power * factor;
    unsigned __int128 high =
        (unsigned __int128)(uint64_t)(power >> 64) * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/*
 * The shortest decimal that reads back as the number, and of those the nearest: R. Giulietti, "The
 * Schubfach way to render doubles" (2020). Everything is scaled by 4 * 10^-k, with k such that
 * 10^k is at most as wide as the interval that rounds to the number: one or two multiples of 10^k
 * and at most one of 10^(k+1) lie in it.
 */
static struct shortest shortest_find(struct binary number)
{
    /* floor(log10(2^e)) and floor(log10(2^e * 3/4)) */
    int k = (number.exponent * 1262611 - (number.boundary ? 524031 : 0)) >> 22;
    int shift = number.exponent + tow_pow10_log2(-k) + 1;
    const struct tow_pow10 *entry = tow_pow10_get(-k);
    unsigned __int128 power =
        ((unsigned __int128)entry->high << 64 | entry->low) + !tow_pow10_is_exact(-k);
    uint64_t quarters = number.significand * 4;
    uint64_t odd = number.significand & 1; /* an interval's ends round to even numbers alone */
    uint64_t value = shortest_multiply(power, quarters << shift);
    uint64_t lower =
        odd + shortest_multiply(power, (quarters - 2 + (uint64_t)number.boundary) << shift);
    uint64_t upper = shortest_multiply(power, (quarters + 2) << shift) - odd;
    uint64_t digits = value / 4, tens = digits / 10;
    int below, above;

    if (digits >= 10) {
        below = lower <= 40 * tens;
        above = 40 * tens + 40 <= upper;
        if (below != above)
            return (struct shortest){tens + (uint64_t)above, k + 1};
    }
    below = lower <= 4 * digits;
    above = 4 * digits + 4 <= upper;
    if (below == above) /* both fit, or neither: the nearer one, the even one of two as near */
        above = value > 4 * digits + 2 || (value == 4 * digits + 2 && (digits & 1));
    return (struct shortest){digits + (uint64_t)above, k};
}

/* Where the point stands, counted from the first digit, in texts without an exponent. */
#define POINT_MIN (-5) /* 1e-6 */
#define POINT_MAX 21   /* below 1e21 */

/* Seventeen digits: the first, and sixteen as text. */
struct shortest_text {
    char first;
    unsigned __int128 others;
    unsigned count; /* of the digits without trailing zeros */
    int point;
};

static inline struct shortest_text shortest_spell(struct shortest number)
{
    const uint64_t e16 = UINT64_C(10000000000000000);
    unsigned count = tow_digits_count(number.digits);
    uint64_t digits = number.digits * tow_digits_power[17 - count];
    struct shortest_text text;
    uint64_t others = digits % e16;

    text.first = (char)('0' + digits / e16);
    text.others = tow_digits_text16(others);
    text.point = (int)count + number.exponent;
    text.count = others ? tow_digits_last16(text.others) + 2 : 1;
    return text;
}

static char *shortest_put_exponent(char *p, const struct shortest_text *text)
{
    p[0] = text->first;
    p[1] = '.';
    tow_store16(p + 2, text->others);
    p += text->count > 1 ? text->count + 1 : 1;
    *p++ = 'e';
    return tow_put_int64(p, text->point - 1);
}

static char *shortest_put(char *p, struct shortest number)
{
    struct shortest_text text = shortest_spell(number);

    if (text.point < POINT_MIN || text.point > POINT_MAX)
        return shortest_put_exponent(p, &text);
    if (text.point <= 0) {
        tow_store8(p, TOW_DIGITS_ZERO);
        p[1] = '.';
        p += 2 - text.point;
        *p++ = text.first;
        tow_store16(p, text.others);
        return p + text.count - 1;
    }
    *p++ = text.first;
    if (text.point >= (int)text.count) {
        tow_store16(p, text.others);
        tow_store8(p + 16, TOW_DIGITS_ZERO);
        return p + text.point - 1;
    }
    return tow_put_with_point(p, text.others, text.count - 1, (unsigned)text.point - 1);
}

/* Zero, infinity, not a number: what the exponent's smallest and largest value stand for. */
static char *double_put_special(char *p, int finite, uint64_t fraction)
{
    const char *word = finite ? "0" : fraction ? "NaN" : "Infinity";
    size_t length = strlen(word);

    memcpy(p, word, length); /* without its terminator: texts here have none */
    return p + length;
}

/* A number above zero, of a format with `bits` bits of fraction. */
static inline char *double_put_positive(char *p, uint64_t fraction, int exponent, int bits)
{
    int bias = bits == 52 ? 1023 : 127;
    struct binary number = {fraction, 1 - bias - bits, 0};

    if (exponent != 0) {
        number.significand |= UINT64_C(1) << bits;
        number.exponent += exponent - 1;
        number.boundary = fraction == 0 && exponent > 1;
    }
    /* Whole numbers below 2^(bits + 1): no shorter text is near enough. */
    if (number.exponent <= 0 && number.exponent >= -bits &&
        !(number.significand & ((UINT64_C(1) << -number.exponent) - 1)))
        return tow_put_uint64(p, number.significand >> -number.exponent);
    return shortest_put(p, shortest_find(number));
}

static inline char *put_below_1000(char *p, uint32_t number)
{
    unsigned zeros = 2 - (number > 9) - (number > 99);
    uint32_t text;

    memcpy(&text, &tow_digits_triples[number], sizeof text);
    text = htole32(le32toh(text) >> (8 * zeros));
    memcpy(p, &text, sizeof text);
    return p + 3 - zeros;
}

/*
 * Numbers of up to six decimals, as most are: the division rounds correctly, so that where it gives
 * the number, millionths / 10^6 reads back as it. No other decimal of up to 15 digits does, so this
 * one without its trailing zeros is the shortest. NULL where the number is none such.
 */
static inline char *double_put_short(char *p, double value)
{
    const double limit = 1e8, scale = 1e6;
    const uint32_t million = 1000000;
    uint64_t millionths;
    uint32_t whole, thousands, ones;
    unsigned decimals;

    if (FLT_EVAL_METHOD != 0 || !(value < limit))
        return NULL;
    millionths = (uint64_t)(int64_t)(value * scale + 0.5);
    if ((double)(int64_t)millionths / scale != value)
        return NULL;
    whole = (uint32_t)(millionths / million);
    thousands = (uint32_t)(millionths % million) / 1000;
    ones = (uint32_t)(millionths % million) % 1000;
    p = whole < 1000 ? put_below_1000(p, whole) : tow_put_uint64(p, whole);
    *p = '.';
    tow_put_triple(p + 1, thousands);
    tow_put_triple(p + 4, ones);
    decimals = ones ? 3 + tow_digits_triples[ones].count : tow_digits_triples[thousands].count;
    return p + decimals + (decimals > 0);
}

char *tow_put_double(char *p, double value)
{
    const uint64_t fraction_mask = (UINT64_C(1) << 52) - 1;
    uint64_t bits, fraction;
    int exponent;
    char *end;

    memcpy(&bits, &value, sizeof bits);
    fraction = bits & fraction_mask;
    exponent = (int)(bits >> 52 & 0x7FF);
    *p = '-';
    p += bits >> 63 & (value == value);
    if (exponent == 0x7FF || (bits << 1) == 0)
        return double_put_special(p, exponent == 0, fraction);
    end = double_put_short(p, fabs(value));
    return end ? end : double_put_positive(p, fraction, exponent, 52);
}

char *tow_put_float(char *p, float value)
{
    uint32_t bits, fraction;
    int exponent;

    memcpy(&bits, &value, sizeof bits);
    fraction = bits & 0x7FFFFF;
    exponent = (int)(bits >> 23 & 0xFF);
    *p = '-';
    p += bits >> 31 & (value == value);
    if (exponent == 0xFF || (bits << 1) == 0)
        return double_put_special(p, exponent == 0, fraction);
    return double_put_positive(p, fraction, exponent, 23);
}
