/* The conformance suite over plugins that break one promise each: which line says so. Those that
 * hang are tests/e2e/test_conformance.py's: they take the process with them. */
#include "unit.h"

#include "conformance/conformance.h"

/* The modules lie in the folder $TOWPATH_PLUGIN_PATH, as the harness sets it. */
static int run_suite(const char *name, char **report)
{
    struct tow_error err = TOW_ERROR_INIT;
    char path[4096];
    const struct tow_conformance given = {.path = path, .timeout_ms = 60000};
    size_t length;
    FILE *out = open_memstream(report, &length);

    assert_non_null(out);
    snprintf(path, sizeof path, "%s/unruly_%s.so", getenv("TOWPATH_PLUGIN_PATH"), name);
    int rc = tow_conformance_run(&given, out, &err);
    fclose(out);
    if (rc != TOW_OK && rc != TOW_E_DATA)
        fail_msg("%s: %s", path, err.message);
    return rc;
}

static int lines_with(const char *text, const char *word)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

/* The suite fails, with this line and no other. */
static void fails(const char *name, const char *line)
{
    char *report = NULL;

    assert_int_equal(run_suite(name, &report), TOW_E_DATA);
    if (!strstr(report, line) || lines_with(report, "FAIL") != 1)
        fail_msg("\"%s\" is not the one failure in:\n%s", line, report);
    free(report);
}

static void test_a_plugin_that_keeps_its_promises_passes(void **state)
{
    char *report = NULL;

    (void)state;
    int rc = run_suite("none", &report);
    /* A sanitizer counts memory itself. */
    if (rc || strstr(report, "FAIL") ||
        lines_with(report, "\nskip") != lines_with(report, "behind: it is not counted here"))
        fail_msg("%s", report);
    free(report);
}

#define FAILS(name, line)                 \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        fails(#name, line);               \
    }

FAILS(repeats,
      "FAIL  every position resumes without gap or repeat: after row 100, 250 rows are left "
      "and 251 came")
FAILS(shared, "FAIL  two instances at once do not touch")
FAILS(wide, "FAIL  batches keep to the host's limit of rows: one has 101 rows")
FAILS(nulls, "FAIL  the data fit the schema")
FAILS(fickle, "FAIL  the data fit the schema: schema tells other columns when it is called again")
FAILS(open, "FAIL  a closed source leaves no descriptor open")
FAILS(tally, "FAIL  the data fit the schema: it counts 101 rows, and handed out or rejected 100")
FAILS(finish,
      "FAIL  finish after a restart finds its work done: sink unruly_finish: it is published")
FAILS(token, "FAIL  a load goes on from its token: sink unruly_token: this is no new load")
FAILS(types,
      "FAIL  typed batches hold what their text says: {\"n\":78} came, and its text comes to "
      "{\"n\":77}")
FAILS(words,
      "FAIL  its words can be part of a name: source unruly_words: its word {aid}: \"../x\" holds")
FAILS(exports, "FAIL  exactly one symbol is exported: 2 are, among them unruly_besides")

/* These fail wherever rows are written, or go through. */
static void fails_with_rows(const char *name, const char *line)
{
    char *report = NULL;

    assert_int_equal(run_suite(name, &report), TOW_E_DATA);
    if (lines_with(report, line) < 4)
        fail_msg("\"%s\" is missing in:\n%s", line, report);
    free(report);
}

static void test_range(void **state)
{
    (void)state;
    fails_with_rows("range", "write: a row was settled that is not in the batch");
}

static void test_twice(void **state)
{
    (void)state;
    fails_with_rows("twice", "write: a row was settled twice");
}

static void test_loses(void **state)
{
    (void)state;
    fails_with_rows("loses", "go out or are settled: ");
}

static void test_filters(void **state)
{
    (void)state;
    fails_with_rows("filters", "rows came in, 1 were settled, ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plugin_that_keeps_its_promises_passes),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_fickle),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_tally),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_loses),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_exports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
