/*
 * Values of json columns as the Data API wants them: user ids, line items, privacy settings.
 */
#ifndef PLUGINS_TTD_NESTED_H
#define PLUGINS_TTD_NESTED_H

#include "plugins/ttd/item.h"

/*
 * Puts the array of a row that is not null at p: returns the end, or NULL with the reason why it
 * cannot be sent. *count is the number of its elements; JSON's null has none. Members that the API
 * does not have, and those that are null, are left out; numbers and truth values become strings.
 * Twice the value's length and 2 bytes is the room that it needs.
 */
char *tow_ttd_nested_put(const struct tow_ttd_endpoint *endpoint,
                         const struct tow_ttd_column *column, const struct tow_view *view,
                         int64_t row, char *p, int *count, struct tow_ttd_refusal *why);

#endif
