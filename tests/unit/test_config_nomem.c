/* Job files while memory runs out. (libconfig's does not.) */
#include "unit.h"

#include "config/option/options.h"
#include "config_fixture.h"
#include "nomem.h"

struct thing {
    const char *path, *token;
    struct tow_strings names;
};

static const struct tow_option thing_options[] = {
    {"path", TOW_OPTION_PATH, 0, offsetof(struct thing, path), "x", 0, 0, NULL, "a path"},
    {"names", TOW_OPTION_STRINGS, 0, offsetof(struct thing, names), NULL, 0, 0, NULL, "names"},
    {"token", TOW_OPTION_STRING, TOW_OPTION_SECRET, offsetof(struct thing, token), NULL, 0, 0, NULL,
     "a secret"},
    TOW_OPTIONS_END,
};

static const struct tow_plugin thing_plugin = {
    TOW_PLUGIN_HEAD, "a", "1", "a thing", sizeof(struct thing), thing_options, NULL, NULL, NULL,
};

/* 1 where the job was loaded and bound as if memory were endless. */
static int load(size_t *findings)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_instance instance = {0};
    struct tow_diags diags = {0};
    struct tow_job job = {0};
    int whole = 0;
    int rc = tow_job_load("job.cfg", &job, &diags, &err);

    if (!rc && job.source.count)
        rc = tow_instance_init(&instance, &thing_plugin, &job.source, job.dir, &diags, &err);
    nomem_stop();
    if (rc)
        assert_int_equal(err.code, TOW_E_NOMEM);
    if (diags.incomplete)
        assert_int_not_equal(diags.errors, 0);
    whole = !rc && !diags.incomplete;
    *findings = diags.count;
    tow_instance_release(&instance);
    tow_job_release(&job);
    tow_diags_release(&diags);
    return whole;
}

static void assert_survives_each_failure(void)
{
    size_t findings, expected;
    long failing = 0;

    assert_true(load(&expected));
    for (;; failing++) {
        nomem_after(failing);
        if (load(&findings))
            break;
    }
    assert_int_equal(findings, expected);
    assert_true(failing > 30);
}

static void test_a_sound_job_fails_whole_at_every_allocation(void **state)
{
    (void)state;
    setenv("TOWPATH_TEST_TOKEN", "hush", 1);
    config_write("c.cfg", "connections = { c = { token = \"${env:TOWPATH_TEST_TOKEN}\"; }; };\n");
    config_write("job.cfg", "version = 1;\n@include \"c.cfg\"\njob = { name = \"j\";\n"
                            "source = { plugin = \"a\"; connection = \"c\"; path = \"p\";\n"
                            "names = [\"x\", \"y\"]; };\n"
                            "sink = { plugin = \"b\"; connection = \"c\"; };\n"
                            "transforms = ( { plugin = \"t\"; } );\n"
                            "columns = ( { name = \"a\"; default = 1; null_if = [\"x\"]; },\n"
                            "{ name = \"b\"; value = 1.5; } ); };\n");
    assert_survives_each_failure();
}

static void test_a_schedule_fails_whole_at_every_allocation(void **state)
{
    static const char text[] = "version = 1;\njob = { name = \"j\"; source = { plugin = \"a\"; };\n"
                               "sink = { plugin = \"b\"; };\nschedule = { cron = \"%s\";\n"
                               "timezone = \"%s\"; jitter = \"1m\"; }; };\n";
    char job[512];

    (void)state;
    snprintf(job, sizeof job, text, "0 2 * * mon", "Europe/Berlin");
    config_write("job.cfg", job);
    assert_survives_each_failure();
    snprintf(job, sizeof job, text, "0 2 * * moon", "Europe/Berln");
    config_write("job.cfg", job);
    assert_survives_each_failure();
}

static void test_a_bad_job_fails_whole_at_every_allocation(void **state)
{
    (void)state;
    unsetenv("TOWPATH_TEST_TOKEN");
    config_write("job.cfg",
                 "version = 2;\n@include \"none.cfg\"\njob = { nmae = \"j\"; mode = 07;\n"
                 "source = { plugin = \"a\"; token = \"hush\"; pth = 1; path = 5; };\n"
                 "sink = { plugin = \"${env:TOWPATH_TEST_TOKEN}\"; };\n"
                 "results = { plugin = \"${file:none}\"; };\n"
                 "columns = ( { name = \"a\"; type = \"x\"; }, { name = \"a\"; } ); };\n");
    assert_survives_each_failure();
}

int main(void)
{
#define nomem_test(name) cmocka_unit_test_setup_teardown(name, config_setup, config_teardown)
    const struct CMUnitTest tests[] = {
        nomem_test(test_a_sound_job_fails_whole_at_every_allocation),
        nomem_test(test_a_bad_job_fails_whole_at_every_allocation),
        nomem_test(test_a_schedule_fails_whole_at_every_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
