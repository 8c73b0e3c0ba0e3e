/* What a plugin shares with the program that loaded it, and leaves as it is. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/suite.h"

#define PROCESS_SIGNALS 32 /* 1 to 31 */

struct suite_process {
    struct sigaction actions[PROCESS_SIGNALS];
    char folder[PATH_MAX];
    char locale[256];
};

static void process_note(struct suite_process *process)
{
    const char *locale = setlocale(LC_ALL, NULL);

    memset(process, 0, sizeof *process);
    for (int i = 1; i < PROCESS_SIGNALS; i++)
        sigaction(i, NULL, &process->actions[i]);
    if (!getcwd(process->folder, sizeof process->folder))
        process->folder[0] = '\0';
    snprintf(process->locale, sizeof process->locale, "%s", locale ? locale : "");
}

struct suite_process *suite_process_new(void)
{
    struct suite_process *process = malloc(sizeof *process);

    if (process)
        process_note(process);
    return process;
}

static int process_other_signal(const struct suite_process *a, const struct suite_process *b)
{
    for (int i = 1; i < PROCESS_SIGNALS; i++)
        if (a->actions[i].sa_handler != b->actions[i].sa_handler ||
            a->actions[i].sa_flags != b->actions[i].sa_flags)
            return i;
    return 0;
}

/* The suite's standard output is a file of its own, which starts empty. */
static void process_check_output(struct suite *suite)
{
    const char *what = "nothing is written to standard output";
    char text[41] = "";
    struct stat info;

    for (size_t i = 0; i < suite->section.count; i++)
        if (suite->section.items[i].text && strcmp(suite->section.items[i].text, "-") == 0) {
            suite_skip(suite, what, "an option is \"-\"");
            return;
        }
    fflush(stdout);
    if (fstat(STDOUT_FILENO, &info) || info.st_size == 0) {
        suite_pass(suite, what);
        return;
    }
    ssize_t length = pread(STDOUT_FILENO, text, sizeof text - 1, 0);
    text[length > 0 ? strcspn(text, "\n") : 0] = '\0';
    suite_fail(suite, what, "%lld bytes were, beginning with \"%s\"; use host->log",
               (long long)info.st_size, text);
}

void suite_check_process(struct suite *suite, const struct suite_process *before)
{
    const char *what = "signals, locale and working folder stay as they are";
    struct suite_process *after = suite_process_new();

    process_check_output(suite);
    if (!before || !after) {
        suite_fail(suite, what, "out of memory");
        free(after);
        return;
    }
    int other = process_other_signal(before, after);
    if (other)
        suite_fail(suite, what, "the action of signal %d (%s) is another", other, strsignal(other));
    else if (strcmp(before->locale, after->locale) != 0)
        suite_fail(suite, what, "the locale was %s and is %s", before->locale, after->locale);
    else if (strcmp(before->folder, after->folder) != 0)
        suite_fail(suite, what, "the folder was %s and is %s", before->folder, after->folder);
    else
        suite_pass(suite, what);
    free(after);
}
