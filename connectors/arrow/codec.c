#include "connectors/arrow/codec.h"

#include <lz4frame.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "connectors/arrow/lz4_frames.h"

static int codec_differs(const char *name, size_t made, size_t length, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_DATA, "its %s frame holds %zu bytes, where %zu are announced",
                         name, made, length);
}

/* One frame, used up as a whole. */
static int codec_run_lz4(struct tow_ipc_codec *codec, struct tow_ipc_span in, uint8_t *out,
                         size_t length, struct tow_error *err)
{
    size_t taken = in.length, made = length, left;

    if (!codec->lz4 && LZ4F_isError(LZ4F_createDecompressionContext(&codec->lz4, LZ4F_VERSION)))
        return tow_error_nomem(err);
    /* What an error before left behind. */
    LZ4F_resetDecompressionContext(codec->lz4);
    left = LZ4F_decompress(codec->lz4, out, &made, in.bytes, &taken, NULL);
    if (tow_lz4_is_nomem(left))
        return tow_error_nomem(err);
    if (LZ4F_isError(left))
        return tow_error_set(err, TOW_E_DATA, "its LZ4 frame is damaged: %s",
                             LZ4F_getErrorName(left));
    if (left != 0 && made == length)
        return tow_error_set(err, TOW_E_DATA,
                             "its LZ4 frame goes on behind the %zu bytes that are announced",
                             length);
    if (left != 0)
        return tow_error_set(err, TOW_E_DATA, "its LZ4 frame is cut after %zu bytes", in.length);
    if (made != length)
        return codec_differs("LZ4", made, length, err);
    if (taken != in.length)
        return tow_error_set(err, TOW_E_DATA, "%zu bytes follow its LZ4 frame", in.length - taken);
    return TOW_OK;
}

static int codec_run_zstd(struct tow_ipc_codec *codec, struct tow_ipc_span in, uint8_t *out,
                          size_t length, struct tow_error *err)
{
    size_t made;

    if (!codec->zstd)
        codec->zstd = ZSTD_createDCtx();
    if (!codec->zstd)
        return tow_error_nomem(err);
    made = ZSTD_decompressDCtx(codec->zstd, out, length, in.bytes, in.length);
    if (ZSTD_isError(made) && ZSTD_getErrorCode(made) == ZSTD_error_memory_allocation)
        return tow_error_nomem(err);
    if (ZSTD_isError(made) && ZSTD_getErrorCode(made) == ZSTD_error_dstSize_tooSmall)
        return tow_error_set(err, TOW_E_DATA,
                             "its ZSTD frame holds more than the %zu bytes that are announced",
                             length);
    if (ZSTD_isError(made))
        return tow_error_set(err, TOW_E_DATA, "its ZSTD frame is damaged: %s",
                             ZSTD_getErrorName(made));
    return made == length ? TOW_OK : codec_differs("ZSTD", made, length, err);
}

int tow_ipc_codec_run(struct tow_ipc_codec *codec, struct tow_ipc_span in, uint8_t *out,
                      size_t length, struct tow_error *err)
{
    if (codec->compression == TOW_IPC_ZSTD)
        return codec_run_zstd(codec, in, out, length, err);
    return codec_run_lz4(codec, in, out, length, err);
}

void tow_ipc_codec_release(struct tow_ipc_codec *codec)
{
    LZ4F_freeDecompressionContext(codec->lz4);
    ZSTD_freeDCtx(codec->zstd);
    *codec = (struct tow_ipc_codec){.lz4 = NULL};
}
