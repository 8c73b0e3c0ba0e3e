/* Cron texts: the sets that they mean, and what is said of those that mean none. */
#include "unit.h"

#include "schedule/clock_text.h"
#include "schedule/cron.h"

#define ALL_MINUTES ((UINT64_C(1) << 60) - 1)
#define BIT(n)      (UINT64_C(1) << (n))

struct good_cron {
    const char *text;
    struct tow_cron sets;
};

#define CRON(minutes_, hours_, days_, months_, weekdays_, any_)                         \
    {                                                                                   \
        .minutes = (minutes_), .hours = (hours_), .days = (days_), .months = (months_), \
        .weekdays = (weekdays_), .any_of_days = (any_)                                  \
    }
#define HOURS    TOW_CRON_ALL_HOURS
#define DAYS     TOW_CRON_ALL_DAYS
#define MONTHS   TOW_CRON_ALL_MONTHS
#define WEEKDAYS TOW_CRON_ALL_WEEKDAYS

static void assert_means(const char *text, const struct tow_cron *sets)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cron cron;

    assert_ok(tow_cron_parse(text, strlen(text), &cron, &err), err);
    if (memcmp(&cron, sets, sizeof cron) != 0)
        fail_msg("%s: minutes %llx hours %x days %x months %x weekdays %x last %d any %d", text,
                 (unsigned long long)cron.minutes, cron.hours, cron.days, cron.months,
                 cron.weekdays, cron.last_day, cron.any_of_days);
}

static void assert_all_mean(const struct good_cron *crons, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_means(crons[i].text, &crons[i].sets);
}

#define ALL_MEAN(crons) assert_all_mean(crons, sizeof(crons) / sizeof(crons)[0])

static void test_each_field_is_a_set(void **state)
{
    static const struct good_cron crons[] = {
        {"* * * * *", CRON(ALL_MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"15 2 * * *", CRON(BIT(15), BIT(2), DAYS, MONTHS, WEEKDAYS, 0)},
        {"  0\t0  1 1 *  ", CRON(1, 1, BIT(1), BIT(1), WEEKDAYS, 0)},
        {"0,30,59 * * * *", CRON(1 | BIT(30) | BIT(59), HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"5-8 * * * *", CRON(0x1E0, HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"*/15 */6 * * *",
         CRON(1 | BIT(15) | BIT(30) | BIT(45), 0x41041, DAYS, MONTHS, WEEKDAYS, 0)},
        {"10-30/10 * * * *", CRON(BIT(10) | BIT(20) | BIT(30), HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"50/4 * * * *", CRON(BIT(50) | BIT(54) | BIT(58), HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"1,3-5,*/30 * * * *", CRON(1 | 2 | 0x38 | BIT(30), HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"007 * * * *", CRON(BIT(7), HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"0 0 */10 */3 *", CRON(1, 1, BIT(1) | BIT(11) | BIT(21) | BIT(31), 0x492, WEEKDAYS, 0)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_names_may_be_short_or_written_out(void **state)
{
    static const struct good_cron crons[] = {
        {"0 0 * jan,MAR,September *", CRON(1, 1, DAYS, BIT(1) | BIT(3) | BIT(9), WEEKDAYS, 0)},
        {"0 0 * nov-dec *", CRON(1, 1, DAYS, BIT(11) | BIT(12), WEEKDAYS, 0)},
        {"0 0 * * mon-Fri", CRON(1, 1, DAYS, MONTHS, 0x3E, 0)},
        {"0 0 * * sunday", CRON(1, 1, DAYS, MONTHS, 1, 0)},
        {"0 0 * * sun,wed", CRON(1, 1, DAYS, MONTHS, 9, 0)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_sunday_is_0_and_7(void **state)
{
    static const struct good_cron crons[] = {
        {"0 0 * * 0", CRON(1, 1, DAYS, MONTHS, 1, 0)},
        {"0 0 * * 7", CRON(1, 1, DAYS, MONTHS, 1, 0)},
        {"0 0 * * 7-7", CRON(1, 1, DAYS, MONTHS, 1, 0)},
        {"0 0 * * 5-7", CRON(1, 1, DAYS, MONTHS, 0x61, 0)},
        {"0 0 * * 7-2", CRON(1, 1, DAYS, MONTHS, 7, 0)},
        {"0 0 * * 0-7", CRON(1, 1, DAYS, MONTHS, WEEKDAYS, 0)},
        {"0 0 * * 5-7/2", CRON(1, 1, DAYS, MONTHS, 0x21, 0)},
        {"0 0 * * sun-tue", CRON(1, 1, DAYS, MONTHS, 7, 0)},
        {"0 0 * * 7/3", CRON(1, 1, DAYS, MONTHS, 0x49, 0)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_a_range_may_go_over_the_end(void **state)
{
    static const struct good_cron crons[] = {
        {"0 22-2 * * *", CRON(1, BIT(22) | BIT(23) | 7, DAYS, MONTHS, WEEKDAYS, 0)},
        {"0 22-3/2 * * *", CRON(1, BIT(22) | 1 | 4, DAYS, MONTHS, WEEKDAYS, 0)},
        {"58-1 * * * *", CRON(BIT(58) | BIT(59) | 3, HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"0 0 30-2 * *", CRON(1, 1, BIT(30) | BIT(31) | 6, MONTHS, WEEKDAYS, 0)},
        {"0 0 * nov-feb *", CRON(1, 1, DAYS, BIT(11) | BIT(12) | 6, WEEKDAYS, 0)},
        {"0 0 * * fri-mon", CRON(1, 1, DAYS, MONTHS, 0x63, 0)},
        {"0 0 * * 6-0", CRON(1, 1, DAYS, MONTHS, 0x41, 0)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_one_of_both_kinds_of_days_is_enough_where_neither_starts_with_a_star(void **state)
{
    static const struct good_cron crons[] = {
        {"0 0 1 * mon", CRON(1, 1, BIT(1), MONTHS, 2, 1)},
        {"0 0 */2 * mon", CRON(1, 1, 0xAAAAAAAA, MONTHS, 2, 0)},
        {"0 0 1 * */2", CRON(1, 1, BIT(1), MONTHS, 0x55, 0)},
        {"0 0 1-31 * mon", CRON(1, 1, DAYS, MONTHS, 2, 1)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_L_is_the_last_day(void **state)
{
    static const struct tow_cron last = {1, 1, 0, MONTHS, WEEKDAYS, 1, 0, 0};
    static const struct tow_cron both = {1, 1, BIT(15), MONTHS, WEEKDAYS, 1, 0, 0};
    static const struct tow_cron or_friday = {1, 1, 0, MONTHS, 0x20, 1, 0, 1};

    (void)state;
    assert_means("0 0 L * *", &last);
    assert_means("0 0 l * *", &last);
    assert_means("0 0 15,L * *", &both);
    assert_means("0 0 L,15 * *", &both);
    assert_means("0 0 L * fri", &or_friday);
}

static void test_words_stand_for_fields(void **state)
{
    static const struct good_cron crons[] = {
        {"@hourly", CRON(1, HOURS, DAYS, MONTHS, WEEKDAYS, 0)},
        {"@daily", CRON(1, 1, DAYS, MONTHS, WEEKDAYS, 0)},
        {" @Midnight ", CRON(1, 1, DAYS, MONTHS, WEEKDAYS, 0)},
        {"@weekly", CRON(1, 1, DAYS, MONTHS, 1, 0)},
        {"@monthly", CRON(1, 1, BIT(1), MONTHS, WEEKDAYS, 0)},
        {"@yearly", CRON(1, 1, BIT(1), BIT(1), WEEKDAYS, 0)},
        {"@annually", CRON(1, 1, BIT(1), BIT(1), WEEKDAYS, 0)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_what_is_wrong_is_named_with_its_field(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "has 0 fields, must have 5"},
        {"* * * *", "has 4 fields"},
        {"0 * * * * *", "has 6 fields, must have 5: minute, hour, day of the month, month, day of "
                        "the week (there is none of seconds)"},
        {"60 * * * *", "the minute is \"60\": a number is out of its bounds; it takes 0 to 59"},
        {"* 24 * * *", "the hour is \"24\""},
        {"* * 0 * *", "the day of the month is \"0\""},
        {"* * 32 * *", "the day of the month is \"32\""},
        {"* * * 13 *", "the month is \"13\""},
        {"* * * foo *", "the month is \"foo\": a name in it is none of this field's"},
        {"* * * * 8", "the day of the week is \"8\""},
        {"* * * * mo", "a name in it"},
        {"* * * * mond", "a name in it"},
        {"mon * * * *", "the minute is \"mon\""},
        {"*/0 * * * *", "a step of 0 goes nowhere"},
        {"*/90 * * * *", "a step is longer than what it steps through"},
        {"* * * * */8", "a step is longer"},
        {"1- * * * *", "a number is missing"},
        {"1,,2 * * * *", "a number is missing"},
        {"1, * * * *", "a number is missing"},
        {"-1 * * * *", "a number is missing"},
        {"*1 * * * *", "something in it is neither a value nor a range"},
        {"1-2-3 * * * *", "neither a value nor a range"},
        {"*/5/5 * * * *", "neither a value nor a range"},
        {"9999999999 * * * *", "a number is too long"},
        {"0 0 LW * *", "a name in it"},
        {"0 0 5L * *", "neither a value nor a range"},
        {"0 0 * * 5#2", "neither a value nor a range"},
        {"0 0 * L *", "a name in it"},
        {"? * * * *", "a number is missing"},
        {"0 0 30 2 *", "never comes: none of its months has such a day"},
        {"0 0 31 feb,apr,jun,sep,nov *", "never comes"},
        {"@reboot", "\"@reboot\" is none of @hourly"},
        {"@", "is none of @hourly"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_cron cron;

        if (tow_cron_parse(cases[i].text, strlen(cases[i].text), &cron, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" is taken", cases[i].text);
        assert_says(err, cases[i].says);
        assert_says(err, "cron: ");
    }
}

static void test_rare_days_are_taken(void **state)
{
    static const struct good_cron crons[] = {
        {"0 0 29 2 *", CRON(1, 1, BIT(29), BIT(2), WEEKDAYS, 0)},
        {"0 0 30 2 mon", CRON(1, 1, BIT(30), BIT(2), 2, 1)},
    };

    (void)state;
    ALL_MEAN(crons);
}

static void test_a_long_text_is_cut_in_the_message(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cron cron;
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(tow_cron_parse(text, sizeof text, &cron, &err), TOW_E_CONFIG);
    assert_true(strlen(err.message) < 200);
}

static void test_weekdays_stand_alone(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    uint8_t days;

    (void)state;
    assert_ok(tow_cron_parse_weekdays("monday", 6, &days, &err), err);
    assert_int_equal(days, 2);
    assert_ok(tow_cron_parse_weekdays("mon,thu", 7, &days, &err), err);
    assert_int_equal(days, 0x12);
    assert_int_equal(tow_cron_parse_weekdays("mond", 4, &days, &err), TOW_E_CONFIG);
    assert_says(err, "day_of_week: the day of the week is \"mond\"");
}

static void test_times_of_day_are_read(void **state)
{
    static const struct {
        const char *text;
        int minute;
    } cases[] = {
        {"02:00", 120},    {"2:00", 120},  {"00:00", 0},    {"23:59", 1439},  {"2:00pm", 840},
        {"2:00 PM", 840},  {"2pm", 840},   {"12am", 0},     {"12:30am", 30},  {"12:00pm", 720},
        {"11:59PM", 1439}, {"12 pm", 720}, {"24:00", -1},   {"2", -1},        {"14", -1},
        {"13:00pm", -1},   {"0:30am", -1}, {"2:60", -1},    {"2:0", -1},      {"2:000", -1},
        {"", -1},          {":15", -1},    {"002:00", -1},  {"2:00  pm", -1}, {"2:00xm", -1},
        {"2:00pmx", -1},   {"2:00 ", -1},  {"2:00:00", -1}, {"2:00p", -1},    {"-2:00", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (tow_clock_parse(cases[i].text, strlen(cases[i].text)) != cases[i].minute)
            fail_msg("\"%s\": %d", cases[i].text,
                     tow_clock_parse(cases[i].text, strlen(cases[i].text)));
    assert_int_equal(tow_clock_parse_minute(":15", 3), 15);
    assert_int_equal(tow_clock_parse_minute(":00", 3), 0);
    assert_int_equal(tow_clock_parse_minute(":60", 3), -1);
    assert_int_equal(tow_clock_parse_minute("0:15", 4), -1);
    assert_int_equal(tow_clock_parse_minute(":5", 2), -1);
    assert_int_equal(tow_clock_parse_minute("", 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_field_is_a_set),
        cmocka_unit_test(test_names_may_be_short_or_written_out),
        cmocka_unit_test(test_sunday_is_0_and_7),
        cmocka_unit_test(test_a_range_may_go_over_the_end),
        cmocka_unit_test(test_one_of_both_kinds_of_days_is_enough_where_neither_starts_with_a_star),
        cmocka_unit_test(test_L_is_the_last_day),
        cmocka_unit_test(test_words_stand_for_fields),
        cmocka_unit_test(test_what_is_wrong_is_named_with_its_field),
        cmocka_unit_test(test_rare_days_are_taken),
        cmocka_unit_test(test_a_long_text_is_cut_in_the_message),
        cmocka_unit_test(test_weekdays_stand_alone),
        cmocka_unit_test(test_times_of_day_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
