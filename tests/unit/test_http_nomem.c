/* connectors/http and s3 where each allocation fails in turn, its own as well as libcurl's. */
#include <curl/curl.h>
#include <limits.h>

#include "connectors/s3/s3.h"
#include "http_fixture.h"
#include "nomem.h"

struct outcome {
    int code;
    int status;
    size_t length;
};

/* A client from nothing, and one exchange; the answer is a body in chunks. */
static struct outcome whole_life(struct http_server *server, const char *method)
{
    static const struct tow_http_header headers[] = {{"X-One", "1"}, {"X-Two", ""}};
    static const struct tow_http_sigv4 keys = {
        .region = "r", .service = "s3", .access_key = "a", .secret_key = "s", .session_token = "t"};
    const struct tow_http_settings settings = {
        .cancel_fd = -1, .proxy = "", .ca_file = "/nowhere", .identity = {.cert = "/nowhere"}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_http *http = tow_http_new(&settings, &err);
    struct outcome outcome = {err.code, 0, 0};
    struct exchange exchange;

    if (!http)
        return outcome;
    exchange_init(&exchange, method, http_server_base(server), "/x?b=1&a=2");
    exchange.request.headers = headers;
    exchange.request.header_count = 2;
    if (strcmp(method, "PUT") == 0)
        exchange.request.sigv4 = &keys;
    else
        exchange.request.user = "user";
    exchange.request.body = "body";
    exchange.request.body_length = 4;
    outcome.code = exchange_perform(&exchange, http);
    outcome.status = exchange.response.status;
    outcome.length = exchange.response.body.size;
    exchange_release(&exchange);
    tow_http_free(http);
    return outcome;
}

/* The same by way of S3. */
static struct outcome whole_object(struct http_server *server, const char *method)
{
    const struct tow_s3_settings settings = {.bucket = "bucket",
                                             .region = "r",
                                             .endpoint = http_server_base(server),
                                             .access_key = "a",
                                             .secret_key = "s",
                                             .session_token = "t",
                                             .proxy = ""};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_s3 *s3 = tow_s3_new(&settings, -1, &err);
    struct outcome outcome = {err.code, 200, 10};

    (void)method;
    if (s3)
        outcome.code = tow_s3_remove(s3, "a key", &err);
    tow_s3_free(s3);
    return outcome;
}

static void each_allocation_fails(struct outcome (*life)(struct http_server *server,
                                                         const char *method),
                                  const char *method)
{
    const struct http_reply reply = {
        .body = "0123456789", .how = HTTP_REPLY_CHUNKED, .piece = 3, .headers = "ETag: x\r\n"};
    struct outcome outcome = {TOW_E_NOMEM, 0, 0};
    long n, nomem = 0;

    for (n = 0; n < 2000; n++) {
        struct http_server *server = http_server_new(NULL);
        int done;

        http_server_reply(server, reply);
        nomem_after_here(n);
        outcome = life(server, method);
        done = !nomem_stop();
        http_server_free(server);
        if (outcome.code == TOW_OK && (outcome.status != 200 || outcome.length != 10))
            fail_msg("allocation %ld failed, and so did the answer, unseen", n);
        nomem += outcome.code == TOW_E_NOMEM;
        if (done)
            break;
    }
    assert_int_equal(outcome.code, TOW_OK);
    assert_true(n > 50);
    /* libcurl takes some for failures of the connection. */
    assert_true(nomem > n / 2);
}

static void test_each_failing_allocation_is_told(void **state)
{
    (void)state;
    each_allocation_fails(whole_life, "POST");
    each_allocation_fails(whole_life, "PUT");
    each_allocation_fails(whole_object, "DELETE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failing_allocation_is_told)};

    http_fixture_clean_environment();
    /* The first call decides; the clients' own add to it. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free, __wrap_realloc,
                             __wrap_strdup, __wrap_calloc) != CURLE_OK)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
