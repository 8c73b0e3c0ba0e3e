/*
 * What a server sends to a client that has begun a call: the first byte says in pieces of how many
 * bytes it comes, the rest is HTTP/2.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/grpc/grpc_priv.h"
#include "towpath/value.h"

#define MESSAGE_LIMIT  1000u
#define METADATA_LIMIT 2000u
#define WINDOW         65535u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void demand_text(const char *text)
{
    demand(tow_utf8_valid(text, strlen(text)), "UTF-8");
    for (; *text; text++)
        demand((unsigned char)*text >= ' ' && *text != 0x7F, "no control bytes");
}

/* A channel without a connection: what it sends goes nowhere. */
static struct tow_grpc *channel(void)
{
    struct tow_grpc *grpc = calloc(1, sizeof *grpc);
    struct tow_error err = TOW_ERROR_INIT;

    demand(grpc != NULL, "memory");
    grpc->failure = err;
    grpc->link.fd = grpc->wake_fd = grpc->cancel_fd = -1;
    grpc->message_limit = MESSAGE_LIMIT;
    grpc->metadata_limit = METADATA_LIMIT;
    grpc->user_agent = strdup("fuzz");
    demand(grpc_address_init(&grpc->address, "http://127.0.0.1:1", "", &err) == TOW_OK, "address");
    (void)snprintf(grpc->link.peer, sizeof grpc->link.peer, "peer");
    demand(grpc_outbox_init(&grpc->out, &err) == TOW_OK, "outbox");
    demand(grpc_session_open(grpc, WINDOW, &err) == TOW_OK, "session");
    return grpc;
}

static void take(struct tow_grpc_call *call)
{
    const void *bytes;
    size_t length;

    while (tow_grpc_receive(call, &bytes, &length) == TOW_OK)
        demand(length <= MESSAGE_LIMIT, "message within its limit");
}

static void check(const struct tow_grpc *grpc, const struct tow_grpc_call *call)
{
    const struct tow_grpc_status *status = tow_grpc_status_of(call);

    demand(call->metadata.size <= METADATA_LIMIT + 64, "metadata within its limit");
    demand(call->held <= WINDOW, "window kept");
    demand_text(grpc->goaway_text);
    demand_text(grpc->complaint);
    if (!status)
        return;
    demand(status->code >= 0 && status->code <= TOW_GRPC_UNAUTHENTICATED, "code");
    demand_text(status->message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tow_grpc_request request = {.path = "/a/b"};
    struct tow_grpc *grpc = channel();
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_grpc_call *call = tow_grpc_start(grpc, &request, &err);
    size_t piece = size && data[0] ? data[0] : size + 1;

    demand(call != NULL, "call");
    demand(tow_grpc_send(call, "open", 4, NULL, 0, &err) == TOW_OK, "send");
    grpc_session_send(grpc);
    for (size_t at = 1; at < size && grpc->failure.code == TOW_OK; at += piece) {
        grpc_session_receive(grpc, data + at, size - at < piece ? size - at : piece);
        grpc_session_send(grpc);
        if (at % 3 == 0)
            take(call);
        check(grpc, call);
    }
    take(call);
    if (grpc->failure.code == TOW_OK)
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT, "closed");
    grpc_lose(grpc);
    demand(tow_grpc_status_of(call) != NULL, "ended");
    check(grpc, call);
    tow_grpc_free(grpc);
    return 0;
}
