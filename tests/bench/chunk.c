#include "tests/bench/chunk.h"

#include <stdio.h>

#include "tests/unit/flat_writer.h"
#include "tests/unit/random.h"

#define TEXT_BYTES 64 /* at most, of a row */

const struct tow_ipc_field chunk_fields[CHUNK_COLUMNS] = {
    {.name = "id", .type = TOW_IPC_INT, .width = 64, .is_signed = 1},
    {.name = "ts",
     .type = TOW_IPC_TIMESTAMP,
     .unit = TOW_IPC_MICRO,
     .width = 64,
     .timezone = "Etc/UTC"},
    {.name = "score", .type = TOW_IPC_FLOAT, .width = 64},
    {.name = "amount", .type = TOW_IPC_DECIMAL, .width = 128, .precision = 18, .scale = 2},
    {.name = "uid", .type = TOW_IPC_UTF8},
    {.name = "segment", .type = TOW_IPC_UTF8},
    {.name = "note", .type = TOW_IPC_UTF8}};

/* The values of a batch. */
static struct {
    int64_t ids[CHUNK_BATCH_ROWS], times[CHUNK_BATCH_ROWS];
    double scores[CHUNK_BATCH_ROWS];
    int64_t amounts[2 * CHUNK_BATCH_ROWS];
    uint8_t validity[CHUNK_BATCH_ROWS / 8];
    int32_t offsets[3][CHUNK_BATCH_ROWS + 1];
    char text[3][CHUNK_BATCH_ROWS * TEXT_BYTES];
} values;

/* ---- the chunk ------------------------------------------------------------------------------- */

static const char *const words[] = {"auto",   "travel", "sports", "home",   "garden", "music",
                                    "luxury", "family", "news",   "retail", "winter", "beauty",
                                    "pets",   "movies", "gaming", "food"};

static int chunk_text(uint64_t *seed, int column, char *out)
{
    if (column == 0)
        return sprintf(out, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)random_next(seed),
                       (unsigned)random_next(seed) & 0xFFFF, (unsigned)random_next(seed) & 0xFFF,
                       (unsigned)random_next(seed) & 0xFFFF,
                       (unsigned long long)random_next(seed) >> 16);
    if (column == 1)
        return sprintf(out, "%s_%s_%04u", words[random_below(seed, 16)],
                       words[random_below(seed, 16)], (unsigned)random_below(seed, 2000));
    return sprintf(out, "%s %s %s", words[random_below(seed, 16)], words[random_below(seed, 16)],
                   words[random_below(seed, 16)]);
}

static void chunk_values(uint64_t *seed, int64_t first)
{
    for (int64_t i = 0; i < CHUNK_BATCH_ROWS; i++) {
        values.ids[i] = 1000000000 + (first + i) * 7 + (int64_t)random_below(seed, 7);
        values.times[i] =
            INT64_C(1700000000000000) + (first + i) * 1700 + (int64_t)random_below(seed, 1000000);
        values.scores[i] = (double)random_below(seed, 1000000000) / 1e6;
        values.amounts[2 * i] = (int64_t)random_below(seed, 90000);
        values.amounts[2 * i + 1] = 0;
    }
    for (size_t i = 0; i < sizeof values.validity; i++)
        values.validity[i] = random_below(seed, 4) ? 0xFF : 0xFB;
    for (int column = 0; column < 3; column++)
        for (int i = 0; i < CHUNK_BATCH_ROWS; i++)
            values.offsets[column][i + 1] =
                values.offsets[column][i] +
                chunk_text(seed, column, values.text[column] + values.offsets[column][i]);
}

static int64_t chunk_nulls(void)
{
    int64_t nulls = CHUNK_BATCH_ROWS;

    for (size_t i = 0; i < sizeof values.validity; i++)
        nulls -= __builtin_popcount(values.validity[i]);
    return nulls;
}

static void chunk_end_message(struct chunk *chunk)
{
    chunk->ends[chunk->messages++] = chunk->bytes.size;
}

void chunk_make(struct chunk *chunk)
{
    static struct ipc_batch batch;
    struct tow_ipc_column columns[CHUNK_COLUMNS];
    const void *fixed[] = {values.ids, values.times, values.scores, values.amounts};
    uint64_t seed = RANDOM_SEED;

    ipc_put_schema(&chunk->bytes, chunk_fields, CHUNK_COLUMNS);
    chunk_end_message(chunk);
    for (int i = 0; i < CHUNK_BATCHES; i++) {
        chunk_values(&seed, (int64_t)i * CHUNK_BATCH_ROWS);
        for (int column = 0; column < CHUNK_COLUMNS; column++) {
            columns[column] =
                (struct tow_ipc_column){.field = &chunk_fields[column], .length = CHUNK_BATCH_ROWS};
            if (column > 1) {
                columns[column].validity = values.validity;
                columns[column].null_count = chunk_nulls();
            }
            if (column < 4) {
                columns[column].values = fixed[column];
                continue;
            }
            columns[column].offsets = values.offsets[column - 4];
            columns[column].bytes = values.text[column - 4];
        }
        ipc_batch_make(&batch, columns, CHUNK_COLUMNS, IPC_CODEC_NONE);
        chunk->buffers += batch.body.size;
        ipc_put_batch(&chunk->bytes, &batch);
        ipc_batch_release(&batch);
        chunk_end_message(chunk);
    }
    ipc_put_end(&chunk->bytes);
    chunk_end_message(chunk);
}

void chunk_compress(struct tow_buffer *out, const char *bytes, size_t length,
                    const LZ4F_preferences_t *preferences)
{
    size_t bound = LZ4F_compressFrameBound(length, preferences), made;

    flat_require(tow_buffer_reserve(out, bound, NULL) == TOW_OK);
    made = LZ4F_compressFrame(out->data + out->size, bound, bytes, length, preferences);
    flat_require(!LZ4F_isError(made));
    out->size += made;
}

void chunk_compress_messages(struct tow_buffer *out, const struct chunk *chunk,
                             const LZ4F_preferences_t *preferences)
{
    size_t start = 0;

    for (size_t i = 0; i < chunk->messages; i++) {
        chunk_compress(out, chunk->bytes.data + start, chunk->ends[i] - start, preferences);
        start = chunk->ends[i];
    }
}
