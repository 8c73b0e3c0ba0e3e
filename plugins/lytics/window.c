#include "plugins/lytics/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_GROUP_MAX 64

/* A filling under way. */
struct window_fill {
    struct tow_import_window *window;
    struct tow_import_text *text;
    const struct tow_import_bounds *bounds;
    const struct tow_import_refuser *refuser;
    int is_full;
};

void tow_import_window_release(struct tow_import_window *window)
{
    tow_buffer_release(&window->body);
    free(window->rows);
    *window = (struct tow_import_window){.count = 0};
}

static int window_reserve(struct tow_import_window *window, int64_t rows, struct tow_error *err)
{
    int64_t *grown;

    if (rows <= window->capacity)
        return TOW_OK;
    grown = reallocarray(window->rows, (size_t)rows, sizeof *grown);
    if (!grown)
        return tow_error_nomem(err);
    window->rows = grown;
    window->capacity = rows;
    return TOW_OK;
}

static int window_refuse_large(const struct window_fill *fill, int64_t row, size_t bytes,
                               struct tow_error *err)
{
    const int is_record = bytes > fill->bounds->record;
    char message[200];

    snprintf(message, sizeof message, "the row has %zu bytes of text, %s is %zu", bytes,
             is_record ? "record_max_bytes" : "max_bytes, with what stands around it,",
             is_record ? fill->bounds->record : fill->bounds->most);
    return fill->refuser->refuse(fill->refuser->context, row, "record_too_large", message, err);
}

static int window_refuse_nested(const struct window_fill *fill, int64_t row, int64_t column,
                                struct tow_error *err)
{
    char message[200];

    snprintf(message, sizeof message,
             "column %" PRId64 " holds a nested value, and nested is \"fail\"", column + 1);
    return fill->refuser->refuse(fill->refuser->context, row, "nested_value", message, err);
}

/* What a group that was written makes of the window. A group that is too large is taken back and
 * made smaller, down to the row that is meant. */
static int window_judge(struct window_fill *fill, int64_t row, int64_t count, size_t before,
                        int64_t *used, struct tow_error *err)
{
    struct tow_import_window *window = fill->window;
    const size_t bytes = window->body.size - before;
    /* A line end, or comma, is none of the row's; one byte more may end the body. */
    const int is_large = bytes - 1 > fill->bounds->record;
    const int is_alone = count == 1 && window->count == 0;
    const int is_over =
        window->body.size + 1 > (is_alone ? fill->bounds->most : fill->bounds->body);

    *used = 0;
    if (!is_large && !is_over) {
        for (int64_t i = 0; i < count; i++)
            window->rows[window->count++] = row + i;
        *used = count;
        if (window->group < WINDOW_GROUP_MAX && 2 * bytes <= fill->bounds->record)
            window->group *= 2;
        return TOW_OK;
    }
    window->body.size = before;
    if (count > 1) {
        window->group = count / 2;
        return TOW_OK;
    }
    if (!is_large && window->count > 0) {
        fill->is_full = 1;
        return TOW_OK;
    }
    *used = 1;
    return window_refuse_large(fill, row, bytes - 1, err);
}

static int window_add(struct window_fill *fill, int64_t *row, int64_t end, struct tow_error *err)
{
    struct tow_import_window *window = fill->window;
    const size_t before = window->body.size;
    int64_t count = end - *row < window->group ? end - *row : window->group;
    int64_t used = 1, column = 0;
    int64_t nested = tow_import_text_nested(fill->text, *row, *row + count, &column);
    int code;

    if (nested == *row) {
        code = window_refuse_nested(fill, *row, column, err);
    } else {
        count = nested - *row;
        code = tow_import_text_rows(fill->text, *row, count, &window->body, err);
        if (code == TOW_OK)
            code = window_judge(fill, *row, count, before, &used, err);
    }
    *row += used;
    return code;
}

int tow_import_window_fill(struct tow_import_window *window, struct tow_import_text *text,
                           int64_t *row, int64_t end, const struct tow_import_bounds *bounds,
                           const struct tow_import_refuser *refuser, struct tow_error *err)
{
    struct window_fill fill = {window, text, bounds, refuser, 0};
    int code = window_reserve(window, end - *row, err);

    window->count = 0;
    window->body.size = 0;
    if (window->group < 1)
        window->group = WINDOW_GROUP_MAX;
    if (code == TOW_OK)
        code = tow_import_text_head(text, &window->body, err);
    while (code == TOW_OK && !fill.is_full && *row < end)
        code = window_add(&fill, row, end, err);
    if (code == TOW_OK && window->count > 0)
        tow_import_text_end(text, &window->body);
    return code;
}

int tow_import_body(struct tow_import_text *text, const int64_t *rows, int64_t count,
                    struct tow_buffer *body, struct tow_error *err)
{
    int code;

    body->size = 0;
    code = tow_import_text_head(text, body, err);
    for (int64_t i = 0, next; i < count && code == TOW_OK; i = next) {
        for (next = i + 1; next < count && rows[next] == rows[i] + (next - i);)
            next++;
        code = tow_import_text_rows(text, rows[i], next - i, body, err);
    }
    if (code == TOW_OK)
        tow_import_text_end(text, body);
    return code;
}
