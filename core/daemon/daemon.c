#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/web.h"
#include "log.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define DAEMON_LONGEST_MS 60000 /* of one wait, for the sake of all that no descriptor tells of */
#define DAEMON_SOONEST_US 2000  /* between two looks at what is due */

/* ---- start and end -------------------------------------------------------------------------- */

static int daemon_signals(struct tow_daemon *daemon, struct tow_error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "sigprocmask");
    /* Ignored by whoever started this, it would take the ends of children away. */
    signal(SIGCHLD, SIG_DFL);
    daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signal_fd >= 0 ? TOW_OK : tow_error_errno(err, TOW_E_ENV, errno, "signalfd");
}

int tow_daemon_init(struct tow_daemon *daemon, const struct tow_daemon_settings *settings,
                    struct tow_error *err)
{
    *daemon = (struct tow_daemon){
        .settings = settings,
        .supervisor = {.ops = &tow_daemon_ops, .context = daemon, .max_runs = settings->max_runs},
        .reading = TOW_READING_NONE,
        .signal_fd = -1,
        .timer_fd = -1,
        .reload_wanted = 1,
    };
    daemon->reading.command = settings->command;
    if (gethostname(daemon->host, sizeof daemon->host - 1) != 0 || !daemon->host[0])
        strcpy(daemon->host, "this host");
    tow_courier_init(&daemon->courier, settings->alert_program, daemon->host);
    tow_notify_init(&daemon->notify);
    daemon->started_us = tow_now_us();
    int rc = daemon_signals(daemon, err);
    if (rc)
        return rc;
    daemon->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return daemon->timer_fd >= 0 ? TOW_OK
                                 : tow_error_errno(err, TOW_E_ENV, errno, "timerfd_create");
}

void tow_daemon_release(struct tow_daemon *daemon)
{
    tow_courier_stop(&daemon->courier);
    tow_reading_release(&daemon->reading);
    tow_supervisor_release(&daemon->supervisor);
    tow_state_close(daemon->supervisor.state);
    tow_notify_release(&daemon->notify);
    if (daemon->signal_fd >= 0)
        close(daemon->signal_fd);
    if (daemon->timer_fd >= 0)
        close(daemon->timer_fd);
    free(daemon->polls);
}

int tow_daemon_ready(const struct tow_daemon *daemon, const char **why)
{
    *why = NULL;
    if (daemon->stop_signals)
        *why = "it is being stopped";
    else if (!daemon->loaded)
        *why = "the job files are being read";
    else if (!daemon->supervisor.state || daemon->supervisor.state_failed)
        *why = daemon->supervisor.state_error[0] ? daemon->supervisor.state_error
                                                 : "the state is not open";
    return *why == NULL;
}

/* ---- what the manager hears ----------------------------------------------------------------- */

static void daemon_tell_status(struct tow_daemon *daemon)
{
    const struct tow_supervisor *supervisor = &daemon->supervisor;
    char status[sizeof daemon->status], broken[64] = "";
    const char *why;

    if (daemon->broken)
        snprintf(broken, sizeof broken, ", %zu broken file%s", daemon->broken,
                 daemon->broken == 1 ? "" : "s");
    if (tow_daemon_ready(daemon, &why) || daemon->stop_signals)
        snprintf(status, sizeof status, "%zu jobs, %d running%s%s", supervisor->count,
                 supervisor->running, broken, daemon->stop_signals ? "; draining" : "");
    else
        snprintf(status, sizeof status, "%.200s", why);
    if (strcmp(status, daemon->status) == 0)
        return;
    strcpy(daemon->status, status);
    tow_notify_send(&daemon->notify, "STATUS=%s", status);
}

/* Twice in its period; it hears only of a loop that goes round. */
static int64_t daemon_feed_watchdog(struct tow_daemon *daemon, int64_t now_ms)
{
    if (daemon->notify.watchdog_ms == 0)
        return INT64_MAX;
    if (now_ms >= daemon->watchdog_ms) {
        tow_notify_send(&daemon->notify, "WATCHDOG=1");
        daemon->watchdog_ms = now_ms + daemon->notify.watchdog_ms / 2;
    }
    return daemon->watchdog_ms;
}

/* ---- signals -------------------------------------------------------------------------------- */

static void daemon_stop(struct tow_daemon *daemon)
{
    daemon->stop_signals++;
    if (daemon->stop_signals > 1) {
        for (size_t i = 0; i < daemon->supervisor.count; i++)
            if (daemon->supervisor.jobs[i]->child.pid > 0)
                tow_child_expect(&daemon->supervisor.jobs[i]->child, 1);
        return;
    }
    tow_log_line(TOW_LOG_INFO, "daemon", "stopping; %d run%s told to end",
                 daemon->supervisor.running, daemon->supervisor.running == 1 ? "" : "s");
    tow_notify_send(&daemon->notify, "STOPPING=1");
    tow_reading_release(&daemon->reading);
    tow_supervisor_drain(&daemon->supervisor);
}

static void daemon_take_signals(struct tow_daemon *daemon)
{
    struct signalfd_siginfo info;

    while (read(daemon->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            daemon->reload_wanted = 1;
        else
            daemon_stop(daemon);
    }
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int daemon_arm(struct tow_daemon *daemon, int64_t wake_us, struct tow_error *err)
{
    struct itimerspec timer = {.it_value = {0, 0}};

    /* The clock is watched for being set even where nothing is due. */
    if (wake_us == INT64_MAX)
        wake_us = INT64_C(7258118400) * 1000000;
    if (wake_us < 1)
        wake_us = 1;
    timer.it_value.tv_sec = wake_us / 1000000;
    timer.it_value.tv_nsec = wake_us % 1000000 * 1000;
    if (timerfd_settime(daemon->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &timer,
                        NULL) == 0 ||
        errno == ECANCELED)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "timerfd_settime");
}

static void daemon_read_timer(struct tow_daemon *daemon)
{
    uint64_t times;

    if (read(daemon->timer_fd, &times, sizeof times) < 0 && errno == ECANCELED)
        tow_log_line(TOW_LOG_INFO, "daemon", "the clock was set; what is due is worked out anew");
}

static size_t daemon_add_poll(struct tow_daemon *daemon, size_t count, int fd)
{
    if (fd < 0 || count == daemon->poll_capacity)
        return count;
    daemon->polls[count] = (struct pollfd){.fd = fd, .events = POLLIN};
    return count + 1;
}

static int daemon_list_polls(struct tow_daemon *daemon, size_t *count, struct tow_error *err)
{
    const struct tow_supervisor *supervisor = &daemon->supervisor;
    size_t room = supervisor->count + TOW_COURIERS + 8, n = 0;

    if (daemon->poll_capacity < room) {
        struct pollfd *polls = reallocarray(daemon->polls, room, sizeof *polls);

        if (!polls)
            return tow_error_nomem(err);
        daemon->polls = polls;
        daemon->poll_capacity = room;
    }
    n = daemon_add_poll(daemon, n, daemon->signal_fd);
    n = daemon_add_poll(daemon, n, daemon->timer_fd);
    n = daemon_add_poll(daemon, n, daemon->web ? tow_web_fd(daemon->web) : -1);
    if (daemon->reading.child.pid > 0)
        n = daemon_add_poll(
            daemon, n, daemon->reading.out >= 0 ? daemon->reading.out : daemon->reading.child.fd);
    for (size_t i = 0; i < supervisor->count; i++) {
        n = daemon_add_poll(daemon, n, supervisor->jobs[i]->child.fd);
        n = daemon_add_poll(daemon, n, supervisor->jobs[i]->watch_fd);
    }
    for (int i = 0; i < TOW_COURIERS; i++)
        n = daemon_add_poll(daemon, n, daemon->courier.deliveries[i].child.fd);
    *count = n;
    return TOW_OK;
}

static int daemon_wait(struct tow_daemon *daemon, int64_t wake_us, int64_t wake_ms,
                       struct tow_error *err)
{
    int64_t left = wake_ms - tow_monotonic_ms(), web;
    size_t count = 0;
    int rc = daemon_arm(daemon, wake_us, err);

    if (!rc)
        rc = daemon_list_polls(daemon, &count, err);
    if (rc)
        return rc;
    web = daemon->web ? tow_web_timeout_ms(daemon->web) : INT64_MAX;
    left = left < web ? left : web;
    left = left < 0 ? 0 : left > DAEMON_LONGEST_MS ? DAEMON_LONGEST_MS : left;
    if (poll(daemon->polls, count, (int)left) < 0 && errno != EINTR)
        return tow_error_errno(err, TOW_E_ENV, errno, "poll");
    return TOW_OK;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static int64_t daemon_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Does what is due; both clocks' times of what comes next. */
static void daemon_step(struct tow_daemon *daemon, int64_t *wake_us, int64_t *wake_ms)
{
    int64_t now_us = tow_now_us(), now_ms = tow_monotonic_ms();

    if (!daemon->stop_signals || daemon->supervisor.running)
        tow_daemon_tend_state(daemon, now_us);
    *wake_ms = tow_daemon_reload(daemon, now_ms);
    *wake_us = INT64_MAX;
    if (!daemon->stop_signals && daemon->loaded)
        *wake_us = tow_supervisor_step(&daemon->supervisor, now_us);
    if (daemon->supervisor.told)
        tow_courier_wake(&daemon->courier);
    daemon->supervisor.told = 0;
    /* Before, nobody knows whose the alerts are that the state has. */
    if (!daemon->stop_signals && daemon->loaded)
        *wake_us = daemon_least(
            *wake_us, tow_courier_step(&daemon->courier, &daemon->supervisor, now_us, now_ms));
    *wake_ms = daemon_least(*wake_ms, tow_daemon_tick_children(daemon, now_ms));
    *wake_ms = daemon_least(*wake_ms, daemon_feed_watchdog(daemon, now_ms));
    daemon_tell_status(daemon);
    /* What is due already could not be done: not at once again. */
    if (*wake_us < now_us + DAEMON_SOONEST_US)
        *wake_us = now_us + DAEMON_SOONEST_US;
}

int tow_daemon_run(struct tow_daemon *daemon, struct tow_error *err)
{
    int64_t wake_us, wake_ms;

    for (;;) {
        daemon_step(daemon, &wake_us, &wake_ms);
        if (daemon->stop_signals && daemon->supervisor.running == 0)
            return TOW_OK;
        int rc = daemon_wait(daemon, wake_us, wake_ms, err);
        if (rc)
            return rc;
        daemon_read_timer(daemon);
        daemon_take_signals(daemon);
        tow_daemon_reap(daemon, tow_now_us());
        if (daemon->web)
            tow_web_run(daemon->web);
    }
}
