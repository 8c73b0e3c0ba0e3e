#include "unit.h"

#include "config/job.h"

struct sample {
    const char *text;
    int64_t value;
};

static void test_sizes_are_read_in_both_systems_of_units(void **state)
{
    static const struct sample samples[] = {
        {"0", 0},
        {"100", 100},
        {"100B", 100},
        {"1kB", 1000},
        {"64MB", 64000000},
        {"64 MB", 64000000},
        {"64MB ", 64000000},
        {"64mb", 64000000},
        {"64MiB", 67108864},
        {"1.5GiB", 1610612736},
        {"0.5kB", 500},
        {"1.1GiB", 1181116006},
        {"2TB", 2000000000000},
        {"1TiB", INT64_C(1) << 40},
        {"1.50000000000000000000000MB", 1500000},
        {"9223372036854775807", INT64_MAX},
        {"8388607TiB", INT64_C(8388607) << 40},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        int64_t value = -1;

        assert_ok(tow_parse_size(samples[i].text, &value, &err), err);
        if (value != samples[i].value)
            fail_msg("%s: %lld", samples[i].text, (long long)value);
    }
}

static void test_malformed_sizes_are_refused_with_their_text(void **state)
{
    static const char *const texts[][2] = {
        {"", "is no size"},
        {"MB", "is no size"},
        {"-1MB", "is no size"},
        {"+1MB", "is no size"},
        {" 1MB", "is no size"},
        {".5MB", "is no size"},
        {"1.MB", "is no size"},
        {"1.2.3MB", "no unit of size"},
        {"1,5MB", "no unit of size"},
        {"64M", "no unit of size"},
        {"64 XB", "no unit of size"},
        {"64MB 3", "no unit of size"},
        {"1.5", "no whole number of bytes"},
        {"1e3", "no unit of size"},
        {"9223372036854775808", "more than"},
        {"8388608TiB", "more than"},
        {"99999999999999999999", "is no size"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        int64_t value = -1;

        if (tow_parse_size(texts[i][0], &value, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" was read as %lld", texts[i][0], (long long)value);
        assert_says(err, texts[i][0]);
        assert_says(err, texts[i][1]);
        assert_int_equal(tow_parse_size(texts[i][0], &value, NULL), TOW_E_CONFIG);
    }
}

static void test_durations_add_up_their_units(void **state)
{
    static const struct sample samples[] = {
        {"0s", 0},
        {"500ms", 500},
        {"15m", 900000},
        {"1h30m", 5400000},
        {"1h 30m", 5400000},
        {"1.5s", 1500},
        {"2d", 172800000},
        {"1d1h1m1s1ms", 90061001},
        {"90m", 5400000},
        {"1H", 3600000},
        {"9223372036854775807ms", INT64_MAX},
        {"106751991167d7h12m55s807ms", INT64_MAX},
    };
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        int64_t value = -1;

        assert_ok(tow_parse_duration(samples[i].text, &value, &err), err);
        if (value != samples[i].value)
            fail_msg("%s: %lld", samples[i].text, (long long)value);
    }
}

static void test_malformed_durations_are_refused_with_their_text(void **state)
{
    static const char *const texts[][2] = {
        {"", "is no duration"},
        {"15", "lacks a unit"},
        {"0", "lacks a unit"},
        {"h", "is no duration"},
        {"-1s", "is no duration"},
        {"1h30", "lacks a unit"},
        {"30m1h", "wrong order"},
        {"1h1h", "wrong order"},
        {"1w", "lacks a unit"},
        {"1min", "lacks a unit"},
        {"0.5ms", "finer than a millisecond"},
        {"1.0001s", "finer than a millisecond"},
        {"106751991168d", "more than"},
        {"106751991167d7h12m55s808ms", "more than"},
        {"9223372036854775808ms", "more than"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        int64_t value = -1;

        if (tow_parse_duration(texts[i][0], &value, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" was read as %lld", texts[i][0], (long long)value);
        assert_says(err, texts[i][0]);
        assert_says(err, texts[i][1]);
    }
}

static void test_sizes_are_written_in_the_largest_unit_that_fits(void **state)
{
    static const struct sample samples[] = {
        {"0", 0},          {"100", 100},       {"1kB", 1000},          {"1KiB", 1024},
        {"1500", 1500},    {"64MB", 64000000}, {"4MiB", 4194304},      {"1000KiB", 1024000},
        {"1GiB", 1 << 30}, {"1001", 1001},     {"1TB", 1000000000000}, {"-1KiB", -1024},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        tow_format_size(samples[i].value, text);
        assert_string_equal(text, samples[i].text);
    }
}

static void test_durations_are_written_without_empty_units(void **state)
{
    static const struct sample samples[] = {
        {"0s", 0},
        {"500ms", 500},
        {"1m", 60000},
        {"1h30m", 5400000},
        {"1d1ms", 86400001},
        {"-1s500ms", -1500},
        {"106751991167d7h12m55s807ms", INT64_MAX},
        {"-106751991167d7h12m55s808ms", INT64_MIN},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        tow_format_duration(samples[i].value, text);
        assert_string_equal(text, samples[i].text);
    }
}

static void test_what_is_written_reads_back(void **state)
{
    uint64_t random = 88172645463325252u;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[32];
        int64_t value, back = -1;

        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        value = (int64_t)(random >> (1 + i % 60));
        tow_format_size(value, text);
        assert_ok(tow_parse_size(text, &back, &err), err);
        assert_int_equal(back, value);
        tow_format_duration(value, text);
        assert_ok(tow_parse_duration(text, &back, &err), err);
        assert_int_equal(back, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_read_in_both_systems_of_units),
        cmocka_unit_test(test_malformed_sizes_are_refused_with_their_text),
        cmocka_unit_test(test_durations_add_up_their_units),
        cmocka_unit_test(test_malformed_durations_are_refused_with_their_text),
        cmocka_unit_test(test_sizes_are_written_in_the_largest_unit_that_fits),
        cmocka_unit_test(test_durations_are_written_without_empty_units),
        cmocka_unit_test(test_what_is_written_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
