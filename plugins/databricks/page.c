#include "plugins/databricks/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tow_scan_page_release(struct tow_scan_page *page)
{
    tow_share_unref(page->rows);
    for (size_t i = 0; i < page->fault_count; i++)
        free(page->faults[i].why);
    free(page->faults);
    *page = (struct tow_scan_page){0};
}

/* ---- faults --------------------------------------------------------------------------------- */

static int page_reserve_fault(struct tow_scan_page *page, struct tow_error *err)
{
    const size_t capacity = page->fault_capacity ? 2 * page->fault_capacity : 16;
    struct tow_scan_fault *faults;

    if (page->fault_count < page->fault_capacity)
        return TOW_OK;
    faults = reallocarray(page->faults, capacity, sizeof *faults);
    if (!faults)
        return tow_error_nomem(err);
    page->faults = faults;
    page->fault_capacity = capacity;
    return TOW_OK;
}

int tow_scan_page_add_fault(struct tow_scan_page *page, int64_t row, size_t column,
                            const char *code, struct tow_error *err, const char *format, ...)
{
    char *why = NULL;
    va_list args;
    int length;

    if (page_reserve_fault(page, err) != TOW_OK)
        return TOW_E_NOMEM;
    va_start(args, format);
    length = vasprintf(&why, format, args);
    va_end(args);
    if (length < 0)
        return tow_error_nomem(err);
    page->faults[page->fault_count++] = (struct tow_scan_fault){row, column, code, why};
    return TOW_OK;
}

static int page_compare_faults(const void *a, const void *b)
{
    const struct tow_scan_fault *left = a, *right = b;

    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    return (left->column > right->column) - (left->column < right->column);
}

void tow_scan_page_sort_faults(struct tow_scan_page *page)
{
    size_t kept = 0;

    if (page->fault_count == 0)
        return;
    qsort(page->faults, page->fault_count, sizeof *page->faults, page_compare_faults);
    for (size_t i = 0; i < page->fault_count; i++) {
        if (kept > 0 && page->faults[kept - 1].row == page->faults[i].row)
            free(page->faults[i].why);
        else
            page->faults[kept++] = page->faults[i];
    }
    page->fault_count = kept;
}

size_t tow_scan_page_find_fault(const struct tow_scan_page *page, int64_t row)
{
    size_t low = 0, high = page->fault_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (page->faults[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- rows ----------------------------------------------------------------------------------- */

int tow_scan_page_take(struct tow_scan_page *page, struct ArrowArray *rows, int64_t length,
                       struct tow_error *err)
{
    page->rows = tow_share_new(rows, err);
    if (!page->rows) {
        rows->release(rows);
        return TOW_E_NOMEM;
    }
    page->length = length;
    return TOW_OK;
}

int tow_scan_page_fill(struct tow_scan_page *page, struct ArrowArray *columns, size_t count,
                       int64_t length, struct tow_error *err)
{
    struct ArrowArray array;
    int code = tow_struct_make(&array, columns, (int64_t)count, length, err);

    for (size_t i = 0; code != TOW_OK && i < count; i++)
        if (columns[i].release)
            columns[i].release(&columns[i]);
    if (code != TOW_OK)
        return code;
    return tow_scan_page_take(page, &array, length, err);
}

/* Bytes of the values of rows [first, first + count). */
static uint64_t page_bytes(const struct tow_view *views, size_t shown, int64_t first, int64_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < shown; i++) {
        const struct tow_view *view = &views[i];
        const int64_t from = first + view->offset;

        if (tow_type_is_bytes(view->type.id))
            bytes += (uint64_t)(view->offsets[from + count] - view->offsets[from]) +
                     (uint64_t)count * sizeof *view->offsets;
        else if (view->type.id == TOW_TYPE_BOOL)
            bytes += (uint64_t)count / 8;
        else
            bytes += (uint64_t)count * tow_type_width(view->type.id);
    }
    return bytes;
}

int64_t tow_scan_page_fit(const struct tow_scan_page *page, const struct tow_view *views,
                          size_t shown, int64_t max_rows, uint64_t max_bytes)
{
    const int64_t left = page->length - page->at;
    int64_t low = 1, high = max_rows > 0 && max_rows < left ? max_rows : left;

    if (max_bytes == 0 || page_bytes(views, shown, page->at, high) <= max_bytes)
        return high;
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;

        if (page_bytes(views, shown, page->at, middle) <= max_bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
