#include "unit.h"

#include "config_fixture.h"

#define JOB                                                        \
    "version = 1;\n"                                               \
    "job = { name = \"j\";\n"                                      \
    "source = { plugin = \"a\"; path = \"in.csv\"; rows = 5; };\n" \
    "columns = ( { name = \"x\"; from = \"y\"; } );\n"             \
    "sink = { plugin = \"b\"; connection = \"c\"; };\n};\n"        \
    "connections = { c = { url = \"u\"; deep = 1; }; d = { url = \"other\"; }; };\n"

/* Loads JOB with one value over it. Release job and diags. */
static void load(const char *set, struct tow_job *job, struct tow_diags *diags)
{
    struct tow_error err = TOW_ERROR_INIT;

    *diags = (struct tow_diags){0};
    config_write("job.cfg", JOB);
    assert_ok(tow_job_load_set("job.cfg", &set, 1, job, diags, &err), err);
}

/* Loads without findings; the member of source has this kind. Release the job. */
static const struct tow_setting *source_value(const char *set, struct tow_job *job,
                                              const char *name, enum tow_setting_kind kind)
{
    const struct tow_setting *value;
    struct tow_diags diags;

    load(set, job, &diags);
    config_assert_findings(&diags, "");
    tow_diags_release(&diags);
    value = tow_setting_get(&job->source, name);
    assert_non_null(value);
    assert_int_equal(value->kind, kind);
    return value;
}

static void test_a_value_replaces_the_files(void **state)
{
    struct tow_job job;

    (void)state;
    assert_string_equal(source_value("source.path=new.csv", &job, "path", TOW_SETTING_STRING)->text,
                        "new.csv");
    assert_int_equal(job.source.count, 3);
    tow_job_release(&job);
    assert_string_equal(
        source_value("job.source.path=a=b.csv", &job, "path", TOW_SETTING_STRING)->text, "a=b.csv");
    tow_job_release(&job);
}

static void test_a_value_takes_the_kind_it_looks_like(void **state)
{
    struct tow_job job;

    (void)state;
    assert_int_equal(source_value("source.rows=-7", &job, "rows", TOW_SETTING_INT)->integer, -7);
    tow_job_release(&job);
    assert_int_equal(source_value("source.new=TRUE", &job, "new", TOW_SETTING_BOOL)->integer, 1);
    tow_job_release(&job);
    assert_true(source_value("source.new=1.5e2", &job, "new", TOW_SETTING_DOUBLE)->number == 150);
    tow_job_release(&job);
    source_value("source.new=inf", &job, "new", TOW_SETTING_STRING);
    tow_job_release(&job);
    source_value("source.new=1.2.3", &job, "new", TOW_SETTING_STRING);
    tow_job_release(&job);
    assert_string_equal(source_value("source.new=", &job, "new", TOW_SETTING_STRING)->text, "");
    tow_job_release(&job);
}

static void test_a_number_over_a_string_stays_text(void **state)
{
    struct tow_job job;

    (void)state;
    assert_string_equal(source_value("source.path=2024", &job, "path", TOW_SETTING_STRING)->text,
                        "2024");
    tow_job_release(&job);
}

static void test_quotes_make_a_string(void **state)
{
    struct tow_job job;

    (void)state;
    assert_string_equal(source_value("source.new=\"42\"", &job, "new", TOW_SETTING_STRING)->text,
                        "42");
    tow_job_release(&job);
    assert_string_equal(source_value("source.new=\"", &job, "new", TOW_SETTING_STRING)->text, "\"");
    tow_job_release(&job);
}

static void test_variables_are_expanded_as_in_the_file(void **state)
{
    struct tow_job job;

    (void)state;
    setenv("TOW_TEST_SET", "from outside", 1);
    assert_string_equal(
        source_value("source.path=${env:TOW_TEST_SET}", &job, "path", TOW_SETTING_STRING)->text,
        "from outside");
    tow_job_release(&job);
}

static void test_a_connection_can_be_chosen_and_overruled(void **state)
{
    struct tow_diags diags;
    struct tow_job job;

    (void)state;
    load("sink.connection=d", &job, &diags);
    config_assert_findings(&diags, "");
    assert_string_equal(tow_setting_get(&job.sink, "url")->text, "other");
    tow_job_release(&job);
    load("sink.url=mine", &job, &diags);
    assert_string_equal(tow_setting_get(&job.sink, "url")->text, "mine");
    assert_int_equal(tow_setting_get(&job.sink, "deep")->integer, 1);
    tow_job_release(&job);
    tow_diags_release(&diags);
}

static void test_rules_that_the_file_lacks_can_be_set(void **state)
{
    struct tow_diags diags;
    struct tow_job job;

    (void)state;
    load("pipeline.workers=4", &job, &diags);
    config_assert_findings(&diags, "");
    assert_int_equal(job.tuning.workers, 4);
    tow_job_release(&job);
    load("rejects.max=0", &job, &diags);
    assert_int_equal(job.max_rejects, 0);
    tow_job_release(&job);
    tow_diags_release(&diags);
}

static void test_values_are_taken_in_order(void **state)
{
    static const char *const sets[] = {"name=first", "name=second"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    config_write("job.cfg", JOB);
    assert_ok(tow_job_load_set("job.cfg", sets, 2, &job, &diags, &err), err);
    assert_string_equal(job.name, "second");
    tow_job_release(&job);
}

static void refused(const char *set, const char *finding)
{
    struct tow_diags diags;
    struct tow_job job;

    load(set, &job, &diags);
    tow_job_release(&job);
    config_assert_findings(&diags, finding);
    tow_diags_release(&diags);
}

static void test_what_cannot_be_set_is_refused(void **state)
{
    (void)state;
    refused("snk.path=x", "--set: error: there is no group \"snk\" in job; did you mean "
                          "\"sink\"?\n");
    refused("source.path.x=1", "--set: error: there is no group \"path\" in source\n");
    refused("connections.c.url=x", "--set: error: there is no group \"connections\" in job\n");
    refused("source.path", "--set: error: \"source.path\": KEY=VALUE is needed\n");
    refused("=5", "--set: error: \"=5\": a name is missing before \"=\"\n");
    refused("source.path=\xff", "--set: error: \"source.path\": the key has control characters, or "
                                "it and its value are not UTF-8\n");
    refused("source.a\nb=1", "--set: error: \"source.a?b\": the key has control characters, or it "
                             "and its value are not UTF-8\n");
    refused("source.=5", "--set: error: \"=5\": a name is missing before \"=\"\n");
    refused("source=5", "--set: error: \"source\": it holds several values; only one can be set\n");
    refused("columns=5",
            "--set: error: \"columns\": it holds several values; only one can be set\n");
}

static void test_findings_about_a_value_say_where_it_came_from(void **state)
{
    struct tow_diags diags;
    struct tow_job job;

    (void)state;
    load("pipeline.workers=0", &job, &diags);
    tow_job_release(&job);
    assert_int_equal(diags.errors, 1);
    assert_string_equal(diags.items[0].file, "--set");
    assert_int_equal(diags.items[0].line, 0);
    tow_diags_release(&diags);
}

static void test_a_file_without_a_job_is_refused_as_ever(void **state)
{
    static const char *const sets[] = {"sink.path=x"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;

    (void)state;
    config_write("job.cfg", "version = 1;\n");
    assert_ok(tow_job_load_set("job.cfg", sets, 1, &job, &diags, &err), err);
    tow_job_release(&job);
    config_assert_findings(&diags, "job.cfg: error: the job file needs the group \"job\"\n");
    tow_diags_release(&diags);
}

#define set_test(test) cmocka_unit_test_setup_teardown(test, config_setup, config_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        set_test(test_a_value_replaces_the_files),
        set_test(test_a_value_takes_the_kind_it_looks_like),
        set_test(test_a_number_over_a_string_stays_text),
        set_test(test_quotes_make_a_string),
        set_test(test_variables_are_expanded_as_in_the_file),
        set_test(test_a_connection_can_be_chosen_and_overruled),
        set_test(test_rules_that_the_file_lacks_can_be_set),
        set_test(test_values_are_taken_in_order),
        set_test(test_what_cannot_be_set_is_refused),
        set_test(test_findings_about_a_value_say_where_it_came_from),
        set_test(test_a_file_without_a_job_is_refused_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
