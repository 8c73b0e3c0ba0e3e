#include "plugins/databricks_copy/nul.h"

#include <string.h>

/* The row that byte `at` lies in. */
static int64_t nul_row_of(const int32_t *offsets, int64_t from, int64_t end, int64_t at)
{
    while (end - from > 1) {
        int64_t middle = from + (end - from) / 2;

        if (offsets[middle] <= at)
            from = middle;
        else
            end = middle;
    }
    return from;
}

/* Of one column, in rows [from, end). What lies under a null is no text. */
static int64_t nul_next_in(const struct tow_view *view, int64_t from, int64_t end)
{
    const int32_t *offsets = view->offsets + view->offset;

    while (from < end) {
        const char *start = view->bytes + offsets[from];
        const char *found = memchr(start, '\0', (size_t)(offsets[end] - offsets[from]));

        if (!found)
            return end;
        from = nul_row_of(offsets, from, end, found - view->bytes);
        if (!tow_view_is_null(view, from))
            return from;
        from++;
    }
    return end;
}

int64_t tow_copy_next_nul(const struct tow_cursor *cursor, int64_t from, int64_t *column)
{
    int64_t end = cursor->length;

    for (int64_t i = 0; i < cursor->column_count; i++) {
        const struct tow_view *view = &cursor->columns[i];
        int64_t row;

        if (view->type.id != TOW_TYPE_STRING && view->type.id != TOW_TYPE_JSON)
            continue;
        row = nul_next_in(view, from, end);
        if (row < end) {
            end = row;
            *column = i;
        }
    }
    return end;
}
