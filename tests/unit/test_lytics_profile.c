/* The source lytics_audience: columns, values, which profiles it has handed out, and its position.
 */
#include "unit.h"

#include "fake_host.h"
#include "plugins/lytics_audience/position.h"
#include "plugins/lytics_audience/profile.h"
#include "plugins/lytics_audience/seen.h"
#include "towpath/rowtext.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- columns -------------------------------------------------------------------------------- */

static void add(struct tow_member_columns *columns, const char *field, enum tow_lytics_kind kind)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_member_columns_add(columns, field, kind, &err), err);
}

static void test_names_are_changed_where_a_table_cannot_have_them(void **state)
{
    static const struct {
        const char *field, *name;
    } cases[] = {
        {"First Name", "First_Name2"},
        {"first_name", "first_name"},
        {"FIRST_NAME", "FIRST_NAME3"},
        {"First_name1", "First_name1"},
        {"a,b;c{d}e(f)g=h\ti\nj", "a_b_c_d_e_f_g_h_i_j"},
        {"dots.stay", "dots.stay"},
        {"\xc3\xa9", "\xc3\xa9"},
    };
    struct tow_member_columns columns = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        add(&columns, cases[i].field, TOW_LYTICS_TEXT);
    add(&columns, "first_name", TOW_LYTICS_INT); /* once more: the first counts */
    assert_int_equal(columns.count, COUNT(cases));
    assert_ok(tow_member_columns_end(&columns, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(columns.items[i].name, cases[i].name);
        assert_int_equal(tow_member_columns_find(&columns, cases[i].field, strlen(cases[i].field)),
                         i);
    }
    assert_int_equal(tow_member_columns_find(&columns, "first_nam", 9), -1);
    assert_int_equal(tow_member_columns_find(&columns, "first_name_", 11), -1);
    assert_int_equal(tow_member_columns_find(&columns, "", 0), -1);
    assert_int_equal(columns.items[1].kind, TOW_LYTICS_TEXT);
    tow_member_columns_release(&columns);
}

static void test_fields_are_picked_in_their_order(void **state)
{
    static const char *const names[] = {"b", "a"}, *const wrong[] = {"a", "z"};
    struct tow_member_columns columns = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    add(&columns, "a", TOW_LYTICS_INT);
    add(&columns, "b", TOW_LYTICS_TIME);
    add(&columns, "c", TOW_LYTICS_TEXT);
    assert_int_equal(tow_member_columns_pick(&columns, &(struct tow_strings){wrong, 2}, &err),
                     TOW_E_CONFIG);
    assert_says(err, "no field \"z\" (of 3)");
    assert_int_equal(columns.count, 3);
    assert_ok(tow_member_columns_pick(&columns, &(struct tow_strings){names, 2}, &err), err);
    assert_int_equal(columns.count, 2);
    assert_string_equal(columns.items[0].field, "b");
    assert_int_equal(columns.items[0].kind, TOW_LYTICS_TIME);
    tow_member_columns_release(&columns);
    assert_int_equal(tow_member_columns_end(&columns, &err), TOW_E_CONFIG);
    assert_says(err, "no fields");
}

/* ---- profiles ------------------------------------------------------------------------------- */

struct maker {
    struct tow_member_columns columns;
    struct ArrowSchema schema;
    struct tow_profile_maker maker;
    struct tow_error err;
};

static void maker_init(struct maker *m, int is_text)
{
    memset(m, 0, sizeof *m);
    m->err = (struct tow_error)TOW_ERROR_INIT;
    add(&m->columns, "s", TOW_LYTICS_TEXT);
    add(&m->columns, "b", TOW_LYTICS_BOOL);
    add(&m->columns, "i", TOW_LYTICS_INT);
    add(&m->columns, "n", TOW_LYTICS_NUMBER);
    add(&m->columns, "t", TOW_LYTICS_TIME);
    add(&m->columns, "o", TOW_LYTICS_OTHER);
    assert_ok(tow_member_columns_end(&m->columns, &m->err), m->err);
    assert_ok(tow_member_columns_schema(&m->columns, is_text, &m->schema, &m->err), m->err);
    m->maker.columns = &m->columns;
    m->maker.is_text = is_text;
    m->maker.builder = tow_builder_new_schema(&m->schema, &m->err);
    assert_non_null(m->maker.builder);
    assert_ok(tow_profile_maker_init(&m->maker, &m->err), m->err);
}

static void maker_release(struct maker *m)
{
    tow_builder_free(m->maker.builder);
    tow_profile_maker_release(&m->maker);
    tow_member_columns_release(&m->columns);
    m->schema.release(&m->schema);
}

static int put(struct maker *m, const char *profile)
{
    m->err = (struct tow_error)TOW_ERROR_INIT;
    assert_true(tow_json_valid(profile, strlen(profile), 100));
    return tow_profile_put(&m->maker, (struct tow_json_part){profile, strlen(profile)}, &m->err);
}

static void assert_rows(struct maker *m, const char *expected)
{
    struct tow_json_writer *writer = tow_json_writer_new(&m->schema, 0, &m->err);
    struct tow_buffer out = {.data = NULL};
    struct ArrowArray array;

    assert_non_null(writer);
    assert_ok(tow_builder_finish(m->maker.builder, &array, &m->err), m->err);
    assert_ok(tow_json_writer_rows(writer, &array, 0, array.length, &out, &m->err), m->err);
    assert_ok(tow_buffer_append(&out, "", 1, &m->err), m->err);
    assert_string_equal(out.data, expected);
    array.release(&array);
    tow_buffer_release(&out);
    tow_json_writer_free(writer);
}

static void test_values_become_those_of_their_columns(void **state)
{
    struct maker m;

    (void)state;
    maker_init(&m, 0);
    assert_ok(put(&m, "{\"s\":\"a\\u0041\",\"b\":\"t\",\"i\":\"50\",\"n\":\"1.5\","
                      "\"t\":\"2026-01-02T03:04:05.123456789+02:00\",\"o\":{\"x\": [1.50]}}"),
              m.err);
    assert_ok(put(&m, "{\"s\":12,\"b\":false,\"i\":9007199254740993,\"n\":2,\"t\":\"2026-01-02\","
                      "\"o\":\"x\"}"),
              m.err);
    assert_ok(put(&m, "{\"s\":[1],\"b\":1,\"i\":-5.0,\"n\":\"\",\"t\":null,\"z\":{},\"i\":7}"),
              m.err);
    assert_ok(put(&m, "{\"\\u0073\":\"\",\"\\ud800\":1}"), m.err);
    assert_rows(&m, "{\"s\":\"aA\",\"b\":true,\"i\":50,\"n\":1.5,"
                    "\"t\":\"2026-01-02T01:04:05.123456Z\",\"o\":{\"x\": [1.50]}}\n"
                    "{\"s\":\"12\",\"b\":false,\"i\":9007199254740993,\"n\":2,"
                    "\"t\":\"2026-01-02T00:00:00Z\",\"o\":\"x\"}\n"
                    "{\"s\":\"[1]\",\"b\":true,\"i\":-5,\"n\":null,\"t\":null,\"o\":null}\n"
                    "{\"s\":\"\",\"b\":null,\"i\":null,\"n\":null,\"t\":null,\"o\":null}\n");
    maker_release(&m);
}

static void test_values_may_stay_text(void **state)
{
    struct maker m;

    (void)state;
    maker_init(&m, 1);
    assert_ok(put(&m, "{\"s\":\"007\",\"b\":\"f\",\"i\":\"007\",\"n\":1.50,\"t\":\"soon\","
                      "\"o\":[1]}"),
              m.err);
    assert_rows(&m, "{\"s\":\"007\",\"b\":\"f\",\"i\":\"007\",\"n\":\"1.50\",\"t\":\"soon\","
                    "\"o\":[1]}\n");
    maker_release(&m);
}

static void test_a_value_that_does_not_fit_is_told_or_null(void **state)
{
    static const struct {
        const char *profile, *says;
    } cases[] = {
        {"{\"b\":\"maybe\"}", "field \"b\" is a bool by the schema, and no \"maybe\""},
        {"{\"i\":1.5}", "field \"i\" is an int by the schema, and no 1.5"},
        {"{\"i\":9223372036854775808}", "an int by the schema, and no 9223372036854775808"},
        {"{\"n\":true}", "a number by the schema, and no true"},
        {"{\"t\":\"soon\"}", "a time by the schema, and no \"soon\""},
        {"{\"t\":{\"a\":\"................................................................\"}}",
         "...."},
        {"{\"s\":\"\\ud800\"}", "text by the schema"},
        {"[1]", "no JSON object"},
    };
    struct maker m;

    (void)state;
    maker_init(&m, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(put(&m, cases[i].profile), TOW_E_DATA);
        assert_says(m.err, cases[i].says);
    }
    assert_int_equal(tow_builder_rows(m.maker.builder), 0);
    m.maker.makes_bad_null = 1;
    for (size_t i = 0; i + 1 < COUNT(cases); i++)
        assert_ok(put(&m, cases[i].profile), m.err);
    assert_int_equal(m.maker.bad_values, COUNT(cases) - 1);
    maker_release(&m);
}

/* ---- what was handed out -------------------------------------------------------------------- */

static void test_hashes_differ_where_bytes_do(void **state)
{
    struct tow_member_set set = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    char text[40];
    int is_new;

    (void)state;
    memset(text, 'a', sizeof text);
    for (int round = 0; round < 2; round++)
        for (size_t length = 0; length <= sizeof text; length++)
            for (size_t i = 0; i <= length && i < sizeof text; i++) {
                /* Each length, and each single byte of it that differs. */
                if (i < length)
                    text[i] = 'b';
                assert_ok(tow_member_set_add(&set, tow_member_hash_of(text, length), &is_new, &err),
                          err);
                assert_int_equal(is_new, round == 0);
                if (i < length)
                    text[i] = 'a';
            }
    tow_member_set_clear(&set);
    assert_ok(tow_member_set_add(&set, tow_member_hash_of(text, 3), &is_new, &err), err);
    assert_int_equal(is_new, 1);
    tow_member_set_release(&set);
}

static void test_a_set_holds_what_it_was_given(void **state)
{
    struct tow_member_set set = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    int is_new;

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100000; i++) {
            assert_ok(tow_member_set_add(&set, tow_member_hash_of(&i, sizeof i), &is_new, &err),
                      err);
            if (is_new != (round == 0))
                fail_msg("%d, round %d", i, round);
        }
    assert_int_equal(set.count, 100000);
    tow_member_set_release(&set);
}

static void keep(struct fake_host *fake, int part, uint64_t batch, int first, int count)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer text = {.data = NULL};
    char key[TOW_MEMBER_KEY_MAX];

    assert_ok(tow_member_entry(&text, fake->host.load_id, &err), err);
    for (int i = first; i < first + count; i++)
        assert_ok(tow_member_hash_put(&text, tow_member_hash_of(&i, sizeof i), &err), err);
    tow_member_key(key, part, batch);
    assert_ok(fake->host.ledger_put(&fake->host, key, text.data, (uint32_t)text.size, &err), err);
    tow_buffer_release(&text);
}

static void test_the_ledger_tells_what_a_load_has_handed_out(void **state)
{
    struct tow_member_set set = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;
    struct fake_host fake;
    uint64_t batches;
    int is_new;

    (void)state;
    fake_host_init(&fake);
    fake.host.load_id = "before";
    for (uint64_t i = 0; i < 5; i++)
        keep(&fake, 7, i, 1000, 100);
    fake.host.load_id = "now";
    keep(&fake, 7, 0, 0, 100);
    keep(&fake, 7, 1, 100, 50);
    keep(&fake, 8, 0, 500, 1);
    assert_ok(tow_member_set_read(&set, &fake.host, 7, &batches, &err), err);
    assert_int_equal(batches, 2);
    assert_int_equal(set.count, 150);
    for (int i = 0; i < 150; i++) {
        assert_ok(tow_member_set_add(&set, tow_member_hash_of(&i, sizeof i), &is_new, &err), err);
        assert_int_equal(is_new, 0);
    }
    tow_member_set_clear(&set);
    assert_ok(tow_member_set_read(&set, &fake.host, 9, &batches, &err), err);
    assert_int_equal(batches + set.count, 0);
    tow_member_set_release(&set);
    fake_host_release(&fake);
}

static void test_entries_of_another_form_are_told(void **state)
{
    static const char *const tails[] = {"x", "................", "AAAAAAAAAAAAAAAA"};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(tails); i++) {
        struct tow_member_set set = {.items = NULL};
        struct tow_buffer text = {.data = NULL};
        struct fake_host fake;
        uint64_t batches;

        fake_host_init(&fake);
        assert_ok(tow_member_entry(&text, fake.host.load_id, &err), err);
        assert_ok(tow_buffer_append(&text, tails[i], strlen(tails[i]), &err), err);
        assert_ok(fake.host.ledger_put(&fake.host, "seen/00/0000000000", text.data,
                                       (uint32_t)text.size, &err),
                  err);
        assert_int_equal(tow_member_set_read(&set, &fake.host, 0, &batches, &err), TOW_E_ENV);
        assert_says(err, "seen/00/0000000000 is not of its form");
        tow_buffer_release(&text);
        tow_member_set_release(&set);
        fake_host_release(&fake);
    }
}

/* ---- positions ------------------------------------------------------------------------------ */

static void test_a_position_says_where_a_load_stands(void **state)
{
    static char token[5000];
    struct tow_members_position at = {.segment = "a1", .parts = 50, .next = 20, .rows = 12345};
    struct tow_members_position read;
    struct tow_position position = {.size = sizeof position};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof token; i++)
        token[i] = i % 7 ? 'x' : '\n';
    for (at.count = 0; at.count <= TOW_MEMBERS_SCANS_MAX; at.count++)
        for (size_t size = 0; size < sizeof token; size += 499) {
            size_t left_out = 0;

            for (size_t i = 0; i < at.count; i++)
                at.places[i] = (struct tow_members_place){(int)(i * 3), token, size};
            assert_ok(tow_members_position_put(&at, &position, &err), err);
            assert_true(position.length <= sizeof position.bytes);
            assert_ok(tow_members_position_read(&read, &position, &err), err);
            assert_string_equal(read.segment, "a1");
            assert_int_equal(read.parts, 50);
            assert_int_equal(read.next, 20);
            assert_int_equal(read.rows, 12345);
            assert_int_equal(read.count, at.count);
            /* Tokens that have no room are left out. */
            for (size_t i = 0; i < at.count; i++) {
                assert_int_equal(read.places[i].part, i * 3);
                left_out += read.places[i].size != size;
                assert_true(read.places[i].size == size || read.places[i].size == 0);
                assert_memory_equal(read.places[i].token, token, read.places[i].size);
            }
            if (at.count * (size + 24) + 64 <= sizeof position.bytes)
                assert_int_equal(left_out, 0);
        }
}

static void test_what_is_no_position_is_refused(void **state)
{
    static const char *const texts[] = {
        "x",
        "audience1\n",
        "audience2\na\n1\n0\n0\n0\n",
        "audience1\na\n101\n0\n0\n0\n",
        "audience1\na\n1\n-1\n0\n0\n",
        "audience1\na\n1\n2\n0\n0\n",
        "audience1\na\n1\n0\n0\n0",
        "audience1\na\n1\n0\n0\n17\n",
        "audience1\na\n1\n0\n0\n1\n0 5\nabcd",
        "audience1\na\n1\n0\n0\n1\n0 3\nabcd",
        "audience1\na\n1\n0\n0\n1\n100 0\n",
        "audience1\n..............................................................................."
        "...............................................................\n1\n0\n0\n0\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct tow_members_position at;
        struct tow_position position = {.size = sizeof position};
        struct tow_error err = TOW_ERROR_INIT;

        position.length = (uint32_t)strlen(texts[i]);
        memcpy(position.bytes, texts[i], position.length);
        if (tow_members_position_read(&at, &position, &err) != TOW_E_ENV)
            fail_msg("%s", texts[i]);
        assert_says(err, "none of this source");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_changed_where_a_table_cannot_have_them),
        cmocka_unit_test(test_fields_are_picked_in_their_order),
        cmocka_unit_test(test_values_become_those_of_their_columns),
        cmocka_unit_test(test_values_may_stay_text),
        cmocka_unit_test(test_a_value_that_does_not_fit_is_told_or_null),
        cmocka_unit_test(test_hashes_differ_where_bytes_do),
        cmocka_unit_test(test_a_set_holds_what_it_was_given),
        cmocka_unit_test(test_the_ledger_tells_what_a_load_has_handed_out),
        cmocka_unit_test(test_entries_of_another_form_are_told),
        cmocka_unit_test(test_a_position_says_where_a_load_stands),
        cmocka_unit_test(test_what_is_no_position_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
