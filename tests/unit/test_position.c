#include "unit.h"

#include "towpath/batch.h"

static void test_integers_read_back_from_a_position(void **state)
{
    static const int64_t values[] = {0, 1, -1, 1234567890123, INT64_MIN, INT64_MAX};
    struct tow_position position = {0};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        tow_position_set_int(&position, values[i]);
        assert_int_equal(position.size, sizeof position);
        assert_true(tow_position_get_int(&position, 7) == values[i]);
    }
    assert_int_equal(position.length, strlen("9223372036854775807"));
}

static void test_an_empty_or_foreign_position_gives_the_fallback(void **state)
{
    static const char *const foreign[] = {"",
                                          "-",
                                          " 1",
                                          "1 ",
                                          "+1",
                                          "12a",
                                          "0x10",
                                          "9223372036854775808",
                                          "123456789012345678901234567890"};
    struct tow_position position = {.size = sizeof position};

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        position.length = (uint32_t)strlen(foreign[i]);
        memcpy(position.bytes, foreign[i], position.length);
        assert_int_equal(tow_position_get_int(&position, -42), -42);
    }
    position.length = 2;
    memcpy(position.bytes, "1\0", 2);
    assert_int_equal(tow_position_get_int(&position, -42), -42);
}

static char logged[4096];
static int logged_level;

static void log_keep(const struct tow_host *host, int32_t level, const char *message)
{
    (void)host;
    logged_level = level;
    snprintf(logged, sizeof logged, "%s", message);
}

static void test_a_log_line_is_formatted_and_cut_where_too_long(void **state)
{
    const struct tow_host host = {.size = sizeof host, .log = log_keep};
    char text[4000];

    (void)state;
    tow_log(&host, TOW_LOG_WARN, "%s: %d of %d", "a.csv", 3, 9);
    assert_int_equal(logged_level, TOW_LOG_WARN);
    assert_string_equal(logged, "a.csv: 3 of 9");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tow_log(&host, TOW_LOG_INFO, "%s", text);
    assert_int_equal(strlen(logged), 2047);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_read_back_from_a_position),
        cmocka_unit_test(test_an_empty_or_foreign_position_gives_the_fallback),
        cmocka_unit_test(test_a_log_line_is_formatted_and_cut_where_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
