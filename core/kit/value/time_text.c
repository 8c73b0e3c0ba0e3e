#include "kit/value/time_text.h"
#include "kit/value/digits.h"
#include "towpath/value.h"

int tow_time_read_fraction(const char **p, const char *end, int *micros)
{
    size_t left = (size_t)(end - *p), count = left < 8 ? left : 8;
    uint64_t values = tow_load_part(*p, count) ^ TOW_DIGITS_ZERO;
    uint64_t bad = tow_digits_bad(values);

    if (bad)
        count = (size_t)__builtin_ctzll(bad) / 8;
    if (count == 0)
        return TOW_PARSE_SYNTAX;
    /* As eight digits with zeros behind; the last two are below a microsecond. */
    *micros = (int)(tow_digits_value(values & ~UINT64_C(0) >> (8 * (8 - count))) / 100);
    *p += count;
    if (count == 8 && *p < end && **p >= '0' && **p <= '9')
        *p += 1;
    return TOW_PARSE_OK;
}

/* Two digits, -1 where there are none. */
static int zone_pair(const char *p, const char *end)
{
    unsigned tens, ones;

    if (end - p < 2)
        return -1;
    tens = (unsigned char)p[0] - (unsigned)'0';
    ones = (unsigned char)p[1] - (unsigned)'0';
    return tens <= 9 && ones <= 9 ? (int)(10 * tens + ones) : -1;
}

int tow_time_read_zone(const char **p, const char *end, int *offset)
{
    const char *at = *p;
    int hours, minutes, colon, west;

    if (at == end)
        return TOW_PARSE_SYNTAX;
    if (*at == 'Z' || *at == 'z') {
        *offset = 0;
        *p = at + 1;
        return TOW_PARSE_OK;
    }
    west = *at == '-';
    if (!west && *at != '+')
        return TOW_PARSE_SYNTAX;
    hours = zone_pair(at + 1, end);
    if (hours < 0)
        return TOW_PARSE_SYNTAX;
    at += 3;
    colon = at < end && *at == ':';
    minutes = zone_pair(at + colon, end);
    if (minutes >= 0)
        at += colon + 2;
    else if (colon)
        return TOW_PARSE_SYNTAX;
    else
        minutes = 0;
    *p = at;
    if (hours > 23 || minutes > 59)
        return TOW_PARSE_RANGE;
    *offset = (west ? -60 : 60) * (hours * 60 + minutes);
    return TOW_PARSE_OK;
}
