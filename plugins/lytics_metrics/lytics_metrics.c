/*
 * Metrics of a Lytics account, in buckets of time.
 *
 * Each id of a metric is a series, whose buckets go out in order; with each batch goes a mark into
 * the ledger that says how far its series is, so that a load that broke off goes on where it was,
 * and the next one from where this one ended. When a load began, and where its buckets end, is in
 * the position, and stays so when it is gone on with.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/lytics/query.h"
#include "plugins/lytics_metrics/mark.h"
#include "plugins/lytics_metrics/options.h"
#include "plugins/lytics_metrics/points.h"
#include "plugins/lytics_metrics/series.h"
#include "towpath/batch.h"

#define METRICS_BUCKETS_MAX 10000  /* of a series that are asked for at once */
#define METRICS_POINTS_MAX  100000 /* of all series in a request */

struct lytics_metrics {
    struct tow_metric_options options;
    const struct tow_host *host;
    struct tow_lytics *lytics;
    struct tow_builder *builder;
    struct tow_metric_pair *pairs;
    size_t pair_count;
    int64_t exported_us, end_us; /* of this load */

    /* The metric under way. */
    size_t pair;
    int is_listed;                 /* its series are known */
    struct tow_series_list series; /* those that are due */
    size_t at;                     /* the next one */
    size_t listed;                 /* all series of the metric */
    size_t failed;                 /* series that the API has errors for */
    char failure[256];             /* what it says of the first of them */

    /* The request under way. */
    size_t group;         /* series that were asked for and not handed out; 0: none */
    int64_t group_end_us; /* buckets were asked for up to here */
    struct tow_json_part results[TOW_METRIC_REQUESTS_MAX];
    struct tow_lytics_answer answer;
    struct tow_points points; /* of the next series */
    size_t point;             /* the next of them */
    int has_points;
    struct tow_mark mark;
};

static const struct tow_option metrics_options[] = {
    TOW_METRIC_OPTIONS(struct lytics_metrics, options),
    TOW_OPTIONS_END,
};

/* The columns of the table that Lytics' own export makes. */
enum { METRICS_DIMENSION, METRICS_ID, METRICS_TYPE, METRICS_TS, METRICS_VALUE, METRICS_EXPORTED };
static const struct tow_field metrics_fields[] = {
    {"dimension", {TOW_TYPE_STRING, 0, 0}, 0},
    {"dimension_id", {TOW_TYPE_STRING, 0, 0}, 0},
    {"dimension_type", {TOW_TYPE_STRING, 0, 0}, 0},
    {"ts", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"value", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"ly_exported_ts", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
};
#define METRICS_FIELDS (sizeof metrics_fields / sizeof *metrics_fields)

/* ---- getting ready --------------------------------------------------------------------------- */

static int32_t metrics_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct lytics_metrics *source = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&source->options.lytics, -1);
    struct tow_metric_pair *pairs = NULL;
    size_t count;
    int code = tow_lytics_check(&settings, err);

    if (code == TOW_OK)
        code = tow_metric_options_read(&source->options, &pairs, &count, err);
    for (size_t i = 0; code == TOW_OK && i < count; i++)
        if (!tow_lytics_is_listed(TOW_LYTICS_DIMENSIONS, pairs[i].dimension))
            tow_log(host, TOW_LOG_WARN,
                    "dimension \"%s\" is none that is known of; the API has the last word",
                    pairs[i].dimension);
    free(pairs);
    return code;
}

static int64_t metrics_floor(const struct lytics_metrics *source, int64_t us)
{
    const int64_t interval = source->options.interval_ms * 1000;

    return us - us % interval;
}

/* A load that is under way goes on by its own times. */
static int metrics_place(struct lytics_metrics *source, const struct tow_position *from,
                         struct tow_error *err)
{
    char text[64];

    if (from->length == 0) {
        source->exported_us = source->host->now_us(source->host);
        source->end_us =
            metrics_floor(source, source->exported_us - source->options.settle_ms * 1000);
        return TOW_OK;
    }
    snprintf(text, sizeof text, "%.*s", (int)from->length, (const char *)from->bytes);
    if (sscanf(text, "lm1 %" SCNd64 " %" SCNd64, &source->exported_us, &source->end_us) == 2)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "the saved position is none of metrics: begin anew with --full");
}

static int32_t metrics_open(void *self, const struct tow_host *host,
                            const struct tow_position *from, struct tow_error *err)
{
    struct lytics_metrics *source = self;
    const struct tow_lytics_settings settings =
        tow_lytics_options_settings(&source->options.lytics, host->cancel_fd(host));
    int code = tow_lytics_check(&settings, err);

    source->host = host;
    if (code == TOW_OK)
        code = tow_metric_options_read(&source->options, &source->pairs, &source->pair_count, err);
    if (code == TOW_OK)
        code = metrics_place(source, from, err);
    if (code != TOW_OK)
        return code;
    source->builder = tow_builder_new(metrics_fields, METRICS_FIELDS, err);
    if (source->builder)
        source->lytics = tow_lytics_new(&settings, err);
    return source->lytics ? TOW_OK : err->code;
}

static int32_t metrics_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, metrics_fields, METRICS_FIELDS, err);
}

/* ---- series ---------------------------------------------------------------------------------- */

/* Where a series begins that has no mark of its own: where its metric was exported to before it
 * turned up, or as far back as a first run goes. */
static int series_first(const struct lytics_metrics *source, int64_t *from, struct tow_error *err)
{
    int code = tow_mark_read(source->host, &source->pairs[source->pair], NULL,
                             source->options.interval_ms, from, err);

    if (code == TOW_END)
        *from = metrics_floor(source, source->exported_us - source->options.lookback_ms * 1000);
    if (code == TOW_END && (source->options.lookback_ms == 0 || *from > source->end_us))
        *from = source->end_us;
    return code == TOW_END ? TOW_OK : code;
}

static int series_visit(void *context, const char *id, struct tow_error *err)
{
    struct lytics_metrics *source = context;
    int64_t from;
    int code;

    if (strlen(id) >= TOW_LYTICS_NAME_MAX)
        return tow_error_set(err, TOW_E_ENV, "an id of %zu bytes; at most %d are taken", strlen(id),
                             TOW_LYTICS_NAME_MAX - 1);
    source->listed++;
    code = tow_mark_read(source->host, &source->pairs[source->pair], id,
                         source->options.interval_ms, &from, err);
    if (code == TOW_OK && from >= source->end_us)
        return TOW_OK;
    if (code == TOW_END)
        code = series_first(source, &from, err);
    return code == TOW_OK ? tow_series_list_add(&source->series, id, from, err) : code;
}

/* Finds the ids of the metric. */
static int series_list(struct lytics_metrics *source, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    int code;

    tow_series_list_clear(&source->series);
    source->at = source->failed = source->listed = 0;
    code = pair->id ? series_visit(source, pair->id, err)
                    : tow_lytics_ids(source->lytics, pair->dimension, series_visit, source, err);
    source->is_listed = code == TOW_OK;
    return code;
}

/* A text of an answer; one that is none of Unicode (a lone surrogate) is empty. */
static int metrics_text(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    int code = tow_lytics_text(out, value, &said);

    if (code == TOW_E_DATA)
        return tow_lytics_text(out, (struct tow_json_part){NULL, 0}, err);
    return code == TOW_OK ? TOW_OK : tow_error_set(err, code, "%s", said.message);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int64_t request_buckets(const struct lytics_metrics *source, size_t i)
{
    return (source->end_us - source->series.items[i].from_us) /
           (source->options.interval_ms * 1000);
}

/* How many series may be asked for at once: as many as have few buckets, or one that has many. */
static size_t request_size(const struct lytics_metrics *source)
{
    size_t left = source->series.count - source->at, count = 0;
    int64_t points = 0;

    while (count < left && count < (size_t)source->options.batch_requests) {
        int64_t buckets = request_buckets(source, source->at + count);

        points += buckets;
        if (count > 0 &&
            (buckets <= 0 || buckets > METRICS_BUCKETS_MAX || points > METRICS_POINTS_MAX))
            break;
        count++;
        if (buckets > METRICS_BUCKETS_MAX)
            break;
    }
    return count;
}

static int64_t request_end(const struct lytics_metrics *source)
{
    if (request_buckets(source, source->at) <= METRICS_BUCKETS_MAX)
        return source->end_us;
    return source->series.items[source->at].from_us +
           METRICS_BUCKETS_MAX * source->options.interval_ms * 1000;
}

/* Which series of the request a result is about, by what it repeats; `count`: none. */
static int request_match(struct lytics_metrics *source, struct tow_json_part result, size_t count,
                         size_t *found, struct tow_error *err)
{
    struct tow_buffer *text = &source->points.scratch;
    int code = metrics_text(text, tow_lytics_member(result, "dimension_id"), err);

    for (*found = 0; code == TOW_OK && *found < count; ++*found)
        if (strcmp(tow_series_id(&source->series, source->at + *found), text->data) == 0)
            break;
    return code;
}

static int request_take(struct lytics_metrics *source, size_t count, struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part item;
    size_t found;
    int code = TOW_OK;

    memset(source->results, 0, sizeof source->results);
    if (source->answer.data.length == 0 || !tow_json_scan_array(&scan, source->answer.data))
        return tow_error_set(err, TOW_E_ENV, "asked for metrics of %zu ids, and got none", count);
    while (code == TOW_OK && tow_json_scan_item(&scan, &item)) {
        code = request_match(source, item, count, &found, err);
        if (code == TOW_OK && found < count)
            source->results[found] = item;
    }
    if (code != TOW_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        if (source->results[i].length == 0)
            return tow_error_set(err, TOW_E_ENV,
                                 "asked for metrics of %zu ids, and %.200s is not "
                                 "in the answer",
                                 count, tow_series_id(&source->series, source->at + i));
    source->group = count;
    source->has_points = 0;
    return TOW_OK;
}

static int request_make(struct lytics_metrics *source, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    struct tow_lytics_metric metrics[TOW_METRIC_REQUESTS_MAX];
    const size_t count = request_size(source);
    int code;

    source->group_end_us = request_end(source);
    for (size_t i = 0; i < count; i++)
        metrics[i] = (struct tow_lytics_metric){
            .dimension = pair->dimension,
            .dimension_id = tow_series_id(&source->series, source->at + i),
            .dimension_type = pair->type,
            .aggregation = pair->aggregation,
            .start_us = source->series.items[source->at + i].from_us,
            .end_us = source->group_end_us,
            .interval_ms = source->options.interval_ms,
            .include_empty_rows = source->options.include_empty_rows,
            .refresh_cache = source->options.refresh_cache};
    code = tow_lytics_metrics(source->lytics, metrics, count, &source->answer, err);
    return code == TOW_OK ? request_take(source, count, err) : code;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void batch_end(struct lytics_metrics *source, struct tow_batch *out, const char *id,
                      int64_t until_us)
{
    tow_mark_write(&source->mark, &source->pairs[source->pair], id, source->options.interval_ms,
                   until_us);
    out->mark_key = source->mark.key;
    out->mark_value = source->mark.value;
    out->position.length =
        (uint32_t)snprintf((char *)out->position.bytes, sizeof out->position.bytes,
                           "lm1 %" PRId64 " %" PRId64, source->exported_us, source->end_us);
}

static int rows_append(struct lytics_metrics *source, const struct tow_point *point,
                       struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    struct tow_builder *builder = source->builder;
    int code = tow_append_text(builder, METRICS_DIMENSION, pair->dimension, err);

    if (code == TOW_OK)
        code =
            tow_append_text(builder, METRICS_ID, tow_series_id(&source->series, source->at), err);
    if (code == TOW_OK)
        code = tow_append_text(builder, METRICS_TYPE, pair->type, err);
    if (code == TOW_OK)
        code = tow_append_int64(builder, METRICS_TS, point->at_us, err);
    if (code == TOW_OK)
        code = tow_append_double(builder, METRICS_VALUE, point->value, err);
    if (code == TOW_OK)
        code = tow_append_int64(builder, METRICS_EXPORTED, source->exported_us, err);
    return code == TOW_OK ? tow_builder_end_row(builder, err) : code;
}

static int rows_reject(const struct lytics_metrics *source, const struct tow_no_point *bad,
                       struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    const struct tow_source_reject row = {.size = sizeof row,
                                          .code = "bad_metric",
                                          .message = said.message,
                                          .origin = "/v2/metric",
                                          .offset = -1,
                                          .raw = bad->part.text,
                                          .raw_length = (uint32_t)bad->part.length};
    int code;

    tow_error_set(&said, TOW_E_DATA, "no value of a metric: %s", bad->problem);
    code = source->host->reject(source->host, &row);
    return code == TOW_OK || code == TOW_END
               ? TOW_OK
               : tow_error_set(err, code, "a value could not be rejected");
}

/* What the result has for the next series; its damaged points are rejected at once. */
static int rows_begin(struct lytics_metrics *source, struct tow_json_part result,
                      struct tow_error *err)
{
    int code = tow_points_read(&source->points, tow_lytics_member(result, "values"),
                               source->series.items[source->at].from_us, source->group_end_us, err);

    for (size_t i = 0; i < source->points.bad_count && code == TOW_OK; i++)
        code = rows_reject(source, &source->points.bad[i], err);
    source->point = 0;
    source->has_points = code == TOW_OK;
    return code;
}

/* Goes on to the next series, unless this one has been asked for in part. */
static void rows_next(struct lytics_metrics *source, int64_t until_us)
{
    source->has_points = 0;
    source->series.items[source->at].from_us = until_us;
    memmove(source->results, source->results + 1,
            (TOW_METRIC_REQUESTS_MAX - 1) * sizeof *source->results);
    source->group--;
    if (until_us >= source->end_us)
        source->at++;
}

/* A batch of the next series: some of its points, and the mark that says so. */
static int rows_hand_out(struct lytics_metrics *source, struct tow_batch *out,
                         struct tow_error *err)
{
    const char *id = tow_series_id(&source->series, source->at);
    const int64_t interval = source->options.interval_ms * 1000;
    int64_t until = source->group_end_us;
    int code = source->has_points ? TOW_OK : rows_begin(source, source->results[0], err);

    while (code == TOW_OK && source->point < source->points.count &&
           !tow_builder_full(source->builder, source->host->batch_rows, source->host->batch_bytes))
        code = rows_append(source, &source->points.items[source->point++], err);
    if (code == TOW_OK && tow_builder_rows(source->builder) > 0)
        code = tow_builder_finish(source->builder, &out->array, err);
    if (code != TOW_OK)
        return code;
    if (source->point < source->points.count) {
        until = source->points.items[source->point - 1].at_us + interval;
        source->series.items[source->at].from_us = until;
        batch_end(source, out, id, until);
        return TOW_OK;
    }
    batch_end(source, out, id, until);
    rows_next(source, until);
    return TOW_OK;
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* The first of a result's errors; "" where it has none. */
static int failure_read(struct lytics_metrics *source, struct tow_json_part result,
                        struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part item;
    int code;

    source->points.scratch.size = 0;
    if (!tow_json_scan_array(&scan, tow_lytics_member(result, "errors")) ||
        !tow_json_scan_item(&scan, &item))
        return TOW_OK;
    if (*item.text == '{')
        item = tow_lytics_member(item, "message");
    code = metrics_text(&source->points.scratch, item, err);
    return code == TOW_OK && source->points.scratch.size == 0
               ? tow_buffer_printf(&source->points.scratch, err, "an error without words%c", '\0')
               : code;
}

/* A series that has failed keeps its mark: the next load asks for it again. */
static int failure_hand_out(struct lytics_metrics *source, struct tow_batch *out,
                            struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    const char *id = tow_series_id(&source->series, source->at);
    const int64_t from = source->series.items[source->at].from_us;

    if (pair->id)
        return tow_error_set(err, TOW_E_ENV, "metric %s:%s of %.200s: %.300s; is its type right?",
                             pair->dimension, pair->type, id, source->points.scratch.data);
    tow_log(source->host, TOW_LOG_WARN,
            "metric %s:%s of %.200s: %.300s; it is left out, and asked for again by the next load",
            pair->dimension, pair->type, id, source->points.scratch.data);
    if (source->failed++ == 0)
        snprintf(source->failure, sizeof source->failure, "%s", source->points.scratch.data);
    batch_end(source, out, id, from);
    rows_next(source, from);
    source->at++;
    return TOW_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* All series are handed out: the mark of the metric as a whole. */
static int pair_end(struct lytics_metrics *source, struct tow_batch *out, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];

    if (source->failed > 0 && source->failed == source->listed)
        return tow_error_set(err, TOW_E_ENV,
                             "metric %s:%s: the API refuses it for all of %zu ids, first with "
                             "\"%s\"; is its type right?",
                             pair->dimension, pair->type, source->failed, source->failure);
    batch_end(source, out, NULL, source->end_us);
    source->pair++;
    source->is_listed = 0;
    return TOW_OK;
}

/* TOW_OK with a batch, TOW_END at the end. */
static int metrics_step(struct lytics_metrics *source, struct tow_batch *out, struct tow_error *err)
{
    int code = TOW_OK;

    if (source->pair == source->pair_count)
        return TOW_END;
    if (!source->is_listed)
        code = series_list(source, err);
    if (code == TOW_OK && source->at == source->series.count)
        return pair_end(source, out, err);
    /* Nothing is due of a series that begins with this load; its mark says so. */
    if (code == TOW_OK && !source->group &&
        source->series.items[source->at].from_us >= source->end_us) {
        batch_end(source, out, tow_series_id(&source->series, source->at), source->end_us);
        source->at++;
        return TOW_OK;
    }
    if (code == TOW_OK && !source->group)
        code = request_make(source, err);
    if (code == TOW_OK && !source->has_points)
        code = failure_read(source, source->results[0], err);
    if (code != TOW_OK)
        return code;
    return !source->has_points && source->points.scratch.size > 0
               ? failure_hand_out(source, out, err)
               : rows_hand_out(source, out, err);
}

static int32_t metrics_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct lytics_metrics *source = self;

    if (source->host->cancelled(source->host))
        return tow_error_set(err, TOW_E_CANCELLED, "interrupted");
    return metrics_step(source, out, err);
}

static void metrics_close(void *self)
{
    struct lytics_metrics *source = self;

    tow_points_release(&source->points);
    tow_series_list_release(&source->series);
    tow_lytics_answer_release(&source->answer);
    tow_builder_free(source->builder);
    tow_lytics_free(source->lytics);
    free(source->pairs);
}

/* ---- names ----------------------------------------------------------------------------------- */

static int32_t metrics_name(void *self, const char *name, tow_text_put *put, void *context,
                            struct tow_error *err)
{
    struct lytics_metrics *source = self;
    struct tow_lytics_account account;
    char text[TOW_INT64_TEXT_MAX];
    int code = tow_lytics_account(source->lytics, &account, err);

    (void)name;
    if (code != TOW_OK)
        return code;
    return put(context, text, (uint64_t)(tow_put_int64(text, account.aid) - text));
}

TOW_SOURCE_PLUGIN(lytics_metrics, "1.0", "metrics of a Lytics account, in buckets of time",
                  struct lytics_metrics, metrics_options, TOW_SOURCE_OFFLINE | TOW_SOURCE_REMOTE,
                  .check = metrics_check, .open = metrics_open, .schema = metrics_schema,
                  .read = metrics_read, .close = metrics_close, .names = "aid",
                  .name = metrics_name)
