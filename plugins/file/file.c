/*
 * The sink `file`: rows as CSV or JSON lines in a file, or in numbered parts, which readers see
 * complete or not at all.
 *
 * Its token says how far the current part was durable; a run that goes on cuts off what came
 * after. A failed write may have left part of a batch in the file, or in the compressor, so from
 * then on every call fails with the same error until the sink is opened again with its token.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/files/hidden.h"
#include "connectors/files/place.h"
#include "plugins/file/begun.h"
#include "plugins/file/parts.h"
#include "plugins/file/target.h"
#include "plugins/file/text.h"
#include "plugins/file/token.h"
#include "plugins/shared/failure.h"
#include "towpath/batch.h"

#define FILE_BUFFER_FULL TOW_GZIP_CHUNK /* text is handed on from here */
#define FILE_SLICE_TEXT  (32 << 10)     /* and made in slices of about as much */
#define FILE_SLICE_FIRST 64
#define FILE_SLICE_MAX   1024 /* rows */
#define FILE_LOAD        "{load}"

struct file_sink {
    struct tow_file_options options;
    const struct tow_host *host;
    char *path; /* options.path with {load} filled in, where it has one */
    struct tow_file_target target;
    struct tow_file_parts parts;
    struct tow_file_text *text;
    struct tow_file_token state; /* as of now; its length as of the last flush */
    struct tow_buffer buffer;    /* text that is not handed on yet */
    int64_t slice;               /* rows to make into text at once */
    int is_continued;
    int warned_of_nulls;
    struct tow_error failure;
};

static const struct tow_option file_options[] = {
    TOW_OPT_PATH("path", TOW_OPTION_REQUIRED, struct file_sink, options.path,
                 "file to write, in place of what is there; {load} gives each load a name of its "
                 "own, {part} numbers parts from 00001; \"-\" is standard output"),
    TOW_OPT_CHOICE("format", struct file_sink, options.format, "auto", "auto|csv|ndjson",
                   "auto goes by the name: .csv, .tsv, .ndjson, .jsonl, .json, also with .gz "
                   "behind"),
    TOW_OPT_CHOICE("compression", struct file_sink, options.compression, "auto", "auto|none|gzip",
                   "auto compresses where the name ends in .gz"),
    TOW_OPT_INT("level", struct file_sink, options.level, "0", 0, TOW_GZIP_LEVEL_MAX,
                "of gzip: 1 is fastest, 9 smallest, 0 what the compressor is best at"),
    TOW_OPT("delimiter", TOW_OPTION_STRING, 0, struct file_sink, options.delimiter, NULL, 1, 4,
            NULL, "between CSV fields; a comma, or a tab for .tsv, unless set"),
    TOW_OPT("null_text", TOW_OPTION_STRING, 0, struct file_sink, options.null_text, NULL, 0, 255,
            NULL, "what stands for null in CSV; nothing, unless set"),
    TOW_OPT_BOOL("header", struct file_sink, options.header, "true",
                 "begin each CSV file with the column names"),
    TOW_OPT_BOOL("quote_all", struct file_sink, options.quote_all, "false",
                 "quote every CSV value that is not null"),
    TOW_OPT_CHOICE("line_end", struct file_sink, options.line_end, "lf", "lf|crlf",
                   "how CSV lines end"),
    TOW_OPT_BOOL("omit_nulls", struct file_sink, options.omit_nulls, "false",
                 "leave null members out of JSON objects"),
    TOW_OPT_SIZE("max_bytes", struct file_sink, options.max_bytes, NULL, 1, INT64_MAX,
                 "most text in a part, before compression; a longer row gets a part of its own"),
    TOW_OPT_INT("max_rows", struct file_sink, options.max_rows, NULL, 1, INT64_MAX,
                "most rows in a part"),
    TOW_OPT_BOOL("mkdirs", struct file_sink, options.mkdirs, "false",
                 "make folders of path that are missing"),
    TOW_OPTIONS_END,
};

/* ---- check and open ------------------------------------------------------------------------- */

static int file_check_place(const struct tow_file_target *target, struct tow_error *err)
{
    char *path = tow_file_target_path(target, 1, err);
    int code;

    if (!path)
        return TOW_E_NOMEM;
    code = target->options->mkdirs ? tow_place_check_folders(path, err) : TOW_OK;
    /* Where folders are to be made there may be none to look into yet. */
    if (code == TOW_OK && (!target->options->mkdirs || tow_place_has_folder(path)))
        code = tow_hidden_check(path, err);
    free(path);
    return code;
}

static int32_t file_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    struct file_sink *sink = self;
    struct tow_file_target target;
    int code = tow_file_target_init(&target, &sink->options, err);

    if (code == TOW_OK && host->rolling && !target.is_stdout &&
        !strstr(sink->options.path, FILE_LOAD))
        code = tow_error_set(err, TOW_E_CONFIG,
                             "path \"%s\" would be replaced by each load of this job; put {load} "
                             "into it, which gives each a file of its own",
                             sink->options.path);
    if (code == TOW_OK)
        code = tow_file_text_check(&target, err);
    if (code == TOW_OK && !target.is_stdout)
        code = file_check_place(&target, err);
    return code;
}

static int file_open_new(struct file_sink *sink, struct tow_error *err)
{
    const char *path = sink->options.path;
    int code = TOW_OK;

    sink->state = (struct tow_file_token){.part = 1};
    memcpy(sink->state.path, path, strlen(path) + 1);
    if (sink->options.mkdirs && !sink->target.is_stdout)
        code = tow_place_make_folders(path, err);
    if (code == TOW_OK && sink->path)
        code = tow_file_begun_note(sink->host, path, err);
    if (code != TOW_OK)
        return code;
    return tow_file_parts_create(&sink->parts, &sink->target, sink->host->cancel_fd(sink->host),
                                 err);
}

static int file_open_continued(struct file_sink *sink, const struct tow_position *token,
                               struct tow_error *err)
{
    int code = tow_file_token_read(token, &sink->state, err);

    if (code != TOW_OK)
        return code;
    if (strcmp(sink->state.path, sink->options.path) != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the unfinished load writes to \"%s\", now path is \"%s\"; go back, "
                             "or forget the load and start it anew",
                             sink->state.path, sink->options.path);
    return tow_file_parts_continue(&sink->parts, &sink->target, sink->state.part,
                                   sink->state.length, err);
}

/* From here on the path is that of this load; a load that is continued has its name still. */
static int file_fill_in_load(struct file_sink *sink, struct tow_error *err)
{
    char *mark;

    if (!strstr(sink->options.path, FILE_LOAD))
        return TOW_OK;
    sink->path = strdup(sink->options.path);
    while (sink->path && (mark = strstr(sink->path, FILE_LOAD))) {
        char *filled = NULL;

        if (asprintf(&filled, "%.*s%s%s", (int)(mark - sink->path), sink->path, sink->host->load_id,
                     mark + strlen(FILE_LOAD)) < 0)
            filled = NULL;
        free(sink->path);
        sink->path = filled;
    }
    if (!sink->path)
        return tow_error_nomem(err);
    sink->options.path = sink->path;
    return TOW_OK;
}

/* A replay's rows are no result by themselves: they must not take the place of one. */
static int file_check_replay(const struct file_sink *sink, struct tow_error *err)
{
    char *path = tow_file_target_path(&sink->target, 1, err);
    int exists = path && access(path, F_OK) == 0;

    if (exists)
        tow_error_set(
            err, TOW_E_CONFIG,
            "a replay would replace \"%s\" with the replayed rows alone; send it to a new "
            "file: --set %s.path=FILE",
            path, sink->host->section);
    free(path);
    return exists || !path ? err->code : TOW_OK;
}

static int32_t file_open(void *self, const struct tow_host *host, const struct tow_position *token,
                         struct tow_error *err)
{
    struct file_sink *sink = self;
    int code;

    sink->host = host;
    code = file_fill_in_load(sink, err);
    if (code == TOW_OK)
        code = tow_file_target_init(&sink->target, &sink->options, err);
    sink->target.is_routed = host->routed != 0;
    if (code == TOW_OK)
        code = tow_file_text_check(&sink->target, err);
    if (code != TOW_OK)
        return code;
    if (host->replay && token->length == 0 && !sink->target.is_stdout)
        code = file_check_replay(sink, err);
    if (code != TOW_OK)
        return code;
    sink->slice = FILE_SLICE_FIRST;
    sink->failure.code = TOW_OK;
    sink->is_continued = token->length > 0;
    return sink->is_continued ? file_open_continued(sink, token, err) : file_open_new(sink, err);
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* What stands at the top of a part, unless it is there already. */
static int file_put_head(struct file_sink *sink, struct tow_error *err)
{
    const size_t before = sink->buffer.size;
    int code;

    if (sink->state.text > 0)
        return TOW_OK;
    code = tow_file_text_head(sink->text, &sink->buffer, err);
    sink->state.text += sink->buffer.size - before;
    return code;
}

static int file_hand_on(struct file_sink *sink, struct tow_error *err)
{
    int code = TOW_OK;

    if (sink->buffer.size > 0)
        code = tow_file_parts_write(&sink->parts, &sink->buffer, err);
    return code;
}

static int file_next_part(struct file_sink *sink, struct tow_error *err)
{
    int code = file_hand_on(sink, err);

    if (code == TOW_OK)
        code = tow_file_parts_next(&sink->parts, err);
    if (code != TOW_OK)
        return code;
    sink->state.part++;
    sink->state.rows = 0;
    sink->state.text = 0;
    return file_put_head(sink, err);
}

static int32_t file_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                          struct tow_error *err)
{
    struct file_sink *sink = self;
    struct tow_file_target target;
    uint64_t layout;
    int code = tow_file_target_init(&target, &sink->options, err);

    if (code != TOW_OK)
        return code;
    if (!host) {
        struct tow_file_text *text = tow_file_text_new(&target, schema, err);

        tow_file_text_free(text);
        return text ? TOW_OK : err->code;
    }
    layout = tow_file_text_layout(&target, schema);
    if (sink->is_continued && sink->state.layout != layout)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the unfinished load of \"%s\" was written with other columns or "
                             "format options; go back, or forget the load and start it anew",
                             sink->options.path);
    sink->state.layout = layout;
    sink->text = tow_file_text_new(&sink->target, schema, err);
    return sink->text ? file_put_head(sink, err) : err->code;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int64_t file_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A row that is one null alone is an empty line. */
static void file_warn_of_nulls(struct file_sink *sink, const struct ArrowArray *array)
{
    const struct ArrowArray *column = array->n_children == 1 ? array->children[0] : NULL;
    const char *null_text = sink->options.null_text;

    if (sink->warned_of_nulls || !column || !sink->target.is_csv || (null_text && *null_text) ||
        column->null_count == 0 || !column->buffers[0])
        return;
    sink->warned_of_nulls = 1;
    tow_log(sink->host, TOW_LOG_WARN,
            "a null in a single column becomes an empty line, which many readers skip: set "
            "null_text");
}

/*
 * Makes rows from `first` on into text, `*count` at most, and says how many it were. None, where
 * they do not fit into the part: the next call tries fewer, or the next part.
 */
static int file_put_slice(struct file_sink *sink, const struct ArrowArray *array, int64_t first,
                          int64_t *count, struct tow_error *err)
{
    const uint64_t max_bytes = (uint64_t)sink->options.max_bytes;
    const size_t before = sink->buffer.size;
    size_t added;
    int code = tow_file_text_rows(sink->text, array, first, *count, &sink->buffer, err);

    if (code != TOW_OK)
        return code;
    added = sink->buffer.size - before;
    if (max_bytes && sink->state.text + added > max_bytes && (*count > 1 || sink->state.rows > 0)) {
        sink->buffer.size = before;
        sink->slice = *count > 1 ? *count / 2 : 1;
        code = *count > 1 ? TOW_OK : file_next_part(sink, err);
        *count = 0;
        return code;
    }
    sink->state.text += added;
    sink->state.rows += (uint64_t)*count;
    sink->state.total += (uint64_t)*count;
    sink->slice = file_smaller(FILE_SLICE_MAX, FILE_SLICE_TEXT * *count / (int64_t)(added + 1) + 1);
    return sink->buffer.size < FILE_BUFFER_FULL ? TOW_OK : file_hand_on(sink, err);
}

static int file_put_rows(struct file_sink *sink, const struct ArrowArray *array,
                         struct tow_error *err)
{
    const int64_t max_rows = sink->options.max_rows;
    int64_t row = 0;
    int code = TOW_OK;

    while (row < array->length && code == TOW_OK) {
        int64_t count = file_smaller(sink->slice, array->length - row);

        if (max_rows && (int64_t)sink->state.rows >= max_rows)
            code = file_next_part(sink, err);
        if (max_rows)
            count = file_smaller(count, max_rows - (int64_t)sink->state.rows);
        if (code == TOW_OK)
            code = file_put_slice(sink, array, row, &count, err);
        row += count;
    }
    return code;
}

static int32_t file_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct file_sink *sink = self;
    int code = tow_failure_tell(&sink->failure, err);

    if (code != TOW_OK)
        return code;
    file_warn_of_nulls(sink, rows->array);
    return tow_failure_keep(&sink->failure, file_put_rows(sink, rows->array, err), err);
}

/* ---- flush, finish, close ------------------------------------------------------------------- */

static int file_sync(struct file_sink *sink, struct tow_error *err)
{
    int code = tow_failure_tell(&sink->failure, err);

    if (code != TOW_OK)
        return code;
    code = file_hand_on(sink, err);
    if (code == TOW_OK)
        code = tow_file_parts_sync(&sink->parts, err);
    sink->state.length = sink->parts.length;
    return tow_failure_keep(&sink->failure, code, err);
}

static int32_t file_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct file_sink *sink = self;
    int code = file_sync(sink, err);

    if (sink->target.is_stdout)
        token->length = 0;
    else if (code == TOW_OK)
        tow_file_token_write(&sink->state, token);
    return code;
}

static void file_log_published(const struct file_sink *sink)
{
    if (sink->target.is_parted)
        tow_log(sink->host, TOW_LOG_INFO, "%" PRIu64 " rows in %" PRIu64 " part%s of \"%s\"",
                sink->state.total, sink->state.part, sink->state.part == 1 ? "" : "s",
                sink->options.path);
    else
        tow_log(sink->host, TOW_LOG_INFO, "%" PRIu64 " rows in \"%s\"", sink->state.total,
                sink->options.path);
}

/* Readers of the pattern would take the parts of an earlier, longer result for this one's. */
static int file_warn_of_stale_parts(const struct file_sink *sink, struct tow_error *err)
{
    uint64_t count;
    char *first, *last;
    int code = tow_file_parts_stale(&sink->parts, &count, err);

    if (code != TOW_OK || count == 0)
        return code;
    first = tow_file_target_path(&sink->target, sink->state.part + 1, err);
    last = tow_file_target_path(&sink->target, sink->state.part + count, err);
    if (first && last)
        tow_log(sink->host, TOW_LOG_WARN,
                "left of an earlier, longer result, and not of this load: %" PRIu64
                " parts, \"%s\" to \"%s\"",
                count, first, last);
    code = first && last ? TOW_OK : TOW_E_NOMEM;
    free(first);
    free(last);
    return code;
}

static int32_t file_finish(void *self, struct tow_error *err)
{
    struct file_sink *sink = self;
    int code = file_sync(sink, err);

    if (code != TOW_OK || sink->target.is_stdout)
        return code;
    code = tow_file_parts_publish(&sink->parts, err);
    if (code != TOW_OK)
        return code;
    file_log_published(sink);
    return file_warn_of_stale_parts(sink, err);
}

static void file_close(void *self)
{
    struct file_sink *sink = self;

    tow_file_parts_close(&sink->parts);
    tow_file_text_free(sink->text);
    tow_buffer_release(&sink->buffer);
    sink->text = NULL;
    free(sink->path);
    sink->path = NULL;
}

static const struct tow_sink_ops file_ops = {
    .size = sizeof file_ops,
    .flags = TOW_SINK_OFFLINE_BEGIN,
    .check = file_check,
    .open = file_open,
    .begin = file_begin,
    .write = file_write,
    .flush = file_flush,
    .finish = file_finish,
    .close = file_close,
    .words = "load|part",
};

static const struct tow_plugin file_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "file",
    .version = "1.0",
    .summary = "CSV or JSON lines in a file, in numbered parts, or on standard output",
    .instance_size = sizeof(struct file_sink),
    .options = file_options,
    .sink = &file_ops,
};

TOW_PLUGIN(file, &file_plugin)
