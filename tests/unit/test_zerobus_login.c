/* Logging in for streams: tokens and how long they are kept, headers of the user's own, programs
 * that print them. */
#include <pthread.h>
#include <unistd.h>

#include "connectors/zerobus/command.h"
#include "connectors/zerobus/login.h"
#include "http_server.h"
#include "scratch.h"
#include "unit.h"

struct login {
    struct http_server *server;
    struct tow_databricks_config workspace;
    struct tow_zerobus_login_settings settings;
    struct tow_zerobus_account *account;
    struct tow_error err;
};

static int setup(void **state)
{
    struct login *login = calloc(1, sizeof *login);

    assert_non_null(login);
    login->err = (struct tow_error)TOW_ERROR_INIT;
    login->server = http_server_new(NULL);
    login->workspace = (struct tow_databricks_config){
        .url = (char *)(uintptr_t)http_server_base(login->server),
        .login = TOW_DATABRICKS_CLIENT,
        .client_id = (char *)(uintptr_t) "me",
        .client_secret = (char *)(uintptr_t) "s3cret",
        .proxy = (char *)(uintptr_t) "",
    };
    login->settings = (struct tow_zerobus_login_settings){.table = "main.default.events",
                                                          .workspace_id = "12345",
                                                          .workspace = &login->workspace,
                                                          .cancel_fd = -1};
    *state = login;
    return 0;
}

static int teardown(void **state)
{
    struct login *login = *state;

    tow_zerobus_account_free(login->account);
    http_server_free(login->server);
    free(login);
    return 0;
}

static void begin(struct login *login)
{
    login->account = tow_zerobus_account_new(&login->settings, &login->err);
    if (!login->account)
        fail_msg("%s", login->err.message);
}

static void answer(struct login *login, int status, const char *body)
{
    http_server_reply(login->server, (struct http_reply){.status = status, .body = body});
}

static int fetch(struct login *login, char *into, size_t size)
{
    struct tow_buffer bearer = {0};
    int code = tow_zerobus_account_bearer(login->account, 5000, &bearer, &login->err);

    if (code == TOW_OK)
        (void)snprintf(into, size, "%s", bearer.data);
    tow_buffer_release(&bearer);
    return code;
}

static void bearer_is(struct login *login, const char *expected)
{
    char bearer[200];

    assert_ok(fetch(login, bearer, sizeof bearer), login->err);
    assert_string_equal(bearer, expected);
}

static void no_bearer(struct login *login, int code, const char *says)
{
    char bearer[200];
    int got = fetch(login, bearer, sizeof bearer);

    if (got != code)
        fail_msg("%s: %s", tow_error_name(got), login->err.message);
    assert_says(login->err, says);
    assert_null(strstr(login->err.message, "s3cret"));
}

#define TOKEN(name, life) "{\"access_token\":\"" name "\",\"expires_in\":" life "}"

/* ---- tokens ---------------------------------------------------------------------------------- */

static void test_a_token_is_asked_for_with_its_privileges(void **state)
{
    struct login *login = *state;
    const struct http_seen *seen;
    char *authorization;

    answer(login, 200, TOKEN("one", "3600"));
    begin(login);
    bearer_is(login, "Bearer one");
    seen = http_server_seen(login->server, 0);
    assert_string_equal(seen->method, "POST");
    assert_string_equal(seen->target, "/oidc/v1/token");
    authorization = http_seen_header(seen, "authorization");
    assert_string_equal(authorization, "Basic bWU6czNjcmV0");
    free(authorization);
    assert_non_null(strstr(seen->body, "grant_type=client_credentials&scope=all-apis&resource="
                                       "api%3A%2F%2Fdatabricks%2Fworkspaces%2F12345%2F"
                                       "zerobusDirectWriteApi&authorization_details=%5B%7B"));
    assert_non_null(strstr(seen->body, "%22privileges%22%3A%5B%22USE%20CATALOG%22%5D%2C%22object_"
                                       "type%22%3A%22CATALOG%22%2C%22object_full_path%22%3A%22"
                                       "main%22%7D"));
    assert_non_null(strstr(seen->body, "%22USE%20SCHEMA%22%5D%2C%22object_type%22%3A%22SCHEMA%22"
                                       "%2C%22object_full_path%22%3A%22main.default%22%7D"));
    assert_non_null(strstr(seen->body, "%22SELECT%22%2C%22MODIFY%22%5D%2C%22object_type%22%3A%22"
                                       "TABLE%22%2C%22object_full_path%22%3A%22main.default."
                                       "events%22%2C%22operations%22%3A%5B%22zerobuswrite%22%5D"
                                       "%7D%5D"));
}

static void test_a_token_is_fetched_once_and_kept(void **state)
{
    struct login *login = *state;

    answer(login, 200, TOKEN("one", "3600"));
    begin(login);
    for (int i = 0; i < 5; i++)
        bearer_is(login, "Bearer one");
    assert_int_equal(http_server_count(login->server), 1);
}

static void test_a_life_in_quotes_is_a_life(void **state)
{
    struct login *login = *state;

    answer(login, 200, TOKEN("one", "\"3600\""));
    begin(login);
    bearer_is(login, "Bearer one");
    bearer_is(login, "Bearer one");
    assert_int_equal(http_server_count(login->server), 1);
}

static void test_a_token_without_a_life_is_used_once(void **state)
{
    static const char *const answers[] = {"{\"access_token\":\"one\"}", TOKEN("one", "0"),
                                          TOKEN("one", "-5"), TOKEN("one", "\"soon\""),
                                          TOKEN("one", "null")};
    struct login *login = *state;

    begin(login);
    for (size_t i = 0; i < 5; i++) {
        answer(login, 200, answers[i]);
        answer(login, 200, TOKEN("two", "0"));
        bearer_is(login, "Bearer one");
        bearer_is(login, "Bearer two");
    }
}

static void test_a_token_is_renewed_before_its_end(void **state)
{
    struct login *login = *state;

    login->settings.refresh_ms = 1900; /* but at most half of its life before */
    answer(login, 200, TOKEN("one", "2"));
    answer(login, 200, TOKEN("two", "3600"));
    begin(login);
    bearer_is(login, "Bearer one");
    bearer_is(login, "Bearer one");
    usleep(1100000); /* half of its life */
    bearer_is(login, "Bearer two");
    assert_int_equal(http_server_count(login->server), 2);
}

static void test_a_token_that_cannot_be_renewed_is_used_while_it_lasts(void **state)
{
    struct login *login = *state;

    login->settings.refresh_ms = 100000;
    answer(login, 200, TOKEN("one", "2"));
    answer(login, 500, "{}");
    begin(login);
    bearer_is(login, "Bearer one");
    usleep(1100000);
    bearer_is(login, "Bearer one");
    bearer_is(login, "Bearer one"); /* and the service is not asked again at once */
    assert_int_equal(http_server_count(login->server), 2);
    usleep(1100000);
    answer(login, 200, TOKEN("three", "3600"));
    bearer_is(login, "Bearer three");
}

static void test_a_token_that_was_refused_is_not_used_again(void **state)
{
    struct login *login = *state;

    answer(login, 200, TOKEN("one", "3600"));
    answer(login, 200, TOKEN("two", "3600"));
    begin(login);
    bearer_is(login, "Bearer one");
    tow_zerobus_account_forget(login->account, "Bearer one");
    bearer_is(login, "Bearer two");
    tow_zerobus_account_forget(login->account, "Bearer one"); /* somebody comes late with the old */
    bearer_is(login, "Bearer two");
    assert_int_equal(http_server_count(login->server), 2);
}

static void test_trouble_of_the_service_may_pass(void **state)
{
    static const int statuses[] = {500, 502, 503, 408};
    struct login *login = *state;

    begin(login);
    for (size_t i = 0; i < 4; i++) {
        answer(login, statuses[i], "{\"error\":\"oops\"}");
        no_bearer(login, TOW_E_TRANSIENT, "logging in for Zerobus as me");
    }
    answer(login, 429, "{}");
    no_bearer(login, TOW_E_RATE, "main.default.events");
    http_server_reply(login->server, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    no_bearer(login, TOW_E_TRANSIENT, "logging in");
}

static void test_a_refusal_is_for_good(void **state)
{
    struct login *login = *state;

    begin(login);
    answer(login, 401, "{\"error\":\"invalid_client\",\"error_description\":\"wrong secret\"}");
    no_bearer(login, TOW_E_AUTH, "wrong secret");
    answer(login, 400, "{\"error\":\"invalid_authorization_details\"}");
    no_bearer(login, TOW_E_CONFIG, "invalid_authorization_details");
    http_server_reply(login->server,
                      (struct http_reply){.status = 302, .headers = "Location: http://x/\r\n"});
    no_bearer(login, TOW_E_ENV, "302");
    assert_int_equal(http_server_count(login->server), 3);
}

static void test_an_answer_that_is_no_token_is_refused(void **state)
{
    static const char *const answers[] = {"",
                                          "<html>",
                                          "[]",
                                          "{}",
                                          "{\"access_token\":\"\"}",
                                          "{\"access_token\":\"a b\"}",
                                          "{\"access_token\":\"a\\r\\nb: c\"}",
                                          "{\"access_token\":5}"};
    struct login *login = *state;

    begin(login);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char bearer[200];

        answer(login, 200, answers[i]);
        assert_int_not_equal(fetch(login, bearer, sizeof bearer), TOW_OK);
        assert_int_not_equal(login->err.code, TOW_E_TRANSIENT);
    }
}

static void test_a_token_that_had_ended_when_it_came_may_be_better_next_time(void **state)
{
    struct login *login = *state;

    http_server_reply(login->server,
                      (struct http_reply){.body = TOKEN("one", "1"), .piece = 5, .pause_ms = 300});
    begin(login);
    no_bearer(login, TOW_E_TRANSIENT, "had ended");
}

static void test_a_service_that_hangs_is_given_up_in_time(void **state)
{
    struct login *login = *state;
    struct tow_buffer bearer = {0};

    http_server_reply(login->server,
                      (struct http_reply){.body = TOKEN("one", "1"), .how = HTTP_REPLY_STALL});
    begin(login);
    assert_int_equal(tow_zerobus_account_bearer(login->account, 200, &bearer, &login->err),
                     TOW_E_TRANSIENT);
    tow_buffer_release(&bearer);
    http_server_go_on(login->server);
}

static void *fetch_too(void *context)
{
    struct tow_zerobus_account *account = context;
    struct tow_buffer bearer = {0};
    int code = tow_zerobus_account_bearer(account, 5000, &bearer, NULL);

    tow_buffer_release(&bearer);
    return code == TOW_OK ? context : NULL;
}

static void test_streams_that_begin_together_fetch_one_token(void **state)
{
    struct login *login = *state;
    pthread_t threads[8];

    http_server_reply(
        login->server,
        (struct http_reply){.body = TOKEN("one", "3600"), .piece = 10, .pause_ms = 20});
    begin(login);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fetch_too, login->account), 0);
    for (int i = 0; i < 8; i++) {
        void *result;

        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    assert_int_equal(http_server_count(login->server), 1);
}

/* ---- what streams are given ------------------------------------------------------------------ */

static int headers_of(struct login *login, struct tow_zerobus_headers *headers)
{
    struct tow_zerobus_login given = tow_zerobus_account_login(login->account);

    *headers = (struct tow_zerobus_headers){.count = 0};
    return given.headers(given.context, 5000, headers, &login->err);
}

static void test_a_stream_is_given_token_and_table(void **state)
{
    struct login *login = *state;
    struct tow_zerobus_headers headers;

    answer(login, 200, TOKEN("one", "3600"));
    answer(login, 200, TOKEN("two", "3600"));
    begin(login);
    assert_ok(headers_of(login, &headers), login->err);
    assert_string_equal(tow_zerobus_headers_find(&headers, "authorization"), "Bearer one");
    assert_string_equal(tow_zerobus_headers_find(&headers, TOW_ZEROBUS_TABLE_HEADER),
                        "main.default.events");
    assert_int_equal(headers.items[0].is_secret, 1);
    tow_zerobus_account_login(login->account).refused(login->account, &headers);
    tow_zerobus_headers_release(&headers);
    bearer_is(login, "Bearer two");
}

static void test_headers_that_are_written_down_replace_the_token(void **state)
{
    static const char *const lines[] = {"Authorization:  Bearer mine ", "x-custom: a:b"};
    struct login *login = *state;
    struct tow_zerobus_headers headers;

    login->settings.workspace = NULL;
    login->settings.headers = lines;
    login->settings.header_count = 2;
    begin(login);
    assert_ok(headers_of(login, &headers), login->err);
    assert_int_equal(headers.count, 3);
    assert_string_equal(tow_zerobus_headers_find(&headers, "authorization"), "Bearer mine");
    assert_string_equal(tow_zerobus_headers_find(&headers, "x-custom"), "a:b");
    assert_string_equal(tow_zerobus_headers_find(&headers, TOW_ZEROBUS_TABLE_HEADER),
                        "main.default.events");
    assert_null(tow_zerobus_account_login(login->account).refused);
    tow_zerobus_headers_release(&headers);
    assert_int_equal(http_server_count(login->server), 0);
}

static void refuses_header(struct login *login, const char *line, const char *says)
{
    const char *const lines[] = {line};

    login->settings.workspace = NULL;
    login->settings.headers = lines;
    login->settings.header_count = 1;
    assert_null(tow_zerobus_account_new(&login->settings, &login->err));
    assert_int_equal(login->err.code, TOW_E_CONFIG);
    assert_says(login->err, says);
    assert_null(strstr(login->err.message, "s3cret"));
}

static void test_headers_that_are_none_are_refused(void **state)
{
    struct login *login = *state;

    refuses_header(login, "x-custom: a", "authorization: Bearer");
    refuses_header(login, "Bearer s3cret", "name: value");
    refuses_header(login, "authorization:", "name: value");
    refuses_header(login, ": Bearer s3cret", "name: value");
    refuses_header(login, "", "authorization: Bearer");
}

static void test_a_header_for_another_table_is_refused(void **state)
{
    static const char *const lines[] = {"authorization: Bearer mine",
                                        "x-databricks-zerobus-table-name: other.default.events"};
    struct login *login = *state;

    login->settings.workspace = NULL;
    login->settings.headers = lines;
    login->settings.header_count = 2;
    assert_null(tow_zerobus_account_new(&login->settings, &login->err));
    assert_says(login->err, "another table");
}

static void commands(struct login *login, const char *script)
{
    const char *arguments[] = {"sh", "-c", script};

    login->settings.workspace = NULL;
    login->settings.command = arguments;
    login->settings.command_count = 3;
    begin(login);
}

static void test_a_program_may_print_the_headers(void **state)
{
    struct login *login = *state;
    struct tow_zerobus_headers headers;

    commands(login, "echo 'Authorization: Bearer of the program'; echo; printf 'x-a: b\\r\\n'");
    assert_ok(headers_of(login, &headers), login->err);
    assert_string_equal(tow_zerobus_headers_find(&headers, "authorization"),
                        "Bearer of the program");
    assert_string_equal(tow_zerobus_headers_find(&headers, "x-a"), "b");
    assert_int_equal(headers.count, 3);
    tow_zerobus_headers_release(&headers);
    assert_non_null(tow_zerobus_account_login(login->account).refused);
}

static void command_fails(struct login *login, const char *script, int code, const char *says)
{
    struct tow_zerobus_headers headers;
    int got;

    commands(login, script);
    got = headers_of(login, &headers);
    tow_zerobus_headers_release(&headers);
    tow_zerobus_account_free(login->account);
    login->account = NULL;
    if (got != code)
        fail_msg("%s: %s", tow_error_name(got), login->err.message);
    assert_says(login->err, says);
}

static void test_a_program_that_fails_is_told_of(void **state)
{
    struct login *login = *state;

    command_fails(login, "exit 3", TOW_E_TRANSIENT, "code 3");
    command_fails(login, "kill -9 $$", TOW_E_TRANSIENT, "signal 9");
    command_fails(login, "echo nonsense", TOW_E_CONFIG, "name: value");
    command_fails(login, "echo x-a: b", TOW_E_CONFIG, "authorization");
    command_fails(login, "head -c 200000 /dev/zero", TOW_E_TRANSIENT, "65536 bytes");
}

static void test_a_program_that_is_not_there_is_told_of(void **state)
{
    static const char *const arguments[] = {"/no/such/program"};
    struct tow_buffer out = {0};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_int_equal(tow_zerobus_run_command(arguments, 1, 1000, -1, &out, &err), TOW_E_CONFIG);
    assert_says(err, "/no/such/program");
    tow_buffer_release(&out);
}

static void test_a_program_that_does_not_end_is_killed(void **state)
{
    static const char *const silent[] = {"sleep", "60"};
    static const char *const closed[] = {"sh", "-c", "exec >&-; sleep 60"};
    struct tow_buffer out = {0};
    struct tow_error err = TOW_ERROR_INIT;
    int stop[2];

    (void)state;
    assert_int_equal(tow_zerobus_run_command(silent, 2, 100, -1, &out, &err), TOW_E_TRANSIENT);
    assert_says(err, "does not come to an end");
    assert_int_equal(tow_zerobus_run_command(closed, 3, 100, -1, &out, &err), TOW_E_TRANSIENT);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(tow_zerobus_run_command(silent, 2, 9000, stop[0], &out, &err),
                     TOW_E_CANCELLED);
    close(stop[0]);
    close(stop[1]);
    tow_buffer_release(&out);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_tables_have_three_parts(void **state)
{
    static const char *const bad[] = {"",     "a",    "a.b",     "a.b.c.d", ".b.c",
                                      "a..c", "a.b.", "a.`b`.c", "a. b.c"};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_ok(tow_zerobus_check_table("a.b.c", &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tow_zerobus_check_table(bad[i], &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" passed", bad[i]);
}

static void test_the_workspace_is_the_first_label_of_the_endpoint(void **state)
{
    static const char *const cases[][2] = {
        {"https://123.zerobus.us-west-2.cloud.databricks.com", "123"},
        {"123.zerobus.westeurope.azuredatabricks.net:443", "123"},
        {"http://localhost:80", "localhost"},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *id = tow_zerobus_workspace_id(cases[i][0]);

        assert_string_equal(id, cases[i][1]);
        free(id);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_is_asked_for_with_its_privileges),
        TEST(test_a_token_is_fetched_once_and_kept),
        TEST(test_a_life_in_quotes_is_a_life),
        TEST(test_a_token_without_a_life_is_used_once),
        TEST(test_a_token_is_renewed_before_its_end),
        TEST(test_a_token_that_cannot_be_renewed_is_used_while_it_lasts),
        TEST(test_a_token_that_was_refused_is_not_used_again),
        TEST(test_trouble_of_the_service_may_pass),
        TEST(test_a_refusal_is_for_good),
        TEST(test_an_answer_that_is_no_token_is_refused),
        TEST(test_a_token_that_had_ended_when_it_came_may_be_better_next_time),
        TEST(test_a_service_that_hangs_is_given_up_in_time),
        TEST(test_streams_that_begin_together_fetch_one_token),
        TEST(test_a_stream_is_given_token_and_table),
        TEST(test_headers_that_are_written_down_replace_the_token),
        TEST(test_headers_that_are_none_are_refused),
        TEST(test_a_header_for_another_table_is_refused),
        TEST(test_a_program_may_print_the_headers),
        TEST(test_a_program_that_fails_is_told_of),
        TEST(test_a_program_that_is_not_there_is_told_of),
        TEST(test_a_program_that_does_not_end_is_killed),
        TEST(test_tables_have_three_parts),
        TEST(test_the_workspace_is_the_first_label_of_the_endpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
