/* Numbers that are the same in each run: xorshift64* (S. Vigna). */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdint.h>

#define RANDOM_SEED UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545F4914F6CDD1D);
}

/* 0 to limit - 1. */
static inline uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    return random_next(seed) % limit;
}

/* Any number of bits is as likely as any other. */
static inline uint64_t random_any_width(uint64_t *seed)
{
    uint64_t number = random_next(seed);

    return number >> random_below(seed, 64);
}

#endif
