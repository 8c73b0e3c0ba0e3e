/* Decimal numbers as text, split into their parts: what the parsers of double, float and decimal
 * share. */
#ifndef KIT_NUMBER_TEXT_H
#define KIT_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

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
