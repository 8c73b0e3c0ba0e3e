#include <stdlib.h>
#include <string.h>

#include "kit/row_text.h"
#include "kit/scan16.h"
#include "towpath/rowtext.h"

#define CSV_DELIMITER_MAX 4
#define CSV_EXPANSION     2 /* a quote is doubled; base64 needs less */
#define CSV_NULL_MAX      255
#define CSV_NULL_USUAL    16

/* Bytes that occur in the text of values that are not strings. */
static const char csv_value_bytes[] = "0123456789+-.:/="
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct tow_csv_writer {
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_row_room room;
    tow_value_put **puts; /* of each column; NULL where its text may need quotes as it stands */
    char delimiter[CSV_DELIMITER_MAX];
    size_t delimiter_length;
    char null_text[CSV_NULL_MAX + 1];
    size_t null_length;
    char line_end[2];
    size_t line_end_length;
    int quote_all;
    int check_values; /* values that are not strings may need quotes even where not empty */
};

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
    writer->line_end_length = strlen(text);
    memcpy(writer->line_end, text, writer->line_end_length);
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
    writer->check_values = strchr(csv_value_bytes, writer->delimiter[0]) ||
                           writer->null_length > 0 || writer->quote_all;
    return code;
}

/* Worst case of each cell: quotes and delimiter, and the null text or a value of fixed width. */
static void csv_set_room(struct tow_csv_writer *writer)
{
    size_t cell =
        TOW_VALUE_TEXT_MAX > writer->null_length ? TOW_VALUE_TEXT_MAX : writer->null_length;

    writer->room.factor = CSV_EXPANSION;
    writer->room.fixed = (size_t)writer->cursor.column_count * (cell + 2 + CSV_DELIMITER_MAX);
    writer->room.fixed += sizeof writer->line_end;
}

static int csv_choose_puts(struct tow_csv_writer *writer, struct tow_error *err)
{
    int64_t count = writer->cursor.column_count;
    struct tow_field field;
    int code = TOW_OK;

    writer->puts = calloc((size_t)count + 1, sizeof *writer->puts);
    if (!writer->puts)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < count && code == TOW_OK; i++) {
        code = tow_schema_field(&writer->schema, i, &field, err);
        if (code == TOW_OK)
            writer->puts[i] = tow_value_put_of(field.type.id);
    }
    return code;
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
        code = tow_schema_copy(&writer->schema, schema, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&writer->cursor, &writer->schema, err);
    if (code == TOW_OK)
        code = csv_choose_puts(writer, err);
    if (code != TOW_OK) {
        tow_csv_writer_free(writer);
        return NULL;
    }
    csv_set_room(writer);
    return writer;
}

void tow_csv_writer_free(struct tow_csv_writer *writer)
{
    if (!writer)
        return;
    tow_cursor_release(&writer->cursor);
    if (writer->schema.release)
        writer->schema.release(&writer->schema);
    free(writer->puts);
    free(writer);
}

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
    if (length <= 2 * TOW_SCAN16 && readable - text >= 2 * TOW_SCAN16) {
        unsigned special = tow_scan16_csv(text, writer->delimiter[0]) |
                           tow_scan16_csv(text + TOW_SCAN16, writer->delimiter[0]) << TOW_SCAN16;

        memcpy(p, text, 2 * TOW_SCAN16);
        return special & ((UINT64_C(1) << length) - 1) ? NULL : p + length;
    }
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

static char *csv_put_quoted(char *p, const char *text, size_t length, const char *readable)
{
    const char *end = text + length;
    char block[TOW_SCAN16];

    *p++ = '"';
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
    *p++ = '"';
    return p;
}

static char *csv_put_text(const struct tow_csv_writer *writer, char *p, const char *text,
                          size_t length, const char *readable)
{
    char *end = NULL;

    if (!writer->quote_all)
        end = csv_put_plain(writer, p, text, length, readable);
    return end ? end : csv_put_quoted(p, text, length, readable);
}

/* Puts quotes around a value at p, whose text holds none, where it needs them. */
static char *csv_quote_value(const struct tow_csv_writer *writer, char *p, char *end)
{
    size_t length = (size_t)(end - p);
    int is_null_text = length == writer->null_length && memcmp(p, writer->null_text, length) == 0;

    if (!writer->quote_all && length > 0 && !is_null_text &&
        !memchr(p, writer->delimiter[0], length))
        return end;
    memmove(p + 1, p, length);
    p[0] = '"';
    p[length + 1] = '"';
    return p + length + 2;
}

static inline char *csv_put_null(const struct tow_csv_writer *writer, char *p)
{
    memcpy(p, writer->null_text, CSV_NULL_USUAL);
    if (writer->null_length > CSV_NULL_USUAL)
        memcpy(p, writer->null_text, writer->null_length);
    return p + writer->null_length;
}

static inline char *csv_put_cell(const struct tow_csv_writer *writer, char *p, int64_t column,
                                 int64_t row)
{
    const struct tow_view *view = &writer->cursor.columns[column];
    tow_value_put *put = writer->puts[column];
    const char *text;
    size_t length;
    char *end;

    if (tow_view_is_null(view, row))
        return csv_put_null(writer, p);
    if (put) {
        end = put(p, view, row);
        return writer->check_values || end == p ? csv_quote_value(writer, p, end) : end;
    }
    text = tow_view_bytes(view, row, &length);
    return csv_put_text(writer, p, text, length, tow_view_bytes_end(view));
}

static char *csv_put_delimiter(const struct tow_csv_writer *writer, char *p)
{
    memcpy(p, writer->delimiter, CSV_DELIMITER_MAX);
    return p + writer->delimiter_length;
}

static char *csv_put_line_end(const struct tow_csv_writer *writer, char *p)
{
    memcpy(p, writer->line_end, sizeof writer->line_end);
    return p + writer->line_end_length;
}

int tow_csv_writer_header(struct tow_csv_writer *writer, struct tow_buffer *out,
                          struct tow_error *err)
{
    const size_t size = out->size;
    int code = TOW_OK;

    for (int64_t i = 0; i < writer->schema.n_children && code == TOW_OK; i++) {
        const char *name = writer->schema.children[i]->name;
        size_t length = strlen(name);
        char *p;

        code = tow_buffer_reserve(
            out, CSV_EXPANSION * length + 2 + CSV_DELIMITER_MAX + sizeof writer->line_end, err);
        if (code != TOW_OK)
            break;
        p = out->data + out->size;
        if (i > 0)
            p = csv_put_delimiter(writer, p);
        p = csv_put_text(writer, p, name, length, name + length);
        if (i == writer->schema.n_children - 1)
            p = csv_put_line_end(writer, p);
        out->size = (size_t)(p - out->data);
    }
    if (code != TOW_OK)
        out->size = size;
    return code;
}

static char *csv_put_row(const struct tow_csv_writer *writer, char *p, int64_t row)
{
    for (int64_t i = 0; i < writer->cursor.column_count; i++) {
        if (i > 0)
            p = csv_put_delimiter(writer, p);
        p = csv_put_cell(writer, p, i, row);
    }
    return csv_put_line_end(writer, p);
}

int tow_csv_writer_rows(struct tow_csv_writer *writer, const struct ArrowArray *array,
                        int64_t first, int64_t count, struct tow_buffer *out, struct tow_error *err)
{
    const int64_t end = first + count;
    const size_t size = out->size;

    tow_cursor_batch(&writer->cursor, array);
    while (first < end) {
        int64_t group = end - first < TOW_ROW_GROUP ? end - first : TOW_ROW_GROUP;
        int code = tow_row_reserve(out, &writer->cursor, &writer->room, first, group, err);
        char *p;

        if (code != TOW_OK) {
            out->size = size;
            return code;
        }
        p = out->data + out->size;
        for (; group > 0; group--)
            p = csv_put_row(writer, p, first++);
        out->size = (size_t)(p - out->data);
    }
    return TOW_OK;
}
