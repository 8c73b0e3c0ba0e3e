/* Options as `plan`, `plugins show` and `init` print them. */
#include "unit.h"

#include "cli/options_text.h"
#include "towpath/plugin.h"

struct vault {
    const char *path, *token, *old_token, *note;
    int64_t rows;
    struct tow_strings names;
};

#define ROW(name, type, flags, fallback)                                               \
    {                                                                                  \
#name, type, flags, offsetof(struct vault, name), fallback, 0, 0, NULL, "help" \
    }

static const struct tow_option vault_options[] = {
    ROW(path, TOW_OPTION_PATH, TOW_OPTION_REQUIRED, NULL),
    ROW(token, TOW_OPTION_STRING, TOW_OPTION_SECRET, NULL),
    ROW(old_token, TOW_OPTION_STRING, TOW_OPTION_SECRET, "s3cret-default"),
    ROW(note, TOW_OPTION_STRING, 0, "a\"b\n${c}\x7f"),
    ROW(rows, TOW_OPTION_INT, 0, "8192"),
    ROW(names, TOW_OPTION_STRINGS, 0, NULL),
    TOW_OPTIONS_END,
};

static const struct tow_source_ops vault_ops = {.size = sizeof vault_ops};
static const struct tow_plugin vault_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "vault",
    .version = "1",
    .summary = "keeps secrets",
    .instance_size = sizeof(struct vault),
    .options = vault_options,
    .source = &vault_ops,
};

static struct tow_setting names_items[] = {
    {.kind = TOW_SETTING_STRING, .text = (char *)"x"},
    {.kind = TOW_SETTING_INT, .integer = -5},
};
static struct tow_setting section_items[] = {
    {.name = (char *)"path", .kind = TOW_SETTING_STRING, .text = (char *)"in.csv"},
    {.name = (char *)"token", .kind = TOW_SETTING_STRING, .text = (char *)"s3cret"},
    {.name = (char *)"names", .kind = TOW_SETTING_LIST, .items = names_items, .count = 2},
};
static const struct tow_setting section = {
    .kind = TOW_SETTING_GROUP, .items = section_items, .count = 3};

static void test_effective_options_hide_secrets_and_mark_defaults(void **state)
{
    static const struct tow_table_column columns[] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_table *table = tow_table_new(columns, 3);
    char text[1024] = "";
    FILE *to = fmemopen(text, sizeof text, "w");

    (void)state;
    tow_options_table(table, &vault_plugin, &section, "/jobs");
    assert_ok(tow_table_print(table, 0, to, &err), err);
    fclose(to);
    assert_string_equal(text, "path       \"/jobs/in.csv\"\n"
                              "token      ***\n"
                              "old_token  ***                (default)\n"
                              "note       \"a\\\"b\\n$${c}\\x7f\"  (default)\n"
                              "rows       8192               (default)\n"
                              "names      (\"x\", -5)\n");
}

static void test_the_same_as_json(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[2048] = "";
    struct tow_doc doc = {.to = fmemopen(text, sizeof text, "w")};

    (void)state;
    tow_doc_open(&doc, NULL, '{');
    tow_options_doc(&doc, "options", &vault_plugin, &section, "/jobs");
    tow_doc_close(&doc, '}');
    fclose(doc.to);
    assert_ok(tow_doc_end(&doc, &err), err);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "\"name\": \"token\",\n      \"value\": \"***\",\n"
                                 "      \"default\": false,\n      \"secret\": true\n"));
    assert_non_null(strstr(text, "\"name\": \"rows\",\n      \"value\": \"8192\",\n"
                                 "      \"default\": true,\n      \"secret\": false\n"));
}

static void test_defaults_are_written_as_in_a_job_file(void **state)
{
    struct tow_buffer text = {0};

    (void)state;
    assert_int_equal(tow_option_default_text(&text, &vault_options[4]), TOW_OK);
    assert_string_equal(text.data, "8192");
    text.size = 0;
    assert_int_equal(tow_option_default_text(&text, &vault_options[3]), TOW_OK);
    assert_string_equal(text.data, "\"a\\\"b\\n$${c}\\x7f\"");
    tow_buffer_release(&text);
}

static void test_an_option_without_value_is_left_out(void **state)
{
    static const struct tow_setting empty = {.kind = TOW_SETTING_GROUP};
    struct tow_buffer text = {0};
    int is_default;

    (void)state;
    assert_int_equal(tow_option_value_text(&text, &vault_options[5], &empty, "/", &is_default), 0);
    assert_int_equal(tow_option_value_text(&text, &vault_options[4], &empty, "/", &is_default), 1);
    assert_true(is_default);
    tow_buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effective_options_hide_secrets_and_mark_defaults),
        cmocka_unit_test(test_the_same_as_json),
        cmocka_unit_test(test_defaults_are_written_as_in_a_job_file),
        cmocka_unit_test(test_an_option_without_value_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
