#include <poll.h>

#include "plugins/events/source.h"
#include "towpath/clock.h"

#define WAIT_MOST_MS 1000

int tow_events_source_wait(struct tow_events_source *source, struct tow_error *err)
{
    const struct tow_host *host = source->host;
    int64_t left = source->listed_ms + source->options.poll_interval_ms - tow_monotonic_ms();
    struct pollfd fd = {.fd = host->cancel_fd(host), .events = POLLIN};

    source->is_waiting = 1;
    if (left > 0)
        (void)poll(&fd, 1, left < WAIT_MOST_MS ? (int)left : WAIT_MOST_MS);
    if (host->cancelled(host))
        return tow_error_set(err, TOW_E_CANCELLED, "waiting for events was cancelled");
    if (left > WAIT_MOST_MS)
        return TOW_OK;
    source->next = 0;
    source->listed_ms = tow_monotonic_ms();
    return tow_events_files_refresh(source, err);
}
