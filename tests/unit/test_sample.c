#include "unit.h"

#include "run/assembly/sample.h"
#include "toy_plugins.h"

/* What a sample handed out. */
struct seen {
    char rows[4096], rejects[8192];
    int stop_after; /* rows; 0: never */
    int count;
};

static int see_row(void *context, const char *json, size_t length)
{
    struct seen *seen = context;

    strncat(seen->rows, json, length);
    strcat(seen->rows, ";");
    return ++seen->count == seen->stop_after ? TOW_E_ENV : TOW_OK;
}

static int see_reject(void *context, const char *line, size_t length)
{
    struct seen *seen = context;

    assert_true(length > 0 && line[length - 1] == '}');
    strncat(seen->rejects, line, length);
    strcat(seen->rejects, ";");
    return TOW_OK;
}

static struct tow_setting transform_section = {.kind = TOW_SETTING_GROUP};
static struct tow_job job = {
    .path = "toy.cfg",
    .dir = "/",
    .name = "toys",
    .source = {.kind = TOW_SETTING_GROUP},
    .sink = {.kind = TOW_SETTING_GROUP},
    .retry = {.budget_ms = 60000, .tries = 5},
    .tuning = {.batch_rows = 8192, .batch_bytes = 1 << 20},
};
static const struct tow_plugin *transforms[] = {&toy_transform};

static int sample(int64_t count, struct seen *seen, struct tow_error *err)
{
    struct tow_assembly assembly = {
        .job = &job, .source = &toy_source, .sink = &toy_sink, .transforms = transforms};
    const struct tow_sample to = {see_row, see_reject, seen};

    return tow_sample_run(&assembly, count, &to, err);
}

static int set_up(void **state)
{
    (void)state;
    toy_reset();
    job.transforms = NULL;
    job.transform_count = 0;
    return 0;
}

static void test_no_more_rows_are_shown_than_asked_for(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {0};

    (void)state;
    assert_ok(sample(3, &seen, &err), err);
    assert_string_equal(seen.rows, "{\"n\":0};{\"n\":1};{\"n\":2};");
    assert_string_equal(seen.rejects, "");
    assert_int_equal(toy_source_plan.opened, 1);
    assert_int_equal(toy_source_plan.closed, 1);
    assert_int_equal(toy_far_end->published_count + toy_far_end->unpublished_count, 0);
}

static void test_a_short_source_ends_the_sample(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {0};

    (void)state;
    toy_source_plan.rows = 2;
    assert_ok(sample(5, &seen, &err), err);
    assert_string_equal(seen.rows, "{\"n\":0};{\"n\":1};");
}

static void test_rejected_rows_come_with_the_reason(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {0};

    (void)state;
    job.transforms = &transform_section;
    job.transform_count = 1;
    assert_ok(sample(9, &seen, &err), err);
    assert_string_equal(seen.rows, "{\"n\":1};{\"n\":2};{\"n\":3};{\"n\":4};{\"n\":5};{\"n\":6};"
                                   "{\"n\":8};");
    assert_non_null(strstr(seen.rejects, "\"stage\":\"transform\""));
    assert_non_null(strstr(seen.rejects, "\"row\":{\"n\":7}"));
}

static void test_rows_that_the_source_cannot_read_are_shown(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {0};

    (void)state;
    toy_source_plan.unreadable = 2;
    assert_ok(sample(4, &seen, &err), err);
    assert_non_null(strstr(seen.rejects, "\"stage\":\"source\""));
    assert_null(strstr(seen.rejects, "\n"));
}

static void test_a_failing_source_fails_the_sample(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {0};

    (void)state;
    toy_source_plan.fail_at = 0;
    toy_source_plan.fail_code = TOW_E_ENV;
    toy_source_plan.fail_times = 1;
    assert_int_equal(sample(4, &seen, &err), TOW_E_ENV);
    assert_string_equal(seen.rows, "");
    assert_int_equal(toy_source_plan.closed, 1);
}

static void test_the_receiver_can_stop_it(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {.stop_after = 2};

    (void)state;
    assert_int_equal(sample(4, &seen, &err), TOW_E_ENV);
    assert_int_equal(seen.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_more_rows_are_shown_than_asked_for, set_up),
        cmocka_unit_test_setup(test_a_short_source_ends_the_sample, set_up),
        cmocka_unit_test_setup(test_rejected_rows_come_with_the_reason, set_up),
        cmocka_unit_test_setup(test_rows_that_the_source_cannot_read_are_shown, set_up),
        cmocka_unit_test_setup(test_a_failing_source_fails_the_sample, set_up),
        cmocka_unit_test_setup(test_the_receiver_can_stop_it, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
