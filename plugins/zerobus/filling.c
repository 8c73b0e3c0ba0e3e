#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/zerobus/sink.h"

#define BUS_BODY_MAX ((size_t)TOW_ZEROBUS_MESSAGE_MAX - TOW_ZEROBUS_HEAD_MAX)

int tow_bus_reject_misfits(struct bus_sink *sink, struct tow_bus_batch *batch,
                           struct tow_error *err)
{
    struct tow_bus_misfit misfit;
    int64_t row = 0;
    int code = TOW_OK;

    while (code == TOW_OK && (row = tow_bus_encoder_misfit(sink->encoder, row, &misfit)) >= 0) {
        if (!batch->settled[row])
            code = tow_bus_settle(sink->host, batch, row, 1, TOW_ROW_REJECTED, misfit.code,
                                  misfit.message, err);
        row++;
    }
    return code;
}

/* Notes a row; once there is a gap, all of them are listed. */
static int bus_note_row(struct bus_filling *filling, int64_t row, int64_t most,
                        struct tow_error *err)
{
    if (filling->count == 0)
        filling->first = row;
    if (filling->count > 0 && row != filling->last + 1 && !filling->rows) {
        filling->rows = reallocarray(NULL, (size_t)most, sizeof *filling->rows);
        if (!filling->rows)
            return tow_error_nomem(err);
        for (size_t i = 0; i < filling->count; i++)
            filling->rows[i] = (int32_t)(filling->first + (int64_t)i);
    }
    if (filling->rows)
        filling->rows[filling->count] = (int32_t)row;
    filling->last = row;
    filling->count++;
    return TOW_OK;
}

static int bus_reject_large(struct bus_sink *sink, struct tow_bus_batch *batch, int64_t row,
                            size_t size, struct tow_error *err)
{
    char message[200];

    (void)snprintf(message, sizeof message,
                   "the row makes a record of %zu bytes; at most %" PRId64 " are taken", size,
                   sink->options.max_ingest_payload_bytes);
    return tow_bus_settle(sink->host, batch, row, 1, TOW_ROW_REJECTED, "too_large", message, err);
}

int tow_bus_fill(struct bus_sink *sink, struct tow_bus_batch *batch, int64_t *row, size_t size,
                 struct bus_filling *filling, struct tow_error *err)
{
    const size_t most = (size_t)sink->options.max_ingest_payload_bytes;
    int code = TOW_OK;

    for (; code == TOW_OK && *row < batch->array->length && filling->body.size < size; ++*row) {
        size_t before = filling->body.size, payload = filling->payload;

        if (batch->settled[*row])
            continue;
        code = tow_bus_encoder_put(sink->encoder, *row, &filling->body, &filling->payload, err);
        if (code == TOW_OK && filling->payload <= most && filling->body.size <= BUS_BODY_MAX) {
            code = bus_note_row(filling, *row, batch->array->length, err);
            continue;
        }
        filling->body.size = before;
        if (code == TOW_OK && filling->count > 0) {
            filling->payload = payload;
            break;
        }
        if (code == TOW_OK)
            code = bus_reject_large(sink, batch, *row, filling->payload, err);
        filling->payload = payload;
    }
    return code;
}
