/* connectors/http: what goes out, what comes in, and several at once. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int setup(void **state)
{
    *state = http_server_new(NULL);
    return 0;
}

static int teardown(void **state)
{
    http_server_free(*state);
    return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void assert_header(const struct http_seen *seen, const char *name, const char *value)
{
    char *found = http_seen_header(seen, name);

    if (!value && found)
        fail_msg("%s: %s", name, found);
    if (value && (!found || strcmp(found, value) != 0))
        fail_msg("%s: \"%s\", not \"%s\"", name, found ? found : "(absent)", value);
    free(found);
}

static void test_an_answer_is_kept_with_what_its_header_says(void **state)
{
    struct http_server *server = *state;
    struct tow_http *http = http_fixture_client(NULL);
    struct exchange exchange;

    http_server_reply(
        server, (struct http_reply){.status = 200,
                                    .headers = "Content-Type: application/json\r\nETag: \"v1\"\r\n"
                                               "x-databricks-reason-phrase: all is well\r\n",
                                    .body = "{\"a\":1}"});
    exchange_get(&exchange, http, server, "/path?key=value");
    assert_int_equal(exchange.response.status, 200);
    assert_string_equal(exchange.response.body.data, "{\"a\":1}");
    assert_int_equal(exchange.response.body.size, 7);
    assert_string_equal(exchange.response.content_type, "application/json");
    assert_int_equal(exchange.response.content_length, 7);
    assert_string_equal(exchange.response.etag, "\"v1\"");
    assert_string_equal(exchange.response.reason, "all is well");
    assert_int_equal(exchange.response.retry_after_ms, -1);
    assert_string_equal(http_server_seen(server, 0)->method, "GET");
    assert_string_equal(http_server_seen(server, 0)->target, "/path?key=value");
    exchange_release(&exchange);
    tow_http_free(http);
}

static void test_an_empty_answer_is_an_empty_text(void **state)
{
    struct http_server *server = *state;
    struct tow_http *http = http_fixture_client(NULL);
    struct exchange exchange;

    http_server_reply(server, (struct http_reply){.status = 204});
    exchange_get(&exchange, http, server, "/");
    assert_int_equal(exchange.response.status, 204);
    assert_string_equal(exchange.response.body.data, "");
    assert_int_equal(exchange.response.content_length, -1);
    exchange_release(&exchange);
    tow_http_free(http);
}

/* ---- several at once ------------------------------------------------------------------------- */

/* Takes a body, and pauses before the piece with which it would hold more than `room`. */
struct taker {
    struct tow_buffer bytes;
    size_t room;
    int pauses;
    int status;
    int64_t length;
};

static int take(void *context, const struct tow_http_call *call, const void *bytes, size_t length,
                struct tow_error *err)
{
    struct taker *taker = context;

    taker->status = tow_http_status(call);
    taker->length = tow_http_length(call);
    if (taker->bytes.size + length > taker->room) {
        taker->pauses++;
        return TOW_END;
    }
    return tow_buffer_append(&taker->bytes, bytes, length, err);
}

static char *pattern(size_t length)
{
    char *bytes = malloc(length + 1);
    size_t i;

    assert_non_null(bytes);
    for (i = 0; i < length; i++)
        bytes[i] = (char)('a' + i * 31 % 23 + i / 1000 % 3);
    bytes[length] = '\0';
    return bytes;
}

static struct tow_http_call *start(struct tow_http *http, struct exchange *exchange)
{
    struct tow_http_call *call = tow_http_start(http, &exchange->request, &exchange->err);

    if (!call)
        fail_msg("%s", exchange->err.message);
    return call;
}

static void run_until_ended(struct tow_http *http, struct tow_http_call *call)
{
    struct tow_error err = TOW_ERROR_INIT;

    while (!tow_http_ended(call))
        assert_ok(tow_http_run(http, 10000, &err), err);
}

static void test_a_paused_exchange_goes_on_with_the_same_piece(void **state)
{
    struct http_server *server = *state;
    struct tow_http *http = http_fixture_client(NULL);
    const size_t length = 3 << 20;
    char *body = pattern(length);
    struct taker taker = {.room = 100000};
    struct tow_http_call *call;
    struct exchange exchange;
    struct tow_error err = TOW_ERROR_INIT;

    http_server_reply(server, (struct http_reply){.status = 206, .body = body});
    exchange_init(&exchange, "GET", http_server_base(server), "/big");
    exchange.request.take = take;
    exchange.request.context = &taker;
    call = start(http, &exchange);
    while (!tow_http_ended(call)) {
        int pauses = taker.pauses;

        assert_ok(tow_http_run(http, 20, &err), err);
        if (taker.pauses == pauses)
            continue;
        assert_true(taker.bytes.size <= taker.room);
        taker.room += 100000;
        tow_http_resume(call);
    }
    assert_ok(tow_http_finish(call, &exchange.response, &err), err);
    assert_int_equal(taker.bytes.size, length);
    assert_memory_equal(taker.bytes.data, body, length);
    assert_true(taker.pauses > 20);
    assert_int_equal(taker.status, 206);
    assert_int_equal(taker.length, length);
    assert_string_equal(exchange.response.body.data, "");
    tow_buffer_release(&taker.bytes);
    exchange_release(&exchange);
    tow_http_free(http);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer_is_kept_with_what_its_header_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_answer_is_an_empty_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_paused_exchange_goes_on_with_the_same_piece, setup,
                                        teardown),
    };

    (void)assert_header;
    (void)run_until_ended;
    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
