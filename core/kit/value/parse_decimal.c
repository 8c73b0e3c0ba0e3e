#include "kit/value/digits.h"
#include "kit/value/number_text.h"
#include "towpath/value.h"

/* At most 19 of the digits, as one number. */
static uint64_t decimal_read(const struct tow_number_text *number, size_t first, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value * 10 + tow_number_text_digit(number, first + i);
    return value;
}

/* 10^exponent, up to 10^38. */
static unsigned __int128 decimal_power(int exponent)
{
    if (exponent <= TOW_NUMBER_DIGITS_SAFE)
        return tow_digits_power[exponent];
    return (unsigned __int128)tow_digits_power[TOW_NUMBER_DIGITS_SAFE] *
           tow_digits_power[exponent - TOW_NUMBER_DIGITS_SAFE];
}

static int decimal_long(const struct tow_number_text *number, int precision, int scale,
                        unsigned __int128 *out)
{
    struct tow_number_digits digits;
    unsigned __int128 value;
    int64_t shift;
    size_t head;

    tow_number_text_trim(number, &digits);
    *out = 0;
    if (digits.count == 0)
        return TOW_PARSE_OK;
    shift = digits.exponent + scale;
    if (digits.count > TOW_DECIMAL_PRECISION_MAX || shift < 0 ||
        shift > precision - (int64_t)digits.count)
        return TOW_PARSE_RANGE;
    head = digits.count > TOW_NUMBER_DIGITS_SAFE ? digits.count - TOW_NUMBER_DIGITS_SAFE : 0;
    value = decimal_read(number, digits.first, head);
    value = value * tow_digits_power[TOW_NUMBER_DIGITS_SAFE] +
            decimal_read(number, digits.first + head, digits.count - head);
    *out = value * decimal_power((int)shift);
    return TOW_PARSE_OK;
}

/* Powers of ten that a tow_number_short's value can be multiplied with. */
#define DECIMAL_SHIFT_SHORT 22

static void decimal_set(struct tow_decimal *out, unsigned __int128 value, int negative)
{
    if (negative)
        value = -value;
    out->low = (uint64_t)value;
    out->high = (int64_t)(uint64_t)(value >> 64);
}

int tow_parse_decimal(const char *text, size_t length, int precision, int scale,
                      struct tow_decimal *out)
{
    struct tow_number_text number;
    struct tow_number_short plain;
    unsigned __int128 value;
    int shift;

    /* As most are: no digit to drop, and nothing that could overflow. */
    if (tow_number_text_short(text, length, &plain)) {
        shift = scale - (int)plain.decimals;
        if (shift >= 0 && shift <= DECIMAL_SHIFT_SHORT) {
            value = plain.value * decimal_power(shift);
            if (value >= decimal_power(precision))
                return TOW_PARSE_RANGE;
            decimal_set(out, value, plain.negative);
            return TOW_PARSE_OK;
        }
    }
    if (!tow_number_text_scan(text, length, &number))
        return TOW_PARSE_SYNTAX;
    if (decimal_long(&number, precision, scale, &value) != TOW_PARSE_OK)
        return TOW_PARSE_RANGE;
    decimal_set(out, value, number.negative);
    return TOW_PARSE_OK;
}
