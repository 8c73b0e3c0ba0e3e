#include "unit.h"

#include "guard.h"
#include "random.h"
#include "towpath/value.h"

static size_t prefix(char *guard, const void *text, size_t length)
{
    const char *copy = guard_text(guard, text, length);
    size_t found = tow_utf8_prefix(copy, length);

    assert_int_equal(tow_utf8_valid(copy, length), found == length);
    return found;
}

/* UTF-8 by its definition: the one way in which a code point is encoded. */
static size_t encode(uint32_t code, unsigned char *p)
{
    if (code < 0x80) {
        p[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        p[0] = (unsigned char)(0xC0 | code >> 6);
        p[1] = (unsigned char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        p[0] = (unsigned char)(0xE0 | code >> 12);
        p[1] = (unsigned char)(0x80 | (code >> 6 & 63));
        p[2] = (unsigned char)(0x80 | (code & 63));
        return 3;
    }
    p[0] = (unsigned char)(0xF0 | code >> 18);
    p[1] = (unsigned char)(0x80 | (code >> 12 & 63));
    p[2] = (unsigned char)(0x80 | (code >> 6 & 63));
    p[3] = (unsigned char)(0x80 | (code & 63));
    return 4;
}

static int is_scalar(uint32_t code)
{
    return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void test_every_code_point_but_the_surrogates_is_well_formed(void **state)
{
    unsigned char text[4];

    for (uint32_t code = 0; code < 0x1FFFFF; code++) {
        size_t length = encode(code, text);

        if (prefix(*state, text, length) != (is_scalar(code) ? length : 0))
            fail_msg("U+%04X is misjudged", code);
        for (size_t cut = 1; cut < length; cut++)
            assert_int_equal(prefix(*state, text, cut), 0);
    }
}

static void test_all_pairs_and_threes_of_bytes_are_judged_by_re_encoding(void **state)
{
    unsigned char text[3], again[4];
    int valid = 0;

    (void)state;
    for (uint32_t number = 0xE00000; number < 0x1000000; number++) {
        text[0] = (unsigned char)(number >> 16);
        text[1] = (unsigned char)(number >> 8);
        text[2] = (unsigned char)number;
        if (!tow_utf8_valid((const char *)text, 3))
            continue;
        valid++;
        assert_int_equal(
            encode((number >> 16 & 15) << 12 | (number >> 8 & 63) << 6 | (number & 63), again), 3);
        assert_memory_equal(text, again, 3);
    }
    assert_int_equal(valid, 0x10000 - 0x800 - 0x800);
    valid = 0;
    for (uint32_t number = 0x8000; number < 0x10000; number++) {
        text[0] = (unsigned char)(number >> 8);
        text[1] = (unsigned char)number;
        valid += tow_utf8_valid((const char *)text, 2);
    }
    assert_int_equal(valid, 0x800 - 0x80);
}

static void test_the_prefix_ends_at_the_first_bad_byte_wherever_it_is(void **state)
{
    char text[100];

    for (size_t length = 0; length <= sizeof text; length++) {
        memset(text, 'a', sizeof text);
        assert_int_equal(prefix(*state, text, length), length);
        for (size_t at = 0; at < length; at++) {
            text[at] = (char)0xFF;
            assert_int_equal(prefix(*state, text, length), at);
            text[at] = (char)0xC3; /* its second byte is missing */
            assert_int_equal(prefix(*state, text, length), at);
            text[at] = (char)0xA9; /* a second byte alone */
            assert_int_equal(prefix(*state, text, length), at);
            text[at] = 'a';
        }
    }
}

static void test_mixed_text_is_followed_to_its_first_fault(void **state)
{
    uint64_t seed = RANDOM_SEED;
    unsigned char text[400] = {0};

    for (int i = 0; i < 200000; i++) {
        size_t length = 0, most = random_below(&seed, 300), at;

        while (length < most) {
            uint32_t code = (uint32_t)random_any_width(&seed) & 0x1FFFFF;

            if (i % 3 == 0)
                code &= 0x7FF; /* runs of one and two bytes */
            if (is_scalar(code))
                length += encode(code, text + length);
        }
        assert_int_equal(prefix(*state, text, length), length);
        if (length == 0)
            continue;
        at = random_below(&seed, length);
        while (at > 0 && (text[at] & 0xC0) == 0x80)
            at--;
        text[at] = (unsigned char)(0xF8 | (text[at] & 7));
        assert_int_equal(prefix(*state, text, length), at);
    }
}

static void check_base64_read(char *guard, const char *text, size_t length, const char *bytes,
                              size_t count)
{
    char *out = guard_end(guard, 3 * (length / 4) + 3);
    size_t found = 4242;

    assert_int_equal(tow_parse_base64(text, length, out, &found), TOW_PARSE_OK);
    assert_int_equal(found, count);
    assert_memory_equal(out, bytes, count);
}

static void check_base64(char *guard, const char *bytes, size_t count, const char *text)
{
    size_t length = 4 * ((count + 2) / 3);
    char *p = guard_end(guard, length);

    assert_true(tow_put_base64(p, bytes, count) == p + length);
    assert_int_equal(strlen(text), length);
    assert_memory_equal(p, text, length);
    check_base64_read(guard, text, length, bytes, count);
    check_base64_read(guard, text, strcspn(text, "="), bytes, count);
}

static void test_base64_is_that_of_the_standard(void **state)
{
    /* RFC 4648, section 10 */
    check_base64(*state, "", 0, "");
    check_base64(*state, "f", 1, "Zg==");
    check_base64(*state, "fo", 2, "Zm8=");
    check_base64(*state, "foo", 3, "Zm9v");
    check_base64(*state, "foob", 4, "Zm9vYg==");
    check_base64(*state, "fooba", 5, "Zm9vYmE=");
    check_base64(*state, "foobar", 6, "Zm9vYmFy");
    check_base64(*state, "\xFB\xFF\xBF\0", 4, "+/+/AA==");
}

static int parse_base64(char *guard, const char *text, size_t length)
{
    char out[256];
    size_t found;

    return tow_parse_base64(guard_text(guard, text, length), length, out, &found);
}

static void test_base64_that_is_malformed_is_refused(void **state)
{
    static const char *const texts[] = {
        "Z",     "Zg=",      "Zg===", "=",        "==",       "====",       "Zm8==",    "Zm9v=",
        "Zm9vZ", "Zg==Zg==", "Z===",  "Zh==",     "Zm9=",     "Zh",         "Zm9",      "Zm9v\n",
        " Zm9v", "Zm9v ",    "Zm-_",  "Zm9vYg=g", "Zm9vY===", "Zm9vYg==\n", "Zm9vYmF=",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (parse_base64(*state, texts[i], strlen(texts[i])) != TOW_PARSE_SYNTAX)
            fail_msg("\"%s\" was taken", texts[i]);
    for (size_t length = 2; length <= 70; length++) {
        for (size_t at = 0; at < length && length % 4 != 1; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[72];
                int letter = byte == '+' || byte == '/' || (byte >= '0' && byte <= '9') ||
                             (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');

                if (at + 1 >= length && (letter || byte == '='))
                    continue; /* trailing bits, padding: above */
                memset(text, 'A', sizeof text);
                text[at] = (char)byte;
                assert_int_equal(parse_base64(*state, text, length),
                                 letter ? TOW_PARSE_OK : TOW_PARSE_SYNTAX);
            }
        }
    }
}

static void test_random_bytes_come_back_from_base64_and_hex(void **state)
{
    uint64_t seed = RANDOM_SEED;
    char bytes[400], text[800], *out;
    size_t found;

    for (int i = 0; i < 50000; i++) {
        size_t length = random_below(&seed, i % 100 ? 60 : sizeof bytes), text_length;

        for (size_t at = 0; at < length; at++)
            bytes[at] = (char)random_next(&seed);
        out = guard_end(*state, 4 * ((length + 2) / 3));
        text_length = (size_t)(tow_put_base64(out, bytes, length) - out);
        memcpy(text, out, text_length);
        out = guard_end(*state, 3 * (text_length / 4) + 3);
        assert_int_equal(tow_parse_base64(text, text_length, out, &found), TOW_PARSE_OK);
        assert_int_equal(found, length);
        assert_memory_equal(out, bytes, length);

        out = guard_end(*state, 2 * length);
        assert_true(tow_put_hex(out, bytes, length) == out + 2 * length);
        memcpy(text, out, 2 * length);
        for (size_t at = 0; at < length; at++) {
            char pair[4];

            snprintf(pair, sizeof pair, "%02x", (unsigned char)bytes[at]);
            assert_memory_equal(text + 2 * at, pair, 2);
        }
        out = guard_end(*state, length);
        assert_int_equal(tow_parse_hex(text, 2 * length, out, &found), TOW_PARSE_OK);
        assert_int_equal(found, length);
        assert_memory_equal(out, bytes, length);
    }
}

static void test_bytes_are_read_to_their_end_and_no_further(void **state)
{
    char text[300];
    size_t found;

    for (size_t length = 0; length < 100; length++) {
        memset(text, 'a', sizeof text);
        assert_non_null(tow_put_base64(text, guard_text(*state, text, length), length));
        assert_non_null(tow_put_hex(text, guard_text(*state, text, length), length));
        memset(text, 'A', sizeof text);
        assert_int_equal(parse_base64(*state, text, length),
                         length % 4 == 1 ? TOW_PARSE_SYNTAX : TOW_PARSE_OK);
        assert_int_equal(tow_parse_hex(guard_text(*state, text, length), length, text, &found),
                         length % 2 ? TOW_PARSE_SYNTAX : TOW_PARSE_OK);
    }
}

static void test_hex_digits_are_read_in_both_cases_and_nothing_else(void **state)
{
    char out[16];
    size_t found = 0;

    assert_int_equal(tow_parse_hex("00aAfF9b", 8, out, &found), TOW_PARSE_OK);
    assert_int_equal(found, 4);
    assert_memory_equal(out, "\x00\xAA\xFF\x9B", 4);
    assert_int_equal(tow_parse_hex("0x12", 4, out, &found), TOW_PARSE_SYNTAX);
    assert_int_equal(tow_parse_hex("123", 3, out, &found), TOW_PARSE_SYNTAX);
    for (size_t at = 0; at < 20; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[20];
            int digit = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
                        (byte >= 'a' && byte <= 'f');

            memset(text, '7', sizeof text);
            text[at] = (char)byte;
            assert_int_equal(tow_parse_hex(guard_text(*state, text, 20), 20, out, &found),
                             digit ? TOW_PARSE_OK : TOW_PARSE_SYNTAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point_but_the_surrogates_is_well_formed),
        cmocka_unit_test(test_all_pairs_and_threes_of_bytes_are_judged_by_re_encoding),
        cmocka_unit_test(test_the_prefix_ends_at_the_first_bad_byte_wherever_it_is),
        cmocka_unit_test(test_mixed_text_is_followed_to_its_first_fault),
        cmocka_unit_test(test_base64_is_that_of_the_standard),
        cmocka_unit_test(test_base64_that_is_malformed_is_refused),
        cmocka_unit_test(test_random_bytes_come_back_from_base64_and_hex),
        cmocka_unit_test(test_bytes_are_read_to_their_end_and_no_further),
        cmocka_unit_test(test_hex_digits_are_read_in_both_cases_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
