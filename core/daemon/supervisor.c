#include "daemon/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/health.h"
#include "log.h"
#include "towpath/value.h"

#define SECOND INT64_C(1000000)

/* ---- the state ------------------------------------------------------------------------------ */

void tow_supervisor_state_failed(struct tow_supervisor *supervisor, const struct tow_error *err,
                                 int64_t now_us)
{
    if (!supervisor->state_failed || strcmp(supervisor->state_error, err->message) != 0)
        tow_log_line(TOW_LOG_ERROR, "daemon", "nothing is started until the state works: %s",
                     err->message);
    supervisor->state_failed = 1;
    snprintf(supervisor->state_error, sizeof supervisor->state_error, "%s", err->message);
    supervisor->state_retry_us = now_us + TOW_STATE_RETRY_US;
}

static void supervisor_state_works(struct tow_supervisor *supervisor)
{
    if (supervisor->state_failed)
        tow_log_line(TOW_LOG_INFO, "daemon", "the state works again");
    supervisor->state_failed = 0;
    supervisor->state_error[0] = '\0';
}

int tow_supervisor_keep(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                        int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc;

    job->unsaved = 1;
    if (!supervisor->state)
        return TOW_E_ENV;
    rc = tow_state_agenda_put(supervisor->state, job->plan.name, &job->agenda, &err);
    job->unsaved = rc != TOW_OK;
    if (rc)
        tow_supervisor_state_failed(supervisor, &err, now_us);
    else
        supervisor_state_works(supervisor);
    return rc;
}

/* ---- slots ---------------------------------------------------------------------------------- */

static void supervisor_alert_late(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                                  int64_t slot_us, int64_t late_us, int64_t now_us)
{
    struct tow_health health = job->health;
    struct tow_alert alerts[TOW_ALERTS_MAX];
    struct tow_error err = TOW_ERROR_INIT;
    int64_t limit = INT64_MAX;
    size_t count = 0;

    for (size_t i = 0; i < job->plan.channel_count; i++)
        if (job->plan.channels[i].on & TOW_ALERT_LATE && job->plan.channels[i].late_us < limit)
            limit = job->plan.channels[i].late_us;
    if (limit == INT64_MAX)
        return;
    if (late_us < limit && job->wake_us > now_us + limit - late_us)
        job->wake_us = now_us + limit - late_us;
    uint32_t told = tow_health_late(&health, late_us, limit);
    if (health.late == job->health.late)
        return;
    for (size_t i = 0; told && i < job->plan.channel_count; i++) {
        if (!(job->plan.channels[i].on & TOW_ALERT_LATE))
            continue;
        alerts[count] = (struct tow_alert){.event = "late",
                                           .channel = (int64_t)i,
                                           .slot_us = slot_us,
                                           .created_us = now_us,
                                           .due_us = now_us};
        strcpy(alerts[count++].job, job->plan.name);
    }
    if (tow_state_health_put(supervisor->state, job->plan.name, &health, alerts, count, &err)) {
        tow_supervisor_state_failed(supervisor, &err, now_us);
        return;
    }
    job->health = health;
    supervisor->told |= count > 0;
}

/* A slot that waits: for its turn, or for the run that is on. */
static void supervisor_watch_late(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                                  int64_t now_us)
{
    const struct tow_agenda *agenda = &job->agenda;
    int64_t from = agenda->slot_us > agenda->since_us ? agenda->slot_us : agenda->since_us;
    int64_t slot = tow_schedule_next(&job->plan.schedule, from), due;

    if (slot == TOW_SLOT_NEVER || job->health.late)
        return;
    due = tow_schedule_due(&job->plan.schedule, slot);
    if (due <= now_us)
        supervisor_alert_late(supervisor, job, slot, now_us - due, now_us);
}

static int supervisor_skip(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                           int64_t now_us)
{
    char slot[TOW_TIMESTAMP_TEXT_MAX + 1];

    tow_agenda_skipped(&job->agenda, &job->step);
    *tow_put_timestamp(slot, job->step.slot_us, 1) = '\0';
    tow_log_line(TOW_LOG_INFO, "daemon", "%s: %lld slot%s up to %s passed over", job->plan.name,
                 (long long)job->step.passed, job->step.passed == 1 ? "" : "s", slot);
    return tow_supervisor_keep(supervisor, job, now_us);
}

/* Asks the agenda until it waits, or wants a run. */
static void supervisor_decide(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                              int64_t now_us)
{
    job->wants = 0;
    for (;;) {
        tow_agenda_decide(&job->plan.schedule, &job->agenda, now_us, &job->step);
        if (job->step.action != TOW_AGENDA_SKIP)
            break;
        if (supervisor_skip(supervisor, job, now_us))
            return;
    }
    job->wake_us = job->step.action == TOW_AGENDA_WAIT ? job->step.wake_us : INT64_MAX;
    if (job->step.action == TOW_AGENDA_START && now_us < job->hold_us &&
        now_us >= job->hold_us - TOW_HOLD_US) {
        job->wake_us = job->hold_us;
    } else if (job->step.action == TOW_AGENDA_START) {
        job->wants = 1;
        job->due_us = tow_schedule_due(&job->plan.schedule, job->step.slot_us);
    }
    supervisor_watch_late(supervisor, job, now_us);
}

static void supervisor_look(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            int64_t now_us)
{
    if (job->activity == TOW_ACTIVITY_FOREIGN && job->watch_fd < 0 && now_us >= job->wake_us) {
        job->activity = TOW_ACTIVITY_NONE;
        int foreign = tow_supervisor_find_foreign(supervisor, job, now_us);

        if (foreign < 0) {
            job->activity = TOW_ACTIVITY_FOREIGN;
            return;
        }
        if (!foreign)
            tow_supervisor_watched(supervisor, job, now_us);
    }
    if (job->unsaved && job->adopted && tow_supervisor_keep(supervisor, job, now_us))
        return;
    if (job->gone)
        return;
    if (!job->adopted && (job->activity != TOW_ACTIVITY_NONE ||
                          tow_supervisor_adopt(supervisor, job, now_us) != TOW_OK))
        return;
    int64_t look =
        job->activity == TOW_ACTIVITY_FOREIGN && job->watch_fd < 0 ? job->wake_us : INT64_MAX;
    if (!job->plan.has_schedule)
        job->wake_us = INT64_MAX;
    else
        supervisor_decide(supervisor, job, now_us);
    if (look < job->wake_us)
        job->wake_us = look;
}

/* ---- starting ------------------------------------------------------------------------------- */

static int supervisor_floor(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            struct tow_error *err)
{
    struct tow_run run;
    int rc = tow_state_last_run(supervisor->state, job->plan.name, &run, err);

    job->floor = rc == TOW_OK ? run.id : 0;
    return rc == TOW_END ? TOW_OK : rc;
}

/* The agenda says that a run is on, and is kept: now it is started. */
static int supervisor_spawn(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            int64_t now_us, struct tow_error *err)
{
    int rc = supervisor->ops->start(supervisor->context, job, err);

    if (rc) {
        tow_log_line(TOW_LOG_ERROR, "daemon", "%s: %s", job->plan.name, err->message);
        job->agenda = job->before;
        if (job->plan.has_schedule)
            tow_supervisor_keep(supervisor, job, now_us);
        job->hold_us = job->wake_us = now_us + TOW_HOLD_US;
        return rc;
    }
    job->activity = TOW_ACTIVITY_CHILD;
    job->started_us = now_us;
    job->started_ms = supervisor->ops->monotonic_ms(supervisor->context);
    job->timed_out = job->stopped = 0;
    supervisor->running++;
    return TOW_OK;
}

static void supervisor_start(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                             int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    int foreign = tow_supervisor_find_foreign(supervisor, job, now_us);

    job->wants = 0;
    if (foreign < 0)
        return;
    if (foreign) {
        tow_agenda_started_by_hand(&job->agenda, now_us);
        tow_supervisor_keep(supervisor, job, now_us);
        supervisor_look(supervisor, job, now_us);
        return;
    }
    if (supervisor_floor(supervisor, job, &err)) {
        tow_supervisor_state_failed(supervisor, &err, now_us);
        return;
    }
    supervisor_alert_late(supervisor, job, job->step.slot_us,
                          now_us > job->due_us ? now_us - job->due_us : 0, now_us);
    job->before = job->agenda;
    tow_agenda_started(&job->agenda, &job->step, now_us);
    job->by_hand = 0;
    if (tow_supervisor_keep(supervisor, job, now_us)) {
        job->agenda = job->before;
        job->unsaved = 0;
        return;
    }
    if (supervisor_spawn(supervisor, job, now_us, &err) == TOW_OK)
        supervisor_decide(supervisor, job, now_us);
}

int tow_supervisor_run(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                       int64_t now_us, struct tow_error *err)
{
    if (supervisor->draining || job->gone)
        return tow_error_set(err, TOW_E_TRANSIENT, "the daemon starts nothing more");
    if (!supervisor->state || supervisor->state_failed || !job->adopted)
        return job->activity != TOW_ACTIVITY_NONE
                   ? tow_error_set(err, TOW_E_TRANSIENT, "job %s is running", job->plan.name)
                   : tow_error_set(err, TOW_E_ENV, "the state does not work");
    if (job->activity == TOW_ACTIVITY_NONE &&
        tow_supervisor_find_foreign(supervisor, job, now_us) < 0)
        return tow_error_set(err, TOW_E_ENV, "the state does not work");
    if (job->activity != TOW_ACTIVITY_NONE)
        return tow_error_set(err, TOW_E_TRANSIENT, "job %s is running", job->plan.name);
    if (supervisor->running >= supervisor->max_runs)
        return tow_error_set(err, TOW_E_TRANSIENT, "%d runs are under way, as many as may be",
                             supervisor->running);
    if (supervisor_floor(supervisor, job, err))
        return err->code;
    job->before = job->agenda;
    job->by_hand = 1;
    job->wants = 0;
    if (job->plan.has_schedule) {
        tow_agenda_started_by_hand(&job->agenda, now_us);
        if (tow_supervisor_keep(supervisor, job, now_us)) {
            job->agenda = job->before;
            job->unsaved = 0;
            return tow_error_set(err, TOW_E_ENV, "the state does not work");
        }
    }
    return supervisor_spawn(supervisor, job, now_us, err);
}

/* Of the jobs that want a run, those whose time came first. */
static void supervisor_start_waiting(struct tow_supervisor *supervisor, int64_t now_us)
{
    while (!supervisor->draining && supervisor->running < supervisor->max_runs) {
        struct tow_daemon_job *first = NULL;

        for (size_t i = 0; i < supervisor->count; i++) {
            struct tow_daemon_job *job = supervisor->jobs[i];

            if (job->wants && !job->gone && (!first || job->due_us < first->due_us))
                first = job;
        }
        if (!first)
            return;
        supervisor_start(supervisor, first, now_us);
    }
}

/* ---- the step ------------------------------------------------------------------------------- */

static int64_t supervisor_check_timeout(struct tow_supervisor *supervisor,
                                        struct tow_daemon_job *job, int64_t now_us)
{
    int64_t timeout = job->plan.has_schedule ? job->plan.schedule.timeout_us : 0;

    if (job->activity != TOW_ACTIVITY_CHILD || timeout <= 0 || job->timed_out)
        return INT64_MAX;
    int64_t left =
        timeout - (supervisor->ops->monotonic_ms(supervisor->context) - job->started_ms) * 1000;
    if (left > 0)
        return now_us + left;
    job->timed_out = 1;
    tow_log_line(TOW_LOG_WARN, "daemon", "%s: stopped after its timeout of %lld s", job->plan.name,
                 (long long)(timeout / SECOND));
    supervisor->ops->stop(supervisor->context, job);
    return INT64_MAX;
}

static void supervisor_remove_gone(struct tow_supervisor *supervisor)
{
    size_t kept = 0;

    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];

        if (!job->gone || job->activity == TOW_ACTIVITY_CHILD) {
            supervisor->jobs[kept++] = job;
            continue;
        }
        tow_supervisor_drop_watch(supervisor, job);
        tow_job_plan_release(&job->plan);
        free(job);
    }
    supervisor->count = kept;
}

int64_t tow_supervisor_step(struct tow_supervisor *supervisor, int64_t now_us)
{
    int jumped = now_us < supervisor->clock_us;
    int64_t wake = INT64_MAX;

    supervisor->clock_us = now_us;
    if (!supervisor->state || (supervisor->state_failed && now_us < supervisor->state_retry_us &&
                               now_us > supervisor->state_retry_us - TOW_STATE_RETRY_US))
        return supervisor->state ? supervisor->state_retry_us : now_us + TOW_STATE_RETRY_US;
    /* Where a part of the state is damaged, the jobs of the other parts go on: each job tries. */
    int failed = supervisor->state_failed;
    supervisor->state_retry_us = 0;
    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];

        if (failed || jumped || job->wants || !job->adopted || job->unsaved ||
            now_us >= job->wake_us || job->wake_us == INT64_MAX)
            supervisor_look(supervisor, job, now_us);
    }
    supervisor_start_waiting(supervisor, now_us);
    if (supervisor->state_retry_us == 0 && failed)
        supervisor_state_works(supervisor);
    supervisor_remove_gone(supervisor);
    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];
        int64_t timeout = supervisor_check_timeout(supervisor, job, now_us);

        if (job->wake_us < wake)
            wake = job->wake_us;
        if (timeout < wake)
            wake = timeout;
    }
    if (supervisor->state_failed && supervisor->state_retry_us < wake)
        wake = supervisor->state_retry_us;
    return wake;
}

void tow_supervisor_drain(struct tow_supervisor *supervisor)
{
    supervisor->draining = 1;
    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];

        if (job->activity != TOW_ACTIVITY_CHILD)
            continue;
        job->stopped = 1;
        supervisor->ops->stop(supervisor->context, job);
    }
}

int64_t tow_supervisor_next(const struct tow_daemon_job *job, int64_t now_us)
{
    return job->plan.has_schedule && job->adopted
               ? tow_agenda_next_start(&job->plan.schedule, &job->agenda, now_us)
               : TOW_SLOT_NEVER;
}
