/* Statements that take their time: waiting, budgets, interrupts. */
#include <poll.h>
#include <unistd.h>

#include "connectors/databricks/client_priv.h"
#include "statement_fixture.h"
#include "towpath/clock.h"

/* ---- waiting --------------------------------------------------------------------------------- */

struct told {
    int count;
    char state[32];
};

static void tell(void *context, const char *state)
{
    struct told *told = context;

    told->count++;
    snprintf(told->state, sizeof told->state, "%s", state);
}

static void test_a_statement_is_waited_for(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_reading;
    struct told told = {.count = 0};

    request.waiting = tell;
    request.context = &told;
    workspace_reply(workspace, 200, PENDING);
    workspace_reply(workspace, 200, WAREHOUSE);
    workspace_reply(workspace, 200, PENDING);
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_seen(workspace, 0, POST_SUBMIT);
    assert_seen(workspace, 1, "GET /api/2.0/sql/warehouses/" WORKSPACE_WAREHOUSE);
    assert_seen(workspace, 2, GET_STATE);
    assert_seen(workspace, 4, GET_STATE);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.state, "STARTING");
}

static void test_a_warehouse_that_may_not_be_looked_at_is_pending(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_reading;
    struct told told = {.count = 0};

    request.waiting = tell;
    request.context = &told;
    workspace_reply(workspace, 200, PENDING);
    workspace_reply(workspace, 403, "{}");
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_string_equal(told.state, "PENDING");
}

static void test_a_statement_that_only_runs_is_not_told_of(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_reading;
    struct told told = {.count = 0};

    request.waiting = tell;
    request.context = &told;
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &request);
    assert_int_equal(told.count, 0);
}

static void test_a_closed_statement_with_its_result_has_succeeded(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200,
                    "{" ID "," STATUS("CLOSED") ",\"manifest\":{\"total_row_count\":1}}");
    assert_statement(workspace, &statement_writing);
    workspace_reply(workspace, 200, "{" ID "," STATUS("CLOSED") "}");
    assert_statement_fails(workspace, &statement_reading, TOW_E_TRANSIENT,
                           "closed before its result");
    workspace_reply(workspace, 200, "{" ID "," STATUS("CLOSED") "}");
    assert_statement_fails(workspace, &statement_writing, TOW_E_ENV, "closed before its result");
}

static void test_a_poll_without_an_answer_is_followed_by_the_next(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 503, "");
    http_server_reply(workspace->server, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    workspace_reply(workspace, 200, DONE);
    assert_statement(workspace, &statement_writing);
}

static void test_a_server_that_never_answers_polls_is_given_up(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, RUNNING);
    for (int i = 0; i < 12; i++)
        workspace_reply(workspace, 500, "");
    workspace_reply(workspace, 500, "");
    assert_statement_fails(workspace, &statement_reading, TOW_E_TRANSIENT, "HTTP 500");
    assert_int_equal(http_server_count(workspace->server), 14);
    assert_seen(workspace, 13, POST_CANCEL);
}

static void test_a_statement_that_vanishes_is_an_error(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 404, "{\"error_code\":\"NOT_FOUND\",\"message\":\"no statement\"}");
    workspace_reply(workspace, 404, "");
    assert_statement_fails(workspace, &statement_writing, TOW_E_ENV, "the statement is gone");
    assert_says(workspace->err, "query history");
}

static void test_a_login_that_ends_while_waiting_stops_it(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 401, "{}");
    workspace_reply(workspace, 401, "{}");
    assert_statement_fails(workspace, &statement_writing, TOW_E_AUTH, "make a new one");
    assert_seen(workspace, 2, POST_CANCEL);
}

/* ---- budgets and interrupts ------------------------------------------------------------------ */

static void test_a_warehouse_that_does_not_start_is_given_up(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_reading;

    request.start_budget_ms = 1;
    workspace_reply(workspace, 200, PENDING);
    workspace_reply(workspace, 200, PENDING);
    workspace_reply(workspace, 200, WAREHOUSE);
    workspace_reply(workspace, 200, "{}");
    workspace_reply(workspace, 200, CANCELED);
    assert_statement_fails(workspace, &request, TOW_E_ENV, "SQL warehouse " WORKSPACE_WAREHOUSE);
    assert_says(workspace->err, "its state is STARTING");
    assert_seen(workspace, 1, GET_STATE);
    assert_seen(workspace, 2, "GET /api/2.0/sql/warehouses/" WORKSPACE_WAREHOUSE);
    assert_seen(workspace, 3, POST_CANCEL);
    assert_seen(workspace, 4, GET_STATE);
}

static void test_a_statement_that_runs_for_too_long_is_cancelled(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_writing;

    request.run_budget_ms = 1;
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, "{}");
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, CANCELED);
    assert_statement_fails(workspace, &request, TOW_E_ENV, "query timeout");
    assert_seen(workspace, 2, POST_CANCEL);
    assert_int_equal(http_server_count(workspace->server), 5);
}

static void test_a_statement_that_is_done_before_the_cancel_counts(void **state)
{
    struct workspace *workspace = *state;
    struct tow_statement_request request = statement_writing;
    struct tow_statement statement;

    request.run_budget_ms = 1;
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, RUNNING);
    workspace_reply(workspace, 200, "{}");
    workspace_reply(workspace, 200, DONE);
    assert_ok(statement_run(workspace, &request, &statement), workspace->err);
    assert_int_equal(workspace->err.code, TOW_OK);
    assert_int_equal(statement.rows, 3);
    tow_statement_release(&statement);
}

static void test_a_statement_that_was_cancelled_by_others_is_an_error(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, CANCELED);
    assert_statement_fails(workspace, &statement_reading, TOW_E_ENV, "cancelled at the far end");
    assert_int_equal(http_server_count(workspace->server), 1);
}

/* Runs until the client asks for the state; then it is interrupted. */
static void interrupt_at_poll(void *context, const struct http_seen *seen, struct http_reply *reply)
{
    struct workspace *workspace = context;
    const uint64_t one = 1;

    *reply = (struct http_reply){.status = 200, .body = RUNNING};
    if (strcmp(seen->method, "GET") == 0 &&
        write(workspace->cancel, &one, sizeof one) != (ssize_t)sizeof one)
        reply->status = 500;
}

static void test_an_interrupted_statement_is_cancelled_at_the_far_end(void **state)
{
    struct workspace *workspace = workspace_new(0, interrupt_at_poll);
    int64_t before = tow_monotonic_ms();
    size_t count;

    (void)state;
    assert_statement_fails(workspace, &statement_reading, TOW_E_CANCELLED, "");
    assert_in_range(tow_monotonic_ms() - before, 0, 2000);
    count = http_server_count(workspace->server);
    assert_seen(workspace, count - 1, POST_CANCEL);
    workspace_free(workspace);
}

static void test_an_interrupt_while_submitting_ends_it_at_once(void **state)
{
    struct workspace *workspace = *state;
    const uint64_t one = 1;

    http_server_reply(workspace->server,
                      (struct http_reply){.body = DONE, .how = HTTP_REPLY_STALL});
    assert_int_equal(write(workspace->cancel, &one, sizeof one), sizeof one);
    assert_statement_fails(workspace, &statement_reading, TOW_E_CANCELLED, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, workspace_setup, workspace_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_statement_is_waited_for),
        TEST(a_warehouse_that_may_not_be_looked_at_is_pending),
        TEST(a_statement_that_only_runs_is_not_told_of),
        TEST(a_closed_statement_with_its_result_has_succeeded),
        TEST(a_poll_without_an_answer_is_followed_by_the_next),
        TEST(a_server_that_never_answers_polls_is_given_up),
        TEST(a_statement_that_vanishes_is_an_error),
        TEST(a_login_that_ends_while_waiting_stops_it),
        TEST(a_warehouse_that_does_not_start_is_given_up),
        TEST(a_statement_that_runs_for_too_long_is_cancelled),
        TEST(a_statement_that_is_done_before_the_cancel_counts),
        TEST(a_statement_that_was_cancelled_by_others_is_an_error),
        cmocka_unit_test(test_an_interrupted_statement_is_cancelled_at_the_far_end),
        TEST(an_interrupt_while_submitting_ends_it_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
