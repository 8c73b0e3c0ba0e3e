/* Rows of the page at hand on their way out, the faulty ones among them, and the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/scan.h"

/* Faulty rows in a batch at most, so that what waits for its end stays small. */
#define BATCH_FAULTS 64
/* The most of a faulty row's text that is kept. */
#define BATCH_RAW_MAX (64u << 10)
/* Clocks may differ, and so may zones. */
#define END_FUTURE_US (INT64_C(26) * 3600 * 1000000)

/* Rows that go out together: [page.at, page.at + count), and which of them are faulty. */
struct batch_slice {
    int64_t count;
    size_t first_fault, fault_count;
};

static struct batch_slice batch_cut(const struct tow_scan *scan)
{
    const struct tow_scan_page *page = &scan->page;
    struct batch_slice slice = {.first_fault = tow_scan_page_find_fault(page, page->at)};

    slice.count = tow_scan_page_fit(page, scan->views, scan->columns.shown, scan->host->batch_rows,
                                    scan->host->batch_bytes);
    slice.fault_count = tow_scan_page_find_fault(page, page->at + slice.count) - slice.first_fault;
    if (slice.fault_count > BATCH_FAULTS) {
        slice.fault_count = BATCH_FAULTS;
        slice.count = page->faults[slice.first_fault + BATCH_FAULTS - 1].row - page->at + 1;
    }
    return slice;
}

/* ---- the rows ------------------------------------------------------------------------------- */

/* Drops the columns that are read for their values alone. */
static void batch_hide(const struct tow_scan *scan, struct ArrowArray *array)
{
    for (int64_t i = (int64_t)scan->columns.shown; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    array->n_children = (int64_t)scan->columns.shown;
}

/* Numbers of the sound rows within the slice. */
static int64_t *batch_list_sound(const struct tow_scan *scan, const struct batch_slice *slice,
                                 int64_t *count, struct tow_error *err)
{
    const struct tow_scan_page *page = &scan->page;
    int64_t *rows = calloc((size_t)slice->count, sizeof *rows);
    size_t fault = slice->first_fault;

    *count = 0;
    if (!rows) {
        tow_error_nomem(err);
        return NULL;
    }
    for (int64_t row = 0; row < slice->count; row++) {
        if (fault < slice->first_fault + slice->fault_count &&
            page->faults[fault].row == page->at + row)
            fault++;
        else
            rows[(*count)++] = row;
    }
    return rows;
}

static int batch_take(struct tow_scan *scan, const struct batch_slice *slice,
                      struct ArrowArray *array, struct tow_error *err)
{
    struct ArrowArray all;
    int64_t count;
    int64_t *rows;
    int code = tow_share_slice(scan->page.rows, scan->page.at, slice->count, &all, err);

    if (code != TOW_OK)
        return code;
    if (slice->fault_count == 0) {
        *array = all;
        batch_hide(scan, array);
        return TOW_OK;
    }
    rows = batch_list_sound(scan, slice, &count, err);
    code = rows ? tow_array_take(&scan->schema, &all, rows, count, array, err) : TOW_E_NOMEM;
    if (code == TOW_OK)
        batch_hide(scan, array);
    free(rows);
    all.release(&all);
    return code;
}

/* ---- faulty rows ---------------------------------------------------------------------------- */

/* The row as JSON, for whoever looks at the reject; bytes that are not UTF-8 stand as they are. 0
 * where there is none. */
static int batch_raw(struct tow_scan *scan, int64_t row, struct tow_buffer *text)
{
    struct ArrowArray one;
    int code;

    text->size = 0;
    if (!scan->raw)
        scan->raw = tow_json_writer_new(&scan->schema, 0, NULL);
    if (!scan->raw || tow_share_slice(scan->page.rows, row, 1, &one, NULL) != TOW_OK)
        return 0;
    code = tow_json_writer_object(scan->raw, &one, 0, text, NULL);
    one.release(&one);
    return code == TOW_OK && text->size <= BATCH_RAW_MAX;
}

/* Counts the row out. What fails on the way costs the row's text, never the row. */
static void batch_reject(struct tow_scan *scan, const struct tow_scan_fault *fault,
                         struct tow_buffer *text)
{
    const int64_t number = scan->progress.same[0] + fault->row - scan->page.at + 1;
    char message[1024];
    struct tow_source_reject reject = {.size = sizeof reject,
                                       .code = fault->code,
                                       .message = message,
                                       .origin = tow_scan_what(&scan->options),
                                       .line = number,
                                       .offset = -1};

    snprintf(message, sizeof message, "column \"%.200s\", row %" PRId64 " of the load: %.700s",
             scan->columns.items[fault->column].name, number, fault->why);
    if (batch_raw(scan, fault->row, text)) {
        reject.raw = text->data;
        reject.raw_length = (uint32_t)text->size;
    }
    /* TOW_END: the batch ends soon anyway. */
    (void)scan->host->reject(scan->host, &reject);
}

static void batch_reject_all(struct tow_scan *scan, const struct batch_slice *slice)
{
    struct tow_buffer text = {0};

    for (size_t i = 0; i < slice->fault_count; i++)
        batch_reject(scan, &scan->page.faults[slice->first_fault + i], &text);
    tow_buffer_release(&text);
}

/* ---- the position --------------------------------------------------------------------------- */

/* The place behind the slice; where a chunk ends there, the start of the next. */
static void batch_place(const struct tow_scan *scan, int64_t count, struct tow_scan_place *place)
{
    const struct tow_scan_statement *statement = &scan->statement;
    const struct tow_statement *run = &statement->run;

    memcpy(place->id, run->id, sizeof place->id);
    place->is_inline = statement->is_inline;
    place->succeeded_us = statement->succeeded_us;
    place->done = statement->done + count;
    place->chunk = scan->page.chunk;
    place->row = scan->page.chunk_row + scan->page.at + count;
    if (!statement->is_inline && run->chunk_rows && place->chunk < run->chunks &&
        place->row >= run->chunk_rows[place->chunk]) {
        place->chunk++;
        place->row = 0;
    }
}

/* All that the position of a load is made of, borrowed from the scan and its progress. */
static int batch_put_position(const struct tow_scan *scan, const struct tow_scan_progress *progress,
                              int64_t count, struct tow_position *out, struct tow_error *err)
{
    struct tow_scan_position position = {
        .is_load = 1,
        .order = scan->order,
        .shape = scan->shape,
        .version = scan->version,
        .after = scan->after,
        .has_upto = scan->has_upto,
        .upto = scan->upto,
        .key = progress->last,
        .total = scan->total,
    };

    memcpy(position.same, progress->same, sizeof position.same);
    batch_place(scan, count, &position.place);
    return tow_scan_position_put(&position, out, err);
}

/* ---- handing out ---------------------------------------------------------------------------- */

static int batch_advance(const struct tow_scan *scan, int64_t count,
                         struct tow_scan_progress *progress, struct tow_error *err)
{
    struct tow_view keys[TOW_KEYS_MAX];

    for (size_t i = 0; i < scan->columns.key_count; i++)
        keys[i] = scan->views[scan->columns.keys[i]];
    return tow_scan_progress_advance(&scan->progress, keys, scan->columns.key_count, scan->page.at,
                                     count, progress, err);
}

int tow_scan_hand_out(struct tow_scan *scan, struct tow_batch *out, struct tow_error *err)
{
    const struct batch_slice slice = batch_cut(scan);
    struct tow_scan_progress progress = {.same = {0}};
    struct ArrowArray array = {.release = NULL};
    int code = batch_advance(scan, slice.count, &progress, err);

    if (code == TOW_OK)
        code = batch_put_position(scan, &progress, slice.count, &out->position, err);
    if (code == TOW_OK)
        code = batch_take(scan, &slice, &array, err);
    if (code != TOW_OK) {
        tow_scan_progress_release(&progress);
        return code;
    }
    /* Nothing fails any more: a row that was rejected must not come again. */
    batch_reject_all(scan, &slice);
    out->array = array;
    out->origin = tow_scan_what(&scan->options);
    tow_scan_progress_release(&scan->progress);
    scan->progress = progress;
    scan->page.at += slice.count;
    scan->statement.done += slice.count;
    return TOW_OK;
}

/* ---- the end -------------------------------------------------------------------------------- */

static int end_cannot_keep(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "the last row's cursor or tie_break is longer than %d bytes, or is no "
                         "UTF-8, so that no next run could go on behind it: take other columns",
                         TOW_KEY_TEXT_MAX);
}

/* How many values of the last row's key the next run needs: all where more rows may have the same
 * cursor, 0 where nothing came. */
static size_t end_needs(const struct tow_scan *scan)
{
    const int64_t rows = scan->progress.same[0];

    if (rows == 0)
        return 0;
    return scan->options.limit > 0 && rows >= scan->options.limit ? scan->columns.key_count : 1;
}

static int end_next(const struct tow_scan *scan, struct tow_key *next, struct tow_error *err)
{
    const struct tow_key *last = &scan->progress.last;
    const size_t needs = end_needs(scan);

    if (needs == 0)
        return tow_key_copy(next, &scan->end, scan->end.count, err);
    if (last->count < needs)
        return end_cannot_keep(err);
    /* What the overlap brought again may end before what had come already. */
    if (needs == 1 && scan->options.overlap > 0 && last->values[0] && scan->end.count > 0 &&
        scan->end.values[0])
        return tow_key_add(next, tow_key_later(last->values[0], scan->end.values[0]), err);
    return tow_key_copy(next, last, needs, err);
}

/* A value of tomorrow stands in the way of all rows that come until then. */
static void end_warn_of_future(const struct tow_scan *scan, const struct tow_key *next)
{
    int64_t us;

    if (next->count == 0 || !next->values[0] ||
        !tow_key_is_time(tow_scan_key(&scan->columns, 0)->type) ||
        !tow_key_time(next->values[0], &us) || us < scan->host->now_us(scan->host) + END_FUTURE_US)
        return;
    tow_log(
        scan->host, TOW_LOG_WARN,
        "the greatest \"%s\" is %s: the next run reads only rows behind that; lag = \"1m\" leaves "
        "rows of the future alone until their time has come",
        scan->options.cursor, next->values[0]);
}

/* The position between two loads; empty where none says more than the job does. */
static int end_put_position(const struct tow_key *next, const struct tow_scan *scan,
                            struct tow_position *out, struct tow_error *err)
{
    struct tow_scan_position position;
    int code;

    if (next->count == 0)
        return TOW_OK;
    tow_scan_position_init(&position);
    position.after = *next;
    position.order = tow_scan_order(&scan->columns, next->count, err);
    code = position.order ? tow_scan_position_put(&position, out, err) : TOW_E_NOMEM;
    free(position.order);
    return code;
}

int tow_scan_end(struct tow_scan *scan, struct tow_batch *out, struct tow_error *err)
{
    struct tow_key next = {.count = 0};
    int code = TOW_OK;

    out->flags |= TOW_BATCH_COUNTED;
    out->counted = scan->total - scan->rows_at_open;
    out->position.length = 0;
    if (scan->options.cursor)
        code = end_next(scan, &next, err);
    if (code == TOW_OK)
        code = end_put_position(&next, scan, &out->position, err);
    if (code == TOW_OK)
        end_warn_of_future(scan, &next);
    tow_key_release(&next);
    return code == TOW_OK ? TOW_END : code;
}
