/*
 * The events of a stretch of time, from all pages that the API has of it.
 *
 * Pages are counted by rows, in an order that the API does not promise, and rows may turn up while
 * they are read. So each page begins with the last row of the one before: where that is no longer
 * in it, the window is read again. Bounds are the window's own, to the microsecond: what the API
 * does at its bounds is all the same, since it is asked for a little more.
 */
#ifndef PLUGINS_LYTICS_SYSTEM_EVENTS_WINDOW_H
#define PLUGINS_LYTICS_SYSTEM_EVENTS_WINDOW_H

#include "connectors/lytics/query.h"

#define TOW_WINDOW_DEEP     1000    /* rows beyond which a window is too long ... */
#define TOW_WINDOW_LEAST_US 1000000 /* ... unless it is as short as this */
#define TOW_WINDOW_ROWS_MAX 65536   /* of the shortest */

struct tow_window_event {
    int64_t at_us;
    uint64_t hash;         /* of the id */
    size_t offset, length; /* of the object in the window's text */
    const char *problem;   /* why it is none; NULL: it is one */
    int is_timeless;       /* 1: nobody knows when it was, and at_us is where the window begins */
};

/* Zero-initialized is empty and valid; used again. */
struct tow_window {
    struct tow_buffer text;
    struct tow_window_event *events; /* by time, each once */
    size_t count, capacity;
    struct tow_lytics_answer answer;
    struct tow_buffer scratch;
};

void tow_window_release(struct tow_window *window);

/*
 * Reads [from_us, to_us), of which to_us is a whole second. `asked` says the rest: filters and
 * limit. TOW_END: it has more than TOW_WINDOW_DEEP rows and could be shorter. TOW_E_TRANSIENT where
 * its rows will not stand still; TOW_E_ENV where the shortest has too many.
 */
int tow_window_read(struct tow_window *window, struct tow_lytics *lytics,
                    const struct tow_lytics_events *asked, int64_t from_us, int64_t to_us,
                    struct tow_error *err);

static inline struct tow_json_part tow_window_part(const struct tow_window *window,
                                                   const struct tow_window_event *event)
{
    return (struct tow_json_part){window->text.data + event->offset, event->length};
}

#endif
