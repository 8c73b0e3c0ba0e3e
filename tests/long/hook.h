/* The parts of the fault hook (hook.c): which calls there are, and whether one is to fail. */
#ifndef TOW_TEST_HOOK_H
#define TOW_TEST_HOOK_H

#include <stddef.h>
#include <stdint.h>

/* Families of calls. Their names stand in hook.c, in test_torture.py too. */
enum {
    HOOK_MEMORY, /* malloc and its kin, whoever calls them */
    HOOK_OWN,    /* what the program and its plugins ask for themselves; strdup and asprintf too */
    HOOK_WRITE,
    HOOK_READ,
    HOOK_SYNC,
    HOOK_NAME, /* rename, link, unlink, mkdir, rmdir */
    HOOK_OPEN, /* open, fopen, opendir */
    HOOK_LOOK, /* stat, access */
    HOOK_SIZE, /* ftruncate, fallocate, lseek, fchmod */
    HOOK_LOCK, /* fcntl, flock */
    HOOK_MAP,
    HOOK_SOCKET, /* socket, socketpair, bind, listen, setsockopt */
    HOOK_CONNECT,
    HOOK_SEND,
    HOOK_RECEIVE,
    HOOK_THREAD,
    HOOK_EVENT, /* eventfd, epoll_create, epoll_ctl, pipe, timerfd, pidfd */
    HOOK_WAIT,  /* poll, epoll_wait, select */
    HOOK_LOOKUP,
    HOOK_FAMILIES,
};

/* The whole of the report file. */
struct hook_report {
    _Atomic uint64_t counts[HOOK_FAMILIES];
    _Atomic uint64_t faults;
    char
        where[4096]; /* the call that failed first, then object+offset of each frame, a line each */
};

/* Counts a call; 1 where it is one of those that are to fail. */
int hook_strikes(int family, const char *call);
/* The same; errno is set where it is 1. What can be short never fails in that mode. */
int hook_fails(int family, const char *call);
/* For calls that move bytes: how many of `size` it is to move. */
size_t hook_moves(int family, const char *call, size_t size, int *fails);
/* malloc and its kin; `caller` is the address that they return to. */
int hook_fails_memory(const char *call, const void *caller);
/* Functions of the C library that hand out memory: seen as such only where the program calls. */
int hook_fails_library(const char *call, const void *caller);
/* The errno of what fails, for functions that return it. */
int hook_error(void);
/* 0 for standard error, on which the message is to be seen, and for eventfd and the like. */
int hook_is_countable(int fd);

#endif
