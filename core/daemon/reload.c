/* The folder read anew: what is sound becomes the new set, what is broken keeps its last sound
 * version where it had one. */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/trim.h"
#include "log.h"
#include "towpath/clock.h"

/* Between tries to read the folder for the first time. */
#define RELOAD_RETRY_MS 5000

/* The new set, as it grows. */
struct reload {
    struct tow_job_plan *plans;
    int *stale;
    size_t count;
};

static const struct tow_daemon_job *reload_of_path(const struct tow_supervisor *supervisor,
                                                   const char *path)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (!supervisor->jobs[i]->gone && strcmp(supervisor->jobs[i]->plan.path, path) == 0)
            return supervisor->jobs[i];
    return NULL;
}

static const char *reload_has_name(const struct reload *reload, const char *name)
{
    for (size_t i = 0; i < reload->count; i++)
        if (strcmp(reload->plans[i].name, name) == 0)
            return reload->plans[i].path ? reload->plans[i].path : "a file that changed";
    return NULL;
}

/* 1 where an earlier version of the file stays. */
static int reload_keep(const struct tow_daemon *daemon, struct reload *reload, const char *path)
{
    const struct tow_daemon_job *job = reload_of_path(&daemon->supervisor, path);

    if (!job || reload_has_name(reload, job->plan.name))
        return 0;
    strcpy(reload->plans[reload->count].name, job->plan.name);
    reload->stale[reload->count++] = 1;
    return 1;
}

static int reload_take(const struct tow_reading_file *file, struct reload *reload,
                       struct tow_error *err)
{
    struct tow_job_plan *plan = &reload->plans[reload->count];
    const char *other;
    int rc;

    if (!file->sound)
        return tow_error_set(err, TOW_E_CONFIG, "%s", file->said ? file->said : "it is broken");
    rc = tow_reading_plan(file, plan, err);
    if (rc)
        return rc;
    other = reload_has_name(reload, plan->name);
    if (other) {
        tow_error_set(err, TOW_E_CONFIG, "the job's name \"%s\" is that of %s", plan->name, other);
        tow_job_plan_release(plan);
        return TOW_E_CONFIG;
    }
    reload->count++;
    return TOW_OK;
}

static void reload_files(struct tow_daemon *daemon, struct reload *reload)
{
    const struct tow_reading *reading = &daemon->reading;

    daemon->files = reading->count;
    daemon->broken = 0;
    for (size_t i = 0; i < reading->count; i++) {
        const struct tow_reading_file *file = &reading->files[i];
        struct tow_error err = TOW_ERROR_INIT;

        if (reload_take(file, reload, &err) == TOW_OK) {
            if (file->said)
                tow_log_line(TOW_LOG_WARN, "daemon", "%s: %s", file->path, file->said);
            continue;
        }
        daemon->broken++;
        int kept = reload_keep(daemon, reload, file->path);
        tow_log_line(TOW_LOG_ERROR, "daemon", "%s %s: %s", file->path,
                     kept ? "is broken, its earlier version stays" : "is left out", err.message);
    }
}

static void reload_apply(struct tow_daemon *daemon)
{
    size_t room = daemon->reading.count + 1;
    struct reload reload = {.plans = calloc(room, sizeof *reload.plans),
                            .stale = calloc(room, sizeof *reload.stale)};
    struct tow_error err = TOW_ERROR_INIT;
    int rc = reload.plans && reload.stale ? TOW_OK : tow_error_nomem(&err);

    if (!rc) {
        reload_files(daemon, &reload);
        rc = tow_supervisor_take(&daemon->supervisor, reload.plans, reload.stale, reload.count,
                                 &err);
    }
    if (rc)
        tow_log_line(TOW_LOG_ERROR, "daemon", "the jobs stay as they were: %s", err.message);
    else
        tow_log_line(daemon->broken ? TOW_LOG_WARN : TOW_LOG_INFO, "daemon",
                     "%s: %zu job%s, of %zu file%s %zu broken", daemon->settings->folder,
                     reload.count, reload.count == 1 ? "" : "s", daemon->files,
                     daemon->files == 1 ? "" : "s", daemon->broken);
    for (size_t i = 0; reload.plans && i < room; i++)
        tow_job_plan_release(&reload.plans[i]);
    free(reload.plans);
    free(reload.stale);
}

static void reload_done(struct tow_daemon *daemon)
{
    tow_reading_release(&daemon->reading);
    daemon->reloading = 0;
    daemon->loaded = 1;
    tow_trim();
    tow_notify_send(&daemon->notify, "READY=1");
}

/* A first reading that failed is no reading: nothing is ready until another one comes through. */
static void reload_failed(struct tow_daemon *daemon, const struct tow_error *err, int64_t now_ms)
{
    tow_log_line(TOW_LOG_ERROR, "daemon", "%s: %s",
                 daemon->loaded ? "the jobs stay as they were" : "the jobs cannot be read yet",
                 err->message);
    if (daemon->loaded) {
        reload_done(daemon);
        return;
    }
    tow_reading_release(&daemon->reading);
    daemon->reloading = 0;
    daemon->retry_ms = now_ms + RELOAD_RETRY_MS;
}

static void reload_start(struct tow_daemon *daemon, int64_t now_ms)
{
    struct tow_error err = TOW_ERROR_INIT;

    daemon->reload_wanted = 0;
    daemon->retry_ms = 0;
    daemon->reloading = 1;
    if (daemon->loaded)
        tow_notify_send(&daemon->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
                        (long long)tow_monotonic_ms() * 1000);
    if (tow_reading_start(&daemon->reading, daemon->settings->folder, &err) == TOW_OK)
        return;
    reload_failed(daemon, &err, now_ms);
}

int64_t tow_daemon_reload(struct tow_daemon *daemon, int64_t now_ms)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc;

    if (daemon->stop_signals)
        return INT64_MAX;
    if (daemon->retry_ms && now_ms >= daemon->retry_ms)
        daemon->reload_wanted = 1;
    if (daemon->reload_wanted && !daemon->reading.active)
        reload_start(daemon, now_ms);
    if (!daemon->reading.active)
        return daemon->retry_ms ? daemon->retry_ms : INT64_MAX;
    rc = tow_reading_advance(&daemon->reading, now_ms, &err);
    if (rc == TOW_OK)
        return daemon->reading.deadline_ms;
    if (rc == TOW_END && tow_reading_is_stale(&daemon->reading)) {
        tow_log_line(TOW_LOG_INFO, "daemon", "files changed while they were read: once more");
        tow_reading_release(&daemon->reading);
        daemon->reload_wanted = 1;
        return now_ms;
    }
    if (rc == TOW_END) {
        reload_apply(daemon);
        reload_done(daemon);
    } else {
        reload_failed(daemon, &err, now_ms);
    }
    return now_ms;
}
