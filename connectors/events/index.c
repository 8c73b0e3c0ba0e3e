#include "connectors/events/index.h"

#include <string.h>

#include "connectors/machine/masks.h"
#include "connectors/machine/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* One bit for each of 64 bytes, the first byte lowest. */
struct index_masks {
    uint64_t quote, backslash;
    uint64_t bracket; /* brackets, colons and commas; perhaps control bytes too */
    uint64_t space;
    uint64_t control; /* below 0x20 */
    uint64_t high;
};

void tow_json_index_begin(struct tow_json_index *index, const char *text, size_t length)
{
    index->text = text;
    index->length = length;
    index->next = 0;
    index->in_string = index->escaped = index->in_scalar = 0;
    index->high = index->backslash = index->control = 0;
    index->count = 0;
}

/* The bytes that a backslash before them escapes: of each run of backslashes, every other byte and,
 * where the run is odd, the byte behind it. Adding a run's first bit to it carries to behind it. */
TOW_MASK_INLINE uint64_t index_escaped(struct tow_json_index *index, uint64_t backslash)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t carried = index->escaped, behind, odd_starts, ends_even, inverted;

    if (!backslash) {
        index->escaped = 0;
        return carried;
    }
    backslash &= ~carried;
    behind = backslash << 1 | carried;
    odd_starts = backslash & ~even & ~behind;
    index->escaped = __builtin_add_overflow(odd_starts, backslash, &ends_even);
    inverted = ends_even << 1;
    return (even ^ inverted) & behind;
}

TOW_MASK_INLINE void index_put(struct tow_json_index *index, size_t base, uint64_t bits,
                               int has_popcnt)
{
    unsigned count = tow_mask_count(bits, has_popcnt);

    tow_mask_put(index->at + index->count, base, bits, count);
    index->count += count;
}

TOW_MASK_INLINE void index_block(struct tow_json_index *index, size_t at, struct index_masks masks,
                                 int has_popcnt)
{
    uint64_t within =
        index->length - at < 64 ? (UINT64_C(1) << (index->length - at)) - 1 : ~UINT64_C(0);
    uint64_t quote = masks.quote & within & ~index_escaped(index, masks.backslash & within);
    uint64_t in_string = tow_mask_prefix_xor(quote) ^ index->in_string;
    uint64_t rest = ~(masks.bracket | masks.space) & ~quote;
    uint64_t follows = rest << 1 | index->in_scalar;
    uint64_t starts = masks.bracket | quote | (rest & ~follows);

    /* What a quote follows without space is part of the scalar before it. */
    starts &= ~(quote & follows);
    index->high |= masks.high & within;
    index->backslash |= masks.backslash & within;
    index->control |= masks.control & in_string & within;
    index->in_string = (uint64_t)((int64_t)in_string >> 63);
    index->in_scalar = rest >> 63;
    index_put(index, at, starts & ~(in_string ^ quote) & within, has_popcnt);
}

/* ---- portable ------------------------------------------------------------------------------- */

#define INDEX_QUOTE     1
#define INDEX_BACKSLASH 2
#define INDEX_BRACKET   4
#define INDEX_SPACE     8
#define INDEX_CONTROL   16

static uint64_t index_bit(unsigned char class, int bit)
{
    return (uint64_t)((class & bit) != 0);
}

static int index_more_scalar(struct tow_json_index *index)
{
    static const unsigned char classes[256] = {
        ['"'] = INDEX_QUOTE,   ['\\'] = INDEX_BACKSLASH, ['{'] = INDEX_BRACKET,
        ['}'] = INDEX_BRACKET, ['['] = INDEX_BRACKET,    [']'] = INDEX_BRACKET,
        [':'] = INDEX_BRACKET, [','] = INDEX_BRACKET,    [' '] = INDEX_SPACE};

    index->count = 0;
    while (index->count == 0 && index->next < index->length) {
        size_t at = index->next;
        struct index_masks masks = {0, 0, 0, 0, 0, 0};

        for (unsigned i = 0; i < 64 && at + i < index->length; i++) {
            unsigned char byte = (unsigned char)index->text[at + i];
            unsigned char class = classes[byte];

            if (byte == '\t' || byte == '\n' || byte == '\r')
                class = INDEX_SPACE;
            masks.quote |= index_bit(class, INDEX_QUOTE) << i;
            masks.backslash |= index_bit(class, INDEX_BACKSLASH) << i;
            masks.bracket |= index_bit(class, INDEX_BRACKET) << i;
            masks.space |= index_bit(class, INDEX_SPACE) << i;
            masks.control |= (uint64_t)(byte < 0x20) << i;
            masks.high |= (uint64_t)(byte >> 7) << i;
        }
        index_block(index, at, masks, 0);
        index->next = at + 64 < index->length ? at + 64 : index->length;
    }
    return index->count > 0;
}

/* ---- x86-64 --------------------------------------------------------------------------------- */

#if defined(__x86_64__)

TOW_MASK_INLINE uint64_t index_equal_sse2(const __m128i block[4], char byte)
{
    uint64_t mask = 0;

    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], _mm_set1_epi8(byte)))
                << (16 * i);
    return mask;
}

static int index_more_sse2(struct tow_json_index *index)
{
    index->count = 0;
    while (index->count == 0 && index->next < index->length) {
        size_t end = index->length - index->next < TOW_JSON_INDEX_BYTES
                         ? index->length
                         : index->next + TOW_JSON_INDEX_BYTES;

        for (size_t at = index->next; at < end; at += 64) {
            struct index_masks masks = {0, 0, 0, 0, 0, 0};
            __m128i block[4], lower[4];

            for (int i = 0; i < 4; i++) {
                block[i] = _mm_loadu_si128((const __m128i *)(const void *)(index->text + at) + i);
                lower[i] = _mm_or_si128(block[i], _mm_set1_epi8(0x20));
                masks.high |= (uint64_t)(uint32_t)_mm_movemask_epi8(block[i]) << (16 * i);
                masks.control |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
                                     _mm_min_epu8(block[i], _mm_set1_epi8(0x1F)), block[i]))
                                 << (16 * i);
            }
            masks.quote = index_equal_sse2(block, '"');
            masks.backslash = index_equal_sse2(block, '\\');
            masks.bracket = index_equal_sse2(lower, '{') | index_equal_sse2(lower, '}') |
                            index_equal_sse2(block, ':') | index_equal_sse2(block, ',');
            masks.space = index_equal_sse2(block, ' ') | index_equal_sse2(block, '\t') |
                          index_equal_sse2(block, '\n') | index_equal_sse2(block, '\r');
            index_block(index, at, masks, 0);
        }
        index->next = end;
    }
    return index->count > 0;
}

#define INDEX_AVX2 __attribute__((target("avx2,popcnt,bmi,lzcnt,pclmul")))

static inline INDEX_AVX2 uint64_t index_mask_avx2(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

static inline INDEX_AVX2 uint64_t index_equal_avx2(__m256i low, __m256i high, char byte)
{
    const __m256i all = _mm256_set1_epi8(byte);

    return index_mask_avx2(_mm256_cmpeq_epi8(low, all), _mm256_cmpeq_epi8(high, all));
}

/* Bytes that equal the entry of the table which their low four bits choose; none above 127 do. */
static inline INDEX_AVX2 uint64_t index_table_avx2(__m256i low, __m256i high, __m256i like_low,
                                                   __m256i like_high, __m256i table)
{
    return index_mask_avx2(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, low), like_low),
                           _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, high), like_high));
}

static INDEX_AVX2 int index_more_avx2(struct tow_json_index *index)
{
    /* By bit 0x20 set, '[' is '{' and ']' is '}'; so are 0x0C ',' and 0x1A ':', which the reader
     * of the positions sees by itself. */
    const __m256i brackets = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    const __m256i spaces = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        ' ', 100, 100, 100, 17, 100, 113, 2, 100, '\t', '\n', 112, 100, '\r', 100, 100));
    const __m256i bit = _mm256_set1_epi8(0x20), last = _mm256_set1_epi8(0x1F);

    index->count = 0;
    while (index->count == 0 && index->next < index->length) {
        size_t end = index->length - index->next < TOW_JSON_INDEX_BYTES
                         ? index->length
                         : index->next + TOW_JSON_INDEX_BYTES;

        for (size_t at = index->next; at < end; at += 64) {
            const __m256i *p = (const __m256i *)(const void *)(index->text + at);
            __m256i low = _mm256_loadu_si256(p), high = _mm256_loadu_si256(p + 1);
            struct index_masks masks;

            masks.quote = index_equal_avx2(low, high, '"');
            masks.backslash = index_equal_avx2(low, high, '\\');
            masks.bracket = index_table_avx2(low, high, _mm256_or_si256(low, bit),
                                             _mm256_or_si256(high, bit), brackets);
            masks.space = index_table_avx2(low, high, low, high, spaces);
            masks.control = index_mask_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(low, last), low),
                                            _mm256_cmpeq_epi8(_mm256_min_epu8(high, last), high));
            masks.high = index_mask_avx2(low, high);
            index_block(index, at, masks, 1);
        }
        index->next = end;
    }
    return index->count > 0;
}

#endif

/* ---- choosing ------------------------------------------------------------------------------- */

tow_json_index_more *tow_json_index_choose(const char *name, struct tow_error *err)
{
    enum tow_simd level;

    if (tow_simd_choose(name, TOW_SIMD_AVX2, &level, err) != TOW_OK)
        return NULL;
#if defined(__x86_64__)
    if (level == TOW_SIMD_AVX2)
        return index_more_avx2;
    if (level == TOW_SIMD_SSE2)
        return index_more_sse2;
#endif
    return index_more_scalar;
}
