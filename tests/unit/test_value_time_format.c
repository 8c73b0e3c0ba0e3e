#include "unit.h"

#include <time.h>

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

/* The formats under test are a table. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#define MICROS INT64_C(1000000)

static int parse(char *guard, const char *text, const char *format, int64_t *out, int *zone)
{
    size_t length = strlen(text);

    return tow_parse_time_format(guard_text(guard, text, length), length, format, out, zone);
}

static void test_every_letter_is_read(void **state)
{
    static const struct {
        const char *format, *text;
        const char *stamp; /* as tow_put_timestamp writes it; Z where there is a zone */
    } cases[] = {
        {"%Y-%m-%d", "2024-02-29", "2024-02-29T00:00:00"},
        {"%Y-%m-%d %H:%M:%S", "2024-02-29 23:59:58", "2024-02-29T23:59:58"},
        {"%Y%m%d%H%M%S", "20240229235958", "2024-02-29T23:59:58"},
        {"%F %T", "2024-02-29 23:59:58", "2024-02-29T23:59:58"},
        {"%FT%T%z", "2024-02-29T23:59:58Z", "2024-02-29T23:59:58Z"},
        {"%FT%T%z", "2024-02-29T23:59:58z", "2024-02-29T23:59:58Z"},
        {"%FT%T.%f%z", "2024-02-29T23:59:58.1234567+01:30", "2024-02-29T22:29:58.123456Z"},
        {"%FT%T %z", "2024-02-29T23:59:58 -0130", "2024-03-01T01:29:58Z"},
        {"%FT%T%z", "2024-02-29T23:59:58+02", "2024-02-29T21:59:58Z"},
        {"%z %F", "+0200 2024-01-01", "2023-12-31T22:00:00Z"},
        {"%D", "03/04/24", "2024-03-04T00:00:00"},
        {"%m/%d/%Y", "3/4/2024", "2024-03-04T00:00:00"},
        {"%d.%m.%y", "4.3.68", "2068-03-04T00:00:00"},
        {"%d.%m.%y", "04.03.69", "1969-03-04T00:00:00"},
        {"%d %b %Y", "01 Jan 2024", "2024-01-01T00:00:00"},
        {"%d %b %Y", "01 JANUARY 2024", "2024-01-01T00:00:00"},
        {"%d %B %Y", "1 september 2024", "2024-09-01T00:00:00"},
        {"%d%B%Y", "1may2024", "2024-05-01T00:00:00"},
        {"%a, %d %b %Y %T %z", "Thu, 29 Feb 2024 23:59:58 +0000", "2024-02-29T23:59:58Z"},
        {"%A %e %B %Y", "Thursday  5 December 2024", "2024-12-05T00:00:00"},
        {"%A %e %B %Y", "thu 15 DEC 2024", "2024-12-15T00:00:00"},
        {"%e/%m/%Y", " 5/12/2024", "2024-12-05T00:00:00"},
        {"%Y-%j", "2024-060", "2024-02-29T00:00:00"},
        {"%Y%j", "2023365", "2023-12-31T00:00:00"},
        {"%j %Y", "366 2024", "2024-12-31T00:00:00"},
        {"%Y-%m-%d %I:%M %p", "2024-01-01 12:05 am", "2024-01-01T00:05:00"},
        {"%Y-%m-%d %I:%M %p", "2024-01-01 12:05 PM", "2024-01-01T12:05:00"},
        {"%Y-%m-%d %p%I", "2024-01-01 pm11", "2024-01-01T23:00:00"},
        {"%Y-%m-%d %I", "2024-01-01 11", "2024-01-01T11:00:00"},
        {"%Y", "2024", "2024-01-01T00:00:00"},
        {"%Y", "7", "0007-01-01T00:00:00"},
        {"%Y-%m", "2024-06", "2024-06-01T00:00:00"},
        {"%s", "0", "1970-01-01T00:00:00Z"},
        {"%s", "1709251198", "2024-02-29T23:59:58Z"},
        {"%s.%f", "1709251198.25", "2024-02-29T23:59:58.250Z"},
        {"%s.%f", "-1.25", "1969-12-31T23:59:58.750Z"},
        {"%s.%f", "-0.25", "1969-12-31T23:59:59.750Z"},
        {"%F %T", "2016-12-31 23:59:60", "2017-01-01T00:00:00"},
        {"100%% %F", "100% 2024-01-01", "2024-01-01T00:00:00"},
        {"at %F", "at     2024-01-01", "2024-01-01T00:00:00"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char stamp[TOW_TIMESTAMP_TEXT_MAX];
        int64_t value;
        int zone;

        assert_null(tow_time_format_check(cases[i].format));
        if (parse(*state, cases[i].text, cases[i].format, &value, &zone) != TOW_PARSE_OK)
            fail_msg("\"%s\" was not read by \"%s\"", cases[i].text, cases[i].format);
        *tow_put_timestamp(stamp, value, zone) = '\0';
        assert_string_equal(stamp, cases[i].stamp);
    }
}

static void test_text_that_does_not_follow_the_format_is_refused(void **state)
{
    static const struct {
        const char *format, *text;
        int rc;
    } cases[] = {
        {"%Y-%m-%d", "", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2024-02", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2024-02-", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2024-02-01 ", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2024-02-011", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", " 2024-02-01", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "-2024-02-01", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2024/02/01", TOW_PARSE_SYNTAX},
        {"%Y-%m-%d", "2023-02-29", TOW_PARSE_RANGE},
        {"%Y-%m-%d", "2024-13-01", TOW_PARSE_RANGE},
        {"%Y-%m-%d", "2024-00-01", TOW_PARSE_RANGE},
        {"%Y-%m-%d", "0000-01-01", TOW_PARSE_RANGE},
        {"%F %T", "2024-01-01 24:00:00", TOW_PARSE_RANGE},
        {"%F %T", "2024-01-01 00:60:00", TOW_PARSE_RANGE},
        {"%F %T", "2024-01-01 00:00:61", TOW_PARSE_RANGE},
        {"%F %T", "2024-01-0100:00:00", TOW_PARSE_SYNTAX},
        {"%F %I%p", "2024-01-01 13PM", TOW_PARSE_RANGE},
        {"%F %I%p", "2024-01-01 0PM", TOW_PARSE_RANGE},
        {"%F %I%p", "2024-01-01 1XM", TOW_PARSE_SYNTAX},
        {"%F %I%p", "2024-01-01 1P", TOW_PARSE_SYNTAX},
        {"%Y %j", "2023 366", TOW_PARSE_RANGE},
        {"%Y %j", "2023 0", TOW_PARSE_RANGE},
        {"%d %b %Y", "01 Foo 2024", TOW_PARSE_SYNTAX},
        {"%d %b", "01 Ja", TOW_PARSE_SYNTAX},
        {"%a %F", "Xyz 2024-01-01", TOW_PARSE_SYNTAX},
        {"%F%z", "2024-01-01", TOW_PARSE_SYNTAX},
        {"%F%z", "2024-01-01+1", TOW_PARSE_SYNTAX},
        {"%F%z", "2024-01-01+01:", TOW_PARSE_SYNTAX},
        {"%F%z", "2024-01-01+24:00", TOW_PARSE_RANGE},
        {"%F%z", "2024-01-01EST", TOW_PARSE_SYNTAX},
        {"%F.%f", "2024-01-01.", TOW_PARSE_SYNTAX},
        {"%F.%f", "2024-01-01.1234567890", TOW_PARSE_SYNTAX},
        {"%s", "", TOW_PARSE_SYNTAX},
        {"%s", "-", TOW_PARSE_SYNTAX},
        {"%s", "1x", TOW_PARSE_SYNTAX},
        {"%s", "9223372036855", TOW_PARSE_RANGE},
        {"%s", "9999999999999999999999999", TOW_PARSE_RANGE},
        {"%F%%", "2024-01-01", TOW_PARSE_SYNTAX},
        {"%m-%d", "01-01", TOW_PARSE_SYNTAX},
        {"%Y%", "2024", TOW_PARSE_SYNTAX},
        {"%Y%Q", "2024", TOW_PARSE_SYNTAX},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 42;
        int zone = 42, rc = parse(*state, cases[i].text, cases[i].format, &value, &zone);

        if (rc != cases[i].rc)
            fail_msg("\"%s\" by \"%s\": verdict %d", cases[i].text, cases[i].format, rc);
        assert_true(value == 42 && zone == 42);
    }
}

static void test_formats_that_cannot_be_read_are_told(void **state)
{
    static const char *const good[] = {
        "%Y", "%y",   "%F",       "%D",
        "%s", "%Y%%", "%H:%M %Y", "%Y %m %d %H %M %S %y %b %B %a %A %j %p %I %e %f %z %T"};
    static const char *const bad[] = {"%Y%", "%",     "%Y %Q", "%Y %Z", "%E",      "%_Y",  "%Y %-d",
                                      "",    "%H:%M", "%m-%d", "%%Y",   "%Y\t%\t", "%Y %", "%c"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(tow_time_format_check(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!tow_time_format_check(bad[i]))
            fail_msg("\"%s\" was taken", bad[i]);
}

static void test_formats_are_read_as_strptime_does(void **state)
{
    static const char *const formats[] = {
        "%Y-%m-%d %H:%M:%S",
        "%d/%m/%Y %H:%M:%S",
        "%a, %d %b %Y %H:%M:%S",
        "%A %e %B %Y %T",
        "%m/%d/%y %I:%M:%S %p",
        "%Y%m%d%H%M%S",
        "%Y-%j",
        "%b %e %Y %I:%M %p",
        "%F %T",
        "%D %T",
        "%Y week %d%%%m",
    };
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < 220000; i++) {
        const char *format = formats[i % 11];
        time_t time = (time_t)random_below(&seed, 3000000000u);
        struct tm tm, back;
        char text[80];
        int64_t value;
        int zone;

        gmtime_r(&time, &tm);
        assert_true(strftime(text, sizeof text, format, &tm) > 0);
        memset(&back, 0, sizeof back);
        back.tm_mday = 1;
        assert_non_null(strptime(text, format, &back));
        if (parse(*state, text, format, &value, &zone) != TOW_PARSE_OK)
            fail_msg("\"%s\" was not read by \"%s\"", text, format);
        assert_int_equal(zone, 0);
        assert_true(value == (int64_t)timegm(&back) * MICROS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_letter_is_read),
        cmocka_unit_test(test_text_that_does_not_follow_the_format_is_refused),
        cmocka_unit_test(test_formats_that_cannot_be_read_are_told),
        cmocka_unit_test(test_formats_are_read_as_strptime_does),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
