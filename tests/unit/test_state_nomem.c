/*
 * Every allocation of a small job's life fails in turn, ours and SQLite's: the call that needed it
 * says so, nothing leaks, and what is on disk stays whole.
 */
#include "unit.h"

#include <unistd.h>

#include <sqlite3.h>

#include "nomem.h"
#include "state/rejects.h"
#include "state_fixture.h"

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size)
{
    return nomem_fails() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return nomem_fails() ? NULL : sqlite_memory.xRealloc(old, size);
}

static int setup_memory(void **state)
{
    sqlite3_mem_methods methods;

    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) != SQLITE_OK)
        return -1;
    methods = sqlite_memory;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
           sqlite3_initialize() != SQLITE_OK;
}

static int32_t visit_entry(void *context, const char *key, const void *value, uint32_t length)
{
    (void)context, (void)key, (void)value, (void)length;
    return 0;
}

static int visit_ahead(void *context, const struct tow_ahead *ahead, struct tow_error *err)
{
    (void)context, (void)ahead, (void)err;
    return TOW_OK;
}

static int visit_run(void *context, const struct tow_run *run)
{
    (void)context, (void)run;
    return 0;
}

static int work_on(struct tow_state *state, struct tow_error *err)
{
    const struct tow_counts counts = {.read = 1};
    struct tow_position token = {.size = sizeof token, .length = 3};
    struct tow_checkpoint out, checkpoint = {.seq = 1, .token_count = 1, .tokens = &token};
    struct tow_commit commit = {.job = "a", .checkpoint = &checkpoint, .counts = &counts};
    const struct tow_ahead ahead = {.job = "a", .sink = "s", .seq = 2, .rows = "r", .length = 1};
    int result = tow_state_run_begin(state, START("a", "l", 0, 1), &commit.run, err);

    if (result == TOW_OK)
        result = tow_state_commit(state, &commit, err);
    if (result == TOW_OK)
        result = tow_state_ahead_put(state, &ahead, commit.run, err);
    if (result == TOW_OK)
        result = tow_state_ahead_each(state, "a", "s", visit_ahead, NULL, err);
    if (result == TOW_OK && (result = tow_state_checkpoint(state, "a", &out, err)) == TOW_OK)
        tow_checkpoint_release(&out);
    if (result == TOW_OK)
        result = tow_state_ledger_put(state, "a", "l", "k", "v", 1, err);
    if (result == TOW_OK)
        result = tow_state_ledger_each(state, "a", "l", "", visit_entry, NULL, err);
    if (result == TOW_OK)
        result = tow_state_run_end(state, &commit, TOW_RUN_OK, 0, NULL, 2, err);
    return result == TOW_OK ? tow_state_runs(state, NULL, 0, visit_run, NULL, err) : result;
}

static int live(const struct scratch *scratch, struct tow_error *err)
{
    struct tow_state *state;
    struct tow_lock *lock = NULL;
    int busy, result = tow_state_open(scratch->path, TOW_STATE_CREATE, &state, err);

    if (result == TOW_OK)
        result = tow_state_lock(state, "a", &lock, &busy, err);
    if (result == TOW_OK)
        result = work_on(state, err);
    tow_state_unlock(lock);
    tow_state_close(state);
    return result;
}

static int write_reject(struct tow_rejects *rejects, const struct ArrowSchema *schema,
                        int64_t *length, struct tow_error *err)
{
    struct tow_json_writer *writer = tow_json_writer_new(schema, 1, err);
    struct tow_builder *builder = tow_builder_new_schema(schema, err);
    struct tow_buffer line = {NULL, 0, 0};
    struct ArrowArray array = {.release = NULL};
    struct tow_reject_row reject = {.code = "c", .message = "m", .stage = "sink", .array = &array};
    int result = writer && builder ? TOW_OK : err->code;

    if (result == TOW_OK)
        result = tow_append_text(builder, 0, "AAAA", err);
    if (result == TOW_OK)
        result = tow_builder_end_row(builder, err);
    if (result == TOW_OK)
        result = tow_builder_finish(builder, &array, err);
    if (result == TOW_OK)
        result = tow_reject_line(&line, writer, &reject, err);
    if (result == TOW_OK)
        result = tow_rejects_write(rejects, line.data, line.size, err);
    if (result == TOW_OK)
        result = tow_rejects_sync(rejects, length, err);
    if (array.release)
        array.release(&array);
    tow_buffer_release(&line);
    tow_builder_free(builder);
    tow_json_writer_free(writer);
    return result;
}

static int read_reject(const char *path, int64_t length, struct tow_error *err)
{
    struct tow_reject_reader *reader = tow_reject_reader_new(path, length, err);
    struct tow_builder *builder = NULL;
    const char *line;
    size_t line_length;
    int result = err->code;

    if (reader) {
        builder = tow_builder_new_schema(tow_reject_reader_schema(reader), err);
        result = builder ? tow_reject_reader_next(reader, &line, &line_length, err) : err->code;
    }
    if (result == TOW_OK)
        result = tow_reject_parse(reader, line, line_length, builder, err);
    if (result == TOW_OK)
        result = tow_builder_end_row(builder, err);
    tow_builder_free(builder);
    tow_reject_reader_free(reader);
    return result;
}

static int reject(const struct scratch *scratch, struct tow_error *err)
{
    static const struct tow_field field = {"a", {TOW_TYPE_BINARY, 0, 0}, 0};
    struct ArrowSchema schema = {.release = NULL};
    struct tow_rejects *rejects;
    int64_t length = 0;
    char path[256];
    int result = tow_schema_make(&schema, &field, 1, err);

    if (result != TOW_OK)
        return result;
    snprintf(path, sizeof path, "%s/r/1.ndjson", scratch->folder);
    remove(path);
    rejects = tow_rejects_new(path, "a", 1, &schema, err);
    result = rejects ? write_reject(rejects, &schema, &length, err) : err->code;
    if (result == TOW_OK)
        result = read_reject(path, length, err);
    tow_rejects_free(rejects);
    schema.release(&schema);
    return result;
}

/* What a process without memory leaves behind (a lock that it could not give back, runs) would be
 * in the way of this one, which goes on: each try has a state of its own. */
static void begin_anew(const struct scratch *scratch)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[256];

    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", scratch->path, suffixes[i]);
        unlink(path);
    }
}

/* Runs `what` with ever more memory until it succeeds. */
static void starve(const struct scratch *scratch,
                   int (*what)(const struct scratch *scratch, struct tow_error *err))
{
    for (long limit = 0;; limit++) {
        struct tow_error err = TOW_ERROR_INIT;
        int result;

        begin_anew(scratch);
        nomem_from(limit);
        result = what(scratch, &err);
        nomem_stop();
        if (result == TOW_OK) {
            assert_true(limit > 10);
            return;
        }
        if (result != TOW_E_NOMEM)
            fail_msg("after %ld allocations: %s: %s", limit, tow_error_name(result), err.message);
    }
}

static void test_a_state_survives_every_allocation_failing(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state;

    starve(scratch, live);
    assert_ok(tow_state_open(scratch->path, TOW_STATE_CREATE, &state, &err), err);
    assert_ok(tow_state_runs(state, NULL, 0, visit_run, NULL, &err), err);
    tow_state_close(state);
}

static void test_rejects_survive_every_allocation_failing(void **fixture)
{
    starve(*fixture, reject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_state_survives_every_allocation_failing),
        SCRATCH_TEST(test_rejects_survive_every_allocation_failing),
    };

    return cmocka_run_group_tests(tests, setup_memory, NULL);
}
