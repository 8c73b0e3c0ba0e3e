/* Values of Arrow columns as JSON text. */
#include <math.h>

#include "connectors/arrow/json.h"
#include "random.h"
#include "towpath/value.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;
static struct tow_ipc_json *json;
static struct tow_buffer out;

static int setup(void **state)
{
    (void)state;
    json = tow_ipc_json_new(1 << 20, &err);
    out = (struct tow_buffer){0};
    return json ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tow_ipc_json_free(json);
    tow_buffer_release(&out);
    return 0;
}

static void assert_text(const struct tow_ipc_column *column, int64_t i, const char *expected)
{
    out.size = 0;
    assert_ok(tow_ipc_json_put(json, column, i, &out, &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    assert_string_equal(out.data, expected);
    assert_true(tow_json_valid(expected, strlen(expected), 100));
}

/* What was there before stays as it is. */
static void assert_refused(const struct tow_ipc_column *column, int64_t i, const char *words)
{
    out.size = 0;
    assert_ok(tow_buffer_append(&out, "before", 6, &err), err);
    assert_int_equal(tow_ipc_json_put(json, column, i, &out, &err), TOW_E_DATA);
    assert_says(err, words);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "before", 6);
}

#define CHILDREN(array) .children = (void *)array, .child_count = sizeof array / sizeof *array

/* ---- values ---------------------------------------------------------------------------------- */

static void test_numbers_have_all_their_digits(void **state)
{
    static const struct tow_ipc_field i64 = {
        .name = "n", .type = TOW_IPC_INT, .width = 64, .is_signed = 1};
    static const struct tow_ipc_field u64 = {.name = "n", .type = TOW_IPC_INT, .width = 64};
    static const struct tow_ipc_field u8 = {.name = "n", .type = TOW_IPC_INT, .width = 8};
    static const struct tow_ipc_field u16 = {.name = "n", .type = TOW_IPC_INT, .width = 16};
    static const struct tow_ipc_field u32 = {.name = "n", .type = TOW_IPC_INT, .width = 32};
    static const uint64_t value = UINT64_MAX;
    struct tow_ipc_column column = {.field = &i64, .length = 1, .values = &value};

    (void)state;
    assert_text(&column, 0, "-1");
    column.field = &u64;
    assert_text(&column, 0, "18446744073709551615");
    column.field = &u8;
    assert_text(&column, 0, "255");
    column.field = &u16;
    assert_text(&column, 0, "65535");
    column.field = &u32;
    assert_text(&column, 0, "4294967295");
}

static void test_what_is_no_number_is_a_string(void **state)
{
    static const struct tow_ipc_field f64 = {.name = "x", .type = TOW_IPC_FLOAT, .width = 64};
    static const struct tow_ipc_field f32 = {.name = "x", .type = TOW_IPC_FLOAT, .width = 32};
    static const double doubles[] = {NAN, INFINITY, -INFINITY, -0.0, 1e21};
    static const float floats[] = {NAN, INFINITY, -INFINITY, 0.1f};
    struct tow_ipc_column column = {.field = &f64, .length = 5, .values = doubles};

    (void)state;
    assert_text(&column, 0, "\"NaN\"");
    assert_text(&column, 1, "\"Infinity\"");
    assert_text(&column, 2, "\"-Infinity\"");
    assert_text(&column, 3, "-0");
    assert_text(&column, 4, "1e21");
    column.field = &f32;
    column.values = floats;
    assert_text(&column, 0, "\"NaN\"");
    assert_text(&column, 2, "\"-Infinity\"");
    assert_text(&column, 3, "0.1");
}

static void test_text_that_is_not_utf8_is_repaired(void **state)
{
    static const struct tow_ipc_field utf8 = {.name = "s", .type = TOW_IPC_UTF8};
    static const int32_t offsets[] = {0, 3, 5};
    const struct tow_ipc_column column = {
        .field = &utf8, .length = 2, .offsets = offsets, .bytes = "a\xFF\"\xC3\x28"};

    (void)state;
    assert_text(&column, 0, "\"a\xEF\xBF\xBD\\\"\"");
    assert_text(&column, 1, "\"\xEF\xBF\xBD(\"");
}

static void test_fixed_binary_of_no_bytes_is_empty(void **state)
{
    static const struct tow_ipc_field fixed = {.name = "b", .type = TOW_IPC_FIXED_BINARY};
    const struct tow_ipc_column column = {.field = &fixed, .length = 2, .values = ""};

    (void)state;
    assert_text(&column, 1, "\"\"");
}

static void test_moments_of_every_unit(void **state)
{
    static const struct {
        enum tow_ipc_type type;
        enum tow_ipc_unit unit;
        const char *timezone;
        int64_t value;
        const char *text;
    } cases[] = {
        {TOW_IPC_TIMESTAMP, TOW_IPC_SECOND, "", -1, "\"1969-12-31T23:59:59\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_MILLI, "UTC", -1, "\"1969-12-31T23:59:59.999Z\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_MICRO, "+02:00", 1, "\"1970-01-01T00:00:00.000001Z\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "", 1, "\"1970-01-01T00:00:00.000000001\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "", -1, "\"1969-12-31T23:59:59.999999999\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "UTC", 5001, "\"1970-01-01T00:00:00.000005001Z\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "", 7000020, "\"1970-01-01T00:00:00.007000020\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "", INT64_MIN, "\"1677-09-21T00:12:43.145224192\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_NANO, "", INT64_MAX, "\"2262-04-11T23:47:16.854775807\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_MICRO, "", INT64_MAX, "\"+294247-01-10T04:00:54.775807\""},
        {TOW_IPC_TIMESTAMP, TOW_IPC_MICRO, "", INT64_MIN, "\"-290308-12-21T19:59:05.224192\""},
        {TOW_IPC_TIME, TOW_IPC_MICRO, "", 1500000, "\"00:00:01.500\""},
        {TOW_IPC_TIME, TOW_IPC_NANO, "", 1, "\"00:00:00.000000001\""},
        {TOW_IPC_DATE, TOW_IPC_MILLI, "", -86400000, "\"1969-12-31\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_ipc_field field = {.name = "m",
                                            .type = cases[i].type,
                                            .unit = cases[i].unit,
                                            .width = 64,
                                            .timezone = cases[i].timezone};
        const struct tow_ipc_column column = {
            .field = &field, .length = 1, .values = &cases[i].value};

        assert_text(&column, 0, cases[i].text);
    }
}

static void test_moments_beyond_the_calendar_are_refused(void **state)
{
    static const struct {
        enum tow_ipc_type type;
        enum tow_ipc_unit unit;
        int64_t value;
        const char *words;
    } cases[] = {
        {TOW_IPC_TIMESTAMP, TOW_IPC_SECOND, INT64_MAX,
         "column \"m\": 9223372036854775807 is no timestamp"},
        {TOW_IPC_TIMESTAMP, TOW_IPC_MILLI, INT64_MIN, "-9223372036854775808 is no timestamp"},
        {TOW_IPC_TIME, TOW_IPC_MICRO, -1, "column \"m\": -1 is no time of a day"},
        {TOW_IPC_TIME, TOW_IPC_NANO, INT64_C(86400000000000), "86400000000000 is no time of a day"},
        {TOW_IPC_DATE, TOW_IPC_MILLI, 1, "column \"m\": 1 is no date"},
        {TOW_IPC_DATE, TOW_IPC_MILLI, INT64_C(86400000) << 31, "is no date"},
        {TOW_IPC_DATE, TOW_IPC_MILLI, -(INT64_C(86400000) << 31) - 86400000, "is no date"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_ipc_field field = {
            .name = "m", .type = cases[i].type, .unit = cases[i].unit, .width = 64, .timezone = ""};
        const struct tow_ipc_column column = {
            .field = &field, .length = 1, .values = &cases[i].value};

        assert_refused(&column, 0, cases[i].words);
    }
}

/* ---- objects --------------------------------------------------------------------------------- */

/* A map of rows [0, n) over keys and values that a test sets. */
static struct tow_ipc_field pair_fields[2], entries_field, map_field;
static struct tow_ipc_column pair[2], entries, map;
static int32_t map_offsets[2];

static void make_map(struct tow_ipc_field key, struct tow_ipc_column keys, int64_t count)
{
    static int32_t values[64];

    key.name = "key";
    pair_fields[0] = key;
    pair_fields[1] =
        (struct tow_ipc_field){.name = "value", .type = TOW_IPC_INT, .width = 32, .is_signed = 1};
    entries_field =
        (struct tow_ipc_field){.name = "entries", .type = TOW_IPC_STRUCT, CHILDREN(pair_fields)};
    map_field = (struct tow_ipc_field){
        .name = "m", .type = TOW_IPC_MAP, .children = &entries_field, .child_count = 1};
    pair[0] = keys;
    pair[0].field = &pair_fields[0];
    pair[0].length = count;
    pair[1] = (struct tow_ipc_column){.field = &pair_fields[1], .length = count, .values = values};
    entries = (struct tow_ipc_column){.field = &entries_field, .length = count, CHILDREN(pair)};
    map_offsets[1] = (int32_t)count;
    map = (struct tow_ipc_column){.field = &map_field,
                                  .length = 1,
                                  .offsets = map_offsets,
                                  .children = &entries,
                                  .child_count = 1};
}

static const struct tow_ipc_field utf8_key = {.type = TOW_IPC_UTF8};
static const struct tow_ipc_field int_key = {.type = TOW_IPC_INT, .width = 32, .is_signed = 1};

static void test_keys_of_maps_become_strings(void **state)
{
    static const struct tow_ipc_field bool_key = {.type = TOW_IPC_BOOL, .width = 1};
    static const struct tow_ipc_field date_key = {
        .type = TOW_IPC_DATE, .unit = TOW_IPC_DAY, .width = 32};
    static const struct tow_ipc_field float_key = {.type = TOW_IPC_FLOAT, .width = 64};
    static const int32_t numbers[] = {-1, 20};
    static const double floats[] = {NAN, 1.5};

    (void)state;
    make_map(int_key, (struct tow_ipc_column){.values = numbers}, 2);
    assert_text(&map, 0, "{\"-1\":0,\"20\":0}");
    make_map(date_key, (struct tow_ipc_column){.values = numbers}, 2);
    assert_text(&map, 0, "{\"1969-12-31\":0,\"1970-01-21\":0}");
    make_map(bool_key, (struct tow_ipc_column){.values = "\x02"}, 2);
    assert_text(&map, 0, "{\"false\":0,\"true\":0}");
    make_map(float_key, (struct tow_ipc_column){.values = floats}, 2);
    assert_text(&map, 0, "{\"NaN\":0,\"1.5\":0}");
}

static void test_nested_keys_become_their_text(void **state)
{
    static const struct tow_ipc_field members[] = {
        {.name = "a\"", .type = TOW_IPC_INT, .width = 32, .is_signed = 1}};
    static const struct tow_ipc_field key = {.type = TOW_IPC_STRUCT, CHILDREN(members)};
    static const int32_t numbers[] = {1, 2};
    static const struct tow_ipc_column children[] = {
        {.field = members, .length = 2, .values = numbers}};

    (void)state;
    make_map(key, (struct tow_ipc_column){CHILDREN(children)}, 2);
    assert_text(&map, 0, "{\"{\\\"a\\\\\\\"\\\":1}\":0,\"{\\\"a\\\\\\\"\\\":2}\":0}");
}

static void test_maps_whose_keys_repeat_are_refused(void **state)
{
    static const int32_t numbers[] = {7, -1, 7}, offsets[] = {0, 1, 2, 4};

    (void)state;
    make_map(int_key, (struct tow_ipc_column){.values = numbers}, 3);
    assert_refused(&map, 0, "column \"m\": two members are called \"7\"");
    /* Two keys that are not UTF-8 are the same once they are repaired. */
    make_map(utf8_key, (struct tow_ipc_column){.offsets = offsets, .bytes = "\xFF\xFEzz"}, 3);
    assert_refused(&map, 0, "two members are called \"\xEF\xBF\xBD\"");
    make_map(utf8_key, (struct tow_ipc_column){.offsets = offsets, .bytes = "zyab"}, 3);
    assert_text(&map, 0, "{\"z\":0,\"y\":0,\"ab\":0}");
}

static void test_one_repeated_key_among_many_is_found(void **state)
{
    static int32_t numbers[60];
    uint64_t seed = RANDOM_SEED;

    (void)state;
    for (int count = 2; count <= 60; count++) {
        int32_t kept, twice = (int32_t)random_below(&seed, (uint64_t)count);
        int32_t once = (int32_t)random_below(&seed, (uint64_t)count);

        for (int32_t i = 0; i < count; i++)
            numbers[i] = i * 7919 % 1000;
        make_map(int_key, (struct tow_ipc_column){.values = numbers}, count);
        out.size = 0;
        assert_ok(tow_ipc_json_put(json, &map, 0, &out, &err), err);
        if (once == twice)
            continue;
        kept = numbers[once];
        numbers[once] = numbers[twice];
        assert_refused(&map, 0, "two members are called");
        numbers[once] = kept;
    }
}

static void test_a_long_repeated_key_is_shown_in_part(void **state)
{
    static const int32_t offsets[] = {0, 300, 600};
    static char bytes[601];

    (void)state;
    memset(bytes, 'k', 600);
    make_map(utf8_key, (struct tow_ipc_column){.offsets = offsets, .bytes = bytes}, 2);
    assert_refused(&map, 0, "kkkk...");
}

static void test_null_keys_and_entries_are_refused(void **state)
{
    static const int32_t numbers[] = {1, 2};
    static const uint8_t first[] = {0x01};

    (void)state;
    make_map(int_key,
             (struct tow_ipc_column){.values = numbers, .validity = first, .null_count = 1}, 2);
    assert_refused(&map, 0, "column \"m\": a key is null");
    make_map(int_key, (struct tow_ipc_column){.values = numbers}, 2);
    entries.validity = first;
    entries.null_count = 1;
    assert_refused(&map, 0, "column \"m\": a key is null");
    make_map((struct tow_ipc_field){.type = TOW_IPC_NULL}, (struct tow_ipc_column){.null_count = 2},
             2);
    assert_refused(&map, 0, "column \"m\": a key is null");
}

static void test_structs_whose_fields_have_one_name_are_refused(void **state)
{
    static const struct tow_ipc_field members[] = {
        {.name = "a", .type = TOW_IPC_INT, .width = 32, .is_signed = 1},
        {.name = "a", .type = TOW_IPC_INT, .width = 32, .is_signed = 1}};
    static const struct tow_ipc_field inner = {
        .name = "in", .type = TOW_IPC_STRUCT, CHILDREN(members)};
    static const struct tow_ipc_field outer = {
        .name = "s", .type = TOW_IPC_STRUCT, .children = (void *)&inner, .child_count = 1};
    static const int32_t numbers[] = {1};
    static const struct tow_ipc_column children[] = {
        {.field = &members[0], .length = 1, .values = numbers},
        {.field = &members[1], .length = 1, .values = numbers}};
    static const struct tow_ipc_column within[] = {
        {.field = &inner, .length = 1, CHILDREN(children)}};
    const struct tow_ipc_column column = {.field = &outer, .length = 1, CHILDREN(within)};

    (void)state;
    assert_refused(&column, 0, "column \"s\": field \"in\": two members are called \"a\"");
}

/* The names of an object do not mix with those of objects inside of it. */
static void test_members_inside_of_members_may_have_the_same_name(void **state)
{
    static const struct tow_ipc_field leaf[] = {{.name = "a", .type = TOW_IPC_NULL}};
    static const struct tow_ipc_field middle[] = {
        {.name = "a", .type = TOW_IPC_STRUCT, CHILDREN(leaf)},
        {.name = "b", .type = TOW_IPC_STRUCT, CHILDREN(leaf)}};
    static const struct tow_ipc_field top = {.name = "s", .type = TOW_IPC_STRUCT, CHILDREN(middle)};
    static const struct tow_ipc_column leaves[] = {{.field = leaf, .length = 1, .null_count = 1}};
    static const struct tow_ipc_column middles[] = {
        {.field = &middle[0], .length = 1, CHILDREN(leaves)},
        {.field = &middle[1], .length = 1, CHILDREN(leaves)}};
    const struct tow_ipc_column column = {.field = &top, .length = 1, CHILDREN(middles)};

    (void)state;
    assert_text(&column, 0, "{\"a\":{\"a\":null},\"b\":{\"a\":null}}");
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* Two billion nulls, in a list of eight bytes. */
static void test_a_list_of_nulls_stops_at_the_limit(void **state)
{
    static const struct tow_ipc_field item = {.name = "item", .type = TOW_IPC_NULL};
    static const struct tow_ipc_field list = {
        .name = "l", .type = TOW_IPC_LIST, .children = (void *)&item, .child_count = 1};
    static const int32_t offsets[] = {0, INT32_MAX};
    const struct tow_ipc_column items = {
        .field = &item, .length = INT32_MAX, .null_count = INT32_MAX};
    const struct tow_ipc_column column = {.field = &list,
                                          .length = 1,
                                          .offsets = offsets,
                                          .children = (void *)&items,
                                          .child_count = 1};

    (void)state;
    assert_refused(&column, 0,
                   "column \"l\": field \"item\": a value of more than 1048576 bytes as text");
    assert_in_range(out.capacity, 1 << 20, 8 << 20);
}

static void test_the_limit_is_that_of_one_value(void **state)
{
    static const struct tow_ipc_field utf8 = {.name = "s", .type = TOW_IPC_UTF8};
    static const int32_t offsets[] = {0, 5, 11};
    const struct tow_ipc_column column = {
        .field = &utf8, .length = 2, .offsets = offsets, .bytes = "12345abcdef"};
    struct tow_ipc_json *small = tow_ipc_json_new(7, &err);

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_ok(tow_ipc_json_put(small, &column, 0, &out, &err), err);
    assert_int_equal(out.size, 35);
    assert_int_equal(tow_ipc_json_put(small, &column, 1, &out, &err), TOW_E_DATA);
    assert_says(err, "column \"s\": a value of more than 7 bytes as text");
    assert_int_equal(out.size, 35);
    tow_ipc_json_free(small);
    tow_ipc_json_free(NULL);
}

#define with_json(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_json(test_numbers_have_all_their_digits),
        with_json(test_what_is_no_number_is_a_string),
        with_json(test_text_that_is_not_utf8_is_repaired),
        with_json(test_fixed_binary_of_no_bytes_is_empty),
        with_json(test_moments_of_every_unit),
        with_json(test_moments_beyond_the_calendar_are_refused),
        with_json(test_keys_of_maps_become_strings),
        with_json(test_nested_keys_become_their_text),
        with_json(test_maps_whose_keys_repeat_are_refused),
        with_json(test_one_repeated_key_among_many_is_found),
        with_json(test_a_long_repeated_key_is_shown_in_part),
        with_json(test_null_keys_and_entries_are_refused),
        with_json(test_structs_whose_fields_have_one_name_are_refused),
        with_json(test_members_inside_of_members_may_have_the_same_name),
        with_json(test_a_list_of_nulls_stops_at_the_limit),
        with_json(test_the_limit_is_that_of_one_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
