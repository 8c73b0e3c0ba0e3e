#include "plugins/file/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/files/output.h"

static const struct target_extension {
    const char *text;
    int is_csv;
    const char *delimiter;
} target_extensions[] = {
    {".csv", 1, ","},    {".tsv", 1, "\t"},  {".ndjson", 0, NULL},
    {".jsonl", 0, NULL}, {".json", 0, NULL},
};

/* 1 where the first `length` bytes of path end in the extension, in any case. */
static int target_ends(const char *path, size_t length, const char *extension)
{
    size_t wanted = strlen(extension);

    return length > wanted && strncasecmp(path + length - wanted, extension, wanted) == 0;
}

static const struct target_extension *target_find_extension(const char *path)
{
    size_t length = strlen(path);

    if (target_ends(path, length, ".gz"))
        length -= strlen(".gz");
    for (size_t i = 0; i < sizeof target_extensions / sizeof *target_extensions; i++)
        if (target_ends(path, length, target_extensions[i].text))
            return &target_extensions[i];
    return NULL;
}

static int target_set_format(struct tow_file_target *target, struct tow_error *err)
{
    const struct tow_file_options *options = target->options;
    const struct target_extension *extension = target_find_extension(options->path);

    if (options->format == TOW_FILE_FORMAT_AUTO && !extension)
        return tow_error_set(err, TOW_E_CONFIG,
                             "path \"%s\" does not tell the format (.csv, .tsv, .ndjson, .jsonl or "
                             ".json, also with .gz behind): set format to csv or ndjson",
                             options->path);
    target->is_csv = options->format == TOW_FILE_FORMAT_AUTO
                         ? extension->is_csv
                         : options->format == TOW_FILE_FORMAT_CSV;
    target->delimiter = extension && extension->delimiter ? extension->delimiter : ",";
    if (options->delimiter)
        target->delimiter = options->delimiter;
    target->is_gzip = options->compression == TOW_FILE_COMPRESSION_AUTO
                          ? target_ends(options->path, strlen(options->path), ".gz")
                          : options->compression == TOW_FILE_COMPRESSION_GZIP;
    return TOW_OK;
}

static int target_check_path(const struct tow_file_options *options, struct tow_error *err)
{
    const char *slash = strrchr(options->path, '/');
    const char *mark = strstr(options->path, TOW_FILE_PART);

    if (strlen(options->path) > TOW_FILE_PATH_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "path is %zu bytes long, at most %d",
                             strlen(options->path), TOW_FILE_PATH_MAX);
    if (mark && slash && mark < slash)
        return tow_error_set(err, TOW_E_CONFIG,
                             "path \"%s\": " TOW_FILE_PART " may stand in the file name only",
                             options->path);
    if (mark && strstr(mark + 1, TOW_FILE_PART))
        return tow_error_set(err, TOW_E_CONFIG, "path \"%s\" has " TOW_FILE_PART " twice",
                             options->path);
    if (!mark && (options->max_bytes || options->max_rows))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s needs " TOW_FILE_PART " in path, such as \"out-" TOW_FILE_PART
                             ".csv\"; it is \"%s\"",
                             options->max_rows ? "max_rows" : "max_bytes", options->path);
    return TOW_OK;
}

/* An option that would do nothing is a mistake somewhere. */
static int target_check_use(const struct tow_file_target *target, struct tow_error *err)
{
    const struct tow_file_options *options = target->options;
    const char *csv_only = options->delimiter                        ? "delimiter"
                           : options->null_text                      ? "null_text"
                           : options->quote_all                      ? "quote_all"
                           : options->line_end == TOW_FILE_LINE_CRLF ? "line_end"
                                                                     : NULL;

    if (csv_only && !target->is_csv)
        return tow_error_set(err, TOW_E_CONFIG, "%s is for csv; the format is ndjson", csv_only);
    if (options->omit_nulls && target->is_csv)
        return tow_error_set(err, TOW_E_CONFIG, "omit_nulls is for ndjson; the format is csv");
    if (options->level && !target->is_gzip)
        return tow_error_set(err, TOW_E_CONFIG,
                             "level %" PRId64 " is for gzip; the output is not compressed",
                             options->level);
    return TOW_OK;
}

int tow_file_target_init(struct tow_file_target *target, const struct tow_file_options *options,
                         struct tow_error *err)
{
    int code;

    *target = (struct tow_file_target){.options = options};
    target->is_stdout = strcmp(options->path, TOW_OUTPUT_STDOUT) == 0;
    target->is_parted = strstr(options->path, TOW_FILE_PART) != NULL;
    code = target_check_path(options, err);
    if (code == TOW_OK)
        code = target_set_format(target, err);
    if (code == TOW_OK)
        code = target_check_use(target, err);
    return code;
}

char *tow_file_target_path(const struct tow_file_target *target, uint64_t part,
                           struct tow_error *err)
{
    const char *pattern = target->options->path;
    const char *mark = strstr(pattern, TOW_FILE_PART);
    char *path;
    int length;

    if (mark)
        length = asprintf(&path, "%.*s%05" PRIu64 "%s", (int)(mark - pattern), pattern, part,
                          mark + strlen(TOW_FILE_PART));
    else
        length = asprintf(&path, "%s", pattern);
    if (length >= 0)
        return path;
    tow_error_nomem(err);
    return NULL;
}
