/* Arrow IPC streams: what is handed out is as ipc.h promises, and all of it may be read. */
#include "tests/fuzz/fuzz_arrow.h"

#define SLACK 64 /* bytes behind each buffer that may be read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum; /* of all bytes, so that they are read */

static void look_at(const void *buffer, uint64_t length)
{
    const uint8_t *bytes = buffer;

    demand(buffer != NULL, "a buffer that the type has is there");
    demand((uintptr_t)buffer % 8 == 0, "buffers are aligned");
    for (uint64_t i = 0; i < length + SLACK; i++)
        sum += bytes[i];
}

static int64_t offset_at(const struct tow_ipc_column *column, size_t width, int64_t i)
{
    return width == 4 ? ((const int32_t *)column->offsets)[i]
                      : ((const int64_t *)column->offsets)[i];
}

/* The last of offsets that rise. */
static int64_t look_at_offsets(const struct tow_ipc_column *column, size_t width)
{
    int64_t last = 0;

    look_at(column->offsets, ((uint64_t)column->length + 1) * width);
    for (int64_t i = 0; i <= column->length; i++) {
        demand(offset_at(column, width, i) >= last, "offsets rise from zero");
        last = offset_at(column, width, i);
    }
    return last;
}

static void look_at_validity(const struct tow_ipc_column *column)
{
    int64_t nulls = 0;

    demand((column->null_count > 0) == (column->validity != NULL),
           "validity is there exactly where there are nulls");
    if (!column->validity)
        return;
    look_at(column->validity, ((uint64_t)column->length + 7) / 8);
    for (int64_t i = 0; i < column->length; i++)
        nulls += !(column->validity[i / 8] >> (i % 8) & 1);
    demand(nulls == column->null_count, "the null count is that of the validity");
}

static void look_at_column(const struct tow_ipc_column *column)
{
    const struct tow_ipc_field *field = column->field;
    int64_t needed = 0;

    demand(column->length >= 0 && column->length <= TOW_IPC_ROWS_MAX, "lengths are bounded");
    demand(column->child_count == field->child_count, "children are those of the field");
    if (field->type == TOW_IPC_NULL) {
        demand(column->null_count == column->length && !column->validity, "all is null");
        return;
    }
    look_at_validity(column);
    switch (field->type) {
    case TOW_IPC_UTF8:
    case TOW_IPC_BINARY:
        look_at(column->bytes, (uint64_t)look_at_offsets(column, 4));
        break;
    case TOW_IPC_LARGE_UTF8:
    case TOW_IPC_LARGE_BINARY:
        look_at(column->bytes, (uint64_t)look_at_offsets(column, 8));
        break;
    case TOW_IPC_LIST:
    case TOW_IPC_MAP:
        needed = look_at_offsets(column, 4);
        break;
    case TOW_IPC_LARGE_LIST:
        needed = look_at_offsets(column, 8);
        break;
    case TOW_IPC_FIXED_LIST:
        needed = column->length * field->list_size;
        break;
    case TOW_IPC_STRUCT:
        needed = column->length;
        break;
    default:
        look_at(column->values, ((uint64_t)column->length * (uint64_t)field->width + 7) / 8);
    }
    for (size_t i = 0; i < column->child_count; i++) {
        demand(column->children[i].length >= needed, "children are long enough");
        look_at_column(&column->children[i]);
    }
}

static void look_at_batch(const struct tow_ipc_batch *batch, void *context)
{
    (void)context;
    for (size_t i = 0; i < batch->column_count; i++) {
        demand(batch->columns[i].length == batch->length, "columns are as long as the batch");
        look_at_column(&batch->columns[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_arrow(data, size, look_at_batch, NULL);
    return 0;
}
