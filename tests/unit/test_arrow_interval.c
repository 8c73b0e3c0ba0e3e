/* Text of INTERVAL values. */
#include "connectors/arrow/interval.h"
#include "unit.h"

static void assert_months(int32_t months, const char *expected)
{
    char text[TOW_INTERVAL_TEXT_MAX + 1];

    *tow_put_interval_months(text, months) = '\0';
    assert_string_equal(text, expected);
}

static void assert_time(int64_t duration, enum tow_ipc_unit unit, const char *expected)
{
    char text[TOW_INTERVAL_TEXT_MAX + 1];

    *tow_put_interval_time(text, duration, unit) = '\0';
    assert_string_equal(text, expected);
}

static void assert_days(int32_t days, int32_t milliseconds, const char *expected)
{
    char text[TOW_INTERVAL_TEXT_MAX + 1];

    *tow_put_interval_days(text, days, milliseconds) = '\0';
    assert_string_equal(text, expected);
}

static void test_years_and_months(void **state)
{
    (void)state;
    assert_months(0, "0-0");
    assert_months(1, "0-1");
    assert_months(11, "0-11");
    assert_months(12, "1-0");
    assert_months(14, "1-2");
    assert_months(-1, "-0-1");
    assert_months(-14, "-1-2");
    assert_months(-24, "-2-0");
    assert_months(INT32_MAX, "178956970-7");
    assert_months(INT32_MIN, "-178956970-8");
}

static void test_days_and_time_of_microseconds(void **state)
{
    const int64_t second = 1000000, day = 86400 * second;

    (void)state;
    assert_time(0, TOW_IPC_MICRO, "0 00:00:00.000000000");
    assert_time(day + 7384 * second, TOW_IPC_MICRO, "1 02:03:04.000000000");
    assert_time(-(day + 7384 * second), TOW_IPC_MICRO, "-1 02:03:04.000000000");
    assert_time(1, TOW_IPC_MICRO, "0 00:00:00.000001000");
    assert_time(-1, TOW_IPC_MICRO, "-0 00:00:00.000001000");
    assert_time(day - 1, TOW_IPC_MICRO, "0 23:59:59.999999000");
    assert_time(-day, TOW_IPC_MICRO, "-1 00:00:00.000000000");
    assert_time(1000 * day, TOW_IPC_MICRO, "1000 00:00:00.000000000");
    assert_time(INT64_MAX, TOW_IPC_MICRO, "106751991 04:00:54.775807000");
    assert_time(INT64_MIN, TOW_IPC_MICRO, "-106751991 04:00:54.775808000");
}

static void test_other_units(void **state)
{
    (void)state;
    assert_time(-1, TOW_IPC_SECOND, "-0 00:00:01.000000000");
    assert_time(INT64_MIN, TOW_IPC_SECOND, "-106751991167300 15:30:08.000000000");
    assert_time(1, TOW_IPC_MILLI, "0 00:00:00.001000000");
    assert_time(INT64_MAX, TOW_IPC_MILLI, "106751991167 07:12:55.807000000");
    assert_time(123456789, TOW_IPC_NANO, "0 00:00:00.123456789");
    assert_time(INT64_MIN, TOW_IPC_NANO, "-106751 23:47:16.854775808");
}

static void test_days_and_milliseconds_have_signs_of_their_own(void **state)
{
    (void)state;
    assert_days(0, 0, "0 00:00:00.000000000");
    assert_days(1, 7384000, "1 02:03:04.000000000");
    assert_days(1, -1, "0 23:59:59.999000000");
    assert_days(-1, 1, "-0 23:59:59.999000000");
    assert_days(0, 90000000, "1 01:00:00.000000000");
    assert_days(INT32_MAX, INT32_MAX, "2147483671 20:31:23.647000000");
    assert_days(INT32_MIN, INT32_MIN, "-2147483672 20:31:23.648000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_years_and_months),
        cmocka_unit_test(test_days_and_time_of_microseconds),
        cmocka_unit_test(test_other_units),
        cmocka_unit_test(test_days_and_milliseconds_have_signs_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
