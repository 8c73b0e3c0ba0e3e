/* connectors/http: several exchanges at once, pauses, time limits, and being told to stop. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http_fixture.h"
#include "lookup.h"
#include "towpath/clock.h"

struct fixture {
    struct http_server *server;
    struct tow_http *http;
    struct exchange exchange;
    int cancel_fd;
    char *body; /* of an answer: outlives the server */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tow_http_settings settings = {.connect_timeout_ms = 20000};

    assert_non_null(fixture);
    fixture->cancel_fd = settings.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fixture->server = http_server_new(NULL);
    fixture->http = http_fixture_client(&settings);
    exchange_init(&fixture->exchange, "GET", http_server_base(fixture->server), "/");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    exchange_release(&fixture->exchange);
    tow_http_free(fixture->http);
    http_server_free(fixture->server);
    free(fixture->body);
    close(fixture->cancel_fd);
    free(fixture);
    return 0;
}

/* ---- several at once ------------------------------------------------------------------------- */

/* Answers "/N" with N thousand bytes. */
static char *big;

static void handle_sizes(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    (void)context;
    reply->body = big;
    reply->length = strtoul(seen->target + 1, NULL, 10) * 1000;
    reply->how = reply->length % 2000 ? HTTP_REPLY_CHUNKED : 0;
    reply->piece = 5000;
}

#define AT_ONCE 32

static void test_many_exchanges_run_at_once(void **state)
{
    const struct http_server_options options = {.handle = handle_sizes};
    struct fixture *fixture = *state;
    struct http_server *server = http_server_new(&options);
    struct exchange exchanges[AT_ONCE];
    struct taker takers[AT_ONCE];
    struct tow_http_call *calls[AT_ONCE];
    int i;

    big = http_fixture_bytes(1000 * (AT_ONCE + 1));
    for (i = 0; i < AT_ONCE; i++) {
        char path[32];

        snprintf(path, sizeof path, "/%d", i + 1);
        exchange_init(&exchanges[i], "GET", http_server_base(server), path);
        takers[i] = (struct taker){.room = 1 << 20};
        exchanges[i].request.take = taker_take;
        exchanges[i].request.context = &takers[i];
        calls[i] = exchange_start(&exchanges[i], fixture->http);
    }
    for (i = AT_ONCE - 1; i >= 0; i--) {
        assert_ok(exchange_finish(&exchanges[i], fixture->http, calls[i]), exchanges[i].err);
        assert_int_equal(takers[i].bytes.size, 1000 * (i + 1));
        assert_memory_equal(takers[i].bytes.data, big, takers[i].bytes.size);
        tow_buffer_release(&takers[i].bytes);
        exchange_release(&exchanges[i]);
    }
    http_server_free(server);
    free(big);
}

static void test_one_that_stalls_holds_up_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct exchange other;
    struct tow_http_call *call;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "slow", .cut = 2, .how = HTTP_REPLY_STALL});
    http_server_reply(fixture->server, (struct http_reply){.body = "quick"});
    call = exchange_start(&fixture->exchange, fixture->http);
    while (http_server_count(fixture->server) == 0)
        assert_ok(tow_http_run(fixture->http, 1, &fixture->exchange.err), fixture->exchange.err);
    exchange_init(&other, "GET", http_server_base(fixture->server), "/");
    assert_ok(exchange_perform(&other, fixture->http), other.err);
    assert_string_equal(other.response.body.data, "quick");
    assert_int_equal(tow_http_ended(call), 0);
    http_server_go_on(fixture->server);
    assert_ok(exchange_finish(&fixture->exchange, fixture->http, call), fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "slow");
    exchange_release(&other);
}

static void test_an_exchange_may_be_broken_off(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = &fixture->exchange;
    struct tow_http_call *call;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "slow", .cut = 2, .how = HTTP_REPLY_STALL});
    http_server_reply(fixture->server, (struct http_reply){.body = "next"});
    call = exchange_start(get, fixture->http);
    while (tow_http_status(call) == 0)
        assert_ok(tow_http_run(fixture->http, 1, &get->err), get->err);
    get->code = tow_http_finish(call, &get->response, &get->err);
    assert_failed(*get, TOW_E_CANCELLED, "broken off");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    exchange_release(get);
    /* The client goes on, on another connection. */
    assert_ok(exchange_perform(get, fixture->http), get->err);
    assert_string_equal(get->response.body.data, "next");
    assert_int_equal(http_server_connections(fixture->server), 2);
}

static void test_free_breaks_off_what_runs(void **state)
{
    struct fixture *fixture = *state;
    struct tow_http *http = http_fixture_client(NULL);

    http_server_reply(fixture->server, (struct http_reply){.how = HTTP_REPLY_STALL});
    exchange_start(&fixture->exchange, http);
    exchange_start(&fixture->exchange, http);
    tow_http_free(http);
    tow_http_free(NULL);
}

static void test_an_exchange_that_was_never_run_is_unsent(void **state)
{
    struct fixture *fixture = *state;
    struct tow_http_call *call = exchange_start(&fixture->exchange, fixture->http);

    assert_int_equal(tow_http_finish(call, NULL, NULL), TOW_E_CANCELLED);
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
}

static void *clients_come_and_go(void *context)
{
    struct http_server *server = context;
    int i;

    for (i = 0; i < 10; i++) {
        struct tow_http *http = http_fixture_client(NULL);
        struct exchange exchange;

        exchange_get(&exchange, http, server, "/2");
        exchange_release(&exchange);
        tow_http_free(http);
    }
    return NULL;
}

static void test_threads_have_clients_of_their_own(void **state)
{
    const struct http_server_options options = {.handle = handle_sizes};
    struct fixture *fixture = *state;
    struct http_server *server = http_server_new(&options);
    pthread_t threads[4];
    int i;

    big = fixture->body = http_fixture_bytes(2000);
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, clients_come_and_go, server), 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(http_server_count(server), 40);
    http_server_free(server);
}

/* ---- pauses ---------------------------------------------------------------------------------- */

static struct taker *take(struct fixture *fixture, struct taker *taker)
{
    fixture->exchange.request.take = taker_take;
    fixture->exchange.request.context = taker;
    return taker;
}

static void test_a_paused_exchange_goes_on_with_the_same_piece(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = &fixture->exchange;
    const size_t length = 3 << 20;
    struct taker taker = {.room = 100000};
    struct tow_http_call *call;

    fixture->body = http_fixture_bytes(length);
    http_server_reply(fixture->server, (struct http_reply){.status = 206, .body = fixture->body});
    take(fixture, &taker);
    call = exchange_start(get, fixture->http);
    while (!tow_http_ended(call)) {
        int pauses = taker.pauses;

        assert_ok(tow_http_run(fixture->http, 2, &get->err), get->err);
        if (taker.pauses == pauses)
            continue;
        assert_true(taker.bytes.size <= taker.room);
        taker.room += 100000;
        tow_http_resume(call);
    }
    assert_ok(exchange_finish(get, fixture->http, call), get->err);
    assert_int_equal(taker.bytes.size, length);
    assert_memory_equal(taker.bytes.data, fixture->body, length);
    assert_true(taker.pauses > 20);
    assert_int_equal(taker.status, 206);
    assert_int_equal(taker.length, length);
    assert_string_equal(get->response.body.data, "");
    tow_buffer_release(&taker.bytes);
}

static void test_a_paused_exchange_takes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct taker taker = {.room = 3};
    struct tow_http_call *call;
    int64_t until = tow_monotonic_ms() + 700;

    http_server_reply(fixture->server, (struct http_reply){.body = "abcdef"});
    take(fixture, &taker);
    fixture->exchange.request.idle_timeout_ms = 200;
    call = exchange_start(&fixture->exchange, fixture->http);
    /* Longer than it may be idle: a pause is not idleness. */
    while (tow_monotonic_ms() < until)
        assert_ok(tow_http_run(fixture->http, 50, &fixture->exchange.err), fixture->exchange.err);
    assert_int_equal(taker.pauses, 1);
    assert_int_equal(tow_http_ended(call), 0);
    taker.room = 100;
    tow_http_resume(call);
    assert_ok(exchange_finish(&fixture->exchange, fixture->http, call), fixture->exchange.err);
    assert_int_equal(taker.bytes.size, 6);
    tow_buffer_release(&taker.bytes);
}

static int take_fails_late(void *context, const struct tow_http_call *call, const void *bytes,
                           size_t length, struct tow_error *err)
{
    int *count = context;

    (void)call;
    (void)bytes;
    (void)length;
    return ++*count == 1 ? TOW_END : tow_error_set(err, TOW_E_DATA, "not what was asked for");
}

static void test_an_error_of_take_ends_the_exchange(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *get = &fixture->exchange;
    int count = 1, again = 0;
    struct tow_http_call *call;

    http_server_reply(fixture->server, (struct http_reply){.body = "x"});
    http_server_reply(fixture->server, (struct http_reply){.body = "x"});
    get->request.take = take_fails_late;
    get->request.context = &count;
    exchange_perform(get, fixture->http);
    assert_failed(*get, TOW_E_DATA, "not what was asked for");
    exchange_release(get);
    /* The same where it fails with the piece that comes again. */
    get->request.context = &again;
    call = exchange_start(get, fixture->http);
    while (again == 0)
        assert_ok(tow_http_run(fixture->http, 1, &get->err), get->err);
    tow_http_resume(call);
    exchange_finish(get, fixture->http, call);
    assert_failed(*get, TOW_E_DATA, "not what was asked for");
    assert_int_equal(again, 2);
}

static void test_only_the_body_of_a_success_is_taken(void **state)
{
    struct fixture *fixture = *state;
    struct taker taker = {.room = 100};

    http_server_reply(fixture->server, (struct http_reply){.status = 404, .body = "not here"});
    take(fixture, &taker);
    assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "not here");
    assert_int_equal(taker.bytes.size, 0);
}

/* ---- time limits ----------------------------------------------------------------------------- */

static void test_an_answer_that_does_not_begin_ends_by_idling(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW});
    fixture->exchange.request.idle_timeout_ms = 200;
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "no byte moved for 200 ms (limit)");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
}

static void test_an_answer_that_stops_ends_by_idling(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "abcdef", .cut = 3, .how = HTTP_REPLY_STALL});
    fixture->exchange.request.idle_timeout_ms = 1000;
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "no byte moved for 1 s (limit)");
}

static void test_a_slow_answer_that_moves_is_not_idle(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "abcdefghij", .piece = 1, .pause_ms = 60});
    fixture->exchange.request.idle_timeout_ms = 400;
    assert_ok(exchange_perform(&fixture->exchange, fixture->http), fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "abcdefghij");
}

static void test_an_answer_that_drips_ends(void **state)
{
    struct fixture *fixture = *state;
    char body[1001];

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    http_server_reply(fixture->server,
                      (struct http_reply){.body = body, .piece = 1, .pause_ms = 10});
    fixture->exchange.request.idle_timeout_ms = 400;
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "bytes moved in 2 s; 65536 have to (limit)");
}

static void test_an_upload_that_nobody_reads_ends_by_idling(void **state)
{
    struct fixture *fixture = *state;
    struct exchange *put = &fixture->exchange;
    int fd = http_fixture_file("", 0);

    assert_int_equal(ftruncate(fd, 256 << 20), 0);
    put->request.method = "PUT";
    put->request.body_fd = fd;
    put->request.body_length = 256 << 20;
    put->request.idle_timeout_ms = 800;
    http_server_reply(fixture->server,
                      (struct http_reply){
                          .body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW | HTTP_REPLY_EARLY});
    exchange_perform(put, fixture->http);
    assert_failed(*put, TOW_E_TRANSIENT, "no byte moved for 800 ms (limit)");
    close(fd);
}

static void test_the_whole_exchange_may_have_a_limit(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "abcdefghij", .piece = 1, .pause_ms = 100});
    fixture->exchange.request.timeout_ms = 300;
    exchange_perform(&fixture->exchange, fixture->http);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "not done within 300 ms (limit)");
}

static void test_a_handshake_that_does_not_end_is_limited_and_unsent(void **state)
{
    const struct tow_http_settings settings = {.cancel_fd = -1, .connect_timeout_ms = 300};
    struct fixture *fixture = *state;
    struct tow_http *http = http_fixture_client(&settings);
    struct exchange *get = &fixture->exchange;

    /* That server does not speak TLS, and waits for the end of a header. */
    snprintf(get->url, sizeof get->url, "https://127.0.0.1:%d/", http_server_port(fixture->server));
    exchange_perform(get, http);
    assert_failed(*get, TOW_E_TRANSIENT, "no connection within 300 ms (limit)");
    assert_int_equal(tow_http_was_unsent(http), 1);
    tow_http_free(http);
}

static void test_a_name_lookup_that_hangs_is_limited(void **state)
{
    const struct tow_http_settings settings = {.cancel_fd = -1, .connect_timeout_ms = 300};
    struct fixture *fixture = *state;
    struct tow_http *http = http_fixture_client(&settings);
    struct exchange *get = &fixture->exchange;
    int64_t begin = tow_monotonic_ms();

    snprintf(get->url, sizeof get->url, "https://hang.test/");
    exchange_perform(get, http);
    assert_failed(*get, TOW_E_TRANSIENT, "no connection within 300 ms (limit)");
    tow_http_free(http);
    assert_true(tow_monotonic_ms() - begin < 5000);
    lookup_release();
}

/* ---- being told ------------------------------------------------------------------------------ */

static void *cancel_once_asked(void *context)
{
    struct fixture *fixture = context;
    const uint64_t one = 1;

    http_server_wait(fixture->server, 1);
    assert_int_equal(write(fixture->cancel_fd, &one, sizeof one), sizeof one);
    return NULL;
}

static void test_a_wait_for_an_answer_ends_when_told(void **state)
{
    struct fixture *fixture = *state;
    int64_t begin = tow_monotonic_ms();
    pthread_t thread;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW});
    assert_int_equal(pthread_create(&thread, NULL, cancel_once_asked, fixture), 0);
    exchange_perform(&fixture->exchange, fixture->http);
    pthread_join(thread, NULL);
    assert_failed(fixture->exchange, TOW_E_CANCELLED, "stopped while waiting for an answer");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    assert_true(tow_monotonic_ms() - begin < 5000);
}

static void *cancel_once_looked_up(void *context)
{
    struct fixture *fixture = context;
    const uint64_t one = 1;

    lookup_wait();
    assert_int_equal(write(fixture->cancel_fd, &one, sizeof one), sizeof one);
    return NULL;
}

static void test_a_name_lookup_that_hangs_ends_when_told(void **state)
{
    struct fixture *fixture = *state;
    int64_t begin = tow_monotonic_ms();
    pthread_t thread;

    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://hang.test/");
    assert_int_equal(pthread_create(&thread, NULL, cancel_once_looked_up, fixture), 0);
    exchange_perform(&fixture->exchange, fixture->http);
    pthread_join(thread, NULL);
    assert_failed(fixture->exchange, TOW_E_CANCELLED, "stopped");
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    assert_true(tow_monotonic_ms() - begin < 5000);
    lookup_release();
}

static void test_a_stream_that_never_pauses_ends_when_told(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t one = 1;
    struct taker taker = {.room = SIZE_MAX};
    struct tow_http_call *call;

    fixture->body = http_fixture_bytes(1 << 20);
    http_server_reply(fixture->server, (struct http_reply){.body = fixture->body});
    take(fixture, &taker);
    call = exchange_start(&fixture->exchange, fixture->http);
    assert_int_equal(write(fixture->cancel_fd, &one, sizeof one), sizeof one);
    assert_int_equal(tow_http_run(fixture->http, 0, &fixture->exchange.err), TOW_E_CANCELLED);
    assert_int_equal(tow_http_finish(call, NULL, NULL), TOW_E_CANCELLED);
    tow_buffer_release(&taker.bytes);
}

static void *wake(void *context)
{
    struct fixture *fixture = context;

    http_server_wait(fixture->server, 1);
    tow_http_wake(fixture->http);
    return NULL;
}

static void test_another_thread_may_wake_the_wait(void **state)
{
    struct fixture *fixture = *state;
    int64_t begin = tow_monotonic_ms();
    struct tow_http_call *call;
    pthread_t thread;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW});
    call = exchange_start(&fixture->exchange, fixture->http);
    assert_int_equal(pthread_create(&thread, NULL, wake, fixture), 0);
    assert_ok(tow_http_run(fixture->http, 30000, &fixture->exchange.err), fixture->exchange.err);
    pthread_join(thread, NULL);
    assert_int_equal(tow_http_ended(call), 0);
    assert_true(tow_monotonic_ms() - begin < 20000);
    (void)tow_http_finish(call, NULL, NULL);
}

static void test_a_wake_before_the_wait_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct tow_error err = TOW_ERROR_INIT;
    int64_t begin = tow_monotonic_ms();

    tow_http_wake(fixture->http);
    tow_http_wake(fixture->http);
    assert_ok(tow_http_run(fixture->http, 30000, &err), err);
    assert_true(tow_monotonic_ms() - begin < 20000);
    begin = tow_monotonic_ms();
    assert_ok(tow_http_run(fixture->http, 150, &err), err);
    assert_true(tow_monotonic_ms() - begin >= 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_many_exchanges_run_at_once),
        TEST(test_threads_have_clients_of_their_own),
        TEST(test_one_that_stalls_holds_up_no_other),
        TEST(test_an_exchange_may_be_broken_off),
        TEST(test_free_breaks_off_what_runs),
        TEST(test_an_exchange_that_was_never_run_is_unsent),
        TEST(test_a_paused_exchange_goes_on_with_the_same_piece),
        TEST(test_a_paused_exchange_takes_nothing),
        TEST(test_an_error_of_take_ends_the_exchange),
        TEST(test_only_the_body_of_a_success_is_taken),
        TEST(test_an_answer_that_does_not_begin_ends_by_idling),
        TEST(test_an_answer_that_stops_ends_by_idling),
        TEST(test_a_slow_answer_that_moves_is_not_idle),
        TEST(test_an_answer_that_drips_ends),
        TEST(test_an_upload_that_nobody_reads_ends_by_idling),
        TEST(test_the_whole_exchange_may_have_a_limit),
        TEST(test_a_handshake_that_does_not_end_is_limited_and_unsent),
        TEST(test_a_name_lookup_that_hangs_is_limited),
        TEST(test_a_wait_for_an_answer_ends_when_told),
        TEST(test_a_name_lookup_that_hangs_ends_when_told),
        TEST(test_a_stream_that_never_pauses_ends_when_told),
        TEST(test_another_thread_may_wake_the_wait),
        TEST(test_a_wake_before_the_wait_counts_once),
    };

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
