#include <stdlib.h>
#include <string.h>

#include "plugins/csv/source.h"

static int plan_check_options(const struct tow_csv_options *options, struct tow_error *err)
{
    if (!options->path || !*options->path)
        return tow_error_set(err, TOW_E_CONFIG, "path is empty");
    if (!options->header && options->columns.count == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "header = false needs the names of the columns: columns = [\"...\"]");
    if (options->columns.count > TOW_CSV_COLUMNS_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "%llu columns; %d are possible",
                             (unsigned long long)options->columns.count, TOW_CSV_COLUMNS_MAX);
    if (options->incremental == TOW_CSV_INCREMENTAL_FILE && strcmp(options->path, "-") == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "incremental = \"file\" needs files; path is standard input");
    return TOW_OK;
}

/* Doubled or empty names in the job are found by the same rules as those in files. */
static int plan_check_names(const struct tow_csv_options *options, struct tow_error *err)
{
    struct tow_csv_header header = {0};
    int code = tow_csv_header_set_all(&header, options->columns, err);

    if (code == TOW_OK)
        code = tow_csv_header_finish(&header, "columns", err);
    tow_csv_header_release(&header);
    return code;
}

static void plan_set_rules(struct tow_csv_source *source)
{
    const struct tow_csv_options *options = &source->options;

    source->rules = (struct tow_csv_rules){
        .dialect = &source->dialect,
        .row_bytes = (size_t)options->max_row_bytes,
        .pad = options->column_count == TOW_CSV_COUNT_PAD,
        .replace = options->invalid_utf8 == TOW_CSV_UTF8_REPLACE,
    };
    source->file_rules = (struct tow_csv_file_rules){
        .dialect = &source->dialect,
        .skip_lines = options->skip_lines,
        .has_header = options->header,
        .ignores_names = options->columns.count > 0,
        .row_bytes = (size_t)options->max_row_bytes,
        .input = {.cancel_fd = -1, .buffer_size = source->window_size},
    };
}

int tow_csv_source_prepare(struct tow_csv_source *source, struct tow_error *err)
{
    const struct tow_csv_options *options = &source->options;
    const char *level = getenv("TOWPATH_CSV_INDEX");
    struct tow_csv_settings settings = {
        .delimiter = options->delimiter,
        .quote = options->quote,
        .escape = options->escape,
        .comment = options->comment,
        .null_values = options->null_values.items,
        .null_count = (size_t)options->null_values.count,
        .trim = options->trim,
    };
    int code = plan_check_options(options, err);

    if (code == TOW_OK)
        code = tow_csv_dialect_init(&source->dialect, &settings, err);
    if (code == TOW_OK)
        code = plan_check_names(options, err);
    if (code != TOW_OK)
        return code;
    plan_set_rules(source);
    if (level) /* of the converters there are fewer than of the index */
        source->level = strncmp(level, "avx", 3) == 0 ? level : "scalar";
    source->rules.index_run = tow_csv_index_choose(level, err);
    return source->rules.index_run ? TOW_OK : err->code;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int plan_judge(struct tow_csv_source *source, size_t index, struct tow_error *err)
{
    const struct tow_file *file = &source->listing.files[index];
    char change[TOW_FILE_CHANGE_MAX];
    struct tow_file_mark recorded;
    enum tow_file_verdict verdict;
    int code = tow_file_ledger_judge(source->host, file, &verdict, &recorded, err);

    if (code != TOW_OK || verdict == TOW_FILE_NEW)
        return code;
    source->skip[index] = 1;
    if (verdict == TOW_FILE_DONE)
        return TOW_OK;
    tow_file_mark_describe(file, &recorded, change);
    switch (source->options.on_change) {
    case TOW_CSV_CHANGE_SKIP:
        tow_log(source->host, TOW_LOG_WARN, "%s %s; left out (on_change = \"skip\")", file->path,
                change);
        return TOW_OK;
    case TOW_CSV_CHANGE_RELOAD:
        tow_log(source->host, TOW_LOG_WARN, "%s %s; loaded again (on_change = \"reload\")",
                file->path, change);
        source->skip[index] = 0;
        return TOW_OK;
    default:
        return tow_error_set(err, TOW_E_ENV,
                             "%s %s; on_change = \"skip\" leaves such files out, \"reload\" loads "
                             "them again from the start",
                             file->path, change);
    }
}

/* Finds the file that a position names; the files before it are done. */
static int plan_resume(struct tow_csv_source *source, struct tow_error *err)
{
    const struct tow_listing *listing = &source->listing;
    const struct tow_csv_resume *resume = &source->resume;
    size_t next = 0;
    int is_there;

    while (next < listing->count && strcmp(listing->files[next].path, resume->path) < 0)
        source->skip[next++] = 1;
    is_there = next < listing->count && strcmp(listing->files[next].path, resume->path) == 0;
    source->next = next;
    source->is_resuming = is_there && !resume->is_done;
    if (!is_there && !resume->is_done)
        return tow_error_set(err, TOW_E_ENV,
                             "%s, in which the last run stopped, is not there any more: bring it "
                             "back, or start anew with `towpath state reset %s`",
                             resume->path, source->host->job);
    if (is_there && resume->is_done && source->options.incremental == TOW_CSV_INCREMENTAL_NONE)
        source->skip[next] = 1;
    return TOW_OK;
}

static int plan_check_paths(const struct tow_listing *listing, struct tow_error *err)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strlen(listing->files[i].path) > TOW_CSV_PATH_MAX)
            return tow_error_set(err, TOW_E_ENV, "%s: the path has more than %d bytes",
                                 listing->files[i].path, TOW_CSV_PATH_MAX);
    return TOW_OK;
}

int tow_csv_source_plan(struct tow_csv_source *source, const struct tow_position *from,
                        struct tow_error *err)
{
    int code = tow_listing_init(&source->listing, source->options.path, err);
    int found;

    if (code == TOW_OK)
        code = plan_check_paths(&source->listing, err);
    if (code != TOW_OK)
        return code;
    source->skip = calloc(source->listing.count + 1, 1);
    if (!source->skip)
        return tow_error_nomem(err);
    found = tow_csv_resume_get(&source->resume, from, err);
    if (found == TOW_OK)
        code = plan_resume(source, err);
    else if (found != TOW_END)
        code = found;
    if (source->options.incremental == TOW_CSV_INCREMENTAL_NONE)
        return code;
    for (size_t i = source->next; i < source->listing.count && code == TOW_OK; i++)
        if (i != source->next || !source->is_resuming)
            code = plan_judge(source, i, err);
    return code;
}
