#include "unit.h"

#include "connectors/databricks/sql.h"
#include "guard.h"
#include "random.h"
#include "sql_reader.h"
#include "towpath/value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_string(const char *text, size_t length, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    assert_ok(tow_sql_string(&out, text, length, &err), err);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
    tow_buffer_release(&out);
}

static void test_strings_have_backslash_escapes(void **state)
{
    (void)state;
    assert_string("", 0, "''");
    assert_string("plain", 5, "'plain'");
    assert_string("it's", 4, "'it\\'s'");
    assert_string("C:\\", 3, "'C:\\\\'");
    assert_string("\\'", 2, "'\\\\\\''");
    assert_string("a\nb\rc\td", 7, "'a\\nb\\rc\\td'");
    assert_string("\\n", 2, "'\\\\n'");
    assert_string("100%_", 5, "'100%_'");
    assert_string("\x01\x1a\x7f\"`", 5, "'\x01\x1a\x7f\"`'");
    assert_string("\xf0\x9f\x98\x80", 4, "'\xf0\x9f\x98\x80'");
}

static void test_a_string_with_nul_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    (void)state;
    assert_int_equal(tow_sql_string(&out, "a\0b", 3, &err), TOW_E_DATA);
    assert_says(err, "NUL");
    assert_int_equal(out.size, 0);
    tow_buffer_release(&out);
}

static void test_what_is_not_utf8_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    (void)state;
    assert_int_equal(tow_sql_string(&out, "ab\xff", 3, &err), TOW_E_DATA);
    assert_says(err, "from byte 2");
    assert_int_equal(tow_sql_name(&out, "a\xc3", &err), TOW_E_CONFIG);
    assert_says(err, "from byte 1");
    assert_int_equal(out.size, 0);
    tow_buffer_release(&out);
}

static void assert_name(const char *name, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    assert_ok(tow_sql_name(&out, name, &err), err);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
    tow_buffer_release(&out);
}

static void test_names_stand_in_backticks(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    (void)state;
    assert_name("date", "`date`");
    assert_name("a`b", "`a``b`");
    assert_name("`", "````");
    assert_name("`; DROP TABLE t --", "```; DROP TABLE t --`");
    assert_name("a.b c\\'", "`a.b c\\'`");
    assert_int_equal(tow_sql_name(&out, "", &err), TOW_E_CONFIG);
    tow_buffer_release(&out);
}

/* Text of pieces that matter to a lexer. */
static size_t random_text(uint64_t *seed, char *text, size_t room)
{
    static const char *const pieces[] = {
        "'",  "''", "\\", "\\\\", "\\'", "`",  "``",   "\n",       "\r", "\t",  "\\n",
        "\\", "--", "/*", "*/",   ";",   "\"", "\x01", "\xc3\xa9", "a",  "r'",  "${x}",
        ":p", "?",  "%",  "_",    "\\%", " ",  "0",    "Z",        "u",  "\x1a"};
    size_t length = 0, count = random_below(seed, 12);

    while (count--) {
        const char *piece = pieces[random_below(seed, COUNT(pieces))];

        if (length + strlen(piece) >= room)
            break;
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    text[length] = '\0';
    return length;
}

static void test_quoted_text_reads_back_as_itself(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[64], back[256];

    for (int round = 0; round < 100000; round++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_buffer out = {0};
        size_t length = random_text(&seed, text, sizeof text);

        assert_ok(tow_sql_string(&out, guard_text(*state, text, length), length, &err), err);
        assert_int_equal(sql_read_string(out.data, out.size, back), (long)length);
        assert_memory_equal(back, text, length);
        out.size = 0;
        if (length) {
            assert_ok(tow_sql_name(&out, text, &err), err);
            assert_int_equal(sql_read_name(out.data, out.size, back), (long)length);
            assert_memory_equal(back, text, length);
        }
        tow_buffer_release(&out);
    }
}

static void assert_table(const char *text, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    struct tow_sql_table table;

    assert_ok(tow_sql_table_parse(&table, text, &err), err);
    assert_ok(tow_sql_table(&out, &table, &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    assert_string_equal(out.data, expected);
    tow_buffer_release(&out);
    tow_sql_table_release(&table);
}

static void test_a_table_has_up_to_three_parts(void **state)
{
    (void)state;
    assert_table("vip", "`vip`");
    assert_table("crm.vip", "`crm`.`vip`");
    assert_table("main.crm.vip", "`main`.`crm`.`vip`");
    assert_table("main.my-schema.t$1", "`main`.`my-schema`.`t$1`");
    assert_table("`main`.crm.`a.b`", "`main`.`crm`.`a.b`");
    assert_table("m.s.`tick``s`", "`m`.`s`.`tick``s`");
    assert_table("m.s.caf\xc3\xa9", "`m`.`s`.`caf\xc3\xa9`");
    assert_table("m.s.x';DROP", "`m`.`s`.`x';DROP`");
}

static void test_what_is_no_table_name_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "empty"},
        {".", "empty"},
        {"a.", "empty"},
        {".a", "empty"},
        {"a..b", "empty"},
        {"``", "empty"},
        {"a.b.c.d", "more than 3 parts"},
        {"a.b.c.", "more than 3 parts"},
        {"`a", "backtick"},
        {"`a``", "backtick"},
        {"a`b", "backtick"},
        {"`a`b", "backtick"},
        {"a.`b`c", "backtick"},
        {"a b", "0x20"},
        {" a", "0x20"},
        {"a.b\n", "0x0a"},
        {"delta.`/mnt/x`", "0x2f"},
        {"a\x7f", "0x7f"},
        {"a\xff", "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_sql_table table;

        if (tow_sql_table_parse(&table, cases[i].text, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" was taken", cases[i].text);
        assert_says(err, cases[i].reason);
        assert_int_equal(table.count, 0);
        tow_sql_table_release(&table);
    }
}

static void test_a_part_may_have_255_characters(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_sql_table table;
    char text[3 + 2 * 256 + 1] = "m.";

    (void)state;
    for (int i = 0; i < 255; i++)
        strcat(text, "\xc3\xa9");
    assert_ok(tow_sql_table_parse(&table, text, &err), err);
    assert_int_equal(strlen(table.parts[1]), 510);
    tow_sql_table_release(&table);
    strcat(text, "e");
    assert_int_equal(tow_sql_table_parse(&table, text, &err), TOW_E_CONFIG);
    assert_says(err, "256 characters, 255 are allowed");
}

static void sibling_of(const char *text, const char *suffix, struct tow_sql_table *sibling)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_sql_table table;

    assert_ok(tow_sql_table_parse(&table, text, &err), err);
    assert_ok(tow_sql_table_sibling(sibling, &table, suffix, &err), err);
    tow_sql_table_release(&table);
}

static void test_a_sibling_lies_in_the_same_schema(void **state)
{
    struct tow_sql_table sibling;

    (void)state;
    sibling_of("main.crm.vip", "__load", &sibling);
    assert_int_equal(sibling.count, 3);
    assert_string_equal(sibling.parts[0], "main");
    assert_string_equal(sibling.parts[1], "crm");
    assert_string_equal(sibling.parts[2], "vip__load");
    tow_sql_table_release(&sibling);
}

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void test_siblings_of_long_names_are_cut_and_differ(void **state)
{
    struct tow_sql_table siblings[2];
    char names[2][512] = {"", ""};

    (void)state;
    for (int i = 0; i < 250; i++) {
        strcat(names[0], "\xc3\xa9");
        strcat(names[1], "\xc3\xa9");
    }
    strcat(names[0], "a");
    strcat(names[1], "b");
    for (int i = 0; i < 2; i++) {
        sibling_of(names[i], "__load", &siblings[i]);
        assert_int_equal(characters(siblings[i].parts[0]), 255);
        assert_true(tow_utf8_valid(siblings[i].parts[0], strlen(siblings[i].parts[0])));
        assert_non_null(strstr(siblings[i].parts[0], "__load"));
    }
    assert_string_not_equal(siblings[0].parts[0], siblings[1].parts[0]);
    tow_sql_table_release(&siblings[0]);
    sibling_of(names[1], "__load", &siblings[0]);
    assert_string_equal(siblings[0].parts[0], siblings[1].parts[0]);
    tow_sql_table_release(&siblings[0]);
    tow_sql_table_release(&siblings[1]);
}

static void test_a_suffix_beyond_its_bound_is_a_bug(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_sql_table table, sibling;
    char suffix[102];

    (void)state;
    memset(suffix, 'x', sizeof suffix - 1);
    suffix[sizeof suffix - 1] = '\0';
    assert_ok(tow_sql_table_parse(&table, "t", &err), err);
    assert_int_equal(tow_sql_table_sibling(&sibling, &table, suffix, &err), TOW_E_BUG);
    tow_sql_table_release(&table);
    tow_sql_table_release(&sibling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_have_backslash_escapes),
        cmocka_unit_test(test_a_string_with_nul_is_refused),
        cmocka_unit_test(test_what_is_not_utf8_is_refused),
        cmocka_unit_test(test_names_stand_in_backticks),
        cmocka_unit_test(test_quoted_text_reads_back_as_itself),
        cmocka_unit_test(test_a_table_has_up_to_three_parts),
        cmocka_unit_test(test_what_is_no_table_name_is_refused),
        cmocka_unit_test(test_a_part_may_have_255_characters),
        cmocka_unit_test(test_a_sibling_lies_in_the_same_schema),
        cmocka_unit_test(test_siblings_of_long_names_are_cut_and_differ),
        cmocka_unit_test(test_a_suffix_beyond_its_bound_is_a_bug),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
