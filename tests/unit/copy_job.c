#include "copy_job.h"

#include <inttypes.h>
#include <stdarg.h>

#include "unit.h"

#define JOB_TRIES              8
#define JOB_CHECKPOINT_BATCHES 3

extern tow_plugin_entry databricks_copy_LTX_tow_plugin_entry;

static const struct tow_field job_fields[] = {{"id", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"name", {TOW_TYPE_STRING, 0, 0}, 0}};

void copy_job_set(struct copy_job *job, const char *name, const char *value)
{
    size_t i = 0;

    while (job->settings[i] && strcmp(job->settings[i], name) != 0)
        i += 2;
    assert_true(i + 2 < sizeof job->settings / sizeof *job->settings);
    job->settings[i] = name;
    job->settings[i + 1] = value;
}

void copy_job_init(struct copy_job *job, const char *mode, ...)
{
    va_list more;
    const char *name;

    memset(job, 0, sizeof *job);
    job->err = (struct tow_error)TOW_ERROR_INIT;
    lake_init(&job->lake);
    fake_host_init(&job->fake);
    lake_watch(&job->fake);
    job->workers = COPY_WORKERS;
    job->plugin = databricks_copy_LTX_tow_plugin_entry();
    job->rows = 40;
    job->batch = 5;
    assert_ok(tow_schema_make(&job->schema, job_fields, 2, &job->err), job->err);
    copy_job_set(job, "host", "https://127.0.0.1:1");
    copy_job_set(job, "warehouse_id", "abc");
    copy_job_set(job, "token", "dapi-not-used");
    copy_job_set(job, "table", "main.t");
    copy_job_set(job, "stage", "/Volumes/main/s/v");
    copy_job_set(job, "part_bytes", "1");
    copy_job_set(job, "mode", mode);
    va_start(more, mode);
    while ((name = va_arg(more, const char *)))
        copy_job_set(job, name, va_arg(more, const char *));
    va_end(more);
}

void copy_job_release(struct copy_job *job)
{
    copy_job_close(job);
    lake_release(&job->lake);
    fake_host_release(&job->fake);
    job->schema.release(&job->schema);
}

static void job_enter(struct copy_job *job, int is_inside)
{
    if (job->enters)
        job->enters(is_inside);
}

/* ---- one process ---------------------------------------------------------------------------- */

static int job_may_pass(int code)
{
    return code == TOW_E_TRANSIENT || code == TOW_E_RATE;
}

static void job_close_one(struct copy_job *job, uint32_t worker)
{
    if (!job->selves[worker])
        return;
    job->plugin->sink->close(job->selves[worker]);
    fake_instance_free(job->selves[worker]);
    job->selves[worker] = NULL;
}

void copy_job_close(struct copy_job *job)
{
    for (uint32_t i = 0; i < job->workers; i++)
        job_close_one(job, i);
}

static int job_open_one(struct copy_job *job, uint32_t worker)
{
    const struct tow_sink_ops *ops = job->plugin->sink;
    int code = TOW_E_TRANSIENT;

    for (int i = 0; i < JOB_TRIES && job_may_pass(code); i++) {
        job_close_one(job, worker);
        job->selves[worker] = fake_instance_new(job->plugin, job->settings);
        job->err = (struct tow_error)TOW_ERROR_INIT;
        job_enter(job, 1);
        code = ops->open(job->selves[worker], &job->hosts[worker], &job->tokens[worker], &job->err);
        if (code == TOW_OK)
            code = ops->begin(job->selves[worker], &job->hosts[worker], &job->schema, &job->err);
        job_enter(job, 0);
    }
    return code;
}

int copy_job_open(struct copy_job *job)
{
    int code = TOW_OK;

    if (!job->in_load) {
        snprintf(job->load_id, sizeof job->load_id, "load%d", ++job->loads);
        job->position = 0;
        job->seq = 0;
        memset(job->tokens, 0, sizeof job->tokens);
    }
    for (uint32_t i = 0; i < job->workers && code == TOW_OK; i++) {
        job->tokens[i].size = sizeof job->tokens[i];
        job->hosts[i] = job->fake.host;
        job->hosts[i].load_id = job->load_id;
        job->hosts[i].worker = i;
        job->hosts[i].workers = job->workers;
        code = job_open_one(job, i);
    }
    return code;
}

static void job_make_batch(struct copy_job *job, int64_t first, int64_t count,
                           struct ArrowArray *array)
{
    struct tow_builder *builder = tow_builder_new_schema(&job->schema, &job->err);

    assert_non_null(builder);
    for (int64_t i = first; i < first + count; i++) {
        char name[32];

        snprintf(name, sizeof name, "row %" PRId64, i);
        assert_ok(tow_append_int64(builder, 0, job->keys ? i % job->keys : i, &job->err), job->err);
        assert_ok(tow_append_text(builder, 1, name, &job->err), job->err);
        assert_ok(tow_builder_end_row(builder, &job->err), job->err);
    }
    assert_ok(tow_builder_finish(builder, array, &job->err), job->err);
    tow_builder_free(builder);
}

static int job_write_batch(struct copy_job *job, int64_t first, int64_t count, uint64_t seq)
{
    struct ArrowArray array;
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = seq, .array = &array};
    int code = TOW_E_TRANSIENT;

    job_make_batch(job, first, count, &array);
    for (; rows.attempt <= JOB_TRIES && job_may_pass(code); rows.attempt++) {
        job->err = (struct tow_error)TOW_ERROR_INIT;
        job_enter(job, 1);
        code = job->plugin->sink->write(job->selves[seq % job->workers], &rows, &job->err);
        job_enter(job, 0);
    }
    array.release(&array);
    return code;
}

/* Rows up to `until`, without a checkpoint; the position stays that of the last one. */
int copy_job_write(struct copy_job *job, int64_t until)
{
    uint64_t seq = job->seq;
    int code = TOW_OK;

    for (int64_t at = job->position; at < until && code == TOW_OK; at += job->batch) {
        int64_t count = until - at < job->batch ? until - at : job->batch;

        code = job_write_batch(job, at, count, ++seq);
    }
    if (code == TOW_OK) {
        job->position = until;
        job->seq = seq;
    }
    return code;
}

int copy_job_checkpoint(struct copy_job *job)
{
    struct tow_position made[COPY_WORKERS] = {{0}};
    int code = TOW_OK;

    for (uint32_t i = 0; i < job->workers && code == TOW_OK; i++) {
        code = TOW_E_TRANSIENT;
        for (int tries = 0; tries < JOB_TRIES && job_may_pass(code); tries++) {
            made[i] = (struct tow_position){.size = sizeof made[i]};
            job->err = (struct tow_error)TOW_ERROR_INIT;
            job_enter(job, 1);
            code = job->plugin->sink->flush(job->selves[i], &made[i], &job->err);
            job_enter(job, 0);
        }
    }
    if (code != TOW_OK)
        return code;
    memcpy(job->tokens, made, sizeof made);
    job->in_load = 1;
    return TOW_OK;
}

int copy_job_finish(struct copy_job *job)
{
    int code = TOW_OK;

    for (uint32_t i = 0; i < job->workers && code == TOW_OK; i++) {
        code = TOW_E_TRANSIENT;
        for (int tries = 0; tries < JOB_TRIES && job_may_pass(code); tries++) {
            job->err = (struct tow_error)TOW_ERROR_INIT;
            job_enter(job, 1);
            code = job->plugin->sink->finish(job->selves[i], &job->err);
            job_enter(job, 0);
        }
    }
    return code;
}

/* The state after a process that came so far. */
struct job_state {
    struct tow_position tokens[COPY_WORKERS];
    int64_t position;
    uint64_t seq;
};

int copy_job_run(struct copy_job *job)
{
    const int64_t step = job->batch * JOB_CHECKPOINT_BATCHES;
    struct job_state saved = {.position = job->position, .seq = job->seq};
    int code;

    memcpy(saved.tokens, job->tokens, sizeof saved.tokens);
    code = copy_job_open(job);
    if (!job->in_load)
        saved = (struct job_state){.position = 0};
    while (code == TOW_OK && job->position < job->rows) {
        int64_t until = job->position + step;

        code = copy_job_write(job, until < job->rows ? until : job->rows);
        if (code == TOW_OK)
            code = copy_job_checkpoint(job);
        if (code == TOW_OK) {
            saved.position = job->position;
            saved.seq = job->seq;
        }
    }
    if (code == TOW_OK)
        code = copy_job_checkpoint(job);
    if (code == TOW_OK)
        code = copy_job_finish(job);
    if (code == TOW_OK)
        job->in_load = 0;
    job->position = saved.position;
    job->seq = saved.seq;
    copy_job_close(job);
    return code;
}

/* ---- what came of it ------------------------------------------------------------------------ */

static void job_expect(const struct copy_job *job, int64_t row, char text[64])
{
    snprintf(text, 64, "%" PRId64 ",\"row %" PRId64 "\"", job->keys ? row % job->keys : row, row);
}

void copy_job_assert_rows(struct copy_job *job, int64_t count, size_t others)
{
    const struct lake_table *table = lake_find(&job->lake, COPY_TABLE);
    /* Of rows with the same key the last one. */
    const int64_t first = job->keys && count > job->keys ? count - job->keys : 0;

    assert_non_null(table);
    for (int64_t i = first; i < count; i++) {
        char text[64];
        int found = 0;

        job_expect(job, i, text);
        for (size_t j = 0; j < table->row_count; j++)
            found += strcmp(table->rows[j], text) == 0;
        if (found != 1)
            fail_msg("%s is in the table %d times", text, found);
    }
    assert_int_equal(table->row_count, (size_t)(count - first) + others);
}

void copy_job_assert_fails(struct copy_job *job, int code, const char *says)
{
    assert_int_equal(copy_job_run(job), code);
    assert_says(job->err, says);
}

/* ---- what was there before ------------------------------------------------------------------ */

struct lake_table *copy_job_table(struct copy_job *job)
{
    return lake_find(&job->lake, COPY_TABLE);
}

void copy_job_add_table(struct copy_job *job, const char *columns)
{
    struct lake_table *table = lake_add(&job->lake, COPY_TABLE, columns);

    lake_add_row(table, "3,\"old\"");
    lake_add_row(table, "1000,\"old\"");
}

void copy_job_die(struct copy_job *job)
{
    assert_ok(copy_job_open(job), job->err);
    assert_ok(copy_job_write(job, 15), job->err);
    assert_ok(copy_job_checkpoint(job), job->err);
    copy_job_close(job);
}
