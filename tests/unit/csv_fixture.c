#include "csv_fixture.h"

#include "plugins/csv/source.h"
#include "towpath/texts.h"
#include "unit.h"

tow_plugin_entry csv_LTX_tow_plugin_entry;

static const struct tow_source_ops *csv_ops(void)
{
    return csv_LTX_tow_plugin_entry()->source;
}

const char *csv_path(const struct scratch *scratch, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", scratch->folder, name);
    return path;
}

void csv_write(const struct scratch *scratch, const char *name, const char *text)
{
    scratch_write(csv_path(scratch, name), text, strlen(text));
}

void csv_run_init(struct csv_run *run, struct fake_host *fake, const char *const *settings,
                  size_t window)
{
    *run = (struct csv_run){.fake = fake};
    fake_host_forget(fake);
    run->self = fake_instance_new(csv_LTX_tow_plugin_entry(), settings);
    ((struct tow_csv_source *)run->self)->window_size = window;
}

static void csv_run_forget_batch(struct csv_run *run)
{
    free(run->origin);
    free(run->mark_key);
    free(run->mark_value);
    run->origin = run->mark_key = run->mark_value = NULL;
}

void csv_run_release(struct csv_run *run)
{
    csv_run_close(run);
    fake_instance_free(run->self);
    csv_run_forget_batch(run);
    tow_buffer_release(&run->rows);
    tow_buffer_release(&run->rejects);
}

void csv_run_close(struct csv_run *run)
{
    csv_ops()->close(run->self);
    if (run->schema.release)
        run->schema.release(&run->schema);
    if (run->typed.release)
        run->typed.release(&run->typed);
}

int csv_run_open(struct csv_run *run, const struct tow_position *from, struct tow_error *err)
{
    const struct tow_position start = {.size = sizeof start};
    int code = csv_ops()->open(run->self, &run->fake->host, from ? from : &start, err);

    if (run->schema.release)
        run->schema.release(&run->schema);
    if (code == TOW_OK)
        code = csv_ops()->schema(run->self, &run->schema, err);
    if (code == TOW_OK && run->wish_count > 0)
        code = csv_ops()->types(run->self, run->wishes, run->wish_count, &run->typed, err);
    return code;
}

/* ---- typed batches -------------------------------------------------------------------------- */

static size_t trim_text(const struct tow_wish *wish, const char **text, size_t length)
{
    if (!(wish->flags & TOW_WISH_TRIM))
        return length;
    while (length > 0 && strchr(" \t\n\v\f\r", **text)) {
        ++*text;
        length--;
    }
    while (length > 0 && strchr(" \t\n\v\f\r", (*text)[length - 1]))
        length--;
    return length;
}

int csv_wish_value(const struct tow_wish *wish, struct tow_type type, const char *text,
                   size_t length, struct csv_value *out)
{
    struct tow_texts_converter converter;
    struct tow_texts texts = {.count = 1};
    char room[256];

    memset(out, 0, sizeof *out);
    length = trim_text(wish, &text, length);
    for (uint64_t i = 0; i < wish->null_if.count; i++)
        if (strlen(wish->null_if.items[i]) == length &&
            memcmp(wish->null_if.items[i], text, length) == 0)
            out->is_null = 1;
    if (out->is_null)
        return !(wish->flags & TOW_WISH_REQUIRED);
    if (type.id == TOW_TYPE_STRING)
        return 1;
    if (length > sizeof room - 2 * TOW_TEXTS_SLACK)
        return 0;
    memset(room, '9', sizeof room);
    memcpy(room + TOW_TEXTS_SLACK, text, length);
    texts.base = room;
    texts.start[0] = TOW_TEXTS_SLACK;
    texts.length[0] = (uint32_t)length;
    assert_true(tow_texts_converter_init(&converter, type, wish->format, "scalar"));
    return converter.convert(&converter, &texts, out->bytes) == 0;
}

/* The value of a typed column is what its text says. */
static void check_value(const struct tow_wish *wish, const struct tow_view *typed,
                        const struct tow_view *text, int64_t row)
{
    int is_null = tow_view_is_null(typed, row);
    size_t length, width = tow_type_width(typed->type.id), typed_length;
    const char *bytes = tow_view_bytes(text, row, &length), *typed_bytes;
    struct csv_value value;

    if (tow_view_is_null(text, row)) {
        assert_true(is_null);
        assert_false(wish->flags & TOW_WISH_REQUIRED);
        return;
    }
    assert_true(csv_wish_value(wish, typed->type, bytes, length, &value));
    assert_int_equal(is_null, value.is_null);
    if (is_null)
        return;
    if (typed->type.id == TOW_TYPE_STRING) {
        typed_bytes = tow_view_bytes(typed, row, &typed_length);
        assert_int_equal(typed_length, length);
        assert_memory_equal(typed_bytes, bytes, length);
    } else if (width == 0) {
        assert_int_equal(tow_view_bool(typed, row), value.bytes[0] & 1);
    } else {
        assert_memory_equal((const char *)typed->values + (size_t)(row + typed->offset) * width,
                            value.bytes, width);
    }
}

/* Replaces the array of a typed batch by its text, after comparing them. */
static void take_text(struct csv_run *run, struct tow_batch *batch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowArray text;

    assert_non_null(run->typed.release);
    assert_non_null(batch->held);
    assert_true(batch->held_bytes > 0);
    assert_ok(tow_array_validate(&batch->array, &run->typed, &err), err);
    assert_ok(batch->as_text(batch->held, &text, &err), err);
    batch->let_go(batch->held);
    assert_ok(tow_array_validate(&text, &run->schema, &err), err);
    assert_int_equal(text.length, batch->array.length);
    for (size_t i = 0; i < run->wish_count; i++) {
        struct tow_view typed, plain;

        tow_view_init(&typed, &run->typed, &batch->array, (int64_t)i);
        tow_view_init(&plain, &run->schema, &text, run->wishes[i].column);
        for (int64_t row = 0; row < text.length; row++)
            check_value(&run->wishes[i], &typed, &plain, row);
    }
    batch->array.release(&batch->array);
    batch->array = text;
    run->typed_batches++;
}

/* A batch that could have been typed, and is not: only where something was rejected. */
static void check_untyped(const struct csv_run *run, const struct tow_batch *batch, int rejected)
{
    int converts = !rejected && batch->array.length > 0;

    assert_null(batch->held);
    for (size_t i = 0; i < run->wish_count && converts; i++) {
        struct tow_field field;
        struct tow_view text;
        struct csv_value value;
        size_t length;

        assert_int_equal(tow_schema_field(&run->typed, (int64_t)i, &field, NULL), TOW_OK);
        tow_view_init(&text, &run->schema, &batch->array, run->wishes[i].column);
        for (int64_t row = 0; row < batch->array.length && converts; row++) {
            const char *bytes = tow_view_bytes(&text, row, &length);

            converts = tow_view_is_null(&text, row)
                           ? !(run->wishes[i].flags & TOW_WISH_REQUIRED)
                           : csv_wish_value(&run->wishes[i], field.type, bytes, length, &value);
        }
    }
    if (converts)
        fail_msg("%lld rows of text, all of which convert", (long long)batch->array.length);
}

/* ---- batches -------------------------------------------------------------------------------- */

static void put_rows(struct csv_run *run, const struct tow_batch *batch)
{
    const int64_t *lines = batch->lines.release ? batch->lines.buffers[1] : NULL;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cursor cursor;

    assert_ok(tow_cursor_init(&cursor, &run->schema, &err), err);
    tow_cursor_batch(&cursor, &batch->array);
    while (tow_cursor_next(&cursor)) {
        assert_ok(tow_buffer_printf(&run->rows, &err, "%lld", (long long)lines[cursor.row]), err);
        for (int64_t i = 0; i < cursor.column_count; i++) {
            size_t length;
            const char *bytes = tow_view_bytes(&cursor.columns[i], cursor.row, &length);
            int is_null = tow_view_is_null(&cursor.columns[i], cursor.row);

            assert_ok(
                tow_buffer_append(&run->rows, is_null ? " null" : " [", is_null ? 5 : 2, &err),
                err);
            assert_ok(tow_buffer_append(&run->rows, bytes, is_null ? 0 : length, &err), err);
            assert_ok(tow_buffer_append(&run->rows, "]", !is_null, &err), err);
        }
        assert_ok(tow_buffer_append(&run->rows, "\n", 1, &err), err);
    }
    tow_cursor_release(&cursor);
}

static void put_rejects(struct csv_run *run)
{
    struct tow_error err = TOW_ERROR_INIT;

    for (; run->seen < run->fake->reject_count; run->seen++) {
        const struct fake_reject *reject = &run->fake->rejects[run->seen];

        assert_non_null(reject->origin);
        assert_true(strlen(reject->message) > 10);
        assert_ok(tow_buffer_printf(&run->rejects, &err, "%s %lld %lld [", reject->code,
                                    (long long)reject->line, (long long)reject->offset),
                  err);
        assert_ok(tow_buffer_append(&run->rejects, reject->raw, reject->raw_length, &err), err);
        assert_ok(tow_buffer_append(&run->rejects, "]\n", 2, &err), err);
    }
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

int csv_run_read(struct csv_run *run, struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};
    size_t rejects = run->fake->reject_count;
    int code = csv_ops()->read(run->self, &batch, err);

    put_rejects(run);
    if (code != TOW_OK) {
        assert_null(batch.array.release);
        if (code == TOW_END) {
            assert_int_equal(batch.position.length, 0);
            assert_int_equal(run->fake->reject_count, rejects);
        }
        return code;
    }
    if (batch.flags & TOW_BATCH_TYPED)
        take_text(run, &batch);
    else if (run->typed.release && !run->may_be_text)
        check_untyped(run, &batch, run->fake->reject_count > rejects);
    assert_ok(tow_array_validate(&batch.array, &run->schema, err), *err);
    assert_non_null(batch.origin);
    assert_true(batch.position.length > 0);
    assert_true(batch.array.length <= run->fake->host.batch_rows);
    if (batch.array.length > 0)
        assert_int_equal(batch.lines.length, batch.array.length);
    put_rows(run, &batch);
    run->batches++;
    run->position = batch.position;
    csv_run_forget_batch(run);
    run->origin = copy_text(batch.origin);
    run->mark_key = copy_text(batch.mark_key);
    run->mark_value = copy_text(batch.mark_value);
    if (batch.mark_key)
        assert_ok(run->fake->host.ledger_put(&run->fake->host, batch.mark_key, batch.mark_value,
                                             (uint32_t)strlen(batch.mark_value), err),
                  *err);
    batch.array.release(&batch.array);
    if (batch.lines.release)
        batch.lines.release(&batch.lines);
    return TOW_OK;
}

int csv_run_read_all(struct csv_run *run, struct tow_error *err)
{
    int code;

    do
        code = csv_run_read(run, err);
    while (code == TOW_OK);
    return code;
}

void csv_run_whole(struct csv_run *run, struct fake_host *fake, const char *const *settings,
                   size_t window)
{
    struct tow_error err = TOW_ERROR_INIT;

    csv_run_init(run, fake, settings, window);
    assert_ok(csv_run_open(run, NULL, &err), err);
    if (csv_run_read_all(run, &err) != TOW_END)
        fail_msg("%s", err.message);
}

void assert_text(const struct tow_buffer *buffer, const char *expected)
{
    size_t length = strlen(expected);

    if (buffer->size != length || (length && memcmp(buffer->data, expected, length) != 0))
        fail_msg("got:\n%.*sexpected:\n%s", (int)buffer->size, buffer->size ? buffer->data : "",
                 expected);
}
