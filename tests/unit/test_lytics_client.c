#include <unistd.h>

#include "lytics_fixture.h"

static int ask(struct api *api)
{
    const struct tow_lytics_call call = {.what = "asking", .path = "/v2/thing"};

    return tow_lytics_call(api->lytics, &call, &api->answer, &api->err);
}

static void assert_part(struct tow_json_part part, const char *text)
{
    if (part.length != strlen(text) ||
        strncmp(part.length ? part.text : "", text, part.length) != 0)
        fail_msg("%.*s, not %s", (int)part.length, part.text, text);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void test_the_token_goes_raw_into_the_header_and_never_into_the_url(void **state)
{
    struct api *api = *state;

    api_reply(api, 200, "{\"data\":[1],\"status\":200,\"request_id\":\"r\"}");
    assert_ok(ask(api), api->err);
    assert_asked(api, 0, "GET /v2/thing");
    assert_told(api, 0, "Authorization", LYTICS_TOKEN);
    assert_told(api, 0, "Accept", "application/json");
    assert_told(api, 0, "Content-Type", NULL);
}

static void test_the_account_goes_along_and_arguments_are_encoded(void **state)
{
    struct api *api = *state;
    const struct tow_lytics_argument arguments[] = {
        {"a", "1 &2"}, {"left_out", NULL}, {"empty", ""}};
    const struct tow_lytics_call call = {
        .what = "asking", .path = "/v2/thing", .arguments = arguments, .argument_count = 3};

    api->settings.account_id = "ab/c";
    api_renew(api);
    api_reply(api, 200, "{}");
    assert_ok(tow_lytics_call(api->lytics, &call, &api->answer, &api->err), api->err);
    assert_asked(api, 0, "GET /v2/thing?a=1%20%262&empty=&account_id=ab%2Fc");
}

static void test_a_path_of_the_url_stays_in_front(void **state)
{
    struct api *api = *state;
    char url[128];

    snprintf(url, sizeof url, "%s/proxy/", http_server_base(api->server));
    api->settings.api_url = url;
    api_renew(api);
    api_reply(api, 200, "{}");
    assert_ok(ask(api), api->err);
    assert_asked(api, 0, "GET /proxy/v2/thing");
}

static void test_settings_that_cannot_be_are_named(void **state)
{
    static const struct {
        const char *token, *api_url, *bulk_url, *words;
    } cases[] = {
        {NULL, NULL, NULL, "token is missing"},
        {"", NULL, NULL, "token is missing"},
        {"Bearer hush", NULL, NULL, "without \"Bearer\""},
        {"hush\n", NULL, NULL, "at byte 5"},
        {"hush", "http://api.lytics.io", NULL, "api_url: "},
        {"hush", "https://api.lytics.io?x=1", NULL, "api_url holds a query"},
        {"hush", NULL, "ftp://bulk.lytics.io", "bulk_url: "},
    };
    struct api *api = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_lytics_settings settings = {.token = cases[i].token,
                                                     .api_url = cases[i].api_url,
                                                     .bulk_url = cases[i].bulk_url,
                                                     .cancel_fd = -1};

        assert_fails(api, tow_lytics_check(&settings, &api->err), TOW_E_CONFIG, cases[i].words);
    }
}

/* ---- successes ------------------------------------------------------------------------------- */

static void test_both_envelopes_are_read(void **state)
{
    static const struct {
        const char *body, *data, *meta, *next;
        long total;
    } cases[] = {
        {"{\"data\":[{\"a\":1.50}],\"status\":200,\"message\":\"success\"}", "[{\"a\":1.50}]", "",
         "", -1},
        {"{\"data\":{\"x\":\"y\"},\"status\":\"success\",\"message\":\"\"}", "{\"x\":\"y\"}", "",
         "", -1},
        {"{\"status\":\"200\",\"data\":null,\"_next\":\"t\\u00e9k\",\"total\":\"50\"}", "", "",
         "t\xC3\xA9k", 50},
        {" {\"status\":200,\"data\":[],\"next\":\"n\",\"_meta\":{\"has_more\":true},\"total\":7}",
         "[]", "{\"has_more\":true}", "n", 7},
        {"{\"status\":200,\"data\":[],\"_next\":\"\",\"errors\":[]}", "[]", "", "", -1},
        {"", "", "", "", -1},
    };
    struct api *api = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        api_reply(api, 200, cases[i].body);
        assert_ok(ask(api), api->err);
        assert_part(api->answer.data, cases[i].data);
        assert_part(api->answer.meta, cases[i].meta);
        assert_int_equal(api->answer.next.size, strlen(cases[i].next));
        if (api->answer.next.size)
            assert_string_equal(api->answer.next.data, cases[i].next);
        assert_int_equal(api->answer.total, cases[i].total);
        assert_int_equal(api->answer.status, 200);
    }
}

static void test_what_an_answer_left_is_gone_with_the_next(void **state)
{
    struct api *api = *state;

    api_reply(api, 200, "{\"data\":[1],\"_next\":\"token\",\"total\":9,\"_meta\":{}}");
    api_reply(api, 500, "{}");
    assert_ok(ask(api), api->err);
    assert_int_equal(api->answer.next.size, 5);
    assert_fails(api, ask(api), TOW_E_TRANSIENT, "HTTP 500");
    assert_int_equal(api->answer.next.size, 0);
    assert_int_equal(api->answer.data.length, 0);
    assert_int_equal(api->answer.meta.length, 0);
    assert_int_equal(api->answer.total, -1);
    assert_int_equal(api->answer.status, 500);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_refusals_of_both_versions_have_their_class(void **state)
{
    static const struct {
        int status;
        const char *body;
        int code;
        const char *words;
    } cases[] = {
        {400,
         "{\"status\":400,\"errors\":[{\"code\":\"BADREQ-001\",\"message\":\"no such verb\"}]}",
         TOW_E_CONFIG, "asking: HTTP 400 BADREQ-001: no such verb"},
        {400, "{\"data\":null,\"status\":400,\"message\":\"bad limit\"}", TOW_E_CONFIG,
         "HTTP 400: bad limit"},
        {400, "{\"status\":400,\"errors\":[{\"code\":\"UNAUTHORIZED-017\",\"message\":\"no\"}]}",
         TOW_E_AUTH, "scope"},
        {401, "{\"message\":\"Expired Token\",\"status\":401}", TOW_E_AUTH,
         "HTTP 401: Expired Token; the token is wrong, has expired"},
        {403, "{\"status\":403,\"errors\":[{\"code\":\"FORBIDDEN-026\",\"message\":\"no\"}]}",
         TOW_E_AUTH, "FORBIDDEN-026"},
        {404, "{\"status\":404,\"errors\":[{\"code\":\"NOTFOUND-003\",\"message\":\"none\"}]}",
         TOW_E_CONFIG, "NOTFOUND-003"},
        {408, "", TOW_E_TRANSIENT, "HTTP 408"},
        {413, "{\"message\":\"too large\",\"status\":413}", TOW_E_DATA, "too large"},
        {500, "{\"status\":500,\"errors\":[{\"code\":\"INTERNAL-019\",\"message\":\"oh\"}]}",
         TOW_E_TRANSIENT, "INTERNAL-019: oh"},
        {502, "<html><title>Bad Gateway</title></html>", TOW_E_TRANSIENT, "Bad Gateway"},
        {520, "", TOW_E_TRANSIENT, "HTTP 520"},
        {302, "", TOW_E_ENV, "a redirect in place of an answer of the Lytics API"},
        {404, "<html><title>Log in</title></html>", TOW_E_ENV, "a web page"},
    };
    struct api *api = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        api_reply(api, cases[i].status, cases[i].body);
        assert_fails(api, ask(api), cases[i].code, cases[i].words);
        assert_int_equal(api->answer.status, cases[i].status);
    }
}

static void test_a_success_that_is_none_is_judged_by_what_it_says(void **state)
{
    static const struct {
        const char *body;
        int code, status;
        const char *words;
    } cases[] = {
        {"{\"data\":null,\"status\":200,\"message\":\"Not Found\"}", TOW_E_CONFIG, 404,
         "HTTP 404: Not Found"},
        {"{\"status\":\"401\",\"message\":\"Expired Token\"}", TOW_E_AUTH, 401, "Expired Token"},
        {"{\"status\":503,\"errors\":[{\"code\":\"INTERNAL-019\",\"message\":\"oh\"}]}",
         TOW_E_TRANSIENT, 503, "INTERNAL-019"},
        {"{\"status\":200,\"errors\":[{\"code\":\"INTERNAL-019\",\"message\":\"half\"}]}",
         TOW_E_TRANSIENT, 500, "half"},
        {"[1,2]", TOW_E_ENV, 200, "JSON that is no object"},
        {"{\"data\":[1", TOW_E_ENV, 200, "is no JSON"},
        {"<!doctype html><html></html>", TOW_E_ENV, 200, "a web page"},
    };
    struct api *api = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        api_reply(api, 200, cases[i].body);
        assert_fails(api, ask(api), cases[i].code, cases[i].words);
        assert_int_equal(api->answer.status, cases[i].status);
    }
}

static void test_a_429_without_retry_after_says_how_long_to_wait(void **state)
{
    struct api *api = *state;

    api_reply(api, 429, "{\"message\":\"slow down\",\"status\":429}");
    http_server_reply(api->server,
                      (struct http_reply){.status = 429, .headers = "Retry-After: 3\r\n"});
    assert_fails(api, ask(api), TOW_E_RATE, "slow down");
    assert_int_equal(api->err.retry_after_ms, 10000);
    assert_fails(api, ask(api), TOW_E_RATE, "HTTP 429");
    assert_int_equal(api->err.retry_after_ms, 3000);
    api->settings.rate_wait_ms = 250;
    api_renew(api);
    api_reply(api, 429, "");
    assert_fails(api, ask(api), TOW_E_RATE, "HTTP 429");
    assert_int_equal(api->err.retry_after_ms, 250);
}

static void test_a_token_that_comes_back_is_not_shown(void **state)
{
    struct api *api = *state;

    api_reply(api, 401, "{\"status\":401,\"message\":\"token " LYTICS_TOKEN " is unknown\"}");
    assert_fails(api, ask(api), TOW_E_AUTH, "HTTP 401");
}

static void test_answers_have_a_limit_in_bytes_and_in_depth(void **state)
{
    struct api *api = *state;
    const struct tow_lytics_call small = {.what = "asking", .path = "/x", .limit = 20};
    static char deep[601]; /* the server may send it late */

    api_reply(api, 200, "{\"data\":[1,2,3,4,5,6,7,8,9]}");
    assert_fails(api, tow_lytics_call(api->lytics, &small, &api->answer, &api->err), TOW_E_ENV,
                 "answer longer than");
    memset(deep, '[', 300);
    memset(deep + 300, ']', 300);
    api_reply(api, 200, deep);
    assert_fails(api, ask(api), TOW_E_ENV, "nested more than 128 deep");
}

static void test_an_exchange_that_breaks_says_what_it_was_for(void **state)
{
    struct api *api = *state;

    http_server_reply(
        api->server,
        (struct http_reply){.body = "{\"data\":[1,2,3]}", .how = HTTP_REPLY_CUT, .cut = 5});
    assert_fails(api, ask(api), TOW_E_TRANSIENT, "asking: ");
}

static void test_a_call_ends_when_it_is_cancelled(void **state)
{
    struct api *api = *state;
    const uint64_t one = 1;

    assert_int_equal(write(api->cancel, &one, sizeof one), sizeof one);
    assert_int_equal(ask(api), TOW_E_CANCELLED);
}

/* ---- parts ----------------------------------------------------------------------------------- */

#define PART(literal) ((struct tow_json_part){literal, sizeof(literal) - 1})

static void test_parts_of_answers_are_read_whatever_their_type(void **state)
{
    struct tow_buffer text = {NULL, 0, 0};
    struct tow_error err = TOW_ERROR_INIT;
    char small[4];
    int64_t number = -7;

    (void)state;
    assert_ok(tow_lytics_text(&text, PART("\"a\\nb\""), &err), err);
    assert_string_equal(text.data, "a\nb");
    assert_ok(tow_lytics_text(&text, PART("12.50"), &err), err);
    assert_string_equal(text.data, "12.50");
    assert_ok(tow_lytics_text(&text, PART("{\"a\":1}"), &err), err);
    assert_string_equal(text.data, "");
    assert_ok(tow_lytics_text(&text, PART("null"), &err), err);
    assert_int_equal(text.size, 0);
    tow_buffer_release(&text);

    assert_true(tow_lytics_int(PART("\"50\""), &number));
    assert_int_equal(number, 50);
    assert_true(tow_lytics_int(PART("-3"), &number));
    assert_int_equal(number, -3);
    assert_false(tow_lytics_int(PART("1.5"), &number));
    assert_false(tow_lytics_int(PART("\"\""), &number));
    assert_false(tow_lytics_int(PART("\""), &number));
    assert_false(tow_lytics_int((struct tow_json_part){NULL, 0}, &number));

    assert_part(tow_lytics_member(PART("{\"a\":1,\"b\":\"x\"}"), "b"), "\"x\"");
    assert_int_equal(tow_lytics_member(PART("{\"a\":null}"), "a").length, 0);
    assert_int_equal(tow_lytics_member(PART("[1]"), "a").length, 0);
    assert_int_equal(tow_lytics_member((struct tow_json_part){NULL, 0}, "a").length, 0);

    assert_ok(tow_lytics_copy(small, sizeof small, PART("\"abc\""), "a name", &err), err);
    assert_string_equal(small, "abc");
    assert_int_equal(tow_lytics_copy(small, sizeof small, PART("\"abcd\""), "a name", &err),
                     TOW_E_ENV);
    assert_says(err, "a name of more than 3 bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_token_goes_raw_into_the_header_and_never_into_the_url),
        TEST(test_the_account_goes_along_and_arguments_are_encoded),
        TEST(test_a_path_of_the_url_stays_in_front),
        TEST(test_settings_that_cannot_be_are_named),
        TEST(test_both_envelopes_are_read),
        TEST(test_what_an_answer_left_is_gone_with_the_next),
        TEST(test_refusals_of_both_versions_have_their_class),
        TEST(test_a_success_that_is_none_is_judged_by_what_it_says),
        TEST(test_a_429_without_retry_after_says_how_long_to_wait),
        TEST(test_a_token_that_comes_back_is_not_shown),
        TEST(test_answers_have_a_limit_in_bytes_and_in_depth),
        TEST(test_an_exchange_that_breaks_says_what_it_was_for),
        TEST(test_a_call_ends_when_it_is_cancelled),
        cmocka_unit_test(test_parts_of_answers_are_read_whatever_their_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
