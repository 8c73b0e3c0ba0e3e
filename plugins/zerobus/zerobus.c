/*
 * The sink `zerobus`: rows as records of streams into a table, settled as they are acknowledged.
 *
 * Rows stay borrowed until they have an outcome, so that a stream that cannot be kept is replaced:
 * the table is looked at anew, and what has no outcome is encoded and sent again. Streams recover
 * from passing trouble by themselves (connectors/zerobus/stream.h); only what they give up on comes
 * here, and then the core decides whether to try again.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/zerobus/catalog.h"
#include "plugins/shared/databricks_options.h"
#include "plugins/zerobus/describe.h"
#include "plugins/zerobus/sink.h"

#define BUS_HOUR_MS 3600000
#define BUS_DAY_MS  86400000
#define BUS_RECORDS 1000000000

/* Under way, where the job does not say: what a stream takes in 200 ms, which is how long an
 * acknowledgement may take. */
#define BUS_QUEUE_BATCHES 64
#define BUS_QUEUE_BYTES   (20 << 20)

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
                BUS_DAY_MS,
                "most time for one attempt to open a stream, and for which the workspace may be "
                "silent"),
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

/* ---- the table ------------------------------------------------------------------------------- */

void tow_bus_forget_message(struct bus_sink *sink)
{
    tow_bus_encoder_free(sink->encoder);
    sink->encoder = NULL;
    if (sink->has_message)
        tow_zerobus_schema_release(&sink->message);
    sink->has_message = 0;
}

int tow_bus_look(struct bus_sink *sink, struct tow_error *err)
{
    const struct tow_bus_options *options = &sink->options;
    int code = TOW_OK;

    tow_bus_forget_message(sink);
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

/* ---- rows ------------------------------------------------------------------------------------ */

static int32_t bus_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct bus_sink *sink = self;

    return sink->rest ? tow_bus_write_rest(sink, rows, err)
                      : tow_bus_write_streams(sink, rows, err);
}

static int32_t bus_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)token;
    return tow_bus_flush(self, err);
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

static int bus_make_stops(struct bus_sink *sink, struct tow_error *err)
{
    const int fds[] = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), sink->host->cancel_fd(sink->host)};
    struct epoll_event event = {.events = EPOLLIN};

    sink->stop_fd = fds[0];
    sink->cancel_fd = epoll_create1(EPOLL_CLOEXEC);
    if (sink->stop_fd < 0 || sink->cancel_fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "eventfd");
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0 && epoll_ctl(sink->cancel_fd, EPOLL_CTL_ADD, fds[i], &event) != 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "epoll_ctl");
    return TOW_OK;
}

static int32_t bus_open(void *self, const struct tow_host *host, const struct tow_position *token,
                        struct tow_error *err)
{
    struct bus_sink *sink = self;
    int code;

    (void)token; /* nothing needs undoing: what was sent is final */
    sink->host = host;
    code = bus_make_stops(sink, err);
    if (code == TOW_OK)
        code = tow_bus_target_init(&sink->target, &sink->options, err);
    if (code != TOW_OK)
        return code;
    sink->account = tow_bus_account(&sink->target, sink->cancel_fd, err);
    if (!sink->account)
        return err->code;
    if (sink->target.has_workspace) {
        sink->databricks = tow_databricks_new(&sink->target.workspace, host->cancel_fd(host), err);
        code = sink->databricks ? TOW_OK : err->code;
    }
    if (code == TOW_OK && sink->options.transport == TOW_BUS_REST)
        code = tow_bus_open_rest(sink, err);
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
        code = tow_bus_look(sink, err);
    if (code == TOW_OK && !sink->rest)
        code = tow_bus_open_streams(sink, err);
    return code;
}

static void bus_close(void *self)
{
    struct bus_sink *sink = self;

    tow_bus_end_streams(sink);
    tow_bus_forget_message(sink);
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
    if (sink->cancel_fd > 0)
        close(sink->cancel_fd);
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
