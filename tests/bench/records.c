/*
 * records - a sink for benches: rows become batches of Zerobus records, as the sink zerobus makes
 * them of a table with just these columns, and go nowhere. What is left of that sink when the far
 * end costs nothing.
 */
#include <stdlib.h>

#include "plugins/zerobus/encode.h"
#include "towpath/plugin.h"

#define RECORDS_BODY (1 << 20)

struct records {
    struct tow_zerobus_message message;
    struct tow_bus_encoder *encoder;
    struct tow_buffer body;
    uint64_t rows, bytes;
};

static const struct tow_option options[] = {TOW_OPTIONS_END};

static int32_t records_open(void *self, const struct tow_host *host,
                            const struct tow_position *token, struct tow_error *err)
{
    (void)self;
    (void)host;
    (void)token;
    (void)err;
    return TOW_OK;
}

static int32_t records_begin(void *self, const struct tow_host *host,
                             const struct ArrowSchema *schema, struct tow_error *err)
{
    struct records *records = self;
    int code;

    if (!host)
        return TOW_OK;
    code = tow_bus_message_of(schema, &records->message, err);
    if (code != TOW_OK)
        return code;
    records->encoder = tow_bus_encoder_new(schema, TOW_ZEROBUS_PROTO, &records->message, err);
    return records->encoder ? TOW_OK : err->code;
}

static int32_t records_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct records *records = self;
    struct tow_bus_misfit misfit;
    size_t payload = 0;
    int code = tow_bus_encoder_batch(records->encoder, rows->array, err);

    if (code == TOW_OK && tow_bus_encoder_misfit(records->encoder, 0, &misfit) >= 0)
        code = tow_error_set(err, TOW_E_DATA, "%s", misfit.message);
    for (int64_t row = 0; row < rows->array->length && code == TOW_OK; row++) {
        code = tow_bus_encoder_put(records->encoder, row, &records->body, &payload, err);
        if (records->body.size < RECORDS_BODY)
            continue;
        records->bytes += records->body.size;
        records->body.size = 0;
    }
    records->rows += (uint64_t)rows->array->length;
    return code;
}

static int32_t records_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self;
    (void)err;
    token->length = 0;
    return TOW_OK;
}

static void records_close(void *self)
{
    struct records *records = self;

    tow_bus_encoder_free(records->encoder);
    tow_zerobus_schema_release(&records->message);
    tow_buffer_release(&records->body);
}

static const struct tow_sink_ops ops = {
    .size = sizeof ops,
    .open = records_open,
    .begin = records_begin,
    .write = records_write,
    .flush = records_flush,
    .close = records_close,
};

static const struct tow_plugin plugin = {
    TOW_PLUGIN_HEAD,
    .name = "records",
    .version = "1.0",
    .summary = "makes Zerobus records and drops them, for benches",
    .instance_size = sizeof(struct records),
    .options = options,
    .sink = &ops,
};

TOW_PLUGIN(records, &plugin)
