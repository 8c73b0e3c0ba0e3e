#include "console/zoned.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "towpath/value.h"

#define ZONED_MICROS INT64_C(1000000)

int64_t tow_zoned_instant(const struct tow_zone *zone, int64_t local_us)
{
    int64_t seconds = local_us / ZONED_MICROS - (local_us % ZONED_MICROS < 0);

    return tow_zone_instant(zone, seconds) * ZONED_MICROS + (local_us - seconds * ZONED_MICROS);
}

/* What the clocks show; *offset is theirs. */
static void zoned_civil(const struct tow_zone *zone, int64_t us, struct tm *civil, int32_t *offset)
{
    int64_t seconds = us / ZONED_MICROS - (us % ZONED_MICROS < 0);
    time_t local;

    *offset = tow_zone_span(zone, seconds).offset;
    local = seconds + *offset;
    gmtime_r(&local, civil);
}

/* "+02:00"; seconds, which offsets had before 1972, are left out. */
static void zoned_put_offset(char *p, size_t size, int32_t offset)
{
    int minutes = abs(offset) / 60;

    snprintf(p, size, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static char *zoned_put(const struct tow_zone *zone, int64_t us, int for_people,
                       char text[TOW_ZONED_MAX])
{
    struct tm civil = {0};
    int32_t offset;
    size_t length;

    zoned_civil(zone, us, &civil, &offset);
    length = strftime(text, TOW_ZONED_MAX,
                      for_people ? "%a %Y-%m-%d %H:%M:%S " : "%Y-%m-%dT%H:%M:%S", &civil);
    zoned_put_offset(text + length, TOW_ZONED_MAX - length, offset);
    return text;
}

char *tow_zoned_text(const struct tow_zone *zone, int64_t us, char text[TOW_ZONED_MAX])
{
    return zoned_put(zone, us, 1, text);
}

char *tow_zoned_rfc(const struct tow_zone *zone, int64_t us, char text[TOW_ZONED_MAX])
{
    return zoned_put(zone, us, 0, text);
}
