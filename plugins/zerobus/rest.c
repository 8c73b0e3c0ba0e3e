/* Rows by REST, request after request. */
#include <stdlib.h>

#include "plugins/zerobus/sink.h"

#define BUS_REST_BODY ((size_t)4 << 20) /* bytes of a request by REST, about */

int tow_bus_open_rest(struct bus_sink *sink, struct tow_error *err)
{
    const struct tow_zerobus_rest_settings settings = {
        .endpoint = sink->target.endpoint,
        .table = sink->options.table,
        .login = tow_zerobus_account_login(sink->account),
        .ca_file = sink->options.databricks.ca_file,
        .identity = sink->options.databricks.identity,
        .proxy = sink->options.databricks.proxy,
        .timeout_ms = sink->options.server_lack_of_ack_timeout_ms,
        .cancel_fd = sink->host->cancel_fd(sink->host),
    };

    sink->rest = tow_zerobus_rest_new(&settings, err);
    return sink->rest ? TOW_OK : err->code;
}

static int bus_take_rest_outcome(void *context, const struct tow_zerobus_outcome *outcome,
                                 struct tow_error *err)
{
    struct bus_sink *sink = context;
    struct tow_bus_batch *batch;

    return tow_bus_line_settle(&sink->streams[0].line, sink->host, outcome, &batch, err);
}

static int bus_send_rest(struct bus_sink *sink, struct tow_bus_batch *batch, struct tow_error *err)
{
    struct tow_bus_line *line = &sink->streams[0].line;
    struct bus_filling filling = {.count = 0};
    int64_t row = 0;
    int code = tow_bus_encoder_batch(sink->encoder, batch->array, err);

    while (code == TOW_OK && row < batch->array->length) {
        filling.body.size = filling.payload = filling.count = 0;
        code = tow_bus_fill(sink, batch, &row, BUS_REST_BODY, &filling, err);
        if (code != TOW_OK || filling.count == 0)
            break;
        code = tow_bus_line_add(line, 0, batch, filling.first, filling.count, filling.rows, err);
        filling.rows = NULL;
        if (code == TOW_OK)
            code = tow_zerobus_rest_insert(sink->rest, &filling.body, filling.count,
                                           bus_take_rest_outcome, sink, err);
        tow_bus_line_release(line);
        if (code == TOW_OK && row < batch->array->length)
            code = sink->host->keep(sink->host, batch->seq);
    }
    tow_buffer_release(&filling.body);
    free(filling.rows);
    return code;
}

int tow_bus_write_rest(struct bus_sink *sink, const struct tow_rows *rows, struct tow_error *err)
{
    struct tow_bus_batch *batch = tow_bus_pending_add(&sink->pending, rows, err);
    int code;

    if (!batch)
        return TOW_E_NOMEM;
    code = bus_send_rest(sink, batch, err);
    tow_bus_pending_drop(&sink->pending, batch);
    return code;
}
