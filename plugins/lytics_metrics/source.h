/* The source at work, for its files: what it reads, and what it hands out of it. */
#ifndef PLUGINS_LYTICS_METRICS_SOURCE_H
#define PLUGINS_LYTICS_METRICS_SOURCE_H

#include "connectors/lytics/query.h"
#include "plugins/lytics_metrics/mark.h"
#include "plugins/lytics_metrics/options.h"
#include "plugins/lytics_metrics/points.h"
#include "plugins/lytics_metrics/series.h"
#include "towpath/batch.h"

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
    size_t done;                   /* series that are not */
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

/* The columns of the table that Lytics' own export makes. */
enum {
    TOW_METRIC_DIMENSION,
    TOW_METRIC_ID,
    TOW_METRIC_TYPE,
    TOW_METRIC_TS,
    TOW_METRIC_VALUE,
    TOW_METRIC_EXPORTED,
    TOW_METRIC_FIELDS
};
extern const struct tow_field tow_metric_fields[TOW_METRIC_FIELDS];

/* ---- ask.c ----------------------------------------------------------------------------------- */

int64_t tow_metrics_floor(const struct lytics_metrics *source, int64_t us);
/* Finds the ids of the metric under way, and of each whether it is due, and from where. */
int tow_metrics_list(struct lytics_metrics *source, struct tow_error *err);
/* Asks for the next series, and some behind it. */
int tow_metrics_ask(struct lytics_metrics *source, struct tow_error *err);
/* A text of an answer; one that is none of Unicode (a lone surrogate) is empty. */
int tow_metrics_text(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err);

/* ---- rows.c ---------------------------------------------------------------------------------- */

/* A batch of the next series that was asked for: some of its points, or the news that the API has
 * none for it, and the mark that says so. */
int tow_metrics_hand_out(struct lytics_metrics *source, struct tow_batch *out,
                         struct tow_error *err);
/* The mark of a batch: the series of that id (NULL: new ones of the metric) is handed out up to
 * until_us. */
void tow_metrics_mark(struct lytics_metrics *source, struct tow_batch *out, const char *id,
                      int64_t until_us);

#endif
