#include "columns_fixture.h"

/* One value through one conversion. */
struct conversion_case {
    const char *from, *to, *format;
    const char *in;      /* as columns_fixture.h reads it */
    const char *out;     /* what comes of it; NULL where its row is rejected */
    const char *code;    /* of the rejection */
    const char *message; /* without "column x: " */
};

static const struct conversion_case text_cases[] = {
    {"string", "bool", NULL, "true", "true", NULL, NULL},
    {"string", "bool", NULL, "No", "false", NULL, NULL},
    {"string", "bool", NULL, "2", NULL, "bad_bool", "\"2\" is not a bool"},
    {"string", "bool", NULL, "", NULL, "bad_bool", "\"\" is not a bool"},
    {"string", "int8", NULL, "-128", "-128", NULL, NULL},
    {"string", "int8", NULL, "-129", NULL, "out_of_range", "-129 does not fit int8 (-128 .. 127)"},
    {"string", "int16", NULL, "+32767", "32767", NULL, NULL},
    {"string", "int16", NULL, "32768", NULL, "out_of_range",
     "32768 does not fit int16 (-32768 .. 32767)"},
    {"string", "int32", NULL, "2147483647", "2147483647", NULL, NULL},
    {"string", "int32", NULL, "-2147483648", "-2147483648", NULL, NULL},
    {"string", "int32", NULL, "99999999999", NULL, "out_of_range",
     "99999999999 does not fit int32 (-2147483648 .. 2147483647)"},
    {"string", "int32", NULL, "abc", NULL, "bad_int32", "\"abc\" is not an int32"},
    {"string", "int32", NULL, "", NULL, "bad_int32", "\"\" is not an int32"},
    {"string", "int32", NULL, " 1", NULL, "bad_int32", "\" 1\" is not an int32"},
    {"string", "int32", NULL, "1.0", NULL, "bad_int32", "\"1.0\" is not an int32"},
    {"string", "int64", NULL, "-9223372036854775808", "-9223372036854775808", NULL, NULL},
    {"string", "int64", NULL, "9223372036854775808", NULL, "out_of_range",
     "9223372036854775808 does not fit int64 (-9223372036854775808 .. 9223372036854775807)"},
    {"string", "uint8", NULL, "255", "255", NULL, NULL},
    {"string", "uint8", NULL, "-0", "0", NULL, NULL},
    {"string", "uint8", NULL, "-1", NULL, "out_of_range", "-1 does not fit uint8 (0 .. 255)"},
    {"string", "uint16", NULL, "65536", NULL, "out_of_range",
     "65536 does not fit uint16 (0 .. 65535)"},
    {"string", "uint32", NULL, "4294967295", "4294967295", NULL, NULL},
    {"string", "uint64", NULL, "18446744073709551615", "18446744073709551615", NULL, NULL},
    {"string", "uint64", NULL, "-0", "0", NULL, NULL},
    {"string", "uint64", NULL, "x", NULL, "bad_uint64", "\"x\" is not a uint64"},
    {"string", "uint64", NULL, "-5", NULL, "out_of_range",
     "-5 does not fit uint64 (0 .. 18446744073709551615)"},
    {"string", "uint64", NULL, "-99999999999999999999", NULL, "out_of_range",
     "-99999999999999999999 does not fit uint64 (0 .. 18446744073709551615)"},
    {"string", "uint64", NULL, "18446744073709551616", NULL, "out_of_range",
     "18446744073709551616 does not fit uint64 (0 .. 18446744073709551615)"},
    {"string", "float64", NULL, "1.5e3", "1500", NULL, NULL},
    {"string", "float64", NULL, "nan", "NaN", NULL, NULL},
    {"string", "float64", NULL, "1e999", NULL, "out_of_range", "1e999 does not fit float64"},
    {"string", "float64", NULL, "1,5", NULL, "bad_float64", "\"1,5\" is not a float64"},
    {"string", "float32", NULL, "0.1", "0.1", NULL, NULL},
    {"string", "float32", NULL, "1e39", NULL, "out_of_range", "1e39 does not fit float32"},
    {"string", "decimal(6,2)", NULL, "-1234.5", "-1234.50", NULL, NULL},
    {"string", "decimal(6,2)", NULL, "1.500", "1.50", NULL, NULL},
    {"string", "decimal(6,2)", NULL, "12345.67", NULL, "out_of_range",
     "12345.67 does not fit decimal(6,2)"},
    {"string", "decimal(6,2)", NULL, "1.005", NULL, "out_of_range",
     "1.005 does not fit decimal(6,2)"},
    {"string", "decimal(6,2)", NULL, "1.0.0", NULL, "bad_decimal",
     "\"1.0.0\" is not a decimal(6,2)"},
    {"string", "decimal(38,0)", NULL, "99999999999999999999999999999999999999",
     "99999999999999999999999999999999999999", NULL, NULL},
    {"string", "date", NULL, "2024-02-29", "2024-02-29", NULL, NULL},
    {"string", "date", NULL, "2023-02-29", NULL, "bad_date", "\"2023-02-29\" is not a date"},
    {"string", "date", NULL, "2024-02-29T00:00:00Z", NULL, "bad_date",
     "\"2024-02-29T00:00:00Z\" is not a date"},
    {"string", "date", "%d/%m/%Y", "29/02/2024", "2024-02-29", NULL, NULL},
    {"string", "date", "%d/%m/%Y", "2024-02-29", NULL, "bad_date",
     "\"2024-02-29\" is not a date of format \"%d/%m/%Y\""},
    {"string", "date", "%Y%m%d %H", "20240229 00", "2024-02-29", NULL, NULL},
    {"string", "date", "%Y%m%d %H", "20240229 01", NULL, "out_of_range",
     "20240229 01 does not fit date: it has a time of day"},
    {"string", "timestamp", NULL, "2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z", NULL, NULL},
    {"string", "timestamp", NULL, "2024-01-02 03:04:05.5", "2024-01-02T03:04:05.500Z", NULL, NULL},
    {"string", "timestamp", NULL, "2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z", NULL, NULL},
    {"string", "timestamp", NULL, "2024-01-02", NULL, "bad_timestamp",
     "\"2024-01-02\" is not a timestamp"},
    {"string", "timestamp", NULL, "2024-13-02T03:04:05Z", NULL, "bad_timestamp",
     "\"2024-13-02T03:04:05Z\" is not a timestamp"},
    {"string", "timestamp", "%d.%m.%Y %H:%M", "02.01.2024 03:04", "2024-01-02T03:04:00Z", NULL,
     NULL},
    {"string", "timestamp", "%d.%m.%Y %H:%M", "x", NULL, "bad_timestamp",
     "\"x\" is not a timestamp of format \"%d.%m.%Y %H:%M\""},
    {"string", "timestamp", "epoch_s", "1700000000", "2023-11-14T22:13:20Z", NULL, NULL},
    {"string", "timestamp", "epoch_s", "1700000000.1234567", "2023-11-14T22:13:20.123456Z", NULL,
     NULL},
    {"string", "timestamp", "epoch_s", "-0.5", "1969-12-31T23:59:59.500Z", NULL, NULL},
    {"string", "timestamp", "epoch_s", "-0.0000001", "1969-12-31T23:59:59.999999Z", NULL, NULL},
    {"string", "timestamp", "epoch_s", "x", NULL, "bad_timestamp",
     "\"x\" is not a timestamp of format \"epoch_s\""},
    {"string", "timestamp", "epoch_s", "9223372036855", NULL, "out_of_range",
     "9223372036855 does not fit timestamp"},
    {"string", "timestamp", "epoch_ms", "1700000000123", "2023-11-14T22:13:20.123Z", NULL, NULL},
    {"string", "timestamp", "epoch_us", "1700000000123456", "2023-11-14T22:13:20.123456Z", NULL,
     NULL},
    {"string", "timestamp", "epoch_ns", "1700000000123456789", "2023-11-14T22:13:20.123456Z", NULL,
     NULL},
    {"string", "timestamp_ntz", NULL, "2024-01-02T03:04:05", "2024-01-02T03:04:05", NULL, NULL},
    {"string", "timestamp_ntz", NULL, "2024-01-02T03:04:05Z", NULL, "bad_timestamp_ntz",
     "\"2024-01-02T03:04:05Z\" has a zone, which a timestamp_ntz is without"},
    {"string", "timestamp_ntz", "epoch_s", "0", "1970-01-01T00:00:00", NULL, NULL},
    {"string", "timestamp_ntz", "%Y %j", "2024 060", "2024-02-29T00:00:00", NULL, NULL},
    {"string", "binary", NULL, "aGk=", "6869", NULL, NULL},
    {"string", "binary", "base64", "a", NULL, "bad_binary", "\"a\" is not base64"},
    {"string", "binary", "hex", "00fF", "00ff", NULL, NULL},
    {"string", "binary", "hex", "0g", NULL, "bad_binary", "\"0g\" is not hex"},
    {"string", "binary", "utf8", "hi", "6869", NULL, NULL},
    {"string", "json", NULL, "{\"a\": [1]}", "{\"a\": [1]}", NULL, NULL},
    {"string", "json", NULL, "{a:1}", NULL, "bad_json", "\"{a:1}\" is not JSON"},
    {"string", "json", NULL, "", NULL, "bad_json", "\"\" is not JSON"},
    {"string", "string", NULL, "", "", NULL, NULL},
};

static const struct conversion_case number_cases[] = {
    {"bool", "int8", NULL, "true", "1", NULL, NULL},
    {"bool", "uint64", NULL, "false", "0", NULL, NULL},
    {"int64", "bool", NULL, "1", "true", NULL, NULL},
    {"uint8", "bool", NULL, "0", "false", NULL, NULL},
    {"int64", "bool", NULL, "2", NULL, "out_of_range", "2 does not fit bool (0 .. 1)"},
    {"uint64", "bool", NULL, "18446744073709551615", NULL, "out_of_range",
     "18446744073709551615 does not fit bool (0 .. 1)"},
    {"int8", "int64", NULL, "-128", "-128", NULL, NULL},
    {"int64", "int32", NULL, "2147483648", NULL, "out_of_range",
     "2147483648 does not fit int32 (-2147483648 .. 2147483647)"},
    {"int64", "uint64", NULL, "-1", NULL, "out_of_range",
     "-1 does not fit uint64 (0 .. 18446744073709551615)"},
    {"int64", "uint64", NULL, "9223372036854775807", "9223372036854775807", NULL, NULL},
    {"uint64", "int64", NULL, "9223372036854775807", "9223372036854775807", NULL, NULL},
    {"uint64", "int64", NULL, "9223372036854775808", NULL, "out_of_range",
     "9223372036854775808 does not fit int64 (-9223372036854775808 .. 9223372036854775807)"},
    {"uint64", "uint8", NULL, "18446744073709551615", NULL, "out_of_range",
     "18446744073709551615 does not fit uint8 (0 .. 255)"},
    {"uint32", "int32", NULL, "4294967295", NULL, "out_of_range",
     "4294967295 does not fit int32 (-2147483648 .. 2147483647)"},
    {"int64", "float64", NULL, "9007199254740992", "9007199254740992", NULL, NULL},
    {"int64", "float64", NULL, "9007199254740994", "9007199254740994", NULL, NULL},
    {"int64", "float64", NULL, "9007199254740993", NULL, "out_of_range",
     "9007199254740993 does not fit float64: digits would be lost"},
    {"int64", "float64", NULL, "9223372036854775807", NULL, "out_of_range",
     "9223372036854775807 does not fit float64: digits would be lost"},
    {"uint64", "float64", NULL, "9223372036854775808", "9223372036854776000", NULL, NULL},
    {"uint64", "float64", NULL, "18446744073709551615", NULL, "out_of_range",
     "18446744073709551615 does not fit float64: digits would be lost"},
    {"int32", "float32", NULL, "-16777216", "-16777216", NULL, NULL},
    {"int32", "float32", NULL, "16777217", NULL, "out_of_range",
     "16777217 does not fit float32: digits would be lost"},
    {"uint64", "float32", NULL, "18446744073709551615", NULL, "out_of_range",
     "18446744073709551615 does not fit float32: digits would be lost"},
    {"float64", "int32", NULL, "-3", "-3", NULL, NULL},
    {"float64", "int32", NULL, "1.5", NULL, "out_of_range",
     "1.5 does not fit int32: digits would be lost"},
    {"float64", "int32", NULL, "nan", NULL, "out_of_range",
     "NaN does not fit int32 (-2147483648 .. 2147483647)"},
    {"float64", "int64", NULL, "9223372036854775808", NULL, "out_of_range",
     "9223372036854776000 does not fit int64 (-9223372036854775808 .. 9223372036854775807)"},
    {"float64", "int64", NULL, "-9223372036854775808", "-9223372036854775808", NULL, NULL},
    {"float64", "uint64", NULL, "18446744073709549568", "18446744073709549568", NULL, NULL},
    {"float64", "uint64", NULL, "18446744073709551616", NULL, "out_of_range",
     "18446744073709552000 does not fit uint64 (0 .. 18446744073709551615)"},
    {"float32", "uint8", NULL, "255", "255", NULL, NULL},
    {"float32", "uint8", NULL, "inf", NULL, "out_of_range",
     "Infinity does not fit uint8 (0 .. 255)"},
    {"float32", "float64", NULL, "0.5", "0.5", NULL, NULL},
    {"float64", "float32", NULL, "0.1", "0.1", NULL, NULL},
    {"float64", "float32", NULL, "-inf", "-Infinity", NULL, NULL},
    {"float64", "float32", NULL, "1e39", NULL, "out_of_range", "1e39 does not fit float32"},
    {"int64", "decimal(5,2)", NULL, "-999", "-999.00", NULL, NULL},
    {"int64", "decimal(5,2)", NULL, "1000", NULL, "out_of_range", "1000 does not fit decimal(5,2)"},
    {"uint64", "decimal(38,18)", NULL, "18446744073709551615",
     "18446744073709551615.000000000000000000", NULL, NULL},
    {"float64", "decimal(5,2)", NULL, "0.1", "0.10", NULL, NULL},
    {"float32", "decimal(5,2)", NULL, "0.1", "0.10", NULL, NULL},
    {"float64", "decimal(5,2)", NULL, "0.125", NULL, "out_of_range",
     "0.125 does not fit decimal(5,2)"},
    {"float64", "decimal(5,2)", NULL, "nan", NULL, "out_of_range", "NaN does not fit decimal(5,2)"},
    {"decimal(5,2)", "decimal(4,1)", NULL, "12.30", "12.3", NULL, NULL},
    {"decimal(5,2)", "decimal(4,1)", NULL, "12.34", NULL, "out_of_range",
     "12.34 does not fit decimal(4,1): digits would be lost"},
    {"decimal(5,2)", "decimal(2,1)", NULL, "-12.30", NULL, "out_of_range",
     "-12.30 does not fit decimal(2,1)"},
    {"decimal(5,2)", "decimal(38,35)", NULL, "999.99", "999.99000000000000000000000000000000000",
     NULL, NULL},
    {"decimal(5,2)", "decimal(38,36)", NULL, "100.00", NULL, "out_of_range",
     "100.00 does not fit decimal(38,36)"},
    {"decimal(5,2)", "decimal(3,2)", NULL, "-9.99", "-9.99", NULL, NULL},
    {"decimal(5,2)", "int8", NULL, "-128.00", "-128", NULL, NULL},
    {"decimal(5,2)", "int8", NULL, "128.00", NULL, "out_of_range",
     "128.00 does not fit int8 (-128 .. 127)"},
    {"decimal(5,2)", "int8", NULL, "1.50", NULL, "out_of_range",
     "1.50 does not fit int8: digits would be lost"},
    {"decimal(20,0)", "uint64", NULL, "18446744073709551615", "18446744073709551615", NULL, NULL},
    {"decimal(5,2)", "float64", NULL, "0.10", "0.1", NULL, NULL},
    {"decimal(38,30)", "float64", NULL, "0.1", "0.1", NULL, NULL},
    {"decimal(20,1)", "float64", NULL, "1234567890123456789.1", "1234567890123456800", NULL, NULL},
    {"decimal(5,2)", "float32", NULL, "-0.10", "-0.1", NULL, NULL},
};

static const struct conversion_case other_cases[] = {
    {"int64", "timestamp", "epoch_s", "-1", "1969-12-31T23:59:59Z", NULL, NULL},
    {"int64", "timestamp", "epoch_ns", "-1", "1969-12-31T23:59:59.999999Z", NULL, NULL},
    {"int32", "timestamp_ntz", "epoch_ms", "1500", "1970-01-01T00:00:01.500", NULL, NULL},
    {"uint64", "timestamp", "epoch_ns", "18446744073709551615", "2554-07-21T23:34:33.709551Z", NULL,
     NULL},
    {"uint64", "timestamp", "epoch_us", "18446744073709551615", NULL, "out_of_range",
     "18446744073709551615 does not fit timestamp"},
    {"int64", "timestamp", "epoch_s", "9223372036855", NULL, "out_of_range",
     "9223372036855 does not fit timestamp"},
    {"float64", "timestamp", "epoch_s", "1700000000.123457", "2023-11-14T22:13:20.123457Z", NULL,
     NULL},
    {"float64", "timestamp", "epoch_s", "-0.25", "1969-12-31T23:59:59.750Z", NULL, NULL},
    {"float64", "timestamp", "epoch_ns", "1.7e18", "2023-11-14T22:13:20Z", NULL, NULL},
    {"float64", "timestamp", "epoch_s", "nan", NULL, "out_of_range", "NaN does not fit timestamp"},
    {"float64", "timestamp", "epoch_s", "1e15", NULL, "out_of_range",
     "1000000000000000 does not fit timestamp"},
    {"decimal(20,7)", "timestamp", "epoch_s", "1700000000.1234569", "2023-11-14T22:13:20.123456Z",
     NULL, NULL},
    {"decimal(38,38)", "timestamp", "epoch_ns", "-0.9", "1969-12-31T23:59:59.999999Z", NULL, NULL},
    {"decimal(38,0)", "timestamp", "epoch_s", "99999999999999999999999999999999999999", NULL,
     "out_of_range", "99999999999999999999999999999999999999 does not fit timestamp"},
    {"date", "timestamp", NULL, "1969-12-31", "1969-12-31T00:00:00Z", NULL, NULL},
    {"date", "timestamp_ntz", NULL, "2024-02-29", "2024-02-29T00:00:00", NULL, NULL},
    {"date", "timestamp", NULL, "#2147483647", NULL, "out_of_range",
     "+5881580-07-11 does not fit timestamp"},
    {"timestamp", "date", NULL, "1969-12-31T00:00:00Z", "1969-12-31", NULL, NULL},
    {"timestamp", "date", NULL, "2024-01-02T03:04:05Z", NULL, "out_of_range",
     "2024-01-02T03:04:05Z does not fit date: it has a time of day"},
    {"timestamp_ntz", "date", NULL, "#-1", NULL, "out_of_range",
     "1969-12-31T23:59:59.999999 does not fit date: it has a time of day"},
    {"timestamp", "timestamp_ntz", NULL, "2024-01-02T03:04:05Z", "2024-01-02T03:04:05", NULL, NULL},
    {"timestamp_ntz", "timestamp", NULL, "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", NULL, NULL},
    {"bool", "string", NULL, "true", "true", NULL, NULL},
    {"bool", "string", NULL, "false", "false", NULL, NULL},
    {"int8", "string", NULL, "-128", "-128", NULL, NULL},
    {"uint16", "string", NULL, "65535", "65535", NULL, NULL},
    {"uint64", "string", NULL, "18446744073709551615", "18446744073709551615", NULL, NULL},
    {"float32", "string", NULL, "0.1", "0.1", NULL, NULL},
    {"float64", "string", NULL, "-2.5e-10", "-2.5e-10", NULL, NULL},
    {"decimal(38,38)", "string", NULL, "-0.1", "-0.10000000000000000000000000000000000000", NULL,
     NULL},
    {"date", "string", NULL, "2024-02-29", "2024-02-29", NULL, NULL},
    {"timestamp", "string", NULL, "2024-02-29T01:02:03.004Z", "2024-02-29T01:02:03.004Z", NULL,
     NULL},
    {"timestamp_ntz", "string", NULL, "2024-02-29T01:02:03", "2024-02-29T01:02:03", NULL, NULL},
    {"json", "string", NULL, "[1]", "[1]", NULL, NULL},
    {"binary", "string", NULL, "00ff", "AP8=", NULL, NULL},
    {"binary", "string", "hex", "00ff", "00ff", NULL, NULL},
    {"binary", "string", "utf8", "c3a4", "\xc3\xa4", NULL, NULL},
    {"binary", "string", "utf8", "41c3", NULL, "bad_string", "\"A\\xc3\" is not UTF-8"},
};

/* A batch whose rows [first, first + count) are handed in. */
struct layout {
    const char *texts[20];
    int64_t rows, first, count;
};

static void check_layout(const struct conversion_case *test, const struct layout *layout)
{
    const struct tow_field field = {"x", type_of(test->from), 0};
    const struct tow_column_spec spec = {
        .name = "x", .from = "x", .format = test->format, .has_type = 1, .type = type_of(test->to)};
    static struct rejects rejects;
    struct tow_share *in = batch_of(&field, 1, layout->texts, layout->rows);
    struct tow_columns *columns;
    struct ArrowSchema schema;
    struct ArrowArray out;
    int64_t kept = 0;
    char text[128];

    schema_of(&schema, &field, 1);
    columns = columns_of(&spec, 1, &schema);
    in = slice_of(in, layout->first, layout->count);
    columns_run(columns, in, &out, &rejects);
    for (int64_t row = layout->first; row < layout->first + layout->count; row++) {
        if (layout->texts[row] && !test->out)
            continue;
        assert_string_equal(text_at(tow_columns_schema(columns), &out, 0, kept++, text),
                            layout->texts[row] ? test->out : "NULL");
    }
    if (kept != out.length)
        fail_msg("%s as %s: %s", test->in, test->to, test->out ? rejects.message : "is kept");
    if (!test->out) {
        assert_string_equal(rejects.codes[0], test->code);
        assert_memory_equal(rejects.message, "column x: ", 10);
        assert_string_equal(rejects.message + 10, test->message);
    }
    out.release(&out);
    tow_share_unref(in);
    tow_columns_free(columns);
    schema.release(&schema);
}

/* Alone, among nulls, and as slices that start inside a byte of bits and behind it. */
static void check_cases(const struct conversion_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *in = cases[i].in;

        print_message("  %s to %s: %s\n", cases[i].from, cases[i].to, in);
        check_layout(&cases[i], &(struct layout){{in}, 1, 0, 1});
        check_layout(&cases[i], &(struct layout){{NULL, in, NULL, in, NULL}, 5, 0, 5});
        check_layout(&cases[i], &(struct layout){{NULL, NULL, NULL, in, NULL, in}, 6, 3, 3});
        check_layout(&cases[i], &(struct layout){{[8] = in, [9] = in, [11] = in}, 20, 9, 11});
        check_layout(&cases[i], &(struct layout){{in, in, in, in}, 4, 2, 2});
    }
}

static void test_text_becomes_values_of_every_type(void **state)
{
    (void)state;
    check_cases(text_cases, sizeof text_cases / sizeof *text_cases);
}

static void test_numbers_convert_only_where_nothing_is_lost(void **state)
{
    (void)state;
    check_cases(number_cases, sizeof number_cases / sizeof *number_cases);
}

static void test_times_and_text_forms(void **state)
{
    (void)state;
    check_cases(other_cases, sizeof other_cases / sizeof *other_cases);
}

static void test_every_type_passes_as_itself(void **state)
{
    static const struct conversion_case cases[] = {
        {"bool", "bool", NULL, "true", "true", NULL, NULL},
        {"int8", "int8", NULL, "-1", "-1", NULL, NULL},
        {"uint64", "uint64", NULL, "18446744073709551615", "18446744073709551615", NULL, NULL},
        {"float32", "float32", NULL, "nan", "NaN", NULL, NULL},
        {"decimal(5,2)", "decimal(5,2)", NULL, "1.50", "1.50", NULL, NULL},
        {"string", "string", NULL, "a", "a", NULL, NULL},
        {"binary", "binary", NULL, "00", "00", NULL, NULL},
        {"date", "date", NULL, "2024-01-01", "2024-01-01", NULL, NULL},
        {"timestamp", "timestamp", NULL, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", NULL,
         NULL},
        {"json", "json", NULL, "{}", "{}", NULL, NULL},
    };

    (void)state;
    check_cases(cases, sizeof cases / sizeof *cases);
}

/* ---- how values are shown ------------------------------------------------------------------- */

static void check_shown(const char *text, const char *shown)
{
    char message[512];
    struct conversion_case test = {"string", "int8", NULL, text, NULL, "bad_int8", message};

    snprintf(message, sizeof message, "%s is not an int8", shown);
    check_layout(&test, &(struct layout){{text}, 1, 0, 1});
}

static void test_long_values_are_cut_and_control_bytes_escaped(void **state)
{
#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
    (void)state;
    check_shown("a\"b\\c", "\"a\\\"b\\\\c\"");
    check_shown("\n\r\t\x01\x7f", "\"\\n\\r\\t\\x01\\x7f\"");
    check_shown("\xc3\xa4\xff", "\"\xc3\xa4\\xff\"");
    check_shown(SIXTY "abcd", "\"" SIXTY "abcd\"");
    check_shown(SIXTY "abcde", "\"" SIXTY "abcd\"...");
    /* A character is not cut in two. */
    check_shown(SIXTY "abc\xc3\xa4", "\"" SIXTY "abc\"...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_becomes_values_of_every_type),
        cmocka_unit_test(test_numbers_convert_only_where_nothing_is_lost),
        cmocka_unit_test(test_times_and_text_forms),
        cmocka_unit_test(test_every_type_passes_as_itself),
        cmocka_unit_test(test_long_values_are_cut_and_control_bytes_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
