#include "columns_fixture.h"

/* ---- shape ---------------------------------------------------------------------------------- */

static void test_columns_are_selected_renamed_typed_and_ordered(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "text", .from = "b"},
        {.name = "kind", .value = "UID2"},
        {.name = "a", .from = "a", .has_type = 1, .type = INT32_TYPE, .required = 1},
        {.name = "again", .from = "a", .has_type = 1, .type = STRING_TYPE},
        {.name = "weight", .value = "7", .has_type = 1, .type = {TOW_TYPE_UINT8, 0, 0}},
    };
    static const char *const texts[] = {"1", "x", "2", NULL};
    static const struct tow_field wanted[] = {{"text", STRING_TYPE, 0},
                                              {"kind", STRING_TYPE, 1},
                                              {"a", INT32_TYPE, 1},
                                              {"again", STRING_TYPE, 0},
                                              {"weight", {TOW_TYPE_UINT8, 0, 0}, 1}};
    struct ArrowSchema schema;
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, COUNT(specs), two_fields, 2, texts, 2);
    schema_of(&schema, wanted, COUNT(wanted));
    assert_true(tow_schema_equal(&schema, tow_columns_schema(outcome.columns)));
    schema.release(&schema);
    assert_int_equal(outcome.out.length, 2);
    check_row(&outcome, 0, (const char *const[]){"x", "UID2", "1", "1", "7"});
    check_row(&outcome, 1, (const char *const[]){"NULL", "UID2", "2", "2", "7"});
    outcome_release(&outcome);
}

static void test_unchanged_columns_are_shared_not_copied(void **state)
{
    static const struct tow_field fields[] = {
        {"i", INT64_TYPE, 0}, {"s", STRING_TYPE, 0}, {"t", {TOW_TYPE_TIMESTAMP, 0, 0}, 0}};
    const struct tow_column_spec specs[] = {
        {.name = "s2", .from = "s"},
        {.name = "i2", .from = "i", .has_type = 1, .type = INT64_TYPE, .required = 1},
        {.name = "t2", .from = "t", .has_type = 1, .type = {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}},
        {.name = "json", .from = "s", .has_type = 1, .type = {TOW_TYPE_JSON, 0, 0}},
        /* Steps that find nothing to do. */
        {.name = "s3", .from = "s", .null_if = (const char *const[]){"x"}, .null_if_count = 1},
        {.name = "i3", .from = "i", .fallback = "9"},
    };
    static const char *const texts[] = {"1", "[1]", "2024-01-01T00:00:00Z",
                                        "2", "2",   "2024-01-02T00:00:00Z"};
    static const int sources[] = {1, 0, 2, 1, 1, 0};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, COUNT(specs), fields, COUNT(fields), texts, 2);
    assert_int_equal(outcome.rejects.count, 0);
    for (size_t i = 0; i < COUNT(specs); i++)
        assert_ptr_equal(outcome.out.children[i]->buffers[1],
                         tow_share_array(outcome.in)->children[sources[i]]->buffers[1]);
    /* The batch that came in may go first. */
    tow_share_unref(outcome.in);
    outcome.in = NULL;
    check_row(&outcome, 1, (const char *const[]){"2", "2", "2024-01-02T00:00:00", "2", "2", "2"});
    outcome_release(&outcome);
}

static void test_a_slice_is_shared_with_its_offset(void **state)
{
    const struct tow_column_spec spec = {.name = "b", .from = "b"};
    static const char *const texts[] = {"1", "x", "2", NULL, "3", "z"};
    static struct outcome outcome;
    char text[128];

    (void)state;
    schema_of(&outcome.schema, two_fields, 2);
    outcome.columns = columns_of(&spec, 1, &outcome.schema);
    outcome.in = slice_of(batch_of(two_fields, 2, texts, 3), 1, 2);
    columns_run(outcome.columns, outcome.in, &outcome.out, &outcome.rejects);
    assert_int_equal(outcome.out.children[0]->offset, 1);
    assert_string_equal(text_at(tow_columns_schema(outcome.columns), &outcome.out, 0, 0, text),
                        "NULL");
    assert_string_equal(text_at(tow_columns_schema(outcome.columns), &outcome.out, 0, 1, text),
                        "z");
    outcome_release(&outcome);
}

static void test_no_rows_give_no_rows(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "b", .from = "b", .null_if = (const char *const[]){"x"}, .null_if_count = 1},
        {.name = "k", .value = "k"},
        {.name = "n", .from = "b", .has_type = 1, .type = INT32_TYPE, .fallback = "1"},
        {.name = "h", .from = "a", .hash_sha256 = 1},
        {.name = "t", .from = "b", .trim = 1, .lower = 1, .required = 1},
    };
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, COUNT(specs), two_fields, 2, NULL, 0);
    assert_int_equal(outcome.out.length, 0);
    assert_int_equal(outcome.out.n_children, COUNT(specs));
    outcome_release(&outcome);
}

/* ---- rejected rows -------------------------------------------------------------------------- */

static void test_a_row_is_rejected_once_for_its_first_failing_column(void **state)
{
    static const struct tow_field fields[] = {{"a", STRING_TYPE, 0}, {"b", STRING_TYPE, 0}};
    const struct tow_column_spec specs[] = {
        {.name = "k", .value = "k"},
        {.name = "b", .from = "b", .has_type = 1, .type = INT32_TYPE},
        {.name = "a", .from = "a", .required = 1},
        {.name = "a8", .from = "a", .has_type = 1, .type = {TOW_TYPE_INT8, 0, 0}},
    };
    static const char *const texts[] = {"1",   "x", /* b */
                                        "2",   "2", /* stays */
                                        NULL,  "y", /* b, before a */
                                        NULL,  "4", /* a */
                                        "999", "5", /* a8 */
                                        "6",   NULL /* stays */};
    static const int64_t rows[] = {0, 2, 3, 4};
    static const char *const codes[] = {"bad_int32", "bad_int32", "required", "out_of_range"};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, COUNT(specs), fields, 2, texts, 6);
    assert_int_equal(outcome.rejects.count, 4);
    assert_memory_equal(outcome.rejects.rows, rows, sizeof rows);
    for (size_t i = 0; i < COUNT(codes); i++)
        assert_string_equal(outcome.rejects.codes[i], codes[i]);
    assert_string_equal(outcome.rejects.message, "column b: \"x\" is not an int32");
    assert_int_equal(outcome.out.length, 2);
    check_row(&outcome, 0, (const char *const[]){"k", "2", "2", "2"});
    check_row(&outcome, 1, (const char *const[]){"k", "NULL", "6", "6"});
    outcome_release(&outcome);
}

static void test_required_refuses_null_that_null_if_made(void **state)
{
    const struct tow_column_spec spec = {.name = "id",
                                         .from = "b",
                                         .null_if = (const char *const[]){"", "-"},
                                         .null_if_count = 2,
                                         .required = 1};
    static const char *const texts[] = {"1", "x", "2", "-", "3", "", "4", NULL};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, &spec, 1, two_fields, 2, texts, 4);
    assert_int_equal(outcome.rejects.count, 3);
    assert_string_equal(outcome.rejects.codes[2], "required");
    assert_string_equal(outcome.rejects.message, "column id: null, but the column is required");
    check_row(&outcome, 0, (const char *const[]){"x"});
    outcome_release(&outcome);
}

static void test_all_rows_may_be_rejected_and_the_next_batch_is_clean(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "n", .from = "b", .has_type = 1, .type = INT32_TYPE}, {.name = "a", .from = "a"}};
    static const char *const bad[] = {"1", "x", "2", "y", "3", "z"};
    static const char *const good[] = {"1", "1", "2", "2"};
    static struct outcome outcome;

    (void)state;
    outcome_init(&outcome, specs, 2, two_fields, 2, bad, 3);
    assert_int_equal(outcome.rejects.count, 3);
    assert_int_equal(outcome.out.length, 0);
    outcome.out.release(&outcome.out);
    tow_share_unref(outcome.in);
    outcome.in = batch_of(two_fields, 2, good, 2);
    columns_run(outcome.columns, outcome.in, &outcome.out, &outcome.rejects);
    assert_int_equal(outcome.rejects.count, 0);
    check_row(&outcome, 1, (const char *const[]){"2", "2"});
    outcome_release(&outcome);
}

static void test_a_reject_that_fails_stops_and_leaves_nothing(void **state)
{
    const struct tow_column_spec spec = {
        .name = "n", .from = "b", .has_type = 1, .type = INT32_TYPE};
    static const char *const texts[] = {"1", "x", "2", "y", "3", "3"};
    static struct rejects rejects;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_share *in = batch_of(two_fields, 2, texts, 3);
    struct tow_columns *columns;
    struct ArrowSchema schema;
    struct ArrowArray out;

    (void)state;
    schema_of(&schema, two_fields, 2);
    columns = columns_of(&spec, 1, &schema);
    rejects.count = 0;
    rejects.refuse = TOW_E_CANCELLED;
    assert_int_equal(tow_columns_apply(columns, in, &out, rejects_take, &rejects, &err),
                     TOW_E_CANCELLED);
    rejects.refuse = TOW_OK;
    assert_null(out.release);
    /* The same batch again: nothing is left over. */
    columns_run(columns, in, &out, &rejects);
    assert_int_equal(rejects.count, 2);
    assert_int_equal(out.length, 1);
    out.release(&out);
    tow_share_unref(in);
    tow_columns_free(columns);
    schema.release(&schema);
}

/* ---- constants and defaults ----------------------------------------------------------------- */

static void test_constants_are_built_once_and_shared(void **state)
{
    const struct tow_column_spec specs[] = {
        {.name = "k", .value = "UID2"},
        {.name = "b", .value = "true", .has_type = 1, .type = {TOW_TYPE_BOOL, 0, 0}},
        {.name = "t",
         .value = "01/02/2024",
         .format = "%d/%m/%Y",
         .has_type = 1,
         .type = {TOW_TYPE_TIMESTAMP, 0, 0}},
        {.name = "d", .value = "1.5", .has_type = 1, .type = {TOW_TYPE_DECIMAL, 4, 2}},
    };
    static const char *const row[] = {"UID2", "true", "2024-02-01T00:00:00Z", "1.50"};
    const char *texts[2 * 1500] = {NULL};
    static const int sizes[] = {3, 1000, 1500, 2};
    const void *buffers[COUNT(sizes)];
    static struct outcome outcome;

    (void)state;
    schema_of(&outcome.schema, two_fields, 2);
    outcome.columns = columns_of(specs, COUNT(specs), &outcome.schema);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        outcome.in = batch_of(two_fields, 2, texts, sizes[i]);
        columns_run(outcome.columns, outcome.in, &outcome.out, &outcome.rejects);
        for (int at = 0; at < sizes[i]; at++)
            check_row(&outcome, at, row);
        buffers[i] = outcome.out.children[0]->buffers[2];
        tow_share_unref(outcome.in);
        outcome.out.release(&outcome.out);
    }
    assert_ptr_equal(buffers[0], buffers[1]);
    assert_ptr_equal(buffers[2], buffers[3]);
    tow_columns_free(outcome.columns);
    outcome.schema.release(&outcome.schema);
}

static void test_defaults_replace_null_in_every_type(void **state)
{
    static const struct {
        const char *from, *to, *format, *fallback, *out;
    } cases[] = {
        {"bool", "bool", NULL, "true", "true"},
        {"bool", "int8", NULL, "5", "5"},
        {"int64", "int64", NULL, "-5", "-5"},
        {"int64", "int16", NULL, "-5", "-5"},
        {"int64", "bool", NULL, "no", "false"},
        {"float64", "float32", NULL, "0.5", "0.5"},
        {"decimal(5,2)", "decimal(5,2)", NULL, "1", "1.00"},
        {"decimal(5,2)", "string", NULL, "none", "none"},
        {"string", "string", NULL, "", ""},
        {"string", "timestamp", "epoch_s", "60", "1970-01-01T00:01:00Z"},
        {"int64", "timestamp", "epoch_s", "60", "1970-01-01T00:01:00Z"},
        {"string", "date", "%d/%m/%Y", "29/02/2024", "2024-02-29"},
        {"date", "date", NULL, "2024-02-29", "2024-02-29"},
        {"string", "binary", "hex", "00ff", "00ff"},
        {"binary", "binary", NULL, "AP8=", "00ff"},
        {"binary", "string", "hex", "none", "none"},
        {"binary", "string", "utf8", "none", "none"},
        {"json", "json", NULL, "{}", "{}"},
        {"string", "json", NULL, "null", "null"},
        {"timestamp", "string", NULL, "never", "never"},
    };
    static const char *const texts[11] = {NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tow_field field = {"x", type_of(cases[i].from), 0};
        /* A default leaves nothing for `required` to refuse. */
        const struct tow_column_spec spec = {.name = "x",
                                             .from = "x",
                                             .format = cases[i].format,
                                             .fallback = cases[i].fallback,
                                             .required = 1,
                                             .has_type = 1,
                                             .type = type_of(cases[i].to)};
        static struct outcome outcome;

        outcome_init(&outcome, &spec, 1, &field, 1, texts, 11);
        assert_int_equal(outcome.out.length, 11);
        check_row(&outcome, 0, &cases[i].out);
        check_row(&outcome, 10, &cases[i].out);
        outcome_release(&outcome);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_selected_renamed_typed_and_ordered),
        cmocka_unit_test(test_unchanged_columns_are_shared_not_copied),
        cmocka_unit_test(test_a_slice_is_shared_with_its_offset),
        cmocka_unit_test(test_no_rows_give_no_rows),
        cmocka_unit_test(test_a_row_is_rejected_once_for_its_first_failing_column),
        cmocka_unit_test(test_required_refuses_null_that_null_if_made),
        cmocka_unit_test(test_all_rows_may_be_rejected_and_the_next_batch_is_clean),
        cmocka_unit_test(test_a_reject_that_fails_stops_and_leaves_nothing),
        cmocka_unit_test(test_constants_are_built_once_and_shared),
        cmocka_unit_test(test_defaults_replace_null_in_every_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
