#include "plugins/lytics/recode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/lytics/nested.h"
#include "towpath/rowtext.h"

struct recode_column {
    enum tow_import_coding coding;
    struct ArrowArray array;
    const void *buffers[3]; /* validity of the batch; offsets and bytes of our own */
    int32_t *offsets;
    int64_t capacity; /* of offsets */
    struct tow_buffer bytes;
};

struct tow_import_recode {
    struct ArrowSchema in, out;
    struct tow_cursor cursor;
    struct recode_column *columns;
    struct ArrowArray joined;
    const void *no_buffers[1];
    struct ArrowArray **children;
    int is_needed; /* 0: no column is replaced */
};

/* ---- making it ------------------------------------------------------------------------------ */

static int recode_schema(struct tow_import_recode *recode, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    const size_t count = (size_t)schema->n_children;
    struct tow_field *fields = calloc(count + 1, sizeof *fields);
    int code = fields ? TOW_OK : tow_error_nomem(err);

    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        code = tow_schema_field(schema, (int64_t)i, &fields[i], err);
        if (recode->columns[i].coding == TOW_IMPORT_DIGITS)
            fields[i].type.id = TOW_TYPE_STRING;
    }
    if (code == TOW_OK)
        code = tow_schema_make(&recode->out, fields, count, err);
    free(fields);
    return code;
}

static int recode_init(struct tow_import_recode *recode, const struct ArrowSchema *schema,
                       const enum tow_import_coding *codings, struct tow_error *err)
{
    const size_t count = (size_t)schema->n_children;
    int code;

    recode->columns = calloc(count + 1, sizeof *recode->columns);
    recode->children = calloc(count + 1, sizeof(struct ArrowArray *));
    if (!recode->columns || !recode->children)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        struct recode_column *column = &recode->columns[i];

        column->coding = codings[i];
        column->array = (struct ArrowArray){.n_buffers = 3, .buffers = column->buffers};
        recode->is_needed |= codings[i] != TOW_IMPORT_KEEP;
    }
    recode->joined = (struct ArrowArray){.n_buffers = 1,
                                         .buffers = recode->no_buffers,
                                         .n_children = schema->n_children,
                                         .children = recode->children};
    code = tow_schema_copy(&recode->in, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&recode->cursor, &recode->in, err);
    return code == TOW_OK ? recode_schema(recode, schema, err) : code;
}

struct tow_import_recode *tow_import_recode_new(const struct ArrowSchema *schema,
                                                const enum tow_import_coding *codings,
                                                struct tow_error *err)
{
    struct tow_import_recode *recode = calloc(1, sizeof *recode);

    if (!recode) {
        tow_error_nomem(err);
        return NULL;
    }
    if (recode_init(recode, schema, codings, err) == TOW_OK)
        return recode;
    tow_import_recode_free(recode);
    return NULL;
}

void tow_import_recode_free(struct tow_import_recode *recode)
{
    if (!recode)
        return;
    for (int64_t i = 0; recode->columns && i < recode->in.n_children; i++) {
        free(recode->columns[i].offsets);
        tow_buffer_release(&recode->columns[i].bytes);
    }
    tow_cursor_release(&recode->cursor);
    if (recode->in.release)
        recode->in.release(&recode->in);
    if (recode->out.release)
        recode->out.release(&recode->out);
    free(recode->columns);
    free(recode->children);
    free(recode);
}

const struct ArrowSchema *tow_import_recode_schema(const struct tow_import_recode *recode)
{
    return &recode->out;
}

/* ---- batches -------------------------------------------------------------------------------- */

/* Offsets for rows from view->offset on, as the batch counts them: those before are not read. */
static int recode_reserve(struct recode_column *column, const struct tow_view *view,
                          struct tow_error *err)
{
    const int64_t count = view->offset + view->length + 1;
    int32_t *offsets;

    column->bytes.size = 0;
    if (count > column->capacity) {
        offsets = reallocarray(NULL, (size_t)count + TOW_BUFFER_SLACK, sizeof *offsets);
        if (!offsets)
            return tow_error_nomem(err);
        free(column->offsets);
        column->offsets = offsets;
        column->capacity = count;
    }
    return tow_buffer_reserve(&column->bytes, TOW_BUFFER_SLACK, err);
}

static int recode_value(struct recode_column *column, const char *text, size_t length,
                        struct tow_error *err)
{
    int code;

    if (column->coding == TOW_IMPORT_PLAIN)
        return tow_import_is_plain(text, length)
                   ? tow_buffer_append(&column->bytes, text, length, err)
                   : tow_buffer_json_string(&column->bytes, text, length, err);
    code = tow_buffer_reserve(&column->bytes, 2 * length, err);
    if (code == TOW_OK)
        column->bytes.size =
            (size_t)(tow_put_hex(column->bytes.data + column->bytes.size, text, length) -
                     column->bytes.data);
    return code;
}

static int recode_rows(struct recode_column *column, const struct tow_view *view,
                       struct tow_error *err)
{
    int32_t *offsets;
    int code = recode_reserve(column, view, err);

    if (code != TOW_OK)
        return code;
    offsets = column->offsets + view->offset;
    for (int64_t row = 0; row < view->length; row++) {
        size_t length;
        const char *text = tow_view_bytes(view, row, &length);

        offsets[row] = (int32_t)column->bytes.size;
        if (!tow_view_is_null(view, row))
            code = recode_value(column, text, length, err);
        if (code == TOW_OK && column->bytes.size > INT32_MAX)
            code = tow_error_set(err, TOW_E_DATA,
                                 "the values of a column make more than 2147483647 bytes of text");
        if (code != TOW_OK)
            return code;
    }
    offsets[view->length] = (int32_t)column->bytes.size;
    return TOW_OK;
}

/* Where all values stay as they are, the batch's own column does. */
static int recode_is_same(const struct recode_column *column, const struct tow_view *view)
{
    if (column->coding != TOW_IMPORT_PLAIN)
        return 0;
    for (int64_t row = 0; row < view->length; row++) {
        size_t length;
        const char *text = tow_view_bytes(view, row, &length);

        if (!tow_view_is_null(view, row) && !tow_import_is_plain(text, length))
            return 0;
    }
    return 1;
}

static int recode_column(struct tow_import_recode *recode, int64_t index,
                         const struct ArrowArray *array, struct tow_error *err)
{
    struct recode_column *column = &recode->columns[index];
    const struct tow_view *view = &recode->cursor.columns[index];
    const struct ArrowArray *was = array->children[index];
    int code;

    recode->children[index] = array->children[index];
    if (column->coding == TOW_IMPORT_KEEP || recode_is_same(column, view))
        return TOW_OK;
    code = recode_rows(column, view, err);
    column->buffers[0] = was->buffers[0];
    column->buffers[1] = column->offsets;
    column->buffers[2] = column->bytes.data;
    column->array.length = was->length;
    column->array.offset = was->offset;
    column->array.null_count = was->null_count;
    recode->children[index] = &column->array;
    return code;
}

int tow_import_recode_batch(struct tow_import_recode *recode, const struct ArrowArray *array,
                            const struct ArrowArray **out, struct tow_error *err)
{
    int code = TOW_OK;

    *out = array;
    if (!recode->is_needed)
        return TOW_OK;
    tow_cursor_batch(&recode->cursor, array);
    for (int64_t i = 0; i < array->n_children && code == TOW_OK; i++)
        code = recode_column(recode, i, array, err);
    recode->joined.length = array->length;
    recode->joined.offset = array->offset;
    *out = &recode->joined;
    return code;
}
