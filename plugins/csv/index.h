/*
 * The structural index: where fields and rows end, found 64 bytes at a time.
 *
 * It knows dialects with a delimiter of one byte (dialect.can_index), and only regular text: each
 * quote opens a field, closes one, or is doubled inside one, and no escape byte is in effect. At
 * the first byte that shows otherwise it stops; what it found before that byte is right, and the
 * caller parses the row at hand with scan.h.
 */
#ifndef PLUGINS_CSV_INDEX_H
#define PLUGINS_CSV_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "towpath/error.h"

/* Room that a run needs beyond the last entry it made: a block may bring this many. */
#define TOW_CSV_INDEX_BLOCK 64

/* Positions are offsets from `bytes` of the run. The arrays are the caller's. */
struct tow_csv_index {
    uint32_t *ends; /* delimiters and LFs outside quotes */
    size_t end_count, end_capacity;
    uint32_t *rows; /* of each row: the number of ends up to and including its LF */
    size_t row_count, row_capacity;
    uint32_t *inner; /* LFs inside quotes */
    size_t inner_count, inner_capacity;
    uint64_t
        high;     /* not 0: a byte that is not ASCII was met (one beyond the last row counts too) */
    uint64_t nul; /* not 0: a NUL was met (likewise) */
    uint64_t doubled; /* not 0: a doubled quote was met (likewise) */
    int irregular;    /* 1: stopped at a byte that it does not understand */
};

/*
 * Indexes bytes [from, to) from the beginning of a row. Ends early where an array has less than
 * TOW_CSV_INDEX_BLOCK free entries, once row_limit rows are found (a few more may be), or at an
 * irregular byte. All counts start at 0. Reads up to 64 bytes behind `to`.
 */
typedef void tow_csv_index_run(struct tow_csv_index *index, const struct tow_csv_dialect *dialect,
                               const char *bytes, size_t from, size_t to, size_t row_limit);

/*
 * The fastest variant for this processor, or where `name` is not NULL, that one: "scalar", "sse2",
 * "avx2" or "avx512". NULL: there is no such name (TOW_E_CONFIG), or this processor cannot run it
 * (TOW_E_UNSUPPORTED).
 */
tow_csv_index_run *tow_csv_index_choose(const char *name, struct tow_error *err);

#endif
