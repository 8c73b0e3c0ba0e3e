#include "unit.h"

#include <pthread.h>

#include "run/tracker.h"

#define RECORDS 2000

struct log {
    uint64_t seen[RECORDS + 1];
    size_t count;
    uint64_t fail_at; /* completing this one fails; 0: none */
};

static int complete(void *context, struct record *record)
{
    struct log *log = context;

    log->seen[log->count++] = record->seq;
    return record->seq == log->fail_at ? TOW_E_ENV : TOW_OK;
}

static struct record *numbered(uint64_t seq, size_t bytes)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_batch none = {.size = sizeof none};
    struct record *record = NULL;

    assert_ok(record_new(&record, seq, &none, &err), err);
    record->bytes = bytes;
    return record;
}

static void start(struct tracker *tracker, struct log *log, int64_t capacity, int64_t bytes)
{
    struct tow_error err = TOW_ERROR_INIT;

    *log = (struct log){0};
    assert_ok(tracker_init(tracker, capacity, bytes, &err), err);
    tracker->complete = complete;
    tracker->context = log;
}

static void test_records_are_completed_in_order_whatever_order_they_are_done_in(void **state)
{
    struct tracker tracker;
    struct log log;
    struct record *popped[3];

    (void)state;
    start(&tracker, &log, 8, 1000);
    for (uint64_t seq = 1; seq <= 3; seq++)
        assert_int_equal(tracker_push(&tracker, numbered(seq, 1)), TOW_OK);
    for (int i = 0; i < 3; i++)
        popped[i] = tracker_pop(&tracker);
    tracker_put_back(&tracker, popped[2], 1);
    tracker_put_back(&tracker, popped[1], 1);
    assert_int_equal(log.count, 0);
    assert_false(tracker_clean(&tracker));
    tracker_put_back(&tracker, popped[0], 1);
    assert_int_equal(log.count, 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(log.seen[i], i + 1);
    assert_true(tracker_empty(&tracker));
    tracker_release(&tracker);
}

static void test_a_ring_that_only_a_flush_can_empty_says_so(void **state)
{
    struct tracker tracker;
    struct log log;
    struct record *first, *second = numbered(2, 1);

    (void)state;
    start(&tracker, &log, 1, 1000);
    assert_int_equal(tracker_push(&tracker, numbered(1, 1)), TOW_OK);
    first = tracker_pop(&tracker);
    tracker_put_back(&tracker, first, 0);
    assert_int_equal(tracker_push(&tracker, second), TOW_END);
    tracker_done(&tracker, first);
    assert_int_equal(tracker_push(&tracker, second), TOW_OK);
    assert_int_equal(log.count, 1);
    tracker_release(&tracker);
}

static void test_a_batch_larger_than_the_bound_goes_alone(void **state)
{
    struct tracker tracker;
    struct log log;
    struct record *record;

    (void)state;
    start(&tracker, &log, 8, 10);
    assert_int_equal(tracker_push(&tracker, numbered(1, 5000)), TOW_OK);
    record = tracker_pop(&tracker);
    tracker_put_back(&tracker, record, 0);
    record = numbered(2, 1);
    assert_int_equal(tracker_push(&tracker, record), TOW_END);
    record_free(record);
    tracker_release(&tracker);
}

static void test_a_failed_completion_stops_everything_behind_it(void **state)
{
    struct tracker tracker;
    struct log log;
    struct record *popped[3];

    (void)state;
    start(&tracker, &log, 8, 1000);
    log.fail_at = 2;
    for (uint64_t seq = 1; seq <= 3; seq++)
        assert_int_equal(tracker_push(&tracker, numbered(seq, 1)), TOW_OK);
    for (int i = 0; i < 3; i++)
        popped[i] = tracker_pop(&tracker);
    for (int i = 0; i < 3; i++)
        tracker_put_back(&tracker, popped[i], 1);
    assert_int_equal(log.count, 2);
    assert_null(tracker_pop(&tracker));
    assert_int_equal(tracker_wait_quiet(&tracker), 0);
    struct record *late = numbered(4, 1);
    assert_int_equal(tracker_push(&tracker, late), TOW_E_CANCELLED);
    record_free(late);
    tracker_release(&tracker);
}

static void *work(void *context)
{
    struct tracker *tracker = context;
    struct record *record;

    while ((record = tracker_pop(tracker)))
        tracker_put_back(tracker, record, 1);
    return NULL;
}

static void test_many_workers_complete_all_in_order(void **state)
{
    struct tracker tracker;
    struct log log;
    pthread_t workers[4];

    (void)state;
    start(&tracker, &log, 5, 40);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, &tracker), 0);
    for (uint64_t seq = 1; seq <= RECORDS; seq++)
        assert_int_equal(tracker_push(&tracker, numbered(seq, seq % 17)), TOW_OK);
    assert_int_equal(tracker_wait_quiet(&tracker), 1);
    assert_true(tracker_empty(&tracker));
    tracker_close(&tracker);
    for (int i = 0; i < 4; i++)
        pthread_join(workers[i], NULL);
    assert_int_equal(log.count, RECORDS);
    for (uint64_t i = 0; i < RECORDS; i++)
        assert_int_equal(log.seen[i], i + 1);
    tracker_release(&tracker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_completed_in_order_whatever_order_they_are_done_in),
        cmocka_unit_test(test_a_ring_that_only_a_flush_can_empty_says_so),
        cmocka_unit_test(test_a_batch_larger_than_the_bound_goes_alone),
        cmocka_unit_test(test_a_failed_completion_stops_everything_behind_it),
        cmocka_unit_test(test_many_workers_complete_all_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
