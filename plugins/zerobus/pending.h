/*
 * Batches that the sink holds, and which of their rows each request on the way has.
 *
 * A batch is held until the last of its rows is settled. Requests of one stream get their outcomes
 * in order, so those of each stream stand in a line.
 */
#ifndef PLUGINS_ZEROBUS_PENDING_H
#define PLUGINS_ZEROBUS_PENDING_H

#include <stdint.h>

#include "connectors/zerobus/stream.h"
#include "towpath/plugin.h"

struct tow_bus_batch {
    struct tow_bus_batch *next;
    uint64_t seq;
    const struct ArrowArray *array; /* borrowed from the core */
    int64_t open;                   /* rows that are not settled */
    uint8_t settled[];              /* 1 for each row that is */
};

/* Rows of a batch in a request: `count` from `first` on, or those listed. */
struct tow_bus_request {
    struct tow_bus_request *next;
    uint64_t ticket;
    struct tow_bus_batch *batch;
    int64_t first;
    size_t count, left; /* of which so many have no outcome */
    int32_t *rows;      /* NULL: all behind each other */
};

struct tow_bus_line {
    struct tow_bus_request *oldest, *newest;
};

struct tow_bus_pending {
    struct tow_bus_batch *batches; /* in the order in which they came */
};

/* NULL where memory ran out. */
struct tow_bus_batch *tow_bus_pending_add(struct tow_bus_pending *pending,
                                          const struct tow_rows *rows, struct tow_error *err);
void tow_bus_pending_drop(struct tow_bus_pending *pending, struct tow_bus_batch *batch);
/* The batch of that number, where there still is one. */
void tow_bus_pending_forget(struct tow_bus_pending *pending, uint64_t seq);
void tow_bus_pending_release(struct tow_bus_pending *pending);

/* Settles one row of a batch that is not settled yet, or `count` of them. */
int tow_bus_settle(const struct tow_host *host, struct tow_bus_batch *batch, int64_t first,
                   int64_t count, int outcome, const char *code, const char *message,
                   struct tow_error *err);

/* `rows`, where not NULL, is moved in. */
int tow_bus_line_add(struct tow_bus_line *line, uint64_t ticket, struct tow_bus_batch *batch,
                     int64_t first, size_t count, int32_t *rows, struct tow_error *err);
/* Takes back the newest one, which was not sent after all. */
void tow_bus_line_take_back(struct tow_bus_line *line);
void tow_bus_line_release(struct tow_bus_line *line);

/* Settles the rows of an outcome. *batch is the one they are of. */
int tow_bus_line_settle(struct tow_bus_line *line, const struct tow_host *host,
                        const struct tow_zerobus_outcome *outcome, struct tow_bus_batch **batch,
                        struct tow_error *err);

#endif
