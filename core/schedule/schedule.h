/*
 * When a job runs: the `schedule` section of its file as a rule that tells the next time. The
 * rules, with examples, stand in docs/schedule.md.
 *
 * A *slot* is an instant that the rule names, in whole seconds as microseconds since 1970 UTC. A
 * run that stands for a slot starts at its *due* time, which is the slot and its jitter. Nothing
 * here reads a clock, allocates, or changes a schedule that was sealed: any thread may ask at any
 * time.
 */
#ifndef CORE_SCHEDULE_SCHEDULE_H
#define CORE_SCHEDULE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "schedule/cron.h"
#include "schedule/zone.h"
#include "towpath/error.h"

#define TOW_SLOT_NEVER INT64_MAX /* there is no later slot */
#define TOW_SLOT_NONE  INT64_MIN /* there was no slot so far */

/* The numbers are those of the choices that the job file takes, where it names them. */
enum tow_schedule_kind {
    TOW_SCHEDULE_HOURLY, /* `frequency` ... */
    TOW_SCHEDULE_DAILY,
    TOW_SCHEDULE_WEEKLY,
    TOW_SCHEDULE_MONTHLY,
    TOW_SCHEDULE_CONTINUOUS, /* no slots: started when it does not run */
    TOW_SCHEDULE_CRON,       /* `cron` */
    TOW_SCHEDULE_EVERY,      /* `every`: multiples of it since 1970-01-01 00:00 UTC */
    TOW_SCHEDULE_AT_ONCE     /* `keep_updated = false` alone: one run, when the job is taken on */
};

enum tow_overlap { TOW_OVERLAP_SKIP, TOW_OVERLAP_QUEUE };
enum tow_catch_up { TOW_CATCH_UP_NONE, TOW_CATCH_UP_LATEST, TOW_CATCH_UP_ALL };
enum tow_first_run { TOW_FIRST_RUN_SLOT, TOW_FIRST_RUN_NOW };

struct tow_schedule {
    enum tow_schedule_kind kind;
    int once;                   /* 1: `keep_updated = false`: its first slot is its last */
    enum tow_overlap overlap;   /* a slot that comes while the job runs: passed over, or run next */
    enum tow_catch_up catch_up; /* slots that passed while no daemon ran */
    enum tow_first_run first_run; /* of a job that is new: at its first slot, or at once */
    int64_t jitter_us;            /* a due time lies 0 .. jitter_us behind its slot */
    int64_t timeout_us;           /* a run is stopped after it; 0: never */
    int32_t tries;                /* runs of one slot, as long as they fail; 1 .. 100 */
    int64_t retry_wait_us;        /* before the second one; doubles, up to an hour or itself */
    int64_t every_us;             /* EVERY */
    struct tow_cron cron;         /* HOURLY to MONTHLY, CRON */
    const struct tow_zone *zone;  /* never NULL in a schedule that was read */
    char *text;    /* the rule for people: "daily at 02:00 in Europe/Berlin"; heap, or NULL */
    uint64_t seed; /* of jitter: made of the job's name */
    uint64_t fingerprint; /* of what makes slots: another one, another rule; never 0 */
};

/* Sets seed and fingerprint: once all else is set. */
void tow_schedule_seal(struct tow_schedule *schedule, const char *job);

/*
 * First slot after `after_us`, TOW_SLOT_NEVER where there is none before the year 2200 or the kind
 * has no slots. `once` has no say here: schedule/agenda.h knows what ran.
 */
int64_t tow_schedule_next(const struct tow_schedule *schedule, int64_t after_us);
/* Last slot at or before `at_us` and after `after_us`; TOW_SLOT_NONE where there is none. */
int64_t tow_schedule_latest(const struct tow_schedule *schedule, int64_t after_us, int64_t at_us);
/* How many slots lie in (after_us, until_us]; stops counting at `most`. */
int64_t tow_schedule_count(const struct tow_schedule *schedule, int64_t after_us, int64_t until_us,
                           int64_t most);
/* The slot and its jitter: the same for one job's slot each time, another for each slot. */
int64_t tow_schedule_due(const struct tow_schedule *schedule, int64_t slot_us);
/* The shortest time between two slots, leaving changes of the zone's clocks aside; TOW_SLOT_NEVER
 * where the kind has no slots. */
int64_t tow_schedule_gap(const struct tow_schedule *schedule);

/* Gives back what zone and text hold. */
void tow_schedule_release(struct tow_schedule *schedule);

#endif
