/*
 * Random batches against a naive conversion of one value at a time, which knows only text: the
 * value as text is read by libc or taken apart by hand. Batches of one columns object differ in
 * length, offset and nulls.
 */
#include <math.h>

#include "columns_fixture.h"

#define ROUNDS   6
#define ROWS_MAX 1600 /* more than three blocks */
#define TEXT_MAX 64

static struct rejects rejects;

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned random_below(unsigned limit)
{
    return (unsigned)(random_next() >> 33) % limit;
}

/* ---- naive ---------------------------------------------------------------------------------- */

/* Text of the outgoing value, or a code in parentheses. */
typedef void naive_convert(const char *text, struct tow_type to, char out[TEXT_MAX * 2]);

/* What 128 bits cannot hold has more digits than any text here. */
static void naive_put(__int128 value, struct tow_type to, char *out)
{
    int bits = 8 << ((int)(to.id - TOW_TYPE_INT8) & 3);
    int is_signed = to.id <= TOW_TYPE_INT64;
    __int128 low = is_signed ? -((__int128)1 << (bits - 1)) : 0;
    __int128 high = ((__int128)1 << (is_signed ? bits - 1 : bits)) - 1;

    if (value < low || value > high)
        sprintf(out, "(range)");
    else if (is_signed)
        sprintf(out, "%lld", (long long)value);
    else
        sprintf(out, "%llu", (unsigned long long)value);
}

static __int128 naive_read(const char *text)
{
    int negative = *text == '-';
    __int128 value = 0;

    for (text += negative || *text == '+'; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

static void naive_integer(const char *text, struct tow_type to, char *out)
{
    const char *digits = text + (*text == '-' || *text == '+');
    size_t count = strspn(digits, "0123456789");

    if (count == 0 || digits[count] != '\0')
        sprintf(out, "(bad)");
    else
        naive_put(naive_read(text), to, out);
}

static void naive_whole_double(const char *text, struct tow_type to, char *out)
{
    double value = strtod(text, NULL);

    if (!(fabs(value) < 0x1p100) || value != floor(value))
        sprintf(out, "(range)");
    else
        naive_put((__int128)value, to, out);
}

static void naive_whole_decimal(const char *text, struct tow_type to, char *out)
{
    const char *point = strchr(text, '.');

    if (point && strspn(point + 1, "0") != strlen(point + 1))
        sprintf(out, "(range)");
    else
        naive_put(naive_read(text), to, out);
}

static void naive_double(const char *text, struct tow_type to, char *out)
{
    double value = strtod(text, NULL);

    (void)to;
    if ((__int128)value != naive_read(text))
        sprintf(out, "(range)");
    else
        *tow_put_double(out, value) = '\0';
}

/* Moves the point: digits that fall off must be zeros, those before it within the precision. */
static void naive_decimal(const char *text, struct tow_type to, char *out)
{
    int negative = *text == '-';
    const char *whole = text + negative + strspn(text + negative, "0");
    const char *point = strchr(text, '.');
    const char *fraction = point ? point + 1 : "";
    size_t whole_length = strcspn(whole, "."), length = strlen(fraction);
    size_t scale = (size_t)to.scale, zeros = length;

    while (zeros > 0 && fraction[zeros - 1] == '0')
        zeros--;
    if (zeros > scale || whole_length > (size_t)to.precision - scale) {
        sprintf(out, "(range)");
        return;
    }
    length = zeros;
    if (whole_length == 0 && length == 0)
        negative = 0;
    out += sprintf(out, "%s%.*s", negative ? "-" : "", whole_length ? (int)whole_length : 1,
                   whole_length ? whole : "0");
    if (scale > 0)
        sprintf(out, ".%.*s%.*s", (int)length, fraction, (int)(scale - length),
                "00000000000000000000000000000000000000");
}

/* ---- values --------------------------------------------------------------------------------- */

static void random_digits(char *text, unsigned most)
{
    unsigned count = 1 + random_below(most);

    for (unsigned i = 0; i < count; i++)
        *text++ = (char)('0' + random_below(10));
    *text = '\0';
}

static void random_integer_text(struct tow_type type, char *text)
{
    static const char *const odd[] = {"",
                                      "-",
                                      "+",
                                      "1.5",
                                      "0x1",
                                      "abc",
                                      " 1",
                                      "1 ",
                                      "--1",
                                      "1e3",
                                      "18446744073709551616",
                                      "-9223372036854775809"};

    (void)type;
    if (random_below(8) == 0) {
        strcpy(text, odd[random_below(sizeof odd / sizeof *odd)]);
        return;
    }
    if (random_below(3) == 0)
        *text++ = random_below(4) ? '-' : '+';
    random_digits(text, random_below(2) ? 4 : 21);
}

/* Near a power of two, where the limits are, or anywhere, in the range of the type. */
static void random_integer(struct tow_type type, char *text)
{
    unsigned bits = 8u << ((unsigned)(type.id - TOW_TYPE_INT8) & 3);
    uint64_t value = random_next();

    if (random_below(2))
        value = (UINT64_C(1) << random_below(64)) + random_below(3) - 1;
    value <<= 64 - bits;
    if (type.id <= TOW_TYPE_INT64)
        sprintf(text, "%lld", (long long)((int64_t)value >> (64 - bits)));
    else
        sprintf(text, "%llu", (unsigned long long)(value >> (64 - bits)));
}

static void random_double(struct tow_type type, char *text)
{
    double value = ldexp(1, (int)random_below(70)) + (double)random_below(5) - 2;

    (void)type;
    if (random_below(4) == 0)
        value += 0.5;
    if (random_below(16) == 0)
        value = random_below(2) ? HUGE_VAL : NAN;
    sprintf(text, "%.17g", random_below(2) ? value : -value);
}

static void random_decimal(struct tow_type type, char *text)
{
    int whole = type.precision - type.scale;

    if (random_below(2))
        *text++ = '-';
    if (whole > 0) {
        random_digits(text, (unsigned)whole);
        text += strlen(text);
    } else {
        *text++ = '0';
    }
    if (type.scale > 0) {
        *text++ = '.';
        random_digits(text, (unsigned)type.scale);
        /* Often few digits, so that some fit smaller scales. */
        if (random_below(2))
            text[1] = '\0';
    }
}

/* ---- comparing ------------------------------------------------------------------------------ */

struct pair {
    const char *from, *to;
    void (*random)(struct tow_type type, char *text);
    naive_convert *naive;
};

static void check_rejected(int64_t row, int64_t *at, const char *wanted, const char *text)
{
    const char *code = *at < rejects.count ? rejects.codes[*at] : "";

    if (*at >= rejects.count || rejects.rows[*at] != row)
        fail_msg("row %lld, \"%s\", is not rejected", (long long)row, text);
    assert_int_equal(strncmp(code, "bad_", 4) == 0, strcmp(wanted, "(bad)") == 0);
    (*at)++;
}

static void check_batch(const struct pair *pair, struct tow_columns *columns,
                        const char *const *texts, struct tow_share *in)
{
    struct ArrowArray out;
    int64_t kept = 0, at = 0;
    char wanted[TEXT_MAX * 2], text[128];

    columns_run(columns, in, &out, &rejects);
    for (int64_t row = 0; row < tow_share_array(in)->length; row++) {
        strcpy(wanted, "NULL");
        if (texts[row])
            pair->naive(texts[row], type_of(pair->to), wanted);
        if (*wanted == '(') {
            check_rejected(row, &at, wanted, texts[row]);
            continue;
        }
        assert_true(kept < out.length);
        text_at(tow_columns_schema(columns), &out, 0, kept, text);
        if (texts[row] && strcmp(text, wanted) != 0)
            fail_msg("%s \"%s\" to %s: %s, not %s", pair->from, texts[row], pair->to, text, wanted);
        if (!texts[row])
            assert_string_equal(text_at(tow_columns_schema(columns), &out, 0, kept, text), "NULL");
        kept++;
    }
    assert_int_equal(at, rejects.count);
    assert_int_equal(kept, out.length);
    out.release(&out);
}

static void check_pair(const struct pair *pair)
{
    static char values[ROWS_MAX][TEXT_MAX];
    static const char *texts[ROWS_MAX];
    const struct tow_field field = {"x", type_of(pair->from), 0};
    const struct tow_column_spec spec = {
        .name = "x", .from = "x", .has_type = 1, .type = type_of(pair->to)};
    struct tow_columns *columns;
    struct ArrowSchema schema;

    schema_of(&schema, &field, 1);
    columns = columns_of(&spec, 1, &schema);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t rows = 1 + random_below(round % 2 ? ROWS_MAX : 40);
        int64_t first = random_below((unsigned)rows);
        int64_t count = 1 + random_below((unsigned)(rows - first));
        unsigned nulls = random_below(3) ? 5 : 0;
        struct tow_share *in;

        for (int64_t row = 0; row < rows; row++) {
            pair->random(field.type, values[row]);
            texts[row] = nulls && random_below(nulls) == 0 ? NULL : values[row];
        }
        in = slice_of(batch_of(&field, 1, texts, rows), first, count);
        check_batch(pair, columns, texts + first, in);
        tow_share_unref(in);
    }
    tow_columns_free(columns);
    schema.release(&schema);
}

static const char *const integers[] = {"int8",  "int16",  "int32",  "int64",
                                       "uint8", "uint16", "uint32", "uint64"};

static void test_text_to_integers_as_one_at_a_time(void **state)
{
    (void)state;
    for (int to = 0; to < 8; to++)
        check_pair(&(struct pair){"string", integers[to], random_integer_text, naive_integer});
}

static void test_integers_to_integers_as_one_at_a_time(void **state)
{
    (void)state;
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++)
            check_pair(&(struct pair){integers[from], integers[to], random_integer, naive_integer});
}

static void test_integers_to_floats_as_one_at_a_time(void **state)
{
    (void)state;
    for (int from = 0; from < 8; from++)
        check_pair(&(struct pair){integers[from], "float64", random_integer, naive_double});
}

static void test_floats_to_integers_as_one_at_a_time(void **state)
{
    (void)state;
    for (int to = 0; to < 8; to++)
        check_pair(&(struct pair){"float64", integers[to], random_double, naive_whole_double});
}

static void test_decimals_as_one_at_a_time(void **state)
{
    static const char *const decimals[] = {"decimal(1,0)",   "decimal(5,2)",  "decimal(5,5)",
                                           "decimal(18,9)",  "decimal(38,0)", "decimal(38,20)",
                                           "decimal(38,38)", "decimal(20,1)"};

    (void)state;
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++)
            check_pair(&(struct pair){decimals[from], decimals[to], random_decimal, naive_decimal});
    for (int to = 0; to < 8; to++) {
        check_pair(
            &(struct pair){"decimal(20,4)", integers[to], random_decimal, naive_whole_decimal});
        check_pair(&(struct pair){integers[to], decimals[to], random_integer, naive_decimal});
        check_pair(&(struct pair){"string", decimals[to], random_integer, naive_decimal});
    }
}

static void naive_text(const char *text, struct tow_type to, char *out)
{
    (void)to;
    strcpy(out, text);
}

static void test_integers_to_text_as_one_at_a_time(void **state)
{
    (void)state;
    for (int from = 0; from < 8; from++)
        check_pair(&(struct pair){integers[from], "string", random_integer, naive_text});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_to_integers_as_one_at_a_time),
        cmocka_unit_test(test_integers_to_integers_as_one_at_a_time),
        cmocka_unit_test(test_integers_to_floats_as_one_at_a_time),
        cmocka_unit_test(test_floats_to_integers_as_one_at_a_time),
        cmocka_unit_test(test_decimals_as_one_at_a_time),
        cmocka_unit_test(test_integers_to_text_as_one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
