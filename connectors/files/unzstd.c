#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "connectors/files/decoder.h"

struct unzstd {
    ZSTD_DStream *stream;
    int in_frame;       /* a frame has begun and not ended */
    const char *broken; /* why, once the data is; static */
};

static int unzstd_tell(const struct unzstd *unzstd, const struct tow_raw *raw,
                       struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV, "%s: the zstd data is damaged near offset %" PRId64 ": %s",
                         raw->path, tow_raw_offset(raw), unzstd->broken);
}

/* The library reads frame after frame by itself; skippable ones too. */
static int unzstd_step(struct unzstd *unzstd, struct tow_raw *raw, void *into, size_t capacity,
                       size_t *length, struct tow_error *err)
{
    ZSTD_inBuffer in = {raw->buffer, raw->filled, raw->at};
    ZSTD_outBuffer out = {into, capacity, 0};
    size_t result = ZSTD_decompressStream(unzstd->stream, &out, &in);

    /* Both positions mean nothing then: of frames of zstd 0.7 and before, they say that all was
     * read and all the room written. */
    if (ZSTD_isError(result)) {
        unzstd->broken = ZSTD_getErrorName(result);
        return unzstd_tell(unzstd, raw, err);
    }
    raw->at = in.pos;
    *length = out.pos;
    unzstd->in_frame = result != 0;
    return TOW_OK;
}

static int unzstd_decode(void *state, struct tow_raw *raw, void *into, size_t capacity,
                         size_t *length, struct tow_error *err)
{
    struct unzstd *unzstd = state;
    int code = TOW_OK;

    *length = 0;
    if (unzstd->broken)
        return unzstd_tell(unzstd, raw, err);
    while (code == TOW_OK && *length == 0) {
        int is_empty = raw->at == raw->filled;

        if (is_empty && raw->at_end && !unzstd->in_frame)
            return TOW_OK;
        /* Inside a frame the library may still hold output that needs no input. */
        if (!is_empty || unzstd->in_frame)
            code = unzstd_step(unzstd, raw, into, capacity, length, err);
        if (code != TOW_OK || *length > 0 || raw->at < raw->filled)
            continue;
        if (!raw->at_end)
            code = tow_raw_fill(raw, err);
        else if (unzstd->in_frame)
            return tow_error_set(err, TOW_E_ENV,
                                 "%s ends in the middle of a zstd frame, at offset %" PRId64,
                                 raw->path, tow_raw_offset(raw));
    }
    return code;
}

static void unzstd_free(void *state)
{
    struct unzstd *unzstd = state;

    if (unzstd)
        ZSTD_freeDStream(unzstd->stream);
    free(unzstd);
}

int tow_unzstd_init(struct tow_decoder *decoder, struct tow_error *err)
{
    struct unzstd *unzstd = calloc(1, sizeof *unzstd);

    if (unzstd)
        unzstd->stream = ZSTD_createDStream();
    if (!unzstd || !unzstd->stream) {
        free(unzstd);
        return tow_error_nomem(err);
    }
    *decoder = (struct tow_decoder){unzstd_decode, unzstd_free, unzstd};
    return TOW_OK;
}
