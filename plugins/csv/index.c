#include "plugins/csv/index_block.h"

#include <endian.h>
#include <string.h>

#include "connectors/machine/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- portable ------------------------------------------------------------------------------- */

#define INDEX_ONES UINT64_C(0x0101010101010101)
#define INDEX_LOW7 UINT64_C(0x7F7F7F7F7F7F7F7F)

static inline uint64_t index_load(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

/* The top bit of each byte that is 0; exact, no carry between bytes. */
static inline uint64_t index_zero_bytes(uint64_t word)
{
    return ~(((word & INDEX_LOW7) + INDEX_LOW7) | word | INDEX_LOW7);
}

/* The top bits of eight bytes, as eight bits. */
static inline uint64_t index_gather(uint64_t tops)
{
    return (tops >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static void index_run_scalar(struct tow_csv_index *index, const struct tow_csv_dialect *dialect,
                             const char *bytes, size_t from, size_t to, size_t row_limit)
{
    uint64_t quote = (unsigned char)dialect->quote * INDEX_ONES;
    uint64_t escape = (unsigned char)dialect->escape * INDEX_ONES;
    uint64_t delimiter = (unsigned char)dialect->delimiter[0] * INDEX_ONES;
    struct index_run run;

    index_begin(&run, index, dialect, bytes, to);
    for (size_t at = from; at < to && index_has_room(index, row_limit); at += 64) {
        struct index_masks masks = {0, 0, 0, 0};

        for (unsigned i = 0; i < 64; i += 8) {
            uint64_t word = index_load(bytes + at + i);

            masks.quote |= index_gather(index_zero_bytes(word ^ quote)) << i;
            masks.delimiter |= index_gather(index_zero_bytes(word ^ delimiter)) << i;
            masks.line |= index_gather(index_zero_bytes(word ^ '\n' * INDEX_ONES)) << i;
            if (run.use_escape)
                masks.escape |= index_gather(index_zero_bytes(word ^ escape)) << i;
            index->high |= word & ~INDEX_LOW7;
            index->nul |= index_zero_bytes(word);
        }
        if (!index_block(&run, at, masks, 0))
            break;
    }
}

/* ---- x86-64 --------------------------------------------------------------------------------- */

#if defined(__x86_64__)

TOW_MASK_INLINE uint64_t index_equal_sse2(const __m128i block[4], __m128i byte)
{
    uint64_t mask = 0;

    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], byte)) << (16 * i);
    return mask;
}

static void index_run_sse2(struct tow_csv_index *index, const struct tow_csv_dialect *dialect,
                           const char *bytes, size_t from, size_t to, size_t row_limit)
{
    const __m128i quote = _mm_set1_epi8((char)dialect->quote), line = _mm_set1_epi8('\n');
    const __m128i delimiter = _mm_set1_epi8(dialect->delimiter[0]);
    const __m128i escape = _mm_set1_epi8((char)dialect->escape);
    __m128i any = _mm_setzero_si128(), least = _mm_set1_epi8(1);
    struct index_run run;

    index_begin(&run, index, dialect, bytes, to);
    for (size_t at = from; at < to && index_has_room(index, row_limit); at += 64) {
        struct index_masks masks = {0, 0, 0, 0};
        __m128i block[4];

        for (int i = 0; i < 4; i++) {
            block[i] = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at + 16 * i));
            any = _mm_or_si128(any, block[i]);
            least = _mm_min_epu8(least, block[i]);
        }
        masks.quote = index_equal_sse2(block, quote);
        masks.delimiter = index_equal_sse2(block, delimiter);
        masks.line = index_equal_sse2(block, line);
        if (run.use_escape)
            masks.escape = index_equal_sse2(block, escape);
        if (!index_block(&run, at, masks, 0))
            break;
    }
    index->high = (uint64_t)_mm_movemask_epi8(any);
    index->nul = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128()));
}

#define INDEX_AVX2 __attribute__((target("avx2,popcnt,bmi,lzcnt")))

static inline INDEX_AVX2 uint64_t index_equal_avx2(__m256i low, __m256i high, __m256i byte)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)) << 32;
}

static INDEX_AVX2 void index_run_avx2(struct tow_csv_index *index,
                                      const struct tow_csv_dialect *dialect, const char *bytes,
                                      size_t from, size_t to, size_t row_limit)
{
    const __m256i quote = _mm256_set1_epi8((char)dialect->quote), line = _mm256_set1_epi8('\n');
    const __m256i delimiter = _mm256_set1_epi8(dialect->delimiter[0]);
    const __m256i escape = _mm256_set1_epi8((char)dialect->escape);
    __m256i any = _mm256_setzero_si256(), least = _mm256_set1_epi8(1);
    struct index_run run;

    index_begin(&run, index, dialect, bytes, to);
    for (size_t at = from; at < to && index_has_room(index, row_limit); at += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at));
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at + 32));
        struct index_masks masks = {0, 0, 0, 0};

        any = _mm256_or_si256(any, _mm256_or_si256(low, high));
        least = _mm256_min_epu8(least, _mm256_min_epu8(low, high));
        masks.quote = index_equal_avx2(low, high, quote);
        masks.delimiter = index_equal_avx2(low, high, delimiter);
        masks.line = index_equal_avx2(low, high, line);
        if (run.use_escape)
            masks.escape = index_equal_avx2(low, high, escape);
        if (!index_block(&run, at, masks, 1))
            break;
    }
    index->high = (uint64_t)(uint32_t)_mm256_movemask_epi8(any);
    index->nul =
        (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256()));
}

#endif

/* ---- choosing ------------------------------------------------------------------------------- */

tow_csv_index_run *tow_csv_index_choose(const char *name, struct tow_error *err)
{
    enum tow_simd level;

    if (tow_simd_choose(name, TOW_SIMD_AVX512, &level, err) != TOW_OK)
        return NULL;
#if defined(__x86_64__)
    if (level == TOW_SIMD_AVX512)
        return tow_csv_index_run_avx512;
    if (level == TOW_SIMD_AVX2)
        return index_run_avx2;
    if (level == TOW_SIMD_SSE2)
        return index_run_sse2;
#endif
    return index_run_scalar;
}
