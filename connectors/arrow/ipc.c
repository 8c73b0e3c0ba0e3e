#include "connectors/arrow/ipc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/arrow/body.h"
#include "connectors/arrow/lz4_frames.h"
#include "connectors/arrow/memory.h"
#include "connectors/arrow/message.h"
#include "connectors/arrow/record_batch.h"
#include "connectors/arrow/schema.h"

#define IPC_CONTINUATION UINT32_MAX /* stands before a message's length since V5 */
#define IPC_WORD         ((size_t)4)
#define IPC_ALIGNMENT    8
/* With a body of so many bytes, sums of sizes do not wrap. */
#define IPC_LIMIT_MAX (SIZE_MAX / 4)

/* What of a message is there. */
enum ipc_state {
    IPC_BEGIN,    /* nothing: its first word comes */
    IPC_LENGTH,   /* the continuation: its length comes */
    IPC_METADATA, /* the length: metadata come */
    IPC_BODY,     /* the metadata: the body comes */
    IPC_DONE,     /* the end marker was there */
    IPC_FAILED,
};

struct tow_ipc {
    enum tow_ipc_wrapping wrapping;
    enum ipc_state state;
    size_t limit; /* bytes of a message's body */
    size_t extra; /* room behind a message that decompression needs */
    struct tow_ipc_pool *pool;
    struct tow_lz4_frames frames;
    struct tow_ipc_schema schema;
    struct tow_ipc_body body;
    int has_schema;

    /* Bytes of the stream, from the start of the message under way on. They may reach beyond its
     * end: a compressed block ends where it ends. */
    struct tow_ipc_memory *memory;
    size_t start;  /* of the message, in memory->stream */
    size_t filled; /* where the bytes end */
    size_t needed; /* bytes of the message that the next step needs */
    size_t prefix; /* bytes in front of its metadata */

    int64_t messages; /* before this one */
    int64_t offset;   /* of this one in the stream */
};

/* ---- life ------------------------------------------------------------------------------------ */

struct tow_ipc *tow_ipc_new(enum tow_ipc_wrapping wrapping, size_t message_limit,
                            struct tow_error *err)
{
    struct tow_ipc *ipc = calloc(1, sizeof *ipc);
    int code = TOW_OK;

    if (ipc) {
        ipc->wrapping = wrapping;
        ipc->limit = message_limit < IPC_LIMIT_MAX ? message_limit : IPC_LIMIT_MAX;
        ipc->body.limit = ipc->limit;
        ipc->extra = wrapping == TOW_IPC_LZ4_FRAMES ? TOW_LZ4_BLOCK_MAX : 0;
        ipc->needed = IPC_WORD;
        ipc->pool = tow_ipc_pool_new();
    }
    if (ipc && ipc->pool && wrapping == TOW_IPC_LZ4_FRAMES)
        code = tow_lz4_frames_init(&ipc->frames, err);
    if (ipc && ipc->pool && code == TOW_OK)
        return ipc;
    tow_ipc_free(ipc);
    tow_error_nomem(err);
    return NULL;
}

/* Forgets the stream. */
static void ipc_clear(struct tow_ipc *ipc)
{
    tow_ipc_memory_unref(ipc->memory);
    ipc->memory = NULL;
    tow_ipc_schema_release(&ipc->schema);
    free(ipc->body.spans);
    ipc->body.spans = NULL;
    ipc->has_schema = 0;
}

void tow_ipc_free(struct tow_ipc *ipc)
{
    if (!ipc)
        return;
    ipc_clear(ipc);
    tow_ipc_codec_release(&ipc->body.codec);
    tow_lz4_frames_release(&ipc->frames);
    tow_ipc_pool_close(ipc->pool);
    free(ipc);
}

void tow_ipc_reset(struct tow_ipc *ipc)
{
    ipc_clear(ipc);
    if (ipc->wrapping == TOW_IPC_LZ4_FRAMES)
        tow_lz4_frames_reset(&ipc->frames);
    ipc->state = IPC_BEGIN;
    ipc->start = 0;
    ipc->filled = 0;
    ipc->needed = IPC_WORD;
    ipc->messages = 0;
    ipc->offset = 0;
}

const struct tow_ipc_field *tow_ipc_schema(const struct tow_ipc *ipc, size_t *count)
{
    *count = ipc->has_schema ? ipc->schema.count : 0;
    return ipc->has_schema ? ipc->schema.fields : NULL;
}

/* ---- bytes in -------------------------------------------------------------------------------- */

static size_t ipc_have(const struct tow_ipc *ipc)
{
    return ipc->filled - ipc->start;
}

/* Makes room for what the next step needs. A message lies in one piece: where it outgrows its
 * memory, it moves. */
static int ipc_make_room(struct tow_ipc *ipc, struct tow_error *err)
{
    size_t have = ipc_have(ipc), size = ipc->needed + ipc->extra;
    struct tow_ipc_memory *memory;

    /* Nothing in there is needed any more, if no batch lies in it. */
    if (have == 0 && ipc->memory && !tow_ipc_memory_is_shared(ipc->memory))
        ipc->start = ipc->filled = 0;
    if (ipc->memory && size <= ipc->memory->stream.capacity - ipc->start)
        return TOW_OK;
    memory = tow_ipc_pool_take(ipc->pool, size);
    if (!memory)
        return tow_error_nomem(err);
    if (ipc->memory && have > 0)
        memcpy(memory->stream.bytes, ipc->memory->stream.bytes + ipc->start, have);
    tow_ipc_memory_unref(ipc->memory);
    ipc->memory = memory;
    ipc->start = 0;
    ipc->filled = have;
    return TOW_OK;
}

static int ipc_fill_plain(struct tow_ipc *ipc, const uint8_t *bytes, size_t length, size_t *used,
                          struct tow_error *err)
{
    size_t missing = ipc->needed - ipc_have(ipc);
    int code = ipc_make_room(ipc, err);

    if (code != TOW_OK)
        return code;
    *used = length < missing ? length : missing;
    memcpy(ipc->memory->stream.bytes + ipc->filled, bytes, *used);
    ipc->filled += *used;
    return TOW_OK;
}

static int ipc_fill_lz4(struct tow_ipc *ipc, const uint8_t *bytes, size_t length, size_t *used,
                        struct tow_error *err)
{
    struct tow_lz4_step step = {.in = bytes, .length = length};
    int code = ipc_make_room(ipc, err);

    if (code != TOW_OK)
        return code;
    step.out = ipc->memory->stream.bytes + ipc->filled;
    code = tow_lz4_frames_run(&ipc->frames, &step, err);
    *used = step.used;
    ipc->filled += step.made;
    return code;
}

/* ---- messages -------------------------------------------------------------------------------- */

static const uint8_t *ipc_message(const struct tow_ipc *ipc)
{
    return ipc->memory->stream.bytes + ipc->start;
}

static void ipc_next_message(struct tow_ipc *ipc, size_t length)
{
    ipc->state = IPC_BEGIN;
    ipc->needed = IPC_WORD;
    ipc->messages++;
    ipc->offset += (int64_t)length;
    ipc->start += length;
}

/* What follows the words in front of a message: its metadata, or, where they have no length, the
 * end of the stream. */
static int ipc_begin_metadata(struct tow_ipc *ipc, uint32_t length, struct tow_error *err)
{
    if (length == 0) {
        ipc_next_message(ipc, ipc->prefix);
        ipc->state = IPC_DONE;
        ipc->needed = 1;
        return TOW_OK;
    }
    if (length > TOW_IPC_METADATA_MAX)
        return tow_error_set(err, TOW_E_DATA, "%" PRIu32 " bytes of metadata; at most %u are read",
                             length, TOW_IPC_METADATA_MAX);
    if ((ipc->prefix + length) % IPC_ALIGNMENT != 0)
        return tow_error_set(err, TOW_E_DATA,
                             "%" PRIu32 " bytes of metadata, which do not end at a multiple of %d",
                             length, IPC_ALIGNMENT);
    ipc->state = IPC_METADATA;
    ipc->needed = ipc->prefix + length;
    return TOW_OK;
}

static int ipc_read_word(struct tow_ipc *ipc, struct tow_error *err)
{
    size_t at = ipc->state == IPC_BEGIN ? 0 : IPC_WORD;
    uint32_t word;

    memcpy(&word, ipc_message(ipc) + at, sizeof word);
    if (ipc->state == IPC_BEGIN && word == IPC_CONTINUATION) {
        ipc->state = IPC_LENGTH;
        ipc->needed = 2 * IPC_WORD;
        return TOW_OK;
    }
    ipc->prefix = at + IPC_WORD;
    return ipc_begin_metadata(ipc, word, err);
}

/* The message up to its body; read again when the body is there, since both may have moved. */
static int ipc_read_metadata(const struct tow_ipc *ipc, size_t size,
                             struct tow_flatbuffer *metadata, struct tow_ipc_message *message,
                             struct tow_error *err)
{
    tow_flatbuffer_init(metadata, ipc_message(ipc) + ipc->prefix, size);
    return tow_ipc_message_read(message, metadata, err);
}

static int ipc_read_schema(struct tow_ipc *ipc, const struct tow_ipc_message *message,
                           const struct tow_flatbuffer *metadata, struct tow_error *err)
{
    int code;

    if (ipc->has_schema)
        return tow_error_set(err, TOW_E_DATA, "a second schema");
    if (message->body_length > 0)
        return tow_error_set(err, TOW_E_DATA, "a schema with a body of %" PRId64 " bytes",
                             message->body_length);
    code = tow_ipc_schema_read(&ipc->schema, metadata->bytes, metadata->size, err);
    if (code != TOW_OK)
        return code;
    ipc->body.count = ipc->schema.buffer_count;
    ipc->body.spans = calloc(ipc->body.count + 1, sizeof *ipc->body.spans);
    if (!ipc->body.spans)
        return tow_error_nomem(err);
    ipc->has_schema = 1;
    ipc_next_message(ipc, ipc->needed);
    return TOW_OK;
}

static int ipc_begin_body(struct tow_ipc *ipc, struct tow_error *err)
{
    struct tow_flatbuffer metadata;
    struct tow_ipc_message message;
    int code = ipc_read_metadata(ipc, ipc->needed - ipc->prefix, &metadata, &message, err);

    if (code != TOW_OK)
        return code;
    if (message.kind == TOW_IPC_SCHEMA)
        return ipc_read_schema(ipc, &message, &metadata, err);
    if (!ipc->has_schema)
        return tow_error_set(err, TOW_E_DATA, "a record batch before the schema");
    if ((uint64_t)message.body_length > ipc->limit)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "a record batch of %" PRId64 " bytes; at most %zu are read",
                             message.body_length, ipc->limit);
    ipc->state = IPC_BODY;
    ipc->body.length = (size_t)message.body_length;
    ipc->needed += ipc->body.length;
    return TOW_OK;
}

/* Memory for the batch at hand: that of its bytes where nothing else is in there, else its own. */
static struct tow_ipc_memory *ipc_give_memory(struct tow_ipc *ipc)
{
    struct tow_ipc_memory *memory = ipc->memory;

    if (ipc_have(ipc) == ipc->needed) {
        ipc->memory = NULL;
        return memory;
    }
    memory = tow_ipc_pool_take(ipc->pool, 0);
    if (memory)
        memory->holder = tow_ipc_memory_ref(ipc->memory);
    return memory;
}

static int ipc_end_body(struct tow_ipc *ipc, struct tow_ipc_batch *batch, struct tow_error *err)
{
    size_t length = ipc->needed, metadata_size = length - ipc->prefix - ipc->body.length;
    struct tow_flatbuffer metadata;
    struct tow_ipc_message message;
    int code = ipc_read_metadata(ipc, metadata_size, &metadata, &message, err);

    if (code != TOW_OK)
        return code;
    ipc->body.bytes = metadata.bytes + metadata_size;
    batch->memory = ipc_give_memory(ipc);
    if (!batch->memory)
        return tow_error_nomem(err);
    code = tow_ipc_record_batch_read(&ipc->schema, &message.header, &ipc->body, batch, err);
    if (code != TOW_OK) {
        tow_ipc_memory_unref(batch->memory);
        return code;
    }
    tow_ipc_pool_note(ipc->pool, length + ipc->extra, ipc->body.plain_bytes);
    ipc_next_message(ipc, length);
    if (!ipc->memory)
        ipc->start = ipc->filled = 0;
    return TOW_OK;
}

/* Everything that the next step needs is there. TOW_OK with is_whole set: a batch. */
static int ipc_step(struct tow_ipc *ipc, struct tow_ipc_batch *batch, int *is_whole,
                    struct tow_error *err)
{
    switch (ipc->state) {
    case IPC_BEGIN:
    case IPC_LENGTH:
        return ipc_read_word(ipc, err);
    case IPC_METADATA:
        return ipc_begin_body(ipc, err);
    case IPC_BODY:
        *is_whole = 1;
        return ipc_end_body(ipc, batch, err);
    default:
        return tow_error_set(err, TOW_E_DATA, "bytes behind the end of the stream");
    }
}

/* ---- the stream ------------------------------------------------------------------------------ */

/* Once something went wrong, nothing behind that place can be trusted. */
static int ipc_fail(struct tow_ipc *ipc, int code, struct tow_error *err)
{
    ipc->state = IPC_FAILED;
    if (code != TOW_E_NOMEM)
        tow_error_prefix(err, "Arrow stream, message %" PRId64 " at byte %" PRId64, ipc->messages,
                         ipc->offset);
    return code;
}

int tow_ipc_read(struct tow_ipc *ipc, const void *bytes, size_t length, size_t *used,
                 struct tow_ipc_batch *batch, struct tow_error *err)
{
    const uint8_t *at = bytes;
    int is_whole = 0, code = TOW_OK;

    *used = 0;
    *batch = (struct tow_ipc_batch){.memory = NULL};
    if (ipc->state == IPC_FAILED)
        return tow_error_set(err, TOW_E_BUG, "an Arrow stream is read on after it failed");
    while (code == TOW_OK && !is_whole) {
        size_t taken = 0;

        if (ipc_have(ipc) >= ipc->needed) {
            code = ipc_step(ipc, batch, &is_whole, err);
            continue;
        }
        if (*used == length)
            return TOW_END;
        if (ipc->wrapping == TOW_IPC_LZ4_FRAMES)
            code = ipc_fill_lz4(ipc, at + *used, length - *used, &taken, err);
        else
            code = ipc_fill_plain(ipc, at + *used, length - *used, &taken, err);
        *used += taken;
    }
    if (code == TOW_OK)
        return TOW_OK;
    *batch = (struct tow_ipc_batch){.memory = NULL};
    return ipc_fail(ipc, code, err);
}

int tow_ipc_end(struct tow_ipc *ipc, struct tow_error *err)
{
    int code;

    if (ipc->state == IPC_FAILED || ipc_have(ipc) >= ipc->needed)
        return tow_error_set(err, TOW_E_BUG, "an Arrow stream is ended before its reading has");
    if (ipc->frames.is_in_frame)
        code = tow_error_set(err, TOW_E_DATA,
                             "the data end inside of LZ4 frame %" PRId64 ", after %" PRId64
                             " compressed bytes",
                             ipc->frames.frames, ipc->frames.taken);
    else if (ipc_have(ipc) > 0)
        code = tow_error_set(err, TOW_E_DATA,
                             "the data end after %zu bytes of it, where %zu or more are needed",
                             ipc_have(ipc), ipc->needed);
    else if (!ipc->has_schema)
        code = tow_error_set(err, TOW_E_DATA, "the data end before the schema");
    else
        return TOW_OK;
    return ipc_fail(ipc, code, err);
}
