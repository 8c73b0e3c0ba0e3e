/* Names of tables: what users write, taken apart. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/show.h"
#include "connectors/databricks/sql.h"
#include "towpath/value.h"

#define TABLE_PARTS_MAX  3
#define TABLE_SUFFIX_MAX 100
#define TABLE_HASH_TEXT  17 /* "_" and 16 hex digits */
#define TABLE_FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define TABLE_FNV_PRIME  UINT64_C(0x100000001b3)

/* Says of the name `text` what is wrong with it. */
static int table_refuse(const char *text, struct tow_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int table_refuse(const char *text, struct tow_error *err, const char *format, ...)
{
    char shown[TOW_SHOW_MAX], reason[128];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return tow_error_set(err, TOW_E_CONFIG,
                         "table name \"%s\": %s; write catalog.schema.table, with backticks around "
                         "a part that holds a dot",
                         tow_show(text, TOW_SHOW_MAX, shown), reason);
}

/* The end of a part that starts at p: at a dot or the text's end. NULL where a backtick is open or
 * out of place. */
static const char *table_part_end(const char *p)
{
    if (*p != '`') {
        p += strcspn(p, ".`");
        return *p == '`' ? NULL : p;
    }
    for (p++; *p; p++) {
        if (*p != '`')
            continue;
        p++;
        if (*p != '`')
            return *p == '.' || !*p ? p : NULL;
    }
    return NULL;
}

/* What stands from p to end, without its backticks. */
static char *table_part_copy(const char *p, const char *end)
{
    int quoted = *p == '`';
    char *part = malloc((size_t)(end - p) + 1), *to = part;

    if (!part)
        return NULL;
    if (quoted) {
        p++;
        end--;
    }
    for (; p < end; p++) {
        *to++ = *p;
        if (quoted && *p == '`')
            p++;
    }
    *to = '\0';
    return part;
}

static size_t table_characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static int table_part_check(const char *text, const char *part, struct tow_error *err)
{
    if (!*part)
        return table_refuse(text, err, "a part of it is empty");
    for (const char *p = part; *p; p++) {
        unsigned char byte = (unsigned char)*p;

        if (byte <= ' ' || byte == '/' || byte == 0x7f)
            return table_refuse(text, err, "byte 0x%02x may not be in a name", byte);
    }
    if (table_characters(part) > TOW_SQL_NAME_MAX)
        return table_refuse(text, err, "a part of it has %zu characters, %d are allowed",
                            table_characters(part), TOW_SQL_NAME_MAX);
    return TOW_OK;
}

static int table_fill(struct tow_sql_table *table, const char *text, struct tow_error *err)
{
    const char *p = text;

    for (;;) {
        const char *end = table_part_end(p);
        int code;

        if (table->count == TABLE_PARTS_MAX)
            return table_refuse(text, err, "it has more than %d parts", TABLE_PARTS_MAX);
        if (!end)
            return table_refuse(text, err, "a backtick is not closed, or stands within a part");
        table->parts[table->count] = table_part_copy(p, end);
        if (!table->parts[table->count])
            return tow_error_nomem(err);
        code = table_part_check(text, table->parts[table->count++], err);
        if (code != TOW_OK || !*end)
            return code;
        p = end + 1;
    }
}

int tow_sql_table_parse(struct tow_sql_table *table, const char *text, struct tow_error *err)
{
    int code;

    *table = (struct tow_sql_table){.count = 0};
    if (!tow_utf8_valid(text, strlen(text)))
        return tow_error_set(err, TOW_E_CONFIG, "a table's name is not UTF-8 from byte %zu on",
                             tow_utf8_prefix(text, strlen(text)));
    code = table_fill(table, text, err);
    if (code != TOW_OK)
        tow_sql_table_release(table);
    return code;
}

void tow_sql_table_release(struct tow_sql_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->parts[i]);
    *table = (struct tow_sql_table){.count = 0};
}

static uint64_t table_hash(const char *text)
{
    uint64_t hash = TABLE_FNV_OFFSET;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * TABLE_FNV_PRIME;
    return hash;
}

/* Bytes of the first `characters` characters of a name that has more. */
static size_t table_cut(const char *name, size_t characters)
{
    size_t length = 0;

    for (; name[length]; length++)
        if (((unsigned char)name[length] & 0xc0) != 0x80 && characters-- == 0)
            break;
    return length;
}

static char *table_sibling_name(const char *name, const char *suffix)
{
    size_t suffix_length = strlen(suffix);
    char *made;
    int length;

    if (table_characters(name) + suffix_length <= TOW_SQL_NAME_MAX)
        length = asprintf(&made, "%s%s", name, suffix);
    else
        length = asprintf(&made, "%.*s_%016llx%s",
                          (int)table_cut(name, TOW_SQL_NAME_MAX - TABLE_HASH_TEXT - suffix_length),
                          name, (unsigned long long)table_hash(name), suffix);
    return length < 0 ? NULL : made;
}

int tow_sql_table_sibling(struct tow_sql_table *out, const struct tow_sql_table *table,
                          const char *suffix, struct tow_error *err)
{
    *out = (struct tow_sql_table){.count = 0};
    if (table->count == 0 || strlen(suffix) > TABLE_SUFFIX_MAX)
        return tow_error_set(err, TOW_E_BUG, "no table, or a suffix of %zu bytes, %d are allowed",
                             strlen(suffix), TABLE_SUFFIX_MAX);
    for (size_t i = 0; i < table->count; i++) {
        out->parts[i] = i + 1 < table->count ? strdup(table->parts[i])
                                             : table_sibling_name(table->parts[i], suffix);
        if (!out->parts[i]) {
            tow_sql_table_release(out);
            return tow_error_nomem(err);
        }
        out->count++;
    }
    return TOW_OK;
}
