/* What events are made of: moments, days, digests, members of a payload. */
#include "connectors/events/day.h"
#include "connectors/events/digest.h"
#include "connectors/events/fields.h"
#include "connectors/events/moment.h"
#include "towpath/value.h"
#include "unit.h"

static void test_moments_of_every_form_are_read(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
        {"2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100Z"},
        {"2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"},
        {"2026-01-02T03:04:05.12345678901234567890Z", "2026-01-02T03:04:05.123456Z"},
        {"2026-01-02T03:04:05.1234567890+02:00", "2026-01-02T01:04:05.123456Z"},
        {"2026-01-02 03:04:05", "2026-01-02T03:04:05Z"},
        {"2026-01-02 03:04:05.678", "2026-01-02T03:04:05.678Z"},
        {"2026-01-02", "2026-01-02T00:00:00Z"},
        {"0", "1970-01-01T00:00:00Z"},
        {"1767323045", "2026-01-02T03:04:05Z"},
        {"1767323045.5", "2026-01-02T03:04:05.500Z"},
        {"1767323045123", "2026-01-02T03:04:05.123Z"},
        {"1767323045123.4567", "2026-01-02T03:04:05.123456Z"},
        {"1767323045123456", "2026-01-02T03:04:05.123456Z"},
        {"1767323045123456789", "2026-01-02T03:04:05.123456Z"},
        {"-1.25", "1969-12-31T23:59:58.750Z"},
        {"99999999999", "5138-11-16T09:46:39Z"},
        {"100000000000", "1973-03-03T09:46:40Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TOW_TIMESTAMP_TEXT_MAX + 1];
        int64_t at = 0;

        if (tow_moment_parse(cases[i].text, strlen(cases[i].text), &at) != TOW_PARSE_OK)
            fail_msg("%s is not read", cases[i].text);
        *tow_put_timestamp(text, at, 1) = '\0';
        assert_string_equal(text, cases[i].wanted);
    }
}

static void test_what_is_no_moment_is_refused(void **state)
{
    static const char *const syntax[] = {"",
                                         "-",
                                         ".",
                                         "1.",
                                         ".5",
                                         "1e5",
                                         "today",
                                         "1 2",
                                         "2026-01-02x03:04:05",
                                         "2026-01-02T03:04:05.Z",
                                         "12a"};
    static const char *const range[] = {"2026-02-30", "2026-01-02T25:00:00Z", "-99999999999",
                                        "99999999999999999999999"};
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof syntax / sizeof *syntax; i++)
        if (tow_moment_parse(syntax[i], strlen(syntax[i]), &at) != TOW_PARSE_SYNTAX)
            fail_msg("\"%s\" is taken", syntax[i]);
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (tow_moment_parse(range[i], strlen(range[i]), &at) != TOW_PARSE_RANGE)
            fail_msg("\"%s\" is no fault of range", range[i]);
}

static void assert_day(const char *date, const char *zone, const char *wanted)
{
    struct tow_error err = TOW_ERROR_INIT;
    char text[TOW_TIMESTAMP_TEXT_MAX + 1];
    int64_t at;

    assert_ok(tow_day_begin("start_date", date, zone, &at, &err), err);
    *tow_put_timestamp(text, at, 1) = '\0';
    assert_string_equal(text, wanted);
}

static void test_a_day_begins_by_the_clocks_of_its_zone(void **state)
{
    (void)state;
    assert_day("2026-07-01", NULL, "2026-07-01T00:00:00Z");
    assert_day("2026-07-01", "UTC", "2026-07-01T00:00:00Z");
    assert_day("2026-07-01", "+05:30", "2026-06-30T18:30:00Z");
    assert_day("2026-07-01", "-08:00", "2026-07-01T08:00:00Z");
    assert_day("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00Z");
    assert_day("2026-01-01", "Europe/Berlin", "2025-12-31T23:00:00Z");
    assert_day("2060-07-01", "Europe/Berlin", "2060-06-30T22:00:00Z");
    /* There is no midnight on that day. */
    assert_day("2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z");
    assert_day("2026-07-01", "America/Los_Angeles", "2026-07-01T07:00:00Z");
}

static void test_what_is_no_day_or_zone_is_refused(void **state)
{
    static const char *const cases[][3] = {
        {"2026-13-01", "UTC", "start_date = \"2026-13-01\""},
        {"yesterday", "UTC", "yyyy-mm-dd"},
        {"2026-01-01", "Europe/Nowhere", "date_timezone = \"Europe/Nowhere\""},
        {"2026-01-01", "+5:00", "+hh:mm"},
        {"2026-01-01", "+19:00", "+hh:mm"},
        {"2026-01-01", "", "date_timezone"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        int64_t at;

        assert_int_equal(tow_day_begin("start_date", cases[i][0], cases[i][1], &at, &err),
                         TOW_E_CONFIG);
        assert_says(err, cases[i][2]);
    }
}

/* The first from the specification of XXH64, the last from Spark's documentation of xxhash64. */
static void test_digests_are_those_of_spark(void **state)
{
    static const unsigned char number[] = {123, 0, 0, 0}, two[] = {2, 0, 0, 0};
    uint64_t hash;

    (void)state;
    assert_true(tow_digest("", 0, 0) == UINT64_C(0xEF46DB3751D8E999));
    assert_true(tow_digest("abc", 3, 0) == UINT64_C(0x44BC2CF5AD770999));
    hash = tow_digest("Spark", 5, TOW_DIGEST_SEED);
    hash = tow_digest(number, sizeof number, hash);
    assert_true(tow_digest(two, sizeof two, hash) == UINT64_C(5602566077635097486));
}

static void test_the_first_and_last_bytes_of_long_text_matter(void **state)
{
    char text[200];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t length = 1; length < sizeof text; length++) {
        uint64_t hash = tow_digest(text, length, 1);

        assert_true(hash != tow_digest(text, length, 2));
        for (size_t i = 0; i < length; i++) {
            text[i] = 'y';
            assert_true(hash != tow_digest(text, length, 1));
            text[i] = 'x';
        }
    }
}

static void test_members_are_kept_to_the_byte(void **state)
{
    static const char *const names[] = {"a", "b c", "é"};
    static const char *const cases[][2] = {
        {"{\"a\": 1.50, \"x\":{\"a\":2}}", "{\"a\": 1.50}"},
        {"{ \"x\":1,\"b c\" : [1, {\"q\": 0}] ,\"a\":null }",
         "{\"b c\" : [1, {\"q\": 0}],\"a\":null}"},
        {"{\"\\u0061\":1,\"\\u00e9\":2,\"\\ud800\":3}", "{\"\\u0061\":1,\"\\u00e9\":2}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
        {"{\"x\":1}", "{}"},
        {"{}", "{}"},
        {"[1]", "[1]"},
    };
    struct tow_buffer scratch = {0};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_json_part object = {cases[i][0], strlen(cases[i][0])};

        assert_ok(tow_fields_keep(&scratch, &object, names, 3, &err), err);
        assert_int_equal(object.length, strlen(cases[i][1]));
        assert_memory_equal(object.text, cases[i][1], object.length);
    }
    tow_buffer_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_of_every_form_are_read),
        cmocka_unit_test(test_what_is_no_moment_is_refused),
        cmocka_unit_test(test_a_day_begins_by_the_clocks_of_its_zone),
        cmocka_unit_test(test_what_is_no_day_or_zone_is_refused),
        cmocka_unit_test(test_digests_are_those_of_spark),
        cmocka_unit_test(test_the_first_and_last_bytes_of_long_text_matter),
        cmocka_unit_test(test_members_are_kept_to_the_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
