/* Batches that a source hands out in the types that the job's columns want. */
#include "columns/wishes.h"
#include "log.h"
#include "run/run_priv.h"

/* Whoever else looks at the source's rows sees them by the source's schema. */
static int typed_may_ask(const struct run *run)
{
    const struct tow_source_ops *ops = run->reader.source.instance.plugin->source;

    return run->reader.columns && run->job->transform_count == 0 && !run->assembly->results &&
           ops->size >= offsetof(struct tow_source_ops, types) + sizeof ops->types && ops->types;
}

static int typed_ask(struct run *run, const struct tow_wishes *wishes, struct tow_error *err)
{
    struct run_instance *source = &run->reader.source;
    struct ArrowSchema *typed = &run->reader.typed;
    size_t count;
    const struct tow_wish *list = tow_wishes_list(wishes, &count);

    tow_host_clear(err);
    int rc = source->instance.plugin->source->types(source->instance.self, list, count, typed, err);
    rc = tow_host_result(&source->box, "types", rc, err);
    if (!rc && typed->release && tow_schema_validate(typed, err))
        rc = tow_error_prefix(err, "%s: types", source->box.area);
    return rc;
}

static int typed_make_columns(struct run *run, const struct tow_wishes *wishes,
                              struct tow_error *err)
{
    struct run_reader *reader = &run->reader;
    int rc = tow_wishes_columns(wishes, &reader->typed, &reader->typed_columns, err);

    if (!rc && !tow_schema_equal(tow_columns_schema(reader->typed_columns), &run->out))
        rc = tow_error_set(err, TOW_E_BUG, "typed batches lead to other columns than text does");
    return rc ? tow_error_prefix(err, "%s", reader->source.box.area) : TOW_OK;
}

int typed_open(struct run *run, struct tow_error *err)
{
    struct tow_wishes *wishes = NULL;
    int rc = TOW_OK;

    if (typed_may_ask(run))
        rc = tow_wishes_new(run->job->columns, run->job->column_count, &run->in, &wishes, err);
    if (!rc && wishes)
        rc = typed_ask(run, wishes, err);
    if (!rc && run->reader.typed.release) {
        rc = typed_make_columns(run, wishes, err);
        tow_log_line(TOW_LOG_DEBUG, run->reader.source.box.area,
                     "makes %lld of %lld columns itself", (long long)run->reader.typed.n_children,
                     (long long)run->in.n_children);
    }
    tow_wishes_free(wishes);
    return rc;
}

void typed_close(struct run *run)
{
    struct run_reader *reader = &run->reader;

    tow_columns_free(reader->typed_columns);
    reader->typed_columns = NULL;
    if (reader->typed.release)
        reader->typed.release(&reader->typed);
}

int typed_check_batch(const struct run *run, const struct tow_batch *batch, struct tow_error *err)
{
    if (!(batch->flags & TOW_BATCH_TYPED))
        return batch->held ? tow_error_set(err, TOW_E_BUG, "something is held for a batch of text")
                           : TOW_OK;
    if (!run->reader.typed.release)
        return tow_error_set(err, TOW_E_BUG, "a typed batch, but no types were agreed on");
    if (!batch->held || !batch->as_text || !batch->let_go || batch->held_bytes < 0)
        return tow_error_set(err, TOW_E_BUG, "a typed batch without its text");
    return TOW_OK;
}

/* Where both kinds take turns, one has the memory at a time. */
struct tow_columns *typed_columns_for(struct run_reader *reader, const struct record *record)
{
    struct tow_columns *columns = record->is_typed ? reader->typed_columns : reader->columns;

    if (reader->typed_columns && record->is_typed != reader->was_typed)
        tow_columns_rest(record->is_typed ? reader->columns : reader->typed_columns);
    reader->was_typed = record->is_typed;
    return columns;
}
