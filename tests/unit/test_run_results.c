/* Runs with results: a row for every row that was read, once, whatever became of it. */
#include "run_fixture.h"
#include "unit.h"

static void test_every_row_has_its_result(void **state)
{
    (void)state;
    run_with_results();
    run_with_transforms(1);
    toy_source_plan.unreadable = 9;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    const struct tow_counts *counts = &fixture->report.counts;
    results_are(1000, 111);
    assert_int_equal(results_with(""), counts->accepted);
    assert_int_equal(results_with("filtered"), counts->filtered);
    assert_int_equal(results_with("toy_unreadable"), 111);
    assert_int_equal(results_with("toy_unreadable") + results_with("toy_seven") +
                         results_with("toy_refused"),
                     counts->rejected);
}

static void test_a_source_column_with_a_name_of_ours_is_left_out(void **state)
{
    (void)state;
    run_with_results();
    toy_source_plan.column = "error_code";
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_far_end->published_results_count, 1000);
    assert_int_equal(results_with(""), 1000);
}

static void test_results_are_written_again_where_that_may_help(void **state)
{
    (void)state;
    run_with_results();
    toy_results_plan.fail_times = 3;
    toy_results_plan.fail_code = TOW_E_TRANSIENT;
    toy_results_plan.flush_fail_times = 1;
    toy_results_plan.finish_fail_times = 1;
    toy_results_plan.finish_fail_code = TOW_E_RATE;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(fixture->report.counts.retries, 5);
    results_are(1000, 0);
}

static void test_deferred_results_survive_a_flush_that_fails(void **state)
{
    (void)state;
    run_with_results();
    toy_results_set_flags(TOW_SINK_DEFERS);
    toy_results_plan.defers = 1;
    toy_results_plan.flush_fail_times = 3;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    results_are(1000, 111);
}

/* The run fails, and the next one leaves no row without its result. */
static void fails_and_goes_on(const char *says)
{
    toy_source_plan.unreadable = 9;
    fixture->job.tuning.checkpoint_ms = 0;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, says);
    assert_int_equal(fixture->report.counts.accepted + fixture->report.counts.rejected, 500);
    toy_results_plan.refuse = -1;
    toy_results_plan.fail_times = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 444, 56, 0, 0);
    results_are(1000, 111);
}

static void test_a_result_that_is_refused_fails_the_run(void **state)
{
    (void)state;
    run_with_results();
    toy_results_plan.refuse = 555;
    fails_and_goes_on("results toy_results: a row was refused: not this one");
    published_is(1000, not_ninth);
}

static void test_a_result_that_is_refused_in_passing_fails_the_run(void **state)
{
    (void)state;
    run_with_results();
    toy_results_plan.refuse = 555;
    toy_results_plan.hides_refusal = 1;
    fails_and_goes_on("results toy_results: a row was refused: not this one");
}

static void test_a_result_that_is_refused_leaves_no_half_batch(void **state)
{
    (void)state;
    run_with_results();
    toy_sink_set_flags(TOW_SINK_FINAL);
    toy_results_plan.refuse = 555;
    fails_and_goes_on("results toy_results: a row was refused: not this one");
}

static void test_results_that_fail_to_be_published_are_published_by_the_next_run(void **state)
{
    (void)state;
    run_with_results();
    toy_results_plan.finish_fail_times = 1;
    toy_results_plan.finish_fail_code = TOW_E_ENV;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(toy_far_end->published_results_count, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    published_is(1000, everyone);
    results_are(1000, 0);
}

static void test_a_trial_has_results_of_the_rows_it_read(void **state)
{
    (void)state;
    run_with_results();
    toy_source_plan.unreadable = 9;
    fixture->options.limit = 250;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_far_end->published_results_count, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_every_row_has_its_result),
        RUN_TEST(test_a_source_column_with_a_name_of_ours_is_left_out),
        RUN_TEST(test_results_are_written_again_where_that_may_help),
        RUN_TEST(test_deferred_results_survive_a_flush_that_fails),
        RUN_TEST(test_a_result_that_is_refused_fails_the_run),
        RUN_TEST(test_a_result_that_is_refused_in_passing_fails_the_run),
        RUN_TEST(test_a_result_that_is_refused_leaves_no_half_batch),
        RUN_TEST(test_results_that_fail_to_be_published_are_published_by_the_next_run),
        RUN_TEST(test_a_trial_has_results_of_the_rows_it_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
