/*
 * Times by the clocks of a zone, as people and machines read them. Microseconds since 1970 UTC.
 */
#ifndef CORE_CONSOLE_ZONED_H
#define CORE_CONSOLE_ZONED_H

#include <stdint.h>

#include "schedule/zone.h"

#define TOW_ZONED_MAX 64

/* From what the zone's clocks show, as microseconds since 1970: see tow_zone_instant. */
int64_t tow_zoned_instant(const struct tow_zone *zone, int64_t local_us);
/* "Sun 2026-03-29 03:00:00 +02:00". Both return `text`. */
char *tow_zoned_text(const struct tow_zone *zone, int64_t us, char text[TOW_ZONED_MAX]);
/* "2026-03-29T03:00:00+02:00" */
char *tow_zoned_rfc(const struct tow_zone *zone, int64_t us, char text[TOW_ZONED_MAX]);

#endif
