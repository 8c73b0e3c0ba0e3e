/*
 * What the CSV and the JSON writer share: rows as text, a group at a time. The texts of a group's
 * values are made column by column (cells.h); strings that can stand as they are stay where they
 * are in the batch; then the rows are put together.
 */
#ifndef KIT_ROWTEXT_ROW_TEXT_H
#define KIT_ROWTEXT_ROW_TEXT_H

#include "kit/rowtext/cells.h"
#include "kit/rowtext/mark.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Puts a text of a string, binary or json column in the way of the format: tow_row_column.room
 * says how much room that takes. It may store up to 32 bytes behind the end, which it returns. */
typedef char *tow_row_put_text(const void *context, char *p, const char *text, size_t length,
                               const char *readable);

/* What a byte of text may become at most, and what is added to each text. */
struct tow_row_room {
    size_t factor, extra;
};

struct tow_row_column {
    /* In front of a value. One step of TOW_ROW_PREFIX_STEP bytes is readable behind its end. */
    const char *prefix;
    size_t prefix_length;
    size_t quotes; /* 1: prefix ends with a quote, and one follows the value; null has neither */

    tow_cells_put *put_values; /* fixed width */

    /* Others: put_text for what `marks` finds a byte in, or is as long as one of odd_lengths; the
     * rest stands as it is. all_odd: put_text for every one. */
    tow_row_put_text *put_text;
    struct tow_mark_set marks;
    size_t odd_lengths[2];
    struct tow_row_room room;
    int all_odd;

    /* Of the group at hand. */
    uint64_t nulls, odd;
    struct tow_cells cells;
};

#define TOW_ROW_PREFIX_STEP 16
#define TOW_ROW_END_MAX     2

struct tow_row_writer {
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_row_column *columns;
    char *slots;
    struct tow_dates dates;
    tow_mark_run *mark;
    uint64_t *marks;
    struct tow_buffer odd_text; /* what put_text made of the group's texts */

    /* Set by the format, after init. */
    struct tow_cell null;
    char end[TOW_ROW_END_MAX]; /* of each row */
    size_t end_length;
    int omits_nulls; /* 1: a null has no prefix either */
    int omits_empty; /* 1: and a text without a byte is one */
    int is_object;   /* 1: the first byte of a row becomes '{'; '}' stands before its end */
    /* Values of fixed width: 1 where one needs quotes around it. NULL: none does. */
    int (*needs_quotes)(const void *context, const char *text, size_t length);
    const void *context;
};

/* Copies the schema; the columns are zeroes but for put_values and cells. */
int tow_row_writer_init(struct tow_row_writer *writer, const struct ArrowSchema *schema,
                        struct tow_error *err);
void tow_row_writer_release(struct tow_row_writer *writer);
/* Type of a column, which init has looked at. */
static inline enum tow_type_id tow_row_writer_type(const struct tow_row_writer *writer,
                                                   int64_t column)
{
    return writer->cursor.columns[column].type.id;
}

/* Appends rows [first, first + count) of a batch; where it fails `out` is as before. */
int tow_row_writer_put(struct tow_row_writer *writer, const struct ArrowArray *array, int64_t first,
                       int64_t count, struct tow_buffer *out, struct tow_error *err);

#endif
