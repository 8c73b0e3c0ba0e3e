#include <stdlib.h>
#include <string.h>

#include "connectors/lytics/client_priv.h"

#define CLIENT_TIMEOUT_MS   60000
#define CLIENT_CONNECT_MS   30000
#define CLIENT_RATE_WAIT_MS 10000

/* ---- settings -------------------------------------------------------------------------------- */

static int client_given(const char *text)
{
    return text && *text;
}

static int client_check_url(const char *option, const char *url, struct tow_error *err)
{
    if (!client_given(url))
        return TOW_OK;
    if (strpbrk(url, "?#"))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s holds a query or a fragment: give scheme and host, as in \"%s\"",
                             option, TOW_LYTICS_API_URL);
    return tow_http_check_url(url, err) ? tow_error_prefix(err, "%s", option) : TOW_OK;
}

/* What goes into a header cannot hold everything; nor is a token with a space a whole one. */
static int client_check_token(const char *token, struct tow_error *err)
{
    if (!client_given(token))
        return tow_error_set(err, TOW_E_CONFIG,
                             "token is missing or empty: set it to an API token of Lytics, as in "
                             "token = \"${env:LYTICS_TOKEN}\"");
    for (const char *c = token; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "token holds a space, a line end or another character that no "
                                 "token has, at byte %zu; it goes without \"Bearer\"",
                                 (size_t)(c - token) + 1);
    return TOW_OK;
}

static struct tow_http_settings client_http(const struct tow_lytics_settings *settings)
{
    const int64_t limit = settings->timeout_ms;

    return (struct tow_http_settings){.ca_file = client_given(settings->ca_file) ? settings->ca_file
                                                                                 : NULL,
                                      .identity = settings->identity,
                                      .proxy = settings->proxy,
                                      /* An upload may take long, as long as it moves. */
                                      .idle_timeout_ms = limit,
                                      .connect_timeout_ms = limit < CLIENT_CONNECT_MS ? limit : 0,
                                      .cancel_fd = settings->cancel_fd};
}

int tow_lytics_check(const struct tow_lytics_settings *settings, struct tow_error *err)
{
    const struct tow_http_settings http = client_http(settings);
    int code = client_check_token(settings->token, err);

    if (code == TOW_OK)
        code = client_check_url("api_url", settings->api_url, err);
    if (code == TOW_OK)
        code = client_check_url("bulk_url", settings->bulk_url, err);
    return code == TOW_OK ? tow_http_check(&http, err) : code;
}

/* ---- life ------------------------------------------------------------------------------------ */

static char *client_copy_url(const char *url, const char *fallback)
{
    char *copy = strdup(client_given(url) ? url : fallback);
    size_t length = copy ? strlen(copy) : 0;

    while (length > 0 && copy[length - 1] == '/')
        copy[--length] = '\0';
    return copy;
}

struct tow_lytics *tow_lytics_new(const struct tow_lytics_settings *settings, struct tow_error *err)
{
    const struct tow_http_settings http = client_http(settings);
    struct tow_lytics *lytics = calloc(1, sizeof *lytics);

    if (!lytics) {
        tow_error_nomem(err);
        return NULL;
    }
    lytics->api_url = client_copy_url(settings->api_url, TOW_LYTICS_API_URL);
    lytics->bulk_url = client_copy_url(settings->bulk_url, TOW_LYTICS_BULK_URL);
    lytics->token = strdup(settings->token);
    lytics->account_id = strdup(client_given(settings->account_id) ? settings->account_id : "");
    lytics->timeout_ms = settings->timeout_ms > 0 ? settings->timeout_ms : CLIENT_TIMEOUT_MS;
    lytics->rate_wait_ms =
        settings->rate_wait_ms > 0 ? settings->rate_wait_ms : CLIENT_RATE_WAIT_MS;
    if (lytics->api_url && lytics->bulk_url && lytics->token && lytics->account_id)
        lytics->http = tow_http_new(&http, err);
    else
        tow_error_nomem(err);
    if (lytics->http)
        return lytics;
    tow_lytics_free(lytics);
    return NULL;
}

void tow_lytics_free(struct tow_lytics *lytics)
{
    if (!lytics)
        return;
    if (lytics->http)
        tow_http_free(lytics->http);
    if (lytics->token)
        explicit_bzero(lytics->token, strlen(lytics->token));
    free(lytics->token);
    free(lytics->api_url);
    free(lytics->bulk_url);
    free(lytics->account_id);
    free(lytics);
}

/* ---- calls ----------------------------------------------------------------------------------- */

int tow_lytics_put_segment(struct tow_buffer *path, const char *text, struct tow_error *err)
{
    int code = tow_http_encode(path, text, strlen(text), 0, err);

    if (code == TOW_OK)
        code = tow_buffer_append(path, "", 1, err);
    if (code == TOW_OK)
        path->size--;
    return code;
}

static int client_put_argument(struct tow_buffer *url, char *separator,
                               const struct tow_lytics_argument *argument, struct tow_error *err)
{
    int code;

    if (!argument->value)
        return TOW_OK;
    code = tow_buffer_printf(url, err, "%c%s=", *separator, argument->name);
    *separator = '&';
    return code == TOW_OK ? tow_http_encode(url, argument->value, strlen(argument->value), 0, err)
                          : code;
}

int tow_lytics_put_url(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                       struct tow_buffer *url, struct tow_error *err)
{
    const struct tow_lytics_argument account = {"account_id",
                                                lytics->account_id[0] ? lytics->account_id : NULL};
    char separator = '?';
    int code = tow_buffer_printf(url, err, "%s%s",
                                 call->is_bulk ? lytics->bulk_url : lytics->api_url, call->path);

    for (size_t i = 0; i < call->argument_count && code == TOW_OK; i++)
        code = client_put_argument(url, &separator, &call->arguments[i], err);
    if (code == TOW_OK)
        code = client_put_argument(url, &separator, &account, err);
    return code == TOW_OK ? tow_buffer_append(url, "", 1, err) : code;
}

void tow_lytics_reset(struct tow_lytics_answer *answer)
{
    struct tow_buffer next = answer->next;

    tow_buffer_release(&answer->body);
    next.size = 0;
    *answer = (struct tow_lytics_answer){.next = next, .total = -1};
}

void tow_lytics_request(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                        const char *url, struct tow_http_header headers[TOW_LYTICS_HEADERS],
                        struct tow_http_request *request)
{
    headers[0] = (struct tow_http_header){"Authorization", lytics->token};
    headers[1] = (struct tow_http_header){"Accept", "application/json"};
    headers[2] = (struct tow_http_header){"Content-Type",
                                          call->body_type ? call->body_type : "application/json"};
    *request = (struct tow_http_request){.method = call->method ? call->method : "GET",
                                         .url = url,
                                         .headers = headers,
                                         .header_count = call->body_length > 0 ? 3 : 2,
                                         .body = call->body,
                                         .body_fd = call->body_fd,
                                         .body_length = call->body_length,
                                         .timeout_ms = call->timeout_ms > 0 ? call->timeout_ms
                                                                            : lytics->timeout_ms,
                                         .limit = call->limit};
}

static int client_exchange(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                           const char *url, struct tow_http_response *response,
                           struct tow_error *err)
{
    struct tow_http_header headers[TOW_LYTICS_HEADERS];
    struct tow_http_request request;
    int code;

    tow_lytics_request(lytics, call, url, headers, &request);
    code = tow_http_perform(lytics->http, &request, response, err);
    return code == TOW_OK || code == TOW_E_CANCELLED ? code
                                                     : tow_error_prefix(err, "%s", call->what);
}

int tow_lytics_call(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                    struct tow_lytics_answer *answer, struct tow_error *err)
{
    struct tow_http_response response = {.status = 0, .content_length = -1, .retry_after_ms = -1};
    struct tow_buffer url = {NULL, 0, 0};
    int code = tow_lytics_put_url(lytics, call, &url, err);

    tow_lytics_reset(answer);
    if (code == TOW_OK)
        code = client_exchange(lytics, call, url.data, &response, err);
    if (code == TOW_OK)
        code = tow_lytics_judge(lytics, call, &response, answer, err);
    tow_buffer_release(&url);
    tow_http_response_release(&response);
    return code;
}
