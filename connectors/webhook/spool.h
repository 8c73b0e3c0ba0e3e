/*
 * A spool of messages in a folder: written ahead of the answer that says they arrived, read later,
 * at the reader's own pace.
 *
 * Messages lie in segment files, "<number>.spool", one behind the other; a place in it is a
 * segment's number and an offset. One process at a time: the folder is locked. Any number of
 * threads may add; one thread reads and drops. What was added is safe once a commit that began
 * later has returned TOW_OK, and only then a reader sees it.
 *
 * After a crash the end of the newest segment may be torn. What is torn was never committed: it is
 * cut off when the spool is opened. A message that is damaged elsewhere is TOW_E_ENV.
 */
#ifndef CONNECTORS_WEBHOOK_SPOOL_H
#define CONNECTORS_WEBHOOK_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

struct tow_spool;

/* Where a message begins. Zero: before all. */
struct tow_spool_place {
    uint64_t segment, offset;
};

struct tow_spool_message {
    const char *bytes; /* good until the next read */
    size_t length;
    int64_t received_us;         /* since 1970 UTC */
    struct tow_spool_place next; /* behind it */
};

struct tow_spool_settings {
    const char *folder;    /* made, with 0700, where it is missing */
    int64_t segment_bytes; /* a segment that has as many is followed by a new one */
    int64_t max_bytes;     /* of all segments */
    size_t max_message;    /* bytes of one message */
};

/* TOW_E_ENV also where another process has it. */
int tow_spool_open(const struct tow_spool_settings *settings, struct tow_spool **out,
                   struct tow_error *err);
void tow_spool_free(struct tow_spool *spool);
/* Bytes that opening cut off; 0 where nothing was torn. */
int64_t tow_spool_cut(const struct tow_spool *spool);

/* Any thread. TOW_E_RATE where the spool has no room left for it: the reader is behind. */
int tow_spool_add(struct tow_spool *spool, const void *bytes, size_t length, int64_t received_us,
                  struct tow_error *err);
/* Any thread, one at a time: makes what was added durable. An error is for good: nothing more can
 * be added, and what this commit had was not received. */
int tow_spool_commit(struct tow_spool *spool, struct tow_error *err);

/* The next message at or behind `from`: TOW_OK, or TOW_END where there is none yet. TOW_E_CONFIG
 * where `from` is in no segment that there is. */
int tow_spool_read(struct tow_spool *spool, struct tow_spool_place from,
                   struct tow_spool_message *message, struct tow_error *err);
/* Removes segments that end before the place. */
int tow_spool_drop(struct tow_spool *spool, struct tow_spool_place place, struct tow_error *err);

/* 1 where a lies before b. */
int tow_spool_before(struct tow_spool_place a, struct tow_spool_place b);

#endif
