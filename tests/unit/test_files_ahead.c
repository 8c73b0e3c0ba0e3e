/* Compressed files that are read ahead of their reader. */
#include "unit.h"

#include <unistd.h>
#include <zlib.h>

#include "connectors/files/ahead.h"
#include "connectors/files/input.h"
#include "connectors/machine/processors.h"
#include "random.h"
#include "scratch.h"

/* ---- a decoder that does as it is told ------------------------------------------------------ */

#define FAKE_LENGTH 1000000

struct fake {
    size_t made, most; /* bytes so far; in all */
    uint64_t seed;
    size_t fails_at; /* from that many bytes on ... */
    int failures;    /* ... that often */
    int code;
    int *freed;
};

static int fake_decode(void *state, struct tow_raw *raw, void *into, size_t capacity,
                       size_t *length, struct tow_error *err)
{
    struct fake *fake = state;
    size_t step = 1 + random_below(&fake->seed, 70000);

    (void)raw;
    *length = 0;
    if (fake->failures > 0 && fake->made >= fake->fails_at) {
        fake->failures--;
        return tow_error_set(err, fake->code, "failure %d", fake->failures);
    }
    step = step < capacity ? step : capacity;
    step = step < fake->most - fake->made ? step : fake->most - fake->made;
    for (size_t i = 0; i < step; i++)
        ((unsigned char *)into)[i] = (unsigned char)((fake->made + i) % 251);
    fake->made += step;
    *length = step;
    return TOW_OK;
}

static void fake_free(void *state)
{
    struct fake *fake = state;

    ++*fake->freed;
}

static struct tow_decoder ahead_of(struct fake *fake, struct tow_raw *raw)
{
    struct tow_decoder decoder = {fake_decode, fake_free, fake};
    struct tow_error err = TOW_ERROR_INIT;

    fake->seed = RANDOM_SEED;
    assert_ok(tow_ahead_init(&decoder, raw, &err), err);
    return decoder;
}

/* Reads until the end or an error; how many bytes, which must be those that follow `at`. */
static size_t take_all(const struct tow_decoder *decoder, size_t at, size_t step, int *code,
                       struct tow_error *err)
{
    unsigned char *piece = malloc(step);
    size_t length = 1, begun = at;

    assert_non_null(piece);
    for (*code = TOW_OK; *code == TOW_OK && length > 0; at += length) {
        *code = decoder->decode(decoder->state, NULL, piece, step, &length, err);
        assert_true(*code == TOW_OK || length == 0);
        for (size_t i = 0; i < length; i++)
            if (piece[i] != (at + i) % 251)
                fail_msg("byte %zu is wrong", at + i);
    }
    free(piece);
    return at - begun;
}

static void test_bytes_come_whole_and_in_order(void **state)
{
    static const size_t steps[] = {100, 4096, 131072, 300000};
    struct tow_raw raw = {.path = (char[]){"fake"}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int freed = 0, code;
        struct tow_error err = TOW_ERROR_INIT;
        struct fake fake = {.most = FAKE_LENGTH, .freed = &freed};
        struct tow_decoder decoder = ahead_of(&fake, &raw);

        assert_int_equal(take_all(&decoder, 0, steps[i], &code, &err), FAKE_LENGTH);
        assert_int_equal(code, TOW_OK);
        /* The end may be asked for again. */
        assert_int_equal(take_all(&decoder, FAKE_LENGTH, steps[i], &code, &err), 0);
        assert_int_equal(code, TOW_OK);
        decoder.free(decoder.state);
        assert_int_equal(freed, 1);
    }
}

static void test_an_error_comes_behind_its_bytes_and_may_pass(void **state)
{
    static const int codes[] = {TOW_E_NOMEM, TOW_E_CANCELLED, TOW_E_ENV};
    struct tow_raw raw = {.path = (char[]){"fake"}};

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        int freed = 0, code;
        struct tow_error err = TOW_ERROR_INIT;
        struct fake fake = {.most = FAKE_LENGTH,
                            .freed = &freed,
                            .fails_at = i / 3 * 200000,
                            .failures = 2,
                            .code = codes[i % 3]};
        struct tow_decoder decoder = ahead_of(&fake, &raw);
        size_t taken = take_all(&decoder, 0, 5000, &code, &err);

        assert_int_equal(code, codes[i % 3]);
        assert_string_equal(err.message, "failure 1");
        assert_true(taken >= i / 3 * 200000);
        assert_true(i / 3 > 0 || taken == 0);
        assert_int_equal(take_all(&decoder, taken, 5000, &code, &err), 0);
        assert_int_equal(code, codes[i % 3]);
        assert_string_equal(err.message, "failure 0");
        taken += take_all(&decoder, taken, 5000, &code, &err);
        assert_int_equal(code, TOW_OK);
        assert_int_equal(taken, FAKE_LENGTH);
        decoder.free(decoder.state);
        assert_int_equal(freed, 1);
    }
}

static void test_it_may_be_freed_at_any_time(void **state)
{
    struct tow_raw raw = {.path = (char[]){"fake"}};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (int i = 0; i < 30; i++) {
        int freed = 0;
        size_t length;
        unsigned char byte;
        struct fake fake = {.most = FAKE_LENGTH, .freed = &freed};
        struct tow_decoder decoder = ahead_of(&fake, &raw);

        for (int k = 0; k < i % 3; k++)
            assert_ok(decoder.decode(decoder.state, NULL, &byte, 1, &length, &err), err);
        decoder.free(decoder.state);
        assert_int_equal(freed, 1);
    }
}

/* ---- files ---------------------------------------------------------------------------------- */

#define FILE_LENGTH 6000000

static unsigned char *make_text(void)
{
    unsigned char *text = malloc(FILE_LENGTH);
    uint64_t seed = RANDOM_SEED;

    assert_non_null(text);
    for (size_t i = 0; i < FILE_LENGTH; i++)
        text[i] = (unsigned char)('a' + (random_next(&seed) >> 60));
    return text;
}

/* Packs the text into a file of the test's folder; cut: bytes to leave out at its end. */
static const char *pack(void **state, const unsigned char *text, size_t cut, size_t *size)
{
    static char path[200];
    const struct scratch *scratch = *state;
    uLong bound = compressBound(FILE_LENGTH) + 64;
    unsigned char *packed = malloc(bound);
    z_stream stream = {.next_in = (Bytef *)text,
                       .avail_in = FILE_LENGTH,
                       .next_out = packed,
                       .avail_out = (uInt)bound};

    assert_non_null(packed);
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *size = stream.total_out;
    deflateEnd(&stream);
    snprintf(path, sizeof path, "%s/large.gz", scratch->folder);
    scratch_write(path, packed, *size - cut);
    free(packed);
    return path;
}

static struct tow_input *open_input(const char *path)
{
    struct tow_input_options options = {.cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input *input = tow_input_new(path, &options, &err);

    if (!input)
        fail_msg("%s", err.message);
    return input;
}

/* Reads to the end or an error, and compares; the number of bytes. */
static size_t read_and_compare(struct tow_input *input, const unsigned char *text, int *code,
                               struct tow_error *err)
{
    unsigned char *piece = malloc(100000);
    size_t at = (size_t)tow_input_offset(input), length = 1;

    assert_non_null(piece);
    for (*code = TOW_OK; *code == TOW_OK && length > 0; at += length) {
        *code = tow_input_read(input, piece, 100000, &length, err);
        assert_true(at + length <= FILE_LENGTH);
        assert_memory_equal(piece, text + at, length);
    }
    free(piece);
    return at;
}

static void test_a_large_file_reads_as_a_small_one_does(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    unsigned char *text = make_text();
    size_t size;
    const char *path = pack(state, text, 0, &size);
    struct tow_input *input = open_input(path);
    struct tow_file file;
    int code;

    assert_true(size > 1 << 20);
    assert_int_equal(read_and_compare(input, text, &code, &err), FILE_LENGTH);
    assert_int_equal(code, TOW_OK);
    assert_ok(tow_input_stat(input, &file, &err), err);
    assert_int_equal(file.size, size);
    tow_input_free(input);
    input = open_input(path);
    assert_ok(tow_input_skip_to(input, 3000001, &err), err);
    assert_int_equal(read_and_compare(input, text, &code, &err), FILE_LENGTH);
    tow_input_free(input);
    free(text);
}

static void test_gunzip_runs_ahead_of_its_reader(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    unsigned char *text = make_text(), *seen = malloc(FILE_LENGTH + 1);
    struct tow_decoder decoder;
    struct tow_raw raw;
    size_t size, at = 0, length = 1;

    assert_non_null(seen);
    assert_ok(tow_raw_init(&raw, pack(state, text, 0, &size), -1, 10000, &err), err);
    assert_ok(tow_gunzip_init(&decoder, &err), err);
    assert_ok(tow_ahead_init(&decoder, &raw, &err), err);
    for (; length > 0; at += length)
        assert_ok(
            decoder.decode(decoder.state, &raw, seen + at, FILE_LENGTH + 1 - at, &length, &err),
            err);
    assert_int_equal(at, FILE_LENGTH);
    assert_memory_equal(seen, text, FILE_LENGTH);
    decoder.free(decoder.state);
    tow_raw_release(&raw);
    free(seen);
    free(text);
}

static void test_a_large_file_that_is_cut_says_so(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    unsigned char *text = make_text();
    size_t size, seen;
    struct tow_input *input = open_input(pack(state, text, 500000, &size));
    char where[64];
    int code;

    seen = read_and_compare(input, text, &code, &err);
    assert_int_equal(code, TOW_E_ENV);
    snprintf(where, sizeof where, "ends in the middle of a gzip member, at offset %zu",
             size - 500000);
    assert_says(err, where);
    assert_in_range(seen, FILE_LENGTH / 2, FILE_LENGTH - 1);
    assert_int_equal(read_and_compare(input, text, &code, &err), seen);
    assert_int_equal(code, TOW_E_ENV);
    tow_input_free(input);
    free(text);
}

static void test_cancel_ends_the_reading_of_a_large_file(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input_options options = {.cancel_fd = -1, .buffer_size = 4096};
    unsigned char *text = make_text();
    struct tow_input *input;
    size_t size, length;
    int cancel[2], code;
    unsigned char byte;
    const char *path = pack(state, text, 0, &size);

    assert_int_equal(pipe(cancel), 0);
    options.cancel_fd = cancel[0];
    input = tow_input_new(path, &options, &err);
    assert_non_null(input);
    assert_ok(tow_input_read(input, &byte, 1, &length, &err), err);
    assert_int_equal(write(cancel[1], "x", 1), 1);
    read_and_compare(input, text, &code, &err);
    assert_int_equal(code, TOW_E_CANCELLED);
    tow_input_free(input);
    close(cancel[0]);
    close(cancel[1]);
    free(text);
}

static void test_small_files_and_pipes_have_no_thread(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    unsigned char *text = make_text();
    struct tow_raw raw;
    size_t size;

    assert_int_equal(tow_raw_init(&raw, pack(state, text, 0, &size), -1, 100, &err), TOW_OK);
    assert_int_equal(tow_ahead_is_worth_it(&raw), tow_processors() > 2);
    raw.regular = 0;
    assert_false(tow_ahead_is_worth_it(&raw));
    tow_raw_release(&raw);
    assert_int_equal(tow_raw_init(&raw, pack(state, text, size - 1000, &size), -1, 100, &err),
                     TOW_OK);
    assert_false(tow_ahead_is_worth_it(&raw));
    tow_raw_release(&raw);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_whole_and_in_order),
        cmocka_unit_test(test_an_error_comes_behind_its_bytes_and_may_pass),
        cmocka_unit_test(test_it_may_be_freed_at_any_time),
        cmocka_unit_test_setup_teardown(test_a_large_file_reads_as_a_small_one_does, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_gunzip_runs_ahead_of_its_reader, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_large_file_that_is_cut_says_so, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_ends_the_reading_of_a_large_file, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_small_files_and_pipes_have_no_thread, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
