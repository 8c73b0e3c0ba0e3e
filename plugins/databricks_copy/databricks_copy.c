/*
 * The sink `databricks_copy`: rows as compressed parts, staged in a volume, in S3 or in a folder,
 * and loaded into a Databricks table by COPY INTO once the input is complete.
 *
 * Every worker stages parts of its own. What is known of them stands in the ledger before they are
 * staged; a worker's token says which of them belong to the load. The last worker's finish loads
 * those of all. Rows are taken whole or not at all: a part is staged before a batch is added to it
 * that it has no room for, so that a stage that does not answer leaves the batch with the core.
 */
#include <inttypes.h>
#include <string.h>

#include "plugins/databricks_copy/load.h"
#include "plugins/databricks_copy/nul.h"
#include "plugins/databricks_copy/part.h"
#include "plugins/databricks_copy/publish.h"
#include "plugins/databricks_copy/token.h"
#include "plugins/shared/databricks_options.h"
#include "plugins/shared/failure.h"

#define COPY_CHECKPOINT_MS 300000 /* a flush ends a part */
#define COPY_WORKERS       2      /* one compresses while the other uploads */
#define COPY_TEXT_RATIO    16     /* a part has so many times part_bytes of text at most */

struct copy_sink {
    struct tow_copy_options options;
    const struct tow_host *host;
    struct tow_copy_target target;
    struct tow_databricks *databricks;
    struct tow_copy_stage *stage;
    struct tow_copy_session session;
    struct tow_copy_yard yard;
    struct tow_copy_load load;
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_copy_part *part;
    struct tow_copy_token token; /* as of now */
    int is_continued;
    struct tow_error failure; /* of the part: it cannot be gone on with */
};

static const struct tow_option copy_options[] = {
    TOW_OPT_DATABRICKS(struct copy_sink, options.databricks),
    TOW_OPT_DATABRICKS_WAITS(struct copy_sink, options.databricks),
    TOW_OPT("table", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, struct copy_sink, options.table, NULL,
            0, 0, NULL, "table to load, \"catalog.schema.table\"; odd names in backticks"),
    TOW_OPT_STRING("location", struct copy_sink, options.location, NULL,
                   "where the files of a table go that is created, \"s3://bucket/folder\"; the "
                   "catalog's own storage, unless set"),
    TOW_OPT_CHOICE("mode", struct copy_sink, options.mode, "append",
                   "append|replace|merge|drop_create",
                   "append adds the rows; replace puts them in place of all others, in one step; "
                   "merge updates rows with the same keys and adds the others; drop_create drops "
                   "the table and makes it anew, so that readers find none, or none of its rows, "
                   "for a while"),
    TOW_OPT_STRINGS("keys", struct copy_sink, options.keys,
                    "of mode merge: columns that a row is known by; the last row of a key wins"),
    TOW_OPT("stage", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, struct copy_sink, options.stage, NULL,
            0, 0, NULL,
            "where files wait for COPY INTO: \"/Volumes/catalog/schema/volume[/folder]\", "
            "\"s3://bucket[/prefix]\", or \"file:///folder\" for tests"),
    TOW_OPT_STRING("aws_region", struct copy_sink, options.aws_region, NULL,
                   "of a stage in S3; else AWS_REGION, AWS_DEFAULT_REGION or us-east-1"),
    TOW_OPT_STRING("aws_endpoint", struct copy_sink, options.aws_endpoint, NULL,
                   "https URL of a store that speaks like S3"),
    TOW_OPT_SECRET("aws_access_key_id", struct copy_sink, options.aws_access_key_id,
                   "to put files into S3; else AWS_ACCESS_KEY_ID"),
    TOW_OPT_SECRET("aws_secret_access_key", struct copy_sink, options.aws_secret_access_key,
                   "else AWS_SECRET_ACCESS_KEY"),
    TOW_OPT_SECRET("aws_session_token", struct copy_sink, options.aws_session_token,
                   "else AWS_SESSION_TOKEN"),
    TOW_OPT_STRING("stage_credential", struct copy_sink, options.stage_credential, NULL,
                   "name of the Databricks credential that COPY INTO reads S3 with; none is needed "
                   "under an external location"),
    TOW_OPT_BOOL("aws_keys_in_sql", struct copy_sink, options.aws_keys_in_sql, "false",
                 "give COPY INTO the AWS keys; the query history of the workspace keeps them"),
    TOW_OPT_BOOL("create_table", struct copy_sink, options.create_table, "true",
                 "create the table where it is not there"),
    TOW_OPT_CHOICE("schema", struct copy_sink, options.schema, "typed", "typed|infer",
                   "of modes replace and drop_create: typed makes columns of the types here; infer "
                   "lets COPY INTO find types in the files, with which 007 becomes 7"),
    TOW_OPT_CHOICE("schema_change", struct copy_sink, options.schema_change, "fail",
                   "fail|add_columns|replace",
                   "what to do with columns that the table lacks; replace, of mode replace, also "
                   "takes away those that only the table has, and changes types"),
    TOW_OPT_STRINGS("column_types", struct copy_sink, options.column_types,
                    "SQL types of columns to create, \"name=TYPE\", as in \"payload=VARIANT\""),
    TOW_OPT_CHOICE("format", struct copy_sink, options.format, "csv", "csv|ndjson",
                   "of the staged files; both are read back without loss, csv is smaller, ndjson "
                   "also takes text with U+0000"),
    TOW_OPT_SIZE("part_bytes", struct copy_sink, options.part_bytes, "64MB", 1000, 2000000000,
                 "compressed size of a staged file, about; 32MB to 128MB load fastest"),
    TOW_OPT_INT("part_rows", struct copy_sink, options.part_rows, "0", 0, INT64_MAX,
                "rows of a staged file at most, unless a single batch has more; 0: any number"),
    TOW_OPT_INT("level", struct copy_sink, options.level, "0", 0, 9,
                "of gzip: 1 is fastest, 9 smallest, 0 what the compressor is best at"),
    TOW_OPT_PATH("spool", 0, struct copy_sink, options.spool,
                 "folder for the files under way, one a worker; else TMPDIR or /var/tmp"),
    TOW_OPT_DURATION("query_timeout", struct copy_sink, options.query_timeout_ms, "0s", 0,
                     172800000, "most time for a statement, once it runs; 0s: no limit"),
    TOW_OPT_DURATION("start_timeout", struct copy_sink, options.start_timeout_ms, "20m", 1000,
                     86400000, "most time for the warehouse to start"),
    TOW_OPT_BOOL("keep_staged", struct copy_sink, options.keep_staged, "false",
                 "leave the staged files where they are once they are loaded"),
    TOW_OPT_DURATION("retention", struct copy_sink, options.retention_ms, "7d", 3600000,
                     31536000000,
                     "what unknown loads of this job have left in a volume, or in a "
                     "folder, is removed after that time"),
    TOW_OPTIONS_END,
};

/* ---- check and open ------------------------------------------------------------------------- */

static int32_t copy_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct copy_sink *sink = self;
    struct tow_copy_target target;
    int code = tow_copy_target_init(&target, &sink->options, err);

    if (code == TOW_OK && host->rolling && sink->options.mode == TOW_COPY_REPLACE)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "each load of this job would replace the one before it; take mode "
                             "\"append\" or \"merge\", or leave `load` out of the job");
    if (code == TOW_OK)
        code = tow_copy_target_check(&target, err);
    tow_copy_target_release(&target);
    return code;
}

/* Connections; nothing is sent yet. */
static int copy_connect(struct copy_sink *sink, struct tow_error *err)
{
    const int cancel_fd = sink->host->cancel_fd(sink->host);
    int code = tow_copy_target_init(&sink->target, &sink->options, err);

    if (code != TOW_OK)
        return code;
    sink->databricks = tow_databricks_new(&sink->target.config, cancel_fd, err);
    if (!sink->databricks)
        return err->code;
    sink->stage =
        tow_copy_stage_new(&sink->target.place, sink->databricks, &sink->target.s3, cancel_fd, err);
    if (!sink->stage)
        return err->code;
    sink->session = (struct tow_copy_session){sink->databricks, &sink->target, sink->host};
    return TOW_OK;
}

/* Parts behind the token are taken away; those that it counts must be known. */
static int copy_cut_parts(struct copy_sink *sink, struct tow_error *err)
{
    const struct tow_host *host = sink->host;
    const struct tow_copy_token *token = &sink->token;
    struct tow_copy_progress progress;
    struct tow_copy_parts parts = {.items = NULL};
    int64_t rows = 0;
    int code = tow_copy_progress_get(host, host->load_id, &progress, err);

    if (code == TOW_OK)
        code = tow_copy_parts_read(host, host->load_id, host->worker, &parts, err);
    for (size_t i = 0; i < parts.count && code == TOW_OK; i++) {
        const struct tow_copy_part_id *id = &parts.items[i].id;

        if (id->generation > token->generation ||
            (id->generation == token->generation && id->number > token->parts))
            code = tow_copy_yard_discard(&sink->yard, id, err);
        else
            rows += parts.items[i].rows;
    }
    tow_copy_parts_release(&parts);
    /* Once a load is published its parts go. */
    if (code != TOW_OK || progress.round > 1 || progress.phase >= TOW_COPY_SWAPPED ||
        rows == token->rows)
        return code;
    return tow_error_set(err, TOW_E_ENV,
                         "the ledger knows of %" PRId64 " staged rows of worker %u, the checkpoint "
                         "of %" PRId64 "; start the load anew with --full",
                         rows, host->worker, token->rows);
}

static int copy_open_continued(struct copy_sink *sink, const struct tow_position *position,
                               struct tow_error *err)
{
    int code = tow_copy_token_read(position, &sink->token, err);

    return code == TOW_OK ? tow_copy_load_continue(sink->host, &sink->target, &sink->load, err)
                          : code;
}

/* Another worker may have opened by now: only loads of before are looked at. */
static int copy_open_new(struct copy_sink *sink, struct tow_error *err)
{
    int code = TOW_OK;

    /* A replay's rows are no result by themselves: they must not take the place of one. */
    if (sink->host->replay &&
        (sink->options.mode == TOW_COPY_REPLACE || sink->options.mode == TOW_COPY_DROP_CREATE))
        return tow_error_set(err, TOW_E_CONFIG,
                             "a replay would replace table %s with the replayed rows alone; send "
                             "it to another table, or add its rows: --set %s.mode=append",
                             sink->options.table, sink->host->section);
    if (sink->host->worker == 0) {
        code = tow_copy_yard_sweep(&sink->session, sink->stage, err);
        /* A replay's ledger does not know the loads of its job. */
        if (code == TOW_OK && !sink->options.keep_staged && !sink->host->replay)
            code = tow_copy_yard_sweep_old(&sink->session, sink->stage, err);
    }
    return code == TOW_OK ? tow_copy_load_begin(sink->host, &sink->target, &sink->load, err) : code;
}

static int32_t copy_open(void *self, const struct tow_host *host, const struct tow_position *token,
                         struct tow_error *err)
{
    struct copy_sink *sink = self;
    uint32_t generation;
    int code;

    sink->host = host;
    code = copy_connect(sink, err);
    if (code != TOW_OK)
        return code;
    sink->is_continued = token->length > 0;
    code = sink->is_continued ? copy_open_continued(sink, token, err) : copy_open_new(sink, err);
    if (code != TOW_OK)
        return code;
    tow_copy_yard_init(&sink->yard, host, sink->stage, host->load_id, sink->load.name);
    sink->yard.is_json = sink->load.format == TOW_COPY_NDJSON;
    code = copy_cut_parts(sink, err);
    if (code == TOW_OK)
        code = tow_copy_generation_next(host, host->load_id, &generation, err);
    if (code != TOW_OK)
        return code;
    sink->token.generation = generation;
    sink->token.parts = 0;
    return TOW_OK;
}

/* ---- begin ---------------------------------------------------------------------------------- */

/* What can be known of the columns without a table. */
static int copy_check_columns(const struct copy_sink *sink, const struct ArrowSchema *schema,
                              struct tow_error *err)
{
    const struct tow_copy_column_spec spec = {sink->options.keys, sink->options.column_types};
    struct tow_copy_columns columns;
    int code = tow_copy_columns_init(&columns, schema, &spec, err);

    if (code == TOW_OK && sink->options.schema == TOW_COPY_INFER)
        code = tow_copy_columns_check_plain(&columns, err);
    tow_copy_columns_release(&columns);
    return code;
}

/* Early: a run that cannot load what it stages should not read for hours first. */
static int copy_look_at_table(struct copy_sink *sink, struct tow_error *err)
{
    struct tow_copy_columns columns;
    enum tow_copy_fit fit;
    int code = tow_copy_table_look(&sink->session, &sink->schema, &columns, &fit, err);

    if (code == TOW_OK && fit == TOW_COPY_ABSENT)
        tow_log(sink->host, TOW_LOG_INFO, "table %s will be created", sink->options.table);
    tow_copy_columns_release(&columns);
    return code;
}

static int copy_open_part(struct copy_sink *sink, struct tow_error *err)
{
    const struct tow_copy_part_spec spec = {
        .schema = &sink->schema,
        .is_json = sink->options.format == TOW_COPY_NDJSON,
        .null_text = sink->load.null_text,
        .level = (int)sink->options.level,
        .spool = tow_copy_spool_folder(sink->options.spool),
        .has_header = sink->options.schema == TOW_COPY_INFER,
        .has_ordinal = sink->options.mode == TOW_COPY_MERGE,
    };

    sink->part = tow_copy_part_new(&spec, err);
    return sink->part ? TOW_OK : err->code;
}

static int32_t copy_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                          struct tow_error *err)
{
    struct copy_sink *sink = self;
    uint64_t layout;
    int code = copy_check_columns(sink, schema, err);

    if (code != TOW_OK || !host)
        return code;
    layout = tow_copy_target_layout(&sink->target, schema);
    if (sink->is_continued && sink->token.layout != layout)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the unfinished load of table %s was staged with other columns; go "
                             "back, or forget the load and start it anew",
                             sink->options.table);
    sink->token.layout = layout;
    code = tow_schema_copy(&sink->schema, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&sink->cursor, &sink->schema, err);
    if (code == TOW_OK)
        code = copy_open_part(sink, err);
    if (code == TOW_OK && host->worker == 0)
        code = copy_look_at_table(sink, err);
    return code;
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* In the ledger first. A put that failed is made again with the same bytes under the same name. */
static int copy_put_part(struct copy_sink *sink, struct tow_error *err)
{
    const struct tow_copy_part_record record = {
        .id = {sink->host->worker, sink->token.generation, sink->token.parts + 1},
        .rows = tow_copy_part_rows(sink->part),
        .bytes = tow_copy_part_bytes(sink->part),
    };
    char name[TOW_COPY_NAME_MAX];
    int code = tow_copy_part_put(sink->host, sink->host->load_id, &record, err);

    if (code != TOW_OK)
        return code;
    tow_copy_part_name(&record.id, sink->yard.is_json, name);
    code = tow_copy_stage_put(sink->stage, sink->yard.folder, name, tow_copy_part_fd(sink->part),
                              record.bytes, err);
    if (code != TOW_OK)
        return code;
    tow_log(sink->host, TOW_LOG_DEBUG, "staged %s/%s: %" PRId64 " rows, %" PRId64 " bytes",
            sink->yard.folder, name, record.rows, record.bytes);
    sink->token.parts++;
    sink->token.rows += record.rows;
    return TOW_OK;
}

static int copy_stage_part(struct copy_sink *sink, struct tow_error *err)
{
    int code = tow_failure_keep(&sink->failure, tow_copy_part_seal(sink->part, err), err);

    if (code == TOW_OK)
        code = copy_put_part(sink, err);
    return code == TOW_OK
               ? tow_failure_keep(&sink->failure, tow_copy_part_clear(sink->part, err), err)
               : code;
}

/* Whether a part of its own is due before so many rows. Text that hardly takes any room compressed
 * would still be one task's to read. */
static int copy_part_is_full(const struct copy_sink *sink, int64_t coming)
{
    const int64_t most = sink->options.part_bytes, rows = tow_copy_part_rows(sink->part);

    if (sink->options.part_rows > 0 && rows > 0 && coming > sink->options.part_rows - rows)
        return 1;
    return tow_copy_part_is_sealed(sink->part) || tow_copy_part_bytes(sink->part) >= most ||
           tow_copy_part_text(sink->part) / COPY_TEXT_RATIO >= most;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int copy_reject(struct copy_sink *sink, const struct tow_rows *rows, int64_t row,
                       int64_t column, struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    int code;

    tow_error_set(&said, TOW_E_DATA,
                  "column %s holds U+0000, which readers of CSV take for a mark of their own; "
                  "format = \"ndjson\" takes it",
                  sink->schema.children[column]->name);
    code = sink->host->settle(sink->host, rows->seq, row, 1, TOW_ROW_REJECTED, "nul_byte",
                              said.message);
    return code == TOW_OK ? TOW_OK : tow_error_set(err, code, "a row could not be rejected");
}

static int copy_add(struct copy_sink *sink, const struct tow_rows *rows, int64_t first, int64_t end,
                    struct tow_error *err)
{
    if (first == end)
        return TOW_OK;
    return tow_copy_part_add(sink->part, rows->array, rows->seq, first, end - first, err);
}

static int copy_put_rows(struct copy_sink *sink, const struct tow_rows *rows, struct tow_error *err)
{
    const int64_t end = rows->array->length;
    int64_t first = 0, column = 0;
    int code = TOW_OK;

    if (sink->yard.is_json)
        return copy_add(sink, rows, 0, end, err);
    tow_cursor_batch(&sink->cursor, rows->array);
    while (first < end && code == TOW_OK) {
        int64_t row = tow_copy_next_nul(&sink->cursor, first, &column);

        code = copy_add(sink, rows, first, row, err);
        if (code == TOW_OK && row < end)
            code = copy_reject(sink, rows, row, column, err);
        first = row + 1;
    }
    return code;
}

static int32_t copy_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct copy_sink *sink = self;
    int code = tow_failure_tell(&sink->failure, err);

    if (code == TOW_OK && copy_part_is_full(sink, rows->array->length))
        code = copy_stage_part(sink, err);
    if (code != TOW_OK)
        return code;
    return tow_failure_keep(&sink->failure, copy_put_rows(sink, rows, err), err);
}

/* ---- flush, finish, close ------------------------------------------------------------------- */

static int32_t copy_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct copy_sink *sink = self;
    int code = tow_failure_tell(&sink->failure, err);

    if (code == TOW_OK && tow_copy_part_rows(sink->part) > 0)
        code = copy_stage_part(sink, err);
    if (code == TOW_OK)
        tow_copy_token_write(&sink->token, token);
    return code;
}

/* By now the tokens of all workers are saved, and they are called in their order. */
static int32_t copy_finish(void *self, struct tow_error *err)
{
    struct copy_sink *sink = self;
    const struct tow_copy_publish publish = {
        .session = &sink->session,
        .load = &sink->load,
        .schema = &sink->schema,
        .stage = sink->stage,
    };

    if (sink->host->worker + 1 < sink->host->workers)
        return TOW_OK;
    return tow_copy_publish(&publish, err);
}

static void copy_close(void *self)
{
    struct copy_sink *sink = self;

    tow_copy_part_free(sink->part);
    tow_cursor_release(&sink->cursor);
    if (sink->schema.release)
        sink->schema.release(&sink->schema);
    tow_copy_stage_free(sink->stage);
    if (sink->databricks)
        tow_databricks_free(sink->databricks);
    tow_copy_target_release(&sink->target);
    memset(&sink->load, 0, sizeof sink->load);
    sink->part = NULL;
    sink->stage = NULL;
    sink->databricks = NULL;
}

static int32_t copy_setup(void *self, const struct tow_host *host, const struct tow_setup *setup,
                          struct tow_error *err)
{
    struct copy_sink *sink = self;
    int code;

    sink->host = host;
    code = copy_connect(sink, err);
    return code == TOW_OK ? tow_copy_table_setup(&sink->session, setup, err) : code;
}

TOW_SINK_PLUGIN(databricks_copy, "1.0",
                "rows in a Databricks table, staged and loaded by COPY INTO", struct copy_sink,
                copy_options, TOW_SINK_PARALLEL | TOW_SINK_OFFLINE_BEGIN, copy_check, copy_open,
                copy_begin, copy_write, copy_flush, copy_finish, copy_close,
                .checkpoint_ms = COPY_CHECKPOINT_MS, .workers = COPY_WORKERS, .setup = copy_setup,
                .words = "")
