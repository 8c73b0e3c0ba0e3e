#include "unit.h"

#include "guard.h"
#include "kit/value/pow10.h"
#include "random.h"
#include "towpath/value.h"

#define ROUNDS 1000000

static void test_decimals_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        int precision, scale, rc;
        const char *written;
    } cases[] = {
        {"0", 10, 2, TOW_PARSE_OK, "0.00"},
        {"0", 2, 2, TOW_PARSE_OK, "0.00"},
        {"-0.000", 38, 38, TOW_PARSE_OK, "0.00000000000000000000000000000000000000"},
        {"0e999999999999999999999999", 3, 1, TOW_PARSE_OK, "0.0"},
        {"1.5", 10, 2, TOW_PARSE_OK, "1.50"},
        {"-1.5", 10, 2, TOW_PARSE_OK, "-1.50"},
        {"+.05", 10, 2, TOW_PARSE_OK, "0.05"},
        {"-.05", 2, 2, TOW_PARSE_OK, "-0.05"},
        {"5.", 1, 0, TOW_PARSE_OK, "5"},
        {"1.2500000000", 3, 2, TOW_PARSE_OK, "1.25"},
        {"1.25000000000000000000000000000000000000000000000", 3, 2, TOW_PARSE_OK, "1.25"},
        {"00000000000000000000000000000000000000000000000009.99", 3, 2, TOW_PARSE_OK, "9.99"},
        {"1.255", 10, 2, TOW_PARSE_RANGE, NULL},
        {"1e-3", 10, 2, TOW_PARSE_RANGE, NULL},
        {"100e-2", 3, 0, TOW_PARSE_OK, "1"},
        {"1.5E2", 3, 0, TOW_PARSE_OK, "150"},
        {"0.0015e3", 3, 1, TOW_PARSE_OK, "1.5"},
        {"1e2", 3, 0, TOW_PARSE_OK, "100"},
        {"1e3", 3, 0, TOW_PARSE_RANGE, NULL},
        {"999.99", 5, 2, TOW_PARSE_OK, "999.99"},
        {"1000.00", 5, 2, TOW_PARSE_RANGE, NULL},
        {"1000", 5, 2, TOW_PARSE_RANGE, NULL},
        {"1e37", 38, 0, TOW_PARSE_OK, "10000000000000000000000000000000000000"},
        {"1e38", 38, 0, TOW_PARSE_RANGE, NULL},
        {"1e-38", 38, 38, TOW_PARSE_OK, "0.00000000000000000000000000000000000001"},
        {"1e-39", 38, 38, TOW_PARSE_RANGE, NULL},
        {"1e99999999999999999999999", 38, 0, TOW_PARSE_RANGE, NULL},
        {"1e-99999999999999999999999", 38, 38, TOW_PARSE_RANGE, NULL},
        {"99999999999999999999999999999999999999", 38, 0, TOW_PARSE_OK,
         "99999999999999999999999999999999999999"},
        {"-99999999999999999999999999999999999.999", 38, 3, TOW_PARSE_OK,
         "-99999999999999999999999999999999999.999"},
        {"-0.99999999999999999999999999999999999999", 38, 38, TOW_PARSE_OK,
         "-0.99999999999999999999999999999999999999"},
        {"100000000000000000000000000000000000000", 38, 0, TOW_PARSE_RANGE, NULL},
        {"340282366920938463463374607431768211457", 38, 0, TOW_PARSE_RANGE, NULL},
        {"18446744073709551616", 20, 0, TOW_PARSE_OK, "18446744073709551616"},
        {"18446744073709551615", 20, 0, TOW_PARSE_OK, "18446744073709551615"},
        {"18446744073709551615", 19, 0, TOW_PARSE_RANGE, NULL},
        {"", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {".", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"-", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"1e", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"1e+", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"e5", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"nan", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"inf", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"1.2.3", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {" 1", 10, 2, TOW_PARSE_SYNTAX, NULL},
        {"1,5", 10, 2, TOW_PARSE_SYNTAX, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_decimal value;
        size_t length = strlen(cases[i].text);
        char *p = guard_end(*state, TOW_DECIMAL_TEXT_MAX);

        if (tow_parse_decimal(guard_text(*state, cases[i].text, length), length, cases[i].precision,
                              cases[i].scale, &value) != cases[i].rc)
            fail_msg("\"%s\": wrong verdict", cases[i].text);
        if (cases[i].rc != TOW_PARSE_OK)
            continue;
        *tow_put_decimal(p, value, cases[i].scale) = '\0';
        assert_string_equal(p, cases[i].written);
    }
}

/* The plain way: digit by digit. */
static void spell(unsigned __int128 number, int negative, int scale, char *text)
{
    char digits[48];
    int count = 0;

    for (; number > 0 || count <= scale; number /= 10)
        digits[count++] = (char)('0' + (int)(number % 10));
    if (negative)
        *text++ = '-';
    while (count > 0) {
        *text++ = digits[--count];
        if (count == scale && scale > 0)
            *text++ = '.';
    }
    *text = '\0';
}

static void test_random_decimals_of_any_width_come_back(void **state)
{
    uint64_t seed = RANDOM_SEED;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned __int128 number = (unsigned __int128)random_next(&seed) << 64 | random_next(&seed);
        int scale = (int)random_below(&seed, 39), negative;
        struct tow_decimal value, back;
        char text[64], *p = guard_end(*state, TOW_DECIMAL_TEXT_MAX);
        size_t length;

        number >>= 2 + random_below(&seed, 126); /* 2^126 is below 10^38 */
        negative = number > 0 && random_below(&seed, 2);
        spell(number, negative, scale, text);
        number = negative ? -number : number;
        value.low = (uint64_t)number;
        value.high = (int64_t)(uint64_t)(number >> 64);
        length = (size_t)(tow_put_decimal(p, value, scale) - p);
        assert_int_equal(length, strlen(text));
        assert_memory_equal(p, text, length);
        assert_int_equal(
            tow_parse_decimal(guard_text(*state, text, length), length, 38, scale, &back),
            TOW_PARSE_OK);
        assert_true(back.low == value.low && back.high == value.high);
    }
}

static void test_the_widest_values_are_written_in_the_room_promised(void **state)
{
    static const struct tow_decimal least = {0, INT64_MIN};
    char *p = guard_end(*state, TOW_DECIMAL_TEXT_MAX);

    *tow_put_decimal(p, least, 0) = '\0';
    assert_string_equal(p, "-170141183460469231731687303715884105728");
    *tow_put_decimal(p, least, 38) = '\0';
    assert_string_equal(p, "-1.70141183460469231731687303715884105728");
}

/* ---- the powers of ten behind the conversions of doubles, against exact arithmetic ------------
 */

#define LIMBS 40

/* Little-endian, of 32 bits each; wide enough for 5^342 * 2^128. */
struct big {
    uint32_t limbs[LIMBS];
};

static void big_multiply(struct big *number, uint32_t factor)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)number->limbs[i] * factor;
        number->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_true(carry == 0);
}

static struct big big_add(struct big a, const struct big *b, int limbs_up)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a.limbs[i] + (i >= limbs_up ? b->limbs[i - limbs_up] : 0);
        a.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_true(carry == 0);
    return a;
}

static int big_bits(const struct big *number)
{
    int i = LIMBS;

    while (i > 0 && number->limbs[i - 1] == 0)
        i--;
    return i == 0 ? 0 : 32 * i - __builtin_clz(number->limbs[i - 1]);
}

static struct big big_power_of_five(int exponent)
{
    struct big number = {{1}};

    while (exponent-- > 0)
        big_multiply(&number, 5);
    return number;
}

/* 128 bits from the top one down; below the number's end are zeros. */
static unsigned __int128 big_leading(const struct big *number)
{
    int top = big_bits(number);
    unsigned __int128 leading = 0;

    for (int bit = top - 1; bit >= top - 128; bit--)
        leading = leading << 1 | (bit >= 0 ? number->limbs[bit / 32] >> (bit % 32) & 1 : 0);
    return leading;
}

static struct big big_times_entry(const struct big *number, const struct tow_pow10 *entry)
{
    const uint32_t parts[] = {(uint32_t)entry->low, (uint32_t)(entry->low >> 32),
                              (uint32_t)entry->high, (uint32_t)(entry->high >> 32)};
    struct big sum = {{0}};

    for (int i = 0; i < 4; i++) {
        struct big product = *number;

        big_multiply(&product, parts[i]);
        sum = big_add(sum, &product, i);
    }
    return sum;
}

static void test_powers_of_ten_are_the_leading_bits_of_the_exact_ones(void **state)
{
    (void)state;
    for (int exponent = TOW_POW10_FIRST; exponent <= TOW_POW10_LAST; exponent++) {
        const struct tow_pow10 *entry = tow_pow10_get(exponent);
        struct big five = big_power_of_five(abs(exponent)), product, more;

        assert_true(entry->high >> 63);
        if (exponent >= 0) {
            assert_true(big_leading(&five) == ((unsigned __int128)entry->high << 64 | entry->low));
            assert_int_equal(tow_pow10_log2(exponent), big_bits(&five) - 1 + exponent);
            assert_int_equal(tow_pow10_is_exact(exponent), big_bits(&five) <= 128);
            continue;
        }
        /* entry * 5^n < 2^bits < (entry + 1) * 5^n: it is 2^bits / 5^n, cut. */
        product = big_times_entry(&five, entry);
        more = big_add(product, &five, 0);
        assert_true(big_bits(&more) == big_bits(&product) + 1);
        assert_int_equal(tow_pow10_log2(exponent), 127 - big_bits(&product) + exponent);
        assert_false(tow_pow10_is_exact(exponent));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_read_and_written),
        cmocka_unit_test(test_random_decimals_of_any_width_come_back),
        cmocka_unit_test(test_the_widest_values_are_written_in_the_room_promised),
        cmocka_unit_test(test_powers_of_ten_are_the_leading_bits_of_the_exact_ones),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
