/* Options of the source databricks that do not go together, and the values of its keys. */
#include "plugins/databricks/key.h"
#include "plugins/databricks/options.h"

#include "unit.h"

#define STRINGS(...)                                          \
    ((struct tow_strings){(const char *const[]){__VA_ARGS__}, \
                          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})

static void assert_refused(struct tow_scan_options options, const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_scan_options_check(&options, &err), TOW_E_CONFIG);
    assert_says(err, says);
}

static void assert_passes(struct tow_scan_options options)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_scan_options_check(&options, &err), err);
}

#define OPTIONS(...) ((struct tow_scan_options){__VA_ARGS__})

static void test_one_thing_is_read(void **state)
{
    (void)state;
    assert_passes(OPTIONS(.table = "main.crm.vip"));
    assert_passes(OPTIONS(.table = "`a.b`.`c``d`"));
    assert_passes(OPTIONS(.query = "SELECT 1"));
    assert_refused(OPTIONS(.table = NULL), "what to read is not said");
    assert_refused(OPTIONS(.table = "a", .query = "SELECT 1"), "both set");
    assert_refused(OPTIONS(.table = "a.b.c.d"), "a.b.c.d");
    assert_refused(OPTIONS(.table = "a..b"), "a..b");
    assert_refused(OPTIONS(.query = "SELECT 1;"), "query, character 9: a semicolon");
    assert_refused(OPTIONS(.table = "a", .where = "b)"), "where, character 2");
    assert_refused(OPTIONS(.query = "SELECT 1", .snapshot = TOW_SCAN_SNAPSHOT_PINNED),
                   "VERSION AS OF");
}

static void test_what_needs_a_cursor_says_so(void **state)
{
    (void)state;
    assert_refused(OPTIONS(.table = "a", .since = "2026-01-01"), "since needs a cursor");
    assert_refused(OPTIONS(.table = "a", .lag = 1), "lag needs a cursor");
    assert_refused(OPTIONS(.table = "a", .overlap = 1), "overlap needs a cursor");
    assert_refused(OPTIONS(.table = "a", .null_cursor = TOW_SCAN_NULLS_FAIL),
                   "null_cursor needs a cursor");
    assert_refused(OPTIONS(.table = "a", .cursor = "c", .limit = 5), "limit with cursor needs "
                                                                     "tie_break");
    assert_passes(OPTIONS(.table = "a", .limit = 5));
    assert_passes(OPTIONS(.table = "a", .cursor = "c", .tie_break = STRINGS("k"), .limit = 5,
                          .lag = 1, .overlap = 1, .since = "2026-01-01"));
}

static void test_names_stand_there_once(void **state)
{
    const char *names[TOW_KEYS_MAX + 1];
    char texts[TOW_KEYS_MAX + 1][4], long_name[1002] = "";

    (void)state;
    assert_refused(OPTIONS(.table = "a", .columns = STRINGS("x", "y", "X")),
                   "\"X\" is there twice");
    assert_refused(OPTIONS(.table = "a", .columns = STRINGS("x", "")), "columns: name 2 is empty");
    assert_refused(OPTIONS(.table = "a", .tie_break = STRINGS("x", "x")), "tie_break: \"x\"");
    assert_refused(OPTIONS(.table = "a", .cursor = ""), "cursor is empty");
    assert_refused(OPTIONS(.table = "a", .cursor = "X", .tie_break = STRINGS("y", "x")),
                   "breaks no ties");
    for (size_t i = 0; i <= TOW_KEYS_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "k%zu", i);
        names[i] = texts[i];
    }
    assert_passes(OPTIONS(.table = "a", .tie_break = {names, TOW_KEYS_MAX}));
    assert_refused(OPTIONS(.table = "a", .tie_break = {names, TOW_KEYS_MAX + 1}),
                   "17 columns, at most 16");
    memset(long_name, 'x', sizeof long_name - 1);
    assert_refused(OPTIONS(.table = "a", .cursor = long_name), "have 1001 bytes; 1000 can be kept");
}

/* ---- since ---------------------------------------------------------------------------------- */

static void assert_since(enum tow_type_id id, int scale, const char *since, const char *text)
{
    const struct tow_type type = {id, id == TOW_TYPE_DECIMAL ? 20 : 0, scale};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    assert_ok(tow_key_since_check(since, &err), err);
    if (!text) {
        assert_int_equal(tow_key_since_put(&out, type, since, &err), TOW_E_CONFIG);
        assert_says(err, "does not fit the cursor");
    } else {
        assert_ok(tow_key_since_put(&out, type, since, &err), err);
        assert_int_equal(out.size, strlen(text));
        assert_memory_equal(out.data, text, out.size);
    }
    tow_buffer_release(&out);
}

static void test_since_is_a_time_in_utc(void **state)
{
    (void)state;
    assert_since(TOW_TYPE_TIMESTAMP, 0, "2026-01-31 23:59:58", "2026-01-31T23:59:58.000000Z");
    assert_since(TOW_TYPE_TIMESTAMP, 0, "2026-01-31", "2026-01-31T00:00:00.000000Z");
    assert_since(TOW_TYPE_TIMESTAMP, 0, "2026-01-31T23:59:58.1234567+02:00",
                 "2026-01-31T21:59:58.123456Z");
    assert_since(TOW_TYPE_TIMESTAMP_NTZ, 0, "2026-01-31T23:59:58Z", "2026-01-31T23:59:58.000000");
    assert_since(TOW_TYPE_TIMESTAMP, 0, "1969-12-31 23:59:59.5", "1969-12-31T23:59:59.500000Z");
    assert_since(TOW_TYPE_TIMESTAMP, 0, "0001-01-01", "0001-01-01T00:00:00.000000Z");
    /* Rows of that day are not after it. */
    assert_since(TOW_TYPE_DATE, 0, "2026-01-31 12:00:00", "2026-01-31");
    assert_since(TOW_TYPE_DATE, 0, "1969-12-31 12:00:00", "1969-12-31");
    assert_since(TOW_TYPE_STRING, 0, "2026-01-31", "2026-01-31");
    assert_since(TOW_TYPE_INT64, 0, "2026-01-31", NULL);
}

static void test_since_is_a_whole_number(void **state)
{
    (void)state;
    assert_since(TOW_TYPE_INT64, 0, "-12", "-12");
    assert_since(TOW_TYPE_DECIMAL, 0, "12345678901234567890", "12345678901234567890");
    assert_since(TOW_TYPE_STRING, 0, "007", "007");
    assert_since(TOW_TYPE_TIMESTAMP, 0, "12", NULL);
    assert_since(TOW_TYPE_DATE, 0, "12", NULL);
}

static void test_since_is_nothing_else(void **state)
{
    static const char *const others[] = {
        "",    "yesterday", "2026-02-30", "2026-1-1",         "2026-01-31 25:00:00",
        "1.5", "1e3",       "31.01.2026", "2026-01-31 23:59", " 2026-01-31"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_refused(OPTIONS(.table = "a", .cursor = "c", .since = others[i]), "since = ");
}

/* ---- points in time ------------------------------------------------------------------------- */

static void assert_before(enum tow_type_id id, const char *text, int64_t ms, const char *before)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    int code = tow_key_before_put(&out, (struct tow_type){id, 0, 0}, text, ms, &err);

    if (before) {
        assert_ok(code, err);
        assert_int_equal(out.size, strlen(before));
        assert_memory_equal(out.data, before, out.size);
    } else {
        assert_int_equal(code, TOW_E_UNSUPPORTED);
    }
    tow_buffer_release(&out);
}

static void test_overlap_goes_back_in_time(void **state)
{
    (void)state;
    assert_before(TOW_TYPE_TIMESTAMP, "2026-01-01T00:00:00.000001Z", 1,
                  "2025-12-31T23:59:59.999001Z");
    assert_before(TOW_TYPE_TIMESTAMP_NTZ, "2026-03-01T00:00:00.000000", 86400000,
                  "2026-02-28T00:00:00.000000");
    assert_before(TOW_TYPE_DATE, "2026-03-01", 86400000, "2026-02-28");
    /* A part of a day reaches into the day before. */
    assert_before(TOW_TYPE_DATE, "2026-03-01", 1, "2026-02-28");
    assert_before(TOW_TYPE_TIMESTAMP, "+12345-01-01T00:00:00.000000Z", 1, NULL);
    assert_before(TOW_TYPE_TIMESTAMP, "2026-01-01T00:00:00.000000Z", INT64_MAX, NULL);
    assert_string_equal(tow_key_later("2026-01-01", "2026-01-02"), "2026-01-02");
    assert_string_equal(tow_key_later("2026-01-02T00:00:00.000001Z", "2026-01-02T00:00:00.000000Z"),
                        "2026-01-02T00:00:00.000001Z");
    assert_string_equal(tow_key_later("x", "2026-01-02"), "x");
}

static void assert_limit(enum tow_type_id id, int64_t now, int64_t lag, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    assert_ok(tow_key_limit_put(&out, (struct tow_type){id, 0, 0}, now, lag, &err), err);
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    tow_buffer_release(&out);
}

static void test_lag_stays_behind_the_clock(void **state)
{
    const int64_t now = 1767323045123456; /* 2026-01-02T03:04:05.123456Z */
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    (void)state;
    assert_limit(TOW_TYPE_TIMESTAMP, now, 5000, "2026-01-02T03:04:00.123456Z");
    assert_limit(TOW_TYPE_TIMESTAMP_NTZ, now, 0, "2026-01-02T03:04:05.123456");
    /* A day counts once it is over. */
    assert_limit(TOW_TYPE_DATE, now, 0, "2026-01-01");
    assert_limit(TOW_TYPE_DATE, now, INT64_C(4) * 3600000, "2025-12-31");
    assert_int_equal(
        tow_key_limit_put(&out, (struct tow_type){TOW_TYPE_DATE, 0, 0}, now, INT64_MAX, &err),
        TOW_E_CONFIG);
}

static void assert_said(enum tow_type_id id, const char *said, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    int code = tow_key_said_put(&out, (struct tow_type){id, 0, 0}, said, &err);

    if (text) {
        assert_ok(code, err);
        assert_int_equal(out.size, strlen(text));
        assert_memory_equal(out.data, text, out.size);
    } else {
        assert_int_equal(code, TOW_E_UNSUPPORTED);
        assert_says(err, said);
    }
    tow_buffer_release(&out);
}

static void test_the_greatest_value_is_read_as_it_is_said(void **state)
{
    (void)state;
    assert_said(TOW_TYPE_TIMESTAMP, "-1", "1969-12-31T23:59:59.999999Z");
    assert_said(TOW_TYPE_TIMESTAMP, "253402300800000000", "+10000-01-01T00:00:00.000000Z");
    assert_said(TOW_TYPE_TIMESTAMP, "soon", NULL);
    assert_said(TOW_TYPE_TIMESTAMP_NTZ, "2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500000");
    assert_said(TOW_TYPE_TIMESTAMP_NTZ, "+12345-01-01 00:00:00", NULL);
    assert_said(TOW_TYPE_STRING, "b c", "b c");
    assert_said(TOW_TYPE_DATE, "2026-01-02", "2026-01-02");
}

static void test_texts_that_are_kept(void **state)
{
    char text[TOW_KEY_TEXT_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_true(tow_key_is_kept(text, TOW_KEY_TEXT_MAX));
    assert_false(tow_key_is_kept(text, TOW_KEY_TEXT_MAX + 1));
    assert_true(tow_key_is_kept("", 0));
    assert_false(tow_key_is_kept("a\0b", 3));
    assert_false(tow_key_is_kept("\xFF", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thing_is_read),
        cmocka_unit_test(test_what_needs_a_cursor_says_so),
        cmocka_unit_test(test_names_stand_there_once),
        cmocka_unit_test(test_since_is_a_time_in_utc),
        cmocka_unit_test(test_since_is_a_whole_number),
        cmocka_unit_test(test_since_is_nothing_else),
        cmocka_unit_test(test_overlap_goes_back_in_time),
        cmocka_unit_test(test_lag_stays_behind_the_clock),
        cmocka_unit_test(test_the_greatest_value_is_read_as_it_is_said),
        cmocka_unit_test(test_texts_that_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
