#include "plugins/lytics_metrics/series.h"

#include <stdlib.h>
#include <string.h>

void tow_series_list_release(struct tow_series_list *list)
{
    free(list->items);
    tow_buffer_release(&list->text);
    *list = (struct tow_series_list){.count = 0};
}

void tow_series_list_clear(struct tow_series_list *list)
{
    list->count = 0;
    list->text.size = 0;
}

int tow_series_list_add(struct tow_series_list *list, const char *id, int64_t from_us,
                        struct tow_error *err)
{
    const size_t at = list->text.size;
    int code;

    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct tow_series *items = reallocarray(list->items, capacity, sizeof *items);

        if (!items)
            return tow_error_nomem(err);
        list->items = items;
        list->capacity = capacity;
    }
    code = tow_buffer_append(&list->text, id, strlen(id) + 1, err);
    if (code == TOW_OK)
        list->items[list->count++] = (struct tow_series){at, from_us};
    return code;
}

static int series_compare(const void *left, const void *right, void *text)
{
    const struct tow_series *a = left, *b = right;

    return strcmp((const char *)text + a->id, (const char *)text + b->id);
}

void tow_series_list_settle(struct tow_series_list *list)
{
    size_t kept = 0;

    if (list->count == 0)
        return;
    qsort_r(list->items, list->count, sizeof *list->items, series_compare, list->text.data);
    for (size_t i = 1; i < list->count; i++)
        if (series_compare(&list->items[i], &list->items[kept], list->text.data) != 0)
            list->items[++kept] = list->items[i];
    list->count = kept + 1;
}
