#include "connectors/arrow/interval.h"

#include "towpath/value.h"

#define SECONDS_PER_DAY  86400
#define NANOS_PER_SECOND 1000000000
#define MILLIS_PER_DAY   (SECONDS_PER_DAY * INT64_C(1000))

char *tow_put_interval_months(char *p, int32_t months)
{
    int64_t count = months;

    if (count < 0) {
        *p++ = '-';
        count = -count;
    }
    p = tow_put_int64(p, count / 12);
    *p++ = '-';
    return tow_put_int64(p, count % 12);
}

/* With leading zeros. */
static char *interval_put_digits(char *p, uint64_t number, int digits)
{
    for (int i = digits; i-- > 0; number /= 10)
        p[i] = (char)('0' + number % 10);
    return p + digits;
}

/* nanos: of the day. */
static char *interval_put(char *p, int is_negative, uint64_t days, uint64_t nanos)
{
    uint64_t seconds = nanos / NANOS_PER_SECOND;

    if (is_negative)
        *p++ = '-';
    p = tow_put_uint64(p, days);
    *p++ = ' ';
    p = interval_put_digits(p, seconds / 3600, 2);
    *p++ = ':';
    p = interval_put_digits(p, seconds / 60 % 60, 2);
    *p++ = ':';
    p = interval_put_digits(p, seconds % 60, 2);
    *p++ = '.';
    return interval_put_digits(p, nanos % NANOS_PER_SECOND, 9);
}

char *tow_put_interval_time(char *p, int64_t duration, enum tow_ipc_unit unit)
{
    static const uint32_t units[] = {[TOW_IPC_SECOND] = 1,
                                     [TOW_IPC_MILLI] = 1000,
                                     [TOW_IPC_MICRO] = 1000000,
                                     [TOW_IPC_NANO] = NANOS_PER_SECOND};
    uint64_t per_second = units[unit], per_day = per_second * SECONDS_PER_DAY;
    /* The least number has no positive counterpart among signed ones. */
    uint64_t size = duration < 0 ? -(uint64_t)duration : (uint64_t)duration;

    return interval_put(p, duration < 0, size / per_day,
                        size % per_day * (NANOS_PER_SECOND / per_second));
}

char *tow_put_interval_days(char *p, int32_t days, int32_t milliseconds)
{
    return tow_put_interval_time(p, days * MILLIS_PER_DAY + milliseconds, TOW_IPC_MILLI);
}
