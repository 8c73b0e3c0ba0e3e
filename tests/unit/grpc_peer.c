/* The server's side of calls: nghttp2's callbacks, and what a service may do. */

#include "grpc_server_priv.h"
#include "towpath/clock.h"
#include "unit.h"

#define PEER_PREFIX 5

static void peer_append(struct tow_buffer *buffer, const void *bytes, size_t length)
{
    assert_int_equal(tow_buffer_append(buffer, bytes, length, NULL), TOW_OK);
}

static void peer_append_field(struct tow_buffer *buffer, const void *name, size_t name_length,
                              const void *value, size_t value_length)
{
    peer_append(buffer, name, name_length);
    peer_append(buffer, "", 1);
    peer_append(buffer, value, value_length);
    peer_append(buffer, "", 1);
}

static const struct grpc_service *peer_service(const struct grpc_peer *peer)
{
    return &peer->line->server->options.service;
}

static nghttp2_nv peer_field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* ---- answers --------------------------------------------------------------------------------- */

static void peer_submit_trailers(struct grpc_peer *peer)
{
    nghttp2_nv fields[2];
    size_t count = 0;

    if (peer->status)
        fields[count++] = peer_field("grpc-status", peer->status);
    if (peer->message)
        fields[count++] = peer_field("grpc-message", peer->message);
    assert_int_equal(nghttp2_submit_trailer(peer->line->session, peer->id, fields, count), 0);
}

static ssize_t peer_on_want_data(nghttp2_session *session, int32_t id, uint8_t *buffer,
                                 size_t length, uint32_t *flags, nghttp2_data_source *source,
                                 void *context)
{
    struct grpc_peer *peer = nghttp2_session_get_stream_user_data(session, id);
    size_t left = peer->out.size - peer->taken;

    (void)source;
    (void)context;
    if (length > left)
        length = left;
    if (length > 0)
        memcpy(buffer, peer->out.data + peer->taken, length);
    peer->taken += length;
    if (peer->taken == peer->out.size)
        peer->taken = peer->out.size = 0;
    if (peer->out.size > 0 || !peer->is_finished)
        return length > 0 ? (ssize_t)length : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (peer->status || peer->message) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        peer_submit_trailers(peer);
    }
    return (ssize_t)length;
}

static size_t peer_extra_fields(const struct grpc_peer *peer, nghttp2_nv *fields)
{
    const char *p = peer->extra.data, *end = p ? p + peer->extra.size : p;
    size_t count = 0;

    for (; p < end && count < 8; count++) {
        const char *value = p + strlen(p) + 1;

        fields[count] = peer_field(p, value);
        p = value + strlen(value) + 1;
    }
    return count;
}

void grpc_peer_accept(struct grpc_peer *peer)
{
    const nghttp2_data_provider provider = {.read_callback = peer_on_want_data};
    nghttp2_nv fields[10] = {peer_field(":status", "200"),
                             peer_field("content-type", "application/grpc")};
    size_t count = 2 + peer_extra_fields(peer, fields + 2);

    if (peer->was_answered)
        return;
    peer->was_answered = 1;
    assert_int_equal(
        nghttp2_submit_response(peer->line->session, peer->id, fields, count, &provider), 0);
}

void grpc_peer_reply_raw(struct grpc_peer *peer, const void *bytes, size_t length)
{
    grpc_peer_accept(peer);
    peer_append(&peer->out, bytes, length);
    nghttp2_session_resume_data(peer->line->session, peer->id);
}

void grpc_peer_reply(struct grpc_peer *peer, const void *bytes, size_t length)
{
    const unsigned char prefix[PEER_PREFIX] = {0, (unsigned char)(length >> 24),
                                               (unsigned char)(length >> 16),
                                               (unsigned char)(length >> 8), (unsigned char)length};

    grpc_peer_reply_raw(peer, prefix, sizeof prefix);
    grpc_peer_reply_raw(peer, bytes, length);
}

static void peer_finish_at_once(struct grpc_peer *peer)
{
    nghttp2_nv fields[4] = {peer_field(":status", "200"),
                            peer_field("content-type", "application/grpc")};
    size_t count = 2;

    if (peer->status)
        fields[count++] = peer_field("grpc-status", peer->status);
    if (peer->message)
        fields[count++] = peer_field("grpc-message", peer->message);
    peer->was_answered = 1;
    assert_int_equal(nghttp2_submit_response(peer->line->session, peer->id, fields, count, NULL),
                     0);
}

void grpc_peer_finish(struct grpc_peer *peer, const char *status, const char *message, unsigned how)
{
    if (peer->is_finished)
        return;
    peer->is_finished = 1;
    peer->resets = how & GRPC_FINISH_RESET && !peer->is_half_closed;
    peer->status = status ? strdup(status) : NULL;
    peer->message = message ? strdup(message) : NULL;
    if (peer->was_answered)
        nghttp2_session_resume_data(peer->line->session, peer->id);
    else
        peer_finish_at_once(peer);
}

void grpc_peer_answer(struct grpc_peer *peer, const char *http_status, const char *content_type,
                      const char *body)
{
    const nghttp2_data_provider provider = {.read_callback = peer_on_want_data};
    const nghttp2_nv fields[2] = {peer_field(":status", http_status),
                                  peer_field("content-type", content_type)};

    peer->was_answered = peer->is_finished = 1;
    peer_append(&peer->out, body, strlen(body));
    assert_int_equal(nghttp2_submit_response(peer->line->session, peer->id, fields, 2, &provider),
                     0);
}

void grpc_peer_reset(struct grpc_peer *peer, uint32_t http2_code)
{
    peer->is_finished = 1;
    nghttp2_submit_rst_stream(peer->line->session, NGHTTP2_FLAG_NONE, peer->id, http2_code);
}

void grpc_peer_wind_up(struct grpc_peer *peer, int takes_this, uint32_t http2_code,
                       const char *text)
{
    nghttp2_submit_goaway(peer->line->session, NGHTTP2_FLAG_NONE, takes_this ? peer->id : 0,
                          http2_code, (const uint8_t *)text, strlen(text));
}

void grpc_peer_drop(struct grpc_peer *peer, int with_reset)
{
    peer->line->drops = with_reset ? 2 : 1;
}

void grpc_peer_freeze(struct grpc_peer *peer)
{
    peer->line->is_frozen = 1;
}

void grpc_peer_shut_window(struct grpc_peer *peer)
{
    peer->is_shut = 1;
}

void grpc_peer_open_window(struct grpc_peer *peer)
{
    peer->is_shut = 0;
    nghttp2_session_consume(peer->line->session, peer->id, peer->held);
    peer->held = 0;
}

void grpc_peer_add_header(struct grpc_peer *peer, const char *name, const char *value)
{
    peer_append_field(&peer->extra, name, strlen(name), value, strlen(value));
}

void grpc_peer_later(struct grpc_peer *peer, int milliseconds,
                     void (*work)(void *context, struct grpc_peer *peer), void *context)
{
    struct grpc_timer *timer = malloc(sizeof *timer), **at = &peer->timers;

    assert_non_null(timer);
    *timer = (struct grpc_timer){
        .due_ms = tow_monotonic_ms() + milliseconds, .work = work, .context = context};
    while (*at && (*at)->due_ms <= timer->due_ms)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
}

void grpc_peer_tick(struct grpc_peer *peer, int64_t now_ms, int64_t *next_ms)
{
    while (peer->timers && peer->timers->due_ms <= now_ms) {
        struct grpc_timer *timer = peer->timers;

        peer->timers = timer->next;
        timer->work(timer->context, peer);
        free(timer);
    }
    if (peer->timers && peer->timers->due_ms < *next_ms)
        *next_ms = peer->timers->due_ms;
}

/* ---- what is known of a call ----------------------------------------------------------------- */

void **grpc_peer_data(struct grpc_peer *peer)
{
    return &peer->data;
}

int grpc_peer_connection(const struct grpc_peer *peer)
{
    return peer->line->number;
}

const char *grpc_peer_header(const struct grpc_peer *peer, const char *name)
{
    const char *p = peer->fields.data, *end = p ? p + peer->fields.size : p;

    while (p < end) {
        const char *value = p + strlen(p) + 1;

        if (strcmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

/* ---- nghttp2 --------------------------------------------------------------------------------- */

static struct grpc_peer *peer_of(nghttp2_session *session, int32_t id)
{
    return id > 0 ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

static int peer_on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct grpc_line *line = context;
    struct grpc_peer *peer = calloc(1, sizeof *peer);

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        free(peer);
        return 0;
    }
    assert_non_null(peer);
    peer->line = line;
    peer->id = frame->hd.stream_id;
    peer->number = ++line->calls;
    peer->next = line->peers;
    line->peers = peer;
    return nghttp2_session_set_stream_user_data(session, peer->id, peer);
}

static int peer_on_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_length, const uint8_t *value, size_t value_length,
                         uint8_t flags, void *context)
{
    struct grpc_peer *peer = peer_of(session, frame->hd.stream_id);

    (void)flags;
    (void)context;
    if (peer)
        peer_append_field(&peer->fields, name, name_length, value, value_length);
    return 0;
}

static size_t peer_message_length(const struct grpc_peer *peer, size_t at)
{
    const unsigned char *p = (const unsigned char *)peer->in.data + at;

    assert_int_equal(p[0], 0);
    return (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
}

static void peer_deliver(struct grpc_peer *peer)
{
    const struct grpc_service *service = peer_service(peer);
    size_t at = 0;

    while (peer->in.size - at >= PEER_PREFIX && !peer->line->is_frozen) {
        size_t length = peer_message_length(peer, at);

        if (peer->in.size - at - PEER_PREFIX < length)
            break;
        service->message(service->context, peer, peer->in.data + at + PEER_PREFIX, length);
        at += PEER_PREFIX + length;
    }
    memmove(peer->in.data, peer->in.data + at, peer->in.size - at);
    peer->in.size -= at;
}

static int peer_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                        size_t length, void *context)
{
    struct grpc_peer *peer = peer_of(session, id);

    (void)flags;
    (void)context;
    if (!peer)
        return nghttp2_session_consume(session, id, length);
    peer_append(&peer->in, bytes, length);
    peer_deliver(peer);
    if (peer->is_shut)
        peer->held += length;
    else
        nghttp2_session_consume(session, id, length);
    return 0;
}

static int peer_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct grpc_peer *peer = peer_of(session, frame->hd.stream_id);
    const struct grpc_service *service;

    (void)context;
    if (!peer || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    service = peer_service(peer);
    if (frame->hd.type == NGHTTP2_HEADERS && service->begin)
        service->begin(service->context, peer);
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    peer->is_half_closed = 1;
    if (service->half_close)
        service->half_close(service->context, peer);
    else
        grpc_peer_finish(peer, "0", NULL, 0);
    return 0;
}

/* RST_STREAM goes out behind the trailers, or with the frames that had to wait for the window it
 * would go before them. */
static int peer_on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct grpc_peer *peer = peer_of(session, frame->hd.stream_id);

    (void)context;
    if (peer && peer->resets && frame->hd.type == NGHTTP2_HEADERS &&
        frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, peer->id, NGHTTP2_NO_ERROR);
    return 0;
}

static int peer_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct grpc_line *line = context;
    struct grpc_peer *peer = peer_of(session, id), **at = &line->peers;

    (void)code;
    if (!peer)
        return 0;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    grpc_peer_free(peer);
    return 0;
}

void grpc_peer_free(struct grpc_peer *peer)
{
    const struct grpc_service *service = peer_service(peer);

    if (service->closed)
        service->closed(service->context, peer);
    while (peer->timers) {
        struct grpc_timer *timer = peer->timers;

        peer->timers = timer->next;
        free(timer);
    }
    tow_buffer_release(&peer->fields);
    tow_buffer_release(&peer->extra);
    tow_buffer_release(&peer->in);
    tow_buffer_release(&peer->out);
    free(peer->status);
    free(peer->message);
    free(peer);
}

nghttp2_session *grpc_line_session(struct grpc_line *line)
{
    const struct grpc_server_options *options = &line->server->options;
    const uint32_t window = options->window ? options->window : 65535;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options->frame_max ? options->frame_max : 16384},
    };
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_option *option;

    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, peer_on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, peer_on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, peer_on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, peer_on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, peer_on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, peer_on_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    assert_int_equal(nghttp2_session_server_new2(&session, callbacks, line, option), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    assert_int_equal(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2), 0);
    if (window > 65535)
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, (int32_t)window);
    return session;
}
