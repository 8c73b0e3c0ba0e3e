/* The head of an IPC message: what kind it is, and how long its body. */
#ifndef CONNECTORS_ARROW_MESSAGE_H
#define CONNECTORS_ARROW_MESSAGE_H

#include "connectors/arrow/flatbuffer.h"
#include "towpath/error.h"

enum tow_ipc_kind { TOW_IPC_SCHEMA = 1, TOW_IPC_RECORD_BATCH = 3 };

struct tow_ipc_message {
    enum tow_ipc_kind kind;
    int64_t body_length;          /* a multiple of 8, not negative */
    struct tow_flat_table header; /* Schema or RecordBatch, as the kind says */
};

/* Reads it from metadata, whose bytes are borrowed. TOW_E_DATA, TOW_E_UNSUPPORTED. */
int tow_ipc_message_read(struct tow_ipc_message *message, struct tow_flatbuffer *metadata,
                         struct tow_error *err);

/* TOW_OK, or the damage that readers of the metadata have met so far. */
int tow_ipc_metadata_check(const struct tow_flatbuffer *metadata, struct tow_error *err);

#endif
