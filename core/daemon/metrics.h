/*
 * The state of all jobs in Prometheus' text format. Rows, bytes and retries are those of
 * checkpoints: what they count is settled for good, and never counted back. Counters start from all
 * runs that the state knows, so they outlive the daemon.
 */
#ifndef CORE_DAEMON_METRICS_H
#define CORE_DAEMON_METRICS_H

#include "daemon/api.h"

/* What runs come to that have ended; the newer ones are asked for each time. */
struct tow_metrics {
    struct tow_totals *totals; /* by job */
    size_t count;
    int64_t upto;
};

int tow_metrics_write(struct tow_metrics *metrics, struct tow_daemon *daemon, struct tow_body *body,
                      struct tow_error *err);
void tow_metrics_release(struct tow_metrics *metrics);

#endif
