/*
 * The sink `zerobus`: rows as records of streams into a table, settled as they are acknowledged.
 *
 * Rows stay borrowed until they have an outcome, so that a stream that cannot be kept is replaced:
 * the table is looked at anew, and what has no outcome is encoded and sent again. Streams recover
 * from passing trouble by themselves (connectors/zerobus/stream.h); only what they give up on comes
 * here, and then the core decides whether to try again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/machine/wakeup.h"
#include "connectors/zerobus/catalog.h"
#include "connectors/zerobus/rest.h"
#include "plugins/shared/databricks_options.h"
#include "plugins/zerobus/describe.h"
#include "plugins/zerobus/encode.h"
#include "plugins/zerobus/options.h"
#include "plugins/zerobus/pending.h"

#define BUS_HOUR_MS 3600000
#define BUS_DAY_MS  86400000
#define BUS_STREAMS 32
#define BUS_RECORDS 1000000000

/* Under way, where the job does not say: what a stream takes in 200 ms, which is how long an
 * acknowledgement may take. */
#define BUS_QUEUE_BATCHES 64
#define BUS_QUEUE_BYTES   (20 << 20)

#define BUS_REST_BODY ((size_t)4 << 20) /* bytes of a request by REST, about */
#define BUS_BODY_MAX  ((size_t)TOW_ZEROBUS_MESSAGE_MAX - TOW_ZEROBUS_HEAD_MAX)

struct bus_stream {
    struct tow_zerobus *zerobus;
    struct tow_bus_line line; /* its requests without outcome */
};

struct bus_sink {
    struct tow_bus_options options;
    const struct tow_host *host;
    struct tow_bus_target target;
    int stop_fd; /* tells the threads of the streams to stop */
    struct tow_zerobus_account *account;
    struct tow_databricks *databricks; /* NULL: no table is looked at */
    struct tow_zerobus_rest *rest;     /* NULL: streams */

    struct ArrowSchema schema; /* of the rows */
    struct tow_zerobus_message message;
    int has_message;
    struct tow_bus_encoder *encoder;

    struct bus_stream streams[BUS_STREAMS];
    size_t stream_count; /* that are open; 0: to be opened with the next write */
    struct tow_bus_pending pending;
    uint64_t tickets; /* given so far */
};

static const struct tow_option bus_options[] = {
    TOW_OPT("endpoint", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, struct bus_sink, options.endpoint,
            NULL, 0, 0, NULL,
            "of Zerobus, as in \"<workspace-id>.zerobus.<region>.cloud.databricks.com\""),
    TOW_OPT("table", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, struct bus_sink, options.table, NULL,
            0, 0, NULL, "to add the rows to, \"catalog.schema.table\""),
    TOW_OPT_DATABRICKS(struct bus_sink, options.databricks),
    TOW_OPT_STRING("workspace_id", struct bus_sink, options.workspace_id, NULL,
                   "that the login is for; else the endpoint's first label"),
    TOW_OPT_CHOICE("format", struct bus_sink, options.format, "proto", "proto|json",
                   "of the records"),
    TOW_OPT_CHOICE("schema", struct bus_sink, options.schema, "table", "table|columns",
                   "of format proto: the table's columns, as Unity Catalog has them, or those of "
                   "the rows as they are"),
    TOW_OPT_CHOICE("transport", struct bus_sink, options.transport, "grpc", "grpc|rest",
                   "rest sends requests over HTTP/1.1, for low rates and networks without HTTP/2"),
    TOW_OPT_INT("streams", struct bus_sink, options.streams, "1", 1, BUS_STREAMS,
                "at once; each takes 100 MB/s, and all share the bounds of what is in flight"),
    TOW_OPT_INT("max_inflight_records", struct bus_sink, options.max_inflight_records, "50000", 1,
                BUS_RECORDS, "rows that are sent and not acknowledged, at most"),
    TOW_OPT_SIZE("max_inflight_bytes", struct bus_sink, options.max_inflight_bytes, "64MiB", 65536,
                 INT64_C(1) << 36, "bytes that are sent and not acknowledged, at most"),
    TOW_OPT_INT("max_ingest_payload_bytes", struct bus_sink, options.max_ingest_payload_bytes,
                "10420224", 1, TOW_ZEROBUS_PAYLOAD_MAX, "record bytes of a request, at most"),
    TOW_OPT_BOOL("recovery", struct bus_sink, options.recovery, "true",
                 "connect anew and send again what is not acknowledged when a stream breaks"),
    TOW_OPT_INT("recovery_timeout_ms", struct bus_sink, options.recovery_timeout_ms, "15000", 1,
                BUS_DAY_MS, "most time for one attempt to open a stream"),
    TOW_OPT_INT("recovery_backoff_ms", struct bus_sink, options.recovery_backoff_ms, "2000", 1,
                BUS_HOUR_MS, "wait between two attempts; doubles, and chance shortens it"),
    TOW_OPT_INT("recovery_retries", struct bus_sink, options.recovery_retries, "3", 0, 1000,
                "attempts without progress; then the job's retry takes over"),
    TOW_OPT_INT("server_lack_of_ack_timeout_ms", struct bus_sink,
                options.server_lack_of_ack_timeout_ms, "60000", 1, BUS_DAY_MS,
                "most time from sending a request to its acknowledgement"),
    TOW_OPT_INT("flush_timeout_ms", struct bus_sink, options.flush_timeout_ms, "300000", 1,
                BUS_DAY_MS, "most time until all rows of a checkpoint are acknowledged"),
    TOW_OPT_INT("stream_paused_max_wait_time_ms", struct bus_sink,
                options.stream_paused_max_wait_time_ms, "-1", -1, BUS_DAY_MS,
                "most time that is waited for acknowledgements when the server closes a stream; "
                "-1: as long as it allows"),
    TOW_OPT_INT("token_refresh_buffer_ms", struct bus_sink, options.token_refresh_buffer_ms,
                "300000", 1, BUS_DAY_MS, "how long before its end a login is renewed"),
    TOW_OPT_INT("keepalive_ms", struct bus_sink, options.keepalive_ms, "20000", 1, BUS_DAY_MS,
                "a server that owes acknowledgements and is silent for so long is asked for a "
                "sign of life"),
    TOW_OPT_INT("keepalive_timeout_ms", struct bus_sink, options.keepalive_timeout_ms, "20000", 1,
                BUS_DAY_MS, "most time until it gives one"),
    TOW_OPT("headers", TOW_OPTION_STRINGS, TOW_OPTION_SECRET, struct bus_sink, options.headers,
            NULL, 0, 0, NULL,
            "instead of a login by OAuth: \"authorization: Bearer ...\" and others"),
    TOW_OPT("headers_command", TOW_OPTION_STRINGS, TOW_OPTION_PROGRAM, struct bus_sink,
            options.headers_command, NULL, 0, 0, NULL,
            "a program and its arguments, which prints such headers, one a line; run for "
            "each connection"),
    TOW_OPTIONS_END,
};

/* ---- outcomes -------------------------------------------------------------------------------- */

/* Settles what has an outcome by now. */
static int bus_settle_stream(struct bus_sink *sink, struct bus_stream *stream,
                             struct tow_error *err)
{
    struct tow_zerobus_outcome outcome;
    int code = TOW_OK;

    while (code == TOW_OK && tow_zerobus_next(stream->zerobus, &outcome) == TOW_OK) {
        struct tow_bus_batch *batch;

        code = tow_bus_line_settle(&stream->line, sink->host, &outcome, &batch, err);
        if (code != TOW_OK)
            break;
        if (batch->open == 0) {
            code = sink->host->keep(sink->host, batch->seq);
            tow_bus_pending_drop(&sink->pending, batch);
        }
    }
    return code;
}

static int bus_settle(struct bus_sink *sink, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < sink->stream_count && code == TOW_OK; i++)
        code = bus_settle_stream(sink, &sink->streams[i], err);
    return code;
}

/* ---- streams --------------------------------------------------------------------------------- */

/* Gives the streams up, with what has no outcome. */
static void bus_drop_streams(struct bus_sink *sink)
{
    if (sink->stream_count == 0)
        return;
    tow_wakeup_raise(sink->stop_fd);
    for (size_t i = 0; i < sink->stream_count; i++) {
        tow_zerobus_free(sink->streams[i].zerobus);
        tow_bus_line_release(&sink->streams[i].line);
    }
    sink->stream_count = 0;
    (void)tow_wakeup_clear(sink->stop_fd);
}

static void bus_log(void *context, int level, const char *message)
{
    const struct tow_host *host = context;

    tow_log(host, level, "zerobus: %s", message);
}

static int bus_open_streams(struct bus_sink *sink, struct tow_error *err)
{
    struct tow_buffer descriptor = {0};
    struct tow_zerobus_settings settings;
    int code = TOW_OK;

    tow_bus_stream_settings(&sink->target, &settings);
    settings.login = tow_zerobus_account_login(sink->account);
    settings.descriptor = &descriptor;
    settings.log = bus_log;
    settings.log_context = (void *)(uintptr_t)sink->host;
    settings.cancel_fd = sink->host->cancel_fd(sink->host);
    if (sink->has_message)
        code = tow_zerobus_put_descriptor(&descriptor, &sink->message, err);
    while (code == TOW_OK && sink->stream_count < (size_t)sink->options.streams) {
        struct bus_stream *stream = &sink->streams[sink->stream_count];

        *stream = (struct bus_stream){.zerobus = tow_zerobus_open(&settings, err)};
        if (stream->zerobus)
            sink->stream_count++;
        else
            code = err->code;
    }
    tow_buffer_release(&descriptor);
    if (code != TOW_OK)
        bus_drop_streams(sink);
    return code;
}

/* The one with the least to do. */
static struct bus_stream *bus_choose(struct bus_sink *sink)
{
    struct bus_stream *chosen = &sink->streams[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < sink->stream_count && sink->stream_count > 1; i++) {
        size_t bytes;

        tow_zerobus_unacknowledged(sink->streams[i].zerobus, &bytes);
        if (bytes < least) {
            least = bytes;
            chosen = &sink->streams[i];
        }
    }
    return chosen;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void bus_forget_message(struct bus_sink *sink)
{
    tow_bus_encoder_free(sink->encoder);
    sink->encoder = NULL;
    if (sink->has_message)
        tow_zerobus_schema_release(&sink->message);
    sink->has_message = 0;
}

/* Looks at the table and makes an encoder for it. */
static int bus_look(struct bus_sink *sink, struct tow_error *err)
{
    const struct tow_bus_options *options = &sink->options;
    int code = TOW_OK;

    bus_forget_message(sink);
    if (options->format == TOW_ZEROBUS_PROTO && options->schema == TOW_BUS_SCHEMA_COLUMNS)
        code = tow_bus_message_of(&sink->schema, &sink->message, err);
    else if (options->format == TOW_ZEROBUS_PROTO)
        code = tow_zerobus_catalog_read(sink->databricks, options->table, &sink->message, err);
    if (code != TOW_OK)
        return code;
    sink->has_message = options->format == TOW_ZEROBUS_PROTO;
    sink->encoder = tow_bus_encoder_new(&sink->schema, (enum tow_zerobus_format)options->format,
                                        &sink->message, err);
    return sink->encoder ? TOW_OK : tow_error_prefix(err, "table %s", options->table);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Rejects the rows that cannot be records, before anything is sent. */
static int bus_reject_misfits(struct bus_sink *sink, struct tow_bus_batch *batch,
                              struct tow_error *err)
{
    struct tow_bus_misfit misfit;
    int64_t row = 0;
    int code = TOW_OK;

    while (code == TOW_OK && (row = tow_bus_encoder_misfit(sink->encoder, row, &misfit)) >= 0) {
        if (!batch->settled[row])
            code = tow_bus_settle(sink->host, batch, row, 1, TOW_ROW_REJECTED, misfit.code,
                                  misfit.message, err);
        row++;
    }
    return code;
}

/* Rows of a request while it is filled. */
struct bus_filling {
    struct tow_buffer body;
    size_t payload, count;
    int64_t first, last;
    int32_t *rows; /* NULL while they stand behind each other */
};

/* Notes a row; once there is a gap, all of them are listed. */
static int bus_note_row(struct bus_filling *filling, int64_t row, int64_t most,
                        struct tow_error *err)
{
    if (filling->count == 0)
        filling->first = row;
    if (filling->count > 0 && row != filling->last + 1 && !filling->rows) {
        filling->rows = reallocarray(NULL, (size_t)most, sizeof *filling->rows);
        if (!filling->rows)
            return tow_error_nomem(err);
        for (size_t i = 0; i < filling->count; i++)
            filling->rows[i] = (int32_t)(filling->first + (int64_t)i);
    }
    if (filling->rows)
        filling->rows[filling->count] = (int32_t)row;
    filling->last = row;
    filling->count++;
    return TOW_OK;
}

static int bus_reject_large(struct bus_sink *sink, struct tow_bus_batch *batch, int64_t row,
                            size_t size, struct tow_error *err)
{
    char message[200];

    (void)snprintf(message, sizeof message,
                   "the row makes a record of %zu bytes; at most %" PRId64 " are taken", size,
                   sink->options.max_ingest_payload_bytes);
    return tow_bus_settle(sink->host, batch, row, 1, TOW_ROW_REJECTED, "too_large", message, err);
}

/*
 * Adds rows from *row on, as long as the request is smaller than `size`. A row that would make it
 * larger than a request may be waits for the next one, and is rejected where it is alone.
 */
static int bus_fill(struct bus_sink *sink, struct tow_bus_batch *batch, int64_t *row, size_t size,
                    struct bus_filling *filling, struct tow_error *err)
{
    const size_t most = (size_t)sink->options.max_ingest_payload_bytes;
    int code = TOW_OK;

    for (; code == TOW_OK && *row < batch->array->length && filling->body.size < size; ++*row) {
        size_t before = filling->body.size, payload = filling->payload;

        if (batch->settled[*row])
            continue;
        code = tow_bus_encoder_put(sink->encoder, *row, &filling->body, &filling->payload, err);
        if (code == TOW_OK && filling->payload <= most && filling->body.size <= BUS_BODY_MAX) {
            code = bus_note_row(filling, *row, batch->array->length, err);
            continue;
        }
        filling->body.size = before;
        if (code == TOW_OK && filling->count > 0) {
            filling->payload = payload;
            break;
        }
        if (code == TOW_OK)
            code = bus_reject_large(sink, batch, *row, filling->payload, err);
        filling->payload = payload;
    }
    return code;
}

static int bus_put(struct bus_sink *sink, struct bus_stream *stream, struct tow_bus_batch *batch,
                   struct bus_filling *filling, struct tow_error *err)
{
    uint64_t ticket = ++sink->tickets;
    int code = tow_bus_line_add(&stream->line, ticket, batch, filling->first, filling->count,
                                filling->rows, err);

    filling->rows = NULL;
    if (code != TOW_OK)
        return code;
    code = tow_zerobus_put(stream->zerobus, ticket, &filling->body, filling->count,
                           filling->payload, err);
    if (code != TOW_OK)
        tow_bus_line_take_back(&stream->line);
    return code;
}

/* Sends the rows of a batch that are not settled. */
static int bus_send(struct bus_sink *sink, struct tow_bus_batch *batch, struct tow_error *err)
{
    int64_t row = 0;
    int code;

    code = tow_bus_encoder_batch(sink->encoder, batch->array, err);
    if (code == TOW_OK)
        code = bus_reject_misfits(sink, batch, err);
    while (code == TOW_OK && row < batch->array->length) {
        struct bus_stream *stream = bus_choose(sink);
        struct bus_filling filling = {.body = tow_zerobus_buffer(stream->zerobus)};

        code =
            bus_fill(sink, batch, &row, tow_zerobus_request_size(stream->zerobus), &filling, err);
        if (code == TOW_OK && filling.count > 0)
            code = bus_put(sink, stream, batch, &filling, err);
        tow_buffer_release(&filling.body);
        free(filling.rows);
    }
    return code;
}

/* Opens streams in place of those that were given up, and sends again what has no outcome. */
static int bus_begin_anew(struct bus_sink *sink, struct tow_error *err)
{
    int code = sink->encoder ? TOW_OK : bus_look(sink, err);

    if (code == TOW_OK)
        code = bus_open_streams(sink, err);
    for (struct tow_bus_batch *batch = sink->pending.batches; batch && code == TOW_OK;
         batch = batch->next)
        code = bus_send(sink, batch, err);
    return code;
}

/* A stream has failed, or cannot be trusted: what it knows is taken, then it goes. The table is
 * looked at again, since it may be the reason. */
static void bus_give_up_streams(struct bus_sink *sink, struct tow_error *err)
{
    struct tow_error settling = TOW_ERROR_INIT;

    if (bus_settle(sink, &settling) != TOW_OK)
        tow_error_set(err, settling.code, "%s", settling.message);
    bus_drop_streams(sink);
    bus_forget_message(sink);
}

/* Everything that is settled may be the last of its batch. */
static int bus_drop_if_settled(struct bus_sink *sink, struct tow_bus_batch *batch)
{
    if (batch->open > 0)
        return 0;
    tow_bus_pending_drop(&sink->pending, batch);
    return 1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int bus_write_streams(struct bus_sink *sink, const struct tow_rows *rows,
                             struct tow_error *err)
{
    struct tow_bus_batch *batch;
    int code = bus_settle(sink, err);

    if (code == TOW_OK && sink->stream_count == 0)
        code = bus_begin_anew(sink, err);
    if (code != TOW_OK) {
        bus_give_up_streams(sink, err);
        return err->code;
    }
    batch = tow_bus_pending_add(&sink->pending, rows, err);
    if (!batch)
        return TOW_E_NOMEM;
    code = bus_send(sink, batch, err);
    if (code == TOW_OK && bus_drop_if_settled(sink, batch))
        return TOW_OK;
    if (code == TOW_OK)
        return bus_settle(sink, err);
    /* The batch comes again, or not at all; those before it stay. */
    bus_give_up_streams(sink, err);
    tow_bus_pending_forget(&sink->pending, rows->seq);
    return err->code;
}

static int bus_take_rest_outcome(void *context, const struct tow_zerobus_outcome *outcome,
                                 struct tow_error *err)
{
    struct bus_sink *sink = context;
    struct tow_bus_batch *batch;

    return tow_bus_line_settle(&sink->streams[0].line, sink->host, outcome, &batch, err);
}

/* By REST everything is settled when the call returns, or open. */
static int bus_send_rest(struct bus_sink *sink, struct tow_bus_batch *batch, struct tow_error *err)
{
    struct tow_bus_line *line = &sink->streams[0].line;
    struct bus_filling filling = {.count = 0};
    int64_t row = 0;
    int code = tow_bus_encoder_batch(sink->encoder, batch->array, err);

    while (code == TOW_OK && row < batch->array->length) {
        filling.body.size = filling.payload = filling.count = 0;
        code = bus_fill(sink, batch, &row, BUS_REST_BODY, &filling, err);
        if (code != TOW_OK || filling.count == 0)
            break;
        code = tow_bus_line_add(line, 0, batch, filling.first, filling.count, filling.rows, err);
        filling.rows = NULL;
        if (code == TOW_OK)
            code = tow_zerobus_rest_insert(sink->rest, &filling.body, filling.count,
                                           bus_take_rest_outcome, sink, err);
        tow_bus_line_release(line);
        if (code == TOW_OK && row < batch->array->length)
            code = sink->host->keep(sink->host, batch->seq);
    }
    tow_buffer_release(&filling.body);
    free(filling.rows);
    return code;
}

static int bus_write_rest(struct bus_sink *sink, const struct tow_rows *rows, struct tow_error *err)
{
    struct tow_bus_batch *batch = tow_bus_pending_add(&sink->pending, rows, err);
    int code;

    if (!batch)
        return TOW_E_NOMEM;
    code = bus_send_rest(sink, batch, err);
    tow_bus_pending_drop(&sink->pending, batch);
    return code;
}

static int32_t bus_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct bus_sink *sink = self;

    return sink->rest ? bus_write_rest(sink, rows, err) : bus_write_streams(sink, rows, err);
}

/* What is acknowledged is settled and kept as it comes, and not only when all is. */
static int bus_flush_stream(struct bus_sink *sink, struct bus_stream *stream, struct tow_error *err)
{
    int code, settled = TOW_OK;

    do {
        code = tow_zerobus_flush_some(stream->zerobus, err);
        if (code == TOW_OK || code == TOW_END)
            settled = bus_settle(sink, err);
    } while (code == TOW_END && settled == TOW_OK);
    return settled == TOW_OK ? code : settled;
}

static int32_t bus_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct bus_sink *sink = self;
    int code = TOW_OK;

    (void)token;
    /* Batches that lost their streams, and were not followed by another one. */
    if (sink->stream_count == 0 && sink->pending.batches)
        code = bus_begin_anew(sink, err);
    for (size_t i = 0; i < sink->stream_count && code == TOW_OK; i++)
        code = bus_flush_stream(sink, &sink->streams[i], err);
    if (code == TOW_OK)
        return TOW_OK;
    /* The core brings everything again. */
    bus_give_up_streams(sink, err);
    tow_bus_pending_release(&sink->pending);
    return err->code;
}

/* ---- check, open, begin, close --------------------------------------------------------------- */

static int32_t bus_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct bus_sink *sink = self;
    struct tow_zerobus_account *account = NULL;
    struct tow_bus_target target;
    int code = tow_bus_target_init(&target, &sink->options, err);

    (void)host;
    if (code == TOW_OK) {
        account = tow_bus_account(&target, -1, err);
        code = account ? TOW_OK : err->code;
    }
    tow_zerobus_account_free(account);
    tow_bus_target_release(&target);
    return code;
}

static int bus_open_rest(struct bus_sink *sink, struct tow_error *err)
{
    const struct tow_zerobus_rest_settings settings = {
        .endpoint = sink->target.endpoint,
        .table = sink->options.table,
        .login = tow_zerobus_account_login(sink->account),
        .ca_file = sink->options.databricks.ca_file,
        .identity = sink->options.databricks.identity,
        .proxy = sink->options.databricks.proxy,
        .timeout_ms = sink->options.server_lack_of_ack_timeout_ms,
        .cancel_fd = sink->host->cancel_fd(sink->host),
    };

    sink->rest = tow_zerobus_rest_new(&settings, err);
    return sink->rest ? TOW_OK : err->code;
}

static int32_t bus_open(void *self, const struct tow_host *host, const struct tow_position *token,
                        struct tow_error *err)
{
    struct bus_sink *sink = self;
    int code;

    (void)token; /* nothing needs undoing: what was sent is final */
    sink->host = host;
    sink->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sink->stop_fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "eventfd");
    code = tow_bus_target_init(&sink->target, &sink->options, err);
    if (code != TOW_OK)
        return code;
    sink->account = tow_bus_account(&sink->target, sink->stop_fd, err);
    if (!sink->account)
        return err->code;
    if (sink->target.has_workspace) {
        sink->databricks = tow_databricks_new(&sink->target.workspace, host->cancel_fd(host), err);
        code = sink->databricks ? TOW_OK : err->code;
    }
    if (code == TOW_OK && sink->options.transport == TOW_BUS_REST)
        code = bus_open_rest(sink, err);
    return code;
}

/* What can be known of the columns without the table. */
static int bus_check_columns(const struct bus_sink *sink, const struct ArrowSchema *schema,
                             struct tow_error *err)
{
    struct tow_zerobus_message message;
    struct tow_bus_encoder *encoder;
    int code = tow_bus_message_of(schema, &message, err);

    if (code != TOW_OK)
        return code;
    encoder =
        tow_bus_encoder_new(schema, (enum tow_zerobus_format)sink->options.format, &message, err);
    code = encoder ? TOW_OK : err->code;
    tow_bus_encoder_free(encoder);
    tow_zerobus_schema_release(&message);
    return code;
}

static int32_t bus_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                         struct tow_error *err)
{
    struct bus_sink *sink = self;
    int code;

    if (!host)
        return bus_check_columns(sink, schema, err);
    code = tow_schema_copy(&sink->schema, schema, err);
    if (code == TOW_OK)
        code = bus_look(sink, err);
    if (code == TOW_OK && !sink->rest)
        code = bus_open_streams(sink, err);
    return code;
}

/* Streams that have nothing left are ended as the protocol has it; others are given up. */
static void bus_end_streams(struct bus_sink *sink)
{
    for (size_t i = 0; i < sink->stream_count; i++)
        if (tow_zerobus_unacknowledged(sink->streams[i].zerobus, NULL) == 0 &&
            !sink->host->cancelled(sink->host))
            tow_zerobus_close(sink->streams[i].zerobus, NULL);
    bus_drop_streams(sink);
}

static void bus_close(void *self)
{
    struct bus_sink *sink = self;

    bus_end_streams(sink);
    bus_forget_message(sink);
    tow_bus_line_release(&sink->streams[0].line);
    tow_bus_pending_release(&sink->pending);
    tow_zerobus_rest_free(sink->rest);
    tow_zerobus_account_free(sink->account);
    tow_databricks_free(sink->databricks);
    tow_bus_target_release(&sink->target);
    if (sink->schema.release)
        sink->schema.release(&sink->schema);
    if (sink->stop_fd > 0)
        close(sink->stop_fd);
}

static int32_t bus_describe(void *self, const struct tow_host *host, tow_text_put *put,
                            void *context, struct tow_error *err)
{
    const struct bus_sink *sink = self;

    return tow_bus_describe(&sink->options, host, put, context, err);
}

static const struct tow_sink_ops bus_ops = {
    .size = sizeof bus_ops,
    .flags = TOW_SINK_OFFLINE_BEGIN | TOW_SINK_DEFERS | TOW_SINK_FINAL,
    .check = bus_check,
    .open = bus_open,
    .begin = bus_begin,
    .write = bus_write,
    .flush = bus_flush,
    .close = bus_close,
    .queue_batches = BUS_QUEUE_BATCHES,
    .queue_bytes = BUS_QUEUE_BYTES,
    .describe_word = "proto",
    .describe_summary =
        "Prints a table of Unity Catalog as a .proto file, for other clients of Zerobus",
    .describe = bus_describe,
};

static const struct tow_plugin bus_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "zerobus",
    .version = "1.0",
    .summary = "rows into Databricks tables by Zerobus, settled as they are durable",
    .instance_size = sizeof(struct bus_sink),
    .options = bus_options,
    .sink = &bus_ops,
};

TOW_PLUGIN(zerobus, &bus_plugin)
