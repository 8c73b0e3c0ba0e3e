/* The rule at the end of a TZif file: POSIX's TZ, with the extensions of RFC 9636, section 3.3.2.
 */
#include <string.h>

#include "kit/value/calendar.h"
#include "kit/zone/zone_changes.h"

#define TZRULE_OFFSET_HOURS 24
#define TZRULE_TIME_HOURS   167
#define TZRULE_LAST_YEAR    2199

/* A day of each year, and a time on it. */
struct tzrule_date {
    char kind; /* 'M': a weekday of a month; 'J': 1 .. 365, February 29 is not counted;
                  '0': 0 .. 365 */
    int month, week, weekday; /* M; week 5 is the last one */
    int day;                  /* J, 0 */
    int32_t time;             /* seconds, as the clocks show them before they change */
};

struct tzrule {
    int32_t standard, summer; /* offsets */
    int has_summer;
    struct tzrule_date start, end; /* of summer time */
};

struct tzrule_reader {
    const char *at, *end;
    int failed;
};

static int tzrule_take(struct tzrule_reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return 0;
    reader->at++;
    return 1;
}

static int tzrule_number(struct tzrule_reader *reader, int low, int high)
{
    const char *start = reader->at;
    int number = 0;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
           reader->at - start < 4)
        number = number * 10 + (*reader->at++ - '0');
    if (reader->at == start || number < low || number > high)
        reader->failed = 1;
    return number;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int32_t tzrule_time(struct tzrule_reader *reader, int hours_max)
{
    int negative = tzrule_take(reader, '-');
    int32_t time;

    if (!negative)
        tzrule_take(reader, '+');
    time = tzrule_number(reader, 0, hours_max) * 3600;
    if (tzrule_take(reader, ':')) {
        time += tzrule_number(reader, 0, 59) * 60;
        if (tzrule_take(reader, ':'))
            time += tzrule_number(reader, 0, 59);
    }
    return negative ? -time : time;
}

/* "CET" or "<+0330>". */
static void tzrule_name(struct tzrule_reader *reader)
{
    const char *start = reader->at;

    if (tzrule_take(reader, '<')) {
        while (reader->at < reader->end && *reader->at != '>')
            reader->at++;
        if (!tzrule_take(reader, '>'))
            reader->failed = 1;
        return;
    }
    while (reader->at < reader->end && ((*reader->at >= 'a' && *reader->at <= 'z') ||
                                        (*reader->at >= 'A' && *reader->at <= 'Z')))
        reader->at++;
    if (reader->at == start)
        reader->failed = 1;
}

static void tzrule_date(struct tzrule_reader *reader, struct tzrule_date *date)
{
    *date = (struct tzrule_date){.kind = '0', .time = 2 * 3600};
    if (!tzrule_take(reader, ','))
        reader->failed = 1;
    if (tzrule_take(reader, 'M')) {
        date->kind = 'M';
        date->month = tzrule_number(reader, 1, 12);
        if (!tzrule_take(reader, '.'))
            reader->failed = 1;
        date->week = tzrule_number(reader, 1, 5);
        if (!tzrule_take(reader, '.'))
            reader->failed = 1;
        date->weekday = tzrule_number(reader, 0, 6);
    } else if (tzrule_take(reader, 'J')) {
        date->kind = 'J';
        date->day = tzrule_number(reader, 1, 365);
    } else {
        date->day = tzrule_number(reader, 0, 365);
    }
    if (tzrule_take(reader, '/'))
        date->time = tzrule_time(reader, TZRULE_TIME_HOURS);
}

/* Offsets are written as what is to be added to get UTC. */
static int tzrule_parse(const char *text, size_t length, struct tzrule *rule)
{
    struct tzrule_reader reader = {.at = text, .end = text + length};

    *rule = (struct tzrule){0};
    tzrule_name(&reader);
    rule->standard = -tzrule_time(&reader, TZRULE_OFFSET_HOURS);
    if (reader.failed || reader.at == reader.end)
        return reader.failed;
    rule->has_summer = 1;
    tzrule_name(&reader);
    rule->summer = rule->standard + 3600;
    if (reader.at < reader.end && *reader.at != ',')
        rule->summer = -tzrule_time(&reader, TZRULE_OFFSET_HOURS);
    tzrule_date(&reader, &rule->start);
    tzrule_date(&reader, &rule->end);
    return reader.failed || reader.at != reader.end;
}

/* Days since 1970 of a rule's day in a year. */
static int64_t tzrule_day(const struct tzrule_date *date, int year)
{
    int64_t first;
    int day;

    if (date->kind == '0')
        return tow_calendar_days(year, 1, 1) + date->day;
    if (date->kind == 'J')
        return tow_calendar_days(year, 1, 1) + date->day - 1 +
               (date->day >= 60 && tow_year_is_leap(year));
    first = tow_calendar_days(year, date->month, 1);
    /* 1970-01-01 was a Thursday. */
    day = (int)((date->weekday - (first + 4) % 7 + 7) % 7) + (date->week - 1) * 7;
    while (day >= tow_month_days(year, date->month))
        day -= 7;
    return first + day;
}

static int64_t tzrule_instant(const struct tzrule_date *date, int year, int32_t offset)
{
    return tzrule_day(date, year) * TOW_SECONDS_PER_DAY + date->time - offset;
}

static int tzrule_add(struct tow_zone_changes *changes, int64_t at, int32_t offset, int64_t after)
{
    return at > after && at < TOW_ZONE_END ? tow_zone_changes_add(changes, at, offset) : 0;
}

static int tzrule_add_year(const struct tzrule *rule, int year, int64_t after,
                           struct tow_zone_changes *changes)
{
    int64_t start = tzrule_instant(&rule->start, year, rule->standard);
    int64_t end = tzrule_instant(&rule->end, year, rule->summer);

    if (start < end)
        return tzrule_add(changes, start, rule->summer, after) ||
               tzrule_add(changes, end, rule->standard, after);
    return tzrule_add(changes, end, rule->standard, after) ||
           tzrule_add(changes, start, rule->summer, after);
}

int tow_tzrule_expand(const char *text, size_t length, int64_t after,
                      struct tow_zone_changes *changes, struct tow_error *err)
{
    struct tzrule rule;

    if (tzrule_parse(text, length, &rule))
        return tow_error_set(err, TOW_E_ENV,
                             "its file is damaged: what stands at its end is no rule");
    /* Without a change, the rule alone is the zone. */
    if (!rule.has_summer)
        return after == INT64_MIN && tow_zone_changes_add(changes, after, rule.standard)
                   ? tow_error_nomem(err)
                   : TOW_OK;
    for (int year = 1969; year <= TZRULE_LAST_YEAR; year++)
        if (tzrule_add_year(&rule, year, after, changes))
            return tow_error_nomem(err);
    return TOW_OK;
}
