/*
 * google.protobuf.DescriptorProto (descriptor.proto): messages are nested where their field is;
 * those of a map's values beside the map's pair, which may have none inside. Types are named from
 * the root, with a leading dot.
 */
#include "connectors/zerobus/proto.h"
#include "connectors/zerobus/schema.h"

/* Field numbers. */
enum {
    MESSAGE_NAME = 1,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_OPTIONS = 7,
    OPTIONS_MAP_ENTRY = 7,
    FIELD_NAME = 1,
    FIELD_NUMBER = 3,
    FIELD_LABEL = 4,
    FIELD_TYPE = 5,
    FIELD_TYPE_NAME = 6,
    FIELD_JSON_NAME = 10
};

enum { LABEL_OPTIONAL = 1, LABEL_REQUIRED = 2, LABEL_REPEATED = 3 };

static int descriptor_put_bytes(struct tow_buffer *out, int field, const void *bytes, size_t length,
                                struct tow_error *err)
{
    char head[2 * TOW_PROTO_VARINT_MAX];
    size_t size = (size_t)(tow_proto_put_head(head, field, length) - head);
    int code = tow_buffer_append(out, head, size, err);

    return code == TOW_OK ? tow_buffer_append(out, bytes, length, err) : code;
}

static int descriptor_put_number(struct tow_buffer *out, int field, uint64_t value,
                                 struct tow_error *err)
{
    char bytes[2 * TOW_PROTO_VARINT_MAX];
    char *end = tow_proto_put_varint(bytes, tow_proto_tag(field, TOW_PROTO_VARINT));

    end = tow_proto_put_varint(end, value);
    return tow_buffer_append(out, bytes, (size_t)(end - bytes), err);
}

static int descriptor_label(const struct tow_zerobus_field *field)
{
    if (field->is_repeated)
        return LABEL_REPEATED;
    return field->is_required ? LABEL_REQUIRED : LABEL_OPTIONAL;
}

/* `scope`: path of the message that the field's own is nested in. */
static int descriptor_put_type_name(struct tow_buffer *out, const char *scope,
                                    const struct tow_zerobus_field *field, struct tow_error *err)
{
    struct tow_buffer name = {0};
    int code = tow_buffer_printf(&name, err, "%s.%s", scope, field->message->name);

    if (code == TOW_OK)
        code = descriptor_put_bytes(out, FIELD_TYPE_NAME, name.data, name.size, err);
    tow_buffer_release(&name);
    return code;
}

static int descriptor_put_field(struct tow_buffer *out, const char *scope,
                                const struct tow_zerobus_field *field, struct tow_error *err)
{
    struct tow_buffer inside = {0};
    size_t length = strlen(field->name);
    int code = descriptor_put_bytes(&inside, FIELD_NAME, field->name, length, err);

    if (code == TOW_OK)
        code = descriptor_put_number(&inside, FIELD_NUMBER, (uint64_t)field->number, err);
    if (code == TOW_OK)
        code = descriptor_put_number(&inside, FIELD_LABEL, (uint64_t)descriptor_label(field), err);
    if (code == TOW_OK)
        code = descriptor_put_number(&inside, FIELD_TYPE, (uint64_t)field->kind, err);
    if (code == TOW_OK && field->message)
        code = descriptor_put_type_name(&inside, scope, field, err);
    if (code == TOW_OK)
        code = descriptor_put_bytes(&inside, FIELD_JSON_NAME, field->name, length, err);
    if (code == TOW_OK)
        code = descriptor_put_bytes(out, MESSAGE_FIELD, inside.data, inside.size, err);
    tow_buffer_release(&inside);
    return code;
}

static int descriptor_put_message(struct tow_buffer *out, const char *scope,
                                  const struct tow_zerobus_message *message, struct tow_error *err);

/* The message of a field, and where that is a map's pair, the one of its values. */
static int descriptor_put_nested(struct tow_buffer *out, const char *scope,
                                 const struct tow_zerobus_message *nested, struct tow_error *err)
{
    struct tow_buffer inside = {0};
    int code = descriptor_put_message(&inside, scope, nested, err);

    if (code == TOW_OK)
        code = descriptor_put_bytes(out, MESSAGE_NESTED, inside.data, inside.size, err);
    tow_buffer_release(&inside);
    if (code == TOW_OK && nested->is_map_entry && nested->fields[1].message)
        code = descriptor_put_nested(out, scope, nested->fields[1].message, err);
    return code;
}

static int descriptor_put_members(struct tow_buffer *out, const char *scope,
                                  const struct tow_zerobus_message *message, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < message->count && code == TOW_OK; i++)
        code = descriptor_put_field(out, scope, &message->fields[i], err);
    for (size_t i = 0; i < message->count && code == TOW_OK && !message->is_map_entry; i++)
        if (message->fields[i].message)
            code = descriptor_put_nested(out, scope, message->fields[i].message, err);
    return code;
}

/* What a map's pair refers to lies beside it: its scope is the one around. */
static int descriptor_put_message(struct tow_buffer *out, const char *scope,
                                  const struct tow_zerobus_message *message, struct tow_error *err)
{
    static const char map_entry[] = {OPTIONS_MAP_ENTRY << 3 | TOW_PROTO_VARINT, 1};
    struct tow_buffer own = {0};
    int code = descriptor_put_bytes(out, MESSAGE_NAME, message->name, strlen(message->name), err);

    if (code == TOW_OK && !message->is_map_entry)
        code = tow_buffer_printf(&own, err, "%s.%s", scope, message->name);
    if (code == TOW_OK)
        code = tow_buffer_append(&own, "", 1, err);
    if (code == TOW_OK)
        code = descriptor_put_members(out, message->is_map_entry ? scope : own.data, message, err);
    if (code == TOW_OK && message->is_map_entry)
        code = descriptor_put_bytes(out, MESSAGE_OPTIONS, map_entry, sizeof map_entry, err);
    tow_buffer_release(&own);
    return code;
}

int tow_zerobus_put_descriptor(struct tow_buffer *out, const struct tow_zerobus_message *message,
                               struct tow_error *err)
{
    return descriptor_put_message(out, "", message, err);
}
