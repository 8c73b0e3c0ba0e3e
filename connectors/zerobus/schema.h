/*
 * The columns of a table as Protocol Buffers see them: read from Unity Catalog's description, and
 * written as the descriptor that opens a stream, or as a .proto file (Zerobus Ingest documentation,
 * Supported types).
 */
#ifndef CONNECTORS_ZEROBUS_SCHEMA_H
#define CONNECTORS_ZEROBUS_SCHEMA_H

#include <jansson.h>
#include <stddef.h>

#include "towpath/error.h"
#include "towpath/rowtext.h"

/* Numbers of FieldDescriptorProto.Type. */
enum tow_zerobus_kind {
    TOW_ZEROBUS_DOUBLE = 1,
    TOW_ZEROBUS_FLOAT = 2,
    TOW_ZEROBUS_INT64 = 3,
    TOW_ZEROBUS_INT32 = 5,
    TOW_ZEROBUS_BOOL = 8,
    TOW_ZEROBUS_STRING = 9,
    TOW_ZEROBUS_MESSAGE = 11,
    TOW_ZEROBUS_BYTES = 12
};

/* What a value means beyond its kind: the table's own type. */
enum tow_zerobus_type {
    TOW_ZEROBUS_PLAIN,     /* just the kind */
    TOW_ZEROBUS_BYTE,      /* int32: -128 to 127 */
    TOW_ZEROBUS_SHORT,     /* int32: -32768 to 32767 */
    TOW_ZEROBUS_DATE,      /* int32: days since 1970 */
    TOW_ZEROBUS_TIMESTAMP, /* int64: microseconds since 1970 UTC */
    TOW_ZEROBUS_TIMESTAMP_NTZ,
    TOW_ZEROBUS_DECIMAL, /* string: digits */
    TOW_ZEROBUS_VARIANT  /* string: JSON */
};

struct tow_zerobus_message;

struct tow_zerobus_field {
    char *name;
    int number;
    enum tow_zerobus_kind kind;
    enum tow_zerobus_type type;
    int precision, scale; /* TOW_ZEROBUS_DECIMAL */
    int is_required;      /* NOT NULL, and neither repeated nor a map */
    int is_repeated;
    struct tow_zerobus_message *message; /* TOW_ZEROBUS_MESSAGE: of the field's own; also the pair
                                            of a map, which is repeated */
    char *sql;                           /* its type as the table has it, for people */
};

struct tow_zerobus_message {
    char *name;
    int is_map_entry;
    struct tow_zerobus_field *fields;
    size_t count;
};

/*
 * Reads the answer of Unity Catalog for a table. TOW_E_UNSUPPORTED for columns that the service
 * does not take (their name, type and why), TOW_E_ENV for an answer that is none.
 */
int tow_zerobus_schema_read(struct tow_zerobus_message *message, const json_t *table,
                            struct tow_error *err);
void tow_zerobus_schema_release(struct tow_zerobus_message *message);

/* For a schema that is not read: an empty message, and columns behind each other, numbered from 1.
 * `name` is that of the message. */
int tow_zerobus_schema_init(struct tow_zerobus_message *message, const char *name,
                            struct tow_error *err);
struct tow_zerobus_field *tow_zerobus_schema_add(struct tow_zerobus_message *message,
                                                 const char *name, enum tow_zerobus_kind kind,
                                                 struct tow_error *err);

/* Field by its column's name; NULL where there is none. */
const struct tow_zerobus_field *tow_zerobus_schema_find(const struct tow_zerobus_message *message,
                                                        const char *name);

/* "SalesOrders" of "sales" and "orders". */
int tow_zerobus_message_name(struct tow_buffer *out, const char *schema, const char *table,
                             struct tow_error *err);

/* Appends a serialized google.protobuf.DescriptorProto. */
int tow_zerobus_put_descriptor(struct tow_buffer *out, const struct tow_zerobus_message *message,
                               struct tow_error *err);
/* Appends the text of a proto2 file; `comment` stands at its top. */
int tow_zerobus_put_proto_file(struct tow_buffer *out, const struct tow_zerobus_message *message,
                               const char *comment, struct tow_error *err);

#endif
