#include "connectors/arrow/moment.h"

#include <string.h>

#include "towpath/value.h"

#define SECONDS_PER_DAY   86400
#define MILLIS_PER_DAY    (SECONDS_PER_DAY * INT64_C(1000))
#define MICROS_PER_SECOND 1000000

/* "yyyy-mm-ddT" of 1970, where a time of day is counted from. */
#define MOMENT_DAY_TEXT 11

static int64_t moment_floor(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}

char *tow_put_ipc_date(char *p, int64_t value, enum tow_ipc_unit unit)
{
    if (unit == TOW_IPC_MILLI) {
        if (value % MILLIS_PER_DAY != 0)
            return NULL;
        value /= MILLIS_PER_DAY;
    }
    if (value < INT32_MIN || value > INT32_MAX)
        return NULL;
    return tow_put_date(p, (int32_t)value);
}

/* Appends three digits behind the microseconds, which have no zeros at their end so far. */
static char *moment_put_nanos(char *p, int64_t micros, unsigned nanos)
{
    static const char zeros[7] = {'.', '0', '0', '0', '0', '0', '0'};
    int64_t fraction = micros - moment_floor(micros, MICROS_PER_SECOND) * MICROS_PER_SECOND;

    if (fraction == 0) {
        memcpy(p, zeros, sizeof zeros);
        p += sizeof zeros;
    } else if (fraction % 1000 == 0) {
        memcpy(p, zeros + 1, 3);
        p += 3;
    }
    *p++ = (char)('0' + nanos / 100);
    *p++ = (char)('0' + nanos / 10 % 10);
    *p++ = (char)('0' + nanos % 10);
    return p;
}

char *tow_put_ipc_timestamp(char *p, int64_t value, enum tow_ipc_unit unit, int utc)
{
    static const int64_t factors[] = {
        [TOW_IPC_SECOND] = MICROS_PER_SECOND, [TOW_IPC_MILLI] = 1000, [TOW_IPC_MICRO] = 1};
    int64_t micros;
    unsigned nanos = 0;

    if (unit == TOW_IPC_NANO) {
        micros = moment_floor(value, 1000);
        nanos = (unsigned)(value - micros * 1000);
    } else if (__builtin_mul_overflow(value, factors[unit], &micros)) {
        return NULL;
    }
    p = tow_put_timestamp(p, micros, 0);
    if (nanos > 0)
        p = moment_put_nanos(p, micros, nanos);
    if (utc)
        *p++ = 'Z';
    return p;
}

char *tow_put_ipc_time(char *p, int64_t value, enum tow_ipc_unit unit)
{
    static const int64_t days[] = {
        [TOW_IPC_SECOND] = SECONDS_PER_DAY,
        [TOW_IPC_MILLI] = MILLIS_PER_DAY,
        [TOW_IPC_MICRO] = MILLIS_PER_DAY * 1000,
        [TOW_IPC_NANO] = MILLIS_PER_DAY * 1000000,
    };
    char text[TOW_TIMESTAMP_TEXT_MAX];
    size_t length;

    if (value < 0 || value >= days[unit])
        return NULL;
    length = (size_t)(tow_put_ipc_timestamp(text, value, unit, 0) - text) - MOMENT_DAY_TEXT;
    memcpy(p, text + MOMENT_DAY_TEXT, length);
    return p + length;
}
