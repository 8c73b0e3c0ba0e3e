#include "connectors/lytics/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/lytics/client_priv.h"
#include "towpath/value.h"

#define QUERY_SCAN_LIMIT   ((size_t)128 << 20) /* 100 profiles of 1 MB, as the platform allows */
#define QUERY_METRIC_LIMIT ((size_t)64 << 20)
#define QUERY_METRIC_WAIT  180000 /* ms: it reads from a time-series store */
#define QUERY_NUMBER_MAX   24
#define SCAN_ARGUMENTS     7
#define SCAN_WHAT          "scanning the audience"

static int query_check_rows(const struct tow_lytics_answer *answer, const char *what,
                            struct tow_error *err)
{
    struct tow_json_scan scan;

    return tow_lytics_check_rows(answer, what, &scan, err);
}

static void query_limit(char text[QUERY_NUMBER_MAX], int limit)
{
    snprintf(text, QUERY_NUMBER_MAX, "%d",
             limit > 0 && limit < TOW_LYTICS_PAGE_MAX ? limit : TOW_LYTICS_PAGE_MAX);
}

/* NULL, which leaves an argument out, for "". */
static const char *query_given(const char *text)
{
    return text && *text ? text : NULL;
}

/* ---- members --------------------------------------------------------------------------------- */

/* "a,b,c" with a NUL behind. */
static int query_join(struct tow_buffer *out, const char *const *texts, size_t count,
                      struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = tow_buffer_printf(out, err, "%s%s", i ? "," : "", texts[i]);
    return code == TOW_OK && count > 0 ? tow_buffer_append(out, "", 1, err) : code;
}

static int scan_path(const struct tow_lytics_scan *scan, struct tow_buffer *path,
                     struct tow_error *err)
{
    int code = tow_buffer_printf(path, err, "/api/segment/");

    if (code == TOW_OK)
        code = tow_lytics_put_segment(path, scan->segment, err);
    return code == TOW_OK ? tow_buffer_printf(path, err, "/scan%c", '\0') : code;
}

static int scan_is_stale(int status)
{
    return status == 400 || status == 404 || status == 410;
}

/* The texts of a call for a page. */
struct scan_call {
    struct tow_buffer path, fields;
    char limit[QUERY_NUMBER_MAX];
    struct tow_lytics_argument arguments[SCAN_ARGUMENTS];
    struct tow_lytics_call call;
};

static void scan_call_release(struct scan_call *made)
{
    tow_buffer_release(&made->path);
    tow_buffer_release(&made->fields);
}

/* Release it in any case. */
static int scan_call_init(struct scan_call *made, const struct tow_lytics_scan *scan,
                          struct tow_error *err)
{
    const char *sort = query_given(scan->sort_field);
    int code;

    *made = (struct scan_call){.path = {NULL, 0, 0}};
    query_limit(made->limit, scan->limit);
    code = scan_path(scan, &made->path, err);
    if (code == TOW_OK)
        code = query_join(&made->fields, scan->fields, scan->field_count, err);
    const struct tow_lytics_argument arguments[SCAN_ARGUMENTS] = {
        {"limit", made->limit},
        {"start", query_given(scan->start)},
        {"fields", made->fields.data},
        {"sortfield", sort},
        {"sortorder", sort ? (scan->is_descending ? "desc" : "asc") : NULL},
        {"splits", query_given(scan->splits)},
        {"segments", scan->with_segments ? "true" : NULL}};
    memcpy(made->arguments, arguments, sizeof arguments);
    made->call = (struct tow_lytics_call){.what = SCAN_WHAT,
                                          .path = made->path.data,
                                          .arguments = made->arguments,
                                          .argument_count = SCAN_ARGUMENTS,
                                          .limit = QUERY_SCAN_LIMIT};
    return code;
}

/* What became of a call for a page. */
static int scan_judge(struct tow_lytics_answer *answer, int is_continued, int code,
                      struct tow_error *err)
{
    if (code == TOW_OK)
        code = query_check_rows(answer, SCAN_WHAT, err);
    answer->is_stale = code != TOW_OK && is_continued && scan_is_stale(answer->status);
    if (!answer->is_stale)
        return code;
    if (err)
        err->code = TOW_E_TRANSIENT;
    tow_error_prefix(err, "the page token is no longer taken, and the scan begins anew");
    return TOW_E_TRANSIENT;
}

int tow_lytics_scan_page(struct tow_lytics *lytics, const struct tow_lytics_scan *scan,
                         struct tow_lytics_answer *answer, struct tow_error *err)
{
    struct scan_call made;
    int code = scan_call_init(&made, scan, err);

    if (code == TOW_OK)
        code = tow_lytics_call(lytics, &made.call, answer, err);
    scan_call_release(&made);
    return scan_judge(answer, query_given(scan->start) != NULL, code, err);
}

struct tow_lytics_pending *tow_lytics_scan_start(struct tow_lytics *lytics,
                                                 const struct tow_lytics_scan *scan,
                                                 struct tow_error *err)
{
    struct tow_lytics_pending *pending = NULL;
    struct scan_call made;

    if (scan_call_init(&made, scan, err) == TOW_OK)
        pending = tow_lytics_start(lytics, &made.call, err);
    scan_call_release(&made);
    return pending;
}

int tow_lytics_scan_finish(struct tow_lytics_pending *pending, int is_continued,
                           struct tow_lytics_answer *answer, struct tow_error *err)
{
    return scan_judge(answer, is_continued, tow_lytics_finish(pending, answer, err), err);
}

/* ---- system events --------------------------------------------------------------------------- */

static void query_time(char text[TOW_TIMESTAMP_TEXT_MAX + 1], int64_t us)
{
    *tow_put_timestamp(text, us, 1) = '\0';
}

int tow_lytics_events_page(struct tow_lytics *lytics, const struct tow_lytics_events *events,
                           struct tow_lytics_answer *answer, struct tow_error *err)
{
    char after[TOW_TIMESTAMP_TEXT_MAX + 1], before[TOW_TIMESTAMP_TEXT_MAX + 1];
    char start[QUERY_NUMBER_MAX], limit[QUERY_NUMBER_MAX];
    const struct tow_lytics_argument arguments[] = {{"type", query_given(events->subject_type)},
                                                    {"id", query_given(events->subject_id)},
                                                    {"verb", query_given(events->verb)},
                                                    {"after", after},
                                                    {"before", before},
                                                    {"start", start},
                                                    {"limit", limit}};
    const struct tow_lytics_call call = {.what = "asking for system events",
                                         .path = "/v2/event",
                                         .arguments = arguments,
                                         .argument_count = sizeof arguments / sizeof *arguments};
    int code;

    query_time(after, events->after_us);
    query_time(before, events->before_us);
    snprintf(start, sizeof start, "%" PRId64, events->start);
    query_limit(limit, events->limit);
    code = tow_lytics_call(lytics, &call, answer, err);
    return code == TOW_OK ? query_check_rows(answer, call.what, err) : code;
}

/* ---- metrics --------------------------------------------------------------------------------- */

/* "2h", "15m": what the API's examples look like. */
static int metric_put_interval(struct tow_buffer *out, int64_t ms, struct tow_error *err)
{
    int64_t minutes = ms / 60000;

    if (minutes > 0 && minutes % 1440 == 0)
        return tow_buffer_printf(out, err, "%" PRId64 "d", minutes / 1440);
    if (minutes > 0 && minutes % 60 == 0)
        return tow_buffer_printf(out, err, "%" PRId64 "h", minutes / 60);
    return tow_buffer_printf(out, err, "%" PRId64 "m", minutes);
}

static int metric_put_text(struct tow_buffer *out, const char *member, const char *text,
                           struct tow_error *err)
{
    int code = tow_buffer_printf(out, err, "\"%s\":", member);

    if (code == TOW_OK)
        code = tow_buffer_json_string(out, text, strlen(text), err);
    return code == TOW_OK ? tow_buffer_append(out, ",", 1, err) : code;
}

static int metric_put(struct tow_buffer *out, const struct tow_lytics_metric *metric,
                      struct tow_error *err)
{
    char start[TOW_TIMESTAMP_TEXT_MAX + 1], end[TOW_TIMESTAMP_TEXT_MAX + 1];
    int code = tow_buffer_append(out, "{", 1, err);

    query_time(start, metric->start_us);
    query_time(end, metric->end_us);
    if (code == TOW_OK)
        code = metric_put_text(out, "dimension", metric->dimension, err);
    if (code == TOW_OK)
        code = metric_put_text(out, "dimension_id", metric->dimension_id, err);
    if (code == TOW_OK)
        code = metric_put_text(out, "dimension_type", metric->dimension_type, err);
    if (code == TOW_OK)
        code = metric_put_text(out, "aggregation", metric->aggregation, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(
            out, err, "\"start_date\":\"%s\",\"end_date\":\"%s\",\"interval\":\"", start, end);
    if (code == TOW_OK)
        code = metric_put_interval(out, metric->interval_ms, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(out, err, "\",\"include_empty_rows\":%s,\"refresh_cache\":%s}",
                                 metric->include_empty_rows ? "true" : "false",
                                 metric->refresh_cache ? "true" : "false");
    return code;
}

int tow_lytics_metrics(struct tow_lytics *lytics, const struct tow_lytics_metric *metrics,
                       size_t count, struct tow_lytics_answer *answer, struct tow_error *err)
{
    struct tow_lytics_call call = {.what = "asking for metrics",
                                   .method = "POST",
                                   .path = "/v2/metric",
                                   .limit = QUERY_METRIC_LIMIT,
                                   .timeout_ms = lytics->timeout_ms > QUERY_METRIC_WAIT
                                                     ? lytics->timeout_ms
                                                     : QUERY_METRIC_WAIT};
    struct tow_buffer body = {NULL, 0, 0};
    int code = TOW_OK;

    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        code = tow_buffer_append(&body, i ? "," : "[", 1, err);
        if (code == TOW_OK)
            code = metric_put(&body, &metrics[i], err);
    }
    if (code == TOW_OK)
        code = tow_buffer_append(&body, count ? "]" : "[]", count ? 1 : 2, err);
    if (code == TOW_OK) {
        call.body = body.data;
        call.body_length = (int64_t)body.size;
        code = tow_lytics_call(lytics, &call, answer, err);
    }
    if (code == TOW_OK)
        code = query_check_rows(answer, call.what, err);
    tow_buffer_release(&body);
    return code;
}
