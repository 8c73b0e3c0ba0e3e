/*
 * Rows as items of a request body, straight from the buffers of a batch.
 */
#ifndef PLUGINS_TTD_ITEM_H
#define PLUGINS_TTD_ITEM_H

#include "plugins/ttd/layout.h"

/* Why a row can be no item. */
struct tow_ttd_refusal {
    const char *code; /* "InvalidIdType", ... (docs/ttd.md) */
    char message[256];
};

/* Most bytes that rows [first, first + count) of the cursor's batch may take as items. */
int tow_ttd_item_room(const struct tow_ttd_layout *layout, int64_t first, int64_t count,
                      size_t *room, struct tow_error *err);

/*
 * Puts a row at p, with ',' behind it: returns the end, or NULL with the reason why the row can be
 * no item. tow_ttd_item_room says how much room there must be; up to 32 bytes more are written.
 */
char *tow_ttd_item_put(const struct tow_ttd_layout *layout, int64_t row, char *p,
                       struct tow_ttd_refusal *why);

#endif
