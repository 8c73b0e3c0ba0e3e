/* What the tests of core/state share. */
#ifndef TESTS_UNIT_STATE_FIXTURE_H
#define TESTS_UNIT_STATE_FIXTURE_H

#include "scratch.h"
#include "state/state.h"

/* The test fails where the state cannot be opened. */
struct tow_state *open_state(const struct scratch *scratch, int mode);
struct tow_state *open_state_at(const char *path, int mode);

void set_position(struct tow_position *position, const char *text);
void assert_position(const struct tow_position *position, const char *text);

/* How a run starts, for tow_state_run_begin. */
#define START(name, load, replayed, now)                      \
    (&(const struct tow_run_start){.job = (name),             \
                                   .job_file = "/jobs/a.cfg", \
                                   .load_id = (load),         \
                                   .replay_of = (replayed),   \
                                   .now_us = (now)})

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#endif
