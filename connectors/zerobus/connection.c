/*
 * One connection of a stream, from its login to its end.
 *
 * It sends while nothing is said against it; is paused once the server has signalled that it will
 * close; and drains, half closed, when nothing more is to be sent on it, so that acknowledgements
 * under way still count.
 */
#include <stdio.h>
#include <string.h>

#include "connectors/zerobus/stream_priv.h"
#include "towpath/clock.h"

#define CONNECTION_FEED       ((uint64_t)1 << 20) /* bytes handed to the network ahead of it */
#define CONNECTION_HEALTHY_MS 15000

enum connection_phase { PHASE_SENDING, PHASE_PAUSED, PHASE_DRAINING };

struct connection {
    struct tow_zerobus *zerobus;
    struct connection_report *report;
    struct tow_grpc *grpc;
    struct tow_grpc_call *call;
    struct tow_zerobus_headers headers;
    enum connection_phase phase;
    enum connection_end goal;   /* of PHASE_DRAINING */
    int64_t until_ms;           /* end of the phase; GRPC_NEVER: none */
    int64_t opened_ms;          /* 0: not yet */
    int64_t moved_ms;           /* when bytes of requests went out last */
    uint64_t unsent_bytes;      /* as it was then */
    int64_t given, sent, acked; /* requests: handed over, gone out, acknowledged */
    struct request *next_sent;  /* of those handed over, the first that has not gone out */
};

/* ---- opening --------------------------------------------------------------------------------- */

static int connection_dial(struct connection *connection, int64_t deadline_ms,
                           struct tow_error *err)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    const struct tow_zerobus_settings *settings = &zerobus->settings;
    int64_t left_ms = deadline_ms - tow_monotonic_ms();
    const struct tow_grpc_settings channel = {
        .url = settings->endpoint,
        .user_agent = settings->user_agent,
        .ca_file = settings->ca_file,
        .identity = settings->identity,
        .proxy = settings->proxy,
        .connect_timeout_ms = left_ms > 0 ? left_ms : 1,
        .ping_ms = settings->ping_ms,
        .ping_idle_ms = settings->ping_idle_ms,
        .ping_timeout_ms = settings->ping_timeout_ms,
        .cancel_fd = zerobus->stop_fd,
    };

    connection->grpc = tow_grpc_connect(&channel, err);
    return connection->grpc ? TOW_OK : err->code;
}

static int connection_call(struct connection *connection, struct tow_error *err)
{
    const struct tow_zerobus_settings *settings = &connection->zerobus->settings;
    const struct tow_grpc_request request = {.path = TOW_ZEROBUS_PATH,
                                             .metadata = connection->headers.items,
                                             .metadata_count = connection->headers.count};
    struct tow_buffer create = {0};
    int code;

    connection->call = tow_grpc_start(connection->grpc, &request, err);
    if (!connection->call)
        return err->code;
    code = tow_zerobus_put_create(&create, settings->table, settings->format,
                                  &connection->zerobus->descriptor, err);
    if (code == TOW_OK)
        code = tow_grpc_send(connection->call, create.data, create.size, NULL, 0, err);
    tow_grpc_expect(connection->call, 1);
    tow_buffer_release(&create);
    return code;
}

static int connection_read_created(struct connection *connection, const void *bytes, size_t length,
                                   struct tow_error *err)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    struct tow_zerobus_answer answer;
    int code = tow_zerobus_read_answer(bytes, length, &answer, err);

    if (code != TOW_OK)
        return code;
    if (answer.kind != TOW_ZEROBUS_CREATED || answer.stream_id_length == 0)
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "opening a stream for %s: the server's first answer names no stream",
                             zerobus->settings.table);
    if (answer.stream_id_length >= STREAM_ID_MAX)
        answer.stream_id_length = STREAM_ID_MAX - 1;
    pthread_mutex_lock(&zerobus->lock);
    memcpy(zerobus->stream_id, answer.stream_id, answer.stream_id_length);
    zerobus->stream_id[answer.stream_id_length] = '\0';
    pthread_mutex_unlock(&zerobus->lock);
    return TOW_OK;
}

/* The server ended the stream, which is not what was wanted. */
static int connection_refused(const struct connection *connection, const char *what,
                              struct tow_error *err)
{
    const struct tow_grpc_status *status = tow_grpc_status_of(connection->call);
    char text[400];

    (void)snprintf(text, sizeof text, "%s for %s", what, connection->zerobus->settings.table);
    if (status->code == TOW_GRPC_OK)
        return tow_error_set(err, TOW_E_TRANSIENT, "%s: the server ended it", text);
    return tow_grpc_refused(status, text, err);
}

static int connection_await_created(struct connection *connection, int64_t deadline_ms,
                                    struct tow_error *err)
{
    const void *bytes;
    size_t length;

    while (tow_grpc_receive(connection->call, &bytes, &length) != TOW_OK) {
        int wait_ms = grpc_wait_ms(tow_monotonic_ms(), deadline_ms);
        int code;

        if (tow_grpc_status_of(connection->call))
            return connection_refused(connection, "opening a stream", err);
        if (wait_ms == 0)
            return tow_error_set(
                err, TOW_E_TRANSIENT, "opening a stream for %s: no answer from %s within %lld ms",
                connection->zerobus->settings.table, connection->zerobus->settings.endpoint,
                (long long)connection->zerobus->settings.recovery_timeout_ms);
        code = tow_grpc_run(connection->grpc, wait_ms, err);
        if (code != TOW_OK && code != TOW_E_TRANSIENT)
            return code;
    }
    return connection_read_created(connection, bytes, length, err);
}

static int connection_open(struct connection *connection, struct tow_error *err)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    const struct tow_zerobus_login *login = &zerobus->settings.login;
    int64_t timeout_ms = zerobus->settings.recovery_timeout_ms;
    int64_t deadline_ms = grpc_deadline(tow_monotonic_ms(), timeout_ms);
    int code = login->headers(login->context, timeout_ms, &connection->headers, err);

    if (code == TOW_OK)
        code = connection_dial(connection, deadline_ms, err);
    if (code == TOW_OK)
        code = connection_call(connection, err);
    if (code == TOW_OK)
        code = connection_await_created(connection, deadline_ms, err);
    if (code != TOW_OK)
        return code;
    connection->opened_ms = connection->moved_ms = tow_monotonic_ms();
    connection->until_ms = GRPC_NEVER;
    pthread_mutex_lock(&zerobus->lock);
    zerobus->grpc = connection->grpc;
    zerobus->state = TOW_ZEROBUS_OPENED;
    pthread_mutex_unlock(&zerobus->lock);
    stream_notify(zerobus);
    return TOW_OK;
}

/* Whoever sends again begins with the oldest. */
static void connection_close(struct connection *connection)
{
    struct tow_zerobus *zerobus = connection->zerobus;

    pthread_mutex_lock(&zerobus->lock);
    zerobus->grpc = NULL;
    pthread_mutex_unlock(&zerobus->lock);
    tow_grpc_free(connection->grpc);
    pthread_mutex_lock(&zerobus->lock);
    zerobus->unsent = zerobus->open.oldest;
    for (struct request *request = zerobus->open.oldest; request; request = request->next)
        request->sent_ms = 0;
    pthread_mutex_unlock(&zerobus->lock);
    tow_zerobus_headers_release(&connection->headers);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Suspects go one by one. */
static int connection_may_give(const struct connection *connection)
{
    if (connection->phase != PHASE_SENDING || !connection->zerobus->unsent ||
        tow_grpc_status_of(connection->call))
        return 0;
    if (connection->zerobus->suspects > 0)
        return connection->given == connection->acked;
    return tow_grpc_unsent_bytes(connection->call) < CONNECTION_FEED;
}

static int connection_give(struct connection *connection, struct request *request,
                           struct tow_error *err)
{
    char head[TOW_ZEROBUS_HEAD_MAX];
    size_t length = request->end - request->begin;
    size_t head_length = tow_zerobus_put_batch_head(head, connection->zerobus->settings.format,
                                                    connection->given, length);

    if (connection->given == connection->sent) {
        connection->next_sent = request;
        connection->moved_ms = tow_monotonic_ms();
    }
    connection->given++;
    return tow_grpc_send(connection->call, head, head_length,
                         request->body->bytes.data + request->begin, length, err);
}

static int connection_feed(struct connection *connection, struct tow_error *err)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    int code = TOW_OK;

    pthread_mutex_lock(&zerobus->lock);
    while (code == TOW_OK && connection_may_give(connection)) {
        struct request *request = zerobus->unsent;

        zerobus->unsent = request->next;
        code = connection_give(connection, request, err);
    }
    pthread_mutex_unlock(&zerobus->lock);
    tow_grpc_expect(connection->call, connection->given > connection->acked);
    return code;
}

/* Notes when requests have gone out, since their acknowledgement is awaited from then on. */
static void connection_note_sent(struct connection *connection)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    uint64_t unsent_bytes = tow_grpc_unsent_bytes(connection->call);
    int64_t now_ms = tow_monotonic_ms();
    int64_t sent = (int64_t)tow_grpc_sent(connection->call) - 1; /* the first opens the stream */

    if (unsent_bytes != connection->unsent_bytes)
        connection->moved_ms = now_ms;
    connection->unsent_bytes = unsent_bytes;
    if (sent == connection->sent)
        return;
    pthread_mutex_lock(&zerobus->lock);
    for (; connection->sent < sent; connection->sent++) {
        connection->next_sent->sent_ms = now_ms;
        connection->next_sent = connection->next_sent->next;
    }
    pthread_mutex_unlock(&zerobus->lock);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int connection_check_ack(const struct connection *connection,
                                const struct tow_zerobus_answer *answer, struct tow_error *err)
{
    const char *table = connection->zerobus->settings.table;

    if (!answer->has_offset)
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "the server acknowledged something for %s without saying what", table);
    if (answer->offset < connection->acked - 1 || answer->offset >= connection->sent)
        return tow_error_set(err, TOW_E_ENV,
                             "the server acknowledged offset %lld for %s, where %lld to %lld could "
                             "have been: nothing it says can be relied on",
                             (long long)answer->offset, table, (long long)connection->acked - 1,
                             (long long)connection->sent - 1);
    return TOW_OK;
}

static void connection_take_ack(struct connection *connection, int64_t offset)
{
    struct tow_zerobus *zerobus = connection->zerobus;

    if (offset < connection->acked)
        return;
    pthread_mutex_lock(&zerobus->lock);
    for (; connection->acked <= offset; connection->acked++) {
        struct request *request = request_list_take(&zerobus->open);

        request_settle(request, &zerobus->pool);
        request_list_append(&zerobus->ended, request);
        zerobus->suspects -= zerobus->suspects > 0;
    }
    pthread_mutex_unlock(&zerobus->lock);
    zerobus->refused_in_a_row = 0;
    stream_notify(zerobus);
}

static void connection_pause(struct connection *connection, int64_t grace_ms)
{
    const struct tow_zerobus_settings *settings = &connection->zerobus->settings;
    int64_t wait_ms =
        settings->pause_ms >= 0 && settings->pause_ms < grace_ms ? settings->pause_ms : grace_ms;

    if (connection->phase != PHASE_SENDING)
        return;
    connection->phase = PHASE_PAUSED;
    connection->until_ms = grpc_deadline(tow_monotonic_ms(), wait_ms);
    stream_log(connection->zerobus, 1,
               "the server will close the stream for %s in %lld ms; another one follows",
               settings->table, (long long)grace_ms);
}

static int connection_take_answer(struct connection *connection, const void *bytes, size_t length,
                                  struct tow_error *err)
{
    struct tow_zerobus_answer answer;
    int code = tow_zerobus_read_answer(bytes, length, &answer, err);

    if (code != TOW_OK)
        return code;
    if (answer.kind == TOW_ZEROBUS_CREATED)
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "the server opened the stream for %s a second time",
                             connection->zerobus->settings.table);
    if (answer.kind == TOW_ZEROBUS_CLOSE)
        connection_pause(connection, answer.grace_ms);
    if (answer.kind != TOW_ZEROBUS_ACK)
        return TOW_OK;
    code = connection_check_ack(connection, &answer, err);
    if (code == TOW_OK)
        connection_take_ack(connection, answer.offset);
    return code;
}

static int connection_receive(struct connection *connection, struct tow_error *err)
{
    const void *bytes;
    size_t length;
    int code = TOW_OK;

    while (code == TOW_OK && tow_grpc_receive(connection->call, &bytes, &length) == TOW_OK)
        code = connection_take_answer(connection, bytes, length, err);
    return code;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* When the oldest request must have been acknowledged. One that has not gone out yet is waited for
 * as long as its bytes move. */
static int64_t connection_ack_deadline_ms(const struct connection *connection)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    int64_t from_ms = connection->moved_ms;

    if (connection->given == connection->acked)
        return GRPC_NEVER;
    pthread_mutex_lock(&zerobus->lock);
    if (zerobus->open.oldest->sent_ms)
        from_ms = zerobus->open.oldest->sent_ms;
    pthread_mutex_unlock(&zerobus->lock);
    return grpc_deadline(from_ms, zerobus->settings.ack_timeout_ms);
}

static void connection_drain(struct connection *connection, enum connection_end goal)
{
    connection->phase = PHASE_DRAINING;
    connection->goal = goal;
    connection->until_ms =
        grpc_deadline(tow_monotonic_ms(), connection->zerobus->settings.drain_ms);
    tow_grpc_half_close(connection->call);
}

static int connection_is_closing(struct connection *connection)
{
    struct tow_zerobus *zerobus = connection->zerobus;
    int is_closing;

    pthread_mutex_lock(&zerobus->lock);
    is_closing = zerobus->is_closing && (!zerobus->open.oldest || zerobus->is_given_up);
    pthread_mutex_unlock(&zerobus->lock);
    return is_closing;
}

/* Moves on to the next phase where it is time to; 1 where the last one is over. */
static int connection_advance(struct connection *connection)
{
    int64_t now_ms = tow_monotonic_ms();

    if (connection->phase != PHASE_DRAINING && connection_is_closing(connection))
        connection_drain(connection, CONNECTION_CLOSED);
    else if (connection->phase == PHASE_PAUSED &&
             (connection->given == connection->acked || now_ms >= connection->until_ms))
        connection_drain(connection, CONNECTION_ROTATED);
    return connection->phase == PHASE_DRAINING && now_ms >= connection->until_ms;
}

static int connection_check_time(const struct connection *connection, struct tow_error *err)
{
    const struct tow_zerobus_settings *settings = &connection->zerobus->settings;

    if (connection->phase == PHASE_DRAINING ||
        tow_monotonic_ms() < connection_ack_deadline_ms(connection))
        return TOW_OK;
    return tow_error_set(err, TOW_E_TRANSIENT,
                         "%s has not acknowledged what was sent to %s for %lld ms",
                         settings->endpoint, settings->table, (long long)settings->ack_timeout_ms);
}

static int connection_wait_ms(const struct connection *connection)
{
    int64_t until_ms = connection_ack_deadline_ms(connection);

    if (connection->phase == PHASE_DRAINING || connection->until_ms < until_ms)
        until_ms = connection->until_ms;
    return grpc_wait_ms(tow_monotonic_ms(), until_ms);
}

/* ---- the end --------------------------------------------------------------------------------- */

static int connection_is_content_refused(const struct connection *connection, int status)
{
    return (status == TOW_GRPC_INVALID_ARGUMENT || status == TOW_GRPC_OUT_OF_RANGE) &&
           connection->given > connection->acked;
}

/* The server's end of the stream, in whatever phase it came. */
static enum connection_end connection_judge(struct connection *connection, struct tow_error *err)
{
    const struct tow_grpc_status *status = tow_grpc_status_of(connection->call);
    struct tow_zerobus *zerobus = connection->zerobus;
    int code;

    if (status->is_servers && connection_is_content_refused(connection, status->code)) {
        (void)snprintf(zerobus->refusal, sizeof zerobus->refusal, "%s", status->message);
        connection->report->is_oldest_guilty = connection->given == connection->acked + 1;
        if (zerobus->suspects == 0)
            zerobus->suspects = (size_t)(connection->given - connection->acked);
        connection_refused(connection, "the stream", err);
        return CONNECTION_REFUSED;
    }
    if (connection->phase == PHASE_DRAINING)
        return connection->goal;
    code = connection_refused(connection, "the stream", err);
    if (connection->phase == PHASE_PAUSED && (code == TOW_E_TRANSIENT || code == TOW_E_RATE))
        return CONNECTION_ROTATED;
    return CONNECTION_BROKEN;
}

static enum connection_end connection_run(struct connection *connection, struct tow_error *err)
{
    for (;;) {
        int code, lost;

        if (connection_advance(connection))
            return connection->goal;
        code = connection_feed(connection, err);
        if (code != TOW_OK)
            return CONNECTION_BROKEN;
        lost = tow_grpc_run(connection->grpc, connection_wait_ms(connection), err);
        if (lost != TOW_OK && lost != TOW_E_TRANSIENT)
            return CONNECTION_BROKEN;
        connection_note_sent(connection);
        code = connection_receive(connection, err);
        if (code == TOW_OK && !tow_grpc_status_of(connection->call))
            code = connection_check_time(connection, err);
        if (code != TOW_OK)
            return CONNECTION_BROKEN;
        if (tow_grpc_status_of(connection->call))
            return connection_judge(connection, err);
    }
}

enum connection_end connection_live(struct tow_zerobus *zerobus, struct connection_report *report,
                                    struct tow_error *err)
{
    struct connection connection = {.zerobus = zerobus, .report = report, .until_ms = GRPC_NEVER};
    const struct tow_zerobus_login *login = &zerobus->settings.login;
    enum connection_end end = CONNECTION_BROKEN;

    *report = (struct connection_report){0};
    if (connection_open(&connection, err) == TOW_OK) {
        report->was_opened = 1;
        end = connection_run(&connection, err);
        report->was_useful = connection.acked > 0 ||
                             tow_monotonic_ms() - connection.opened_ms >= CONNECTION_HEALTHY_MS;
    }
    if (end == CONNECTION_BROKEN && err->code == TOW_E_AUTH && login->refused)
        login->refused(login->context, &connection.headers);
    connection_close(&connection);
    return end;
}
