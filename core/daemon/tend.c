/* The daemon's connection to the state: opened at start, and anew after it failed, since a file
 * may have been restored or replaced meanwhile. */
#include <errno.h>
#include <unistd.h>

#include "daemon/daemon.h"

static void tend_close(struct tow_supervisor *supervisor)
{
    tow_state_close(supervisor->state);
    supervisor->state = NULL;
    /* What a restored file says counts, but for jobs whose run is on. */
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->jobs[i]->activity == TOW_ACTIVITY_NONE && !supervisor->jobs[i]->unsaved)
            supervisor->jobs[i]->adopted = 0;
}

/*
 * Where there was a state, its absence is trouble (a volume that is not mounted), and no reason to
 * begin with an empty one: without their checkpoints, jobs would start from nothing.
 */
static int tend_open(struct tow_daemon *daemon, struct tow_error *err)
{
    const char *path = daemon->settings->state;
    int rc;

    if (daemon->had_state && access(path, F_OK) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno,
                               "state file %s is gone: put it back, or start the daemon anew to "
                               "begin with an empty one",
                               path);
    rc = tow_state_open(path, TOW_STATE_CREATE, &daemon->supervisor.state, err);
    daemon->had_state |= rc == TOW_OK;
    return rc;
}

void tow_daemon_tend_state(struct tow_daemon *daemon, int64_t now_us)
{
    struct tow_supervisor *supervisor = &daemon->supervisor;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (supervisor->state && !supervisor->state_failed && daemon->dead_closed)
        return;
    if (supervisor->state_failed && now_us < supervisor->state_retry_us &&
        now_us > supervisor->state_retry_us - TOW_STATE_RETRY_US)
        return;
    if (supervisor->state_failed && supervisor->state)
        tend_close(supervisor);
    if (!supervisor->state)
        rc = tend_open(daemon, &err);
    if (!rc && !daemon->dead_closed) {
        rc = tow_supervisor_close_dead(supervisor, now_us, &err);
        daemon->dead_closed = rc == TOW_OK;
    }
    if (rc)
        tow_supervisor_state_failed(supervisor, &err, now_us);
}
