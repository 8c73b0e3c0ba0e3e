#include <stdlib.h>
#include <string.h>

#include "connectors/events/day.h"
#include "plugins/events/source.h"
#include "towpath/batch.h"

static int settings_check_ways(const struct tow_events_options *options, struct tow_error *err)
{
    int is_stdin = options->path && strcmp(options->path, "-") == 0;

    if (!options->path || !*options->path)
        return tow_error_set(err, TOW_E_CONFIG, "path is empty");
    if (options->follow && !options->tail)
        return tow_error_set(err, TOW_E_CONFIG, "follow = true needs tail = true");
    if (options->tail && !options->incremental)
        return tow_error_set(err, TOW_E_CONFIG,
                             "tail = true needs incremental = \"file\": the ledger says how far "
                             "files were read");
    if (is_stdin && (options->tail || options->start_from_end || options->done_marker))
        return tow_error_set(err, TOW_E_CONFIG, "%s needs files; path is standard input",
                             options->tail             ? "tail"
                             : options->start_from_end ? "start_from_end"
                                                       : "done_marker");
    if (options->start_from_end && !options->incremental)
        return tow_error_set(err, TOW_E_CONFIG,
                             "start_from_end = true needs incremental = \"file\": the ledger says "
                             "what was there before");
    if (options->follow && options->event_limit > 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "event_limit ends a run, and follow = true lets it go on: one of them "
                             "only");
    return TOW_OK;
}

static int settings_check_texts(const struct tow_events_options *options, struct tow_error *err)
{
    if (options->stream && !*options->stream)
        return tow_error_set(err, TOW_E_CONFIG, "stream is empty");
    if (options->done_marker && (!*options->done_marker || strchr(options->done_marker, '/')))
        return tow_error_set(err, TOW_E_CONFIG,
                             "done_marker = \"%s\" is neither an ending of names (\".done\") nor "
                             "the name of a file (\"_SUCCESS\")",
                             options->done_marker);
    return TOW_OK;
}

static int settings_take_dates(struct tow_events_source *source, struct tow_error *err)
{
    const struct tow_events_options *options = &source->options;
    struct tow_events_rules *rules = &source->rules;
    int code = TOW_OK;

    rules->from_us = INT64_MIN;
    rules->until_us = INT64_MAX;
    if (options->start_date)
        code = tow_day_begin("start_date", options->start_date, options->date_timezone,
                             &rules->from_us, err);
    if (code == TOW_OK && options->end_date)
        code = tow_day_begin("end_date", options->end_date, options->date_timezone,
                             &rules->until_us, err);
    if (code == TOW_OK && rules->until_us <= rules->from_us)
        return tow_error_set(err, TOW_E_CONFIG,
                             "end_date = \"%s\" is not after start_date = \"%s\": the day of "
                             "end_date is not exported",
                             options->end_date, options->start_date);
    if (code == TOW_OK && options->start_from_end) {
        rules->from_us = INT64_MIN;
        rules->until_us = INT64_MAX;
    }
    return code;
}

int tow_events_source_prepare(struct tow_events_source *source, struct tow_error *err)
{
    static const char *const nothing[] = {""};
    const struct tow_csv_settings csv = {.delimiter = source->options.delimiter,
                                         .quote = "\"",
                                         .null_values = nothing,
                                         .null_count = 1};
    int code = settings_check_ways(&source->options, err);

    if (code == TOW_OK)
        code = settings_check_texts(&source->options, err);
    if (code == TOW_OK)
        code = tow_events_store_prepare(source, err);
    if (code == TOW_OK)
        code = settings_take_dates(source, err);
    if (code == TOW_OK)
        code = tow_csv_dialect_init(&source->rules.dialect, &csv, err);
    if (code != TOW_OK)
        return code;
    source->rules.index = tow_json_index_choose(getenv("TOWPATH_JSON_INDEX"), err);
    return source->rules.index ? TOW_OK : err->code;
}

struct tow_event_settings tow_events_event_settings(const struct tow_events_options *options)
{
    return (struct tow_event_settings){
        .id_field = options->id_field,
        .event_ts_field = options->event_ts_field,
        .receive_ts_field = options->receive_ts_field,
        .stream = options->stream,
        .data_fields = options->stream_fields.items,
        .data_field_count = (size_t)options->stream_fields.count,
        .shape = options->shape,
        .hashes_overflow = options->id_overflow == TOW_EVENTS_ID_HASH,
        .replaces = options->invalid_utf8 == TOW_EVENTS_UTF8_REPLACE,
    };
}
