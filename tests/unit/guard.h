/* Memory between two pages that may not be touched, so that a byte read or written too far ends the
 * test. */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_PAGE 65536 /* at least the host's, and a multiple of it */

/* The first byte that may be touched, or NULL. GUARD_PAGE bytes follow it. */
static inline char *guard_new(void)
{
    char *memory = mmap(NULL, 3 * GUARD_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED ||
        mprotect(memory + GUARD_PAGE, GUARD_PAGE, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    return memory + GUARD_PAGE;
}

static inline void guard_free(char *guard)
{
    munmap(guard - GUARD_PAGE, 3 * GUARD_PAGE);
}

/* The last `length` bytes. */
static inline char *guard_end(char *guard, size_t length)
{
    return guard + GUARD_PAGE - length;
}

/* Copies text to where nothing may be read behind it. */
static inline const char *guard_text(char *guard, const char *text, size_t length)
{
    return memcpy(guard_end(guard, length), text, length);
}

static inline int guard_setup(void **state)
{
    *state = guard_new();
    return *state ? 0 : -1;
}

static inline int guard_teardown(void **state)
{
    guard_free(*state);
    return 0;
}

#endif
