#include "connectors/arrow/lz4_frames.h"

#include <inttypes.h>
#include <lz4frame.h>
#include <string.h>

/* The least that a frame's header has. */
#define LZ4_HEADER 7

int tow_lz4_is_nomem(size_t result)
{
    /* The library keeps the number of this error to itself. */
    return LZ4F_isError(result) &&
           strcmp(LZ4F_getErrorName(result), "ERROR_allocation_failed") == 0;
}

int tow_lz4_frames_init(struct tow_lz4_frames *frames, struct tow_error *err)
{
    *frames = (struct tow_lz4_frames){.context = NULL};
    if (LZ4F_isError(LZ4F_createDecompressionContext(&frames->context, LZ4F_VERSION)))
        return tow_error_nomem(err);
    return TOW_OK;
}

void tow_lz4_frames_release(struct tow_lz4_frames *frames)
{
    LZ4F_freeDecompressionContext(frames->context);
    frames->context = NULL;
}

void tow_lz4_frames_reset(struct tow_lz4_frames *frames)
{
    LZ4F_resetDecompressionContext(frames->context);
    *frames = (struct tow_lz4_frames){.context = frames->context};
}

int tow_lz4_frames_run(struct tow_lz4_frames *frames, struct tow_lz4_step *step,
                       struct tow_error *err)
{
    size_t offered = frames->wanted > 0 ? frames->wanted : LZ4_HEADER;
    size_t result;

    /* Given what it asked for, the library stops where a block ends, so that no block is cut by the
     * end of a message's memory. */
    step->used = step->length < offered ? step->length : offered;
    step->made = TOW_LZ4_BLOCK_MAX;
    result = LZ4F_decompress(frames->context, step->out, &step->made, step->in, &step->used, NULL);
    if (tow_lz4_is_nomem(result))
        return tow_error_nomem(err);
    if (LZ4F_isError(result))
        return tow_error_set(err, TOW_E_DATA,
                             "LZ4 frame %" PRId64 ", near byte %" PRId64
                             " of the compressed data, is damaged: %s",
                             frames->frames, frames->taken, LZ4F_getErrorName(result));
    if (step->used == 0 && step->made == 0 && step->length > 0)
        return tow_error_set(err, TOW_E_DATA,
                             "LZ4 frame %" PRId64 " does not go on at byte %" PRId64
                             " of the compressed data",
                             frames->frames, frames->taken);
    frames->taken += (int64_t)step->used;
    frames->wanted = result;
    frames->is_in_frame = result != 0;
    frames->frames += result == 0;
    return TOW_OK;
}
