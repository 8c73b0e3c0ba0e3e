#include "unit.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <regex.h>

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

#define ROUNDS 2000000

static uint64_t double_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t float_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static double random_finite(uint64_t *seed)
{
    double value;

    do
        value = double_from_bits(random_next(seed));
    while (!isfinite(value));
    return value;
}

static float random_finite_float(uint64_t *seed)
{
    float value;

    do
        value = float_from_bits((uint32_t)random_next(seed));
    while (!isfinite(value));
    return value;
}

/* Text that both types must read as the C library does, or refuse where it overflows. */
static void check_text(char *guard, const char *text)
{
    size_t length = strlen(text);
    const char *copy = guard_text(guard, text, length);
    double expected = strtod(text, NULL), value = -42;
    float expected_float = strtof(text, NULL), value_float = -42;
    int rc = tow_parse_double(copy, length, &value);

    if (rc != (isinf(expected) ? TOW_PARSE_RANGE : TOW_PARSE_OK))
        fail_msg("double \"%s\": verdict %d", text, rc);
    if (rc == TOW_PARSE_OK && double_bits(value) != double_bits(expected))
        fail_msg("double \"%s\": %.17g, should be %.17g", text, value, expected);
    rc = tow_parse_float(copy, length, &value_float);
    if (rc != (isinf(expected_float) ? TOW_PARSE_RANGE : TOW_PARSE_OK))
        fail_msg("float \"%s\": verdict %d", text, rc);
    if (rc == TOW_PARSE_OK && float_bits(value_float) != float_bits(expected_float))
        fail_msg("float \"%s\": %.9g, should be %.9g", text, (double)value_float,
                 (double)expected_float);
}

/* texts: NULL-terminated. */
static void check_texts(void *state, const char *const *texts)
{
    for (; *texts; texts++)
        check_text(state, *texts);
}

static void test_ordinary_numbers_and_ties_are_read_as_the_c_library_does(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "0.0",
                                        "-0e5",
                                        "0e999999999999999999999",
                                        "1",
                                        "+1.5",
                                        ".5",
                                        "5.",
                                        "-.5e1",
                                        "1E5",
                                        "1e+5",
                                        "1e-5",
                                        "000000000000000000000000000000001.5",
                                        "0.000000000000000000000000000001",
                                        "0.1",
                                        "0.2",
                                        "0.3",
                                        "4.35",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "9007199254740993.0000000000000000000000000000001",
                                        "9007199254740995",
                                        "18014398509481986",
                                        "16777217",
                                        "16777217.0000001",
                                        "16777219",
                                        "33554434",
                                        NULL};

    check_texts(*state, texts);
}

static void test_the_ends_of_the_range_are_read_as_the_c_library_does(void **state)
{
    static const char *const texts[] = {"1.7976931348623157e308",
                                        "1.7976931348623158e308",
                                        "1.7976931348623159e308",
                                        "1.8e308",
                                        "1e309",
                                        "-1e309",
                                        "1e99999999999999999999",
                                        "3.4028235e38",
                                        "3.40282356e38",
                                        "3.4028236e38",
                                        "340282356779733661637539395458142568447",
                                        "340282356779733661637539395458142568448",
                                        "2.2250738585072014e-308",
                                        "2.2250738585072011e-308",
                                        "2.225073858507201e-308",
                                        "2.2250738585072012e-308",
                                        "1.17549435e-38",
                                        "1.1754943e-38",
                                        "4.9406564584124654e-324",
                                        "5e-324",
                                        "2.5e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "1e-324",
                                        "1e-400",
                                        "-1e-99999999999999999999",
                                        "1.4e-45",
                                        "7.006492321624085e-46",
                                        "7.0064923216240853e-46",
                                        "7.0064923216240854e-46",
                                        "1e-46",
                                        "8.5e-46",
                                        NULL};

    check_texts(*state, texts);
}

static void test_long_numbers_are_read_as_the_c_library_does(void **state)
{
    static const char *const texts[] = {"1e22",
                                        "1e23",
                                        "1e37",
                                        "9007199254740991e22",
                                        "9007199254740991e-22",
                                        "123456789012345678901234567890",
                                        "8.5",
                                        "1125899906842624.125",
                                        "2251799813685248.25",
                                        "4503599627370496.5",
                                        "0.500000000000000166533453693773481063544750213623046875",
                                        "3.518437208883201171875e13",
                                        "62.5364939768271845828",
                                        "8.10109172351e-10",
                                        "1.50000000000000011102230246251565",
                                        "459926601011e15",
                                        "6.0221407599999999e23",
                                        "7.2057594037927933e16",
                                        "10000000000000000000",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999e-1",
                                        "12345678901234567890123e-10",
                                        NULL};

    check_texts(*state, texts);
}

static void test_words_for_infinity_and_not_a_number_are_read_in_any_case(void **state)
{
    static const char *const infinities[] = {"inf", "INF", "+Inf", "infinity", "InFiNiTy"};
    static const char *const others[] = {"",      "+",     "nanx",   "in", "infinit", "infinityx",
                                         "- inf", "--inf", "nan(1)", "i",  "1.#INF"};
    double value;
    float value_float;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(tow_parse_double(infinities[i], strlen(infinities[i]), &value), 0);
        assert_true(isinf(value) && value > 0);
        assert_int_equal(tow_parse_float(infinities[i], strlen(infinities[i]), &value_float), 0);
        assert_true(isinf(value_float) && value_float > 0);
    }
    assert_int_equal(tow_parse_double("-inf", 4, &value), TOW_PARSE_OK);
    assert_true(isinf(value) && value < 0);
    assert_int_equal(tow_parse_double("NaN", 3, &value), TOW_PARSE_OK);
    assert_true(isnan(value));
    assert_int_equal(tow_parse_float("-nan", 4, &value_float), TOW_PARSE_OK);
    assert_true(isnan(value_float));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(tow_parse_double(others[i], strlen(others[i]), &value), TOW_PARSE_SYNTAX);
}

static void test_text_with_any_byte_changed_is_judged_by_the_grammar(void **state)
{
    static const char *const texts[] = {"-12345678.87654321e-12", "1.5", ".25e+3", "1234567890123"};
    regex_t grammar;
    double value;

    assert_int_equal(regcomp(&grammar, "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t length = strlen(texts[i]);

        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[32];
                int rc;

                memcpy(text, texts[i], length + 1);
                text[at] = (char)byte;
                rc = tow_parse_double(guard_text(*state, text, length), length, &value);
                assert_int_equal(rc == TOW_PARSE_SYNTAX,
                                 byte == 0 || regexec(&grammar, text, 0, NULL, 0) != 0);
                if (rc == TOW_PARSE_OK)
                    check_text(*state, text);
            }
        }
    }
    regfree(&grammar);
}

static void test_doubles_in_17_digits_are_read_exactly(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < ROUNDS / 4; i++) {
        double value = random_finite(&seed), back = -42;
        char text[64];
        int length = snprintf(text, sizeof text, "%.17g", value);

        assert_int_equal(
            tow_parse_double(guard_text(*state, text, (size_t)length), (size_t)length, &back),
            TOW_PARSE_OK);
        if (double_bits(back) != double_bits(value))
            fail_msg("\"%s\" was read as %.17g", text, back);
    }
}

static void test_random_decimals_are_read_as_the_c_library_does(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < ROUNDS; i++) {
        char text[64];
        size_t digits = 1 + random_below(&seed, i % 4 ? 17 : 30);
        size_t point = random_below(&seed, digits + 1);
        char *p = text;

        if (random_below(&seed, 8) == 0)
            *p++ = '-';
        for (size_t at = 0; at < digits; at++) {
            if (at == point)
                *p++ = '.';
            *p++ = (char)('0' + random_below(&seed, 10));
        }
        *p = '\0';
        if (i % 2)
            sprintf(p, "e%d",
                    (int)random_below(&seed, i % 16 == 1 ? 700 : 80) - (i % 16 == 1 ? 350 : 40));
        check_text(*state, text);
    }
}

/* The exact middle between two neighbours, and the numbers just below and above it. */
static void check_middle(char *guard, const char *middle)
{
    char text[1300];
    size_t length = strlen(middle), mantissa = strcspn(middle, "e");

    check_text(guard, middle);
    assert_true(length + 3 < sizeof text);
    for (int last = 1; last <= 9; last += 8) {
        memcpy(text, middle, mantissa);
        snprintf(text + mantissa, sizeof text - mantissa, "%d%s", last, middle + mantissa);
        check_text(guard, text);
    }
    memcpy(text, middle, length + 1);
    for (size_t at = mantissa - 1; at > 2; at--) {
        if (text[at] != '0') {
            text[at]--;
            check_text(guard, text);
            break;
        }
    }
}

static void test_middles_between_doubles_are_rounded_to_even(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[1200];

    if (LDBL_MANT_DIG < DBL_MANT_DIG + 1 || LDBL_MAX_EXP <= DBL_MAX_EXP)
        skip();
    for (int i = 0; i < 3000; i++) {
        double value = fabs(random_finite(&seed));
        double above;

        if (i % 3 == 0)
            value = double_from_bits(random_any_width(&seed) >> 12); /* too small to be normal */
        else if (i % 3 == 1)
            value = ldexp(1 + (double)(random_next(&seed) >> 12) / 0x1p52,
                          (int)random_below(&seed, 160) - 60);
        above = nextafter(value, INFINITY);
        if (isinf(above))
            continue;
        snprintf(text, sizeof text, "%.780Le", ((long double)value + above) / 2);
        check_middle(*state, text);
    }
}

static void test_middles_between_floats_are_rounded_to_even(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[300];

    for (int i = 0; i < 20000; i++) {
        float value = fabsf(random_finite_float(&seed));
        float above = nextafterf(value, INFINITY);

        if (isinf(above))
            continue;
        snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.160e", ((double)value + above) / 2);
        check_text(*state, text);
        if (!(i % 2))
            check_middle(*state, text);
    }
}

static void test_text_of_any_length_is_rounded_by_its_last_digit(void **state)
{
    /* 2^53 + 1 is a middle: all depends on a digit thousands behind. */
    static const char middle[] = "9007199254740993";
    char text[6000];

    (void)state;
    for (size_t zeros = 1; zeros < 5000; zeros += 97) {
        size_t length = sizeof middle - 1;
        double value;

        memcpy(text, middle, length);
        text[length++] = '.';
        memset(text + length, '0', zeros);
        length += zeros;
        assert_int_equal(tow_parse_double(text, length, &value), TOW_PARSE_OK);
        assert_true(value == 9007199254740992.0);
        text[length++] = '1';
        assert_int_equal(tow_parse_double(text, length, &value), TOW_PARSE_OK);
        assert_true(value == 9007199254740994.0);
    }
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    memcpy(text + 5990, "125e5990", 8);
    text[5998] = '\0';
    check_text(*state, text);
    memset(text + 1, '0', 5000);
    memcpy(text, "1", 1);
    memcpy(text + 5001, "e-5000", 7);
    check_text(*state, text);
}

static size_t put_double(char *guard, double value, char *text)
{
    char *p = guard_end(guard, TOW_DOUBLE_TEXT_MAX);
    size_t length = (size_t)(tow_put_double(p, value) - p);

    assert_true(length < TOW_DOUBLE_TEXT_MAX);
    memcpy(text, p, length);
    text[length] = '\0';
    return length;
}

static size_t put_float(char *guard, float value, char *text)
{
    char *p = guard_end(guard, TOW_DOUBLE_TEXT_MAX);
    size_t length = (size_t)(tow_put_float(p, value) - p);

    assert_true(length < TOW_DOUBLE_TEXT_MAX);
    memcpy(text, p, length);
    text[length] = '\0';
    return length;
}

static void test_doubles_are_written_in_the_shortest_form(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {100.0, "100"},
        {123.456, "123.456"},
        {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {999999999999999900000.0, "999999999999999900000"},
        {1e21, "1e21"},
        {1e22, "1e22"},
        {1e23, "1e23"},
        {-1.2345e25, "-1.2345e25"},
        {1e-6, "0.000001"},
        {1.5e-6, "0.0000015"},
        {0.0000012345678901234567, "0.0000012345678901234567"},
        {-0.0000012345678901234567, "-0.0000012345678901234567"},
        {9.99e-7, "9.99e-7"},
        {1e-7, "1e-7"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {-1.7976931348623157e308, "-1.7976931348623157e308"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740992.0, "9007199254740992"},
        {9007199254740994.0, "9007199254740994"},
        {18014398509481984.0, "18014398509481984"},
        {2251799813685249.5, "2251799813685249.5"},
        {2e-44, "2e-44"},
        {9.5367431640625e-7, "9.5367431640625e-7"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
        {-NAN, "NaN"},
    };
    char text[TOW_DOUBLE_TEXT_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_double(*state, cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Decimals of up to 15 digits, from a millionth up, are their own shortest form. */
static void check_decimal(void *guard, uint64_t whole, uint64_t fraction, unsigned decimals)
{
    char expected[40], text[TOW_DOUBLE_TEXT_MAX];
    int length = snprintf(expected, sizeof expected, "-%llu.%0*llu", (unsigned long long)whole,
                          (int)decimals, (unsigned long long)fraction);

    while (expected[length - 1] == '0')
        length--;
    length -= expected[length - 1] == '.';
    expected[length] = '\0';
    put_double(guard, strtod(expected, NULL), text);
    assert_string_equal(text, expected);
    put_double(guard, strtod(expected + 1, NULL), text);
    assert_string_equal(text, expected + 1);
}

static void test_decimals_are_written_as_they_were(void **state)
{
    static const uint64_t wholes[] = {0,         1,         9,         10,
                                      9999999,   10000000,  99999998,  99999999,
                                      100000000, 100000001, 999999999, 1000000000};
    uint64_t seed = RANDOM_SEED, power = 10;

    for (unsigned decimals = 1; decimals <= 7; decimals++, power *= 10) {
        for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
            uint64_t whole = (decimals > 5 ? wholes[i] % 100000000 : wholes[i]) | (decimals > 6);

            check_decimal(*state, whole, 1, decimals);
            check_decimal(*state, whole, power / 10, decimals);
            check_decimal(*state, whole, power - 1, decimals);
        }
        for (int i = 0; i < ROUNDS / 20; i++)
            check_decimal(*state, (random_any_width(&seed) % 100000000) | (decimals > 6),
                          random_below(&seed, power), decimals);
    }
}

static void test_floats_are_written_in_the_shortest_form(void **state)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.1f, "0.1"},
        {-0.0f, "-0"},
        {16777216.f, "16777216"},
        {33554432.f, "33554432"},
        {1e10f, "10000000000"},
        {1e21f, "1e21"},
        {3.4028235e38f, "3.4028235e38"},
        {1e-45f, "1e-45"},
        {1.17549435e-38f, "1.1754944e-38"},
        {1e-6f, "0.000001"},
        {1e-7f, "1e-7"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
        {8388608.5f, "8388608"},
        {0.3f, "0.3"},
    };
    char text[TOW_DOUBLE_TEXT_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_float(*state, cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Significant digits of a text without the zeros around them. */
static int significant_digits(const char *text)
{
    int count = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text == '0')
            zeros += count > 0;
        if (*text < '1' || *text > '9')
            continue;
        count += zeros + 1;
        zeros = 0;
    }
    return count;
}

/* No text of one digit less reads as the number, and none of as many digits is nearer. */
static void check_shortest(double value, const char *text)
{
    int digits = significant_digits(text);
    char other[64];

    if (digits > 1) {
        snprintf(other, sizeof other, "%.*e", digits - 2, value);
        if (strtod(other, NULL) == value)
            fail_msg("%s is longer than %s", text, other);
    }
    snprintf(other, sizeof other, "%.*e", digits - 1, value);
    if (strtod(other, NULL) == value && strtod(other, NULL) != strtod(text, NULL))
        fail_msg("%s is not the nearest, %s is", text, other);
}

static void check_nearest(double value, const char *text)
{
    char expected[64], found[64];
    int digits = significant_digits(text);

    /* Compared as texts in one form: both carry `digits` digits, so printing is exact. */
    snprintf(expected, sizeof expected, "%.*e", digits - 1, value);
    if (strtod(expected, NULL) != value)
        return;
    snprintf(found, sizeof found, "%.*e", digits - 1, strtod(text, NULL));
    assert_string_equal(found, expected);
}

static void test_random_doubles_are_written_shortest_and_nearest(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[TOW_DOUBLE_TEXT_MAX];

    for (int i = 0; i < ROUNDS / 10; i++) {
        double value = random_finite(&seed);

        if (i % 4 == 1)
            value = (double)random_below(&seed, 100000000) / 1000;
        else if (i % 4 == 2)
            value = ldexp(1, (int)random_below(&seed, 2098) - 1074);
        else if (i % 4 == 3)
            value = double_from_bits(random_any_width(&seed) >> 12);
        if (value == 0)
            continue;
        put_double(*state, value, text);
        assert_true(strtod(text, NULL) == value);
        check_shortest(value, text);
        check_nearest(value, text);
    }
}

static void test_random_doubles_are_written_and_read_back(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[TOW_DOUBLE_TEXT_MAX];

    for (int i = 0; i < ROUNDS; i++) {
        double value = i % 2 ? random_finite(&seed)
                             : (double)(int64_t)random_any_width(&seed) / (i % 8 ? 100 : 1e6);
        size_t length = put_double(*state, value, text);
        double back;

        assert_int_equal(tow_parse_double(guard_text(*state, text, length), length, &back),
                         TOW_PARSE_OK);
        if (double_bits(back) != double_bits(value))
            fail_msg("%.17g was written as %s", value, text);
    }
}

static void test_random_floats_are_written_shortest_and_read_back(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char text[TOW_DOUBLE_TEXT_MAX], other[64];

    for (int i = 0; i < ROUNDS; i++) {
        float value = random_finite_float(&seed), back = -42;
        size_t length = put_float(*state, value, text);

        assert_int_equal(tow_parse_float(guard_text(*state, text, length), length, &back),
                         TOW_PARSE_OK);
        if (float_bits(back) != float_bits(value))
            fail_msg("%.9g was written as %s", (double)value, text);
        if (i % 16 || significant_digits(text) < 2)
            continue;
        snprintf(other, sizeof other, "%.*e", significant_digits(text) - 2, (double)value);
        if (strtof(other, NULL) == value)
            fail_msg("%s is longer than %s", text, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_numbers_and_ties_are_read_as_the_c_library_does),
        cmocka_unit_test(test_the_ends_of_the_range_are_read_as_the_c_library_does),
        cmocka_unit_test(test_long_numbers_are_read_as_the_c_library_does),
        cmocka_unit_test(test_words_for_infinity_and_not_a_number_are_read_in_any_case),
        cmocka_unit_test(test_text_with_any_byte_changed_is_judged_by_the_grammar),
        cmocka_unit_test(test_doubles_in_17_digits_are_read_exactly),
        cmocka_unit_test(test_random_decimals_are_read_as_the_c_library_does),
        cmocka_unit_test(test_middles_between_doubles_are_rounded_to_even),
        cmocka_unit_test(test_middles_between_floats_are_rounded_to_even),
        cmocka_unit_test(test_text_of_any_length_is_rounded_by_its_last_digit),
        cmocka_unit_test(test_doubles_are_written_in_the_shortest_form),
        cmocka_unit_test(test_decimals_are_written_as_they_were),
        cmocka_unit_test(test_floats_are_written_in_the_shortest_form),
        cmocka_unit_test(test_random_doubles_are_written_shortest_and_nearest),
        cmocka_unit_test(test_random_doubles_are_written_and_read_back),
        cmocka_unit_test(test_random_floats_are_written_shortest_and_read_back),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
