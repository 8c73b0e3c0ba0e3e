/* Rows that a final sink has settled beyond the checkpoint: they do not come again. */
#include "run_fixture.h"
#include "unit.h"

#include <sqlite3.h>
#include <unistd.h>

static int sink_is_final(void **state)
{
    int rc = run_set_up(state);

    toy_sink_set_flags(TOW_SINK_FINAL);
    return rc;
}

/* ---- what the state has --------------------------------------------------------------------- */

static sqlite3 *opened(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(fixture->state_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
    return db;
}

/* A number that SQL makes of the state. */
static int64_t state_number(const char *sql)
{
    sqlite3 *db = opened();
    sqlite3_stmt *row;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

static void change_state(const char *sql)
{
    sqlite3 *db = opened();

    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

static int64_t batches_ahead(void)
{
    return state_number("SELECT count(*) FROM ahead");
}

/* ---- what the far end has ------------------------------------------------------------------- */

/* How often the far end got the number, published or not. */
static int64_t sent(int64_t number)
{
    int64_t count = 0;

    for (int64_t i = 0; i < toy_far_end->unpublished_count; i++)
        count += toy_far_end->unpublished[i] == number;
    return count;
}

static void each_was_sent_once(int64_t rows, int (*wanted)(int64_t n))
{
    for (int64_t n = 0; n < rows; n++)
        assert_int_equal(sent(n), wanted(n));
}

/* ---- a batch in part ------------------------------------------------------------------------ */

static void half_a_batch_is_accepted(void)
{
    toy_sink_plan.fail_at = 555;
    toy_sink_plan.fail_code = TOW_E_AUTH;
    toy_sink_plan.fail_times = 1;
    toy_sink_plan.fail_after_settling = 1;
}

static void test_the_accepted_half_of_a_batch_is_not_sent_again(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(checkpoint_seq(), 5);
    assert_int_equal(batches_ahead(), 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    each_was_sent_once(1000, everyone);
    assert_int_equal(batches_ahead(), 0);
}

static void test_rows_rejected_ahead_keep_code_and_message(void **state)
{
    (void)state;
    run_with_results();
    toy_sink_plan.refuse = 13;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    toy_sink_plan.refuse = 0; /* who is sent again now would be taken */
    assert_int_equal(run(), TOW_EXIT_OK);
    results_are(1000, 0);
    assert_int_equal(results_with("toy_refused"),
                     43); /* below 550, as the first run refused them */
    /* Those of the sixth batch, behind the file's head; the others lie in the first run's file. */
    assert_int_equal(lines_in(fixture->report.reject_path), 1 + 4);
    for (int64_t n = 0; n < 1000; n++)
        assert_int_equal(sent(n), n >= 550 || n % 13 != 0);
}

static void test_rows_that_a_transform_took_out_stay_out(void **state)
{
    (void)state;
    run_with_transforms(0);
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(batches_ahead(), 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    each_was_sent_once(1000, past_the_transform);
}

static void test_a_load_without_a_checkpoint_has_rows_ahead_too(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    toy_sink_plan.fail_at = 55;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(checkpoint_seq(), -1);
    assert_int_equal(batches_ahead(), 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    each_was_sent_once(1000, everyone);
}

/* ---- what is kept during a write ------------------------------------------------------------ */

/* A kill in the middle of a batch, half of which is settled. */
static void half_a_batch_is_accepted_and_then_killed(int kill_in_write)
{
    half_a_batch_is_accepted();
    toy_sink_plan.kill_in_write = kill_in_write;
    run_and_die();
    toy_sink_plan.fail_at = -1;
}

static void test_what_was_kept_before_a_kill_is_not_sent_again(void **state)
{
    (void)state;
    half_a_batch_is_accepted_and_then_killed(2);
    assert_int_equal(batches_ahead(), 1);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(500, 500, 0, 0, 0);
    each_was_sent_once(1000, everyone);
    assert_int_equal(batches_ahead(), 0);
}

static void test_what_was_not_kept_before_a_kill_comes_again(void **state)
{
    (void)state;
    half_a_batch_is_accepted_and_then_killed(1);
    assert_int_equal(batches_ahead(), 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    for (int64_t n = 0; n < 1000; n++)
        assert_int_equal(sent(n), n >= 500 && n < 550 ? 2 : 1);
}

static void test_rejected_rows_are_kept_with_code_and_message(void **state)
{
    (void)state;
    run_with_results();
    toy_sink_plan.refuse = 13;
    half_a_batch_is_accepted_and_then_killed(2);
    toy_sink_plan.refuse = 0; /* who is sent again now would be taken */
    assert_int_equal(run(), TOW_EXIT_OK);
    results_are(1000, 0);
    assert_true(results_with("toy_refused") >= 4); /* 507, 520, 533 and 546 */
    for (int64_t n = 500; n < 550; n++)
        assert_int_equal(sent(n), n % 13 != 0);
}

static void test_a_sink_that_can_take_back_keeps_nothing(void **state)
{
    (void)state;
    toy_sink_set_flags(0);
    half_a_batch_is_accepted_and_then_killed(2);
    assert_int_equal(batches_ahead(), 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

/* ---- whole batches -------------------------------------------------------------------------- */

/* The first batch hangs; nine others are through, and saved, before the source is at the end. */
static void wait_for_nine(void)
{
    for (int i = 0; i < 3000 && batches_ahead() < 9; i++)
        usleep(10000);
    if (batches_ahead() == 9)
        toy_die();
}

static void nine_batches_are_ahead(void)
{
    toy_sink_set_flags(TOW_SINK_FINAL | TOW_SINK_PARALLEL);
    fixture->job.tuning.workers = 3;
    fixture->job.tuning.queue_batches = 16;
    toy_source_plan.rows = 1100;
    toy_source_plan.hook_at = 1000;
    toy_source_plan.hook = wait_for_nine;
    toy_sink_plan.block_at = 50;
    run_and_die();
    toy_source_plan.hook_at = -1;
    toy_sink_plan.block_at = -1;
}

static void test_batches_behind_one_that_hangs_are_not_sent_again_after_a_kill(void **state)
{
    (void)state;
    nine_batches_are_ahead();
    assert_int_equal(checkpoint_seq(), -1);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1100, 1100, 0, 0, 0);
    each_was_sent_once(1100, everyone);
    assert_int_equal(batches_ahead(), 0);
}

static void test_results_of_rows_ahead_are_written_when_their_turn_comes(void **state)
{
    (void)state;
    run_with_results();
    nine_batches_are_ahead();
    assert_int_equal(toy_far_end->published_results_count, 0);
    assert_int_equal(run(), TOW_EXIT_OK);
    each_was_sent_once(1100, everyone);
    results_are(1100, 0);
}

static void test_a_kill_with_results_sends_nothing_again(void **state)
{
    (void)state;
    run_with_results();
    toy_source_plan.kill_at = 750;
    run_and_die();
    /* What was sent is saved, but for the batch that was on its way just then. */
    assert_true(batches_ahead() * 100 >= toy_far_end->unpublished_count - 100);
    int64_t before = toy_far_end->unpublished_count, saved = batches_ahead() * 100;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(toy_far_end->unpublished_count, before + 1000 - saved);
    results_are(1000, 0);
}

/* ---- what ends it --------------------------------------------------------------------------- */

static void test_batches_that_come_otherwise_are_sent_again(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    toy_source_plan.batch = 70;
    assert_int_equal(run(), TOW_EXIT_OK);
    for (int64_t n = 0; n < 1000; n++)
        assert_int_equal(sent(n), n >= 500 && n < 550 ? 2 : 1);
}

static void test_a_full_run_sends_everything(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    fixture->options.full = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(sent(0), 2);
    assert_int_equal(batches_ahead(), 0);
}

static void test_the_next_load_sends_everything(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(run(), TOW_EXIT_OK);
    for (int64_t n = 0; n < 1000; n++)
        assert_int_equal(sent(n), 2);
}

static void test_another_sink_does_not_take_over_what_is_ahead(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    toy_sink_plan.fail_at = 55;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    change_state("UPDATE ahead SET sink = 'another'");
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(sent(0), 2);
    assert_int_equal(batches_ahead(), 0);
}

static void test_a_trial_saves_nothing_ahead(void **state)
{
    (void)state;
    half_a_batch_is_accepted();
    toy_sink_plan.fail_at = 55;
    fixture->options.limit = 500;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(batches_ahead(), 0);
}

static void test_a_sink_that_can_take_back_saves_nothing_ahead(void **state)
{
    (void)state;
    toy_sink_set_flags(0);
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(batches_ahead(), 0);
}

/* ---- a damaged state ------------------------------------------------------------------------ */

static void test_damaged_rows_end_the_run_and_change_nothing(void **state)
{
    static const char *const damages[] = {
        "UPDATE ahead SET rows = x''",
        "UPDATE ahead SET rows = substr(rows, 1, 23)",
        "UPDATE ahead SET rows = x'00000000' || substr(rows, 5)",                       /* magic */
        "UPDATE ahead SET rows = substr(rows, 1, 4) || x'ffffffff' || substr(rows, 9)", /* spans */
        "UPDATE ahead SET rows = substr(rows, 1, length(rows) - 1)",
        "UPDATE ahead SET rows = substr(rows, 1, 24) || x'ffffffffffffff7f' || substr(rows, 33)",
        "UPDATE ahead SET rows = substr(rows, 1, 32) || x'ffffffffffffffff' || substr(rows, 41)",
        "UPDATE ahead SET rows = substr(rows, 1, 40) || x'03' || substr(rows, 42)", /* outcome */
        "UPDATE ahead SET rows = substr(rows, 1, 44) || x'ffffffff' || substr(rows, 49)", /* text */
    };

    (void)state;
    toy_sink_plan.refuse = 13;
    half_a_batch_is_accepted();
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    change_state("CREATE TABLE kept AS SELECT * FROM ahead; UPDATE ahead SET rows = rows");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        change_state(damages[i]);
        if (run() != TOW_EXIT_ENVIRONMENT)
            fail_msg("%s: exit code %d", damages[i], fixture->report.exit_code);
        assert_says(fixture->report.error, "the state is damaged: what it has of batch 6 ahead");
        change_state("UPDATE ahead SET rows = (SELECT rows FROM kept)");
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    each_was_sent_once(1000, not_thirteenth);
}

int main(void)
{
#define AHEAD_TEST(name) cmocka_unit_test_setup_teardown(name, sink_is_final, run_tear_down)
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(test_the_accepted_half_of_a_batch_is_not_sent_again),
        AHEAD_TEST(test_rows_rejected_ahead_keep_code_and_message),
        AHEAD_TEST(test_rows_that_a_transform_took_out_stay_out),
        AHEAD_TEST(test_a_load_without_a_checkpoint_has_rows_ahead_too),
        AHEAD_TEST(test_what_was_kept_before_a_kill_is_not_sent_again),
        AHEAD_TEST(test_what_was_not_kept_before_a_kill_comes_again),
        AHEAD_TEST(test_rejected_rows_are_kept_with_code_and_message),
        AHEAD_TEST(test_a_sink_that_can_take_back_keeps_nothing),
        AHEAD_TEST(test_batches_behind_one_that_hangs_are_not_sent_again_after_a_kill),
        AHEAD_TEST(test_results_of_rows_ahead_are_written_when_their_turn_comes),
        AHEAD_TEST(test_a_kill_with_results_sends_nothing_again),
        AHEAD_TEST(test_batches_that_come_otherwise_are_sent_again),
        AHEAD_TEST(test_a_full_run_sends_everything),
        AHEAD_TEST(test_the_next_load_sends_everything),
        AHEAD_TEST(test_another_sink_does_not_take_over_what_is_ahead),
        AHEAD_TEST(test_a_trial_saves_nothing_ahead),
        AHEAD_TEST(test_a_sink_that_can_take_back_saves_nothing_ahead),
        AHEAD_TEST(test_damaged_rows_end_the_run_and_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
