/* The source plugin "databricks": its options and functions. */
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/scan.h"
#include "plugins/shared/databricks_options.h"

#define TEN_YEARS_MS (INT64_C(3650) * 24 * 3600 * 1000)

static const struct tow_option databricks_options[] = {
    TOW_OPT_DATABRICKS(struct tow_scan, options.connection),
    TOW_OPT_DATABRICKS_WAITS(struct tow_scan, options.connection),
    TOW_OPT_STRING("table", struct tow_scan, options.table, NULL,
                   "table or view to read, \"catalog.schema.table\""),
    TOW_OPT_STRING("query", struct tow_scan, options.query, NULL,
                   "SELECT to read, instead of a table"),
    TOW_OPT_STRINGS("columns", struct tow_scan, options.columns,
                    "columns to read; all, unless set"),
    TOW_OPT_STRING("where", struct tow_scan, options.where, NULL,
                   "condition in SQL that rows must meet"),
    TOW_OPT_STRING("catalog", struct tow_scan, options.catalog, NULL,
                   "of tables named without one; the workspace's default, unless set"),
    TOW_OPT_STRING("schema", struct tow_scan, options.schema, NULL,
                   "of tables named without one; the workspace's default, unless set"),
    TOW_OPT_STRING("location", struct tow_scan, options.location, NULL,
                   "where `towpath setup` puts the files of a table that it creates, "
                   "\"s3://bucket/folder\"; the catalog's own storage, unless set"),
    TOW_OPT_STRING("cursor", struct tow_scan, options.cursor, NULL,
                   "column that tells what is new: each run reads rows with greater values than "
                   "the last one had"),
    TOW_OPT_STRING("since", struct tow_scan, options.since, NULL,
                   "the first run reads rows with a cursor after this, \"yyyy-mm-dd HH:MM:SS\" in "
                   "UTC, RFC 3339, \"yyyy-mm-dd\", or a whole number"),
    TOW_OPT_STRINGS("tie_break", struct tow_scan, options.tie_break,
                    "columns that, with the cursor, no two rows share: then a run goes on exactly "
                    "behind the last row, also in what has changed"),
    TOW_OPT_CHOICE("snapshot", struct tow_scan, options.snapshot, "auto", "auto|pinned|none",
                   "pinned reads one version of the table, also when a stopped run goes on; auto "
                   "does so where the table has versions"),
    TOW_OPT_DURATION("lag", struct tow_scan, options.lag, NULL, 0, TEN_YEARS_MS,
                     "leaves rows alone whose cursor is younger than this by the warehouse's "
                     "clock, since others may still turn up before them"),
    TOW_OPT_DURATION("overlap", struct tow_scan, options.overlap, NULL, 0, TEN_YEARS_MS,
                     "begins this much before the last run's end, for rows that turned up late; "
                     "what is there again comes again"),
    TOW_OPT_CHOICE("null_cursor", struct tow_scan, options.null_cursor, "first", "first|skip|fail",
                   "rows without a cursor value: the first run reads them, none does, or they fail "
                   "the run"),
    TOW_OPT_DURATION("query_timeout", struct tow_scan, options.query_timeout, NULL, 0,
                     INT64_C(30) * 24 * 3600 * 1000,
                     "longest time that a statement may run; the warehouse's own, unless set"),
    TOW_OPT_DURATION("start_timeout", struct tow_scan, options.start_timeout, "20m", 1000,
                     INT64_C(24) * 3600 * 1000, "longest time to wait for the warehouse to start"),
    TOW_OPT_INT("limit", struct tow_scan, options.limit, NULL, 1, INT64_MAX,
                "most rows that a run reads; with cursor and tie_break the next one reads on"),
    TOW_OPT_INT("fetches", struct tow_scan, options.fetches, "8", 1, 64,
                "parts of the result that are downloaded at once"),
    TOW_OPT_CHOICE("result", struct tow_scan, options.result, "auto", "auto|links|inline",
                   "links downloads the result from the workspace's storage; inline takes it from "
                   "the API, 25 MiB at most; auto takes links, inline where limit is at most 1000 "
                   "or the workspace hands out none"),
    TOW_OPTIONS_END,
};

static int32_t databricks_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct tow_scan *scan = self;
    struct tow_databricks_config config = {.url = NULL};
    int code = tow_scan_options_check(&scan->options, err);

    (void)host;
    if (code == TOW_OK)
        code = tow_databricks_config_init(&config, &scan->options.connection, 1, err);
    tow_databricks_config_release(&config);
    return code;
}

static void databricks_close(void *self)
{
    struct tow_scan *scan = self;

    tow_scan_page_release(&scan->page);
    tow_result_free(scan->result);
    tow_statement_release(&scan->statement.run);
    tow_databricks_free(scan->client);
    tow_databricks_config_release(&scan->config);
    tow_sql_table_release(&scan->table);
    tow_scan_columns_release(&scan->columns);
    tow_json_writer_free(scan->raw);
    if (scan->schema.release)
        scan->schema.release(&scan->schema);
    tow_scan_progress_release(&scan->progress);
    tow_key_release(&scan->after);
    tow_key_release(&scan->end);
    free(scan->order);
    free(scan->upto);
    free(scan->views);
    *scan = (struct tow_scan){.options = scan->options};
}

/* Nothing is sent yet. */
static int databricks_connect(struct tow_scan *scan, const struct tow_host *host,
                              struct tow_error *err)
{
    int code = tow_scan_options_check(&scan->options, err);

    scan->host = host;
    if (code == TOW_OK)
        code = tow_databricks_config_init(&scan->config, &scan->options.connection, 1, err);
    if (code == TOW_OK && scan->options.table)
        code = tow_sql_table_parse(&scan->table, scan->options.table, err);
    if (code != TOW_OK)
        return code;
    scan->client = tow_databricks_new(&scan->config, host->cancel_fd(host), err);
    return scan->client ? TOW_OK : err->code;
}

static int32_t databricks_open(void *self, const struct tow_host *host,
                               const struct tow_position *from, struct tow_error *err)
{
    struct tow_scan *scan = self;
    int code = databricks_connect(scan, host, err);

    if (code == TOW_OK)
        code = tow_scan_begin(scan, from, err);
    if (code == TOW_OK)
        code = tow_schema_make(&scan->schema, scan->columns.fields, scan->columns.count, err);
    if (code != TOW_OK)
        return code;
    scan->views = calloc(scan->columns.count, sizeof *scan->views);
    return scan->views ? TOW_OK : tow_error_nomem(err);
}

static int32_t databricks_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_scan *scan = self;

    return tow_schema_make(out, scan->columns.fields, scan->columns.shown, err);
}

static int32_t databricks_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct tow_scan *scan = self;
    int code = tow_scan_load(scan, err);

    if (code == TOW_OK)
        return tow_scan_hand_out(scan, out, err);
    if (code != TOW_END)
        return code;
    code = tow_scan_end(scan, out, err);
    if (code == TOW_END)
        tow_scan_close_statement(scan);
    return code;
}

static int32_t databricks_setup(void *self, const struct tow_host *host,
                                const struct tow_setup *setup, struct ArrowSchema *out,
                                struct tow_error *err)
{
    struct tow_scan *scan = self;
    int code = databricks_connect(scan, host, err);

    if (code != TOW_OK || scan->options.query)
        return code;
    return tow_scan_setup(scan, setup, out, err);
}

static int32_t databricks_name(void *self, const char *name, tow_text_put *put, void *context,
                               struct tow_error *err)
{
    char *word;
    int code = tow_scan_name(self, name, &word, err);

    if (code == TOW_OK)
        code = put(context, word, strlen(word));
    free(word);
    return code;
}

TOW_SOURCE_PLUGIN(databricks, "1.0", "Rows of a Databricks table or query, all or what is new",
                  struct tow_scan, databricks_options, 0, databricks_check, databricks_open,
                  databricks_schema, databricks_read, databricks_close, databricks_setup,
                  .names = TOW_SCAN_NAMES, .name = databricks_name)
