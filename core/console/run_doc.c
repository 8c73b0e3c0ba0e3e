#include "console/run_doc.h"

#include <string.h>

void tow_run_doc_counts(struct tow_doc *doc, const struct tow_counts *counts)
{
    tow_doc_open(doc, "rows", '{');
    tow_doc_int(doc, "read", counts->read);
    tow_doc_int(doc, "accepted", counts->accepted);
    tow_doc_int(doc, "rejected", counts->rejected);
    tow_doc_int(doc, "filtered", counts->filtered);
    tow_doc_int(doc, "pending", counts->pending);
    tow_doc_close(doc, '}');
    tow_doc_int(doc, "bytes", counts->bytes);
    tow_doc_int(doc, "batches", counts->batches);
    tow_doc_int(doc, "retries", counts->retries);
}

void tow_run_doc_error(struct tow_doc *doc, int error_class, const char *message)
{
    if (error_class == TOW_OK) {
        tow_doc_text(doc, "error", NULL);
        return;
    }
    tow_doc_open(doc, "error", '{');
    tow_doc_text(doc, "class", tow_error_name(error_class));
    tow_doc_text(doc, "message", message);
    tow_doc_close(doc, '}');
}

void tow_run_doc_exit_code(struct tow_doc *doc, int32_t exit_code)
{
    if (exit_code >= 0)
        tow_doc_int(doc, "exit_code", exit_code);
    else
        tow_doc_text(doc, "exit_code", NULL);
}

struct tow_last_run tow_last_run(const struct tow_run *run)
{
    struct tow_last_run last = {.id = run->id,
                                .start_us = run->start_us,
                                .end_us = run->end_us,
                                .slot_us = run->slot_us,
                                .exit_code = run->exit_code};

    memcpy(last.status, run->status, sizeof last.status);
    return last;
}

void tow_run_doc_last(struct tow_doc *doc, const struct tow_last_run *last)
{
    if (!last->id) {
        tow_doc_text(doc, "last", NULL);
        return;
    }
    tow_doc_open(doc, "last", '{');
    tow_doc_int(doc, "run", last->id);
    tow_doc_text(doc, "status", last->status);
    tow_run_doc_exit_code(doc, last->exit_code);
    tow_doc_time(doc, "start", last->start_us);
    tow_doc_time(doc, "end", last->end_us);
    tow_doc_time(doc, "slot", last->slot_us);
    tow_doc_close(doc, '}');
}
