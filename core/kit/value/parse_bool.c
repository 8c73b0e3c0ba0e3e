#include "kit/value/digits.h"
#include "towpath/value.h"

/* The word as tow_load_part gives it. */
#define WORD(a, b, c, d, e)                                                           \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | \
     (uint64_t)(e) << 32)

int tow_parse_bool(const char *text, size_t length, int *out)
{
    uint64_t word;

    if (length == 0 || length > 5)
        return TOW_PARSE_SYNTAX;
    word = tow_load_part(text, length);
    if (length == 1 && (word == '0' || word == '1')) {
        *out = word == '1';
        return TOW_PARSE_OK;
    }
    /* The bit that tells small letters from capitals; no other bytes become letters by it. */
    word |= UINT64_C(0x2020202020) >> (8 * (5 - length));
    /* Both at once: which of the two it is, no processor can foresee. */
    if ((word == WORD('t', 'r', 'u', 'e', 0)) | (word == WORD('f', 'a', 'l', 's', 'e'))) {
        *out = word == WORD('t', 'r', 'u', 'e', 0);
        return TOW_PARSE_OK;
    }
    switch (word) {
    case 't':
    case 'y':
    case WORD('o', 'n', 0, 0, 0):
    case WORD('y', 'e', 's', 0, 0):
        *out = 1;
        return TOW_PARSE_OK;
    case 'f':
    case 'n':
    case WORD('n', 'o', 0, 0, 0):
    case WORD('o', 'f', 'f', 0, 0):
        *out = 0;
        return TOW_PARSE_OK;
    default:
        return TOW_PARSE_SYNTAX;
    }
}
