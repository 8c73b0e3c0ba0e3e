/* LZ4 frames one behind the other, skippable ones among them, as one run of bytes. */
#ifndef CONNECTORS_ARROW_LZ4_FRAMES_H
#define CONNECTORS_ARROW_LZ4_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* The largest block of a frame: with so much room a block is decompressed right where it is to lie,
 * with less it is copied once more. */
#define TOW_LZ4_BLOCK_MAX ((size_t)4 << 20)

struct tow_lz4_frames {
    struct LZ4F_dctx_s *context;
    size_t wanted;   /* bytes that the library asked for, up to the end of a block; 0: none */
    int is_in_frame; /* a frame has begun and not ended */
    int64_t frames;  /* that have ended */
    int64_t taken;   /* bytes so far */
};

int tow_lz4_frames_init(struct tow_lz4_frames *frames, struct tow_error *err);
void tow_lz4_frames_release(struct tow_lz4_frames *frames);
void tow_lz4_frames_reset(struct tow_lz4_frames *frames);

struct tow_lz4_step {
    const uint8_t *in;
    size_t length, used;
    uint8_t *out;
    size_t made;
};

/*
 * Takes some of the `length` bytes, at most to the end of a block, and puts what it holds at `out`,
 * where there is room for TOW_LZ4_BLOCK_MAX: *used and *made tell how many. Checksums are verified
 * where frames have them. TOW_E_DATA names frame and offset.
 */
int tow_lz4_frames_run(struct tow_lz4_frames *frames, struct tow_lz4_step *step,
                       struct tow_error *err);

/* 1 where a result of the library says that memory is lacking. */
int tow_lz4_is_nomem(size_t result);

#endif
