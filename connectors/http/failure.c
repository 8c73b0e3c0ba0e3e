#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http_priv.h"

#define FAILURE_LINE_MAX (100 * 1024) /* libcurl's own limit */

void tow_http_duration(char text[TOW_HTTP_DURATION_SIZE], int64_t ms)
{
    if (ms % 1000 == 0)
        snprintf(text, TOW_HTTP_DURATION_SIZE, "%" PRId64 " s", ms / 1000);
    else
        snprintf(text, TOW_HTTP_DURATION_SIZE, "%" PRId64 " ms", ms);
}

/* libcurl's words on this exchange. Without control bytes, since names in certificates are the
 * server's; not at all where they may hold a URL with its login, as they do of a proxy. */
static const char *failure_detail(struct tow_http_call *call, CURLcode result)
{
    char *at;

    for (at = call->detail; *at; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7F)
            *at = ' ';
    return call->detail[0] && !strchr(call->detail, '@') ? call->detail
                                                         : curl_easy_strerror(result);
}

static int failure_timeout(struct tow_http_call *call)
{
    int64_t all = call->request->timeout_ms, connect = call->http->connect_timeout_ms;
    char limit[TOW_HTTP_DURATION_SIZE];

    if (all > 0 && (call->has_begun || all < connect)) {
        tow_http_duration(limit, all);
        return tow_error_set(&call->err, TOW_E_TRANSIENT, "%s: not done within %s (limit)",
                             call->name, limit);
    }
    tow_http_duration(limit, connect);
    return tow_error_set(&call->err, TOW_E_TRANSIENT,
                         "%s: no connection within %s (limit): is the host right, and does a "
                         "firewall or proxy stand in the way?",
                         call->name, limit);
}

static int failure_connect(struct tow_http_call *call, CURLcode result)
{
    long number = 0;

    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    if (strstr(call->detail, "nsupported proxy"))
        return tow_error_set(&call->err, TOW_E_CONFIG,
                             "%s: the proxy that https_proxy or all_proxy in the environment names "
                             "is of no kind that is known: there are http://, https:// and "
                             "socks5://",
                             call->name);
    if (number == 0)
        number = call->socket_errno;
    if (number == 0)
        return tow_error_set(&call->err, TOW_E_TRANSIENT, "%s: %s", call->name,
                             failure_detail(call, result));
    return tow_error_errno(&call->err, TOW_E_TRANSIENT, (int)number, "%s: %s", call->name,
                           failure_detail(call, result));
}

/* What a proxy answered to CONNECT. */
static int failure_tunnel(struct tow_http_call *call, long status)
{
    if (status == 407)
        return tow_error_set(
            &call->err, TOW_E_CONFIG,
            "%s: the proxy wants a login (HTTP 407): give user and password in its "
            "URL, http://user:password@proxy:port",
            call->name);
    if (status == 429 || status >= 500)
        return tow_error_set(&call->err, TOW_E_TRANSIENT,
                             "%s: the proxy cannot reach the host (HTTP %ld)", call->name, status);
    return tow_error_set(&call->err, TOW_E_ENV,
                         "%s: the proxy refuses to connect to the host (HTTP %ld): it must be "
                         "allowed there, or listed in no_proxy",
                         call->name, status);
}

/* The numbers are OpenSSL's X509_V_ERR_...; they are 0 where the name is at fault. */
static int failure_certificate(struct tow_http_call *call, CURLcode result)
{
    const char *advice = "";
    long verdict = 0;

    curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (verdict == 9 || verdict == 10)
        advice = "; is this machine's clock right?";
    else if (verdict == 2 || (verdict >= 18 && verdict <= 21))
        advice = "; name a file with its issuer's certificate in ca_file (a proxy that looks into "
                 "TLS has an issuer of its own)";
    return tow_error_set(&call->err, TOW_E_ENV, "%s: the certificate is not accepted: %s%s",
                         call->name, failure_detail(call, result), advice);
}

/* A handshake that broke may go better the next time; one that was refused will not. */
static int failure_handshake(struct tow_http_call *call, CURLcode result)
{
    static const char *const final[] = {"alert",
                                        "wrong version number",
                                        "unsupported protocol",
                                        "no protocols available",
                                        "certificate",
                                        "key"};
    const char *detail = failure_detail(call, result), *advice = "";
    int code = TOW_E_TRANSIENT;
    size_t i;

    for (i = 0; i < sizeof final / sizeof *final; i++)
        if (strstr(detail, final[i]))
            code = TOW_E_ENV;
    if (strstr(detail, "wrong version number"))
        advice = "; that port does not speak TLS";
    return tow_error_set(&call->err, code, "%s: no TLS connection: %s%s", call->name, detail,
                         advice);
}

/* In TLS 1.3 a server looks at the client's certificate when the client believes to be through. */
static int failure_is_refusal(struct tow_http_call *call)
{
    return strstr(call->detail, "alert") &&
           (strstr(call->detail, "certificate") || strstr(call->detail, "unknown ca"));
}

static int failure_refusal(struct tow_http_call *call, CURLcode result)
{
    return tow_error_set(&call->err, TOW_E_ENV,
                         "%s: the server wants another client certificate (client_cert): %s",
                         call->name, failure_detail(call, result));
}

static int failure_tls_files(struct tow_http_call *call, CURLcode result)
{
    const struct tow_http *http = call->http;

    if (result == CURLE_SSL_CERTPROBLEM)
        return tow_error_set(&call->err, TOW_E_CONFIG,
                             "%s: the client certificate \"%s\" or its key cannot be used: %s",
                             call->name, http->identity.cert ? http->identity.cert : "",
                             failure_detail(call, result));
    return tow_error_set(&call->err, TOW_E_CONFIG,
                         "%s: no certificates can be read from \"%s\" (ca_file)", call->name,
                         http->ca_file ? http->ca_file : "the system's file");
}

/* libcurl says so, too, of a header line that is longer than it takes: where there is memory for
 * such a line, it is most likely that. */
static int failure_memory(struct tow_http_call *call)
{
    void *volatile line = malloc(FAILURE_LINE_MAX);
    int has_memory = line != NULL;

    free(line);
    if (!has_memory || !call->has_begun || call->has_body)
        return tow_error_nomem(&call->err);
    return tow_error_set(&call->err, TOW_E_ENV,
                         "%s: the answer has a header line of more than %d bytes (limit), or "
                         "memory ran out while it was read",
                         call->name, FAILURE_LINE_MAX);
}

static int failure_other(struct tow_http_call *call, CURLcode result)
{
    static const struct {
        CURLcode result;
        int code;
        const char *text;
    } known[] = {
        {CURLE_COULDNT_RESOLVE_HOST, TOW_E_TRANSIENT,
         "the host's name is not found: is it right, and does name lookup work here?"},
        {CURLE_COULDNT_RESOLVE_PROXY, TOW_E_TRANSIENT,
         "the proxy's name is not found, or its URL is none: see proxy, or https_proxy in the "
         "environment"},
        {CURLE_GOT_NOTHING, TOW_E_TRANSIENT, "the server closed the connection without an answer"},
        {CURLE_PARTIAL_FILE, TOW_E_TRANSIENT, "the answer was cut off"},
        {CURLE_RECV_ERROR, TOW_E_TRANSIENT, "the connection broke while receiving"},
        {CURLE_SEND_ERROR, TOW_E_TRANSIENT, "the connection broke while sending"},
        {CURLE_SEND_FAIL_REWIND, TOW_E_TRANSIENT, "the connection broke while sending"},
        {CURLE_UNSUPPORTED_PROTOCOL, TOW_E_ENV, "what came is no HTTP answer; is the port right?"},
        {CURLE_WEIRD_SERVER_REPLY, TOW_E_ENV, "what came is no HTTP answer; is the port right?"},
        {CURLE_SSL_CIPHER, TOW_E_ENV, "no TLS cipher in common"},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].result != result)
            continue;
        if (result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_COULDNT_RESOLVE_HOST)
            return tow_error_set(&call->err, known[i].code, "%s: %s", call->name, known[i].text);
        return tow_error_set(&call->err, known[i].code, "%s: %s (%s)", call->name, known[i].text,
                             failure_detail(call, result));
    }
    return tow_error_set(&call->err, TOW_E_ENV, "%s: %s", call->name, failure_detail(call, result));
}

static int failure_classify(struct tow_http_call *call, CURLcode result)
{
    long tunnel = 0;

    curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
    if (!call->has_begun && tunnel >= 300)
        return failure_tunnel(call, tunnel);
    switch (result) {
    case CURLE_OUT_OF_MEMORY:
        return failure_memory(call);
    case CURLE_URL_MALFORMAT: /* call->url has been taken apart before; it could not be copied */
        return tow_error_nomem(&call->err);
    case CURLE_OPERATION_TIMEDOUT:
        return failure_timeout(call);
    case CURLE_COULDNT_CONNECT:
        return failure_connect(call, result);
    case CURLE_PEER_FAILED_VERIFICATION:
        return failure_certificate(call, result);
    case CURLE_SSL_CONNECT_ERROR:
        return failure_handshake(call, result);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return failure_tls_files(call, result);
    default:
        return failure_is_refusal(call) ? failure_refusal(call, result)
                                        : failure_other(call, result);
    }
}

/*
 * A server that turns a client without a certificate away often hangs up at once, and its word for
 * it is lost. Others ask for one and do without: so this is advice, and changes no class.
 */
static void failure_advise(struct tow_http_call *call)
{
    const struct tow_error err = call->err;

    if (call->code != TOW_OK && !call->has_body && atomic_load(&call->http->was_asked) &&
        (call->code == TOW_E_TRANSIENT || call->code == TOW_E_ENV))
        tow_error_set(
            &call->err, call->code,
            "%s; the server had asked for a client certificate (client_cert), and got none",
            err.message);
}

void tow_http_judge(struct tow_http_call *call, CURLcode result)
{
    /* A callback that broke the exchange off, and a limit, have said why. */
    if (call->code != TOW_OK)
        return;
    if (result != CURLE_OK && !call->is_cut)
        call->code = failure_classify(call, result);
    else if (!call->has_body)
        call->code = tow_error_set(&call->err, TOW_E_TRANSIENT,
                                   "%s: the answer was cut off in its header", call->name);
    failure_advise(call);
}
