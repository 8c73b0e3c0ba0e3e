/* Requests on their way, oldest first, and the records of each. Not locked by itself. */
#ifndef CONNECTORS_ZEROBUS_REQUEST_H
#define CONNECTORS_ZEROBUS_REQUEST_H

#include "connectors/zerobus/stream.h"

#define REQUEST_SPARE_MAX   8                 /* buffers that are kept for use again ... */
#define REQUEST_SPARE_BYTES ((size_t)8 << 20) /* of so many bytes together */

/* Bytes that the halves of a split request share. */
struct request_body {
    struct tow_buffer bytes;
    size_t references;
};

struct request {
    struct request *next;
    struct request_body *body; /* NULL once it is settled */
    size_t begin, end;         /* its part of the body */
    uint64_t ticket;
    size_t first, count; /* its records, by their place in what was put */
    int64_t sent_ms;     /* when all of it was handed to the network; 0: not yet */
    int is_refused;
    char *message; /* of a refusal; may be NULL */
};

struct request_list {
    struct request *oldest, *newest;
    size_t requests, records, bytes;
};

struct request_pool {
    struct tow_buffer spare[REQUEST_SPARE_MAX];
    size_t count, bytes;
};

/* Moves the body in; NULL where memory ran out. */
struct request *request_new(uint64_t ticket, struct tow_buffer *body, size_t count);
/* It has its outcome: the body is not needed any more, and goes back to the pool with its last
 * reference. */
void request_settle(struct request *request, struct request_pool *pool);
void request_free(struct request *request, struct request_pool *pool);

void request_list_append(struct request_list *list, struct request *request);
struct request *request_list_take(struct request_list *list);
void request_list_release(struct request_list *list, struct request_pool *pool);

/* Makes the oldest request two: the second half of its records behind the first. It has more than
 * one. 0, or -1 where memory ran out. */
int request_list_split(struct request_list *list);

struct tow_buffer request_pool_take(struct request_pool *pool);
void request_pool_release(struct request_pool *pool);

#endif
