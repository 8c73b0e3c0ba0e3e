/* Runs of bits, least significant first, as Arrow's validity buffers and bool values are. */
#ifndef KIT_BATCH_BITS_H
#define KIT_BATCH_BITS_H

#include <stdint.h>

static inline int tow_bit_get(const uint8_t *bits, int64_t index)
{
    return bits[index >> 3] >> (index & 7) & 1;
}

/* Sets the bit behind the last one; clears what follows in its byte, so that no memory has to be
 * cleared beforehand. */
static inline void tow_bit_append(uint8_t *bits, int64_t index, int value)
{
    unsigned mask = 1u << (index & 7);
    unsigned kept = bits[index >> 3] & (mask - 1);

    bits[index >> 3] = (uint8_t)(kept | (value ? mask : 0));
}

/* `count` bits, 1 to 64, from bit `first` on; those above them are zero. Reads no byte that holds
 * none of them. */
uint64_t tow_bits_word(const uint8_t *bits, int64_t first, int64_t count);

/* Ones among `count` bits from bit `first` on. Reads no byte that holds none of them. */
int64_t tow_bits_count(const uint8_t *bits, int64_t first, int64_t count);

#endif
