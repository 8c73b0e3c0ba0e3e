#include "kit/value/digits.h"
#include "towpath/value.h"

#define E8  100000000u
#define E16 UINT64_C(10000000000000000)

/* One to eight digits; writes eight bytes. */
static inline char *put_short(char *p, uint32_t value)
{
    unsigned count = tow_digits_count(value);

    tow_store8(p, (tow_digits_split(value) | TOW_DIGITS_ZERO) >> (8 * (8 - count)));
    return p + count;
}

char *tow_put_uint64(char *p, uint64_t value)
{
    unsigned __int128 text;
    uint32_t high, low;
    unsigned count;

    if (value < E8)
        return put_short(p, (uint32_t)value);
    if (value >= E16) {
        p = put_short(p, (uint32_t)(value / E16));
        tow_store16(p, tow_digits_text16(value % E16));
        return p + 16;
    }
    high = (uint32_t)(value / E8);
    low = (uint32_t)(value % E8);
    text = tow_digits_text8x2(high, low);
    count = tow_digits_count(high);
    tow_store8(p, (uint64_t)text >> (8 * (8 - count)));
    tow_store8(p + count, (uint64_t)(text >> 64));
    return p + count + 8;
}

char *tow_put_int64(char *p, int64_t value)
{
    *p = '-';
    return value < 0 ? tow_put_uint64(p + 1, -(uint64_t)value) : tow_put_uint64(p, (uint64_t)value);
}
