#include "connectors/zerobus/wire.h"

/* Field numbers of the messages. */
enum {
    REQUEST_CREATE = 1,
    REQUEST_BATCH = 3,
    CREATE_TABLE = 1,
    CREATE_DESCRIPTOR = 3,
    CREATE_TYPE = 4,
    BATCH_OFFSET = 1,
    BATCH_PROTO = 2,
    BATCH_JSON = 3,
    ANSWER_CREATED = 1,
    ANSWER_ACK = 2,
    ANSWER_CLOSE = 3,
    CREATED_STREAM_ID = 1,
    ACK_OFFSET = 1,
    CLOSE_DURATION = 1,
    DURATION_SECONDS = 1,
    DURATION_NANOS = 2
};

enum { RECORD_TYPE_PROTO = 1, RECORD_TYPE_JSON = 2 };

#define WIRE_MS_PER_SECOND 1000
#define WIRE_NANOS_PER_MS  1000000
#define WIRE_GRACE_MAX_MS  (INT64_C(24) * 3600 * 1000)

static char *wire_put_bytes(char *p, int field, const void *bytes, size_t length)
{
    p = tow_proto_put_head(p, field, length);
    if (length)
        memcpy(p, bytes, length);
    return p + length;
}

static char *wire_put_varint(char *p, int field, uint64_t value)
{
    return tow_proto_put_varint(tow_proto_put_varint(p, tow_proto_tag(field, TOW_PROTO_VARINT)),
                                value);
}

int tow_zerobus_put_create(struct tow_buffer *out, const char *table,
                           enum tow_zerobus_format format, const struct tow_buffer *descriptor,
                           struct tow_error *err)
{
    const size_t table_length = strlen(table);
    const int is_proto = format == TOW_ZEROBUS_PROTO;
    size_t inside = tow_proto_head_size(CREATE_TABLE, table_length) + table_length + 2;
    int code;
    char *p;

    if (is_proto)
        inside += tow_proto_head_size(CREATE_DESCRIPTOR, descriptor->size) + descriptor->size;
    code = tow_buffer_reserve(out, tow_proto_head_size(REQUEST_CREATE, inside) + inside, err);
    if (code != TOW_OK)
        return code;
    p = tow_proto_put_head(out->data + out->size, REQUEST_CREATE, inside);
    p = wire_put_bytes(p, CREATE_TABLE, table, table_length);
    if (is_proto)
        p = wire_put_bytes(p, CREATE_DESCRIPTOR, descriptor->data, descriptor->size);
    p = wire_put_varint(p, CREATE_TYPE, is_proto ? RECORD_TYPE_PROTO : RECORD_TYPE_JSON);
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

size_t tow_zerobus_put_batch_head(char head[TOW_ZEROBUS_HEAD_MAX], enum tow_zerobus_format format,
                                  int64_t offset, uint64_t body_length)
{
    const int field = format == TOW_ZEROBUS_PROTO ? BATCH_PROTO : BATCH_JSON;
    const uint64_t inside = 1 + tow_proto_varint_size((uint64_t)offset) +
                            tow_proto_head_size(field, body_length) + body_length;
    char *p = tow_proto_put_head(head, REQUEST_BATCH, inside);

    /* The first offset, 0, is written as well: it has to be there. */
    p = wire_put_varint(p, BATCH_OFFSET, (uint64_t)offset);
    p = tow_proto_put_head(p, field, body_length);
    return (size_t)(p - head);
}

size_t tow_zerobus_record_size(const char *body, size_t length)
{
    struct tow_proto_reader reader = tow_proto_reader_of(body, length);
    struct tow_proto_field field;

    if (tow_proto_next(&reader, &field) != 1)
        return 0;
    return (size_t)(reader.p - (const unsigned char *)body);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int wire_read_created(struct tow_proto_reader inside, struct tow_zerobus_answer *answer)
{
    struct tow_proto_field field;
    int got;

    answer->kind = TOW_ZEROBUS_CREATED;
    while ((got = tow_proto_next(&inside, &field)) == 1)
        if (field.number == CREATED_STREAM_ID && field.wire_type == TOW_PROTO_BYTES) {
            answer->stream_id = field.bytes;
            answer->stream_id_length = field.length;
        }
    return got;
}

static int wire_read_ack(struct tow_proto_reader inside, struct tow_zerobus_answer *answer)
{
    struct tow_proto_field field;
    int got;

    answer->kind = TOW_ZEROBUS_ACK;
    while ((got = tow_proto_next(&inside, &field)) == 1)
        if (field.number == ACK_OFFSET && field.wire_type == TOW_PROTO_VARINT) {
            answer->has_offset = 1;
            answer->offset = (int64_t)field.value;
        }
    return got;
}

static int64_t wire_duration_ms(uint64_t seconds, uint64_t nanos)
{
    int64_t whole = (int64_t)seconds, part = (int64_t)nanos / WIRE_NANOS_PER_MS;

    if (whole < 0 || part < 0)
        return 0;
    if (whole > WIRE_GRACE_MAX_MS / WIRE_MS_PER_SECOND || part > WIRE_MS_PER_SECOND)
        return WIRE_GRACE_MAX_MS;
    return whole * WIRE_MS_PER_SECOND + part;
}

static int wire_read_duration(struct tow_proto_reader inside, struct tow_zerobus_answer *answer)
{
    struct tow_proto_field field;
    uint64_t seconds = 0, nanos = 0;
    int got;

    while ((got = tow_proto_next(&inside, &field)) == 1)
        if (field.wire_type == TOW_PROTO_VARINT) {
            seconds = field.number == DURATION_SECONDS ? field.value : seconds;
            nanos = field.number == DURATION_NANOS ? field.value : nanos;
        }
    answer->grace_ms = wire_duration_ms(seconds, nanos);
    return got;
}

static int wire_read_close(struct tow_proto_reader inside, struct tow_zerobus_answer *answer)
{
    struct tow_proto_field field;
    int got;

    answer->kind = TOW_ZEROBUS_CLOSE;
    while ((got = tow_proto_next(&inside, &field)) == 1)
        if (field.number == CLOSE_DURATION && field.wire_type == TOW_PROTO_BYTES &&
            wire_read_duration(tow_proto_reader_of(field.bytes, field.length), answer) < 0)
            return -1;
    return got;
}

static int wire_read_member(const struct tow_proto_field *field, struct tow_zerobus_answer *answer)
{
    struct tow_proto_reader inside;

    if (field->wire_type != TOW_PROTO_BYTES || field->number > ANSWER_CLOSE)
        return 0;
    *answer = (struct tow_zerobus_answer){.kind = TOW_ZEROBUS_NOTHING};
    inside = tow_proto_reader_of(field->bytes, field->length);
    if (field->number == ANSWER_CREATED)
        return wire_read_created(inside, answer);
    if (field->number == ANSWER_ACK)
        return wire_read_ack(inside, answer);
    return wire_read_close(inside, answer);
}

int tow_zerobus_read_answer(const void *bytes, size_t length, struct tow_zerobus_answer *answer,
                            struct tow_error *err)
{
    struct tow_proto_reader reader = tow_proto_reader_of(bytes, length);
    struct tow_proto_field field;
    int got;

    *answer = (struct tow_zerobus_answer){.kind = TOW_ZEROBUS_NOTHING};
    while ((got = tow_proto_next(&reader, &field)) == 1 && got >= 0)
        if ((got = wire_read_member(&field, answer)) < 0)
            break;
    if (got < 0)
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "the server sent %zu bytes that are no message of the protocol",
                             length);
    return TOW_OK;
}
