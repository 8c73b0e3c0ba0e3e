/* Jobs taken on, and runs that this daemon did not start. */
#include <signal.h>
#include <string.h>

#include "daemon/supervisor.h"
#include "log.h"

#define LOOK_US (10 * INT64_C(1000000)) /* a run whose process cannot be seen is looked for */
#define GONE_US INT64_C(200000)         /* and one whose process could not be watched */

/* ---- runs of somebody else ------------------------------------------------------------------ */

/* A run that was not started here is on, by the job's lock: 1. 0 where there is none, -1 where the
 * state failed. */
int tow_supervisor_find_foreign(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                                int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t pid;
    int rc;

    if (!supervisor->state)
        return -1;
    rc = tow_state_lock_holder(supervisor->state, job->plan.name, &pid, &err);
    if (rc < TOW_OK) {
        tow_supervisor_state_failed(supervisor, &err, now_us);
        return -1;
    }
    /* Of a look before: nobody would hear of it behind a child of our own. */
    if (job->watch_fd >= 0)
        tow_supervisor_drop_watch(supervisor, job);
    if (rc == TOW_END)
        return 0;
    job->activity = TOW_ACTIVITY_FOREIGN;
    job->watch_fd = pid ? supervisor->ops->watch(supervisor->context, pid) : -1;
    /* Where its process has just gone, its lock is found dead by the next look. */
    job->wake_us = job->watch_fd >= 0 ? INT64_MAX : now_us + (pid ? GONE_US : LOOK_US);
    return 1;
}

void tow_supervisor_drop_watch(struct tow_supervisor *supervisor, struct tow_daemon_job *job)
{
    if (job->watch_fd >= 0)
        supervisor->ops->unwatch(supervisor->context, job->watch_fd);
    job->watch_fd = -1;
    job->activity = TOW_ACTIVITY_NONE;
}

void tow_supervisor_watched(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            int64_t now_us)
{
    tow_supervisor_drop_watch(supervisor, job);
    job->wake_us = now_us;
    if (!job->adopted)
        return;
    if (job->agenda.state == TOW_AGENDA_BY_HAND) {
        tow_agenda_ended(&job->plan.schedule, &job->agenda, TOW_AGENDA_OK, now_us);
        tow_supervisor_keep(supervisor, job, now_us);
    }
    tow_supervisor_judge(supervisor, job, now_us);
}

/* ---- taking jobs on ------------------------------------------------------------------------- */

/*
 * One that was cut off is begun again: nobody is there to say that an operator stopped it. So is
 * one that is "running" still, whose process died just now.
 */
static enum tow_agenda_outcome adopt_outcome(const struct tow_agenda *agenda,
                                             const struct tow_run *run)
{
    if (strcmp(run->status, TOW_RUN_OK) == 0)
        return TOW_AGENDA_OK;
    if (run->attempt < agenda->tries || run->exit_code < 0)
        return TOW_AGENDA_INTERRUPTED;
    if (strcmp(run->status, TOW_RUN_INTERRUPTED) == 0)
        return tow_agenda_outcome_of(0, run->exit_code > 128 ? run->exit_code - 128 : SIGKILL);
    return strcmp(run->status, TOW_RUN_FAILED) == 0 ? tow_agenda_outcome_of(run->exit_code, 0)
                                                    : TOW_AGENDA_INTERRUPTED;
}

/* How the run ended that the agenda says is on, although nobody is at work. */
static int adopt_end_left(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                          int64_t now_us, struct tow_error *err)
{
    enum tow_agenda_outcome outcome = TOW_AGENDA_INTERRUPTED;
    struct tow_run run;
    int rc = TOW_END;

    if (job->agenda.state == TOW_AGENDA_RUNNING)
        rc = tow_state_slot_run(supervisor->state, job->plan.name, job->agenda.slot_us, &run, err);
    if (rc < TOW_OK)
        return rc;
    if (rc == TOW_OK)
        outcome = adopt_outcome(&job->agenda, &run);
    if (job->agenda.state == TOW_AGENDA_BY_HAND)
        outcome = TOW_AGENDA_OK;
    tow_agenda_ended(&job->plan.schedule, &job->agenda, outcome, now_us);
    return TOW_OK;
}

static int adopt_agenda(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                        int64_t now_us, struct tow_error *err)
{
    int on = job->agenda.state == TOW_AGENDA_RUNNING || job->agenda.state == TOW_AGENDA_BY_HAND;
    int rc = TOW_OK, foreign = tow_supervisor_find_foreign(supervisor, job, now_us);

    if (foreign < 0)
        return TOW_E_ENV;
    if (foreign && on) {
        tow_log_line(TOW_LOG_INFO, "daemon", "%s is running already; waiting for its end",
                     job->plan.name);
        return TOW_END;
    }
    if (on)
        rc = adopt_end_left(supervisor, job, now_us, err);
    if (rc)
        return rc;
    tow_agenda_adopt(&job->plan.schedule, &job->agenda, !job->known, now_us);
    if (foreign)
        tow_agenda_started_by_hand(&job->agenda, now_us);
    return TOW_OK;
}

/* TOW_OK once the job is taken on, TOW_END where that waits for the end of a run. */
int tow_supervisor_adopt(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                         int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_agenda kept = TOW_AGENDA_NEW;
    int rc = tow_state_health(supervisor->state, job->plan.name, &job->health, &err);

    if (rc >= TOW_OK)
        rc = tow_state_agenda(supervisor->state, job->plan.name, &kept, &err);
    job->agenda = kept;
    if (rc >= TOW_OK)
        rc = job->plan.has_schedule ? adopt_agenda(supervisor, job, now_us, &err) : TOW_OK;
    if (rc < TOW_OK) {
        if (err.code)
            tow_supervisor_state_failed(supervisor, &err, now_us);
        return rc;
    }
    if (rc == TOW_END)
        return rc;
    /* Hundreds of jobs that are as they were need no write each. */
    if (job->plan.has_schedule && memcmp(&kept, &job->agenda, sizeof kept) != 0)
        rc = tow_supervisor_keep(supervisor, job, now_us);
    if (!rc)
        rc = tow_supervisor_judge(supervisor, job, now_us);
    job->adopted = rc == TOW_OK;
    job->known |= job->adopted;
    return rc;
}
