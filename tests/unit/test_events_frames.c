/* Records out of a window, whatever its size: lines and the values of an array. */
#include "connectors/events/frames.h"
#include "random.h"
#include "scratch.h"
#include "unit.h"

#define ROUNDS 3000

/* All frames of a file, as "LINE OFFSET [text]\n", or "LINE OFFSET <text>\n" where it is too long.
 */
struct reading {
    int kind, is_tail;
    size_t window, row_bytes;
    struct tow_buffer out;
    int64_t offset, line; /* behind the last one */
    struct tow_error err;
};

static void put_frame(struct reading *reading, const struct tow_frame *frame)
{
    struct tow_buffer *out = &reading->out;
    struct tow_error *err = &reading->err;

    assert_ok(tow_buffer_printf(out, err, "%lld %lld %c", (long long)frame->line,
                                (long long)frame->offset, frame->fault ? '<' : '['),
              *err);
    assert_ok(tow_buffer_append(out, frame->text, frame->length, err), *err);
    assert_ok(tow_buffer_append(out, frame->fault ? ">\n" : "]\n", 2, err), *err);
}

/* Reads from an offset on; returns what ended it. */
static int read_frames(struct reading *reading, const char *path, int64_t offset, int64_t line)
{
    const struct tow_input_options options = {.cancel_fd = -1, .buffer_size = 16};
    struct tow_frames frames = {0};
    struct tow_window window;
    struct tow_frame frame;
    int code;

    reading->err = (struct tow_error)TOW_ERROR_INIT;
    assert_ok(tow_window_init(&window, reading->window, reading->row_bytes + 1, &reading->err),
              reading->err);
    struct tow_input *input = tow_input_new(path, &options, &reading->err);
    assert_non_null(input);
    tow_window_attach(&window, input);
    assert_ok(tow_window_skip_to(&window, offset, &reading->err), reading->err);
    frames.path = path;
    frames.kind = reading->kind;
    frames.is_tail = reading->is_tail;
    frames.row_bytes = reading->row_bytes;
    assert_ok(tow_frames_begin(&frames, &window, line, &reading->err), reading->err);
    while ((code = tow_frames_next(&frames, &frame, &reading->err)) == TOW_OK) {
        /* It stays until it is taken. */
        assert_ok(tow_frames_next(&frames, &frame, &reading->err), reading->err);
        put_frame(reading, &frame);
        tow_frames_take(&frames);
    }
    reading->offset = frames.offset;
    reading->line = frames.line;
    tow_frames_release(&frames);
    tow_window_release(&window);
    tow_input_free(input);
    return code;
}

static void assert_frames(const struct scratch *scratch, struct reading *reading, const char *text,
                          const char *wanted)
{
    scratch_write(scratch->path, text, strlen(text));
    reading->out.size = 0;
    if (read_frames(reading, scratch->path, 0, 1) != TOW_END)
        fail_msg("%s", reading->err.message);
    if (reading->out.size != strlen(wanted) ||
        (*wanted && memcmp(reading->out.data, wanted, reading->out.size) != 0))
        fail_msg("window %zu, got:\n%.*sexpected:\n%s", reading->window, (int)reading->out.size,
                 reading->out.size ? reading->out.data : "", wanted);
}

static void test_lines_are_found_in_windows_of_every_size(void **state)
{
    struct reading reading = {.kind = TOW_FRAMES_LINES, .row_bytes = 20};

    for (reading.window = 1; reading.window < 40; reading.window++) {
        assert_frames(*state, &reading, "", "");
        assert_frames(*state, &reading, "\n \r\n\t\n", "");
        assert_frames(*state, &reading, "one\ntwo\r\n\nfour",
                      "1 0 [one]\n2 4 [two]\n4 10 [four]\n");
        assert_frames(*state, &reading, "nineteen bytes long\nand a line of twenty\nx\n",
                      "1 0 [nineteen bytes long]\n2 20 <and a line of twenty\n>\n3 41 [x]\n");
        reading.out.size = 0;
    }
    tow_buffer_release(&reading.out);
}

static void test_a_last_line_may_lack_its_end(void **state)
{
    struct reading reading = {.kind = TOW_FRAMES_LINES, .row_bytes = 100, .window = 7};

    assert_frames(*state, &reading, "one\ntwo", "1 0 [one]\n2 4 [two]\n");
    assert_int_equal(reading.offset, 7);
    reading.is_tail = 1;
    assert_frames(*state, &reading, "one\ntwo", "1 0 [one]\n");
    assert_int_equal(reading.offset, 4);
    assert_int_equal(reading.line, 2);
    tow_buffer_release(&reading.out);
}

static void test_a_line_that_is_too_long_may_still_grow(void **state)
{
    struct reading reading = {.kind = TOW_FRAMES_LINES, .row_bytes = 5, .window = 7, .is_tail = 1};

    assert_frames(*state, &reading, "one\nmore than five", "1 0 [one]\n");
    assert_int_equal(reading.offset, 4);
    tow_buffer_release(&reading.out);
}

static void test_of_a_line_that_is_too_long_the_beginning_is_kept(void **state)
{
    const struct scratch *scratch = *state;
    struct reading reading = {.kind = TOW_FRAMES_LINES, .row_bytes = 100, .window = 4096};
    size_t length = 3 * TOW_FRAME_RAW_MAX;
    char *text = malloc(length);

    memset(text, 'x', length);
    memcpy(text + length - 3, "\na\n", 3);
    scratch_write(scratch->path, text, length);
    assert_int_equal(read_frames(&reading, scratch->path, 0, 1), TOW_END);
    assert_true(reading.out.size < 2 * TOW_FRAME_RAW_MAX);
    assert_memory_equal(reading.out.data, "1 0 <xxx", 8);
    assert_memory_equal(reading.out.data + reading.out.size - 15, ">\n2 196606 [a]\n", 15);
    free(text);
    tow_buffer_release(&reading.out);
}

static void test_values_of_an_array_are_found_in_windows_of_every_size(void **state)
{
    struct reading reading = {.kind = TOW_FRAMES_ARRAY, .row_bytes = 20};

    for (reading.window = 1; reading.window < 60; reading.window++) {
        assert_frames(*state, &reading, "", "");
        assert_frames(*state, &reading, " [ ] \n", "");
        assert_frames(*state, &reading, "[{\"a\":\"]}\\\"\"},\n {\"b\":[{}]}\n, 12,\"x\"]",
                      "1 1 [{\"a\":\"]}\\\"\"}]\n2 16 [{\"b\":[{}]}]\n3 29 [12]\n3 32 [\"x\"]\n");
        assert_frames(*state, &reading, "[{\n},{\"k\":\"much longer than that\"},\n{}]",
                      "1 1 [{\n}]\n2 5 <{\"k\":\"much longer than that\"}>\n3 36 [{}]\n");
    }
    tow_buffer_release(&reading.out);
}

static void test_a_damaged_array_is_told(void **state)
{
    static const char *const cases[][2] = {
        {"[{}", "not closed at the end, offset 3"},
        {"[", "not closed"},
        {"[{},", "not closed"},
        {"[{} {}]", "damaged at offset 4"},
        {"[,]", "damaged at offset 1"},
        {"[{},]", "damaged at offset 4"},
        {"[{}] x", "damaged at offset 5"},
        {"[\n\n}", "line 3: the array is damaged"},
        {"{}", "damaged at offset 0"},
        {"[12", "not closed"},
        {"[\"ab", "not closed"},
    };
    const struct scratch *scratch = *state;
    struct reading reading = {.kind = TOW_FRAMES_ARRAY, .row_bytes = 20, .window = 3};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch_write(scratch->path, cases[i][0], strlen(cases[i][0]));
        assert_int_equal(read_frames(&reading, scratch->path, 0, 1), TOW_E_ENV);
        assert_says(reading.err, cases[i][1]);
    }
    tow_buffer_release(&reading.out);
}

/* ---- any text ------------------------------------------------------------------------------- */

static size_t put_random(uint64_t *seed, char *text, int kind)
{
    size_t length = 0;

    if (kind == TOW_FRAMES_ARRAY)
        text[length++] = '[';
    for (uint64_t n = random_below(seed, 20), i = 0; i < n; i++) {
        if (kind == TOW_FRAMES_ARRAY && i)
            text[length++] = ',';
        length +=
            (size_t)sprintf(text + length, "{\"%*s\"%s:[%d]}%s", (int)random_below(seed, 12), "",
                            random_below(seed, 3) ? "" : " ", (int)i,
                            kind == TOW_FRAMES_LINES || random_below(seed, 4) == 0 ? "\n" : "");
    }
    if (kind == TOW_FRAMES_ARRAY)
        text[length++] = ']';
    return length;
}

/* Whatever the window, the same records come; and from behind each of them, the rest of them. */
static void test_reading_may_begin_behind_any_record(void **state)
{
    const struct scratch *scratch = *state;
    uint64_t seed = RANDOM_SEED;
    static char text[4096];

    for (int round = 0; round < ROUNDS; round++) {
        struct reading whole = {.kind = round % 2, .row_bytes = 24, .window = 4000};
        struct reading part = {.kind = round % 2, .row_bytes = 24};
        size_t length = put_random(&seed, text, whole.kind), skip = 0;
        char *at;

        scratch_write(scratch->path, text, length);
        assert_int_equal(read_frames(&whole, scratch->path, 0, 1), TOW_END);
        assert_ok(tow_buffer_append(&whole.out, "", 1, &whole.err), whole.err);
        part.window = 1 + random_below(&seed, 50);
        assert_int_equal(read_frames(&part, scratch->path, 0, 1), TOW_END);
        assert_int_equal(part.out.size, whole.out.size - 1);
        assert_memory_equal(part.out.data ? part.out.data : "", whole.out.data, part.out.size);
        /* The second record, if there is one: the first ends before the comma, or with its line. */
        at = strstr(whole.out.data, "\n");
        if (at && at[1] && !strchr(whole.out.data, '<')) {
            size_t first = (size_t)(strchr(text, '}') + 1 - text);
            int64_t line = 1;

            first += whole.kind == TOW_FRAMES_LINES;
            line += whole.kind == TOW_FRAMES_LINES;
            skip = (size_t)(at + 1 - whole.out.data);
            part.out.size = 0;
            assert_int_equal(read_frames(&part, scratch->path, (int64_t)first, line), TOW_END);
            assert_int_equal(part.out.size, whole.out.size - 1 - skip);
            assert_memory_equal(part.out.data, whole.out.data + skip, part.out.size);
        }
        tow_buffer_release(&whole.out);
        tow_buffer_release(&part.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_found_in_windows_of_every_size),
        cmocka_unit_test(test_a_last_line_may_lack_its_end),
        cmocka_unit_test(test_a_line_that_is_too_long_may_still_grow),
        cmocka_unit_test(test_of_a_line_that_is_too_long_the_beginning_is_kept),
        cmocka_unit_test(test_values_of_an_array_are_found_in_windows_of_every_size),
        cmocka_unit_test(test_a_damaged_array_is_told),
        cmocka_unit_test(test_reading_may_begin_behind_any_record),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
