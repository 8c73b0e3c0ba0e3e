/* Sizes and durations: numbers with units. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/job.h"

struct unit {
    const char *name; /* as it is written back */
    int64_t scale;
};

/* From large to small. */
static const struct unit unit_sizes[] = {
    {"TiB", INT64_C(1) << 40},
    {"TB", INT64_C(1000000000000)},
    {"GiB", INT64_C(1) << 30},
    {"GB", INT64_C(1000000000)},
    {"MiB", INT64_C(1) << 20},
    {"MB", INT64_C(1000000)},
    {"KiB", INT64_C(1) << 10},
    {"kB", INT64_C(1000)},
    {"B", 1},
    {NULL, 0},
};

static const struct unit unit_durations[] = {
    {"d", INT64_C(86400000)},
    {"h", INT64_C(3600000)},
    {"m", INT64_C(60000)},
    {"s", INT64_C(1000)},
    {"ms", 1},
    {NULL, 0},
};

/* A number as it was read: digits / 10^places. */
struct unit_number {
    uint64_t digits;
    int places;
};

/* More digits than these are only taken where they are zeros behind the point. */
#define UNIT_DIGITS_MAX 19

static const char *unit_skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Reads "12" or "1.5" at *p; 0, or -1 where there is no number or it has too many digits. */
static int unit_read_number(const char **p, struct unit_number *number)
{
    int digits = 0, point = 0, whole = 0;

    *number = (struct unit_number){0, 0};
    for (;; (*p)++) {
        if (**p == '.' && !point && whole) {
            point = 1;
            continue;
        }
        if (**p < '0' || **p > '9')
            break;
        if (digits == UNIT_DIGITS_MAX && point && **p == '0')
            continue;
        if (digits == UNIT_DIGITS_MAX)
            return -1;
        number->digits = number->digits * 10 + (uint64_t)(**p - '0');
        number->places += point;
        digits += number->digits > 0 || point;
        whole = 1;
    }
    return whole && (*p)[-1] != '.' ? 0 : -1;
}

static size_t unit_word_length(const char *p)
{
    size_t length = 0;

    while ((p[length] >= 'a' && p[length] <= 'z') || (p[length] >= 'A' && p[length] <= 'Z'))
        length++;
    return length;
}

static const struct unit *unit_find(const struct unit *units, const char *word, size_t length)
{
    for (; units->name; units++)
        if (strlen(units->name) == length && strncasecmp(units->name, word, length) == 0)
            return units;
    return NULL;
}

/* *rest is 1 where the number is no whole multiple of the smallest unit. -1 beyond 63 bits. */
static int unit_scale(const struct unit_number *number, int64_t scale, int64_t *out, int *rest)
{
    unsigned __int128 product = (unsigned __int128)number->digits * (uint64_t)scale;
    uint64_t divisor = 1;

    for (int i = 0; i < number->places; i++)
        divisor *= 10;
    *rest = product % divisor != 0;
    product /= divisor;
    if (product > INT64_MAX)
        return -1;
    *out = (int64_t)product;
    return 0;
}

static int unit_refuse(const char *text, const char *what, struct tow_error *err)
{
    char shown[TOW_EXCERPT_MAX];

    return tow_error_set(err, TOW_E_CONFIG, "\"%s\" %s", tow_excerpt(text, strlen(text), shown),
                         what);
}

int tow_parse_size(const char *text, int64_t *bytes, struct tow_error *err)
{
    static const struct unit plain = {"", 1};
    const struct unit *unit = &plain;
    struct unit_number number;
    const char *p = text;
    int rest = 0;

    if (unit_read_number(&p, &number))
        return unit_refuse(text,
                           "is no size; sizes are written like \"64MB\", \"1.5GiB\" or "
                           "\"1000\" (bytes)",
                           err);
    p = unit_skip_spaces(p);
    size_t length = unit_word_length(p);
    if (length)
        unit = unit_find(unit_sizes, p, length);
    if (!unit || *unit_skip_spaces(p + length))
        return unit_refuse(text,
                           "has no unit of size; there are B, kB, MB, GB, TB (powers of "
                           "1000) and KiB, MiB, GiB, TiB (powers of 1024)",
                           err);
    if (unit_scale(&number, unit->scale, bytes, &rest))
        return unit_refuse(text, "is more than 9223372036854775807 bytes", err);
    if (rest && unit->scale == 1)
        return unit_refuse(text, "is no whole number of bytes", err);
    return TOW_OK;
}

/* Reads one number with its unit at *p. */
static int unit_read_duration(const char *text, const char **p, const struct unit **last,
                              int64_t *total, struct tow_error *err)
{
    struct unit_number number;
    int64_t part;
    int rest;

    if (unit_read_number(p, &number))
        return unit_refuse(text,
                           "is no duration; durations are written like \"500ms\", \"15m\" or "
                           "\"1h30m\"",
                           err);
    *p = unit_skip_spaces(*p);
    size_t length = unit_word_length(*p);
    const struct unit *unit = unit_find(unit_durations, *p, length);
    if (!unit)
        return unit_refuse(text, "lacks a unit of time; there are ms, s, m, h and d", err);
    if (*last && unit <= *last)
        return unit_refuse(text, "has its units in the wrong order; the larger stands first", err);
    if (unit_scale(&number, unit->scale, &part, &rest) || part > INT64_MAX - *total)
        return unit_refuse(text, "is more than 106751991167 days", err);
    if (rest)
        return unit_refuse(text, "is finer than a millisecond", err);
    *total += part;
    *last = unit;
    *p = unit_skip_spaces(*p + length);
    return TOW_OK;
}

int tow_parse_duration(const char *text, int64_t *milliseconds, struct tow_error *err)
{
    const struct unit *last = NULL;
    const char *p = text;
    int64_t total = 0;

    do {
        int rc = unit_read_duration(text, &p, &last, &total, err);

        if (rc)
            return rc;
    } while (*p);
    *milliseconds = total;
    return TOW_OK;
}

void tow_format_size(int64_t bytes, char text[32])
{
    const struct unit *unit = unit_sizes;

    while (unit->scale > 1 && (bytes == 0 || bytes % unit->scale != 0))
        unit++;
    snprintf(text, 32, "%" PRId64 "%s", bytes / unit->scale, unit->scale > 1 ? unit->name : "");
}

void tow_format_duration(int64_t milliseconds, char text[32])
{
    uint64_t rest = milliseconds < 0 ? -(uint64_t)milliseconds : (uint64_t)milliseconds;
    size_t used = 0;

    if (milliseconds < 0)
        text[used++] = '-';
    for (const struct unit *unit = unit_durations; unit->name && rest; unit++) {
        uint64_t count = rest / (uint64_t)unit->scale;

        rest %= (uint64_t)unit->scale;
        if (count)
            used += (size_t)snprintf(text + used, 32 - used, "%" PRIu64 "%s", count, unit->name);
    }
    if (milliseconds == 0)
        snprintf(text, 32, "0s");
}
