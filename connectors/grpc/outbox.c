#include "connectors/grpc/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "towpath/clock.h"

int grpc_outbox_init(struct grpc_outbox *outbox, struct tow_error *err)
{
    *outbox = (struct grpc_outbox){.failure = TOW_ERROR_INIT};
    outbox->bytes = malloc(GRPC_OUTBOX_MAX);
    return outbox->bytes ? TOW_OK : tow_error_nomem(err);
}

void grpc_outbox_release(struct grpc_outbox *outbox)
{
    free(outbox->bytes);
    outbox->bytes = NULL;
}

/* The far end may have said why before it hung up, so a failed write is no end by itself: the
 * connection is read to its own end first. */
void grpc_outbox_flush(struct grpc_outbox *outbox, struct grpc_link *link)
{
    size_t written = 1;

    while (!outbox->is_shut && outbox->start < outbox->end && written > 0) {
        if (grpc_link_write(link, outbox->bytes + outbox->start, outbox->end - outbox->start,
                            &written, &outbox->failure) != TOW_OK) {
            outbox->is_shut = 1;
            outbox->shut_ms = tow_monotonic_ms();
        }
        outbox->start += written;
    }
    if (outbox->is_shut || outbox->start == outbox->end)
        outbox->start = outbox->end = 0;
}

unsigned char *grpc_outbox_room(struct grpc_outbox *outbox, struct grpc_link *link, size_t length)
{
    if (GRPC_OUTBOX_MAX - outbox->end >= length)
        return outbox->bytes + outbox->end;
    grpc_outbox_flush(outbox, link);
    if (outbox->start > 0) {
        memmove(outbox->bytes, outbox->bytes + outbox->start, outbox->end - outbox->start);
        outbox->end -= outbox->start;
        outbox->start = 0;
    }
    return GRPC_OUTBOX_MAX - outbox->end >= length ? outbox->bytes + outbox->end : NULL;
}
