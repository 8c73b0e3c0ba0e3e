/* What the two halves of grpc_server share. */
#ifndef TESTS_UNIT_GRPC_SERVER_PRIV_H
#define TESTS_UNIT_GRPC_SERVER_PRIV_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "grpc_server.h"
#include "towpath/rowtext.h"

/* One connection. */
struct grpc_line {
    struct grpc_line *next;
    struct grpc_server *server;
    int fd;
    int number;
    int calls;
    SSL *ssl;
    nghttp2_session *session;
    struct tow_buffer out;
    size_t written;
    int is_frozen;
    int drops; /* 1: close once all is written; 2: the same, by a reset */
    int is_dead;
    struct grpc_peer *peers;
};

struct grpc_timer {
    struct grpc_timer *next;
    int64_t due_ms;
    void (*work)(void *context, struct grpc_peer *peer);
    void *context;
};

struct grpc_peer {
    struct grpc_peer *next;
    struct grpc_line *line;
    int32_t id;
    int number;
    void *data;
    struct tow_buffer fields; /* of the request: name NUL value NUL ... */
    struct tow_buffer extra;  /* of the answer, likewise */
    struct tow_buffer in;     /* the part of a message that has come */
    struct tow_buffer out;
    size_t taken;
    int was_answered, is_finished, is_half_closed, is_shut, resets;
    char *status, *message; /* of the trailers */
    size_t held;            /* of the window, while it is shut */
    struct grpc_timer *timers;
};

struct grpc_server {
    struct grpc_server_options options;
    char *certificate, *says;
    int fd, port, wake_fd;
    char url[64];
    SSL_CTX *tls;
    pthread_t thread;
    struct grpc_line *lines;

    pthread_mutex_t lock;
    pthread_cond_t done;
    int connections;
    void (*work)(void *context);
    void *work_context;
    int is_stopping, stops_listening;
};

/* grpc_peer.c */
nghttp2_session *grpc_line_session(struct grpc_line *line);
void grpc_peer_free(struct grpc_peer *peer);
/* Does what is due for the call, and lowers *next_ms to what is due next. */
void grpc_peer_tick(struct grpc_peer *peer, int64_t now_ms, int64_t *next_ms);

#endif
