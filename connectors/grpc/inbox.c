#include "connectors/grpc/inbox.h"

#include <string.h>

void grpc_inbox_release(struct grpc_inbox *inbox)
{
    tow_buffer_release(&inbox->bytes);
    *inbox = (struct grpc_inbox){0};
}

static uint32_t inbox_length(const struct grpc_inbox *inbox, size_t at)
{
    const unsigned char *p = (const unsigned char *)inbox->bytes.data + at + 1;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Moves what was not taken to the front, once that is the smaller part. */
static void inbox_pack(struct grpc_inbox *inbox)
{
    size_t left = inbox->bytes.size - inbox->start;

    if (inbox->start == 0 || left > inbox->start)
        return;
    memmove(inbox->bytes.data, inbox->bytes.data + inbox->start, left);
    inbox->bytes.size = left;
    inbox->scanned -= inbox->start;
    inbox->start = 0;
}

/* Looks at the prefixes of what has come. */
static enum grpc_inbox_result inbox_scan(struct grpc_inbox *inbox, uint32_t limit, uint32_t *length)
{
    while (inbox->bytes.size - inbox->scanned >= GRPC_PREFIX) {
        size_t behind = inbox->bytes.size - inbox->scanned - GRPC_PREFIX;

        *length = inbox_length(inbox, inbox->scanned);
        if (inbox->bytes.data[inbox->scanned] != 0)
            return GRPC_INBOX_COMPRESSED;
        if (*length > limit)
            return GRPC_INBOX_TOO_LONG;
        if (behind < *length)
            break;
        inbox->scanned += GRPC_PREFIX + (size_t)*length;
        inbox->ready++;
    }
    return GRPC_INBOX_OK;
}

enum grpc_inbox_result grpc_inbox_put(struct grpc_inbox *inbox, const void *bytes, size_t count,
                                      uint32_t limit, uint32_t *length)
{
    *length = 0;
    inbox_pack(inbox);
    if (tow_buffer_append(&inbox->bytes, bytes, count, NULL) != TOW_OK)
        return GRPC_INBOX_NOMEM;
    return inbox_scan(inbox, limit, length);
}

const void *grpc_inbox_take(struct grpc_inbox *inbox, size_t *length)
{
    size_t at = inbox->start + GRPC_PREFIX;

    if (inbox->ready == 0)
        return NULL;
    *length = inbox_length(inbox, inbox->start);
    inbox->start = at + *length;
    inbox->ready--;
    return inbox->bytes.data + at;
}

int grpc_inbox_is_broken_off(const struct grpc_inbox *inbox)
{
    return inbox->scanned < inbox->bytes.size;
}
