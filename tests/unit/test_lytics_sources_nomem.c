/* The sources of Lytics, with each allocation of a load failing in turn: it says so, and leaks
 * nothing. (The far end has a thread of its own, whose memory does not run out.) */
#include "bare_host.h"
#include "http_fixture.h"
#include "lytics_far.h"
#include "nomem.h"
#include "unit.h"

tow_plugin_entry lytics_system_events_LTX_tow_plugin_entry, lytics_metrics_LTX_tow_plugin_entry;

#define NOW INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */

static struct bare_load run(const struct tow_plugin *plugin, const struct tow_host *host,
                            const char *const *settings, long at, int *has_failed)
{
    void *self = fake_instance_new(plugin, settings);
    struct tow_error err = TOW_ERROR_INIT;
    struct bare_load load;

    bare_forget();
    nomem_after_here(at);
    load = bare_source_life(plugin, self, host, NULL, &err);
    *has_failed = nomem_stop();
    fake_instance_free(self);
    if (load.code == TOW_E_NOMEM && err.code != TOW_E_NOMEM)
        fail_msg("allocation %ld: %s", at, err.message);
    return load;
}

static void fail_each(const struct tow_plugin *plugin, const char *const *settings)
{
    struct fake_host fake;
    struct bare_load whole;
    int64_t rejected;
    int failures = 0, has_failed;

    bare_host_init(&fake);
    fake.now_us = NOW;
    whole = run(plugin, &fake.host, settings, -1, &has_failed);
    rejected = bare_seen.rejects;
    assert_int_equal(whole.code, TOW_END);
    assert_true(whole.rows > 0);
    for (long at = 0;; at++) {
        struct bare_load load = run(plugin, &fake.host, settings, at, &has_failed);

        if (load.code == TOW_E_NOMEM) {
            failures++;
            continue;
        }
        if (load.code != TOW_END)
            fail_msg("allocation %ld: %s", at, tow_error_name(load.code));
        assert_int_equal(load.rows, whole.rows);
        assert_int_equal(bare_seen.rejects, rejected);
        if (!has_failed)
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
