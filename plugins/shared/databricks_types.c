#include "plugins/shared/databricks_types.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What may stand behind a type's word. */
enum types_tail {
    TYPES_PLAIN,   /* nothing, or more words ("STRING COLLATE UTF8_LCASE") */
    TYPES_LENGTH,  /* also "(20)" */
    TYPES_DECIMAL, /* also "(10)" or "(10,2)" */
    TYPES_NESTED   /* also "<...>" */
};

static const struct {
    const char *word;
    enum tow_type_id id;
    enum types_tail tail;
} types_words[] = {
    {"boolean", TOW_TYPE_BOOL, TYPES_PLAIN},
    {"tinyint", TOW_TYPE_INT8, TYPES_PLAIN},
    {"byte", TOW_TYPE_INT8, TYPES_PLAIN},
    {"smallint", TOW_TYPE_INT16, TYPES_PLAIN},
    {"short", TOW_TYPE_INT16, TYPES_PLAIN},
    {"int", TOW_TYPE_INT32, TYPES_PLAIN},
    {"integer", TOW_TYPE_INT32, TYPES_PLAIN},
    {"bigint", TOW_TYPE_INT64, TYPES_PLAIN},
    {"long", TOW_TYPE_INT64, TYPES_PLAIN},
    {"float", TOW_TYPE_FLOAT32, TYPES_PLAIN},
    {"real", TOW_TYPE_FLOAT32, TYPES_PLAIN},
    {"double", TOW_TYPE_FLOAT64, TYPES_PLAIN},
    {"decimal", TOW_TYPE_DECIMAL, TYPES_DECIMAL},
    {"dec", TOW_TYPE_DECIMAL, TYPES_DECIMAL},
    {"numeric", TOW_TYPE_DECIMAL, TYPES_DECIMAL},
    {"string", TOW_TYPE_STRING, TYPES_PLAIN},
    {"varchar", TOW_TYPE_STRING, TYPES_LENGTH},
    {"char", TOW_TYPE_STRING, TYPES_LENGTH},
    {"binary", TOW_TYPE_BINARY, TYPES_PLAIN},
    {"date", TOW_TYPE_DATE, TYPES_PLAIN},
    {"timestamp", TOW_TYPE_TIMESTAMP, TYPES_PLAIN},
    {"timestamp_ltz", TOW_TYPE_TIMESTAMP, TYPES_PLAIN},
    {"timestamp_ntz", TOW_TYPE_TIMESTAMP_NTZ, TYPES_PLAIN},
    {"array", TOW_TYPE_JSON, TYPES_NESTED},
    {"map", TOW_TYPE_JSON, TYPES_NESTED},
    {"struct", TOW_TYPE_JSON, TYPES_NESTED},
    {"variant", TOW_TYPE_JSON, TYPES_PLAIN},
};

static const char *types_skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* A number of one or two digits, spaces around it; NULL where there is none. */
static const char *types_read_number(const char *p, int *out)
{
    const char *start = types_skip_spaces(p);

    *out = 0;
    for (p = start; *p >= '0' && *p <= '9'; p++) {
        if (p - start == 2)
            return NULL;
        *out = *out * 10 + (*p - '0');
    }
    return p > start ? types_skip_spaces(p) : NULL;
}

/* "(10)", "(10,2)"; without any of it SQL's own default. */
static struct tow_type types_decimal(const char *p)
{
    struct tow_type type = {TOW_TYPE_DECIMAL, 10, 0};

    if (*p == '(') {
        p = types_read_number(p + 1, &type.precision);
        if (p && *p == ',')
            p = types_read_number(p + 1, &type.scale);
        if (!p || *p != ')' || *types_skip_spaces(p + 1) != '\0')
            return (struct tow_type){TOW_TYPE_STRING, 0, 0};
    }
    if (type.precision < 1 || type.precision > TOW_DECIMAL_PRECISION_MAX ||
        type.scale > type.precision)
        return (struct tow_type){TOW_TYPE_STRING, 0, 0};
    return type;
}

static size_t types_word_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static int types_tail_fits(enum types_tail tail, char next, int has_space)
{
    if (next == '(')
        return tail == TYPES_LENGTH || tail == TYPES_DECIMAL;
    if (next == '<')
        return tail == TYPES_NESTED;
    return next == '\0' || has_space;
}

struct tow_type tow_databricks_type(const char *type_text)
{
    const char *word = types_skip_spaces(type_text);
    const size_t length = types_word_length(word);
    const char *tail = types_skip_spaces(word + length);

    for (size_t i = 0; i < sizeof types_words / sizeof *types_words; i++) {
        if (strlen(types_words[i].word) != length ||
            strncasecmp(types_words[i].word, word, length) != 0)
            continue;
        if (!types_tail_fits(types_words[i].tail, *tail, tail > word + length))
            break;
        if (types_words[i].tail == TYPES_DECIMAL)
            return types_decimal(tail);
        return (struct tow_type){types_words[i].id, 0, 0};
    }
    return (struct tow_type){TOW_TYPE_STRING, 0, 0};
}

static const char *const types_sql[] = {
    [TOW_TYPE_BOOL] = "BOOLEAN",         [TOW_TYPE_INT8] = "TINYINT",
    [TOW_TYPE_INT16] = "SMALLINT",       [TOW_TYPE_INT32] = "INT",
    [TOW_TYPE_INT64] = "BIGINT",         [TOW_TYPE_UINT8] = "SMALLINT",
    [TOW_TYPE_UINT16] = "INT",           [TOW_TYPE_UINT32] = "BIGINT",
    [TOW_TYPE_UINT64] = "DECIMAL(20,0)", [TOW_TYPE_FLOAT32] = "FLOAT",
    [TOW_TYPE_FLOAT64] = "DOUBLE",       [TOW_TYPE_STRING] = "STRING",
    [TOW_TYPE_BINARY] = "BINARY",        [TOW_TYPE_DATE] = "DATE",
    [TOW_TYPE_TIMESTAMP] = "TIMESTAMP",  [TOW_TYPE_TIMESTAMP_NTZ] = "TIMESTAMP_NTZ",
    [TOW_TYPE_JSON] = "STRING",
};

char *tow_databricks_type_sql(struct tow_type type, char text[TOW_DATABRICKS_TYPE_MAX])
{
    if (type.id == TOW_TYPE_DECIMAL)
        snprintf(text, TOW_DATABRICKS_TYPE_MAX, "DECIMAL(%d,%d)", type.precision, type.scale);
    else
        snprintf(text, TOW_DATABRICKS_TYPE_MAX, "%s", types_sql[type.id]);
    return text;
}
