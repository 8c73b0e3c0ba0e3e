/*
 * What the CSV and the JSON writer share: the text of a value by its type, and the room that rows
 * may need.
 */
#ifndef KIT_ROW_TEXT_H
#define KIT_ROW_TEXT_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Room for any value of fixed width. */
#define TOW_VALUE_TEXT_MAX TOW_DECIMAL_TEXT_MAX

/* Rows that a writer reserves room for at once. */
#define TOW_ROW_GROUP 64

/* Puts the text of a value that is not null, bare: binary is base64. Needs TOW_VALUE_TEXT_MAX, for
 * binary 2 * length + 4 of room. Returns the end. */
typedef char *tow_value_put(char *p, const struct tow_view *view, int64_t row);

/* The one for a type; NULL for string and json, whose text depends on the format. */
tow_value_put *tow_value_put_of(enum tow_type_id id);

/* The worst case of a writer's row. */
struct tow_row_room {
    size_t fixed;  /* bytes of a row besides the content of string, binary and json columns */
    size_t factor; /* what a byte of their content may become */
};

/* Makes room in `out` for rows [first, first + count) of the cursor's batch. */
int tow_row_reserve(struct tow_buffer *out, const struct tow_cursor *cursor,
                    const struct tow_row_room *room, int64_t first, int64_t count,
                    struct tow_error *err);

#endif
