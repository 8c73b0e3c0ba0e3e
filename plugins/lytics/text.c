#include "plugins/lytics/text.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/lytics/nested.h"
#include "plugins/lytics/recode.h"

struct tow_import_text {
    struct tow_import_text_spec spec;
    struct tow_import_recode *recode;
    const struct ArrowArray *array; /* the batch as it is written */
    struct ArrowSchema schema;      /* of the batch as it comes */
    struct tow_cursor cursor;       /* over it */
    struct tow_csv_writer *csv;     /* one of the two */
    struct tow_json_writer *json;
    /* Of nested = "flatten": a batch without the json columns, which come behind. */
    struct ArrowArray bare;
    const void *no_buffers[1];
    struct ArrowArray **bare_children;
    int64_t nested_count; /* json columns */
};

/* ---- making it ------------------------------------------------------------------------------ */

static int text_is_flat(const struct tow_import_text *text)
{
    return text->spec.nested == TOW_IMPORT_NESTED_FLATTEN && text->nested_count > 0;
}

/* Which columns are replaced before they are written. */
static int text_codings(struct tow_import_text *text, enum tow_import_coding *codings,
                        struct tow_error *err)
{
    int code = TOW_OK;

    for (int64_t i = 0; i < text->schema.n_children && code == TOW_OK; i++) {
        struct tow_field field;

        code = tow_schema_field(&text->schema, i, &field, err);
        codings[i] = TOW_IMPORT_KEEP;
        if (code != TOW_OK)
            break;
        if (field.type.id == TOW_TYPE_BINARY && text->spec.binary == TOW_IMPORT_HEX)
            codings[i] = TOW_IMPORT_DIGITS;
        if (field.type.id != TOW_TYPE_JSON)
            continue;
        text->nested_count++;
        if (text->spec.format == TOW_IMPORT_JSON && text->spec.nested == TOW_IMPORT_NESTED_JSON)
            codings[i] = TOW_IMPORT_PLAIN;
    }
    return code;
}

/* The columns that a writer of JSON has: all but those that are made flat. */
static int text_bare_schema(struct tow_import_text *text, struct ArrowSchema *bare,
                            struct tow_error *err)
{
    const struct ArrowSchema *schema = tow_import_recode_schema(text->recode);
    struct tow_field *fields = calloc((size_t)schema->n_children + 1, sizeof *fields);
    size_t count = 0;
    int code = fields ? TOW_OK : tow_error_nomem(err);

    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        code = tow_schema_field(schema, i, &fields[count], err);
        count += !text_is_flat(text) || fields[count].type.id != TOW_TYPE_JSON;
    }
    if (code == TOW_OK)
        code = tow_schema_make(bare, fields, count, err);
    free(fields);
    return code;
}

static int text_open_writer(struct tow_import_text *text, struct tow_error *err)
{
    static const struct tow_csv_format format = {.delimiter = ","};
    const int flags = text->spec.omits_empty ? TOW_JSON_OMIT_NULLS | TOW_JSON_OMIT_EMPTY : 0;
    struct ArrowSchema schema = {.release = NULL};
    int code = text_bare_schema(text, &schema, err);

    if (code != TOW_OK)
        return code;
    text->bare = (struct ArrowArray){
        .n_buffers = 1, .buffers = text->no_buffers, .n_children = schema.n_children};
    if (text->spec.format == TOW_IMPORT_JSON)
        text->json = tow_json_writer_new(&schema, flags, err);
    else
        text->csv = tow_csv_writer_new(&schema, &format, err);
    schema.release(&schema);
    return text->json || text->csv ? TOW_OK : err->code;
}

static int text_init(struct tow_import_text *text, const struct ArrowSchema *schema,
                     struct tow_error *err)
{
    enum tow_import_coding *codings = calloc((size_t)schema->n_children + 1, sizeof *codings);
    int code = codings ? TOW_OK : tow_error_nomem(err);

    if (code == TOW_OK)
        code = tow_schema_copy(&text->schema, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&text->cursor, &text->schema, err);
    if (code == TOW_OK)
        code = text_codings(text, codings, err);
    if (code == TOW_OK) {
        text->bare_children = calloc((size_t)schema->n_children + 1, sizeof(struct ArrowArray *));
        text->recode = tow_import_recode_new(schema, codings, err);
        if (!text->recode)
            code = err->code;
        else if (!text->bare_children)
            code = tow_error_nomem(err);
    }
    free(codings);
    return code == TOW_OK ? text_open_writer(text, err) : code;
}

struct tow_import_text *tow_import_text_new(const struct ArrowSchema *schema,
                                            const struct tow_import_text_spec *spec,
                                            struct tow_error *err)
{
    struct tow_import_text *text = calloc(1, sizeof *text);

    if (!text) {
        tow_error_nomem(err);
        return NULL;
    }
    text->spec = *spec;
    if (text_init(text, schema, err) == TOW_OK)
        return text;
    tow_import_text_free(text);
    return NULL;
}

void tow_import_text_free(struct tow_import_text *text)
{
    if (!text)
        return;
    tow_csv_writer_free(text->csv);
    tow_json_writer_free(text->json);
    tow_import_recode_free(text->recode);
    tow_cursor_release(&text->cursor);
    if (text->schema.release)
        text->schema.release(&text->schema);
    free(text->bare_children);
    free(text);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int text_is_json(const struct tow_import_text *text, int64_t column)
{
    return text->cursor.columns[column].type.id == TOW_TYPE_JSON;
}

int tow_import_text_batch(struct tow_import_text *text, const struct ArrowArray *array,
                          struct tow_error *err)
{
    int64_t count = 0;
    int code;

    tow_cursor_batch(&text->cursor, array);
    code = tow_import_recode_batch(text->recode, array, &text->array, err);
    if (code != TOW_OK || !text_is_flat(text))
        return code;
    for (int64_t i = 0; i < text->array->n_children; i++)
        if (!text_is_json(text, i))
            text->bare_children[count++] = text->array->children[i];
    text->bare.children = text->bare_children;
    text->bare.length = array->length;
    text->bare.offset = array->offset;
    return TOW_OK;
}

int tow_import_text_head(struct tow_import_text *text, struct tow_buffer *out,
                         struct tow_error *err)
{
    return text->csv ? tow_csv_writer_header(text->csv, out, err)
                     : tow_buffer_append(out, "[", 1, err);
}

/* A row whose json columns are made flat, behind the others. */
static int text_put_flat(struct tow_import_text *text, int64_t row, struct tow_buffer *out,
                         struct tow_error *err)
{
    const size_t before = out->size;
    int code = tow_json_writer_object(text->json, &text->bare, row, out, err);

    if (code != TOW_OK)
        return code;
    out->size--; /* the brace comes behind what is added */
    for (int64_t i = 0; i < text->schema.n_children && code == TOW_OK; i++) {
        const struct tow_view *view = &text->cursor.columns[i];
        struct tow_json_part value = {"null", 4};

        if (!text_is_json(text, i) || (tow_view_is_null(view, row) && text->spec.omits_empty))
            continue;
        if (!tow_view_is_null(view, row))
            value.text = tow_view_bytes(view, row, &value.length);
        code = tow_import_flatten(out, text->schema.children[i]->name, value,
                                  text->spec.omits_empty, err);
    }
    if (code == TOW_OK && out->size > before + 1 && out->data[before + 1] == ',') {
        memmove(out->data + before + 1, out->data + before + 2, out->size - before - 2);
        out->size--;
    }
    return code == TOW_OK ? tow_buffer_append(out, "},", 2, err) : code;
}

/* Every line of JSON is an item of an array: no line end stands inside of one. */
static void text_join_items(char *p, const char *end)
{
    while ((p = memchr(p, '\n', (size_t)(end - p))))
        *p++ = ',';
}

int tow_import_text_rows(struct tow_import_text *text, int64_t first, int64_t count,
                         struct tow_buffer *out, struct tow_error *err)
{
    const size_t before = out->size;
    int code = TOW_OK;

    if (text->csv)
        return tow_csv_writer_rows(text->csv, text->array, first, count, out, err);
    if (text_is_flat(text)) {
        for (int64_t i = 0; i < count && code == TOW_OK; i++)
            code = text_put_flat(text, first + i, out, err);
    } else {
        code = tow_json_writer_rows(text->json, text->array, first, count, out, err);
        if (code == TOW_OK)
            text_join_items(out->data + before, out->data + out->size);
    }
    if (code != TOW_OK)
        out->size = before;
    return code;
}

void tow_import_text_end(const struct tow_import_text *text, struct tow_buffer *out)
{
    if (!text->csv)
        out->data[out->size - 1] = ']';
}

/* ---- nested values -------------------------------------------------------------------------- */

static int text_refuses(const struct tow_import_text *text, const struct tow_view *view,
                        int64_t row)
{
    size_t length;
    const char *value = tow_view_bytes(view, row, &length);

    if (tow_view_is_null(view, row))
        return 0;
    return text->csv ? tow_import_is_nested(value, length) : !tow_import_is_plain(value, length);
}

int64_t tow_import_text_nested(const struct tow_import_text *text, int64_t first, int64_t end,
                               int64_t *column)
{
    if (text->spec.nested != TOW_IMPORT_NESTED_FAIL || text->nested_count == 0)
        return end;
    for (int64_t row = first; row < end; row++)
        for (int64_t i = 0; i < text->schema.n_children; i++)
            if (text_is_json(text, i) && text_refuses(text, &text->cursor.columns[i], row)) {
                *column = i;
                return row;
            }
    return end;
}
