/*
 * From the window to rows: the index finds them where the text is regular, the state machine
 * elsewhere; bad ones are reported and left out.
 *
 * A malformed row ends with the line that its fault stands on, so that one stray quote costs one
 * line. A row is malformed where text follows a closing quote, where a quoted field is still open
 * after max_row_bytes or at the end of the file, or where it has more than max_row_bytes.
 */
#ifndef PLUGINS_CSV_ROWS_H
#define PLUGINS_CSV_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "connectors/files/window.h"
#include "plugins/csv/index.h"
#include "plugins/csv/reject.h"
#include "towpath/error.h"

#define TOW_CSV_COLUMNS_MAX 16384 /* fields in a header */

struct tow_csv_row {
    uint32_t start; /* of its first field, in window->data */
    uint32_t first; /* its field f ends at ends[first + f]: at a delimiter, or the line end */
    uint32_t count; /* fields; fewer than there are columns only where short rows are padded */
};

/* Rows found in one window; good until the window is consumed. */
struct tow_csv_table {
    struct tow_csv_row *rows;
    int64_t *lines; /* of each row, 1-based */
    size_t row_count, row_capacity;
    uint32_t *ends;
    size_t end_count, end_capacity;
    int needs_care;     /* 1: there are short rows, or bytes to replace */
    int starts_inside;  /* 1: begins inside a line that is thrown away */
    int may_double;     /* 1: quoted fields may hold doubled quotes or escapes */
    uint64_t cost;      /* bytes that the rows take in a batch, about */
    size_t consumed;    /* bytes of the window that are dealt with */
    int64_t lines_done; /* lines that end within them */
};

/* What rows must be like. */
struct tow_csv_rules {
    const struct tow_csv_dialect *dialect;
    tow_csv_index_run *index_run;
    size_t columns;   /* fields that a row must have */
    size_t row_bytes; /* longest row, with its line end */
    int pad;          /* 1: short rows are filled up, and empty surplus fields dropped */
    int replace;      /* 1: bytes that are not UTF-8 are replaced, not rejected */
};

/* A line whose rest is thrown away; what is known of it is told when it ends. */
struct tow_csv_discard {
    int is_active;
    const char *code; /* NULL: a comment, nothing to tell */
    int64_t line, offset;
    int64_t fault_line, fault; /* line and offset in the file */
    char *raw;                 /* the first bytes; heap */
    size_t raw_length;
};

struct tow_csv_rows {
    const struct tow_csv_rules *rules; /* borrowed, like the next two */
    struct tow_window *window;
    struct tow_csv_rejecter *rejecter;
    struct tow_csv_table table;
    struct tow_csv_index index; /* ends are the table's */
    struct tow_csv_discard discard;
    int64_t line; /* of window->start */
};

/* Takes all memory that it ever needs, save for the beginning of a row that is too long. */
int tow_csv_rows_init(struct tow_csv_rows *rows, const struct tow_csv_rules *rules,
                      struct tow_error *err);
void tow_csv_rows_release(struct tow_csv_rows *rows);

/* From here on, rows come from this window, whose first byte stands on `line`. */
void tow_csv_rows_attach(struct tow_csv_rows *rows, struct tow_window *window, int64_t line);

/*
 * Fills the table with up to row_limit rows, and not many more than cost_limit bytes of them, from
 * what is in the window, after reading more where that holds no whole row. TOW_OK also without
 * rows, where others were rejected or skipped; TOW_END at the end of the file, or what reading
 * says. Rows are reported as they are met, before tow_csv_rows_commit.
 */
int tow_csv_rows_next(struct tow_csv_rows *rows, size_t row_limit, uint64_t cost_limit,
                      struct tow_error *err);

/* The table has been used: consumes its bytes. */
void tow_csv_rows_commit(struct tow_csv_rows *rows);

#endif
