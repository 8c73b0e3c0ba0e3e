#include "connectors/zerobus/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connectors/grpc/clock.h"
#include "towpath/clock.h"

extern char **environ;

struct command {
    const char *name;
    pid_t pid;
    int pid_fd;
    int output; /* end of the pipe that is read */
    int64_t deadline_ms;
    int cancel_fd;
};

static int command_spawn(struct command *command, char *const *arguments, struct tow_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int pipe_fds[2], errnum;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "a pipe for \"%s\"", command->name);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* A group of its own, so that what it has started can be ended with it. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): there is a program. */
    errnum = posix_spawnp(&command->pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(pipe_fds[1]);
    command->output = pipe_fds[0];
    if (errnum)
        return tow_error_errno(err, TOW_E_CONFIG, errnum, "the program \"%s\" cannot be started",
                               command->name);
    command->pid_fd = pidfd_open(command->pid, 0);
    return TOW_OK;
}

/* Until `fd` is readable. */
static int command_wait(const struct command *command, int fd, struct tow_error *err)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                            {.fd = command->cancel_fd, .events = POLLIN}};

    for (;;) {
        int64_t now_ms = tow_monotonic_ms();

        if (now_ms >= command->deadline_ms)
            return tow_error_set(err, TOW_E_TRANSIENT, "the program \"%s\" does not come to an end",
                                 command->name);
        if (poll(fds, 2, grpc_wait_ms(now_ms, command->deadline_ms)) < 0)
            continue;
        if (fds[1].revents)
            return tow_error_set(err, TOW_E_CANCELLED, "stopped while \"%s\" runs", command->name);
        if (fds[0].revents)
            return TOW_OK;
    }
}

static int command_read(const struct command *command, struct tow_buffer *out,
                        struct tow_error *err)
{
    const size_t before = out->size;

    for (;;) {
        int code = command_wait(command, command->output, err);
        ssize_t got;

        if (code == TOW_OK)
            code = tow_buffer_reserve(out, TOW_ZEROBUS_COMMAND_OUTPUT_MAX, err);
        if (code != TOW_OK)
            return code;
        got = read(command->output, out->data + out->size, TOW_ZEROBUS_COMMAND_OUTPUT_MAX);
        if (got == 0)
            return TOW_OK;
        if (got > 0)
            out->size += (size_t)got;
        if (out->size - before > TOW_ZEROBUS_COMMAND_OUTPUT_MAX)
            return tow_error_set(err, TOW_E_TRANSIENT, "the program \"%s\" says more than %d bytes",
                                 command->name, TOW_ZEROBUS_COMMAND_OUTPUT_MAX);
    }
}

/* Waits for its end, or brings it about; it leaves nothing behind in any case. */
static int command_end(const struct command *command, int code, struct tow_error *err)
{
    int status = 0;

    if (code == TOW_OK && command->pid_fd >= 0)
        code = command_wait(command, command->pid_fd, err);
    if (code != TOW_OK)
        kill(-command->pid, SIGKILL);
    while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (code != TOW_OK)
        return code;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TOW_OK;
    if (WIFEXITED(status))
        return tow_error_set(err, WEXITSTATUS(status) == 127 ? TOW_E_CONFIG : TOW_E_TRANSIENT,
                             "the program \"%s\" ended with code %d", command->name,
                             WEXITSTATUS(status));
    return tow_error_set(err, TOW_E_TRANSIENT, "the program \"%s\" was ended by signal %d",
                         command->name, WTERMSIG(status));
}

int tow_zerobus_run_command(const char *const *arguments, size_t count, int64_t timeout_ms,
                            int cancel_fd, struct tow_buffer *out, struct tow_error *err)
{
    struct command command = {.name = arguments[0],
                              .pid_fd = -1,
                              .output = -1,
                              .deadline_ms = grpc_deadline(tow_monotonic_ms(), timeout_ms),
                              .cancel_fd = cancel_fd};
    char **list = calloc(count + 1, sizeof *list);
    int code;

    if (!list)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        list[i] = (char *)(uintptr_t)arguments[i];
    code = command_spawn(&command, list, err);
    if (code == TOW_OK)
        code = command_end(&command, command_read(&command, out, err), err);
    if (command.output >= 0)
        close(command.output);
    if (command.pid_fd >= 0)
        close(command.pid_fd);
    free(list);
    return code;
}
