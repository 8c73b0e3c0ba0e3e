/* Decimal numbers as text, split into their parts: what the parsers of double, float and decimal
 * share. */
#ifndef KIT_VALUE_NUMBER_TEXT_H
#define KIT_VALUE_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "kit/value/digits.h"

/* Exponents in texts are read up to this size. Added to the length of any text they overflow no
 * int64_t, and no text has enough zeros to make up for them. */
#define TOW_NUMBER_EXPONENT_MAX (INT64_C(1) << 60)

/* Digits that a uint64_t holds whatever they are. */
#define TOW_NUMBER_DIGITS_SAFE 19

struct tow_number_text {
    const char *integer; /* digits in front of the point, borrowed from the text */
    const char *fraction;
    size_t integer_length;
    size_t fraction_length;
    uint64_t value;   /* all digits as one integer, modulo 2^64 */
    int64_t exponent; /* of the last digit: the number is value * 10^exponent */
    int negative;
};

/* What tow_number_text_short reads: value * 10^-decimals. */
struct tow_number_short {
    uint64_t value; /* below 10^16 */
    unsigned decimals;
    int negative;
};

/* 0x80 in the lowest byte that is zero, and maybe in some above it. */
static inline uint64_t tow_zero_bytes(uint64_t word)
{
    return (word - TOW_BYTES_ONE) & ~word & 0x80 * TOW_BYTES_ONE;
}

/* One to eight characters, digits and one point at most: the point is shifted out of the word. */
static inline int tow_number_text_short8(const char *text, size_t count,
                                         struct tow_number_short *out)
{
    uint64_t word = tow_load_part(text, count), before;
    uint64_t found = tow_zero_bytes(word ^ '.' * TOW_BYTES_ONE);

    out->decimals = 0;
    if (found) {
        if (--count == 0)
            return 0;
        before = (found & -found) / 0x80 - 1;
        word = (word & before) | (word >> 8 & ~before);
        out->decimals = (unsigned)count - (unsigned)__builtin_ctzll(found) / 8;
    }
    word = (word ^ TOW_DIGITS_ZERO) << (8 * (8 - count));
    out->value = tow_digits_value(word);
    return !tow_digits_bad(word);
}

/* The same for 9 to 16 characters, in two words. */
static inline int tow_number_text_short16(const char *text, size_t count,
                                          struct tow_number_short *out)
{
    uint64_t low = tow_load8(text), high = tow_load8(text + count - 8) >> (8 * (16 - count));
    uint64_t found_low = tow_zero_bytes(low ^ '.' * TOW_BYTES_ONE);
    uint64_t found_high = tow_zero_bytes(high ^ '.' * TOW_BYTES_ONE);
    unsigned __int128 all = (unsigned __int128)high << 64 | low, before;
    size_t point;

    out->decimals = 0;
    if (found_low | found_high) {
        point = found_low ? (size_t)__builtin_ctzll(found_low) / 8
                          : 8 + (size_t)__builtin_ctzll(found_high) / 8;
        count--;
        before = ((unsigned __int128)1 << (8 * point)) - 1;
        all = (all & before) | (all >> 8 & ~before);
        out->decimals = (unsigned)(count - point);
    }
    all = (all ^ TOW_DIGITS16_ZERO) << (8 * (16 - count));
    low = (uint64_t)all;
    high = (uint64_t)(all >> 64);
    out->value = (uint64_t)tow_digits_value(low) * 100000000 + tow_digits_value(high);
    return !(tow_digits_bad(low) | tow_digits_bad(high));
}

/* [+-]digits[.digits] of at most 16 characters behind the sign, which most numbers are; 0 for any
 * other text, right or wrong. */
static inline int tow_number_text_short(const char *text, size_t length,
                                        struct tow_number_short *out)
{
    size_t sign;

    if (length == 0)
        return 0;
    out->negative = *text == '-';
    sign = *text == '-' || *text == '+';
    text += sign;
    length -= sign;
    if (length - 1 < 8)
        return tow_number_text_short8(text, length, out);
    return length - 1 < 16 && tow_number_text_short16(text, length, out);
}

/* [+-]digits[.digits][e[+-]digits] with a digit on one side of the point. 0 where it is not. */
int tow_number_text_scan(const char *text, size_t length, struct tow_number_text *out);

/* The digits without leading and trailing zeros. */
struct tow_number_digits {
    size_t count;     /* 0: the number is zero */
    int64_t exponent; /* of the last of them */
    size_t first;     /* index of the first among integer and fraction digits in one row */
};

void tow_number_text_trim(const struct tow_number_text *number, struct tow_number_digits *out);

/* Digit `index` of integer and fraction digits in one row, 0 to 9. */
static inline unsigned tow_number_text_digit(const struct tow_number_text *number, size_t index)
{
    const char *p = index < number->integer_length
                        ? number->integer + index
                        : number->fraction + (index - number->integer_length);

    return (unsigned char)*p - (unsigned)'0';
}

#endif
