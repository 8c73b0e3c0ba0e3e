/*
 * Messages of databricks.zerobus.Zerobus/EphemeralStream (zerobus_service.proto of
 * databricks/zerobus-sdk).
 *
 * Records of a request lie one behind the other in its body as the `records` field of a batch has
 * them: tag, length, bytes. The body is the same for every connection; what stands before it, with
 * the offset on this one, is made when it is sent.
 */
#ifndef CONNECTORS_ZEROBUS_WIRE_H
#define CONNECTORS_ZEROBUS_WIRE_H

#include "connectors/zerobus/proto.h"
#include "towpath/rowtext.h"

#define TOW_ZEROBUS_PATH "/databricks.zerobus.Zerobus/EphemeralStream"

enum tow_zerobus_format { TOW_ZEROBUS_PROTO, TOW_ZEROBUS_JSON };

/* EphemeralStreamRequest.create_stream. `descriptor` is a DescriptorProto; JSON has none. */
int tow_zerobus_put_create(struct tow_buffer *out, const char *table,
                           enum tow_zerobus_format format, const struct tow_buffer *descriptor,
                           struct tow_error *err);

/* EphemeralStreamRequest.ingest_record_batch up to its records, which are body_length bytes. */
#define TOW_ZEROBUS_HEAD_MAX 40
size_t tow_zerobus_put_batch_head(char head[TOW_ZEROBUS_HEAD_MAX], enum tow_zerobus_format format,
                                  int64_t offset, uint64_t body_length);

/* What stands before the bytes of each record in a body. */
#define TOW_ZEROBUS_RECORD_HEAD_MAX 11
static inline char *tow_zerobus_put_record_head(char *p, size_t length)
{
    return tow_proto_put_head(p, 1, length);
}

/* Steps over one record of a body: its size with what stands before it, or 0 at the end. */
size_t tow_zerobus_record_size(const char *body, size_t length);

enum tow_zerobus_answer_kind {
    TOW_ZEROBUS_NOTHING, /* none that this client knows */
    TOW_ZEROBUS_CREATED,
    TOW_ZEROBUS_ACK,
    TOW_ZEROBUS_CLOSE
};

struct tow_zerobus_answer {
    enum tow_zerobus_answer_kind kind;
    const char *stream_id; /* CREATED: not terminated; NULL where it was left out */
    size_t stream_id_length;
    int has_offset; /* ACK */
    int64_t offset;
    int64_t grace_ms; /* CLOSE: rounded down, at least 0 */
};

/* Reads an EphemeralStreamResponse: TOW_OK, or TOW_E_TRANSIENT where the bytes are none. Texts are
 * borrowed from them. The last member of the oneof counts, as Protocol Buffers have it. */
int tow_zerobus_read_answer(const void *bytes, size_t length, struct tow_zerobus_answer *answer,
                            struct tow_error *err);

#endif
