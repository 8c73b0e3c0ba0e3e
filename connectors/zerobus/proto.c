#include "connectors/zerobus/proto.h"

/* 0, or -1 where the varint is cut off or longer than 64 bits. */
static int proto_varint(struct tow_proto_reader *reader, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && reader->p < reader->end; shift += 7) {
        unsigned char byte = *reader->p++;

        if (shift == 63 && byte > 1)
            return -1;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return 0;
    }
    return -1;
}

static int proto_fixed(struct tow_proto_reader *reader, size_t size, uint64_t *value)
{
    if ((size_t)(reader->end - reader->p) < size)
        return -1;
    *value = 0;
    for (size_t i = 0; i < size; i++)
        *value |= (uint64_t)reader->p[i] << (8 * i);
    reader->p += size;
    return 0;
}

static int proto_bytes(struct tow_proto_reader *reader, struct tow_proto_field *field)
{
    if (proto_varint(reader, &field->value) || field->value > (size_t)(reader->end - reader->p))
        return -1;
    field->bytes = reader->p;
    field->length = (size_t)field->value;
    reader->p += field->length;
    return 0;
}

int tow_proto_next(struct tow_proto_reader *reader, struct tow_proto_field *field)
{
    uint64_t tag;
    int failed;

    if (reader->p == reader->end)
        return 0;
    *field = (struct tow_proto_field){0};
    if (proto_varint(reader, &tag) || tag >> 3 == 0 || tag >> 3 > TOW_PROTO_FIELD_MAX)
        return -1;
    field->number = (uint32_t)(tag >> 3);
    field->wire_type = (int)(tag & 7);
    switch (field->wire_type) {
    case TOW_PROTO_VARINT:
        failed = proto_varint(reader, &field->value);
        break;
    case TOW_PROTO_64:
        failed = proto_fixed(reader, 8, &field->value);
        break;
    case TOW_PROTO_32:
        failed = proto_fixed(reader, 4, &field->value);
        break;
    case TOW_PROTO_BYTES:
        failed = proto_bytes(reader, field);
        break;
    default:
        failed = 1;
    }
    return failed ? -1 : 1;
}
