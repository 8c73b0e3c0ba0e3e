/*
 * The daemon: a loop of one thread over signals, clocks, processes and HTTP, around the supervisor
 * (supervisor.h), which decides.
 *
 * SIGHUP reads the folder anew. The first SIGTERM or SIGINT drains: nothing more is started,
 * children are told to end, and killed when `drain_ms` is over; the second kills at once.
 */
#ifndef CORE_DAEMON_DAEMON_H
#define CORE_DAEMON_DAEMON_H

#include <poll.h>

#include "daemon/courier.h"
#include "daemon/notify.h"
#include "daemon/reading.h"
#include "daemon/supervisor.h"

struct tow_web;

struct tow_daemon_settings {
    const char *folder;
    const char *state;          /* path of the state file */
    const char *const *command; /* `towpath` and its options, NULL-terminated: what children are */
    const char *alert_program;
    int max_runs;
    int64_t drain_ms;
};

struct tow_daemon {
    const struct tow_daemon_settings *settings;
    struct tow_supervisor supervisor;
    struct tow_reading reading;
    struct tow_courier courier;
    struct tow_notify notify;
    struct tow_web *web; /* NULL: no HTTP */
    char host[256];
    int signal_fd, timer_fd;
    int had_state;    /* the state was open once */
    int dead_closed;  /* runs that an earlier daemon left are closed */
    int loaded;       /* the folder has been read once */
    int64_t retry_ms; /* when it is read again, where the first reading failed; 0: it did not */
    int reload_wanted, reloading;
    int stop_signals;     /* how many came */
    size_t files, broken; /* of the last reading */
    int64_t watchdog_ms;  /* when the manager wants to hear; monotonic */
    int64_t started_us;
    char status[256]; /* what the manager was told last */
    struct pollfd *polls;
    size_t poll_capacity;
};

/* Opens what it polls, blocks the signals. tow_daemon_release in every case. */
int tow_daemon_init(struct tow_daemon *daemon, const struct tow_daemon_settings *settings,
                    struct tow_error *err);
/* Until it is told to end. */
int tow_daemon_run(struct tow_daemon *daemon, struct tow_error *err);
void tow_daemon_release(struct tow_daemon *daemon);

/* 1 where it does all that it is there for; else `why` says what is wrong. */
int tow_daemon_ready(const struct tow_daemon *daemon, const char **why);

/* ---- between the files of the daemon -------------------------------------------------------- */

/* reload.c: goes on with a reading of the folder, starts one that is wanted; returns the monotonic
 * time at which its check is overdue, INT64_MAX for none. */
int64_t tow_daemon_reload(struct tow_daemon *daemon, int64_t now_ms);
/* state.c: opens the state, or opens it anew after it failed. */
void tow_daemon_tend_state(struct tow_daemon *daemon, int64_t now_us);
/* processes.c: how the supervisor starts and watches processes; context is the daemon. */
extern const struct tow_supervisor_ops tow_daemon_ops;
/* Ends of processes that poll reported, found by their descriptors. */
void tow_daemon_reap(struct tow_daemon *daemon, int64_t now_us);
/* Sends signals that are due; the time of the next. */
int64_t tow_daemon_tick_children(struct tow_daemon *daemon, int64_t now_ms);

#endif
