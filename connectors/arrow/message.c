#include "connectors/arrow/message.h"

#include <inttypes.h>

/* Slots of the table Message. */
enum { MESSAGE_VERSION, MESSAGE_HEADER_TYPE, MESSAGE_HEADER, MESSAGE_BODY_LENGTH };

/* Metadata versions count from 0, which is V1. */
enum { MESSAGE_V4 = 3, MESSAGE_V5 = 4 };

int tow_ipc_metadata_check(const struct tow_flatbuffer *metadata, struct tow_error *err)
{
    if (!metadata->damage)
        return TOW_OK;
    return tow_error_set(err, TOW_E_DATA, "the metadata is damaged near its byte %zu of %zu: %s",
                         metadata->damage_at, metadata->size, metadata->damage);
}

static int message_check_kind(int64_t type, struct tow_error *err)
{
    static const char *const kinds[] = {"none",         "schema", "dictionary batch",
                                        "record batch", "tensor", "sparse tensor"};
    const int64_t count = sizeof kinds / sizeof *kinds;

    if (type == TOW_IPC_SCHEMA || type == TOW_IPC_RECORD_BATCH)
        return TOW_OK;
    if (type <= 0 || type >= count)
        return tow_error_set(err, TOW_E_DATA, "no kind of message has the number %" PRId64, type);
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "a %s, where only schemas and record batches are read", kinds[type]);
}

int tow_ipc_message_read(struct tow_ipc_message *message, struct tow_flatbuffer *metadata,
                         struct tow_error *err)
{
    struct tow_flat_table root = tow_flat_root(metadata);
    int64_t version = tow_flat_number(&root, MESSAGE_VERSION, 2, 0);
    int64_t type = tow_flat_number(&root, MESSAGE_HEADER_TYPE, 1, 0);
    int64_t body_length = tow_flat_number(&root, MESSAGE_BODY_LENGTH, 8, 0);
    int code;

    message->header = tow_flat_table(&root, MESSAGE_HEADER);
    code = tow_ipc_metadata_check(metadata, err);
    if (code == TOW_OK && (version < MESSAGE_V4 || version > MESSAGE_V5))
        code = tow_error_set(err, TOW_E_UNSUPPORTED,
                             "metadata of version V%" PRId64 ", where V4 and V5 are read",
                             version + 1);
    if (code == TOW_OK)
        code = message_check_kind(type, err);
    if (code == TOW_OK && tow_flat_is_absent(&message->header))
        code = tow_error_set(err, TOW_E_DATA, "the message has no header");
    if (code == TOW_OK && (body_length < 0 || body_length % 8 != 0))
        code = tow_error_set(err, TOW_E_DATA, "a body of %" PRId64 " bytes: not a multiple of 8",
                             body_length);
    message->kind = (enum tow_ipc_kind)type;
    message->body_length = body_length;
    return code;
}
