/*
 * One row at a time by a state machine that knows every dialect and every irregularity: slower than
 * the index, and the one that decides where the two could differ.
 */
#ifndef CONNECTORS_CSV_SCAN_H
#define CONNECTORS_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"

enum tow_csv_scan_result {
    TOW_CSV_ROW,       /* a row */
    TOW_CSV_SKIP,      /* a comment or blank line */
    TOW_CSV_MORE,      /* the data ends inside the row, and more may come */
    TOW_CSV_BAD_QUOTE, /* text behind a closing quote, at `fault` */
    TOW_CSV_UNCLOSED,  /* the quoted field opened at `fault` is still open at the end or limit */
    TOW_CSV_TOO_LONG,  /* no row end within the limit; fault is that many bytes on */
};

/* Positions are offsets from the start of `bytes`. */
struct tow_csv_scan {
    size_t next;        /* TOW_CSV_ROW and TOW_CSV_SKIP: where the next row begins */
    int line_open;      /* TOW_CSV_SKIP: 1 where the line's end has not come yet: next is `to` */
    size_t field_count; /* TOW_CSV_ROW: all of them, also those that found no room in ends */
    int surplus_filled; /* TOW_CSV_ROW: 1 where a field that found no room is not empty */
    size_t fault;
};

struct tow_csv_scan_limits {
    size_t to;        /* end of the data */
    int at_end;       /* 1: nothing comes behind it; the last line may lack its LF */
    size_t row_bytes; /* longest row, with its line end */
};

/*
 * Parses the row that begins at `from`. The ends of its first `capacity` fields go to `ends`: the
 * first byte of the delimiter, or of the line end, where CR LF counts as one.
 * An unclosed quote and a row that is too long are known once row_bytes bytes, or the end of the
 * data, have been seen; until then the answer is TOW_CSV_MORE.
 */
enum tow_csv_scan_result tow_csv_scan_row(const struct tow_csv_dialect *dialect, const char *bytes,
                                          size_t from, const struct tow_csv_scan_limits *limits,
                                          uint32_t *ends, size_t capacity,
                                          struct tow_csv_scan *out);

/* 1 where the dialect has comments and the bytes begin with one; -1 where more are needed. */
int tow_csv_scan_comment(const struct tow_csv_dialect *dialect, const char *bytes, size_t length);

#endif
