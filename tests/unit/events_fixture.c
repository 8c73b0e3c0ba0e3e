#include "events_fixture.h"

#include <zlib.h>

#include "plugins/events/source.h"
#include "unit.h"

tow_plugin_entry events_LTX_tow_plugin_entry;

static const struct tow_source_ops *ops(void)
{
    return events_LTX_tow_plugin_entry()->source;
}

const char *events_path(const struct scratch *scratch, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", scratch->folder, name);
    return path;
}

void events_write(const struct scratch *scratch, const char *name, const char *text)
{
    scratch_write(events_path(scratch, name), text, strlen(text));
}

void events_append(const struct scratch *scratch, const char *name, const char *text)
{
    FILE *file = fopen(events_path(scratch, name), "a");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

void events_write_gzip(const struct scratch *scratch, const char *name, const char *text)
{
    gzFile file = gzopen(events_path(scratch, name), "w");

    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

char *events_numbered(int first, int count)
{
    char *text = malloc((size_t)count * 32 + 1), *p = text;

    assert_non_null(text);
    *p = '\0';
    for (int i = 0; i < count; i++)
        p += sprintf(p, "{\"id\":%d}\n", first + i);
    return text;
}

void events_run_init(struct events_run *run, struct fake_host *fake, const char *const *settings,
                     size_t window)
{
    *run = (struct events_run){.fake = fake, .err = TOW_ERROR_INIT};
    fake_host_forget(fake);
    run->self = fake_instance_new(events_LTX_tow_plugin_entry(), settings);
    ((struct tow_events_source *)run->self)->window_size = window;
}

void events_run_release(struct events_run *run)
{
    ops()->close(run->self);
    if (run->schema.release)
        run->schema.release(&run->schema);
    fake_instance_free(run->self);
    tow_buffer_release(&run->rows);
    tow_buffer_release(&run->brief);
    tow_buffer_release(&run->rejects);
}

int events_run_open(struct events_run *run, const struct tow_position *from)
{
    static const struct tow_position start = {.size = sizeof start};
    int code;

    run->err = (struct tow_error)TOW_ERROR_INIT;
    code = ops()->open(run->self, &run->fake->host, from ? from : &start, &run->err);
    if (run->schema.release)
        run->schema.release(&run->schema);
    return code == TOW_OK ? ops()->schema(run->self, &run->schema, &run->err) : code;
}

static void put_row(struct events_run *run, const struct tow_view views[5], int64_t row,
                    int64_t line)
{
    char event[TOW_TIMESTAMP_TEXT_MAX + 1], receive[TOW_TIMESTAMP_TEXT_MAX + 1];
    struct tow_error *err = &run->err;
    size_t stream_length, data_length;
    const char *stream = tow_view_bytes(&views[3], row, &stream_length);
    const char *data = tow_view_bytes(&views[4], row, &data_length);
    int is_null = tow_view_is_null(&views[4], row);

    *tow_put_timestamp(event, tow_view_int64(&views[1], row), 1) = '\0';
    *tow_put_timestamp(receive, tow_view_int64(&views[2], row), 1) = '\0';
    assert_ok(
        tow_buffer_printf(&run->brief, err, "%lld ", (long long)tow_view_int64(&views[0], row)),
        *err);
    assert_ok(tow_buffer_printf(&run->rows, err, "%lld %lld %s %s %.*s ", (long long)line,
                                (long long)tow_view_int64(&views[0], row), event, receive,
                                (int)stream_length, stream),
              *err);
    assert_ok(
        tow_buffer_append(&run->rows, is_null ? "null" : data, is_null ? 4 : data_length, err),
        *err);
    assert_ok(tow_buffer_append(&run->rows, "\n", 1, err), *err);
}

static void put_rows(struct events_run *run, const struct tow_batch *batch)
{
    const int64_t *lines = batch->lines.release ? batch->lines.buffers[1] : NULL;
    struct tow_view views[5];

    for (int i = 0; i < 5; i++)
        tow_view_init(&views[i], &run->schema, &batch->array, i);
    for (int64_t row = 0; row < batch->array.length; row++)
        put_row(run, views, row, lines[row]);
    run->count += batch->array.length;
}

static void put_rejects(struct events_run *run)
{
    struct tow_error *err = &run->err;

    for (; run->seen < run->fake->reject_count; run->seen++) {
        const struct fake_reject *reject = &run->fake->rejects[run->seen];

        assert_non_null(reject->origin);
        assert_true(strlen(reject->message) > 10);
        assert_ok(tow_buffer_printf(&run->rejects, err, "%s %lld %lld [", reject->code,
                                    (long long)reject->line, (long long)reject->offset),
                  *err);
        assert_ok(tow_buffer_append(&run->rejects, reject->raw, reject->raw_length, err), *err);
        assert_ok(tow_buffer_append(&run->rejects, "]\n", 2, err), *err);
    }
}

static void keep_mark(struct events_run *run, const struct tow_batch *batch)
{
    if (!batch->mark_key)
        return;
    run->marks++;
    assert_ok(run->fake->host.ledger_put(&run->fake->host, batch->mark_key, batch->mark_value,
                                         (uint32_t)strlen(batch->mark_value), &run->err),
              run->err);
}

int events_run_read(struct events_run *run)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    size_t rejects = run->fake->reject_count;
    int code;

    run->err = (struct tow_error)TOW_ERROR_INIT;
    code = ops()->read(run->self, &batch, &run->err);
    put_rejects(run);
    if (code == TOW_OK || code == TOW_END) {
        run->position = batch.position;
        run->counted = batch.counted;
        assert_int_equal(batch.flags, TOW_BATCH_COUNTED);
    }
    if (code == TOW_END)
        assert_int_equal(run->fake->reject_count, rejects);
    if (code != TOW_OK) {
        assert_null(batch.array.release);
        return code;
    }
    assert_ok(tow_array_validate(&batch.array, &run->schema, &run->err), run->err);
    assert_true(batch.array.length <= run->fake->host.batch_rows);
    put_rows(run, &batch);
    assert_int_equal(batch.counted, run->count + (int64_t)run->seen);
    run->batches++;
    keep_mark(run, &batch);
    batch.array.release(&batch.array);
    if (batch.lines.release)
        batch.lines.release(&batch.lines);
    return TOW_OK;
}

int events_run_read_all(struct events_run *run)
{
    int code;

    do
        code = events_run_read(run);
    while (code == TOW_OK);
    return code;
}

void assert_buffer(const struct tow_buffer *buffer, const char *expected)
{
    size_t length = strlen(expected);

    if (buffer->size != length || (length && memcmp(buffer->data, expected, length) != 0))
        fail_msg("got:\n%.*s\nexpected:\n%s", (int)buffer->size, buffer->size ? buffer->data : "",
                 expected);
}

void assert_events(struct fake_host *fake, const char *const *settings,
                   const struct tow_position *from, const char *ids, struct tow_position *end)
{
    struct events_run run;
    int code;

    events_run_init(&run, fake, settings, 0);
    code = events_run_open(&run, from);
    if (code == TOW_OK)
        code = events_run_read_all(&run);
    if (code != TOW_END)
        fail_msg("%s: %s", tow_error_name(code), run.err.message);
    assert_buffer(&run.brief, ids);
    assert_int_equal(run.counted, run.count + (int64_t)run.seen);
    if (end)
        *end = run.position;
    events_run_release(&run);
}

void assert_events_fail(struct fake_host *fake, const char *const *settings, int class,
                        const char *says)
{
    struct events_run run;
    int code;

    events_run_init(&run, fake, settings, 0);
    code = events_run_open(&run, NULL);
    if (code == TOW_OK)
        code = events_run_read_all(&run);
    if (code != class)
        fail_msg("%s: %s", tow_error_name(code), run.err.message);
    assert_says(run.err, says);
    events_run_release(&run);
}
