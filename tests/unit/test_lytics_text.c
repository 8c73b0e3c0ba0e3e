/* The sink lytics: what rows look like in an upload. */
#include "unit.h"

#include "plugins/lytics/nested.h"
#include "plugins/lytics/text.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct tow_field fields[] = {
    {"id", {TOW_TYPE_INT64, 0, 0}, 0},
    {"name", {TOW_TYPE_STRING, 0, 0}, 0},
    {"raw", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"more", {TOW_TYPE_JSON, 0, 0}, 0},
};

/* Rows of id, name, raw and more; NULL is a null. */
static void fill(struct table *table, const char *const (*rows)[3], size_t count)
{
    table_init(table, fields, COUNT(fields));
    for (size_t i = 0; i < count; i++) {
        assert_ok(tow_append_int64(table->builder, 0, (int64_t)i, &table->err), table->err);
        for (size_t column = 0; column < 3; column++)
            table_put_text(table, column + 1, rows[i][column]);
        table_end_row(table);
    }
    table_finish(table);
}

/* The whole batch as an upload. */
static void assert_body(struct table *table, const struct tow_import_text_spec *spec,
                        const char *expected)
{
    struct tow_import_text *text = tow_import_text_new(&table->schema, spec, &table->err);
    struct tow_buffer body = {.data = NULL};

    if (!text)
        fail_msg("%s", table->err.message);
    assert_ok(tow_import_text_batch(text, &table->array, &table->err), table->err);
    assert_ok(tow_import_text_head(text, &body, &table->err), table->err);
    assert_ok(tow_import_text_rows(text, 0, table->array.length, &body, &table->err), table->err);
    tow_import_text_end(text, &body);
    assert_ok(tow_buffer_append(&body, "", 1, &table->err), table->err);
    assert_string_equal(body.data, expected);
    tow_buffer_release(&body);
    tow_import_text_free(text);
}

#define OBJECTS "[{\"a\":1}]"

static const char *const rows[][3] = {
    {"Ann", "\x01\xff", "{\"a\":{\"b\":1,\"c\":[1,2]},\"d\":null}"},
    {"", NULL, OBJECTS},
    {NULL, "x", "no json"},
    {"a,\"b\"", "", NULL},
};

static void test_csv_has_every_value_as_text(void **state)
{
    struct tow_import_text_spec spec = {.format = TOW_IMPORT_CSV};
    struct table table;

    (void)state;
    fill(&table, rows, COUNT(rows));
    assert_body(&table, &spec,
                "id,name,raw,more\n"
                "0,Ann,Af8=,\"{\"\"a\"\":{\"\"b\"\":1,\"\"c\"\":[1,2]},\"\"d\"\":null}\"\n"
                "1,\"\",,\"[{\"\"a\"\":1}]\"\n"
                "2,,eA==,no json\n"
                "3,\"a,\"\"b\"\"\",\"\",\n");
    spec.binary = TOW_IMPORT_HEX;
    assert_body(&table, &spec,
                "id,name,raw,more\n"
                "0,Ann,01ff,\"{\"\"a\"\":{\"\"b\"\":1,\"\"c\"\":[1,2]},\"\"d\"\":null}\"\n"
                "1,\"\",,\"[{\"\"a\"\":1}]\"\n"
                "2,,78,no json\n"
                "3,\"a,\"\"b\"\"\",\"\",\n");
    table_release(&table);
}

static void test_json_has_what_lytics_cannot_take_as_text(void **state)
{
    struct tow_import_text_spec spec = {.format = TOW_IMPORT_JSON};
    struct table table;

    (void)state;
    fill(&table, rows, COUNT(rows));
    assert_body(&table, &spec,
                "[{\"id\":0,\"name\":\"Ann\",\"raw\":\"Af8=\",\"more\":{\"a\":{\"b\":1,\"c\":[1,2]}"
                ",\"d\":null}},"
                "{\"id\":1,\"name\":\"\",\"raw\":null,\"more\":\"[{\\\"a\\\":1}]\"},"
                "{\"id\":2,\"name\":null,\"raw\":\"eA==\",\"more\":\"no json\"},"
                "{\"id\":3,\"name\":\"a,\\\"b\\\"\",\"raw\":\"\",\"more\":null}]");
    spec.omits_empty = 1;
    assert_body(&table, &spec,
                "[{\"id\":0,\"name\":\"Ann\",\"raw\":\"Af8=\",\"more\":{\"a\":{\"b\":1,\"c\":[1,2]}"
                ",\"d\":null}},"
                "{\"id\":1,\"more\":\"[{\\\"a\\\":1}]\"},"
                "{\"id\":2,\"raw\":\"eA==\",\"more\":\"no json\"},"
                "{\"id\":3,\"name\":\"a,\\\"b\\\"\"}]");
    table_release(&table);
}

static void test_nested_values_become_fields_of_their_own(void **state)
{
    struct tow_import_text_spec spec = {.format = TOW_IMPORT_JSON,
                                        .nested = TOW_IMPORT_NESTED_FLATTEN};
    struct table table;

    (void)state;
    fill(&table, rows, COUNT(rows));
    assert_body(&table, &spec,
                "[{\"id\":0,\"name\":\"Ann\",\"raw\":\"Af8=\",\"more.a.b\":1,\"more.a.c\":[1,2],"
                "\"more.d\":null},"
                "{\"id\":1,\"name\":\"\",\"raw\":null,\"more\":\"[{\\\"a\\\":1}]\"},"
                "{\"id\":2,\"name\":null,\"raw\":\"eA==\",\"more\":\"no json\"},"
                "{\"id\":3,\"name\":\"a,\\\"b\\\"\",\"raw\":\"\",\"more\":null}]");
    spec.omits_empty = 1;
    spec.binary = TOW_IMPORT_HEX;
    assert_body(&table, &spec,
                "[{\"id\":0,\"name\":\"Ann\",\"raw\":\"01ff\",\"more.a.b\":1,\"more.a.c\":[1,2]},"
                "{\"id\":1,\"more\":\"[{\\\"a\\\":1}]\"},"
                "{\"id\":2,\"raw\":\"78\",\"more\":\"no json\"},"
                "{\"id\":3,\"name\":\"a,\\\"b\\\"\"}]");
    table_release(&table);
}

static void test_rows_of_nested_values_alone_are_objects_too(void **state)
{
    static const struct tow_field only[] = {{"m\"x", {TOW_TYPE_JSON, 0, 0}, 0}};
    const struct tow_import_text_spec spec = {
        .format = TOW_IMPORT_JSON, .nested = TOW_IMPORT_NESTED_FLATTEN, .omits_empty = 1};
    struct table table;

    (void)state;
    table_init(&table, only, 1);
    table_put_text(&table, 0, "{\n\"k\\n\":\n[1,\n\"\"]}");
    table_end_row(&table);
    table_put_text(&table, 0, NULL);
    table_end_row(&table);
    table_put_text(&table, 0, "{}");
    table_end_row(&table);
    table_finish(&table);
    assert_body(&table, &spec, "[{\"m\\\"x.k\\n\":[1, \"\"]},{},{}]");
    table_release(&table);
}

/* As others hand batches over: with offsets, and without validity. */
static void test_a_slice_is_written_like_a_whole_batch(void **state)
{
    const struct tow_import_text_spec spec = {.format = TOW_IMPORT_JSON, .binary = TOW_IMPORT_HEX};
    struct tow_import_text *text;
    struct tow_buffer body = {.data = NULL};
    struct ArrowArray slice;
    struct tow_share *share;
    struct table table;

    (void)state;
    fill(&table, rows, COUNT(rows));
    share = tow_share_new(&table.array, &table.err);
    assert_non_null(share);
    assert_ok(tow_share_slice(share, 1, 2, &slice, &table.err), table.err);
    text = tow_import_text_new(&table.schema, &spec, &table.err);
    assert_non_null(text);
    assert_ok(tow_import_text_batch(text, &slice, &table.err), table.err);
    assert_ok(tow_import_text_rows(text, 0, 2, &body, &table.err), table.err);
    tow_import_text_end(text, &body);
    assert_ok(tow_buffer_append(&body, "", 1, &table.err), table.err);
    assert_string_equal(body.data,
                        "{\"id\":1,\"name\":\"\",\"raw\":null,\"more\":\"[{\\\"a\\\":1}]\"},"
                        "{\"id\":2,\"name\":null,\"raw\":\"78\",\"more\":\"no json\"}]");
    tow_buffer_release(&body);
    tow_import_text_free(text);
    slice.release(&slice);
    tow_share_unref(share);
    table_release(&table);
}

static void test_nested_rows_are_found_where_they_are_to_fail(void **state)
{
    struct tow_import_text_spec spec = {.nested = TOW_IMPORT_NESTED_FAIL};
    struct tow_import_text *text;
    struct table table;
    int64_t column = -1;

    (void)state;
    fill(&table, rows, COUNT(rows));
    for (int format = TOW_IMPORT_CSV; format <= TOW_IMPORT_JSON; format++) {
        spec.format = format;
        text = tow_import_text_new(&table.schema, &spec, &table.err);
        assert_non_null(text);
        assert_ok(tow_import_text_batch(text, &table.array, &table.err), table.err);
        /* CSV has no way to say an object; JSON has none for one in an array. */
        assert_int_equal(tow_import_text_nested(text, 0, 4, &column),
                         format == TOW_IMPORT_CSV ? 0 : 1);
        assert_int_equal(column, 3);
        assert_int_equal(tow_import_text_nested(text, 2, 4, &column), 2);
        assert_int_equal(tow_import_text_nested(text, 3, 4, &column), 4);
        tow_import_text_free(text);
    }
    table_release(&table);
}

static void test_arrays_are_plain_where_they_have_scalars_alone(void **state)
{
    static const struct {
        const char *text;
        int plain, nested;
    } cases[] = {
        {"1", 1, 0},
        {" \"x\" ", 1, 0},
        {"null", 1, 0},
        {"[1,\"{\"]", 1, 1},
        {"[]", 1, 1},
        {"{\"a\":{\"b\":[1],\"c\":[]}}", 1, 1},
        {"{\"a\":{\"b\":[[1]]}}", 0, 1},
        {"{\"a\":\"[\\\"{\"}", 1, 1},
        {"{\"a\":[\"]\",{}]}", 0, 1},
        {"[[{}]]", 0, 1},
        {"{", 0, 1},
        {"", 0, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t length = strlen(cases[i].text);

        if (tow_import_is_plain(cases[i].text, length) != cases[i].plain ||
            tow_import_is_nested(cases[i].text, length) != cases[i].nested)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_has_every_value_as_text),
        cmocka_unit_test(test_json_has_what_lytics_cannot_take_as_text),
        cmocka_unit_test(test_nested_values_become_fields_of_their_own),
        cmocka_unit_test(test_rows_of_nested_values_alone_are_objects_too),
        cmocka_unit_test(test_a_slice_is_written_like_a_whole_batch),
        cmocka_unit_test(test_nested_rows_are_found_where_they_are_to_fail),
        cmocka_unit_test(test_arrays_are_plain_where_they_have_scalars_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
