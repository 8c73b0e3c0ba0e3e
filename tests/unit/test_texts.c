/* Converters of many texts at once, at each level that this processor has, against the parsers of
 * single values: random texts of every shape, one byte off, and the edges. */
#include "unit.h"

#include "random.h"
#include "towpath/texts.h"
#include "towpath/value.h"

#define ROOM   8192
#define ROUNDS 8000 /* of up to 64 texts, each type and level */

static const char *const levels[] = {"scalar", "avx2", "avx512"};

struct trial {
    char bytes[ROOM + 2 * TOW_TEXTS_SLACK];
    size_t used;
    struct tow_texts texts;
    const char *level;
    struct tow_texts_converter converter;
};

/* ---- texts ---------------------------------------------------------------------------------- */

static size_t put_digits(uint64_t *seed, char *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        p[i] = (char)('0' + random_below(seed, 10));
    return count;
}

static size_t put_integer(uint64_t *seed, char *p)
{
    static const char *const edges[] = {
        "0",
        "-0",
        "+0",
        "-",
        "+",
        "127",
        "128",
        "-128",
        "-129",
        "255",
        "256",
        "-1",
        "32767",
        "32768",
        "-32768",
        "-32769",
        "65535",
        "65536",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "9007199254740992",
        "9007199254740993",
        "9999999999999999",
        "-999999999999999",
        "0000000000000000",
        "00000000000000000000001",
        "- 1",
        "1-",
        "--1",
        "1 ",
        " 1",
        "1e3",
        "",
    };
    size_t kind = random_below(seed, 8), length = 0;

    if (kind == 0)
        return (size_t)sprintf(p, "%s", edges[random_below(seed, sizeof edges / sizeof *edges)]);
    if (kind < 4)
        return (size_t)sprintf(p, "%lld", (long long)random_any_width(seed));
    if (random_below(seed, 3) == 0)
        p[length++] = "-+"[random_below(seed, 2)];
    return length + put_digits(seed, p + length, 1 + random_below(seed, kind == 7 ? 22 : 9));
}

static size_t put_float(uint64_t *seed, char *p)
{
    static const char *const edges[] = {
        ".",
        "-.",
        "-",
        "5.",
        ".5",
        "-.5",
        "+.5",
        "1.5.",
        "1..5",
        "..",
        "0.0",
        "-0.0",
        "-0",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e5",
        "1E-5",
        "1e400",
        "4.9e-324",
        "2.4e-324",
        "0.1",
        "1.0.0",
        "9007199254740993",
        "9007199254740992.5",
        "123456789012345.6",
        "12345678901234567.8",
        "0.000000000000001",
        "3.4028235e38",
        "1,5",
        "1.5-",
        "1-.5",
        "",
    };
    size_t kind = random_below(seed, 8), length = 0;
    double value;
    uint64_t bits;

    if (kind == 0)
        return (size_t)sprintf(p, "%s", edges[random_below(seed, sizeof edges / sizeof *edges)]);
    if (kind == 1) {
        bits = random_next(seed);
        memcpy(&value, &bits, sizeof value);
        return (size_t)sprintf(p, "%.*g", (int)random_below(seed, 18), value);
    }
    if (random_below(seed, 3) == 0)
        p[length++] = "-+"[random_below(seed, 2)];
    length += put_digits(seed, p + length, random_below(seed, kind == 7 ? 18 : 7));
    if (random_below(seed, 4) == 0)
        return length;
    p[length++] = '.';
    return length + put_digits(seed, p + length, random_below(seed, 8));
}

static size_t put_bool(uint64_t *seed, char *p)
{
    static const char *const words[] = {"true", "false", "TRUE", "False", "t",   "f",     "1", "0",
                                        "yes",  "no",    "on",   "off",   "tru", "truex", "",  "2"};
    size_t most = random_below(seed, 4) ? 4 : sizeof words / sizeof *words;

    return (size_t)sprintf(p, "%s", words[random_below(seed, most)]);
}

/* Mostly days that exist. */
static size_t put_date(uint64_t *seed, char *p)
{
    static const char *const edges[] = {"0000-01-01",  "0001-01-01", "9999-12-31", "1900-02-29",
                                        "2000-02-29",  "2024-02-29", "2023-02-29", "2024-13-01",
                                        "2024-00-01",  "2024-01-00", "2024-04-31", "2024-1-1",
                                        "2024-01-01T", "2024/01/01", "",           "2024-12-3l"};

    if (random_below(seed, 200) == 0)
        return (size_t)sprintf(p, "%s", edges[random_below(seed, sizeof edges / sizeof *edges)]);
    return (size_t)sprintf(p, "%04d-%02d-%02d", (int)random_below(seed, 9999) + 1,
                           (int)random_below(seed, 12) + 1, (int)random_below(seed, 28) + 1);
}

static size_t put_stamp(uint64_t *seed, char *p, int shape)
{
    static const char *const ends[] = {"Z",   ".123Z", ".123456Z", "",      "+02:00",
                                       ".5Z", "z",     ".1234",    "+0530", ".123456789Z"};
    static const char *const edges[] = {"1970-01-01T00:00:00Z",     "2016-12-31T23:59:60Z",
                                        "2024-01-01T24:00:00Z",     "2024-01-01T00:60:00Z",
                                        "2024-01-01T00:00:61Z",     "2024-01-01x00:00:00Z",
                                        "2024-01-01T00:00:0Z",      "2024-01-01T00:00:00.Z",
                                        "2024-01-01T00:00:00.12xZ", ""};
    size_t length;

    if (random_below(seed, 200) == 0)
        return (size_t)sprintf(p, "%s", edges[random_below(seed, sizeof edges / sizeof *edges)]);
    length = put_date(seed, p);
    length += (size_t)sprintf(p + length, "%c%02d:%02d:%02d%s",
                              "T t"[random_below(seed, 8) ? 0 : random_below(seed, 3)],
                              (int)random_below(seed, 24), (int)random_below(seed, 60),
                              (int)random_below(seed, 60), ends[shape]);
    if (shape == 1 || shape == 2)
        p[length - 2] = (char)('0' + random_below(seed, 10));
    return length;
}

static size_t put_text(uint64_t *seed, char *p, enum tow_type_id id, int shape)
{
    switch (id) {
    case TOW_TYPE_BOOL:
        return put_bool(seed, p);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
    case TOW_TYPE_DECIMAL:
        return put_float(seed, p);
    case TOW_TYPE_DATE:
        return put_date(seed, p);
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return put_stamp(seed, p, random_below(seed, 100) ? shape : (int)random_below(seed, 10));
    default:
        return put_integer(seed, p);
    }
}

/* A run of texts between other bytes, which must not matter; some are null, some a byte off. */
static void make_texts(uint64_t *seed, struct trial *trial, enum tow_type_id id)
{
    static const char around[] = "0123456789.-\"Z\n,";
    struct tow_texts *texts = &trial->texts;
    char *p = trial->bytes + TOW_TEXTS_SLACK;
    int shape = (int)random_below(seed, 10), damaged = random_below(seed, 8) == 0;

    for (size_t i = 0; i < sizeof trial->bytes; i++)
        trial->bytes[i] = around[random_below(seed, sizeof around - 1)];
    texts->base = trial->bytes;
    texts->count = random_below(seed, 3) ? TOW_TEXTS_MAX : (uint32_t)random_below(seed, 65);
    texts->null = random_below(seed, 2) ? 0 : random_next(seed) & random_next(seed);
    for (uint32_t i = 0; i < texts->count; i++) {
        char text[512];
        size_t length = put_text(seed, text, id, shape);

        if (texts->null >> i & 1)
            length = 0;
        if (damaged && length > 0 && random_below(seed, 20) == 0)
            text[random_below(seed, length)] = (char)random_next(seed);
        memcpy(p, text, length);
        texts->start[i] = (uint32_t)(p - trial->bytes);
        texts->length[i] = (uint32_t)length;
        p += length + random_below(seed, 3);
        if (p > trial->bytes + ROOM - 400)
            texts->count = i + 1;
    }
}

/* ---- what single parsers say ---------------------------------------------------------------- */

struct bounds {
    enum tow_type_id id;
    int64_t low, high;
};

static const struct bounds integers[] = {
    {TOW_TYPE_INT8, INT8_MIN, INT8_MAX},    {TOW_TYPE_INT16, INT16_MIN, INT16_MAX},
    {TOW_TYPE_INT32, INT32_MIN, INT32_MAX}, {TOW_TYPE_INT64, INT64_MIN, INT64_MAX},
    {TOW_TYPE_UINT8, 0, UINT8_MAX},         {TOW_TYPE_UINT16, 0, UINT16_MAX},
    {TOW_TYPE_UINT32, 0, UINT32_MAX},
};

static int is_integer(struct tow_type type, const char *text, size_t length, void *out)
{
    int64_t value = 0;
    int parsed = tow_parse_int64(text, length, &value);

    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (integers[i].id == type.id) {
            memcpy(out, &value, tow_type_width(type.id));
            return parsed == TOW_PARSE_OK && value >= integers[i].low && value <= integers[i].high;
        }
    if (parsed == TOW_PARSE_OK && value == 0) {
        memset(out, 0, sizeof value);
        return 1;
    }
    return tow_parse_uint64(text, length, out) == TOW_PARSE_OK;
}

/* 1 where the text is a value of the type, which goes to out. */
static int parse_one(const struct tow_texts_converter *converter, const char *text, size_t length,
                     void *out)
{
    struct tow_type type = converter->type;
    int zone = 0, value = 0, parsed;
    int64_t micros = 0;

    switch (type.id) {
    case TOW_TYPE_BOOL:
        parsed = tow_parse_bool(text, length, &value);
        *(char *)out = (char)value;
        return parsed == TOW_PARSE_OK;
    case TOW_TYPE_FLOAT32:
        return tow_parse_float(text, length, out) == TOW_PARSE_OK;
    case TOW_TYPE_FLOAT64:
        return tow_parse_double(text, length, out) == TOW_PARSE_OK;
    case TOW_TYPE_DECIMAL:
        return tow_parse_decimal(text, length, type.precision, type.scale, out) == TOW_PARSE_OK;
    case TOW_TYPE_DATE:
        if (!converter->format)
            return tow_parse_date(text, length, out) == TOW_PARSE_OK;
        parsed = tow_parse_time_format(text, length, converter->format, &micros, &zone);
        value = (int)(micros / INT64_C(86400000000));
        memcpy(out, &value, sizeof value);
        return parsed == TOW_PARSE_OK && micros % INT64_C(86400000000) == 0;
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        parsed = converter->format
                     ? tow_parse_time_format(text, length, converter->format, out, &zone)
                     : tow_parse_timestamp(text, length, out, &zone);
        return parsed == TOW_PARSE_OK && !(zone && type.id == TOW_TYPE_TIMESTAMP_NTZ);
    default:
        return is_integer(type, text, length, out);
    }
}

static void compare(const struct trial *trial)
{
    const struct tow_texts *texts = &trial->texts;
    size_t width = tow_type_width(trial->converter.type.id);
    char got[TOW_TEXTS_MAX * 16 + 1] __attribute__((aligned(16)));
    uint64_t bad;

    memset(got, 0x5A, sizeof got);
    bad = trial->converter.convert(&trial->converter, texts, got);
    assert_int_equal(got[(width ? width : 1) * TOW_TEXTS_MAX], 0x5A);
    for (uint32_t i = 0; i < texts->count; i++) {
        const char *text = texts->base + texts->start[i];
        char value[16] __attribute__((aligned(16))) = {0};
        int is_null = texts->null >> i & 1, is_bad = bad >> i & 1, is_same;
        int is_value = parse_one(&trial->converter, text, texts->length[i], value);

        is_same = width ? memcmp(got + i * width, value, width) == 0
                        : ((uint8_t)got[i / 8] >> (i % 8) & 1) == value[0];
        if (is_null ? is_bad : (is_bad == is_value || (is_value && !is_same)))
            fail_msg("%s, type %d, row %u of %u: \"%.*s\" is %s; %s", trial->level,
                     trial->converter.type.id, i, texts->count, (int)texts->length[i], text,
                     is_value ? "a value" : "none", is_bad ? "refused" : "taken, or another value");
    }
    if (texts->count < 64)
        assert_int_equal(bad >> texts->count, 0);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void run_type(struct tow_type type, const char *format)
{
    static struct trial trial;
    uint64_t seed = RANDOM_SEED + (uint64_t)type.id;

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        trial.level = levels[i];
        if (!tow_texts_converter_init(&trial.converter, type, format, levels[i]))
            continue;
        for (int round = 0; round < ROUNDS; round++) {
            make_texts(&seed, &trial, type.id);
            compare(&trial);
        }
    }
}

static void test_integers_are_those_of_the_parser(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        run_type((struct tow_type){integers[i].id, 0, 0}, NULL);
    run_type((struct tow_type){TOW_TYPE_UINT64, 0, 0}, NULL);
}

static void test_floats_and_decimals_are_those_of_the_parser(void **state)
{
    (void)state;
    run_type((struct tow_type){TOW_TYPE_FLOAT64, 0, 0}, NULL);
    run_type((struct tow_type){TOW_TYPE_FLOAT32, 0, 0}, NULL);
    run_type((struct tow_type){TOW_TYPE_DECIMAL, 10, 2}, NULL);
}

static void test_bools_are_those_of_the_parser(void **state)
{
    (void)state;
    run_type((struct tow_type){TOW_TYPE_BOOL, 0, 0}, NULL);
}

static void test_times_are_those_of_the_parser(void **state)
{
    (void)state;
    run_type((struct tow_type){TOW_TYPE_DATE, 0, 0}, NULL);
    run_type((struct tow_type){TOW_TYPE_TIMESTAMP, 0, 0}, NULL);
    run_type((struct tow_type){TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, NULL);
}

static void test_times_of_a_format_are_those_of_the_parser(void **state)
{
    (void)state;
    run_type((struct tow_type){TOW_TYPE_DATE, 0, 0}, "%Y-%m-%d");
    run_type((struct tow_type){TOW_TYPE_TIMESTAMP, 0, 0}, "%Y-%m-%dT%H:%M:%S%z");
    run_type((struct tow_type){TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, "%Y-%m-%dT%H:%M:%S");
}

/* Every day of 10000 years, sixteen at a time. */
static void test_every_day_is_that_of_the_calendar(void **state)
{
    static struct trial trial;
    int32_t day = -719162, got[TOW_TEXTS_MAX];

    (void)state;
    for (size_t level = 0; level < sizeof levels / sizeof *levels; level++) {
        if (!tow_texts_converter_init(&trial.converter, (struct tow_type){TOW_TYPE_DATE, 0, 0},
                                      NULL, levels[level]))
            continue;
        trial.texts = (struct tow_texts){.base = trial.bytes, .count = TOW_TEXTS_MAX};
        for (int32_t first = day; first < 2932897 - 64; first += TOW_TEXTS_MAX) {
            for (int i = 0; i < TOW_TEXTS_MAX; i++) {
                trial.texts.start[i] = (uint32_t)(TOW_TEXTS_SLACK + 12 * i);
                trial.texts.length[i] = 10;
                tow_put_date(trial.bytes + trial.texts.start[i], first + i);
            }
            assert_int_equal(trial.converter.convert(&trial.converter, &trial.texts, got), 0);
            for (int i = 0; i < TOW_TEXTS_MAX; i++)
                assert_int_equal(got[i], first + i);
        }
    }
}

static void test_what_is_not_known_is_said(void **state)
{
    const struct tow_type text = {TOW_TYPE_STRING, 0, 0}, number = {TOW_TYPE_INT64, 0, 0};
    const struct tow_type stamp = {TOW_TYPE_TIMESTAMP, 0, 0};
    struct tow_texts_converter converter;

    (void)state;
    assert_false(tow_texts_converter_init(&converter, text, NULL, NULL));
    assert_false(
        tow_texts_converter_init(&converter, (struct tow_type){TOW_TYPE_JSON, 0, 0}, NULL, NULL));
    assert_false(tow_texts_converter_init(&converter, number, "%Y", NULL));
    assert_false(tow_texts_converter_init(&converter, stamp, "epoch_s", NULL));
    assert_false(tow_texts_converter_init(&converter, stamp, "%Q", NULL));
    assert_false(tow_texts_converter_init(&converter, number, NULL, "mmx"));
    assert_true(tow_texts_converter_init(&converter, number, NULL, NULL));
    assert_true(tow_texts_converter_init(&converter, number, NULL, "scalar"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_are_those_of_the_parser),
        cmocka_unit_test(test_floats_and_decimals_are_those_of_the_parser),
        cmocka_unit_test(test_bools_are_those_of_the_parser),
        cmocka_unit_test(test_times_are_those_of_the_parser),
        cmocka_unit_test(test_times_of_a_format_are_those_of_the_parser),
        cmocka_unit_test(test_every_day_is_that_of_the_calendar),
        cmocka_unit_test(test_what_is_not_known_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
