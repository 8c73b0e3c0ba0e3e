/* One connection of the test server, plain or TLS; blocking. */
#ifndef TESTS_UNIT_HTTP_WIRE_H
#define TESTS_UNIT_HTTP_WIRE_H

#include <openssl/ssl.h>
#include <stddef.h>

struct http_wire {
    int fd;
    SSL *ssl;
    unsigned how; /* the server's: how it is to be closed */
};

/* A server's TLS from a PEM file with certificate and key; see http_server.h. */
SSL_CTX *http_wire_context(const char *certificate, const char *client_ca, int tls_max);

/* 1 where it went well. tls may be NULL. */
int http_wire_accept(struct http_wire *wire, SSL_CTX *tls);
/* All of the bytes, or 0. */
int http_wire_read(struct http_wire *wire, void *into, size_t length);
int http_wire_write(struct http_wire *wire, const void *bytes, size_t length);
/* Ends the connection and keeps its descriptor, which another thread may be stopping. */
void http_wire_end(struct http_wire *wire, int by_reset, int without_goodbye);
/* From another thread: lets reads and writes fail. */
void http_wire_stop(struct http_wire *wire);
void http_wire_release(struct http_wire *wire);

#endif
