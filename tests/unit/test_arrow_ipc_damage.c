/* Record batches and schemas that lie, and bytes that are anything. */
#include "flat_writer.h"
#include "ipc_fixture.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;

/* ---- record batches -------------------------------------------------------------------------- */

static const struct tow_ipc_field item_field[] = {
    {.name = "item", .type = TOW_IPC_INT, .width = 32, .is_signed = 1}};
static const struct tow_ipc_field fields[] = {
    {.name = "n", .type = TOW_IPC_INT, .width = 32, .is_signed = 1, .nullable = 1},
    {.name = "s", .type = TOW_IPC_UTF8},
    {.name = "l", .type = TOW_IPC_LIST, .children = (void *)item_field, .child_count = 1},
    {.name = "f",
     .type = TOW_IPC_FIXED_LIST,
     .list_size = 2,
     .children = (void *)item_field,
     .child_count = 1},
    {.name = "t", .type = TOW_IPC_STRUCT, .children = (void *)item_field, .child_count = 1},
    {.name = "L", .type = TOW_IPC_LARGE_UTF8}};
#define FIELDS (sizeof fields / sizeof *fields)

/* Where things of the batch lie. */
enum { NODE_N, NODE_S, NODE_L, NODE_L_ITEM, NODE_F, NODE_F_ITEM, NODE_T, NODE_T_ITEM, NODE_LARGE };
enum {
    VALIDITY_N,
    VALUES_N,
    VALIDITY_S,
    OFFSETS_S,
    BYTES_S,
    VALIDITY_L,
    OFFSETS_L,
    VALIDITY_L_ITEM,
    VALUES_L_ITEM,
    VALIDITY_F,
    VALIDITY_F_ITEM,
    VALUES_F_ITEM,
    VALIDITY_T,
    VALIDITY_T_ITEM,
    VALUES_T_ITEM,
    VALIDITY_LARGE,
    OFFSETS_LARGE,
};

static const int32_t numbers[] = {1, 2, 3, 4, 5, 6};
static const int32_t offsets[] = {0, 1, 2, 3};
static const int64_t long_offsets[] = {0, 1, 2, 3};
static const uint8_t validity[] = {0x05};
static const struct tow_ipc_column six[] = {{.field = item_field, .length = 6, .values = numbers}};
static const struct tow_ipc_column three[] = {
    {.field = item_field, .length = 3, .values = numbers}};
static const struct tow_ipc_column columns[] = {
    {.field = &fields[0], .length = 3, .null_count = 1, .validity = validity, .values = numbers},
    {.field = &fields[1], .length = 3, .offsets = offsets, .bytes = "abc"},
    {.field = &fields[2],
     .length = 3,
     .offsets = offsets,
     .children = (void *)three,
     .child_count = 1},
    {.field = &fields[3], .length = 3, .children = (void *)six, .child_count = 1},
    {.field = &fields[4], .length = 3, .children = (void *)three, .child_count = 1},
    {.field = &fields[5], .length = 3, .offsets = long_offsets, .bytes = "abc"}};

static void lie_nothing(struct ipc_batch *batch)
{
    (void)batch;
}

static void lie_length(struct ipc_batch *batch)
{
    batch->length = 4;
}

static void lie_length_negative(struct ipc_batch *batch)
{
    batch->length = -1;
}

static void lie_rows(struct ipc_batch *batch)
{
    batch->nodes[NODE_S].length = 2;
}

static void lie_rows_negative(struct ipc_batch *batch)
{
    batch->nodes[NODE_S].length = INT64_MIN;
}

static void lie_rows_many(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].length = INT64_C(1) << 31;
}

static void lie_rows_beyond_values(struct ipc_batch *batch)
{
    batch->nodes[NODE_T_ITEM].length = 5;
}

static void lie_rows_beyond_validity(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].length = 9;
}

static void lie_rows_beyond_offsets(struct ipc_batch *batch)
{
    batch->nodes[NODE_S].length = 1000;
}

static void lie_nulls(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].null_count = 2;
}

static void lie_nulls_uncounted(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].null_count = -1;
}

static void lie_nulls_negative(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].null_count = -2;
}

static void lie_nulls_beyond_rows(struct ipc_batch *batch)
{
    batch->nodes[NODE_N].null_count = 4;
}

static void lie_nulls_without_validity(struct ipc_batch *batch)
{
    batch->nodes[NODE_S].null_count = 1;
}

static void lie_list_child(struct ipc_batch *batch)
{
    batch->nodes[NODE_L_ITEM].length = 2;
}

static void lie_fixed_list_child(struct ipc_batch *batch)
{
    batch->nodes[NODE_F_ITEM].length = 5;
}

static void lie_struct_child(struct ipc_batch *batch)
{
    batch->nodes[NODE_T_ITEM].length = 2;
}

static void lie_node_missing(struct ipc_batch *batch)
{
    batch->node_count--;
}

static void lie_buffer_missing(struct ipc_batch *batch)
{
    batch->buffer_count--;
}

static void lie_buffer_outside(struct ipc_batch *batch)
{
    batch->buffers[BYTES_S].offset = (int64_t)batch->body.size;
}

static void lie_buffer_negative(struct ipc_batch *batch)
{
    batch->buffers[BYTES_S].offset = -8;
}

static void lie_buffer_wraps(struct ipc_batch *batch)
{
    batch->buffers[BYTES_S].length = INT64_MAX;
}

static void lie_buffer_length_negative(struct ipc_batch *batch)
{
    batch->buffers[BYTES_S].length = -1;
}

static void lie_buffer_unaligned(struct ipc_batch *batch)
{
    batch->buffers[VALUES_N].offset += 4;
}

static void lie_buffers_overlap(struct ipc_batch *batch)
{
    for (size_t i = 0; i < batch->buffer_count; i++) {
        batch->buffers[i].offset = 0;
        batch->buffers[i].length = 48;
    }
}

static void lie_values_short(struct ipc_batch *batch)
{
    batch->buffers[VALUES_N].length = 11;
}

static void lie_offsets_short(struct ipc_batch *batch)
{
    batch->buffers[OFFSETS_S].length = 15;
}

static void lie_offsets_empty(struct ipc_batch *batch)
{
    batch->buffers[OFFSETS_S].length = 0;
}

static void lie_bytes_short(struct ipc_batch *batch)
{
    batch->buffers[BYTES_S].length = 2;
}

static int32_t *small_offsets(struct ipc_batch *batch, size_t buffer)
{
    return (int32_t *)(void *)(batch->body.data + batch->buffers[buffer].offset);
}

static void lie_offsets_fall(struct ipc_batch *batch)
{
    small_offsets(batch, OFFSETS_S)[2] = 0;
}

static void lie_offsets_begin_negative(struct ipc_batch *batch)
{
    small_offsets(batch, OFFSETS_S)[0] = -1;
}

static void lie_offsets_wrap(struct ipc_batch *batch)
{
    small_offsets(batch, OFFSETS_S)[1] = INT32_MIN;
}

static void lie_offsets_end_late(struct ipc_batch *batch)
{
    small_offsets(batch, OFFSETS_L)[3] = 4;
}

static void lie_offsets_begin_late(struct ipc_batch *batch)
{
    small_offsets(batch, OFFSETS_S)[0] = 1;
}

static void lie_long_offsets_fall(struct ipc_batch *batch)
{
    ((int64_t *)(void *)(batch->body.data + batch->buffers[OFFSETS_LARGE].offset))[3] =
        INT64_MIN + 3;
}

static void test_batches_that_lie_are_refused(void **state)
{
    static const struct {
        void (*lie)(struct ipc_batch *batch);
        int code;
        const char *words;
    } cases[] = {
        {lie_nothing, TOW_OK, ""},
        {lie_length, TOW_E_DATA, "column \"n\": 3 rows in a record batch of 4"},
        {lie_length_negative, TOW_E_DATA, "a record batch of -1 rows"},
        {lie_rows, TOW_E_DATA, "column \"s\": 2 rows in a record batch of 3"},
        {lie_rows_negative, TOW_E_DATA, "column \"s\": -9223372036854775808 rows"},
        {lie_rows_many, TOW_E_UNSUPPORTED, "column \"n\": 2147483648 rows; 0 to 2147483647"},
        {lie_rows_beyond_values, TOW_E_DATA,
         "column \"t\": field \"item\": 12 bytes of values, where the rows need 20"},
        {lie_rows_beyond_validity, TOW_E_DATA,
         "column \"n\": 1 bytes of validity, where the rows need 2"},
        {lie_rows_beyond_offsets, TOW_E_DATA,
         "column \"s\": 16 bytes of offsets, where the rows need 4004"},
        {lie_nulls, TOW_E_DATA, "column \"n\": 2 nulls, where its validity has 1"},
        {lie_nulls_uncounted, TOW_OK, ""},
        {lie_nulls_negative, TOW_E_DATA, "column \"n\": -2 nulls among 3 rows"},
        {lie_nulls_beyond_rows, TOW_E_DATA, "column \"n\": 4 nulls among 3 rows"},
        {lie_nulls_without_validity, TOW_E_DATA,
         "column \"s\": 1 nulls, and no validity to tell which"},
        {lie_list_child, TOW_E_DATA,
         "column \"l\": the last row ends at offset 3, where there are 2"},
        {lie_fixed_list_child, TOW_E_DATA,
         "column \"f\": its child has 5 elements, where 6 are needed"},
        {lie_struct_child, TOW_E_DATA, "column \"t\": its child has 2 elements"},
        {lie_node_missing, TOW_E_DATA, "8 nodes, where there are 9 columns and fields"},
        {lie_buffer_missing, TOW_E_DATA, "17 buffers, where the columns have 18"},
        {lie_buffer_outside, TOW_E_DATA, "buffer 4: 3 bytes at "},
        {lie_buffer_negative, TOW_E_DATA, "buffer 4: 3 bytes at -8"},
        {lie_buffer_wraps, TOW_E_DATA, "buffer 4: 9223372036854775807 bytes at "},
        {lie_buffer_length_negative, TOW_E_DATA, "buffer 4: -1 bytes at "},
        {lie_buffer_unaligned, TOW_E_DATA, "buffer 1: it lies at 12, not a multiple of 8"},
        {lie_buffers_overlap, TOW_E_DATA, "are longer than the body of "},
        {lie_values_short, TOW_E_DATA, "11 bytes of values, where the rows need 12"},
        {lie_offsets_short, TOW_E_DATA, "15 bytes of offsets, where the rows need 16"},
        {lie_offsets_empty, TOW_E_DATA, "0 bytes of offsets, where the rows need 16"},
        {lie_bytes_short, TOW_E_DATA,
         "column \"s\": the last row ends at offset 3, where there are 2"},
        {lie_offsets_fall, TOW_E_DATA, "row 1 ends at offset 0, before its start at 1"},
        {lie_offsets_begin_negative, TOW_E_DATA, "row 0 begins at offset -1"},
        {lie_offsets_wrap, TOW_E_DATA, "row 0 ends at offset -2147483648, before its start at 0"},
        {lie_offsets_end_late, TOW_E_DATA,
         "column \"l\": the last row ends at offset 4, where there are 3"},
        {lie_offsets_begin_late, TOW_OK, ""},
        {lie_long_offsets_fall, TOW_E_DATA,
         "column \"L\": row 2 ends at offset -9223372036854775805, before its start at 2"},
    };
    static struct ipc_batch batch;
    struct tow_buffer stream = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream.size = 0;
        ipc_put_schema(&stream, fields, FIELDS);
        ipc_batch_make(&batch, columns, FIELDS, IPC_CODEC_NONE);
        cases[i].lie(&batch);
        ipc_put_batch(&stream, &batch);
        ipc_batch_release(&batch);
        if (cases[i].code == TOW_OK)
            free(ipc_text_of(TOW_IPC_PLAIN, 0, &stream));
        else
            ipc_refused(TOW_IPC_PLAIN, &stream, cases[i].code, cases[i].words);
    }
    tow_buffer_release(&stream);
}

/* A fall is found wherever it is, in blocks and behind the last whole one. */
static void test_offsets_that_fall_are_found_in_every_row(void **state)
{
    enum { ROWS = 100 };
    static int32_t many[ROWS + 1];
    static char text[ROWS];
    const struct tow_ipc_column column = {
        .field = &fields[1], .length = ROWS, .offsets = many, .bytes = text};
    struct tow_buffer stream = {0};
    char words[64];

    (void)state;
    for (int32_t fall = 1; fall < ROWS; fall++) {
        for (int32_t i = 0; i <= ROWS; i++)
            many[i] = i == fall ? i - 2 : i;
        sprintf(words, "row %d ends at offset %d", fall - 1, fall - 2);
        stream.size = 0;
        ipc_put_schema(&stream, &fields[1], 1);
        ipc_put_columns(&stream, &column, 1, IPC_CODEC_NONE);
        ipc_refused(TOW_IPC_PLAIN, &stream, TOW_E_DATA, words);
    }
    tow_buffer_release(&stream);
}

static void test_null_counts_are_checked_over_every_bit(void **state)
{
    enum { ROWS = 200 };
    static const int32_t many[ROWS];
    static uint8_t bits[ROWS / 8];
    struct tow_ipc_column column = {
        .field = &fields[0], .length = ROWS, .values = many, .validity = bits};
    struct tow_buffer stream = {0};

    (void)state;
    for (int64_t rows = 1; rows < ROWS; rows++) {
        memset(bits, 0xFF, sizeof bits);
        bits[(rows - 1) / 8] = (uint8_t) ~(1u << (rows - 1) % 8);
        for (int64_t nulls = 0; nulls < 2; nulls++) {
            column.length = rows;
            column.null_count = nulls;
            stream.size = 0;
            ipc_put_schema(&stream, &fields[0], 1);
            ipc_put_columns(&stream, &column, 1, IPC_CODEC_NONE);
            if (nulls == 0)
                ipc_refused(TOW_IPC_PLAIN, &stream, TOW_E_DATA,
                            "0 nulls, where its validity has 1");
            else
                free(ipc_text_of(TOW_IPC_PLAIN, 0, &stream));
        }
    }
    tow_buffer_release(&stream);
}

/* ---- compressed buffers ---------------------------------------------------------------------- */

static int64_t *announced(struct ipc_batch *batch, size_t buffer)
{
    return (int64_t *)(void *)(batch->body.data + batch->buffers[buffer].offset);
}

static void lie_announce_more(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) += 1;
}

static void lie_announce_less(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) -= 1;
}

static void lie_announce_nothing(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) = 0;
}

static void lie_announce_negative(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) = -2;
}

static void lie_announce_a_bomb(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) = INT64_MAX;
}

static void lie_announce_many_small_bombs(struct ipc_batch *batch)
{
    *announced(batch, VALUES_N) = IPC_LIMIT / 2;
    *announced(batch, OFFSETS_S) = IPC_LIMIT / 2;
}

static void lie_frame_cut(struct ipc_batch *batch)
{
    batch->buffers[VALUES_N].length -= 5;
}

static void lie_frame_followed(struct ipc_batch *batch)
{
    batch->buffers[VALUES_N].length += 1;
}

static void lie_frame_damaged(struct ipc_batch *batch)
{
    memset(announced(batch, VALUES_N) + 1, 0x55, 4);
}

static void lie_length_missing(struct ipc_batch *batch)
{
    batch->buffers[VALUES_N].length = 7;
}

static void lie_codec(struct ipc_batch *batch)
{
    batch->codec = 2;
}

static void lie_method(struct ipc_batch *batch)
{
    batch->method = 1;
}

struct codec_case {
    void (*lie)(struct ipc_batch *batch);
    int code;
    const char *lz4, *zstd;
};

static void refuse_compressed(const struct codec_case *is, enum ipc_codec codec)
{
    static struct ipc_batch batch;
    struct tow_buffer stream = {0};

    ipc_put_schema(&stream, fields, FIELDS);
    ipc_batch_make(&batch, columns, FIELDS, codec);
    is->lie(&batch);
    ipc_put_batch(&stream, &batch);
    ipc_batch_release(&batch);
    ipc_refused(TOW_IPC_PLAIN, &stream, is->code, codec == IPC_CODEC_LZ4 ? is->lz4 : is->zstd);
    tow_buffer_release(&stream);
}

static void test_compressed_buffers_that_lie_are_refused(void **state)
{
    static const struct codec_case cases[] = {
        {lie_announce_more, TOW_E_DATA, "buffer 1: its LZ4 frame holds 12 bytes, where 13",
         "buffer 1: its ZSTD frame holds 12 bytes, where 13 are announced"},
        {lie_announce_less, TOW_E_DATA, "buffer 1: its LZ4 frame goes on behind the 11 bytes",
         "buffer 1: its ZSTD frame holds more than the 11 bytes"},
        {lie_announce_nothing, TOW_E_DATA, "column \"n\": 0 bytes of values",
         "column \"n\": 0 bytes of values"},
        {lie_announce_negative, TOW_E_DATA, "buffer 1 announces -2 bytes",
         "buffer 1 announces -2 bytes"},
        {lie_announce_a_bomb, TOW_E_UNSUPPORTED, "buffers 0 to 1 exceed the limit of 1048576 bytes",
         "exceed the limit"},
        {lie_announce_many_small_bombs, TOW_E_UNSUPPORTED, "buffers 0 to 3 exceed the limit",
         "buffers 0 to 3 exceed the limit"},
        {lie_frame_cut, TOW_E_DATA, "buffer 1: its LZ4 frame ",
         "buffer 1: its ZSTD frame is damaged"},
        {lie_frame_followed, TOW_E_DATA, "1 bytes follow its LZ4 frame",
         "buffer 1: its ZSTD frame is damaged"},
        {lie_frame_damaged, TOW_E_DATA,
         "buffer 1: its LZ4 frame is damaged: ERROR_frameType_unknown",
         "its ZSTD frame is damaged: Unknown frame descriptor"},
        {lie_length_missing, TOW_E_DATA, "buffer 1 of 7 bytes is too short to be a compressed one",
         "buffer 1 of 7 bytes is too short"},
        {lie_codec, TOW_E_UNSUPPORTED, "buffers compressed by codec 2", "by codec 2"},
        {lie_method, TOW_E_UNSUPPORTED, "a body compressed by method 1", "by method 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse_compressed(&cases[i], IPC_CODEC_LZ4);
        refuse_compressed(&cases[i], IPC_CODEC_ZSTD);
    }
}

static void test_a_buffer_may_be_left_uncompressed(void **state)
{
    static struct ipc_batch batch;
    struct tow_buffer stream = {0};
    const int64_t raw[] = {-1, INT64_C(0x200000001), 3};
    char *text;

    (void)state;
    ipc_put_schema(&stream, fields, 1);
    ipc_batch_make(&batch, NULL, 0, IPC_CODEC_NONE);
    batch.length = 3;
    batch.nodes[0].length = 3;
    batch.node_count = 1;
    ipc_batch_add_buffer(&batch, "", 0);
    ipc_batch_add_buffer(&batch, raw, 20);
    batch.codec = IPC_CODEC_ZSTD;
    ipc_put_batch(&stream, &batch);
    text = ipc_text_of(TOW_IPC_PLAIN, 0, &stream);
    assert_string_equal(text, "[1]\n[2]\n[3]\n");
    free(text);
    ipc_batch_release(&batch);
    tow_buffer_release(&stream);
}

/* ---- anything -------------------------------------------------------------------------------- */

/* Reads what it may, and says what is wrong with the rest. */
static void read_any(enum tow_ipc_wrapping wrapping, const struct tow_buffer *stream, size_t length)
{
    struct ipc_reading reading;
    int code;

    ipc_reading_init(&reading, wrapping, 0);
    code = ipc_reading_run(&reading, stream->data, length, &err);
    if (code != TOW_OK && code != TOW_E_DATA && code != TOW_E_UNSUPPORTED)
        fail_msg("%d: %s", code, err.message);
    ipc_reading_release(&reading);
}

static void read_all_cuts(const struct tow_buffer *stream)
{
    for (size_t length = 0; length <= stream->size; length++)
        read_any(TOW_IPC_PLAIN, stream, length);
}

static void read_all_flips(const struct tow_buffer *stream)
{
    static const uint8_t flips[] = {0x01, 0x04, 0x80, 0xFF};

    for (size_t at = 0; at < stream->size; at++)
        for (size_t i = 0; i < sizeof flips; i++) {
            stream->data[at] ^= (char)flips[i];
            read_any(TOW_IPC_PLAIN, stream, stream->size);
            stream->data[at] ^= (char)flips[i];
        }
}

static void test_a_stream_cut_anywhere_is_read_to_the_cut(void **state)
{
    struct tow_buffer stream = {0};

    (void)state;
    for (int codec = IPC_CODEC_NONE; codec <= IPC_CODEC_ZSTD; codec++) {
        stream.size = 0;
        ipc_put_example(&stream, (enum ipc_codec)codec);
        read_all_cuts(&stream);
    }
    tow_buffer_release(&stream);
}

static void test_any_byte_of_a_stream_may_be_any_other(void **state)
{
    struct tow_buffer stream = {0};

    (void)state;
    for (int codec = IPC_CODEC_NONE; codec <= IPC_CODEC_ZSTD; codec++) {
        stream.size = 0;
        ipc_put_schema(&stream, ipc_example_fields, ipc_example_count);
        ipc_put_columns(&stream, ipc_example, ipc_example_count, (enum ipc_codec)codec);
        read_all_flips(&stream);
    }
    tow_buffer_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_that_lie_are_refused),
        cmocka_unit_test(test_offsets_that_fall_are_found_in_every_row),
        cmocka_unit_test(test_null_counts_are_checked_over_every_bit),
        cmocka_unit_test(test_compressed_buffers_that_lie_are_refused),
        cmocka_unit_test(test_a_buffer_may_be_left_uncompressed),
        cmocka_unit_test(test_a_stream_cut_anywhere_is_read_to_the_cut),
        cmocka_unit_test(test_any_byte_of_a_stream_may_be_any_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
