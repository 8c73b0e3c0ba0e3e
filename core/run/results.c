/* The job's `results`: every row with what became of it, through any sink. */
#include <stdlib.h>
#include <string.h>

#include "run/results.h"
#include "run/run_priv.h"
#include "towpath/clock.h"

enum { RESULT_SUCCESS, RESULT_CODE, RESULT_MESSAGE, RESULT_TIME, RESULT_COLUMNS };

static const struct tow_field results_fields[RESULT_COLUMNS] = {
    {"success", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"error_code", {TOW_TYPE_STRING, 0, 0}, 0},
    {"error_message", {TOW_TYPE_STRING, 0, 0}, 0},
    {"processed_timestamp", {TOW_TYPE_TIMESTAMP, 0, 0}, 1},
};

struct run_results {
    struct run_instance sink;
    struct ArrowSchema schema;
    int64_t *kept; /* the source's columns that go in: all but those that are named like ours */
    int64_t kept_count;
    struct tow_builder *fates;          /* the four columns */
    struct tow_builder *blanks;         /* the source's columns, for rows that could not be read */
    const struct record_note **note_of; /* per source row; scratch */
    int64_t note_of_capacity;
    struct record *current;   /* what the sink is settling now */
    struct tow_error refused; /* a row that the sink would not take; code TOW_OK: none */
};

/* ---- schema --------------------------------------------------------------------------------- */

static int results_is_ours(const char *name)
{
    for (int i = 0; i < RESULT_COLUMNS; i++)
        if (strcmp(results_fields[i].name, name) == 0)
            return 1;
    return 0;
}

/* Fills `fields` with the source's columns that are kept, then ours; there is room for all. */
static int results_list(const struct ArrowSchema *in, struct tow_field *fields, size_t *kept,
                        struct tow_error *err)
{
    int rc = TOW_OK;

    *kept = 0;
    for (int64_t i = 0; !rc && i < in->n_children; i++) {
        if (results_is_ours(in->children[i]->name))
            continue;
        rc = tow_schema_field(in, i, &fields[*kept], err);
        fields[*kept].not_null = 0;
        ++*kept;
    }
    memcpy(fields + *kept, results_fields, sizeof results_fields);
    return rc;
}

static struct tow_field *results_room(const struct ArrowSchema *in, struct tow_error *err)
{
    struct tow_field *fields = calloc((size_t)in->n_children + RESULT_COLUMNS, sizeof *fields);

    if (!fields)
        tow_error_nomem(err);
    return fields;
}

int results_schema(const struct ArrowSchema *in, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field *fields = results_room(in, err);
    size_t kept;

    if (!fields)
        return TOW_E_NOMEM;
    int rc = results_list(in, fields, &kept, err);
    if (!rc)
        rc = tow_schema_make(out, fields, kept + RESULT_COLUMNS, err);
    free(fields);
    return rc;
}

static int results_keep(struct run_results *results, const struct ArrowSchema *in,
                        struct tow_error *err)
{
    results->kept = calloc((size_t)in->n_children + 1, sizeof *results->kept);
    if (!results->kept)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < in->n_children; i++)
        if (!results_is_ours(in->children[i]->name))
            results->kept[results->kept_count++] = i;
    return TOW_OK;
}

static int results_builders(struct run_results *results, const struct ArrowSchema *in,
                            struct tow_error *err)
{
    struct tow_field *fields = results_room(in, err);
    size_t kept;

    if (!fields)
        return TOW_E_NOMEM;
    int rc = results_list(in, fields, &kept, err);
    if (!rc) {
        results->blanks = tow_builder_new(fields, kept, err);
        rc = results->blanks ? TOW_OK : err->code;
    }
    if (!rc) {
        results->fates = tow_builder_new(results_fields, RESULT_COLUMNS, err);
        rc = results->fates ? TOW_OK : err->code;
    }
    free(fields);
    return rc;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int results_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                          const char *code, const char *message)
{
    struct run_results *results = context;
    struct record *record = results->current;
    struct tow_error err = TOW_ERROR_INIT;
    int rc;

    (void)code;
    if (!record || record->seq != seq)
        rc = tow_error_set(&err, TOW_E_BUG, "batch %llu is not in the results sink's hands",
                           (unsigned long long)seq);
    else if (outcome != TOW_ROW_ACCEPTED)
        rc = tow_error_set(&err, TOW_E_ENV, "a row was refused: %s",
                           message ? message : "no reason given");
    else
        rc = record_settle_try(record, first, count, outcome, NULL, NULL, &err);
    if (rc && results->refused.code == TOW_OK)
        results->refused = err;
    return rc;
}

int results_open(struct run *run, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    struct run_results *results;
    int rc;

    if (!run->assembly->results)
        return TOW_OK;
    results = run->results = calloc(1, sizeof *results);
    if (!results)
        return tow_error_nomem(err);
    results->refused = (struct tow_error)TOW_ERROR_INIT;
    rc = results_schema(&run->in, &results->schema, err);
    if (!rc)
        rc = results_keep(results, &run->in, err);
    if (!rc)
        rc = results_builders(results, &run->in, err);
    if (rc)
        return rc;
    const struct tow_checkpoint *resume = &run->resume;
    const struct run_sink what = {
        .plugin = run->assembly->results,
        .section = &run->job->results,
        .role = "results",
        .workers = 1,
        .token = resume->token_count ? &resume->tokens[resume->token_count - 1] : &none,
        .schema = &results->schema,
        .settle = results_settle,
        .context = results,
    };
    return run_open_sink(run, &what, &results->sink, err);
}

void results_close(struct run *run)
{
    struct run_results *results = run->results;

    if (!results)
        return;
    run_close_sink(&results->sink);
    if (results->schema.release)
        results->schema.release(&results->schema);
    tow_builder_free(results->fates);
    tow_builder_free(results->blanks);
    free(results->kept);
    free(results->note_of);
    free(results);
    run->results = NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int results_append(struct run_results *results, int outcome, const struct record *record,
                          const struct record_note *note, struct tow_error *err)
{
    struct tow_builder *fates = results->fates;
    int rc = TOW_OK;

    if (outcome != TOW_ROW_FILTERED)
        rc = tow_append_bool(fates, RESULT_SUCCESS, outcome == TOW_ROW_ACCEPTED, err);
    if (!rc && outcome == TOW_ROW_FILTERED)
        rc = tow_append_text(fates, RESULT_CODE, "filtered", err);
    if (!rc && note)
        rc = tow_append_text(fates, RESULT_CODE, record_code(record, note), err);
    if (!rc && note)
        rc = tow_append_text(fates, RESULT_MESSAGE, record_message(record, note), err);
    if (!rc)
        rc = tow_append_int64(fates, RESULT_TIME, tow_now_us(), err);
    return rc ? rc : tow_builder_end_row(fates, err);
}

static int results_note_rows(struct run_results *results, const struct record *record,
                             struct tow_error *err)
{
    if (results->note_of_capacity < record->source_rows) {
        const struct record_note **note_of =
            reallocarray(results->note_of, (size_t)record->source_rows, sizeof *note_of);

        if (!note_of)
            return tow_error_nomem(err);
        results->note_of = note_of;
        results->note_of_capacity = record->source_rows;
    }
    memset(results->note_of, 0, (size_t)record->source_rows * sizeof *results->note_of);
    for (size_t i = 0; i < record->note_count; i++)
        if (record->notes[i].row >= 0)
            results->note_of[record->notes[i].row] = &record->notes[i];
    return TOW_OK;
}

/* One array out of `count` columns of `left` and the four of the fates. Both are taken over. */
static int results_join(struct run_results *results, struct ArrowArray *columns, int64_t length,
                        struct ArrowArray *out, struct tow_error *err)
{
    struct ArrowArray fates = {0};
    int rc = tow_builder_finish(results->fates, &fates, err);
    struct tow_share *share = rc ? NULL : tow_share_new(&fates, err);

    if (!share) {
        if (fates.release)
            fates.release(&fates);
        return rc ? rc : TOW_E_NOMEM;
    }
    for (int64_t i = 0; !rc && i < RESULT_COLUMNS; i++)
        rc = tow_share_column(share, i, &columns[results->kept_count + i], err);
    tow_share_unref(share);
    return rc ? rc
              : tow_struct_make(out, columns, results->kept_count + RESULT_COLUMNS, length, err);
}

static int results_columns(struct run_results *results, struct tow_share *from, int all,
                           struct ArrowArray *out, struct tow_error *err)
{
    int64_t count = results->kept_count + RESULT_COLUMNS;
    struct ArrowArray *columns = calloc((size_t)count, sizeof *columns);
    int rc = columns ? TOW_OK : tow_error_nomem(err);

    for (int64_t i = 0; !rc && i < results->kept_count; i++)
        rc = tow_share_column(from, all ? results->kept[i] : i, &columns[i], err);
    if (!rc)
        rc = results_join(results, columns, tow_share_array(from)->length, out, err);
    for (int64_t i = 0; columns && i < count; i++)
        if (columns[i].release)
            columns[i].release(&columns[i]);
    free(columns);
    return rc;
}

/* The rows that the source read. */
static int results_of_rows(struct run_results *results, const struct record *record,
                           struct ArrowArray *out, struct tow_error *err)
{
    int rc = results_note_rows(results, record, err);

    for (int64_t row = 0; !rc && row < record->source_rows; row++)
        rc = results_append(results, record->fate[row], record, results->note_of[row], err);
    return rc ? rc : results_columns(results, record->source, 1, out, err);
}

/* The rows that it could not read: columns empty, reason given. */
static int results_of_unreadable(struct run_results *results, const struct record *record,
                                 struct ArrowArray *out, struct tow_error *err)
{
    struct ArrowArray blanks = {0};
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < record->note_count; i++)
        if (record->notes[i].row < 0) {
            rc = results_append(results, TOW_ROW_REJECTED, record, &record->notes[i], err);
            if (!rc)
                rc = tow_builder_end_row(results->blanks, err);
        }
    if (!rc)
        rc = tow_builder_finish(results->blanks, &blanks, err);
    struct tow_share *share = rc ? NULL : tow_share_new(&blanks, err);
    if (blanks.release)
        blanks.release(&blanks);
    if (!share)
        return rc ? rc : TOW_E_NOMEM;
    rc = results_columns(results, share, 0, out, err);
    tow_share_unref(share);
    return rc;
}

/* ---- sending -------------------------------------------------------------------------------- */

static int results_try(struct run *run, struct record *record, struct tow_error *err)
{
    struct run_results *results = run->results;
    struct tow_rows offer = {.size = sizeof offer, .seq = record->seq};
    int rc = record_try(record, &results->schema, &offer.array, err);

    if (rc)
        return rc;
    offer.attempt = record->tries;
    tow_host_clear(err);
    rc = run->assembly->results->sink->write(results->sink.instance.self, &offer, err);
    return tow_host_result(&results->sink.box, "write", rc, err);
}

/* A sink that defers is flushed at once: the rows go away. Where that fails, it gets those rows
 * again that it has not settled. */
static int results_offer(struct run *run, struct record *record, struct tow_error *err)
{
    struct run_results *results = run->results;
    struct tow_position token;
    int rc = TOW_OK;

    results->current = record;
    if (record->open > 0)
        rc = results_try(run, record, err);
    if (!rc && run->assembly->results->sink->flags & TOW_SINK_DEFERS)
        rc = run_flush_sink(&results->sink, &token, err);
    results->current = NULL;
    if (results->refused.code == TOW_OK)
        return rc;
    *err = results->refused;
    return tow_host_result(&results->sink.box, "write", err->code, err);
}

static int results_send_record(struct run *run, struct record *record, struct tow_error *err)
{
    struct ArrowArray out = {0};
    struct tow_backoff backoff;
    int rc = tow_share_slice(record->source, 0, record->source_rows, &out, err);

    if (rc)
        return rc;
    record_outgoing(record, &out);
    tow_backoff_init(&backoff, &run->job->retry);
    while (results_offer(run, record, err))
        if (!run_retry(run, &backoff, err))
            return err->code;
    return TOW_OK;
}

/* Sends an array, which is taken over. */
static int results_send(struct run *run, uint64_t seq, struct ArrowArray *rows,
                        struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .array = *rows};
    struct record *record = NULL;
    int rc = record_new(&record, seq, &batch, err);

    rows->release = NULL;
    if (!rc)
        rc = results_send_record(run, record, err);
    else if (batch.array.release)
        batch.array.release(&batch.array);
    record_free(record);
    return rc;
}

int results_flush(struct run *run, struct tow_position *token, struct tow_error *err)
{
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &run->job->retry);
    while (run_flush_sink(&run->results->sink, token, err))
        if (!run_retry(run, &backoff, err))
            return err->code;
    return TOW_OK;
}

/* A batch gives up to two: the rows that were read, and those that could not be. Numbers follow
 * from the batch's, so that they are the same when it comes again. */
int results_write(struct run *run, const struct record *record, struct tow_error *err)
{
    struct run_results *results = run->results;
    struct ArrowArray rows = {0};
    int64_t unreadable = 0;
    int rc = TOW_OK;

    if (!results)
        return TOW_OK;
    for (size_t i = 0; i < record->note_count; i++)
        unreadable += record->notes[i].row < 0;
    if (record->source_rows > 0) {
        rc = results_of_rows(results, record, &rows, err);
        if (!rc)
            rc = results_send(run, record->seq * 2, &rows, err);
    }
    if (!rc && unreadable > 0) {
        rc = results_of_unreadable(results, record, &rows, err);
        if (!rc)
            rc = results_send(run, record->seq * 2 + 1, &rows, err);
    }
    if (rc) {
        tow_builder_reset(results->fates);
        tow_builder_reset(results->blanks);
    }
    return rc;
}

int results_finish(struct run *run, struct tow_error *err)
{
    return run->results ? run_finish_sink(run, &run->results->sink, err) : TOW_OK;
}
