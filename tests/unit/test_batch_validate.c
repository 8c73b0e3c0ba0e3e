#include "unit.h"

#include "foreign.h"
#include "towpath/batch.h"

/* Three rows of an int64, a string and a bool that is never null: foreign, in one piece. */
static const int64_t numbers[] = {10, 20, 30, 40, 50, 60, 70, 80};
static const int32_t offsets[] = {0, 1, 3, 6, 6, 7, 7, 8, 9};
static const char text[] = "abbcccdee";
static const uint8_t all_set[] = {0xff, 0xff};

static struct ArrowSchema schema;
static struct foreign_batch batch;
static struct tow_error err = TOW_ERROR_INIT;

static int setup(void **state)
{
    static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"s", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"b", {TOW_TYPE_BOOL, 0, 0}, 1}};

    (void)state;
    foreign_init(&batch, 3);
    foreign_add(&batch, NULL, numbers, NULL);
    foreign_add(&batch, all_set, offsets, text);
    foreign_add(&batch, NULL, all_set, NULL);
    return tow_schema_make(&schema, fields, 3, &err);
}

static int teardown(void **state)
{
    (void)state;
    schema.release(&schema);
    return 0;
}

static void assert_refused(int code, const char *message)
{
    assert_int_equal(tow_array_validate(&batch.array, &schema, &err), code);
    assert_string_equal(err.message, message);
    assert_int_equal(tow_array_validate(&batch.array, &schema, NULL), code);
}

static void assert_taken(void)
{
    assert_ok(tow_array_validate(&batch.array, &schema, &err), err);
}

/* ---- what fits ------------------------------------------------------------------------------ */

static void test_a_plain_batch_fits(void **state)
{
    (void)state;
    assert_taken();
}

static void test_offsets_of_parent_and_child_add_up(void **state)
{
    struct tow_view view;
    size_t length;

    (void)state;
    batch.array.offset = 2;
    for (int i = 0; i < 3; i++)
        batch.child[i].length = 5;
    batch.child[0].offset = 3;
    batch.child[1].offset = 3;
    assert_taken();
    tow_view_init(&view, &schema, &batch.array, 0);
    assert_int_equal(view.length, 3);
    assert_int_equal(tow_view_int64(&view, 0), 60);
    assert_int_equal(tow_view_int64(&view, 2), 80);
    tow_view_init(&view, &schema, &batch.array, 1);
    assert_memory_equal(tow_view_bytes(&view, 2, &length), "e", 1);
    assert_int_equal(length, 1);
    tow_view_bytes(&view, 0, &length);
    assert_int_equal(length, 0);
}

static void test_no_rows_need_no_buffers(void **state)
{
    struct tow_view view;

    (void)state;
    batch.array.length = 0;
    for (int i = 0; i < 3; i++) {
        batch.child[i].length = 0;
        batch.buffers[i][1] = NULL;
        batch.buffers[i][2] = NULL;
    }
    assert_taken();
    tow_view_init(&view, &schema, &batch.array, 1);
    assert_non_null(view.offsets);
    assert_int_equal(view.offsets[view.offset], 0);
    assert_non_null(view.bytes);
}

static void test_empty_texts_need_no_bytes(void **state)
{
    static const int32_t none[] = {7, 7, 7, 7};
    struct tow_view view;
    size_t length = 9;

    (void)state;
    batch.buffers[1][1] = none;
    batch.buffers[1][2] = NULL;
    assert_taken();
    tow_view_init(&view, &schema, &batch.array, 1);
    assert_non_null(tow_view_bytes(&view, 2, &length));
    assert_int_equal(length, 0);
}

static void test_nulls_may_be_uncounted(void **state)
{
    static const uint8_t second_only[] = {0x02};
    struct tow_view view;

    (void)state;
    batch.buffers[0][0] = second_only;
    batch.child[0].null_count = -1;
    assert_taken();
    tow_view_init(&view, &schema, &batch.array, 0);
    assert_true(tow_view_is_null(&view, 0));
    assert_false(tow_view_is_null(&view, 1));
    assert_true(tow_view_is_null(&view, 2));
    /* A foreign count of 0 means that the buffer need not be looked at. */
    batch.child[0].null_count = 0;
    tow_view_init(&view, &schema, &batch.array, 0);
    assert_null(view.validity);
}

static void test_nulls_outside_the_rows_do_not_matter(void **state)
{
    static const uint8_t middle[] = {0x1c};

    (void)state;
    batch.array.offset = 1;
    for (int i = 0; i < 3; i++)
        batch.child[i].length = 5;
    batch.child[2].offset = 1;
    batch.child[2].null_count = 2;
    batch.buffers[2][0] = middle;
    assert_taken();
    batch.validity[0] = middle;
    batch.array.null_count = -1;
    batch.array.offset = 2;
    batch.child[2].offset = 0;
    assert_taken();
}

static void test_offsets_are_seen_in_the_rows_only(void **state)
{
    static const int32_t broken_around[] = {9, -5, 0, 1, 3, 6, 2, -1};

    (void)state;
    batch.child[1].offset = 2;
    batch.buffers[1][1] = broken_around;
    assert_taken();
}

/* ---- what does not -------------------------------------------------------------------------- */

static void test_released_arrays_are_refused(void **state)
{
    (void)state;
    batch.child[1].release = NULL;
    assert_refused(TOW_E_BUG, "column \"s\": the array is released");
    batch.children[1] = NULL;
    assert_refused(TOW_E_BUG, "column \"s\": the array is released");
    batch.array.release = NULL;
    assert_refused(TOW_E_BUG, "batch: the array is released");
    assert_int_equal(tow_array_validate(NULL, &schema, &err), TOW_E_BUG);
}

static void test_negative_lengths_and_offsets_are_refused(void **state)
{
    (void)state;
    batch.child[0].offset = -1;
    assert_refused(TOW_E_BUG, "column \"n\": length 3 and offset -1: neither may be negative");
    batch.array.length = -3;
    assert_refused(TOW_E_BUG, "batch: length -3 and offset 0: neither may be negative");
}

static void test_sums_beyond_memory_are_refused(void **state)
{
    (void)state;
    batch.child[0].offset = INT64_MAX;
    assert_refused(TOW_E_BUG, "column \"n\": length 3 and offset 9223372036854775807 are more than "
                              "memory can hold");
    batch.child[0].offset = INT64_MAX / 32;
    assert_refused(TOW_E_BUG, "column \"n\": length 3 and offset 288230376151711743 are more than "
                              "memory can hold");
    batch.array.offset = INT64_MAX - 2;
    assert_refused(TOW_E_BUG, "batch: length 3 and offset 9223372036854775805 are more than memory "
                              "can hold");
}

static void test_a_wrong_number_of_buffers_is_refused(void **state)
{
    (void)state;
    batch.child[1].n_buffers = 2;
    assert_refused(TOW_E_BUG, "column \"s\": 2 buffers, 3 are needed");
    batch.child[0].n_buffers = 3;
    assert_refused(TOW_E_BUG, "column \"n\": 3 buffers, 2 are needed");
    batch.child[0].n_buffers = 2;
    batch.child[0].buffers = NULL;
    assert_refused(TOW_E_BUG, "column \"n\": 2 buffers without a list of them, 2 are needed");
    batch.array.n_buffers = 0;
    assert_refused(TOW_E_BUG, "batch: 0 buffers, 1 are needed");
    batch.array.n_buffers = -1;
    assert_refused(TOW_E_BUG, "batch: -1 buffers, 1 are needed");
}

static void test_a_wrong_number_of_children_is_refused(void **state)
{
    (void)state;
    batch.child[0].n_children = 1;
    assert_refused(TOW_E_BUG, "column \"n\": 1 children, the schema has 0");
    batch.array.n_children = 2;
    assert_refused(TOW_E_BUG, "batch: 2 children, the schema has 3");
    batch.array.n_children = 3;
    batch.array.children = NULL;
    assert_refused(TOW_E_BUG, "batch: 3 children without a list of them, the schema has 3");
}

static void test_a_dictionary_is_refused(void **state)
{
    (void)state;
    batch.child[2].dictionary = &batch.child[0];
    assert_refused(TOW_E_BUG, "column \"b\": dictionary-encoded, which the schema does not say");
}

static void test_wrong_null_counts_are_refused(void **state)
{
    (void)state;
    batch.child[1].null_count = 4;
    assert_refused(TOW_E_BUG, "column \"s\": null count 4 of 3 rows");
    batch.child[1].null_count = -2;
    assert_refused(TOW_E_BUG, "column \"s\": null count -2 of 3 rows");
    batch.child[0].null_count = 2;
    assert_refused(TOW_E_BUG, "column \"n\": null count 2 without a validity buffer");
}

static void test_a_column_shorter_than_the_batch_is_refused(void **state)
{
    (void)state;
    batch.child[1].length = 2;
    assert_refused(TOW_E_BUG, "column \"s\": 2 rows, the batch needs 3");
    batch.child[1].length = 3;
    batch.array.offset = 1;
    assert_refused(TOW_E_BUG, "column \"n\": 3 rows, the batch needs 4");
}

static void test_missing_buffers_are_refused(void **state)
{
    (void)state;
    batch.buffers[2][1] = NULL;
    assert_refused(TOW_E_BUG, "column \"b\": 3 rows, but no buffer of values");
    batch.buffers[1][2] = NULL;
    assert_refused(TOW_E_BUG, "column \"s\": 6 bytes of values, but no buffer of them");
    batch.buffers[1][1] = NULL;
    assert_refused(TOW_E_BUG, "column \"s\": 3 rows, but no buffer of offsets");
}

static void test_unaligned_buffers_are_refused(void **state)
{
    (void)state;
    batch.buffers[1][1] = (const char *)offsets + 2;
    assert_refused(TOW_E_BUG, "column \"s\": the buffer of offsets is not aligned to 4 bytes");
    batch.buffers[0][1] = (const char *)numbers + 4;
    assert_refused(TOW_E_BUG, "column \"n\": the buffer of values is not aligned to 8 bytes");
}

static void test_offsets_that_fall_or_start_below_zero_are_refused(void **state)
{
    static const int32_t falls[] = {0, 5, 4, 9};
    static const int32_t falls_last[] = {0, 0, 9, 8};
    static const int32_t falls_first[] = {INT32_MAX, INT32_MIN, 0, 0};
    static const int32_t negative[] = {-1, 0, 1, 2};

    (void)state;
    batch.buffers[1][1] = falls;
    assert_refused(TOW_E_BUG,
                   "column \"s\": row 1: its bytes end at offset 4, before their start at 5");
    batch.buffers[1][1] = falls_last;
    assert_refused(TOW_E_BUG,
                   "column \"s\": row 2: its bytes end at offset 8, before their start at 9");
    batch.buffers[1][1] = falls_first;
    assert_refused(TOW_E_BUG, "column \"s\": row 0: its bytes end at offset -2147483648, before "
                              "their start at 2147483647");
    batch.buffers[1][1] = negative;
    assert_refused(TOW_E_BUG, "column \"s\": row 0: offset -1 is negative");
}

static void test_a_fall_is_found_at_every_place_of_many_offsets(void **state)
{
    enum { ROWS = 200 };
    static int32_t many[ROWS + 1];
    static int64_t values[ROWS];

    (void)state;
    batch.array.length = ROWS;
    for (int i = 0; i < 3; i++)
        batch.child[i].length = ROWS;
    batch.buffers[0][1] = values;
    batch.buffers[1][1] = many;
    batch.buffers[2][1] = values;
    for (int i = 0; i <= ROWS; i++)
        many[i] = 2 * i;
    assert_taken();
    for (int i = 1; i <= ROWS; i++) {
        many[i] = 2 * i - 3;
        assert_int_equal(tow_array_validate(&batch.array, &schema, &err), TOW_E_BUG);
        many[i] = 2 * i;
    }
    assert_taken();
}

static void test_nulls_where_the_schema_forbids_them_are_refused(void **state)
{
    static const uint8_t one_null[] = {0x05};

    (void)state;
    batch.buffers[2][0] = one_null;
    batch.child[2].null_count = 1;
    assert_refused(TOW_E_BUG, "column \"b\": 1 of 3 rows are null, the schema allows none");
    batch.child[2].null_count = -1;
    assert_refused(TOW_E_BUG, "column \"b\": 1 of 3 rows are null, the schema allows none");
}

static void test_rows_that_are_null_as_a_whole_are_refused(void **state)
{
    static const uint8_t one_null[] = {0x06};

    (void)state;
    batch.validity[0] = one_null;
    batch.array.null_count = -1;
    assert_refused(TOW_E_UNSUPPORTED,
                   "batch: 1 of 3 rows are null as a whole (the struct array has a validity "
                   "buffer); only values of columns may be null");
    batch.array.null_count = 1;
    assert_int_equal(tow_array_validate(&batch.array, &schema, &err), TOW_E_UNSUPPORTED);
    batch.validity[0] = all_set;
    batch.array.null_count = -1;
    assert_taken();
    batch.validity[0] = NULL;
    batch.array.null_count = 1;
    assert_refused(TOW_E_BUG, "batch: null count 1 without a validity buffer");
}

#define with_batch(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_batch(test_a_plain_batch_fits),
        with_batch(test_offsets_of_parent_and_child_add_up),
        with_batch(test_no_rows_need_no_buffers),
        with_batch(test_empty_texts_need_no_bytes),
        with_batch(test_nulls_may_be_uncounted),
        with_batch(test_nulls_outside_the_rows_do_not_matter),
        with_batch(test_offsets_are_seen_in_the_rows_only),
        with_batch(test_released_arrays_are_refused),
        with_batch(test_negative_lengths_and_offsets_are_refused),
        with_batch(test_sums_beyond_memory_are_refused),
        with_batch(test_a_wrong_number_of_buffers_is_refused),
        with_batch(test_a_wrong_number_of_children_is_refused),
        with_batch(test_a_dictionary_is_refused),
        with_batch(test_wrong_null_counts_are_refused),
        with_batch(test_a_column_shorter_than_the_batch_is_refused),
        with_batch(test_missing_buffers_are_refused),
        with_batch(test_unaligned_buffers_are_refused),
        with_batch(test_offsets_that_fall_or_start_below_zero_are_refused),
        with_batch(test_a_fall_is_found_at_every_place_of_many_offsets),
        with_batch(test_nulls_where_the_schema_forbids_them_are_refused),
        with_batch(test_rows_that_are_null_as_a_whole_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
