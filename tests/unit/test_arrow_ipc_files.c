/* Streams that pyarrow wrote (tests/data/arrow), and what they hold. */
#include "ipc_fixture.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;

static struct tow_buffer load(const char *name)
{
    const char *source = getenv("TOWPATH_SOURCE");
    struct tow_buffer content = {0};
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/data/arrow/%s", source ? source : ".", name);
    file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    assert_ok(tow_buffer_reserve(&content, 1 << 20, &err), err);
    content.size = fread(content.data, 1, content.capacity, file);
    fclose(file);
    assert_in_range(content.size, 1, content.capacity - 1);
    return content;
}

/* Line by line, so that a failure shows the row. */
static void assert_lines(const char *name, const char *text, const struct tow_buffer *expected)
{
    const char *line = expected->data, *end = line + expected->size;

    for (int row = 0; line < end; row++) {
        size_t length = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line) + 1;

        if (strncmp(text, line, length) != 0)
            fail_msg("%s, row %d:\n%.*s instead of\n%.*s", name, row, (int)strcspn(text, "\n"),
                     text, (int)length - 1, line);
        text += length;
        line += length;
    }
    assert_string_equal(text, "");
}

static void assert_file(const char *name, enum tow_ipc_wrapping wrapping, const char *lines)
{
    static const size_t pieces[] = {0, 1, 7, 4096};
    struct tow_buffer stream = load(name), expected = load(lines);

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = ipc_text_of(wrapping, pieces[i], &stream);

        assert_lines(name, text, &expected);
        free(text);
    }
    tow_buffer_release(&stream);
    tow_buffer_release(&expected);
}

static void test_types_of_databricks_with_nulls_and_extremes(void **state)
{
    (void)state;
    assert_file("types.arrows", TOW_IPC_PLAIN, "types.ndjson");
}

static void test_compressed_buffers(void **state)
{
    (void)state;
    assert_file("types_lz4.arrows", TOW_IPC_PLAIN, "types.ndjson");
    assert_file("types_zstd.arrows", TOW_IPC_PLAIN, "types.ndjson");
    assert_file("nested_zstd.arrows", TOW_IPC_PLAIN, "nested.ndjson");
}

static void test_a_stream_in_lz4_frames(void **state)
{
    (void)state;
    assert_file("types.arrows.lz4", TOW_IPC_LZ4_FRAMES, "types.ndjson");
}

static void test_messages_of_version_4_in_the_old_form(void **state)
{
    (void)state;
    assert_file("types_v4.arrows", TOW_IPC_PLAIN, "types.ndjson");
}

static void test_nested_types_of_sliced_arrays(void **state)
{
    (void)state;
    assert_file("nested.arrows", TOW_IPC_PLAIN, "nested.ndjson");
}

static void test_types_that_databricks_does_not_send(void **state)
{
    (void)state;
    assert_file("other.arrows", TOW_IPC_PLAIN, "other.ndjson");
}

static void test_a_schema_alone_is_a_stream_without_batches(void **state)
{
    struct tow_buffer stream = load("schema_only.arrows");
    struct ipc_reading reading;

    (void)state;
    ipc_reading_init(&reading, TOW_IPC_PLAIN, 0);
    assert_ok(ipc_reading_run(&reading, stream.data, stream.size, &err), err);
    assert_int_equal(reading.batches, 0);
    ipc_reading_release(&reading);
    tow_buffer_release(&stream);
}

static void test_what_is_not_read_names_column_and_type(void **state)
{
    static const struct {
        const char *name, *words;
    } files[] = {
        {"refused_dictionary.arrows", "column \"dictionary\": type Utf8 in a dictionary"},
        {"refused_union.arrows", "column \"union\": type Union is not read here"},
        {"refused_half.arrows", "column \"half\": type FloatingPoint of half precision"},
        {"refused_decimal256.arrows", "column \"decimal256\": type Decimal of 256 bits"},
        {"refused_view.arrows", "column \"view\": type Utf8View is not read here"},
        {"refused_run_ends.arrows", "column \"run_ends\": type RunEndEncoded is not read here"},
        {"refused_month_day_nano.arrows",
         "column \"month_day_nano\": type Interval of months, days and nanoseconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct tow_buffer stream = load(files[i].name);

        ipc_refused(TOW_IPC_PLAIN, &stream, TOW_E_UNSUPPORTED, files[i].words);
        tow_buffer_release(&stream);
    }
}

static void test_a_file_of_frames_cut_anywhere_is_cut(void **state)
{
    struct tow_buffer stream = load("types.arrows.lz4");

    (void)state;
    for (size_t length = 0; length < stream.size; length++) {
        struct ipc_reading reading;

        ipc_reading_init(&reading, TOW_IPC_LZ4_FRAMES, 0);
        assert_int_equal(ipc_reading_run(&reading, stream.data, length, &err), TOW_E_DATA);
        assert_says(err, "the data end");
        ipc_reading_release(&reading);
    }
    tow_buffer_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_of_databricks_with_nulls_and_extremes),
        cmocka_unit_test(test_compressed_buffers),
        cmocka_unit_test(test_a_stream_in_lz4_frames),
        cmocka_unit_test(test_messages_of_version_4_in_the_old_form),
        cmocka_unit_test(test_nested_types_of_sliced_arrays),
        cmocka_unit_test(test_types_that_databricks_does_not_send),
        cmocka_unit_test(test_a_schema_alone_is_a_stream_without_batches),
        cmocka_unit_test(test_what_is_not_read_names_column_and_type),
        cmocka_unit_test(test_a_file_of_frames_cut_anywhere_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
