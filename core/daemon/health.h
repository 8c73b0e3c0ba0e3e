/* What a run, or a slot that does not start, changes about a job's health; a pure function. */
#ifndef CORE_DAEMON_HEALTH_H
#define CORE_DAEMON_HEALTH_H

#include "state/state.h"

/* The change that a run makes that has ended: bits of TOW_ALERT_... to be told. `retried`: it is
 * tried again, so a failure is not yet one. One change is told once, however many runs go by. */
uint32_t tow_health_run(struct tow_health *health, const struct tow_run *run, int retried);
/* The same of a slot: how late it is, or was when it started, and what is called late. */
uint32_t tow_health_late(struct tow_health *health, int64_t late_us, int64_t limit_us);

#endif
