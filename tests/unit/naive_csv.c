#include "naive_csv.h"

#include <string.h>

#include "towpath/value.h"
#include "unit.h"

#define FIELDS_MAX 4096

struct field {
    size_t from, to; /* raw, trimmed, with its quotes */
    int quoted;
};

struct naive {
    const struct naive_csv *csv;
    const char *s;
    size_t length;
    struct tow_buffer *rows, *rejects;
    struct field fields[FIELDS_MAX];
    size_t count;
};

static void put(struct tow_buffer *out, const void *bytes, size_t length)
{
    assert_int_equal(tow_buffer_append(out, bytes, length, NULL), TOW_OK);
}

static int is_blank(const struct naive_csv *csv, char c)
{
    return csv->trim && (c == ' ' || c == '\t') && !strchr(csv->delimiter, c);
}

static int has(const struct naive *n, size_t at, size_t end, const char *what)
{
    return strlen(what) <= end - at && memcmp(n->s + at, what, strlen(what)) == 0;
}

/* The data is cut at `end`, and what is left there may be the beginning of `what`. */
static int may_begin(const struct naive *n, size_t at, size_t end, const char *what)
{
    return end - at < strlen(what) && memcmp(n->s + at, what, end - at) == 0;
}

static size_t line_after(const struct naive *n, size_t at)
{
    const char *p = memchr(n->s + at, '\n', n->length - at);

    return p ? (size_t)(p + 1 - n->s) : n->length;
}

static size_t count_lines(const struct naive *n, size_t from, size_t to)
{
    size_t lines = 0;

    for (; from < to; from++)
        lines += n->s[from] == '\n';
    return lines;
}

static void put_reject(struct naive *n, const char *code, size_t line, size_t from, size_t to)
{
    if (to > from && n->s[to - 1] == '\n')
        to--;
    if (to > from && n->s[to - 1] == '\r')
        to--;
    if (to - from > n->csv->row_bytes)
        to = from + n->csv->row_bytes;
    assert_int_equal(tow_buffer_printf(n->rejects, NULL, "%s %zu %zu [", code, line, from), TOW_OK);
    put(n->rejects, n->s + from, to - from);
    put(n->rejects, "]\n", 2);
}

static void put_value(struct naive *n, const char *bytes, size_t length)
{
    put(n->rows, " [", 2);
    while (length > 0) {
        size_t good = tow_utf8_prefix(bytes, length);

        put(n->rows, bytes, good);
        bytes += good;
        length -= good;
        if (length > 0) {
            put(n->rows, "\xEF\xBF\xBD", 3);
            bytes++;
            length--;
        }
    }
    put(n->rows, "]", 1);
}

static void put_field(struct naive *n, const struct field *field)
{
    const struct naive_csv *csv = n->csv;
    struct tow_buffer value = {0};
    size_t at = field->from, to = field->to;
    int escapes = csv->escape >= 0 && csv->escape != csv->quote;

    if (!field->quoted && (at == to || (csv->null_text && to - at == strlen(csv->null_text) &&
                                        memcmp(n->s + at, csv->null_text, to - at) == 0))) {
        put(n->rows, " null", 5);
        return;
    }
    if (field->quoted) {
        at++;
        to--;
    }
    for (; at < to; at++) {
        int c = (unsigned char)n->s[at];

        if (field->quoted && c == csv->quote)
            at++;
        else if (escapes && c == csv->escape && (field->quoted || csv->quote < 0) && at + 1 < to)
            at++;
        put(&value, n->s + at, 1);
    }
    put_value(n, value.data, value.size);
    tow_buffer_release(&value);
}

/* What became of a row: NULL where it is one, else the code; *at is then the fault. */
static const char *parse_quoted(struct naive *n, size_t *at, size_t end, int cut, int *row_ends,
                                struct field *field)
{
    const struct naive_csv *csv = n->csv;
    size_t k = *at + 1;

    for (;; k++) {
        if (k >= end)
            return "unclosed_quote";
        if ((unsigned char)n->s[k] == csv->escape && csv->escape != csv->quote)
            k++;
        else if ((unsigned char)n->s[k] == csv->quote) {
            if (k + 1 == end && cut)
                return "unclosed_quote";
            if (k + 1 == end || (unsigned char)n->s[k + 1] != csv->quote)
                break;
            k++;
        }
    }
    field->from = *at;
    field->to = ++k;
    while (k < end && is_blank(csv, n->s[k]))
        k++;
    *row_ends = 1;
    if (k == end || (n->s[k] == '\r' && k + 1 == end)) {
        *at = end;
        return cut ? "row_too_long" : NULL;
    }
    *at = k + 1;
    if (n->s[k] == '\n')
        return NULL;
    *at = k + 2;
    if (has(n, k, end, "\r\n"))
        return NULL;
    *row_ends = 0;
    *at = k + strlen(csv->delimiter);
    if (has(n, k, end, csv->delimiter))
        return NULL;
    *at = k;
    if (cut && may_begin(n, k, end, csv->delimiter)) {
        *at = end;
        return "row_too_long";
    }
    return "bad_quote";
}

static void trim_field(struct naive *n, struct field *field)
{
    const struct naive_csv *csv = n->csv;
    size_t escapes = 0, to = field->to;

    while (field->from < field->to && is_blank(csv, n->s[field->from]))
        field->from++;
    while (field->from < field->to && is_blank(csv, n->s[field->to - 1]))
        field->to--;
    if (csv->quote >= 0 || csv->escape < 0 || field->to == to)
        return;
    while (escapes < field->to - field->from &&
           (unsigned char)n->s[field->to - 1 - escapes] == csv->escape)
        escapes++;
    field->to += escapes % 2;
}

static const char *parse_unquoted(struct naive *n, size_t *at, size_t end, int cut, int *row_ends,
                                  struct field *field)
{
    const struct naive_csv *csv = n->csv;
    size_t k = *at, literal = k;

    field->from = *at;
    *row_ends = 1;
    for (; k < end; k++) {
        if (csv->quote < 0 && csv->escape >= 0 && (unsigned char)n->s[k] == csv->escape) {
            if (k + 1 == end)
                literal = end;
            else
                literal = ++k + 1;
            continue;
        }
        if (n->s[k] == '\n')
            break;
        if (has(n, k, end, csv->delimiter)) {
            field->to = k;
            *at = k + strlen(csv->delimiter);
            *row_ends = 0;
            trim_field(n, field);
            return NULL;
        }
        if (cut && may_begin(n, k, end, csv->delimiter))
            k = end - 1;
    }
    *at = k < end ? k + 1 : end;
    if (k >= end && cut)
        return "row_too_long";
    field->to = k < end ? k : end;
    if (field->to > literal && n->s[field->to - 1] == '\r')
        field->to--;
    trim_field(n, field);
    return NULL;
}

static const char *parse_row(struct naive *n, size_t *at, size_t end, int cut)
{
    const struct naive_csv *csv = n->csv;
    int row_ends = 0;

    n->count = 0;
    while (!row_ends) {
        struct field *field = &n->fields[n->count];
        const char *code;
        size_t start = *at;

        assert_true(n->count < FIELDS_MAX);
        while (start < end && is_blank(csv, n->s[start]))
            start++;
        field->quoted = start < end && (unsigned char)n->s[start] == csv->quote;
        if (field->quoted)
            *at = start;
        code = field->quoted ? parse_quoted(n, at, end, cut, &row_ends, field)
                             : parse_unquoted(n, at, end, cut, &row_ends, field);
        if (code)
            return code;
        n->count++;
    }
    return NULL;
}

static int has_right_count(const struct naive *n)
{
    const struct naive_csv *csv = n->csv;

    if (n->count == csv->columns)
        return 1;
    if (!csv->pad)
        return 0;
    for (size_t i = csv->columns; i < n->count; i++)
        if (n->fields[i].from < n->fields[i].to)
            return 0;
    return 1;
}

static void take_row(struct naive *n, size_t line, size_t from, size_t to)
{
    const struct naive_csv *csv = n->csv;

    if (n->count == 1 && n->fields[0].from == n->fields[0].to)
        return;
    if (memchr(n->s + from, '\0', to - from)) {
        put_reject(n, "nul_byte", line, from, to);
        return;
    }
    if (!csv->replace && !tow_utf8_valid(n->s + from, to - from)) {
        put_reject(n, "invalid_utf8", line, from, to);
        return;
    }
    if (!has_right_count(n)) {
        put_reject(n, "field_count", line, from, to);
        return;
    }
    assert_int_equal(tow_buffer_printf(n->rows, NULL, "%zu", line), TOW_OK);
    for (size_t i = 0; i < csv->columns; i++) {
        if (i < n->count)
            put_field(n, &n->fields[i]);
        else
            put(n->rows, " null", 5);
    }
    put(n->rows, "\n", 1);
}

void naive_csv_parse(const struct naive_csv *csv, const char *text, size_t length,
                     struct tow_buffer *rows, struct tow_buffer *rejects)
{
    struct naive *n = calloc(1, sizeof *n);
    size_t at = 0, line = 1;

    assert_non_null(n);
    *n = (struct naive){.csv = csv, .s = text, .length = length, .rows = rows, .rejects = rejects};
    while (at < length) {
        size_t from = at;
        int cut = length - from > csv->row_bytes;
        const char *code;

        if (*csv->comment && has(n, at, length, csv->comment)) {
            at = line_after(n, at);
            line++;
            continue;
        }
        code = parse_row(n, &at, cut ? from + csv->row_bytes : length, cut);
        if (!code) {
            take_row(n, line, from, at);
        } else {
            if (strcmp(code, "row_too_long") == 0)
                at = from + csv->row_bytes;
            at = line_after(n, at);
            put_reject(n, code, line, from, at);
        }
        line += count_lines(n, from, at);
    }
    free(n);
}
