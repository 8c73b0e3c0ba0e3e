#include "unit.h"

#include "towpath/batch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *name;
    const char *format;
    struct tow_type type;
    size_t width;
} all_types[] = {
    {"bool", "b", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"int8", "c", {TOW_TYPE_INT8, 0, 0}, 1},
    {"int16", "s", {TOW_TYPE_INT16, 0, 0}, 2},
    {"int32", "i", {TOW_TYPE_INT32, 0, 0}, 4},
    {"int64", "l", {TOW_TYPE_INT64, 0, 0}, 8},
    {"uint8", "C", {TOW_TYPE_UINT8, 0, 0}, 1},
    {"uint16", "S", {TOW_TYPE_UINT16, 0, 0}, 2},
    {"uint32", "I", {TOW_TYPE_UINT32, 0, 0}, 4},
    {"uint64", "L", {TOW_TYPE_UINT64, 0, 0}, 8},
    {"float32", "f", {TOW_TYPE_FLOAT32, 0, 0}, 4},
    {"float64", "g", {TOW_TYPE_FLOAT64, 0, 0}, 8},
    {"decimal(1,0)", "d:1,0", {TOW_TYPE_DECIMAL, 1, 0}, 16},
    {"decimal(38,38)", "d:38,38", {TOW_TYPE_DECIMAL, 38, 38}, 16},
    {"string", "u", {TOW_TYPE_STRING, 0, 0}, 0},
    {"binary", "z", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"date", "tdD", {TOW_TYPE_DATE, 0, 0}, 4},
    {"timestamp", "tsu:UTC", {TOW_TYPE_TIMESTAMP, 0, 0}, 8},
    {"timestamp_ntz", "tsu:", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 8},
    {"json", "u", {TOW_TYPE_JSON, 0, 0}, 0},
};

static void assert_type_equal(struct tow_type a, struct tow_type b)
{
    assert_int_equal(a.id, b.id);
    assert_int_equal(a.precision, b.precision);
    assert_int_equal(a.scale, b.scale);
}

/* A schema whose only column has this format, in the test's storage. */
static struct ArrowSchema foreign_child, *foreign_children[1] = {&foreign_child};

static void foreign_release(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static struct ArrowSchema foreign_schema(const char *format)
{
    foreign_child = (struct ArrowSchema){
        .format = format, .name = "when", .flags = ARROW_FLAG_NULLABLE, .release = foreign_release};
    return (struct ArrowSchema){
        .format = "+s", .n_children = 1, .children = foreign_children, .release = foreign_release};
}

/* ---- types ---------------------------------------------------------------------------------- */

static void test_every_type_name_reads_back(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[TOW_TYPE_TEXT_MAX];
    struct tow_type type;

    (void)state;
    for (size_t i = 0; i < COUNT(all_types); i++) {
        assert_string_equal(tow_type_name(all_types[i].type, text), all_types[i].name);
        assert_ok(tow_type_parse(all_types[i].name, &type, &err), err);
        assert_type_equal(type, all_types[i].type);
        assert_int_equal(tow_type_width(type.id), all_types[i].width);
    }
    assert_string_equal(tow_type_name((struct tow_type){99, 0, 0}, text), "unknown");
    assert_int_equal(tow_type_width(0), 0);
}

static void test_aliases_and_loose_decimals_are_read(void **state)
{
    static const struct {
        const char *text;
        struct tow_type type;
    } cases[] = {
        {"int", {TOW_TYPE_INT64, 0, 0}},
        {"double", {TOW_TYPE_FLOAT64, 0, 0}},
        {"float", {TOW_TYPE_FLOAT64, 0, 0}},
        {"text", {TOW_TYPE_STRING, 0, 0}},
        {"boolean", {TOW_TYPE_BOOL, 0, 0}},
        {"decimal(10)", {TOW_TYPE_DECIMAL, 10, 0}},
        {"decimal ( 10 , 2 )", {TOW_TYPE_DECIMAL, 10, 2}},
    };
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_type type;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(tow_type_parse(cases[i].text, &type, &err), err);
        assert_type_equal(type, cases[i].type);
    }
}

static void test_unknown_type_names_are_refused_with_what_there_is(void **state)
{
    static const char *const bad[] = {"",
                                      "strng",
                                      "Int",
                                      "int128",
                                      "decimal",
                                      "decimals",
                                      "decimal()",
                                      "decimal(0,0)",
                                      "decimal(39,0)",
                                      "decimal(5,6)",
                                      "decimal(5,-1)",
                                      "decimal(5,2",
                                      "decimal(5,2)x",
                                      "decimal(4294967298,2)"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_type type;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(tow_type_parse(bad[i], &type, &err), TOW_E_CONFIG);
    tow_type_parse("strng", &type, &err);
    assert_says(err, "\"strng\"");
    assert_says(err, "timestamp_ntz");
    tow_type_parse("decimal(39,0)", &type, &err);
    assert_says(err, "1 to 38");
}

/* ---- making schemas ------------------------------------------------------------------------- */

static void make_all(struct ArrowSchema *schema)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_field fields[COUNT(all_types)];

    for (size_t i = 0; i < COUNT(all_types); i++)
        fields[i] = (struct tow_field){all_types[i].name, all_types[i].type, i % 3 == 0};
    assert_ok(tow_schema_make(schema, fields, COUNT(fields), &err), err);
}

static void test_a_made_schema_says_every_type_in_arrow_format(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema;
    struct tow_field field;

    (void)state;
    make_all(&schema);
    assert_string_equal(schema.format, "+s");
    assert_null(schema.metadata);
    assert_ok(tow_schema_validate(&schema, &err), err);
    assert_int_equal(schema.n_children, COUNT(all_types));
    for (size_t i = 0; i < COUNT(all_types); i++) {
        assert_string_equal(schema.children[i]->format, all_types[i].format);
        assert_int_equal(schema.children[i]->flags, i % 3 == 0 ? 0 : ARROW_FLAG_NULLABLE);
        assert_ok(tow_schema_field(&schema, (int64_t)i, &field, &err), err);
        assert_string_equal(field.name, all_types[i].name);
        assert_type_equal(field.type, all_types[i].type);
        assert_int_equal(field.not_null, i % 3 == 0);
        assert_int_equal(tow_schema_find(&schema, all_types[i].name), i);
    }
    assert_int_equal(tow_schema_find(&schema, "JSON"), -1);
    schema.release(&schema);
    assert_null(schema.release);
}

static void test_json_is_an_extension_in_arrows_binary_metadata(void **state)
{
    static const char little_endian[] = "\1\0\0\0"
                                        "\24\0\0\0ARROW:extension:name"
                                        "\12\0\0\0arrow.json";
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_field fields[] = {{"text", {TOW_TYPE_STRING, 0, 0}, 0},
                                       {"tree", {TOW_TYPE_JSON, 0, 0}, 0}};
    struct ArrowSchema schema;

    (void)state;
    assert_ok(tow_schema_make(&schema, fields, 2, &err), err);
    assert_null(schema.children[0]->metadata);
    assert_memory_equal(schema.children[1]->metadata, little_endian, sizeof little_endian - 1);
    schema.release(&schema);
}

static void test_a_schema_without_columns_is_one(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema, copy;

    (void)state;
    assert_ok(tow_schema_make(&schema, NULL, 0, &err), err);
    assert_ok(tow_schema_validate(&schema, &err), err);
    assert_ok(tow_schema_copy(&copy, &schema, &err), err);
    assert_int_equal(copy.n_children, 0);
    assert_true(tow_schema_equal(&copy, &schema));
    copy.release(&copy);
    schema.release(&schema);
}

static void test_a_child_schema_outlives_its_parent_when_moved_out(void **state)
{
    struct ArrowSchema schema, child;

    (void)state;
    make_all(&schema);
    child = *schema.children[18];
    schema.children[18]->release = NULL;
    schema.release(&schema);
    assert_string_equal(child.name, "json");
    assert_string_equal(child.format, "u");
    child.release(&child);
    assert_null(child.release);
}

static void test_making_refuses_bad_fields_and_leaves_out_released(void **state)
{
    static const struct {
        struct tow_field fields[2];
        const char *says;
    } cases[] = {
        {{{"a", {TOW_TYPE_INT8, 0, 0}, 0}, {"a", {TOW_TYPE_BOOL, 0, 0}, 0}}, "named \"a\""},
        {{{"a", {TOW_TYPE_INT8, 0, 0}, 0}, {"", {TOW_TYPE_BOOL, 0, 0}, 0}}, "column 2 of 2"},
        {{{NULL, {TOW_TYPE_INT8, 0, 0}, 0}, {"b", {TOW_TYPE_BOOL, 0, 0}, 0}}, "column 1 of 2"},
        {{{"a", {TOW_TYPE_INT8, 0, 0}, 0}, {"b", {0, 0, 0}, 0}}, "column \"b\": type number 0"},
        {{{"a", {TOW_TYPE_DECIMAL, 39, 1}, 0}, {"b", {TOW_TYPE_BOOL, 0, 0}, 0}}, "decimal(39,1)"},
        {{{"a", {TOW_TYPE_DECIMAL, 3, 4}, 0}, {"b", {TOW_TYPE_BOOL, 0, 0}, 0}}, "decimal(3,4)"},
    };
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(tow_schema_make(&schema, cases[i].fields, 2, &err), TOW_E_UNSUPPORTED);
        assert_says(err, cases[i].says);
        assert_null(schema.release);
    }
}

/* ---- copying and comparing ------------------------------------------------------------------ */

static void test_a_copy_is_equal_and_stands_alone(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema, copy, again;

    (void)state;
    make_all(&schema);
    assert_ok(tow_schema_copy(&copy, &schema, &err), err);
    assert_true(tow_schema_equal(&schema, &copy));
    schema.release(&schema);
    make_all(&again);
    assert_true(tow_schema_equal(&again, &copy));
    again.release(&again);
    copy.release(&copy);
}

static void test_a_copy_keeps_metadata_that_nobody_here_knows(void **state)
{
    static const char metadata[] = "\2\0\0\0"
                                   "\1\0\0\0k\0\0\0\0"
                                   "\24\0\0\0ARROW:extension:name\7\0\0\0my.type";
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema = foreign_schema("u"), copy;
    struct tow_field field;

    (void)state;
    foreign_child.metadata = metadata;
    schema.metadata = metadata;
    assert_ok(tow_schema_copy(&copy, &schema, &err), err);
    assert_memory_equal(copy.metadata, metadata, sizeof metadata - 1);
    assert_memory_equal(copy.children[0]->metadata, metadata, sizeof metadata - 1);
    assert_ok(tow_schema_field(&copy, 0, &field, &err), err);
    assert_int_equal(field.type.id, TOW_TYPE_STRING);
    copy.release(&copy);
}

static void test_schemas_differ_by_name_type_nulls_number_and_order(void **state)
{
    static const struct tow_field base[] = {{"a", {TOW_TYPE_DECIMAL, 9, 2}, 0},
                                            {"b", {TOW_TYPE_STRING, 0, 0}, 0}};
    static const struct tow_field others[][2] = {
        {{"A", {TOW_TYPE_DECIMAL, 9, 2}, 0}, {"b", {TOW_TYPE_STRING, 0, 0}, 0}},
        {{"a", {TOW_TYPE_DECIMAL, 9, 3}, 0}, {"b", {TOW_TYPE_STRING, 0, 0}, 0}},
        {{"a", {TOW_TYPE_DECIMAL, 8, 2}, 0}, {"b", {TOW_TYPE_STRING, 0, 0}, 0}},
        {{"a", {TOW_TYPE_DECIMAL, 9, 2}, 0}, {"b", {TOW_TYPE_JSON, 0, 0}, 0}},
        {{"a", {TOW_TYPE_DECIMAL, 9, 2}, 0}, {"b", {TOW_TYPE_STRING, 0, 0}, 1}},
        {{"b", {TOW_TYPE_STRING, 0, 0}, 0}, {"a", {TOW_TYPE_DECIMAL, 9, 2}, 0}},
    };
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema a, b;

    (void)state;
    assert_ok(tow_schema_make(&a, base, 2, &err), err);
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_ok(tow_schema_make(&b, others[i], 2, &err), err);
        assert_false(tow_schema_equal(&a, &b));
        b.release(&b);
    }
    assert_ok(tow_schema_make(&b, base, 1, &err), err);
    assert_false(tow_schema_equal(&a, &b));
    b.release(&b);
    a.release(&a);
}

/* ---- schemas from elsewhere ----------------------------------------------------------------- */

static void test_spellings_of_utc_and_decimal128_are_taken(void **state)
{
    static const struct {
        const char *format;
        struct tow_type type;
    } cases[] = {
        {"tsu:UTC", {TOW_TYPE_TIMESTAMP, 0, 0}},    {"tsu:Etc/UTC", {TOW_TYPE_TIMESTAMP, 0, 0}},
        {"tsu:+00:00", {TOW_TYPE_TIMESTAMP, 0, 0}}, {"tsu:", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}},
        {"d:38,0,128", {TOW_TYPE_DECIMAL, 38, 0}},  {"d:7,7", {TOW_TYPE_DECIMAL, 7, 7}},
    };
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_field field;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ArrowSchema schema = foreign_schema(cases[i].format);

        assert_ok(tow_schema_validate(&schema, &err), err);
        assert_ok(tow_schema_field(&schema, 0, &field, &err), err);
        assert_type_equal(field.type, cases[i].type);
    }
}

static void test_types_beyond_version_1_are_refused_by_column_format_and_remedy(void **state)
{
    static const struct {
        const char *format, *says;
    } cases[] = {
        {"tsn:UTC", "timestamps in microseconds"},
        {"tss:", "timestamps in microseconds"},
        {"tsu:America/New_York", "in UTC (\"tsu:UTC\") or without zone"},
        {"tdm", "dates in days"},
        {"d:39,2", "128-bit decimals"},
        {"d:10,-2", "128-bit decimals"},
        {"d:10,11", "128-bit decimals"},
        {"d:10,2,256", "128-bit decimals"},
        {"d:10", "128-bit decimals"},
        {"d:", "128-bit decimals"},
        {"U", "32-bit offsets"},
        {"Z", "32-bit offsets"},
        {"vu", "32-bit offsets"},
        {"+l", "travel as json"},
        {"+s", "travel as json"},
        {"e", "bool, integers"},
        {"n", "bool, integers"},
        {"w:16", "bool, integers"},
        {"", "bool, integers"},
        {"uu", "bool, integers"},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ArrowSchema schema = foreign_schema(cases[i].format);
        char quoted[64];

        snprintf(quoted, sizeof quoted, "column \"when\": Arrow format \"%s\"", cases[i].format);
        assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_UNSUPPORTED);
        assert_says(err, quoted);
        assert_says(err, cases[i].says);
    }
}

static void test_what_is_no_struct_of_named_columns_is_refused(void **state)
{
    static const char broken_metadata[] = "\1\0\0\0\377\377\377\377";
    static const char negative_count[] = "\377\377\377\377";
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema = foreign_schema("l"), other = foreign_schema("l"), copy;

    (void)state;
    assert_ok(tow_schema_validate(&schema, &err), err);
    schema.format = "l";
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "\"l\"; a batch is a struct");
    schema.format = NULL;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    schema = other;
    schema.n_children = -1;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    assert_says(err, "-1 columns");
    schema = other;
    schema.children = NULL;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    assert_says(err, "no list");
    schema = other;
    schema.release = NULL;
    assert_int_equal(tow_schema_copy(&copy, &schema, &err), TOW_E_BUG);
    assert_null(copy.release);
    assert_int_equal(tow_schema_validate(NULL, &err), TOW_E_BUG);

    schema = foreign_schema("l");
    foreign_child.name = NULL;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "column 1 of 1 has no name");
    schema = foreign_schema("l");
    foreign_child.release = NULL;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    schema = foreign_schema(NULL);
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    schema = foreign_schema("i");
    foreign_child.dictionary = &other;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "dictionary");
    schema = foreign_schema("u");
    foreign_child.metadata = broken_metadata;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    assert_says(err, "column \"when\": broken metadata");
    foreign_child.metadata = negative_count;
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_BUG);
    schema = foreign_schema("l");
    schema.metadata = broken_metadata;
    assert_int_equal(tow_schema_copy(&copy, &schema, &err), TOW_E_BUG);
}

static void test_doubled_names_are_found_far_apart(void **state)
{
    enum { WIDE = 3000 };
    static struct ArrowSchema child[WIDE], *children[WIDE];
    static char names[WIDE][16];
    struct ArrowSchema schema = {
        .format = "+s", .n_children = WIDE, .children = children, .release = foreign_release};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (int i = 0; i < WIDE; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        child[i] =
            (struct ArrowSchema){.format = "l", .name = names[i], .release = foreign_release};
        children[i] = &child[i];
    }
    assert_ok(tow_schema_validate(&schema, &err), err);
    child[WIDE - 1].name = "c7";
    assert_int_equal(tow_schema_validate(&schema, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "two columns are named \"c7\"");
}

static void test_a_column_out_of_range_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema = foreign_schema("l");
    struct tow_field field;

    (void)state;
    assert_int_equal(tow_schema_field(&schema, 1, &field, &err), TOW_E_BUG);
    assert_says(err, "column 1 of 1");
    assert_int_equal(tow_schema_field(&schema, -1, &field, &err), TOW_E_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_name_reads_back),
        cmocka_unit_test(test_aliases_and_loose_decimals_are_read),
        cmocka_unit_test(test_unknown_type_names_are_refused_with_what_there_is),
        cmocka_unit_test(test_a_made_schema_says_every_type_in_arrow_format),
        cmocka_unit_test(test_json_is_an_extension_in_arrows_binary_metadata),
        cmocka_unit_test(test_a_schema_without_columns_is_one),
        cmocka_unit_test(test_a_child_schema_outlives_its_parent_when_moved_out),
        cmocka_unit_test(test_making_refuses_bad_fields_and_leaves_out_released),
        cmocka_unit_test(test_a_copy_is_equal_and_stands_alone),
        cmocka_unit_test(test_a_copy_keeps_metadata_that_nobody_here_knows),
        cmocka_unit_test(test_schemas_differ_by_name_type_nulls_number_and_order),
        cmocka_unit_test(test_spellings_of_utc_and_decimal128_are_taken),
        cmocka_unit_test(test_types_beyond_version_1_are_refused_by_column_format_and_remedy),
        cmocka_unit_test(test_what_is_no_struct_of_named_columns_is_refused),
        cmocka_unit_test(test_doubled_names_are_found_far_apart),
        cmocka_unit_test(test_a_column_out_of_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
