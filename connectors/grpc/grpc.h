/*
 * gRPC: calls with messages in both directions, on nghttp2's HTTP/2 frames over OpenSSL. libcurl
 * finds names, dials and passes CONNECT proxies, and nothing more.
 *
 * A channel is one connection and carries any number of calls. Channel and calls belong to one
 * thread at a time; tow_grpc_wake alone may come from any. Bytes move only inside tow_grpc_connect
 * and tow_grpc_run, which wait no longer than their time, and end at once where cancel_fd becomes
 * readable.
 *
 * Nothing is repeated and nothing reconnected: a connection that is lost ends its calls, and the
 * channel is to be freed. What had arrived before the loss counts: a call whose trailers were
 * received ends as they say, and messages received before can still be taken.
 *
 * https is verified, TLS 1.2 at least, with ALPN "h2"; plain http (HTTP/2 with prior knowledge)
 * goes to loopback hosts only. No message of this module holds metadata or the user of a proxy:
 * they may be secrets. The process must ignore SIGPIPE.
 */
#ifndef CONNECTORS_GRPC_GRPC_H
#define CONNECTORS_GRPC_GRPC_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/grpc/status.h"
#include "connectors/http/identity.h"
#include "towpath/error.h"

struct tow_grpc;
struct tow_grpc_call;

/* ---- the connection -------------------------------------------------------------------------- */

struct tow_grpc_settings {
    const char *url;        /* "https://host[:port]", nothing behind; http to loopback */
    const char *user_agent; /* NULL: "towpath/<version>" */
    const char *ca_file;    /* PEM, instead of the system's certificates; NULL: the system's */
    struct tow_identity identity; /* shown to a server that asks for it; {NULL}: none */
    /* URL of an HTTP proxy, which is asked to CONNECT, or of a SOCKS proxy; "": none; NULL:
     * grpc_proxy, https_proxy or all_proxy of the environment, in small or capital letters.
     * no_proxy of the environment excepts hosts from any of them. */
    const char *proxy;
    int64_t connect_timeout_ms; /* names, proxy, TCP, TLS, and the server's first frame; 0: 30 s */
    /*
     * A connection from which nothing came for so long is asked by a PING: ping_ms where a call
     * expects something (tow_grpc_expect), ping_idle_ms where none does. It is lost where nothing
     * comes within ping_timeout_ms after that. Servers may hang up on clients that ask more often
     * than every 5 minutes while they send nothing; then channel and calls end with what they said.
     */
    int64_t ping_ms;         /* 0: 20 s; -1: never */
    int64_t ping_idle_ms;    /* 0: 6 min; -1: never */
    int64_t ping_timeout_ms; /* 0: 20 s */
    uint32_t message_limit;  /* bytes of one message from the server; 0: 4 MiB */
    uint32_t metadata_limit; /* bytes of the server's metadata and trailers of a call; 0: 64 KiB */
    uint32_t window;         /* bytes a server may send ahead of tow_grpc_receive; 0: 1 MiB */
    int cancel_fd;           /* readable: every wait ends with TOW_E_CANCELLED; -1: none */
};

/*
 * Connects. Settings are not needed afterwards, save cancel_fd, which stays the caller's.
 * TOW_E_TRANSIENT: names, TCP, a proxy that does not answer, time. TOW_E_ENV: certificates, a proxy
 * that refuses, a server without HTTP/2. TOW_E_AUTH: a proxy that wants to know who is asking.
 * TOW_E_CONFIG: a URL or file that cannot be. TOW_E_CANCELLED.
 */
struct tow_grpc *tow_grpc_connect(const struct tow_grpc_settings *settings, struct tow_error *err);

/* Ends what is left of its calls, which are freed too, and hangs up. NULL is taken. */
void tow_grpc_free(struct tow_grpc *grpc);

/*
 * Moves bytes until there is news, for timeout_ms at most (0: what can be done without waiting; -1:
 * no limit). News are: a message has come, a call has ended, a message that was sent needs its body
 * no longer, the server winds up (tow_grpc_is_winding_up), somebody called tow_grpc_wake.
 * TOW_OK, with news or without. TOW_E_CANCELLED. Anything else says why the connection is gone; its
 * calls have ended then, and every further call says the same.
 */
int tow_grpc_run(struct tow_grpc *grpc, int timeout_ms, struct tow_error *err);

/* Any thread: lets the present or next tow_grpc_run return. */
void tow_grpc_wake(struct tow_grpc *grpc);

/* 1 once the server has said (GOAWAY) that it takes no more calls on this connection. Calls that it
 * has accepted go on; those it has not end as TOW_GRPC_UNAVAILABLE. */
int tow_grpc_is_winding_up(const struct tow_grpc *grpc);

/* ---- calls ----------------------------------------------------------------------------------- */

struct tow_grpc_metadata {
    const char *name; /* small letters; names that end in "-bin" have values in base64 */
    const char *value;
    int is_secret; /* 1: kept out of the header compression's memory */
};

struct tow_grpc_request {
    const char *path; /* "/package.Service/Method" */
    const struct tow_grpc_metadata *metadata;
    size_t metadata_count;
    int64_t timeout_ms; /* for the whole call, told to the server too; 0: none */
};

/* Begins a call; everything is copied. NULL: TOW_E_CONFIG for a name or value that HTTP/2 does not
 * carry, TOW_E_TRANSIENT where the connection is gone or winds up. */
struct tow_grpc_call *tow_grpc_start(struct tow_grpc *grpc, const struct tow_grpc_request *request,
                                     struct tow_error *err);

/*
 * Queues one message: `head_length` bytes that are copied, then `body_length` bytes that stay
 * borrowed until tow_grpc_unsent has come down, or the call has ended or is freed. The framing of
 * gRPC is put before it. Up to 2^32-1 bytes together. TOW_E_NOMEM, or TOW_E_BUG after
 * tow_grpc_half_close. Once the call has ended it says TOW_OK and drops the message: the status
 * tells why.
 */
int tow_grpc_send(struct tow_grpc_call *call, const void *head, size_t head_length,
                  const void *body, size_t body_length, struct tow_error *err);

/* Messages of which bytes are still to be taken, oldest first in the order of tow_grpc_send. */
size_t tow_grpc_unsent(const struct tow_grpc_call *call);
/* Their bytes. */
uint64_t tow_grpc_unsent_bytes(const struct tow_grpc_call *call);
/* Messages that were taken whole since the call began; stays right when it has ended. */
uint64_t tow_grpc_sent(const struct tow_grpc_call *call);

/* No more messages will be sent: the server sees the end behind the last one. */
void tow_grpc_half_close(struct tow_grpc_call *call);

/* Tells whether the caller waits for something from the server: how soon a silent one is asked. */
void tow_grpc_expect(struct tow_grpc_call *call, int expects);

/*
 * Takes the next message that has come: TOW_OK, with *bytes good until the next tow_grpc_receive
 * for this call, or tow_grpc_run; TOW_END where none waits. What is not taken holds the server back
 * (`window`).
 */
int tow_grpc_receive(struct tow_grpc_call *call, const void **bytes, size_t *length);

/* 1 once the server has answered with headers, so that it has let the call in. */
int tow_grpc_is_accepted(const struct tow_grpc_call *call);

/*
 * How the call ended; NULL while it has not. It ends with the server's trailers, even where the
 * client has not sent all; with a reset, its deadline, tow_grpc_cancel, a message that breaks the
 * rules or limits, or the connection. Owned by the call.
 */
const struct tow_grpc_status *tow_grpc_status_of(const struct tow_grpc_call *call);

/* Value of a name in the server's metadata or trailers, the last where it came more than once; NULL
 * where there is none. Owned by the call. */
const char *tow_grpc_metadata_of(const struct tow_grpc_call *call, const char *name);

/* Ends the call as TOW_GRPC_CANCELLED unless it has ended. */
void tow_grpc_cancel(struct tow_grpc_call *call);
/* Cancels and frees. NULL is taken. */
void tow_grpc_finish(struct tow_grpc_call *call);

#endif
