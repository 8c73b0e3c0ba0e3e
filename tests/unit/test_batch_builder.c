#include "unit.h"

#include <float.h>
#include <math.h>

#include "towpath/batch.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- one column of each type ---------------------------------------------------------------- */

enum {
    COLUMN_BOOL,
    COLUMN_INT8,
    COLUMN_INT16,
    COLUMN_INT32,
    COLUMN_INT64,
    COLUMN_UINT8,
    COLUMN_UINT16,
    COLUMN_UINT32,
    COLUMN_UINT64,
    COLUMN_FLOAT32,
    COLUMN_FLOAT64,
    COLUMN_DECIMAL,
    COLUMN_STRING,
    COLUMN_BINARY,
    COLUMN_DATE,
    COLUMN_TIMESTAMP,
    COLUMN_TIMESTAMP_NTZ,
    COLUMN_JSON,
    COLUMNS
};

static const struct tow_field all_fields[COLUMNS] = {
    {"bool", {TOW_TYPE_BOOL, 0, 0}, 0},
    {"int8", {TOW_TYPE_INT8, 0, 0}, 0},
    {"int16", {TOW_TYPE_INT16, 0, 0}, 0},
    {"int32", {TOW_TYPE_INT32, 0, 0}, 0},
    {"int64", {TOW_TYPE_INT64, 0, 0}, 0},
    {"uint8", {TOW_TYPE_UINT8, 0, 0}, 0},
    {"uint16", {TOW_TYPE_UINT16, 0, 0}, 0},
    {"uint32", {TOW_TYPE_UINT32, 0, 0}, 0},
    {"uint64", {TOW_TYPE_UINT64, 0, 0}, 0},
    {"float32", {TOW_TYPE_FLOAT32, 0, 0}, 0},
    {"float64", {TOW_TYPE_FLOAT64, 0, 0}, 0},
    {"decimal", {TOW_TYPE_DECIMAL, 5, 2}, 0},
    {"string", {TOW_TYPE_STRING, 0, 0}, 0},
    {"binary", {TOW_TYPE_BINARY, 0, 0}, 0},
    {"date", {TOW_TYPE_DATE, 0, 0}, 0},
    {"timestamp", {TOW_TYPE_TIMESTAMP, 0, 0}, 0},
    {"timestamp_ntz", {TOW_TYPE_TIMESTAMP_NTZ, 0, 0}, 0},
    {"json", {TOW_TYPE_JSON, 0, 0}, 0},
};

static struct tow_error err = TOW_ERROR_INIT;
static struct ArrowSchema schema;
static struct tow_builder *builder;
static struct tow_cursor cursor;
static struct ArrowArray array;

static int setup(void **state)
{
    (void)state;
    assert_ok(tow_schema_make(&schema, all_fields, COLUMNS, &err), err);
    assert_ok(tow_cursor_init(&cursor, &schema, &err), err);
    builder = tow_builder_new(all_fields, COLUMNS, &err);
    assert_non_null(builder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tow_builder_free(builder);
    tow_cursor_release(&cursor);
    schema.release(&schema);
    return 0;
}

/* Takes the rows out and points the cursor at them. */
static void finish(void)
{
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    assert_ok(tow_array_validate(&array, &schema, &err), err);
    tow_cursor_batch(&cursor, &array);
}

static void end_row(void)
{
    assert_ok(tow_builder_end_row(builder, &err), err);
}

static int64_t read_int64(int column)
{
    assert_false(tow_view_is_null(&cursor.columns[column], cursor.row));
    return tow_view_int64(&cursor.columns[column], cursor.row);
}

static double read_double(int column)
{
    assert_false(tow_view_is_null(&cursor.columns[column], cursor.row));
    return tow_view_double(&cursor.columns[column], cursor.row);
}

static void assert_text(int column, const char *wanted)
{
    size_t length;
    const char *bytes = tow_view_bytes(&cursor.columns[column], cursor.row, &length);

    assert_false(tow_view_is_null(&cursor.columns[column], cursor.row));
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(bytes, wanted, length);
}

/* ---- row by row ----------------------------------------------------------------------------- */

static const struct {
    int column;
    int64_t min, max;
} ranges[] = {
    {COLUMN_INT8, INT8_MIN, INT8_MAX},
    {COLUMN_INT16, INT16_MIN, INT16_MAX},
    {COLUMN_INT32, INT32_MIN, INT32_MAX},
    {COLUMN_INT64, INT64_MIN, INT64_MAX},
    {COLUMN_UINT8, 0, UINT8_MAX},
    {COLUMN_UINT16, 0, UINT16_MAX},
    {COLUMN_UINT32, 0, UINT32_MAX},
    {COLUMN_UINT64, 0, INT64_MAX},
    {COLUMN_DATE, INT32_MIN, INT32_MAX},
    {COLUMN_TIMESTAMP, INT64_MIN, INT64_MAX},
    {COLUMN_TIMESTAMP_NTZ, INT64_MIN, INT64_MAX},
};

static void test_integers_keep_their_extremes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_ok(tow_append_int64(builder, (size_t)ranges[i].column, ranges[i].min, &err), err);
    end_row();
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_ok(
            tow_append_uint64(builder, (size_t)ranges[i].column, (uint64_t)ranges[i].max, &err),
            err);
    end_row();
    assert_ok(tow_append_uint64(builder, COLUMN_UINT64, UINT64_MAX, &err), err);
    end_row();
    finish();
    assert_true(tow_cursor_next(&cursor));
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_true(read_int64(ranges[i].column) == ranges[i].min);
    assert_true(tow_cursor_next(&cursor));
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_true(read_int64(ranges[i].column) == ranges[i].max);
    assert_true(tow_cursor_next(&cursor));
    assert_true((uint64_t)read_int64(COLUMN_UINT64) == UINT64_MAX);
    assert_false(tow_cursor_next(&cursor));
    array.release(&array);
}

static void test_integers_out_of_range_are_refused_and_the_row_stays_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        size_t column = (size_t)ranges[i].column;

        if (ranges[i].min > INT64_MIN)
            assert_int_equal(tow_append_int64(builder, column, ranges[i].min - 1, &err),
                             TOW_E_DATA);
        if (ranges[i].max < INT64_MAX)
            assert_int_equal(tow_append_int64(builder, column, ranges[i].max + 1, &err),
                             TOW_E_DATA);
        if (column != COLUMN_UINT64)
            assert_int_equal(tow_append_uint64(builder, column, (uint64_t)ranges[i].max + 1, &err),
                             TOW_E_DATA);
        assert_ok(tow_append_int64(builder, column, 1, &err), err);
    }
    end_row();
    finish();
    assert_int_equal(array.length, 1);
    array.release(&array);
    tow_append_int64(builder, COLUMN_INT8, 300, &err);
    assert_string_equal(err.message, "column \"int8\": 300 does not fit int8 (-128 to 127)");
    tow_append_int64(builder, COLUMN_UINT64, -1, &err);
    assert_string_equal(err.message,
                        "column \"uint64\": -1 does not fit uint64 (0 to 18446744073709551615)");
    tow_append_uint64(builder, COLUMN_INT64, UINT64_MAX, &err);
    assert_says(err, "18446744073709551615 does not fit int64");
}

static void test_floats_keep_their_bits(void **state)
{
    static const double values[] = {0.0,          -0.0,     DBL_MAX,   -DBL_MAX,
                                    DBL_TRUE_MIN, INFINITY, -INFINITY, 0.1};
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_ok(tow_append_double(builder, COLUMN_FLOAT64, values[i], &err), err);
        if (fabs(values[i]) != DBL_MAX)
            assert_ok(tow_append_double(builder, COLUMN_FLOAT32, values[i], &err), err);
        end_row();
    }
    assert_ok(tow_append_double(builder, COLUMN_FLOAT64, NAN, &err), err);
    assert_ok(tow_append_double(builder, COLUMN_FLOAT32, NAN, &err), err);
    end_row();
    finish();
    for (size_t i = 0; i < COUNT(values); i++) {
        double value;

        assert_true(tow_cursor_next(&cursor));
        value = read_double(COLUMN_FLOAT64);
        assert_memory_equal(&value, &values[i], sizeof value);
        if (fabs(values[i]) != DBL_MAX)
            assert_true(read_double(COLUMN_FLOAT32) == (double)(float)values[i]);
        else
            assert_true(tow_view_is_null(&cursor.columns[COLUMN_FLOAT32], cursor.row));
    }
    assert_true(tow_cursor_next(&cursor));
    assert_true(isnan(read_double(COLUMN_FLOAT64)) && isnan(read_double(COLUMN_FLOAT32)));
    array.release(&array);
}

static void test_a_double_beyond_float32_is_refused(void **state)
{
    (void)state;
    assert_int_equal(tow_append_double(builder, COLUMN_FLOAT32, 3.5e38, &err), TOW_E_DATA);
    assert_says(err, "column \"float32\": 3.5");
    assert_says(err, "does not fit float32");
    assert_int_equal(tow_append_double(builder, COLUMN_FLOAT32, -DBL_MAX, &err), TOW_E_DATA);
    assert_ok(tow_append_double(builder, COLUMN_FLOAT32, -FLT_MAX, &err), err);
}

static void test_decimals_have_no_more_digits_than_their_precision(void **state)
{
    static const struct tow_decimal fits[] = {{99999, 0}, {(uint64_t)-99999, -1}, {0, 0}};
    static const struct tow_decimal too_large[] = {
        {100000, 0}, {(uint64_t)-100000, -1}, {0, 1}, {0, INT64_MIN}, {UINT64_MAX, INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < COUNT(too_large); i++)
        assert_int_equal(tow_append_decimal(builder, COLUMN_DECIMAL, too_large[i], &err),
                         TOW_E_DATA);
    tow_append_decimal(builder, COLUMN_DECIMAL, too_large[1], &err);
    assert_string_equal(err.message, "column \"decimal\": -1000.00 does not fit decimal(5,2)");
    tow_append_decimal(builder, COLUMN_DECIMAL, too_large[3], &err);
    assert_says(err, "-1701411834604692317316873037158841057.28 does not fit");
    for (size_t i = 0; i < COUNT(fits); i++) {
        assert_ok(tow_append_decimal(builder, COLUMN_DECIMAL, fits[i], &err), err);
        end_row();
    }
    finish();
    for (size_t i = 0; i < COUNT(fits); i++) {
        struct tow_decimal value = tow_view_decimal(&cursor.columns[COLUMN_DECIMAL], (int64_t)i);

        assert_memory_equal(&value, &fits[i], sizeof value);
    }
    array.release(&array);
}

static void test_text_binary_and_json_keep_every_byte(void **state)
{
    static const char binary[] = {'\0', '\xff', '\n', '\0'};
    size_t length;
    const char *bytes;

    (void)state;
    assert_ok(tow_append_text(builder, COLUMN_STRING, "", &err), err);
    assert_ok(tow_append_bytes(builder, COLUMN_BINARY, binary, sizeof binary, &err), err);
    assert_ok(tow_append_text(builder, COLUMN_JSON, "{\"a\":[1]}", &err), err);
    end_row();
    assert_ok(tow_append_text(builder, COLUMN_STRING, "grün", &err), err);
    assert_ok(tow_append_bytes(builder, COLUMN_BINARY, NULL, 0, &err), err);
    assert_ok(tow_append_text(builder, COLUMN_JSON, NULL, &err), err);
    end_row();
    finish();
    assert_true(tow_cursor_next(&cursor));
    assert_text(COLUMN_STRING, "");
    assert_text(COLUMN_JSON, "{\"a\":[1]}");
    bytes = tow_view_bytes(&cursor.columns[COLUMN_BINARY], 0, &length);
    assert_int_equal(length, sizeof binary);
    assert_memory_equal(bytes, binary, sizeof binary);
    assert_true(tow_cursor_next(&cursor));
    assert_text(COLUMN_STRING, "grün");
    assert_text(COLUMN_BINARY, "");
    assert_true(tow_view_is_null(&cursor.columns[COLUMN_JSON], 1));
    array.release(&array);
}

static void test_columns_that_got_nothing_are_null(void **state)
{
    (void)state;
    end_row();
    assert_ok(tow_append_bool(builder, COLUMN_BOOL, 2, &err), err);
    assert_ok(tow_append_null(builder, COLUMN_INT8, &err), err);
    end_row();
    finish();
    for (int i = 0; i < COLUMNS; i++) {
        assert_true(tow_view_is_null(&cursor.columns[i], 0));
        assert_int_equal(array.children[i]->null_count, i == COLUMN_BOOL ? 1 : 2);
    }
    assert_false(tow_view_is_null(&cursor.columns[COLUMN_BOOL], 1));
    assert_true(tow_view_bool(&cursor.columns[COLUMN_BOOL], 1));
    array.release(&array);
}

static void test_validity_is_left_out_where_nothing_is_null(void **state)
{
    (void)state;
    assert_ok(tow_append_int64(builder, COLUMN_INT32, 5, &err), err);
    end_row();
    finish();
    assert_null(array.buffers[0]);
    assert_null(array.children[COLUMN_INT32]->buffers[0]);
    assert_int_equal(array.children[COLUMN_INT32]->null_count, 0);
    assert_non_null(array.children[COLUMN_INT64]->buffers[0]);
    array.release(&array);
}

static void test_a_value_of_another_kind_is_refused(void **state)
{
    char type[TOW_TYPE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COLUMNS; i++) {
        int is_bytes = tow_type_is_bytes(all_fields[i].type.id);
        int is_float = i == COLUMN_FLOAT32 || i == COLUMN_FLOAT64;
        int is_other = i == COLUMN_BOOL || i == COLUMN_DECIMAL || is_bytes || is_float;

        if (i != COLUMN_BOOL)
            assert_int_equal(tow_append_bool(builder, i, 1, &err), TOW_E_BUG);
        if (i != COLUMN_DECIMAL)
            assert_int_equal(tow_append_decimal(builder, i, (struct tow_decimal){1, 0}, &err),
                             TOW_E_BUG);
        if (!is_float)
            assert_int_equal(tow_append_double(builder, i, 1, &err), TOW_E_BUG);
        if (is_other) {
            assert_int_equal(tow_append_int64(builder, i, 1, &err), TOW_E_BUG);
            assert_int_equal(tow_append_uint64(builder, i, 1, &err), TOW_E_BUG);
        }
        if (!is_bytes)
            assert_int_equal(tow_append_text(builder, i, "1", &err), TOW_E_BUG);
        assert_says(err, all_fields[i].name);
        assert_says(err, tow_type_name(all_fields[i].type, type));
        assert_ok(tow_append_null(builder, i, &err), err);
    }
    end_row();
    tow_append_int64(builder, COLUMN_DECIMAL, 1, &err);
    assert_string_equal(err.message,
                        "column \"decimal\" is decimal(5,2), it cannot take an integer");
}

static void test_columns_out_of_range_and_second_values_are_refused(void **state)
{
    (void)state;
    assert_int_equal(tow_append_int64(builder, COLUMNS, 1, &err), TOW_E_BUG);
    assert_string_equal(err.message, "value for column number 18 of 18");
    assert_null(tow_builder_column(builder, COLUMNS));
    end_row();
    assert_ok(tow_append_int64(builder, COLUMN_INT8, 1, &err), err);
    assert_int_equal(tow_append_int64(builder, COLUMN_INT8, 2, &err), TOW_E_BUG);
    assert_string_equal(err.message, "column \"int8\" got a second value in row 1");
    assert_int_equal(tow_append_null(builder, COLUMN_INT8, &err), TOW_E_BUG);
    end_row();
    finish();
    assert_int_equal(tow_view_int64(&cursor.columns[COLUMN_INT8], 1), 1);
    array.release(&array);
}

/* ---- rows as a whole ------------------------------------------------------------------------ */

static void test_a_cancelled_row_leaves_no_trace(void **state)
{
    size_t bytes;

    (void)state;
    assert_ok(tow_append_text(builder, COLUMN_STRING, "keep", &err), err);
    assert_ok(tow_append_bool(builder, COLUMN_BOOL, 1, &err), err);
    end_row();
    bytes = tow_builder_bytes(builder);
    assert_ok(tow_append_text(builder, COLUMN_STRING, "drop", &err), err);
    assert_ok(tow_append_null(builder, COLUMN_BOOL, &err), err);
    assert_int_equal(tow_append_int64(builder, COLUMN_INT8, 1000, &err), TOW_E_DATA);
    assert_int_equal(tow_builder_rows(builder), 1);
    tow_builder_cancel_row(builder);
    tow_builder_cancel_row(builder);
    assert_int_equal(tow_builder_rows(builder), 1);
    assert_int_equal(tow_builder_bytes(builder), bytes);
    assert_ok(tow_append_text(builder, COLUMN_STRING, "next", &err), err);
    end_row();
    finish();
    assert_int_equal(array.length, 2);
    assert_int_equal(array.children[COLUMN_STRING]->null_count, 0);
    assert_true(tow_cursor_next(&cursor));
    assert_text(COLUMN_STRING, "keep");
    assert_true(tow_cursor_next(&cursor));
    assert_text(COLUMN_STRING, "next");
    assert_true(tow_view_is_null(&cursor.columns[COLUMN_BOOL], 1));
    assert_int_equal(array.children[COLUMN_BOOL]->null_count, 1);
    array.release(&array);
}

static void test_a_null_where_none_is_allowed_keeps_the_row_open(void **state)
{
    static const struct tow_field fields[] = {{"key", {TOW_TYPE_INT64, 0, 0}, 1},
                                              {"note", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct tow_builder *keyed = tow_builder_new(fields, 2, &err);

    (void)state;
    assert_non_null(keyed);
    assert_int_equal(tow_builder_end_row(keyed, &err), TOW_E_DATA);
    assert_string_equal(err.message, "column \"key\": null, but the column is not null");
    assert_ok(tow_append_int64(keyed, 0, 1, &err), err);
    assert_ok(tow_builder_end_row(keyed, &err), err);
    assert_ok(tow_append_null(keyed, 0, &err), err);
    assert_int_equal(tow_builder_end_row(keyed, &err), TOW_E_DATA);
    tow_builder_cancel_row(keyed);
    assert_ok(tow_builder_finish(keyed, &array, &err), err);
    assert_int_equal(array.length, 1);
    assert_int_equal(array.children[0]->null_count, 0);
    array.release(&array);
    tow_builder_free(keyed);
}

static void test_an_open_row_cannot_be_finished(void **state)
{
    (void)state;
    assert_ok(tow_append_int64(builder, COLUMN_INT8, 1, &err), err);
    assert_int_equal(tow_builder_finish(builder, &array, &err), TOW_E_BUG);
    assert_string_equal(err.message, "row 0 is open: end or cancel it first");
    assert_null(array.release);
    end_row();
    finish();
    array.release(&array);
}

static void test_reset_drops_all_rows(void **state)
{
    (void)state;
    assert_ok(tow_append_text(builder, COLUMN_STRING, "old", &err), err);
    end_row();
    assert_ok(tow_append_text(builder, COLUMN_STRING, "open", &err), err);
    tow_builder_reset(builder);
    assert_int_equal(tow_builder_rows(builder), 0);
    assert_int_equal(tow_builder_bytes(builder), 0);
    assert_ok(tow_append_text(builder, COLUMN_STRING, "new", &err), err);
    end_row();
    finish();
    assert_int_equal(array.length, 1);
    assert_true(tow_cursor_next(&cursor));
    assert_text(COLUMN_STRING, "new");
    array.release(&array);
}

static void test_an_empty_batch_has_all_buffers_and_one_offset(void **state)
{
    (void)state;
    finish();
    assert_int_equal(array.length, 0);
    assert_false(tow_cursor_next(&cursor));
    for (int i = 0; i < COLUMNS; i++)
        assert_non_null(array.children[i]->buffers[1]);
    assert_int_equal(array.children[COLUMN_STRING]->n_buffers, 3);
    assert_int_equal(((const int32_t *)array.children[COLUMN_STRING]->buffers[1])[0], 0);
    assert_non_null(array.children[COLUMN_STRING]->buffers[2]);
    array.release(&array);
}

static void test_rows_without_columns_are_counted(void **state)
{
    struct tow_builder *none = tow_builder_new(NULL, 0, &err);

    (void)state;
    assert_non_null(none);
    assert_ok(tow_builder_end_row(none, &err), err);
    assert_ok(tow_builder_end_row(none, &err), err);
    assert_int_equal(tow_builder_rows(none), 2);
    assert_ok(tow_builder_finish(none, &array, &err), err);
    assert_int_equal(array.length, 2);
    assert_int_equal(array.n_children, 0);
    array.release(&array);
    assert_int_equal(tow_builder_rows(none), 0);
    tow_builder_free(none);
}

static void test_a_builder_is_full_by_rows_or_bytes(void **state)
{
    (void)state;
    assert_false(tow_builder_full(builder, 1, 1));
    assert_ok(tow_append_text(builder, COLUMN_STRING, "0123456789", &err), err);
    end_row();
    assert_true(tow_builder_full(builder, 1, 1 << 20));
    assert_false(tow_builder_full(builder, 2, 1 << 20));
    assert_true(tow_builder_full(builder, 2, tow_builder_bytes(builder)));
    assert_false(tow_builder_full(builder, 2, tow_builder_bytes(builder) + 1));
    assert_false(tow_builder_full(builder, 0, 0));
}

static void test_bytes_count_values_validity_offsets_and_text(void **state)
{
    static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                              {"b", {TOW_TYPE_BOOL, 0, 0}, 0},
                                              {"s", {TOW_TYPE_STRING, 0, 0}, 0}};
    struct tow_builder *three = tow_builder_new(fields, 3, &err);

    (void)state;
    for (int i = 0; i < 9; i++) {
        assert_ok(tow_append_text(three, 2, "ab", &err), err);
        assert_ok(tow_builder_end_row(three, &err), err);
    }
    assert_int_equal(tow_builder_bytes(three), (9 * (64 + 1 + 32 + 3) + 7) / 8 + 4 + 9 * 2);
    tow_builder_free(three);
}

static void test_builders_refuse_fields_that_make_no_schema(void **state)
{
    static const struct tow_field twice[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                             {"n", {TOW_TYPE_BOOL, 0, 0}, 0}};
    struct ArrowSchema released = {.format = "+s"};

    (void)state;
    assert_null(tow_builder_new(twice, 2, &err));
    assert_int_equal(err.code, TOW_E_UNSUPPORTED);
    assert_null(tow_builder_new_schema(&released, &err));
    assert_int_equal(err.code, TOW_E_BUG);
    tow_builder_free(NULL);
}

/* ---- everything at random ------------------------------------------------------------------- */

enum { RANDOM_TEXT_MAX = 40 };

/* What went into one value. */
struct random_value {
    int is_null;
    int64_t integer;
    double number;
    struct tow_decimal decimal;
    size_t length;
    char text[RANDOM_TEXT_MAX];
};

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int random_fill(size_t column, struct random_value *value)
{
    size_t width = tow_type_width(all_fields[column].type.id);

    value->integer = (int64_t)random_next();
    if (width > 0 && width < 8)
        value->integer = (int64_t)(random_next() % (UINT64_C(1) << (8 * width - 1)));
    value->number = (double)(float)(int32_t)random_next();
    value->decimal = (struct tow_decimal){random_next() % 100000, 0};
    value->length = random_next() % RANDOM_TEXT_MAX;
    for (size_t i = 0; i < value->length; i++)
        value->text[i] = (char)random_next();
    value->is_null = random_next() % 4 == 0;
    return value->is_null && random_next() % 2;
}

static int random_append(size_t column, const struct random_value *value)
{
    switch (all_fields[column].type.id) {
    case TOW_TYPE_BOOL:
        return tow_append_bool(builder, column, value->integer & 1, &err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return tow_append_double(builder, column, value->number, &err);
    case TOW_TYPE_DECIMAL:
        return tow_append_decimal(builder, column, value->decimal, &err);
    case TOW_TYPE_STRING:
    case TOW_TYPE_BINARY:
    case TOW_TYPE_JSON:
        return tow_append_bytes(builder, column, value->text, value->length, &err);
    case TOW_TYPE_UINT64:
        return tow_append_uint64(builder, column, (uint64_t)value->integer, &err);
    default:
        return tow_append_int64(builder, column, value->integer, &err);
    }
}

static void random_assert(size_t column, const struct random_value *value)
{
    const struct tow_view *view = &cursor.columns[column];
    struct tow_decimal decimal;
    const char *bytes;
    size_t length;

    assert_int_equal(tow_view_is_null(view, cursor.row), value->is_null);
    if (value->is_null)
        return;
    switch (view->type.id) {
    case TOW_TYPE_BOOL:
        assert_int_equal(tow_view_bool(view, cursor.row), value->integer & 1);
        break;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        assert_true(tow_view_double(view, cursor.row) == value->number);
        break;
    case TOW_TYPE_DECIMAL:
        decimal = tow_view_decimal(view, cursor.row);
        assert_memory_equal(&decimal, &value->decimal, sizeof decimal);
        break;
    case TOW_TYPE_STRING:
    case TOW_TYPE_BINARY:
    case TOW_TYPE_JSON:
        bytes = tow_view_bytes(view, cursor.row, &length);
        assert_int_equal(length, value->length);
        assert_memory_equal(bytes, value->text, length);
        break;
    default:
        assert_true(tow_view_int64(view, cursor.row) == value->integer);
        break;
    }
}

/* Appends a row in any order of columns; some are cancelled half way. Returns 1 where it stays. */
static int random_row(struct random_value row[COLUMNS])
{
    size_t start = random_next() % COLUMNS;
    size_t stop = random_next() % 8 == 0 ? random_next() % COLUMNS : COLUMNS;

    for (size_t i = 0; i < stop; i++) {
        size_t column = (start + i) % COLUMNS;
        int is_left_out = random_fill(column, &row[column]);

        if (is_left_out)
            continue;
        if (row[column].is_null)
            assert_ok(tow_append_null(builder, column, &err), err);
        else
            assert_ok(random_append(column, &row[column]), err);
    }
    if (stop < COLUMNS)
        tow_builder_cancel_row(builder);
    else
        end_row();
    return stop == COLUMNS;
}

static void test_what_goes_in_at_random_comes_out_of_the_cursor(void **state)
{
    enum { ROWS = 500, BATCHES = 20 };
    static struct random_value rows[ROWS][COLUMNS];

    (void)state;
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t count = 0, wanted = (int64_t)(random_next() % ROWS);

        while (count < wanted)
            count += random_row(rows[count]);
        finish();
        assert_int_equal(array.length, count);
        while (tow_cursor_next(&cursor))
            for (size_t i = 0; i < COLUMNS; i++)
                random_assert(i, &rows[cursor.row][i]);
        assert_int_equal(cursor.row, count);
        array.release(&array);
    }
}

#define with_builder(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_builder(test_integers_keep_their_extremes),
        with_builder(test_integers_out_of_range_are_refused_and_the_row_stays_open),
        with_builder(test_floats_keep_their_bits),
        with_builder(test_a_double_beyond_float32_is_refused),
        with_builder(test_decimals_have_no_more_digits_than_their_precision),
        with_builder(test_text_binary_and_json_keep_every_byte),
        with_builder(test_columns_that_got_nothing_are_null),
        with_builder(test_validity_is_left_out_where_nothing_is_null),
        with_builder(test_a_value_of_another_kind_is_refused),
        with_builder(test_columns_out_of_range_and_second_values_are_refused),
        with_builder(test_a_cancelled_row_leaves_no_trace),
        with_builder(test_a_null_where_none_is_allowed_keeps_the_row_open),
        with_builder(test_an_open_row_cannot_be_finished),
        with_builder(test_reset_drops_all_rows),
        with_builder(test_an_empty_batch_has_all_buffers_and_one_offset),
        with_builder(test_rows_without_columns_are_counted),
        with_builder(test_a_builder_is_full_by_rows_or_bytes),
        with_builder(test_bytes_count_values_validity_offsets_and_text),
        with_builder(test_builders_refuse_fields_that_make_no_schema),
        with_builder(test_what_goes_in_at_random_comes_out_of_the_cursor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
