/* What the fault hook puts in the place of malloc and its kin. */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/long/hook.h"

#define CALLER __builtin_return_address(0)

/* The dynamic linker may ask for memory while the true functions are being looked for. Nothing of
 * it is ever freed. */
static char memory_early[64 << 10] __attribute__((aligned(16)));
static size_t memory_early_used;

static void *memory_from_early(size_t size)
{
    void *block = memory_early + memory_early_used;

    memory_early_used += (size + 15) & ~(size_t)15;
    if (memory_early_used > sizeof memory_early)
        abort();
    return block;
}

static int memory_is_early(const void *block)
{
    return (const char *)block >= memory_early &&
           (const char *)block < memory_early + sizeof memory_early;
}

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    int is_looking;
} memory_next;

/* 0 while the functions are not known. */
static int memory_is_known(void)
{
    if (memory_next.free)
        return 1;
    if (memory_next.is_looking)
        return 0;
    memory_next.is_looking = 1;
    memory_next.malloc = dlsym(RTLD_NEXT, "malloc");
    memory_next.calloc = dlsym(RTLD_NEXT, "calloc");
    memory_next.realloc = dlsym(RTLD_NEXT, "realloc");
    memory_next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    memory_next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    memory_next.free = dlsym(RTLD_NEXT, "free");
    memory_next.is_looking = 0;
    return 1;
}

void *malloc(size_t size)
{
    if (!memory_is_known())
        return memory_from_early(size);
    return hook_fails_memory("malloc", CALLER) ? NULL : memory_next.malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!memory_is_known())
        return memory_from_early(count * size);
    return hook_fails_memory("calloc", CALLER) ? NULL : memory_next.calloc(count, size);
}

static void *memory_resize(void *old, size_t size)
{
    if (!memory_is_early(old))
        return memory_next.realloc(old, size);
    void *block = memory_next.malloc(size);
    size_t most = (size_t)(memory_early + sizeof memory_early - (char *)old);
    return block ? memcpy(block, old, size < most ? size : most) : NULL;
}

void *realloc(void *old, size_t size)
{
    if (!memory_is_known())
        return memory_from_early(size);
    return hook_fails_memory("realloc", CALLER) ? NULL : memory_resize(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t whole;

    if (__builtin_mul_overflow(count, size, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    return hook_fails_memory("reallocarray", CALLER) ? NULL : memory_resize(old, whole);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!memory_is_known() || hook_fails_memory("aligned_alloc", CALLER))
        return NULL;
    return memory_next.aligned_alloc(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (!memory_is_known() || hook_fails_memory("posix_memalign", CALLER))
        return ENOMEM;
    return memory_next.posix_memalign(block, alignment, size);
}

void free(void *block)
{
    if (memory_is_known() && !memory_is_early(block))
        memory_next.free(block);
}

/* ---- what the C library makes --------------------------------------------------------------- */

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    void *copy = hook_fails_library("strdup", CALLER) ? NULL : malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = hook_fails_library("strndup", CALLER) ? NULL : malloc(length + 1);

    if (!copy)
        return NULL;
    copy[length] = '\0';
    return memcpy(copy, text, length);
}

static int memory_print(char **out, const char *format, va_list args)
{
    static int (*next)(char **, const char *, va_list);

    if (!next)
        next = dlsym(RTLD_NEXT, "vasprintf");
    return next(out, format, args);
}

int vasprintf(char **out, const char *format, va_list args)
{
    return hook_fails_library("vasprintf", CALLER) ? -1 : memory_print(out, format, args);
}

int asprintf(char **out, const char *format, ...)
{
    va_list args;
    int length;

    if (hook_fails_library("asprintf", CALLER))
        return -1;
    va_start(args, format);
    length = memory_print(out, format, args);
    va_end(args);
    return length;
}

/* What _FORTIFY_SOURCE makes of the two. */
int __vasprintf_chk(char **out, int flag, const char *format, va_list args);
int __vasprintf_chk(char **out, int flag, const char *format, va_list args)
{
    (void)flag;
    return hook_fails_library("vasprintf", CALLER) ? -1 : memory_print(out, format, args);
}

int __asprintf_chk(char **out, int flag, const char *format, ...);
int __asprintf_chk(char **out, int flag, const char *format, ...)
{
    va_list args;
    int length;

    (void)flag;
    if (hook_fails_library("asprintf", CALLER))
        return -1;
    va_start(args, format);
    length = memory_print(out, format, args);
    va_end(args);
    return length;
}

FILE *open_memstream(char **text, size_t *length)
{
    static FILE *(*next)(char **, size_t *);

    if (!next)
        next = dlsym(RTLD_NEXT, "open_memstream");
    return hook_fails_library("open_memstream", CALLER) ? NULL : next(text, length);
}
