#include "connectors/csv/field.h"

#include <string.h>

/* Copies text without its escapes; a last escape with nothing behind it stays. */
static size_t field_unescape(const char *text, size_t length, int escape, char *to)
{
    const char *end = text + length;
    char *out = to;

    while (text < end) {
        if ((unsigned char)*text == escape && text + 1 < end)
            text++;
        *out++ = *text++;
    }
    return (size_t)(out - to);
}

size_t tow_csv_field_unquote(const struct tow_csv_dialect *dialect, const char *text, size_t length,
                             char *to)
{
    const char *end = text + length;
    char *out = to;

    if (dialect->escape < 0 && !memchr(text, dialect->quote, length)) {
        memcpy(to, text, length);
        return length;
    }
    while (text < end) {
        int byte = (unsigned char)*text;

        /* Inside, a quote is always the first of two. */
        if ((byte == dialect->escape || byte == dialect->quote) && text + 1 < end)
            text++;
        *out++ = *text++;
    }
    return (size_t)(out - to);
}

/* Where the blanks at the end begin, save one that an escape makes data. */
static size_t field_trim_end(const struct tow_csv_dialect *dialect, const char *text, size_t length)
{
    size_t end = length, escapes = 0;

    while (end > 0 && dialect->blank[(unsigned char)text[end - 1]])
        end--;
    if (dialect->quote >= 0 || dialect->escape < 0 || end == length)
        return end;
    while (escapes < end && (unsigned char)text[end - 1 - escapes] == dialect->escape)
        escapes++;
    return end + escapes % 2;
}

struct tow_csv_text tow_csv_field_trim(const struct tow_csv_dialect *dialect, const char *text,
                                       size_t length)
{
    struct tow_csv_text field = {text, length};

    if (!dialect->trim)
        return field;
    while (field.length > 0 && dialect->blank[(unsigned char)*field.start]) {
        field.start++;
        field.length--;
    }
    field.length = field_trim_end(dialect, field.start, field.length);
    return field;
}

size_t tow_csv_field_decode(const struct tow_csv_dialect *dialect, struct tow_csv_text field,
                            char *to)
{
    if (field.length > 0 && (unsigned char)*field.start == dialect->quote)
        return tow_csv_field_unquote(dialect, field.start + 1, field.length - 2, to);
    if (dialect->quote < 0 && dialect->escape >= 0)
        return field_unescape(field.start, field.length, dialect->escape, to);
    memcpy(to, field.start, field.length);
    return field.length;
}
