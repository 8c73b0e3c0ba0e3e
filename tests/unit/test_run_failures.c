/* Runs that fail: what is retried, what is kept, and what the next run finds. */
#include "run_fixture.h"
#include "unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- calls that fail ------------------------------------------------------------------------ */

static void test_passing_failures_are_retried_without_loss_or_repeat(void **state)
{
    (void)state;
    toy_source_plan.fail_at = 250;
    toy_source_plan.fail_code = TOW_E_TRANSIENT;
    toy_source_plan.fail_times = 3;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_RATE;
    toy_sink_plan.fail_times = 2;
    toy_sink_plan.flush_fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.flush_fail_times = 2;
    toy_sink_plan.finish_fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(fixture->report.counts.retries, 8);
    published_is(1000, everyone);
}

/* Each try has an instance of its own, and each instance its close. */
static void test_passing_failures_to_open_are_retried(void **state)
{
    (void)state;
    toy_source_plan.open_fail_times = 2;
    toy_source_plan.open_fail_code = TOW_E_TRANSIENT;
    toy_source_plan.schema_fail_times = 1;
    toy_source_plan.schema_fail_code = TOW_E_RATE;
    toy_sink_plan.begin_fail_times = 2;
    toy_sink_plan.begin_fail_code = TOW_E_TRANSIENT;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(fixture->report.counts.retries, 5);
    assert_int_equal(toy_source_plan.opened, 4);
    assert_int_equal(toy_source_plan.closed, 4);
    assert_int_equal(toy_sink_plan.opened, 3);
    assert_int_equal(toy_sink_plan.closed, 3);
    published_is(1000, everyone);
}

static void test_a_final_failure_to_open_ends_the_run(void **state)
{
    (void)state;
    toy_source_plan.open_fail_times = 1;
    toy_source_plan.open_fail_code = TOW_E_AUTH;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "the toy open fails as told");
    assert_int_equal(toy_source_plan.opened, 1);
    assert_int_equal(toy_source_plan.closed, 1);
    assert_int_equal(toy_sink_plan.opened, 0);
}

static void test_opening_stops_when_the_retries_are_used_up(void **state)
{
    (void)state;
    toy_sink_plan.begin_fail_times = 1000;
    toy_sink_plan.begin_fail_code = TOW_E_TRANSIENT;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "gave up after");
    assert_int_equal(toy_sink_plan.opened, (int)fixture->job.retry.tries);
    assert_int_equal(toy_sink_plan.closed, toy_sink_plan.opened);
}

static void test_a_later_try_brings_only_the_open_rows(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.fail_times = 3;
    toy_sink_plan.fail_after_settling = 1;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 923, 77, 0, 0);
    published_is(1000, not_thirteenth);
}

static void test_a_data_error_rejects_the_batch_and_goes_on(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_DATA;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 900, 100, 0, 0);
}

static void test_a_final_failure_keeps_what_was_done_and_the_rerun_does_the_rest(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_string_equal(fixture->report.status, TOW_RUN_FAILED);
    assert_says(fixture->report.error, "sink toy_sink: the toy sink fails as told");
    assert_int_equal(fixture->report.counts.accepted, 500);
    assert_int_equal(toy_far_end->published_count, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    assert_int_equal(fixture->report.resumed_of, 1);
    published_is(1000, everyone);
}

static void test_a_source_that_breaks_off_delivers_what_came_before(void **state)
{
    (void)state;
    toy_source_plan.fail_at = 640;
    toy_source_plan.fail_code = TOW_E_ENV;
    toy_source_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    counts_are(600, 600, 0, 0, 0);
    assert_int_equal(toy_far_end->unpublished_count, 600);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_used_up_budget_is_partial_and_resumable(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.fail_times = 5;
    assert_int_equal(run(), TOW_EXIT_PARTIAL);
    assert_says(fixture->report.error, "gave up after 5 tries");
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_flush_that_fails_leaves_the_checkpoint(void **state)
{
    (void)state;
    toy_sink_plan.flush_fail_code = TOW_E_ENV;
    toy_sink_plan.flush_fail_times = 2;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    counts_are(1000, 0, 0, 0, 1000);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
}

static void test_too_many_rejects_stop_the_run(void **state)
{
    (void)state;
    fixture->job.max_rejects = 20;
    toy_sink_plan.refuse = 10;
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    assert_int_equal(fixture->report.counts.rejected, 30);
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    assert_int_equal(toy_far_end->published_count, 0);
}

static void test_too_high_a_share_of_rejects_is_not_published(void **state)
{
    (void)state;
    fixture->job.max_reject_percent = 9.9;
    toy_sink_plan.refuse = 10;
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    counts_are(1000, 900, 100, 0, 0);
    assert_int_equal(toy_far_end->published_count, 0);
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    fixture->job.max_reject_percent = 10;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_far_end->published_count, 900);
}

static void test_a_budget_is_used_up_once(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_sink_plan.flush_fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.flush_fail_times = 1000;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "gave up after 5 tries (retry.tries is 5): sink toy_sink");
    /* Five tries, and one more to keep what there is. */
    assert_int_equal(toy_sink_plan.flushes, 6);
    assert_int_equal(fixture->report.counts.retries, 4);
}

static void test_a_failure_behind_the_last_row_counts(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    toy_sink_plan.fail_after_settling = 2;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(fixture->report.error.code, TOW_E_AUTH);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_nothing_is_left_to_retry_where_all_rows_are_settled(void **state)
{
    (void)state;
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_TRANSIENT;
    toy_sink_plan.fail_times = 1;
    toy_sink_plan.fail_after_settling = 2;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(fixture->report.counts.retries, 0);
    published_is(1000, everyone);
}

static void test_a_finish_that_fails_is_done_by_the_next_run(void **state)
{
    (void)state;
    toy_sink_plan.finish_fail_times = 1;
    toy_sink_plan.finish_fail_code = TOW_E_ENV;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(toy_far_end->published_count, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    assert_int_equal(fixture->report.resumed_of, 1);
    published_is(1000, everyone);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
}

static void test_each_class_has_its_exit_code(void **state)
{
    static const struct {
        int class, exit_code;
    } cases[] = {
        {TOW_E_TRANSIENT, TOW_EXIT_PARTIAL},
        {TOW_E_RATE, TOW_EXIT_PARTIAL},
        {TOW_E_AUTH, TOW_EXIT_ENVIRONMENT},
        {TOW_E_CONFIG, TOW_EXIT_CONFIG},
        {TOW_E_UNSUPPORTED, TOW_EXIT_CONFIG},
        {TOW_E_CANCELLED, TOW_EXIT_INTERNAL},
        {TOW_E_NOMEM, TOW_EXIT_INTERNAL},
        {TOW_E_BUG, TOW_EXIT_INTERNAL},
        {TOW_E_ENV, TOW_EXIT_ENVIRONMENT},
        {-77, TOW_EXIT_INTERNAL},
        {7, TOW_EXIT_INTERNAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture->options.full = 1;
        toy_sink_plan.fail_at = 555;
        toy_sink_plan.fail_code = cases[i].class;
        toy_sink_plan.fail_times = 5;
        assert_int_equal(run(), cases[i].exit_code);
        assert_string_equal(fixture->report.status, TOW_RUN_FAILED);
        toy_sink_plan.fail_times = 0;
        fixture->options.full = 0;
        assert_int_equal(run(), TOW_EXIT_OK);
        published_is(1000, everyone);
    }
}

static void test_a_raised_limit_of_rejects_lets_the_load_go_on(void **state)
{
    (void)state;
    fixture->job.max_rejects = 20;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    fixture->job.max_rejects = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(fixture->report.resumed_of, 1);
    published_is(1000, not_thirteenth);
}

/* ---- the machine fails
 * --------------------------------------------------------------------------- */

/* The exit code of a run in a child; its report stays there. */
static int run_in_child(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        _exit(run());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void disk_is_full(void)
{
    const struct rlimit limit = {4096, 4096};

    setrlimit(RLIMIT_FSIZE, &limit);
}

static void disk_has_a_megabyte(void)
{
    const struct rlimit limit = {1 << 20, 1 << 20};

    setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_a_disk_that_fills_up_under_the_state_fails_the_run(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = disk_is_full;
    assert_int_equal(run_in_child(), TOW_EXIT_ENVIRONMENT);
    toy_source_plan.hook_at = -1;
    assert_int_equal(checkpoint_seq(), 5);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    published_is(1000, everyone);
}

static void test_a_disk_that_fills_up_under_the_rejects_fails_the_run(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.rows = 30000;
    toy_source_plan.batch = 5000;
    toy_sink_plan.refuse = 1;
    toy_source_plan.hook_at = 0;
    toy_source_plan.hook = disk_has_a_megabyte;
    assert_int_equal(run_in_child(), TOW_EXIT_ENVIRONMENT);
    toy_source_plan.hook_at = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_true(fixture->report.counts.read < 30000);
    counts_are(fixture->report.counts.read, 0, fixture->report.counts.read, 0, 0);
    assert_int_equal(lines_in(fixture->report.reject_path), fixture->report.counts.read + 1);
}

static void take_the_state_away(void)
{
    assert_int_equal(unlink(fixture->state_path), 0);
}

static void test_a_state_that_vanishes_fails_the_run(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = take_the_state_away;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "state.db");
    assert_int_equal(toy_far_end->published_count, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_passing_failures_are_retried_without_loss_or_repeat),
        RUN_TEST(test_passing_failures_to_open_are_retried),
        RUN_TEST(test_a_final_failure_to_open_ends_the_run),
        RUN_TEST(test_opening_stops_when_the_retries_are_used_up),
        RUN_TEST(test_a_later_try_brings_only_the_open_rows),
        RUN_TEST(test_a_data_error_rejects_the_batch_and_goes_on),
        RUN_TEST(test_a_final_failure_keeps_what_was_done_and_the_rerun_does_the_rest),
        RUN_TEST(test_a_source_that_breaks_off_delivers_what_came_before),
        RUN_TEST(test_a_used_up_budget_is_partial_and_resumable),
        RUN_TEST(test_a_flush_that_fails_leaves_the_checkpoint),
        RUN_TEST(test_too_many_rejects_stop_the_run),
        RUN_TEST(test_too_high_a_share_of_rejects_is_not_published),
        RUN_TEST(test_a_budget_is_used_up_once),
        RUN_TEST(test_a_failure_behind_the_last_row_counts),
        RUN_TEST(test_nothing_is_left_to_retry_where_all_rows_are_settled),
        RUN_TEST(test_a_finish_that_fails_is_done_by_the_next_run),
        RUN_TEST(test_each_class_has_its_exit_code),
        RUN_TEST(test_a_raised_limit_of_rejects_lets_the_load_go_on),
        RUN_TEST(test_a_disk_that_fills_up_under_the_state_fails_the_run),
        RUN_TEST(test_a_disk_that_fills_up_under_the_rejects_fails_the_run),
        RUN_TEST(test_a_state_that_vanishes_fails_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
