/* How runs ended: what the state says of it, what the agenda makes of it, and who is told. */
#include <signal.h>
#include <string.h>

#include "daemon/health.h"
#include "daemon/supervisor.h"
#include "log.h"
#include "run/run.h"

/* ---- judging -------------------------------------------------------------------------------- */

static size_t outcome_alerts(const struct tow_daemon_job *job, const struct tow_run *run,
                             uint32_t told, int64_t now_us, struct tow_alert *alerts)
{
    size_t count = 0;

    for (size_t i = 0; i < job->plan.channel_count; i++)
        for (uint32_t event = 1; event <= TOW_ALERT_LATE; event <<= 1) {
            if (!(told & event & job->plan.channels[i].on))
                continue;
            alerts[count] = (struct tow_alert){.channel = (int64_t)i,
                                               .run = run->id,
                                               .slot_us = run->slot_us,
                                               .created_us = now_us,
                                               .due_us = now_us};
            strcpy(alerts[count].job, job->plan.name);
            strcpy(alerts[count++].event, tow_alert_event_name(event));
        }
    return count;
}

int tow_supervisor_judge(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                         int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_health health = job->health;
    struct tow_alert alerts[4 * TOW_ALERTS_MAX];
    struct tow_run run;
    int rc;

    if (!supervisor->state)
        return TOW_E_ENV;
    rc = tow_state_last_run(supervisor->state, job->plan.name, &run, &err);
    if (rc == TOW_OK && run.end_us)
        job->last = tow_last_run(&run);
    if (rc == TOW_OK && run.end_us && run.id > job->health.judged) {
        int retried = job->plan.has_schedule && job->agenda.state == TOW_AGENDA_RETRY;
        uint32_t told = tow_health_run(&health, &run, retried);
        size_t count = outcome_alerts(job, &run, told, now_us, alerts);

        rc = tow_state_health_put(supervisor->state, job->plan.name, &health, alerts, count, &err);
        if (!rc)
            job->health = health;
        supervisor->told |= count > 0;
    }
    if (rc < TOW_OK)
        tow_supervisor_state_failed(supervisor, &err, now_us);
    return rc < TOW_OK ? rc : TOW_OK;
}

/* ---- closing -------------------------------------------------------------------------------- */

static void outcome_describe(int exit_code, int signal_number, struct tow_error *why)
{
    if (signal_number)
        tow_error_set(why, TOW_E_BUG, "killed by signal %d (%s)", signal_number,
                      strsignal(signal_number));
    else
        tow_error_set(why, TOW_E_BUG, "ended with exit code %d without recording its end",
                      exit_code);
}

/* A run whose process is gone without having written its end. The lock makes sure that it is not
 * somebody else's run. */
static int outcome_close(struct tow_supervisor *supervisor, const char *job, int64_t id,
                         int exit_code, const struct tow_error *why, int64_t now_us,
                         struct tow_error *err)
{
    struct tow_lock *lock = NULL;
    int busy = 0;
    int rc = tow_state_lock(supervisor->state, job, &lock, &busy, err);

    if (busy)
        return TOW_OK;
    if (!rc)
        rc = tow_state_run_close(supervisor->state, id, TOW_RUN_INTERRUPTED, exit_code, why, now_us,
                                 err);
    if (lock)
        tow_state_unlock(lock);
    return rc;
}

int tow_supervisor_close_dead(struct tow_supervisor *supervisor, int64_t now_us,
                              struct tow_error *err)
{
    struct tow_error why = TOW_ERROR_INIT;
    struct tow_run run = {.id = 0};
    int rc;

    tow_error_set(&why, TOW_E_ENV, "its process died, and so did the daemon or the machine");
    while ((rc = tow_state_running(supervisor->state, run.id, &run, err)) == TOW_OK) {
        int64_t pid;

        rc = tow_state_lock_holder(supervisor->state, run.job, &pid, err);
        if (rc == TOW_END) {
            tow_log_line(TOW_LOG_WARN, "daemon", "%s: run %lld was left open by a dead process",
                         run.job, (long long)run.id);
            rc = outcome_close(supervisor, run.job, run.id, -1, &why, now_us, err);
        }
        if (rc < TOW_OK)
            return rc;
    }
    return rc == TOW_END ? TOW_OK : rc;
}

/* A run that did not get as far as the state leaves a record all the same: it failed. */
static int outcome_record(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                          int exit_code, int signal_number, int64_t now_us, struct tow_run *run,
                          struct tow_error *err)
{
    static const struct tow_counts none;
    struct tow_error why = TOW_ERROR_INIT;
    struct tow_lock *lock = NULL;
    int64_t id = 0;
    int busy = 0;
    const struct tow_run_start start = {.job = job->plan.name,
                                        .job_file = job->plan.path,
                                        .load_id = "",
                                        .now_us = job->started_us,
                                        .slot_us = job->by_hand ? 0 : job->agenda.slot_us,
                                        .attempt = job->by_hand ? 0 : job->agenda.tries};

    if (signal_number)
        outcome_describe(exit_code, signal_number, &why);
    else
        tow_error_set(&why,
                      exit_code == TOW_EXIT_CONFIG        ? TOW_E_CONFIG
                      : exit_code == TOW_EXIT_ENVIRONMENT ? TOW_E_ENV
                                                          : TOW_E_BUG,
                      "it could not begin: %s", job->why[0] ? job->why : "the log says why");
    int rc = tow_state_lock(supervisor->state, job->plan.name, &lock, &busy, err);
    if (!rc)
        rc = tow_state_run_begin(supervisor->state, &start, &id, err);
    const struct tow_commit commit = {.job = job->plan.name, .run = id, .counts = &none};
    if (!rc)
        rc = tow_state_run_end(supervisor->state, &commit, TOW_RUN_FAILED,
                               signal_number ? 128 + signal_number : exit_code, &why, now_us, err);
    if (lock)
        tow_state_unlock(lock);
    return rc ? rc : tow_state_run(supervisor->state, id, run, err);
}

/* ---- the end of a child --------------------------------------------------------------------- */

/* What the child left in the state: TOW_END where it is nothing. */
static int outcome_find(struct tow_supervisor *supervisor, const struct tow_daemon_job *job,
                        struct tow_run *run, struct tow_error *err)
{
    int rc = TOW_OK;

    /* It failed while the run was on. The agenda goes by the exit code, and is kept later. */
    if (!supervisor->state)
        return tow_error_set(err, TOW_E_ENV, "%s", supervisor->state_error);
    if (!job->by_hand)
        rc = tow_state_slot_run(supervisor->state, job->plan.name, job->agenda.slot_us, run, err);
    if (!rc && !job->by_hand && run->id <= job->floor)
        rc = TOW_END;
    /* One process may make several loads, each a run. */
    if (!rc)
        rc = tow_state_last_run(supervisor->state, job->plan.name, run, err);
    return rc == TOW_OK && run->id <= job->floor ? TOW_END : rc;
}

static void outcome_log(const struct tow_daemon_job *job, const struct tow_run *run)
{
    double seconds = (double)(run->end_us - run->start_us) / 1e6;
    int ok = strcmp(run->status, TOW_RUN_OK) == 0;

    tow_log_line(ok ? TOW_LOG_INFO : TOW_LOG_WARN, "daemon",
                 "%s: run %lld %s in %.1f s: %lld read, %lld accepted, %lld rejected%s%s",
                 job->plan.name, (long long)run->id, run->status, seconds,
                 (long long)run->counts.read, (long long)run->counts.accepted,
                 (long long)run->counts.rejected, run->error[0] ? ": " : "", run->error);
}

/*
 * Another run holds the lock, or took the slot: this one did nothing. Where it took the slot, the
 * agenda is as true for it; else the slot is still to come, after that run.
 */
static void outcome_yield(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                          int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;
    int rc = job->by_hand || !job->plan.has_schedule
                 ? TOW_END
                 : tow_state_slot_run(supervisor->state, job->plan.name, job->agenda.slot_us, &run,
                                      &err);

    tow_log_line(TOW_LOG_INFO, "daemon", "%s: another run was quicker", job->plan.name);
    if (rc < TOW_OK)
        tow_supervisor_state_failed(supervisor, &err, now_us);
    if (rc == TOW_END)
        job->agenda = job->before;
    if (job->plan.has_schedule)
        tow_supervisor_keep(supervisor, job, now_us);
    job->adopted = 0;
    job->hold_us = now_us + TOW_HOLD_US;
    job->wake_us = now_us;
}

static enum tow_agenda_outcome outcome_of(const struct tow_daemon_job *job, int exit_code,
                                          int signal_number)
{
    if (job->timed_out && (signal_number || exit_code))
        return TOW_AGENDA_STOPPED;
    if (job->stopped && (signal_number || exit_code > 128))
        return TOW_AGENDA_INTERRUPTED;
    return tow_agenda_outcome_of(exit_code, signal_number);
}

/* Makes the state say what is known here of how the run ended. */
static int outcome_complete(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                            int exit_code, int signal_number, int64_t now_us, struct tow_run *run,
                            struct tow_error *err)
{
    struct tow_error why = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (strcmp(run->status, TOW_RUN_RUNNING) == 0) {
        outcome_describe(exit_code, signal_number, &why);
        rc = outcome_close(supervisor, job->plan.name, run->id,
                           signal_number ? 128 + signal_number : exit_code, &why, now_us, err);
    }
    if (!rc && job->timed_out) {
        tow_error_set(&why, TOW_E_CANCELLED, "stopped after its timeout of %lld s",
                      (long long)(job->plan.schedule.timeout_us / 1000000));
        rc =
            tow_state_run_close(supervisor->state, run->id, TOW_RUN_FAILED,
                                signal_number ? 128 + signal_number : exit_code, &why, now_us, err);
    }
    return rc ? rc : tow_state_run(supervisor->state, run->id, run, err);
}

void tow_supervisor_ended(struct tow_supervisor *supervisor, struct tow_daemon_job *job,
                          int exit_code, int signal_number, int64_t now_us)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;
    int rc = outcome_find(supervisor, job, &run, &err);

    job->activity = TOW_ACTIVITY_NONE;
    job->wake_us = now_us;
    supervisor->running--;
    if (rc == TOW_END && !signal_number && exit_code == TOW_EXIT_LOCKED) {
        outcome_yield(supervisor, job, now_us);
        return;
    }
    if (rc == TOW_OK)
        rc = outcome_complete(supervisor, job, exit_code, signal_number, now_us, &run, &err);
    else if (rc == TOW_END && !job->stopped)
        rc = outcome_record(supervisor, job, exit_code, signal_number, now_us, &run, &err);
    if (rc == TOW_OK)
        outcome_log(job, &run);
    else if (rc < TOW_OK)
        tow_supervisor_state_failed(supervisor, &err, now_us);
    if (job->plan.has_schedule) {
        tow_agenda_ended(&job->plan.schedule, &job->agenda,
                         outcome_of(job, exit_code, signal_number), now_us);
        tow_supervisor_keep(supervisor, job, now_us);
        /* The schedule was changed while the run was on. */
        if (job->agenda.fingerprint != job->plan.schedule.fingerprint)
            job->adopted = 0;
    }
    tow_supervisor_judge(supervisor, job, now_us);
}
