/* Inside of the index: what its variants share. Each finds the masks of a block in its own way. */
#ifndef PLUGINS_CSV_INDEX_BLOCK_H
#define PLUGINS_CSV_INDEX_BLOCK_H

#include "connectors/machine/masks.h"
#include "plugins/csv/index.h"

/* One bit for each of 64 bytes, the first byte lowest. */
struct index_masks {
    uint64_t quote, delimiter, line, escape;
};

/* What one block tells the next. */
struct index_carry {
    uint64_t inside;      /* all ones: the block begins inside quotes */
    uint64_t after_end;   /* 1: the byte before was a delimiter or LF, or a row begins */
    uint64_t after_quote; /* 1: the byte before was a closing quote */
};

struct index_run {
    struct tow_csv_index *index;
    const char *bytes;
    size_t to;
    struct index_carry carry;
    uint64_t use_quote, use_escape; /* all ones where the dialect has such a byte */
};

TOW_MASK_INLINE void index_begin(struct index_run *run, struct tow_csv_index *index,
                                 const struct tow_csv_dialect *dialect, const char *bytes,
                                 size_t to)
{
    *run = (struct index_run){.index = index,
                              .bytes = bytes,
                              .to = to,
                              .carry = {.after_end = 1},
                              .use_quote = dialect->quote >= 0 ? ~UINT64_C(0) : 0,
                              .use_escape = dialect->escape >= 0 ? ~UINT64_C(0) : 0};
    index->end_count = index->row_count = index->inner_count = 0;
    index->high = index->nul = index->doubled = 0;
    index->irregular = 0;
}

TOW_MASK_INLINE int index_has_room(const struct tow_csv_index *index, size_t row_limit)
{
    return index->end_count + TOW_CSV_INDEX_BLOCK <= index->end_capacity &&
           index->row_count + TOW_CSV_INDEX_BLOCK <= index->row_capacity &&
           index->inner_count + TOW_CSV_INDEX_BLOCK <= index->inner_capacity &&
           index->row_count < row_limit;
}

/* Of bytes that follow a closing quote and are neither end nor quote: those that are not a CR with
 * an LF behind it. Before the end of the data is known, a CR there counts as one without. */
static inline uint64_t index_not_line_end(const struct index_run *run, size_t at, uint64_t suspects)
{
    uint64_t bad = 0;

    for (; suspects; suspects &= suspects - 1) {
        size_t p = at + (size_t)__builtin_ctzll(suspects);

        if (run->bytes[p] != '\r' || p + 1 >= run->to || run->bytes[p + 1] != '\n')
            bad |= suspects & -suspects;
    }
    return bad;
}

/* Bits of a block that break the rules which make counting quotes enough; see index.h. */
TOW_MASK_INLINE uint64_t index_irregular(struct index_run *run, size_t at,
                                         const struct index_masks *masks, uint64_t inside,
                                         uint64_t ends)
{
    uint64_t opening = masks->quote & inside, closing = masks->quote & ~inside;
    uint64_t after_quote = closing << 1 | run->carry.after_quote;
    uint64_t after_end = ends << 1 | run->carry.after_end;
    uint64_t bad = opening & ~(after_end | after_quote);
    uint64_t suspects = after_quote & ~(ends | masks->quote);

    if (at + 64 > run->to)
        suspects &= (UINT64_C(1) << (run->to - at)) - 1;
    if (suspects)
        bad |= index_not_line_end(run, at, suspects);
    run->index->doubled |= opening & after_quote;
    run->carry.after_quote = closing >> 63;
    return bad;
}

/* Takes a block at `at`, save for storing where its fields end, *found; 0 where the run ends with
 * it. */
TOW_MASK_INLINE int index_look(struct index_run *run, size_t at, struct index_masks masks,
                               int has_popcnt, uint64_t *found)
{
    struct tow_csv_index *index = run->index;
    uint64_t inside = 0, bad = 0, ends, lines;

    if (at + 64 > run->to) {
        uint64_t within = (UINT64_C(1) << (run->to - at)) - 1;

        masks.quote &= within;
        masks.delimiter &= within;
        masks.line &= within;
        masks.escape &= within;
    }
    masks.quote &= run->use_quote;
    if (masks.quote | run->carry.inside)
        inside = tow_mask_prefix_xor(masks.quote) ^ run->carry.inside;
    ends = (masks.delimiter | masks.line) & ~inside;
    lines = masks.line & ~inside;
    if (masks.quote | run->carry.after_quote)
        bad = index_irregular(run, at, &masks, inside, ends);
    /* Without a quote byte, the escape byte works everywhere. */
    bad |= masks.escape & run->use_escape & (inside | ~run->use_quote);
    if (__builtin_expect(bad != 0, 0)) {
        uint64_t before = (bad & -bad) - 1;

        ends &= before;
        lines &= before;
        masks.line &= before;
        index->irregular = 1;
    }
    for (uint64_t left = masks.line & inside; left; left &= left - 1)
        index->inner[index->inner_count++] = (uint32_t)(at + (size_t)__builtin_ctzll(left));
    for (uint64_t left = lines; left; left &= left - 1) {
        uint64_t up_to = left ^ (left - 1);

        index->rows[index->row_count++] =
            (uint32_t)(index->end_count + tow_mask_count(ends & up_to, has_popcnt));
    }
    *found = ends;
    run->carry.inside = (uint64_t)((int64_t)inside >> 63);
    run->carry.after_end = ends >> 63;
    return bad == 0;
}

/* The same, complete. */
TOW_MASK_INLINE int index_block(struct index_run *run, size_t at, struct index_masks masks,
                                int has_popcnt)
{
    struct tow_csv_index *index = run->index;
    uint64_t ends;
    int goes_on = index_look(run, at, masks, has_popcnt, &ends);
    unsigned count = tow_mask_count(ends, has_popcnt);

    tow_mask_put(index->ends + index->end_count, at, ends, count);
    index->end_count += count;
    return goes_on;
}

#if defined(__x86_64__)
tow_csv_index_run tow_csv_index_run_avx512;
#endif

#endif
