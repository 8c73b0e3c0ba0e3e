#include <string.h>

#include "columns/columns_priv.h"

/* Types that are converted alike. */
enum conversion_kind {
    KIND_BOOL,
    KIND_INTEGER,
    KIND_FLOAT,
    KIND_DECIMAL,
    KIND_STRING,
    KIND_BINARY,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_JSON,
    KIND_COUNT
};

static enum conversion_kind conversion_kind_of(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_BOOL:
        return KIND_BOOL;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return KIND_FLOAT;
    case TOW_TYPE_DECIMAL:
        return KIND_DECIMAL;
    case TOW_TYPE_STRING:
        return KIND_STRING;
    case TOW_TYPE_BINARY:
        return KIND_BINARY;
    case TOW_TYPE_DATE:
        return KIND_DATE;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return KIND_TIMESTAMP;
    case TOW_TYPE_JSON:
        return KIND_JSON;
    default:
        return KIND_INTEGER;
    }
}

/* From the first index to the second. What lies in memory alike stands in conversion_init. */
static tow_convert *const conversion_table[KIND_COUNT][KIND_COUNT] = {
    [KIND_BOOL] =
        {
            [KIND_INTEGER] = tow_cast_bool_to_integer,
            [KIND_STRING] = tow_to_text,
        },
    [KIND_INTEGER] =
        {
            [KIND_BOOL] = tow_cast_integer_to_bool,
            [KIND_INTEGER] = tow_cast_integer_to_integer,
            [KIND_FLOAT] = tow_cast_integer_to_float,
            [KIND_DECIMAL] = tow_cast_integer_to_decimal,
            [KIND_STRING] = tow_to_text,
            [KIND_TIMESTAMP] = tow_cast_integer_to_timestamp,
        },
    [KIND_FLOAT] =
        {
            [KIND_INTEGER] = tow_cast_float_to_integer,
            [KIND_FLOAT] = tow_cast_float_to_float,
            [KIND_DECIMAL] = tow_cast_float_to_decimal,
            [KIND_STRING] = tow_to_text,
            [KIND_TIMESTAMP] = tow_cast_float_to_timestamp,
        },
    [KIND_DECIMAL] =
        {
            [KIND_INTEGER] = tow_cast_decimal_to_integer,
            [KIND_FLOAT] = tow_cast_decimal_to_float,
            [KIND_DECIMAL] = tow_cast_decimal_to_decimal,
            [KIND_STRING] = tow_to_text,
            [KIND_TIMESTAMP] = tow_cast_decimal_to_timestamp,
        },
    [KIND_STRING] =
        {
            [KIND_BOOL] = tow_text_to_bool,
            [KIND_INTEGER] = tow_text_to_integer,
            [KIND_FLOAT] = tow_text_to_float,
            [KIND_DECIMAL] = tow_text_to_decimal,
            [KIND_BINARY] = tow_text_to_binary,
            [KIND_DATE] = tow_text_to_date,
            [KIND_TIMESTAMP] = tow_text_to_timestamp,
            [KIND_JSON] = tow_text_check_json,
        },
    [KIND_BINARY] =
        {
            [KIND_STRING] = tow_binary_to_text,
        },
    [KIND_DATE] =
        {
            [KIND_STRING] = tow_to_text,
            [KIND_TIMESTAMP] = tow_cast_date_to_timestamp,
        },
    [KIND_TIMESTAMP] =
        {
            [KIND_STRING] = tow_to_text,
            [KIND_DATE] = tow_cast_timestamp_to_date,
        },
};

/* ---- formats -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int exponent;
} conversion_epochs[] = {{"epoch_s", 6}, {"epoch_ms", 3}, {"epoch_us", 0}, {"epoch_ns", -3}};

static int conversion_find_epoch(struct tow_conversion *conversion, const char *format)
{
    for (size_t i = 0; i < sizeof conversion_epochs / sizeof *conversion_epochs; i++)
        if (format && strcmp(format, conversion_epochs[i].name) == 0) {
            conversion->format = TOW_FORMAT_EPOCH;
            conversion->pattern = format;
            conversion->epoch_exponent = conversion_epochs[i].exponent;
            return 1;
        }
    return 0;
}

/* Whether times of this format carry a zone, or are counted in UTC: then all of them do. */
static int conversion_has_zone(const char *pattern)
{
    for (const char *p = strchr(pattern, '%'); p && p[1]; p = strchr(p + 2, '%'))
        if (p[1] == 'z' || p[1] == 's')
            return 1;
    return 0;
}

static int conversion_use_pattern(struct tow_conversion *conversion, const char *format,
                                  const char *others, struct tow_error *err)
{
    const char *reason = tow_time_format_check(format);

    if (reason)
        return tow_error_set(err, TOW_E_CONFIG, "format \"%s\": %s%s", format, reason, others);
    if (conversion->to.id == TOW_TYPE_TIMESTAMP_NTZ && conversion_has_zone(format))
        return tow_error_set(err, TOW_E_CONFIG,
                             "format \"%s\" has a zone, which a timestamp_ntz is without", format);
    conversion->format = TOW_FORMAT_PATTERN;
    conversion->pattern = format;
    return TOW_OK;
}

static int conversion_use_encoding(struct tow_conversion *conversion, const char *format,
                                   struct tow_error *err)
{
    if (!format || strcmp(format, "base64") == 0)
        conversion->format = TOW_FORMAT_BASE64;
    else if (strcmp(format, "hex") == 0)
        conversion->format = TOW_FORMAT_HEX;
    else if (strcmp(format, "utf8") == 0)
        conversion->format = TOW_FORMAT_UTF8;
    else
        return tow_error_set(err, TOW_E_CONFIG,
                             "format \"%s\" is not known; between string and binary it is base64, "
                             "hex or utf8",
                             format);
    return TOW_OK;
}

static int conversion_use_epoch(struct tow_conversion *conversion, const char *format,
                                struct tow_error *err)
{
    char from[TOW_TYPE_TEXT_MAX], to[TOW_TYPE_TEXT_MAX];

    if (conversion_find_epoch(conversion, format))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "from %s to %s it takes format = \"epoch_s\", \"epoch_ms\", \"epoch_us\" "
                         "or \"epoch_ns\"%s%s%s",
                         tow_type_name(conversion->from, from), tow_type_name(conversion->to, to),
                         format ? ", not \"" : "", format ? format : "", format ? "\"" : "");
}

static int conversion_read_format(struct tow_conversion *conversion, const char *format,
                                  struct tow_error *err)
{
    enum conversion_kind from = conversion_kind_of(conversion->from.id);
    enum conversion_kind to = conversion_kind_of(conversion->to.id);
    char from_text[TOW_TYPE_TEXT_MAX], to_text[TOW_TYPE_TEXT_MAX];

    if ((from == KIND_STRING && to == KIND_BINARY) || (from == KIND_BINARY && to == KIND_STRING))
        return conversion_use_encoding(conversion, format, err);
    if (to == KIND_TIMESTAMP &&
        (from == KIND_INTEGER || from == KIND_FLOAT || from == KIND_DECIMAL))
        return conversion_use_epoch(conversion, format, err);
    if (!format)
        return TOW_OK;
    if (from == KIND_STRING && to == KIND_TIMESTAMP)
        return conversion_find_epoch(conversion, format)
                   ? TOW_OK
                   : conversion_use_pattern(conversion, format,
                                            "; or one of epoch_s, epoch_ms, epoch_us, epoch_ns",
                                            err);
    if (from == KIND_STRING && to == KIND_DATE)
        return conversion_use_pattern(conversion, format, "", err);
    return tow_error_set(err, TOW_E_CONFIG, "format \"%s\" means nothing from %s to %s", format,
                         tow_type_name(conversion->from, from_text),
                         tow_type_name(conversion->to, to_text));
}

/* ---- choice --------------------------------------------------------------------------------- */

static int conversion_keeps_buffers(const struct tow_conversion *conversion)
{
    enum conversion_kind from = conversion_kind_of(conversion->from.id);
    enum conversion_kind to = conversion_kind_of(conversion->to.id);

    return tow_type_same(conversion->from, conversion->to) ||
           conversion->format == TOW_FORMAT_UTF8 ||
           (from == KIND_TIMESTAMP && to == KIND_TIMESTAMP) ||
           (from == KIND_STRING && to == KIND_JSON) || (from == KIND_JSON && to == KIND_STRING);
}

/* What is left to do where the buffers stay: bytes from outside become text, or JSON. */
static tow_convert *conversion_check(const struct tow_conversion *conversion)
{
    if (conversion->from.id == TOW_TYPE_BINARY && conversion->to.id == TOW_TYPE_STRING)
        return tow_binary_check_utf8;
    if (conversion->from.id == TOW_TYPE_STRING && conversion->to.id == TOW_TYPE_JSON)
        return tow_text_check_json;
    return NULL;
}

/* Types whose texts go many at a time. Those of other formats go one by one. */
static void conversion_set_texts(struct tow_conversion *conversion)
{
    struct tow_type type = conversion->to;

    if (conversion->from.id != TOW_TYPE_STRING || conversion->format != TOW_FORMAT_NONE)
        return;
    switch (conversion_kind_of(type.id)) {
    case KIND_INTEGER:
        if (type.id == TOW_TYPE_UINT64)
            return;
        type.id = TOW_TYPE_INT64;
        break;
    case KIND_DATE:
    case KIND_TIMESTAMP:
        break;
    default:
        if (type.id != TOW_TYPE_FLOAT64)
            return;
    }
    if (!tow_texts_converter_init(&conversion->texts, type, NULL, NULL))
        conversion->texts.convert = NULL;
}

int tow_conversion_init(struct tow_conversion *conversion, struct tow_type from, struct tow_type to,
                        const char *format, struct tow_error *err)
{
    char from_text[TOW_TYPE_TEXT_MAX], to_text[TOW_TYPE_TEXT_MAX];
    int code;

    *conversion = (struct tow_conversion){.from = from, .to = to};
    conversion->convert = conversion_table[conversion_kind_of(from.id)][conversion_kind_of(to.id)];
    conversion->keeps_buffers = conversion_keeps_buffers(conversion);
    if (!conversion->convert && !conversion->keeps_buffers)
        return tow_error_set(err, TOW_E_CONFIG, "cannot convert %s to %s",
                             tow_type_name(from, from_text), tow_type_name(to, to_text));
    code = conversion_read_format(conversion, format, err);
    conversion->keeps_buffers = conversion_keeps_buffers(conversion);
    if (conversion->keeps_buffers)
        conversion->convert = conversion_check(conversion);
    if (code == TOW_OK)
        conversion_set_texts(conversion);
    return code;
}
