#include "unit.h"

#include <math.h>

#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- types ---------------------------------------------------------------------------------- */

static const struct tow_field all_fields[] = {
    {"bool", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"int8", {TOW_TYPE_INT8, 0, 0}, 0},
    {"int16", {TOW_TYPE_INT16, 0, 0}, 0},
    {"int32", {TOW_TYPE_INT32, 0, 0}, 0},
    {"int64", {TOW_TYPE_INT64, 0, 0}, 0},
    {"uint8", {TOW_TYPE_UINT8, 0, 0}, 0},
    {"uint16", {TOW_TYPE_UINT16, 0, 0}, 0},
    {"uint32", {TOW_TYPE_UINT32, 0, 0}, 0},
    {"uint64", {TOW_TYPE_UINT64, 0, 0}, 0},
    {"float32", {TOW_TYPE_FLOAT32, 0, 0}, 0},
    {"float64", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"decimal", {TOW_TYPE_DECIMAL, 38, 3}, 0},
    {"string", {TOW_TYPE_STRING, 0, 0}, 0},
    {"binary", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"date", {TOW_TYPE_DATE, 0, 0}, 0},
    {"timestamp", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"timestamp_ntz", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
    {"json", {TOW_TYPE_JSON, 0, 0}, 0},
};

/* A row of extremes and a row of nulls. */
static void table_init_all(struct table *table)
{
    static const int64_t integers[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    static const uint64_t naturals[] = {UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX};
    struct tow_builder *builder;
    struct tow_error *err = &table->err;

    table_init(table, all_fields, COUNT(all_fields));
    builder = table->builder;
    assert_ok(tow_append_bool(builder, 0, 1, err), *err);
    for (size_t i = 0; i < COUNT(integers); i++) {
        assert_ok(tow_append_int64(builder, 1 + i, integers[i], err), *err);
        assert_ok(tow_append_uint64(builder, 5 + i, naturals[i], err), *err);
    }
    assert_ok(tow_append_double(builder, 9, 0.5, err), *err);
    assert_ok(tow_append_double(builder, 10, 0.1, err), *err);
    assert_ok(tow_append_decimal(builder, 11, (struct tow_decimal){(uint64_t)-1500, -1}, err),
              *err);
    table_put_text(table, 12, "text");
    table_put_bytes(table, 13, "\0\xff\x10\x80", 4);
    assert_ok(tow_append_int64(builder, 14, 19723, err), *err);
    assert_ok(tow_append_int64(builder, 15, 1700000000123456, err), *err);
    assert_ok(tow_append_int64(builder, 16, 1700000000000000, err), *err);
    table_put_text(table, 17, "{\"k\":[1,2]}");
    table_end_row(table);
    table_end_row(table);
    table_finish(table);
}

static void test_csv_writes_every_type(void **state)
{
    struct table table;

    (void)state;
    table_init_all(&table);
    assert_string_equal(
        table_csv(&table, NULL, 1),
        "bool,int8,int16,int32,int64,uint8,uint16,uint32,uint64,float32,float64,decimal,"
        "string,binary,date,timestamp,timestamp_ntz,json\n"
        "true,-128,-32768,-2147483648,-9223372036854775808,255,65535,4294967295,"
        "18446744073709551615,0.5,0.1,-1.500,text,AP8QgA==,2024-01-01,"
        "2023-11-14T22:13:20.123456Z,2023-11-14T22:13:20,\"{\"\"k\"\":[1,2]}\"\n"
        ",,,,,,,,,,,,,,,,,\n");
    table_release(&table);
}

static void test_json_writes_every_type(void **state)
{
    struct table table;

    (void)state;
    table_init_all(&table);
    assert_string_equal(
        table_json(&table, 0),
        "{\"bool\":true,\"int8\":-128,\"int16\":-32768,\"int32\":-2147483648,"
        "\"int64\":-9223372036854775808,\"uint8\":255,\"uint16\":65535,\"uint32\":4294967295,"
        "\"uint64\":18446744073709551615,\"float32\":0.5,\"float64\":0.1,\"decimal\":-1.500,"
        "\"string\":\"text\",\"binary\":\"AP8QgA==\",\"date\":\"2024-01-01\","
        "\"timestamp\":\"2023-11-14T22:13:20.123456Z\","
        "\"timestamp_ntz\":\"2023-11-14T22:13:20\",\"json\":{\"k\":[1,2]}}\n"
        "{\"bool\":null,\"int8\":null,\"int16\":null,\"int32\":null,\"int64\":null,"
        "\"uint8\":null,\"uint16\":null,\"uint32\":null,\"uint64\":null,\"float32\":null,"
        "\"float64\":null,\"decimal\":null,\"string\":null,\"binary\":null,\"date\":null,"
        "\"timestamp\":null,\"timestamp_ntz\":null,\"json\":null}\n");
    table_release(&table);
}

static void test_json_values_are_strings_when_told(void **state)
{
    struct table table;

    (void)state;
    table_init_all(&table);
    assert_string_equal(
        table_json(&table, TOW_JSON_STRINGS | TOW_JSON_OMIT_NULLS),
        "{\"bool\":\"true\",\"int8\":\"-128\",\"int16\":\"-32768\","
        "\"int32\":\"-2147483648\",\"int64\":\"-9223372036854775808\",\"uint8\":\"255\","
        "\"uint16\":\"65535\",\"uint32\":\"4294967295\","
        "\"uint64\":\"18446744073709551615\",\"float32\":\"0.5\",\"float64\":\"0.1\","
        "\"decimal\":\"-1.500\",\"string\":\"text\",\"binary\":\"AP8QgA==\","
        "\"date\":\"2024-01-01\",\"timestamp\":\"2023-11-14T22:13:20.123456Z\","
        "\"timestamp_ntz\":\"2023-11-14T22:13:20\",\"json\":\"{\\\"k\\\":[1,2]}\"}\n"
        "{}\n");
    assert_non_null(
        strstr(table_json(&table, TOW_JSON_STRINGS), "\n{\"bool\":null,\"int8\":null,"));
    table_release(&table);
}

static void test_json_leaves_nulls_out_when_told(void **state)
{
    static const char *const rows[][3] = {
        {NULL, "x", NULL}, {"x", NULL, "y"}, {NULL, NULL, NULL}, {NULL, NULL, ""}};
    struct table table;

    (void)state;
    table_init_strings(&table, 3);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add_row(&table, rows[i], 3);
    table_finish(&table);
    assert_string_equal(table_json(&table, TOW_JSON_OMIT_NULLS), "{\"b\":\"x\"}\n"
                                                                 "{\"a\":\"x\",\"c\":\"y\"}\n"
                                                                 "{}\n"
                                                                 "{\"c\":\"\"}\n");
    assert_string_equal(table_json(&table, TOW_JSON_OMIT_NULLS | TOW_JSON_OMIT_EMPTY),
                        "{\"b\":\"x\"}\n"
                        "{\"a\":\"x\",\"c\":\"y\"}\n"
                        "{}\n"
                        "{}\n");
    assert_string_equal(table_json(&table, TOW_JSON_OMIT_EMPTY),
                        "{\"a\":null,\"b\":\"x\",\"c\":null}\n"
                        "{\"a\":\"x\",\"b\":null,\"c\":\"y\"}\n"
                        "{\"a\":null,\"b\":null,\"c\":null}\n"
                        "{\"a\":null,\"b\":null,\"c\":null}\n");
    table_release(&table);
}

static void test_nan_and_infinities_are_strings_in_json_and_bare_in_csv(void **state)
{
    static const struct tow_field fields[] = {{"d", {TOW_TYPE_FLOAT64, 0, 0}, 0},
                                              {"f", {TOW_TYPE_FLOAT32, 0, 0}, 0}};
    const double values[] = {NAN, INFINITY, -INFINITY, -0.0};
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_ok(tow_append_double(table.builder, 0, values[i], &table.err), table.err);
        assert_ok(tow_append_double(table.builder, 1, values[i], &table.err), table.err);
        table_end_row(&table);
    }
    table_finish(&table);
    assert_string_equal(table_csv(&table, NULL, 0),
                        "NaN,NaN\nInfinity,Infinity\n-Infinity,-Infinity\n-0,-0\n");
    assert_string_equal(table_json(&table, 0), "{\"d\":\"NaN\",\"f\":\"NaN\"}\n"
                                               "{\"d\":\"Infinity\",\"f\":\"Infinity\"}\n"
                                               "{\"d\":\"-Infinity\",\"f\":\"-Infinity\"}\n"
                                               "{\"d\":-0,\"f\":-0}\n");
    table_release(&table);
}

static void test_json_columns_stand_on_one_line(void **state)
{
    static const struct tow_field fields[] = {{"j", {TOW_TYPE_JSON, 0, 0}, 0}};
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    table_put_text(&table, 0, "{\n  \"a\": \"one\\ntwo\",\r\n  \"bcdefghijklmnopq\": [1,\n2]\n}");
    table_end_row(&table);
    table_put_text(&table, 0, "");
    table_end_row(&table);
    table_finish(&table);
    assert_string_equal(
        table_json(&table, 0),
        "{\"j\":{   \"a\": \"one\\ntwo\",    \"bcdefghijklmnopq\": [1, 2] }}\n{\"j\":null}\n");
    table_release(&table);
}

/* ---- CSV: quotes and nulls ------------------------------------------------------------------ */

static void test_csv_keeps_null_and_empty_apart(void **state)
{
    static const char *const rows[][2] = {{NULL, ""}, {"", NULL}, {"NULL", "null"}};
    const struct tow_csv_format format = {.null_text = "NULL"};
    struct table table;

    (void)state;
    table_init_strings(&table, 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add_row(&table, rows[i], 2);
    table_finish(&table);
    assert_string_equal(table_csv(&table, NULL, 0), ",\"\"\n\"\",\nNULL,null\n");
    assert_string_equal(table_csv(&table, &format, 0), "NULL,\"\"\n\"\",NULL\n\"NULL\",null\n");
    table_release(&table);
}

static void test_csv_quotes_only_what_needs_it(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"plain", "plain\n"},
        {" spaces stay ", " spaces stay \n"},
        {"a,b", "\"a,b\"\n"},
        {"say \"hi\"", "\"say \"\"hi\"\"\"\n"},
        {"\"", "\"\"\"\"\n"},
        {"line\nfeed", "\"line\nfeed\"\n"},
        {"carriage\rreturn", "\"carriage\rreturn\"\n"},
        {"tab\tand;semicolon", "tab\tand;semicolon\n"},
        {"\xf0\x9f\x9a\xa2 \xe2\x82\xac", "\xf0\x9f\x9a\xa2 \xe2\x82\xac\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct table table;

        table_init_strings(&table, 1);
        table_add_row(&table, &cases[i].text, 1);
        table_finish(&table);
        assert_string_equal(table_csv(&table, NULL, 0), cases[i].expected);
        table_release(&table);
    }
}

static void test_csv_takes_delimiters_of_one_to_four_bytes(void **state)
{
    static const char *const row[] = {"a,b", "c|d", "e"};
    static const struct {
        const char *delimiter, *expected;
    } cases[] = {
        {"\t", "a,b\tc|d\te\n"},
        {"|", "a,b|\"c|d\"|e\n"},
        {"||", "a,b||\"c|d\"||e\n"},
        {"\xe2\x82\xac", "a,b\xe2\x82\xac"
                         "c|d\xe2\x82\xac"
                         "e\n"},
        {"<=>;", "a,b<=>;c|d<=>;e\n"},
    };
    struct table table;

    (void)state;
    table_init_strings(&table, 3);
    table_add_row(&table, row, 3);
    table_finish(&table);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_csv_format format = {.delimiter = cases[i].delimiter};

        assert_string_equal(table_csv(&table, &format, 0), cases[i].expected);
    }
    table_release(&table);
}

static void test_csv_quotes_numbers_that_look_like_delimiter_or_null(void **state)
{
    static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"x", {TOW_TYPE_FLOAT64, 0, 0}, 0},
                                              {"b", {TOW_TYPE_BINARY, 0, 0}, 0}};
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    for (int row = 0; row < 2; row++) {
        assert_ok(tow_append_int64(table.builder, 0, row ? 0 : -7, &table.err), table.err);
        assert_ok(tow_append_double(table.builder, 1, row ? 0 : 2.5, &table.err), table.err);
        table_put_bytes(&table, 2, "\x35\x42\xcb", row ? 3 : 0); /* base64: "NULL" */
        table_end_row(&table);
    }
    table_finish(&table);
    assert_string_equal(table_csv(&table, &(struct tow_csv_format){.delimiter = "."}, 0),
                        "-7.\"2.5\".\"\"\n0.0.NULL\n");
    assert_string_equal(table_csv(&table, &(struct tow_csv_format){.delimiter = "-"}, 0),
                        "\"-7\"-2.5-\"\"\n0-0-NULL\n");
    assert_string_equal(table_csv(&table, &(struct tow_csv_format){.null_text = "0"}, 0),
                        "-7,2.5,\"\"\n\"0\",\"0\",NULL\n");
    assert_string_equal(table_csv(&table, &(struct tow_csv_format){.null_text = "NULL"}, 0),
                        "-7,2.5,\"\"\n0,0,\"NULL\"\n");
    table_release(&table);
}

static void test_csv_quotes_all_but_nulls_when_told(void **state)
{
    static const struct tow_field fields[] = {{"id", {TOW_TYPE_INT32, 0, 0}, 0},
                                              {"a \"b\"", {TOW_TYPE_STRING, 0, 0}, 0}};
    const struct tow_csv_format format = {.quote_all = 1, .line_end = "\r\n"};
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    assert_ok(tow_append_int64(table.builder, 0, 12, &table.err), table.err);
    table_put_text(&table, 1, "x");
    table_end_row(&table);
    table_end_row(&table);
    table_finish(&table);
    assert_string_equal(table_csv(&table, &format, 1),
                        "\"id\",\"a \"\"b\"\"\"\r\n\"12\",\"x\"\r\n,\r\n");
    table_release(&table);
}

static void test_csv_refuses_formats_that_cannot_be_read_back(void **state)
{
    static const struct {
        struct tow_csv_format format;
        const char *says;
    } cases[] = {
        {{.delimiter = ""}, "0 bytes"},
        {{.delimiter = "abcde"}, "5 bytes"},
        {{.delimiter = "\""}, "quote"},
        {{.delimiter = "a\nb"}, "line end"},
        {{.null_text = "a,b"}, "a,b"},
        {{.null_text = "\""}, "quote"},
        {{.delimiter = "||", .null_text = "|"}, "delimiter"},
        {{.line_end = "\n\n"}, "line end"},
        {{.line_end = ""}, "line end"},
    };
    struct table table;

    (void)state;
    table_init_strings(&table, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_error err = TOW_ERROR_INIT;

        assert_null(tow_csv_writer_new(&table.schema, &cases[i].format, &err));
        assert_int_equal(err.code, TOW_E_CONFIG);
        assert_says(err, cases[i].says);
    }
    table_release(&table);
}

static void test_writers_refuse_schemas_that_are_none(void **state)
{
    struct ArrowSchema schema = {.format = "i", .name = ""};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_null(tow_csv_writer_new(&schema, NULL, &err));
    assert_int_not_equal(err.code, TOW_OK);
    err.code = TOW_OK;
    assert_null(tow_json_writer_new(&schema, 0, &err));
    assert_int_not_equal(err.code, TOW_OK);
    tow_csv_writer_free(NULL);
    tow_json_writer_free(NULL);
}

static void test_names_are_escaped_in_keys(void **state)
{
    static const struct tow_field fields[] = {
        {"a \"quoted\"\nname, longer than one block", {TOW_TYPE_INT8, 0, 0}, 0}};
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    assert_ok(tow_append_int64(table.builder, 0, 1, &table.err), table.err);
    table_end_row(&table);
    table_finish(&table);
    assert_string_equal(table_json(&table, 0),
                        "{\"a \\\"quoted\\\"\\nname, longer than one block\":1}\n");
    assert_string_equal(table_csv(&table, NULL, 1),
                        "\"a \"\"quoted\"\"\nname, longer than one block\"\n1\n");
    table_release(&table);
}

static void test_no_memory_leaves_the_buffer_as_it_was(void **state)
{
    char byte = 'x';
    struct tow_buffer full = {&byte, SIZE_MAX - 8, SIZE_MAX - 8};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_csv_writer *csv;
    struct tow_json_writer *json;
    struct table table;

    (void)state;
    table_init_all(&table);
    csv = tow_csv_writer_new(&table.schema, NULL, &err);
    json = tow_json_writer_new(&table.schema, 0, &err);
    assert_int_equal(tow_csv_writer_header(csv, &full, &err), TOW_E_NOMEM);
    assert_int_equal(tow_csv_writer_rows(csv, &table.array, 0, 2, &full, &err), TOW_E_NOMEM);
    assert_int_equal(tow_json_writer_rows(json, &table.array, 0, 2, &full, &err), TOW_E_NOMEM);
    assert_int_equal(tow_json_writer_object(json, &table.array, 0, &full, &err), TOW_E_NOMEM);
    assert_int_equal(tow_buffer_json_string(&full, "abc", 3, &err), TOW_E_NOMEM);
    assert_true(full.size == SIZE_MAX - 8);
    assert_int_equal(byte, 'x');
    tow_csv_writer_free(csv);
    tow_json_writer_free(json);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_writes_every_type),
        cmocka_unit_test(test_json_writes_every_type),
        cmocka_unit_test(test_json_values_are_strings_when_told),
        cmocka_unit_test(test_json_leaves_nulls_out_when_told),
        cmocka_unit_test(test_nan_and_infinities_are_strings_in_json_and_bare_in_csv),
        cmocka_unit_test(test_json_columns_stand_on_one_line),
        cmocka_unit_test(test_csv_keeps_null_and_empty_apart),
        cmocka_unit_test(test_csv_quotes_only_what_needs_it),
        cmocka_unit_test(test_csv_takes_delimiters_of_one_to_four_bytes),
        cmocka_unit_test(test_csv_quotes_numbers_that_look_like_delimiter_or_null),
        cmocka_unit_test(test_csv_quotes_all_but_nulls_when_told),
        cmocka_unit_test(test_csv_refuses_formats_that_cannot_be_read_back),
        cmocka_unit_test(test_writers_refuse_schemas_that_are_none),
        cmocka_unit_test(test_names_are_escaped_in_keys),
        cmocka_unit_test(test_no_memory_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
