/* The calls that bring rows: members of an audience, system events, metrics. Each leaves an array
 * in answer->data, or nothing where there are no rows. */
#ifndef CONNECTORS_LYTICS_QUERY_H
#define CONNECTORS_LYTICS_QUERY_H

#include "connectors/lytics/client.h"

#define TOW_LYTICS_PAGE_MAX 100 /* rows of a page, of members and of system events */

/* ---- members of an audience ------------------------------------------------------------------ */

struct tow_lytics_scan {
    const char *segment;       /* id or slug */
    int limit;                 /* 1 to TOW_LYTICS_PAGE_MAX; 0: that */
    const char *start;         /* `next` of the page before; NULL or "": the first page */
    const char *const *fields; /* of profiles; none: all */
    size_t field_count;
    const char *sort_field; /* NULL: none */
    int is_descending;      /* with sort_field */
    const char *splits;     /* "0,1,2" of 0 to 99: these parts of the audience alone; NULL: all */
    int with_segments;      /* 1: profiles say in "segments" which audiences they are in */
};
/*
 * A page: flat objects, one a profile, of 128 MiB at most. answer->next leads to the next one; it
 * does not last. Where it is refused (400, 404, 410) is_stale is 1 and the result TOW_E_TRANSIENT:
 * the scan can only begin anew, without `start`.
 */
int tow_lytics_scan_page(struct tow_lytics *lytics, const struct tow_lytics_scan *scan,
                         struct tow_lytics_answer *answer, struct tow_error *err);

/* The same beside others (client.h); is_continued: the scan had a `start`. */
struct tow_lytics_pending *tow_lytics_scan_start(struct tow_lytics *lytics,
                                                 const struct tow_lytics_scan *scan,
                                                 struct tow_error *err);
int tow_lytics_scan_finish(struct tow_lytics_pending *pending, int is_continued,
                           struct tow_lytics_answer *answer, struct tow_error *err);

/* ---- system events --------------------------------------------------------------------------- */

struct tow_lytics_events {
    const char *subject_type; /* NULL or "": any; and so below */
    const char *subject_id;
    const char *verb;
    int64_t after_us, before_us; /* microseconds since 1970 UTC. Whether a bound is in or out, the
                                    API does not say */
    int64_t start;               /* rows to leave out from the front */
    int limit;                   /* as that of a scan */
};
/* A page: objects with id, aid, user_id, subject_type, subject_id, verb, notes, related, context
 * and timestamp (RFC 3339). The order is the API's own. */
int tow_lytics_events_page(struct tow_lytics *lytics, const struct tow_lytics_events *events,
                           struct tow_lytics_answer *answer, struct tow_error *err);

/* ---- metrics --------------------------------------------------------------------------------- */

struct tow_lytics_metric {
    const char *dimension, *dimension_id, *dimension_type;
    const char *aggregation;  /* "sum", "max", "min", "diff", "first", "smooth" */
    int64_t start_us, end_us; /* microseconds since 1970 UTC */
    int64_t interval_ms;      /* of a bucket: whole minutes */
    int include_empty_rows;
    int refresh_cache;
};
/* Answers to all of them in one exchange, of 64 MiB at most: objects that repeat the request, with
 * "values": [{"ts": "<milliseconds>", "value"}] and "errors". */
int tow_lytics_metrics(struct tow_lytics *lytics, const struct tow_lytics_metric *metrics,
                       size_t count, struct tow_lytics_answer *answer, struct tow_error *err);

#endif
