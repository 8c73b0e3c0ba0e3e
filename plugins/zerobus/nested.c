#include "plugins/zerobus/nested.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "connectors/http/json_load.h"
#include "connectors/zerobus/proto.h"
#include "towpath/value.h"

#define NESTED_SHOWN      60 /* bytes of a value in a message */
#define NESTED_DIGITS_MAX 15 /* that a double keeps in any case */

/* A whole field, and one value: an element, where the field is repeated. */
static int nested_field(struct tow_buffer *out, const struct tow_zerobus_field *field,
                        const json_t *value, struct tow_error *err);
static int nested_value(struct tow_buffer *out, const struct tow_zerobus_field *field,
                        const json_t *value, struct tow_error *err);

/* ---- what does not fit ----------------------------------------------------------------------- */

static const char *nested_want(const struct tow_zerobus_field *field)
{
    static const char *const wants[] = {
        [TOW_ZEROBUS_DOUBLE] = "a number",    [TOW_ZEROBUS_FLOAT] = "a number that FLOAT holds",
        [TOW_ZEROBUS_INT64] = "an integer",   [TOW_ZEROBUS_INT32] = "an integer that fits",
        [TOW_ZEROBUS_BOOL] = "true or false", [TOW_ZEROBUS_STRING] = "a string",
        [TOW_ZEROBUS_MESSAGE] = "an object",  [TOW_ZEROBUS_BYTES] = "a string in base64",
    };

    switch (field->type) {
    case TOW_ZEROBUS_DATE:
        return "a date, \"2026-03-01\"";
    case TOW_ZEROBUS_TIMESTAMP:
        return "a timestamp, \"2026-03-01T12:00:00Z\"";
    case TOW_ZEROBUS_TIMESTAMP_NTZ:
        return "a timestamp without a zone";
    case TOW_ZEROBUS_DECIMAL:
        return "a decimal that fits, as a string where it has more than 15 digits";
    default:
        return wants[field->kind];
    }
}

static int nested_refuse(const struct tow_zerobus_field *field, const json_t *value,
                         const char *want, struct tow_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t shown = text ? tow_utf8_prefix(text, strnlen(text, NESTED_SHOWN)) : 0;

    tow_error_set(err, TOW_E_DATA, "\"%s\": %.*s%s is not %s", field->name, (int)shown,
                  text ? text : "", text && text[shown] ? "..." : "", want);
    free(text);
    return TOW_E_DATA;
}

static int nested_misfit(const struct tow_zerobus_field *field, const json_t *value,
                         struct tow_error *err)
{
    return nested_refuse(field, value, nested_want(field), err);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int nested_varint(struct tow_buffer *out, int number, int64_t value, struct tow_error *err)
{
    char bytes[2 * TOW_PROTO_VARINT_MAX], *p;

    p = tow_proto_put_varint(bytes, tow_proto_tag(number, TOW_PROTO_VARINT));
    p = tow_proto_put_varint(p, (uint64_t)value);
    return tow_buffer_append(out, bytes, (size_t)(p - bytes), err);
}

static int nested_fixed(struct tow_buffer *out, int number, int wire_type, const void *value,
                        size_t size, struct tow_error *err)
{
    char bytes[TOW_PROTO_VARINT_MAX + sizeof(double)], *p;

    p = tow_proto_put_varint(bytes, tow_proto_tag(number, wire_type));
    memcpy(p, value, size); /* little-endian, as the wire has it */
    return tow_buffer_append(out, bytes, (size_t)(p - bytes) + size, err);
}

static int nested_head(struct tow_buffer *out, int number, size_t length, struct tow_error *err)
{
    char bytes[2 * TOW_PROTO_VARINT_MAX];
    char *end = tow_proto_put_head(bytes, number, length);

    return tow_buffer_append(out, bytes, (size_t)(end - bytes), err);
}

static int nested_bytes(struct tow_buffer *out, int number, const void *bytes, size_t length,
                        struct tow_error *err)
{
    int code = nested_head(out, number, length, err);

    return code == TOW_OK ? tow_buffer_append(out, bytes, length, err) : code;
}

/* Puts the head of a message before what was appended from `start` on. */
static int nested_wrap(struct tow_buffer *out, size_t start, int number, struct tow_error *err)
{
    size_t length = out->size - start, head;
    int code = nested_head(out, number, length, err);

    if (code != TOW_OK)
        return code;
    head = out->size - start - length;
    char bytes[2 * TOW_PROTO_VARINT_MAX];
    memcpy(bytes, out->data + out->size - head, head);
    memmove(out->data + start + head, out->data + start, length);
    memcpy(out->data + start, bytes, head);
    return TOW_OK;
}

/* ---- plain values ---------------------------------------------------------------------------- */

/* Strings stand for numbers as well: keys of maps are nothing else. */
static int nested_integer(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return 1;
    }
    return json_is_string(value) &&
           tow_parse_int64(json_string_value(value), json_string_length(value), out) == 0;
}

/* 1 where the value is one of the field's, as a varint. */
static int nested_number(const struct tow_zerobus_field *field, const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    size_t length = text ? json_string_length(value) : 0;
    int32_t days = 0;
    int zone = 0;

    switch (field->type) {
    case TOW_ZEROBUS_DATE:
        if (!text || tow_parse_date(text, length, &days) != TOW_PARSE_OK)
            return 0;
        *out = days;
        return 1;
    case TOW_ZEROBUS_TIMESTAMP:
    case TOW_ZEROBUS_TIMESTAMP_NTZ:
        return text && tow_parse_timestamp(text, length, out, &zone) == TOW_PARSE_OK &&
               !(zone && field->type == TOW_ZEROBUS_TIMESTAMP_NTZ);
    case TOW_ZEROBUS_BYTE:
        return nested_integer(value, out) && *out >= INT8_MIN && *out <= INT8_MAX;
    case TOW_ZEROBUS_SHORT:
        return nested_integer(value, out) && *out >= INT16_MIN && *out <= INT16_MAX;
    default:
        return nested_integer(value, out) &&
               (field->kind == TOW_ZEROBUS_INT64 || (*out >= INT32_MIN && *out <= INT32_MAX));
    }
}

static int nested_bool(const json_t *value, int *out)
{
    const char *text = json_string_value(value);

    *out = json_is_true(value);
    return json_is_boolean(value) ||
           (text && tow_parse_bool(text, json_string_length(value), out) == TOW_PARSE_OK);
}

static int nested_real(const json_t *value, double *out)
{
    const char *text = json_string_value(value);

    *out = json_number_value(value);
    return json_is_number(value) ||
           (text && tow_parse_double(text, json_string_length(value), out) == TOW_PARSE_OK);
}

static int nested_put_real(struct tow_buffer *out, const struct tow_zerobus_field *field,
                           const json_t *value, struct tow_error *err)
{
    double real;

    if (!nested_real(value, &real))
        return nested_misfit(field, value, err);
    if (field->kind == TOW_ZEROBUS_DOUBLE)
        return nested_fixed(out, field->number, TOW_PROTO_64, &real, sizeof real, err);
    if (isfinite(real) && fabs(real) > (double)FLT_MAX)
        return nested_misfit(field, value, err);
    const float narrow = (float)real;
    return nested_fixed(out, field->number, TOW_PROTO_32, &narrow, sizeof narrow, err);
}

/* Digits of a number in text. */
static size_t nested_digits(const char *text, const char *end)
{
    size_t count = 0;

    for (; text < end && *text != 'e'; text++)
        count += *text >= '0' && *text <= '9' && (count > 0 || *text != '0');
    return count;
}

static int nested_put_decimal(struct tow_buffer *out, const struct tow_zerobus_field *field,
                              const json_t *value, struct tow_error *err)
{
    char number[TOW_DECIMAL_TEXT_MAX];
    const char *text = json_string_value(value);
    size_t length = text ? json_string_length(value) : 0;
    struct tow_decimal decimal;

    if (json_is_integer(value)) {
        text = number;
        length = (size_t)(tow_put_int64(number, json_integer_value(value)) - number);
    } else if (json_is_real(value)) {
        char *end = tow_put_double(number, json_real_value(value));

        text = nested_digits(number, end) <= NESTED_DIGITS_MAX ? number : NULL;
        length = (size_t)(end - number);
    }
    if (!text ||
        tow_parse_decimal(text, length, field->precision, field->scale, &decimal) != TOW_PARSE_OK)
        return nested_misfit(field, value, err);
    length = (size_t)(tow_put_decimal(number, decimal, field->scale) - number);
    return nested_bytes(out, field->number, number, length, err);
}

static int nested_put_json(struct tow_buffer *out, const struct tow_zerobus_field *field,
                           const json_t *value, struct tow_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    int code =
        text ? nested_bytes(out, field->number, text, strlen(text), err) : tow_error_nomem(err);

    free(text);
    return code;
}

static int nested_put_string(struct tow_buffer *out, const struct tow_zerobus_field *field,
                             const json_t *value, struct tow_error *err)
{
    if (field->type == TOW_ZEROBUS_VARIANT)
        return nested_put_json(out, field, value, err);
    if (field->type == TOW_ZEROBUS_DECIMAL)
        return nested_put_decimal(out, field, value, err);
    if (!json_is_string(value))
        return nested_misfit(field, value, err);
    return nested_bytes(out, field->number, json_string_value(value), json_string_length(value),
                        err);
}

static int nested_put_binary(struct tow_buffer *out, const struct tow_zerobus_field *field,
                             const json_t *value, struct tow_error *err)
{
    size_t start = out->size, length = json_string_length(value);
    int code;

    if (!json_is_string(value))
        return nested_misfit(field, value, err);
    code = tow_buffer_reserve(out, 3 * (length / 4) + 3, err);
    if (code != TOW_OK)
        return code;
    if (tow_parse_base64(json_string_value(value), length, out->data + start, &length) !=
        TOW_PARSE_OK)
        return nested_misfit(field, value, err);
    out->size += length;
    return nested_wrap(out, start, field->number, err);
}

/* ---- structs, maps, arrays ------------------------------------------------------------------- */

static int nested_struct(struct tow_buffer *out, const struct tow_zerobus_field *field,
                         const json_t *value, struct tow_error *err)
{
    const struct tow_zerobus_message *message = field->message;
    size_t start = out->size;
    const char *key;
    json_t *member;
    int code = TOW_OK;

    if (!json_is_object(value))
        return nested_misfit(field, value, err);
    json_object_foreach((json_t *)(uintptr_t)value, key, member) if (
        !tow_zerobus_schema_find(
            message, key)) return tow_error_set(err, TOW_E_DATA, "\"%s\" has no member \"%.*s\"",
                                                field->name, NESTED_SHOWN, key);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a field of that kind has a message. */
    for (size_t i = 0; i < message->count && code == TOW_OK; i++)
        code = nested_field(out, &message->fields[i],
                            json_object_get(value, message->fields[i].name), err);
    if (code == TOW_OK)
        return nested_wrap(out, start, field->number, err);
    return code == TOW_E_DATA ? tow_error_prefix(err, "in \"%s\"", field->name) : code;
}

static int nested_pair(struct tow_buffer *out, const struct tow_zerobus_field *field,
                       const char *key, const json_t *value, struct tow_error *err)
{
    const struct tow_zerobus_field *pair = field->message->fields;
    size_t start = out->size;
    json_t *name = json_string(key);
    int code = name ? nested_value(out, &pair[0], name, err) : tow_error_nomem(err);

    json_decref(name);
    if (code == TOW_OK && json_is_null(value))
        code = tow_error_set(err, TOW_E_DATA,
                             "the value of \"%.*s\" is null, which records cannot "
                             "hold",
                             NESTED_SHOWN, key);
    if (code == TOW_OK)
        code = nested_value(out, &pair[1], value, err);
    return code == TOW_OK ? nested_wrap(out, start, field->number, err) : code;
}

static int nested_map(struct tow_buffer *out, const struct tow_zerobus_field *field,
                      const json_t *value, struct tow_error *err)
{
    const char *key;
    json_t *member;
    int code = TOW_OK;

    if (!json_is_object(value))
        return nested_misfit(field, value, err);
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        code = nested_pair(out, field, key, member, err);
        if (code != TOW_OK)
            break;
    }
    return code == TOW_E_DATA ? tow_error_prefix(err, "in \"%s\"", field->name) : code;
}

static int nested_array(struct tow_buffer *out, const struct tow_zerobus_field *field,
                        const json_t *value, struct tow_error *err)
{
    int code = TOW_OK;

    if (!json_is_array(value))
        return nested_refuse(field, value, "an array", err);
    for (size_t i = 0; i < json_array_size(value) && code == TOW_OK; i++) {
        const json_t *element = json_array_get(value, i);

        if (json_is_null(element))
            return tow_error_set(err, TOW_E_DATA,
                                 "\"%s\": element %zu is null, which records "
                                 "cannot hold",
                                 field->name, i + 1);
        code = nested_value(out, field, element, err);
    }
    return code;
}

static int nested_value(struct tow_buffer *out, const struct tow_zerobus_field *field,
                        const json_t *value, struct tow_error *err)
{
    int64_t number;
    int truth;

    switch (field->kind) {
    case TOW_ZEROBUS_MESSAGE:
        return nested_struct(out, field, value, err);
    case TOW_ZEROBUS_STRING:
        return nested_put_string(out, field, value, err);
    case TOW_ZEROBUS_BYTES:
        return nested_put_binary(out, field, value, err);
    case TOW_ZEROBUS_DOUBLE:
    case TOW_ZEROBUS_FLOAT:
        return nested_put_real(out, field, value, err);
    case TOW_ZEROBUS_BOOL:
        return nested_bool(value, &truth) ? nested_varint(out, field->number, truth, err)
                                          : nested_misfit(field, value, err);
    default:
        return nested_number(field, value, &number) ? nested_varint(out, field->number, number, err)
                                                    : nested_misfit(field, value, err);
    }
}

static int nested_field(struct tow_buffer *out, const struct tow_zerobus_field *field,
                        const json_t *value, struct tow_error *err)
{
    if (!value || json_is_null(value))
        return field->is_required ? tow_error_set(err, TOW_E_DATA,
                                                  "\"%s\" is NOT NULL, and null here", field->name)
                                  : TOW_OK;
    if (field->message && field->message->is_map_entry)
        return nested_map(out, field, value, err);
    return field->is_repeated ? nested_array(out, field, value, err)
                              : nested_value(out, field, value, err);
}

int bus_nested_put(struct tow_buffer *out, const struct tow_zerobus_field *field, const char *json,
                   size_t length, struct tow_error *err)
{
    json_t *value;
    int code = tow_json_load(json, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &value, err);

    if (code == TOW_E_DATA)
        return tow_error_prefix(err, "\"%s\" is no JSON", field->name);
    if (code != TOW_OK)
        return code;
    code = nested_field(out, field, value, err);
    json_decref(value);
    return code;
}
