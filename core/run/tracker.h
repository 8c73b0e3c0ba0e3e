/*
 * The batches of a run that are under way: a bounded queue to the sink workers, and the order in
 * which they are completed.
 *
 * A ring holds records in order of their number. The source pushes at the tail and waits while the
 * ring is full; workers pop the next one nobody has; a record that its worker is through with
 * waits in the ring until all before it are completed. Completion is therefore contiguous, and done
 * by one thread at a time, whichever finished the oldest.
 */
#ifndef CORE_RUN_TRACKER_H
#define CORE_RUN_TRACKER_H

#include <pthread.h>

#include "run/record.h"

struct tracker {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below */
    struct record **ring;
    size_t capacity;
    uint64_t head, next, tail; /* oldest, next to pop, next to push; taken modulo capacity */
    int64_t bytes, bytes_max;
    int busy;     /* workers that hold a record they popped */
    int draining; /* 1: a thread is completing */
    int closed;   /* 1: nothing more will be pushed */
    int failed;   /* 1: nothing more will be popped or pushed */
    /* Called for each record in order, without the lock, by one thread at a time; the record is
     * then freed. A failure stops completion for good. */
    int (*complete)(void *context, struct record *record);
    void *context;
};

int tracker_init(struct tracker *tracker, int64_t capacity, int64_t bytes_max,
                 struct tow_error *err);
/* Frees records that were not completed. No thread may be using it. */
void tracker_release(struct tracker *tracker);

/*
 * Waits for room and takes the record over: TOW_OK. It stays the caller's with TOW_E_CANCELLED,
 * once failed, and with TOW_END, where the ring is full of records that only a flush can settle.
 */
int tracker_push(struct tracker *tracker, struct record *record);
/* The next record for a worker; NULL once closed and empty, or failed. */
struct record *tracker_pop(struct tracker *tracker);
/* The worker is through with the record that it popped; `done`: with all of its rows too. */
void tracker_put_back(struct tracker *tracker, struct record *record, int done);
/* A record that was put back earlier is done now. */
void tracker_done(struct tracker *tracker, struct record *record);
/* Waits until every record pushed so far was popped and put back, or it failed: then 0. */
int tracker_wait_quiet(struct tracker *tracker);
void tracker_close(struct tracker *tracker);
void tracker_fail(struct tracker *tracker);
/* 1 where all records are completed. */
int tracker_empty(struct tracker *tracker);
/* 1 where the record is the oldest that is not completed. */
int tracker_is_oldest(struct tracker *tracker, const struct record *record);
/* 1 where no row of a record that is not completed has been settled: the sink holds exactly what
 * was completed. */
int tracker_clean(struct tracker *tracker);

#endif
