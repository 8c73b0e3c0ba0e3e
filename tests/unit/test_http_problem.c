/* connectors/http: what error answers mean, Retry-After, and URLs. */
#include "connectors/http/http_priv.h"
#include "unit.h"

/* An answer whose body is this text. */
static struct tow_http_response answer(int status, const char *body)
{
    struct tow_http_response response = {
        .status = status, .content_length = -1, .retry_after_ms = -1};

    response.body = (struct tow_buffer){.data = (char *)(uintptr_t)body, .size = strlen(body)};
    return response;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

struct shape {
    const char *body, *code, *message;
};

static void assert_shapes(const struct shape *shapes, size_t count, int is_html)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct tow_http_response response = answer(400, shapes[i].body);
        struct tow_http_problem problem;

        tow_http_problem(&response, &problem);
        if (strcmp(problem.code, shapes[i].code) != 0 ||
            strcmp(problem.message, shapes[i].message) != 0 || problem.is_html != is_html)
            fail_msg("%s: code \"%s\", message \"%s\", is_html %d", shapes[i].body, problem.code,
                     problem.message, problem.is_html);
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_json_of_every_shape_is_understood(void **state)
{
    static const struct shape shapes[] = {
        {"{\"error_code\":\"INVALID_STATE\",\"message\":\"no\",\"details\":[]}", "INVALID_STATE",
         "no"},
        {"{\"error_code\":403,\"message\":\"Invalid access token.\"}", "403",
         "Invalid access token."},
        {"{\"error\":\"invalid_client\",\"error_description\":\"bad secret\"}", "invalid_client",
         "bad secret"},
        {"{\"error\":\"Not Found\"}", "", "Not Found"},
        {"{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
         "RESOURCE_EXHAUSTED", "slow"},
        {"{\"error\":{\"message\":\"only this\"}}", "", "only this"},
        {"{\"errorCode\":\"E0000047\",\"errorSummary\":\"limit\"}", "E0000047", "limit"},
        {"{\"Message\":\"Invalid token\",\"ErrorCode\":\"InvalidToken\"}", "InvalidToken",
         "Invalid token"},
        {"{\"type\":\"about:blank\",\"title\":\"Busy\",\"status\":503}", "", "Busy"},
        {"{\"errors\":[{\"code\":\"a\",\"message\":\"first\"},{\"message\":\"second\"}]}", "a",
         "first"},
        {"[{\"message\":\"in an array\"}]", "", "in an array"},
        {"\"Request too large\"", "", "Request too large"},
        {" \r\n\t{\"message\":\"behind blanks\"}", "", "behind blanks"},
        {"\xEF\xBB\xBF{\"message\":\"behind a mark\"}", "", "behind a mark"},
        {"{\"message\":\"one\\nline\\u0000\\u001b[31m \\u0085 h\\u00e9\"}", "",
         "one line [31m h\xC3\xA9"},
        {"{\"message\":\"\",\"detail\":\"the next one\"}", "", "the next one"},
        {"{\"message\":null,\"error_code\":true}", "", ""},
        {"{}", "", ""},
        {"[]", "", ""},
        {"null", "", "null"},
        {"{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"message\":\"deep\"}}}}}}", "",
         ""},
    };

    (void)state;
    assert_shapes(shapes, COUNT(shapes), 0);
}

static void test_text_and_xml_are_understood(void **state)
{
    static const struct shape shapes[] = {
        {"", "", ""},
        {"   \n", "", ""},
        {"PERMISSION_DENIED: you may not", "PERMISSION_DENIED", "you may not"},
        {"E42: x", "E42", "x"},
        {"UPPER CASE: x", "", "UPPER CASE: x"},
        {"http: x", "", "http: x"},
        {"ABC:x", "", "ABC:x"},
        {"ABC:", "", "ABC:"},
        {"  just\r\n text \xFF\xFE here", "", "just text ?? here"},
        {"{\"message\": \"cut of", "", "{\"message\": \"cut of"},
        {"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Request has\nexpired"
         "</Message></Error>",
         "AccessDenied", "Request has expired"},
        {"<Error><Code>never closed", "", ""},
    };

    (void)state;
    assert_shapes(shapes, COUNT(shapes), 0);
}

static void test_pages_are_known_as_such(void **state)
{
    static const struct shape shapes[] = {
        {"<!DOCTYPE html>\n<html><head><title id=x>\n 502 Bad  Gateway</title></head>", "",
         "502 Bad Gateway"},
        {"<HTML><body><H1>Please log in</H1></body></HTML>", "", "Please log in"},
        {"<html><title></title><h1>Second</h1>", "", "Second"},
        {"<html>nothing to see", "", ""},
        {"<html><title>never closed", "", ""},
    };
    struct tow_http_response response = answer(503, "proxy says no");
    struct tow_http_problem problem;

    (void)state;
    assert_shapes(shapes, COUNT(shapes), 1);
    snprintf(response.content_type, sizeof response.content_type, "Text/HTML; charset=utf-8");
    tow_http_problem(&response, &problem);
    assert_int_equal(problem.is_html, 1);
}

static void test_long_words_are_cut_at_a_character(void **state)
{
    char body[3000];
    struct tow_http_problem problem;
    struct tow_http_response response;
    size_t i;

    (void)state;
    for (i = 0; i + 3 < sizeof body; i += 2)
        memcpy(body + i, "\xC3\xA9", 2);
    body[i] = '\0';
    response = answer(400, body);
    tow_http_problem(&response, &problem);
    assert_int_equal(strlen(problem.message), sizeof problem.message - 2);
}

static void test_a_body_too_large_for_a_message_is_not_parsed(void **state)
{
    const size_t length = 1 << 20;
    char *body = malloc(length + 1);
    struct tow_http_problem problem;
    struct tow_http_response response;

    (void)state;
    assert_non_null(body);
    memset(body, '[', length);
    body[length] = '\0';
    response = answer(400, body);
    tow_http_problem(&response, &problem);
    assert_string_equal(problem.code, "");
    free(body);
}

/* ---- classes --------------------------------------------------------------------------------- */

static void test_each_status_has_its_class(void **state)
{
    static const struct {
        int status, class;
    } known[] = {
        {200, TOW_OK},          {204, TOW_OK},          {206, TOW_OK},          {301, TOW_E_ENV},
        {304, TOW_E_ENV},       {400, TOW_E_CONFIG},    {401, TOW_E_AUTH},      {403, TOW_E_AUTH},
        {404, TOW_E_CONFIG},    {408, TOW_E_TRANSIENT}, {409, TOW_E_CONFIG},    {413, TOW_E_CONFIG},
        {425, TOW_E_TRANSIENT}, {429, TOW_E_RATE},      {500, TOW_E_TRANSIENT}, {501, TOW_E_ENV},
        {502, TOW_E_TRANSIENT}, {503, TOW_E_TRANSIENT}, {504, TOW_E_TRANSIENT}, {505, TOW_E_ENV},
        {0, TOW_E_ENV},         {999, TOW_E_ENV},
    };
    struct tow_http_response busy = answer(503, "");
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(known); i++) {
        struct tow_http_response response = answer(known[i].status, "");

        if (tow_http_class(&response) != known[i].class)
            fail_msg("%d is %s", known[i].status, tow_error_name(tow_http_class(&response)));
    }
    busy.retry_after_ms = 0;
    assert_int_equal(tow_http_class(&busy), TOW_E_RATE);
}

static void assert_refused(struct tow_http_response response, int class, const char *message)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(tow_http_refused(&response, "asking", &err), class);
    assert_int_equal(err.code, class);
    assert_string_equal(err.message, message);
    assert_int_equal(err.retry_after_ms, response.retry_after_ms);
}

static void test_a_refusal_says_what_the_server_said(void **state)
{
    struct tow_http_response response =
        answer(429, "{\"error_code\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"slow down\"}");

    (void)state;
    response.retry_after_ms = 1500;
    assert_refused(response, TOW_E_RATE, "asking: HTTP 429 REQUEST_LIMIT_EXCEEDED: slow down");
    assert_refused(answer(403, "{\"error_code\":403,\"message\":\"Invalid access token.\"}"),
                   TOW_E_AUTH, "asking: HTTP 403: Invalid access token.");
    assert_refused(answer(500, ""), TOW_E_TRANSIENT, "asking: HTTP 500");
    response = answer(401, "");
    snprintf(response.reason, sizeof response.reason, "no token");
    assert_refused(response, TOW_E_AUTH, "asking: HTTP 401: no token");
    assert_refused(answer(502, "<html><title>Bad Gateway</title>"), TOW_E_TRANSIENT,
                   "asking: HTTP 502: Bad Gateway (a web page, as proxies and log-in pages send "
                   "them)");
    assert_refused(
        answer(302, ""), TOW_E_ENV,
        "asking: HTTP 302 (a redirect, which is not followed: is the host's name right?)");
    /* No success comes here; if one does, it is no success. */
    assert_refused(answer(200, "{}"), TOW_E_ENV, "asking: HTTP 200");
    response = answer(500, "x");
    assert_int_equal(tow_http_refused(&response, "asking", NULL), TOW_E_TRANSIENT);
}

/* ---- Retry-After ----------------------------------------------------------------------------- */

static void test_a_wait_is_seconds_or_a_date(void **state)
{
    const time_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const char before[] = "Sun, 06 Nov 1994 08:49:30 GMT";
    static const char then[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const char after[] = "Sun, 06 Nov 1994 08:51:37 GMT";

    (void)state;
    assert_int_equal(tow_http_retry_after("0", "", now), 0);
    assert_int_equal(tow_http_retry_after("120", "", now), 120000);
    assert_int_equal(tow_http_retry_after("0.25", "", now), 250);
    assert_int_equal(tow_http_retry_after("1.9999", "", now), 1999);
    assert_int_equal(tow_http_retry_after(after, "", now), 120000);
    assert_int_equal(tow_http_retry_after(after, before, now), 127000);
    assert_int_equal(tow_http_retry_after(then, after, now), 0);
    assert_int_equal(tow_http_retry_after("Sunday, 06-Nov-94 08:51:37 GMT", "", now), 120000);
    assert_int_equal(tow_http_retry_after("Sun Nov  6 08:51:37 1994", then, now), 120000);
    assert_int_equal(tow_http_retry_after(after, "nonsense", now), 120000);
}

static void test_nonsense_is_no_wait(void **state)
{
    static const char *const nonsense[] = {"",     "-1",  "soon", "1s",     "1.5.5",
                                           "1,5",  "0x9", "1e3",  ";",      "1 2",
                                           "\xFF", "+5",  " 5",   "Sunday", "99:99:99"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(nonsense); i++)
        if (tow_http_retry_after(nonsense[i], "", 784111777) != -1)
            fail_msg("\"%s\" is a wait of %lld", nonsense[i],
                     (long long)tow_http_retry_after(nonsense[i], "", 784111777));
}

static void test_a_wait_is_a_day_at_most(void **state)
{
    const int64_t day = 86400000;

    (void)state;
    assert_int_equal(tow_http_retry_after("86399", "", 0), day - 1000);
    assert_int_equal(tow_http_retry_after("86401", "", 0), day);
    assert_int_equal(tow_http_retry_after("999999999999999999999999999999999", "", 0), day);
    assert_int_equal(tow_http_retry_after("9999999999999999999.9999999999999999999", "", 0), day);
    assert_int_equal(tow_http_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", "", 784111777), day);
}

/* ---- URLs ------------------------------------------------------------------------------------ */

static void test_urls_are_https_or_loopback(void **state)
{
    static const char *const good[] = {
        "https://a.example",      "https://a.example:8443/x?y=z", "HTTPS://A.example/",
        "https://[2001:db8::1]/", "http://localhost:1",           "http://LOCALHOST/x",
        "http://127.0.0.1/",      "http://127.255.3.4:80/",       "http://[::1]:8080/x",
        "http://127.1/",          "http://0x7f000001/",           "https://xn--bcher-kva.example/",
    };
    static const char *const bad[] = {
        "http://a.example",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "http://128.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[2001:db8::1]/",
        "http://1270.0.0.1/",
        "http://localhost.:1/",
        "http://127.0.0.1@a.example/",
        "https://u@a.example",
        "https://u:p@a.example/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",

        "https://",
        "//a.example/",
        "a.example",
        "https://a.example:99999/",
        "https://a b/",
        "https://a.example/\n",
        "http://0.0.0.0/",
        "",
        "https://a.example/\xC3\xA9",
        "gopher://localhost/",
    };
    struct tow_error err = TOW_ERROR_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++)
        if (tow_http_check_url(good[i], &err) != TOW_OK)
            fail_msg("%s: %s", good[i], err.message);
    for (i = 0; i < COUNT(bad); i++)
        if (tow_http_check_url(bad[i], &err) != TOW_E_CONFIG)
            fail_msg("%s is taken", bad[i]);
}

static void test_text_is_encoded_by_rfc_3986(void **state)
{
    static const char text[] = "a/B-9_.~ %+&=?#\xC3\xA9\0z";
    struct tow_buffer out = {NULL, 0, 0};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_ok(tow_http_encode(&out, text, sizeof text - 1, 0, &err), err);
    assert_ok(tow_buffer_append(&out, "|", 1, &err), err);
    assert_ok(tow_http_encode(&out, "a/b c", 5, 1, &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    assert_string_equal(out.data, "a%2FB-9_.~%20%25%2B%26%3D%3F%23%C3%A9%00z|a/b%20c");
    tow_buffer_release(&out);
    assert_int_equal(tow_http_encode(&out, "", SIZE_MAX, 0, &err), TOW_E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_of_every_shape_is_understood),
        cmocka_unit_test(test_text_and_xml_are_understood),
        cmocka_unit_test(test_pages_are_known_as_such),
        cmocka_unit_test(test_long_words_are_cut_at_a_character),
        cmocka_unit_test(test_a_body_too_large_for_a_message_is_not_parsed),
        cmocka_unit_test(test_each_status_has_its_class),
        cmocka_unit_test(test_a_refusal_says_what_the_server_said),
        cmocka_unit_test(test_a_wait_is_seconds_or_a_date),
        cmocka_unit_test(test_nonsense_is_no_wait),
        cmocka_unit_test(test_a_wait_is_a_day_at_most),
        cmocka_unit_test(test_urls_are_https_or_loopback),
        cmocka_unit_test(test_text_is_encoded_by_rfc_3986),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
