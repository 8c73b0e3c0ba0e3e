#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/events/source.h"
#include "towpath/batch.h"

#define READING_CANCEL_EVERY 1024 /* records */

/* ---- beginning a file ----------------------------------------------------------------------- */

void tow_events_reading_release(struct tow_events_source *source)
{
    tow_input_free(source->reading.input);
    free(source->reading.stream);
    source->reading.input = NULL;
    source->reading.stream = NULL;
    source->reading.file = NULL;
    source->reading.is_at_end = 0;
}

/* Reads on until `count` bytes are in the window, or the input ends. */
static int reading_look(struct tow_window *window, size_t count, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK && window->end - window->start < count && !window->at_end)
        code = tow_window_fill(window, err);
    /* An error behind the first bytes is met again when they have been used. */
    return window->end > window->start && code == TOW_E_ENV ? TOW_OK : code;
}

static int reading_skip_byte_order_mark(struct tow_window *window, struct tow_error *err)
{
    static const char mark[] = {'\xEF', '\xBB', '\xBF'};
    int code = reading_look(window, sizeof mark, err);

    if (code == TOW_OK && window->end - window->start >= sizeof mark &&
        memcmp(window->data + window->start, mark, sizeof mark) == 0)
        tow_window_consume(window, sizeof mark);
    return code;
}

/* Whether a file is called NAME.csv, NAME.csv.gz or NAME.csv.zst. */
static int reading_is_called_csv(const char *path)
{
    static const char *const endings[] = {".csv", ".csv.gz", ".csv.zst"};
    size_t length = strlen(path);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);

        if (length > ending && strcasecmp(path + length - ending, endings[i]) == 0)
            return 1;
    }
    return 0;
}

/* An array begins with '[', and no event does. Where the input ends, or fails, within the space
 * before, that makes no difference. */
static int reading_find_array(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_window *window = &source->window;
    size_t i = 0;
    int code;

    do {
        code = reading_look(window, i + 1, err);
        if (window->start + i == window->end)
            return code;
        while (window->start + i < window->end &&
               memchr(" \t\r\n", window->data[window->start + i], 4))
            i++;
    } while (code == TOW_OK && window->start + i == window->end &&
             i < source->reading.frames.row_bytes);
    if (window->start + i < window->end && window->data[window->start + i] == '[')
        source->reading.frames.kind = TOW_FRAMES_ARRAY;
    return code;
}

static int reading_find_kind(struct tow_events_source *source, struct tow_error *err)
{
    static const int kinds[] = {
        [TOW_EVENTS_FORMAT_NDJSON] = TOW_FRAMES_LINES,
        [TOW_EVENTS_FORMAT_JSON] = TOW_FRAMES_ARRAY,
        [TOW_EVENTS_FORMAT_CSV] = TOW_FRAMES_TABLE,
    };
    struct tow_frames *frames = &source->reading.frames;

    frames->kind = kinds[source->options.format];
    if (source->options.format != TOW_EVENTS_FORMAT_AUTO)
        return TOW_OK;
    frames->kind = TOW_FRAMES_LINES;
    if (!reading_is_called_csv(frames->path))
        return reading_find_array(source, err);
    frames->kind = TOW_FRAMES_TABLE;
    return TOW_OK;
}

/* The header of a table: its columns are known then, and *line is that of its first row. */
static int reading_take_header(struct tow_events_source *source, int64_t *line,
                               struct tow_error *err)
{
    struct tow_frames *frames = &source->reading.frames;
    struct tow_frame frame;
    int code = tow_frames_begin(frames, &source->window, 1, err);

    frames->is_tail = 0;
    if (code == TOW_OK)
        code = tow_frames_next(frames, &frame, err);
    if (code == TOW_OK && frame.fault)
        code = tow_error_set(err, TOW_E_ENV, "the header cannot be read (%s)", frame.fault);
    else if (code == TOW_OK)
        code = tow_event_table_header(&source->table, frame.text, frame.length, err);
    if (code == TOW_E_ENV)
        tow_error_prefix(err, "%s", frames->path);
    if (code == TOW_OK)
        tow_frames_take(frames);
    *line = frames->line;
    /* A file without a header has no rows. */
    return code == TOW_END ? TOW_OK : code;
}

/* Goes to where a file that grows was read up to. TOW_END: it is none, or is not one of ours. */
static int reading_follow(struct tow_events_source *source, int64_t size, int64_t *line,
                          struct tow_error *err)
{
    struct tow_events_reading *reading = &source->reading;
    struct tow_events_progress progress;
    int code = tow_events_identity_take(&reading->identity, reading->input, err);

    if (code != TOW_OK || reading->identity.inode == 0)
        return code == TOW_OK ? TOW_END : code;
    code = tow_events_files_progress(source, reading->identity, &progress, err);
    if (code == TOW_END && !reading->file->is_lost && source->options.tail)
        return TOW_OK;
    if (code != TOW_OK) {
        reading->identity.inode = 0;
        return code;
    }
    if (progress.offset > size) {
        tow_log(source->host, TOW_LOG_WARN,
                "%s has %" PRId64 " bytes and was read up to %" PRId64
                ": it was cut, and is read from its start",
                reading->file->file.path, size, progress.offset);
        return TOW_OK;
    }
    *line = progress.line;
    return progress.offset > tow_window_offset(&source->window)
               ? tow_window_skip_to(&source->window, progress.offset, err)
               : TOW_OK;
}

static int reading_may_follow(const struct tow_events_source *source)
{
    const struct tow_events_reading *reading = &source->reading;

    return (source->options.tail || source->files.looks_at_tails) &&
           reading->frames.kind == TOW_FRAMES_LINES && !reading->file->file.is_stream &&
           !reading->file->file.etag && tow_input_is_plain(reading->input);
}

/* Finds the first record that is to be read, on *line. TOW_END: there is none in this file. */
static int reading_find_place(struct tow_events_source *source, int64_t *line,
                              struct tow_error *err)
{
    struct tow_events_reading *reading = &source->reading;
    struct tow_file now = reading->file->file;
    int code = TOW_OK;

    reading->identity = (struct tow_events_identity){0, 0};
    if (reading->file->is_resumed) {
        *line = source->resume.line;
        return tow_file_place_go(&source->window, &source->resume.at, source->resume.path,
                                 source->host, err);
    }
    if (!now.etag)
        code = tow_input_stat(reading->input, &now, err);
    reading->size = now.size;
    if (code != TOW_OK || !reading_may_follow(source))
        return code == TOW_OK && reading->file->is_lost ? TOW_END : code;
    reading->file->is_followed = source->options.tail;
    code = reading_follow(source, now.size, line, err);
    return code == TOW_END && !source->options.tail ? TOW_OK : code;
}

static int reading_set_origin(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_reading *reading = &source->reading;
    struct tow_file now = reading->file->file;
    int code;

    if (!now.etag && !now.is_stream)
        (void)tow_input_stat(reading->input, &now, NULL);
    reading->origin.receive_us =
        now.is_stream ? source->host->now_us(source->host) : now.mtime_ns / 1000;
    code = tow_events_store_stream(source, now.path, &reading->stream, err);
    reading->origin.stream = reading->stream;
    return code;
}

int tow_events_reading_open(struct tow_events_source *source, struct tow_events_file *file,
                            struct tow_error *err)
{
    struct tow_events_reading *reading = &source->reading;
    int64_t line = 1;
    int code;

    reading->file = file;
    reading->input = tow_events_store_open(source, &file->file, err);
    if (!reading->input)
        return err->code;
    reading->frames.path = file->file.path;
    reading->frames.dialect = source->table.dialect = &source->rules.dialect;
    reading->frames.row_bytes = (size_t)source->options.max_row_bytes;
    tow_window_attach(&source->window, reading->input);
    code = reading_skip_byte_order_mark(&source->window, err);
    if (code == TOW_OK)
        code = reading_find_kind(source, err);
    if (code == TOW_OK && reading->frames.kind == TOW_FRAMES_TABLE)
        code = reading_take_header(source, &line, err);
    if (code == TOW_OK)
        code = reading_find_place(source, &line, err);
    reading->frames.is_tail = source->options.tail && reading->identity.inode != 0;
    if (code == TOW_OK && !reading->frames.is_tail && source->options.incremental &&
        !file->file.is_stream)
        code = tow_events_ledger_whole(&file->file, reading->input, reading->mark, err);
    if (code == TOW_OK)
        code = tow_frames_begin(&reading->frames, &source->window, line, err);
    if (code == TOW_OK)
        code = reading_set_origin(source, err);
    return code;
}

static int reading_begin(struct tow_events_source *source, struct tow_events_file *file,
                         struct tow_error *err)
{
    int code = tow_events_reading_open(source, file, err);

    if (code == TOW_OK) {
        file->is_resumed = 0;
        return TOW_OK;
    }
    if (code == TOW_END) {
        file->is_due = 0;
        file->seen = source->reading.size;
    }
    tow_events_reading_release(source);
    return code;
}

/* ---- records -------------------------------------------------------------------------------- */

static int reading_wants_stream(const struct tow_events_source *source, struct tow_json_part stream)
{
    const struct tow_strings *streams = &source->options.streams;

    for (uint64_t i = 0; i < streams->count; i++)
        if (stream.length == strlen(streams->items[i]) &&
            memcmp(stream.text, streams->items[i], stream.length) == 0)
            return 1;
    return streams->count == 0;
}

static int reading_wants_time(const struct tow_events_source *source, const struct tow_event *event)
{
    int64_t at =
        source->options.date_field == TOW_EVENTS_DATE_RECEIVE ? event->receive_us : event->event_us;

    return at >= source->rules.from_us && at < source->rules.until_us;
}

static void reading_refuse(struct tow_events_source *source, const struct tow_frame *frame)
{
    char message[128];

    if (strcmp(frame->fault, "row_too_long") == 0)
        snprintf(message, sizeof message,
                 "the record has more than max_row_bytes = %" PRId64 " bytes",
                 source->options.max_row_bytes);
    else
        snprintf(message, sizeof message, "%s",
                 strcmp(frame->fault, "bad_quote") == 0
                     ? "text behind a closing quote"
                     : "a quoted field is not closed within the file, or max_row_bytes");
    tow_events_reject(source, frame, frame->fault, message);
}

/* The event of a record that is not faulty by itself. TOW_E_DATA: it is none. */
static int reading_event(struct tow_events_source *source, const struct tow_frame *frame,
                         struct tow_event *event, struct tow_event_fault *fault,
                         struct tow_error *err)
{
    struct tow_event_table *table = &source->table;
    const char *text = frame->text;
    size_t length = frame->length, count;

    if (source->reading.frames.kind == TOW_FRAMES_TABLE) {
        int code = tow_event_table_row(table, frame->text, frame->length, &count, err);

        if (code == TOW_END) {
            fault->code = "field_count";
            snprintf(fault->message, sizeof fault->message,
                     "%zu fields where there are %zu columns", count, table->count);
            return TOW_E_DATA;
        }
        if (code != TOW_OK)
            return code;
        text = table->json.data;
        length = table->json.size;
    }
    return tow_event_read(&source->events, text, length, &source->reading.origin, event, fault,
                          err);
}

static int reading_take(struct tow_events_source *source, const struct tow_frame *frame,
                        struct tow_error *err)
{
    struct tow_event_fault fault;
    struct tow_event event;
    int code = TOW_OK;

    if (frame->fault) {
        reading_refuse(source, frame);
    } else {
        code = reading_event(source, frame, &event, &fault, err);
        if (code == TOW_E_DATA)
            /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): who refuses one says why. */
            tow_events_reject(source, frame, fault.code, fault.message);
        else if (code == TOW_OK && !reading_wants_stream(source, event.stream))
            source->other_streams++;
        else if (code == TOW_OK && !reading_wants_time(source, &event))
            source->other_dates++;
        else if (code == TOW_OK)
            code = tow_events_rows_append(&source->batch.rows, &event, frame->line, err);
    }
    if (code != TOW_OK && code != TOW_E_DATA)
        return code;
    source->framed++;
    tow_frames_take(&source->reading.frames);
    return TOW_OK;
}

/* Records of the open file until the batch is full or the file ends. */
static int reading_records(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_reading *reading = &source->reading;
    struct tow_frame frame;
    int code = TOW_OK;

    for (int64_t i = 1; code == TOW_OK && !tow_events_batch_is_full(source); i++) {
        if (i % READING_CANCEL_EVERY == 1 && source->host->cancelled(source->host))
            return tow_error_set(err, TOW_E_CANCELLED, "reading %s was cancelled",
                                 reading->frames.path);
        code = tow_frames_next(&reading->frames, &frame, err);
        if (code == TOW_OK)
            code = reading_take(source, &frame, err);
    }
    reading->is_at_end = code == TOW_END;
    if (code == TOW_END)
        return TOW_OK;
    /* What was read before the break goes out first; the next call meets the error again. */
    return code == TOW_E_ENV && !tow_events_batch_is_empty(source) ? TOW_OK : code;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Whether there is something to tell of the file beside its rows. */
static int reading_has_mark(const struct tow_events_source *source)
{
    const struct tow_events_reading *reading = &source->reading;

    if (!source->options.incremental || reading->file->file.is_stream)
        return 0;
    return !reading->frames.is_tail;
}

static struct tow_events_file *reading_next_file(struct tow_events_source *source)
{
    struct tow_events_files *files = &source->files;

    for (;;) {
        while (source->next < files->count && !files->items[source->next].is_due)
            source->next++;
        if (source->next < files->count || !source->is_wrapping)
            break;
        source->is_wrapping = 0;
        source->next = 0;
    }
    return source->next < files->count ? &files->items[source->next] : NULL;
}

static void reading_end_file(struct tow_events_source *source)
{
    struct tow_events_file *file = source->reading.file;

    file->is_due = 0;
    file->seen = tow_input_offset(source->reading.input);
    tow_events_reading_release(source);
}

void tow_events_source_handed_over(struct tow_events_source *source)
{
    source->is_waiting = 0;
    if (source->reading.is_at_end)
        reading_end_file(source);
}

static int reading_is_over(const struct tow_events_source *source)
{
    return source->options.event_limit > 0 && source->taken >= source->options.event_limit;
}

/* Who only looks (`towpath plan`) is shown what there is now. */
static int reading_waits(const struct tow_events_source *source)
{
    return source->options.follow && source->host->load_id[0];
}

int tow_events_source_read(struct tow_events_source *source, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK || code == TOW_END) {
        struct tow_events_file *file = reading_next_file(source);

        if (reading_is_over(source) || (!file && !reading_waits(source)))
            return TOW_END;
        if (!file)
            return tow_events_source_wait(source, err);
        if (!source->reading.file)
            code = reading_begin(source, file, err);
        if (code == TOW_END)
            continue;
        if (code == TOW_OK)
            code = reading_records(source, err);
        if (code != TOW_OK)
            return code;
        if (!source->reading.is_at_end || !tow_events_batch_is_empty(source) ||
            reading_has_mark(source))
            return TOW_OK;
        reading_end_file(source);
    }
    return code;
}
