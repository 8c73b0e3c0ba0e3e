#include "daemon/web.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "config/text.h"
#include "daemon/api.h"
#include "daemon/metrics.h"
#include "daemon/web_guard.h"
#include "kit/guests.h"
#include "log.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define WEB_CONNECTIONS  64
#define WEB_PER_ADDRESS  32
#define WEB_TIMEOUT_S    10
#define WEB_PATIENCE_MS  20000 /* from a connection to its request, and from one to the next */
#define WEB_MEMORY       (16u << 10) /* of a connection: its request's head and our answer's */
#define WEB_BODY_MAX     4096        /* no call needs one */
#define WEB_PEM_MAX      (256u << 10)
#define WEB_RUNS_DEFAULT 20
#define WEB_TYPE_JSON    "application/json"
#define WEB_TYPE_TEXT    "text/plain; charset=utf-8"
#define WEB_TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define WEB_JOBS         "/api/jobs/"
#define WEB_RUN          "/run"

struct tow_web {
    struct MHD_Daemon *http;
    struct tow_daemon *daemon;
    struct tow_metrics metrics;
    struct tow_guests guests;
    char *token;
    struct tow_text cert, key;
};

struct web_answer {
    unsigned status;
    const char *type;
    const char *allow; /* of 405 */
    struct tow_body body;
};

/* One request on its way in; its body is counted and dropped. */
struct web_request {
    size_t body;
};

/* ---- answers -------------------------------------------------------------------------------- */

static enum MHD_Result web_send(struct MHD_Connection *connection, struct web_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.length, answer->body.text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result sent;

    if (!response) {
        free(answer->body.text);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", answer->type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer->allow)
        MHD_add_response_header(response, "Allow", answer->allow);
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    sent = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return sent;
}

static int web_fail(struct web_answer *answer, unsigned status, const char *why)
{
    struct tow_error err = TOW_ERROR_INIT;

    answer->status = status;
    answer->type = WEB_TYPE_JSON;
    return tow_api_error(why, &answer->body, &err);
}

/* Of a call that filled the body, or did not. */
static int web_done(struct web_answer *answer, unsigned status, const char *type, int rc,
                    const struct tow_error *err)
{
    if (rc)
        return web_fail(answer, MHD_HTTP_SERVICE_UNAVAILABLE, err->message);
    answer->status = status;
    answer->type = type;
    return TOW_OK;
}

/* ---- the calls ------------------------------------------------------------------------------ */

static int web_health(struct web_answer *answer)
{
    answer->body.text = strdup("ok\n");
    answer->body.length = 3;
    answer->status = MHD_HTTP_OK;
    answer->type = WEB_TYPE_TEXT;
    return answer->body.text ? TOW_OK : TOW_E_NOMEM;
}

static int web_ready(struct tow_web *web, struct web_answer *answer)
{
    struct tow_error err = TOW_ERROR_INIT;
    const char *why;
    int ready = tow_daemon_ready(web->daemon, &why);
    int rc = tow_api_ready(web->daemon, &answer->body, &err);

    return web_done(answer, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, WEB_TYPE_JSON, rc,
                    &err);
}

static int web_runs(struct tow_web *web, struct MHD_Connection *connection,
                    struct web_answer *answer)
{
    const char *job = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "job");
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "last");
    struct tow_error err = TOW_ERROR_INIT;
    int64_t last = WEB_RUNS_DEFAULT;

    if (text && (tow_parse_int64(text, strlen(text), &last) != TOW_PARSE_OK || last < 1 ||
                 last > TOW_API_RUNS_MAX))
        return web_fail(answer, MHD_HTTP_BAD_REQUEST, "last must be a number from 1 to 1000");
    if (!web->daemon->supervisor.state)
        return web_fail(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "the state is not open");
    return web_done(answer, MHD_HTTP_OK, WEB_TYPE_JSON,
                    tow_api_runs(web->daemon, job, last, &answer->body, &err), &err);
}

/* The NAME of /api/jobs/NAME/run: 1, or 0 where the path is another. */
static int web_job_name(const char *url, char name[65])
{
    size_t length = strlen(url), lead = strlen(WEB_JOBS), tail = strlen(WEB_RUN);

    if (length <= lead + tail || strncmp(url, WEB_JOBS, lead) != 0 ||
        strcmp(url + length - tail, WEB_RUN) != 0 || length - lead - tail > 64)
        return 0;
    memcpy(name, url + lead, length - lead - tail);
    name[length - lead - tail] = '\0';
    return strchr(name, '/') == NULL;
}

static int web_run(struct tow_web *web, const char *name, struct web_answer *answer)
{
    struct tow_daemon_job *job = tow_supervisor_find(&web->daemon->supervisor, name);
    struct tow_error err = TOW_ERROR_INIT;

    if (!job || job->gone)
        return web_fail(answer, MHD_HTTP_NOT_FOUND, "there is no such job");
    int rc = tow_supervisor_run(&web->daemon->supervisor, job, tow_now_us(), &err);
    if (rc)
        return web_fail(answer,
                        rc == TOW_E_TRANSIENT && !web->daemon->stop_signals
                            ? MHD_HTTP_CONFLICT
                            : MHD_HTTP_SERVICE_UNAVAILABLE,
                        err.message);
    tow_log_line(TOW_LOG_INFO, "daemon", "%s: started by a request", name);
    return web_done(answer, MHD_HTTP_ACCEPTED, WEB_TYPE_JSON,
                    tow_api_started(job, &answer->body, &err), &err);
}

static int web_get(struct tow_web *web, struct MHD_Connection *connection, const char *url,
                   struct web_answer *answer)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (strcmp(url, "/healthz") == 0)
        return web_health(answer);
    if (strcmp(url, "/readyz") == 0)
        return web_ready(web, answer);
    if (strcmp(url, "/metrics") == 0)
        return web_done(answer, MHD_HTTP_OK, WEB_TYPE_METRICS,
                        tow_metrics_write(&web->metrics, web->daemon, &answer->body, &err), &err);
    if (strcmp(url, "/api/jobs") == 0)
        return web_done(answer, MHD_HTTP_OK, WEB_TYPE_JSON,
                        tow_api_jobs(web->daemon, &answer->body, &err), &err);
    if (strcmp(url, "/api/runs") == 0)
        return web_runs(web, connection, answer);
    return web_fail(answer, MHD_HTTP_NOT_FOUND, "there is nothing here");
}

static int web_route(struct tow_web *web, struct MHD_Connection *connection, const char *url,
                     const char *method, struct web_answer *answer)
{
    int get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    char name[65];

    if (web_job_name(url, name)) {
        answer->allow = "POST";
        if (strcmp(method, "POST") != 0)
            return web_fail(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "a run is started by POST");
        answer->allow = NULL;
        return web_run(web, name, answer);
    }
    if (!get) {
        answer->allow = "GET, HEAD";
        return web_fail(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "this is for reading");
    }
    return web_get(web, connection, url, answer);
}

/* ---- the way in ----------------------------------------------------------------------------- */

static const char *web_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result web_count_header(void *heads, enum MHD_ValueKind kind, const char *name,
                                        const char *value)
{
    (void)kind;
    (void)value;
    tow_web_heads_add(heads, name);
    return MHD_YES;
}

/* Paths and arguments of this interface need no escapes; with them, two paths would be one. */
static size_t web_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* 1 where the request is refused before anything of it is done. */
static int web_refuse(struct tow_web *web, struct MHD_Connection *connection, const char *url,
                      const char *method, struct web_answer *answer)
{
    const char *length = web_header(connection, "Content-Length"), *why;
    const struct tow_web_request request = {
        .post = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0,
        .open = strcmp(url, "/healthz") == 0 || strcmp(url, "/readyz") == 0,
        .host = web_header(connection, "Host"),
        .origin = web_header(connection, "Origin"),
        .fetch_site = web_header(connection, "Sec-Fetch-Site"),
        .authorization = web_header(connection, "Authorization"),
    };
    struct tow_web_heads heads = {0};
    int64_t bytes = 0;
    int status;

    MHD_get_connection_values(connection, MHD_HEADER_KIND, web_count_header, &heads);
    why = tow_web_heads_refuse(&heads);
    status = why ? MHD_HTTP_BAD_REQUEST : tow_web_guard(&request, web->token, &why);
    if (status == MHD_HTTP_OK && length &&
        (tow_parse_int64(length, strlen(length), &bytes) != TOW_PARSE_OK || bytes > WEB_BODY_MAX)) {
        status = MHD_HTTP_CONTENT_TOO_LARGE;
        why = "no call takes a body of that size";
    }
    if (status == MHD_HTTP_OK)
        return 0;
    web_fail(answer, (unsigned)status, why);
    return 1;
}

static enum MHD_Result web_answer(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct tow_web *web = context;
    struct web_request *request = *state;
    struct web_answer answer = {.status = 0};

    (void)version;
    (void)upload;
    if (!request) {
        if (web_refuse(web, connection, url, method, &answer))
            return web_send(connection, &answer);
        *state = calloc(1, sizeof *request);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*upload_size > 0) {
        request->body += *upload_size;
        *upload_size = 0;
        return request->body <= WEB_BODY_MAX ? MHD_YES : MHD_NO;
    }
    if (web_route(web, connection, url, method, &answer) != TOW_OK)
        return MHD_NO;
    return web_send(connection, &answer);
}

static void web_completed(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code)
{
    struct tow_web *web = context;
    struct tow_guest *guest =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)code;
    if (guest)
        tow_guests_renew(&web->guests, guest, tow_monotonic_ms());
    free(*state);
    *state = NULL;
}

/* A connection comes or goes; the library closes its socket after this. */
static void web_notice(void *context, struct MHD_Connection *connection, void **guest_slot,
                       enum MHD_ConnectionNotificationCode code)
{
    struct tow_web *web = context;
    struct tow_guest *guest = *guest_slot;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (guest)
            tow_guests_leave(&web->guests, guest);
        free(guest);
        return;
    }
    /* Without memory it is a guest that nobody shows out. */
    *guest_slot = guest = calloc(1, sizeof *guest);
    if (guest)
        tow_guests_come(
            &web->guests, guest,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            tow_monotonic_ms());
}

static void __attribute__((format(printf, 2, 0)))
web_log(void *context, const char *format, va_list args)
{
    char line[512];

    (void)context;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\r\n")] = '\0';
    tow_log_line(TOW_LOG_DEBUG, "http", "%s", line);
}

/* ---- open and close ------------------------------------------------------------------------- */

static int web_check(const struct tow_web_settings *settings, const struct tow_web_address *address,
                     struct tow_error *err)
{
    if (address->loopback)
        return TOW_OK;
    if (!settings->token)
        return tow_error_set(err, TOW_E_CONFIG,
                             "--listen %s: other machines can reach that address, so a token is "
                             "needed: set TOWPATH_DAEMON_TOKEN",
                             settings->listen);
    if (!settings->cert_file && !settings->plain)
        return tow_error_set(err, TOW_E_CONFIG,
                             "--listen %s: other machines can reach that address, so TLS is "
                             "needed: --tls-cert and --tls-key; or --plain-http, where something "
                             "in front of it adds TLS",
                             settings->listen);
    return TOW_OK;
}

static int web_read_pem(struct tow_web *web, const struct tow_web_settings *settings,
                        struct tow_error *err)
{
    int rc;

    if (!settings->cert_file)
        return TOW_OK;
    rc = tow_file_read(settings->cert_file, WEB_PEM_MAX, &web->cert, NULL, err);
    if (rc)
        return tow_error_prefix(err, "--tls-cert %s", settings->cert_file);
    rc = tow_file_read(settings->key_file, WEB_PEM_MAX, &web->key, NULL, err);
    return rc ? tow_error_prefix(err, "--tls-key %s", settings->key_file) : TOW_OK;
}

static int web_start(struct tow_web *web, const struct tow_web_settings *settings,
                     const struct tow_web_address *address, struct tow_error *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, web->cert.bytes},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, web->key.bytes},
        {MHD_OPTION_END, 0, NULL},
    };

    if (address->address.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    if (settings->cert_file)
        flags |= MHD_USE_TLS;
    else
        tls[0].option = MHD_OPTION_END;
    errno = 0;
    web->http = MHD_start_daemon(
        flags, 0, NULL, NULL, web_answer, web, MHD_OPTION_EXTERNAL_LOGGER, web_log, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, web_unescape, NULL, MHD_OPTION_SOCK_ADDR,
        &address->address.any, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)WEB_PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)WEB_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, web_completed, web,
        MHD_OPTION_NOTIFY_CONNECTION, web_notice, web, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (web->http)
        return TOW_OK;
    if (settings->cert_file && errno != EADDRINUSE && errno != EACCES)
        return tow_error_set(err, TOW_E_CONFIG,
                             "--listen %s: no server could be started there with the certificate "
                             "%s and the key %s",
                             settings->listen, settings->cert_file, settings->key_file);
    return tow_error_errno(err, TOW_E_ENV, errno, "--listen %s", settings->listen);
}

static void web_say(const struct tow_web *web, const struct tow_web_settings *settings)
{
    const union MHD_DaemonInfo *port = MHD_get_daemon_info(web->http, MHD_DAEMON_INFO_BIND_PORT);

    tow_log_line(TOW_LOG_INFO, "daemon", "listening on %.*s:%u%s",
                 (int)(strrchr(settings->listen, ':') - settings->listen), settings->listen,
                 port ? port->port : 0, settings->cert_file ? " (TLS)" : "");
}

int tow_web_open(struct tow_web **out, const struct tow_web_settings *settings,
                 struct tow_daemon *daemon, struct tow_error *err)
{
    struct tow_web_address address;
    struct tow_web *web = calloc(1, sizeof *web);
    int rc;

    *out = NULL;
    if (!web)
        return tow_error_nomem(err);
    web->daemon = daemon;
    web->guests.patience_ms = WEB_PATIENCE_MS;
    rc = tow_web_parse(settings->listen, &address, err);
    if (!rc)
        rc = web_check(settings, &address, err);
    if (!rc)
        rc = web_read_pem(web, settings, err);
    if (!rc && settings->token && !(web->token = strdup(settings->token)))
        rc = tow_error_nomem(err);
    if (!rc)
        rc = web_start(web, settings, &address, err);
    if (rc) {
        tow_web_close(web);
        return rc;
    }
    web_say(web, settings);
    *out = web;
    return TOW_OK;
}

void tow_web_close(struct tow_web *web)
{
    if (!web)
        return;
    if (web->http)
        MHD_stop_daemon(web->http);
    if (web->token)
        explicit_bzero(web->token, strlen(web->token));
    free(web->token);
    tow_text_release(&web->cert);
    tow_text_release(&web->key);
    tow_metrics_release(&web->metrics);
    free(web);
}

int tow_web_fd(const struct tow_web *web)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(web->http, MHD_DAEMON_INFO_EPOLL_FD);

    return info ? info->epoll_fd : -1;
}

int64_t tow_web_timeout_ms(struct tow_web *web)
{
    int64_t now_ms = tow_monotonic_ms(), due_ms = tow_guests_look(&web->guests, now_ms);
    int64_t wait_ms = due_ms == INT64_MAX ? INT64_MAX : due_ms - now_ms;
    MHD_UNSIGNED_LONG_LONG timeout;

    if (MHD_get_timeout(web->http, &timeout) != MHD_YES)
        return wait_ms;
    return timeout > (MHD_UNSIGNED_LONG_LONG)wait_ms ? wait_ms : (int64_t)timeout;
}

void tow_web_run(struct tow_web *web)
{
    MHD_run(web->http);
}
