#include "unit.h"

#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/connection.h"
#include "state_fixture.h"

static int64_t begin_run(struct tow_state *state, const char *job, int64_t replay_of)
{
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id;

    assert_ok(tow_state_run_begin(state, START(job, "load", replay_of, 1000), &id, &err), err);
    return id;
}

static void end_run(struct tow_state *state, int64_t id, const char *job, const char *status)
{
    const struct tow_counts counts = {.read = 1, .accepted = 1};
    const struct tow_commit commit = {.job = job, .run = id, .counts = &counts};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_state_run_end(state, &commit, status, 0, NULL, 2000, &err), err);
}

static struct tow_run read_run(struct tow_state *state, int64_t id)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;

    assert_ok(tow_state_run(state, id, &run, &err), err);
    return run;
}

/* ---- reading what is not there -------------------------------------------------------------- */

static int visit_nothing(void *context, const struct tow_run *run)
{
    (void)context;
    fail_msg("run %lld in an empty state", (long long)run->id);
    return 0;
}

static int visit_no_job(void *context, const char *job)
{
    (void)context;
    fail_msg("job %s in an empty state", job);
    return 0;
}

static int32_t visit_no_entry(void *context, const char *key, const void *value, uint32_t length)
{
    (void)context, (void)value, (void)length;
    fail_msg("key %s in an empty state", key);
    return 0;
}

static void assert_empty(struct tow_state *state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_checkpoint checkpoint;
    struct tow_position value = {.size = sizeof value};
    struct tow_run run;

    assert_int_equal(tow_state_checkpoint(state, "a", &checkpoint, &err), TOW_END);
    assert_null(checkpoint.tokens);
    assert_int_equal(tow_state_run(state, 1, &run, &err), TOW_END);
    assert_int_equal(tow_state_ledger_get(state, "a", "l", "k", &value, &err), TOW_END);
    assert_ok(tow_state_runs(state, NULL, 0, visit_nothing, NULL, &err), err);
    assert_ok(tow_state_jobs(state, visit_no_job, NULL, &err), err);
    assert_ok(tow_state_ledger_each(state, "a", "l", "", visit_no_entry, NULL, &err), err);
}

static void test_an_absent_file_reads_as_empty_and_is_not_made(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_state *state = open_state(scratch, TOW_STATE_READ);

    assert_empty(state);
    assert_string_equal(tow_state_path(state), scratch->path);
    tow_state_close(state);
    assert_int_equal(access(scratch->path, F_OK), -1);
}

static void test_an_absent_folder_reads_as_empty_and_is_not_made(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    char path[256], folder[160];

    snprintf(folder, sizeof folder, "%s/no", scratch->folder);
    snprintf(path, sizeof path, "%s/such/state.db", folder);
    assert_ok(tow_state_open(path, TOW_STATE_READ, &state, &err), err);
    assert_empty(state);
    tow_state_close(state);
    assert_int_equal(access(folder, F_OK), -1);
}

static void test_an_empty_file_reads_as_empty_and_stays_so(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_state *state;
    struct stat st;

    scratch_write(scratch->path, "", 0);
    chmod(scratch->path, 0600);
    state = open_state(scratch, TOW_STATE_READ);
    assert_empty(state);
    tow_state_close(state);
    assert_int_equal(stat(scratch->path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void test_a_new_file_reads_as_empty(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_state *state = open_state(scratch, TOW_STATE_CREATE);

    assert_empty(state);
    tow_state_close(state);
    state = open_state(scratch, TOW_STATE_READ);
    assert_empty(state);
    tow_state_close(state);
}

static void test_every_change_of_a_state_opened_to_read_is_refused(void **fixture)
{
    const struct tow_counts counts = {.read = 0};
    const struct tow_commit commit = {.job = "a", .run = 1, .counts = &counts};
    const struct tow_checkpoint checkpoint = {.seq = 1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock;
    int64_t id;
    int busy;

    tow_state_close(open_state(*fixture, TOW_STATE_CREATE));
    struct tow_state *state = open_state(*fixture, TOW_STATE_READ);

    assert_int_equal(tow_state_run_begin(state, START("a", "l", 0, 1), &id, &err), TOW_E_BUG);
    assert_says(err, "opened for reading");
    assert_int_equal(tow_state_lock(state, "a", &lock, &busy, &err), TOW_E_BUG);
    assert_null(lock);
    assert_int_equal(busy, 0);
    assert_int_equal(tow_state_commit(state, &commit, &err), TOW_E_BUG);
    assert_int_equal(tow_state_run_end(state, &commit, TOW_RUN_OK, 0, NULL, 1, &err), TOW_E_BUG);
    assert_int_equal(tow_state_checkpoint_set(state, "a", &checkpoint, &err), TOW_E_BUG);
    assert_int_equal(tow_state_checkpoint_reset(state, "a", 1, &err), TOW_E_BUG);
    assert_int_equal(tow_state_ledger_put(state, "a", "l", "k", "v", 1, &err), TOW_E_BUG);
    assert_int_equal(tow_state_ledger_remove(state, "a", "l", "k", &err), TOW_E_BUG);
    assert_int_equal(tow_sql_script(&state->sql, "DELETE FROM runs", &err), TOW_E_ENV);
    tow_state_close(state);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void test_a_run_is_recorded_from_begin_to_end(void **fixture)
{
    const struct tow_counts counts = {1, 2, 3, 4, 5, 6, 7, INT64_MAX};
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT, failure = TOW_ERROR_INIT;
    int64_t id;

    assert_ok(tow_state_run_begin(state, START("vip", "load-1", 0, 1000), &id, &err), err);
    struct tow_run run = read_run(state, id);
    assert_int_equal(run.id, id);
    assert_string_equal(run.job, "vip");
    assert_string_equal(run.job_file, "/jobs/a.cfg");
    assert_string_equal(run.load_id, "load-1");
    assert_string_equal(run.status, TOW_RUN_RUNNING);
    assert_int_equal(run.exit_code, -1);
    assert_int_equal(run.error_class, TOW_OK);
    assert_string_equal(run.error, "");
    assert_int_equal(run.start_us, 1000);
    assert_int_equal(run.end_us, 0);
    assert_int_equal(run.counts.read, 0);

    tow_error_set(&failure, TOW_E_AUTH, "token refused");
    const struct tow_commit commit = {
        .job = "vip", .run = id, .counts = &counts, .reject_bytes = INT64_C(5000000000)};
    assert_ok(tow_state_run_end(state, &commit, TOW_RUN_FAILED, 3, &failure, 2000, &err), err);
    tow_state_close(state);

    state = open_state(*fixture, TOW_STATE_READ);
    run = read_run(state, id);
    assert_string_equal(run.status, TOW_RUN_FAILED);
    assert_int_equal(run.exit_code, 3);
    assert_int_equal(run.error_class, TOW_E_AUTH);
    assert_string_equal(run.error, "token refused");
    assert_int_equal(run.end_us, 2000);
    assert_memory_equal(&run.counts, &counts, sizeof counts);
    assert_int_equal(run.reject_bytes, INT64_C(5000000000));
    assert_int_equal(run.replay_of, 0);
    assert_int_equal(run.replayed_by, 0);
    tow_state_close(state);
}

static void test_begin_closes_dead_runs_of_the_same_job_as_interrupted(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_checkpoint checkpoint = {.saved_us = 1500};
    const struct tow_counts counts = {.read = 9};
    int64_t dead = begin_run(state, "a", 0);
    int64_t other = begin_run(state, "b", 0);
    const struct tow_commit commit = {
        .job = "a", .run = dead, .checkpoint = &checkpoint, .counts = &counts};

    assert_ok(tow_state_commit(state, &commit, &err), err);
    int64_t next = begin_run(state, "a", 0);

    struct tow_run run = read_run(state, dead);
    assert_string_equal(run.status, TOW_RUN_INTERRUPTED);
    assert_int_equal(run.exit_code, -1);
    assert_int_equal(run.end_us, 1500);
    assert_int_equal(run.counts.read, 9);
    assert_string_equal(read_run(state, other).status, TOW_RUN_RUNNING);
    assert_string_equal(read_run(state, next).status, TOW_RUN_RUNNING);

    /* The dead run is not dead after all, only late: it must not move anything any more. */
    assert_int_equal(tow_state_commit(state, &commit, &err), TOW_E_ENV);
    assert_says(err, "interrupted");
    assert_int_equal(tow_state_run_end(state, &commit, TOW_RUN_OK, 0, NULL, 9, &err), TOW_E_ENV);
    assert_string_equal(read_run(state, dead).status, TOW_RUN_INTERRUPTED);
    tow_state_close(state);
}

static void test_a_dead_run_without_checkpoint_ends_when_it_began(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    int64_t dead = begin_run(state, "a", 0);

    begin_run(state, "a", 0);
    assert_int_equal(read_run(state, dead).end_us, 1000);
    tow_state_close(state);
}

static void test_wrong_arguments_of_runs_are_refused(void **fixture)
{
    static const char *const names[] = {
        "",   "a/b",     ".",
        "..", ".hidden", "12345678901234567890123456789012345678901234567890123456789012345"};
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    const struct tow_counts counts = {.read = 1};
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id = 7;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(tow_state_run_begin(state, START(names[i], "l", 0, 1), &id, &err),
                         TOW_E_CONFIG);
        assert_says(err, "no job name");
        assert_int_equal(id, 0);
    }
    assert_int_equal(tow_state_run_begin(
                         state, START("a", "123456789012345678901234567890123", 0, 1), &id, &err),
                     TOW_E_BUG);
    assert_ok(tow_state_run_begin(
                  state,
                  START("1234567890123456789012345678901234567890123456789012345678901234",
                        "12345678901234567890123456789012", 0, 1),
                  &id, &err),
              err);

    struct tow_commit commit = {.job = "a", .run = id, .counts = &counts};
    assert_int_equal(tow_state_run_end(state, &commit, TOW_RUN_RUNNING, 0, NULL, 1, &err),
                     TOW_E_BUG);
    assert_int_equal(tow_state_run_end(state, &commit, "sixteen letters!", 0, NULL, 1, &err),
                     TOW_E_BUG);
    commit.run = 99;
    assert_int_equal(tow_state_commit(state, &commit, &err), TOW_E_ENV);
    assert_says(err, "run 99");
    tow_state_close(state);
}

static void test_only_a_replay_that_ends_ok_is_noted_at_the_run_it_replayed(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    int64_t first = begin_run(state, "a", 0);

    end_run(state, first, "a", TOW_RUN_OK);
    int64_t failed = begin_run(state, "a", first);
    end_run(state, failed, "a", TOW_RUN_FAILED);
    assert_int_equal(read_run(state, first).replayed_by, 0);
    int64_t good = begin_run(state, "a", first);
    end_run(state, good, "a replay", TOW_RUN_OK);
    assert_int_equal(read_run(state, first).replayed_by, good);
    assert_int_equal(read_run(state, good).replay_of, first);
    assert_int_equal(read_run(state, good).replayed_by, 0);
    tow_state_close(state);
}

struct seen_runs {
    struct tow_state *state;
    int64_t ids[16];
    int count;
    int stop_at; /* visit returns 5 there */
};

static int visit_run(void *context, const struct tow_run *run)
{
    struct seen_runs *seen = context;

    /* A visitor may ask on. */
    assert_string_equal(read_run(seen->state, run->id).job, run->job);
    seen->ids[seen->count++] = run->id;
    return seen->count == seen->stop_at ? 5 : 0;
}

static void test_runs_come_newest_first_by_job_and_limit(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct seen_runs seen = {.state = state};
    int64_t ids[6];

    for (int i = 0; i < 6; i++) {
        ids[i] = begin_run(state, i % 2 ? "odd" : "even", 0);
        assert_true(i == 0 || ids[i] > ids[i - 1]);
    }
    assert_ok(tow_state_runs(state, NULL, 0, visit_run, &seen, &err), err);
    assert_int_equal(seen.count, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(seen.ids[i], ids[5 - i]);

    seen.count = 0;
    assert_ok(tow_state_runs(state, "odd", 2, visit_run, &seen, &err), err);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.ids[0], ids[5]);
    assert_int_equal(seen.ids[1], ids[3]);

    seen.count = 0;
    seen.stop_at = 3;
    assert_int_equal(tow_state_runs(state, NULL, 0, visit_run, &seen, &err), 5);
    assert_int_equal(seen.count, 3);
    tow_state_close(state);
}

struct seen_text {
    char text[256];
    int stop; /* what visit returns */
};

static int visit_job(void *context, const char *job)
{
    struct seen_text *seen = context;

    strcat(strcat(seen->text, job), " ");
    return seen->stop;
}

static void test_jobs_are_those_with_a_run_or_a_checkpoint_in_order(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    const struct tow_checkpoint checkpoint = {.seq = 1};
    struct tow_error err = TOW_ERROR_INIT;
    struct seen_text seen = {.text = ""};

    begin_run(state, "d", 0);
    begin_run(state, "b", 0);
    begin_run(state, "b", 0);
    assert_ok(tow_state_checkpoint_set(state, "c", &checkpoint, &err), err);
    assert_ok(tow_state_checkpoint_set(state, "b", &checkpoint, &err), err);
    assert_ok(tow_state_ledger_put(state, "a", "l", "k", "v", 1, &err), err);
    assert_ok(tow_state_jobs(state, visit_job, &seen, &err), err);
    assert_string_equal(seen.text, "b c d ");
    seen = (struct seen_text){.stop = TOW_END};
    assert_int_equal(tow_state_jobs(state, visit_job, &seen, &err), TOW_END);
    assert_string_equal(seen.text, "b ");
    tow_state_close(state);
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

static void test_a_checkpoint_comes_back_as_it_was(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position *tokens = calloc(TOW_STATE_TOKENS_MAX, sizeof *tokens);
    struct tow_checkpoint in = {.source = "csv",
                                .source_version = "1.2",
                                .sink = "file",
                                .fingerprint = "abc",
                                .load_id = "l",
                                .run = 3,
                                .saved_us = -5,
                                .seq = UINT64_MAX,
                                .position = {.size = sizeof in.position, .length = 4096},
                                .token_count = TOW_STATE_TOKENS_MAX,
                                .tokens = tokens};
    struct tow_checkpoint out;

    assert_non_null(tokens);
    for (int i = 0; i < TOW_POSITION_MAX; i++)
        in.position.bytes[i] = (unsigned char)i;
    for (uint32_t i = 0; i < TOW_STATE_TOKENS_MAX; i++) {
        tokens[i].length = i * 64;
        memset(tokens[i].bytes, (int)i, tokens[i].length);
    }
    assert_ok(tow_state_checkpoint_set(state, "a", &in, &err), err);
    assert_ok(tow_state_checkpoint(state, "a", &out, &err), err);
    assert_string_equal(out.source, "csv");
    assert_string_equal(out.source_version, "1.2");
    assert_string_equal(out.sink, "file");
    assert_string_equal(out.fingerprint, "abc");
    assert_string_equal(out.load_id, "l");
    assert_int_equal(out.run, 3);
    assert_int_equal(out.saved_us, -5);
    assert_true(out.seq == UINT64_MAX);
    assert_int_equal(out.position.size, sizeof out.position);
    assert_int_equal(out.position.length, 4096);
    assert_memory_equal(out.position.bytes, in.position.bytes, 4096);
    assert_int_equal(out.token_count, TOW_STATE_TOKENS_MAX);
    for (uint32_t i = 0; i < TOW_STATE_TOKENS_MAX; i++) {
        assert_int_equal(out.tokens[i].size, sizeof out.tokens[i]);
        assert_int_equal(out.tokens[i].length, tokens[i].length);
        assert_memory_equal(out.tokens[i].bytes, tokens[i].bytes, tokens[i].length);
    }
    tow_checkpoint_release(&out);

    in.token_count = 2;
    assert_ok(tow_state_checkpoint_set(state, "a", &in, &err), err);
    assert_ok(tow_state_checkpoint(state, "a", &out, &err), err);
    assert_int_equal(out.token_count, 2);
    tow_checkpoint_release(&out);
    tow_checkpoint_release(&out);

    in.token_count = TOW_STATE_TOKENS_MAX + 1;
    assert_int_equal(tow_state_checkpoint_set(state, "a", &in, &err), TOW_E_BUG);
    in.token_count = 1;
    tokens[0].length = TOW_POSITION_MAX + 1;
    assert_int_equal(tow_state_checkpoint_set(state, "a", &in, &err), TOW_E_BUG);
    assert_says(err, "4097");
    free(tokens);
    tow_state_close(state);
}

static void test_a_commit_moves_all_or_nothing(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position token, value = {.size = sizeof value};
    struct tow_checkpoint out, checkpoint = {.run = 99, .seq = 4, .token_count = 1};
    struct tow_counts counts = {.read = 10, .accepted = 10};
    struct tow_mark marks[] = {{(char[]){"a.csv"}, (char[]){"done"}}, {(char[]){"b.csv"}, NULL}};
    char long_value[TOW_POSITION_MAX + 2];
    int64_t id = begin_run(state, "a", 0);
    struct tow_commit commit = {.job = "a",
                                .run = id,
                                .checkpoint = &checkpoint,
                                .counts = &counts,
                                .reject_bytes = 70,
                                .ledger = "source:csv",
                                .marks = marks,
                                .mark_count = 1};

    set_position(&token, "t1");
    set_position(&checkpoint.position, "p1");
    checkpoint.tokens = &token;
    assert_ok(tow_state_commit(state, &commit, &err), err);
    assert_ok(tow_state_checkpoint(state, "a", &out, &err), err);
    assert_int_equal(out.seq, 4);
    assert_int_equal(out.run, id);
    assert_position(&out.position, "p1");
    assert_position(&out.tokens[0], "t1");
    tow_checkpoint_release(&out);
    assert_int_equal(read_run(state, id).counts.read, 10);
    assert_int_equal(read_run(state, id).reject_bytes, 70);
    assert_ok(tow_state_ledger_get(state, "a", "source:csv", "a.csv", &value, &err), err);
    assert_position(&value, "done");

    /* The last mark is too long: nothing of this commit may stay. */
    memset(long_value, 'x', sizeof long_value - 1);
    long_value[sizeof long_value - 1] = '\0';
    marks[0].value = (char[]){"again"};
    marks[1].value = long_value;
    commit.mark_count = 2;
    checkpoint.seq = 5;
    counts.read = 20;
    assert_int_equal(tow_state_commit(state, &commit, &err), TOW_E_BUG);
    assert_says(err, "4097");
    assert_ok(tow_state_checkpoint(state, "a", &out, &err), err);
    assert_int_equal(out.seq, 4);
    tow_checkpoint_release(&out);
    assert_int_equal(read_run(state, id).counts.read, 10);
    assert_ok(tow_state_ledger_get(state, "a", "source:csv", "a.csv", &value, &err), err);
    assert_position(&value, "done");

    commit.ledger = NULL;
    assert_int_equal(tow_state_commit(state, &commit, &err), TOW_E_BUG);
    commit.mark_count = 0;
    commit.checkpoint = NULL;
    assert_ok(tow_state_commit(state, &commit, &err), err);
    assert_ok(tow_state_checkpoint(state, "a", &out, &err), err);
    assert_int_equal(out.seq, 4);
    tow_checkpoint_release(&out);
    assert_int_equal(read_run(state, id).counts.read, 20);
    tow_state_close(state);
}

static void test_reset_forgets_the_checkpoint_and_on_demand_the_ledgers(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position token = {.length = 0}, value = {.size = sizeof value};
    const struct tow_checkpoint in = {.seq = 1, .token_count = 1, .tokens = &token};
    struct tow_checkpoint out;

    assert_ok(tow_state_checkpoint_set(state, "a", &in, &err), err);
    assert_ok(tow_state_checkpoint_set(state, "b", &in, &err), err);
    assert_ok(tow_state_ledger_put(state, "a", "l", "k", "v", 1, &err), err);
    assert_ok(tow_state_checkpoint_reset(state, "a", 0, &err), err);
    assert_int_equal(tow_state_checkpoint(state, "a", &out, &err), TOW_END);
    assert_ok(tow_state_checkpoint(state, "b", &out, &err), err);
    assert_int_equal(out.token_count, 1);
    tow_checkpoint_release(&out);
    assert_ok(tow_state_ledger_get(state, "a", "l", "k", &value, &err), err);
    assert_ok(tow_state_checkpoint_reset(state, "a", 1, &err), err);
    assert_int_equal(tow_state_ledger_get(state, "a", "l", "k", &value, &err), TOW_END);
    tow_state_close(state);
}

static void test_a_checkpoint_that_was_tampered_with_is_refused(void **fixture)
{
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"DELETE FROM tokens WHERE sink = 1", "no token of sink 1"},
        {"UPDATE tokens SET sink = 5 WHERE sink = 0", "unexpected token of sink 1"},
        {"UPDATE checkpoints SET token_count = 1", "unexpected token of sink 1"},
        {"UPDATE checkpoints SET token_count = 66", "token count of 66"},
        {"UPDATE checkpoints SET token_count = -1", "token count of -1"},
        {"UPDATE checkpoints SET position = zeroblob(4097)", "position holds 4097 bytes"},
        {"UPDATE tokens SET token = zeroblob(5000)", "token holds 5000 bytes"},
        {"UPDATE checkpoints SET load_id = hex(zeroblob(20))", "load_id holds 40 bytes"},
    };
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_position tokens[2] = {{.length = 0}, {.length = 0}};
    const struct tow_checkpoint in = {.token_count = 2, .tokens = tokens};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_checkpoint out;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(tow_state_checkpoint_reset(state, "a", 0, &err), err);
        assert_ok(tow_state_checkpoint_set(state, "a", &in, &err), err);
        assert_ok(tow_sql_script(&state->sql, cases[i].sql, &err), err);
        assert_int_equal(tow_state_checkpoint(state, "a", &out, &err), TOW_E_ENV);
        assert_says(err, "damaged");
        assert_says(err, cases[i].says);
        assert_null(out.tokens);
    }
    tow_state_close(state);
}

/* ---- several at once ------------------------------------------------------------------------ */

static void test_two_connections_see_each_others_changes(void **fixture)
{
    struct tow_state *one = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *two = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *reader = open_state(*fixture, TOW_STATE_READ);
    int64_t id = begin_run(one, "a", 0);

    assert_string_equal(read_run(two, id).status, TOW_RUN_RUNNING);
    end_run(two, id, "a", TOW_RUN_OK);
    assert_string_equal(read_run(one, id).status, TOW_RUN_OK);
    assert_string_equal(read_run(reader, id).status, TOW_RUN_OK);
    assert_true(begin_run(two, "b", 0) > id);
    tow_state_close(one);
    tow_state_close(reader);
    assert_string_equal(read_run(two, id).status, TOW_RUN_OK);
    tow_state_close(two);
}

static void test_a_file_that_stays_busy_is_transient(void **fixture)
{
    struct tow_state *one = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *two = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    int64_t id;

    sqlite3_busy_timeout(two->sql.db, 1);
    assert_ok(tow_state_begin_write(one, &err), err);
    assert_int_equal(tow_state_run_begin(two, START("a", "l", 0, 1), &id, &err), TOW_E_TRANSIENT);
    assert_says(err, "busy");
    assert_int_equal(id, 0);
    assert_ok(tow_state_end(one, TOW_OK, &err), err);
    assert_ok(tow_state_run_begin(two, START("a", "l", 0, 1), &id, &err), err);
    tow_state_close(one);
    tow_state_close(two);
}

#define THREADS 4
#define PUTS    25

struct putter {
    struct tow_state *state;
    int number, failed;
};

static void *put_many(void *argument)
{
    struct putter *putter = argument;
    struct tow_position value = {.size = sizeof value};
    char key[32];

    for (int i = 0; i < PUTS; i++) {
        snprintf(key, sizeof key, "%d/%d", putter->number, i);
        putter->failed |=
            tow_state_ledger_put(putter->state, "j", "l", key, key, (uint32_t)strlen(key), NULL);
        putter->failed |= tow_state_ledger_get(putter->state, "j", "l", key, &value, NULL);
        putter->failed |= memcmp(value.bytes, key, strlen(key)) != 0;
    }
    return NULL;
}

static int32_t count_entry(void *context, const char *key, const void *value, uint32_t length)
{
    (void)key, (void)value, (void)length;
    ++*(int *)context;
    return 0;
}

static void test_threads_may_share_a_connection(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct putter putters[THREADS];
    pthread_t threads[THREADS];
    int count = 0;

    for (int i = 0; i < THREADS; i++) {
        putters[i] = (struct putter){.state = state, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, &putters[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(putters[i].failed, 0);
    }
    assert_ok(tow_state_ledger_each(state, "j", "l", "", count_entry, &count, &err), err);
    assert_int_equal(count, THREADS * PUTS);
    tow_state_close(state);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static void assert_default_path(const char *given, const char *expected)
{
    char *path = tow_state_default_path(given);

    assert_string_equal(path, expected);
    free(path);
}

static int check_user_paths(const struct scratch *scratch)
{
    char *path;
    int failed = 0;

    (void)scratch;
    unsetenv("TOWPATH_STATE");
    setenv("HOME", "/home/u", 1);
    setenv("XDG_STATE_HOME", "/xdg", 1);
    path = tow_state_default_path(NULL);
    failed |= strcmp(path, "/xdg/towpath/state.db") != 0;
    free(path);
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    path = tow_state_default_path(NULL);
    failed |= strcmp(path, "/home/u/.local/state/towpath/state.db") != 0;
    free(path);
    unsetenv("HOME");
    path = tow_state_default_path(NULL);
    failed |= !strstr(path, "/.local/state/towpath/state.db");
    free(path);
    return failed;
}

static void test_the_default_path_goes_by_option_environment_and_user(void **fixture)
{
    setenv("TOWPATH_STATE", "/e/s.db", 1);
    assert_default_path("/g/s.db", "/g/s.db");
    assert_default_path(NULL, "/e/s.db");
    assert_default_path("", "/e/s.db");
    setenv("TOWPATH_STATE", "", 1);
    if (geteuid() == 0)
        assert_default_path(NULL, "/var/lib/towpath/state.db");
    unsetenv("TOWPATH_STATE");
    assert_int_equal(scratch_child(*fixture, check_user_paths, 1), 0);
}

static void assert_reject_path(const char *path, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    char *rejects;

    assert_ok(tow_state_open(path, TOW_STATE_READ, &state, &err), err);
    rejects = tow_state_reject_path(state, "vip", 7);
    assert_string_equal(rejects, expected);
    free(rejects);
    tow_state_close(state);
}

static void test_rejects_lie_beside_the_state(void **fixture)
{
    (void)fixture;
    assert_reject_path("/nowhere/at/all.db", "/nowhere/at/all.rejects/vip/7.ndjson");
    assert_reject_path("/nowhere/state", "/nowhere/state.rejects/vip/7.ndjson");
    assert_reject_path("/nowhere/.db", "/nowhere/.db.rejects/vip/7.ndjson");
}

static void test_a_relative_path_is_kept_from_the_folder_of_the_opening(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    char here[PATH_MAX];

    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(scratch->folder), 0);
    assert_ok(tow_state_open("state.db", TOW_STATE_CREATE, &state, &err), err);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(tow_state_path(state), scratch->path);
    begin_run(state, "a", 0);
    tow_state_close(state);
    assert_int_equal(access(scratch->path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_an_absent_file_reads_as_empty_and_is_not_made),
        SCRATCH_TEST(test_an_absent_folder_reads_as_empty_and_is_not_made),
        SCRATCH_TEST(test_an_empty_file_reads_as_empty_and_stays_so),
        SCRATCH_TEST(test_a_new_file_reads_as_empty),
        SCRATCH_TEST(test_every_change_of_a_state_opened_to_read_is_refused),
        SCRATCH_TEST(test_a_run_is_recorded_from_begin_to_end),
        SCRATCH_TEST(test_begin_closes_dead_runs_of_the_same_job_as_interrupted),
        SCRATCH_TEST(test_a_dead_run_without_checkpoint_ends_when_it_began),
        SCRATCH_TEST(test_wrong_arguments_of_runs_are_refused),
        SCRATCH_TEST(test_only_a_replay_that_ends_ok_is_noted_at_the_run_it_replayed),
        SCRATCH_TEST(test_runs_come_newest_first_by_job_and_limit),
        SCRATCH_TEST(test_jobs_are_those_with_a_run_or_a_checkpoint_in_order),
        SCRATCH_TEST(test_a_checkpoint_comes_back_as_it_was),
        SCRATCH_TEST(test_a_commit_moves_all_or_nothing),
        SCRATCH_TEST(test_reset_forgets_the_checkpoint_and_on_demand_the_ledgers),
        SCRATCH_TEST(test_a_checkpoint_that_was_tampered_with_is_refused),
        SCRATCH_TEST(test_two_connections_see_each_others_changes),
        SCRATCH_TEST(test_a_file_that_stays_busy_is_transient),
        SCRATCH_TEST(test_threads_may_share_a_connection),
        SCRATCH_TEST(test_the_default_path_goes_by_option_environment_and_user),
        SCRATCH_TEST(test_rejects_lie_beside_the_state),
        SCRATCH_TEST(test_a_relative_path_is_kept_from_the_folder_of_the_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
