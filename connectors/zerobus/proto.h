/*
 * Protocol Buffers on the wire: as much of them as a client of one protocol needs. Writers put
 * bytes at `p`, which has room, and return the end.
 */
#ifndef CONNECTORS_ZEROBUS_PROTO_H
#define CONNECTORS_ZEROBUS_PROTO_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TOW_PROTO_VARINT_MAX 10
#define TOW_PROTO_FIELD_MAX  536870911 /* largest field number */

/* Wire types. */
#define TOW_PROTO_VARINT 0
#define TOW_PROTO_64     1
#define TOW_PROTO_BYTES  2
#define TOW_PROTO_32     5

/* Bytes of a varint: one for each seven bits. */
static inline size_t tow_proto_varint_size(uint64_t value)
{
    return (size_t)(70 - __builtin_clzll(value | 1)) / 7;
}

static inline char *tow_proto_put_varint(char *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (char)(value | 0x80);
        value >>= 7;
    }
    *p++ = (char)value;
    return p;
}

static inline uint64_t tow_proto_tag(int field, int wire_type)
{
    return (uint64_t)field << 3 | (uint64_t)wire_type;
}

/* A length-delimited field's head; its bytes follow. */
static inline char *tow_proto_put_head(char *p, int field, uint64_t length)
{
    return tow_proto_put_varint(tow_proto_put_varint(p, tow_proto_tag(field, TOW_PROTO_BYTES)),
                                length);
}

static inline size_t tow_proto_head_size(int field, uint64_t length)
{
    return tow_proto_varint_size(tow_proto_tag(field, TOW_PROTO_BYTES)) +
           tow_proto_varint_size(length);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct tow_proto_reader {
    const unsigned char *p, *end;
};

struct tow_proto_field {
    uint32_t number;
    int wire_type;
    uint64_t value;    /* of a varint, or the bits of a fixed one */
    const void *bytes; /* TOW_PROTO_BYTES */
    size_t length;
};

/* The next field: 1; 0 at the end; -1 where the bytes are no message (also for groups, which no
 * message of this protocol has). Fields of any number are handed out. */
int tow_proto_next(struct tow_proto_reader *reader, struct tow_proto_field *field);

static inline struct tow_proto_reader tow_proto_reader_of(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    return (struct tow_proto_reader){p, length ? p + length : p}; /* NULL is no bytes */
}

#endif
