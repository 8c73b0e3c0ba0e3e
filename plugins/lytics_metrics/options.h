/* The options of the source `lytics_metrics`, and the metrics that they ask for. */
#ifndef PLUGINS_LYTICS_METRICS_OPTIONS_H
#define PLUGINS_LYTICS_METRICS_OPTIONS_H

#include "connectors/lytics/catalog.h"
#include "plugins/shared/lytics_options.h"

#define TOW_METRIC_AGGREGATIONS "default|sum|max|min|diff|first|smooth"
#define TOW_METRIC_REQUESTS_MAX 100
#define TOW_METRIC_WORD_MAX     64 /* of a dimension and of a type, with their NUL */

struct tow_metric_options {
    struct tow_lytics_options lytics;
    const char *dimension, *dimension_id, *dimension_type;
    struct tow_strings metrics;
    int64_t lookback_ms, interval_ms, settle_ms;
    int32_t allow_any_lookback;
    int32_t aggregation; /* index into TOW_METRIC_AGGREGATIONS */
    int64_t batch_requests;
    int32_t include_empty_rows, refresh_cache;
};

/* `o` is a struct tow_metric_options in the instance. */
#define TOW_METRIC_OPTIONS(instance, o)                                                            \
    TOW_LYTICS_OPTIONS(instance, o.lytics),                                                        \
        TOW_OPT_STRING("dimension", instance, o.dimension, NULL,                                   \
                       "what is measured: segment, stream, works, ...; or metrics"),               \
        TOW_OPT_STRING("dimension_id", instance, o.dimension_id, NULL,                             \
                       "one of it, such as a segment's id or a stream's name; all of them unless " \
                       "set"),                                                                     \
        TOW_OPT_STRING("dimension_type", instance, o.dimension_type, NULL,                         \
                       "which metric: size, added, removed, ..."),                                 \
        TOW_OPT_STRINGS(                                                                           \
            "metrics", instance, o.metrics,                                                        \
            "several in one job: \"dimension:type\", or \"dimension:type:id\" for one "            \
            "id"),                                                                                 \
        TOW_OPT_DURATION("lookback", instance, o.lookback_ms, "30d", 0, INT64_C(31622400000),      \
                         "how far back the first run goes: 0d, 7d, 14d, 30d, 60d or 90d"),         \
        TOW_OPT_BOOL("allow_any_lookback", instance, o.allow_any_lookback, "false",                \
                     "take any lookback"),                                                         \
        TOW_OPT_DURATION("interval", instance, o.interval_ms, "2h", 60000, INT64_C(2678400000),    \
                         "length of a bucket, which is a row; whole minutes"),                     \
        TOW_OPT_CHOICE("aggregation", instance, o.aggregation, "default", TOW_METRIC_AGGREGATIONS, \
                       "of the values in a bucket; default is max for segment:size, sum for "      \
                       "others"),                                                                  \
        TOW_OPT_DURATION("settle", instance, o.settle_ms, "10m", 0, INT64_C(2678400000),           \
                         "how long a bucket must be over before it is exported"),                  \
        TOW_OPT_INT("batch_requests", instance, o.batch_requests, "50", 1,                         \
                    TOW_METRIC_REQUESTS_MAX, "ids that are asked for at once"),                    \
        TOW_OPT_BOOL("include_empty_rows", instance, o.include_empty_rows, "false",                \
                     "rows with value 0 for buckets in which nothing was measured"),               \
        TOW_OPT_BOOL("refresh_cache", instance, o.refresh_cache, "true",                           \
                     "have Lytics read the values anew")

/* A metric that is asked for: of one id, or of all. */
struct tow_metric_pair {
    char dimension[TOW_METRIC_WORD_MAX], type[TOW_METRIC_WORD_MAX];
    const char *id; /* borrowed; NULL: all */
    const char *aggregation;
};

/* All of them, heap. TOW_E_CONFIG where options cannot be, or do not go together. */
int tow_metric_options_read(const struct tow_metric_options *options,
                            struct tow_metric_pair **pairs, size_t *count, struct tow_error *err);

#endif
