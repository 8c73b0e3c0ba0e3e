#include "unit.h"

#include <pthread.h>

#include "foreign.h"
#include "towpath/batch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Eight rows of foreign buffers; the batch is rows 1 to 6 of them, by offsets of parent and child.
 */
static const int64_t numbers[] = {10, 20, 30, 40, 50, 60, 70, 80};
static const int32_t offsets[] = {0, 1, 3, 6, 6, 7, 7, 8, 9};
static const char text[] = "abbcccdee";
static const uint8_t validity[] = {0xee};
static const uint8_t bools[] = {0xaa};

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                          {"s", {TOW_TYPE_STRING, 0, 0}, 0},
                                          {"b", {TOW_TYPE_BOOL, 0, 0}, 0}};
/* What those rows hold; -1 where n is null. */
static const int64_t wanted_numbers[] = {20, 30, 40, -1, 60, 70};
static const char *const wanted_texts[] = {"bb", "ccc", "", "d", "", "e"};
static const int wanted_bools[] = {1, 0, 1, 0, 1, 0};

static struct tow_error err = TOW_ERROR_INIT;
static struct ArrowSchema schema;
static struct foreign_batch batch;
static struct tow_share *share;

static int setup(void **state)
{
    (void)state;
    foreign_init(&batch, 6);
    foreign_add(&batch, validity, numbers, NULL);
    foreign_add(&batch, NULL, offsets, text);
    foreign_add(&batch, NULL, bools, NULL);
    batch.array.offset = 1;
    batch.child[0].length = 7;
    batch.child[1].length = 8;
    batch.child[2].length = 7;
    assert_ok(tow_schema_make(&schema, fields, 3, &err), err);
    assert_ok(tow_array_validate(&batch.array, &schema, &err), err);
    share = tow_share_new(&batch.array, &err);
    return share ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tow_share_unref(share);
    schema.release(&schema);
    assert_int_equal(batch.released, 4);
    return 0;
}

/* Row `row` of the array holds what row `wanted` of the batch holds. */
static void assert_row(const struct ArrowArray *array, int64_t row, int64_t wanted)
{
    struct tow_view n, s, b;
    const char *bytes;
    size_t length;

    tow_view_init(&n, &schema, array, 0);
    tow_view_init(&s, &schema, array, 1);
    tow_view_init(&b, &schema, array, 2);
    assert_int_equal(tow_view_is_null(&n, row), wanted_numbers[wanted] == -1);
    if (wanted_numbers[wanted] != -1)
        assert_int_equal(tow_view_int64(&n, row), wanted_numbers[wanted]);
    assert_false(tow_view_is_null(&s, row));
    bytes = tow_view_bytes(&s, row, &length);
    assert_int_equal(length, strlen(wanted_texts[wanted]));
    assert_memory_equal(bytes, wanted_texts[wanted], length);
    assert_false(tow_view_is_null(&b, row));
    assert_int_equal(tow_view_bool(&b, row), wanted_bools[wanted]);
}

/* ---- sharing -------------------------------------------------------------------------------- */

static void test_the_array_moves_in_and_goes_with_the_last_reference(void **state)
{
    (void)state;
    assert_null(batch.array.release);
    assert_int_equal(tow_share_array(share)->length, 6);
    assert_ptr_equal(tow_share_ref(share), share);
    tow_share_unref(share);
    assert_int_equal(batch.released, 0);
    tow_share_unref(NULL);
}

static void test_a_column_is_an_array_of_its_own(void **state)
{
    struct ArrowArray column;

    (void)state;
    assert_ok(tow_share_column(share, 0, &column, &err), err);
    tow_share_unref(share);
    share = NULL;
    assert_int_equal(batch.released, 0);
    assert_int_equal(column.length, 6);
    assert_int_equal(column.offset, 1);
    assert_int_equal(column.null_count, -1);
    assert_ptr_equal(column.buffers[1], numbers);
    column.release(&column);
    assert_null(column.release);
    assert_int_equal(batch.released, 4);
}

static void test_null_counts_are_kept_where_all_rows_are_in(void **state)
{
    struct foreign_batch whole;
    struct tow_share *shared;
    struct ArrowArray column, slice;

    (void)state;
    foreign_init(&whole, 8);
    foreign_add(&whole, validity, numbers, NULL)->null_count = 2;
    foreign_add(&whole, NULL, numbers, NULL)->null_count = -1;
    shared = tow_share_new(&whole.array, &err);
    assert_ok(tow_share_column(shared, 0, &column, &err), err);
    assert_int_equal(column.null_count, 2);
    column.release(&column);
    assert_ok(tow_share_column(shared, 1, &column, &err), err);
    assert_int_equal(column.null_count, 0);
    column.release(&column);
    assert_ok(tow_share_slice(shared, 0, 7, &slice, &err), err);
    assert_int_equal(slice.children[0]->null_count, -1);
    assert_int_equal(slice.children[1]->null_count, 0);
    slice.release(&slice);
    assert_ok(tow_share_slice(shared, 0, 8, &slice, &err), err);
    assert_int_equal(slice.children[0]->null_count, 2);
    slice.release(&slice);
    tow_share_unref(shared);
    assert_int_equal(whole.released, 3);
}

static void test_a_slice_holds_its_rows_without_a_copy(void **state)
{
    struct ArrowArray slice;

    (void)state;
    for (int64_t first = 0; first <= 6; first++)
        for (int64_t count = 0; count <= 6 - first; count++) {
            assert_ok(tow_share_slice(share, first, count, &slice, &err), err);
            assert_ok(tow_array_validate(&slice, &schema, &err), err);
            assert_int_equal(slice.length, count);
            assert_int_equal(slice.null_count, 0);
            assert_int_equal(slice.children[0]->null_count, -1);
            assert_int_equal(slice.children[1]->null_count, 0);
            assert_ptr_equal(slice.children[1]->buffers[2], text);
            for (int64_t row = 0; row < count; row++)
                assert_row(&slice, row, first + row);
            slice.release(&slice);
            assert_null(slice.release);
        }
}

static void test_slices_can_be_sliced(void **state)
{
    struct ArrowArray slice, part;
    struct tow_share *inner;

    (void)state;
    assert_ok(tow_share_slice(share, 1, 5, &slice, &err), err);
    inner = tow_share_new(&slice, &err);
    assert_non_null(inner);
    assert_ok(tow_share_slice(inner, 2, 3, &part, &err), err);
    tow_share_unref(inner);
    tow_share_unref(share);
    share = NULL;
    assert_int_equal(batch.released, 0);
    assert_ok(tow_array_validate(&part, &schema, &err), err);
    for (int64_t row = 0; row < 3; row++)
        assert_row(&part, row, 3 + row);
    part.release(&part);
}

static void test_a_child_moved_out_of_a_slice_stands_alone(void **state)
{
    struct ArrowArray slice, child;

    (void)state;
    assert_ok(tow_share_slice(share, 2, 3, &slice, &err), err);
    child = *slice.children[0];
    slice.children[0]->release = NULL;
    slice.release(&slice);
    tow_share_unref(share);
    share = NULL;
    assert_int_equal(batch.released, 0);
    assert_int_equal(child.length, 3);
    assert_int_equal(((const int64_t *)child.buffers[1])[child.offset], 40);
    child.release(&child);
    assert_int_equal(batch.released, 4);
}

static void test_rows_and_columns_out_of_range_are_refused(void **state)
{
    static const int64_t bad[][2] = {{0, 7}, {7, 0}, {-1, 1}, {0, -1}, {1, INT64_MAX}, {6, 1}};
    struct ArrowArray out;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(tow_share_slice(share, bad[i][0], bad[i][1], &out, &err), TOW_E_BUG);
        assert_null(out.release);
    }
    assert_string_equal(err.message, "rows from 6, 1 of them, of a batch of 6");
    assert_int_equal(tow_share_column(share, 3, &out, &err), TOW_E_BUG);
    assert_string_equal(err.message, "column 3 of 3 was asked for");
    assert_int_equal(tow_share_column(share, -1, &out, &err), TOW_E_BUG);
    assert_null(out.release);
}

static void test_rows_that_are_null_as_a_whole_cannot_be_cut_out(void **state)
{
    struct foreign_batch nulls;
    struct tow_share *shared;
    struct ArrowArray out;

    (void)state;
    foreign_init(&nulls, 8);
    foreign_add(&nulls, NULL, numbers, NULL);
    nulls.validity[0] = validity;
    nulls.array.null_count = -1;
    shared = tow_share_new(&nulls.array, &err);
    assert_int_equal(tow_share_column(shared, 0, &out, &err), TOW_E_UNSUPPORTED);
    assert_says(err, "null as a whole");
    assert_int_equal(tow_share_slice(shared, 0, 1, &out, &err), TOW_E_UNSUPPORTED);
    assert_ok(tow_share_slice(shared, 1, 3, &out, &err), err);
    out.release(&out);
    tow_share_unref(shared);
}

static void *use_share(void *context)
{
    struct tow_share *mine = context;
    struct ArrowArray out;

    for (int i = 0; i < 1000; i++) {
        if (tow_share_slice(mine, i % 5, 1, &out, NULL) != TOW_OK)
            return NULL;
        out.release(&out);
        if (tow_share_column(mine, i % 3, &out, NULL) != TOW_OK)
            return NULL;
        out.release(&out);
    }
    tow_share_unref(mine);
    return context;
}

static void test_references_come_and_go_on_several_threads(void **state)
{
    pthread_t threads[4];
    void *result;

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_share, tow_share_ref(share)), 0);
    tow_share_unref(share);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    share = NULL;
    assert_int_equal(batch.released, 4);
}

/* ---- structs -------------------------------------------------------------------------------- */

static void test_columns_of_two_batches_make_a_third(void **state)
{
    struct foreign_batch other;
    struct ArrowArray columns[3], made, moved;

    (void)state;
    foreign_init(&other, 6);
    foreign_add(&other, NULL, numbers, NULL);
    for (int64_t i = 0; i < 3; i++)
        assert_ok(tow_share_column(share, i, &columns[i], &err), err);
    columns[0].release(&columns[0]);
    columns[0] = other.child[0];
    assert_ok(tow_struct_make(&made, columns, 3, 6, &err), err);
    for (int i = 0; i < 3; i++)
        assert_null(columns[i].release);
    assert_ok(tow_array_validate(&made, &schema, &err), err);
    assert_int_equal(made.length, 6);
    assert_int_equal(((const int64_t *)made.children[0]->buffers[1])[0], 10);
    moved = *made.children[0];
    made.children[0]->release = NULL;
    made.release(&made);
    assert_int_equal(other.released, 0);
    moved.release(&moved);
    assert_int_equal(other.released, 1);
}

static void test_columns_that_do_not_fit_stay_where_they_are(void **state)
{
    struct ArrowArray columns[2], made;

    (void)state;
    assert_ok(tow_share_column(share, 0, &columns[0], &err), err);
    assert_ok(tow_share_column(share, 1, &columns[1], &err), err);
    assert_int_equal(tow_struct_make(&made, columns, 2, 5, &err), TOW_E_BUG);
    assert_says(err, "column 0: 6 rows where 5 are needed");
    assert_null(made.release);
    columns[1].release(&columns[1]);
    assert_int_equal(tow_struct_make(&made, columns, 2, 6, &err), TOW_E_BUG);
    assert_says(err, "column 1 is released");
    assert_int_equal(tow_struct_make(&made, columns, -1, 6, &err), TOW_E_BUG);
    assert_non_null(columns[0].release);
    columns[0].release(&columns[0]);
}

static void test_a_struct_without_columns_has_rows(void **state)
{
    struct ArrowArray made;

    (void)state;
    assert_ok(tow_struct_make(&made, NULL, 0, 12, &err), err);
    assert_int_equal(made.length, 12);
    made.release(&made);
}

/* ---- taking --------------------------------------------------------------------------------- */

static void test_rows_are_taken_in_any_order_and_twice(void **state)
{
    static const int64_t rows[] = {5, 0, 1, 2, 3, 4, 5, 5, 3, 3, 2};
    struct ArrowArray taken;

    (void)state;
    assert_ok(tow_array_take(&schema, tow_share_array(share), rows, COUNT(rows), &taken, &err),
              err);
    tow_share_unref(share);
    share = NULL;
    assert_int_equal(batch.released, 4);
    assert_ok(tow_array_validate(&taken, &schema, &err), err);
    assert_int_equal(taken.length, COUNT(rows));
    assert_int_equal(taken.children[0]->null_count, 3);
    assert_null(taken.children[1]->buffers[0]);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_row(&taken, (int64_t)i, rows[i]);
    taken.release(&taken);
}

static void test_no_rows_taken_are_an_empty_batch(void **state)
{
    struct ArrowArray taken;

    (void)state;
    assert_ok(tow_array_take(&schema, tow_share_array(share), NULL, 0, &taken, &err), err);
    assert_ok(tow_array_validate(&taken, &schema, &err), err);
    assert_int_equal(taken.length, 0);
    assert_int_equal(((const int32_t *)taken.children[1]->buffers[1])[0], 0);
    taken.release(&taken);
}

static void test_rows_out_of_the_batch_cannot_be_taken(void **state)
{
    static const int64_t beyond[] = {0, 6}, below[] = {-1};
    struct ArrowArray taken;

    (void)state;
    assert_int_equal(tow_array_take(&schema, tow_share_array(share), beyond, 2, &taken, &err),
                     TOW_E_BUG);
    assert_string_equal(err.message, "row 6 of a batch of 6 rows was asked for");
    assert_null(taken.release);
    assert_int_equal(tow_array_take(&schema, tow_share_array(share), below, 1, &taken, &err),
                     TOW_E_BUG);
    assert_int_equal(tow_array_take(&schema, tow_share_array(share), below, -1, &taken, &err),
                     TOW_E_BUG);
}

static void test_text_taken_over_and_over_ends_before_offsets_overflow(void **state)
{
    enum { TIMES = 3 };
    static const int32_t huge[] = {0, 0x30000000};
    static const int64_t rows[TIMES] = {0, 0, 0};
    const struct tow_field field = {"s", {TOW_TYPE_STRING, 0, 0}, 0};
    struct ArrowSchema one;
    struct foreign_batch large;
    struct ArrowArray taken;

    (void)state;
    foreign_init(&large, 1);
    foreign_add(&large, NULL, huge, text);
    assert_ok(tow_schema_make(&one, &field, 1, &err), err);
    assert_int_equal(tow_array_take(&one, &large.array, rows, TIMES, &taken, &err), TOW_E_DATA);
    assert_says(err, "column \"s\": a column of a batch holds at most 2147483647 bytes");
    assert_null(taken.release);
    one.release(&one);
}

/* ---- take against the cursor, all types at random ------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const struct tow_field wide[] = {
    {"bool", {TOW_TYPE_BOOL, 0, 0}, 0},        {"int8", {TOW_TYPE_INT8, 0, 0}, 0},
    {"uint16", {TOW_TYPE_UINT16, 0, 0}, 0},    {"float32", {TOW_TYPE_FLOAT32, 0, 0}, 0},
    {"int64", {TOW_TYPE_INT64, 0, 0}, 0},      {"decimal", {TOW_TYPE_DECIMAL, 38, 4}, 0},
    {"binary", {TOW_TYPE_BINARY, 0, 0}, 0},    {"json", {TOW_TYPE_JSON, 0, 0}, 0},
    {"date", {TOW_TYPE_DATE, 0, 0}, 0},        {"bools", {TOW_TYPE_BOOL, 0, 0}, 1},
    {"ntz", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 1}};

static void random_append(struct tow_builder *builder, size_t column)
{
    uint64_t value = random_next();

    switch (wide[column].type.id) {
    case TOW_TYPE_BOOL:
        assert_ok(tow_append_bool(builder, column, value & 1, &err), err);
        break;
    case TOW_TYPE_FLOAT32:
        assert_ok(tow_append_double(builder, column, (double)(value & 0xffff), &err), err);
        break;
    case TOW_TYPE_DECIMAL:
        assert_ok(tow_append_decimal(builder, column, (struct tow_decimal){value, 77}, &err), err);
        break;
    case TOW_TYPE_BINARY:
    case TOW_TYPE_JSON:
        assert_ok(tow_append_bytes(builder, column, &value, value % 9, &err), err);
        break;
    default:
        assert_ok(tow_append_int64(builder, column, (int64_t)(value & 0x7f), &err), err);
        break;
    }
}

static struct ArrowArray random_batch(int64_t rows)
{
    struct tow_builder *builder = tow_builder_new(wide, COUNT(wide), &err);
    struct ArrowArray array;

    assert_non_null(builder);
    for (int64_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < COUNT(wide); i++)
            if (wide[i].not_null || random_next() % 3)
                random_append(builder, i);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    tow_builder_free(builder);
    return array;
}

static void assert_same_value(const struct tow_view *a, int64_t row, const struct tow_view *b,
                              int64_t other)
{
    size_t width = tow_type_width(a->type.id), length, other_length;
    const char *bytes, *other_bytes;

    assert_int_equal(tow_view_is_null(a, row), tow_view_is_null(b, other));
    if (tow_view_is_null(a, row))
        return;
    if (a->type.id == TOW_TYPE_BOOL) {
        assert_int_equal(tow_view_bool(a, row), tow_view_bool(b, other));
    } else if (width > 0) {
        assert_memory_equal((const char *)a->values + (size_t)(row + a->offset) * width,
                            (const char *)b->values + (size_t)(other + b->offset) * width, width);
    } else {
        bytes = tow_view_bytes(a, row, &length);
        other_bytes = tow_view_bytes(b, other, &other_length);
        assert_int_equal(length, other_length);
        assert_memory_equal(bytes, other_bytes, length);
    }
}

static void assert_taken(const struct ArrowSchema *types, const struct ArrowArray *from,
                         const int64_t *rows, int64_t count)
{
    struct ArrowArray taken;
    struct tow_view a, b;

    assert_ok(tow_array_take(types, from, rows, count, &taken, &err), err);
    assert_ok(tow_array_validate(&taken, types, &err), err);
    assert_int_equal(taken.length, count);
    for (int64_t column = 0; column < (int64_t)COUNT(wide); column++) {
        int64_t nulls = 0;

        tow_view_init(&a, types, from, column);
        tow_view_init(&b, types, &taken, column);
        for (int64_t i = 0; i < count; i++) {
            assert_same_value(&a, rows[i], &b, i);
            nulls += tow_view_is_null(&b, i);
        }
        assert_int_equal(taken.children[column]->null_count, nulls);
    }
    taken.release(&taken);
}

static void test_taking_at_random_equals_reading_row_by_row(void **state)
{
    enum { ROWS = 300 };
    struct ArrowArray array = random_batch(ROWS), slice;
    struct ArrowSchema types;
    struct tow_share *shared;
    int64_t rows[ROWS];

    (void)state;
    assert_ok(tow_schema_make(&types, wide, COUNT(wide), &err), err);
    shared = tow_share_new(&array, &err);
    for (int round = 0; round < 50; round++) {
        int64_t first = (int64_t)(random_next() % ROWS);
        int64_t length = (int64_t)(random_next() % (uint64_t)(ROWS - first)) + 1;
        int64_t count = 0;

        assert_ok(tow_share_slice(shared, first, length, &slice, &err), err);
        for (int64_t i = 0; i < length; i++)
            if (random_next() % 10)
                rows[count++] = round % 2 ? i : (int64_t)(random_next() % (uint64_t)length);
        assert_taken(&types, &slice, rows, count);
        slice.release(&slice);
    }
    tow_share_unref(shared);
    types.release(&types);
}

#define with_share(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_share(test_the_array_moves_in_and_goes_with_the_last_reference),
        with_share(test_a_column_is_an_array_of_its_own),
        cmocka_unit_test(test_null_counts_are_kept_where_all_rows_are_in),
        with_share(test_a_slice_holds_its_rows_without_a_copy),
        with_share(test_slices_can_be_sliced),
        with_share(test_a_child_moved_out_of_a_slice_stands_alone),
        with_share(test_rows_and_columns_out_of_range_are_refused),
        cmocka_unit_test(test_rows_that_are_null_as_a_whole_cannot_be_cut_out),
        with_share(test_references_come_and_go_on_several_threads),
        with_share(test_columns_of_two_batches_make_a_third),
        with_share(test_columns_that_do_not_fit_stay_where_they_are),
        cmocka_unit_test(test_a_struct_without_columns_has_rows),
        with_share(test_rows_are_taken_in_any_order_and_twice),
        with_share(test_no_rows_taken_are_an_empty_batch),
        with_share(test_rows_out_of_the_batch_cannot_be_taken),
        cmocka_unit_test(test_text_taken_over_and_over_ends_before_offsets_overflow),
        cmocka_unit_test(test_taking_at_random_equals_reading_row_by_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
