#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json_text.h"
#include "kit/row_text.h"
#include "towpath/rowtext.h"

#define JSON_COPY_STEP 16

/* `,"name":` of one column. Copied in steps of JSON_COPY_STEP, so that much more is readable. */
struct json_key {
    const char *text;
    size_t length;
};

struct tow_json_writer {
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_row_room room;
    struct json_key *keys;
    struct tow_buffer key_text;
    int omit_nulls;
};

/* Sets keys[i].length and leaves the text in key_text, which may move while it grows. */
static int json_add_key(struct tow_json_writer *writer, int64_t column, struct tow_error *err)
{
    const char *name = writer->schema.children[column]->name;
    size_t start = writer->key_text.size;
    int code = tow_buffer_append(&writer->key_text, ",", 1, err);

    if (code == TOW_OK)
        code = tow_buffer_json_string(&writer->key_text, name, strlen(name), err);
    if (code == TOW_OK)
        code = tow_buffer_append(&writer->key_text, ":", 1, err);
    writer->keys[column].length = writer->key_text.size - start;
    return code;
}

static int json_make_keys(struct tow_json_writer *writer, struct tow_error *err)
{
    int64_t count = writer->cursor.column_count;
    const char *text;
    int code = TOW_OK;

    writer->keys = calloc((size_t)count + 1, sizeof *writer->keys);
    if (!writer->keys)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < count && code == TOW_OK; i++)
        code = json_add_key(writer, i, err);
    text = writer->key_text.data;
    for (int64_t i = 0; i < count && code == TOW_OK; i++) {
        writer->keys[i].text = text;
        text += writer->keys[i].length;
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

struct tow_json_writer *tow_json_writer_new(const struct ArrowSchema *schema, int omit_nulls,
                                            struct tow_error *err)
{
    struct tow_json_writer *writer = calloc(1, sizeof *writer);
    int code;

    if (!writer) {
        tow_error_nomem(err);
        return NULL;
    }
    writer->omit_nulls = omit_nulls;
    code = tow_schema_copy(&writer->schema, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&writer->cursor, &writer->schema, err);
    if (code == TOW_OK)
        code = json_make_keys(writer, err);
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
    free(writer->keys);
    free(writer);
}

static char *json_put_key(char *p, const struct json_key *key)
{
    for (size_t i = 0; i < key->length; i += JSON_COPY_STEP)
        memcpy(p + i, key->text + i, JSON_COPY_STEP);
    return p + key->length;
}

static char *json_put_null(char *p)
{
    memcpy(p, "null", 4);
    return p + 4;
}

static char *json_put_quoted(char *p, const struct tow_view *view, int64_t row)
{
    *p++ = '"';
    p = tow_put_value(p, view, row);
    *p++ = '"';
    return p;
}

static char *json_put_string(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *text = tow_view_bytes(view, row, &length);

    *p++ = '"';
    p = tow_put_json_escaped(p, text, length, tow_view_bytes_end(view));
    *p++ = '"';
    return p;
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

static char *json_put_value(char *p, const struct tow_view *view, int64_t row)
{
    switch (view->type.id) {
    case TOW_TYPE_STRING:
        return json_put_string(p, view, row);
    case TOW_TYPE_JSON:
        return json_put_json(p, view, row);
    case TOW_TYPE_BINARY:
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return json_put_quoted(p, view, row);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        if (!isfinite(tow_view_double(view, row)))
            return json_put_quoted(p, view, row);
        return tow_put_value(p, view, row);
    default:
        return tow_put_value(p, view, row);
    }
}

/* Every key begins with a comma; the first one becomes the brace. */
static char *json_put_object(const struct tow_json_writer *writer, char *p, int64_t row)
{
    char *start = p;

    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        const struct tow_view *view = &writer->cursor.columns[i];
        int is_null = tow_view_is_null(view, row);

        if (is_null && writer->omit_nulls)
            continue;
        p = json_put_key(p, &writer->keys[i]);
        p = is_null ? json_put_null(p) : json_put_value(p, view, row);
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
