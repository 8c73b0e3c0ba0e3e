#include "config.h"

#ifndef HAVE_ISAL

#include "connectors/files/deflater.h"
#include "connectors/files/gzip_writer.h"

#include <stdlib.h>
#include <zlib.h>

#define ZLIB_STEP_MAX      (1u << 30) /* the library counts in 32 bits */
#define ZLIB_WINDOW_RAW    (-15)      /* the largest window, neither header nor trailer */
#define ZLIB_MEMORY        8
#define ZLIB_LEVEL_DEFAULT 6
#define ZLIB_ROOM_MIN      1024

struct tow_deflater {
    z_stream stream;
};

struct tow_deflater *tow_deflater_new(int level, struct tow_error *err)
{
    struct tow_deflater *deflater = calloc(1, sizeof *deflater);

    if (level == TOW_GZIP_LEVEL_DEFAULT)
        level = ZLIB_LEVEL_DEFAULT;
    /* With these parameters nothing but memory can be missing. */
    if (!deflater || deflateInit2(&deflater->stream, level, Z_DEFLATED, ZLIB_WINDOW_RAW,
                                  ZLIB_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(deflater);
        tow_error_nomem(err);
        return NULL;
    }
    return deflater;
}

void tow_deflater_free(struct tow_deflater *deflater)
{
    if (!deflater)
        return;
    deflateEnd(&deflater->stream);
    free(deflater);
}

int tow_deflater_chunk(struct tow_deflater *deflater, const void *bytes, size_t length,
                       struct tow_buffer *out, struct tow_error *err)
{
    z_stream *stream = &deflater->stream;
    const unsigned char *in = bytes;

    deflateReset(stream);
    do {
        uInt step = length < ZLIB_STEP_MAX ? (uInt)length : ZLIB_STEP_MAX;
        int code = tow_buffer_reserve(out, length / 2 + ZLIB_ROOM_MIN, err);
        size_t room = out->capacity - out->size;
        int result;

        if (code != TOW_OK)
            return code;
        room = room < ZLIB_STEP_MAX ? room : ZLIB_STEP_MAX;
        stream->next_in = (Bytef *)in; /* only read */
        stream->avail_in = step;
        stream->next_out = (Bytef *)out->data + out->size;
        stream->avail_out = (uInt)room;
        result = deflate(stream, step == length ? Z_FULL_FLUSH : Z_NO_FLUSH);
        /* Z_BUF_ERROR says that there was nothing left to do. */
        if (result != Z_OK && result != Z_BUF_ERROR)
            return tow_error_set(err, TOW_E_BUG, "gzip: deflate returned %d", result);
        in += step - stream->avail_in;
        length -= step - stream->avail_in;
        out->size += room - stream->avail_out;
    } while (length > 0 || stream->avail_out == 0);
    return TOW_OK;
}

uint32_t tow_deflater_crc(uint32_t crc, const void *bytes, size_t length)
{
    return (uint32_t)crc32_z(crc, bytes, length);
}

#endif
