/* Bytes on their way to the socket: frames are put here, and written in large pieces. */
#ifndef CONNECTORS_GRPC_OUTBOX_H
#define CONNECTORS_GRPC_OUTBOX_H

#include "connectors/grpc/link.h"

#define GRPC_FRAME_MAX                                                        \
    ((size_t)64 << 10) /* payload of a DATA frame, where the server allows it \
                        */
#define GRPC_OUTBOX_MAX ((size_t)256 << 10)

struct grpc_outbox {
    unsigned char *bytes; /* GRPC_OUTBOX_MAX */
    size_t start, end;    /* what is not written yet */
    int is_shut;          /* a write failed: what comes from now on is dropped */
    int64_t shut_ms;      /* since when */
    struct tow_error failure;
};

int grpc_outbox_init(struct grpc_outbox *outbox, struct tow_error *err);
void grpc_outbox_release(struct grpc_outbox *outbox);
/* Room for `length` bytes, which is at most a frame with its head: where to put them, or NULL until
 * the socket takes more. The caller then moves outbox->end. */
unsigned char *grpc_outbox_room(struct grpc_outbox *outbox, struct grpc_link *link, size_t length);
/* Writes what the socket takes. A connection that broke shows when it is read. */
void grpc_outbox_flush(struct grpc_outbox *outbox, struct grpc_link *link);

static inline int grpc_outbox_is_empty(const struct grpc_outbox *outbox)
{
    return outbox->start == outbox->end;
}

#endif
