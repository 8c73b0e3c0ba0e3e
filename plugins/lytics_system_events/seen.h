/* Ids of events that were handed out, as hashes, so that a stretch of time can be read twice. */
#ifndef PLUGINS_LYTICS_SYSTEM_EVENTS_SEEN_H
#define PLUGINS_LYTICS_SYSTEM_EVENTS_SEEN_H

#include <stddef.h>
#include <stdint.h>

#define TOW_SEEN_MAX 200 /* two of them fit into a position */

/* A hash of an id: of 200 ids and a million others, one is taken for another in 10^11 cases. */
uint64_t tow_seen_hash(const char *text, size_t length);

struct tow_seen {
    int64_t from_us; /* knows every event from here on that was handed out */
    size_t count;
    uint64_t hashes[TOW_SEEN_MAX];
    uint16_t seconds[TOW_SEEN_MAX]; /* of each, behind from_us; rising */
};

void tow_seen_init(struct tow_seen *seen, int64_t from_us);
int tow_seen_has(const struct tow_seen *seen, uint64_t hash);
/* Notes an event; times rise from call to call. One before from_us is left out. Where there is no
 * room the oldest are forgotten, and from_us moves behind them. */
void tow_seen_add(struct tow_seen *seen, int64_t at_us, uint64_t hash);

#endif
