#include "kit/value/put_time.h"

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

char *tow_put_timestamp(char *p, int64_t microseconds, int utc)
{
    int64_t days = microseconds / TOW_MICROS_PER_DAY;
    int64_t rest = microseconds % TOW_MICROS_PER_DAY;

    if (rest < 0) {
        rest += TOW_MICROS_PER_DAY;
        days--;
    }
    p = tow_put_date(p, (int32_t)days);
    *p++ = 'T';
    p = tow_put_clock(p, (uint64_t)rest);
    if (utc)
        *p++ = 'Z';
    return p;
}

void tow_dates_init(struct tow_dates *dates)
{
    /* In each place a day that belongs into another one. */
    for (uint32_t i = 0; i < TOW_DATES_KEPT; i++)
        dates->kept[i].day = (int32_t)(i ^ 1);
}

const struct tow_date_text *tow_dates_make(struct tow_dates *dates, int32_t day)
{
    struct tow_date_text *kept = &dates->kept[(uint32_t)day % TOW_DATES_KEPT];
    char text[TOW_DATE_TEXT_MAX];

    if (tow_put_date(text, day) - text != 10)
        return NULL;
    kept->day = day;
    memcpy(kept->text, text, 10);
    return kept;
}
