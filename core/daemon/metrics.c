#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "towpath/clock.h"
#include "towpath/plugin.h"
#include "towpath/value.h"

/* ---- what runs come to ---------------------------------------------------------------------- */

struct metrics_sums {
    struct tow_totals *totals;
    size_t count;
    int failed; /* memory ran out */
};

static void metrics_add(void *context, const struct tow_totals *more)
{
    struct metrics_sums *sums = context;
    size_t i = 0;

    while (i < sums->count && strcmp(sums->totals[i].job, more->job) != 0)
        i++;
    if (i == sums->count) {
        struct tow_totals *totals = reallocarray(sums->totals, i + 1, sizeof *totals);

        if (!totals) {
            sums->failed = 1;
            return;
        }
        sums->totals = totals;
        sums->totals[i] = *more;
        sums->count++;
        return;
    }
    struct tow_totals *to = &sums->totals[i];
    to->ok += more->ok;
    to->failed += more->failed;
    to->cancelled += more->cancelled;
    to->interrupted += more->interrupted;
    to->duration_us += more->duration_us;
    to->counts.accepted += more->counts.accepted;
    to->counts.rejected += more->counts.rejected;
    to->counts.filtered += more->counts.filtered;
    to->counts.bytes += more->counts.bytes;
    to->counts.batches += more->counts.batches;
    to->counts.retries += more->counts.retries;
    if (more->last_ok_us > to->last_ok_us)
        to->last_ok_us = more->last_ok_us;
}

static int metrics_by_job(const void *a, const void *b)
{
    return strcmp(((const struct tow_totals *)a)->job, ((const struct tow_totals *)b)->job);
}

static int metrics_sum(struct tow_state *state, int64_t after, int64_t upto,
                       struct metrics_sums *sums, struct tow_error *err)
{
    int rc = tow_state_totals(state, after, upto, metrics_add, sums, err);

    return !rc && sums->failed ? tow_error_nomem(err) : rc;
}

/* metrics grows by the runs that have ended since; `now` is a copy with those that are on. */
static int metrics_gather(struct tow_metrics *metrics, struct tow_state *state,
                          struct metrics_sums *now, struct tow_error *err)
{
    struct metrics_sums ended = {metrics->totals, metrics->count, 0};
    int64_t upto = 0;
    int rc = tow_state_settled(state, &upto, err);

    if (!rc && upto > metrics->upto) {
        rc = metrics_sum(state, metrics->upto, upto, &ended, err);
        metrics->totals = ended.totals;
        metrics->count = ended.count;
        /* After a failure, a part may be in: all is summed anew. */
        if (rc)
            tow_metrics_release(metrics);
        else
            metrics->upto = upto;
    }
    if (rc)
        return rc;
    now->totals = malloc((metrics->count + 1) * sizeof *now->totals);
    if (!now->totals)
        return tow_error_nomem(err);
    if (metrics->count)
        memcpy(now->totals, metrics->totals, metrics->count * sizeof *now->totals);
    now->count = metrics->count;
    rc = metrics_sum(state, metrics->upto, INT64_MAX, now, err);
    qsort(now->totals, now->count, sizeof *now->totals, metrics_by_job);
    return rc;
}

void tow_metrics_release(struct tow_metrics *metrics)
{
    free(metrics->totals);
    *metrics = (struct tow_metrics){.totals = NULL};
}

/* ---- the text ------------------------------------------------------------------------------- */

/* What runs say of themselves, by job. */
struct metrics_flight {
    char job[65];
    int64_t rows, bytes, lag_us;
};

struct metrics_page {
    FILE *to;
    struct tow_daemon *daemon;
    const struct metrics_sums *sums;
    int64_t now_us;
    struct metrics_flight *flights;
    size_t flight_count;
};

static int metrics_take_flight(void *context, const struct tow_at_work *at_work)
{
    struct metrics_page *page = context;
    struct metrics_flight *flights =
        reallocarray(page->flights, page->flight_count + 1, sizeof *flights);

    if (!flights)
        return TOW_E_NOMEM;
    page->flights = flights;
    struct metrics_flight *flight = &flights[page->flight_count++];
    *flight = (struct metrics_flight){
        .rows = at_work->counts.pending, .bytes = at_work->in_flight, .lag_us = at_work->lag_us};
    memcpy(flight->job, at_work->job, sizeof flight->job);
    /* It went on since it was said. */
    if (flight->lag_us > 0 && page->now_us > at_work->reported_us)
        flight->lag_us += page->now_us - at_work->reported_us;
    return TOW_OK;
}

static const struct metrics_flight *metrics_flight_of(const struct metrics_page *page,
                                                      const char *job)
{
    static const struct metrics_flight none;

    for (size_t i = 0; i < page->flight_count; i++)
        if (strcmp(page->flights[i].job, job) == 0)
            return &page->flights[i];
    return &none;
}

static void metrics_head(const struct metrics_page *page, const char *name, const char *type,
                         const char *help)
{
    fprintf(page->to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metrics_seconds(const struct metrics_page *page, int64_t us)
{
    fprintf(page->to, "%" PRId64 ".%06d\n", us / 1000000, (int)(us % 1000000));
}

/* Job names are letters, digits, '_', '.' and '-': a label as they are. */
static const struct tow_daemon_job *metrics_job(const struct metrics_page *page, size_t i)
{
    const struct tow_daemon_job *job = page->daemon->supervisor.jobs[i];

    return job->gone ? NULL : job;
}

static int metrics_find_job(const void *job, const void *totals)
{
    return strcmp(job, ((const struct tow_totals *)totals)->job);
}

static const struct tow_totals *metrics_totals(const struct metrics_page *page, const char *job)
{
    static const struct tow_totals none;

    const struct tow_totals *found = page->sums->count
                                         ? bsearch(job, page->sums->totals, page->sums->count,
                                                   sizeof *page->sums->totals, metrics_find_job)
                                         : NULL;

    return found ? found : &none;
}

/* A counter with one more label, whose values stand side by side in the totals. */
struct metrics_split {
    const char *name, *help, *label;
    struct {
        const char *value;
        size_t offset;
    } parts[5];
};

static void metrics_split(const struct metrics_page *page, const struct metrics_split *split)
{
    const struct tow_daemon_job *job;

    metrics_head(page, split->name, "counter", split->help);
    for (size_t i = 0; i < page->daemon->supervisor.count; i++) {
        if (!(job = metrics_job(page, i)))
            continue;
        const char *totals = (const char *)metrics_totals(page, job->plan.name);

        for (size_t k = 0; split->parts[k].value; k++)
            fprintf(page->to, "%s{job=\"%s\",%s=\"%s\"} %" PRId64 "\n", split->name, job->plan.name,
                    split->label, split->parts[k].value,
                    *(const int64_t *)(const void *)(totals + split->parts[k].offset));
    }
}

static void metrics_counter(const struct metrics_page *page, const char *name, size_t offset,
                            const char *help)
{
    const struct tow_daemon_job *job;

    metrics_head(page, name, "counter", help);
    for (size_t i = 0; i < page->daemon->supervisor.count; i++) {
        if (!(job = metrics_job(page, i)))
            continue;
        const char *totals = (const char *)metrics_totals(page, job->plan.name);

        fprintf(page->to, "%s{job=\"%s\"} %" PRId64 "\n", name, job->plan.name,
                *(const int64_t *)(const void *)(totals + offset));
    }
}

#define COUNT(member) offsetof(struct tow_totals, counts.member)

static void metrics_counters(const struct metrics_page *page)
{
    static const struct metrics_split rows = {"towpath_rows_total",
                                              "Rows whose outcome is settled and durable.",
                                              "outcome",
                                              {{"accepted", COUNT(accepted)},
                                               {"rejected", COUNT(rejected)},
                                               {"filtered", COUNT(filtered)},
                                               {NULL, 0}}};
    static const struct metrics_split runs = {
        "towpath_runs_total",
        "Runs that have ended.",
        "status",
        {{"ok", offsetof(struct tow_totals, ok)},
         {"failed", offsetof(struct tow_totals, failed)},
         {"cancelled", offsetof(struct tow_totals, cancelled)},
         {"interrupted", offsetof(struct tow_totals, interrupted)},
         {NULL, 0}}};

    metrics_split(page, &rows);
    metrics_counter(page, "towpath_bytes_total", COUNT(bytes),
                    "Bytes of the batches of checkpoints, in memory.");
    metrics_counter(page, "towpath_batches_total", COUNT(batches), "Batches of checkpoints.");
    metrics_counter(page, "towpath_retries_total", COUNT(retries),
                    "Calls of plugins that were made again.");
    metrics_split(page, &runs);
}

static void metrics_durations(const struct metrics_page *page)
{
    static const char name[] = "towpath_run_duration_seconds";
    const struct tow_daemon_job *job;

    metrics_head(page, name, "summary", "How long runs took that have ended.");
    for (size_t i = 0; i < page->daemon->supervisor.count; i++) {
        if (!(job = metrics_job(page, i)))
            continue;
        const struct tow_totals *totals = metrics_totals(page, job->plan.name);

        fprintf(page->to, "%s_sum{job=\"%s\"} ", name, job->plan.name);
        metrics_seconds(page, totals->duration_us);
        fprintf(page->to, "%s_count{job=\"%s\"} %" PRId64 "\n", name, job->plan.name,
                totals->ok + totals->failed + totals->cancelled + totals->interrupted);
    }
}

/* A moment or a time; what is not known has no sample. */
static void metrics_time(const struct metrics_page *page, const char *name, const char *help,
                         int64_t (*of)(const struct metrics_page *page,
                                       const struct tow_daemon_job *job))
{
    const struct tow_daemon_job *job;

    metrics_head(page, name, "gauge", help);
    for (size_t i = 0; i < page->daemon->supervisor.count; i++) {
        if (!(job = metrics_job(page, i)))
            continue;
        int64_t us = of(page, job);

        if (us < 0)
            continue;
        fprintf(page->to, "%s{job=\"%s\"} ", name, job->plan.name);
        metrics_seconds(page, us);
    }
}

static int64_t metrics_next(const struct metrics_page *page, const struct tow_daemon_job *job)
{
    int64_t next = tow_supervisor_next(job, page->now_us);

    return next == TOW_SLOT_NEVER ? -1 : next;
}

static int64_t metrics_last_end(const struct metrics_page *page, const struct tow_daemon_job *job)
{
    (void)page;
    return job->last.id ? job->last.end_us : -1;
}

static int64_t metrics_last_duration(const struct metrics_page *page,
                                     const struct tow_daemon_job *job)
{
    (void)page;
    return job->last.id && job->last.end_us >= job->last.start_us
               ? job->last.end_us - job->last.start_us
               : -1;
}

static int64_t metrics_last_ok(const struct metrics_page *page, const struct tow_daemon_job *job)
{
    int64_t us = metrics_totals(page, job->plan.name)->last_ok_us;

    return us ? us : -1;
}

static int64_t metrics_checkpoint_age(const struct metrics_page *page,
                                      const struct tow_daemon_job *job)
{
    int64_t saved_us;

    if (tow_state_checkpoint_time(page->daemon->supervisor.state, job->plan.name, &saved_us,
                                  NULL) != TOW_OK)
        return -1;
    return page->now_us > saved_us ? page->now_us - saved_us : 0;
}

static int64_t metrics_lag(const struct metrics_page *page, const struct tow_daemon_job *job)
{
    return metrics_flight_of(page, job->plan.name)->lag_us;
}

static void metrics_flights(const struct metrics_page *page)
{
    const struct tow_daemon_job *job;

    metrics_head(page, "towpath_job_rows_in_flight", "gauge",
                 "Rows that were read and are not settled yet.");
    for (size_t i = 0; i < page->daemon->supervisor.count; i++)
        if ((job = metrics_job(page, i)))
            fprintf(page->to, "towpath_job_rows_in_flight{job=\"%s\"} %" PRId64 "\n",
                    job->plan.name, metrics_flight_of(page, job->plan.name)->rows);
    metrics_head(page, "towpath_job_bytes_in_flight", "gauge",
                 "Bytes of the batches that wait for their outcome.");
    for (size_t i = 0; i < page->daemon->supervisor.count; i++)
        if ((job = metrics_job(page, i)))
            fprintf(page->to, "towpath_job_bytes_in_flight{job=\"%s\"} %" PRId64 "\n",
                    job->plan.name, metrics_flight_of(page, job->plan.name)->bytes);
    metrics_time(page, "towpath_job_ack_lag_seconds",
                 "Time since a row was settled, while rows are in flight.", metrics_lag);
}

static void metrics_flag(const struct metrics_page *page, const char *name, const char *help,
                         int (*of)(const struct tow_daemon_job *job))
{
    const struct tow_daemon_job *job;

    metrics_head(page, name, "gauge", help);
    for (size_t i = 0; i < page->daemon->supervisor.count; i++)
        if ((job = metrics_job(page, i)))
            fprintf(page->to, "%s{job=\"%s\"} %d\n", name, job->plan.name, of(job));
}

static int metrics_is_running(const struct tow_daemon_job *job)
{
    return job->activity != TOW_ACTIVITY_NONE;
}

static int metrics_is_queued(const struct tow_daemon_job *job)
{
    return job->wants;
}

static int metrics_is_failing(const struct tow_daemon_job *job)
{
    return job->health.failing;
}

static int metrics_is_late(const struct tow_daemon_job *job)
{
    return job->health.late;
}

static int metrics_is_broken(const struct tow_daemon_job *job)
{
    return job->stale;
}

static void metrics_gauges(const struct metrics_page *page)
{
    metrics_flag(page, "towpath_job_running", "1 while a run of the job is on.",
                 metrics_is_running);
    metrics_flag(page, "towpath_job_queued", "1 while a slot of the job waits for its turn.",
                 metrics_is_queued);
    metrics_flag(page, "towpath_job_failing", "1 since a run failed for good, until one goes well.",
                 metrics_is_failing);
    metrics_flag(page, "towpath_job_late", "1 while the job is late, as its alerts define it.",
                 metrics_is_late);
    metrics_flag(page, "towpath_job_file_broken",
                 "1 where the job runs by an earlier version of its file.", metrics_is_broken);
    metrics_time(page, "towpath_job_next_run_timestamp_seconds", "When the job starts next.",
                 metrics_next);
    metrics_time(page, "towpath_job_last_run_timestamp_seconds", "When the newest run ended.",
                 metrics_last_end);
    metrics_time(page, "towpath_job_last_run_duration_seconds", "How long the newest run took.",
                 metrics_last_duration);
    metrics_time(page, "towpath_job_last_success_timestamp_seconds",
                 "When the newest run ended that went well.", metrics_last_ok);
    metrics_time(page, "towpath_job_checkpoint_age_seconds", "Time since the job's checkpoint.",
                 metrics_checkpoint_age);
}

static void metrics_number(const struct metrics_page *page, const char *name, int64_t value,
                           const char *help)
{
    metrics_head(page, name, "gauge", help);
    fprintf(page->to, "%s %" PRId64 "\n", name, value);
}

static void metrics_daemon(const struct metrics_page *page)
{
    const struct tow_supervisor *supervisor = &page->daemon->supervisor;
    int64_t alerts = 0;

    metrics_head(page, "towpath_build_info", "gauge", "The version that runs.");
    fprintf(page->to, "towpath_build_info{version=\"%s\",abi=\"%d.%d\"} 1\n", PACKAGE_VERSION,
            TOW_ABI_MAJOR, TOW_ABI_MINOR);
    metrics_head(page, "towpath_daemon_start_timestamp_seconds", "gauge",
                 "When the daemon started.");
    fputs("towpath_daemon_start_timestamp_seconds ", page->to);
    metrics_seconds(page, page->daemon->started_us);
    metrics_number(page, "towpath_daemon_ready", tow_daemon_ready(page->daemon, &(const char *){0}),
                   "1 where the daemon does all that it is there for.");
    metrics_number(page, "towpath_daemon_runs", supervisor->running, "Runs that are on.");
    metrics_number(page, "towpath_daemon_runs_limit", supervisor->max_runs,
                   "Runs that may be on at once.");
    metrics_number(page, "towpath_job_files", (int64_t)page->daemon->files,
                   "Job files of the folder, when it was read last.");
    metrics_number(page, "towpath_job_files_broken", (int64_t)page->daemon->broken,
                   "Those of them that did not pass.");
    if (supervisor->state && tow_state_alert_count(supervisor->state, &alerts, NULL) == TOW_OK)
        metrics_number(page, "towpath_alerts_pending", alerts,
                       "Alerts that wait for their delivery.");
}

static void metrics_jobs(const struct metrics_page *page)
{
    metrics_counters(page);
    metrics_durations(page);
    metrics_gauges(page);
    metrics_flights(page);
}

/* Where the state does not work, what the daemon itself knows is told all the same. */
int tow_metrics_write(struct tow_metrics *metrics, struct tow_daemon *daemon, struct tow_body *body,
                      struct tow_error *err)
{
    struct metrics_sums sums = {.totals = NULL};
    struct tow_state *state = daemon->supervisor.state;
    int rc = state ? metrics_gather(metrics, state, &sums, err) : TOW_END;

    *body = (struct tow_body){NULL, 0};
    FILE *to = open_memstream(&body->text, &body->length);
    if (to) {
        struct metrics_page page = {
            .to = to, .daemon = daemon, .sums = &sums, .now_us = tow_now_us()};

        metrics_daemon(&page);
        if (rc == TOW_OK)
            rc = tow_state_at_work(state, metrics_take_flight, &page, err);
        if (rc == TOW_OK)
            metrics_jobs(&page);
        free(page.flights);
    }
    free(sums.totals);
    if (to && fclose(to) == 0 && body->text)
        return TOW_OK;
    free(body->text);
    *body = (struct tow_body){NULL, 0};
    return tow_error_nomem(err);
}
