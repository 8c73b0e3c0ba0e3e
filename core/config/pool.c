#include "config/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CHUNK_SIZE 2048
#define POOL_ALIGNMENT  _Alignof(max_align_t)

struct tow_pool_chunk {
    struct tow_pool_chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

static struct tow_pool_chunk *pool_add_chunk(struct tow_pool *pool, size_t least)
{
    size_t size = least > POOL_CHUNK_SIZE ? least : POOL_CHUNK_SIZE;
    struct tow_pool_chunk *chunk = calloc(1, sizeof *chunk + size);

    if (!chunk)
        return NULL;
    chunk->size = size;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    return chunk;
}

void *tow_pool_alloc(struct tow_pool *pool, size_t size)
{
    struct tow_pool_chunk *chunk = pool->chunks;

    if (size > PTRDIFF_MAX / 2)
        return NULL;
    size = (size + POOL_ALIGNMENT - 1) / POOL_ALIGNMENT * POOL_ALIGNMENT;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = pool_add_chunk(pool, size);
    if (!chunk)
        return NULL;
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

char *tow_pool_text(struct tow_pool *pool, const char *text, size_t length)
{
    char *copy = tow_pool_alloc(pool, length + 1);

    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

void tow_pool_release(struct tow_pool *pool)
{
    while (pool->chunks) {
        struct tow_pool_chunk *chunk = pool->chunks;

        pool->chunks = chunk->next;
        explicit_bzero(chunk->bytes, chunk->used);
        free(chunk);
    }
}
