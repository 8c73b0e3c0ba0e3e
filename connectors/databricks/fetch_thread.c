/* The thread that moves the slots. */
#include "connectors/databricks/fetch_priv.h"
#include "connectors/machine/wakeup.h"
#include "towpath/clock.h"

#define THREAD_RUN_MS 1000 /* from one look at all slots to the next, where nothing happens */

void tow_fetch_tell(struct tow_fetch *fetch)
{
    if (!fetch->caller_waits)
        return;
    fetch->caller_waits = 0;
    tow_wakeup_raise(fetch->news_fd);
}

static int thread_active(const struct tow_fetch *fetch)
{
    int count = 0;

    for (size_t i = 0; i < fetch->window; i++)
        count += fetch->slots[i].call != NULL;
    return count;
}

static int thread_may_start(struct tow_fetch *fetch, const struct tow_fetch_slot *slot)
{
    int may;

    pthread_mutex_lock(&fetch->lock);
    may = slot->state == TOW_FETCH_WAITING;
    if (may && slot->chunk != fetch->current) {
        may = tow_fetch_has_room_ahead(fetch);
        fetch->thread_starves |= !may;
        may = may && thread_active(fetch) < fetch->parallel && tow_monotonic_ms() >= fetch->hold_ms;
    }
    pthread_mutex_unlock(&fetch->lock);
    return may;
}

enum thread_step { THREAD_NOTHING, THREAD_RESUME, THREAD_PARK };

/* What is to be done about a download that may be pausing. */
static enum thread_step thread_paused(struct tow_fetch *fetch, struct tow_fetch_slot *slot)
{
    enum thread_step step = THREAD_NOTHING;

    pthread_mutex_lock(&fetch->lock);
    if (slot->is_paused && tow_fetch_has_room_again(fetch, slot)) {
        slot->is_paused = 0;
        step = THREAD_RESUME;
    } else if (slot->is_paused) {
        fetch->thread_starves = 1;
        if (tow_monotonic_ms() - slot->paused_ms > fetch->park_ms)
            step = THREAD_PARK;
    }
    pthread_mutex_unlock(&fetch->lock);
    return step;
}

static void thread_move(struct tow_fetch *fetch, struct tow_fetch_slot *slot)
{
    enum thread_step step;

    while (slot->call && tow_http_ended(slot->call))
        tow_fetch_slot_ended(slot);
    step = slot->call ? thread_paused(fetch, slot) : THREAD_NOTHING;
    if (step == THREAD_RESUME)
        tow_http_resume(slot->call);
    else if (step == THREAD_PARK)
        tow_fetch_slot_break(slot);
    if (!slot->call && thread_may_start(fetch, slot))
        tow_fetch_slot_start(slot);
}

/* Moves all slots, those of the nearest chunks first; 0 where the thread is to end. */
static int thread_round(struct tow_fetch *fetch)
{
    int64_t current, end;
    int is_stopping;

    pthread_mutex_lock(&fetch->lock);
    is_stopping = fetch->is_stopping;
    current = fetch->current;
    fetch->thread_starves = 0;
    pthread_mutex_unlock(&fetch->lock);
    end = current + (int64_t)fetch->window;
    if (end > fetch->statement->chunks)
        end = fetch->statement->chunks;
    for (int64_t chunk = current; chunk < end && !is_stopping; chunk++) {
        struct tow_fetch_slot *slot = tow_fetch_slot_of(fetch, chunk);

        if (slot->chunk != chunk)
            tow_fetch_slot_reset(slot, chunk);
        thread_move(fetch, slot);
    }
    return !is_stopping;
}

void *tow_fetch_main(void *context)
{
    struct tow_fetch *fetch = context;
    struct tow_error err = TOW_ERROR_INIT;
    int code = TOW_OK;

    while (code == TOW_OK && thread_round(fetch))
        code = tow_http_run(fetch->databricks->http, THREAD_RUN_MS, &err);
    pthread_mutex_lock(&fetch->lock);
    if (!fetch->is_stopping)
        fetch->broken = err;
    tow_fetch_tell(fetch);
    pthread_mutex_unlock(&fetch->lock);
    return NULL;
}
