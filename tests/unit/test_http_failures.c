/* connectors/http: servers that cut, reset, talk nonsense or too much; nobody there at all. */
#include <unistd.h>

#include "http_fixture.h"
#include "lookup.h"

struct fixture {
    struct http_server *server;
    struct tow_http *http;
    struct exchange exchange;
    char *body; /* of an answer: outlives the server */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->server = http_server_new(NULL);
    fixture->http = http_fixture_client(NULL);
    exchange_init(&fixture->exchange, "GET", http_server_base(fixture->server), "/x?sig=secret");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    assert_null(strstr(fixture->exchange.err.message, "secret"));
    exchange_release(&fixture->exchange);
    tow_http_free(fixture->http);
    http_server_free(fixture->server);
    free(fixture->body);
    free(fixture);
    return 0;
}

/* The exchange fails so where the server answers so. */
static void fails(void **state, struct http_reply reply, int class, const char *words)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server, reply);
    exchange_release(&fixture->exchange);
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, class, words);
    assert_says(fixture->exchange.err, "GET http://127.0.0.1:");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
}

/* ---- cut ------------------------------------------------------------------------------------- */

static void test_a_body_shorter_than_its_length_is_no_end(void **state)
{
    struct fixture *fixture = *state;
    struct taker taker = {.room = 100};

    fails(state, (struct http_reply){.body = "abcdef", .cut = 3, .how = HTTP_REPLY_CUT},
          TOW_E_TRANSIENT, "cut off");
    fixture->exchange.request.take = taker_take;
    fixture->exchange.request.context = &taker;
    fails(state, (struct http_reply){.body = "abcdef", .cut = 3, .how = HTTP_REPLY_CUT},
          TOW_E_TRANSIENT, "cut off");
    assert_int_equal(taker.bytes.size, 3);
    tow_buffer_release(&taker.bytes);
}

static void test_a_body_that_is_reset_is_no_end(void **state)
{
    fails(state,
          (struct http_reply){.body = "abcdef", .cut = 3, .how = HTTP_REPLY_CUT | HTTP_REPLY_RESET},
          TOW_E_TRANSIENT, "broke while receiving");
}

static void test_chunks_without_the_last_one_are_no_end(void **state)
{
    fails(state,
          (struct http_reply){.body = "abcdef", .how = HTTP_REPLY_CHUNKED | HTTP_REPLY_NO_END},
          TOW_E_TRANSIENT, "cut off");
    fails(
        state,
        (struct http_reply){.body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nab",
                            .how = HTTP_REPLY_RAW},
        TOW_E_TRANSIENT, "cut off");
}

static void test_a_header_that_is_cut_is_no_answer(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    size_t length;

    for (length = 1; length < sizeof whole - 1; length++) {
        struct http_reply reply = {.body = whole, .length = length, .how = HTTP_REPLY_RAW};
        struct fixture *fixture = *state;

        http_server_reply(fixture->server, reply);
        exchange_release(&fixture->exchange);
        if (exchange_perform(&fixture->exchange, fixture->http) == TOW_OK)
            fail_msg("%zu bytes of a header are taken as an answer", length);
    }
}

static void test_a_connection_that_closes_without_an_answer_is_told(void **state)
{
    fails(state, (struct http_reply){.how = HTTP_REPLY_NOTHING}, TOW_E_TRANSIENT,
          "closed the connection without an answer");
    fails(state, (struct http_reply){.how = HTTP_REPLY_NOTHING | HTTP_REPLY_RESET}, TOW_E_TRANSIENT,
          "broke while receiving");
}

static void test_a_body_that_ends_with_its_connection_is_taken_of_errors_only(void **state)
{
    struct fixture *fixture = *state;
    struct http_reply reply = {.status = 502, .body = "no", .how = HTTP_REPLY_NO_LENGTH};

    http_server_reply(fixture->server, reply);
    assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "no");
    reply.status = 200;
    fails(state, reply, TOW_E_ENV, "neither Content-Length nor chunks");
}

/* ---- nonsense -------------------------------------------------------------------------------- */

static void raw(void **state, const char *bytes, int class, const char *words)
{
    fails(state, (struct http_reply){.body = bytes, .how = HTTP_REPLY_RAW}, class, words);
}

static void test_what_is_not_http_is_told(void **state)
{
    raw(state, "220 mail.example ESMTP\r\n", TOW_E_ENV, "no HTTP answer; is the port right?");
    raw(state, "\x15\x03\x01\x00\x02\x02\x46", TOW_E_ENV, "no HTTP answer");
    raw(state, "HTTP/1.1 2x0 OK\r\n\r\n", TOW_E_ENV, "no HTTP answer");
    raw(state, "HTTP/7.1 200 OK\r\n\r\n", TOW_E_ENV, "no HTTP answer");
}

static void test_chunks_that_are_none_are_told(void **state)
{
    raw(state, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", TOW_E_TRANSIENT,
        "broke while receiving");
    raw(state,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffffffff\r\nx",
        TOW_E_TRANSIENT, "broke while receiving");
}

static void test_an_answer_that_came_compressed_is_told(void **state)
{
    fails(state, (struct http_reply){.headers = "Content-Encoding: gzip\r\n", .body = "\x1f\x8b"},
          TOW_E_ENV, "the answer is compressed (gzip), which was not asked for");
}

/* ---- too much -------------------------------------------------------------------------------- */

static void test_an_answer_that_announces_too_much_is_refused_at_once(void **state)
{
    struct fixture *fixture = *state;

    fixture->exchange.request.limit = 5;
    fails(state, (struct http_reply){.body = "abcdef", .how = HTTP_REPLY_STALL}, TOW_E_ENV,
          "answer longer than 5 bytes (limit)");
}

static void test_an_answer_that_grows_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture->exchange.request.limit = 5;
    fails(state, (struct http_reply){.body = "abcdef", .how = HTTP_REPLY_CHUNKED, .piece = 1},
          TOW_E_ENV, "answer longer than 5 bytes (limit)");
}

static void test_an_error_that_is_too_long_is_cut(void **state)
{
    struct fixture *fixture = *state;
    struct http_reply reply = {.status = 502};
    int i;

    fixture->body = http_fixture_bytes(1 << 20);
    reply.body = fixture->body;
    fixture->exchange.request.limit = 5;
    for (i = 0; i < 2; i++) {
        reply.how = i == 0 ? 0 : HTTP_REPLY_CHUNKED;
        http_server_reply(fixture->server, reply);
        exchange_release(&fixture->exchange);
        assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
        assert_int_equal(fixture->exchange.response.status, 502);
        assert_int_equal(fixture->exchange.response.body.size, 256 << 10);
        assert_memory_equal(fixture->exchange.response.body.data, fixture->body, 256 << 10);
    }
}

static void test_an_answer_of_the_limit_is_taken(void **state)
{
    struct fixture *fixture = *state;

    fixture->exchange.request.limit = 6;
    http_server_reply(fixture->server, (struct http_reply){.body = "abcdef"});
    assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
    assert_int_equal(fixture->exchange.response.body.size, 6);
}

static void test_the_limit_is_not_for_what_is_taken_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct taker taker = {.room = 100};

    fixture->exchange.request.limit = 5;
    fixture->exchange.request.take = taker_take;
    fixture->exchange.request.context = &taker;
    http_server_reply(fixture->server, (struct http_reply){.body = "abcdef"});
    assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
    assert_int_equal(taker.bytes.size, 6);
    tow_buffer_release(&taker.bytes);
}

static void test_the_default_limit_holds(void **state)
{
    struct fixture *fixture = *state;
    const size_t length = (16 << 20) + 1;

    fixture->body = http_fixture_bytes(length);
    fails(state,
          (struct http_reply){.body = fixture->body, .how = HTTP_REPLY_CHUNKED, .piece = 1 << 20},
          TOW_E_ENV, "answer longer than 16777216 bytes (limit)");
}

static char *header_begin(struct fixture *fixture, size_t length)
{
    fixture->body = http_fixture_bytes(length);
    memcpy(fixture->body, "HTTP/1.1 200 OK\r\nX: ", 20);
    return fixture->body;
}

static void test_a_header_line_without_end_is_refused(void **state)
{
    raw(state, header_begin(*state, 4 << 20), TOW_E_ENV,
        "a header line of more than 102400 bytes (limit)");
}

static void test_a_header_of_lines_without_end_is_refused(void **state)
{
    const size_t length = 4 << 20;
    char *body = header_begin(*state, length);
    size_t at;

    for (at = 17; at + 20 < length; at += 20)
        memcpy(body + at, "X-Many: aaaaaaaaaa\r\n", 20);
    raw(state, body, TOW_E_ENV, "more than 262144 bytes of header lines (limit)");
}

/* Begins with `head`, then `line` over and over. */
static void lines_without_end(void **state, const char *head, const char *line)
{
    const size_t length = 4 << 20, step = strlen(line);
    struct fixture *fixture = *state;
    size_t at = strlen(head);

    fixture->body = http_fixture_bytes(length);
    memcpy(fixture->body, head, at);
    for (; at + step < length; at += step)
        memcpy(fixture->body + at, line, step);
    raw(state, fixture->body, TOW_E_ENV, "more than 262144 bytes of header lines (limit)");
}

static void test_interim_answers_without_end_are_refused(void **state)
{
    lines_without_end(state, "", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
}

static void test_trailers_without_end_are_refused(void **state)
{
    lines_without_end(state,
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
                      "X-Trailer: y\r\n");
}

/* ---- nobody there ---------------------------------------------------------------------------- */

static void unreachable(void **state, const char *url, int class, const char *words)
{
    struct fixture *fixture = *state;

    exchange_release(&fixture->exchange);
    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "%s", url);
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, class, words);
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    assert_int_equal(fixture->exchange.response.status, 0);
}

static void test_a_port_where_nobody_listens_is_told(void **state)
{
    struct http_server *gone = http_server_new(NULL);
    char url[128];

    snprintf(url, sizeof url, "%s/x?sig=secret", http_server_base(gone));
    http_server_free(gone);
    unreachable(state, url, TOW_E_TRANSIENT, "Connection refused");
}

static void test_a_name_that_does_not_exist_is_told(void **state)
{
    unreachable(state, "https://no-such-host.test/x?sig=secret", TOW_E_TRANSIENT,
                "GET https://no-such-host.test/x: the host's name is not found");
}

static void test_urls_that_cannot_be_are_refused(void **state)
{
    unreachable(state, "http://service.example/", TOW_E_CONFIG, "plain http is for this machine");
    unreachable(state, "ftp://127.0.0.1/", TOW_E_CONFIG, "not an https URL");
    unreachable(state, "127.0.0.1/", TOW_E_CONFIG, "not a URL such as");
    unreachable(state, "https://me:secret@127.0.0.1/", TOW_E_CONFIG, "no user and password here");
    unreachable(state, "https://127.0.0.1/a b", TOW_E_CONFIG, "byte 0x20 at offset 19");
    unreachable(state, "https://127.0.0.1/\xC3\xA9", TOW_E_CONFIG, "byte 0xC3 at offset 18");
    unreachable(state, "https://127.0.0.1/\r\nX: y", TOW_E_CONFIG, "byte 0x0D at offset 18");
    unreachable(state, "", TOW_E_CONFIG, "not a URL such as");
}

static void test_long_urls_are_cut_in_messages(void **state)
{
    char url[512];

    snprintf(url, sizeof url, "https://no-such-host.test/%0400d", 7);
    unreachable(state, url, TOW_E_TRANSIENT, "the host's name is not found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_body_shorter_than_its_length_is_no_end),
        TEST(test_a_body_that_is_reset_is_no_end),
        TEST(test_chunks_without_the_last_one_are_no_end),
        TEST(test_a_header_that_is_cut_is_no_answer),
        TEST(test_a_connection_that_closes_without_an_answer_is_told),
        TEST(test_a_body_that_ends_with_its_connection_is_taken_of_errors_only),
        TEST(test_what_is_not_http_is_told),
        TEST(test_chunks_that_are_none_are_told),
        TEST(test_an_answer_that_came_compressed_is_told),
        TEST(test_an_answer_that_announces_too_much_is_refused_at_once),
        TEST(test_an_answer_that_grows_too_long_is_refused),
        TEST(test_an_error_that_is_too_long_is_cut),
        TEST(test_an_answer_of_the_limit_is_taken),
        TEST(test_the_limit_is_not_for_what_is_taken_in_pieces),
        TEST(test_the_default_limit_holds),
        TEST(test_a_header_line_without_end_is_refused),
        TEST(test_a_header_of_lines_without_end_is_refused),
        TEST(test_interim_answers_without_end_are_refused),
        TEST(test_trailers_without_end_are_refused),
        TEST(test_a_port_where_nobody_listens_is_told),
        TEST(test_a_name_that_does_not_exist_is_told),
        TEST(test_urls_that_cannot_be_are_refused),
        TEST(test_long_urls_are_cut_in_messages),
    };

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
