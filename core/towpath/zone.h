/* towpath/zone.h - what the clocks of a time zone show, by the system's tz data. */
#ifndef TOWPATH_ZONE_H
#define TOWPATH_ZONE_H

#include <stdint.h>

#include "towpath/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The instant at which the clocks of an IANA zone ("Europe/Berlin", "UTC") show `local`: both are
 * seconds since 1970, local ones as the clocks show them. Where they show it twice, the first;
 * where they never do, the first instant behind the gap. Up to the year 2200. Reads the zone's file
 * in $TZDIR or /usr/share/zoneinfo: TOW_E_CONFIG where there is none of that name, TOW_E_ENV where
 * it cannot be read or is damaged.
 */
int tow_zone_local(const char *zone, int64_t local, int64_t *instant, struct tow_error *err);

#ifdef __cplusplus
}
#endif
#endif
