#include <stdlib.h>
#include <string.h>

#include "kit/rowtext/row_text.h"
#include "kit/rowtext/scan16.h"
#include "towpath/rowtext.h"

#define CSV_DELIMITER_MAX 4
#define CSV_QUOTE_ALL     1
#define CSV_EXPANSION     2 /* a quote is doubled; base64 needs less */
#define CSV_TEXT_EXTRA    6 /* two quotes, base64's last group */
#define CSV_NULL_MAX      255

/* Bytes that occur in the text of values that are not strings. */
static const char csv_value_bytes[] = "0123456789+-.:/="
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct tow_csv_writer {
    struct tow_row_writer rows;
    char delimiter[CSV_DELIMITER_MAX];
    size_t delimiter_length;
    char null_text[CSV_NULL_MAX + TOW_CELL_STEP];
    size_t null_length;
    char prefixes[2][TOW_ROW_PREFIX_STEP]; /* of the first column, and of the others */
    int quote_all;
    int values_may_delimit; /* the delimiter is a byte that numbers, times or base64 have */
};

/* Copies a field that needs no quotes; NULL where it does. A delimiter of several bytes counts by
 * its first, since the end of a field could otherwise run into the delimiter behind it. */
static char *csv_put_plain(const struct tow_csv_writer *writer, char *p, const char *text,
                           size_t length, const char *readable)
{
    const char *end = text + length;
    char block[TOW_SCAN16];

    if (length == 0)
        return NULL;
    if (length == writer->null_length && memcmp(text, writer->null_text, length) == 0)
        return NULL;
    for (; text < end; text += TOW_SCAN16, p += TOW_SCAN16) {
        const char *from = tow_scan16_window(text, readable, block);
        unsigned special = tow_scan16_csv(from, writer->delimiter[0]);

        if (tow_scan16_within(special, (size_t)(end - text)))
            return NULL;
        memcpy(p, from, TOW_SCAN16);
    }
    /* Behind by what the last block holds too much. */
    return p - (text - end);
}

/* What stands between the quotes. */
static char *csv_put_doubled(const void *context, char *p, const char *text, size_t length,
                             const char *readable)
{
    const char *end = text + length;
    char block[TOW_SCAN16];

    (void)context;
    while (text < end) {
        size_t left = (size_t)(end - text);
        const char *from = tow_scan16_window(text, readable, block);
        unsigned quotes = tow_scan16_within(tow_scan16_byte(from, '"'), left);
        size_t step = left < TOW_SCAN16 ? left : TOW_SCAN16;

        memcpy(p, from, TOW_SCAN16);
        if (quotes)
            step = (size_t)__builtin_ctz(quotes) + 1;
        p += step;
        text += step;
        if (quotes)
            *p++ = '"';
    }
    return p;
}

static char *csv_put_text(const void *context, char *p, const char *text, size_t length,
                          const char *readable)
{
    const struct tow_csv_writer *writer = context;
    char *end = NULL;

    if (!writer->quote_all)
        end = csv_put_plain(writer, p, text, length, readable);
    if (end)
        return end;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the caller has made room there. */
    *p++ = '"';
    p = csv_put_doubled(writer, p, text, length, readable);
    *p++ = '"';
    return p;
}

/* Of values that hold no quote and no line end. */
static int csv_needs_quotes(const void *context, const char *text, size_t length)
{
    const struct tow_csv_writer *writer = context;

    if (length == 0 ||
        (length == writer->null_length && memcmp(text, writer->null_text, length) == 0))
        return 1;
    return writer->values_may_delimit && memchr(text, writer->delimiter[0], length);
}

static char *csv_put_bare_binary(const void *context, char *p, const char *text, size_t length,
                                 const char *readable)
{
    (void)context;
    (void)readable;
    return tow_put_base64(p, text, length);
}

static char *csv_put_binary(const void *context, char *p, const char *text, size_t length,
                            const char *readable)
{
    char *end = csv_put_bare_binary(context, p, text, length, readable);

    length = (size_t)(end - p);
    if (!csv_needs_quotes(context, p, length))
        return end;
    memmove(p + 1, p, length);
    p[0] = '"';
    p[length + 1] = '"';
    return end + 2;
}

static const char *csv_or(const char *text, const char *fallback)
{
    return text ? text : fallback;
}

static int csv_set_delimiter(struct tow_csv_writer *writer, const char *text, struct tow_error *err)
{
    size_t length = strlen(text);

    if (length < 1 || length > CSV_DELIMITER_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "delimiter \"%s\" is %zu bytes long, not 1 to %d",
                             text, length, CSV_DELIMITER_MAX);
    if (strpbrk(text, "\"\r\n"))
        return tow_error_set(err, TOW_E_CONFIG, "delimiter holds a quote or a line end");
    memcpy(writer->delimiter, text, length);
    writer->delimiter_length = length;
    return TOW_OK;
}

static int csv_set_null_text(struct tow_csv_writer *writer, const char *text, struct tow_error *err)
{
    size_t length = strlen(text);

    if (length > CSV_NULL_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "null text of %zu bytes, at most %d", length,
                             CSV_NULL_MAX);
    if (strpbrk(text, "\"\r\n") || strchr(text, writer->delimiter[0]))
        return tow_error_set(err, TOW_E_CONFIG,
                             "null text \"%s\" holds the delimiter, a quote or a line end", text);
    memcpy(writer->null_text, text, length);
    writer->null_length = length;
    return TOW_OK;
}

static int csv_set_line_end(struct tow_csv_writer *writer, const char *text, struct tow_error *err)
{
    if (strcmp(text, "\n") != 0 && strcmp(text, "\r\n") != 0 && strcmp(text, "\r") != 0)
        return tow_error_set(err, TOW_E_CONFIG, "line end is none of LF, CR LF and CR");
    writer->rows.end_length = strlen(text);
    memcpy(writer->rows.end, text, writer->rows.end_length);
    return TOW_OK;
}

static int csv_set_format(struct tow_csv_writer *writer, const struct tow_csv_format *format,
                          struct tow_error *err)
{
    static const struct tow_csv_format defaults;
    int code;

    if (!format)
        format = &defaults;
    code = csv_set_delimiter(writer, csv_or(format->delimiter, ","), err);
    if (code == TOW_OK)
        code = csv_set_null_text(writer, csv_or(format->null_text, ""), err);
    if (code == TOW_OK)
        code = csv_set_line_end(writer, csv_or(format->line_end, "\n"), err);
    writer->quote_all = format->quote_all;
    return code;
}

static void csv_set_prefixes(struct tow_csv_writer *writer)
{
    char *other = writer->prefixes[1];

    writer->prefixes[0][0] = '"';
    memcpy(other, writer->delimiter, writer->delimiter_length);
    other[writer->delimiter_length] = '"';
}

static void csv_set_column(struct tow_csv_writer *writer, int64_t index)
{
    struct tow_row_column *column = &writer->rows.columns[index];
    int is_binary = tow_row_writer_type(&writer->rows, index) == TOW_TYPE_BINARY;

    column->prefix = writer->prefixes[index > 0];
    column->quotes =
        writer->quote_all == TOW_CSV_QUOTE_TEXT ? !column->put_values : (size_t)writer->quote_all;
    column->prefix_length = (index > 0 ? writer->delimiter_length : 0) + column->quotes;
    column->put_text = is_binary ? csv_put_binary : csv_put_text;
    column->all_odd = is_binary;
    column->room = (struct tow_row_room){CSV_EXPANSION, CSV_TEXT_EXTRA};
    if (writer->quote_all) {
        column->put_text = is_binary ? csv_put_bare_binary : csv_put_doubled;
        column->marks = (struct tow_mark_set){0, {'"', '"', '"', '"'}};
        column->odd_lengths[0] = column->odd_lengths[1] = SIZE_MAX;
    } else {
        column->marks = (struct tow_mark_set){0, {'"', '\r', '\n', writer->delimiter[0]}};
        column->odd_lengths[1] = writer->null_length;
    }
}

struct tow_csv_writer *tow_csv_writer_new(const struct ArrowSchema *schema,
                                          const struct tow_csv_format *format,
                                          struct tow_error *err)
{
    struct tow_csv_writer *writer = calloc(1, sizeof *writer);
    int code;

    if (!writer) {
        tow_error_nomem(err);
        return NULL;
    }
    code = csv_set_format(writer, format, err);
    if (code == TOW_OK)
        code = tow_row_writer_init(&writer->rows, schema, err);
    if (code != TOW_OK) {
        tow_csv_writer_free(writer);
        return NULL;
    }
    csv_set_prefixes(writer);
    for (int64_t i = 0; i < writer->rows.cursor.column_count; i++)
        csv_set_column(writer, i);
    writer->rows.null = (struct tow_cell){writer->null_text, writer->null_length};
    writer->rows.context = writer;
    writer->values_may_delimit = strchr(csv_value_bytes, writer->delimiter[0]) != NULL;
    if (writer->quote_all != CSV_QUOTE_ALL &&
        (writer->null_length > 0 || writer->values_may_delimit))
        writer->rows.needs_quotes = csv_needs_quotes;
    return writer;
}

void tow_csv_writer_free(struct tow_csv_writer *writer)
{
    if (!writer)
        return;
    tow_row_writer_release(&writer->rows);
    free(writer);
}

int tow_csv_writer_header(struct tow_csv_writer *writer, struct tow_buffer *out,
                          struct tow_error *err)
{
    const struct ArrowSchema *schema = &writer->rows.schema;
    const size_t size = out->size;
    int code = TOW_OK;

    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        const char *name = schema->children[i]->name;
        size_t length = strlen(name);
        char *p;

        code = tow_buffer_reserve(
            out, CSV_EXPANSION * length + CSV_TEXT_EXTRA + CSV_DELIMITER_MAX + TOW_ROW_END_MAX,
            err);
        if (code != TOW_OK)
            break;
        p = out->data + out->size;
        if (i > 0)
            p = mempcpy(p, writer->delimiter, writer->delimiter_length);
        p = csv_put_text(writer, p, name, length, name + length);
        if (i == schema->n_children - 1)
            p = mempcpy(p, writer->rows.end, writer->rows.end_length);
        out->size = (size_t)(p - out->data);
    }
    if (code != TOW_OK)
        out->size = size;
    return code;
}

int tow_csv_writer_rows(struct tow_csv_writer *writer, const struct ArrowArray *array,
                        int64_t first, int64_t count, struct tow_buffer *out, struct tow_error *err)
{
    return tow_row_writer_put(&writer->rows, array, first, count, out, err);
}
