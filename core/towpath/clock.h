/* towpath/clock.h - the two clocks: one for waits and deadlines, one for moments. */
#ifndef TOWPATH_CLOCK_H
#define TOWPATH_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds of a clock that is never set: for deadlines and ages within this process. */
int64_t tow_monotonic_ms(void);
/* Microseconds since 1970 UTC, by the system's clock: it may be set, also backwards. */
int64_t tow_now_us(void);

#ifdef __cplusplus
}
#endif
#endif
