/* Slots of schedules that runs take, runs closed by others, and what is known of a job's health. */
#include "unit.h"

#include "state_fixture.h"

#define SLOT  INT64_C(1700000000000000)
#define LATER (SLOT + 60 * INT64_C(1000000))

/* Begins a run of "a" for a slot; the class, and *taken. */
static int begin(struct tow_state *state, int64_t slot, int32_t attempt, int64_t *id, int *taken,
                 struct tow_error *err)
{
    const struct tow_run_start start = {.job = "a",
                                        .job_file = "/jobs/a.cfg",
                                        .load_id = "load",
                                        .now_us = slot + 5,
                                        .slot_us = slot,
                                        .attempt = attempt,
                                        .taken = taken};

    *taken = 0;
    return tow_state_run_begin(state, &start, id, err);
}

static int64_t begun(struct tow_state *state, int64_t slot, int32_t attempt)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id;
    int taken;

    assert_ok(begin(state, slot, attempt, &id, &taken, &err), err);
    assert_int_equal(taken, 0);
    return id;
}

static void assert_taken(struct tow_state *state, int64_t slot, int32_t attempt, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id;
    int taken;

    assert_int_equal(begin(state, slot, attempt, &id, &taken, &err), TOW_E_TRANSIENT);
    assert_int_equal(taken, 1);
    assert_int_equal(id, 0);
    assert_says(err, says);
}

static void end_run(struct tow_state *state, int64_t id, const char *status, int exit_code)
{
    const struct tow_counts counts = {.read = 1, .accepted = 1};
    const struct tow_commit commit = {.job = "a", .run = id, .counts = &counts};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_state_run_end(state, &commit, status, exit_code, NULL, SLOT + 9, &err), err);
}

static void test_a_slot_is_taken_once(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;
    int64_t id = begun(state, SLOT, 1);

    end_run(state, id, TOW_RUN_OK, 0);
    assert_taken(state, SLOT, 1, "slot 2023-11-14T22:13:20Z of job a (attempt 1) has been taken");
    assert_ok(tow_state_slot_run(state, "a", SLOT, &run, &err), err);
    assert_int_equal(run.id, id);
    assert_int_equal(run.slot_us, SLOT);
    assert_int_equal(run.attempt, 1);
    assert_int_equal(tow_state_slot_run(state, "a", LATER, &run, &err), TOW_END);
    assert_int_equal(tow_state_slot_run(state, "b", SLOT, &run, &err), TOW_END);
    tow_state_close(state);
}

static void test_a_run_that_failed_needs_a_higher_attempt(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);

    end_run(state, begun(state, SLOT, 1), TOW_RUN_FAILED, 3);
    assert_taken(state, SLOT, 1, "which is failed");
    end_run(state, begun(state, SLOT, 2), TOW_RUN_FAILED, 3);
    assert_taken(state, SLOT, 1, "has been taken by run 2");
    tow_state_close(state);
}

static void test_a_run_that_was_cut_off_is_gone_on_with(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    int64_t first = begun(state, SLOT, 1), second;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;

    /* Whoever begins a run holds the job's lock: the one that is "running" is dead. */
    second = begun(state, SLOT, 1);
    assert_ok(tow_state_run(state, first, &run, &err), err);
    assert_string_equal(run.status, TOW_RUN_INTERRUPTED);
    end_run(state, second, TOW_RUN_CANCELLED, 143);
    begun(state, SLOT, 1);
    tow_state_close(state);
}

static void test_slots_go_forward(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    int64_t far = SLOT + 2 * TOW_AGENDA_BACK_MAX_US;

    end_run(state, begun(state, LATER, 1), TOW_RUN_OK, 0);
    assert_taken(state, SLOT, 1, "has been taken by run 1");
    end_run(state, begun(state, far, 1), TOW_RUN_OK, 0);
    /* A clock that was so far ahead was wrong. */
    begun(state, LATER + 1, 1);
    tow_state_close(state);
}

static void test_runs_without_a_slot_take_none(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id;

    for (int i = 0; i < 2; i++) {
        assert_ok(tow_state_run_begin(state, START("a", "load", 0, 1), &id, &err), err);
        end_run(state, id, TOW_RUN_OK, 0);
    }
    begun(state, SLOT, 1);
    tow_state_close(state);
}

static void test_a_run_is_closed_for_another(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT, why = TOW_ERROR_INIT;
    struct tow_run run;
    int64_t id = begun(state, SLOT, 1);

    tow_error_set(&why, TOW_E_BUG, "killed by signal 11");
    assert_ok(tow_state_running(state, 0, &run, &err), err);
    assert_int_equal(run.id, id);
    assert_ok(tow_state_run_close(state, id, TOW_RUN_INTERRUPTED, 139, &why, SLOT + 7, &err), err);
    assert_ok(tow_state_last_run(state, "a", &run, &err), err);
    assert_string_equal(run.status, TOW_RUN_INTERRUPTED);
    assert_int_equal(run.exit_code, 139);
    assert_int_equal(run.end_us, SLOT + 7);
    assert_string_equal(run.error, "killed by signal 11");
    assert_int_equal(tow_state_running(state, 0, &run, &err), TOW_END);

    id = begun(state, LATER, 1);
    end_run(state, id, TOW_RUN_OK, 0);
    assert_ok(tow_state_run_close(state, id, TOW_RUN_FAILED, 3, &why, SLOT, &err), err);
    assert_ok(tow_state_run(state, id, &run, &err), err);
    assert_string_equal(run.status, TOW_RUN_OK);
    tow_state_close(state);
}

static void test_alerts_are_kept_with_the_health_that_they_tell_of(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_health health = {.judged = 7, .failing = 1}, found;
    const struct tow_alert alerts[] = {
        {.job = "a", .event = "failure", .channel = 1, .run = 7, .created_us = 5, .due_us = 20},
        {.job = "a", .event = "rejects", .run = 7, .created_us = 5, .due_us = 10},
    };
    struct tow_alert next;
    int64_t count;

    assert_int_equal(tow_state_health(state, "a", &found, &err), TOW_END);
    assert_int_equal(found.judged, 0);
    assert_ok(tow_state_health_put(state, "a", &health, alerts, 2, &err), err);
    assert_ok(tow_state_health(state, "a", &found, &err), err);
    assert_memory_equal(&found, &health, sizeof health);

    assert_ok(tow_state_alert_next(state, &next, &err), err);
    assert_string_equal(next.event, "rejects");
    assert_int_equal(next.tries, 0);
    assert_ok(tow_state_alert_delay(state, next.id, 1, 30, &err), err);
    assert_ok(tow_state_alert_next(state, &next, &err), err);
    assert_string_equal(next.event, "failure");
    assert_int_equal(next.channel, 1);
    assert_int_equal(next.run, 7);
    assert_ok(tow_state_alert_remove(state, next.id, &err), err);
    assert_ok(tow_state_alert_next(state, &next, &err), err);
    assert_int_equal(next.tries, 1);
    assert_int_equal(next.due_us, 30);
    assert_ok(tow_state_alert_count(state, &count, &err), err);
    assert_int_equal(count, 1);
    assert_ok(tow_state_alert_remove(state, next.id, &err), err);
    assert_int_equal(tow_state_alert_next(state, &next, &err), TOW_END);
    tow_state_close(state);
}

static void test_a_health_whose_job_has_no_name_is_refused(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_health health = {0};

    assert_int_equal(tow_state_health_put(state, "", &health, NULL, 0, &err), TOW_E_CONFIG);
    tow_state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_slot_is_taken_once),
        SCRATCH_TEST(test_a_run_that_failed_needs_a_higher_attempt),
        SCRATCH_TEST(test_a_run_that_was_cut_off_is_gone_on_with),
        SCRATCH_TEST(test_slots_go_forward),
        SCRATCH_TEST(test_runs_without_a_slot_take_none),
        SCRATCH_TEST(test_a_run_is_closed_for_another),
        SCRATCH_TEST(test_alerts_are_kept_with_the_health_that_they_tell_of),
        SCRATCH_TEST(test_a_health_whose_job_has_no_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
