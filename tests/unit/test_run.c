/* Runs of toy plugins: outcomes, retries, checkpoints, and what is left after a death. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run.h"
#include "toy_plugins.h"

struct fixture {
    char folder[64];
    char state_path[96];
    struct tow_job job;
    struct tow_assembly assembly;
    const struct tow_plugin *transforms[1];
    struct tow_setting transform_section;
    struct tow_run_options options;
    struct tow_cancel cancel, abort;
    struct tow_run_report report;
};

static struct fixture *fixture;

static int set_up(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    toy_reset();
    fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/towpath-run-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    snprintf(fixture->state_path, sizeof fixture->state_path, "%s/state.db", fixture->folder);
    fixture->job = (struct tow_job){
        .path = "toy.cfg",
        .dir = fixture->folder,
        .name = "toys",
        .source = {.kind = TOW_SETTING_GROUP, .file = "toy.cfg"},
        .sink = {.kind = TOW_SETTING_GROUP, .file = "toy.cfg"},
        .max_rejects = -1,
        .max_reject_percent = -1,
        .retry = {.base_ms = 0, .cap_ms = 0, .budget_ms = 60000, .tries = 5},
        .tuning = {.batch_rows = 8192,
                   .batch_bytes = 1 << 20,
                   .queue_batches = 4,
                   .queue_bytes = 1 << 20,
                   .workers = 1,
                   .checkpoint_ms = 3600000,
                   .drain_ms = 10000},
    };
    fixture->assembly =
        (struct tow_assembly){.job = &fixture->job, .source = &toy_source, .sink = &toy_sink};
    fixture->options =
        (struct tow_run_options){.limit = -1, .cancel = &fixture->cancel, .abort = &fixture->abort};
    return tow_cancel_init(&fixture->cancel, &err) || tow_cancel_init(&fixture->abort, &err);
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    int rc = system(command);
    tow_cancel_release(&fixture->cancel);
    tow_cancel_release(&fixture->abort);
    free(fixture);
    return rc;
}

/* One run; returns its exit code. */
static int run(void)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;

    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_CREATE, &state, &err), err);
    tow_run_job(&fixture->assembly, NULL, state, &fixture->options, &fixture->report);
    tow_state_close(state);
    return fixture->report.exit_code;
}

/* A run in a child that is expected to die by SIGKILL. */
static void run_and_die(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        run();
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    toy_source_plan.kill_at = -1;
    toy_sink_plan.kill_in_flush = 0;
    toy_sink_plan.kill_in_finish = 0;
}

static void counts_are(int64_t read, int64_t accepted, int64_t rejected, int64_t filtered,
                       int64_t pending)
{
    const struct tow_counts *counts = &fixture->report.counts;

    assert_int_equal(counts->read, read);
    assert_int_equal(counts->accepted, accepted);
    assert_int_equal(counts->rejected, rejected);
    assert_int_equal(counts->filtered, filtered);
    assert_int_equal(counts->pending, pending);
    assert_int_equal(read, accepted + rejected + filtered + pending);
}

/* Readers see the numbers [0, count) that `wanted` wants, each once. */
static int everyone(int64_t n)
{
    (void)n;
    return 1;
}

static void published_is(int64_t count, int (*wanted)(int64_t n))
{
    static int seen[TOY_ROWS_MAX];

    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < toy_far_end->published_count; i++)
        seen[toy_far_end->published[i]]++;
    for (int64_t n = 0; n < TOY_ROWS_MAX; n++)
        if (seen[n] != (n < count && wanted(n)))
            fail_msg("number %lld was published %d times", (long long)n, seen[n]);
}

static int64_t lines_in(const char *path)
{
    FILE *file = fopen(path, "r");
    int64_t lines = 0;

    assert_non_null(file);
    for (int c = getc(file); c != EOF; c = getc(file))
        lines += c == '\n';
    fclose(file);
    return lines;
}

/* ---- a run without trouble ------------------------------------------------------------------ */

static void test_every_row_arrives_once(void **state)
{
    (void)state;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(fixture->report.status, TOW_RUN_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
    assert_int_equal(toy_source_plan.opened, toy_source_plan.closed);
}

static void test_an_empty_source_is_a_run_too(void **state)
{
    (void)state;
    toy_source_plan.rows = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    assert_int_equal(toy_sink_plan.finishes, 1);
}

static int not_ninth(int64_t n)
{
    return n % 9 != 8;
}

static void test_rows_the_source_cannot_read_are_rejected_and_kept(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 889, 111, 0, 0);
    published_is(1000, not_ninth);
    assert_int_equal(lines_in(fixture->report.reject_path), 112);
}

static int not_thirteenth(int64_t n)
{
    return n % 13 != 0;
}

static void test_rows_the_sink_refuses_are_rejected_and_kept(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 923, 77, 0, 0);
    published_is(1000, not_thirteenth);
    assert_int_equal(lines_in(fixture->report.reject_path), 78);
}

static int past_the_transform(int64_t n)
{
    return n % 10 != 0 && n % 7 != 0 && n % 13 != 0;
}

static void test_transform_and_sink_settle_rows_by_their_own_numbers(void **state)
{
    int64_t accepted = 0, filtered = 0;

    (void)state;
    fixture->transforms[0] = &toy_transform;
    fixture->assembly.transforms = fixture->transforms;
    fixture->transform_section = (struct tow_setting){.kind = TOW_SETTING_GROUP};
    fixture->job.transforms = &fixture->transform_section;
    fixture->job.transform_count = 1;
    toy_sink_plan.refuse = 13;
    for (int64_t n = 0; n < 1000; n++) {
        accepted += past_the_transform(n);
        filtered += n % 10 == 0;
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, accepted, 1000 - accepted - filtered, filtered, 0);
    published_is(1000, past_the_transform);
}

static void test_the_next_run_of_a_full_source_starts_anew(void **state)
{
    (void)state;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(fixture->report.resumed_of, 0);
    published_is(1000, everyone);
}

static void test_a_source_that_follows_goes_on_where_it_was(void **state)
{
    (void)state;
    toy_source_plan.follows = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_source_plan.rows = 1500;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    fixture->options.full = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1500, 1500, 0, 0, 0);
}

/* ---- failures ------------------------------------------------------------------------------- */

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

static void test_a_changed_schema_refuses_to_resume_unless_told(void **state)
{
    (void)state;
    toy_source_plan.follows = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_source_plan.column = "m";
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "--accept-schema-change");
    fixture->options.accept_schema = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
}

static void test_another_sink_refuses_to_go_on_with_a_load(void **state)
{
    struct tow_plugin other = toy_sink;

    (void)state;
    other.name = "other_sink";
    toy_source_plan.fail_at = 640;
    toy_source_plan.fail_code = TOW_E_ENV;
    toy_source_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    fixture->assembly.sink = &other;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "\"toy_sink\", now it is \"other_sink\"");
}

/* ---- limits --------------------------------------------------------------------------------- */

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

static void test_a_trial_publishes_and_leaves_the_checkpoint(void **state)
{
    (void)state;
    toy_source_plan.follows = 1;
    fixture->options.limit = 250;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(250, 250, 0, 0, 0);
    published_is(250, everyone);
    fixture->options.limit = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
}

/* ---- several workers, deferring sinks -------------------------------------------------------- */

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

/* ---- deaths --------------------------------------------------------------------------------- */

static void test_killed_while_reading(void **state)
{
    (void)state;
    toy_source_plan.kill_at = 555;
    run_and_die();
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_killed_between_checkpoints_with_rejects(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.unreadable = 9;
    toy_source_plan.kill_at = 555;
    run_and_die();
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(fixture->report.counts.read, 500);
    assert_int_equal(fixture->report.counts.rejected, 56);
    published_is(1000, not_ninth);
}

static void test_killed_before_and_after_a_flush(void **state)
{
    (void)state;
    for (int when = 1; when <= 2; when++) {
        toy_sink_plan.kill_in_flush = when;
        run_and_die();
        assert_int_equal(toy_far_end->published_count, 0);
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_killed_before_and_after_publishing(void **state)
{
    (void)state;
    for (int when = 2; when >= 1; when--) {
        toy_sink_plan.kill_in_finish = when;
        run_and_die();
    }
    assert_int_equal(toy_far_end->published_count, 1000);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    published_is(1000, everyone);
}

/* ---- stopping, locking, balance ---------------------------------------------------------------
 */

static void test_a_stop_drains_saves_and_says_so(void **state)
{
    (void)state;
    tow_cancel_set(&fixture->cancel, SIGTERM);
    assert_int_equal(run(), 128 + SIGTERM);
    assert_string_equal(fixture->report.status, TOW_RUN_CANCELLED);
    tow_cancel_release(&fixture->cancel);
    assert_int_equal(tow_cancel_init(&fixture->cancel, NULL), TOW_OK);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

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

/* ---- replay --------------------------------------------------------------------------------- */

static int thirteenth(int64_t n)
{
    return n % 13 == 0;
}

static void test_a_replay_sends_the_rejected_rows_again(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_sink_plan.refuse = 0;
    fixture->options.replay_of = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(77, 77, 0, 0, 0);
    published_is(1000, thirteenth);
    fixture->options.replay_of = 2;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "run 2 rejected no rows");
}

static void test_a_replay_rejects_unreadable_rows_again(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    fixture->options.replay_of = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(111, 0, 111, 0, 0);
}

int main(void)
{
#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_every_row_arrives_once),
        RUN_TEST(test_an_empty_source_is_a_run_too),
        RUN_TEST(test_rows_the_source_cannot_read_are_rejected_and_kept),
        RUN_TEST(test_rows_the_sink_refuses_are_rejected_and_kept),
        RUN_TEST(test_transform_and_sink_settle_rows_by_their_own_numbers),
        RUN_TEST(test_the_next_run_of_a_full_source_starts_anew),
        RUN_TEST(test_a_source_that_follows_goes_on_where_it_was),
        RUN_TEST(test_passing_failures_are_retried_without_loss_or_repeat),
        RUN_TEST(test_a_later_try_brings_only_the_open_rows),
        RUN_TEST(test_a_data_error_rejects_the_batch_and_goes_on),
        RUN_TEST(test_a_final_failure_keeps_what_was_done_and_the_rerun_does_the_rest),
        RUN_TEST(test_a_source_that_breaks_off_delivers_what_came_before),
        RUN_TEST(test_a_used_up_budget_is_partial_and_resumable),
        RUN_TEST(test_a_flush_that_fails_leaves_the_checkpoint),
        RUN_TEST(test_a_changed_schema_refuses_to_resume_unless_told),
        RUN_TEST(test_another_sink_refuses_to_go_on_with_a_load),
        RUN_TEST(test_too_many_rejects_stop_the_run),
        RUN_TEST(test_too_high_a_share_of_rejects_is_not_published),
        RUN_TEST(test_a_trial_publishes_and_leaves_the_checkpoint),
        RUN_TEST(test_workers_write_at_once_and_nothing_is_lost),
        RUN_TEST(test_a_deferring_sink_settles_at_flush),
        RUN_TEST(test_a_final_sink_moves_the_checkpoint_batch_by_batch),
        RUN_TEST(test_killed_while_reading),
        RUN_TEST(test_killed_between_checkpoints_with_rejects),
        RUN_TEST(test_killed_before_and_after_a_flush),
        RUN_TEST(test_killed_before_and_after_publishing),
        RUN_TEST(test_a_stop_drains_saves_and_says_so),
        RUN_TEST(test_a_second_run_of_a_job_is_refused),
        RUN_TEST(test_a_replay_sends_the_rejected_rows_again),
        RUN_TEST(test_a_replay_rejects_unreadable_rows_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
