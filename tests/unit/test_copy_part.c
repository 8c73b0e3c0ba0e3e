#include "unit.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "plugins/databricks_copy/nul.h"
#include "plugins/databricks_copy/part.h"
#include "random.h"
#include "scratch.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *folder_of(void **state)
{
    const struct scratch *scratch = *state;

    return scratch->folder;
}

static struct tow_copy_part *part_of(void **state, const struct table *table, int is_json,
                                     int has_ordinal)
{
    const struct tow_copy_part_spec spec = {.schema = &table->schema,
                                            .is_json = is_json,
                                            .null_text = "~null",
                                            .spool = folder_of(state),
                                            .has_ordinal = has_ordinal};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_copy_part *part = tow_copy_part_new(&spec, &err);

    if (!part)
        fail_msg("%s", err.message);
    return part;
}

/* What is in the part's file; heap. */
static char *content(struct tow_copy_part *part)
{
    enum { SIZE = 4 << 20 };
    char *text = malloc(SIZE);
    int fd = dup(tow_copy_part_fd(part)), length;
    gzFile file;

    assert_non_null(text);
    assert_int_equal(lseek(fd, 0, SEEK_END), tow_copy_part_bytes(part));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    file = gzdopen(fd, "r");
    length = gzread(file, text, SIZE - 1);
    assert_true(length >= 0);
    assert_int_equal(gzclose(file), Z_OK);
    text[length] = '\0';
    return text;
}

static void assert_content(struct tow_copy_part *part, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    char *text;

    assert_ok(tow_copy_part_seal(part, &err), err);
    text = content(part);
    assert_string_equal(text, expected);
    free(text);
}

static void add_odd_rows(struct table *table)
{
    static const char *const rows[][2] = {{"", NULL},
                                          {"a\"b", "\\"},
                                          {"a\r\nb", "c\nd"},
                                          {"~null", "null"},
                                          {"\\N", "\x01\x1f\x7f\xc2\x85\xf0\x9f\x98\x80"}};

    table_init_strings(table, 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add_row(table, rows[i], 2);
    table_finish(table);
}

static void test_every_text_is_quoted_and_only_null_is_the_token(void **state)
{
    struct table table;
    struct tow_copy_part *part;

    add_odd_rows(&table);
    part = part_of(state, &table, 0, 0);
    assert_ok(tow_copy_part_add(part, &table.array, 0, 0, 5, &table.err), table.err);
    assert_int_equal(tow_copy_part_rows(part), 5);
    assert_content(part, "\"\",~null\n"
                         "\"a\"\"b\",\"\\\"\n"
                         "\"a\r\nb\",\"c\nd\"\n"
                         "\"~null\",\"null\"\n"
                         "\"\\N\",\"\x01\x1f\x7f\xc2\x85\xf0\x9f\x98\x80\"\n");
    tow_copy_part_free(part);
    table_release(&table);
}

/* For a table that takes its columns from there; in each part, and no row of it. */
static void test_a_header_has_the_names_of_the_columns(void **state)
{
    static const char *const rows[][2] = {{"1", "x"}, {"2", NULL}};
    struct tow_copy_part_spec spec = {.null_text = "~null", .has_header = 1};
    struct tow_copy_part *part;
    struct table table;

    table_init_strings(&table, 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add_row(&table, rows[i], 2);
    table_finish(&table);
    spec.schema = &table.schema;
    spec.spool = folder_of(state);
    part = tow_copy_part_new(&spec, &table.err);
    assert_non_null(part);
    for (int64_t i = 0; i < 2; i++) {
        assert_int_equal(tow_copy_part_rows(part) + tow_copy_part_text(part), 0);
        assert_ok(tow_copy_part_add(part, &table.array, 0, i, 1, &table.err), table.err);
        assert_int_equal(tow_copy_part_rows(part), 1);
        assert_content(part, i == 0 ? "\"a\",\"b\"\n\"1\",\"x\"\n" : "\"a\",\"b\"\n\"2\",~null\n");
        assert_ok(tow_copy_part_clear(part, &table.err), table.err);
    }
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_json_has_all_keys_and_all_values_are_strings(void **state)
{
    static const struct tow_field fields[] = {{"a.b", {TOW_TYPE_DECIMAL, 38, 20}, 0},
                                              {"j", {TOW_TYPE_JSON, 0, 0}, 0}};
    struct table table;
    struct tow_copy_part *part;

    table_init(&table, fields, 2);
    assert_ok(tow_append_decimal(table.builder, 0, (struct tow_decimal){1, 0}, &table.err),
              table.err);
    table_put_text(&table, 1, "{\"k\": 0.10}");
    table_end_row(&table);
    table_end_row(&table);
    table_finish(&table);
    part = part_of(state, &table, 1, 1);
    assert_ok(tow_copy_part_add(part, &table.array, 3, 0, 2, &table.err), table.err);
    assert_content(
        part,
        "{\"c0\":\"0.00000000000000000001\",\"c1\":\"{\\\"k\\\": 0.10}\",\"c2\":\"12884901888\"}\n"
        "{\"c0\":null,\"c1\":null,\"c2\":\"12884901889\"}\n");
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_rows_are_numbered_for_a_merge(void **state)
{
    static const char *const rows[] = {"a", "b", "c", "d"};
    struct tow_share *share;
    struct ArrowArray slice;
    struct table table;
    struct tow_copy_part *part;

    table_init_strings(&table, 1);
    for (size_t i = 0; i < COUNT(rows); i++)
        table_add_row(&table, &rows[i], 1);
    table_finish(&table);
    part = part_of(state, &table, 0, 1);
    assert_ok(tow_copy_part_add(part, &table.array, 0, 0, 1, &table.err), table.err);
    /* Numbers count from the batch's start, also in a slice with an offset. */
    share = tow_share_new(&table.array, &table.err);
    assert_ok(tow_share_slice(share, 1, 3, &slice, &table.err), table.err);
    assert_ok(tow_copy_part_add(part, &slice, 1, 1, 2, &table.err), table.err);
    assert_content(part, "\"a\",0\n\"c\",4294967297\n\"d\",4294967298\n");
    assert_int_equal(tow_copy_part_add(part, &slice, 1, 0, 1, &table.err), TOW_E_BUG);
    assert_ok(tow_copy_part_clear(part, &table.err), table.err);
    assert_int_equal(tow_copy_part_add(part, &slice, (uint64_t)INT32_MAX + 1, 0, 1, &table.err),
                     TOW_E_UNSUPPORTED);
    assert_says(table.err, "2147483648");
    slice.release(&slice);
    tow_share_unref(share);
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_a_part_can_be_sealed_twice_and_used_again(void **state)
{
    static const char *const row = "x";
    struct table table;
    struct tow_copy_part *part;

    table_init_strings(&table, 1);
    table_add_row(&table, &row, 1);
    table_finish(&table);
    part = part_of(state, &table, 0, 0);
    for (int i = 0; i < 3; i++) {
        assert_ok(tow_copy_part_add(part, &table.array, 0, 0, 1, &table.err), table.err);
        assert_content(part, "\"x\"\n");
        assert_content(part, "\"x\"\n");
        assert_true(tow_copy_part_is_sealed(part));
        assert_ok(tow_copy_part_clear(part, &table.err), table.err);
        assert_false(tow_copy_part_is_sealed(part));
        assert_int_equal(tow_copy_part_rows(part), 0);
        assert_int_equal(tow_copy_part_bytes(part), 0);
    }
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_much_text_is_compressed_as_it_comes(void **state)
{
    struct table table;
    struct tow_copy_part *part;
    uint64_t seed = 1;
    char *text, *p;

    table_init_strings(&table, 1);
    for (int i = 0; i < 5000; i++) {
        char line[128];
        const char *cell = line;

        snprintf(line, sizeof line, "%010d", i);
        for (int j = 10; j < 100; j++)
            line[j] = (char)('a' + random_next(&seed) % 26);
        line[100] = '\0';
        table_add_row(&table, &cell, 1);
    }
    table_finish(&table);
    part = part_of(state, &table, 0, 0);
    for (int i = 0; i < 4; i++)
        assert_ok(tow_copy_part_add(part, &table.array, 0, 0, 5000, &table.err), table.err);
    assert_true(tow_copy_part_bytes(part) > 0);
    assert_ok(tow_copy_part_seal(part, &table.err), table.err);
    assert_int_equal(tow_copy_part_rows(part), 20000);
    text = p = content(part);
    for (int i = 0; i < 20000; i++, p += 103)
        assert_int_equal(strtol(p + 1, NULL, 10), i % 5000);
    assert_string_equal(p, "");
    free(text);
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_nothing_shows_in_the_spool(void **state)
{
    struct table table;
    struct tow_copy_part *part;
    struct stat st;

    add_odd_rows(&table);
    part = part_of(state, &table, 0, 0);
    assert_int_equal(fstat(tow_copy_part_fd(part), &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    tow_copy_part_free(part);
    table_release(&table);
}

static void test_a_spool_that_cannot_be_is_named(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    char path[300];

    assert_ok(tow_copy_spool_check(folder_of(state), &err), err);
    snprintf(path, sizeof path, "%s/missing", folder_of(state));
    assert_int_equal(tow_copy_spool_check(path, &err), TOW_E_ENV);
    assert_says(err, path);
    assert_string_equal(tow_copy_spool_folder("/x"), "/x");
    assert_int_equal(setenv("TMPDIR", "/t", 1), 0);
    assert_string_equal(tow_copy_spool_folder(NULL), "/t");
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_string_equal(tow_copy_spool_folder(NULL), "/var/tmp");
}

/* ---- NUL ------------------------------------------------------------------------------------ */

static void test_rows_with_nul_are_found(void **state)
{
    struct table table;
    struct tow_cursor cursor;
    int64_t column = -1;

    (void)state;
    table_init_strings(&table, 2);
    for (int i = 0; i < 6; i++) {
        if (i == 1 || i == 5)
            table_put_bytes(&table, 1, "a\0b", 3);
        else if (i == 2)
            table_put_bytes(&table, 0, "\0", 1);
        else
            table_put_text(&table, 0, i == 3 ? "" : "text");
        table_end_row(&table);
    }
    table_finish(&table);
    assert_ok(tow_cursor_init(&cursor, &table.schema, &table.err), table.err);
    tow_cursor_batch(&cursor, &table.array);
    assert_int_equal(tow_copy_next_nul(&cursor, 0, &column), 1);
    assert_int_equal(column, 1);
    assert_int_equal(tow_copy_next_nul(&cursor, 2, &column), 2);
    assert_int_equal(column, 0);
    assert_int_equal(tow_copy_next_nul(&cursor, 3, &column), 5);
    assert_int_equal(tow_copy_next_nul(&cursor, 6, &column), 6);
    tow_cursor_release(&cursor);
    table_release(&table);
}

static void test_what_lies_under_a_null_is_no_text(void **state)
{
    static const char bytes[TOW_BUFFER_SLACK] = "\0\0x\0";
    static const int32_t offsets[] = {0, 1, 2, 3, 4};
    static const uint8_t validity[] = {0x0c}; /* rows 2 and 3 */
    const void *buffers[] = {validity, offsets, bytes};
    struct ArrowArray column = {.length = 4, .null_count = 2, .n_buffers = 3, .buffers = buffers};
    struct ArrowArray *children[] = {&column};
    const void *none[] = {NULL};
    const struct ArrowArray array = {
        .length = 4, .n_buffers = 1, .buffers = none, .n_children = 1, .children = children};
    struct tow_cursor cursor;
    struct table table;
    int64_t at;

    (void)state;
    table_init_strings(&table, 1);
    table_finish(&table);
    assert_ok(tow_cursor_init(&cursor, &table.schema, &table.err), table.err);
    tow_cursor_batch(&cursor, &array);
    assert_int_equal(tow_copy_next_nul(&cursor, 0, &at), 3);
    tow_cursor_release(&cursor);
    table_release(&table);
}

#define PART_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PART_TEST(test_every_text_is_quoted_and_only_null_is_the_token),
        PART_TEST(test_a_header_has_the_names_of_the_columns),
        PART_TEST(test_json_has_all_keys_and_all_values_are_strings),
        PART_TEST(test_rows_are_numbered_for_a_merge),
        PART_TEST(test_a_part_can_be_sealed_twice_and_used_again),
        PART_TEST(test_much_text_is_compressed_as_it_comes),
        PART_TEST(test_nothing_shows_in_the_spool),
        PART_TEST(test_a_spool_that_cannot_be_is_named),
        cmocka_unit_test(test_rows_with_nul_are_found),
        cmocka_unit_test(test_what_lies_under_a_null_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
