#include "plugins/lytics_system_events/window.h"

#include <inttypes.h>
#include <stdlib.h>

#include "plugins/lytics_system_events/seen.h"
#include "towpath/value.h"

#define WINDOW_MARGIN_US 1000 /* asked for on both sides */
#define WINDOW_TRIES     3
#define WINDOW_MOVED     2 /* beside TOW_OK and TOW_END */

void tow_window_release(struct tow_window *window)
{
    tow_buffer_release(&window->text);
    tow_buffer_release(&window->scratch);
    tow_lytics_answer_release(&window->answer);
    free(window->events);
    *window = (struct tow_window){.count = 0};
}

/* ---- events ---------------------------------------------------------------------------------- */

/* A member's text in the scratch. One that is no text of Unicode (a lone surrogate) is as good as
 * none. */
static int window_text(struct tow_window *window, struct tow_json_part object, const char *name,
                       struct tow_error *err)
{
    int code = tow_lytics_text(&window->scratch, tow_lytics_member(object, name), err);

    if (code == TOW_E_DATA)
        window->scratch.size = 0;
    return code == TOW_E_DATA ? TOW_OK : code;
}

/* Time and id, which decide whether it is due. */
static int window_look(struct tow_window *window, struct tow_json_part object,
                       struct tow_window_event *event, struct tow_error *err)
{
    int zone, code = window_text(window, object, "timestamp", err);

    *event = (struct tow_window_event){.problem = NULL};
    if (code != TOW_OK)
        return code;
    if (tow_parse_timestamp(window->scratch.data, window->scratch.size, &event->at_us, &zone) !=
        TOW_PARSE_OK) {
        event->problem = "its timestamp is missing, or no date-time";
        event->is_timeless = 1;
    }
    code = window_text(window, object, "id", err);
    if (code != TOW_OK)
        return code;
    if (window->scratch.size == 0 && !event->problem)
        event->problem = "its id is missing";
    event->hash = window->scratch.size > 0
                      ? tow_seen_hash(window->scratch.data, window->scratch.size)
                      : tow_seen_hash(object.text, object.length);
    return TOW_OK;
}

static int window_add(struct tow_window *window, struct tow_json_part object,
                      struct tow_window_event event, struct tow_error *err)
{
    int code;

    if (window->count == window->capacity) {
        size_t capacity = window->capacity ? 2 * window->capacity : 256;
        struct tow_window_event *events =
            reallocarray(window->events, capacity, sizeof *window->events);

        if (!events)
            return tow_error_nomem(err);
        window->events = events;
        window->capacity = capacity;
    }
    event.offset = window->text.size;
    event.length = object.length;
    code = tow_buffer_append(&window->text, object.text, object.length, err);
    if (code == TOW_OK)
        window->events[window->count++] = event;
    return code;
}

/* ---- pages ----------------------------------------------------------------------------------- */

struct window_page {
    int64_t from_us, to_us;
    int64_t rows;
    uint64_t last;  /* hash of the last row */
    int has_before; /* the last row of the page before is in it, ... */
    int is_linked;  /* ... as it should be */
};

/* Takes what the answer has. `before` is the hash of the row that it should begin with. */
static int window_take(struct tow_window *window, struct window_page *page, uint64_t before,
                       struct tow_error *err)
{
    struct tow_window_event event;
    struct tow_json_scan scan;
    struct tow_json_part item;
    int code = TOW_OK;

    page->rows = 0;
    page->has_before = 0;
    if (window->answer.data.length == 0 || !tow_json_scan_array(&scan, window->answer.data))
        return TOW_OK;
    while (code == TOW_OK && tow_json_scan_item(&scan, &item)) {
        code = window_look(window, item, &event, err);
        page->rows++;
        page->last = event.hash;
        page->has_before |= event.hash == before;
        if (event.is_timeless)
            event.at_us = page->from_us; /* nobody knows where else it belongs */
        if (code == TOW_OK && event.at_us >= page->from_us && event.at_us < page->to_us)
            code = window_add(window, item, event, err);
    }
    return code;
}

/* A page that is short is not the last one for sure: the API may hand out fewer than were asked
 * for. One that brings nothing new is, and one that says so. */
static int window_is_last(const struct tow_window *window, const struct window_page *page)
{
    const struct tow_json_part more = tow_lytics_member(window->answer.meta, "has_more");

    return tow_json_part_is(more, "false") || page->rows == page->is_linked;
}

/* Whether there is room for what is behind the page. */
static int window_check_depth(const struct window_page *page, int64_t depth, struct tow_error *err)
{
    if (depth > TOW_WINDOW_DEEP && page->to_us - page->from_us > TOW_WINDOW_LEAST_US)
        return TOW_END;
    if (depth <= TOW_WINDOW_ROWS_MAX)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "more than %d system events within a second; at most so many are held at "
                         "once",
                         TOW_WINDOW_ROWS_MAX);
}

/* All pages; WINDOW_MOVED where the rows did. A page begins with the last row of the one before,
 * unless that was its only one, since then there would be no step. */
static int window_pages(struct tow_window *window, struct tow_lytics *lytics,
                        struct tow_lytics_events *asked, struct window_page *page,
                        struct tow_error *err)
{
    uint64_t before = 0;
    int code = TOW_OK;

    window->text.size = window->count = 0;
    page->is_linked = 0;
    for (asked->start = 0; code == TOW_OK;) {
        code = tow_lytics_events_page(lytics, asked, &window->answer, err);
        if (code == TOW_OK)
            code = window_take(window, page, before, err);
        if (code != TOW_OK)
            return code;
        if (page->is_linked && !page->has_before)
            return WINDOW_MOVED;
        if (window_is_last(window, page))
            return TOW_OK;
        before = page->last;
        page->is_linked = page->rows > 1;
        asked->start += page->rows - page->is_linked;
        code = window_check_depth(page, asked->start, err);
    }
    return code;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int window_compare(const void *left, const void *right)
{
    const struct tow_window_event *a = left, *b = right;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return a->hash == b->hash ? 0 : a->hash < b->hash ? -1 : 1;
}

/* By time; the same event from two pages is one. */
static void window_sort(struct tow_window *window)
{
    size_t kept = 0;

    if (window->count > 1)
        qsort(window->events, window->count, sizeof *window->events, window_compare);
    for (size_t i = 0; i < window->count; i++)
        if (i == 0 || window_compare(&window->events[i], &window->events[kept - 1]) != 0)
            window->events[kept++] = window->events[i];
    window->count = kept;
}

int tow_window_read(struct tow_window *window, struct tow_lytics *lytics,
                    const struct tow_lytics_events *asked, int64_t from_us, int64_t to_us,
                    struct tow_error *err)
{
    struct tow_lytics_events query = *asked;
    struct window_page page = {.from_us = from_us, .to_us = to_us};
    int code = WINDOW_MOVED;

    query.after_us = from_us - WINDOW_MARGIN_US;
    query.before_us = to_us + WINDOW_MARGIN_US;
    for (int i = 0; i < WINDOW_TRIES && code == WINDOW_MOVED; i++)
        code = window_pages(window, lytics, &query, &page, err);
    if (code == WINDOW_MOVED)
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "system events have moved from page to page %d times while they were "
                             "read, last behind row %" PRId64,
                             WINDOW_TRIES, query.start);
    if (code == TOW_OK)
        window_sort(window);
    return code;
}
