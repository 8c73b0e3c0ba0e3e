/* Rows as records: each type in each column that it fits, and rows that do not. */
#include <math.h>

#include "json_memory.h"
#include "plugins/zerobus/encode.h"
#include "table.h"
#include "unit.h"

struct encoding {
    struct table table;
    struct tow_zerobus_message message;
    struct tow_bus_encoder *encoder;
    struct tow_buffer body;
    size_t payload;
    struct tow_error err;
};

static int setup(void **state)
{
    struct encoding *encoding = calloc(1, sizeof *encoding);

    assert_non_null(encoding);
    encoding->err = (struct tow_error)TOW_ERROR_INIT;
    assert_int_equal(tow_zerobus_schema_init(&encoding->message, "Record", &encoding->err), 0);
    *state = encoding;
    return 0;
}

static int teardown(void **state)
{
    struct encoding *encoding = *state;

    tow_bus_encoder_free(encoding->encoder);
    tow_zerobus_schema_release(&encoding->message);
    tow_buffer_release(&encoding->body);
    if (encoding->table.schema.release)
        table_release(&encoding->table);
    free(encoding);
    return 0;
}

/* A table with one column "c", and rows with one of that name. */
static struct tow_zerobus_field *column(struct encoding *encoding, enum tow_zerobus_kind kind,
                                        enum tow_zerobus_type type)
{
    struct tow_zerobus_field *field =
        tow_zerobus_schema_add(&encoding->message, "c", kind, &encoding->err);

    assert_non_null(field);
    field->type = type;
    return field;
}

static void rows_of(struct encoding *encoding, struct tow_type type)
{
    const struct tow_field field = {"c", type, 0};

    table_init(&encoding->table, &field, 1);
}

static void begin(struct encoding *encoding)
{
    table_finish(&encoding->table);
    encoding->encoder = tow_bus_encoder_new(&encoding->table.schema, TOW_ZEROBUS_PROTO,
                                            &encoding->message, &encoding->err);
    if (!encoding->encoder)
        fail_msg("%s", encoding->err.message);
    assert_ok(tow_bus_encoder_batch(encoding->encoder, &encoding->table.array, &encoding->err),
              encoding->err);
}

static void put(struct encoding *encoding, int64_t row)
{
    assert_ok(tow_bus_encoder_put(encoding->encoder, row, &encoding->body, &encoding->payload,
                                  &encoding->err),
              encoding->err);
}

static void bytes_are(struct encoding *encoding, const char *bytes, size_t length)
{
    assert_int_equal(encoding->body.size, length);
    assert_memory_equal(encoding->body.data, bytes, length);
    encoding->body.size = encoding->payload = 0;
}

#define BYTES_ARE(encoding, literal) bytes_are(encoding, literal, sizeof literal - 1)

/* ---- values ---------------------------------------------------------------------------------- */

static void test_integers_are_varints(void **state)
{
    struct encoding *encoding = *state;
    static const int64_t values[] = {0, 1, 127, 128, 300, -1, INT64_MIN};

    column(encoding, TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_INT64, 0, 0});
    for (size_t i = 0; i < 7; i++) {
        tow_append_int64(encoding->table.builder, 0, values[i], NULL);
        table_end_row(&encoding->table);
    }
    begin(encoding);
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x02\x08\x00");
    put(encoding, 2);
    put(encoding, 3);
    BYTES_ARE(encoding, "\x0a\x02\x08\x7f\x0a\x03\x08\x80\x01");
    put(encoding, 4);
    BYTES_ARE(encoding, "\x0a\x03\x08\xac\x02");
    put(encoding, 5);
    BYTES_ARE(encoding, "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    put(encoding, 6);
    assert_int_equal(encoding->payload, 11);
    BYTES_ARE(encoding, "\x0a\x0b\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
    assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, 0, NULL), -1);
}

static void test_a_null_is_left_out(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_STRING, 0, 0});
    table_put_text(&encoding->table, 0, NULL);
    table_end_row(&encoding->table);
    table_put_text(&encoding->table, 0, "");
    table_end_row(&encoding->table);
    begin(encoding);
    put(encoding, 0);
    put(encoding, 1);
    BYTES_ARE(encoding, "\x0a\x00\x0a\x02\x0a\x00");
}

/* Every kind of ours, in the column of the table that it is made for. */
static void test_each_type_has_its_bytes(void **state)
{
    struct encoding *encoding = *state;
    static const struct tow_field fields[] = {
        {"b", {TOW_TYPE_BOOL, 0, 0}, 0},       {"i8", {TOW_TYPE_INT8, 0, 0}, 0},
        {"i16", {TOW_TYPE_INT16, 0, 0}, 0},    {"i32", {TOW_TYPE_INT32, 0, 0}, 0},
        {"u8", {TOW_TYPE_UINT8, 0, 0}, 0},     {"u16", {TOW_TYPE_UINT16, 0, 0}, 0},
        {"u32", {TOW_TYPE_UINT32, 0, 0}, 0},   {"u64", {TOW_TYPE_UINT64, 0, 0}, 0},
        {"f", {TOW_TYPE_FLOAT32, 0, 0}, 0},    {"d", {TOW_TYPE_FLOAT64, 0, 0}, 0},
        {"n", {TOW_TYPE_DECIMAL, 10, 2}, 0},   {"s", {TOW_TYPE_STRING, 0, 0}, 0},
        {"y", {TOW_TYPE_BINARY, 0, 0}, 0},     {"day", {TOW_TYPE_DATE, 0, 0}, 0},
        {"at", {TOW_TYPE_TIMESTAMP, 0, 0}, 0}, {"local", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
        {"j", {TOW_TYPE_JSON, 0, 0}, 0},
    };
    struct tow_builder *builder;

    tow_zerobus_schema_release(&encoding->message);
    table_init(&encoding->table, fields, sizeof fields / sizeof *fields);
    assert_ok(tow_bus_message_of(&encoding->table.schema, &encoding->message, &encoding->err),
              encoding->err);
    builder = encoding->table.builder;
    tow_append_bool(builder, 0, 1, NULL);
    for (size_t i = 1; i <= 3; i++)
        tow_append_int64(builder, i, -1, NULL);
    for (size_t i = 4; i <= 7; i++)
        tow_append_uint64(builder, i, 200, NULL);
    tow_append_double(builder, 8, 1.5, NULL);
    tow_append_double(builder, 9, -2.5, NULL);
    tow_append_decimal(builder, 10, (struct tow_decimal){12345, 0}, NULL);
    tow_append_text(builder, 11, "text", NULL);
    tow_append_bytes(builder, 12, "\0\xff", 2, NULL);
    tow_append_int64(builder, 13, 1, NULL);
    tow_append_int64(builder, 14, 1, NULL);
    tow_append_int64(builder, 15, -1, NULL);
    tow_append_text(builder, 16, "[1]", NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x65"
                        "\x08\x01"
                        "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x28\xc8\x01\x30\xc8\x01\x38\xc8\x01\x40\xc8\x01"
                        "\x4d\x00\x00\xc0\x3f"
                        "\x51\x00\x00\x00\x00\x00\x00\x04\xc0"
                        "\x5a\x06"
                        "123.45"
                        "\x62\x04text"
                        "\x6a\x02\x00\xff"
                        "\x70\x01\x78\x01"
                        "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x8a\x01\x03[1]");
}

static void test_numbers_widen_where_nothing_is_lost(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_INT32, 0, 0});
    tow_append_int64(encoding->table.builder, 0, -2, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x09\x09\x00\x00\x00\x00\x00\x00\x00\xc0");
}

static void test_a_double_in_a_float_column_is_rounded(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_FLOAT64, 0, 0});
    tow_append_double(encoding->table.builder, 0, 1.5, NULL);
    table_end_row(&encoding->table);
    tow_append_double(encoding->table.builder, 0, (double)INFINITY, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, 0, NULL), -1);
    put(encoding, 0);
    put(encoding, 1);
    BYTES_ARE(encoding, "\x0a\x05\x0d\x00\x00\xc0\x3f\x0a\x05\x0d\x00\x00\x80\x7f");
}

/* Lengths around those where a record's own length takes another byte. */
static void test_records_of_any_length_keep_their_bounds(void **state)
{
    struct encoding *encoding = *state;
    size_t at = 0;
    int rows = 0;

    column(encoding, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_STRING, 0, 0});
    for (size_t length = 0; length < 20000; length += 1 + length / 3, rows++) {
        char *text = malloc(length + 1);

        memset(text, 'x', length);
        table_put_bytes(&encoding->table, 0, text, length);
        table_end_row(&encoding->table);
        free(text);
    }
    begin(encoding);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < rows; i++)
            put(encoding, round ? rows - 1 - i : i);
    for (int i = 0; i < 2 * rows; i++)
        at += tow_zerobus_record_size(encoding->body.data + at, encoding->body.size - at);
    assert_int_equal(at, encoding->body.size);
}

static void test_json_records_are_objects(void **state)
{
    struct encoding *encoding = *state;

    rows_of(encoding, (struct tow_type){TOW_TYPE_INT64, 0, 0});
    tow_append_int64(encoding->table.builder, 0, 1, NULL);
    table_end_row(&encoding->table);
    table_put_text(&encoding->table, 0, NULL);
    table_end_row(&encoding->table);
    table_finish(&encoding->table);
    encoding->encoder =
        tow_bus_encoder_new(&encoding->table.schema, TOW_ZEROBUS_JSON, NULL, &encoding->err);
    assert_non_null(encoding->encoder);
    assert_ok(tow_bus_encoder_batch(encoding->encoder, &encoding->table.array, &encoding->err),
              encoding->err);
    put(encoding, 0);
    put(encoding, 1);
    assert_int_equal(encoding->payload, 9);
    BYTES_ARE(encoding, "\x0a\x07{\"c\":1}\x0a\x02{}");
}

/* ---- rows that do not fit -------------------------------------------------------------------- */

static void misfit_is(struct encoding *encoding, int64_t from, int64_t row, const char *code,
                      const char *says)
{
    struct tow_bus_misfit misfit = {.code = ""};

    assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, from, &misfit), row);
    assert_string_equal(misfit.code, code);
    if (!strstr(misfit.message, says))
        fail_msg("\"%s\" lacks \"%s\"", misfit.message, says);
}

static void test_integers_out_of_range_are_found(void **state)
{
    static const struct {
        enum tow_zerobus_kind kind;
        enum tow_zerobus_type type;
        int64_t good, bad;
    } cases[] = {
        {TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE, 127, 128},
        {TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE, -128, -129},
        {TOW_ZEROBUS_INT32, TOW_ZEROBUS_SHORT, 32767, 32768},
        {TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN, INT32_MAX, (int64_t)INT32_MAX + 1},
        {TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN, INT32_MIN, (int64_t)INT32_MIN - 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct encoding *encoding;

        if (i > 0)
            setup(state);
        encoding = *state;
        column(encoding, cases[i].kind, cases[i].type)->sql = strdup("THAT TYPE");
        rows_of(encoding, (struct tow_type){TOW_TYPE_INT64, 0, 0});
        tow_append_int64(encoding->table.builder, 0, cases[i].good, NULL);
        table_end_row(&encoding->table);
        table_put_text(&encoding->table, 0, NULL);
        table_end_row(&encoding->table);
        tow_append_int64(encoding->table.builder, 0, cases[i].bad, NULL);
        table_end_row(&encoding->table);
        begin(encoding);
        misfit_is(encoding, 0, 2, "out_of_range", "THAT TYPE");
        assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, 3, NULL), -1);
        if (i + 1 < sizeof cases / sizeof *cases)
            teardown(state);
    }
}

static void test_the_largest_unsigned_numbers_have_no_place(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_UINT64, 0, 0});
    tow_append_uint64(encoding->table.builder, 0, INT64_MAX, NULL);
    table_end_row(&encoding->table);
    tow_append_uint64(encoding->table.builder, 0, UINT64_MAX, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    misfit_is(encoding, 0, 1, "out_of_range", "18446744073709551615");
}

static void test_doubles_beyond_a_float_have_no_place(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN);
    rows_of(encoding, (struct tow_type){TOW_TYPE_FLOAT64, 0, 0});
    tow_append_double(encoding->table.builder, 0, 1e300, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    misfit_is(encoding, 0, 0, "out_of_range", "1e300");
}

static void test_decimals_with_too_many_digits_have_no_place(void **state)
{
    struct encoding *encoding = *state;
    struct tow_zerobus_field *field = column(encoding, TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL);

    field->precision = 5;
    field->scale = 2;
    rows_of(encoding, (struct tow_type){TOW_TYPE_DECIMAL, 10, 2});
    tow_append_decimal(encoding->table.builder, 0, (struct tow_decimal){99999, 0}, NULL);
    table_end_row(&encoding->table);
    tow_append_decimal(encoding->table.builder, 0, (struct tow_decimal){(uint64_t)-50, -1}, NULL);
    table_end_row(&encoding->table);
    tow_append_decimal(encoding->table.builder, 0, (struct tow_decimal){100000, 0}, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    misfit_is(encoding, 0, 2, "out_of_range", "1000.00");
}

static void test_a_null_in_a_column_that_must_have_values_is_found(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN)->is_required = 1;
    rows_of(encoding, (struct tow_type){TOW_TYPE_STRING, 0, 0});
    table_put_text(&encoding->table, 0, "a");
    table_end_row(&encoding->table);
    table_put_text(&encoding->table, 0, NULL);
    table_end_row(&encoding->table);
    begin(encoding);
    misfit_is(encoding, 0, 1, "not_null", "\"c\" is NOT NULL");
}

/* ---- columns that do not fit ----------------------------------------------------------------- */

static void refused(struct encoding *encoding, int code, const char *says)
{
    assert_null(tow_bus_encoder_new(&encoding->table.schema, TOW_ZEROBUS_PROTO, &encoding->message,
                                    &encoding->err));
    if (encoding->err.code != code)
        fail_msg("%s: %s", tow_error_name(encoding->err.code), encoding->err.message);
    assert_says(encoding->err, says);
}

static void test_a_text_is_no_number(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN)->sql = strdup("int");
    rows_of(encoding, (struct tow_type){TOW_TYPE_STRING, 0, 0});
    refused(encoding, TOW_E_CONFIG, "int in the table, and string here");
}

static void test_types_that_would_lose_something_are_refused(void **state)
{
    static const struct {
        struct tow_type from;
        enum tow_zerobus_kind kind;
        enum tow_zerobus_type type;
    } cases[] = {
        {{TOW_TYPE_INT64, 0, 0}, TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN},
        {{TOW_TYPE_INT64, 0, 0}, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP},
        {{TOW_TYPE_TIMESTAMP, 0, 0}, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP_NTZ},
        {{TOW_TYPE_DATE, 0, 0}, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
        {{TOW_TYPE_DECIMAL, 10, 4}, TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL},
        {{TOW_TYPE_BINARY, 0, 0}, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
        {{TOW_TYPE_BOOL, 0, 0}, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct encoding *encoding;
        struct tow_zerobus_field *field;

        if (i > 0)
            setup(state);
        encoding = *state;
        field = column(encoding, cases[i].kind, cases[i].type);
        field->precision = 10;
        field->scale = 2;
        rows_of(encoding, cases[i].from);
        refused(encoding, TOW_E_CONFIG, "`columns`");
        if (i + 1 < sizeof cases / sizeof *cases)
            teardown(state);
    }
}

static void test_columns_that_only_one_side_has_are_told_of(void **state)
{
    struct encoding *encoding = *state;
    struct tow_zerobus_field *field;

    field = tow_zerobus_schema_add(&encoding->message, "d", TOW_ZEROBUS_INT64, &encoding->err);
    rows_of(encoding, (struct tow_type){TOW_TYPE_INT64, 0, 0});
    refused(encoding, TOW_E_CONFIG, "no column \"c\"");
    free(field->name);
    field->name = strdup("c");
    field = tow_zerobus_schema_add(&encoding->message, "d", TOW_ZEROBUS_INT64, &encoding->err);
    field->is_required = 1;
    refused(encoding, TOW_E_CONFIG, "\"d\" is NOT NULL");
    field->is_required = 0;
    begin(encoding);
}

/* ---- nested columns -------------------------------------------------------------------------- */

/* A table whose column "c" is of this type, in Unity Catalog's words, and rows of JSON. */
static void nested(struct encoding *encoding, const char *type, const char *const *rows)
{
    json_t *table;

    table = json_pack("{s:s, s:s, s:[{s:s, s:o, s:i}]}", "name", "t", "schema_name", "s", "columns",
                      "name", "c", "type_json", json_string(type), "position", 0);
    tow_zerobus_schema_release(&encoding->message);
    assert_ok(tow_zerobus_schema_read(&encoding->message, table, &encoding->err), encoding->err);
    json_decref(table);
    rows_of(encoding, (struct tow_type){TOW_TYPE_JSON, 0, 0});
    for (; *rows; rows++) {
        table_put_text(&encoding->table, 0, *rows);
        table_end_row(&encoding->table);
    }
    begin(encoding);
}

#define ARRAY(element) "{\"type\":\"array\",\"elementType\":" element ",\"containsNull\":false}"
#define MAP(key, value) \
    "{\"type\":\"map\",\"keyType\":" key ",\"valueType\":" value ",\"valueContainsNull\":false}"
#define MEMBER(name, type, nullable) \
    "{\"name\":\"" name "\",\"type\":" type ",\"nullable\":" nullable ",\"metadata\":{}}"
#define STRUCT(members) "{\"type\":\"struct\",\"fields\":[" members "]}"

static void test_arrays_are_repeated_fields(void **state)
{
    struct encoding *encoding = *state;

    nested(encoding, ARRAY("\"integer\""),
           (const char *const[]){"[1,300,-1]", "[]", "null", "[\"7\"]", NULL});
    for (int row = 0; row < 4; row++)
        put(encoding, row);
    BYTES_ARE(encoding, "\x0a\x10\x08\x01\x08\xac\x02\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x0a\x00\x0a\x00\x0a\x02\x08\x07");
}

static void test_maps_are_entries(void **state)
{
    struct encoding *encoding = *state;

    nested(encoding, MAP("\"string\"", "\"long\""),
           (const char *const[]){"{\"a\":1,\"b\":2}", NULL});
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x0e\x0a\x05\x0a\x01"
                        "a\x10\x01\x0a\x05\x0a\x01"
                        "b\x10\x02");
}

static void test_structs_are_messages(void **state)
{
    struct encoding *encoding = *state;
    static const char type[] =
        STRUCT(MEMBER("b", "\"boolean\"", "true") "," MEMBER("d", "\"date\"", "true") "," MEMBER(
            "m", "\"decimal(5,2)\"", "true") "," MEMBER("l", ARRAY("\"binary\""), "true"));

    nested(encoding, type,
           (const char *const[]){"{\"l\":[\"AQI=\",\"\"],\"d\":\"1970-01-02\",\"b\":true}",
                                 "{\"m\":1.5}", "{\"m\":\"-123.4\",\"b\":null}", "{}", NULL});
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x0c\x0a\x0a\x08\x01\x10\x01\x22\x02\x01\x02\x22\x00");
    put(encoding, 1);
    BYTES_ARE(encoding, "\x0a\x08\x0a\x06\x1a\x04"
                        "1.50");
    put(encoding, 2);
    BYTES_ARE(encoding, "\x0a\x0b\x0a\x09\x1a\x07"
                        "-123.40");
    put(encoding, 3);
    BYTES_ARE(encoding, "\x0a\x02\x0a\x00");
}

static void test_nested_values_that_do_not_fit_are_misfits(void **state)
{
    static const struct {
        const char *type, *value, *says;
    } cases[] = {
        {ARRAY("\"integer\""), "[1,null]", "element 2 is null"},
        {ARRAY("\"integer\""), "[2147483648]", "2147483648 is not an integer that fits"},
        {ARRAY("\"integer\""), "[1.5]", "1.5 is not an integer"},
        {ARRAY("\"byte\""), "[128]", "128 is not"},
        {ARRAY("\"short\""), "[-32769]", "-32769 is not"},
        {ARRAY("\"integer\""), "{}", "{} is not an array"},
        {ARRAY("\"integer\""), "[1", "is no JSON"},
        {ARRAY("\"string\""), "[1]", "1 is not a string"},
        {ARRAY("\"boolean\""), "[\"maybe\"]", "is not true or false"},
        {ARRAY("\"float\""), "[1e39]", "FLOAT"},
        {ARRAY("\"double\""), "[\"x\"]", "is not a number"},
        {ARRAY("\"date\""), "[\"2026-02-30\"]", "is not a date"},
        {ARRAY("\"timestamp\""), "[5]", "is not a timestamp"},
        {ARRAY("\"timestamp_ntz\""), "[\"2026-03-01T00:00:00Z\"]", "without a zone"},
        {ARRAY("\"binary\""), "[\"!\"]", "base64"},
        {ARRAY("\"decimal(5,2)\""), "[1000]", "1000 is not a decimal that fits"},
        {ARRAY("\"decimal(38,20)\""), "[0.12345678901234567]", "more than 15 digits"},
        {MAP("\"string\"", "\"long\""), "[]", "[] is not an object"},
        {MAP("\"string\"", "\"long\""), "{\"k\":null}", "value of \"k\" is null"},
        {MAP("\"long\"", "\"long\""), "{\"k\":1}", "\"k\" is not an integer"},
        {STRUCT(MEMBER("a", "\"long\"", "false")), "{}", "\"a\" is NOT NULL"},
        {STRUCT(MEMBER("a", "\"long\"", "true")), "{\"b\":1}", "no member \"b\""},
        {STRUCT(MEMBER("a", "\"long\"", "true")), "7", "7 is not an object"},
    };
    struct encoding *encoding = *state;
    void *own = encoding;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const rows[] = {"null", cases[i].value, "null", NULL};

        nested(encoding, cases[i].type, rows);
        misfit_is(encoding, 0, 1, "out_of_range", cases[i].says);
        assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, 2, NULL), -1);
        put(encoding, 2);
        BYTES_ARE(encoding, "\x0a\x00");
        teardown(&own);
        setup(&own);
        encoding = own;
    }
    *state = own;
}

static void test_want_of_memory_makes_no_misfits(void **state)
{
    struct encoding *encoding = *state;
    int code;

    nested(encoding, ARRAY("\"string\""), (const char *const[]){"[\"a\",\"b\"]", "[]", NULL});
    for (long n = 0;; n++) {
        json_memory_after(n);
        code = tow_bus_encoder_batch(encoding->encoder, &encoding->table.array, &encoding->err);
        json_memory_enough();
        if (code == TOW_OK)
            break;
        assert_int_equal(code, TOW_E_NOMEM);
    }
    assert_int_equal(tow_bus_encoder_misfit(encoding->encoder, 0, NULL), -1);
    put(encoding, 0);
    BYTES_ARE(encoding, "\x0a\x06\x0a\x01\x61\x0a\x01\x62");
}

static void test_nested_columns_come_as_json(void **state)
{
    struct encoding *encoding = *state;

    column(encoding, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN)->is_repeated = 1;
    rows_of(encoding, (struct tow_type){TOW_TYPE_INT64, 0, 0});
    refused(encoding, TOW_E_CONFIG, "the type json");
}

static void test_odd_names_are_refused(void **state)
{
    struct encoding *encoding = *state;
    static const struct tow_field field = {"a b", {TOW_TYPE_INT64, 0, 0}, 0};

    table_init(&encoding->table, &field, 1);
    refused(encoding, TOW_E_CONFIG, "a b");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_integers_are_varints),
        TEST(test_a_null_is_left_out),
        TEST(test_each_type_has_its_bytes),
        TEST(test_numbers_widen_where_nothing_is_lost),
        TEST(test_a_double_in_a_float_column_is_rounded),
        TEST(test_records_of_any_length_keep_their_bounds),
        TEST(test_json_records_are_objects),
        TEST(test_integers_out_of_range_are_found),
        TEST(test_the_largest_unsigned_numbers_have_no_place),
        TEST(test_doubles_beyond_a_float_have_no_place),
        TEST(test_decimals_with_too_many_digits_have_no_place),
        TEST(test_a_null_in_a_column_that_must_have_values_is_found),
        TEST(test_a_text_is_no_number),
        TEST(test_types_that_would_lose_something_are_refused),
        TEST(test_columns_that_only_one_side_has_are_told_of),
        TEST(test_arrays_are_repeated_fields),
        TEST(test_maps_are_entries),
        TEST(test_structs_are_messages),
        TEST(test_nested_values_that_do_not_fit_are_misfits),
        TEST(test_want_of_memory_makes_no_misfits),
        TEST(test_nested_columns_come_as_json),
        TEST(test_odd_names_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
