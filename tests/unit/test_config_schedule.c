/* The `schedule` section of a job file: what it becomes, and what is wrong with it. */
#include "unit.h"

#include "config_fixture.h"

#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)
#define HOURS   (60 * MINUTES)

/* The section stands in line 4. */
#define JOB(section)                                                      \
    "version = 1;\njob = { name = \"j\"; source = { plugin = \"a\"; };\n" \
    "sink = { plugin = \"b\"; };\nschedule = {" section "}; };\n"

static void load(const char *text, struct tow_job *job)
{
    config_load(text, job);
    assert_int_equal(job->has_schedule, 1);
    assert_non_null(job->schedule.zone);
    assert_int_not_equal(job->schedule.fingerprint, 0);
}

/* What people are told of it, which names what was understood. */
static void assert_reads(const char *text, enum tow_schedule_kind kind, const char *expected)
{
    struct tow_job job;

    load(text, &job);
    assert_int_equal(job.schedule.kind, kind);
    assert_string_equal(job.schedule.text, expected);
    tow_job_release(&job);
}

static void test_each_rule_is_read(void **state)
{
    (void)state;
    assert_reads(JOB("every = \"90m\";"), TOW_SCHEDULE_EVERY, "every 1h30m");
    assert_reads(JOB("cron = \"@daily\"; timezone = \"Asia/Tokyo\";"), TOW_SCHEDULE_CRON,
                 "cron @daily in Asia/Tokyo");
    assert_reads(JOB("frequency = \"hourly\"; at = \":07\";"), TOW_SCHEDULE_HOURLY,
                 "hourly at :07 in UTC");
    assert_reads(JOB("frequency = \"daily\"; at = \"2:05pm\";"), TOW_SCHEDULE_DAILY,
                 "daily at 14:05 in UTC");
    assert_reads(JOB("frequency = \"weekly\"; day_of_week = \"fri\"; at = \"23:59\";"),
                 TOW_SCHEDULE_WEEKLY, "weekly on fri at 23:59 in UTC");
    assert_reads(JOB("frequency = \"monthly\"; day_of_month = 31;"), TOW_SCHEDULE_MONTHLY,
                 "monthly on day 31 at 00:00 in UTC");
    assert_reads(JOB("frequency = \"continuous\";"), TOW_SCHEDULE_CONTINUOUS, "continuous");
    assert_reads(JOB("keep_updated = true;"), TOW_SCHEDULE_EVERY, "every 15m");
    assert_reads(JOB("keep_updated = false;"), TOW_SCHEDULE_AT_ONCE, "once, at once");
    assert_reads(JOB("keep_updated = false; frequency = \"daily\";"), TOW_SCHEDULE_DAILY,
                 "daily at 00:00 in UTC, once");
}

static void test_what_is_not_said_has_a_value(void **state)
{
    struct tow_job job;

    (void)state;
    load(JOB("frequency = \"weekly\";"), &job);
    assert_int_equal(job.schedule.cron.weekdays, 2);
    assert_int_equal(job.schedule.cron.minutes, 1);
    assert_int_equal(job.schedule.cron.hours, 1);
    assert_int_equal(job.schedule.cron.clamp, 0);
    assert_int_equal(job.schedule.overlap, TOW_OVERLAP_SKIP);
    assert_int_equal(job.schedule.catch_up, TOW_CATCH_UP_LATEST);
    assert_int_equal(job.schedule.first_run, TOW_FIRST_RUN_SLOT);
    assert_int_equal(job.schedule.once, 0);
    assert_int_equal(job.schedule.jitter_us, 0);
    assert_int_equal(job.schedule.timeout_us, 0);
    assert_int_equal(job.schedule.tries, 3);
    assert_int_equal(job.schedule.retry_wait_us, MINUTES);
    assert_string_equal(tow_zone_name(job.schedule.zone), "UTC");
    tow_job_release(&job);
}

static void test_all_that_is_said_is_taken(void **state)
{
    struct tow_job job;

    (void)state;
    load(JOB("frequency = \"monthly\"; day_of_month = 3; at = \"01:30\"; timezone = "
             "\"Europe/Berlin\"; jitter = \"90s\"; timeout = \"2h\"; overlap = \"queue\"; catch_up "
             "= \"all\"; keep_updated = false; first_run = \"now\"; tries = 7; retry_wait = "
             "\"10s\";"),
         &job);
    assert_int_equal(job.schedule.cron.days, 8);
    assert_int_equal(job.schedule.cron.clamp, 1);
    assert_int_equal(job.schedule.cron.hours, 2);
    assert_int_equal(job.schedule.cron.minutes, INT64_C(1) << 30);
    assert_int_equal(job.schedule.cron.any_of_days, 0);
    assert_int_equal(job.schedule.overlap, TOW_OVERLAP_QUEUE);
    assert_int_equal(job.schedule.catch_up, TOW_CATCH_UP_ALL);
    assert_int_equal(job.schedule.first_run, TOW_FIRST_RUN_NOW);
    assert_int_equal(job.schedule.once, 1);
    assert_int_equal(job.schedule.jitter_us, 90 * SECONDS);
    assert_int_equal(job.schedule.timeout_us, 2 * HOURS);
    assert_int_equal(job.schedule.tries, 7);
    assert_int_equal(job.schedule.retry_wait_us, 10 * SECONDS);
    assert_string_equal(tow_zone_name(job.schedule.zone), "Europe/Berlin");
    tow_job_release(&job);
}

static void test_all_slots_queue(void **state)
{
    struct tow_job job;

    (void)state;
    load(JOB("every = \"1h\"; catch_up = \"all\";"), &job);
    assert_int_equal(job.schedule.overlap, TOW_OVERLAP_QUEUE);
    tow_job_release(&job);
}

static void test_a_job_without_the_section_has_no_schedule(void **state)
{
    struct tow_job job;

    (void)state;
    config_load("version = 1;\njob = { name = \"j\"; source = { plugin = \"a\"; };\n"
                "sink = { plugin = \"b\"; }; };\n",
                &job);
    assert_int_equal(job.has_schedule, 0);
    tow_job_release(&job);
}

static void test_two_jobs_have_two_jitters_and_one_fingerprint(void **state)
{
    struct tow_job one, two;

    (void)state;
    load(JOB("every = \"1h\"; jitter = \"30m\";"), &one);
    config_load("version = 1;\njob = { name = \"k\"; source = { plugin = \"a\"; };\n"
                "sink = { plugin = \"b\"; }; schedule = { every = \"60m\"; }; };\n",
                &two);
    assert_int_not_equal(one.schedule.seed, two.schedule.seed);
    assert_int_equal(one.schedule.fingerprint, two.schedule.fingerprint);
    tow_job_release(&one);
    tow_job_release(&two);
}

static const struct {
    const char *text, *expected;
} bad[] = {
    {JOB(""),
     "job.cfg:4: error: schedule: it does not say when the job runs; it needs every, cron, "
     "frequency, or keep_updated (true: every 15m; false: once)\n"},
    {JOB("every = \"1h\";\ncron = \"x\";\nfrequency = \"daily\";"),
     "job.cfg:5: error: schedule: every and cron both say when the job runs; keep one of them\n"
     "job.cfg:6: error: schedule: every and frequency both say when the job runs; keep one of "
     "them\n"},
    {JOB("evry = \"1h\"; tries = 101;\nfrequency = \"dayly\";"),
     "job.cfg:4: error: schedule has no key \"evry\"; did you mean \"every\"?\n"
     "job.cfg:4: error: tries: 101 is out of bounds: 1 .. 100\n"
     "job.cfg:5: error: frequency: \"dayly\" is none of hourly|daily|weekly|monthly|continuous; "
     "did you mean \"daily\"?\n"},
    {JOB("every = \"1h\"; at = \"02:00\";\nday_of_week = \"monday\";\nday_of_month = 1;"),
     "job.cfg:4: error: schedule: at says nothing about a schedule by every: it goes with "
     "frequency "
     "hourly, daily, weekly or monthly\n"
     "job.cfg:5: error: schedule: day_of_week says nothing about a schedule by every: it goes with "
     "frequency weekly\n"
     "job.cfg:6: error: schedule: day_of_month says nothing about a schedule by every: it goes "
     "with "
     "frequency monthly\n"},
    {JOB("frequency = \"continuous\"; jitter = \"1m\"; overlap = \"skip\"; catch_up = \"all\";\n"
         "first_run = \"now\"; tries = 2; keep_updated = false;"),
     "job.cfg:4: error: schedule: jitter says nothing about a continuous job: it is not started by "
     "the clock\n"
     "job.cfg:4: error: schedule: overlap says nothing about a continuous job: it has no slots "
     "that "
     "could overlap\n"
     "job.cfg:4: error: schedule: catch_up says nothing about a continuous job: it has no slots "
     "that could be missed\n"
     "job.cfg:4: error: schedule: overlap = \"skip\" passes slots over, catch_up = \"all\" never "
     "does; keep one of them\n"
     "job.cfg:5: error: schedule: first_run says nothing about a continuous job: it starts at once "
     "in any case\n"
     "job.cfg:5: error: schedule: tries says nothing about a continuous job: it is started again "
     "without end\n"
     "job.cfg:5: error: schedule: keep_updated = false ends a job after its first run, frequency = "
     "\"continuous\" never; keep one of them\n"},
    {JOB("every = \"1h\";\njitter = \"1h\";"), "job.cfg:5: error: schedule: jitter (1h) is not "
                                               "shorter than the time between two slots (1h)\n"},
    {JOB("cron = \"0,10 * * * *\";\njitter = \"10m\";"),
     "job.cfg:5: error: schedule: jitter (10m) is not shorter than the time between two slots "
     "(10m)\n"},
    {JOB("every = \"1500ms\";"),
     "job.cfg:4: error: schedule: every: 1500ms is not a whole number of seconds\n"},
    {JOB("every = \"999ms\";"), "job.cfg:4: error: every: 999ms is out of bounds: 1s .. 366d\n"},
    {JOB("frequency = \"daily\"; at = \"24:00\";"),
     "job.cfg:4: error: schedule: at: \"24:00\" is no time of day; it is written like \"02:00\" or "
     "\"2:00pm\"\n"},
    {JOB("frequency = \"hourly\"; at = \"0:15\";"),
     "job.cfg:4: error: schedule: at: \"0:15\" is no time of the hour; it is written like "
     "\":15\"\n"},
    {JOB("cron = \"0 0 * * *\";\ntimezone = \"Europe/Berln\";"),
     "job.cfg:5: error: schedule: timezone: \"Europe/Berln\": the system's tz data has no such "
     "zone; names are like Europe/Berlin, America/New_York, UTC; did you mean "
     "\"Europe/Berlin\"?\n"},
    {JOB("cron = \"0 0 * * *\"; timezone = \"${env:TOWPATH_TEST_NOT_SET}\";"),
     "job.cfg:4: error: timezone: ${env:TOWPATH_TEST_NOT_SET}: the environment variable is not "
     "set\n"},
};

static void test_what_is_wrong_is_found_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        config_assert_says(bad[i].text, bad[i].expected);
    config_assert_says("version = 1;\njob = { name = \"j\"; source = { plugin = \"a\"; };\n"
                       "sink = { plugin = \"b\"; }; schedule = \"daily\"; };\n",
                       "job.cfg:3: error: schedule: is of type string, must be of type group\n");
}

static void test_a_zone_without_a_say_is_a_warning(void **state)
{
    (void)state;
    config_assert_says(JOB("every = \"1h\"; timezone = \"Europe/Berlin\";"),
                       "job.cfg:4: warning: schedule: timezone has no say in when a schedule by "
                       "every runs; times are shown in it\n");
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_each_rule_is_read),
        CONFIG_TEST(test_what_is_not_said_has_a_value),
        CONFIG_TEST(test_all_that_is_said_is_taken),
        CONFIG_TEST(test_all_slots_queue),
        CONFIG_TEST(test_a_job_without_the_section_has_no_schedule),
        CONFIG_TEST(test_two_jobs_have_two_jitters_and_one_fingerprint),
        CONFIG_TEST(test_what_is_wrong_is_found_with_its_line),
        CONFIG_TEST(test_a_zone_without_a_say_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
