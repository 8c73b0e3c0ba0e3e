/*
 * Changes that were read lately, to leave out those that are delivered twice. A table of fixed size
 * in a file, so that a run knows what the one before has read; where a bucket is full the oldest
 * entry goes.
 *
 * A change is known by its content, and by the place where it was read first: a run that reads the
 * same place again after a kill does not take it for a repetition. The file is not made durable;
 * what a power failure takes from it is delivered twice at worst.
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_CHANGES_SEEN_H
#define PLUGINS_LYTICS_AUDIENCE_CHANGES_SEEN_H

#include <stdint.h>

#include "connectors/webhook/spool.h"

struct tow_seen;

struct tow_seen_place {
    struct tow_spool_place message;
    uint64_t item; /* of the message's changes */
};

/* Opens or makes the file for that many entries, rounded up; one of another size is made anew. */
int tow_seen_open(const char *path, int64_t entries, struct tow_seen **out, struct tow_error *err);
void tow_seen_close(struct tow_seen *seen);

/* 128 bits that stand for a change. */
struct tow_seen_key {
    uint64_t a, b;
};
void tow_seen_hash(struct tow_seen_key *key, const void *bytes, size_t length);

/* 1 where it was read at an earlier place within the window; else 0, and it is kept. */
int tow_seen_again(struct tow_seen *seen, const struct tow_seen_key *key,
                   struct tow_seen_place place, int64_t now_us, int64_t window_us);

#endif
