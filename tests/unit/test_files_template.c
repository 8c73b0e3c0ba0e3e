/* Paths with places to fill in: what fits, what they say, and which files there are. */
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/template.h"
#include "scratch.h"
#include "towpath/value.h"
#include "unit.h"

static struct tow_template make(const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_template template;

    assert_ok(tow_template_init(&template, text, &err), err);
    return template;
}

static void test_a_path_says_its_stream_and_day(void **state)
{
    static const struct {
        const char *template, *path, *stream;
        int year, month, day;
    } cases[] = {
        {"/e/{stream}/{yyyy}/{mm}/{dd}/*.gz", "/e/web/2026/01/09/x.gz", "web", 2026, 1, 9},
        {"{stream}-{yyyy}{mm}{dd}T{hh}.csv", "my-app-20261231T23.csv", "my-app", 2026, 12, 31},
        {"**/{stream}/x", "a/b/c/web/x", "web", 0, 0, 0},
        {"**/{stream}/x", "web/x", "web", 0, 0, 0},
        {"a/**/{yyyy}/**/x", "a/b/2026/c/d/x", NULL, 2026, 0, 0},
        {"{stream}/{stream}.x", "web/web.x", "web", 0, 0, 0},
        {"s3://b/{stream}*", "s3://b/w", "w", 0, 0, 0},
        {"[a-c]?[!x]/{mm}", "bqz/07", NULL, 0, 7, 0},
        {"x[]/{dd}", "x[]/07", NULL, 0, 0, 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_template template = make(cases[i].template);
        struct tow_template_values values;

        if (!tow_template_match(&template, cases[i].path, &values))
            fail_msg("%s does not fit %s", cases[i].path, cases[i].template);
        assert_int_equal(values.year, cases[i].year);
        assert_int_equal(values.month, cases[i].month);
        assert_int_equal(values.day, cases[i].day);
        assert_int_equal(values.stream != NULL, cases[i].stream != NULL);
        if (cases[i].stream) {
            assert_int_equal(values.stream_length, strlen(cases[i].stream));
            assert_memory_equal(values.stream, cases[i].stream, values.stream_length);
        }
    }
}

static void test_what_does_not_fit_is_left_out(void **state)
{
    static const char *const cases[][2] = {
        {"{stream}/x", "/x"},
        {"{stream}/x", "a/b/x"},
        {"*.gz", "a/b.gz"},
        {"*.gz", ".b.gz"},
        {"{stream}", ".b"},
        {"{yyyy}", "202"},
        {"{yyyy}", "20260"},
        {"{mm}", "13"},
        {"{mm}", "00"},
        {"{dd}", "32"},
        {"{hh}", "24"},
        {"{dd}", "3x"},
        {"{stream}/{stream}", "a/b"},
        {"{dd}/{dd}", "01/02"},
        {"**/x", "a/y"},
        {"**/x", ".git/x"},
        {"[!a]", "a"},
        {"[a-c]", "d"},
        {"a?c", "ac"},
        {"**/x", "a/b/.c/x"},
        {"x", "x/y"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_template template = make(cases[i][0]);
        struct tow_template_values values;

        if (tow_template_match(&template, cases[i][1], &values))
            fail_msg("%s fits %s", cases[i][1], cases[i][0]);
    }
}

/* Names come from whoever can make a file: each star would be another power of their length. */
static void test_many_stars_are_no_trouble(void **state)
{
    static const struct {
        const char *template, *unit; /* what the name repeats */
        size_t length;
        int with_b; /* whether it fits with a 'b' at its end */
    } cases[] = {
        {"*a*a*a*a*a*a*a*a*b", "a", 1024, 1},
        {"**/a/**/a/**/a/**/a/**/a/**/b", "a/", 1024, 0},
        {"*{stream}*a*a*a*a*a*b", "a", 256, 1},
        {"*{stream}*{stream}*{stream}*{stream}*{stream}*b", "a", 256, 1},
        {"*{mm}*{mm}*{mm}*{mm}*{mm}*{mm}*{mm}*b", "01", 256, 1},
        {"*{hh}*{hh}*{hh}*{hh}*{hh}*{hh}*{hh}*b", "01", 256, 1},
    };
    struct tow_template_values values;

    (void)state;
    alarm(20); /* hours, without a limit */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_template template = make(cases[i].template);
        char name[1025] = "";

        for (size_t j = 0; j < cases[i].length; j++)
            name[j] = cases[i].unit[j % strlen(cases[i].unit)];
        assert_false(tow_template_match(&template, name, &values));
        name[cases[i].length - 1] = 'b';
        assert_int_equal(tow_template_match(&template, name, &values), cases[i].with_b);
    }
    alarm(0);
}

static void test_a_template_that_cannot_be_is_refused(void **state)
{
    char deep[200];
    const char *const cases[][2] = {
        {"{strem}/x", "{strem}"}, {"a/{yyyy", "{yyyy"}, {"a/**", "\"**/*\""}, {deep, "folders"}};

    (void)state;
    memset(deep, '/', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_template template;

        assert_int_equal(tow_template_init(&template, cases[i][0], &err), TOW_E_CONFIG);
        assert_says(err, cases[i][1]);
    }
}

/* ---- listing -------------------------------------------------------------------------------- */

static void put(const struct scratch *scratch, const char *name)
{
    char path[300], *slash;

    snprintf(path, sizeof path, "%s/%s", scratch->folder, name);
    for (slash = strchr(path + strlen(scratch->folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    scratch_write(path, "x", 1);
}

static int32_t day_of(const char *text)
{
    int32_t days = 0;

    assert_int_equal(tow_parse_date(text, strlen(text), &days), TOW_PARSE_OK);
    return days;
}

static void assert_list(const struct scratch *scratch, const char *pattern, int32_t from,
                        int32_t until, const char *wanted)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_listing listing = {NULL, 0};
    struct tow_template template;
    char text[300], found[1000] = "";

    snprintf(text, sizeof text, "%s/%s", scratch->folder, pattern);
    template = make(text);
    assert_ok(tow_template_list(&template, &tow_tree_local, from, until, &listing, &err), err);
    for (size_t i = 0; i < listing.count; i++) {
        strcat(found, listing.files[i].path + strlen(scratch->folder) + 1);
        strcat(found, " ");
        assert_int_equal(listing.files[i].size, 1);
    }
    assert_string_equal(found, wanted);
    tow_listing_release(&listing);
}

static void test_files_are_found_folder_by_folder(void **state)
{
    const struct scratch *scratch = *state;

    put(scratch, "web/2026/01/01/a.gz");
    put(scratch, "web/2026/01/31/a.gz");
    put(scratch, "web/2026/02/01/a.gz");
    put(scratch, "web/2026/02/01/b.txt");
    put(scratch, "app/2025/12/31/a.gz");
    put(scratch, "app/2025/12/.x/a.gz");
    put(scratch, "app/notes");
    assert_list(scratch, "{stream}/{yyyy}/{mm}/{dd}/*.gz", INT32_MIN, INT32_MAX,
                "app/2025/12/31/a.gz web/2026/01/01/a.gz web/2026/01/31/a.gz web/2026/02/01/a.gz ");
    assert_list(scratch, "{stream}/{yyyy}/{mm}/{dd}/*.gz", day_of("2026-01-01"),
                day_of("2026-01-31"), "web/2026/01/01/a.gz ");
    assert_list(scratch, "{stream}/{yyyy}/{mm}/{dd}/*.gz", day_of("2025-12-31"),
                day_of("2026-01-02"), "app/2025/12/31/a.gz web/2026/01/01/a.gz ");
    assert_list(scratch, "{stream}/{yyyy}/{mm}/{dd}/*.gz", day_of("2027-01-01"), INT32_MAX, "");
    assert_list(scratch, "web/{yyyy}/{mm}/01/{stream}", day_of("2026-02-01"), INT32_MAX,
                "web/2026/02/01/a.gz web/2026/02/01/b.txt ");
    assert_list(scratch, "**/*.gz", INT32_MIN, INT32_MAX,
                "app/2025/12/31/a.gz web/2026/01/01/a.gz web/2026/01/31/a.gz web/2026/02/01/a.gz ");
    assert_list(scratch, "**/{mm}/**/b*", INT32_MIN, INT32_MAX, "web/2026/02/01/b.txt ");
    assert_list(scratch, "nowhere/{stream}/*", INT32_MIN, INT32_MAX, "");
    assert_list(scratch, "app/{stream}", INT32_MIN, INT32_MAX, "app/notes ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_says_its_stream_and_day),
        cmocka_unit_test(test_what_does_not_fit_is_left_out),
        cmocka_unit_test(test_many_stars_are_no_trouble),
        cmocka_unit_test(test_a_template_that_cannot_be_is_refused),
        cmocka_unit_test_setup_teardown(test_files_are_found_folder_by_folder, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
