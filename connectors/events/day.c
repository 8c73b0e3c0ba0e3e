#include "connectors/events/day.h"

#include <libical/ical.h>
#include <string.h>

#include "towpath/value.h"

#define DAY_US     INT64_C(86400000000)
#define DAY_MINUTE INT64_C(60000000)

/* "+hh:mm" in minutes; 0 where it is none. */
static int day_parse_offset(const char *zone, int *minutes)
{
    int64_t hour, minute;

    if (strlen(zone) != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
        zone[1] == '+' || zone[1] == '-' || zone[4] == '+' || zone[4] == '-' ||
        tow_parse_int64(zone + 1, 2, &hour) != TOW_PARSE_OK ||
        tow_parse_int64(zone + 4, 2, &minute) != TOW_PARSE_OK || hour > 18 || minute > 59)
        return 0;
    *minutes = (int)(hour * 60 + minute) * (zone[0] == '-' ? -1 : 1);
    return 1;
}

/* The first instant of the day, by the zone's clocks. */
static int64_t day_in_zone(icaltimezone *zone, int32_t days)
{
    struct icaltimetype midnight = icaltime_null_time();

    tow_date_to_civil(days, &midnight.year, &midnight.month, &midnight.day);
    return (int64_t)icaltime_as_timet_with_zone(midnight, zone) * 1000000;
}

int tow_day_begin(const char *option, const char *date, const char *zone, int64_t *out,
                  struct tow_error *err)
{
    icaltimezone *named;
    int32_t days;
    int minutes;

    if (tow_parse_date(date, strlen(date), &days) != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_CONFIG, "%s = \"%s\" is no date of the form yyyy-mm-dd",
                             option, date);
    *out = days * DAY_US;
    if (!zone || strcmp(zone, "UTC") == 0)
        return TOW_OK;
    if (day_parse_offset(zone, &minutes)) {
        *out -= minutes * DAY_MINUTE;
        return TOW_OK;
    }
    named = icaltimezone_get_builtin_timezone(zone);
    if (!named)
        return tow_error_set(err, TOW_E_CONFIG,
                             "date_timezone = \"%s\" is none: UTC, +hh:mm, or a name like "
                             "Europe/Berlin",
                             zone);
    *out = day_in_zone(named, days);
    return TOW_OK;
}
