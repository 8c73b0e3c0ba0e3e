#include "config.h"

#ifdef HAVE_ISAL

#include "connectors/files/deflater.h"
#include "connectors/files/gzip_writer.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#define ISAL_STEP_MAX (1u << 30) /* the library counts in 32 bits */
#define ISAL_ROOM_MIN 1024

struct tow_deflater {
    struct isal_zstream stream;
    uint32_t level, level_buffer_size;
    unsigned char level_buffer[];
};

/* ISA-L's own levels are 0 to 3. Its level 1 is the default: level 0 is a twentieth faster and
 * leaves a fifth more, level 2 takes a tenth longer for a hundredth less. A larger buffer than this
 * one changes neither. */
static const struct {
    uint32_t level, buffer_size;
} isal_levels[TOW_GZIP_LEVEL_MAX + 1] = {
    {1, ISAL_DEF_LVL1_MEDIUM},  {0, ISAL_DEF_LVL0_DEFAULT}, {1, ISAL_DEF_LVL1_MEDIUM},
    {1, ISAL_DEF_LVL1_MEDIUM},  {1, ISAL_DEF_LVL1_MEDIUM},  {2, ISAL_DEF_LVL2_DEFAULT},
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
    return deflater;
}

void tow_deflater_free(struct tow_deflater *deflater)
{
    free(deflater);
}

static void isal_begin(struct tow_deflater *deflater)
{
    struct isal_zstream *stream = &deflater->stream;

    /* isal_deflate_reset alone spoils what follows at levels above 0 (seen in 2.30). */
    isal_deflate_init(stream);
    stream->level = deflater->level;
    stream->level_buf = deflater->level_buffer_size ? deflater->level_buffer : NULL;
    stream->level_buf_size = deflater->level_buffer_size;
    stream->gzip_flag = IGZIP_DEFLATE;
}

int tow_deflater_chunk(struct tow_deflater *deflater, const void *bytes, size_t length,
                       struct tow_buffer *out, struct tow_error *err)
{
    struct isal_zstream *stream = &deflater->stream;
    const unsigned char *in = bytes;
    /* Nearly always enough, since text comes out smaller. What is offered does not go by what the
     * buffer has: the library chooses blocks by it. */
    size_t room = length + ISAL_ROOM_MIN;

    isal_begin(deflater);
    do {
        uint32_t step = length < ISAL_STEP_MAX ? (uint32_t)length : ISAL_STEP_MAX;
        int code = tow_buffer_reserve(out, room, err);
        int result;

        if (code != TOW_OK)
            return code;
        room = room < ISAL_STEP_MAX ? room : ISAL_STEP_MAX;
        stream->next_in = (uint8_t *)in; /* only read */
        stream->avail_in = step;
        stream->next_out = (uint8_t *)out->data + out->size;
        stream->avail_out = (uint32_t)room;
        stream->flush = step == length ? FULL_FLUSH : NO_FLUSH;
        result = isal_deflate(stream);
        if (result != COMP_OK)
            return tow_error_set(err, TOW_E_BUG, "gzip: isal_deflate returned %d", result);
        in += step - stream->avail_in;
        length -= step - stream->avail_in;
        out->size += room - stream->avail_out;
        room = length / 2 + ISAL_ROOM_MIN;
    } while (length > 0 || stream->avail_out == 0);
    return TOW_OK;
}

uint32_t tow_deflater_crc(uint32_t crc, const void *bytes, size_t length)
{
    return crc32_gzip_refl(crc, bytes, length);
}

#endif
