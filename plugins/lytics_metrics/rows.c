/* Batches: rows of a series, or what the API has against it. */
#include <stdio.h>
#include <string.h>

#include "plugins/lytics_metrics/source.h"
#include "plugins/shared/lytics_reject.h"

const struct tow_field tow_metric_fields[TOW_METRIC_FIELDS] = {
    {"dimension", {TOW_TYPE_STRING, 0, 0}, 0},
    {"dimension_id", {TOW_TYPE_STRING, 0, 0}, 0},
    {"dimension_type", {TOW_TYPE_STRING, 0, 0}, 0},
    {"ts", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"value", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"ly_exported_ts", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
};

/* ---- rows ------------------------------------------------------------------------------------ */

void tow_metrics_mark(struct lytics_metrics *source, struct tow_batch *out, const char *id,
                      int64_t until_us)
{
    tow_mark_write(&source->mark, &source->pairs[source->pair], id, source->options.interval_ms,
                   until_us);
    out->mark_key = source->mark.key;
    out->mark_value = source->mark.value;
}

static int rows_append(struct lytics_metrics *source, const struct tow_point *point,
                       struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];
    struct tow_builder *builder = source->builder;
    int code = tow_append_text(builder, TOW_METRIC_DIMENSION, pair->dimension, err);

    if (code == TOW_OK)
        code = tow_append_text(builder, TOW_METRIC_ID, tow_series_id(&source->series, source->at),
                               err);
    if (code == TOW_OK)
        code = tow_append_text(builder, TOW_METRIC_TYPE, pair->type, err);
    if (code == TOW_OK)
        code = tow_append_int64(builder, TOW_METRIC_TS, point->at_us, err);
    if (code == TOW_OK)
        code = tow_append_double(builder, TOW_METRIC_VALUE, point->value, err);
    if (code == TOW_OK)
        code = tow_append_int64(builder, TOW_METRIC_EXPORTED, source->exported_us, err);
    return code == TOW_OK ? tow_builder_end_row(builder, err) : code;
}

static int rows_reject(const struct lytics_metrics *source, const struct tow_no_point *bad,
                       struct tow_error *err)
{
    static const struct tow_lytics_reject kind = {"bad_metric", "/v2/metric",
                                                  "no value of a metric"};

    return tow_lytics_reject(source->host, &kind, bad->part, bad->problem, err);
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

/* Some of the series' points, and the mark that says so. */
static int rows_put_batch(struct lytics_metrics *source, struct tow_batch *out,
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
        tow_metrics_mark(source, out, id, until);
        return TOW_OK;
    }
    tow_metrics_mark(source, out, id, until);
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
    code = tow_metrics_text(&source->points.scratch, item, err);
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
    tow_metrics_mark(source, out, id, from);
    rows_next(source, from);
    source->at++;
    return TOW_OK;
}

/* ---- a batch --------------------------------------------------------------------------------- */

int tow_metrics_hand_out(struct lytics_metrics *source, struct tow_batch *out,
                         struct tow_error *err)
{
    int code = source->has_points ? TOW_OK : failure_read(source, source->results[0], err);

    if (code != TOW_OK)
        return code;
    return !source->has_points && source->points.scratch.size > 0
               ? failure_hand_out(source, out, err)
               : rows_put_batch(source, out, err);
}
