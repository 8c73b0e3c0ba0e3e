/* Deadlines, in milliseconds of the monotonic clock. */
#ifndef CONNECTORS_GRPC_CLOCK_H
#define CONNECTORS_GRPC_CLOCK_H

#include <stdint.h>

#define GRPC_NEVER INT64_MAX

/* GRPC_NEVER for a negative wait, or one beyond the clock's end. */
static inline int64_t grpc_deadline(int64_t now_ms, int64_t wait_ms)
{
    return wait_ms < 0 || wait_ms > GRPC_NEVER - now_ms ? GRPC_NEVER : now_ms + wait_ms;
}

/* For poll: at most a minute, so that it fits. */
static inline int grpc_wait_ms(int64_t now_ms, int64_t deadline_ms)
{
    int64_t left = deadline_ms - now_ms;

    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

#endif
