/* JSON into jansson's values: as json_loadb does it, but when memory is short. */
#include "connectors/http/json_load.h"
#include "nomem.h"
#include "random.h"
#include "unit.h"

static struct tow_error err;

static int begin(void **state)
{
    (void)state;
    err = (struct tow_error)TOW_ERROR_INIT;
    json_set_alloc_funcs(__wrap_malloc, free);
    return 0;
}

static int end(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free);
    return 0;
}

static const char *const texts[] = {
    "{\"a\":[1,-2.5e3,\"b\\u00e4c\",null,true,{\"d\":{}}],\"e\":\"0123456789abcdef0123456789\"}",
    " [[], {\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}]\n",
    "\"\\ud83d\\ude00\\/\\\"\"",
    " -9223372036854775808",
    "false",
    "{\"\":-0,\"a long key with \\\\ and \\n in it, longer than sixteen\":[0.1, 1E-400, -0.0]}",
};
#define TEXTS (sizeof texts / sizeof *texts)

static void test_values_are_those_of_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEXTS; i++) {
        json_t *value, *expected = json_loadb(texts[i], strlen(texts[i]), JSON_DECODE_ANY, NULL);

        assert_non_null(expected);
        assert_ok(tow_json_load(texts[i], strlen(texts[i]), JSON_DECODE_ANY, &value, &err), err);
        if (!json_equal(value, expected))
            fail_msg("%s", texts[i]);
        json_decref(value);
        json_decref(expected);
    }
}

/* One allocation fails, or that one and all later ones: no text is to blame, and none is changed.
 */
static void test_whatever_allocation_fails_it_is_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * TEXTS; i++) {
        const char *text = texts[i / 2];
        json_t *value, *whole;
        int code, n = 0;

        assert_ok(tow_json_load(text, strlen(text), JSON_DECODE_ANY, &whole, &err), err);
        do {
            (i % 2 ? nomem_from : nomem_after)(n++);
            code = tow_json_load(text, strlen(text), JSON_DECODE_ANY, &value, &err);
            if (nomem_stop()) {
                assert_int_equal(code, TOW_E_NOMEM);
                assert_null(value);
            }
        } while (code != TOW_OK);
        assert_true(json_equal(value, whole));
        json_decref(value);
        json_decref(whole);
    }
}

static void test_texts_that_are_at_fault_are_told_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        size_t flags;
        const char *says;
    } cases[] = {
        {"", 0, "expected"},
        {"  ", JSON_DECODE_ANY, "end of file"},
        {"{\"a\":1", 0, "expected"},
        {"{\"a\":1}}", 0, "end of file expected"},
        {"[1,]", 0, "unexpected token near ']'"},
        {"nul", JSON_DECODE_ANY, "invalid token near 'nul'"},
        {"1", 0, "'[' or '{' expected"},
        {" \t\"text\"", 0, "'[' or '{' expected"},
        {"[\"\xff\"]", 0, "unable to decode byte 0xff"},
        {"[\"\\ud800\"]", 0, "no character"},
        {"[\"\\udc00x\"]", 0, "no character"},
        {"[\"a\\u0000\"]", 0, "\\u0000"},
        {"{\"\\u0000\":1}", JSON_ALLOW_NUL, "\\u0000"},
        {"{\"a\":{\"b\":1,\"\\u0062\":2}}", JSON_REJECT_DUPLICATES, "\"b\" is there twice"},
        {"[1e999]", 0, "too large, at \"1e999\""},
        {"[99999999999999999999]", 0, "too large"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value;
        int code =
            tow_json_load(cases[i].text, strlen(cases[i].text), cases[i].flags, &value, &err);

        assert_int_equal(code, TOW_E_DATA);
        assert_null(value);
        assert_says(err, cases[i].says);
    }
}

static void test_flags_let_in_what_they_name(void **state)
{
    json_t *value;

    (void)state;
    assert_ok(tow_json_load("[\"a\\u0000b\"]", 11 + 1, JSON_ALLOW_NUL, &value, &err), err);
    assert_int_equal(json_string_length(json_array_get(value, 0)), 3);
    json_decref(value);
    assert_ok(tow_json_load("{\"a\":1,\"a\":2}", 13, 0, &value, &err), err);
    assert_int_equal(json_integer_value(json_object_get(value, "a")), 2);
    json_decref(value);
}

static void test_depth_has_a_bound(void **state)
{
    char deep[2 * TOW_JSON_LOAD_DEPTH + 2];
    json_t *value;

    (void)state;
    memset(deep, '[', TOW_JSON_LOAD_DEPTH + 1);
    memset(deep + TOW_JSON_LOAD_DEPTH + 1, ']', TOW_JSON_LOAD_DEPTH + 1);
    assert_ok(tow_json_load(deep + 1, sizeof deep - 2, 0, &value, &err), err);
    json_decref(value);
    assert_int_equal(tow_json_load(deep, sizeof deep, 0, &value, &err), TOW_E_DATA);
    assert_says(err, "deeper than 512");
}

/* Bytes of texts exchanged, cut, doubled: taken by both, with the same value, or refused by both.
 */
static void test_damaged_texts_are_what_they_are_to_jansson(void **state)
{
    uint64_t random = RANDOM_SEED;
    char text[256];
    size_t taken = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const char *from = texts[random_below(&random, TEXTS)];
        size_t length = strlen(from);
        json_t *value, *expected;
        int code;

        memcpy(text, from, length + 1);
        for (uint64_t i = random_below(&random, 3) + 1; i > 0; i--)
            text[random_below(&random, length)] = "{}[]\",:\\u0d8 -1.e"[random_below(&random, 17)];
        expected = json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        code = tow_json_load(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &value, &err);
        if (code != (expected ? TOW_OK : TOW_E_DATA) || (expected && !json_equal(value, expected)))
            fail_msg("%s: %d %s", text, code, err.message);
        taken += expected != NULL;
        json_decref(value);
        json_decref(expected);
    }
    assert_in_range(taken, 1000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LOAD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        LOAD_TEST(test_values_are_those_of_jansson),
        LOAD_TEST(test_whatever_allocation_fails_it_is_memory),
        LOAD_TEST(test_texts_that_are_at_fault_are_told_what_is_wrong),
        LOAD_TEST(test_flags_let_in_what_they_name),
        LOAD_TEST(test_depth_has_a_bound),
        LOAD_TEST(test_damaged_texts_are_what_they_are_to_jansson),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
