/* Memory of a job's columns: none is taken batch by batch, and each allocation may fail. */
#include "columns/wishes.h"
#include "columns_fixture.h"
#include "nomem.h"

/* Every kind of step. */
static const char *const null_texts[] = {"-"};
static const struct tow_column_spec specs[] = {
    {.name = "shared", .from = "a"},
    {.name = "k", .value = "7", .has_type = 1, .type = INT32_TYPE},
    {.name = "n", .from = "b", .has_type = 1, .type = INT64_TYPE, .fallback = "1", .trim = 1},
    {.name = "t", .from = "a", .has_type = 1, .type = STRING_TYPE},
    {.name = "h", .from = "b", .lower = 1, .hash_sha256 = 1},
    {.name = "z", .from = "b", .null_if = null_texts, .null_if_count = 1},
};

#define ROWS 300

static struct tow_share *make_batch(int is_bad)
{
    static const char *texts[2 * ROWS];

    for (size_t row = 0; row < ROWS; row++) {
        texts[2 * row] = "12";
        texts[2 * row + 1] = row % 5 == 0 ? NULL : is_bad && row % 7 == 0 ? "-" : " 345 ";
    }
    return batch_of(two_fields, 2, texts, ROWS);
}

static void test_a_steady_stream_takes_no_memory_but_for_the_batch_itself(void **state)
{
    static struct rejects rejects;
    struct tow_share *in = make_batch(0);
    struct tow_columns *columns;
    struct ArrowSchema schema;
    struct ArrowArray out;
    size_t before = 0;

    (void)state;
    schema_of(&schema, two_fields, 2);
    columns = columns_of(specs, COUNT(specs), &schema);
    for (int batch = 0; batch < 20; batch++) {
        if (batch == 3)
            before = nomem_count();
        columns_run(columns, in, &out, &rejects);
        out.release(&out);
    }
    /* tow_struct_make. */
    assert_int_equal(nomem_count() - before, 17);
    tow_share_unref(in);
    tow_columns_free(columns);
    schema.release(&schema);
}

static int ignore_reject(void *context, int64_t row, const char *code, const char *message)
{
    (void)context;
    (void)row;
    (void)code;
    (void)message;
    return TOW_OK;
}

/* 1 where no allocation failed. */
static int run_all(const struct ArrowSchema *schema, struct tow_share *in)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_columns *columns;
    struct ArrowArray out = {0};
    int code = tow_columns_new(specs, COUNT(specs), schema, &columns, &diags, &err);

    if (code == TOW_OK && columns)
        code = tow_columns_apply(columns, in, &out, ignore_reject, NULL, &err);
    if (code != TOW_OK) {
        assert_int_equal(code, TOW_E_NOMEM);
        assert_null(out.release);
        assert_string_not_equal(err.message, "");
    } else if (!columns) {
        assert_true(diags.errors > 0);
    } else {
        out.release(&out);
    }
    code = code == TOW_OK && columns;
    tow_columns_free(columns);
    tow_diags_release(&diags);
    return code;
}

static void test_each_allocation_may_fail(void **state)
{
    struct tow_share *in = make_batch(1);
    struct ArrowSchema schema;
    long failures = 0;
    int done = 0;

    (void)state;
    schema_of(&schema, two_fields, 2);
    while (!done) {
        nomem_after(failures++);
        done = run_all(&schema, in);
        nomem_stop();
    }
    assert_true(failures > 50);
    tow_share_unref(in);
    schema.release(&schema);
}

/* 1 where no allocation failed. */
static int run_wishes(const struct ArrowSchema *schema, const struct ArrowSchema *answer)
{
    static const struct tow_column_spec wanted[] = {
        {.name = "x", .from = "b", .has_type = 1, .type = INT64_TYPE, .fallback = "1", .trim = 1},
        {.name = "k", .value = "7", .has_type = 1, .type = INT32_TYPE},
    };
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_columns *columns = NULL;
    struct tow_wishes *wishes = NULL;
    int code = tow_wishes_new(wanted, COUNT(wanted), schema, &wishes, &err);

    if (code == TOW_OK)
        code = tow_wishes_columns(wishes, answer, &columns, &err);
    if (code != TOW_OK) {
        assert_int_equal(code, TOW_E_NOMEM);
        assert_string_not_equal(err.message, "");
    }
    tow_columns_free(columns);
    tow_wishes_free(wishes);
    return code == TOW_OK;
}

static void test_each_allocation_of_wishes_may_fail(void **state)
{
    const struct tow_field field = {two_fields[1].name, INT64_TYPE, 0};
    struct ArrowSchema schema, answer;
    long failures = 0;
    int done = 0;

    (void)state;
    schema_of(&schema, two_fields, 2);
    schema_of(&answer, &field, 1);
    while (!done) {
        nomem_after(failures++);
        done = run_wishes(&schema, &answer);
        nomem_stop();
    }
    assert_true(failures > 15);
    answer.release(&answer);
    schema.release(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_stream_takes_no_memory_but_for_the_batch_itself),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_each_allocation_of_wishes_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
