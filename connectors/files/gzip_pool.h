/*
 * Chunks that threads compress while their owner makes the next ones. They come out in the order in
 * which they went in. Inside of gzip_writer.c.
 */
#ifndef CONNECTORS_FILES_GZIP_POOL_H
#define CONNECTORS_FILES_GZIP_POOL_H

#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_gzip_pool;

/* How many threads are worth having here: 0 where this process has one processor to run on. */
unsigned tow_gzip_pool_threads(void);

/* NULL with TOW_E_NOMEM, or TOW_E_ENV where no thread can be started. */
struct tow_gzip_pool *tow_gzip_pool_new(int level, unsigned threads, struct tow_error *err);
/* Waits for chunks that are being compressed, a millisecond or so, and drops all. */
void tow_gzip_pool_free(struct tow_gzip_pool *pool);

/* 1 where one must be taken out before another goes in. */
int tow_gzip_pool_is_full(struct tow_gzip_pool *pool);
/* Takes what is in `text`, which becomes empty. Only where the pool is not full. */
void tow_gzip_pool_put(struct tow_gzip_pool *pool, struct tow_buffer *text);

/* The oldest chunk, compressed, until it is dropped: *out NULL where there is none, or where it is
 * not ready and `waits` is 0. */
int tow_gzip_pool_oldest(struct tow_gzip_pool *pool, int waits, const struct tow_buffer **out,
                         struct tow_error *err);
void tow_gzip_pool_drop(struct tow_gzip_pool *pool);

#endif
