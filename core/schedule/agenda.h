/*
 * What a scheduler does with one job: a pure function of the job's schedule, of what is known of it
 * (struct tow_agenda, kept in the state) and of the time. The daemon and the simulation in
 * tests/unit/test_agenda.c use the same code.
 *
 * The caller's loop, for each job:
 *
 *     tow_agenda_adopt(schedule, &agenda, now)          at start, and after a re-read
 *     again: tow_agenda_decide(schedule, &agenda, now, &step)
 *       TOW_AGENDA_WAIT    ask again at step.wake_us, or when the job's run ends
 *       TOW_AGENDA_SKIP    tow_agenda_skipped(&agenda, &step); keep the agenda; again
 *       TOW_AGENDA_START   tow_agenda_started(&agenda, &step, now); KEEP THE PLAN (state/state.h);
 * then start the run; again. Where no run may be added now, do nothing and ask again when one may:
 * newer slots are then taken into account. a run ended: tow_agenda_ended(schedule, &agenda,
 * outcome, now); keep the agenda; again
 *
 * Since the agenda is kept before the run starts, a scheduler that dies at any instant has begun
 * each slot at most once: adopt finds the run that was on, and it is started again for the same
 * slot where nobody saw it end (unless a newer slot is due, which then stands for both). A caller
 * that knows how that run ended (it went on without the scheduler, and the state has its end) says
 * so with tow_agenda_ended before it adopts; while it still runs, it does neither, and only waits.
 *
 * Times are microseconds since 1970 UTC of a clock that may jump. Backwards, no slot comes twice:
 * none before agenda.slot_us is due, up to TOW_AGENDA_BACK_MAX_US; a clock that was further ahead
 * was wrong, and what it did then no longer counts. Forwards, slots in between are due at once.
 */
#ifndef CORE_SCHEDULE_AGENDA_H
#define CORE_SCHEDULE_AGENDA_H

#include <stdint.h>

#include "schedule/schedule.h"

#define TOW_AGENDA_BACK_MAX_US (INT64_C(86400) * 1000000)
#define TOW_AGENDA_COUNT_MAX   100000 /* `passed` of a step goes so far */

/* What the job does. Kept in the state: numbers are stable. */
#define TOW_AGENDA_IDLE    0 /* waits for a slot */
#define TOW_AGENDA_RUNNING 1 /* the run of slot_us is on */
#define TOW_AGENDA_RETRY   2 /* the run of slot_us failed, and is tried again */
#define TOW_AGENDA_BY_HAND 3 /* a run is on that stands for no slot */

struct tow_agenda {
    int32_t state;        /* TOW_AGENDA_... */
    int32_t tries;        /* runs of slot_us so far */
    int64_t since_us;     /* slots up to it are not this job's: taken on, or changed, then */
    int64_t slot_us;      /* the newest slot that was started or passed over; TOW_SLOT_NONE */
    int64_t started_us;   /* of the newest run; 0: none */
    int64_t ended_us;     /* of the newest run that ended; 0: none */
    uint64_t fingerprint; /* of the schedule that the above belongs to; 0: new */
};

#define TOW_AGENDA_NEW                                                    \
    {                                                                     \
        .state = TOW_AGENDA_IDLE, .slot_us = TOW_SLOT_NONE, .since_us = 0 \
    }

enum tow_agenda_action { TOW_AGENDA_WAIT, TOW_AGENDA_START, TOW_AGENDA_SKIP };

struct tow_agenda_step {
    enum tow_agenda_action action;
    int64_t slot_us; /* START: what the run stands for; SKIP: the newest slot passed over. Of a
                        continuous job, the time of its start */
    int64_t passed;  /* slots that this step takes along with slot_us: missed, or overlapped */
    int32_t attempt; /* START: 1 for the first run of the slot */
    int64_t wake_us; /* WAIT: when to ask again; TOW_SLOT_NEVER: only when the run ends */
};

/* How a run ended, as far as the agenda is concerned. */
enum tow_agenda_outcome {
    TOW_AGENDA_OK,
    TOW_AGENDA_FAILED,      /* worth another try */
    TOW_AGENDA_REFUSED,     /* would fail again: no further try of this slot */
    TOW_AGENDA_INTERRUPTED, /* stopped from outside, or with the machine: begun again, no try
                             * counted
                             */
    TOW_AGENDA_STOPPED      /* by an operator, or its timeout: done with this slot */
};
/* Of `towpath run`: exit code, or with `signal` other than 0 the signal that killed it. */
enum tow_agenda_outcome tow_agenda_outcome_of(int exit_code, int signal);

/* Takes the job on: a new one, one whose schedule changed, or one that a scheduler left behind. */
void tow_agenda_adopt(const struct tow_schedule *schedule, struct tow_agenda *agenda,
                      int64_t now_us);
void tow_agenda_decide(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                       int64_t now_us, struct tow_agenda_step *step);
void tow_agenda_started(struct tow_agenda *agenda, const struct tow_agenda_step *step,
                        int64_t now_us);
void tow_agenda_skipped(struct tow_agenda *agenda, const struct tow_agenda_step *step);
/* A run that an operator asked for: only while none is on (IDLE, RETRY). */
void tow_agenda_started_by_hand(struct tow_agenda *agenda, int64_t now_us);
void tow_agenda_ended(const struct tow_schedule *schedule, struct tow_agenda *agenda,
                      enum tow_agenda_outcome outcome, int64_t now_us);

/* When the job starts next, if nothing comes between; TOW_SLOT_NEVER. For people. */
int64_t tow_agenda_next_start(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                              int64_t now_us);

#endif
