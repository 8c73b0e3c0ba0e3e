/*
 * A job of toy plugins, a state in a folder of its own, and what a run left at the far end.
 */
#ifndef TESTS_UNIT_RUN_FIXTURE_H
#define TESTS_UNIT_RUN_FIXTURE_H

#include "run/run.h"
#include "toy_plugins.h"

struct run_fixture {
    char folder[64];
    char state_path[96];
    struct tow_job
        job; /* one worker, batches as the source makes them, no checkpoint but the last */
    struct tow_assembly assembly;
    const struct tow_plugin *transforms[2];
    struct tow_setting transform_sections[2];
    struct tow_run_options options;
    struct tow_cancel cancel, abort;
    struct tow_run_report report; /* of the last run */
    int runs;                     /* so far */
};

extern struct run_fixture *fixture;

/* For cmocka; toy plugins are as for a run without trouble. */
int run_set_up(void **state);
int run_tear_down(void **state);
#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, run_set_up, run_tear_down)

/* One run; returns its exit code. A stop that was asked for is forgotten by the next one. */
int run(void);
/* A run in a child that is expected to die by SIGKILL; then plans kill nobody any more. */
void run_and_die(void);
/* The same, where it may also end well. */
void run_may_die(void);
/* Puts toy_transform, and toy_threes behind it where `threes`, into the job. */
void run_with_transforms(int threes);
/* Puts toy_results into the job. */
void run_with_results(void);

/* Counts of the last run, which must balance. */
void counts_are(int64_t read, int64_t accepted, int64_t rejected, int64_t filtered,
                int64_t pending);
/* Readers see the numbers [0, count) that `wanted` wants, each once. */
void published_is(int64_t count, int (*wanted)(int64_t n));
int everyone(int64_t n);
int not_ninth(int64_t n);      /* as toy_source_plan.unreadable = 9 leaves them */
int not_thirteenth(int64_t n); /* as toy_sink_plan.refuse = 13 leaves them */
int past_the_transform(int64_t n);

/* The published results are `count` rows, among them so many that were not readable, and no number
 * twice. */
void results_are(int64_t count, int64_t unreadable);
/* How many of them have this code ("": none). */
int64_t results_with(const char *code);

int64_t lines_in(const char *path);
/* The job's checkpoint: its batches; -1 where there is none. */
int64_t checkpoint_seq(void);

#endif
