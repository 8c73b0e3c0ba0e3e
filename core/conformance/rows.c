/* Rows to try sinks and transforms with: all together, with and without nulls, and slices of them.
 */
#include "conformance/suite.h"

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

int suite_schema(struct ArrowSchema *out, struct tow_error *err)
{
    return tow_schema_make(out, rows_fields, ROWS_FIELDS, err);
}

static int rows_append(struct tow_builder *builder, int64_t row, int with_nulls,
                       struct tow_error *err)
{
    int rc = tow_append_int64(builder, 0, row, err);

    if (!rc && !(with_nulls && row % 3 == 0))
        rc = tow_append_text(builder, 1, row % 2 ? "odd" : "\"even\",\n", err);
    if (!rc && !(with_nulls && row % 5 == 0))
        rc = tow_append_bool(builder, 2, row % 2 == 0, err);
    if (!rc && !(with_nulls && row % 7 == 0))
        rc = tow_append_int64(builder, 3, row * 1000000, err);
    return rc ? rc : tow_builder_end_row(builder, err);
}

int suite_array(const struct suite_rows *kind, struct ArrowArray *out, struct tow_error *err)
{
    struct tow_builder *builder = tow_builder_new(rows_fields, ROWS_FIELDS, err);
    struct ArrowArray whole = {0};
    int rc = builder ? TOW_OK : err->code;

    for (int64_t row = 0; !rc && row < SUITE_ROWS; row++)
        rc = rows_append(builder, row, kind->with_nulls, err);
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
