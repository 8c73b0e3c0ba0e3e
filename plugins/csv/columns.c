#include "plugins/csv/columns.h"

#include <string.h>

#include "connectors/csv/field.h"
#include "plugins/csv/bits.h"
#include "towpath/value.h"

/* Bytes that a copy moves at once; the slack of window and column is larger. */
#define COLUMNS_WIDE 32

/* ---- validity ------------------------------------------------------------------------------- */

/* Marks 64 rows, from row `first` of the table on, as null where a bit of `nulls` is set and valid
 * elsewhere. */
static inline void columns_put_nulls(struct tow_csv_fill *fill, size_t first, uint64_t nulls)
{
    tow_csv_put_bits(fill->column->validity, (uint64_t)fill->base + first, ~nulls);
    fill->nulls += __builtin_popcountll(nulls);
}

/* ---- values --------------------------------------------------------------------------------- */

static int columns_grow(struct tow_csv_fill *fill, size_t length, struct tow_error *err)
{
    int64_t rows = fill->base + (int64_t)fill->table->row_count;
    size_t room;

    if (__builtin_add_overflow(fill->used, length, &room) || room > INT32_MAX)
        return tow_error_set(err, TOW_E_BUG, "a batch of more than %d bytes in a column",
                             INT32_MAX);
    return tow_column_reserve(fill->column, rows, (int64_t)room, err);
}

static inline int columns_has_room(const struct tow_csv_fill *fill, size_t length)
{
    return fill->used + length <= (size_t)fill->column->byte_capacity;
}

static inline void columns_copy(char *to, const char *from, size_t length)
{
    memcpy(to, from, COLUMNS_WIDE);
    for (size_t at = COLUMNS_WIDE; __builtin_expect(at < length, 0); at += COLUMNS_WIDE)
        memcpy(to + at, from + at, COLUMNS_WIDE);
}

/* ---- plain fields --------------------------------------------------------------------------- */

/* Rows that are dealt with at once: their null bits are a word, and room is made for all of them,
 * so that nothing in the loop over them can fail. */
#define COLUMNS_BLOCK TOW_TEXTS_MAX

static size_t columns_field_start(const struct tow_csv_fill *fill, const struct tow_csv_row *row)
{
    const uint32_t *end = fill->table->ends + row->first + fill->field;

    return fill->field == 0 ? row->start : end[-1] + fill->dialect->delimiter_length;
}

/* Makes room for the fields of rows [first, first + count). No more than all of the rows' text is
 * wanted; only where that does not fit they are measured. */
static int columns_make_room(struct tow_csv_fill *fill, size_t first, size_t count,
                             struct tow_error *err)
{
    const struct tow_csv_row *row = fill->table->rows + first, *last = row + count - 1;
    const uint32_t *ends = fill->table->ends;
    size_t length = ends[last->first + last->count - 1] - row->start;

    if (columns_has_room(fill, length))
        return TOW_OK;
    length = 0;
    for (; row <= last; row++)
        length += ends[row->first + fill->field] - columns_field_start(fill, row);
    return columns_has_room(fill, length) ? TOW_OK : columns_grow(fill, length, err);
}

/* A quoted field without its quotes, at `to`; returns its length. */
static inline size_t columns_unquote(const struct tow_csv_fill *fill, const char *text,
                                     size_t length, char *to)
{
    if (fill->table->may_double)
        return tow_csv_field_unquote(fill->dialect, text + 1, length - 2, to);
    columns_copy(to, text + 1, length - 2);
    return length - 2;
}

/*
 * The fast way: every row has the field, nothing is trimmed, and unquoted bytes are taken as they
 * stand. There is room. Returns the rows that are null. `is_first` is known when this is compiled
 * into its callers.
 */
static inline __attribute__((always_inline)) uint64_t columns_put_block(struct tow_csv_fill *fill,
                                                                        int is_first, size_t first,
                                                                        size_t count)
{
    const struct tow_csv_dialect *dialect = fill->dialect;
    const struct tow_csv_row *rows = fill->table->rows + first;
    const uint32_t *ends = fill->table->ends + fill->field;
    const char *bytes = fill->bytes;
    const size_t gap = dialect->delimiter_length;
    const int quote = dialect->quote;
    const uint64_t null_lengths = dialect->null_lengths;
    const uint64_t empty_is_null = (uint64_t)dialect->empty_is_null;
    int32_t *offsets = fill->column->offsets + fill->base + first;
    char *const start = fill->column->bytes;
    char *to = start + fill->used;
    uint64_t nulls = 0;

    for (size_t i = 0; i < count; i++) {
        const uint32_t *end = ends + rows[i].first;
        size_t from = is_first ? rows[i].start : end[-1] + gap;
        size_t length = end[0] - from;
        const char *text = bytes + from;
        uint64_t is_null = empty_is_null & (length == 0);

        if (__builtin_expect((unsigned char)*text == quote, 0)) {
            length = columns_unquote(fill, text, length, to);
        } else {
            columns_copy(to, text, length);
            if (__builtin_expect(null_lengths >> (length < 63 ? length : 63) & 1, 0)) {
                is_null |= (uint64_t)tow_csv_dialect_is_null(dialect, text, length);
                length = is_null ? 0 : length;
            }
        }
        to += length;
        offsets[i + 1] = (int32_t)(to - start);
        nulls |= is_null << i;
    }
    fill->used = (size_t)(to - start);
    return nulls;
}

static int columns_put_text(struct tow_csv_fill *fill, size_t first, size_t count,
                            struct tow_error *err)
{
    int code = columns_make_room(fill, first, count, err);
    uint64_t nulls;

    if (code != TOW_OK)
        return code;
    nulls = fill->field == 0 ? columns_put_block(fill, 1, first, count)
                             : columns_put_block(fill, 0, first, count);
    columns_put_nulls(fill, first, nulls);
    return TOW_OK;
}

/* ---- fields that need care ------------------------------------------------------------------ */

/* Bytes that begin no well-formed sequence become U+FFFD each. */
static int columns_repair(struct tow_csv_fill *fill, size_t *length, struct tow_error *err)
{
    const char *text = fill->column->bytes + fill->used, *end = text + *length;
    struct tow_buffer *out = fill->repair;
    int code = TOW_OK;

    out->size = 0;
    while (code == TOW_OK) {
        size_t good = tow_utf8_prefix(text, (size_t)(end - text));

        code = tow_buffer_append(out, text, good, err);
        text += good;
        if (code != TOW_OK || text == end)
            break;
        code = tow_buffer_append(out, "\xEF\xBF\xBD", 3, err);
        text++;
    }
    if (code == TOW_OK && !columns_has_room(fill, out->size))
        code = columns_grow(fill, out->size, err);
    if (code != TOW_OK)
        return code;
    memcpy(fill->column->bytes + fill->used, out->data, out->size);
    *length = out->size;
    return TOW_OK;
}

/* Puts the value behind the column's bytes; *is_valid 0 where it is null. */
static int columns_put(struct tow_csv_fill *fill, struct tow_csv_text text, size_t *length,
                       int *is_valid, struct tow_error *err)
{
    const struct tow_csv_dialect *dialect = fill->dialect;
    int is_quoted = text.length > 0 && (unsigned char)*text.start == dialect->quote;
    int code;

    if (!is_quoted && tow_csv_dialect_is_null(dialect, text.start, text.length)) {
        *is_valid = 0;
        return TOW_OK;
    }
    code = columns_has_room(fill, text.length) ? TOW_OK : columns_grow(fill, text.length, err);
    if (code != TOW_OK)
        return code;
    *length = tow_csv_field_decode(dialect, text, fill->column->bytes + fill->used);
    if (tow_utf8_valid(fill->column->bytes + fill->used, *length))
        return TOW_OK;
    return columns_repair(fill, length, err);
}

static struct tow_csv_text columns_find(const struct tow_csv_fill *fill,
                                        const struct tow_csv_row *row)
{
    size_t start = columns_field_start(fill, row);
    size_t end = fill->table->ends[row->first + fill->field];

    return tow_csv_field_trim(fill->dialect, fill->bytes + start, end - start);
}

static int columns_fill_carefully(struct tow_csv_fill *fill, struct tow_error *err)
{
    size_t count = fill->table->row_count;
    uint64_t nulls = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tow_csv_row *row = &fill->table->rows[i];
        int is_valid = row->count > fill->field, code = TOW_OK;
        size_t length = 0;

        if (is_valid)
            code = columns_put(fill, columns_find(fill, row), &length, &is_valid, err);
        if (code != TOW_OK)
            return code;
        fill->used += length;
        fill->column->offsets[fill->base + (int64_t)i + 1] = (int32_t)fill->used;
        nulls |= (uint64_t)!is_valid << (i & 63);
        if ((i & 63) == 63 || i + 1 == count) {
            columns_put_nulls(fill, i & ~(size_t)63, nulls);
            nulls = 0;
        }
    }
    return TOW_OK;
}

/* ---- tables --------------------------------------------------------------------------------- */

/* Room for the rows; text makes room for its bytes as it goes. */
static int columns_begin(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                         const char *bytes, size_t i, struct tow_error *err)
{
    const struct tow_csv_wish *wish = columns->wishes ? &columns->wishes[i] : NULL;
    struct tow_csv_fill *fill = &columns->fills[i];
    int64_t rows;
    int code;

    *fill = (struct tow_csv_fill){
        .dialect = columns->dialect,
        .table = table,
        .bytes = bytes,
        .column = tow_builder_column(columns->builder, i),
        .repair = &columns->repair,
        .wish = wish && !wish->is_text ? wish : NULL,
        .field = columns->fields[wish ? wish->column : i],
        .base = tow_builder_rows(columns->builder),
    };
    rows = fill->base + (int64_t)table->row_count;
    if (fill->wish) {
        fill->is_odd = tow_csv_typed_is_odd(fill);
        return tow_column_reserve(fill->column, rows + TOW_TEXTS_MAX, 0, err);
    }
    code = tow_column_reserve(fill->column, rows, 0, err);
    if (code == TOW_OK)
        fill->used = (size_t)fill->column->offsets[fill->base];
    return code;
}

/* A block of rows in all columns, before the next: its text is in the first-level cache then, from
 * the second column on. */
static int columns_fill_block(struct tow_csv_columns *columns, size_t first, size_t count,
                              int *converts, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < columns->count && code == TOW_OK && *converts; i++) {
        struct tow_csv_fill *fill = &columns->fills[i];

        if (!columns->wishes || columns->wishes[i].is_text) {
            code = columns_put_text(fill, first, count, err);
            *converts = !fill->nulls || !columns->wishes || !columns->wishes[i].is_required;
        } else {
            *converts = tow_csv_typed_put(fill, first, count);
        }
    }
    return code;
}

static int columns_fill_all(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                            int *converts, struct tow_error *err)
{
    int is_plain = columns->dialect->is_simple && !table->needs_care, code = TOW_OK;

    *converts = !columns->wishes || is_plain;
    for (size_t first = 0; is_plain && first < table->row_count && code == TOW_OK && *converts;
         first += COLUMNS_BLOCK) {
        size_t left = table->row_count - first;

        code = columns_fill_block(columns, first, left < COLUMNS_BLOCK ? left : COLUMNS_BLOCK,
                                  converts, err);
    }
    for (size_t i = 0; !is_plain && i < columns->count && code == TOW_OK && *converts; i++)
        code = columns_fill_carefully(&columns->fills[i], err);
    return code;
}

int tow_csv_columns_append(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                           const char *bytes, int *converts, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < columns->count && code == TOW_OK; i++)
        code = columns_begin(columns, table, bytes, i, err);
    if (code == TOW_OK)
        code = columns_fill_all(columns, table, converts, err);
    if (code != TOW_OK || !*converts)
        return code;
    for (size_t i = 0; i < columns->count; i++) {
        struct tow_csv_fill *fill = &columns->fills[i];

        fill->column->length = fill->base + (int64_t)table->row_count;
        fill->column->null_count += fill->nulls;
    }
    return TOW_OK;
}
