/* The set of jobs: taken anew when the folder is read, while runs of the old one go on. */
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor.h"
#include "log.h"

void tow_job_plan_release(struct tow_job_plan *plan)
{
    if (plan->has_schedule)
        tow_schedule_release(&plan->schedule);
    free(plan->path);
    free(plan->text);
    free(plan->channels);
    *plan = (struct tow_job_plan){.name = ""};
}

struct tow_daemon_job *tow_supervisor_find(const struct tow_supervisor *supervisor,
                                           const char *name)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (strcmp(supervisor->jobs[i]->plan.name, name) == 0)
            return supervisor->jobs[i];
    return NULL;
}

static struct tow_daemon_job *set_new_job(void)
{
    struct tow_daemon_job *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    job->agenda = job->before = (struct tow_agenda)TOW_AGENDA_NEW;
    job->child = (struct tow_child)TOW_CHILD_NONE;
    job->watch_fd = job->why_fd = -1;
    return job;
}

/* A job that is in both sets keeps its run and its agenda; a schedule that changed is taken on as
 * the next step looks. Not while a run is on: the agenda in memory is ahead of nothing then. */
static void set_renew(struct tow_daemon_job *job, struct tow_job_plan *plan)
{
    int changed =
        job->plan.has_schedule != plan->has_schedule ||
        (plan->has_schedule && job->plan.schedule.fingerprint != plan->schedule.fingerprint);

    tow_job_plan_release(&job->plan);
    job->plan = *plan;
    *plan = (struct tow_job_plan){.name = ""};
    if (changed && job->activity == TOW_ACTIVITY_NONE)
        job->adopted = 0;
    job->wants = 0;
    job->wake_us = 0;
}

int tow_supervisor_take(struct tow_supervisor *supervisor, struct tow_job_plan *plans,
                        const int *stale, size_t count, struct tow_error *err)
{
    struct tow_daemon_job **jobs = calloc(count + supervisor->count + 1, sizeof(void *));
    size_t taken = 0, i;

    if (!jobs)
        return tow_error_nomem(err);
    for (i = 0; i < count; i++) {
        struct tow_daemon_job *job = tow_supervisor_find(supervisor, plans[i].name);

        /* A reading that fails half way leaves the old set, so new ones are made first. */
        jobs[taken] = job ? job : set_new_job();
        if (!jobs[taken++])
            break;
    }
    if (i < count) {
        while (taken-- > 0)
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): those of the set have a name. */
            if (jobs[taken] && jobs[taken]->plan.name[0] == '\0')
                free(jobs[taken]);
        free(jobs);
        return tow_error_nomem(err);
    }
    for (i = 0; i < supervisor->count; i++)
        supervisor->jobs[i]->gone = 1;
    for (i = 0; i < count; i++) {
        jobs[i]->gone = 0;
        jobs[i]->stale = stale[i];
        if (!stale[i])
            set_renew(jobs[i], &plans[i]);
    }
    for (i = 0; i < supervisor->count; i++)
        if (supervisor->jobs[i]->gone)
            jobs[taken++] = supervisor->jobs[i];
    free(supervisor->jobs);
    supervisor->jobs = jobs;
    supervisor->count = taken;
    return TOW_OK;
}

void tow_supervisor_release(struct tow_supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct tow_daemon_job *job = supervisor->jobs[i];

        if (job->watch_fd >= 0)
            supervisor->ops->unwatch(supervisor->context, job->watch_fd);
        if (job->why_fd >= 0)
            supervisor->ops->unwatch(supervisor->context, job->why_fd);
        tow_job_plan_release(&job->plan);
        free(job);
    }
    free(supervisor->jobs);
    supervisor->jobs = NULL;
    supervisor->count = 0;
}
