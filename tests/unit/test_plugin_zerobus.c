/* The sink `zerobus`: rows in, outcomes out, over a scripted service. */
#include <signal.h>

#include "certificate.h"
#include "connectors/zerobus/proto.h"
#include "fake_host.h"
#include "http_server.h"
#include "scratch.h"
#include "table.h"
#include "towpath/clock.h"
#include "unit.h"
#include "zerobus_server.h"

tow_plugin_entry zerobus_LTX_tow_plugin_entry;

#define SETTINGS_MAX 40

struct bus {
    struct scratch *scratch;
    struct fake_host host;
    char certificate[200];
    struct zerobus_step steps[32];
    struct zerobus_server_options options;
    struct zerobus_server *server;
    struct http_server *workspace;
    int has_logged_in;
    const char *settings[SETTINGS_MAX + 1];
    size_t setting_count;
    void *self;
    struct table tables[16];
    size_t table_count;
    uint64_t seq;
    struct tow_error err;
};

static const struct tow_sink_ops *ops(void)
{
    return zerobus_LTX_tow_plugin_entry()->sink;
}

static void set(struct bus *bus, const char *name, const char *value)
{
    for (size_t i = 0; i < bus->setting_count; i += 2)
        if (strcmp(bus->settings[i], name) == 0) {
            bus->settings[i + 1] = value;
            return;
        }
    assert_true(bus->setting_count + 2 <= SETTINGS_MAX);
    bus->settings[bus->setting_count++] = name;
    bus->settings[bus->setting_count++] = value;
}

static int setup(void **state)
{
    struct bus *bus = calloc(1, sizeof *bus);
    void *scratch = NULL;

    assert_non_null(bus);
    signal(SIGPIPE, SIG_IGN);
    scratch_setup(&scratch);
    bus->scratch = scratch;
    bus->err = (struct tow_error)TOW_ERROR_INIT;
    fake_host_init(&bus->host);
    (void)snprintf(bus->certificate, sizeof bus->certificate, "%s/server.pem",
                   bus->scratch->folder);
    certificate_write(bus->certificate, "DNS:localhost,IP:127.0.0.1");
    bus->options.certificate = bus->certificate;
    set(bus, "table", "main.sales.orders");
    set(bus, "ca_file", bus->certificate);
    set(bus, "proxy", "");
    set(bus, "headers", "authorization: Bearer mine");
    set(bus, "schema", "columns");
    set(bus, "recovery_backoff_ms", "10");
    set(bus, "recovery_timeout_ms", "5000");
    *state = bus;
    return 0;
}

static int teardown(void **state)
{
    struct bus *bus = *state;
    void *scratch = bus->scratch;

    if (bus->self) {
        ops()->close(bus->self);
        fake_instance_free(bus->self);
    }
    zerobus_server_free(bus->server);
    http_server_free(bus->workspace);
    for (size_t i = 0; i < bus->table_count; i++)
        table_release(&bus->tables[i]);
    fake_host_release(&bus->host);
    free(bus);
    return scratch_teardown(&scratch);
}

static void step(struct bus *bus, enum zerobus_step_kind kind, int64_t value)
{
    bus->steps[bus->options.count++] = (struct zerobus_step){.kind = kind, .value = value};
    bus->options.steps = bus->steps;
}

static void serve(struct bus *bus)
{
    bus->server = zerobus_server_new(&bus->options);
    set(bus, "endpoint", zerobus_server_url(bus->server));
}

/* Rows "r<first>" ... with a number; every `nth` row (0: none) is "poison<n>". */
static struct table *rows(struct bus *bus, size_t first, size_t count, size_t nth)
{
    static const struct tow_field fields[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"name", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct table *table = &bus->tables[bus->table_count++];

    assert_true(bus->table_count <= sizeof bus->tables / sizeof *bus->tables);
    table_init(table, fields, 2);
    for (size_t i = first; i < first + count; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "%s%zu", nth && i % nth == nth - 1 ? "poison" : "r", i);
        assert_int_equal(tow_append_int64(table->builder, 0, (int64_t)i, &table->err), 0);
        table_put_text(table, 1, text);
        table_end_row(table);
    }
    table_finish(table);
    return table;
}

static int try_open(struct bus *bus, const struct ArrowSchema *schema)
{
    const struct tow_position token = {.size = sizeof token};
    int code;

    bus->self = fake_instance_new(zerobus_LTX_tow_plugin_entry(), bus->settings);
    code = ops()->check(bus->self, &bus->host.host, &bus->err);
    if (code == TOW_OK)
        code = ops()->open(bus->self, &bus->host.host, &token, &bus->err);
    return code == TOW_OK ? ops()->begin(bus->self, &bus->host.host, schema, &bus->err) : code;
}

static void open_sink(struct bus *bus, const struct table *table)
{
    if (!bus->server)
        serve(bus);
    assert_ok(try_open(bus, &table->schema), bus->err);
}

static int try_write(struct bus *bus, const struct table *table)
{
    const struct tow_rows offer = {
        .size = sizeof offer, .attempt = 1, .seq = bus->seq, .array = &table->array};

    bus->err = (struct tow_error)TOW_ERROR_INIT;
    return ops()->write(bus->self, &offer, &bus->err);
}

static void write_rows(struct bus *bus, const struct table *table)
{
    bus->seq++;
    assert_ok(try_write(bus, table), bus->err);
}

static int try_flush(struct bus *bus)
{
    struct tow_position token = {.size = sizeof token};

    bus->err = (struct tow_error)TOW_ERROR_INIT;
    return ops()->flush(bus->self, &token, &bus->err);
}

static void flush(struct bus *bus)
{
    assert_ok(try_flush(bus), bus->err);
}

static void settled_are(struct bus *bus, int64_t accepted, int64_t rejected)
{
    assert_int_equal(fake_host_settled(&bus->host, TOW_ROW_ACCEPTED), accepted);
    assert_int_equal(fake_host_settled(&bus->host, TOW_ROW_REJECTED), rejected);
}

/* The record of row "r<i>". */
static size_t stored(struct bus *bus, size_t i)
{
    char record[64], name[32], *p = record;
    int length = snprintf(name, sizeof name, "r%zu", i);

    *p++ = 8;
    p = tow_proto_put_varint(p, i);
    p = tow_proto_put_head(p, 2, (uint64_t)length);
    memcpy(p, name, (size_t)length + 1);
    return zerobus_server_stored(bus->server, record);
}

static void stored_once(struct bus *bus, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        if (i != 0 && stored(bus, i) != 1) /* a varint of 0 would end the text */
            fail_msg("row %zu was stored %zu times", i, stored(bus, i));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void test_rows_are_settled_as_they_are_acknowledged(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 1000, 0);

    open_sink(bus, table);
    write_rows(bus, table);
    flush(bus);
    settled_are(bus, 1000, 0);
    stored_once(bus, 1, 1000);
    assert_int_equal(zerobus_server_totals(bus->server).requests, 1);
}

static void test_batches_stay_with_the_sink_until_they_are_acknowledged(void **state)
{
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 10, 0), *second = rows(bus, 11, 10, 0);

    step(bus, ZEROBUS_OPEN, 0);
    step(bus, ZEROBUS_ACK, 1);
    open_sink(bus, first);
    write_rows(bus, first);
    settled_are(bus, 0, 0);
    write_rows(bus, second);
    flush(bus);
    settled_are(bus, 20, 0);
}

static void test_several_streams_share_the_rows(void **state)
{
    struct bus *bus = *state;
    struct table *tables[10];

    set(bus, "streams", "3");
    for (size_t i = 0; i < 10; i++)
        tables[i] = rows(bus, 1 + i * 100, 100, 0);
    open_sink(bus, tables[0]);
    for (size_t i = 0; i < 10; i++)
        write_rows(bus, tables[i]);
    flush(bus);
    settled_are(bus, 1000, 0);
    stored_once(bus, 1, 1000);
    assert_int_equal(zerobus_server_totals(bus->server).opened, 3);
}

static void test_a_poisoned_row_is_rejected_alone(void **state)
{
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 300, 0), *second = rows(bus, 301, 300, 100);

    bus->options.poison = "poison";
    open_sink(bus, first);
    write_rows(bus, first);
    write_rows(bus, second);
    flush(bus);
    settled_are(bus, 597, 3);
    stored_once(bus, 1, 300);
    assert_string_equal(bus->host.outcomes[bus->host.outcome_count - 1].outcome == TOW_ROW_ACCEPTED
                            ? "refused"
                            : bus->host.outcomes[bus->host.outcome_count - 1].code,
                        "refused");
}

static void test_json_rows_are_objects(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 7, 1, 0);

    set(bus, "format", "json");
    open_sink(bus, table);
    write_rows(bus, table);
    flush(bus);
    assert_int_equal(zerobus_server_stored(bus->server, "{\"id\":7,\"name\":\"r7\"}"), 1);
}

static void test_a_row_that_is_too_large_is_rejected_before_it_is_sent(void **state)
{
    struct bus *bus = *state;
    struct table *table = &bus->tables[bus->table_count++];
    char *text = malloc(2000);

    memset(text, 'x', 2000);
    table_init_strings(table, 1);
    table_put_text(table, 0, "before");
    table_end_row(table);
    table_put_bytes(table, 0, text, 2000);
    table_end_row(table);
    table_put_text(table, 0, "behind");
    table_end_row(table);
    table_finish(table);
    free(text);
    set(bus, "max_ingest_payload_bytes", "1000");
    open_sink(bus, table);
    write_rows(bus, table);
    flush(bus);
    settled_are(bus, 2, 1);
    assert_int_equal(bus->host.outcomes[0].first, 1);
    assert_string_equal(bus->host.outcomes[0].code, "too_large");
    assert_non_null(strstr(bus->host.outcomes[0].message, "2003 bytes"));
}

static void test_large_batches_are_sent_in_several_requests(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 1000, 0);

    set(bus, "max_ingest_payload_bytes", "1000");
    open_sink(bus, table);
    write_rows(bus, table);
    flush(bus);
    settled_are(bus, 1000, 0);
    stored_once(bus, 1, 1000);
    assert_true(zerobus_server_totals(bus->server).requests >= 8);
}

/* ---- streams that break ---------------------------------------------------------------------- */

static void test_a_broken_stream_recovers_unseen(void **state)
{
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 10, 0), *second = rows(bus, 11, 10, 0);

    step(bus, ZEROBUS_OPEN, 0);
    step(bus, ZEROBUS_ACK, 0);
    step(bus, ZEROBUS_DROP, 0);
    step(bus, ZEROBUS_OPEN, 0);
    bus->options.goes_on = 1;
    open_sink(bus, first);
    write_rows(bus, first);
    write_rows(bus, second);
    flush(bus);
    settled_are(bus, 20, 0);
    stored_once(bus, 1, 20);
}

/* Recovery gives up on a batch that an earlier write has brought; the write that learns of it
 * fails, and the next try sends both. */
static void test_a_stream_that_is_given_up_is_replaced_by_the_next_try(void **state)
{
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 10, 0), *second = rows(bus, 11, 10, 0);

    set(bus, "recovery", "false");
    step(bus, ZEROBUS_OPEN, 0);
    step(bus, ZEROBUS_DROP, 0);
    step(bus, ZEROBUS_OPEN, 0);
    bus->options.goes_on = 1;
    open_sink(bus, first);
    write_rows(bus, first);
    zerobus_server_wait(bus->server, 1);
    bus->seq++;
    while (try_write(bus, second) == TOW_OK)
        bus->seq++;
    assert_int_equal(bus->err.code, TOW_E_TRANSIENT);
    settled_are(bus, 0, 0);
    assert_ok(try_write(bus, second), bus->err);
    flush(bus);
    assert_true(fake_host_settled(&bus->host, TOW_ROW_ACCEPTED) >= 20);
    stored_once(bus, 1, 10);
}

static void test_a_flush_that_fails_lets_go_of_everything(void **state)
{
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 10, 0), *second = rows(bus, 11, 10, 0);

    set(bus, "recovery", "false");
    step(bus, ZEROBUS_OPEN, 0);
    step(bus, ZEROBUS_ACK, 0);
    step(bus, ZEROBUS_END, 14);
    step(bus, ZEROBUS_OPEN, 0);
    bus->options.goes_on = 1;
    open_sink(bus, first);
    write_rows(bus, first);
    write_rows(bus, second);
    assert_int_equal(try_flush(bus), TOW_E_TRANSIENT);
    settled_are(bus, 10, 0);
    assert_ok(try_write(bus, second), bus->err); /* as the core brings what is open */
    flush(bus);
    settled_are(bus, 20, 0);
    stored_once(bus, 1, 20);
}

static void test_a_service_that_cannot_be_reached_may_pass(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 1, 0);

    set(bus, "recovery_retries", "0");
    serve(bus);
    grpc_server_stop_listening(zerobus_server_grpc(bus->server));
    assert_int_equal(try_open(bus, &table->schema), TOW_E_TRANSIENT);
}

static void test_a_stop_ends_a_flush_that_waits(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 10, 0);

    step(bus, ZEROBUS_OPEN, 0);
    open_sink(bus, table);
    write_rows(bus, table);
    fake_host_cancel(&bus->host);
    assert_int_equal(try_flush(bus), TOW_E_CANCELLED);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define TOKEN          "{\"access_token\":\"mine\",\"expires_in\":3600}"
#define TABLE(columns) "{\"name\":\"orders\",\"schema_name\":\"sales\",\"columns\":[" columns "]}"
#define ID_COLUMN \
    "{\"name\":\"id\",\"type_text\":\"int\",\"type_json\":\"\\\"integer\\\"\",\"position\":0}"
#define NAME_COLUMN \
    "{\"name\":\"name\",\"type_text\":\"string\",\"type_json\":\"\\\"string\\\"\",\"position\":4}"
#define NEW_COLUMN \
    "{\"name\":\"new\",\"type_text\":\"string\",\"type_json\":\"\\\"string\\\"\",\"position\":5}"

static void answer(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    const char *const *table = context;

    reply->body = strstr(seen->target, "/oidc/") ? TOKEN : *table;
}

static void work_so(struct bus *bus, const struct http_server_options *options)
{
    bus->workspace = http_server_new(options);
    bus->options.token = "Bearer mine";
    for (size_t i = 0; i < bus->setting_count; i += 2)
        if (strcmp(bus->settings[i], "headers") == 0 || strcmp(bus->settings[i], "schema") == 0) {
            memmove(&bus->settings[i], &bus->settings[i + 2],
                    (bus->setting_count - i - 2) * sizeof *bus->settings);
            bus->setting_count -= 2;
            i -= 2;
        }
    set(bus, "schema", "table");
    set(bus, "host", http_server_base(bus->workspace));
    set(bus, "client_id", "me");
    set(bus, "client_secret", "s3cret");
    set(bus, "config_file", "/dev/null");
}

/* A workspace whose table is described by *table. */
static void work(struct bus *bus, const char **table)
{
    const struct http_server_options options = {.handle = answer, .context = table};

    work_so(bus, &options);
}

/* The stream's own login gets no answer, and the run is stopped while it waits for one. */
static void answer_no_second_login(void *context, const struct http_seen *seen,
                                   struct http_reply *reply)
{
    struct bus *bus = context;

    if (!strstr(seen->target, "/oidc/")) {
        reply->body = TABLE(ID_COLUMN "," NAME_COLUMN);
    } else if (!bus->has_logged_in) {
        bus->has_logged_in = 1;
        reply->body = TOKEN;
    } else {
        *reply = (struct http_reply){.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW};
        fake_host_cancel(&bus->host);
    }
}

static void test_a_stop_ends_a_login_that_waits(void **state)
{
    struct bus *bus = *state;
    struct table *batch = rows(bus, 5, 1, 0);
    const struct http_server_options options = {.handle = answer_no_second_login, .context = bus};
    int64_t before;

    work_so(bus, &options);
    serve(bus);
    before = tow_monotonic_ms();
    assert_int_equal(try_open(bus, &batch->schema), TOW_E_CANCELLED);
    assert_in_range(tow_monotonic_ms() - before, 0, 3000);
}

static void test_the_tables_columns_make_the_records(void **state)
{
    static const char *table = TABLE(ID_COLUMN "," NAME_COLUMN);
    struct bus *bus = *state;
    struct table *batch = rows(bus, 5, 1, 0);

    work(bus, &table);
    open_sink(bus, batch);
    write_rows(bus, batch);
    flush(bus);
    settled_are(bus, 1, 0);
    assert_int_equal(zerobus_server_stored(bus->server, "\x08\x05\x2a\x02r5"), 1);
}

static void test_rows_that_do_not_fit_the_table_are_rejected_before_they_are_sent(void **state)
{
    static const char *table = TABLE(ID_COLUMN "," NAME_COLUMN);
    struct bus *bus = *state;
    struct table *batch = rows(bus, 2147483646, 3, 0);

    work(bus, &table);
    open_sink(bus, batch);
    write_rows(bus, batch);
    flush(bus);
    settled_are(bus, 2, 1);
    assert_int_equal(bus->host.outcomes[0].first, 2);
    assert_string_equal(bus->host.outcomes[0].code, "out_of_range");
    assert_non_null(strstr(bus->host.outcomes[0].message, "2147483648 does not fit int"));
}

static void test_a_column_that_the_table_lacks_is_told_at_once(void **state)
{
    static const char *table = TABLE(ID_COLUMN);
    struct bus *bus = *state;
    struct table *batch = rows(bus, 1, 1, 0);

    work(bus, &table);
    serve(bus);
    assert_int_equal(try_open(bus, &batch->schema), TOW_E_CONFIG);
    assert_says(bus->err, "no column \"name\"");
    assert_int_equal(zerobus_server_totals(bus->server).opened, 0);
}

/* The service refuses the columns of a stream that is opened anew: the table is looked at again. */
static void test_a_table_that_changes_is_looked_at_again(void **state)
{
    static const char *table;
    struct bus *bus = *state;
    struct table *first = rows(bus, 1, 10, 0), *second = rows(bus, 11, 10, 0);
    size_t length;
    char *create;

    table = TABLE(ID_COLUMN "," NAME_COLUMN);
    work(bus, &table);
    step(bus, ZEROBUS_OPEN, 0);
    step(bus, ZEROBUS_DROP, 0);
    step(bus, ZEROBUS_END, 3);
    step(bus, ZEROBUS_OPEN, 0);
    bus->options.goes_on = 1;
    open_sink(bus, first);
    table = TABLE(ID_COLUMN "," NAME_COLUMN "," NEW_COLUMN);
    write_rows(bus, first);
    assert_int_equal(try_flush(bus), TOW_E_CONFIG);
    bus->seq = 1;
    assert_ok(try_write(bus, first), bus->err);
    bus->seq = 2;
    assert_ok(try_write(bus, second), bus->err);
    flush(bus);
    settled_are(bus, 20, 0);
    create = zerobus_server_create(bus->server, &length);
    assert_non_null(memmem(create, length, "new", 3));
    free(create);
}

/* ---- REST ------------------------------------------------------------------------------------ */

static void insert(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    const char *poison = context;

    assert_string_equal(seen->method, "POST");
    assert_string_equal(seen->target, "/zerobus/v1/tables/main.sales.orders/insert");
    reply->body = "{}";
    if (poison && strstr(seen->body, poison)) {
        reply->status = 400;
        reply->body = "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"poisoned\"}";
    }
}

static void by_rest(struct bus *bus, const char *poison)
{
    const struct http_server_options options = {.handle = insert,
                                                .context = (void *)(uintptr_t)poison};

    bus->workspace = http_server_new(&options);
    set(bus, "endpoint", http_server_base(bus->workspace));
    set(bus, "transport", "rest");
    set(bus, "format", "json");
}

static void test_rows_go_by_rest(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 2, 0);

    by_rest(bus, NULL);
    assert_ok(try_open(bus, &table->schema), bus->err);
    write_rows(bus, table);
    settled_are(bus, 2, 0);
    flush(bus);
    assert_string_equal(http_server_seen(bus->workspace, 0)->body,
                        "[{\"id\":1,\"name\":\"r1\"},{\"id\":2,\"name\":\"r2\"}]");
}

static void test_a_poisoned_row_is_rejected_alone_by_rest_too(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 100, 40);

    by_rest(bus, "poison");
    assert_ok(try_open(bus, &table->schema), bus->err);
    write_rows(bus, table);
    settled_are(bus, 98, 2);
    for (size_t i = 0; i < bus->host.outcome_count; i++)
        if (bus->host.outcomes[i].outcome == TOW_ROW_REJECTED) {
            assert_true(bus->host.outcomes[i].first == 38 || bus->host.outcomes[i].first == 78);
            assert_string_equal(bus->host.outcomes[i].message, "poisoned");
        }
}

static void test_trouble_by_rest_leaves_rows_open(void **state)
{
    struct bus *bus = *state;
    struct table *table = rows(bus, 1, 2, 0);

    by_rest(bus, NULL);
    assert_ok(try_open(bus, &table->schema), bus->err);
    http_server_reply(bus->workspace, (struct http_reply){.status = 503});
    bus->seq = 1;
    assert_int_equal(try_write(bus, table), TOW_E_TRANSIENT);
    settled_are(bus, 0, 0);
    assert_ok(try_write(bus, table), bus->err);
    settled_are(bus, 2, 0);
    http_server_reply(bus->workspace,
                      (struct http_reply){.status = 429, .headers = "Retry-After: 7\r\n"});
    bus->seq = 2;
    assert_int_equal(try_write(bus, table), TOW_E_RATE);
    assert_int_equal(bus->err.retry_after_ms, 7000);
    http_server_reply(bus->workspace, (struct http_reply){.status = 403});
    assert_int_equal(try_write(bus, table), TOW_E_AUTH);
}

/* ---- options --------------------------------------------------------------------------------- */

static void check_refuses(struct bus *bus, const char *says)
{
    void *self = fake_instance_new(zerobus_LTX_tow_plugin_entry(), bus->settings);

    assert_int_equal(ops()->check(self, &bus->host.host, &bus->err), TOW_E_CONFIG);
    assert_says(bus->err, says);
    fake_instance_free(self);
}

static void test_options_that_do_not_go_together_are_refused(void **state)
{
    struct bus *bus = *state;

    set(bus, "endpoint", "https://1.zerobus.example.com");
    set(bus, "table", "orders");
    check_refuses(bus, "catalog.schema.table");
    set(bus, "table", "main.sales.orders");
    set(bus, "endpoint", "http://1.zerobus.example.com");
    check_refuses(bus, "endpoint");
    set(bus, "endpoint", "1.zerobus.example.com");
    set(bus, "headers", "nonsense");
    check_refuses(bus, "name: value");
    set(bus, "headers", "authorization: Bearer mine");
    set(bus, "headers_command", "true");
    check_refuses(bus, "headers_command");
}

static void test_rest_takes_json_alone(void **state)
{
    struct bus *bus = *state;

    set(bus, "endpoint", "https://1.zerobus.example.com");
    set(bus, "transport", "rest");
    check_refuses(bus, "format = \"json\"");
}

static void test_a_personal_token_is_no_login_for_streams(void **state)
{
    static const char *table = "";
    struct bus *bus = *state;

    work(bus, &table);
    set(bus, "endpoint", "https://1.zerobus.example.com");
    for (size_t i = 0; i < bus->setting_count; i += 2)
        if (strncmp(bus->settings[i], "client_", 7) == 0) {
            bus->settings[i] = "token";
            bus->settings[i + 1] = "dapi1";
        }
    check_refuses(bus, "client_id");
}

static void test_columns_are_checked_offline(void **state)
{
    static const struct tow_field odd = {"a b", {TOW_TYPE_INT64, 0, 0}, 0};
    struct bus *bus = *state;
    struct table *table = &bus->tables[bus->table_count++];
    void *self;

    set(bus, "endpoint", "https://1.zerobus.example.com");
    self = fake_instance_new(zerobus_LTX_tow_plugin_entry(), bus->settings);
    table_init(table, &odd, 1);
    assert_int_equal(ops()->begin(self, NULL, &table->schema, &bus->err), TOW_E_CONFIG);
    assert_says(bus->err, "a b");
    ops()->close(self);
    fake_instance_free(self);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows_are_settled_as_they_are_acknowledged),
        TEST(test_batches_stay_with_the_sink_until_they_are_acknowledged),
        TEST(test_several_streams_share_the_rows),
        TEST(test_a_poisoned_row_is_rejected_alone),
        TEST(test_json_rows_are_objects),
        TEST(test_a_row_that_is_too_large_is_rejected_before_it_is_sent),
        TEST(test_large_batches_are_sent_in_several_requests),
        TEST(test_a_broken_stream_recovers_unseen),
        TEST(test_a_stream_that_is_given_up_is_replaced_by_the_next_try),
        TEST(test_a_flush_that_fails_lets_go_of_everything),
        TEST(test_a_service_that_cannot_be_reached_may_pass),
        TEST(test_a_stop_ends_a_flush_that_waits),
        TEST(test_a_stop_ends_a_login_that_waits),
        TEST(test_the_tables_columns_make_the_records),
        TEST(test_rows_that_do_not_fit_the_table_are_rejected_before_they_are_sent),
        TEST(test_a_column_that_the_table_lacks_is_told_at_once),
        TEST(test_a_table_that_changes_is_looked_at_again),
        TEST(test_rows_go_by_rest),
        TEST(test_a_poisoned_row_is_rejected_alone_by_rest_too),
        TEST(test_trouble_by_rest_leaves_rows_open),
        TEST(test_options_that_do_not_go_together_are_refused),
        TEST(test_rest_takes_json_alone),
        TEST(test_a_personal_token_is_no_login_for_streams),
        TEST(test_columns_are_checked_offline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
