#include "plugins/csv/columns.h"

#include <endian.h>
#include <string.h>

#include "plugins/csv/field.h"
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
 * elsewhere. Where there are fewer, the store goes into the slack; the next one mends it. */
static inline void columns_put_nulls(struct columns_fill *fill, size_t first, uint64_t nulls)
{
    uint64_t at = (uint64_t)fill->base + first;
    uint8_t *out = fill->column->validity + (at >> 3);
    unsigned shift = at & 7;
    unsigned kept = *out & ((1u << shift) - 1);
    uint64_t low = htole64(~nulls << shift | kept);

    memcpy(out, &low, sizeof low);
    if (shift)
        out[8] = (uint8_t)(~nulls >> (64 - shift));
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

/* Where the values of a column go. Kept apart from columns_fill, so that it lives in registers. */
struct columns_out {
    char *bytes;
    size_t used, room;
    int32_t *offsets; /* of the first row to come */
    uint64_t nulls;   /* of up to 64 rows */
};

static struct columns_out columns_out(const struct columns_fill *fill, size_t used)
{
    return (struct columns_out){fill->column->bytes, used, (size_t)fill->column->byte_capacity,
                                fill->column->offsets + fill->base, 0};
}

static __attribute__((noinline)) int columns_out_grow(struct columns_fill *fill,
                                                      struct columns_out *out, size_t length,
                                                      struct tow_error *err)
{
    int code;

    fill->used = out->used;
    code = columns_grow(fill, length, err);
    out->bytes = fill->column->bytes;
    out->room = (size_t)fill->column->byte_capacity;
    return code;
}

/*
 * The fast way: every row has the field, nothing is trimmed, and unquoted bytes are taken as they
 * stand. `is_first` is known when this is compiled into its callers.
 */
static inline __attribute__((always_inline)) int columns_fill_plain(struct columns_fill *fill,
                                                                    int is_first,
                                                                    struct tow_error *err)
{
    const struct tow_csv_dialect *dialect = fill->dialect;
    const struct tow_csv_row *rows = fill->table->rows;
    const uint32_t *ends = fill->table->ends + fill->field;
    const char *bytes = fill->bytes;
    const size_t count = fill->table->row_count, gap = dialect->delimiter_length;
    const int quote = dialect->quote, may_double = fill->table->may_double;
    const uint64_t null_lengths = dialect->null_lengths;
    const uint64_t empty_is_null = (uint64_t)dialect->empty_is_null;
    struct columns_out out = columns_out(fill, fill->used);

    for (size_t i = 0; i < count; i++) {
        const uint32_t *end = ends + rows[i].first;
        size_t start = is_first ? rows[i].start : end[-1] + gap;
        size_t length = end[0] - start;
        const char *text = bytes + start;
        uint64_t is_null = empty_is_null & (length == 0);

        if (__builtin_expect(length > out.room - out.used, 0)) {
            int code = columns_out_grow(fill, &out, length, err);

            if (code != TOW_OK)
                return code;
        }
        if (__builtin_expect((unsigned char)*text == quote, 0)) {
            length -= 2;
            if (may_double)
                length = tow_csv_field_unquote(dialect, text + 1, length, out.bytes + out.used);
            else
                columns_copy(out.bytes + out.used, text + 1, length);
        } else {
            columns_copy(out.bytes + out.used, text, length);
            if (__builtin_expect(null_lengths >> (length < 63 ? length : 63) & 1, 0)) {
                is_null |= (uint64_t)tow_csv_dialect_is_null(dialect, text, length);
                length = is_null ? 0 : length;
            }
        }
        out.used += length;
        out.offsets[i + 1] = (int32_t)out.used;
        out.nulls |= is_null << (i & 63);
        if ((i & 63) == 63 || i + 1 == count) {
            columns_put_nulls(fill, i & ~(size_t)63, out.nulls);
            out.nulls = 0;
        }
    }
    fill->used = out.used;
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
    const uint32_t *end = fill->table->ends + row->first + fill->field;
    size_t start = fill->field == 0 ? row->start : end[-1] + fill->dialect->delimiter_length;

    return tow_csv_field_trim(fill->dialect, fill->bytes + start, end[0] - start);
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

int tow_csv_columns_append(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                           const char *bytes, struct tow_error *err)
{
    int64_t base = tow_builder_rows(columns->builder);
    int code = TOW_OK;

    for (size_t i = 0; i < columns->count && code == TOW_OK; i++) {
        struct columns_fill fill = {
            .dialect = columns->dialect,
            .table = table,
            .bytes = bytes,
            .column = tow_builder_column(columns->builder, i),
            .repair = &columns->repair,
            .field = columns->fields[i],
            .base = base,
        };

        code = columns_fill_one(&fill, &columns->added[i], err);
    }
    if (code != TOW_OK)
        return code;
    for (size_t i = 0; i < columns->count; i++) {
        struct tow_column *column = tow_builder_column(columns->builder, i);

        column->length = base + (int64_t)table->row_count;
        column->null_count += columns->added[i];
    }
    return TOW_OK;
}
