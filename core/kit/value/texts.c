#include "kit/value/texts.h"

#include <string.h>

#include "kit/value/calendar.h"
#include "kit/value/digits.h"
#include "towpath/value.h"

static inline uint64_t texts_bit(unsigned row)
{
    return UINT64_C(1) << row;
}

static inline const char *texts_get(const struct tow_texts *texts, unsigned row)
{
    return texts->base + texts->start[row];
}

/* ---- bool and integers ---------------------------------------------------------------------- */

#define WORD_TRUE   UINT64_C(0x65757274) /* as tow_load8 gives them */
#define WORD_FALSE  UINT64_C(0x65736C6166)
#define WORD_SMALL  (0x20 * TOW_BYTES_ONE) /* the bit that tells small letters from capitals */
#define WORD_FIRST4 UINT64_C(0xFFFFFFFF)
#define WORD_FIRST5 UINT64_C(0xFFFFFFFFFF)

/* true and false without a branch between them; the other words one by one. */
uint64_t tow_texts_bool(const struct tow_texts_converter *converter, const struct tow_texts *texts,
                        void *out)
{
    uint64_t bits = 0, others = 0, bad = 0;

    (void)converter;
    for (unsigned row = 0; row < texts->count; row++) {
        uint64_t word = tow_load8(texts_get(texts, row)) | WORD_SMALL;
        uint32_t length = texts->length[row];
        uint64_t yes = (length == 4) & ((word & WORD_FIRST4) == WORD_TRUE);
        uint64_t no = (length == 5) & ((word & WORD_FIRST5) == WORD_FALSE);

        bits |= yes << row;
        others |= (uint64_t) !(yes | no) << row;
    }
    for (others &= ~texts->null; others; others &= others - 1) {
        unsigned row = (unsigned)__builtin_ctzll(others);
        int value = 0;

        if (tow_parse_bool(texts_get(texts, row), texts->length[row], &value) != TOW_PARSE_OK)
            bad |= texts_bit(row);
        bits |= (uint64_t)value << row;
    }
    memcpy(out, &bits, sizeof bits);
    return bad;
}

uint64_t tow_texts_int64_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                              int64_t *out)
{
    uint64_t bad = 0;

    for (unsigned row = first; row < first + count; row++) {
        out[row] = 0;
        if (tow_parse_int64(texts_get(texts, row), texts->length[row], &out[row]) != TOW_PARSE_OK)
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

/* `type` is constant in each use: a loop that checks and cuts. */
#define TEXTS_NARROW(type)                                        \
    do {                                                          \
        type *narrow = out;                                       \
        for (unsigned row = 0; row < count; row++) {              \
            narrow[row] = (type)values[row];                      \
            over |= (uint64_t)(narrow[row] != values[row]);       \
        }                                                         \
        for (unsigned row = 0; over && row < count; row++)        \
            bad |= (uint64_t)(narrow[row] != values[row]) << row; \
    } while (0)

uint64_t tow_texts_narrow(struct tow_type type, const int64_t *values, unsigned count,
                          uint64_t null, void *out)
{
    uint64_t bad = 0, over = 0;

    switch (type.id) {
    case TOW_TYPE_INT8:
        TEXTS_NARROW(int8_t);
        break;
    case TOW_TYPE_INT16:
        TEXTS_NARROW(int16_t);
        break;
    case TOW_TYPE_INT32:
        TEXTS_NARROW(int32_t);
        break;
    case TOW_TYPE_UINT8:
        TEXTS_NARROW(uint8_t);
        break;
    case TOW_TYPE_UINT16:
        TEXTS_NARROW(uint16_t);
        break;
    case TOW_TYPE_UINT32:
        TEXTS_NARROW(uint32_t);
        break;
    default:
        memcpy(out, values, count * sizeof *values);
        break;
    }
    return bad & ~null;
}

uint64_t tow_texts_integer(const struct tow_texts_converter *converter,
                           const struct tow_texts *texts, void *out)
{
    int64_t values[TOW_TEXTS_MAX];
    uint64_t bad = tow_texts_int64_rows(texts, 0, texts->count, values);

    return bad | tow_texts_narrow(converter->type, values, texts->count, texts->null, out);
}

/* "-0" is zero, as it is for the signed types. */
uint64_t tow_texts_uint64(const struct tow_texts_converter *converter,
                          const struct tow_texts *texts, void *out)
{
    uint64_t *values = out, bad = 0;

    (void)converter;
    for (unsigned row = 0; row < texts->count; row++) {
        const char *text = texts_get(texts, row);
        int64_t number = 0;

        values[row] = 0;
        if (tow_parse_uint64(text, texts->length[row], &values[row]) != TOW_PARSE_OK &&
            (tow_parse_int64(text, texts->length[row], &number) != TOW_PARSE_OK || number != 0))
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

/* ---- floats and decimals -------------------------------------------------------------------- */

uint64_t tow_texts_float64_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                                double *out)
{
    uint64_t bad = 0;

    for (unsigned row = first; row < first + count; row++) {
        out[row] = 0;
        if (tow_parse_double(texts_get(texts, row), texts->length[row], &out[row]) != TOW_PARSE_OK)
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

uint64_t tow_texts_float64(const struct tow_texts_converter *converter,
                           const struct tow_texts *texts, void *out)
{
    (void)converter;
    return tow_texts_float64_rows(texts, 0, texts->count, out);
}

uint64_t tow_texts_float32(const struct tow_texts_converter *converter,
                           const struct tow_texts *texts, void *out)
{
    float *values = out;
    uint64_t bad = 0;

    (void)converter;
    for (unsigned row = 0; row < texts->count; row++) {
        values[row] = 0;
        if (tow_parse_float(texts_get(texts, row), texts->length[row], &values[row]) !=
            TOW_PARSE_OK)
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

uint64_t tow_texts_decimal(const struct tow_texts_converter *converter,
                           const struct tow_texts *texts, void *out)
{
    struct tow_decimal *values = out;
    uint64_t bad = 0;

    for (unsigned row = 0; row < texts->count; row++) {
        values[row] = (struct tow_decimal){0, 0};
        if (tow_parse_decimal(texts_get(texts, row), texts->length[row], converter->type.precision,
                              converter->type.scale, &values[row]) != TOW_PARSE_OK)
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

/* ---- dates and timestamps ------------------------------------------------------------------- */

uint64_t tow_texts_date_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                             int32_t *out)
{
    uint64_t bad = 0;

    for (unsigned row = first; row < first + count; row++) {
        out[row] = 0;
        if (tow_parse_date(texts_get(texts, row), texts->length[row], &out[row]) != TOW_PARSE_OK)
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

uint64_t tow_texts_date(const struct tow_texts_converter *converter, const struct tow_texts *texts,
                        void *out)
{
    (void)converter;
    return tow_texts_date_rows(texts, 0, texts->count, out);
}

uint64_t tow_texts_date_format(const struct tow_texts_converter *converter,
                               const struct tow_texts *texts, void *out)
{
    int32_t *values = out;
    uint64_t bad = 0;

    for (unsigned row = 0; row < texts->count; row++) {
        int64_t micros = 0;
        int zone;

        if (tow_parse_time_format(texts_get(texts, row), texts->length[row], converter->format,
                                  &micros, &zone) != TOW_PARSE_OK ||
            micros % TOW_MICROS_PER_DAY != 0)
            bad |= texts_bit(row);
        values[row] = (int32_t)(micros / TOW_MICROS_PER_DAY);
    }
    return bad & ~texts->null;
}

uint64_t tow_texts_timestamp_rows(const struct tow_texts *texts, unsigned first, unsigned count,
                                  int no_zone, int64_t *out)
{
    uint64_t bad = 0;

    for (unsigned row = first; row < first + count; row++) {
        int zone = 0;

        out[row] = 0;
        if (tow_parse_timestamp(texts_get(texts, row), texts->length[row], &out[row], &zone) !=
                TOW_PARSE_OK ||
            (zone && no_zone))
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

uint64_t tow_texts_timestamp(const struct tow_texts_converter *converter,
                             const struct tow_texts *texts, void *out)
{
    return tow_texts_timestamp_rows(texts, 0, texts->count,
                                    converter->type.id == TOW_TYPE_TIMESTAMP_NTZ, out);
}

uint64_t tow_texts_timestamp_format(const struct tow_texts_converter *converter,
                                    const struct tow_texts *texts, void *out)
{
    int64_t *values = out;
    uint64_t bad = 0;

    for (unsigned row = 0; row < texts->count; row++) {
        int zone = 0;

        values[row] = 0;
        if (tow_parse_time_format(texts_get(texts, row), texts->length[row], converter->format,
                                  &values[row], &zone) != TOW_PARSE_OK ||
            (zone && converter->type.id == TOW_TYPE_TIMESTAMP_NTZ))
            bad |= texts_bit(row);
    }
    return bad & ~texts->null;
}

/* ---- choice --------------------------------------------------------------------------------- */

static tow_texts_convert *texts_choose(enum tow_type_id id, const char *format)
{
    switch (id) {
    case TOW_TYPE_BOOL:
        return tow_texts_bool;
    case TOW_TYPE_INT8:
    case TOW_TYPE_INT16:
    case TOW_TYPE_INT32:
    case TOW_TYPE_INT64:
    case TOW_TYPE_UINT8:
    case TOW_TYPE_UINT16:
    case TOW_TYPE_UINT32:
        return tow_texts_integer;
    case TOW_TYPE_UINT64:
        return tow_texts_uint64;
    case TOW_TYPE_FLOAT32:
        return tow_texts_float32;
    case TOW_TYPE_FLOAT64:
        return tow_texts_float64;
    case TOW_TYPE_DECIMAL:
        return tow_texts_decimal;
    case TOW_TYPE_DATE:
        return format ? tow_texts_date_format : tow_texts_date;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return format ? tow_texts_timestamp_format : tow_texts_timestamp;
    default:
        return NULL;
    }
}

/* ---- levels --------------------------------------------------------------------------------- */

static int texts_works_anywhere(void)
{
    return 1;
}

#define TEXTS_FAST 4 /* converters of which a level has its own */

struct texts_level {
    const char *name;
    int (*works)(void);
    tow_texts_convert *fast[TEXTS_FAST];
};

/* Slowest first. */
static const struct texts_level texts_levels[] = {
    {"scalar",
     texts_works_anywhere,
     {tow_texts_integer, tow_texts_float64, tow_texts_date, tow_texts_timestamp}},
#if defined(__x86_64__)
    {"avx2",
     tow_texts_has_avx2,
     {tow_texts_integer_avx2, tow_texts_float64_avx2, tow_texts_date_avx2,
      tow_texts_timestamp_avx2}},
    {"avx512",
     tow_texts_has_avx512,
     {tow_texts_integer_avx512, tow_texts_float64_avx512, tow_texts_date_avx512,
      tow_texts_timestamp_avx512}},
#endif
};

static const struct texts_level *texts_find_level(const char *name)
{
    const struct texts_level *found = NULL;

    for (size_t i = 0; i < sizeof texts_levels / sizeof *texts_levels; i++)
        if ((!name || strcmp(name, texts_levels[i].name) == 0) && texts_levels[i].works())
            found = &texts_levels[i];
    return found;
}

int tow_texts_converter_init(struct tow_texts_converter *converter, struct tow_type type,
                             const char *format, const char *level)
{
    const struct texts_level *found = texts_find_level(level);
    tow_texts_convert *convert = texts_choose(type.id, format);

    if (!found || !convert || (format && tow_time_format_check(format)))
        return 0;
    if (format && type.id != TOW_TYPE_DATE && type.id != TOW_TYPE_TIMESTAMP &&
        type.id != TOW_TYPE_TIMESTAMP_NTZ)
        return 0;
    for (size_t i = 0; i < TEXTS_FAST; i++)
        if (texts_levels[0].fast[i] == convert) {
            convert = found->fast[i];
            break;
        }
    *converter = (struct tow_texts_converter){convert, type, format};
    return 1;
}
