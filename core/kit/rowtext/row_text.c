#include "kit/rowtext/row_text.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "kit/batch/bits.h"

/* Texts of a group that are searched at once. Longer ones are searched one by one. */
#define ROW_MARKED_MAX 16384

/* Texts up to here are judged by one word of marks, from any bit of a byte on. */
#define ROW_WORD_BITS 57

static void row_set_columns(struct tow_row_writer *writer)
{
    char *slots = writer->slots;

    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        struct tow_row_column *column = &writer->columns[i];
        enum tow_type_id id = tow_row_writer_type(writer, i);

        column->put_values = tow_cells_put_of(id);
        column->cells.slots = slots;
        column->cells.slot = id == TOW_TYPE_DECIMAL ? TOW_CELL_SLOT_MAX : TOW_CELL_SLOT;
        column->cells.dates = &writer->dates;
        if (column->put_values)
            slots += TOW_CELLS * column->cells.slot;
    }
}

int tow_row_writer_init(struct tow_row_writer *writer, const struct ArrowSchema *schema,
                        struct tow_error *err)
{
    size_t count;
    int code = tow_schema_copy(&writer->schema, schema, err);

    if (code == TOW_OK)
        code = tow_cursor_init(&writer->cursor, &writer->schema, err);
    if (code != TOW_OK)
        return code;
    count = (size_t)writer->cursor.column_count;
    writer->mark = tow_mark_choose(NULL);
    writer->marks = calloc(TOW_MARK_WORDS(ROW_MARKED_MAX), sizeof *writer->marks);
    writer->columns = calloc(count + 1, sizeof *writer->columns);
    writer->slots =
        aligned_alloc(TOW_CELL_SLOT_MAX, count * TOW_CELLS * TOW_CELL_SLOT_MAX + TOW_CELL_SLACK);
    if (!writer->marks || !writer->columns || !writer->slots)
        return tow_error_nomem(err);
    tow_dates_init(&writer->dates);
    row_set_columns(writer);
    return TOW_OK;
}

void tow_row_writer_release(struct tow_row_writer *writer)
{
    tow_cursor_release(&writer->cursor);
    if (writer->schema.release)
        writer->schema.release(&writer->schema);
    free(writer->columns);
    free(writer->slots);
    free(writer->marks);
    tow_buffer_release(&writer->odd_text);
}

/* ---- the texts of a group ------------------------------------------------------------------- */

/* A bit for each row that is null. */
static uint64_t row_nulls(const struct tow_view *view, int64_t first, int64_t count)
{
    uint64_t all = ~UINT64_C(0) >> (TOW_CELLS - count);

    return view->validity ? ~tow_bits_word(view->validity, view->offset + first, count) & all : 0;
}

static int row_marks_within(const uint64_t *marks, size_t from, size_t length)
{
    for (size_t end = from + length; from < end; from = (from | 63) + 1) {
        uint64_t word = marks[from / 64] >> from % 64;

        if (end - from < 64)
            word &= (UINT64_C(1) << (end - from)) - 1;
        if (word)
            return 1;
    }
    return 0;
}

/* Rows whose texts hold a byte that was marked. */
static uint64_t row_find_marked(const struct tow_row_writer *writer,
                                const struct tow_row_column *column, const char *start,
                                int64_t count)
{
    const unsigned char *marks = (const unsigned char *)writer->marks;
    uint64_t found = 0, word;

    for (int64_t i = 0; i < count; i++) {
        size_t from = (size_t)(column->cells.cell[i].text - start),
               length = column->cells.cell[i].length;
        size_t bits = length < ROW_WORD_BITS ? length : ROW_WORD_BITS;
        int is_marked;

        memcpy(&word, marks + from / 8, sizeof word);
        is_marked = (le64toh(word) >> from % 8 & ((UINT64_C(1) << bits) - 1)) != 0;
        if (__builtin_expect(length > ROW_WORD_BITS, 0) && !is_marked)
            is_marked = row_marks_within(writer->marks, from, length);
        found |= (uint64_t)is_marked << i;
    }
    return found;
}

/* The same, a text at a time. */
static uint64_t row_search(const struct tow_row_writer *writer, const struct tow_row_column *column,
                           int64_t count)
{
    uint64_t found = 0;

    for (int64_t i = 0; i < count; i++) {
        const char *text = column->cells.cell[i].text;
        size_t left = column->cells.cell[i].length;

        for (size_t step; left > 0 && !(found >> i & 1); text += step, left -= step) {
            step = left < ROW_MARKED_MAX ? left : ROW_MARKED_MAX;
            found |= (uint64_t)(writer->mark(&column->marks, text, step, writer->marks) != 0) << i;
        }
    }
    return found;
}

/* Rows whose texts cannot be read in whole steps, near the end of what may be read. */
static uint64_t row_near_end(const struct tow_row_column *column, const char *readable,
                             int64_t count)
{
    uint64_t found = 0;

    for (int64_t i = 0; i < count; i++) {
        const struct tow_cell *cell = &column->cells.cell[i];

        found |= (uint64_t)(readable - cell->text < (ptrdiff_t)cell->length + TOW_CELL_STEP) << i;
    }
    return found;
}

/* Points at the texts where they lie, and finds those that cannot stand as they are. */
static void row_look(const struct tow_row_writer *writer, struct tow_row_column *column,
                     const struct tow_view *view, int64_t first, int64_t count)
{
    const int32_t *offsets = view->offsets + view->offset + first;
    const char *start = view->bytes + offsets[0], *readable = tow_view_bytes_end(view);
    const size_t odd = column->odd_lengths[0], odd_too = column->odd_lengths[1];
    size_t length = (size_t)(offsets[count] - offsets[0]);
    uint64_t found = 0;

    for (int64_t i = 0; i < count; i++) {
        size_t one = (size_t)(offsets[i + 1] - offsets[i]);

        column->cells.cell[i] = (struct tow_cell){view->bytes + offsets[i], one};
        found |= (uint64_t)((one == odd) | (one == odd_too)) << i;
    }
    if (readable - start < (ptrdiff_t)length + TOW_CELL_STEP)
        found |= row_near_end(column, readable, count);
    if (column->all_odd)
        found = ~UINT64_C(0) >> (TOW_CELLS - count);
    else if (length > ROW_MARKED_MAX)
        found |= row_search(writer, column, count);
    else if (writer->mark(&column->marks, start, length, writer->marks))
        found |= row_find_marked(writer, column, start, count);
    column->odd = found & ~column->nulls;
}

/* Puts quotes around values that need them. */
static void row_quote_values(const struct tow_row_writer *writer, struct tow_row_column *column,
                             int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct tow_cell *cell = &column->cells.cell[i];
        char *slot = column->cells.slots + i * (int64_t)column->cells.slot;

        if (!writer->needs_quotes(writer->context, cell->text, cell->length))
            continue;
        memmove(slot + 1, cell->text, cell->length);
        slot[0] = '"';
        slot[cell->length + 1] = '"';
        *cell = (struct tow_cell){slot, cell->length + 2};
    }
}

/* Room for the odd texts of all columns: it may not move while they are made. */
static int row_reserve_odd(struct tow_row_writer *writer, struct tow_error *err)
{
    size_t room = TOW_BUFFER_SLACK;

    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        const struct tow_row_column *column = &writer->columns[i];

        for (uint64_t odd = column->odd; odd; odd &= odd - 1) {
            size_t length = column->cells.cell[__builtin_ctzll(odd)].length;

            if (__builtin_mul_overflow(length, column->room.factor, &length) ||
                __builtin_add_overflow(length, column->room.extra, &length) ||
                __builtin_add_overflow(room, length, &room))
                return tow_error_nomem(err);
        }
    }
    return tow_buffer_reserve(&writer->odd_text, room, err);
}

static void row_put_odd(struct tow_row_writer *writer, struct tow_row_column *column,
                        const char *readable)
{
    char *p = writer->odd_text.data + writer->odd_text.size;

    for (uint64_t odd = column->odd; odd; odd &= odd - 1) {
        struct tow_cell *cell = &column->cells.cell[__builtin_ctzll(odd)];
        char *end = column->put_text(writer->context, p, cell->text, cell->length, readable);

        *cell = (struct tow_cell){p, (size_t)(end - p)};
        p = end;
    }
    writer->odd_text.size = (size_t)(p - writer->odd_text.data);
}

/* Texts without a byte, by their rows. */
static uint64_t row_empties(const struct tow_view *view, int64_t first, int64_t count)
{
    const int32_t *offsets = view->offsets + view->offset + first;
    uint64_t empties = 0;

    for (int64_t i = 0; i < count; i++)
        empties |= (uint64_t)(offsets[i + 1] == offsets[i]) << i;
    return empties;
}

static int row_make_cells(struct tow_row_writer *writer, int64_t first, int64_t count,
                          struct tow_error *err)
{
    uint64_t any_odd = 0;
    int code = TOW_OK;

    writer->odd_text.size = 0;
    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        const struct tow_view *view = &writer->cursor.columns[i];
        struct tow_row_column *column = &writer->columns[i];

        column->nulls = row_nulls(view, first, count);
        if (writer->omits_empty && !column->put_values)
            column->nulls |= row_empties(view, first, count);
        if (!column->put_values) {
            row_look(writer, column, view, first, count);
        } else {
            column->put_values(view, first, count, &column->cells);
            if (writer->needs_quotes)
                row_quote_values(writer, column, count);
        }
        for (uint64_t nulls = column->nulls; nulls; nulls &= nulls - 1)
            column->cells.cell[__builtin_ctzll(nulls)] = writer->null;
        any_odd |= column->odd;
    }
    if (any_odd)
        code = row_reserve_odd(writer, err);
    for (int64_t i = 0; any_odd && code == TOW_OK && i < writer->cursor.column_count; i++)
        if (writer->columns[i].odd)
            row_put_odd(writer, &writer->columns[i],
                        tow_view_bytes_end(&writer->cursor.columns[i]));
    return code;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Room for all rows of the group; what is odd stands for itself besides. */
static int row_reserve(const struct tow_row_writer *writer, int64_t first, int64_t count,
                       struct tow_buffer *out, struct tow_error *err)
{
    size_t fixed = TOW_ROW_END_MAX + 2, room = writer->odd_text.size + TOW_CELL_STEP;

    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        const struct tow_row_column *column = &writer->columns[i];
        const int32_t *offsets = writer->cursor.columns[i].offsets;

        fixed += column->prefix_length + 1;
        fixed += TOW_CELL_SLOT_MAX > writer->null.length ? TOW_CELL_SLOT_MAX : writer->null.length;
        if (offsets) {
            offsets += writer->cursor.columns[i].offset + first;
            room += (size_t)(offsets[count] - offsets[0]);
        }
    }
    if (__builtin_mul_overflow(fixed, (size_t)count, &fixed) ||
        __builtin_add_overflow(room, fixed, &room))
        return tow_error_nomem(err);
    return tow_buffer_reserve(out, room, err);
}

static inline char *row_copy(char *p, const char *text, size_t length)
{
    memcpy(p, text, TOW_CELL_STEP);
    for (size_t i = TOW_CELL_STEP; __builtin_expect(i < length, 0); i += TOW_CELL_STEP)
        memcpy(p + i, text + i, TOW_CELL_STEP);
    return p + length;
}

static inline char *row_put_prefix(char *p, const struct tow_row_column *column)
{
    memcpy(p, column->prefix, TOW_ROW_PREFIX_STEP);
    for (size_t i = TOW_ROW_PREFIX_STEP; __builtin_expect(i < column->prefix_length, 0);
         i += TOW_ROW_PREFIX_STEP)
        memcpy(p + i, column->prefix + i, TOW_ROW_PREFIX_STEP);
    return p + column->prefix_length;
}

/* Cells of row `i` of the group. */
static inline char *row_put_cells(const struct tow_row_writer *writer, char *p, int64_t i)
{
    const struct tow_row_column *column = writer->columns;
    const struct tow_row_column *end = column + writer->cursor.column_count;

    for (; column < end; column++) {
        size_t is_null = column->nulls >> i & 1, quotes = column->quotes & ~is_null;

        if (__builtin_expect(writer->omits_nulls, 0) && is_null)
            continue;
        p = row_put_prefix(p, column) - (column->quotes - quotes);
        p = row_copy(p, column->cells.cell[i].text, column->cells.cell[i].length);
        *p = '"';
        p += quotes;
    }
    return p;
}

static void row_put_rows(const struct tow_row_writer *writer, int64_t count, struct tow_buffer *out)
{
    char *p = out->data + out->size;

    for (int64_t i = 0; i < count; i++) {
        char *start = p;

        p = row_put_cells(writer, p, i);
        if (writer->is_object) {
            /* Every prefix begins with a comma, whose place the brace takes. */
            p += p == start;
            *start = '{';
            *p++ = '}';
        }
        memcpy(p, writer->end, TOW_ROW_END_MAX);
        p += writer->end_length;
    }
    out->size = (size_t)(p - out->data);
}

int tow_row_writer_put(struct tow_row_writer *writer, const struct ArrowArray *array, int64_t first,
                       int64_t count, struct tow_buffer *out, struct tow_error *err)
{
    const int64_t end = first + count;
    const size_t size = out->size;

    tow_cursor_batch(&writer->cursor, array);
    while (first < end) {
        int64_t group = end - first < TOW_CELLS ? end - first : TOW_CELLS;
        int code = row_make_cells(writer, first, group, err);

        if (code == TOW_OK)
            code = row_reserve(writer, first, group, out, err);
        if (code != TOW_OK) {
            out->size = size;
            return code;
        }
        row_put_rows(writer, group, out);
        first += group;
    }
    return TOW_OK;
}
