/*
 * Time zones of the system's tz data (RFC 9636), read once and kept as a list of changes up to the
 * year 2200.
 */
#ifndef CORE_SCHEDULE_ZONE_H
#define CORE_SCHEDULE_ZONE_H

#include <stdint.h>

#include "kit/zone/zone_changes.h"
#include "towpath/error.h"

struct tow_zone;

/*
 * The zone of an IANA name, from $TZDIR or /usr/share/zoneinfo; "UTC" needs no file. TOW_E_CONFIG
 * where there is none of that name, TOW_E_ENV where its file cannot be read or is damaged. Zones
 * are shared between those who ask for one, as long as its file is the same one; any thread may
 * ask. Give it back with tow_zone_put.
 */
int tow_zone_get(const char *name, const struct tow_zone **out, struct tow_error *err);
void tow_zone_put(const struct tow_zone *zone);
const char *tow_zone_name(const struct tow_zone *zone);

/* The names that tow_zone_get takes, NULL behind the last, for one that is near to a wrong one;
 * NULL where the folder cannot be read or memory ran out. */
char **tow_zone_names(void);
void tow_zone_names_free(char **names);

/* Where the zone's clocks stand at an instant, and until when. Times are seconds since 1970 UTC. */
struct tow_zone_span {
    int64_t end;    /* first instant at which they stand otherwise; INT64_MAX: none is known */
    int32_t offset; /* seconds that they are ahead of UTC */
};
struct tow_zone_span tow_zone_span(const struct tow_zone *zone, int64_t instant);
/*
 * The instant at which the zone's clocks show `local` (seconds since 1970 as they show them): where
 * they show it twice, the first; where they never do, the first instant behind the gap. Does not
 * fall where `local` rises.
 */
int64_t tow_zone_instant(const struct tow_zone *zone, int64_t local);

#endif
