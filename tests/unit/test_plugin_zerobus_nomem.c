/* The sink zerobus where each allocation of this tree, on any thread, fails in turn: it says so, or
 * recovers, and never accepts a row that was not acknowledged. The service is in another process.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_host.h"
#include "nomem.h"
#include "table.h"
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

static char fates[ROWS]; /* '+' or '-' of each row; ' ' where none is told */

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

static int32_t keep_nothing(const struct tow_host *host, uint64_t seq)
{
    (void)host;
    (void)seq;
    return TOW_OK;
}

static void say_nothing(const struct tow_host *host, int32_t level, const char *message)
{
    (void)host;
    (void)level;
    (void)message;
}

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

/* From open to close. */
static int whole_life(void *self, const struct tow_host *host, const struct table *table,
                      struct tow_error *err)
{
    const struct tow_sink_ops *ops = zerobus_LTX_tow_plugin_entry()->sink;
    struct tow_position token = {.size = sizeof token};
    const struct tow_rows rows = {
        .size = sizeof rows, .attempt = 1, .seq = 1, .array = &table->array};
    int rc;

    rc = ops->check(self, host, err);
    if (!rc)
        rc = ops->open(self, host, &token, err);
    if (!rc)
        rc = ops->begin(self, host, &table->schema, err);
    if (!rc)
        rc = ops->write(self, &rows, err);
    if (!rc)
        rc = ops->flush(self, &token, err);
    ops->close(self);
    return rc;
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

    fake_host_init(&fake);
    fake.host.settle = note_fate;
    fake.host.keep = keep_nothing;
    fake.host.log = say_nothing;
    memset(fates, ' ', sizeof fates);
    nomem_after(allowed);
    rc = whole_life(self, &fake.host, table, &err);
    done = !nomem_stop();
    fake_instance_free(self);
    fake_host_release(&fake);
    if (rc != TOW_OK && rc != TOW_E_NOMEM)
        fail_msg("allocation %ld failed, and it says %s: %s", allowed, tow_error_name(rc),
                 err.message);
    if (rc == TOW_OK && memcmp(fates, "++-+", ROWS) != 0)
        fail_msg("allocation %ld failed, and the rows are \"%.4s\"", allowed, fates);
    if (fates[2] == '+')
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
