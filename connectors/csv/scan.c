#include "connectors/csv/scan.h"

#include <string.h>

/* What ended a field or kept it from ending. */
enum scan_stop {
    SCAN_DELIMITER,
    SCAN_LINE,
    SCAN_MORE,
    SCAN_FAULT, /* scan->result says which */
};

struct scan {
    const struct tow_csv_dialect *dialect;
    const char *bytes;
    size_t to;
    int at_end;
    size_t at;
    size_t field;     /* where the field at hand begins */
    size_t field_end; /* delimiter or line end behind it */
    size_t opened;    /* its opening quote; only while is_open */
    int is_open;
};

int tow_csv_scan_comment(const struct tow_csv_dialect *dialect, const char *bytes, size_t length)
{
    size_t common = length < dialect->comment_length ? length : dialect->comment_length;

    if (dialect->comment_length == 0 || memcmp(bytes, dialect->comment, common) != 0)
        return 0;
    return length < dialect->comment_length ? -1 : 1;
}

/* 1 where a delimiter begins at scan->at, -1 where more data has to tell. */
static int scan_is_delimiter(const struct scan *scan)
{
    size_t left = scan->to - scan->at, length = scan->dialect->delimiter_length;
    size_t common = left < length ? left : length;

    if (memcmp(scan->bytes + scan->at, scan->dialect->delimiter, common) != 0)
        return 0;
    if (left >= length)
        return 1;
    return scan->at_end ? 0 : -1;
}

static enum scan_stop scan_end_field(struct scan *scan, size_t end, size_t length,
                                     enum scan_stop stop)
{
    scan->field_end = end;
    scan->at = end + length;
    return stop;
}

static enum scan_stop scan_end_of_data(struct scan *scan, size_t end)
{
    scan->at = scan->to;
    scan->field_end = end;
    return scan->at_end ? SCAN_LINE : SCAN_MORE;
}

/* A CR that an escape made data does not belong to the line end. */
static size_t scan_before_cr(const struct scan *scan, size_t end, size_t data_end)
{
    return end > data_end && scan->bytes[end - 1] == '\r' ? end - 1 : end;
}

static enum scan_stop scan_unquoted(struct scan *scan)
{
    const struct tow_csv_dialect *dialect = scan->dialect;
    size_t data_end = scan->field; /* bytes before are data whatever they are */

    for (;; scan->at++) {
        unsigned char byte;

        while (scan->at < scan->to && !dialect->special[(unsigned char)scan->bytes[scan->at]])
            scan->at++;
        if (scan->at == scan->to)
            return scan_end_of_data(scan, scan_before_cr(scan, scan->to, data_end));
        byte = (unsigned char)scan->bytes[scan->at];
        if (byte == '\n') {
            size_t end = scan_before_cr(scan, scan->at, data_end);

            return scan_end_field(scan, end, scan->at + 1 - end, SCAN_LINE);
        }
        if (byte == dialect->escape) {
            if (scan->at + 1 == scan->to)
                return scan_end_of_data(scan, scan->to);
            data_end = ++scan->at + 1;
            continue;
        }
        switch (scan_is_delimiter(scan)) {
        case 1:
            return scan_end_field(scan, scan->at, dialect->delimiter_length, SCAN_DELIMITER);
        case -1:
            return SCAN_MORE;
        }
    }
}

/* Behind a closing quote. */
static enum scan_stop scan_closed(struct scan *scan)
{
    const struct tow_csv_dialect *dialect = scan->dialect;
    size_t left;
    const char *p;

    while (scan->at < scan->to && dialect->blank[(unsigned char)scan->bytes[scan->at]])
        scan->at++;
    p = scan->bytes + scan->at;
    left = scan->to - scan->at;
    if (left == 0 || (left == 1 && *p == '\r'))
        return scan_end_of_data(scan, scan->at);
    if (*p == '\n')
        return scan_end_field(scan, scan->at, 1, SCAN_LINE);
    if (*p == '\r' && p[1] == '\n')
        return scan_end_field(scan, scan->at, 2, SCAN_LINE);
    switch (scan_is_delimiter(scan)) {
    case 1:
        return scan_end_field(scan, scan->at, dialect->delimiter_length, SCAN_DELIMITER);
    case -1:
        return SCAN_MORE;
    }
    return SCAN_FAULT;
}

static enum scan_stop scan_quoted(struct scan *scan)
{
    const struct tow_csv_dialect *dialect = scan->dialect;

    scan->opened = scan->at++;
    scan->is_open = 1;
    for (; scan->at < scan->to; scan->at++) {
        unsigned char byte = (unsigned char)scan->bytes[scan->at];

        if (byte == dialect->escape) {
            scan->at++;
            continue;
        }
        if (byte != dialect->quote)
            continue;
        if (scan->at + 1 == scan->to && !scan->at_end)
            return SCAN_MORE;
        if (scan->at + 1 < scan->to && (unsigned char)scan->bytes[scan->at + 1] == dialect->quote) {
            scan->at++;
            continue;
        }
        scan->at++;
        scan->is_open = 0;
        return scan_closed(scan);
    }
    return SCAN_MORE;
}

static enum scan_stop scan_field(struct scan *scan)
{
    const struct tow_csv_dialect *dialect = scan->dialect;

    scan->field = scan->at;
    while (scan->at < scan->to && dialect->blank[(unsigned char)scan->bytes[scan->at]])
        scan->at++;
    if (scan->at < scan->to && (unsigned char)scan->bytes[scan->at] == dialect->quote)
        return scan_quoted(scan);
    return scan_unquoted(scan);
}

/* Nothing between the field's start and end but what trim takes off. */
static int scan_field_is_empty(const struct scan *scan)
{
    size_t at = scan->field;

    while (at < scan->field_end && scan->dialect->blank[(unsigned char)scan->bytes[at]])
        at++;
    return at == scan->field_end;
}

/* A comment line; TOW_CSV_ROW where it is none. */
static enum tow_csv_scan_result scan_comment(const struct tow_csv_dialect *dialect,
                                             const char *bytes, size_t from,
                                             const struct tow_csv_scan_limits *limits,
                                             struct tow_csv_scan *out)
{
    int is_comment = tow_csv_scan_comment(dialect, bytes + from, limits->to - from);
    const char *line;

    if (is_comment == 0 || (is_comment < 0 && limits->at_end))
        return TOW_CSV_ROW;
    if (is_comment < 0)
        return TOW_CSV_MORE;
    line = memchr(bytes + from, '\n', limits->to - from);
    out->next = line ? (size_t)(line + 1 - bytes) : limits->to;
    out->line_open = !line && !limits->at_end;
    return TOW_CSV_SKIP;
}

/* The row does not end in the data that the scan was given. */
static enum tow_csv_scan_result scan_unfinished(const struct scan *scan,
                                                const struct tow_csv_scan_limits *limits,
                                                struct tow_csv_scan *out)
{
    if (scan->to == limits->to && !scan->at_end)
        return TOW_CSV_MORE;
    out->fault = scan->is_open ? scan->opened : scan->to;
    return scan->is_open ? TOW_CSV_UNCLOSED : TOW_CSV_TOO_LONG;
}

enum tow_csv_scan_result tow_csv_scan_row(const struct tow_csv_dialect *dialect, const char *bytes,
                                          size_t from, const struct tow_csv_scan_limits *limits,
                                          uint32_t *ends, size_t capacity, struct tow_csv_scan *out)
{
    int is_cut = limits->to - from > limits->row_bytes;
    struct scan scan = {.dialect = dialect,
                        .bytes = bytes,
                        .to = is_cut ? from + limits->row_bytes : limits->to,
                        .at_end = limits->at_end && !is_cut,
                        .at = from};
    enum tow_csv_scan_result result;
    enum scan_stop stop;

    *out = (struct tow_csv_scan){0};
    result = scan_comment(dialect, bytes, from, limits, out);
    if (result != TOW_CSV_ROW)
        return result;
    do {
        stop = scan_field(&scan);
        if (stop == SCAN_MORE)
            return scan_unfinished(&scan, limits, out);
        if (stop == SCAN_FAULT) {
            out->fault = scan.at;
            return TOW_CSV_BAD_QUOTE;
        }
        if (out->field_count < capacity)
            ends[out->field_count] = (uint32_t)scan.field_end;
        else if (!scan_field_is_empty(&scan))
            out->surplus_filled = 1;
        out->field_count++;
    } while (stop == SCAN_DELIMITER);
    out->next = scan.at;
    return out->field_count == 1 && scan_field_is_empty(&scan) ? TOW_CSV_SKIP : TOW_CSV_ROW;
}
