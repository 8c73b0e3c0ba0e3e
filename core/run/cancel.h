/*
 * Stopping a run: a flag that can be read from anywhere, and a descriptor to poll beside others.
 */
#ifndef CORE_RUN_CANCEL_H
#define CORE_RUN_CANCEL_H

#include <stdatomic.h>
#include <stdint.h>

#include "towpath/error.h"

struct tow_cancel {
    atomic_int flag;
    int fd; /* eventfd, readable once cancelled; never read */
};

int tow_cancel_init(struct tow_cancel *cancel, struct tow_error *err);
void tow_cancel_release(struct tow_cancel *cancel);
/* Safe in a signal handler and from any thread; the first `reason` (a signal number, or 1) stays.
 */
void tow_cancel_set(struct tow_cancel *cancel, int reason);
/* 0, or the reason. */
static inline int tow_cancel_get(struct tow_cancel *cancel)
{
    return atomic_load_explicit(&cancel->flag, memory_order_relaxed);
}
/* Waits up to `milliseconds`; 1 as soon as it is cancelled, 0 when the time is over. */
int tow_cancel_wait(struct tow_cancel *cancel, int64_t milliseconds);

#endif
