#include "connectors/databricks/client_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "connectors/databricks/secret.h"
#include "connectors/machine/copy.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define CLIENT_TIMEOUT_MS  60000
#define CLIENT_CONNECTIONS 64 /* the most that a fetcher uses */

/* ---- life ----------------------------------------------------------------------------------- */

struct tow_databricks *tow_databricks_new(const struct tow_databricks_config *config, int cancel_fd,
                                          struct tow_error *err)
{
    const struct tow_http_settings settings = {.ca_file = config->ca_file,
                                               .identity = config->identity,
                                               .proxy = config->proxy,
                                               .connect_timeout_ms = config->connect_timeout_ms,
                                               .idle_timeout_ms = config->stall_timeout_ms,
                                               .connections = CLIENT_CONNECTIONS,
                                               .cancel_fd = cancel_fd};
    struct tow_databricks *databricks = calloc(1, sizeof *databricks);

    if (!databricks) {
        tow_error_nomem(err);
        return NULL;
    }
    databricks->cancel_fd = cancel_fd;
    databricks->poll_ms = TOW_DATABRICKS_POLL_MS;
    if (tow_databricks_config_copy(&databricks->config, config, err) == TOW_OK)
        databricks->http = tow_http_new(&settings, err);
    if (databricks->http)
        return databricks;
    tow_databricks_free(databricks);
    return NULL;
}

struct tow_databricks *tow_databricks_clone(const struct tow_databricks *databricks, int cancel_fd,
                                            struct tow_error *err)
{
    struct tow_databricks *clone = tow_databricks_new(&databricks->config, cancel_fd, err);

    if (!clone)
        return NULL;
    clone->renew_ms = databricks->renew_ms;
    clone->uncompressed = databricks->uncompressed;
    if (tow_copy_text(&clone->bearer, databricks->bearer, err) == TOW_OK)
        return clone;
    tow_databricks_free(clone);
    return NULL;
}

void tow_databricks_free(struct tow_databricks *databricks)
{
    if (!databricks)
        return;
    if (databricks->http)
        tow_http_free(databricks->http);
    tow_secret_free(databricks->bearer);
    tow_databricks_config_release(&databricks->config);
    free(databricks);
}

const struct tow_databricks_config *tow_databricks_config_of(
    const struct tow_databricks *databricks)
{
    return &databricks->config;
}

int tow_databricks_was_unsent(const struct tow_databricks *databricks)
{
    return databricks->unsent;
}

int tow_databricks_wait(const struct tow_databricks *databricks, int64_t ms, struct tow_error *err)
{
    struct pollfd waited = {.fd = databricks->cancel_fd, .events = POLLIN};
    int64_t end = tow_monotonic_ms() + ms, left = ms;

    while (left > 0) {
        int ready = poll(&waited, 1, left > 60000 ? 60000 : (int)left);

        if (ready > 0)
            return tow_error_set(err, TOW_E_CANCELLED, "interrupted while waiting");
        if (ready < 0 && errno != EINTR)
            return tow_error_errno(err, TOW_E_ENV, errno, "wait");
        left = end - tow_monotonic_ms();
    }
    return TOW_OK;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void exchange_add_header(struct tow_databricks_exchange *exchange, const char *name,
                                const char *value)
{
    exchange->headers[exchange->request.header_count++] = (struct tow_http_header){name, value};
}

/* The server's own time comes on top of what the user allows. */
static int64_t client_idle(const struct tow_databricks *databricks,
                           const struct tow_databricks_call *call)
{
    const int64_t stall = databricks->config.stall_timeout_ms;

    return stall > 0 ? stall + call->answer_ms : 0;
}

int tow_databricks_exchange_init(struct tow_databricks_exchange *exchange,
                                 const struct tow_databricks *databricks,
                                 const struct tow_databricks_call *call, struct tow_error *err)
{
    struct tow_http_request *request = &exchange->request;
    const char *type = call->body_type ? call->body_type : "application/octet-stream";

    *exchange = (struct tow_databricks_exchange){.url = NULL};
    *request = (struct tow_http_request){.method = call->method,
                                         .headers = exchange->headers,
                                         .body = call->body,
                                         .body_fd = call->body_fd,
                                         .body_length = call->body_length,
                                         .timeout_ms = call->timeout_ms,
                                         .idle_timeout_ms = client_idle(databricks, call),
                                         .limit = call->limit};
    if (!request->timeout_ms && (call->json || call->body || !call->body_length))
        request->timeout_ms = CLIENT_TIMEOUT_MS;
    if (asprintf(&exchange->url, "%s%s", databricks->config.url, call->path) < 0) {
        exchange->url = NULL;
        return tow_error_nomem(err);
    }
    request->url = exchange->url;
    if (call->json) {
        exchange->text = json_dumps(call->json, JSON_COMPACT);
        if (!exchange->text)
            return tow_error_nomem(err);
        request->body = exchange->text;
        request->body_length = (int64_t)strlen(exchange->text);
        type = "application/json";
    }
    exchange_add_header(exchange, "Authorization", databricks->bearer);
    exchange_add_header(exchange, "Accept", "application/json");
    if (request->body_length > 0)
        exchange_add_header(exchange, "Content-Type", type);
    if (databricks->config.workspace_id)
        exchange_add_header(exchange, "X-Databricks-Org-Id", databricks->config.workspace_id);
    return TOW_OK;
}

void tow_databricks_exchange_release(struct tow_databricks_exchange *exchange)
{
    free(exchange->url);
    free(exchange->text);
    *exchange = (struct tow_databricks_exchange){.url = NULL};
}

static int client_call_once(struct tow_databricks *databricks,
                            const struct tow_databricks_call *call,
                            struct tow_http_response *response, struct tow_error *err)
{
    struct tow_databricks_exchange exchange;
    int code;

    *response = (struct tow_http_response){.status = 0, .content_length = -1, .retry_after_ms = -1};
    code = tow_databricks_login(databricks, err);
    if (code != TOW_OK) {
        databricks->unsent = 1;
        return code;
    }
    code = tow_databricks_exchange_init(&exchange, databricks, call, err);
    if (code == TOW_OK) {
        code = tow_http_perform(databricks->http, &exchange.request, response, err);
        databricks->unsent = code != TOW_OK && tow_http_was_unsent(databricks->http);
        if (code != TOW_OK && code != TOW_E_CANCELLED)
            tow_error_prefix(err, "%s", call->what);
    }
    tow_databricks_exchange_release(&exchange);
    return code;
}

int tow_databricks_call(struct tow_databricks *databricks, const struct tow_databricks_call *call,
                        struct tow_http_response *response, struct tow_error *err)
{
    int code = client_call_once(databricks, call, response, err);

    /* A token may end before its time, or be withdrawn. */
    if (code == TOW_OK && response->status == 401 && tow_databricks_forget(databricks)) {
        tow_http_response_release(response);
        code = client_call_once(databricks, call, response, err);
    }
    return code == TOW_OK ? tow_databricks_judge(databricks, call, response, err) : code;
}

int tow_databricks_call_json(struct tow_databricks *databricks,
                             const struct tow_databricks_call *call, json_t **answer,
                             struct tow_error *err)
{
    struct tow_http_response response;
    int code = tow_databricks_call(databricks, call, &response, err);

    *answer = NULL;
    if (code == TOW_OK)
        code = tow_databricks_parse(databricks, call, &response, answer, err);
    tow_http_response_release(&response);
    return code;
}

int64_t tow_databricks_json_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);
    int64_t number;

    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value) &&
        tow_parse_int64(json_string_value(value), json_string_length(value), &number) ==
            TOW_PARSE_OK)
        return number;
    return fallback;
}
