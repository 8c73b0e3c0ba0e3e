#include "plugins/databricks_copy/types.h"

#include <string.h>
#include <strings.h>

#include "connectors/databricks/sql.h"
#include "plugins/shared/databricks_types.h"

#define TYPES_NESTING_MAX 64

static size_t types_word_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static int types_begins(const char *sql_type, const char *word)
{
    const size_t length = types_word_length(sql_type);

    return strlen(word) == length && strncasecmp(sql_type, word, length) == 0;
}

static int types_is_text(const char *sql_type)
{
    return types_begins(sql_type, "string") || types_begins(sql_type, "varchar") ||
           types_begins(sql_type, "char");
}

static int types_is_variant(const char *sql_type)
{
    return types_begins(sql_type, "variant");
}

/* ---- text that stays in its place ----------------------------------------------------------- */

/* Behind a name in backticks, whose own are doubled; NULL where it does not end. */
static const char *types_skip_name(const char *p)
{
    for (p++; *p; p++) {
        if (*p != '`')
            continue;
        if (p[1] != '`')
            return p + 1;
        p++;
    }
    return NULL;
}

int tow_copy_type_is_safe(const char *sql_type)
{
    char open[TYPES_NESTING_MAX];
    size_t depth = 0;
    const char *p = sql_type;

    if (types_word_length(p) == 0)
        return 0;
    while (p && *p) {
        if (*p == '`') {
            p = depth > 0 ? types_skip_name(p) : NULL;
            continue;
        }
        if (*p == '<' || *p == '(') {
            if (depth == TYPES_NESTING_MAX)
                return 0;
            open[depth++] = *p == '<' ? '>' : ')';
        } else if (*p == '>' || *p == ')') {
            if (depth == 0 || open[--depth] != *p)
                return 0;
        } else if (types_word_length(p) == 0 && !strchr(depth > 0 ? " ,:" : " ", *p)) {
            return 0;
        }
        p++;
    }
    return p && depth == 0;
}

/* ---- what fits ------------------------------------------------------------------------------ */

/* Bits of an integer's magnitude, the digits that it may have, and the bits of the signed type
 * that holds it. */
static const struct types_integer {
    int bits, digits;
} types_integers[] = {
    [TOW_TYPE_INT8] = {7, 3},     [TOW_TYPE_INT16] = {15, 5},   [TOW_TYPE_INT32] = {31, 10},
    [TOW_TYPE_INT64] = {63, 19},  [TOW_TYPE_UINT8] = {8, 3},    [TOW_TYPE_UINT16] = {16, 5},
    [TOW_TYPE_UINT32] = {32, 10}, [TOW_TYPE_UINT64] = {64, 20},
};

static int types_is_integer(enum tow_type_id id)
{
    return id >= TOW_TYPE_INT8 && id <= TOW_TYPE_UINT64;
}

static int types_integer_fits(struct tow_type type, struct tow_type there)
{
    const struct types_integer *integer = &types_integers[type.id];

    if (types_is_integer(there.id))
        return integer->bits <= types_integers[there.id].bits;
    if (there.id == TOW_TYPE_DECIMAL)
        return there.precision - there.scale >= integer->digits;
    /* As far as every integer is a floating-point number. */
    if (there.id == TOW_TYPE_FLOAT32)
        return integer->bits <= 24;
    return there.id == TOW_TYPE_FLOAT64 && integer->bits <= 53;
}

static int types_decimal_fits(struct tow_type type, struct tow_type there)
{
    if (there.id == TOW_TYPE_DECIMAL)
        return there.scale >= type.scale &&
               there.precision - there.scale >= type.precision - type.scale;
    /* One digit less than the type's largest value has. */
    return type.scale == 0 && types_is_integer(there.id) &&
           type.precision < types_integers[there.id].digits;
}

int tow_copy_type_fits(struct tow_type type, const char *sql_type)
{
    const struct tow_type there = tow_databricks_type(sql_type);

    /* It will stand in a statement as it is. */
    if (!tow_copy_type_is_safe(sql_type))
        return 0;
    if (types_is_text(sql_type))
        return type.id != TOW_TYPE_BINARY;
    /* Not known here. */
    if (there.id == TOW_TYPE_STRING)
        return 0;
    if (there.id == TOW_TYPE_JSON)
        return type.id == TOW_TYPE_JSON;
    if (types_is_integer(type.id))
        return types_integer_fits(type, there);
    if (type.id == TOW_TYPE_DECIMAL)
        return types_decimal_fits(type, there);
    if (type.id == TOW_TYPE_FLOAT32 && there.id == TOW_TYPE_FLOAT64)
        return 1;
    return type.id == there.id;
}

int tow_copy_type_is_key(const char *sql_type)
{
    return tow_databricks_type(sql_type).id != TOW_TYPE_JSON;
}

/* ---- expressions ---------------------------------------------------------------------------- */

/* The type as text that this program makes itself. */
static int types_cast_scalar(struct tow_buffer *out, struct tow_type there, const char *cell,
                             struct tow_error *err)
{
    char name[TOW_DATABRICKS_TYPE_MAX];

    return tow_buffer_printf(out, err, "CAST(%s AS %s)", cell,
                             tow_databricks_type_sql(there, name));
}

static int types_cast_nested(struct tow_buffer *out, const char *sql_type, const char *cell,
                             struct tow_error *err)
{
    int code = tow_buffer_printf(out, err, "from_json(%s, ", cell);

    if (code == TOW_OK)
        code = tow_sql_string(out, sql_type, strlen(sql_type), err);
    if (code == TOW_OK)
        code = tow_buffer_printf(out, err, ", map('mode', 'FAILFAST'))");
    return code;
}

int tow_copy_type_cast(struct tow_buffer *out, struct tow_type type, const char *sql_type,
                       const char *cell, struct tow_error *err)
{
    const struct tow_type there = tow_databricks_type(sql_type);

    if (types_is_text(sql_type))
        return tow_buffer_printf(out, err, "%s", cell);
    if (there.id == TOW_TYPE_BINARY)
        return tow_buffer_printf(out, err, "unbase64(%s)", cell);
    if (types_is_variant(sql_type))
        return tow_buffer_printf(out, err, "parse_json(%s)", cell);
    if (there.id == TOW_TYPE_JSON)
        return types_cast_nested(out, sql_type, cell, err);
    /* The shortest text of a float32 is another number as a double. */
    if (type.id == TOW_TYPE_FLOAT32 && there.id == TOW_TYPE_FLOAT64)
        return tow_buffer_printf(out, err, "CAST(CAST(%s AS FLOAT) AS DOUBLE)", cell);
    return types_cast_scalar(out, there, cell, err);
}
