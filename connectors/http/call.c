#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http_priv.h"
#include "towpath/clock.h"

static void call_free(struct tow_http_call *call)
{
    struct curl_slist *header;

    if (call->easy)
        curl_easy_cleanup(call->easy);
    /* Logins are among them. */
    for (header = call->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(call->headers);
    if (call->url)
        curl_url_cleanup(call->url);
    tow_http_response_release(&call->response);
    free(call);
}

static int call_prepare(struct tow_http_call *call, struct tow_error *err)
{
    int code;

    call->easy = curl_easy_init();
    if (!call->easy)
        return tow_error_nomem(err);
    code = tow_http_prepare(call, err);
    if (code != TOW_OK)
        return code;
    /* An empty body has its NUL, too. */
    code = tow_buffer_reserve(&call->response.body, 1, err);
    if (code != TOW_OK)
        return code;
    call->response.body.data[0] = '\0';
    if (curl_multi_add_handle(call->http->multi, call->easy) != CURLM_OK)
        return tow_error_nomem(err);
    return TOW_OK;
}

struct tow_http_call *tow_http_start(struct tow_http *http, const struct tow_http_request *request,
                                     struct tow_error *err)
{
    struct tow_http_call *call = calloc(1, sizeof *call);

    if (!call) {
        http->was_unsent = 1;
        tow_error_nomem(err);
        return NULL;
    }
    call->http = http;
    call->request = request;
    call->err = (struct tow_error)TOW_ERROR_INIT;
    call->response.content_length = -1;
    call->response.retry_after_ms = -1;
    call->idle_timeout_ms =
        request->idle_timeout_ms > 0 ? request->idle_timeout_ms : http->idle_timeout_ms;
    call->moved_ms = call->pace_ms = tow_monotonic_ms();
    if (call_prepare(call, err) != TOW_OK) {
        http->was_unsent = 1;
        call_free(call);
        return NULL;
    }
    call->next = http->calls;
    if (call->next)
        call->next->previous = call;
    http->calls = call;
    http->running++;
    /* Its idle time may be shorter than those that were waited for. */
    http->next_look_ms = 0;
    return call;
}

int tow_http_ended(const struct tow_http_call *call)
{
    return call->has_ended;
}

void tow_http_resume(struct tow_http_call *call)
{
    call->resumes = call->is_paused;
}

int tow_http_status(const struct tow_http_call *call)
{
    return call->response.status;
}

int64_t tow_http_length(const struct tow_http_call *call)
{
    return call->response.content_length;
}

int tow_http_finish(struct tow_http_call *call, struct tow_http_response *response,
                    struct tow_error *err)
{
    struct tow_http *http = call->http;
    int code;

    if (!call->has_ended) {
        call->code = tow_error_set(&call->err, TOW_E_CANCELLED,
                                   "%s: broken off before its answer was complete", call->name);
        tow_http_end(call, CURLE_ABORTED_BY_CALLBACK);
    }
    code = call->code;
    if (code != TOW_OK) {
        tow_error_set(err, code, "%s", call->err.message);
        if (err)
            err->retry_after_ms = call->err.retry_after_ms;
        http->was_unsent = !call->has_begun;
    }
    if (call->previous)
        call->previous->next = call->next;
    else
        http->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    if (response) {
        *response = call->response;
        call->response.body = (struct tow_buffer){NULL, 0, 0};
    }
    call_free(call);
    return code;
}

void tow_http_response_release(struct tow_http_response *response)
{
    tow_buffer_release(&response->body);
}
