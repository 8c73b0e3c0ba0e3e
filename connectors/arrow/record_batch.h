/* Columns of a record batch over the buffers of its body. */
#ifndef CONNECTORS_ARROW_RECORD_BATCH_H
#define CONNECTORS_ARROW_RECORD_BATCH_H

#include "connectors/arrow/body.h"
#include "connectors/arrow/schema.h"

/*
 * Reads the table RecordBatch of a message whose body `body` tells of: fills *batch, with columns
 * in its memory, which is set. Everything that ipc.h promises of columns has been checked.
 */
int tow_ipc_record_batch_read(const struct tow_ipc_schema *schema,
                              const struct tow_flat_table *table, struct tow_ipc_body *body,
                              struct tow_ipc_batch *batch, struct tow_error *err);

#endif
