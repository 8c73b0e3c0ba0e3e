/* Messages of a call as they come in pieces: a flag, four bytes of length, then the message. */
#ifndef CONNECTORS_GRPC_INBOX_H
#define CONNECTORS_GRPC_INBOX_H

#include <stdint.h>

#include "towpath/rowtext.h"

#define GRPC_PREFIX 5 /* bytes before each message */

struct grpc_inbox {
    struct tow_buffer bytes;
    size_t start;   /* of the oldest message that was not taken */
    size_t scanned; /* of the first message that is not complete */
    size_t ready;   /* messages between the two */
};

enum grpc_inbox_result {
    GRPC_INBOX_OK,
    GRPC_INBOX_COMPRESSED, /* the flag says so, and nobody offered to take that */
    GRPC_INBOX_TOO_LONG,   /* a message that announces more than `limit` bytes: *length of them */
    GRPC_INBOX_NOMEM
};

void grpc_inbox_release(struct grpc_inbox *inbox);
enum grpc_inbox_result grpc_inbox_put(struct grpc_inbox *inbox, const void *bytes, size_t count,
                                      uint32_t limit, uint32_t *length);
/* The oldest message, good until the next put or take; NULL where none is complete. */
const void *grpc_inbox_take(struct grpc_inbox *inbox, size_t *length);
/* 1 where part of a message has come. */
int grpc_inbox_is_broken_off(const struct grpc_inbox *inbox);

#endif
