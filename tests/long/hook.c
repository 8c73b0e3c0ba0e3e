/*
 * hook - calls that fail when they are told to, for LD_PRELOAD.
 *
 *   TOWPATH_HOOK         what fails: "family=write,nth=3,error=28", see hook_read
 *   TOWPATH_HOOK_REPORT  a file that tells how many calls of each family there were, and where the
 *                        first fault struck (struct hook_report)
 *
 * Calls are counted from the beginning of main, over all threads. What the C library calls within
 * itself is not seen, save its memory.
 */
#include "tests/long/hook.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOOK_DEPTH 24

struct hook {
    int family;
    uint64_t nth; /* 0: none fails */
    int error;    /* errno of what fails */
    int is_short; /* 1: what would move many bytes moves one, and nothing fails */
    int goes_on;  /* 1: all from the nth on */
    int kills;    /* 1: it does not fail; the process ends there and then */
    int own;      /* 1: of memory, what the program and its plugins ask for themselves */
    const char *plugins;
};

static const char *const hook_families[HOOK_FAMILIES] = {
    [HOOK_MEMORY] = "memory",   [HOOK_OWN] = "own",     [HOOK_WRITE] = "write",
    [HOOK_READ] = "read",       [HOOK_SYNC] = "sync",   [HOOK_NAME] = "name",
    [HOOK_OPEN] = "open",       [HOOK_LOOK] = "look",   [HOOK_SIZE] = "size",
    [HOOK_LOCK] = "lock",       [HOOK_MAP] = "map",     [HOOK_SOCKET] = "socket",
    [HOOK_CONNECT] = "connect", [HOOK_SEND] = "send",   [HOOK_RECEIVE] = "receive",
    [HOOK_THREAD] = "thread",   [HOOK_EVENT] = "event", [HOOK_WAIT] = "wait",
    [HOOK_LOOKUP] = "lookup",
};

static struct hook hook;
static struct hook_report *hook_report;
static atomic_int hook_is_on;
static _Thread_local int hook_is_inside __attribute__((tls_model("initial-exec")));

/* ---- the decision --------------------------------------------------------------------------- */

/* What the program and its plugins call, by the object that the call comes from. */
static int hook_is_own(const void *caller)
{
    struct dl_find_object found;

    if (_dl_find_object((void *)caller, &found) != 0)
        return 0;
    const char *name = found.dlfo_link_map->l_name;
    return !*name || (hook.plugins && strncmp(name, hook.plugins, strlen(hook.plugins)) == 0);
}

/* Where the fault struck, as object+offset for each frame. */
static void hook_tell(const char *call)
{
    void *frames[HOOK_DEPTH];
    int count = backtrace(frames, HOOK_DEPTH);
    size_t at = 0;

    at += (size_t)snprintf(hook_report->where, sizeof hook_report->where, "%s\n", call);
    for (int i = 2; i < count; i++) {
        struct dl_find_object found;
        size_t room = sizeof hook_report->where - at;

        if (_dl_find_object(frames[i], &found) != 0)
            continue;
        int length = snprintf(hook_report->where + at, room, "%s+0x%zx\n",
                              *found.dlfo_link_map->l_name ? found.dlfo_link_map->l_name : "-",
                              (size_t)frames[i] - found.dlfo_link_map->l_addr - 1);
        if (length < 0 || (size_t)length >= room)
            break;
        at += (size_t)length;
    }
}

int hook_strikes(int family, const char *call)
{
    if (!hook_is_on || hook_is_inside)
        return 0;
    uint64_t now = 1 + atomic_fetch_add(&hook_report->counts[family], 1);

    if (family != hook.family || hook.nth == 0 || now < hook.nth ||
        (now > hook.nth && !hook.goes_on))
        return 0;
    if (hook.kills)
        kill(getpid(), SIGKILL);
    if (atomic_fetch_add(&hook_report->faults, 1) == 0) {
        hook_is_inside = 1;
        hook_tell(call);
        hook_is_inside = 0;
    }
    return 1;
}

int hook_fails(int family, const char *call)
{
    if (!hook_strikes(family, call))
        return 0;
    if (hook.is_short)
        return 0;
    errno = hook.error;
    return 1;
}

size_t hook_moves(int family, const char *call, size_t size, int *fails)
{
    *fails = hook_strikes(family, call);
    if (*fails && hook.is_short) {
        *fails = 0;
        return size > 0 ? 1 : 0;
    }
    if (*fails)
        errno = hook.error;
    return size;
}

int hook_fails_memory(const char *call, const void *caller)
{
    int own, fails;

    if (!hook_is_on || hook_is_inside)
        return 0;
    hook_is_inside = 1;
    own = hook_is_own(caller);
    hook_is_inside = 0;
    fails = own && hook_strikes(HOOK_OWN, call);
    fails |= hook_strikes(HOOK_MEMORY, call);
    if (fails)
        errno = ENOMEM;
    return fails;
}

int hook_fails_library(const char *call, const void *caller)
{
    int fails;

    if (!hook_is_on || hook_is_inside)
        return 0;
    hook_is_inside = 1;
    fails = hook_is_own(caller);
    hook_is_inside = 0;
    fails = fails && hook_strikes(HOOK_OWN, call);
    if (fails)
        errno = ENOMEM;
    return fails;
}

int hook_error(void)
{
    return hook.error;
}

int hook_is_countable(int fd)
{
    struct stat st;
    int saved = errno, result;

    if (fd == STDERR_FILENO || !hook_is_on || hook_is_inside)
        return 0;
    hook_is_inside = 1;
    result = fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) != 0;
    hook_is_inside = 0;
    errno = saved;
    return result;
}

/* ---- start ---------------------------------------------------------------------------------- */

static int hook_family(const char *name)
{
    for (int i = 0; i < HOOK_FAMILIES; i++)
        if (strcmp(name, hook_families[i]) == 0)
            return i;
    fprintf(stderr, "hook: no family \"%s\"\n", name);
    _exit(99);
}

/*
 * family=NAME,nth=N,error=ERRNO[,short=1][,kill=1][,on=1][,program=NAME][,plugins=FOLDER]. Without
 * family all is counted, and nothing fails. Returns 0 where another program is meant.
 */
static int hook_read(char *text)
{
    char *rest = NULL;

    hook.family = -1;
    hook.error = EIO;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(word, '=');

        if (!value)
            continue;
        *value++ = '\0';
        if (strcmp(word, "family") == 0)
            hook.family = hook_family(value);
        else if (strcmp(word, "nth") == 0)
            hook.nth = strtoull(value, NULL, 10);
        else if (strcmp(word, "error") == 0)
            hook.error = atoi(value);
        else if (strcmp(word, "short") == 0)
            hook.is_short = atoi(value);
        else if (strcmp(word, "kill") == 0)
            hook.kills = atoi(value);
        else if (strcmp(word, "on") == 0)
            hook.goes_on = atoi(value);
        else if (strcmp(word, "plugins") == 0)
            hook.plugins = value;
        else if (strcmp(word, "program") == 0 && strcmp(value, program_invocation_short_name) != 0)
            return 0;
    }
    return 1;
}

/* LeakSanitizer's, where it is there. */
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

/* The first backtrace loads a library, and what the loader keeps for it may count as leaked in the end. */
static void hook_load_unwinder(void)
{
    void *frame;

    if (__lsan_disable)
        __lsan_disable();
    backtrace(&frame, 1);
    if (__lsan_enable)
        __lsan_enable();
}

static void hook_begin(void)
{
    static char words[PATH_MAX + 256]; /* which the settings point into */
    const char *text = getenv("TOWPATH_HOOK"), *path = getenv("TOWPATH_HOOK_REPORT");
    int fd;

    if (!text || !path)
        return;
    snprintf(words, sizeof words, "%s", text);
    if (!hook_read(words))
        return;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *hook_report) != 0) {
        fprintf(stderr, "hook: %s: %s\n", path, strerror(errno));
        _exit(99);
    }
    hook_report = mmap(NULL, sizeof *hook_report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (hook_report == MAP_FAILED)
        _exit(99);
    hook_load_unwinder();
    hook_is_on = 1;
}

static int (*hook_main_of_program)(int, char **, char **);

static int hook_main(int argc, char **argv, char **environment)
{
    hook_begin();
    return hook_main_of_program(argc, argv, environment);
}

int __libc_start_main(int (*call)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*end)(void), void *stack);
int __libc_start_main(int (*call)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*end)(void), void *stack)
{
    int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *) = dlsym(RTLD_NEXT, "__libc_start_main");

    hook_main_of_program = call;
    return next(hook_main, argc, argv, init, fini, end, stack);
}
