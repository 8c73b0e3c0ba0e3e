/* Arrow IPC streams in LZ4 frames. */
#include <lz4frame.h>

#include "ipc_fixture.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;

/* The example as it is and as text; the streams of a test. */
struct frames {
    struct tow_buffer plain, out;
    char *text;
};

static int setup(void **state)
{
    struct frames *frames = calloc(1, sizeof *frames);

    *state = frames;
    if (!frames)
        return -1;
    ipc_put_example(&frames->plain, IPC_CODEC_NONE);
    frames->text = ipc_text_of(TOW_IPC_PLAIN, 0, &frames->plain);
    return 0;
}

static int teardown(void **state)
{
    struct frames *frames = *state;

    tow_buffer_release(&frames->plain);
    tow_buffer_release(&frames->out);
    free(frames->text);
    free(frames);
    return 0;
}

static void put_frame(struct tow_buffer *out, const char *bytes, size_t length,
                      const LZ4F_preferences_t *preferences)
{
    size_t bound = LZ4F_compressFrameBound(length, preferences), made;

    assert_ok(tow_buffer_reserve(out, bound, &err), err);
    made = LZ4F_compressFrame(out->data + out->size, bound, bytes, length, preferences);
    assert_false(LZ4F_isError(made));
    out->size += made;
}

/* Frames of so many plain bytes each. */
static void put_frames(struct frames *frames, size_t each, const LZ4F_preferences_t *preferences)
{
    for (size_t at = 0; at < frames->plain.size; at += each)
        put_frame(&frames->out, frames->plain.data + at,
                  each < frames->plain.size - at ? each : frames->plain.size - at, preferences);
}

static void assert_same(struct frames *frames)
{
    static const size_t pieces[] = {0, 1, 7, 4096};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = ipc_text_of(TOW_IPC_LZ4_FRAMES, pieces[i], &frames->out);

        assert_string_equal(text, frames->text);
        free(text);
    }
}

static void test_one_frame_holds_all_messages(void **state)
{
    struct frames *frames = *state;

    put_frames(frames, SIZE_MAX / 2, NULL);
    assert_same(frames);
}

/* The second and third frame are where a client that stops after one loses all rows. */
static void test_frames_follow_each_other_and_end_anywhere(void **state)
{
    static const size_t sizes[] = {1, 3, 8, 100, 1000, 5000};
    struct frames *frames = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        frames->out.size = 0;
        put_frames(frames, sizes[i], NULL);
        assert_same(frames);
    }
}

static void test_every_kind_of_frame_is_read(void **state)
{
    struct frames *frames = *state;

    for (unsigned kind = 0; kind < 64; kind++) {
        const LZ4F_preferences_t preferences = {
            .frameInfo = {.blockSizeID = kind & 1 ? LZ4F_max4MB : LZ4F_max64KB,
                          .blockMode = kind & 2 ? LZ4F_blockIndependent : LZ4F_blockLinked,
                          .blockChecksumFlag = (LZ4F_blockChecksum_t)(kind >> 2 & 1),
                          .contentChecksumFlag = (LZ4F_contentChecksum_t)(kind >> 3 & 1),
                          .contentSize = kind & 16 ? frames->plain.size : 0},
            .compressionLevel = kind & 32 ? 9 : 0};

        frames->out.size = 0;
        put_frames(frames, SIZE_MAX / 2, &preferences);
        assert_same(frames);
    }
}

static void test_skippable_and_empty_frames_lie_in_between(void **state)
{
    static const char skipped[] = "\x50\x2A\x4D\x18\x05\0\0\0hello\x5F\x2A\x4D\x18\0\0\0\0";
    struct frames *frames = *state;
    size_t half = frames->plain.size / 2;

    for (int i = 0; i < 2; i++) {
        assert_ok(tow_buffer_append(&frames->out, skipped, sizeof skipped - 1, &err), err);
        put_frame(&frames->out, "", 0, NULL);
        put_frame(&frames->out, frames->plain.data + (i ? half : 0),
                  i ? frames->plain.size - half : half, NULL);
    }
    assert_ok(tow_buffer_append(&frames->out, skipped, sizeof skipped - 1, &err), err);
    put_frame(&frames->out, "", 0, NULL);
    assert_same(frames);
}

/* Random bytes do not compress, so blocks are stored as they are. */
static void test_stored_blocks_are_read(void **state)
{
    static const struct tow_ipc_field field = {
        .name = "b", .type = TOW_IPC_FIXED_BINARY, .width = 64};
    static uint64_t values[50000];
    const struct tow_ipc_column column = {
        .field = &field, .length = sizeof values / sizeof *values, .values = values};
    struct frames *frames = *state;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = i * UINT64_C(0x9E3779B97F4A7C15) ^ i << 40;
    frames->plain.size = 0;
    ipc_put_schema(&frames->plain, &field, 1);
    for (int i = 0; i < 3; i++)
        ipc_put_columns(&frames->plain, &column, 1, IPC_CODEC_NONE);
    free(frames->text);
    frames->text = ipc_text_of(TOW_IPC_PLAIN, 0, &frames->plain);
    put_frames(frames, SIZE_MAX / 2, NULL);
    assert_true(frames->out.size > frames->plain.size);
    assert_same(frames);
}

/* Many batches come out of one block: each holds the memory that they share. */
static void test_batches_of_one_block_live_on_their_own(void **state)
{
    struct frames *frames = *state;
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_LZ4_FRAMES, IPC_LIMIT, &err);
    struct tow_ipc_batch batches[3];
    struct ipc_reading reading;
    size_t at = 0, used;

    put_frames(frames, SIZE_MAX / 2, NULL);
    for (int i = 0; i < 3; i++) {
        assert_ok(tow_ipc_read(ipc, frames->out.data + at, frames->out.size - at, &used,
                               &batches[i], &err),
                  err);
        at += used;
    }
    assert_int_equal(tow_ipc_read(ipc, frames->out.data + at, frames->out.size - at, &used,
                                  &(struct tow_ipc_batch){0}, &err),
                     TOW_END);
    assert_ok(tow_ipc_end(ipc, &err), err);
    tow_ipc_memory_unref(batches[0].memory);
    ipc_reading_init(&reading, TOW_IPC_PLAIN, 0);
    assert_ok(ipc_reading_add(&reading, &batches[2], &err), err);
    tow_ipc_memory_unref(batches[2].memory);
    assert_int_equal(batches[1].length, 0);
    tow_ipc_free(ipc);
    tow_ipc_memory_unref(batches[1].memory);
    assert_memory_equal(reading.text.data, frames->text, reading.text.size);
    ipc_reading_release(&reading);
}

static void test_batches_that_wait_in_a_block_are_no_end(void **state)
{
    struct frames *frames = *state;
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_LZ4_FRAMES, IPC_LIMIT, &err);
    struct tow_ipc_batch batch;
    size_t used;

    put_frames(frames, SIZE_MAX / 2, NULL);
    assert_ok(tow_ipc_read(ipc, frames->out.data, frames->out.size, &used, &batch, &err), err);
    tow_ipc_memory_unref(batch.memory);
    assert_int_equal(tow_ipc_end(ipc, &err), TOW_E_BUG);
    tow_ipc_free(ipc);
}

static void test_a_damaged_checksum_is_found(void **state)
{
    const LZ4F_preferences_t preferences = {.frameInfo = {.contentChecksumFlag = 1}};
    struct frames *frames = *state;

    put_frames(frames, SIZE_MAX / 2, &preferences);
    frames->out.data[frames->out.size - 1] ^= 1;
    ipc_refused(TOW_IPC_LZ4_FRAMES, &frames->out, TOW_E_DATA,
                "is damaged: ERROR_contentChecksum_invalid");
}

static void test_a_damaged_second_frame_is_named(void **state)
{
    struct frames *frames = *state;

    put_frames(frames, frames->plain.size / 2 + 1, NULL);
    assert_ok(tow_buffer_append(&frames->out, "no frame", 8, &err), err);
    ipc_refused(TOW_IPC_LZ4_FRAMES, &frames->out, TOW_E_DATA, "LZ4 frame 2, near byte ");
}

static void test_plain_bytes_are_no_frames(void **state)
{
    struct frames *frames = *state;

    ipc_refused(TOW_IPC_LZ4_FRAMES, &frames->plain, TOW_E_DATA,
                "of the compressed data, is damaged: ERROR_frameType_unknown");
}

static void test_bytes_behind_the_end_of_the_stream_are_refused(void **state)
{
    struct frames *frames = *state;

    put_frames(frames, SIZE_MAX / 2, NULL);
    put_frame(&frames->out, "x", 1, NULL);
    ipc_refused(TOW_IPC_LZ4_FRAMES, &frames->out, TOW_E_DATA, "bytes behind the end");
}

static void test_a_cut_frame_is_cut_also_behind_the_last_message(void **state)
{
    const LZ4F_preferences_t preferences = {.frameInfo = {.contentChecksumFlag = 1}};
    struct frames *frames = *state;

    put_frames(frames, SIZE_MAX / 2, &preferences);
    for (size_t length = 0; length < frames->out.size; length++) {
        struct ipc_reading reading;

        ipc_reading_init(&reading, TOW_IPC_LZ4_FRAMES, 0);
        assert_int_equal(ipc_reading_run(&reading, frames->out.data, length, &err), TOW_E_DATA);
        assert_says(err, "the data end");
        ipc_reading_release(&reading);
    }
}

static void test_a_reader_is_used_again_in_the_middle_of_a_frame(void **state)
{
    struct frames *frames = *state;
    struct ipc_reading reading;

    put_frames(frames, SIZE_MAX / 2, NULL);
    ipc_reading_init(&reading, TOW_IPC_LZ4_FRAMES, 0);
    for (size_t length = 0; length < frames->out.size; length += 50) {
        assert_int_equal(ipc_reading_run(&reading, frames->out.data, length, &err), TOW_E_DATA);
        tow_ipc_reset(reading.ipc);
        reading.text.size = 0;
        assert_ok(ipc_reading_run(&reading, frames->out.data, frames->out.size, &err), err);
        assert_memory_equal(reading.text.data, frames->text, reading.text.size);
        tow_ipc_reset(reading.ipc);
        reading.text.size = 0;
    }
    ipc_reading_release(&reading);
}

/* Four zeros are the end of a stream of the old form. */
static void test_a_frame_of_zeros_is_an_end_with_bytes_behind_it(void **state)
{
    static char zeros[4 << 20];
    struct frames *frames = *state;

    put_frame(&frames->out, zeros, sizeof zeros, NULL);
    ipc_refused(TOW_IPC_LZ4_FRAMES, &frames->out, TOW_E_DATA,
                "message 1 at byte 4: bytes behind the end");
}

#define with_frames(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_frames(test_one_frame_holds_all_messages),
        with_frames(test_frames_follow_each_other_and_end_anywhere),
        with_frames(test_every_kind_of_frame_is_read),
        with_frames(test_skippable_and_empty_frames_lie_in_between),
        with_frames(test_stored_blocks_are_read),
        with_frames(test_batches_of_one_block_live_on_their_own),
        with_frames(test_batches_that_wait_in_a_block_are_no_end),
        with_frames(test_a_damaged_checksum_is_found),
        with_frames(test_a_damaged_second_frame_is_named),
        with_frames(test_plain_bytes_are_no_frames),
        with_frames(test_bytes_behind_the_end_of_the_stream_are_refused),
        with_frames(test_a_cut_frame_is_cut_also_behind_the_last_message),
        with_frames(test_a_reader_is_used_again_in_the_middle_of_a_frame),
        with_frames(test_a_frame_of_zeros_is_an_end_with_bytes_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
