#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kit/value/number_text.h"
#include "kit/value/scaled.h"
#include "towpath/value.h"

static const struct tow_scaled_format format_double = {53, -1022, UINT64_C(0x7FF) << 52};
static const struct tow_scaled_format format_float = {24, -126, UINT64_C(0xFF) << 23};

/* Where the quotient digits / 10^-exponent is exact but for a power of two, which is where
 * tow_scaled_multiply gives up: 5^27 is the largest power of five in 64 bits. */
static int double_divide(uint64_t digits, int exponent, struct tow_scaled *out)
{
    uint64_t five = 1;
    int zeros;

    if (exponent >= 0 || exponent < -27)
        return 0;
    for (int i = exponent; i < 0; i++)
        five *= 5;
    if (digits % five != 0)
        return 0;
    digits /= five;
    zeros = __builtin_clzll(digits);
    out->high = digits << zeros;
    out->exponent = 63 - zeros + exponent;
    out->rest = 0;
    return 1;
}

/* digits * 10^exponent as the format's bits; 0 where that cannot be told. */
static int double_scale(uint64_t digits, int64_t exponent, const struct tow_scaled_format *format,
                        uint64_t *bits)
{
    struct tow_scaled value;

    *bits = 0;
    /* 2^64 * 10^-343 is below half of the smallest double. */
    if (digits == 0 || exponent < TOW_POW10_FIRST)
        return 1;
    *bits = format->infinity;
    if (exponent > DBL_MAX_10_EXP)
        return 1;
    if (!tow_scaled_multiply(digits, (int)exponent, &value) &&
        !double_divide(digits, (int)exponent, &value))
        return 0;
    *bits = tow_scaled_round(&value, format);
    return 1;
}

/* No two doubles, nor the middle between two, need more digits than this to be told apart. */
#define EXACT_DIGITS 800

/* The number in all its digits, for the C library to convert. Digits beyond EXACT_DIGITS become
 * one that is not zero. No radix character is written, so that no locale matters. */
static void double_rewrite(const struct tow_number_text *number, char *text)
{
    struct tow_number_digits digits;
    int64_t exponent;
    size_t count;

    tow_number_text_trim(number, &digits);
    count = digits.count;
    exponent = digits.exponent;
    if (count > EXACT_DIGITS) {
        exponent += (int64_t)(count - EXACT_DIGITS - 1);
        count = EXACT_DIGITS;
    }
    for (size_t i = 0; i < count; i++)
        *text++ = (char)('0' + tow_number_text_digit(number, digits.first + i));
    if (digits.count > EXACT_DIGITS)
        *text++ = '1';
    *text++ = 'e';
    *tow_put_int64(text, exponent) = '\0';
}

static uint64_t double_exact(const struct tow_number_text *number,
                             const struct tow_scaled_format *format)
{
    char text[EXACT_DIGITS + 1 + sizeof "e" + TOW_INT64_TEXT_MAX];
    uint64_t bits = 0;
    uint32_t bits_float;
    double value;
    float value_float;

    double_rewrite(number, text);
    if (format == &format_double) {
        value = strtod(text, NULL);
        memcpy(&bits, &value, sizeof value);
        return bits;
    }
    value_float = strtof(text, NULL);
    memcpy(&bits_float, &value_float, sizeof value_float);
    return bits_float;
}

/* More digits than `value` holds: its first 19 and, as far as they matter, what follows them. */
static uint64_t double_long(const struct tow_number_text *number,
                            const struct tow_scaled_format *format)
{
    struct tow_number_digits digits;
    uint64_t value = 0, bits, bits_above;
    size_t count;
    int64_t exponent;

    tow_number_text_trim(number, &digits);
    count = digits.count < TOW_NUMBER_DIGITS_SAFE ? digits.count : TOW_NUMBER_DIGITS_SAFE;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + tow_number_text_digit(number, digits.first + i);
    exponent = digits.exponent + (int64_t)(digits.count - count);
    if (!double_scale(value, exponent, format, &bits))
        return double_exact(number, format);
    if (count == digits.count)
        return bits;
    if (double_scale(value + 1, exponent, format, &bits_above) && bits_above == bits)
        return bits;
    return double_exact(number, format);
}

/* The format's bits, without sign, of a number in text. */
static uint64_t double_bits(const struct tow_number_text *number,
                            const struct tow_scaled_format *format)
{
    uint64_t bits;

    if (number->integer_length + number->fraction_length > TOW_NUMBER_DIGITS_SAFE)
        return double_long(number, format);
    if (!double_scale(number->value, number->exponent, format, &bits))
        return double_exact(number, format);
    return bits;
}

/* nan, inf and infinity, in any case. */
static int double_word(const char *text, size_t length, double *out)
{
    int negative = length > 0 && *text == '-';
    int sign = negative || (length > 0 && *text == '+');
    double value;

    text += sign;
    length -= (size_t)sign;
    if (length == 3 && strncasecmp(text, "nan", 3) == 0)
        value = __builtin_nan("");
    else if ((length == 3 && strncasecmp(text, "inf", 3) == 0) ||
             (length == 8 && strncasecmp(text, "infinity", 8) == 0))
        value = __builtin_inf();
    else
        return TOW_PARSE_SYNTAX;
    *out = negative ? -value : value;
    return TOW_PARSE_OK;
}

static const double double_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define DOUBLE_POWER_MAX   22
#define DOUBLE_INTEGER_MAX (UINT64_C(1) << 53)
#define FLOAT_POWER_MAX    10
#define FLOAT_INTEGER_MAX  (UINT64_C(1) << 24)

/* Small integers times or by small powers of ten: both exact, so one operation rounds once. */
static inline int double_is_simple(const struct tow_number_text *number, uint64_t value_max,
                                   int power_max)
{
    return FLT_EVAL_METHOD == 0 && number->value <= value_max &&
           number->integer_length + number->fraction_length <= TOW_NUMBER_DIGITS_SAFE &&
           number->exponent >= -power_max && number->exponent <= power_max;
}

/* Any text that is not a plain short number. */
static int double_parse_long(const char *text, size_t length, double *out)
{
    struct tow_number_text number;
    uint64_t bits;
    double value;

    if (!tow_number_text_scan(text, length, &number))
        return double_word(text, length, out);
    if (double_is_simple(&number, DOUBLE_INTEGER_MAX, DOUBLE_POWER_MAX)) {
        value = (double)(int64_t)number.value;
        if (number.exponent < 0)
            value /= double_powers[-number.exponent];
        else
            value *= double_powers[number.exponent];
        *out = number.negative ? -value : value;
        return TOW_PARSE_OK;
    }
    bits = double_bits(&number, &format_double);
    if (bits >= format_double.infinity)
        return TOW_PARSE_RANGE;
    bits |= (uint64_t)number.negative << 63;
    memcpy(out, &bits, sizeof *out);
    return TOW_PARSE_OK;
}

int tow_parse_double(const char *text, size_t length, double *out)
{
    struct tow_number_short number;
    double value;

    if (FLT_EVAL_METHOD != 0 || !tow_number_text_short(text, length, &number) ||
        number.value > DOUBLE_INTEGER_MAX)
        return double_parse_long(text, length, out);
    value = (double)(int64_t)number.value / double_powers[number.decimals];
    *out = number.negative ? -value : value;
    return TOW_PARSE_OK;
}

static int float_parse_long(const char *text, size_t length, float *out)
{
    struct tow_number_text number;
    uint32_t bits_float;
    uint64_t bits;
    double word;
    float value;
    int rc;

    if (!tow_number_text_scan(text, length, &number)) {
        rc = double_word(text, length, &word);
        if (rc == TOW_PARSE_OK)
            *out = (float)word;
        return rc;
    }
    if (double_is_simple(&number, FLOAT_INTEGER_MAX, FLOAT_POWER_MAX)) {
        value = (float)(int64_t)number.value;
        if (number.exponent < 0)
            value /= (float)double_powers[-number.exponent];
        else
            value *= (float)double_powers[number.exponent];
        *out = number.negative ? -value : value;
        return TOW_PARSE_OK;
    }
    bits = double_bits(&number, &format_float);
    if (bits >= format_float.infinity)
        return TOW_PARSE_RANGE;
    bits_float = (uint32_t)bits | (uint32_t)number.negative << 31;
    memcpy(out, &bits_float, sizeof *out);
    return TOW_PARSE_OK;
}

int tow_parse_float(const char *text, size_t length, float *out)
{
    struct tow_number_short number;
    float value;

    if (FLT_EVAL_METHOD != 0 || !tow_number_text_short(text, length, &number) ||
        number.value > FLOAT_INTEGER_MAX || number.decimals > FLOAT_POWER_MAX)
        return float_parse_long(text, length, out);
    value = (float)(int64_t)number.value / (float)double_powers[number.decimals];
    *out = number.negative ? -value : value;
    return TOW_PARSE_OK;
}
