#include "kit/value/digits.h"
#include "towpath/value.h"

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *tow_put_base64(char *p, const void *bytes, size_t length)
{
    const unsigned char *in = bytes;
    uint32_t group;

    for (; length >= 3; length -= 3, in += 3) {
        group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *p++ = base64_letters[group >> 18];
        *p++ = base64_letters[group >> 12 & 63];
        *p++ = base64_letters[group >> 6 & 63];
        *p++ = base64_letters[group & 63];
    }
    if (length == 0)
        return p;
    group = (uint32_t)in[0] << 16 | (length == 2 ? (uint32_t)in[1] << 8 : 0);
    *p++ = base64_letters[group >> 18];
    *p++ = base64_letters[group >> 12 & 63];
    *p++ = (char)(length == 2 ? base64_letters[group >> 6 & 63] : '=');
    *p++ = '=';
    return p;
}

/* One above each letter's value, so that 0 is none. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The value of a letter; all bits set where it is none. */
static inline uint32_t base64_value(char letter)
{
    return (uint32_t)base64_values[(unsigned char)letter] - 1;
}

/* The last letters: two or three for one or two bytes. Bits behind the bytes must be zero, so that
 * no two texts are the same bytes. */
static int base64_parse_tail(const char *text, size_t length, unsigned char **out)
{
    uint32_t first, second, third;

    if (length == 0)
        return TOW_PARSE_OK;
    if (length == 1)
        return TOW_PARSE_SYNTAX;
    first = base64_value(text[0]);
    second = base64_value(text[1]);
    third = length == 3 ? base64_value(text[2]) : 0;
    if ((first | second | third) > 63)
        return TOW_PARSE_SYNTAX;
    *(*out)++ = (unsigned char)(first << 2 | second >> 4);
    if (length == 2)
        return second & 15 ? TOW_PARSE_SYNTAX : TOW_PARSE_OK;
    *(*out)++ = (unsigned char)(second << 4 | third >> 2);
    return third & 3 ? TOW_PARSE_SYNTAX : TOW_PARSE_OK;
}

int tow_parse_base64(const char *text, size_t length, void *out, size_t *out_length)
{
    unsigned char *p = out;
    uint32_t bad = 0;

    if (length > 0 && length % 4 == 0 && text[length - 1] == '=')
        length -= text[length - 2] == '=' ? 2 : 1;
    for (; length >= 4; length -= 4, text += 4) {
        uint32_t first = base64_value(text[0]), second = base64_value(text[1]);
        uint32_t third = base64_value(text[2]), fourth = base64_value(text[3]);

        bad |= first | second | third | fourth;
        *p++ = (unsigned char)(first << 2 | second >> 4);
        *p++ = (unsigned char)(second << 4 | third >> 2);
        *p++ = (unsigned char)(third << 6 | fourth);
    }
    if (bad > 63 || base64_parse_tail(text, length, &p) != TOW_PARSE_OK)
        return TOW_PARSE_SYNTAX;
    *out_length = (size_t)(p - (unsigned char *)out);
    return TOW_PARSE_OK;
}

/* The hexadecimal digits of four bytes, the first byte the lowest. */
static inline uint64_t hex_digits(uint32_t bytes)
{
    uint64_t word = bytes, letters;

    word = (word | word << 16) & UINT64_C(0x0000FFFF0000FFFF);
    word = (word | word << 8) & UINT64_C(0x00FF00FF00FF00FF);
    word = (word >> 4 | word << 8) & 0x0F * TOW_BYTES_ONE;
    letters = (word + 6 * TOW_BYTES_ONE) >> 4 & TOW_BYTES_ONE; /* 1 for ten and above */
    return word + TOW_DIGITS_ZERO + letters * ('a' - '0' - 10);
}

char *tow_put_hex(char *p, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    uint32_t word;

    for (; length >= 4; length -= 4, in += 4, p += 8) {
        memcpy(&word, in, sizeof word);
        tow_store8(p, hex_digits(le32toh(word)));
    }
    for (; length > 0; length--, in++) {
        *p++ = digits[*in >> 4];
        *p++ = digits[*in & 15];
    }
    return p;
}

/* One above each digit's value, so that 0 is none. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int tow_parse_hex(const char *text, size_t length, void *out, size_t *out_length)
{
    unsigned char *p = out;
    uint32_t bad = 0;

    if (length % 2 != 0)
        return TOW_PARSE_SYNTAX;
    for (const char *end = text + length; text < end; text += 2) {
        uint32_t high = (uint32_t)hex_values[(unsigned char)text[0]] - 1;
        uint32_t low = (uint32_t)hex_values[(unsigned char)text[1]] - 1;

        bad |= high | low;
        *p++ = (unsigned char)(high << 4 | low);
    }
    if (bad > 15)
        return TOW_PARSE_SYNTAX;
    *out_length = length / 2;
    return TOW_PARSE_OK;
}
