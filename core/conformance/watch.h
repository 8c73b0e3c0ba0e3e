/*
 * A module under test runs in a process of its own: one that crashes, ends the process or does not
 * return is a failed check with a name, and not the end of the report.
 */
#ifndef CORE_CONFORMANCE_WATCH_H
#define CORE_CONFORMANCE_WATCH_H

#include <stdint.h>
#include <stdio.h>

#include "towpath/error.h"

/* What both processes see. */
struct watch_page {
    int passed, failed, skipped;
    unsigned calls; /* begun so far */
    char call[80];  /* the last one: "read of the source" */
    int done, rc;   /* 1: the suite came to its end, with this class */
    struct tow_error err;
};

/* Says which call comes next. Only strings of a few words. */
void watch_call(struct watch_page *page, const char *call, const char *role);

/*
 * Calls body(context, page, to) in a child process whose standard output is a file that nobody
 * sees; what it writes to `to` goes to `out`. Its class and error where it came to its end;
 * TOW_E_DATA, with a line in `out`, where the process ended before, or made no call for
 * `timeout_ms`.
 */
typedef int watch_body(void *context, struct watch_page *page, FILE *to, struct tow_error *err);
int watch_run(watch_body *body, void *context, FILE *out, int64_t timeout_ms,
              struct tow_error *err);

#endif
