/* Values of nested columns (arrays, maps, structs), which come as JSON, as fields of a record. */
#ifndef PLUGINS_ZEROBUS_NESTED_H
#define PLUGINS_ZEROBUS_NESTED_H

#include "connectors/zerobus/schema.h"

/*
 * Appends a value with all tags that it takes; nothing where it is null. TOW_E_DATA says where the
 * value does not fit and why; what was appended is then to be cut off. Binary values are base64,
 * dates and timestamps text, decimals text or numbers that a double holds.
 */
int bus_nested_put(struct tow_buffer *out, const struct tow_zerobus_field *field, const char *json,
                   size_t length, struct tow_error *err);

#endif
