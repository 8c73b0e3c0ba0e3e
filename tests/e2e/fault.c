/* fault - a source for tests of those who run plugins: it dies, hangs, takes its time, or makes
 * system calls that have no place in moving rows, where it is told to. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <towpath/batch.h>

struct fault {
    const char *at, *how; /* options */
    const struct tow_host *host;
};

static const struct tow_option options[] = {
    TOW_OPT_STRING("at", struct fault, at, NULL, "check, open or read"),
    TOW_OPT_STRING("how", struct fault, how, "crash", "crash, hang, wait or call"),
    TOW_OPTIONS_END,
};

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 1}};

/* What became of calls, by the job's log: "execve 0, ptrace 1, ...", each with its errno. */
static void fault_call(const struct tow_host *host)
{
    char *const program[] = {"/bin/true", NULL};
    long results[4] = {0};
    pid_t child;
    char text[200];

    results[0] = posix_spawn(&child, program[0], NULL, NULL, program, program + 1);
    if (results[0] == 0)
        waitpid(child, NULL, 0);
    results[1] = ptrace(PTRACE_PEEKUSER, 1, NULL, NULL) < 0 ? errno : 0;
    results[2] = mount("none", "/nowhere/at/all", "tmpfs", 0, NULL) < 0 ? errno : 0;
    results[3] = syscall(SYS_bpf, -1, NULL, 0) < 0 ? errno : 0;
    snprintf(text, sizeof text, "execve %ld, ptrace %ld, mount %ld, bpf %ld", results[0],
             results[1], results[2], results[3]);
    host->log(host, TOW_LOG_WARN, text);
}

static void fault_at(const struct fault *fault, const char *here)
{
    if (!fault->at || strcmp(fault->at, here) != 0)
        return;
    if (strcmp(fault->how, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(fault->how, "wait") == 0) {
        nanosleep(&(const struct timespec){0, 600 * 1000 * 1000}, NULL);
        return;
    }
    if (strcmp(fault->how, "call") == 0) {
        fault_call(fault->host);
        return;
    }
    for (;;)
        pause();
}

static int32_t fault_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    (void)host;
    (void)err;
    fault_at(self, "check");
    return TOW_OK;
}

static int32_t fault_open(void *self, const struct tow_host *host, const struct tow_position *from,
                          struct tow_error *err)
{
    struct fault *fault = self;

    (void)from;
    (void)err;
    fault->host = host;
    fault_at(fault, "open");
    return TOW_OK;
}

static int32_t fault_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, fields, 1, err);
}

static int32_t fault_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    (void)out;
    (void)err;
    fault_at(self, "read");
    return TOW_END;
}

static void fault_close(void *self)
{
    (void)self;
}

TOW_SOURCE_PLUGIN(fault, "1.0", "dies or hangs where it is told to", struct fault, options, 0,
                  fault_check, fault_open, fault_schema, fault_read, fault_close)
