/* Statements: what is submitted, what comes back, and what is said where that fails. */
#include "connectors/databricks/client_priv.h"
#include "statement_fixture.h"
#include "towpath/clock.h"

/* ---- what is submitted ----------------------------------------------------------------------- */

static void test_a_statement_is_submitted_with_its_wishes(void **state)
{
    static const struct tow_statement_parameter parameters[] = {
        {"since", "TIMESTAMP", "2026-01-01T00:00:00.000001Z"},
        {"none", NULL, NULL},
        {"text", NULL, "a\"b\\c\n"},
    };
    struct tow_statement_request request = statement_reading;
    struct workspace *workspace = *state;

    request.text = "SELECT 'a\\'b\n' \"\xc3\xa9\"";
    request.catalog = "main";
    request.parameters = parameters;
    request.parameter_count = 3;
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_seen(workspace, 0, POST_SUBMIT);
    assert_sent(workspace, 0, "statement", "\"SELECT 'a\\\\'b\\n' \\\"\xc3\xa9\\\"\"");
    assert_sent(workspace, 0, "warehouse_id", "\"" WORKSPACE_WAREHOUSE "\"");
    assert_sent(workspace, 0, "catalog", "\"main\"");
    assert_sent(workspace, 0, "schema", NULL);
    assert_sent(workspace, 0, "wait_timeout", "\"10s\"");
    assert_sent(workspace, 0, "on_wait_timeout", "\"CONTINUE\"");
    assert_sent(workspace, 0, "disposition", "\"EXTERNAL_LINKS\"");
    assert_sent(workspace, 0, "format", "\"ARROW_STREAM\"");
    assert_sent(workspace, 0, "result_compression", "\"LZ4_FRAME\"");
    assert_sent(workspace, 0, "parameters",
                "[{\"name\":\"since\",\"type\":\"TIMESTAMP\","
                "\"value\":\"2026-01-01T00:00:00.000001Z\"},{\"name\":\"none\"},"
                "{\"name\":\"text\",\"value\":\"a\\\"b\\\\c\\n\"}]");
}

static void test_a_small_result_is_asked_for_inline(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_writing;

    request.run_budget_ms = 7000;
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_sent(workspace, 0, "disposition", "\"INLINE\"");
    assert_sent(workspace, 0, "format", "\"JSON_ARRAY\"");
    assert_sent(workspace, 0, "result_compression", NULL);
    assert_sent(workspace, 0, "parameters", NULL);
    /* The server is not to wait for longer than the statement may run. */
    assert_sent(workspace, 0, "wait_timeout", "\"7s\"");
    request.run_budget_ms = 1000;
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_sent(workspace, 1, "wait_timeout", "\"0s\"");
}

static void test_a_text_that_cannot_be_submitted_is_not(void **state)
{
    static const struct tow_statement_parameter bad = {"p", NULL, "\xff"};
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_reading;
    char *text = malloc(TOW_STATEMENT_TEXT_MAX + 2);

    assert_non_null(text);
    memset(text, 'x', TOW_STATEMENT_TEXT_MAX + 1);
    text[TOW_STATEMENT_TEXT_MAX + 1] = '\0';
    request.text = text;
    assert_statement_fails(workspace, &request, TOW_E_CONFIG,
                           "16777217 bytes, 16777216 are allowed");
    request.text = "SELECT '\xff'";
    assert_statement_fails(workspace, &request, TOW_E_DATA, "not UTF-8 from byte 8");
    request = statement_reading;
    request.parameters = &bad;
    request.parameter_count = 1;
    assert_statement_fails(workspace, &request, TOW_E_DATA, "parameter :p is not UTF-8");
    assert_int_equal(http_server_count(workspace->server), 0);
    text[TOW_STATEMENT_TEXT_MAX] = '\0';
    request = statement_reading;
    request.text = text;
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    free(text);
}

static void test_a_statement_needs_a_warehouse(void **state)
{
    struct workspace *workspace = *state;

    free(workspace->databricks->config.warehouse_id);
    workspace->databricks->config.warehouse_id = NULL;
    assert_statement_fails(workspace, &statement_reading, TOW_E_BUG, "without a SQL warehouse");
    assert_int_equal(http_server_count(workspace->server), 0);
}

static void test_compression_that_is_refused_is_not_asked_for_again(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(
        workspace, 400,
        "{\"error_code\":\"BAD_REQUEST\",\"message\":\"Could not parse request: unknown "
        "field result_compression\"}");
    workspace_reply(workspace, 200, DONE);
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &statement_reading);
    assert_statement(workspace, &statement_reading);
    assert_int_equal(http_server_count(workspace->server), 3);
    assert_sent(workspace, 0, "result_compression", "\"LZ4_FRAME\"");
    assert_sent(workspace, 1, "result_compression", NULL);
    assert_sent(workspace, 1, "statement", "\"SELECT 1\"");
    assert_sent(workspace, 2, "result_compression", NULL);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void test_a_manifest_is_read(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;

    workspace_reply(
        workspace, 200,
        "{" ID "," STATUS(
            "SUCCEEDED") ",\"manifest\":{\"format\":\"ARROW_STREAM\",\"schema\":{"
                         "\"column_count\":2,\"columns\":[{\"name\":\"a\",\"position\":0,\"type_"
                         "name\":\"LONG\","
                         "\"type_text\":\"BIGINT\"},{\"name\":\"d\\u00e9\",\"position\":1,\"type_"
                         "name\":\"DECIMAL\","
                         "\"type_text\":\"DECIMAL(18,4)\",\"type_precision\":18,\"type_scale\":"
                         "\"4\"}]},"
                         "\"total_chunk_count\":2,\"chunks\":[{\"row_count\":\"5\"},{\"chunk_"
                         "index\":1,"
                         "\"row_offset\":5,\"row_count\":2}],\"total_row_count\":\"7\",\"total_"
                         "byte_count\":4096,"
                         "\"truncated\":true,\"result_compression\":\"LZ4_FRAME\"},\"result\":{"
                         "\"external_links\":"
                         "[{\"external_link\":\"https://storage/x?sig=hush\",\"row_count\":5}]}}");
    assert_ok(statement_run(workspace, &statement_reading, &statement), workspace->err);
    assert_int_equal(statement.column_count, 2);
    assert_string_equal(statement.columns[0].name, "a");
    assert_string_equal(statement.columns[0].type_name, "LONG");
    assert_string_equal(statement.columns[1].name, "d\xc3\xa9");
    assert_string_equal(statement.columns[1].type_text, "DECIMAL(18,4)");
    assert_int_equal(statement.columns[1].precision, 18);
    assert_int_equal(statement.columns[1].scale, 4);
    assert_int_equal(statement.rows, 7);
    assert_int_equal(statement.bytes, 4096);
    assert_int_equal(statement.chunks, 2);
    assert_int_equal(statement.chunk_rows[0], 5);
    assert_int_equal(statement.chunk_rows[1], 2);
    assert_true(statement.truncated);
    assert_true(statement.lz4);
    assert_int_equal(json_array_size(json_object_get(statement.first, "external_links")), 1);
    assert_int_equal(statement.body.size, 0);
    assert_in_range(tow_monotonic_ms() - statement.succeeded_ms, 0, 10000);
    tow_statement_release(&statement);
}

static void test_results_without_rows_have_their_columns(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;

    workspace_reply(
        workspace, 200,
        "{" ID
        "," STATUS("SUCCEEDED") ",\"manifest\":{\"schema\":{\"columns\":["
                                "{\"name\":\"a\",\"type_name\":\"INT\"}]},\"total_chunk_count\":0,"
                                "\"truncated\":false},\"result\":{}}");
    assert_ok(statement_run(workspace, &statement_reading, &statement), workspace->err);
    assert_int_equal(statement.column_count, 1);
    assert_string_equal(statement.columns[0].type_text, "");
    assert_int_equal(statement.rows, 0);
    assert_int_equal(statement.chunks, 0);
    assert_null(statement.chunk_rows);
    assert_false(statement.truncated);
    assert_false(statement.lz4);
    tow_statement_release(&statement);
    workspace_reply(workspace, 200, "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":null}");
    assert_ok(statement_run(workspace, &statement_writing, &statement), workspace->err);
    assert_int_equal(statement.column_count, 0);
    tow_statement_release(&statement);
}

static void test_a_list_of_chunks_with_gaps_is_not_believed(void **state)
{
    static const char *const lists[] = {
        "[]",
        "[{\"row_count\":1}]",
        "[{\"row_count\":1},{\"chunk_index\":2,\"row_count\":1}]",
        "[{\"row_count\":1},{\"chunk_index\":1,\"row_count\":-1}]",
        "[{\"row_count\":1},{\"chunk_index\":1,\"row_count\":1},{\"chunk_index\":2}]",
        "[1,2]",
        "{}",
        "null",
    };
    struct workspace *workspace = *state;
    char answers[8][512];

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct tow_statement statement;

        snprintf(answers[i], sizeof answers[i],
                 "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"total_chunk_count\":2,"
                                                "\"chunks\":%s}}",
                 lists[i]);
        workspace_reply(workspace, 200, answers[i]);
        assert_ok(statement_run(workspace, &statement_reading, &statement), workspace->err);
        assert_int_equal(statement.chunks, 2);
        assert_null(statement.chunk_rows);
        tow_statement_release(&statement);
    }
}

static void test_answers_that_make_no_sense_are_refused(void **state)
{
    static const char *const answers[] = {
        "",
        "[]",
        "null",
        "{}",
        "{\"statement_id\":\"x\"}",
        "{" STATUS("SUCCEEDED") "}",
        "{\"statement_id\":\"\"," STATUS("SUCCEEDED") "}",
        "{\"statement_id\":\"../x\"," STATUS("SUCCEEDED") "}",
        "{\"statement_id\":\"a\\u002fb\"," STATUS("SUCCEEDED") "}",
        "{\"statement_id\":7," STATUS("SUCCEEDED") "}",
        "{\"statement_id\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789\"," STATUS(
            "SUCCEEDED") "}",
        "{" ID "," STATUS("SLEEPING") "}",
        "{" ID ",\"status\":{\"state\":3}}",
        "{" ID ",\"status\":\"SUCCEEDED\"}",
        "{" ID ",\"status\":null}",
        "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"total_row_count\":-1}}",
        "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"total_chunk_count\":\"-1\"}}",
        "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"schema\":\"\\ud800\"}}",
        "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"\\ud800\":1}}",
        "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{}",
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        workspace_reply(workspace, 200, answers[i]);
        assert_statement_fails(workspace, &statement_reading, TOW_E_ENV,
                               "reading t: the answer cannot be read");
    }
    workspace_reply(workspace, 200,
                    "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"result_compression\":"
                                                   "\"ZSTD\"}}");
    assert_statement_fails(workspace, &statement_reading, TOW_E_UNSUPPORTED, "\"ZSTD\"");
}

/* ---- refusals to submit ---------------------------------------------------------------------- */

static void test_a_submission_of_unknown_outcome_is_tried_again_only_where_it_may(void **state)
{
    static const struct http_reply replies[] = {
        {.status = 500},
        {.status = 502},
        {.status = 503},
        {.status = 504},
        {.status = 408},
        {.how = HTTP_REPLY_NOTHING},
        {.body = DONE, .how = HTTP_REPLY_CUT, .cut = 10},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        http_server_reply(workspace->server, replies[i]);
        assert_statement_fails(workspace, &statement_reading, TOW_E_TRANSIENT, "reading t");
        http_server_reply(workspace->server, replies[i]);
        assert_statement_fails(workspace, &statement_writing, TOW_E_ENV,
                               "whether it ran is not known");
        assert_int_equal(http_server_count(workspace->server), 2 * (i + 1));
    }
}

static void test_a_submission_that_was_certainly_not_taken_may_be_tried_again(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply_with(workspace, 429, "Retry-After: 2\r\n", "{}");
    assert_statement_fails(workspace, &statement_writing, TOW_E_RATE, "429");
    assert_int_equal(workspace->err.retry_after_ms, 2000);
    workspace_reply_with(workspace, 503, "Retry-After: 2\r\n", "{}");
    assert_statement_fails(workspace, &statement_writing, TOW_E_RATE, "503");
    http_server_free(workspace->server);
    assert_statement_fails(workspace, &statement_writing, TOW_E_TRANSIENT, "writing t");
    workspace->server = http_server_new(NULL);
}

static void test_refusals_say_what_to_do(void **state)
{
    static const struct {
        int status;
        const char *body;
        int code;
        const char *words;
    } cases[] = {
        {404, "{\"error_code\":\"NOT_FOUND\",\"message\":\"SQL warehouse not found\"}",
         TOW_E_CONFIG, "check SQL warehouse " WORKSPACE_WAREHOUSE},
        {404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"deleted\"}", TOW_E_CONFIG,
         "may have been deleted"},
        {400,
         "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"x is not a valid endpoint "
         "id.\"}",
         TOW_E_CONFIG, "Connection details"},
        {403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"no\"}", TOW_E_AUTH,
         "CAN USE on SQL warehouse " WORKSPACE_WAREHOUSE},
        {400,
         "{\"error_code\":\"BAD_REQUEST\",\"message\":\"The disposition EXTERNAL_LINKS is "
         "disabled\"}",
         TOW_E_UNSUPPORTED, "result = \"inline\""},
        {403,
         "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"The EXTERNAL_LINKS disposition is "
         "disabled\"}",
         TOW_E_UNSUPPORTED, "result = \"inline\""},
        {403, "{\"error_code\":403,\"message\":\"Invalid access token.\"}", TOW_E_AUTH,
         "Access tokens)"},
        {200, "<html><title>Sign in</title></html>", TOW_E_ENV, "a web page, Sign in"},
        {400, "{\"error_code\":\"BAD_REQUEST\",\"message\":\"row_limit\"}", TOW_E_CONFIG,
         "row_limit"},
        {501, "{\"error_code\":\"NOT_IMPLEMENTED\"}", TOW_E_ENV, "NOT_IMPLEMENTED"},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workspace_reply(workspace, cases[i].status, cases[i].body);
        assert_statement_fails(workspace, &statement_reading, cases[i].code, cases[i].words);
        assert_int_equal(http_server_count(workspace->server), i + 1);
    }
}

/* ---- statements that fail -------------------------------------------------------------------- */

static void test_a_failed_statement_has_its_class_and_state(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;

    workspace_reply(
        workspace, 200,
        FAILED("\"BAD_REQUEST\"",
               "[DELTA_CONCURRENT_APPEND.METADATA_CHANGE] it changed. SQLSTATE: 2D521"));
    assert_int_equal(statement_run(workspace, &statement_writing, &statement), TOW_E_TRANSIENT);
    assert_string_equal(statement.error_class, "DELTA_CONCURRENT_APPEND.METADATA_CHANGE");
    assert_string_equal(statement.sql_state, "42P01");
    tow_statement_release(&statement);
    assert_int_equal(http_server_count(workspace->server), 1);
}

static void test_failures_become_classes(void **state)
{
    static const struct {
        const char *answer;
        int reads, writes;
        const char *words;
    } cases[] = {
        {FAILED("\"BAD_REQUEST\"",
                "[TABLE_OR_VIEW_NOT_FOUND] The table or view `t` cannot be found"),
         TOW_E_CONFIG, TOW_E_CONFIG, "check the table's name"},
        {FAILED("\"BAD_REQUEST\"", "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` is unknown"),
         TOW_E_CONFIG, TOW_E_CONFIG, "DESCRIBE TABLE"},
        {FAILED("\"BAD_REQUEST\"", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'"),
         TOW_E_CONFIG, TOW_E_CONFIG, "PARSE_SYNTAX_ERROR"},
        {FAILED("\"BAD_REQUEST\"", "[CAST_INVALID_INPUT] The value 'x' cannot be cast"), TOW_E_DATA,
         TOW_E_DATA, "CAST_INVALID_INPUT"},
        {FAILED("\"BAD_REQUEST\"",
                "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA "
                "on Schema 'main.crm'."),
         TOW_E_AUTH, TOW_E_AUTH, "GRANT USE SCHEMA ON Schema 'main.crm' TO this login"},
        {FAILED("\"BAD_REQUEST\"", "[INSUFFICIENT_PERMISSIONS] no"), TOW_E_AUTH, TOW_E_AUTH,
         "SELECT"},
        {FAILED("\"BAD_REQUEST\"", "[INSUFFICIENT_PERMISSIONS] he does not have X on it's"),
         TOW_E_AUTH, TOW_E_AUTH, "SELECT"},
        {FAILED("\"BAD_REQUEST\"",
                "[COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED] Duplicated files"),
         TOW_E_TRANSIENT, TOW_E_TRANSIENT, "another statement"},
        {FAILED("\"BAD_REQUEST\"",
                "[COPY_INTO_STATE_INTERNAL_ERROR.MULTIPLE_STATES_NOT_ALLOWED] states"),
         TOW_E_TRANSIENT, TOW_E_TRANSIENT, "another statement"},
        {FAILED("\"BAD_REQUEST\"", "[COPY_INTO_COLUMN_ARITY_MISMATCH] columns"), TOW_E_CONFIG,
         TOW_E_CONFIG, "ARITY"},
        {FAILED("\"BAD_REQUEST\"", "org.apache.spark.X: [DELTA_METADATA_CHANGED] changed"),
         TOW_E_TRANSIENT, TOW_E_TRANSIENT, "DELTA_METADATA_CHANGED"},
        {FAILED("\"BAD_REQUEST\"", "[SOMETHING_NEW] happened"), TOW_E_ENV, TOW_E_ENV, "happened"},
        {FAILED("\"BAD_REQUEST\"", "Inline byte limit exceeded. Statements ..."), TOW_E_CONFIG,
         TOW_E_CONFIG, "25 MiB"},
        {FAILED("\"TEMPORARILY_UNAVAILABLE\"", "later"), TOW_E_TRANSIENT, TOW_E_ENV, "later"},
        {FAILED("\"INTERNAL_ERROR\"", ""), TOW_E_TRANSIENT, TOW_E_ENV, "INTERNAL_ERROR"},
        {FAILED("\"UNAUTHENTICATED\"", "who"), TOW_E_AUTH, TOW_E_AUTH, "who"},
        {FAILED("1013", "a number"), TOW_E_ENV, TOW_E_ENV, "a number"},
        {FAILED("1013", ""), TOW_E_ENV, TOW_E_ENV, "1013"},
        {"{" ID "," STATUS("FAILED") "}", TOW_E_ENV, TOW_E_ENV, "without a reason"},
        {"{" ID ",\"status\":{\"state\":\"FAILED\",\"error\":[]}}", TOW_E_ENV, TOW_E_ENV,
         "without a reason"},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workspace_reply(workspace, 200, cases[i].answer);
        assert_statement_fails(workspace, &statement_reading, cases[i].reads, cases[i].words);
        workspace_reply(workspace, 200, cases[i].answer);
        assert_statement_fails(workspace, &statement_writing, cases[i].writes, cases[i].words);
    }
}

static void test_the_statements_text_is_not_repeated_in_messages(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(
        workspace, 200,
        FAILED("\"BAD_REQUEST\"",
               "[PARSE_SYNTAX_ERROR] near 'x'.\\n\\n== SQL ==\\nCOPY INTO t FROM 's3://b' "
               "WITH (CREDENTIAL (AWS_SECRET_KEY = 'hush'))"));
    assert_statement_fails(workspace, &statement_writing, TOW_E_CONFIG,
                           "[PARSE_SYNTAX_ERROR] near 'x';");
    workspace_reply(workspace, 200,
                    FAILED("\"BAD_REQUEST\"", "lost\\u0007\\n\\tat org.hush.Frame\\n"));
    assert_statement_fails(workspace, &statement_writing, TOW_E_ENV, "writing t: lost");
}

/* ---- later ----------------------------------------------------------------------------------- */

static void test_an_earlier_result_is_found_while_it_is_kept(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;

    workspace_reply(workspace, 200, DONE);
    assert_ok(tow_statement_find(workspace->databricks, "01ef-a_b", &statement, &workspace->err),
              workspace->err);
    assert_seen(workspace, 0, GET_STATE);
    assert_string_equal(statement.id, "01ef-a_b");
    assert_int_equal(statement.rows, 3);
    tow_statement_release(&statement);
}

static void test_an_earlier_result_that_is_gone_is_the_end(void **state)
{
    static const char *const answers[] = {
        RUNNING,
        CANCELED,
        FAILED("\"BAD_REQUEST\"", "x"),
        "{" ID "," STATUS("CLOSED") ",\"manifest\":{}}",
        "{" ID "," STATUS("SUCCEEDED") "}",
    };
    struct workspace *workspace = *state;
    struct tow_statement statement;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        workspace_reply(workspace, 200, answers[i]);
        assert_int_equal(
            tow_statement_find(workspace->databricks, "01ef-a_b", &statement, &workspace->err),
            TOW_END);
        assert_string_equal(statement.id, "");
        tow_statement_release(&statement);
    }
    workspace_reply(workspace, 404, "{}");
    assert_int_equal(tow_statement_find(workspace->databricks, "x", &statement, &workspace->err),
                     TOW_END);
    assert_int_equal(tow_statement_find(workspace->databricks, "../x", &statement, &workspace->err),
                     TOW_END);
    assert_int_equal(tow_statement_find(workspace->databricks, "", &statement, &workspace->err),
                     TOW_END);
    assert_int_equal(http_server_count(workspace->server), 6);
    workspace_reply(workspace, 503, "");
    assert_int_equal(tow_statement_find(workspace->databricks, "x", &statement, &workspace->err),
                     TOW_E_TRANSIENT);
    tow_statement_release(&statement);
}

static void test_a_statement_is_closed_as_well_as_that_goes(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement statement;

    workspace_reply(workspace, 200, DONE);
    workspace_reply(workspace, 500, "");
    assert_ok(statement_run(workspace, &statement_reading, &statement), workspace->err);
    tow_statement_close(workspace->databricks, &statement);
    assert_seen(workspace, 1, "DELETE /api/2.0/sql/statements/01ef-a_b");
    tow_statement_release(&statement);
    tow_statement_close(workspace->databricks, &statement);
    assert_int_equal(http_server_count(workspace->server), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, workspace_setup, workspace_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_statement_is_submitted_with_its_wishes),
        TEST(a_small_result_is_asked_for_inline),
        TEST(a_text_that_cannot_be_submitted_is_not),
        TEST(a_statement_needs_a_warehouse),
        TEST(compression_that_is_refused_is_not_asked_for_again),
        TEST(a_manifest_is_read),
        TEST(results_without_rows_have_their_columns),
        TEST(a_list_of_chunks_with_gaps_is_not_believed),
        TEST(answers_that_make_no_sense_are_refused),
        TEST(a_submission_of_unknown_outcome_is_tried_again_only_where_it_may),
        TEST(a_submission_that_was_certainly_not_taken_may_be_tried_again),
        TEST(refusals_say_what_to_do),
        TEST(a_failed_statement_has_its_class_and_state),
        TEST(failures_become_classes),
        TEST(the_statements_text_is_not_repeated_in_messages),
        TEST(an_earlier_result_is_found_while_it_is_kept),
        TEST(an_earlier_result_that_is_gone_is_the_end),
        TEST(a_statement_is_closed_as_well_as_that_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
