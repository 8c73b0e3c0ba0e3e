/* What the daemon does and when, by a clock of the test's own. */
#include "unit.h"

#include "daemon_fixture.h"

#define HOURLY "schedule = { every = \"1h\"; };"

static void assert_started(struct world *world, int starts, const char *name, int64_t slot_us)
{
    assert_int_equal(world->starts, starts);
    assert_string_equal(world->started, name);
    assert_int_equal(world->slot_us, slot_us);
}

static void test_a_job_runs_at_its_slots_and_at_no_other_time(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    assert_int_equal(world_at(&world, NOON + 5 * MINUTES), NOON + HOURS);
    assert_int_equal(world_at(&world, NOON + HOURS - 1), NOON + HOURS);
    assert_int_equal(world.starts, 0);
    world_at(&world, NOON + HOURS);
    assert_started(&world, 1, "a", NOON + HOURS);
    assert_int_equal(world.attempt, 1);
    world_does(&world, "a");
    assert_int_equal(world_at(&world, NOON + HOURS + MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world.starts, 1);
    world_close(&world);
}

static void test_runs_wait_for_their_turn_by_their_times(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world.supervisor.max_runs = 1;
    world_take_two(&world, "b", "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 1);
    assert_int_equal(world_job(&world, "a")->wants + world_job(&world, "b")->wants, 1);
    world_does(&world, world.started);
    world_at(&world, NOON + HOURS + SECONDS);
    assert_int_equal(world.starts, 2);
    world_does(&world, world.started);
    world_at(&world, NOON + HOURS + 2 * SECONDS);
    assert_int_equal(world.starts, 2);
    world_close(&world);
}

static void test_slots_that_come_while_the_job_runs_are_passed_over(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_at(&world, NOON + 2 * HOURS);
    world_at(&world, NOON + 3 * HOURS + 1);
    world_ends(&world, "a", TOW_RUN_OK, 0);
    assert_int_equal(world_at(&world, NOON + 3 * HOURS + 2), NOON + 4 * HOURS);
    assert_int_equal(world.starts, 1);
    world_close(&world);
}

static void test_a_clock_that_is_set_back_runs_nothing_twice(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + 2 * HOURS);
    world_does(&world, "a");
    for (int64_t at = NOON + 30 * MINUTES; at < NOON + 3 * HOURS; at += 5 * MINUTES)
        world_at(&world, at);
    assert_int_equal(world.starts, 1);
    world_at(&world, NOON + 3 * HOURS);
    assert_started(&world, 2, "a", NOON + 3 * HOURS);
    world_close(&world);
}

static void test_a_clock_that_is_set_forward_skips_nothing(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + 5 * HOURS + MINUTES);
    assert_started(&world, 1, "a", NOON + 5 * HOURS);
    world_close(&world);
}

/* ---- failures of runs ----------------------------------------------------------------------- */

static void test_a_run_that_fails_is_tried_again(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; tries = 2; retry_wait = \"5m\"; };");
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_ends(&world, "a", TOW_RUN_FAILED, 3);
    assert_int_equal(world_job(&world, "a")->health.failing, 0);
    int64_t again = world_at(&world, NOON + HOURS + 1);
    assert_true(again > NOON + HOURS + MINUTES && again <= NOON + HOURS + 10 * MINUTES);
    world_at(&world, again);
    assert_started(&world, 2, "a", NOON + HOURS);
    assert_int_equal(world.attempt, 2);
    world_begins(&world, "a");
    world_ends(&world, "a", TOW_RUN_FAILED, 3);
    assert_int_equal(world_job(&world, "a")->health.failing, 1);
    assert_int_equal(world_at(&world, again + 1), NOON + 2 * HOURS);
    assert_int_equal(world_runs(&world, "a", &run), 2);
    assert_int_equal(run.attempt, 2);
    world_close(&world);
}

static void test_a_run_that_is_killed_is_closed_with_its_signal(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; tries = 1; };");
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_dies(&world, "a", 0, 11);
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_string_equal(run.status, TOW_RUN_INTERRUPTED);
    assert_int_equal(run.exit_code, 139);
    assert_non_null(strstr(run.error, "signal 11"));
    assert_int_equal(world_job(&world, "a")->health.failing, 1);
    world_close(&world);
}

static void test_a_run_that_did_not_begin_is_recorded(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; tries = 3; };");
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    strcpy(world_job(&world, "a")->why, "a.cfg:3: there is no such thing");
    world_dies(&world, "a", 2, 0);
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_string_equal(run.status, TOW_RUN_FAILED);
    assert_int_equal(run.exit_code, 2);
    assert_int_equal(run.slot_us, NOON + HOURS);
    assert_string_equal(run.error, "it could not begin: a.cfg:3: there is no such thing");
    /* What is wrong with a job does not pass. */
    assert_int_equal(world_at(&world, NOON + HOURS + 1), NOON + 2 * HOURS);
    world_close(&world);
}

static void test_a_run_that_takes_too_long_is_stopped_whatever_the_clock_does(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; timeout = \"10m\"; };");
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    /* The clock alone. */
    world.now_us = NOON + HOURS + 30 * MINUTES;
    tow_supervisor_step(&world.supervisor, world.now_us);
    assert_int_equal(world.stops, 0);
    world_at(&world, NOON + HOURS + 41 * MINUTES);
    assert_int_equal(world.stops, 1);
    world_ends(&world, "a", TOW_RUN_CANCELLED, 143);
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_string_equal(run.status, TOW_RUN_FAILED);
    assert_non_null(strstr(run.error, "timeout of 600 s"));
    world_close(&world);
}

static void test_a_run_that_just_made_it_has_made_it(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; timeout = \"10m\"; };");
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_at(&world, NOON + HOURS + 10 * MINUTES);
    assert_int_equal(world.stops, 1);
    world_ends(&world, "a", TOW_RUN_OK, 0);
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_string_equal(run.status, TOW_RUN_OK);
    assert_int_equal(world_job(&world, "a")->health.failing, 0);
    world_close(&world);
}

/* ---- dying ---------------------------------------------------------------------------------- */

static void test_a_slot_whose_run_was_never_started_is_run_by_the_next_daemon(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 1);
    /* The agenda is kept; the child was not. */
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + HOURS + MINUTES);
    assert_started(&world, 2, "a", NOON + HOURS);
    assert_int_equal(world.attempt, 1);
    world_does(&world, "a");
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    assert_int_equal(world_at(&world, NOON + HOURS + 2 * MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world_runs(&world, "a", NULL), 1);
    world_close(&world);
}

static void test_a_run_that_ended_without_its_daemon_is_not_run_again(void **fixture)
{
    static const struct tow_counts counts = {.read = 3, .rejected = 3};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_alert alert;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    const struct tow_commit commit = {.job = "a", .run = world.run, .counts = &counts};
    assert_ok(tow_state_run_end(world.supervisor.state, &commit, TOW_RUN_OK, 0, NULL,
                                NOON + HOURS + 5, &err),
              err);
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    assert_int_equal(world_at(&world, NOON + HOURS + MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world.starts, 1);
    /* What it is to be told about is told all the same, once. */
    assert_ok(tow_state_alert_next(world.supervisor.state, &alert, &err), err);
    assert_string_equal(alert.event, "rejects");
    assert_ok(tow_state_alert_remove(world.supervisor.state, alert.id, &err), err);
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + HOURS + 2 * MINUTES);
    assert_int_equal(tow_state_alert_next(world.supervisor.state, &alert, &err), TOW_END);
    world_close(&world);
}

static void test_a_run_that_died_with_its_daemon_is_begun_again(void **fixture)
{
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_restart(&world);
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_string_equal(run.status, TOW_RUN_INTERRUPTED);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + HOURS + MINUTES);
    assert_started(&world, 2, "a", NOON + HOURS);
    world_does(&world, "a");
    world_close(&world);
}

static void test_a_run_that_outlives_its_daemon_is_waited_for(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *other = open_state(*fixture, TOW_STATE_CREATE);
    static const struct tow_counts counts = {.read = 3, .accepted = 3};
    struct tow_lock *lock;
    struct world world;
    int busy;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    assert_ok(tow_state_lock(other, "a", &lock, &busy, &err), err);
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + HOURS + MINUTES);
    assert_int_equal(world_job(&world, "a")->activity, TOW_ACTIVITY_FOREIGN);
    assert_int_equal(world.watched, 1);
    assert_int_equal(world.starts, 1);
    const struct tow_commit commit = {.job = "a", .run = world.run, .counts = &counts};
    assert_ok(tow_state_run_end(other, &commit, TOW_RUN_OK, 0, NULL, NOON + HOURS + 5, &err), err);
    tow_state_unlock(lock);
    tow_supervisor_watched(&world.supervisor, world_job(&world, "a"), NOON + HOURS + MINUTES);
    assert_int_equal(world_at(&world, NOON + HOURS + 2 * MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world.starts, 1);
    assert_int_equal(world.watched, 0);
    world_close(&world);
    tow_state_close(other);
}

static void test_a_run_by_hand_goes_before_a_slot(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *other = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_lock *lock;
    struct world world;
    int busy;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { every = \"1h\"; overlap = \"queue\"; };");
    world_at(&world, NOON + 1);
    assert_ok(tow_state_lock(other, "a", &lock, &busy, &err), err);
    world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 0);
    assert_int_equal(world_job(&world, "a")->activity, TOW_ACTIVITY_FOREIGN);
    assert_int_equal(
        tow_supervisor_run(&world.supervisor, world_job(&world, "a"), world.now_us, &err),
        TOW_E_TRANSIENT);
    assert_says(err, "is running");
    tow_state_unlock(lock);
    tow_supervisor_watched(&world.supervisor, world_job(&world, "a"), NOON + HOURS + MINUTES);
    world_at(&world, NOON + HOURS + MINUTES);
    assert_started(&world, 1, "a", NOON + HOURS);
    world_close(&world);
    tow_state_close(other);
}

/* It was watched since somebody asked for a run; nobody waits for it once it is gone. */
static void test_a_run_by_hand_that_just_ended_is_watched_no_more(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *other = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_lock *lock;
    struct world world;
    int busy;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    assert_ok(tow_state_lock(other, "a", &lock, &busy, &err), err);
    assert_int_equal(
        tow_supervisor_run(&world.supervisor, world_job(&world, "a"), world.now_us, &err),
        TOW_E_TRANSIENT);
    assert_int_equal(world.watched, 1);
    tow_state_unlock(lock);
    world_at(&world, NOON + HOURS);
    assert_started(&world, 1, "a", NOON + HOURS);
    assert_int_equal(world.watched, 0);
    assert_int_equal(world_job(&world, "a")->watch_fd, -1);
    world_does(&world, "a");
    world_close(&world);
    tow_state_close(other);
}

static void test_a_child_that_came_second_leaves_the_slot_to_come(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_dies(&world, "a", 8, 0);
    assert_int_equal(world_runs(&world, "a", NULL), 0);
    world_at(&world, NOON + HOURS + SECONDS);
    assert_int_equal(world.starts, 1); /* not at once again */
    world_at(&world, NOON + HOURS + 11 * SECONDS);
    assert_started(&world, 2, "a", NOON + HOURS);
    world_close(&world);
}

static void test_a_slot_that_another_daemon_has_done_is_done(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    /* Its child does the slot, then ours finds it taken. */
    world_begins(&world, "a");
    static const struct tow_counts counts = {.read = 3, .accepted = 3};
    const struct tow_commit commit = {.job = "a", .run = world.run, .counts = &counts};
    assert_ok(
        tow_state_run_end(world.supervisor.state, &commit, TOW_RUN_OK, 0, NULL, NOON + HOURS, &err),
        err);
    world_job(&world, "a")->floor = world.run;
    world_dies(&world, "a", 8, 0);
    assert_int_equal(world_at(&world, NOON + HOURS + MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world.starts, 1);
    world_close(&world);
}

/* ---- requests, stops, sets ------------------------------------------------------------------ */

static void test_a_run_that_is_asked_for_stands_for_no_slot(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    assert_ok(tow_supervisor_run(&world.supervisor, world_job(&world, "a"), NOON + 2, &err), err);
    assert_int_equal(world.by_hand, 1);
    world_does(&world, "a");
    assert_int_equal(world_runs(&world, "a", &run), 1);
    assert_int_equal(run.slot_us, 0);
    world_at(&world, NOON + HOURS);
    assert_started(&world, 2, "a", NOON + HOURS);
    assert_int_equal(
        tow_supervisor_run(&world.supervisor, world_job(&world, "a"), NOON + HOURS, &err),
        TOW_E_TRANSIENT);
    world_close(&world);
}

static void test_a_drain_starts_nothing_and_what_it_cut_is_gone_on_with(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct world world;

    world_open(&world, *fixture);
    world_take_two(&world, "a", "b", HOURLY);
    world.supervisor.max_runs = 1;
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    assert_started(&world, 1, "a", NOON + HOURS);
    world_begins(&world, "a");
    tow_supervisor_drain(&world.supervisor);
    assert_int_equal(world.stops, 1);
    world_at(&world, NOON + HOURS + 1);
    assert_int_equal(world.starts, 1);
    assert_int_equal(
        tow_supervisor_run(&world.supervisor, world_job(&world, "b"), NOON + HOURS, &err),
        TOW_E_TRANSIENT);
    world_ends(&world, "a", TOW_RUN_CANCELLED, 143);
    assert_int_equal(world_job(&world, "a")->health.failing, 0);
    world_restart(&world);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + HOURS + MINUTES);
    assert_started(&world, 2, "a", NOON + HOURS);
    world_close(&world);
}

static void test_a_job_that_is_taken_away_goes_with_its_run(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct world world;

    world_open(&world, *fixture);
    world_take_two(&world, "a", "b", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 2);
    world_take(&world, "b", HOURLY);
    world_at(&world, NOON + HOURS + 1);
    assert_int_equal(world.supervisor.count, 2);
    assert_int_equal(
        tow_supervisor_run(&world.supervisor, world_job(&world, "a"), world.now_us, &err),
        TOW_E_TRANSIENT);
    world_does(&world, "a");
    world_at(&world, NOON + HOURS + 2);
    assert_int_equal(world.supervisor.count, 1);
    assert_null(tow_supervisor_find(&world.supervisor, "a"));
    world_close(&world);
}

static void test_a_schedule_that_changes_while_the_job_runs_counts_from_then_on(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    world_take(&world, "a", "schedule = { every = \"10m\"; };");
    world_at(&world, NOON + HOURS + 5 * MINUTES);
    world_ends(&world, "a", TOW_RUN_OK, 0);
    assert_int_equal(world_at(&world, NOON + HOURS + 6 * MINUTES), NOON + HOURS + 10 * MINUTES);
    world_at(&world, NOON + HOURS + 10 * MINUTES);
    assert_started(&world, 2, "a", NOON + HOURS + 10 * MINUTES);
    world_close(&world);
}

static void test_sixty_days_of_a_daily_job_are_sixty_runs(void **fixture)
{
    struct world world;
    int64_t at = NOON + 1, end = NOON + 60 * 24 * HOURS;

    world_open(&world, *fixture);
    world_take(&world, "a", "schedule = { frequency = \"daily\"; at = \"03:00\"; };");
    while (at < end) {
        int64_t wake = world_at(&world, at);

        if (world_job(&world, "a")->activity == TOW_ACTIVITY_CHILD) {
            world_does(&world, "a");
            continue;
        }
        assert_true(wake > at);
        at = wake;
    }
    assert_int_equal(world_runs(&world, "a", NULL), 60);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_job_runs_at_its_slots_and_at_no_other_time),
        SCRATCH_TEST(test_runs_wait_for_their_turn_by_their_times),
        SCRATCH_TEST(test_slots_that_come_while_the_job_runs_are_passed_over),
        SCRATCH_TEST(test_a_clock_that_is_set_back_runs_nothing_twice),
        SCRATCH_TEST(test_a_clock_that_is_set_forward_skips_nothing),
        SCRATCH_TEST(test_a_run_that_fails_is_tried_again),
        SCRATCH_TEST(test_a_run_that_is_killed_is_closed_with_its_signal),
        SCRATCH_TEST(test_a_run_that_did_not_begin_is_recorded),
        SCRATCH_TEST(test_a_run_that_takes_too_long_is_stopped_whatever_the_clock_does),
        SCRATCH_TEST(test_a_run_that_just_made_it_has_made_it),
        SCRATCH_TEST(test_a_slot_whose_run_was_never_started_is_run_by_the_next_daemon),
        SCRATCH_TEST(test_a_run_that_ended_without_its_daemon_is_not_run_again),
        SCRATCH_TEST(test_a_run_that_died_with_its_daemon_is_begun_again),
        SCRATCH_TEST(test_a_run_that_outlives_its_daemon_is_waited_for),
        SCRATCH_TEST(test_a_run_by_hand_goes_before_a_slot),
        SCRATCH_TEST(test_a_run_by_hand_that_just_ended_is_watched_no_more),
        SCRATCH_TEST(test_a_child_that_came_second_leaves_the_slot_to_come),
        SCRATCH_TEST(test_a_slot_that_another_daemon_has_done_is_done),
        SCRATCH_TEST(test_a_run_that_is_asked_for_stands_for_no_slot),
        SCRATCH_TEST(test_a_drain_starts_nothing_and_what_it_cut_is_gone_on_with),
        SCRATCH_TEST(test_a_job_that_is_taken_away_goes_with_its_run),
        SCRATCH_TEST(test_a_schedule_that_changes_while_the_job_runs_counts_from_then_on),
        SCRATCH_TEST(test_sixty_days_of_a_daily_job_are_sixty_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
