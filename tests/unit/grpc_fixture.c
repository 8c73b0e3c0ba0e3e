#include "grpc_fixture.h"

#include <signal.h>

#include "certificate.h"
#include "towpath/clock.h"

#define FIXTURE_LIMIT_MS 10000
#define FIXTURE_UNSENT   ((uint64_t)1 << 20)

/* ---- the service ----------------------------------------------------------------------------- */

void fixture_acknowledge(struct fixture *fixture, struct grpc_peer *peer, uint64_t count)
{
    (void)fixture;
    grpc_peer_reply(peer, &count, sizeof count);
}

static void fixture_open(struct fixture *fixture, struct grpc_peer *peer)
{
    const struct fixture_plan *plan = &fixture->plan;

    if (plan->hangs)
        return;
    if (plan->refuse)
        grpc_peer_finish(peer, plan->refuse, "no%20such%20table", plan->refuse_how);
    else
        grpc_peer_reply(peer, "opened", 6);
}

static void fixture_on_message(void *context, struct grpc_peer *peer, const void *bytes,
                               size_t length)
{
    struct fixture *fixture = context;
    const struct fixture_plan *plan = &fixture->plan;

    (void)bytes;
    if (length == 4) {
        fixture_open(fixture, peer);
        return;
    }
    fixture->counted++;
    if (plan->ack_every && fixture->counted % plan->ack_every == 0)
        fixture_acknowledge(fixture, peer, fixture->counted);
    if (fixture->counted == plan->at) {
        fixture->fault_ms = tow_monotonic_ms();
        plan->fault(fixture, peer);
    }
}

static void fixture_on_half_close(void *context, struct grpc_peer *peer)
{
    fixture_acknowledge(context, peer, ((struct fixture *)context)->counted);
    grpc_peer_finish(peer, "0", NULL, 0);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int fixture_setup(void **state, int is_tls)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    void *scratch = NULL;

    assert_non_null(fixture);
    signal(SIGPIPE, SIG_IGN);
    scratch_setup(&scratch);
    fixture->scratch = scratch;
    fixture->is_tls = is_tls;
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    fixture->plan.ack_every = 100;
    fixture->settings.cancel_fd = -1;
    fixture->settings.proxy = "";
    if (is_tls) {
        (void)snprintf(fixture->certificate, sizeof fixture->certificate, "%s/server.pem",
                       fixture->scratch->folder);
        certificate_write(fixture->certificate, "DNS:localhost,IP:127.0.0.1");
        fixture->options.certificate = fixture->certificate;
        fixture->settings.ca_file = fixture->certificate;
    }
    *state = fixture;
    return 0;
}

int fixture_setup_plain(void **state)
{
    return fixture_setup(state, 0);
}

int fixture_setup_tls(void **state)
{
    return fixture_setup(state, 1);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    void *scratch = fixture->scratch;

    tow_grpc_free(fixture->grpc);
    grpc_server_free(fixture->server);
    free(fixture);
    return scratch_teardown(&scratch);
}

void fixture_serve(struct fixture *fixture)
{
    struct grpc_service *service = &fixture->options.service;

    if (!service->message)
        *service = (struct grpc_service){
            .message = fixture_on_message, .half_close = fixture_on_half_close, .context = fixture};
    fixture->server = grpc_server_new(&fixture->options);
    fixture->settings.url = grpc_server_url(fixture->server);
}

void fixture_connect(struct fixture *fixture)
{
    fixture->grpc = tow_grpc_connect(&fixture->settings, &fixture->err);
    if (!fixture->grpc)
        fail_msg("connect: %s", fixture->err.message);
}

void fixture_start(struct fixture *fixture)
{
    const struct tow_grpc_request request = {.path = FIXTURE_PATH};

    fixture->call = tow_grpc_start(fixture->grpc, &request, &fixture->err);
    if (!fixture->call)
        fail_msg("start: %s", fixture->err.message);
    assert_ok(tow_grpc_send(fixture->call, "open", 4, NULL, 0, &fixture->err), fixture->err);
}

void fixture_begin(struct fixture *fixture)
{
    fixture_serve(fixture);
    fixture_connect(fixture);
    fixture_start(fixture);
}

/* ---- the client ------------------------------------------------------------------------------ */

int fixture_has_ended(struct fixture *fixture)
{
    return tow_grpc_status_of(fixture->call) != NULL;
}

int fixture_all_acked(struct fixture *fixture)
{
    return fixture->acked == fixture->sent;
}

void fixture_take(struct fixture *fixture)
{
    const void *bytes;
    size_t length;

    while (tow_grpc_receive(fixture->call, &bytes, &length) == TOW_OK) {
        if (length == 6) {
            assert_memory_equal(bytes, "opened", 6);
            continue;
        }
        assert_int_equal(length, sizeof fixture->acked);
        memcpy(&fixture->acked, bytes, length);
    }
}

/* The error of a lost connection shows in the calls' status, too. */
static void fixture_step(struct fixture *fixture, int64_t deadline_ms)
{
    int64_t left = deadline_ms - tow_monotonic_ms();

    if (left <= 0)
        fail_msg("nothing happened in time: %llu sent, %llu acknowledged",
                 (unsigned long long)fixture->sent, (unsigned long long)fixture->acked);
    if (tow_grpc_run(fixture->grpc, (int)left, &fixture->err) != TOW_OK &&
        !fixture_has_ended(fixture))
        fail_msg("the connection is lost, but not the call: %s", fixture->err.message);
    fixture_take(fixture);
}

void fixture_run_until(struct fixture *fixture, int (*done)(struct fixture *fixture))
{
    int64_t deadline_ms = tow_monotonic_ms() + FIXTURE_LIMIT_MS;

    while (!done(fixture))
        fixture_step(fixture, deadline_ms);
}

void fixture_upload(struct fixture *fixture, uint64_t most)
{
    int64_t deadline_ms = tow_monotonic_ms() + FIXTURE_LIMIT_MS;

    while (!fixture_has_ended(fixture) && (!most || fixture->sent < most)) {
        while (tow_grpc_unsent_bytes(fixture->call) < FIXTURE_UNSENT &&
               (!most || fixture->sent < most) && !fixture_has_ended(fixture)) {
            assert_ok(tow_grpc_send(fixture->call, "head of message", 15, fixture->body,
                                    sizeof fixture->body, &fixture->err),
                      fixture->err);
            fixture->sent++;
        }
        fixture_step(fixture, deadline_ms);
    }
}

void fixture_ended_promptly(struct fixture *fixture, int code)
{
    const struct tow_grpc_status *status = tow_grpc_status_of(fixture->call);
    int64_t took_ms = tow_monotonic_ms() - fixture->fault_ms;

    assert_non_null(status);
    if (status->code != code)
        fail_msg("ended with %s (%s), not with %s", tow_grpc_code_name(status->code),
                 status->message, tow_grpc_code_name(code));
    if (took_ms > 1000)
        fail_msg("it took %lld ms", (long long)took_ms);
}
