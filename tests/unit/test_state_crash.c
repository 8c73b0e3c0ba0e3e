/* kill -9 in the middle of many commits, over and over on one file. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/connection.h"
#include "state_fixture.h"

#define KILLS 30

/* Goes on from the checkpoint with commits that move everything at once, and reports each number
 * once its commit has returned. */
static int commit_for_ever(const struct scratch *scratch, int report)
{
    struct tow_position token = {.size = sizeof token};
    struct tow_checkpoint checkpoint;
    struct tow_state *state;
    struct tow_lock *lock;
    int64_t run;
    int busy, result;

    if (tow_state_open(scratch->path, TOW_STATE_CREATE, &state, NULL) != TOW_OK ||
        tow_state_lock(state, "a", &lock, &busy, NULL) != TOW_OK ||
        tow_state_run_begin(state, START("a", "l", 0, 1), &run, NULL) != TOW_OK ||
        tow_state_checkpoint(state, "a", &checkpoint, NULL) < TOW_OK)
        return 1;
    tow_checkpoint_release(&checkpoint);
    for (;;) {
        uint64_t seq = ++checkpoint.seq;
        const struct tow_counts counts = {.batches = (int64_t)seq, .read = (int64_t)seq * 10};
        char key[24];
        const struct tow_mark mark = {key, key};
        const struct tow_commit commit = {.job = "a",
                                          .run = run,
                                          .checkpoint = &checkpoint,
                                          .counts = &counts,
                                          .reject_bytes = (int64_t)seq * 100,
                                          .ledger = "source:csv",
                                          .marks = &mark,
                                          .mark_count = 1};

        snprintf(key, sizeof key, "%llu", (unsigned long long)seq);
        memcpy(checkpoint.position.bytes, &seq, sizeof seq);
        memcpy(token.bytes, &seq, sizeof seq);
        checkpoint.position.length = token.length = sizeof seq;
        checkpoint.tokens = &token;
        checkpoint.token_count = 1;
        result = tow_state_commit(state, &commit, NULL);
        if (result != TOW_OK || write(report, &seq, sizeof seq) != sizeof seq)
            return 1;
    }
}

/* Kills the child after `reports` commits and a bit; returns the last number reported. */
static uint64_t kill_after(const struct scratch *scratch, int reports, unsigned spin)
{
    uint64_t seq, last = 0;
    int channel[2], status;
    pid_t pid;

    assert_int_equal(pipe(channel), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(channel[0]);
        _exit(commit_for_ever(scratch, channel[1]));
    }
    close(channel[1]);
    for (int i = 0; i < reports; i++) {
        assert_int_equal(read(channel[0], &seq, sizeof seq), sizeof seq);
        last = seq;
    }
    for (volatile unsigned i = 0; i < spin; i++)
        ;
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(channel[0], &seq, sizeof seq) == sizeof seq)
        last = seq;
    close(channel[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static int32_t count_mark(void *context, const char *key, const void *value, uint32_t length)
{
    assert_int_equal(length, strlen(key));
    assert_memory_equal(value, key, length);
    ++*(uint64_t *)context;
    return 0;
}

static int64_t newest_run(struct tow_state *state, const char *status)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_run run;
    int64_t id;

    assert_ok(tow_sql_number(&state->sql, "SELECT max(id) FROM runs", &id, &err), err);
    assert_ok(tow_state_run(state, id, &run, &err), err);
    assert_string_equal(run.status, status);
    return id;
}

/* All that one commit moves agrees, and the number is the one known or that of the commit after it.
 * Returns it. */
static uint64_t assert_consistent(struct tow_state *state, uint64_t known)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_checkpoint checkpoint;
    struct tow_run run;
    uint64_t marks = 0;
    int64_t findings;

    assert_ok(tow_sql_number(&state->sql,
                             "SELECT count(*) FROM pragma_integrity_check() WHERE"
                             " integrity_check <> 'ok'",
                             &findings, &err),
              err);
    assert_int_equal(findings, 0);
    if (tow_state_checkpoint(state, "a", &checkpoint, &err) == TOW_END) {
        assert_int_equal(known, 0);
        return 0;
    }
    assert_true(checkpoint.seq == known || checkpoint.seq == known + 1);
    assert_memory_equal(checkpoint.position.bytes, &checkpoint.seq, sizeof checkpoint.seq);
    assert_int_equal(checkpoint.token_count, 1);
    assert_memory_equal(checkpoint.tokens[0].bytes, &checkpoint.seq, sizeof checkpoint.seq);
    assert_ok(tow_state_run(state, checkpoint.run, &run, &err), err);
    assert_true(run.counts.batches == (int64_t)checkpoint.seq);
    assert_true(run.counts.read == run.counts.batches * 10);
    assert_true(run.reject_bytes == run.counts.batches * 100);
    assert_ok(tow_state_ledger_each(state, "a", "source:csv", "", count_mark, &marks, &err), err);
    assert_true(marks == checkpoint.seq);
    tow_checkpoint_release(&checkpoint);
    return checkpoint.seq;
}

static void test_a_state_is_whole_after_kill_9_at_any_moment(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;
    struct tow_lock *lock;
    uint64_t known = 0;
    int busy;

    srand(20240229);
    for (int i = 0; i < KILLS; i++) {
        uint64_t reported = kill_after(scratch, rand() % 12, (unsigned)rand() % 1000000);

        state = open_state(scratch, TOW_STATE_CREATE);
        known = assert_consistent(state, reported > known ? reported : known);
        assert_ok(tow_state_lock(state, "a", &lock, &busy, &err), err);
        tow_state_unlock(lock);
        tow_state_close(state);
    }
    int64_t id, last;
    state = open_state(scratch, TOW_STATE_CREATE);
    last = newest_run(state, TOW_RUN_RUNNING);
    assert_ok(tow_state_run_begin(state, START("a", "l", 0, 1), &id, &err), err);
    assert_int_equal(newest_run(state, TOW_RUN_RUNNING), id);
    assert_ok(tow_sql_number(&state->sql, "SELECT count(*) FROM runs WHERE status = 'interrupted'",
                             &id, &err),
              err);
    assert_int_equal(id, last);
    tow_state_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_state_is_whole_after_kill_9_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
