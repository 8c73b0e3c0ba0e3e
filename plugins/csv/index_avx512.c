/* The index for processors with AVX-512 (VBMI2): a block is one register, and the places of its
 * ends are pressed together without a loop over them. */
#include "plugins/csv/index_block.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define INDEX_512 \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt,bmi,bmi2,lzcnt")))

/* Sixteen places at a time; most blocks have no more. */
static inline INDEX_512 void index_put_512(uint32_t *out, size_t base, uint64_t ends,
                                           unsigned count, __m512i places)
{
    __m512i pressed = _mm512_maskz_compress_epi8(ends, places);
    __m512i from = _mm512_set1_epi32((int)(uint32_t)base);

    _mm512_storeu_si512(
        out, _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(pressed)), from));
    if (__builtin_expect(count <= 16, 1))
        return;
    _mm512_storeu_si512(
        out + 16,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pressed, 1)), from));
    if (count <= 32)
        return;
    _mm512_storeu_si512(
        out + 32,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pressed, 2)), from));
    _mm512_storeu_si512(
        out + 48,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pressed, 3)), from));
}

static const uint8_t index_places[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

INDEX_512 void tow_csv_index_run_avx512(struct tow_csv_index *index,
                                        const struct tow_csv_dialect *dialect, const char *bytes,
                                        size_t from, size_t to, size_t row_limit)
{
    const __m512i quote = _mm512_set1_epi8((char)dialect->quote), line = _mm512_set1_epi8('\n');
    const __m512i delimiter = _mm512_set1_epi8(dialect->delimiter[0]);
    const __m512i escape = _mm512_set1_epi8((char)dialect->escape);
    const __m512i places = _mm512_loadu_si512(index_places);
    uint64_t high = 0, nul = 0;
    struct index_run run;

    index_begin(&run, index, dialect, bytes, to);
    for (size_t at = from; at < to && index_has_room(index, row_limit); at += 64) {
        __m512i block = _mm512_loadu_si512(bytes + at);
        struct index_masks masks = {
            .quote = _mm512_cmpeq_epi8_mask(block, quote),
            .delimiter = _mm512_cmpeq_epi8_mask(block, delimiter),
            .line = _mm512_cmpeq_epi8_mask(block, line),
            .escape = run.use_escape ? _mm512_cmpeq_epi8_mask(block, escape) : 0,
        };
        uint64_t ends;
        int goes_on = index_look(&run, at, masks, 1, &ends);
        unsigned count = (unsigned)__builtin_popcountll(ends);

        high |= _mm512_movepi8_mask(block);
        nul |= _mm512_testn_epi8_mask(block, block);
        index_put_512(index->ends + index->end_count, at, ends, count, places);
        index->end_count += count;
        if (!goes_on)
            break;
    }
    index->high = high;
    index->nul = nul;
}

#endif
