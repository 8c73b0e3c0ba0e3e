#include "connectors/databricks/sql.h"

#include <string.h>

#include "towpath/value.h"

/* Room for a text of which every byte may take two, between two quotes. */
static int sql_reserve(struct tow_buffer *out, size_t length, struct tow_error *err)
{
    size_t room;

    if (__builtin_mul_overflow(length, (size_t)2, &room) ||
        __builtin_add_overflow(room, (size_t)2, &room))
        return tow_error_nomem(err);
    return tow_buffer_reserve(out, room, err);
}

/* Text that has been looked at. No value is escaped by doubling its quote: adjacent literals are
 * one, and what stands between them differs from version to version. */
static int sql_put_string(struct tow_buffer *out, const char *text, size_t length,
                          struct tow_error *err)
{
    static const char letters[] = "\\'nrt", bytes[] = "\\'\n\r\t";
    char *p;
    int code = sql_reserve(out, length, err);

    if (code != TOW_OK)
        return code;
    p = out->data + out->size;
    *p++ = '\'';
    for (size_t i = 0; i < length; i++) {
        const char *special = memchr(bytes, text[i], sizeof bytes - 1);

        if (special)
            *p++ = '\\';
        *p++ = special ? letters[special - bytes] : text[i];
    }
    *p++ = '\'';
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

int tow_sql_string(struct tow_buffer *out, const char *text, size_t length, struct tow_error *err)
{
    if (length && memchr(text, '\0', length))
        return tow_error_set(err, TOW_E_DATA, "a text for SQL holds a NUL byte");
    if (!tow_utf8_valid(text, length))
        return tow_error_set(err, TOW_E_DATA, "a text for SQL is not UTF-8 from byte %zu on",
                             tow_utf8_prefix(text, length));
    return sql_put_string(out, text, length, err);
}

int tow_sql_name(struct tow_buffer *out, const char *name, struct tow_error *err)
{
    size_t length = strlen(name);
    char *p;
    int code;

    if (length == 0)
        return tow_error_set(err, TOW_E_CONFIG, "a name for SQL is empty");
    if (!tow_utf8_valid(name, length))
        return tow_error_set(err, TOW_E_CONFIG, "a name for SQL is not UTF-8 from byte %zu on",
                             tow_utf8_prefix(name, length));
    code = sql_reserve(out, length, err);
    if (code != TOW_OK)
        return code;
    p = out->data + out->size;
    *p++ = '`';
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '`')
            *p++ = '`';
        *p++ = name[i];
    }
    *p++ = '`';
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}

int tow_sql_table(struct tow_buffer *out, const struct tow_sql_table *table, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < table->count && code == TOW_OK; i++) {
        if (i > 0)
            code = tow_buffer_append(out, ".", 1, err);
        if (code == TOW_OK)
            code = tow_sql_name(out, table->parts[i], err);
    }
    return code;
}
