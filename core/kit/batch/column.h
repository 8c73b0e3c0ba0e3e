/* The buffers of one column under construction: struct tow_column of towpath/batch.h. */
#ifndef KIT_BATCH_COLUMN_H
#define KIT_BATCH_COLUMN_H

#include "towpath/batch.h"

/* Rows, and bytes of text, that one column of a batch may have: offsets have 31 bits. */
#define TOW_COLUMN_MAX INT32_MAX

/* Makes room for `rows` rows and `bytes` bytes in all, at least doubling what it has to enlarge;
 * afterwards every buffer of the type is there, also for no rows. Keeps contents. Too much for
 * one column is TOW_E_DATA. */
int tow_column_grow(struct tow_column *column, int64_t rows, int64_t bytes, struct tow_error *err);

/* Puts a null behind the last row; its slot is zeroes. There is room for it. */
void tow_column_put_null(struct tow_column *column);

/* 1 where tow_column_grow would have nothing to do. */
static inline int tow_column_has_room(const struct tow_column *column, int64_t rows, int64_t bytes)
{
    return column->row_capacity > 0 && rows >= 0 && rows <= column->row_capacity && bytes >= 0 &&
           bytes <= column->byte_capacity;
}

/* Frees the buffers; the column is empty, of the same type. */
void tow_column_release(struct tow_column *column);

/* Hands buffers and counts of `from`, of the same type, to `to`, which has none. */
void tow_column_move(struct tow_column *to, struct tow_column *from);

/* Bytes that the buffers were allocated with. */
size_t tow_column_allocated(const struct tow_column *column);

/* Bytes of text so far; 0 where the type has none. */
static inline int64_t tow_column_text(const struct tow_column *column)
{
    return column->offsets ? column->offsets[column->length] : 0;
}

#endif
