#include "connectors/events/day.h"

#include <string.h>

#include "towpath/value.h"
#include "towpath/zone.h"

#define DAY_SECONDS INT64_C(86400)
#define DAY_SECOND  INT64_C(1000000) /* microseconds */

/* "+hh:mm" in seconds; 0 where it is none. */
static int day_parse_offset(const char *zone, int64_t *seconds)
{
    int64_t hour, minute;

    if (strlen(zone) != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
        zone[1] == '+' || zone[1] == '-' || zone[4] == '+' || zone[4] == '-' ||
        tow_parse_int64(zone + 1, 2, &hour) != TOW_PARSE_OK ||
        tow_parse_int64(zone + 4, 2, &minute) != TOW_PARSE_OK || hour > 18 || minute > 59)
        return 0;
    *seconds = (hour * 60 + minute) * (zone[0] == '-' ? -60 : 60);
    return 1;
}

int tow_day_begin(const char *option, const char *date, const char *zone, int64_t *out,
                  struct tow_error *err)
{
    int64_t midnight, offset = 0, instant;
    int32_t days;
    int code;

    if (tow_parse_date(date, strlen(date), &days) != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_CONFIG, "%s = \"%s\" is no date of the form yyyy-mm-dd",
                             option, date);
    midnight = days * DAY_SECONDS;
    if (!zone || day_parse_offset(zone, &offset)) {
        *out = (midnight - offset) * DAY_SECOND;
        return TOW_OK;
    }
    code = tow_zone_local(zone, midnight, &instant, err);
    *out = instant * DAY_SECOND;
    if (code == TOW_OK)
        return TOW_OK;
    return tow_error_prefix(err, "date_timezone = \"%s\" (UTC, +hh:mm, or a name)", zone);
}
