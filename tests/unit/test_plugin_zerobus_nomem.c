/* The sink zerobus where each allocation of this tree, on any thread, fails in turn: it says so, or
 * recovers, and never accepts a row that was not acknowledged. The service is in another process.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare_host.h"
#include "nomem.h"
#include "unit.h"
#include "zerobus_server.h"

tow_plugin_entry zerobus_LTX_tow_plugin_entry;

#define ROWS 4

/* ---- the service ---------------------------------------------------------------------------- */

static char url[100];
static pid_t service;

/* Serves until the reading end of what it is asked over is gone. */
static void serve(int told, int asked)
{
    const struct zerobus_server_options options = {.poison = "poison"};
    struct zerobus_server *server = zerobus_server_new(&options);
    const char *own = zerobus_server_url(server);
    char end;

    assert_true(write(told, own, strlen(own) + 1) > 0);
    while (read(asked, &end, 1) > 0)
        continue;
    _exit(0); /* what it has seen is nobody's business */
}

/* Before there is any thread. */
static int start_service(int *leash)
{
    int told[2], asked[2];

    if (pipe(told) || pipe(asked))
        return -1;
    service = fork();
    if (service == 0) {
        close(told[0]);
        close(asked[1]);
        serve(told[1], asked[0]);
    }
    close(told[1]);
    close(asked[0]);
    *leash = asked[1];
    return service > 0 && read(told[0], url, sizeof url) > 0 ? 0 : -1;
}

/* ---- a load --------------------------------------------------------------------------------- */

/* The third is refused. */
static void make_rows(struct table *table)
{
    static const struct tow_field fields[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"name", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"amount", {TOW_TYPE_DECIMAL, 10, 2}, 0}};

    table_init(table, fields, 3);
    for (int i = 0; i < ROWS; i++) {
        assert_ok(tow_append_int64(table->builder, 0, i, &table->err), table->err);
        table_put_text(table, 1, i == 2 ? "poison" : "name");
        tow_append_null(table->builder, 2, &table->err);
        table_end_row(table);
    }
    table_finish(table);
}

/* 1 where memory did not run out. */
static int one_life(long allowed, const char *format, const struct table *table)
{
    const char *const settings[] = {"endpoint",
                                    url,
                                    "table",
                                    "main.sales.orders",
                                    "headers",
                                    "authorization: Bearer mine",
                                    "schema",
                                    "columns",
                                    "proxy",
                                    "",
                                    "recovery_backoff_ms",
                                    "1",
                                    "recovery_timeout_ms",
                                    "5000",
                                    "format",
                                    format,
                                    NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    void *self = fake_instance_new(zerobus_LTX_tow_plugin_entry(), settings);
    int rc, done;

    bare_host_init(&fake);
    nomem_after(allowed);
    rc = bare_sink_life(zerobus_LTX_tow_plugin_entry(), self, &fake.host, table, &err);
    done = !nomem_stop();
    fake_instance_free(self);
    fake_host_release(&fake);
    if (rc != TOW_OK && rc != TOW_E_NOMEM)
        fail_msg("allocation %ld failed, and it says %s: %s", allowed, tow_error_name(rc),
                 err.message);
    if (rc == TOW_OK && memcmp(bare_seen.fates, "++-+", ROWS) != 0)
        fail_msg("allocation %ld failed, and the rows are \"%.4s\"", allowed, bare_seen.fates);
    if (bare_seen.fates[2] == '+')
        fail_msg("allocation %ld failed, and the refused row is accepted", allowed);
    return done;
}

static void each_fails(const char *format)
{
    struct table table;
    long n = 0;

    make_rows(&table);
    while (n < 3000 && !one_life(n, format, &table))
        n++;
    table_release(&table);
    assert_in_range(n, 100, 2999);
}

static void test_each_failing_allocation_is_told_in_proto(void **state)
{
    (void)state;
    each_fails("proto");
}

static void test_each_failing_allocation_is_told_in_json(void **state)
{
    (void)state;
    each_fails("json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_failing_allocation_is_told_in_proto),
        cmocka_unit_test(test_each_failing_allocation_is_told_in_json)};
    int leash = -1, failed;

    signal(SIGPIPE, SIG_IGN);
    if (start_service(&leash))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    close(leash);
    waitpid(service, NULL, 0);
    return failed;
}
