#include "plugins/csv/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns -------------------------------------------------------------------------------- */

static int source_open_file(struct tow_csv_source *source, size_t index, struct tow_error *err)
{
    source->is_reading = 0;
    source->opened = index;
    source->file_rules.input.cancel_fd = source->host->cancel_fd(source->host);
    return tow_csv_file_open(&source->file, source->listing.files[index].path, &source->file_rules,
                             &source->window, err);
}

/* The header of the first file that has one. */
static int source_find_header(struct tow_csv_source *source, int may_consume, struct tow_error *err)
{
    const struct tow_listing *listing = &source->listing;

    for (size_t i = 0; i < listing->count; i++) {
        int code;

        if (listing->files[i].is_stream && !may_consume)
            return TOW_END;
        code = source_open_file(source, i, err);
        if (code != TOW_OK)
            tow_csv_file_close(&source->file);
        if (code != TOW_OK || source->file.header.count > 0)
            return code;
    }
    return tow_error_set(err, TOW_E_ENV,
                         "%s: there is no file with a header, so the columns are not known; with "
                         "columns = [\"...\"] a run without files passes",
                         source->options.path);
}

static int source_take_names(struct tow_csv_source *source, int may_consume, struct tow_error *err)
{
    int code;

    tow_csv_header_release(&source->header);
    if (source->options.columns.count > 0)
        return tow_csv_header_set_all(&source->header, source->options.columns, err);
    code = source_find_header(source, may_consume, err);
    if (code == TOW_OK)
        code = tow_csv_header_init(&source->header, source->file.header.count, err);
    for (size_t i = 0; i < source->header.count && code == TOW_OK; i++) {
        const char *name = source->file.header.names[i].text;

        code = tow_csv_header_set(&source->header, i, name, strlen(name), err);
    }
    return code;
}

int tow_csv_source_settle(struct tow_csv_source *source, int may_consume, struct tow_error *err)
{
    int code;

    if (source->is_settled)
        return TOW_OK;
    code = source_take_names(source, may_consume, err);
    if (code == TOW_OK)
        code = tow_csv_header_finish(&source->header, "columns", err);
    if (code != TOW_OK)
        return code;
    source->rules.columns = source->header.count;
    free(source->fields);
    free(source->columns.fills);
    source->fields = calloc(source->header.count, sizeof *source->fields);
    source->columns = (struct tow_csv_columns){
        .dialect = &source->dialect,
        .count = source->header.count,
        .fields = source->fields,
        .fills = calloc(source->header.count, sizeof *source->columns.fills),
    };
    if (!source->fields || !source->columns.fills)
        return tow_error_nomem(err);
    tow_csv_rows_release(&source->rows);
    code = tow_csv_rows_init(&source->rows, &source->rules, err);
    if (code == TOW_OK)
        code = tow_csv_batch_init(&source->batch, &source->header, err);
    if (code != TOW_OK)
        return code;
    source->columns.builder = source->batch.text;
    source->rows.rejecter = &source->rejecter;
    source->is_settled = 1;
    return TOW_OK;
}

/* ---- wishes --------------------------------------------------------------------------------- */

/* The columns that are wished for, as the kit wants them; heap. NULL: out of memory. */
static struct tow_field *source_typed_fields(const struct tow_csv_source *source)
{
    struct tow_field *all = tow_csv_header_fields(&source->header);
    struct tow_field *fields = calloc(source->wishes.count + 1, sizeof *fields);

    for (size_t i = 0; all && fields && i < source->wishes.count; i++) {
        fields[i] = all[source->wishes.items[i].column];
        if (!source->wishes.items[i].is_text)
            fields[i].type = source->wishes.items[i].converter.type;
    }
    if (!all) {
        free(fields);
        fields = NULL;
    }
    free(all);
    return fields;
}

static int source_open_typed(struct tow_csv_source *source, struct tow_error *err)
{
    const size_t count = source->wishes.count;
    struct tow_field *fields = source_typed_fields(source);
    int code = fields ? TOW_OK : tow_error_nomem(err);

    if (code == TOW_OK) {
        source->batch.typed = tow_builder_new(fields, count, err);
        code = source->batch.typed ? TOW_OK : err->code;
    }
    free(fields);
    if (code != TOW_OK)
        return code;
    source->typed = (struct tow_csv_columns){.dialect = &source->dialect,
                                             .builder = source->batch.typed,
                                             .count = count,
                                             .wishes = source->wishes.items,
                                             .fields = source->fields,
                                             .fills = calloc(count, sizeof(struct tow_csv_fill))};
    source->batch.is_typed = 1;
    return source->typed.fills ? TOW_OK : tow_error_nomem(err);
}

int tow_csv_source_wish(struct tow_csv_source *source, const struct tow_wish *wishes,
                        uint64_t count, struct tow_error *err)
{
    int code;

    if (!source->dialect.is_simple || source->wishes.count > 0)
        return TOW_OK;
    code = tow_csv_wishes_init(&source->wishes, wishes, count, source->header.count, source->level,
                               err);
    return code == TOW_OK && source->wishes.count > 0 ? source_open_typed(source, err) : code;
}

int tow_csv_source_typed_schema(const struct tow_csv_source *source, struct ArrowSchema *out,
                                struct tow_error *err)
{
    struct tow_field *fields;
    int code;

    if (source->wishes.count == 0)
        return TOW_OK;
    fields = source_typed_fields(source);
    code = fields ? tow_schema_make(out, fields, source->wishes.count, err) : tow_error_nomem(err);
    free(fields);
    return code;
}

/* ---- beginning a file ----------------------------------------------------------------------- */

/* Which field of the file each column comes from. */
static int source_match_columns(struct tow_csv_source *source, struct tow_error *err)
{
    const struct tow_csv_header *header = &source->file.header;

    if (header->count > 0 && source->options.columns.count == 0)
        return tow_csv_header_match(&source->header, header, source->file.path, source->fields,
                                    err);
    if (header->count > 0 && header->count != source->header.count)
        return tow_error_set(err, TOW_E_ENV,
                             "%s has %zu columns in its header; the job's columns are %zu",
                             source->file.path, header->count, source->header.count);
    for (size_t i = 0; i < source->header.count; i++)
        source->fields[i] = i;
    return TOW_OK;
}

static int source_take_mark(struct tow_csv_source *source, struct tow_error *err)
{
    free(source->mark_key);
    source->mark_key = NULL;
    if (source->options.incremental != TOW_CSV_INCREMENTAL_FILE ||
        source->listing.files[source->next].is_stream)
        return TOW_OK;
    source->mark_key = tow_file_ledger_key(source->file.path);
    if (!source->mark_key)
        return tow_error_nomem(err);
    return tow_file_mark_take(&source->mark, source->file.input, err);
}

/* Opens the next file, where finding the header has not done so, and goes to its first row. */
static int source_begin_file(struct tow_csv_source *source, struct tow_error *err)
{
    int is_open = source->file.input && source->opened == source->next;
    int code = is_open ? TOW_OK : source_open_file(source, source->next, err);

    if (code == TOW_OK)
        code = source_match_columns(source, err);
    if (code == TOW_OK)
        code = source_take_mark(source, err);
    if (code == TOW_OK && source->is_resuming)
        code = tow_file_place_go(&source->window, &source->resume.at, source->file.path,
                                 source->host, err);
    if (code != TOW_OK) {
        tow_csv_file_close(&source->file);
        return code;
    }
    source->rejecter.origin = source->file.path;
    source->rows_done = source->is_resuming ? source->resume.rows : 0;
    tow_csv_rows_attach(&source->rows, &source->window,
                        source->is_resuming ? source->resume.line : source->file.data_line);
    source->is_resuming = 0;
    source->is_reading = 1;
    return TOW_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A file that somebody writes to while it is read may not be complete. */
static void source_warn_if_changed(struct tow_csv_source *source)
{
    struct tow_file now;

    if (source->options.incremental != TOW_CSV_INCREMENTAL_FILE ||
        tow_input_stat(source->file.input, &now, NULL) != TOW_OK)
        return;
    if (now.size != source->mark.size || now.mtime_ns != source->mark.mtime_ns)
        tow_log(source->host, TOW_LOG_WARN,
                "%s changed while it was read: %" PRId64 " bytes then, %" PRId64 " now",
                source->file.path, source->mark.size, now.size);
}

void tow_csv_source_end_file(struct tow_csv_source *source)
{
    source_warn_if_changed(source);
    tow_csv_file_close(&source->file);
    free(source->mark_key);
    source->mark_key = NULL;
    source->is_reading = 0;
    source->next++;
}

/* Rows of the open file until the batch is full or the file ends. */
static int source_read_file(struct tow_csv_source *source, int *at_file_end, struct tow_error *err)
{
    struct tow_csv_rows *rows = &source->rows;
    int code = TOW_OK;

    while (code == TOW_OK) {
        if (rows->table.consumed > 0)
            code = tow_csv_batch_append(source, err);
        if (code != TOW_OK || tow_csv_batch_is_full(source))
            return code;
        if (source->host->cancelled(source->host))
            return tow_error_set(err, TOW_E_CANCELLED, "reading %s was cancelled",
                                 source->file.path);
        code = tow_csv_rows_next(rows, tow_csv_batch_rows_left(source),
                                 tow_csv_batch_cost_left(source), err);
    }
    *at_file_end = code == TOW_END;
    if (code == TOW_END)
        return TOW_OK;
    /* What was read before the break goes out first; the next call meets the error again. */
    return code == TOW_E_ENV && !tow_csv_batch_is_empty(source) ? TOW_OK : code;
}

int tow_csv_source_read(struct tow_csv_source *source, int *at_file_end, struct tow_error *err)
{
    int code = TOW_OK;

    *at_file_end = 0;
    for (;;) {
        while (source->next < source->listing.count && source->skip[source->next])
            source->next++;
        if (source->next == source->listing.count)
            return TOW_END;
        if (!source->is_reading)
            code = source_begin_file(source, err);
        if (code == TOW_OK)
            code = source_read_file(source, at_file_end, err);
        if (code != TOW_OK)
            return code;
        if (!*at_file_end || source->mark_key || !tow_csv_batch_is_empty(source))
            return TOW_OK;
        tow_csv_source_end_file(source);
        *at_file_end = 0;
    }
}
