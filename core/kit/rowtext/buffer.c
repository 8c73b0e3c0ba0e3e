#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/rowtext/json_text.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

#define BUFFER_FIRST 256

static const char buffer_replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void tow_buffer_release(struct tow_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct tow_buffer){NULL, 0, 0};
}

int tow_buffer_reserve(struct tow_buffer *buffer, size_t extra, struct tow_error *err)
{
    size_t needed, capacity, allocated;
    char *data;

    if (__builtin_add_overflow(buffer->size, extra, &needed))
        return tow_error_nomem(err);
    if (needed <= buffer->capacity && buffer->data)
        return TOW_OK;
    if (__builtin_mul_overflow(buffer->capacity, (size_t)2, &capacity) || capacity < needed)
        capacity = needed;
    if (capacity < BUFFER_FIRST)
        capacity = BUFFER_FIRST;
    if (__builtin_add_overflow(capacity, (size_t)TOW_BUFFER_SLACK, &allocated))
        return tow_error_nomem(err);
    data = realloc(buffer->data, allocated);
    if (!data)
        return tow_error_nomem(err);
    buffer->data = data;
    buffer->capacity = capacity;
    return TOW_OK;
}

int tow_buffer_append(struct tow_buffer *buffer, const void *bytes, size_t length,
                      struct tow_error *err)
{
    int code = tow_buffer_reserve(buffer, length, err);

    if (code != TOW_OK)
        return code;
    if (length)
        memcpy(buffer->data + buffer->size, bytes, length);
    buffer->size += length;
    return TOW_OK;
}

int tow_buffer_printf(struct tow_buffer *buffer, struct tow_error *err, const char *format, ...)
{
    va_list args;
    int length, code;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return tow_error_set(err, TOW_E_BUG, "text of format \"%s\" cannot be made", format);
    /* The terminator falls into the slack. */
    code = tow_buffer_reserve(buffer, (size_t)length, err);
    if (code != TOW_OK)
        return code;
    va_start(args, format);
    (void)vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, args);
    va_end(args);
    buffer->size += (size_t)length;
    return TOW_OK;
}

/* Each byte that begins no well-formed sequence becomes a replacement character. */
static char *buffer_put_repaired(char *p, const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        size_t good = tow_utf8_prefix(text, (size_t)(end - text));

        p = tow_put_json_escaped(p, text, good, end);
        text += good;
        if (text == end)
            break;
        memcpy(p, buffer_replacement, sizeof buffer_replacement - 1);
        p += sizeof buffer_replacement - 1;
        text++;
    }
    return p;
}

int tow_buffer_json_string(struct tow_buffer *buffer, const char *text, size_t length,
                           struct tow_error *err)
{
    size_t room;
    char *p;
    int code;

    if (__builtin_mul_overflow(length, (size_t)TOW_JSON_EXPANSION, &room) ||
        __builtin_add_overflow(room, (size_t)2, &room))
        return tow_error_nomem(err);
    code = tow_buffer_reserve(buffer, room, err);
    if (code != TOW_OK)
        return code;
    p = buffer->data + buffer->size;
    *p++ = '"';
    p = buffer_put_repaired(p, text, length);
    *p++ = '"';
    buffer->size = (size_t)(p - buffer->data);
    return TOW_OK;
}
