/*
 * Memory that lives and dies together: the strings of a job, or of a plugin instance. It is wiped
 * when released, since secrets lie in it. One thread at a time.
 */
#ifndef CORE_CONFIG_POOL_H
#define CORE_CONFIG_POOL_H

#include <stddef.h>

struct tow_pool_chunk;

/* Zero-initialized is empty and valid. */
struct tow_pool {
    struct tow_pool_chunk *chunks;
};

/* Zeroed and aligned for any type; NULL where memory ran out. */
void *tow_pool_alloc(struct tow_pool *pool, size_t size);
/* A NUL-terminated copy; NULL where memory ran out. */
char *tow_pool_text(struct tow_pool *pool, const char *text, size_t length);
void tow_pool_release(struct tow_pool *pool);

#endif
