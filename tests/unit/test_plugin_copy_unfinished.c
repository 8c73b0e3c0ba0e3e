/* The sink databricks_copy over a workspace in memory: loads that were not brought to their end,
 * and what they and others leave behind. */
#include "unit.h"

#include "copy_job.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- unfinished loads ----------------------------------------------------------------------- */

static void test_an_unfinished_load_goes_on_with_its_own_options_only(void **state)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"table", "main.other", "has table `main`.`t`, now it is `main`.`other`"},
        {"stage", "/Volumes/main/s/w", "has stage /Volumes/main/s/v, now it is"},
        {"mode", "replace", "has mode merge, now it is replace"},
        {"format", "ndjson", "has format csv, now it is ndjson"},
        {"keys", "name", "has keys of other columns"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct copy_job job;

        copy_job_init(&job, "merge", "keys", "id", NULL);
        copy_job_die(&job);
        if (strcmp(cases[i].name, "mode") == 0)
            job.settings[14] = NULL; /* keys */
        copy_job_set(&job, cases[i].name, cases[i].value);
        copy_job_assert_fails(&job, TOW_E_CONFIG, cases[i].says);
        copy_job_release(&job);
    }
}

static void test_an_unfinished_load_does_not_go_on_with_other_columns(void **state)
{
    static const struct tow_field other[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                             {"names", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_die(&job);
    job.schema.release(&job.schema);
    assert_ok(tow_schema_make(&job.schema, other, 2, &job.err), job.err);
    copy_job_assert_fails(&job, TOW_E_CONFIG, "staged with other columns");
    copy_job_release(&job);
}

static void test_a_ledger_that_does_not_know_the_load_is_told(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_die(&job);
    assert_ok(
        job.fake.host.ledger_remove(&job.fake.host, "part/load1/0000/00000001/00000001", &job.err),
        job.err);
    copy_job_assert_fails(&job, TOW_E_ENV,
                          "the ledger knows of 0 staged rows of worker 0, the checkpoint of 5");
    assert_ok(job.fake.host.ledger_remove(&job.fake.host, "load/load1", &job.err), job.err);
    copy_job_assert_fails(&job, TOW_E_ENV, "knows nothing of the unfinished load load1");
    copy_job_release(&job);
}

static void test_a_token_of_another_sink_is_refused(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_die(&job);
    memcpy(job.tokens[0].bytes, "file1", 5);
    copy_job_assert_fails(&job, TOW_E_CONFIG, "not one of this sink");
    copy_job_release(&job);
}

static void test_a_replay_does_not_replace_a_table(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "replace", NULL);
    job.fake.host.replay = 1;
    copy_job_assert_fails(&job, TOW_E_CONFIG, "a replay would replace table main.t");
    assert_int_equal(job.lake.step, 0);
    copy_job_set(&job, "mode", "append");
    assert_ok(copy_job_run(&job), job.err);
    /* Its ledger does not know what else the job has in its folder. */
    assert_int_equal(job.lake.lists, 0);
    copy_job_release(&job);
}

/* ---- what is left behind -------------------------------------------------------------------- */

/* Dies before its first checkpoint, so that nobody goes on with it. */
static void abandon(struct copy_job *job)
{
    assert_ok(copy_job_open(job), job->err);
    assert_ok(copy_job_write(job, 40), job->err);
    copy_job_close(job);
}

static void test_what_an_abandoned_load_staged_goes_with_the_next(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    abandon(&job);
    assert_true(job.lake.file_count > 0);
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.file_count, 0);
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

static void test_a_load_table_that_was_abandoned_goes_with_the_next_load(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "replace", NULL);
    copy_job_add_table(&job, COPY_COLUMNS);
    job.lake.refuses = "INSERT OVERWRITE";
    job.lake.refuses_with = TOW_E_AUTH;
    copy_job_assert_fails(&job, TOW_E_AUTH, "replacing table main.t");
    assert_int_equal(job.lake.table_count, 2);
    job.lake.refuses = NULL;
    job.in_load = 0; /* somebody forgot the checkpoint */
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.table_count, 1);
    assert_int_equal(job.lake.file_count, 0);
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

static void test_a_load_table_that_cannot_be_dropped_is_told_and_tried_again(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "replace", NULL);
    job.lake.refuses = "DROP TABLE";
    job.lake.refuses_with = TOW_E_AUTH;
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.table_count, 2);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_WARN, "is left behind: dropping the load "));
    /* The next load cannot drop it either, and says so; the one after it can. */
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.table_count, 3);
    job.lake.refuses = NULL;
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.table_count, 1);
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

static void test_files_that_cannot_be_removed_are_told_and_tried_again(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    job.lake.denies = 1;
    assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, job.rows, 0);
    assert_int_equal(job.lake.file_count, 8);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_WARN, "is left behind: no right to do so"));
    job.rows = 0;
    job.lake.denies = 0;
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.file_count, 0);
    copy_job_assert_rows(&job, 40, 0);
    copy_job_release(&job);
}

static void test_files_in_another_stage_are_told(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    abandon(&job);
    copy_job_set(&job, "stage", "/Volumes/main/s/w");
    assert_ok(copy_job_run(&job), job.err);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_WARN,
                                 "may be left in the stage of that time: /Volumes/main/s/v/test/"));
    copy_job_release(&job);
}

static void test_staged_files_are_kept_where_the_job_says_so(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "keep_staged", "true", NULL);
    assert_ok(copy_job_run(&job), job.err);
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.file_count, 16);
    assert_int_equal(job.lake.lists, 0);
    assert_int_equal(copy_job_table(&job)->row_count, 80);
    copy_job_release(&job);
}

static void test_unknown_files_go_when_they_are_old(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    abandon(&job);
    /* As after --full: nothing is known of them. */
    while (job.fake.fact_count > 0)
        assert_ok(job.fake.host.ledger_remove(&job.fake.host, job.fake.facts[0].key, &job.err),
                  job.err);
    job.rows = 0;
    assert_ok(copy_job_run(&job), job.err);
    assert_true(job.lake.file_count > 0);
    job.fake.now_us += INT64_C(8) * 86400 * 1000000;
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.file_count, 0);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_INFO, "removed what was left of load load1_"));
    copy_job_release(&job);
}

static void test_records_of_another_form_do_not_lead_out_of_the_stage(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    abandon(&job);
    assert_ok(job.fake.host.ledger_put(&job.fake.host, "load/../../x", "copy1", 5, &job.err),
              job.err);
    assert_ok(
        job.fake.host.ledger_put(&job.fake.host, "stale/load1/../../../etc/x", "", 0, &job.err),
        job.err);
    assert_ok(copy_job_run(&job), job.err);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_WARN, "it is left alone"));
    assert_null(fake_host_fact(&job.fake, "stale/load1/../../../etc/x"));
    copy_job_release(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unfinished_load_goes_on_with_its_own_options_only),
        cmocka_unit_test(test_an_unfinished_load_does_not_go_on_with_other_columns),
        cmocka_unit_test(test_a_ledger_that_does_not_know_the_load_is_told),
        cmocka_unit_test(test_a_token_of_another_sink_is_refused),
        cmocka_unit_test(test_a_replay_does_not_replace_a_table),
        cmocka_unit_test(test_what_an_abandoned_load_staged_goes_with_the_next),
        cmocka_unit_test(test_a_load_table_that_was_abandoned_goes_with_the_next_load),
        cmocka_unit_test(test_a_load_table_that_cannot_be_dropped_is_told_and_tried_again),
        cmocka_unit_test(test_files_that_cannot_be_removed_are_told_and_tried_again),
        cmocka_unit_test(test_files_in_another_stage_are_told),
        cmocka_unit_test(test_staged_files_are_kept_where_the_job_says_so),
        cmocka_unit_test(test_unknown_files_go_when_they_are_old),
        cmocka_unit_test(test_records_of_another_form_do_not_lead_out_of_the_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
