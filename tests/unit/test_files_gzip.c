/* Chunks, members and helpers of gzip streams. */
#include "unit.h"

#include <sched.h>
#include <zlib.h>

#include "connectors/files/gzip_pool.h"
#include "connectors/files/gzip_writer.h"
#include "nomem.h"
#include "random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Where compressed bytes go; fails once it holds `most`. */
struct drain {
    struct tow_buffer bytes;
    size_t most;
};

static int drain_put(void *context, const void *bytes, size_t length, struct tow_error *err)
{
    struct drain *drain = context;

    if (length > drain->most - drain->bytes.size)
        return tow_error_set(err, TOW_E_ENV, "the drain is full");
    return tow_buffer_append(&drain->bytes, bytes, length, err);
}

static struct tow_gzip_writer *writer_new(struct drain *drain, int level)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_gzip_writer *writer;

    *drain = (struct drain){.most = SIZE_MAX};
    writer = tow_gzip_writer_new(level, (struct tow_gzip_drain){drain_put, drain}, &err);
    if (!writer)
        fail_msg("%s", err.message);
    return writer;
}

/* Lines that pack well, with noise in between. */
static char *make_text(size_t length)
{
    uint64_t seed = RANDOM_SEED;
    char *text = malloc(length + 1);

    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = i / 100000 % 4 == 3 ? (char)random_next(&seed)
                                      : (char)("some line of text\n"[i % 18] + (i % 97 == 0));
    return text;
}

/* Unpacks with zlib, whatever packed it; the number of members. */
static size_t check_unpacks_to(const struct tow_buffer *packed, const char *text, size_t length)
{
    z_stream stream = {.next_in = (Bytef *)packed->data, .avail_in = (uInt)packed->size};
    char *out = malloc(length + 1);
    size_t members = 0, used = 0;

    assert_non_null(out);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    for (; stream.avail_in > 0; members++) {
        stream.next_out = (Bytef *)out + used;
        stream.avail_out = (uInt)(length + 1 - used);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        used = length + 1 - stream.avail_out;
        assert_int_equal(inflateReset(&stream), Z_OK);
    }
    inflateEnd(&stream);
    assert_int_equal(used, length);
    assert_memory_equal(out, text, length);
    free(out);
    return members;
}

/* Pieces of all sizes, written or handed over, with members ended now and then. */
static size_t write_in_pieces(struct tow_gzip_writer *writer, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer own = {0};
    uint64_t seed = 77;
    size_t members = 1;

    for (size_t at = 0; at < length;) {
        size_t step = random_below(&seed, random_below(&seed, 2) ? 700000 : 9000);

        step = step < length - at ? step : length - at;
        if (random_below(&seed, 2)) {
            assert_ok(tow_gzip_writer_write(writer, text + at, step, &err), err);
        } else {
            assert_ok(tow_buffer_append(&own, text + at, step, &err), err);
            assert_ok(tow_gzip_writer_take(writer, &own, &err), err);
            assert_int_equal(own.size, 0);
        }
        at += step;
        if (random_below(&seed, 16) == 0 && at < length) {
            assert_ok(tow_gzip_writer_end_member(writer, &err), err);
            assert_false(tow_gzip_writer_is_open(writer));
            members++;
        }
    }
    assert_ok(tow_gzip_writer_end_member(writer, &err), err);
    tow_buffer_release(&own);
    return members;
}

static void test_helpers_make_the_same_bytes(void **state)
{
    enum { LENGTH = 6000000 };
    char *text = make_text(LENGTH);
    struct drain alone, helped;
    struct tow_gzip_writer *writer;
    size_t members;

    (void)state;
    for (int level = 0; level < TOW_GZIP_LEVEL_MAX; level += 4) {
        writer = writer_new(&alone, level);
        members = write_in_pieces(writer, text, LENGTH);
        tow_gzip_writer_free(writer);
        assert_int_equal(check_unpacks_to(&alone.bytes, text, LENGTH), members);
        writer = writer_new(&helped, level);
        tow_gzip_writer_use_helpers(writer);
        write_in_pieces(writer, text, LENGTH);
        tow_gzip_writer_free(writer);
        assert_int_equal(helped.bytes.size, alone.bytes.size);
        assert_memory_equal(helped.bytes.data, alone.bytes.data, alone.bytes.size);
        tow_buffer_release(&alone.bytes);
        tow_buffer_release(&helped.bytes);
    }
    free(text);
}

static void test_one_call_makes_a_whole_member(void **state)
{
    enum { LENGTH = 400000 };
    struct tow_error err = TOW_ERROR_INIT;
    char *text = make_text(LENGTH);
    struct drain drain;
    struct tow_gzip_writer *writer = writer_new(&drain, 0);

    (void)state;
    assert_ok(tow_gzip_writer_member(writer, text, 1000, &err), err);
    assert_ok(tow_gzip_writer_member(writer, text, 0, &err), err);
    assert_ok(tow_gzip_writer_member(writer, text + 1000, LENGTH - 1000, &err), err);
    assert_int_equal(check_unpacks_to(&drain.bytes, text, LENGTH), 3);
    assert_ok(tow_gzip_writer_write(writer, "x", 1, &err), err);
    assert_int_equal(tow_gzip_writer_member(writer, text, 1, &err), TOW_E_BUG);
    tow_gzip_writer_free(writer);
    tow_buffer_release(&drain.bytes);
    free(text);
}

/* ---- the pool ------------------------------------------------------------------------------- */

static void take_oldest(struct tow_gzip_pool *pool, struct tow_buffer *seen)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_buffer *out;

    assert_ok(tow_gzip_pool_oldest(pool, 1, &out, &err), err);
    assert_non_null(out);
    assert_ok(tow_buffer_append(seen, out->data, out->size, &err), err);
    tow_gzip_pool_drop(pool);
}

static void check_inflates_to(const struct tow_buffer *packed, const struct tow_buffer *text)
{
    char *out = malloc(text->size + 1);
    z_stream stream = {.next_in = (Bytef *)packed->data,
                       .avail_in = (uInt)packed->size,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)text->size + 1};

    assert_non_null(out);
    assert_int_equal(inflateInit2(&stream, -15), Z_OK);
    assert_int_equal(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.avail_out, 1);
    assert_memory_equal(out, text->data, text->size);
    inflateEnd(&stream);
    free(out);
}

static void test_chunks_come_out_in_the_order_they_went_in(void **state)
{
    enum { CHUNKS = 200 };
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_gzip_pool *pool = tow_gzip_pool_new(0, 2, &err);
    char *text = make_text(CHUNKS * 1000);
    struct tow_buffer expected = {0}, seen = {0}, chunk = {0};

    (void)state;
    assert_non_null(pool);
    for (size_t i = 0; i < CHUNKS; i++) {
        /* Large and small ones, so that later ones are ready first. */
        size_t length = i % 3 ? 10 + i : 100000;

        assert_ok(tow_buffer_append(&expected, text + i * 500, length, &err), err);
        assert_ok(tow_buffer_append(&chunk, text + i * 500, length, &err), err);
        while (tow_gzip_pool_is_full(pool))
            take_oldest(pool, &seen);
        tow_gzip_pool_put(pool, &chunk);
        assert_int_equal(chunk.size, 0);
    }
    for (int left = 0; left < 3; left++)
        take_oldest(pool, &seen);
    check_inflates_to(&seen, &expected);
    tow_gzip_pool_free(pool);
    tow_buffer_release(&expected);
    tow_buffer_release(&seen);
    tow_buffer_release(&chunk);
    free(text);
}

static void test_a_pool_may_go_while_it_works(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *text = make_text(300000);

    (void)state;
    for (int round = 0; round < 20; round++) {
        struct tow_gzip_pool *pool = tow_gzip_pool_new(0, 2, &err);
        struct tow_buffer chunk = {0};

        assert_non_null(pool);
        for (int i = 0; i <= round % 3; i++) {
            assert_ok(tow_buffer_append(&chunk, text, 300000, &err), err);
            tow_gzip_pool_put(pool, &chunk);
        }
        tow_buffer_release(&chunk);
        tow_gzip_pool_free(pool);
    }
    free(text);
}

static void test_helpers_need_a_second_processor(void **state)
{
    cpu_set_t before, one;
    int cpu = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(tow_gzip_pool_threads(), 0);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(tow_gzip_pool_threads() > 0, CPU_COUNT(&before) > 1);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void test_a_drain_that_fails_ends_it(void **state)
{
    enum { LENGTH = 3000000 };
    char *text = make_text(LENGTH);

    (void)state;
    for (int helped = 0; helped < 2; helped++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct drain drain;
        struct tow_gzip_writer *writer = writer_new(&drain, 0);
        int code;

        if (helped)
            tow_gzip_writer_use_helpers(writer);
        drain.most = 300000;
        code = tow_gzip_writer_write(writer, text, LENGTH, &err);
        if (code == TOW_OK)
            code = tow_gzip_writer_end_member(writer, &err);
        assert_int_equal(code, TOW_E_ENV);
        assert_says(err, "the drain is full");
        tow_gzip_writer_free(writer);
        tow_buffer_release(&drain.bytes);
    }
    free(text);
}

static int write_all(int helped, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct drain drain = {.most = SIZE_MAX};
    struct tow_gzip_writer *writer =
        tow_gzip_writer_new(0, (struct tow_gzip_drain){drain_put, &drain}, &err);
    int code = writer ? TOW_OK : err.code;

    if (writer && helped)
        tow_gzip_writer_use_helpers(writer);
    if (code == TOW_OK)
        code = tow_gzip_writer_write(writer, text, length, &err);
    if (code == TOW_OK)
        code = tow_gzip_writer_end_member(writer, &err);
    tow_gzip_writer_free(writer);
    tow_buffer_release(&drain.bytes);
    return code;
}

static void test_memory_may_run_out_anywhere(void **state)
{
    enum { LENGTH = 1200000 };
    char *text = make_text(LENGTH);

    (void)state;
    for (int helped = 0; helped < 2; helped++) {
        int code = TOW_E_NOMEM;

        for (long allowed = 0; code != TOW_OK; allowed++) {
            assert_true(allowed < 1000);
            nomem_after(allowed);
            code = write_all(helped, text, LENGTH);
            if (!nomem_stop())
                assert_int_equal(code, TOW_OK);
            else
                assert_int_equal(code, TOW_E_NOMEM);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helpers_make_the_same_bytes),
        cmocka_unit_test(test_one_call_makes_a_whole_member),
        cmocka_unit_test(test_chunks_come_out_in_the_order_they_went_in),
        cmocka_unit_test(test_a_pool_may_go_while_it_works),
        cmocka_unit_test(test_helpers_need_a_second_processor),
        cmocka_unit_test(test_a_drain_that_fails_ends_it),
        cmocka_unit_test(test_memory_may_run_out_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
