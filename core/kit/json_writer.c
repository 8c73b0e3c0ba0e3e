#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json_text.h"
#include "kit/row_text.h"
#include "towpath/rowtext.h"

#define JSON_COPY_STEP 16

/* How a column is written. */
struct json_column {
    const char *key;   /* `,"name":`, and the quote that all its values begin with, if they do */
    size_t key_length; /* copied in steps of JSON_COPY_STEP, so that much more is readable */
    size_t quotes;     /* 1 where values stand in quotes, otherwise 0 */
    tow_value_put *put;
};

struct tow_json_writer {
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_row_room room;
    struct json_column *columns;
    struct tow_buffer key_text;
    int flags;
};

/* ---- values --------------------------------------------------------------------------------- */

static char *json_put_null(char *p)
{
    memcpy(p, "null", 4);
    return p + 4;
}

static char *json_put_string(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *text = tow_view_bytes(view, row, &length);

    return tow_put_json_escaped(p, text, length, tow_view_bytes_end(view));
}

/* No bytes at all are no JSON value: null keeps the line readable. */
static char *json_put_json(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *text = tow_view_bytes(view, row, &length);

    if (length == 0)
        return json_put_null(p);
    return tow_put_json_line(p, text, length, tow_view_bytes_end(view));
}

/* What is no number has no JSON text but a string. */
static char *json_put_word(char *p, double value)
{
    *p++ = '"';
    p = tow_put_double(p, value);
    *p++ = '"';
    return p;
}

static char *json_put_float32(char *p, const struct tow_view *view, int64_t row)
{
    float value = ((const float *)view->values)[row + view->offset];

    return __builtin_expect(isfinite(value), 1) ? tow_put_float(p, value)
                                                : json_put_word(p, (double)value);
}

static char *json_put_float64(char *p, const struct tow_view *view, int64_t row)
{
    double value = ((const double *)view->values)[row + view->offset];

    return __builtin_expect(isfinite(value), 1) ? tow_put_double(p, value)
                                                : json_put_word(p, value);
}

static tow_value_put *json_put_of(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_STRING:
        return json_put_string;
    case TOW_TYPE_JSON:
        return json_put_json;
    case TOW_TYPE_FLOAT32:
        return json_put_float32;
    case TOW_TYPE_FLOAT64:
        return json_put_float64;
    default:
        return tow_value_put_of(id);
    }
}

/* Between quotes: what is no string or JSON has no byte that needs an escape. */
static tow_value_put *json_put_text_of(enum tow_type_id id)
{
    tow_value_put *put = tow_value_put_of(id);

    return put ? put : json_put_string;
}

static int json_is_quoted(enum tow_type_id id)
{
    return id == TOW_TYPE_STRING || id == TOW_TYPE_BINARY || id == TOW_TYPE_DATE ||
           id == TOW_TYPE_TIMESTAMP || id == TOW_TYPE_TIMESTAMP_NTZ;
}

/* ---- the writer ----------------------------------------------------------------------------- */

/* Sets all but the key, whose text is left in key_text, which may move while it grows. */
static int json_add_column(struct tow_json_writer *writer, int64_t index, struct tow_error *err)
{
    struct json_column *column = &writer->columns[index];
    const char *name = writer->schema.children[index]->name;
    size_t start = writer->key_text.size;
    struct tow_field field;
    int code = tow_schema_field(&writer->schema, index, &field, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&writer->key_text, ",", 1, err);
    if (code == TOW_OK)
        code = tow_buffer_json_string(&writer->key_text, name, strlen(name), err);
    if (code != TOW_OK)
        return code;
    if (writer->flags & TOW_JSON_STRINGS) {
        column->quotes = 1;
        column->put = json_put_text_of(field.type.id);
    } else {
        column->quotes = (size_t)json_is_quoted(field.type.id);
        column->put = json_put_of(field.type.id);
    }
    code = tow_buffer_append(&writer->key_text, ":\"", 1 + column->quotes, err);
    column->key_length = writer->key_text.size - start;
    return code;
}

static int json_make_columns(struct tow_json_writer *writer, struct tow_error *err)
{
    int64_t count = writer->cursor.column_count;
    const char *text;
    int code = TOW_OK;

    writer->columns = calloc((size_t)count + 1, sizeof *writer->columns);
    if (!writer->columns)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < count && code == TOW_OK; i++)
        code = json_add_column(writer, i, err);
    text = writer->key_text.data;
    for (int64_t i = 0; i < count && code == TOW_OK; i++) {
        writer->columns[i].key = text;
        text += writer->columns[i].key_length;
    }
    return code;
}

/* Worst case of each cell: key, quotes and a value of fixed width; then "{}" and a line end. */
static void json_set_room(struct tow_json_writer *writer)
{
    writer->room.factor = TOW_JSON_EXPANSION;
    writer->room.fixed =
        writer->key_text.size + 3 + (size_t)writer->cursor.column_count * (TOW_VALUE_TEXT_MAX + 2);
}

struct tow_json_writer *tow_json_writer_new(const struct ArrowSchema *schema, int flags,
                                            struct tow_error *err)
{
    struct tow_json_writer *writer = calloc(1, sizeof *writer);
    int code;

    if (!writer) {
        tow_error_nomem(err);
        return NULL;
    }
    writer->flags = flags;
    code = tow_schema_copy(&writer->schema, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&writer->cursor, &writer->schema, err);
    if (code == TOW_OK)
        code = json_make_columns(writer, err);
    if (code != TOW_OK) {
        tow_json_writer_free(writer);
        return NULL;
    }
    json_set_room(writer);
    return writer;
}

void tow_json_writer_free(struct tow_json_writer *writer)
{
    if (!writer)
        return;
    tow_cursor_release(&writer->cursor);
    if (writer->schema.release)
        writer->schema.release(&writer->schema);
    tow_buffer_release(&writer->key_text);
    free(writer->columns);
    free(writer);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static inline char *json_put_key(char *p, const struct json_column *column)
{
    memcpy(p, column->key, JSON_COPY_STEP);
    for (size_t i = JSON_COPY_STEP; __builtin_expect(i < column->key_length, 0);
         i += JSON_COPY_STEP)
        memcpy(p + i, column->key + i, JSON_COPY_STEP);
    return p + column->key_length;
}

/* Every key begins with a comma; the first one becomes the brace. */
static char *json_put_object(const struct tow_json_writer *writer, char *p, int64_t row)
{
    const struct json_column *column = writer->columns, *end = column + writer->cursor.column_count;
    const struct tow_view *view = writer->cursor.columns;
    char *start = p;

    for (; column < end; column++, view++) {
        int is_null = tow_view_is_null(view, row);

        if (is_null && writer->flags & TOW_JSON_OMIT_NULLS)
            continue;
        p = json_put_key(p, column);
        if (is_null) {
            p = json_put_null(p - column->quotes);
            continue;
        }
        p = column->put(p, view, row);
        *p = '"';
        p += column->quotes;
    }
    if (p == start)
        p++;
    *start = '{';
    *p++ = '}';
    return p;
}

int tow_json_writer_rows(struct tow_json_writer *writer, const struct ArrowArray *array,
                         int64_t first, int64_t count, struct tow_buffer *out,
                         struct tow_error *err)
{
    const int64_t end = first + count;
    const size_t size = out->size;

    tow_cursor_batch(&writer->cursor, array);
    while (first < end) {
        int64_t group = end - first < TOW_ROW_GROUP ? end - first : TOW_ROW_GROUP;
        int code = tow_row_reserve(out, &writer->cursor, &writer->room, first, group, err);
        char *p;

        if (code != TOW_OK) {
            out->size = size;
            return code;
        }
        p = out->data + out->size;
        for (; group > 0; group--) {
            p = json_put_object(writer, p, first++);
            *p++ = '\n';
        }
        out->size = (size_t)(p - out->data);
    }
    return TOW_OK;
}

int tow_json_writer_object(struct tow_json_writer *writer, const struct ArrowArray *array,
                           int64_t row, struct tow_buffer *out, struct tow_error *err)
{
    int code;

    tow_cursor_batch(&writer->cursor, array);
    code = tow_row_reserve(out, &writer->cursor, &writer->room, row, 1, err);
    if (code != TOW_OK)
        return code;
    out->size = (size_t)(json_put_object(writer, out->data + out->size, row) - out->data);
    return TOW_OK;
}
