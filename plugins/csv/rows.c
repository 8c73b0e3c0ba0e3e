#include "plugins/csv/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/csv/scan.h"
#include "towpath/value.h"

#define ROWS_MAX       8192 /* in a table */
#define ROWS_ENDS      (64u << 10)
#define ROWS_INNER_MAX 4096
/* What a field costs in a batch beside its bytes: an offset. */
#define ROWS_FIELD_COST 4

/* Where the parse of a window stands. */
struct rows_cursor {
    size_t at;
    int64_t line;
    size_t row_limit; /* of the table */
    uint64_t cost_limit;
};

/* What a step did. */
enum rows_step {
    ROWS_GO_ON,
    ROWS_STUCK, /* nothing: the window ends inside a row */
};

/* What is known to be wrong somewhere among the rows at hand. */
struct rows_suspicion {
    int nul, utf8;
};

int tow_csv_rows_init(struct tow_csv_rows *rows, const struct tow_csv_rules *rules,
                      struct tow_error *err)
{
    struct tow_csv_table *table = &rows->table;
    struct tow_csv_index *index = &rows->index;

    *rows = (struct tow_csv_rows){.rules = rules};
    table->row_capacity = ROWS_MAX;
    table->end_capacity = ROWS_ENDS + 2 * rules->columns;
    index->row_capacity = ROWS_MAX + TOW_CSV_INDEX_BLOCK;
    index->inner_capacity = ROWS_INNER_MAX;
    table->rows = calloc(table->row_capacity, sizeof *table->rows);
    table->lines = calloc(table->row_capacity, sizeof *table->lines);
    table->ends = calloc(table->end_capacity, sizeof *table->ends);
    index->rows = calloc(index->row_capacity, sizeof *index->rows);
    index->inner = calloc(index->inner_capacity, sizeof *index->inner);
    if (table->rows && table->lines && table->ends && index->rows && index->inner)
        return TOW_OK;
    tow_csv_rows_release(rows);
    return tow_error_nomem(err);
}

void tow_csv_rows_release(struct tow_csv_rows *rows)
{
    free(rows->table.rows);
    free(rows->table.lines);
    free(rows->table.ends);
    free(rows->index.rows);
    free(rows->index.inner);
    free(rows->discard.raw);
    *rows = (struct tow_csv_rows){0};
}

void tow_csv_rows_attach(struct tow_csv_rows *rows, struct tow_window *window, int64_t line)
{
    rows->window = window;
    rows->line = line;
    free(rows->discard.raw);
    rows->discard = (struct tow_csv_discard){0};
    rows->table.row_count = 0;
    rows->table.consumed = 0;
    rows->table.lines_done = 0;
}

void tow_csv_rows_commit(struct tow_csv_rows *rows)
{
    tow_window_consume(rows->window, rows->table.consumed);
    rows->line += rows->table.lines_done;
    rows->table.row_count = 0;
    rows->table.consumed = 0;
    rows->table.lines_done = 0;
}

/* ---- helpers -------------------------------------------------------------------------------- */

static int64_t rows_offset(const struct tow_csv_rows *rows, size_t at)
{
    return tow_window_offset(rows->window) + (int64_t)at - (int64_t)rows->window->start;
}

static int64_t rows_count_lines(const char *bytes, size_t from, size_t to)
{
    int64_t lines = 0;
    const char *p = bytes + from, *end = bytes + to;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

/* [from, to) without the line end that it may have. */
static size_t rows_text_length(const char *bytes, size_t from, size_t to)
{
    if (to > from && bytes[to - 1] == '\n')
        to--;
    if (to > from && bytes[to - 1] == '\r')
        to--;
    return to - from;
}

static struct tow_csv_bad_row rows_bad_row(const struct tow_csv_rows *rows,
                                           const struct rows_cursor *cursor, size_t next,
                                           const char *code)
{
    const char *bytes = rows->window->data;

    return (struct tow_csv_bad_row){
        .code = code,
        .line = cursor->line,
        .offset = rows_offset(rows, cursor->at),
        .raw = bytes + cursor->at,
        .raw_length = rows_text_length(bytes, cursor->at, next),
    };
}

/* ---- judging whole rows --------------------------------------------------------------------- */

/* 1 where the row is kept; otherwise it has been reported. */
static int rows_check_text(struct tow_csv_rows *rows, const struct rows_cursor *cursor, size_t next)
{
    const char *text = rows->window->data + cursor->at;
    size_t length = next - cursor->at, good;
    const char *nul = memchr(text, '\0', length);
    struct tow_csv_bad_row bad;

    if (nul) {
        bad = rows_bad_row(rows, cursor, next, TOW_CSV_CODE_NUL);
        tow_csv_reject(rows->rejecter, &bad, "NUL byte at offset %" PRId64,
                       bad.offset + (nul - text));
        return 0;
    }
    good = tow_utf8_prefix(text, length);
    if (good == length)
        return 1;
    if (rows->rules->replace) {
        rows->table.needs_care = 1;
        return 1;
    }
    bad = rows_bad_row(rows, cursor, next, TOW_CSV_CODE_UTF8);
    tow_csv_reject(rows->rejecter, &bad, "byte 0x%02X at offset %" PRId64 " is not valid UTF-8",
                   (unsigned char)text[good], bad.offset + (int64_t)good);
    return 0;
}

static int rows_check_count(struct tow_csv_rows *rows, const struct rows_cursor *cursor,
                            size_t next, size_t count, int surplus_filled)
{
    const struct tow_csv_rules *rules = rows->rules;
    struct tow_csv_bad_row bad;

    if (count == rules->columns)
        return 1;
    if (rules->pad && !surplus_filled) {
        if (count < rules->columns)
            rows->table.needs_care = 1;
        return 1;
    }
    bad = rows_bad_row(rows, cursor, next, TOW_CSV_CODE_FIELD_COUNT);
    if (rules->pad)
        tow_csv_reject(rows->rejecter, &bad,
                       "%zu fields, and those beyond the %zu columns are not all empty", count,
                       rules->columns);
    else
        tow_csv_reject(rows->rejecter, &bad, "%zu field%s where there are %zu columns", count,
                       count == 1 ? "" : "s", rules->columns);
    return 0;
}

static inline void rows_keep(struct tow_csv_rows *rows, const struct rows_cursor *cursor,
                             size_t next, size_t first, size_t count)
{
    struct tow_csv_table *table = &rows->table;
    size_t columns = rows->rules->columns;

    table->lines[table->row_count] = cursor->line;
    table->rows[table->row_count++] = (struct tow_csv_row){
        (uint32_t)cursor->at, (uint32_t)first, (uint32_t)(count < columns ? count : columns)};
    table->cost += next - cursor->at + ROWS_FIELD_COST * columns;
}

static inline int rows_is_full(const struct tow_csv_rows *rows, const struct rows_cursor *cursor)
{
    const struct tow_csv_table *table = &rows->table;

    return table->row_count >= cursor->row_limit || table->cost >= cursor->cost_limit ||
           table->end_count + rows->rules->columns + TOW_CSV_INDEX_BLOCK > table->end_capacity ||
           rows->rejecter->pause;
}

/* ---- lines that are thrown away ------------------------------------------------------------- */

static void rows_tell(struct tow_csv_rows *rows, const struct tow_csv_discard *bad, int64_t end)
{
    struct tow_csv_bad_row row = {bad->code, bad->line, bad->offset, bad->raw, bad->raw_length};

    if (strcmp(bad->code, TOW_CSV_CODE_BAD_QUOTE) == 0)
        tow_csv_reject(rows->rejecter, &row,
                       "text behind a closing quote, at line %" PRId64 ", offset %" PRId64,
                       bad->fault_line, bad->fault);
    else if (strcmp(bad->code, TOW_CSV_CODE_UNCLOSED) == 0)
        tow_csv_reject(rows->rejecter, &row,
                       "the quote opened at line %" PRId64 ", offset %" PRId64
                       " is not closed before the end of the file or within max_row_bytes = %zu",
                       bad->fault_line, bad->fault, rows->rules->row_bytes);
    else
        tow_csv_reject(rows->rejecter, &row, "the row has %" PRId64 " bytes; max_row_bytes is %zu",
                       end - bad->offset, rows->rules->row_bytes);
}

static enum rows_step rows_discard_on(struct tow_csv_rows *rows, struct rows_cursor *cursor)
{
    struct tow_window *window = rows->window;
    struct tow_csv_discard *discard = &rows->discard;
    const char *line = memchr(window->data + cursor->at, '\n', window->end - cursor->at);

    cursor->at = line ? (size_t)(line + 1 - window->data) : window->end;
    if (!line && !window->at_end)
        return ROWS_STUCK;
    cursor->line += line != NULL;
    if (discard->code)
        rows_tell(rows, discard, rows_offset(rows, cursor->at));
    free(discard->raw);
    *discard = (struct tow_csv_discard){0};
    return ROWS_GO_ON;
}

/* Bytes that are kept of a row with more than max_row_bytes: whatever the window holds of it. */
static size_t rows_raw_limit(const struct tow_csv_rows *rows)
{
    size_t most = rows->rules->row_bytes;

    return most < TOW_CSV_RAW_MAX ? most : TOW_CSV_RAW_MAX;
}

/* The rest of the line is still to come and not worth keeping; its first bytes are. */
static void rows_discard_from(struct tow_csv_rows *rows, struct rows_cursor *cursor,
                              const struct tow_csv_discard *bad)
{
    struct tow_window *window = rows->window;
    size_t length;

    rows->discard = *bad;
    rows->discard.is_active = 1;
    rows->discard.raw = NULL;
    if (bad->code) {
        length = rows_raw_limit(rows);
        rows->discard.raw = malloc(length);
        rows->discard.raw_length = rows->discard.raw ? length : 0;
        if (rows->discard.raw)
            memcpy(rows->discard.raw, window->data + cursor->at, length);
    }
    cursor->line += rows_count_lines(window->data, cursor->at, window->end);
    cursor->at = window->end;
}

/* ---- by the state machine ------------------------------------------------------------------- */

/* A malformed row at the cursor: out with the line that its fault stands on. */
static enum rows_step rows_drop(struct tow_csv_rows *rows, struct rows_cursor *cursor,
                                const char *code, size_t fault)
{
    struct tow_window *window = rows->window;
    char *bytes = window->data;
    struct tow_csv_discard bad = {
        .code = code,
        .line = cursor->line,
        .offset = rows_offset(rows, cursor->at),
        .fault_line = cursor->line + rows_count_lines(bytes, cursor->at, fault),
        .fault = rows_offset(rows, fault),
    };
    const char *line = memchr(bytes + fault, '\n', window->end - fault);
    size_t next = line ? (size_t)(line + 1 - bytes) : window->end;

    if (line || window->at_end) {
        bad.raw = bytes + cursor->at;
        bad.raw_length = rows_text_length(bytes, cursor->at, next);
        if (bad.raw_length > rows->rules->row_bytes)
            bad.raw_length = rows_raw_limit(rows);
        rows_tell(rows, &bad, rows_offset(rows, next));
        cursor->line += rows_count_lines(bytes, cursor->at, next);
        cursor->at = next;
        return ROWS_GO_ON;
    }
    if (window->end - cursor->at <= rows->rules->row_bytes)
        return ROWS_STUCK;
    rows_discard_from(rows, cursor, &bad);
    return ROWS_GO_ON;
}

static enum rows_step rows_scan_one(struct tow_csv_rows *rows, struct rows_cursor *cursor)
{
    struct tow_window *window = rows->window;
    struct tow_csv_table *table = &rows->table;
    const struct tow_csv_rules *rules = rows->rules;
    struct tow_csv_scan_limits limits = {window->end, window->at_end, rules->row_bytes};
    struct tow_csv_scan scan;
    enum tow_csv_scan_result result =
        tow_csv_scan_row(rules->dialect, window->data, cursor->at, &limits,
                         table->ends + table->end_count, rules->columns, &scan);

    switch (result) {
    case TOW_CSV_MORE:
        return ROWS_STUCK;
    case TOW_CSV_BAD_QUOTE:
        return rows_drop(rows, cursor, TOW_CSV_CODE_BAD_QUOTE, scan.fault);
    case TOW_CSV_UNCLOSED:
        return rows_drop(rows, cursor, TOW_CSV_CODE_UNCLOSED, scan.fault);
    case TOW_CSV_TOO_LONG:
        return rows_drop(rows, cursor, TOW_CSV_CODE_TOO_LONG, scan.fault);
    case TOW_CSV_SKIP:
        rows->discard.is_active = scan.line_open;
        break;
    case TOW_CSV_ROW:
        if (!rows_check_text(rows, cursor, scan.next) ||
            !rows_check_count(rows, cursor, scan.next, scan.field_count, scan.surplus_filled))
            break;
        rows_keep(rows, cursor, scan.next, table->end_count, scan.field_count);
        table->may_double = 1;
        table->end_count += table->rows[table->row_count - 1].count;
        break;
    }
    cursor->line += rows_count_lines(window->data, cursor->at, scan.next);
    cursor->at = scan.next;
    return ROWS_GO_ON;
}

/* ---- by the index --------------------------------------------------------------------------- */

/* One look at all rows found shows whether any of them has to be looked at by itself. */
static struct rows_suspicion rows_suspect(const struct tow_csv_rows *rows, size_t from)
{
    const struct tow_csv_index *index = &rows->index;
    struct rows_suspicion found = {0, 0};
    const char *text = rows->window->data + from;
    size_t length;

    if (index->row_count == 0 || !(index->nul | index->high))
        return found;
    length = index->ends[index->rows[index->row_count - 1] - 1] - from;
    found.nul = index->nul && memchr(text, '\0', length) != NULL;
    found.utf8 = index->high && !tow_utf8_valid(text, length);
    return found;
}

/* Unquoted and empty: surplus fields that padding lets pass. */
static int rows_surplus_filled(const struct tow_csv_rows *rows, size_t first, size_t count)
{
    const uint32_t *ends = rows->table.ends + first;
    const unsigned char *blank = rows->rules->dialect->blank;

    for (size_t field = rows->rules->columns; field < count; field++)
        for (size_t at = ends[field - 1] + 1; at < ends[field]; at++)
            if (!blank[(unsigned char)rows->window->data[at]])
                return 1;
    return 0;
}

/* Nothing on the line but what trim takes off. */
static int rows_is_blank(const struct tow_csv_rows *rows, size_t from, size_t to)
{
    const unsigned char *blank = rows->rules->dialect->blank;

    while (from < to && blank[(unsigned char)rows->window->data[from]])
        from++;
    return from == to;
}

/* A row, from the cursor to `next`, that is not plainly good. 0: it is for the state machine. */
static int rows_take_odd(struct tow_csv_rows *rows, struct rows_cursor *cursor, size_t next,
                         size_t first, size_t count, int has_inner)
{
    const struct tow_csv_rules *rules = rows->rules;
    const char *text = rows->window->data + cursor->at;

    /* Quotes in a comment mean nothing, so the index may have taken several lines for one. */
    if (tow_csv_scan_comment(rules->dialect, text, next - cursor->at))
        return !has_inner;
    if (next - cursor->at > rules->row_bytes)
        return 0;
    if (count == 1 && rows_is_blank(rows, cursor->at, rows->table.ends[first]))
        return 1;
    if (rows_check_text(rows, cursor, next) &&
        rows_check_count(rows, cursor, next, count,
                         count > rules->columns && rows_surplus_filled(rows, first, count)))
        rows_keep(rows, cursor, next, first, count);
    return 1;
}

/* Takes rows at the cursor while the text is regular. 1: the next one is for the state machine. */
static int rows_take_regular(struct tow_csv_rows *rows, struct rows_cursor *cursor)
{
    const struct tow_csv_rules *rules = rows->rules;
    const char *bytes = rows->window->data;
    struct tow_csv_index *index = &rows->index;
    struct tow_csv_table *table = &rows->table;
    size_t base = table->end_count, first = 0, inner = 0, row = 0;
    struct rows_suspicion suspicion;
    int all_odd;

    index->ends = table->ends + base;
    index->end_capacity = table->end_capacity - base;
    rules->index_run(index, rules->dialect, bytes, cursor->at, rows->window->end,
                     cursor->row_limit - table->row_count);
    table->may_double |= index->doubled != 0;
    suspicion = rows_suspect(rows, cursor->at);
    all_odd = suspicion.nul || suspicion.utf8 || rules->dialect->comment_length ||
              (rules->columns == 1 && rules->dialect->trim);
    for (; row < index->row_count && !rows_is_full(rows, cursor); row++) {
        uint32_t *end = &index->ends[index->rows[row] - 1];
        size_t count = index->rows[row] - first, next = (size_t)*end + 1, inner_before = inner;

        *end -= *end > cursor->at && bytes[*end - 1] == '\r';
        while (inner < index->inner_count && index->inner[inner] < next)
            inner++;
        if (__builtin_expect(count == rules->columns && *end > cursor->at && !all_odd &&
                                 next - cursor->at <= rules->row_bytes,
                             1))
            rows_keep(rows, cursor, next, base + first, count);
        else if (!rows_take_odd(rows, cursor, next, base + first, count, inner > inner_before))
            break;
        cursor->line += 1 + (int64_t)(inner - inner_before);
        cursor->at = next;
        first = index->rows[row];
    }
    table->end_count = base + first;
    return !rows_is_full(rows, cursor) && (row < index->row_count || row == 0 || index->irregular);
}

/* ---- tables --------------------------------------------------------------------------------- */

static enum rows_step rows_advance(struct tow_csv_rows *rows, struct rows_cursor *cursor)
{
    if (rows->discard.is_active)
        return rows_discard_on(rows, cursor);
    if (rows->rules->dialect->can_index && !rows_take_regular(rows, cursor))
        return ROWS_GO_ON;
    return rows_scan_one(rows, cursor);
}

/* Goes as far as the window and the limits allow. */
static void rows_parse(struct tow_csv_rows *rows, struct rows_cursor *cursor)
{
    struct tow_window *window = rows->window;
    struct tow_csv_table *table = &rows->table;
    enum rows_step step = ROWS_GO_ON;

    table->row_count = table->end_count = 0;
    table->needs_care = table->may_double = 0;
    table->starts_inside = rows->discard.is_active;
    table->cost = 0;
    while (step == ROWS_GO_ON && !rows_is_full(rows, cursor) &&
           (cursor->at < window->end || (rows->discard.is_active && window->at_end)))
        step = rows_advance(rows, cursor);
    table->consumed = cursor->at - window->start;
    table->lines_done = cursor->line - rows->line;
}

int tow_csv_rows_next(struct tow_csv_rows *rows, size_t row_limit, uint64_t cost_limit,
                      struct tow_error *err)
{
    struct tow_window *window = rows->window;
    int code = TOW_OK;

    while (code == TOW_OK) {
        struct rows_cursor cursor = {window->start, rows->line, row_limit, cost_limit};

        if (cursor.row_limit > rows->table.row_capacity)
            cursor.row_limit = rows->table.row_capacity;
        rows_parse(rows, &cursor);
        if (rows->table.consumed > 0)
            return TOW_OK;
        if (window->at_end)
            return TOW_END;
        code = tow_window_fill(window, err);
    }
    return code;
}
