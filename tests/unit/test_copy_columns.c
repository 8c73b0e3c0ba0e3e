#include "unit.h"

#include "plugins/databricks_copy/columns.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct tow_field fields[] = {
    {"id", {TOW_TYPE_INT64, 0, 0}, 0},
    {"Name", {TOW_TYPE_STRING, 0, 0}, 0},
    {"at", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"payload", {TOW_TYPE_JSON, 0, 0}, 0},
};

struct fixture {
    struct ArrowSchema schema;
    struct tow_copy_columns columns;
    struct tow_error err;
};

static int init(struct fixture *fixture, const struct tow_field *list, size_t count,
                struct tow_copy_column_spec spec)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    assert_ok(tow_schema_make(&fixture->schema, list, count, &fixture->err), fixture->err);
    return tow_copy_columns_init(&fixture->columns, &fixture->schema, &spec, &fixture->err);
}

static void release(struct fixture *fixture)
{
    tow_copy_columns_release(&fixture->columns);
    fixture->schema.release(&fixture->schema);
}

static struct tow_copy_column_spec spec_of(const char *const *keys, size_t key_count,
                                           const char *const *types, size_t type_count)
{
    return (struct tow_copy_column_spec){{keys, key_count}, {types, type_count}};
}

#define KEYS(...)                                                                                  \
    spec_of((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})), NULL, \
            0)
#define TYPES(...)                                       \
    spec_of(NULL, 0, (const char *const[]){__VA_ARGS__}, \
            COUNT(((const char *const[]){__VA_ARGS__})))

static void test_a_new_table_gets_the_columns_in_their_order(void **state)
{
    static const char *const names[] = {"id", "Name", "at", "payload"};
    static const char *const types[] = {"BIGINT", "STRING", "TIMESTAMP", "VARIANT"};
    struct fixture f;

    (void)state;
    assert_ok(init(&f, fields, COUNT(fields), TYPES("PAYLOAD=VARIANT")), f.err);
    assert_int_equal(f.columns.count, 4);
    assert_int_equal(f.columns.missing, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f.columns.items[i].name, names[i]);
        assert_string_equal(f.columns.items[i].sql_type, types[i]);
        assert_int_equal(f.columns.items[i].index, i);
    }
    release(&f);
}

static void test_what_cannot_be_columns_is_refused(void **state)
{
    static const struct tow_field twins[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                             {"ID", {TOW_TYPE_INT64, 0, 0}, 0}};
    static const struct tow_field ordinal[] = {{"__TOWPATH_ordinal", {TOW_TYPE_INT64, 0, 0}, 0}};
    const struct {
        const struct tow_field *fields;
        size_t count;
        struct tow_copy_column_spec spec;
        const char *says;
    } cases[] = {
        {twins, 2, {{0}, {0}}, "\"id\" and \"ID\" differ in case only"},
        {ordinal, 1, {{0}, {0}}, "rename it"},
        {fields, 0, {{0}, {0}}, "one column at least"},
        {fields, 4, KEYS("nope"), "keys: there is no column \"nope\""},
        {fields, 4, KEYS("id", "ID"), "named twice"},
        {fields, 4, KEYS("payload"), "is json"},
        {fields, 4, TYPES("payload"), "name=TYPE"},
        {fields, 4, TYPES("nope=INT"), "no column \"nope\""},
        {fields, 4, TYPES("id=INT"),
         "INT does not hold every value of column \"id\", which is "
         "int64"},
        {fields, 4, TYPES("payload=STRING) COMMENT (x"), "no SQL type"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;

        assert_int_equal(init(&f, cases[i].fields, cases[i].count, cases[i].spec), TOW_E_CONFIG);
        assert_says(f.err, cases[i].says);
        release(&f);
    }
}

static void test_a_table_gives_order_spelling_and_types(void **state)
{
    static const struct tow_described there[] = {{(char *)"AT", (char *)"timestamp"},
                                                 {(char *)"more", (char *)"int"},
                                                 {(char *)"name", (char *)"varchar(5)"},
                                                 {(char *)"name", (char *)"int"},
                                                 {(char *)"id", (char *)"decimal(20,0)"}};
    static const char *const names[] = {"AT", "name", "id", "payload"};
    static const int64_t indexes[] = {2, 1, 0, 3};
    struct fixture f;
    char missing[64];

    (void)state;
    assert_ok(init(&f, fields, COUNT(fields), KEYS("ID")), f.err);
    assert_ok(tow_copy_columns_fit(&f.columns, "t", there, COUNT(there), &f.err), f.err);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f.columns.items[i].name, names[i]);
        assert_int_equal(f.columns.items[i].index, indexes[i]);
        assert_int_equal(f.columns.items[i].is_missing, i == 3);
        assert_int_equal(f.columns.items[i].is_key, i == 2);
    }
    assert_string_equal(f.columns.items[2].sql_type, "decimal(20,0)");
    assert_int_equal(f.columns.missing, 1);
    assert_int_equal(f.columns.extra, 2);
    tow_copy_columns_name_missing(&f.columns, missing, sizeof missing);
    assert_string_equal(missing, "payload");
    release(&f);
}

static void test_missing_columns_stay_in_their_order(void **state)
{
    static const struct tow_described there[] = {{(char *)"payload", (char *)"string"}};
    static const char *const names[] = {"payload", "id", "Name", "at"};
    struct fixture f;
    char missing[64];

    (void)state;
    assert_ok(init(&f, fields, COUNT(fields), KEYS("id")), f.err);
    assert_ok(tow_copy_columns_fit(&f.columns, "t", there, COUNT(there), &f.err), f.err);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(f.columns.items[i].name, names[i]);
    tow_copy_columns_name_missing(&f.columns, missing, sizeof missing);
    assert_string_equal(missing, "id, Name, at");
    tow_copy_columns_name_missing(&f.columns, missing, 6);
    assert_string_equal(missing, "id, N");
    release(&f);
}

static void test_every_column_that_does_not_fit_is_named(void **state)
{
    static const struct tow_described there[] = {{(char *)"id", (char *)"int"},
                                                 {(char *)"name", (char *)"string"},
                                                 {(char *)"at", (char *)"date"},
                                                 {(char *)"payload", (char *)"void"}};
    struct fixture f;

    (void)state;
    assert_ok(init(&f, fields, COUNT(fields), KEYS("id")), f.err);
    assert_int_equal(tow_copy_columns_fit(&f.columns, "c.s.t", there, COUNT(there), &f.err),
                     TOW_E_CONFIG);
    assert_says(f.err, "table c.s.t");
    assert_says(f.err, "column id is int there, int64 here");
    assert_says(f.err, "column at is date there, timestamp here");
    assert_says(f.err, "column payload is void there, json here");
    assert_null(strstr(f.err.message, "name"));
    release(&f);
}

static void test_a_message_about_many_columns_has_an_end(void **state)
{
    static char names[200][24];
    static struct tow_field many[200];
    static struct tow_described there[200];
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < COUNT(many); i++) {
        snprintf(names[i], sizeof names[i], "a_column_of_%zu", i);
        many[i] = (struct tow_field){names[i], {TOW_TYPE_INT64, 0, 0}, 0};
        there[i] = (struct tow_described){names[i], (char *)"tinyint"};
    }
    assert_ok(init(&f, many, COUNT(many), (struct tow_copy_column_spec){{0}, {0}}), f.err);
    assert_int_equal(tow_copy_columns_fit(&f.columns, "t", there, COUNT(there), &f.err),
                     TOW_E_CONFIG);
    assert_says(f.err, " ...");
    assert_says(f.err, "or the table");
    release(&f);
}

static void test_a_message_is_one_line_of_utf8(void **state)
{
    static const struct tow_field odd[] = {{"a\nb\t\xc3\xa9", {TOW_TYPE_INT64, 0, 0}, 0}};
    static const struct tow_described there[] = {{(char *)"a\nb\t\xc3\xa9", (char *)"int\n"}};
    struct fixture f;
    char missing[8];

    (void)state;
    assert_ok(init(&f, odd, 1, (struct tow_copy_column_spec){{0}, {0}}), f.err);
    tow_copy_columns_name_missing(&f.columns, missing, 6);
    assert_string_equal(missing, "a b ");
    assert_int_equal(tow_copy_columns_fit(&f.columns, "t", there, 1, &f.err), TOW_E_CONFIG);
    assert_says(f.err, "column a b \xc3\xa9 is int  there");
    release(&f);
}

static void test_odd_names_need_column_mapping(void **state)
{
    static const char *const odd[] = {"a b", "a,b", "a;b", "{a", "(a)", "a\nb", "a\tb", "a=b"};
    static const char *const even[] = {"a.b", "a`b", "a-b", "a'b", "ä", "a\"b"};

    (void)state;
    for (size_t i = 0; i < COUNT(odd) + COUNT(even); i++) {
        const char *name = i < COUNT(odd) ? odd[i] : even[i - COUNT(odd)];
        const struct tow_field field = {name, {TOW_TYPE_INT64, 0, 0}, 0};
        struct fixture f;

        assert_ok(init(&f, &field, 1, (struct tow_copy_column_spec){{0}, {0}}), f.err);
        assert_int_equal(tow_copy_columns_need_mapping(&f.columns), i < COUNT(odd));
        release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_table_gets_the_columns_in_their_order),
        cmocka_unit_test(test_what_cannot_be_columns_is_refused),
        cmocka_unit_test(test_a_table_gives_order_spelling_and_types),
        cmocka_unit_test(test_missing_columns_stay_in_their_order),
        cmocka_unit_test(test_every_column_that_does_not_fit_is_named),
        cmocka_unit_test(test_a_message_about_many_columns_has_an_end),
        cmocka_unit_test(test_a_message_is_one_line_of_utf8),
        cmocka_unit_test(test_odd_names_need_column_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
