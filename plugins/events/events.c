/* The source plugin "events": its options and functions. */
#include <inttypes.h>
#include <stdlib.h>

#include "plugins/events/source.h"
#include "towpath/batch.h"
#include "towpath/clock.h"

#define EVENTS_ROW_BYTES_MIN 64
#define EVENTS_ROW_BYTES_MAX (256 << 20)

#define SOURCE struct tow_events_source

static const struct tow_option events_options[] = {
    TOW_OPT_PATH("path", TOW_OPTION_REQUIRED, SOURCE, options.path,
                 "File, folder (all files in it that are not hidden), pattern with * ? [ ] **, "
                 "template with {stream} {yyyy} {mm} {dd} {hh}, s3://bucket/prefix, pattern or "
                 "template, or \"-\" for standard input; gzip and zstd are recognised by content"),
    TOW_OPT_CHOICE("format", SOURCE, options.format, "auto", "auto|ndjson|json|csv",
                   "ndjson: an event a line; json: one array of events; csv: rows under a header; "
                   "auto: csv by the name (.csv, .csv.gz, .csv.zst), json where the first byte is "
                   "'['"),
    TOW_OPT_STRING("delimiter", SOURCE, options.delimiter, ",",
                   "Of csv: what stands between fields; \"\\t\" is a tab"),
    TOW_OPT_CHOICE("shape", SOURCE, options.shape, "auto", "auto|envelope|payload",
                   "envelope: id, ly_event_ts, ly_receive_ts, stream and data; payload: the data "
                   "alone; auto: an envelope where it has data and one of stream, ly_event_ts, "
                   "ly_receive_ts"),
    TOW_OPT_STRING("stream", SOURCE, options.stream, NULL,
                   "Stream of events that do not say theirs"),
    TOW_OPT_STRINGS("streams", SOURCE, options.streams, "Streams to export; all, unless set"),
    TOW_OPT_STRINGS("stream_fields", SOURCE, options.stream_fields,
                    "Members of data that are kept; all, unless set"),
    TOW_OPT_INT("event_limit", SOURCE, options.event_limit, "0", 0, INT64_MAX,
                "Most events of a run, 0 for all; the next run goes on behind them"),
    TOW_OPT_STRING("start_date", SOURCE, options.start_date, NULL,
                   "yyyy-mm-dd: events of this day and later ones"),
    TOW_OPT_STRING("end_date", SOURCE, options.end_date, NULL,
                   "yyyy-mm-dd: events before this day, which is not exported itself"),
    TOW_OPT_CHOICE("date_field", SOURCE, options.date_field, "event", "event|receive",
                   "Time that start_date and end_date are about"),
    TOW_OPT_STRING("date_timezone", SOURCE, options.date_timezone, "UTC",
                   "Zone of start_date and end_date: UTC, +hh:mm, or a name like Europe/Berlin"),
    TOW_OPT_BOOL("start_from_end", SOURCE, options.start_from_end, "false",
                 "The first run passes over what is there, and later ones export what is new; "
                 "stands above start_date and end_date"),
    TOW_OPT_STRING("id_field", SOURCE, options.id_field, NULL,
                   "Member that holds the id; id, _id or msg_id, unless set"),
    TOW_OPT_CHOICE("id_overflow", SOURCE, options.id_overflow, "reject", "reject|hash",
                   "Integers that do not fit into 64 bits with a sign: reject the event, or take a "
                   "63-bit digest"),
    TOW_OPT_STRING("event_ts_field", SOURCE, options.event_ts_field, NULL,
                   "Member that holds the event's time; ly_event_ts, _ts, ts or timestamp, unless "
                   "set"),
    TOW_OPT_STRING("receive_ts_field", SOURCE, options.receive_ts_field, NULL,
                   "Member that holds the time of receipt; ly_receive_ts, unless set, else the "
                   "file's modification time"),
    TOW_OPT_CHOICE("data_type", SOURCE, options.data_type, "string", "string|json",
                   "Type of the column data"),
    TOW_OPT_CHOICE("invalid_utf8", SOURCE, options.invalid_utf8, "reject", "reject|replace",
                   "Events that are not UTF-8: reject them, or replace each bad byte by U+FFFD"),
    TOW_OPT_SIZE("max_row_bytes", SOURCE, options.max_row_bytes, "16MiB", EVENTS_ROW_BYTES_MIN,
                 EVENTS_ROW_BYTES_MAX, "Longest event with its line end; longer ones are rejected"),
    TOW_OPT_CHOICE("incremental", SOURCE, options.incremental, "file", "none|file",
                   "file: each file is read once, and later runs read only what is new; none: each "
                   "run reads all"),
    TOW_OPT_CHOICE("on_change", SOURCE, options.on_change, "fail", "fail|skip|reload",
                   "A file that was read and whose size or modification time is another: fail the "
                   "run, leave it out, or read all of it again"),
    TOW_OPT_BOOL("tail", SOURCE, options.tail, "false",
                 "Plain files of lines grow: whole lines up to the present end are read, and the "
                 "next run goes on from there"),
    TOW_OPT_BOOL("follow", SOURCE, options.follow, "false",
                 "With tail: the run goes on, and waits for more lines and files"),
    TOW_OPT_DURATION("poll_interval", SOURCE, options.poll_interval_ms, "1s", 100, 86400000,
                     "With follow: how often the files are looked at"),
    TOW_OPT_STRING(
        "done_marker", SOURCE, options.done_marker, NULL,
        "Files are read once a marker is there: an ending (\".done\": events.ndjson.done "
        "for events.ndjson), or a name in their folder (\"_SUCCESS\")"),
    TOW_OPT_DURATION("path_slack", SOURCE, options.path_slack_ms, "24h", 0, 31536000000,
                     "Files are passed over whose paths name a day that is so far outside of "
                     "start_date and end_date"),
    TOW_OPT_STRING("aws_region", SOURCE, options.aws_region, NULL,
                   "Of files in S3; else AWS_REGION, AWS_DEFAULT_REGION or us-east-1"),
    TOW_OPT_STRING("aws_endpoint", SOURCE, options.aws_endpoint, NULL,
                   "https URL of a store that speaks like S3"),
    TOW_OPT_SECRET("aws_access_key_id", SOURCE, options.aws_access_key_id,
                   "To read from S3; else AWS_ACCESS_KEY_ID"),
    TOW_OPT_SECRET("aws_secret_access_key", SOURCE, options.aws_secret_access_key,
                   "Else AWS_SECRET_ACCESS_KEY"),
    TOW_OPT_SECRET("aws_session_token", SOURCE, options.aws_session_token,
                   "Else AWS_SESSION_TOKEN"),
    TOW_OPT_PATH("ca_file", 0, SOURCE, options.ca_file,
                 "PEM file of certificates that are trusted, instead of the system's"),
    TOW_OPT_IDENTITY(SOURCE, options.identity),
    TOW_OPT_STRING("proxy", SOURCE, options.proxy, NULL,
                   "URL of a proxy; else https_proxy of the environment"),
    TOW_OPT_DURATION("connect_timeout", SOURCE, options.connect_timeout_ms, "30s", 1, 3600000,
                     "Most time for a connection to S3: names, TCP and TLS"),
    TOW_OPT_DURATION("stall_timeout", SOURCE, options.stall_timeout_ms, "60s", 1, 3600000,
                     "An answer of S3 of which no byte moves for so long, or less than 64 KiB in "
                     "five times as long, has failed"),
    TOW_OPTIONS_END,
};

static int32_t events_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    struct tow_events_source *source = self;
    struct tow_listing listing;
    int code = tow_events_source_prepare(source, err);

    (void)host;
    if (code == TOW_OK && tow_events_store_is_far(source)) {
        code = tow_events_store_check(source, err);
    } else if (code == TOW_OK) {
        code = tow_events_store_list(source, &listing, err);
        if (code == TOW_OK)
            tow_listing_release(&listing);
    }
    tow_events_store_release(&source->store);
    return code;
}

static void events_close(void *self)
{
    struct tow_events_source *source = self;

    tow_events_reading_release(source);
    tow_frames_release(&source->reading.frames);
    tow_event_reader_release(&source->events);
    tow_event_table_release(&source->table);
    tow_events_batch_release(&source->batch);
    tow_window_release(&source->window);
    tow_events_store_release(&source->store);
    tow_events_files_release(&source->files);
    *source =
        (struct tow_events_source){.options = source->options, .window_size = source->window_size};
}

/* Tells whether the ledger knows of any file that is followed. */
static int32_t events_visit_tail(void *context, const char *key, const void *value, uint32_t length)
{
    (void)key;
    (void)value;
    (void)length;
    *(int *)context = 1;
    return TOW_END;
}

static int events_find_files(struct tow_events_source *source, struct tow_error *err)
{
    const struct tow_host *host = source->host;
    int code = TOW_OK;

    source->files.looks_at_tails = source->options.tail;
    if (source->options.incremental && !source->options.tail)
        code = host->ledger_each(host, TOW_EVENTS_TAIL_KEY, events_visit_tail,
                                 &source->files.looks_at_tails, err);
    source->listed_ms = tow_monotonic_ms();
    if (code == TOW_OK || code == TOW_END)
        code = tow_events_files_refresh(source, err);
    if (code == TOW_OK)
        code = tow_events_files_resume(source, err);
    source->is_listed = code == TOW_OK;
    return code;
}

static int32_t events_open(void *self, const struct tow_host *host, const struct tow_position *from,
                           struct tow_error *err)
{
    struct tow_events_source *source = self;
    const struct tow_event_settings settings = tow_events_event_settings(&source->options);
    int code = tow_events_source_prepare(source, err);

    source->host = host;
    if (code == TOW_OK)
        code = tow_events_position_get(&source->resume, from, err);
    if (code == TOW_OK)
        code = tow_events_start_begin(source, err);
    /* Without the network, that can only be told by the first read. */
    if (code == TOW_OK && !tow_events_store_is_far(source))
        code = events_find_files(source, err);
    if (code == TOW_OK)
        code = tow_window_init(&source->window, source->window_size,
                               (size_t)source->options.max_row_bytes + 1, err);
    if (code == TOW_OK)
        code = tow_events_rows_init(&source->batch.rows, host,
                                    source->options.data_type == TOW_EVENTS_DATA_JSON, err);
    if (code != TOW_OK)
        return code;
    tow_event_reader_init(&source->events, &settings, source->rules.index);
    source->position = source->resume;
    if (source->resume.place != TOW_EVENTS_LOAD_DONE)
        source->taken = source->resume.taken;
    return TOW_OK;
}

static int32_t events_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_events_source *source = self;

    return tow_events_schema(out, source->options.data_type == TOW_EVENTS_DATA_JSON, err);
}

/* Where the next load begins: the ledger knows, unless event_limit ended this one in a file. */
static void events_end(struct tow_events_source *source, struct tow_batch *out)
{
    struct tow_events_position end = source->position;

    end.place = TOW_EVENTS_NOWHERE;
    if (source->reading.file && source->options.incremental && !source->options.tail)
        end.place = TOW_EVENTS_LOAD_DONE;
    end.taken = 0;
    tow_events_position_put(&end, &out->position);
    out->flags |= TOW_BATCH_COUNTED;
    out->counted = source->framed - source->other_streams - source->other_dates;
    if (source->other_streams + source->other_dates > 0)
        tow_log(source->host, TOW_LOG_INFO,
                "left out: %" PRId64 " events of other streams, %" PRId64 " of other dates",
                source->other_streams, source->other_dates);
}

static int32_t events_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct tow_events_source *source = self;
    int was_starting = source->is_starting;
    int code = source->is_listed ? TOW_OK : events_find_files(source, err);

    if (code != TOW_OK)
        return code;
    code = source->is_starting ? tow_events_start_next(source, err)
                               : tow_events_source_read(source, err);
    if (code == TOW_END)
        events_end(source, out);
    if (code == TOW_OK)
        code = tow_events_batch_hand_over(source, out, err);
    if (code != TOW_OK)
        return code;
    if (was_starting)
        tow_events_start_handed_over(source);
    else
        tow_events_source_handed_over(source);
    return TOW_OK;
}

TOW_SOURCE_PLUGIN(events, "1.0",
                  "Events of exports: NDJSON, JSON and CSV files, plain or compressed",
                  struct tow_events_source, events_options, TOW_SOURCE_OFFLINE,
                  .check = events_check, .open = events_open, .schema = events_schema,
                  .read = events_read, .close = events_close)
