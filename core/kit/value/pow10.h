/* Powers of ten to 128 bits, for conversions between binary and decimal floating point. */
#ifndef KIT_VALUE_POW10_H
#define KIT_VALUE_POW10_H

#include <stdint.h>

#define TOW_POW10_FIRST (-342)
#define TOW_POW10_LAST  324
/* 10^0 to 10^55 are exact; all others are cut, never rounded up. */
#define TOW_POW10_EXACT 55

/* 10^e is (high * 2^64 + low) * 2^(tow_pow10_log2(e) - 127), its top bit set. */
struct tow_pow10 {
    uint64_t high, low;
};

/* The table itself, from TOW_POW10_FIRST up. */
extern const struct tow_pow10 tow_pow10_table[TOW_POW10_LAST - TOW_POW10_FIRST + 1];

static inline const struct tow_pow10 *tow_pow10_get(int exponent)
{
    return &tow_pow10_table[exponent - TOW_POW10_FIRST];
}

static inline int tow_pow10_is_exact(int exponent)
{
    return (unsigned)exponent <= TOW_POW10_EXACT;
}

/* floor(log2(10^e)), for all e of the table. */
static inline int tow_pow10_log2(int exponent)
{
    return (exponent * 217706) >> 16;
}

#endif
