/*
 * make bench-arrow - what decoding a chunk of a result takes: Arrow IPC of typical columns, plain
 * and as LZ4 frames.
 *
 * A chunk has 20 MB of buffers in record batches of about 1 MB, as Databricks sends them. "MB/s" is
 * bytes of buffers, uncompressed, by CPU time on one core: the median of eleven runs that each
 * decode the chunk several times, in pieces as they come from a socket. All rows are counted, and
 * the bytes of each column are looked at: nothing is left undone.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connectors/arrow/ipc.h"
#include "tests/bench/chunk.h"
#include "tests/unit/flat_writer.h"

#define RUNS    11
#define REPEATS 8
#define LIMIT   ((size_t)64 << 20)

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
    return (int64_t)CHUNK_ROWS;
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
                         (int64_t)CHUNK_ROWS);
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

    chunk_make(&chunk);
    chunk_compress_messages(&frames, &chunk, &large);
    chunk_compress_messages(&checksums, &chunk, &checked);
    chunk_compress(&whole, chunk.bytes.data, chunk.bytes.size, &large);
    chunk_compress(&linked, chunk.bytes.data, chunk.bytes.size, NULL);

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
