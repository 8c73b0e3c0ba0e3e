/* An event as a row. */
#ifndef PLUGINS_LYTICS_SYSTEM_EVENTS_ROW_H
#define PLUGINS_LYTICS_SYSTEM_EVENTS_ROW_H

#include "towpath/batch.h"
#include "towpath/json.h"

/* The columns of the table that Lytics' own export makes, and behind them "context". */
#define TOW_EVENT_COLUMNS 10
extern const struct tow_field tow_event_fields[TOW_EVENT_COLUMNS];

/* Appends an event, an object that has an id, to the builder's row, which is ended; `columns` of
 * tow_event_fields are wanted. scratch is anything. */
int tow_event_append(struct tow_builder *builder, size_t columns, struct tow_json_part object,
                     int64_t at_us, struct tow_buffer *scratch, struct tow_error *err);

#endif
