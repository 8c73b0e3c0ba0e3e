/* What `check` finds before a run would. */
#include "run_fixture.h"
#include "unit.h"

static struct tow_source_ops source_ops;
static struct tow_sink_ops sink_ops;
static struct tow_plugin source, sink, results;

/* What a begin without a host, as check calls it, is to refuse. */
static const char *refused_column;

static int32_t look_only(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    (void)self;
    assert_null(host);
    if (refused_column && tow_schema_find(schema, refused_column) >= 0)
        return tow_error_set(err, TOW_E_CONFIG, "no column %s here", refused_column);
    return TOW_OK;
}

static int set_up(void **state)
{
    int rc = run_set_up(state);

    refused_column = NULL;
    source_ops = *toy_source.source;
    source_ops.flags |= TOW_SOURCE_OFFLINE;
    source = toy_source;
    source.source = &source_ops;
    sink_ops = *toy_sink.sink;
    sink_ops.flags |= TOW_SINK_OFFLINE_BEGIN;
    sink_ops.begin = look_only;
    sink = toy_sink;
    sink.sink = &sink_ops;
    results = toy_results;
    results.sink = &sink_ops;
    results.instance_size = toy_sink.instance_size;
    fixture->assembly.source = &source;
    fixture->assembly.sink = &sink;
    return rc;
}

/* The findings of a probe: so many, and the first says this. */
static void finds(size_t count, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};

    assert_ok(tow_assembly_probe(&fixture->assembly, NULL, NULL, &diags, &err), err);
    assert_int_equal(diags.errors, count);
    if (count > 0 && !strstr(diags.items[0].text, says))
        fail_msg("\"%s\" lacks \"%s\"", diags.items[0].text, says);
    tow_diags_release(&diags);
}

static void test_a_sound_job_passes(void **state)
{
    (void)state;
    run_with_transforms(1);
    fixture->assembly.results = &results;
    finds(0, "");
    assert_int_equal(toy_source_plan.opened, toy_source_plan.closed);
}

static int32_t look_without_memory(void *self, const struct tow_host *host,
                                   const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)self;
    (void)host;
    (void)schema;
    return tow_error_nomem(err);
}

static void test_memory_that_ran_out_is_not_laid_to_the_job_file(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};

    (void)state;
    sink_ops.begin = look_without_memory;
    assert_ok(tow_assembly_probe(&fixture->assembly, NULL, NULL, &diags, &err), err);
    assert_int_equal(diags.count, 0);
    assert_true(diags.incomplete);
    tow_diags_release(&diags);
}

static void test_the_sink_sees_the_columns(void **state)
{
    (void)state;
    refused_column = "n";
    finds(1, "sink toy_sink: no column n here");
}

static void test_the_results_sink_sees_its_columns_too(void **state)
{
    (void)state;
    refused_column = "processed_timestamp";
    fixture->assembly.results = &results;
    finds(1, "results toy_results: no column processed_timestamp here");
}

static int32_t wordless(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                        struct tow_error *err)
{
    (void)self, (void)host, (void)schema, (void)err;
    return TOW_E_ENV;
}

static int32_t senseless(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    (void)self, (void)host, (void)schema, (void)err;
    return 5;
}

static void test_results_that_mean_nothing_are_findings(void **state)
{
    (void)state;
    sink_ops.begin = wordless;
    finds(1, "sink toy_sink: begin failed (env) and gave no reason");
    sink_ops.begin = senseless;
    finds(1, "sink toy_sink: begin returned 5, which means nothing here");
}

static void test_checkpoints_are_as_far_apart_as_the_sinks_wish(void **state)
{
    struct tow_tuning *tuning = &fixture->job.tuning;

    (void)state;
    tuning->checkpoint_ms = 5000;
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 5000);
    sink_ops.checkpoint_ms = 60000;
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 60000);
    fixture->assembly.sink = &toy_sink;
    fixture->assembly.results = &results;
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 60000);
    sink_ops.checkpoint_ms = 1;
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 5000);
    sink_ops.checkpoint_ms = 60000;
    tuning->checkpoint_given = 1;
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 5000);
}

static void test_there_are_as_many_workers_as_the_sink_wishes(void **state)
{
    struct tow_tuning *tuning = &fixture->job.tuning;

    (void)state;
    tuning->workers = 1;
    sink_ops.workers = 4;
    assert_int_equal(tow_assembly_workers(&fixture->assembly), 1); /* it is not parallel */
    sink_ops.flags |= TOW_SINK_PARALLEL;
    assert_int_equal(tow_assembly_workers(&fixture->assembly), 4);
    sink_ops.workers = 1000;
    assert_int_equal(tow_assembly_workers(&fixture->assembly), TOW_WORKERS_MAX);
    sink_ops.workers = 0;
    assert_int_equal(tow_assembly_workers(&fixture->assembly), 1);
    sink_ops.workers = 4;
    tuning->workers = 2;
    tuning->workers_given = 1;
    assert_int_equal(tow_assembly_workers(&fixture->assembly), 2);
}

static void test_as_much_is_under_way_as_a_sink_that_settles_late_wishes(void **state)
{
    struct tow_tuning *tuning = &fixture->job.tuning;

    (void)state;
    tuning->queue_batches = 2;
    tuning->queue_bytes = 1 << 20;
    sink_ops.queue_batches = 64;
    sink_ops.queue_bytes = 1 << 24;
    assert_int_equal(tow_assembly_queue_batches(&fixture->assembly), 2); /* it does not defer */
    assert_int_equal(tow_assembly_queue_bytes(&fixture->assembly), 1 << 20);
    sink_ops.flags |= TOW_SINK_DEFERS;
    assert_int_equal(tow_assembly_queue_batches(&fixture->assembly), 64);
    assert_int_equal(tow_assembly_queue_bytes(&fixture->assembly), 1 << 24);
    sink_ops.queue_batches = 1000000;
    assert_int_equal(tow_assembly_queue_batches(&fixture->assembly), 1024);
    sink_ops.queue_batches = 1;
    assert_int_equal(tow_assembly_queue_batches(&fixture->assembly), 2);
    sink_ops.queue_batches = 64;
    tuning->queue_batches_given = tuning->queue_bytes_given = 1;
    assert_int_equal(tow_assembly_queue_batches(&fixture->assembly), 2);
    assert_int_equal(tow_assembly_queue_bytes(&fixture->assembly), 1 << 20);
}

/* A plugin that was built for version 1.0 has a shorter table; what lies behind it is not its. */
static void test_a_sink_of_the_first_version_has_no_wish(void **state)
{
    (void)state;
    fixture->job.tuning.checkpoint_ms = 5000;
    sink_ops.checkpoint_ms = 60000;
    sink_ops.flags |= TOW_SINK_PARALLEL;
    sink_ops.workers = 4;
    fixture->job.tuning.workers = 1;
    sink_ops.size = offsetof(struct tow_sink_ops, checkpoint_ms);
    assert_int_equal(tow_assembly_checkpoint_ms(&fixture->assembly), 5000);
    assert_int_equal(tow_assembly_workers(&fixture->assembly), 1);
}

int main(void)
{
#define ASSEMBLY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, run_tear_down)
    const struct CMUnitTest tests[] = {
        ASSEMBLY_TEST(test_a_sound_job_passes),
        ASSEMBLY_TEST(test_memory_that_ran_out_is_not_laid_to_the_job_file),
        ASSEMBLY_TEST(test_the_sink_sees_the_columns),
        ASSEMBLY_TEST(test_the_results_sink_sees_its_columns_too),
        ASSEMBLY_TEST(test_results_that_mean_nothing_are_findings),
        ASSEMBLY_TEST(test_checkpoints_are_as_far_apart_as_the_sinks_wish),
        ASSEMBLY_TEST(test_there_are_as_many_workers_as_the_sink_wishes),
        ASSEMBLY_TEST(test_as_much_is_under_way_as_a_sink_that_settles_late_wishes),
        ASSEMBLY_TEST(test_a_sink_of_the_first_version_has_no_wish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
