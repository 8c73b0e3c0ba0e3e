/*
 * Rows that came from a result and wait to be handed out, some of them faulty.
 */
#ifndef PLUGINS_DATABRICKS_PAGE_H
#define PLUGINS_DATABRICKS_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/databricks/columns.h"
#include "towpath/batch.h"

/* A row that is to be rejected. Its value of the column is null, or must not be read. */
struct tow_scan_fault {
    int64_t row;
    size_t column;
    const char *code; /* static */
    char *why;        /* heap */
};

struct tow_scan_page {
    struct tow_share *rows;        /* struct array of all columns; NULL: no page */
    int64_t length;                /* rows */
    int64_t chunk, chunk_row;      /* of the result: where row 0 lies */
    int64_t at;                    /* the first row that was not dealt with */
    struct tow_scan_fault *faults; /* rising by row once sorted, one each */
    size_t fault_count, fault_capacity;
};

void tow_scan_page_release(struct tow_scan_page *page);

/* why is formatted. */
int tow_scan_page_add_fault(struct tow_scan_page *page, int64_t row, size_t column,
                            const char *code, struct tow_error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* Puts the faults in order; of those of one row that of its first column stays. */
void tow_scan_page_sort_faults(struct tow_scan_page *page);
/* Index of the first fault at `row` or behind it. */
size_t tow_scan_page_find_fault(const struct tow_scan_page *page, int64_t row);

/* Makes the array the rows of the page; it is moved in, also where that fails. */
int tow_scan_page_take(struct tow_scan_page *page, struct ArrowArray *rows, int64_t length,
                       struct tow_error *err);
/* Makes the columns into the rows of the page; they are moved in, also where it fails. */
int tow_scan_page_fill(struct tow_scan_page *page, struct ArrowArray *columns, size_t count,
                       int64_t length, struct tow_error *err);

/* The most rows from page->at on, one at least, that keep to the limits of a batch (0: none); of
 * the columns that are shown. views are of all columns. */
int64_t tow_scan_page_fit(const struct tow_scan_page *page, const struct tow_view *views,
                          size_t shown, int64_t max_rows, uint64_t max_bytes);

#endif
