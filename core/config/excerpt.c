#include "config/excerpt.h"

#include <string.h>

#include "towpath/value.h"

#define EXCERPT_BYTES 64

const char *tow_excerpt(const char *text, size_t length, char out[TOW_EXCERPT_MAX])
{
    size_t shown = length < EXCERPT_BYTES ? length : EXCERPT_BYTES;
    size_t at = 0;

    memcpy(out, text, shown);
    while ((at += tow_utf8_prefix(out + at, shown - at)) < shown) {
        /* Where the cut went through a character, the rest of it is left out. */
        if (shown < length && shown - at < 4 && (out[at] & 0xc0) == 0xc0)
            shown = at;
        else
            out[at++] = '?';
    }
    for (size_t i = 0; i < shown; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = '?';
    strcpy(out + shown, shown < length ? "..." : "");
    return out;
}
