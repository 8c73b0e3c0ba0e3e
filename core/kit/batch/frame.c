#include "kit/batch/frame.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kit/batch/column.h"

/* Frames that wait for their next batch: what a pipeline of a few stages has in flight. */
#define POOL_FRAMES 4
/* What a frame may have allocated beyond double the recent use (which growing by doubling makes)
 * and still be kept. */
#define POOL_EXCESS ((size_t)8 << 20)

struct frame_child {
    struct ArrowArray array;
    const void *buffers[3];
    struct tow_column column;
};

struct tow_frame {
    struct tow_pool *pool; /* NULL: none */
    atomic_size_t references;
    size_t count;
    struct ArrowArray **children;
    const void *buffers[1];
    struct frame_child child[];
};

struct tow_pool {
    pthread_mutex_t lock; /* of all below */
    size_t references;    /* the owner's, and one for each frame that is out */
    size_t count;
    size_t recent; /* bytes of the largest batch, an eighth less with each one since */
    int closed;
    int resting;    /* nothing is kept */
    size_t waiting; /* frames that wait */
    struct tow_frame *frames[POOL_FRAMES];
};

struct tow_frame *tow_frame_new(size_t count)
{
    struct tow_frame *frame;
    size_t size;

    if (__builtin_mul_overflow(count, sizeof *frame->child + sizeof *frame->children, &size) ||
        __builtin_add_overflow(size, sizeof *frame, &size))
        return NULL;
    frame = calloc(1, size);
    if (!frame)
        return NULL;
    atomic_init(&frame->references, 0);
    frame->count = count;
    frame->children = (struct ArrowArray **)&frame->child[count];
    for (size_t i = 0; i < count; i++)
        frame->children[i] = &frame->child[i].array;
    return frame;
}

void tow_frame_free(struct tow_frame *frame)
{
    if (!frame)
        return;
    for (size_t i = 0; i < frame->count; i++)
        tow_column_release(&frame->child[i].column);
    free(frame);
}

struct tow_column *tow_frame_column(struct tow_frame *frame, size_t column)
{
    return &frame->child[column].column;
}

static size_t frame_allocated(const struct tow_frame *frame)
{
    size_t bytes = 0;

    for (size_t i = 0; i < frame->count; i++)
        bytes += tow_column_allocated(&frame->child[i].column);
    return bytes;
}

struct tow_pool *tow_pool_new(size_t count)
{
    struct tow_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return NULL;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return NULL;
    }
    pool->references = 1;
    pool->count = count;
    return pool;
}

/* Gives up one reference and the lock. */
static void pool_unlock_unref(struct tow_pool *pool)
{
    int last = --pool->references == 0;

    pthread_mutex_unlock(&pool->lock);
    if (last) {
        pthread_mutex_destroy(&pool->lock);
        free(pool);
    }
}

/* Takes frames that are too large by now out of the pool, all of them where it is closed; the
 * caller frees them without the lock. */
static size_t pool_sweep(struct tow_pool *pool, struct tow_frame *swept[POOL_FRAMES])
{
    size_t kept = 0, count = 0;

    for (size_t i = 0; i < pool->waiting; i++) {
        struct tow_frame *frame = pool->frames[i];

        if (pool->closed || pool->resting ||
            frame_allocated(frame) / 2 > pool->recent + POOL_EXCESS / 2)
            swept[count++] = frame;
        else
            pool->frames[kept++] = frame;
    }
    pool->waiting = kept;
    return count;
}

static void pool_free_frames(struct tow_frame *const *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tow_frame_free(frames[i]);
}

void tow_pool_close(struct tow_pool *pool)
{
    struct tow_frame *swept[POOL_FRAMES];
    size_t count;

    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = 1;
    count = pool_sweep(pool, swept);
    pool_unlock_unref(pool);
    pool_free_frames(swept, count);
}

void tow_pool_rest(struct tow_pool *pool)
{
    struct tow_frame *swept[POOL_FRAMES];
    size_t count;

    pthread_mutex_lock(&pool->lock);
    pool->resting = 1;
    count = pool_sweep(pool, swept);
    pthread_mutex_unlock(&pool->lock);
    pool_free_frames(swept, count);
}

/* The last reference to a frame that was out is gone. */
static void pool_put(struct tow_pool *pool, struct tow_frame *frame)
{
    struct tow_frame *swept[POOL_FRAMES + 1];
    size_t count = 0;

    pthread_mutex_lock(&pool->lock);
    if (pool->waiting == POOL_FRAMES)
        swept[count++] = frame;
    else
        pool->frames[pool->waiting++] = frame;
    count += pool_sweep(pool, swept + count);
    pool_unlock_unref(pool);
    pool_free_frames(swept, count);
}

struct tow_frame *tow_pool_take(struct tow_pool *pool)
{
    struct tow_frame *swept[POOL_FRAMES];
    struct tow_frame *frame = NULL;
    size_t count;

    pthread_mutex_lock(&pool->lock);
    count = pool_sweep(pool, swept);
    pool->resting = 0;
    if (pool->waiting > 0)
        frame = pool->frames[--pool->waiting];
    pthread_mutex_unlock(&pool->lock);
    pool_free_frames(swept, count);
    return frame ? frame : tow_frame_new(pool->count);
}

void tow_pool_note(struct tow_pool *pool, size_t used)
{
    size_t faded;

    pthread_mutex_lock(&pool->lock);
    faded = pool->recent - pool->recent / 8;
    pool->recent = used > faded ? used : faded;
    pthread_mutex_unlock(&pool->lock);
}

static void pool_count_out(struct tow_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->references++;
    pthread_mutex_unlock(&pool->lock);
}

static void frame_unref(struct tow_frame *frame)
{
    if (atomic_fetch_sub_explicit(&frame->references, 1, memory_order_acq_rel) > 1)
        return;
    if (frame->pool)
        pool_put(frame->pool, frame);
    else
        tow_frame_free(frame);
}

static void frame_release_child(struct ArrowArray *array)
{
    struct tow_frame *frame = array->private_data;

    array->release = NULL;
    frame_unref(frame);
}

/* Children that were moved out have no release here any more. */
static void frame_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    frame_release_child(array);
}

static void frame_export_child(struct tow_frame *frame, size_t index)
{
    struct frame_child *child = &frame->child[index];
    const struct tow_column *column = &child->column;
    int is_bytes = tow_type_is_bytes(column->type.id);

    child->buffers[0] = column->null_count ? column->validity : NULL;
    child->buffers[1] = is_bytes ? (const void *)column->offsets : column->values;
    child->buffers[2] = column->bytes;
    child->array = (struct ArrowArray){.length = column->length,
                                       .null_count = column->null_count,
                                       .n_buffers = is_bytes ? 3 : 2,
                                       .buffers = child->buffers,
                                       .release = frame_release_child,
                                       .private_data = frame};
}

void tow_frame_export(struct tow_frame *frame, struct tow_pool *pool, int64_t rows,
                      struct ArrowArray *out)
{
    for (size_t i = 0; i < frame->count; i++)
        frame_export_child(frame, i);
    frame->pool = pool;
    atomic_store_explicit(&frame->references, frame->count + 1, memory_order_relaxed);
    if (pool)
        pool_count_out(pool);
    *out = (struct ArrowArray){.length = rows,
                               .n_buffers = 1,
                               .n_children = (int64_t)frame->count,
                               .buffers = frame->buffers,
                               .children = frame->children,
                               .release = frame_release,
                               .private_data = frame};
}
