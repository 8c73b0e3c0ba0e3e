#include "connectors/arrow/record_batch.h"

#include <inttypes.h>
#include <string.h>

#include "connectors/arrow/field_type.h"
#include "connectors/arrow/message.h"
#include "connectors/arrow/offsets.h"

/* Slots of the table RecordBatch. */
enum { BATCH_LENGTH, BATCH_NODES };

#define BATCH_NODE 16 /* bytes of the struct FieldNode: length and null count */

/* What buffers of columns without rows point to: an offset, and what may be read behind it. */
static const uint64_t batch_nothing[1 + TOW_IPC_SLACK / sizeof(uint64_t)];

/* A record batch under reading. Nodes and buffers lie depth first, columns as fields do. */
struct batch_reader {
    struct tow_flat_vector nodes;
    size_t next_node;
    const struct tow_ipc_span *next_span;
};

/* ---- buffers --------------------------------------------------------------------------------- */

static const void *batch_bytes(const struct tow_ipc_span *span)
{
    return span->length > 0 ? (const void *)span->bytes : batch_nothing;
}

static int batch_too_short(const char *what, const struct tow_ipc_span *span, uint64_t needed,
                           struct tow_error *err)
{
    return tow_error_set(err, TOW_E_DATA, "%zu bytes of %s, where the rows need %" PRIu64,
                         span->length, what, needed);
}

static int64_t batch_count_ones(const uint8_t *bits, int64_t count)
{
    int64_t ones = 0, i = 0;
    uint64_t word = 0;

    for (; i + 64 <= count; i += 64) {
        memcpy(&word, bits + i / 8, sizeof word);
        ones += __builtin_popcountll(word);
    }
    if (i == count)
        return ones;
    word = 0;
    memcpy(&word, bits + i / 8, (size_t)(count - i + 7) / 8);
    return ones + __builtin_popcountll(word & (~UINT64_C(0) >> (64 - (count - i))));
}

/* The null count is -1 where the writer did not count. */
static int batch_read_validity(struct batch_reader *reader, struct tow_ipc_column *column,
                               struct tow_error *err)
{
    const struct tow_ipc_span *span = reader->next_span++;
    size_t needed = ((size_t)column->length + 7) / 8;
    int64_t nulls = 0;

    if (span->length == 0 && column->null_count > 0)
        return tow_error_set(err, TOW_E_DATA, "%" PRId64 " nulls, and no validity to tell which",
                             column->null_count);
    if (span->length > 0 && span->length < needed)
        return batch_too_short("validity", span, needed, err);
    if (span->length > 0)
        nulls = column->length - batch_count_ones(span->bytes, column->length);
    if (column->null_count >= 0 && column->null_count != nulls)
        return tow_error_set(err, TOW_E_DATA, "%" PRId64 " nulls, where its validity has %" PRId64,
                             column->null_count, nulls);
    column->null_count = nulls;
    column->validity = nulls > 0 ? span->bytes : NULL;
    return TOW_OK;
}

static int batch_read_values(struct batch_reader *reader, struct tow_ipc_column *column,
                             struct tow_error *err)
{
    const struct tow_ipc_span *span = reader->next_span++;
    /* Fewer than 2^31 rows of fewer than 2^31 bits each. */
    uint64_t needed = ((uint64_t)column->length * (uint64_t)column->field->width + 7) / 8;

    if (span->length < needed)
        return batch_too_short("values", span, needed, err);
    column->values = batch_bytes(span);
    return TOW_OK;
}

/* `end`: how far they may reach. */
static int batch_check_offsets(struct tow_ipc_column *column, int64_t end, struct tow_error *err)
{
    size_t width = tow_ipc_type_offset_width(column->field->type);

    return tow_ipc_offsets_check(column->offsets, width, column->length, end, err);
}

static int batch_read_offsets(struct batch_reader *reader, struct tow_ipc_column *column,
                              struct tow_error *err)
{
    const struct tow_ipc_span *span = reader->next_span++;
    size_t width = tow_ipc_type_offset_width(column->field->type);
    uint64_t needed = ((uint64_t)column->length + 1) * width;

    /* Without rows there may be one offset, or none. */
    column->offsets = batch_nothing;
    if (column->length == 0)
        return TOW_OK;
    if (span->length < needed)
        return batch_too_short("offsets", span, needed, err);
    column->offsets = span->bytes;
    return TOW_OK;
}

static int batch_read_bytes(struct batch_reader *reader, struct tow_ipc_column *column,
                            struct tow_error *err)
{
    int code = batch_read_offsets(reader, column, err);
    const struct tow_ipc_span *span = reader->next_span++;

    column->bytes = batch_bytes(span);
    if (code != TOW_OK)
        return code;
    return batch_check_offsets(column, (int64_t)span->length, err);
}

/* ---- nested columns -------------------------------------------------------------------------- */

static int batch_read_columns(struct batch_reader *reader, struct tow_ipc_column *columns,
                              size_t count, int depth, struct tow_error *err);

static int batch_check_child(const struct tow_ipc_column *child, int64_t needed,
                             struct tow_error *err)
{
    if (child->length >= needed)
        return TOW_OK;
    return tow_error_set(err, TOW_E_DATA,
                         "its child has %" PRId64 " elements, where %" PRId64 " are needed",
                         child->length, needed);
}

static int batch_read_list(struct batch_reader *reader, struct tow_ipc_column *column, int depth,
                           struct tow_error *err)
{
    int code = batch_read_offsets(reader, column, err);

    if (code == TOW_OK)
        code = batch_read_columns(reader, column->children, 1, depth + 1, err);
    return code == TOW_OK ? batch_check_offsets(column, column->children->length, err) : code;
}

static int batch_read_fixed_list(struct batch_reader *reader, struct tow_ipc_column *column,
                                 int depth, struct tow_error *err)
{
    int code = batch_read_columns(reader, column->children, 1, depth + 1, err);

    /* Both factors are below 2^31. */
    if (code == TOW_OK)
        code = batch_check_child(column->children, column->length * column->field->list_size, err);
    return code;
}

static int batch_read_struct(struct batch_reader *reader, struct tow_ipc_column *column, int depth,
                             struct tow_error *err)
{
    int code = batch_read_columns(reader, column->children, column->child_count, depth + 1, err);

    for (size_t i = 0; i < column->child_count && code == TOW_OK; i++)
        code = batch_check_child(&column->children[i], column->length, err);
    return code;
}

/* ---- columns --------------------------------------------------------------------------------- */

static int batch_read_node(struct batch_reader *reader, struct tow_ipc_column *column,
                           struct tow_error *err)
{
    const uint8_t *node = tow_flat_element(&reader->nodes, reader->next_node++);
    int64_t length = tow_flat_int64(node), null_count = tow_flat_int64(node + 8);

    if (length < 0 || length > TOW_IPC_ROWS_MAX)
        return tow_error_set(err, length < 0 ? TOW_E_DATA : TOW_E_UNSUPPORTED,
                             "%" PRId64 " rows; 0 to %d are read", length, TOW_IPC_ROWS_MAX);
    if (null_count < -1 || null_count > length)
        return tow_error_set(err, TOW_E_DATA, "%" PRId64 " nulls among %" PRId64 " rows",
                             null_count, length);
    column->length = length;
    column->null_count = null_count;
    return TOW_OK;
}

static int batch_read_content(struct batch_reader *reader, struct tow_ipc_column *column, int depth,
                              struct tow_error *err)
{
    switch (column->field->type) {
    case TOW_IPC_UTF8:
    case TOW_IPC_BINARY:
    case TOW_IPC_LARGE_UTF8:
    case TOW_IPC_LARGE_BINARY:
        return batch_read_bytes(reader, column, err);
    case TOW_IPC_LIST:
    case TOW_IPC_LARGE_LIST:
    case TOW_IPC_MAP:
        return batch_read_list(reader, column, depth, err);
    case TOW_IPC_FIXED_LIST:
        return batch_read_fixed_list(reader, column, depth, err);
    case TOW_IPC_STRUCT:
        return batch_read_struct(reader, column, depth, err);
    default:
        return batch_read_values(reader, column, err);
    }
}

static int batch_read_column(struct batch_reader *reader, struct tow_ipc_column *column, int depth,
                             struct tow_error *err)
{
    int code = batch_read_node(reader, column, err);

    if (code != TOW_OK)
        return code;
    if (column->field->type == TOW_IPC_NULL) {
        column->null_count = column->length;
        return TOW_OK;
    }
    code = batch_read_validity(reader, column, err);
    return code == TOW_OK ? batch_read_content(reader, column, depth, err) : code;
}

static int batch_read_columns(struct batch_reader *reader, struct tow_ipc_column *columns,
                              size_t count, int depth, struct tow_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int code = batch_read_column(reader, &columns[i], depth, err);

        if (code != TOW_OK) {
            tow_ipc_field_prefix(err, columns[i].field, depth);
            return code;
        }
    }
    return TOW_OK;
}

/* Columns are arranged as their fields are. */
static void batch_init_columns(struct tow_ipc_column *columns, const struct tow_ipc_schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct tow_ipc_field *field = &schema->fields[i];

        columns[i] =
            (struct tow_ipc_column){.field = field,
                                    .children = columns + (field->children - schema->fields),
                                    .child_count = field->child_count};
    }
}

static int batch_check_length(const struct tow_ipc_batch *batch, struct tow_error *err)
{
    if (batch->length < 0 || batch->length > TOW_IPC_ROWS_MAX)
        return tow_error_set(err, batch->length < 0 ? TOW_E_DATA : TOW_E_UNSUPPORTED,
                             "a record batch of %" PRId64 " rows; 0 to %d are read", batch->length,
                             TOW_IPC_ROWS_MAX);
    for (size_t i = 0; i < batch->column_count; i++)
        if (batch->columns[i].length != batch->length) {
            tow_error_set(err, TOW_E_DATA, "%" PRId64 " rows in a record batch of %" PRId64,
                          batch->columns[i].length, batch->length);
            tow_ipc_field_prefix(err, batch->columns[i].field, 0);
            return TOW_E_DATA;
        }
    return TOW_OK;
}

int tow_ipc_record_batch_read(const struct tow_ipc_schema *schema,
                              const struct tow_flat_table *table, struct tow_ipc_body *body,
                              struct tow_ipc_batch *batch, struct tow_error *err)
{
    struct batch_reader reader = {.next_span = body->spans,
                                  .nodes = tow_flat_vector(table, BATCH_NODES, BATCH_NODE)};
    int code;

    batch->length = tow_flat_number(table, BATCH_LENGTH, 8, 0);
    code = tow_ipc_body_read(body, table, &batch->memory->plain, err);
    if (code == TOW_OK && reader.nodes.count != schema->field_count)
        code = tow_error_set(err, TOW_E_DATA, "%zu nodes, where there are %zu columns and fields",
                             reader.nodes.count, schema->field_count);
    if (code == TOW_OK)
        code = tow_ipc_memory_reserve_columns(batch->memory, schema->field_count, err);
    if (code != TOW_OK)
        return code;
    batch->columns = batch->memory->columns;
    batch->column_count = schema->count;
    batch_init_columns(batch->columns, schema);
    code = batch_read_columns(&reader, batch->columns, schema->count, 0, err);
    return code == TOW_OK ? batch_check_length(batch, err) : code;
}
