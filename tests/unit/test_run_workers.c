/* Runs with several workers, sinks that defer, sinks whose rows are final, and all of that at once.
 */
#include "run_fixture.h"
#include "unit.h"

static void test_workers_write_at_once_and_nothing_is_lost(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 4;
    fixture->job.tuning.queue_batches = 8;
    toy_source_plan.rows = 50000;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(50000, not_thirteenth);
    assert_int_equal(fixture->report.counts.rejected, 3847);
}

static void test_a_deferring_sink_settles_at_flush(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_DEFERS);
    toy_sink_plan.defers = 1;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 923, 77, 0, 0);
    published_is(1000, not_thirteenth);
}

static void test_a_final_sink_moves_the_checkpoint_batch_by_batch(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_FINAL);
    toy_source_plan.kill_at = 750;
    run_and_die();
    assert_true(toy_far_end->unpublished_count >= 200);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(fixture->report.resumed_of, 1);
    assert_true(fixture->report.counts.read < 1000);
}

static void test_a_deferring_sink_gets_rows_again_that_a_failed_flush_lost(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_DEFERS);
    toy_sink_plan.defers = 1;
    toy_sink_plan.forgets = 1;
    toy_sink_plan.settle_lag = 2;
    toy_sink_plan.flush_fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.flush_fail_times = 3;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
}

static void test_what_a_failed_deferring_sink_holds_is_not_sent_twice(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_DEFERS);
    toy_sink_plan.defers = 1;
    toy_sink_plan.settle_lag = 2;
    toy_sink_plan.fail_at = 755;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_full_ring_of_deferred_batches_is_flushed(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_DEFERS);
    toy_sink_plan.defers = 1;
    fixture->job.tuning.queue_batches = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_true(toy_sink_plan.flushes > 1);
    published_is(1000, everyone);
}

static int each_seen_at_least_once(void)
{
    static char seen[TOY_ROWS_MAX];
    int missing = 0;

    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < toy_far_end->published_count; i++)
        seen[toy_far_end->published[i]] = 1;
    for (int64_t n = 0; n < toy_source_plan.rows; n++)
        missing += !seen[n];
    return missing == 0;
}

static void test_all_flags_at_once_lose_nothing(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags < 8; flags++) {
        toy_reset();
        toy_sink_set_flags((flags & 1 ? TOW_SINK_PARALLEL : 0) | (flags & 2 ? TOW_SINK_DEFERS : 0) |
                           (flags & 4 ? TOW_SINK_FINAL : 0));
        toy_sink_plan.defers = (flags & 2) != 0;
        toy_sink_plan.settle_lag = 3;
        toy_source_plan.rows = 20000;
        toy_source_plan.unreadable = 9;
        fixture->job.tuning.workers = 4;
        fixture->job.tuning.queue_batches = 2;
        fixture->job.tuning.checkpoint_ms = 5;
        assert_int_equal(run(), TOW_EXIT_OK);
        counts_are(20000, 17778, 2222, 0, 0);
        published_is(20000, not_ninth);
    }
}

static void test_failures_with_all_flags_lose_nothing(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags < 8; flags++) {
        toy_reset();
        toy_sink_set_flags((flags & 1 ? TOW_SINK_PARALLEL : 0) | (flags & 2 ? TOW_SINK_DEFERS : 0) |
                           (flags & 4 ? TOW_SINK_FINAL : 0));
        toy_sink_plan.defers = (flags & 2) != 0;
        toy_sink_plan.settle_lag = 3;
        toy_source_plan.rows = 5000;
        fixture->job.tuning.workers = 4;
        fixture->job.tuning.queue_batches = 2;
        fixture->job.tuning.checkpoint_ms = 5;
        toy_sink_plan.fail_code = TOW_E_ENV;
        for (int64_t n = 50; n < 5000; n += 1650) {
            toy_sink_plan.fail_at = n;
            toy_sink_plan.fail_times = 1;
            assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
        }
        assert_int_equal(run(), TOW_EXIT_OK);
        assert_true(each_seen_at_least_once());
        /* A single worker's token tells what to cut off, unless it is final. */
        if (!(flags & 5))
            published_is(5000, everyone);
    }
}

static void test_the_token_of_a_final_sink_lives_on(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_FINAL);
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.kill_at = 555;
    run_and_die();
    fixture->job.tuning.checkpoint_ms = 3600000;
    toy_source_plan.kill_at = 855;
    run_and_die();
    assert_int_equal(toy_far_end->opens_with_token, 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_far_end->opens_with_token, 2);
}

static void test_a_failure_reaches_a_source_that_waits_for_input(void **state)
{
    (void)state;
    toy_source_plan.batch = 10;
    toy_source_plan.block_at = 500;
    toy_sink_plan.fail_at = 450;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(fixture->report.error.code, TOW_E_AUTH);
    toy_source_plan.block_at = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_failure_reaches_a_source_that_waits_for_room(void **state)
{
    (void)state;
    fixture->job.tuning.queue_batches = 1;
    fixture->job.retry = (struct tow_retry){.base_ms = 50, .cap_ms = 50, .budget_ms = 60000, 3};
    toy_source_plan.batch = 10;
    toy_sink_plan.fail_at = 5;
    toy_sink_plan.fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.fail_times = 3;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_failure_reaches_workers_that_hang(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 2;
    fixture->job.tuning.drain_ms = 1;
    toy_sink_plan.block_at = 50;
    toy_sink_plan.fail_at = 150;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(fixture->report.error.code, TOW_E_AUTH);
}

static void test_as_many_workers_as_there_may_be_and_results(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_PARALLEL);
    run_with_results();
    fixture->job.tuning.workers = 64;
    fixture->job.tuning.checkpoint_ms = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
    results_are(1000, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_workers_write_at_once_and_nothing_is_lost),
        RUN_TEST(test_a_deferring_sink_settles_at_flush),
        RUN_TEST(test_a_final_sink_moves_the_checkpoint_batch_by_batch),
        RUN_TEST(test_a_deferring_sink_gets_rows_again_that_a_failed_flush_lost),
        RUN_TEST(test_what_a_failed_deferring_sink_holds_is_not_sent_twice),
        RUN_TEST(test_a_full_ring_of_deferred_batches_is_flushed),
        RUN_TEST(test_all_flags_at_once_lose_nothing),
        RUN_TEST(test_failures_with_all_flags_lose_nothing),
        RUN_TEST(test_the_token_of_a_final_sink_lives_on),
        RUN_TEST(test_a_failure_reaches_a_source_that_waits_for_input),
        RUN_TEST(test_a_failure_reaches_a_source_that_waits_for_room),
        RUN_TEST(test_a_failure_reaches_workers_that_hang),
        RUN_TEST(test_as_many_workers_as_there_may_be_and_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
