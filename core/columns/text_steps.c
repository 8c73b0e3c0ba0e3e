#include <string.h>

#include "columns/columns_priv.h"

static inline int text_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *tow_text_trim(const char *text, size_t *length)
{
    const char *end = text + *length;

    while (text < end && text_is_space(*text))
        text++;
    while (end > text && text_is_space(end[-1]))
        end--;
    *length = (size_t)(end - text);
    return text;
}

/* ---- null_if -------------------------------------------------------------------------------- */

static int text_means_null(const struct tow_column_spec *spec, const char *text, size_t length)
{
    for (size_t i = 0; i < spec->null_if_count; i++)
        if (strlen(spec->null_if[i]) == length && memcmp(spec->null_if[i], text, length) == 0)
            return 1;
    return 0;
}

/* Most values are longer than any text that means null: those need no comparison. */
static size_t text_longest_null(const struct tow_column_spec *spec)
{
    size_t longest = 0;

    for (size_t i = 0; i < spec->null_if_count; i++)
        if (strlen(spec->null_if[i]) > longest)
            longest = strlen(spec->null_if[i]);
    return longest;
}

int64_t tow_null_if(const struct tow_step *step, uint8_t *validity)
{
    const struct tow_view *in = &step->in;
    int is_bytes = tow_type_is_bytes(in->type.id);
    size_t longest = text_longest_null(step->spec);
    char room[TOW_VALUE_TEXT_MAX];
    int64_t found = 0;

    for (int64_t row = 0; row < in->length; row++) {
        int64_t bit = row + in->offset;
        const char *text;
        size_t length;

        if (tow_view_is_null(in, row))
            continue;
        text = is_bytes ? tow_view_bytes(in, row, &length) : tow_value_text(in, row, room, &length);
        if (step->spec->trim)
            text = tow_text_trim(text, &length);
        if (length > longest || !text_means_null(step->spec, text, length))
            continue;
        validity[bit >> 3] &= (uint8_t) ~(1u << (bit & 7));
        found++;
    }
    return found;
}

/* ---- trim and lower ------------------------------------------------------------------------- */

/* A to Z only: bytes of letters beyond ASCII stay as they are. */
static char *text_put_lower(char *p, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        p[i] = (char)(c | ((unsigned char)(c - 'A') < 26) << 5);
    }
    return p + length;
}

int tow_trim_and_lower(struct tow_step *step, struct tow_error *err)
{
    int trim = step->spec->trim, lower = step->spec->lower;
    int code = tow_step_reserve(step, tow_step_bytes(step), err);
    char *p = step->out->bytes;

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length;
        const char *text = tow_view_bytes(&step->in, row, &length);

        if (trim)
            text = tow_text_trim(text, &length);
        if (tow_view_is_null(&step->in, row))
            p = tow_step_put_null(step, p);
        else
            p = lower ? text_put_lower(p, text, length) : mempcpy(p, text, length);
        step->out->offsets[row + 1] = (int32_t)(p - step->out->bytes);
    }
    return TOW_OK;
}
