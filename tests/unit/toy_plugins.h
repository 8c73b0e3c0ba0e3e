/*
 * Plugins for tests of the run: they live in memory, and fail just when told.
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
    int64_t rows;        /* how many there are */
    int64_t batch;       /* rows a batch */
    int64_t unreadable;  /* every so many rows are rejected by the source; 0: none */
    int64_t fail_at;     /* before this row, read fails; -1: never */
    int fail_code;       /* with this class */
    int fail_times;      /* so often */
    int reject_and_fail; /* 1: those reads have rejected a row before, that no later one repeats */
    int64_t loses;       /* this row is left out (a bug to be found); -1: none */
    int counts;          /* 1: it counts its rows by itself, too */
    int64_t kill_at;     /* before this row, the process is killed; -1: never */
    int64_t block_at;    /* before this row, it waits until it is told to stop; -1: never */
    int64_t hook_at;     /* before this row, hook is called, once; -1: never */
    void (*hook)(void);
    int marks;           /* 1: each batch brings a mark, "toy" = its last row, without rows too */
    int empty;           /* 1: before each batch with rows comes one without */
    int reject_at_end;   /* 1: TOW_END comes with a rejected row (a bug) */
    int cancels;         /* 1: says that it was cancelled when nobody did (a bug) */
    uint32_t end_length; /* length of the position at the end; 0: the right one */
    int bad_lines;       /* 1: line numbers of one row too few (a bug) */
    int follows;         /* 1: the next run goes on where this one ended */
    const char *column;  /* name of the column */
    int opened, closed;  /* calls seen */
    int open_fail_times, open_fail_code;     /* of open */
    int schema_fail_times, schema_fail_code; /* of schema */
};

/* What the sink does. */
struct toy_sink_plan {
    int64_t refuse;  /* every so many values are rejected; 0: none */
    int64_t fail_at; /* the batch with this value fails; -1: never */
    int fail_code;
    int fail_times;
    int fail_after_settling; /* 1: the first half of the batch is accepted before it fails; 2: all
                                of it */
    int begin_fail_times, begin_fail_code;
    int opened, closed; /* calls seen */
    int flush_fail_times, flush_fail_code;
    int finish_fail_times, finish_fail_code;
    int64_t twice;      /* the batch with this value is settled twice (a bug); -1: none */
    int64_t beyond;     /* the row behind the last of the batch with this value (a bug); -1 */
    int64_t filters;    /* this value is filtered, which a sink cannot do (a bug); -1: none */
    int64_t block_at;   /* the batch with this value waits until it is told to stop; -1: never */
    int block_in_flush; /* 1: so does flush; 2: finish */
    int forgets; /* 1: with defers: rows that are not settled are gone after a failed flush */
    int64_t
        settle_lag; /* with defers: batches that are unsettled at once, at most; 0: any number */
    uint32_t token_length; /* length of its token; 0: the right one */
    int kill_in_flush;     /* 1: the process is killed when flush has done its work; 2: before */
    int kill_in_finish;    /* 1: after publishing; 2: before */
    int kill_in_write; /* where the batch with fail_at would fail, 1: the process is killed; 2: so
                          it is, but what is settled is kept first */
    int defers;        /* 1: rows are settled by later calls */
    int most_at_once;  /* instances that were writing at the same time, at the most */
    int finishes;      /* calls of finish */
    int flushes;       /* calls of flush */
    int waiting;       /* instances that wait until they are told to stop */
    int appends;       /* 1: finish adds the load to what is published, once */
};

/* What the results sink does. */
struct toy_results_plan {
    int64_t refuse;            /* the row of this number is refused; -1: none */
    int hides_refusal;         /* 1: and write says that all is well */
    int fail_times, fail_code; /* of write */
    int flush_fail_times;      /* transient */
    int finish_fail_times, finish_fail_code;
    int kill_in_finish; /* 1: after publishing; 2: before */
    int defers;         /* 1: keeps rows to itself until flush, and loses them where that fails */
};

/* What toy_transform does besides. */
struct toy_transform_plan {
    int64_t loses;  /* this value goes missing (a bug); -1: none */
    int64_t beyond; /* the batch with this value: settles a row that it has not (a bug); -1: none */
    int64_t fail_at; /* the batch with this value fails; -1: never */
    int fail_code;
};

/* One row of the results: the number, -1 where it was not readable; and what became of it. */
struct toy_result {
    int64_t n;
    int32_t success; /* 1, 0, or -1 for null */
    char code[28];
};

/* What the far end has. Shared memory, so that it outlives a killed child. */
struct toy_far_end {
    int64_t unpublished[TOY_ROWS_MAX];
    int64_t unpublished_count;
    int64_t published[TOY_ROWS_MAX];
    int64_t published_count;
    int64_t opens_with_token;
    char load[33];     /* that finish published last */
    int64_t load_base; /* published before it */
    struct toy_result results[TOY_ROWS_MAX];
    int64_t results_count;
    struct toy_result published_results[TOY_ROWS_MAX];
    int64_t published_results_count;
};

extern struct toy_source_plan toy_source_plan;
extern struct toy_sink_plan toy_sink_plan;
extern struct toy_results_plan toy_results_plan;
extern struct toy_transform_plan toy_transform_plan;
extern struct toy_far_end *toy_far_end;

/* Plans as for a run without trouble: 1,000 rows, batches of 100. The far end is emptied. */
void toy_reset(void);

/* toy_transform leaves out multiples of 10 and rejects the other multiples of 7; toy_threes leaves
 * out multiples of 3. toy_results is a sink for `results`. */
extern const struct tow_plugin toy_source, toy_sink, toy_results, toy_transform, toy_threes;
/* TOW_SINK_... of toy_sink, and of toy_results. */
void toy_sink_set_flags(uint32_t flags);
void toy_results_set_flags(uint32_t flags);

/* Waits until the host says that the run is being stopped. */
void toy_wait(const struct tow_host *host);
/* Kills the process, as kill -9 does. */
void toy_die(void);

#endif
