/*
 * A chunk of a result for benches: an Arrow stream of typical columns, 20 MB of buffers in record
 * batches of about 1 MB, as Databricks sends them. Its bytes are the same each time.
 */
#ifndef TESTS_BENCH_CHUNK_H
#define TESTS_BENCH_CHUNK_H

#include <lz4frame.h>

#include "tests/unit/ipc_writer.h"

#define CHUNK_COLUMNS    7
#define CHUNK_BATCHES    18
#define CHUNK_BATCH_ROWS 8192
#define CHUNK_ROWS       (CHUNK_BATCHES * CHUNK_BATCH_ROWS)

extern const struct tow_ipc_field chunk_fields[CHUNK_COLUMNS];

struct chunk {
    struct tow_buffer bytes;
    size_t ends[CHUNK_BATCHES + 2]; /* where each message ends */
    size_t messages;
    size_t buffers; /* bytes of them */
};

/* chunk is zeroed. */
void chunk_make(struct chunk *chunk);

/* Appends the bytes as one LZ4 frame. */
void chunk_compress(struct tow_buffer *out, const char *bytes, size_t length,
                    const LZ4F_preferences_t *preferences);
/* Each message as a frame of its own. */
void chunk_compress_messages(struct tow_buffer *out, const struct chunk *chunk,
                             const LZ4F_preferences_t *preferences);

#endif
