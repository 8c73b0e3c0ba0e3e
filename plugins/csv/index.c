#include "plugins/csv/index.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* One bit for each of 64 bytes, the first byte lowest. */
struct index_masks {
    uint64_t quote, delimiter, line, escape;
};

/* What one block tells the next. */
struct index_carry {
    uint64_t inside;      /* all ones: the block begins inside quotes */
    uint64_t after_end;   /* 1: the byte before was a delimiter or LF, or a row begins */
    uint64_t after_quote; /* 1: the byte before was a closing quote */
};

struct index_run {
    struct tow_csv_index *index;
    const char *bytes;
    size_t to;
    struct index_carry carry;
    uint64_t use_quote, use_escape; /* all ones where the dialect has such a byte */
};

static inline __attribute__((always_inline)) void index_begin(struct index_run *run,
                                                              struct tow_csv_index *index,
                                                              const struct tow_csv_dialect *dialect,
                                                              const char *bytes, size_t to)
{
    *run = (struct index_run){.index = index,
                              .bytes = bytes,
                              .to = to,
                              .carry = {.after_end = 1},
                              .use_quote = dialect->quote >= 0 ? ~UINT64_C(0) : 0,
                              .use_escape = dialect->escape >= 0 ? ~UINT64_C(0) : 0};
    index->end_count = index->row_count = index->inner_count = 0;
    index->high = index->nul = index->doubled = 0;
    index->irregular = 0;
}

static inline __attribute__((always_inline)) int index_has_room(const struct tow_csv_index *index,
                                                                size_t row_limit)
{
    return index->end_count + TOW_CSV_INDEX_BLOCK <= index->end_capacity &&
           index->row_count + TOW_CSV_INDEX_BLOCK <= index->row_capacity &&
           index->inner_count + TOW_CSV_INDEX_BLOCK <= index->inner_capacity &&
           index->row_count < row_limit;
}

/* Each bit becomes the exclusive or of itself and all below it: ones from an opening quote up to
 * the byte before the closing one. */
static inline __attribute__((always_inline)) uint64_t index_prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/* Of bytes that follow a closing quote and are neither end nor quote: those that are not a CR with
 * an LF behind it. Before the end of the data is known, a CR there counts as one without. */
static uint64_t index_not_line_end(const struct index_run *run, size_t at, uint64_t suspects)
{
    uint64_t bad = 0;

    for (; suspects; suspects &= suspects - 1) {
        size_t p = at + (size_t)__builtin_ctzll(suspects);

        if (run->bytes[p] != '\r' || p + 1 >= run->to || run->bytes[p + 1] != '\n')
            bad |= suspects & -suspects;
    }
    return bad;
}

/* Bits of a block that break the rules which make counting quotes enough; see index.h. */
static inline __attribute__((always_inline)) uint64_t index_irregular(
    struct index_run *run, size_t at, const struct index_masks *masks, uint64_t inside,
    uint64_t ends)
{
    uint64_t opening = masks->quote & inside, closing = masks->quote & ~inside;
    uint64_t after_quote = closing << 1 | run->carry.after_quote;
    uint64_t after_end = ends << 1 | run->carry.after_end;
    uint64_t bad = opening & ~(after_end | after_quote);
    uint64_t suspects = after_quote & ~(ends | masks->quote);

    if (at + 64 > run->to)
        suspects &= (UINT64_C(1) << (run->to - at)) - 1;
    if (suspects)
        bad |= index_not_line_end(run, at, suspects);
    run->index->doubled |= opening & after_quote;
    run->carry.after_quote = closing >> 63;
    return bad;
}

/* Ones in a word; without the instruction, the compiler's own way would be a call. */
static inline __attribute__((always_inline)) unsigned index_count(uint64_t bits, int has_popcnt)
{
    if (has_popcnt)
        return (unsigned)__builtin_popcountll(bits);
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

static inline __attribute__((always_inline)) void index_put(uint32_t *out, size_t base,
                                                            uint64_t bits, unsigned count)
{

    /* Four at a time without looking: most blocks have few, and there is room. */
    for (unsigned done = 0; done < count; done += 4) {
        for (unsigned i = 0; i < 4; i++) {
            out[done + i] = (uint32_t)base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    }
}

/* Takes a block at `at`; 0 where the run ends with it. */
static inline __attribute__((always_inline)) int index_block(struct index_run *run, size_t at,
                                                             struct index_masks masks,
                                                             int has_popcnt)
{
    struct tow_csv_index *index = run->index;
    uint64_t inside = 0, bad = 0, ends, lines;
    unsigned count;

    if (at + 64 > run->to) {
        uint64_t within = (UINT64_C(1) << (run->to - at)) - 1;

        masks.quote &= within;
        masks.delimiter &= within;
        masks.line &= within;
        masks.escape &= within;
    }
    masks.quote &= run->use_quote;
    if (masks.quote | run->carry.inside)
        inside = index_prefix_xor(masks.quote) ^ run->carry.inside;
    ends = (masks.delimiter | masks.line) & ~inside;
    lines = masks.line & ~inside;
    if (masks.quote | run->carry.after_quote)
        bad = index_irregular(run, at, &masks, inside, ends);
    /* Without a quote byte, the escape byte works everywhere. */
    bad |= masks.escape & run->use_escape & (inside | ~run->use_quote);
    if (__builtin_expect(bad != 0, 0)) {
        uint64_t before = (bad & -bad) - 1;

        ends &= before;
        lines &= before;
        masks.line &= before;
        index->irregular = 1;
    }
    for (uint64_t left = masks.line & inside; left; left &= left - 1)
        index->inner[index->inner_count++] = (uint32_t)(at + (size_t)__builtin_ctzll(left));
    for (uint64_t left = lines; left; left &= left - 1) {
        uint64_t up_to = left ^ (left - 1);

        index->rows[index->row_count++] =
            (uint32_t)(index->end_count + index_count(ends & up_to, has_popcnt));
    }
    count = index_count(ends, has_popcnt);
    index_put(index->ends + index->end_count, at, ends, count);
    index->end_count += count;
    run->carry.inside = (uint64_t)((int64_t)inside >> 63);
    run->carry.after_end = ends >> 63;
    return bad == 0;
}

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

static inline __attribute__((always_inline)) uint64_t index_equal_sse2(const __m128i block[4],
                                                                       __m128i byte)
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

struct index_variant {
    const char *name;
    tow_csv_index_run *run;
    int (*works)(void);
};

static int index_works_anywhere(void)
{
    return 1;
}

#if defined(__x86_64__)
static int index_works_with_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("bmi");
}
#endif

/* Fastest first. */
static const struct index_variant index_variants[] = {
#if defined(__x86_64__)
    {"avx2", index_run_avx2, index_works_with_avx2},
    {"sse2", index_run_sse2, index_works_anywhere},
#endif
    {"scalar", index_run_scalar, index_works_anywhere},
};

tow_csv_index_run *tow_csv_index_choose(const char *name, struct tow_error *err)
{
    for (size_t i = 0; i < sizeof index_variants / sizeof *index_variants; i++) {
        const struct index_variant *variant = &index_variants[i];

        if (name && strcmp(name, variant->name) != 0)
            continue;
        if (variant->works())
            return variant->run;
        if (name) {
            tow_error_set(err, TOW_E_UNSUPPORTED, "this processor cannot run the index \"%s\"",
                          name);
            return NULL;
        }
    }
    tow_error_set(err, TOW_E_CONFIG, "there is no index \"%s\" here: scalar, sse2 or avx2",
                  name ? name : "");
    return NULL;
}
