/*
 * What a scheduler does with one job: a pure function of the job's schedule, of what is known of it
 * (struct tow_agenda, kept in the state) and of the time. The daemon and the simulation in
 * tests/unit/test_agenda_years.c use the same code.
 *
 * The caller's loop, for each job:
 *
 * - At start, and after each reading of the job files: tow_agenda_adopt.
 * - tow_agenda_decide, whenever something may have changed: at the time that its last answer named,
 *   when the job's run ended, when a place for a run became free, when the clock jumped.
 * - TOW_AGENDA_START: tow_agenda_started; KEEP THE AGENDA (state/state.h); start the run; decide
 *   again. Where no run may be added now, nothing, until one may: decide then takes newer slots
 * into account.
 * - TOW_AGENDA_SKIP: tow_agenda_skipped; keep the agenda; decide again.
 * - A run ended: tow_agenda_ended; keep the agenda; decide again.
 *
 * Since the agenda is kept before the run starts, a scheduler that dies at any instant has begun
 * each slot at most once. The next one finds an agenda whose run is on, and looks at the job's lock
 * and its newest run in the state. Where that run lives, it only waits for its end, and adopts with
 * away = 0. Where it ended meanwhile, it says so with tow_agenda_ended, and adopts. Else it adopts
 * with away = 1, which begins that slot again, unless a newer one is due and stands for both.
 *
 * Times are microseconds since 1970 UTC of a clock that may jump. Backwards, no slot comes twice:
 * nothing is due up to slot_us and since_us, if they lie no more than TOW_AGENDA_BACK_MAX_US ahead.
 * A clock that was further ahead was wrong, and counts go on from the time that is now. Forwards,
 * the slots between are due at once.
 */
#ifndef CORE_SCHEDULE_AGENDA_H
#define CORE_SCHEDULE_AGENDA_H

#include <stdint.h>

#include "schedule/schedule.h"

#define TOW_AGENDA_BACK_MAX_US (INT64_C(86400) * 1000000)
#define TOW_AGENDA_COUNT_MAX   100000           /* `passed` of a step goes so far */
#define TOW_AGENDA_PAUSE_US    INT64_C(1000000) /* between two runs of a continuous job */

/* What the job does. Kept in the state: numbers are stable. */
#define TOW_AGENDA_IDLE    0 /* waits for a slot */
#define TOW_AGENDA_RUNNING 1 /* the run of slot_us is on */
#define TOW_AGENDA_RETRY   2 /* the run of slot_us failed, or broke off, and is begun again */
#define TOW_AGENDA_BY_HAND 3 /* a run is on that stands for no slot */

struct tow_agenda {
    int32_t state;        /* TOW_AGENDA_... */
    int32_t tries;        /* runs of slot_us so far */
    int64_t since_us;     /* slots up to it are not to be run: the job was taken on, or changed,
                             then, or they were passed over */
    int64_t slot_us;      /* of the newest run that stands for one; TOW_SLOT_NONE */
    int64_t started_us;   /* of the newest run; 0: none */
    int64_t ended_us;     /* of the newest run that ended; 0: none */
    uint64_t fingerprint; /* of the schedule that the above belongs to; 0: new */
};

#define TOW_AGENDA_NEW                                     \
    {                                                      \
        .state = TOW_AGENDA_IDLE, .slot_us = TOW_SLOT_NONE \
    }

enum tow_agenda_action { TOW_AGENDA_WAIT, TOW_AGENDA_START, TOW_AGENDA_SKIP };

struct tow_agenda_step {
    enum tow_agenda_action action;
    int64_t slot_us; /* START: what the run stands for (of a continuous job, now); SKIP: the newest
                        slot passed over */
    int64_t passed;  /* START: older slots that slot_us stands for as well, since they were missed;
                        SKIP: slots passed over, 0 where only a wrong clock is forgotten */
    int32_t attempt; /* START: 1 for the first run of the slot */
    int64_t wake_us; /* WAIT: when to ask again; TOW_SLOT_NEVER: only when the run ends */
};

/* How a run ended, as far as the agenda is concerned. */
enum tow_agenda_outcome {
    TOW_AGENDA_OK,
    TOW_AGENDA_FAILED,      /* worth another try */
    TOW_AGENDA_REFUSED,     /* would fail again: no further try of this slot */
    TOW_AGENDA_INTERRUPTED, /* broke off with scheduler or machine: begun again, no try counted */
    TOW_AGENDA_STOPPED      /* by an operator, or its timeout: done with this slot */
};
/* Of `towpath run`: exit code, or with `signal` other than 0 the signal that killed it. */
enum tow_agenda_outcome tow_agenda_outcome_of(int exit_code, int signal);

/* Takes the job on: a new one, one whose schedule changed, or one that is known. away: 1 where no
 * scheduler was at work before, 0 where only the job files were read again. */
void tow_agenda_adopt(const struct tow_schedule *schedule, struct tow_agenda *agenda, int away,
                      int64_t now_us);
void tow_agenda_decide(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                       int64_t now_us, struct tow_agenda_step *step);
void tow_agenda_started(struct tow_agenda *agenda, const struct tow_agenda_step *step,
                        int64_t now_us);
void tow_agenda_skipped(struct tow_agenda *agenda, const struct tow_agenda_step *step);
/* A run that an operator asked for: only while none is on (IDLE, RETRY). It stands for a try that
 * was still to come, too. */
void tow_agenda_started_by_hand(struct tow_agenda *agenda, int64_t now_us);
void tow_agenda_ended(const struct tow_schedule *schedule, struct tow_agenda *agenda,
                      enum tow_agenda_outcome outcome, int64_t now_us);

/* When the job starts next, if nothing comes between: now_us where it is due; TOW_SLOT_NEVER. */
int64_t tow_agenda_next_start(const struct tow_schedule *schedule, const struct tow_agenda *agenda,
                              int64_t now_us);

#endif
