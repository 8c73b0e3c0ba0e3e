/* Runs of toy plugins: what becomes of each row, and plugins that do not keep to the rules. */
#include "run_fixture.h"
#include "unit.h"

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

static void test_rows_the_source_cannot_read_are_rejected_and_kept(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 9;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 889, 111, 0, 0);
    published_is(1000, not_ninth);
    assert_int_equal(lines_in(fixture->report.reject_path), 112);
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

static int past_both(int64_t n)
{
    return past_the_transform(n) && not_thirteenth(n);
}

static void test_transform_and_sink_settle_rows_by_their_own_numbers(void **state)
{
    int64_t accepted = 0, filtered = 0;

    (void)state;
    run_with_transforms(0);
    toy_sink_plan.refuse = 13;
    for (int64_t n = 0; n < 1000; n++) {
        accepted += past_both(n);
        filtered += n % 10 == 0;
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, accepted, 1000 - accepted - filtered, filtered, 0);
    published_is(1000, past_both);
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

static int past_all_three(int64_t n)
{
    return past_the_transform(n) && n % 3 != 0;
}

static int64_t how_many(int64_t count, int (*wanted)(int64_t n))
{
    int64_t found = 0;

    for (int64_t n = 0; n < count; n++)
        found += wanted(n);
    return found;
}

static void test_a_second_transform_knows_rows_by_what_the_first_left(void **state)
{
    int64_t sevens = 0;

    (void)state;
    run_with_transforms(1);
    for (int64_t n = 0; n < 1000; n++)
        sevens += n % 10 != 0 && n % 7 == 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    int64_t accepted = how_many(1000, past_all_three);
    counts_are(1000, accepted, sevens, 1000 - accepted - sevens, 0);
    published_is(1000, past_all_three);
}

static void test_batches_of_which_nothing_is_left_are_complete(void **state)
{
    int64_t accepted = how_many(1000, past_the_transform), sevens = 0;

    (void)state;
    run_with_transforms(1);
    toy_source_plan.batch = 1;
    toy_source_plan.marks = 1;
    for (int64_t n = 0; n < 1000; n++)
        sevens += n % 10 != 0 && n % 7 == 0;
    accepted = how_many(1000, past_all_three);
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, accepted, sevens, 1000 - accepted - sevens, 0);
    published_is(1000, past_all_three);
}

static void test_a_sink_may_refuse_every_row(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 0, 1000, 0, 0);
    assert_int_equal(lines_in(fixture->report.reject_path), 1001);
}

static void test_a_source_may_reject_every_row(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 0, 1000, 0, 0);
}

static void ledger_has(const char *key, const char *value)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position found = {.size = sizeof found};
    struct tow_state *state = NULL;

    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_READ, &state, &err), err);
    int rc = tow_state_ledger_get(state, "toys", "source:toy", key, &found, &err);
    tow_state_close(state);
    assert_int_equal(rc, value ? TOW_OK : TOW_END);
    if (value) {
        assert_int_equal(found.length, strlen(value));
        assert_memory_equal(found.bytes, value, found.length);
    }
}

static void test_batches_without_rows_move_position_and_marks(void **state)
{
    (void)state;
    toy_source_plan.empty = 1;
    toy_source_plan.marks = 1;
    toy_source_plan.counts = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 1000, 0, 0, 0);
    assert_int_equal(fixture->report.counts.batches, 20);
    ledger_has("toy", "999");
}

static int not_rejected_while_failing(int64_t n)
{
    return n != 200 && n != 201;
}

static void test_rows_rejected_by_reads_that_failed_belong_to_the_next_batch(void **state)
{
    (void)state;
    toy_source_plan.fail_at = 250;
    toy_source_plan.fail_code = TOW_E_TRANSIENT;
    toy_source_plan.fail_times = 2;
    toy_source_plan.reject_and_fail = 1;
    toy_source_plan.counts = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, 998, 2, 0, 0);
    published_is(1000, not_rejected_while_failing);
}

static void test_what_a_transform_cannot_take_rejects_its_batch(void **state)
{
    int64_t accepted = 0, filtered = 0;

    (void)state;
    run_with_transforms(0);
    toy_transform_plan.fail_at = 555;
    toy_transform_plan.fail_code = TOW_E_DATA;
    for (int64_t n = 0; n < 1000; n++) {
        accepted += past_the_transform(n) && n / 100 != 5;
        filtered += n % 10 == 0 && (n < 555 || n >= 600);
    }
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(1000, accepted, 1000 - accepted - filtered, filtered, 0);
}

/* ---- trials
 * -------------------------------------------------------------------------------------- */

static void test_a_trial_reads_no_row_more_than_it_says(void **state)
{
    (void)state;
    toy_source_plan.counts = 1;
    for (int64_t unreadable = 0; unreadable < 10; unreadable += 3)
        for (int64_t limit = 1; limit < 230; limit += 57) {
            toy_source_plan.unreadable = unreadable;
            fixture->options.limit = limit;
            assert_int_equal(run(), TOW_EXIT_OK);
            assert_int_equal(fixture->report.counts.read, limit);
            assert_int_equal(fixture->report.counts.pending, 0);
        }
}

static void test_a_trial_of_rows_that_cannot_be_read_ends(void **state)
{
    (void)state;
    toy_source_plan.unreadable = 1;
    fixture->options.limit = 5;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(5, 0, 5, 0, 0);
    fixture->options.limit = 0;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(0, 0, 0, 0, 0);
}

/* ---- rows that get lost
 * -------------------------------------------------------------------------- */

static void test_a_source_that_loses_a_row_is_found_out(void **state)
{
    (void)state;
    toy_source_plan.counts = 1;
    toy_source_plan.loses = 777;
    assert_int_equal(run(), TOW_EXIT_BALANCE);
    assert_says(fixture->report.error, "source toy: the counts do not balance: it counts 800 rows");
    assert_int_equal(checkpoint_seq(), -1);
    assert_int_equal(toy_far_end->published_count, 0);
    toy_source_plan.loses = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, everyone);
}

static void test_a_loss_in_the_last_batch_is_found_at_the_end(void **state)
{
    (void)state;
    toy_source_plan.counts = 1;
    toy_source_plan.loses = 999;
    assert_int_equal(run(), TOW_EXIT_BALANCE);
    assert_int_equal(toy_far_end->published_count, 0);
}

static void test_a_loss_keeps_the_checkpoints_that_were_taken_before(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 0;
    toy_source_plan.counts = 1;
    toy_source_plan.loses = 777;
    assert_int_equal(run(), TOW_EXIT_BALANCE);
    assert_int_equal(checkpoint_seq(), 7);
    assert_int_equal(fixture->report.counts.accepted, 700);
    toy_source_plan.loses = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    counts_are(300, 300, 0, 0, 0);
    published_is(1000, everyone);
}

static void test_a_transform_that_loses_a_row_is_found_out(void **state)
{
    (void)state;
    run_with_transforms(0);
    toy_transform_plan.loses = 333;
    assert_int_equal(run(), TOW_EXIT_BALANCE);
    assert_says(fixture->report.error, "transform toy_transform: batch 4: a transform left");
    assert_int_equal(checkpoint_seq(), -1);
    toy_transform_plan.loses = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
    published_is(1000, past_the_transform);
}

/* ---- plugins that break the rules
 * ---------------------------------------------------------------- */

/* The run ends as an internal error, publishes nothing, and does all of it once that is mended. */
static void is_a_bug(const char *says)
{
    assert_int_equal(run(), TOW_EXIT_INTERNAL);
    assert_int_equal(fixture->report.error.code, TOW_E_BUG);
    assert_says(fixture->report.error, says);
    assert_int_equal(toy_far_end->published_count, 0);
    toy_source_plan.reject_at_end = toy_source_plan.cancels = toy_source_plan.bad_lines = 0;
    toy_source_plan.end_length = toy_sink_plan.token_length = 0;
    toy_sink_plan.twice = toy_sink_plan.beyond = toy_sink_plan.filters = -1;
    toy_transform_plan.beyond = -1;
    assert_int_equal(run(), TOW_EXIT_OK);
}

static void test_a_sink_that_settles_a_row_twice(void **state)
{
    (void)state;
    toy_sink_plan.twice = 450;
    is_a_bug("sink toy_sink: batch 5, row 0: settled twice");
    published_is(1000, everyone);
}

static void test_a_sink_that_settles_a_row_it_has_not(void **state)
{
    (void)state;
    toy_sink_plan.beyond = 450;
    is_a_bug("sink toy_sink: batch 5, row 100: settled, but this try has no such row");
    published_is(1000, everyone);
}

static void test_a_sink_that_filters(void **state)
{
    (void)state;
    toy_sink_plan.filters = 450;
    is_a_bug("sink toy_sink: batch 5: a sink cannot filter rows");
    published_is(1000, everyone);
}

static void test_a_sink_with_too_long_a_token(void **state)
{
    (void)state;
    toy_sink_plan.token_length = TOW_POSITION_MAX + 1;
    is_a_bug("sink toy_sink: flush: a token of 4097 bytes");
}

static void test_a_transform_that_settles_a_row_it_has_not(void **state)
{
    (void)state;
    run_with_transforms(1);
    fixture->transforms[0] = &toy_threes;
    fixture->transforms[1] = &toy_transform;
    toy_transform_plan.beyond = 451;
    is_a_bug("were settled, of a batch of 67 rows");
    published_is(1000, past_all_three);
}

static void test_a_source_that_rejects_rows_at_its_end(void **state)
{
    (void)state;
    toy_source_plan.reject_at_end = 1;
    is_a_bug("source toy: read: rows together with TOW_END");
    published_is(1000, everyone);
}

static void test_a_source_with_too_long_a_position(void **state)
{
    (void)state;
    toy_source_plan.end_length = TOW_POSITION_MAX + 1;
    is_a_bug("source toy: read: a position of 4097 bytes");
    published_is(1000, everyone);
}

static void test_a_source_whose_lines_are_too_few(void **state)
{
    (void)state;
    toy_source_plan.bad_lines = 1;
    is_a_bug("source toy: read: lines are no int64 array of 100 rows");
    published_is(1000, everyone);
}

static void test_a_source_that_says_it_was_cancelled(void **state)
{
    (void)state;
    toy_source_plan.cancels = 1;
    is_a_bug("source toy: read was cancelled, but nobody asked for that");
    published_is(1000, everyone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_every_row_arrives_once),
        RUN_TEST(test_an_empty_source_is_a_run_too),
        RUN_TEST(test_rows_the_source_cannot_read_are_rejected_and_kept),
        RUN_TEST(test_rows_the_sink_refuses_are_rejected_and_kept),
        RUN_TEST(test_transform_and_sink_settle_rows_by_their_own_numbers),
        RUN_TEST(test_the_next_run_of_a_full_source_starts_anew),
        RUN_TEST(test_a_source_that_follows_goes_on_where_it_was),
        RUN_TEST(test_a_second_transform_knows_rows_by_what_the_first_left),
        RUN_TEST(test_batches_of_which_nothing_is_left_are_complete),
        RUN_TEST(test_a_sink_may_refuse_every_row),
        RUN_TEST(test_a_source_may_reject_every_row),
        RUN_TEST(test_batches_without_rows_move_position_and_marks),
        RUN_TEST(test_rows_rejected_by_reads_that_failed_belong_to_the_next_batch),
        RUN_TEST(test_what_a_transform_cannot_take_rejects_its_batch),
        RUN_TEST(test_a_trial_reads_no_row_more_than_it_says),
        RUN_TEST(test_a_trial_of_rows_that_cannot_be_read_ends),
        RUN_TEST(test_a_source_that_loses_a_row_is_found_out),
        RUN_TEST(test_a_loss_in_the_last_batch_is_found_at_the_end),
        RUN_TEST(test_a_loss_keeps_the_checkpoints_that_were_taken_before),
        RUN_TEST(test_a_transform_that_loses_a_row_is_found_out),
        RUN_TEST(test_a_sink_that_settles_a_row_twice),
        RUN_TEST(test_a_sink_that_settles_a_row_it_has_not),
        RUN_TEST(test_a_sink_that_filters),
        RUN_TEST(test_a_sink_with_too_long_a_token),
        RUN_TEST(test_a_transform_that_settles_a_row_it_has_not),
        RUN_TEST(test_a_source_that_rejects_rows_at_its_end),
        RUN_TEST(test_a_source_with_too_long_a_position),
        RUN_TEST(test_a_source_whose_lines_are_too_few),
        RUN_TEST(test_a_source_that_says_it_was_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
