#include "config.h"

#ifndef HAVE_ISAL

#include "connectors/files/deflater.h"
#include "connectors/files/gzip_writer.h"

#include <stdlib.h>
#include <zlib.h>

#define ZLIB_STEP_MAX      (1u << 30) /* the library counts in 32 bits */
#define ZLIB_WINDOW_GZIP   (15 + 16)  /* the largest window, gzip's header and trailer */
#define ZLIB_MEMORY        8
#define ZLIB_LEVEL_DEFAULT 6

struct tow_deflater {
    z_stream stream;
};

struct tow_deflater *tow_deflater_new(int level, struct tow_error *err)
{
    struct tow_deflater *deflater = calloc(1, sizeof *deflater);

    if (level == TOW_GZIP_LEVEL_DEFAULT)
        level = ZLIB_LEVEL_DEFAULT;
    /* With these parameters nothing but memory can be missing. */
    if (!deflater || deflateInit2(&deflater->stream, level, Z_DEFLATED, ZLIB_WINDOW_GZIP,
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

int tow_deflater_step(struct tow_deflater *deflater, struct tow_deflate_step *step,
                      struct tow_error *err)
{
    z_stream *stream = &deflater->stream;
    const uInt in = step->in_left < ZLIB_STEP_MAX ? (uInt)step->in_left : ZLIB_STEP_MAX;
    const uInt out = step->out_left < ZLIB_STEP_MAX ? (uInt)step->out_left : ZLIB_STEP_MAX;
    int result;

    stream->next_in = (Bytef *)step->in; /* only read */
    stream->avail_in = in;
    stream->next_out = step->out;
    stream->avail_out = out;
    result = deflate(stream, step->last && in == step->in_left ? Z_FINISH : Z_NO_FLUSH);
    /* Z_BUF_ERROR says that there was nothing to do. */
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return tow_error_set(err, TOW_E_BUG, "gzip: deflate returned %d", result);
    step->in = stream->next_in;
    step->in_left -= in - stream->avail_in;
    step->out = stream->next_out;
    step->out_left -= out - stream->avail_out;
    step->done = result == Z_STREAM_END;
    return TOW_OK;
}

void tow_deflater_reset(struct tow_deflater *deflater)
{
    deflateReset(&deflater->stream);
}

#endif
