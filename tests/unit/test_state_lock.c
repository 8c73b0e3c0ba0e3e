#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/connection.h"
#include "state/owner.h"
#include "state_fixture.h"
#include "towpath/clock.h"

static struct tow_lock *take(struct tow_state *state, const char *job)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock;
    int busy = 7;

    assert_ok(tow_state_lock(state, job, &lock, &busy, &err), err);
    assert_non_null(lock);
    assert_int_equal(busy, 0);
    return lock;
}

static void assert_busy(struct tow_state *state, const char *job, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock;
    int busy = 0;

    assert_int_equal(tow_state_lock(state, job, &lock, &busy, &err), TOW_E_TRANSIENT);
    assert_null(lock);
    assert_int_equal(busy, 1);
    assert_says(err, job);
    assert_says(err, says);
}

static void edit(struct tow_state *state, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_sql_script(&state->sql, text, &err), err);
    assert_true(sqlite3_changes(state->sql.db) > 0);
}

static int heartbeat(struct tow_lock *lock, struct tow_error *err)
{
    const struct tow_at_work nothing = {.run = 0};

    return tow_state_report(lock, &nothing, err);
}

static void test_a_job_is_locked_once_until_it_is_given_back(void **fixture)
{
    struct tow_state *one = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *two = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(one, "a");
    struct tow_lock *other = take(two, "b");
    char process[64], host[256] = "";

    snprintf(process, sizeof process, "process %ld ", (long)getpid());
    gethostname(host, sizeof host - 1);
    assert_busy(one, "a", process);
    assert_busy(two, "a", process);
    assert_busy(two, "a", host);
    assert_busy(two, "a", "since 20");
    assert_ok(heartbeat(lock, &err), err);
    tow_state_unlock(lock);
    lock = take(two, "a");
    tow_state_unlock(lock);
    tow_state_unlock(other);
    tow_state_unlock(NULL);
    tow_state_close(one);
    tow_state_close(two);
}

static void test_a_heartbeat_is_written(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(state, "a");
    int64_t before = tow_now_us(), beat = 0;

    edit(state, "UPDATE locks SET heartbeat_us = 5");
    assert_ok(heartbeat(lock, &err), err);
    assert_ok(tow_sql_number(&state->sql, "SELECT heartbeat_us FROM locks", &beat, &err), err);
    assert_true(beat >= before && beat <= tow_now_us());
    tow_state_unlock(lock);
    tow_state_close(state);
}

static void test_a_bad_job_name_is_not_a_busy_lock(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock;
    int busy = 7;

    assert_int_equal(tow_state_lock(state, "a/b", &lock, &busy, &err), TOW_E_CONFIG);
    assert_int_equal(busy, 0);
    assert_null(lock);
    tow_state_close(state);
}

/* ---- take-over on this host ----------------------------------------------------------------- */

/* A child takes the lock of "a", says so and waits; the file is closed when it dies. */
static pid_t start_holder(const struct scratch *scratch)
{
    int ready[2];
    pid_t pid;
    char byte;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tow_state *state;
        struct tow_lock *lock;
        int busy;

        if (tow_state_open(scratch->path, TOW_STATE_CREATE, &state, NULL) == TOW_OK &&
            tow_state_lock(state, "a", &lock, &busy, NULL) == TOW_OK &&
            write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void test_the_lock_of_a_killed_process_is_taken_over(void **fixture)
{
    const struct scratch *scratch = *fixture;
    pid_t pid = start_holder(scratch);
    struct tow_state *state = open_state(scratch, TOW_STATE_CREATE);
    struct tow_lock *lock;
    siginfo_t info;
    char process[64];

    snprintf(process, sizeof process, "process %ld ", (long)pid);
    assert_busy(state, "a", process);
    /* An old heartbeat of a process that lives (it was stopped, or the clock jumped) counts
     * nothing. */
    edit(state, "UPDATE locks SET heartbeat_us = 0");
    assert_busy(state, "a", process);

    /* Dead, and not yet waited for: its entry in /proc is still there. */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    lock = take(state, "a");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    tow_state_unlock(lock);
    tow_state_close(state);
}

static void test_the_lock_of_a_process_that_is_gone_is_taken_over(void **fixture)
{
    const struct scratch *scratch = *fixture;
    pid_t pid = start_holder(scratch);
    struct tow_state *state = open_state(scratch, TOW_STATE_CREATE);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    tow_state_unlock(take(state, "a"));
    tow_state_close(state);
}

static void test_a_reused_process_number_does_not_keep_a_lock(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_lock *lost = take(state, "a");

    edit(state, "UPDATE locks SET started = started + 1");
    struct tow_lock *lock = take(state, "a");
    tow_state_unlock(lost);
    assert_busy(state, "a", "process");
    tow_state_unlock(lock);
    tow_state_close(state);
}

static void test_a_lock_that_was_taken_over_cannot_beat(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lost = take(state, "a"), *lock;

    edit(state, "UPDATE locks SET started = started + 1");
    lock = take(state, "a");
    assert_int_equal(heartbeat(lost, &err), TOW_E_ENV);
    assert_says(err, "taken over by process");
    assert_ok(heartbeat(lock, &err), err);
    tow_state_unlock(lock);
    assert_int_equal(heartbeat(lost, &err), TOW_E_ENV);
    assert_says(err, "taken away");
    tow_state_unlock(lost);
    tow_state_close(state);
}

static void test_a_lock_whose_row_could_not_be_deleted_does_not_stay(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *other = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(state, "a");

    sqlite3_busy_timeout(state->sql.db, 1);
    assert_ok(tow_state_begin_write(other, &err), err);
    tow_state_unlock(lock); /* cannot delete its row */
    assert_ok(tow_state_end(other, TOW_OK, &err), err);
    assert_busy(other, "a", "process");
    lock = take(state, "a");
    assert_null(state->orphans);
    assert_busy(state, "a", "process");
    tow_state_unlock(lock);

    lock = take(state, "b");
    assert_ok(tow_state_begin_write(other, &err), err);
    tow_state_unlock(lock); /* freed when the state is closed */
    assert_ok(tow_state_end(other, TOW_OK, &err), err);
    tow_state_close(state);
    tow_state_close(other);
}

/* ---- owners --------------------------------------------------------------------------------- */

static void test_this_process_is_alive_and_known(void **fixture)
{
    struct tow_owner self, again;

    (void)fixture;
    tow_owner_self(&self);
    tow_owner_self(&again);
    assert_memory_equal(&self, &again, sizeof self);
    assert_int_equal(self.pid, getpid());
    assert_true(self.started > 0);
    assert_true(strlen(self.boot) > 36);
    assert_int_equal(tow_owner_alive(&again, &self, 0), 1);
    assert_int_equal(tow_owner_alive(&again, &self, INT64_MAX), 1);
    again.started++;
    assert_int_equal(tow_owner_alive(&again, &self, 0), 0);
    again.started = 0;
    assert_int_equal(tow_owner_alive(&again, &self, 0), 1);
    again.pid = 0;
    assert_int_equal(tow_owner_alive(&again, &self, 0), 0);
    again.pid = -1;
    assert_int_equal(tow_owner_alive(&again, &self, 0), 0);
    again.pid = INT64_C(1) << 40;
    assert_int_equal(tow_owner_alive(&again, &self, 0), 0);
}

static void assert_alive_by_heartbeat(const struct tow_owner *owner, const struct tow_owner *self)
{
    int64_t beat = owner->heartbeat_us;

    assert_int_equal(tow_owner_alive(owner, self, beat), 1);
    assert_int_equal(tow_owner_alive(owner, self, beat + TOW_OWNER_HEARTBEAT_US), 1);
    assert_int_equal(tow_owner_alive(owner, self, beat + TOW_OWNER_HEARTBEAT_US + 1), 0);
    assert_int_equal(tow_owner_alive(owner, self, beat - TOW_OWNER_HEARTBEAT_US), 1);
    assert_int_equal(tow_owner_alive(owner, self, beat - TOW_OWNER_HEARTBEAT_US - 1), 0);
    assert_int_equal(tow_owner_alive(owner, self, INT64_MIN), 0);
}

static void test_elsewhere_only_the_heartbeat_counts(void **fixture)
{
    struct tow_owner self, owner;

    (void)fixture;
    tow_owner_self(&self);
    owner = self;
    owner.heartbeat_us = 1000000000;
    strcpy(owner.host, "elsewhere");
    assert_alive_by_heartbeat(&owner, &self);
    strcpy(owner.host, self.host);
    owner.boot[0] ^= 1;
    assert_alive_by_heartbeat(&owner, &self);
    /* Where the boot is unknown on both sides, it is not the same. */
    owner.boot[0] = self.boot[0] = '\0';
    assert_alive_by_heartbeat(&owner, &self);
}

static void test_a_lock_of_another_host_is_taken_over_once_its_heartbeat_is_old(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_lock *lost = take(state, "a");
    char text[128];

    edit(state, "UPDATE locks SET host = 'elsewhere'");
    assert_busy(state, "a", "host elsewhere");
    snprintf(text, sizeof text, "UPDATE locks SET heartbeat_us = %lld",
             (long long)(tow_now_us() - TOW_OWNER_HEARTBEAT_US - 1000000));
    edit(state, text);
    struct tow_lock *lock = take(state, "a");
    tow_state_unlock(lost);
    tow_state_unlock(lock);
    tow_state_close(state);
}

/* ---- contention ----------------------------------------------------------------------------- */

#define RACERS 6
#define ROUNDS 15

/* Takes the lock over and over; while holding it, moves a number that nobody else may move. */
static int race(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position before = {.size = sizeof before}, after = {.size = sizeof after};
    struct tow_state *state;
    int failed = tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err);

    for (int done = 0; done < ROUNDS && !failed;) {
        struct tow_lock *lock;
        int busy, result = tow_state_lock(state, "a", &lock, &busy, &err);

        if (busy)
            continue;
        failed = result;
        if (failed)
            break;
        done++;
        before.length = after.length = 0;
        tow_state_ledger_get(state, "a", "l", "count", &before, &err);
        before.bytes[before.length++] = '+';
        failed = tow_state_ledger_put(state, "a", "l", "count", before.bytes, before.length, &err);
        if (!failed)
            failed = tow_state_ledger_get(state, "a", "l", "count", &after, &err);
        failed = failed || after.length != before.length;
        tow_state_unlock(lock);
    }
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    tow_state_close(state);
    return failed != 0;
}

static void test_processes_that_contend_for_a_lock_hold_it_one_at_a_time(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_position value = {.size = sizeof value};
    pid_t children[RACERS];

    tow_state_close(state);
    for (int i = 0; i < RACERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(race(*fixture));
    }
    for (int i = 0; i < RACERS; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    state = open_state(*fixture, TOW_STATE_CREATE);
    assert_ok(tow_state_ledger_get(state, "a", "l", "count", &value, &err), err);
    assert_int_equal(value.length, RACERS * ROUNDS);
    tow_state_close(state);
}

struct seen {
    struct tow_at_work last;
    int count;
};

static int see(void *context, const struct tow_at_work *activity)
{
    struct seen *seen = context;

    seen->last = *activity;
    seen->count++;
    return 0;
}

static int stop_there(void *context, const struct tow_at_work *activity)
{
    (void)activity;
    ++*(int *)context;
    return 4711;
}

static void test_what_a_holder_does_is_seen_by_others(void **fixture)
{
    static const struct tow_at_work doing = {
        .run = 12,
        .counts = {.read = 10,
                   .accepted = 4,
                   .rejected = 3,
                   .filtered = 2,
                   .bytes = 500,
                   .batches = 6,
                   .retries = 7},
        .in_flight = 800,
        .lag_us = 90,
        .stopping = 1,
    };
    struct tow_state *one = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *two = open_state(*fixture, TOW_STATE_READ);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(one, "a");
    struct seen seen = {.count = 0};

    assert_ok(tow_state_at_work(two, see, &seen, &err), err);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.reported_us, 0);
    assert_int_equal(seen.last.run, 0);

    assert_ok(tow_state_report(lock, &doing, &err), err);
    assert_ok(tow_state_at_work(two, see, &seen, &err), err);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last.job, "a");
    assert_int_equal(seen.last.pid, getpid());
    assert_int_equal(seen.last.run, 12);
    assert_true(seen.last.reported_us >= seen.last.since_us);
    assert_int_equal(seen.last.reported_us, seen.last.heartbeat_us);
    assert_int_equal(seen.last.counts.read, 10);
    assert_int_equal(seen.last.counts.accepted, 4);
    assert_int_equal(seen.last.counts.rejected, 3);
    assert_int_equal(seen.last.counts.filtered, 2);
    assert_int_equal(seen.last.counts.pending, 1);
    assert_int_equal(seen.last.counts.bytes, 500);
    assert_int_equal(seen.last.counts.batches, 6);
    assert_int_equal(seen.last.counts.retries, 7);
    assert_int_equal(seen.last.in_flight, 800);
    assert_int_equal(seen.last.lag_us, 90);
    assert_int_equal(seen.last.stopping, 1);

    tow_state_unlock(lock);
    seen.count = 0;
    assert_ok(tow_state_at_work(two, see, &seen, &err), err);
    assert_int_equal(seen.count, 0);
    tow_state_close(one);
    tow_state_close(two);
}

static void test_holders_come_by_job_until_one_is_enough(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *b = take(state, "b"), *a = take(state, "a");
    struct seen seen = {.count = 0};
    int count = 0;

    assert_ok(tow_state_at_work(state, see, &seen, &err), err);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last.job, "b");
    assert_int_equal(tow_state_at_work(state, stop_there, &count, &err), 4711);
    assert_int_equal(count, 1);
    tow_state_unlock(a);
    tow_state_unlock(b);
    tow_state_close(state);
}

static void test_a_holder_that_is_dead_does_nothing(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(state, "a");
    struct seen seen = {.count = 0};

    edit(state, "UPDATE locks SET started = started + 1");
    assert_ok(tow_state_at_work(state, see, &seen, &err), err);
    assert_int_equal(seen.count, 0);
    tow_state_unlock(lock);
    tow_state_close(state);
}

static void test_a_report_of_a_lock_that_was_taken_over_is_refused(void **fixture)
{
    static const struct tow_at_work doing = {.run = 1};
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_lock *lock = take(state, "a");

    edit(state, "UPDATE locks SET token = x'00112233445566778899aabbccddeeff', host = 'there'");
    assert_int_equal(tow_state_report(lock, &doing, &err), TOW_E_ENV);
    assert_says(err, "taken over by process");
    edit(state, "DELETE FROM locks");
    assert_int_equal(tow_state_report(lock, &doing, &err), TOW_E_ENV);
    assert_says(err, "taken away");
    tow_state_unlock(lock);
    tow_state_close(state);
}

static void test_an_empty_state_has_no_holders(void **fixture)
{
    struct tow_state *state = open_state(*fixture, TOW_STATE_READ);
    struct tow_error err = TOW_ERROR_INIT;
    struct seen seen = {.count = 0};

    assert_ok(tow_state_at_work(state, see, &seen, &err), err);
    assert_int_equal(seen.count, 0);
    tow_state_close(state);
}

static void test_an_agenda_is_kept_as_it_is(void **fixture)
{
    static const struct tow_agenda first = {TOW_AGENDA_RETRY, 2, 3, TOW_SLOT_NONE, 5, 6,
                                            UINT64_MAX - 1};
    static const struct tow_agenda second = {TOW_AGENDA_IDLE, 0, -7, 8, 9, 10, 11};
    struct tow_state *state = open_state(*fixture, TOW_STATE_CREATE);
    struct tow_state *empty = open_state(*fixture, TOW_STATE_READ);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_agenda agenda;

    assert_int_equal(tow_state_agenda(empty, "a", &agenda, &err), TOW_END);
    assert_int_equal(agenda.slot_us, TOW_SLOT_NONE);
    assert_int_equal(agenda.fingerprint, 0);
    assert_ok(tow_state_agenda_put(state, "a", &first, &err), err);
    assert_ok(tow_state_agenda(empty, "a", &agenda, &err), err);
    assert_memory_equal(&agenda, &first, sizeof agenda);
    assert_ok(tow_state_agenda_put(state, "a", &second, &err), err);
    assert_ok(tow_state_agenda(state, "a", &agenda, &err), err);
    assert_memory_equal(&agenda, &second, sizeof agenda);
    assert_int_equal(tow_state_agenda(state, "b", &agenda, &err), TOW_END);
    assert_int_equal(tow_state_agenda_put(state, "../b", &second, &err), TOW_E_CONFIG);
    assert_int_equal(tow_state_agenda_put(empty, "b", &second, &err), TOW_E_BUG);
    tow_state_close(state);
    tow_state_close(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_a_holder_does_is_seen_by_others),
        SCRATCH_TEST(test_holders_come_by_job_until_one_is_enough),
        SCRATCH_TEST(test_a_holder_that_is_dead_does_nothing),
        SCRATCH_TEST(test_a_report_of_a_lock_that_was_taken_over_is_refused),
        SCRATCH_TEST(test_an_empty_state_has_no_holders),
        SCRATCH_TEST(test_an_agenda_is_kept_as_it_is),
        SCRATCH_TEST(test_a_job_is_locked_once_until_it_is_given_back),
        SCRATCH_TEST(test_a_heartbeat_is_written),
        SCRATCH_TEST(test_a_bad_job_name_is_not_a_busy_lock),
        SCRATCH_TEST(test_the_lock_of_a_killed_process_is_taken_over),
        SCRATCH_TEST(test_the_lock_of_a_process_that_is_gone_is_taken_over),
        SCRATCH_TEST(test_a_reused_process_number_does_not_keep_a_lock),
        SCRATCH_TEST(test_a_lock_that_was_taken_over_cannot_beat),
        SCRATCH_TEST(test_a_lock_whose_row_could_not_be_deleted_does_not_stay),
        cmocka_unit_test(test_this_process_is_alive_and_known),
        cmocka_unit_test(test_elsewhere_only_the_heartbeat_counts),
        SCRATCH_TEST(test_a_lock_of_another_host_is_taken_over_once_its_heartbeat_is_old),
        SCRATCH_TEST(test_processes_that_contend_for_a_lock_hold_it_one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
