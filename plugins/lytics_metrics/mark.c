#include "plugins/lytics_metrics/mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void mark_key(char key[TOW_MARK_KEY_MAX], const struct tow_metric_pair *pair, const char *id)
{
    snprintf(key, TOW_MARK_KEY_MAX, "%s:%s:%s%s%s", id ? "id" : "all", pair->dimension, pair->type,
             id ? ":" : "", id ? id : "");
}

void tow_mark_write(struct tow_mark *mark, const struct tow_metric_pair *pair, const char *id,
                    int64_t interval_ms, int64_t until_us)
{
    mark_key(mark->key, pair, id);
    snprintf(mark->value, sizeof mark->value, "%" PRId64 " %" PRId64 " %s", until_us, interval_ms,
             pair->aggregation);
}

int tow_mark_read(const struct tow_host *host, const struct tow_metric_pair *pair, const char *id,
                  int64_t interval_ms, int64_t *until_us, struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char key[TOW_MARK_KEY_MAX], text[TOW_MARK_VALUE_MAX], aggregation[16];
    int64_t interval;
    int code;

    mark_key(key, pair, id);
    code = host->ledger_get(host, key, &value, err);
    if (code != TOW_OK)
        return code;
    snprintf(text, sizeof text, "%.*s", (int)value.length, (const char *)value.bytes);
    if (sscanf(text, "%" SCNd64 " %" SCNd64 " %15s", until_us, &interval, aggregation) != 3)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the ledger's \"%.40s\" is no mark of metrics: begin anew with --full",
                             text);
    if (interval == interval_ms && strcmp(aggregation, pair->aggregation) == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "%s:%s was exported in buckets of %" PRId64 " minutes by %s, and is now "
                         "asked for in ones of %" PRId64 " minutes by %s, which do not go on from "
                         "there: use the old options, a job with another name, or --full",
                         pair->dimension, pair->type, interval / 60000, aggregation,
                         interval_ms / 60000, pair->aggregation);
}
