/* What the programs print with: numbers for people, tables, JSON. */
#include "unit.h"

#include "console/doc.h"
#include "console/human.h"
#include "console/run_doc.h"
#include "console/table.h"

static char printed[4096];

static FILE *print_to(void)
{
    memset(printed, 0, sizeof printed);
    FILE *to = fmemopen(printed, sizeof printed, "w");
    assert_non_null(to);
    return to;
}

static void test_counts_are_grouped_in_thousands(void **state)
{
    char text[TOW_HUMAN_MAX];

    (void)state;
    assert_string_equal(tow_human_count(0, text), "0");
    assert_string_equal(tow_human_count(999, text), "999");
    assert_string_equal(tow_human_count(1000, text), "1,000");
    assert_string_equal(tow_human_count(-123456, text), "-123,456");
    assert_string_equal(tow_human_count(INT64_MAX, text), "9,223,372,036,854,775,807");
    assert_string_equal(tow_human_count(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

static void test_rates_keep_two_digits(void **state)
{
    char text[TOW_HUMAN_MAX];

    (void)state;
    assert_string_equal(tow_human_row_rate(0, text), "0 rows/s");
    assert_string_equal(tow_human_row_rate(999.4, text), "999 rows/s");
    assert_string_equal(tow_human_row_rate(999.6, text), "1.0 k rows/s");
    assert_string_equal(tow_human_row_rate(1234567, text), "1.2 M rows/s");
    assert_string_equal(tow_human_row_rate(9.96e6, text), "10 M rows/s");
    assert_string_equal(tow_human_row_rate(1e12, text), "1000 G rows/s");
    assert_string_equal(tow_human_byte_rate(12, text), "12 B/s");
    assert_string_equal(tow_human_byte_rate(230e6, text), "230 MB/s");
}

static void test_bytes_are_scaled_by_1024(void **state)
{
    char text[TOW_HUMAN_MAX];

    (void)state;
    assert_string_equal(tow_human_bytes(1023, text), "1023 B");
    assert_string_equal(tow_human_bytes(1024, text), "1.0 KiB");
    assert_string_equal(tow_human_bytes(3250585, text), "3.1 MiB");
}

static void test_times_are_read_as_clocks(void **state)
{
    char text[TOW_HUMAN_MAX];

    (void)state;
    assert_string_equal(tow_human_clock(41999, text), "00:41");
    assert_string_equal(tow_human_clock(3723000, text), "1:02:03");
    assert_string_equal(tow_human_lapse(1234567, text), "1.235 s");
    assert_string_equal(tow_human_lapse(83000000, text), "1 min 23 s");
    assert_string_equal(tow_human_lapse(INT64_C(7384000000), text), "2 h 3 min");
    assert_string_equal(tow_human_moment(0, text), "-");
    assert_string_equal(tow_human_moment(INT64_C(1714557600000000), text), "2024-05-01 10:00:00Z");
}

static void test_a_table_lines_up_by_characters(void **state)
{
    static const struct tow_table_column columns[] = {
        {"NAME", 0, 0}, {"ROWS", 1, 0}, {"NOTE", 0, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_table *table = tow_table_new(columns, 3);
    FILE *to = print_to();

    (void)state;
    tow_table_add(table, "gr\xc3\xbc\xc3\x9f");
    tow_table_add(table, "%d", 12345);
    tow_table_add(table, "a\tb");
    tow_table_add(table, "x");
    tow_table_add(table, "7");
    tow_table_end_row(table);
    tow_table_add(table, "alone");
    assert_ok(tow_table_print(table, 2, to, &err), err);
    fclose(to);
    assert_string_equal(printed, "  NAME    ROWS  NOTE\n"
                                 "  gr\xc3\xbc\xc3\x9f   12345  a b\n"
                                 "  x          7\n"
                                 "  alone\n");
}

static void test_a_block_has_no_head_and_keeps_its_width(void **state)
{
    static const struct tow_table_column columns[] = {{NULL, 0, 9}, {NULL, 0, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_table *table = tow_table_new(columns, 2);
    FILE *to = print_to();

    (void)state;
    tow_table_add(table, "job");
    tow_table_add(table, "orders");
    assert_ok(tow_table_print(table, 0, to, &err), err);
    fclose(to);
    assert_string_equal(printed, "job        orders\n");
}

static void test_a_table_without_memory_says_so(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    tow_table_add(NULL, "x");
    tow_table_end_row(NULL);
    assert_int_equal(tow_table_print(NULL, 0, stdout, &err), TOW_E_NOMEM);
}

static void test_a_document_places_commas_and_escapes(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = print_to()};

    (void)state;
    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "a\"b", "line\n\xff");
    tow_doc_text(&doc, "none", NULL);
    tow_doc_open(&doc, "list", '[');
    tow_doc_int(&doc, NULL, INT64_MIN);
    tow_doc_real(&doc, NULL, 0.5);
    tow_doc_bool(&doc, NULL, 1);
    tow_doc_close(&doc, ']');
    tow_doc_open(&doc, "empty", '{');
    tow_doc_close(&doc, '}');
    tow_doc_raw(&doc, "raw", "{\"x\":1}", 7);
    tow_doc_time(&doc, "time", INT64_C(1714557600000000));
    tow_doc_time(&doc, "never", 0);
    tow_doc_close(&doc, '}');
    fclose(doc.to);
    assert_ok(tow_doc_end(&doc, &err), err);
    assert_string_equal(printed, "{\n"
                                 "  \"a\\\"b\": \"line\\n\xef\xbf\xbd\",\n"
                                 "  \"none\": null,\n"
                                 "  \"list\": [\n"
                                 "    -9223372036854775808,\n"
                                 "    0.5,\n"
                                 "    true\n"
                                 "  ],\n"
                                 "  \"empty\": {},\n"
                                 "  \"raw\": {\"x\":1},\n"
                                 "  \"time\": \"2024-05-01T10:00:00Z\",\n"
                                 "  \"never\": null\n"
                                 "}\n");
}

static void print_last(const struct tow_run *run)
{
    const struct tow_last_run last = tow_last_run(run);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = print_to()};

    tow_doc_open(&doc, NULL, '{');
    tow_run_doc_last(&doc, &last);
    tow_doc_close(&doc, '}');
    assert_ok(tow_doc_end(&doc, &err), err);
    fclose(doc.to);
}

static void test_a_run_that_was_interrupted_has_no_exit_code(void **state)
{
    struct tow_run run = {.id = 7, .status = "interrupted", .exit_code = -1, .end_us = 1};

    (void)state;
    print_last(&run);
    assert_non_null(strstr(printed, "\"exit_code\": null"));
    assert_non_null(strstr(printed, "\"status\": \"interrupted\""));
    run.exit_code = 0;
    print_last(&run);
    assert_non_null(strstr(printed, "\"exit_code\": 0"));
    run.id = 0;
    print_last(&run);
    assert_string_equal(printed, "{\n  \"last\": null\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_grouped_in_thousands),
        cmocka_unit_test(test_rates_keep_two_digits),
        cmocka_unit_test(test_bytes_are_scaled_by_1024),
        cmocka_unit_test(test_times_are_read_as_clocks),
        cmocka_unit_test(test_a_table_lines_up_by_characters),
        cmocka_unit_test(test_a_block_has_no_head_and_keeps_its_width),
        cmocka_unit_test(test_a_table_without_memory_says_so),
        cmocka_unit_test(test_a_document_places_commas_and_escapes),
        cmocka_unit_test(test_a_run_that_was_interrupted_has_no_exit_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
