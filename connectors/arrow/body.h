/* The body of a record batch: its buffers, found and decompressed. */
#ifndef CONNECTORS_ARROW_BODY_H
#define CONNECTORS_ARROW_BODY_H

#include "connectors/arrow/codec.h"
#include "connectors/arrow/flatbuffer.h"
#include "connectors/arrow/memory.h"

struct tow_ipc_body {
    struct tow_ipc_codec codec;
    size_t limit;         /* bytes that all buffers may have, decompressed */
    const uint8_t *bytes; /* where it lies, aligned to 8 */
    size_t length;
    struct tow_ipc_span *spans; /* the buffers, `count` of them */
    size_t count;
    size_t plain_bytes; /* of buffers that were decompressed */
};

/*
 * Finds the buffers that the table RecordBatch tells of: each lies in the body, at a multiple of 8,
 * and all of them are no longer than the body. Compressed ones are decompressed into *plain.
 */
int tow_ipc_body_read(struct tow_ipc_body *body, const struct tow_flat_table *batch,
                      struct tow_ipc_block *plain, struct tow_error *err);

#endif
