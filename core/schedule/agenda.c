#include "schedule/agenda.h"

#define AGENDA_RETRY_MAX_US (INT64_C(3600) * 1000000)

/* ---- slots ---------------------------------------------------------------------------------- */

/* Slots up to here are dealt with. */
static int64_t agenda_base(const struct tow_agenda *agenda)
{
    return agenda->slot_us > agenda->since_us ? agenda->slot_us : agenda->since_us;
}

/* A first run that waits for no slot: it stands for the time at which the job was taken on. */
static int agenda_starts_at_once(const struct tow_schedule *schedule,
                                 const struct tow_agenda *agenda)
{
    if (agenda->slot_us != TOW_SLOT_NONE)
        return 0;
    return schedule->kind == TOW_SCHEDULE_AT_ONCE ||
           (schedule->first_run == TOW_FIRST_RUN_NOW && agenda->started_us == 0);
}

/* The slot that comes first of those that are not dealt with. */
static int64_t agenda_next(const struct tow_schedule *schedule, const struct tow_agenda *agenda)
{
    if (agenda_starts_at_once(schedule, agenda))
        return agenda->since_us;
    if (schedule->once && agenda->slot_us != TOW_SLOT_NONE)
        return TOW_SLOT_NEVER;
    return tow_schedule_next(schedule, agenda_base(agenda));
}

/* The newest slot behind `after` that is due; TOW_SLOT_NONE. */
static int64_t agenda_newest_due(const struct tow_schedule *schedule, int64_t after, int64_t now)
{
    int64_t slot = tow_schedule_latest(schedule, after, now);

    while (slot != TOW_SLOT_NONE && tow_schedule_due(schedule, slot) > now)
        slot = tow_schedule_latest(schedule, after, slot - 1);
    return slot;
}

/*
 * What is due: `first` is, at least. Slots are taken one by one where all are wanted, else all at
 * once. A schedule that ends with its first slot has no second one.
 */
static void agenda_take_due(const struct tow_schedule *schedule, int64_t first, int64_t now,
                            struct tow_agenda_step *step)
{
    int64_t second, newest;

    step->slot_us = first;
    if (schedule->once || schedule->catch_up == TOW_CATCH_UP_ALL)
        return;
    second = tow_schedule_next(schedule, first);
    if (second > now)
        return;
    newest = agenda_newest_due(schedule, first, now);
    if (newest == TOW_SLOT_NONE)
        return;
    step->slot_us = newest;
    step->passed = tow_schedule_count(schedule, first, newest, TOW_AGENDA_COUNT_MAX);
}

static void agenda_wait(struct tow_agenda_step *step, int64_t wake)
{
    step->action = TOW_AGENDA_WAIT;
    step->wake_us = wake;
}

/* ---- deciding ------------------------------------------------------------------------------- */

static int64_t agenda_retry_at(const struct tow_schedule *schedule, const struct tow_agenda *agenda)
{
    int64_t wait = schedule->retry_wait_us;
    int64_t most = wait > AGENDA_RETRY_MAX_US ? wait : AGENDA_RETRY_MAX_US;

    if (agenda->tries == 0)
        return agenda->ended_us;
    for (int32_t i = 1; i < agenda->tries && wait < most; i++)
        wait *= 2;
    return agenda->ended_us + (wait < most ? wait : most);
}

static void agenda_start(const struct tow_agenda *agenda, int64_t slot,
                         struct tow_agenda_step *step)
{
    step->action = TOW_AGENDA_START;
    step->slot_us = slot;
    step->attempt = agenda->state == TOW_AGENDA_RETRY ? agenda->tries + 1 : 1;
}

/* A wait that began in what is now the future cannot be measured: it is over. */
static int agenda_is_over(const struct tow_agenda *agenda, int64_t at, int64_t now)
{
    return now >= at || now < agenda->ended_us;
}

static void agenda_decide_continuous(const struct tow_schedule *schedule,
                                     const struct tow_agenda *agenda, int64_t now,
                                     struct tow_agenda_step *step)
{
    int64_t at = agenda->ended_us ? agenda->ended_us + TOW_AGENDA_PAUSE_US : now;

    if (agenda->state == TOW_AGENDA_RETRY)
        at = agenda_retry_at(schedule, agenda);
    if (agenda_is_over(agenda, at, now))
        agenda_start(agenda, now, step);
    else
        agenda_wait(step, at);
}

/* No run is on. */
static void agenda_decide_idle(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                               int64_t now, struct tow_agenda_step *step)
{
    int retry = agenda->state == TOW_AGENDA_RETRY;
    int64_t next = agenda_next(schedule, agenda);
    int64_t due = tow_schedule_due(schedule, next);

    /* Where each slot counts, the one that failed comes first. */
    if (due <= now && !(retry && schedule->catch_up == TOW_CATCH_UP_ALL)) {
        agenda_take_due(schedule, next, now, step);
        step->action = TOW_AGENDA_START;
        step->attempt = 1;
        return;
    }
    if (!retry) {
        agenda_wait(step, due);
        return;
    }
    int64_t at = agenda_retry_at(schedule, agenda);
    if (agenda_is_over(agenda, at, now))
        agenda_start(agenda, agenda->slot_us, step);
    else
        agenda_wait(step, at < due || due <= now ? at : due);
}

/* A run is on. */
static void agenda_decide_running(const struct tow_schedule *schedule,
                                  const struct tow_agenda *agenda, int64_t now,
                                  struct tow_agenda_step *step)
{
    int64_t next = agenda_next(schedule, agenda);
    int64_t due = tow_schedule_due(schedule, next);

    if (schedule->overlap == TOW_OVERLAP_QUEUE || schedule->once) {
        agenda_wait(step, TOW_SLOT_NEVER);
        return;
    }
    if (due > now) {
        agenda_wait(step, due);
        return;
    }
    agenda_take_due(schedule, next, now, step);
    step->action = TOW_AGENDA_SKIP;
    step->passed++;
}

void tow_agenda_decide(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                       int64_t now_us, struct tow_agenda_step *step)
{
    int running = agenda->state == TOW_AGENDA_RUNNING || agenda->state == TOW_AGENDA_BY_HAND;

    *step = (struct tow_agenda_step){.slot_us = TOW_SLOT_NONE, .wake_us = TOW_SLOT_NEVER};
    if (schedule->kind == TOW_SCHEDULE_CONTINUOUS) {
        if (!running)
            agenda_decide_continuous(schedule, agenda, now_us, step);
        return;
    }
    if (agenda_base(agenda) > now_us + TOW_AGENDA_BACK_MAX_US) {
        step->action = TOW_AGENDA_SKIP;
        step->slot_us = now_us;
        return;
    }
    if (running)
        agenda_decide_running(schedule, agenda, now_us, step);
    else
        agenda_decide_idle(schedule, agenda, now_us, step);
}

/* ---- what happened -------------------------------------------------------------------------- */

enum tow_agenda_outcome tow_agenda_outcome_of(int exit_code, int signal)
{
    if (signal)
        return TOW_AGENDA_FAILED;
    switch (exit_code) {
    case 0:
        return TOW_AGENDA_OK;
    case 2: /* the job file is wrong */
    case 4: /* rows got lost */
    case 5: /* too many rejects */
        return TOW_AGENDA_REFUSED;
    case 130:
    case 143:
        return TOW_AGENDA_STOPPED;
    default:
        return TOW_AGENDA_FAILED;
    }
}

void tow_agenda_adopt(const struct tow_schedule *schedule, struct tow_agenda *agenda, int away,
                      int64_t now_us)
{
    if (away && (agenda->state == TOW_AGENDA_RUNNING || agenda->state == TOW_AGENDA_BY_HAND))
        tow_agenda_ended(schedule, agenda, TOW_AGENDA_INTERRUPTED, now_us);
    if (agenda->fingerprint != schedule->fingerprint) {
        agenda->fingerprint = schedule->fingerprint;
        agenda->since_us = now_us;
        agenda->slot_us = TOW_SLOT_NONE;
        /* The slot that was to be tried again is none of this schedule's. */
        if (agenda->state == TOW_AGENDA_RETRY) {
            agenda->state = TOW_AGENDA_IDLE;
            agenda->tries = 0;
        }
        return;
    }
    if (away && schedule->catch_up == TOW_CATCH_UP_NONE && agenda_base(agenda) <= now_us) {
        int64_t missed = agenda_newest_due(schedule, agenda_base(agenda), now_us);

        if (missed != TOW_SLOT_NONE)
            agenda->since_us = missed;
    }
}

void tow_agenda_started(struct tow_agenda *agenda, const struct tow_agenda_step *step,
                        int64_t now_us)
{
    agenda->state = TOW_AGENDA_RUNNING;
    agenda->slot_us = step->slot_us;
    agenda->tries = step->attempt;
    agenda->started_us = now_us;
}

void tow_agenda_skipped(struct tow_agenda *agenda, const struct tow_agenda_step *step)
{
    agenda->since_us = step->slot_us;
    /* A wrong clock is forgotten. */
    if (agenda->slot_us > step->slot_us)
        agenda->slot_us = step->slot_us;
}

void tow_agenda_started_by_hand(struct tow_agenda *agenda, int64_t now_us)
{
    agenda->state = TOW_AGENDA_BY_HAND;
    agenda->tries = 0;
    agenda->started_us = now_us;
}

/* A run that was well for as long as the longest wait starts the waits anew. */
static int32_t agenda_after_continuous(struct tow_agenda *agenda, enum tow_agenda_outcome outcome)
{
    if (outcome != TOW_AGENDA_FAILED && outcome != TOW_AGENDA_REFUSED)
        return TOW_AGENDA_IDLE;
    if (agenda->ended_us - agenda->started_us > AGENDA_RETRY_MAX_US)
        agenda->tries = 1;
    return TOW_AGENDA_RETRY;
}

static int32_t agenda_after_slot(const struct tow_schedule *schedule,
                                 const struct tow_agenda *agenda, enum tow_agenda_outcome outcome)
{
    /* Its schedule changed meanwhile. */
    if (agenda->slot_us == TOW_SLOT_NONE)
        return TOW_AGENDA_IDLE;
    if (outcome == TOW_AGENDA_INTERRUPTED)
        return TOW_AGENDA_RETRY;
    return outcome == TOW_AGENDA_FAILED && agenda->tries < schedule->tries ? TOW_AGENDA_RETRY
                                                                           : TOW_AGENDA_IDLE;
}

void tow_agenda_ended(const struct tow_schedule *schedule, struct tow_agenda *agenda,
                      enum tow_agenda_outcome outcome, int64_t now_us)
{
    agenda->ended_us = now_us;
    if (agenda->state == TOW_AGENDA_BY_HAND)
        agenda->state = TOW_AGENDA_IDLE;
    else if (schedule->kind == TOW_SCHEDULE_CONTINUOUS)
        agenda->state = agenda_after_continuous(agenda, outcome);
    else
        agenda->state = agenda_after_slot(schedule, agenda, outcome);
    if (agenda->state == TOW_AGENDA_IDLE)
        agenda->tries = 0;
    else if (outcome == TOW_AGENDA_INTERRUPTED)
        agenda->tries--;
}

int64_t tow_agenda_next_start(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                              int64_t now_us)
{
    struct tow_agenda_step step;

    tow_agenda_decide(schedule, agenda, now_us, &step);
    if (step.action == TOW_AGENDA_START)
        return now_us;
    if (step.action == TOW_AGENDA_WAIT && step.wake_us != TOW_SLOT_NEVER)
        return step.wake_us;
    if (schedule->kind == TOW_SCHEDULE_CONTINUOUS || schedule->once)
        return TOW_SLOT_NEVER;
    return tow_schedule_due(schedule, tow_schedule_next(schedule, now_us));
}
