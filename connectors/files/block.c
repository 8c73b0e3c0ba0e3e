#include "connectors/files/block.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Values and vectors that text is copied to and from. */
#define BLOCK_ALIGNMENT 64

struct block {
    struct tow_block view; /* first: what others see */
    struct tow_blocks *blocks;
    struct block *next; /* in the pool */
    atomic_int refs;
};

struct tow_blocks {
    pthread_mutex_t lock;
    size_t usual;
    size_t refs; /* the owner, and each block that is in use */
    struct block *spare;
    int resting; /* none is kept */
};

struct tow_blocks *tow_blocks_new(size_t usual, struct tow_error *err)
{
    struct tow_blocks *blocks = calloc(1, sizeof *blocks);

    if (!blocks) {
        tow_error_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&blocks->lock, NULL);
    blocks->usual = usual;
    blocks->refs = 1;
    return blocks;
}

static struct block *blocks_take_spare(struct tow_blocks *blocks, size_t capacity)
{
    struct block *block = NULL;

    pthread_mutex_lock(&blocks->lock);
    if (capacity == blocks->usual && blocks->spare) {
        block = blocks->spare;
        blocks->spare = block->next;
    }
    blocks->refs++;
    blocks->resting = 0;
    pthread_mutex_unlock(&blocks->lock);
    return block;
}

void tow_blocks_rest(struct tow_blocks *blocks)
{
    struct block *spare, *next;

    pthread_mutex_lock(&blocks->lock);
    spare = blocks->spare;
    blocks->spare = NULL;
    blocks->resting = 1;
    pthread_mutex_unlock(&blocks->lock);
    for (; spare; spare = next) {
        next = spare->next;
        free(spare);
    }
}

/* Drops the owner's reference, or that of a block, which is kept where it is of use. */
static void blocks_leave(struct tow_blocks *blocks, struct block *block)
{
    struct block *drop = block;
    int is_last;

    pthread_mutex_lock(&blocks->lock);
    if (block && block->view.capacity == blocks->usual && !blocks->resting) {
        block->next = blocks->spare;
        blocks->spare = block;
        drop = NULL;
    }
    is_last = --blocks->refs == 0;
    pthread_mutex_unlock(&blocks->lock);
    free(drop);
    if (!is_last)
        return;
    while ((drop = blocks->spare) != NULL) {
        blocks->spare = drop->next;
        free(drop);
    }
    pthread_mutex_destroy(&blocks->lock);
    free(blocks);
}

void tow_blocks_close(struct tow_blocks *blocks)
{
    if (blocks)
        blocks_leave(blocks, NULL);
}

static struct block *block_allocate(size_t capacity)
{
    size_t head = (sizeof(struct block) + TOW_BLOCK_SLACK + BLOCK_ALIGNMENT - 1) &
                  ~(size_t)(BLOCK_ALIGNMENT - 1);
    struct block *block;
    size_t whole;

    if (__builtin_add_overflow(capacity, head + TOW_BLOCK_SLACK + BLOCK_ALIGNMENT, &whole))
        return NULL;
    block = aligned_alloc(BLOCK_ALIGNMENT, whole & ~(size_t)(BLOCK_ALIGNMENT - 1));
    if (!block)
        return NULL;
    block->view.data = (char *)block + head;
    block->view.capacity = capacity;
    memset(block->view.data - TOW_BLOCK_SLACK, '\n', TOW_BLOCK_SLACK);
    return block;
}

struct tow_block *tow_block_new(struct tow_blocks *blocks, size_t capacity, struct tow_error *err)
{
    struct block *block = blocks_take_spare(blocks, capacity);

    if (!block)
        block = block_allocate(capacity);
    if (!block) {
        blocks_leave(blocks, NULL);
        tow_error_nomem(err);
        return NULL;
    }
    block->blocks = blocks;
    block->next = NULL;
    atomic_init(&block->refs, 1);
    return &block->view;
}

struct tow_block *tow_block_ref(struct tow_block *view)
{
    atomic_fetch_add(&((struct block *)view)->refs, 1);
    return view;
}

void tow_block_unref(struct tow_block *view)
{
    struct block *block = (struct block *)view;

    if (view && atomic_fetch_sub(&block->refs, 1) == 1)
        blocks_leave(block->blocks, block);
}

int tow_block_is_shared(const struct tow_block *view)
{
    return atomic_load(&((struct block *)(uintptr_t)view)->refs) > 1;
}
