/* The options of the source `lytics_system_events`. */
#ifndef PLUGINS_LYTICS_SYSTEM_EVENTS_OPTIONS_H
#define PLUGINS_LYTICS_SYSTEM_EVENTS_OPTIONS_H

#include "connectors/lytics/query.h"
#include "plugins/shared/lytics_options.h"

struct tow_event_options {
    struct tow_lytics_options lytics;
    const char *start_date, *end_date;
    const char *subject_type, *subject_id, *verb;
    int64_t page_limit;
    int64_t window_ms, overlap_ms;
    int32_t include_context;
};

#define TOW_EVENT_LOOKBACK_US INT64_C(2592000000000) /* 30 days, where there is no start_date */

#define TOW_EVENT_TYPES "work|auth|segment|entity|account|user|report"

/* `o` is a struct tow_event_options in the instance. */
#define TOW_EVENT_OPTIONS(instance, o)                                                             \
    TOW_LYTICS_OPTIONS(instance, o.lytics),                                                        \
        TOW_OPT_STRING("start_date", instance, o.start_date, NULL,                                 \
                       "events on or after it, \"2020-01-01\" or with a time, in UTC; the last "   \
                       "30 days unless set"),                                                      \
        TOW_OPT_STRING("end_date", instance, o.end_date, NULL,                                     \
                       "events strictly before it; up to now unless set"),                         \
        TOW_OPT_STRING("subject_type", instance, o.subject_type, NULL,                             \
                       "events about this alone: work, auth, segment, entity, account, user or "   \
                       "report"),                                                                  \
        TOW_OPT_STRING("subject_id", instance, o.subject_id, NULL,                                 \
                       "and with this id; needs subject_type"),                                    \
        TOW_OPT_STRING("verb", instance, o.verb, NULL,                                             \
                       "events with this verb alone: created, updated, deleted or status"),        \
        TOW_OPT_INT("page_limit", instance, o.page_limit, "100", 2, TOW_LYTICS_PAGE_MAX,           \
                    "events of a page"),                                                           \
        TOW_OPT_DURATION("window", instance, o.window_ms, "6h", 1000, INT64_C(2678400000),         \
                         "stretch of time that is asked for at once; halved while it has more "    \
                         "than 1000 events"),                                                      \
        TOW_OPT_DURATION("overlap", instance, o.overlap_ms, "15m", 0, INT64_C(43200000),           \
                         "the end of what the last load read is read again, for events that come " \
                         "late; none comes twice"),                                                \
        TOW_OPT_BOOL("include_context", instance, o.include_context, "false",                      \
                     "a tenth column: what else the API says of an event, as JSON")

/* What the dates say, in microseconds since 1970; a date that is not set is 0. TOW_E_CONFIG where
 * options cannot be, or do not go together. */
int tow_event_options_read(const struct tow_event_options *options, int64_t *start_us,
                           int64_t *end_us, struct tow_error *err);

#endif
