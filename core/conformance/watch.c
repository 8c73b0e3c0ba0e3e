#include "conformance/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "towpath/clock.h"

#define WATCH_POLL_MS 50

void watch_call(struct watch_page *page, const char *call, const char *role)
{
    snprintf(page->call, sizeof page->call, "%s of the %s", call, role);
    page->calls++;
}

/* ---- the child ------------------------------------------------------------------------------ */

/* By exit, since sanitizers judge the process there. */
static void watch_child(watch_body *body, void *context, struct watch_page *page, int pipe_end)
{
    FILE *to = fdopen(pipe_end, "w");
    int unseen = memfd_create("stdout", MFD_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!to || unseen < 0 || dup2(unseen, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILURE);
    close(unseen);
    setvbuf(to, NULL, _IOLBF, BUFSIZ);
    page->rc = body(context, page, to, &page->err);
    fclose(to);
    page->done = 1;
    exit(EXIT_SUCCESS);
}

/* ---- the parent ----------------------------------------------------------------------------- */

struct watch {
    struct watch_page *page;
    pid_t child;
    int lines; /* read end of the pipe */
    FILE *out;
    int64_t timeout_ms;
    int status, hung;
};

static void watch_copy(struct watch *watch)
{
    char text[4096];
    ssize_t length;

    while ((length = read(watch->lines, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)length, watch->out);
    fflush(watch->out);
}

/* A process that the module started may hold the pipe open: only the child's end counts. */
static void watch_wait(struct watch *watch)
{
    struct pollfd lines = {.fd = watch->lines, .events = POLLIN};
    unsigned calls = watch->page->calls;
    int64_t since = tow_monotonic_ms();

    while (waitpid(watch->child, &watch->status, WNOHANG) == 0) {
        /* Once its end is closed, a poll says so each time. */
        if (poll(&lines, 1, WATCH_POLL_MS) > 0 && !(lines.revents & POLLIN))
            lines.fd = -1;
        watch_copy(watch);
        if (calls != watch->page->calls) {
            calls = watch->page->calls;
            since = tow_monotonic_ms();
        } else if (!watch->hung && tow_monotonic_ms() - since > watch->timeout_ms) {
            watch->hung = 1;
            kill(watch->child, SIGKILL);
        }
    }
    watch_copy(watch);
}

/* What became of a child that did not come to its end, or came to a bad one. */
static int watch_blame(struct watch *watch, struct tow_error *err)
{
    struct watch_page *page = watch->page;

    page->failed++;
    fprintf(watch->out, "FAIL  each call returns: ");
    if (watch->hung)
        fprintf(watch->out, "%s has not, within %.3g s", page->call,
                (double)watch->timeout_ms / 1000);
    else if (WIFSIGNALED(watch->status))
        fprintf(watch->out, "%s ended the process: signal %d, %s", page->call,
                WTERMSIG(watch->status), strsignal(WTERMSIG(watch->status)));
    else if (page->done)
        fprintf(watch->out, "they do, but then the process ended with code %d",
                WEXITSTATUS(watch->status));
    else
        fprintf(watch->out, "%s ended the process: exit code %d", page->call,
                WEXITSTATUS(watch->status));
    fprintf(watch->out, "\n%d passed, %d failed, %d skipped%s\n", page->passed, page->failed,
            page->skipped, page->done ? "" : "; what comes behind it was not tried");
    return tow_error_set(err, TOW_E_DATA, "%d of %d checks failed", page->failed,
                         page->passed + page->failed);
}

static int watch_start(struct watch *watch, watch_body *body, void *context, struct tow_error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return tow_error_errno(err, TOW_E_ENV, errno, "making a pipe");
    fflush(NULL);
    watch->child = fork();
    if (watch->child == 0) {
        close(ends[0]);
        watch_child(body, context, watch->page, ends[1]);
    }
    close(ends[1]);
    watch->lines = ends[0];
    if (watch->child < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "starting a process");
    fcntl(watch->lines, F_SETFL, O_NONBLOCK);
    return TOW_OK;
}

int watch_run(watch_body *body, void *context, FILE *out, int64_t timeout_ms, struct tow_error *err)
{
    struct watch watch = {.lines = -1, .out = out, .timeout_ms = timeout_ms};

    watch.page =
        mmap(NULL, sizeof *watch.page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (watch.page == MAP_FAILED)
        return tow_error_nomem(err);
    watch.page->err = (struct tow_error)TOW_ERROR_INIT;
    snprintf(watch.page->call, sizeof watch.page->call, "loading the module");
    int rc = watch_start(&watch, body, context, err);
    if (!rc) {
        watch_wait(&watch);
        if (watch.hung || !watch.page->done || watch.status != 0) {
            rc = watch_blame(&watch, err);
        } else {
            rc = watch.page->rc;
            *err = watch.page->err;
        }
    }
    if (watch.lines >= 0)
        close(watch.lines);
    munmap(watch.page, sizeof *watch.page);
    return rc;
}
