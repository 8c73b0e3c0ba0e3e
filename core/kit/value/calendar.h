/* Days and civil dates, proleptic Gregorian, inline for the converters. */
#ifndef KIT_VALUE_CALENDAR_H
#define KIT_VALUE_CALENDAR_H

#include <stdint.h>

#define TOW_MICROS_PER_SECOND INT64_C(1000000)
#define TOW_SECONDS_PER_DAY   86400
#define TOW_MICROS_PER_DAY    (TOW_SECONDS_PER_DAY * TOW_MICROS_PER_SECOND)

/* Years are counted from so far below zero that every date of a 32-bit day number has a positive
 * one; 400 years are 146097 days. */
#define TOW_CALENDAR_YEARS (UINT64_C(20000) * 400)
#define TOW_CALENDAR_DAYS  (UINT64_C(20000) * 146097 + 719468) /* to 1970-01-01, from a March 1 */

static inline int tow_year_is_leap(int year)
{
    return (year & 3) == 0 && (year % 100 != 0 || (year & 15) == 0);
}

static inline int tow_month_days(int year, int month)
{
    return month == 2 ? 28 + tow_year_is_leap(year) : 30 + ((month ^ month >> 3) & 1);
}

/* Days since 1970-01-01. The date must be one; the year within that of any 32-bit day number. */
static inline int64_t tow_calendar_days(int year, int month, int day)
{
    /* Years begin in March here, so that the leap day comes last; months then follow a line. */
    unsigned early = month < 3;
    uint64_t y = (uint64_t)(year + (int64_t)TOW_CALENDAR_YEARS) - early;
    uint32_t m = (uint32_t)month + 12 * early;
    uint64_t century = y / 100;
    uint64_t year_days = 1461 * y / 4 - century + century / 4;
    uint32_t month_days = (979 * m - 2919) / 32;

    return (int64_t)(year_days + month_days + (uint32_t)day - 1 - TOW_CALENDAR_DAYS);
}

/* The civil date of a day. Each step reads a quotient and a rest off one multiplication
 * (C. Neri, L. Schneider, "Euclidean affine functions and applications to calendar algorithms"). */
static inline void tow_calendar_civil(int32_t days, int *year, int *month, int *day)
{
    uint64_t quarters = 4 * (TOW_CALENDAR_DAYS + (uint64_t)(int64_t)days) + 3;
    uint64_t century = quarters / 146097;
    uint32_t in_century = (uint32_t)(quarters % 146097) | 3;
    uint64_t years = UINT64_C(2939745) * in_century; /* 2^32 / 1461 */
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913; /* 2^16 / 30.6 */
    unsigned late = day_of_year >= 306;            /* January or February of the next year */

    *year = (int)((int64_t)(100 * century + (years >> 32) + late) - (int64_t)TOW_CALENDAR_YEARS);
    *month = (int)((months >> 16) - 12 * late);
    *day = (int)((months & 0xFFFF) / 2141 + 1);
}

#endif
