#include "daemon/health.h"

#include <string.h>

#include "config/alerts_spec.h"

/* A run that was told to stop says nothing about the job; nor does one that is still on. */
static int health_has_failed(const struct tow_run *run)
{
    return strcmp(run->status, TOW_RUN_FAILED) == 0 ||
           strcmp(run->status, TOW_RUN_INTERRUPTED) == 0;
}

uint32_t tow_health_run(struct tow_health *health, const struct tow_run *run, int retried)
{
    int ok = strcmp(run->status, TOW_RUN_OK) == 0, rejects = run->counts.rejected > 0;
    uint32_t told = 0;

    if (run->id > health->judged)
        health->judged = run->id;
    if (health_has_failed(run) && !retried && !health->failing) {
        health->failing = 1;
        told |= TOW_ALERT_FAILURE;
    } else if (ok && health->failing) {
        health->failing = 0;
        told |= TOW_ALERT_RECOVERY;
    }
    if (rejects && !health->rejecting)
        told |= TOW_ALERT_REJECTS;
    /* Without rejects, only a run that went to its end shows that there are none. */
    if (rejects || ok)
        health->rejecting = rejects;
    return told;
}

uint32_t tow_health_late(struct tow_health *health, int64_t late_us, int64_t limit_us)
{
    int late = late_us >= limit_us;
    uint32_t told = late && !health->late ? TOW_ALERT_LATE : 0;

    health->late = late;
    return told;
}
