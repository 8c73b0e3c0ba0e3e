#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kit/rowtext/json_text.h"
#include "kit/rowtext/row_text.h"
#include "towpath/rowtext.h"

/* Three bytes of binary are four of base64; the last group is whole. */
#define JSON_BASE64_FACTOR 2
#define JSON_BASE64_EXTRA  4

struct tow_json_writer {
    struct tow_row_writer rows;
    struct tow_buffer prefixes; /* `,"name":` of each column, and the quote that its values have */
    int flags;
};

/* ---- texts ---------------------------------------------------------------------------------- */

static const char json_null[TOW_CELL_STEP] = "null";

static char *json_put_string(const void *context, char *p, const char *text, size_t length,
                             const char *readable)
{
    (void)context;
    return tow_put_json_escaped(p, text, length, readable);
}

/* No bytes at all are no JSON value: null keeps the line readable. */
static char *json_put_json(const void *context, char *p, const char *text, size_t length,
                           const char *readable)
{
    (void)context;
    return length == 0 ? mempcpy(p, json_null, 4) : tow_put_json_line(p, text, length, readable);
}

static char *json_put_binary(const void *context, char *p, const char *text, size_t length,
                             const char *readable)
{
    (void)context;
    (void)readable;
    return tow_put_base64(p, text, length);
}

/* ---- the writer ----------------------------------------------------------------------------- */

static int json_is_quoted(enum tow_type_id id)
{
    return id == TOW_TYPE_STRING || id == TOW_TYPE_BINARY || id == TOW_TYPE_DATE ||
           id == TOW_TYPE_TIMESTAMP || id == TOW_TYPE_TIMESTAMP_NTZ;
}

static void json_set_text(struct tow_row_column *column, enum tow_type_id id, int is_string)
{
    column->put_text = json_put_string;
    column->room = (struct tow_row_room){TOW_JSON_EXPANSION, 0};
    column->marks = (struct tow_mark_set){0x20, {'"', '\\', '"', '\\'}};
    column->odd_lengths[0] = column->odd_lengths[1] = SIZE_MAX;
    if (id == TOW_TYPE_BINARY) {
        column->put_text = json_put_binary;
        column->room = (struct tow_row_room){JSON_BASE64_FACTOR, JSON_BASE64_EXTRA};
        column->all_odd = 1;
    } else if (id == TOW_TYPE_JSON && !is_string) {
        column->put_text = json_put_json;
        column->room = (struct tow_row_room){1, sizeof json_null};
        column->marks = (struct tow_mark_set){0, {'\n', '\r', '\n', '\r'}};
        column->odd_lengths[0] = 0;
    }
}

/* Sets all but the prefix, whose text is left in `prefixes`, which may move while it grows. */
static int json_add_column(struct tow_json_writer *writer, int64_t index, struct tow_error *err)
{
    struct tow_row_column *column = &writer->rows.columns[index];
    const char *name = writer->rows.schema.children[index]->name;
    enum tow_type_id id = tow_row_writer_type(&writer->rows, index);
    const int is_string = (writer->flags & TOW_JSON_STRINGS) != 0;
    size_t start = writer->prefixes.size;
    int code = tow_buffer_append(&writer->prefixes, ",", 1, err);

    if (code == TOW_OK)
        code = tow_buffer_json_string(&writer->prefixes, name, strlen(name), err);
    if (code != TOW_OK)
        return code;
    column->quotes = is_string || json_is_quoted(id);
    if (!is_string)
        column->put_values = tow_cells_put_json_of(id);
    if (!column->put_values)
        json_set_text(column, id, is_string);
    code = tow_buffer_append(&writer->prefixes, ":\"", 1 + column->quotes, err);
    column->prefix_length = writer->prefixes.size - start;
    return code;
}

static int json_set_columns(struct tow_json_writer *writer, struct tow_error *err)
{
    const int64_t count = writer->rows.cursor.column_count;
    const char *text;
    int code = TOW_OK;

    for (int64_t i = 0; i < count && code == TOW_OK; i++)
        code = json_add_column(writer, i, err);
    text = writer->prefixes.data;
    for (int64_t i = 0; i < count && code == TOW_OK; i++) {
        writer->rows.columns[i].prefix = text;
        text += writer->rows.columns[i].prefix_length;
    }
    return code;
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
    code = tow_row_writer_init(&writer->rows, schema, err);
    if (code == TOW_OK)
        code = json_set_columns(writer, err);
    if (code != TOW_OK) {
        tow_json_writer_free(writer);
        return NULL;
    }
    writer->rows.null = (struct tow_cell){json_null, 4};
    writer->rows.end[0] = '\n';
    writer->rows.omits_nulls = (flags & TOW_JSON_OMIT_NULLS) != 0;
    writer->rows.omits_empty = (flags & TOW_JSON_OMIT_EMPTY) != 0;
    writer->rows.is_object = 1;
    return writer;
}

void tow_json_writer_free(struct tow_json_writer *writer)
{
    if (!writer)
        return;
    tow_row_writer_release(&writer->rows);
    tow_buffer_release(&writer->prefixes);
    free(writer);
}

/* ---- rows ----------------------------------------------------------------------------------- */

int tow_json_writer_rows(struct tow_json_writer *writer, const struct ArrowArray *array,
                         int64_t first, int64_t count, struct tow_buffer *out,
                         struct tow_error *err)
{
    writer->rows.end_length = 1;
    return tow_row_writer_put(&writer->rows, array, first, count, out, err);
}

int tow_json_writer_object(struct tow_json_writer *writer, const struct ArrowArray *array,
                           int64_t row, struct tow_buffer *out, struct tow_error *err)
{
    writer->rows.end_length = 0;
    return tow_row_writer_put(&writer->rows, array, row, 1, out, err);
}
