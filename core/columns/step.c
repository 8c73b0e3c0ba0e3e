#include <string.h>

#include "columns/columns_priv.h"

int tow_step_reserve(struct tow_step *step, int64_t bytes, struct tow_error *err)
{
    int64_t filled = 0;

    if (step->fill->present && tow_type_is_bytes(step->out->type.id) &&
        (__builtin_mul_overflow((int64_t)step->fill->length, step->null_count, &filled) ||
         __builtin_add_overflow(bytes, filled, &bytes)))
        bytes = INT64_MAX;
    return tow_column_reserve(step->out, step->in.length, bytes, err);
}

char *tow_step_put_null(const struct tow_step *step, char *p)
{
    return step->fill->present ? mempcpy(p, step->fill->bytes, step->fill->length) : p;
}

int64_t tow_step_bytes(const struct tow_step *step)
{
    const int32_t *offsets = step->in.offsets + step->in.offset;

    return (int64_t)offsets[step->in.length] - offsets[0];
}

void tow_copy_bits(uint8_t *to, const uint8_t *from, int64_t first, int64_t count)
{
    int shift = (int)(first & 7);
    int64_t to_size = (count + 7) / 8, from_size = (shift + count + 7) / 8;

    if (count == 0)
        return;
    from += first >> 3;
    for (int64_t i = 0; i + 1 < from_size && i < to_size; i++)
        to[i] = (uint8_t)((from[i] | from[i + 1] << 8) >> shift);
    if (from_size == to_size)
        to[to_size - 1] = (uint8_t)(from[to_size - 1] >> shift);
}

/* What null rows had is left behind. */
static int copy_bytes(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, tow_step_bytes(step), err);
    char *p = step->out->bytes;

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length;
        const char *value = tow_view_bytes(&step->in, row, &length);

        if (tow_view_is_null(&step->in, row))
            p = tow_step_put_null(step, p);
        else
            p = mempcpy(p, value, length);
        step->out->offsets[row + 1] = (int32_t)(p - step->out->bytes);
    }
    return TOW_OK;
}

int tow_copy_column(struct tow_step *step, struct tow_error *err)
{
    const struct tow_view *in = &step->in;
    size_t width = tow_type_width(in->type.id);
    int code;

    if (tow_type_is_bytes(in->type.id))
        return copy_bytes(step, err);
    code = tow_step_reserve(step, 0, err);
    if (code != TOW_OK || in->length == 0)
        return code;
    if (width > 0)
        memcpy(step->out->values, (const char *)in->values + (size_t)in->offset * width,
               (size_t)in->length * width);
    else
        tow_copy_bits(step->out->values, in->values, in->offset, in->length);
    return TOW_OK;
}
