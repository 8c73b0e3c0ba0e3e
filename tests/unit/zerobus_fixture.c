#include "zerobus_fixture.h"

#include <poll.h>
#include <signal.h>

#include "certificate.h"
#include "towpath/clock.h"

/* ---- the login ------------------------------------------------------------------------------- */

static int login_headers(void *context, int64_t timeout_ms, struct tow_zerobus_headers *headers,
                         struct tow_error *err)
{
    struct zerobus_fixture *fixture = context;
    int code =
        tow_zerobus_headers_add(headers, TOW_ZEROBUS_TABLE_HEADER, "main.default.events", 0, err);

    assert_true(timeout_ms > 0);
    fixture->logins++;
    if (code == TOW_OK && fixture->token)
        code = tow_zerobus_headers_add(
            headers, "authorization",
            fixture->refusals && fixture->new_token ? fixture->new_token : fixture->token, 1, err);
    return code;
}

static void login_refused(void *context, const struct tow_zerobus_headers *headers)
{
    struct zerobus_fixture *fixture = context;

    assert_non_null(tow_zerobus_headers_find(headers, TOW_ZEROBUS_TABLE_HEADER));
    fixture->refusals++;
}

static void keep_log(void *context, int is_detail, const char *message)
{
    struct zerobus_fixture *fixture = context;

    (void)is_detail;
    fixture->signals += strstr(message, "will close the stream") != NULL;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int zerobus_setup(void **state, int is_tls)
{
    struct zerobus_fixture *fixture = calloc(1, sizeof *fixture);
    void *scratch = NULL;

    assert_non_null(fixture);
    signal(SIGPIPE, SIG_IGN);
    scratch_setup(&scratch);
    fixture->scratch = scratch;
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    fixture->token = "Bearer good";
    fixture->settings = (struct tow_zerobus_settings){
        .table = "main.default.events",
        .format = TOW_ZEROBUS_JSON,
        .login = {login_headers, login_refused, fixture},
        .proxy = "",
        .recovery_timeout_ms = 5000,
        .recovery_backoff_ms = 20,
        .flush_timeout_ms = 10000,
        .pause_ms = -1,
        .log = keep_log,
        .log_context = fixture,
        .cancel_fd = -1,
    };
    if (is_tls) {
        (void)snprintf(fixture->certificate, sizeof fixture->certificate, "%s/server.pem",
                       fixture->scratch->folder);
        certificate_write(fixture->certificate, "DNS:localhost,IP:127.0.0.1");
        fixture->options.certificate = fixture->settings.ca_file = fixture->certificate;
    }
    *state = fixture;
    return 0;
}

int zerobus_setup_plain(void **state)
{
    return zerobus_setup(state, 0);
}

int zerobus_setup_tls(void **state)
{
    return zerobus_setup(state, 1);
}

int zerobus_teardown(void **state)
{
    struct zerobus_fixture *fixture = *state;
    void *scratch = fixture->scratch;

    tow_zerobus_free(fixture->stream);
    zerobus_server_free(fixture->server);
    free(fixture);
    return scratch_teardown(&scratch);
}

void zerobus_step(struct zerobus_fixture *fixture, struct zerobus_step step)
{
    assert_true(fixture->options.count < sizeof fixture->steps / sizeof *fixture->steps);
    fixture->steps[fixture->options.count++] = step;
    fixture->options.steps = fixture->steps;
}

void zerobus_serve(struct zerobus_fixture *fixture)
{
    fixture->server = zerobus_server_new(&fixture->options);
    fixture->settings.endpoint = zerobus_server_url(fixture->server);
}

void zerobus_start(struct zerobus_fixture *fixture)
{
    zerobus_serve(fixture);
    fixture->stream = tow_zerobus_open(&fixture->settings, &fixture->err);
    if (!fixture->stream)
        fail_msg("open: %s: %s", tow_error_name(fixture->err.code), fixture->err.message);
}

static void zerobus_failed_with(const struct zerobus_fixture *fixture, int got, int code,
                                const char *says)
{
    if (got != code)
        fail_msg("%s: %s", tow_error_name(got), fixture->err.message);
    assert_says(fixture->err, says);
}

void zerobus_start_fails(struct zerobus_fixture *fixture, int code, const char *says)
{
    zerobus_serve(fixture);
    assert_null(tow_zerobus_open(&fixture->settings, &fixture->err));
    zerobus_failed_with(fixture, fixture->err.code, code, says);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void body_add(struct tow_buffer *body, const char *text, size_t length)
{
    assert_int_equal(tow_buffer_reserve(body, TOW_ZEROBUS_RECORD_HEAD_MAX + length, NULL), TOW_OK);
    body->size =
        (size_t)(tow_zerobus_put_record_head(body->data + body->size, length) - body->data);
    memcpy(body->data + body->size, text, length);
    body->size += length;
}

static int put(struct zerobus_fixture *fixture, struct tow_buffer *body, size_t count,
               size_t payload)
{
    int code =
        tow_zerobus_put(fixture->stream, fixture->tickets, body, count, payload, &fixture->err);

    if (code == TOW_OK) {
        fixture->put += count;
        fixture->tickets++;
    } else {
        tow_buffer_release(body);
    }
    return code;
}

int zerobus_put_batch(struct zerobus_fixture *fixture, size_t first, size_t count)
{
    struct tow_buffer body = tow_zerobus_buffer(fixture->stream);
    size_t payload = 0;

    for (size_t i = first; i < first + count; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "r%zu", i);

        body_add(&body, text, (size_t)length);
        payload += (size_t)length;
    }
    return put(fixture, &body, count, payload);
}

void zerobus_put_each(struct zerobus_fixture *fixture, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        assert_ok(zerobus_put_batch(fixture, i, 1), fixture->err);
}

int zerobus_put_text(struct zerobus_fixture *fixture, const char *text, size_t length)
{
    struct tow_buffer body = tow_zerobus_buffer(fixture->stream);

    body_add(&body, text, length);
    return put(fixture, &body, 1, length);
}

/* ---- outcomes -------------------------------------------------------------------------------- */

void zerobus_take(struct zerobus_fixture *fixture)
{
    struct tow_zerobus_outcome outcome;

    while (tow_zerobus_next(fixture->stream, &outcome) == TOW_OK) {
        if (!outcome.is_refused) {
            fixture->acked += outcome.count;
            continue;
        }
        fixture->refused += outcome.count;
        (void)snprintf(fixture->last_refused, sizeof fixture->last_refused, "%llu:%zu",
                       (unsigned long long)outcome.ticket, outcome.first);
        (void)snprintf(fixture->refusal, sizeof fixture->refusal, "%s", outcome.message);
    }
}

void zerobus_flush_well(struct zerobus_fixture *fixture)
{
    assert_ok(tow_zerobus_flush(fixture->stream, &fixture->err), fixture->err);
    zerobus_take(fixture);
    assert_int_equal(fixture->acked + fixture->refused, fixture->put);
    assert_int_equal(tow_zerobus_unacknowledged(fixture->stream, NULL), 0);
}

void zerobus_flush_fails(struct zerobus_fixture *fixture, int code, const char *says)
{
    zerobus_failed_with(fixture, tow_zerobus_flush(fixture->stream, &fixture->err), code, says);
    zerobus_take(fixture);
}

/* There is nothing to wait on but the outcomes themselves. */
static void zerobus_look_again(int64_t deadline_ms, const char *what)
{
    if (tow_monotonic_ms() > deadline_ms)
        fail_msg("%s did not happen in time", what);
    poll(NULL, 0, 1);
}

void zerobus_await_acked(struct zerobus_fixture *fixture, size_t records)
{
    int64_t deadline_ms = tow_monotonic_ms() + 10000;

    for (zerobus_take(fixture); fixture->acked < records; zerobus_take(fixture))
        zerobus_look_again(deadline_ms, "an acknowledgement");
}

void zerobus_await_signals(struct zerobus_fixture *fixture, int signals)
{
    int64_t deadline_ms = tow_monotonic_ms() + 10000;

    while (fixture->signals < signals)
        zerobus_look_again(deadline_ms, "the server's signal");
}

void zerobus_await_failed(struct zerobus_fixture *fixture, int code, const char *says)
{
    int64_t deadline_ms = tow_monotonic_ms() + 10000;
    int got;

    while ((got = tow_zerobus_failure(fixture->stream, &fixture->err)) == TOW_OK)
        zerobus_look_again(deadline_ms, "the failure");
    zerobus_failed_with(fixture, got, code, says);
    assert_int_equal(tow_zerobus_state(fixture->stream), TOW_ZEROBUS_FAILED);
}

void zerobus_stored_once(struct zerobus_fixture *fixture, size_t records)
{
    for (size_t i = 0; i < records; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "r%zu", i);
        if (zerobus_server_stored(fixture->server, text) != 1)
            fail_msg("%s was stored %zu times", text, zerobus_server_stored(fixture->server, text));
    }
}
