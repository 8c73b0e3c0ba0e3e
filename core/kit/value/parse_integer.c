#include "kit/value/digits.h"
#include "towpath/value.h"

#define E8  100000000u
#define E16 UINT64_C(10000000000000000)

/* More digits than a 64-bit number has: only leading zeros save it. */
static int integer_long(const char *text, size_t length, uint64_t *out)
{
    uint64_t value = 0;
    int over = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';

        if (digit > 9)
            return TOW_PARSE_SYNTAX;
        over |= __builtin_mul_overflow(value, 10, &value);
        over |= __builtin_add_overflow(value, digit, &value);
    }
    *out = value;
    return over ? TOW_PARSE_RANGE : TOW_PARSE_OK;
}

/* 9 to 20 digits: the last 16 as two words, and what is left of the first word. */
static int integer_wide(const char *text, size_t length, uint64_t *out)
{
    uint64_t last = tow_load8(text + length - 8) ^ TOW_DIGITS_ZERO;
    uint64_t first = tow_load8(text) ^ TOW_DIGITS_ZERO;
    uint64_t middle, value;

    if (length <= 16) {
        first <<= 8 * (16 - length);
        *out = (uint64_t)tow_digits_value(first) * E8 + tow_digits_value(last);
        return tow_digits_bad(first) | tow_digits_bad(last) ? TOW_PARSE_SYNTAX : TOW_PARSE_OK;
    }
    first <<= 8 * (24 - length);
    middle = tow_load8(text + length - 16) ^ TOW_DIGITS_ZERO;
    if (tow_digits_bad(first) | tow_digits_bad(middle) | tow_digits_bad(last))
        return TOW_PARSE_SYNTAX;
    value = (uint64_t)tow_digits_value(middle) * E8 + tow_digits_value(last);
    if (__builtin_mul_overflow(E16, tow_digits_value(first), &first) ||
        __builtin_add_overflow(first, value, out))
        return TOW_PARSE_RANGE;
    return TOW_PARSE_OK;
}

static inline int integer_digits(const char *text, size_t length, uint64_t *out)
{
    uint64_t values;

    if (length - 1 >= 8) {
        if (length == 0)
            return TOW_PARSE_SYNTAX;
        return length <= 20 ? integer_wide(text, length, out) : integer_long(text, length, out);
    }
    values = (tow_load_part(text, length) ^ TOW_DIGITS_ZERO) << (8 * (8 - length));
    *out = tow_digits_value(values);
    return tow_digits_bad(values) ? TOW_PARSE_SYNTAX : TOW_PARSE_OK;
}

int tow_parse_int64(const char *text, size_t length, int64_t *out)
{
    int negative = length > 0 && text[0] == '-';
    int sign = negative || (length > 0 && text[0] == '+');
    uint64_t value;
    int rc = integer_digits(text + sign, length - (size_t)sign, &value);

    if (rc != TOW_PARSE_OK)
        return rc;
    if (value > (uint64_t)INT64_MAX + (uint64_t)negative)
        return TOW_PARSE_RANGE;
    *out = (int64_t)(negative ? -value : value);
    return TOW_PARSE_OK;
}

int tow_parse_uint64(const char *text, size_t length, uint64_t *out)
{
    int sign = length > 0 && text[0] == '+';
    uint64_t value;
    int rc = integer_digits(text + sign, length - (size_t)sign, &value);

    if (rc == TOW_PARSE_OK)
        *out = value;
    return rc;
}
