/*
 * The memory of record batches: counted, and used again once nobody holds it. It may come back from
 * any thread, also after the reader has gone.
 */
#ifndef CONNECTORS_ARROW_MEMORY_H
#define CONNECTORS_ARROW_MEMORY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/arrow/ipc.h"

#define TOW_IPC_SLACK 64 /* bytes behind every block that may be read */

struct tow_ipc_pool;

/* A run of bytes, aligned to 64, with TOW_IPC_SLACK more behind it. */
struct tow_ipc_block {
    uint8_t *bytes;
    size_t capacity;
};

struct tow_ipc_memory {
    atomic_size_t references;
    struct tow_ipc_pool *pool;
    /* In whose stream bytes the batch lies, a reference; NULL: its own. Bytes that are decompressed
     * at once may hold several messages. */
    struct tow_ipc_memory *holder;
    struct tow_ipc_block stream; /* messages as they came */
    struct tow_ipc_block plain;  /* buffers that were compressed one by one */
    struct tow_ipc_column *columns;
    size_t column_capacity;
};

/* NULL: out of memory. */
struct tow_ipc_pool *tow_ipc_pool_new(void);
/* For its owner: frees what waits in it, and whatever comes back later. */
void tow_ipc_pool_close(struct tow_ipc_pool *pool);
/* Memory with one reference and room for `size` stream bytes, or what batches of late needed; 0 for
 * a batch that lies in bytes of another. NULL: out of memory. */
struct tow_ipc_memory *tow_ipc_pool_take(struct tow_ipc_pool *pool, size_t size);
/* Tells what a batch needed of either block. */
void tow_ipc_pool_note(struct tow_ipc_pool *pool, size_t stream, size_t plain);

/* 1 where somebody else holds a reference, or may. */
static inline int tow_ipc_memory_is_shared(const struct tow_ipc_memory *memory)
{
    return atomic_load_explicit(&memory->references, memory_order_acquire) > 1;
}

/* Make room; what was there is lost. TOW_OK or TOW_E_NOMEM. */
int tow_ipc_block_reserve(struct tow_ipc_block *block, size_t size, struct tow_error *err);
int tow_ipc_memory_reserve_columns(struct tow_ipc_memory *memory, size_t count,
                                   struct tow_error *err);

#endif
