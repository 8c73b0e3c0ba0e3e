/*
 * A process that the daemon starts and waits for. It leads a process group of its own, so that a
 * Ctrl-C at the terminal reaches the daemon alone, which then stops its children in order.
 */
#ifndef CORE_DAEMON_CHILD_H
#define CORE_DAEMON_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "towpath/error.h"

/* Descriptors that a child gets as 0, 1 and, where they are >= 0, 3 and 4. Others are closed.
 * stderr stays the daemon's: what a run logs goes where the daemon logs, whatever happens to the
 * daemon. */
struct tow_child_files {
    int in, out; /* -1: /dev/null */
    int text;    /* -1: none */
    int why;     /* -1: none */
};

#define TOW_CHILD_TEXT_FD   3
#define TOW_CHILD_TEXT_PATH "/proc/self/fd/3"
#define TOW_CHILD_WHY_FD    4
#define TOW_CHILD_WHY_PATH  "/proc/self/fd/4"

struct tow_child {
    pid_t pid;           /* 0: none */
    int fd;              /* a pidfd: readable once it has ended; -1: none */
    int64_t deadline_ms; /* monotonic: SIGKILL follows then; 0: it may take its time */
};

#define TOW_CHILD_NONE \
    {                  \
        0, -1, 0       \
    }

/* argv[0] is the program's path. */
int tow_child_start(struct tow_child *child, char *const *argv, const struct tow_child_files *files,
                    struct tow_error *err);
/* Of one that has ended: its exit code, or the signal that ended it (else 0). */
void tow_child_reap(struct tow_child *child, int *exit_code, int *signal_number);
/* SIGTERM now, SIGKILL to its whole group `grace_ms` later; once. */
void tow_child_stop(struct tow_child *child, int64_t now_ms, int64_t grace_ms);
/* It has until then to end by itself: after it, SIGKILL. */
void tow_child_expect(struct tow_child *child, int64_t deadline_ms);
/* Sends what is due; the time of what is still to come, INT64_MAX where there is nothing. */
int64_t tow_child_tick(struct tow_child *child, int64_t now_ms);

/* A descriptor for the end of a process that is nobody's child; -1 where it is gone. */
int tow_pidfd(pid_t pid);

#endif
