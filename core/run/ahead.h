/*
 * Rows that the far end has for good although the checkpoint lies before them: a sink with
 * TOW_SINK_FINAL has settled them, while an older batch is still under way, or the rest of their
 * own. They are written to the state as they are settled, so that a run that goes on after a
 * failure or a kill does not send them again.
 *
 * A batch is known by its number and by what is in it: rows that come otherwise than before (the
 * source closes its batches at other places now) are not taken for them.
 */
#ifndef CORE_RUN_AHEAD_H
#define CORE_RUN_AHEAD_H

#include "run/record.h"

struct run;

/* A batch as the state has it; `rows` is its own. */
struct ahead_batch {
    uint64_t seq;
    unsigned char *rows;
    size_t length;
};

struct ahead {
    struct ahead_batch *batches; /* in order of seq */
    size_t count, capacity;
    size_t next; /* batches before it are behind the reader */
    int warned;
};

/* Reads what earlier runs left. */
int ahead_load(struct run *run, struct tow_error *err);
void ahead_release(struct ahead *ahead);

/* After the last stage of a record: gives rows that were settled before their fate. */
int ahead_apply(struct run *run, struct record *record, struct tow_error *err);

/* After a call of the sink: writes the record's settled rows to the state, where that is needed and
 * something is new. Any worker, of a record in its hands. */
int ahead_save(struct run *run, struct record *record, struct tow_error *err);

#endif
