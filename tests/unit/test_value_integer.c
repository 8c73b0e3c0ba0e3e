#include "unit.h"

#include <errno.h>
#include <inttypes.h>

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

#define ROUNDS 2000000

static int parse_signed(char *guard, const char *text, int64_t *out)
{
    size_t length = strlen(text);

    return tow_parse_int64(guard_text(guard, text, length), length, out);
}

static int parse_unsigned(char *guard, const char *text, uint64_t *out)
{
    size_t length = strlen(text);

    return tow_parse_uint64(guard_text(guard, text, length), length, out);
}

static void test_signed_integers_are_read(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t value;
    } cases[] = {
        {"0", TOW_PARSE_OK, 0},
        {"-0", TOW_PARSE_OK, 0},
        {"+7", TOW_PARSE_OK, 7},
        {"-12345678", TOW_PARSE_OK, -12345678},
        {"9223372036854775807", TOW_PARSE_OK, INT64_MAX},
        {"-9223372036854775808", TOW_PARSE_OK, INT64_MIN},
        {"+0000000000000000000000000000009223372036854775807", TOW_PARSE_OK, INT64_MAX},
        {"9223372036854775808", TOW_PARSE_RANGE, 0},
        {"-9223372036854775809", TOW_PARSE_RANGE, 0},
        {"18446744073709551616", TOW_PARSE_RANGE, 0},
        {"99999999999999999999", TOW_PARSE_RANGE, 0},
        {"100000000000000000000000", TOW_PARSE_RANGE, 0},
        {"", TOW_PARSE_SYNTAX, 0},
        {"+", TOW_PARSE_SYNTAX, 0},
        {"-", TOW_PARSE_SYNTAX, 0},
        {"--1", TOW_PARSE_SYNTAX, 0},
        {"+-1", TOW_PARSE_SYNTAX, 0},
        {" 1", TOW_PARSE_SYNTAX, 0},
        {"1 ", TOW_PARSE_SYNTAX, 0},
        {"1.0", TOW_PARSE_SYNTAX, 0},
        {"0x10", TOW_PARSE_SYNTAX, 0},
        {"1,000", TOW_PARSE_SYNTAX, 0},
        {"100000000000000000000000x", TOW_PARSE_SYNTAX, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 42;

        if (parse_signed(*state, cases[i].text, &value) != cases[i].rc)
            fail_msg("\"%s\": wrong verdict", cases[i].text);
        assert_true(value == (cases[i].rc == TOW_PARSE_OK ? cases[i].value : 42));
    }
}

static void test_unsigned_integers_are_read(void **state)
{
    uint64_t value;

    assert_int_equal(parse_unsigned(*state, "18446744073709551615", &value), TOW_PARSE_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(parse_unsigned(*state, "+000000000000000000000018446744073709551615", &value),
                     TOW_PARSE_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(parse_unsigned(*state, "18446744073709551616", &value), TOW_PARSE_RANGE);
    assert_int_equal(parse_unsigned(*state, "-1", &value), TOW_PARSE_SYNTAX);
    assert_int_equal(parse_unsigned(*state, "-0", &value), TOW_PARSE_SYNTAX);
    assert_int_equal(parse_unsigned(*state, "", &value), TOW_PARSE_SYNTAX);
    assert_int_equal(parse_unsigned(*state, "+", &value), TOW_PARSE_SYNTAX);
}

static void test_any_byte_that_is_no_digit_is_refused_anywhere(void **state)
{
    char text[24];
    int64_t value;

    for (int length = 1; length <= 24; length++) {
        for (int at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                int digit = byte >= '0' && byte <= '9';
                int sign = at == 0 && length > 1 && (byte == '+' || byte == '-');
                int rc;

                memset(text, '0', sizeof text);
                text[at] = (char)byte;
                rc = tow_parse_int64(guard_text(*state, text, (size_t)length), (size_t)length,
                                     &value);
                assert_int_equal(rc == TOW_PARSE_SYNTAX, !digit && !sign);
            }
        }
    }
}

static void test_integers_are_read_as_the_c_library_does(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < ROUNDS; i++) {
        char text[32];
        size_t length = 1 + random_below(&seed, 21);
        uint64_t unsigned_value = 0;
        int64_t value = 0, expected;
        int rc;

        for (size_t at = 0; at < length; at++)
            text[at] = (char)('0' + random_below(&seed, 10));
        if (length > 1 && random_below(&seed, 4) == 0)
            text[0] = '-';
        text[length] = '\0';
        errno = 0;
        expected = strtoll(text, NULL, 10);
        rc = parse_signed(*state, text, &value);
        assert_int_equal(rc, errno == ERANGE ? TOW_PARSE_RANGE : TOW_PARSE_OK);
        assert_true(rc != TOW_PARSE_OK || value == expected);
        if (text[0] == '-')
            continue;
        errno = 0;
        expected = (int64_t)strtoull(text, NULL, 10);
        rc = parse_unsigned(*state, text, &unsigned_value);
        assert_int_equal(rc, errno == ERANGE ? TOW_PARSE_RANGE : TOW_PARSE_OK);
        assert_true(rc != TOW_PARSE_OK || unsigned_value == (uint64_t)expected);
    }
}

static void put_and_compare(char *guard, int64_t value)
{
    char expected[32];
    char *p = guard_end(guard, TOW_INT64_TEXT_MAX);
    char *end = tow_put_int64(p, value);

    snprintf(expected, sizeof expected, "%" PRId64, value);
    assert_int_equal(end - p, strlen(expected));
    assert_memory_equal(p, expected, strlen(expected));
    p = guard_end(guard, TOW_UINT64_TEXT_MAX);
    end = tow_put_uint64(p, (uint64_t)value);
    snprintf(expected, sizeof expected, "%" PRIu64, (uint64_t)value);
    assert_int_equal(end - p, strlen(expected));
    assert_memory_equal(p, expected, strlen(expected));
}

static void test_integers_are_written_as_the_c_library_does(void **state)
{
    uint64_t seed = RANDOM_SEED, power = 1;

    for (int digits = 1; digits <= 20; digits++) {
        for (int off = -2; off <= 2; off++) {
            put_and_compare(*state, (int64_t)(power + (uint64_t)off));
            put_and_compare(*state, (int64_t) - (power + (uint64_t)off));
        }
        power *= 10;
    }
    put_and_compare(*state, INT64_MIN);
    put_and_compare(*state, INT64_MAX);
    for (int i = 0; i < ROUNDS / 2; i++)
        put_and_compare(*state, (int64_t)random_any_width(&seed));
}

static void test_small_integers_are_all_written_and_read_back(void **state)
{
    for (int64_t value = -1000000; value <= 1000000; value++) {
        char text[TOW_INT64_TEXT_MAX];
        size_t length = (size_t)(tow_put_int64(text, value) - text);
        int64_t back;

        assert_int_equal(tow_parse_int64(guard_text(*state, text, length), length, &back),
                         TOW_PARSE_OK);
        assert_true(back == value);
    }
}

static int parse_bool(char *guard, const char *text, size_t length)
{
    int value = -1;
    int rc = tow_parse_bool(guard_text(guard, text, length), length, &value);

    assert_int_equal(rc == TOW_PARSE_OK, value != -1);
    return value;
}

static void test_the_words_of_truth_are_read_in_any_case(void **state)
{
    static const char *const words[] = {"true",  "t", "yes", "y", "on",  "1",
                                        "false", "f", "no",  "n", "off", "0"};

    for (unsigned i = 0; i < 12; i++) {
        size_t length = strlen(words[i]);

        for (unsigned capitals = 0; capitals < 1u << length; capitals++) {
            char text[8];

            for (size_t at = 0; at < length; at++)
                text[at] = (char)(capitals >> at & 1 && words[i][at] >= 'a' ? words[i][at] - 32
                                                                            : words[i][at]);
            assert_int_equal(parse_bool(*state, text, length), i < 6);
        }
    }
}

static void test_other_words_are_no_truth(void **state)
{
    static const char *const words[] = {
        "",   "2",  "01",   "tru", "truee", "falsey", "yess", "of",   " true", "on ",      "11",
        "00", "-1", "null", "tr",  "fals",  "nope",   "\x11", "\x10", "o\x0e", "n\x4f\x01"};
    int accepted = 0;

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        assert_int_equal(parse_bool(*state, words[i], strlen(words[i])), -1);
    assert_int_equal(parse_bool(*state, "t\0\0\0", 4), -1);
    assert_int_equal(parse_bool(*state, "1\0", 2), -1);
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            char text[2] = {(char)first, (char)second};

            accepted += parse_bool(*state, text, 2) != -1;
        }
    }
    assert_int_equal(accepted, 8); /* on and no */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_integers_are_read),
        cmocka_unit_test(test_unsigned_integers_are_read),
        cmocka_unit_test(test_any_byte_that_is_no_digit_is_refused_anywhere),
        cmocka_unit_test(test_integers_are_read_as_the_c_library_does),
        cmocka_unit_test(test_integers_are_written_as_the_c_library_does),
        cmocka_unit_test(test_small_integers_are_all_written_and_read_back),
        cmocka_unit_test(test_the_words_of_truth_are_read_in_any_case),
        cmocka_unit_test(test_other_words_are_no_truth),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
