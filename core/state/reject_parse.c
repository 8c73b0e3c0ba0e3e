#include <limits.h>
#include <string.h>

#include "state/reject_reader.h"
#include "towpath/json.h"
#include "towpath/value.h"

/* A value on its way into a column of the open row. */
struct reject_value {
    struct tow_builder *builder;
    size_t column;
    struct tow_type type;
    const char *text; /* as the line has it; of a string, what it stands for */
    size_t length;
};

static int value_misfit(const struct reject_value *value, struct tow_error *err)
{
    char type[TOW_TYPE_TEXT_MAX];

    return tow_error_set(err, TOW_E_DATA, "\"%.*s\" is no %s",
                         value->length > 80 ? 80 : (int)value->length, value->text,
                         tow_type_name(value->type, type));
}

static int value_append_bool(const struct reject_value *value, struct tow_error *err)
{
    int flag;

    if (tow_parse_bool(value->text, value->length, &flag) != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_bool(value->builder, value->column, flag, err);
}

static int value_append_integer(const struct reject_value *value, struct tow_error *err)
{
    uint64_t magnitude;
    int64_t number;

    if (value->type.id == TOW_TYPE_UINT64) {
        if (tow_parse_uint64(value->text, value->length, &magnitude) != TOW_PARSE_OK)
            return value_misfit(value, err);
        return tow_append_uint64(value->builder, value->column, magnitude, err);
    }
    if (tow_parse_int64(value->text, value->length, &number) != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_int64(value->builder, value->column, number, err);
}

/* float32 has a shortest text of its own: rounded to double first, it could miss its value. */
static int value_append_float(const struct reject_value *value, struct tow_error *err)
{
    double number = 0;
    float narrow = 0;
    int parsed;

    if (value->type.id == TOW_TYPE_FLOAT32) {
        parsed = tow_parse_float(value->text, value->length, &narrow);
        number = narrow;
    } else {
        parsed = tow_parse_double(value->text, value->length, &number);
    }
    if (parsed != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_double(value->builder, value->column, number, err);
}

static int value_append_decimal(const struct reject_value *value, struct tow_error *err)
{
    struct tow_decimal number;

    if (tow_parse_decimal(value->text, value->length, value->type.precision, value->type.scale,
                          &number) != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_decimal(value->builder, value->column, number, err);
}

/* [+-]y...yyyy-mm-dd: all that tow_put_date writes, beyond what tow_parse_date takes from users. */
static int value_parse_day(const char *text, size_t length, int32_t *days)
{
    int64_t year, month, day;
    size_t split = length - 6; /* of "-mm-dd" */

    if (length < 10 || text[split] != '-' || text[split + 3] != '-' || text[split + 1] == '+' ||
        text[split + 1] == '-' || text[split + 4] == '+' || text[split + 4] == '-' ||
        tow_parse_int64(text, split, &year) != TOW_PARSE_OK ||
        tow_parse_int64(text + split + 1, 2, &month) != TOW_PARSE_OK ||
        tow_parse_int64(text + split + 4, 2, &day) != TOW_PARSE_OK || year > INT_MAX ||
        year < INT_MIN)
        return TOW_PARSE_SYNTAX;
    return tow_date_from_civil((int)year, (int)month, (int)day, days);
}

static int value_append_date(const struct reject_value *value, struct tow_error *err)
{
    int32_t days;

    if (value_parse_day(value->text, value->length, &days) != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_int64(value->builder, value->column, days, err);
}

/* The time of day is read on a day that every parser takes, and moved to its own. */
static int value_append_timestamp(const struct reject_value *value, struct tow_error *err)
{
    static const char epoch[] = "1970-01-01";
    const char *t = memchr(value->text, 'T', value->length);
    size_t head = t ? (size_t)(t - value->text) : 0;
    size_t tail = value->length - head;
    char text[sizeof epoch + TOW_TIMESTAMP_TEXT_MAX];
    int64_t time, instant;
    int32_t days;
    int zone;

    if (!t || tail > TOW_TIMESTAMP_TEXT_MAX ||
        value_parse_day(value->text, head, &days) != TOW_PARSE_OK)
        return value_misfit(value, err);
    memcpy(text, epoch, sizeof epoch - 1);
    memcpy(text + sizeof epoch - 1, t, tail);
    if (tow_parse_timestamp(text, sizeof epoch - 1 + tail, &time, &zone) != TOW_PARSE_OK ||
        zone != (value->type.id == TOW_TYPE_TIMESTAMP))
        return value_misfit(value, err);
    /* The earliest instants lie before midnight of a day that 64 bits cannot hold. */
    if (__builtin_add_overflow((__int128)days * 86400000000, time, &instant))
        return value_misfit(value, err);
    return tow_append_int64(value->builder, value->column, instant, err);
}

static int value_append_binary(const struct reject_value *value, struct tow_buffer *room,
                               struct tow_error *err)
{
    size_t start = room->size, length;
    int result = tow_buffer_reserve(room, 3 * (value->length / 4) + 3, err);

    if (result != TOW_OK)
        return result;
    /* The text may lie in the same buffer: it was appended to, and has moved. */
    if (tow_parse_base64(room->data, value->length, room->data + start, &length) != TOW_PARSE_OK)
        return value_misfit(value, err);
    return tow_append_bytes(value->builder, value->column, room->data + start, length, err);
}

static int value_append_string(struct reject_value *value, struct tow_buffer *room,
                               struct tow_error *err)
{
    switch (value->type.id) {
    case TOW_TYPE_STRING:
        return tow_append_bytes(value->builder, value->column, value->text, value->length, err);
    case TOW_TYPE_BINARY:
        return value_append_binary(value, room, err);
    case TOW_TYPE_DATE:
        return value_append_date(value, err);
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return value_append_timestamp(value, err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return value_append_float(value, err);
    default:
        return value_misfit(value, err);
    }
}

static int value_append_bare(const struct reject_value *value, struct tow_error *err)
{
    if (tow_json_part_is((struct tow_json_part){value->text, value->length}, "null"))
        return tow_append_null(value->builder, value->column, err);
    switch (value->type.id) {
    case TOW_TYPE_BOOL:
        return value_append_bool(value, err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return value_append_float(value, err);
    case TOW_TYPE_DECIMAL:
        return value_append_decimal(value, err);
    case TOW_TYPE_STRING:
    case TOW_TYPE_BINARY:
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return value_misfit(value, err);
    default:
        return value_append_integer(value, err);
    }
}

static int value_append(struct reject_value *value, struct tow_buffer *room, struct tow_error *err)
{
    const struct tow_json_part part = {value->text, value->length};
    int result;

    /* A json column keeps the text of its value, a string's quotes and "null" included. */
    if (value->type.id == TOW_TYPE_JSON)
        return tow_append_bytes(value->builder, value->column, value->text, value->length, err);
    if (value->text[0] != '"')
        return value_append_bare(value, err);
    room->size = 0;
    result = tow_json_unescape(room, part, err);
    if (result != TOW_OK)
        return result;
    value->text = room->data;
    value->length = room->size;
    return value_append_string(value, room, err);
}

static int parse_member(const struct tow_reject_reader *reader, struct tow_json_part key,
                        struct tow_json_part text, struct tow_builder *builder,
                        struct tow_error *err)
{
    struct reject_scratch *scratch = reader->scratch;
    struct reject_value value = {.builder = builder, .text = text.text, .length = text.length};
    int64_t column;
    int result;

    scratch->key.size = 0;
    result = tow_json_unescape(&scratch->key, key, err);
    if (result == TOW_OK)
        result = tow_buffer_append(&scratch->key, "", 1, err);
    if (result != TOW_OK)
        return result;
    column = tow_schema_find(&reader->schema, scratch->key.data);
    if (column < 0)
        return tow_error_set(err, TOW_E_DATA, "the first line names no column \"%.80s\"",
                             scratch->key.data);
    if (scratch->seen[column]++)
        return tow_error_set(err, TOW_E_DATA, "column \"%.80s\" stands twice", scratch->key.data);
    value.column = (size_t)column;
    value.type = reader->fields[column].type;
    result = value_append(&value, &scratch->value, err);
    return result == TOW_OK ? TOW_OK : tow_error_prefix(err, "column %.80s", scratch->key.data);
}

static int parse_row(const struct tow_reject_reader *reader, struct tow_json_part row,
                     struct tow_builder *builder, struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part key, value;
    int result = TOW_OK;

    if (!tow_json_scan_object(&scan, row))
        return tow_error_set(err, TOW_E_DATA, "\"row\" is no object");
    memset(reader->scratch->seen, 0, (size_t)reader->schema.n_children);
    while (result == TOW_OK && tow_json_scan_member(&scan, &key, &value))
        result = parse_member(reader, key, value, builder, err);
    return result;
}

/* TOW_END where the line has no "row". */
static int parse_line(const struct tow_reject_reader *reader, struct tow_json_part line,
                      struct tow_builder *builder, struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part key, value;

    if (!tow_json_valid(line.text, line.length, REJECT_DEPTH_MAX))
        return tow_error_set(err, TOW_E_DATA, "not a JSON value");
    if (!tow_json_scan_object(&scan, line))
        return tow_error_set(err, TOW_E_DATA, "not a JSON object");
    while (tow_json_scan_member(&scan, &key, &value))
        if (tow_json_part_is(key, "\"row\""))
            return parse_row(reader, value, builder, err);
    return TOW_END;
}

int tow_reject_parse(const struct tow_reject_reader *reader, const char *line, size_t length,
                     struct tow_builder *builder, struct tow_error *err)
{
    int result = parse_line(reader, (struct tow_json_part){line, length}, builder, err);

    if (result == TOW_OK || result == TOW_END)
        return result;
    tow_builder_cancel_row(builder);
    return tow_error_prefix(err, "reject file %s, line %lld", reader->path,
                            (long long)reader->line_number);
}
