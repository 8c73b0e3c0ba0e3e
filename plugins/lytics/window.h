/* The body of one upload: as many rows as fit into it, and which they are. */
#ifndef PLUGINS_LYTICS_WINDOW_H
#define PLUGINS_LYTICS_WINDOW_H

#include "plugins/lytics/text.h"

struct tow_import_window {
    struct tow_buffer body;
    int64_t *rows; /* of the batch, in their order */
    int64_t count, capacity;
    int64_t group; /* rows that are written at once */
};

void tow_import_window_release(struct tow_import_window *window);

/* What a body may be, in bytes before it is compressed. */
struct tow_import_bounds {
    size_t body;   /* a row alone may go beyond it, ... */
    size_t most;   /* ... up to this */
    size_t record; /* a row's text */
};

/* A row that is not sent: settles it. Anything but TOW_OK ends the filling. */
struct tow_import_refuser {
    int (*refuse)(void *context, int64_t row, const char *code, const char *message,
                  struct tow_error *err);
    void *context;
};

/*
 * Makes a body of rows from *row on of the text's batch, up to `end`, and moves *row behind the
 * last one that was used. Rows that cannot go are refused and skipped ("record_too_large",
 * "nested_value"). A window without rows is what is left where all were.
 */
int tow_import_window_fill(struct tow_import_window *window, struct tow_import_text *text,
                           int64_t *row, int64_t end, const struct tow_import_bounds *bounds,
                           const struct tow_import_refuser *refuser, struct tow_error *err);

/* The body of some rows of a batch, one at least. */
int tow_import_body(struct tow_import_text *text, const int64_t *rows, int64_t count,
                    struct tow_buffer *body, struct tow_error *err);

#endif
