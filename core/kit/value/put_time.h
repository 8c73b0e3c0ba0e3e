/* Texts of dates, kept for the days that come again: columns have many rows and few days. */
#ifndef KIT_VALUE_PUT_TIME_H
#define KIT_VALUE_PUT_TIME_H

#include <stdint.h>
#include <string.h>

#include "kit/value/calendar.h"
#include "kit/value/digits.h"
#include "towpath/value.h"

#define TOW_DATES_KEPT 1024

struct tow_date_text {
    int32_t day;
    char text[12]; /* yyyy-mm-dd, and 'T' for timestamps */
};

/* A day has one place. */
struct tow_dates {
    struct tow_date_text kept[TOW_DATES_KEPT];
};

void tow_dates_init(struct tow_dates *dates);

/* Makes the text of a day in its place. NULL where its year has not four digits: such texts are not
 * kept. */
const struct tow_date_text *tow_dates_make(struct tow_dates *dates, int32_t day);

static inline const struct tow_date_text *tow_dates_get(struct tow_dates *dates, int32_t day)
{
    const struct tow_date_text *kept = &dates->kept[(uint32_t)day % TOW_DATES_KEPT];

    return __builtin_expect(kept->day == day, 1) ? kept : tow_dates_make(dates, day);
}

static inline char *tow_put_kept_date(struct tow_dates *dates, char *p, int32_t day)
{
    const struct tow_date_text *date = tow_dates_get(dates, day);

    if (__builtin_expect(!date, 0))
        return tow_put_date(p, day);
    memcpy(p, date->text, sizeof date->text);
    return p + 10;
}

/* hh:mm:ss, then what there is of .fff or .ffffff, of a time of day. */
static inline char *tow_put_clock(char *p, uint64_t micros)
{
    uint32_t seconds = (uint32_t)(micros / TOW_MICROS_PER_SECOND);
    uint32_t behind = (uint32_t)(micros % TOW_MICROS_PER_SECOND);
    uint32_t minutes = seconds / 60, thousands = behind / 1000, ones = behind % 1000;

    tow_put_pair(p, minutes / 60);
    p[2] = ':';
    tow_put_pair(p + 3, minutes % 60);
    p[5] = ':';
    tow_put_pair(p + 6, seconds % 60);
    p[8] = '.';
    tow_put_triple(p + 9, thousands);
    tow_put_triple(p + 12, ones);
    return p + (behind == 0 ? 8 : ones == 0 ? 12 : 15);
}

/* As tow_put_timestamp. */
static inline char *tow_put_kept_timestamp(struct tow_dates *dates, char *p, int64_t microseconds,
                                           int utc)
{
    int64_t day = microseconds / TOW_MICROS_PER_DAY, rest = microseconds % TOW_MICROS_PER_DAY;
    int64_t before = rest >> 63;

    p = tow_put_kept_date(dates, p, (int32_t)(day + before));
    *p = 'T';
    p = tow_put_clock(p + 1, (uint64_t)(rest + (before & TOW_MICROS_PER_DAY)));
    *p = 'Z';
    return p + utc;
}

#endif
