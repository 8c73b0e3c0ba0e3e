/* Where bytes wait that have arrived: in blocks of one size, which are used again. */
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/fetch_priv.h"

#define BLOCK_ROOM sizeof((struct tow_fetch_block *)NULL)->bytes

int tow_fetch_has_room(const struct tow_fetch *fetch, const struct tow_fetch_slot *slot,
                       size_t length)
{
    size_t left = slot->last ? BLOCK_ROOM - slot->last->used : 0, needed;

    if (length <= left)
        return 1;
    needed = (length - left + BLOCK_ROOM - 1) / BLOCK_ROOM;
    if (fetch->block_count + needed <= fetch->block_limit)
        return 1;
    return slot->chunk == fetch->current && slot->blocks + needed <= TOW_FETCH_HEAD_BLOCKS;
}

int tow_fetch_has_room_again(const struct tow_fetch *fetch, const struct tow_fetch_slot *slot)
{
    return tow_fetch_has_room(fetch, slot, fetch->block_ahead * BLOCK_ROOM);
}

int tow_fetch_has_room_ahead(const struct tow_fetch *fetch)
{
    return fetch->block_count + fetch->block_ahead <= fetch->block_limit;
}

struct tow_fetch_slot *tow_fetch_slot_of(struct tow_fetch *fetch, int64_t chunk)
{
    return &fetch->slots[(size_t)(chunk % (int64_t)fetch->window)];
}

static struct tow_fetch_block *blocks_new(struct tow_fetch *fetch)
{
    struct tow_fetch_block *block = fetch->spare;

    if (block)
        fetch->spare = block->next;
    else
        block = malloc(sizeof *block);
    if (!block)
        return NULL;
    block->next = NULL;
    block->used = 0;
    fetch->block_count++;
    return block;
}

int tow_fetch_append(struct tow_fetch *fetch, struct tow_fetch_slot *slot, const void *bytes,
                     size_t length, struct tow_error *err)
{
    const char *from = bytes;

    while (length > 0) {
        struct tow_fetch_block *block = slot->last;
        size_t part;

        if (!block || block->used == BLOCK_ROOM) {
            block = blocks_new(fetch);
            if (!block)
                return tow_error_nomem(err);
            if (slot->last)
                slot->last->next = block;
            else
                slot->first = block;
            slot->last = block;
            slot->blocks++;
        }
        part = length < BLOCK_ROOM - block->used ? length : BLOCK_ROOM - block->used;
        memcpy(block->bytes + block->used, from, part);
        block->used += part;
        slot->received += (int64_t)part;
        from += part;
        length -= part;
    }
    return TOW_OK;
}

struct tow_fetch_block *tow_fetch_pop(struct tow_fetch_slot *slot)
{
    struct tow_fetch_block *block = slot->first;

    if (!block)
        return NULL;
    slot->first = block->next;
    if (!slot->first)
        slot->last = NULL;
    slot->blocks--;
    return block;
}

void tow_fetch_recycle(struct tow_fetch *fetch, struct tow_fetch_block *block)
{
    fetch->block_count--;
    block->next = fetch->spare;
    fetch->spare = block;
}

static void blocks_free_list(struct tow_fetch_block *block)
{
    while (block) {
        struct tow_fetch_block *next = block->next;

        free(block);
        block = next;
    }
}

void tow_fetch_blocks_free(struct tow_fetch *fetch)
{
    for (size_t i = 0; fetch->slots && i < fetch->window; i++)
        blocks_free_list(fetch->slots[i].first);
    blocks_free_list(fetch->spare);
    free(fetch->handed);
}
