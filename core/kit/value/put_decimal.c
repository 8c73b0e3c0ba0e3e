#include <string.h>

#include "kit/value/digits.h"
#include "towpath/value.h"

#define E16 UINT64_C(10000000000000000)
/* 39 digits are the most of 128 bits. */
#define DECIMAL_DIGITS 48

static char *decimal_put_digits(char *p, unsigned __int128 value)
{
    uint64_t low;

    if (value >> 64 == 0)
        return tow_put_uint64(p, (uint64_t)value);
    low = (uint64_t)(value % E16);
    value /= E16;
    if (value < E16) {
        p = tow_put_uint64(p, (uint64_t)value);
    } else {
        p = tow_put_uint64(p, (uint64_t)(value / E16));
        tow_store16(p, tow_digits_text16((uint64_t)(value % E16)));
        p += 16;
    }
    tow_store16(p, tow_digits_text16(low));
    return p + 16;
}

/* As most are: all digits, and the zero in front of the point, are sixteen at most. */
static inline char *decimal_put_short(char *p, uint64_t value, unsigned scale)
{
    unsigned count = tow_digits_count(value);

    if (count <= scale)
        count = scale + 1;
    return tow_put_with_point(p, tow_digits_text16(value) >> (8 * (16 - count)), count,
                              count - scale);
}

char *tow_put_decimal(char *p, struct tow_decimal value, int scale)
{
    unsigned __int128 number = (unsigned __int128)(uint64_t)value.high << 64 | value.low;
    char digits[DECIMAL_DIGITS];
    size_t count, whole;

    if (value.high < 0) {
        *p++ = '-';
        number = -number;
    }
    if (scale == 0)
        return decimal_put_digits(p, number);
    if (number < E16 && scale < 16)
        return decimal_put_short(p, (uint64_t)number, (unsigned)scale);
    count = (size_t)(decimal_put_digits(digits, number) - digits);
    if (count > (size_t)scale) {
        whole = count - (size_t)scale;
        memcpy(p, digits, whole);
        p[whole] = '.';
        memcpy(p + whole + 1, digits + whole, (size_t)scale);
        return p + count + 1;
    }
    *p++ = '0';
    *p++ = '.';
    memset(p, '0', (size_t)scale - count);
    p += (size_t)scale - count;
    memcpy(p, digits, count);
    return p + count;
}
