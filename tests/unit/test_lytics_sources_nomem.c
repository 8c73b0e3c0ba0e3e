/* The sources of Lytics, with each allocation of a load failing in turn: it says so, and leaks
 * nothing. (The far end has a thread of its own, whose memory does not run out.) */
#include "fake_host.h"
#include "http_fixture.h"
#include "lytics_far.h"
#include "nomem.h"
#include "towpath/batch.h"
#include "unit.h"

tow_plugin_entry lytics_system_events_LTX_tow_plugin_entry, lytics_metrics_LTX_tow_plugin_entry;

#define NOW INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */

static int64_t rejects;

static int32_t count_reject(const struct tow_host *host, const struct tow_source_reject *row)
{
    (void)host, (void)row;
    rejects++;
    return TOW_OK;
}

static void keep_quiet(const struct tow_host *host, int32_t level, const char *message)
{
    (void)host, (void)level, (void)message;
}

static int32_t find_nothing(const struct tow_host *host, const char *key,
                            struct tow_position *value, struct tow_error *err)
{
    (void)host, (void)key, (void)value, (void)err;
    return TOW_END;
}

static int32_t put_nowhere(void *context, const char *text, uint64_t length)
{
    (void)context, (void)text, (void)length;
    return TOW_OK;
}

struct outcome {
    int code;
    int has_failed; /* 1: an allocation */
    int64_t rows;
};

static struct outcome run(const struct tow_plugin *plugin, const struct tow_host *host,
                          const char *const *settings, long at)
{
    const struct tow_position start = {.size = sizeof start};
    const struct tow_source_ops *ops = plugin->source;
    void *self = fake_instance_new(plugin, settings);
    struct ArrowSchema schema = {.release = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct outcome outcome = {.rows = 0};

    rejects = 0;
    nomem_after_here(at);
    outcome.code = ops->open(self, host, &start, &err);
    if (outcome.code == TOW_OK)
        outcome.code = ops->schema(self, &schema, &err);
    if (outcome.code == TOW_OK)
        outcome.code = ops->name(self, "aid", put_nowhere, NULL, &err);
    while (outcome.code == TOW_OK) {
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};

        outcome.code = ops->read(self, &batch, &err);
        outcome.rows += batch.array.release ? batch.array.length : 0;
        if (batch.array.release)
            batch.array.release(&batch.array);
    }
    ops->close(self);
    outcome.has_failed = nomem_stop();
    if (schema.release)
        schema.release(&schema);
    fake_instance_free(self);
    if (outcome.code == TOW_E_NOMEM && err.code != TOW_E_NOMEM)
        fail_msg("allocation %ld: %s", at, err.message);
    return outcome;
}

static void fail_each(const struct tow_plugin *plugin, const char *const *settings)
{
    struct fake_host fake;
    struct outcome whole;
    int64_t rejected;
    int failures = 0;

    fake_host_init(&fake);
    fake.now_us = NOW;
    fake.host.reject = count_reject;
    fake.host.log = keep_quiet;
    fake.host.ledger_get = find_nothing;
    whole = run(plugin, &fake.host, settings, -1);
    rejected = rejects;
    assert_int_equal(whole.code, TOW_END);
    assert_true(whole.rows > 0);
    for (long at = 0;; at++) {
        struct outcome outcome = run(plugin, &fake.host, settings, at);

        if (outcome.code == TOW_E_NOMEM) {
            failures++;
            continue;
        }
        if (outcome.code != TOW_END)
            fail_msg("allocation %ld: %s", at, tow_error_name(outcome.code));
        assert_int_equal(outcome.rows, whole.rows);
        assert_int_equal(rejects, rejected);
        if (!outcome.has_failed)
            break;
    }
    assert_true(failures > 20);
    fake_host_release(&fake);
}

static void test_each_allocation_of_system_events_may_fail(void **state)
{
    struct lytics_far *far = calloc(1, sizeof *far);
    const char *settings[] = {"token",      "at.x", "api_url",    NULL,
                              "page_limit", "10",   "start_date", "2026-01-01T11:00:00Z",
                              NULL};

    (void)state;
    http_fixture_clean_environment();
    lytics_far_start(far);
    settings[3] = http_server_base(far->server);
    for (int i = 0; i < 25; i++)
        lytics_far_event(far, i, NOW - (i + 1) * INT64_C(1000000));
    far->events[7].id[0] = '\0'; /* one that is rejected */
    fail_each(lytics_system_events_LTX_tow_plugin_entry(), settings);
    lytics_far_stop(far);
    free(far);
}

static void test_each_allocation_of_metrics_may_fail(void **state)
{
    struct lytics_far *far = calloc(1, sizeof *far);
    const char *settings[] = {"token",          "at.x", "api_url",  NULL, "dimension", "stream",
                              "dimension_type", "size", "lookback", "7d", NULL};

    (void)state;
    http_fixture_clean_environment();
    lytics_far_start(far);
    settings[3] = http_server_base(far->server);
    for (far->id_count = 0; far->id_count < 3; far->id_count++)
        snprintf(far->ids[far->id_count], 16, "s%d", far->id_count);
    far->broken = "s1";
    fail_each(lytics_metrics_LTX_tow_plugin_entry(), settings);
    lytics_far_stop(far);
    free(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_of_system_events_may_fail),
        cmocka_unit_test(test_each_allocation_of_metrics_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
