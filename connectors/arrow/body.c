#include "connectors/arrow/body.h"

#include <inttypes.h>

#include "connectors/arrow/message.h"

/* Slots of the tables RecordBatch and BodyCompression. */
enum { BATCH_BUFFERS = 2, BATCH_COMPRESSION };
enum { COMPRESSION_CODEC, COMPRESSION_METHOD };

#define BODY_ALIGNMENT 8
#define BODY_BUFFER    16 /* bytes of the struct Buffer: offset and length */
/* A compressed buffer begins with its length; this one says that it is not compressed. */
#define BODY_LENGTH_SIZE 8
#define BODY_IS_RAW      (-1)
/* Decompressed buffers begin at multiples of it. */
#define BODY_PLAIN_ALIGNMENT 64

static int body_find_span(const struct tow_ipc_body *body, const uint8_t *buffer,
                          struct tow_ipc_span *span, struct tow_error *err)
{
    int64_t offset = tow_flat_int64(buffer), length = tow_flat_int64(buffer + 8);

    if (offset < 0 || length < 0 || (uint64_t)offset > body->length ||
        (uint64_t)length > body->length - (uint64_t)offset)
        return tow_error_set(err, TOW_E_DATA,
                             "%" PRId64 " bytes at %" PRId64 ", in a body of %zu bytes", length,
                             offset, body->length);
    if (offset % BODY_ALIGNMENT != 0)
        return tow_error_set(err, TOW_E_DATA, "it lies at %" PRId64 ", not a multiple of %d",
                             offset, BODY_ALIGNMENT);
    *span = (struct tow_ipc_span){body->bytes + offset, (size_t)length};
    return TOW_OK;
}

/* The sum keeps buffers that lie on top of each other from costing more than the body has bytes. */
static int body_find_spans(struct tow_ipc_body *body, const struct tow_flat_vector *buffers,
                           struct tow_error *err)
{
    size_t left = body->length;

    for (size_t i = 0; i < body->count; i++) {
        int code = body_find_span(body, tow_flat_element(buffers, i), &body->spans[i], err);

        if (code != TOW_OK) {
            tow_error_prefix(err, "buffer %zu", i);
            return code;
        }
        if (body->spans[i].length > left)
            return tow_error_set(err, TOW_E_DATA,
                                 "buffers 0 to %zu are longer than the body of %zu bytes", i,
                                 body->length);
        left -= body->spans[i].length;
    }
    return TOW_OK;
}

/* ---- compressed bodies ----------------------------------------------------------------------- */

static size_t body_plain_room(int64_t length)
{
    return ((size_t)length + BODY_PLAIN_ALIGNMENT - 1) & ~(size_t)(BODY_PLAIN_ALIGNMENT - 1);
}

/* Adds up what the buffers announce, before anything is decompressed. */
static int body_measure(struct tow_ipc_body *body, struct tow_error *err)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct tow_ipc_span *span = &body->spans[i];
        int64_t length;

        if (span->length == 0)
            continue;
        if (span->length < BODY_LENGTH_SIZE)
            return tow_error_set(err, TOW_E_DATA,
                                 "buffer %zu of %zu bytes is too short to be a compressed one", i,
                                 span->length);
        length = tow_flat_int64(span->bytes);
        if (length == BODY_IS_RAW)
            continue;
        if (length < 0)
            return tow_error_set(err, TOW_E_DATA, "buffer %zu announces %" PRId64 " bytes", i,
                                 length);
        if ((uint64_t)length > body->limit ||
            body_plain_room(length) > body->limit - body->plain_bytes)
            return tow_error_set(err, TOW_E_UNSUPPORTED,
                                 "decompressed, buffers 0 to %zu exceed the limit of %zu bytes", i,
                                 body->limit);
        body->plain_bytes += body_plain_room(length);
    }
    return TOW_OK;
}

static int body_decompress(struct tow_ipc_body *body, struct tow_ipc_block *plain,
                           struct tow_error *err)
{
    uint8_t *out = plain->bytes;

    for (size_t i = 0; i < body->count; i++) {
        struct tow_ipc_span *span = &body->spans[i], rest;
        int64_t length;
        int code = TOW_OK;

        if (span->length == 0)
            continue;
        length = tow_flat_int64(span->bytes);
        rest =
            (struct tow_ipc_span){span->bytes + BODY_LENGTH_SIZE, span->length - BODY_LENGTH_SIZE};
        if (length == BODY_IS_RAW) {
            *span = rest;
            continue;
        }
        /* Some writers leave the frame of an empty buffer out. */
        if (length > 0)
            code = tow_ipc_codec_run(&body->codec, rest, out, (size_t)length, err);
        if (code != TOW_OK) {
            if (code != TOW_E_NOMEM)
                tow_error_prefix(err, "buffer %zu", i);
            return code;
        }
        *span = (struct tow_ipc_span){out, (size_t)length};
        out += body_plain_room(length);
    }
    return TOW_OK;
}

static int body_expand(struct tow_ipc_body *body, const struct tow_flat_table *compression,
                       struct tow_ipc_block *plain, struct tow_error *err)
{
    int64_t codec = tow_flat_number(compression, COMPRESSION_CODEC, 1, TOW_IPC_LZ4_FRAME);
    int64_t method = tow_flat_number(compression, COMPRESSION_METHOD, 1, 0);
    int code = tow_ipc_metadata_check(compression->of, err);

    if (code != TOW_OK)
        return code;
    if (codec != TOW_IPC_LZ4_FRAME && codec != TOW_IPC_ZSTD)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "buffers compressed by codec %" PRId64
                             ", where LZ4 frames (0) and ZSTD (1) are read",
                             codec);
    if (method != 0)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "a body compressed by method %" PRId64
                             ", where buffers compressed one by one (0) are read",
                             method);
    body->codec.compression = (enum tow_ipc_compression)codec;
    code = body_measure(body, err);
    if (code == TOW_OK)
        code = tow_ipc_block_reserve(plain, body->plain_bytes, err);
    return code == TOW_OK ? body_decompress(body, plain, err) : code;
}

int tow_ipc_body_read(struct tow_ipc_body *body, const struct tow_flat_table *batch,
                      struct tow_ipc_block *plain, struct tow_error *err)
{
    struct tow_flat_vector buffers = tow_flat_vector(batch, BATCH_BUFFERS, BODY_BUFFER);
    struct tow_flat_table compression = tow_flat_table(batch, BATCH_COMPRESSION);
    int code = tow_ipc_metadata_check(batch->of, err);

    body->plain_bytes = 0;
    if (code == TOW_OK && buffers.count != body->count)
        code = tow_error_set(err, TOW_E_DATA, "%zu buffers, where the columns have %zu",
                             buffers.count, body->count);
    if (code == TOW_OK)
        code = body_find_spans(body, &buffers, err);
    if (code == TOW_OK && !tow_flat_is_absent(&compression))
        code = body_expand(body, &compression, plain, err);
    return code;
}
