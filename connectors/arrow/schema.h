/* The columns of a stream, as its first message tells them. */
#ifndef CONNECTORS_ARROW_SCHEMA_H
#define CONNECTORS_ARROW_SCHEMA_H

#include "connectors/arrow/flatbuffer.h"
#include "connectors/arrow/ipc.h"

/* Zero-initialized is empty and valid. */
struct tow_ipc_schema {
    struct tow_ipc_field
        *fields;         /* those at the top first; children lie side by side behind them */
    size_t count;        /* at the top */
    size_t field_count;  /* in all */
    size_t buffer_count; /* of a record batch */
    uint8_t *metadata;   /* where names and time zones lie */
};

/* Reads the schema message with these metadata, and keeps a copy of them. */
int tow_ipc_schema_read(struct tow_ipc_schema *schema, const uint8_t *metadata, size_t size,
                        struct tow_error *err);
void tow_ipc_schema_release(struct tow_ipc_schema *schema);

/* Puts the field's name before a message: "column" at depth 0, "field" below it. */
void tow_ipc_field_prefix(struct tow_error *err, const struct tow_ipc_field *field, int depth);

#endif
