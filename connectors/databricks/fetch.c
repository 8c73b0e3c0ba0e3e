#include "connectors/databricks/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/databricks/fetch_priv.h"
#include "connectors/machine/wakeup.h"

#define FETCH_PARALLEL  8
#define FETCH_MEMORY    (INT64_C(48) << 20)
#define FETCH_REFRESHES 2
#define FETCH_AHEAD     8    /* blocks */
#define FETCH_LOOK_MS   1000 /* of one wait for news */
#define FETCH_PARK_MS   10000

/* ---- life ------------------------------------------------------------------------------------ */

static void fetch_settings(struct tow_fetch *fetch, const struct tow_fetch_settings *settings)
{
    int64_t memory = settings->memory > 0 ? settings->memory : FETCH_MEMORY;

    fetch->parallel = settings->parallel > 0 ? settings->parallel : FETCH_PARALLEL;
    if (fetch->parallel > TOW_FETCH_PARALLEL_MAX)
        fetch->parallel = TOW_FETCH_PARALLEL_MAX;
    fetch->refreshes = settings->refreshes > 0 ? settings->refreshes : FETCH_REFRESHES;
    fetch->current = settings->first;
    fetch->park_ms = FETCH_PARK_MS;
    /* Chunks that are done and wait do not keep others from being begun. */
    fetch->window = 2 * (size_t)fetch->parallel;
    fetch->block_limit = (size_t)memory / TOW_FETCH_BLOCK + 1;
    fetch->block_ahead = fetch->block_limit / (size_t)fetch->parallel / 2 + 1;
    if (fetch->block_ahead > FETCH_AHEAD)
        fetch->block_ahead = FETCH_AHEAD;
}

static int fetch_prepare(struct tow_fetch *fetch, const struct tow_databricks_config *config,
                         struct tow_error *err)
{
    fetch->slots = calloc(fetch->window, sizeof *fetch->slots);
    if (!fetch->slots)
        return tow_error_nomem(err);
    for (size_t i = 0; i < fetch->window; i++) {
        fetch->slots[i].fetch = fetch;
        fetch->slots[i].chunk = -1;
        fetch->slots[i].rows = -1;
    }
    fetch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fetch->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fetch->stop_fd < 0 || fetch->news_fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "make an event descriptor");
    fetch->databricks = tow_databricks_new(config, fetch->stop_fd, err);
    return fetch->databricks ? TOW_OK : err->code;
}

struct tow_fetch *tow_fetch_new(const struct tow_databricks_config *config, int cancel_fd,
                                struct tow_statement *statement,
                                const struct tow_fetch_settings *settings, struct tow_error *err)
{
    struct tow_error local = TOW_ERROR_INIT;
    struct tow_fetch *fetch = calloc(1, sizeof *fetch);
    int errnum;

    err = err ? err : &local;
    if (!fetch) {
        tow_error_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&fetch->lock, NULL);
    fetch->broken = (struct tow_error)TOW_ERROR_INIT;
    fetch->stop_fd = fetch->news_fd = -1;
    fetch->statement = statement;
    fetch->cancel_fd = cancel_fd;
    fetch_settings(fetch, settings);
    if (fetch_prepare(fetch, config, err) == TOW_OK) {
        errnum = pthread_create(&fetch->thread, NULL, tow_fetch_main, fetch);
        fetch->has_thread = errnum == 0;
        if (errnum == 0)
            return fetch;
        tow_error_errno(err, TOW_E_ENV, errnum, "start the thread that fetches");
    }
    tow_fetch_free(fetch);
    return NULL;
}

static void fetch_stop(struct tow_fetch *fetch)
{
    pthread_mutex_lock(&fetch->lock);
    fetch->is_stopping = 1;
    pthread_mutex_unlock(&fetch->lock);
    tow_wakeup_raise(fetch->stop_fd);
    pthread_join(fetch->thread, NULL);
}

void tow_fetch_free(struct tow_fetch *fetch)
{
    if (!fetch)
        return;
    if (fetch->has_thread)
        fetch_stop(fetch);
    for (size_t i = 0; fetch->slots && i < fetch->window; i++) {
        tow_fetch_slot_break(&fetch->slots[i]);
        tow_fetch_link_release(&fetch->slots[i].link);
    }
    tow_fetch_blocks_free(fetch);
    free(fetch->slots);
    tow_databricks_free(fetch->databricks);
    if (fetch->stop_fd >= 0)
        close(fetch->stop_fd);
    if (fetch->news_fd >= 0)
        close(fetch->news_fd);
    pthread_mutex_destroy(&fetch->lock);
    free(fetch);
}

/* ---- handing out ----------------------------------------------------------------------------- */

/* Waits for news, TOW_E_CANCELLED where cancel_fd is readable first. Lock not held. */
static int fetch_wait(struct tow_fetch *fetch, struct tow_error *err)
{
    struct pollfd waited[2] = {{.fd = fetch->news_fd, .events = POLLIN},
                               {.fd = fetch->cancel_fd, .events = POLLIN}};

    if (poll(waited, 2, FETCH_LOOK_MS) < 0 && errno != EINTR)
        return tow_error_errno(err, TOW_E_ENV, errno, "wait for a chunk");
    if (waited[1].revents)
        return tow_error_set(err, TOW_E_CANCELLED, "interrupted while waiting for a chunk");
    if (waited[0].revents)
        (void)tow_wakeup_clear(fetch->news_fd);
    return TOW_OK;
}

/* Lock held. The thread waits for memory, and there is some again. */
static int fetch_feeds(struct tow_fetch *fetch, const struct tow_fetch_slot *slot)
{
    if (!fetch->thread_starves)
        return 0;
    return slot->is_paused ? tow_fetch_has_room_again(fetch, slot)
                           : tow_fetch_has_room_ahead(fetch);
}

static int fetch_report(const struct tow_error *from, struct tow_error *err)
{
    (void)tow_error_set(err, from->code, "%s", from->message);
    err->retry_after_ms = from->retry_after_ms;
    return from->code;
}

#define FETCH_NOTHING 2

/* Lock held. */
static int fetch_failed(struct tow_fetch_slot *slot, struct tow_error *err)
{
    if (slot->may_restart) {
        slot->state = TOW_FETCH_WAITING;
        slot->may_restart = 0;
        return FETCH_NOTHING;
    }
    slot->may_restart = slot->err.code == TOW_E_TRANSIENT || slot->err.code == TOW_E_RATE;
    return fetch_report(&slot->err, err);
}

/* What is there of the current chunk: TOW_OK with a block, TOW_END, an error, or FETCH_NOTHING.
 * Sets *wakes where the thread is to look. Lock held. */
static int fetch_look(struct tow_fetch *fetch, int *wakes, struct tow_error *err)
{
    struct tow_fetch_slot *slot = tow_fetch_slot_of(fetch, fetch->current);

    if (fetch->broken.code != TOW_OK)
        return fetch_report(&fetch->broken, err);
    if (slot->chunk != fetch->current)
        return FETCH_NOTHING;
    fetch->handed = tow_fetch_pop(slot);
    *wakes = fetch_feeds(fetch, slot);
    if (fetch->handed)
        return TOW_OK;
    if (slot->state == TOW_FETCH_DONE) {
        fetch->ended_rows = slot->rows;
        fetch->current++;
        fetch->unreached = 0;
        *wakes = 1;
        return TOW_END;
    }
    if (slot->state != TOW_FETCH_FAILED)
        return FETCH_NOTHING;
    *wakes = slot->may_restart;
    return fetch_failed(slot, err);
}

int tow_fetch_next(struct tow_fetch *fetch, int64_t chunk, const void **bytes, size_t *length,
                   struct tow_error *err)
{
    struct tow_error local = TOW_ERROR_INIT;
    int code = FETCH_NOTHING, is_known;

    err = err ? err : &local;
    pthread_mutex_lock(&fetch->lock);
    is_known = chunk == fetch->current && chunk < fetch->statement->chunks;
    if (fetch->handed)
        tow_fetch_recycle(fetch, fetch->handed);
    fetch->handed = NULL;
    pthread_mutex_unlock(&fetch->lock);
    if (!is_known)
        return tow_error_set(err, TOW_E_BUG, "chunk %" PRId64 " is not the one to hand out", chunk);
    while (code == FETCH_NOTHING) {
        int wakes = 0;

        pthread_mutex_lock(&fetch->lock);
        code = fetch_look(fetch, &wakes, err);
        fetch->caller_waits = code == FETCH_NOTHING;
        pthread_mutex_unlock(&fetch->lock);
        if (wakes)
            tow_http_wake(fetch->databricks->http);
        if (code == FETCH_NOTHING && fetch_wait(fetch, err) != TOW_OK)
            return err->code;
    }
    if (code == TOW_OK) {
        *bytes = fetch->handed->bytes;
        *length = fetch->handed->used;
    }
    return code;
}

int64_t tow_fetch_rows(const struct tow_fetch *fetch, int64_t chunk)
{
    struct tow_fetch *own = (struct tow_fetch *)fetch; /* for its lock */
    struct tow_fetch_slot *slot;
    int64_t rows;

    pthread_mutex_lock(&own->lock);
    slot = tow_fetch_slot_of(own, chunk);
    rows = chunk == own->current - 1 ? own->ended_rows : slot->chunk == chunk ? slot->rows : -1;
    pthread_mutex_unlock(&own->lock);
    return rows;
}

int tow_fetch_gone(const struct tow_fetch *fetch)
{
    struct tow_fetch *own = (struct tow_fetch *)fetch; /* for its lock */
    int is_gone;

    pthread_mutex_lock(&own->lock);
    is_gone = own->is_gone;
    pthread_mutex_unlock(&own->lock);
    return is_gone;
}
