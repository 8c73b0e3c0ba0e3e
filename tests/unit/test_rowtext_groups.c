/* Rows in groups, made column by column, against a writer that takes one value after the other. */
#include "unit.h"

#include <math.h>

#include "foreign.h"
#include "guard.h"
#include "kit/rowtext/mark.h"
#include "random.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- marks ---------------------------------------------------------------------------------- */

static const struct tow_mark_set sets[] = {
    {0x20, {'"', '\\', '"', '\\'}},
    {0, {'"', '\r', '\n', ','}},
    {0, {(char)0xff, (char)0x80, 0, 0x7f}},
    {0xff, {'a', 'a', 'a', 'a'}},
};

static int set_has(const struct tow_mark_set *set, char c)
{
    return (unsigned char)c < set->below || memchr(set->bytes, c, sizeof set->bytes);
}

static void check_marks(tow_mark_run *run, const struct tow_mark_set *set, const char *text,
                        size_t length)
{
    uint64_t marks[TOW_MARK_WORDS(300)], any = 0;
    uint64_t given = run(set, text, length, marks);

    for (size_t i = 0; i < TOW_MARK_WORDS(length) * 64; i++) {
        int expected = i < length && set_has(set, text[i]);

        any |= (uint64_t)expected;
        if ((int)(marks[i / 64] >> i % 64 & 1) != expected)
            fail_msg("byte %zu of %zu: not %d", i, length, expected);
    }
    assert_int_equal(given != 0, any);
}

static void test_marks_stand_where_the_bytes_are(void **state)
{
    static const char *const names[] = {"scalar", "sse2", "avx2"};
    uint64_t seed = RANDOM_SEED;

    for (size_t n = 0; n < COUNT(names); n++) {
        tow_mark_run *run = tow_mark_choose(names[n]);

        for (size_t round = 0; run && round < 3000; round++) {
            size_t length = random_below(&seed, 300);
            char *text = guard_end(*state, length);

            for (size_t i = 0; i < length; i++)
                text[i] = (char)(random_below(&seed, 4) ? 'm' : random_next(&seed));
            check_marks(run, &sets[round % COUNT(sets)], text, length);
        }
    }
    assert_non_null(tow_mark_choose("scalar"));
    assert_non_null(tow_mark_choose(NULL));
    assert_null(tow_mark_choose("mmx"));
}

/* ---- a naive writer ------------------------------------------------------------------------- */

struct naive {
    const struct tow_csv_format *csv; /* NULL: JSON with these flags */
    int flags;
    char *p;
};

static void naive_add(struct naive *naive, const char *text)
{
    naive->p = stpcpy(naive->p, text);
}

/* A value as it stands without quotes; the end of what was put at p. */
static char *naive_value(char *p, const struct tow_view *view, int64_t row)
{
    const char *bytes;
    size_t length;

    switch (view->type.id) {
    case TOW_TYPE_BOOL:
        return stpcpy(p, tow_view_bool(view, row) ? "true" : "false");
    case TOW_TYPE_UINT64:
        return tow_put_uint64(p, (uint64_t)tow_view_int64(view, row));
    case TOW_TYPE_FLOAT32:
        return tow_put_float(p, (float)tow_view_double(view, row));
    case TOW_TYPE_FLOAT64:
        return tow_put_double(p, tow_view_double(view, row));
    case TOW_TYPE_DECIMAL:
        return tow_put_decimal(p, tow_view_decimal(view, row), view->type.scale);
    case TOW_TYPE_DATE:
        return tow_put_date(p, (int32_t)tow_view_int64(view, row));
    case TOW_TYPE_TIMESTAMP:
        return tow_put_timestamp(p, tow_view_int64(view, row), 1);
    case TOW_TYPE_TIMESTAMP_NTZ:
        return tow_put_timestamp(p, tow_view_int64(view, row), 0);
    case TOW_TYPE_BINARY:
        bytes = tow_view_bytes(view, row, &length);
        return tow_put_base64(p, bytes, length);
    case TOW_TYPE_STRING:
    case TOW_TYPE_JSON:
        bytes = tow_view_bytes(view, row, &length);
        memcpy(p, bytes, length);
        return p + length;
    default:
        return tow_put_int64(p, tow_view_int64(view, row));
    }
}

static void naive_csv_cell(struct naive *naive, const struct tow_view *view, int64_t row)
{
    const char *null = naive->csv->null_text ? naive->csv->null_text : "";
    const char special[] = {'"', '\r', '\n', naive->csv->delimiter[0], '\0'};
    static char text[1 << 20];
    size_t length;
    int quote;

    if (tow_view_is_null(view, row)) {
        naive_add(naive, null);
        return;
    }
    length = (size_t)(naive_value(text, view, row) - text);
    text[length] = '\0';
    quote = naive->csv->quote_all == 1 ||
            (naive->csv->quote_all == TOW_CSV_QUOTE_TEXT && tow_type_is_bytes(view->type.id)) ||
            length == 0 || strcmp(text, null) == 0 || strpbrk(text, special);
    if (quote)
        naive_add(naive, "\"");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            *naive->p++ = '"';
        *naive->p++ = text[i];
    }
    if (quote)
        naive_add(naive, "\"");
}

static void naive_json_text(struct naive *naive, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        static const char letters[] = "\b\f\n\r\t\"\\", escapes[] = "bfnrt\"\\";
        const char *letter = memchr(letters, text[i], sizeof letters - 1);

        if (letter)
            naive->p += sprintf(naive->p, "\\%c", escapes[letter - letters]);
        else if ((unsigned char)text[i] < 0x20)
            naive->p += sprintf(naive->p, "\\u%04x", (unsigned)text[i]);
        else
            *naive->p++ = text[i];
    }
}

static int naive_is_quoted(const struct naive *naive, const struct tow_view *view, int64_t row)
{
    switch (view->type.id) {
    case TOW_TYPE_STRING:
    case TOW_TYPE_BINARY:
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return 1;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return naive->flags & TOW_JSON_STRINGS || !isfinite(tow_view_double(view, row));
    default:
        return naive->flags & TOW_JSON_STRINGS;
    }
}

static void naive_json_value(struct naive *naive, const struct tow_view *view, int64_t row)
{
    int quoted = naive_is_quoted(naive, view, row);
    static char text[1 << 20];
    size_t length = (size_t)(naive_value(text, view, row) - text);

    if (quoted)
        naive_add(naive, "\"");
    if (view->type.id == TOW_TYPE_JSON && !quoted) {
        for (size_t i = 0; i < length; i++)
            *naive->p++ = (char)(text[i] == '\n' || text[i] == '\r' ? ' ' : text[i]);
        if (length == 0)
            naive_add(naive, "null");
    } else {
        naive_json_text(naive, text, length);
    }
    if (quoted)
        naive_add(naive, "\"");
}

static void naive_json_row(struct naive *naive, const struct table *table,
                           const struct tow_cursor *cursor, int64_t row)
{
    const char *before = "{";

    for (int64_t i = 0; i < cursor->column_count; i++) {
        int is_null = tow_view_is_null(&cursor->columns[i], row);

        if (is_null && naive->flags & TOW_JSON_OMIT_NULLS)
            continue;
        naive->p += sprintf(naive->p, "%s\"%s\":", before, table->schema.children[i]->name);
        before = ",";
        if (is_null)
            naive_add(naive, "null");
        else
            naive_json_value(naive, &cursor->columns[i], row);
    }
    naive_add(naive, *before == '{' ? "{}\n" : "}\n");
}

static void naive_csv_row(struct naive *naive, const struct tow_cursor *cursor, int64_t row)
{
    for (int64_t i = 0; i < cursor->column_count; i++) {
        if (i > 0)
            naive_add(naive, naive->csv->delimiter);
        naive_csv_cell(naive, &cursor->columns[i], row);
    }
    naive_add(naive, naive->csv->line_end ? naive->csv->line_end : "\n");
}

/* ---- random batches ------------------------------------------------------------------------- */

static const struct tow_field fields[] = {
    {"b", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"i8", {TOW_TYPE_INT8, 0, 0}, 0},
    {"i64", {TOW_TYPE_INT64, 0, 0}, 0},
    {"u64 with a name that is longer than one step", {TOW_TYPE_UINT64, 0, 0}, 0},
    {"f32", {TOW_TYPE_FLOAT32, 0, 0}, 0},
    {"f64", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"dec", {TOW_TYPE_DECIMAL, 38, 10}, 0},
    {"text", {TOW_TYPE_STRING, 0, 0}, 0},
    {"bin", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"day", {TOW_TYPE_DATE, 0, 0}, 0},
    {"ts", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"ntz", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
    {"json", {TOW_TYPE_JSON, 0, 0}, 0},
    {"more", {TOW_TYPE_STRING, 0, 0}, 0},
};

#define TEXT_MOST 2000

static size_t random_text(uint64_t *seed, char *text, int is_plain)
{
    static const char odd[] = "\",\n\r\\\t\1;x";
    size_t most = random_below(seed, 20) ? 1 + random_below(seed, 90) : TEXT_MOST;
    size_t length = random_below(seed, most);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + random_below(seed, 26));
    for (size_t odds = is_plain ? 0 : random_below(seed, 3); odds > 0 && length > 0; odds--)
        text[random_below(seed, length)] = odd[random_below(seed, sizeof odd - 1)];
    if (random_below(seed, 10) == 0)
        length = (size_t)(stpcpy(text, "NA") - text);
    return length;
}

static int64_t random_time(uint64_t *seed)
{
    int64_t day = INT64_C(86400000000);

    switch (random_below(seed, 4)) {
    case 0:
        return (int64_t)random_next(seed);
    case 1: /* whole seconds, milliseconds, of the next days */
        return (int64_t)random_below(seed, 40) * day + (int64_t)random_below(seed, 86400) * 1000000;
    case 2:
        return 20000 * day + (int64_t)random_below(seed, 86400000) * 1000;
    default:
        return ((int64_t)random_below(seed, 3000000) - 700000) * day - 1;
    }
}

static void random_value(uint64_t *seed, struct table *table, size_t i, int is_plain)
{
    struct tow_builder *builder = table->builder;
    struct tow_error *err = &table->err;
    char text[TEXT_MOST];
    uint64_t bits = random_next(seed);
    double number;
    int code;

    memcpy(&number, &bits, sizeof number);
    switch (fields[i].type.id) {
    case TOW_TYPE_BOOL:
        code = tow_append_bool(builder, i, bits & 1, err);
        break;
    case TOW_TYPE_INT8:
        code = tow_append_int64(builder, i, (int8_t)bits, err);
        break;
    case TOW_TYPE_UINT64:
        code = tow_append_uint64(builder, i, random_any_width(seed), err);
        break;
    case TOW_TYPE_FLOAT32:
        code = tow_append_double(builder, i, (double)(float)(bits % 100000) / 100, err);
        break;
    case TOW_TYPE_FLOAT64:
        number = bits % 3 ? (double)(int64_t)(random_any_width(seed) >> 20) / 1e6 : number;
        code = tow_append_double(builder, i, number, err);
        break;
    case TOW_TYPE_DECIMAL:
        code = tow_append_decimal(builder, i,
                                  (struct tow_decimal){bits, (int64_t)(bits % 100) - 50}, err);
        break;
    case TOW_TYPE_DATE:
        code = tow_append_int64(
            builder, i, bits % 2 ? (int32_t)random_next(seed) : (int32_t)random_below(seed, 3000),
            err);
        break;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        code = tow_append_int64(builder, i, random_time(seed), err);
        break;
    case TOW_TYPE_INT64:
        code = tow_append_int64(builder, i, (int64_t)random_any_width(seed) * (bits & 1 ? 1 : -1),
                                err);
        break;
    default:
        code = tow_append_bytes(builder, i, text, random_text(seed, text, is_plain), err);
    }
    assert_ok(code, *err);
}

static void table_init_random(struct table *table, uint64_t *seed, size_t rows)
{
    uint64_t nulls = 2 + random_below(seed, 5);
    int is_plain = random_below(seed, 3) == 0;

    table_init(table, fields, COUNT(fields));
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < COUNT(fields); i++)
            if (random_below(seed, nulls) > 0 || (i + nulls) % 3 == 0)
                random_value(seed, table, i, is_plain);
        table_end_row(table);
    }
    table_finish(table);
}

static void check_text(struct table *table, const struct naive *naive, const char *expected)
{
    const char *text = table->text.data;
    size_t length = (size_t)(naive->p - expected), at = 0;

    while (at < length && at < table->text.size && text[at] == expected[at])
        at++;
    if (at < length || table->text.size != length)
        fail_msg("byte %zu is not as expected: ...%.40s, should be ...%.40s", at,
                 text + (at < 20 ? 0 : at - 20), expected + (at < 20 ? 0 : at - 20));
    table->text.size = 0;
}

static void check_rows(struct table *table, const struct naive *kind, int64_t first, int64_t count)
{
    static char expected[16 << 20];
    struct naive naive = *kind;
    struct tow_cursor cursor;
    struct tow_error *err = &table->err;

    naive.p = expected;
    assert_ok(tow_cursor_init(&cursor, &table->schema, err), *err);
    tow_cursor_batch(&cursor, &table->array);
    for (int64_t row = first; row < first + count; row++) {
        if (naive.csv)
            naive_csv_row(&naive, &cursor, row);
        else
            naive_json_row(&naive, table, &cursor, row);
    }
    if (naive.csv) {
        struct tow_csv_writer *writer = tow_csv_writer_new(&table->schema, naive.csv, err);

        assert_non_null(writer);
        assert_ok(tow_csv_writer_rows(writer, &table->array, first, count, &table->text, err),
                  *err);
        tow_csv_writer_free(writer);
    } else {
        struct tow_json_writer *writer = tow_json_writer_new(&table->schema, naive.flags, err);

        assert_non_null(writer);
        assert_ok(tow_json_writer_rows(writer, &table->array, first, count, &table->text, err),
                  *err);
        tow_json_writer_free(writer);
    }
    check_text(table, &naive, expected);
    tow_cursor_release(&cursor);
}

static const struct tow_csv_format formats[] = {
    {.delimiter = ","},
    {.delimiter = ",", .quote_all = 1, .null_text = "NA"},
    {.delimiter = ";", .null_text = "NA", .line_end = "\r\n"},
    {.delimiter = "-", .null_text = "a null text that is longer than a step of copying is"},
    {.delimiter = "xy||", .quote_all = 1},
    {.delimiter = ",", .quote_all = TOW_CSV_QUOTE_TEXT, .null_text = "127"},
};

static const struct naive kinds[] = {
    {.csv = &formats[0]}, {.csv = &formats[1]},           {.csv = &formats[2]},
    {.csv = &formats[3]}, {.csv = &formats[4]},           {.csv = &formats[5]},
    {.flags = 0},         {.flags = TOW_JSON_OMIT_NULLS}, {.flags = TOW_JSON_STRINGS},
};

static void test_random_batches_are_written_as_a_naive_writer_does(void **state)
{
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (size_t round = 0; round < 60; round++) {
        int64_t rows = 1 + (int64_t)random_below(&seed, 300);
        int64_t first = (int64_t)random_below(&seed, (uint64_t)rows);
        struct table table;

        table_init_random(&table, &seed, (size_t)rows);
        for (size_t kind = 0; kind < COUNT(kinds); kind++) {
            check_rows(&table, &kinds[kind], 0, rows);
            check_rows(&table, &kinds[kind], first, rows - first);
        }
        table_release(&table);
    }
}

/* Arrays of other libraries have no room behind their last text. */
static void test_nothing_is_read_behind_the_last_text(void **state)
{
    static const struct tow_field text[] = {{"a", {TOW_TYPE_STRING, 0, 0}, 0}};
    enum { ROWS = 70, LENGTH = 7 };
    struct foreign_batch batch;
    int32_t offsets[ROWS + 1];
    char *bytes = guard_end(*state, (size_t)ROWS * LENGTH);
    struct table table;

    for (int i = 0; i <= ROWS; i++)
        offsets[i] = i * LENGTH;
    for (int i = 0; i < ROWS * LENGTH; i++)
        bytes[i] = (char)(i % 50 == 49 ? '"' : 'a' + i % 26);
    table_init(&table, text, 1);
    foreign_init(&batch, ROWS);
    foreign_add(&batch, NULL, offsets, bytes);
    table.array = batch.array;
    for (size_t kind = 0; kind < COUNT(kinds); kind++)
        for (int64_t first = 0; first < ROWS; first += 23)
            check_rows(&table, &kinds[kind], first, ROWS - first);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_marks_stand_where_the_bytes_are, guard_setup,
                                        guard_teardown),
        cmocka_unit_test(test_random_batches_are_written_as_a_naive_writer_does),
        cmocka_unit_test_setup_teardown(test_nothing_is_read_behind_the_last_text, guard_setup,
                                        guard_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
