/*
 * The sixteen ways in which a server or a network ends, cuts or stalls a call while the client
 * uploads. In each the client must know at once what happened, with all that was acknowledged
 * before.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connectors/grpc/grpc_priv.h"
#include "grpc_fixture.h"
#include "towpath/clock.h"

#define AT 5000 /* the message behind which things go wrong */

static void upload_until_it_ends(struct fixture *fixture)
{
    fixture_begin(fixture);
    fixture_upload(fixture, 0);
}

static void acked_are(struct fixture *fixture, uint64_t count)
{
    fixture_take(fixture);
    assert_int_equal(fixture->acked, count);
}

static void plan(struct fixture *fixture, void (*fault)(struct fixture *, struct grpc_peer *))
{
    fixture->plan.at = AT;
    fixture->plan.fault = fault;
}

/* ---- 1 to 3: the server ends the call -------------------------------------------------------- */

static void finish(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_finish(peer, "14", "injected%20%F0%9F%98%80", 0);
}

static void test_trailers_without_a_reset_end_the_call_while_the_server_reads_on(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, finish);
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
    assert_string_equal(tow_grpc_status_of(fixture->call)->message, "injected \xf0\x9f\x98\x80");
    assert_int_equal(tow_grpc_status_of(fixture->call)->is_servers, 1);
    acked_are(fixture, AT);
}

static void finish_and_reset(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_finish(peer, "13", "broken", GRPC_FINISH_RESET);
}

static void test_trailers_with_a_reset_behind_keep_status_and_last_ack(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, finish_and_reset);
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, TOW_GRPC_INTERNAL);
    assert_string_equal(tow_grpc_status_of(fixture->call)->message, "broken");
    acked_are(fixture, AT);
}

static void ack_finish_and_reset(struct fixture *fixture, struct grpc_peer *peer)
{
    fixture_acknowledge(fixture, peer, AT);
    grpc_peer_finish(peer, "14", "last", GRPC_FINISH_RESET);
}

static void test_last_ack_trailers_and_reset_in_one_write_lose_nothing(void **state)
{
    struct fixture *fixture = *state;

    fixture->plan.ack_every = 0;
    plan(fixture, ack_finish_and_reset);
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
    assert_string_equal(tow_grpc_status_of(fixture->call)->message, "last");
    acked_are(fixture, AT);
}

/* ---- 4 and 5: the server refuses the call ---------------------------------------------------- */

static void refused(struct fixture *fixture, unsigned how)
{
    fixture->plan.refuse = "5";
    fixture->plan.refuse_how = how;
    fixture_begin(fixture);
    fixture->fault_ms = tow_monotonic_ms();
    fixture_run_until(fixture, fixture_has_ended);
    fixture_ended_promptly(fixture, TOW_GRPC_NOT_FOUND);
    assert_string_equal(tow_grpc_status_of(fixture->call)->message, "no such table");
    assert_int_equal(tow_grpc_is_accepted(fixture->call), 0);
}

static void test_trailers_alone_refuse_the_call(void **state)
{
    refused(*state, 0);
}

static void test_trailers_alone_with_a_reset_refuse_the_call(void **state)
{
    refused(*state, GRPC_FINISH_RESET);
}

/* ---- 6 and 7: the connection goes ------------------------------------------------------------ */

static void drop(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_drop(peer, 0);
}

static void drop_with_reset(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_drop(peer, 1);
}

static void dropped(struct fixture *fixture)
{
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
    assert_int_equal(tow_grpc_status_of(fixture->call)->is_servers, 0);
    assert_int_equal(tow_grpc_run(fixture->grpc, 0, &fixture->err), TOW_E_TRANSIENT);
    assert_null(
        tow_grpc_start(fixture->grpc, &(struct tow_grpc_request){.path = "/a/b"}, &fixture->err));
}

static void test_a_closed_connection_ends_the_call(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, drop);
    dropped(fixture);
}

static void test_a_reset_connection_ends_the_call(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, drop_with_reset);
    dropped(fixture);
}

/* A network that takes nothing more, and does not tell the reading side. */
static void test_what_cannot_be_sent_ends_the_call_of_a_far_end_that_is_silent(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];

    fixture_begin(fixture);
    fixture_upload(fixture, 10);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    assert_true(dup3(pair[0], fixture->grpc->link.fd, O_CLOEXEC) >= 0);
    fixture_upload(fixture, 0);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_UNAVAILABLE);
    assert_non_null(strstr(tow_grpc_status_of(fixture->call)->message, "Broken pipe"));
    close(pair[0]);
    close(pair[1]);
}

/* ---- 8 and 9: the server winds up ------------------------------------------------------------ */

static void wind_up_and_take_this(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_wind_up(peer, 1, 0, "bye");
}

static void test_goaway_lets_an_accepted_call_go_on_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_grpc_request another = {.path = FIXTURE_PATH};

    plan(fixture, wind_up_and_take_this);
    fixture_begin(fixture);
    fixture_upload(fixture, 2 * AT);
    tow_grpc_half_close(fixture->call);
    fixture_run_until(fixture, fixture_has_ended);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_OK);
    assert_int_equal(tow_grpc_is_winding_up(fixture->grpc), 1);
    acked_are(fixture, 2 * AT);
    assert_null(tow_grpc_start(fixture->grpc, &another, &fixture->err));
    assert_int_equal(fixture->err.code, TOW_E_TRANSIENT);
}

static void wind_up_and_take_none(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_wind_up(peer, 0, 0, "not today");
}

static void test_goaway_refuses_a_call_that_the_server_did_not_take(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, wind_up_and_take_none);
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
    assert_non_null(strstr(tow_grpc_status_of(fixture->call)->message, "not today"));
    assert_int_equal(tow_grpc_is_winding_up(fixture->grpc), 1);
}

/* ---- 10 to 12: the server resets the call ---------------------------------------------------- */

enum { RESET_INTERNAL = 2, RESET_REFUSED = 7, RESET_CANCEL = 8 };

static void reset_cancel(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_reset(peer, RESET_CANCEL);
}

static void reset_refused(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_reset(peer, RESET_REFUSED);
}

static void reset_internal(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_reset(peer, RESET_INTERNAL);
}

static void reset_with(struct fixture *fixture, void (*fault)(struct fixture *, struct grpc_peer *),
                       int code)
{
    plan(fixture, fault);
    upload_until_it_ends(fixture);
    fixture_ended_promptly(fixture, code);
    assert_int_equal(tow_grpc_status_of(fixture->call)->is_servers, 0);
    /* The connection lives, and takes another call. */
    tow_grpc_finish(fixture->call);
    fixture_start(fixture);
    tow_grpc_half_close(fixture->call);
    fixture_run_until(fixture, fixture_has_ended);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_OK);
}

static void test_a_call_reset_as_cancelled_is_told_so(void **state)
{
    reset_with(*state, reset_cancel, TOW_GRPC_CANCELLED);
}

static void test_a_call_reset_as_refused_is_unavailable(void **state)
{
    reset_with(*state, reset_refused, TOW_GRPC_UNAVAILABLE);
}

static void test_a_call_reset_for_an_internal_error_is_told_so(void **state)
{
    reset_with(*state, reset_internal, TOW_GRPC_INTERNAL);
}

/* ---- 13 to 16: silence ----------------------------------------------------------------------- */

static int64_t cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* The client stands still for so long, and does not spin while it does. */
static void stands_still(struct fixture *fixture, int milliseconds)
{
    int64_t until = tow_monotonic_ms() + milliseconds, cpu = cpu_ms();
    int rounds = 0;

    while (tow_monotonic_ms() < until) {
        assert_ok(tow_grpc_run(fixture->grpc, (int)(until - tow_monotonic_ms()), &fixture->err),
                  fixture->err);
        rounds++;
    }
    assert_in_range(cpu_ms() - cpu, 0, milliseconds / 4);
    assert_in_range(rounds, 0, 50);
    assert_false(fixture_has_ended(fixture));
}

static void shut_window(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_shut_window(peer);
}

static void fill_up(struct fixture *fixture, uint64_t messages)
{
    for (; fixture->sent < messages; fixture->sent++)
        assert_ok(tow_grpc_send(fixture->call, "head of message", 15, fixture->body,
                                sizeof fixture->body, &fixture->err),
                  fixture->err);
}

/* Nobody's timer but the application's ends this: the server still answers PINGs. */
static void test_a_server_that_stops_reading_costs_no_cpu_and_ends_by_the_deadline(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, shut_window);
    fixture->settings.ping_ms = 20;
    fixture->settings.ping_timeout_ms = 5000;
    fixture_begin(fixture);
    tow_grpc_expect(fixture->call, 1);
    fixture_upload(fixture, AT);
    fill_up(fixture, 2 * AT);
    stands_still(fixture, 50); /* whatever is under way comes to rest */
    stands_still(fixture, 400);
    assert_true(tow_grpc_unsent(fixture->call) > 0);
    fixture->fault_ms = tow_monotonic_ms();
    tow_grpc_cancel(fixture->call);
    fixture_ended_promptly(fixture, TOW_GRPC_CANCELLED);
}

static int first_half_is_acked(struct fixture *fixture)
{
    return fixture->acked == AT && tow_grpc_unsent(fixture->call) == 0;
}

static void test_a_server_that_stops_acknowledging_costs_no_cpu(void **state)
{
    struct fixture *fixture = *state;

    fixture->plan.ack_every = AT;
    fixture_begin(fixture);
    fixture_upload(fixture, AT + AT / 2);
    fixture_run_until(fixture, first_half_is_acked);
    stands_still(fixture, 400);
    acked_are(fixture, AT);
    assert_int_equal(tow_grpc_unsent(fixture->call), 0);
}

static void test_a_server_that_dies_is_noticed_while_the_client_waits(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture);
    fixture_upload(fixture, 100);
    fixture_run_until(fixture, fixture_all_acked);
    stands_still(fixture, 50);
    fixture->fault_ms = tow_monotonic_ms();
    grpc_server_free(fixture->server);
    fixture->server = NULL;
    fixture_run_until(fixture, fixture_has_ended);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
}

static void freeze(struct fixture *fixture, struct grpc_peer *peer)
{
    (void)fixture;
    grpc_peer_freeze(peer);
}

static void test_a_frozen_server_is_found_by_ping(void **state)
{
    struct fixture *fixture = *state;

    plan(fixture, freeze);
    fixture->settings.ping_ms = 100;
    fixture->settings.ping_timeout_ms = 200;
    fixture_begin(fixture);
    tow_grpc_expect(fixture->call, 1);
    fixture_upload(fixture, 0);
    fixture_ended_promptly(fixture, TOW_GRPC_UNAVAILABLE);
    assert_true(tow_monotonic_ms() - fixture->fault_ms >= 250);
    assert_non_null(strstr(tow_grpc_status_of(fixture->call)->message, "is silent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRPC_TEST(test_trailers_without_a_reset_end_the_call_while_the_server_reads_on),
        GRPC_TEST(test_trailers_with_a_reset_behind_keep_status_and_last_ack),
        GRPC_TEST(test_last_ack_trailers_and_reset_in_one_write_lose_nothing),
        GRPC_TEST(test_trailers_alone_refuse_the_call),
        GRPC_TEST(test_trailers_alone_with_a_reset_refuse_the_call),
        GRPC_TEST(test_a_closed_connection_ends_the_call),
        GRPC_TEST(test_a_reset_connection_ends_the_call),
        GRPC_TEST(test_goaway_lets_an_accepted_call_go_on_to_its_end),
        GRPC_TEST(test_goaway_refuses_a_call_that_the_server_did_not_take),
        GRPC_TEST(test_a_call_reset_as_cancelled_is_told_so),
        GRPC_TEST(test_a_call_reset_as_refused_is_unavailable),
        GRPC_TEST(test_a_call_reset_for_an_internal_error_is_told_so),
        GRPC_TEST(test_a_server_that_stops_reading_costs_no_cpu_and_ends_by_the_deadline),
        GRPC_TEST(test_a_server_that_stops_acknowledging_costs_no_cpu),
        GRPC_TEST(test_a_server_that_dies_is_noticed_while_the_client_waits),
        GRPC_TEST(test_what_cannot_be_sent_ends_the_call_of_a_far_end_that_is_silent),
        GRPC_TEST(test_a_frozen_server_is_found_by_ping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
