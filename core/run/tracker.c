#include "run/tracker.h"

#include <stdlib.h>

int tracker_init(struct tracker *tracker, int64_t capacity, int64_t bytes_max,
                 struct tow_error *err)
{
    *tracker = (struct tracker){.capacity = (size_t)capacity, .bytes_max = bytes_max};
    tracker->ring = calloc(tracker->capacity, sizeof(struct record *));
    if (!tracker->ring)
        return tow_error_nomem(err);
    pthread_mutex_init(&tracker->lock, NULL);
    pthread_cond_init(&tracker->changed, NULL);
    return TOW_OK;
}

void tracker_release(struct tracker *tracker)
{
    if (!tracker->ring)
        return;
    for (uint64_t i = tracker->head; i < tracker->tail; i++)
        record_free(tracker->ring[i % tracker->capacity]);
    free(tracker->ring);
    tracker->ring = NULL;
    pthread_mutex_destroy(&tracker->lock);
    pthread_cond_destroy(&tracker->changed);
}

/* One batch always fits, however large. */
static int tracker_has_room(const struct tracker *tracker)
{
    uint64_t count = tracker->tail - tracker->head;

    return count == 0 || (count < tracker->capacity && tracker->bytes < tracker->bytes_max);
}

static int tracker_is_stalled(const struct tracker *tracker)
{
    return tracker->next == tracker->tail && tracker->busy == 0 && !tracker->draining;
}

int tracker_push(struct tracker *tracker, struct record *record)
{
    int rc = TOW_OK;

    pthread_mutex_lock(&tracker->lock);
    while (!tracker->failed && !tracker_has_room(tracker) && !tracker_is_stalled(tracker))
        pthread_cond_wait(&tracker->changed, &tracker->lock);
    if (tracker->failed) {
        rc = TOW_E_CANCELLED;
    } else if (!tracker_has_room(tracker)) {
        rc = TOW_END;
    } else {
        tracker->ring[tracker->tail++ % tracker->capacity] = record;
        tracker->bytes += (int64_t)record->bytes;
        pthread_cond_broadcast(&tracker->changed);
    }
    pthread_mutex_unlock(&tracker->lock);
    return rc;
}

struct record *tracker_pop(struct tracker *tracker)
{
    struct record *record = NULL;

    pthread_mutex_lock(&tracker->lock);
    while (!tracker->failed && !tracker->closed && tracker->next == tracker->tail)
        pthread_cond_wait(&tracker->changed, &tracker->lock);
    if (!tracker->failed && tracker->next < tracker->tail) {
        record = tracker->ring[tracker->next++ % tracker->capacity];
        tracker->busy++;
    }
    pthread_mutex_unlock(&tracker->lock);
    return record;
}

static struct record *tracker_oldest_done(struct tracker *tracker)
{
    if (tracker->head == tracker->tail)
        return NULL;
    struct record *record = tracker->ring[tracker->head % tracker->capacity];
    return record->done ? record : NULL;
}

/* Completes what is done and contiguous. Entered and left with the lock held. */
static void tracker_drain(struct tracker *tracker)
{
    struct record *record;

    if (tracker->draining)
        return;
    tracker->draining = 1;
    while (!tracker->failed && (record = tracker_oldest_done(tracker))) {
        pthread_mutex_unlock(&tracker->lock);
        int rc = tracker->complete(tracker->context, record);
        pthread_mutex_lock(&tracker->lock);
        if (rc) {
            tracker->failed = 1;
            break;
        }
        tracker->bytes -= (int64_t)record->bytes;
        tracker->head++;
        record_free(record);
        pthread_cond_broadcast(&tracker->changed);
    }
    tracker->draining = 0;
    pthread_cond_broadcast(&tracker->changed);
}

void tracker_put_back(struct tracker *tracker, struct record *record, int done)
{
    pthread_mutex_lock(&tracker->lock);
    tracker->busy--;
    record->done = done;
    tracker_drain(tracker);
    pthread_cond_broadcast(&tracker->changed);
    pthread_mutex_unlock(&tracker->lock);
}

void tracker_done(struct tracker *tracker, struct record *record)
{
    pthread_mutex_lock(&tracker->lock);
    record->done = 1;
    tracker_drain(tracker);
    pthread_mutex_unlock(&tracker->lock);
}

int tracker_wait_quiet(struct tracker *tracker)
{
    pthread_mutex_lock(&tracker->lock);
    while (!tracker->failed &&
           (tracker->next < tracker->tail || tracker->busy > 0 || tracker->draining))
        pthread_cond_wait(&tracker->changed, &tracker->lock);
    int failed = tracker->failed;
    pthread_mutex_unlock(&tracker->lock);
    return !failed;
}

static void tracker_set(struct tracker *tracker, int *flag)
{
    pthread_mutex_lock(&tracker->lock);
    *flag = 1;
    pthread_cond_broadcast(&tracker->changed);
    pthread_mutex_unlock(&tracker->lock);
}

void tracker_close(struct tracker *tracker)
{
    tracker_set(tracker, &tracker->closed);
}

void tracker_fail(struct tracker *tracker)
{
    tracker_set(tracker, &tracker->failed);
}

int tracker_empty(struct tracker *tracker)
{
    pthread_mutex_lock(&tracker->lock);
    int empty = tracker->head == tracker->tail;
    pthread_mutex_unlock(&tracker->lock);
    return empty;
}

int tracker_is_oldest(struct tracker *tracker, const struct record *record)
{
    pthread_mutex_lock(&tracker->lock);
    int oldest =
        tracker->head < tracker->tail && tracker->ring[tracker->head % tracker->capacity] == record;
    pthread_mutex_unlock(&tracker->lock);
    return oldest;
}

int tracker_clean(struct tracker *tracker)
{
    int clean = 1;

    pthread_mutex_lock(&tracker->lock);
    for (uint64_t i = tracker->head; i < tracker->tail; i++) {
        const struct record *record = tracker->ring[i % tracker->capacity];

        clean = clean && !record->done && record->accepted == 0;
    }
    pthread_mutex_unlock(&tracker->lock);
    return clean;
}
