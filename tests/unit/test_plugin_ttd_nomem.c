/* The sink ttd where each allocation of this tree fails in turn: it says so, and accepts no row
 * that the answer refused. */
#include "bare_host.h"
#include "http_fixture.h"
#include "nomem.h"

tow_plugin_entry ttd_LTX_tow_plugin_entry;

/* ---- a load --------------------------------------------------------------------------------- */

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

        bare_host_init(&fake);
        http_server_reply(server, reply);
        err = (struct tow_error)TOW_ERROR_INIT;
        nomem_after_here(n);
        rc = bare_sink_life(ttd_LTX_tow_plugin_entry(), self, &fake.host, &table, &err);
        done = !nomem_stop();
        fake_instance_free(self);
        fake_host_release(&fake);
        http_server_free(server);
        if (rc != TOW_OK && rc != TOW_E_NOMEM)
            fail_msg("allocation %ld failed, and it says %s: %s", n, tow_error_name(rc),
                     err.message);
        /* Refused are row 2, of which the answer tells, and row 3, without a tag. */
        if (rc == TOW_OK && memcmp(bare_seen.fates, "+--+", 4) != 0)
            fail_msg("allocation %ld failed, and the rows are \"%.4s\"", n, bare_seen.fates);
        if (rc != TOW_OK && memchr(bare_seen.fates, '+', sizeof bare_seen.fates))
            fail_msg("allocation %ld failed, and rows are accepted: \"%.4s\"", n, bare_seen.fates);
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
