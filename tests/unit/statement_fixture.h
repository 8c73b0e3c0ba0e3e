/*
 * Statements submitted to the workspace of databricks_fixture.h, and what it answers. Failures fail
 * the running test.
 */
#ifndef TESTS_UNIT_STATEMENT_FIXTURE_H
#define TESTS_UNIT_STATEMENT_FIXTURE_H

#include "databricks_fixture.h"

/* Answers: JSON of statement 01ef-a_b. */
#define STATUS(state) "\"status\":{\"state\":\"" state "\"}"
#define ID            "\"statement_id\":\"01ef-a_b\""
#define PENDING       "{" ID "," STATUS("PENDING") "}"
#define RUNNING       "{" ID "," STATUS("RUNNING") "}"
#define DONE          "{" ID "," STATUS("SUCCEEDED") ",\"manifest\":{\"total_row_count\":3},\"result\":{}}"
#define CANCELED      "{" ID "," STATUS("CANCELED") "}"
#define FAILED(code, message)                                                  \
    "{" ID ",\"status\":{\"state\":\"FAILED\",\"error\":{\"error_code\":" code \
    ",\"message\":\"" message "\"},\"sql_state\":\"42P01\"}}"
#define WAREHOUSE "{\"id\":\"" WORKSPACE_WAREHOUSE "\",\"state\":\"STARTING\"}"

/* Requests. */
#define POST_SUBMIT "POST /api/2.0/sql/statements"
#define GET_STATE   "GET /api/2.0/sql/statements/01ef-a_b"
#define POST_CANCEL "POST /api/2.0/sql/statements/01ef-a_b/cancel"

/* May be repeated, and gives links. */
extern const struct tow_statement_request statement_reading;
/* May not, and gives its result inline. */
extern const struct tow_statement_request statement_writing;

int statement_run(struct workspace *workspace, const struct tow_statement_request *request,
                  struct tow_statement *out);
/* It succeeds. */
void assert_statement(struct workspace *workspace, const struct tow_statement_request *request);
/* It ends with that error, whose message has these words, and no secret. */
void assert_statement_fails(struct workspace *workspace,
                            const struct tow_statement_request *request, int code,
                            const char *words);

#endif
