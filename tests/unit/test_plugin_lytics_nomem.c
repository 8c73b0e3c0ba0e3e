/* The sink lytics and the source lytics_audience where each allocation of this tree fails in turn:
 * they say so, and of no row more than is true. */
#include "unit.h"

#include "bare_host.h"
#include "fake_audience.h"
#include "fake_lytics.h"
#include "nomem.h"

extern tow_plugin_entry lytics_LTX_tow_plugin_entry, lytics_audience_LTX_tow_plugin_entry;

/* ---- the sink ------------------------------------------------------------------------------- */

static const struct tow_field fields[] = {{"a", {TOW_TYPE_STRING, 0, 0}, 0},
                                          {"raw", {TOW_TYPE_BINARY, 0, 0}, 0},
                                          {"more", {TOW_TYPE_JSON, 0, 0}, 0}};

static void make_rows(struct table *table)
{
    table_init(table, fields, 3);
    for (int i = 0; i < 4; i++) {
        table_put_text(table, 0, i == 2 ? "bad" : "x");
        table_put_text(table, 1, "\x01\xff");
        table_put_text(table, 2, "{\"b\":[{}],\"c\":1}");
        table_end_row(table);
    }
    table_finish(table);
}

/* 1 where allocation n was made, and failed. */
static int sink_without(const char *const *settings, const struct table *table, long n)
{
    const struct tow_plugin *plugin = lytics_LTX_tow_plugin_entry();
    void *self = fake_instance_new(plugin, settings);
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    int code, has_failed;

    fake_lytics_reset();
    fake_lytics.pauses = nomem_pause;
    bare_host_init(&fake);
    nomem_after_here(n);
    code = bare_sink_life(plugin, self, &fake.host, table, &err);
    has_failed = nomem_stop();
    fake_instance_free(self);
    fake_host_release(&fake);
    if (code != TOW_OK && code != TOW_E_NOMEM)
        fail_msg("allocation %ld: %s: %s", n, tow_error_name(code), err.message);
    /* Rows are accepted where they are there, and the one at fault never is. */
    if (code == TOW_OK && memcmp(bare_seen.fates, "++-+", 4) != 0)
        fail_msg("allocation %ld: \"%.4s\"", n, bare_seen.fates);
    if (bare_seen.fates[2] == '+' ||
        (memchr(bare_seen.fates, '+', 4) && fake_lytics.taken_count < 3))
        fail_msg("allocation %ld: \"%.4s\", %zu are there", n, bare_seen.fates,
                 fake_lytics.taken_count);
    return has_failed;
}

static void test_the_sink_survives_every_allocation_that_fails(void **state)
{
    static const char *const settings[][16] = {
        {"token", "t", "stream", "people", "timestamp_field", "", "binary", "hex", NULL},
        {"token", "t", "stream", "people", "timestamp_field", "", "format", "json", "nested",
         "flatten", "dryrun_first", "true", NULL},
        {"token", "t", "stream", "people", "timestamp_field", "", "format", "json", NULL},
    };
    struct table table;

    (void)state;
    make_rows(&table);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        long n = 0;

        while (sink_without(settings[i], &table, n))
            n++;
        assert_true(n > 20);
    }
    fake_lytics_reset();
    table_release(&table);
}

/* ---- the source ----------------------------------------------------------------------------- */

#define MEMBERS 25

static int source_life(void *self, const struct tow_host *host, int met[MEMBERS],
                       struct tow_error *err)
{
    const struct tow_source_ops *ops = lytics_audience_LTX_tow_plugin_entry()->source;
    const struct tow_position none = {.size = sizeof none};
    int code = ops->open(self, host, &none, err);

    while (code == TOW_OK) {
        struct tow_batch batch = {.size = sizeof batch,
                                  .position = {.size = sizeof batch.position}};

        code = ops->read(self, &batch, err);
        if (code != TOW_OK)
            break;
        for (int64_t i = 0; i < batch.array.length; i++)
            met[((const int64_t *)batch.array.children[1]->buffers[1])[i]]++;
        batch.array.release(&batch.array);
    }
    ops->close(self);
    return code;
}

static int source_without(long n)
{
    static const char *const settings[] = {"token",  "t",      "audience", "vip",      "page_rows",
                                           "10",     "splits", "2",        "parallel", "2",
                                           "fields", "_id,n",  NULL};
    void *self = fake_instance_new(lytics_audience_LTX_tow_plugin_entry(), settings);
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    int met[MEMBERS] = {0};
    int code, has_failed;

    fake_audience = (struct fake_audience){.members = MEMBERS, .bad_member = -1};
    bare_host_init(&fake);
    nomem_after_here(n);
    code = source_life(self, &fake.host, met, &err);
    has_failed = nomem_stop();
    fake_instance_free(self);
    fake_host_release(&fake);
    if (code != TOW_END && code != TOW_E_NOMEM)
        fail_msg("allocation %ld: %s: %s", n, tow_error_name(code), err.message);
    for (int i = 0; i < MEMBERS; i++)
        if (met[i] > 1 || (code == TOW_END && met[i] == 0))
            fail_msg("allocation %ld: member %d came %d times", n, i, met[i]);
    return has_failed;
}

static void test_the_source_survives_every_allocation_that_fails(void **state)
{
    long n = 0;

    (void)state;
    while (source_without(n))
        n++;
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sink_survives_every_allocation_that_fails),
        cmocka_unit_test(test_the_source_survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
