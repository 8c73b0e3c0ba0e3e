#include "statement_fixture.h"

const struct tow_statement_request statement_reading = {
    .what = "reading t", .text = "SELECT 1", .result = TOW_STATEMENT_LINKS, .repeatable = 1};
const struct tow_statement_request statement_writing = {
    .what = "writing t", .text = "INSERT", .result = TOW_STATEMENT_INLINE};

int statement_run(struct workspace *workspace, const struct tow_statement_request *request,
                  struct tow_statement *out)
{
    return tow_statement_run(workspace->databricks, request, out, &workspace->err);
}

void assert_statement(struct workspace *workspace, const struct tow_statement_request *request)
{
    struct tow_statement statement;

    assert_ok(statement_run(workspace, request, &statement), workspace->err);
    assert_string_equal(statement.id, "01ef-a_b");
    tow_statement_release(&statement);
}

void assert_statement_fails(struct workspace *workspace,
                            const struct tow_statement_request *request, int code,
                            const char *words)
{
    struct tow_statement statement;
    int got = statement_run(workspace, request, &statement);

    if (got != code)
        fail_msg("%s, not %s: %s", tow_error_name(got), tow_error_name(code),
                 workspace->err.message);
    assert_int_equal(workspace->err.code, code);
    assert_says(workspace->err, words);
    assert_hushed(&workspace->err);
    tow_statement_release(&statement);
}
