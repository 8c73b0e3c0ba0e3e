#include "connectors/files/gzip_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "connectors/files/deflater.h"
#include "connectors/machine/processors.h"

/* One reader fills two of these with ISA-L; each takes a third of a megabyte. */
#define POOL_THREADS_MAX 2
#define POOL_SLOTS_MAX   (POOL_THREADS_MAX + 1)

enum pool_state { POOL_FREE, POOL_WAITS, POOL_RUNS, POOL_DONE };

struct pool_slot {
    struct tow_buffer text, out;
    enum pool_state state; /* guarded by lock; the rest is whose turn it is */
    struct tow_error err;
};

struct tow_gzip_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int is_stopping;
    int level;
    unsigned threads, slots;
    unsigned oldest, next; /* the owner's; slots are a ring */
    unsigned to_run;       /* guarded by lock: whose turn it is */
    pthread_t thread[POOL_THREADS_MAX];
    struct tow_deflater *deflaters[POOL_THREADS_MAX];
    struct pool_slot slot[POOL_SLOTS_MAX];
};

struct pool_thread {
    struct tow_gzip_pool *pool;
    struct tow_deflater *deflater;
};

unsigned tow_gzip_pool_threads(void)
{
    int count = tow_processors();

    if (count < 2)
        return 0;
    return count < POOL_THREADS_MAX ? (unsigned)count : POOL_THREADS_MAX;
}

static unsigned pool_after(const struct tow_gzip_pool *pool, unsigned slot)
{
    return slot + 1 == pool->slots ? 0 : slot + 1;
}

/* ---- the threads ---------------------------------------------------------------------------- */

/* Called with the lock held: the next chunk in turn, NULL where the thread is to end. */
static struct pool_slot *pool_take(struct tow_gzip_pool *pool)
{
    struct pool_slot *slot;

    while (!pool->is_stopping && pool->slot[pool->to_run].state != POOL_WAITS)
        pthread_cond_wait(&pool->work, &pool->lock);
    if (pool->is_stopping)
        return NULL;
    slot = &pool->slot[pool->to_run];
    pool->to_run = pool_after(pool, pool->to_run);
    slot->state = POOL_RUNS;
    return slot;
}

static void *pool_main(void *context)
{
    struct pool_thread self = *(struct pool_thread *)context;
    struct tow_gzip_pool *pool = self.pool;
    struct pool_slot *slot;

    free(context);
    pthread_mutex_lock(&pool->lock);
    while ((slot = pool_take(pool))) {
        pthread_mutex_unlock(&pool->lock);
        slot->err = (struct tow_error)TOW_ERROR_INIT;
        slot->out.size = 0;
        (void)tow_deflater_chunk(self.deflater, slot->text.data, slot->text.size, &slot->out,
                                 &slot->err);
        pthread_mutex_lock(&pool->lock);
        slot->state = POOL_DONE;
        pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are for the threads of the run. */
static int pool_start_thread(struct tow_gzip_pool *pool, struct tow_error *err)
{
    struct pool_thread *context = malloc(sizeof *context);
    struct tow_deflater *deflater = context ? tow_deflater_new(pool->level, err) : NULL;
    sigset_t all, before;
    int errnum;

    if (!deflater) {
        free(context);
        return tow_error_nomem(err);
    }
    *context = (struct pool_thread){pool, deflater};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errnum = pthread_create(&pool->thread[pool->threads], NULL, pool_main, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errnum) {
        tow_deflater_free(deflater);
        free(context);
        return tow_error_errno(err, TOW_E_ENV, errnum, "start a thread that compresses");
    }
    pool->deflaters[pool->threads++] = deflater;
    return TOW_OK;
}

/* ---- the owner ------------------------------------------------------------------------------ */

struct tow_gzip_pool *tow_gzip_pool_new(int level, unsigned threads, struct tow_error *err)
{
    struct tow_gzip_pool *pool = calloc(1, sizeof *pool);
    int code = TOW_OK;

    if (!pool) {
        tow_error_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->level = level;
    pool->slots = threads + 1;
    while (pool->threads < threads && code == TOW_OK)
        code = pool_start_thread(pool, err);
    if (code == TOW_OK)
        return pool;
    tow_gzip_pool_free(pool);
    return NULL;
}

void tow_gzip_pool_free(struct tow_gzip_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = 1;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++) {
        pthread_join(pool->thread[i], NULL);
        tow_deflater_free(pool->deflaters[i]);
    }
    for (unsigned i = 0; i < pool->slots; i++) {
        tow_buffer_release(&pool->slot[i].text);
        tow_buffer_release(&pool->slot[i].out);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    free(pool);
}

/* The owner alone makes a slot other than free, and free again. */
static enum pool_state pool_state(struct tow_gzip_pool *pool, unsigned slot)
{
    enum pool_state state;

    pthread_mutex_lock(&pool->lock);
    state = pool->slot[slot].state;
    pthread_mutex_unlock(&pool->lock);
    return state;
}

int tow_gzip_pool_is_full(struct tow_gzip_pool *pool)
{
    return pool_state(pool, pool->next) != POOL_FREE;
}

void tow_gzip_pool_put(struct tow_gzip_pool *pool, struct tow_buffer *text)
{
    struct pool_slot *slot = &pool->slot[pool->next];
    struct tow_buffer empty = slot->text;

    slot->text = *text;
    *text = empty;
    text->size = 0;
    pool->next = pool_after(pool, pool->next);
    pthread_mutex_lock(&pool->lock);
    slot->state = POOL_WAITS;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

int tow_gzip_pool_oldest(struct tow_gzip_pool *pool, int waits, const struct tow_buffer **out,
                         struct tow_error *err)
{
    struct pool_slot *slot = &pool->slot[pool->oldest];
    enum pool_state state;

    pthread_mutex_lock(&pool->lock);
    while (waits && (slot->state == POOL_WAITS || slot->state == POOL_RUNS))
        pthread_cond_wait(&pool->done, &pool->lock);
    state = slot->state;
    pthread_mutex_unlock(&pool->lock);
    *out = NULL;
    if (state != POOL_DONE)
        return TOW_OK;
    if (slot->err.code != TOW_OK)
        return tow_error_set(err, slot->err.code, "%s", slot->err.message);
    *out = &slot->out;
    return TOW_OK;
}

void tow_gzip_pool_drop(struct tow_gzip_pool *pool)
{
    struct pool_slot *slot = &pool->slot[pool->oldest];

    pool->oldest = pool_after(pool, pool->oldest);
    pthread_mutex_lock(&pool->lock);
    slot->state = POOL_FREE;
    pthread_mutex_unlock(&pool->lock);
}
