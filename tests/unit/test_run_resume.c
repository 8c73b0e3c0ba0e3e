/* Runs that go on where another one died, or do not, and why. */
#include "run_fixture.h"
#include "unit.h"

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

static void test_killed_before_the_results_are_published_and_after(void **state)
{
    (void)state;
    run_with_results();
    for (int when = 2; when >= 1; when--) {
        toy_results_plan.kill_in_finish = when;
        run_and_die();
        published_is(1000, everyone);
        assert_int_equal(toy_far_end->published_results_count, when == 1 ? 1000 : 0);
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    published_is(1000, everyone);
    results_are(1000, 0);
}

static void test_killed_anywhere_with_results_and_rejects(void **state)
{
    (void)state;
    run_with_results();
    run_with_transforms(0);
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.unreadable = 9;
    for (int64_t n = 50; n < 1000; n += 190) {
        toy_source_plan.kill_at = n;
        run_and_die();
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    results_are(1000, 111);
}

/* ---- a full run, a trial
 * ------------------------------------------------------------------------- */

/* Leaves a load at batch 6 of 10. */
static void break_off(void)
{
    toy_source_plan.fail_at = 640;
    toy_source_plan.fail_code = TOW_E_ENV;
    toy_source_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(checkpoint_seq(), 6);
}

static void test_a_full_run_that_is_killed_at_once_has_forgotten_the_load(void **state)
{
    (void)state;
    break_off();
    fixture->options.full = 1;
    toy_source_plan.kill_at = 50;
    run_and_die();
    fixture->options.full = 0;
    /* The sink has begun anew: to go on at row 600 would lose what was before. */
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    published_is(1000, everyone);
}

static void test_a_full_run_forgets_what_plugins_remember(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position found = {.size = sizeof found};
    struct tow_state *opened = NULL;

    (void)state;
    toy_source_plan.marks = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_source_plan.marks = 0;
    fixture->options.full = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_READ, &opened, &err), err);
    assert_int_equal(tow_state_ledger_get(opened, "toys", "source:toy", "toy", &found, &err),
                     TOW_END);
    tow_state_close(opened);
}

static void test_a_trial_does_not_touch_an_unfinished_load(void **state)
{
    (void)state;
    break_off();
    fixture->options.limit = 10;
    for (int full = 0; full < 2; full++) {
        fixture->options.full = full;
        assert_int_equal(run(), TOW_EXIT_CONFIG);
        assert_says(fixture->report.error, "stands in the middle of a load; finish it");
        assert_int_equal(checkpoint_seq(), 6);
    }
    fixture->options.limit = -1;
    fixture->options.full = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static const struct tow_host *trial_host;

static int32_t remembering_open(void *self, const struct tow_host *host,
                                const struct tow_position *token, struct tow_error *err)
{
    int rc = host->ledger_put(host, "uploaded", "x", 1, err);

    trial_host = host;
    return rc ? rc : toy_sink.sink->open(self, host, token, err);
}

static void test_what_plugins_note_in_a_trial_is_not_kept(void **state)
{
    struct tow_sink_ops ops = *toy_sink.sink;
    struct tow_plugin remembering = toy_sink;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position found = {.size = sizeof found};
    struct tow_state *opened = NULL;

    (void)state;
    ops.open = remembering_open;
    remembering.sink = &ops;
    fixture->assembly.sink = &remembering;
    for (int64_t limit = 10; limit >= -1; limit -= 11) {
        fixture->options.limit = limit;
        assert_int_equal(run(), TOW_EXIT_OK);
        assert_ok(tow_state_open(fixture->state_path, TOW_STATE_READ, &opened, &err), err);
        assert_int_equal(
            tow_state_ledger_get(opened, "toys", "sink:toy_sink", "uploaded", &found, &err),
            limit < 0 ? TOW_OK : TOW_END);
        tow_state_close(opened);
    }
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

/* ---- a job that was changed in between
 * ----------------------------------------------------------- */

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

static void test_workers_cannot_turn_into_results(void **state)
{
    (void)state;
    toy_sink_set_flags(TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 2;
    break_off();
    fixture->job.tuning.workers = 1;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "with 2 sink instances, now it has 1");
    /* As many tokens as before, but another sink's. */
    run_with_results();
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "or other results");
    fixture->assembly.results = NULL;
    fixture->job.tuning.workers = 2;
    assert_int_equal(run(), TOW_EXIT_OK);
}

static void test_results_cannot_go_on_in_another_plugin(void **state)
{
    struct tow_plugin other = toy_results;

    (void)state;
    other.name = "other_results";
    run_with_results();
    break_off();
    fixture->assembly.results = &other;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "or other results");
    run_with_results();
    assert_int_equal(run(), TOW_EXIT_OK);
    results_are(1000, 0);
}

static void test_other_outgoing_columns_do_not_go_on_with_a_load(void **state)
{
    struct tow_column_spec column = {.name = "n", .from = "n", .file = "toy.cfg"};
    struct tow_column_spec *const columns = &column;

    (void)state;
    break_off();
    column.name = "number";
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    fixture->job.has_columns = 1;
    assert_int_equal(run(), TOW_EXIT_CONFIG);
    assert_says(fixture->report.error, "outgoing columns were others");
    assert_int_equal(checkpoint_seq(), 6);
    fixture->options.accept_schema = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_between_loads_columns_and_results_may_change(void **state)
{
    struct tow_column_spec column = {.name = "number", .from = "n", .file = "toy.cfg"};
    struct tow_column_spec *const columns = &column;

    (void)state;
    toy_source_plan.follows = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    fixture->job.has_columns = 1;
    run_with_results();
    toy_source_plan.rows = 1500;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    assert_int_equal(toy_far_end->published_results_count, 500);
}

/* ---- replay
 * -------------------------------------------------------------------------------------- */

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

static void test_a_replay_that_was_killed_goes_on(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_sink_plan.refuse = 0;
    fixture->options.replay_of = 1;
    fixture->job.tuning.batch_rows = 10;
    fixture->job.tuning.checkpoint_ms = 0;
    for (int when = 1; when <= 2; when++) {
        toy_sink_plan.kill_in_finish = when;
        run_and_die();
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
    published_is(1000, thirteenth);
    fixture->options.replay_of = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_replay_breaks_off_and_goes_on(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 13;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_sink_plan.refuse = 0;
    fixture->options.replay_of = 1;
    fixture->job.tuning.batch_rows = 10;
    toy_sink_plan.fail_at = 13 * 33;
    toy_sink_plan.fail_code = TOW_E_ENV;
    toy_sink_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    counts_are(fixture->report.counts.read, 30, 0, 0, fixture->report.counts.read - 30);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(47, 47, 0, 0, 0);
    published_is(1000, thirteenth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_killed_while_reading),
        RUN_TEST(test_killed_between_checkpoints_with_rejects),
        RUN_TEST(test_killed_before_and_after_a_flush),
        RUN_TEST(test_killed_before_and_after_publishing),
        RUN_TEST(test_killed_before_the_results_are_published_and_after),
        RUN_TEST(test_killed_anywhere_with_results_and_rejects),
        RUN_TEST(test_a_full_run_that_is_killed_at_once_has_forgotten_the_load),
        RUN_TEST(test_a_full_run_forgets_what_plugins_remember),
        RUN_TEST(test_a_trial_does_not_touch_an_unfinished_load),
        RUN_TEST(test_what_plugins_note_in_a_trial_is_not_kept),
        RUN_TEST(test_a_trial_publishes_and_leaves_the_checkpoint),
        RUN_TEST(test_a_changed_schema_refuses_to_resume_unless_told),
        RUN_TEST(test_another_sink_refuses_to_go_on_with_a_load),
        RUN_TEST(test_workers_cannot_turn_into_results),
        RUN_TEST(test_results_cannot_go_on_in_another_plugin),
        RUN_TEST(test_other_outgoing_columns_do_not_go_on_with_a_load),
        RUN_TEST(test_between_loads_columns_and_results_may_change),
        RUN_TEST(test_a_replay_sends_the_rejected_rows_again),
        RUN_TEST(test_a_replay_rejects_unreadable_rows_again),
        RUN_TEST(test_a_replay_that_was_killed_goes_on),
        RUN_TEST(test_a_replay_breaks_off_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
