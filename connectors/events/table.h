/*
 * Events as rows of CSV: each row as the JSON object that an event has. A column is a member of its
 * name, an unquoted field without text is null, any other a string.
 */
#ifndef CONNECTORS_EVENTS_TABLE_H
#define CONNECTORS_EVENTS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

#define TOW_EVENT_COLUMNS_MAX 4096

/* Zero-initialized is empty and valid. */
struct tow_event_table {
    const struct tow_csv_dialect *dialect; /* borrowed */
    struct tow_buffer names;               /* "\"a\":" and ",\"b\":", one behind the other */
    uint32_t *name_ends;                   /* of each in names */
    uint32_t *field_ends;                  /* of the row at hand */
    size_t count;                          /* columns; 0: no header yet */
    struct tow_buffer field, json;
};

void tow_event_table_release(struct tow_event_table *table);

/* Takes the column names from a row, with or without its line end. TOW_E_ENV, which names neither
 * file nor line, for names that are empty, doubled or not UTF-8, and for too many. */
int tow_event_table_header(struct tow_event_table *table, const char *text, size_t length,
                           struct tow_error *err);

/* A row as JSON text, in table->json until the next call. TOW_END where it has *count fields, which
 * are not as many as there are columns. */
int tow_event_table_row(struct tow_event_table *table, const char *text, size_t length,
                        size_t *count, struct tow_error *err);

#endif
