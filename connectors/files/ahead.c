#include "connectors/files/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connectors/machine/processors.h"

#define AHEAD_BLOCK    (128 << 10)
#define AHEAD_BLOCKS   2
#define AHEAD_FILE_MIN (1 << 20) /* smaller ones are read before a thread is of use */

/* Whoever takes the bytes, and the sink that gets the rows, have one each. With two it is a tenth
 * slower where the sink compresses, and a fifteenth faster where it does not. */
#define AHEAD_PROCESSORS 3

/* What one call of the decoder brought. */
struct ahead_block {
    int is_full; /* guarded by the lock: 1 the reader's, 0 the thread's */
    int code;
    struct tow_error err;
    size_t length; /* 0 with TOW_OK: the end */
    unsigned char bytes[AHEAD_BLOCK];
};

struct ahead {
    struct tow_decoder inner;
    struct tow_raw *raw;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a block has changed hands, or the end is near */
    int is_stopping;      /* guarded by the lock */
    unsigned next;        /* the reader's: block to take from */
    size_t taken;         /* of it */
    struct ahead_block blocks[AHEAD_BLOCKS];
};

int tow_ahead_is_worth_it(const struct tow_raw *raw)
{
    struct stat st;

    return raw->regular && fstat(raw->fd, &st) == 0 && st.st_size >= AHEAD_FILE_MIN &&
           tow_processors() >= AHEAD_PROCESSORS;
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* Waits until the block is the thread's; 0 where it is to end. */
static int ahead_may_fill(struct ahead *ahead, const struct ahead_block *block)
{
    int is_stopping;

    pthread_mutex_lock(&ahead->lock);
    while (block->is_full && !ahead->is_stopping)
        pthread_cond_wait(&ahead->moved, &ahead->lock);
    is_stopping = ahead->is_stopping;
    pthread_mutex_unlock(&ahead->lock);
    return !is_stopping;
}

static void ahead_give(struct ahead *ahead, struct ahead_block *block, int is_full)
{
    pthread_mutex_lock(&ahead->lock);
    block->is_full = is_full;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->lock);
}

/* As much as a block holds. An error behind some bytes comes again with the next call. */
static void ahead_fill(struct ahead *ahead, struct ahead_block *block)
{
    size_t length = 1;

    block->length = 0;
    block->code = TOW_OK;
    block->err = (struct tow_error)TOW_ERROR_INIT;
    while (block->code == TOW_OK && length > 0 && block->length < AHEAD_BLOCK) {
        block->code =
            ahead->inner.decode(ahead->inner.state, ahead->raw, block->bytes + block->length,
                                AHEAD_BLOCK - block->length, &length, &block->err);
        block->length += length;
    }
}

/* Where a block brought an error, that one is filled anew once the reader has taken it. The end is
 * never taken. */
static void *ahead_main(void *context)
{
    struct ahead *ahead = context;
    unsigned at = 0;

    while (ahead_may_fill(ahead, &ahead->blocks[at])) {
        struct ahead_block *block = &ahead->blocks[at];

        ahead_fill(ahead, block);
        at = block->code == TOW_OK && block->length > 0 ? (at + 1) % AHEAD_BLOCKS : at;
        ahead_give(ahead, block, 1);
    }
    return NULL;
}

/* ---- the reader ----------------------------------------------------------------------------- */

static struct ahead_block *ahead_wait(struct ahead *ahead)
{
    struct ahead_block *block = &ahead->blocks[ahead->next];

    pthread_mutex_lock(&ahead->lock);
    while (!block->is_full)
        pthread_cond_wait(&ahead->moved, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    return block;
}

static int ahead_decode(void *state, struct tow_raw *raw, void *into, size_t capacity,
                        size_t *length, struct tow_error *err)
{
    struct ahead *ahead = state;
    struct ahead_block *block = ahead_wait(ahead);
    size_t left = block->length - ahead->taken;
    int code = block->code;

    (void)raw;
    *length = left < capacity ? left : capacity;
    memcpy(into, block->bytes + ahead->taken, *length);
    ahead->taken += *length;
    if (*length == 0 && code != TOW_OK)
        tow_error_set(err, code, "%s", block->err.message);
    /* The end stays full: it can be asked for again. */
    if (ahead->taken < block->length || (code == TOW_OK && block->length == 0))
        return TOW_OK;
    if (*length > 0 && code != TOW_OK)
        return TOW_OK;
    ahead->taken = 0;
    ahead->next = code == TOW_OK ? (ahead->next + 1) % AHEAD_BLOCKS : ahead->next;
    ahead_give(ahead, block, 0);
    return code;
}

static void ahead_release(struct ahead *ahead)
{
    pthread_mutex_destroy(&ahead->lock);
    pthread_cond_destroy(&ahead->moved);
    free(ahead);
}

static void ahead_free(void *state)
{
    struct ahead *ahead = state;

    pthread_mutex_lock(&ahead->lock);
    ahead->is_stopping = 1;
    pthread_cond_signal(&ahead->moved);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    ahead->inner.free(ahead->inner.state);
    ahead_release(ahead);
}

/* Signals are for the threads of the run. */
static int ahead_start(struct ahead *ahead)
{
    sigset_t all, before;
    int errnum;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errnum = pthread_create(&ahead->thread, NULL, ahead_main, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errnum;
}

int tow_ahead_init(struct tow_decoder *decoder, struct tow_raw *raw, struct tow_error *err)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    int errnum;

    if (!ahead)
        return tow_error_nomem(err);
    ahead->inner = *decoder;
    ahead->raw = raw;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->moved, NULL);
    errnum = ahead_start(ahead);
    if (errnum) {
        ahead_release(ahead);
        return tow_error_errno(err, TOW_E_ENV, errnum, "start a thread that reads %s", raw->path);
    }
    *decoder = (struct tow_decoder){ahead_decode, ahead_free, ahead};
    return TOW_OK;
}
