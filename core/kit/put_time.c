#include "kit/calendar.h"
#include "kit/digits.h"
#include "towpath/value.h"

/* yyyy, or sign and at least five digits. */
static char *put_year(char *p, int year)
{
    if (year >= 0 && year <= 9999) {
        p = tow_put_pair(p, (unsigned)year / 100);
        return tow_put_pair(p, (unsigned)year % 100);
    }
    *p++ = year < 0 ? '-' : '+';
    year = year < 0 ? -year : year;
    if (year < 10000)
        *p++ = '0';
    if (year < 1000)
        *p++ = '0';
    if (year < 100)
        *p++ = '0';
    if (year < 10)
        *p++ = '0';
    return tow_put_uint64(p, (unsigned)year);
}

char *tow_put_date(char *p, int32_t days)
{
    int year, month, day;

    tow_calendar_civil(days, &year, &month, &day);
    p = put_year(p, year);
    *p++ = '-';
    p = tow_put_pair(p, (unsigned)month);
    *p++ = '-';
    return tow_put_pair(p, (unsigned)day);
}

static inline char *put_clock(char *p, unsigned seconds)
{
    unsigned minutes = seconds / 60;

    p = tow_put_pair(p, minutes / 60);
    *p++ = ':';
    p = tow_put_pair(p, minutes % 60);
    *p++ = ':';
    return tow_put_pair(p, seconds % 60);
}

/* .fff or .ffffff */
static inline char *put_fraction(char *p, unsigned micros)
{
    uint64_t digits = tow_digits_split(micros) | TOW_DIGITS_ZERO;

    /* Six of the eight digits, with the point in the place of the second zero. */
    digits = (digits >> 8 & ~UINT64_C(0xFF)) | '.';
    tow_store8(p, digits);
    return p + (micros % 1000 == 0 ? 4 : 7);
}

char *tow_put_timestamp(char *p, int64_t microseconds, int utc)
{
    int64_t days = microseconds / TOW_MICROS_PER_DAY;
    int64_t rest = microseconds % TOW_MICROS_PER_DAY;
    unsigned micros;

    if (rest < 0) {
        rest += TOW_MICROS_PER_DAY;
        days--;
    }
    p = tow_put_date(p, (int32_t)days);
    *p++ = 'T';
    p = put_clock(p, (unsigned)(rest / TOW_MICROS_PER_SECOND));
    micros = (unsigned)(rest % TOW_MICROS_PER_SECOND);
    if (micros > 0)
        p = put_fraction(p, micros);
    if (utc)
        *p++ = 'Z';
    return p;
}
