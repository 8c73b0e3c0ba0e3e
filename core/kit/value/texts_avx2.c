/*
 * Converters without a branch on the text, for processors with AVX2. Numbers go one at a time in
 * half a register, many on their way at once; one that is not of the usual shape is marked, and
 * goes to the single parser when the others are done. Times go eight at a time, or where one of
 * them is unusual, all eight to the single parser.
 *
 * For numbers, comparisons are written as arithmetic on purpose: an instruction that sets one byte
 * by a flag waits for what the register held before, which here is the result of the row before.
 */
#include "kit/value/texts.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kit/value/digits.h"
#include "towpath/value.h"

#define TEXTS_AVX2   __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#define TEXTS_INLINE static inline __attribute__((always_inline)) TEXTS_AVX2

int tow_texts_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

TEXTS_INLINE __m128i texts_load(const void *bytes)
{
    return _mm_loadu_si128(bytes);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* From place n on: 0xFF in the last n bytes of sixteen, for n up to 31. */
static const uint8_t texts_last[48] = {
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
};

/* Places of sixteen bytes of which the one at place p is left out, and those before it move up; p
 * 16: none. */
static const int8_t texts_without[17][16] = {
#define ROW(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
    {                                                       \
        a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p      \
    }
    ROW(-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15),
    ROW(-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
    ROW(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
#undef ROW
};

/* Sixteen digit values to the number that they spell. */
TEXTS_INLINE uint64_t texts_spell(__m128i digits)
{
    uint64_t halves;

    digits = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(0x00010064));
    digits = _mm_packus_epi32(digits, digits);
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(0x00012710));
    halves = (uint64_t)_mm_cvtsi128_si64(digits);
    return (halves & UINT32_MAX) * 100000000 + (halves >> 32);
}

/* 1 where a number is 0, and where it is less than another; both below 2^31. */
TEXTS_INLINE uint32_t texts_is_zero(uint32_t number)
{
    return (number - 1) >> 31;
}

TEXTS_INLINE uint32_t texts_is_less(uint32_t number, uint32_t than)
{
    return (number - than) >> 31;
}

/* Not 0 where a byte is above the one of `most`. */
TEXTS_INLINE uint32_t texts_above(__m128i values, __m128i most)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(values, most), most)) ^ 0xFFFF;
}

/* Rows that are marked and not null go one by one; what is bad among them. */
#define TEXTS_REDO(texts, marks, any, parse)                         \
    do {                                                             \
        for (unsigned row = 0; (any) && row < (texts)->count; row++) \
            if ((marks)[row] && !((texts)->null >> row & 1))         \
                bad |= parse;                                        \
    } while (0)

/* A text, and its '-'. */
struct texts_number {
    __m128i bytes; /* the last sixteen */
    __m128i used;  /* 0xFF where they are text behind the sign */
    uint64_t negative;
    uint32_t length; /* behind the sign; more than 16 is marked */
};

TEXTS_INLINE struct texts_number texts_take(const struct tow_texts *texts, unsigned row)
{
    const char *text = texts->base + texts->start[row];
    uint32_t length = texts->length[row];
    struct texts_number number = {.bytes = texts_load(text + length - 16)};

    number.negative = texts_is_zero((unsigned char)*text ^ '-');
    number.length = length - (uint32_t)number.negative;
    number.used = texts_load(texts_last + (number.length & 31));
    return number;
}

/* Not 0 unless there are 1 to 16 bytes. */
TEXTS_INLINE uint32_t texts_odd_length(const struct texts_number *number)
{
    return (number->length - 1) >> 4;
}

TEXTS_AVX2 static uint64_t texts_int64_avx2(const struct tow_texts *texts, int64_t *out)
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);
    uint32_t odd[TOW_TEXTS_MAX], any = 0;
    uint64_t bad = 0;

    for (unsigned row = 0; row < texts->count; row++) {
        struct texts_number number = texts_take(texts, row);
        __m128i digits = _mm_and_si128(_mm_sub_epi8(number.bytes, zero), number.used);
        uint64_t sign = 0 - number.negative;

        odd[row] = texts_above(digits, nine) | texts_odd_length(&number);
        any |= odd[row];
        out[row] = (int64_t)((texts_spell(digits) ^ sign) - sign);
    }
    TEXTS_REDO(texts, odd, any, tow_texts_int64_rows(texts, row, 1, out));
    return bad;
}

TEXTS_AVX2 uint64_t tow_texts_integer_avx2(const struct tow_texts_converter *converter,
                                           const struct tow_texts *texts, void *out)
{
    int64_t values[TOW_TEXTS_MAX];
    uint64_t bad;

    if (converter->type.id == TOW_TYPE_INT64)
        return texts_int64_avx2(texts, out);
    bad = texts_int64_avx2(texts, values);
    return bad | tow_texts_narrow(converter->type, values, texts->count, texts->null, out);
}

TEXTS_AVX2 uint64_t tow_texts_float64_avx2(const struct tow_texts_converter *converter,
                                           const struct tow_texts *texts, void *out)
{
    static const double powers[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), dot = _mm_set1_epi8('.');
    uint32_t odd[TOW_TEXTS_MAX], any = 0;
    double *values = out;
    uint64_t bad = 0;

    (void)converter;
    for (unsigned row = 0; row < texts->count; row++) {
        struct texts_number number = texts_take(texts, row);
        __m128i points = _mm_and_si128(_mm_cmpeq_epi8(number.bytes, dot), number.used);
        uint32_t point = (uint32_t)__builtin_ctz((uint32_t)_mm_movemask_epi8(points) | 0x10000u);
        uint32_t pointed = texts_is_less(point, 16), decimals = (15 - point) & 15 & (0 - pointed);
        __m128i digits = _mm_and_si128(_mm_sub_epi8(number.bytes, zero), number.used);
        uint64_t whole, bits;
        double value;

        digits = _mm_shuffle_epi8(digits, texts_load(texts_without[point]));
        whole = texts_spell(digits);
        odd[row] = texts_above(digits, nine) | texts_odd_length(&number) |
                   texts_is_zero(number.length - pointed) | (uint32_t)(whole >> 53);
        any |= odd[row];
        /* Up to here both numbers are exact, and their quotient is rounded once. */
        value = (double)(int64_t)whole / powers[decimals];
        memcpy(&bits, &value, sizeof bits);
        bits |= number.negative << 63;
        memcpy(&values[row], &bits, sizeof bits);
    }
    TEXTS_REDO(texts, odd, any, tow_texts_float64_rows(texts, row, 1, values));
    return bad;
}

/* ---- dates and timestamps ------------------------------------------------------------------- */

/*
 * Eight at a time: a register holds two, rows i and i + 4 of the group, so that pairs of registers
 * interleave to rows in order.
 */
#define TIMES 8

/* Stands in for null: a text of each shape begins with it. */
static const char texts_some_time[48] = "1970-01-01T00:00:00.000000Z";

/* Sixteen bytes for both halves. */
#define TEXTS_HALVES(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
    _mm256_broadcastsi128_si256(_mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))

/* All ones where a byte is above the one of `most`. */
TEXTS_INLINE __m256i texts_above256(__m256i values, __m256i most)
{
    return _mm256_xor_si256(_mm256_cmpeq_epi8(_mm256_max_epu8(values, most), most),
                            _mm256_set1_epi8(-1));
}

/* Where eight texts begin; not 0 where one that is not null has another length. */
TEXTS_INLINE uint32_t texts_take_times(const struct tow_texts *texts, unsigned row, uint32_t length,
                                       const char *at[TIMES])
{
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    uint32_t null = (uint32_t)(texts->null >> row) & 0xFF;
    __m256i nulls = _mm256_and_si256(_mm256_set1_epi32((int)null), bits);
    __m256i lengths = _mm256_loadu_si256((const void *)(texts->length + row));
    __m256i fits = _mm256_or_si256(_mm256_cmpeq_epi32(lengths, _mm256_set1_epi32((int)length)),
                                   _mm256_cmpeq_epi32(nulls, bits));

    for (unsigned i = 0; i < TIMES; i++)
        at[i] = texts->base + texts->start[row + i];
    for (uint32_t left = null; left; left &= left - 1)
        at[__builtin_ctz(left)] = texts_some_time;
    return ~(uint32_t)_mm256_movemask_epi8(fits);
}

/* The texts of rows i and i + 4. */
TEXTS_INLINE __m256i texts_load2(const char *const at[TIMES], unsigned i)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(texts_load(at[i])), texts_load(at[i + 4]),
                                   1);
}

/* No such day; all ones in its row. Years are 0 to 9999, the others have two digits. */
TEXTS_INLINE __m256i texts_bad_day(__m256i year, __m256i month, __m256i day)
{
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi32(1);
    const __m256i days = TEXTS_HALVES(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0);
    /* y / 100 by a product; a year whose rest is 0 is leap by its century. */
    __m256i century = _mm256_srli_epi32(_mm256_mullo_epi32(year, _mm256_set1_epi32(5243)), 19);
    __m256i rest = _mm256_sub_epi32(year, _mm256_mullo_epi32(century, _mm256_set1_epi32(100)));
    __m256i which = _mm256_blendv_epi8(year, century, _mm256_cmpeq_epi32(rest, zero));
    __m256i leap = _mm256_cmpeq_epi32(_mm256_and_si256(which, _mm256_set1_epi32(3)), zero);
    __m256i small = _mm256_min_epu32(month, _mm256_set1_epi32(15));
    __m256i most = _mm256_and_si256(_mm256_shuffle_epi8(days, small), _mm256_set1_epi32(0xFF));
    __m256i february = _mm256_cmpeq_epi32(month, _mm256_set1_epi32(2));

    most = _mm256_add_epi32(most, _mm256_and_si256(_mm256_and_si256(leap, february), one));
    return _mm256_or_si256(
        _mm256_or_si256(_mm256_cmpgt_epi32(day, most), _mm256_cmpgt_epi32(one, day)),
        _mm256_cmpeq_epi32(year, zero));
}

/* tow_calendar_days for years 0 to 9999. */
TEXTS_INLINE __m256i texts_days(__m256i year, __m256i month, __m256i day)
{
    __m256i early = _mm256_cmpgt_epi32(_mm256_set1_epi32(3), month); /* -1 */
    __m256i y = _mm256_add_epi32(_mm256_add_epi32(year, _mm256_set1_epi32(400)), early);
    __m256i m = _mm256_add_epi32(month, _mm256_and_si256(early, _mm256_set1_epi32(12)));
    __m256i century = _mm256_srli_epi32(_mm256_mullo_epi32(y, _mm256_set1_epi32(5243)), 19);
    __m256i days = _mm256_srli_epi32(_mm256_mullo_epi32(y, _mm256_set1_epi32(1461)), 2);

    days = _mm256_add_epi32(_mm256_sub_epi32(days, century), _mm256_srli_epi32(century, 2));
    m = _mm256_sub_epi32(_mm256_mullo_epi32(m, _mm256_set1_epi32(979)), _mm256_set1_epi32(2919));
    days = _mm256_add_epi32(days, _mm256_srli_epi32(m, 5));
    return _mm256_add_epi32(days, _mm256_sub_epi32(day, _mm256_set1_epi32(1 + 719468 + 146097)));
}

/* The two words of 32 bits that stand at the even and odd places of each row, as pairs of rows in
 * order. */
TEXTS_INLINE __m256i texts_evens(__m256i low, __m256i high)
{
    return _mm256_castps_si256(
        _mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0x88));
}

TEXTS_INLINE __m256i texts_odds(__m256i low, __m256i high)
{
    return _mm256_castps_si256(
        _mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0xDD));
}

/* Eight digit values a row, four rows a register: two numbers each, the first two pairs weighed 100
 * and 1, the next two 128 and 1. */
TEXTS_INLINE __m256i texts_pairs(__m256i digits)
{
    const __m256i weights =
        _mm256_broadcastsi128_si256(_mm_setr_epi16(100, 1, 128, 1, 100, 1, 128, 1));

    return _mm256_madd_epi16(_mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A)), weights);
}

/* Eight dates at the start of `texts` (see texts_load2). What is bad is not zero in *bad. */
TEXTS_INLINE __m256i texts_dates(const __m256i texts[4], __m256i *bad)
{
    const __m256i places = TEXTS_HALVES(0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i marked = TEXTS_HALVES(0, 0, 0, 0, -1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i marks = TEXTS_HALVES(0, 0, 0, 0, '-', 0, 0, '-', 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i zero = _mm256_set1_epi8('0'), nine = _mm256_set1_epi8(9);
    __m256i rows[4], low, high, year, month_day, month, day;

    for (unsigned i = 0; i < 4; i++) {
        *bad = _mm256_or_si256(*bad, _mm256_xor_si256(_mm256_and_si256(texts[i], marked), marks));
        rows[i] = _mm256_shuffle_epi8(texts[i], places);
    }
    low = _mm256_sub_epi8(_mm256_unpacklo_epi64(rows[0], rows[1]), zero);
    high = _mm256_sub_epi8(_mm256_unpacklo_epi64(rows[2], rows[3]), zero);
    *bad = _mm256_or_si256(*bad,
                           _mm256_or_si256(texts_above256(low, nine), texts_above256(high, nine)));
    low = texts_pairs(low);
    high = texts_pairs(high);
    year = texts_evens(low, high);
    month_day = texts_odds(low, high);
    month = _mm256_srli_epi32(month_day, 7);
    day = _mm256_and_si256(month_day, _mm256_set1_epi32(127));
    *bad = _mm256_or_si256(*bad, texts_bad_day(year, month, day));
    return texts_days(year, month, day);
}

TEXTS_AVX2 uint64_t tow_texts_date_avx2(const struct tow_texts_converter *converter,
                                        const struct tow_texts *texts, void *out)
{
    int32_t *values = out;
    uint64_t all_bad = 0;
    unsigned row = 0;

    (void)converter;
    for (; row + TIMES <= texts->count; row += TIMES) {
        const char *at[TIMES];
        uint32_t odd = texts_take_times(texts, row, 10, at);
        __m256i bad = _mm256_setzero_si256(), lanes[4], days;

        for (unsigned i = 0; i < 4; i++)
            lanes[i] = texts_load2(at, i);
        days = texts_dates(lanes, &bad);
        if (__builtin_expect(odd || !_mm256_testz_si256(bad, bad), 0)) {
            all_bad |= tow_texts_date_rows(texts, row, TIMES, values);
            continue;
        }
        _mm256_storeu_si256((void *)(values + row), days);
    }
    return all_bad | tow_texts_date_rows(texts, row, texts->count - row, values);
}

/* Four bytes of each text from place `place` on. */
TEXTS_INLINE __m256i texts_words_at(const char *const at[TIMES], unsigned place)
{
    uint32_t words[TIMES] __attribute__((aligned(32)));

    for (unsigned i = 0; i < TIMES; i++)
        memcpy(&words[i], at[i] + place, sizeof *words);
    return _mm256_load_si256((const void *)words);
}

#define SHAPE(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* Checks eight words against `shape`: digits where it has '0', else the same byte. What digits
 * there are, times their weights, summed. */
TEXTS_INLINE __m256i texts_weigh(__m256i words, uint32_t shape, uint32_t weights, __m256i *bad)
{
    const __m256i shapes = _mm256_set1_epi32((int)shape);
    const __m256i figures = _mm256_cmpeq_epi8(shapes, _mm256_set1_epi8('0'));
    __m256i values = _mm256_sub_epi8(words, shapes); /* 0 where a byte is the shape's own */

    *bad = _mm256_or_si256(*bad,
                           texts_above256(values, _mm256_and_si256(figures, _mm256_set1_epi8(9))));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(values, _mm256_set1_epi32((int)weights)),
                             _mm256_set1_epi16(1));
}

/* What stands behind the seconds, of texts of this length, as microseconds. */
TEXTS_INLINE __m256i texts_fraction(const char *const at[TIMES], uint32_t length, __m256i *bad)
{
    const __m256i thousand = _mm256_set1_epi32(1000);
    __m256i first, last;

    if (length == 24) {
        first = texts_weigh(texts_words_at(at, 20), SHAPE('0', '0', '0', 'Z'), SHAPE(100, 10, 1, 0),
                            bad);
        return _mm256_mullo_epi32(first, thousand);
    }
    if (length != 27)
        return _mm256_setzero_si256();
    first =
        texts_weigh(texts_words_at(at, 19), SHAPE('.', '0', '0', '0'), SHAPE(0, 100, 10, 1), bad);
    last =
        texts_weigh(texts_words_at(at, 23), SHAPE('0', '0', '0', 'Z'), SHAPE(100, 10, 1, 0), bad);
    return _mm256_add_epi32(_mm256_mullo_epi32(first, thousand), last);
}

/* Four rows: days, and seconds and microseconds of the day. */
TEXTS_INLINE void texts_store_times(__m128i days, __m128i seconds, __m128i micros, int64_t *out)
{
    /* 86400 seconds and 10^6 microseconds: both products fit, since days have 23 bits at most. */
    __m256i second =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_cvtepi32_epi64(days), _mm256_set1_epi64x(86400)),
                         _mm256_cvtepi32_epi64(seconds));
    /* Seconds have 38 bits: their upper and lower words are multiplied apart. */
    __m256i million = _mm256_set1_epi64x(1000000);
    __m256i low = _mm256_mul_epu32(second, million);
    __m256i high = _mm256_mul_epi32(_mm256_srli_epi64(second, 32), million);
    __m256i all = _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));

    _mm256_storeu_si256((void *)out, _mm256_add_epi64(all, _mm256_cvtepi32_epi64(micros)));
}

/* Eight timestamps of one length; not 0 where something is bad about them. */
TEXTS_INLINE int texts_times(const char *const at[TIMES], uint32_t length, int64_t *out)
{
    const __m256i behind =
        TEXTS_HALVES(11, 12, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i marked = TEXTS_HALVES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0);
    const __m256i marks = TEXTS_HALVES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', 0, 0);
    const __m256i tee = TEXTS_HALVES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0);
    const __m256i digits = _mm256_set1_epi32(0x30303030), nine = _mm256_set1_epi8(9);
    const __m256i hour_most = _mm256_set1_epi32(23), most = _mm256_set1_epi32(59);
    __m256i bad = _mm256_setzero_si256(), lanes[4], clocks[4], low, high, clock, days, end;
    __m256i hour, minute, second, micros;

    for (unsigned i = 0; i < 4; i++) {
        __m256i small, neither;

        lanes[i] = texts_load2(at, i);
        small = _mm256_or_si256(lanes[i], _mm256_set1_epi8(0x20));
        neither = _mm256_or_si256(_mm256_cmpeq_epi8(small, _mm256_set1_epi8('t')),
                                  _mm256_cmpeq_epi8(lanes[i], _mm256_set1_epi8(' ')));
        bad = _mm256_or_si256(bad, _mm256_andnot_si256(neither, tee));
        bad = _mm256_or_si256(bad, _mm256_xor_si256(_mm256_and_si256(lanes[i], marked), marks));
        clocks[i] = _mm256_shuffle_epi8(lanes[i], behind);
    }
    days = texts_dates(lanes, &bad);
    /* Rows 0 1 | 4 5 and 2 3 | 6 7, the first word of each. */
    low = _mm256_unpacklo_epi64(clocks[0], clocks[1]);
    high = _mm256_unpacklo_epi64(clocks[2], clocks[3]);
    clock = _mm256_sub_epi8(texts_evens(low, high), digits);
    bad = _mm256_or_si256(bad, texts_above256(clock, nine));
    clock = _mm256_maddubs_epi16(clock, _mm256_set1_epi16(0x010A));
    hour = _mm256_and_si256(clock, _mm256_set1_epi32(0xFFFF));
    minute = _mm256_srli_epi32(clock, 16);
    end = texts_words_at(at, 16);
    if (length > 19) {
        const __m256i last = _mm256_set1_epi32((int)0xFF000000);
        const __m256i mark = _mm256_set1_epi32((int)SHAPE(0, 0, 0, length == 20 ? 'Z' : '.'));

        bad = _mm256_or_si256(bad, _mm256_xor_si256(_mm256_and_si256(end, last), mark));
    }
    end = _mm256_and_si256(end, _mm256_set1_epi32(0xFFFFFF));
    second = texts_weigh(end, SHAPE(':', '0', '0', 0), SHAPE(0, 10, 1, 0), &bad);
    bad = _mm256_or_si256(bad, _mm256_or_si256(_mm256_cmpgt_epi32(hour, hour_most),
                                               _mm256_or_si256(_mm256_cmpgt_epi32(minute, most),
                                                               _mm256_cmpgt_epi32(second, most))));
    micros = texts_fraction(at, length, &bad);
    second = _mm256_add_epi32(second, _mm256_mullo_epi32(hour, _mm256_set1_epi32(3600)));
    second = _mm256_add_epi32(second, _mm256_mullo_epi32(minute, _mm256_set1_epi32(60)));
    texts_store_times(_mm256_castsi256_si128(days), _mm256_castsi256_si128(second),
                      _mm256_castsi256_si128(micros), out);
    texts_store_times(_mm256_extracti128_si256(days, 1), _mm256_extracti128_si256(second, 1),
                      _mm256_extracti128_si256(micros, 1), out + 4);
    return !_mm256_testz_si256(bad, bad);
}

TEXTS_AVX2 uint64_t tow_texts_timestamp_avx2(const struct tow_texts_converter *converter,
                                             const struct tow_texts *texts, void *out)
{
    int no_zone = converter->type.id == TOW_TYPE_TIMESTAMP_NTZ;
    int64_t *values = out;
    uint64_t all_bad = 0;
    unsigned row = 0;

    for (; row + TIMES <= texts->count; row += TIMES) {
        uint64_t valid = ~texts->null >> row & 0xFF;
        uint32_t length = valid ? texts->length[row + (unsigned)__builtin_ctzll(valid)] : 19;
        const char *at[TIMES];
        int odd = texts_take_times(texts, row, length, at) != 0;

        odd |= length != 19 && (no_zone || (length != 20 && length != 24 && length != 27));
        if (!odd)
            odd = texts_times(at, length, values + row);
        if (__builtin_expect(odd, 0))
            all_bad |= tow_texts_timestamp_rows(texts, row, TIMES, no_zone, values);
    }
    return all_bad | tow_texts_timestamp_rows(texts, row, texts->count - row, no_zone, values);
}

#endif
