#include "run/cancel.h"
#include "towpath/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int tow_cancel_init(struct tow_cancel *cancel, struct tow_error *err)
{
    atomic_init(&cancel->flag, 0);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "eventfd");
    return TOW_OK;
}

void tow_cancel_release(struct tow_cancel *cancel)
{
    if (cancel->fd >= 0)
        close(cancel->fd);
    cancel->fd = -1;
}

void tow_cancel_set(struct tow_cancel *cancel, int reason)
{
    const uint64_t one = 1;
    int none = 0, saved = errno;

    /* A full counter is as readable as any: the write's result does not matter. */
    if (atomic_compare_exchange_strong(&cancel->flag, &none, reason) &&
        write(cancel->fd, &one, sizeof one) < 0)
        errno = saved;
    errno = saved;
}

int tow_cancel_wait(struct tow_cancel *cancel, int64_t milliseconds)
{
    int64_t end = tow_monotonic_ms() + milliseconds;

    for (;;) {
        struct pollfd wait = {.fd = cancel->fd, .events = POLLIN};
        int64_t left = end - tow_monotonic_ms();

        if (tow_cancel_get(cancel))
            return 1;
        if (left <= 0)
            return 0;
        /* In steps of a minute, so that any wait fits poll's int. */
        poll(&wait, 1, left > 60000 ? 60000 : (int)left);
    }
}
