/*
 * Text that grows, for content that may hold secrets: memory that it leaves behind is wiped.
 */
#ifndef CORE_CONFIG_TEXT_H
#define CORE_CONFIG_TEXT_H

#include <stddef.h>

/* Zero-initialized is empty and valid. */
struct tow_text {
    char *bytes; /* NUL-terminated once something was appended */
    size_t length, capacity;
};

/* 0, or -1 where memory ran out; the text is then as it was. */
int tow_text_append(struct tow_text *text, const char *bytes, size_t length);
void tow_text_release(struct tow_text *text);

#endif
