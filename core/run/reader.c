/* The way in: source, transforms and columns, a batch at a time, in the run's own thread. */
#include <stdlib.h>
#include <string.h>

#include "run/replay.h"
#include "run/run_priv.h"

/* Lines of unreadable rows that may wait for the batch they belong to. */
#define UNREADABLE_BYTES_MAX (1u << 20)

/* ---- callbacks ------------------------------------------------------------------------------ */

static int64_t reader_unreadable(const struct run_reader *reader)
{
    return reader->unreadable ? reader->unreadable->rejected : 0;
}

/* Rows that a trial may still read; INT64_MAX where the run is none. */
static int64_t reader_left(const struct run *run)
{
    int64_t met = run->reader.read + reader_unreadable(&run->reader);

    if (run->options->limit < 0)
        return INT64_MAX;
    return met < run->options->limit ? run->options->limit - met : 0;
}

static int reader_keep_unreadable(struct run_reader *reader, const struct tow_source_reject *row,
                                  struct tow_error *err)
{
    struct tow_batch none = {.size = sizeof none};
    struct tow_buffer line = {0};
    int rc = TOW_OK;

    if (!row->code || !row->message)
        rc = tow_error_set(err, TOW_E_BUG, "a row was rejected without code and message");
    if (!rc && !reader->unreadable)
        rc = record_new(&reader->unreadable, 0, &none, err);
    if (!rc)
        rc = tow_reject_raw_line(&line, row, err);
    if (!rc)
        rc = record_unreadable(reader->unreadable, row->code, row->message, &line, err);
    tow_buffer_release(&line);
    return rc ? tow_error_prefix(err, "%s", reader->source.box.area) : TOW_OK;
}

static int reader_reject(void *context, const struct tow_source_reject *given)
{
    struct run *run = context;
    struct run_reader *reader = &run->reader;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_source_reject row = {0};

    memcpy(&row, given, given->size < sizeof row ? given->size : sizeof row);
    if (reader_left(run) == 0)
        return TOW_END;
    int rc = reader_keep_unreadable(reader, &row, &err);
    if (rc) {
        run_fail(run, &err, -1);
        return rc;
    }
    return reader->unreadable->note_text.size > UNREADABLE_BYTES_MAX ? TOW_END : TOW_OK;
}

static int reader_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                         const char *code, const char *message)
{
    struct run *run = context;
    struct run_reader *reader = &run->reader;
    struct record *record = reader->current;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = TOW_OK;

    if (!record || record->seq != seq || outcome == TOW_ROW_ACCEPTED)
        rc = tow_error_set(&err, TOW_E_BUG,
                           "a transform settles rows of its own batch, as "
                           "rejected or filtered");
    else if (first < 0 || count < 0 || count > record->stage_rows - first)
        rc = tow_error_set(&err, TOW_E_BUG,
                           "rows %lld to %lld were settled, of a batch of %lld rows",
                           (long long)first, (long long)((uint64_t)first + (uint64_t)count),
                           (long long)record->stage_rows);
    for (int64_t i = first; !rc && i < first + count; i++)
        rc = record_settle_stage(record, i, reader->stage, outcome, code, message, &err);
    if (rc)
        run_fail(run, &err, -1);
    return rc;
}

static int reader_reject_value(void *context, int64_t row, const char *code, const char *message)
{
    return reader_settle(context, ((struct run *)context)->reader.current->seq, row, 1,
                         TOW_ROW_REJECTED, code, message);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int reader_try_source(struct run *run, struct tow_error *err)
{
    struct run_reader *reader = &run->reader;
    int rc;

    if (run->options->replay_of)
        rc = replay_init(run, &reader->source, err);
    else
        rc = run_open_instance(run, &reader->source, run->assembly->source, &run->job->source,
                               "source", err);
    if (rc)
        return rc;
    reader->source.box.reject = reader_reject;
    reader->source.box.context = run;
    reader->source.box.cancel = &run->stop;
    reader->source.box.asked = run->options->cancel;
    reader->source.opened = 1;
    const struct tow_source_ops *ops = reader->source.instance.plugin->source;
    tow_host_clear(err);
    rc = ops->open(reader->source.instance.self, &reader->source.box.host, &run->resume.position,
                   err);
    rc = tow_host_result(&reader->source.box, "open", rc, err);
    if (rc)
        return rc;
    tow_host_clear(err);
    rc = ops->schema(reader->source.instance.self, &run->in, err);
    rc = tow_host_result(&reader->source.box, "schema", rc, err);
    if (!rc && tow_schema_validate(&run->in, err))
        rc = tow_error_prefix(err, "%s: schema", reader->source.box.area);
    return rc;
}

static void reader_close_source(struct run_reader *reader)
{
    const struct tow_plugin *source = reader->source.instance.plugin;

    if (reader->source.opened && source->source->close)
        source->source->close(reader->source.instance.self);
    run_close_instance(&reader->source);
}

/* open and schema, each time with an instance of its own. */
static int reader_open_source(struct run *run, struct tow_error *err)
{
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &run->job->retry);
    while (reader_try_source(run, err)) {
        if (!run_retry(run, &backoff, err))
            return err->code;
        reader_close_source(&run->reader);
        if (run->in.release)
            run->in.release(&run->in);
    }
    return TOW_OK;
}

static int reader_open_transform(struct run *run, size_t i, const struct ArrowSchema *in,
                                 struct tow_error *err)
{
    struct run_reader *reader = &run->reader;
    struct run_instance *transform = &reader->transforms[i];
    int rc = run_open_instance(run, transform, run->assembly->transforms[i],
                               &run->job->transforms[i], "transform", err);

    if (rc)
        return rc;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are as many as the job has. */
    transform->box.settle = reader_settle;
    transform->box.context = run;
    transform->box.cancel = &run->stop;
    transform->box.asked = run->options->cancel;
    transform->opened = 1;
    tow_host_clear(err);
    rc = transform->instance.plugin->transform->begin(
        transform->instance.self, &transform->box.host, in, &reader->schemas[i], err);
    rc = tow_host_result(&transform->box, "begin", rc, err);
    if (!rc && tow_schema_validate(&reader->schemas[i], err))
        rc = tow_error_prefix(err, "%s: begin", transform->box.area);
    return rc;
}

static int reader_open_columns(struct run *run, const struct ArrowSchema *in, struct tow_error *err)
{
    struct tow_diags diags = {0};

    if (!run->job->has_columns)
        return tow_schema_copy(&run->out, in, err);
    int rc = tow_columns_new(run->job->columns, run->job->column_count, in, &run->reader.columns,
                             &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    return rc ? rc : tow_schema_copy(&run->out, tow_columns_schema(run->reader.columns), err);
}

int reader_open(struct run *run, struct tow_error *err)
{
    struct run_reader *reader = &run->reader;
    size_t count = run->job->transform_count;
    const struct ArrowSchema *last = &run->in;

    if (reader->source.opened)
        return TOW_OK;
    int rc = reader_open_source(run, err);
    if (rc)
        return rc;
    reader->last = run->resume.position;
    reader->transforms = calloc(count + 1, sizeof *reader->transforms);
    if (reader->transforms)
        reader->schemas = calloc(count + 1, sizeof *reader->schemas);
    if (!reader->schemas)
        return tow_error_nomem(err);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = reader_open_transform(run, i, last, err);
        last = &reader->schemas[i];
    }
    if (!rc)
        rc = reader_open_columns(run, last, err);
    return rc ? rc : typed_open(run, err);
}

void reader_close(struct run *run)
{
    struct run_reader *reader = &run->reader;

    typed_close(run);
    tow_columns_free(reader->columns);
    reader->columns = NULL;
    for (size_t i = 0; reader->schemas && i < run->job->transform_count; i++) {
        struct run_instance *transform = &reader->transforms[i];

        if (transform->opened && transform->instance.plugin->transform->close)
            transform->instance.plugin->transform->close(transform->instance.self);
        run_close_instance(transform);
        if (reader->schemas[i].release)
            reader->schemas[i].release(&reader->schemas[i]);
    }
    free(reader->transforms);
    free(reader->schemas);
    reader->transforms = NULL;
    reader->schemas = NULL;
    reader_close_source(reader);
    record_free(reader->unreadable);
    reader->unreadable = NULL;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void reader_drop_batch(struct tow_batch *batch)
{
    if (batch->array.release)
        batch->array.release(&batch->array);
    if (batch->lines.release)
        batch->lines.release(&batch->lines);
    if (batch->held && batch->let_go)
        batch->let_go(batch->held);
    batch->held = NULL;
}

static int reader_check_lines(const struct tow_batch *batch, struct tow_error *err)
{
    if (!batch->lines.release)
        return TOW_OK;
    const struct ArrowArray *lines = &batch->lines;
    const void *values = lines->n_buffers == 2 && lines->buffers ? lines->buffers[1] : NULL;

    if (lines->length != batch->array.length || lines->n_buffers != 2 || lines->offset < 0 ||
        lines->null_count > 0 || (uintptr_t)values % sizeof(int64_t) != 0 ||
        (lines->length > 0 && !values))
        return tow_error_set(err, TOW_E_BUG, "lines are no int64 array of %lld rows",
                             (long long)batch->array.length);
    return TOW_OK;
}

/* The source's own count against ours: a row that it left out is found here. */
static int reader_check_count(struct run *run, const struct tow_batch *batch, struct tow_error *err)
{
    const struct run_reader *reader = &run->reader;
    int64_t rows = batch->array.release ? batch->array.length : 0;
    int64_t met = reader->met_before + reader->read + reader_unreadable(reader) + rows;

    if (!(batch->flags & TOW_BATCH_COUNTED) || batch->counted == met)
        return TOW_OK;
    tow_error_set(err, TOW_E_BUG,
                  "%s: the counts do not balance: it counts %lld rows, and handed out or rejected "
                  "%lld; the checkpoint stays where it was",
                  reader->source.box.area, (long long)batch->counted, (long long)met);
    run_fail_balance(run, err);
    return err->code;
}

/* What a source hands over is looked at before anything relies on it. */
static int reader_check_batch(struct run *run, const struct tow_batch *batch, struct tow_error *err)
{
    int rc = TOW_OK;

    if (batch->position.length > TOW_POSITION_MAX)
        rc = tow_error_set(err, TOW_E_BUG, "a position of %u bytes; at most %d are allowed",
                           batch->position.length, TOW_POSITION_MAX);
    if (!rc)
        rc = typed_check_batch(run, batch, err);
    if (!rc && batch->array.release)
        rc = tow_array_validate(
            &batch->array, batch->flags & TOW_BATCH_TYPED ? &run->reader.typed : &run->in, err);
    if (!rc)
        rc = reader_check_lines(batch, err);
    if (rc)
        return tow_error_prefix(err, "%s: read", run->reader.source.box.area);
    /* What a trial has cut off is in the source's count. */
    return reader_left(run) == 0 ? TOW_OK : reader_check_count(run, batch, err);
}

/* A trial ends in the middle of a batch if need be. */
static int reader_limit(struct run *run, struct tow_batch *batch, struct tow_error *err)
{
    int64_t left = reader_left(run);

    if (!batch->array.release || batch->array.length <= left)
        return TOW_OK;
    struct tow_share *share = tow_share_new(&batch->array, err);
    if (!share)
        return TOW_E_NOMEM;
    int rc = tow_share_slice(share, 0, left, &batch->array, err);
    tow_share_unref(share);
    if (batch->lines.release)
        batch->lines.length = batch->array.length;
    return rc;
}

/* One batch from the source, retried by the rules. */
static int reader_read(struct run *run, struct tow_batch *batch, struct tow_error *err)
{
    struct run_instance *source = &run->reader.source;
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &run->job->retry);
    for (;;) {
        *batch = (struct tow_batch){.size = sizeof *batch, .position.size = sizeof batch->position};
        tow_host_clear(err);
        int rc = source->instance.plugin->source->read(source->instance.self, batch, err);

        if (rc != TOW_END)
            rc = tow_host_result(&source->box, "read", rc, err);
        if (rc >= TOW_OK)
            return rc;
        reader_drop_batch(batch);
        if (!run_retry(run, &backoff, err))
            return err->code;
    }
}

static int reader_at_end(struct run *run, const struct tow_batch *batch, struct tow_error *err)
{
    struct run_reader *reader = &run->reader;

    if (reader->unreadable || batch->array.release)
        return tow_error_set(err, TOW_E_BUG, "%s: read: rows together with TOW_END",
                             reader->source.box.area);
    int rc = reader_check_batch(run, batch, err);
    if (rc)
        return rc;
    reader->at_end = 1;
    reader->end = batch->position;
    return TOW_END;
}

/* ---- transforming --------------------------------------------------------------------------- */

/* Ends the stage `who`, which handed out `length` rows; a row may not get lost on the way. */
static int reader_end_stage(struct run *run, const char *who, int64_t length, struct tow_error *err)
{
    if (record_end_stage(run->reader.current, length, err) == TOW_OK)
        return TOW_OK;
    if (err->code == TOW_E_BUG) {
        tow_error_prefix(err, "%s", who);
        run_fail_balance(run, err);
    }
    return err->code;
}

/* TOW_E_DATA rejects what is left of the batch. */
static int reader_apply(struct run *run, size_t i, const struct ArrowArray *in,
                        struct ArrowArray *out, struct tow_error *err)
{
    struct run_instance *transform = &run->reader.transforms[i];
    struct record *record = run->reader.current;
    struct tow_rows rows = {.size = sizeof rows, .attempt = 1, .seq = record->seq, .array = in};

    tow_host_clear(err);
    int rc =
        transform->instance.plugin->transform->apply(transform->instance.self, &rows, out, err);
    rc = tow_host_result(&transform->box, "apply", rc, err);
    if (rc == TOW_E_DATA) {
        char reason[sizeof err->message];

        memcpy(reason, err->message, sizeof reason);
        return record_reject_stage(record, RECORD_TRANSFORM, "refused", reason, err);
    }
    if (!rc && tow_array_validate(out, &run->reader.schemas[i], err))
        rc = tow_error_prefix(err, "%s: apply", transform->box.area);
    return rc ? rc : reader_end_stage(run, transform->box.area, out->length, err);
}

static int reader_transform(struct run *run, size_t i, struct tow_share **current,
                            struct tow_error *err)
{
    struct ArrowArray out = {0};
    int rc = reader_apply(run, i, tow_share_array(*current), &out, err);
    struct tow_share *next = NULL;

    if (!rc && run->reader.current->open > 0) {
        next = tow_share_new(&out, err);
        rc = next ? TOW_OK : TOW_E_NOMEM;
    }
    if (out.release)
        out.release(&out);
    if (!next)
        return rc;
    tow_share_unref(*current);
    *current = next;
    return TOW_OK;
}

static int reader_columns(struct run *run, struct tow_share *current, struct ArrowArray *out,
                          struct tow_error *err)
{
    struct run_reader *reader = &run->reader;

    if (!reader->columns)
        return tow_share_slice(current, 0, tow_share_array(current)->length, out, err);
    int rc = tow_columns_apply(typed_columns_for(reader, reader->current), current, out,
                               reader_reject_value, run, err);
    return rc ? rc : reader_end_stage(run, "columns", out->length, err);
}

static int reader_stages(struct run *run, struct record *record, struct tow_error *err)
{
    struct tow_share *current = tow_share_ref(record->source);
    struct ArrowArray out = {0};
    int rc = TOW_OK;

    run->reader.current = record;
    run->reader.stage = RECORD_TRANSFORM;
    for (size_t i = 0; !rc && record->open > 0 && i < run->job->transform_count; i++)
        rc = reader_transform(run, i, &current, err);
    run->reader.stage = RECORD_COLUMNS;
    if (!rc && record->open > 0)
        rc = reader_columns(run, current, &out, err);
    run->reader.current = NULL;
    tow_share_unref(current);
    if (rc && out.release)
        out.release(&out);
    if (!rc && out.release)
        record_outgoing(record, &out);
    return rc;
}

static int reader_make_record(struct run *run, struct tow_batch *batch, struct record **out,
                              struct tow_error *err)
{
    struct run_reader *reader = &run->reader;
    int rc = record_new(out, reader->seq + 1, batch, err);

    if (rc)
        return rc;
    reader->seq++;
    if (reader->unreadable)
        record_adopt_unreadable(*out, reader->unreadable);
    record_free(reader->unreadable);
    reader->unreadable = NULL;
    reader->read += (*out)->source_rows + (*out)->rejected;
    (*out)->read_through = reader->read;
    pthread_mutex_lock(&run->lock);
    run->counts.read = reader->read;
    run->counts.bytes += (int64_t)(*out)->read_bytes;
    run->counts.batches++;
    pthread_mutex_unlock(&run->lock);
    rc = (*out)->source ? reader_stages(run, *out, err) : TOW_OK;
    return rc ? rc : ahead_apply(run, *out, err);
}

/* What a source returns that waits for data. */
static int reader_is_idle(const struct run *run, const struct tow_batch *batch)
{
    const struct tow_position *last = &run->reader.last;

    return !batch->array.release && !run->reader.unreadable && !batch->mark_key &&
           batch->position.length == last->length &&
           memcmp(batch->position.bytes, last->bytes, last->length) == 0;
}

int reader_next(struct run *run, struct record **record, struct tow_error *err)
{
    struct tow_batch batch;

    *record = NULL;
    int rc = reader_read(run, &batch, err);
    if (rc == TOW_OK)
        rc = reader_check_batch(run, &batch, err);
    if (rc == TOW_OK && reader_is_idle(run, &batch))
        return TOW_OK;
    run->reader.last = batch.position;
    if (rc == TOW_OK)
        rc = reader_limit(run, &batch, err);
    if (rc == TOW_OK)
        rc = reader_make_record(run, &batch, record, err);
    else if (rc == TOW_END)
        rc = reader_at_end(run, &batch, err);
    if (rc) {
        record_free(*record);
        *record = NULL;
    }
    reader_drop_batch(&batch);
    return rc;
}
