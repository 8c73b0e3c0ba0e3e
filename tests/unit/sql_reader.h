/*
 * Reads Databricks' string literals and quoted names back as Spark's lexer does, written from its
 * grammar and apart from the code that quotes. For tests alone.
 */
#ifndef TESTS_UNIT_SQL_READER_H
#define TESTS_UNIT_SQL_READER_H

#include <stddef.h>
#include <string.h>

/* Both need room for `length` bytes at out; they return the bytes of the value, or -1 where text is
 * not one literal, or one name, from its first byte to its last. */

static inline long sql_read_string(const char *text, size_t length, char *out)
{
    static const char letters[] = "0bnrtZ", values[] = "\0\b\n\r\t\x1a";
    char *to = out;
    size_t i = 1;

    if (length < 2 || text[0] != '\'')
        return -1;
    while (i < length && text[i] != '\'') {
        const char *letter;

        if (text[i] != '\\') {
            *to++ = text[i++];
            continue;
        }
        if (++i == length)
            return -1;
        letter = text[i] ? strchr(letters, text[i]) : NULL;
        if (text[i] == '%' || text[i] == '_')
            *to++ = '\\';
        *to++ = letter ? values[letter - letters] : text[i];
        i++;
    }
    return i + 1 == length ? to - out : -1;
}

static inline long sql_read_name(const char *text, size_t length, char *out)
{
    char *to = out;
    size_t i = 1;

    if (length < 3 || text[0] != '`')
        return -1;
    while (i < length) {
        if (text[i] == '`') {
            if (i + 1 == length)
                return to - out;
            if (text[++i] != '`')
                return -1;
        }
        *to++ = text[i++];
    }
    return -1;
}

#endif
