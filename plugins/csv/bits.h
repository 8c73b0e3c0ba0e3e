/* Sixty-four rows' bits at a time, at any place of a bitmap. */
#ifndef PLUGINS_CSV_BITS_H
#define PLUGINS_CSV_BITS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Puts `bits` from bit `at` on; the bits before keep their values. Where fewer rows are meant, the
 * store goes into the slack; the next one mends it. */
static inline void tow_csv_put_bits(uint8_t *bitmap, uint64_t at, uint64_t bits)
{
    uint8_t *out = bitmap + (at >> 3);
    unsigned shift = at & 7;
    unsigned kept = *out & ((1u << shift) - 1);
    uint64_t low = htole64(bits << shift | kept);

    memcpy(out, &low, sizeof low);
    if (shift)
        out[8] = (uint8_t)(bits >> (64 - shift));
}

#endif
