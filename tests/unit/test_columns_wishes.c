/* What the columns of a job wish of a source, and what is made of its answer. */
#include "columns/wishes.h"
#include "columns_fixture.h"

static const struct tow_field fields[] = {
    {"a", STRING_TYPE, 0}, {"b", STRING_TYPE, 0}, {"c", INT64_TYPE, 0}, {"d", STRING_TYPE, 0}};

/* One line a wish: "COLUMN TYPE [trim] [format F] [null_if N]". */
static void assert_wishes(const struct tow_column_spec *specs, size_t count, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_wishes *wishes;
    struct ArrowSchema schema;
    char text[512] = "";
    size_t listed = 0, used = 0;

    schema_of(&schema, fields, COUNT(fields));
    assert_ok(tow_wishes_new(specs, count, &schema, &wishes, &err), err);
    const struct tow_wish *list = wishes ? tow_wishes_list(wishes, &listed) : NULL;
    for (size_t i = 0; i < listed; i++)
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%lld %s%s%s%s%s%s%s\n", (long long)list[i].column,
            list[i].type, list[i].flags & TOW_WISH_TRIM ? " trim" : "",
            list[i].flags & TOW_WISH_REQUIRED ? " required" : "", list[i].format ? " format " : "",
            list[i].format ? list[i].format : "", list[i].null_if.count ? " null_if " : "",
            list[i].null_if.count ? list[i].null_if.items[0] : "");
    assert_string_equal(text, expected);
    tow_wishes_free(wishes);
    schema.release(&schema);
}

#define TYPED(name_of_type) .has_type = 1, .type = {TOW_TYPE_##name_of_type, 0, 0}

static void test_a_conversion_is_wished_for(void **state)
{
    static const char *const nulls[] = {"-"};
    const struct tow_column_spec specs[] = {
        {.name = "x", .from = "a", TYPED(INT32), .trim = 1, .null_if = nulls, .null_if_count = 1},
        {.name = "y", .from = "d", TYPED(DATE), .format = "%Y", .required = 1},
    };

    (void)state;
    assert_wishes(specs, 2, "0 int32 trim null_if -\n3 date required format %Y\n");
}

static void test_a_null_is_no_value_of_a_required_column_without_default(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "1", .from = "a", TYPED(INT32), .required = 1, .fallback = "0"},
        {.name = "2", .from = "b", TYPED(INT32)},
        {.name = "3", .from = "b", TYPED(INT32), .required = 1},
        {.name = "4", .from = "d", .required = 1},
    };

    (void)state;
    assert_wishes(specs, 4, "0 int32\n1 int32 required\n3 string required\n");
}

static void test_columns_that_nobody_takes_are_not_wished_for(void **state)
{
    const struct tow_column_spec specs[] = {{.name = "b", .from = "b"},
                                            {.name = "k", .value = "1"}};

    (void)state;
    assert_wishes(specs, 2, "1 string\n");
}

static void test_what_is_more_than_a_conversion_wants_the_text(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "1", .from = "a", TYPED(STRING), .trim = 1},
        {.name = "2", .from = "b", TYPED(JSON)},
        {.name = "3", .from = "d", TYPED(DATE), .format = "%Y", .fallback = "2020"},
        {.name = "4", .from = "c", TYPED(INT8)},
    };
    const struct tow_column_spec hashes[] = {
        {.name = "1", .from = "a", TYPED(BINARY), .hash_sha256 = 1},
        {.name = "2", .from = "b", TYPED(BOOL), .lower = 1},
    };

    (void)state;
    assert_wishes(specs, 4, "");
    assert_wishes(hashes, 2, "0 string\n1 string\n");
}

static void test_a_column_used_twice_is_wished_for_where_both_are_alike(void **state)
{
    const struct tow_column_spec alike[] = {
        {.name = "1", .from = "a", TYPED(INT32)},
        {.name = "2", .from = "a", TYPED(INT32), .fallback = "1"}};
    const struct tow_column_spec types[] = {{.name = "1", .from = "a", TYPED(INT32)},
                                            {.name = "2", .from = "a", TYPED(INT64)}};
    const struct tow_column_spec text[] = {{.name = "1", .from = "a", TYPED(INT32)},
                                           {.name = "2", .from = "a"}};
    const struct tow_column_spec trims[] = {{.name = "1", .from = "a", TYPED(INT32)},
                                            {.name = "2", .from = "a", TYPED(INT32), .trim = 1}};
    const struct tow_column_spec third[] = {{.name = "1", .from = "a", TYPED(INT32)},
                                            {.name = "2", .from = "a"},
                                            {.name = "3", .from = "a", TYPED(INT32)}};

    (void)state;
    assert_wishes(alike, 2, "0 int32\n");
    assert_wishes(types, 2, "0 string\n");
    assert_wishes(text, 2, "0 string\n");
    assert_wishes(trims, 2, "0 string\n");
    assert_wishes(third, 3, "0 string\n");
}

static void test_an_answer_that_does_not_fit_is_refused(void **state)
{
    const struct tow_column_spec specs[] = {{.name = "x", .from = "a", TYPED(INT32)},
                                            {.name = "y", .from = "b"}};
    const struct tow_field short_one[] = {{"a", INT32_TYPE, 0}};
    const struct tow_field other_type[] = {{"a", INT64_TYPE, 0}, {"b", STRING_TYPE, 0}};
    const struct tow_field other_name[] = {{"a", INT32_TYPE, 0}, {"d", STRING_TYPE, 0}};
    const struct tow_field not_null[] = {{"a", INT32_TYPE, 1}, {"b", STRING_TYPE, 0}};
    const struct tow_field good[] = {{"a", INT32_TYPE, 0}, {"b", STRING_TYPE, 0}};
    const struct tow_field as_text[] = {{"a", STRING_TYPE, 0}, {"b", STRING_TYPE, 0}};
    const struct {
        const struct tow_field *fields;
        size_t count;
        int code;
    } cases[] = {{short_one, 1, TOW_E_BUG}, {other_type, 2, TOW_E_BUG}, {other_name, 2, TOW_E_BUG},
                 {not_null, 2, TOW_E_BUG},  {good, 2, TOW_OK},          {as_text, 2, TOW_OK}};
    struct tow_wishes *wishes;
    struct ArrowSchema schema;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_columns *columns;
        struct ArrowSchema answer;

        schema_of(&schema, fields, COUNT(fields));
        schema_of(&answer, cases[i].fields, cases[i].count);
        assert_ok(tow_wishes_new(specs, 2, &schema, &wishes, &err), err);
        assert_int_equal(tow_wishes_columns(wishes, &answer, &columns, &err), cases[i].code);
        if (cases[i].code == TOW_OK)
            assert_int_equal(tow_columns_schema(columns)->n_children, 2);
        else
            assert_says(err, "types: ");
        tow_columns_free(columns);
        tow_wishes_free(wishes);
        answer.release(&answer);
        schema.release(&schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_conversion_is_wished_for),
        cmocka_unit_test(test_a_null_is_no_value_of_a_required_column_without_default),
        cmocka_unit_test(test_columns_that_nobody_takes_are_not_wished_for),
        cmocka_unit_test(test_what_is_more_than_a_conversion_wants_the_text),
        cmocka_unit_test(test_a_column_used_twice_is_wished_for_where_both_are_alike),
        cmocka_unit_test(test_an_answer_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
