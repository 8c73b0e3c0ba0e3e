/* Every allocation of what the daemon does with a folder of jobs fails in turn: the call that
 * needed it says so, the set of jobs is the old one or the new one, and nothing leaks (as
 * the address sanitizer sees it). */
#include "unit.h"

#include "daemon/alert_body.h"
#include "daemon/reading.h"
#include "daemon/supervisor.h"
#include "nomem.h"
#include "state_fixture.h"

#define TEXT                                                           \
    "version = 1; job = { name = \"a\"; source = { plugin = \"x\"; };" \
    " sink = { plugin = \"y\"; }; schedule = { every = \"1h\"; };"     \
    " alerts = ( { on = [ \"failure\", \"late\" ]; url = \"http://localhost/\"; } ); };"

/* Tries with ever more allocations allowed, until none fails any more. */
static void exhaust(int (*work)(const struct scratch *scratch, struct tow_error *err),
                    const struct scratch *scratch)
{
    for (long allowed = 0; allowed < 10000; allowed++) {
        struct tow_error err = TOW_ERROR_INIT;

        nomem_after(allowed);
        int rc = work(scratch, &err);
        int failed = nomem_stop();
        if (!failed) {
            assert_ok(rc, err);
            return;
        }
        if (rc && rc != TOW_E_NOMEM)
            fail_msg("after %ld allocations: %s", allowed, err.message);
    }
    fail_msg("it never had enough");
}

static int read_plan(const struct scratch *scratch, struct tow_error *err)
{
    char path[256], text[] = TEXT;
    struct tow_reading_file file = {.path = path, .text = text, .length = strlen(text), .sound = 1};
    struct tow_job_plan plan;
    int rc;

    snprintf(path, sizeof path, "%s/a.cfg", scratch->folder);
    rc = tow_reading_plan(&file, &plan, err);
    if (rc == TOW_OK) {
        assert_string_equal(plan.name, "a");
        assert_int_equal(plan.channel_count, 1);
        tow_job_plan_release(&plan);
    }
    return rc;
}

static void test_reading_a_job(void **fixture)
{
    const struct scratch *scratch = *fixture;
    char path[256];

    snprintf(path, sizeof path, "%s/a.cfg", scratch->folder);
    scratch_write(path, TEXT, strlen(TEXT));
    /* What is made once for all jobs: the zone. */
    struct tow_error err = TOW_ERROR_INIT;
    assert_ok(read_plan(scratch, &err), err);
    exhaust(read_plan, scratch);
}

static int list_folder(const struct scratch *scratch, struct tow_error *err)
{
    static const char *const command[] = {"towpath", NULL};
    struct tow_reading reading = TOW_READING_NONE;
    int rc;

    reading.command = command;
    rc = tow_reading_start(&reading, scratch->folder, err);
    if (rc == TOW_OK)
        assert_int_equal(reading.count, 2);
    tow_reading_release(&reading);
    return rc;
}

static void test_listing_a_folder(void **fixture)
{
    const struct scratch *scratch = *fixture;
    char path[256];

    for (const char *name = "ab"; *name; name++) {
        snprintf(path, sizeof path, "%s/%c.cfg", scratch->folder, *name);
        scratch_write(path, TEXT, strlen(TEXT));
    }
    exhaust(list_folder, scratch);
}

static int take_jobs(const struct scratch *scratch, struct tow_error *err)
{
    struct tow_supervisor supervisor = {.max_runs = 1};
    struct tow_job_plan plans[2] = {{.name = "a"}, {.name = "b"}};
    const int stale[2] = {0, 0};
    int rc = tow_supervisor_take(&supervisor, plans, stale, 2, err);

    (void)scratch;
    assert_int_equal(supervisor.count, rc == TOW_OK ? 2 : 0);
    tow_supervisor_release(&supervisor);
    return rc;
}

static void test_taking_jobs_on(void **fixture)
{
    exhaust(take_jobs, *fixture);
}

static int write_body(const struct scratch *scratch, struct tow_error *err)
{
    static const struct tow_alert_spec specs[] = {
        {.format = TOW_ALERT_JSON}, {.format = TOW_ALERT_SLACK}, {.body = "{\"x\":\"{error}\"}"}};
    const struct tow_alert alert = {.job = "a", .event = "failure", .run = 1};
    struct tow_run run = {.id = 1, .error = "it \"failed\""};
    int rc = TOW_OK;

    (void)scratch;
    for (size_t i = 0; !rc && i < sizeof specs / sizeof specs[0]; i++) {
        struct tow_buffer body = {0};

        rc = tow_alert_body(&specs[i], &alert, &run, "h", &body, err);
        tow_buffer_release(&body);
    }
    return rc;
}

static void test_writing_an_alert(void **fixture)
{
    exhaust(write_body, *fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_reading_a_job),
        SCRATCH_TEST(test_listing_a_folder),
        SCRATCH_TEST(test_taking_jobs_on),
        SCRATCH_TEST(test_writing_an_alert),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
