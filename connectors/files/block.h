/*
 * Memory that a file is read into. The window reads into one block at a time; batches whose text
 * may be wanted later hold the blocks that it lies in. References are taken and dropped from any
 * thread; a block that nobody holds goes back to its pool, which outlives its owner by its blocks.
 */
#ifndef CONNECTORS_FILES_BLOCK_H
#define CONNECTORS_FILES_BLOCK_H

#include <stddef.h>

#include "towpath/error.h"

/* Bytes that may be read before data and behind data + capacity. Those before it are '\n'; what is
 * read behind the text is never NUL, quote or above 127: who fills the block sees to that. */
#define TOW_BLOCK_SLACK 128

struct tow_blocks;

struct tow_block {
    char *data;
    size_t capacity;
};

/* `usual` is the capacity of the blocks that are kept for later. */
struct tow_blocks *tow_blocks_new(size_t usual, struct tow_error *err);
void tow_blocks_close(struct tow_blocks *blocks);
/* Frees the blocks that nobody holds, and those that come back before the next is asked for. */
void tow_blocks_rest(struct tow_blocks *blocks);

/* NULL: out of memory. */
struct tow_block *tow_block_new(struct tow_blocks *blocks, size_t capacity, struct tow_error *err);
struct tow_block *tow_block_ref(struct tow_block *block);
void tow_block_unref(struct tow_block *block);
/* 1 where somebody besides the caller holds it. */
int tow_block_is_shared(const struct tow_block *block);

#endif
