/* A job as the daemon knows it: what its file said when it was last sound, and where it stands. */
#ifndef CORE_DAEMON_JOB_H
#define CORE_DAEMON_JOB_H

#include "config/alerts_spec.h"
#include "console/run_doc.h"
#include "daemon/child.h"
#include "schedule/agenda.h"
#include "state/state.h"

#define TOW_HOLD_US (10 * INT64_C(1000000))

/* What is needed of an entry of `alerts` until a message is due. Its URL is read anew then. */
struct tow_channel {
    uint32_t on;
    int64_t late_us;
};

/* What the file says. Owned; moved from a reading to a job. */
struct tow_job_plan {
    char name[65];
    char *path;
    char *text; /* of the file, includes put in, references unexpanded: what its runs read */
    size_t length;
    int has_schedule;
    struct tow_schedule schedule;
    struct tow_channel *channels;
    size_t channel_count;
};

void tow_job_plan_release(struct tow_job_plan *plan);

/* What the job does now, whatever started it. */
enum tow_activity {
    TOW_ACTIVITY_NONE,
    TOW_ACTIVITY_CHILD,  /* `child` is at work */
    TOW_ACTIVITY_FOREIGN /* a run that this daemon did not start holds the job's lock */
};

struct tow_daemon_job {
    struct tow_job_plan plan;
    int gone;  /* its file is no longer there: it goes with the end of its run */
    int stale; /* its file has been changed to something that does not pass `check` */

    int adopted;                      /* the agenda has been read from the state and taken on */
    int known;                        /* this daemon had taken it on before */
    struct tow_agenda agenda, before; /* before: as it was before the run that is on */
    struct tow_health health;
    struct tow_last_run last;
    int unsaved; /* the agenda in the state is older */

    int wants; /* `step` is due and waits for its turn */
    struct tow_agenda_step step;
    int64_t due_us;
    int64_t hold_us; /* no run before: one could not be started, or another was quicker */
    int64_t wake_us; /* when to look again; INT64_MAX: when something happens */

    enum tow_activity activity;
    int by_hand;   /* the run stands for no slot */
    int64_t floor; /* newest run of the job when it was started */
    int64_t started_us;
    int64_t started_ms; /* monotonic */
    int timed_out;      /* it was stopped for its timeout */
    int stopped;        /* it was stopped because the daemon ends */
    struct tow_child child;
    int why_fd;    /* where the child says why it did not begin; -1: none */
    char why[256]; /* what it said */
    int watch_fd;  /* FOREIGN: a pidfd; -1: its process cannot be seen, and is looked for */
};

#endif
