#include <inttypes.h>
#include <string.h>

#include "kit/batch/bits.h"
#include "kit/batch/column.h"
#include "kit/batch/frame.h"

/* The rows to take, in their order. */
struct take_rows {
    const int64_t *rows;
    int64_t count;
};

/* How many rows from place `at` on follow each other in the batch. */
static int64_t take_run(struct take_rows pick, int64_t at)
{
    int64_t end = at + 1;

    while (end < pick.count && pick.rows[end] == pick.rows[end - 1] + 1)
        end++;
    return end - at;
}

static int take_check_rows(struct take_rows pick, int64_t length, struct tow_error *err)
{
    if (pick.count < 0)
        return tow_error_set(err, TOW_E_BUG, "%" PRId64 " rows were asked for", pick.count);
    for (int64_t i = 0; i < pick.count; i++)
        if (pick.rows[i] < 0 || pick.rows[i] >= length)
            return tow_error_set(err, TOW_E_BUG,
                                 "row %" PRId64 " of a batch of %" PRId64 " rows was asked for",
                                 pick.rows[i], length);
    return TOW_OK;
}

/* Gathers bits; returns how many are set. */
static int64_t take_bits(struct take_rows pick, const uint8_t *from, int64_t offset, uint8_t *to)
{
    int64_t ones = 0;

    for (int64_t i = 0; i < pick.count; i++) {
        int bit = tow_bit_get(from, pick.rows[i] + offset);

        tow_bit_append(to, i, bit);
        ones += bit;
    }
    return ones;
}

/* `width` is constant where this is called, so that each copy is one load and one store. */
static inline __attribute__((always_inline)) void take_width(struct take_rows pick,
                                                             const char *from, char *to,
                                                             size_t width)
{
    for (int64_t i = 0; i < pick.count; i++)
        memcpy(to + (size_t)i * width, from + (size_t)pick.rows[i] * width, width);
}

static void take_fixed(struct take_rows pick, const struct tow_view *view, char *to)
{
    size_t width = tow_type_width(view->type.id);
    const char *from = (const char *)view->values + (size_t)view->offset * width;

    switch (width) {
    case 1:
        take_width(pick, from, to, 1);
        break;
    case 2:
        take_width(pick, from, to, 2);
        break;
    case 4:
        take_width(pick, from, to, 4);
        break;
    case 8:
        take_width(pick, from, to, 8);
        break;
    default:
        take_width(pick, from, to, sizeof(struct tow_decimal));
        break;
    }
}

/* Bytes of all rows; with rows listed twice they may be any number. */
static int64_t take_text_size(struct take_rows pick, const struct tow_view *view)
{
    const int32_t *offsets = view->offsets + view->offset;
    int64_t size = 0;

    for (int64_t i = 0; i < pick.count; i++)
        size += offsets[pick.rows[i] + 1] - offsets[pick.rows[i]];
    return size;
}

/* Rows that follow each other are copied at once: most often a few are left out of many. */
static void take_text(struct take_rows pick, const struct tow_view *view, struct tow_column *to)
{
    const int32_t *offsets = view->offsets + view->offset;
    int64_t run;

    for (int64_t i = 0; i < pick.count; i += run) {
        const int32_t *from = offsets + pick.rows[i];
        int32_t shift = to->offsets[i] - from[0];

        run = take_run(pick, i);
        memcpy(to->bytes + to->offsets[i], view->bytes + from[0], (size_t)(from[run] - from[0]));
        for (int64_t j = 1; j <= run; j++)
            to->offsets[i + j] = from[j] + shift;
    }
}

static int take_column(struct take_rows pick, const struct tow_view *view, struct tow_column *to,
                       struct tow_error *err)
{
    int is_bytes = tow_type_is_bytes(view->type.id);
    int64_t text = is_bytes ? take_text_size(pick, view) : 0;
    int code;

    to->type = view->type;
    code = tow_column_grow(to, pick.count, text, err);
    if (code != TOW_OK)
        return code;
    to->length = pick.count;
    if (pick.count == 0)
        return TOW_OK;
    if (view->validity)
        to->null_count = pick.count - take_bits(pick, view->validity, view->offset, to->validity);
    if (is_bytes)
        take_text(pick, view, to);
    else if (view->type.id == TOW_TYPE_BOOL)
        take_bits(pick, view->values, view->offset, to->values);
    else
        take_fixed(pick, view, to->values);
    return TOW_OK;
}

int tow_array_take(const struct ArrowSchema *schema, const struct ArrowArray *array,
                   const int64_t *rows, int64_t count, struct ArrowArray *out,
                   struct tow_error *err)
{
    struct take_rows pick = {rows, count};
    struct tow_frame *frame;
    struct tow_view view;
    int code = take_check_rows(pick, array->length, err);

    out->release = NULL;
    if (code != TOW_OK)
        return code;
    frame = tow_frame_new((size_t)array->n_children);
    if (!frame)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < array->n_children && code == TOW_OK; i++) {
        tow_view_init(&view, schema, array, i);
        code = take_column(pick, &view, tow_frame_column(frame, (size_t)i), err);
        if (code != TOW_OK)
            tow_error_prefix(err, "column \"%s\"", schema->children[i]->name);
    }
    if (code == TOW_OK)
        tow_frame_export(frame, NULL, count, out);
    else
        tow_frame_free(frame);
    return code;
}
