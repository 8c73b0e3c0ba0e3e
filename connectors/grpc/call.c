/* Calls: messages out, messages in, and what ends them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/grpc/grpc_priv.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define CALL_CONTENT_TYPE "application/grpc"
#define CALL_FIELD_COST   32 /* that HTTP/2 counts for each field besides its text */

/* ---- beginning and end ----------------------------------------------------------------------- */

struct tow_grpc_call *tow_grpc_start(struct tow_grpc *grpc, const struct tow_grpc_request *request,
                                     struct tow_error *err)
{
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : -1;
    struct tow_grpc_call *call;

    if (grpc->failure.code != TOW_OK) {
        tow_error_set(err, grpc->failure.code, "%s", grpc->failure.message);
        return NULL;
    }
    call = calloc(1, sizeof *call);
    if (!call) {
        tow_error_nomem(err);
        return NULL;
    }
    call->grpc = grpc;
    call->deadline_ms = grpc_deadline(tow_monotonic_ms(), timeout_ms);
    if (grpc_session_request(call, request, err) != TOW_OK) {
        free(call);
        return NULL;
    }
    call->next = grpc->calls;
    if (call->next)
        call->next->previous = call;
    grpc->calls = call;
    return call;
}

static void call_drop_outgoing(struct tow_grpc_call *call)
{
    while (call->oldest) {
        struct grpc_outgoing *message = call->oldest;

        call->oldest = message->next;
        free(message);
    }
    call->newest = NULL;
    call->unsent = 0;
    call->unsent_bytes = 0;
}

/* Ends the call unless it has ended; resets its stream where that is open still. */
static void call_end(struct tow_grpc_call *call, const struct tow_grpc_status *status)
{
    struct tow_grpc *grpc = call->grpc;

    if (call->has_ended)
        return;
    call->has_ended = 1;
    call->status = *status;
    call->status.http_status = call->http_status;
    grpc->has_news = 1;
    call_drop_outgoing(call);
    /* The server's end does not close our half: without this it would stay open for ever. Where
     * memory runs out here, it does. */
    if (!call->is_stream_closed)
        nghttp2_submit_rst_stream(grpc->session, NGHTTP2_FLAG_NONE, call->id, NGHTTP2_CANCEL);
}

void grpc_call_fail(struct tow_grpc_call *call, int code, const char *format, ...)
{
    struct tow_grpc_status status = {.code = code};
    char text[sizeof status.message];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tow_grpc_status_say(&status, text, strlen(text), 0);
    call_end(call, &status);
}

void tow_grpc_cancel(struct tow_grpc_call *call)
{
    grpc_call_fail(call, TOW_GRPC_CANCELLED, "cancelled here");
}

void tow_grpc_finish(struct tow_grpc_call *call)
{
    struct tow_grpc *grpc;

    if (!call)
        return;
    grpc = call->grpc;
    tow_grpc_cancel(call);
    nghttp2_session_set_stream_user_data(grpc->session, call->id, NULL);
    nghttp2_session_consume(grpc->session, call->id, call->held);
    if (call->previous)
        call->previous->next = call->next;
    else
        grpc->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    grpc_inbox_release(&call->inbox);
    tow_buffer_release(&call->metadata);
    free(call);
}

const struct tow_grpc_status *tow_grpc_status_of(const struct tow_grpc_call *call)
{
    return call->has_ended ? &call->status : NULL;
}

void tow_grpc_expect(struct tow_grpc_call *call, int expects)
{
    call->expects = expects;
}

/* ---- messages out ---------------------------------------------------------------------------- */

static void call_resume(struct tow_grpc_call *call)
{
    if (!call->is_deferred)
        return;
    call->is_deferred = 0;
    nghttp2_session_resume_data(call->grpc->session, call->id);
}

static struct grpc_outgoing *call_outgoing(const void *head, size_t head_length, uint32_t length)
{
    struct grpc_outgoing *message = malloc(sizeof *message + GRPC_PREFIX + head_length);

    if (!message)
        return NULL;
    *message = (struct grpc_outgoing){.head_length = GRPC_PREFIX + head_length};
    message->head[0] = 0; /* not compressed */
    message->head[1] = (unsigned char)(length >> 24);
    message->head[2] = (unsigned char)(length >> 16);
    message->head[3] = (unsigned char)(length >> 8);
    message->head[4] = (unsigned char)length;
    if (head_length)
        memcpy(message->head + GRPC_PREFIX, head, head_length);
    return message;
}

int tow_grpc_send(struct tow_grpc_call *call, const void *head, size_t head_length,
                  const void *body, size_t body_length, struct tow_error *err)
{
    struct grpc_outgoing *message;

    if (call->has_ended)
        return TOW_OK;
    if (call->is_half_closed)
        return tow_error_set(err, TOW_E_BUG, "a message was sent behind the end of the call");
    if (head_length > UINT32_MAX || body_length > UINT32_MAX - head_length)
        return tow_error_set(err, TOW_E_BUG, "a message of %zu and %zu bytes is too long for gRPC",
                             head_length, body_length);
    message = call_outgoing(head, head_length, (uint32_t)(head_length + body_length));
    if (!message)
        return tow_error_nomem(err);
    message->body = body;
    message->body_length = body_length;
    if (call->newest)
        call->newest->next = message;
    else
        call->oldest = message;
    call->newest = message;
    call->unsent++;
    call->unsent_bytes += message->head_length + body_length;
    call_resume(call);
    return TOW_OK;
}

void tow_grpc_half_close(struct tow_grpc_call *call)
{
    if (call->is_half_closed)
        return;
    call->is_half_closed = 1;
    if (!call->has_ended)
        call_resume(call);
}

size_t tow_grpc_unsent(const struct tow_grpc_call *call)
{
    return call->unsent;
}

uint64_t tow_grpc_unsent_bytes(const struct tow_grpc_call *call)
{
    return call->unsent_bytes;
}

uint64_t tow_grpc_sent(const struct tow_grpc_call *call)
{
    return call->sent;
}

/* The next run of bytes of a message: in its head, or in its body. */
static const unsigned char *call_piece(const struct grpc_outgoing *message, size_t *length)
{
    if (message->taken < message->head_length) {
        *length = message->head_length - (size_t)message->taken;
        return message->head + message->taken;
    }
    *length = (size_t)(message->head_length + message->body_length - message->taken);
    return message->body + (message->taken - message->head_length);
}

static void call_let_go(struct tow_grpc_call *call)
{
    struct grpc_outgoing *message = call->oldest;

    call->oldest = message->next;
    if (!call->oldest)
        call->newest = NULL;
    free(message);
    call->unsent--;
    call->sent++;
    call->grpc->has_news = 1;
}

void grpc_call_take(struct tow_grpc_call *call, unsigned char *into, size_t length)
{
    while (length > 0) {
        struct grpc_outgoing *message = call->oldest;
        size_t count;
        const unsigned char *piece = call_piece(message, &count);

        if (count > length)
            count = length;
        if (count > 0)
            memcpy(into, piece, count);
        into += count;
        length -= count;
        message->taken += count;
        call->unsent_bytes -= count;
        if (message->taken == message->head_length + message->body_length)
            call_let_go(call);
    }
}

/* ---- messages in ----------------------------------------------------------------------------- */

static void call_give_back(struct tow_grpc_call *call, size_t count)
{
    if (count > call->held)
        count = call->held;
    call->held -= count;
    nghttp2_session_consume(call->grpc->session, call->id, count);
}

/* What waits to be taken holds the server back; the beginning of a message must not, or one that is
 * longer than the window would never be complete. */
int grpc_call_data(struct tow_grpc_call *call, const void *bytes, size_t count)
{
    size_t ready = call->inbox.ready;
    uint32_t limit = call->grpc->message_limit, length;

    call->held += count;
    switch (grpc_inbox_put(&call->inbox, bytes, count, limit, &length)) {
    case GRPC_INBOX_NOMEM:
        return -1;
    case GRPC_INBOX_COMPRESSED:
        grpc_call_fail(call, TOW_GRPC_INTERNAL,
                       "%s sent a compressed message, which it was not asked to",
                       call->grpc->link.peer);
        break;
    case GRPC_INBOX_TOO_LONG:
        grpc_call_fail(call, TOW_GRPC_RESOURCE_EXHAUSTED,
                       "%s sent a message of %u bytes; at most %u are taken", call->grpc->link.peer,
                       length, limit);
        break;
    case GRPC_INBOX_OK:
        break;
    }
    if (call->inbox.ready > ready)
        call->grpc->has_news = 1;
    if (call->inbox.ready == 0)
        call_give_back(call, call->held);
    return 0;
}

int tow_grpc_receive(struct tow_grpc_call *call, const void **bytes, size_t *length)
{
    const void *message = grpc_inbox_take(&call->inbox, length);

    if (!message)
        return TOW_END;
    *bytes = message;
    call_give_back(call, call->inbox.ready ? GRPC_PREFIX + *length : call->held);
    return TOW_OK;
}

/* ---- headers and trailers -------------------------------------------------------------------- */

int grpc_call_field(struct tow_grpc_call *call, const void *name, size_t name_length,
                    const void *value, size_t value_length)
{
    struct tow_buffer *metadata = &call->metadata;

    call->metadata_cost += name_length + value_length + CALL_FIELD_COST;
    if (call->metadata_cost > call->grpc->metadata_limit) {
        grpc_call_fail(call, TOW_GRPC_RESOURCE_EXHAUSTED, "%s sent more than %u bytes of metadata",
                       call->grpc->link.peer, call->grpc->metadata_limit);
        return 0;
    }
    if (tow_buffer_append(metadata, name, name_length, NULL) != TOW_OK ||
        tow_buffer_append(metadata, "", 1, NULL) != TOW_OK ||
        tow_buffer_append(metadata, value, value_length, NULL) != TOW_OK ||
        tow_buffer_append(metadata, "", 1, NULL) != TOW_OK)
        return -1;
    return 0;
}

/* nghttp2 lets no NUL through in names and values. */
const char *tow_grpc_metadata_of(const struct tow_grpc_call *call, const char *name)
{
    const char *p = call->metadata.data, *end = p ? p + call->metadata.size : NULL;
    const char *found = NULL;

    while (p < end) {
        const char *value = p + strlen(p) + 1;

        if (strcmp(p, name) == 0)
            found = value;
        p = value + strlen(value) + 1;
    }
    return found;
}

/* 1 where headers show that no gRPC server is speaking. */
static int call_is_foreign(const struct tow_grpc_call *call)
{
    const char *type = tow_grpc_metadata_of(call, "content-type");

    return call->http_status != 200 ||
           (type && strncmp(type, CALL_CONTENT_TYPE, strlen(CALL_CONTENT_TYPE)) != 0);
}

static void call_fail_foreign(struct tow_grpc_call *call)
{
    const char *type = tow_grpc_metadata_of(call, "content-type");

    grpc_call_fail(call, tow_grpc_code_of_http(call->http_status),
                   "%s answered with HTTP status %d and %s instead of gRPC", call->grpc->link.peer,
                   call->http_status, type ? type : "no content type");
}

static int call_http_status(const char *text)
{
    uint64_t status;

    return tow_parse_uint64(text, strlen(text), &status) == TOW_PARSE_OK && status < 1000
               ? (int)status
               : 0;
}

/* A status line may be preceded by interim ones (1xx), which count for nothing. */
void grpc_call_headers(struct tow_grpc_call *call, int is_end)
{
    const char *status = tow_grpc_metadata_of(call, ":status");

    if (call->is_answered)
        return;
    call->http_status = status ? call_http_status(status) : 0;
    if (call->http_status / 100 == 1) {
        call->metadata.size = 0;
        return;
    }
    call->is_answered = 1;
    call->is_accepted = !is_end;
    if (call_is_foreign(call) && !tow_grpc_metadata_of(call, "grpc-status"))
        call_fail_foreign(call);
}

int tow_grpc_is_accepted(const struct tow_grpc_call *call)
{
    return call->is_accepted;
}

void grpc_call_server_end(struct tow_grpc_call *call)
{
    struct tow_grpc_status status = {.is_servers = 1};
    const char *code = tow_grpc_metadata_of(call, "grpc-status");
    const char *message = tow_grpc_metadata_of(call, "grpc-message");

    if (!code) {
        grpc_call_fail(call, TOW_GRPC_UNKNOWN, "%s ended the call without a status",
                       call->grpc->link.peer);
        return;
    }
    status.code = tow_grpc_code_parse(code, strlen(code));
    if (message)
        tow_grpc_status_say(&status, message, strlen(message), 1);
    if (status.code == TOW_GRPC_OK && grpc_inbox_is_broken_off(&call->inbox))
        grpc_call_fail(call, TOW_GRPC_INTERNAL, "%s ended the call in the middle of a message",
                       call->grpc->link.peer);
    else
        call_end(call, &status);
}
