/*
 * The body of one request: as many rows as fit into it, and which they are.
 */
#ifndef PLUGINS_TTD_WINDOW_H
#define PLUGINS_TTD_WINDOW_H

#include "plugins/ttd/item.h"

struct tow_ttd_window {
    struct tow_buffer head, tail; /* around the items; set once */
    struct tow_buffer body;
    int64_t *rows; /* row of each item */
    int64_t count, capacity;
};

/* A row that is not sent: settles it. Anything but TOW_OK ends the filling. */
struct tow_ttd_refuser {
    int (*refuse)(void *context, int64_t row, const struct tow_ttd_refusal *why,
                  struct tow_error *err);
    void *context;
};

void tow_ttd_window_release(struct tow_ttd_window *window);
/* Makes room for `rows` items. */
int tow_ttd_window_init(struct tow_ttd_window *window, int64_t rows, struct tow_error *err);

/* What a body may be. */
struct tow_ttd_bounds {
    int64_t rows;      /* at most the window's */
    size_t bytes;      /* a single item may go beyond it, up to item_bytes ... */
    size_t item_bytes; /* ... and is refused beyond that */
};

/*
 * Makes a body of rows from *row on of the layout's batch, up to `end`, and moves *row behind the
 * last one that was used. Rows that can be no item are refused and skipped. A window without items
 * is what is left where all were.
 */
int tow_ttd_window_fill(struct tow_ttd_window *window, const struct tow_ttd_layout *layout,
                        int64_t *row, int64_t end, const struct tow_ttd_bounds *bounds,
                        const struct tow_ttd_refuser *refuser, struct tow_error *err);

#endif
