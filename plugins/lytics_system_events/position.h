/* Where the source stands: what it has handed out, and what of it may come again. */
#ifndef PLUGINS_LYTICS_SYSTEM_EVENTS_POSITION_H
#define PLUGINS_LYTICS_SYSTEM_EVENTS_POSITION_H

#include "plugins/lytics_system_events/seen.h"
#include "towpath/plugin.h"

struct tow_event_position {
    int64_t next_us;       /* all events before it were handed out, or are known to `past`, ... */
    uint64_t next_hash;    /* ... and those at it whose ids' hashes are less */
    int64_t end_us;        /* the load under way ends here; 0: there is none */
    struct tow_seen past;  /* handed out by the load before, up to where it ended */
    struct tow_seen fresh; /* handed out by this one, near its end */
};

void tow_event_position_write(const struct tow_event_position *position, struct tow_position *out);
/* TOW_E_CONFIG for what is none; length 0 is not taken. */
int tow_event_position_read(struct tow_event_position *position, const struct tow_position *from,
                            struct tow_error *err);

#endif
