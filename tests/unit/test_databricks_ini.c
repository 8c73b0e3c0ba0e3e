#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "connectors/databricks/ini.h"
#include "random.h"
#include "scratch.h"

static struct tow_ini ini_of(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ini ini;

    assert_ok(tow_ini_parse(&ini, "file", text, strlen(text), &err), err);
    return ini;
}

static void assert_value(const struct tow_ini *ini, const char *section, const char *key,
                         const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *value;

    assert_ok(tow_ini_get(ini, section, key, &value, &err), err);
    if (expected) {
        assert_non_null(value);
        assert_string_equal(value, expected);
    } else {
        assert_null(value);
    }
    free(value);
}

static void test_values_are_found_by_section_and_key(void **state)
{
    struct tow_ini ini = ini_of("\xef\xbb\xbf[DEFAULT]\r\n"
                                "host = https://a.example \r\n"
                                "# token = no\r\n"
                                "; token = no\r\n"
                                "\r\n"
                                "[ two ]\n"
                                "host:https://b.example:8443/?o=1\n"
                                "  Token\t=\t\"a = b\"  \n"
                                "empty =\n"
                                "quote = \"\n"
                                "[DEFAULT]\n"
                                "token = later\n"
                                "token = last");

    (void)state;
    assert_value(&ini, "DEFAULT", "host", "https://a.example");
    assert_value(&ini, "DEFAULT", "token", "last");
    assert_value(&ini, "two", "host", "https://b.example:8443/?o=1");
    assert_value(&ini, "two", "token", "a = b");
    assert_value(&ini, "two", "empty", NULL);
    assert_value(&ini, "two", "quote", "\"");
    assert_value(&ini, "two", "client_id", NULL);
    assert_value(&ini, "Two", "host", NULL);
    assert_true(tow_ini_has(&ini, "two"));
    assert_false(tow_ini_has(&ini, "TWO"));
    tow_ini_release(&ini);
}

static void test_a_section_inherits_nothing(void **state)
{
    struct tow_ini ini = ini_of("token = before\n[DEFAULT]\ntoken = t\n[a]\nhost = h\n");

    (void)state;
    assert_value(&ini, "a", "token", NULL);
    assert_value(&ini, "DEFAULT", "token", "t");
    tow_ini_release(&ini);
}

static void test_sections_are_listed_as_far_as_there_is_room(void **state)
{
    struct tow_ini ini = ini_of("[DEFAULT]\n[dev]\nx = [no]\n[prod]\n");
    char list[64];

    (void)state;
    tow_ini_sections(&ini, list, sizeof list);
    assert_string_equal(list, "DEFAULT, dev, prod");
    tow_ini_sections(&ini, list, 13);
    assert_string_equal(list, "DEFAULT, dev");
    tow_ini_sections(&ini, list, 12);
    assert_string_equal(list, "DEFAULT");
    tow_ini_release(&ini);
}

/* Of other sections it does not matter. */
static void test_a_line_that_is_nothing_is_named_by_its_number(void **state)
{
    static const char *const texts[] = {"[a]\nhost = h\nsecret-token\n[b]\ntoken = t\n",
                                        "[a]\n\n= secret-token\n[b]\ntoken = t\n",
                                        "[a]\n\n[b\n[b]\ntoken = t\n"};
    char *value;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_ini ini = ini_of(texts[i]);

        assert_int_equal(tow_ini_get(&ini, "a", "host", &value, &err), TOW_E_CONFIG);
        assert_null(value);
        assert_says(err, "file, line 3:");
        assert_null(strstr(err.message, "secret"));
        assert_value(&ini, "b", "token", "t");
        tow_ini_release(&ini);
    }
}

static void test_what_is_no_text_file_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ini ini;
    char *big = calloc(1, TOW_INI_MAX + 1);

    (void)state;
    assert_non_null(big);
    assert_int_equal(tow_ini_parse(&ini, "file", "[a]\0b", 5, &err), TOW_E_CONFIG);
    assert_says(err, "NUL");
    memset(big, '\n', TOW_INI_MAX + 1);
    assert_int_equal(tow_ini_parse(&ini, "file", big, TOW_INI_MAX + 1, &err), TOW_E_CONFIG);
    assert_says(err, "more than 1048576 bytes");
    assert_ok(tow_ini_parse(&ini, "file", big, TOW_INI_MAX, &err), err);
    tow_ini_release(&ini);
    free(big);
}

static void test_files_are_read_and_others_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ini ini;
    char path[256];

    snprintf(path, sizeof path, "%s/cfg", scratch->folder);
    assert_int_equal(tow_ini_load(&ini, path, &err), TOW_END);
    scratch_write(path, "[a]\nhost = h\n", 13);
    assert_ok(tow_ini_load(&ini, path, &err), err);
    assert_value(&ini, "a", "host", "h");
    tow_ini_release(&ini);
    assert_int_equal(tow_ini_load(&ini, scratch->folder, &err), TOW_E_CONFIG);
    assert_says(err, "no regular file");
    snprintf(path, sizeof path, "%s/pipe", scratch->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(tow_ini_load(&ini, path, &err), TOW_E_CONFIG);
}

static void test_a_file_that_is_too_long_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ini ini;
    char path[256];

    snprintf(path, sizeof path, "%s/cfg", scratch->folder);
    scratch_write(path, "[a]", 3);
    assert_int_equal(truncate(path, 1 << 30), 0);
    assert_int_equal(tow_ini_load(&ini, path, &err), TOW_E_CONFIG);
    assert_says(err, "more than 1048576 bytes");
}

static int read_forbidden(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ini ini;
    char path[256];

    snprintf(path, sizeof path, "%s/cfg", scratch->folder);
    return tow_ini_load(&ini, path, &err) == TOW_E_ENV && strstr(err.message, "cfg") ? 7 : 1;
}

static void test_a_file_that_may_not_be_read_is_an_error(void **state)
{
    const struct scratch *scratch = *state;
    char path[256];

    snprintf(path, sizeof path, "%s/cfg", scratch->folder);
    scratch_write(path, "[a]", 3);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(scratch_child(scratch, read_forbidden, 1), 7);
}

static void test_any_text_is_read_to_an_end(void **state)
{
    static const char bytes[] = "[]=: \t\r\n#;\"ak\xff";
    uint64_t seed = RANDOM_SEED;
    char text[64], list[32];

    (void)state;
    for (int round = 0; round < 100000; round++) {
        size_t length = random_below(&seed, sizeof text);
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_ini ini;
        char *value;
        int code;

        for (size_t i = 0; i < length; i++)
            text[i] = bytes[random_below(&seed, sizeof bytes - 1)];
        assert_ok(tow_ini_parse(&ini, "f", text, length, &err), err);
        code = tow_ini_get(&ini, "a", "k", &value, &err);
        assert_true(code == TOW_OK || (code == TOW_E_CONFIG && !value));
        free(value);
        tow_ini_sections(&ini, list, sizeof list);
        assert_true(strlen(list) < sizeof list);
        tow_ini_release(&ini);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_found_by_section_and_key),
        cmocka_unit_test(test_a_section_inherits_nothing),
        cmocka_unit_test(test_sections_are_listed_as_far_as_there_is_room),
        cmocka_unit_test(test_a_line_that_is_nothing_is_named_by_its_number),
        cmocka_unit_test(test_what_is_no_text_file_is_refused),
        cmocka_unit_test_setup_teardown(test_files_are_read_and_others_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_too_long_is_refused, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_may_not_be_read_is_an_error, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(test_any_text_is_read_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
