/* Where a day begins: "yyyy-mm-dd" in a zone, as an instant. */
#ifndef CONNECTORS_EVENTS_DAY_H
#define CONNECTORS_EVENTS_DAY_H

#include <stdint.h>

#include "towpath/error.h"

/*
 * zone: "UTC", "+hh:mm", "-hh:mm", or a name of the system's tz data ("Europe/Berlin"); NULL: UTC.
 * `option` names the date in messages. Microseconds since 1970; where clocks go forward at that
 * midnight, the instant at which they do. TOW_E_CONFIG for what is no date or no zone.
 */
int tow_day_begin(const char *option, const char *date, const char *zone, int64_t *out,
                  struct tow_error *err);

#endif
