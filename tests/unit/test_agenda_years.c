/*
 * Three years of 500 jobs by a simulated clock, with the decisions that the daemon takes: runs that
 * last, fail and wait for a place, schedulers that die and come back later, clocks that jump. Each
 * slot must be accounted for.
 */
#include "unit.h"

#include <sys/resource.h>

#include "random.h"
#include "schedule/agenda.h"
#include "schedule_fixture.h"

#define JOBS       500
#define PLACES     64
#define YEARS_FROM (INT64_C(1767225600) * SECONDS) /* 2026-01-01 */
#define YEARS      3

#ifdef __SANITIZE_ADDRESS__
#define CPU_LIMIT 120.0
#else
#define CPU_LIMIT 10.0
#endif

/* What the simulation knows of a job, beside the agenda that a scheduler keeps. */
struct job {
    struct tow_schedule schedule;
    struct tow_agenda agenda;
    int64_t run_us;    /* how long its runs take at least */
    int64_t ends;      /* of its run, by the true clock; TOW_SLOT_NEVER: none is on */
    int64_t last_slot; /* of its newest first attempt */
    int64_t done;      /* newest slot that a run has ended well for */
    int waits;         /* for a place */
    int broken;        /* its run broke off */
    /* Slots by what became of them. */
    int64_t started, passed, skipped;
    int64_t slots, counted; /* how many there were up to which one */
    int64_t retries, again;
};

/* The jobs in order of when something happens to them next: a heap. */
struct queue {
    int64_t when[JOBS];
    int job[JOBS], place[JOBS];
};

struct world {
    struct job jobs[JOBS];
    struct queue queue;
    int64_t now;   /* the true time */
    int64_t ahead; /* how far the clock that the scheduler sees is ahead of it */
    int running;   /* places taken */
    int waiting[JOBS], first_waiting, waiting_count; /* a ring of jobs that wait for one */
    uint64_t seed;
    int64_t decisions, runs;
    int fail_percent, is_calm; /* calm: no run takes long enough to meet the next slot */
};

/* ---- the queue ------------------------------------------------------------------------------ */

static void queue_put(struct queue *queue, int at, int job, int64_t when)
{
    queue->job[at] = job;
    queue->when[at] = when;
    queue->place[job] = at;
}

static void queue_set(struct queue *queue, int job, int64_t when)
{
    int at = queue->place[job];

    while (at > 0 && queue->when[(at - 1) / 2] > when) {
        queue_put(queue, at, queue->job[(at - 1) / 2], queue->when[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        int child = 2 * at + 1;

        if (child + 1 < JOBS && queue->when[child + 1] < queue->when[child])
            child++;
        if (child >= JOBS || queue->when[child] >= when)
            break;
        queue_put(queue, at, queue->job[child], queue->when[child]);
        at = child;
    }
    queue_put(queue, at, job, when);
}

/* ---- one job -------------------------------------------------------------------------------- */

static void job_check_start(struct job *job, const struct tow_agenda_step *step)
{
    if (step->slot_us <= job->done)
        fail_msg("slot %lld runs again", (long long)step->slot_us);
    if (step->slot_us == job->last_slot) {
        if (step->attempt == 1 && !job->broken)
            fail_msg("slot %lld is begun twice", (long long)step->slot_us);
        job->retries += !job->broken;
        job->again += job->broken;
    } else {
        assert_true(step->slot_us > job->last_slot);
        assert_int_equal(step->attempt, 1);
        job->started++;
        job->passed += step->passed;
    }
    assert_true(step->attempt <= job->schedule.tries);
    job->last_slot = step->slot_us;
    job->broken = 0;
}

static void world_start(struct world *world, struct job *job, const struct tow_agenda_step *step)
{
    int64_t length = job->run_us + (int64_t)random_below(&world->seed, (uint64_t)job->run_us);

    job_check_start(job, step);
    tow_agenda_started(&job->agenda, step, world->now + world->ahead);
    if (!world->is_calm && random_below(&world->seed, 500) == 0)
        length *= 40;
    job->ends = world->now + length;
    world->running++;
    world->runs++;
}

static void world_wait_for_place(struct world *world, int i)
{
    if (world->jobs[i].waits)
        return;
    world->jobs[i].waits = 1;
    world->waiting[(world->first_waiting + world->waiting_count++) % JOBS] = i;
}

/* Until nothing is left to do now. */
static void world_decide(struct world *world, int i)
{
    struct job *job = &world->jobs[i];
    struct tow_agenda_step step;
    int64_t when = TOW_SLOT_NEVER;

    for (;;) {
        world->decisions++;
        tow_agenda_decide(&job->schedule, &job->agenda, world->now + world->ahead, &step);
        if (step.action == TOW_AGENDA_SKIP) {
            tow_agenda_skipped(&job->agenda, &step);
            job->skipped += step.passed;
        } else if (step.action == TOW_AGENDA_START && world->running < PLACES) {
            world_start(world, job, &step);
        } else {
            break;
        }
    }
    if (step.action == TOW_AGENDA_START)
        world_wait_for_place(world, i);
    else if (step.wake_us != TOW_SLOT_NEVER)
        when = step.wake_us - world->ahead;
    queue_set(&world->queue, i, job->ends < when ? job->ends : when);
}

static void world_end(struct world *world, int i)
{
    struct job *job = &world->jobs[i];
    enum tow_agenda_outcome outcome = TOW_AGENDA_OK;

    if ((int)random_below(&world->seed, 100) < world->fail_percent)
        outcome = random_below(&world->seed, 4) ? TOW_AGENDA_FAILED : TOW_AGENDA_REFUSED;
    else
        job->done = job->agenda.slot_us;
    tow_agenda_ended(&job->schedule, &job->agenda, outcome, world->now + world->ahead);
    job->ends = TOW_SLOT_NEVER;
    world->running--;
}

/* A place became free. */
static void world_offer_place(struct world *world)
{
    while (world->waiting_count && world->running < PLACES) {
        int i = world->waiting[world->first_waiting];

        world->first_waiting = (world->first_waiting + 1) % JOBS;
        world->waiting_count--;
        world->jobs[i].waits = 0;
        world_decide(world, i);
    }
}

static void world_run_until(struct world *world, int64_t until)
{
    while (world->queue.when[0] <= until) {
        int i = world->queue.job[0];
        struct job *job = &world->jobs[i];

        world->now = world->queue.when[0];
        if (job->ends <= world->now)
            world_end(world, i);
        world_decide(world, i);
        if (world->waiting_count)
            world_offer_place(world);
    }
    world->now = until;
}

/* ---- what happens to the scheduler ---------------------------------------------------------- */

static void world_decide_all(struct world *world)
{
    for (int i = 0; i < JOBS; i++)
        world_decide(world, i);
    world_offer_place(world);
}

/* It dies with all its runs, or leaves some that go on and end well; another one comes later. */
static void world_crash(struct world *world, int64_t away)
{
    world->now += away;
    world->running = world->waiting_count = 0;
    for (int i = 0; i < JOBS; i++) {
        struct job *job = &world->jobs[i];

        job->waits = 0;
        if (job->ends <= world->now && random_below(&world->seed, 2)) {
            tow_agenda_ended(&job->schedule, &job->agenda, TOW_AGENDA_OK, job->ends + world->ahead);
            job->done = job->agenda.slot_us;
        } else if (job->ends != TOW_SLOT_NEVER) {
            job->broken = 1;
        }
        job->ends = TOW_SLOT_NEVER;
        tow_agenda_adopt(&job->schedule, &job->agenda, 1, world->now + world->ahead);
    }
    world_decide_all(world);
}

static void world_jump(struct world *world, int64_t by)
{
    world->ahead += by;
    world_decide_all(world);
}

/* ---- the jobs ------------------------------------------------------------------------------- */

static const char *const zones[] = {"UTC",           "Europe/Berlin", "America/New_York",
                                    "Asia/Kolkata",  "Africa/Cairo",  "Australia/Lord_Howe",
                                    "Europe/Dublin", "Asia/Tokyo",    "America/Sao_Paulo"};

/* Per hundred of them: 20 each quarter of an hour, 30 each hour, 10 by `every`, the rest daily and
 * less often. */
static struct tow_schedule job_schedule(int i)
{
    static const char *const daily[] = {"15 2 * * *", "0 6 * * mon-fri", "30 1 1 * *", "0 2 L * *",
                                        "10 4 13 * fri"};
    const char *zone = zones[i % (int)(sizeof zones / sizeof zones[0])];
    char text[32];

    if (i % 10 == 9)
        return fixture_every((5 + i % 50) * MINUTES);
    if (i % 10 < 2)
        return fixture_cron("*/15 * * * *", zone);
    if (i % 10 < 5) {
        snprintf(text, sizeof text, "%d * * * *", i % 60);
        return fixture_cron(text, zone);
    }
    return fixture_cron(daily[i % 5], zone);
}

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->seed = RANDOM_SEED;
    world->now = YEARS_FROM;
    for (int i = 0; i < JOBS; i++) {
        struct job *job = &world->jobs[i];
        char name[16];

        *job = (struct job){.agenda = TOW_AGENDA_NEW, .ends = TOW_SLOT_NEVER, .done = -1};
        job->schedule = job_schedule(i);
        job->schedule.jitter_us = i % 3 == 0 ? 2 * MINUTES : 0;
        if (i % 7 == 0) {
            job->schedule.catch_up = TOW_CATCH_UP_ALL;
            job->schedule.overlap = TOW_OVERLAP_QUEUE;
        } else if (i % 7 == 1) {
            job->schedule.overlap = TOW_OVERLAP_QUEUE;
        }
        job->run_us = (10 + i % 50) * SECONDS;
        job->last_slot = -1;
        job->counted = YEARS_FROM;
        snprintf(name, sizeof name, "job%d", i);
        tow_schedule_seal(&job->schedule, name);
        tow_agenda_adopt(&job->schedule, &job->agenda, 1, world->now);
        world->queue.job[i] = world->queue.place[i] = i;
        world->queue.when[i] = TOW_SLOT_NEVER;
    }
    world_decide_all(world);
}

/* Each slot up to the newest one was begun, stands behind a newer one, or met a run; and the newest
 * one is the newest that is due, or the job is at work, or waits, on it. */
static void world_check(struct world *world)
{
    int64_t now = world->now + world->ahead;

    for (int i = 0; i < JOBS; i++) {
        struct job *job = &world->jobs[i];
        int64_t dealt =
            job->agenda.slot_us > job->agenda.since_us ? job->agenda.slot_us : job->agenda.since_us;
        int64_t next = tow_schedule_next(&job->schedule, dealt);

        job->slots += tow_schedule_count(&job->schedule, job->counted, dealt, INT64_MAX);
        job->counted = dealt;
        if (job->started + job->passed + job->skipped != job->slots)
            fail_msg("job %d (%d): %lld started, %lld passed, %lld skipped of %lld slots", i,
                     job->schedule.catch_up, (long long)job->started, (long long)job->passed,
                     (long long)job->skipped, (long long)job->slots);
        if (job->schedule.catch_up == TOW_CATCH_UP_ALL)
            assert_int_equal(job->passed + job->skipped, 0);
        if (tow_schedule_due(&job->schedule, next) <= now && job->ends == TOW_SLOT_NEVER &&
            !job->waits && job->agenda.state != TOW_AGENDA_RETRY)
            fail_msg("job %d sits on slot %lld", i, (long long)next);
    }
}

static void world_release(struct world *world)
{
    for (int i = 0; i < JOBS; i++)
        tow_schedule_release(&world->jobs[i].schedule);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static struct world world;

static void test_three_years_of_500_jobs_take_less_than_ten_seconds(void **state)
{
    double before = cpu_seconds(), used;
    int64_t started = 0;

    (void)state;
    world_init(&world);
    world.fail_percent = 1;
    world_run_until(&world, YEARS_FROM + YEARS * 365 * DAYS);
    used = cpu_seconds() - before;
    for (int i = 0; i < JOBS; i++)
        started += world.jobs[i].started;
    print_message("%lld slots, %lld runs, %lld decisions in %.2f s\n", (long long)started,
                  (long long)world.runs, (long long)world.decisions, used);
    world_check(&world);
    world_release(&world);
    assert_true(world.runs > 10 * 1000 * 1000);
    assert_true(used < CPU_LIMIT);
}

static void test_no_slot_is_lost_or_run_twice_when_schedulers_die(void **state)
{
    (void)state;
    world_init(&world);
    world.fail_percent = 10;
    for (int i = 0; i < 300; i++) {
        world_run_until(&world, world.now + (int64_t)random_below(&world.seed, 20 * HOURS));
        world_crash(&world, (int64_t)random_below(&world.seed, i % 10 ? HOURS : 3 * DAYS));
        world_check(&world);
    }
    world_release(&world);
}

static void test_no_slot_is_lost_or_run_twice_when_clocks_jump(void **state)
{
    (void)state;
    world_init(&world);
    world.fail_percent = 10;
    for (int i = 0; i < 300; i++) {
        world_run_until(&world, world.now + (int64_t)random_below(&world.seed, 10 * HOURS));
        world_jump(&world,
                   (int64_t)random_below(&world.seed, 12 * HOURS) - 6 * HOURS - world.ahead / 2);
        world_check(&world);
    }
    world_release(&world);
}

static void test_where_runs_are_short_every_slot_runs(void **state)
{
    (void)state;
    world_init(&world);
    world.is_calm = 1;
    for (int i = 0; i < JOBS; i++)
        world.jobs[i].run_us = 5 * SECONDS;
    world_run_until(&world, YEARS_FROM + 60 * DAYS);
    world_check(&world);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(world.jobs[i].passed + world.jobs[i].skipped, 0);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_years_of_500_jobs_take_less_than_ten_seconds),
        cmocka_unit_test(test_no_slot_is_lost_or_run_twice_when_schedulers_die),
        cmocka_unit_test(test_no_slot_is_lost_or_run_twice_when_clocks_jump),
        cmocka_unit_test(test_where_runs_are_short_every_slot_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
