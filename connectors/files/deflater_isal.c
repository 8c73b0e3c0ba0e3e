#include "config.h"

#ifdef HAVE_ISAL

#include "connectors/files/deflater.h"
#include "connectors/files/gzip_writer.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#define ISAL_STEP_MAX (1u << 30) /* the library counts in 32 bits */

struct tow_deflater {
    struct isal_zstream stream;
    uint32_t level, level_buffer_size;
    unsigned char level_buffer[];
};

/* ISA-L's own levels are 0 to 3; its level 1 is both fast and as small as zlib's fast ones. */
static const struct {
    uint32_t level, buffer_size;
} isal_levels[TOW_GZIP_LEVEL_MAX + 1] = {
    {1, ISAL_DEF_LVL1_DEFAULT}, {0, ISAL_DEF_LVL0_DEFAULT}, {1, ISAL_DEF_LVL1_DEFAULT},
    {1, ISAL_DEF_LVL1_DEFAULT}, {1, ISAL_DEF_LVL1_DEFAULT}, {2, ISAL_DEF_LVL2_DEFAULT},
    {2, ISAL_DEF_LVL2_DEFAULT}, {2, ISAL_DEF_LVL2_DEFAULT}, {3, ISAL_DEF_LVL3_DEFAULT},
    {3, ISAL_DEF_LVL3_DEFAULT},
};

struct tow_deflater *tow_deflater_new(int level, struct tow_error *err)
{
    const uint32_t buffer_size = isal_levels[level].buffer_size;
    /* Zeroed: the library reads more of its level buffer than it has written. */
    struct tow_deflater *deflater = calloc(1, sizeof *deflater + buffer_size);

    if (!deflater) {
        tow_error_nomem(err);
        return NULL;
    }
    deflater->level = isal_levels[level].level;
    deflater->level_buffer_size = buffer_size;
    tow_deflater_reset(deflater);
    return deflater;
}

void tow_deflater_free(struct tow_deflater *deflater)
{
    free(deflater);
}

int tow_deflater_step(struct tow_deflater *deflater, struct tow_deflate_step *step,
                      struct tow_error *err)
{
    struct isal_zstream *stream = &deflater->stream;
    const uint32_t in = step->in_left < ISAL_STEP_MAX ? (uint32_t)step->in_left : ISAL_STEP_MAX;
    const uint32_t out = step->out_left < ISAL_STEP_MAX ? (uint32_t)step->out_left : ISAL_STEP_MAX;
    int result;

    stream->next_in = (uint8_t *)step->in; /* only read */
    stream->avail_in = in;
    stream->next_out = step->out;
    stream->avail_out = out;
    stream->end_of_stream = step->last && in == step->in_left;
    result = isal_deflate(stream);
    if (result != COMP_OK)
        return tow_error_set(err, TOW_E_BUG, "gzip: isal_deflate returned %d", result);
    step->in = stream->next_in;
    step->in_left -= in - stream->avail_in;
    step->out = stream->next_out;
    step->out_left -= out - stream->avail_out;
    step->done = stream->internal_state.state == ZSTATE_END;
    return TOW_OK;
}

void tow_deflater_reset(struct tow_deflater *deflater)
{
    struct isal_zstream *stream = &deflater->stream;

    /* isal_deflate_reset alone spoils the next member at levels above 0 (seen in 2.30). */
    isal_deflate_init(stream);
    stream->level = deflater->level;
    stream->level_buf = deflater->level_buffer_size ? deflater->level_buffer : NULL;
    stream->level_buf_size = deflater->level_buffer_size;
    stream->gzip_flag = IGZIP_GZIP;
    stream->flush = NO_FLUSH;
}

#endif
