/* Runs with a route while memory runs out. (SQLite's does not.) */
#include "nomem.h"
#include "route_toys.h"
#include "unit.h"

/* Stays open between the runs: a lock that could not be given back is remembered there. */
static struct tow_state *opened;

static const char *value(int64_t n)
{
    static const char *const values[] = {"web", "Mobile App", NULL, "mail"};

    return values[n / 3 % 4];
}

static const char *name(int64_t n)
{
    static const char *const names[] = {"t_web", "t_mobile_app", NULL, "t_mail"};

    return names[n / 3 % 4];
}

static int has_route(int64_t n)
{
    return value(n) != NULL;
}

static int set_up(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = route_set_up(state);

    route_plan.value = value;
    route_plan.rows = 48;
    route_plan.batch = 16;
    route_plan.repeats = 1;
    fixture->job.route.open = 2;
    fixture->job.tuning.checkpoint_ms = 0;
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

static void fail_each(void)
{
    long number = 0, failed = 0;
    int code;

    while ((code = run_failing(number++)) >= 0) {
        failed += code != TOW_EXIT_OK;
        assert_int_equal(route_far_end->open, 0);
        if (code != TOW_EXIT_OK)
            assert_int_equal(run_failing(-1), TOW_EXIT_OK);
        route_published(48, has_route, name);
    }
    assert_true(failed > 100);
}

static void test_a_run_fails_whole_at_every_allocation(void **state)
{
    (void)state;
    fail_each();
}

static void test_deferred_rows_survive_every_allocation_that_fails(void **state)
{
    (void)state;
    route_plan.lag = 1;
    fixture->job.route.keep_column = 0;
    route_set_flags(TOW_SINK_DEFERS);
    fail_each();
}

int main(void)
{
#define NOMEM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        NOMEM_TEST(test_a_run_fails_whole_at_every_allocation),
        NOMEM_TEST(test_deferred_rows_survive_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
