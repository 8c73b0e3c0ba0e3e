#include "console/human.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "towpath/value.h"

char *tow_human_count(int64_t value, char text[TOW_HUMAN_MAX])
{
    char digits[TOW_INT64_TEXT_MAX];
    size_t length = (size_t)(tow_put_int64(digits, value) - digits);
    size_t sign = value < 0;
    char *p = text;

    for (size_t i = 0; i < length; i++) {
        if (i > sign && (length - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return text;
}

/* Divides by `step` while the next unit is reached; "9.9" keeps a digit behind the point. */
static char *human_scaled(double value, double step, const char *const *units,
                          char text[TOW_HUMAN_MAX])
{
    size_t unit = 0;

    /* Not step itself: 999.7 k would be printed as "1000 k". */
    while (value >= step - 0.5 && units[unit + 1]) {
        value /= step;
        unit++;
    }
    snprintf(text, TOW_HUMAN_MAX, "%.*f%s", unit > 0 && value < 9.95 ? 1 : 0, value, units[unit]);
    return text;
}

char *tow_human_row_rate(double rows, char text[TOW_HUMAN_MAX])
{
    static const char *const units[] = {" rows/s", " k rows/s", " M rows/s", " G rows/s", NULL};

    return human_scaled(rows, 1000, units, text);
}

char *tow_human_byte_rate(double bytes, char text[TOW_HUMAN_MAX])
{
    static const char *const units[] = {" B/s", " kB/s", " MB/s", " GB/s", " TB/s", NULL};

    return human_scaled(bytes, 1000, units, text);
}

char *tow_human_bytes(int64_t bytes, char text[TOW_HUMAN_MAX])
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};

    return human_scaled((double)bytes, 1024, units, text);
}

char *tow_human_clock(int64_t milliseconds, char text[TOW_HUMAN_MAX])
{
    long long seconds = milliseconds / 1000;

    if (seconds < 3600)
        snprintf(text, TOW_HUMAN_MAX, "%02lld:%02lld", seconds / 60, seconds % 60);
    else
        snprintf(text, TOW_HUMAN_MAX, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
    return text;
}

char *tow_human_lapse(int64_t microseconds, char text[TOW_HUMAN_MAX])
{
    long long seconds = microseconds / 1000000;

    if (seconds < 60)
        snprintf(text, TOW_HUMAN_MAX, "%.3f s", (double)microseconds / 1e6);
    else if (seconds < 3600)
        snprintf(text, TOW_HUMAN_MAX, "%lld min %lld s", seconds / 60, seconds % 60);
    else
        snprintf(text, TOW_HUMAN_MAX, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    return text;
}

char *tow_human_distance(int64_t microseconds, char text[TOW_HUMAN_MAX])
{
    long long seconds = microseconds / 1000000;

    if (seconds < 60)
        snprintf(text, TOW_HUMAN_MAX, "%lld s", seconds);
    else if (seconds < 3600)
        snprintf(text, TOW_HUMAN_MAX, "%lld min", seconds / 60);
    else if (seconds < 86400)
        snprintf(text, TOW_HUMAN_MAX, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(text, TOW_HUMAN_MAX, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
    return text;
}

char *tow_human_moment(int64_t us, char text[TOW_HUMAN_MAX])
{
    time_t seconds = us / 1000000;
    struct tm tm;

    if (us == 0 || !gmtime_r(&seconds, &tm) ||
        !strftime(text, TOW_HUMAN_MAX, "%Y-%m-%d %H:%M:%SZ", &tm))
        strcpy(text, "-");
    return text;
}
