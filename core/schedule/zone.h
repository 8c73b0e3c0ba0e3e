/*
 * Time zones of the system's tz data, read through libical once and kept as a list of changes.
 */
#ifndef CORE_SCHEDULE_ZONE_H
#define CORE_SCHEDULE_ZONE_H

#include <stdint.h>

#include "towpath/error.h"

struct tow_zone;

/*
 * The zone of an IANA name, from $TZDIR or /usr/share/zoneinfo. TOW_E_CONFIG where there is none of
 * that name, TOW_E_ENV where its file cannot be read. Zones are shared between those who ask for
 * one, as long as its file is the same one; any thread may ask. Give it back with tow_zone_put.
 */
int tow_zone_get(const char *name, const struct tow_zone **out, struct tow_error *err);
void tow_zone_put(const struct tow_zone *zone);
const char *tow_zone_name(const struct tow_zone *zone);

/* Seconds that the zone's clocks are ahead of UTC at an instant (seconds since 1970 UTC). */
int32_t tow_zone_offset(const struct tow_zone *zone, int64_t utc);
/*
 * The instant at which the zone's clocks show `local` (seconds since 1970 as they show them): where
 * they show it twice, the first; where they never do, the first instant behind the gap.
 */
int64_t tow_zone_instant(const struct tow_zone *zone, int64_t local);

#endif
