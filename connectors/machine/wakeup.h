/* An eventfd that ends another thread's wait, or one's own: made with EFD_NONBLOCK. errno stays. */
#ifndef CONNECTORS_MACHINE_WAKEUP_H
#define CONNECTORS_MACHINE_WAKEUP_H

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* Makes it readable. A write that fails found the counter full, and that is as readable as any. */
static inline void tow_wakeup_raise(int fd)
{
    const uint64_t one = 1;
    int saved = errno;

    if (write(fd, &one, sizeof one) < 0)
        errno = saved;
}

/* Makes it unreadable again; 1 where it was raised. */
static inline int tow_wakeup_clear(int fd)
{
    uint64_t count;
    int saved = errno;
    int was_raised = read(fd, &count, sizeof count) > 0;

    errno = saved;
    return was_raised;
}

#endif
