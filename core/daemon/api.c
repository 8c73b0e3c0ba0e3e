#include "daemon/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/run_doc.h"
#include "towpath/clock.h"

/* ---- the document --------------------------------------------------------------------------- */

struct api_doc {
    struct tow_doc doc;
    FILE *stream;
};

static int api_open(struct api_doc *api, struct tow_body *body, struct tow_error *err)
{
    *body = (struct tow_body){NULL, 0};
    api->stream = open_memstream(&body->text, &body->length);
    if (!api->stream)
        return tow_error_nomem(err);
    api->doc = (struct tow_doc){.to = api->stream};
    tow_doc_open(&api->doc, NULL, '{');
    return TOW_OK;
}

static int api_close(struct api_doc *api, struct tow_body *body, int rc, struct tow_error *err)
{
    tow_doc_close(&api->doc, '}');
    int ended = tow_doc_end(&api->doc, rc ? NULL : err);
    int closed = fclose(api->stream);

    if (!rc)
        rc = ended;
    if (!rc && (closed != 0 || !body->text))
        rc = tow_error_nomem(err);
    if (rc) {
        free(body->text);
        *body = (struct tow_body){NULL, 0};
    }
    return rc;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static const char *api_state(const struct tow_daemon_job *job)
{
    if (job->activity == TOW_ACTIVITY_CHILD)
        return "running";
    if (job->activity == TOW_ACTIVITY_FOREIGN)
        return "running elsewhere";
    if (job->wants)
        return "queued";
    if (job->plan.has_schedule && job->adopted && job->agenda.state == TOW_AGENDA_RETRY)
        return "retrying";
    return "idle";
}

static void api_running(struct tow_doc *doc, const struct tow_daemon_job *job)
{
    if (job->activity != TOW_ACTIVITY_CHILD) {
        tow_doc_text(doc, "running", NULL);
        return;
    }
    tow_doc_open(doc, "running", '{');
    tow_doc_int(doc, "pid", job->child.pid);
    tow_doc_time(doc, "since", job->started_us);
    tow_doc_time(doc, "slot", job->by_hand ? 0 : job->agenda.slot_us);
    if (job->by_hand)
        tow_doc_text(doc, "attempt", NULL);
    else
        tow_doc_int(doc, "attempt", job->agenda.tries);
    tow_doc_close(doc, '}');
}

static void api_job(struct tow_doc *doc, const struct tow_daemon_job *job, int64_t now_us)
{
    int64_t next = tow_supervisor_next(job, now_us);

    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "job", job->plan.name);
    tow_doc_text(doc, "file", job->plan.path);
    tow_doc_bool(doc, "file_broken", job->stale);
    tow_doc_bool(doc, "scheduled", job->plan.has_schedule);
    tow_doc_text(doc, "state", api_state(job));
    tow_doc_time(doc, "next", next == TOW_SLOT_NEVER ? 0 : next);
    api_running(doc, job);
    tow_run_doc_last(doc, &job->last);
    tow_doc_bool(doc, "failing", job->health.failing);
    tow_doc_bool(doc, "rejecting", job->health.rejecting);
    tow_doc_bool(doc, "late", job->health.late);
    tow_doc_close(doc, '}');
}

int tow_api_jobs(struct tow_daemon *daemon, struct tow_body *body, struct tow_error *err)
{
    int64_t now_us = tow_now_us();
    struct api_doc api;
    int rc = api_open(&api, body, err);

    if (rc)
        return rc;
    tow_doc_open(&api.doc, "jobs", '[');
    for (size_t i = 0; i < daemon->supervisor.count; i++)
        if (!daemon->supervisor.jobs[i]->gone)
            api_job(&api.doc, daemon->supervisor.jobs[i], now_us);
    tow_doc_close(&api.doc, ']');
    return api_close(&api, body, TOW_OK, err);
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* The members that `towpath runs --json` has, too, have the same names. */
static int api_run(void *context, const struct tow_run *run)
{
    struct tow_doc *doc = context;

    tow_doc_open(doc, NULL, '{');
    tow_doc_int(doc, "run", run->id);
    tow_doc_text(doc, "job", run->job);
    tow_doc_text(doc, "status", run->status);
    tow_run_doc_exit_code(doc, run->exit_code);
    tow_run_doc_error(doc, run->error_class, run->error);
    tow_doc_time(doc, "start", run->start_us);
    tow_doc_time(doc, "end", run->end_us);
    tow_doc_time(doc, "slot", run->slot_us);
    tow_doc_nonzero(doc, "attempt", run->attempt);
    tow_run_doc_counts(doc, &run->counts);
    tow_doc_close(doc, '}');
    return 0;
}

int tow_api_runs(struct tow_daemon *daemon, const char *job, int64_t last, struct tow_body *body,
                 struct tow_error *err)
{
    struct api_doc api;
    int rc = api_open(&api, body, err);

    if (rc)
        return rc;
    tow_doc_open(&api.doc, "runs", '[');
    rc = tow_state_runs(daemon->supervisor.state, job, last, api_run, &api.doc, err);
    tow_doc_close(&api.doc, ']');
    return api_close(&api, body, rc, err);
}

/* ---- small ones ----------------------------------------------------------------------------- */

int tow_api_started(const struct tow_daemon_job *job, struct tow_body *body, struct tow_error *err)
{
    struct api_doc api;
    int rc = api_open(&api, body, err);

    if (rc)
        return rc;
    tow_doc_text(&api.doc, "job", job->plan.name);
    tow_doc_int(&api.doc, "pid", job->child.pid);
    return api_close(&api, body, TOW_OK, err);
}

int tow_api_ready(const struct tow_daemon *daemon, struct tow_body *body, struct tow_error *err)
{
    struct api_doc api;
    const char *why;
    int ready = tow_daemon_ready(daemon, &why), rc = api_open(&api, body, err);

    if (rc)
        return rc;
    tow_doc_bool(&api.doc, "ready", ready);
    tow_doc_text(&api.doc, "reason", why);
    tow_doc_int(&api.doc, "job_files", (int64_t)daemon->files);
    tow_doc_int(&api.doc, "job_files_broken", (int64_t)daemon->broken);
    return api_close(&api, body, TOW_OK, err);
}

int tow_api_error(const char *message, struct tow_body *body, struct tow_error *err)
{
    struct api_doc api;
    int rc = api_open(&api, body, err);

    if (rc)
        return rc;
    tow_doc_text(&api.doc, "error", message);
    return api_close(&api, body, TOW_OK, err);
}
