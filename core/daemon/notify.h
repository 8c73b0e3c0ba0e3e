/*
 * The service manager's protocol (sd_notify(3)): datagrams to the socket that $NOTIFY_SOCKET names,
 * by path or, with "@" first, in the abstract name space. Without the variable nothing is sent. A
 * message that does not arrive changes nothing for the daemon.
 */
#ifndef CORE_DAEMON_NOTIFY_H
#define CORE_DAEMON_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct tow_notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t length;
    int64_t watchdog_ms; /* how often the manager wants to hear; 0: never */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment:
 * children must not speak for the daemon. */
void tow_notify_init(struct tow_notify *notify);
void tow_notify_release(struct tow_notify *notify);
/* Lines "NAME=value", without the last "\n"; cut at 1 KiB. */
void tow_notify_send(const struct tow_notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
