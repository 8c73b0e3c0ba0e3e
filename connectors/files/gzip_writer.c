#include "connectors/files/gzip_writer.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/files/deflater.h"
#include "connectors/files/gzip_pool.h"

/* RFC 1952: magic, deflate, no flags, no time, an unknown system. */
static const unsigned char gzip_head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

/* RFC 1951: a last block with nothing in it, in fixed codes. */
#define GZIP_LAST_BLOCK 3

/* Bytes behind a buffer's end that may be written: rowtext.h. */
#define GZIP_BEHIND 64

struct tow_gzip_writer {
    struct tow_deflater *deflater; /* NULL before it is needed, or where the pool has them */
    struct tow_gzip_pool *pool;    /* NULL before it is needed, or without helpers */
    struct tow_gzip_drain drain;
    int level;
    unsigned helpers; /* threads to start */
    int is_open;
    uint32_t crc, length;      /* of the open member's text, modulo 2^32 */
    struct tow_buffer pending; /* less than a chunk */
    struct tow_buffer out;
};

struct tow_gzip_writer *tow_gzip_writer_new(int level, struct tow_gzip_drain drain,
                                            struct tow_error *err)
{
    struct tow_gzip_writer *writer;

    if (level < 0 || level > TOW_GZIP_LEVEL_MAX) {
        tow_error_set(err, TOW_E_CONFIG, "gzip level %d is not within 0 to %d", level,
                      TOW_GZIP_LEVEL_MAX);
        return NULL;
    }
    writer = calloc(1, sizeof *writer);
    if (!writer) {
        tow_error_nomem(err);
        return NULL;
    }
    writer->level = level;
    writer->drain = drain;
    return writer;
}

void tow_gzip_writer_free(struct tow_gzip_writer *writer)
{
    if (!writer)
        return;
    tow_gzip_pool_free(writer->pool);
    tow_deflater_free(writer->deflater);
    tow_buffer_release(&writer->pending);
    tow_buffer_release(&writer->out);
    free(writer);
}

void tow_gzip_writer_use_helpers(struct tow_gzip_writer *writer)
{
    writer->helpers = tow_gzip_pool_threads();
}

static int gzip_put(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                    struct tow_error *err)
{
    return writer->drain.put(writer->drain.context, bytes, length, err);
}

/* ---- chunks --------------------------------------------------------------------------------- */

static int gzip_open(struct tow_gzip_writer *writer, struct tow_error *err)
{
    if (writer->is_open)
        return TOW_OK;
    writer->is_open = 1;
    writer->crc = 0;
    writer->length = 0;
    return gzip_put(writer, gzip_head, sizeof gzip_head, err);
}

static void gzip_count(struct tow_gzip_writer *writer, const void *bytes, size_t length)
{
    writer->crc = tow_deflater_crc(writer->crc, bytes, length);
    writer->length += (uint32_t)length;
}

/* In this thread. */
static int gzip_compress(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                         struct tow_error *err)
{
    int code;

    if (!writer->deflater)
        writer->deflater = tow_deflater_new(writer->level, err);
    if (!writer->deflater)
        return TOW_E_NOMEM;
    gzip_count(writer, bytes, length);
    writer->out.size = 0;
    code = tow_deflater_chunk(writer->deflater, bytes, length, &writer->out, err);
    return code == TOW_OK ? gzip_put(writer, writer->out.data, writer->out.size, err) : code;
}

/* Hands on what the pool has ready, or all that it has. */
static int gzip_drain(struct tow_gzip_writer *writer, int waits, struct tow_error *err)
{
    const struct tow_buffer *out;
    int code;

    while ((code = tow_gzip_pool_oldest(writer->pool, waits, &out, err)) == TOW_OK && out) {
        code = gzip_put(writer, out->data, out->size, err);
        if (code != TOW_OK)
            return code;
        tow_gzip_pool_drop(writer->pool);
    }
    return code;
}

static int gzip_delegate(struct tow_gzip_writer *writer, struct tow_buffer *text,
                         struct tow_error *err)
{
    const struct tow_buffer *out;
    int code = gzip_drain(writer, 0, err);

    if (code == TOW_OK && tow_gzip_pool_is_full(writer->pool)) {
        code = tow_gzip_pool_oldest(writer->pool, 1, &out, err);
        if (code == TOW_OK)
            code = gzip_drain(writer, 0, err);
    }
    if (code != TOW_OK)
        return code;
    gzip_count(writer, text->data, text->size);
    tow_gzip_pool_put(writer->pool, text);
    return TOW_OK;
}

/* Text of a chunk's size, or what is left before a member's end; `text` is empty then. */
static int gzip_chunk(struct tow_gzip_writer *writer, struct tow_buffer *text,
                      struct tow_error *err)
{
    int code = TOW_OK;

    if (text->size == 0)
        return TOW_OK;
    /* ISA-L looks at bytes behind the end when it chooses matches. What it makes is right whatever
     * they are, but should not differ. */
    memset(text->data + text->size, 0, GZIP_BEHIND);
    if (writer->helpers > 0 && !writer->pool && text->size >= TOW_GZIP_CHUNK) {
        writer->pool = tow_gzip_pool_new(writer->level, writer->helpers, err);
        if (!writer->pool)
            return err ? err->code : TOW_E_ENV;
    }
    if (writer->pool)
        return gzip_delegate(writer, text, err);
    code = gzip_compress(writer, text->data, text->size, err);
    text->size = 0;
    return code;
}

/* ---- writing -------------------------------------------------------------------------------- */

int tow_gzip_writer_write(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                          struct tow_error *err)
{
    const char *p = bytes;
    int code = length > 0 ? gzip_open(writer, err) : TOW_OK;

    while (length > 0 && code == TOW_OK) {
        size_t room = TOW_GZIP_CHUNK - writer->pending.size;
        size_t step = length < room ? length : room;

        code = tow_buffer_append(&writer->pending, p, step, err);
        if (code == TOW_OK && writer->pending.size == TOW_GZIP_CHUNK)
            code = gzip_chunk(writer, &writer->pending, err);
        p += step;
        length -= step;
    }
    return code;
}

int tow_gzip_writer_take(struct tow_gzip_writer *writer, struct tow_buffer *text,
                         struct tow_error *err)
{
    int code;

    if (writer->pending.size == 0 && text->size >= TOW_GZIP_CHUNK &&
        text->size < 2 * TOW_GZIP_CHUNK) {
        code = gzip_open(writer, err);
        return code == TOW_OK ? gzip_chunk(writer, text, err) : code;
    }
    code = tow_gzip_writer_write(writer, text->data, text->size, err);
    text->size = 0;
    return code;
}

/* The end of deflate's data, then CRC and length. */
static int gzip_close(struct tow_gzip_writer *writer, struct tow_error *err)
{
    const uint32_t sums[2] = {htole32(writer->crc), htole32(writer->length)};
    unsigned char tail[2 + sizeof sums] = {GZIP_LAST_BLOCK, 0};

    memcpy(tail + 2, sums, sizeof sums);
    writer->is_open = 0;
    return gzip_put(writer, tail, sizeof tail, err);
}

int tow_gzip_writer_end_member(struct tow_gzip_writer *writer, struct tow_error *err)
{
    int code = gzip_open(writer, err);

    if (code == TOW_OK)
        code = gzip_chunk(writer, &writer->pending, err);
    if (code == TOW_OK && writer->pool)
        code = gzip_drain(writer, 1, err);
    return code == TOW_OK ? gzip_close(writer, err) : code;
}

int tow_gzip_writer_member(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                           struct tow_error *err)
{
    int code = writer->is_open
                   ? tow_error_set(err, TOW_E_BUG, "a gzip member begins inside another one")
                   : gzip_open(writer, err);

    if (code == TOW_OK && length > 0)
        code = gzip_compress(writer, bytes, length, err);
    return code == TOW_OK ? gzip_close(writer, err) : code;
}

int tow_gzip_writer_is_open(const struct tow_gzip_writer *writer)
{
    return writer->is_open;
}
