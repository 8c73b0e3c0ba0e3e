/*
 * Values of any column of a record batch, nested ones too, as JSON text.
 *
 * Lists are arrays; structs are objects; maps are objects whose keys are the keys' text. Numbers
 * and decimals are bare with all their digits; NaN and the infinities are the strings "NaN",
 * "Infinity", "-Infinity". Dates, times and timestamps are strings as RFC 3339 has them, timestamps
 * with Z where they have a time zone; intervals and durations are strings as in interval.h; binary
 * is base64. In text, bytes that are not UTF-8 become U+FFFD.
 */
#ifndef CONNECTORS_ARROW_JSON_H
#define CONNECTORS_ARROW_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/arrow/ipc.h"
#include "towpath/rowtext.h"

struct tow_ipc_json;

/* A writer of values whose text has at most `limit` bytes each. One thread at a time. */
struct tow_ipc_json *tow_ipc_json_new(size_t limit, struct tow_error *err);
void tow_ipc_json_free(struct tow_ipc_json *json);

/*
 * Appends element i of a column. TOW_E_DATA, and out as it was, for a value without a faithful
 * text: one longer than the limit, a map with a null key, an object with two members of the same
 * name, a date, time or timestamp that the calendar cannot hold. The message says where in the
 * value.
 */
int tow_ipc_json_put(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                     struct tow_buffer *out, struct tow_error *err);

#endif
