#include "daemon/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "towpath/value.h"

#define NOTIFY_MESSAGE_MAX 1024

static void notify_open(struct tow_notify *notify, const char *name)
{
    size_t length = name ? strlen(name) : 0;

    /* The manager's other forms (vsock) are none of a daemon on the same machine. */
    if (length < 2 || (name[0] != '/' && name[0] != '@') ||
        length >= sizeof notify->address.sun_path)
        return;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int64_t notify_watchdog(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t us, owner;

    if (!period || tow_parse_int64(period, strlen(period), &us) != TOW_PARSE_OK || us <= 0)
        return 0;
    if (pid && (tow_parse_int64(pid, strlen(pid), &owner) != TOW_PARSE_OK || owner != getpid()))
        return 0;
    return us < 1000 ? 1 : us / 1000;
}

void tow_notify_init(struct tow_notify *notify)
{
    *notify = (struct tow_notify){.fd = -1};
    notify_open(notify, getenv("NOTIFY_SOCKET"));
    if (notify->fd >= 0)
        notify->watchdog_ms = notify_watchdog();
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void tow_notify_release(struct tow_notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

void tow_notify_send(const struct tow_notify *notify, const char *format, ...)
{
    char message[NOTIFY_MESSAGE_MAX];
    va_list args;
    int length;

    if (notify->fd < 0)
        return;
    va_start(args, format);
    length = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof message)
        length = sizeof message - 1;
    sendto(notify->fd, message, (size_t)length, MSG_NOSIGNAL,
           (const struct sockaddr *)&notify->address, notify->length);
}
