/*
 * The sink `ttd`: rows for The Trade Desk's Data API, each with the outcome that the API tells.
 *
 * A batch is sent as one request after the other; several at once come from several instances. What
 * an answer says of rows is settled before the next request goes out, so that rows are only sent
 * again where no answer said what became of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http.h"
#include "connectors/ttd/answer.h"
#include "connectors/ttd/request.h"
#include "plugins/shared/body_zip.h"
#include "plugins/ttd/options.h"
#include "plugins/ttd/window.h"
#include "towpath/batch.h"

/* Requests at once: the number that The Trade Desk advises for an endpoint. */
#define TTD_WORKERS 4

/* An answer may repeat each item that it refuses. */
#define TTD_ANSWER_FLOOR  (16 << 20)
#define TTD_ANSWER_FACTOR 4

struct ttd_sink {
    struct tow_ttd_options options;
    const struct tow_host *host;
    struct tow_ttd_target target;
    struct tow_ttd_layout layout;
    struct tow_ttd_window window;
    struct tow_ttd_bounds bounds; /* bytes shrinks where the far end takes less */
    struct tow_http *http;
    struct tow_body_zip *zip; /* NULL: bodies are sent as they are */
    struct tow_ttd_answer answer;
};

/* A batch on its way. */
struct ttd_batch {
    struct ttd_sink *sink;
    uint64_t seq;
    int64_t length;
    int64_t row;    /* the next one to send */
    int64_t vetted; /* rows before this one that can be no item are settled */
};

static const struct tow_option ttd_options[] = {
    TOW_TTD_OPTIONS(struct ttd_sink, options),
    TOW_OPTIONS_END,
};

/* ---- check, open, begin --------------------------------------------------------------------- */

static int32_t ttd_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    struct ttd_sink *sink = self;
    const struct tow_http_settings way = {.ca_file = sink->options.ca_file,
                                          .identity = sink->options.identity,
                                          .proxy = sink->options.proxy};
    struct tow_ttd_target target = {0};
    int rc = tow_ttd_target_init(&target, &sink->options, "", err);

    (void)host;
    tow_ttd_target_release(&target);
    return rc ? rc : tow_http_check(&way, err);
}

static int ttd_open_http(struct ttd_sink *sink, struct tow_error *err)
{
    const struct tow_ttd_options *options = &sink->options;
    const struct tow_http_settings settings = {
        .ca_file = options->ca_file,
        .identity = options->identity,
        .proxy = options->proxy,
        .connect_timeout_ms = options->timeout_ms,
        .idle_timeout_ms = options->timeout_ms,
        .connections = 1,
        .cancel_fd = sink->host->cancel_fd(sink->host),
    };

    sink->http = tow_http_new(&settings, err);
    return sink->http ? TOW_OK : err->code;
}

static int32_t ttd_open(void *self, const struct tow_host *host, const struct tow_position *token,
                        struct tow_error *err)
{
    struct ttd_sink *sink = self;
    int rc;

    (void)token; /* nothing needs undoing: what was sent was settled */
    sink->host = host;
    sink->bounds = (struct tow_ttd_bounds){
        .rows = sink->options.batch_rows,
        .bytes = (size_t)sink->options.batch_bytes,
        .item_bytes = (size_t)sink->options.batch_bytes,
    };
    rc = tow_ttd_target_init(&sink->target, &sink->options, host->load_id, err);
    if (!rc)
        rc = tow_ttd_window_init(&sink->window, sink->options.batch_rows, err);
    if (!rc)
        rc = tow_ttd_head(&sink->target.context, &sink->window.head, err);
    if (!rc)
        rc = tow_ttd_tail(&sink->target.context, &sink->window.tail, err);
    if (!rc && sink->options.gzip) {
        sink->zip = tow_body_zip_new(err);
        rc = sink->zip ? TOW_OK : err->code;
    }
    return rc ? rc : ttd_open_http(sink, err);
}

static int ttd_log_unsent(const struct ttd_sink *sink, struct tow_error *err)
{
    struct tow_buffer names = {0};
    int rc = tow_ttd_layout_unsent(&sink->layout, &names, err);

    if (!rc && names.size && sink->host->worker == 0)
        tow_log(sink->host, TOW_LOG_INFO, "ttd: not sent, since endpoint %s has no place for %s",
                sink->layout.endpoint->name, names.data);
    tow_buffer_release(&names);
    return rc;
}

static int32_t ttd_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    struct ttd_sink *sink = self;
    int rc =
        tow_ttd_layout_init(&sink->layout, tow_ttd_endpoint(sink->options.endpoint), schema, err);

    return rc || !host ? rc : ttd_log_unsent(sink, err);
}

static int32_t ttd_columns(void *self, tow_column_visit *visit, void *context,
                           struct tow_error *err)
{
    const struct ttd_sink *sink = self;
    const struct tow_ttd_endpoint *endpoint = tow_ttd_endpoint(sink->options.endpoint);
    int rc = TOW_OK;

    (void)err;
    for (size_t i = 0; !rc && i < endpoint->column_count; i++) {
        const struct tow_ttd_column *column = &endpoint->columns[i];
        char place[TOW_TTD_PLACE_MAX], shape[TOW_TTD_SHAPE_MAX];
        const struct tow_sink_column shown = {
            .size = sizeof shown,
            .is_required = (uint32_t)column->is_required,
            .name = column->name,
            .type = tow_ttd_type_name(column->kind),
            .shape = tow_ttd_shape(column, shape),
            .place = tow_ttd_place(column, place),
        };

        rc = visit(context, &shown);
    }
    return rc;
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static int ttd_settle(const struct ttd_batch *batch, int64_t first, int64_t count, int outcome,
                      const char *code, const char *message, struct tow_error *err)
{
    const struct tow_host *host = batch->sink->host;
    int rc = host->settle(host, batch->seq, first, count, outcome, code, message);

    return rc ? tow_error_set(err, rc, "rows %" PRId64 " to %" PRId64 " could not be settled",
                              first, first + count - 1)
              : TOW_OK;
}

/* What an answer said is saved before the next request, save the last one's: that is saved by the
 * end of the write. */
static int ttd_keep(const struct ttd_batch *batch, struct tow_error *err)
{
    const struct tow_host *host = batch->sink->host;
    int rc = batch->row < batch->length ? host->keep(host, batch->seq) : TOW_OK;

    return rc ? tow_error_set(err, rc, "settled rows could not be saved") : TOW_OK;
}

/* Called again for the rows of a window that has to be made smaller. */
static int ttd_refuse(void *context, int64_t row, const struct tow_ttd_refusal *why,
                      struct tow_error *err)
{
    struct ttd_batch *batch = context;

    if (row < batch->vetted)
        return TOW_OK;
    batch->vetted = row + 1;
    return ttd_settle(batch, row, 1, TOW_ROW_REJECTED, why->code, why->message, err);
}

/* Items from `first` on that stand in neighbouring rows and are accepted: how many. */
static int64_t ttd_run(const struct ttd_sink *sink, int64_t first)
{
    const int64_t *rows = sink->window.rows;
    int64_t next = first + 1;

    while (next < sink->window.count && rows[next] == rows[first] + (next - first) &&
           !tow_ttd_answer_failure(&sink->answer, next + 1))
        next++;
    return next - first;
}

static int ttd_settle_answer(const struct ttd_batch *batch, int is_taken, struct tow_error *err)
{
    const struct ttd_sink *sink = batch->sink;
    const struct tow_ttd_answer *answer = &sink->answer;
    int64_t count = 1;
    int rc = TOW_OK;

    for (int64_t i = 0; !rc && i < sink->window.count; i += count) {
        const struct tow_ttd_failure *failure = tow_ttd_answer_failure(answer, i + 1);

        count = failure ? 1 : ttd_run(sink, i);
        if (failure)
            rc = ttd_settle(batch, sink->window.rows[i], 1, TOW_ROW_REJECTED,
                            tow_ttd_failure_code(answer, failure),
                            tow_ttd_failure_message(answer, failure), err);
        else if (is_taken)
            rc = ttd_settle(batch, sink->window.rows[i], count, TOW_ROW_ACCEPTED, NULL, NULL, err);
    }
    return rc;
}

/* The far end takes no request of that size: goes back to the window's first row, to fill a smaller
 * one. A single row is refused. */
static int ttd_shrink(struct ttd_batch *batch, struct tow_error *err)
{
    struct ttd_sink *sink = batch->sink;
    size_t bytes = sink->window.body.size;
    struct tow_ttd_refusal why = {.code = "ItemTooLarge"};

    if (sink->window.count == 1) {
        snprintf(why.message, sizeof why.message,
                 "the row alone makes a request of %zu bytes: %.150s", bytes, err->message);
        return ttd_settle(batch, sink->window.rows[0], 1, TOW_ROW_REJECTED, why.code, why.message,
                          err);
    }
    sink->bounds.bytes = bytes / 2;
    batch->row = sink->window.rows[0];
    tow_log(
        sink->host, TOW_LOG_WARN,
        "ttd: a request of %zu bytes is too large for the far end; from now on they have %zu at "
        "most: set batch_bytes",
        bytes, sink->bounds.bytes);
    return TOW_OK;
}

static int ttd_settle_window(struct ttd_batch *batch, int class, struct tow_error *err)
{
    struct ttd_sink *sink = batch->sink;
    struct tow_error settled = TOW_ERROR_INIT;

    if (sink->answer.is_too_large)
        return ttd_shrink(batch, err);
    if (ttd_settle_answer(batch, class == TOW_OK, &settled)) {
        tow_error_set(err, settled.code, "%s", settled.message);
        return settled.code;
    }
    /* A request of which no row is open needs no repetition. */
    return class != TOW_OK && sink->answer.named == sink->window.count ? TOW_OK : class;
}

/* ---- sending -------------------------------------------------------------------------------- */

static int ttd_zip(struct ttd_sink *sink, struct tow_http_request *request, struct tow_error *err)
{
    const struct tow_buffer *out;
    int rc = tow_body_zip(sink->zip, request->body, (size_t)request->body_length, &out, err);

    request->body = out->data;
    request->body_length = (int64_t)out->size;
    return rc;
}

static int ttd_send(struct ttd_batch *batch, struct tow_error *err)
{
    struct ttd_sink *sink = batch->sink;
    struct tow_http_header headers[TOW_TTD_HEADERS];
    struct tow_http_response response = {0};
    struct tow_http_request request = {
        .method = "POST",
        .url = sink->target.url.data,
        .headers = headers,
        .header_count = tow_ttd_headers(&sink->target.context, sink->zip != NULL, headers),
        .body = sink->window.body.data,
        .body_length = (int64_t)sink->window.body.size,
        .timeout_ms = sink->options.timeout_ms,
        .limit = TTD_ANSWER_FLOOR + TTD_ANSWER_FACTOR * sink->window.body.size,
    };
    int rc = TOW_OK;

    if (sink->zip)
        rc = ttd_zip(sink, &request, err);
    if (!rc)
        rc = tow_http_perform(sink->http, &request, &response, err);
    if (!rc) {
        rc = tow_ttd_answer_read(&sink->answer, &response, sink->window.count, sink->options.token,
                                 err);
        if (rc != TOW_E_NOMEM)
            rc = ttd_settle_window(batch, rc, err);
    }
    tow_http_response_release(&response);
    return rc;
}

/* Requests of about the same size, as few as batch_rows allows. */
static int64_t ttd_window_rows(const struct ttd_sink *sink, int64_t left)
{
    int64_t requests = (left - 1) / sink->options.batch_rows + 1;

    return (left - 1) / requests + 1;
}

static int32_t ttd_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct ttd_sink *sink = self;
    struct ttd_batch batch = {.sink = sink, .seq = rows->seq, .length = rows->array->length};
    const struct tow_ttd_refuser refuser = {ttd_refuse, &batch};
    int rc = TOW_OK;

    tow_cursor_batch(&sink->layout.cursor, rows->array);
    while (!rc && batch.row < batch.length) {
        sink->bounds.rows = ttd_window_rows(sink, batch.length - batch.row);
        rc = tow_ttd_window_fill(&sink->window, &sink->layout, &batch.row, batch.length,
                                 &sink->bounds, &refuser, err);
        if (!rc && sink->window.count > 0)
            rc = ttd_send(&batch, err);
        if (!rc)
            rc = ttd_keep(&batch, err);
    }
    return rc;
}

/* Rows are settled by answers: none is waiting for a flush. */
static int32_t ttd_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self;
    (void)token;
    (void)err;
    return TOW_OK;
}

static void ttd_close(void *self)
{
    struct ttd_sink *sink = self;

    tow_http_free(sink->http);
    sink->http = NULL;
    tow_body_zip_free(sink->zip);
    sink->zip = NULL;
    tow_ttd_answer_release(&sink->answer);
    tow_ttd_window_release(&sink->window);
    tow_ttd_layout_release(&sink->layout);
    tow_ttd_target_release(&sink->target);
}

static const struct tow_sink_ops ttd_ops = {
    .size = sizeof ttd_ops,
    .flags = TOW_SINK_PARALLEL | TOW_SINK_OFFLINE_BEGIN | TOW_SINK_FINAL,
    .check = ttd_check,
    .open = ttd_open,
    .begin = ttd_begin,
    .write = ttd_write,
    .flush = ttd_flush,
    .close = ttd_close,
    .workers = TTD_WORKERS,
    .columns = ttd_columns,
};

static const struct tow_plugin ttd_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "ttd",
    .version = "1.0",
    .summary = "The Trade Desk's Data API: audiences, offline conversions, deletions",
    .instance_size = sizeof(struct ttd_sink),
    .options = ttd_options,
    .sink = &ttd_ops,
};

TOW_PLUGIN(ttd, &ttd_plugin)
