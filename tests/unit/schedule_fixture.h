/* Schedules without a job file, for tests of what they name. */
#ifndef TESTS_UNIT_SCHEDULE_FIXTURE_H
#define TESTS_UNIT_SCHEDULE_FIXTURE_H

#include "unit.h"

#include "schedule/schedule.h"

#define SECONDS INT64_C(1000000) /* in microseconds */
#define MINUTES (60 * SECONDS)
#define HOURS   (60 * MINUTES)
#define DAYS    (24 * HOURS)

static inline const struct tow_zone *fixture_zone(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_zone *zone;

    assert_ok(tow_zone_get(name, &zone, &err), err);
    return zone;
}

/* With what a job file has where it says nothing; release it. */
static inline struct tow_schedule fixture_plain(enum tow_schedule_kind kind, const char *zone)
{
    return (struct tow_schedule){
        .kind = kind,
        .overlap = TOW_OVERLAP_SKIP,
        .catch_up = TOW_CATCH_UP_LATEST,
        .tries = 3,
        .retry_wait_us = MINUTES,
        .zone = fixture_zone(zone),
    };
}

static inline struct tow_schedule fixture_cron(const char *text, const char *zone)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_CRON, zone);
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_cron_parse(text, strlen(text), &schedule.cron, &err), err);
    tow_schedule_seal(&schedule, "job");
    return schedule;
}

static inline struct tow_schedule fixture_every(int64_t every_us)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_EVERY, "UTC");

    schedule.every_us = every_us;
    tow_schedule_seal(&schedule, "job");
    return schedule;
}

#endif
