/* A supervisor over a real state, whose processes and clocks are the test's own. */
#ifndef TESTS_UNIT_DAEMON_FIXTURE_H
#define TESTS_UNIT_DAEMON_FIXTURE_H

#include "daemon/supervisor.h"
#include "state_fixture.h"

#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)
#define HOURS   (60 * MINUTES)
#define NOON    (INT64_C(20000) * 24 * HOURS + 12 * HOURS) /* a slot of all that is even */

/* What the supervisor asked for. */
struct world {
    struct tow_supervisor supervisor;
    const struct scratch *scratch;
    int64_t now_us, now_ms;
    int starts, stops, watched;
    int fail_start;   /* 1: processes cannot be started */
    char started[65]; /* job of the last start */
    int64_t slot_us;
    int attempt, by_hand;
    int64_t run; /* what `begins` began */
};

void world_open(struct world *world, const struct scratch *scratch);
void world_close(struct world *world);
/* As a daemon that dies and one that starts: what is in memory is gone, jobs are to be taken. */
void world_restart(struct world *world);
/* A job of that name, due each `every`; keys after the first (may be NULL) as in a job file. */
void world_take(struct world *world, const char *name, const char *schedule);
void world_take_two(struct world *world, const char *first, const char *second,
                    const char *schedule);

/* The clock goes there, and the supervisor steps; when it wants to come again. */
int64_t world_at(struct world *world, int64_t now_us);
struct tow_daemon_job *world_job(struct world *world, const char *name);

/* What the child of the job does: begins its run in the state, and ends it so. */
void world_begins(struct world *world, const char *name);
void world_ends(struct world *world, const char *name, const char *status, int exit_code);
/* The child ends without having said how. */
void world_dies(struct world *world, const char *name, int exit_code, int signal_number);
/* A whole run that goes well. */
void world_does(struct world *world, const char *name);

/* The number of runs of the job, and the newest. */
int world_runs(struct world *world, const char *name, struct tow_run *newest);

#endif
