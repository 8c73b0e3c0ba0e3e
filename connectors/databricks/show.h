/* What users wrote, as it may stand in a message: on one line, in UTF-8, and not too long. */
#ifndef CONNECTORS_DATABRICKS_SHOW_H
#define CONNECTORS_DATABRICKS_SHOW_H

#include <stddef.h>
#include <string.h>

#include "towpath/value.h"

#define TOW_SHOW_MAX 256 /* bytes, with the NUL */

/* Copies up to `length` bytes of text (TOW_SHOW_MAX: whatever fits), as whole characters; control
 * bytes, and what is not UTF-8, become '?'. Returns shown. */
static inline const char *tow_show(const char *text, size_t length, char shown[TOW_SHOW_MAX])
{
    size_t all = length > 0 ? strnlen(text, length) : 0, used = 0, step;

    for (size_t i = 0; i < all; i += step) {
        unsigned char byte = (unsigned char)text[i];

        step = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        if (step > all - i || !tow_utf8_valid(text + i, step))
            step = 1;
        if (used + step >= TOW_SHOW_MAX)
            break;
        memcpy(shown + used, text + i, step);
        if (step == 1 && (byte < ' ' || byte > '~'))
            shown[used] = '?';
        used += step;
    }
    shown[used] = '\0';
    return shown;
}

#endif
