/*
 * A source and a sink for tests of the run: they live in memory, and fail just when told.
 *
 * The source hands out the numbers 0, 1, 2 ... as column `n`. The sink keeps what it was given the
 * way a file does: rows behind the last token are cut off when it opens again, and readers see
 * rows only after finish.
 */
#ifndef TESTS_UNIT_TOY_PLUGINS_H
#define TESTS_UNIT_TOY_PLUGINS_H

#include "towpath/batch.h"

#define TOY_ROWS_MAX 100000

/* What the source does. Reset by toy_reset. */
struct toy_source_plan {
    int64_t rows;       /* how many there are */
    int64_t batch;      /* rows a batch */
    int64_t unreadable; /* every so many rows are rejected by the source; 0: none */
    int64_t fail_at;    /* before this row, read fails; -1: never */
    int fail_code;      /* with this class */
    int fail_times;     /* so often */
    int64_t loses;      /* this row is left out and not counted (a bug to be found); -1: none */
    int64_t kill_at;    /* before this row, the process is killed; -1: never */
    int follows;        /* 1: the next run goes on where this one ended */
    const char *column; /* name of the column */
    int opened, closed; /* calls seen */
};

/* What the sink does. */
struct toy_sink_plan {
    int64_t refuse;  /* every so many values are rejected; 0: none */
    int64_t fail_at; /* the batch with this value fails; -1: never */
    int fail_code;
    int fail_times;
    int fail_after_settling; /* 1: the first half of the batch is accepted before it fails */
    int flush_fail_times, flush_fail_code;
    int finish_fail_times;
    int kill_in_flush;  /* 1: the process is killed when flush has done its work; 2: before */
    int kill_in_finish; /* 1: after publishing; 2: before */
    int defers;         /* 1: rows are settled by later calls */
    int most_at_once;   /* instances that were writing at the same time, at the most */
    int finishes;       /* calls of finish */
};

/* What the far end has. Shared memory, so that it outlives a killed child. */
struct toy_far_end {
    int64_t unpublished[TOY_ROWS_MAX];
    int64_t unpublished_count;
    int64_t published[TOY_ROWS_MAX];
    int64_t published_count;
    int64_t opens_with_token;
};

extern struct toy_source_plan toy_source_plan;
extern struct toy_sink_plan toy_sink_plan;
extern struct toy_far_end *toy_far_end;

/* Plans as for a run without trouble: 1,000 rows, batches of 100. The far end is emptied. */
void toy_reset(void);

/* toy_transform leaves out multiples of 10 and rejects the other multiples of 7. */
extern const struct tow_plugin toy_source, toy_sink, toy_transform;
/* TOW_SINK_... of toy_sink. */
void toy_sink_set_flags(uint32_t flags);

#endif
