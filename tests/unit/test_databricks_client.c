#include <unistd.h>

#include "connectors/databricks/client_priv.h"
#include "databricks_fixture.h"
#include "towpath/clock.h"

#define TOKEN_ANSWER \
    "{\"access_token\":\"oauth-hush-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}"

static void assert_header(struct workspace *workspace, size_t index, const char *name,
                          const char *expected)
{
    char *value = http_seen_header(http_server_seen(workspace->server, index), name);

    if (expected) {
        assert_non_null(value);
        assert_string_equal(value, expected);
    } else {
        assert_null(value);
    }
    free(value);
}

static int get(struct workspace *workspace, json_t **answer)
{
    const struct tow_databricks_call call = {
        .what = "looking", .method = "GET", .path = "/api/2.0/thing?x=1"};

    return tow_databricks_call_json(workspace->databricks, &call, answer, &workspace->err);
}

static void assert_get(struct workspace *workspace)
{
    json_t *answer;

    assert_ok(get(workspace, &answer), workspace->err);
    json_decref(answer);
}

static void assert_get_fails(struct workspace *workspace, int code, const char *words)
{
    json_t *answer;
    int got = get(workspace, &answer);

    if (got != code)
        fail_msg("%s: %s", tow_error_name(got), workspace->err.message);
    assert_null(answer);
    assert_says(workspace->err, words);
    assert_hushed(&workspace->err);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void test_a_token_goes_with_each_call(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, "{\"a\":1}");
    workspace_reply(workspace, 200, "{}");
    assert_get(workspace);
    assert_get(workspace);
    assert_seen(workspace, 0, "GET /api/2.0/thing?x=1");
    assert_header(workspace, 0, "Authorization", "Bearer " WORKSPACE_TOKEN);
    assert_header(workspace, 1, "Authorization", "Bearer " WORKSPACE_TOKEN);
    assert_header(workspace, 0, "Accept", "application/json");
    assert_header(workspace, 0, "Content-Type", NULL);
    assert_header(workspace, 0, "X-Databricks-Org-Id", NULL);
}

static void test_a_workspace_of_many_is_selected_by_its_id(void **state)
{
    struct workspace *workspace = *state;
    struct tow_databricks *plain = workspace->databricks;

    workspace->config.workspace_id = strdup("42");
    workspace->databricks = tow_databricks_new(&workspace->config, -1, &workspace->err);
    workspace_reply(workspace, 200, "{}");
    assert_get(workspace);
    assert_header(workspace, 0, "X-Databricks-Org-Id", "42");
    tow_databricks_free(plain);
}

static void test_json_goes_out_as_such(void **state)
{
    struct workspace *workspace = *state;
    json_t *body = json_pack("{s:s}", "name", "v\"1"), *answer;
    const struct tow_databricks_call call = {
        .what = "posting", .method = "POST", .path = "/api/2.0/thing", .json = body};

    workspace_reply(workspace, 200, "{\"n\":\"7\",\"m\":8,\"t\":\"x\"}");
    assert_ok(tow_databricks_call_json(workspace->databricks, &call, &answer, &workspace->err),
              workspace->err);
    assert_sent(workspace, 0, "name", "\"v\\\"1\"");
    assert_header(workspace, 0, "Content-Type", "application/json");
    assert_int_equal(tow_databricks_json_int(answer, "n", -1), 7);
    assert_int_equal(tow_databricks_json_int(answer, "m", -1), 8);
    assert_int_equal(tow_databricks_json_int(answer, "t", -1), -1);
    assert_int_equal(tow_databricks_json_int(answer, "none", 5), 5);
    assert_int_equal(tow_databricks_json_int(NULL, "none", 5), 5);
    json_decref(answer);
    json_decref(body);
}

static void test_an_empty_answer_is_no_json(void **state)
{
    struct workspace *workspace = *state;
    json_t *answer;

    workspace_reply(workspace, 200, "");
    assert_ok(get(workspace, &answer), workspace->err);
    assert_null(answer);
}

/* ---- OAuth ----------------------------------------------------------------------------------- */

static void test_an_oauth_token_is_fetched_once_for_many_calls(void **state)
{
    struct workspace *workspace = *state;
    int64_t lasts;

    workspace_reply(workspace, 200, TOKEN_ANSWER);
    workspace_reply(workspace, 200, "{}");
    workspace_reply(workspace, 200, "{}");
    assert_get(workspace);
    assert_get(workspace);
    assert_int_equal(http_server_count(workspace->server), 3);
    assert_seen(workspace, 0, "POST /oidc/v1/token");
    /* "principal:hush-secret" */
    assert_header(workspace, 0, "Authorization", "Basic cHJpbmNpcGFsOmh1c2gtc2VjcmV0");
    assert_header(workspace, 0, "Content-Type", "application/x-www-form-urlencoded");
    assert_string_equal(http_server_seen(workspace->server, 0)->body,
                        "grant_type=client_credentials&scope=all-apis");
    assert_header(workspace, 1, "Authorization", "Bearer oauth-hush-1");
    assert_header(workspace, 2, "Authorization", "Bearer oauth-hush-1");
    lasts = workspace->databricks->renew_ms - tow_monotonic_ms();
    assert_in_range(lasts, 3500 * 1000, 3540 * 1000);
}

static void test_an_oauth_token_is_renewed_before_it_ends(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, TOKEN_ANSWER);
    workspace_reply(workspace, 200, "{}");
    workspace_reply(workspace, 200, "{\"expires_in\":\"100\",\"access_token\":\"second\"}");
    workspace_reply(workspace, 200, "{}");
    assert_get(workspace);
    workspace->databricks->renew_ms = tow_monotonic_ms();
    assert_get(workspace);
    assert_seen(workspace, 2, "POST /oidc/v1/token");
    assert_header(workspace, 3, "Authorization", "Bearer second");
    assert_in_range(workspace->databricks->renew_ms - tow_monotonic_ms(), 40000, 50000);
}

static void test_an_oauth_token_that_is_refused_is_renewed_once(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 200, TOKEN_ANSWER);
    workspace_reply(workspace, 401, "{\"error_code\":401,\"message\":\"expired\"}");
    workspace_reply(workspace, 200, "{\"access_token\":\"second\"}");
    workspace_reply(workspace, 200, "{\"a\":1}");
    assert_get(workspace);
    assert_header(workspace, 3, "Authorization", "Bearer second");
    assert_int_equal(http_server_count(workspace->server), 4);
    /* Not a second time. */
    workspace_reply(workspace, 401, "{\"error_code\":401,\"message\":\"expired\"}");
    workspace_reply(workspace, 200, "{\"access_token\":\"third\"}");
    workspace_reply(workspace, 401, "{\"error_code\":401,\"message\":\"no such user\"}");
    assert_get_fails(workspace, TOW_E_AUTH, "no such user");
    assert_says(workspace->err, "service principal principal");
    assert_int_equal(http_server_count(workspace->server), 7);
}

static void test_a_login_that_is_refused_names_the_client(void **state)
{
    struct workspace *workspace = *state;

    workspace_reply(workspace, 401,
                    "{\"error\":\"invalid_client\",\"error_description\":\"Client authentication "
                    "failed\"}");
    assert_get_fails(workspace, TOW_E_AUTH,
                     "HTTP 401 invalid_client: Client authentication failed");
    assert_says(workspace->err, "client_id principal");
    workspace_reply(workspace, 400, "{\"error\":\"invalid_request\"}");
    assert_get_fails(workspace, TOW_E_AUTH, "client_id principal");
    workspace_reply(workspace, 404, "");
    assert_get_fails(workspace, TOW_E_CONFIG, "is the host of a workspace");
    workspace_reply(workspace, 503, "");
    assert_get_fails(workspace, TOW_E_TRANSIENT, "logging in by OAuth");
    assert_true(tow_databricks_was_unsent(workspace->databricks));
    workspace_reply_with(workspace, 429, "Retry-After: 7\r\n", "");
    assert_get_fails(workspace, TOW_E_RATE, "logging in by OAuth");
    assert_int_equal(workspace->err.retry_after_ms, 7000);
}

static void test_a_login_answer_without_a_token_is_refused(void **state)
{
    static const char *const answers[] = {
        "",
        "[]",
        "{}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":7}",
        "{\"access_token\":null}",
        "{\"access_token\":\"hush\\r\\nX: y\"}",
        "{\"access_token\":\"hush\\u0000\"}",
        "{\"access_token\":\"hush\\ud800\"}",
        "{\"access_token\":\"hush ",
        "<html><title>Log in</title></html>",
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        workspace_reply(workspace, 200, answers[i]);
        assert_get_fails(workspace, TOW_E_ENV, "logging in");
    }
}

/* ---- what answers mean ----------------------------------------------------------------------- */

static void test_answers_become_classes_with_the_servers_words(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        int code;
        const char *words;
    } cases[] = {
        {400, NULL, "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"no such x\"}",
         TOW_E_CONFIG, "looking: HTTP 400 INVALID_PARAMETER_VALUE: no such x"},
        {401, NULL, "{\"error_code\":401,\"message\":\"Credential was not sent\"}", TOW_E_AUTH,
         "make a new one"},
        {403, NULL, "{\"error_code\":403,\"message\":\"Invalid access token.\"}", TOW_E_AUTH,
         "make a new one"},
        {403, NULL, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"not yours\"}", TOW_E_AUTH,
         "HTTP 403 PERMISSION_DENIED: not yours"},
        {403, "x-databricks-reason-phrase: IP is blocked\r\n", "", TOW_E_AUTH, "IP is blocked"},
        {404, NULL, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"gone\"}",
         TOW_E_CONFIG, "RESOURCE_DOES_NOT_EXIST"},
        {409, NULL, "{\"error_code\":\"ABORTED\",\"message\":\"try again\"}", TOW_E_TRANSIENT,
         "ABORTED: try again"},
        {409, NULL, "{\"error_code\":\"ALREADY_EXISTS\",\"message\":\"is there\"}", TOW_E_CONFIG,
         "ALREADY_EXISTS"},
        {429, "Retry-After: 3\r\n", "{\"error_code\":\"REQUEST_LIMIT_EXCEEDED\"}", TOW_E_RATE,
         "REQUEST_LIMIT_EXCEEDED"},
        {503, "Retry-After: 3\r\n", "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\"}", TOW_E_RATE,
         "TEMPORARILY_UNAVAILABLE"},
        {503, NULL, "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\"}", TOW_E_TRANSIENT, "503"},
        {502, "Content-Type: text/html\r\n", "<html><title>Bad gateway</title></html>",
         TOW_E_TRANSIENT, "502"},
        {500, NULL, "INTERNAL_ERROR: oh", TOW_E_TRANSIENT, "oh"},
        {501, NULL, "{\"error_code\":\"NOT_IMPLEMENTED\"}", TOW_E_ENV, "501"},
        {200, "Content-Type: text/html\r\n", "<html><title>Sign in</title></html>", TOW_E_ENV,
         "a web page, Sign in"},
        {403, "Content-Type: text/html\r\n", "<html><title>Blocked</title></html>", TOW_E_ENV,
         "a web page, Blocked"},
        {302, "Location: /login.html?next=hush\r\n", "", TOW_E_ENV, "a redirect"},
        {200, NULL, "{\"a\":", TOW_E_ENV, "no JSON"},
        {200, NULL, "\xff", TOW_E_ENV, "no JSON"},
    };
    struct workspace *workspace = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workspace_reply_with(workspace, cases[i].status, cases[i].headers, cases[i].body);
        assert_get_fails(workspace, cases[i].code, cases[i].words);
        assert_int_equal(workspace->err.code, cases[i].code);
        if (cases[i].code == TOW_E_RATE)
            assert_int_equal(workspace->err.retry_after_ms, 3000);
        /* Nothing is tried again here. */
        assert_int_equal(http_server_count(workspace->server), i + 1);
    }
}

static void test_words_without_end_leave_room_for_advice(void **state)
{
    struct workspace *workspace = *state;
    char body[4096];
    int length = snprintf(body, sizeof body, "{\"error_code\":401,\"message\":\"");

    memset(body + length, 'x', 3000);
    strcpy(body + length + 3000, "\"}");
    workspace_reply(workspace, 401, body);
    assert_get_fails(workspace, TOW_E_AUTH, "make a new one");
}

static void test_a_call_ends_when_it_is_interrupted(void **state)
{
    struct workspace *workspace = *state;
    const uint64_t one = 1;

    http_server_reply(workspace->server,
                      (struct http_reply){.body = "{}", .how = HTTP_REPLY_STALL});
    assert_int_equal(write(workspace->cancel, &one, sizeof one), sizeof one);
    assert_get_fails(workspace, TOW_E_CANCELLED, "");
}

static void test_a_wait_ends_when_it_is_interrupted(void **state)
{
    struct workspace *workspace = *state;
    const uint64_t one = 1;
    int64_t before = tow_monotonic_ms();

    assert_ok(tow_databricks_wait(workspace->databricks, 30, &workspace->err), workspace->err);
    assert_true(tow_monotonic_ms() - before >= 30);
    assert_int_equal(write(workspace->cancel, &one, sizeof one), sizeof one);
    assert_int_equal(tow_databricks_wait(workspace->databricks, 3600000, &workspace->err),
                     TOW_E_CANCELLED);
}

static void test_a_silent_server_is_waited_for_as_long_as_the_user_says(void **state)
{
    static const struct http_reply stall = {.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW};
    struct workspace *workspace = *state;
    struct tow_databricks *plain = workspace->databricks;
    struct tow_databricks_call call = {
        .what = "looking", .method = "GET", .path = "/", .answer_ms = 60000, .timeout_ms = 300};
    json_t *answer;

    workspace->config.stall_timeout_ms = 100;
    workspace->databricks = tow_databricks_new(&workspace->config, -1, &workspace->err);
    http_server_reply(workspace->server, stall);
    assert_get_fails(workspace, TOW_E_TRANSIENT, "no byte moved for 100 ms (limit)");
    /* What the request itself lets the server wait comes on top of it. */
    http_server_reply(workspace->server, stall);
    assert_int_equal(
        tow_databricks_call_json(workspace->databricks, &call, &answer, &workspace->err),
        TOW_E_TRANSIENT);
    assert_says(workspace->err, "not done within 300 ms (limit)");
    tow_databricks_free(plain);
}

static void test_a_server_that_is_not_there_has_seen_nothing(void **state)
{
    struct workspace *workspace = *state;
    json_t *answer;

    http_server_reply(workspace->server, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    assert_int_equal(get(workspace, &answer), TOW_E_TRANSIENT);
    assert_false(tow_databricks_was_unsent(workspace->databricks));
    http_server_free(workspace->server);
    assert_int_equal(get(workspace, &answer), TOW_E_TRANSIENT);
    assert_true(tow_databricks_was_unsent(workspace->databricks));
    assert_says(workspace->err, "looking: ");
    workspace->server = http_server_new(NULL);
}

int main(void)
{
#define TOKEN(name) cmocka_unit_test_setup_teardown(name, workspace_setup, workspace_teardown)
#define OAUTH(name) \
    cmocka_unit_test_setup_teardown(name, workspace_setup_client, workspace_teardown)
    const struct CMUnitTest tests[] = {
        TOKEN(test_a_token_goes_with_each_call),
        TOKEN(test_a_workspace_of_many_is_selected_by_its_id),
        TOKEN(test_json_goes_out_as_such),
        TOKEN(test_an_empty_answer_is_no_json),
        OAUTH(test_an_oauth_token_is_fetched_once_for_many_calls),
        OAUTH(test_an_oauth_token_is_renewed_before_it_ends),
        OAUTH(test_an_oauth_token_that_is_refused_is_renewed_once),
        OAUTH(test_a_login_that_is_refused_names_the_client),
        OAUTH(test_a_login_answer_without_a_token_is_refused),
        TOKEN(test_answers_become_classes_with_the_servers_words),
        TOKEN(test_words_without_end_leave_room_for_advice),
        TOKEN(test_a_call_ends_when_it_is_interrupted),
        TOKEN(test_a_wait_ends_when_it_is_interrupted),
        TOKEN(test_a_silent_server_is_waited_for_as_long_as_the_user_says),
        TOKEN(test_a_server_that_is_not_there_has_seen_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
