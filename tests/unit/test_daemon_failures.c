/* What the daemon does where the state, or the making of processes, fails. */
#include "unit.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon_fixture.h"
#include "state/sql.h"

#define HOURLY "schedule = { every = \"1h\"; };"

static void run_sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_what_cannot_be_recorded_is_not_started(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct world world;

    world_open(&world, scratch);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    /* As on a full disk: reading works, writing does not. */
    run_sql(scratch->path, "CREATE TRIGGER no BEFORE INSERT ON agendas BEGIN SELECT "
                           "RAISE(ABORT, 'the disk is full'); END");
    int64_t again = world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 0);
    assert_int_equal(world.supervisor.state_failed, 1);
    assert_non_null(strstr(world.supervisor.state_error, "the disk is full"));
    assert_true(again > NOON + HOURS && again <= NOON + HOURS + TOW_STATE_RETRY_US);
    world_at(&world, again);
    assert_int_equal(world.starts, 0);
    run_sql(scratch->path, "DROP TRIGGER no");
    world_at(&world, again + TOW_STATE_RETRY_US);
    assert_int_equal(world.starts, 1);
    assert_int_equal(world.slot_us, NOON + HOURS);
    assert_int_equal(world.supervisor.state_failed, 0);
    world_close(&world);
}

static void test_a_run_that_ends_while_the_state_fails_is_recorded_later(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_agenda agenda;
    struct world world;

    world_open(&world, scratch);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    run_sql(scratch->path, "CREATE TRIGGER no BEFORE INSERT ON agendas BEGIN SELECT "
                           "RAISE(ABORT, 'the disk is full'); END");
    world_ends(&world, "a", TOW_RUN_OK, 0);
    assert_int_equal(world_job(&world, "a")->unsaved, 1);
    run_sql(scratch->path, "DROP TRIGGER no");
    world_at(&world, NOON + HOURS + 2 * TOW_STATE_RETRY_US);
    assert_int_equal(world_job(&world, "a")->unsaved, 0);
    assert_ok(tow_state_agenda(world.supervisor.state, "a", &agenda, &err), err);
    assert_int_equal(agenda.state, TOW_AGENDA_IDLE);
    assert_int_equal(world.starts, 1);
    world_close(&world);
}

static void test_damage_to_one_job_does_not_stop_the_others(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct world world;

    world_open(&world, scratch);
    world_take_two(&world, "a", "b", HOURLY);
    world_at(&world, NOON + 1);
    run_sql(scratch->path, "CREATE TRIGGER no BEFORE INSERT ON agendas WHEN NEW.job = 'a' BEGIN "
                           "SELECT RAISE(ABORT, 'damaged'); END");
    world_at(&world, NOON + HOURS);
    assert_int_equal(world.starts, 1);
    assert_string_equal(world.started, "b");
    world_does(&world, "b");
    world_at(&world, NOON + 2 * HOURS);
    assert_int_equal(world.starts, 2);
    assert_string_equal(world.started, "b");
    world_close(&world);
}

static void test_a_process_that_cannot_be_started_is_started_later(void **fixture)
{
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world.fail_start = 1;
    assert_int_equal(world_at(&world, NOON + HOURS), NOON + HOURS + TOW_HOLD_US);
    assert_int_equal(world_runs(&world, "a", NULL), 0);
    world.fail_start = 0;
    world_at(&world, NOON + HOURS + TOW_HOLD_US);
    assert_int_equal(world.starts, 1);
    assert_int_equal(world.slot_us, NOON + HOURS);
    assert_int_equal(world.attempt, 1);
    world_close(&world);
}

static void test_without_a_state_nothing_is_done(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    tow_state_close(world.supervisor.state);
    world.supervisor.state = NULL;
    assert_int_equal(world_at(&world, NOON + HOURS), NOON + HOURS + TOW_STATE_RETRY_US);
    assert_int_equal(world.starts, 0);
    assert_int_equal(tow_supervisor_run(&world.supervisor, world_job(&world, "a"), NOON, &err),
                     TOW_E_ENV);
    world_close(&world);
}

static void test_a_run_that_ends_while_there_is_no_state_is_not_run_again(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_state *state;
    struct world world;

    world_open(&world, scratch);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    world_begins(&world, "a");
    /* The child could end its run before the state failed. */
    static const struct tow_counts counts = {.read = 3, .accepted = 3};
    const struct tow_commit commit = {.job = "a", .run = world.run, .counts = &counts};
    struct tow_error err = TOW_ERROR_INIT;
    assert_ok(
        tow_state_run_end(world.supervisor.state, &commit, TOW_RUN_OK, 0, NULL, NOON + HOURS, &err),
        err);
    state = world.supervisor.state;
    world.supervisor.state = NULL;
    strcpy(world.supervisor.state_error, "it is gone");
    world_dies(&world, "a", 0, 0);
    assert_int_equal(world_job(&world, "a")->unsaved, 1);
    world_at(&world, NOON + HOURS + SECONDS);
    world.supervisor.state = state;
    assert_int_equal(world_at(&world, NOON + HOURS + MINUTES), NOON + 2 * HOURS);
    assert_int_equal(world_job(&world, "a")->unsaved, 0);
    assert_int_equal(world.starts, 1);
    world_close(&world);
}

static void test_a_child_that_came_second_while_there_is_no_state(void **fixture)
{
    struct tow_state *state;
    struct world world;

    world_open(&world, *fixture);
    world_take(&world, "a", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    state = world.supervisor.state;
    world.supervisor.state = NULL;
    world_dies(&world, "a", 8, 0);
    world.supervisor.state = state;
    world_at(&world, NOON + HOURS + MINUTES);
    world_at(&world, NOON + HOURS + 30 * MINUTES);
    assert_int_equal(world.starts, 2);
    assert_int_equal(world.slot_us, NOON + HOURS);
    world_close(&world);
}

static void test_a_slot_that_waits_is_late_once(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_alert alert;
    struct world world;
    int64_t count;

    world_open(&world, *fixture);
    world.supervisor.max_runs = 1;
    world_take_two(&world, "a", "b", HOURLY);
    world_at(&world, NOON + 1);
    world_at(&world, NOON + HOURS);
    assert_string_equal(world.started, "a");
    world_begins(&world, "a");
    assert_int_equal(world_at(&world, NOON + HOURS + MINUTES), NOON + HOURS + 10 * MINUTES);
    for (int i = 10; i < 40; i += 10)
        world_at(&world, NOON + HOURS + i * MINUTES);
    assert_ok(tow_state_alert_count(world.supervisor.state, &count, &err), err);
    assert_int_equal(count, 1);
    assert_ok(tow_state_alert_next(world.supervisor.state, &alert, &err), err);
    assert_string_equal(alert.event, "late");
    assert_string_equal(alert.job, "b");
    assert_int_equal(alert.slot_us, NOON + HOURS);
    world_ends(&world, "a", TOW_RUN_OK, 0);
    world_at(&world, NOON + HOURS + 40 * MINUTES);
    assert_string_equal(world.started, "b");
    assert_int_equal(world_job(&world, "b")->health.late, 1);
    world_does(&world, "b");
    world_at(&world, NOON + 2 * HOURS);
    world_does(&world, "a");
    world_at(&world, NOON + 2 * HOURS + SECONDS);
    assert_int_equal(world_job(&world, "b")->health.late, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_cannot_be_recorded_is_not_started),
        SCRATCH_TEST(test_a_run_that_ends_while_the_state_fails_is_recorded_later),
        SCRATCH_TEST(test_damage_to_one_job_does_not_stop_the_others),
        SCRATCH_TEST(test_a_process_that_cannot_be_started_is_started_later),
        SCRATCH_TEST(test_without_a_state_nothing_is_done),
        SCRATCH_TEST(test_a_run_that_ends_while_there_is_no_state_is_not_run_again),
        SCRATCH_TEST(test_a_child_that_came_second_while_there_is_no_state),
        SCRATCH_TEST(test_a_slot_that_waits_is_late_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
