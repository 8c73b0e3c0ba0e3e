/* Flatbuffers that are damaged. */
#include "connectors/arrow/flatbuffer.h"
#include "flat_writer.h"
#include "guard.h"
#include "unit.h"

/* A buffer whose end may not be read beyond. */
static struct tow_flatbuffer flat_of(void **state, const void *bytes, size_t size)
{
    struct tow_flatbuffer flat;

    tow_flatbuffer_init(&flat, guard_text(*state, bytes, size), size);
    return flat;
}

static struct tow_flatbuffer flat_of_buffer(void **state, struct tow_buffer *buffer)
{
    struct tow_flatbuffer flat = flat_of(state, buffer->data, buffer->size);

    tow_buffer_release(buffer);
    return flat;
}

static void test_members_of_all_widths(void **state)
{
    const struct flat_member members[] = {
        {0, 1, -1}, {2, 2, INT16_MIN}, {3, 4, INT32_MAX}, {5, 8, INT64_MIN}};
    struct tow_buffer buffer = {0};
    struct tow_flatbuffer flat;
    struct tow_flat_table root, none;
    size_t length = 7;

    flat_table(&buffer, flat_begin(&buffer), members, 4, NULL);
    flat = flat_of_buffer(state, &buffer);
    root = tow_flat_root(&flat);
    assert_int_equal(tow_flat_number(&root, 0, 1, 9), -1);
    assert_int_equal(tow_flat_number(&root, 1, 1, 9), 9);
    assert_int_equal(tow_flat_number(&root, 2, 2, 9), INT16_MIN);
    assert_int_equal(tow_flat_number(&root, 3, 4, 9), INT32_MAX);
    assert_true(tow_flat_number(&root, 5, 8, 9) == INT64_MIN);
    assert_int_equal(tow_flat_number(&root, 6, 8, 9), 9);
    assert_int_equal(tow_flat_number(&root, 1000000, 8, 9), 9);
    none = tow_flat_table(&root, 4);
    assert_true(tow_flat_is_absent(&none));
    assert_int_equal(tow_flat_number(&none, 0, 4, 5), 5);
    assert_int_equal(tow_flat_vector(&root, 4, 16).count, 0);
    assert_null(tow_flat_string(&root, 4, &length));
    assert_int_equal(length, 0);
    assert_null(flat.damage);
}

static void test_strings_and_vectors(void **state)
{
    const struct flat_member members[] = {{0, FLAT_OFFSET, 0}, {1, FLAT_OFFSET, 0}};
    const int64_t numbers[] = {5, -6};
    struct tow_buffer buffer = {0};
    struct tow_flatbuffer flat;
    struct tow_flat_table root;
    struct tow_flat_vector vector;
    size_t places[2], length;

    flat_table(&buffer, flat_begin(&buffer), members, 2, places);
    flat_vector(&buffer, places[1], 2, 8, numbers);
    flat_string(&buffer, places[0], "text");
    flat = flat_of_buffer(state, &buffer);
    root = tow_flat_root(&flat);
    assert_string_equal(tow_flat_string(&root, 0, &length), "text");
    assert_int_equal(length, 4);
    vector = tow_flat_vector(&root, 1, 8);
    assert_int_equal(vector.count, 2);
    assert_int_equal(tow_flat_int64(tow_flat_element(&vector, 1)), -6);
    assert_null(flat.damage);
}

/* Bytes, and the damage that asking for the string in slot 0 of the root meets. */
static const struct {
    const char *bytes;
    size_t size;
    const char *damage;
    size_t at;
} damages[] = {
    {"", 0, "it is too short to be one", 0},
    {"\4\0\0", 3, "it is too short to be one", 0},
    {"\4\0\0\0", 4, "a table lies outside of it", 4},
    {"\xFF\xFF\xFF\xFF", 4, "a table lies outside of it", 0xFFFFFFFF},
    {"\4\0\0\0\1\0\0", 7, "a table lies outside of it", 4},
    /* the layout lies before, behind, partly behind */
    {"\4\0\0\0\5\0\0\0", 8, "a table's layout lies outside of it", 4},
    {"\4\0\0\0\xFC\xFF\xFF\xFF", 8, "a table's layout lies outside of it", 8},
    {"\4\0\0\0\0\0\0\x80", 8, "a table's layout lies outside of it", 0x80000004},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\6\0\4", 11, "a table's layout lies outside of it", 8},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\6\0\4\0\0", 13, "a table's layout lies outside of it", 8},
    /* sizes that are none */
    {"\4\0\0\0\xFC\xFF\xFF\xFF\2\0\4\0", 12, "a table's layout is none", 8},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\5\0\4\0\0\0", 14, "a table's layout is none", 8},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\4\0\3\0", 12, "a table's layout is none", 8},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\4\0\x09\0", 12, "a table lies outside of it", 4},
    /* members outside of the table, or over its first four bytes */
    {"\4\0\0\0\xFC\xFF\xFF\xFF\6\0\4\0\4\0", 14, "a member lies outside of its table", 4},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\6\0\x08\0\5\0", 14, "a member lies outside of its table", 4},
    {"\4\0\0\0\xFC\xFF\xFF\xFF\6\0\x08\0\2\0", 14, "a member lies outside of its table", 4},
    /* table 8 + 4, offset at 12, layout at 16 */
    {"\x08\0\0\0\0\0\0\0\xF8\xFF\xFF\xFF\xFF\xFF\xFF\xFF\6\0\x08\0\4\0", 22,
     "a vector lies outside of it", 0x10000000B},
    {"\x08\0\0\0\0\0\0\0\xF8\xFF\xFF\xFF\x0A\0\0\0\6\0\x08\0\4\0\xFF\xFF\xFF\xFF", 26,
     "a vector lies outside of it", 26},
    {"\x08\0\0\0\0\0\0\0\xF8\xFF\xFF\xFF\x0A\0\0\0\6\0\x08\0\4\0\1\0\0\0x", 27,
     "a string lies outside of it", 27},
    {"\x08\0\0\0\0\0\0\0\xF8\xFF\xFF\xFF\x0A\0\0\0\6\0\x08\0\4\0\1\0\0\0xy", 28,
     "a string has no end", 26},
    {"\x08\0\0\0\0\0\0\0\xF8\xFF\xFF\xFF\x0A\0\0\0\6\0\x08\0\4\0\1\0\0\0x\0", 28, NULL, 0},
};

static void test_damage_is_named_and_keeps_what_follows_absent(void **state)
{
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct tow_flatbuffer flat = flat_of(state, damages[i].bytes, damages[i].size);
        struct tow_flat_table root = tow_flat_root(&flat), child;
        size_t length;
        const char *text = tow_flat_string(&root, 0, &length);

        if (!damages[i].damage) {
            assert_null(flat.damage);
            assert_string_equal(text, "x");
            continue;
        }
        assert_null(text);
        assert_string_equal(flat.damage, damages[i].damage);
        assert_int_equal(flat.damage_at, damages[i].at);
        child = tow_flat_table(&root, 0);
        assert_true(tow_flat_is_absent(&child));
        assert_int_equal(tow_flat_vector(&root, 0, 1).count, 0);
        assert_int_equal(tow_flat_number(&root, 0, 4, 3), 3);
        assert_string_equal(flat.damage, damages[i].damage);
    }
}

static void test_a_vector_of_tables_may_be_damaged_in_one(void **state)
{
    const struct flat_member member = {0, FLAT_OFFSET, 0}, number = {0, 4, 8};
    struct tow_buffer buffer = {0};
    struct tow_flatbuffer flat;
    struct tow_flat_table root, table;
    struct tow_flat_vector vector;
    size_t place, element;

    flat_table(&buffer, flat_begin(&buffer), &member, 1, &place);
    element = flat_vector(&buffer, place, 2, 4, NULL);
    flat_table(&buffer, element, &number, 1, NULL);
    memset(buffer.data + element + 4, 0x7F, 4);
    flat = flat_of_buffer(state, &buffer);
    root = tow_flat_root(&flat);
    vector = tow_flat_vector(&root, 0, 4);
    table = tow_flat_element_table(&vector, 0);
    assert_int_equal(tow_flat_number(&table, 0, 4, 0), 8);
    table = tow_flat_element_table(&vector, 1);
    assert_true(tow_flat_is_absent(&table));
    assert_string_equal(flat.damage, "a table lies outside of it");
    table = tow_flat_element_table(&vector, 0);
    assert_true(tow_flat_is_absent(&table));
}

#define guarded(test) cmocka_unit_test_setup_teardown(test, guard_setup, guard_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        guarded(test_members_of_all_widths),
        guarded(test_strings_and_vectors),
        guarded(test_damage_is_named_and_keeps_what_follows_absent),
        guarded(test_a_vector_of_tables_may_be_damaged_in_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
