#include "plugins/ttd/window.h"

#include <stdio.h>
#include <stdlib.h>

/* Rows that room is made for at once. */
#define WINDOW_GROUP 64

void tow_ttd_window_release(struct tow_ttd_window *window)
{
    tow_buffer_release(&window->head);
    tow_buffer_release(&window->tail);
    tow_buffer_release(&window->body);
    free(window->rows);
    *window = (struct tow_ttd_window){.count = 0};
}

int tow_ttd_window_init(struct tow_ttd_window *window, int64_t rows, struct tow_error *err)
{
    window->rows = reallocarray(NULL, (size_t)rows, sizeof *window->rows);
    window->capacity = rows;
    return window->rows ? TOW_OK : tow_error_nomem(err);
}

static int window_begin(struct tow_ttd_window *window, struct tow_error *err)
{
    window->count = 0;
    window->body.size = 0;
    return tow_buffer_append(&window->body, window->head.data, window->head.size, err);
}

/* Each item ends with a comma; the last one is where the tail begins. */
static int window_end(struct tow_ttd_window *window, struct tow_error *err)
{
    if (window->count == 0)
        return TOW_OK;
    window->body.size--;
    return tow_buffer_append(&window->body, window->tail.data, window->tail.size, err);
}

/* Bytes of the body if it ended here. */
static size_t window_bytes(const struct tow_ttd_window *window)
{
    return window->body.size - 1 + window->tail.size;
}

static int window_refuse_large(const struct tow_ttd_window *window, int64_t row,
                               const struct tow_ttd_bounds *bounds,
                               const struct tow_ttd_refuser *refuser, struct tow_error *err)
{
    struct tow_ttd_refusal why = {.code = "ItemTooLarge"};

    snprintf(why.message, sizeof why.message,
             "the row alone makes a request of %zu bytes; batch_bytes is %zu", window_bytes(window),
             bounds->item_bytes);
    return refuser->refuse(refuser->context, row, &why, err);
}

/* Adds a row for which there is room. *is_full: it was left out, since the window has enough. */
static int window_add(struct tow_ttd_window *window, const struct tow_ttd_layout *layout,
                      int64_t row, const struct tow_ttd_bounds *bounds,
                      const struct tow_ttd_refuser *refuser, int *is_full, struct tow_error *err)
{
    struct tow_ttd_refusal why;
    const size_t before = window->body.size;
    char *end = tow_ttd_item_put(layout, row, window->body.data + before, &why);

    if (!end)
        return refuser->refuse(refuser->context, row, &why, err);
    window->body.size = (size_t)(end - window->body.data);
    if (window_bytes(window) <= bounds->bytes ||
        (window->count == 0 && window_bytes(window) <= bounds->item_bytes)) {
        window->rows[window->count++] = row;
        return TOW_OK;
    }
    *is_full = window->count > 0;
    int rc = *is_full ? TOW_OK : window_refuse_large(window, row, bounds, refuser, err);
    window->body.size = before;
    return rc;
}

int tow_ttd_window_fill(struct tow_ttd_window *window, const struct tow_ttd_layout *layout,
                        int64_t *row, int64_t end, const struct tow_ttd_bounds *bounds,
                        const struct tow_ttd_refuser *refuser, struct tow_error *err)
{
    int is_full = 0;
    int rc = window_begin(window, err);

    while (!rc && !is_full && *row < end && window->count < bounds->rows) {
        int64_t group = end - *row < WINDOW_GROUP ? end - *row : WINDOW_GROUP;
        size_t room;

        rc = tow_ttd_item_room(layout, *row, group, &room, err);
        if (!rc)
            rc = tow_buffer_reserve(&window->body, room, err);
        for (; !rc && !is_full && group > 0 && window->count < bounds->rows; group--) {
            rc = window_add(window, layout, *row, bounds, refuser, &is_full, err);
            *row += !is_full;
        }
    }
    return rc ? rc : window_end(window, err);
}
