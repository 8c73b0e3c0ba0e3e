/* A job's `history`: one row a run, which can neither fail the run nor be lost in passing trouble.
 */
#include <dirent.h>
#include <stdlib.h>

#include "nomem.h"
#include "run_fixture.h"
#include "unit.h"

static struct {
    int fail_at; /* the call that fails: 'o'pen, 'b'egin, 'w'rite, 'f'lush, 'F'inish; 0: none */
    int fail_code, fail_times;
    int refuses; /* 1: the row is rejected */
    char calls[32];
    int rows, replays, closed;
    char job[96], load_id[33], status[16], error[256], load[40];
    int64_t run, exit_code, read, accepted, rejected, pending, retries, replay_of;
    int64_t started, ended;
} history;

struct history_sink {
    const struct tow_host *host;
    struct ArrowSchema schema;
};

static int call(char name, struct tow_error *err)
{
    size_t length = strlen(history.calls);

    assert_true(length + 1 < sizeof history.calls);
    history.calls[length] = name;
    if (history.fail_at != name || history.fail_times == 0)
        return TOW_OK;
    history.fail_times--;
    return tow_error_set(err, history.fail_code, "the history fails as told");
}

static int32_t sink_open(void *self, const struct tow_host *host, const struct tow_position *token,
                         struct tow_error *err)
{
    struct history_sink *sink = self;

    sink->host = host;
    assert_int_equal(token->length, 0);
    snprintf(history.job, sizeof history.job, "%s", host->job);
    snprintf(history.load_id, sizeof history.load_id, "%s", host->load_id);
    history.replays += (int)host->replay;
    int rc = host->ledger_put(host, "row", "1", 1, err);
    return rc ? rc : call('o', err);
}

static int32_t sink_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                          struct tow_error *err)
{
    struct history_sink *sink = self;

    (void)host;
    int rc = tow_schema_copy(&sink->schema, schema, err);
    return rc ? rc : call('b', err);
}

static const char *text_of(const struct tow_cursor *cursor, const struct ArrowSchema *schema,
                           const char *name, char *text, size_t size)
{
    size_t column = (size_t)tow_schema_find(schema, name), length;
    const char *bytes;

    *text = '\0';
    if (tow_view_is_null(&cursor->columns[column], 0))
        return text;
    bytes = tow_view_bytes(&cursor->columns[column], 0, &length);
    snprintf(text, size, "%.*s", (int)length, bytes);
    return text;
}

static int64_t number_of(const struct tow_cursor *cursor, const struct ArrowSchema *schema,
                         const char *name)
{
    size_t column = (size_t)tow_schema_find(schema, name);

    return tow_view_is_null(&cursor->columns[column], 0)
               ? -1
               : tow_view_int64(&cursor->columns[column], 0);
}

static int take(const struct history_sink *sink, const struct ArrowArray *array,
                struct tow_error *err)
{
    const struct ArrowSchema *schema = &sink->schema;
    struct tow_cursor cursor = {0};

    if (tow_cursor_init(&cursor, schema, err)) {
        tow_cursor_release(&cursor);
        return err->code;
    }
    tow_cursor_batch(&cursor, array);
    text_of(&cursor, schema, "status", history.status, sizeof history.status);
    text_of(&cursor, schema, "error", history.error, sizeof history.error);
    text_of(&cursor, schema, "load", history.load, sizeof history.load);
    history.run = number_of(&cursor, schema, "run");
    history.exit_code = number_of(&cursor, schema, "exit_code");
    history.read = number_of(&cursor, schema, "read");
    history.accepted = number_of(&cursor, schema, "accepted");
    history.rejected = number_of(&cursor, schema, "rejected");
    history.pending = number_of(&cursor, schema, "pending");
    history.retries = number_of(&cursor, schema, "retries");
    history.replay_of = number_of(&cursor, schema, "replay_of");
    history.started = number_of(&cursor, schema, "started_at");
    history.ended = number_of(&cursor, schema, "ended_at");
    tow_cursor_release(&cursor);
    return TOW_OK;
}

static int32_t sink_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    const struct history_sink *sink = self;
    int rc = call('w', err);

    if (rc)
        return rc;
    assert_int_equal(rows->array->length, 1);
    rc = take(sink, rows->array, err);
    if (rc)
        return rc;
    history.rows++;
    if (history.refuses)
        sink->host->settle(sink->host, rows->seq, 0, 1, TOW_ROW_REJECTED, "no", "not today");
    return TOW_OK;
}

static int32_t sink_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self, (void)token;
    return call('f', err);
}

static int32_t sink_finish(void *self, struct tow_error *err)
{
    (void)self;
    return call('F', err);
}

static void sink_close(void *self)
{
    struct history_sink *sink = self;

    if (sink->schema.release)
        sink->schema.release(&sink->schema);
    history.closed++;
}

static const struct tow_option options[] = {TOW_OPTIONS_END};
static const struct tow_sink_ops ops = {
    .size = sizeof ops,
    .open = sink_open,
    .begin = sink_begin,
    .write = sink_write,
    .flush = sink_flush,
    .finish = sink_finish,
    .close = sink_close,
};
static const struct tow_plugin plugin = {
    TOW_PLUGIN_HEAD,
    .name = "history_sink",
    .version = "1",
    .summary = "a history",
    .instance_size = sizeof(struct history_sink),
    .options = options,
    .sink = &ops,
};

static int set_up(void **state)
{
    int rc = run_set_up(state);

    memset(&history, 0, sizeof history);
    fixture->assembly.history = &plugin;
    fixture->job.history = (struct tow_setting){.kind = TOW_SETTING_GROUP, .file = "toy.cfg"};
    fixture->job.has_history = 1;
    return rc;
}

/* ---- what a row says ------------------------------------------------------------------------ */

static void test_a_run_leaves_a_row(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 100;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(history.rows, 1);
    assert_string_equal(history.calls, "obwfF");
    assert_int_equal(history.closed, 1);
    assert_string_equal(history.status, "ok");
    assert_string_equal(history.error, "");
    assert_string_equal(history.load, fixture->report.load_id);
    assert_int_equal(history.run, fixture->report.run);
    assert_int_equal(history.exit_code, 0);
    assert_int_equal(history.read, 1000);
    assert_int_equal(history.accepted, 990);
    assert_int_equal(history.rejected, 10);
    assert_int_equal(history.pending, 0);
    assert_int_equal(history.replay_of, -1);
    assert_true(history.started == fixture->report.start_us);
    assert_true(history.ended == fixture->report.end_us);
}

static void test_nothing_of_it_meets_what_the_sink_leaves(void **state)
{
    (void)state;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(history.job, "toys@history"); /* no job may be called so */
    assert_int_not_equal(strcmp(history.load_id, history.load), 0);
    assert_int_equal(strlen(history.load_id), 16);
}

static void test_a_run_that_failed_leaves_a_row_with_the_reason(void **state)
{
    (void)state;
    toy_source_plan.fail_at = 500;
    toy_source_plan.fail_code = TOW_E_AUTH;
    toy_source_plan.fail_times = 1;
    assert_int_equal(run(), TOW_EXIT_ENVIRONMENT);
    assert_int_equal(history.rows, 1);
    assert_string_equal(history.status, "failed");
    assert_non_null(strstr(history.error, "the toy source fails as told"));
    assert_int_equal(history.exit_code, TOW_EXIT_ENVIRONMENT);
    assert_int_equal(history.accepted, 500);
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void end_load(void *context, const struct tow_run_report *report)
{
    int *least = context;
    int now = threads();

    (void)report;
    memset(history.calls, 0, sizeof history.calls);
    *least = *least ? *least : now;
    assert_int_equal(now, *least);
}

/* What keeps the lock while a row is written must end before the next load begins. */
static void test_each_load_leaves_a_row_and_no_thread(void **state)
{
    int least = 0;

    (void)state;
    fixture->job.load.max_rows = 100;
    fixture->options.load_ended = end_load;
    fixture->options.load_context = &least;
    toy_sink_plan.appends = 1;
    toy_source_plan.follows = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(history.rows, fixture->report.loads + 1);
    assert_true(fixture->report.loads >= 9);
}

static void test_a_run_that_was_stopped_leaves_a_row(void **state)
{
    (void)state;
    tow_cancel_set(&fixture->cancel, 15);
    assert_int_equal(run(), 128 + 15);
    assert_int_equal(history.rows, 1);
    assert_string_equal(history.status, "cancelled");
    assert_int_equal(history.exit_code, 128 + 15);
}

static void test_a_trial_leaves_none(void **state)
{
    (void)state;
    fixture->options.limit = 10;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(history.calls, "");
}

static void test_a_replay_leaves_one_that_says_so(void **state)
{
    (void)state;
    toy_sink_plan.refuse = 100;
    assert_int_equal(run(), TOW_EXIT_OK);
    toy_sink_plan.refuse = 0;
    fixture->options.replay_of = fixture->report.run;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_int_equal(history.rows, 2);
    assert_int_equal(history.replay_of, 1);
    assert_int_equal(history.accepted, 10);
    assert_int_equal(history.replays, 0); /* the row itself is no replay */
}

/* ---- trouble -------------------------------------------------------------------------------- */

static void history_fails(int at, int code, int times)
{
    memset(history.calls, 0, sizeof history.calls);
    history.fail_at = at;
    history.fail_code = code;
    history.fail_times = times;
    history.rows = 0;
}

static void test_a_history_that_fails_is_no_failure_of_the_run(void **state)
{
    (void)state;
    for (const char *at = "obwfF"; *at; at++) {
        history_fails(*at, TOW_E_AUTH, 1);
        assert_int_equal(run(), TOW_EXIT_OK);
        assert_string_equal(fixture->report.status, TOW_RUN_OK);
        assert_int_equal(fixture->report.error.code, TOW_OK);
        assert_int_equal(history.calls[strlen(history.calls) - 1], *at);
    }
    assert_int_equal(history.closed, 5);
}

static void test_a_row_that_is_refused_is_no_failure_of_the_run(void **state)
{
    (void)state;
    history.refuses = 1;
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(history.calls, "obw");
}

static void test_trouble_that_passes_is_tried_again_and_the_row_sent_once(void **state)
{
    static const char *const calls[] = {"oobwfF", "obobwfF", "obwwfF", "obwffF", "obwfFF"};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        history_fails("obwfF"[i], TOW_E_TRANSIENT, 1);
        assert_int_equal(run(), TOW_EXIT_OK);
        assert_string_equal(history.calls, calls[i]);
        assert_int_equal(history.rows, 1);
    }
    assert_int_equal(history.retries, 0); /* those are the run's */
}

static void test_trouble_that_does_not_pass_ends_with_the_tries(void **state)
{
    (void)state;
    history_fails('o', TOW_E_TRANSIENT, 1000);
    assert_int_equal(run(), TOW_EXIT_OK);
    assert_string_equal(history.calls, "ooooo");
}

/* The first signal stops the run, which is to be in the history; the second stops that, too. */
static void test_the_second_signal_ends_the_waiting(void **state)
{
    (void)state;
    history_fails('o', TOW_E_TRANSIENT, 1000);
    tow_cancel_set(&fixture->cancel, 15);
    tow_cancel_set(&fixture->abort, 15);
    assert_int_equal(run(), 128 + 15);
    assert_string_equal(history.calls, "o");
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Where it fails behind the run's end, the run is well, and the row missing. */
static void test_memory_that_runs_out_for_the_history_leaves_the_run_well(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *opened = NULL;
    long missing = 0;
    int has_failed = 1;

    (void)state;
    toy_source_plan.rows = toy_source_plan.batch = 20;
    assert_ok(tow_state_open(fixture->state_path, TOW_STATE_CREATE, &opened, &err), err);
    for (long number = 0; has_failed; number++) {
        history.rows = 0;
        *history.calls = '\0';
        nomem_after(number);
        tow_run_job(&fixture->assembly, opened, &fixture->options, &fixture->report);
        has_failed = nomem_stop();
        missing += fixture->report.exit_code == TOW_EXIT_OK && history.rows == 0;
        if (fixture->report.exit_code != TOW_EXIT_OK)
            assert_int_equal(fixture->report.error.code, TOW_E_NOMEM);
        memset(history.calls, 0, sizeof history.calls);
    }
    tow_state_close(opened);
    assert_int_equal(history.rows, 1);
    assert_true(missing > 10);
}

int main(void)
{
#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, run_tear_down)
    const struct CMUnitTest tests[] = {
        HISTORY_TEST(test_a_run_leaves_a_row),
        HISTORY_TEST(test_nothing_of_it_meets_what_the_sink_leaves),
        HISTORY_TEST(test_a_run_that_failed_leaves_a_row_with_the_reason),
        HISTORY_TEST(test_each_load_leaves_a_row_and_no_thread),
        HISTORY_TEST(test_a_run_that_was_stopped_leaves_a_row),
        HISTORY_TEST(test_a_trial_leaves_none),
        HISTORY_TEST(test_a_replay_leaves_one_that_says_so),
        HISTORY_TEST(test_a_history_that_fails_is_no_failure_of_the_run),
        HISTORY_TEST(test_a_row_that_is_refused_is_no_failure_of_the_run),
        HISTORY_TEST(test_trouble_that_passes_is_tried_again_and_the_row_sent_once),
        HISTORY_TEST(test_trouble_that_does_not_pass_ends_with_the_tries),
        HISTORY_TEST(test_the_second_signal_ends_the_waiting),
        HISTORY_TEST(test_memory_that_runs_out_for_the_history_leaves_the_run_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
