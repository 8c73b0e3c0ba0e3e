#include "kit/value/calendar.h"
#include "towpath/value.h"

int tow_date_from_civil(int year, int month, int day, int32_t *days)
{
    /* Beyond these no 32-bit day number reaches, and tow_calendar_days need not. */
    const int year_max = 5900000;
    int64_t value;

    if (year < -year_max || year > year_max || month < 1 || month > 12 || day < 1 ||
        day > tow_month_days(year, month))
        return TOW_PARSE_RANGE;
    value = tow_calendar_days(year, month, day);
    if (value < INT32_MIN || value > INT32_MAX)
        return TOW_PARSE_RANGE;
    *days = (int32_t)value;
    return TOW_PARSE_OK;
}

void tow_date_to_civil(int32_t days, int *year, int *month, int *day)
{
    tow_calendar_civil(days, year, month, day);
}
