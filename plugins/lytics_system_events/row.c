#include "plugins/lytics_system_events/row.h"

#include "connectors/lytics/client.h"

#define ROW_DATE 1

const struct tow_field tow_event_fields[TOW_EVENT_COLUMNS] = {
    {"id", {TOW_TYPE_STRING, 0, 0}, 0},           {"date", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"aid", {TOW_TYPE_STRING, 0, 0}, 0},          {"user_id", {TOW_TYPE_STRING, 0, 0}, 0},
    {"subject_type", {TOW_TYPE_STRING, 0, 0}, 0}, {"subject_id", {TOW_TYPE_STRING, 0, 0}, 0},
    {"verb", {TOW_TYPE_STRING, 0, 0}, 0},         {"notes", {TOW_TYPE_STRING, 0, 0}, 0},
    {"related", {TOW_TYPE_JSON, 0, 0}, 0},        {"context", {TOW_TYPE_JSON, 0, 0}, 0},
};

/* What is neither text nor number stands as JSON. */
static int row_append(struct tow_builder *builder, size_t column, struct tow_json_part value,
                      struct tow_buffer *scratch, struct tow_error *err)
{
    int code;

    if (!tow_lytics_has(value))
        return TOW_OK;
    if (tow_event_fields[column].type.id == TOW_TYPE_JSON || *value.text == '{' ||
        *value.text == '[')
        return tow_append_bytes(builder, column, value.text, value.length, err);
    code = tow_lytics_text(scratch, value, err);
    return code == TOW_OK ? tow_append_bytes(builder, column, scratch->data, scratch->size, err)
                          : code;
}

int tow_event_append(struct tow_builder *builder, size_t columns, struct tow_json_part object,
                     int64_t at_us, struct tow_buffer *scratch, struct tow_error *err)
{
    int code = tow_append_int64(builder, ROW_DATE, at_us, err);

    for (size_t i = 0; i < columns && code == TOW_OK; i++)
        if (i != ROW_DATE)
            code = row_append(builder, i, tow_lytics_member(object, tow_event_fields[i].name),
                              scratch, err);
    if (code == TOW_OK)
        code = tow_builder_end_row(builder, err);
    if (code != TOW_OK)
        tow_builder_cancel_row(builder);
    return code;
}
