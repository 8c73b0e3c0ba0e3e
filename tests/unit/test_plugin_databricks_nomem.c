/* The source databricks, with each allocation of a load failing in turn: it says so, and leaks
 * nothing. */
#include "fake_host.h"
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

struct outcome {
    int code;
    int has_failed; /* 1: an allocation */
    int64_t rows;
    struct tow_position middle; /* behind the second batch */
};

static struct outcome run(const struct tow_host *host, const char *const *settings,
                          const struct tow_position *from, long at)
{
    static const struct tow_position start = {.size = sizeof start};
    const struct tow_source_ops *ops = databricks_LTX_tow_plugin_entry()->source;
    void *self = fake_instance_new(databricks_LTX_tow_plugin_entry(), settings);
    struct ArrowSchema schema = {.release = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct outcome outcome = {.rows = 0};
    int batches = 0;

    rejects = 0;
    nomem_after(at);
    outcome.code = ops->open(self, host, from ? from : &start, &err);
    if (outcome.code == TOW_OK)
        outcome.code = ops->schema(self, &schema, &err);
    while (outcome.code == TOW_OK) {
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};

        outcome.code = ops->read(self, &batch, &err);
        outcome.rows += batch.array.release ? batch.array.length : 0;
        if (outcome.code == TOW_OK && ++batches == 2)
            outcome.middle = batch.position;
        if (batch.array.release)
            batch.array.release(&batch.array);
    }
    ops->close(self);
    outcome.has_failed = nomem_stop();
    if (schema.release)
        schema.release(&schema);
    fake_instance_free(self);
    return outcome;
}

/* Until none fails any more, the load says that there is no memory, or ends whole: what is lost
 * meanwhile is the text of a rejected row. */
static void fail_each(const struct tow_host *host, const char *const *settings,
                      const struct tow_position *from)
{
    const struct outcome whole = run(host, settings, from, -1);
    const int64_t rejected = rejects;
    const size_t statements = far.statement_count;
    int failures = 0;

    assert_int_equal(whole.code, TOW_END);
    assert_true(whole.rows > 0);
    for (long at = 0;; at++) {
        struct outcome outcome;

        far_forget(statements);
        outcome = run(host, settings, from, at);
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
    fake_host_init(&fake);
    fake.host.reject = count_reject;
    fake.host.log = keep_quiet;
    fake.host.batch_rows = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[24] = {
            "host", "http://localhost", "token", "x", "warehouse_id", "w", "table", "t"};
        struct outcome whole;

        for (size_t j = 0; cases[i][j]; j++)
            settings[8 + j] = cases[i][j];
        far_reset();
        for (int row = 0; row < 7; row++)
            far_add(row, INT64_C(1767225600000000) + row / 2, row == 3 ? "\xFF" : "x");
        far.working = leave_alone;
        far.version = i == 0 ? 5 : -1;
        fail_each(&fake.host, settings, NULL);
        whole = run(&fake.host, settings, NULL, -1);
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
