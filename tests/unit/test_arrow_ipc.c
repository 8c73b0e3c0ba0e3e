/* Arrow IPC streams as a whole: messages, pieces, ends. */
#include "flat_writer.h"
#include "ipc_fixture.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;

static const char example_text[] =
    "[null,true,-128,-32768,-2147483648,-9223372036854775808,0,1.5,0.1,1.50,\"a\\\"b\","
    "\"YSJi\",\"a\\\"b\",\"YSJi\",\"1970-01-01\",\"1970-01-01\",\"1970-01-01T00:00:00Z\","
    "\"1970-01-01T00:00:00\",\"00:00:00\",\"00:00:00\",\"-106751991 04:00:54.775808000\","
    "\"1-2\",\"1 02:03:04.000000000\",\"YWJj\",[1,2],[1,2],[1,2],[[1,2],[]],"
    "{\"-2147483648\":\"a\\\"b\",\"0\":\"\"},{\"n\":-9223372036854775808,\"l\":[1,2]}]\n"

    "[null,false,0,0,0,0,1,-0.25,-2.5,-0.01,\"\",\"\",\"\",\"\",\"0001-01-01\","
    "\"1969-12-31\",\"1969-12-31T23:59:59.999999Z\",\"1969-12-31T23:59:59.999999\","
    "\"00:00:00.001\",\"00:00:00.000000001\",\"0 00:00:00.000000000\",\"-1-2\","
    "\"-1 00:00:00.000000000\",\"ZGVm\",[],[],[3,4],[],{},{\"n\":0,\"l\":[]}]\n"

    "[null,null,null,null,null,0,null,null,null,null,null,\"\",null,null,null,null,"
    "null,null,null,null,null,null,null,null,null,null,null,null,null,null]\n"

    "[null,false,1,1,1,1,2,3.4028235e38,1.7976931348623157e308,0.00,\"\xF0\x9F\x9A\x80\","
    "\"8J+agA==\",\"\xF0\x9F\x9A\x80\",\"8J+agA==\",\"2024-10-04\",\"2024-10-04\","
    "\"2023-11-14T22:13:20.123456Z\",\"2023-11-14T22:13:20.123456\",\"12:00:00\",\"12:00:00\","
    "\"0 00:00:00.000001000\",\"178956970-7\",\"0 00:00:00.001000000\",\"amts\",[3,4],[3,4],"
    "[7,8],[null,[3,4]],{\"0\":null,\"1\":\"\xF0\x9F\x9A\x80\"},{\"n\":1,\"l\":[3,4]}]\n"

    "[null,true,127,32767,2147483647,9223372036854775807,18446744073709551615,0.1,5e-324,"
    "999999999999999999999999999999999999.99,\"z\",\"eg==\",\"z\",\"eg==\",\"9999-12-31\","
    "\"1970-01-02\",\"9999-12-31T23:59:59.999999Z\",\"9999-12-31T23:59:59.999999\","
    "\"23:59:59.999\",\"23:59:59.999999999\",\"106751991 04:00:54.775807000\","
    "\"-178956970-8\",\"2147483622 03:28:36.352000000\",\"bW5v\",[5],[5],[9,10],[[5]],"
    "{\"2147483647\":\"z\"},{\"n\":9223372036854775807,\"l\":[5]}]\n";

static const size_t pieces[] = {0, 1, 7, 4096};
#define PIECES (sizeof pieces / sizeof *pieces)

static void assert_example(const struct tow_buffer *stream, size_t piece)
{
    char *text = ipc_text_of(TOW_IPC_PLAIN, piece, stream);
    size_t length = sizeof example_text - 1;

    assert_int_equal(strlen(text), 2 * length);
    assert_memory_equal(text, example_text, length);
    assert_memory_equal(text + length, example_text, length);
    free(text);
}

static void test_every_type_is_read_from_pieces_of_any_size(void **state)
{
    struct tow_buffer stream = {0};

    (void)state;
    ipc_put_example(&stream, IPC_CODEC_NONE);
    for (size_t i = 0; i < PIECES; i++)
        assert_example(&stream, pieces[i]);
    tow_buffer_release(&stream);
}

static void test_compressed_buffers_are_read(void **state)
{
    struct tow_buffer stream = {0};

    (void)state;
    for (int codec = IPC_CODEC_LZ4; codec <= IPC_CODEC_ZSTD; codec++) {
        stream.size = 0;
        ipc_put_example(&stream, (enum ipc_codec)codec);
        for (size_t i = 0; i < PIECES; i++)
            assert_example(&stream, pieces[i]);
    }
    tow_buffer_release(&stream);
}

static void test_each_batch_is_handed_out_the_empty_one_too(void **state)
{
    struct tow_buffer stream = {0};
    struct ipc_reading reading;

    (void)state;
    ipc_put_example(&stream, IPC_CODEC_NONE);
    ipc_reading_init(&reading, TOW_IPC_PLAIN, 0);
    assert_ok(ipc_reading_run(&reading, stream.data, stream.size, &err), err);
    assert_int_equal(reading.batches, 3);
    ipc_reading_release(&reading);
    tow_buffer_release(&stream);
}

static void test_the_schema_is_known_before_the_first_batch(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_buffer stream = {0};
    const struct tow_ipc_field *fields;
    struct tow_ipc_batch batch;
    size_t used, count = 7;

    (void)state;
    ipc_put_schema(&stream, ipc_example_fields, ipc_example_count);
    assert_null(tow_ipc_schema(ipc, &count));
    assert_int_equal(count, 0);
    assert_int_equal(tow_ipc_read(ipc, stream.data, stream.size, &used, &batch, &err), TOW_END);
    assert_int_equal(used, stream.size);
    fields = tow_ipc_schema(ipc, &count);
    assert_int_equal(count, ipc_example_count);
    assert_string_equal(fields[16].name, "ts");
    assert_string_equal(fields[16].timezone, "America/Los_Angeles");
    assert_string_equal(fields[17].timezone, "");
    assert_int_equal(fields[9].precision, 38);
    assert_int_equal(fields[9].scale, 2);
    assert_int_equal(fields[29].child_count, 2);
    assert_string_equal(fields[29].children[1].children[0].name, "item");
    assert_ok(tow_ipc_end(ipc, &err), err);
    tow_ipc_free(ipc);
    tow_buffer_release(&stream);
}

static void test_buffers_are_aligned_and_may_be_read_past_their_end(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_buffer stream = {0};
    struct tow_ipc_batch batch;
    size_t at = 0, used;
    volatile unsigned sum = 0; /* of bytes that nobody wrote */

    (void)state;
    ipc_put_example(&stream, IPC_CODEC_NONE);
    while (tow_ipc_read(ipc, stream.data + at, stream.size - at, &used, &batch, &err) == TOW_OK) {
        const struct tow_ipc_column *last = &batch.columns[batch.column_count - 1];

        at += used;
        for (size_t i = 1; i < 24; i++)
            assert_int_equal((uintptr_t)batch.columns[i].offsets % 8 +
                                 (uintptr_t)batch.columns[i].values % 8,
                             0);
        last = last->children[1].children;
        for (size_t i = 0; i < 64; i++)
            sum = sum + ((const uint8_t *)last->values)[last->length * 4 + (int64_t)i];
        tow_ipc_memory_unref(batch.memory);
    }
    assert_int_equal(at + 8, stream.size);
    tow_ipc_free(ipc);
    tow_buffer_release(&stream);
}

/* ---- small streams --------------------------------------------------------------------------- */

static const struct tow_ipc_field number_field[] = {
    {.name = "n", .type = TOW_IPC_INT, .width = 32, .is_signed = 1}};
static const int32_t numbers[] = {1, 2, 3};
static const struct tow_ipc_column number_column[] = {
    {.field = number_field, .length = 3, .values = numbers}};

static int setup(void **state)
{
    struct tow_buffer *stream = calloc(1, sizeof *stream);

    *state = stream;
    return stream ? 0 : -1;
}

static int teardown(void **state)
{
    tow_buffer_release(*state);
    free(*state);
    return 0;
}

static void put_numbers(struct tow_buffer *stream)
{
    ipc_put_schema(stream, number_field, 1);
    ipc_put_columns(stream, number_column, 1, IPC_CODEC_NONE);
}

static void assert_numbers(const struct tow_buffer *stream)
{
    char *text = ipc_text_of(TOW_IPC_PLAIN, 0, stream);

    assert_string_equal(text, "[1]\n[2]\n[3]\n");
    free(text);
}

static void append(struct tow_buffer *stream, const void *bytes, size_t length)
{
    assert_ok(tow_buffer_append(stream, bytes, length, &err), err);
}

static void test_the_end_marker_may_be_missing(void **state)
{
    put_numbers(*state);
    assert_numbers(*state);
}

static void test_the_end_marker_may_be_of_the_old_kind(void **state)
{
    put_numbers(*state);
    append(*state, "\0\0\0\0", 4);
    assert_numbers(*state);
}

static void test_messages_of_the_old_kind_are_read(void **state)
{
    struct tow_buffer *stream = *state, metadata = {0};
    const struct ipc_message_head head = {.version = 3, .kind = 1, .is_legacy = 1};
    const struct flat_member member = {1, FLAT_OFFSET, 0};
    size_t place;

    flat_table(&metadata, ipc_begin_message(&metadata, &head), &member, 1, &place);
    flat_vector(&metadata, place, 0, 4, NULL);
    ipc_end_message(stream, &head, &metadata);
    free(ipc_text_of(TOW_IPC_PLAIN, 1, stream));
}

static void test_a_stream_without_columns_has_rows(void **state)
{
    static struct ipc_batch none;
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_buffer *stream = *state;
    struct tow_ipc_batch batch;
    size_t used;

    ipc_put_schema(stream, NULL, 0);
    none.codec = IPC_CODEC_NONE;
    none.length = 12;
    ipc_put_batch(stream, &none);
    assert_ok(tow_ipc_read(ipc, stream->data, stream->size, &used, &batch, &err), err);
    assert_int_equal(batch.length, 12);
    assert_int_equal(batch.column_count, 0);
    tow_ipc_memory_unref(batch.memory);
    tow_ipc_free(ipc);
}

static void test_bytes_behind_the_end_are_refused(void **state)
{
    put_numbers(*state);
    ipc_put_end(*state);
    append(*state, "", 1);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "bytes behind the end of the stream");
}

static void test_a_second_schema_is_refused(void **state)
{
    put_numbers(*state);
    ipc_put_schema(*state, number_field, 1);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "message 2 at byte 312: a second schema");
}

static void test_a_batch_before_the_schema_is_refused(void **state)
{
    ipc_put_columns(*state, number_column, 1, IPC_CODEC_NONE);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA,
                "Arrow stream, message 0 at byte 0: a record batch before the schema");
}

static void test_no_bytes_at_all_are_no_stream(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);

    (void)state;
    assert_int_equal(tow_ipc_end(ipc, &err), TOW_E_DATA);
    assert_says(err, "the data end before the schema");
    tow_ipc_free(ipc);
    ipc_put_end(*state);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "the data end before the schema");
}

static void test_a_cut_stream_is_whole_only_between_messages(void **state)
{
    struct tow_buffer *stream = *state, cut;
    size_t schema, whole;

    ipc_put_schema(stream, number_field, 1);
    schema = stream->size;
    ipc_put_columns(stream, number_column, 1, IPC_CODEC_NONE);
    whole = stream->size;
    ipc_put_end(stream);
    for (size_t length = 0; length <= stream->size; length++) {
        struct ipc_reading reading;
        int is_whole = length == schema || length == whole || length == stream->size, code;

        cut = (struct tow_buffer){stream->data, length, length};
        ipc_reading_init(&reading, TOW_IPC_PLAIN, 0);
        code = ipc_reading_run(&reading, cut.data, cut.size, &err);
        assert_int_equal(code, is_whole ? TOW_OK : TOW_E_DATA);
        if (!is_whole)
            assert_says(err, "the data end");
        ipc_reading_release(&reading);
    }
}

static void test_a_batch_beyond_the_limit_is_refused_before_it_comes(void **state)
{
    const struct ipc_message_head head = {.version = 4, .kind = 3, .body_length = IPC_LIMIT + 8};
    struct tow_buffer metadata = {0};

    ipc_put_schema(*state, number_field, 1);
    flat_table(&metadata, ipc_begin_message(&metadata, &head), NULL, 0, NULL);
    ipc_end_message(*state, &head, &metadata);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_UNSUPPORTED,
                "a record batch of 1048584 bytes; at most 1048576 are read");
}

static void test_metadata_beyond_the_limit_are_refused(void **state)
{
    append(*state, "\xFF\xFF\xFF\xFF\x08\0\0\x01", 8);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "16777224 bytes of metadata");
}

static void test_metadata_of_odd_length_are_refused(void **state)
{
    append(*state, "\xFF\xFF\xFF\xFF\x0C\0\0\0", 8);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "12 bytes of metadata, which do not end");
}

static void test_something_else_than_a_stream_is_refused(void **state)
{
    append(*state, "<html><body>Proxy error</body></html>", 37);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "message 0 at byte 0: 1836345404 bytes of meta");
}

/* A message without anything that could be read. */
static void put_message(struct tow_buffer *stream, int version, int kind, int64_t body_length)
{
    const struct ipc_message_head head = {
        .version = version, .kind = kind, .body_length = body_length};
    struct tow_buffer metadata = {0};

    flat_table(&metadata, ipc_begin_message(&metadata, &head), NULL, 0, NULL);
    ipc_end_message(stream, &head, &metadata);
}

static void test_messages_of_other_kinds_are_unsupported(void **state)
{
    struct tow_buffer *stream = *state;
    static const struct {
        int kind, code;
        const char *words;
    } cases[] = {{0, TOW_E_DATA, "no kind of message has the number 0"},
                 {2, TOW_E_UNSUPPORTED, "a dictionary batch, where only"},
                 {4, TOW_E_UNSUPPORTED, "a tensor"},
                 {5, TOW_E_UNSUPPORTED, "a sparse tensor"},
                 {6, TOW_E_DATA, "no kind of message has the number 6"},
                 {-1, TOW_E_DATA, "no kind of message has the number -1"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stream->size = 0;
        put_numbers(stream);
        put_message(stream, 4, cases[i].kind, 0);
        ipc_refused(TOW_IPC_PLAIN, stream, cases[i].code, cases[i].words);
    }
}

static void test_other_versions_are_unsupported(void **state)
{
    struct tow_buffer *stream = *state;

    put_message(stream, 2, 1, 0);
    ipc_refused(TOW_IPC_PLAIN, stream, TOW_E_UNSUPPORTED, "metadata of version V3");
    stream->size = 0;
    put_message(stream, 5, 1, 0);
    ipc_refused(TOW_IPC_PLAIN, stream, TOW_E_UNSUPPORTED, "metadata of version V6");
}

static void test_bodies_of_odd_length_are_refused(void **state)
{
    struct tow_buffer *stream = *state;

    put_message(stream, 4, 1, 8);
    ipc_refused(TOW_IPC_PLAIN, stream, TOW_E_DATA, "a schema with a body of 8 bytes");
    stream->size = 0;
    put_message(stream, 4, 3, 12);
    ipc_refused(TOW_IPC_PLAIN, stream, TOW_E_DATA, "a body of 12 bytes: not a multiple of 8");
    stream->size = 0;
    put_message(stream, 4, 3, -8);
    ipc_refused(TOW_IPC_PLAIN, stream, TOW_E_DATA, "a body of -8 bytes");
}

static void test_a_message_without_header_is_refused(void **state)
{
    struct tow_buffer metadata = {0};
    const struct flat_member members[] = {{0, 2, 4}, {1, 1, 1}};

    flat_table(&metadata, flat_begin(&metadata), members, 2, NULL);
    ipc_end_message(*state, &IPC_SCHEMA_HEAD, &metadata);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA, "the message has no header");
}

static void test_metadata_that_are_no_flatbuffer_are_refused(void **state)
{
    append(*state, "\xFF\xFF\xFF\xFF\x08\0\0\0\x80\0\0\0\0\0\0\0", 16);
    ipc_refused(TOW_IPC_PLAIN, *state, TOW_E_DATA,
                "the metadata is damaged near its byte 128 of 8: a table lies outside of it");
}

/* ---- readers --------------------------------------------------------------------------------- */

static void test_a_reader_takes_one_stream_after_the_other(void **state)
{
    struct tow_buffer other = {0};
    struct ipc_reading reading;

    put_numbers(*state);
    ipc_put_example(&other, IPC_CODEC_NONE);
    ipc_reading_init(&reading, TOW_IPC_PLAIN, 0);
    for (int i = 0; i < 3; i++) {
        const struct tow_buffer *stream = i % 2 ? &other : *state;

        reading.text.size = 0;
        assert_ok(ipc_reading_run(&reading, stream->data, stream->size, &err), err);
        assert_int_equal(reading.text.size, i % 2 ? 2 * (sizeof example_text - 1) : 12);
        tow_ipc_reset(reading.ipc);
    }
    assert_int_equal(ipc_reading_run(&reading, "\xFF\xFF\xFF\xFF\xFF", 5, &err), TOW_E_DATA);
    tow_ipc_reset(reading.ipc);
    assert_ok(ipc_reading_run(&reading, other.data, other.size, &err), err);
    ipc_reading_release(&reading);
    tow_buffer_release(&other);
}

static void test_a_batch_outlives_reset_and_reader(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_buffer *stream = *state;
    struct tow_ipc_batch first, second;
    size_t used;

    put_numbers(stream);
    assert_ok(tow_ipc_read(ipc, stream->data, stream->size, &used, &first, &err), err);
    tow_ipc_reset(ipc);
    assert_ok(tow_ipc_read(ipc, stream->data, stream->size, &used, &second, &err), err);
    assert_ptr_not_equal(first.memory, second.memory);
    assert_ptr_equal(tow_ipc_memory_ref(second.memory), second.memory);
    tow_ipc_free(ipc);
    tow_ipc_memory_unref(second.memory);
    assert_memory_equal(first.columns[0].values, numbers, sizeof numbers);
    assert_memory_equal(second.columns[0].values, numbers, sizeof numbers);
    tow_ipc_memory_unref(first.memory);
    tow_ipc_memory_unref(second.memory);
    tow_ipc_memory_unref(NULL);
    tow_ipc_free(NULL);
}

static void test_batches_that_nobody_took_are_no_end(void **state)
{
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    struct tow_buffer *stream = *state;
    struct tow_ipc_batch batch;
    size_t used;

    put_numbers(stream);
    assert_ok(tow_ipc_read(ipc, stream->data, stream->size, &used, &batch, &err), err);
    tow_ipc_memory_unref(batch.memory);
    ipc_put_end(stream);
    assert_int_equal(tow_ipc_read(ipc, stream->data + used, 4, &used, &batch, &err), TOW_END);
    assert_int_equal(tow_ipc_end(ipc, &err), TOW_E_DATA);
    assert_says(err, "message 2 at byte 312: the data end after 4 bytes of it, where 8 or more");
    tow_ipc_free(ipc);
}

#define with_stream(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_is_read_from_pieces_of_any_size),
        cmocka_unit_test(test_compressed_buffers_are_read),
        cmocka_unit_test(test_each_batch_is_handed_out_the_empty_one_too),
        cmocka_unit_test(test_the_schema_is_known_before_the_first_batch),
        cmocka_unit_test(test_buffers_are_aligned_and_may_be_read_past_their_end),
        with_stream(test_the_end_marker_may_be_missing),
        with_stream(test_the_end_marker_may_be_of_the_old_kind),
        with_stream(test_messages_of_the_old_kind_are_read),
        with_stream(test_a_stream_without_columns_has_rows),
        with_stream(test_bytes_behind_the_end_are_refused),
        with_stream(test_a_second_schema_is_refused),
        with_stream(test_a_batch_before_the_schema_is_refused),
        with_stream(test_no_bytes_at_all_are_no_stream),
        with_stream(test_a_cut_stream_is_whole_only_between_messages),
        with_stream(test_a_batch_beyond_the_limit_is_refused_before_it_comes),
        with_stream(test_metadata_beyond_the_limit_are_refused),
        with_stream(test_metadata_of_odd_length_are_refused),
        with_stream(test_something_else_than_a_stream_is_refused),
        with_stream(test_messages_of_other_kinds_are_unsupported),
        with_stream(test_other_versions_are_unsupported),
        with_stream(test_bodies_of_odd_length_are_refused),
        with_stream(test_a_message_without_header_is_refused),
        with_stream(test_metadata_that_are_no_flatbuffer_are_refused),
        with_stream(test_a_reader_takes_one_stream_after_the_other),
        with_stream(test_a_batch_outlives_reset_and_reader),
        with_stream(test_batches_that_nobody_took_are_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
