#include "unit.h"

#include <pthread.h>

#include "nomem.h"
#include "towpath/batch.h"

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                          {"s", {TOW_TYPE_STRING, 0, 0}, 0}};

static struct tow_error err = TOW_ERROR_INIT;
static struct tow_builder *builder;

static int setup(void **state)
{
    (void)state;
    builder = tow_builder_new(fields, 2, &err);
    return builder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tow_builder_free(builder);
    builder = NULL;
    return 0;
}

static void add_row(int64_t number, size_t length)
{
    static const char text[4096];

    assert_ok(tow_append_int64(builder, 0, number, &err), err);
    assert_ok(tow_append_bytes(builder, 1, text, length, &err), err);
    assert_ok(tow_builder_end_row(builder, &err), err);
}

static struct ArrowArray make_batch(int64_t rows)
{
    struct ArrowArray array;

    for (int64_t i = 0; i < rows; i++)
        add_row(i, 20);
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    return array;
}

static const int64_t *numbers(const struct ArrowArray *array)
{
    return array->children[0]->buffers[1];
}

/* ---- a steady stream ------------------------------------------------------------------------ */

static void test_growing_is_geometric(void **state)
{
    size_t before = nomem_count();

    (void)state;
    for (int i = 0; i < 100000; i++)
        add_row(i, 10);
    assert_in_range(nomem_count() - before, 1, 5 * 12);
}

static void test_a_steady_stream_allocates_nothing(void **state)
{
    enum { IN_FLIGHT = 3 };
    struct ArrowArray queue[IN_FLIGHT] = {0};
    size_t before = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct ArrowArray *slot = &queue[i % IN_FLIGHT];

        if (i == 2 * IN_FLIGHT)
            before = nomem_count();
        if (slot->release)
            slot->release(slot);
        *slot = make_batch(1000);
    }
    assert_int_equal(nomem_count(), before);
    for (int i = 0; i < IN_FLIGHT; i++)
        queue[i].release(&queue[i]);
}

static void test_new_buffers_begin_with_the_size_of_the_batch_before(void **state)
{
    struct ArrowArray first = make_batch(1000), second;
    size_t steps = nomem_count(), grown = nomem_held(), exact = 1000 * (8 + 4 + 20);

    (void)state;
    second = make_batch(1000);
    /* The frame and two buffers of a column of numbers, three of a column of text. */
    assert_int_equal(nomem_count() - steps, 1 + 2 + 3);
    assert_in_range(nomem_held() - grown, exact, exact + exact / 8 + 4096);
    first.release(&first);
    second.release(&second);
}

static void test_buffers_come_back_with_the_batch(void **state)
{
    struct ArrowArray first = make_batch(10), second = make_batch(10), third;
    const int64_t *buffer = numbers(&first);

    (void)state;
    assert_ptr_not_equal(numbers(&second), buffer);
    assert_int_equal(numbers(&first)[9], 9);
    first.release(&first);
    third = make_batch(10);
    assert_ptr_equal(numbers(&third), buffer);
    second.release(&second);
    third.release(&third);
}

static void test_a_batch_that_went_at_once_is_used_again_for_the_next(void **state)
{
    struct ArrowArray array = make_batch(10);
    const int64_t *buffer = numbers(&array);

    (void)state;
    for (int i = 0; i < 5; i++) {
        array.release(&array);
        assert_null(array.release);
        array = make_batch(10);
        assert_ptr_equal(numbers(&array), buffer);
    }
    array.release(&array);
}

static void test_validity_is_fresh_in_buffers_used_again(void **state)
{
    struct ArrowArray array;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_ok(tow_builder_end_row(builder, &err), err);
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    assert_int_equal(array.children[0]->null_count, 20);
    array.release(&array);
    array = make_batch(19);
    assert_null(array.children[0]->buffers[0]);
    array.release(&array);
    add_row(1, 1);
    assert_ok(tow_builder_end_row(builder, &err), err);
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    assert_int_equal(array.children[0]->null_count, 1);
    assert_int_equal(*(const uint8_t *)array.children[0]->buffers[0] & 3, 1);
    array.release(&array);
}

static void test_only_a_few_frames_wait(void **state)
{
    enum { BURST = 12 };
    struct ArrowArray burst[BURST];
    size_t one;

    (void)state;
    burst[0] = make_batch(1000);
    one = nomem_held();
    for (int i = 1; i < BURST; i++)
        burst[i] = make_batch(1000);
    assert_true(nomem_held() > 8 * one);
    for (int i = 0; i < BURST; i++)
        burst[i].release(&burst[i]);
    assert_true(nomem_held() < 5 * one);
}

/* ---- giants --------------------------------------------------------------------------------- */

static void test_a_builder_that_rests_holds_nothing(void **state)
{
    size_t before = nomem_held();
    struct ArrowArray first = make_batch(1000), second = make_batch(1000);

    (void)state;
    first.release(&first);
    assert_true(nomem_held() - before > 20000);
    tow_builder_rest(builder); /* the one that waits goes, and the other once it comes back */
    second.release(&second);
    assert_in_range(nomem_held() - before, 0, 1000);
    second = make_batch(1000); /* and then all is as ever */
    second.release(&second);
    before = nomem_count();
    first = make_batch(1000);
    first.release(&first);
    assert_int_equal(nomem_count(), before);
}

static void test_a_builder_with_rows_does_not_rest(void **state)
{
    struct ArrowArray array;

    (void)state;
    add_row(5, 3);
    tow_builder_rest(builder);
    array = make_batch(2);
    assert_int_equal(array.length, 3);
    assert_int_equal(numbers(&array)[0], 5);
    array.release(&array);
}

static void test_one_giant_row_does_not_hold_memory_for_ever(void **state)
{
    enum { GIANT = 100 << 20 };
    struct ArrowArray array = make_batch(1000);
    size_t usual = nomem_held();

    (void)state;
    array.release(&array);
    assert_ok(tow_column_reserve(tow_builder_column(builder, 1), 1000, GIANT, &err), err);
    add_row(0, 1);
    /* As if the bytes had been written: nobody reads them here. */
    tow_builder_column(builder, 1)->offsets[1] = GIANT;
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    assert_true(nomem_held() > GIANT);
    array.release(&array);
    for (int i = 0; i < 30; i++) {
        array = make_batch(1000);
        array.release(&array);
    }
    assert_true(nomem_held() < usual + (1 << 20));
}

static void test_a_giant_that_waits_below_others_goes_too(void **state)
{
    enum { GIANT = 100 << 20 };
    struct ArrowArray small = make_batch(1000), giant;

    (void)state;
    assert_ok(tow_column_reserve(tow_builder_column(builder, 1), 1000, GIANT, &err), err);
    add_row(0, 1);
    tow_builder_column(builder, 1)->offsets[1] = GIANT;
    assert_ok(tow_builder_finish(builder, &giant, &err), err);
    giant.release(&giant);
    small.release(&small);
    /* The last frame that came is the first to be taken. */
    for (int i = 0; i < 30; i++) {
        small = make_batch(1000);
        small.release(&small);
    }
    assert_true(nomem_held() < GIANT / 2);
}

static void test_buffers_behind_a_giant_are_not_made_as_large(void **state)
{
    enum { GIANT = 100 << 20 };
    struct ArrowArray giant, small;
    size_t before;

    (void)state;
    assert_ok(tow_column_reserve(tow_builder_column(builder, 1), 1000, GIANT, &err), err);
    add_row(0, 1);
    tow_builder_column(builder, 1)->offsets[1] = GIANT;
    assert_ok(tow_builder_finish(builder, &giant, &err), err);
    before = nomem_held();
    small = make_batch(1000);
    assert_in_range(nomem_held() - before, 1, 8 << 20);
    giant.release(&giant);
    small.release(&small);
}

static void test_a_steady_stream_of_large_batches_allocates_nothing(void **state)
{
    enum { LARGE = 40 << 20 };
    size_t before = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct tow_column *text = tow_builder_column(builder, 1);
        int64_t size = i % 2 ? LARGE : LARGE / 5;
        struct ArrowArray array;

        if (i == 4)
            before = nomem_count();
        assert_ok(tow_column_reserve(text, 1, size / 3 * 2, &err), err);
        assert_ok(tow_column_reserve(text, 1, size, &err), err);
        add_row(0, 1);
        text->offsets[1] = (int32_t)size;
        assert_ok(tow_builder_finish(builder, &array, &err), err);
        array.release(&array);
    }
    assert_int_equal(nomem_count(), before);
}

/* ---- who goes first ------------------------------------------------------------------------- */

static void test_a_batch_outlives_its_builder(void **state)
{
    struct ArrowArray array = make_batch(100), other = make_batch(5);

    (void)state;
    other.release(&other);
    tow_builder_free(builder);
    builder = NULL;
    assert_int_equal(numbers(&array)[99], 99);
    array.release(&array);
}

static void test_a_child_that_was_moved_out_outlives_batch_and_builder(void **state)
{
    struct ArrowArray array = make_batch(100), child = *array.children[0], next;
    const int64_t *values = child.buffers[1];

    (void)state;
    array.children[0]->release = NULL;
    array.release(&array);
    assert_null(array.release);
    next = make_batch(100);
    assert_ptr_not_equal(numbers(&next), values);
    assert_int_equal(values[42], 42);
    next.release(&next);
    tow_builder_free(builder);
    builder = NULL;
    assert_int_equal(((const int64_t *)child.buffers[1])[42], 42);
    child.release(&child);
    assert_null(child.release);
}

static void test_a_child_that_goes_before_its_batch_leaves_the_rest(void **state)
{
    struct ArrowArray array = make_batch(100);

    (void)state;
    array.children[1]->release(array.children[1]);
    assert_null(array.children[1]->release);
    assert_int_equal(numbers(&array)[42], 42);
    array.release(&array);
}

static void *release_all(void *context)
{
    struct ArrowArray *arrays = context;

    for (int i = 0; arrays[i].release; i++)
        arrays[i].release(&arrays[i]);
    return NULL;
}

static void test_batches_come_back_from_other_threads(void **state)
{
    enum { ROUNDS = 200, THREADS = 3 };
    struct ArrowArray arrays[THREADS][2] = {0};
    pthread_t threads[THREADS];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < THREADS; i++) {
            arrays[i][0] = make_batch(20);
            assert_int_equal(pthread_create(&threads[i], NULL, release_all, arrays[i]), 0);
        }
        if (round == ROUNDS - 1) {
            tow_builder_free(builder);
            builder = NULL;
        }
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void test_parts_of_one_batch_are_released_by_several_threads(void **state)
{
    struct ArrowArray parts[3][2] = {0};
    pthread_t threads[3];

    (void)state;
    for (int round = 0; round < 200; round++) {
        parts[2][0] = make_batch(20);
        for (int i = 0; i < 2; i++) {
            parts[i][0] = *parts[2][0].children[i];
            parts[2][0].children[i]->release = NULL;
        }
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, release_all, parts[i]), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void test_everything_is_given_back(void **state)
{
    size_t before = nomem_held();
    struct ArrowArray array;

    (void)state;
    assert_int_equal(setup(NULL), 0);
    array = make_batch(100);
    add_row(1, 1);
    tow_builder_free(builder);
    builder = NULL;
    assert_true(nomem_held() > before);
    array.release(&array);
    assert_int_equal(nomem_held(), before);
}

/* ---- out of memory -------------------------------------------------------------------------- */

/* A schema copied, a builder made, filled and emptied. TOW_OK, or the class of what failed. */
static int use_everything(void)
{
    struct ArrowSchema schema = {0}, copy = {0};
    struct ArrowArray array = {0}, taken = {0}, slice = {0};
    struct tow_builder *made = NULL;
    struct tow_share *share = NULL;
    struct tow_cursor cursor = {0};
    const int64_t rows[] = {1, 0};
    int code = tow_schema_make(&schema, fields, 2, &err);

    if (code == TOW_OK)
        code = tow_schema_copy(&copy, &schema, &err);
    if (code == TOW_OK)
        code = tow_cursor_init(&cursor, &copy, &err);
    if (code == TOW_OK) {
        made = tow_builder_new_schema(&copy, &err);
        code = made ? TOW_OK : err.code;
    }
    for (int i = 0; i < 200 && code == TOW_OK; i++) {
        code = tow_append_text(made, 1, "twenty bytes of text", &err);
        if (code == TOW_OK)
            code = tow_builder_end_row(made, &err);
        if (code == TOW_OK && tow_builder_rows(made) != i + 1)
            code = TOW_E_BUG;
    }
    if (code == TOW_OK)
        code = tow_builder_finish(made, &array, &err);
    if (code == TOW_OK)
        code = tow_array_take(&copy, &array, rows, 2, &taken, &err);
    if (code == TOW_OK) {
        share = tow_share_new(&array, &err);
        code = share ? tow_share_slice(share, 1, 2, &slice, &err) : err.code;
    }
    if (slice.release)
        slice.release(&slice);
    tow_share_unref(share);
    if (taken.release)
        taken.release(&taken);
    if (array.release)
        array.release(&array);
    tow_builder_free(made);
    tow_cursor_release(&cursor);
    if (copy.release)
        copy.release(&copy);
    if (schema.release)
        schema.release(&schema);
    return code;
}

static void test_each_allocation_may_fail(void **state)
{
    size_t held = nomem_held(), failed = 0;
    int code = TOW_E_NOMEM;

    (void)state;
    for (; code == TOW_E_NOMEM; failed++) {
        tow_error_set(&err, TOW_OK, "%s", "");
        nomem_after((long)failed);
        code = use_everything();
        nomem_stop();
        assert_int_equal(nomem_held(), held);
        if (code == TOW_E_NOMEM)
            assert_says(err, "out of memory");
    }
    assert_int_equal(code, TOW_OK);
    assert_in_range(failed, 30, 200);
}

static void test_rows_survive_a_failed_allocation(void **state)
{
    struct ArrowArray array;
    size_t before;

    (void)state;
    add_row(1, 10);
    before = nomem_count();
    nomem_after(0);
    for (int i = 0; nomem_count() == before; i++)
        if (tow_append_int64(builder, 0, i, &err) == TOW_OK)
            assert_ok(tow_builder_end_row(builder, &err), err);
    nomem_stop();
    assert_int_equal(err.code, TOW_E_NOMEM);
    assert_says(err, "column \"n\": out of memory");
    tow_builder_cancel_row(builder);
    assert_int_equal(tow_builder_rows(builder), 64);
    add_row(7, 10);
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    assert_int_equal(array.length, 65);
    assert_int_equal(numbers(&array)[0], 1);
    assert_int_equal(numbers(&array)[64], 7);
    array.release(&array);
}

#define with_builder(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_builder(test_growing_is_geometric),
        with_builder(test_a_steady_stream_allocates_nothing),
        with_builder(test_new_buffers_begin_with_the_size_of_the_batch_before),
        with_builder(test_buffers_come_back_with_the_batch),
        with_builder(test_a_batch_that_went_at_once_is_used_again_for_the_next),
        with_builder(test_validity_is_fresh_in_buffers_used_again),
        with_builder(test_only_a_few_frames_wait),
        with_builder(test_a_builder_that_rests_holds_nothing),
        with_builder(test_a_builder_with_rows_does_not_rest),
        with_builder(test_one_giant_row_does_not_hold_memory_for_ever),
        with_builder(test_a_giant_that_waits_below_others_goes_too),
        with_builder(test_buffers_behind_a_giant_are_not_made_as_large),
        with_builder(test_a_steady_stream_of_large_batches_allocates_nothing),
        with_builder(test_a_batch_outlives_its_builder),
        with_builder(test_a_child_that_was_moved_out_outlives_batch_and_builder),
        with_builder(test_a_child_that_goes_before_its_batch_leaves_the_rest),
        with_builder(test_batches_come_back_from_other_threads),
        with_builder(test_parts_of_one_batch_are_released_by_several_threads),
        cmocka_unit_test(test_everything_is_given_back),
        with_builder(test_each_allocation_may_fail),
        with_builder(test_rows_survive_a_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
