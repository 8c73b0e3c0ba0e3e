#include <string.h>

#include "columns/columns_priv.h"

/* Writes a value that was read as an integer; returns the end. */
typedef char *text_put(char *p, int64_t value);

static inline char *text_put_bool(char *p, int64_t value)
{
    return mempcpy(p, value ? "true" : "false", value ? 4 : 5);
}

static inline char *text_put_integer(char *p, int64_t value)
{
    return tow_put_int64(p, value);
}

static inline char *text_put_unsigned(char *p, int64_t value)
{
    return tow_put_uint64(p, (uint64_t)value);
}

static inline char *text_put_date(char *p, int64_t value)
{
    return tow_put_date(p, (int32_t)value);
}

static inline char *text_put_utc(char *p, int64_t value)
{
    return tow_put_timestamp(p, value, 1);
}

static inline char *text_put_wall(char *p, int64_t value)
{
    return tow_put_timestamp(p, value, 0);
}

static text_put *text_put_of(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_BOOL:
        return text_put_bool;
    case TOW_TYPE_UINT64:
        return text_put_unsigned;
    case TOW_TYPE_DATE:
        return text_put_date;
    case TOW_TYPE_TIMESTAMP:
        return text_put_utc;
    case TOW_TYPE_TIMESTAMP_NTZ:
        return text_put_wall;
    default:
        return text_put_integer;
    }
}

const char *tow_value_text(const struct tow_view *view, int64_t row, char room[TOW_VALUE_TEXT_MAX],
                           size_t *length)
{
    int64_t value;
    char *end;

    if (tow_type_is_bytes(view->type.id))
        return tow_view_bytes(view, row, length);
    switch (view->type.id) {
    case TOW_TYPE_FLOAT32:
        end = tow_put_float(room, (float)tow_view_double(view, row));
        break;
    case TOW_TYPE_FLOAT64:
        end = tow_put_double(room, tow_view_double(view, row));
        break;
    case TOW_TYPE_DECIMAL:
        end = tow_put_decimal(room, tow_view_decimal(view, row), view->type.scale);
        break;
    default:
        tow_block_read(view, row, 1, &value);
        end = text_put_of(view->type.id)(room, value);
        break;
    }
    *length = (size_t)(end - room);
    return room;
}

/* ---- columns -------------------------------------------------------------------------------- */

static char *text_end_row(const struct tow_step *step, int64_t row, char *p)
{
    step->out->offsets[row + 1] = (int32_t)(p - step->out->bytes);
    return p;
}

static void text_write_integers(const struct tow_step *step)
{
    text_put *put = text_put_of(step->in.type.id);
    int64_t block[TOW_BLOCK_ROWS];
    char *p = step->out->bytes;

    for (int64_t row = 0; row < step->in.length; row++) {
        int64_t left = step->in.length - row, at = row % TOW_BLOCK_ROWS;

        if (at == 0)
            tow_block_read(&step->in, row, left < TOW_BLOCK_ROWS ? left : TOW_BLOCK_ROWS, block);
        p = tow_view_is_null(&step->in, row) ? tow_step_put_null(step, p) : put(p, block[at]);
        text_end_row(step, row, p);
    }
}

/* Floats and decimals: writing their digits takes far longer than finding them. */
static void text_write_values(const struct tow_step *step)
{
    char room[TOW_VALUE_TEXT_MAX];
    char *p = step->out->bytes;
    size_t length;

    for (int64_t row = 0; row < step->in.length; row++) {
        if (tow_view_is_null(&step->in, row)) {
            p = tow_step_put_null(step, p);
        } else {
            tow_value_text(&step->in, row, room, &length);
            p = mempcpy(p, room, length);
        }
        text_end_row(step, row, p);
    }
}

static int64_t text_room(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_DATE:
        return TOW_DATE_TEXT_MAX;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return TOW_TIMESTAMP_TEXT_MAX;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return TOW_DOUBLE_TEXT_MAX;
    case TOW_TYPE_DECIMAL:
        return TOW_DECIMAL_TEXT_MAX;
    default:
        return TOW_INT64_TEXT_MAX;
    }
}

int tow_to_text(struct tow_step *step, struct tow_error *err)
{
    enum tow_type_id id = step->in.type.id;
    int code = tow_step_reserve(step, step->in.length * text_room(id), err);

    if (code != TOW_OK)
        return code;
    if (id == TOW_TYPE_FLOAT32 || id == TOW_TYPE_FLOAT64 || id == TOW_TYPE_DECIMAL)
        text_write_values(step);
    else
        text_write_integers(step);
    return TOW_OK;
}

/* ---- binary --------------------------------------------------------------------------------- */

int tow_binary_to_text(struct tow_step *step, struct tow_error *err)
{
    int is_hex = step->conversion->format == TOW_FORMAT_HEX;
    int64_t bytes = tow_step_bytes(step);
    int code =
        tow_step_reserve(step, is_hex ? 2 * bytes : (bytes + 2 * step->in.length + 2) / 3 * 4, err);
    char *p = step->out->bytes;

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length;
        const char *value = tow_view_bytes(&step->in, row, &length);

        if (tow_view_is_null(&step->in, row))
            p = tow_step_put_null(step, p);
        else
            p = is_hex ? tow_put_hex(p, value, length) : tow_put_base64(p, value, length);
        text_end_row(step, row, p);
    }
    return TOW_OK;
}

int tow_binary_check_utf8(struct tow_step *step, struct tow_error *err)
{
    (void)err;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length;
        const char *value = tow_view_bytes(&step->in, row, &length);

        if (!tow_view_is_null(&step->in, row) && !tow_utf8_valid(value, length))
            tow_step_refuse(step, row, TOW_REFUSAL_SYNTAX);
    }
    return TOW_OK;
}
