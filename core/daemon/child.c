#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int tow_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* dup2 onto itself keeps close-on-exec; posix_spawn clears it then, as POSIX has it. */
static int child_files(posix_spawn_file_actions_t *actions, const struct tow_child_files *files)
{
    int errnum = files->in >= 0
                     ? posix_spawn_file_actions_adddup2(actions, files->in, 0)
                     : posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

    if (!errnum)
        errnum = files->out >= 0
                     ? posix_spawn_file_actions_adddup2(actions, files->out, 1)
                     : posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    /* Both come from text_file.h, and so lie above these numbers. */
    if (!errnum && files->text >= 0)
        errnum = posix_spawn_file_actions_adddup2(actions, files->text, TOW_CHILD_TEXT_FD);
    if (!errnum && files->why >= 0)
        errnum = posix_spawn_file_actions_adddup2(actions, files->why, TOW_CHILD_WHY_FD);
    return errnum;
}

/* The daemon blocks signals, to read them from a descriptor; its children start with none blocked
 * and none ignored. */
static int child_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int errnum;

    sigemptyset(&none);
    sigfillset(&all);
    errnum = posix_spawnattr_setsigmask(attributes, &none);
    if (!errnum)
        errnum = posix_spawnattr_setsigdefault(attributes, &all);
    if (!errnum)
        errnum = posix_spawnattr_setpgroup(attributes, 0);
    if (!errnum)
        errnum = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return errnum;
}

static int child_spawn(struct tow_child *child, char *const *argv,
                       const struct tow_child_files *files)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int errnum = posix_spawn_file_actions_init(&actions);

    if (errnum)
        return errnum;
    errnum = posix_spawnattr_init(&attributes);
    if (!errnum) {
        errnum = child_files(&actions, files);
        if (!errnum)
            errnum = child_attributes(&attributes);
        if (!errnum)
            errnum = posix_spawn(&child->pid, argv[0], &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return errnum;
}

int tow_child_start(struct tow_child *child, char *const *argv, const struct tow_child_files *files,
                    struct tow_error *err)
{
    *child = (struct tow_child)TOW_CHILD_NONE;
    int errnum = child_spawn(child, argv, files);

    if (errnum) {
        child->pid = 0;
        return tow_error_errno(err, TOW_E_ENV, errnum, "starting %s", argv[0]);
    }
    child->fd = tow_pidfd(child->pid);
    if (child->fd >= 0)
        return TOW_OK;
    /* Nobody would hear of its end. */
    errnum = errno;
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    child->pid = 0;
    return tow_error_errno(err, TOW_E_ENV, errnum, "watching %s", argv[0]);
}

void tow_child_reap(struct tow_child *child, int *exit_code, int *signal_number)
{
    int status = 0;

    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    close(child->fd);
    *child = (struct tow_child)TOW_CHILD_NONE;
}

void tow_child_stop(struct tow_child *child, int64_t now_ms, int64_t grace_ms)
{
    if (child->pid <= 0 || child->deadline_ms)
        return;
    kill(child->pid, SIGTERM);
    child->deadline_ms = now_ms + grace_ms;
}

void tow_child_expect(struct tow_child *child, int64_t deadline_ms)
{
    child->deadline_ms = deadline_ms;
}

int64_t tow_child_tick(struct tow_child *child, int64_t now_ms)
{
    if (child->pid <= 0 || child->deadline_ms == 0)
        return INT64_MAX;
    if (now_ms < child->deadline_ms)
        return child->deadline_ms;
    kill(-child->pid, SIGKILL);
    child->deadline_ms = now_ms + 1000;
    return child->deadline_ms;
}
