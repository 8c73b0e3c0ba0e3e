#include "unit.h"

#include <unistd.h>

#include "config/expand.h"
#include "config_fixture.h"

#define NAME "TOWPATH_TEST_EXPAND"

static void expand_into(const char *text, const char *expected, int expected_origin)
{
    struct tow_error err = TOW_ERROR_INIT;
    char folder[256], *out = NULL;
    int origin = -1;

    assert_non_null(getcwd(folder, sizeof folder));
    assert_ok(tow_expand_text(text, folder, &out, &origin, &err), err);
    assert_string_equal(out, expected);
    assert_int_equal(origin, expected_origin);
    free(out);
}

static void expand_fails(const char *text, int code, const char *reason)
{
    struct tow_error err = TOW_ERROR_INIT;
    char folder[256], *out = NULL;
    int origin = -1;

    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(tow_expand_text(text, folder, &out, &origin, &err), code);
    assert_string_equal(err.message, reason);
    assert_null(out);
}

static void expand_refused(const char *text, const char *reason)
{
    expand_fails(text, TOW_E_CONFIG, reason);
}

static void test_text_without_references_stays(void **state)
{
    (void)state;
    expand_into("", "", TOW_SETTING_LITERAL);
    expand_into("plain $HOME $ {x} $$ 5$", "plain $HOME $ {x} $$ 5$", TOW_SETTING_LITERAL);
}

static void test_variables_are_put_in(void **state)
{
    (void)state;
    setenv(NAME, "secret", 1);
    expand_into("${env:" NAME "}", "secret", TOW_SETTING_EXPANDED);
    expand_into("a${env:" NAME "}b${env:" NAME "}", "asecretbsecret", TOW_SETTING_EXPANDED);
    setenv(NAME, "", 1);
    expand_into("[${env:" NAME "}]", "[]", TOW_SETTING_EXPANDED);
}

static void test_a_default_stands_in_for_unset_and_empty(void **state)
{
    (void)state;
    unsetenv(NAME);
    expand_into("${env:" NAME ":-four}", "four", TOW_SETTING_DEFAULTED);
    expand_into("${env:" NAME ":-}", "", TOW_SETTING_DEFAULTED);
    expand_into("${env:" NAME ":-a:-b}", "a:-b", TOW_SETTING_DEFAULTED);
    setenv(NAME, "", 1);
    expand_into("${env:" NAME ":-four}", "four", TOW_SETTING_DEFAULTED);
    setenv(NAME, "five", 1);
    expand_into("${env:" NAME ":-four}", "five", TOW_SETTING_EXPANDED);
    expand_into("${env:" NAME "}${env:" NAME "_2:-four}", "fivefour", TOW_SETTING_EXPANDED);
}

static void test_dollar_dollar_brace_is_literal(void **state)
{
    (void)state;
    setenv(NAME, "x", 1);
    expand_into("$${env:" NAME "}", "${env:" NAME "}", TOW_SETTING_LITERAL);
    expand_into("$$${env:" NAME "}", "$${env:" NAME "}", TOW_SETTING_LITERAL);
    expand_into("$${}${env:" NAME "}", "${}x", TOW_SETTING_EXPANDED);
}

static void test_what_comes_in_is_not_expanded_again(void **state)
{
    (void)state;
    setenv(NAME, "${env:HOME} $${", 1);
    expand_into("${env:" NAME "}", "${env:HOME} $${", TOW_SETTING_EXPANDED);
    config_write("reference", "${env:HOME}");
    expand_into("${file:reference}", "${env:HOME}", TOW_SETTING_EXPANDED);
}

static void test_a_file_loses_its_last_newline_only(void **state)
{
    struct scratch *scratch = *state;
    char text[256];

    config_write("token", "abc\n");
    expand_into("${file:token}", "abc", TOW_SETTING_EXPANDED);
    expand_into("${file:./token}", "abc", TOW_SETTING_EXPANDED);
    snprintf(text, sizeof text, "<${file:%s/token}>", scratch->folder);
    expand_into(text, "<abc>", TOW_SETTING_EXPANDED);
    config_write("token", "a\nb\n\n");
    expand_into("${file:token}", "a\nb\n", TOW_SETTING_EXPANDED);
    config_write("token", "abc\r\n");
    expand_into("${file:token}", "abc", TOW_SETTING_EXPANDED);
    config_write("token", "\n");
    expand_into("${file:token}", "", TOW_SETTING_EXPANDED);
    config_write("token", "");
    expand_into("${file:token}", "", TOW_SETTING_EXPANDED);
}

static void test_home_is_where_a_tilde_leads(void **state)
{
    struct scratch *scratch = *state;

    config_write("token", "abc");
    setenv("HOME", scratch->folder, 1);
    expand_into("${file:~/token}", "abc", TOW_SETTING_EXPANDED);
    unsetenv("HOME");
    expand_refused("${file:~/token}", "${file:~/token}: \"~/\": HOME is not set to a folder");
}

static void test_a_file_of_64_kib_is_the_largest(void **state)
{
    char *large = calloc(1, TOW_EXPAND_FILE_MAX + 2);

    (void)state;
    assert_non_null(large);
    memset(large, 'x', TOW_EXPAND_FILE_MAX);
    config_write("large", large);
    expand_into("${file:large}", large, TOW_SETTING_EXPANDED);
    large[TOW_EXPAND_FILE_MAX] = 'x';
    config_write("large", large);
    expand_refused("${file:large}", "${file:large}: it has more than 64 KiB");
    free(large);
}

static void test_what_cannot_be_expanded_says_why(void **state)
{
    (void)state;
    unsetenv(NAME);
    expand_refused("${env:" NAME "}", "${env:" NAME "}: the environment variable is not set");
    expand_refused("${env:}", "${env:}: that is no name of an environment variable");
    expand_refused("${env:A-B}", "${env:A-B}: that is no name of an environment variable");
    expand_refused("${env:1A}", "${env:1A}: that is no name of an environment variable");
    expand_refused("${env:" NAME ":-${env:B}}",
                   "${env:" NAME ":-...}: the default cannot hold a reference");
    setenv(NAME, "\xff", 1);
    expand_refused("${env:" NAME "}", "${env:" NAME "}: the environment variable is not UTF-8");
    expand_refused("x${env:A",
                   "\"${\" is never closed by '}'; a literal \"${\" is written \"$${\"");
    expand_refused("pa${ss}", "unknown reference; there are ${env:NAME}, ${env:NAME:-default} and "
                              "${file:path}; a literal \"${\" is written \"$${\"");
    expand_refused("${}", "unknown reference; there are ${env:NAME}, ${env:NAME:-default} and "
                          "${file:path}; a literal \"${\" is written \"$${\"");
    expand_refused("${file:}", "${file:}: the path is empty");
    expand_refused("${file:none}", "${file:none}: cannot open it: No such file or directory");
    expand_refused("${file:.}", "${file:.}: it is a folder");
    /* A file that is there, and whose disk fails. */
    expand_fails("${file:/proc/self/mem}", TOW_E_ENV,
                 "${file:/proc/self/mem}: cannot read it: Input/output error");
    expand_refused("${file:/dev/null}", "${file:/dev/null}: it is not a regular file");
}

static void test_files_that_are_no_text_are_refused(void **state)
{
    (void)state;
    scratch_write("binary", "a\0b", 3);
    expand_refused("${file:binary}", "${file:binary}: it holds a NUL byte");
    scratch_write("binary", "a\xff", 2);
    expand_refused("${file:binary}", "${file:binary}: it is not UTF-8");
}

int main(void)
{
#define expand_test(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)
    const struct CMUnitTest tests[] = {
        expand_test(test_text_without_references_stays),
        expand_test(test_variables_are_put_in),
        expand_test(test_a_default_stands_in_for_unset_and_empty),
        expand_test(test_dollar_dollar_brace_is_literal),
        expand_test(test_what_comes_in_is_not_expanded_again),
        expand_test(test_a_file_loses_its_last_newline_only),
        expand_test(test_home_is_where_a_tilde_leads),
        expand_test(test_a_file_of_64_kib_is_the_largest),
        expand_test(test_what_cannot_be_expanded_says_why),
        expand_test(test_files_that_are_no_text_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
