/*
 * A gRPC server in a thread of its own, on 127.0.0.1 and a free port, that can misbehave in every
 * way that a real one, or a network, can. nghttp2, plain or over TLS.
 *
 * A service's functions are called in the server's thread, and what they do (grpc_peer_...) is
 * written together when they return: several frames in one write. What cannot be done fails the
 * test.
 */
#ifndef TESTS_UNIT_GRPC_SERVER_H
#define TESTS_UNIT_GRPC_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct grpc_server;
struct grpc_peer; /* a call, as the server has it */

struct grpc_service {
    void (*begin)(void *context, struct grpc_peer *peer); /* its headers have come; may be NULL */
    /* `bytes` without gRPC's prefix. */
    void (*message)(void *context, struct grpc_peer *peer, const void *bytes, size_t length);
    void (*half_close)(void *context, struct grpc_peer *peer); /* NULL: finishes with OK */
    void (*closed)(void *context, struct grpc_peer *peer);     /* last call for it; may be NULL */
    void *context;
};

struct grpc_server_options {
    struct grpc_service service;
    const char *certificate; /* PEM with key: TLS; NULL: plain */
    int tls_max;             /* an OpenSSL version; 0: the newest */
    int no_alpn;             /* 1: TLS without HTTP/2 */
    int asks_client;         /* 1: clients need a certificate that `certificate` vouches for */
    int is_mute;             /* 1: accepts connections and says nothing, nor reads */
    const char *says;        /* sent to whoever connects instead of HTTP/2; NULL: HTTP/2 */
    uint32_t window;         /* of each call; 0: 65535 */
    uint32_t frame_max;      /* 0: 16384 */
};

struct grpc_server *grpc_server_new(const struct grpc_server_options *options);
void grpc_server_free(struct grpc_server *server);
int grpc_server_port(const struct grpc_server *server);
/* "http://127.0.0.1:PORT" or https. */
const char *grpc_server_url(const struct grpc_server *server);
/* Connections accepted so far. */
int grpc_server_connections(struct grpc_server *server);
/* Runs `work` in the server's thread, between two events, and waits for its end. */
void grpc_server_do(struct grpc_server *server, void (*work)(void *context), void *context);
/* No connection that there is now is touched any more. */
void grpc_server_freeze(struct grpc_server *server);
/* No new connections are accepted: they are refused. */
void grpc_server_stop_listening(struct grpc_server *server);

/* ---- what a service may do, in the server's thread ------------------------------------------- */

/* Room for the service's own data about a call; NULL at first. */
void **grpc_peer_data(struct grpc_peer *peer);
/* Number of the connection, from 1, and of the call on it, from 1. */
int grpc_peer_connection(const struct grpc_peer *peer);
/* Value of a request's header or pseudo-header; NULL where there is none. */
const char *grpc_peer_header(const struct grpc_peer *peer, const char *name);
/* Adds to the answer's headers, before they are sent. */
void grpc_peer_add_header(struct grpc_peer *peer, const char *name, const char *value);

/* Sends the answer's headers. */
void grpc_peer_accept(struct grpc_peer *peer);
/* A message; headers first where they were not sent. */
void grpc_peer_reply(struct grpc_peer *peer, const void *bytes, size_t length);
/* Bytes as they are, without a prefix. */
void grpc_peer_reply_raw(struct grpc_peer *peer, const void *bytes, size_t length);

#define GRPC_FINISH_RESET 1u /* RST_STREAM(NO_ERROR) behind it, where the client has not ended */
/* Trailers; all in one block of headers where none were sent. `status` NULL: no grpc-status;
 * `message`, percent-encoded, may be NULL. */
void grpc_peer_finish(struct grpc_peer *peer, const char *status, const char *message,
                      unsigned how);
/* An answer that is not gRPC. */
void grpc_peer_answer(struct grpc_peer *peer, const char *http_status, const char *content_type,
                      const char *body);
void grpc_peer_reset(struct grpc_peer *peer, uint32_t http2_code);
/* GOAWAY: this call and those before it go on, or (takes_this 0) none does. */
void grpc_peer_wind_up(struct grpc_peer *peer, int takes_this, uint32_t http2_code,
                       const char *text);
/* Closes the TCP connection; with_reset: by RST instead of FIN. What was queued before is written
 * first. */
void grpc_peer_drop(struct grpc_peer *peer, int with_reset);
/* Gives back no more of the call's window, so that the client has to stop. */
void grpc_peer_shut_window(struct grpc_peer *peer);
/* Opens it again. */
void grpc_peer_open_window(struct grpc_peer *peer);
/* The connection is not touched any more: nothing read, nothing written, not even a PING. */
void grpc_peer_freeze(struct grpc_peer *peer);
/* Calls `work` after so long, unless the call is closed before. */
void grpc_peer_later(struct grpc_peer *peer, int milliseconds,
                     void (*work)(void *context, struct grpc_peer *peer), void *context);

#endif
