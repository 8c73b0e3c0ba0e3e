#include "connectors/arrow/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define MEMORY_ALIGNMENT 64
/* Memories that wait to be used again: what a pipeline of a few stages has in flight, and the small
 * batches of one run of bytes. */
#define POOL_WAITING 16
/* Bytes that may wait, in memories of the recent size, and beyond it. */
#define POOL_RECENT 4
#define POOL_EXCESS ((size_t)8 << 20)

/* The kit has a pool like it for frames of columns (core/kit/batch/frame.c); what waits here are
 * runs of bytes, chosen by size, and a connector knows nothing of batches. */
struct tow_ipc_pool {
    pthread_mutex_t lock; /* of all below */
    size_t references;    /* the owner's, and one for each memory that is out */
    size_t recent;        /* bytes of the largest batch, an eighth less with each one since */
    size_t recent_stream; /* of those, stream bytes */
    size_t waiting;       /* memories that wait */
    size_t waiting_bytes;
    int closed;
    struct tow_ipc_memory *memories[POOL_WAITING];
};

int tow_ipc_block_reserve(struct tow_ipc_block *block, size_t size, struct tow_error *err)
{
    size_t allocated;
    uint8_t *bytes;

    if (size <= block->capacity && block->bytes)
        return TOW_OK;
    if (__builtin_add_overflow(size, (size_t)(TOW_IPC_SLACK + MEMORY_ALIGNMENT - 1), &allocated))
        return tow_error_nomem(err);
    allocated &= ~(size_t)(MEMORY_ALIGNMENT - 1);
    free(block->bytes);
    *block = (struct tow_ipc_block){NULL, 0};
    bytes = aligned_alloc(MEMORY_ALIGNMENT, allocated);
    if (!bytes)
        return tow_error_nomem(err);
    *block = (struct tow_ipc_block){bytes, allocated - TOW_IPC_SLACK};
    return TOW_OK;
}

int tow_ipc_memory_reserve_columns(struct tow_ipc_memory *memory, size_t count,
                                   struct tow_error *err)
{
    if (count <= memory->column_capacity)
        return TOW_OK;
    free(memory->columns);
    memory->column_capacity = 0;
    memory->columns = calloc(count, sizeof *memory->columns);
    if (!memory->columns)
        return tow_error_nomem(err);
    memory->column_capacity = count;
    return TOW_OK;
}

static void memory_free(struct tow_ipc_memory *memory)
{
    free(memory->stream.bytes);
    free(memory->plain.bytes);
    free(memory->columns);
    free(memory);
}

static size_t memory_allocated(const struct tow_ipc_memory *memory)
{
    return memory->stream.capacity + memory->plain.capacity;
}

struct tow_ipc_pool *tow_ipc_pool_new(void)
{
    struct tow_ipc_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return NULL;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return NULL;
    }
    pool->references = 1;
    return pool;
}

/* Gives up one reference and the lock. */
static void pool_unlock_unref(struct tow_ipc_pool *pool)
{
    int last = --pool->references == 0;

    pthread_mutex_unlock(&pool->lock);
    if (last) {
        pthread_mutex_destroy(&pool->lock);
        free(pool);
    }
}

static struct tow_ipc_memory *pool_remove(struct tow_ipc_pool *pool, size_t i)
{
    struct tow_ipc_memory *memory = pool->memories[i];

    pool->waiting--;
    for (; i < pool->waiting; i++)
        pool->memories[i] = pool->memories[i + 1];
    pool->waiting_bytes -= memory_allocated(memory);
    return memory;
}

static size_t pool_largest(const struct tow_ipc_pool *pool)
{
    size_t largest = 0;

    for (size_t i = 1; i < pool->waiting; i++)
        if (memory_allocated(pool->memories[i]) > memory_allocated(pool->memories[largest]))
            largest = i;
    return largest;
}

/* The one that came back last, and is likely still in the processor's caches, among those that have
 * the room; where none has, the largest. For no bytes at all, the smallest. */
static size_t pool_best(const struct tow_ipc_pool *pool, size_t size)
{
    size_t best = 0;

    if (size == 0) {
        for (size_t i = 1; i < pool->waiting; i++)
            if (memory_allocated(pool->memories[i]) < memory_allocated(pool->memories[best]))
                best = i;
        return best;
    }
    for (best = pool->waiting; best-- > 0;)
        if (pool->memories[best]->stream.capacity >= size)
            return best;
    return pool_largest(pool);
}

void tow_ipc_pool_close(struct tow_ipc_pool *pool)
{
    struct tow_ipc_memory *freed[POOL_WAITING];
    size_t count = 0;

    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = 1;
    while (pool->waiting > 0)
        freed[count++] = pool_remove(pool, pool->waiting - 1);
    pool_unlock_unref(pool);
    while (count > 0)
        memory_free(freed[--count]);
}

/* 1 where more bytes wait than batches of the recent size will need. */
static int pool_is_rich(const struct tow_ipc_pool *pool)
{
    return pool->waiting_bytes > POOL_EXCESS &&
           (pool->waiting_bytes - POOL_EXCESS) / POOL_RECENT > pool->recent;
}

/* The last reference to a memory that was out is gone. */
static void pool_put(struct tow_ipc_pool *pool, struct tow_ipc_memory *memory)
{
    struct tow_ipc_memory *freed[POOL_WAITING + 1];
    size_t count = 0;

    pthread_mutex_lock(&pool->lock);
    if (pool->closed || pool->waiting == POOL_WAITING) {
        freed[count++] = memory;
    } else {
        pool->memories[pool->waiting++] = memory;
        pool->waiting_bytes += memory_allocated(memory);
    }
    while (pool_is_rich(pool))
        freed[count++] = pool_remove(pool, pool_largest(pool));
    pool_unlock_unref(pool);
    while (count > 0)
        memory_free(freed[--count]);
}

static size_t pool_fade(size_t recent, size_t used)
{
    size_t faded = recent - recent / 8;

    return used > faded ? used : faded;
}

void tow_ipc_pool_note(struct tow_ipc_pool *pool, size_t stream, size_t plain)
{
    pthread_mutex_lock(&pool->lock);
    pool->recent_stream = pool_fade(pool->recent_stream, stream);
    pool->recent = pool_fade(pool->recent, stream + plain);
    pthread_mutex_unlock(&pool->lock);
}

struct tow_ipc_memory *tow_ipc_pool_take(struct tow_ipc_pool *pool, size_t size)
{
    struct tow_ipc_memory *memory = NULL;

    pthread_mutex_lock(&pool->lock);
    if (size > 0 && size < pool->recent_stream)
        size = pool->recent_stream;
    if (pool->waiting > 0)
        memory = pool_remove(pool, pool_best(pool, size));
    pool->references++;
    pthread_mutex_unlock(&pool->lock);
    if (!memory)
        memory = calloc(1, sizeof *memory);
    if (memory) {
        memory->pool = pool;
        atomic_store_explicit(&memory->references, 1, memory_order_relaxed);
    }
    if (memory && (size == 0 || tow_ipc_block_reserve(&memory->stream, size, NULL) == TOW_OK))
        return memory;
    if (memory)
        memory_free(memory);
    pthread_mutex_lock(&pool->lock);
    pool_unlock_unref(pool);
    return NULL;
}

struct tow_ipc_memory *tow_ipc_memory_ref(struct tow_ipc_memory *memory)
{
    atomic_fetch_add_explicit(&memory->references, 1, memory_order_relaxed);
    return memory;
}

void tow_ipc_memory_unref(struct tow_ipc_memory *memory)
{
    struct tow_ipc_memory *holder;

    if (!memory || atomic_fetch_sub_explicit(&memory->references, 1, memory_order_acq_rel) > 1)
        return;
    holder = memory->holder;
    memory->holder = NULL;
    pool_put(memory->pool, memory);
    tow_ipc_memory_unref(holder);
}
