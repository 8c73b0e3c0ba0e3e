/* connectors/http: what goes out and what comes in. */
#include "config.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

struct fixture {
    struct http_server *server;
    struct tow_http *http;
    struct exchange exchange;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->server = http_server_new(NULL);
    fixture->http = http_fixture_client(NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    exchange_release(&fixture->exchange);
    tow_http_free(fixture->http);
    http_server_free(fixture->server);
    free(fixture);
    return 0;
}

/* The first answer of the script. */
static void answers(struct fixture *fixture, struct http_reply reply)
{
    http_server_reply(fixture->server, reply);
}

static struct exchange *ask(struct fixture *fixture, const char *method, const char *path)
{
    exchange_release(&fixture->exchange);
    exchange_init(&fixture->exchange, method, http_server_base(fixture->server), path);
    return &fixture->exchange;
}

static const struct http_seen *seen(struct fixture *fixture)
{
    return http_server_seen(fixture->server, http_server_count(fixture->server) - 1);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void test_an_answer_is_kept_with_what_its_header_says(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/path?key=value");

    answers(fixture,
            (struct http_reply){.headers = "Content-Type: application/json\r\netag:   \"v1\"  \r\n"
                                           "X-Databricks-Reason-Phrase: all is well\r\n",
                                .body = "{\"a\":1}"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.status, 200);
    assert_string_equal(get->response.body.data, "{\"a\":1}");
    assert_int_equal(get->response.body.size, 7);
    assert_string_equal(get->response.content_type, "application/json");
    assert_int_equal(get->response.content_length, 7);
    assert_string_equal(get->response.etag, "\"v1\"");
    assert_string_equal(get->response.reason, "all is well");
    assert_int_equal(get->response.retry_after_ms, -1);
    assert_string_equal(seen(fixture)->target, "/path?key=value");
}

static void test_an_empty_answer_is_an_empty_text(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.status, 204);
    assert_string_equal(get->response.body.data, "");
    assert_int_equal(get->response.content_length, -1);
}

static void test_a_chunked_answer_is_put_together(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture,
            (struct http_reply){.body = "abcdefghij", .piece = 3, .how = HTTP_REPLY_CHUNKED});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_string_equal(get->response.body.data, "abcdefghij");
    assert_int_equal(get->response.content_length, -1);
}

static void test_what_comes_before_the_answer_is_not_the_answer(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture, (struct http_reply){
                         .how = HTTP_REPLY_RAW,
                         .body = "HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\nRetry-After: 9\r\n"
                                 "Content-Type: text/early\r\n\r\n"
                                 "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.status, 503);
    assert_string_equal(get->response.etag, "");
    assert_string_equal(get->response.content_type, "");
    assert_int_equal(get->response.retry_after_ms, -1);
    assert_string_equal(get->response.body.data, "no");
}

static void test_trailers_behind_the_body_mean_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture, (struct http_reply){
                         .how = HTTP_REPLY_RAW,
                         .body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                 "Trailer: ETag\r\n\r\n2\r\nok\r\n0\r\nETag: \"late\"\r\n\r\n"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_string_equal(get->response.body.data, "ok");
    assert_string_equal(get->response.etag, "");
}

static void test_long_headers_are_cut(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");
    char header[600], type[500];

    memset(type, 'x', sizeof type - 1);
    type[sizeof type - 1] = '\0';
    snprintf(header, sizeof header, "Content-Type: %s\r\nNo-Value:\r\nETag: a\tb\r\n", type);
    answers(fixture, (struct http_reply){.headers = header});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(strlen(get->response.content_type), sizeof get->response.content_type - 1);
    assert_string_equal(get->response.etag, "a b");
}

static void test_the_wait_that_an_answer_asks_for_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture, (struct http_reply){.status = 429, .headers = "Retry-After: 7\r\n"});
    answers(fixture,
            (struct http_reply){.status = 429,
                                .headers = "Date: Sun, 06 Nov 2044 08:49:30 GMT\r\n"
                                           "Retry-After: Sun, 06 Nov 2044 08:49:37 GMT\r\n"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.retry_after_ms, 7000);
    get = ask(fixture, "GET", "/");
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.retry_after_ms, 7000);
}

static void test_a_redirect_is_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");

    answers(fixture, (struct http_reply){.status = 302, .headers = "Location: /elsewhere\r\n"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_int_equal(get->response.status, 302);
    assert_int_equal(http_server_count(fixture->server), 1);
}

static void test_head_has_a_length_and_no_body(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *head = ask(fixture, "HEAD", "/");

    head->request.limit = 10;
    answers(fixture, (struct http_reply){.body = "a body that is only announced"});
    assert_ok(exchange_perform(head, fixture->http), head->err);
    assert_string_equal(seen(fixture)->method, "HEAD");
    assert_int_equal(head->response.content_length, 29);
    assert_string_equal(head->response.body.data, "");
}

/* ---- requests -------------------------------------------------------------------------------- */

static void test_requests_say_who_asks_and_nothing_that_was_not_given(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");
    char host[64];

    answers(fixture, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    snprintf(host, sizeof host, "127.0.0.1:%d", http_server_port(fixture->server));
    assert_header(seen(fixture), "User-Agent", "towpath/" PACKAGE_VERSION);
    assert_header(seen(fixture), "Host", host);
    assert_header(seen(fixture), "Authorization", NULL);
    assert_header(seen(fixture), "Content-Type", NULL);
    assert_header(seen(fixture), "Content-Length", NULL);
    assert_header(seen(fixture), "Accept-Encoding", NULL);
    assert_header(seen(fixture), "Expect", NULL);
}

static void test_headers_go_out_as_given(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");
    const struct tow_http_header headers[] = {
        {"X-Colon", "a: b; c"}, {"X-Empty", ""}, {"Accept", "text/csv"}, {"X-Utf8", "h\xC3\xA9"}};

    get->request.headers = headers;
    get->request.header_count = 4;
    answers(fixture, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_header(seen(fixture), "X-Colon", "a: b; c");
    assert_header(seen(fixture), "X-Empty", "");
    assert_header(seen(fixture), "Accept", "text/csv");
    assert_header(seen(fixture), "X-Utf8", "h\xC3\xA9");
}

static void test_a_header_with_a_line_end_is_refused_without_its_value(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/");
    struct tow_http_header header = {"Authorization", "Bearer secret\n"};

    get->request.headers = &header;
    get->request.header_count = 1;
    exchange_perform(get, fixture->http);
    assert_failed(*get, TOW_E_CONFIG,
                  "header Authorization has the control byte 0x0A at offset 13");
    assert_null(strstr(get->err.message, "secret"));
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    header = (struct tow_http_header){"Bad Name", "x"};
    exchange_perform(get, fixture->http);
    assert_failed(*get, TOW_E_CONFIG, "name cannot be \"Bad Name\"");
    header = (struct tow_http_header){"", "x"};
    exchange_perform(get, fixture->http);
    assert_failed(*get, TOW_E_CONFIG, "name cannot be \"\"");
    assert_int_equal(http_server_count(fixture->server), 0);
}

static void test_a_method_that_cannot_be_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET /x HTTP/1.1\r\nX:", "/");

    exchange_perform(get, fixture->http);
    assert_failed(*get, TOW_E_CONFIG, "method");
    assert_int_equal(http_server_count(fixture->server), 0);
}

static void test_paths_go_out_as_they_are_written(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/a/../b/./c//d%2Fe%2e?x=../y&z=%20#part");

    answers(fixture, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_string_equal(seen(fixture)->target, "/a/../b/./c//d%2Fe%2e?x=../y&z=%20");
}

static void test_basic_login_goes_into_a_header(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/token");

    post->request.user = "id:with:colons";
    post->request.password = "p@ss";
    post->request.body = "grant_type=client_credentials";
    post->request.body_length = 29;
    answers(fixture, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(post, fixture->http), post->err);
    assert_header(seen(fixture), "Authorization", "Basic aWQ6d2l0aDpjb2xvbnM6cEBzcw==");
    assert_string_equal(seen(fixture)->body, "grant_type=client_credentials");
}

static void test_bodies_go_out_with_each_method(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    const struct tow_http_header header = {"Content-Type", "application/json"};
    struct fixture *fixture = *state;
    size_t i;

    for (i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct exchange *send = ask(fixture, methods[i], "/");

        send->request.body = "{\"n\":\0 1}";
        send->request.body_length = 9;
        send->request.headers = &header;
        send->request.header_count = 1;
        answers(fixture, (struct http_reply){.status = 200});
        assert_ok(exchange_perform(send, fixture->http), send->err);
        assert_string_equal(seen(fixture)->method, methods[i]);
        assert_int_equal(seen(fixture)->length, 9);
        assert_memory_equal(seen(fixture)->body, "{\"n\":\0 1}", 9);
        assert_header(seen(fixture), "Content-Type", "application/json");
        assert_header(seen(fixture), "Content-Length", "9");
    }
    assert_int_equal(http_server_connections(fixture->server), 1);
}

static void test_post_and_put_without_a_body_say_so(void **state)
{
    static const char *const methods[] = {"POST", "PUT"};
    struct fixture *fixture = *state;
    size_t i;

    for (i = 0; i < 2; i++) {
        struct exchange *send = ask(fixture, methods[i], "/");

        answers(fixture, (struct http_reply){.status = 200});
        assert_ok(exchange_perform(send, fixture->http), send->err);
        assert_string_equal(seen(fixture)->method, methods[i]);
        assert_header(seen(fixture), "Content-Length", "0");
        assert_header(seen(fixture), "Content-Type", NULL);
    }
    answers(fixture, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(ask(fixture, "DELETE", "/"), fixture->http), fixture->exchange.err);
    assert_string_equal(seen(fixture)->method, "DELETE");
    assert_header(seen(fixture), "Content-Length", NULL);
}

static void test_a_large_body_in_memory_goes_out_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/");
    const size_t length = 5 << 20;
    char *bytes = http_fixture_bytes(length);

    post->request.body = bytes;
    post->request.body_length = (int64_t)length;
    answers(fixture, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(post, fixture->http), post->err);
    assert_header(seen(fixture), "Expect", NULL);
    assert_int_equal(seen(fixture)->length, length);
    assert_memory_equal(seen(fixture)->body, bytes, length);
    free(bytes);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void put_file(struct exchange *put, int fd, size_t length)
{
    put->request.body_fd = fd;
    put->request.body_length = (int64_t)length;
}

static void test_a_file_is_sent_from_its_beginning(void **state)
{
    struct fixture *fixture = *state;
    const size_t length = (3 << 20) + 17;
    char *bytes = http_fixture_bytes(length), text[32];
    int fd = http_fixture_file(bytes, length);
    struct exchange *put = ask(fixture, "PUT", "/file");

    snprintf(text, sizeof text, "%zu", length);
    put_file(put, fd, length);
    answers(fixture, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(put, fixture->http), put->err);
    assert_header(seen(fixture), "Content-Length", text);
    assert_header(seen(fixture), "Transfer-Encoding", NULL);
    assert_header(seen(fixture), "Expect", "100-continue");
    assert_int_equal(seen(fixture)->length, length);
    assert_memory_equal(seen(fixture)->body, bytes, length);
    /* The descriptor's own offset is left where it was: behind what was written. */
    assert_int_equal(lseek(fd, 0, SEEK_CUR), length);
    close(fd);
    free(bytes);
}

static void test_a_part_of_a_file_is_sent_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    int fd = http_fixture_file("0123456789", 10);
    struct exchange *put = ask(fixture, "PUT", "/file");

    put_file(put, fd, 4);
    answers(fixture, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(put, fixture->http), put->err);
    assert_string_equal(seen(fixture)->body, "0123");
    assert_header(seen(fixture), "Expect", NULL);
    close(fd);
}

static void test_a_file_that_became_shorter_is_told(void **state)
{
    struct fixture *fixture = *state;
    int fd = http_fixture_file("0123456789", 10);
    struct exchange *put = ask(fixture, "PUT", "/file");

    put_file(put, fd, 11);
    exchange_perform(put, fixture->http);
    assert_failed(*put, TOW_E_ENV, "the file to send ends after 10 of 11 bytes");
    close(fd);
}

static void test_a_file_that_cannot_be_read_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *put = ask(fixture, "PUT", "/file");
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    put_file(put, fd, 11);
    exchange_perform(put, fixture->http);
    assert_failed(*put, TOW_E_ENV, "read the file to send: Is a directory");
    close(fd);
}

static void test_an_upload_that_is_refused_early_keeps_the_answer(void **state)
{
    struct fixture *fixture = *state;
    const size_t length = 64 << 20;
    int fd = http_fixture_file("", 0);
    struct exchange *put = ask(fixture, "PUT", "/file");

    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    put_file(put, fd, length);
    answers(fixture, (struct http_reply){.status = 403,
                                         .body = "PERMISSION_DENIED: no",
                                         .how = HTTP_REPLY_EARLY | HTTP_REPLY_CLOSE});
    assert_ok(exchange_perform(put, fixture->http), put->err);
    assert_int_equal(put->response.status, 403);
    assert_string_equal(put->response.body.data, "PERMISSION_DENIED: no");
    close(fd);
}

static void test_an_upload_does_not_wait_for_long_where_nobody_says_continue(void **state)
{
    const struct http_server_options options = {.ignores_expect = 1};
    struct fixture *fixture = *state;
    struct http_server *server = http_server_new(&options);
    const size_t length = 2 << 20;
    char *bytes = http_fixture_bytes(length);
    int fd = http_fixture_file(bytes, length);
    struct exchange *put = ask(fixture, "PUT", "/file");

    snprintf(put->url, sizeof put->url, "%s/file", http_server_base(server));
    put_file(put, fd, length);
    put->request.timeout_ms = 8000;
    http_server_reply(server, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(put, fixture->http), put->err);
    assert_memory_equal(http_server_seen(server, 0)->body, bytes, length);
    http_server_free(server);
    close(fd);
    free(bytes);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void test_connections_are_kept(void **state)
{
    struct fixture *fixture = *state;
    int i;

    for (i = 0; i < 5; i++) {
        answers(fixture, (struct http_reply){.body = "x"});
        assert_ok(exchange_perform(ask(fixture, i % 2 ? "POST" : "GET", "/"), fixture->http),
                  fixture->exchange.err);
    }
    assert_int_equal(http_server_connections(fixture->server), 1);
}

static void test_a_get_on_a_connection_that_dies_is_sent_again(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = ask(fixture, "GET", "/1");

    answers(fixture, (struct http_reply){.body = "first"});
    answers(fixture, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    answers(fixture, (struct http_reply){.body = "third"});
    assert_ok(exchange_perform(get, fixture->http), get->err);
    get = ask(fixture, "GET", "/2");
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_string_equal(get->response.body.data, "third");
    assert_int_equal(http_server_count(fixture->server), 3);
    assert_int_equal(http_server_connections(fixture->server), 2);
}

static void test_a_file_on_a_connection_that_dies_is_sent_again_as_a_whole(void **state)
{
    struct fixture *fixture = *state;
    const size_t length = 700000;
    char *bytes = http_fixture_bytes(length);
    int fd = http_fixture_file(bytes, length);
    struct exchange *put = ask(fixture, "GET", "/1");

    answers(fixture, (struct http_reply){.body = "first"});
    answers(fixture, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    answers(fixture, (struct http_reply){.status = 204});
    assert_ok(exchange_perform(put, fixture->http), put->err);
    put = ask(fixture, "PUT", "/2");
    put_file(put, fd, length);
    assert_ok(exchange_perform(put, fixture->http), put->err);
    assert_int_equal(put->response.status, 204);
    assert_int_equal(http_server_count(fixture->server), 3);
    assert_int_equal(seen(fixture)->length, length);
    assert_memory_equal(seen(fixture)->body, bytes, length);
    close(fd);
    free(bytes);
}

static void test_a_post_on_a_connection_that_dies_is_not_sent_again(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/1");

    answers(fixture, (struct http_reply){.body = "first"});
    answers(fixture, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    assert_ok(exchange_perform(post, fixture->http), post->err);
    post = ask(fixture, "POST", "/2");
    post->request.body = "insert";
    post->request.body_length = 6;
    exchange_perform(post, fixture->http);
    assert_failed(*post, TOW_E_TRANSIENT, "the server closed the connection as the request");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    assert_int_equal(http_server_count(fixture->server), 2);
}

static void test_only_the_last_failure_says_whether_it_was_sent(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/");
    struct tow_http_call *call;

    answers(fixture, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    exchange_perform(post, fixture->http);
    assert_failed(*post, TOW_E_TRANSIENT, "without an answer");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    call = exchange_start(post, fixture->http);
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    (void)tow_http_finish(call, NULL, NULL);
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
}

static void test_what_waits_on_a_kept_connection_answers_nothing(void **state)
{
#define ANSWER(text) "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" text
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/1");

    answers(fixture, (struct http_reply){.body = ANSWER("one") ANSWER("two"),
                                         .how = HTTP_REPLY_RAW,
                                         .piece = sizeof ANSWER("one") - 1,
                                         .pause_ms = 100});
    answers(fixture, (struct http_reply){.body = "third"});
    assert_ok(exchange_perform(post, fixture->http), post->err);
    assert_string_equal(post->response.body.data, "one");
    http_server_wait_closed(fixture->server, 1);
    post = ask(fixture, "POST", "/2");
    exchange_perform(post, fixture->http);
    assert_failed(*post, TOW_E_TRANSIENT, "sent something that was not asked for");
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    post = ask(fixture, "POST", "/2");
    assert_ok(exchange_perform(post, fixture->http), post->err);
    assert_string_equal(post->response.body.data, "third");
#undef ANSWER
}

static void test_a_connection_that_is_known_to_be_closed_is_not_used(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *post = ask(fixture, "POST", "/1");

    answers(fixture, (struct http_reply){.body = "first", .how = HTTP_REPLY_LEAVE});
    answers(fixture, (struct http_reply){.body = "second"});
    assert_ok(exchange_perform(post, fixture->http), post->err);
    http_server_wait_closed(fixture->server, 1);
    post = ask(fixture, "POST", "/2");
    assert_ok(exchange_perform(post, fixture->http), post->err);
    assert_string_equal(post->response.body.data, "second");
    assert_int_equal(http_server_connections(fixture->server), 2);
}

static void test_helper_programs_do_not_inherit_connections(void **state)
{
    struct fixture *fixture = *state;
    int fd, found = 0;

    answers(fixture, (struct http_reply){.body = "x"});
    assert_ok(exchange_perform(ask(fixture, "GET", "/"), fixture->http), fixture->exchange.err);
    for (fd = 3; fd < 256; fd++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;

        if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
            address.ss_family != AF_INET)
            continue;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        found++;
    }
    assert_true(found >= 3); /* the listener and both ends */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_an_answer_is_kept_with_what_its_header_says),
        TEST(test_an_empty_answer_is_an_empty_text),
        TEST(test_a_chunked_answer_is_put_together),
        TEST(test_what_comes_before_the_answer_is_not_the_answer),
        TEST(test_trailers_behind_the_body_mean_nothing),
        TEST(test_long_headers_are_cut),
        TEST(test_the_wait_that_an_answer_asks_for_is_read),
        TEST(test_a_redirect_is_an_answer),
        TEST(test_head_has_a_length_and_no_body),
        TEST(test_requests_say_who_asks_and_nothing_that_was_not_given),
        TEST(test_headers_go_out_as_given),
        TEST(test_a_header_with_a_line_end_is_refused_without_its_value),
        TEST(test_a_method_that_cannot_be_is_refused),
        TEST(test_paths_go_out_as_they_are_written),
        TEST(test_basic_login_goes_into_a_header),
        TEST(test_bodies_go_out_with_each_method),
        TEST(test_post_and_put_without_a_body_say_so),
        TEST(test_a_large_body_in_memory_goes_out_at_once),
        TEST(test_a_file_is_sent_from_its_beginning),
        TEST(test_a_part_of_a_file_is_sent_and_no_more),
        TEST(test_a_file_that_became_shorter_is_told),
        TEST(test_a_file_that_cannot_be_read_is_told),
        TEST(test_an_upload_that_is_refused_early_keeps_the_answer),
        TEST(test_an_upload_does_not_wait_for_long_where_nobody_says_continue),
        TEST(test_connections_are_kept),
        TEST(test_a_get_on_a_connection_that_dies_is_sent_again),
        TEST(test_a_file_on_a_connection_that_dies_is_sent_again_as_a_whole),
        TEST(test_a_post_on_a_connection_that_dies_is_not_sent_again),
        TEST(test_only_the_last_failure_says_whether_it_was_sent),
        TEST(test_a_connection_that_is_known_to_be_closed_is_not_used),
        TEST(test_what_waits_on_a_kept_connection_answers_nothing),
        TEST(test_helper_programs_do_not_inherit_connections),
    };

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
