/* Calls that are under way beside others. */
#include "connectors/lytics/client_priv.h"

#include <stdlib.h>

struct tow_lytics_pending {
    struct tow_lytics *lytics;
    struct tow_lytics_call call;
    struct tow_buffer url;
    struct tow_http_header headers[TOW_LYTICS_HEADERS];
    struct tow_http_request request; /* borrows from all of the above until the exchange is over */
    struct tow_http_call *exchange;
};

static void pending_free(struct tow_lytics_pending *pending)
{
    tow_buffer_release(&pending->url);
    free(pending);
}

static int pending_start(struct tow_lytics_pending *pending, struct tow_error *err)
{
    int code = tow_lytics_put_url(pending->lytics, &pending->call, &pending->url, err);

    if (code != TOW_OK)
        return code;
    tow_lytics_request(pending->lytics, &pending->call, pending->url.data, pending->headers,
                       &pending->request);
    /* What is left of the call is what its answer is judged by. */
    pending->call.path = NULL;
    pending->call.arguments = NULL;
    pending->call.argument_count = 0;
    pending->exchange = tow_http_start(pending->lytics->http, &pending->request, err);
    return pending->exchange ? TOW_OK : err->code;
}

struct tow_lytics_pending *tow_lytics_start(struct tow_lytics *lytics,
                                            const struct tow_lytics_call *call,
                                            struct tow_error *err)
{
    struct tow_lytics_pending *pending = calloc(1, sizeof *pending);

    if (!pending) {
        tow_error_nomem(err);
        return NULL;
    }
    pending->lytics = lytics;
    pending->call = *call;
    if (pending_start(pending, err) == TOW_OK)
        return pending;
    pending_free(pending);
    return NULL;
}

int tow_lytics_wait(struct tow_lytics *lytics, int timeout_ms, struct tow_error *err)
{
    return tow_http_run(lytics->http, timeout_ms, err);
}

int tow_lytics_ended(const struct tow_lytics_pending *pending)
{
    return tow_http_ended(pending->exchange);
}

int tow_lytics_finish(struct tow_lytics_pending *pending, struct tow_lytics_answer *answer,
                      struct tow_error *err)
{
    struct tow_http_response response = {.status = 0, .content_length = -1, .retry_after_ms = -1};
    int code = tow_http_finish(pending->exchange, answer ? &response : NULL, err);

    if (answer)
        tow_lytics_reset(answer);
    if (code != TOW_OK && code != TOW_E_CANCELLED)
        code = tow_error_prefix(err, "%s", pending->call.what);
    if (code == TOW_OK && answer)
        code = tow_lytics_judge(pending->lytics, &pending->call, &response, answer, err);
    tow_http_response_release(&response);
    pending_free(pending);
    return code;
}
