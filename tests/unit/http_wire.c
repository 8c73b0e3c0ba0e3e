#include "http_wire.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

SSL_CTX *http_wire_context(const char *certificate, const char *client_ca, int tls_max)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    assert_non_null(context);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM), 1);
    if (tls_max) {
        /* Versions before 1.2 need signatures that OpenSSL refuses by default. */
        assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"), 1);
        SSL_CTX_set_min_proto_version(context, 0);
        SSL_CTX_set_max_proto_version(context, tls_max);
    }
    if (client_ca) {
        assert_int_equal(SSL_CTX_load_verify_locations(context, client_ca, NULL), 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return context;
}

int http_wire_accept(struct http_wire *wire, SSL_CTX *tls)
{
    if (!tls)
        return 1;
    wire->ssl = SSL_new(tls);
    return wire->ssl && SSL_set_fd(wire->ssl, wire->fd) == 1 && SSL_accept(wire->ssl) == 1;
}

int http_wire_read(struct http_wire *wire, void *into, size_t length)
{
    char *at = into, *end = at + length;

    while (at < end) {
        size_t room = (size_t)(end - at) < INT_MAX ? (size_t)(end - at) : INT_MAX;
        ssize_t got = wire->ssl ? SSL_read(wire->ssl, at, (int)room) : recv(wire->fd, at, room, 0);

        if (got <= 0)
            return 0;
        at += got;
    }
    return 1;
}

int http_wire_write(struct http_wire *wire, const void *bytes, size_t length)
{
    const char *at = bytes, *end = at + length;

    while (at < end) {
        size_t left = (size_t)(end - at) < INT_MAX ? (size_t)(end - at) : INT_MAX;
        ssize_t put = wire->ssl ? SSL_write(wire->ssl, at, (int)left)
                                : send(wire->fd, at, left, MSG_NOSIGNAL);

        if (put <= 0)
            return 0;
        at += put;
    }
    return 1;
}

void http_wire_end(struct http_wire *wire, int by_reset, int without_goodbye)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    if (wire->ssl && !without_goodbye)
        SSL_shutdown(wire->ssl);
    /* To connect to nothing resets a connection. */
    if (by_reset)
        connect(wire->fd, &none, sizeof none);
    else
        shutdown(wire->fd, SHUT_RDWR);
}

void http_wire_stop(struct http_wire *wire)
{
    shutdown(wire->fd, SHUT_RDWR);
}

void http_wire_release(struct http_wire *wire)
{
    SSL_free(wire->ssl);
    close(wire->fd);
}
