/* Bytes of a text, 64 at a time: one bit for each, the first byte lowest. */
#ifndef CONNECTORS_MACHINE_MASKS_H
#define CONNECTORS_MACHINE_MASKS_H

#include <stddef.h>
#include <stdint.h>

/* Part of its caller, and so compiled for the caller's processor. */
#define TOW_MASK_INLINE static inline __attribute__((always_inline))

/* Each bit becomes the exclusive or of itself and all below it: of quotes, ones from an opening one
 * up to the byte before the closing one. */
TOW_MASK_INLINE uint64_t tow_mask_prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/* Ones in a mask. Without the instruction, the compiler's own way would be a call. */
TOW_MASK_INLINE unsigned tow_mask_count(uint64_t bits, int has_popcnt)
{
    if (has_popcnt)
        return (unsigned)__builtin_popcountll(bits);
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* The places of the mask's `count` ones, from `base` on, in ascending order. Four are stored at a
 * time without looking, since most masks have few: up to three entries behind the last are written
 * over. */
TOW_MASK_INLINE void tow_mask_put(uint32_t *out, size_t base, uint64_t bits, unsigned count)
{
    for (unsigned done = 0; done < count; done += 4) {
        for (unsigned i = 0; i < 4; i++) {
            out[done + i] = (uint32_t)base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    }
}

#endif
