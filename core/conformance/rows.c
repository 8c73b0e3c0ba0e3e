/* Rows to try sinks and transforms with: all together, with and without nulls, and slices of them.
 */
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"
#include "plugin/loader.h"

#define ROWS_FIRST 5 /* of the slice: an offset that is no multiple of 8 */
#define ROWS_COUNT 40

static const struct tow_field rows_fields[] = {
    {"id", {TOW_TYPE_INT64, 0, 0}, 1},
    {"name", {TOW_TYPE_STRING, 0, 0}, 0},
    {"flag", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"at", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
};
#define ROWS_FIELDS (sizeof rows_fields / sizeof *rows_fields)

const struct suite_rows suite_row_kinds[SUITE_ROW_KINDS] = {
    {"rows without nulls (no validity buffers)", 0, 0},
    {"rows with nulls", 1, 0},
    {"rows of a slice", 1, 1},
    {"rows of a slice without nulls", 0, 1},
};

/* ---- columns that a sink names -------------------------------------------------------------- */

struct rows_naming {
    struct suite *suite;
    struct tow_error *err;
};

static int32_t rows_name_column(void *context, const struct tow_sink_column *column)
{
    const struct rows_naming *naming = context;
    struct suite *suite = naming->suite;
    struct tow_field *fields =
        reallocarray(suite->fields, suite->field_count + 1, sizeof *suite->fields);

    if (!fields)
        return tow_error_nomem(naming->err);
    suite->fields = fields;
    fields[suite->field_count] = (struct tow_field){.name = strdup(column->name)};
    if (!fields[suite->field_count++].name)
        return tow_error_nomem(naming->err);
    return tow_type_parse(column->type, &fields[suite->field_count - 1].type, naming->err);
}

int suite_name_columns(struct suite *suite, struct tow_error *err)
{
    struct rows_naming naming = {suite, err};
    struct suite_instance instance;

    if (!tow_sink_columns(suite->plugin))
        return TOW_OK;
    int rc = suite_instance_init(suite, &instance, "sink", err);
    if (!rc)
        rc =
            tow_sink_columns(suite->plugin)(instance.instance.self, rows_name_column, &naming, err);
    suite_instance_release(&instance, 0);
    return rc;
}

void suite_forget_columns(struct suite *suite)
{
    for (size_t i = 0; i < suite->field_count; i++)
        free((char *)(uintptr_t)suite->fields[i].name);
    free(suite->fields);
    suite->fields = NULL;
    suite->field_count = 0;
}

static const struct tow_field *rows_columns(const struct suite *suite, size_t *count)
{
    *count = suite->fields ? suite->field_count : ROWS_FIELDS;
    return suite->fields ? suite->fields : rows_fields;
}

int suite_schema(const struct suite *suite, struct ArrowSchema *out, struct tow_error *err)
{
    size_t count;
    const struct tow_field *fields = rows_columns(suite, &count);

    return tow_schema_make(out, fields, count, err);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int rows_append_value(struct tow_builder *builder, size_t column, enum tow_type_id type,
                             int64_t row, struct tow_error *err)
{
    switch (type) {
    case TOW_TYPE_STRING:
    case TOW_TYPE_BINARY:
        return tow_append_text(builder, column, row % 2 ? "odd" : "\"even\",\n", err);
    case TOW_TYPE_JSON:
        return tow_append_text(builder, column, row % 2 ? "[]" : "[{\"a\": [1, null]}]", err);
    case TOW_TYPE_BOOL:
        return tow_append_bool(builder, column, row % 2 == 0, err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return tow_append_double(builder, column, (double)row / 4, err);
    case TOW_TYPE_DECIMAL:
        return tow_append_decimal(builder, column, (struct tow_decimal){(uint64_t)row % 10, 0},
                                  err);
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return tow_append_int64(builder, column, row * 1000000, err);
    default:
        return tow_append_int64(builder, column, row, err);
    }
}

static int rows_append(struct tow_builder *builder, const struct tow_field *fields, size_t count,
                       int64_t row, int with_nulls, struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < count; i++)
        if (fields[i].not_null || !with_nulls || row % (int64_t)(i ? 2 * i + 1 : 11) != 0)
            rc = rows_append_value(builder, i, fields[i].type.id, row, err);
    return rc ? rc : tow_builder_end_row(builder, err);
}

int suite_array(const struct suite *suite, const struct suite_rows *kind, struct ArrowArray *out,
                struct tow_error *err)
{
    size_t count;
    const struct tow_field *fields = rows_columns(suite, &count);
    struct tow_builder *builder = tow_builder_new(fields, count, err);
    struct ArrowArray whole = {0};
    int rc = builder ? TOW_OK : err->code;

    for (int64_t row = 0; !rc && row < SUITE_ROWS; row++)
        rc = rows_append(builder, fields, count, row, kind->with_nulls, err);
    if (!rc)
        rc = tow_builder_finish(builder, &whole, err);
    tow_builder_free(builder);
    if (rc)
        return rc;
    struct tow_share *share = tow_share_new(&whole, err);
    if (!share) {
        whole.release(&whole);
        return TOW_E_NOMEM;
    }
    rc = tow_share_slice(share, kind->sliced ? ROWS_FIRST : 0,
                         kind->sliced ? ROWS_COUNT : SUITE_ROWS, out, err);
    tow_share_unref(share);
    return rc;
}
