#include "unit.h"

#include <jansson.h>

#include "foreign.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- every alignment ------------------------------------------------------------------------ */

static size_t naive_csv(char *p, const char *text, size_t length)
{
    const char *start = p;
    int quote = length == 0;

    for (size_t i = 0; i < length; i++)
        quote |= text[i] && strchr(",\"\r\n", text[i]);
    if (quote)
        *p++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            *p++ = '"';
        *p++ = text[i];
    }
    if (quote)
        *p++ = '"';
    *p++ = '\n';
    return (size_t)(p - start);
}

static size_t naive_json(char *p, const char *text, size_t length)
{
    static const char shorts[] = "\b\f\n\r\t\"\\";
    static const char letters[] = "bfnrt\"\\";
    const char *start = p;

    p += sprintf(p, "{\"a\":\"");
    for (size_t i = 0; i < length; i++) {
        const char *found = text[i] ? strchr(shorts, text[i]) : NULL;

        if (found)
            p += sprintf(p, "\\%c", letters[found - shorts]);
        else if ((unsigned char)text[i] < 0x20)
            p += sprintf(p, "\\u%04x", (unsigned char)text[i]);
        else
            *p++ = text[i];
    }
    p += sprintf(p, "\"}\n");
    return (size_t)(p - start);
}

/* One row whose text ends exactly where its memory ends, so that a read beyond shows. */
static void check_text(const struct ArrowSchema *schema, const char *text, size_t length)
{
    char expected[4096];
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {NULL, 0, 0};
    struct foreign_batch batch;
    const int32_t offsets[] = {0, (int32_t)length};
    char *exact = malloc(length + !length);
    struct tow_csv_writer *csv = tow_csv_writer_new(schema, NULL, &err);
    struct tow_json_writer *json = tow_json_writer_new(schema, 0, &err);
    size_t size;

    assert_non_null(exact);
    assert_non_null(csv);
    assert_non_null(json);
    memcpy(exact, text, length);
    foreign_init(&batch, 1);
    foreign_add(&batch, NULL, offsets, exact);

    size = naive_csv(expected, text, length);
    assert_ok(tow_csv_writer_rows(csv, &batch.array, 0, 1, &out, &err), err);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);

    out.size = 0;
    size = naive_json(expected, text, length);
    assert_ok(tow_json_writer_rows(json, &batch.array, 0, 1, &out, &err), err);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);

    batch.array.release(&batch.array);
    tow_csv_writer_free(csv);
    tow_json_writer_free(json);
    tow_buffer_release(&out);
    free(exact);
}

static void test_special_bytes_are_found_at_every_place(void **state)
{
    static const char specials[] = "\",\r\n\\\b\f\t\x01\x1f\x00 \x7f\x80";
    struct table table;
    char text[50];

    (void)state;
    table_init_strings(&table, 1);
    for (size_t length = 0; length <= 49; length++) {
        memset(text, 'x', sizeof text);
        check_text(&table.schema, text, length);
        for (size_t at = 0; at < length; at++) {
            text[at] = specials[(length + at) % (sizeof specials - 1)];
            check_text(&table.schema, text, length);
            text[at] = 'x';
        }
    }
    for (size_t i = 0; i < sizeof specials - 1; i++) {
        memset(text, specials[i], sizeof text);
        check_text(&table.schema, text, sizeof text);
    }
    table_release(&table);
}

/* ---- slices, groups ------------------------------------------------------------------------- */

static void test_offsets_of_batch_and_columns_are_honoured(void **state)
{
    static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT16, 0, 0}, 0},
                                              {"s", {TOW_TYPE_STRING, 0, 0}, 0},
                                              {"t", {TOW_TYPE_BOOL, 0, 0}, 0}};
    static const int16_t numbers[] = {1, 2, 3, 4, 5, 6, 7};
    static const int32_t offsets[] = {0, 1, 2, 3, 4, 5};
    static const uint8_t number_validity[] = {0x2f}; /* 5 is null */
    static const uint8_t bits[] = {0x08};
    struct foreign_batch batch;
    struct table table;

    (void)state;
    table_init(&table, fields, COUNT(fields));
    foreign_init(&batch, 3);
    batch.array.offset = 1;
    foreign_add(&batch, number_validity, numbers, NULL)->offset = 2;
    foreign_add(&batch, NULL, offsets, "abcde");
    foreign_add(&batch, NULL, bits, NULL);
    for (int i = 0; i < 3; i++)
        batch.child[i].length = 4;
    table.array = batch.array;
    assert_string_equal(table_csv(&table, NULL, 0), "4,b,false\n,c,false\n6,d,true\n");
    assert_string_equal(table_json(&table, 0), "{\"n\":4,\"s\":\"b\",\"t\":false}\n"
                                               "{\"n\":null,\"s\":\"c\",\"t\":false}\n"
                                               "{\"n\":6,\"s\":\"d\",\"t\":true}\n");
    table_release(&table);
}

static void test_any_run_of_rows_can_be_written(void **state)
{
    enum { ROWS = 300 };
    static const int64_t runs[][2] = {{0, 0}, {0, 1}, {299, 1}, {63, 2}, {1, 298}, {128, 64}};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_csv_writer *csv;
    struct tow_json_writer *json;
    struct table table;

    (void)state;
    table_init_strings(&table, 1);
    for (int row = 0; row < ROWS; row++) {
        char text[16];

        snprintf(text, sizeof text, "r%d", row);
        table_put_text(&table, 0, text);
        table_end_row(&table);
    }
    table_finish(&table);
    csv = tow_csv_writer_new(&table.schema, NULL, &err);
    json = tow_json_writer_new(&table.schema, 0, &err);
    for (size_t i = 0; i < COUNT(runs); i++) {
        char expected[32 * ROWS], *p = expected;

        table.text.size = 0;
        assert_ok(tow_csv_writer_rows(csv, &table.array, runs[i][0], runs[i][1], &table.text, &err),
                  err);
        assert_ok(
            tow_json_writer_rows(json, &table.array, runs[i][0], runs[i][1], &table.text, &err),
            err);
        for (int64_t row = runs[i][0]; row < runs[i][0] + runs[i][1]; row++)
            p += sprintf(p, "r%d\n", (int)row);
        for (int64_t row = runs[i][0]; row < runs[i][0] + runs[i][1]; row++)
            p += sprintf(p, "{\"a\":\"r%d\"}\n", (int)row);
        *p = '\0';
        assert_string_equal(table_text(&table), expected);
    }
    assert_ok(tow_json_writer_object(json, &table.array, 7, &table.text, &err), err);
    assert_string_equal(table_text(&table), "{\"a\":\"r7\"}");
    tow_csv_writer_free(csv);
    tow_json_writer_free(json);
    table_release(&table);
}

/* ---- round trips ---------------------------------------------------------------------------- */

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* UTF-8 that is rich in what writers must look at. */
static size_t random_text(uint64_t *seed, char *text, size_t most)
{
    static const char *const pieces[] = {"\"",
                                         ",",
                                         "\n",
                                         "\r",
                                         "\\",
                                         "a",
                                         "bc",
                                         "\t",
                                         "\1",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x9a\xa2",
                                         " ",
                                         "0",
                                         "'",
                                         "long enough to fill a block"};
    size_t count = random_next(seed) % 12, length = 0;

    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_next(seed) % COUNT(pieces)];

        if (length + strlen(piece) > most)
            break;
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    return length;
}

enum { TRIP_ROWS = 2000, TRIP_COLUMNS = 3, TRIP_TEXT = 120 };

struct trip {
    char text[TRIP_TEXT];
    size_t length;
    int is_null;
};

static struct trip trips[TRIP_ROWS][TRIP_COLUMNS];

static void table_init_trips(struct table *table)
{
    uint64_t seed = 42;

    table_init_strings(table, TRIP_COLUMNS);
    for (size_t row = 0; row < TRIP_ROWS; row++) {
        for (size_t i = 0; i < TRIP_COLUMNS; i++) {
            struct trip *trip = &trips[row][i];

            trip->is_null = random_next(&seed) % 8 == 0;
            trip->length = random_text(&seed, trip->text, TRIP_TEXT);
            table_put_bytes(table, i, trip->is_null ? NULL : trip->text, trip->length);
        }
        table_end_row(table);
    }
    table_finish(table);
}

/* Reads one field by RFC 4180 into `text`; stops at the delimiter or line end. */
static const char *read_field(const char *p, const char *delimiter, struct trip *out)
{
    out->length = 0;
    out->is_null = *p != '"';
    if (*p != '"') {
        while (*p != '\n' && strncmp(p, delimiter, strlen(delimiter)) != 0)
            out->text[out->length++] = *p++;
        out->is_null = out->length == 0;
        return p;
    }
    for (p++; p[0] != '"' || p[1] == '"'; p++) {
        p += *p == '"';
        out->text[out->length++] = *p;
    }
    return p + 1;
}

static void test_csv_reads_back_as_written(void **state)
{
    static const char *const delimiters[] = {",", "a", "bc", "long"};
    struct table table;

    (void)state;
    table_init_trips(&table);
    for (size_t i = 0; i < COUNT(delimiters); i++) {
        const struct tow_csv_format format = {.delimiter = delimiters[i]};
        const char *p = table_csv(&table, &format, 0);

        for (size_t cell = 0; cell < TRIP_ROWS * TRIP_COLUMNS; cell++) {
            const struct trip *trip = &trips[cell / TRIP_COLUMNS][cell % TRIP_COLUMNS];
            struct trip seen;

            p = read_field(p, delimiters[i], &seen);
            assert_int_equal(seen.is_null, trip->is_null);
            if (!trip->is_null) {
                assert_int_equal(seen.length, trip->length);
                assert_memory_equal(seen.text, trip->text, trip->length);
            }
            p += cell % TRIP_COLUMNS == TRIP_COLUMNS - 1 ? 1 : strlen(delimiters[i]);
        }
        assert_int_equal(*p, '\0');
    }
    table_release(&table);
}

static void test_json_reads_back_as_written(void **state)
{
    static const char *const names[TRIP_COLUMNS] = {"a", "b", "c"};
    struct table table;
    const char *p;

    (void)state;
    table_init_trips(&table);
    p = table_json(&table, 0);
    for (size_t row = 0; row < TRIP_ROWS; row++) {
        size_t length = (size_t)(strchr(p, '\n') - p);
        json_t *object = json_loadb(p, length, JSON_ALLOW_NUL, NULL);

        assert_non_null(object);
        for (size_t i = 0; i < TRIP_COLUMNS; i++) {
            const struct trip *trip = &trips[row][i];
            const json_t *value = json_object_get(object, names[i]);

            assert_int_equal(json_is_null(value), trip->is_null);
            if (trip->is_null)
                continue;
            assert_int_equal(json_string_length(value), trip->length);
            assert_memory_equal(json_string_value(value), trip->text, trip->length);
        }
        json_decref(object);
        p += length + 1;
    }
    assert_int_equal(*p, '\0');
    table_release(&table);
}

/* ---- the buffer ----------------------------------------------------------------------------- */

static void test_buffer_grows_and_keeps_what_it_holds(void **state)
{
    struct tow_buffer buffer = {NULL, 0, 0};
    struct tow_error err = TOW_ERROR_INIT;
    char text[5000];

    (void)state;
    assert_ok(tow_buffer_append(&buffer, NULL, 0, &err), err);
    assert_non_null(buffer.data);
    for (int i = 0; i < 1000; i++)
        assert_ok(tow_buffer_append(&buffer, &(char){(char)i}, 1, &err), err);
    assert_int_equal(buffer.size, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer.data[i], (char)i);
    buffer.size = 0;
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_ok(tow_buffer_printf(&buffer, &err, "%d-%s", 7, text), err);
    assert_int_equal(buffer.size, 2 + sizeof text - 1);
    assert_memory_equal(buffer.data, "7-yyy", 5);
    assert_int_equal(buffer.data[buffer.size - 1], 'y');
    assert_int_equal(tow_buffer_reserve(&buffer, SIZE_MAX - 10, &err), TOW_E_NOMEM);
    tow_buffer_release(&buffer);
    assert_null(buffer.data);
    tow_buffer_release(&buffer);
}

static void test_json_string_repairs_what_is_not_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *expected;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xe2\x82", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\x80\n", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\\n\""},
        {"\xf0\x9f\x9a\xa2", 4, "\"\xf0\x9f\x9a\xa2\""},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_buffer buffer = {NULL, 0, 0};

        assert_ok(tow_buffer_json_string(&buffer, cases[i].text, cases[i].length, &err), err);
        assert_int_equal(buffer.size, strlen(cases[i].expected));
        assert_memory_equal(buffer.data, cases[i].expected, buffer.size);
        tow_buffer_release(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_bytes_are_found_at_every_place),
        cmocka_unit_test(test_offsets_of_batch_and_columns_are_honoured),
        cmocka_unit_test(test_any_run_of_rows_can_be_written),
        cmocka_unit_test(test_csv_reads_back_as_written),
        cmocka_unit_test(test_json_reads_back_as_written),
        cmocka_unit_test(test_buffer_grows_and_keeps_what_it_holds),
        cmocka_unit_test(test_json_string_repairs_what_is_not_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
