/* One UTF-8 sequence at a time. */
#ifndef KIT_VALUE_UTF8_H
#define KIT_VALUE_UTF8_H

#include <stddef.h>
#include <string.h>

/* Length of the well-formed sequence that begins here (Unicode, table 3-7); 0 where there is none.
 * At least one byte is left. */
static inline size_t tow_utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned lead = p[0], least = 0x80, most = 0xBF;
    size_t length;

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    length = 2u + (lead >= 0xE0) + (lead >= 0xF0);
    if (left < length)
        return 0;
    /* The second byte's bounds keep out overlong forms, surrogates, and all above U+10FFFF. */
    if (lead == 0xE0)
        least = 0xA0;
    else if (lead == 0xED)
        most = 0x9F;
    else if (lead == 0xF0)
        least = 0x90;
    else if (lead == 0xF4)
        most = 0x8F;
    if (p[1] < least || p[1] > most)
        return 0;
    if (length > 2 && (p[2] & 0xC0) != 0x80)
        return 0;
    if (length > 3 && (p[3] & 0xC0) != 0x80)
        return 0;
    return length;
}

#endif
