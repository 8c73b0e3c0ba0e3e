/* jansson's memory, which runs out once. */
#ifndef TESTS_UNIT_JSON_MEMORY_H
#define TESTS_UNIT_JSON_MEMORY_H

#include <jansson.h>
#include <stdlib.h>

static long json_memory_left;

static inline void *json_memory_malloc(size_t size)
{
    return json_memory_left-- == 0 ? NULL : malloc(size);
}

/* That many of jansson's allocations succeed, one fails, and later ones succeed again. */
static inline void json_memory_after(long allowed)
{
    json_memory_left = allowed;
    json_set_alloc_funcs(json_memory_malloc, free);
}

static inline void json_memory_enough(void)
{
    json_set_alloc_funcs(malloc, free);
}

#endif
