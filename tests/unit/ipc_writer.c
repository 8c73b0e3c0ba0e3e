#include "ipc_writer.h"

#include <lz4frame.h>
#include <string.h>
#include <zstd.h>

#include "flat_writer.h"

/* Numbers of the union Type, by our own. */
static const int ipc_type_ids[] = {[TOW_IPC_NULL] = 1,
                                   [TOW_IPC_BOOL] = 6,
                                   [TOW_IPC_INT] = 2,
                                   [TOW_IPC_FLOAT] = 3,
                                   [TOW_IPC_DECIMAL] = 7,
                                   [TOW_IPC_UTF8] = 5,
                                   [TOW_IPC_BINARY] = 4,
                                   [TOW_IPC_LARGE_UTF8] = 20,
                                   [TOW_IPC_LARGE_BINARY] = 19,
                                   [TOW_IPC_DATE] = 8,
                                   [TOW_IPC_TIMESTAMP] = 10,
                                   [TOW_IPC_TIME] = 9,
                                   [TOW_IPC_DURATION] = 18,
                                   [TOW_IPC_INTERVAL_MONTHS] = 11,
                                   [TOW_IPC_INTERVAL_DAYS] = 11,
                                   [TOW_IPC_FIXED_BINARY] = 15,
                                   [TOW_IPC_LIST] = 12,
                                   [TOW_IPC_LARGE_LIST] = 21,
                                   [TOW_IPC_FIXED_LIST] = 16,
                                   [TOW_IPC_MAP] = 17,
                                   [TOW_IPC_STRUCT] = 13};

static void ipc_append(struct tow_buffer *out, const void *bytes, size_t length)
{
    flat_require(tow_buffer_append(out, bytes, length, NULL) == TOW_OK);
}

/* ---- messages -------------------------------------------------------------------------------- */

size_t ipc_begin_message(struct tow_buffer *metadata, const struct ipc_message_head *head)
{
    const struct flat_member members[] = {
        {0, 2, head->version}, {1, 1, head->kind}, {2, FLAT_OFFSET, 0}, {3, 8, head->body_length}};
    size_t places[4];

    flat_table(metadata, flat_begin(metadata), members, 4, places);
    return places[2];
}

void ipc_end_message(struct tow_buffer *out, const struct ipc_message_head *head,
                     struct tow_buffer *metadata)
{
    const uint32_t continuation = UINT32_MAX;
    size_t prefix = head->is_legacy ? 4 : 8;
    uint32_t length;

    while ((prefix + metadata->size) % 8)
        ipc_append(metadata, "", 1);
    length = (uint32_t)metadata->size;
    if (!head->is_legacy)
        ipc_append(out, &continuation, sizeof continuation);
    ipc_append(out, &length, sizeof length);
    ipc_append(out, metadata->data, metadata->size);
    tow_buffer_release(metadata);
}

void ipc_put_end(struct tow_buffer *out)
{
    ipc_append(out, "\xFF\xFF\xFF\xFF\0\0\0\0", 8);
}

/* ---- schemas --------------------------------------------------------------------------------- */

static void ipc_put_type(struct tow_buffer *out, size_t from, const struct tow_ipc_field *field)
{
    struct flat_member members[3] = {{0, 2, field->unit}, {1, FLAT_OFFSET, 0}};
    size_t places[3], count = 0;

    switch (field->type) {
    case TOW_IPC_INT:
        members[0] = (struct flat_member){0, 4, field->width};
        members[1] = (struct flat_member){1, 1, field->is_signed};
        count = 2;
        break;
    case TOW_IPC_FLOAT:
        members[0] = (struct flat_member){0, 2, field->width / 32};
        count = 1;
        break;
    case TOW_IPC_DECIMAL:
        members[0] = (struct flat_member){0, 4, field->precision};
        members[1] = (struct flat_member){1, 4, field->scale};
        members[2] = (struct flat_member){2, 4, field->width};
        count = 3;
        break;
    case TOW_IPC_DATE:
        members[0].value = field->unit == TOW_IPC_DAY ? 0 : 1;
        count = 1;
        break;
    case TOW_IPC_TIME:
        members[1] = (struct flat_member){1, 4, field->width};
        count = 2;
        break;
    case TOW_IPC_TIMESTAMP:
        count = field->timezone ? 2 : 1;
        break;
    case TOW_IPC_DURATION:
        count = 1;
        break;
    case TOW_IPC_INTERVAL_DAYS:
        members[0].value = 1;
        count = 1;
        break;
    case TOW_IPC_FIXED_BINARY:
        members[0] = (struct flat_member){0, 4, field->width / 8};
        count = 1;
        break;
    case TOW_IPC_FIXED_LIST:
        members[0] = (struct flat_member){0, 4, field->list_size};
        count = 1;
        break;
    default: /* no members, or, of months, the unit that is the default */
        break;
    }
    flat_table(out, from, members, count, places);
    if (field->type == TOW_IPC_TIMESTAMP && field->timezone)
        flat_string(out, places[1], field->timezone);
}

static void ipc_put_fields(struct tow_buffer *out, size_t from, const struct tow_ipc_field *fields,
                           size_t count)
{
    size_t element = flat_vector(out, from, count, 4, NULL);

    for (size_t i = 0; i < count; i++) {
        const struct tow_ipc_field *field = &fields[i];
        const struct flat_member members[] = {{0, FLAT_OFFSET, 0},
                                              {1, 1, field->nullable},
                                              {2, 1, ipc_type_ids[field->type]},
                                              {3, FLAT_OFFSET, 0},
                                              {5, FLAT_OFFSET, 0}};
        size_t places[5];

        flat_table(out, element + 4 * i, members, 5, places);
        flat_string(out, places[0], field->name);
        ipc_put_type(out, places[3], field);
        ipc_put_fields(out, places[4], field->children, field->child_count);
    }
}

void ipc_put_schema(struct tow_buffer *out, const struct tow_ipc_field *fields, size_t count)
{
    const struct ipc_message_head head = IPC_SCHEMA_HEAD;
    const struct flat_member member = {1, FLAT_OFFSET, 0};
    struct tow_buffer metadata = {0};
    size_t place;

    flat_table(&metadata, ipc_begin_message(&metadata, &head), &member, 1, &place);
    ipc_put_fields(&metadata, place, fields, count);
    ipc_end_message(out, &head, &metadata);
}

/* ---- record batches -------------------------------------------------------------------------- */

static void ipc_compress(struct tow_buffer *body, int codec, const void *bytes, size_t length)
{
    size_t bound =
        codec == IPC_CODEC_LZ4 ? LZ4F_compressFrameBound(length, NULL) : ZSTD_compressBound(length);
    int64_t announced = (int64_t)length;
    size_t made;

    ipc_append(body, &announced, sizeof announced);
    flat_require(tow_buffer_reserve(body, bound, NULL) == TOW_OK);
    if (codec == IPC_CODEC_LZ4)
        made = LZ4F_compressFrame(body->data + body->size, bound, bytes, length, NULL);
    else
        made = ZSTD_compress(body->data + body->size, bound, bytes, length, 1);
    flat_require(!(codec == IPC_CODEC_LZ4 ? LZ4F_isError(made) : ZSTD_isError(made)));
    body->size += made;
}

void ipc_batch_add_buffer(struct ipc_batch *batch, const void *bytes, size_t length)
{
    size_t start = batch->body.size;

    flat_require(batch->buffer_count <= IPC_WRITER_MAX - 1);
    if (length > 0 && batch->codec != IPC_CODEC_NONE)
        ipc_compress(&batch->body, batch->codec, bytes, length);
    else
        ipc_append(&batch->body, bytes, length);
    batch->buffers[batch->buffer_count].offset = (int64_t)start;
    batch->buffers[batch->buffer_count++].length = (int64_t)(batch->body.size - start);
    flat_align(&batch->body, 8);
}

static size_t ipc_offset_width(enum tow_ipc_type type)
{
    if (type == TOW_IPC_UTF8 || type == TOW_IPC_BINARY || type == TOW_IPC_LIST ||
        type == TOW_IPC_MAP)
        return 4;
    return type == TOW_IPC_LARGE_UTF8 || type == TOW_IPC_LARGE_BINARY || type == TOW_IPC_LARGE_LIST
               ? 8
               : 0;
}

static void ipc_batch_add_column(struct ipc_batch *batch, const struct tow_ipc_column *column)
{
    const struct tow_ipc_field *field = column->field;
    size_t length = (size_t)column->length, offset_width = ipc_offset_width(field->type);
    size_t bits = field->type == TOW_IPC_BOOL ? 1 : (size_t)field->width;

    flat_require(batch->node_count <= IPC_WRITER_MAX - 1);
    batch->nodes[batch->node_count].length = column->length;
    batch->nodes[batch->node_count++].null_count = column->null_count;
    if (field->type != TOW_IPC_NULL)
        ipc_batch_add_buffer(batch, column->validity, column->validity ? (length + 7) / 8 : 0);
    if (offset_width)
        ipc_batch_add_buffer(batch, column->offsets, (length + 1) * offset_width);
    if (column->values)
        ipc_batch_add_buffer(batch, column->values, (length * bits + 7) / 8);
    if (column->bytes)
        ipc_batch_add_buffer(batch, column->bytes,
                             offset_width == 4
                                 ? (size_t)((const int32_t *)column->offsets)[length]
                                 : (size_t)((const int64_t *)column->offsets)[length]);
    for (size_t i = 0; i < column->child_count; i++)
        ipc_batch_add_column(batch, &column->children[i]);
}

void ipc_batch_make(struct ipc_batch *batch, const struct tow_ipc_column *columns, size_t count,
                    enum ipc_codec codec)
{
    memset(batch, 0, sizeof *batch);
    batch->length = count > 0 ? columns[0].length : 0;
    batch->codec = codec;
    for (size_t i = 0; i < count; i++)
        ipc_batch_add_column(batch, &columns[i]);
}

void ipc_batch_release(struct ipc_batch *batch)
{
    tow_buffer_release(&batch->body);
}

void ipc_put_batch(struct tow_buffer *out, const struct ipc_batch *batch)
{
    const struct ipc_message_head head = {
        .version = 4, .kind = 3, .body_length = (int64_t)batch->body.size};
    const struct flat_member members[] = {
        {0, 8, batch->length}, {1, FLAT_OFFSET, 0}, {2, FLAT_OFFSET, 0}, {3, FLAT_OFFSET, 0}};
    const struct flat_member compression[] = {{0, 1, batch->codec}, {1, 1, batch->method}};
    struct tow_buffer metadata = {0};
    size_t places[4];

    flat_table(&metadata, ipc_begin_message(&metadata, &head), members,
               batch->codec == IPC_CODEC_NONE ? 3 : 4, places);
    flat_vector(&metadata, places[1], batch->node_count, sizeof batch->nodes[0], batch->nodes);
    flat_vector(&metadata, places[2], batch->buffer_count, sizeof batch->buffers[0],
                batch->buffers);
    if (batch->codec != IPC_CODEC_NONE)
        flat_table(&metadata, places[3], compression, 2, NULL);
    ipc_end_message(out, &head, &metadata);
    ipc_append(out, batch->body.data, batch->body.size);
}

void ipc_put_columns(struct tow_buffer *out, const struct tow_ipc_column *columns, size_t count,
                     enum ipc_codec codec)
{
    static struct ipc_batch batch;

    ipc_batch_make(&batch, columns, count, codec);
    ipc_put_batch(out, &batch);
    ipc_batch_release(&batch);
}
