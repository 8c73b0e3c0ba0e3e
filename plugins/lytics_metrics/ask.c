/* Which series are due, and what the API has of them. */
#include <string.h>

#include "plugins/lytics_metrics/source.h"

#define METRICS_BUCKETS_MAX 10000  /* of a series that are asked for at once */
#define METRICS_POINTS_MAX  100000 /* of all series in a request */

int64_t tow_metrics_floor(const struct lytics_metrics *source, int64_t us)
{
    const int64_t interval = source->options.interval_ms * 1000;

    return us - us % interval;
}

/* ---- series ---------------------------------------------------------------------------------- */

/* Where a series begins that has no mark of its own: where its metric was exported to before it
 * turned up, or as far back as a first run goes. */
static int series_first(const struct lytics_metrics *source, int64_t *from, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    int code =
        pair->id ? TOW_END
                 : tow_mark_read(source->host, pair, NULL, source->options.interval_ms, from, err);

    if (code == TOW_END)
        *from = tow_metrics_floor(source, source->exported_us - source->options.lookback_ms * 1000);
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
    code = tow_mark_read(source->host, &source->pairs[source->pair], id,
                         source->options.interval_ms, &from, err);
    if (code == TOW_OK && from >= source->end_us) {
        source->done++;
        return TOW_OK;
    }
    if (code == TOW_END)
        code = series_first(source, &from, err);
    return code == TOW_OK ? tow_series_list_add(&source->series, id, from, err) : code;
}

/* Finds the ids of the metric. */
int tow_metrics_list(struct lytics_metrics *source, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    int code;

    tow_series_list_clear(&source->series);
    source->at = source->failed = source->done = 0;
    code = pair->id ? series_visit(source, pair->id, err)
                    : tow_lytics_ids(source->lytics, pair->dimension, series_visit, source, err);
    tow_series_list_settle(&source->series);
    source->is_listed = code == TOW_OK;
    return code;
}

int tow_metrics_text(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err)
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
    int code = tow_metrics_text(text, tow_lytics_member(result, "dimension_id"), err);

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

int tow_metrics_ask(struct lytics_metrics *source, struct tow_error *err)
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
