/*
 * Who holds a lock. A process is known by its host, the host's boot, its number and its start time:
 * together they are never used twice.
 */
#ifndef CORE_STATE_OWNER_H
#define CORE_STATE_OWNER_H

#include <stdint.h>

/* A lock whose owner cannot be looked at is held while its heartbeat is no older than this. */
#define TOW_OWNER_HEARTBEAT_US (60 * INT64_C(1000000))

struct tow_owner {
    char host[256];
    /* Boot id and process number space ("" where unknown): two containers on one kernel share the
     * boot, but not the meaning of a process number. */
    char boot[96];
    int64_t pid;
    int64_t started; /* clock ticks since the boot; 0: unknown */
    int64_t since_us, heartbeat_us;
};

/* This process, with both times zero. */
void tow_owner_self(struct tow_owner *owner);

/*
 * 1 where the owner may still be at work. On the host and boot of `self` only its process counts,
 * whatever the clocks say; elsewhere only its heartbeat. A heartbeat far in the future is as dead
 * as an old one: it was written before a clock was set back.
 */
int tow_owner_alive(const struct tow_owner *owner, const struct tow_owner *self, int64_t now_us);

#endif
