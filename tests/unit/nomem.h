/*
 * Memory that runs out: the linker sends here what the program's own objects and static libraries
 * ask of malloc and its kin (a program's _LDFLAGS have $(NOMEM_WRAPS), its _SOURCES $(NOMEM)).
 * Shared libraries (libc, SQLite, libcurl) are not among them, unless a test hands them the
 * functions below. Every call may be made by any thread at any time; the plan is one for all.
 */
#ifndef TOW_TEST_NOMEM_H
#define TOW_TEST_NOMEM_H

#include <stddef.h>

/* From now on, that many allocations succeed, one fails, and all later ones succeed again. Below 0:
 * none fails. */
void nomem_after(long allowed);
/* The same of the calling thread's allocations; those of other threads neither count nor fail. The
 * thread that calls it calls nomem_stop. */
void nomem_after_here(long allowed);
/* That many succeed, and all later ones fail. */
void nomem_from(long allowed);
/* Ends what one of the above began: none fails any more. 1 where one has failed since. */
int nomem_stop(void);

/* 1: until it is called with 0, allocations neither fail nor count as allowed ones. (For the parts
 * of a test that stand in for something else.) Outlives nomem_stop and the beginning of another
 * plan. Returns what it was; 0 at first. */
int nomem_pause(int is_paused);

/* One allocation of the plan: 1 where it is to fail. For what stands in for a library's allocator.
 * nomem_count does not count it. */
int nomem_fails(void);

/* How many allocations there were so far, those that failed, or came while paused, among them. */
size_t nomem_count(void);
/* Bytes that are held, as the allocator rounds them. Only differences mean anything, and only where
 * all that was freed meanwhile was also allocated here. */
size_t nomem_held(void);

/* The allocator itself, for libraries that can be given one; free() is its counterpart. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

#endif
