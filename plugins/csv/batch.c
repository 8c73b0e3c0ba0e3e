#include <stdlib.h>
#include <string.h>

#include "plugins/csv/source.h"
#include "plugins/shared/lines.h"

#define BATCH_ROWS 8192 /* where the host does not say */
/* Bounds a column's bytes, with a row of the largest size on top and all of it replaced by U+FFFD,
 * to what its offsets can count. */
#define BATCH_COST_MAX (256u << 20)

static struct tow_builder *batch_make_builder(const struct tow_csv_header *header,
                                              struct tow_error *err)
{
    struct tow_field *fields = tow_csv_header_fields(header);
    struct tow_builder *builder;

    if (!fields) {
        tow_error_nomem(err);
        return NULL;
    }
    builder = tow_builder_new(fields, header->count, err);
    free(fields);
    return builder;
}

int tow_csv_batch_init(struct tow_csv_batch *batch, const struct tow_csv_header *header,
                       struct tow_error *err)
{
    const struct tow_field line = {.name = "line", .type = {TOW_TYPE_INT64, 0, 0}, .not_null = 1};

    tow_csv_batch_release(batch);
    batch->text = batch_make_builder(header, err);
    if (batch->text)
        batch->lines = tow_builder_new(&line, 1, err);
    return batch->text && batch->lines ? TOW_OK : err->code;
}

void tow_csv_batch_release(struct tow_csv_batch *batch)
{
    if (batch->ready.release)
        batch->ready.release(&batch->ready);
    tow_csv_held_free(batch->held);
    tow_builder_free(batch->text);
    tow_builder_free(batch->typed);
    tow_builder_free(batch->lines);
    free(batch->mark_key);
    *batch = (struct tow_csv_batch){0};
}

static int64_t batch_rows(const struct tow_csv_batch *batch)
{
    return tow_builder_rows(batch->is_typed ? batch->typed : batch->text);
}

static uint32_t batch_row_limit(const struct tow_csv_source *source)
{
    return source->host->batch_rows ? source->host->batch_rows : BATCH_ROWS;
}

static uint64_t batch_cost_limit(const struct tow_csv_source *source)
{
    uint64_t limit = source->host->batch_bytes;

    return limit && limit < BATCH_COST_MAX ? limit : BATCH_COST_MAX;
}

size_t tow_csv_batch_rows_left(const struct tow_csv_source *source)
{
    return batch_row_limit(source) - (size_t)batch_rows(&source->batch);
}

uint64_t tow_csv_batch_cost_left(const struct tow_csv_source *source)
{
    return batch_cost_limit(source) - source->batch.cost;
}

int tow_csv_batch_is_full(const struct tow_csv_source *source)
{
    return source->rejecter.pause || source->batch.cost >= batch_cost_limit(source) ||
           batch_rows(&source->batch) >= (int64_t)batch_row_limit(source);
}

int tow_csv_batch_is_empty(const struct tow_csv_source *source)
{
    return batch_rows(&source->batch) == 0 && source->rejecter.count == source->batch.rejects;
}

static int batch_append_lines(struct tow_builder *builder, const struct tow_csv_table *table,
                              struct tow_error *err)
{
    struct tow_column *column = tow_builder_column(builder, 0);
    int64_t rows = column->length + (int64_t)table->row_count;
    int code = tow_column_reserve(column, rows, 0, err);

    if (code != TOW_OK)
        return code;
    memcpy((int64_t *)column->values + column->length, table->lines,
           table->row_count * sizeof *table->lines);
    column->length = rows;
    return TOW_OK;
}

/* ---- typed rows ----------------------------------------------------------------------------- */

/* The rows so far become text. Text and typed batches take turns with the memory. */
static int batch_make_text(struct tow_csv_batch *batch, struct tow_blocks *blocks,
                           struct tow_error *err)
{
    int code = TOW_OK;

    tow_builder_reset(batch->text);
    if (batch->held)
        code = tow_csv_held_append(batch->held, batch->text, err);
    if (code != TOW_OK) {
        tow_builder_reset(batch->text);
        return code;
    }
    tow_csv_held_free(batch->held);
    batch->held = NULL;
    tow_builder_reset(batch->typed);
    tow_builder_rest(batch->typed);
    tow_blocks_rest(blocks);
    batch->is_typed = 0;
    return TOW_OK;
}

/* Text that is read again later has to give the same rows and nothing else. */
static int batch_may_hold(const struct tow_csv_source *source)
{
    return source->rejecter.count == source->batch.rejects && !source->rows.discard.is_active &&
           !source->rows.table.starts_inside;
}

/* *converts as in tow_csv_columns_append. */
static int batch_append_typed(struct tow_csv_source *source, int *converts, struct tow_error *err)
{
    const struct tow_csv_reading reading = {&source->rules, &source->header};
    const struct tow_csv_table *table = &source->rows.table;
    struct tow_csv_batch *batch = &source->batch;
    int code = TOW_OK;

    if (!batch->held) {
        batch->held = tow_csv_held_new(&reading, source->fields, err);
        code = batch->held ? TOW_OK : TOW_E_NOMEM;
    }
    if (code == TOW_OK)
        code = tow_csv_held_reserve(batch->held, err);
    if (code == TOW_OK)
        code = tow_csv_columns_append(&source->typed, table, source->window.data, converts, err);
    if (code == TOW_OK && *converts)
        tow_csv_held_add(batch->held, &source->window, table->consumed, table->row_count);
    return code;
}

static int batch_append_rows(struct tow_csv_source *source, struct tow_error *err)
{
    const struct tow_csv_table *table = &source->rows.table;
    struct tow_csv_batch *batch = &source->batch;
    int code = TOW_OK, converts = 0;

    if (batch->is_typed)
        code = batch_append_typed(source, &converts, err);
    if (code != TOW_OK || converts)
        return code;
    if (batch->is_typed)
        code = batch_make_text(batch, source->window.blocks, err);
    if (code == TOW_OK)
        code = tow_csv_columns_append(&source->columns, table, source->window.data, &converts, err);
    return code;
}

int tow_csv_batch_append(struct tow_csv_source *source, struct tow_error *err)
{
    const struct tow_csv_table *table = &source->rows.table;
    struct tow_csv_batch *batch = &source->batch;
    int code = TOW_OK;

    if (batch->is_typed && !batch_may_hold(source))
        code = batch_make_text(batch, source->window.blocks, err);
    if (code == TOW_OK && table->row_count > 0)
        code = tow_column_reserve(tow_builder_column(batch->lines, 0),
                                  batch_rows(batch) + (int64_t)table->row_count, 0, err);
    if (code == TOW_OK && table->row_count > 0)
        code = batch_append_rows(source, err);
    if (code == TOW_OK && table->row_count > 0)
        code = batch_append_lines(batch->lines, table, err);
    if (code != TOW_OK)
        return code;
    source->batch.cost += table->cost;
    source->rows_done += (int64_t)table->row_count;
    tow_csv_rows_commit(&source->rows);
    return TOW_OK;
}

/* ---- handing over --------------------------------------------------------------------------- */

static void batch_set_position(const struct tow_csv_source *source, int at_file_end,
                               struct tow_position *out)
{
    const struct tow_window *window = &source->window;
    size_t checked = tow_window_history(window);
    struct tow_csv_resume resume = {
        .at = {tow_window_offset(window), tow_window_checksum(window, checked), (uint32_t)checked},
        .line = source->rows.line,
        .rows = source->rows_done,
        .is_done = at_file_end,
    };

    strcpy(resume.path, source->file.path);
    tow_csv_resume_put(&resume, out);
}

/* What typed rows were made from goes with them. The next batch begins. */
static void batch_hand_text(struct tow_csv_batch *batch, struct tow_batch *out)
{
    if (batch->is_typed) {
        out->flags |= TOW_BATCH_TYPED;
        out->held_bytes = tow_csv_held_bytes(batch->held);
        out->as_text = tow_csv_held_as_text;
        out->let_go = tow_csv_held_let_go;
        out->held = batch->held;
        batch->held = NULL;
        tow_builder_rest(batch->text);
    }
    batch->is_typed = batch->typed != NULL;
}

int tow_csv_batch_hand_over(struct tow_csv_source *source, struct tow_batch *out, int at_file_end,
                            struct tow_error *err)
{
    struct tow_csv_batch *batch = &source->batch;
    int code = tow_lines_take(batch->lines, &batch->ready, err);

    if (code == TOW_OK && batch->is_typed && !batch->held)
        code = batch_make_text(batch, source->window.blocks, err);
    if (code == TOW_OK)
        code = tow_builder_finish(batch->is_typed ? batch->typed : batch->text, &out->array, err);
    if (code != TOW_OK)
        return code;
    batch_hand_text(batch, out);
    out->lines = batch->ready;
    batch->ready.release = NULL;
    out->origin = source->listing.files[source->next].path;
    batch_set_position(source, at_file_end, &out->position);
    batch->cost = 0;
    batch->rejects = source->rejecter.count;
    source->rejecter.pause = 0;
    if (at_file_end && source->mark_key) {
        tow_file_mark_text(&source->mark, batch->mark_text);
        free(batch->mark_key);
        batch->mark_key = source->mark_key;
        source->mark_key = NULL;
        out->mark_key = batch->mark_key;
        out->mark_value = batch->mark_text;
    }
    return TOW_OK;
}
