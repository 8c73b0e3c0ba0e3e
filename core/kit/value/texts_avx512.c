/*
 * Converters that take eight or sixteen texts at a time, for processors with AVX-512. What is not
 * of the usual shape goes to the plain ones, a group at a time.
 *
 * Four texts lie in a register, sixteen bytes each, in a lane of their own: numbers end with their
 * lane, times begin with it. A lane's sixteen bits in a mask stand for its bytes.
 */
#include "kit/value/texts.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TEXTS_512    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,bmi,bmi2")))
#define TEXTS_INLINE static inline __attribute__((always_inline)) TEXTS_512

/* Sixteen bytes for each of the four lanes. */
#define TEXTS_LANES(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
    _mm512_broadcast_i32x4(_mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))

int tow_texts_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("bmi2");
}

TEXTS_INLINE __m128i texts_load(const char *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

TEXTS_INLINE __m512i texts_load4(const char *const *at)
{
    __m512i lanes = _mm512_castsi128_si512(texts_load(at[0]));

    lanes = _mm512_inserti32x4(lanes, texts_load(at[1]), 1);
    lanes = _mm512_inserti32x4(lanes, texts_load(at[2]), 2);
    return _mm512_inserti32x4(lanes, texts_load(at[3]), 3);
}

/* ---- numbers -------------------------------------------------------------------------------- */

#define NUMBERS 8 /* at a time, in two registers */

/* What eight texts are made of; masks of the rows 0 to 3, and 4 to 7. */
struct texts_numbers {
    __m512i bytes[2];
    uint64_t used[2];  /* bytes that are text */
    uint64_t minus[2]; /* '-' in front; it is no digit */
    __mmask8 negative; /* rows */
    uint64_t bad;      /* not 0: this group is for the plain way */
};

TEXTS_INLINE __m128i texts_words(const uint64_t mask[2])
{
    return _mm_set_epi64x((long long)mask[1], (long long)mask[0]);
}

TEXTS_INLINE void texts_split(__m128i words, uint64_t mask[2])
{
    mask[0] = (uint64_t)_mm_cvtsi128_si64(words);
    mask[1] = (uint64_t)_mm_extract_epi64(words, 1);
}

TEXTS_INLINE void texts_take_numbers(const struct tow_texts *texts, unsigned row,
                                     struct texts_numbers *out)
{
    const uint64_t lane_first = UINT64_C(0x0001000100010001);
    __m256i length = _mm256_loadu_si256((const __m256i *)(const void *)(texts->length + row));
    __m256i shift = _mm256_sub_epi32(_mm256_set1_epi32(16), length);
    __m256i used = _mm256_sllv_epi32(_mm256_set1_epi32(0xFFFF), shift);
    const char *at[NUMBERS];

    for (unsigned i = 0; i < NUMBERS; i++)
        at[i] = texts->base + texts->start[row + i] + texts->length[row + i] - 16;
    out->bytes[0] = texts_load4(at);
    out->bytes[1] = texts_load4(at + 4);
    texts_split(_mm256_cvtepi32_epi16(used), out->used);
    out->bad = _mm256_cmpgt_epu32_mask(length, _mm256_set1_epi32(16)) |
               (_mm256_testn_epi32_mask(length, length) & ~(texts->null >> row));
    for (unsigned i = 0; i < 2; i++) {
        uint64_t not_first = (out->used[i] << 1) & ~lane_first;

        out->minus[i] =
            _mm512_mask_cmpeq_epi8_mask(out->used[i], out->bytes[i], _mm512_set1_epi8('-'));
        out->bad |= out->minus[i] & (not_first | lane_first << 15);
    }
    out->negative = _mm_test_epi16_mask(texts_words(out->minus), texts_words(out->minus));
}

/* Digit values of four rows, right in their lanes, to the numbers that they spell; two registers
 * become one, in order of row. */
TEXTS_INLINE __m512i texts_spell(__m512i low, __m512i high)
{
    const __m512i tens = _mm512_set1_epi16(0x010A), hundreds = _mm512_set1_epi32(0x00010064);
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i all;

    low = _mm512_madd_epi16(_mm512_maddubs_epi16(low, tens), hundreds);
    high = _mm512_madd_epi16(_mm512_maddubs_epi16(high, tens), hundreds);
    all = _mm512_madd_epi16(_mm512_packus_epi32(low, high), _mm512_set1_epi32(0x00012710));
    all = _mm512_add_epi64(_mm512_mul_epu32(all, _mm512_set1_epi64(100000000)),
                           _mm512_srli_epi64(all, 32));
    return _mm512_permutexvar_epi64(order, all);
}

TEXTS_INLINE __m512i texts_digits(const struct texts_numbers *numbers, unsigned i)
{
    return _mm512_maskz_sub_epi8(numbers->used[i] & ~numbers->minus[i], numbers->bytes[i],
                                 _mm512_set1_epi8('0'));
}

TEXTS_INLINE uint64_t texts_not_digits(__m512i values)
{
    return _mm512_cmpgt_epu8_mask(values, _mm512_set1_epi8(9));
}

static TEXTS_512 uint64_t texts_int64_512(const struct tow_texts *texts, int64_t *out)
{
    uint64_t bad = 0;
    unsigned row = 0;

    for (; row + NUMBERS <= texts->count; row += NUMBERS) {
        struct texts_numbers numbers;
        __m512i low, high, values;

        texts_take_numbers(texts, row, &numbers);
        low = texts_digits(&numbers, 0);
        high = texts_digits(&numbers, 1);
        numbers.bad |= texts_not_digits(low) | texts_not_digits(high);
        if (__builtin_expect(numbers.bad != 0, 0)) {
            bad |= tow_texts_int64_rows(texts, row, NUMBERS, out);
            continue;
        }
        values = texts_spell(low, high);
        values = _mm512_mask_sub_epi64(values, numbers.negative, _mm512_setzero_si512(), values);
        _mm512_storeu_si512(out + row, values);
    }
    return bad | tow_texts_int64_rows(texts, row, texts->count - row, out);
}

TEXTS_512 uint64_t tow_texts_integer_avx512(const struct tow_texts_converter *converter,
                                            const struct tow_texts *texts, void *out)
{
    int64_t values[TOW_TEXTS_MAX];
    uint64_t bad;

    if (converter->type.id == TOW_TYPE_INT64)
        return texts_int64_512(texts, out);
    bad = texts_int64_512(texts, values);
    return bad | tow_texts_narrow(converter->type, values, texts->count, texts->null, out);
}

/* The point goes, and what stands in front of it moves up; *decimals of each row. */
TEXTS_INLINE void texts_drop_points(struct texts_numbers *numbers, __m512i digits[2],
                                    __m256i *decimals)
{
    const __m512i places = TEXTS_LANES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint64_t points[2], moved[2], figures[2];
    __m128i words, up_to;
    __mmask8 pointed;

    for (unsigned i = 0; i < 2; i++) {
        points[i] =
            _mm512_mask_cmpeq_epi8_mask(numbers->used[i], numbers->bytes[i], _mm512_set1_epi8('.'));
        figures[i] = numbers->used[i] & ~numbers->minus[i] & ~points[i];
    }
    words = texts_words(points);
    pointed = _mm_test_epi16_mask(words, words);
    /* The lowest bit and all below it. */
    up_to = _mm_xor_si128(words, _mm_add_epi16(words, _mm_set1_epi16(-1)));
    texts_split(_mm_maskz_mov_epi16(pointed, up_to), moved);
    for (unsigned i = 0; i < 2; i++) {
        __m512i from = _mm512_mask_sub_epi8(places, moved[i], places, _mm512_set1_epi8(1));

        digits[i] = _mm512_shuffle_epi8(texts_digits(numbers, i), from);
    }
    *decimals =
        _mm256_sub_epi32(_mm256_lzcnt_epi32(_mm256_cvtepu16_epi32(words)), _mm256_set1_epi32(16));
    *decimals = _mm256_maskz_mov_epi32(pointed, *decimals);
    /* A row with no digit at all. */
    words = texts_words(figures);
    numbers->bad |= _mm_testn_epi16_mask(words, words) &
                    _mm_test_epi16_mask(texts_words(numbers->used), texts_words(numbers->used));
}

TEXTS_512 uint64_t tow_texts_float64_avx512(const struct tow_texts_converter *converter,
                                            const struct tow_texts *texts, void *out)
{
    const __m512d low_powers = _mm512_setr_pd(1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7);
    const __m512d high_powers = _mm512_setr_pd(1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15);
    double *values = out;
    uint64_t bad = 0;
    unsigned row = 0;

    (void)converter;
    for (; row + NUMBERS <= texts->count; row += NUMBERS) {
        struct texts_numbers numbers;
        __m512i digits[2], whole;
        __m256i decimals;
        __m512d value;

        texts_take_numbers(texts, row, &numbers);
        texts_drop_points(&numbers, digits, &decimals);
        numbers.bad |= texts_not_digits(digits[0]) | texts_not_digits(digits[1]);
        whole = texts_spell(digits[0], digits[1]);
        /* Up to here both numbers are exact, and their quotient is rounded once. */
        numbers.bad |= _mm512_cmpgt_epu64_mask(whole, _mm512_set1_epi64(INT64_C(1) << 53));
        if (__builtin_expect(numbers.bad != 0, 0)) {
            bad |= tow_texts_float64_rows(texts, row, NUMBERS, values);
            continue;
        }
        value = _mm512_permutex2var_pd(low_powers, _mm512_cvtepu32_epi64(decimals), high_powers);
        value = _mm512_div_pd(_mm512_cvtepu64_pd(whole), value);
        value = _mm512_mask_xor_pd(value, numbers.negative, value, _mm512_set1_pd(-0.0));
        _mm512_storeu_pd(values + row, value);
    }
    return bad | tow_texts_float64_rows(texts, row, texts->count - row, values);
}

/* ---- dates ---------------------------------------------------------------------------------- */

#define TIMES 16 /* at a time, in four registers */

/* Stands in for null: a text of each shape begins with it. */
static const char texts_some_time[48] = "1970-01-01T00:00:00.000000Z";

/* Year, month and day of sixteen rows to days since 1970: tow_calendar_days for years 0 to 9999. */
TEXTS_INLINE __m512i texts_days(__m512i year, __m512i month, __m512i day)
{
    __mmask16 early = _mm512_cmplt_epi32_mask(month, _mm512_set1_epi32(3));
    __m512i y = _mm512_add_epi32(year, _mm512_set1_epi32(400));
    __m512i m = _mm512_mask_add_epi32(month, early, month, _mm512_set1_epi32(12));
    __m512i century, days;

    y = _mm512_mask_sub_epi32(y, early, y, _mm512_set1_epi32(1));
    century = _mm512_srli_epi32(_mm512_mullo_epi32(y, _mm512_set1_epi32(5243)), 19);
    days = _mm512_srli_epi32(_mm512_mullo_epi32(y, _mm512_set1_epi32(1461)), 2);
    days = _mm512_add_epi32(_mm512_sub_epi32(days, century), _mm512_srli_epi32(century, 2));
    m = _mm512_sub_epi32(_mm512_mullo_epi32(m, _mm512_set1_epi32(979)), _mm512_set1_epi32(2919));
    days = _mm512_add_epi32(days, _mm512_srli_epi32(m, 5));
    return _mm512_add_epi32(days, _mm512_sub_epi32(day, _mm512_set1_epi32(1 + 719468 + 146097)));
}

/* No such day, or one that is not plain to see: February 29. */
TEXTS_INLINE __mmask16 texts_bad_day(__m512i year, __m512i month, __m512i day)
{
    const __m512i last =
        _mm512_setr_epi32(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0);
    __m512i most = _mm512_permutexvar_epi32(month, last);

    return _mm512_cmpgt_epu32_mask(month, _mm512_set1_epi32(12)) |
           _mm512_testn_epi32_mask(year, year) |
           _mm512_cmpge_epu32_mask(_mm512_sub_epi32(day, _mm512_set1_epi32(1)), most);
}

/* Pairs of digits in order, as `places` finds them in each lane, to words of 16 bits: year, then
 * two and two in 7 bits each. `figures` are the bytes that must be digits then. */
TEXTS_INLINE __m512i texts_pairs(__m512i lanes, __m512i places, uint64_t figures, uint64_t *bad)
{
    const __m512i weights = _mm512_broadcast_i32x4(_mm_setr_epi16(100, 1, 128, 1, 128, 1, 0, 0));
    __m512i digits = _mm512_sub_epi8(_mm512_shuffle_epi8(lanes, places), _mm512_set1_epi8('0'));

    *bad |= _mm512_mask_cmpgt_epu8_mask(figures, digits, _mm512_set1_epi8(9));
    return _mm512_madd_epi16(_mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A)), weights);
}

/* Word `word` and the next of each lane of four registers: sixteen first ones, sixteen next ones.
 */
TEXTS_INLINE void texts_transpose(const __m512i pairs[4], __m512i *year, __m512i *month_day)
{
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
    __m512i low = _mm512_permutex2var_epi32(pairs[0], order, pairs[1]);
    __m512i high = _mm512_permutex2var_epi32(pairs[2], order, pairs[3]);

    *year = _mm512_shuffle_i64x2(low, high, 0x44);
    *month_day = _mm512_shuffle_i64x2(low, high, 0xEE);
}

TEXTS_INLINE __m512i texts_third(const __m512i pairs[4])
{
    const __m512i order =
        _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 2, 6, 10, 14, 18, 22, 26, 30);
    __m512i low = _mm512_permutex2var_epi32(pairs[0], order, pairs[1]);
    __m512i high = _mm512_permutex2var_epi32(pairs[2], order, pairs[3]);

    return _mm512_shuffle_i64x2(low, high, 0x44);
}

/* Where sixteen texts begin; not 0 where one that is not null has another length. */
TEXTS_INLINE uint64_t texts_take_times(const struct tow_texts *texts, unsigned row, uint32_t length,
                                       const char *at[TIMES])
{
    uint64_t null = texts->null >> row & 0xFFFF;
    __m512i lengths = _mm512_loadu_si512(texts->length + row);

    for (unsigned i = 0; i < TIMES; i++)
        at[i] = texts->base + texts->start[row + i];
    for (uint64_t left = null; left; left &= left - 1)
        at[__builtin_ctzll(left)] = texts_some_time;
    return _mm512_cmpneq_epu32_mask(lengths, _mm512_set1_epi32((int)length)) & ~null;
}

TEXTS_512 uint64_t tow_texts_date_avx512(const struct tow_texts_converter *converter,
                                         const struct tow_texts *texts, void *out)
{
    const __m512i places = TEXTS_LANES(0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1);
    const uint64_t dashes = UINT64_C(0x0090009000900090);
    int32_t *values = out;
    uint64_t all_bad = 0;
    unsigned row = 0;

    (void)converter;
    for (; row + TIMES <= texts->count; row += TIMES) {
        __m512i pairs[4], year, month_day, month, day;
        const char *at[TIMES];
        uint64_t bad = texts_take_times(texts, row, 10, at);

        for (unsigned i = 0; i < 4; i++) {
            __m512i lanes = texts_load4(at + 4 * i);

            bad |= _mm512_mask_cmpneq_epi8_mask(dashes, lanes, _mm512_set1_epi8('-'));
            pairs[i] = texts_pairs(lanes, places, UINT64_C(0x00FF00FF00FF00FF), &bad);
        }
        texts_transpose(pairs, &year, &month_day);
        month = _mm512_srli_epi32(month_day, 7);
        day = _mm512_and_si512(month_day, _mm512_set1_epi32(127));
        bad |= texts_bad_day(year, month, day);
        if (__builtin_expect(bad != 0, 0)) {
            all_bad |= tow_texts_date_rows(texts, row, TIMES, values);
            continue;
        }
        _mm512_storeu_si512(values + row, texts_days(year, month, day));
    }
    return all_bad | tow_texts_date_rows(texts, row, texts->count - row, values);
}

/* ---- timestamps ----------------------------------------------------------------------------- */

/* Four bytes of each text from place `place` on. */
TEXTS_INLINE __m512i texts_words_at(const char *const at[TIMES], unsigned place)
{
    uint32_t words[TIMES] __attribute__((aligned(64)));

    for (unsigned i = 0; i < TIMES; i++)
        memcpy(&words[i], at[i] + place, sizeof *words);
    return _mm512_load_si512(words);
}

/* Checks bytes of sixteen words against `shape`: digits where it has '0', else the same byte.
 * Returns the digits' values; 0 elsewhere. */
TEXTS_INLINE __m512i texts_shape(__m512i words, uint32_t shape, uint64_t *bad)
{
    const __m512i shapes = _mm512_set1_epi32((int)shape);
    uint64_t figures = _mm512_cmpeq_epi8_mask(shapes, _mm512_set1_epi8('0'));
    __m512i values = _mm512_maskz_sub_epi8(figures, words, shapes);

    *bad |= _mm512_cmpgt_epu8_mask(values, _mm512_set1_epi8(9)) |
            _mm512_mask_cmpneq_epi8_mask(~figures, words, shapes);
    return values;
}

/* The bytes of words times their weights, summed. */
TEXTS_INLINE __m512i texts_weigh(__m512i values, uint32_t weights)
{
    return _mm512_madd_epi16(_mm512_maddubs_epi16(values, _mm512_set1_epi32((int)weights)),
                             _mm512_set1_epi16(1));
}

#define SHAPE(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* What stands behind the seconds, of texts of this length, as microseconds. */
TEXTS_INLINE __m512i texts_fraction(const char *const at[TIMES], uint32_t length, uint64_t *bad)
{
    __m512i first, last;

    if (length == 24) {
        first = texts_shape(texts_words_at(at, 20), SHAPE('0', '0', '0', 'Z'), bad);
        return _mm512_mullo_epi32(texts_weigh(first, SHAPE(100, 10, 1, 0)),
                                  _mm512_set1_epi32(1000));
    }
    if (length == 27) {
        first = texts_shape(texts_words_at(at, 19), SHAPE('.', '0', '0', '0'), bad);
        last = texts_shape(texts_words_at(at, 23), SHAPE('0', '0', '0', 'Z'), bad);
        first =
            _mm512_mullo_epi32(texts_weigh(first, SHAPE(0, 100, 10, 1)), _mm512_set1_epi32(1000));
        return _mm512_add_epi32(first, texts_weigh(last, SHAPE(100, 10, 1, 0)));
    }
    return _mm512_setzero_si512();
}

/* The byte behind the seconds, of texts of this length. */
TEXTS_INLINE uint64_t texts_bad_end(__m512i seconds, uint32_t length)
{
    char end = length == 20 ? 'Z' : '.';

    if (length == 19)
        return 0;
    return _mm512_mask_cmpneq_epi8_mask(UINT64_C(0x8888888888888888), seconds,
                                        _mm512_set1_epi8(end));
}

TEXTS_INLINE void texts_store_times(__m512i days, __m512i seconds, __m512i micros, int64_t *out)
{
    const __m512i day = _mm512_set1_epi64(86400000000), second = _mm512_set1_epi64(1000000);

    for (int i = 0; i < 2; i++) {
        __m512i d = _mm512_cvtepi32_epi64(i ? _mm512_extracti64x4_epi64(days, 1)
                                            : _mm512_castsi512_si256(days));
        __m512i s = _mm512_cvtepi32_epi64(i ? _mm512_extracti64x4_epi64(seconds, 1)
                                            : _mm512_castsi512_si256(seconds));
        __m512i u = _mm512_cvtepi32_epi64(i ? _mm512_extracti64x4_epi64(micros, 1)
                                            : _mm512_castsi512_si256(micros));

        d = _mm512_add_epi64(_mm512_mullo_epi64(d, day), _mm512_mul_epu32(s, second));
        _mm512_storeu_si512(out + 8 * i, _mm512_add_epi64(d, u));
    }
}

/* Sixteen timestamps of one length; what is bad about them. */
TEXTS_INLINE uint64_t texts_times(const char *const at[TIMES], uint32_t length, int64_t *out)
{
    const __m512i places = TEXTS_LANES(0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1);
    const __m512i marks = TEXTS_LANES(0, 0, 0, 0, '-', 0, 0, '-', 0, 0, 0, 0, 0, ':', 0, 0);
    const uint64_t marked = UINT64_C(0x2090209020902090), tee = UINT64_C(0x0400040004000400);
    __m512i pairs[4], year, month_day, month, day, clock, hour, minute, second, end;
    uint64_t bad = 0;

    for (unsigned i = 0; i < 4; i++) {
        __m512i lanes = texts_load4(at + 4 * i);
        __m512i small = _mm512_or_si512(lanes, _mm512_set1_epi8(0x20));

        bad |= _mm512_mask_cmpneq_epi8_mask(marked, lanes, marks);
        bad |= _mm512_mask_cmpneq_epi8_mask(tee, small, _mm512_set1_epi8('t')) &
               _mm512_cmpneq_epi8_mask(lanes, _mm512_set1_epi8(' '));
        pairs[i] = texts_pairs(lanes, places, UINT64_C(0x0FFF0FFF0FFF0FFF), &bad);
    }
    texts_transpose(pairs, &year, &month_day);
    clock = texts_third(pairs);
    month = _mm512_srli_epi32(month_day, 7);
    day = _mm512_and_si512(month_day, _mm512_set1_epi32(127));
    hour = _mm512_srli_epi32(clock, 7);
    minute = _mm512_and_si512(clock, _mm512_set1_epi32(127));
    end = texts_words_at(at, 16);
    bad |= texts_bad_end(end, length);
    end = _mm512_mask_mov_epi8(end, UINT64_C(0x8888888888888888), _mm512_set1_epi8('Z'));
    second = texts_weigh(texts_shape(end, SHAPE(':', '0', '0', 'Z'), &bad), SHAPE(0, 10, 1, 0));
    bad |= texts_bad_day(year, month, day) | _mm512_cmpgt_epu32_mask(hour, _mm512_set1_epi32(23)) |
           _mm512_cmpgt_epu32_mask(minute, _mm512_set1_epi32(59)) |
           _mm512_cmpgt_epu32_mask(second, _mm512_set1_epi32(59));
    second = _mm512_add_epi32(second, _mm512_mullo_epi32(hour, _mm512_set1_epi32(3600)));
    second = _mm512_add_epi32(second, _mm512_mullo_epi32(minute, _mm512_set1_epi32(60)));
    texts_store_times(texts_days(year, month, day), second, texts_fraction(at, length, &bad), out);
    return bad;
}

TEXTS_512 uint64_t tow_texts_timestamp_avx512(const struct tow_texts_converter *converter,
                                              const struct tow_texts *texts, void *out)
{
    int no_zone = converter->type.id == TOW_TYPE_TIMESTAMP_NTZ;
    int64_t *values = out;
    uint64_t all_bad = 0;
    unsigned row = 0;

    for (; row + TIMES <= texts->count; row += TIMES) {
        uint64_t valid = ~texts->null >> row & 0xFFFF;
        uint32_t length = valid ? texts->length[row + (unsigned)__builtin_ctzll(valid)] : 19;
        const char *at[TIMES];
        uint64_t bad = texts_take_times(texts, row, length, at);

        bad |= length != 19 && (no_zone || (length != 20 && length != 24 && length != 27));
        if (!bad)
            bad = texts_times(at, length, values + row);
        if (__builtin_expect(bad != 0, 0))
            all_bad |= tow_texts_timestamp_rows(texts, row, TIMES, no_zone, values);
    }
    return all_bad | tow_texts_timestamp_rows(texts, row, texts->count - row, no_zone, values);
}

#endif
