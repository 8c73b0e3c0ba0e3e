#include "kit/batch/bits.h"

#include <endian.h>
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

uint64_t tow_bits_word(const uint8_t *bits, int64_t first, int64_t count)
{
    unsigned shift = (unsigned)(first & 7);
    size_t bytes = (shift + (size_t)count + 7) / 8;
    uint64_t word = 0;

    bits += first >> 3;
    memcpy(&word, bits, bytes < sizeof word ? bytes : sizeof word);
    word = le64toh(word) >> shift;
    if (bytes > sizeof word)
        word |= (uint64_t)bits[sizeof word] << (64 - shift);
    return word & ~UINT64_C(0) >> (64 - count);
}
