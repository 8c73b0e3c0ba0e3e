/* Types of columns, from the tables of the metadata (Apache Arrow columnar format, IPC:
 * Schema.fbs). */
#ifndef CONNECTORS_ARROW_FIELD_TYPE_H
#define CONNECTORS_ARROW_FIELD_TYPE_H

#include "connectors/arrow/flatbuffer.h"
#include "connectors/arrow/ipc.h"

/* Sets all that `field` says about its type, whose number is `id`; child_count is set, the children
 * are not read yet. TOW_E_UNSUPPORTED, TOW_E_DATA. */
int tow_ipc_field_set_type(struct tow_ipc_field *field, int id, const struct tow_flat_table *type,
                           struct tow_error *err);

/* Buffers of a column of that type, those of its children not counted. */
size_t tow_ipc_type_buffers(enum tow_ipc_type type);

/* Bytes of an offset, 0 where the type has none. */
size_t tow_ipc_type_offset_width(enum tow_ipc_type type);

/* The number's name in the format, "Int"; NULL for none. */
const char *tow_ipc_type_name(int id);

#endif
