/* The structural index: its variants against each other and against counting bytes one by one. */
#include "plugins/csv/index.h"
#include "random.h"
#include "unit.h"

#define TEXT_MAX 4096
#define SLACK    64

struct found {
    struct tow_csv_index index;
    uint32_t ends[TEXT_MAX + 64], rows[TEXT_MAX + 64], inner[TEXT_MAX + 64];
};

static struct tow_csv_dialect dialect_of(const char *delimiter, const char *quote,
                                         const char *escape)
{
    struct tow_csv_settings settings = {.delimiter = delimiter, .quote = quote, .escape = escape};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_csv_dialect dialect;

    assert_ok(tow_csv_dialect_init(&dialect, &settings, &err), err);
    assert_true(dialect.can_index);
    return dialect;
}

/* NULL where this processor cannot run it. */
static tow_csv_index_run *variant(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    tow_csv_index_run *run = tow_csv_index_choose(name, &err);

    if (!run)
        assert_int_equal(err.code, TOW_E_UNSUPPORTED);
    return run;
}

static void run_index(struct found *found, tow_csv_index_run *run,
                      const struct tow_csv_dialect *dialect, const char *text, size_t from,
                      size_t to)
{
    found->index = (struct tow_csv_index){.ends = found->ends,
                                          .end_capacity = TEXT_MAX + 64,
                                          .rows = found->rows,
                                          .row_capacity = TEXT_MAX + 64,
                                          .inner = found->inner,
                                          .inner_capacity = TEXT_MAX + 64};
    run(&found->index, dialect, text, from, to, SIZE_MAX);
}

/* 1 where the byte at `at`, behind a closing quote, ends the field. */
static int ends_field(const struct tow_csv_dialect *dialect, const char *text, size_t at, size_t to)
{
    return text[at] == dialect->delimiter[0] || text[at] == '\n' ||
           (text[at] == '\r' && at + 1 < to && text[at + 1] == '\n');
}

/* The contract, a byte at a time. */
static void run_simple(struct found *found, const struct tow_csv_dialect *dialect, const char *text,
                       size_t from, size_t to)
{
    struct tow_csv_index *index = &found->index;
    int inside = 0, at_start = 1, closed = 0;

    *index =
        (struct tow_csv_index){.ends = found->ends, .rows = found->rows, .inner = found->inner};
    for (size_t at = from; at < to; at++) {
        int byte = (unsigned char)text[at];
        int is_quote = byte == dialect->quote;

        if (byte == dialect->escape && (inside || dialect->quote < 0)) {
            index->irregular = 1;
            return;
        }
        if ((closed && !is_quote && !ends_field(dialect, text, at, to)) ||
            (is_quote && !inside && !closed && !at_start)) {
            index->irregular = 1;
            return;
        }
        closed = is_quote && inside;
        at_start = 0;
        if (is_quote)
            inside = !inside;
        else if (inside && byte == '\n')
            index->inner[index->inner_count++] = (uint32_t)at;
        else if (!inside && (byte == '\n' || byte == (unsigned char)dialect->delimiter[0])) {
            index->ends[index->end_count++] = (uint32_t)at;
            at_start = 1;
            if (byte == '\n')
                index->rows[index->row_count++] = (uint32_t)index->end_count;
        }
    }
}

static void assert_same(const struct found *got, const struct found *expected)
{
    const struct tow_csv_index *g = &got->index, *e = &expected->index;

    assert_int_equal(g->irregular, e->irregular);
    assert_int_equal(g->end_count, e->end_count);
    assert_int_equal(g->row_count, e->row_count);
    assert_int_equal(g->inner_count, e->inner_count);
    assert_memory_equal(got->ends, expected->ends, g->end_count * sizeof *got->ends);
    assert_memory_equal(got->rows, expected->rows, g->row_count * sizeof *got->rows);
    assert_memory_equal(got->inner, expected->inner, g->inner_count * sizeof *got->inner);
}

static void compare_all(const struct tow_csv_dialect *dialect, const char *text, size_t from,
                        size_t to)
{
    static const char *const names[] = {"scalar", "sse2", "avx2", "avx512"};
    static struct found expected, got;

    run_simple(&expected, dialect, text, from, to);
    for (size_t i = 0; i < 4; i++) {
        tow_csv_index_run *run = variant(names[i]);

        if (!run)
            continue;
        run_index(&got, run, dialect, text, from, to);
        assert_same(&got, &expected);
        if (memchr(text + from, '\0', to - from) && !expected.index.irregular)
            assert_true(got.index.nul != 0);
        for (size_t at = from; at < to && !expected.index.irregular; at++)
            if ((unsigned char)text[at] > 127)
                assert_true(got.index.high != 0);
    }
}

static void test_variants_agree_on_random_bytes(void **state)
{
    static const char *const alphabets[] = {"a,\"\n", "ab,\"\n\r", "aaaa,,\n\"\"\r\\", "abcdefg,\n",
                                            "\"\"\"\n,"};
    const struct tow_csv_dialect dialects[] = {
        dialect_of(",", "\"", ""), dialect_of(",", "\"", "\\"), dialect_of(",", "", ""),
        dialect_of(",", "", "\\"), dialect_of("\t", "'", "")};
    char text[TEXT_MAX + SLACK];
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int i = 0; i < 30000; i++) {
        const char *alphabet = alphabets[random_below(&seed, 5)];
        size_t letters = strlen(alphabet), length = random_below(&seed, 400);
        size_t from = random_below(&seed, 70);

        memset(text, 'x', sizeof text);
        for (size_t at = 0; at < from + length; at++)
            text[at] = alphabet[random_below(&seed, letters)];
        compare_all(&dialects[random_below(&seed, 5)], text, from, from + length);
    }
}

/* Regular rows, so that runs are long; then one byte is changed. */
static void test_variants_agree_around_one_fault(void **state)
{
    static const char *const values[] = {"", "a", "\"a\"", "\"a,\n\"\"b\"", "\"\"", "some words"};
    const struct tow_csv_dialect dialect = dialect_of(",", "\"", "");
    char text[TEXT_MAX + SLACK];
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        size_t length = 0;

        memset(text, 'x', sizeof text);
        while (length < 700) {
            strcpy(text + length, values[random_below(&seed, 6)]);
            length += strlen(text + length);
            if (random_below(&seed, 3))
                text[length++] = ',';
            else if (random_below(&seed, 2))
                text[length++] = '\n';
            else
                length += (size_t)sprintf(text + length, "\r\n");
        }
        text[length] = 'x';
        compare_all(&dialect, text, 0, length);
        text[random_below(&seed, length)] = "\"\r\n,x\0\x80"[random_below(&seed, 7)];
        compare_all(&dialect, text, 0, length);
    }
}

static void test_a_run_stops_where_an_array_is_full(void **state)
{
    static const char *const names[] = {"scalar", "sse2", "avx2", "avx512"};
    const struct tow_csv_dialect dialect = dialect_of(",", "\"", "");
    static struct found found;
    char text[2048 + SLACK];

    (void)state;
    memset(text, '\n', sizeof text);
    for (size_t i = 0; i < 4; i++) {
        tow_csv_index_run *run = variant(names[i]);

        if (!run)
            continue;
        run_index(&found, run, &dialect, text, 0, 2048);
        assert_int_equal(found.index.row_count, 2048);
        found.index.end_capacity = 200;
        run(&found.index, &dialect, text, 0, 2048, SIZE_MAX);
        assert_int_equal(found.index.row_count, 192);
        found.index.end_capacity = TEXT_MAX;
        found.index.row_capacity = 100;
        run(&found.index, &dialect, text, 0, 2048, SIZE_MAX);
        assert_int_equal(found.index.row_count, 64);
        found.index.row_capacity = TEXT_MAX;
        run(&found.index, &dialect, text, 0, 2048, 65);
        assert_int_equal(found.index.row_count, 128);
        found.index.inner_capacity = 63;
        run(&found.index, &dialect, text, 0, 2048, SIZE_MAX);
        assert_int_equal(found.index.row_count, 0);
    }
}

static void test_unknown_variants_are_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_null(tow_csv_index_choose("avx3", &err));
    assert_int_equal(err.code, TOW_E_CONFIG);
    assert_says(err, "\"avx3\"");
#if defined(__x86_64__)
    assert_says(err, "scalar, sse2, avx2 or avx512");
#endif
    assert_non_null(tow_csv_index_choose(NULL, &err));
    assert_non_null(tow_csv_index_choose("scalar", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_agree_on_random_bytes),
        cmocka_unit_test(test_variants_agree_around_one_fault),
        cmocka_unit_test(test_a_run_stops_where_an_array_is_full),
        cmocka_unit_test(test_unknown_variants_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
