#include "run/history.h"

#include <string.h>

#include "log.h"
#include "run/run_priv.h"

/* What waits at the end of a run, for a history, is not worth more. */
#define HISTORY_BUDGET_MS 60000

enum {
    HISTORY_JOB,
    HISTORY_RUN,
    HISTORY_LOAD,
    HISTORY_REPLAY_OF,
    HISTORY_STATUS,
    HISTORY_EXIT_CODE,
    HISTORY_ERROR,
    HISTORY_STARTED,
    HISTORY_ENDED,
    HISTORY_READ,
    HISTORY_ACCEPTED,
    HISTORY_REJECTED,
    HISTORY_FILTERED,
    HISTORY_PENDING,
    HISTORY_RETRIES,
    HISTORY_POSITION,
    HISTORY_COLUMNS
};

static const struct tow_field history_fields[HISTORY_COLUMNS] = {
    [HISTORY_JOB] = {"job", {TOW_TYPE_STRING, 0, 0}, 1},
    [HISTORY_RUN] = {"run", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_LOAD] = {"load", {TOW_TYPE_STRING, 0, 0}, 1},
    [HISTORY_REPLAY_OF] = {"replay_of", {TOW_TYPE_INT64, 0, 0}, 0},
    [HISTORY_STATUS] = {"status", {TOW_TYPE_STRING, 0, 0}, 1},
    [HISTORY_EXIT_CODE] = {"exit_code", {TOW_TYPE_INT32, 0, 0}, 1},
    [HISTORY_ERROR] = {"error", {TOW_TYPE_STRING, 0, 0}, 0},
    [HISTORY_STARTED] = {"started_at", {TOW_TYPE_TIMESTAMP, 0, 0}, 1},
    [HISTORY_ENDED] = {"ended_at", {TOW_TYPE_TIMESTAMP, 0, 0}, 1},
    [HISTORY_READ] = {"read", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_ACCEPTED] = {"accepted", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_REJECTED] = {"rejected", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_FILTERED] = {"filtered", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_PENDING] = {"pending", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_RETRIES] = {"retries", {TOW_TYPE_INT64, 0, 0}, 1},
    [HISTORY_POSITION] = {"position", {TOW_TYPE_STRING, 0, 0}, 0},
};

int history_schema(struct ArrowSchema *out, struct tow_error *err)
{
    return tow_schema_make(out, history_fields, HISTORY_COLUMNS, err);
}

/* ---- the row -------------------------------------------------------------------------------- */

static int history_append_texts(struct tow_builder *builder, const struct run *run,
                                struct tow_error *err)
{
    const struct tow_run_report *report = run->report;
    const struct {
        size_t column;
        const char *text;
    } texts[] = {{HISTORY_JOB, run->job->name},
                 {HISTORY_LOAD, report->load_id},
                 {HISTORY_STATUS, report->status},
                 {HISTORY_ERROR, report->error.code ? report->error.message : NULL}};
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < sizeof texts / sizeof *texts; i++)
        rc = tow_append_text(builder, texts[i].column, texts[i].text, err);
    return rc;
}

static int history_append_numbers(struct tow_builder *builder, const struct run *run,
                                  struct tow_error *err)
{
    const struct tow_run_report *report = run->report;
    const struct tow_counts *counts = &report->counts;
    const struct {
        size_t column;
        int64_t value;
    } numbers[] = {{HISTORY_RUN, report->run},           {HISTORY_EXIT_CODE, report->exit_code},
                   {HISTORY_STARTED, report->start_us},  {HISTORY_ENDED, report->end_us},
                   {HISTORY_READ, counts->read},         {HISTORY_ACCEPTED, counts->accepted},
                   {HISTORY_REJECTED, counts->rejected}, {HISTORY_FILTERED, counts->filtered},
                   {HISTORY_PENDING, counts->pending},   {HISTORY_RETRIES, counts->retries}};
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < sizeof numbers / sizeof *numbers; i++)
        rc = tow_append_int64(builder, numbers[i].column, numbers[i].value, err);
    if (!rc && run->options->replay_of)
        rc = tow_append_int64(builder, HISTORY_REPLAY_OF, run->options->replay_of, err);
    return rc;
}

/* Where the source stands, if that is text; else null. */
static int history_append_position(struct tow_builder *builder, const struct run *run,
                                   struct tow_error *err)
{
    const struct tow_position *position = &run->settled.position;

    if (position->length == 0 || !tow_utf8_valid((const char *)position->bytes, position->length))
        return TOW_OK;
    for (uint32_t i = 0; i < position->length; i++)
        if (position->bytes[i] < 0x20 || position->bytes[i] == 0x7f)
            return TOW_OK;
    return tow_append_bytes(builder, HISTORY_POSITION, position->bytes, position->length, err);
}

static int history_row(const struct run *run, struct ArrowArray *out, struct tow_error *err)
{
    struct tow_builder *builder = tow_builder_new(history_fields, HISTORY_COLUMNS, err);
    int rc = builder ? TOW_OK : err->code;

    if (!rc)
        rc = history_append_texts(builder, run, err);
    if (!rc)
        rc = history_append_numbers(builder, run, err);
    if (!rc)
        rc = history_append_position(builder, run, err);
    if (!rc)
        rc = tow_builder_end_row(builder, err);
    if (!rc)
        rc = tow_builder_finish(builder, out, err);
    tow_builder_free(builder);
    return rc;
}

/* ---- writing it ----------------------------------------------------------------------------- */

struct history {
    struct run *run;
    struct run_instance sink;
    struct ArrowSchema schema;
    struct ArrowArray row;
    char job[80];             /* a name that no job has: nothing of it meets what the sink leaves */
    char load_id[33];         /* of this row alone */
    struct tow_error refused; /* what the sink said of the row; code TOW_OK: nothing */
};

static int history_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                          const char *code, const char *message)
{
    struct history *history = context;

    (void)seq, (void)first, (void)count, (void)code;
    if (outcome != TOW_ROW_ACCEPTED)
        tow_error_set(&history->refused, TOW_E_ENV, "the row was refused: %s",
                      message ? message : "no reason given");
    return TOW_OK;
}

static int history_open(struct history *history, struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    struct run *run = history->run;
    struct run_instance *sink = &history->sink;
    struct tow_host_box *box = &sink->box;
    int rc =
        run_open_instance(run, sink, run->assembly->history, &run->job->history, "history", err);

    if (rc)
        return rc;
    box->host.job = history->job;
    box->host.load_id = history->load_id;
    box->host.replay = 0;
    box->cancel = run->options->abort; /* the first signal ended the run, and is over */
    box->asked = NULL;
    box->ledger_job = run->job->name;
    box->settle = history_settle;
    box->context = history;
    sink->opened = 1;
    tow_host_clear(err);
    rc = sink->instance.plugin->sink->open(sink->instance.self, &box->host, &none, err);
    return tow_host_result(box, "open", rc, err);
}

static int history_begin(struct history *history, struct tow_error *err)
{
    struct run_instance *sink = &history->sink;
    int rc = sink->instance.plugin->sink->begin(sink->instance.self, &sink->box.host,
                                                &history->schema, err);

    return tow_host_result(&sink->box, "begin", rc, err);
}

static int history_write(struct history *history, struct tow_error *err)
{
    struct run_instance *sink = &history->sink;
    const struct tow_rows rows = {
        .size = sizeof rows, .attempt = 1, .seq = 1, .array = &history->row};
    int rc = sink->instance.plugin->sink->write(sink->instance.self, &rows, err);

    return tow_host_result(&sink->box, "write", rc, err);
}

static int history_flush(struct history *history, struct tow_error *err)
{
    struct tow_position token;

    return run_flush_sink(&history->sink, &token, err);
}

static int history_finish(struct history *history, struct tow_error *err)
{
    struct run_instance *sink = &history->sink;
    const struct tow_sink_ops *ops = sink->instance.plugin->sink;

    if (!ops->finish)
        return TOW_OK;
    return tow_host_result(&sink->box, "finish", ops->finish(sink->instance.self, err), err);
}

/* Each step is tried again by itself, so that a row that was taken is not sent twice; only a sink
 * that could not be opened is opened anew. */
static int history_steps(struct history *history, struct tow_error *err)
{
    static int (*const steps[])(struct history *, struct tow_error *) = {
        history_open, history_begin, history_write, history_flush, history_finish};
    struct tow_retry retry = history->run->job->retry;
    struct tow_backoff backoff;

    if (retry.budget_ms > HISTORY_BUDGET_MS)
        retry.budget_ms = HISTORY_BUDGET_MS;
    tow_backoff_init(&backoff, &retry);
    for (size_t i = 0; i < sizeof steps / sizeof *steps;) {
        tow_host_clear(err);
        int rc = steps[i](history, err);

        if (!rc && history->refused.code) {
            *err = history->refused;
            return err->code;
        }
        if (!rc) {
            i++;
            continue;
        }
        if (tow_backoff_next(&backoff, err, history->run->options->abort) != TOW_BACKOFF_AGAIN)
            return err->code;
        if (steps[i] == history_open || steps[i] == history_begin) {
            run_close_sink(&history->sink);
            i = 0;
        }
    }
    return TOW_OK;
}

static int history_put(struct history *history, struct tow_error *err)
{
    int rc = run_new_load_id(history->load_id, err);

    if (!rc)
        rc = history_schema(&history->schema, err);
    if (!rc)
        rc = history_row(history->run, &history->row, err);
    if (!rc)
        rc = history_steps(history, err);
    run_close_sink(&history->sink);
    if (history->row.release)
        history->row.release(&history->row);
    if (history->schema.release)
        history->schema.release(&history->schema);
    return rc;
}

/* The lock must not look abandoned meanwhile. */
static void history_keep_lock(struct run *run)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (!run->tracker.ring || run->ticking)
        return;
    tow_cancel_release(&run->quit);
    if (tow_cancel_init(&run->quit, &err) || ticker_start(run, &err))
        tow_log_line(TOW_LOG_WARN, "run", "%s", err.message);
}

void run_write_history(struct run *run)
{
    struct history history = {.run = run, .refused = TOW_ERROR_INIT};
    struct tow_error err = TOW_ERROR_INIT;

    if (!run->assembly->history || run->id == 0 || run->options->limit >= 0)
        return;
    snprintf(history.job, sizeof history.job, "%s@history", run->job->name);
    history_keep_lock(run);
    if (history_put(&history, &err))
        tow_log_line(TOW_LOG_WARN, "run", "run %lld is missing in the history: %s",
                     (long long)run->id, err.message);
}
