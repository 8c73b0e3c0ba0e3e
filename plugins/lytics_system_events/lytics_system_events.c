/*
 * System events of a Lytics account, by time.
 *
 * Time is walked over in windows, whose events go out in the order of time, so that the place where
 * a run stands is a moment, and where several have the same, an id. A load ends at the moment when
 * it began (or at end_date), and the next one begins there, a little earlier: events that turned up
 * late are told from those that were handed out by their ids.
 */
#include <string.h>

#include "plugins/lytics_system_events/options.h"
#include "plugins/lytics_system_events/position.h"
#include "plugins/lytics_system_events/row.h"
#include "plugins/lytics_system_events/window.h"
#include "plugins/shared/lytics_aid.h"
#include "plugins/shared/lytics_reject.h"
#include "towpath/batch.h"
#include "towpath/clock.h"

#define SOURCE_SECOND_US INT64_C(1000000)
#define SOURCE_PAUSE_MS  1000 /* after which a batch is handed out, however few rows it has */

struct system_events {
    struct tow_event_options options;
    const struct tow_host *host;
    struct tow_lytics *lytics;
    struct tow_lytics_events asked;
    size_t columns;
    int64_t window_us; /* length of the next one */
    struct tow_event_position at;
    struct tow_window window;
    int64_t window_end_us; /* of the window under way; 0: there is none */
    size_t event;          /* the next of its events */
    struct tow_builder *builder;
    struct tow_seen timeless; /* damaged events, which windows cannot tell apart */
    int64_t counted;          /* events that were due since open */
    int is_owed;              /* something has happened since the last batch */
};

static const struct tow_option system_events_options[] = {
    TOW_EVENT_OPTIONS(struct system_events, options),
    TOW_OPTIONS_END,
};

/* ---- getting ready --------------------------------------------------------------------------- */

static int32_t source_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct system_events *source = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&source->options.lytics, -1);
    int64_t start, end;
    int code = tow_lytics_check(&settings, err);

    (void)host;
    return code == TOW_OK ? tow_event_options_read(&source->options, &start, &end, err) : code;
}

/* Begins a load behind the one before, if there was one. */
static void source_begin_load(struct system_events *source, int has_before, int64_t start,
                              int64_t end)
{
    struct tow_event_position *at = &source->at;
    const int64_t now = source->host->now_us(source->host);
    const int64_t overlap = source->options.overlap_ms * 1000;

    if (end == 0 || end > now) /* what is yet to happen is the next load's */
        end = now - now % SOURCE_SECOND_US;
    if (has_before && end < at->next_us)
        return; /* an earlier end_date than before, or the clock was set back: nothing is due */
    if (has_before) {
        at->past = at->fresh;
        if (at->fresh.from_us < at->next_us)
            at->next_us = at->fresh.from_us;
        if (at->next_us < start)
            at->next_us = start;
    } else {
        at->next_us = start ? start : end - TOW_EVENT_LOOKBACK_US;
        tow_seen_init(&at->past, at->next_us);
    }
    at->next_hash = 0;
    at->end_us = end;
    tow_seen_init(&at->fresh, end - overlap > at->next_us ? end - overlap : at->next_us);
}

static int source_place(struct system_events *source, const struct tow_position *from,
                        struct tow_error *err)
{
    int64_t start, end;
    int code = tow_event_options_read(&source->options, &start, &end, err);

    if (code == TOW_OK && from->length > 0)
        code = tow_event_position_read(&source->at, from, err);
    if (code == TOW_OK && source->at.end_us == 0)
        source_begin_load(source, from->length > 0, start, end);
    return code;
}

/* The API has the last word. */
static void source_warn(const struct system_events *source)
{
    const char *type = source->options.subject_type;

    if (type && *type && !tow_lytics_is_listed(TOW_EVENT_TYPES, type))
        tow_log(source->host, TOW_LOG_WARN,
                "subject_type is \"%.100s\"; what is known of is " TOW_EVENT_TYPES, type);
}

static int32_t source_open(void *self, const struct tow_host *host, const struct tow_position *from,
                           struct tow_error *err)
{
    struct system_events *source = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&source->options.lytics, host->cancel_fd(host));
    int code = tow_lytics_check(&settings, err);

    source->host = host;
    tow_seen_init(&source->timeless, 0);
    source_warn(source);
    source->window_us = source->options.window_ms * 1000;
    source->columns = TOW_EVENT_COLUMNS - !source->options.include_context;
    source->asked = (struct tow_lytics_events){.subject_type = source->options.subject_type,
                                               .subject_id = source->options.subject_id,
                                               .verb = source->options.verb,
                                               .limit = (int)source->options.page_limit};
    if (code == TOW_OK)
        code = source_place(source, from, err);
    if (code != TOW_OK)
        return code;
    source->builder = tow_builder_new(tow_event_fields, source->columns, err);
    if (source->builder)
        source->lytics = tow_lytics_new(&settings, err);
    return source->lytics ? TOW_OK : err->code;
}

static int32_t source_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    const struct system_events *source = self;

    return tow_schema_make(out, tow_event_fields, source->columns, err);
}

/* ---- windows --------------------------------------------------------------------------------- */

static int source_reject(struct system_events *source, const struct tow_window_event *event,
                         const char *problem, struct tow_error *err)
{
    static const struct tow_lytics_reject kind = {"bad_event", "/v2/event", "no system event"};

    return tow_lytics_reject(source->host, &kind, tow_window_part(&source->window, event), problem,
                             err);
}

/* As a row, or where it cannot be one, a reject. */
static int source_put(struct system_events *source, const struct tow_window_event *event,
                      struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    int code;

    source->counted++;
    if (event->problem)
        return source_reject(source, event, event->problem, err);
    code =
        tow_event_append(source->builder, source->columns, tow_window_part(&source->window, event),
                         event->at_us, &source->window.scratch, &said);
    if (code == TOW_OK)
        return TOW_OK;
    return code == TOW_E_DATA ? source_reject(source, event, said.message, err)
                              : tow_error_set(err, code, "%s", said.message);
}

static int source_is_full(const struct system_events *source)
{
    return tow_builder_full(source->builder, source->host->batch_rows, source->host->batch_bytes);
}

/* Hands out an event, unless the load before did, or without a time another window. */
static int source_take(struct system_events *source, const struct tow_window_event *event,
                       struct tow_error *err)
{
    int is_known =
        tow_seen_has(event->is_timeless ? &source->timeless : &source->at.past, event->hash);
    int code = is_known ? TOW_OK : source_put(source, event, err);

    if (code == TOW_OK && !event->is_timeless)
        tow_seen_add(&source->at.fresh, event->at_us, event->hash);
    else if (code == TOW_OK && !is_known)
        tow_seen_add(&source->timeless, 0, event->hash);
    return code;
}

/* Reads the next window; where it is too long, a shorter one is due. */
static int source_look(struct system_events *source, struct tow_error *err)
{
    const int64_t from = source->at.next_us;
    int64_t to = from + source->window_us;
    int code;

    to -= to % SOURCE_SECOND_US;
    if (to <= from)
        to = from - from % SOURCE_SECOND_US + SOURCE_SECOND_US;
    if (to > source->at.end_us)
        to = source->at.end_us;
    code = tow_window_read(&source->window, source->lytics, &source->asked, from, to, err);
    if (code == TOW_END) {
        source->window_us = (to - from) / 2;
        return TOW_OK;
    }
    if (code != TOW_OK)
        return code;
    source->window_end_us = to;
    source->event = 0;
    if (source->window.count < TOW_WINDOW_DEEP / 4 &&
        source->window_us < source->options.window_ms * 1000)
        source->window_us *= 2;
    return TOW_OK;
}

/* Behind the event: the next one there can be, by time and hash. */
static void source_pass(struct system_events *source, const struct tow_window_event *event)
{
    source->at.next_us = event->hash == UINT64_MAX ? event->at_us + 1 : event->at_us;
    source->at.next_hash = event->hash + 1;
    source->is_owed = 1;
}

/* Hands out what the window has, until the batch is full or the window is over. */
static int source_step(struct system_events *source, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK && source->event < source->window.count && !source_is_full(source)) {
        const struct tow_window_event *event = &source->window.events[source->event++];

        if (event->at_us == source->at.next_us && event->hash < source->at.next_hash)
            continue; /* before the place where a load goes on */
        code = source_take(source, event, err);
        if (code == TOW_OK)
            source_pass(source, event);
    }
    if (code != TOW_OK || source->event < source->window.count)
        return code;
    source->at.next_us = source->window_end_us;
    source->at.next_hash = 0;
    source->window_end_us = 0;
    source->is_owed = 1;
    return TOW_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int source_hand_out(struct system_events *source, struct tow_batch *out,
                           struct tow_error *err)
{
    int code = tow_builder_finish(source->builder, &out->array, err);

    if (code != TOW_OK)
        return code;
    tow_event_position_write(&source->at, &out->position);
    source->is_owed = 0;
    return TOW_OK;
}

static int source_go_on(struct system_events *source, struct tow_error *err)
{
    if (source->host->cancelled(source->host))
        return tow_error_set(err, TOW_E_CANCELLED, "interrupted");
    return source->window_end_us ? source_step(source, err) : source_look(source, err);
}

static int32_t source_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct system_events *source = self;
    const int64_t due = tow_monotonic_ms() + SOURCE_PAUSE_MS;
    int code = TOW_OK;

    while (code == TOW_OK && source->at.next_us < source->at.end_us && !source_is_full(source) &&
           tow_monotonic_ms() < due)
        code = source_go_on(source, err);
    if (code != TOW_OK)
        return code;
    out->flags = TOW_BATCH_COUNTED;
    out->counted = source->counted;
    if (source->is_owed || source->at.next_us < source->at.end_us)
        return source_hand_out(source, out, err);
    source->at.end_us = 0;
    tow_event_position_write(&source->at, &out->position);
    return TOW_END;
}

static void source_close(void *self)
{
    struct system_events *source = self;

    tow_window_release(&source->window);
    tow_builder_free(source->builder);
    tow_lytics_free(source->lytics);
}

/* ---- names ----------------------------------------------------------------------------------- */

static int32_t source_name(void *self, const char *name, tow_text_put *put, void *context,
                           struct tow_error *err)
{
    (void)name;
    return tow_lytics_put_aid(((struct system_events *)self)->lytics, put, context, err);
}

TOW_SOURCE_PLUGIN(lytics_system_events, "1.0", "system events of a Lytics account",
                  struct system_events, system_events_options,
                  TOW_SOURCE_OFFLINE | TOW_SOURCE_REMOTE, .check = source_check,
                  .open = source_open, .schema = source_schema, .read = source_read,
                  .close = source_close, .names = "aid", .name = source_name)
