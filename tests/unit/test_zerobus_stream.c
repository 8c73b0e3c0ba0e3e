/* Streams: opening, login, records, offsets, bounds, acknowledgements, flushing and closing.
 * Recovery is in test_zerobus_recovery. */
#include <pthread.h>
#include <unistd.h>

#include "towpath/clock.h"
#include "zerobus_fixture.h"

enum {
    INVALID = 3,
    NOT_FOUND = 5,
    DENIED = 7,
    INTERNAL = 13,
    UNAVAILABLE = 14,
    UNAUTHENTICATED = 16
};

static struct zerobus_step slowly(struct zerobus_step step, int delay_ms)
{
    step.delay_ms = delay_ms;
    return step;
}

static struct zerobus_step say(const char *text, size_t length)
{
    return (struct zerobus_step){.kind = ZEROBUS_SAY, .text = text, .length = length};
}

#define SAY(literal) say(literal, sizeof literal - 1)

/* ---- 1: opening ------------------------------------------------------------------------------ */

static void test_a_stream_is_opened(void **state)
{
    struct zerobus_fixture *fixture = *state;
    char id[64], *create;
    size_t length;

    zerobus_start(fixture);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_OPENED);
    tow_zerobus_stream_id(fixture->stream, id, sizeof id);
    assert_string_equal(id, "stream-1");
    create = zerobus_server_create(fixture->server, &length);
    assert_int_equal(length, 25);
    assert_memory_equal(create, "\x0a\x17\x0a\x13main.default.events\x20\x02", length);
    free(create);
}

static void test_a_proto_stream_shows_its_descriptor(void **state)
{
    struct zerobus_fixture *fixture = *state;
    struct tow_buffer descriptor = {.data = (char[]){'d', 'e', 's', 'c'}, .size = 4};
    char *create;
    size_t length;

    fixture->settings.format = TOW_ZEROBUS_PROTO;
    fixture->settings.descriptor = &descriptor;
    zerobus_start(fixture);
    create = zerobus_server_create(fixture->server, &length);
    assert_memory_equal(create + 23,
                        "\x1a\x04"
                        "desc\x20\x01",
                        8);
    free(create);
}

static void test_opening_that_takes_too_long_is_given_up(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    fixture->settings.no_recovery = 1;
    fixture->settings.recovery_timeout_ms = 100;
    zerobus_step(fixture, slowly(STEP_OPEN, 3000));
    zerobus_start_fails(fixture, TOW_E_TRANSIENT, "no answer from http");
    assert_in_range(tow_monotonic_ms() - before, 90, 2000);
}

static void test_a_refusal_for_good_is_not_tried_again(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, (struct zerobus_step){
                              .kind = ZEROBUS_END, .value = NOT_FOUND, .text = "no%20table"});
    zerobus_start_fails(fixture, TOW_E_CONFIG, "main.default.events: NOT_FOUND: no table");
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 1);
}

static void test_a_refusal_that_may_pass_is_tried_again_as_often_as_allowed(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 4;
    for (int i = 0; i < 5; i++)
        zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start_fails(fixture, TOW_E_TRANSIENT, "gave up after 5 attempts");
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 5);
}

static void test_without_recovery_the_first_refusal_is_the_end(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start_fails(fixture, TOW_E_TRANSIENT, "UNAVAILABLE");
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 1);
}

static void test_a_stream_without_a_name_counts_as_not_opened(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, SAY("\x0a\x00"));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 2);
}

static void test_another_first_answer_counts_as_not_opened(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 2;
    zerobus_step(fixture, SAY("\x12\x02\x08\x00"));
    zerobus_step(fixture, SAY("garbage"));
    zerobus_step(fixture, SAY("\x1a\x02\x0a\x00"));
    zerobus_start_fails(fixture, TOW_E_TRANSIENT, "names no stream");
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 3);
}

static void test_columns_that_are_refused_are_told(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_END(INVALID));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_await_failed(fixture, TOW_E_CONFIG, "INVALID_ARGUMENT");
}

static void test_a_stop_ends_opening(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();
    int stop[2];

    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    fixture->settings.cancel_fd = stop[0];
    zerobus_step(fixture, slowly(STEP_OPEN, 5000));
    zerobus_start_fails(fixture, TOW_E_CANCELLED, "stopped");
    assert_in_range(tow_monotonic_ms() - before, 0, 1000);
    close(stop[0]);
    close(stop[1]);
}

/* ---- 2: the login ---------------------------------------------------------------------------- */

static void test_a_login_that_is_refused_at_first_is_renewed_once(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 1;
    fixture->options.token = "Bearer new";
    fixture->new_token = "Bearer new";
    zerobus_start(fixture);
    assert_int_equal(fixture->logins, 2);
    assert_int_equal(fixture->refusals, 1);
    zerobus_put_each(fixture, 0, 3);
    zerobus_flush_well(fixture);
}

static void test_a_login_that_is_refused_twice_is_no_login(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 5;
    fixture->options.token = "Bearer new";
    zerobus_start_fails(fixture, TOW_E_AUTH, "who are you");
    assert_int_equal(fixture->logins, 2);
    assert_int_equal(fixture->refusals, 2);
}

static void test_renewing_a_login_needs_an_attempt_that_is_left(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = -1;
    fixture->options.token = "Bearer new";
    fixture->new_token = "Bearer new";
    zerobus_start_fails(fixture, TOW_E_AUTH, "UNAUTHENTICATED");
    assert_int_equal(fixture->logins, 1);
}

static void test_renewing_a_login_shares_the_attempts_with_other_failures(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 1;
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_END(UNAUTHENTICATED));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start_fails(fixture, TOW_E_AUTH, "UNAUTHENTICATED");
    assert_int_equal(fixture->logins, 2);
}

static void test_a_login_refused_in_the_middle_is_the_end(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_END(DENIED));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_await_failed(fixture, TOW_E_AUTH, "PERMISSION_DENIED");
    assert_int_equal(fixture->refusals, 1);
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 1);
}

static int no_login(void *context, int64_t timeout_ms, struct tow_zerobus_headers *headers,
                    struct tow_error *err)
{
    struct zerobus_fixture *fixture = context;

    (void)timeout_ms;
    (void)headers;
    fixture->logins++;
    return tow_error_set(err, fixture->token ? TOW_E_TRANSIENT : TOW_E_CONFIG, "no token today");
}

static void test_a_login_that_cannot_be_had_is_tried_again_where_that_may_help(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.login.headers = no_login;
    zerobus_start_fails(fixture, TOW_E_TRANSIENT, "no token today");
    assert_int_equal(fixture->logins, 4);
    fixture->token = NULL;
    fixture->logins = 0;
    assert_null(tow_zerobus_open(&fixture->settings, &fixture->err));
    assert_int_equal(fixture->err.code, TOW_E_CONFIG);
    assert_int_equal(fixture->logins, 1);
}

/* ---- 3 and 4: records and offsets ------------------------------------------------------------ */

static void test_single_records_and_batches_take_one_offset_each(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    assert_ok(zerobus_put_batch(fixture, 1, 98), fixture->err);
    zerobus_put_each(fixture, 99, 2);
    assert_ok(zerobus_put_batch(fixture, 101, 1), fixture->err);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 102);
    assert_int_equal(zerobus_server_totals(fixture->server).requests, 5);
    assert_int_equal(zerobus_server_seen(fixture->server, 1).offset, 1);
    assert_int_equal(zerobus_server_seen(fixture->server, 1).records, 98);
    assert_int_equal(zerobus_server_seen(fixture->server, 4).offset, 4);
}

static void test_many_records_arrive_in_order(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_start(fixture);
    for (size_t first = 0; first < 20000; first += 100)
        assert_ok(zerobus_put_batch(fixture, first, 100), fixture->err);
    zerobus_flush_well(fixture);
    for (size_t i = 0; i < 200; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "r%zu", 100 * i);
        assert_string_equal(zerobus_server_seen(fixture->server, i).first, text);
    }
}

static void test_a_request_without_records_is_a_mistake(void **state)
{
    struct zerobus_fixture *fixture = *state;
    struct tow_buffer body = {0};

    zerobus_start(fixture);
    assert_int_equal(tow_zerobus_put(fixture->stream, 0, &body, 0, 0, &fixture->err), TOW_E_BUG);
}

static void test_a_record_at_the_limit_is_taken_and_one_beyond_is_not(void **state)
{
    struct zerobus_fixture *fixture = *state;
    char *text = malloc(TOW_ZEROBUS_PAYLOAD_MAX + 1);

    assert_non_null(text);
    memset(text, 'x', TOW_ZEROBUS_PAYLOAD_MAX + 1);
    zerobus_start(fixture);
    assert_int_equal(zerobus_put_text(fixture, text, TOW_ZEROBUS_PAYLOAD_MAX + 1), TOW_E_DATA);
    assert_says(fixture->err, "10420224");
    assert_ok(zerobus_put_text(fixture, text, TOW_ZEROBUS_PAYLOAD_MAX), fixture->err);
    zerobus_flush_well(fixture);
    free(text);
}

static void test_the_limit_can_be_lowered(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.max_payload_bytes = 10;
    zerobus_start(fixture);
    assert_int_equal(zerobus_put_text(fixture, "01234567890", 11), TOW_E_DATA);
    assert_ok(zerobus_put_text(fixture, "0123456789", 10), fixture->err);
    zerobus_flush_well(fixture);
}

static void test_a_record_after_close_is_a_mistake(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_start(fixture);
    assert_ok(tow_zerobus_close(fixture->stream, &fixture->err), fixture->err);
    assert_int_equal(zerobus_put_batch(fixture, 0, 1), TOW_E_BUG);
    assert_int_equal(zerobus_put_batch(fixture, 0, 5), TOW_E_BUG);
}

/* ---- 5: bounds ------------------------------------------------------------------------------- */

static void bounded_by(struct zerobus_fixture *fixture)
{
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_ACK(4), 100));
    zerobus_step(fixture, slowly(STEP_ACK(9), 100));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 5);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 5);
    zerobus_put_each(fixture, 5, 1); /* waits for the first acknowledgement */
    assert_true(zerobus_server_totals(fixture->server).acked >= 5);
    zerobus_put_each(fixture, 6, 4);
    zerobus_flush_well(fixture);
}

static void test_records_under_way_are_bounded(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.max_inflight_records = 5;
    bounded_by(fixture);
}

static void test_bytes_under_way_are_bounded(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.max_inflight_bytes = 5 * 4 + 3; /* "r0" is 4 bytes with its head */
    bounded_by(fixture);
}

static void test_a_request_larger_than_the_bound_goes_alone(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.max_inflight_records = 5;
    zerobus_start(fixture);
    assert_ok(zerobus_put_batch(fixture, 0, 100), fixture->err);
    assert_ok(zerobus_put_batch(fixture, 100, 100), fixture->err);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 200);
}

static void test_who_waits_for_room_is_told_of_a_failure(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.max_inflight_records = 2;
    fixture->settings.no_recovery = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_END(INTERNAL), 100));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    assert_int_equal(zerobus_put_batch(fixture, 2, 1), TOW_E_TRANSIENT);
    assert_says(fixture->err, "INTERNAL");
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 2);
}

static void test_who_waits_for_room_is_stopped(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int stop[2];

    assert_int_equal(pipe(stop), 0);
    fixture->settings.cancel_fd = stop[0];
    fixture->settings.max_inflight_records = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(zerobus_put_batch(fixture, 1, 1), TOW_E_CANCELLED);
    assert_int_equal(tow_zerobus_flush(fixture->stream, &fixture->err), TOW_E_CANCELLED);
    close(stop[0]);
    close(stop[1]);
}

/* ---- 6: acknowledgements --------------------------------------------------------------------- */

static void test_one_acknowledgement_covers_all_before_it(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(99));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 100);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 100);
}

static void test_an_acknowledgement_that_comes_twice_counts_once(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    zerobus_step(fixture, SAY("\x12\x02\x08\x00"));
    zerobus_step(fixture, STEP_ACK(2));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 3);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->acked, 3);
}

static void acknowledges_badly(struct zerobus_fixture *fixture, struct zerobus_step step, int code,
                               const char *says)
{
    fixture->settings.no_recovery = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_step(fixture, step);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 3);
    zerobus_await_failed(fixture, code, says);
    zerobus_take(fixture);
    assert_int_equal(fixture->acked, 2);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 1);
}

static void test_an_acknowledgement_that_goes_back_is_not_believed(void **state)
{
    acknowledges_badly(*state, SAY("\x12\x02\x08\x00"), TOW_E_ENV, "offset 0");
}

static void test_an_acknowledgement_of_what_was_not_sent_is_not_believed(void **state)
{
    acknowledges_badly(*state, SAY("\x12\x02\x08\x03"), TOW_E_ENV, "offset 3");
}

static void test_a_negative_acknowledgement_is_not_believed(void **state)
{
    acknowledges_badly(*state, SAY("\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                       TOW_E_ENV, "offset -1");
}

static void test_an_acknowledgement_of_nothing_is_not_understood(void **state)
{
    acknowledges_badly(*state, SAY("\x12\x00"), TOW_E_TRANSIENT, "without saying what");
}

static void test_bytes_that_are_no_answer_are_not_understood(void **state)
{
    acknowledges_badly(*state, SAY("\x12\x7f"), TOW_E_TRANSIENT, "no message of the protocol");
}

static void test_opening_twice_is_not_understood(void **state)
{
    acknowledges_badly(*state, SAY("\x0a\x03\x0a\x01x"), TOW_E_TRANSIENT, "second time");
}

static void test_answers_of_a_later_protocol_are_stepped_over(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, SAY("\x7a\x02hi"));
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_flush_well(fixture);
}

/* ---- 7: the time until an acknowledgement -----------------------------------------------------
 */

static void test_a_server_that_does_not_acknowledge_is_given_up_in_time(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    fixture->settings.no_recovery = 1;
    fixture->settings.ack_timeout_ms = 150;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_await_failed(fixture, TOW_E_TRANSIENT, "has not acknowledged");
    assert_says(fixture->err, "127.0.0.1");
    assert_in_range(tow_monotonic_ms() - before, 140, 2000);
}

/* The time is that of the request, not of the stream: after a rest it begins anew. */
static void test_an_idle_stream_does_not_time_out(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    fixture->settings.ack_timeout_ms = 200;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    zerobus_step(fixture, slowly(STEP_ACK(1), 120));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_flush_well(fixture);
    usleep(250000); /* longer than the time until an acknowledgement */
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_OPENED);
    zerobus_put_each(fixture, 1, 1);
    zerobus_flush_well(fixture);
}

static void test_acknowledgements_that_say_nothing_new_do_not_prolong_it(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.no_recovery = 1;
    fixture->settings.ack_timeout_ms = 200;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    for (int i = 1; i < 10; i++)
        zerobus_step(fixture, slowly(SAY("\x12\x02\x08\x00"), 60 * i));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_flush_well(fixture);
    before = tow_monotonic_ms();
    zerobus_put_each(fixture, 1, 10);
    zerobus_await_failed(fixture, TOW_E_TRANSIENT, "has not acknowledged");
    assert_says(fixture->err, "127.0.0.1");
    assert_in_range(tow_monotonic_ms() - before, 190, 400);
}

/* ---- 10: flush and close --------------------------------------------------------------------- */

static void test_flushing_nothing_returns_at_once(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_flush_well(fixture);
}

static void test_flush_waits_for_late_acknowledgements(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_ACK(4), 150));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 5);
    zerobus_flush_well(fixture);
    assert_true(tow_monotonic_ms() - before >= 140);
}

static void test_flush_has_its_time(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    fixture->settings.flush_timeout_ms = 100;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 5);
    zerobus_flush_fails(fixture, TOW_E_TRANSIENT, "5 records were not acknowledged within 100 ms");
    assert_in_range(tow_monotonic_ms() - before, 95, 2000);
}

static void *look_at_state(void *context)
{
    struct zerobus_fixture *fixture = context;
    int64_t deadline_ms = tow_monotonic_ms() + 5000;
    long seen = 0;

    while (!seen && tow_monotonic_ms() < deadline_ms)
        seen = tow_zerobus_state(fixture->stream) == TOW_ZEROBUS_FLUSHING;
    return (void *)seen;
}

static void test_a_stream_that_flushes_says_so(void **state)
{
    struct zerobus_fixture *fixture = *state;
    pthread_t thread;
    void *seen;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_ACK(0), 200));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    assert_int_equal(pthread_create(&thread, NULL, look_at_state, fixture), 0);
    zerobus_flush_well(fixture);
    pthread_join(thread, &seen);
    assert_non_null(seen);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_OPENED);
}

static void test_flush_after_a_failure_tells_it_at_once(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_step(fixture, STEP_END(INTERNAL));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_await_acked(fixture, 2);
    assert_ok(zerobus_put_batch(fixture, 2, 3), fixture->err);
    zerobus_flush_fails(fixture, TOW_E_TRANSIENT, "INTERNAL");
    assert_int_equal(fixture->acked, 2);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 3);
    zerobus_flush_fails(fixture, TOW_E_TRANSIENT, "INTERNAL");
    assert_int_equal(tow_zerobus_close(fixture->stream, &fixture->err), TOW_E_TRANSIENT);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 3);
}

static void test_close_waits_for_acknowledgements_and_ends_the_stream(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_ACK(0), 100));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    assert_ok(tow_zerobus_close(fixture->stream, &fixture->err), fixture->err);
    zerobus_take(fixture);
    assert_int_equal(fixture->acked, 1);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_CLOSED);
    assert_int_equal(zerobus_server_totals(fixture->server).half_closed, 1);
}

static void test_close_may_come_again(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_start(fixture);
    assert_ok(tow_zerobus_close(fixture->stream, &fixture->err), fixture->err);
    assert_ok(tow_zerobus_close(fixture->stream, &fixture->err), fixture->err);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_CLOSED);
}

static void test_close_tells_that_flush_failed_and_counts_late_acknowledgements(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.flush_timeout_ms = 100;
    fixture->options.ack_on_half_close = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    assert_int_equal(tow_zerobus_close(fixture->stream, &fixture->err), TOW_E_TRANSIENT);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 0);
    zerobus_take(fixture);
    assert_int_equal(fixture->acked, 1);
}

static void test_close_does_not_wait_for_ever(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.drain_ms = 100;
    fixture->options.half_close_delay_ms = 5000;
    zerobus_start(fixture);
    before = tow_monotonic_ms();
    assert_ok(tow_zerobus_close(fixture->stream, &fixture->err), fixture->err);
    assert_in_range(tow_monotonic_ms() - before, 90, 1000);
}

static void test_a_stream_that_is_freed_ends_at_once(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 100);
    tow_zerobus_free(fixture->stream);
    fixture->stream = NULL;
    assert_in_range(tow_monotonic_ms() - before, 0, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZEROBUS_TEST(test_a_stream_is_opened),
        ZEROBUS_TEST(test_a_proto_stream_shows_its_descriptor),
        ZEROBUS_TEST(test_opening_that_takes_too_long_is_given_up),
        ZEROBUS_TEST(test_a_refusal_for_good_is_not_tried_again),
        ZEROBUS_TEST(test_a_refusal_that_may_pass_is_tried_again_as_often_as_allowed),
        ZEROBUS_TEST(test_without_recovery_the_first_refusal_is_the_end),
        ZEROBUS_TEST(test_a_stream_without_a_name_counts_as_not_opened),
        ZEROBUS_TEST(test_another_first_answer_counts_as_not_opened),
        ZEROBUS_TEST(test_columns_that_are_refused_are_told),
        ZEROBUS_TEST(test_a_stop_ends_opening),
        ZEROBUS_TEST(test_a_login_that_is_refused_at_first_is_renewed_once),
        ZEROBUS_TEST(test_a_login_that_is_refused_twice_is_no_login),
        ZEROBUS_TEST(test_renewing_a_login_needs_an_attempt_that_is_left),
        ZEROBUS_TEST(test_renewing_a_login_shares_the_attempts_with_other_failures),
        ZEROBUS_TEST(test_a_login_refused_in_the_middle_is_the_end),
        ZEROBUS_TEST(test_a_login_that_cannot_be_had_is_tried_again_where_that_may_help),
        ZEROBUS_TEST(test_single_records_and_batches_take_one_offset_each),
        ZEROBUS_TEST(test_many_records_arrive_in_order),
        ZEROBUS_TEST(test_a_request_without_records_is_a_mistake),
        ZEROBUS_TEST(test_a_record_at_the_limit_is_taken_and_one_beyond_is_not),
        ZEROBUS_TEST(test_the_limit_can_be_lowered),
        ZEROBUS_TEST(test_a_record_after_close_is_a_mistake),
        ZEROBUS_TEST(test_records_under_way_are_bounded),
        ZEROBUS_TEST(test_bytes_under_way_are_bounded),
        ZEROBUS_TEST(test_a_request_larger_than_the_bound_goes_alone),
        ZEROBUS_TEST(test_who_waits_for_room_is_told_of_a_failure),
        ZEROBUS_TEST(test_who_waits_for_room_is_stopped),
        ZEROBUS_TEST(test_one_acknowledgement_covers_all_before_it),
        ZEROBUS_TEST(test_an_acknowledgement_that_comes_twice_counts_once),
        ZEROBUS_TEST(test_an_acknowledgement_that_goes_back_is_not_believed),
        ZEROBUS_TEST(test_an_acknowledgement_of_what_was_not_sent_is_not_believed),
        ZEROBUS_TEST(test_a_negative_acknowledgement_is_not_believed),
        ZEROBUS_TEST(test_an_acknowledgement_of_nothing_is_not_understood),
        ZEROBUS_TEST(test_bytes_that_are_no_answer_are_not_understood),
        ZEROBUS_TEST(test_opening_twice_is_not_understood),
        ZEROBUS_TEST(test_answers_of_a_later_protocol_are_stepped_over),
        ZEROBUS_TEST(test_a_server_that_does_not_acknowledge_is_given_up_in_time),
        ZEROBUS_TEST(test_an_idle_stream_does_not_time_out),
        ZEROBUS_TEST(test_acknowledgements_that_say_nothing_new_do_not_prolong_it),
        ZEROBUS_TEST(test_flushing_nothing_returns_at_once),
        ZEROBUS_TEST(test_flush_waits_for_late_acknowledgements),
        ZEROBUS_TEST(test_flush_has_its_time),
        ZEROBUS_TEST(test_a_stream_that_flushes_says_so),
        ZEROBUS_TEST(test_flush_after_a_failure_tells_it_at_once),
        ZEROBUS_TEST(test_close_waits_for_acknowledgements_and_ends_the_stream),
        ZEROBUS_TEST(test_close_may_come_again),
        ZEROBUS_TEST(test_close_tells_that_flush_failed_and_counts_late_acknowledgements),
        ZEROBUS_TEST(test_close_does_not_wait_for_ever),
        ZEROBUS_TEST(test_a_stream_that_is_freed_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
