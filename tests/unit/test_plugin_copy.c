/* The sink databricks_copy over a workspace in memory: what it does, and what it says. */
#include "unit.h"

#include "copy_job.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- options -------------------------------------------------------------------------------- */

static int check(struct copy_job *job)
{
    void *self = fake_instance_new(job->plugin, job->settings);
    int code;

    job->err = (struct tow_error)TOW_ERROR_INIT;
    code = job->plugin->sink->check(self, &job->fake.host, &job->err);
    fake_instance_free(self);
    return code;
}

static void test_check_refuses_options_that_do_not_go_together(void **state)
{
    static const struct {
        const char *name, *value, *more, *more_value;
        const char *says;
    } cases[] = {
        {"table", "a.b.c.d", NULL, NULL, "more than 3 parts"},
        {"table", "a..b", NULL, NULL, "a..b"},
        {"mode", "merge", NULL, NULL, "needs keys"},
        {"keys", "id", NULL, NULL, "keys are for mode \"merge\""},
        {"mode", "merge", "keys", "id,ID", "named twice"},
        {"schema_change", "replace", NULL, NULL, "for mode \"replace\""},
        {"schema", "infer", NULL, NULL, "for the modes replace and drop_create"},
        {"schema", "infer", "mode", "merge", "needs keys"},
        {"mode", "drop_create", "location", "s3://b/c", "what lies there would outlive"},
        {"mode", "drop_create", "schema_change", "add_columns", "columns of each load"},
        {"mode", "drop_create", "schema_change", "replace", "for mode \"replace\""},
        {"mode", "drop_create", "create_table", "false", "exclude each other"},
        {"stage", "/Volumes/a/b", NULL, NULL, "/Volumes/catalog/schema/volume"},
        {"stage", "/Volumes/a/b/../c", NULL, NULL, "/Volumes/catalog/schema/volume"},
        {"stage", "/Volumes/a/b/c*", NULL, NULL, "COPY INTO may take for something else"},
        {"stage", "/Volumes/a/b/c d", NULL, NULL, "a space"},
        {"stage", "s3://", NULL, NULL, "s3://bucket"},
        {"stage", "file://relative", NULL, NULL, "file:///folder"},
        {"stage", "abfss://a@b/c", NULL, NULL, "reached through a volume"},
        {"aws_region", "x", NULL, NULL, "aws_region is for a stage in S3"},
        {"aws_keys_in_sql", "true", NULL, NULL, "aws_keys_in_sql is for a stage in S3"},
        {"stage", "s3://b", "stage_credential", "c", "no keys for S3"},
        {"spool", "/nowhere/at/all", NULL, NULL, "/nowhere/at/all"},
        {"stage", "file:///nowhere/at/all", NULL, NULL, "/nowhere/at/all"},
        {"host", "", NULL, NULL, "host"},
    };
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    assert_ok(check(&job), job.err);
    copy_job_release(&job);
    for (size_t i = 0; i < COUNT(cases); i++) {
        copy_job_init(&job, "append", NULL);
        copy_job_set(&job, cases[i].name, cases[i].value);
        if (cases[i].more)
            copy_job_set(&job, cases[i].more, cases[i].more_value);
        assert_int_not_equal(check(&job), TOW_OK);
        assert_says(job.err, cases[i].says);
        copy_job_release(&job);
    }
}

static void test_check_refuses_what_an_inferred_table_cannot_have(void **state)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"format", "ndjson", "needs format = \"csv\""},
        {"column_types", "name=VARIANT", "COPY INTO finds the types"},
        {"location", "s3://b/c", "location and schema \"infer\""},
    };
    struct copy_job job;
    void *self;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        copy_job_init(&job, "replace", "schema", "infer", cases[i].name, cases[i].value, NULL);
        assert_int_equal(check(&job), TOW_E_CONFIG);
        assert_says(job.err, cases[i].says);
        copy_job_release(&job);
    }
    copy_job_init(&job, "replace", "schema", "infer", NULL);
    job.schema.release(&job.schema);
    assert_ok(tow_schema_make(&job.schema,
                              &(struct tow_field){"first name", {TOW_TYPE_STRING, 0, 0}, 0}, 1,
                              &job.err),
              job.err);
    self = fake_instance_new(job.plugin, job.settings);
    assert_int_equal(job.plugin->sink->begin(self, NULL, &job.schema, &job.err), TOW_E_CONFIG);
    assert_says(job.err, "\"first name\"");
    job.plugin->sink->close(self);
    fake_instance_free(self);
    copy_job_release(&job);
}

static void test_begin_without_a_host_only_looks(void **state)
{
    const struct tow_sink_ops *ops;
    struct copy_job job;
    void *self;

    (void)state;
    copy_job_init(&job, "merge", "keys", "name", NULL);
    ops = job.plugin->sink;
    assert_true(ops->flags & TOW_SINK_OFFLINE_BEGIN);
    self = fake_instance_new(job.plugin, job.settings);
    assert_ok(ops->begin(self, NULL, &job.schema, &job.err), job.err);
    ops->close(self);
    fake_instance_free(self);
    copy_job_set(&job, "keys", "nope");
    self = fake_instance_new(job.plugin, job.settings);
    assert_int_equal(ops->begin(self, NULL, &job.schema, &job.err), TOW_E_CONFIG);
    assert_says(job.err, "no column \"nope\"");
    ops->close(self);
    fake_instance_free(self);
    assert_int_equal(job.lake.step, 0);
    copy_job_release(&job);
}

/* ---- tables --------------------------------------------------------------------------------- */

static void test_a_table_that_is_not_there_is_created(void **state)
{
    static const char *const modes[] = {"append", "replace", "merge"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct copy_job job;

        copy_job_init(&job, modes[i], i == 2 ? "keys" : NULL, "id", NULL);
        assert_ok(copy_job_run(&job), job.err);
        copy_job_assert_rows(&job, job.rows, 0);
        assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
        assert_int_equal(job.lake.table_count, 1);
        assert_int_equal(job.lake.file_count, 0);
        assert_true(fake_host_logged(&job.fake, TOW_LOG_INFO, "main.t will be created"));
        assert_true(fake_host_logged(&job.fake, TOW_LOG_INFO, "40 rows of 8 files"));
        copy_job_release(&job);
    }
}

static void test_an_empty_load_leaves_what_the_mode_says(void **state)
{
    static const struct {
        const char *mode;
        size_t left;
    } cases[] = {{"append", 2}, {"replace", 0}, {"merge", 2}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct copy_job job;

        copy_job_init(&job, cases[i].mode, i == 2 ? "keys" : NULL, "id", NULL);
        job.rows = 0;
        copy_job_add_table(&job, COPY_COLUMNS);
        assert_ok(copy_job_run(&job), job.err);
        assert_int_equal(copy_job_table(&job)->row_count, cases[i].left);
        assert_int_equal(lake_ran(&job.lake, "COPY INTO"), 0);
        assert_int_equal(lake_ran(&job.lake, "MERGE INTO"), 0);
        assert_int_equal(job.lake.table_count, 1);
        copy_job_release(&job);
        /* And one that is not there is created, with its types. */
        copy_job_init(&job, cases[i].mode, i == 2 ? "keys" : NULL, "id", NULL);
        job.rows = 0;
        assert_ok(copy_job_run(&job), job.err);
        assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
        copy_job_release(&job);
    }
}

static void test_a_table_is_dropped_and_made_anew(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "drop_create", NULL);
    copy_job_add_table(&job, "`other` BINARY");
    assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, job.rows, 0);
    assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
    assert_int_equal(job.lake.table_count, 1);
    assert_int_equal(lake_ran(&job.lake, "INSERT OVERWRITE"), 0);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_INFO, "in place of what was in table main.t"));
    copy_job_release(&job);
}

/* The placeholder has no columns until COPY INTO brings those of the files. */
static void test_an_inferred_table_gets_the_columns_of_its_files(void **state)
{
    static const char *const modes[] = {"drop_create", "replace"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct copy_job job;

        copy_job_init(&job, modes[i], "schema", "infer", NULL);
        copy_job_add_table(&job, "`other` BINARY");
        assert_ok(copy_job_run(&job), job.err);
        copy_job_assert_rows(&job, job.rows, 0);
        assert_string_equal(copy_job_table(&job)->columns, "`id` STRING, `name` STRING");
        assert_int_equal(job.lake.table_count, 1);
        copy_job_release(&job);
    }
}

/* Nothing can be inferred of no rows: then the job's types are as good as any. */
static void test_an_empty_load_leaves_a_typed_table_in_every_mode_that_replaces(void **state)
{
    static const char *const modes[] = {"drop_create", "replace"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct copy_job job;

        copy_job_init(&job, modes[i / 2], "schema", i % 2 ? "infer" : "typed", NULL);
        job.rows = 0;
        copy_job_add_table(&job, COPY_COLUMNS);
        assert_ok(copy_job_run(&job), job.err);
        assert_int_equal(copy_job_table(&job)->row_count, 0);
        assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
        assert_int_equal(lake_ran(&job.lake, "COPY INTO"), 0);
        assert_int_equal(job.lake.table_count, 1);
        copy_job_release(&job);
    }
}

/* What a killed run left in the warehouse's queue may be done when the table is there again. */
static void test_a_table_that_vanished_under_a_load_is_told(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "drop_create", NULL);
    job.lake.miscounts = 0;
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, job.rows), job.err);
    assert_ok(copy_job_checkpoint(&job), job.err);
    job.lake.orphan = strdup("DROP TABLE IF EXISTS `main`.`t`");
    job.lake.orphan_waits = 3;
    assert_int_not_equal(copy_job_finish(&job), TOW_OK);
    assert_says(job.err, "TABLE_OR_VIEW_NOT_FOUND");
    copy_job_release(&job);
}

static void test_a_table_may_be_left_to_others_to_create(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "create_table", "false", NULL);
    copy_job_assert_fails(&job, TOW_E_CONFIG, "table main.t is not there");
    assert_int_equal(lake_ran(&job.lake, "CREATE"), 0);
    copy_job_add_table(&job, COPY_COLUMNS);
    assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, job.rows, 2);
    copy_job_release(&job);
}

static void test_types_that_do_not_hold_the_values_are_named_before_anything_is_read(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_add_table(&job, "`ID` INT, `name` DATE");
    copy_job_assert_fails(&job, TOW_E_CONFIG, "column ID is INT there, int64 here");
    assert_says(job.err, "column name is DATE there, string here");
    assert_int_equal(job.lake.file_count, 0);
    assert_int_equal(copy_job_table(&job)->row_count, 2);
    copy_job_release(&job);
}

static void test_missing_columns_are_added_where_the_job_says_so(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_add_table(&job, "`id` BIGINT");
    copy_job_assert_fails(&job, TOW_E_CONFIG, "has no column for: name");
    assert_says(job.err, "add_columns");
    copy_job_set(&job, "schema_change", "add_columns");
    assert_ok(copy_job_run(&job), job.err);
    assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
    assert_true(fake_host_logged(&job.fake, TOW_LOG_INFO, "added to table main.t: name"));
    copy_job_assert_rows(&job, job.rows, 2);
    copy_job_release(&job);
}

static void test_columns_of_the_table_alone_stay_unless_it_is_to_be_replaced(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "replace", NULL);
    copy_job_add_table(&job, "`more` INT, `Name` STRING, `id` DECIMAL(20,0)");
    assert_ok(copy_job_run(&job), job.err);
    assert_string_equal(copy_job_table(&job)->columns,
                        "`more` INT, `Name` STRING, `id` DECIMAL(20,0)");
    assert_int_equal(lake_ran(&job.lake, "INSERT OVERWRITE TABLE `main`.`t` (`Name`, `id`)"), 1);
    copy_job_set(&job, "schema_change", "replace");
    assert_ok(copy_job_run(&job), job.err);
    assert_string_equal(copy_job_table(&job)->columns, COPY_COLUMNS);
    assert_int_equal(lake_ran(&job.lake, "CREATE OR REPLACE TABLE `main`.`t`"), 1);
    /* Once the columns agree, the table keeps what else it has. */
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(lake_ran(&job.lake, "CREATE OR REPLACE TABLE `main`.`t`"), 1);
    assert_int_equal(lake_ran(&job.lake, "INSERT OVERWRITE TABLE"), 2);
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

static void test_a_type_that_changed_while_rows_were_staged_is_told(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_add_table(&job, COPY_COLUMNS);
    copy_job_die(&job);
    free(copy_job_table(&job)->columns);
    copy_job_table(&job)->columns = strdup("`id` INT, `name` STRING");
    copy_job_assert_fails(&job, TOW_E_CONFIG, "column id is INT there");
    assert_int_equal(copy_job_table(&job)->row_count, 2);
    free(copy_job_table(&job)->columns);
    copy_job_table(&job)->columns = strdup(COPY_COLUMNS);
    assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, job.rows, 2);
    copy_job_release(&job);
}

/* ---- loads ---------------------------------------------------------------------------------- */

static void test_parts_of_all_workers_are_one_copy(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(lake_ran(&job.lake, "COPY INTO"), 1);
    copy_job_release(&job);
}

static void test_more_than_a_thousand_files_take_a_second_copy(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "replace", NULL);
    job.batch = 1;
    /* The shorter rows go two into a file. */
    job.rows = 1603;
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(lake_ran(&job.lake, "COPY INTO"), 2);
    assert_int_equal(copy_job_table(&job)->row_count, 1603);
    assert_int_equal(job.lake.file_count, 0);
    copy_job_release(&job);
}

static void test_large_parts_hold_many_batches(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "part_bytes", "64MB", NULL);
    job.workers = 1;
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 40), job.err);
    assert_int_equal(job.lake.file_count, 0);
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_int_equal(job.lake.file_count, 1);
    /* With nothing new there is nothing to stage. */
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_int_equal(job.lake.file_count, 1);
    assert_int_equal(lake_ran(&job.lake, "COPY INTO"), 0);
    copy_job_release(&job);
}

static void test_parts_have_no_more_rows_than_the_job_allows(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "part_bytes", "64MB", "part_rows", "25", NULL);
    job.workers = 1;
    job.batch = 10;
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 20), job.err);
    assert_int_equal(job.lake.file_count, 0);
    /* The third batch of ten would be too much for the first part, and so on. */
    assert_ok(copy_job_write(&job, 60), job.err);
    assert_int_equal(job.lake.file_count, 2);
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_int_equal(job.lake.file_count, 3);
    copy_job_release(&job);
}

static void test_a_batch_that_is_larger_than_a_part_may_be_is_a_part_of_its_own(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "part_bytes", "64MB", "part_rows", "5", NULL);
    job.workers = 1;
    job.batch = 10;
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 20), job.err);
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_int_equal(job.lake.file_count, 2);
    copy_job_release(&job);
}

/* What was submitted before a crash is submitted again, word by word. */
static void test_a_copy_of_unknown_outcome_is_the_same_statement_again(void **state)
{
    const char *first = NULL;
    struct copy_job job;
    size_t copies = 0;

    (void)state;
    copy_job_init(&job, "append", NULL);
    copy_job_die(&job);
    job.lake.refuses = "COPY INTO";
    job.lake.refuses_with = TOW_E_ENV;
    copy_job_assert_fails(&job, TOW_E_ENV, "refused");
    job.lake.refuses_with = TOW_E_TRANSIENT;
    copy_job_assert_fails(&job, TOW_E_TRANSIENT, "loading 8 staged files for table main.t");
    job.lake.refuses = NULL;
    assert_ok(copy_job_run(&job), job.err);
    for (size_t i = 0; i < job.lake.statement_count; i++) {
        if (strncmp(job.lake.statements[i], "COPY INTO", 9) != 0)
            continue;
        first = first ? first : job.lake.statements[i];
        assert_string_equal(job.lake.statements[i], first);
        copies++;
    }
    assert_true(copies > 3);
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

static void test_a_count_that_is_not_that_of_the_files_keeps_them(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    job.lake.miscounts = -1;
    copy_job_assert_fails(&job, TOW_E_ENV, "inserted 39 rows");
    assert_says(job.err, "with 40 rows");
    assert_int_equal(job.lake.file_count, 8);
    copy_job_release(&job);
}

static void test_none_inserted_is_an_error_where_the_copy_cannot_have_run(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    job.lake.miscounts = -40;
    copy_job_assert_fails(&job, TOW_E_ENV, "inserted 0 rows");
    copy_job_release(&job);
}

static void test_a_load_table_that_somebody_changed_is_not_published(void **state)
{
    static const char *const modes[] = {"replace", "merge"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct copy_job job;

        copy_job_init(&job, modes[i], i ? "keys" : NULL, "id", NULL);
        copy_job_add_table(&job, COPY_COLUMNS);
        job.lake.refuses = "SELECT count";
        job.lake.refuses_with = TOW_E_ENV;
        copy_job_assert_fails(&job, TOW_E_ENV, "counting the rows");
        job.lake.refuses = NULL;
        assert_int_equal(job.lake.table_count, 2);
        lake_add_row(&job.lake.tables[1], "77,\"stray\",1");
        copy_job_assert_fails(&job, TOW_E_ENV, "has 41 rows, 40 were loaded");
        assert_int_equal(copy_job_table(&job)->row_count, 2);
        copy_job_release(&job);
    }
}

static void test_the_last_row_of_a_key_wins_whichever_worker_had_it(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "merge", "keys", "id", NULL);
    job.keys = 7;
    copy_job_add_table(&job, COPY_COLUMNS);
    assert_ok(copy_job_run(&job), job.err);
    copy_job_assert_rows(&job, job.rows, 1);
    copy_job_release(&job);
}

static void test_files_and_load_tables_have_names_that_no_other_load_has(void **state)
{
    struct copy_job job, other;
    struct lake lake;

    (void)state;
    /* Two sinks of one job, with a ledger each, in the same load. */
    copy_job_init(&job, "append", NULL);
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 40), job.err);
    assert_ok(copy_job_checkpoint(&job), job.err);
    lake = job.lake;
    copy_job_init(&other, "append", NULL);
    assert_ok(copy_job_open(&other), other.err);
    assert_ok(copy_job_write(&other, 40), other.err);
    assert_ok(copy_job_checkpoint(&other), other.err);
    assert_string_equal(job.load_id, other.load_id);
    for (size_t i = 0; i < lake.file_count; i++)
        for (size_t j = 0; j < other.lake.file_count; j++)
            assert_string_not_equal(lake.files[i].path, other.lake.files[j].path);
    copy_job_release(&other);
    copy_job_release(&job);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* One batch of three rows, of which the second holds a NUL. */
static void write_nul(struct copy_job *job)
{
    struct tow_builder *builder = tow_builder_new_schema(&job->schema, &job->err);
    struct ArrowArray array;
    const struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = 1, .array = &array};

    assert_non_null(builder);
    for (int i = 0; i < 3; i++) {
        assert_ok(tow_append_int64(builder, 0, i, &job->err), job->err);
        assert_ok(tow_append_bytes(builder, 1, i == 1 ? "a\0b" : "row", 3, &job->err), job->err);
        assert_ok(tow_builder_end_row(builder, &job->err), job->err);
    }
    assert_ok(tow_builder_finish(builder, &array, &job->err), job->err);
    assert_ok(job->plugin->sink->write(job->selves[0], &rows, &job->err), job->err);
    array.release(&array);
    tow_builder_free(builder);
}

static void test_csv_refuses_rows_with_nul_and_ndjson_takes_them(void **state)
{
    static const char *const formats[] = {"csv", "ndjson"};

    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct copy_job job;

        copy_job_init(&job, "append", "format", formats[i], NULL);
        job.workers = 1;
        assert_ok(copy_job_open(&job), job.err);
        write_nul(&job);
        assert_ok(copy_job_checkpoint(&job), job.err);
        assert_ok(copy_job_finish(&job), job.err);
        assert_int_equal(copy_job_table(&job)->row_count, i == 0 ? 2 : 3);
        assert_int_equal(fake_host_settled(&job.fake, TOW_ROW_REJECTED), i == 0 ? 1 : 0);
        if (i == 0) {
            assert_string_equal(job.fake.outcomes[0].code, "nul_byte");
            assert_non_null(strstr(job.fake.outcomes[0].message, "column name holds U+0000"));
            assert_int_equal(job.fake.outcomes[0].first, 1);
        }
        copy_job_release(&job);
    }
}

static void test_a_batch_stays_with_the_core_where_the_stage_does_not_answer(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", NULL);
    job.workers = 1;
    assert_ok(copy_job_open(&job), job.err);
    /* The second batch finds a full part, which cannot be staged. */
    job.lake.fault = LAKE_LOST_BEFORE;
    job.lake.fail_step = job.lake.step + 2;
    assert_ok(copy_job_write(&job, 20), job.err);
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_ok(copy_job_finish(&job), job.err);
    copy_job_assert_rows(&job, 20, 0);
    copy_job_release(&job);
}

/* ---- S3 ------------------------------------------------------------------------------------- */

static int says_secret(const struct copy_job *job)
{
    for (size_t i = 0; i < job->fake.line_count; i++)
        if (strstr(job->fake.lines[i].message, "verysecret"))
            return 1;
    return strstr(job->err.message, "verysecret") != NULL;
}

static void test_keys_go_into_sql_only_where_the_job_says_so(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "stage", "s3://bucket/a", "aws_access_key_id", "AK",
                  "aws_secret_access_key", "verysecret", NULL);
    assert_ok(copy_job_run(&job), job.err);
    assert_int_equal(job.lake.file_count, 0);
    for (size_t i = 0; i < job.lake.statement_count; i++)
        assert_null(strstr(job.lake.statements[i], "verysecret"));
    assert_false(fake_host_logged(&job.fake, TOW_LOG_WARN, "query history"));

    copy_job_set(&job, "aws_keys_in_sql", "true");
    /* What the far end says may hold the statement, as far as a message goes. */
    job.lake.refuses = "COPY INTO";
    job.lake.refuses_with = TOW_E_AUTH;
    job.lake.echoes = 1;
    copy_job_assert_fails(&job, TOW_E_AUTH, "refused");
    assert_says(job.err, "AWS_SECRET_KEY = '***'");
    assert_false(says_secret(&job));
    job.lake.refuses = NULL;
    assert_ok(copy_job_run(&job), job.err);
    assert_non_null(strstr(job.lake.statements[job.lake.statement_count - 1], "verysecret"));
    assert_true(fake_host_logged(&job.fake, TOW_LOG_WARN, "query history"));
    assert_false(says_secret(&job));
    copy_job_release(&job);
}

static void test_files_in_s3_lie_under_the_prefix(void **state)
{
    struct copy_job job;

    (void)state;
    copy_job_init(&job, "append", "stage", "s3://bucket/a/b/", "aws_access_key_id", "AK",
                  "stage_credential", "cred", NULL);
    assert_ok(copy_job_open(&job), job.err);
    assert_ok(copy_job_write(&job, 40), job.err);
    assert_ok(copy_job_checkpoint(&job), job.err);
    assert_int_equal(strncmp(job.lake.files[0].path, "s3://bucket/a/b/test/load1_", 27), 0);
    assert_ok(copy_job_finish(&job), job.err);
    assert_non_null(
        strstr(job.lake.statements[job.lake.statement_count - 1], "WITH (CREDENTIAL `cred`)"));
    copy_job_assert_rows(&job, job.rows, 0);
    copy_job_release(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_refuses_options_that_do_not_go_together),
        cmocka_unit_test(test_check_refuses_what_an_inferred_table_cannot_have),
        cmocka_unit_test(test_begin_without_a_host_only_looks),
        cmocka_unit_test(test_a_table_that_is_not_there_is_created),
        cmocka_unit_test(test_an_empty_load_leaves_what_the_mode_says),
        cmocka_unit_test(test_a_table_is_dropped_and_made_anew),
        cmocka_unit_test(test_an_inferred_table_gets_the_columns_of_its_files),
        cmocka_unit_test(test_an_empty_load_leaves_a_typed_table_in_every_mode_that_replaces),
        cmocka_unit_test(test_a_table_that_vanished_under_a_load_is_told),
        cmocka_unit_test(test_a_table_may_be_left_to_others_to_create),
        cmocka_unit_test(test_types_that_do_not_hold_the_values_are_named_before_anything_is_read),
        cmocka_unit_test(test_missing_columns_are_added_where_the_job_says_so),
        cmocka_unit_test(test_columns_of_the_table_alone_stay_unless_it_is_to_be_replaced),
        cmocka_unit_test(test_a_type_that_changed_while_rows_were_staged_is_told),
        cmocka_unit_test(test_parts_of_all_workers_are_one_copy),
        cmocka_unit_test(test_more_than_a_thousand_files_take_a_second_copy),
        cmocka_unit_test(test_large_parts_hold_many_batches),
        cmocka_unit_test(test_parts_have_no_more_rows_than_the_job_allows),
        cmocka_unit_test(test_a_batch_that_is_larger_than_a_part_may_be_is_a_part_of_its_own),
        cmocka_unit_test(test_a_copy_of_unknown_outcome_is_the_same_statement_again),
        cmocka_unit_test(test_a_count_that_is_not_that_of_the_files_keeps_them),
        cmocka_unit_test(test_none_inserted_is_an_error_where_the_copy_cannot_have_run),
        cmocka_unit_test(test_a_load_table_that_somebody_changed_is_not_published),
        cmocka_unit_test(test_the_last_row_of_a_key_wins_whichever_worker_had_it),
        cmocka_unit_test(test_files_and_load_tables_have_names_that_no_other_load_has),
        cmocka_unit_test(test_csv_refuses_rows_with_nul_and_ndjson_takes_them),
        cmocka_unit_test(test_a_batch_stays_with_the_core_where_the_stage_does_not_answer),
        cmocka_unit_test(test_keys_go_into_sql_only_where_the_job_says_so),
        cmocka_unit_test(test_files_in_s3_lie_under_the_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
