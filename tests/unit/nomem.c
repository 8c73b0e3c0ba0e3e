#include "nomem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>

static atomic_long left = -1; /* allocations until one fails; below 0: none does */
static atomic_int goes_on;    /* 1: once one has failed, all do */
static atomic_int only_here;  /* 1: the plan is that of one thread */
static _Thread_local int is_here;
static atomic_int has_failed, paused;
static atomic_size_t asked, held;

static void begin(long allowed, int is_for_good, int is_for_thread)
{
    nomem_stop();
    goes_on = is_for_good;
    only_here = is_here = is_for_thread;
    left = allowed;
}

void nomem_after(long allowed)
{
    begin(allowed, 0, 0);
}

void nomem_after_here(long allowed)
{
    begin(allowed, 0, 1);
}

void nomem_from(long allowed)
{
    begin(allowed, 1, 0);
}

int nomem_stop(void)
{
    left = -1;
    only_here = is_here = 0;
    return atomic_exchange(&has_failed, 0);
}

int nomem_pause(int is_paused)
{
    return atomic_exchange(&paused, is_paused);
}

int nomem_fails(void)
{
    long now = left;

    if (paused || (only_here && !is_here))
        return 0;
    while (now > 0 || (now == 0 && !goes_on))
        if (atomic_compare_exchange_weak(&left, &now, now - 1))
            break;
    if (now == 0)
        has_failed = 1;
    return now == 0;
}

size_t nomem_count(void)
{
    return asked;
}

size_t nomem_held(void)
{
    return held;
}

/* ---- what the linker calls instead ----------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
int __real_vasprintf(char **text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_vasprintf(char **text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fails(void)
{
    asked++;
    return nomem_fails();
}

static void *keep(void *block)
{
    held += malloc_usable_size(block);
    return block;
}

/* The block that was there before is gone only where there is one now. */
static void *keep_instead(size_t before, void *block)
{
    if (block)
        held -= before;
    return keep(block);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : keep(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : keep(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    size_t before = malloc_usable_size(old);

    return fails() ? NULL : keep_instead(before, __real_realloc(old, size));
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    size_t before = malloc_usable_size(old);

    return fails() ? NULL : keep_instead(before, __real_reallocarray(old, count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : keep(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    held -= malloc_usable_size(block);
    __real_free(block);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : keep(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : keep(__real_strndup(text, length));
}

int __wrap_vasprintf(char **text, const char *format, va_list args)
{
    int length = fails() ? -1 : __real_vasprintf(text, format, args);

    if (length >= 0)
        keep(*text);
    return length;
}

int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = __wrap_vasprintf(text, format, args);
    va_end(args);
    return length;
}

/* What _FORTIFY_SOURCE makes of the two. */
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list args)
{
    (void)flag;
    return __wrap_vasprintf(text, format, args);
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
    va_list args;
    int length;

    (void)flag;
    va_start(args, format);
    length = __wrap_vasprintf(text, format, args);
    va_end(args);
    return length;
}
