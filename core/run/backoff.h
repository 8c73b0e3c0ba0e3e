/*
 * When to try a failed call again: exponential backoff with full jitter, within a budget of time
 * and of tries. The only place in towpath where anything is retried.
 */
#ifndef CORE_RUN_BACKOFF_H
#define CORE_RUN_BACKOFF_H

#include "config/job.h"
#include "run/cancel.h"

struct tow_backoff {
    const struct tow_retry *retry;
    int64_t started_ms; /* of the first failure; 0 before it */
    int64_t tries;      /* failures so far */
    uint64_t random;
};

void tow_backoff_init(struct tow_backoff *backoff, const struct tow_retry *retry);
/* Forgets the failures: the call got somewhere. */
void tow_backoff_reset(struct tow_backoff *backoff);

/* 1 for the classes that are tried again. */
int tow_backoff_may_pass(int error_class);

#define TOW_BACKOFF_AGAIN  1  /* waited: try again */
#define TOW_BACKOFF_STOP   0  /* not to be retried, or the budget is used up (said in err) */
#define TOW_BACKOFF_CANCEL -1 /* the run is being stopped: err is TOW_E_CANCELLED now */

/*
 * Decides on a failed call and waits, until `cancel` (may be NULL) at the longest. A delay that the
 * far end asked for (err->retry_after_ms) is kept to, and counts against the budget before it is
 * waited for.
 */
int tow_backoff_next(struct tow_backoff *backoff, struct tow_error *err, struct tow_cancel *cancel);

/* The delay alone, for tests: in [0, min(cap, base * 2^(tries - 1))], or what the far end asked for
 * plus up to a tenth. */
int64_t tow_backoff_delay(struct tow_backoff *backoff, const struct tow_error *err);

#endif
