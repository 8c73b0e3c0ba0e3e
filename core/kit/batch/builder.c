#include "kit/batch/builder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kit/batch/bits.h"
#include "kit/batch/column.h"
#include "kit/batch/frame.h"
#include "kit/batch/schema.h"

/* Text in one column from which a batch counts as full: a row as large as that still fits. */
#define BUILDER_TEXT_FULL (TOW_COLUMN_MAX / 2)
/* Rows, or bytes of text, that new buffers have at most before they are asked for: the batch before
 * may have been a giant. */
#define BUILDER_FIRST_MAX (4 << 20)

static unsigned __int128 builder_power_of_ten(int exponent)
{
    unsigned __int128 power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* What a value takes without the bytes that offsets point to. */
static size_t builder_value_bits(enum tow_type_id id)
{
    if (tow_type_is_bytes(id))
        return 8 * sizeof(int32_t);
    return id == TOW_TYPE_BOOL ? 1 : 8 * tow_type_width(id);
}

static void builder_init_columns(struct tow_builder *builder, const struct tow_field *fields)
{
    char *name = builder->names;

    for (size_t i = 0; i < builder->count; i++) {
        struct tow_builder_column *own = &builder->columns[i];

        own->column.type = fields[i].type;
        own->builder = builder;
        builder->row_bits += builder_value_bits(fields[i].type.id) + 1;
        own->name = strcpy(name, fields[i].name);
        own->not_null = fields[i].not_null;
        if (fields[i].type.id == TOW_TYPE_DECIMAL)
            own->decimal_limit = builder_power_of_ten(fields[i].type.precision);
        name += strlen(name) + 1;
    }
}

struct tow_builder *tow_builder_new(const struct tow_field *fields, size_t count,
                                    struct tow_error *err)
{
    struct tow_builder *builder;
    size_t names_size = 1;

    if (tow_fields_check(fields, count, err) != TOW_OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): each was checked to have one. */
        names_size += strlen(fields[i].name) + 1;
    builder = calloc(1, sizeof *builder);
    if (!builder) {
        tow_error_nomem(err);
        return NULL;
    }
    builder->columns = calloc(count + 1, sizeof *builder->columns);
    builder->names = malloc(names_size);
    builder->pool = tow_pool_new(count);
    if (!builder->columns || !builder->names || !builder->pool) {
        tow_builder_free(builder);
        tow_error_nomem(err);
        return NULL;
    }
    builder->count = count;
    builder_init_columns(builder, fields);
    return builder;
}

struct tow_builder *tow_builder_new_schema(const struct ArrowSchema *schema, struct tow_error *err)
{
    struct tow_builder *builder = NULL;
    struct tow_field *fields;
    int code = TOW_OK;

    if (tow_schema_validate(schema, err) != TOW_OK)
        return NULL;
    fields = calloc((size_t)schema->n_children + 1, sizeof *fields);
    if (!fields) {
        tow_error_nomem(err);
        return NULL;
    }
    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++)
        code = tow_schema_field(schema, i, &fields[i], err);
    if (code == TOW_OK)
        builder = tow_builder_new(fields, (size_t)schema->n_children, err);
    free(fields);
    return builder;
}

void tow_builder_free(struct tow_builder *builder)
{
    if (!builder)
        return;
    for (size_t i = 0; i < builder->count; i++)
        tow_column_release(&builder->columns[i].column);
    tow_frame_free(builder->frame);
    tow_pool_close(builder->pool);
    free(builder->columns);
    free(builder->names);
    free(builder);
}

/* Takes a frame and its buffers when the first column of a batch needs room: only then, since the
 * batch before may have come back in the meantime. */
static int builder_take_frame(struct tow_builder *builder, struct tow_error *err)
{
    if (builder->frame)
        return TOW_OK;
    builder->frame = tow_pool_take(builder->pool);
    if (!builder->frame)
        return tow_error_nomem(err);
    for (size_t i = 0; i < builder->count; i++) {
        struct tow_column *column = &builder->columns[i].column;
        struct tow_column *kept = tow_frame_column(builder->frame, i);

        kept->type = column->type;
        kept->length = 0;
        kept->null_count = 0;
        tow_column_move(column, kept);
    }
    return TOW_OK;
}

struct tow_column *tow_builder_column(struct tow_builder *builder, size_t column)
{
    return column < builder->count ? &builder->columns[column].column : NULL;
}

/* Rows or bytes that new buffers are made for: a little above what the batch before had, so that
 * they need not grow step by step, which ends in up to twice of what is enough. */
static int64_t builder_first_size(int64_t needed, int64_t last)
{
    int64_t usual = last + last / 16;

    if (usual > BUILDER_FIRST_MAX)
        usual = BUILDER_FIRST_MAX;
    return needed >= 0 && needed < usual ? usual : needed;
}

/* Kept apart so that the common case, room enough, stays small. */
static int builder_grow_column(struct tow_builder_column *own, int64_t rows, int64_t bytes,
                               struct tow_error *err)
{
    int code = builder_take_frame(own->builder, err);

    if (own->column.row_capacity == 0) {
        rows = builder_first_size(rows, own->last_rows);
        bytes = builder_first_size(bytes, own->last_bytes);
    }
    if (code == TOW_OK)
        code = tow_column_grow(&own->column, rows, bytes, err);
    if (code != TOW_OK)
        tow_error_prefix(err, "column \"%s\"", own->name);
    return code;
}

int tow_column_reserve(struct tow_column *column, int64_t rows, int64_t bytes,
                       struct tow_error *err)
{
    if (tow_column_has_room(column, rows, bytes))
        return TOW_OK;
    return builder_grow_column((struct tow_builder_column *)column, rows, bytes, err);
}

void tow_builder_rest(struct tow_builder *builder)
{
    if (tow_builder_rows(builder) > 0)
        return;
    for (size_t i = 0; i < builder->count; i++)
        tow_column_release(&builder->columns[i].column);
    tow_frame_free(builder->frame);
    builder->frame = NULL;
    tow_pool_rest(builder->pool);
}

/* ---- rows ----------------------------------------------------------------------------------- */

int64_t tow_builder_rows(const struct tow_builder *builder)
{
    return builder->open || builder->count == 0 ? builder->rows : builder->columns[0].column.length;
}

/* Everything that can fail when a row ends, so that a failure changes nothing. */
static int builder_check_row(struct tow_builder_column *own, struct tow_error *err)
{
    struct tow_column *column = &own->column;
    int64_t row = own->builder->rows;

    if (column->length != row && column->length != row + 1)
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": %" PRId64 " rows where others have %" PRId64,
                             own->name, column->length, row);
    if (own->not_null && (column->length == row || !tow_bit_get(column->validity, row)))
        return tow_error_set(err, TOW_E_DATA, "column \"%s\": null, but the column is not null",
                             own->name);
    if (tow_column_has_room(column, row + 1, 0))
        return TOW_OK;
    return builder_grow_column(own, row + 1, 0, err);
}

int tow_builder_end_row(struct tow_builder *builder, struct tow_error *err)
{
    builder->rows = tow_builder_rows(builder);
    builder->open = 1;
    for (size_t i = 0; i < builder->count; i++) {
        int code = builder_check_row(&builder->columns[i], err);

        if (code != TOW_OK)
            return code;
    }
    for (size_t i = 0; i < builder->count; i++)
        if (builder->columns[i].column.length == builder->rows)
            tow_column_put_null(&builder->columns[i].column);
    builder->rows++;
    builder->open = 0;
    return TOW_OK;
}

void tow_builder_cancel_row(struct tow_builder *builder)
{
    if (!builder->open)
        return;
    for (size_t i = 0; i < builder->count; i++) {
        struct tow_column *column = &builder->columns[i].column;

        if (column->length != builder->rows + 1)
            continue;
        column->length--;
        column->null_count -= !tow_bit_get(column->validity, column->length);
    }
    builder->open = 0;
}

void tow_builder_reset(struct tow_builder *builder)
{
    for (size_t i = 0; i < builder->count; i++) {
        builder->columns[i].column.length = 0;
        builder->columns[i].column.null_count = 0;
    }
    builder->rows = 0;
    builder->open = 0;
}

/* Bitmaps are counted together, so up to a byte for each is not counted. */
size_t tow_builder_bytes(const struct tow_builder *builder)
{
    int64_t rows = tow_builder_rows(builder);
    size_t bytes = ((size_t)rows * builder->row_bits + 7) / 8;

    if (rows == 0)
        return 0;
    for (size_t i = 0; i < builder->count; i++) {
        const struct tow_column *column = &builder->columns[i].column;

        if (column->offsets)
            bytes += sizeof *column->offsets + (size_t)tow_column_text(column);
    }
    return bytes;
}

int tow_builder_full(const struct tow_builder *builder, uint32_t rows, uint64_t bytes)
{
    int64_t ended = tow_builder_rows(builder);

    if ((rows > 0 && ended >= rows) || ended >= TOW_COLUMN_MAX)
        return 1;
    if (bytes > 0 && tow_builder_bytes(builder) >= bytes)
        return 1;
    for (size_t i = 0; i < builder->count; i++)
        if (tow_column_text(&builder->columns[i].column) >= BUILDER_TEXT_FULL)
            return 1;
    return 0;
}

/* ---- finishing ------------------------------------------------------------------------------ */

/* Columns may have been filled by hand: sees that a batch can be made of them. */
static int builder_check_column(struct tow_builder_column *own, int64_t rows, struct tow_error *err)
{
    struct tow_column *column = &own->column;

    if (column->length != rows || rows < 0)
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": %" PRId64 " rows where others have %" PRId64,
                             own->name, column->length, rows);
    if (rows > column->row_capacity)
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": %" PRId64 " rows where %" PRId64 " were reserved",
                             own->name, rows, column->row_capacity);
    if (column->null_count < 0 || column->null_count > rows)
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": null count %" PRId64 " of %" PRId64 " rows", own->name,
                             column->null_count, rows);
    if (own->not_null && column->null_count > 0)
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": %" PRId64 " nulls, but the column is not null",
                             own->name, column->null_count);
    if (column->offsets && (column->offsets[0] != 0 || column->offsets[rows] < 0 ||
                            column->offsets[rows] > column->byte_capacity))
        return tow_error_set(err, TOW_E_BUG,
                             "column \"%s\": offsets from %" PRId32 " to %" PRId32 " where %" PRId64
                             " bytes were reserved",
                             own->name, column->offsets[0], column->offsets[rows],
                             column->byte_capacity);
    return TOW_OK;
}

int tow_builder_finish(struct tow_builder *builder, struct ArrowArray *out, struct tow_error *err)
{
    int64_t rows = tow_builder_rows(builder);
    size_t used;
    int code;

    out->release = NULL;
    if (builder->open)
        return tow_error_set(err, TOW_E_BUG, "row %" PRId64 " is open: end or cancel it first",
                             rows);
    code = builder_take_frame(builder, err);
    for (size_t i = 0; i < builder->count && code == TOW_OK; i++)
        code = builder_check_column(&builder->columns[i], rows, err);
    /* An empty batch has its buffers too: readers find the one offset of no rows. */
    for (size_t i = 0; i < builder->count && code == TOW_OK; i++)
        code = tow_column_reserve(&builder->columns[i].column, rows, 0, err);
    if (code != TOW_OK)
        return code;
    used = tow_builder_bytes(builder);
    for (size_t i = 0; i < builder->count; i++) {
        builder->columns[i].last_rows = rows;
        builder->columns[i].last_bytes = tow_column_text(&builder->columns[i].column);
    }
    for (size_t i = 0; i < builder->count; i++)
        tow_column_move(tow_frame_column(builder->frame, i), &builder->columns[i].column);
    tow_pool_note(builder->pool, used);
    tow_frame_export(builder->frame, builder->pool, rows, out);
    builder->frame = NULL;
    builder->rows = 0;
    return TOW_OK;
}
