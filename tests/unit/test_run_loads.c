/* Loads that follow one another while the source stays open. */
#include "run_fixture.h"
#include "unit.h"

#include <signal.h>

#include "run/host.h"
#include "towpath/clock.h"

#define LOADS_MAX 64

static struct tow_run_report ended[LOADS_MAX];
static int ended_count;

static void keep_report(void *context, const struct tow_run_report *report)
{
    assert_ptr_equal(context, ended);
    assert_true(ended_count < LOADS_MAX);
    ended[ended_count++] = *report;
}

static void loads_of(int64_t max_rows)
{
    fixture->job.load.max_rows = max_rows;
    fixture->options.load_ended = keep_report;
    fixture->options.load_context = ended;
    toy_sink_plan.appends = 1;
    toy_source_plan.follows = 1;
    ended_count = 0;
}

/* ---- where they end ------------------------------------------------------------------------- */

static void test_a_load_ends_with_the_batch_that_fills_it(void **state)
{
    (void)state;
    loads_of(250);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended_count, 3);
    for (int i = 0; i < ended_count; i++) {
        assert_int_equal(ended[i].counts.read, 300);
        assert_int_equal(ended[i].counts.accepted, 300);
        assert_string_equal(ended[i].status, TOW_RUN_OK);
        assert_int_equal(ended[i].run, i + 1);
    }
    assert_string_not_equal(ended[0].load_id, ended[1].load_id);
    counts_are(100, 100, 0, 0, 0);
    assert_int_equal(fixture->report.loads, 3);
    assert_int_equal(fixture->report.rows, 900);
    published_is(1000, everyone);
}

static void test_the_source_stays_open_and_the_sink_does_not(void **state)
{
    (void)state;
    loads_of(200);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_source_plan.opened, 1);
    assert_int_equal(toy_source_plan.closed, 1);
    assert_int_equal(toy_sink_plan.opened, toy_sink_plan.closed);
    assert_int_equal(toy_sink_plan.finishes, fixture->report.loads + 1);
}

static void test_a_load_ends_by_its_bytes(void **state)
{
    (void)state;
    loads_of(0);
    fixture->job.load.max_bytes = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended_count, 10);
    published_is(1000, everyone);
}

static void wait_a_while(void)
{
    int64_t until = tow_monotonic_ms() + 20;

    while (tow_monotonic_ms() < until)
        ;
}

static void test_a_load_ends_by_the_age_of_its_first_row(void **state)
{
    (void)state;
    loads_of(0);
    fixture->job.load.max_age_ms = 10;
    toy_source_plan.hook_at = 350;
    toy_source_plan.hook = wait_a_while;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_true(ended_count >= 1);
    assert_true(ended[0].counts.read <= 400);
    published_is(1000, everyone);
}

static void test_a_source_that_waits_ends_no_load_without_rows(void **state)
{
    (void)state;
    loads_of(100);
    toy_source_plan.empty = 1;
    fixture->job.load.max_age_ms = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    for (int i = 0; i < ended_count; i++)
        assert_int_equal(ended[i].counts.read, 100);
    assert_int_equal(ended_count, 10);
    published_is(1000, everyone);
}

static void test_a_source_that_waits_costs_no_checkpoint(void **state)
{
    (void)state;
    toy_source_plan.empty = 1;
    fixture->job.tuning.checkpoint_ms = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    /* The first batch without rows tells a position: 0 instead of none. */
    assert_int_equal(fixture->report.counts.batches, 11);
    assert_int_equal(toy_sink_plan.flushes, 11);
}

/* ---- what each of them has of its own ------------------------------------------------------- */

static void test_a_source_counts_over_all_loads(void **state)
{
    (void)state;
    loads_of(300);
    toy_source_plan.counts = 1;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, not_ninth);
}

static void test_each_load_has_rejects_of_its_own(void **state)
{
    (void)state;
    loads_of(500);
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended[0].counts.rejected, 39);
    assert_int_equal(lines_in(ended[0].reject_path), 40);
    assert_string_not_equal(ended[0].reject_path, ended[1].reject_path);
    published_is(1000, not_thirteenth);
}

static void test_each_load_publishes_its_results(void **state)
{
    (void)state;
    loads_of(500);
    run_with_results();
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended[0].counts.accepted, 500);
    published_is(1000, everyone);
}

static void test_transforms_go_on_from_load_to_load(void **state)
{
    (void)state;
    loads_of(300);
    run_with_transforms(0);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, past_the_transform);
}

static void test_several_workers_are_begun_anew_for_each_load(void **state)
{
    (void)state;
    loads_of(300);
    toy_sink_set_flags(TOW_SINK_PARALLEL | TOW_SINK_FINAL);
    fixture->job.tuning.workers = 3;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_sink_plan.opened, 3 * (fixture->report.loads + 1));
    toy_sink_set_flags(0);
}

/* ---- trials, replays, starting anew ---------------------------------------------------------- */

static void test_a_trial_is_one_load(void **state)
{
    (void)state;
    loads_of(100);
    fixture->options.limit = 450;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(450, 450, 0, 0, 0);
    assert_int_equal(ended_count, 0);
}

static void test_starting_anew_forgets_once(void **state)
{
    (void)state;
    loads_of(100);
    toy_source_plan.rows = 500;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_far_end->published_count = 0;
    fixture->options.full = 1;
    ended_count = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended_count, 5);
    published_is(500, everyone);
    fixture->options.full = 0;
    ended_count = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended_count, 0);
    counts_are(0, 0, 0, 0, 0);
}

/* ---- what may go wrong ---------------------------------------------------------------------- */

static void test_a_failure_ends_it_and_leaves_the_loads_before_alone(void **state)
{
    (void)state;
    loads_of(200);
    toy_sink_plan.fail_at = 650;
    toy_sink_plan.fail_code = TOW_E_ENV;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(ended_count, 3);
    assert_int_equal(toy_far_end->published_count, 600);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void stop(void)
{
    tow_cancel_set(&fixture->cancel, SIGTERM);
}

static void test_a_stop_leaves_the_load_to_the_next_run(void **state)
{
    (void)state;
    loads_of(300);
    toy_source_plan.hook_at = 450;
    toy_source_plan.hook = stop;
    assert_int_equal(run(), 128 + SIGTERM);
    assert_int_equal(ended_count, 1);
    counts_are(200, 200, 0, 0, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(ended_count, 3);
    assert_int_equal(ended[1].counts.read, 100); /* what the stopped run had left of it */
    published_is(1000, everyone);
}

static void test_too_many_rejects_stop_it_at_the_load_that_has_them(void **state)
{
    (void)state;
    loads_of(500);
    toy_sink_plan.refuse = 13;
    fixture->job.max_reject_percent = 1;
    assert_int_equal(run(), TOW_EXIT_REJECTS);
    assert_int_equal(ended_count, 0);
    assert_int_equal(toy_far_end->published_count, 0);
}

static void dies_and_goes_on(void)
{
    run_and_die();
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_killed_while_a_later_load_is_read(void **state)
{
    (void)state;
    loads_of(300);
    toy_source_plan.kill_at = 750;
    dies_and_goes_on();
}

static void test_killed_after_a_flush(void **state)
{
    (void)state;
    loads_of(300);
    toy_sink_plan.kill_in_flush = 1;
    dies_and_goes_on();
}

static void test_killed_before_publishing(void **state)
{
    (void)state;
    loads_of(300);
    toy_sink_plan.kill_in_finish = 2;
    dies_and_goes_on();
}

static void test_killed_after_publishing(void **state)
{
    (void)state;
    loads_of(300);
    toy_sink_plan.kill_in_finish = 1;
    dies_and_goes_on();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_a_load_ends_with_the_batch_that_fills_it),
        RUN_TEST(test_the_source_stays_open_and_the_sink_does_not),
        RUN_TEST(test_a_load_ends_by_its_bytes),
        RUN_TEST(test_a_load_ends_by_the_age_of_its_first_row),
        RUN_TEST(test_a_source_that_waits_ends_no_load_without_rows),
        RUN_TEST(test_a_source_that_waits_costs_no_checkpoint),
        RUN_TEST(test_a_source_counts_over_all_loads),
        RUN_TEST(test_each_load_has_rejects_of_its_own),
        RUN_TEST(test_each_load_publishes_its_results),
        RUN_TEST(test_transforms_go_on_from_load_to_load),
        RUN_TEST(test_several_workers_are_begun_anew_for_each_load),
        RUN_TEST(test_a_trial_is_one_load),
        RUN_TEST(test_starting_anew_forgets_once),
        RUN_TEST(test_a_failure_ends_it_and_leaves_the_loads_before_alone),
        RUN_TEST(test_a_stop_leaves_the_load_to_the_next_run),
        RUN_TEST(test_too_many_rejects_stop_it_at_the_load_that_has_them),
        RUN_TEST(test_killed_while_a_later_load_is_read),
        RUN_TEST(test_killed_after_a_flush),
        RUN_TEST(test_killed_before_publishing),
        RUN_TEST(test_killed_after_publishing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
