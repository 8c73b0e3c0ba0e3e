#include <stdlib.h>
#include <string.h>

#include "towpath/batch.h"

/* What the offsets of no rows read as where a producer sent none. */
static const int32_t view_no_offsets[1] = {0};

/* Points a view, whose type is set, at its column of an array. */
static void view_bind(struct tow_view *view, const struct ArrowArray *array, int64_t column)
{
    const struct ArrowArray *child = array->children[column];

    view->length = array->length;
    view->offset = array->offset + child->offset;
    view->validity = child->null_count == 0 ? NULL : child->buffers[0];
    view->values = NULL;
    view->offsets = NULL;
    view->bytes = NULL;
    if (!tow_type_is_bytes(view->type.id)) {
        view->values = child->buffers[1];
        return;
    }
    view->offsets = child->buffers[1];
    view->bytes = child->buffers[2] ? child->buffers[2] : "";
    if (!view->offsets) {
        view->offsets = view_no_offsets;
        view->offset = 0;
    }
}

void tow_view_init(struct tow_view *view, const struct ArrowSchema *schema,
                   const struct ArrowArray *array, int64_t column)
{
    struct tow_field field;

    tow_schema_field(schema, column, &field, NULL);
    view->type = field.type;
    view_bind(view, array, column);
}

int64_t tow_view_int64(const struct tow_view *view, int64_t row)
{
    int64_t at = row + view->offset;

    switch (view->type.id) {
    case TOW_TYPE_INT8:
        return ((const int8_t *)view->values)[at];
    case TOW_TYPE_INT16:
        return ((const int16_t *)view->values)[at];
    case TOW_TYPE_INT32:
    case TOW_TYPE_DATE:
        return ((const int32_t *)view->values)[at];
    case TOW_TYPE_UINT8:
        return ((const uint8_t *)view->values)[at];
    case TOW_TYPE_UINT16:
        return ((const uint16_t *)view->values)[at];
    case TOW_TYPE_UINT32:
        return ((const uint32_t *)view->values)[at];
    case TOW_TYPE_INT64:
    case TOW_TYPE_UINT64:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return ((const int64_t *)view->values)[at];
    default:
        return 0;
    }
}

double tow_view_double(const struct tow_view *view, int64_t row)
{
    int64_t at = row + view->offset;

    if (view->type.id == TOW_TYPE_FLOAT32)
        return (double)((const float *)view->values)[at];
    return view->type.id == TOW_TYPE_FLOAT64 ? ((const double *)view->values)[at] : 0;
}

struct tow_decimal tow_view_decimal(const struct tow_view *view, int64_t row)
{
    struct tow_decimal value = {0, 0};

    if (view->type.id == TOW_TYPE_DECIMAL)
        value = ((const struct tow_decimal *)view->values)[row + view->offset];
    return value;
}

int tow_cursor_init(struct tow_cursor *cursor, const struct ArrowSchema *schema,
                    struct tow_error *err)
{
    struct tow_field field;
    int code;

    *cursor = (struct tow_cursor){.row = -1, .schema = schema};
    code = tow_schema_validate(schema, err);
    if (code != TOW_OK)
        return code;
    cursor->columns = calloc((size_t)schema->n_children + 1, sizeof *cursor->columns);
    if (!cursor->columns)
        return tow_error_nomem(err);
    cursor->column_count = schema->n_children;
    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        code = tow_schema_field(schema, i, &field, err);
        cursor->columns[i].type = field.type;
    }
    if (code != TOW_OK)
        tow_cursor_release(cursor);
    return code;
}

void tow_cursor_release(struct tow_cursor *cursor)
{
    free(cursor->columns);
    *cursor = (struct tow_cursor){.row = -1};
}

void tow_cursor_batch(struct tow_cursor *cursor, const struct ArrowArray *array)
{
    for (int64_t i = 0; i < cursor->column_count; i++)
        view_bind(&cursor->columns[i], array, i);
    cursor->row = -1;
    cursor->length = array->length;
}
