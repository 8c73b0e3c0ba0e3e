/* Streams of the sink: opened, given up and begun anew, and rows on their way through them. */
#include <stdlib.h>

#include "connectors/machine/wakeup.h"
#include "plugins/zerobus/sink.h"

/* ---- outcomes -------------------------------------------------------------------------------- */

/* Settles what has an outcome by now. */
static int bus_settle_stream(struct bus_sink *sink, struct bus_stream *stream,
                             struct tow_error *err)
{
    struct tow_zerobus_outcome outcome;
    int code = TOW_OK;

    while (code == TOW_OK && tow_zerobus_next(stream->zerobus, &outcome) == TOW_OK) {
        struct tow_bus_batch *batch;

        code = tow_bus_line_settle(&stream->line, sink->host, &outcome, &batch, err);
        if (code != TOW_OK)
            break;
        if (batch->open == 0) {
            code = sink->host->keep(sink->host, batch->seq);
            tow_bus_pending_drop(&sink->pending, batch);
        }
    }
    return code;
}

static int bus_settle(struct bus_sink *sink, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < sink->stream_count && code == TOW_OK; i++)
        code = bus_settle_stream(sink, &sink->streams[i], err);
    return code;
}

/* ---- opening and ending ---------------------------------------------------------------------- */

/* Gives the streams up, with what has no outcome. */
static void bus_drop_streams(struct bus_sink *sink)
{
    if (sink->stream_count == 0)
        return;
    tow_wakeup_raise(sink->stop_fd);
    for (size_t i = 0; i < sink->stream_count; i++) {
        tow_zerobus_free(sink->streams[i].zerobus);
        tow_bus_line_release(&sink->streams[i].line);
    }
    sink->stream_count = 0;
    (void)tow_wakeup_clear(sink->stop_fd);
}

static void bus_log(void *context, int is_detail, const char *message)
{
    const struct tow_host *host = context;

    tow_log(host, is_detail ? TOW_LOG_DEBUG : TOW_LOG_INFO, "zerobus: %s", message);
}

int tow_bus_open_streams(struct bus_sink *sink, struct tow_error *err)
{
    struct tow_buffer descriptor = {0};
    struct tow_zerobus_settings settings;
    int code = TOW_OK;

    tow_bus_stream_settings(&sink->target, &settings);
    settings.login = tow_zerobus_account_login(sink->account);
    settings.descriptor = &descriptor;
    settings.log = bus_log;
    settings.log_context = (void *)(uintptr_t)sink->host;
    settings.cancel_fd = sink->host->cancel_fd(sink->host);
    if (sink->has_message)
        code = tow_zerobus_put_descriptor(&descriptor, &sink->message, err);
    while (code == TOW_OK && sink->stream_count < (size_t)sink->options.streams) {
        struct bus_stream *stream = &sink->streams[sink->stream_count];

        *stream = (struct bus_stream){.zerobus = tow_zerobus_open(&settings, err)};
        if (stream->zerobus)
            sink->stream_count++;
        else
            code = err->code;
    }
    tow_buffer_release(&descriptor);
    if (code != TOW_OK)
        bus_drop_streams(sink);
    return code;
}

void tow_bus_end_streams(struct bus_sink *sink)
{
    for (size_t i = 0; i < sink->stream_count; i++)
        if (tow_zerobus_unacknowledged(sink->streams[i].zerobus, NULL) == 0 &&
            !sink->host->cancelled(sink->host))
            tow_zerobus_close(sink->streams[i].zerobus, NULL);
    bus_drop_streams(sink);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The one with the least to do. */
static struct bus_stream *bus_choose(struct bus_sink *sink)
{
    struct bus_stream *chosen = &sink->streams[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < sink->stream_count && sink->stream_count > 1; i++) {
        size_t bytes;

        tow_zerobus_unacknowledged(sink->streams[i].zerobus, &bytes);
        if (bytes < least) {
            least = bytes;
            chosen = &sink->streams[i];
        }
    }
    return chosen;
}

static int bus_put(struct bus_sink *sink, struct bus_stream *stream, struct tow_bus_batch *batch,
                   struct bus_filling *filling, struct tow_error *err)
{
    uint64_t ticket = ++sink->tickets;
    int code = tow_bus_line_add(&stream->line, ticket, batch, filling->first, filling->count,
                                filling->rows, err);

    filling->rows = NULL;
    if (code != TOW_OK)
        return code;
    code = tow_zerobus_put(stream->zerobus, ticket, &filling->body, filling->count,
                           filling->payload, err);
    if (code != TOW_OK)
        tow_bus_line_take_back(&stream->line);
    return code;
}

/* Sends the rows of a batch that are not settled. */
static int bus_send(struct bus_sink *sink, struct tow_bus_batch *batch, struct tow_error *err)
{
    int64_t row = 0;
    int code;

    code = tow_bus_encoder_batch(sink->encoder, batch->array, err);
    if (code == TOW_OK)
        code = tow_bus_reject_misfits(sink, batch, err);
    while (code == TOW_OK && row < batch->array->length) {
        struct bus_stream *stream = bus_choose(sink);
        struct bus_filling filling = {.body = tow_zerobus_buffer(stream->zerobus)};

        code = tow_bus_fill(sink, batch, &row, tow_zerobus_request_size(stream->zerobus), &filling,
                            err);
        if (code == TOW_OK && filling.count > 0)
            code = bus_put(sink, stream, batch, &filling, err);
        tow_buffer_release(&filling.body);
        free(filling.rows);
    }
    return code;
}

/* Opens streams in place of those that were given up, and sends again what has no outcome. */
static int bus_begin_anew(struct bus_sink *sink, struct tow_error *err)
{
    int code = sink->encoder ? TOW_OK : tow_bus_look(sink, err);

    if (code == TOW_OK)
        code = tow_bus_open_streams(sink, err);
    for (struct tow_bus_batch *batch = sink->pending.batches; batch && code == TOW_OK;
         batch = batch->next)
        code = bus_send(sink, batch, err);
    return code;
}

/* A stream has failed, or cannot be trusted: what it knows is taken, then it goes. The table is
 * looked at again, since it may be the reason. */
static void bus_give_up_streams(struct bus_sink *sink, struct tow_error *err)
{
    struct tow_error settling = TOW_ERROR_INIT;

    if (bus_settle(sink, &settling) != TOW_OK)
        tow_error_set(err, settling.code, "%s", settling.message);
    bus_drop_streams(sink);
    tow_bus_forget_message(sink);
}

/* Everything that is settled may be the last of its batch. */
static int bus_drop_if_settled(struct bus_sink *sink, struct tow_bus_batch *batch)
{
    if (batch->open > 0)
        return 0;
    tow_bus_pending_drop(&sink->pending, batch);
    return 1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

int tow_bus_write_streams(struct bus_sink *sink, const struct tow_rows *rows, struct tow_error *err)
{
    struct tow_bus_batch *batch;
    int code = bus_settle(sink, err);

    if (code == TOW_OK && sink->stream_count == 0)
        code = bus_begin_anew(sink, err);
    if (code != TOW_OK) {
        bus_give_up_streams(sink, err);
        return err->code;
    }
    batch = tow_bus_pending_add(&sink->pending, rows, err);
    if (!batch)
        return TOW_E_NOMEM;
    code = bus_send(sink, batch, err);
    if (code == TOW_OK && bus_drop_if_settled(sink, batch))
        return TOW_OK;
    if (code == TOW_OK)
        return bus_settle(sink, err);
    /* The batch comes again, or not at all; those before it stay. */
    bus_give_up_streams(sink, err);
    tow_bus_pending_forget(&sink->pending, rows->seq);
    return err->code;
}

/* What is acknowledged is settled and kept as it comes, and not only when all is. */
static int bus_flush_stream(struct bus_sink *sink, struct bus_stream *stream, struct tow_error *err)
{
    int code, settled = TOW_OK;

    do {
        code = tow_zerobus_flush_some(stream->zerobus, err);
        if (code == TOW_OK || code == TOW_END)
            settled = bus_settle(sink, err);
    } while (code == TOW_END && settled == TOW_OK);
    return settled == TOW_OK ? code : settled;
}

int tow_bus_flush(struct bus_sink *sink, struct tow_error *err)
{
    int code = TOW_OK;

    /* Batches that lost their streams, and were not followed by another one. */
    if (sink->stream_count == 0 && sink->pending.batches)
        code = bus_begin_anew(sink, err);
    for (size_t i = 0; i < sink->stream_count && code == TOW_OK; i++)
        code = bus_flush_stream(sink, &sink->streams[i], err);
    if (code == TOW_OK)
        return TOW_OK;
    /* The core brings everything again. */
    bus_give_up_streams(sink, err);
    tow_bus_pending_release(&sink->pending);
    return err->code;
}
