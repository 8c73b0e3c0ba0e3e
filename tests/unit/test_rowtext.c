#include "unit.h"

#include <jansson.h>
#include <math.h>

#include "foreign.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- tables and their text ------------------------------------------------------------------ */

struct table {
    struct ArrowSchema schema;
    struct tow_builder *builder;
    struct ArrowArray array;
    struct tow_buffer text;
    struct tow_error err;
};

static void table_init(struct table *table, const struct tow_field *fields, size_t count)
{
    *table = (struct table){.err = TOW_ERROR_INIT};
    assert_ok(tow_schema_make(&table->schema, fields, count, &table->err), table->err);
    table->builder = tow_builder_new(fields, count, &table->err);
    assert_non_null(table->builder);
}

/* A table with string columns "a", "b", "c". */
static void table_init_strings(struct table *table, size_t count)
{
    static const struct tow_field fields[] = {{"a", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"b", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"c", {TOW_TYPE_STRING, 0, 0}, 0}};

    assert_true(count <= COUNT(fields));
    table_init(table, fields, count);
}

static void table_release(struct table *table)
{
    tow_buffer_release(&table->text);
    if (table->array.release)
        table->array.release(&table->array);
    tow_builder_free(table->builder);
    table->schema.release(&table->schema);
}

/* NULL appends a null. */
static void table_put_bytes(struct table *table, size_t column, const char *text, size_t length)
{
    if (text)
        assert_ok(tow_append_bytes(table->builder, column, text, length, &table->err), table->err);
    else
        assert_ok(tow_append_null(table->builder, column, &table->err), table->err);
}

static void table_put_text(struct table *table, size_t column, const char *text)
{
    table_put_bytes(table, column, text, text ? strlen(text) : 0);
}

static void table_end_row(struct table *table)
{
    assert_ok(tow_builder_end_row(table->builder, &table->err), table->err);
}

static void table_add_row(struct table *table, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table_put_text(table, i, texts[i]);
    table_end_row(table);
}

static void table_finish(struct table *table)
{
    assert_ok(tow_builder_finish(table->builder, &table->array, &table->err), table->err);
}

static const char *table_text(struct table *table)
{
    assert_ok(tow_buffer_append(&table->text, "", 1, &table->err), table->err);
    table->text.size = 0;
    return table->text.data;
}

static const char *table_csv(struct table *table, const struct tow_csv_format *format, int header)
{
    struct tow_csv_writer *writer = tow_csv_writer_new(&table->schema, format, &table->err);

    if (!writer)
        fail_msg("%s", table->err.message);
    if (header)
        assert_ok(tow_csv_writer_header(writer, &table->text, &table->err), table->err);
    assert_ok(tow_csv_writer_rows(writer, &table->array, 0, table->array.length, &table->text,
                                  &table->err),
              table->err);
    tow_csv_writer_free(writer);
    return table_text(table);
}

static const char *table_json(struct table *table, int omit_nulls)
{
    struct tow_json_writer *writer = tow_json_writer_new(&table->schema, omit_nulls, &table->err);

    if (!writer)
        fail_msg("%s", table->err.message);
    assert_ok(tow_json_writer_rows(writer, &table->array, 0, table->array.length, &table->text,
                                   &table->err),
              table->err);
    tow_json_writer_free(writer);
    return table_text(table);
}

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
    assert_string_equal(table_json(&table, 1), "{\"b\":\"x\"}\n"
                                               "{\"a\":\"x\",\"c\":\"y\"}\n"
                                               "{}\n"
                                               "{\"c\":\"\"}\n");
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

/* ---- every alignment ------------------------------------------------------------------------ */

static size_t naive_csv(char *p, const char *text, size_t length)
{
    const char *start = p;
    int quote = length == 0;

    for (size_t i = 0; i < length; i++)
        quote |= text[i] && strchr(",\"\r\n", text[i]);
    if (quote)
        *p++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            *p++ = '"';
        *p++ = text[i];
    }
    if (quote)
        *p++ = '"';
    *p++ = '\n';
    return (size_t)(p - start);
}

static size_t naive_json(char *p, const char *text, size_t length)
{
    static const char shorts[] = "\b\f\n\r\t\"\\";
    static const char letters[] = "bfnrt\"\\";
    const char *start = p;

    p += sprintf(p, "{\"a\":\"");
    for (size_t i = 0; i < length; i++) {
        const char *found = text[i] ? strchr(shorts, text[i]) : NULL;

        if (found)
            p += sprintf(p, "\\%c", letters[found - shorts]);
        else if ((unsigned char)text[i] < 0x20)
            p += sprintf(p, "\\u%04x", (unsigned char)text[i]);
        else
            *p++ = text[i];
    }
    p += sprintf(p, "\"}\n");
    return (size_t)(p - start);
}

/* One row whose text ends exactly where its memory ends, so that a read beyond shows. */
static void check_text(const struct ArrowSchema *schema, const char *text, size_t length)
{
    char expected[4096];
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {NULL, 0, 0};
    struct foreign_batch batch;
    const int32_t offsets[] = {0, (int32_t)length};
    char *exact = malloc(length + !length);
    struct tow_csv_writer *csv = tow_csv_writer_new(schema, NULL, &err);
    struct tow_json_writer *json = tow_json_writer_new(schema, 0, &err);
    size_t size;

    assert_non_null(exact);
    assert_non_null(csv);
    assert_non_null(json);
    memcpy(exact, text, length);
    foreign_init(&batch, 1);
    foreign_add(&batch, NULL, offsets, exact);

    size = naive_csv(expected, text, length);
    assert_ok(tow_csv_writer_rows(csv, &batch.array, 0, 1, &out, &err), err);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);

    out.size = 0;
    size = naive_json(expected, text, length);
    assert_ok(tow_json_writer_rows(json, &batch.array, 0, 1, &out, &err), err);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);

    batch.array.release(&batch.array);
    tow_csv_writer_free(csv);
    tow_json_writer_free(json);
    tow_buffer_release(&out);
    free(exact);
}

static void test_special_bytes_are_found_at_every_place(void **state)
{
    static const char specials[] = "\",\r\n\\\b\f\t\x01\x1f\x00 \x7f\x80";
    struct table table;
    char text[50];

    (void)state;
    table_init_strings(&table, 1);
    for (size_t length = 0; length <= 49; length++) {
        memset(text, 'x', sizeof text);
        check_text(&table.schema, text, length);
        for (size_t at = 0; at < length; at++) {
            text[at] = specials[(length + at) % (sizeof specials - 1)];
            check_text(&table.schema, text, length);
            text[at] = 'x';
        }
    }
    for (size_t i = 0; i < sizeof specials - 1; i++) {
        memset(text, specials[i], sizeof text);
        check_text(&table.schema, text, sizeof text);
    }
    table_release(&table);
}

/* ---- slices, groups ------------------------------------------------------------------------- */

static void test_offsets_of_batch_and_columns_are_honoured(void **state)
{
    static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT16, 0, 0}, 0},
                                              {"s", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"t", {TOW_TYPE_BOOL, 0, 0}, 0}};
    static const int16_t numbers[] = {1, 2, 3, 4, 5, 6, 7};
    static const int32_t offsets[] = {0, 1, 2, 3, 4, 5};
    static const uint8_t number_validity[] = {0x2f}; /* 5 is null */
    static const uint8_t bits[] = {0x08};
    struct foreign_batch batch;
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    foreign_init(&batch, 3);
    batch.array.offset = 1;
    foreign_add(&batch, number_validity, numbers, NULL)->offset = 2;
    foreign_add(&batch, NULL, offsets, "abcde");
    foreign_add(&batch, NULL, bits, NULL);
    for (int i = 0; i < 3; i++)
        batch.child[i].length = 4;
    table.array = batch.array;
    assert_string_equal(table_csv(&table, NULL, 0), "4,b,false\n,c,false\n6,d,true\n");
    assert_string_equal(table_json(&table, 0), "{\"n\":4,\"s\":\"b\",\"t\":false}\n"
                                               "{\"n\":null,\"s\":\"c\",\"t\":false}\n"
                                               "{\"n\":6,\"s\":\"d\",\"t\":true}\n");
    table_release(&table);
}

static void test_any_run_of_rows_can_be_written(void **state)
{
    enum { ROWS = 300 };
    static const int64_t runs[][2] = {{0, 0}, {0, 1}, {299, 1}, {63, 2}, {1, 298}, {128, 64}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_csv_writer *csv;
    struct tow_json_writer *json;
    struct table table;

    (void)state;
    table_init_strings(&table, 1);
    for (int row = 0; row < ROWS; row++) {
        char text[16];

        snprintf(text, sizeof text, "r%d", row);
        table_put_text(&table, 0, text);
        table_end_row(&table);
    }
    table_finish(&table);
    csv = tow_csv_writer_new(&table.schema, NULL, &err);
    json = tow_json_writer_new(&table.schema, 0, &err);
    for (size_t i = 0; i < COUNT(runs); i++) {
        char expected[32 * ROWS], *p = expected;

        table.text.size = 0;
        assert_ok(tow_csv_writer_rows(csv, &table.array, runs[i][0], runs[i][1], &table.text, &err),
                  err);
        assert_ok(
            tow_json_writer_rows(json, &table.array, runs[i][0], runs[i][1], &table.text, &err),
            err);
        for (int64_t row = runs[i][0]; row < runs[i][0] + runs[i][1]; row++)
            p += sprintf(p, "r%d\n", (int)row);
        for (int64_t row = runs[i][0]; row < runs[i][0] + runs[i][1]; row++)
            p += sprintf(p, "{\"a\":\"r%d\"}\n", (int)row);
        *p = '\0';
        assert_string_equal(table_text(&table), expected);
    }
    assert_ok(tow_json_writer_object(json, &table.array, 7, &table.text, &err), err);
    assert_string_equal(table_text(&table), "{\"a\":\"r7\"}");
    tow_csv_writer_free(csv);
    tow_json_writer_free(json);
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

/* ---- round trips ---------------------------------------------------------------------------- */

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* UTF-8 that is rich in what writers must look at. */
static size_t random_text(uint64_t *seed, char *text, size_t most)
{
    static const char *const pieces[] = {"\"",
                                         ",",
                                         "\n",
                                         "\r",
                                         "\\",
                                         "a",
                                         "bc",
                                         "\t",
                                         "\1",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x9a\xa2",
                                         " ",
                                         "0",
                                         "'",
                                         "long enough to fill a block"};
    size_t count = random_next(seed) % 12, length = 0;

    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_next(seed) % COUNT(pieces)];

        if (length + strlen(piece) > most)
            break;
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return length;
}

enum { TRIP_ROWS = 2000, TRIP_COLUMNS = 3, TRIP_TEXT = 120 };

struct trip {
    char text[TRIP_TEXT];
    size_t length;
    int is_null;
};

static struct trip trips[TRIP_ROWS][TRIP_COLUMNS];

static void table_init_trips(struct table *table)
{
    uint64_t seed = 42;

    table_init_strings(table, TRIP_COLUMNS);
    for (size_t row = 0; row < TRIP_ROWS; row++) {
        for (size_t i = 0; i < TRIP_COLUMNS; i++) {
            struct trip *trip = &trips[row][i];

            trip->is_null = random_next(&seed) % 8 == 0;
            trip->length = random_text(&seed, trip->text, TRIP_TEXT);
            table_put_bytes(table, i, trip->is_null ? NULL : trip->text, trip->length);
        }
        table_end_row(table);
    }
    table_finish(table);
}

/* Reads one field by RFC 4180 into `text`; stops at the delimiter or line end. */
static const char *read_field(const char *p, const char *delimiter, struct trip *out)
{
    out->length = 0;
    out->is_null = *p != '"';
    if (*p != '"') {
        while (*p != '\n' && strncmp(p, delimiter, strlen(delimiter)) != 0)
            out->text[out->length++] = *p++;
        out->is_null = out->length == 0;
        return p;
    }
    for (p++; p[0] != '"' || p[1] == '"'; p++) {
        p += *p == '"';
        out->text[out->length++] = *p;
    }
    return p + 1;
}

static void test_csv_reads_back_as_written(void **state)
{
    static const char *const delimiters[] = {",", "a", "bc", "long"};
    struct table table;

    (void)state;
    table_init_trips(&table);
    for (size_t i = 0; i < COUNT(delimiters); i++) {
        const struct tow_csv_format format = {.delimiter = delimiters[i]};
        const char *p = table_csv(&table, &format, 0);

        for (size_t cell = 0; cell < TRIP_ROWS * TRIP_COLUMNS; cell++) {
            const struct trip *trip = &trips[cell / TRIP_COLUMNS][cell % TRIP_COLUMNS];
            struct trip seen;

            p = read_field(p, delimiters[i], &seen);
            assert_int_equal(seen.is_null, trip->is_null);
            if (!trip->is_null) {
                assert_int_equal(seen.length, trip->length);
                assert_memory_equal(seen.text, trip->text, trip->length);
            }
            p += cell % TRIP_COLUMNS == TRIP_COLUMNS - 1 ? 1 : strlen(delimiters[i]);
        }
        assert_int_equal(*p, '\0');
    }
    table_release(&table);
}

static void test_json_reads_back_as_written(void **state)
{
    static const char *const names[TRIP_COLUMNS] = {"a", "b", "c"};
    struct table table;
    const char *p;

    (void)state;
    table_init_trips(&table);
    p = table_json(&table, 0);
    for (size_t row = 0; row < TRIP_ROWS; row++) {
        size_t length = (size_t)(strchr(p, '\n') - p);
        json_t *object = json_loadb(p, length, JSON_ALLOW_NUL, NULL);

        assert_non_null(object);
        for (size_t i = 0; i < TRIP_COLUMNS; i++) {
            const struct trip *trip = &trips[row][i];
            const json_t *value = json_object_get(object, names[i]);

            assert_int_equal(json_is_null(value), trip->is_null);
            if (trip->is_null)
                continue;
            assert_int_equal(json_string_length(value), trip->length);
            assert_memory_equal(json_string_value(value), trip->text, trip->length);
        }
        json_decref(object);
        p += length + 1;
    }
    assert_int_equal(*p, '\0');
    table_release(&table);
}

/* ---- the buffer ----------------------------------------------------------------------------- */

static void test_buffer_grows_and_keeps_what_it_holds(void **state)
{
    struct tow_buffer buffer = {NULL, 0, 0};
    struct tow_error err = TOW_ERROR_INIT;
    char text[5000];

    (void)state;
    assert_ok(tow_buffer_append(&buffer, NULL, 0, &err), err);
    assert_non_null(buffer.data);
    for (int i = 0; i < 1000; i++)
        assert_ok(tow_buffer_append(&buffer, &(char){(char)i}, 1, &err), err);
    assert_int_equal(buffer.size, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer.data[i], (char)i);
    buffer.size = 0;
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_ok(tow_buffer_printf(&buffer, &err, "%d-%s", 7, text), err);
    assert_int_equal(buffer.size, 2 + sizeof text - 1);
    assert_memory_equal(buffer.data, "7-yyy", 5);
    assert_int_equal(buffer.data[buffer.size - 1], 'y');
    assert_int_equal(tow_buffer_reserve(&buffer, SIZE_MAX - 10, &err), TOW_E_NOMEM);
    tow_buffer_release(&buffer);
    assert_null(buffer.data);
    tow_buffer_release(&buffer);
}

static void test_json_string_repairs_what_is_not_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *expected;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xe2\x82", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\x80\n", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\\n\""},
        {"\xf0\x9f\x9a\xa2", 4, "\"\xf0\x9f\x9a\xa2\""},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_buffer buffer = {NULL, 0, 0};

        assert_ok(tow_buffer_json_string(&buffer, cases[i].text, cases[i].length, &err), err);
        assert_int_equal(buffer.size, strlen(cases[i].expected));
        assert_memory_equal(buffer.data, cases[i].expected, buffer.size);
        tow_buffer_release(&buffer);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_writes_every_type),
        cmocka_unit_test(test_json_writes_every_type),
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
        cmocka_unit_test(test_special_bytes_are_found_at_every_place),
        cmocka_unit_test(test_offsets_of_batch_and_columns_are_honoured),
        cmocka_unit_test(test_any_run_of_rows_can_be_written),
        cmocka_unit_test(test_no_memory_leaves_the_buffer_as_it_was),
        cmocka_unit_test(test_csv_reads_back_as_written),
        cmocka_unit_test(test_json_reads_back_as_written),
        cmocka_unit_test(test_buffer_grows_and_keeps_what_it_holds),
        cmocka_unit_test(test_json_string_repairs_what_is_not_utf8),
        cmocka_unit_test(test_names_are_escaped_in_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
