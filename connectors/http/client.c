#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/http/http_priv.h"
#include "connectors/machine/copy.h"
#include "towpath/clock.h"

#define CLIENT_CONNECT_TIMEOUT 30000
#define CLIENT_IDLE_TIMEOUT    60000
#define CLIENT_CONNECTIONS     16
#define CLIENT_PACE_SPAN       5     /* idle timeouts in which ... */
#define CLIENT_PACE_BYTES      65536 /* ... so many bytes have to move */
#define CLIENT_LOOK_MOST       250   /* ms between two looks for idle exchanges */
#define CLIENT_LOOK_LEAST      10
#define CLIENT_WAIT            60000 /* ms of one wait of tow_http_perform */

/* ---- life ------------------------------------------------------------------------------------ */

/*
 * Where libcurl says so, curl_global_init counts its calls under a lock of its own. So each client
 * begins and ends with a call, and no flag of this module is needed.
 */
static int client_ready(struct tow_http *http, struct tow_error *err)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (!(info->features & CURL_VERSION_THREADSAFE))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "libcurl %s was built without thread-safe initialization",
                             info->version);
    if (!(info->features & CURL_VERSION_SSL) || !(info->features & CURL_VERSION_ASYNCHDNS))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "libcurl %s was built without TLS or without asynchronous name lookup",
                             info->version);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return tow_error_set(err, TOW_E_ENV, "libcurl %s cannot be initialized", info->version);
    http->is_ready = 1;
    http->multi = curl_multi_init();
    return http->multi ? TOW_OK : tow_error_nomem(err);
}

static int client_check_proxy(const char *proxy, struct tow_error *err)
{
    CURLU *url;
    int code;

    if (!proxy || !*proxy)
        return TOW_OK;
    code = tow_http_proxy_parse(proxy, &url, err);
    curl_url_cleanup(url);
    return code;
}

int tow_http_check(const struct tow_http_settings *settings, struct tow_error *err)
{
    int code = client_check_proxy(settings->proxy, err), fd;

    if (code == TOW_OK)
        code = tow_identity_check(&settings->identity, err);
    if (code != TOW_OK || !settings->ca_file || !*settings->ca_file)
        return code;
    fd = open(settings->ca_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tow_error_errno(err, TOW_E_CONFIG, errno, "ca_file: open \"%s\"", settings->ca_file);
    close(fd);
    return TOW_OK;
}

static int client_settings(struct tow_http *http, const struct tow_http_settings *settings,
                           struct tow_error *err)
{
    const char *agent = settings->user_agent ? settings->user_agent : "towpath/" PACKAGE_VERSION;
    const char *ca_file = settings->ca_file ? settings->ca_file : getenv("SSL_CERT_FILE");
    int connections = settings->connections > 0 ? settings->connections : CLIENT_CONNECTIONS;
    int code = tow_copy_text(&http->user_agent, agent, err);

    if (code == TOW_OK)
        code = tow_copy_text(&http->ca_file, ca_file && *ca_file ? ca_file : NULL, err);
    if (code == TOW_OK)
        code = tow_identity_copy(&http->identity, &settings->identity, err);
    if (code == TOW_OK)
        code = client_check_proxy(settings->proxy, err);
    if (code == TOW_OK)
        code = tow_copy_text(&http->proxy, settings->proxy, err);
    if (code == TOW_OK &&
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections) != CURLM_OK)
        code = tow_error_nomem(err);
    http->cancel_fd = settings->cancel_fd;
    http->connect_timeout_ms =
        settings->connect_timeout_ms > 0 ? settings->connect_timeout_ms : CLIENT_CONNECT_TIMEOUT;
    http->idle_timeout_ms =
        settings->idle_timeout_ms > 0 ? settings->idle_timeout_ms : CLIENT_IDLE_TIMEOUT;
    return code;
}

struct tow_http *tow_http_new(const struct tow_http_settings *settings, struct tow_error *err)
{
    struct tow_http *http = calloc(1, sizeof *http);

    if (!http) {
        tow_error_nomem(err);
        return NULL;
    }
    atomic_init(&http->woken, 0);
    atomic_init(&http->was_asked, 0);
    if (client_ready(http, err) == TOW_OK && client_settings(http, settings, err) == TOW_OK)
        return http;
    tow_http_free(http);
    return NULL;
}

void tow_http_free(struct tow_http *http)
{
    if (!http)
        return;
    while (http->calls)
        (void)tow_http_finish(http->calls, NULL, NULL);
    if (http->multi)
        curl_multi_cleanup(http->multi);
    free(http->sockets); /* all are closed by now */
    if (http->is_ready)
        curl_global_cleanup();
    /* It may hold a password. */
    if (http->proxy)
        explicit_bzero(http->proxy, strlen(http->proxy));
    free(http->proxy);
    free(http->user_agent);
    free(http->ca_file);
    tow_identity_release(&http->identity);
    free(http);
}

int tow_http_was_unsent(const struct tow_http *http)
{
    return http->was_unsent;
}

/* ---- moving ---------------------------------------------------------------------------------- */

void tow_http_end(struct tow_http_call *call, CURLcode result)
{
    struct tow_http *http = call->http;

    curl_multi_remove_handle(http->multi, call->easy);
    call->has_ended = 1;
    http->running--;
    tow_http_judge(call, result);
}

/* Exchanges that libcurl is done with; their number. */
static int client_reap(struct tow_http *http)
{
    CURLMsg *message;
    int left, count = 0;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        CURLcode result = message->data.result; /* the message dies with its handle */
        struct tow_http_call *call = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        tow_http_end(call, result);
        count++;
    }
    return count;
}

/* Hands paused exchanges the piece that they left, here and not in tow_http_resume, so that `take`
 * is called from tow_http_run alone. Returns how many ended by that. */
static int client_resume(struct tow_http *http)
{
    struct tow_http_call *call;
    int count = 0;

    for (call = http->calls; call; call = call->next) {
        CURLcode result;

        if (!call->resumes || call->has_ended)
            continue;
        call->resumes = 0;
        call->is_paused = 0;
        call->moved_ms = call->pace_ms = tow_monotonic_ms();
        result = curl_easy_pause(call->easy, CURLPAUSE_CONT);
        /* The piece is lost then, and libcurl would go on without it. */
        if (result != CURLE_OK) {
            tow_http_end(call, result);
            count++;
        }
    }
    return count;
}

static int64_t client_moved(CURL *easy)
{
    curl_off_t up = 0, down = 0;
    long headers = 0, request = 0;

    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &headers);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
    return (int64_t)up + (int64_t)down + headers + request;
}

/* Whether an exchange moves; where not, the reason is in its err. libcurl's own limit on low speed
 * counts while an exchange is paused. Until the request is sent, the connection's timeout rules. */
static int client_moves(struct tow_http_call *call, int64_t now)
{
    const int64_t moved = client_moved(call->easy), span = CLIENT_PACE_SPAN * call->idle_timeout_ms;
    const int rests = call->is_paused || !call->has_begun;
    char limit[TOW_HTTP_DURATION_SIZE];

    if (rests || moved - call->pace_moved >= CLIENT_PACE_BYTES) {
        call->pace_moved = moved;
        call->pace_ms = now;
    }
    if (rests || moved != call->moved) {
        call->moved = moved;
        call->moved_ms = now;
    }
    if (now - call->moved_ms >= call->idle_timeout_ms) {
        tow_http_duration(limit, call->idle_timeout_ms);
        call->code = tow_error_set(&call->err, TOW_E_TRANSIENT, "%s: no byte moved for %s (limit)",
                                   call->name, limit);
    } else if (now - call->pace_ms >= span) {
        tow_http_duration(limit, span);
        call->code = tow_error_set(&call->err, TOW_E_TRANSIENT,
                                   "%s: %lld bytes moved in %s; %d have to (limit)", call->name,
                                   (long long)(moved - call->pace_moved), limit, CLIENT_PACE_BYTES);
    }
    return call->code == TOW_OK;
}

/* Looks for exchanges that do not move, from time to time, and ends them; their number. */
static int client_end_idle(struct tow_http *http)
{
    int64_t now = tow_monotonic_ms(), step = CLIENT_LOOK_MOST;
    struct tow_http_call *call;
    int count = 0;

    if (now < http->next_look_ms)
        return 0;
    for (call = http->calls; call; call = call->next) {
        if (call->has_ended)
            continue;
        if (call->idle_timeout_ms / 4 < step)
            step = call->idle_timeout_ms / 4;
        if (!client_moves(call, now)) {
            tow_http_end(call, CURLE_OPERATION_TIMEDOUT);
            count++;
        }
    }
    http->next_look_ms = now + (step > CLIENT_LOOK_LEAST ? step : CLIENT_LOOK_LEAST);
    return count;
}

static int client_multi_failed(CURLMcode code, struct tow_error *err)
{
    if (code == CURLM_OUT_OF_MEMORY)
        return tow_error_nomem(err);
    return tow_error_set(err, TOW_E_BUG, "libcurl: %s", curl_multi_strerror(code));
}

/* Waits until something can be moved, a wake, cancel_fd, or the deadline. */
static int client_wait(struct tow_http *http, int64_t deadline, struct tow_error *err)
{
    struct curl_waitfd cancel = {http->cancel_fd, CURL_WAIT_POLLIN, 0};
    int64_t now = tow_monotonic_ms(), until = deadline;
    CURLMcode code;

    if (http->running > 0 && http->next_look_ms < until)
        until = http->next_look_ms;
    code = curl_multi_poll(http->multi, &cancel, http->cancel_fd >= 0,
                           until > now ? (int)(until - now) : 0, NULL);
    if (code != CURLM_OK)
        return client_multi_failed(code, err);
    if (cancel.revents)
        return tow_error_set(err, TOW_E_CANCELLED, "stopped while waiting for an answer");
    return TOW_OK;
}

int tow_http_run(struct tow_http *http, int timeout_ms, struct tow_error *err)
{
    int64_t deadline = tow_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 0);

    for (;;) {
        int ended = client_resume(http), running, result;
        CURLMcode code = curl_multi_perform(http->multi, &running);

        if (code != CURLM_OK)
            return client_multi_failed(code, err);
        ended += client_reap(http);
        ended += client_end_idle(http);
        if (ended > 0 || atomic_exchange(&http->woken, 0))
            return TOW_OK;
        result = client_wait(http, deadline, err);
        if (result != TOW_OK || tow_monotonic_ms() >= deadline)
            return result;
    }
}

void tow_http_wake(struct tow_http *http)
{
    atomic_store(&http->woken, 1);
    /* It fails only where no wait could be interrupted anyway. */
    (void)curl_multi_wakeup(http->multi);
}

int tow_http_perform(struct tow_http *http, const struct tow_http_request *request,
                     struct tow_http_response *response, struct tow_error *err)
{
    struct tow_error local = TOW_ERROR_INIT;
    struct tow_http_call *call = tow_http_start(http, request, &local);
    int code = TOW_OK;

    *response = (struct tow_http_response){.content_length = -1, .retry_after_ms = -1};
    if (!call)
        return tow_error_set(err, local.code, "%s", local.message);
    while (code == TOW_OK && !tow_http_ended(call))
        code = tow_http_run(http, CLIENT_WAIT, &local);
    if (code == TOW_OK)
        return tow_http_finish(call, response, err);
    (void)tow_http_finish(call, response, NULL);
    return tow_error_set(err, code, "%s", local.message);
}
