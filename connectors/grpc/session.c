/*
 * HTTP/2 by nghttp2: its callbacks, and how a request looks. Calls are found by the stream's user
 * data, which goes when the call is freed, so that no frame of a stream that lingers finds it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/grpc/grpc_priv.h"

#define SESSION_FIELDS_OWN  9                 /* that a request has besides the caller's metadata */
#define SESSION_TIMEOUT_MAX INT64_C(99999999) /* grpc-timeout has at most eight digits */
#define SESSION_WINDOWS     4                 /* of calls, that the connection's window is worth */

static struct tow_grpc_call *session_call(nghttp2_session *session, int32_t id)
{
    return id > 0 ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

static ssize_t session_on_send(nghttp2_session *session, const uint8_t *bytes, size_t length,
                               int flags, void *context)
{
    struct tow_grpc *grpc = context;
    unsigned char *room;

    (void)session;
    (void)flags;
    if (length > GRPC_FRAME_MAX)
        length = GRPC_FRAME_MAX;
    room = grpc_outbox_room(&grpc->out, &grpc->link, length);
    if (!room)
        return NGHTTP2_ERR_WOULDBLOCK;
    memcpy(room, bytes, length);
    grpc->out.end += length;
    return (ssize_t)length;
}

static ssize_t session_data_size(nghttp2_session *session, uint8_t type, int32_t id,
                                 int32_t connection_window, int32_t stream_window,
                                 uint32_t frame_max, void *context)
{
    ssize_t size = (ssize_t)GRPC_FRAME_MAX;

    (void)session;
    (void)type;
    (void)id;
    (void)context;
    if (size > connection_window)
        size = connection_window;
    if (size > stream_window)
        size = stream_window;
    return size > (ssize_t)frame_max ? (ssize_t)frame_max : size;
}

/* Says how much of the next frame there is; session_put_data then copies it. */
static ssize_t session_on_want_data(nghttp2_session *session, int32_t id, uint8_t *buffer,
                                    size_t length, uint32_t *flags, nghttp2_data_source *source,
                                    void *context)
{
    struct tow_grpc_call *call = session_call(session, id);

    (void)buffer;
    (void)source;
    (void)context;
    if (!call || call->has_ended)
        return NGHTTP2_ERR_DEFERRED;
    if (call->unsent_bytes < length)
        length = (size_t)call->unsent_bytes;
    if (length == 0 && !call->is_half_closed) {
        call->is_deferred = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (call->is_half_closed && length == call->unsent_bytes) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        call->is_end_sent = 1;
    }
    return (ssize_t)length;
}

static int session_put_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                            size_t length, nghttp2_data_source *source, void *context)
{
    enum { FRAME_HEAD = 9 };
    struct tow_grpc *grpc = context;
    struct tow_grpc_call *call = session_call(session, frame->hd.stream_id);
    unsigned char *room;

    (void)source;
    if (!call || call->has_ended)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    room = grpc_outbox_room(&grpc->out, &grpc->link, FRAME_HEAD + length);
    if (!room)
        return NGHTTP2_ERR_WOULDBLOCK;
    memcpy(room, head, FRAME_HEAD);
    grpc_call_take(call, room + FRAME_HEAD, length);
    grpc->out.end += FRAME_HEAD + length;
    return 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static int session_nomem(struct tow_grpc *grpc)
{
    tow_error_nomem(&grpc->failure);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int session_on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                           const uint8_t *bytes, size_t length, void *context)
{
    struct tow_grpc_call *call = session_call(session, id);

    (void)flags;
    if (call && !call->has_ended)
        return grpc_call_data(call, bytes, length) == 0 ? 0 : session_nomem(context);
    /* Nobody wants them: the window is given back at once. */
    nghttp2_session_consume(session, id, length);
    return 0;
}

static int session_on_field(nghttp2_session *session, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_length, const uint8_t *value,
                            size_t value_length, uint8_t flags, void *context)
{
    struct tow_grpc_call *call = session_call(session, frame->hd.stream_id);

    (void)flags;
    if (!call || call->has_ended)
        return 0;
    return grpc_call_field(call, name, name_length, value, value_length) == 0
               ? 0
               : session_nomem(context);
}

/* Text from outside, for a message: one line of visible ASCII. */
static void session_keep_text(char *into, const void *text, size_t length)
{
    const char *from = text;
    size_t size = length < GRPC_DEBUG_TEXT_MAX ? length : GRPC_DEBUG_TEXT_MAX - 1;

    for (size_t i = 0; i < size; i++)
        into[i] = from[i];
    for (size_t i = 0; i < size; i++)
        if (into[i] < ' ' || into[i] > '~')
            into[i] = '?';
    into[size] = '\0';
}

static void session_on_goaway(struct tow_grpc *grpc, const nghttp2_goaway *goaway)
{
    grpc->is_winding_up = 1;
    grpc->has_news = 1;
    grpc->goaway_code = goaway->error_code;
    session_keep_text(grpc->goaway_text, goaway->opaque_data, goaway->opaque_data_len);
}

static int session_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct tow_grpc *grpc = context;
    struct tow_grpc_call *call = session_call(session, frame->hd.stream_id);
    int is_end = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                 frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    if (frame->hd.type == NGHTTP2_SETTINGS)
        grpc->settings_deadline_ms = GRPC_NEVER;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        session_on_goaway(grpc, &frame->goaway);
    if (!call || call->has_ended)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        grpc_call_headers(call, is_end);
    if (is_end)
        grpc_call_server_end(call);
    return 0;
}

static int session_on_close(nghttp2_session *session, int32_t id, uint32_t http2_code,
                            void *context)
{
    struct tow_grpc *grpc = context;
    struct tow_grpc_call *call = session_call(session, id);

    if (!call)
        return 0;
    call->is_stream_closed = 1;
    if (grpc->is_winding_up && http2_code == NGHTTP2_REFUSED_STREAM)
        grpc_call_fail(call, TOW_GRPC_UNAVAILABLE, "%s takes no more calls (GOAWAY %u%s%s)",
                       grpc->link.peer, grpc->goaway_code, grpc->goaway_text[0] ? ": " : "",
                       grpc->goaway_text);
    else
        grpc_call_fail(call, tow_grpc_code_of_reset(http2_code),
                       "%s reset the call without a status (RST_STREAM %s)", grpc->link.peer,
                       nghttp2_http2_strerror(http2_code));
    return 0;
}

static int session_on_complaint(nghttp2_session *session, int code, const char *text, size_t length,
                                void *context)
{
    struct tow_grpc *grpc = context;

    (void)session;
    (void)code;
    session_keep_text(grpc->complaint, text, length);
    return 0;
}

/* ---- the session ----------------------------------------------------------------------------- */

static void session_set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_callback(callbacks, session_on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, session_put_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, session_data_size);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, session_on_data);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, session_on_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, session_on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, session_on_close);
    nghttp2_session_callbacks_set_error_callback2(callbacks, session_on_complaint);
}

static int session_make(struct tow_grpc *grpc)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int failed = nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&option);

    if (!failed) {
        session_set_callbacks(callbacks);
        nghttp2_option_set_no_auto_window_update(option, 1);
        failed = nghttp2_session_client_new2(&grpc->session, callbacks, grpc, option);
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return failed;
}

int grpc_session_open(struct tow_grpc *grpc, uint32_t window, struct tow_error *err)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, grpc->metadata_limit},
    };
    int64_t all = (int64_t)window * SESSION_WINDOWS;

    if (all > INT32_MAX)
        all = INT32_MAX;
    if (session_make(grpc) ||
        nghttp2_submit_settings(grpc->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof *settings) ||
        nghttp2_session_set_local_window_size(grpc->session, NGHTTP2_FLAG_NONE, 0, (int32_t)all))
        return tow_error_nomem(err);
    return TOW_OK;
}

static void session_fail(struct tow_grpc *grpc, int result)
{
    if (grpc->failure.code != TOW_OK)
        return;
    if (result == NGHTTP2_ERR_NOMEM)
        tow_error_nomem(&grpc->failure);
    else
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT, "HTTP/2 with %s: %s", grpc->link.peer,
                      nghttp2_strerror(result));
}

void grpc_session_send(struct tow_grpc *grpc)
{
    int result = nghttp2_session_send(grpc->session);

    if (result != 0)
        session_fail(grpc, result);
    grpc_outbox_flush(&grpc->out, &grpc->link);
}

void grpc_session_receive(struct tow_grpc *grpc, const unsigned char *bytes, size_t count)
{
    ssize_t result = nghttp2_session_mem_recv(grpc->session, bytes, count);

    if (result < 0)
        session_fail(grpc, (int)result);
}

/* ---- requests -------------------------------------------------------------------------------- */

static nghttp2_nv session_field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Names that gRPC keeps to itself must not come from a caller. */
static int session_check_metadata(const struct tow_grpc_metadata *metadata, struct tow_error *err)
{
    const char *name = metadata->name, *value = metadata->value;

    if (!nghttp2_check_header_name((const uint8_t *)name, strlen(name)) || name[0] == ':' ||
        strncmp(name, "grpc-", 5) == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "\"%s\" cannot be the name of gRPC metadata: small letters, digits, "
                             "'-', '_' and '.', and not grpc-...",
                             name);
    if (!nghttp2_check_header_value((const uint8_t *)value, strlen(value)))
        return tow_error_set(err, TOW_E_CONFIG,
                             "the value of gRPC metadata \"%s\" has bytes that HTTP does not carry",
                             name);
    return TOW_OK;
}

static int session_add_metadata(nghttp2_nv *fields, size_t *count,
                                const struct tow_grpc_request *request, struct tow_error *err)
{
    for (size_t i = 0; i < request->metadata_count; i++) {
        int code = session_check_metadata(&request->metadata[i], err);

        if (code != TOW_OK)
            return code;
        fields[*count] = session_field(request->metadata[i].name, request->metadata[i].value);
        if (request->metadata[i].is_secret)
            fields[*count].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
        (*count)++;
    }
    return TOW_OK;
}

/* Milliseconds, as long as they fit into its eight digits. */
static void session_put_timeout(char *text, size_t size, int64_t timeout_ms)
{
    if (timeout_ms <= SESSION_TIMEOUT_MAX)
        (void)snprintf(text, size, "%lldm", (long long)timeout_ms);
    else if (timeout_ms / 1000 <= SESSION_TIMEOUT_MAX)
        (void)snprintf(text, size, "%lldS", (long long)(timeout_ms / 1000));
    else
        (void)snprintf(text, size, "%lldS", (long long)SESSION_TIMEOUT_MAX);
}

static int session_submit(struct tow_grpc_call *call, const nghttp2_nv *fields, size_t count,
                          struct tow_error *err)
{
    struct tow_grpc *grpc = call->grpc;
    const nghttp2_data_provider provider = {.read_callback = session_on_want_data};

    call->id = nghttp2_submit_request(grpc->session, NULL, fields, count, &provider, call);
    if (call->id == NGHTTP2_ERR_NOMEM)
        return tow_error_nomem(err);
    if (call->id < 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "%s takes no more calls: %s", grpc->link.peer,
                             nghttp2_strerror(call->id));
    return TOW_OK;
}

int grpc_session_request(struct tow_grpc_call *call, const struct tow_grpc_request *request,
                         struct tow_error *err)
{
    struct tow_grpc *grpc = call->grpc;
    nghttp2_nv *fields = calloc(SESSION_FIELDS_OWN + request->metadata_count, sizeof *fields);
    char timeout[16];
    size_t count = 0;
    int code;

    if (!fields)
        return tow_error_nomem(err);
    fields[count++] = session_field(":method", "POST");
    fields[count++] = session_field(":scheme", grpc->address.is_secure ? "https" : "http");
    fields[count++] = session_field(":path", request->path);
    fields[count++] = session_field(":authority", grpc->address.authority);
    fields[count++] = session_field("te", "trailers");
    if (request->timeout_ms > 0) {
        session_put_timeout(timeout, sizeof timeout, request->timeout_ms);
        fields[count++] = session_field("grpc-timeout", timeout);
    }
    fields[count++] = session_field("content-type", "application/grpc");
    fields[count++] = session_field("grpc-accept-encoding", "identity");
    fields[count++] = session_field("user-agent", grpc->user_agent);
    code = session_add_metadata(fields, &count, request, err);
    if (code == TOW_OK)
        code = session_submit(call, fields, count, err);
    free(fields);
    return code;
}
