/* Runs while memory runs out. (SQLite's does not.) */
#include "nomem.h"
#include "run_fixture.h"
#include "unit.h"

/* A job that has everything, over few rows. */
static void set_up_job(void)
{
    static struct tow_column_spec column = {.name = "n", .from = "n", .file = "toy.cfg"};
    static struct tow_column_spec *const columns = &column;

    run_with_transforms(1);
    run_with_results();
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    fixture->job.has_columns = 1;
    toy_source_plan.rows = 60;
    toy_source_plan.batch = 20;
    toy_source_plan.unreadable = 9;
    toy_source_plan.marks = 1;
    toy_sink_plan.refuse = 13;
}

/* Stays open between the runs: a lock that could not be given back is remembered there. */
static struct tow_state *opened;

static int set_up(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = run_set_up(state);

    return rc ? rc : tow_state_open(fixture->state_path, TOW_STATE_CREATE, &opened, &err);
}

static int tear_down(void **state)
{
    tow_state_close(opened);
    return run_tear_down(state);
}

/* A run whose allocation of that number (-1: none) fails; its exit code, or -1 where it has not so
 * many. */
static int run_failing(long number)
{
    nomem_after(number);
    tow_run_job(&fixture->assembly, opened, &fixture->options, &fixture->report);
    int has_failed = nomem_stop();

    if (number >= 0 && !has_failed)
        return -1;
    if (fixture->report.exit_code == TOW_EXIT_OK)
        return TOW_EXIT_OK;
    assert_int_equal(fixture->report.error.code, TOW_E_NOMEM);
    assert_int_equal(fixture->report.exit_code, TOW_EXIT_INTERNAL);
    return TOW_EXIT_INTERNAL;
}

/* A run without trouble, after one that had some, leaves every row where it belongs. */
static void the_next_run_does_the_rest(void)
{
    assert_int_equal(run_failing(-1), TOW_EXIT_OK);
    results_are(60, 6);
    for (int64_t i = 0; i < toy_far_end->published_count; i++)
        for (int64_t k = 0; k < i; k++)
            assert_int_not_equal(toy_far_end->published[i], toy_far_end->published[k]);
    assert_int_equal(toy_far_end->published_count, results_with(""));
}

static void fail_each(void)
{
    long number = 0, failed = 0;
    int code;

    while ((code = run_failing(number++)) >= 0) {
        failed += code != TOW_EXIT_OK;
        the_next_run_does_the_rest();
    }
    assert_true(failed > 100);
}

static void test_a_run_fails_whole_at_every_allocation(void **state)
{
    (void)state;
    set_up_job();
    fail_each();
}

static void test_deferred_batches_survive_every_allocation_that_fails(void **state)
{
    (void)state;
    set_up_job();
    toy_sink_set_flags(TOW_SINK_DEFERS);
    toy_sink_plan.refuse = 0;
    toy_sink_plan.defers = 1;
    toy_sink_plan.settle_lag = 2;
    fail_each();
}

/* The rejects of run 1 are replayed, over and over. */
static void test_a_replay_fails_whole_at_every_allocation(void **state)
{
    long number = 0, failed = 0;
    int code;

    (void)state;
    set_up_job();
    assert_int_equal(run_failing(-1), TOW_EXIT_OK);
    fixture->options.replay_of = 1;
    toy_sink_plan.refuse = 0;
    while ((code = run_failing(number++)) >= 0)
        failed += code != TOW_EXIT_OK;
    assert_true(failed > 50);
}

int main(void)
{
#define NOMEM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        NOMEM_TEST(test_a_run_fails_whole_at_every_allocation),
        NOMEM_TEST(test_deferred_batches_survive_every_allocation_that_fails),
        NOMEM_TEST(test_a_replay_fails_whole_at_every_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
