/* Calls as they should go: messages both ways, metadata, limits, deadlines, and waiting. */
#include <pthread.h>
#include <unistd.h>

#include "grpc_fixture.h"
#include "towpath/clock.h"

/* ---- a service that sends back what it gets -------------------------------------------------- */

static void echo(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    grpc_peer_reply(peer, bytes, length);
}

static void serve(struct fixture *fixture,
                  void (*message)(void *, struct grpc_peer *, const void *, size_t))
{
    fixture->options.service = (struct grpc_service){.message = message, .context = fixture};
    fixture_serve(fixture);
    fixture_connect(fixture);
}

static void call_with(struct fixture *fixture, const struct tow_grpc_request *request)
{
    fixture->call = tow_grpc_start(fixture->grpc, request, &fixture->err);
    if (!fixture->call)
        fail_msg("start: %s", fixture->err.message);
}

static void call(struct fixture *fixture)
{
    call_with(fixture, &(struct tow_grpc_request){.path = FIXTURE_PATH});
}

static void put(struct fixture *fixture, const void *body, size_t length)
{
    assert_ok(tow_grpc_send(fixture->call, NULL, 0, body, length, &fixture->err), fixture->err);
}

/* Waits for the next message and takes it; NULL where the call ends before. */
static const void *get(struct fixture *fixture, size_t *length)
{
    int64_t deadline_ms = tow_monotonic_ms() + 10000;
    const void *bytes;

    while (tow_grpc_receive(fixture->call, &bytes, length) != TOW_OK) {
        if (tow_grpc_status_of(fixture->call))
            return NULL;
        assert_true(tow_monotonic_ms() < deadline_ms);
        tow_grpc_run(fixture->grpc, 1000, &fixture->err);
    }
    return bytes;
}

static void got(struct fixture *fixture, const void *body, size_t length)
{
    size_t received;
    const void *bytes = get(fixture, &received);

    assert_non_null(bytes);
    assert_int_equal(received, length);
    assert_memory_equal(bytes, body, length);
}

static const struct tow_grpc_status *ended(struct fixture *fixture, int code)
{
    const struct tow_grpc_status *status;
    int64_t deadline_ms = tow_monotonic_ms() + 10000;

    while (!(status = tow_grpc_status_of(fixture->call))) {
        assert_true(tow_monotonic_ms() < deadline_ms);
        tow_grpc_run(fixture->grpc, 1000, &fixture->err);
    }
    if (status->code != code)
        fail_msg("%s: %s", tow_grpc_code_name(status->code), status->message);
    return status;
}

static char *random_bytes(size_t length)
{
    char *bytes = malloc(length);
    uint32_t x = 1;

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
    return bytes;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void test_messages_go_both_ways_while_the_call_is_open(void **state)
{
    struct fixture *fixture = *state;
    char text[32];

    serve(fixture, echo);
    call(fixture);
    assert_int_equal(tow_grpc_is_accepted(fixture->call), 0);
    for (int i = 0; i < 200; i++) {
        int length = snprintf(text, sizeof text, "message %d", i);

        put(fixture, text, (size_t)length);
        got(fixture, text, (size_t)length);
    }
    assert_int_equal(tow_grpc_is_accepted(fixture->call), 1);
    assert_null(tow_grpc_status_of(fixture->call));
    tow_grpc_half_close(fixture->call);
    ended(fixture, TOW_GRPC_OK);
}

static void test_head_and_body_become_one_message(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, echo);
    call(fixture);
    assert_ok(tow_grpc_send(fixture->call, "head ", 5, "body", 4, &fixture->err), fixture->err);
    assert_ok(tow_grpc_send(fixture->call, "head", 4, NULL, 0, &fixture->err), fixture->err);
    assert_ok(tow_grpc_send(fixture->call, NULL, 0, NULL, 0, &fixture->err), fixture->err);
    assert_int_equal(tow_grpc_unsent(fixture->call), 3);
    assert_int_equal(tow_grpc_unsent_bytes(fixture->call), 9 + 4 + 3 * 5);
    got(fixture, "head body", 9);
    got(fixture, "head", 4);
    got(fixture, "", 0);
    assert_int_equal(tow_grpc_unsent(fixture->call), 0);
    assert_int_equal(tow_grpc_unsent_bytes(fixture->call), 0);
    assert_int_equal(tow_grpc_sent(fixture->call), 3);
}

/* Lengths around those of frames, windows and buffers. */
static void test_messages_of_any_length_arrive_whole(void **state)
{
    static const size_t lengths[] = {1,     4,      5,      16379,  16384,   65530,   65535,
                                     65536, 262144, 262149, 999999, 1048576, 3000000, 0};
    struct fixture *fixture = *state;
    char *bytes = random_bytes(3000000);

    serve(fixture, echo);
    call(fixture);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        put(fixture, bytes, lengths[i]);
    tow_grpc_half_close(fixture->call);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        got(fixture, bytes, lengths[i]);
    ended(fixture, TOW_GRPC_OK);
    free(bytes);
}

static void test_large_frames_are_used_where_the_server_takes_them(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = random_bytes(3000000);

    fixture->options.frame_max = 1 << 20;
    fixture->options.window = 1 << 22;
    serve(fixture, echo);
    call(fixture);
    put(fixture, bytes, 3000000);
    got(fixture, bytes, 3000000);
    free(bytes);
}

static void test_a_window_of_one_kilobyte_is_enough(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = random_bytes(100000);

    fixture->options.window = 1000;
    fixture->settings.window = 1000;
    serve(fixture, echo);
    call(fixture);
    for (size_t length = 0; length < 100000; length += 12345) {
        put(fixture, bytes, length);
        got(fixture, bytes, length);
    }
    free(bytes);
}

static void test_two_calls_share_a_connection(void **state)
{
    struct fixture *fixture = *state;
    struct tow_grpc_call *first;

    serve(fixture, echo);
    call(fixture);
    put(fixture, "first", 5);
    first = fixture->call;
    call(fixture);
    put(fixture, "second", 6);
    got(fixture, "second", 6);
    tow_grpc_finish(fixture->call);
    fixture->call = first;
    got(fixture, "first", 5);
    tow_grpc_half_close(fixture->call);
    ended(fixture, TOW_GRPC_OK);
    assert_int_equal(grpc_server_connections(fixture->server), 1);
}

/* ---- holding back ---------------------------------------------------------------------------- */

static void flood(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    struct fixture *fixture = context;

    (void)bytes;
    (void)length;
    for (int i = 0; i < 5000; i++)
        grpc_peer_reply(peer, fixture->body, sizeof fixture->body);
    grpc_peer_finish(peer, "0", NULL, 0);
}

static void test_what_is_not_taken_holds_the_server_back(void **state)
{
    struct fixture *fixture = *state;
    const void *bytes;
    size_t length, messages = 0;

    fixture->settings.window = 100000;
    serve(fixture, flood);
    call(fixture);
    put(fixture, "go", 2);
    for (int i = 0; i < 20; i++)
        assert_ok(tow_grpc_run(fixture->grpc, 10, &fixture->err), fixture->err);
    assert_null(tow_grpc_status_of(fixture->call));
    while (tow_grpc_receive(fixture->call, &bytes, &length) == TOW_OK)
        messages++;
    assert_in_range(messages, 90, 100);
    while (get(fixture, &length))
        messages++;
    assert_int_equal(messages, 5000);
    ended(fixture, TOW_GRPC_OK);
}

static void test_a_freed_call_gives_the_window_back(void **state)
{
    struct fixture *fixture = *state;
    size_t length;

    fixture->settings.window = 100000;
    serve(fixture, flood);
    for (int i = 0; i < 20; i++) {
        call(fixture);
        put(fixture, "go", 2);
        assert_non_null(get(fixture, &length));
        tow_grpc_finish(fixture->call);
    }
    call(fixture);
    put(fixture, "go", 2);
    while (get(fixture, &length))
        continue;
    ended(fixture, TOW_GRPC_OK);
}

/* ---- metadata and statuses ------------------------------------------------------------------- */

static void show_metadata(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    assert_string_equal(grpc_peer_header(peer, ":method"), "POST");
    assert_string_equal(grpc_peer_header(peer, ":path"), FIXTURE_PATH);
    assert_string_equal(grpc_peer_header(peer, "te"), "trailers");
    assert_string_equal(grpc_peer_header(peer, "content-type"), "application/grpc");
    assert_string_equal(grpc_peer_header(peer, "user-agent"), "test/1");
    assert_string_equal(grpc_peer_header(peer, "authorization"), "Bearer secret");
    assert_string_equal(grpc_peer_header(peer, "x-table"), "a.b.c");
    assert_string_equal(grpc_peer_header(peer, "grpc-timeout"), "9000m");
    grpc_peer_add_header(peer, "x-region", "here");
    grpc_peer_finish(peer, "0", NULL, 0);
}

static void accept_first(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    grpc_peer_add_header(peer, "x-region", "here");
    grpc_peer_accept(peer);
    show_metadata(context, peer, bytes, length);
}

static void test_metadata_goes_both_ways(void **state)
{
    static const struct tow_grpc_metadata metadata[] = {{"authorization", "Bearer secret", 1},
                                                        {"x-table", "a.b.c", 0}};
    const struct tow_grpc_request request = {
        .path = FIXTURE_PATH, .metadata = metadata, .metadata_count = 2, .timeout_ms = 9000};
    struct fixture *fixture = *state;

    fixture->settings.user_agent = "test/1";
    serve(fixture, accept_first);
    call_with(fixture, &request);
    put(fixture, "go", 2);
    ended(fixture, TOW_GRPC_OK);
    assert_string_equal(tow_grpc_metadata_of(fixture->call, "x-region"), "here");
    assert_null(tow_grpc_metadata_of(fixture->call, "x-other"));
}

static void refuses_metadata(struct fixture *fixture, const char *name, const char *value)
{
    const struct tow_grpc_metadata metadata = {name, value, 0};
    const struct tow_grpc_request request = {
        .path = FIXTURE_PATH, .metadata = &metadata, .metadata_count = 1};

    assert_null(tow_grpc_start(fixture->grpc, &request, &fixture->err));
    assert_int_equal(fixture->err.code, TOW_E_CONFIG);
    assert_says(fixture->err, name);
}

static void test_metadata_that_http_does_not_carry_is_refused(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, echo);
    refuses_metadata(fixture, "X-Table", "a");
    refuses_metadata(fixture, "", "a");
    refuses_metadata(fixture, ":path", "a");
    refuses_metadata(fixture, "grpc-status", "a");
    refuses_metadata(fixture, "x table", "a");
    refuses_metadata(fixture, "authorization", "Bearer secret\r\nx: y");
    assert_null(strstr(fixture->err.message, "secret"));
}

static void no_status(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    echo(context, peer, bytes, length);
    grpc_peer_finish(peer, NULL, NULL, 0);
}

static void test_an_end_without_a_status_is_unknown(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, no_status);
    call(fixture);
    put(fixture, "a", 1);
    assert_non_null(strstr(ended(fixture, TOW_GRPC_UNKNOWN)->message, "without a status"));
    got(fixture, "a", 1);
}

static void odd_status(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    grpc_peer_finish(peer, "99", length ? bytes : "100%", 0);
}

static void test_a_status_that_is_none_is_unknown(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, odd_status);
    call(fixture);
    put(fixture, NULL, 0);
    assert_string_equal(ended(fixture, TOW_GRPC_UNKNOWN)->message, "100%");
}

static void gateway(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)length;
    grpc_peer_answer(peer, bytes, "text/html", "<html>down for today</html>");
}

static void test_an_answer_that_is_no_grpc_is_told_by_its_http_status(void **state)
{
    static const struct {
        const char *http;
        int code;
    } cases[] = {{"503", TOW_GRPC_UNAVAILABLE},     {"404", TOW_GRPC_UNIMPLEMENTED},
                 {"401", TOW_GRPC_UNAUTHENTICATED}, {"403", TOW_GRPC_PERMISSION_DENIED},
                 {"400", TOW_GRPC_INTERNAL},        {"429", TOW_GRPC_UNAVAILABLE},
                 {"200", TOW_GRPC_UNKNOWN},         {"302", TOW_GRPC_UNKNOWN}};
    struct fixture *fixture = *state;

    serve(fixture, gateway);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_grpc_status *status;

        call(fixture);
        put(fixture, cases[i].http, 4);
        status = ended(fixture, cases[i].code);
        assert_int_equal(status->http_status, atoi(cases[i].http));
        assert_non_null(strstr(status->message, "text/html"));
        tow_grpc_finish(fixture->call);
    }
}

/* ---- breaking the rules ---------------------------------------------------------------------- */

static void compressed(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    grpc_peer_reply_raw(peer, "\1\0\0\0\3abc", 8);
}

static void test_a_compressed_message_ends_the_call(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, compressed);
    call(fixture);
    put(fixture, "go", 2);
    assert_non_null(strstr(ended(fixture, TOW_GRPC_INTERNAL)->message, "compressed"));
}

static void boast(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    grpc_peer_reply(peer, "small", 5);
    grpc_peer_reply_raw(peer, "\0\xff\xff\xff\xf0", 5);
}

static void test_a_message_beyond_the_limit_ends_the_call_before_it_comes(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_grpc_status *status;

    fixture->settings.message_limit = 1000;
    serve(fixture, boast);
    call(fixture);
    put(fixture, "go", 2);
    status = ended(fixture, TOW_GRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(status->message, "4294967280"));
    assert_non_null(strstr(status->message, "1000"));
    got(fixture, "small", 5);
}

static void break_off(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
    grpc_peer_reply_raw(peer, "\0\0\0\0\5abc", 8);
    grpc_peer_finish(peer, "0", NULL, 0);
}

static void test_an_end_in_the_middle_of_a_message_is_no_success(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, break_off);
    call(fixture);
    put(fixture, "go", 2);
    assert_non_null(strstr(ended(fixture, TOW_GRPC_INTERNAL)->message, "in the middle"));
}

static void chatter(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    struct fixture *fixture = context;

    (void)bytes;
    (void)length;
    memset(fixture->body, 'x', sizeof fixture->body - 1);
    for (int i = 0; i < 8; i++)
        grpc_peer_add_header(peer, "x-noise", fixture->body);
    grpc_peer_reply(peer, "a", 1);
}

static void test_metadata_beyond_the_limit_ends_the_call(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.metadata_limit = 4000;
    serve(fixture, chatter);
    call(fixture);
    put(fixture, "go", 2);
    assert_non_null(strstr(ended(fixture, TOW_GRPC_RESOURCE_EXHAUSTED)->message, "4000"));
}

static void test_a_message_behind_the_end_is_a_mistake(void **state)
{
    struct fixture *fixture = *state;

    serve(fixture, echo);
    call(fixture);
    tow_grpc_half_close(fixture->call);
    assert_int_equal(tow_grpc_send(fixture->call, "a", 1, NULL, 0, &fixture->err), TOW_E_BUG);
    ended(fixture, TOW_GRPC_OK);
    assert_ok(tow_grpc_send(fixture->call, "a", 1, NULL, 0, &fixture->err), fixture->err);
    assert_int_equal(tow_grpc_unsent(fixture->call), 0);
}

/* ---- time, waking, stopping ------------------------------------------------------------------ */

static void ignore(void *context, struct grpc_peer *peer, const void *bytes, size_t length)
{
    (void)context;
    (void)peer;
    (void)bytes;
    (void)length;
}

static void test_a_deadline_ends_the_call(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_grpc_request request = {.path = FIXTURE_PATH, .timeout_ms = 150};
    int64_t before = tow_monotonic_ms();

    serve(fixture, ignore);
    call_with(fixture, &request);
    put(fixture, "go", 2);
    ended(fixture, TOW_GRPC_DEADLINE_EXCEEDED);
    assert_in_range(tow_monotonic_ms() - before, 140, 2000);
}

static void test_an_idle_call_is_asked_and_answers(void **state)
{
    struct fixture *fixture = *state;
    int64_t until;

    fixture->settings.ping_idle_ms = 20;
    fixture->settings.ping_timeout_ms = 2000;
    serve(fixture, echo);
    call(fixture);
    until = tow_monotonic_ms() + 300;
    while (tow_monotonic_ms() < until)
        assert_ok(tow_grpc_run(fixture->grpc, 50, &fixture->err), fixture->err);
    put(fixture, "still here", 10);
    got(fixture, "still here", 10);
}

static void test_run_waits_no_longer_than_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    int64_t before;

    serve(fixture, echo);
    call(fixture);
    while (fixture->grpc && !tow_grpc_is_accepted(fixture->call)) {
        put(fixture, "a", 1);
        got(fixture, "a", 1);
    }
    before = tow_monotonic_ms();
    assert_ok(tow_grpc_run(fixture->grpc, 120, &fixture->err), fixture->err);
    assert_in_range(tow_monotonic_ms() - before, 115, 2000);
    before = tow_monotonic_ms();
    assert_ok(tow_grpc_run(fixture->grpc, 0, &fixture->err), fixture->err);
    assert_in_range(tow_monotonic_ms() - before, 0, 100);
}

static void *wake(void *context)
{
    struct fixture *fixture = context;

    tow_grpc_wake(fixture->grpc);
    return NULL;
}

static void test_another_thread_wakes_the_waiting_one(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    int64_t before = tow_monotonic_ms();

    serve(fixture, echo);
    assert_int_equal(pthread_create(&thread, NULL, wake, fixture), 0);
    assert_ok(tow_grpc_run(fixture->grpc, 9000, &fixture->err), fixture->err);
    assert_in_range(tow_monotonic_ms() - before, 0, 5000);
    pthread_join(thread, NULL);
}

static void test_a_stop_ends_every_wait(void **state)
{
    struct fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();
    int stop[2];

    assert_int_equal(pipe(stop), 0);
    fixture->settings.cancel_fd = stop[0];
    serve(fixture, echo);
    call(fixture);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(tow_grpc_run(fixture->grpc, 9000, &fixture->err), TOW_E_CANCELLED);
    assert_int_equal(tow_grpc_run(fixture->grpc, 0, &fixture->err), TOW_E_CANCELLED);
    assert_in_range(tow_monotonic_ms() - before, 0, 1000);
    close(stop[0]);
    close(stop[1]);
}

static void test_a_cancelled_call_is_reset_and_others_go_on(void **state)
{
    struct fixture *fixture = *state;
    struct tow_grpc_call *first;

    serve(fixture, echo);
    call(fixture);
    first = fixture->call;
    call(fixture);
    put(fixture, fixture->body, sizeof fixture->body);
    tow_grpc_cancel(fixture->call);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_CANCELLED);
    tow_grpc_finish(fixture->call);
    fixture->call = first;
    put(fixture, "a", 1);
    got(fixture, "a", 1);
}

/* Bursts that leave the line idle in between: nothing that was queued stays behind. */
static void test_bursts_of_messages_are_never_left_behind(void **state)
{
    struct fixture *fixture = *state;
    uint32_t x = 7;

    fixture->options.window = 16384;
    fixture->plan.ack_every = 1;
    fixture_begin(fixture);
    for (int burst = 0; burst < 300; burst++) {
        x = x * 1664525 + 1013904223;
        fixture_upload(fixture, fixture->sent + 1 + (x >> 24) % 64);
        fixture_run_until(fixture, fixture_all_acked);
    }
    tow_grpc_half_close(fixture->call);
    ended(fixture, TOW_GRPC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRPC_TEST(test_messages_go_both_ways_while_the_call_is_open),
        GRPC_TEST(test_head_and_body_become_one_message),
        GRPC_TEST(test_messages_of_any_length_arrive_whole),
        GRPC_TEST(test_large_frames_are_used_where_the_server_takes_them),
        GRPC_TEST(test_a_window_of_one_kilobyte_is_enough),
        GRPC_TEST(test_two_calls_share_a_connection),
        GRPC_TEST(test_what_is_not_taken_holds_the_server_back),
        GRPC_TEST(test_a_freed_call_gives_the_window_back),
        GRPC_TEST(test_metadata_goes_both_ways),
        GRPC_TEST(test_metadata_that_http_does_not_carry_is_refused),
        GRPC_TEST(test_an_end_without_a_status_is_unknown),
        GRPC_TEST(test_a_status_that_is_none_is_unknown),
        GRPC_TEST(test_an_answer_that_is_no_grpc_is_told_by_its_http_status),
        GRPC_TEST(test_a_compressed_message_ends_the_call),
        GRPC_TEST(test_a_message_beyond_the_limit_ends_the_call_before_it_comes),
        GRPC_TEST(test_an_end_in_the_middle_of_a_message_is_no_success),
        GRPC_TEST(test_metadata_beyond_the_limit_ends_the_call),
        GRPC_TEST(test_a_message_behind_the_end_is_a_mistake),
        GRPC_TEST(test_a_deadline_ends_the_call),
        GRPC_TEST(test_an_idle_call_is_asked_and_answers),
        GRPC_TEST(test_run_waits_no_longer_than_it_is_told),
        GRPC_TEST(test_another_thread_wakes_the_waiting_one),
        GRPC_TEST(test_a_stop_ends_every_wait),
        GRPC_TEST(test_a_cancelled_call_is_reset_and_others_go_on),
        GRPC_TEST(test_bursts_of_messages_are_never_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
