/*
 * A source with a column to route by, a sink with a table for each route, and results, in memory
 * that outlives a killed child. Every call of them is a step, at which a run can be made to fail
 * or die.
 */
#ifndef TESTS_UNIT_ROUTE_TOYS_H
#define TESTS_UNIT_ROUTE_TOYS_H

#include "run_fixture.h"

#define ROUTE_TABLES  64
#define ROUTE_ROWS    4000
#define ROUTE_WORKERS 3

struct route_table {
    char name[256];
    int64_t unpublished[ROUTE_WORKERS][ROUTE_ROWS];
    int64_t count[ROUTE_WORKERS];
    int64_t published[ROUTE_ROWS];
    int64_t published_count, published_before; /* before: by earlier loads */
    char load[33];                             /* that published last */
    int opens, finishes;
    int opening, most_opening; /* at once */
    int64_t columns;           /* that begin was given */
};

struct route_far_end {
    struct route_table tables[ROUTE_TABLES];
    int table_count;
    int open, most_open;         /* instances of the sink */
    int64_t results[ROUTE_ROWS]; /* of each number: 1 success, 2 not, and 0 none as yet */
    int64_t steps;
    int64_t checks; /* of the sink */
};

/* Rows are the numbers from 0 on; the value of a row is that of its number. */
struct route_plan {
    int64_t rows, batch;
    const char *(*value)(int64_t n); /* NULL is a null */
    int64_t kill_at, fail_at;        /* at this step; 0: at none */
    int fail_code;
    int64_t refuse;       /* the sink rejects multiples; 0: none */
    int64_t lag;          /* with TOW_SINK_DEFERS: batches that are not settled before flush */
    int settles_half;     /* 1: a write that fails has settled the first half of its rows */
    int repeats;          /* 1: each load has all rows, and replaces those of the one before */
    int64_t beyond;       /* the batch with this number: settles a row that it has not; 0: none */
    const char *bad_name; /* check refuses a table of this name */
    int64_t opening_ms;   /* that open takes, unless another instance of the table opens as well */
};

extern struct route_far_end *route_far_end;
extern struct route_plan route_plan;

/* For cmocka: the fixture of runs with these plugins and a route by column "k"; plans as for a run
 * without trouble. */
int route_set_up(void **state);
void route_set_flags(uint32_t flags);
/* Forgets state and far end, as if nothing had ever run. */
void route_start_anew(void);

/* NULL where there is none. */
struct route_table *route_table(const char *name);
/* Each number below `count` was published as often as `times` says, all in the table that is its
 * value's; `name` of a value. */
void route_published(int64_t count, int (*times)(int64_t n), const char *(*name)(int64_t n));
int route_once(int64_t n);

#endif
