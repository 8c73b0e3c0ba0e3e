#include "kit/rowtext/json_text.h"

#include <stdint.h>

#include "kit/rowtext/scan16.h"

static char *json_escape_byte(char *p, char c)
{
    static const char digits[] = "0123456789abcdef";

    *p++ = '\\';
    switch (c) {
    case '"':
    case '\\':
        *p++ = c;
        return p;
    case '\b':
        *p++ = 'b';
        return p;
    case '\f':
        *p++ = 'f';
        return p;
    case '\n':
        *p++ = 'n';
        return p;
    case '\r':
        *p++ = 'r';
        return p;
    case '\t':
        *p++ = 't';
        return p;
    default:
        memcpy(p, "u00", 3);
        p[3] = digits[(unsigned char)c >> 4];
        p[4] = digits[c & 15];
        return p + 5;
    }
}

/* Most texts: up to two blocks without anything to escape, taken at once whatever their length.
 * NULL for others. */
static inline char *json_put_plain(char *p, const char *text, size_t length, const char *readable)
{
    unsigned special;

    if (length > 2 * TOW_SCAN16 || readable - text < 2 * TOW_SCAN16)
        return NULL;
    special = tow_scan16_json(text) | tow_scan16_json(text + TOW_SCAN16) << TOW_SCAN16;
    if (special & ((UINT64_C(1) << length) - 1))
        return NULL;
    memcpy(p, text, 2 * TOW_SCAN16);
    return p + length;
}

char *tow_put_json_escaped(char *p, const char *text, size_t length, const char *readable)
{
    const char *end = text + length;
    char *plain_end = json_put_plain(p, text, length, readable);
    char block[TOW_SCAN16];

    if (plain_end)
        return plain_end;
    while (text < end) {
        size_t left = (size_t)(end - text);
        const char *from = tow_scan16_window(text, readable, block);
        unsigned special = tow_scan16_within(tow_scan16_json(from), left);
        size_t plain = left < TOW_SCAN16 ? left : TOW_SCAN16;

        memcpy(p, from, TOW_SCAN16);
        if (special)
            plain = (size_t)__builtin_ctz(special);
        p += plain;
        text += plain;
        if (special)
            p = json_escape_byte(p, *text++);
    }
    return p;
}

char *tow_put_json_line(char *p, const char *text, size_t length, const char *readable)
{
    const char *end = text + length;
    char block[TOW_SCAN16];

    while (text < end) {
        size_t left = (size_t)(end - text);
        const char *from = tow_scan16_window(text, readable, block);
        unsigned ends = tow_scan16_byte(from, '\n') | tow_scan16_byte(from, '\r');
        size_t step = left < TOW_SCAN16 ? left : TOW_SCAN16;

        memcpy(p, from, TOW_SCAN16);
        for (; ends; ends &= ends - 1)
            p[__builtin_ctz(ends)] = ' ';
        p += step;
        text += step;
    }
    return p;
}
