#include "kit/value/number_text.h"
#include "kit/value/digits.h"

/* Reads digits on to `value`; returns the place behind the last. */
static inline const char *number_digits(const char *p, const char *end, uint64_t *value)
{
    while (end - p >= 8) {
        uint64_t values = tow_load8(p) ^ TOW_DIGITS_ZERO;

        if (tow_digits_bad(values))
            break;
        *value = *value * 100000000 + tow_digits_value(values);
        p += 8;
    }
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';

        if (digit > 9)
            break;
        *value = *value * 10 + digit;
    }
    return p;
}

/* The exponent behind its 'e', up to the end. */
static int number_exponent(const char *p, const char *end, int64_t *exponent)
{
    int64_t value = 0;
    int negative = 0;

    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    if (p == end)
        return 0;
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';

        if (digit > 9)
            return 0;
        if (value < TOW_NUMBER_EXPONENT_MAX / 16)
            value = value * 10 + digit;
    }
    *exponent += negative ? -value : value;
    return 1;
}

int tow_number_text_scan(const char *text, size_t length, struct tow_number_text *out)
{
    const char *p = text, *end = text + length;

    if (length == 0)
        return 0;
    out->negative = *p == '-';
    p += *p == '-' || *p == '+';
    out->value = 0;
    out->integer = p;
    p = number_digits(p, end, &out->value);
    out->integer_length = (size_t)(p - out->integer);
    out->fraction = p;
    if (p < end && *p == '.') {
        out->fraction = ++p;
        p = number_digits(p, end, &out->value);
    }
    out->fraction_length = (size_t)(p - out->fraction);
    if (out->integer_length + out->fraction_length == 0)
        return 0;
    out->exponent = -(int64_t)out->fraction_length;
    if (p == end)
        return 1;
    return (*p == 'e' || *p == 'E') && number_exponent(p + 1, end, &out->exponent);
}

void tow_number_text_trim(const struct tow_number_text *number, struct tow_number_digits *out)
{
    size_t count = number->integer_length + number->fraction_length;
    size_t first = 0;

    while (first < count && tow_number_text_digit(number, first) == 0)
        first++;
    out->first = first;
    out->exponent = number->exponent;
    while (count > first && tow_number_text_digit(number, count - 1) == 0) {
        count--;
        out->exponent++;
    }
    out->count = count - first;
}
