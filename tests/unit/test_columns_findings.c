#include "columns_fixture.h"

static void check_findings(const struct tow_column_spec *specs, size_t count,
                           const char *const *wanted, size_t wanted_count)
{
    static const struct tow_field fields[] = {{"age", STRING_TYPE, 0},
                                              {"segment", STRING_TYPE, 0},
                                              {"day", {TOW_TYPE_DATE, 0, 0}, 0},
                                              {"n", INT64_TYPE, 0}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_columns *columns = (void *)&err;
    struct ArrowSchema schema;

    schema_of(&schema, fields, COUNT(fields));
    assert_ok(tow_columns_new(specs, count, &schema, &columns, &diags, &err), err);
    assert_null(columns);
    for (size_t i = 0; i < diags.count && i < wanted_count; i++)
        assert_string_equal(diags.items[i].text, wanted[i]);
    assert_int_equal(diags.errors, wanted_count);
    if (count > 0)
        assert_string_equal(diags.items[0].file, "job.cfg");
    tow_diags_release(&diags);
    schema.release(&schema);
}

#define AT(number) .file = "job.cfg", .line = (number)
#define AS(number) .has_type = 1, .type = {number, 0, 0}

static void test_all_findings_are_told_at_once(void **state)
{
    const struct tow_column_spec specs[] = {
        {AT(1), .name = "age", .from = "age"},
        {AT(2), .name = "age", .from = "age", AS(TOW_TYPE_INT32), .fallback = "old"},
        {AT(3), .name = "s", .from = "segmnt"},
        {AT(4), .name = "far", .from = "zzzzzz"},
        {AT(5), .name = "d", .from = "day", AS(TOW_TYPE_BOOL)},
        {AT(6), .name = "t", .from = "n", .trim = 1},
        {AT(7), .name = "l", .from = "day", .lower = 1},
        {AT(8), .name = "h", .from = "age", .hash_sha256 = 1, AS(TOW_TYPE_INT32)},
        {AT(9), .name = "c", .value = "300", AS(TOW_TYPE_UINT8)},
        {AT(10), .name = "both", .from = "age", .value = "1"},
        {AT(11), .name = "neither"},
        {AT(12), .name = "", .from = "age"},
        {AT(13), .name = "k", .value = "1", .fallback = "2", .null_if = (const char *const[]){"1"},
         .null_if_count = 1},
        {AT(14), .name = "bytes", .from = "age", .fallback = "\xff"},
    };
    static const char *const wanted[] = {
        "column age: the name is taken by an earlier column (line 1)",
        "column age: `default`: \"old\" is not an int32",
        "column s: there is no column \"segmnt\" to take it from; did you mean \"segment\"?",
        "column far: there is no column \"zzzzzz\" to take it from",
        "column d: cannot convert date to bool",
        "column t: `trim` is for strings; \"n\" is int64",
        "column l: `lower` is for strings; \"day\" is date",
        "column h: a hash is a string (hex) or binary, not int32",
        "column c: `value`: 300 does not fit uint8 (0 .. 255)",
        "column both: it has both `from` and `value`",
        "column neither: it needs `from` or `value`",
        "column without name: the name is missing",
        "column k: `null_if` does nothing to a constant",
        "column k: `default` does nothing to a constant",
        "column bytes: `default` is not UTF-8",
    };

    (void)state;
    check_findings(specs, COUNT(specs), wanted, COUNT(wanted));
}

static void test_formats_are_checked(void **state)
{
    const struct tow_column_spec specs[] = {
        {AT(1), .name = "a", .from = "age", .format = "%d/%m", AS(TOW_TYPE_DATE)},
        {AT(2), .name = "b", .from = "age", .format = "epoch_sec", AS(TOW_TYPE_TIMESTAMP)},
        {AT(3), .name = "c", .from = "n", AS(TOW_TYPE_TIMESTAMP)},
        {AT(4), .name = "d", .from = "n", .format = "%s", AS(TOW_TYPE_TIMESTAMP)},
        {AT(5), .name = "e", .from = "age", .format = "%Y", AS(TOW_TYPE_INT32)},
        {AT(6), .name = "f", .from = "age", .format = "rot13", AS(TOW_TYPE_BINARY)},
        {AT(7), .name = "g", .from = "age", .format = "%F %z", AS(TOW_TYPE_TIMESTAMP_NTZ)},
        {AT(8), .name = "h", .from = "age", .format = "hex"},
        {AT(9), .name = "i", .value = "x", .format = "%Y", AS(TOW_TYPE_DATE)},
    };
    static const char *const wanted[] = {
        "column a: format \"%d/%m\": has no year: one of %Y %y %F %D %s is needed",
        "column b: format \"epoch_sec\": has no year: one of %Y %y %F %D %s is needed; or one of "
        "epoch_s, epoch_ms, epoch_us, epoch_ns",
        "column c: from int64 to timestamp it takes format = \"epoch_s\", \"epoch_ms\", "
        "\"epoch_us\" or \"epoch_ns\"",
        "column d: from int64 to timestamp it takes format = \"epoch_s\", \"epoch_ms\", "
        "\"epoch_us\" or \"epoch_ns\", not \"%s\"",
        "column e: format \"%Y\" means nothing from string to int32",
        "column f: format \"rot13\" is not known; between string and binary it is base64, hex or "
        "utf8",
        "column g: format \"%F %z\" has a zone, which a timestamp_ntz is without",
        "column h: format \"hex\" means nothing from string to string",
        "column i: `value`: \"x\" is not a date of format \"%Y\"",
    };

    (void)state;
    check_findings(specs, COUNT(specs), wanted, COUNT(wanted));
}

static void test_an_empty_list_is_a_finding(void **state)
{
    static const char *const wanted[] = {"columns: the list is empty"};

    (void)state;
    check_findings(NULL, 0, wanted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_findings_are_told_at_once),
        cmocka_unit_test(test_formats_are_checked),
        cmocka_unit_test(test_an_empty_list_is_a_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
