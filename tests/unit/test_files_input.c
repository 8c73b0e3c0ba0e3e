/* connectors/files: listings and the input stream. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "scratch.h"
#include "unit.h"

static char folder[128];

/* A path in the test's folder; good until the eighth call from now. */
static const char *in_folder(const char *name)
{
    static char paths[8][160];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const void *bytes, size_t length)
{
    scratch_write(in_folder(name), bytes, length);
}

static int set_up(void **state)
{
    int result = scratch_setup(state);

    if (result == 0)
        strcpy(folder, ((struct scratch *)*state)->folder);
    return result;
}

/* ---- compressing ---------------------------------------------------------------------------- */

struct bytes {
    unsigned char *data;
    size_t size;
};

static void add_bytes(struct bytes *to, const void *data, size_t size)
{
    to->data = realloc(to->data, to->size + size + 1);
    assert_non_null(to->data);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

/* header NULL: none of what it may have besides. */
static void add_gzip_headed(struct bytes *to, const void *data, size_t size, gz_header *header)
{
    z_stream stream = {0};
    size_t bound;
    unsigned char *out;

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (header)
        assert_int_equal(deflateSetHeader(&stream, header), Z_OK);
    bound = deflateBound(&stream, size) + 64;
    out = malloc(bound);
    assert_non_null(out);
    stream.next_in = (unsigned char *)(uintptr_t)data;
    stream.avail_in = (unsigned)size;
    stream.next_out = out;
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    add_bytes(to, out, stream.total_out);
    deflateEnd(&stream);
    free(out);
}

static void add_gzip(struct bytes *to, const void *data, size_t size)
{
    add_gzip_headed(to, data, size, NULL);
}

/* A frame as programs that pipe make it: without its size, but with a checksum, which are its last
 * four bytes. */
static void add_zstd(struct bytes *to, const void *data, size_t size)
{
    size_t bound = ZSTD_compressBound(size), length;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    void *out = malloc(bound);

    assert_true(out && context);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
    length = ZSTD_compress2(context, out, bound, data, size);
    assert_false(ZSTD_isError(length));
    add_bytes(to, out, length);
    free(out);
    ZSTD_freeCCtx(context);
}

/* Text that neither repeats soon nor is noise. */
static void make_text(struct bytes *to, size_t size)
{
    uint64_t seed = 88172645463325252u;

    to->data = malloc(size + 1);
    assert_non_null(to->data);
    for (to->size = 0; to->size < size; to->size++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        to->data[to->size] = (unsigned char)("abcdefgh,\n0123"[seed >> 33 & 7] + (seed >> 60 & 1));
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct tow_input *open_input(const char *path, size_t buffer_size)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input_options options = {.cancel_fd = -1, .buffer_size = buffer_size};
    struct tow_input *input = tow_input_new(path, &options, &err);

    if (!input)
        fail_msg("%s", err.message);
    return input;
}

/* Reads all in steps of `step` bytes; returns the code that ended it. */
static int read_all(struct tow_input *input, size_t step, struct bytes *out, struct tow_error *err)
{
    char *piece = malloc(step);
    size_t length = 0;
    int code;

    assert_non_null(piece);
    do {
        code = tow_input_read(input, piece, step, &length, err);
        add_bytes(out, piece, length);
        assert_int_equal(tow_input_offset(input), out->size);
    } while (code == TOW_OK && length > 0);
    free(piece);
    return code;
}

/* Every combination of small and large steps in and out gives the same bytes. */
static void assert_reads_as(const char *path, const struct bytes *expected)
{
    static const size_t sizes[] = {1, 2, 3, 7, 64, 1000, 300000};
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 7; j++) {
            struct tow_input *input = open_input(path, sizes[i]);
            struct bytes got = {NULL, 0};

            assert_ok(read_all(input, sizes[j], &got, &err), err);
            assert_int_equal(got.size, expected->size);
            assert_memory_equal(got.data, expected->data, got.size);
            free(got.data);
            tow_input_free(input);
        }
}

/* Reading delivers exactly `expected` and then fails for good with this text. */
static void assert_breaks(const char *path, const struct bytes *expected, const char *text)
{
    static const size_t sizes[] = {1, 5, 64, 300000};
    struct tow_error err = TOW_ERROR_INIT;
    size_t length;

    for (size_t i = 0; i < 4; i++) {
        struct tow_input *input = open_input(path, sizes[i]);
        struct bytes got = {NULL, 0};

        assert_int_equal(read_all(input, sizes[3 - i], &got, &err), TOW_E_ENV);
        assert_says(err, text);
        assert_says(err, path);
        assert_int_equal(got.size, expected->size);
        assert_memory_equal(got.data, expected->data, got.size);
        err.message[0] = '\0';
        assert_int_equal(tow_input_read(input, got.data, 1, &length, &err), TOW_E_ENV);
        assert_int_equal(length, 0);
        assert_says(err, text);
        free(got.data);
        tow_input_free(input);
    }
}

static void test_plain_files_are_read_as_they_are(void **state)
{
    struct bytes text = {NULL, 0}, tiny = {(unsigned char *)"\x1f", 1}, none = {NULL, 0};
    unsigned char slot;

    (void)state;
    make_text(&text, 5000);
    put_file("plain", text.data, text.size);
    assert_reads_as(in_folder("plain"), &text);
    put_file("one_byte", tiny.data, 1);
    assert_reads_as(in_folder("one_byte"), &tiny);
    put_file("none", "", 0);
    none.data = &slot;
    assert_reads_as(in_folder("none"), &none);
    free(text.data);
}

static void test_gzip_is_known_by_its_first_bytes(void **state)
{
    struct bytes text = {NULL, 0}, packed = {NULL, 0};

    (void)state;
    make_text(&text, 20000);
    add_gzip(&packed, text.data, text.size);
    put_file("named.csv", packed.data, packed.size);
    assert_reads_as(in_folder("named.csv"), &text);
    free(packed.data);
    free(text.data);
}

static void test_gzip_of_many_members_is_one_stream(void **state)
{
    struct bytes text = {NULL, 0}, packed = {NULL, 0};
    static const char zeros[700];

    (void)state;
    make_text(&text, 3000);
    for (size_t at = 0; at < text.size;) {
        size_t step = at % 97 == 0 ? 0 : at % 211 + 1;

        if (step > text.size - at)
            step = text.size - at;
        add_gzip(&packed, text.data + at, step);
        at += step;
        if (step == 0)
            add_gzip(&packed, text.data + at++, 1);
    }
    put_file("members", packed.data, packed.size);
    assert_reads_as(in_folder("members"), &text);
    add_bytes(&packed, zeros, sizeof zeros);
    put_file("padded", packed.data, packed.size);
    assert_reads_as(in_folder("padded"), &text);
    free(packed.data);
    free(text.data);
}

/* As gzip(1) writes it, with the name of the file, and with all else that a header may have: it may
 * end anywhere in what was read. */
static void test_a_gzip_header_may_come_in_pieces(void **state)
{
    static const char *const names[] = {NULL, "in.csv", "a long name of a file of events.ndjson"};
    struct bytes text = {NULL, 0}, packed = {NULL, 0};

    (void)state;
    make_text(&text, 900);
    for (size_t i = 0; i < 12; i++) {
        gz_header header = {.name = (Bytef *)(uintptr_t)names[i % 3],
                            .extra = i & 2 ? (Bytef *)"extra" : NULL,
                            .extra_len = 5,
                            .comment = i & 4 ? (Bytef *)"a comment" : NULL,
                            .hcrc = i & 1,
                            .os = 3};

        add_gzip_headed(&packed, text.data + i * 75, 75, &header);
    }
    put_file("headed", packed.data, packed.size);
    assert_reads_as(in_folder("headed"), &text);
    free(packed.data);
    free(text.data);
}

static void test_gzip_of_nothing_is_empty(void **state)
{
    struct bytes packed = {NULL, 0}, none = {NULL, 0};
    unsigned char slot;

    (void)state;
    none.data = &slot;
    add_gzip(&packed, "", 0);
    put_file("empty.gz", packed.data, packed.size);
    assert_reads_as(in_folder("empty.gz"), &none);
    free(packed.data);
}

static void test_zstd_of_many_frames_is_one_stream(void **state)
{
    static const unsigned char skippable[] = {0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    struct bytes text = {NULL, 0}, packed = {NULL, 0};

    (void)state;
    make_text(&text, 20000);
    add_bytes(&packed, skippable, sizeof skippable);
    add_zstd(&packed, text.data, 12000);
    add_zstd(&packed, "", 0);
    add_zstd(&packed, text.data + 12000, 8000);
    add_bytes(&packed, skippable, sizeof skippable);
    put_file("frames", packed.data, packed.size);
    assert_reads_as(in_folder("frames"), &text);
    free(packed.data);
    free(text.data);
}

static void test_cut_gzip_delivers_what_it_holds_and_then_fails(void **state)
{
    struct bytes text = {NULL, 0}, packed = {NULL, 0}, none = {NULL, 0};
    struct tow_error err = TOW_ERROR_INIT;
    unsigned char slot;

    (void)state;
    make_text(&text, 4000);
    add_gzip(&packed, text.data, text.size);
    none.data = &slot;
    put_file("head", packed.data, 5);
    assert_breaks(in_folder("head"), &none, "ends in the middle of a gzip member, at offset 5");
    put_file("trailer", packed.data, packed.size - 1);
    assert_breaks(in_folder("trailer"), &text, "ends in the middle of a gzip member");
    put_file("middle", packed.data, packed.size / 2);
    for (size_t step = 1; step < 5000; step = step * 7 + 1) {
        struct tow_input *input = open_input(in_folder("middle"), step);
        struct bytes got = {NULL, 0};

        assert_int_equal(read_all(input, 100, &got, &err), TOW_E_ENV);
        assert_says(err, "ends in the middle of a gzip member");
        assert_in_range(got.size, text.size / 3, text.size - 1);
        assert_memory_equal(got.data, text.data, got.size);
        free(got.data);
        tow_input_free(input);
    }
    free(packed.data);
    free(text.data);
}

static void test_damaged_gzip_is_an_error_with_its_offset(void **state)
{
    struct bytes text = {NULL, 0}, packed = {NULL, 0};

    (void)state;
    make_text(&text, 4000);
    add_gzip(&packed, text.data, text.size);
    packed.data[packed.size - 6] ^= 1;
    put_file("crc", packed.data, packed.size);
    assert_breaks(in_folder("crc"), &text, "the gzip data is damaged near offset ");
    packed.data[packed.size - 6] ^= 1;
    add_bytes(&packed, "tail", 4);
    put_file("tail", packed.data, packed.size);
    assert_breaks(in_folder("tail"), &text, "bytes that do not belong to it");
    packed.size -= 4;
    add_bytes(&packed, "\0\0\x1f\x8b", 4);
    put_file("zeros_and_more", packed.data, packed.size);
    assert_breaks(in_folder("zeros_and_more"), &text, "bytes that do not belong to it");
    free(packed.data);
    free(text.data);
}

static void test_cut_and_damaged_zstd_are_errors(void **state)
{
    struct bytes text = {NULL, 0}, packed = {NULL, 0}, none = {NULL, 0};
    unsigned char slot;

    (void)state;
    make_text(&text, 4000);
    none.data = &slot;
    add_zstd(&packed, text.data, text.size);
    put_file("head", packed.data, 5);
    assert_breaks(in_folder("head"), &none, "ends in the middle of a zstd frame, at offset 5");
    put_file("middle", packed.data, packed.size / 2);
    assert_breaks(in_folder("middle"), &none, "ends in the middle of a zstd frame");
    add_bytes(&packed, "tail", 4);
    put_file("tail", packed.data, packed.size);
    assert_breaks(in_folder("tail"), &text, "the zstd data is damaged near offset ");
    free(packed.data);
    free(text.data);
}

/* Where a frame of zstd 0.7 fails, the library says that all was read and all the room written. */
static void test_a_damaged_frame_of_old_zstd_adds_nothing(void **state)
{
    static const char legacy[] =
        "\x27\xb5\x2f\xfd\x04\x58\xcd\x01\x00\xb8\x68\x65\x6c\x6c\x6f\x20\x0a\x20\x0a\x20"
        "\x0a\x20\x0a\x20\x0a\x6d\x0b\xda\xb9\x58\x66\x20\x0a\x20\xf0\x20\x0a\x20\x0a\x11"
        "\x00\xc0\x04\xdc\x03\xc6\xc0\x15\x60\x07\x2e\x03\x26\xe0\x1e\x35\x06\xae\x00\x3b"
        "\x70\x19\x30\x01\xf7\x80";
    struct bytes text = {NULL, 0}, packed = {NULL, 0};

    (void)state;
    make_text(&text, 4000);
    add_zstd(&packed, text.data, text.size);
    add_bytes(&packed, legacy, sizeof legacy - 1);
    put_file("legacy", packed.data, packed.size);
    assert_breaks(in_folder("legacy"), &text, "the zstd data is damaged near offset ");
    free(packed.data);
    free(text.data);
}

static void skip_and_compare(const char *path, const struct bytes *text)
{
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t offset = 0; offset <= text->size; offset += 37) {
        struct tow_input *input = open_input(path, 64);
        char byte;
        size_t length;

        if (offset % 2)
            assert_ok(tow_input_read(input, &byte, 1, &length, &err), err);
        assert_ok(tow_input_skip_to(input, (int64_t)offset, &err), err);
        assert_int_equal(tow_input_offset(input), offset);
        assert_ok(tow_input_read(input, &byte, 1, &length, &err), err);
        assert_int_equal(length, offset < text->size);
        if (length)
            assert_int_equal((unsigned char)byte, text->data[offset]);
        tow_input_free(input);
    }
}

static void test_skipping_lands_on_the_same_byte_in_every_format(void **state)
{
    struct bytes text = {NULL, 0}, gzip = {NULL, 0}, zstd = {NULL, 0};

    (void)state;
    make_text(&text, 3000);
    add_gzip(&gzip, text.data, text.size);
    add_zstd(&zstd, text.data, text.size);
    put_file("plain", text.data, text.size);
    put_file("gzip", gzip.data, gzip.size);
    put_file("zstd", zstd.data, zstd.size);
    skip_and_compare(in_folder("plain"), &text);
    skip_and_compare(in_folder("gzip"), &text);
    skip_and_compare(in_folder("zstd"), &text);
    free(gzip.data);
    free(zstd.data);
    free(text.data);
}

static void test_skipping_past_the_end_names_both_sizes(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct bytes gzip = {NULL, 0};
    struct tow_input *input;

    (void)state;
    put_file("plain", "12345", 5);
    input = open_input(in_folder("plain"), 0);
    assert_int_equal(tow_input_skip_to(input, 6, &err), TOW_E_ENV);
    assert_says(err, "has 5 bytes, but was read up to offset 6");
    assert_ok(tow_input_skip_to(input, 3, &err), err);
    assert_int_equal(tow_input_skip_to(input, 2, &err), TOW_E_BUG);
    tow_input_free(input);
    add_gzip(&gzip, "12345", 5);
    put_file("gzip", gzip.data, gzip.size);
    input = open_input(in_folder("gzip"), 0);
    assert_int_equal(tow_input_skip_to(input, 6, &err), TOW_E_ENV);
    assert_says(err, "has 5 bytes uncompressed, but was read up to offset 6");
    tow_input_free(input);
    free(gzip.data);
}

static void test_stat_and_peek_look_at_the_file_itself(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct bytes gzip = {NULL, 0};
    struct tow_input *input;
    struct tow_file file;
    unsigned char bytes[8];
    size_t length;

    (void)state;
    add_gzip(&gzip, "12345", 5);
    put_file("gzip", gzip.data, gzip.size);
    input = open_input(in_folder("gzip"), 0);
    assert_ok(tow_input_stat(input, &file, &err), err);
    assert_int_equal(file.size, gzip.size);
    assert_string_equal(file.path, in_folder("gzip"));
    assert_true(file.mtime_ns > INT64_C(1000000000000000000));
    assert_ok(tow_input_peek(input, 0, bytes, 8, &length, &err), err);
    assert_int_equal(length, 8);
    assert_memory_equal(bytes, gzip.data, 8);
    assert_ok(tow_input_peek(input, (int64_t)gzip.size - 3, bytes, 8, &length, &err), err);
    assert_int_equal(length, 3);
    assert_ok(tow_input_read(input, bytes, 8, &length, &err), err);
    assert_memory_equal(bytes, "12345", 5);
    tow_input_free(input);
    free(gzip.data);
}

static void test_what_cannot_be_opened_says_why(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input_options options = {.cancel_fd = -1};

    (void)state;
    assert_null(tow_input_new(in_folder("missing"), &options, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "missing cannot be opened: No such file");
    assert_null(tow_input_new(folder, &options, &err));
    assert_int_equal(err.code, TOW_E_ENV);
    assert_says(err, "is a folder");
}

/* ---- streams that wait ---------------------------------------------------------------------- */

static void *write_to_fifo(void *path)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, "a,b\n", 4) != 4 || write(fd, "1,2\n", 4) != 4)
        return "failed";
    close(fd);
    return NULL;
}

static void test_a_fifo_is_read_to_its_writers_end(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct bytes got = {NULL, 0};
    struct tow_input *input;
    pthread_t writer;
    void *result;
    char path[160];

    (void)state;
    strcpy(path, in_folder("fifo"));
    assert_int_equal(mkfifo(path, 0600), 0);
    input = open_input(path, 0);
    assert_int_equal(pthread_create(&writer, NULL, write_to_fifo, path), 0);
    assert_ok(read_all(input, 3, &got, &err), err);
    pthread_join(writer, &result);
    assert_null(result);
    assert_int_equal(got.size, 8);
    assert_memory_equal(got.data, "a,b\n1,2\n", 8);
    free(got.data);
    tow_input_free(input);
}

static void *cancel_by(void *fd)
{
    return write(*(int *)fd, "x", 1) == 1 ? NULL : "failed";
}

static void test_waiting_for_a_fifo_ends_when_cancelled(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input_options options = {.cancel_fd = -1};
    struct tow_input *input;
    pthread_t thread;
    int cancel[2];
    size_t length;
    char byte;

    (void)state;
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(pipe(cancel), 0);
    options.cancel_fd = cancel[0];
    input = tow_input_new(in_folder("fifo"), &options, &err);
    assert_non_null(input);
    assert_int_equal(pthread_create(&thread, NULL, cancel_by, &cancel[1]), 0);
    assert_int_equal(tow_input_read(input, &byte, 1, &length, &err), TOW_E_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(tow_input_read(input, &byte, 1, &length, &err), TOW_E_CANCELLED);
    /* Once nothing is cancelled any more it goes on: the wait failed, not the input. */
    assert_int_equal(read(cancel[0], &byte, 1), 1);
    assert_int_equal(
        pthread_create(&thread, NULL, write_to_fifo, (void *)(uintptr_t)in_folder("fifo")), 0);
    assert_ok(tow_input_read(input, &byte, 1, &length, &err), err);
    assert_int_equal(length, 1);
    while (length)
        assert_ok(tow_input_read(input, &byte, 1, &length, &err), err);
    pthread_join(thread, NULL);
    tow_input_free(input);
    close(cancel[0]);
    close(cancel[1]);
}

static void test_a_regular_file_notices_cancel_too(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_input_options options = {.cancel_fd = -1};
    struct tow_input *input;
    int cancel[2];
    size_t length;
    char byte;

    (void)state;
    put_file("plain", "12345", 5);
    assert_int_equal(pipe(cancel), 0);
    assert_int_equal(write(cancel[1], "x", 1), 1);
    options.cancel_fd = cancel[0];
    input = tow_input_new(in_folder("plain"), &options, &err);
    assert_non_null(input);
    assert_int_equal(tow_input_read(input, &byte, 1, &length, &err), TOW_E_CANCELLED);
    tow_input_free(input);
    close(cancel[0]);
    close(cancel[1]);
}

/* ---- listings ------------------------------------------------------------------------------- */

static void assert_lists(const char *spec, const char *const *names)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_listing listing;
    size_t count = 0;

    assert_ok(tow_listing_init(&listing, spec, &err), err);
    for (; names[count]; count++) {
        assert_true(count < listing.count);
        assert_string_equal(listing.files[count].path, in_folder(names[count]));
    }
    assert_int_equal(listing.count, count);
    tow_listing_release(&listing);
}

static void test_folders_list_regular_visible_files_in_order(void **state)
{
    (void)state;
    put_file("b.csv", "1", 1);
    put_file("a.csv", "12", 2);
    put_file("B.csv", "1", 1);
    put_file("a-1.csv", "1", 1);
    put_file(".c.csv.tmp", "1", 1);
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    put_file("d/e.csv", "1", 1);
    assert_int_equal(symlink(in_folder("nowhere"), in_folder("dangling")), 0);
    assert_lists(folder, (const char *const[]){"B.csv", "a-1.csv", "a.csv", "b.csv", NULL});
    assert_lists(in_folder(""), (const char *const[]){"B.csv", "a-1.csv", "a.csv", "b.csv", NULL});
}

static void test_patterns_list_regular_matches_in_order(void **state)
{
    (void)state;
    put_file("b.csv", "1", 1);
    put_file("a.csv", "1", 1);
    put_file("a[1].csv", "1", 1);
    put_file("a1.csv", "1", 1);
    put_file(".a.csv", "1", 1);
    put_file("a.txt", "1", 1);
    assert_int_equal(mkdir(in_folder("d.csv"), 0700), 0);
    assert_lists(in_folder("*.csv"),
                 (const char *const[]){"a.csv", "a1.csv", "a[1].csv", "b.csv", NULL});
    assert_lists(in_folder("?.csv"), (const char *const[]){"a.csv", "b.csv", NULL});
    assert_lists(in_folder("[b-z]*"), (const char *const[]){"b.csv", NULL});
    assert_lists(in_folder("*.gz"), (const char *const[]){NULL});

    /* What exists under that very name is meant. */
    assert_lists(in_folder("a[1].csv"), (const char *const[]){"a[1].csv", NULL});
}

static void test_listings_tell_size_and_identity(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_listing listing;
    struct stat st;

    (void)state;
    put_file("a.csv", "12", 2);
    assert_int_equal(stat(in_folder("a.csv"), &st), 0);
    assert_ok(tow_listing_init(&listing, in_folder("a.csv"), &err), err);
    assert_int_equal(listing.count, 1);
    assert_int_equal(listing.files[0].size, 2);
    assert_int_equal(listing.files[0].inode, st.st_ino);
    assert_int_equal(listing.files[0].device, st.st_dev);
    assert_int_equal(listing.files[0].mtime_ns / 1000000000, st.st_mtim.tv_sec);
    assert_int_equal(listing.files[0].is_stream, 0);
    tow_listing_release(&listing);
    assert_ok(tow_listing_init(&listing, "-", &err), err);
    assert_int_equal(listing.count, 1);
    assert_int_equal(listing.files[0].is_stream, 1);
    tow_listing_release(&listing);
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_ok(tow_listing_init(&listing, in_folder("fifo"), &err), err);
    assert_int_equal(listing.files[0].is_stream, 1);
    tow_listing_release(&listing);
}

static void test_many_files_are_all_listed(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_listing listing;
    char name[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%03d", (i * 37) % 100);
        put_file(name, "", 0);
    }
    assert_ok(tow_listing_init(&listing, folder, &err), err);
    assert_int_equal(listing.count, 100);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%03d", i);
        assert_string_equal(listing.files[i].path, in_folder(name));
    }
    tow_listing_release(&listing);
}

static void test_missing_files_and_folders_are_named(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_listing listing;

    (void)state;
    assert_int_equal(tow_listing_init(&listing, in_folder("missing.csv"), &err), TOW_E_ENV);
    assert_says(err, "missing.csv cannot be read: No such file");
    assert_int_equal(tow_listing_init(&listing, "", &err), TOW_E_ENV);
    assert_int_equal(tow_listing_init(&listing, in_folder("none/*.gz"), &err), TOW_E_ENV);
    assert_says(err, "none/*.gz cannot be read: No such file");
}

/* The number of the first listing that did not fail as it should; 0: they all did. */
static int list_closed_file(const struct scratch *scratch)
{
    const char *const specs[] = {in_folder("closed.csv"), in_folder("*.csv"), scratch->folder};

    for (int i = 0; i < 3; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_listing listing;

        if (tow_listing_init(&listing, specs[i], &err) != TOW_E_ENV ||
            !strstr(err.message, "closed.csv cannot be read: Permission denied"))
            return i + 1;
    }
    return 0;
}

static void test_files_that_may_not_be_read_are_named(void **state)
{
    put_file("closed.csv", "1", 1);
    assert_int_equal(chmod(in_folder("closed.csv"), 0), 0);
    assert_int_equal(scratch_child(*state, list_closed_file, 1), 0);
}

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(test_plain_files_are_read_as_they_are),
        FILES_TEST(test_gzip_is_known_by_its_first_bytes),
        FILES_TEST(test_gzip_of_many_members_is_one_stream),
        FILES_TEST(test_a_gzip_header_may_come_in_pieces),
        FILES_TEST(test_gzip_of_nothing_is_empty),
        FILES_TEST(test_zstd_of_many_frames_is_one_stream),
        FILES_TEST(test_cut_gzip_delivers_what_it_holds_and_then_fails),
        FILES_TEST(test_damaged_gzip_is_an_error_with_its_offset),
        FILES_TEST(test_cut_and_damaged_zstd_are_errors),
        FILES_TEST(test_a_damaged_frame_of_old_zstd_adds_nothing),
        FILES_TEST(test_skipping_lands_on_the_same_byte_in_every_format),
        FILES_TEST(test_skipping_past_the_end_names_both_sizes),
        FILES_TEST(test_stat_and_peek_look_at_the_file_itself),
        FILES_TEST(test_what_cannot_be_opened_says_why),
        FILES_TEST(test_a_fifo_is_read_to_its_writers_end),
        FILES_TEST(test_waiting_for_a_fifo_ends_when_cancelled),
        FILES_TEST(test_a_regular_file_notices_cancel_too),
        FILES_TEST(test_folders_list_regular_visible_files_in_order),
        FILES_TEST(test_patterns_list_regular_matches_in_order),
        FILES_TEST(test_listings_tell_size_and_identity),
        FILES_TEST(test_many_files_are_all_listed),
        FILES_TEST(test_missing_files_and_folders_are_named),
        FILES_TEST(test_files_that_may_not_be_read_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
