#include "unit.h"

#include "towpath/batch.h"

static struct tow_error err = TOW_ERROR_INIT;
static struct ArrowArray array;

static const struct tow_field pair_fields[] = {{"n", {TOW_TYPE_INT32, 0, 0}, 0},
                                               {"s", {TOW_TYPE_STRING, 0, 0}, 1}};

/* Fills n with 0, 1, 2 ... (every third null) and s with one letter each. */
static void fill_pair(struct tow_builder *pair, int64_t rows)
{
    struct tow_column *n = tow_builder_column(pair, 0), *s = tow_builder_column(pair, 1);

    assert_ok(tow_column_reserve(n, rows, 0, &err), err);
    assert_ok(tow_column_reserve(s, rows, rows, &err), err);
    assert_true(n->row_capacity >= rows && s->byte_capacity >= rows);
    memset(n->validity, 0, (size_t)(rows + 7) / 8);
    n->null_count = 0;
    for (int64_t i = 0; i < rows; i++) {
        ((int32_t *)n->values)[i] = (int32_t)i;
        n->validity[i / 8] |= (uint8_t)((i % 3 != 0) << i % 8);
        n->null_count += i % 3 == 0;
        s->bytes[i] = (char)('a' + i % 26);
        s->offsets[i + 1] = (int32_t)i + 1;
    }
    memset(s->validity, 0xff, (size_t)(rows + 7) / 8);
    n->length = rows;
    s->length = rows;
}

static void test_columns_filled_by_hand_make_a_batch(void **state)
{
    struct tow_builder *pair = tow_builder_new(pair_fields, 2, &err);
    struct tow_view view;
    struct ArrowSchema made;
    size_t length;

    (void)state;
    assert_ok(tow_schema_make(&made, pair_fields, 2, &err), err);
    fill_pair(pair, 1000);
    assert_int_equal(tow_builder_rows(pair), 1000);
    assert_true(tow_builder_full(pair, 1000, 0));
    /* Rows may follow one by one. */
    assert_ok(tow_append_int64(pair, 0, -5, &err), err);
    assert_ok(tow_append_text(pair, 1, "tail", &err), err);
    assert_ok(tow_builder_end_row(pair, &err), err);
    assert_int_equal(tow_builder_rows(pair), 1001);
    assert_ok(tow_builder_finish(pair, &array, &err), err);
    assert_ok(tow_array_validate(&array, &made, &err), err);
    assert_int_equal(array.children[0]->null_count, 334);
    assert_null(array.children[1]->buffers[0]);
    tow_view_init(&view, &made, &array, 0);
    assert_true(tow_view_is_null(&view, 999));
    assert_int_equal(tow_view_int64(&view, 998), 998);
    assert_int_equal(tow_view_int64(&view, 1000), -5);
    tow_view_init(&view, &made, &array, 1);
    assert_memory_equal(tow_view_bytes(&view, 1000, &length), "tail", 4);
    array.release(&array);
    made.release(&made);
    tow_builder_free(pair);
}

static void test_reserving_keeps_contents_and_leaves_slack(void **state)
{
    struct tow_builder *pair = tow_builder_new(pair_fields, 2, &err);
    struct tow_column *n = tow_builder_column(pair, 0), *s = tow_builder_column(pair, 1);

    (void)state;
    fill_pair(pair, 100);
    assert_ok(tow_column_reserve(n, 5000, 0, &err), err);
    assert_ok(tow_column_reserve(s, 5000, 77777, &err), err);
    assert_true(n->row_capacity >= 5000 && s->row_capacity >= 5000 && s->byte_capacity >= 77777);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(((int32_t *)n->values)[i], i);
        assert_int_equal(s->bytes[i], 'a' + i % 26);
        assert_int_equal(s->offsets[i + 1], i + 1);
    }
    /* A sanitizer sees whether these bytes are ours. */
    memset((int32_t *)n->values + n->row_capacity, 1, TOW_BUFFER_SLACK);
    memset(n->validity + (n->row_capacity + 7) / 8, 1, TOW_BUFFER_SLACK);
    memset(s->offsets + s->row_capacity + 1, 1, TOW_BUFFER_SLACK);
    memset(s->bytes + s->byte_capacity, 1, TOW_BUFFER_SLACK);
    tow_builder_free(pair);
}

static void test_columns_that_do_not_fit_together_are_refused(void **state)
{
    struct tow_builder *pair = tow_builder_new(pair_fields, 2, &err);
    struct tow_column *n = tow_builder_column(pair, 0), *s = tow_builder_column(pair, 1);

    (void)state;
    fill_pair(pair, 10);
    s->length = 9;
    assert_int_equal(tow_builder_finish(pair, &array, &err), TOW_E_BUG);
    assert_string_equal(err.message, "column \"s\": 9 rows where others have 10");
    assert_int_equal(tow_append_text(pair, 1, "x", &err), TOW_E_BUG);
    assert_int_equal(tow_builder_end_row(pair, &err), TOW_E_BUG);
    tow_builder_cancel_row(pair);
    s->length = 10;
    s->null_count = 1;
    assert_int_equal(tow_builder_finish(pair, &array, &err), TOW_E_BUG);
    assert_string_equal(err.message, "column \"s\": 1 nulls, but the column is not null");
    s->null_count = 0;
    n->null_count = 11;
    assert_int_equal(tow_builder_finish(pair, &array, &err), TOW_E_BUG);
    assert_string_equal(err.message, "column \"n\": null count 11 of 10 rows");
    n->null_count = 4;
    s->offsets[10] = (int32_t)s->byte_capacity + 1;
    assert_int_equal(tow_builder_finish(pair, &array, &err), TOW_E_BUG);
    assert_says(err, "column \"s\": offsets from 0 to");
    s->offsets[10] = 10;
    n->length = n->row_capacity + 1;
    s->length = n->length;
    assert_int_equal(tow_builder_finish(pair, &array, &err), TOW_E_BUG);
    assert_says(err, "were reserved");
    n->length = s->length = 10;
    assert_ok(tow_builder_finish(pair, &array, &err), err);
    array.release(&array);
    tow_builder_free(pair);
}

static void test_text_ends_before_offsets_overflow(void **state)
{
    struct tow_builder *pair = tow_builder_new(pair_fields, 2, &err);
    struct tow_column *s = tow_builder_column(pair, 1);

    (void)state;
    assert_int_equal(tow_append_bytes(pair, 1, "", SIZE_MAX, &err), TOW_E_DATA);
    assert_says(err, "column \"s\"");
    assert_says(err, "at most 2147483647 bytes");
    assert_int_equal(tow_column_reserve(s, 1, (int64_t)INT32_MAX + 1, &err), TOW_E_DATA);
    assert_int_equal(tow_column_reserve(s, (int64_t)INT32_MAX + 1, 0, &err), TOW_E_DATA);
    assert_says(err, "at most 2147483647 rows");
    assert_int_equal(tow_column_reserve(s, -1, 0, &err), TOW_E_BUG);
    tow_builder_cancel_row(pair);

    /* Reserved, never touched: the memory stays the system's. */
    assert_ok(tow_column_reserve(s, 1, INT32_MAX, &err), err);
    assert_ok(tow_append_int64(pair, 0, 1, &err), err);
    assert_ok(tow_append_text(pair, 1, "", &err), err);
    assert_ok(tow_builder_end_row(pair, &err), err);
    assert_false(tow_builder_full(pair, 0, 0));
    s->offsets[1] = INT32_MAX / 2;
    assert_true(tow_builder_full(pair, 0, 0));
    s->offsets[1] = INT32_MAX - 1;
    assert_int_equal(tow_append_bytes(pair, 1, "xy", 2, &err), TOW_E_DATA);
    assert_says(err, "at most 2147483647 bytes, not 2147483648");
    assert_ok(tow_append_bytes(pair, 1, "x", 1, &err), err);
    assert_int_equal(s->offsets[2], INT32_MAX);
    tow_builder_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_filled_by_hand_make_a_batch),
        cmocka_unit_test(test_reserving_keeps_contents_and_leaves_slack),
        cmocka_unit_test(test_columns_that_do_not_fit_together_are_refused),
        cmocka_unit_test(test_text_ends_before_offsets_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
