/* The rows of a batch on their way to the core: events put straight into the columns' buffers. */
#ifndef PLUGINS_EVENTS_ROWS_H
#define PLUGINS_EVENTS_ROWS_H

#include <stdint.h>

#include "connectors/events/event.h"
#include "towpath/batch.h"
#include "towpath/plugin.h"

/* Zero-initialized is empty and valid. */
struct tow_events_rows {
    struct tow_builder *rows;  /* id, ly_event_ts, ly_receive_ts, stream, data */
    struct tow_builder *lines; /* of each row */
    int64_t count;
    int64_t limit;           /* rows of a batch */
    int64_t bytes, most;     /* of stream and data so far, and at most */
    struct ArrowArray ready; /* lines, while the rows could not be handed over */
};

/* The five columns; `is_json` 1: data is a json column. */
int tow_events_schema(struct ArrowSchema *out, int is_json, struct tow_error *err);

int tow_events_rows_init(struct tow_events_rows *rows, const struct tow_host *host, int is_json,
                         struct tow_error *err);
void tow_events_rows_release(struct tow_events_rows *rows);

/* Where it fails, the row is not there. */
int tow_events_rows_append(struct tow_events_rows *rows, const struct tow_event *event,
                           int64_t line, struct tow_error *err);

static inline int tow_events_rows_are_full(const struct tow_events_rows *rows)
{
    return rows->count >= rows->limit || rows->bytes >= rows->most;
}

/* Moves rows and lines out. After a failure the call can be made again. */
int tow_events_rows_finish(struct tow_events_rows *rows, struct tow_batch *out,
                           struct tow_error *err);

#endif
