/* The memory of record batches: used again, bounded, given back, and where there is none. */
#include "ipc_fixture.h"
#include "nomem.h"
#include "unit.h"

#include <lz4frame.h>
#include <pthread.h>
#include <zstd.h>

/* ---- the memory of libraries: their calls are allocations of the plan ------------------------ */

LZ4F_errorCode_t __real_LZ4F_createDecompressionContext(LZ4F_dctx **context, unsigned version);
LZ4F_errorCode_t __wrap_LZ4F_createDecompressionContext(LZ4F_dctx **context, unsigned version);
size_t __real_LZ4F_decompress(LZ4F_dctx *context, void *out, size_t *made, const void *in,
                              size_t *taken, const LZ4F_decompressOptions_t *options);
size_t __wrap_LZ4F_decompress(LZ4F_dctx *context, void *out, size_t *made, const void *in,
                              size_t *taken, const LZ4F_decompressOptions_t *options);
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);

static int library_fails(void)
{
    return nomem_fails();
}

/* The library's own number for it is not in its header. */
static size_t lz4_nomem(void)
{
    size_t code = 0;

    while (strcmp(LZ4F_getErrorName(code), "ERROR_allocation_failed") != 0)
        code--;
    return code;
}

LZ4F_errorCode_t __wrap_LZ4F_createDecompressionContext(LZ4F_dctx **context, unsigned version)
{
    return library_fails() ? lz4_nomem() : __real_LZ4F_createDecompressionContext(context, version);
}

size_t __wrap_LZ4F_decompress(LZ4F_dctx *context, void *out, size_t *made, const void *in,
                              size_t *taken, const LZ4F_decompressOptions_t *options)
{
    return library_fails() ? lz4_nomem()
                           : __real_LZ4F_decompress(context, out, made, in, taken, options);
}

ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
    return library_fails() ? NULL : __real_ZSTD_createDCtx();
}

/* ---- streams of numbers -----------------------------------------------------------------------
 */

#define ROWS 20000

static struct tow_error err = TOW_ERROR_INIT;
static const struct tow_ipc_field field = {
    .name = "n", .type = TOW_IPC_INT, .width = 64, .is_signed = 1};
static int64_t numbers[ROWS];

static void put_rows(struct tow_buffer *stream, int64_t rows, enum ipc_codec codec)
{
    const struct tow_ipc_column column = {.field = &field, .length = rows, .values = numbers};

    ipc_put_columns(stream, &column, 1, codec);
}

static struct tow_buffer make_stream(int batches, enum ipc_codec codec)
{
    struct tow_buffer stream = {0};

    for (int64_t i = 0; i < ROWS; i++)
        numbers[i] = i;
    ipc_put_schema(&stream, &field, 1);
    for (int i = 0; i < batches; i++)
        put_rows(&stream, ROWS - i % 2 * 500, codec);
    return stream;
}

/* Each message a frame, or all in one. */
static struct tow_buffer compress(const struct tow_buffer *plain, size_t each)
{
    struct tow_buffer out = {0};

    for (size_t at = 0; at < plain->size; at += each) {
        size_t length = each < plain->size - at ? each : plain->size - at;
        size_t bound = LZ4F_compressFrameBound(length, NULL);

        assert_ok(tow_buffer_reserve(&out, bound, &err), err);
        out.size += LZ4F_compressFrame(out.data + out.size, bound, plain->data + at, length, NULL);
    }
    return out;
}

#define IN_FLIGHT 3

/* Reads on, with a few batches held at a time; the allocations from number `settled` to the last
 * but one. (The last one of a block may live in the block's own memory.) */
static size_t read_steadily(enum tow_ipc_wrapping wrapping, const struct tow_buffer *stream,
                            int settled)
{
    struct tow_ipc *ipc = tow_ipc_new(wrapping, IPC_LIMIT, &err);
    struct tow_ipc_batch held[IN_FLIGHT] = {0}, batch;
    size_t at = 0, used, before = 0, last = 0, last_but_one = 0;
    int count = 0, code;

    do {
        code = tow_ipc_read(ipc, stream->data + at, stream->size - at, &used, &batch, &err);
        at += used;
        if (code != TOW_OK)
            break;
        tow_ipc_memory_unref(held[count % IN_FLIGHT].memory);
        held[count % IN_FLIGHT] = batch;
        if (++count == settled)
            before = nomem_count();
        last_but_one = last;
        last = nomem_count();
        assert_memory_equal(batch.columns[0].values, numbers, (size_t)batch.length * 8);
    } while (1);
    assert_int_equal(code, TOW_END);
    for (int i = 0; i < IN_FLIGHT; i++)
        tow_ipc_memory_unref(held[i].memory);
    tow_ipc_free(ipc);
    return last_but_one - before;
}

static void test_a_steady_stream_allocates_nothing(void **state)
{
    struct tow_buffer plain = make_stream(40, IPC_CODEC_NONE),
                      zstd = make_stream(40, IPC_CODEC_ZSTD);
    struct tow_buffer whole = compress(&plain, SIZE_MAX / 2), frames = compress(&plain, 50000);

    (void)state;
    assert_int_equal(read_steadily(TOW_IPC_PLAIN, &plain, 10), 0);
    assert_int_equal(read_steadily(TOW_IPC_PLAIN, &zstd, 10), 0);
    assert_int_equal(read_steadily(TOW_IPC_LZ4_FRAMES, &whole, 10), 0);
    assert_int_equal(read_steadily(TOW_IPC_LZ4_FRAMES, &frames, 10), 0);
    tow_buffer_release(&plain);
    tow_buffer_release(&zstd);
    tow_buffer_release(&whole);
    tow_buffer_release(&frames);
}

static void test_small_batches_of_one_block_allocate_nothing_either(void **state)
{
    struct tow_buffer plain = {0}, whole;

    (void)state;
    ipc_put_schema(&plain, &field, 1);
    for (int i = 0; i < 1000; i++)
        put_rows(&plain, 100, IPC_CODEC_NONE);
    whole = compress(&plain, SIZE_MAX / 2);
    assert_int_equal(read_steadily(TOW_IPC_LZ4_FRAMES, &whole, 500), 0);
    tow_buffer_release(&plain);
    tow_buffer_release(&whole);
}

/* The next stream begins with the memory of the one before, but for its schema. */
static void test_the_next_stream_uses_the_same_memory(void **state)
{
    struct tow_buffer stream = make_stream(5, IPC_CODEC_NONE);
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_ipc_batch batch;
    size_t steps = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        size_t at = 0, used, before = nomem_count();

        while (tow_ipc_read(ipc, stream.data + at, stream.size - at, &used, &batch, &err) ==
               TOW_OK) {
            at += used;
            tow_ipc_memory_unref(batch.memory);
        }
        assert_ok(tow_ipc_end(ipc, &err), err);
        tow_ipc_reset(ipc);
        steps = nomem_count() - before;
    }
    /* Metadata, fields and the list of buffers. */
    assert_int_equal(steps, 3);
    tow_ipc_free(ipc);
    tow_buffer_release(&stream);
}

static void test_one_giant_batch_does_not_hold_memory_for_ever(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, (size_t)1 << 30, &err);
    struct tow_buffer stream = {0};
    static int64_t giant[8 << 20];
    const struct tow_ipc_column column = {
        .field = &field, .length = sizeof giant / sizeof *giant, .values = giant};
    struct tow_ipc_batch first, batch;
    size_t at = 0, used, before;

    (void)state;
    ipc_put_schema(&stream, &field, 1);
    ipc_put_columns(&stream, &column, 1, IPC_CODEC_NONE);
    for (int i = 0; i < 60; i++)
        put_rows(&stream, 100, IPC_CODEC_NONE);
    before = nomem_held();
    assert_ok(tow_ipc_read(ipc, stream.data, stream.size, &used, &first, &err), err);
    assert_true(nomem_held() - before >= sizeof giant);
    for (at = used;
         tow_ipc_read(ipc, stream.data + at, stream.size - at, &used, &batch, &err) == TOW_OK;
         at += used) {
        /* Two at a time, so that the giant is not the only memory to take. */
        tow_ipc_memory_unref(first.memory);
        first = batch;
    }
    tow_ipc_memory_unref(first.memory);
    assert_in_range(nomem_held() - before, 0, sizeof giant / 2);
    tow_ipc_free(ipc);
    tow_buffer_release(&stream);
}

static void *release_all(void *context)
{
    struct tow_ipc_batch *batches = context;

    for (int i = 0; batches[i].memory; i++)
        tow_ipc_memory_unref(batches[i].memory);
    return NULL;
}

static void test_memory_comes_back_from_other_threads(void **state)
{
    enum { THREADS = 3, ROUNDS = 100 };
    struct tow_buffer plain = make_stream(THREADS * ROUNDS, IPC_CODEC_NONE);
    struct tow_buffer stream = compress(&plain, SIZE_MAX / 2);
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_LZ4_FRAMES, IPC_LIMIT, &err);
    struct tow_ipc_batch batches[THREADS][2] = {0};
    pthread_t threads[THREADS];
    size_t at = 0, used;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < THREADS; i++) {
            assert_ok(
                tow_ipc_read(ipc, stream.data + at, stream.size - at, &used, &batches[i][0], &err),
                err);
            at += used;
            assert_memory_equal(batches[i][0].columns[0].values, numbers, 8 * 100);
            assert_int_equal(pthread_create(&threads[i], NULL, release_all, batches[i]), 0);
        }
        if (round == ROUNDS - 1)
            tow_ipc_free(ipc);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    tow_buffer_release(&plain);
    tow_buffer_release(&stream);
}

/* ---- out of memory ----------------------------------------------------------------------------
 */

/* Reads the stream to text. */
static int use_everything(enum tow_ipc_wrapping wrapping, const struct tow_buffer *stream)
{
    struct ipc_reading reading = {.ipc = tow_ipc_new(wrapping, IPC_LIMIT, &err)};
    struct tow_ipc_batch batch;
    size_t at = 0, used;
    int code = reading.ipc ? TOW_OK : err.code;

    while (code == TOW_OK) {
        code = tow_ipc_read(reading.ipc, stream->data + at, stream->size - at, &used, &batch, &err);
        at += used;
        if (code != TOW_OK)
            break;
        code = ipc_reading_add(&reading, &batch, &err);
        tow_ipc_memory_unref(batch.memory);
    }
    if (code == TOW_END)
        code = tow_ipc_end(reading.ipc, &err);
    ipc_reading_release(&reading);
    return code;
}

static void assert_each_allocation_may_fail(enum tow_ipc_wrapping wrapping,
                                            const struct tow_buffer *stream, size_t least)
{
    size_t held = nomem_held(), failed = 0;
    int code = TOW_E_NOMEM;

    for (; code == TOW_E_NOMEM; failed++) {
        tow_error_set(&err, TOW_OK, "%s", "");
        nomem_after((long)failed);
        code = use_everything(wrapping, stream);
        nomem_stop();
        assert_int_equal(nomem_held(), held);
        if (code == TOW_E_NOMEM)
            assert_string_equal(err.message, "out of memory");
    }
    assert_ok(code, err);
    assert_in_range(failed, least, 400);
}

static void test_each_allocation_may_fail(void **state)
{
    struct tow_buffer plain = {0}, zstd = {0}, lz4 = {0}, whole;

    (void)state;
    ipc_put_example(&plain, IPC_CODEC_NONE);
    ipc_put_example(&zstd, IPC_CODEC_ZSTD);
    ipc_put_example(&lz4, IPC_CODEC_LZ4);
    whole = compress(&zstd, SIZE_MAX / 2);
    assert_each_allocation_may_fail(TOW_IPC_PLAIN, &plain, 10);
    assert_each_allocation_may_fail(TOW_IPC_PLAIN, &zstd, 10);
    assert_each_allocation_may_fail(TOW_IPC_PLAIN, &lz4, 50);
    assert_each_allocation_may_fail(TOW_IPC_LZ4_FRAMES, &whole, 15);
    tow_buffer_release(&plain);
    tow_buffer_release(&zstd);
    tow_buffer_release(&lz4);
    tow_buffer_release(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_stream_allocates_nothing),
        cmocka_unit_test(test_small_batches_of_one_block_allocate_nothing_either),
        cmocka_unit_test(test_the_next_stream_uses_the_same_memory),
        cmocka_unit_test(test_one_giant_batch_does_not_hold_memory_for_ever),
        cmocka_unit_test(test_memory_comes_back_from_other_threads),
        cmocka_unit_test(test_each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
