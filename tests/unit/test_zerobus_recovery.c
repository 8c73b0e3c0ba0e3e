/* Streams that are broken, closed by their server, or refused for what they hold. */
#include "towpath/clock.h"
#include "zerobus_fixture.h"

enum { INVALID = 3, NOT_FOUND = 5, OUT_OF_RANGE = 11, INTERNAL = 13, UNAVAILABLE = 14 };

static struct zerobus_step slowly(struct zerobus_step step, int delay_ms)
{
    step.delay_ms = delay_ms;
    return step;
}

static struct zerobus_step kind(enum zerobus_step_kind kind)
{
    return (struct zerobus_step){.kind = kind};
}

/* The request at that place began with that record, on that connection, with that offset. */
static void seen(struct zerobus_fixture *fixture, size_t index, int connection, int64_t offset,
                 const char *first)
{
    struct zerobus_seen request = zerobus_server_seen(fixture->server, index);

    assert_int_equal(request.connection, connection);
    assert_int_equal(request.offset, offset);
    assert_string_equal(request.first, first);
}

static void totals_are(struct zerobus_fixture *fixture, int opened, size_t records)
{
    struct zerobus_totals totals = zerobus_server_totals(fixture->server);

    assert_int_equal(totals.opened, opened);
    assert_int_equal(totals.records, records);
}

/* ---- 8: recovery ----------------------------------------------------------------------------- */

static void test_a_stream_that_breaks_while_it_is_opened_is_opened_again(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(2));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 3);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 3);
}

static void breaks_by(struct zerobus_fixture *fixture, struct zerobus_step step)
{
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_step(fixture, step);
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(2));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_await_acked(fixture, 2);
    zerobus_put_each(fixture, 2, 3);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 5);
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 2);
    /* What was not acknowledged came again, in order, with offsets that begin anew. */
    seen(fixture, zerobus_server_totals(fixture->server).requests - 3, 2, 0, "r2");
    seen(fixture, zerobus_server_totals(fixture->server).requests - 2, 2, 1, "r3");
    seen(fixture, zerobus_server_totals(fixture->server).requests - 1, 2, 2, "r4");
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_OPENED);
}

static void test_what_is_not_acknowledged_is_sent_again_after_an_error(void **state)
{
    breaks_by(*state, STEP_END(UNAVAILABLE));
}

static void test_an_end_without_an_error_is_recovered_from_too(void **state)
{
    breaks_by(*state, STEP_END(0));
}

static void test_a_connection_that_drops_is_recovered_from(void **state)
{
    breaks_by(*state, kind(ZEROBUS_DROP));
}

static void test_an_unknown_error_is_recovered_from(void **state)
{
    breaks_by(*state, STEP_END(2));
}

static void test_goaway_lets_the_stream_go_on(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, kind(ZEROBUS_WIND_UP));
    zerobus_step(fixture, STEP_ACK(2));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 3);
    zerobus_flush_well(fixture);
    totals_are(fixture, 1, 3);
}

static void test_a_server_that_does_not_acknowledge_is_left_for_a_new_stream(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.ack_timeout_ms = 100;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(4));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 5);
    zerobus_flush_well(fixture);
    totals_are(fixture, 2, 10);
}

static void test_a_frozen_server_is_found_by_ping(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    fixture->settings.ping_ms = 50;
    fixture->settings.ping_timeout_ms = 100;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_start(fixture);
    grpc_server_freeze(zerobus_server_grpc(fixture->server));
    zerobus_put_each(fixture, 0, 1);
    zerobus_await_failed(fixture, TOW_E_TRANSIENT, "is silent");
}

static void test_batches_are_sent_again_as_they_were(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    zerobus_start(fixture);
    assert_ok(zerobus_put_batch(fixture, 0, 5), fixture->err);
    zerobus_await_acked(fixture, 5);
    assert_ok(zerobus_put_batch(fixture, 5, 3), fixture->err);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 8);
    assert_int_equal(zerobus_server_seen(fixture->server, 2).records, 3);
    totals_are(fixture, 2, 11);
}

static void test_attempts_that_lead_nowhere_are_counted(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(0));
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, (struct zerobus_step){
                              .kind = ZEROBUS_END, .value = UNAVAILABLE, .text = "the%20last"});
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_flush_fails(fixture, TOW_E_TRANSIENT, "the last");
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 1);
}

/* A server that opens streams and ends them at once gets no more attempts than one that refuses. */
static void test_opening_alone_is_no_progress(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 2;
    for (int i = 0; i < 6; i++) {
        zerobus_step(fixture, STEP_OPEN);
        zerobus_step(fixture, STEP_END(UNAVAILABLE));
    }
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_flush_fails(fixture, TOW_E_TRANSIENT, "gave up after 3 attempts");
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 3);
}

static void test_progress_gives_all_attempts_back(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = 1;
    for (int i = 0; i < 4; i++) {
        zerobus_step(fixture, STEP_OPEN);
        zerobus_step(fixture, STEP_ACK(0));
        zerobus_step(fixture, STEP_END(UNAVAILABLE));
    }
    zerobus_step(fixture, STEP_OPEN);
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 9);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 9);
}

static void test_records_wait_while_a_stream_recovers(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_backoff_ms = 300;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_END(UNAVAILABLE));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(4));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_server_wait(fixture->server, 1);
    zerobus_put_each(fixture, 1, 4);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 5);
}

static void test_unacknowledged_records_can_be_put_into_another_stream(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_step(fixture, STEP_END(INTERNAL));
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(2));
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_await_acked(fixture, 2);
    (void)zerobus_put_batch(fixture, 2, 1);
    zerobus_await_failed(fixture, TOW_E_TRANSIENT, "INTERNAL");
    tow_zerobus_free(fixture->stream);
    fixture->stream = tow_zerobus_open(&fixture->settings, &fixture->err);
    assert_non_null(fixture->stream);
    zerobus_put_each(fixture, 2, 3);
    fixture->put = 5;
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 5);
}

/* ---- 9: the server's close signal ------------------------------------------------------------ */

/* Two requests are acknowledged, the third brings the signal. */
static void signalled(struct zerobus_fixture *fixture, int64_t grace_ms)
{
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_ACK(1));
    zerobus_step(fixture, STEP_CLOSE(grace_ms));
    fixture->options.goes_on = 1;
}

static void send_three(struct zerobus_fixture *fixture)
{
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 2);
    zerobus_await_acked(fixture, 2);
    zerobus_put_each(fixture, 2, 1);
    zerobus_await_signals(fixture, 1);
}

static void test_the_whole_grace_is_waited_for(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    signalled(fixture, 400);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    before = tow_monotonic_ms();
    zerobus_put_each(fixture, 3, 2);
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 350, 3000);
    totals_are(fixture, 2, 3 + 3); /* the third came again, with what was put meanwhile */
    seen(fixture, 3, 2, 0, "r2");
}

static void test_a_pause_of_its_own_cuts_the_grace(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.pause_ms = 100;
    signalled(fixture, 8000);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    before = tow_monotonic_ms();
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 50, 3000);
    totals_are(fixture, 2, 4);
}

static void test_a_longer_pause_does_not_outlast_the_grace(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.pause_ms = 8000;
    signalled(fixture, 100);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    before = tow_monotonic_ms();
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 50, 3000);
}

static void test_no_pause_moves_on_at_once(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.pause_ms = 0;
    signalled(fixture, 8000);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    before = tow_monotonic_ms();
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 0, 2000);
}

static void test_the_pause_ends_when_all_is_acknowledged(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, slowly(STEP_CLOSE(8000), 100));
    zerobus_step(fixture, slowly(STEP_ACK(2), 200));
    zerobus_step(fixture, STEP_OPEN);
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 3);
    zerobus_flush_well(fixture);
    zerobus_put_each(fixture, 3, 1);
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 0, 5000);
    zerobus_stored_once(fixture, 4);
}

static void test_records_are_taken_while_the_stream_is_paused(void **state)
{
    struct zerobus_fixture *fixture = *state;

    signalled(fixture, 200);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    zerobus_put_each(fixture, 3, 50);
    assert_int_equal(zerobus_server_totals(fixture->server).requests, 3);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 53);
}

static void test_an_error_during_the_grace_is_no_failure(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = -1;
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, (struct zerobus_step){.kind = ZEROBUS_CLOSE_BADLY, .value = 8000});
    zerobus_step(fixture, STEP_OPEN);
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    assert_ok(zerobus_put_batch(fixture, 0, 1), fixture->err);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 1);
}

static void test_late_acknowledgements_behind_the_end_count(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.pause_ms = 0;
    fixture->options.ack_on_half_close = 1;
    signalled(fixture, 8000);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    zerobus_flush_well(fixture);
    totals_are(fixture, 1, 3); /* nothing was sent again, so no stream was needed */
}

static void test_waiting_for_late_acknowledgements_is_bounded(void **state)
{
    struct zerobus_fixture *fixture = *state;
    int64_t before;

    fixture->settings.pause_ms = 0;
    fixture->settings.drain_ms = 100;
    fixture->options.ack_on_half_close = 1;
    fixture->options.half_close_delay_ms = 5000;
    signalled(fixture, 8000);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    before = tow_monotonic_ms();
    zerobus_flush_well(fixture);
    assert_in_range(tow_monotonic_ms() - before, 0, 2500);
    totals_are(fixture, 2, 4);
}

static void test_the_signal_is_honoured_without_recovery_too(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    signalled(fixture, 50);
    zerobus_step(fixture, STEP_OPEN);
    send_three(fixture);
    zerobus_flush_well(fixture);
    zerobus_stored_once(fixture, 3);
}

static void test_many_rotations_use_up_no_attempts(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.recovery_retries = -1;
    for (int i = 0; i < 10; i++) {
        zerobus_step(fixture, STEP_OPEN);
        zerobus_step(fixture, STEP_CLOSE(0));
    }
    fixture->options.ack_on_half_close = 1;
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    for (size_t i = 0; i < 12; i++) {
        zerobus_put_each(fixture, i, 1);
        zerobus_flush_well(fixture);
    }
    zerobus_stored_once(fixture, 12);
    assert_int_equal(zerobus_server_totals(fixture->server).opened, 11);
}

/* ---- records that the server refuses --------------------------------------------------------- */

static int put_poison(struct zerobus_fixture *fixture, size_t before, size_t after)
{
    struct tow_buffer body = tow_zerobus_buffer(fixture->stream);
    int code;

    for (size_t i = 0; i < before + 1 + after; i++) {
        char text[32];
        int length = i == before ? snprintf(text, sizeof text, "poison%zu", fixture->put)
                                 : snprintf(text, sizeof text, "good%zu", fixture->put + i);
        char *end;

        assert_int_equal(tow_buffer_reserve(&body, 64, NULL), TOW_OK);
        end = tow_zerobus_put_record_head(body.data + body.size, (size_t)length);
        memcpy(end, text, (size_t)length);
        body.size = (size_t)(end - body.data) + (size_t)length;
    }
    code = tow_zerobus_put(fixture->stream, fixture->tickets++, &body, before + 1 + after,
                           body.size, &fixture->err);
    fixture->put += before + 1 + after;
    return code;
}

static void test_a_poisoned_record_is_found_and_its_neighbours_go_on(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->options.poison = "poison";
    zerobus_start(fixture);
    assert_ok(put_poison(fixture, 37, 62), fixture->err);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->acked, 99);
    assert_int_equal(fixture->refused, 1);
    assert_string_equal(fixture->last_refused, "0:37");
    assert_string_equal(fixture->refusal, "poisoned record");
    assert_int_equal(zerobus_server_stored(fixture->server, "good36"), 1);
    assert_int_equal(zerobus_server_stored(fixture->server, "good38"), 1);
    assert_int_equal(zerobus_server_stored(fixture->server, "good99"), 1);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_OPENED);
}

static void test_poison_among_many_requests_is_found(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->options.poison = "poison";
    zerobus_start(fixture);
    for (int i = 0; i < 50; i++)
        assert_ok(i % 17 == 5 ? put_poison(fixture, (size_t)i % 8, 3)
                              : zerobus_put_batch(fixture, fixture->put, 10),
                  fixture->err);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->refused, 3);
    assert_int_equal(fixture->acked, fixture->put - 3);
    assert_string_equal(fixture->last_refused, "39:7");
}

static void test_a_single_record_is_refused_without_a_search(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->options.poison = "poison";
    zerobus_start(fixture);
    assert_ok(put_poison(fixture, 0, 0), fixture->err);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->refused, 1);
    assert_int_equal(zerobus_server_totals(fixture->server).requests, 1);
}

static void test_a_refusal_out_of_range_is_one_of_content(void **state)
{
    struct zerobus_fixture *fixture = *state;

    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_END(OUT_OF_RANGE));
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    zerobus_put_each(fixture, 0, 1);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->refused, 1);
}

static void test_a_table_that_refuses_everything_is_not_searched_for_ever(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->options.poison = "r";
    zerobus_start(fixture);
    assert_ok(zerobus_put_batch(fixture, 0, 1000), fixture->err);
    zerobus_flush_fails(fixture, TOW_E_CONFIG, "refused 32 records in a row");
    assert_int_equal(fixture->refused, 32);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 968);
}

static void test_without_recovery_a_refusal_is_the_end(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->settings.no_recovery = 1;
    fixture->options.poison = "poison";
    zerobus_start(fixture);
    assert_ok(put_poison(fixture, 5, 5), fixture->err);
    zerobus_flush_fails(fixture, TOW_E_CONFIG, "poisoned record");
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 11);
}

static void test_a_search_goes_on_over_a_connection_that_breaks(void **state)
{
    struct zerobus_fixture *fixture = *state;

    fixture->options.poison = "poison";
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, STEP_OPEN);
    zerobus_step(fixture, kind(ZEROBUS_DROP));
    fixture->options.goes_on = 1;
    zerobus_start(fixture);
    assert_ok(put_poison(fixture, 20, 20), fixture->err);
    zerobus_flush_well(fixture);
    assert_int_equal(fixture->refused, 1);
    assert_int_equal(fixture->acked, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZEROBUS_TEST(test_a_stream_that_breaks_while_it_is_opened_is_opened_again),
        ZEROBUS_TEST(test_what_is_not_acknowledged_is_sent_again_after_an_error),
        ZEROBUS_TEST(test_an_end_without_an_error_is_recovered_from_too),
        ZEROBUS_TEST(test_a_connection_that_drops_is_recovered_from),
        ZEROBUS_TEST(test_an_unknown_error_is_recovered_from),
        ZEROBUS_TEST(test_goaway_lets_the_stream_go_on),
        ZEROBUS_TEST(test_a_server_that_does_not_acknowledge_is_left_for_a_new_stream),
        ZEROBUS_TEST(test_a_frozen_server_is_found_by_ping),
        ZEROBUS_TEST(test_batches_are_sent_again_as_they_were),
        ZEROBUS_TEST(test_attempts_that_lead_nowhere_are_counted),
        ZEROBUS_TEST(test_opening_alone_is_no_progress),
        ZEROBUS_TEST(test_progress_gives_all_attempts_back),
        ZEROBUS_TEST(test_records_wait_while_a_stream_recovers),
        ZEROBUS_TEST(test_unacknowledged_records_can_be_put_into_another_stream),
        ZEROBUS_TEST(test_the_whole_grace_is_waited_for),
        ZEROBUS_TEST(test_a_pause_of_its_own_cuts_the_grace),
        ZEROBUS_TEST(test_a_longer_pause_does_not_outlast_the_grace),
        ZEROBUS_TEST(test_no_pause_moves_on_at_once),
        ZEROBUS_TEST(test_the_pause_ends_when_all_is_acknowledged),
        ZEROBUS_TEST(test_records_are_taken_while_the_stream_is_paused),
        ZEROBUS_TEST(test_an_error_during_the_grace_is_no_failure),
        ZEROBUS_TEST(test_late_acknowledgements_behind_the_end_count),
        ZEROBUS_TEST(test_waiting_for_late_acknowledgements_is_bounded),
        ZEROBUS_TEST(test_the_signal_is_honoured_without_recovery_too),
        ZEROBUS_TEST(test_many_rotations_use_up_no_attempts),
        ZEROBUS_TEST(test_a_poisoned_record_is_found_and_its_neighbours_go_on),
        ZEROBUS_TEST(test_poison_among_many_requests_is_found),
        ZEROBUS_TEST(test_a_single_record_is_refused_without_a_search),
        ZEROBUS_TEST(test_a_refusal_out_of_range_is_one_of_content),
        ZEROBUS_TEST(test_a_table_that_refuses_everything_is_not_searched_for_ever),
        ZEROBUS_TEST(test_without_recovery_a_refusal_is_the_end),
        ZEROBUS_TEST(test_a_search_goes_on_over_a_connection_that_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
