/* The supervisor's hands: children that run jobs, and processes of others that are watched. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/text_file.h"
#include "log.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define COMMAND_MAX 32

static char *process_word(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* One line, which need not be there. */
static void process_take_why(struct tow_daemon_job *job)
{
    ssize_t length = job->why_fd < 0 ? 0 : pread(job->why_fd, job->why, sizeof job->why - 1, 0);

    job->why[length > 0 ? length : 0] = '\0';
    job->why[strcspn(job->why, "\n")] = '\0';
    if (job->why_fd >= 0)
        close(job->why_fd);
    job->why_fd = -1;
}

/* The job is read from the text that `check` has passed, not from what the file holds by now. */
static int process_start(void *context, struct tow_daemon_job *job, struct tow_error *err)
{
    const struct tow_daemon *daemon = context;
    char *argv[COMMAND_MAX], slot[TOW_TIMESTAMP_TEXT_MAX + 1], attempt[16];
    size_t n = 0;
    int fd, rc;

    while (n < COMMAND_MAX - 14 && daemon->settings->command[n]) {
        argv[n] = process_word(daemon->settings->command[n]);
        n++;
    }
    argv[n++] = process_word("run");
    argv[n++] = process_word("--log-job");
    argv[n++] = process_word("--why");
    argv[n++] = process_word(TOW_CHILD_WHY_PATH);
    argv[n++] = process_word("--text");
    argv[n++] = process_word(TOW_CHILD_TEXT_PATH);
    if (!job->by_hand) {
        *tow_put_timestamp(slot, job->agenda.slot_us, 1) = '\0';
        snprintf(attempt, sizeof attempt, "%d", (int)job->agenda.tries);
        argv[n++] = process_word("--slot");
        argv[n++] = slot;
        argv[n++] = process_word("--attempt");
        argv[n++] = attempt;
    }
    argv[n++] = process_word("--");
    argv[n++] = job->plan.path;
    argv[n] = NULL;
    fd = tow_text_file(job->plan.text, job->plan.length, err);
    job->why_fd = fd < 0 ? -1 : tow_text_file("", 0, err);
    const struct tow_child_files files = {.in = -1, .out = -1, .text = fd, .why = job->why_fd};
    rc = job->why_fd < 0 ? err->code : tow_child_start(&job->child, argv, &files, err);
    if (fd >= 0)
        close(fd);
    if (rc)
        process_take_why(job);
    return rc;
}

static void process_stop(void *context, struct tow_daemon_job *job)
{
    const struct tow_daemon *daemon = context;

    tow_child_stop(&job->child, tow_monotonic_ms(), daemon->settings->drain_ms);
}

static int process_watch(void *context, int64_t pid)
{
    (void)context;
    return tow_pidfd((pid_t)pid);
}

static void process_unwatch(void *context, int fd)
{
    (void)context;
    close(fd);
}

static int64_t process_monotonic(void *context)
{
    (void)context;
    return tow_monotonic_ms();
}

const struct tow_supervisor_ops tow_daemon_ops = {
    .start = process_start,
    .stop = process_stop,
    .watch = process_watch,
    .unwatch = process_unwatch,
    .monotonic_ms = process_monotonic,
};

static int process_has_ended(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&look, 1, 0) == 1;
}

void tow_daemon_reap(struct tow_daemon *daemon, int64_t now_us)
{
    struct tow_supervisor *supervisor = &daemon->supervisor;
    int exit_code, signal_number;

    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];

        if (job->activity == TOW_ACTIVITY_CHILD && process_has_ended(job->child.fd)) {
            tow_child_reap(&job->child, &exit_code, &signal_number);
            process_take_why(job);
            tow_supervisor_ended(supervisor, job, exit_code, signal_number, now_us);
        } else if (job->activity == TOW_ACTIVITY_FOREIGN && process_has_ended(job->watch_fd)) {
            tow_supervisor_watched(supervisor, job, now_us);
        }
    }
    for (int i = 0; i < TOW_COURIERS; i++) {
        struct tow_delivery *delivery = &daemon->courier.deliveries[i];

        if (delivery->child.pid <= 0 || !process_has_ended(delivery->child.fd))
            continue;
        tow_child_reap(&delivery->child, &exit_code, &signal_number);
        tow_courier_ended(&daemon->courier, supervisor, delivery, exit_code, signal_number, now_us);
    }
}

int64_t tow_daemon_tick_children(struct tow_daemon *daemon, int64_t now_ms)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < daemon->supervisor.count; i++) {
        int64_t due = tow_child_tick(&daemon->supervisor.jobs[i]->child, now_ms);

        if (due < next)
            next = due;
    }
    return next;
}
