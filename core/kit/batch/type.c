#include "kit/batch/type.h"

#include <stdio.h>
#include <string.h>

struct type_info {
    const char *name;
    const char *format;
    size_t width;
};

/* Decimals carry parameters in name and format, so those are put together elsewhere. */
static const struct type_info type_infos[] = {
    [TOW_TYPE_BOOL] = {"bool", "b", 0},
    [TOW_TYPE_INT8] = {"int8", "c", 1},
    [TOW_TYPE_INT16] = {"int16", "s", 2},
    [TOW_TYPE_INT32] = {"int32", "i", 4},
    [TOW_TYPE_INT64] = {"int64", "l", 8},
    [TOW_TYPE_UINT8] = {"uint8", "C", 1},
    [TOW_TYPE_UINT16] = {"uint16", "S", 2},
    [TOW_TYPE_UINT32] = {"uint32", "I", 4},
    [TOW_TYPE_UINT64] = {"uint64", "L", 8},
    [TOW_TYPE_FLOAT32] = {"float32", "f", 4},
    [TOW_TYPE_FLOAT64] = {"float64", "g", 8},
    [TOW_TYPE_DECIMAL] = {"decimal", "d:", 16},
    [TOW_TYPE_STRING] = {"string", "u", 0},
    [TOW_TYPE_BINARY] = {"binary", "z", 0},
    [TOW_TYPE_DATE] = {"date", "tdD", 4},
    [TOW_TYPE_TIMESTAMP] = {"timestamp", "tsu:UTC", 8},
    [TOW_TYPE_TIMESTAMP_NTZ] = {"timestamp_ntz", "tsu:", 8},
    [TOW_TYPE_JSON] = {"json", "u", 0},
};

static const struct {
    const char *name;
    enum tow_type_id id;
} type_aliases[] = {
    {"int", TOW_TYPE_INT64},   {"double", TOW_TYPE_FLOAT64}, {"float", TOW_TYPE_FLOAT64},
    {"text", TOW_TYPE_STRING}, {"boolean", TOW_TYPE_BOOL},
};

/* Other spellings of formats that mean the same type. */
static const struct {
    const char *format;
    enum tow_type_id id;
} type_formats[] = {
    {"tsu:Etc/UTC", TOW_TYPE_TIMESTAMP},
    {"tsu:+00:00", TOW_TYPE_TIMESTAMP},
};

#define TYPE_FIRST TOW_TYPE_BOOL
#define TYPE_LAST  TOW_TYPE_JSON

static int type_known(enum tow_type_id id)
{
    return id >= TYPE_FIRST && id <= TYPE_LAST;
}

static int type_decimal_fits(int precision, int scale)
{
    return precision >= 1 && precision <= TOW_DECIMAL_PRECISION_MAX && scale >= 0 &&
           scale <= precision;
}

int tow_type_check(struct tow_type type, struct tow_error *err)
{
    if (!type_known(type.id))
        return tow_error_set(err, TOW_E_UNSUPPORTED, "type number %d is not known", (int)type.id);
    if (type.id == TOW_TYPE_DECIMAL && !type_decimal_fits(type.precision, type.scale))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "decimal(%d,%d): precision is 1 to %d, scale 0 to precision",
                             type.precision, type.scale, TOW_DECIMAL_PRECISION_MAX);
    return TOW_OK;
}

char *tow_type_name(struct tow_type type, char text[TOW_TYPE_TEXT_MAX])
{
    if (!type_known(type.id))
        snprintf(text, TOW_TYPE_TEXT_MAX, "unknown");
    else if (type.id == TOW_TYPE_DECIMAL)
        snprintf(text, TOW_TYPE_TEXT_MAX, "decimal(%d,%d)", type.precision, type.scale);
    else
        snprintf(text, TOW_TYPE_TEXT_MAX, "%s", type_infos[type.id].name);
    return text;
}

char *tow_type_format(struct tow_type type, char text[TOW_FORMAT_MAX])
{
    if (type.id == TOW_TYPE_DECIMAL)
        snprintf(text, TOW_FORMAT_MAX, "d:%d,%d", type.precision, type.scale);
    else
        snprintf(text, TOW_FORMAT_MAX, "%s", type_known(type.id) ? type_infos[type.id].format : "");
    return text;
}

size_t tow_type_width(enum tow_type_id id)
{
    return type_known(id) ? type_infos[id].width : 0;
}

int tow_type_is_bytes(enum tow_type_id id)
{
    return id == TOW_TYPE_STRING || id == TOW_TYPE_BINARY || id == TOW_TYPE_JSON;
}

static const char *type_skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Reads one to three digits; NULL where there are none or more. */
static const char *type_read_number(const char *p, int *out)
{
    const char *start = p;

    for (*out = 0; *p >= '0' && *p <= '9'; p++) {
        if (p - start == 3)
            return NULL;
        *out = *out * 10 + (*p - '0');
    }
    return p > start ? p : NULL;
}

/* What stands behind "decimal": "(10,2)", or "(10)" as SQL has it. */
static int type_parse_decimal(const char *text, struct tow_type *out, struct tow_error *err)
{
    const char *p = type_skip_spaces(text + strlen("decimal"));

    *out = (struct tow_type){TOW_TYPE_DECIMAL, 0, 0};
    p = *p == '(' ? type_read_number(type_skip_spaces(p + 1), &out->precision) : NULL;
    if (p)
        p = type_skip_spaces(p);
    if (p && *p == ',')
        p = type_read_number(type_skip_spaces(p + 1), &out->scale);
    if (p)
        p = type_skip_spaces(p);
    if (!p || strcmp(p, ")") != 0)
        return tow_error_set(err, TOW_E_CONFIG, "type \"%s\": write decimal(precision,scale)",
                             text);
    if (!type_decimal_fits(out->precision, out->scale))
        return tow_error_set(err, TOW_E_CONFIG,
                             "type \"%s\": precision is 1 to %d, scale 0 to precision", text,
                             TOW_DECIMAL_PRECISION_MAX);
    return TOW_OK;
}

int tow_type_parse(const char *text, struct tow_type *out, struct tow_error *err)
{
    *out = (struct tow_type){0, 0, 0};
    if (strncmp(text, "decimal", strlen("decimal")) == 0)
        return type_parse_decimal(text, out, err);
    for (int id = TYPE_FIRST; id <= TYPE_LAST; id++)
        if (strcmp(text, type_infos[id].name) == 0)
            out->id = (enum tow_type_id)id;
    for (size_t i = 0; i < sizeof type_aliases / sizeof *type_aliases; i++)
        if (strcmp(text, type_aliases[i].name) == 0)
            out->id = type_aliases[i].id;
    if (type_known(out->id))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "type \"%s\" is not known; types are bool, int8 to int64, uint8 to "
                         "uint64, float32, float64, decimal(p,s), string, binary, date, timestamp, "
                         "timestamp_ntz, json",
                         text);
}

/* "d:precision,scale", with ",128" behind where the producer names the width. */
static int type_read_decimal_format(const char *format, struct tow_type *out)
{
    const char *p = type_read_number(format + 2, &out->precision);

    p = p && *p == ',' ? type_read_number(p + 1, &out->scale) : NULL;
    out->id = TOW_TYPE_DECIMAL;
    return p && (!*p || strcmp(p, ",128") == 0) && type_decimal_fits(out->precision, out->scale);
}

/* What version 1 has nearest to a format that it lacks. */
static const char *type_supported(const char *format)
{
    if (strncmp(format, "ts", 2) == 0)
        return "timestamps in microseconds, in UTC (\"tsu:UTC\") or without zone (\"tsu:\")";
    if (strncmp(format, "td", 2) == 0)
        return "dates in days (\"tdD\")";
    if (strncmp(format, "d:", 2) == 0)
        return "128-bit decimals (\"d:p,s\") of precision 1 to 38 and scale 0 to precision";
    if (*format && strchr("UZv", *format))
        return "strings and binary with 32-bit offsets (\"u\", \"z\")";
    if (*format == '+')
        return "flat columns; lists, structs and maps travel as json";
    return "bool, integers, float32, float64, decimal128, utf8, binary, date32 and timestamps in "
           "microseconds";
}

int tow_type_from_format(const char *format, struct tow_type *out, struct tow_error *err)
{
    *out = (struct tow_type){0, 0, 0};
    if (strncmp(format, "d:", 2) == 0 && type_read_decimal_format(format, out))
        return TOW_OK;
    for (int id = TYPE_FIRST; id < TOW_TYPE_JSON; id++)
        if (id != TOW_TYPE_DECIMAL && strcmp(format, type_infos[id].format) == 0) {
            *out = (struct tow_type){(enum tow_type_id)id, 0, 0};
            return TOW_OK;
        }
    for (size_t i = 0; i < sizeof type_formats / sizeof *type_formats; i++)
        if (strcmp(format, type_formats[i].format) == 0) {
            *out = (struct tow_type){type_formats[i].id, 0, 0};
            return TOW_OK;
        }
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "Arrow format \"%s\" is not supported; supported are %s", format,
                         type_supported(format));
}
