#include "plugins/csv/columns.h"

#include <string.h>

#include "connectors/csv/field.h"
#include "plugins/csv/bits.h"
#include "towpath/value.h"

/* Bytes that a copy moves at once; the slack of window and column is larger. */
#define COLUMNS_WIDE 32

/* One column being filled. */
struct columns_fill {
    const struct tow_csv_dialect *dialect;
    const struct tow_csv_table *table;
    const char *bytes;
    struct tow_column *column;
    struct tow_buffer *repair;
    size_t field;
    int64_t base; /* rows that the column has already */
    size_t used;  /* its bytes */
    int64_t null_count;
};

/* ---- validity ------------------------------------------------------------------------------- */

/* Marks 64 rows, from row `first` of the table on, as null where a bit of `nulls` is set and valid
 * elsewhere. */
static inline void columns_put_nulls(struct columns_fill *fill, size_t first, uint64_t nulls)
{
    tow_csv_put_bits(fill->column->validity, (uint64_t)fill->base + first, ~nulls);
    fill->null_count += __builtin_popcountll(nulls);
}

/* ---- values --------------------------------------------------------------------------------- */

static int columns_grow(struct columns_fill *fill, size_t length, struct tow_error *err)
{
    int64_t rows = fill->base + (int64_t)fill->table->row_count;
    size_t room;

    if (__builtin_add_overflow(fill->used, length, &room) || room > INT32_MAX)
        return tow_error_set(err, TOW_E_BUG, "a batch of more than %d bytes in a column",
                             INT32_MAX);
    return tow_column_reserve(fill->column, rows, (int64_t)room, err);
}

static inline int columns_has_room(const struct columns_fill *fill, size_t length)
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
#define COLUMNS_BLOCK 64

static size_t columns_field_start(const struct columns_fill *fill, const struct tow_csv_row *row)
{
    const uint32_t *end = fill->table->ends + row->first + fill->field;

    return fill->field == 0 ? row->start : end[-1] + fill->dialect->delimiter_length;
}

/* Makes room for the fields of rows [first, first + count). No more than all of the rows' text is
 * wanted; only where that does not fit they are measured. */
static int columns_make_room(struct columns_fill *fill, size_t first, size_t count,
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
static inline size_t columns_unquote(const struct columns_fill *fill, const char *text,
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
static inline __attribute__((always_inline)) uint64_t columns_put_block(struct columns_fill *fill,
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

static inline __attribute__((always_inline)) int columns_fill_plain(struct columns_fill *fill,
                                                                    int is_first,
                                                                    struct tow_error *err)
{
    const size_t rows = fill->table->row_count;

    for (size_t first = 0; first < rows; first += COLUMNS_BLOCK) {
        size_t count = rows - first < COLUMNS_BLOCK ? rows - first : COLUMNS_BLOCK;
        int code = columns_make_room(fill, first, count, err);

        if (code != TOW_OK)
            return code;
        columns_put_nulls(fill, first, columns_put_block(fill, is_first, first, count));
    }
    return TOW_OK;
}

static int columns_fill_first(struct columns_fill *fill, struct tow_error *err)
{
    return columns_fill_plain(fill, 1, err);
}

static int columns_fill_later(struct columns_fill *fill, struct tow_error *err)
{
    return columns_fill_plain(fill, 0, err);
}

/* ---- fields that need care ------------------------------------------------------------------ */

/* Bytes that begin no well-formed sequence become U+FFFD each. */
static int columns_repair(struct columns_fill *fill, size_t *length, struct tow_error *err)
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
static int columns_put(struct columns_fill *fill, struct tow_csv_text text, size_t *length,
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

static struct tow_csv_text columns_find(const struct columns_fill *fill,
                                        const struct tow_csv_row *row)
{
    size_t start = columns_field_start(fill, row);
    size_t end = fill->table->ends[row->first + fill->field];

    return tow_csv_field_trim(fill->dialect, fill->bytes + start, end - start);
}

static int columns_fill_carefully(struct columns_fill *fill, struct tow_error *err)
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

static int columns_fill_one(struct columns_fill *fill, int64_t *null_count, struct tow_error *err)
{
    int64_t rows = fill->base + (int64_t)fill->table->row_count;
    int code = tow_column_reserve(fill->column, rows, (int64_t)fill->used, err);

    if (code != TOW_OK)
        return code;
    fill->used = (size_t)fill->column->offsets[fill->base];
    if (fill->table->needs_care || !fill->dialect->is_simple)
        code = columns_fill_carefully(fill, err);
    else if (fill->field == 0)
        code = columns_fill_first(fill, err);
    else
        code = columns_fill_later(fill, err);
    *null_count = fill->null_count;
    return code;
}

static int columns_append_text(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                               const char *bytes, size_t i, struct tow_error *err)
{
    struct columns_fill fill = {
        .dialect = columns->dialect,
        .table = table,
        .bytes = bytes,
        .column = tow_builder_column(columns->builder, i),
        .repair = &columns->repair,
        .field = columns->fields[columns->wishes ? columns->wishes[i].column : i],
        .base = tow_builder_rows(columns->builder),
    };

    return columns_fill_one(&fill, &columns->added[i], err);
}

static int columns_append_typed(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                                const char *bytes, size_t i, int *converts, struct tow_error *err)
{
    const struct tow_csv_typed_fill fill = {
        .dialect = columns->dialect,
        .table = table,
        .bytes = bytes,
        .wish = &columns->wishes[i],
        .column = tow_builder_column(columns->builder, i),
        .field = columns->fields[columns->wishes[i].column],
        .base = tow_builder_rows(columns->builder),
    };

    return tow_csv_typed_fill(&fill, &columns->added[i], converts, err);
}

int tow_csv_columns_append(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                           const char *bytes, int *converts, struct tow_error *err)
{
    int64_t rows = tow_builder_rows(columns->builder) + (int64_t)table->row_count;
    int code = TOW_OK;

    *converts = !columns->wishes || (columns->dialect->is_simple && !table->needs_care);
    for (size_t i = 0; i < columns->count && code == TOW_OK && *converts; i++)
        code = columns->wishes && !columns->wishes[i].is_text
                   ? columns_append_typed(columns, table, bytes, i, converts, err)
                   : columns_append_text(columns, table, bytes, i, err);
    if (code != TOW_OK || !*converts)
        return code;
    for (size_t i = 0; i < columns->count; i++) {
        struct tow_column *column = tow_builder_column(columns->builder, i);

        column->length = rows;
        column->null_count += columns->added[i];
    }
    return TOW_OK;
}
