/* The slots of a rule: known ones, and random rules against counting minute by minute. */
#include "unit.h"

#include <time.h>

#include "random.h"
#include "schedule_fixture.h"
#include "towpath/value.h"

static int64_t at(const char *text)
{
    int64_t us;
    int zone;

    assert_int_equal(tow_parse_timestamp(text, strlen(text), &us, &zone), TOW_PARSE_OK);
    return us;
}

/* The slots behind `from`, each as UTC, separated by spaces. */
static void assert_slots(const struct tow_schedule *schedule, const char *from,
                         const char *const *expected)
{
    int64_t slot = at(from) - 1;

    for (; *expected; expected++) {
        char text[TOW_TIMESTAMP_TEXT_MAX + 1] = "never";

        slot = tow_schedule_next(schedule, slot);
        if (slot != TOW_SLOT_NEVER)
            *tow_put_timestamp(text, slot, 1) = '\0';
        assert_string_equal(text, *expected);
    }
}

static void assert_cron(const char *cron, const char *zone, const char *from,
                        const char *const *expected)
{
    struct tow_schedule schedule = fixture_cron(cron, zone);

    assert_slots(&schedule, from, expected);
    tow_schedule_release(&schedule);
}

#define TIMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_a_time_that_does_not_exist_is_the_first_instant_behind_the_gap(void **state)
{
    (void)state;
    assert_cron("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
                TIMES("2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"));
    /* Several of them are one, and one with what stands behind the gap. */
    assert_cron("*/20 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
                TIMES("2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z",
                      "2026-03-30T00:00:00Z"));
    /* At midnight, and a day that was left out. */
    assert_cron("15 0 * * *", "Africa/Cairo", "2024-04-25T00:00:00Z",
                TIMES("2024-04-25T22:00:00Z", "2024-04-26T21:15:00Z"));
    assert_cron("0 9 30 * *", "Pacific/Apia", "2011-12-01T00:00:00Z",
                TIMES("2011-12-30T10:00:00Z", "2012-01-29T19:00:00Z"));
}

static void test_a_time_that_comes_twice_is_the_first_one(void **state)
{
    (void)state;
    assert_cron("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z",
                TIMES("2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"));
    /* Also where one asks between both. */
    assert_cron("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
                TIMES("2026-10-26T01:30:00Z"));
    assert_cron("*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
                TIMES("2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"));
}

static void test_every_hour_goes_by_hours_that_pass(void **state)
{
    (void)state;
    assert_cron("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
                TIMES("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"));
    assert_cron("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:10:00Z",
                TIMES("2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
                      "2026-10-25T02:00:00Z"));
    /* Half an hour of which comes twice. */
    assert_cron("45 0-23 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z",
                TIMES("2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"));
}

static void test_days_that_a_month_lacks_are_left_out_by_cron(void **state)
{
    (void)state;
    assert_cron("0 0 31 * *", "UTC", "2026-01-02T00:00:00Z",
                TIMES("2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"));
    assert_cron("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", TIMES("2104-02-29T00:00:00Z"));
    assert_cron("0 0 L * *", "UTC", "2028-01-02T00:00:00Z",
                TIMES("2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"));
}

static void test_days_clamp_to_the_last_of_the_month(void **state)
{
    struct tow_schedule schedule = fixture_cron("0 2 30 * *", "UTC");

    (void)state;
    schedule.cron.clamp = 1;
    assert_slots(&schedule, "2026-01-01T00:00:00Z",
                 TIMES("2026-01-30T02:00:00Z", "2026-02-28T02:00:00Z", "2026-03-30T02:00:00Z"));
    tow_schedule_release(&schedule);
}

static void test_either_day_is_enough_where_both_are_given(void **state)
{
    (void)state;
    assert_cron("0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z",
                TIMES("2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z",
                      "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z",
                      "2026-12-13T00:00:00Z"));
    assert_cron("0 0 */7 * sun", "UTC", "2026-01-01T00:00:00Z",
                TIMES("2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z", "2026-02-15T00:00:00Z",
                      "2026-02-22T00:00:00Z", "2026-03-01T00:00:00Z"));
}

static void test_every_counts_from_1970(void **state)
{
    struct tow_schedule schedule = fixture_every(7 * HOURS);

    (void)state;
    assert_slots(&schedule, "1970-01-01T00:00:00Z",
                 TIMES("1970-01-01T00:00:00Z", "1970-01-01T07:00:00Z", "1970-01-01T14:00:00Z"));
    assert_slots(&schedule, "2199-12-31T20:00:01Z", TIMES("never"));
    assert_int_equal(tow_schedule_next(&schedule, TOW_SLOT_NONE), 0);
    assert_int_equal(tow_schedule_next(&schedule, TOW_SLOT_NEVER), TOW_SLOT_NEVER);
    tow_schedule_release(&schedule);
}

static void test_nothing_is_named_beyond_2199(void **state)
{
    (void)state;
    assert_cron("0 0 31 12 *", "UTC", "2199-01-01T00:00:00Z",
                TIMES("2199-12-31T00:00:00Z", "never", "never"));
    assert_cron("0 * 31 12 *", "America/New_York", "2199-12-31T23:00:00Z",
                TIMES("2199-12-31T23:00:00Z", "never"));
}

static void test_jobs_without_slots_have_none(void **state)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_CONTINUOUS, "UTC");

    (void)state;
    assert_int_equal(tow_schedule_next(&schedule, 0), TOW_SLOT_NEVER);
    assert_int_equal(tow_schedule_latest(&schedule, TOW_SLOT_NONE, 365 * DAYS), TOW_SLOT_NONE);
    assert_int_equal(tow_schedule_gap(&schedule), TOW_SLOT_NEVER);
    tow_schedule_release(&schedule);
}

/* ---- random rules --------------------------------------------------------------------------- */

static const char *const zones[] = {"UTC",
                                    "Europe/Berlin",
                                    "America/New_York",
                                    "Australia/Lord_Howe",
                                    "Africa/Casablanca",
                                    "Asia/Kolkata",
                                    "America/St_Johns",
                                    "Africa/Cairo",
                                    "Pacific/Chatham",
                                    "Europe/Dublin"};

#define ZONES (sizeof zones / sizeof zones[0])

static int has(uint64_t set, int bit)
{
    return set >> bit & 1;
}

/* By the definition, for one minute that a clock shows. */
static int matches(const struct tow_cron *cron, int64_t local)
{
    time_t seconds = local;
    struct tm tm, tomorrow;
    int by_date, by_weekday;

    gmtime_r(&seconds, &tm);
    seconds += 86400;
    gmtime_r(&seconds, &tomorrow);
    by_date = has(cron->days, tm.tm_mday) || (cron->last_day && tomorrow.tm_mday == 1);
    for (int day = tm.tm_mday + 1; cron->clamp && tomorrow.tm_mday == 1 && day <= 31; day++)
        by_date |= has(cron->days, day);
    by_weekday = has(cron->weekdays, tm.tm_wday);
    return has(cron->minutes, tm.tm_min) && has(cron->hours, tm.tm_hour) &&
           has(cron->months, tm.tm_mon + 1) &&
           (cron->any_of_days ? by_date || by_weekday : by_date && by_weekday);
}

/* The slots of [from, until), both in seconds. */
static size_t count_minutes(const struct tow_schedule *schedule, int64_t from, int64_t until,
                            int64_t *slots, size_t most)
{
    size_t count = 0;
    int every_hour = schedule->cron.hours == TOW_CRON_ALL_HOURS;

    for (int64_t i = every_hour ? from : from - 86400; i < until + 86400 && count < most; i += 60) {
        int64_t slot = every_hour ? i : tow_zone_instant(schedule->zone, i);
        int64_t local = every_hour ? i + tow_zone_span(schedule->zone, i).offset : i;

        if (slot >= from && slot < until && matches(&schedule->cron, local) &&
            (count == 0 || slots[count - 1] != slot))
            slots[count++] = slot;
    }
    return count;
}

static uint64_t random_set(uint64_t *seed, int low, int high)
{
    uint64_t set = 0;

    if (random_below(seed, 3) == 0)
        return ((UINT64_C(2) << high) - 1) & ~((UINT64_C(1) << low) - 1);
    for (uint64_t n = 1 + random_below(seed, 4); n; n--)
        set |= UINT64_C(1) << (low + (int)random_below(seed, (uint64_t)(high - low + 1)));
    return set;
}

static struct tow_schedule random_schedule(uint64_t *seed)
{
    struct tow_schedule schedule =
        fixture_plain(TOW_SCHEDULE_CRON, zones[random_below(seed, ZONES)]);

    schedule.cron = (struct tow_cron){
        .minutes = random_set(seed, 0, 59),
        .hours = (uint32_t)random_set(seed, 0, 23),
        .days = (uint32_t)random_set(seed, 1, 31),
        .months = (uint16_t)random_set(seed, 1, 12),
        .weekdays = (uint8_t)random_set(seed, 0, 6),
        .last_day = random_below(seed, 4) == 0,
        .clamp = random_below(seed, 4) == 0,
        .any_of_days = random_below(seed, 2) == 0,
    };
    return schedule;
}

#define SLOTS_MAX 4000
#define SPAN_DAYS 40

/* Ending at a change of the zone's clocks, or around. */
static int64_t random_start(uint64_t *seed, const struct tow_zone *zone)
{
    int64_t start = INT64_C(1577836800) + 60 * (int64_t)random_below(seed, 8000000);
    int64_t end = tow_zone_span(zone, start).end;

    if (end != INT64_MAX && random_below(seed, 4))
        start = end - 86400 * (int64_t)(1 + random_below(seed, SPAN_DAYS - 2));
    return start;
}

static void compare(const struct tow_schedule *schedule, int64_t from, uint64_t *seed)
{
    static int64_t slots[SLOTS_MAX];
    int64_t until = from + SPAN_DAYS * INT64_C(86400);
    size_t count = count_minutes(schedule, from, until, slots, SLOTS_MAX);
    int64_t slot = from * SECONDS - 1;

    for (size_t i = 0; i < count; i++) {
        slot = tow_schedule_next(schedule, slot);
        if (slot != slots[i] * SECONDS)
            fail_msg("slot %zu behind %lld is %lld, must be %lld", i, (long long)from,
                     (long long)(slot / SECONDS), (long long)slots[i]);
    }
    if (count < SLOTS_MAX)
        assert_true(tow_schedule_next(schedule, slot) >= until * SECONDS);
    for (int i = 0; i < 5 && count > 1; i++) {
        size_t first = random_below(seed, count - 1),
               last = first + random_below(seed, count - first);
        int64_t start = slots[first] * SECONDS, end = slots[last] * SECONDS;
        int64_t latest =
            tow_schedule_latest(schedule, start, end + (int64_t)random_below(seed, 60) * SECONDS);

        assert_int_equal(latest, last > first ? end : TOW_SLOT_NONE);
        assert_int_equal(tow_schedule_count(schedule, start, end, SLOTS_MAX), last - first);
        assert_int_equal(tow_schedule_count(schedule, start, end, 3),
                         last - first < 3 ? last - first : 3);
    }
}

static void test_random_rules_name_what_counting_minutes_names(void **state)
{
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int i = 0; i < 400; i++) {
        struct tow_schedule schedule = random_schedule(&seed);

        compare(&schedule, random_start(&seed, schedule.zone), &seed);
        tow_schedule_release(&schedule);
    }
}

/* ---- jitter, distances, fingerprints -------------------------------------------------------- */

static void test_jitter_is_the_same_each_time_and_spreads(void **state)
{
    struct tow_schedule a = fixture_every(HOURS), b = fixture_every(HOURS);
    int64_t least = INT64_MAX, most = 0, equal = 0;

    (void)state;
    a.jitter_us = b.jitter_us = 10 * MINUTES;
    tow_schedule_seal(&b, "another job");
    assert_int_equal(tow_schedule_due(&a, TOW_SLOT_NEVER), TOW_SLOT_NEVER);
    for (int64_t slot = 0; slot < 1000 * HOURS; slot += HOURS) {
        int64_t delay = tow_schedule_due(&a, slot) - slot;

        assert_int_equal(delay, tow_schedule_due(&a, slot) - slot);
        assert_in_range(delay, 0, 10 * MINUTES);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        equal += tow_schedule_due(&b, slot) - slot == delay;
    }
    assert_true(least < MINUTES / 6 && most > 10 * MINUTES - MINUTES / 6 && equal < 10);
    a.jitter_us = 0;
    assert_int_equal(tow_schedule_due(&a, HOURS), HOURS);
    tow_schedule_release(&a);
    tow_schedule_release(&b);
}

static void test_the_shortest_distance_is_known(void **state)
{
    static const struct {
        const char *cron;
        int64_t gap;
    } cases[] = {
        {"* * * * *", MINUTES}, {"*/15 * * * *", 15 * MINUTES},   {"0 * * * *", HOURS},
        {"0 2 * * *", DAYS},    {"0,50 2 * * *", 50 * MINUTES},   {"0 1,23 * * *", 2 * HOURS},
        {"10 2 1 1 *", DAYS},   {"58,2 23,0 * * *", 4 * MINUTES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tow_schedule schedule = fixture_cron(cases[i].cron, "UTC");

        assert_int_equal(tow_schedule_gap(&schedule), cases[i].gap);
        tow_schedule_release(&schedule);
    }
}

static void test_a_fingerprint_is_that_of_what_makes_slots(void **state)
{
    struct tow_schedule a = fixture_cron("0 2 * * *", "UTC");
    struct tow_schedule same = fixture_cron("0 2 * * 0-6", "UTC");
    struct tow_schedule time = fixture_cron("0 3 * * *", "UTC");
    struct tow_schedule zone = fixture_cron("0 2 * * *", "Europe/Berlin");
    struct tow_schedule once = fixture_cron("0 2 * * *", "UTC");

    (void)state;
    same.jitter_us = 5;
    same.catch_up = TOW_CATCH_UP_ALL;
    tow_schedule_seal(&same, "another job");
    once.once = 1;
    tow_schedule_seal(&once, "job");
    assert_int_not_equal(a.fingerprint, 0);
    assert_int_equal(a.fingerprint, same.fingerprint);
    assert_int_not_equal(a.fingerprint, time.fingerprint);
    assert_int_not_equal(a.fingerprint, zone.fingerprint);
    assert_int_not_equal(a.fingerprint, once.fingerprint);
    assert_int_not_equal(a.seed, same.seed);
    tow_schedule_release(&a);
    tow_schedule_release(&same);
    tow_schedule_release(&time);
    tow_schedule_release(&zone);
    tow_schedule_release(&once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_that_does_not_exist_is_the_first_instant_behind_the_gap),
        cmocka_unit_test(test_a_time_that_comes_twice_is_the_first_one),
        cmocka_unit_test(test_every_hour_goes_by_hours_that_pass),
        cmocka_unit_test(test_days_that_a_month_lacks_are_left_out_by_cron),
        cmocka_unit_test(test_days_clamp_to_the_last_of_the_month),
        cmocka_unit_test(test_either_day_is_enough_where_both_are_given),
        cmocka_unit_test(test_every_counts_from_1970),
        cmocka_unit_test(test_nothing_is_named_beyond_2199),
        cmocka_unit_test(test_jobs_without_slots_have_none),
        cmocka_unit_test(test_random_rules_name_what_counting_minutes_names),
        cmocka_unit_test(test_jitter_is_the_same_each_time_and_spreads),
        cmocka_unit_test(test_the_shortest_distance_is_known),
        cmocka_unit_test(test_a_fingerprint_is_that_of_what_makes_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
