/* The sink ttd against a scripted server: requests, and what becomes of rows. */
#include <pthread.h>
#include <zlib.h>

#include "fake_host.h"
#include "http_fixture.h"
#include "table.h"

#define TOKEN "tok-secret-123"

tow_plugin_entry ttd_LTX_tow_plugin_entry;

/* An instance of the sink and the server that it talks to. */
struct push {
    struct fake_host fake;
    const struct tow_sink_ops *ops;
    void *self;
    struct http_server *server;
    struct table table; /* id_type, id_value */
    uint64_t seq;
    char outcomes[2048];
    struct tow_error err;
};

static const struct tow_field push_fields[] = {{"id_type", {TOW_TYPE_STRING, 0, 0}, 0},
                                               {"id_value", {TOW_TYPE_STRING, 0, 0}, 0}};

/* ---- the fixture ---------------------------------------------------------------------------- */

static int setup(void **state)
{
    struct push *push = calloc(1, sizeof *push);

    *state = push;
    push->ops = ttd_LTX_tow_plugin_entry()->sink;
    push->err = (struct tow_error)TOW_ERROR_INIT;
    push->server = http_server_new(NULL);
    fake_host_init(&push->fake);
    return 0;
}

static int teardown(void **state)
{
    struct push *push = *state;

    /* Nothing that the sink ever said may hold the token. */
    for (size_t i = 0; i < push->fake.line_count; i++)
        assert_null(strstr(push->fake.lines[i].message, TOKEN));
    assert_null(strstr(push->err.message, TOKEN));
    if (push->self) {
        push->ops->close(push->self);
        fake_instance_free(push->self);
    }
    if (push->table.builder)
        table_release(&push->table);
    http_server_free(push->server);
    fake_host_release(&push->fake);
    free(push);
    return 0;
}

/* A sink for deletions of an advertiser, with up to five more pairs that a NULL ends. */
static void start(struct push *push, const char *const *settings)
{
    const char *all[24] = {"endpoint",      "deletion_optout_advertiser",
                           "token",         TOKEN,
                           "server_url",    http_server_base(push->server),
                           "request_type",  "OptOut",
                           "advertiser_id", "adv"};
    const struct tow_position none = {.size = sizeof none};

    for (size_t i = 0; settings && settings[i]; i++)
        all[10 + i] = settings[i];
    table_init(&push->table, push_fields, 2);
    push->self = fake_instance_new(ttd_LTX_tow_plugin_entry(), all);
    assert_ok(push->ops->open(push->self, &push->fake.host, &none, &push->err), push->err);
    assert_ok(push->ops->begin(push->self, &push->fake.host, &push->table.schema, &push->err),
              push->err);
}

/* Rows with the ids "1", "2" ...; an id type "X" where the number is in `bad`. */
static int write_rows(struct push *push, int count, const char *bad)
{
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = ++push->seq};

    for (int i = 1; i <= count; i++) {
        char id[16];

        snprintf(id, sizeof id, "%d", i);
        table_put_text(&push->table, 0, bad && strstr(bad, id) ? "X" : "TDID");
        table_put_text(&push->table, 1, id);
        table_end_row(&push->table);
    }
    if (push->table.array.release)
        push->table.array.release(&push->table.array);
    table_finish(&push->table);
    rows.array = &push->table.array;
    push->err = (struct tow_error)TOW_ERROR_INIT;
    return push->ops->write(push->self, &rows, &push->err);
}

static void answer(struct push *push, int status, const char *body)
{
    http_server_reply(push->server, (struct http_reply){.status = status,
                                                        .headers = "Content-Type: "
                                                                   "application/json\r\n",
                                                        .body = body});
}

/* "+first,count" for accepted, "-row code" for rejected, in the order in which they were settled.
 */
static const char *outcomes(struct push *push)
{
    char *p = push->outcomes;

    *p = '\0';
    for (size_t i = 0; i < push->fake.outcome_count; i++) {
        const struct fake_outcome *outcome = &push->fake.outcomes[i];

        assert_int_equal(outcome->seq, push->seq);
        if (outcome->outcome == TOW_ROW_ACCEPTED)
            p += sprintf(p, "+%d,%d ", (int)outcome->first, (int)outcome->count);
        else
            p += sprintf(p, "-%d %s ", (int)outcome->first, outcome->code);
    }
    return push->outcomes;
}

/* The ids of a request, as "1 2 3". */
static const char *ids(struct push *push, size_t request)
{
    static char text[512];
    const char *at = http_server_seen(push->server, request)->body;
    char *p = text;

    while ((at = strstr(at, "\"TDID\":\""))) {
        at += strlen("\"TDID\":\"");
        p += sprintf(p, "%s%.*s", p > text ? " " : "", (int)strcspn(at, "\""), at);
    }
    *p = '\0';
    return text;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void test_rows_go_out_as_a_request(void **state)
{
    struct push *push = *state;
    const struct http_seen *seen;
    char *header;

    start(push, (const char *const[]){"trace_id", "t-{load}-1", NULL});
    answer(push, 200, "{\"FailedLines\":null}");
    assert_ok(write_rows(push, 2, NULL), push->err);
    assert_int_equal(http_server_count(push->server), 1);
    seen = http_server_seen(push->server, 0);
    assert_string_equal(seen->method, "POST");
    assert_string_equal(seen->target, "/data/deletion-optout/advertiser");
    assert_string_equal(seen->body,
                        "{\"AdvertiserId\":\"adv\",\"Items\":[{\"TDID\":\"1\"},{\"TDID\":\"2\"}],"
                        "\"DataLoadTraceId\":\"t-load-1-1\",\"RequestType\":\"OptOut\"}");
    header = http_seen_header(seen, "TTD-Auth");
    assert_string_equal(header, TOKEN);
    free(header);
    header = http_seen_header(seen, "Content-Type");
    assert_string_equal(header, "application/json");
    free(header);
    assert_null(http_seen_header(seen, "Content-Encoding"));
    assert_null(http_seen_header(seen, "Expect"));
    assert_string_equal(outcomes(push), "+0,2 ");
}

static void test_a_batch_becomes_requests_of_like_size_over_one_connection(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_rows", "4", NULL});
    for (int i = 0; i < 3; i++)
        answer(push, 200, "{}");
    assert_ok(write_rows(push, 9, NULL), push->err);
    assert_int_equal(http_server_count(push->server), 3);
    assert_string_equal(ids(push, 0), "1 2 3");
    assert_string_equal(ids(push, 1), "4 5 6");
    assert_string_equal(ids(push, 2), "7 8 9");
    assert_int_equal(http_server_connections(push->server), 1);
    assert_string_equal(outcomes(push), "+0,3 +3,3 +6,3 ");
    assert_int_equal(push->fake.keep_count, 2);
}

static void test_a_request_has_no_more_bytes_than_it_may(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_bytes", "150", NULL});
    for (int i = 0; i < 4; i++)
        answer(push, 200, "{}");
    assert_ok(write_rows(push, 20, NULL), push->err);
    for (size_t i = 0; i < http_server_count(push->server); i++)
        assert_true(http_server_seen(push->server, i)->length <= 150);
    assert_int_equal(http_server_count(push->server), 4);
    assert_int_equal(fake_host_settled(&push->fake, TOW_ROW_ACCEPTED), 20);
}

static void test_rows_that_can_be_no_item_are_rejected_and_the_others_go(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    answer(push, 200, "{}");
    assert_ok(write_rows(push, 5, "1 4"), push->err);
    assert_string_equal(ids(push, 0), "2 3 5");
    assert_string_equal(outcomes(push), "-0 InvalidIdType -3 InvalidIdType +1,2 +4,1 ");
}

static void test_a_batch_without_a_single_item_sends_nothing(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    assert_ok(write_rows(push, 2, "1 2"), push->err);
    assert_int_equal(http_server_count(push->server), 0);
    assert_string_equal(outcomes(push), "-0 InvalidIdType -1 InvalidIdType ");
}

static void test_bodies_are_compressed_where_asked(void **state)
{
    struct push *push = *state;
    const struct http_seen *seen;
    char text[512] = "";
    z_stream stream = {0};
    char *header;

    start(push, (const char *const[]){"gzip", "true", "batch_rows", "1", NULL});
    answer(push, 200, "{}");
    answer(push, 200, "{}");
    assert_ok(write_rows(push, 2, NULL), push->err);
    for (size_t i = 0; i < 2; i++) {
        seen = http_server_seen(push->server, i);
        header = http_seen_header(seen, "Content-Encoding");
        assert_string_equal(header, "gzip");
        free(header);
        memset(&stream, 0, sizeof stream);
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        stream.next_in = (unsigned char *)seen->body;
        stream.avail_in = (uInt)seen->length;
        stream.next_out = (unsigned char *)text;
        stream.avail_out = sizeof text - 1;
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        text[stream.total_out] = '\0';
        inflateEnd(&stream);
        assert_non_null(strstr(text, i ? "[{\"TDID\":\"2\"}]" : "[{\"TDID\":\"1\"}]"));
    }
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static void test_failed_lines_reject_their_rows_and_no_others(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    answer(push, 200,
           "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m\",\"ItemNumber\":\"2\"},"
           "{\"ErrorCode\":\"B\",\"Message\":\"m\",\"ItemNumber\":\"4\"}]}");
    assert_ok(write_rows(push, 6, "3"), push->err);
    /* Item 4 is row 5, behind one that was not sent. */
    assert_string_equal(outcomes(push), "-2 InvalidIdType +0,1 -1 A +3,1 -4 B +5,1 ");
    assert_string_equal(push->fake.outcomes[2].message, "m");
}

static void test_a_refused_request_rejects_named_rows_and_leaves_the_others(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_rows", "3", NULL});
    answer(push, 200, "{}");
    answer(push, 400, "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"ItemNumber\":\"2\"}]}");
    assert_int_equal(write_rows(push, 9, NULL), TOW_E_TRANSIENT);
    assert_int_equal(push->err.retry_after_ms, 0);
    assert_string_equal(outcomes(push), "+0,3 -4 A ");
    assert_int_equal(http_server_count(push->server), 2);
}

static void test_a_refused_request_of_named_rows_alone_leaves_nothing_to_repeat(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_rows", "1", NULL});
    answer(push, 400, "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"ItemNumber\":\"1\"}]}");
    answer(push, 200, "{}");
    assert_ok(write_rows(push, 2, NULL), push->err);
    assert_string_equal(outcomes(push), "-0 A +1,1 ");
}

static void test_a_limit_of_rate_waits_as_long_as_the_server_says(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_rows", "1", NULL});
    answer(push, 200, "{}");
    http_server_reply(push->server,
                      (struct http_reply){.status = 429, .headers = "Retry-After: 17\r\n"});
    assert_int_equal(write_rows(push, 3, NULL), TOW_E_RATE);
    assert_int_equal(push->err.retry_after_ms, 17000);
    assert_string_equal(outcomes(push), "+0,1 ");
}

static void test_refused_credentials_stop_with_the_rows_pending(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    http_server_reply(push->server, (struct http_reply){.status = 401, .body = "no " TOKEN});
    answer(push, 403, "\"Forbidden\"");
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_AUTH);
    assert_says(push->err, "HTTP 401: no **************");
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_AUTH);
    assert_says(push->err, "HTTP 403: Forbidden");
    assert_string_equal(outcomes(push), "");
}

static void test_redirects_are_not_followed(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    http_server_reply(push->server,
                      (struct http_reply){.status = 307, .headers = "Location: /elsewhere\r\n"});
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_CONFIG);
    assert_says(push->err, "redirects are refused");
    assert_int_equal(http_server_count(push->server), 1);
    assert_string_equal(outcomes(push), "");
}

static void test_what_may_pass_leaves_rows_pending(void **state)
{
    static const struct http_reply replies[] = {
        {.status = 500, .body = "boom"},
        {.status = 503},
        {.status = 520, .body = "cf"},
        {.how = HTTP_REPLY_NOTHING},
        {.how = HTTP_REPLY_NOTHING | HTTP_REPLY_RESET},
        {.how = HTTP_REPLY_CUT, .body = "{\"FailedLines\":null}", .cut = 5},
    };
    struct push *push = *state;

    start(push, NULL);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        http_server_reply(push->server, replies[i]);
        assert_int_equal(write_rows(push, 2, NULL), TOW_E_TRANSIENT);
        assert_string_equal(outcomes(push), "");
    }
}

static void test_an_answer_that_does_not_come_in_time_may_come_later(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"timeout", "200", NULL});
    http_server_reply(push->server, (struct http_reply){.how = HTTP_REPLY_STALL, .body = "{}"});
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_TRANSIENT);
    assert_string_equal(outcomes(push), "");
    http_server_go_on(push->server);
}

static void test_a_page_in_place_of_an_answer_accepts_nothing(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    http_server_reply(push->server,
                      (struct http_reply){.headers = "Content-Type: text/html\r\n",
                                          .body = "<html><title>Sign in</title></html>"});
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_ENV);
    assert_says(push->err, "Sign in");
    assert_string_equal(outcomes(push), "");
}

static void test_a_row_that_cannot_be_settled_ends_the_write(void **state)
{
    struct push *push = *state;

    start(push, (const char *const[]){"batch_rows", "1", NULL});
    answer(push, 200, "{}");
    push->fake.settle_limit = -1;
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_BUG);
    assert_int_equal(http_server_count(push->server), 1);
}

/* ---- too large ------------------------------------------------------------------------------ */

static void test_a_request_that_is_too_large_is_halved(void **state)
{
    struct push *push = *state;
    size_t first;

    start(push, NULL);
    answer(push, 413, "Request too large");
    for (int i = 0; i < 8; i++)
        answer(push, 200, "{}");
    assert_ok(write_rows(push, 40, "7"), push->err);
    first = http_server_seen(push->server, 0)->length;
    for (size_t i = 1; i < http_server_count(push->server); i++)
        assert_true(http_server_seen(push->server, i)->length <= first / 2);
    /* Row 7 was met twice. */
    assert_int_equal(fake_host_settled(&push->fake, TOW_ROW_REJECTED), 1);
    assert_int_equal(fake_host_settled(&push->fake, TOW_ROW_ACCEPTED), 39);
    assert_true(fake_host_logged(&push->fake, TOW_LOG_WARN, "is too large for the far end"));
}

static void test_what_was_learned_of_sizes_holds_for_later_batches(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    answer(push, 413, "");
    for (int i = 0; i < 8; i++)
        answer(push, 200, "{}");
    assert_ok(write_rows(push, 40, NULL), push->err);
    assert_ok(write_rows(push, 40, NULL), push->err);
    assert_int_equal(fake_host_settled(&push->fake, TOW_ROW_ACCEPTED), 80);
    for (size_t i = 1; i < http_server_count(push->server); i++)
        assert_true(http_server_seen(push->server, i)->length <=
                    http_server_seen(push->server, 0)->length / 2);
}

static void test_a_row_that_is_too_large_by_itself_is_rejected(void **state)
{
    struct push *push = *state;

    start(push, NULL);
    for (int i = 0; i < 3; i++)
        answer(push, 413, "Request too large");
    assert_ok(write_rows(push, 2, NULL), push->err);
    assert_int_equal(http_server_count(push->server), 3);
    assert_string_equal(outcomes(push), "-0 ItemTooLarge -1 ItemTooLarge ");
    assert_non_null(strstr(push->fake.outcomes[0].message, "HTTP 413: Request too large"));
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void *cancel_once_it_is_sent(void *context)
{
    struct push *push = context;

    http_server_wait(push->server, 1);
    fake_host_cancel(&push->fake);
    return NULL;
}

static void test_a_request_under_way_ends_when_the_run_is_stopped(void **state)
{
    struct push *push = *state;
    pthread_t thread;

    start(push, NULL);
    http_server_reply(push->server, (struct http_reply){.how = HTTP_REPLY_STALL, .body = "{}"});
    assert_int_equal(pthread_create(&thread, NULL, cancel_once_it_is_sent, push), 0);
    assert_int_equal(write_rows(push, 2, NULL), TOW_E_CANCELLED);
    pthread_join(thread, NULL);
    assert_string_equal(outcomes(push), "");
    http_server_go_on(push->server);
}

/* ---- checks --------------------------------------------------------------------------------- */

static int check(struct push *push, const char *const *settings)
{
    void *self = fake_instance_new(ttd_LTX_tow_plugin_entry(), settings);
    int rc;

    push->err = (struct tow_error)TOW_ERROR_INIT;
    rc = push->ops->check(self, &push->fake.host, &push->err);
    fake_instance_free(self);
    return rc;
}

static void test_check_looks_at_all_options_together(void **state)
{
    struct push *push = *state;

    assert_ok(check(push, (const char *const[]){"endpoint", "thirdparty", "token", "t",
                                                "data_provider_id", "dp", "region", "euw",
                                                "data_origins", "Onboarder:a,advertiser:b", NULL}),
              push->err);
    assert_int_equal(check(push, (const char *const[]){"endpoint", "thirdparty", "token", "t",
                                                       "brand_id", "b", NULL}),
                     TOW_E_CONFIG);
    assert_says(push->err,
                "endpoint thirdparty needs data_provider_id, and has no use for brand_id");
    assert_int_equal(
        check(push, (const char *const[]){"endpoint", "thirdparty", "token", "t",
                                          "data_provider_id", "dp", "data_origins", "acme", NULL}),
        TOW_E_CONFIG);
    assert_says(push->err, "data_origins: \"acme\" is no data origin");
}

static void test_columns_are_judged_offline(void **state)
{
    struct push *push = *state;
    void *self = fake_instance_new(ttd_LTX_tow_plugin_entry(),
                                   (const char *const[]){"endpoint", "advertiser", NULL});

    table_init(&push->table, push_fields, 2);
    assert_int_equal(push->ops->begin(self, NULL, &push->table.schema, &push->err), TOW_E_CONFIG);
    assert_says(push->err, "columns are missing: segment_name (string)");
    push->ops->close(self);
    fake_instance_free(self);
}

static void test_columns_that_are_not_sent_are_logged_once(void **state)
{
    struct push *push = *state;
    const struct tow_position none = {.size = sizeof none};
    const struct tow_field fields[] = {
        push_fields[0], push_fields[1], {"segment_nmae", {TOW_TYPE_STRING, 0, 0}, 0}};

    start(push, NULL);
    table_release(&push->table);
    table_init(&push->table, fields, 3);
    for (uint32_t worker = 0; worker < 2; worker++) {
        push->fake.host.worker = worker;
        push->ops->close(push->self);
        assert_ok(push->ops->open(push->self, &push->fake.host, &none, &push->err), push->err);
        assert_ok(push->ops->begin(push->self, &push->fake.host, &push->table.schema, &push->err),
                  push->err);
    }
    assert_int_equal(push->fake.line_count, 1);
    assert_true(fake_host_logged(&push->fake, TOW_LOG_INFO, "segment_nmae"));
}

int main(void)
{
#define PUSH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        PUSH_TEST(test_rows_go_out_as_a_request),
        PUSH_TEST(test_a_batch_becomes_requests_of_like_size_over_one_connection),
        PUSH_TEST(test_a_request_has_no_more_bytes_than_it_may),
        PUSH_TEST(test_rows_that_can_be_no_item_are_rejected_and_the_others_go),
        PUSH_TEST(test_a_batch_without_a_single_item_sends_nothing),
        PUSH_TEST(test_bodies_are_compressed_where_asked),
        PUSH_TEST(test_failed_lines_reject_their_rows_and_no_others),
        PUSH_TEST(test_a_refused_request_rejects_named_rows_and_leaves_the_others),
        PUSH_TEST(test_a_refused_request_of_named_rows_alone_leaves_nothing_to_repeat),
        PUSH_TEST(test_a_limit_of_rate_waits_as_long_as_the_server_says),
        PUSH_TEST(test_refused_credentials_stop_with_the_rows_pending),
        PUSH_TEST(test_redirects_are_not_followed),
        PUSH_TEST(test_what_may_pass_leaves_rows_pending),
        PUSH_TEST(test_an_answer_that_does_not_come_in_time_may_come_later),
        PUSH_TEST(test_a_page_in_place_of_an_answer_accepts_nothing),
        PUSH_TEST(test_a_row_that_cannot_be_settled_ends_the_write),
        PUSH_TEST(test_a_request_that_is_too_large_is_halved),
        PUSH_TEST(test_what_was_learned_of_sizes_holds_for_later_batches),
        PUSH_TEST(test_a_row_that_is_too_large_by_itself_is_rejected),
        PUSH_TEST(test_a_request_under_way_ends_when_the_run_is_stopped),
        PUSH_TEST(test_check_looks_at_all_options_together),
        PUSH_TEST(test_columns_are_judged_offline),
        PUSH_TEST(test_columns_that_are_not_sent_are_logged_once),
    };

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
