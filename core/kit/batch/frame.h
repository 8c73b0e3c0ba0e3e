/*
 * A frame is what a batch that was handed out lives in: the Arrow structures and the buffers of all
 * its columns. It is counted: the batch and each of its children, which may be moved out, hold one
 * reference. With the last one it goes back to the pool that it came from, or to the allocator.
 *
 * A pool is shared by a builder and the frames that are out; either may go first. Frames may come
 * back from any thread.
 */
#ifndef KIT_BATCH_FRAME_H
#define KIT_BATCH_FRAME_H

#include "towpath/batch.h"

struct tow_frame;
struct tow_pool;

/* A pool for frames of `count` columns. NULL: out of memory. */
struct tow_pool *tow_pool_new(size_t count);
/* For its owner: frees what lies in the pool now and whatever comes back later. */
void tow_pool_close(struct tow_pool *pool);
/* A frame that lay in the pool, or a new one whose columns have no buffers (and type 0). NULL: out
 * of memory. */
struct tow_frame *tow_pool_take(struct tow_pool *pool);
/* Frees the frames that lie in the pool, and those that come back before the next is taken. */
void tow_pool_rest(struct tow_pool *pool);
/* Tells how many bytes a batch used: frames far larger than batches of late are not kept, so that
 * one giant row does not hold memory for ever. */
void tow_pool_note(struct tow_pool *pool, size_t used);

/* A frame of its own, without buffers. NULL: out of memory. */
struct tow_frame *tow_frame_new(size_t count);
/* Frees a frame that was not exported. */
void tow_frame_free(struct tow_frame *frame);
struct tow_column *tow_frame_column(struct tow_frame *frame, size_t column);
/* Makes a batch of the columns, which all have `rows` rows and their buffers. The frame is now the
 * batch's; afterwards it goes to the pool, to the allocator where pool is NULL. */
void tow_frame_export(struct tow_frame *frame, struct tow_pool *pool, int64_t rows,
                      struct ArrowArray *out);

#endif
