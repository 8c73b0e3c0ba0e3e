#include "plugins/csv/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/csv/field.h"
#include "connectors/csv/scan.h"
#include "plugins/csv/rows.h"
#include "towpath/value.h"

static int file_skip_byte_order_mark(struct tow_window *window, struct tow_error *err)
{
    static const char mark[] = {'\xEF', '\xBB', '\xBF'};
    int code = TOW_OK;

    while (code == TOW_OK && window->end - window->start < sizeof mark && !window->at_end)
        code = tow_window_fill(window, err);
    if (window->end - window->start >= sizeof mark &&
        memcmp(window->data + window->start, mark, sizeof mark) == 0)
        tow_window_consume(window, sizeof mark);
    /* An error behind the first bytes is met again when they have been used. */
    return window->end > window->start && code == TOW_E_ENV ? TOW_OK : code;
}

/* TOW_END where the file ends first. */
static int file_skip_line(struct tow_window *window, struct tow_error *err)
{
    for (;;) {
        const char *text = window->data + window->start;
        size_t length = window->end - window->start;
        const char *line = memchr(text, '\n', length);
        int code;

        tow_window_consume(window, line ? (size_t)(line + 1 - text) : length);
        if (line)
            return TOW_OK;
        if (window->at_end)
            return TOW_END;
        code = tow_window_fill(window, err);
        if (code != TOW_OK)
            return code;
    }
}

/* The scan's next answer that is not a call for more data. TOW_END where there is nothing left. */
static int file_scan(struct tow_window *window, const struct tow_csv_file_rules *rules,
                     uint32_t *ends, struct tow_csv_scan *scan, enum tow_csv_scan_result *result,
                     struct tow_error *err)
{
    for (;;) {
        struct tow_csv_scan_limits limits = {window->end, window->at_end, rules->row_bytes};
        int code;

        *result = TOW_CSV_MORE;
        if (window->start < window->end)
            *result = tow_csv_scan_row(rules->dialect, window->data, window->start, &limits, ends,
                                       TOW_CSV_COLUMNS_MAX, scan);
        if (*result != TOW_CSV_MORE)
            return TOW_OK;
        if (window->at_end)
            return TOW_END;
        code = tow_window_fill(window, err);
        if (code != TOW_OK)
            return code;
    }
}

static int file_header_fault(const struct tow_csv_file *file, enum tow_csv_scan_result result,
                             const struct tow_csv_file_rules *rules, struct tow_error *err)
{
    if (result == TOW_CSV_BAD_QUOTE)
        return tow_error_set(err, TOW_E_ENV,
                             "%s, line %" PRId64 ": the header has text behind a closing quote",
                             file->path, file->data_line);
    if (result == TOW_CSV_UNCLOSED)
        return tow_error_set(err, TOW_E_ENV,
                             "%s, line %" PRId64 ": a quote in the header is not closed",
                             file->path, file->data_line);
    return tow_error_set(err, TOW_E_ENV,
                         "%s, line %" PRId64 ": the header is longer than max_row_bytes = %zu",
                         file->path, file->data_line, rules->row_bytes);
}

/* What bytes that are no text look like. */
static const char *file_suspicion(const char *name, size_t length)
{
    if (length >= 2 && (memcmp(name, "\xff\xfe", 2) == 0 || memcmp(name, "\xfe\xff", 2) == 0))
        return ": the file looks like UTF-16; iconv -f UTF-16 -t UTF-8 converts it";
    return memchr(name, '\0', length) ? " (it holds a NUL)" : "";
}

static int file_take_name(struct tow_csv_file *file, const struct tow_csv_dialect *dialect,
                          size_t position, struct tow_csv_text field, struct tow_error *err)
{
    char *name = malloc(field.length + 1);
    size_t length;
    int code;

    if (!name)
        return tow_error_nomem(err);
    length = tow_csv_field_decode(dialect, field, name);
    if (memchr(name, '\0', length) || !tow_utf8_valid(name, length))
        code = tow_error_set(
            err, TOW_E_ENV, "%s, line %" PRId64 ": the name of column %zu is not valid UTF-8%s",
            file->path, file->data_line, position + 1, file_suspicion(name, length));
    else
        code = tow_csv_header_set(&file->header, position, name, length, err);
    free(name);
    return code;
}

static int file_take_header(struct tow_csv_file *file, const struct tow_csv_dialect *dialect,
                            const struct tow_window *window, const uint32_t *ends, size_t count,
                            struct tow_error *err)
{
    size_t start = window->start;
    int code;

    if (count > TOW_CSV_COLUMNS_MAX)
        return tow_error_set(err, TOW_E_ENV, "%s: the header has %zu columns; %d are possible",
                             file->path, count, TOW_CSV_COLUMNS_MAX);
    code = tow_csv_header_init(&file->header, count, err);
    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        code =
            file_take_name(file, dialect, i,
                           tow_csv_field_trim(dialect, window->data + start, ends[i] - start), err);
        start = ends[i] + dialect->delimiter_length;
    }
    return code;
}

static int64_t file_count_lines(const char *text, size_t length)
{
    int64_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

/* TOW_END where the file ends before a header. */
static int file_read_header(struct tow_csv_file *file, const struct tow_csv_file_rules *rules,
                            struct tow_window *window, uint32_t *ends, struct tow_error *err)
{
    for (;;) {
        enum tow_csv_scan_result result;
        struct tow_csv_scan scan;
        int64_t lines;
        int code = file_scan(window, rules, ends, &scan, &result, err);

        if (code != TOW_OK)
            return code;
        if (result != TOW_CSV_ROW && result != TOW_CSV_SKIP)
            return file_header_fault(file, result, rules, err);
        lines = file_count_lines(window->data + window->start, scan.next - window->start);
        if (result == TOW_CSV_ROW)
            code = file_take_header(file, rules->dialect, window, ends, scan.field_count, err);
        tow_window_consume(window, scan.next - window->start);
        file->data_line += lines;
        if (code != TOW_OK || result == TOW_CSV_ROW)
            return code;
        if (scan.line_open) {
            code = file_skip_line(window, err);
            file->data_line++;
        }
        if (code != TOW_OK)
            return code;
    }
}

/* TOW_END where the file ends before its rows. */
static int file_find_rows(struct tow_csv_file *file, const struct tow_csv_file_rules *rules,
                          struct tow_window *window, struct tow_error *err)
{
    uint32_t *ends;
    int code = file_skip_byte_order_mark(window, err);

    for (file->data_line = 1; code == TOW_OK && file->data_line <= rules->skip_lines;
         file->data_line++)
        code = file_skip_line(window, err);
    if (code != TOW_OK || !rules->has_header)
        return code;
    ends = calloc(TOW_CSV_COLUMNS_MAX, sizeof *ends);
    if (!ends)
        return tow_error_nomem(err);
    code = file_read_header(file, rules, window, ends, err);
    free(ends);
    if (code != TOW_OK || rules->ignores_names)
        return code;
    return tow_csv_header_finish(&file->header, file->path, err);
}

int tow_csv_file_open(struct tow_csv_file *file, const char *path,
                      const struct tow_csv_file_rules *rules, struct tow_window *window,
                      struct tow_error *err)
{
    int code;

    tow_csv_file_close(file);
    file->path = path;
    file->input = tow_input_new(path, &rules->input, err);
    if (!file->input)
        return err->code;
    tow_window_attach(window, file->input);
    code = file_find_rows(file, rules, window, err);
    return code == TOW_END ? TOW_OK : code;
}

void tow_csv_file_close(struct tow_csv_file *file)
{
    tow_csv_header_release(&file->header);
    tow_input_free(file->input);
    *file = (struct tow_csv_file){0};
}
