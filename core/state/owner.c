#include "state/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a small file as text; 0 where it cannot be read. */
static size_t owner_read(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    text[0] = '\0';
    if (fd < 0)
        return 0;
    length = read(fd, text, room - 1);
    close(fd);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    return (size_t)length;
}

/*
 * proc(5): "pid (name) state ppid ...", the start time being field 22. The name may hold blanks and
 * parentheses, so fields count from the last ')'. Returns 0 where there is nothing to be read.
 */
static int owner_process(int64_t pid, char *process_state, int64_t *started)
{
    char path[64], text[1024], *p;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!owner_read(path, text, sizeof text) || !(p = strrchr(text, ')')) || p[1] != ' ')
        return 0;
    *process_state = p[2];
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return 0;
    *started = strtoll(p, NULL, 10);
    return 1;
}

void tow_owner_self(struct tow_owner *owner)
{
    char boot[64], space[64], process_state;
    ssize_t length;

    *owner = (struct tow_owner){.pid = getpid()};
    if (gethostname(owner->host, sizeof owner->host - 1) != 0)
        owner->host[0] = '\0';
    owner_process(owner->pid, &process_state, &owner->started);
    if (!owner_read("/proc/sys/kernel/random/boot_id", boot, sizeof boot))
        return;
    boot[strcspn(boot, "\n")] = '\0';
    length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    /* Without a boot id the process number says nothing: boot stays "". */
    snprintf(owner->boot, sizeof owner->boot, "%.40s %.50s", boot, space);
}

static int owner_process_alive(const struct tow_owner *owner)
{
    char process_state;
    int64_t started;

    if (owner->pid <= 0 || owner->pid > INT32_MAX)
        return 0;
    if (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return 0;
    /* It exists; /proc may hide the processes of other users. */
    if (!owner_process(owner->pid, &process_state, &started))
        return 1;
    if (process_state == 'Z' || process_state == 'X')
        return 0;
    return owner->started == 0 || owner->started == started;
}

int tow_owner_alive(const struct tow_owner *owner, const struct tow_owner *self, int64_t now_us)
{
    int64_t age;

    if (self->boot[0] && strcmp(owner->boot, self->boot) == 0 &&
        strcmp(owner->host, self->host) == 0)
        return owner_process_alive(owner);
    if (__builtin_sub_overflow(now_us, owner->heartbeat_us, &age))
        return 0;
    return age <= TOW_OWNER_HEARTBEAT_US && age >= -TOW_OWNER_HEARTBEAT_US;
}
