/* Record batches into pages of the source databricks. */
#include "connectors/arrow/json.h"
#include "plugins/databricks/convert.h"
#include "towpath/rowtext.h"

#include "ipc_writer.h"
#include "unit.h"

#define LIMIT ((size_t)16 << 20)
#define MOST  32

/* Columns as a manifest has them, a stream of them, and what became of it. */
struct convert_test {
    struct tow_scan_columns columns;
    struct tow_scan_column items[MOST];
    struct tow_field fields[MOST];
    struct tow_ipc *ipc;
    struct tow_ipc_batch batch;
    struct tow_convert *convert;
    struct tow_scan_page page;
    struct tow_buffer text;
    struct tow_error err;
};

static int setup(void **state)
{
    struct convert_test *test = calloc(1, sizeof *test);

    assert_non_null(test);
    test->err = (struct tow_error)TOW_ERROR_INIT;
    test->columns.items = test->items;
    test->columns.fields = test->fields;
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    struct convert_test *test = *state;

    tow_scan_page_release(&test->page);
    tow_convert_free(test->convert);
    tow_ipc_memory_unref(test->batch.memory);
    tow_ipc_free(test->ipc);
    tow_buffer_release(&test->text);
    free(test);
    return 0;
}

static void add(struct convert_test *test, const char *name, const char *type_text)
{
    struct tow_scan_column *column = &test->items[test->columns.count];

    column->name = (char *)(uintptr_t)name;
    column->type_text = (char *)(uintptr_t)type_text;
    column->type = tow_databricks_type(type_text);
    test->fields[test->columns.count] = (struct tow_field){.name = name, .type = column->type};
    test->columns.count++;
    test->columns.shown = test->columns.count;
}

/* The stream's only batch, and the converter, bound to it. */
static int read_batch(struct convert_test *test, const struct tow_ipc_column *columns, size_t count)
{
    struct tow_ipc_field fields[MOST];
    struct tow_buffer stream = {0};
    const struct tow_ipc_field *found;
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        fields[i] = *columns[i].field;
    ipc_put_schema(&stream, fields, count);
    ipc_put_columns(&stream, columns, count, IPC_CODEC_NONE);
    ipc_put_end(&stream);
    test->ipc = tow_ipc_new(TOW_IPC_PLAIN, LIMIT, &test->err);
    assert_non_null(test->ipc);
    assert_ok(tow_ipc_read(test->ipc, stream.data, stream.size, &used, &test->batch, &test->err),
              test->err);
    tow_buffer_release(&stream);
    test->convert = tow_convert_new(&test->columns, &test->err);
    assert_non_null(test->convert);
    found = tow_ipc_schema(test->ipc, &count);
    return tow_convert_bind(test->convert, found, count, &test->err);
}

static void convert(struct convert_test *test, const struct tow_ipc_column *columns, size_t count,
                    int64_t rows)
{
    assert_ok(read_batch(test, columns, count), test->err);
    assert_ok(tow_convert_batch(test->convert, &test->batch, rows, &test->page, &test->err),
              test->err);
    assert_int_equal(test->page.length, rows);
}

/* The rows as JSON, after what they lay in has gone. */
static const char *text_of(struct convert_test *test)
{
    struct tow_json_writer *writer;
    struct ArrowSchema schema;
    const struct ArrowArray *array = tow_share_array(test->page.rows);

    tow_convert_free(test->convert);
    test->convert = NULL;
    tow_ipc_memory_unref(test->batch.memory);
    test->batch.memory = NULL;
    tow_ipc_free(test->ipc);
    test->ipc = NULL;
    assert_ok(tow_schema_make(&schema, test->fields, test->columns.count, &test->err), test->err);
    assert_ok(tow_array_validate(array, &schema, &test->err), test->err);
    writer = tow_json_writer_new(&schema, 0, &test->err);
    assert_non_null(writer);
    test->text.size = 0;
    assert_ok(tow_json_writer_rows(writer, array, 0, array->length, &test->text, &test->err),
              test->err);
    assert_ok(tow_buffer_append(&test->text, "", 1, &test->err), test->err);
    tow_json_writer_free(writer);
    schema.release(&schema);
    return test->text.data;
}

static void assert_fault(const struct convert_test *test, size_t i, int64_t row, const char *code,
                         const char *says)
{
    assert_true(i < test->page.fault_count);
    assert_int_equal(test->page.faults[i].row, row);
    assert_string_equal(test->page.faults[i].code, code);
    if (!strstr(test->page.faults[i].why, says))
        fail_msg("\"%s\" lacks \"%s\"", test->page.faults[i].why, says);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define COLUMN(field_, ...)                       \
    {                                             \
        .field = field_, .length = 3, __VA_ARGS__ \
    }
/* Row 1 is null. */
#define NULLED(field_, ...) COLUMN(field_, .null_count = 1, .validity = ends, __VA_ARGS__)

static const uint8_t ends[] = {0x05};

/* ---- types ---------------------------------------------------------------------------------- */

static const struct tow_ipc_field item_field[] = {
    {.name = "item", .type = TOW_IPC_INT, .width = 32, .is_signed = 1, .nullable = 1}};
static const struct tow_ipc_field pair_fields[] = {
    {.name = "key", .type = TOW_IPC_UTF8},
    {.name = "value", .type = TOW_IPC_INT, .width = 32, .is_signed = 1, .nullable = 1}};
static const struct tow_ipc_field entries_field[] = {
    {.name = "entries", .type = TOW_IPC_STRUCT, .children = (void *)pair_fields, .child_count = 2}};

static const struct tow_ipc_field matrix_fields[] = {
    {.name = "b", .type = TOW_IPC_BOOL, .width = 1},
    {.name = "i8", .type = TOW_IPC_INT, .width = 8, .is_signed = 1},
    {.name = "i16", .type = TOW_IPC_INT, .width = 16, .is_signed = 1},
    {.name = "i32", .type = TOW_IPC_INT, .width = 32, .is_signed = 1},
    {.name = "i64", .type = TOW_IPC_INT, .width = 64, .is_signed = 1},
    {.name = "f", .type = TOW_IPC_FLOAT, .width = 32},
    {.name = "d", .type = TOW_IPC_FLOAT, .width = 64},
    {.name = "dec", .type = TOW_IPC_DECIMAL, .width = 128, .precision = 38, .scale = 2},
    {.name = "s", .type = TOW_IPC_UTF8},
    {.name = "z", .type = TOW_IPC_BINARY},
    {.name = "day", .type = TOW_IPC_DATE, .unit = TOW_IPC_DAY, .width = 32},
    {.name = "ts",
     .type = TOW_IPC_TIMESTAMP,
     .unit = TOW_IPC_MICRO,
     .width = 64,
     .timezone = "America/Los_Angeles"},
    {.name = "ntz", .type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .width = 64},
    {.name = "ym", .type = TOW_IPC_INTERVAL_MONTHS, .width = 32},
    {.name = "ds", .type = TOW_IPC_DURATION, .unit = TOW_IPC_MICRO, .width = 64},
    {.name = "nothing", .type = TOW_IPC_NULL},
    {.name = "list", .type = TOW_IPC_LIST, .children = (void *)item_field, .child_count = 1},
    {.name = "map", .type = TOW_IPC_MAP, .children = (void *)entries_field, .child_count = 1},
    {.name = "any", .type = TOW_IPC_UTF8},
};
static const char *const matrix_types[] = {"BOOLEAN",
                                           "TINYINT",
                                           "SMALLINT",
                                           "INT",
                                           "BIGINT",
                                           "FLOAT",
                                           "DOUBLE",
                                           "DECIMAL(38,2)",
                                           "STRING",
                                           "BINARY",
                                           "DATE",
                                           "TIMESTAMP",
                                           "TIMESTAMP_NTZ",
                                           "INTERVAL YEAR TO MONTH",
                                           "INTERVAL DAY TO SECOND",
                                           "VOID",
                                           "ARRAY<INT>",
                                           "MAP<STRING, INT>",
                                           "VARIANT"};

static void test_every_type_arrives_with_its_extremes(void **state)
{
    static const uint8_t bits[] = {0x01};
    static const int8_t i8[] = {-128, 0, 127};
    static const int16_t i16[] = {-32768, 0, 32767};
    static const int32_t i32[] = {INT32_MIN, 0, INT32_MAX};
    static const int64_t i64[] = {INT64_MIN, 0, INT64_MAX};
    static const float f[] = {-0.25f, 0, 3.4028235e38f};
    static const double d[] = {5e-324, 0, 1.7976931348623157e308};
    static const struct tow_decimal dec[] = {
        {(uint64_t)-1, -1}, {0, 0}, {UINT64_C(0x098A223FFFFFFFFF), INT64_C(0x4B3B4CA85A86C47A)}};
    static const int32_t s_offsets[] = {0, 0, 0, 9}, z_offsets[] = {0, 2, 2, 3};
    static const char s[] = "\"\\\n\x01\xF0\x9F\x98\x80x", z[] = "\x00\xFF\x80";
    static const int32_t day[] = {-719162, 0, 2932896};
    static const int64_t ts[] = {-1, 0, INT64_C(253402300799999999)};
    static const int32_t ym[] = {-14, 0, 25};
    static const int64_t ds[] = {INT64_C(-93784000001), 0, INT64_C(93784000000)};
    static const int32_t list_offsets[] = {0, 2, 2, 2}, list_values[] = {1, 2};
    static const int32_t key_offsets[] = {0, 1, 2};
    static const struct tow_ipc_column item[] = {
        {.field = item_field, .length = 2, .values = list_values}};
    static const struct tow_ipc_column pair[] = {
        {.field = &pair_fields[0], .length = 2, .offsets = key_offsets, .bytes = "ab"},
        {.field = &pair_fields[1], .length = 2, .values = list_values}};
    static const struct tow_ipc_column entries[] = {
        {.field = entries_field, .length = 2, .children = (void *)pair, .child_count = 2}};
    static const int32_t any_offsets[] = {0, 4, 4, 11};
    struct convert_test *test = *state;
    struct tow_ipc_field fields[COUNT(matrix_fields)];
    const struct tow_ipc_column columns[] = {
        NULLED(&fields[0], .values = bits),
        NULLED(&fields[1], .values = i8),
        NULLED(&fields[2], .values = i16),
        NULLED(&fields[3], .values = i32),
        NULLED(&fields[4], .values = i64),
        NULLED(&fields[5], .values = f),
        NULLED(&fields[6], .values = d),
        NULLED(&fields[7], .values = dec),
        NULLED(&fields[8], .offsets = s_offsets, .bytes = s),
        NULLED(&fields[9], .offsets = z_offsets, .bytes = z),
        NULLED(&fields[10], .values = day),
        NULLED(&fields[11], .values = ts),
        NULLED(&fields[12], .values = ts),
        NULLED(&fields[13], .values = ym),
        NULLED(&fields[14], .values = ds),
        {.field = &fields[15], .length = 3, .null_count = 3},
        NULLED(&fields[16], .offsets = list_offsets, .children = (void *)item, .child_count = 1),
        NULLED(&fields[17], .offsets = list_offsets, .children = (void *)entries, .child_count = 1),
        NULLED(&fields[18], .offsets = any_offsets, .bytes = "null{\"a\":1}"),
    };

    for (size_t i = 0; i < COUNT(fields); i++) {
        fields[i] = matrix_fields[i];
        fields[i].nullable = 1;
        add(test, fields[i].name, matrix_types[i]);
    }
    convert(test, columns, COUNT(columns), 3);
    assert_int_equal(test->page.fault_count, 0);
    assert_string_equal(
        text_of(test),
        "{\"b\":true,\"i8\":-128,\"i16\":-32768,\"i32\":-2147483648,\"i64\":-9223372036854775808,"
        "\"f\":-0.25,\"d\":5e-324,\"dec\":-0.01,\"s\":\"\",\"z\":\"AP8=\",\"day\":\"0001-01-01\","
        "\"ts\":\"1969-12-31T23:59:59.999999Z\",\"ntz\":\"1969-12-31T23:59:59.999999\","
        "\"ym\":\"-1-2\",\"ds\":\"-1 02:03:04.000001000\",\"nothing\":null,\"list\":[1,2],"
        "\"map\":{\"a\":1,\"b\":2},\"any\":null}\n"
        "{\"b\":null,\"i8\":null,\"i16\":null,\"i32\":null,\"i64\":null,\"f\":null,\"d\":null,"
        "\"dec\":null,\"s\":null,\"z\":null,\"day\":null,\"ts\":null,\"ntz\":null,\"ym\":null,"
        "\"ds\":null,\"nothing\":null,\"list\":null,\"map\":null,\"any\":null}\n"
        "{\"b\":false,\"i8\":127,\"i16\":32767,\"i32\":2147483647,\"i64\":9223372036854775807,"
        "\"f\":3.4028235e38,\"d\":1.7976931348623157e308,"
        "\"dec\":999999999999999999999999999999999999.99,"
        "\"s\":\"\\\"\\\\\\n\\u0001\xF0\x9F\x98\x80x\",\"z\":\"gA==\",\"day\":\"9999-12-31\","
        "\"ts\":\"9999-12-31T23:59:59.999999Z\",\"ntz\":\"9999-12-31T23:59:59.999999\","
        "\"ym\":\"2-1\",\"ds\":\"1 02:03:04.000000000\",\"nothing\":null,\"list\":[],\"map\":{},"
        "\"any\":{\"a\":1}}\n");
}

/* Each type of the stream with each SQL type: those pairs go together that should. */
static void test_values_of_another_type_are_refused_by_name(void **state)
{
    static const struct {
        const char *sql;
        struct tow_ipc_field field;
        const char *says;
    } cases[] = {
        {"BIGINT", {.type = TOW_IPC_INT, .width = 32, .is_signed = 1}, "Arrow int32"},
        {"BIGINT", {.type = TOW_IPC_INT, .width = 64}, "Arrow int64"},
        {"BOOLEAN", {.type = TOW_IPC_INT, .width = 8, .is_signed = 1}, "Arrow int8"},
        {"FLOAT", {.type = TOW_IPC_FLOAT, .width = 64}, "Arrow float64"},
        {"DECIMAL(10,2)",
         {.type = TOW_IPC_DECIMAL, .width = 128, .precision = 10, .scale = 3},
         "Arrow decimal(10,3)"},
        {"TIMESTAMP",
         {.type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .timezone = ""},
         "timestamp without time zone"},
        {"TIMESTAMP_NTZ",
         {.type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .timezone = "UTC"},
         "timestamp with time zone"},
        {"DATE", {.type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .timezone = ""}, "timestamp"},
        {"STRING", {.type = TOW_IPC_BINARY}, "binary"},
        {"BINARY", {.type = TOW_IPC_UTF8}, "utf8"},
        {"BINARY", {.type = TOW_IPC_FIXED_BINARY, .width = 24}, "fixed-size binary"},
        {"GEOMETRY(4326)", {.type = TOW_IPC_STRUCT}, "Arrow struct"},
        {"ARRAY<INT>", {.type = TOW_IPC_INT, .width = 32, .is_signed = 1}, "Arrow int32"},
        {"TIME", {.type = TOW_IPC_TIME, .unit = TOW_IPC_MICRO}, "Arrow time"},
    };
    struct convert_test *test = *state;

    add(test, "c", "INT");
    test->convert = tow_convert_new(&test->columns, &test->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        test->items[0].type_text = (char *)(uintptr_t)cases[i].sql;
        test->items[0].type = tow_databricks_type(cases[i].sql);
        if (tow_convert_bind(test->convert, &cases[i].field, 1, &test->err) != TOW_E_ENV)
            fail_msg("%s passes", cases[i].sql);
        assert_says(test->err, "column \"c\" is");
        assert_says(test->err, cases[i].sql);
        assert_says(test->err, cases[i].says);
    }
    assert_int_equal(tow_convert_bind(test->convert, &cases[0].field, 0, &test->err), TOW_E_ENV);
    assert_says(test->err, "0 columns, its manifest 1");
}

/* ---- no copy -------------------------------------------------------------------------------- */

static void test_buffers_of_the_same_layout_are_not_copied(void **state)
{
    static const struct tow_ipc_field fields[] = {
        {.name = "n", .type = TOW_IPC_INT, .width = 64, .is_signed = 1, .nullable = 1},
        {.name = "s", .type = TOW_IPC_UTF8, .nullable = 1}};
    static const int64_t n[] = {1, 2, 3};
    static const int32_t offsets[] = {0, 1, 2, 3};
    static const struct tow_ipc_column columns[] = {
        NULLED(&fields[0], .values = n), COLUMN(&fields[1], .offsets = offsets, .bytes = "abc")};
    struct convert_test *test = *state;
    const struct ArrowArray *array;

    add(test, "n", "BIGINT");
    add(test, "s", "STRING");
    convert(test, columns, 2, 3);
    array = tow_share_array(test->page.rows);
    assert_ptr_equal(array->children[0]->buffers[0], test->batch.columns[0].validity);
    assert_ptr_equal(array->children[0]->buffers[1], test->batch.columns[0].values);
    assert_int_equal(array->children[0]->null_count, 1);
    assert_ptr_equal(array->children[1]->buffers[1], test->batch.columns[1].offsets);
    assert_ptr_equal(array->children[1]->buffers[2], test->batch.columns[1].bytes);
    assert_null(array->children[1]->buffers[0]);
    assert_int_equal(array->children[1]->null_count, 0);
    assert_string_equal(text_of(test), "{\"n\":1,\"s\":\"a\"}\n{\"n\":null,\"s\":\"b\"}\n{\"n\":3,"
                                       "\"s\":\"c\"}\n");
}

static void test_padding_rows_are_cut_off(void **state)
{
    static const struct tow_ipc_field fields[] = {
        {.name = "n", .type = TOW_IPC_INT, .width = 64, .is_signed = 1, .nullable = 1},
        {.name = "s", .type = TOW_IPC_UTF8, .nullable = 1}};
    static const int64_t n[] = {1, 2, 3};
    static const int32_t offsets[] = {0, 1, 2, 3};
    static const struct tow_ipc_column columns[] = {
        NULLED(&fields[0], .values = n), COLUMN(&fields[1], .offsets = offsets, .bytes = "ab\xFF")};
    struct convert_test *test = *state;

    add(test, "n", "BIGINT");
    add(test, "s", "STRING");
    convert(test, columns, 2, 2);
    /* What is wrong with padding is no matter. */
    assert_int_equal(test->page.fault_count, 0);
    assert_int_equal(tow_share_array(test->page.rows)->children[0]->null_count, -1);
    assert_string_equal(text_of(test), "{\"n\":1,\"s\":\"a\"}\n{\"n\":null,\"s\":\"b\"}\n");
}

/* ---- faults --------------------------------------------------------------------------------- */

static void read_text_column(struct convert_test *test, const char *type, const int32_t *offsets,
                             const char *bytes)
{
    const struct tow_ipc_field field = {.name = "s", .type = TOW_IPC_UTF8, .nullable = 1};
    const struct tow_ipc_column column = COLUMN(&field, .offsets = offsets, .bytes = bytes);

    add(test, "s", type);
    convert(test, &column, 1, 3);
}

static void test_text_that_is_no_utf8_makes_its_row_faulty(void **state)
{
    static const int32_t offsets[] = {0, 1, 4, 5};
    struct convert_test *test = *state;

    read_text_column(test, "STRING", offsets, "ax\xFFyz");
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 1, "invalid_utf8", "byte 2 of 3, 0xFF");
}

static void test_a_character_that_two_rows_share_is_none(void **state)
{
    static const int32_t offsets[] = {0, 1, 3, 4};
    struct convert_test *test = *state;

    /* Sound as a whole. */
    read_text_column(test, "STRING", offsets,
                     "\xC3\xA9"
                     "ab");
    assert_int_equal(test->page.fault_count, 2);
    assert_fault(test, 0, 0, "invalid_utf8", "byte 1 of 1, 0xC3");
    assert_fault(test, 1, 1, "invalid_utf8", "byte 1 of 2, 0xA9");
}

static void test_variant_that_is_no_json_makes_its_row_faulty(void **state)
{
    static const int32_t offsets[] = {0, 2, 4, 6};
    struct convert_test *test = *state;

    read_text_column(test, "VARIANT", offsets, "[]{]12");
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 1, "invalid_json", "no JSON value");
}

static void test_of_two_faults_of_a_row_the_first_column_s_stays(void **state)
{
    static const struct tow_ipc_field fields[] = {
        {.name = "a", .type = TOW_IPC_UTF8, .nullable = 1},
        {.name = "b", .type = TOW_IPC_UTF8, .nullable = 1}};
    static const int32_t offsets[] = {0, 1, 2, 3};
    static const struct tow_ipc_column columns[] = {
        COLUMN(&fields[0], .offsets = offsets, .bytes = "ab\xFF"),
        COLUMN(&fields[1], .offsets = offsets, .bytes = "\xFE\x62\xFE")};
    struct convert_test *test = *state;

    add(test, "a", "STRING");
    add(test, "b", "STRING");
    convert(test, columns, 2, 3);
    assert_int_equal(test->page.fault_count, 2);
    assert_fault(test, 0, 0, "invalid_utf8", "0xFE");
    assert_fault(test, 1, 2, "invalid_utf8", "0xFF");
    assert_int_equal(tow_scan_page_find_fault(&test->page, 0), 0);
    assert_int_equal(tow_scan_page_find_fault(&test->page, 1), 1);
    assert_int_equal(tow_scan_page_find_fault(&test->page, 3), 2);
}

static void test_a_nested_value_without_a_text_makes_its_row_faulty(void **state)
{
    static const int32_t offsets[] = {0, 1, 3, 3}, keys[] = {0, 1, 2, 3}, values[] = {1, 2, 3};
    static const struct tow_ipc_column pair[] = {
        {.field = &pair_fields[0], .length = 3, .offsets = keys, .bytes = "abb"},
        {.field = &pair_fields[1], .length = 3, .values = values}};
    static const struct tow_ipc_column entries[] = {
        {.field = entries_field, .length = 3, .children = (void *)pair, .child_count = 2}};
    static const struct tow_ipc_field field = {.name = "m",
                                               .type = TOW_IPC_MAP,
                                               .nullable = 1,
                                               .children = (void *)entries_field,
                                               .child_count = 1};
    const struct tow_ipc_column column =
        COLUMN(&field, .offsets = offsets, .children = (void *)entries, .child_count = 1);
    struct convert_test *test = *state;

    add(test, "m", "MAP<STRING, INT>");
    convert(test, &column, 1, 3);
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 1, "no_text", "b");
    assert_string_equal(text_of(test), "{\"m\":{\"a\":1}}\n{\"m\":null}\n{\"m\":{}}\n");
}

/* ---- other layouts -------------------------------------------------------------------------- */

static void convert_times(struct convert_test *test, enum tow_ipc_unit unit, const int64_t *values)
{
    const struct tow_ipc_field field = {.name = "t",
                                        .type = TOW_IPC_TIMESTAMP,
                                        .unit = unit,
                                        .width = 64,
                                        .timezone = "UTC",
                                        .nullable = 1};
    const struct tow_ipc_column column = NULLED(&field, .values = values);

    add(test, "t", "TIMESTAMP");
    convert(test, &column, 1, 3);
}

static void test_seconds_become_microseconds(void **state)
{
    static const int64_t values[] = {-1, INT64_MAX, 1700000000};
    struct convert_test *test = *state;

    convert_times(test, TOW_IPC_SECOND, values);
    assert_int_equal(test->page.fault_count, 0);
    assert_string_equal(text_of(test), "{\"t\":\"1969-12-31T23:59:59Z\"}\n{\"t\":null}\n"
                                       "{\"t\":\"2023-11-14T22:13:20Z\"}\n");
}

static void test_times_that_do_not_fit_make_their_rows_faulty(void **state)
{
    static const int64_t values[] = {INT64_MAX, INT64_MAX, INT64_MIN / 1000 - 1};
    struct convert_test *test = *state;

    convert_times(test, TOW_IPC_MILLI, values);
    assert_int_equal(test->page.fault_count, 2);
    assert_fault(test, 0, 0, "out_of_range", "9223372036854775807 ms since 1970");
    assert_fault(test, 1, 2, "out_of_range", "ms since 1970");
}

static void test_nanoseconds_are_not_rounded(void **state)
{
    static const int64_t values[] = {-1000, 0, 1001};
    struct convert_test *test = *state;

    convert_times(test, TOW_IPC_NANO, values);
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 2, "out_of_range", "1001 ns");
    assert_non_null(strstr(text_of(test), "\"1969-12-31T23:59:59.999999Z\""));
}

static void test_dates_in_milliseconds_become_days(void **state)
{
    static const struct tow_ipc_field field = {
        .name = "d", .type = TOW_IPC_DATE, .unit = TOW_IPC_MILLI, .width = 64, .nullable = 1};
    static const int64_t values[] = {-86400000, 5, 86400001};
    const struct tow_ipc_column column = NULLED(&field, .values = values);
    struct convert_test *test = *state;

    add(test, "d", "DATE");
    convert(test, &column, 1, 3);
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 2, "out_of_range", "86400001 ms");
    assert_non_null(strstr(text_of(test), "{\"d\":\"1969-12-31\"}\n{\"d\":null}\n"));
}

static void test_long_offsets_become_short_ones(void **state)
{
    static const struct tow_ipc_field fields[] = {
        {.name = "s", .type = TOW_IPC_LARGE_UTF8, .nullable = 1},
        {.name = "z", .type = TOW_IPC_LARGE_BINARY, .nullable = 1},
        {.name = "v", .type = TOW_IPC_LARGE_UTF8, .nullable = 1}};
    static const int64_t offsets[] = {2, 3, 3, 5}, json[] = {0, 1, 2, 3};
    static const struct tow_ipc_column columns[] = {
        NULLED(&fields[0], .offsets = offsets, .bytes = "..abc"),
        NULLED(&fields[1], .offsets = offsets, .bytes = "..\x01\xFF\xFE"),
        NULLED(&fields[2], .offsets = json, .bytes = "1x{")};
    struct convert_test *test = *state;

    add(test, "s", "STRING");
    add(test, "z", "BINARY");
    add(test, "v", "VARIANT");
    convert(test, columns, 3, 3);
    assert_int_equal(test->page.fault_count, 1);
    assert_fault(test, 0, 2, "invalid_json", "1 bytes");
    test->page.length = 2;
    assert_non_null(strstr(text_of(test), "{\"s\":\"a\",\"z\":\"AQ==\",\"v\":1}\n"
                                          "{\"s\":null,\"z\":null,\"v\":null}\n"
                                          "{\"s\":\"bc\",\"z\":\"//4=\""));
}

/* ---- pages ---------------------------------------------------------------------------------- */

static void test_a_batch_takes_what_fits(void **state)
{
    static const int32_t offsets[] = {0, 10, 20, 100};
    struct convert_test *test = *state;
    struct ArrowSchema schema;
    struct tow_view view;
    char bytes[100];

    memset(bytes, 'x', sizeof bytes);
    read_text_column(test, "STRING", offsets, bytes);
    assert_ok(tow_schema_make(&schema, test->fields, 1, &test->err), test->err);
    tow_view_init(&view, &schema, tow_share_array(test->page.rows), 0);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 1 << 20), 3);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 2, 1 << 20), 2);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 0, 0), 3);
    /* 14 bytes each, with their offsets; the last 84. */
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 111), 2);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 112), 3);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 27), 1);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 1), 1);
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 0, 8192, 1), 3);
    test->page.at = 2;
    assert_int_equal(tow_scan_page_fit(&test->page, &view, 1, 8192, 1), 1);
    schema.release(&schema);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_type_arrives_with_its_extremes),
        TEST(test_values_of_another_type_are_refused_by_name),
        TEST(test_buffers_of_the_same_layout_are_not_copied),
        TEST(test_padding_rows_are_cut_off),
        TEST(test_text_that_is_no_utf8_makes_its_row_faulty),
        TEST(test_a_character_that_two_rows_share_is_none),
        TEST(test_variant_that_is_no_json_makes_its_row_faulty),
        TEST(test_of_two_faults_of_a_row_the_first_column_s_stays),
        TEST(test_a_nested_value_without_a_text_makes_its_row_faulty),
        TEST(test_seconds_become_microseconds),
        TEST(test_times_that_do_not_fit_make_their_rows_faulty),
        TEST(test_nanoseconds_are_not_rounded),
        TEST(test_dates_in_milliseconds_become_days),
        TEST(test_long_offsets_become_short_ones),
        TEST(test_a_batch_takes_what_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
