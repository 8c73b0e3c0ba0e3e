/* Which changes are told, and what is said. */
#include "unit.h"

#include "daemon/alert_body.h"
#include "daemon/health.h"

static struct tow_run run_of(int64_t id, const char *status, int64_t rejected)
{
    struct tow_run run = {.id = id, .exit_code = strcmp(status, "ok") == 0 ? 0 : 3, .end_us = 9};

    strcpy(run.status, status);
    run.counts.read = 10;
    run.counts.rejected = rejected;
    return run;
}

static uint32_t told(struct tow_health *health, int64_t id, const char *status, int64_t rejected,
                     int retried)
{
    const struct tow_run run = run_of(id, status, rejected);

    return tow_health_run(health, &run, retried);
}

static void test_a_change_is_told_once(void **state)
{
    struct tow_health health = {0};

    (void)state;
    assert_int_equal(told(&health, 1, TOW_RUN_OK, 0, 0), 0);
    assert_int_equal(told(&health, 2, TOW_RUN_FAILED, 0, 0), TOW_ALERT_FAILURE);
    assert_int_equal(told(&health, 3, TOW_RUN_FAILED, 0, 0), 0);
    assert_int_equal(told(&health, 4, TOW_RUN_INTERRUPTED, 0, 0), 0);
    assert_int_equal(told(&health, 5, TOW_RUN_OK, 0, 0), TOW_ALERT_RECOVERY);
    assert_int_equal(told(&health, 6, TOW_RUN_OK, 0, 0), 0);
    assert_int_equal(told(&health, 7, TOW_RUN_INTERRUPTED, 0, 0), TOW_ALERT_FAILURE);
    assert_int_equal(health.judged, 7);
}

static void test_a_failure_that_is_tried_again_is_none_yet(void **state)
{
    struct tow_health health = {0};

    (void)state;
    assert_int_equal(told(&health, 1, TOW_RUN_FAILED, 0, 1), 0);
    assert_int_equal(told(&health, 2, TOW_RUN_OK, 0, 0), 0);
    assert_int_equal(told(&health, 3, TOW_RUN_FAILED, 0, 1), 0);
    assert_int_equal(told(&health, 4, TOW_RUN_FAILED, 0, 0), TOW_ALERT_FAILURE);
}

static void test_a_run_that_was_stopped_changes_nothing(void **state)
{
    struct tow_health health = {.failing = 1, .rejecting = 1};

    (void)state;
    assert_int_equal(told(&health, 1, TOW_RUN_CANCELLED, 0, 0), 0);
    assert_int_equal(health.failing, 1);
    assert_int_equal(health.rejecting, 1);
}

static void test_rejects_are_told_when_they_begin(void **state)
{
    struct tow_health health = {0};

    (void)state;
    assert_int_equal(told(&health, 1, TOW_RUN_OK, 2, 0), TOW_ALERT_REJECTS);
    assert_int_equal(told(&health, 2, TOW_RUN_OK, 3, 0), 0);
    /* What it did not read, it could not reject. */
    assert_int_equal(told(&health, 3, TOW_RUN_FAILED, 0, 0), TOW_ALERT_FAILURE);
    assert_int_equal(told(&health, 4, TOW_RUN_OK, 1, 0), TOW_ALERT_RECOVERY);
    assert_int_equal(told(&health, 5, TOW_RUN_OK, 0, 0), 0);
    assert_int_equal(told(&health, 6, TOW_RUN_FAILED, 1, 0), TOW_ALERT_REJECTS | TOW_ALERT_FAILURE);
}

static void test_late_is_told_once(void **state)
{
    struct tow_health health = {0};

    (void)state;
    assert_int_equal(tow_health_late(&health, 9, 10), 0);
    assert_int_equal(tow_health_late(&health, 10, 10), TOW_ALERT_LATE);
    assert_int_equal(tow_health_late(&health, 20, 10), 0);
    assert_int_equal(tow_health_late(&health, 0, 10), 0);
    assert_int_equal(tow_health_late(&health, 11, 10), TOW_ALERT_LATE);
}

/* ---- bodies --------------------------------------------------------------------------------- */

static struct tow_alert alert_of(const char *event)
{
    struct tow_alert alert = {.run = 7, .slot_us = INT64_C(1700000000000000)};

    strcpy(alert.job, "orders");
    strcpy(alert.event, event);
    return alert;
}

static void assert_body(const struct tow_alert_spec *spec, const char *event,
                        const struct tow_run *run, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_alert alert = alert_of(event);
    struct tow_buffer body = {0};

    assert_ok(tow_alert_body(spec, &alert, run, "h", &body, &err), err);
    assert_ok(tow_buffer_append(&body, "", 1, &err), err);
    assert_string_equal(body.data, expected);
    tow_buffer_release(&body);
}

static void test_the_json_form(void **state)
{
    const struct tow_alert_spec spec = {.format = TOW_ALERT_JSON};
    struct tow_run run = run_of(7, TOW_RUN_FAILED, 2);

    (void)state;
    strcpy(run.error, "line 1\n\"two\"");
    run.start_us = INT64_C(1700000001000000);
    run.end_us = 0;
    assert_body(&spec, "failure", &run,
                "{\"text\":\"Job orders on h failed: run 7, exit code 3: line 1\\n\\\"two\\\"\","
                "\"job\":\"orders\",\"event\":\"failure\",\"status\":\"failed\","
                "\"error\":\"line 1\\n\\\"two\\\"\",\"run\":7,\"exit_code\":3,"
                "\"start\":\"2023-11-14T22:13:21Z\",\"end\":null,"
                "\"slot\":\"2023-11-14T22:13:20Z\",\"host\":\"h\",\"read\":10,\"accepted\":0,"
                "\"rejected\":2,\"filtered\":0,\"pending\":0}");
    assert_body(&spec, "late", NULL,
                "{\"text\":\"Job orders on h is late: its slot 2023-11-14T22:13:20Z has not "
                "started.\",\"job\":\"orders\",\"event\":\"late\",\"status\":null,\"error\":null,"
                "\"run\":null,\"exit_code\":null,\"start\":null,\"end\":null,"
                "\"slot\":\"2023-11-14T22:13:20Z\",\"host\":\"h\",\"read\":null,\"accepted\":null,"
                "\"rejected\":null,\"filtered\":null,\"pending\":null}");
}

static void test_the_slack_form(void **state)
{
    const struct tow_alert_spec spec = {.format = TOW_ALERT_SLACK};
    const struct tow_run run = run_of(7, TOW_RUN_OK, 2);

    (void)state;
    assert_body(&spec, "rejects", &run,
                "{\"text\":\"Job orders on h has rejected rows: run 7, 2 of 10. "
                "`towpath rejects 7` shows them.\"}");
    assert_body(&spec, "recovery", &run,
                "{\"text\":\"Job orders on h works again: run 7, 0 rows accepted.\"}");
}

static void test_a_template(void **state)
{
    const struct tow_alert_spec spec = {
        .body = "{\"a\":\"{job}{event}\",{}{{run}}{ job}{Job}\"{error}"};
    struct tow_run run = run_of(7, TOW_RUN_FAILED, 2);

    (void)state;
    strcpy(run.error, "{job}\\");
    /* A value is not a template again. */
    assert_body(&spec, "failure", &run, "{\"a\":\"ordersfailure\",{}{7}{ job}{Job}\"{job}\\\\");
}

static void test_words_of_templates(void **state)
{
    (void)state;
    assert_int_equal(tow_alert_word("{job}"), 5);
    assert_int_equal(tow_alert_word("{job"), 0);
    assert_int_equal(tow_alert_word("{}"), 0);
    assert_int_equal(tow_alert_word("{\"a\"}"), 0);
    assert_int_equal(tow_alert_word("job}"), 0);
    assert_int_equal(tow_alert_word(""), 0);
    for (uint32_t event = TOW_ALERT_FAILURE; event <= TOW_ALERT_LATE; event <<= 1)
        assert_int_equal(tow_alert_event(tow_alert_event_name(event)), event);
    assert_int_equal(tow_alert_event("fail"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_is_told_once),
        cmocka_unit_test(test_a_failure_that_is_tried_again_is_none_yet),
        cmocka_unit_test(test_a_run_that_was_stopped_changes_nothing),
        cmocka_unit_test(test_rejects_are_told_when_they_begin),
        cmocka_unit_test(test_late_is_told_once),
        cmocka_unit_test(test_the_json_form),
        cmocka_unit_test(test_the_slack_form),
        cmocka_unit_test(test_a_template),
        cmocka_unit_test(test_words_of_templates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
