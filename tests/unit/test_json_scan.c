#include "unit.h"

#include "guard.h"
#include "random.h"
#include "towpath/json.h"
#include "towpath/value.h"

static struct tow_json_part part_of(char *guard, const char *text)
{
    size_t length = strlen(text);

    return (struct tow_json_part){guard_text(guard, text, length), length};
}

static void assert_part(struct tow_json_part part, const char *text)
{
    if (!tow_json_part_is(part, text))
        fail_msg("\"%.*s\" is not \"%s\"", (int)part.length, part.text, text);
}

static void test_members_come_in_order_as_they_stand(void **state)
{
    static const char *const expected[][2] = {
        {"\"a\"", "1.50"},
        {"\"b\\\"\"", "\"x, } \\\" \\\\\""},
        {"\"c\"", "[1, {\"d\": \"]\"}, []]"},
        {"\"e\"", "{}"},
        {"\"f\"", "null"},
        {"\"\"", "-0"},
    };
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    assert_true(tow_json_scan_object(
        &scan, part_of(*state, " {\"a\":1.50 , \"b\\\"\" : \"x, } \\\" \\\\\",\"c\":"
                               "[1, {\"d\": \"]\"}, []],\t\"e\":{},\r\n\"f\":null,\"\":-0}")));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(tow_json_scan_member(&scan, &key, &value));
        assert_part(key, expected[i][0]);
        assert_part(value, expected[i][1]);
    }
    assert_false(tow_json_scan_member(&scan, &key, &value));
}

static void test_items_come_in_order_as_they_stand(void **state)
{
    static const char *const expected[] = {"1", "\"a,b\"", "[[]]", "{\"k\": [2]}", "true"};
    struct tow_json_part value;
    struct tow_json_scan scan;

    assert_true(
        tow_json_scan_array(&scan, part_of(*state, "[1,\"a,b\" , [[]],{\"k\": [2]}, true ]")));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(tow_json_scan_item(&scan, &value));
        assert_part(value, expected[i]);
    }
    assert_false(tow_json_scan_item(&scan, &value));
}

static void test_empty_ones_have_no_parts(void **state)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    assert_true(tow_json_scan_object(&scan, part_of(*state, "{ }")));
    assert_false(tow_json_scan_member(&scan, &key, &value));
    assert_true(tow_json_scan_array(&scan, part_of(*state, "[\n]")));
    assert_false(tow_json_scan_item(&scan, &value));
}

static void test_what_is_no_object_or_array_is_not_entered(void **state)
{
    static const char *const texts[] = {"", " ", "1", "\"{\"", "null"};
    struct tow_json_scan scan;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(tow_json_scan_object(&scan, part_of(*state, texts[i])));
        assert_false(tow_json_scan_array(&scan, part_of(*state, texts[i])));
    }
    assert_false(tow_json_scan_object(&scan, part_of(*state, "[]")));
    assert_false(tow_json_scan_object(&scan, (struct tow_json_part){NULL, 0}));
    assert_false(tow_json_scan_array(&scan, (struct tow_json_part){NULL, 0}));
    assert_false(tow_json_scan_array(&scan, part_of(*state, "{}")));
}

/* Though the text should have been checked: an end, and no byte beyond the text. */
static void test_text_that_is_no_json_is_walked_to_an_end(void **state)
{
    static const char bytes[] = "{}[]\":,\\ 1a";
    uint64_t seed = RANDOM_SEED;
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    char text[24];

    for (int round = 0; round < 200000; round++) {
        size_t length = random_below(&seed, sizeof text), steps = 0;

        for (size_t i = 0; i < length; i++)
            text[i] = bytes[random_below(&seed, sizeof bytes - 1)];
        key = (struct tow_json_part){guard_text(*state, text, length), length};
        if (tow_json_scan_object(&scan, key))
            while (tow_json_scan_member(&scan, &key, &value) && ++steps < 1000)
                ;
        key = (struct tow_json_part){guard_text(*state, text, length), length};
        if (tow_json_scan_array(&scan, key))
            while (tow_json_scan_item(&scan, &value) && ++steps < 1000)
                ;
        if (steps >= 1000)
            fail_msg("no end in \"%.*s\"", (int)length, text);
    }
}

static void assert_unescaped(char *guard, const char *string, const char *text, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    assert_ok(tow_json_unescape(&out, part_of(guard, string), &err), err);
    assert_int_equal(out.size, length);
    if (length)
        assert_memory_equal(out.data, text, length);
    tow_buffer_release(&out);
}

static void test_escapes_become_what_they_stand_for(void **state)
{
    assert_unescaped(*state, "\"\"", "", 0);
    assert_unescaped(*state, "\"plain\"", "plain", 5);
    assert_unescaped(*state, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    assert_unescaped(*state, "\"a\\u0000b\"", "a\0b", 3);
    assert_unescaped(*state, "\"\\u00e9\\u20AC\\ud83d\\uDE00\"",
                     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    assert_unescaped(*state, "\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80", 4);
}

static void test_an_escape_that_is_no_character_is_refused(void **state)
{
    static const char *const strings[] = {
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud83d\\u0041\"",
        "\"\\udc00\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\u12\"",
        "\"\\x41\"",
        "\"\\\"",
        "\"",
        "",
        "a",
    };

    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_buffer out = {0};

        if (tow_json_unescape(&out, part_of(*state, strings[i]), &err) != TOW_E_DATA)
            fail_msg("%s was taken", strings[i]);
        assert_int_equal(out.size, 0);
        tow_buffer_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_come_in_order_as_they_stand),
        cmocka_unit_test(test_items_come_in_order_as_they_stand),
        cmocka_unit_test(test_empty_ones_have_no_parts),
        cmocka_unit_test(test_what_is_no_object_or_array_is_not_entered),
        cmocka_unit_test(test_text_that_is_no_json_is_walked_to_an_end),
        cmocka_unit_test(test_escapes_become_what_they_stand_for),
        cmocka_unit_test(test_an_escape_that_is_no_character_is_refused),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
