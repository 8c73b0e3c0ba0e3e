/* `towpath setup`: which plugin is asked for what, with which columns. */
#include <stdlib.h>

#include "nomem.h"
#include "run/assembly/setup.h"
#include "run_fixture.h"
#include "unit.h"

/* The far end: one thing each, there or not. */
static int source_is_there, sink_is_there;
static int fail_times, fail_code, fail_after_making;
static char asked_source[256], asked_sink[256], asked_results[256];

static struct tow_source_ops source_ops;
static struct tow_sink_ops sink_ops, results_ops;
static struct tow_plugin source, sink, results;
static struct tow_setup_report report;
static struct tow_setup_options options;

/* "n int64!, m json[array<int>]" */
static void write_down(const struct tow_setup *setup, char *text, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    size_t length = 0;

    snprintf(text, size, setup->columns ? "" : "none");
    for (int64_t i = 0; setup->columns && i < setup->columns->n_children; i++) {
        struct tow_field field;
        char type[TOW_TYPE_TEXT_MAX];

        assert_ok(tow_schema_field(setup->columns, i, &field, &err), err);
        length +=
            (size_t)snprintf(text + length, size - length, "%s%s %s%s", i ? ", " : "", field.name,
                             tow_type_name(field.type, type), field.not_null ? "!" : "");
        if (*setup->shapes[i])
            length += (size_t)snprintf(text + length, size - length, "[%s]", setup->shapes[i]);
        assert_true(length < size);
    }
}

static int make(const struct tow_setup *setup, int *is_there, const char *thing,
                struct tow_error *err)
{
    const int outcome = *is_there ? TOW_SETUP_EXISTS : TOW_SETUP_CREATED;

    if (fail_times > 0 && !fail_after_making) {
        fail_times--;
        return tow_error_set(err, fail_code, "the toy setup fails as told");
    }
    if (!setup->is_dry_run)
        *is_there = 1;
    if (setup->say(setup, outcome, thing, outcome == TOW_SETUP_EXISTS ? NULL : "MAKE IT"))
        return tow_error_nomem(err);
    if (fail_times > 0) {
        fail_times--;
        return tow_error_set(err, fail_code, "the toy setup fails as told");
    }
    return TOW_OK;
}

static int32_t source_setup(void *self, const struct tow_host *host, const struct tow_setup *setup,
                            struct ArrowSchema *out, struct tow_error *err)
{
    (void)self, (void)host, (void)out;
    write_down(setup, asked_source, sizeof asked_source);
    return make(setup, &source_is_there, "the input", err);
}

static int32_t sink_setup(void *self, const struct tow_host *host, const struct tow_setup *setup,
                          struct tow_error *err)
{
    (void)self, (void)host;
    write_down(setup, asked_sink, sizeof asked_sink);
    return make(setup, &sink_is_there, "the output", err);
}

static int32_t results_setup(void *self, const struct tow_host *host, const struct tow_setup *setup,
                             struct tow_error *err)
{
    (void)self, (void)host;
    write_down(setup, asked_results, sizeof asked_results);
    return setup->say(setup, TOW_SETUP_EXISTS, "the results", NULL) ? tow_error_nomem(err) : TOW_OK;
}

static int32_t sink_columns(void *self, tow_column_visit *visit, void *context,
                            struct tow_error *err)
{
    static const struct tow_sink_column columns[] = {
        {sizeof *columns, 1, "n", "int64", "", ""},
        {sizeof *columns, 0, "list", "json", "array<int>", ""},
        {sizeof *columns, 0, "at", "timestamp", "", ""},
    };
    int32_t rc = TOW_OK;

    (void)self, (void)err;
    for (size_t i = 0; !rc && i < sizeof columns / sizeof *columns; i++)
        rc = visit(context, &columns[i]);
    return rc;
}

static int set_up(void **state)
{
    int rc = run_set_up(state);

    source = toy_source;
    source_ops = *toy_source.source;
    source.source = &source_ops;
    source_ops.setup = source_setup;
    sink = toy_sink;
    sink_ops = *toy_sink.sink;
    sink.sink = &sink_ops;
    sink_ops.setup = sink_setup;
    sink_ops.columns = sink_columns;
    results = toy_results;
    results_ops = *toy_results.sink;
    results.sink = &results_ops;
    results_ops.setup = results_setup;
    fixture->assembly.source = &source;
    fixture->assembly.sink = &sink;
    source_is_there = sink_is_there = fail_times = fail_after_making = 0;
    *asked_source = *asked_sink = *asked_results = '\0';
    options = (struct tow_setup_options){.cancel = &fixture->cancel};
    return rc;
}

static int tear_down(void **state)
{
    tow_setup_report_release(&report);
    return run_tear_down(state);
}

static int setup_with(struct tow_error *err)
{
    tow_setup_report_release(&report);
    *err = (struct tow_error)TOW_ERROR_INIT;
    return tow_setup_job(&fixture->assembly, &options, &report, err);
}

static void sets_up(void)
{
    struct tow_error err;

    assert_ok(setup_with(&err), err);
}

static void step_is(size_t i, const char *section, int outcome, const char *thing)
{
    assert_true(i < report.count);
    assert_string_equal(report.steps[i].section, section);
    assert_int_equal(report.steps[i].outcome, outcome);
    if (thing)
        assert_string_equal(report.steps[i].thing, thing);
    else
        assert_null(report.steps[i].thing);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_a_second_time_everything_is_there(void **state)
{
    (void)state;
    sets_up();
    assert_int_equal(report.count, 2);
    step_is(0, "source", TOW_SETUP_CREATED, "the input");
    assert_string_equal(report.steps[0].statement, "MAKE IT");
    step_is(1, "sink", TOW_SETUP_CREATED, "the output");
    sets_up();
    assert_int_equal(report.count, 2);
    step_is(0, "source", TOW_SETUP_EXISTS, "the input");
    assert_null(report.steps[0].statement);
    step_is(1, "sink", TOW_SETUP_EXISTS, "the output");
    assert_int_equal(toy_source_plan.opened + 2, toy_source_plan.closed); /* setup, then close */
}

static void test_a_dry_run_says_so_to_the_plugins(void **state)
{
    (void)state;
    options.is_dry_run = 1;
    sets_up();
    step_is(0, "source", TOW_SETUP_CREATED, "the input");
    assert_false(source_is_there || sink_is_there);
}

static void test_the_source_is_asked_for_what_the_sink_takes(void **state)
{
    (void)state;
    sets_up();
    assert_string_equal(asked_source, "n int64!, list json[array<int>], at timestamp");
    assert_string_equal(asked_sink, "n int64"); /* what the toy source has */
}

static void test_columns_lead_back_to_the_source(void **state)
{
    struct tow_column_spec columns[] = {
        {.name = "n", .from = "number"},
        {.name = "list", .from = "things"},
        {.name = "at", .from = "when", .format = "%Y"},
        {.name = "kind", .value = "constant"},
        {.name = "twice", .from = "number", .has_type = 1, .type = {TOW_TYPE_INT64, 0, 0}},
        {.name = "plain", .from = "plain", .required = 1},
        {.name = "short", .from = "long", .hash_sha256 = 1},
    };

    (void)state;
    toy_source_plan.column = "number";
    sink_ops.setup = NULL;
    fixture->job.has_columns = 1;
    fixture->job.columns = columns;
    fixture->job.column_count = sizeof columns / sizeof *columns;
    struct tow_error err;
    setup_with(&err); /* the toy source's own columns do not fit; it was asked before */
    assert_string_equal(asked_source, "number int64!, things json[array<int>], when string, "
                                      "plain string!, long string");
}

static void test_a_default_lets_the_source_have_nulls(void **state)
{
    struct tow_column_spec columns[] = {{.name = "n", .from = "n", .fallback = "0"}};

    (void)state;
    fixture->job.has_columns = 1;
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    sets_up();
    assert_string_equal(asked_source, "n int64");
}

static void test_a_column_that_is_read_as_two_types_is_refused(void **state)
{
    struct tow_column_spec columns[] = {{.name = "n", .from = "x"}, {.name = "at", .from = "x"}};
    struct tow_error err;

    (void)state;
    fixture->job.has_columns = 1;
    fixture->job.columns = columns;
    fixture->job.column_count = 2;
    assert_int_equal(setup_with(&err), TOW_E_CONFIG);
    assert_says(err, "\"x\" of the source is read twice, as int64 and as timestamp");
    assert_int_equal(report.count, 0);
}

static void test_without_a_sink_that_says_so_nobody_knows_the_columns(void **state)
{
    (void)state;
    sink_ops.columns = NULL;
    sets_up();
    assert_string_equal(asked_source, "none");
    sink_ops.columns = sink_columns;
    run_with_transforms(0);
    sets_up();
    assert_string_equal(asked_source, "none"); /* what a transform makes of it is its own affair */
}

static void test_results_get_the_columns_of_the_source_and_their_own(void **state)
{
    (void)state;
    run_with_results();
    fixture->assembly.results = &results;
    sets_up();
    step_is(2, "results", TOW_SETUP_EXISTS, "the results");
    assert_string_equal(asked_results, "n int64, success bool, error_code string, "
                                       "error_message string, processed_timestamp timestamp!");
}

static void test_plugins_without_setup_have_nothing_to_do(void **state)
{
    (void)state;
    source_ops.size = offsetof(struct tow_source_ops, setup); /* of version 1.0 */
    sink_ops.size = offsetof(struct tow_sink_ops, setup);
    sets_up();
    assert_int_equal(report.count, 2);
    step_is(0, "source", TOW_SETUP_NOTHING, NULL);
    step_is(1, "sink", TOW_SETUP_NOTHING, NULL);
    assert_int_equal(toy_source_plan.opened, 0); /* nobody wants to know its columns */
}

static int32_t only_by_reading(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self, (void)out, (void)err;
    return TOW_END;
}

static void test_columns_that_only_a_run_knows_are_said_to_be_so(void **state)
{
    (void)state;
    source_ops.setup = NULL;
    source_ops.schema = only_by_reading;
    sets_up();
    step_is(0, "source", TOW_SETUP_NOTHING, NULL);
    step_is(1, "sink", TOW_SETUP_UNKNOWN, NULL);
}

static void test_trouble_that_passes_is_tried_again(void **state)
{
    (void)state;
    fail_times = 3;
    fail_code = TOW_E_TRANSIENT;
    sets_up();
    step_is(0, "source", TOW_SETUP_CREATED, "the input");
}

/* The second try finds what the first one made. */
static void test_what_a_failed_try_made_counts_as_made(void **state)
{
    (void)state;
    fail_times = 1;
    fail_code = TOW_E_TRANSIENT;
    fail_after_making = 1;
    sets_up();
    assert_int_equal(report.count, 2);
    step_is(0, "source", TOW_SETUP_CREATED, "the input");
}

static void test_a_failure_ends_it_and_what_was_made_is_told(void **state)
{
    struct tow_error err;

    (void)state;
    source_is_there = 1;
    fail_times = 1;
    fail_code = TOW_E_AUTH;
    fail_after_making = 1;
    assert_int_equal(setup_with(&err), TOW_E_AUTH);
    assert_says(err, "source toy: the toy setup fails as told");
    assert_int_equal(report.count, 1);
    step_is(0, "source", TOW_SETUP_EXISTS, "the input");
    assert_false(sink_is_there);
}

static void test_a_signal_ends_the_waiting(void **state)
{
    struct tow_error err;

    (void)state;
    fail_times = 5;
    fail_code = TOW_E_TRANSIENT;
    tow_cancel_set(&fixture->cancel, 2);
    assert_int_equal(setup_with(&err), TOW_E_CANCELLED);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Plugins of one's own fail as any other call does; what is written down must not. */
static void test_setup_fails_whole_at_every_allocation(void **state)
{
    struct tow_column_spec columns[] = {{.name = "n", .from = "n"},
                                        {.name = "list", .from = "things"}};
    struct tow_error err = TOW_ERROR_INIT;
    long failed = 0;
    int has_failed = 1;

    (void)state;
    run_with_results();
    fixture->assembly.results = &results;
    fixture->job.has_columns = 1;
    fixture->job.columns = columns;
    fixture->job.column_count = 1;
    for (long number = 0; has_failed; number++) {
        source_is_there = sink_is_there = 1;
        nomem_after(number);
        int rc = setup_with(&err);
        has_failed = nomem_stop();
        if (has_failed)
            assert_int_equal(rc, TOW_E_NOMEM);
        failed += rc == TOW_E_NOMEM;
    }
    assert_ok(err.code, err);
    assert_int_equal(report.count, 3);
    assert_true(failed > 50);
}

int main(void)
{
#define SETUP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SETUP_TEST(test_a_second_time_everything_is_there),
        SETUP_TEST(test_a_dry_run_says_so_to_the_plugins),
        SETUP_TEST(test_the_source_is_asked_for_what_the_sink_takes),
        SETUP_TEST(test_columns_lead_back_to_the_source),
        SETUP_TEST(test_a_default_lets_the_source_have_nulls),
        SETUP_TEST(test_a_column_that_is_read_as_two_types_is_refused),
        SETUP_TEST(test_without_a_sink_that_says_so_nobody_knows_the_columns),
        SETUP_TEST(test_results_get_the_columns_of_the_source_and_their_own),
        SETUP_TEST(test_plugins_without_setup_have_nothing_to_do),
        SETUP_TEST(test_columns_that_only_a_run_knows_are_said_to_be_so),
        SETUP_TEST(test_trouble_that_passes_is_tried_again),
        SETUP_TEST(test_what_a_failed_try_made_counts_as_made),
        SETUP_TEST(test_a_failure_ends_it_and_what_was_made_is_told),
        SETUP_TEST(test_a_signal_ends_the_waiting),
        SETUP_TEST(test_setup_fails_whole_at_every_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
