#include <inttypes.h>
#include <string.h>

#include "kit/batch/bits.h"
#include "towpath/batch.h"

/* No batch in memory has as many rows; below it, no size in bytes overflows 64 bits. */
#define VALIDATE_ROWS_MAX (INT64_MAX / 64)
#define VALIDATE_BLOCK    32

/* Rows of a child that the batch is made of. */
struct validate_window {
    int64_t first;
    int64_t count;
};

static int validate_counts(const struct ArrowArray *array, struct tow_error *err)
{
    int64_t end;

    if (array->length < 0 || array->offset < 0)
        return tow_error_set(err, TOW_E_BUG,
                             "length %" PRId64 " and offset %" PRId64 ": neither may be negative",
                             array->length, array->offset);
    if (__builtin_add_overflow(array->length, array->offset, &end) || end > VALIDATE_ROWS_MAX)
        return tow_error_set(err, TOW_E_BUG,
                             "length %" PRId64 " and offset %" PRId64
                             " are more than memory can hold",
                             array->length, array->offset);
    if (array->null_count < -1 || array->null_count > array->length)
        return tow_error_set(err, TOW_E_BUG, "null count %" PRId64 " of %" PRId64 " rows",
                             array->null_count, array->length);
    return TOW_OK;
}

/* What every array must have, whatever its type. */
static int validate_shape(const struct ArrowArray *array, int64_t buffers, int64_t children,
                          struct tow_error *err)
{
    int code;

    if (!array || !array->release)
        return tow_error_set(err, TOW_E_BUG, "the array is released");
    code = validate_counts(array, err);
    if (code != TOW_OK)
        return code;
    if (array->n_buffers != buffers || !array->buffers)
        return tow_error_set(err, TOW_E_BUG, "%" PRId64 " buffers%s, %" PRId64 " are needed",
                             array->n_buffers, array->buffers ? "" : " without a list of them",
                             buffers);
    if (array->n_children != children || (children > 0 && !array->children))
        return tow_error_set(
            err, TOW_E_BUG, "%" PRId64 " children%s, the schema has %" PRId64, array->n_children,
            children > 0 && !array->children ? " without a list of them" : "", children);
    if (array->dictionary)
        return tow_error_set(err, TOW_E_BUG, "dictionary-encoded, which the schema does not say");
    if (array->null_count > 0 && !array->buffers[0])
        return tow_error_set(err, TOW_E_BUG, "null count %" PRId64 " without a validity buffer",
                             array->null_count);
    return TOW_OK;
}

/* Nulls among the rows of the window. */
static int64_t validate_count_nulls(const struct ArrowArray *array, struct validate_window window)
{
    const uint8_t *validity = array->buffers[0];

    if (!validity || array->null_count == 0 || window.count == 0)
        return 0;
    return window.count - tow_bits_count(validity, window.first, window.count);
}

/* Without branches and in blocks of constant size, which compilers turn into vectors. */
static int validate_offsets_rise(const int32_t *offsets, int64_t count)
{
    int64_t i = 0;
    int falls = 0;

    for (; i + VALIDATE_BLOCK <= count; i += VALIDATE_BLOCK)
        for (int j = 0; j < VALIDATE_BLOCK; j++)
            falls |= offsets[i + j + 1] < offsets[i + j];
    for (; i < count; i++)
        falls |= offsets[i + 1] < offsets[i];
    return !falls;
}

static int validate_bytes(const struct ArrowArray *array, struct validate_window window,
                          struct tow_error *err)
{
    const int32_t *offsets = (const int32_t *)array->buffers[1] + window.first;
    int64_t row = 0;

    if (offsets[0] < 0)
        return tow_error_set(err, TOW_E_BUG, "row 0: offset %" PRId32 " is negative", offsets[0]);
    if (!validate_offsets_rise(offsets, window.count)) {
        while (offsets[row + 1] >= offsets[row])
            row++;
        return tow_error_set(err, TOW_E_BUG,
                             "row %" PRId64 ": its bytes end at offset %" PRId32
                             ", before their start at %" PRId32,
                             row, offsets[row + 1], offsets[row]);
    }
    if (!array->buffers[2] && offsets[window.count] > offsets[0])
        return tow_error_set(err, TOW_E_BUG, "%" PRId32 " bytes of values, but no buffer of them",
                             offsets[window.count] - offsets[0]);
    return TOW_OK;
}

static int validate_values(const struct ArrowArray *array, struct tow_type type,
                           struct validate_window window, struct tow_error *err)
{
    int is_bytes = tow_type_is_bytes(type.id);
    size_t unit = is_bytes ? sizeof(int32_t) : tow_type_width(type.id);
    size_t alignment = unit > 8 ? 8 : unit;

    if (!array->buffers[1])
        return tow_error_set(err, TOW_E_BUG, "%" PRId64 " rows, but no buffer of %s", window.count,
                             is_bytes ? "offsets" : "values");
    /* The format allows consumers to ask for this; everything here reads through typed pointers. */
    if (alignment > 1 && (uintptr_t)array->buffers[1] % alignment != 0)
        return tow_error_set(err, TOW_E_BUG, "the buffer of %s is not aligned to %zu bytes",
                             is_bytes ? "offsets" : "values", alignment);
    return is_bytes ? validate_bytes(array, window, err) : TOW_OK;
}

static int validate_column(const struct ArrowArray *array, int64_t column,
                           const struct tow_field *field, struct tow_error *err)
{
    const struct ArrowArray *child = array->children[column];
    struct validate_window window;
    int64_t nulls;
    int code = validate_shape(child, tow_type_is_bytes(field->type.id) ? 3 : 2, 0, err);

    if (code != TOW_OK)
        return code;
    if (child->length < array->offset + array->length)
        return tow_error_set(err, TOW_E_BUG, "%" PRId64 " rows, the batch needs %" PRId64,
                             child->length, array->offset + array->length);
    if (array->length == 0)
        return TOW_OK;
    window = (struct validate_window){array->offset + child->offset, array->length};
    code = validate_values(child, field->type, window, err);
    if (code != TOW_OK || !field->not_null)
        return code;
    nulls = validate_count_nulls(child, window);
    if (nulls > 0)
        return tow_error_set(err, TOW_E_BUG,
                             "%" PRId64 " of %" PRId64 " rows are null, the schema allows none",
                             nulls, window.count);
    return TOW_OK;
}

int tow_array_validate(const struct ArrowArray *array, const struct ArrowSchema *schema,
                       struct tow_error *err)
{
    struct tow_field field;
    int64_t nulls;
    int code = validate_shape(array, 1, schema->n_children, err);

    if (code != TOW_OK) {
        tow_error_prefix(err, "batch");
        return code;
    }
    nulls = validate_count_nulls(array, (struct validate_window){array->offset, array->length});
    if (nulls > 0)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "batch: %" PRId64 " of %" PRId64
                             " rows are null as a whole (the struct array has a validity buffer); "
                             "only values of columns may be null",
                             nulls, array->length);
    for (int64_t i = 0; i < array->n_children; i++) {
        code = tow_schema_field(schema, i, &field, err);
        if (code != TOW_OK)
            return code;
        code = validate_column(array, i, &field, err);
        if (code != TOW_OK) {
            tow_error_prefix(err, "column \"%s\"", field.name);
            return code;
        }
    }
    return TOW_OK;
}
