/*
 * Sixteen bytes of text at a time: which of them are special. Bit i of a result stands for byte i.
 * All sixteen bytes must be readable.
 */
#ifndef KIT_ROWTEXT_SCAN16_H
#define KIT_ROWTEXT_SCAN16_H

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TOW_SCAN16 16

#ifdef __SSE2__

static inline __m128i tow_scan16_load(const char *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

static inline __m128i tow_scan16_equal(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* What a JSON string must escape: quote, backslash, bytes below 0x20. */
static inline unsigned tow_scan16_json(const char *text)
{
    __m128i bytes = tow_scan16_load(text);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i marks = _mm_or_si128(tow_scan16_equal(bytes, '"'), tow_scan16_equal(bytes, '\\'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, marks));
}

/* What a CSV field must be quoted for: quote, CR, LF, and the delimiter. */
static inline unsigned tow_scan16_csv(const char *text, char delimiter)
{
    __m128i bytes = tow_scan16_load(text);
    __m128i marks = _mm_or_si128(tow_scan16_equal(bytes, '"'), tow_scan16_equal(bytes, delimiter));
    __m128i ends = _mm_or_si128(tow_scan16_equal(bytes, '\r'), tow_scan16_equal(bytes, '\n'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(marks, ends));
}

static inline unsigned tow_scan16_byte(const char *text, char c)
{
    return (unsigned)_mm_movemask_epi8(tow_scan16_equal(tow_scan16_load(text), c));
}

#else

static inline unsigned tow_scan16_json(const char *text)
{
    unsigned found = 0;

    for (int i = 0; i < TOW_SCAN16; i++)
        found |= (unsigned)((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
                 << i;
    return found;
}

static inline unsigned tow_scan16_csv(const char *text, char delimiter)
{
    unsigned found = 0;

    for (int i = 0; i < TOW_SCAN16; i++)
        found |=
            (unsigned)(text[i] == '"' || text[i] == delimiter || text[i] == '\r' || text[i] == '\n')
            << i;
    return found;
}

static inline unsigned tow_scan16_byte(const char *text, char c)
{
    unsigned found = 0;

    for (int i = 0; i < TOW_SCAN16; i++)
        found |= (unsigned)(text[i] == c) << i;
    return found;
}

#endif

/*
 * Where to read sixteen bytes from that start with those at `text`: `text` itself, or `block` with
 * a copy of the bytes before `readable`, the end of the memory that may be read.
 */
static inline const char *tow_scan16_window(const char *text, const char *readable,
                                            char block[TOW_SCAN16])
{
    if (__builtin_expect(readable - text >= TOW_SCAN16, 1))
        return text;
    memset(block, 0, TOW_SCAN16);
    memcpy(block, text, (size_t)(readable - text));
    return block;
}

/* The bits of the first `length` bytes. */
static inline unsigned tow_scan16_within(unsigned found, size_t length)
{
    return length < TOW_SCAN16 ? found & ((1u << length) - 1) : found;
}

#endif
