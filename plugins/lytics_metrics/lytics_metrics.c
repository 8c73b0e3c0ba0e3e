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

#include "plugins/lytics_metrics/source.h"
#include "plugins/shared/lytics_aid.h"

static const struct tow_option metrics_options[] = {
    TOW_METRIC_OPTIONS(struct lytics_metrics, options),
    TOW_OPTIONS_END,
};

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

/* A load that is under way goes on by its own times. */
static int metrics_place(struct lytics_metrics *source, const struct tow_position *from,
                         struct tow_error *err)
{
    char text[64];

    if (from->length == 0) {
        source->exported_us = source->host->now_us(source->host);
        source->end_us =
            tow_metrics_floor(source, source->exported_us - source->options.settle_ms * 1000);
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
    source->builder = tow_builder_new(tow_metric_fields, TOW_METRIC_FIELDS, err);
    if (source->builder)
        source->lytics = tow_lytics_new(&settings, err);
    return source->lytics ? TOW_OK : err->code;
}

static int32_t metrics_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, tow_metric_fields, TOW_METRIC_FIELDS, err);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* All series are handed out: the mark of the metric as a whole. */
static int pair_end(struct lytics_metrics *source, struct tow_batch *out, struct tow_error *err)
{
    const struct tow_metric_pair *pair = &source->pairs[source->pair];

    if (source->failed > 0 && source->failed == source->series.count && source->done == 0)
        return tow_error_set(err, TOW_E_ENV,
                             "metric %s:%s: the API refuses it for all of %zu ids, first with "
                             "\"%s\"; is its type right?",
                             pair->dimension, pair->type, source->failed, source->failure);
    /* New ids of a metric begin where it stands; one that is named is all there is. */
    if (!pair->id)
        tow_metrics_mark(source, out, NULL, source->end_us);
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
        code = tow_metrics_list(source, err);
    if (code == TOW_OK && source->at == source->series.count)
        return pair_end(source, out, err);
    /* Nothing is due of a series that begins with this load; its mark says so. */
    if (code == TOW_OK && !source->group &&
        source->series.items[source->at].from_us >= source->end_us) {
        tow_metrics_mark(source, out, tow_series_id(&source->series, source->at), source->end_us);
        source->at++;
        return TOW_OK;
    }
    if (code == TOW_OK && !source->group)
        code = tow_metrics_ask(source, err);
    return code == TOW_OK ? tow_metrics_hand_out(source, out, err) : code;
}

static int32_t metrics_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct lytics_metrics *source = self;
    int code;

    if (source->host->cancelled(source->host))
        return tow_error_set(err, TOW_E_CANCELLED, "interrupted");
    code = metrics_step(source, out, err);
    if (code == TOW_OK)
        out->position.length =
            (uint32_t)snprintf((char *)out->position.bytes, sizeof out->position.bytes,
                               "lm1 %" PRId64 " %" PRId64, source->exported_us, source->end_us);
    return code;
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

static int32_t metrics_name(void *self, const char *name, tow_text_put *put, void *context,
                            struct tow_error *err)
{
    (void)name;
    return tow_lytics_put_aid(((struct lytics_metrics *)self)->lytics, put, context, err);
}

TOW_SOURCE_PLUGIN(lytics_metrics, "1.0", "metrics of a Lytics account, in buckets of time",
                  struct lytics_metrics, metrics_options, TOW_SOURCE_OFFLINE | TOW_SOURCE_REMOTE,
                  .check = metrics_check, .open = metrics_open, .schema = metrics_schema,
                  .read = metrics_read, .close = metrics_close, .names = "aid",
                  .name = metrics_name)
