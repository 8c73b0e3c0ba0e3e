/* The csv plugin: what one file becomes. Files and runs are in test_plugin_csv_files.c. */
#include <unistd.h>

#include "csv_fixture.h"
#include "plugins/csv/source.h"
#include "unit.h"

tow_plugin_entry csv_LTX_tow_plugin_entry;

struct csv_test {
    struct scratch *scratch;
    struct fake_host fake;
    struct csv_run run;
};

/* Reads `text` as in.csv with these settings besides the path, in windows of every small size and
 * of the usual one; keeps the last run. */
static void parse(struct csv_test *test, void **state, const char *text, size_t length,
                  const char *const *more)
{
    static const size_t windows[] = {1, 2, 3, 5, 7, 8, 13, 16, 31, 32, 33, 63, 64, 0};
    const char *settings[32] = {"path"};
    struct tow_buffer first = {0};
    size_t count = 2;

    test->scratch = *state;
    fake_host_init(&test->fake);
    settings[1] = csv_path(test->scratch, "in.csv");
    for (; more && more[count - 2]; count += 2) {
        settings[count] = more[count - 2];
        settings[count + 1] = more[count - 1];
    }
    scratch_write(settings[1], text, length);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        csv_run_whole(&test->run, &test->fake, settings, windows[i]);
        assert_ok(tow_buffer_append(&test->run.rows, test->run.rejects.data, test->run.rejects.size,
                                    NULL),
                  (struct tow_error)TOW_ERROR_INIT);
        if (i > 0) {
            assert_int_equal(test->run.rows.size, first.size);
            assert_true(first.size == 0 ||
                        memcmp(test->run.rows.data, first.data, first.size) == 0);
            tow_buffer_release(&first);
        }
        first = test->run.rows;
        test->run.rows = (struct tow_buffer){0};
        if (windows[i])
            csv_run_release(&test->run);
    }
    test->run.rows = first;
}

static void done(struct csv_test *test)
{
    csv_run_release(&test->run);
    fake_host_release(&test->fake);
}

/* Rows, then rejects. */
static void assert_parses(void **state, const char *text, const char *const *more,
                          const char *expected)
{
    struct csv_test test;

    parse(&test, state, text, strlen(text), more);
    assert_text(&test.run.rows, expected);
    done(&test);
}

/* The run fails with this class and text, at open, schema or the first read. */
static void assert_fails(void **state, const char *text, const char *const *more, int class,
                         const char *says)
{
    const char *settings[32] = {"path", csv_path(*state, "in.csv")};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;
    int code;

    for (size_t i = 0; more && more[i]; i++)
        settings[i + 2] = more[i];
    scratch_write(settings[1], text, strlen(text));
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 0);
    code = csv_run_open(&run, NULL, &err);
    if (code == TOW_OK)
        code = csv_run_read(&run, &err);
    assert_int_equal(code, class);
    assert_says(err, says);
    csv_run_release(&run);
    fake_host_release(&fake);
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- lines and fields ----------------------------------------------------------------------- */

static void test_rows_are_fields_with_their_lines(void **state)
{
    assert_parses(state, "a,b\n1,2\n3,4\n", NULL, "2 [1] [2]\n3 [3] [4]\n");
}

static void test_a_last_line_without_end_counts(void **state)
{
    assert_parses(state, "a,b\n1,2\n3,4", NULL, "2 [1] [2]\n3 [3] [4]\n");
    assert_parses(state, "a,b\n1,\"2\"", NULL, "2 [1] [2]\n");
    assert_parses(state, "a,b\n1,2\r", NULL, "2 [1] [2]\n");
    assert_parses(state, "a,b\n1,\"2\"\r", NULL, "2 [1] [2]\n");
    assert_parses(state, "a,b\n1,", NULL, "2 [1] null\n");
    assert_parses(state, "a,b", NULL, "");
}

static void test_lf_and_crlf_mix_and_a_lone_cr_is_data(void **state)
{
    assert_parses(state, "a,b\r\n1,2\n3,4\r\n5\r6,\"7\"\r\n\"8\r\n9\",0\r\n", NULL,
                  "2 [1] [2]\n3 [3] [4]\n4 [5\r6] [7]\n5 [8\r\n9] [0]\n");
}

static void test_quotes_keep_delimiters_line_ends_and_doubled_quotes(void **state)
{
    assert_parses(state, "a,b\n\"x,y\",\"1\n2\"\n\"say \"\"hi\"\"\",\"\"\"\"\n", NULL,
                  "2 [x,y] [1\n2]\n4 [say \"hi\"] [\"]\n");
}

static void test_a_quote_inside_an_unquoted_field_is_data(void **state)
{
    assert_parses(state, "a,b\n5\" pipe,6\"\nx\"y\"z, \"q\"\n", NULL,
                  "2 [5\" pipe] [6\"]\n3 [x\"y\"z] [ \"q\"]\n");
}

static void test_empty_is_null_and_quoted_empty_is_a_string(void **state)
{
    assert_parses(state, "a,b\n,\"\"\n\"\",\n", NULL, "2 null []\n3 [] null\n");
}

static void test_null_values_replace_the_default(void **state)
{
    assert_parses(state, "a,b\nNULL,\\N\n\"NULL\",\nNULLS,\\n\n", SET("null_values", "NULL,\\N"),
                  "2 null null\n3 [NULL] []\n4 [NULLS] [\\n]\n");
    assert_parses(state, "a,b\n,\"\"\n", SET("null_values", "x"), "2 [] []\n");
}

static void test_long_null_values_are_compared_whole(void **state)
{
    char text[400], null[101], expected[400];

    memset(null, 'n', 100);
    null[100] = '\0';
    snprintf(text, sizeof text, "a,b\n%s,%sx\n", null, null);
    snprintf(expected, sizeof expected, "2 null [%sx]\n", null);
    assert_parses(state, text, SET("null_values", null), expected);
}

static void test_blank_lines_are_skipped_and_counted(void **state)
{
    assert_parses(state, "a,b\n\n1,2\n\r\n\n3,4\n\n", NULL, "3 [1] [2]\n6 [3] [4]\n");
    assert_parses(state, "a\n1\n\n\r\n2\n", NULL, "2 [1]\n5 [2]\n");
    assert_parses(state, "a\n1\n  \n2\n", SET("trim", "true"), "2 [1]\n4 [2]\n");
    assert_parses(state, "a\n1\n  \n2\n", NULL, "2 [1]\n3 [  ]\n4 [2]\n");
}

static void test_trim_takes_blanks_outside_quotes(void **state)
{
    assert_parses(state, "a , b\n 1 ,\t2\t\n \" 3 \" , \"4\"\n   ,\" \"\n", SET("trim", "true"),
                  "2 [1] [2]\n3 [ 3 ] [4]\n4 null [ ]\n");
    assert_parses(state, "a\tb\n 1 \t 2 \n", SET("trim", "true", "delimiter", "\t"), "2 [1] [2]\n");
}

static void test_delimiters_may_have_up_to_four_bytes(void **state)
{
    assert_parses(state, "a||b\n1||2|\n\"x||y\"||z\n", SET("delimiter", "||"),
                  "2 [1] [2|]\n3 [x||y] [z]\n");
    assert_parses(state, "a<,,>b\n1<,,>2<,\n", SET("delimiter", "<,,>"), "2 [1] [2<,]\n");
    assert_parses(state,
                  "a\xC2\xA6"
                  "b\n1\xC2\xA6"
                  "2\n",
                  SET("delimiter", "\xC2\xA6"), "2 [1] [2]\n");
    assert_parses(state, "a\tb\n1\t2\n", SET("delimiter", "\\t"), "2 [1] [2]\n");
}

static void test_escapes_make_the_next_byte_data(void **state)
{
    assert_parses(state, "a,b\n\"x\\\"y\",\"1\\\\\"\n\\N,\"\\n\"\n", SET("escape", "\\"),
                  "2 [x\"y] [1\\]\n3 [\\N] [n]\n");
    assert_parses(state, "a,b\n1\\,2,3\\\n4\n\\\\,\"x\n", SET("escape", "\\", "quote", ""),
                  "2 [1,2] [3\n4]\n4 [\\] [\"x]\n");
    assert_parses(state, "a,b\n\\N,x\\", SET("escape", "\\", "quote", "", "null_values", "\\N"),
                  "2 null [x\\]\n");
    assert_parses(state, "a,b\n1,2\\\r\r\n", SET("escape", "\\", "quote", ""), "2 [1] [2\r]\n");
}

static void test_other_quotes_and_none(void **state)
{
    assert_parses(state, "a,b\n'x,y',\"z\n", SET("quote", "'"), "2 [x,y] [\"z]\n");
    assert_parses(state, "a,b\n\"x,y\"\n", SET("quote", ""), "2 [\"x] [y\"]\n");
}

static void test_comments_are_skipped_whatever_they_hold(void **state)
{
    assert_parses(state, "# \"x,\na,b\n#,\"1\n1,2\n#\n \"#\n3,#4\n\"#5\",6\n",
                  SET("comment", "#", "column_count", "pad"),
                  "4 [1] [2]\n6 [ \"#] null\n7 [3] [#4]\n8 [#5] [6]\n");
    assert_parses(state, "a,b\n//\n/,/\n//,\"", SET("comment", "//"), "3 [/] [/]\n");
}

static void test_skip_lines_come_before_the_header(void **state)
{
    assert_parses(state, "\xEF\xBB\xBFreport \"of\nday\na,b\n1,2\n", SET("skip_lines", "2"),
                  "4 [1] [2]\n");
    assert_parses(state, "1,2\n3,4\n", SET("skip_lines", "1", "header", "false", "columns", "a,b"),
                  "2 [3] [4]\n");
}

static void test_a_byte_order_mark_is_no_part_of_the_first_name(void **state)
{
    struct tow_field field;
    struct csv_test test;

    parse(&test, state, "\xEF\xBB\xBF\"a\",b\n1,2\n", 13, NULL);
    assert_int_equal(tow_schema_field(&test.run.schema, 0, &field, NULL), TOW_OK);
    assert_string_equal(field.name, "a");
    assert_int_equal(field.type.id, TOW_TYPE_STRING);
    assert_int_equal(field.not_null, 0);
    assert_text(&test.run.rows, "2 [1] [2]\n");
    done(&test);
}

static void test_columns_name_the_fields(void **state)
{
    struct tow_field field;
    struct csv_test test;

    parse(&test, state, "a,a\n1,2\n", 8, SET("columns", "x,y"));
    assert_int_equal(tow_schema_field(&test.run.schema, 1, &field, NULL), TOW_OK);
    assert_string_equal(field.name, "y");
    assert_text(&test.run.rows, "2 [1] [2]\n");
    done(&test);
    assert_parses(state, "1,2\n", SET("columns", "x,y", "header", "false"), "1 [1] [2]\n");
}

static void test_values_of_all_lengths_come_through(void **state)
{
    char text[8192] = "a,b\n", expected[8192] = "", value[130] = "";
    size_t at = 4, out = 0;

    for (int i = 1; i < 60; i++) {
        value[i - 1] = (char)('a' + i % 26);
        value[i] = '\0';
        at += (size_t)sprintf(text + at, "%s,\"%s\"\n", value, value);
        out += (size_t)sprintf(expected + out, "%d [%s] [%s]\n", i + 1, value, value);
    }
    assert_parses(state, text, NULL, expected);
}

/* ---- rejects -------------------------------------------------------------------------------- */

static void test_text_behind_a_closing_quote_costs_its_line(void **state)
{
    assert_parses(state, "a,b\n\"1\"x,2\n3,4\n\"5\n6\" ,\"7\n8,9\n", NULL,
                  "3 [3] [4]\n6 [8] [9]\n"
                  "bad_quote 2 4 [\"1\"x,2]\nbad_quote 4 15 [\"5\n6\" ,\"7]\n");
}

static void test_a_stray_quote_costs_one_line(void **state)
{
    assert_parses(state, "a,b\n1,2\n3,\"4\n5,6\n7,8\n", NULL,
                  "2 [1] [2]\n4 [5] [6]\n5 [7] [8]\nunclosed_quote 3 8 [3,\"4]\n");
    assert_parses(state, "a,b\n\"", NULL, "unclosed_quote 2 4 [\"]\n");
    assert_parses(state, "a,b\n\"1\n2\",\"3\n4,5\n", NULL,
                  "4 [4] [5]\nunclosed_quote 2 4 [\"1\n2\",\"3]\n");
}

static void test_an_open_quote_is_followed_for_max_row_bytes(void **state)
{
    assert_parses(state, "a,b\n1,\"2\n3,4\n5,6\n7,8\",9\n", SET("max_row_bytes", "8"),
                  "3 [3] [4]\n4 [5] [6]\n"
                  "unclosed_quote 2 4 [1,\"2]\nfield_count 5 17 [7,8\",9]\n");
}

static void test_long_rows_are_one_reject(void **state)
{
    assert_parses(state, "a,b\n1,2\n123456,7\n3,4\n12345,6\n123456789012345678901234567890\n5,6",
                  SET("max_row_bytes", "8"),
                  "2 [1] [2]\n4 [3] [4]\n5 [12345] [6]\n7 [5] [6]\n"
                  "row_too_long 3 8 [123456,7]\nrow_too_long 6 29 [12345678]\n");
    assert_parses(state, "a,b\n1,23456789", SET("max_row_bytes", "8"),
                  "row_too_long 2 4 [1,234567]\n");
    assert_parses(state, "a,b\n1,234567", SET("max_row_bytes", "8"), "2 [1] [234567]\n");
}

static void test_rejects_name_line_offset_and_reason(void **state)
{
    struct csv_test test;

    parse(&test, state, "a,b\n1\n\"x\ny\",\"z\n", 15, NULL);
    assert_int_equal(test.fake.reject_count, 2);
    assert_string_equal(test.fake.rejects[0].message, "1 field where there are 2 columns");
    assert_string_equal(test.fake.rejects[0].origin, csv_path(test.scratch, "in.csv"));
    assert_string_equal(test.fake.rejects[1].message,
                        "the quote opened at line 4, offset 12 is not closed before the end of the "
                        "file or within max_row_bytes = 16777216");
    assert_int_equal(test.fake.rejects[1].line, 3);
    assert_int_equal(test.fake.rejects[1].offset, 6);
    done(&test);
}

static void test_other_numbers_of_fields_are_rejected(void **state)
{
    assert_parses(state, "a,b\n1\n1,2,3\n1,2,\n4,5\n", NULL,
                  "5 [4] [5]\n"
                  "field_count 2 4 [1]\nfield_count 3 6 [1,2,3]\nfield_count 4 12 [1,2,]\n");
}

static void test_pad_fills_up_and_drops_empty_surplus(void **state)
{
    assert_parses(state, "a,b,c\n1\n1,\"2\"\n1,2,3,\n1,2,3,,4\n1,2,3,\"\"\n5,6,7\n",
                  SET("column_count", "pad", "null_values", "x"),
                  "2 [1] null null\n3 [1] [2] null\n4 [1] [2] [3]\n7 [5] [6] [7]\n"
                  "field_count 5 21 [1,2,3,,4]\nfield_count 6 30 [1,2,3,\"\"]\n");
}

static void test_nul_bytes_are_rejected(void **state)
{
    static const char text[] = "a,b\n1,\0\n3,4\n\"\0\",5\n";
    static const char expected[] = "3 [3] [4]\nnul_byte 2 4 [1,\0]\nnul_byte 4 12 [\"\0\",5]\n";
    struct csv_test test;

    parse(&test, state, text, sizeof text - 1, NULL);
    assert_int_equal(test.run.rows.size, sizeof expected - 1);
    assert_memory_equal(test.run.rows.data, expected, sizeof expected - 1);
    done(&test);
}

static void test_bytes_that_are_not_utf8_are_rejected_or_replaced(void **state)
{
    static const char text[] = "a,b\n\xC3\xA9,2\n\xC3,\"\xE2\x82\"\n5,\xE2\x82\xAC\n";

    assert_parses(state, text, NULL,
                  "2 [\xC3\xA9] [2]\n4 [5] [\xE2\x82\xAC]\n"
                  "invalid_utf8 3 9 [\xC3,\"\xE2\x82\"]\n");
    assert_parses(state, text, SET("invalid_utf8", "replace"),
                  "2 [\xC3\xA9] [2]\n3 [\xEF\xBF\xBD] [\xEF\xBF\xBD\xEF\xBF\xBD]\n"
                  "4 [5] [\xE2\x82\xAC]\n");
}

static void test_a_file_of_rejects_alone_is_a_batch_without_rows(void **state)
{
    struct csv_test test;

    parse(&test, state, "a,b\n1\n2\n", 8, NULL);
    assert_int_equal(test.run.batches, 1);
    assert_text(&test.run.rows, "field_count 2 4 [1]\nfield_count 3 6 [2]\n");
    done(&test);
}

static void test_the_host_can_ask_for_the_batch_while_rejecting(void **state)
{
    const char *settings[] = {"path", csv_path(*state, "in.csv"), NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    csv_write(*state, "in.csv", "a,b\n1,2\n3\n4,5\n6\n7,8\n");
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 0);
    fake.reject_pause = 1;
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_ok(csv_run_read(&run, &err), err);
    assert_text(&run.rows, "2 [1] [2]\n");
    assert_text(&run.rejects, "field_count 3 8 [3]\n");
    assert_ok(csv_run_read(&run, &err), err);
    assert_text(&run.rejects, "field_count 3 8 [3]\nfield_count 5 14 [6]\n");
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_text(&run.rows, "2 [1] [2]\n4 [4] [5]\n6 [7] [8]\n");
    csv_run_release(&run);
    fake_host_release(&fake);
}

/* ---- headers -------------------------------------------------------------------------------- */

static void test_doubled_and_empty_names_are_refused(void **state)
{
    assert_fails(state, "a,b,a\n", NULL, TOW_E_CONFIG,
                 "in.csv: columns 1 and 3 are both called \"a\": name the columns in the job");
    assert_fails(state, "a,,c\n", NULL, TOW_E_CONFIG, "in.csv: column 2 of 3 has no name");
    assert_fails(state, "", SET("columns", "x,y,x"), TOW_E_CONFIG,
                 "columns: columns 1 and 3 are both called \"x\"");
    assert_fails(state, "", SET("columns", "x,"), TOW_E_CONFIG, "column 2 of 2 has no name");
}

static void test_bad_headers_are_refused(void **state)
{
    assert_fails(state, "a,\"b\"c\n", NULL, TOW_E_ENV, "line 1: the header has text behind");
    assert_fails(state, "\n\na,\"b\n1,2\n", NULL, TOW_E_ENV,
                 "line 3: a quote in the header is not closed");
    assert_fails(state, "abcdefg,h\n", SET("max_row_bytes", "4"), TOW_E_ENV,
                 "line 1: the header is longer than max_row_bytes = 4");
    assert_fails(state, "a,\xFF\n", NULL, TOW_E_ENV, "the name of column 2 is not valid UTF-8");
    assert_fails(state, "a,b\n", SET("columns", "x,y,z"), TOW_E_ENV,
                 "has 2 columns in its header; the job's columns are 3");
}

static void test_without_any_header_columns_are_asked_for(void **state)
{
    assert_fails(state, "", NULL, TOW_E_ENV, "there is no file with a header");
    assert_fails(state, "\n\n#\n", SET("comment", "#"), TOW_E_ENV, "columns = [");
    assert_parses(state, "", SET("columns", "a,b"), "");
}

/* ---- settings ------------------------------------------------------------------------------- */

static void test_settings_that_make_no_sense_are_refused(void **state)
{
    assert_fails(state, "", SET("delimiter", ""), TOW_E_CONFIG, "delimiter \"\" has 0 bytes");
    assert_fails(state, "", SET("delimiter", "12345"), TOW_E_CONFIG, "has 5 bytes; 1 to 4");
    assert_fails(state, "", SET("delimiter", "a\n"), TOW_E_CONFIG, "must not hold a line end");
    assert_fails(state, "", SET("delimiter", "\xA6"), TOW_E_CONFIG, "not valid UTF-8");
    assert_fails(state, "", SET("quote", "ab"), TOW_E_CONFIG, "quote \"ab\" is not one ASCII");
    assert_fails(state, "", SET("quote", ","), TOW_E_CONFIG, "part of the delimiter");
    assert_fails(state, "", SET("escape", "\n"), TOW_E_CONFIG, "escape \"?\" is not one ASCII");
    assert_fails(state, "", SET("comment", "\"x"), TOW_E_CONFIG, "begins with the quote");
    assert_fails(state, "", SET("comment", ",x"), TOW_E_CONFIG, "begins with the delimiter");
    assert_fails(state, "", SET("comment", "a\n"), TOW_E_CONFIG, "must not hold a line end");
    assert_fails(state, "", SET("header", "false"), TOW_E_CONFIG, "header = false needs the names");
    assert_fails(state, "", SET("path", ""), TOW_E_CONFIG, "path is empty");
    assert_fails(state, "", SET("path", "-", "incremental", "file"), TOW_E_CONFIG,
                 "path is standard input");
    setenv("TOWPATH_CSV_INDEX", "fast", 1);
    assert_fails(state, "a\n", NULL, TOW_E_CONFIG, "there is no index \"fast\"");
    unsetenv("TOWPATH_CSV_INDEX");
}

static void test_check_finds_what_open_would_and_consumes_nothing(void **state)
{
    static const struct tow_host host;
    const struct tow_plugin *plugin = csv_LTX_tow_plugin_entry();
    struct tow_error err = TOW_ERROR_INIT;
    void *self = fake_instance_new(plugin, SET("path", csv_path(*state, "missing.csv")));

    assert_int_equal(plugin->source->check(self, &host, &err), TOW_E_ENV);
    assert_says(err, "missing.csv cannot be read: No such file");
    fake_instance_free(self);
    self = fake_instance_new(plugin, SET("path", "-", "quote", "ab"));
    assert_int_equal(plugin->source->check(self, &host, &err), TOW_E_CONFIG);
    fake_instance_free(self);
    self = fake_instance_new(plugin, SET("path", "-"));
    assert_ok(plugin->source->check(self, &host, &err), err);
    fake_instance_free(self);
}

static void test_long_rows_do_not_hold_memory(void **state)
{
    static char text[300000];
    const char *settings[] = {"path", csv_path(*state, "in.csv"), NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    struct csv_run run;

    memset(text, 'x', sizeof text);
    memcpy(text, "a,b\n1,", 6);
    memcpy(text + 200000, "\n2,", 3);
    text[sizeof text - 1] = '\n';
    for (size_t at = 200010; at < sizeof text - 10; at += 10)
        memcpy(text + at, "\n3,4", 4);
    scratch_write(settings[1], text, sizeof text);
    fake_host_init(&fake);
    csv_run_init(&run, &fake, settings, 1000);
    assert_ok(csv_run_open(&run, NULL, &err), err);
    assert_int_equal(csv_run_read_all(&run, &err), TOW_END);
    assert_true(run.rows.size > 200000);
    assert_int_equal(((struct tow_csv_source *)run.self)->window.capacity, 1000 + TOW_WINDOW_HISTORY);
    csv_run_release(&run);
    fake_host_release(&fake);
}

#define CSV_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CSV_TEST(test_rows_are_fields_with_their_lines),
        CSV_TEST(test_a_last_line_without_end_counts),
        CSV_TEST(test_lf_and_crlf_mix_and_a_lone_cr_is_data),
        CSV_TEST(test_quotes_keep_delimiters_line_ends_and_doubled_quotes),
        CSV_TEST(test_a_quote_inside_an_unquoted_field_is_data),
        CSV_TEST(test_empty_is_null_and_quoted_empty_is_a_string),
        CSV_TEST(test_null_values_replace_the_default),
        CSV_TEST(test_long_null_values_are_compared_whole),
        CSV_TEST(test_blank_lines_are_skipped_and_counted),
        CSV_TEST(test_trim_takes_blanks_outside_quotes),
        CSV_TEST(test_delimiters_may_have_up_to_four_bytes),
        CSV_TEST(test_escapes_make_the_next_byte_data),
        CSV_TEST(test_other_quotes_and_none),
        CSV_TEST(test_comments_are_skipped_whatever_they_hold),
        CSV_TEST(test_skip_lines_come_before_the_header),
        CSV_TEST(test_a_byte_order_mark_is_no_part_of_the_first_name),
        CSV_TEST(test_columns_name_the_fields),
        CSV_TEST(test_values_of_all_lengths_come_through),
        CSV_TEST(test_text_behind_a_closing_quote_costs_its_line),
        CSV_TEST(test_a_stray_quote_costs_one_line),
        CSV_TEST(test_an_open_quote_is_followed_for_max_row_bytes),
        CSV_TEST(test_long_rows_are_one_reject),
        CSV_TEST(test_rejects_name_line_offset_and_reason),
        CSV_TEST(test_other_numbers_of_fields_are_rejected),
        CSV_TEST(test_pad_fills_up_and_drops_empty_surplus),
        CSV_TEST(test_nul_bytes_are_rejected),
        CSV_TEST(test_bytes_that_are_not_utf8_are_rejected_or_replaced),
        CSV_TEST(test_a_file_of_rejects_alone_is_a_batch_without_rows),
        CSV_TEST(test_the_host_can_ask_for_the_batch_while_rejecting),
        CSV_TEST(test_doubled_and_empty_names_are_refused),
        CSV_TEST(test_bad_headers_are_refused),
        CSV_TEST(test_without_any_header_columns_are_asked_for),
        CSV_TEST(test_settings_that_make_no_sense_are_refused),
        CSV_TEST(test_check_finds_what_open_would_and_consumes_nothing),
        CSV_TEST(test_long_rows_do_not_hold_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
