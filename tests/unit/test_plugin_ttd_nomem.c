/* The sink ttd where each allocation of this tree fails in turn: it says so, and accepts no row
 * that the answer refused. */
#include "fake_host.h"
#include "http_fixture.h"
#include "nomem.h"
#include "table.h"

tow_plugin_entry ttd_LTX_tow_plugin_entry;

/* ---- a load --------------------------------------------------------------------------------- */

static char fates[8]; /* '+' or '-' of each row; ' ' where none is told */

static int32_t note_fate(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                         int32_t outcome, const char *code, const char *message)
{
    (void)host;
    (void)seq;
    (void)code;
    (void)message;
    for (int64_t row = first; row < first + count; row++)
        fates[row] = outcome == TOW_ROW_ACCEPTED ? '+' : '-';
    return TOW_OK;
}

static void say_nothing(const struct tow_host *host, int32_t level, const char *message)
{
    (void)host;
    (void)level;
    (void)message;
}

static const struct tow_field fields[] = {{"tracking_tag_id", {TOW_TYPE_STRING, 0, 0}, 0},
                                          {"timestamp_utc", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
                                          {"user_ids", {TOW_TYPE_JSON, 0, 0}, 0},
                                          {"surplus", {TOW_TYPE_STRING, 0, 0}, 0}};

static void make_rows(struct table *table)
{
    table_init(table, fields, 4);
    for (int i = 0; i < 4; i++) {
        table_put_text(table, 0, i == 2 ? NULL : "tag");
        assert_ok(tow_append_int64(table->builder, 1, i, &table->err), table->err);
        table_put_text(table, 2, "[{\"type\":\"TDID\",\"id\":\"x\"}]");
        table_end_row(table);
    }
    table_finish(table);
}

/* From open to close. */
static int whole_life(void *self, const struct tow_host *host, const struct table *table,
                      struct tow_error *err)
{
    const struct tow_sink_ops *ops = ttd_LTX_tow_plugin_entry()->sink;
    const struct tow_position none = {.size = sizeof none};
    const struct tow_rows rows = {
        .size = sizeof rows, .attempt = 1, .seq = 1, .array = &table->array};
    int rc;

    rc = ops->check(self, host, err);
    if (!rc)
        rc = ops->open(self, host, &none, err);
    if (!rc)
        rc = ops->begin(self, host, &table->schema, err);
    if (!rc)
        rc = ops->write(self, &rows, err);
    ops->close(self);
    return rc;
}

static void test_each_failing_allocation_is_told(void **state)
{
    const struct http_reply reply = {
        .headers = "Content-Type: application/json\r\n",
        .body = "\"{\\\"FailedLines\\\":[{\\\"ErrorCode\\\":\\\"A\\\",\\\"Message\\\":\\\"m1\\\","
                "\\\"ItemNumber\\\":2},{\\\"Message\\\":\\\"m2\\\",\\\"ItemNumber\\\":2}]}\""};
    struct tow_error err = TOW_ERROR_INIT;
    struct table table;
    long n;

    (void)state;
    make_rows(&table);
    for (n = 0; n < 2000; n++) {
        struct http_server *server = http_server_new(NULL);
        struct fake_host fake;
        int rc, done;
        void *self = fake_instance_new(
            ttd_LTX_tow_plugin_entry(),
            (const char *const[]){"endpoint", "offlineconversion", "token", "t", "server_url",
                                  http_server_base(server), "data_provider_id", "dp",
                                  "data_origins", "Onboarder:a", "gzip", "true", "trace_id",
                                  "{load}", NULL});

        fake_host_init(&fake);
        fake.host.settle = note_fate;
        fake.host.log = say_nothing;
        http_server_reply(server, reply);
        memset(fates, ' ', sizeof fates);
        err = (struct tow_error)TOW_ERROR_INIT;
        nomem_after_here(n);
        rc = whole_life(self, &fake.host, &table, &err);
        done = !nomem_stop();
        fake_instance_free(self);
        fake_host_release(&fake);
        http_server_free(server);
        if (rc != TOW_OK && rc != TOW_E_NOMEM)
            fail_msg("allocation %ld failed, and it says %s: %s", n, tow_error_name(rc),
                     err.message);
        /* Refused are row 2, of which the answer tells, and row 3, without a tag. */
        if (rc == TOW_OK && memcmp(fates, "+--+", 4) != 0)
            fail_msg("allocation %ld failed, and the rows are \"%.4s\"", n, fates);
        if (rc != TOW_OK && memchr(fates, '+', sizeof fates))
            fail_msg("allocation %ld failed, and rows are accepted: \"%.4s\"", n, fates);
        if (done)
            break;
    }
    table_release(&table);
    assert_ok(err.code, err);
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failing_allocation_is_told)};

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
