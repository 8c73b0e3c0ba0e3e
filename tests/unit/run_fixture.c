#include "run_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

struct run_fixture *fixture;

static struct tow_job fixture_job(char *folder)
{
    return (struct tow_job){
        .path = "toy.cfg",
        .dir = folder,
        .name = "toys",
        .source = {.kind = TOW_SETTING_GROUP, .file = "toy.cfg"},
        .sink = {.kind = TOW_SETTING_GROUP, .file = "toy.cfg"},
        .results = {.kind = TOW_SETTING_GROUP, .file = "toy.cfg"},
        .max_rejects = -1,
        .max_reject_percent = -1,
        .retry = {.base_ms = 0, .cap_ms = 0, .budget_ms = 60000, .tries = 5},
        .tuning = {.batch_rows = 8192,
                   .batch_bytes = 1 << 20,
                   .queue_batches = 4,
                   .queue_bytes = 1 << 20,
                   .workers = 1,
                   .checkpoint_ms = 3600000,
                   .drain_ms = 10000},
    };
}

static int fixture_arm(void)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_cancel_release(&fixture->cancel);
    tow_cancel_release(&fixture->abort);
    return tow_cancel_init(&fixture->cancel, &err) || tow_cancel_init(&fixture->abort, &err);
}

int run_set_up(void **state)
{
    (void)state;
    toy_reset();
    fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/towpath-run-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    snprintf(fixture->state_path, sizeof fixture->state_path, "%s/state.db", fixture->folder);
    fixture->job = fixture_job(fixture->folder);
    fixture->assembly = (struct tow_assembly){.job = &fixture->job,
                                              .source = &toy_source,
                                              .sink = &toy_sink,
                                              .transforms = fixture->transforms};
    fixture->options =
        (struct tow_run_options){.limit = -1, .cancel = &fixture->cancel, .abort = &fixture->abort};
    fixture->cancel.fd = fixture->abort.fd = -1;
    return fixture_arm();
}

int run_tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    int rc = system(command);
    tow_cancel_release(&fixture->cancel);
    tow_cancel_release(&fixture->abort);
    free(fixture);
    return rc;
}

int run(void)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;

    if (fixture->runs++ > 0)
        assert_int_equal(fixture_arm(), 0);
    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_CREATE, &state, &err), err);
    tow_run_job(&fixture->assembly, state, &fixture->options, &fixture->report);
    tow_state_close(state);
    return fixture->report.exit_code;
}

static int fixture_run_in_child(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

void run_may_die(void)
{
    int status = fixture_run_in_child();

    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), TOW_EXIT_OK);
    else
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void run_and_die(void)
{
    int status = fixture_run_in_child();

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    toy_source_plan.kill_at = -1;
    toy_sink_plan.kill_in_flush = 0;
    toy_sink_plan.kill_in_finish = 0;
    toy_sink_plan.kill_in_write = 0;
    toy_results_plan.kill_in_finish = 0;
}

void run_with_transforms(int threes)
{
    fixture->transforms[0] = &toy_transform;
    fixture->transforms[1] = &toy_threes;
    for (int i = 0; i < 2; i++)
        fixture->transform_sections[i] = (struct tow_setting){.kind = TOW_SETTING_GROUP};
    fixture->job.transforms = fixture->transform_sections;
    fixture->job.transform_count = threes ? 2 : 1;
}

void run_with_results(void)
{
    fixture->assembly.results = &toy_results;
    fixture->job.has_results = 1;
}

/* ---- what came of it ------------------------------------------------------------------------ */

void counts_are(int64_t read, int64_t accepted, int64_t rejected, int64_t filtered, int64_t pending)
{
    const struct tow_counts *counts = &fixture->report.counts;

    assert_int_equal(counts->read, read);
    assert_int_equal(counts->accepted, accepted);
    assert_int_equal(counts->rejected, rejected);
    assert_int_equal(counts->filtered, filtered);
    assert_int_equal(counts->pending, pending);
    assert_int_equal(read, accepted + rejected + filtered + pending);
}

int everyone(int64_t n)
{
    (void)n;
    return 1;
}

int not_ninth(int64_t n)
{
    return n % 9 != 8;
}

int not_thirteenth(int64_t n)
{
    return n % 13 != 0;
}

int past_the_transform(int64_t n)
{
    return n % 10 != 0 && n % 7 != 0;
}

void published_is(int64_t count, int (*wanted)(int64_t n))
{
    static int seen[TOY_ROWS_MAX];

    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < toy_far_end->published_count; i++)
        seen[toy_far_end->published[i]]++;
    for (int64_t n = 0; n < TOY_ROWS_MAX; n++)
        if (seen[n] != (n < count && wanted(n)))
            fail_msg("number %lld was published %d times", (long long)n, seen[n]);
}

void results_are(int64_t count, int64_t unreadable)
{
    static int seen[TOY_ROWS_MAX];

    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < toy_far_end->published_results_count; i++) {
        int64_t n = toy_far_end->published_results[i].n;

        if (n < 0)
            unreadable--;
        else
            seen[n]++;
    }
    assert_int_equal(unreadable, 0);
    assert_int_equal(toy_far_end->published_results_count, count);
    for (int64_t n = 0; n < TOY_ROWS_MAX; n++)
        if (seen[n] > 1)
            fail_msg("number %lld has %d results", (long long)n, seen[n]);
}

int64_t results_with(const char *code)
{
    int64_t count = 0;

    for (int64_t i = 0; i < toy_far_end->published_results_count; i++)
        count += strcmp(toy_far_end->published_results[i].code, code) == 0;
    return count;
}

int64_t lines_in(const char *path)
{
    FILE *file = fopen(path, "r");
    int64_t lines = 0;

    assert_non_null(file);
    for (int c = getc(file); c != EOF; c = getc(file))
        lines += c == '\n';
    fclose(file);
    return lines;
}

int64_t checkpoint_seq(void)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_checkpoint checkpoint;

    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_READ, &state, &err), err);
    int rc = tow_state_checkpoint(state, "toys", &checkpoint, &err);
    int64_t seq = rc == TOW_OK ? (int64_t)checkpoint.seq : -1;
    assert_true(rc >= TOW_OK);
    tow_checkpoint_release(&checkpoint);
    tow_state_close(state);
    return seq;
}
