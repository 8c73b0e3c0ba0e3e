/* The job's `results`: every row with what became of it, through any sink. */
#include <stdlib.h>
#include <string.h>

#include "run/backoff.h"
#include "run/run_priv.h"

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
    struct record *current; /* what the sink is settling now */
};

/* ---- schema --------------------------------------------------------------------------------- */

static int results_is_ours(const char *name)
{
    for (int i = 0; i < RESULT_COLUMNS; i++)
        if (strcmp(results_fields[i].name, name) == 0)
            return 1;
    return 0;
}

static int results_schema(struct run_results *results, const struct ArrowSchema *in,
                          struct tow_error *err)
{
    size_t room = (size_t)in->n_children + RESULT_COLUMNS;
    struct tow_field *fields = calloc(room, sizeof *fields);
    int rc = TOW_OK;

    results->kept = calloc(room, sizeof *results->kept);
    if (!fields || !results->kept) {
        free(fields);
        return tow_error_nomem(err);
    }
    for (int64_t i = 0; !rc && i < in->n_children; i++) {
        if (results_is_ours(in->children[i]->name))
            continue;
        rc = tow_schema_field(in, i, &fields[results->kept_count], err);
        fields[results->kept_count].not_null = 0;
        results->kept[results->kept_count++] = i;
    }
    size_t count = (size_t)results->kept_count;
    if (!rc) {
        results->blanks = tow_builder_new(fields, count, err);
        rc = results->blanks ? TOW_OK : err->code;
    }
    memcpy(fields + count, results_fields, sizeof results_fields);
    if (!rc)
        rc = tow_schema_make(&results->schema, fields, count + RESULT_COLUMNS, err);
    free(fields);
    return rc;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int results_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                          const char *code, const char *message)
{
    struct run *run = context;
    struct tow_error err = TOW_ERROR_INIT;
    struct record *record = run->results->current;
    int rc;

    (void)code;
    if (!record || record->seq != seq)
        rc = tow_error_set(&err, TOW_E_BUG, "batch %llu is not in the results sink's hands",
                           (unsigned long long)seq);
    else if (outcome != TOW_ROW_ACCEPTED)
        rc = tow_error_set(&err, TOW_E_ENV, "results: a row was refused: %s",
                           message ? message : "no reason given");
    else
        rc = record_settle_try(record, first, count, outcome, NULL, NULL, &err);
    if (rc)
        run_fail(run, &err, -1);
    return rc;
}

int results_open(struct run *run, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_position *token = &none;
    const struct tow_plugin *plugin = run->assembly->results;
    struct run_results *results;
    int rc;

    if (!plugin)
        return TOW_OK;
    results = run->results = calloc(1, sizeof *results);
    if (!results)
        return tow_error_nomem(err);
    rc = results_schema(results, &run->in, err);
    if (!rc) {
        results->fates = tow_builder_new(results_fields, RESULT_COLUMNS, err);
        rc = results->fates ? TOW_OK : err->code;
    }
    if (!rc)
        rc = run_open_instance(run, &results->sink, plugin, &run->job->results, "results", err);
    if (rc)
        return rc;
    if (run->resume.token_count > 0)
        token = &run->resume.tokens[run->resume.token_count - 1];
    results->sink.box.settle = results_settle;
    results->sink.box.context = run;
    results->sink.opened = 1;
    rc = plugin->sink->open(results->sink.instance.self, &results->sink.box.host, token, err);
    rc = run_call_result(&results->sink, "open", rc, err);
    if (rc)
        return rc;
    rc = plugin->sink->begin(results->sink.instance.self, &results->sink.box.host, &results->schema,
                             err);
    return run_call_result(&results->sink, "begin", rc, err);
}

void results_close(struct run *run)
{
    struct run_results *results = run->results;

    if (!results)
        return;
    if (results->sink.opened && run->assembly->results->sink->close)
        run->assembly->results->sink->close(results->sink.instance.self);
    run_close_instance(&results->sink);
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

static int results_try(struct run *run, struct record *record, uint32_t attempt,
                       struct tow_error *err)
{
    struct run_results *results = run->results;
    struct tow_rows offer = {.size = sizeof offer, .attempt = attempt, .seq = record->seq};
    int rc = record_try(record, &results->schema, &offer.array, err);

    if (rc)
        return rc;
    results->current = record;
    rc = run->assembly->results->sink->write(results->sink.instance.self, &offer, err);
    rc = run_call_result(&results->sink, "write", rc, err);
    results->current = NULL;
    return rc;
}

static int results_retry(struct run *run, struct tow_backoff *backoff, struct tow_error *err)
{
    if (tow_backoff_next(backoff, err, run->options->cancel) != TOW_BACKOFF_AGAIN)
        return 0;
    run_count_retry(run);
    return 1;
}

int results_flush(struct run *run, struct tow_position *token, struct tow_error *err)
{
    struct run_results *results = run->results;
    struct tow_backoff backoff;
    int rc;

    tow_backoff_init(&backoff, &run->job->retry);
    do {
        *token = (struct tow_position){.size = sizeof *token};
        rc = run->assembly->results->sink->flush(results->sink.instance.self, token, err);
        rc = run_call_result(&results->sink, "flush", rc, err);
    } while (rc && results_retry(run, &backoff, err));
    return rc;
}

static int results_flush_now(struct run *run, struct tow_error *err)
{
    struct tow_position token;

    return results_flush(run, &token, err);
}

/* Sends an array, which is taken over. A sink that defers is flushed at once: the rows go away. */
static int results_send(struct run *run, uint64_t seq, struct ArrowArray *rows,
                        struct tow_error *err)
{
    struct tow_batch batch = {.size = sizeof batch, .array = *rows};
    struct record *record = NULL;
    struct tow_backoff backoff;
    int rc = record_new(&record, seq, &batch, err);

    rows->release = NULL;
    if (rc) {
        if (batch.array.release)
            batch.array.release(&batch.array);
        return rc;
    }
    struct ArrowArray out = {0};
    rc = tow_share_slice(record->source, 0, record->source_rows, &out, err);
    if (!rc)
        record_outgoing(record, &out);
    tow_backoff_init(&backoff, &run->job->retry);
    for (uint32_t attempt = 1; !rc; attempt++) {
        rc = results_try(run, record, attempt, err);
        if (!rc || tow_backoff_next(&backoff, err, run->options->cancel) != TOW_BACKOFF_AGAIN)
            break;
        run_count_retry(run);
        rc = TOW_OK;
    }
    if (!rc && run->assembly->results->sink->flags & TOW_SINK_DEFERS)
        rc = results_flush_now(run, err);
    record_free(record);
    return rc;
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
    struct run_results *results = run->results;
    struct tow_backoff backoff;
    int rc;

    if (!results || !run->assembly->results->sink->finish)
        return TOW_OK;
    tow_backoff_init(&backoff, &run->job->retry);
    do {
        rc = run->assembly->results->sink->finish(results->sink.instance.self, err);
        rc = run_call_result(&results->sink, "finish", rc, err);
    } while (rc && results_retry(run, &backoff, err));
    return rc;
}
