/* Time zones: against the C library, which reads the same files by itself; and files that are not
 * what they should be. */
#include "config.h"

#include "unit.h"

#ifdef HAVE_LIBICAL
#include <libical/ical.h>
#endif
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kit/zone/zone_changes.h"
#include "random.h"
#include "schedule/zone.h"
#include "scratch.h"

/* All offsets of some sort: half hours, summer time that is winter time, days left out, changes at
 * midnight, many a year, none. */
static const char *const names[] = {
    "UTC",
    "Etc/GMT+5",
    "EST5EDT",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Santiago",
    "America/Nuuk",
    "America/Havana",
    "America/Scoresbysund",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Juba",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Pyongyang",
    "Asia/Tokyo",
    "Asia/Amman",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Norfolk",
    "Antarctica/Troll",
    "Atlantic/Azores",
    "CET",
};

#define NAMES (sizeof names / sizeof names[0])

static const struct tow_zone *zone_of(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_zone *zone;

    assert_ok(tow_zone_get(name, &zone, &err), err);
    return zone;
}

static void use_libc_zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static long libc_offset(int64_t instant)
{
    time_t at = instant;
    struct tm tm;

    assert_non_null(localtime_r(&at, &tm));
    return tm.tm_gmtoff;
}

#define YEAR_2100 INT64_C(4102444800)
#define STEP      (INT64_C(7) * 86400 + 3601)

/* Offsets on both sides of each change, and at steps between. */
static void compare_with_libc(const char *name)
{
    const struct tow_zone *zone = zone_of(name);

    use_libc_zone(name);
    for (int64_t at = 0; at < YEAR_2100; at += STEP) {
        struct tow_zone_span span = tow_zone_span(zone, at);

        if (span.offset != libc_offset(at))
            fail_msg("%s at %lld: %d, libc %ld", name, (long long)at, span.offset, libc_offset(at));
        if (span.end > at + STEP)
            continue;
        if (libc_offset(span.end) == libc_offset(span.end - 1) ||
            libc_offset(span.end - 1) != span.offset)
            fail_msg("%s at %lld: no change in libc", name, (long long)span.end);
    }
    tow_zone_put(zone);
}

static void test_offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++)
        compare_with_libc(names[i]);
    unsetenv("TZ");
}

#define YEAR_2020 INT64_C(1577836800)
#define YEAR_2037 INT64_C(2114380800)

#ifdef HAVE_LIBICAL
static int ical_offset(icaltimezone *zone, int64_t instant)
{
    struct icaltimetype at =
        icaltime_from_timet_with_zone((time_t)instant, 0, icaltimezone_get_utc_timezone());
    int summer;

    return icaltimezone_get_utc_offset_of_utc_time(zone, &at, &summer);
}

/* Which stops being right with 2037. */
static void test_offsets_are_those_of_libical(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        icaltimezone *other = icaltimezone_get_builtin_timezone(names[i]);
        const struct tow_zone *zone = zone_of(names[i]);

        assert_non_null(other);
        for (int64_t at = YEAR_2020; at < YEAR_2037; at += STEP) {
            struct tow_zone_span span = tow_zone_span(zone, at);

            if (span.offset != ical_offset(other, at))
                fail_msg("%s at %lld: %d, libical %d", names[i], (long long)at, span.offset,
                         ical_offset(other, at));
            if (span.end < YEAR_2037)
                assert_int_equal(ical_offset(other, span.end - 1), span.offset);
        }
        tow_zone_put(zone);
    }
    icaltimezone_free_builtin_timezones();
}
#endif

/* By trying, minute by minute, from a day before `near`: the first instant whose local time is at
 * or beyond what is asked for. */
static int64_t first_instant(int64_t local, int64_t near)
{
    int64_t at = near - 86400;

    while (at + libc_offset(at) < local)
        at += 60;
    return at;
}

static void test_local_times_are_found_at_their_first_instant(void **state)
{
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        const struct tow_zone *zone = zone_of(names[i]);
        int64_t at = INT64_C(1577836800) + 60 * (int64_t)random_below(&seed, 1440);

        use_libc_zone(names[i]);
        /* Around changes of some years. */
        for (int round = 0; round < 12; round++) {
            int64_t end = tow_zone_span(zone, at).end;

            at = end == INT64_MAX ? at + 86400 * 180 : end;
            for (int j = 0; j < 8; j++) {
                int64_t local =
                    at + libc_offset(at) - 7200 + 60 * (int64_t)random_below(&seed, 240);
                int64_t found = tow_zone_instant(zone, local);

                if (found != first_instant(local, found))
                    fail_msg("%s: local %lld at %lld, must be %lld", names[i], (long long)local,
                             (long long)found, (long long)first_instant(local, found));
            }
        }
        tow_zone_put(zone);
    }
    unsetenv("TZ");
}

static void test_a_gap_ends_at_its_first_instant(void **state)
{
    const struct tow_zone *zone = zone_of("Europe/Berlin");

    (void)state;
    /* 2026-03-29 02:00 becomes 03:00, at 01:00 UTC; 2026-10-25 03:00 becomes 02:00 at 01:00 UTC. */
    assert_int_equal(tow_zone_instant(zone, 1774749599), 1774745999);
    assert_int_equal(tow_zone_instant(zone, 1774749600), 1774746000);
    assert_int_equal(tow_zone_instant(zone, 1774751400), 1774746000);
    assert_int_equal(tow_zone_instant(zone, 1774753200), 1774746000);
    assert_int_equal(tow_zone_instant(zone, 1774753201), 1774746001);
    /* 02:30 comes twice. */
    assert_int_equal(tow_zone_instant(zone, 1792895400), 1792888200);
    assert_int_equal(tow_zone_instant(zone, 1792897199), 1792889999);
    assert_int_equal(tow_zone_instant(zone, 1792897200), 1792893600);
    tow_zone_put(zone);
}

static void test_names_that_are_no_zone_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "Nowhere/Land",
        "/etc/passwd",
        "../../etc/passwd",
        "America/../America/Lima",
        "America",
        "America/",
        ".",
        "zone.tab",
        "tzdata.zi",
        "Europe Berlin",
        "Europe//Berlin",
        "-1",
        "UTC/UTC",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        const struct tow_zone *zone;

        if (tow_zone_get(bad[i], &zone, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\": %s", bad[i], err.message);
        assert_null(zone);
        assert_says(err, "no such zone");
    }
}

static void test_a_zone_is_shared_until_its_file_is_replaced(void **fixture)
{
    struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_zone *first, *second, *third;
    char path[256];
    char *bytes;
    size_t length;

    bytes = scratch_read("/usr/share/zoneinfo/Europe/Berlin", &length);
    snprintf(path, sizeof path, "%s/Town", scratch->folder);
    scratch_write(path, bytes, length);
    free(bytes);
    setenv("TZDIR", scratch->folder, 1);
    assert_ok(tow_zone_get("Town", &first, &err), err);
    assert_ok(tow_zone_get("Town", &second, &err), err);
    assert_ptr_equal(first, second);
    assert_string_equal(tow_zone_name(first), "Town");

    bytes = scratch_read("/usr/share/zoneinfo/Asia/Tokyo", &length);
    scratch_write(path, bytes, length);
    free(bytes);
    assert_ok(tow_zone_get("Town", &third, &err), err);
    assert_ptr_not_equal(first, third);
    assert_int_equal(tow_zone_span(first, 1774746000).offset, 7200);
    assert_int_equal(tow_zone_span(third, 1774746000).offset, 32400);
    tow_zone_put(first);
    tow_zone_put(second);
    tow_zone_put(third);
    tow_zone_put(NULL);
    unsetenv("TZDIR");
}

static void test_without_tz_data_there_is_utc_alone(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_zone *zone;

    (void)state;
    setenv("TZDIR", "/nonexistent/zoneinfo", 1);
    assert_int_equal(tow_zone_get("Europe/Berlin", &zone, &err), TOW_E_ENV);
    assert_says(err, "there is no tz data in /nonexistent/zoneinfo");
    assert_ok(tow_zone_get("UTC", &zone, &err), err);
    assert_int_equal(tow_zone_instant(zone, 12345), 12345);
    assert_int_equal(tow_zone_span(zone, 12345).offset, 0);
    tow_zone_put(zone);
    unsetenv("TZDIR");
}

/* ---- files ---------------------------------------------------------------------------------- */

static int read_bytes(const void *bytes, size_t length, struct tow_error *err)
{
    struct tow_zone_changes changes = {0};
    /* A block of its own, so that a sanitizer sees what lies beyond. */
    unsigned char *copy = malloc(length ? length : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    rc = tow_tzif_read(copy, length, &changes, err);
    tow_zone_changes_release(&changes);
    free(copy);
    return rc;
}

static void test_a_file_that_is_cut_off_is_damaged(void **state)
{
    size_t length;
    char *bytes = scratch_read("/usr/share/zoneinfo/America/New_York", &length);

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        struct tow_error err = TOW_ERROR_INIT;

        assert_int_equal(read_bytes(bytes, cut, &err), TOW_E_ENV);
        assert_says(err, "its file is damaged");
    }
    free(bytes);
}

static void test_a_file_with_wrong_bytes_is_damaged_or_another_zone(void **state)
{
    uint64_t seed = RANDOM_SEED;
    size_t length;
    char *bytes = scratch_read("/usr/share/zoneinfo/America/New_York", &length);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        size_t at = random_below(&seed, length);
        char was = bytes[at];
        int rc;

        bytes[at] = (char)random_next(&seed);
        rc = read_bytes(bytes, length, &err);
        assert_true(rc == TOW_OK || rc == TOW_E_ENV || rc == TOW_E_CONFIG);
        bytes[at] = was;
    }
    free(bytes);
}

/* Version 2 with one type of offset 0, no change, and this rule. */
static int read_rule(const char *rule, struct tow_zone_changes *changes, struct tow_error *err)
{
    unsigned char bytes[512] = {0};
    size_t length = 0;

    for (int block = 0; block < 2; block++) {
        memcpy(bytes + length, "TZif2", 5);
        bytes[length + 39] = 1;
        bytes[length + 43] = 4;
        memcpy(bytes + length + 50, "UTC", 4);
        length += 54;
    }
    length += (size_t)snprintf((char *)bytes + length, sizeof bytes - length, "\n%s\n", rule);
    return tow_tzif_read(bytes, length, changes, err);
}

static void test_rules_that_are_none_are_damage(void **state)
{
    static const char *const bad[] = {
        "X",
        "1",
        "EST",
        "<EST5",
        "EST5EDT",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M13.1.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J1",
        "EST5EDT,366,1",
        "EST25",
        "EST5:60",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3,M11.1.0",
        "EST5 ",
        "<+03>",
        "EST99999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_zone_changes changes = {0};

        if (read_rule(bad[i], &changes, &err) != TOW_E_ENV)
            fail_msg("\"%s\" is taken", bad[i]);
        assert_says(err, "is no rule");
        tow_zone_changes_release(&changes);
    }
}

static int32_t offset_at(const struct tow_zone_changes *changes, int64_t at)
{
    size_t i = 0;

    while (i < changes->count && changes->at[i] <= at)
        i++;
    return changes->offsets[i];
}

static void test_rules_are_those_of_the_c_library(void **state)
{
    static const char *const rules[] = {
        "EST5",
        "<-0330>+3:30",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
        "EST5EDT,M3.2.0,M11.1.0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "EET-2EEST,M4.5.5/0,M10.5.4/24",
        "AAA3BBB,J60/2,J300/2",
        "AAA3BBB,59/2,300/2",
        "AAA-3BBB-4:30:30,M1.2.1/-26:30:15,M12.4.6/100",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_zone_changes changes = {0};

        assert_ok(read_rule(rules[i], &changes, &err), err);
        use_libc_zone(rules[i]);
        for (int64_t at = 86400 * 400; at < YEAR_2100; at += 86400 * 3 + 1801)
            if (offset_at(&changes, at) != libc_offset(at))
                fail_msg("%s at %lld: %d, libc %ld", rules[i], (long long)at,
                         offset_at(&changes, at), libc_offset(at));
        tow_zone_changes_release(&changes);
    }
    unsetenv("TZ");
}

static void test_summer_time_all_year_is_one_offset(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_zone_changes changes = {0};

    (void)state;
    /* RFC 9636, section 3.3.2. */
    assert_ok(read_rule("XXX3EDT4,0/0,J365/23", &changes, &err), err);
    for (int64_t at = 86400 * 400; at < YEAR_2100; at += 86400 / 2 + 7)
        assert_int_equal(offset_at(&changes, at), -4 * 3600);
    tow_zone_changes_release(&changes);
}

static void test_leap_seconds_are_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    size_t length;
    char *bytes = scratch_read("/usr/share/zoneinfo/right/UTC", &length);

    (void)state;
    assert_int_equal(read_bytes(bytes, length, &err), TOW_E_CONFIG);
    assert_says(err, "leap seconds");
    free(bytes);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_those_of_the_c_library),
#ifdef HAVE_LIBICAL
        cmocka_unit_test(test_offsets_are_those_of_libical),
#endif
        cmocka_unit_test(test_local_times_are_found_at_their_first_instant),
        cmocka_unit_test(test_a_gap_ends_at_its_first_instant),
        cmocka_unit_test(test_names_that_are_no_zone_are_refused),
        SCRATCH_TEST(test_a_zone_is_shared_until_its_file_is_replaced),
        cmocka_unit_test(test_without_tz_data_there_is_utc_alone),
        cmocka_unit_test(test_a_file_that_is_cut_off_is_damaged),
        cmocka_unit_test(test_a_file_with_wrong_bytes_is_damaged_or_another_zone),
        cmocka_unit_test(test_rules_that_are_none_are_damage),
        cmocka_unit_test(test_rules_are_those_of_the_c_library),
        cmocka_unit_test(test_summer_time_all_year_is_one_offset),
        cmocka_unit_test(test_leap_seconds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
