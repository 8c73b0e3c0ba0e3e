#include "plugins/ttd/item.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugins/ttd/nested.h"

/* What a byte of a string may become. Nested values grow less: at most, a number of one digit gets
 * two quotes. */
#define ITEM_EXPANSION TOW_JSON_EXPANSION

/* 0001-01-01 and the last microsecond of 9999: what RFC 3339 has text for. */
#define ITEM_TIME_MIN INT64_C(-62135596800000000)
#define ITEM_TIME_MAX INT64_C(253402300799999999)
#define ITEM_DAY_US   INT64_C(86400000000)

int tow_ttd_item_room(const struct tow_ttd_layout *layout, int64_t first, int64_t count,
                      size_t *room, struct tow_error *err)
{
    size_t content = 0, fixed;

    for (size_t i = 0; i < layout->step_count; i++) {
        const struct tow_view *view = &layout->cursor.columns[layout->steps[i].index];
        const int32_t *offsets = view->offsets;

        if (offsets)
            content +=
                (size_t)(offsets[view->offset + first + count] - offsets[view->offset + first]);
    }
    if (__builtin_mul_overflow(content, (size_t)ITEM_EXPANSION, &content) ||
        __builtin_mul_overflow(layout->fixed, (size_t)count, &fixed) ||
        __builtin_add_overflow(content, fixed, room))
        return tow_error_nomem(err);
    return TOW_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

static inline char *item_put_key(const struct tow_ttd_layout *layout, char *p,
                                 const struct tow_ttd_key *key)
{
    const char *text = layout->keys.data + key->offset;

    memcpy(p, text, TOW_TTD_KEY_STEP);
    for (size_t i = TOW_TTD_KEY_STEP; i < key->length; i += TOW_TTD_KEY_STEP)
        memcpy(p + i, text + i, TOW_TTD_KEY_STEP);
    return p + key->length;
}

static char *item_refuse(struct tow_ttd_refusal *why, const char *code,
                         const struct tow_ttd_column *column, const char *what)
{
    why->code = code;
    snprintf(why->message, sizeof why->message, "%s %s", column->name, what);
    return NULL;
}

/* With the quote that closes it. */
static inline char *item_put_text(char *p, const struct tow_view *view, int64_t row,
                                  const struct tow_ttd_column *column, struct tow_ttd_refusal *why)
{
    size_t length;
    const char *text = tow_view_bytes(view, row, &length);

    if (length == 0 && column->is_required)
        return item_refuse(why, "MissingValue", column, "is empty");
    p = tow_put_json_escaped(p, text, length, tow_view_bytes_end(view));
    *p++ = '"';
    return p;
}

static char *item_put_time(char *p, const struct tow_view *view, int64_t row,
                           const struct tow_ttd_column *column, struct tow_ttd_refusal *why)
{
    int64_t time = tow_view_int64(view, row);

    if (view->type.id == TOW_TYPE_DATE)
        time *= ITEM_DAY_US;
    if (time < ITEM_TIME_MIN || time > ITEM_TIME_MAX)
        return item_refuse(why, "InvalidTimestamp", column, "is not within the years 1 to 9999");
    p = tow_put_timestamp(p, time, 1);
    *p++ = '"';
    return p;
}

static char *item_put_integer(char *p, const struct tow_view *view, int64_t row,
                              const struct tow_ttd_column *column, struct tow_ttd_refusal *why)
{
    int64_t value = tow_view_int64(view, row);

    /* A uint64 beyond int64 is negative here, and far from these bounds. */
    if (value < INT32_MIN || value > INT32_MAX || (value < 0 && view->type.id == TOW_TYPE_UINT64))
        return item_refuse(why, "InvalidNumber", column, "does not fit into 32 bits");
    return tow_put_int64(p, value);
}

static char *item_put_number(char *p, const struct tow_view *view, int64_t row,
                             const struct tow_ttd_column *column, struct tow_ttd_refusal *why)
{
    double value;

    switch (view->type.id) {
    case TOW_TYPE_DECIMAL:
        return tow_put_decimal(p, tow_view_decimal(view, row), view->type.scale);
    case TOW_TYPE_UINT64:
        return tow_put_uint64(p, (uint64_t)tow_view_int64(view, row));
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        break;
    default:
        return tow_put_int64(p, tow_view_int64(view, row));
    }
    value = tow_view_double(view, row);
    if (!isfinite(value))
        return item_refuse(why, "InvalidNumber", column,
                           "is not finite, which JSON has no text for");
    return view->type.id == TOW_TYPE_FLOAT32 ? tow_put_float(p, (float)value)
                                             : tow_put_double(p, value);
}

/* ---- ids ------------------------------------------------------------------------------------ */

static char *item_refuse_id_type(const struct tow_ttd_layout *layout, const char *text,
                                 size_t length, struct tow_ttd_refusal *why)
{
    char names[200];

    why->code = "InvalidIdType";
    snprintf(why->message, sizeof why->message, "id_type \"%.*s\" is none of %s",
             (int)tow_utf8_prefix(text, length < 32 ? length : 32), text,
             tow_ttd_id_type_names(layout->endpoint->id_types, names, sizeof names));
    return NULL;
}

static char *item_put_id(const struct tow_ttd_layout *layout, char *p, int64_t row,
                         const struct tow_ttd_step *step, struct tow_ttd_refusal *why)
{
    const struct tow_ttd_id_type *types = layout->endpoint->id_types, *type;
    const struct tow_view *view = &layout->cursor.columns[layout->id_type];
    size_t length;
    const char *text = tow_view_bytes(view, row, &length);

    if (tow_view_is_null(view, row))
        return item_refuse(why, "MissingValue", step->column - 1, "is null");
    type = tow_ttd_find_id_type(types, text, length);
    if (!type)
        return item_refuse_id_type(layout, text, length, why);
    p = item_put_key(layout, p, &layout->id_keys[type - types]);
    return item_put_text(p, &layout->cursor.columns[step->index], row, step->column, why);
}

/* ---- items ---------------------------------------------------------------------------------- */

/* Puts key and value; where an array has no elements, neither. */
static char *item_put_nested(const struct tow_ttd_layout *layout, char *p, int64_t row,
                             const struct tow_ttd_step *step, struct tow_ttd_refusal *why)
{
    char *start = p;
    int count;

    p = item_put_key(layout, p, &step->key);
    p = tow_ttd_nested_put(layout->endpoint, step->column, &layout->cursor.columns[step->index],
                           row, p, &count, why);
    return p && count == 0 ? start : p;
}

static inline char *item_put_step(const struct tow_ttd_layout *layout, char *p, int64_t row,
                                  const struct tow_ttd_step *step, struct tow_ttd_refusal *why)
{
    const struct tow_view *view = &layout->cursor.columns[step->index];
    const struct tow_ttd_column *column = step->column;

    if (tow_view_is_null(view, row))
        return column->is_required ? item_refuse(why, "MissingValue", column, "is null") : p;
    if (column->kind == TOW_TTD_ID)
        return item_put_id(layout, p, row, step, why);
    if (column->kind == TOW_TTD_USER_IDS || column->kind == TOW_TTD_STRUCTURES)
        return item_put_nested(layout, p, row, step, why);
    p = item_put_key(layout, p, &step->key);
    switch (column->kind) {
    case TOW_TTD_TIME:
        return item_put_time(p, view, row, column, why);
    case TOW_TTD_INTEGER:
        return item_put_integer(p, view, row, column, why);
    case TOW_TTD_NUMBER:
        return item_put_number(p, view, row, column, why);
    default:
        return item_put_text(p, view, row, column, why);
    }
}

char *tow_ttd_item_put(const struct tow_ttd_layout *layout, int64_t row, char *p,
                       struct tow_ttd_refusal *why)
{
    const struct tow_ttd_step *step = layout->steps, *end = step + layout->step_count;

    for (; p && step < end; step++)
        p = item_put_step(layout, p, row, step, why);
    if (!p)
        return NULL;
    memcpy(p, "},", 2);
    return p + 2;
}
