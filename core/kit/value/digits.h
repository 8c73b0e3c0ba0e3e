/* Eight decimal digits at a time in one 64-bit word, the first character in the lowest byte. */
#ifndef KIT_VALUE_DIGITS_H
#define KIT_VALUE_DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TOW_DIGITS_ZERO UINT64_C(0x3030303030303030) /* "00000000" */
#define TOW_BYTES_ONE   UINT64_C(0x0101010101010101) /* times n: n in every byte */

extern const uint64_t tow_digits_power[20]; /* 10^0 to 10^19 */
extern const char tow_digits_pairs[200];    /* "00" to "99" */

/* "000" to "999", and how many of the digits count behind a point: without zeros at the end. */
struct tow_digits_triple {
    char text[3];
    unsigned char count;
};
extern const struct tow_digits_triple tow_digits_triples[1000];

static inline uint64_t tow_load8(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return le64toh(word);
}

static inline void tow_store8(char *p, uint64_t word)
{
    word = htole64(word);
    memcpy(p, &word, sizeof word);
}

/* Loads 0 to 8 bytes and reads no other; the bytes above them are zero. */
static inline uint64_t tow_load_part(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t first, last;

    if (length >= 8)
        return tow_load8(text);
    if (length >= 4) {
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + length - 4, sizeof last);
        return le32toh(first) | (uint64_t)le32toh(last) << (8 * (length - 4));
    }
    if (length == 0)
        return 0;
    return bytes[0] | (uint64_t)bytes[length / 2] << (8 * (length / 2)) |
           (uint64_t)bytes[length - 1] << (8 * (length - 1));
}

/* Non-zero where a byte of `values` (characters ^ '0') is not 0 to 9. The lowest marked byte is
 * exact; those above it may be marked by a carry. */
static inline uint64_t tow_digits_bad(uint64_t values)
{
    return (values | (values + 0x06 * TOW_BYTES_ONE)) & 0xF0 * TOW_BYTES_ONE;
}

/* The number that eight digit values spell. */
static inline uint32_t tow_digits_value(uint64_t values)
{
    const uint64_t mask = UINT64_C(0x000000FF000000FF);

    values = values * 10 + (values >> 8);
    return (uint32_t)(((values & mask) * (100 + (UINT64_C(1000000) << 32)) +
                       (values >> 16 & mask) * (1 + (UINT64_C(10000) << 32))) >>
                      32);
}

/* The values of eight digits of a number below 10^8, with leading zeros. */
static inline uint64_t tow_digits_split(uint32_t number)
{
    uint64_t values = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t high = (values * 10486 >> 20) & UINT64_C(0x0000007F0000007F);

    values = high | (values - 100 * high) << 16;
    high = (values * 103 >> 10) & UINT64_C(0x000F000F000F000F);
    return high | (values - 10 * high) << 8;
}

/* Index of the highest bit set; the word is not zero. */
static inline unsigned tow_top_bit(uint64_t word)
{
#if defined(__x86_64__) && !defined(__LZCNT__)
    /* bsr waits for the old value of the register that it writes, which in a loop is often the end
     * of the iteration before. Its own operand has to be waited for anyway. */
    __asm__("bsrq %0, %0" : "+r"(word) : : "cc");
    return (unsigned)word;
#else
    return 63 - (unsigned)__builtin_clzll(word);
#endif
}

/* Decimal digits of a number; 1 for zero. */
static inline unsigned tow_digits_count(uint64_t number)
{
    unsigned guess = (tow_top_bit(number | 1) + 1) * 1233 >> 12; /* log10(2) */

    return guess + ((number | 1) >= tow_digits_power[guess]);
}

/* Sixteen digits, the first in the lowest byte. */
#define TOW_DIGITS16_ZERO ((unsigned __int128)TOW_DIGITS_ZERO << 64 | TOW_DIGITS_ZERO)

/* The characters of two numbers below 10^8, each as eight digits with leading zeros. */
static inline unsigned __int128 tow_digits_text8x2(uint32_t high, uint32_t low)
{
#ifdef __SSE2__
    /* As tow_digits_split does, both halves in one register: by 10^4, by 100, by 10. */
    __m128i values = _mm_set_epi64x(low, high);
    __m128i quotient =
        _mm_srli_epi64(_mm_mul_epu32(values, _mm_set1_epi64x(UINT32_C(3518437209))), 45);
    __m128i rest = _mm_sub_epi64(values, _mm_mul_epu32(quotient, _mm_set1_epi64x(10000)));

    values = _mm_or_si128(quotient, _mm_slli_epi64(rest, 32));
    quotient = _mm_srli_epi16(_mm_mulhi_epu16(values, _mm_set1_epi16(10486)), 4);
    rest = _mm_sub_epi16(values, _mm_mullo_epi16(quotient, _mm_set1_epi16(100)));
    values = _mm_or_si128(quotient, _mm_slli_epi32(rest, 16));
    quotient = _mm_mulhi_epu16(values, _mm_set1_epi16(6554));
    rest = _mm_sub_epi16(values, _mm_mullo_epi16(quotient, _mm_set1_epi16(10)));
    values = _mm_or_si128(quotient, _mm_slli_epi16(rest, 8));
    values = _mm_or_si128(values, _mm_set1_epi8('0'));
    return (unsigned __int128)(uint64_t)_mm_cvtsi128_si64(_mm_srli_si128(values, 8)) << 64 |
           (uint64_t)_mm_cvtsi128_si64(values);
#else
    return ((unsigned __int128)tow_digits_split(low) << 64 | tow_digits_split(high)) |
           TOW_DIGITS16_ZERO;
#endif
}

/* The characters of sixteen digits of a number below 10^16, with leading zeros. */
static inline unsigned __int128 tow_digits_text16(uint64_t number)
{
    return tow_digits_text8x2((uint32_t)(number / 100000000), (uint32_t)(number % 100000000));
}

/* Index of the last character that is not '0', of a number that is not zero. */
static inline unsigned tow_digits_last16(unsigned __int128 text)
{
    uint64_t low = (uint64_t)text ^ TOW_DIGITS_ZERO;
    uint64_t high = (uint64_t)(text >> 64) ^ TOW_DIGITS_ZERO;

    return high ? 8 + tow_top_bit(high) / 8 : tow_top_bit(low) / 8;
}

static inline void tow_store16(char *p, unsigned __int128 text)
{
    tow_store8(p, (uint64_t)text);
    tow_store8(p + 8, (uint64_t)(text >> 64));
}

/* The `count` first of sixteen characters, with a point behind the `point` first of them,
 * point < count. Writes up to 16 bytes from p and, behind the point, 8 bytes or 16: 16 only
 * where more than 8 of them count. */
static inline char *tow_put_with_point(char *p, unsigned __int128 text, unsigned count,
                                       unsigned point)
{
    unsigned __int128 behind = text >> (8 * point);

    tow_store16(p, text);
    p[point] = '.';
    tow_store8(p + point + 1, (uint64_t)behind);
    if (count - point > 8)
        tow_store8(p + point + 9, (uint64_t)(behind >> 64));
    return p + count + 1;
}

/* Stores four bytes. */
static inline char *tow_put_triple(char *p, unsigned number)
{
    memcpy(p, &tow_digits_triples[number], 4);
    return p + 3;
}

static inline char *tow_put_pair(char *p, unsigned number)
{
    memcpy(p, tow_digits_pairs + 2 * number, 2);
    return p + 2;
}

#endif
