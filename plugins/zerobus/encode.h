/*
 * Rows as records: Protocol Buffers by a table's columns, straight from the buffers of a batch, or
 * JSON objects.
 */
#ifndef PLUGINS_ZEROBUS_ENCODE_H
#define PLUGINS_ZEROBUS_ENCODE_H

#include "connectors/zerobus/schema.h"
#include "connectors/zerobus/wire.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

struct tow_bus_encoder;

/* A row that cannot be a record of the table. */
struct tow_bus_misfit {
    const char *code; /* "not_null", "out_of_range" */
    char message[300];
};

/*
 * `message` describes the table, for TOW_ZEROBUS_PROTO; it is needed as long as the encoder.
 * Refuses columns that the table lacks or that are of another kind, and a table whose NOT NULL
 * columns the rows lack: TOW_E_CONFIG. Nested columns come as JSON.
 */
struct tow_bus_encoder *tow_bus_encoder_new(const struct ArrowSchema *schema,
                                            enum tow_zerobus_format format,
                                            const struct tow_zerobus_message *message,
                                            struct tow_error *err);
void tow_bus_encoder_free(struct tow_bus_encoder *encoder);

/* The description of a table that has just these columns; numbers from 1. */
int tow_bus_message_of(const struct ArrowSchema *schema, struct tow_zerobus_message *message,
                       struct tow_error *err);

/* Starts on a batch, which stays borrowed. */
int tow_bus_encoder_batch(struct tow_bus_encoder *encoder, const struct ArrowArray *array,
                          struct tow_error *err);
/* Looks for the first misfit in rows [first, length): its number, or -1 where all fit. */
int64_t tow_bus_encoder_misfit(struct tow_bus_encoder *encoder, int64_t first,
                               struct tow_bus_misfit *misfit);
/* Appends a row that fits, with what stands before a record; *payload grows by the record's own
 * bytes. */
int tow_bus_encoder_put(struct tow_bus_encoder *encoder, int64_t row, struct tow_buffer *body,
                        size_t *payload, struct tow_error *err);

#endif
