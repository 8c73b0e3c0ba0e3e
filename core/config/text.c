#include "config/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int text_grow(struct tow_text *text, size_t least)
{
    size_t capacity = text->capacity ? text->capacity : 256;

    while (capacity < least)
        capacity *= 2;
    /* Not realloc: it would leave the old bytes behind. */
    char *bytes = malloc(capacity);
    if (!bytes)
        return -1;
    if (text->length)
        memcpy(bytes, text->bytes, text->length);
    if (text->bytes)
        explicit_bzero(text->bytes, text->capacity);
    free(text->bytes);
    text->bytes = bytes;
    text->capacity = capacity;
    return 0;
}

int tow_text_append(struct tow_text *text, const char *bytes, size_t length)
{
    if (length > PTRDIFF_MAX / 2 - text->length)
        return -1;
    if (text->length + length + 1 > text->capacity && text_grow(text, text->length + length + 1))
        return -1;
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
    return 0;
}

void tow_text_release(struct tow_text *text)
{
    if (text->bytes)
        explicit_bzero(text->bytes, text->capacity);
    free(text->bytes);
    *text = (struct tow_text){0};
}
