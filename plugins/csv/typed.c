#include "plugins/csv/typed.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/csv/bits.h"

#define TYPED_LENGTH_TOP 63

/* ---- wishes --------------------------------------------------------------------------------- */

static int wish_copy_text(const char *text, const char **out, struct tow_error *err)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text ? TOW_OK : tow_error_nomem(err);
}

static int wish_copy_nulls(struct tow_csv_wish *wish, struct tow_strings from,
                           struct tow_error *err)
{
    const char **items = calloc((size_t)from.count + 1, sizeof *items);
    int code = items ? TOW_OK : tow_error_nomem(err);

    wish->null_if.items = items;
    for (uint64_t i = 0; i < from.count && code == TOW_OK; i++) {
        size_t length = strlen(from.items[i]);

        wish->null_lengths |= UINT64_C(1)
                              << (length < TYPED_LENGTH_TOP ? length : TYPED_LENGTH_TOP);
        code = wish_copy_text(from.items[i], &items[i], err);
        wish->null_if.count = i + 1;
    }
    return code;
}

static int wish_init(struct tow_csv_wish *wish, const struct tow_wish *from, const char *level,
                     struct tow_error *err)
{
    const char *format = NULL;
    struct tow_type type;
    int code = tow_type_parse(from->type, &type, err);

    wish->column = (size_t)from->column;
    wish->is_required = (from->flags & TOW_WISH_REQUIRED) != 0;
    wish->is_text = 1;
    if (code != TOW_OK || type.id == TOW_TYPE_STRING ||
        !tow_texts_converter_init(&wish->converter, type, from->format, level))
        return code;
    wish->is_text = 0;
    wish->trim = (from->flags & TOW_WISH_TRIM) != 0;
    code = wish_copy_text(from->format, &format, err);
    wish->converter.format = format;
    return code == TOW_OK ? wish_copy_nulls(wish, from->null_if, err) : code;
}

int tow_csv_wishes_init(struct tow_csv_wishes *wishes, const struct tow_wish *from, uint64_t count,
                        size_t columns, const char *level, struct tow_error *err)
{
    size_t texts = 0;
    int code;

    *wishes = (struct tow_csv_wishes){.items = calloc((size_t)count + 1, sizeof *wishes->items)};
    code = wishes->items ? TOW_OK : tow_error_nomem(err);
    for (uint64_t i = 0; i < count && code == TOW_OK; i++) {
        if (from[i].column < 0 || (uint64_t)from[i].column >= columns)
            code = tow_error_set(err, TOW_E_BUG, "column %lld is wished for, of %zu",
                                 (long long)from[i].column, columns);
        else
            code = wish_init(&wishes->items[i], &from[i], level, err);
        texts += (size_t)wishes->items[i].is_text;
        wishes->count = i + 1;
    }
    if (code != TOW_OK || (texts == count && count == columns))
        tow_csv_wishes_release(wishes);
    return code;
}

void tow_csv_wishes_release(struct tow_csv_wishes *wishes)
{
    for (size_t i = 0; i < wishes->count; i++) {
        struct tow_csv_wish *wish = &wishes->items[i];

        free((char *)(uintptr_t)wish->converter.format);
        for (uint64_t n = 0; n < wish->null_if.count; n++)
            free((char *)(uintptr_t)wish->null_if.items[n]);
        free((void *)(uintptr_t)wish->null_if.items);
    }
    free(wishes->items);
    *wishes = (struct tow_csv_wishes){0};
}

/* ---- fields that need a look ---------------------------------------------------------------- */

/* Takes the quotes off row `row`; 0 where that is not all there is to it. What it holds then hardly
 * is a value of any type, and where it is one, the batch may as well come as text. */
static int typed_unquote(const struct tow_csv_fill *fill, struct tow_texts *texts, unsigned row)
{
    const char *text = fill->bytes + ++texts->start[row];

    texts->length[row] -= 2;
    if (!fill->table->may_double)
        return 1;
    return !memchr(text, fill->dialect->quote, texts->length[row]) &&
           (fill->dialect->escape < 0 || !memchr(text, fill->dialect->escape, texts->length[row]));
}

/* Quoted fields, and texts as long as one that is null in the file. Returns what is bad. */
static uint64_t typed_look_at(const struct tow_csv_fill *fill, struct tow_texts *texts,
                              uint64_t rows)
{
    uint64_t bad = 0;

    for (; rows; rows &= rows - 1) {
        unsigned row = (unsigned)__builtin_ctzll(rows);
        const char *text = fill->bytes + texts->start[row];

        if (texts->length[row] > 0 && (unsigned char)*text == fill->dialect->quote) {
            if (!typed_unquote(fill, texts, row))
                bad |= UINT64_C(1) << row;
        } else if (tow_csv_dialect_is_null(fill->dialect, text, texts->length[row])) {
            texts->null |= UINT64_C(1) << row;
            texts->length[row] = 0;
        }
    }
    return bad;
}

static inline int typed_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int typed_is_null(const struct tow_csv_wish *wish, const char *text, size_t length)
{
    if (!(wish->null_lengths >> (length < TYPED_LENGTH_TOP ? length : TYPED_LENGTH_TOP) & 1))
        return 0;
    for (uint64_t i = 0; i < wish->null_if.count; i++)
        if (strlen(wish->null_if.items[i]) == length &&
            memcmp(wish->null_if.items[i], text, length) == 0)
            return 1;
    return 0;
}

/* trim and null_if, as core/columns has them. */
static void typed_prepare(const struct tow_csv_wish *wish, struct tow_texts *texts)
{
    for (unsigned row = 0; row < texts->count; row++) {
        const char *text = texts->base + texts->start[row], *end = text + texts->length[row];

        if (texts->null >> row & 1)
            continue;
        while (wish->trim && text < end && typed_is_space(*text))
            text++;
        while (wish->trim && end > text && typed_is_space(end[-1]))
            end--;
        texts->start[row] = (uint32_t)(text - texts->base);
        texts->length[row] = (uint32_t)(end - text);
        if (!typed_is_null(wish, text, (size_t)(end - text)))
            continue;
        texts->null |= UINT64_C(1) << row;
        texts->length[row] = 0;
    }
}

/* ---- blocks of rows ------------------------------------------------------------------------- */

/* Finds the fields of rows [first, first + texts->count). `is_first` is known when this is compiled
 * into its callers. */
static inline __attribute__((always_inline)) void typed_find(const struct tow_csv_fill *fill,
                                                             int is_first, size_t first,
                                                             struct tow_texts *texts)
{
    const struct tow_csv_row *rows = fill->table->rows + first;
    const uint32_t *ends = fill->table->ends + fill->field;
    const uint64_t empty_is_null = (uint64_t)fill->dialect->empty_is_null;
    const uint32_t gap = (uint32_t)fill->dialect->delimiter_length, count = texts->count;
    uint64_t null = 0;

    for (unsigned i = 0; i < count; i++) {
        const uint32_t *end = ends + rows[i].first;
        uint32_t start = is_first ? rows[i].start : end[-1] + gap, length = end[0] - start;

        texts->start[i] = start;
        texts->length[i] = length;
        null |= (empty_is_null & (length == 0)) << i;
    }
    texts->null = null;
}

/* Of `rows`, those that are quoted, or as long as a text that is null in the file. */
static uint64_t typed_odd(const struct tow_csv_fill *fill, const struct tow_texts *texts,
                          uint64_t rows)
{
    uint64_t odd = 0;

    for (; rows; rows &= rows - 1) {
        unsigned row = (unsigned)__builtin_ctzll(rows);
        uint32_t length = texts->length[row];
        int is_quoted = (unsigned char)fill->bytes[texts->start[row]] == fill->dialect->quote;

        odd |= (uint64_t)(is_quoted | (fill->dialect->null_lengths >>
                                           (length < TYPED_LENGTH_TOP ? length : TYPED_LENGTH_TOP) &
                                       1))
               << row;
    }
    return odd;
}

/* What makes of a field the text that is converted. */
static uint64_t typed_look(const struct tow_csv_fill *fill, struct tow_texts *texts, uint64_t rows)
{
    uint64_t bad = typed_look_at(fill, texts, typed_odd(fill, texts, rows & ~texts->null));

    if (fill->wish->trim || fill->wish->null_if.count > 0)
        typed_prepare(fill->wish, texts);
    return bad;
}

/*
 * With the usual quotes, whatever is quoted is no value as it stands. So where values are only
 * looked for quotes once they do not convert, columns without quotes, which most are, are looked at
 * by their converter alone. A column that had some before is looked at first.
 */
static uint64_t typed_convert(struct tow_csv_fill *fill, struct tow_texts *texts, void *values)
{
    const struct tow_texts_converter *converter = &fill->wish->converter;
    const uint64_t all = texts->count < 64 ? (UINT64_C(1) << texts->count) - 1 : ~UINT64_C(0);
    uint64_t looked_bad = 0, bad;

    if (fill->is_odd)
        looked_bad = typed_look(fill, texts, all);
    bad = converter->convert(converter, texts, values);
    if (__builtin_expect(bad != 0, 0) && !fill->is_odd) {
        looked_bad = typed_look(fill, texts, bad);
        bad = converter->convert(converter, texts, values);
        fill->is_odd = 1;
    }
    return bad | looked_bad;
}

/* 1 where a value may begin with the quote, since that is a letter, a digit or the like, or since a
 * format says so. */
static int typed_may_begin_with_quote(const struct tow_csv_fill *fill)
{
    int quote = fill->dialect->quote, letter = quote | 0x20;

    return quote >= 0 && (fill->wish->converter.format || (letter >= 'a' && letter <= 'z') ||
                          (quote >= '0' && quote <= '9') || strchr("+-.", quote));
}

int tow_csv_typed_is_odd(const struct tow_csv_fill *fill)
{
    return fill->dialect->null_lengths || fill->wish->trim || fill->wish->null_if.count > 0 ||
           typed_may_begin_with_quote(fill);
}

int tow_csv_typed_put(struct tow_csv_fill *fill, size_t first, size_t count)
{
    const size_t width = tow_type_width(fill->wish->converter.type.id);
    struct tow_texts texts; /* not cleared: it is larger than what is done to it */
    uint64_t at = (uint64_t)fill->base + first, bits = 0, bad;
    struct tow_column *column = fill->column;

    texts.base = fill->bytes;
    texts.count = (uint32_t)count;
    if (fill->field == 0)
        typed_find(fill, 1, first, &texts);
    else
        typed_find(fill, 0, first, &texts);
    bad = typed_convert(fill, &texts, width ? (char *)column->values + at * width : (void *)&bits);
    if (!width)
        tow_csv_put_bits(column->values, at, bits);
    tow_csv_put_bits(column->validity, at, ~texts.null);
    fill->nulls += __builtin_popcountll(texts.null);
    return bad == 0 && !(texts.null && fill->wish->is_required);
}
