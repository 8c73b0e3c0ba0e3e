/* The source databricks, with each allocation of a load failing in turn: it says so, and leaks
 * nothing. */
#include "bare_host.h"
#include "far_end.h"
#include "nomem.h"
#include "plugins/databricks/scan.h"
#include "unit.h"

tow_plugin_entry databricks_LTX_tow_plugin_entry;

/* The far end's own memory never fails. */
static void leave_alone(int begins)
{
    nomem_pause(begins);
}

/* ---- a load --------------------------------------------------------------------------------- */

static struct bare_load run(const struct tow_host *host, const char *const *settings,
                            const struct tow_position *from, long at, int *has_failed)
{
    const struct tow_plugin *plugin = databricks_LTX_tow_plugin_entry();
    void *self = fake_instance_new(plugin, settings);
    struct tow_error err = TOW_ERROR_INIT;
    struct bare_load load;

    bare_forget();
    nomem_after(at);
    load = bare_source_life(plugin, self, host, from, &err);
    *has_failed = nomem_stop();
    fake_instance_free(self);
    return load;
}

/* Until none fails any more, the load says that there is no memory, or ends whole: what is lost
 * meanwhile is the text of a rejected row. */
static void fail_each(const struct tow_host *host, const char *const *settings,
                      const struct tow_position *from)
{
    int has_failed;
    const struct bare_load whole = run(host, settings, from, -1, &has_failed);
    const int64_t rejected = bare_seen.rejects;
    const size_t statements = far.statement_count;
    int failures = 0;

    assert_int_equal(whole.code, TOW_END);
    assert_true(whole.rows > 0);
    for (long at = 0;; at++) {
        struct bare_load load;

        far_forget(statements);
        load = run(host, settings, from, at, &has_failed);
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
}

static void test_each_allocation_may_fail(void **state)
{
    static const char *const cases[][16] = {
        {"cursor", "at", NULL},
        {"cursor", "at", "tie_break", "id", "since", "2025-01-01", "null_cursor", "skip", NULL},
        {"result", "inline", NULL},
        {"columns", "name", "cursor", "at", "lag", "1s", "overlap", "1s", NULL},
    };
    struct fake_host fake;

    (void)state;
    bare_host_init(&fake);
    fake.host.batch_rows = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[24] = {
            "host", "http://localhost", "token", "x", "warehouse_id", "w", "table", "t"};
        struct bare_load whole;
        int has_failed;

        for (size_t j = 0; cases[i][j]; j++)
            settings[8 + j] = cases[i][j];
        far_reset();
        for (int row = 0; row < 7; row++)
            far_add(row, INT64_C(1767225600000000) + row / 2, row == 3 ? "\xFF" : "x");
        far.working = leave_alone;
        far.version = i == 0 ? 5 : -1;
        fail_each(&fake.host, settings, NULL);
        whole = run(&fake.host, settings, NULL, -1, &has_failed);
        fail_each(&fake.host, settings, &whole.middle);
        far.forgets = 1;
        if (i != 2)
            fail_each(&fake.host, settings, &whole.middle);
    }
    far_release();
    fake_host_release(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
