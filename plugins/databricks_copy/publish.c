#include "plugins/databricks_copy/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks_copy/copy_sql.h"
#include "plugins/databricks_copy/redact.h"
#include "towpath/batch.h"

struct publish {
    const struct tow_copy_publish *in;
    const struct tow_host *host;
    const struct tow_copy_options *options;
    const char *load; /* its name */
    struct tow_copy_yard yard;
    struct tow_copy_progress progress;
    struct tow_copy_parts parts;
    struct tow_copy_batches batches;
    struct tow_copy_columns columns;
    enum tow_copy_fit fit;
    struct tow_sql_table load_table;
};

/* ---- what the ledger has -------------------------------------------------------------------- */

static int publish_read(struct publish *publish, struct tow_error *err)
{
    int code = tow_copy_progress_get(publish->host, publish->load, &publish->progress, err);

    tow_copy_parts_release(&publish->parts);
    tow_copy_batches_release(&publish->batches);
    if (code == TOW_OK)
        code = tow_copy_parts_read(publish->host, publish->load, -1, &publish->parts, err);
    if (code == TOW_OK)
        code = tow_copy_batches_read(publish->host, publish->load, &publish->batches, err);
    return code;
}

static int publish_set_phase(struct publish *publish, uint32_t round, int32_t phase,
                             struct tow_error *err)
{
    publish->progress = (struct tow_copy_progress){round, phase};
    return tow_copy_progress_put(publish->host, publish->load, &publish->progress, err);
}

static int publish_is_planned(const struct publish *publish, const struct tow_copy_part_id *id)
{
    for (size_t i = 0; i < publish->batches.count; i++)
        if (tow_copy_batch_has(&publish->batches.items[i], id))
            return 1;
    return 0;
}

static int publish_has_new_parts(const struct publish *publish)
{
    for (size_t i = 0; i < publish->parts.count; i++)
        if (!publish_is_planned(publish, &publish->parts.items[i].id))
            return 1;
    return 0;
}

static int64_t publish_rows(const struct publish *publish)
{
    int64_t rows = 0;

    for (size_t i = 0; i < publish->batches.count; i++)
        rows += publish->batches.items[i].rows;
    return rows;
}

static size_t publish_files(const struct publish *publish)
{
    size_t files = 0;

    for (size_t i = 0; i < publish->batches.count; i++)
        files += tow_copy_batch_files(&publish->batches.items[i]);
    return files;
}

/* ---- plan ----------------------------------------------------------------------------------- */

/* Parts that are in no batch yet get one. A batch that has been put is never changed: its COPY may
 * have run. */
static int publish_plan(struct publish *publish, struct tow_error *err)
{
    const struct tow_copy_batches *batches = &publish->batches;
    struct tow_copy_batch *next = calloc(1, sizeof *next);
    int code = next ? TOW_OK : tow_error_nomem(err);

    if (code != TOW_OK)
        return code;
    next->number = batches->count ? batches->items[batches->count - 1].number + 1 : 1;
    for (size_t i = 0; i < publish->parts.count && code == TOW_OK; i++) {
        const struct tow_copy_part_record *part = &publish->parts.items[i];

        if (publish_is_planned(publish, &part->id) || tow_copy_batch_add(next, part))
            continue;
        code = tow_copy_batch_put(publish->host, publish->load, next, err);
        *next = (struct tow_copy_batch){.number = next->number + 1};
        tow_copy_batch_add(next, part);
    }
    if (code == TOW_OK && next->count > 0)
        code = tow_copy_batch_put(publish->host, publish->load, next, err);
    free(next);
    return code == TOW_OK ? publish_read(publish, err) : code;
}

/* ---- COPY INTO ------------------------------------------------------------------------------ */

/* Names of a batch's files, in its order. */
static int publish_name_files(const struct publish *publish, const struct tow_copy_batch *batch,
                              struct tow_copy_names *names, struct tow_error *err)
{
    char name[TOW_COPY_NAME_MAX];
    int code = TOW_OK;

    for (size_t i = 0; i < batch->count; i++) {
        const struct tow_copy_range *range = &batch->ranges[i];
        struct tow_copy_part_id id = {range->worker, range->generation, range->from};

        for (; id.number <= range->to && code == TOW_OK; id.number++) {
            tow_copy_part_name(&id, publish->yard.is_json, name);
            code = tow_copy_names_add(names, name, err);
        }
    }
    return code;
}

static int publish_is_direct(const struct publish *publish)
{
    /* A load that was to replace the table, and has: what comes later is added. */
    return publish->in->load->mode == TOW_COPY_APPEND ||
           publish->in->load->mode == TOW_COPY_DROP_CREATE ||
           (publish->in->load->mode == TOW_COPY_REPLACE && publish->progress.round > 1);
}

/* 1 where this round makes the table anew. */
static int publish_is_dropped(const struct publish *publish)
{
    return publish->in->load->mode == TOW_COPY_DROP_CREATE && publish->progress.round == 1;
}

static int publish_copy_text(const struct publish *publish, const struct tow_copy_batch *batch,
                             struct tow_buffer *text, struct tow_error *err)
{
    const struct tow_copy_target *target = publish->in->session->target;
    struct tow_copy_names names = {.items = NULL};
    struct tow_buffer uri = {.data = NULL};
    struct tow_copy_files files = {
        .is_json = publish->yard.is_json,
        .infers = publish->options->schema == TOW_COPY_INFER,
        .null_text = publish->in->load->null_text,
        .credential = publish->options->stage_credential,
    };
    int code = publish_name_files(publish, batch, &names, err);

    if (code == TOW_OK)
        code = tow_copy_place_uri(&target->place, &uri, publish->yard.folder, err);
    files.uri = uri.data;
    files.names = (const char *const *)names.items;
    files.count = names.count;
    if (publish->options->aws_keys_in_sql)
        tow_copy_stage_keys(publish->in->stage, &files.access_key, &files.secret_key,
                            &files.session_token);
    if (code == TOW_OK)
        code = tow_copy_sql_copy(
            text, publish_is_direct(publish) ? &target->table : &publish->load_table,
            &publish->columns, &files, publish->in->load->mode == TOW_COPY_MERGE, err);
    if (code == TOW_OK)
        code = tow_buffer_append(text, "", 1, err);
    tow_copy_names_release(&names);
    tow_buffer_release(&uri);
    return code;
}

/* All of the batch's rows; or none where the same COPY may have run before, since its files are in
 * the table's history then. Whatever else it is, the files are kept. */
static int publish_check_copy(const struct publish *publish, const struct tow_copy_batch *batch,
                              struct tow_statement *statement, int may_have_run,
                              struct tow_error *err)
{
    const struct tow_copy_session *session = publish->in->session;
    int64_t inserted, skipped;
    int code = tow_copy_number(session, statement, "num_inserted_rows", &inserted, err);

    if (code == TOW_OK)
        code = tow_copy_number(session, statement, "num_skipped_corrupt_files", &skipped, err);
    if (code != TOW_OK)
        return code;
    if (skipped <= 0 && (inserted == batch->rows || (inserted == 0 && may_have_run)))
        return TOW_OK;
    if (inserted < 0)
        return tow_error_set(err, TOW_E_ENV,
                             "COPY INTO does not say how many of %" PRId64 " rows it inserted; the "
                             "staged files are kept, in %s/%s",
                             batch->rows, publish->options->stage, publish->yard.folder);
    return tow_error_set(err, TOW_E_ENV,
                         "COPY INTO says that it inserted %" PRId64 " rows and skipped %" PRId64
                         " files of %zu files with %" PRId64 " rows, in %s/%s; they are kept. Look "
                         "at the table's history before you run the job again",
                         inserted, skipped > 0 ? skipped : 0, tow_copy_batch_files(batch),
                         batch->rows, publish->options->stage, publish->yard.folder);
}

/* What the far end says of a statement may have the statement in it, with its keys. */
static void publish_redact(const struct publish *publish, struct tow_error *err)
{
    const char *keys[3];

    if (!publish->options->aws_keys_in_sql)
        return;
    tow_copy_stage_keys(publish->in->stage, &keys[0], &keys[1], &keys[2]);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        tow_copy_redact(err, keys[i]);
}

/* No further try helps where somebody has removed what was staged. */
static int publish_files_gone(const struct publish *publish, const struct tow_statement *statement,
                              int code, struct tow_error *err)
{
    struct tow_error first;

    if (!err || (strcmp(statement->sql_state, "42K03") != 0 &&
                 !strstr(statement->error_class, "FILE_NOT_EXIST")))
        return code;
    first = *err;
    return tow_error_set(err, TOW_E_ENV,
                         "%.*s; what was staged in %s/%s is no longer there: put it back, or "
                         "start the load anew with --full",
                         (int)tow_utf8_prefix(first.message, 600), first.message,
                         publish->options->stage, publish->yard.folder);
}

/* The statement's text may hold keys: it is wiped. */
static int publish_run_copy(struct publish *publish, const struct tow_copy_batch *batch,
                            int may_have_run, struct tow_error *err)
{
    struct tow_statement statement = {.rows = 0};
    struct tow_buffer text = {.data = NULL};
    char what[sizeof err->message / 2];
    int code = publish_copy_text(publish, batch, &text, err);

    snprintf(what, sizeof what, "loading %zu staged file%s for table %s",
             tow_copy_batch_files(batch), tow_copy_batch_files(batch) == 1 ? "" : "s",
             publish->options->table);
    if (code == TOW_OK)
        code = tow_copy_run(publish->in->session, what, text.data, &statement, err);
    if (code == TOW_OK)
        code = publish_check_copy(publish, batch, &statement, may_have_run, err);
    /* Before the message is cut: half a key would not be found. */
    if (code != TOW_OK) {
        publish_redact(publish, err);
        code = publish_files_gone(publish, &statement, code, err);
    }
    tow_statement_release(&statement);
    if (text.data)
        explicit_bzero(text.data, text.size);
    tow_buffer_release(&text);
    return code;
}

static int publish_copy(struct publish *publish, struct tow_copy_batch *batch,
                        struct tow_error *err)
{
    const int may_have_run = batch->state == TOW_COPY_SUBMITTED;
    int code = TOW_OK;

    if (batch->state == TOW_COPY_LOADED)
        return TOW_OK;
    if (!may_have_run) {
        batch->state = TOW_COPY_SUBMITTED;
        code = tow_copy_batch_put(publish->host, publish->load, batch, err);
    }
    if (code == TOW_OK)
        code = publish_run_copy(publish, batch, may_have_run, err);
    if (code != TOW_OK)
        return code;
    batch->state = TOW_COPY_LOADED;
    return tow_copy_batch_put(publish->host, publish->load, batch, err);
}

static int publish_copy_all(struct publish *publish, struct tow_error *err)
{
    int code = TOW_OK;

    if (publish->options->aws_keys_in_sql && publish->batches.count > 0)
        tow_log(publish->host, TOW_LOG_WARN,
                "the AWS keys go into COPY INTO, hence into the query history of "
                "the workspace; stage_credential, an external location or a volume avoid that");
    for (size_t i = 0; i < publish->batches.count && code == TOW_OK; i++)
        code = publish_copy(publish, &publish->batches.items[i], err);
    return code;
}

/* 1 where files say which columns a table has; where there are none, the job does. */
static int publish_is_inferred(const struct publish *publish)
{
    return publish->options->schema == TOW_COPY_INFER && publish->batches.count > 0;
}

/* ---- load tables ---------------------------------------------------------------------------- */

static int publish_create_load_table(struct publish *publish, struct tow_error *err)
{
    struct tow_buffer text = {.data = NULL};
    char comment[256];
    int code;

    snprintf(comment, sizeof comment,
             "rows of load %s of job %s on their way; dropped when the load ends", publish->load,
             publish->host->job);
    if (publish_is_inferred(publish))
        code = tow_copy_sql_placeholder(&text, &publish->load_table, comment, err);
    else
        code = tow_copy_sql_create(&text, &publish->load_table, &publish->columns, comment,
                                   publish->in->load->mode == TOW_COPY_MERGE, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code == TOW_OK)
        code = tow_copy_run(publish->in->session, "creating the load table", text.data, NULL, err);
    tow_buffer_release(&text);
    return code;
}

/* Readers see nothing of a load that is not whole. */
static int publish_check_load_table(struct publish *publish, struct tow_error *err)
{
    const int64_t expected = publish_rows(publish);
    int64_t rows = -1;
    int code = tow_copy_table_count(publish->in->session, &publish->load_table, &rows, err);

    if (code != TOW_OK || rows == expected)
        return code;
    return tow_error_set(err, TOW_E_ENV,
                         "load table %s has %" PRId64 " rows, %" PRId64 " were loaded; somebody "
                         "else changed it. Table %s is as it was; start the load anew with --full",
                         publish->load_table.parts[publish->load_table.count - 1], rows, expected,
                         publish->options->table);
}

static int publish_swap(struct publish *publish, struct tow_error *err)
{
    const struct tow_sql_table *table = &publish->in->session->target->table;
    struct tow_buffer text = {.data = NULL};
    char what[sizeof err->message / 2];
    int code;

    if (publish->in->load->mode == TOW_COPY_MERGE)
        code = tow_copy_sql_merge(&text, table, &publish->load_table, &publish->columns, err);
    else if (publish->fit == TOW_COPY_DIFFERS)
        code = tow_copy_sql_replace(&text, table, &publish->load_table, &publish->columns, err);
    else
        code = tow_copy_sql_overwrite(&text, table, &publish->load_table, &publish->columns, err);
    snprintf(what, sizeof what, "%s table %s",
             publish->in->load->mode == TOW_COPY_MERGE ? "merging into" : "replacing",
             publish->options->table);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code == TOW_OK)
        code = tow_copy_run(publish->in->session, what, text.data, NULL, err);
    tow_buffer_release(&text);
    return code;
}

/* ---- the steps ------------------------------------------------------------------------------ */

static int publish_by_load_table(struct publish *publish, struct tow_error *err)
{
    int code = tow_copy_table_put(publish->host, publish->load, publish->progress.round, err);

    if (code == TOW_OK)
        code = publish_create_load_table(publish, err);
    if (code == TOW_OK)
        code = publish_copy_all(publish, err);
    if (code == TOW_OK)
        code = publish_check_load_table(publish, err);
    if (code == TOW_OK)
        code = publish_set_phase(publish, publish->progress.round, TOW_COPY_SWAPPING, err);
    return code == TOW_OK ? publish_swap(publish, err) : code;
}

/* 1 once a COPY into the table may have run: it must not be dropped any more. */
static int publish_is_begun(const struct publish *publish)
{
    for (size_t i = 0; i < publish->batches.count; i++)
        if (publish->batches.items[i].state != TOW_COPY_PLANNED)
            return 1;
    return 0;
}

/* A DROP that a killed run has left waiting may come when the table is there again: then rows are
 * missing here, unless it comes later still. */
static int publish_check_made(struct publish *publish, struct tow_error *err)
{
    const int64_t expected = publish_rows(publish);
    int64_t rows = -1;
    int code = TOW_OK;

    if (publish->batches.count == 0)
        return TOW_OK;
    code = tow_copy_table_count(publish->in->session, &publish->in->session->target->table, &rows,
                                err);
    if (code != TOW_OK || rows == expected)
        return code;
    return tow_error_set(err, TOW_E_ENV,
                         "table %s has %" PRId64 " rows, %" PRId64 " were loaded into it; somebody "
                         "else changed it. Start the load anew with --full",
                         publish->options->table, rows, expected);
}

static int publish_by_drop(struct publish *publish, struct tow_error *err)
{
    int code = TOW_OK;

    if (publish_is_begun(publish))
        code = tow_copy_table_prepare(publish->in->session, publish->in->schema, &publish->columns,
                                      &publish->fit, err);
    else
        code = tow_copy_table_make(publish->in->session, publish->in->schema,
                                   publish_is_inferred(publish), &publish->columns, err);
    if (code == TOW_OK)
        code = publish_copy_all(publish, err);
    return code == TOW_OK ? publish_check_made(publish, err) : code;
}

static void publish_log(const struct publish *publish)
{
    const int32_t mode = publish->in->load->mode;
    const size_t files = publish_files(publish);
    const char *how = publish_is_dropped(publish)  ? "in place of what was in"
                      : publish_is_direct(publish) ? "added to"
                      : mode == TOW_COPY_MERGE     ? "merged into"
                                                   : "in place of what was in";

    tow_log(publish->host, TOW_LOG_INFO, "%" PRId64 " rows of %zu file%s %s table %s",
            publish_rows(publish), files, files == 1 ? "" : "s", how, publish->options->table);
}

static int publish_load(struct publish *publish, struct tow_error *err)
{
    const int is_dropped = publish_is_dropped(publish);
    int code = publish_plan(publish, err);

    if (code == TOW_OK && !is_dropped)
        code = tow_copy_table_prepare(publish->in->session, publish->in->schema, &publish->columns,
                                      &publish->fit, err);
    if (code != TOW_OK)
        return code;
    if (is_dropped)
        code = publish_by_drop(publish, err);
    else if (publish_is_direct(publish))
        code = publish_copy_all(publish, err);
    else if (publish->batches.count > 0 || publish->in->load->mode == TOW_COPY_REPLACE)
        code = publish_by_load_table(publish, err);
    if (code != TOW_OK)
        return code;
    publish_log(publish);
    return publish_set_phase(publish, publish->progress.round, TOW_COPY_SWAPPED, err);
}

/* One that cannot be dropped is only told: it is in nobody's way, and the next load tries again. */
static int publish_drop_load_table(struct publish *publish, struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    int code;

    if (publish_is_direct(publish))
        return TOW_OK;
    code = tow_copy_table_drop(publish->in->session, &publish->load_table, &own);
    if (code == TOW_OK)
        return tow_copy_table_remove(publish->host, publish->load, publish->progress.round, err);
    if (code == TOW_E_CANCELLED || code == TOW_E_NOMEM || code == TOW_E_TRANSIENT ||
        code == TOW_E_RATE)
        return tow_copy_pass_on(&own, err);
    tow_log(publish->host, TOW_LOG_WARN, "table %s is left behind: %s",
            publish->load_table.parts[publish->load_table.count - 1], own.message);
    return TOW_OK;
}

static int publish_clean_batch(struct publish *publish, const struct tow_copy_batch *batch,
                               struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < batch->count; i++) {
        const struct tow_copy_range *range = &batch->ranges[i];
        struct tow_copy_part_id id = {range->worker, range->generation, range->from};

        for (; id.number <= range->to && code == TOW_OK; id.number++)
            code = tow_copy_yard_remove(&publish->yard, &id, err);
    }
    if (code == TOW_OK)
        code = tow_copy_batch_remove(publish->host, publish->load, batch->number, err);
    return code;
}

static int publish_clean(struct publish *publish, struct tow_error *err)
{
    int code = publish_drop_load_table(publish, err);

    for (size_t i = 0; i < publish->batches.count && code == TOW_OK; i++)
        code = publish_clean_batch(publish, &publish->batches.items[i], err);
    return code == TOW_OK ? publish_set_phase(publish, publish->progress.round, TOW_COPY_DONE, err)
                          : code;
}

/* What killed runs of this load, or loads before it, have left. */
static int publish_sweep(struct publish *publish, struct tow_error *err)
{
    struct tow_error ignored = TOW_ERROR_INIT;
    struct tow_copy_yard yard = publish->yard;
    int is_clean;
    int code;

    yard.keeps_files = 0; /* these were not loaded */
    code = tow_copy_yard_sweep_stale(&yard, &is_clean, err);
    /* An empty folder is in nobody's way. */
    if (code == TOW_OK && is_clean && !publish->options->keep_staged)
        tow_copy_stage_remove_folder(publish->in->stage, yard.folder, &ignored);
    return code == TOW_OK ? tow_copy_yard_sweep(publish->in->session, publish->in->stage, err)
                          : code;
}

static int publish_round(struct publish *publish, struct tow_error *err)
{
    int code;

    tow_sql_table_release(&publish->load_table);
    tow_copy_columns_release(&publish->columns);
    code = tow_copy_load_table(&publish->in->session->target->table, publish->in->load->name,
                               publish->progress.round, &publish->load_table, err);
    if (code == TOW_OK && publish->progress.phase != TOW_COPY_SWAPPED)
        code = publish_load(publish, err);
    if (code == TOW_OK)
        code = publish_clean(publish, err);
    return code == TOW_OK ? publish_read(publish, err) : code;
}

int tow_copy_publish(const struct tow_copy_publish *in, struct tow_error *err)
{
    struct publish publish = {
        .in = in,
        .host = in->session->host,
        .options = in->session->target->options,
        .load = in->session->host->load_id,
    };
    int code;

    tow_copy_yard_init(&publish.yard, publish.host, in->stage, publish.load, in->load->name);
    publish.yard.is_json = in->load->format == TOW_COPY_NDJSON;
    publish.yard.keeps_files = publish.options->keep_staged;
    code = publish_read(&publish, err);
    while (code == TOW_OK && publish.progress.phase != TOW_COPY_DONE)
        code = publish_round(&publish, err);
    /* Rows came after the load had been published, before the run that did so could say so. */
    while (code == TOW_OK && publish_has_new_parts(&publish)) {
        code = publish_set_phase(&publish, publish.progress.round + 1, TOW_COPY_LOADING, err);
        if (code == TOW_OK)
            code = publish_round(&publish, err);
    }
    if (code == TOW_OK)
        code = publish_sweep(&publish, err);
    tow_copy_parts_release(&publish.parts);
    tow_copy_batches_release(&publish.batches);
    tow_copy_columns_release(&publish.columns);
    tow_sql_table_release(&publish.load_table);
    return code;
}
