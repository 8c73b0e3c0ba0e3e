#include "unit.h"

#include <jansson.h>

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

static int valid_at(char *guard, const char *text, size_t length, int depth)
{
    return tow_json_valid(guard_text(guard, text, length), length, depth);
}

static int valid(char *guard, const char *text)
{
    return valid_at(guard, text, strlen(text), 100);
}

static void test_values_of_every_kind_are_json(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "10",
        "1234567890123456789012345",
        "0.5",
        "-0.5",
        "1e5",
        "1E+5",
        "1e-05",
        "0e0",
        "1.25e-7",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        " null ",
        "\t\r\n [ 1 , 2 ]\n",
        "[1,[2,[3,{}]],{\"a\":[]}]",
        "{\"a\":1,\"a\":2}",
        "{ \"a\" : { \"b\" : [ true , null ] } , \"c\" : \"\" }",
        "{\"\":0}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\x7f\"",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
        "\"text longer than eight bytes, \xC3\xA9, more\"",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!valid(*state, texts[i]))
            fail_msg("%s was refused", texts[i]);
}

/* texts: NULL-terminated. */
static void refuses(void *state, const char *const *texts)
{
    for (; *texts; texts++)
        if (valid(state, *texts))
            fail_msg("%s was taken", *texts);
}

static void test_numbers_and_words_that_json_has_not_are_refused(void **state)
{
    static const char *const texts[] = {"",         " ",    "nul", "nulll", "True",  "tru e", "NaN",
                                        "Infinity", "-",    "+1",  "01",    "-01",   "00",    "1.",
                                        ".5",       "1.e5", "1e",  "1e+",   "1e5.0", "0x10",  "1 2",
                                        "--1",      "1,",   ",",   NULL};

    refuses(*state, texts);
}

static void test_broken_strings_are_refused(void **state)
{
    static const char *const texts[] = {"\"",
                                        "\"a",
                                        "\"\\\"",
                                        "\"\\a\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\\u\"",
                                        "\"\\",
                                        "\"\\u123",
                                        "'a'",
                                        "\"\t\"",
                                        "\"a\nb\"",
                                        "\"\x1f\"",
                                        "\"eight bytes on\x01\"",
                                        "\"\x80\"",
                                        "\"\xC3\"",
                                        "\"\xC0\x80\"",
                                        "\"\xED\xA0\x80\"",
                                        "\"\xF4\x90\x80\x80\"",
                                        "\"eight bytes on\xFF\"",
                                        NULL};

    refuses(*state, texts);
    assert_false(valid_at(*state, "\"\0\"", 3, 100));
    assert_false(valid_at(*state, "\"\\\0\"", 4, 100));
    assert_false(valid_at(*state, "\"\\u00\0\x30\"", 8, 100));
}

static void test_lists_and_objects_that_are_not_whole_are_refused(void **state)
{
    static const char *const texts[] = {"[",
                                        "]",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1}",
                                        "[1]]",
                                        "[[1]",
                                        "{",
                                        "}",
                                        "{1:2}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\" 1}",
                                        "{a:1}",
                                        "{\"a\":1]",
                                        "{\"a\":1}}",
                                        "{\"a\":1,\"b\"}",
                                        "{\"a\":1,2}",
                                        "[\"a\":1]",
                                        NULL};

    refuses(*state, texts);
}

static void test_what_stands_around_a_value_is_white_space(void **state)
{
    static const char *const texts[] = {"\xEF\xBB\xBF{}",
                                        "// x\n1",
                                        "1 /* x */",
                                        "\x0B"
                                        "1",
                                        "\xC2\xA0"
                                        "1",
                                        "[1]x",
                                        "\"a\"b",
                                        "\"a\\u00e\"",
                                        NULL};

    refuses(*state, texts);
    assert_false(valid_at(*state, "1\0", 2, 100));
    assert_false(valid_at(*state, "\0", 1, 100));
}

static void test_every_cut_of_a_document_is_refused(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,true,null,\"\\u00e9\xC3\xA9\"],\"b\":{\"c\":false}}";

    for (size_t length = 0; length < sizeof text - 1; length++)
        assert_false(valid_at(*state, text, length, 100));
    assert_true(valid(*state, text));
}

static void nest(char *text, int depth, int objects)
{
    for (int i = 0; i < depth; i++) {
        strcpy(text, objects >> (i % 8) & 1 ? "{\"\":" : "[");
        text += strlen(text);
    }
    *text++ = '1';
    for (int i = depth; i-- > 0;)
        *text++ = objects >> (i % 8) & 1 ? '}' : ']';
    *text = '\0';
}

static void test_depth_is_counted_in_brackets(void **state)
{
    static char text[30000];

    assert_true(valid_at(*state, "1", 1, 0));
    assert_false(valid_at(*state, "[]", 2, 0));
    assert_true(valid_at(*state, "[]", 2, 1));
    assert_true(valid_at(*state, "[[],{},[]]", 10, 2));
    assert_false(valid_at(*state, "[[],{},[]]", 10, 1));
    assert_false(valid_at(*state, "1", 1, -1) && valid_at(*state, "[]", 2, -1));
    for (int depth = 1; depth <= 4096; depth += depth < 140 ? 1 : 1978) {
        for (int objects = 0; objects < 256; objects += 85) {
            nest(text, depth, objects);
            assert_true(valid_at(*state, text, strlen(text), depth));
            assert_false(valid_at(*state, text, strlen(text), depth - 1));
        }
    }
    nest(text, 4096, 0x35);
    assert_true(valid_at(*state, text, strlen(text), 4096));
    nest(text, 4097, 0x35);
    assert_false(valid_at(*state, text, strlen(text), INT32_MAX));
    /* Closed by the wrong one, at each level. */
    for (int depth = 1; depth <= 140; depth++) {
        size_t length;

        nest(text, 140, 0x5A);
        length = strlen(text);
        text[length - (size_t)depth] ^= '}' ^ ']';
        assert_false(valid_at(*state, text, length, 200));
    }
}

/* Beyond the grammar, jansson refuses what its own values cannot hold: numbers out of range, and
 * escapes for zero bytes and for surrogates alone. */
static int jansson_cannot_tell(const char *text, const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow || strstr(text, "\\u0000") ||
           strstr(text, "\\ud") || strstr(text, "\\uD");
}

static void test_documents_with_bytes_changed_are_judged_as_jansson_does(void **state)
{
    static const char *const texts[] = {
        "{\"id\": 12, \"name\": \"Z\\u00fcrich\xC3\xBC\", \"tags\": [\"a\", {\"b\": -1.5e3}], "
        "\"x\": null}",
        "[0, 10.25, true, false, null, \"\\\\\\\"\", \"\xF0\x9F\x98\x80\", {}, [], "
        "[[{\"k\":\"v\"}]]]",
    };
    static const char bytes[] = "{}[]\",:\\ \t\n0123456789-+.eEtrufalsn/b\x01\x80\xBF\xC3\xE2\xF0";
    uint64_t seed = RANDOM_SEED;
    int taken = 0;

    for (int i = 0; i < 200000; i++) {
        char text[128];
        size_t length = strlen(texts[i % 2]);
        json_error_t error;
        json_t *json;
        int found;

        strcpy(text, texts[i % 2]);
        for (uint64_t change = random_below(&seed, 3) + 1; change > 0; change--)
            text[random_below(&seed, length)] = bytes[random_below(&seed, sizeof bytes - 1)];
        json = json_loadb(text, length, JSON_DECODE_ANY, &error);
        if (!json && jansson_cannot_tell(text, &error))
            continue;
        found = valid_at(*state, text, length, 100);
        if (found != (json != NULL))
            fail_msg("%s: was %s", text, found ? "taken" : "refused");
        taken += found;
        json_decref(json);
    }
    assert_in_range(taken, 10000, 190000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_every_kind_are_json),
        cmocka_unit_test(test_numbers_and_words_that_json_has_not_are_refused),
        cmocka_unit_test(test_broken_strings_are_refused),
        cmocka_unit_test(test_lists_and_objects_that_are_not_whole_are_refused),
        cmocka_unit_test(test_what_stands_around_a_value_is_white_space),
        cmocka_unit_test(test_every_cut_of_a_document_is_refused),
        cmocka_unit_test(test_depth_is_counted_in_brackets),
        cmocka_unit_test(test_documents_with_bytes_changed_are_judged_as_jansson_does),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
