/*
 * The bytes of a connection: a TCP socket that libcurl has opened, with TLS over it where the URL
 * says https. Non-blocking once it is open.
 */
#ifndef CONNECTORS_GRPC_LINK_H
#define CONNECTORS_GRPC_LINK_H

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "connectors/grpc/address.h"
#include "connectors/grpc/grpc.h"

struct grpc_link {
    CURLM *dialer; /* owns the socket */
    CURL *dialed;
    int fd;
    SSL_CTX *context; /* NULL: plain */
    SSL *ssl;
    int reads_wait_to_write; /* TLS wants the socket writable before it can go on reading ... */
    int writes_wait_to_read; /* ... or the other way round */
    char peer[300];          /* host:port, for messages */
};

/* Zero-initialized beforehand; grpc_link_close is due in any case. */
int grpc_link_open(struct grpc_link *link, const struct grpc_address *address,
                   const struct tow_grpc_settings *settings, int64_t deadline_ms,
                   struct tow_error *err);
void grpc_link_close(struct grpc_link *link);

/* Puts up to `capacity` bytes at `into`: TOW_OK with their number, 0 where none are here yet;
 * TOW_END where the far end has closed; TOW_E_TRANSIENT where the connection broke. */
int grpc_link_read(struct grpc_link *link, void *into, size_t capacity, size_t *length,
                   struct tow_error *err);
/* Hands on what the system takes now: TOW_OK with the number of bytes, or TOW_E_TRANSIENT. */
int grpc_link_write(struct grpc_link *link, const void *bytes, size_t length, size_t *written,
                    struct tow_error *err);
/* What to poll the socket for; `sends`: 1 where there are bytes to write. */
short grpc_link_events(const struct grpc_link *link, int sends);

/* ---- parts of it ----------------------------------------------------------------------------- */

/* dial.c: names, TCP and proxies. */
int grpc_link_dial(struct grpc_link *link, const struct grpc_address *address, int cancel_fd,
                   int64_t deadline_ms, struct tow_error *err);
void grpc_link_hang_up(struct grpc_link *link);
/* 1 where OpenSSL's error is the server's word that it wants (another) certificate of the client.
 * In TLS 1.3 it looks at it when the client believes to be through. */
int grpc_link_is_unwelcome(unsigned long why);
/* tls.c: TLS over the dialed socket. */
int grpc_link_secure(struct grpc_link *link, const struct grpc_address *address,
                     const struct tow_grpc_settings *settings, int64_t deadline_ms,
                     struct tow_error *err);

#endif
