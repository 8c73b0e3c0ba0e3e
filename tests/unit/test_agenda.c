/* What a scheduler does with a job, case by case. Times count from an arbitrary midnight. */
#include "unit.h"

#include "schedule/agenda.h"
#include "schedule_fixture.h"

#define START   (INT64_C(20000) * DAYS)
#define T(h, m) (START + (h)*HOURS + (m)*MINUTES)

struct world {
    struct tow_schedule schedule;
    struct tow_agenda agenda;
    struct tow_agenda_step step;
};

/* Hourly, known since START. */
static struct world world_of(struct tow_schedule schedule)
{
    struct world world = {.schedule = schedule, .agenda = TOW_AGENDA_NEW};

    tow_agenda_adopt(&world.schedule, &world.agenda, 1, START);
    return world;
}

static struct world hourly(void)
{
    return world_of(fixture_every(HOURS));
}

static void ask(struct world *world, int64_t now)
{
    tow_agenda_decide(&world->schedule, &world->agenda, now, &world->step);
}

static void assert_waits(struct world *world, int64_t now, int64_t until)
{
    ask(world, now);
    assert_int_equal(world->step.action, TOW_AGENDA_WAIT);
    assert_int_equal(world->step.wake_us, until);
}

/* It says so, and it is done. */
static void assert_starts(struct world *world, int64_t now, int64_t slot, int attempt)
{
    ask(world, now);
    assert_int_equal(world->step.action, TOW_AGENDA_START);
    assert_int_equal(world->step.slot_us, slot);
    assert_int_equal(world->step.attempt, attempt);
    tow_agenda_started(&world->agenda, &world->step, now);
}

static void assert_skips(struct world *world, int64_t now, int64_t slot, int64_t passed)
{
    ask(world, now);
    assert_int_equal(world->step.action, TOW_AGENDA_SKIP);
    assert_int_equal(world->step.slot_us, slot);
    assert_int_equal(world->step.passed, passed);
    tow_agenda_skipped(&world->agenda, &world->step);
}

static void ends(struct world *world, enum tow_agenda_outcome outcome, int64_t now)
{
    tow_agenda_ended(&world->schedule, &world->agenda, outcome, now);
}

static void done(struct world *world)
{
    tow_schedule_release(&world->schedule);
}

/* ---- slots ---------------------------------------------------------------------------------- */

static void test_a_new_job_waits_for_its_first_slot_and_runs_each_once(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_waits(&world, T(0, 0), T(1, 0));
    assert_waits(&world, T(0, 59), T(1, 0));
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    assert_waits(&world, T(1, 1), T(2, 0));
    ends(&world, TOW_AGENDA_OK, T(1, 10));
    assert_waits(&world, T(1, 10), T(2, 0));
    assert_starts(&world, T(2, 0) + 3, T(2, 0), 1);
    assert_int_equal(world.step.passed, 0);
    done(&world);
}

static void test_missed_slots_are_one_run_that_stands_for_the_newest(void **state)
{
    struct world world = hourly();

    (void)state;
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(5, 30));
    assert_starts(&world, T(5, 30), T(5, 0), 1);
    assert_int_equal(world.step.passed, 4);
    ends(&world, TOW_AGENDA_OK, T(5, 40));
    assert_waits(&world, T(5, 40), T(6, 0));
    done(&world);
}

static void test_missed_slots_are_left_alone_with_none(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.catch_up = TOW_CATCH_UP_NONE;
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(5, 30));
    assert_waits(&world, T(5, 30), T(6, 0));
    /* A daemon that is at work, and late, misses nothing. */
    tow_agenda_adopt(&world.schedule, &world.agenda, 0, T(6, 0) + 5);
    assert_starts(&world, T(6, 1), T(6, 0), 1);
    done(&world);
}

static void test_with_none_a_slot_is_missed_only_when_its_due_time_has_passed(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.catch_up = TOW_CATCH_UP_NONE;
    world.schedule.jitter_us = 59 * MINUTES;
    int64_t due = tow_schedule_due(&world.schedule, T(5, 0));
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, due - 1);
    assert_waits(&world, due - 1, due);
    assert_starts(&world, due, T(5, 0), 1);
    done(&world);
}

static void test_with_all_missed_slots_run_one_by_one(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.catch_up = TOW_CATCH_UP_ALL;
    world.schedule.overlap = TOW_OVERLAP_QUEUE;
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(3, 30));
    for (int hour = 1; hour <= 4; hour++) {
        assert_starts(&world, T(3, 30 + hour * 10), T(hour, 0), 1);
        assert_int_equal(world.step.passed, 0);
        assert_waits(&world, T(3, 31 + hour * 10), TOW_SLOT_NEVER);
        ends(&world, TOW_AGENDA_OK, T(3, 35 + hour * 10));
    }
    assert_waits(&world, T(4, 15), T(5, 0));
    done(&world);
}

static void test_with_all_a_slot_that_failed_is_tried_before_newer_ones(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.catch_up = TOW_CATCH_UP_ALL;
    world.schedule.overlap = TOW_OVERLAP_QUEUE;
    assert_starts(&world, T(3, 30), T(1, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(3, 31));
    assert_waits(&world, T(3, 31), T(3, 32));
    assert_starts(&world, T(3, 32), T(1, 0), 2);
    ends(&world, TOW_AGENDA_OK, T(3, 33));
    assert_starts(&world, T(3, 33), T(2, 0), 1);
    done(&world);
}

static void test_jitter_moves_the_start_and_not_the_slot(void **state)
{
    struct world world = hourly();
    int64_t due;

    (void)state;
    world.schedule.jitter_us = 10 * MINUTES;
    due = tow_schedule_due(&world.schedule, T(1, 0));
    assert_true(due > T(1, 0));
    assert_waits(&world, T(0, 5), due);
    assert_waits(&world, T(1, 0), due);
    assert_starts(&world, due, T(1, 0), 1);
    done(&world);
}

static void test_missed_slots_are_taken_up_to_the_one_that_is_due(void **state)
{
    struct world world = hourly();
    int64_t now;

    (void)state;
    world.schedule.jitter_us = 30 * MINUTES;
    now = tow_schedule_due(&world.schedule, T(5, 0)) - 1;
    assert_starts(&world, now, T(4, 0), 1);
    assert_int_equal(world.step.passed, 3);
    ends(&world, TOW_AGENDA_OK, now);
    assert_waits(&world, now, now + 1);
    assert_starts(&world, now + 1, T(5, 0), 1);
    done(&world);
}

/* ---- once, at once, all the time ------------------------------------------------------------ */

static void test_once_is_its_first_slot(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.once = 1;
    assert_waits(&world, T(0, 30), T(1, 0));
    assert_starts(&world, T(4, 0), T(1, 0), 1);
    assert_waits(&world, T(4, 10), TOW_SLOT_NEVER);
    ends(&world, TOW_AGENDA_FAILED, T(4, 20));
    assert_waits(&world, T(4, 20), T(4, 21));
    assert_starts(&world, T(4, 21), T(1, 0), 2);
    ends(&world, TOW_AGENDA_OK, T(4, 30));
    assert_waits(&world, T(4, 30), TOW_SLOT_NEVER);
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(9, 0));
    assert_waits(&world, T(9, 0), TOW_SLOT_NEVER);
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(9, 0)),
                     TOW_SLOT_NEVER);
    done(&world);
}

static void test_at_once_is_when_the_job_is_taken_on(void **state)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_AT_ONCE, "UTC");
    struct world world;

    (void)state;
    schedule.once = 1;
    tow_schedule_seal(&schedule, "job");
    world = world_of(schedule);
    assert_starts(&world, T(0, 1), START, 1);
    ends(&world, TOW_AGENDA_OK, T(0, 2));
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(9, 0));
    assert_waits(&world, T(9, 0), TOW_SLOT_NEVER);
    done(&world);
}

static void test_a_first_run_at_once_is_followed_by_slots(void **state)
{
    struct tow_schedule schedule = fixture_every(HOURS);
    struct world world;

    (void)state;
    schedule.first_run = TOW_FIRST_RUN_NOW;
    world = world_of(schedule);
    assert_starts(&world, T(0, 0), START, 1);
    ends(&world, TOW_AGENDA_OK, T(0, 5));
    assert_waits(&world, T(0, 5), T(1, 0));
    /* Another schedule is no new job. */
    world.schedule.every_us = 2 * HOURS;
    tow_schedule_seal(&world.schedule, "job");
    tow_agenda_adopt(&world.schedule, &world.agenda, 0, T(0, 10));
    assert_waits(&world, T(0, 10), T(2, 0));
    done(&world);
}

static struct world continuous(void)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_CONTINUOUS, "UTC");

    tow_schedule_seal(&schedule, "job");
    return world_of(schedule);
}

static void test_a_continuous_job_starts_again_when_it_ends(void **state)
{
    struct world world = continuous();

    (void)state;
    assert_starts(&world, T(0, 1), T(0, 1), 1);
    assert_waits(&world, T(5, 0), TOW_SLOT_NEVER);
    ends(&world, TOW_AGENDA_OK, T(6, 0));
    assert_waits(&world, T(6, 0), T(6, 0) + TOW_AGENDA_PAUSE_US);
    assert_starts(&world, T(6, 0) + TOW_AGENDA_PAUSE_US, T(6, 0) + TOW_AGENDA_PAUSE_US, 1);
    ends(&world, TOW_AGENDA_STOPPED, T(7, 0));
    assert_starts(&world, T(7, 1), T(7, 1), 1);
    done(&world);
}

static void test_a_continuous_job_that_fails_waits_longer_and_longer(void **state)
{
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct world world = continuous();
    int64_t now = T(0, 0);

    (void)state;
    assert_starts(&world, now, now, 1);
    for (int i = 0; i < 9; i++) {
        ends(&world, i % 2 ? TOW_AGENDA_REFUSED : TOW_AGENDA_FAILED, now);
        assert_waits(&world, now, now + waits[i] * MINUTES);
        now += waits[i] * MINUTES;
        assert_starts(&world, now, now, i + 2);
    }
    /* One that was well for long begins anew. */
    now += 5 * HOURS;
    ends(&world, TOW_AGENDA_FAILED, now);
    assert_waits(&world, now, now + MINUTES);
    done(&world);
}

/* ---- overlap -------------------------------------------------------------------------------- */

static void test_slots_during_a_run_are_passed_over(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    assert_waits(&world, T(1, 30), T(2, 0));
    assert_skips(&world, T(2, 0), T(2, 0), 1);
    assert_waits(&world, T(2, 0), T(3, 0));
    assert_skips(&world, T(5, 10), T(5, 0), 3);
    ends(&world, TOW_AGENDA_OK, T(5, 20));
    assert_waits(&world, T(5, 20), T(6, 0));
    done(&world);
}

static void test_slots_during_a_run_wait_as_one(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.overlap = TOW_OVERLAP_QUEUE;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    assert_waits(&world, T(3, 30), TOW_SLOT_NEVER);
    ends(&world, TOW_AGENDA_OK, T(3, 40));
    assert_starts(&world, T(3, 40), T(3, 0), 1);
    assert_int_equal(world.step.passed, 1);
    done(&world);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void test_a_failed_run_is_tried_again_as_often_as_the_schedule_says(void **state)
{
    struct world world = world_of(fixture_every(DAYS));

    (void)state;
    assert_starts(&world, T(24, 0), T(24, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(24, 5));
    assert_waits(&world, T(24, 5), T(24, 6));
    assert_starts(&world, T(24, 6), T(24, 0), 2);
    ends(&world, TOW_AGENDA_FAILED, T(24, 7));
    assert_waits(&world, T(24, 7), T(24, 9));
    assert_starts(&world, T(24, 9), T(24, 0), 3);
    ends(&world, TOW_AGENDA_FAILED, T(24, 10));
    assert_waits(&world, T(24, 10), T(48, 0));
    done(&world);
}

static void test_a_run_that_passed_slots_over_is_tried_again_for_its_own(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    assert_skips(&world, T(2, 0), T(2, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(2, 10));
    assert_starts(&world, T(2, 11), T(1, 0), 2);
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(2, 20));
    assert_waits(&world, T(2, 20), T(2, 21));
    assert_starts(&world, T(2, 21), T(1, 0), 2);
    ends(&world, TOW_AGENDA_OK, T(2, 30));
    assert_waits(&world, T(2, 30), T(3, 0));
    done(&world);
}

static void test_a_newer_slot_takes_the_place_of_a_try(void **state)
{
    struct world world = hourly();

    (void)state;
    world.schedule.retry_wait_us = 20 * MINUTES;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(1, 50));
    assert_waits(&world, T(1, 50), T(2, 0));
    assert_starts(&world, T(2, 0), T(2, 0), 1);
    ends(&world, TOW_AGENDA_OK, T(2, 10));
    assert_waits(&world, T(2, 15), T(3, 0));
    done(&world);
}

static void test_what_would_fail_again_is_not_tried_again(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    ends(&world, TOW_AGENDA_REFUSED, T(1, 1));
    assert_waits(&world, T(1, 10), T(2, 0));
    assert_starts(&world, T(2, 0), T(2, 0), 1);
    ends(&world, TOW_AGENDA_STOPPED, T(2, 1));
    assert_waits(&world, T(2, 10), T(3, 0));
    done(&world);
}

static void test_exit_codes_are_outcomes(void **state)
{
    (void)state;
    assert_int_equal(tow_agenda_outcome_of(0, 0), TOW_AGENDA_OK);
    assert_int_equal(tow_agenda_outcome_of(1, 0), TOW_AGENDA_FAILED);
    assert_int_equal(tow_agenda_outcome_of(2, 0), TOW_AGENDA_REFUSED);
    assert_int_equal(tow_agenda_outcome_of(3, 0), TOW_AGENDA_FAILED);
    assert_int_equal(tow_agenda_outcome_of(4, 0), TOW_AGENDA_REFUSED);
    assert_int_equal(tow_agenda_outcome_of(5, 0), TOW_AGENDA_REFUSED);
    assert_int_equal(tow_agenda_outcome_of(6, 0), TOW_AGENDA_FAILED);
    assert_int_equal(tow_agenda_outcome_of(8, 0), TOW_AGENDA_FAILED);
    assert_int_equal(tow_agenda_outcome_of(143, 0), TOW_AGENDA_STOPPED);
    assert_int_equal(tow_agenda_outcome_of(0, 11), TOW_AGENDA_FAILED);
}

/* ---- a scheduler that died ------------------------------------------------------------------ */

static void test_a_run_that_broke_off_is_begun_again_and_costs_no_try(void **state)
{
    struct world world = world_of(fixture_every(DAYS));

    (void)state;
    world.schedule.tries = 1;
    assert_starts(&world, T(24, 0), T(24, 0), 1);
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(24, 30));
    assert_starts(&world, T(24, 30), T(24, 0), 1);
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(24, 40));
    assert_starts(&world, T(24, 40), T(24, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(24, 50));
    assert_waits(&world, T(24, 50), T(48, 0));
    done(&world);
}

static void test_a_newer_slot_stands_for_a_run_that_broke_off(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(3, 30));
    assert_starts(&world, T(3, 30), T(3, 0), 1);
    assert_int_equal(world.step.passed, 1);
    done(&world);
}

static void test_a_run_that_went_on_without_the_scheduler_is_done(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    ends(&world, TOW_AGENDA_OK, T(1, 20));
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(1, 30));
    assert_waits(&world, T(1, 30), T(2, 0));
    done(&world);
}

static void test_files_that_are_read_again_change_nothing(void **state)
{
    struct world world = hourly();
    struct tow_agenda before;

    (void)state;
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    before = world.agenda;
    tow_agenda_adopt(&world.schedule, &world.agenda, 0, T(2, 30));
    assert_memory_equal(&before, &world.agenda, sizeof before);
    assert_skips(&world, T(2, 30), T(2, 0), 1);
    done(&world);
}

static void test_a_changed_schedule_counts_from_its_change(void **state)
{
    struct world world = world_of(fixture_every(DAYS));

    (void)state;
    assert_starts(&world, T(24, 0), T(24, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(24, 1));
    world.schedule.every_us = HOURS;
    tow_schedule_seal(&world.schedule, "job");
    tow_agenda_adopt(&world.schedule, &world.agenda, 0, T(34, 30));
    assert_waits(&world, T(34, 30), T(35, 0));
    done(&world);
}

static void test_a_run_of_the_old_schedule_is_not_tried_by_the_new_one(void **state)
{
    struct world world = world_of(fixture_every(DAYS));

    (void)state;
    assert_starts(&world, T(24, 0), T(24, 0), 1);
    world.schedule.every_us = HOURS;
    tow_schedule_seal(&world.schedule, "job");
    tow_agenda_adopt(&world.schedule, &world.agenda, 0, T(24, 30));
    ends(&world, TOW_AGENDA_FAILED, T(24, 40));
    assert_waits(&world, T(24, 40), T(25, 0));
    done(&world);
}

/* ---- by hand -------------------------------------------------------------------------------- */

static void test_a_run_by_hand_stands_for_no_slot(void **state)
{
    struct world world = hourly();

    (void)state;
    tow_agenda_started_by_hand(&world.agenda, T(0, 30));
    assert_skips(&world, T(1, 0), T(1, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(1, 10));
    assert_waits(&world, T(1, 10), T(2, 0));
    tow_agenda_started_by_hand(&world.agenda, T(1, 20));
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(1, 30));
    assert_waits(&world, T(1, 30), T(2, 0));
    done(&world);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static void test_a_clock_that_jumps_back_runs_no_slot_twice(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_starts(&world, T(5, 0), T(5, 0), 1);
    ends(&world, TOW_AGENDA_OK, T(5, 1));
    assert_waits(&world, T(2, 30), T(6, 0));
    assert_waits(&world, T(5, 0), T(6, 0));
    assert_starts(&world, T(6, 0), T(6, 0), 1);
    done(&world);
}

static void test_a_clock_that_jumps_forward_skips_no_slot(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_waits(&world, T(0, 30), T(1, 0));
    assert_starts(&world, T(7, 30), T(7, 0), 1);
    assert_int_equal(world.step.passed, 6);
    done(&world);
}

static void test_a_clock_that_was_years_ahead_is_forgotten(void **state)
{
    struct world world = hourly();
    int64_t wrong = T(24 * 365 * 9, 0);

    (void)state;
    assert_starts(&world, wrong, wrong, 1);
    ends(&world, TOW_AGENDA_OK, wrong + MINUTES);
    assert_skips(&world, T(0, 30), T(0, 30), 0);
    assert_waits(&world, T(0, 30), T(1, 0));
    assert_starts(&world, T(1, 0), T(1, 0), 1);
    done(&world);
}

static void test_a_job_that_was_taken_on_by_a_wrong_clock_still_runs_once(void **state)
{
    struct tow_schedule schedule = fixture_plain(TOW_SCHEDULE_AT_ONCE, "UTC");
    struct world world = {.schedule = schedule, .agenda = TOW_AGENDA_NEW};

    (void)state;
    world.schedule.once = 1;
    tow_schedule_seal(&world.schedule, "job");
    tow_agenda_adopt(&world.schedule, &world.agenda, 1, T(24 * 365, 0));
    assert_skips(&world, T(0, 30), T(0, 30), 0);
    assert_starts(&world, T(0, 30), T(0, 30), 1);
    ends(&world, TOW_AGENDA_OK, T(0, 31));
    assert_waits(&world, T(0, 31), TOW_SLOT_NEVER);
    done(&world);
}

static void test_a_wait_that_began_in_the_future_is_over(void **state)
{
    struct world world = world_of(fixture_every(DAYS));

    (void)state;
    assert_starts(&world, T(24, 0), T(24, 0), 1);
    ends(&world, TOW_AGENDA_FAILED, T(26, 0));
    assert_starts(&world, T(25, 0), T(24, 0), 2);
    done(&world);
}

/* ---- for people ----------------------------------------------------------------------------- */

static void test_the_next_start_is_told(void **state)
{
    struct world world = hourly();

    (void)state;
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(0, 5)), T(1, 0));
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(1, 5)), T(1, 5));
    assert_starts(&world, T(1, 5), T(1, 0), 1);
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(1, 6)), T(2, 0));
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(2, 6)), T(3, 0));
    world.schedule.overlap = TOW_OVERLAP_QUEUE;
    assert_int_equal(tow_agenda_next_start(&world.schedule, &world.agenda, T(1, 6)), T(2, 0));
    done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_job_waits_for_its_first_slot_and_runs_each_once),
        cmocka_unit_test(test_missed_slots_are_one_run_that_stands_for_the_newest),
        cmocka_unit_test(test_missed_slots_are_left_alone_with_none),
        cmocka_unit_test(test_with_none_a_slot_is_missed_only_when_its_due_time_has_passed),
        cmocka_unit_test(test_with_all_missed_slots_run_one_by_one),
        cmocka_unit_test(test_with_all_a_slot_that_failed_is_tried_before_newer_ones),
        cmocka_unit_test(test_jitter_moves_the_start_and_not_the_slot),
        cmocka_unit_test(test_missed_slots_are_taken_up_to_the_one_that_is_due),
        cmocka_unit_test(test_once_is_its_first_slot),
        cmocka_unit_test(test_at_once_is_when_the_job_is_taken_on),
        cmocka_unit_test(test_a_first_run_at_once_is_followed_by_slots),
        cmocka_unit_test(test_a_continuous_job_starts_again_when_it_ends),
        cmocka_unit_test(test_a_continuous_job_that_fails_waits_longer_and_longer),
        cmocka_unit_test(test_slots_during_a_run_are_passed_over),
        cmocka_unit_test(test_slots_during_a_run_wait_as_one),
        cmocka_unit_test(test_a_failed_run_is_tried_again_as_often_as_the_schedule_says),
        cmocka_unit_test(test_a_run_that_passed_slots_over_is_tried_again_for_its_own),
        cmocka_unit_test(test_a_newer_slot_takes_the_place_of_a_try),
        cmocka_unit_test(test_what_would_fail_again_is_not_tried_again),
        cmocka_unit_test(test_exit_codes_are_outcomes),
        cmocka_unit_test(test_a_run_that_broke_off_is_begun_again_and_costs_no_try),
        cmocka_unit_test(test_a_newer_slot_stands_for_a_run_that_broke_off),
        cmocka_unit_test(test_a_run_that_went_on_without_the_scheduler_is_done),
        cmocka_unit_test(test_files_that_are_read_again_change_nothing),
        cmocka_unit_test(test_a_changed_schedule_counts_from_its_change),
        cmocka_unit_test(test_a_run_of_the_old_schedule_is_not_tried_by_the_new_one),
        cmocka_unit_test(test_a_run_by_hand_stands_for_no_slot),
        cmocka_unit_test(test_a_clock_that_jumps_back_runs_no_slot_twice),
        cmocka_unit_test(test_a_clock_that_jumps_forward_skips_no_slot),
        cmocka_unit_test(test_a_clock_that_was_years_ahead_is_forgotten),
        cmocka_unit_test(test_a_job_that_was_taken_on_by_a_wrong_clock_still_runs_once),
        cmocka_unit_test(test_a_wait_that_began_in_the_future_is_over),
        cmocka_unit_test(test_the_next_start_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
