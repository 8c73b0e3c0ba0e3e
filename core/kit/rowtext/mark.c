#include "kit/rowtext/mark.h"

#include <string.h>
#if defined(__x86_64__) && defined(__SSE2__)
#include <immintrin.h>
#define MARK_VECTORS 1
#endif

#define MARK_BLOCK 64

/* What is left of a text that ends within a block. */
struct mark_tail {
    char block[MARK_BLOCK];
    uint64_t mask;
};

static inline void mark_tail_set(struct mark_tail *tail, const char *text, size_t length)
{
    memset(tail->block, 0, sizeof tail->block);
    memcpy(tail->block, text, length);
    tail->mask = (UINT64_C(1) << length) - 1;
}

static uint64_t mark_run_scalar(const struct tow_mark_set *set, const char *text, size_t length,
                                uint64_t *marks)
{
    uint64_t any = 0;

    memset(marks, 0, TOW_MARK_WORDS(length) * sizeof *marks);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        int found = (unsigned char)c < set->below || c == set->bytes[0] || c == set->bytes[1] ||
                    c == set->bytes[2] || c == set->bytes[3];

        marks[i / 64] |= (uint64_t)found << i % 64;
        any |= (uint64_t)found;
    }
    return any;
}

#ifdef MARK_VECTORS

struct mark_sse2 {
    __m128i below, bytes[4];
};

static inline uint64_t mark_quarter_sse2(const struct mark_sse2 *set, const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i others = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, set->bytes[0]), _mm_cmpeq_epi8(bytes, set->bytes[1])),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, set->bytes[2]), _mm_cmpeq_epi8(bytes, set->bytes[3])));
    __m128i from = _mm_cmpeq_epi8(_mm_max_epu8(bytes, set->below), bytes);

    return (uint64_t)(unsigned)(_mm_movemask_epi8(others) | (_mm_movemask_epi8(from) ^ 0xFFFF));
}

static inline uint64_t mark_block_sse2(const struct mark_sse2 *set, const char *text)
{
    return mark_quarter_sse2(set, text) | mark_quarter_sse2(set, text + 16) << 16 |
           mark_quarter_sse2(set, text + 32) << 32 | mark_quarter_sse2(set, text + 48) << 48;
}

static uint64_t mark_run_sse2(const struct tow_mark_set *given, const char *text, size_t length,
                              uint64_t *marks)
{
    struct mark_sse2 set = {_mm_set1_epi8((char)given->below), {_mm_setzero_si128()}};
    struct mark_tail tail;
    uint64_t any = 0;

    for (int i = 0; i < 4; i++)
        set.bytes[i] = _mm_set1_epi8(given->bytes[i]);
    for (; length >= MARK_BLOCK; length -= MARK_BLOCK, text += MARK_BLOCK)
        any |= *marks++ = mark_block_sse2(&set, text);
    mark_tail_set(&tail, text, length);
    marks[0] = mark_block_sse2(&set, tail.block) & tail.mask;
    marks[1] = 0;
    return any | marks[0];
}

#define MARK_AVX2 __attribute__((target("avx2")))

struct mark_avx2 {
    __m256i below, bytes[4];
};

static inline MARK_AVX2 uint64_t mark_half_avx2(const struct mark_avx2 *set, const char *text)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i others = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(bytes, set->bytes[0]),
                                                     _mm256_cmpeq_epi8(bytes, set->bytes[1])),
                                     _mm256_or_si256(_mm256_cmpeq_epi8(bytes, set->bytes[2]),
                                                     _mm256_cmpeq_epi8(bytes, set->bytes[3])));
    __m256i from = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, set->below), bytes);

    return (uint32_t)(_mm256_movemask_epi8(others) | ~_mm256_movemask_epi8(from));
}

static inline MARK_AVX2 uint64_t mark_block_avx2(const struct mark_avx2 *set, const char *text)
{
    return mark_half_avx2(set, text) | mark_half_avx2(set, text + 32) << 32;
}

static MARK_AVX2 uint64_t mark_run_avx2(const struct tow_mark_set *given, const char *text,
                                        size_t length, uint64_t *marks)
{
    struct mark_avx2 set = {_mm256_set1_epi8((char)given->below), {_mm256_setzero_si256()}};
    struct mark_tail tail;
    uint64_t any = 0;

    for (int i = 0; i < 4; i++)
        set.bytes[i] = _mm256_set1_epi8(given->bytes[i]);
    for (; length >= MARK_BLOCK; length -= MARK_BLOCK, text += MARK_BLOCK)
        any |= *marks++ = mark_block_avx2(&set, text);
    mark_tail_set(&tail, text, length);
    marks[0] = mark_block_avx2(&set, tail.block) & tail.mask;
    marks[1] = 0;
    return any | marks[0];
}

static int mark_works_with_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

#endif

static int mark_works_anywhere(void)
{
    return 1;
}

/* Fastest first. */
static const struct mark_variant {
    const char *name;
    tow_mark_run *run;
    int (*works)(void);
} mark_variants[] = {
#ifdef MARK_VECTORS
    {"avx2", mark_run_avx2, mark_works_with_avx2},
    {"sse2", mark_run_sse2, mark_works_anywhere},
#endif
    {"scalar", mark_run_scalar, mark_works_anywhere},
};

tow_mark_run *tow_mark_choose(const char *name)
{
    for (size_t i = 0; i < sizeof mark_variants / sizeof *mark_variants; i++)
        if ((!name || strcmp(name, mark_variants[i].name) == 0) && mark_variants[i].works())
            return mark_variants[i].run;
    return NULL;
}
