/*
 * Arrow IPC streams for tests and benches, written by hand, so that nothing of the reader is used
 * to check the reader. Batches may lie about themselves.
 */
#ifndef TESTS_UNIT_IPC_WRITER_H
#define TESTS_UNIT_IPC_WRITER_H

#include "connectors/arrow/ipc.h"
#include "towpath/rowtext.h"

#define IPC_WRITER_MAX 256 /* nodes and buffers of a batch */

enum ipc_codec { IPC_CODEC_NONE = -1, IPC_CODEC_LZ4 = 0, IPC_CODEC_ZSTD = 1 };

struct ipc_batch {
    int64_t length;
    int codec, method;
    struct {
        int64_t length, null_count;
    } nodes[IPC_WRITER_MAX];
    struct {
        int64_t offset, length;
    } buffers[IPC_WRITER_MAX];
    size_t node_count, buffer_count;
    struct tow_buffer body;
};

/* What a message says of itself besides its header. */
struct ipc_message_head {
    int version, kind;
    int64_t body_length;
    int is_legacy; /* 1: without the continuation in front */
};

#define IPC_SCHEMA_HEAD         \
    (struct ipc_message_head)   \
    {                           \
        .version = 4, .kind = 1 \
    }

/* Begins the metadata of a message; returns where the offset to its header lies. */
size_t ipc_begin_message(struct tow_buffer *metadata, const struct ipc_message_head *head);
/* Puts the words in front, and the metadata, which are then released. */
void ipc_end_message(struct tow_buffer *out, const struct ipc_message_head *head,
                     struct tow_buffer *metadata);

void ipc_put_schema(struct tow_buffer *out, const struct tow_ipc_field *fields, size_t count);

/* A batch of columns, which are `count`. */
void ipc_batch_make(struct ipc_batch *batch, const struct tow_ipc_column *columns, size_t count,
                    enum ipc_codec codec);
void ipc_batch_release(struct ipc_batch *batch);
/* Appends a buffer, compressed as the batch says. */
void ipc_batch_add_buffer(struct ipc_batch *batch, const void *bytes, size_t length);
void ipc_put_batch(struct tow_buffer *out, const struct ipc_batch *batch);
/* The three of them. */
void ipc_put_columns(struct tow_buffer *out, const struct tow_ipc_column *columns, size_t count,
                     enum ipc_codec codec);

void ipc_put_end(struct tow_buffer *out);

#endif
