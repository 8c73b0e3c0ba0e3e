/* The series of a metric that are due: an id each, and from where. */
#ifndef PLUGINS_LYTICS_METRICS_SERIES_H
#define PLUGINS_LYTICS_METRICS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_series {
    size_t id; /* offset of its text */
    int64_t from_us;
};

/* Zero-initialized is empty and valid. */
struct tow_series_list {
    struct tow_series *items;
    size_t count, capacity;
    struct tow_buffer text;
};

void tow_series_list_release(struct tow_series_list *list);
void tow_series_list_clear(struct tow_series_list *list);
int tow_series_list_add(struct tow_series_list *list, const char *id, int64_t from_us,
                        struct tow_error *err);

/* By id, each once: whoever is listed twice would be exported twice. */
void tow_series_list_settle(struct tow_series_list *list);

static inline const char *tow_series_id(const struct tow_series_list *list, size_t i)
{
    return list->text.data + list->items[i].id;
}

#endif
