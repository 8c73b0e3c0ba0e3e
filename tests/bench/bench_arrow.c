/*
 * make bench-arrow - what decoding a chunk of a result takes: Arrow IPC of typical columns, plain
 * and as LZ4 frames.
 *
 * A chunk has 20 MB of buffers in record batches of about 1 MB, as Databricks sends them. "MB/s" is
 * bytes of buffers, uncompressed, by CPU time on one core: the median of eleven runs that each
 * decode the chunk several times, in pieces as they come from a socket. All rows are counted, and
 * the bytes of each column are looked at: nothing is left undone.
 */
#include <lz4frame.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connectors/arrow/ipc.h"
#include "tests/unit/flat_writer.h"
#include "tests/unit/ipc_writer.h"
#include "tests/unit/random.h"

#define ROWS       8192 /* of a batch */
#define BATCHES    18
#define COLUMNS    7
#define TEXT_BYTES 64 /* at most, of a row */
#define RUNS       11
#define REPEATS    8
#define LIMIT      ((size_t)64 << 20)

static const struct tow_ipc_field fields[COLUMNS] = {
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
    int64_t ids[ROWS], times[ROWS];
    double scores[ROWS];
    int64_t amounts[2 * ROWS];
    uint8_t validity[ROWS / 8];
    int32_t offsets[3][ROWS + 1];
    char text[3][ROWS * TEXT_BYTES];
} values;

/* ---- the chunk ------------------------------------------------------------------------------- */

static const char *const words[] = {"auto",   "travel", "sports", "home",   "garden", "music",
                                    "luxury", "family", "news",   "retail", "winter", "beauty",
                                    "pets",   "movies", "gaming", "food"};

static int bench_text(uint64_t *seed, int column, char *out)
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

static void bench_values(uint64_t *seed, int64_t first)
{
    for (int64_t i = 0; i < ROWS; i++) {
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
        for (int i = 0; i < ROWS; i++)
            values.offsets[column][i + 1] =
                values.offsets[column][i] +
                bench_text(seed, column, values.text[column] + values.offsets[column][i]);
}

static int64_t bench_nulls(void)
{
    int64_t nulls = ROWS;

    for (size_t i = 0; i < sizeof values.validity; i++)
        nulls -= __builtin_popcount(values.validity[i]);
    return nulls;
}

/* Where each message of the chunk ends. */
struct chunk {
    struct tow_buffer bytes;
    size_t ends[BATCHES + 2];
    size_t messages;
    size_t buffers; /* bytes of them */
};

static void bench_end_message(struct chunk *chunk)
{
    chunk->ends[chunk->messages++] = chunk->bytes.size;
}

static void bench_make_chunk(struct chunk *chunk)
{
    static struct ipc_batch batch;
    struct tow_ipc_column columns[COLUMNS];
    const void *fixed[] = {values.ids, values.times, values.scores, values.amounts};
    uint64_t seed = RANDOM_SEED;

    ipc_put_schema(&chunk->bytes, fields, COLUMNS);
    bench_end_message(chunk);
    for (int i = 0; i < BATCHES; i++) {
        bench_values(&seed, (int64_t)i * ROWS);
        for (int column = 0; column < COLUMNS; column++) {
            columns[column] = (struct tow_ipc_column){.field = &fields[column], .length = ROWS};
            if (column > 1) {
                columns[column].validity = values.validity;
                columns[column].null_count = bench_nulls();
            }
            if (column < 4) {
                columns[column].values = fixed[column];
                continue;
            }
            columns[column].offsets = values.offsets[column - 4];
            columns[column].bytes = values.text[column - 4];
        }
        ipc_batch_make(&batch, columns, COLUMNS, IPC_CODEC_NONE);
        chunk->buffers += batch.body.size;
        ipc_put_batch(&chunk->bytes, &batch);
        ipc_batch_release(&batch);
        bench_end_message(chunk);
    }
    ipc_put_end(&chunk->bytes);
    bench_end_message(chunk);
}

static void bench_compress(struct tow_buffer *out, const char *bytes, size_t length,
                           const LZ4F_preferences_t *preferences)
{
    size_t bound = LZ4F_compressFrameBound(length, preferences), made;

    flat_require(tow_buffer_reserve(out, bound, NULL) == TOW_OK);
    made = LZ4F_compressFrame(out->data + out->size, bound, bytes, length, preferences);
    flat_require(!LZ4F_isError(made));
    out->size += made;
}

/* ---- what is measured ------------------------------------------------------------------------ */

static double bench_cpu(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct subject {
    const char *name;
    const struct tow_buffer *bytes;
    enum tow_ipc_wrapping wrapping;
    size_t piece;
    struct tow_ipc *ipc;
    char *room; /* for LZ4 alone */
    size_t room_size;
};

static int64_t bench_look(const struct tow_ipc_batch *batch)
{
    int64_t sum = batch->length;

    for (size_t i = 0; i < batch->column_count; i++)
        sum += batch->columns[i].null_count +
               (batch->columns[i].bytes ? batch->columns[i].bytes[0] : 0);
    return sum;
}

static int64_t bench_decode(const struct subject *subject)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ipc_batch batch;
    size_t used;
    int64_t rows = 0;
    volatile int64_t seen;

    for (size_t at = 0; at < subject->bytes->size;) {
        size_t left = subject->bytes->size - at,
               piece = left < subject->piece ? left : subject->piece;

        while (tow_ipc_read(subject->ipc, subject->bytes->data + at, piece, &used, &batch, &err) ==
               TOW_OK) {
            at += used;
            piece -= used;
            rows += batch.length;
            seen = bench_look(&batch);
            (void)seen;
            tow_ipc_memory_unref(batch.memory);
        }
        flat_require(err.code == TOW_OK);
        at += used;
    }
    flat_require(tow_ipc_end(subject->ipc, &err) == TOW_OK);
    tow_ipc_reset(subject->ipc);
    return rows;
}

/* LZ4 alone, into memory that is used again for each frame or, within one, for each piece. */
static int64_t bench_lz4(const struct subject *subject)
{
    const char *in = subject->bytes->data, *end = in + subject->bytes->size;
    size_t filled = 0;
    LZ4F_dctx *context;

    flat_require(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
    while (in < end) {
        size_t taken = (size_t)(end - in), made = subject->room_size - filled;
        size_t hint = LZ4F_decompress(context, subject->room + filled, &made, in, &taken, NULL);

        flat_require(!LZ4F_isError(hint));
        in += taken;
        filled = hint == 0 || filled + made == subject->room_size ? 0 : filled + made;
    }
    LZ4F_freeDecompressionContext(context);
    return (int64_t)BATCHES * ROWS;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static void bench_run(const struct chunk *chunk, struct subject *subject)
{
    double seconds[RUNS], rate;
    struct tow_error err = TOW_ERROR_INIT;

    if (!subject->room)
        subject->ipc = tow_ipc_new(subject->wrapping, LIMIT, &err);
    for (int run = 0; run < RUNS; run++) {
        double start = bench_cpu();

        for (int i = 0; i < REPEATS; i++)
            flat_require((subject->room ? bench_lz4 : bench_decode)(subject) ==
                         (int64_t)BATCHES * ROWS);
        seconds[run] = (bench_cpu() - start) / REPEATS;
    }
    tow_ipc_free(subject->ipc);
    qsort(seconds, RUNS, sizeof *seconds, compare_doubles);
    rate = (double)chunk->buffers / 1e6;
    printf("%-44s %5.0f MB/s a core (best %5.0f), %4.1f MB for %4.1f MB of buffers\n",
           subject->name, rate / seconds[RUNS / 2], rate / seconds[0],
           (double)subject->bytes->size / 1e6, rate);
}

int main(void)
{
    const LZ4F_preferences_t large = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent}};
    const LZ4F_preferences_t checked = {.frameInfo = {.blockSizeID = LZ4F_max4MB,
                                                      .blockMode = LZ4F_blockIndependent,
                                                      .contentChecksumFlag = 1,
                                                      .blockChecksumFlag = 1}};
    static struct chunk chunk;
    struct tow_buffer frames = {0}, checksums = {0}, whole = {0}, linked = {0};
    static char room[(size_t)8 << 20];
    size_t start = 0;

    bench_make_chunk(&chunk);
    for (size_t i = 0; i < chunk.messages; i++) {
        bench_compress(&frames, chunk.bytes.data + start, chunk.ends[i] - start, &large);
        bench_compress(&checksums, chunk.bytes.data + start, chunk.ends[i] - start, &checked);
        start = chunk.ends[i];
    }
    bench_compress(&whole, chunk.bytes.data, chunk.bytes.size, &large);
    bench_compress(&linked, chunk.bytes.data, chunk.bytes.size, NULL);

    struct subject subjects[] = {
        {"plain, pieces of 64 KiB", &chunk.bytes, TOW_IPC_PLAIN, 65536, NULL, NULL, 0},
        {"LZ4, a frame a message, pieces of 64 KiB", &frames, TOW_IPC_LZ4_FRAMES, 65536, NULL, NULL,
         0},
        {"LZ4, a frame a message, whole", &frames, TOW_IPC_LZ4_FRAMES, SIZE_MAX, NULL, NULL, 0},
        {"LZ4, a frame a message, checksums, whole", &checksums, TOW_IPC_LZ4_FRAMES, SIZE_MAX, NULL,
         NULL, 0},
        {"LZ4, one frame, blocks of 4 MiB, whole", &whole, TOW_IPC_LZ4_FRAMES, SIZE_MAX, NULL, NULL,
         0},
        {"LZ4, one frame, linked blocks of 64 KiB", &linked, TOW_IPC_LZ4_FRAMES, 65536, NULL, NULL,
         0},
        {"LZ4F_decompress alone, a frame a message", &frames, TOW_IPC_LZ4_FRAMES, 0, NULL, room,
         sizeof room},
        {"LZ4F_decompress alone, with checksums", &checksums, TOW_IPC_LZ4_FRAMES, 0, NULL, room,
         sizeof room},
        {"LZ4F_decompress alone, one frame", &whole, TOW_IPC_LZ4_FRAMES, 0, NULL, room,
         sizeof room},
    };
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        bench_run(&chunk, &subjects[i]);
    tow_buffer_release(&chunk.bytes);
    tow_buffer_release(&frames);
    tow_buffer_release(&checksums);
    tow_buffer_release(&whole);
    tow_buffer_release(&linked);
    return 0;
}
