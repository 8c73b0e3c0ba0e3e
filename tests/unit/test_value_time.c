#include "unit.h"

#include <regex.h>
#include <time.h>

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

#define MICROS      INT64_C(1000000)
#define DAY_SECONDS INT64_C(86400)
#define YEAR_1      INT64_C(-62135596800) /* 0001-01-01, in seconds */
#define YEAR_9999   INT64_C(253402300799) /* its last second */
#define NO_VALUE    INT64_C(-4242424242424242)

struct stamp {
    int rc;
    int64_t value;
    int zone;
};

static struct stamp parse_stamp(char *guard, const char *text, size_t length)
{
    struct stamp stamp = {0, NO_VALUE, -1};

    stamp.rc =
        tow_parse_timestamp(guard_text(guard, text, length), length, &stamp.value, &stamp.zone);
    assert_true(stamp.rc == TOW_PARSE_OK || (stamp.value == NO_VALUE && stamp.zone == -1));
    return stamp;
}

static void test_timestamps_are_read(void **state)
{
    static const struct {
        const char *text;
        int zone;
        int64_t value;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 1, 0},
        {"1970-01-01 00:00:00", 0, 0},
        {"1970-01-01t00:00:01z", 1, MICROS},
        {"2024-02-29T12:34:56.789Z", 1, 1709210096789000},
        {"2024-02-29T12:34:56.7", 0, 1709210096700000},
        {"2024-02-29T12:34:56.789012Z", 1, 1709210096789012},
        {"2024-02-29T12:34:56+0000", 1, 1709210096000000},
        {"2024-02-29T12:34:56.7890", 0, 1709210096789000},
        {"2024-02-29T12:34:56.789z", 1, 1709210096789000},
        {"2024-02-29T12:34:56.7+00", 1, 1709210096700000},
        {"2024-02-29T12:34:56.78+0000", 1, 1709210096780000},
        {"2024-02-29T12:34:56.7890123", 0, 1709210096789012},
        {"2024-02-29T12:34:56.7890+00", 1, 1709210096789000},
        {"2024-02-29T12:34:56.789012999Z", 1, 1709210096789012},
        {"2024-02-29T12:34:56.78901299Z", 1, 1709210096789012},
        {"2024-02-29T12:34:56.000000999", 0, 1709210096000000},
        {"2024-02-29T12:34:56+05:30", 1, 1709190296000000},
        {"2024-02-29T12:34:56-0530", 1, 1709229896000000},
        {"2024-02-29T12:34:56.5+05", 1, 1709192096500000},
        {"2024-02-29T12:34:56-00:00", 1, 1709210096000000},
        {"2016-12-31T23:59:60Z", 1, 1483228800000000},
        {"2016-12-31T23:59:60.25Z", 1, 1483228800250000},
        {"1969-12-31T23:59:59.999999Z", 1, -1},
        {"0001-01-01T00:00:00Z", 1, YEAR_1 * MICROS},
        {"0001-01-01T00:00:00+23:59", 1, (YEAR_1 - 86340) * MICROS},
        {"9999-12-31T23:59:59.999999Z", 1, YEAR_9999 * MICROS + 999999},
        {"9999-12-31T23:59:60-23:59", 1, (YEAR_9999 + 1 + 86340) * MICROS},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stamp stamp = parse_stamp(*state, cases[i].text, strlen(cases[i].text));

        if (stamp.rc != TOW_PARSE_OK)
            fail_msg("\"%s\": verdict %d", cases[i].text, stamp.rc);
        if (stamp.value != cases[i].value || stamp.zone != cases[i].zone)
            fail_msg("\"%s\": %lld, zone %d", cases[i].text, (long long)stamp.value, stamp.zone);
    }
}

static void test_what_is_no_timestamp_is_refused(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        {"0000-01-01T00:00:00Z", TOW_PARSE_RANGE},
        {"2023-02-29T00:00:00Z", TOW_PARSE_RANGE},
        {"2024-00-01T00:00:00Z", TOW_PARSE_RANGE},
        {"2024-13-01T00:00:00Z", TOW_PARSE_RANGE},
        {"2024-01-00T00:00:00Z", TOW_PARSE_RANGE},
        {"2024-04-31T00:00:00Z", TOW_PARSE_RANGE},
        {"2024-01-01T24:00:00Z", TOW_PARSE_RANGE},
        {"2024-01-01T00:60:00Z", TOW_PARSE_RANGE},
        {"2024-01-01T00:00:61Z", TOW_PARSE_RANGE},
        {"2024-01-01T00:00:00+24:00", TOW_PARSE_RANGE},
        {"2024-01-01T00:00:00+00:60", TOW_PARSE_RANGE},
        {"2024-13-01T00:00:00x", TOW_PARSE_SYNTAX},
        {"", TOW_PARSE_SYNTAX},
        {"2024-01-01", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:0", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00.", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00.Z", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00.1234567890Z", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00,5Z", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:6x.123Z", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:61.123Z", TOW_PARSE_RANGE},
        {"2024-01-01T00:00:00 Z", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00ZZ", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+1", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+1:00", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+01:", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+01:0", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+010", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00+01:00:00", TOW_PARSE_SYNTAX},
        {"2024-01-01T00:00:00-", TOW_PARSE_SYNTAX},
        {"2024-01-01  00:00:00", TOW_PARSE_SYNTAX},
        {"2024-1-01T00:00:00Z", TOW_PARSE_SYNTAX},
        {"+2024-01-01T00:00:00Z", TOW_PARSE_SYNTAX},
        {"12024-01-01T00:00:00Z", TOW_PARSE_SYNTAX},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = parse_stamp(*state, cases[i].text, strlen(cases[i].text)).rc;

        if (rc != cases[i].rc)
            fail_msg("\"%s\": verdict %d", cases[i].text, rc);
    }
}

static void test_timestamps_with_any_byte_changed_are_judged_by_the_grammar(void **state)
{
    static const char grammar_text[] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}"
                                       "(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?$";
    static const char *const texts[] = {
        "2023-11-10T10:11:12.123456+01:30", "2023-11-10 10:11:12Z",
        "2023-11-10t10:11:12.123456789",    "2023-11-10T10:11:12+01",
        "2023-11-10T10:11:12.123Z",         "2023-11-10T10:11:12.123456Z"};
    regex_t grammar;

    assert_int_equal(regcomp(&grammar, grammar_text, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t length = strlen(texts[i]);

        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[40];
                int bad;

                memcpy(text, texts[i], length + 1);
                text[at] = (char)byte;
                bad = byte == 0 || regexec(&grammar, text, 0, NULL, 0) != 0;
                if ((parse_stamp(*state, text, length).rc == TOW_PARSE_SYNTAX) != bad)
                    fail_msg("\"%s\": should be %s", text, bad ? "refused" : "read");
            }
        }
    }
    regfree(&grammar);
}

static void test_dates_are_read(void **state)
{
    static const char *const bad[] = {"",         "2024-01-1",  "2024-01-011", "2024/01/01",
                                      "20240101", "2024-01-0x", "-024-01-01",  "2024-01-01T"};
    static const char *const none[] = {"0000-01-01", "2023-02-29", "1900-02-29", "2024-00-10",
                                       "2024-13-10", "2024-01-32", "2024-06-31", "2024-01-00"};
    int32_t days = 42;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            tow_parse_date(guard_text(*state, bad[i], strlen(bad[i])), strlen(bad[i]), &days),
            TOW_PARSE_SYNTAX);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(tow_parse_date(guard_text(*state, none[i], 10), 10, &days),
                         TOW_PARSE_RANGE);
    assert_int_equal(days, 42);
    assert_int_equal(tow_parse_date(guard_text(*state, "2000-02-29", 10), 10, &days), TOW_PARSE_OK);
    assert_int_equal(days, 11016);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static void test_every_day_of_the_years_1_to_9999_is_read_and_written(void **state)
{
    int32_t expected = (int32_t)(YEAR_1 / DAY_SECONDS);

    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= days_of_month(year, month); day++, expected++) {
                char text[TOW_DATE_TEXT_MAX] = {(char)('0' + year / 1000),
                                                (char)('0' + year / 100 % 10),
                                                (char)('0' + year / 10 % 10),
                                                (char)('0' + year % 10),
                                                '-',
                                                (char)('0' + month / 10),
                                                (char)('0' + month % 10),
                                                '-',
                                                (char)('0' + day / 10),
                                                (char)('0' + day % 10)};
                char *p = guard_end(*state, TOW_DATE_TEXT_MAX);
                int32_t days;

                assert_true(tow_put_date(p, expected) == p + 10);
                assert_memory_equal(p, text, 10);
                assert_int_equal(tow_parse_date(guard_text(*state, text, 10), 10, &days), 0);
                assert_int_equal(days, expected);
            }
        }
    }
    assert_int_equal(expected, (YEAR_9999 + 1) / DAY_SECONDS);
}

static void check_civil(int32_t days, int year, int month, int day)
{
    int found_year, found_month, found_day;
    int32_t back;

    tow_date_to_civil(days, &found_year, &found_month, &found_day);
    if (found_year != year || found_month != month || found_day != day)
        fail_msg("day %d is %d-%d-%d, found %d-%d-%d", days, year, month, day, found_year,
                 found_month, found_day);
    assert_int_equal(tow_date_from_civil(year, month, day, &back), TOW_PARSE_OK);
    assert_int_equal(back, days);
}

static void test_the_calendar_agrees_with_the_c_library_over_all_day_numbers(void **state)
{
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int i = 0; i < 1000000; i++) {
        int32_t days = i == 0 ? INT32_MIN : i == 1 ? INT32_MAX : (int32_t)random_next(&seed);
        time_t seconds = (time_t)days * DAY_SECONDS;
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        check_civil(days, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    }
}

static void test_days_that_are_none_have_no_number(void **state)
{
    static const int dates[][3] = {
        {2023, 2, 29},     {2024, 2, 30},       {2024, 0, 1},          {2024, 13, 1},
        {2024, 1, 0},      {2024, 1, 32},       {2024, 4, 31},         {2024, -1, 1},
        {2024, 1, -1},     {5881580, 7, 12},    {-5877641, 6, 22},     {2147483647, 1, 1},
        {6000000, 1, 1},   {-2147483647, 1, 1}, {2024, 2147483647, 1}, {2024, 1, 2147483647},
        {-5877642, 12, 1},
    };
    int32_t days = 42;

    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_int_equal(tow_date_from_civil(dates[i][0], dates[i][1], dates[i][2], &days),
                         TOW_PARSE_RANGE);
    assert_int_equal(days, 42);
    check_civil(INT32_MAX, 5881580, 7, 11);
    check_civil(INT32_MIN, -5877641, 6, 23);
    check_civil(-719528, 0, 1, 1);
}

static void test_years_of_other_than_four_digits_are_written_with_a_sign(void **state)
{
    static const struct {
        int32_t days;
        const char *text;
    } cases[] = {
        {0, "1970-01-01"},
        {-719528, "0000-01-01"},
        {-719529, "-00001-12-31"},
        {2932896, "9999-12-31"},
        {2932897, "+10000-01-01"},
        {INT32_MAX, "+5881580-07-11"},
        {-719528 - 36524, "-00100-01-01"},
        {INT32_MIN, "-5877641-06-23"},
        {-719528 - 3652059, "-09999-01-01"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *p = guard_end(*state, TOW_DATE_TEXT_MAX);

        *tow_put_date(p, cases[i].days) = '\0';
        assert_string_equal(p, cases[i].text);
    }
}

static void test_timestamps_are_written_with_as_much_fraction_as_there_is(void **state)
{
    static const struct {
        int64_t value;
        int utc;
        const char *text;
    } cases[] = {
        {0, 1, "1970-01-01T00:00:00Z"},
        {0, 0, "1970-01-01T00:00:00"},
        {1000, 1, "1970-01-01T00:00:00.001Z"},
        {100000, 1, "1970-01-01T00:00:00.100Z"},
        {1, 1, "1970-01-01T00:00:00.000001Z"},
        {100, 0, "1970-01-01T00:00:00.000100"},
        {-1, 1, "1969-12-31T23:59:59.999999Z"},
        {-1000, 0, "1969-12-31T23:59:59.999"},
        {-MICROS, 1, "1969-12-31T23:59:59Z"},
        {-86400 * MICROS, 1, "1969-12-31T00:00:00Z"},
        {1709210096789012, 1, "2024-02-29T12:34:56.789012Z"},
        {INT64_MAX, 1, "+294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, 0, "-290308-12-21T19:59:05.224192"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *p = guard_end(*state, TOW_TIMESTAMP_TEXT_MAX);

        *tow_put_timestamp(p, cases[i].value, cases[i].utc) = '\0';
        assert_string_equal(p, cases[i].text);
    }
}

static void test_random_timestamps_are_written_as_the_c_library_does_and_read_back(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < 500000; i++) {
        int64_t seconds = YEAR_1 + (int64_t)random_below(&seed, (uint64_t)(YEAR_9999 - YEAR_1 + 1));
        int micros = i % 3 == 0 ? 0 : (int)random_below(&seed, 1000000), utc = i % 2;
        time_t time = (time_t)seconds;
        char *p = guard_end(*state, TOW_TIMESTAMP_TEXT_MAX), expected[64];
        size_t length = (size_t)(tow_put_timestamp(p, seconds * MICROS + micros, utc) - p);
        struct stamp stamp;
        struct tm tm;

        gmtime_r(&time, &tm);
        sprintf(expected, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (micros % 1000)
            sprintf(expected + strlen(expected), ".%06d", micros);
        else if (micros)
            sprintf(expected + strlen(expected), ".%03d", micros / 1000);
        if (utc)
            strcat(expected, "Z");
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(p, expected, length);
        stamp = parse_stamp(*state, expected, length);
        assert_int_equal(stamp.rc, TOW_PARSE_OK);
        assert_true(stamp.value == seconds * MICROS + micros && stamp.zone == utc);
    }
}

/* The instants between, read and written over and over, without the C library's cost. */
static void test_millions_of_timestamps_come_back(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < 2000000; i++) {
        uint64_t span = (uint64_t)(YEAR_9999 - YEAR_1 + 1) * MICROS;
        int64_t value = YEAR_1 * MICROS + (int64_t)random_below(&seed, span), back;
        char text[TOW_TIMESTAMP_TEXT_MAX];
        size_t length = (size_t)(tow_put_timestamp(text, value, 1) - text);
        int zone;

        assert_int_equal(
            tow_parse_timestamp(guard_text(*state, text, length), length, &back, &zone),
            TOW_PARSE_OK);
        assert_true(back == value && zone == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamps_are_read),
        cmocka_unit_test(test_what_is_no_timestamp_is_refused),
        cmocka_unit_test(test_timestamps_with_any_byte_changed_are_judged_by_the_grammar),
        cmocka_unit_test(test_dates_are_read),
        cmocka_unit_test(test_every_day_of_the_years_1_to_9999_is_read_and_written),
        cmocka_unit_test(test_the_calendar_agrees_with_the_c_library_over_all_day_numbers),
        cmocka_unit_test(test_days_that_are_none_have_no_number),
        cmocka_unit_test(test_years_of_other_than_four_digits_are_written_with_a_sign),
        cmocka_unit_test(test_timestamps_are_written_with_as_much_fraction_as_there_is),
        cmocka_unit_test(test_random_timestamps_are_written_as_the_c_library_does_and_read_back),
        cmocka_unit_test(test_millions_of_timestamps_come_back),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
