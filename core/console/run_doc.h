/*
 * What JSON documents say of a run, in the same words wherever they do: the closing block, `runs`,
 * `top`, the daemon's API.
 */
#ifndef CORE_CONSOLE_RUN_DOC_H
#define CORE_CONSOLE_RUN_DOC_H

#include "console/doc.h"
#include "state/state.h"

/* rows {read, accepted, rejected, filtered, pending}, bytes, batches, retries. */
void tow_run_doc_counts(struct tow_doc *doc, const struct tow_counts *counts);
/* error: null, or {class, message}. */
void tow_run_doc_error(struct tow_doc *doc, int error_class, const char *message);
/* exit_code: null where it is -1, for a run that is on or was interrupted. */
void tow_run_doc_exit_code(struct tow_doc *doc, int32_t exit_code);

/* Of a job's newest run, what people ask for first; id 0: there is none. */
struct tow_last_run {
    int64_t id, start_us, end_us, slot_us;
    int32_t exit_code;
    char status[16];
};

struct tow_last_run tow_last_run(const struct tow_run *run);
/* last: null, or {run, status, exit_code, start, end, slot}. */
void tow_run_doc_last(struct tow_doc *doc, const struct tow_last_run *last);

#endif
