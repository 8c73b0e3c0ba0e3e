/* The source plugin "csv": its options and functions. */
#include <stdlib.h>
#include <string.h>

#include "plugins/csv/source.h"

#define CSV_OFFSET(member) offsetof(struct tow_csv_source, options.member)
#define CSV_ROW_BYTES_MIN  64
#define CSV_ROW_BYTES_MAX  (256 << 20)

static const struct tow_option csv_options[] = {
    {"path", TOW_OPTION_PATH, TOW_OPTION_REQUIRED, CSV_OFFSET(path), NULL, 0, 0, NULL,
     "File, folder (all files in it that are not hidden), pattern with * ? [ ], or \"-\" for "
     "standard input; gzip and zstd are recognised by content"},
    {"delimiter", TOW_OPTION_STRING, 0, CSV_OFFSET(delimiter), ",", 1, TOW_CSV_DELIMITER_MAX, NULL,
     "What stands between fields: 1 to 4 bytes; \"\\t\" is a tab"},
    {"quote", TOW_OPTION_STRING, 0, CSV_OFFSET(quote), "\"", 0, 1, NULL,
     "Byte around fields that hold delimiters or line ends; \"\" for none"},
    {"escape", TOW_OPTION_STRING, 0, CSV_OFFSET(escape), "", 0, 1, NULL,
     "Byte that makes the next one data inside quotes, and everywhere where quote is \"\"; a "
     "doubled "
     "quote is one quote in any case"},
    {"header", TOW_OPTION_BOOL, 0, CSV_OFFSET(header), "true", 0, 0, NULL,
     "Each file begins with a line of column names; files may have them in different orders"},
    {"columns", TOW_OPTION_STRINGS, 0, CSV_OFFSET(columns), NULL, 0, 0, NULL,
     "Column names, in the order of the fields; needed where header = false, else used instead of "
     "the header's"},
    {"skip_lines", TOW_OPTION_INT, 0, CSV_OFFSET(skip_lines), "0", 0, 1000000000, NULL,
     "Lines at the start of each file to leave out, before the header"},
    {"comment", TOW_OPTION_STRING, 0, CSV_OFFSET(comment), NULL, 0, TOW_CSV_COMMENT_MAX, NULL,
     "Lines that begin with this are left out"},
    {"null_values", TOW_OPTION_STRINGS, 0, CSV_OFFSET(null_values), "", 0, 0, NULL,
     "Unquoted fields with one of these texts are null; a quoted \"\" is an empty string"},
    {"trim", TOW_OPTION_BOOL, 0, CSV_OFFSET(trim), "false", 0, 0, NULL,
     "Takes spaces and tabs off both ends of fields, outside their quotes"},
    {"column_count", TOW_OPTION_CHOICE, 0, CSV_OFFSET(column_count), "strict", 0, 0, "strict|pad",
     "Rows with another number of fields: strict rejects them; pad takes missing fields as null "
     "and drops surplus ones that are empty"},
    {"invalid_utf8", TOW_OPTION_CHOICE, 0, CSV_OFFSET(invalid_utf8), "reject", 0, 0,
     "reject|replace", "Rows that are not UTF-8: reject them, or replace each bad byte by U+FFFD"},
    {"max_row_bytes", TOW_OPTION_SIZE, 0, CSV_OFFSET(max_row_bytes), "16MiB", CSV_ROW_BYTES_MIN,
     CSV_ROW_BYTES_MAX, NULL,
     "Longest row with its line end; longer ones are rejected. An open quote is looked for its end "
     "this far"},
    {"incremental", TOW_OPTION_CHOICE, 0, CSV_OFFSET(incremental), "none", 0, 0, "none|file",
     "file: each file is loaded once, and later runs read only files that are new"},
    {"on_change", TOW_OPTION_CHOICE, 0, CSV_OFFSET(on_change), "fail", 0, 0, "fail|skip|reload",
     "With incremental = \"file\", a loaded file whose size or modification time is another: fail "
     "the run, leave it out, or load all of it again"},
    TOW_OPTIONS_END,
};

static int32_t csv_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    struct tow_csv_source *source = self;
    struct tow_listing listing;
    int code = tow_csv_source_prepare(source, err);

    (void)host;
    if (code == TOW_OK)
        code = tow_listing_init(&listing, source->options.path, err);
    if (code == TOW_OK)
        tow_listing_release(&listing);
    return code;
}

static void csv_close(void *self)
{
    struct tow_csv_source *source = self;

    tow_csv_batch_release(&source->batch);
    tow_csv_rows_release(&source->rows);
    tow_buffer_release(&source->columns.repair);
    tow_buffer_release(&source->typed.repair);
    free(source->columns.fills);
    free(source->typed.fills);
    tow_csv_wishes_release(&source->wishes);
    free(source->fields);
    tow_csv_header_release(&source->header);
    free(source->mark_key);
    tow_csv_file_close(&source->file);
    tow_window_release(&source->window);
    free(source->skip);
    tow_listing_release(&source->listing);
    *source = (struct tow_csv_source){
        .options = source->options, .window_size = source->window_size, .level = source->level};
}

static int32_t csv_open(void *self, const struct tow_host *host, const struct tow_position *from,
                        struct tow_error *err)
{
    struct tow_csv_source *source = self;
    int code = tow_csv_source_prepare(source, err);

    source->host = host;
    source->rejecter.host = host;
    if (code == TOW_OK)
        code = tow_csv_source_plan(source, from, err);
    if (code == TOW_OK)
        code = tow_window_init(&source->window, source->window_size,
                               source->rules.row_bytes + 1 + TOW_CSV_COMMENT_MAX, err);
    return code;
}

static int32_t csv_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_csv_source *source = self;
    struct tow_field *fields;
    int code = tow_csv_source_settle(source, source->host->load_id[0] != '\0', err);

    if (code != TOW_OK)
        return code;
    fields = tow_csv_header_fields(&source->header);
    code = fields ? tow_schema_make(out, fields, source->header.count, err) : tow_error_nomem(err);
    free(fields);
    return code;
}

static int32_t csv_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct tow_csv_source *source = self;
    int at_file_end = 0;
    int code = tow_csv_source_settle(source, 1, err);

    if (code == TOW_OK)
        code = tow_csv_source_read(source, &at_file_end, err);
    if (code == TOW_END)
        out->position.length = 0;
    if (code == TOW_OK)
        code = tow_csv_batch_hand_over(source, out, at_file_end, err);
    if (code == TOW_OK && at_file_end)
        tow_csv_source_end_file(source);
    return code;
}

static int32_t csv_types(void *self, const struct tow_wish *wishes, uint64_t count,
                         struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_csv_source *source = self;
    int code = tow_csv_source_settle(source, 1, err);

    if (code == TOW_OK)
        code = tow_csv_source_wish(source, wishes, count, err);
    return code == TOW_OK ? tow_csv_source_typed_schema(source, out, err) : code;
}

static const struct tow_source_ops csv_ops = {
    .size = sizeof csv_ops,
    .flags = TOW_SOURCE_OFFLINE,
    .check = csv_check,
    .open = csv_open,
    .schema = csv_schema,
    .read = csv_read,
    .close = csv_close,
    .types = csv_types,
};

static const struct tow_plugin csv_plugin = {
    TOW_PLUGIN_HEAD,
    .name = "csv",
    .version = "1.0",
    .summary = "Rows of CSV files, plain or compressed, or of standard input",
    .instance_size = sizeof(struct tow_csv_source),
    .options = csv_options,
    .source = &csv_ops,
};

TOW_PLUGIN(csv, &csv_plugin)
