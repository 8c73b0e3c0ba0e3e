#include "kit/bits.h"

#include <string.h>

int64_t tow_bits_count(const uint8_t *bits, int64_t first, int64_t count)
{
    int64_t end = first + count, ones = 0;
    uint64_t word;

    for (; first < end && first & 7; first++)
        ones += tow_bit_get(bits, first);
    for (; end - first >= 64; first += 64) {
        memcpy(&word, bits + (first >> 3), sizeof word);
        ones += __builtin_popcountll(word);
    }
    for (; first < end; first++)
        ones += tow_bit_get(bits, first);
    return ones;
}
