#include "connectors/zerobus/proto.h"
#include "connectors/zerobus/schema.h"
#include "unit.h"

static struct tow_error err;

static int read_table(struct tow_zerobus_message *message, const char *columns)
{
    char text[8000];
    json_t *table;
    int code;

    (void)snprintf(text, sizeof text,
                   "{\"name\":\"orders\",\"schema_name\":\"sales\",\"catalog_name\":\"main\","
                   "\"columns\":[%s]}",
                   columns);
    table = json_loads(text, 0, NULL);
    if (!table)
        fail_msg("the test's own JSON is none: %s", text);
    err = (struct tow_error)TOW_ERROR_INIT;
    code = tow_zerobus_schema_read(message, table, &err);
    json_decref(table);
    return code;
}

static void refuses(const char *columns, int code, const char *says)
{
    struct tow_zerobus_message message;
    int got = read_table(&message, columns);

    if (got != code)
        fail_msg("%s: %s", tow_error_name(got), err.message);
    assert_says(err, says);
}

#define COLUMN(name, type, position) \
    "{\"name\":\"" name "\",\"type_json\":\"" type "\",\"position\":" #position "}"

/* ---- types ----------------------------------------------------------------------------------- */

static void test_every_simple_type_has_its_kind(void **state)
{
    static const struct {
        const char *type;
        int kind, meaning;
    } cases[] = {
        {"byte", TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE},
        {"short", TOW_ZEROBUS_INT32, TOW_ZEROBUS_SHORT},
        {"integer", TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
        {"long", TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
        {"float", TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN},
        {"double", TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN},
        {"boolean", TOW_ZEROBUS_BOOL, TOW_ZEROBUS_PLAIN},
        {"string", TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
        {"varchar(20)", TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
        {"binary", TOW_ZEROBUS_BYTES, TOW_ZEROBUS_PLAIN},
        {"date", TOW_ZEROBUS_INT32, TOW_ZEROBUS_DATE},
        {"timestamp", TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP},
        {"timestamp_ntz", TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP_NTZ},
        {"decimal(18,4)", TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL},
        {"variant", TOW_ZEROBUS_STRING, TOW_ZEROBUS_VARIANT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_zerobus_message message;
        char column[300];

        (void)snprintf(column, sizeof column,
                       "{\"name\":\"c\",\"type_json\":\"\\\"%s\\\"\",\"position\":0,"
                       "\"nullable\":false}",
                       cases[i].type);
        assert_ok(read_table(&message, column), err);
        assert_string_equal(message.name, "SalesOrders");
        assert_int_equal(message.fields[0].kind, cases[i].kind);
        assert_int_equal(message.fields[0].type, cases[i].meaning);
        assert_int_equal(message.fields[0].is_required, 1);
        assert_int_equal(message.fields[0].number, 1);
        tow_zerobus_schema_release(&message);
    }
}

static void test_a_decimal_keeps_precision_and_scale(void **state)
{
    struct tow_zerobus_message message;

    (void)state;
    assert_ok(read_table(&message, COLUMN("a", "\\\"decimal(18,4)\\\"", 0)), err);
    assert_int_equal(message.fields[0].precision, 18);
    assert_int_equal(message.fields[0].scale, 4);
    tow_zerobus_schema_release(&message);
}

static void test_the_wrapped_form_of_type_json_is_read(void **state)
{
    struct tow_zerobus_message message;

    (void)state;
    assert_ok(read_table(&message, COLUMN("a",
                                          "{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"long\\\","
                                          "\\\"nullable\\\":true,\\\"metadata\\\":{}}",
                                          4)),
              err);
    assert_int_equal(message.fields[0].kind, TOW_ZEROBUS_INT64);
    assert_int_equal(message.fields[0].number, 5);
    assert_int_equal(message.fields[0].is_required, 0);
    tow_zerobus_schema_release(&message);
}

static void test_a_type_name_serves_where_there_is_no_json(void **state)
{
    struct tow_zerobus_message message;

    (void)state;
    assert_ok(read_table(&message, "{\"name\":\"a\",\"type_name\":\"DECIMAL\",\"type_text\":"
                                   "\"decimal(5,2)\"},{\"name\":\"b\",\"type_name\":\"LONG\"}"),
              err);
    assert_int_equal(message.fields[0].scale, 2);
    assert_int_equal(message.fields[1].kind, TOW_ZEROBUS_INT64);
    assert_int_equal(message.fields[1].number, 2);
    tow_zerobus_schema_release(&message);
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    refuses("", TOW_E_ENV, "0 columns");
    refuses("{\"name\":\"a\"}", TOW_E_ENV, "no type");
    refuses(COLUMN("a", "nonsense", 0), TOW_E_ENV, "type_json");
    refuses(COLUMN("a", "\\\"interval day\\\"", 0), TOW_E_UNSUPPORTED, "interval");
    refuses(COLUMN("a", "\\\"decimal(99,4)\\\"", 0), TOW_E_UNSUPPORTED, "decimal(99,4)");
    refuses(COLUMN("a b", "\\\"long\\\"", 0), TOW_E_UNSUPPORTED, "a b");
    refuses(COLUMN("1a", "\\\"long\\\"", 0), TOW_E_UNSUPPORTED, "1a");
    refuses(COLUMN("", "\\\"long\\\"", 0), TOW_E_UNSUPPORTED, "letters");
    refuses(COLUMN("a", "\\\"long\\\"", 18999), TOW_E_UNSUPPORTED, "18999");
    refuses(COLUMN("a", "\\\"long\\\"", -1), TOW_E_UNSUPPORTED, "-1");
    refuses(COLUMN("a", "\\\"long\\\"", 0) "," COLUMN("A", "\\\"long\\\"", 1), TOW_E_ENV,
            "one name");
    refuses(COLUMN("a", "\\\"long\\\"", 0) "," COLUMN("b", "\\\"long\\\"", 0), TOW_E_ENV,
            "one position");
    refuses(COLUMN("a",
                   "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":{\\\"type\\\":\\\"array\\\","
                   "\\\"elementType\\\":\\\"long\\\"}}",
                   0),
            TOW_E_UNSUPPORTED, "array of arrays");
    refuses(COLUMN("a",
                   "{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":\\\"double\\\",\\\"valueType\\\":"
                   "\\\"long\\\"}",
                   0),
            TOW_E_UNSUPPORTED, "such keys");
    refuses(COLUMN("a",
                   "{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":\\\"long\\\",\\\"valueType\\\":"
                   "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":\\\"long\\\"}}",
                   0),
            TOW_E_UNSUPPORTED, "map of arrays");
    refuses(COLUMN("a", "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}", 0), TOW_E_UNSUPPORTED,
            "without members");
    refuses(COLUMN("a", "{\\\"type\\\":\\\"odd\\\"}", 0), TOW_E_UNSUPPORTED, "its type");
}

static void test_nesting_has_a_limit(void **state)
{
    char column[8000] = "{\"name\":\"a\",\"position\":0,\"type_json\":\"";

    (void)state;
    for (int i = 0; i < 101; i++)
        strcat(column, "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":");
    strcat(column, "\\\"long\\\"");
    for (int i = 0; i < 101; i++)
        strcat(column, "}");
    strcat(column, "\"}");
    refuses(column, TOW_E_UNSUPPORTED, "nested");
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void test_a_flat_table_becomes_these_bytes(void **state)
{
    static const char expected[] = "\x0a\x0bSalesOrders"
                                   "\x12\x0e\x0a\x02id\x18\x01\x20\x02\x28\x03\x52\x02id"
                                   "\x12\x12\x0a\x04name\x18\x03\x20\x01\x28\x09\x52\x04name";
    struct tow_zerobus_message message;
    struct tow_buffer out = {0};

    (void)state;
    assert_ok(read_table(&message, "{\"name\":\"id\",\"type_json\":\"\\\"long\\\"\",\"position\":0,"
                                   "\"nullable\":false}," COLUMN("name", "\\\"string\\\"", 2)),
              err);
    assert_ok(tow_zerobus_put_descriptor(&out, &message, &err), err);
    assert_int_equal(out.size, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.size);
    tow_buffer_release(&out);
    tow_zerobus_schema_release(&message);
}

#define NESTED                                                                                     \
    COLUMN("id", "\\\"long\\\"", 0)                                                                \
    "," COLUMN(                                                                                    \
        "tags", "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":\\\"string\\\"}",                 \
        1) "," COLUMN("address",                                                                   \
                      "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"street\\\"," \
                      "\\\"type\\\":\\\"string\\\",\\\"nullable\\\":false},{\\\"name\\\":"         \
                      "\\\"geo\\\","                                                               \
                      "\\\"type\\\":{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":"   \
                      "\\\"lat\\\","                                                               \
                      "\\\"type\\\":\\\"double\\\"}]}}]}",                                         \
                      2) "," COLUMN("visits_by_day",                                               \
                                    "{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":\\\"string\\\","    \
                                    "\\\"valueType\\\":"                                           \
                                    "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":"  \
                                    "\\\"n\\\","                                                   \
                                    "\\\"type\\\":\\\"long\\\"}]}}",                               \
                                    3) "," COLUMN("Address", "\\\"string\\\"", 4)

static void test_a_table_becomes_this_file(void **state)
{
    struct tow_zerobus_message message;
    struct tow_buffer out = {0};

    (void)state;
    (void)state;
    assert_ok(
        read_table(&message, COLUMN("id", "\\\"long\\\"", 0) "," COLUMN("flag", "\\\"byte\\\"", 1)),
        err);
    assert_ok(tow_zerobus_put_proto_file(&out, &message, "main.sales.orders", &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    assert_string_equal(out.data, "// main.sales.orders\nsyntax = \"proto2\";\n\n"
                                  "message SalesOrders {\n"
                                  "  optional int64 id = 1;\n"
                                  "  optional int32 flag = 2; // -128 to 127\n"
                                  "}\n");
    tow_buffer_release(&out);
    tow_zerobus_schema_release(&message);
}

static void test_nested_types_are_written_where_they_belong(void **state)
{
    struct tow_zerobus_message message;
    struct tow_buffer out = {0};
    char columns[] = NESTED;

    (void)state;
    /* Two columns that differ by case alone are one to Unity Catalog. */
    strstr(columns, "Address")[0] = 'B';
    assert_ok(read_table(&message, columns), err);
    assert_ok(tow_zerobus_put_proto_file(&out, &message, "x", &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    assert_string_equal(out.data, "// x\nsyntax = \"proto2\";\n\n"
                                  "message SalesOrders {\n"
                                  "  message Address {\n"
                                  "    message Geo {\n"
                                  "      optional double lat = 1;\n"
                                  "    }\n"
                                  "    required string street = 1;\n"
                                  "    optional Geo geo = 2;\n"
                                  "  }\n"
                                  "  message VisitsByDayValue {\n"
                                  "    optional int64 n = 1;\n"
                                  "  }\n"
                                  "  optional int64 id = 1;\n"
                                  "  repeated string tags = 2;\n"
                                  "  optional Address address = 3;\n"
                                  "  map<string, VisitsByDayValue> visits_by_day = 4;\n"
                                  "  optional string Bddress = 5;\n"
                                  "}\n");
    tow_buffer_release(&out);
    tow_zerobus_schema_release(&message);
}

static void test_a_message_whose_name_is_taken_gets_a_number(void **state)
{
    struct tow_zerobus_message message;

    (void)state;
    assert_ok(read_table(&message,
                         COLUMN("a_b",
                                "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":"
                                "\\\"x\\\",\\\"type\\\":\\\"long\\\"}]}",
                                0) "," COLUMN("aB",
                                              "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{"
                                              "\\\"name\\\":\\\"x\\\",\\\"type\\\":\\\"long\\\"}]}",
                                              1) "," COLUMN("AB2", "\\\"long\\\"", 2)),
              err);
    assert_string_equal(message.fields[0].message->name, "AB");
    assert_string_equal(message.fields[1].message->name, "AB3");
    tow_zerobus_schema_release(&message);
}

static void test_names_of_messages_begin_with_a_letter(void **state)
{
    struct tow_buffer out = {0};

    (void)state;
    assert_ok(tow_zerobus_message_name(&out, "2024", "air_quality", &err), err);
    assert_int_equal(out.size, 15);
    assert_memory_equal(out.data, "M2024AirQuality", 15);
    tow_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_simple_type_has_its_kind),
        cmocka_unit_test(test_a_decimal_keeps_precision_and_scale),
        cmocka_unit_test(test_the_wrapped_form_of_type_json_is_read),
        cmocka_unit_test(test_a_type_name_serves_where_there_is_no_json),
        cmocka_unit_test(test_what_cannot_be_sent_is_refused),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_a_flat_table_becomes_these_bytes),
        cmocka_unit_test(test_a_table_becomes_this_file),
        cmocka_unit_test(test_nested_types_are_written_where_they_belong),
        cmocka_unit_test(test_a_message_whose_name_is_taken_gets_a_number),
        cmocka_unit_test(test_names_of_messages_begin_with_a_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
