#include "kit/value/utf8.h"

#include <stdint.h>

#include "kit/value/digits.h"
#include "towpath/value.h"

#define BYTES_HIGH (0x80 * TOW_BYTES_ONE)

/* Length of the run of ASCII here. */
static inline size_t utf8_ascii(const char *text, size_t length)
{
    size_t at = 0;
    uint64_t high;

    while (length - at >= 32) {
        const char *p = text + at;

        if ((tow_load8(p) | tow_load8(p + 8) | tow_load8(p + 16) | tow_load8(p + 24)) & BYTES_HIGH)
            break;
        at += 32;
    }
    for (; length - at >= 8; at += 8) {
        high = tow_load8(text + at) & BYTES_HIGH;
        if (high)
            return at + (size_t)__builtin_ctzll(high) / 8;
    }
    high = tow_load_part(text + at, length - at) & BYTES_HIGH;
    return high ? at + (size_t)__builtin_ctzll(high) / 8 : length;
}

size_t tow_utf8_prefix(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length) {
        size_t step;

        if ((unsigned char)text[at] < 0x80) {
            at += utf8_ascii(text + at, length - at);
            continue;
        }
        step = tow_utf8_sequence((const unsigned char *)text + at, length - at);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

int tow_utf8_valid(const char *text, size_t length)
{
    return tow_utf8_prefix(text, length) == length;
}
