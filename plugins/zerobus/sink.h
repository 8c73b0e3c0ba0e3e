/* An instance of the sink, as its parts share it. */
#ifndef PLUGINS_ZEROBUS_SINK_H
#define PLUGINS_ZEROBUS_SINK_H

#include "connectors/zerobus/rest.h"
#include "plugins/zerobus/encode.h"
#include "plugins/zerobus/options.h"
#include "plugins/zerobus/pending.h"

#define BUS_STREAMS 32

struct bus_stream {
    struct tow_zerobus *zerobus;
    struct tow_bus_line line; /* its requests without outcome */
};

struct bus_sink {
    struct tow_bus_options options;
    const struct tow_host *host;
    struct tow_bus_target target;
    int stop_fd;   /* tells the threads of the streams to stop */
    int cancel_fd; /* readable where that one is, or the host's: a login waits for neither */
    struct tow_zerobus_account *account;
    struct tow_databricks *databricks; /* NULL: no table is looked at */
    struct tow_zerobus_rest *rest;     /* NULL: streams */

    struct ArrowSchema schema; /* of the rows */
    struct tow_zerobus_message message;
    int has_message;
    struct tow_bus_encoder *encoder;

    struct bus_stream streams[BUS_STREAMS];
    size_t stream_count; /* that are open; 0: to be opened with the next write */
    struct tow_bus_pending pending;
    uint64_t tickets; /* given so far */
};

/* zerobus.c: looks at the table and makes an encoder for it, in place of the one that there is. */
int tow_bus_look(struct bus_sink *sink, struct tow_error *err);
void tow_bus_forget_message(struct bus_sink *sink);

/* ---- filling.c: rows on their way into a request ----------------------------------------------
 */

/* Rows of a request while it is filled. */
struct bus_filling {
    struct tow_buffer body;
    size_t payload, count;
    int64_t first, last;
    int32_t *rows; /* NULL while they stand behind each other */
};

/* Rejects the rows that cannot be records, before anything is sent. */
int tow_bus_reject_misfits(struct bus_sink *sink, struct tow_bus_batch *batch,
                           struct tow_error *err);
/* Adds rows from *row on, as long as the request is smaller than `size`. A row that would make it
 * larger than a request may be waits for the next one, and is rejected where it is alone. */
int tow_bus_fill(struct bus_sink *sink, struct tow_bus_batch *batch, int64_t *row, size_t size,
                 struct bus_filling *filling, struct tow_error *err);

/* ---- streams.c --------------------------------------------------------------------------------
 */

int tow_bus_open_streams(struct bus_sink *sink, struct tow_error *err);
/* Streams that have nothing left are ended as the protocol has it; others are given up. */
void tow_bus_end_streams(struct bus_sink *sink);
/* As write and flush of struct tow_sink_ops. */
int tow_bus_write_streams(struct bus_sink *sink, const struct tow_rows *rows,
                          struct tow_error *err);
int tow_bus_flush(struct bus_sink *sink, struct tow_error *err);

/* ---- rest.c: everything is settled when a call returns, or open --------------------------------
 */

int tow_bus_open_rest(struct bus_sink *sink, struct tow_error *err);
int tow_bus_write_rest(struct bus_sink *sink, const struct tow_rows *rows, struct tow_error *err);

#endif
