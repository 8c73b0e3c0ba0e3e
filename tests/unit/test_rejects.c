#include "unit.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "state/rejects.h"

static const struct tow_field every_type[] = {
    {"bool", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"int8", {TOW_TYPE_INT8, 0, 0}, 0},
    {"int16", {TOW_TYPE_INT16, 0, 0}, 0},
    {"int32", {TOW_TYPE_INT32, 0, 0}, 0},
    {"int64", {TOW_TYPE_INT64, 0, 0}, 0},
    {"uint8", {TOW_TYPE_UINT8, 0, 0}, 0},
    {"uint16", {TOW_TYPE_UINT16, 0, 0}, 0},
    {"uint32", {TOW_TYPE_UINT32, 0, 0}, 0},
    {"uint64", {TOW_TYPE_UINT64, 0, 0}, 0},
    {"float32", {TOW_TYPE_FLOAT32, 0, 0}, 0},
    {"float64", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"dec38", {TOW_TYPE_DECIMAL, 38, 0}, 0},
    {"dec38_38", {TOW_TYPE_DECIMAL, 38, 38}, 0},
    {"dec10_2", {TOW_TYPE_DECIMAL, 10, 2}, 0},
    {"string \"quoted\\\" \xc3\xa4\n", {TOW_TYPE_STRING, 0, 0}, 0},
    {"binary", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"date", {TOW_TYPE_DATE, 0, 0}, 0},
    {"timestamp", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"timestamp_ntz", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
    {"json", {TOW_TYPE_JSON, 0, 0}, 0},
};

enum {
    BOOL,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    FLOAT32,
    FLOAT64,
    DEC38,
    DEC38_38,
    DEC10_2,
    STRING,
    BINARY,
    DATE,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    JSON,
    COLUMNS
};

/* A file of one batch, written row by row, and what reads it back. */
struct store {
    const struct scratch *scratch;
    char path[256];
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct tow_builder *builder;
    struct tow_json_writer *writer;
    struct tow_rejects *rejects;
    struct tow_buffer lines;
    int64_t length;
};

static int store_setup(void **fixture)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct store *store = calloc(1, sizeof *store);
    void *scratch;

    if (!store || scratch_setup(&scratch) != 0)
        return -1;
    *fixture = store;
    store->scratch = scratch;
    snprintf(store->path, sizeof store->path, "%s/state.rejects/vip/7.ndjson",
             store->scratch->folder);
    assert_ok(tow_schema_make(&store->schema, every_type, COLUMNS, &err), err);
    store->builder = tow_builder_new_schema(&store->schema, &err);
    store->writer = tow_json_writer_new(&store->schema, 1, &err);
    store->rejects = tow_rejects_new(store->path, "vip", 7, &store->schema, &err);
    return store->builder && store->writer && store->rejects ? 0 : -1;
}

static int store_teardown(void **fixture)
{
    struct store *store = *fixture;
    void *scratch = (void *)store->scratch;

    tow_rejects_free(store->rejects);
    tow_json_writer_free(store->writer);
    tow_builder_free(store->builder);
    if (store->array.release)
        store->array.release(&store->array);
    store->schema.release(&store->schema);
    tow_buffer_release(&store->lines);
    free(store);
    return scratch_teardown(&scratch);
}

static void end_row(struct store *store)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_builder_end_row(store->builder, &err), err);
}

/* Finishes the batch and makes a line of each of its rows. */
static void write_rows(struct store *store)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_builder_finish(store->builder, &store->array, &err), err);
    for (int64_t row = 0; row < store->array.length; row++) {
        const struct tow_reject_row reject = {
            .code = "bad", .message = "m", .stage = "sink", .row = row, .array = &store->array};

        store->lines.size = 0;
        assert_ok(tow_reject_line(&store->lines, store->writer, &reject, &err), err);
        assert_ok(tow_rejects_write(store->rejects, store->lines.data, store->lines.size, &err),
                  err);
    }
    assert_ok(tow_rejects_sync(store->rejects, &store->length, &err), err);
}

static struct tow_reject_reader *open_reader(const struct store *store)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_reader *reader = tow_reject_reader_new(store->path, store->length, &err);

    if (!reader)
        fail_msg("%s", err.message);
    return reader;
}

/* Reads all rows back into an array of their own. */
static void read_rows(const struct store *store, struct ArrowArray *out)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_reader *reader = open_reader(store);
    struct tow_builder *builder = tow_builder_new_schema(tow_reject_reader_schema(reader), &err);
    const char *line;
    size_t length;
    int result;

    assert_non_null(builder);
    assert_true(tow_schema_equal(tow_reject_reader_schema(reader), &store->schema));
    while ((result = tow_reject_reader_next(reader, &line, &length, &err)) == TOW_OK) {
        assert_ok(tow_reject_parse(reader, line, length, builder, &err), err);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_int_equal(result, TOW_END);
    assert_ok(tow_builder_finish(builder, out, &err), err);
    tow_builder_free(builder);
    tow_reject_reader_free(reader);
}

static void assert_value(const struct tow_view *in, const struct tow_view *out, int64_t row,
                         const char *name)
{
    size_t width = tow_type_width(in->type.id), in_length, out_length;

    if (tow_view_is_null(in, row) != tow_view_is_null(out, row))
        fail_msg("row %lld, %s: null or not", (long long)row, name);
    if (tow_view_is_null(in, row))
        return;
    if (in->type.id == TOW_TYPE_BOOL) {
        assert_int_equal(tow_view_bool(in, row), tow_view_bool(out, row));
    } else if (tow_type_is_bytes(in->type.id)) {
        const char *a = tow_view_bytes(in, row, &in_length);
        const char *b = tow_view_bytes(out, row, &out_length);

        assert_int_equal(in_length, out_length);
        assert_memory_equal(a, b, in_length);
    } else if (memcmp((const char *)in->values + (size_t)(row + in->offset) * width,
                      (const char *)out->values + (size_t)(row + out->offset) * width,
                      width) != 0) {
        fail_msg("row %lld, %s: another value", (long long)row, name);
    }
}

static void assert_comes_back(struct store *store)
{
    struct ArrowArray out;

    write_rows(store);
    read_rows(store, &out);
    assert_int_equal(out.length, store->array.length);
    for (int64_t column = 0; column < COLUMNS; column++) {
        struct tow_view a, b;

        tow_view_init(&a, &store->schema, &store->array, column);
        tow_view_init(&b, &store->schema, &out, column);
        for (int64_t row = 0; row < out.length; row++)
            assert_value(&a, &b, row, every_type[column].name);
    }
    out.release(&out);
}

/* ---- values come back as they were ---------------------------------------------------------- */

static void add_integers(struct store *store, size_t column, int64_t min, int64_t max)
{
    const int64_t values[] = {min, max, 0, 1, min / 10};
    struct tow_error err = TOW_ERROR_INIT;

    for (int i = 0; i < 5; i++) {
        assert_ok(tow_append_int64(store->builder, column, values[i], &err), err);
        end_row(store);
    }
}

static void test_integers_come_back_exactly(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    add_integers(store, INT8, INT8_MIN, INT8_MAX);
    add_integers(store, INT16, INT16_MIN, INT16_MAX);
    add_integers(store, INT32, INT32_MIN, INT32_MAX);
    add_integers(store, INT64, INT64_MIN, INT64_MAX);
    add_integers(store, UINT8, 0, UINT8_MAX);
    add_integers(store, UINT16, 0, UINT16_MAX);
    add_integers(store, UINT32, 0, UINT32_MAX);
    assert_ok(tow_append_uint64(store->builder, UINT64, UINT64_MAX, &err), err);
    end_row(store);
    assert_ok(tow_append_uint64(store->builder, UINT64, (1ull << 53) + 1, &err), err);
    assert_ok(tow_append_int64(store->builder, INT64, (1LL << 53) + 1, &err), err);
    end_row(store);
    for (int i = 0; i < 2; i++) {
        assert_ok(tow_append_bool(store->builder, BOOL, i, &err), err);
        end_row(store);
    }
    end_row(store); /* nothing but nulls */
    assert_comes_back(store);
}

static void test_floats_come_back_exactly(void **fixture)
{
    static const double values[] = {0.0,      -0.0,   0.1,
                                    1e23,     5e-324, 1.7976931348623157e308,
                                    -1e-7,    1e21,   123456789012345680.0,
                                    2.5,      NAN,    INFINITY,
                                    -INFINITY};
    static const float narrow[] = {0.1f, 3.4028235e38f, 1e-45f, 16777217.0f, NAN, INFINITY, -0.0f};
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_ok(tow_append_double(store->builder, FLOAT64, values[i], &err), err);
        if (i < sizeof narrow / sizeof narrow[0])
            assert_ok(tow_append_double(store->builder, FLOAT32, (double)narrow[i], &err), err);
        end_row(store);
    }
    assert_comes_back(store);
}

static void test_decimals_come_back_exactly(void **fixture)
{
    static const char *const digits[] = {"99999999999999999999999999999999999999",
                                         "-99999999999999999999999999999999999999", "0", "-1"};
    static const char *const fractions[] = {"0.99999999999999999999999999999999999999",
                                            "-0.00000000000000000000000000000000000001", "0",
                                            "0.5"};
    static const char *const cents[] = {"99999999.99", "-99999999.99", "0.01", "1"};
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    for (int i = 0; i < 4; i++) {
        struct tow_decimal value;

        assert_int_equal(tow_parse_decimal(digits[i], strlen(digits[i]), 38, 0, &value), 0);
        assert_ok(tow_append_decimal(store->builder, DEC38, value, &err), err);
        assert_int_equal(tow_parse_decimal(fractions[i], strlen(fractions[i]), 38, 38, &value), 0);
        assert_ok(tow_append_decimal(store->builder, DEC38_38, value, &err), err);
        assert_int_equal(tow_parse_decimal(cents[i], strlen(cents[i]), 10, 2, &value), 0);
        assert_ok(tow_append_decimal(store->builder, DEC10_2, value, &err), err);
        end_row(store);
    }
    assert_comes_back(store);
}

static void test_strings_and_bytes_come_back_exactly(void **fixture)
{
    static const struct {
        const char *bytes;
        size_t length;
    } values[] = {{"", 0},
                  {"\0", 1},
                  {"null", 4},
                  {"a\"b\\c/d\b\f\n\r\t\x01\x7f", 14},
                  {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x82", 9},
                  {"\\u0041", 6},
                  {"}", 1}};
    static const char all[] = "\xff\xfe\x00\x80";
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_ok(tow_append_bytes(store->builder, STRING, values[i].bytes, values[i].length, &err),
                  err);
        assert_ok(tow_append_bytes(store->builder, BINARY, values[i].bytes, values[i].length, &err),
                  err);
        end_row(store);
    }
    for (size_t length = 1; length <= 4; length++) {
        assert_ok(tow_append_bytes(store->builder, BINARY, all, length, &err), err);
        end_row(store);
    }
    assert_comes_back(store);
}

static void test_json_comes_back_as_its_text(void **fixture)
{
    static const char *const values[] = {"null",
                                         "{}",
                                         "[]",
                                         "\"\"",
                                         "\"a\\\"}\"",
                                         "true",
                                         "-1.50e+10",
                                         "12345678901234567890123",
                                         "{ \"row\" : [1, {\"a\" : \"]}\\\\\"}, [[[ ]]] ] }",
                                         "[null,\"\\ud83d\\ude82\"]"};
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_ok(tow_append_text(store->builder, JSON, values[i], &err), err);
        end_row(store);
    }
    end_row(store); /* no value is not the value null */
    assert_comes_back(store);
}

static void test_dates_and_timestamps_come_back_exactly(void **fixture)
{
    static const int64_t days[] = {0,       -1,      INT32_MIN, INT32_MAX, -719162, -719163,
                                   -719528, -719529, 2932896,   2932897,   19782};
    static const int64_t instants[] = {0,
                                       -1,
                                       INT64_MIN,
                                       INT64_MIN + 1,
                                       INT64_MAX,
                                       -62135596800000000,
                                       -62135596800000001,
                                       253402300799999999,
                                       253402300800000000,
                                       1709210096123456,
                                       1709210096123000};
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        assert_ok(tow_append_int64(store->builder, DATE, days[i], &err), err);
        assert_ok(tow_append_int64(store->builder, TIMESTAMP, instants[i], &err), err);
        assert_ok(tow_append_int64(store->builder, TIMESTAMP_NTZ, instants[i], &err), err);
        end_row(store);
    }
    assert_comes_back(store);
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void test_random_rows_come_back_exactly(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    uint64_t random = 0x9e3779b97f4a7c15;

    for (int i = 0; i < 3000; i++) {
        uint64_t bits = next_random(&random);
        struct tow_decimal decimal = {next_random(&random), (int64_t)(bits % 1000000000000)};
        uint32_t low = (uint32_t)bits;
        double number;
        float narrow;

        memcpy(&number, &bits, sizeof number);
        memcpy(&narrow, &low, sizeof narrow);
        if (!isnan(number))
            assert_ok(tow_append_double(store->builder, FLOAT64, number, &err), err);
        if (!isnan(narrow))
            assert_ok(tow_append_double(store->builder, FLOAT32, (double)narrow, &err), err);
        assert_ok(tow_append_decimal(store->builder, i % 2 ? DEC38 : DEC38_38, decimal, &err), err);
        assert_ok(tow_append_int64(store->builder, INT64, (int64_t)bits >> i % 64, &err), err);
        assert_ok(tow_append_uint64(store->builder, UINT64, bits >> i % 64, &err), err);
        assert_ok(tow_append_int64(store->builder, DATE, (int32_t)low, &err), err);
        assert_ok(tow_append_int64(store->builder, TIMESTAMP, (int64_t)bits, &err), err);
        assert_ok(tow_append_int64(store->builder, TIMESTAMP_NTZ, (int64_t)bits >> 9, &err), err);
        assert_ok(tow_append_bytes(store->builder, BINARY, &bits, bits % 9, &err), err);
        end_row(store);
    }
    assert_comes_back(store);
}

/* ---- the writer ----------------------------------------------------------------------------- */

static void test_no_line_makes_no_file(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    store->length = 7;
    assert_ok(tow_rejects_sync(store->rejects, &store->length, &err), err);
    assert_int_equal(store->length, 0);
    assert_ok(tow_rejects_write(store->rejects, "", 0, &err), err);
    assert_ok(tow_rejects_sync(store->rejects, &store->length, &err), err);
    assert_int_equal(store->length, 0);
    assert_int_equal(access(store->path, F_OK), -1);
}

static void write_text(struct store *store, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_rejects_write(store->rejects, text, strlen(text), &err), err);
}

static void sync_store(struct store *store)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_rejects_sync(store->rejects, &store->length, &err), err);
}

static void test_file_and_folders_are_private_and_start_with_the_header(void **fixture)
{
    static const char header[] =
        "{\"towpath_rejects\":1,\"job\":\"vip\",\"run\":7,\"columns\":[{\"name\":\"bool\",";
    struct store *store = *fixture;
    mode_t before = umask(0);
    struct stat st;
    size_t length;
    char *text;

    write_text(store, "{\"code\":\"x\"}\n");
    sync_store(store);
    umask(before);
    assert_int_equal(stat(store->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    *strrchr(store->path, '/') = '\0';
    assert_int_equal(stat(store->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    store->path[strlen(store->path)] = '/';
    text = scratch_read(store->path, &length);
    assert_int_equal(length, store->length);
    assert_memory_equal(text, header, sizeof header - 1);
    assert_string_equal(strchr(text, '\n'), "\n{\"code\":\"x\"}\n");
    free(text);
}

static void test_the_length_counts_what_is_durable_and_only_that(void **fixture)
{
    struct store *store = *fixture;
    int64_t first;
    size_t length;
    char *big = malloc(200001), *text;

    assert_non_null(big);
    memset(big, 'x', 200000);
    big[200000] = '\0';
    write_text(store, "a\n");
    sync_store(store);
    first = store->length;
    write_text(store, "bb\n");
    assert_int_equal(store->length, first);
    sync_store(store);
    assert_int_equal(store->length, first + 3);
    sync_store(store);
    assert_int_equal(store->length, first + 3);
    for (int i = 0; i < 100; i++) {
        big[1000 + i] = '\0';
        big[999 + i] = '\n';
        write_text(store, big);
        big[999 + i] = big[1000 + i] = 'x';
    }
    big[199999] = '\n';
    write_text(store, big);
    write_text(store, "end\n");
    sync_store(store);
    text = scratch_read(store->path, &length);
    assert_int_equal(length, store->length);
    assert_int_equal(length, first + 3 + 100 * 1000 + 99 * 100 / 2 + 200000 + 4);
    assert_string_equal(text + length - 5, "\nend\n");
    free(text);
    free(big);
}

static void test_a_line_without_an_end_is_refused(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_rejects_write(store->rejects, "x", 1, &err), TOW_E_BUG);
}

static void test_a_file_that_exists_is_left_alone(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_rejects *second = tow_rejects_new(store->path, "vip", 7, &store->schema, &err);

    assert_non_null(second);
    write_text(store, "a\n");
    sync_store(store);
    assert_int_equal(tow_rejects_write(second, "b\n", 2, &err), TOW_E_ENV);
    assert_says(err, store->path);
    assert_says(err, strerror(EEXIST));
    tow_rejects_free(second);
    /* Nor is a link followed. */
    assert_int_equal(unlink(store->path), 0);
    assert_int_equal(symlink("elsewhere", store->path), 0);
    second = tow_rejects_new(store->path, "vip", 7, &store->schema, &err);
    assert_int_equal(tow_rejects_write(second, "b\n", 2, &err), TOW_E_ENV);
    tow_rejects_free(second);
}

static int write_beyond_the_limit(const struct scratch *scratch)
{
    const struct tow_field field = {"a", {TOW_TYPE_STRING, 0, 0}, 0};
    const struct rlimit small = {10000, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema;
    struct tow_rejects *rejects;
    static char line[20000];
    int64_t length, whole;
    struct stat st;
    char path[256];

    snprintf(path, sizeof path, "%s/r.ndjson", scratch->folder);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    signal(SIGXFSZ, SIG_IGN);
    if (tow_schema_make(&schema, &field, 1, &err) != TOW_OK ||
        !(rejects = tow_rejects_new(path, "j", 1, &schema, &err)) ||
        tow_rejects_write(rejects, "a\n", 2, &err) != TOW_OK ||
        tow_rejects_sync(rejects, &whole, &err) != TOW_OK || setrlimit(RLIMIT_FSIZE, &small) != 0)
        return 1;
    if (tow_rejects_write(rejects, line, sizeof line, &err) != TOW_OK ||
        tow_rejects_sync(rejects, &length, &err) != TOW_E_ENV ||
        !strstr(err.message, strerror(EFBIG)) || !strstr(err.message, path) || length != whole)
        return 2;
    /* Part of the line was written, none of it counts, and it can be written again. */
    if (setrlimit(RLIMIT_FSIZE, &large) != 0 ||
        tow_rejects_sync(rejects, &length, &err) != TOW_OK ||
        length != whole + (int64_t)sizeof line || stat(path, &st) != 0 || st.st_size != length)
        return 3;
    tow_rejects_free(rejects);
    schema.release(&schema);
    return 0;
}

static void test_a_full_disk_is_told_and_no_line_is_torn(void **fixture)
{
    struct store *store = *fixture;

    assert_int_equal(scratch_child(store->scratch, write_beyond_the_limit, 0), 0);
}

static int write_without_the_right(const struct scratch *scratch)
{
    const struct tow_field field = {"a", {TOW_TYPE_STRING, 0, 0}, 0};
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema;
    struct tow_rejects *rejects;
    char path[256];
    int failed;

    snprintf(path, sizeof path, "%s/sub/r.ndjson", scratch->folder);
    if (chmod(scratch->folder, 0500) != 0 || tow_schema_make(&schema, &field, 1, &err) != TOW_OK ||
        !(rejects = tow_rejects_new(path, "j", 1, &schema, &err)))
        return 1;
    failed = tow_rejects_write(rejects, "a\n", 2, &err) != TOW_E_ENV ||
             !strstr(err.message, strerror(EACCES)) || !strstr(err.message, scratch->folder);
    tow_rejects_free(rejects);
    schema.release(&schema);
    return failed;
}

static void test_a_folder_that_cannot_be_made_is_named(void **fixture)
{
    struct store *store = *fixture;

    assert_int_equal(scratch_child(store->scratch, write_without_the_right, 1), 0);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void test_a_row_line_says_why_where_and_what(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_row reject = {.code = "bad_int32",
                                    .message = "a \"b\"",
                                    .stage = "columns",
                                    .origin = "in.csv",
                                    .line = 12,
                                    .row = 1};

    end_row(store);
    assert_ok(tow_append_int64(store->builder, INT32, 5, &err), err);
    end_row(store);
    assert_ok(tow_builder_finish(store->builder, &store->array, &err), err);
    reject.array = &store->array;
    assert_ok(tow_reject_line(&store->lines, store->writer, &reject, &err), err);
    reject.origin = NULL;
    reject.line = 0;
    reject.row = 0;
    assert_ok(tow_reject_line(&store->lines, store->writer, &reject, &err), err);
    assert_ok(tow_buffer_append(&store->lines, "", 1, &err), err);
    assert_string_equal(
        store->lines.data,
        "{\"code\":\"bad_int32\",\"message\":\"a \\\"b\\\"\",\"stage\":\"columns\","
        "\"origin\":\"in.csv\",\"line\":12,\"row\":{\"int32\":5}}\n"
        "{\"code\":\"bad_int32\",\"message\":\"a \\\"b\\\"\",\"stage\":\"columns\",\"row\":{}}\n");
}

static void test_a_raw_line_says_what_was_read(void **fixture)
{
    struct store *store = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_source_reject reject = {.size = sizeof reject,
                                       .code = "unclosed_quote",
                                       .message = "m",
                                       .origin = "in.csv",
                                       .line = 3,
                                       .offset = 0,
                                       .raw = "a,\"\xff\n",
                                       .raw_length = 5};

    assert_ok(tow_reject_raw_line(&store->lines, &reject, &err), err);
    reject = (struct tow_source_reject){.size = sizeof reject, .offset = -1};
    assert_ok(tow_reject_raw_line(&store->lines, &reject, &err), err);
    assert_ok(tow_buffer_append(&store->lines, "", 1, &err), err);
    assert_string_equal(store->lines.data,
                        "{\"code\":\"unclosed_quote\",\"message\":\"m\",\"stage\":\"source\","
                        "\"origin\":\"in.csv\",\"line\":3,\"offset\":0,\"raw\":\"a,\\\"\xef\xbf\xbd"
                        "\\n\"}\n{\"code\":\"\",\"message\":\"\",\"stage\":\"source\"}\n");
}

static void assert_raw_length(struct store *store, const char *raw, uint32_t length, size_t kept)
{
    const struct tow_source_reject reject = {.size = sizeof reject,
                                             .code = "c",
                                             .message = "m",
                                             .offset = -1,
                                             .raw = raw,
                                             .raw_length = length};
    struct tow_error err = TOW_ERROR_INIT;
    const char *start, *end;

    store->lines.size = 0;
    assert_ok(tow_reject_raw_line(&store->lines, &reject, &err), err);
    assert_ok(tow_buffer_append(&store->lines, "", 1, &err), err);
    start = strstr(store->lines.data, "\"raw\":\"");
    assert_non_null(start);
    start += 7;
    end = strchr(start, '"');
    assert_int_equal(end - start, kept);
    assert_string_equal(end, kept < length ? "\",\"raw_truncated\":true}\n" : "\"}\n");
}

static void test_raw_text_is_kept_up_to_64_kib_and_cut_between_characters(void **fixture)
{
    struct store *store = *fixture;
    char *raw = malloc(70000);

    assert_non_null(raw);
    memset(raw, 'x', 70000);
    assert_raw_length(store, raw, 65536, 65536);
    assert_raw_length(store, raw, 65537, 65536);
    memcpy(raw + 65534, "\xe2\x82\xac", 3);
    assert_raw_length(store, raw, 65537, 65534);
    assert_raw_length(store, raw, 70000, 65534);
    free(raw);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_integers_come_back_exactly),
        STORE_TEST(test_floats_come_back_exactly),
        STORE_TEST(test_decimals_come_back_exactly),
        STORE_TEST(test_strings_and_bytes_come_back_exactly),
        STORE_TEST(test_json_comes_back_as_its_text),
        STORE_TEST(test_dates_and_timestamps_come_back_exactly),
        STORE_TEST(test_random_rows_come_back_exactly),
        STORE_TEST(test_no_line_makes_no_file),
        STORE_TEST(test_file_and_folders_are_private_and_start_with_the_header),
        STORE_TEST(test_the_length_counts_what_is_durable_and_only_that),
        STORE_TEST(test_a_line_without_an_end_is_refused),
        STORE_TEST(test_a_file_that_exists_is_left_alone),
        STORE_TEST(test_a_full_disk_is_told_and_no_line_is_torn),
        STORE_TEST(test_a_folder_that_cannot_be_made_is_named),
        STORE_TEST(test_a_row_line_says_why_where_and_what),
        STORE_TEST(test_a_raw_line_says_what_was_read),
        STORE_TEST(test_raw_text_is_kept_up_to_64_kib_and_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
