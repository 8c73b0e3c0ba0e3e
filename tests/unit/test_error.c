#include "unit.h"

#include <errno.h>

static void test_set_keeps_class_and_message(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_int_equal(tow_error_set(&err, TOW_E_CONFIG, "key %s: %d", "rows", 7), TOW_E_CONFIG);
    assert_int_equal(err.code, TOW_E_CONFIG);
    assert_string_equal(err.message, "key rows: 7");
    assert_int_equal(err.retry_after_ms, -1);
}

static void test_prefix_puts_context_before_the_reason(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    tow_error_errno(&err, TOW_E_ENV, ENOENT, "open %s", "a.csv");
    assert_int_equal(tow_error_prefix(&err, "source csv"), TOW_E_ENV);
    assert_string_equal(err.message, "source csv: open a.csv: No such file or directory");
}

static void test_a_long_message_is_cut_not_overrun(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[4000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tow_error_set(&err, TOW_E_DATA, "%s", text);
    tow_error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void test_a_message_is_one_line_of_utf8(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[1024];

    (void)state;
    tow_error_set(&err, TOW_E_DATA, "a\nb\t\x7f\xff\xC3\xA9\x1b[1m");
    assert_string_equal(err.message, "a?b???\xC3\xA9?[1m");
    tow_error_prefix(&err, "\xE2\x82 c\r");
    assert_string_equal(err.message, "?? c?: a?b???\xC3\xA9?[1m");
    memset(text, 'x', sizeof text);
    strcpy(text + sizeof err.message - 3, "\xE2\x82");
    tow_error_set(&err, TOW_E_DATA, "%s\xAC", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 3);
}

static void test_no_error_wanted_still_returns_the_class(void **state)
{
    (void)state;
    assert_int_equal(tow_error_set(NULL, TOW_E_AUTH, "x"), TOW_E_AUTH);
    assert_int_equal(tow_error_nomem(NULL), TOW_E_NOMEM);
}

static void test_every_class_has_a_name(void **state)
{
    (void)state;
    for (int code = TOW_E_ENV; code <= TOW_END; code++)
        assert_string_not_equal(tow_error_name(code), "unknown");
    assert_string_equal(tow_error_name(-99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_keeps_class_and_message),
        cmocka_unit_test(test_prefix_puts_context_before_the_reason),
        cmocka_unit_test(test_a_long_message_is_cut_not_overrun),
        cmocka_unit_test(test_a_message_is_one_line_of_utf8),
        cmocka_unit_test(test_no_error_wanted_still_returns_the_class),
        cmocka_unit_test(test_every_class_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
