#include <stdlib.h>
#include <string.h>

#include "state/reject_reader.h"
#include "towpath/json.h"
#include "towpath/value.h"

#define HEADER_COLUMNS_MAX 100000

static int header_fail(const struct tow_reject_reader *reader, const char *reason,
                       struct tow_error *err)
{
    return tow_error_set(err, TOW_E_DATA, "reject file %s is damaged: first line: %s", reader->path,
                         reason);
}

/* The value of a key (with its quotes); 0 where there is none. */
static int header_find(struct tow_json_part object, const char *key, struct tow_json_part *value)
{
    struct tow_json_scan scan;
    struct tow_json_part name;

    if (!tow_json_scan_object(&scan, object))
        return 0;
    while (tow_json_scan_member(&scan, &name, value))
        if (tow_json_part_is(name, key))
            return 1;
    return 0;
}

/* Type names need no escapes, so the text between the quotes is the name. */
static int header_type(const struct tow_reject_reader *reader, struct tow_json_part text,
                       struct tow_type *type, struct tow_error *err)
{
    char name[TOW_TYPE_TEXT_MAX + 1] = "";
    int result;

    if (text.length < 2 || text.length - 2 >= sizeof name || text.text[0] != '"')
        return header_fail(reader, "a column's \"type\" is no type", err);
    memcpy(name, text.text + 1, text.length - 2);
    result = tow_type_parse(name, type, err);
    return result == TOW_OK ? TOW_OK : tow_error_prefix(err, "reject file %s", reader->path);
}

/* The name is put behind those before it; the buffer has room for all of them and does not move. */
static int header_column(struct tow_reject_reader *reader, struct tow_json_part column,
                         struct tow_field *field, struct tow_error *err)
{
    struct tow_buffer *names = &reader->scratch->value;
    struct tow_json_part name, type, not_null;
    size_t start = names->size;
    int result;

    if (!header_find(column, "\"name\"", &name) || !header_find(column, "\"type\"", &type))
        return header_fail(reader, "a column without name or type", err);
    field->not_null =
        header_find(column, "\"not_null\"", &not_null) && tow_json_part_is(not_null, "true");
    result = tow_json_unescape(names, name, err);
    if (result == TOW_E_DATA)
        return header_fail(reader, "a column's \"name\" is no name", err);
    if (result == TOW_OK)
        result = tow_buffer_append(names, "", 1, err);
    if (result != TOW_OK)
        return result;
    field->name = names->data + start;
    return header_type(reader, type, &field->type, err);
}

static int header_schema(struct tow_reject_reader *reader, size_t count, struct tow_error *err)
{
    int result = tow_schema_make(&reader->schema, reader->fields, count, err);

    if (result == TOW_OK)
        result = tow_schema_validate(&reader->schema, err);
    /* From here on names are those of the schema: the buffer is used for other things. */
    for (size_t i = 0; i < count && result == TOW_OK; i++)
        result = tow_schema_field(&reader->schema, (int64_t)i, &reader->fields[i], err);
    if (result == TOW_OK || result == TOW_E_NOMEM)
        return result;
    return tow_error_prefix(err, "reject file %s", reader->path);
}

static int header_columns(struct tow_reject_reader *reader, struct tow_json_part columns,
                          struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part column;
    size_t count = 0, made = 0;
    int result;

    if (!tow_json_scan_array(&scan, columns))
        return header_fail(reader, "\"columns\" is no list", err);
    while (tow_json_scan_item(&scan, &column))
        count++;
    if (count > HEADER_COLUMNS_MAX)
        return header_fail(reader, "over 100000 columns", err);
    reader->fields = calloc(count + 1, sizeof *reader->fields);
    reader->scratch->seen = calloc(count + 1, 1);
    if (!reader->fields || !reader->scratch->seen)
        return tow_error_nomem(err);
    /* Without its quotes and with its NUL, each name is shorter than in the line. */
    result = tow_buffer_reserve(&reader->scratch->value, columns.length, err);
    tow_json_scan_array(&scan, columns);
    while (result == TOW_OK && tow_json_scan_item(&scan, &column))
        result = header_column(reader, column, &reader->fields[made++], err);
    return result == TOW_OK ? header_schema(reader, count, err) : result;
}

int tow_reject_header_parse(struct tow_reject_reader *reader, const char *line, size_t length,
                            struct tow_error *err)
{
    const struct tow_json_part header = {line, length};
    struct tow_json_part format, columns;

    if (!tow_json_valid(line, length, REJECT_DEPTH_MAX))
        return header_fail(reader, length ? "not a JSON value" : "missing", err);
    if (!header_find(header, "\"towpath_rejects\"", &format))
        return header_fail(reader, "\"towpath_rejects\" is missing", err);
    if (!tow_json_part_is(format, "1"))
        return tow_error_set(
            err, TOW_E_CONFIG, "reject file %s has format %.*s, this program reads format 1",
            reader->path, format.length > 20 ? 20 : (int)format.length, format.text);
    if (!header_find(header, "\"columns\"", &columns))
        return header_fail(reader, "\"columns\" is missing", err);
    return header_columns(reader, columns, err);
}
