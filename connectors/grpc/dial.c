/*
 * libcurl as a dialer: it is given a plain http URL and told to connect only, which means names,
 * both IP families, proxies with CONNECT or SOCKS, and time limits. The socket stays libcurl's, and
 * so does the handle that belongs to it, until the end.
 */
#include "connectors/grpc/clock.h"
#include "connectors/grpc/link.h"
#include "towpath/clock.h"

#define DIAL_STEP_MS 1000

#define DIAL_QUICK_EXIT 0x075700 /* the version that has CURLOPT_QUICK_EXIT */

static int dial_set_up(struct grpc_link *link, const struct grpc_address *address,
                       struct tow_error *err)
{
    CURL *easy = link->dialed;
    int failed = 0;

    failed |= curl_easy_setopt(easy, CURLOPT_URL, address->url);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY, address->proxy);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXYAUTH, CURLAUTH_ANY);
    failed |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (address->no_proxy)
        failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, address->no_proxy);
#if LIBCURL_VERSION_NUM >= DIAL_QUICK_EXIT
    /* A name server that does not answer must not hold up the end. */
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (failed)
        return tow_error_nomem(err);
    return curl_multi_add_handle(link->dialer, easy) == CURLM_OK ? TOW_OK : tow_error_nomem(err);
}

/* What a proxy's answer to CONNECT means. */
static int dial_refused_by_proxy(const struct grpc_link *link, long status, struct tow_error *err)
{
    if (status == 407)
        return tow_error_set(err, TOW_E_AUTH,
                             "connecting to %s: the proxy wants a user and password (HTTP 407); "
                             "write them into the proxy's URL",
                             link->peer);
    return tow_error_set(err, status >= 500 ? TOW_E_TRANSIENT : TOW_E_ENV,
                         "connecting to %s: the proxy refuses to CONNECT (HTTP %ld)", link->peer,
                         status);
}

static int dial_failed(const struct grpc_link *link, CURLcode why, struct tow_error *err)
{
    long connect_status = 0;
    int code = TOW_E_TRANSIENT;

    curl_easy_getinfo(link->dialed, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (connect_status >= 300)
        return dial_refused_by_proxy(link, connect_status, err);
    if (why == CURLE_OUT_OF_MEMORY)
        return tow_error_nomem(err);
    if (why == CURLE_URL_MALFORMAT || why == CURLE_UNSUPPORTED_PROTOCOL)
        code = TOW_E_CONFIG;
    return tow_error_set(err, code, "connecting to %s: %s", link->peer, curl_easy_strerror(why));
}

/* 1 once dialing is over, well or not. */
static int dial_result(const struct grpc_link *link, CURLcode *result)
{
    int left;
    CURLMsg *message = curl_multi_info_read(link->dialer, &left);

    if (!message || message->msg != CURLMSG_DONE)
        return 0;
    *result = message->data.result;
    return 1;
}

static int dial_wait(struct grpc_link *link, int cancel_fd, int64_t deadline_ms,
                     struct tow_error *err)
{
    struct curl_waitfd cancel = {.fd = cancel_fd, .events = CURL_WAIT_POLLIN};
    int wait_ms = grpc_wait_ms(tow_monotonic_ms(), deadline_ms);

    if (wait_ms == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "connecting to %s: no connection in time",
                             link->peer);
    if (wait_ms > DIAL_STEP_MS)
        wait_ms = DIAL_STEP_MS;
    if (curl_multi_poll(link->dialer, &cancel, cancel_fd >= 0, wait_ms, NULL) != CURLM_OK)
        return tow_error_nomem(err);
    if (cancel.revents)
        return tow_error_set(err, TOW_E_CANCELLED, "stopped while connecting to %s", link->peer);
    return TOW_OK;
}

static int dial_run(struct grpc_link *link, int cancel_fd, int64_t deadline_ms,
                    struct tow_error *err)
{
    CURLcode result;
    int running, code = TOW_OK;

    for (;;) {
        if (curl_multi_perform(link->dialer, &running) != CURLM_OK)
            return tow_error_nomem(err);
        if (dial_result(link, &result))
            return result == CURLE_OK ? TOW_OK : dial_failed(link, result, err);
        code = dial_wait(link, cancel_fd, deadline_ms, err);
        if (code != TOW_OK)
            return code;
    }
}

int grpc_link_dial(struct grpc_link *link, const struct grpc_address *address, int cancel_fd,
                   int64_t deadline_ms, struct tow_error *err)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    int code;

    link->fd = -1;
    link->dialer = curl_multi_init();
    link->dialed = curl_easy_init();
    if (!link->dialer || !link->dialed)
        return tow_error_nomem(err);
    code = dial_set_up(link, address, err);
    if (code == TOW_OK)
        code = dial_run(link, cancel_fd, deadline_ms, err);
    if (code != TOW_OK)
        return code;
    if (curl_easy_getinfo(link->dialed, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
        fd == CURL_SOCKET_BAD)
        return tow_error_set(err, TOW_E_TRANSIENT, "connecting to %s: the connection went away",
                             link->peer);
    link->fd = fd;
    return TOW_OK;
}

void grpc_link_hang_up(struct grpc_link *link)
{
    if (link->dialer && link->dialed)
        curl_multi_remove_handle(link->dialer, link->dialed);
    if (link->dialed)
        curl_easy_cleanup(link->dialed);
    if (link->dialer)
        curl_multi_cleanup(link->dialer);
    link->dialer = NULL;
    link->dialed = NULL;
    link->fd = -1;
}
