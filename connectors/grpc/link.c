#include "connectors/grpc/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

/* ---- opening and closing --------------------------------------------------------------------- */

int grpc_link_open(struct grpc_link *link, const struct grpc_address *address,
                   const struct tow_grpc_settings *settings, int64_t deadline_ms,
                   struct tow_error *err)
{
    int code, flags;

    (void)snprintf(link->peer, sizeof link->peer, "%s", address->authority);
    code = grpc_link_dial(link, address, settings->cancel_fd, deadline_ms, err);
    if (code != TOW_OK)
        return code;
    flags = fcntl(link->fd, F_GETFL);
    if (flags < 0 || fcntl(link->fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "connecting to %s", link->peer);
    if (!address->is_secure)
        return TOW_OK;
    return grpc_link_secure(link, address, settings, deadline_ms, err);
}

void grpc_link_close(struct grpc_link *link)
{
    if (link->ssl) {
        ERR_clear_error();
        SSL_shutdown(link->ssl);
        ERR_clear_error();
    }
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    link->ssl = NULL;
    link->context = NULL;
    grpc_link_hang_up(link);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int link_broke(const struct grpc_link *link, int errnum, struct tow_error *err)
{
    if (errnum == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "the connection to %s broke", link->peer);
    return tow_error_errno(err, TOW_E_TRANSIENT, errnum, "the connection to %s", link->peer);
}

int grpc_link_is_unwelcome(unsigned long why)
{
    int reason = ERR_GET_REASON(why);

    return ERR_GET_LIB(why) == ERR_LIB_SSL &&
           (reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
            reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
            reason == SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE ||
            reason == SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED ||
            reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED ||
            reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN ||
            reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_TLSV1_ALERT_ACCESS_DENIED);
}

static int link_tls_broke(const struct grpc_link *link, int ssl_error, int errnum,
                          struct tow_error *err)
{
    unsigned long why = ERR_peek_last_error();

    if (ssl_error == SSL_ERROR_SYSCALL || !why)
        return link_broke(link, errnum, err);
    if (grpc_link_is_unwelcome(why))
        return tow_error_set(err, TOW_E_ENV,
                             "%s wants another client certificate (client_cert): %s", link->peer,
                             ERR_reason_error_string(why));
    return tow_error_set(err, TOW_E_TRANSIENT, "the connection to %s: TLS: %s", link->peer,
                         ERR_reason_error_string(why) ? ERR_reason_error_string(why) : "broken");
}

static int link_read_tls(struct grpc_link *link, void *into, size_t capacity, size_t *length,
                         struct tow_error *err)
{
    int most = capacity > INT_MAX ? INT_MAX : (int)capacity;
    int result, ssl_error;

    ERR_clear_error();
    errno = 0;
    link->reads_wait_to_write = 0;
    result = SSL_read(link->ssl, into, most);
    if (result > 0) {
        *length = (size_t)result;
        return TOW_OK;
    }
    ssl_error = SSL_get_error(link->ssl, result);
    link->reads_wait_to_write = ssl_error == SSL_ERROR_WANT_WRITE;
    if (ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE)
        return TOW_OK;
    /* Servers that hang up without TLS's own goodbye are common; HTTP/2 tells whether it was the
     * end. */
    if (ssl_error == SSL_ERROR_ZERO_RETURN ||
        (ssl_error == SSL_ERROR_SSL &&
         ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING))
        return TOW_END;
    return link_tls_broke(link, ssl_error, errno, err);
}

int grpc_link_read(struct grpc_link *link, void *into, size_t capacity, size_t *length,
                   struct tow_error *err)
{
    ssize_t got;

    *length = 0;
    if (link->ssl)
        return link_read_tls(link, into, capacity, length, err);
    got = recv(link->fd, into, capacity, 0);
    if (got == 0)
        return TOW_END;
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? TOW_OK : link_broke(link, errno, err);
    *length = (size_t)got;
    return TOW_OK;
}

static int link_write_tls(struct grpc_link *link, const void *bytes, size_t length, size_t *written,
                          struct tow_error *err)
{
    int most = length > INT_MAX ? INT_MAX : (int)length;
    int result, ssl_error;

    ERR_clear_error();
    errno = 0;
    link->writes_wait_to_read = 0;
    result = SSL_write(link->ssl, bytes, most);
    if (result > 0) {
        *written = (size_t)result;
        return TOW_OK;
    }
    ssl_error = SSL_get_error(link->ssl, result);
    link->writes_wait_to_read = ssl_error == SSL_ERROR_WANT_READ;
    if (ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE)
        return TOW_OK;
    return link_tls_broke(link, ssl_error, errno, err);
}

int grpc_link_write(struct grpc_link *link, const void *bytes, size_t length, size_t *written,
                    struct tow_error *err)
{
    ssize_t put;

    *written = 0;
    if (link->ssl)
        return link_write_tls(link, bytes, length, written, err);
    put = send(link->fd, bytes, length, MSG_NOSIGNAL);
    if (put < 0)
        return errno == EAGAIN || errno == EINTR ? TOW_OK : link_broke(link, errno, err);
    *written = (size_t)put;
    return TOW_OK;
}

short grpc_link_events(const struct grpc_link *link, int sends)
{
    short events = POLLIN;

    if ((sends && !link->writes_wait_to_read) || link->reads_wait_to_write)
        events |= POLLOUT;
    return events;
}
