/* The same as text of proto2, for people and protoc. */
#include "connectors/zerobus/schema.h"

#define PROTO_FILE_INDENT 2

static const char *proto_file_kind(const struct tow_zerobus_field *field)
{
    switch (field->kind) {
    case TOW_ZEROBUS_DOUBLE:
        return "double";
    case TOW_ZEROBUS_FLOAT:
        return "float";
    case TOW_ZEROBUS_INT64:
        return "int64";
    case TOW_ZEROBUS_INT32:
        return "int32";
    case TOW_ZEROBUS_BOOL:
        return "bool";
    case TOW_ZEROBUS_BYTES:
        return "bytes";
    case TOW_ZEROBUS_MESSAGE:
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): that kind has a message. */
        return field->message->name;
    default:
        return "string";
    }
}

/* What a reader of the file has to know besides the kind. */
static const char *proto_file_note(const struct tow_zerobus_field *field)
{
    switch (field->type) {
    case TOW_ZEROBUS_BYTE:
        return " // -128 to 127";
    case TOW_ZEROBUS_SHORT:
        return " // -32768 to 32767";
    case TOW_ZEROBUS_DATE:
        return " // days since 1970-01-01";
    case TOW_ZEROBUS_TIMESTAMP:
        return " // microseconds since 1970-01-01 UTC";
    case TOW_ZEROBUS_TIMESTAMP_NTZ:
        return " // microseconds since 1970-01-01, without a zone";
    case TOW_ZEROBUS_DECIMAL:
        return " // decimal digits";
    case TOW_ZEROBUS_VARIANT:
        return " // JSON text";
    default:
        return "";
    }
}

static int proto_file_field(struct tow_buffer *out, const struct tow_zerobus_field *field,
                            int indent, struct tow_error *err)
{
    const struct tow_zerobus_message *message = field->message;

    if (message && message->is_map_entry)
        return tow_buffer_printf(out, err, "%*smap<%s, %s> %s = %d;%s\n", indent, "",
                                 proto_file_kind(&message->fields[0]),
                                 proto_file_kind(&message->fields[1]), field->name, field->number,
                                 proto_file_note(&message->fields[1]));
    return tow_buffer_printf(out, err, "%*s%s %s %s = %d;%s\n", indent, "",
                             field->is_repeated   ? "repeated"
                             : field->is_required ? "required"
                                                  : "optional",
                             proto_file_kind(field), field->name, field->number,
                             proto_file_note(field));
}

static int proto_file_message(struct tow_buffer *out, const struct tow_zerobus_message *message,
                              int indent, struct tow_error *err)
{
    int code = tow_buffer_printf(out, err, "%*smessage %s {\n", indent, "", message->name);

    for (size_t i = 0; i < message->count && code == TOW_OK; i++) {
        const struct tow_zerobus_message *nested = message->fields[i].message;

        if (nested && nested->is_map_entry)
            nested = nested->fields[1].message;
        if (nested)
            code = proto_file_message(out, nested, indent + PROTO_FILE_INDENT, err);
    }
    for (size_t i = 0; i < message->count && code == TOW_OK; i++)
        code = proto_file_field(out, &message->fields[i], indent + PROTO_FILE_INDENT, err);
    return code == TOW_OK ? tow_buffer_printf(out, err, "%*s}\n", indent, "") : code;
}

int tow_zerobus_put_proto_file(struct tow_buffer *out, const struct tow_zerobus_message *message,
                               const char *comment, struct tow_error *err)
{
    int code = tow_buffer_printf(out, err, "// %s\nsyntax = \"proto2\";\n\n", comment);

    return code == TOW_OK ? proto_file_message(out, message, 0, err) : code;
}
