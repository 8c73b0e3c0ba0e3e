/*
 * The texts of one column's values for a group of rows, made in one loop: values of one type, one
 * after the other, none of which waits for where the one before has ended.
 */
#ifndef KIT_ROWTEXT_CELLS_H
#define KIT_ROWTEXT_CELLS_H

#include "kit/value/put_time.h"
#include "towpath/batch.h"

/* Rows of a group at most. */
#define TOW_CELLS 64

/* Where a value's text lies. At least TOW_CELL_STEP bytes are readable from there, and whole steps
 * of as many up to its end. */
struct tow_cell {
    const char *text;
    size_t length;
};

#define TOW_CELL_STEP 32

/* Any value of fixed width but a decimal fits into a slot, with two quotes around it; decimals take
 * two. Texts may be stored a bit into the next slot, before that one gets its own; TOW_CELL_SLACK
 * bytes lie behind the last. */
#define TOW_CELL_SLOT     32
#define TOW_CELL_SLOT_MAX 64
#define TOW_CELL_SLACK    64

struct tow_cells {
    struct tow_cell cell[TOW_CELLS];
    char *slots;             /* as many as cells, aligned to their size */
    size_t slot;             /* size of each */
    struct tow_dates *dates; /* for dates and timestamps */
};

/*
 * Texts of rows [first, first + count), count at most TOW_CELLS; cell i belongs to row first + i
 * and lies in slot i, or in memory that never changes. What stands under a null becomes some text.
 */
typedef void tow_cells_put(const struct tow_view *view, int64_t first, int64_t count,
                           struct tow_cells *cells);

/* The one for a type; NULL for string, binary and json. */
tow_cells_put *tow_cells_put_of(enum tow_type_id id);
/* The same as JSON has it: what is no number is a string. */
tow_cells_put *tow_cells_put_json_of(enum tow_type_id id);

#endif
