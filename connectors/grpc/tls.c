/* TLS for HTTP/2 (RFC 9113, section 9.2): 1.2 at least, certificate and name checked, ALPN "h2". */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "connectors/grpc/clock.h"
#include "connectors/grpc/link.h"
#include "towpath/clock.h"

static const unsigned char tls_alpn[] = "\x02h2";

/* OpenSSL's own words for what failed last; never empty. */
static const char *tls_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    return reason ? reason : "unknown reason";
}

static int tls_bad_file(const char *path, const char *what, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG, "%s of \"%s\" cannot be used: %s", what, path,
                         tls_reason());
}

static int tls_trust(SSL_CTX *context, const char *ca_file, struct tow_error *err)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (!ca_file)
        return SSL_CTX_set_default_verify_paths(context) == 1 ? TOW_OK : tow_error_nomem(err);
    if (SSL_CTX_load_verify_file(context, ca_file) != 1)
        return tls_bad_file(ca_file, "the certificates", err);
    return TOW_OK;
}

static int tls_make_context(struct grpc_link *link, const struct tow_grpc_settings *settings,
                            struct tow_error *err)
{
    SSL_CTX *context = link->context = SSL_CTX_new(TLS_client_method());
    int code;

    if (!context)
        return tow_error_nomem(err);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    if (SSL_CTX_set_alpn_protos(context, tls_alpn, sizeof tls_alpn - 1) != 0)
        return tow_error_nomem(err);
    code = tls_trust(context, settings->ca_file, err);
    return code == TOW_OK ? tow_identity_use(&settings->identity, context, err) : code;
}

/* Names are checked as names and sent as SNI; addresses are checked as addresses. */
static int tls_expect_host(SSL *ssl, const char *host, struct tow_error *err)
{
    unsigned char address[16];
    int done;

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    else
        done = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
    return done ? TOW_OK : tow_error_nomem(err);
}

static const char *tls_advice(long verdict)
{
    if (verdict == X509_V_ERR_CERT_NOT_YET_VALID || verdict == X509_V_ERR_CERT_HAS_EXPIRED)
        return "; is this machine's clock right?";
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return "; it was made out to another name";
    return "; ca_file names the certificates to trust where they are not the system's";
}

static int tls_refused(const struct grpc_link *link, int ssl_error, int errnum,
                       struct tow_error *err)
{
    long verdict = SSL_get_verify_result(link->ssl);

    if (verdict != X509_V_OK)
        return tow_error_set(err, TOW_E_ENV, "the certificate of %s is refused: %s%s", link->peer,
                             X509_verify_cert_error_string(verdict), tls_advice(verdict));
    if (grpc_link_is_unwelcome(ERR_peek_last_error()))
        return tow_error_set(err, TOW_E_ENV,
                             "%s wants another client certificate (client_cert): %s", link->peer,
                             tls_reason());
    if (ssl_error == SSL_ERROR_SYSCALL)
        return tow_error_set(err, TOW_E_TRANSIENT, "TLS with %s: %s", link->peer,
                             errnum ? strerror(errnum) : "the connection was closed");
    if (ssl_error == SSL_ERROR_SSL &&
        ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return tow_error_set(err, TOW_E_TRANSIENT, "TLS with %s: the connection was closed",
                             link->peer);
    return tow_error_set(err, TOW_E_ENV, "TLS with %s: %s%s", link->peer, tls_reason(),
                         ERR_GET_REASON(ERR_peek_last_error()) ==
                                 SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE
                             ? "; it may want a client certificate (client_cert)"
                             : "");
}

static int tls_wait(const struct grpc_link *link, int ssl_error, int cancel_fd, int64_t deadline_ms,
                    struct tow_error *err)
{
    short events = ssl_error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    struct pollfd fds[2] = {{.fd = link->fd, .events = events},
                            {.fd = cancel_fd, .events = POLLIN}};
    int wait_ms = grpc_wait_ms(tow_monotonic_ms(), deadline_ms);

    if (wait_ms == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "TLS with %s: no answer in time", link->peer);
    if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
        return tow_error_errno(err, TOW_E_ENV, errno, "TLS with %s", link->peer);
    if (fds[1].revents)
        return tow_error_set(err, TOW_E_CANCELLED, "stopped while connecting to %s", link->peer);
    return TOW_OK;
}

static int tls_shake_hands(struct grpc_link *link, int cancel_fd, int64_t deadline_ms,
                           struct tow_error *err)
{
    for (;;) {
        int code, result, ssl_error;

        ERR_clear_error();
        errno = 0;
        result = SSL_connect(link->ssl);
        if (result == 1)
            return TOW_OK;
        ssl_error = SSL_get_error(link->ssl, result);
        if (ssl_error != SSL_ERROR_WANT_READ && ssl_error != SSL_ERROR_WANT_WRITE)
            return tls_refused(link, ssl_error, errno, err);
        code = tls_wait(link, ssl_error, cancel_fd, deadline_ms, err);
        if (code != TOW_OK)
            return code;
    }
}

static int tls_check_protocol(const struct grpc_link *link, struct tow_error *err)
{
    const unsigned char *protocol;
    unsigned length;

    SSL_get0_alpn_selected(link->ssl, &protocol, &length);
    if (length == tls_alpn[0] && memcmp(protocol, tls_alpn + 1, length) == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "%s does not offer HTTP/2 (ALPN \"h2\"), which gRPC needs; a proxy that "
                         "opens TLS may stand between",
                         link->peer);
}

int grpc_link_secure(struct grpc_link *link, const struct grpc_address *address,
                     const struct tow_grpc_settings *settings, int64_t deadline_ms,
                     struct tow_error *err)
{
    int code;

    ERR_clear_error();
    code = tls_make_context(link, settings, err);
    if (code != TOW_OK)
        return code;
    link->ssl = SSL_new(link->context);
    if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1)
        return tow_error_nomem(err);
    code = tls_expect_host(link->ssl, address->host, err);
    if (code == TOW_OK)
        code = tls_shake_hands(link, settings->cancel_fd, deadline_ms, err);
    return code == TOW_OK ? tls_check_protocol(link, err) : code;
}
