/* What the parts of a channel share. One thread at a time. */
#ifndef CONNECTORS_GRPC_GRPC_PRIV_H
#define CONNECTORS_GRPC_GRPC_PRIV_H

#include <nghttp2/nghttp2.h>

#include "connectors/grpc/clock.h"
#include "connectors/grpc/grpc.h"
#include "connectors/grpc/inbox.h"
#include "connectors/grpc/outbox.h"

#define GRPC_DEBUG_TEXT_MAX 200

/* A message on its way out. */
struct grpc_outgoing {
    struct grpc_outgoing *next;
    const unsigned char *body; /* borrowed */
    size_t body_length;
    size_t head_length; /* gRPC's prefix and what the caller gave */
    uint64_t taken;     /* of head and body together */
    unsigned char head[];
};

struct tow_grpc_call {
    struct tow_grpc *grpc;
    struct tow_grpc_call *previous, *next;
    int32_t id;

    struct grpc_outgoing *oldest, *newest;
    size_t unsent;
    uint64_t unsent_bytes;
    uint64_t sent;      /* messages that were taken whole */
    int is_half_closed; /* no more messages will be queued */
    int is_end_sent;    /* and the server has been told */
    int is_deferred;    /* nghttp2 waits for tow_grpc_send or tow_grpc_half_close */

    struct grpc_inbox inbox;
    size_t held; /* received bytes that the server's window was not given back for */
    int expects;
    int64_t deadline_ms;

    struct tow_buffer metadata; /* name NUL value NUL ... */
    size_t metadata_cost;       /* as HTTP/2 counts it */
    int http_status;
    int is_answered; /* the final headers have come */
    int is_accepted; /* and were not all that came */
    int is_stream_closed;
    int has_ended;
    struct tow_grpc_status status;
};

struct tow_grpc {
    struct grpc_link link;
    struct grpc_outbox out;
    nghttp2_session *session;
    struct grpc_address address;
    char *user_agent;
    int wake_fd, cancel_fd;
    int64_t ping_ms, ping_idle_ms, ping_timeout_ms;
    uint32_t message_limit, metadata_limit;

    int64_t settings_deadline_ms; /* for the server's first frame; GRPC_NEVER once it has come */
    int64_t heard_ms;             /* when bytes came last */
    int64_t asked_ms;             /* when a PING went out that nothing has answered; 0: none */
    struct tow_grpc_call *calls;
    int has_news;
    int has_more; /* bytes may be there that poll does not show */
    int is_winding_up;
    uint32_t goaway_code;
    char goaway_text[GRPC_DEBUG_TEXT_MAX]; /* what the server said with it, one line */
    char complaint[GRPC_DEBUG_TEXT_MAX];   /* nghttp2's, about what the server sent */
    struct tow_error failure;              /* code TOW_OK while the connection lives */
};

/* ---- channel.c ------------------------------------------------------------------------------- */

/* The connection is of no more use, for the reason in grpc->failure: ends all calls. */
void grpc_lose(struct tow_grpc *grpc);

/* ---- session.c: HTTP/2 ----------------------------------------------------------------------- */

int grpc_session_open(struct tow_grpc *grpc, uint32_t window, struct tow_error *err);
/* Opens a stream for the call, with its request's header. */
int grpc_session_request(struct tow_grpc_call *call, const struct tow_grpc_request *request,
                         struct tow_error *err);
/* Makes frames of what there is to send, as far as there is room for them. Failures are set in
 * grpc->failure. */
void grpc_session_send(struct tow_grpc *grpc);
/* Takes bytes that were read. */
void grpc_session_receive(struct tow_grpc *grpc, const unsigned char *bytes, size_t count);

/* ---- call.c ---------------------------------------------------------------------------------- */

/* The same with a status made here. */
void grpc_call_fail(struct tow_grpc_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Bytes of DATA. 0, or -1 where memory ran out. */
int grpc_call_data(struct tow_grpc_call *call, const void *bytes, size_t count);
/* Keeps a header field or trailer. 0, or -1 where memory ran out. */
int grpc_call_field(struct tow_grpc_call *call, const void *name, size_t name_length,
                    const void *value, size_t value_length);
/* A block of headers is complete; is_end: and the server's half with it. */
void grpc_call_headers(struct tow_grpc_call *call, int is_end);
/* The server will send nothing more: judges by its trailers. */
void grpc_call_server_end(struct tow_grpc_call *call);
/* Copies `length` of the unsent bytes and lets go of messages that are through. */
void grpc_call_take(struct tow_grpc_call *call, unsigned char *into, size_t length);

#endif
