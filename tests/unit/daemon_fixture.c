#include "daemon_fixture.h"

#include "config/job.h"
#include "unit.h"

/* ---- hands ---------------------------------------------------------------------------------- */

static int world_start(void *context, struct tow_daemon_job *job, struct tow_error *err)
{
    struct world *world = context;

    if (world->fail_start)
        return tow_error_set(err, TOW_E_ENV, "no process can be started");
    world->starts++;
    strcpy(world->started, job->plan.name);
    world->slot_us = job->by_hand ? 0 : job->agenda.slot_us;
    world->attempt = job->by_hand ? 0 : job->agenda.tries;
    world->by_hand = job->by_hand;
    return TOW_OK;
}

static void world_stop(void *context, struct tow_daemon_job *job)
{
    (void)job;
    ((struct world *)context)->stops++;
}

static int world_watch(void *context, int64_t pid)
{
    struct world *world = context;

    (void)pid;
    world->watched++;
    return 1000;
}

static void world_unwatch(void *context, int fd)
{
    (void)fd;
    ((struct world *)context)->watched--;
}

static int64_t world_monotonic(void *context)
{
    return ((struct world *)context)->now_ms;
}

static const struct tow_supervisor_ops world_ops = {world_start, world_stop, world_watch,
                                                    world_unwatch, world_monotonic};

/* ---- the world ------------------------------------------------------------------------------ */

static void world_supervise(struct world *world)
{
    struct tow_error err = TOW_ERROR_INIT;

    world->supervisor = (struct tow_supervisor){.ops = &world_ops, .context = world, .max_runs = 4};
    world->supervisor.state = open_state(world->scratch, TOW_STATE_CREATE);
    assert_ok(tow_supervisor_close_dead(&world->supervisor, world->now_us, &err), err);
}

void world_open(struct world *world, const struct scratch *scratch)
{
    *world = (struct world){.scratch = scratch, .now_us = NOON, .now_ms = 1000000};
    world_supervise(world);
}

void world_close(struct world *world)
{
    tow_supervisor_release(&world->supervisor);
    tow_state_close(world->supervisor.state);
}

void world_restart(struct world *world)
{
    world_close(world);
    world_supervise(world);
}

static void world_plan(const struct world *world, const char *name, const char *schedule,
                       struct tow_job_plan *plan)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_job job;
    char path[256], text[2048];

    snprintf(path, sizeof path, "%s/%s.cfg", world->scratch->folder, name);
    snprintf(text, sizeof text,
             "version = 1; job = { name = \"%s\"; source = { plugin = \"x\"; };"
             " sink = { plugin = \"y\"; }; %s"
             " alerts = ( { on = [ \"failure\", \"recovery\", \"rejects\", \"late\" ];"
             " url = \"http://localhost/\"; late_after = \"10m\"; } ); };",
             name, schedule);
    scratch_write(path, text, strlen(text));
    assert_ok(tow_job_load(path, &job, &diags, &err), err);
    assert_ok(tow_diags_error(&diags, &err), err);
    *plan = (struct tow_job_plan){.path = strdup(path), .text = strdup(text)};
    strcpy(plan->name, name);
    plan->has_schedule = job.has_schedule;
    plan->schedule = job.schedule;
    job.schedule = (struct tow_schedule){0};
    plan->channels = calloc(1, sizeof *plan->channels);
    plan->channel_count = 1;
    plan->channels[0] = (struct tow_channel){job.alerts[0].on, job.alerts[0].late_ms * 1000};
    tow_job_release(&job);
    tow_diags_release(&diags);
}

void world_take_two(struct world *world, const char *first, const char *second,
                    const char *schedule)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_job_plan plans[2] = {{.name = ""}, {.name = ""}};
    const int stale[2] = {0, 0};

    world_plan(world, first, schedule, &plans[0]);
    if (second)
        world_plan(world, second, schedule, &plans[1]);
    assert_ok(tow_supervisor_take(&world->supervisor, plans, stale, second ? 2 : 1, &err), err);
}

void world_take(struct world *world, const char *name, const char *schedule)
{
    world_take_two(world, name, NULL, schedule);
}

int64_t world_at(struct world *world, int64_t now_us)
{
    if (now_us > world->now_us)
        world->now_ms += (now_us - world->now_us) / 1000;
    world->now_us = now_us;
    return tow_supervisor_step(&world->supervisor, now_us);
}

struct tow_daemon_job *world_job(struct world *world, const char *name)
{
    struct tow_daemon_job *job = tow_supervisor_find(&world->supervisor, name);

    assert_non_null(job);
    return job;
}

/* ---- children ------------------------------------------------------------------------------- */

void world_begins(struct world *world, const char *name)
{
    const struct tow_daemon_job *job = world_job(world, name);
    const struct tow_run_start start = {.job = name,
                                        .job_file = job->plan.path,
                                        .load_id = "load",
                                        .now_us = world->now_us,
                                        .slot_us = job->by_hand ? 0 : job->agenda.slot_us,
                                        .attempt = job->by_hand ? 0 : job->agenda.tries};
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(job->activity, TOW_ACTIVITY_CHILD);
    assert_ok(tow_state_run_begin(world->supervisor.state, &start, &world->run, &err), err);
}

void world_ends(struct world *world, const char *name, const char *status, int exit_code)
{
    static const struct tow_counts counts = {.read = 3, .accepted = 3};
    const struct tow_commit commit = {.job = name, .run = world->run, .counts = &counts};
    struct tow_error err = TOW_ERROR_INIT, why = TOW_ERROR_INIT;

    tow_error_set(&why, TOW_E_ENV, "the far end is away");
    assert_ok(tow_state_run_end(world->supervisor.state, &commit, status, exit_code,
                                exit_code ? &why : NULL, world->now_us, &err),
              err);
    world_dies(world, name, exit_code, 0);
}

void world_dies(struct world *world, const char *name, int exit_code, int signal_number)
{
    tow_supervisor_ended(&world->supervisor, world_job(world, name), exit_code, signal_number,
                         world->now_us);
}

void world_does(struct world *world, const char *name)
{
    world_begins(world, name);
    world_ends(world, name, TOW_RUN_OK, 0);
}

struct world_count {
    int count;
    struct tow_run newest;
};

static int world_count(void *context, const struct tow_run *run)
{
    struct world_count *count = context;

    if (count->count++ == 0)
        count->newest = *run;
    return 0;
}

int world_runs(struct world *world, const char *name, struct tow_run *newest)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct world_count count = {.count = 0};

    assert_ok(tow_state_runs(world->supervisor.state, name, 0, world_count, &count, &err), err);
    if (newest)
        *newest = count.newest;
    return count.count;
}
