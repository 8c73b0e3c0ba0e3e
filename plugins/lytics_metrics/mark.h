/* How far each series was exported, in the ledger: for each id, and for a metric as a whole. */
#ifndef PLUGINS_LYTICS_METRICS_MARK_H
#define PLUGINS_LYTICS_METRICS_MARK_H

#include "plugins/lytics_metrics/options.h"
#include "towpath/plugin.h"

#define TOW_MARK_KEY_MAX   (2 * TOW_METRIC_WORD_MAX + TOW_LYTICS_NAME_MAX + 16)
#define TOW_MARK_VALUE_MAX 96

/* Key and value of a ledger entry: all of the metric's buckets before until_us are exported.
 * id NULL: of ids that turn up for the first time. */
struct tow_mark {
    char key[TOW_MARK_KEY_MAX];
    char value[TOW_MARK_VALUE_MAX];
};
void tow_mark_write(struct tow_mark *mark, const struct tow_metric_pair *pair, const char *id,
                    int64_t interval_ms, int64_t until_us);

/* TOW_OK, or TOW_END where there is none. TOW_E_CONFIG where what was exported has other buckets.
 */
int tow_mark_read(const struct tow_host *host, const struct tow_metric_pair *pair, const char *id,
                  int64_t interval_ms, int64_t *until_us, struct tow_error *err);

#endif
