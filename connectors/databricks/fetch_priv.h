/*
 * Inside of the fetcher.
 *
 * The chunks from the one that is handed out (`current`) on have a slot each, `window` of them. A
 * thread moves the slots: it resolves links and runs downloads, all over one client. What arrives
 * goes into blocks, of which there is a limited number: a download that finds none pauses. One that
 * pauses for long is parked: broken off, to go on where it stopped, since storage does not wait for
 * ever. The current chunk has some blocks beyond the limit, so that it always moves.
 *
 * What fails ahead of need is begun anew once it is needed; what fails when it is needed is the
 * caller's to hear of.
 */
#ifndef CONNECTORS_DATABRICKS_FETCH_PRIV_H
#define CONNECTORS_DATABRICKS_FETCH_PRIV_H

#include <pthread.h>

#include "connectors/databricks/fetch.h"
#include "connectors/databricks/statement_priv.h"

#define TOW_FETCH_BLOCK        ((size_t)128 << 10)
#define TOW_FETCH_HEAD_BLOCKS  32 /* of the current chunk, beyond the limit */
#define TOW_FETCH_LINK_HEADERS 32
#define TOW_FETCH_PARALLEL_MAX 64

/* ---- links ----------------------------------------------------------------------------------- */

/* All of it is secret. */
struct tow_fetch_link {
    char *url; /* NULL: none */
    struct tow_http_header headers[TOW_FETCH_LINK_HEADERS];
    size_t header_count;
    int64_t rows;       /* row_count; -1 where it does not say */
    int64_t expires_ms; /* since 1970; INT64_MAX where it does not say */
};

/* The link of a chunk in a `result` object. TOW_E_ENV where it has none. */
int tow_fetch_link_read(struct tow_fetch_link *link, const json_t *result, int64_t chunk,
                        struct tow_error *err);
void tow_fetch_link_release(struct tow_fetch_link *link);
/* 1 where it is good for another minute, by this machine's clock. */
int tow_fetch_link_lasts(const struct tow_fetch_link *link);

/* ---- slots ----------------------------------------------------------------------------------- */

struct tow_fetch_block {
    struct tow_fetch_block *next;
    size_t used;
    char bytes[TOW_FETCH_BLOCK - 2 * sizeof(size_t)];
};

enum tow_fetch_state {
    TOW_FETCH_WAITING, /* for its turn: to be begun, or to go on */
    TOW_FETCH_RESOLVING,
    TOW_FETCH_LOADING,
    TOW_FETCH_DONE,
    TOW_FETCH_FAILED
};

struct tow_fetch_slot {
    struct tow_fetch *fetch;

    /* guarded by the lock */
    int64_t chunk;
    enum tow_fetch_state state;
    int64_t rows; /* as its link says; -1: not known */
    struct tow_fetch_block *first, *last;
    size_t blocks;
    int is_paused;
    int may_restart; /* FAILED: ahead of need, or the caller has heard of it and may ask again */
    struct tow_error err;

    /* the thread's */
    struct tow_fetch_link link;
    int link_was_used;
    int refreshes;   /* links that were refused */
    int logged_anew; /* after a 401 */
    unsigned login;  /* the client's number of the token that the resolving has */
    struct tow_http_call *call;
    struct tow_databricks_exchange exchange; /* of the resolving */
    struct tow_http_request request;         /* of the download */
    struct tow_http_header headers[TOW_FETCH_LINK_HEADERS + 1];
    char range[64];
    int has_begun;    /* the first piece of this answer has come */
    int64_t received; /* bytes of the chunk so far, over all answers */
    int64_t total;    /* bytes that it has; -1: not known */
    int64_t skip;     /* bytes of this answer that are here already */
    int64_t paused_ms;
};

struct tow_fetch {
    const struct tow_statement *statement;
    int cancel_fd;                     /* the caller's */
    int stop_fd;                       /* eventfd that ends all waits of the thread's client */
    int news_fd;                       /* eventfd that ends the caller's wait */
    struct tow_databricks *databricks; /* the thread's */
    pthread_t thread;
    int has_thread;
    int parallel, refreshes;
    size_t window;
    size_t block_limit;
    size_t block_ahead; /* that are to be free before more is begun, or goes on */

    struct tow_fetch_block *handed; /* what the caller has; the caller's */

    int64_t hold_ms; /* nothing is begun ahead of need before; the thread's */

    pthread_mutex_t lock; /* guards all below */
    struct tow_fetch_slot *slots;
    int64_t current;
    int64_t ended_rows; /* of the chunk before it */
    int64_t park_ms;    /* how long a download may pause before it is broken off */
    int is_stopping, is_gone;
    struct tow_error broken;          /* the thread has ended by itself */
    int caller_waits, thread_starves; /* each is to be woken */
    int was_reached;                  /* storage has answered before */
    int unreached;                    /* how often the current chunk's storage was not reached */
    size_t block_count;               /* with data in them */
    struct tow_fetch_block *spare;
};

/* ---- blocks (lock held) ---------------------------------------------------------------------- */

/* The slot of a chunk; it may not have been given to it yet. */
struct tow_fetch_slot *tow_fetch_slot_of(struct tow_fetch *fetch, int64_t chunk);
/* Whether so many bytes may be appended. */
int tow_fetch_has_room(const struct tow_fetch *fetch, const struct tow_fetch_slot *slot,
                       size_t length);
/* Whether a download that paused may go on. */
int tow_fetch_has_room_again(const struct tow_fetch *fetch, const struct tow_fetch_slot *slot);
/* Whether a chunk ahead of the current one may be begun. */
int tow_fetch_has_room_ahead(const struct tow_fetch *fetch);
/* Counts what it takes as received, also where it then fails. */
int tow_fetch_append(struct tow_fetch *fetch, struct tow_fetch_slot *slot, const void *bytes,
                     size_t length, struct tow_error *err);
struct tow_fetch_block *tow_fetch_pop(struct tow_fetch_slot *slot);
void tow_fetch_recycle(struct tow_fetch *fetch, struct tow_fetch_block *block);
/* Frees those of a slot and the spare ones. */
void tow_fetch_blocks_free(struct tow_fetch *fetch);

/* ---- moving (the thread) --------------------------------------------------------------------- */

/* Begins or goes on: with the link where there is a good one, else resolves one. */
void tow_fetch_slot_start(struct tow_fetch_slot *slot);
/* Its exchange has ended. */
void tow_fetch_slot_ended(struct tow_fetch_slot *slot);
/* Breaks its exchange off; what has come stays. */
void tow_fetch_slot_break(struct tow_fetch_slot *slot);
void tow_fetch_slot_reset(struct tow_fetch_slot *slot, int64_t chunk);
/* Tells the caller, where it waits. Lock held. */
void tow_fetch_tell(struct tow_fetch *fetch);

void *tow_fetch_main(void *fetch);

#endif
