/* What the fault hook puts in the place of calls of the system. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/long/hook.h"

/* The function that is called where nothing fails. */
#define NEXT(name)                                     \
    ({                                                 \
        static __typeof__(name) *next;                 \
        if (!next)                                     \
            *(void **)&next = dlsym(RTLD_NEXT, #name); \
        next;                                          \
    })

/* A call of a family that fails as a whole. */
#define CALL(family, result, name, failed, parameters, ...) \
    result name parameters;                                 \
    result name parameters                                  \
    {                                                       \
        if (hook_fails(family, #name))                      \
            return failed;                                  \
        return NEXT(name)(__VA_ARGS__);                     \
    }

/* A call that moves `size` bytes, or fails. */
#define MOVE(family, name, size, parameters, ...)           \
    ssize_t name parameters;                                \
    ssize_t name parameters                                 \
    {                                                       \
        int fails = 0;                                      \
        if (hook_is_countable(fd))                          \
            size = hook_moves(family, #name, size, &fails); \
        return fails ? -1 : NEXT(name)(__VA_ARGS__);        \
    }

/* ---- bytes ---------------------------------------------------------------------------------- */

MOVE(HOOK_WRITE, write, size, (int fd, const void *bytes, size_t size), fd, bytes, size)
MOVE(HOOK_WRITE, pwrite, size, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size,
     at)
MOVE(HOOK_WRITE, pwrite64, size, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes,
     size, at)
MOVE(HOOK_WRITE, copy_file_range, size,
     (int fd, off64_t *at, int to, off64_t *to_at, size_t size, unsigned flags), fd, at, to, to_at,
     size, flags)
MOVE(HOOK_READ, read, size, (int fd, void *bytes, size_t size), fd, bytes, size)
MOVE(HOOK_READ, pread, size, (int fd, void *bytes, size_t size, off_t at), fd, bytes, size, at)
MOVE(HOOK_READ, pread64, size, (int fd, void *bytes, size_t size, off64_t at), fd, bytes, size, at)
MOVE(HOOK_SEND, send, size, (int fd, const void *bytes, size_t size, int flags), fd, bytes, size,
     flags)
MOVE(HOOK_SEND, sendto, size,
     (int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
      socklen_t length),
     fd, bytes, size, flags, to, length)
MOVE(HOOK_RECEIVE, recv, size, (int fd, void *bytes, size_t size, int flags), fd, bytes, size,
     flags)

/* What _FORTIFY_SOURCE makes of them. */
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room)
{
    (void)room;
    return read(fd, bytes, size);
}

ssize_t __pread64_chk(int fd, void *bytes, size_t size, off64_t at, size_t room);
ssize_t __pread64_chk(int fd, void *bytes, size_t size, off64_t at, size_t room)
{
    (void)room;
    return pread64(fd, bytes, size, at);
}

ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);
ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags)
{
    (void)room;
    return recv(fd, bytes, size, flags);
}

/* ---- files ---------------------------------------------------------------------------------- */

CALL(HOOK_SYNC, int, fsync, -1, (int fd), fd)
CALL(HOOK_SYNC, int, fdatasync, -1, (int fd), fd)

CALL(HOOK_NAME, int, rename, -1, (const char *from, const char *to), from, to)
CALL(HOOK_NAME, int, renameat, -1, (int folder, const char *from, int to_folder, const char *to),
     folder, from, to_folder, to)
CALL(HOOK_NAME, int, link, -1, (const char *from, const char *to), from, to)
CALL(HOOK_NAME, int, unlink, -1, (const char *path), path)
CALL(HOOK_NAME, int, unlinkat, -1, (int folder, const char *path, int flags), folder, path, flags)
CALL(HOOK_NAME, int, mkdir, -1, (const char *path, mode_t mode), path, mode)
CALL(HOOK_NAME, int, rmdir, -1, (const char *path), path)

CALL(HOOK_LOOK, int, stat, -1, (const char *path, struct stat *st), path, st)
CALL(HOOK_LOOK, int, stat64, -1, (const char *path, struct stat64 *st), path, st)
CALL(HOOK_LOOK, int, lstat64, -1, (const char *path, struct stat64 *st), path, st)
CALL(HOOK_LOOK, int, fstat64, -1, (int fd, struct stat64 *st), fd, st)
CALL(HOOK_LOOK, int, fstatat64, -1, (int fd, const char *path, struct stat64 *st, int flags), fd,
     path, st, flags)
CALL(HOOK_LOOK, int, access, -1, (const char *path, int mode), path, mode)
CALL(HOOK_LOOK, int, faccessat, -1, (int fd, const char *path, int mode, int flags), fd, path, mode,
     flags)
CALL(HOOK_LOOK, char *, realpath, NULL, (const char *path, char *out), path, out)

CALL(HOOK_SIZE, int, ftruncate64, -1, (int fd, off64_t size), fd, size)
CALL(HOOK_SIZE, off64_t, lseek64, -1, (int fd, off64_t at, int from), fd, at, from)
CALL(HOOK_SIZE, int, fchmod, -1, (int fd, mode_t mode), fd, mode)

int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    return hook_fails(HOOK_SIZE, "posix_fallocate64") ? hook_error()
                                                      : NEXT(posix_fallocate64)(fd, at, size);
}

CALL(HOOK_LOCK, int, flock, -1, (int fd, int what), fd, what)

/* No system refuses to let a lock go. */
static int fcntl_takes_lock(int what, const struct flock *lock)
{
    return what == F_GETLK || ((what == F_SETLK || what == F_SETLKW) && lock->l_type != F_UNLCK);
}

int fcntl64(int fd, int what, ...)
{
    va_list args;

    va_start(args, what);
    void *argument = va_arg(args, void *);
    va_end(args);
    if (fcntl_takes_lock(what, argument) && hook_fails(HOOK_LOCK, "fcntl64"))
        return -1;
    return NEXT(fcntl64)(fd, what, argument);
}

/* Memory that files are mapped to; of the C library's allocator nothing is seen here. */
CALL(HOOK_MAP, void *, mmap, MAP_FAILED,
     (void *at, size_t size, int how, int flags, int fd, off_t offset), at, size, how, flags, fd,
     offset)
CALL(HOOK_MAP, void *, mmap64, MAP_FAILED,
     (void *at, size_t size, int how, int flags, int fd, off64_t offset), at, size, how, flags, fd,
     offset)

/* ---- opening -------------------------------------------------------------------------------- */

/* The last argument of open: there, or of no meaning. */
#define MODE(flags)                         \
    ({                                      \
        va_list rest;                       \
        va_start(rest, flags);              \
        mode_t last = va_arg(rest, mode_t); \
        va_end(rest);                       \
        last;                               \
    })

int open(const char *path, int flags, ...)
{
    mode_t mode = MODE(flags);

    return hook_fails(HOOK_OPEN, "open") ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = MODE(flags);

    return hook_fails(HOOK_OPEN, "open64") ? -1 : NEXT(open64)(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    mode_t mode = MODE(flags);

    return hook_fails(HOOK_OPEN, "openat64") ? -1 : NEXT(openat64)(folder, path, flags, mode);
}

int __open64_2(const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
CALL(HOOK_OPEN, int, __open64_2, -1, (const char *path, int flags), path, flags)
CALL(HOOK_OPEN, int, __openat64_2, -1, (int folder, const char *path, int flags), folder, path,
     flags)
CALL(HOOK_OPEN, FILE *, fopen, NULL, (const char *path, const char *how), path, how)
CALL(HOOK_OPEN, FILE *, fopen64, NULL, (const char *path, const char *how), path, how)
CALL(HOOK_OPEN, DIR *, opendir, NULL, (const char *path), path)
CALL(HOOK_OPEN, DIR *, fdopendir, NULL, (int fd), fd)
CALL(HOOK_OPEN, int, memfd_create, -1, (const char *name, unsigned flags), name, flags)
CALL(HOOK_OPEN, int, dup, -1, (int fd), fd)

/* ---- network -------------------------------------------------------------------------------- */

CALL(HOOK_SOCKET, int, socket, -1, (int domain, int type, int protocol), domain, type, protocol)
CALL(HOOK_SOCKET, int, socketpair, -1, (int domain, int type, int protocol, int fds[2]), domain,
     type, protocol, fds)
CALL(HOOK_SOCKET, int, bind, -1, (int fd, const struct sockaddr *at, socklen_t length), fd, at,
     length)
CALL(HOOK_SOCKET, int, listen, -1, (int fd, int backlog), fd, backlog)
CALL(HOOK_CONNECT, int, connect, -1, (int fd, const struct sockaddr *to, socklen_t length), fd, to,
     length)

int getaddrinfo(const char *host, const char *service, const struct addrinfo *wanted,
                struct addrinfo **out)
{
    return hook_fails(HOOK_LOOKUP, "getaddrinfo") ? EAI_AGAIN
                                                  : NEXT(getaddrinfo)(host, service, wanted, out);
}

/* ---- threads and waits ---------------------------------------------------------------------- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*call)(void *),
                   void *argument)
{
    return hook_fails(HOOK_THREAD, "pthread_create")
               ? hook_error()
               : NEXT(pthread_create)(thread, attributes, call, argument);
}

CALL(HOOK_EVENT, int, eventfd, -1, (unsigned count, int flags), count, flags)
CALL(HOOK_EVENT, int, epoll_create1, -1, (int flags), flags)
CALL(HOOK_EVENT, int, epoll_ctl, -1, (int epoll, int what, int fd, struct epoll_event *event),
     epoll, what, fd, event)
CALL(HOOK_EVENT, int, pipe2, -1, (int fds[2], int flags), fds, flags)
CALL(HOOK_EVENT, int, timerfd_create, -1, (int clock, int flags), clock, flags)
CALL(HOOK_WAIT, int, poll, -1, (struct pollfd * fds, nfds_t count, int wait_ms), fds, count,
     wait_ms)
CALL(HOOK_WAIT, int, epoll_wait, -1, (int epoll, struct epoll_event *events, int room, int wait_ms),
     epoll, events, room, wait_ms)
