/* From a rule to its slots. */
#include "kit/value/calendar.h"
#include "schedule/schedule.h"

#define SLOTS_MICROS     INT64_C(1000000)
#define SLOTS_DAY        INT64_C(1440) /* in minutes */
#define SLOTS_NEVER      INT64_MAX
#define SLOTS_LAST_YEAR  2199
#define SLOTS_FIRST_LOOK (64 * SLOTS_MICROS)

/* Rounds down, also below zero. */
static int64_t slots_divide(int64_t number, int64_t by)
{
    int64_t quotient = number / by;

    return quotient - (number % by < 0);
}

/* ---- days ----------------------------------------------------------------------------------- */

/* Days of a month that are in the sets, as bits 1 .. 31; its first is a `weekday`. */
static uint32_t slots_days(const struct tow_cron *cron, int year, int month, int weekday)
{
    /* Bits 0, 7, 14, ...: the week, repeated. */
    static const uint64_t weeks = UINT64_C(0x810204081);
    int length = tow_month_days(year, month);
    uint32_t all = (uint32_t)((UINT64_C(2) << length) - 2);
    uint32_t by_date = cron->days & all;
    uint32_t by_weekday = (uint32_t)(cron->weekdays * weeks >> weekday << 1) & all;

    if (cron->last_day || (cron->clamp && cron->days & ~all))
        by_date |= UINT32_C(1) << length;
    return cron->any_of_days ? by_date | by_weekday : by_date & by_weekday;
}

/* The first day from `day` on that is in the sets, in days since 1970. */
static int64_t slots_next_day(const struct tow_cron *cron, int64_t day)
{
    int year, month, date;
    int64_t first;

    tow_calendar_civil((int32_t)day, &year, &month, &date);
    first = day - date + 1;
    while (year <= SLOTS_LAST_YEAR) {
        if (cron->months >> month & 1) {
            /* 1970-01-01 was a Thursday, and 4 with Sunday first; 7 * 200000 keeps it positive. */
            int weekday = (int)((first + 4 + 7 * 200000) % 7);
            uint32_t days = slots_days(cron, year, month, weekday) >> date;

            if (days)
                return first + date - 1 + __builtin_ctz(days);
        }
        first += tow_month_days(year, month);
        date = 1;
        year += month == 12;
        month = month % 12 + 1;
    }
    return SLOTS_NEVER;
}

/* ---- minutes -------------------------------------------------------------------------------- */

/* The first minute of the day, from `minute` on; -1 where none is left. */
static int slots_next_minute(const struct tow_cron *cron, int minute)
{
    int hour = minute / 60;
    uint32_t hours = cron->hours >> hour;

    if (hours & 1) {
        uint64_t minutes = cron->minutes >> minute % 60;

        if (minutes)
            return minute + __builtin_ctzll(minutes);
    }
    hours >>= 1;
    if (!hours)
        return -1;
    return (hour + 1 + __builtin_ctz(hours)) * 60 + __builtin_ctzll(cron->minutes);
}

/* The first local time from `local` on, both in seconds. */
static int64_t slots_next_local(const struct tow_cron *cron, int64_t local)
{
    int64_t minute = slots_divide(local + 59, 60);
    int64_t day = slots_divide(minute, SLOTS_DAY);
    int64_t next = slots_next_day(cron, day);
    int of_day = -1;

    if (next == day) {
        of_day = slots_next_minute(cron, (int)(minute - day * SLOTS_DAY));
        if (of_day < 0)
            next = slots_next_day(cron, day + 1);
    }
    if (next == SLOTS_NEVER)
        return SLOTS_NEVER;
    if (of_day < 0)
        of_day = slots_next_minute(cron, 0);
    return (next * SLOTS_DAY + of_day) * 60;
}

/* ---- instants ------------------------------------------------------------------------------- */

/*
 * Every hour: whenever the clock shows such a minute. Each stretch between two changes of the clock
 * is looked at by itself, so that hours count as they pass.
 */
static int64_t slots_next_hourly(const struct tow_schedule *schedule, int64_t after)
{
    int64_t from = after + 1, instant;

    while (from < TOW_ZONE_END) {
        struct tow_zone_span span = tow_zone_span(schedule->zone, from);
        int64_t local = slots_next_local(&schedule->cron, from + span.offset);

        if (local == SLOTS_NEVER)
            break;
        instant = local - span.offset;
        if (instant < span.end)
            return instant < TOW_ZONE_END ? instant : SLOTS_NEVER;
        from = span.end;
    }
    return SLOTS_NEVER;
}

/* Certain hours: each date and time once, at the instant that tow_zone_instant tells. */
static int64_t slots_next_fixed(const struct tow_schedule *schedule, int64_t after)
{
    int64_t local = after + tow_zone_span(schedule->zone, after).offset;
    int64_t instant;

    do {
        local = slots_next_local(&schedule->cron, local + 1);
        if (local == SLOTS_NEVER)
            return SLOTS_NEVER;
        instant = tow_zone_instant(schedule->zone, local);
    } while (instant <= after);
    return instant < TOW_ZONE_END ? instant : SLOTS_NEVER;
}

static int slots_has_none(const struct tow_schedule *schedule)
{
    return schedule->kind == TOW_SCHEDULE_CONTINUOUS || schedule->kind == TOW_SCHEDULE_AT_ONCE;
}

int64_t tow_schedule_next(const struct tow_schedule *schedule, int64_t after_us)
{
    int64_t after, next;

    if (slots_has_none(schedule) || after_us >= TOW_ZONE_END * SLOTS_MICROS)
        return TOW_SLOT_NEVER;
    if (after_us < 0)
        after_us = -1;
    if (schedule->kind == TOW_SCHEDULE_EVERY) {
        next = (slots_divide(after_us, schedule->every_us) + 1) * schedule->every_us;
        return next < TOW_ZONE_END * SLOTS_MICROS ? next : TOW_SLOT_NEVER;
    }
    after = slots_divide(after_us, SLOTS_MICROS);
    next = schedule->cron.hours == TOW_CRON_ALL_HOURS ? slots_next_hourly(schedule, after)
                                                      : slots_next_fixed(schedule, after);
    return next == SLOTS_NEVER ? TOW_SLOT_NEVER : next * SLOTS_MICROS;
}

/* The first slot of a stretch that ends at at_us, has one, and is short: at most twice as long as
 * need be. *beyond: a time from which on there is none up to at_us. */
static int64_t slots_look_back(const struct tow_schedule *schedule, int64_t after_us, int64_t at_us,
                               int64_t *beyond)
{
    *beyond = at_us;
    for (int64_t look = SLOTS_FIRST_LOOK;; look *= 2) {
        int64_t from = at_us - look > after_us ? at_us - look : after_us;
        int64_t slot = tow_schedule_next(schedule, from);

        if (slot <= at_us)
            return slot;
        if (from == after_us)
            return TOW_SLOT_NONE;
        *beyond = from;
    }
}

int64_t tow_schedule_latest(const struct tow_schedule *schedule, int64_t after_us, int64_t at_us)
{
    int64_t slot, next, beyond;

    if (after_us < 0)
        after_us = -1;
    if (at_us <= after_us)
        return TOW_SLOT_NONE;
    slot = slots_look_back(schedule, after_us, at_us, &beyond);
    if (slot == TOW_SLOT_NONE)
        return slot;
    /* slot is one, and those up to at_us lie before `beyond` or at it: halve what is between. */
    while ((next = tow_schedule_next(schedule, slot)) <= at_us) {
        int64_t middle = slot + (beyond - slot) / 2;
        int64_t later = tow_schedule_next(schedule, middle);

        if (later <= at_us) {
            slot = later;
        } else {
            slot = next;
            beyond = middle;
        }
    }
    return slot;
}

int64_t tow_schedule_count(const struct tow_schedule *schedule, int64_t after_us, int64_t until_us,
                           int64_t most)
{
    int64_t count = 0;

    while (count < most && (after_us = tow_schedule_next(schedule, after_us)) <= until_us)
        count++;
    return count;
}

/* ---- distances ------------------------------------------------------------------------------ */

static int64_t slots_gap_of_cron(const struct tow_cron *cron)
{
    int first = slots_next_minute(cron, 0), last = first;
    int gap = SLOTS_DAY;

    for (int minute = first; minute >= 0;
         minute = minute + 1 < SLOTS_DAY ? slots_next_minute(cron, minute + 1) : -1) {
        if (minute > last && minute - last < gap)
            gap = minute - last;
        last = minute;
    }
    /* From the last one of a day to the first of the next. */
    return first + SLOTS_DAY - last < gap ? first + SLOTS_DAY - last : gap;
}

int64_t tow_schedule_gap(const struct tow_schedule *schedule)
{
    if (slots_has_none(schedule))
        return TOW_SLOT_NEVER;
    if (schedule->kind == TOW_SCHEDULE_EVERY)
        return schedule->every_us;
    return slots_gap_of_cron(&schedule->cron) * 60 * SLOTS_MICROS;
}
