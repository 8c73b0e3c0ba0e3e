/* Runs that are stopped: by signals, by another run, by their own patience. */
#include "run_fixture.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

/* ---- signals -------------------------------------------------------------------------------- */

static void test_a_stop_drains_saves_and_says_so(void **state)
{
    (void)state;
    tow_cancel_set(&fixture->cancel, SIGTERM);
    assert_int_equal(run(), 128 + SIGTERM);
    assert_string_equal(fixture->report.status, TOW_RUN_CANCELLED);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void stop(void)
{
    tow_cancel_set(&fixture->cancel, SIGTERM);
}

static void stop_twice(void)
{
    tow_cancel_set(&fixture->cancel, SIGINT);
    tow_cancel_set(&fixture->abort, SIGINT);
}

/* The last run was stopped, and the next one does the rest. */
static void was_stopped(int exit_code, int signal_number)
{
    assert_int_equal(exit_code, 128 + signal_number);
    assert_string_equal(fixture->report.status, TOW_RUN_CANCELLED);
    assert_int_equal(toy_far_end->published_count, 0);
    toy_source_plan.block_at = toy_sink_plan.block_at = -1;
    toy_sink_plan.block_in_flush = toy_sink_plan.fail_times = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_stop_in_the_middle_keeps_what_was_read(void **state)
{
    (void)state;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = stop;
    int code = run();
    counts_are(600, 600, 0, 0, 0);
    assert_int_equal(checkpoint_seq(), 6);
    was_stopped(code, SIGTERM);
}

static void test_a_stop_reaches_a_source_that_waits_for_input(void **state)
{
    (void)state;
    toy_source_plan.hook_at = 500;
    toy_source_plan.hook = stop;
    toy_source_plan.block_at = 500;
    int code = run();
    counts_are(500, 500, 0, 0, 0);
    was_stopped(code, SIGTERM);
}

static void test_a_stop_ends_the_wait_for_another_try(void **state)
{
    (void)state;
    fixture->job.retry = (struct tow_retry){
        .base_ms = 3600000, .cap_ms = 3600000, .budget_ms = 36000000, .tries = 9};
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_RATE;
    toy_sink_plan.fail_times = 1;
    toy_source_plan.hook_at = 700;
    toy_source_plan.hook = stop;
    int code = run();
    assert_says(fixture->report.error, "stopped while waiting to try again: sink toy_sink");
    was_stopped(code, SIGTERM);
}

static void test_the_second_signal_reaches_a_sink_that_hangs(void **state)
{
    (void)state;
    toy_sink_plan.block_at = 350;
    toy_source_plan.hook_at = 600;
    toy_source_plan.hook = stop_twice;
    was_stopped(run(), SIGINT);
}

static void test_a_sink_that_hangs_is_given_up_when_the_drain_is_over(void **state)
{
    (void)state;
    fixture->job.tuning.drain_ms = 1;
    toy_sink_plan.block_at = 350;
    toy_source_plan.hook_at = 600;
    toy_source_plan.hook = stop;
    was_stopped(run(), SIGTERM);
}

/* Asks for both stops once the sink waits. */
static void *stop_when_waiting(void *context)
{
    (void)context;
    while (__atomic_load_n(&toy_sink_plan.waiting, __ATOMIC_SEQ_CST) == 0)
        usleep(1000);
    stop_twice();
    return NULL;
}

static int run_and_stop_when_waiting(void)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, stop_when_waiting, NULL), 0);
    int code = run();
    pthread_join(thread, NULL);
    return code;
}

static void test_a_last_flush_that_is_cancelled_is_no_success(void **state)
{
    (void)state;
    toy_sink_plan.block_in_flush = 1;
    was_stopped(run_and_stop_when_waiting(), SIGINT);
}

static void test_a_finish_that_is_cancelled_is_no_success(void **state)
{
    (void)state;
    toy_sink_plan.block_in_flush = 2;
    was_stopped(run_and_stop_when_waiting(), SIGINT);
}

static void test_a_stop_and_a_failure_is_a_failure(void **state)
{
    (void)state;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = stop;
    toy_sink_plan.flush_fail_code = TOW_E_ENV;
    toy_sink_plan.flush_fail_times = 2;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_string_equal(fixture->report.status, TOW_RUN_FAILED);
}

/* ---- other runs
 * ---------------------------------------------------------------------------------- */

static void test_a_second_run_of_a_job_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *other = NULL;
    struct tow_lock *lock = NULL;
    int busy = 0;

    (void)state;
    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_CREATE, &other, &err), err);
    assert_ok(tow_state_lock(other, "toys", &lock, &busy, &err), err);
    assert_int_equal(run(), TOW_EXIT_LOCKED);
    assert_int_equal(fixture->report.run, 0);
    tow_state_unlock(lock);
    tow_state_close(other);
    assert_int_equal(run(), TOW_EXIT_OK);
}

static void change_state(const char *text)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(fixture->state_path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void steal_the_lock(void)
{
    change_state("UPDATE locks SET token = randomblob(16), pid = 1");
}

static void test_a_run_whose_lock_is_taken_over_stops_and_commits_nothing(void **state)
{
    (void)state;
    fixture->options.heartbeat_ms = 1;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = steal_the_lock;
    toy_source_plan.block_at = 800;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "was taken over");
    assert_int_equal(toy_far_end->published_count, 0);
    int64_t seq = checkpoint_seq();
    assert_in_range(seq, 5, 8);
}

static void test_a_run_whose_lock_is_taken_over_does_not_flush(void **state)
{
    (void)state;
    fixture->options.heartbeat_ms = 1;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = steal_the_lock;
    toy_source_plan.block_at = 800;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(checkpoint_seq(), -1);
    assert_int_equal(toy_sink_plan.flushes, 0);
}

static void close_the_run(void)
{
    change_state("UPDATE runs SET status = 'interrupted'");
}

static void test_a_run_that_another_one_closed_commits_nothing(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.hook_at = 555;
    toy_source_plan.hook = close_the_run;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_says(fixture->report.error, "another run of the job took over");
    assert_int_equal(checkpoint_seq(), 5);
    assert_int_equal(fixture->report.counts.accepted, 500);
    assert_int_equal(toy_far_end->published_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_a_stop_drains_saves_and_says_so),
        RUN_TEST(test_a_stop_in_the_middle_keeps_what_was_read),
        RUN_TEST(test_a_stop_reaches_a_source_that_waits_for_input),
        RUN_TEST(test_a_stop_ends_the_wait_for_another_try),
        RUN_TEST(test_the_second_signal_reaches_a_sink_that_hangs),
        RUN_TEST(test_a_sink_that_hangs_is_given_up_when_the_drain_is_over),
        RUN_TEST(test_a_last_flush_that_is_cancelled_is_no_success),
        RUN_TEST(test_a_finish_that_is_cancelled_is_no_success),
        RUN_TEST(test_a_stop_and_a_failure_is_a_failure),
        RUN_TEST(test_a_second_run_of_a_job_is_refused),
        RUN_TEST(test_a_run_whose_lock_is_taken_over_stops_and_commits_nothing),
        RUN_TEST(test_a_run_whose_lock_is_taken_over_does_not_flush),
        RUN_TEST(test_a_run_that_another_one_closed_commits_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
