#include "databricks_fixture.h"

#define ANSWER(rows, columns, result)                                              \
    "{\"statement_id\":\"s1\",\"status\":{\"state\":\"SUCCEEDED\"},\"manifest\":{" \
    "\"total_row_count\":" rows ",\"schema\":{\"columns\":" columns "}},\"result\":" result "}"
#define TWO "[{\"name\":\"a\"},{\"name\":\"B\"}]"
#define ONE "[{\"name\":\"a\"}]"

static const struct tow_statement_request request = {
    .what = "reading", .text = "SELECT", .result = TOW_STATEMENT_INLINE, .repeatable = 1};

struct reading {
    struct workspace *workspace;
    struct tow_statement statement;
    struct tow_cells *cells;
    const char *const *texts;
    const size_t *lengths;
};

/* Runs a statement with that answer, and starts on its cells. */
static void start(struct reading *reading, struct workspace *workspace, const char *answer)
{
    *reading = (struct reading){.workspace = workspace};
    workspace_reply(workspace, 200, answer);
    assert_ok(
        tow_statement_run(workspace->databricks, &request, &reading->statement, &workspace->err),
        workspace->err);
    reading->cells = tow_cells_new(workspace->databricks, &reading->statement, &workspace->err);
}

static void stop(struct reading *reading)
{
    tow_cells_free(reading->cells);
    tow_statement_release(&reading->statement);
}

static int next(struct reading *reading)
{
    return tow_cells_next(reading->cells, &reading->texts, &reading->lengths,
                          &reading->workspace->err);
}

/* expected NULL: SQL NULL. */
static void assert_cell(const struct reading *reading, size_t column, const char *expected,
                        size_t length)
{
    if (!expected) {
        assert_null(reading->texts[column]);
        return;
    }
    assert_non_null(reading->texts[column]);
    assert_int_equal(reading->lengths[column], length);
    assert_memory_equal(reading->texts[column], expected, length + 1);
}

static void assert_row(struct reading *reading, const char *first, const char *second)
{
    assert_ok(next(reading), reading->workspace->err);
    assert_cell(reading, 0, first, first ? strlen(first) : 0);
    assert_cell(reading, 1, second, second ? strlen(second) : 0);
}

static void assert_next_fails(struct reading *reading, int code, const char *words)
{
    assert_int_equal(next(reading), code);
    assert_says(reading->workspace->err, words);
}

static void test_null_is_no_text(void **state)
{
    struct reading reading;

    start(&reading, *state,
          ANSWER("4", TWO,
                 "{\"data_array\":[[null,\"null\"],[\"\", null],[null,null],[\"\\\\N\",\"\"]]}"));
    assert_row(&reading, NULL, "null");
    assert_row(&reading, "", NULL);
    assert_row(&reading, NULL, NULL);
    assert_row(&reading, "\\N", "");
    assert_int_equal(next(&reading), TOW_END);
    assert_int_equal(next(&reading), TOW_END);
    stop(&reading);
}

static void test_texts_come_with_all_their_bytes(void **state)
{
    struct reading reading;

    start(
        &reading, *state,
        ANSWER("3", TWO,
               "{\"data_array\":[[\"a\\\"b\\\\c\\/\\n\\u00e9\",\"\\ud83d\\ude00\xf0\x9f\x98\x80\"],"
               "[\"x\\u0000y\",\"\\u0000\"],[12.50,[1,{\"k\":null}]]]}"));
    assert_row(&reading, "a\"b\\c/\n\xc3\xa9", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    assert_ok(next(&reading), reading.workspace->err);
    assert_cell(&reading, 0, "x\0y", 3);
    assert_cell(&reading, 1, "\0", 1);
    /* They should be texts, but what they say is plain. */
    assert_row(&reading, "12.50", "[1,{\"k\":null}]");
    assert_int_equal(next(&reading), TOW_END);
    stop(&reading);
}

static void test_a_lone_surrogate_is_named_by_row_and_column(void **state)
{
    struct reading reading;

    start(&reading, *state,
          ANSWER("2", TWO, "{\"data_array\":[[\"x\",\"y\"],[\"x\",\"\\ud800\"]]}"));
    assert_row(&reading, "x", "y");
    assert_next_fails(&reading, TOW_E_DATA, "row 2 of the result, column B");
    stop(&reading);
}

static void test_chunks_follow_each_other(void **state)
{
    struct workspace *workspace = *state;
    struct reading reading;

    start(&reading, workspace,
          ANSWER("3", ONE,
                 "{\"chunk_index\":0,\"next_chunk_index\":\"1\",\"data_array\":[[\"r0\"]]}"));
    workspace_reply(workspace, 200, "{\"chunk_index\":1,\"next_chunk_index\":2,\"data_array\":[]}");
    workspace_reply(workspace, 200, "{\"chunk_index\":2,\"data_array\":[[\"r1\"],[\"r2\"]]}");
    for (int i = 0; i < 3; i++) {
        char text[] = {'r', (char)('0' + i), '\0'};

        assert_ok(next(&reading), workspace->err);
        assert_cell(&reading, 0, text, 2);
    }
    assert_int_equal(next(&reading), TOW_END);
    assert_seen(workspace, 1, "GET /api/2.0/sql/statements/s1/result/chunks/1");
    assert_seen(workspace, 2, "GET /api/2.0/sql/statements/s1/result/chunks/2");
    stop(&reading);
}

static void test_a_chunk_that_did_not_come_is_fetched_when_asked_again(void **state)
{
    struct workspace *workspace = *state;
    struct reading reading;

    start(&reading, workspace,
          ANSWER("2", ONE, "{\"next_chunk_index\":1,\"data_array\":[[\"r0\"]]}"));
    assert_ok(next(&reading), workspace->err);
    workspace_reply(workspace, 503, "");
    assert_next_fails(&reading, TOW_E_TRANSIENT, "fetching chunk 1 of the result");
    workspace_reply(workspace, 200, "{\"data_array\":7}");
    assert_next_fails(&reading, TOW_E_ENV, "no array");
    workspace_reply(workspace, 200, "<html>");
    assert_next_fails(&reading, TOW_E_ENV, "a web page");
    workspace_reply(workspace, 200, "{");
    assert_next_fails(&reading, TOW_E_ENV, "no JSON");
    workspace_reply(workspace, 200, "{\"data_array\":[[\"r1\"]]}");
    assert_ok(next(&reading), workspace->err);
    assert_cell(&reading, 0, "r1", 2);
    assert_int_equal(next(&reading), TOW_END);
    stop(&reading);
}

static void test_a_result_that_is_no_longer_kept_says_so(void **state)
{
    struct workspace *workspace = *state;
    struct reading reading;

    start(&reading, workspace,
          ANSWER("2", ONE, "{\"next_chunk_index\":1,\"data_array\":[[\"r0\"]]}"));
    assert_ok(next(&reading), workspace->err);
    workspace_reply(workspace, 404, "{\"error_code\":\"NOT_FOUND\"}");
    assert_next_fails(&reading, TOW_E_ENV, "kept for an hour");
    stop(&reading);
}

static void test_rows_are_counted(void **state)
{
    struct reading reading;

    start(&reading, *state, ANSWER("2", ONE, "{\"data_array\":[[\"x\"]]}"));
    assert_ok(next(&reading), reading.workspace->err);
    assert_next_fails(&reading, TOW_E_ENV, "1 rows of the result have come, its manifest says 2");
    stop(&reading);
    start(&reading, *state, ANSWER("1", ONE, "{}"));
    assert_next_fails(&reading, TOW_E_ENV, "0 rows");
    stop(&reading);
    start(&reading, *state, ANSWER("0", ONE, "{\"data_array\":null}"));
    assert_int_equal(next(&reading), TOW_END);
    stop(&reading);
}

static void test_rows_of_another_form_are_refused(void **state)
{
    static const char *const answers[][2] = {
        {ANSWER("1", TWO, "{\"data_array\":[[\"x\"]]}"), "1 cells, the result 2 columns"},
        {ANSWER("1", TWO, "{\"data_array\":[[\"x\",\"y\",\"z\"]]}"), "3 cells"},
        {ANSWER("1", TWO, "{\"data_array\":[[]]}"), "0 cells"},
        {ANSWER("1", TWO, "{\"data_array\":[{}]}"), "no array"},
        {ANSWER("1", TWO, "{\"data_array\":[null]}"), "no array"},
    };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct reading reading;

        start(&reading, *state, answers[i][0]);
        assert_next_fails(&reading, TOW_E_ENV, answers[i][1]);
        stop(&reading);
    }
}

static void test_chunks_that_lead_back_are_refused(void **state)
{
    struct workspace *workspace = *state;
    struct reading reading;

    start(&reading, workspace,
          ANSWER("2", ONE, "{\"next_chunk_index\":0,\"data_array\":[[\"r0\"]]}"));
    assert_null(reading.cells);
    assert_int_equal(workspace->err.code, TOW_E_ENV);
    assert_says(workspace->err, "followed by chunk 0");
    stop(&reading);
    start(&reading, workspace, ANSWER("2", ONE, "{\"data_array\":\"x\"}"));
    assert_null(reading.cells);
    assert_says(workspace->err, "no array");
    stop(&reading);
}

static void test_one_text_is_found_by_its_columns_name(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;
    char *text;

    workspace_reply(workspace, 200, ANSWER("1", TWO, "{\"data_array\":[[null,\"7\"]]}"));
    assert_ok(tow_statement_run(workspace->databricks, &request, &statement, &workspace->err),
              workspace->err);
    text = tow_statement_text(workspace->databricks, &statement, "b", &workspace->err);
    assert_string_equal(text, "7");
    free(text);
    assert_null(tow_statement_text(workspace->databricks, &statement, "A", &workspace->err));
    assert_int_equal(workspace->err.code, TOW_OK);
    workspace->err.code = TOW_E_ENV;
    assert_null(tow_statement_text(workspace->databricks, &statement, "c", &workspace->err));
    assert_int_equal(workspace->err.code, TOW_OK);
    tow_statement_release(&statement);
    workspace_reply(workspace, 200, ANSWER("0", TWO, "{}"));
    assert_ok(tow_statement_run(workspace->databricks, &request, &statement, &workspace->err),
              workspace->err);
    assert_null(tow_statement_text(workspace->databricks, &statement, "a", &workspace->err));
    assert_int_equal(workspace->err.code, TOW_OK);
    tow_statement_release(&statement);
    workspace_reply(workspace, 200, ANSWER("1", TWO, "{\"data_array\":[[]]}"));
    assert_ok(tow_statement_run(workspace->databricks, &request, &statement, &workspace->err),
              workspace->err);
    assert_null(tow_statement_text(workspace->databricks, &statement, "a", &workspace->err));
    assert_int_equal(workspace->err.code, TOW_E_ENV);
    tow_statement_release(&statement);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, workspace_setup, workspace_teardown)
    const struct CMUnitTest tests[] = {
        TEST(null_is_no_text),
        TEST(texts_come_with_all_their_bytes),
        TEST(a_lone_surrogate_is_named_by_row_and_column),
        TEST(chunks_follow_each_other),
        TEST(a_chunk_that_did_not_come_is_fetched_when_asked_again),
        TEST(a_result_that_is_no_longer_kept_says_so),
        TEST(rows_are_counted),
        TEST(rows_of_another_form_are_refused),
        TEST(chunks_that_lead_back_are_refused),
        TEST(one_text_is_found_by_its_columns_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
