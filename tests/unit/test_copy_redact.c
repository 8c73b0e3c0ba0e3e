#include "unit.h"

#include "plugins/databricks_copy/redact.h"

static void assert_redacted(const char *message, const char *secret, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_error_set(&err, TOW_E_ENV, "%s", message);
    tow_copy_redact(&err, secret);
    assert_string_equal(err.message, expected);
    assert_int_equal(err.code, TOW_E_ENV);
}

static void test_secrets_are_stars_wherever_they_stand(void **state)
{
    (void)state;
    assert_redacted("KEY = 'verysecret'", "verysecret", "KEY = '***'");
    assert_redacted("verysecretverysecret and verysecret", "verysecret", "****** and ***");
    assert_redacted("a short one: xy", "xy", "a short one: **");
    assert_redacted("nothing here", "verysecret", "nothing here");
    assert_redacted("nothing to hide", NULL, "nothing to hide");
    assert_redacted("nothing to hide", "", "nothing to hide");
    assert_redacted("", "verysecret", "");
}

static void test_a_secret_that_is_cut_off_at_the_end_is_one(void **state)
{
    (void)state;
    assert_redacted("KEY = 'verys", "verysecret", "KEY = '***");
    assert_redacted("KEY = 'very", "verysecret", "KEY = '***");
    assert_redacted("KEY = 'ver", "verysecret", "KEY = 'ver");
}

static void test_the_longest_message_stays_one(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof text; i += 8)
        memcpy(text + i, "abcdefgh", 8);
    text[sizeof text - 1] = '\0';
    tow_error_set(&err, TOW_E_ENV, "%s", text);
    tow_copy_redact(&err, "abcdefgh");
    assert_null(strstr(err.message, "abcd"));
    assert_non_null(memchr(err.message, '\0', sizeof err.message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_stars_wherever_they_stand),
        cmocka_unit_test(test_a_secret_that_is_cut_off_at_the_end_is_one),
        cmocka_unit_test(test_the_longest_message_stays_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
