/* connectors/ttd: what answers say of the items of a request. */
#include "connectors/ttd/answer.h"
#include "unit.h"

#define SECRET "tok-123"

struct reading {
    struct tow_ttd_answer answer;
    struct tow_error err;
    int code;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct reading));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct reading *reading = *state;

    tow_ttd_answer_release(&reading->answer);
    free(reading);
    return 0;
}

/* The answer to a request of three items. */
static void read_as(struct reading *reading, int status, const char *type, const char *body)
{
    struct tow_http_response response = {.status = status, .retry_after_ms = -1};

    reading->err = (struct tow_error)TOW_ERROR_INIT;
    response.body.data = (char *)(uintptr_t)body;
    response.body.size = body ? strlen(body) : 0;
    snprintf(response.content_type, sizeof response.content_type, "%s", type);
    if (status == 429)
        response.retry_after_ms = 7000;
    reading->code = tow_ttd_answer_read(&reading->answer, &response, 3, SECRET, &reading->err);
}

static void read_json(struct reading *reading, int status, const char *body)
{
    read_as(reading, status, "application/json", body);
}

/* An item's failure: "code|message", or "" where it is accepted. */
static const char *failure_of(const struct reading *reading, int64_t item)
{
    static char text[16384];
    const struct tow_ttd_answer *answer = &reading->answer;
    const struct tow_ttd_failure *failure = tow_ttd_answer_failure(answer, item);

    if (!failure)
        return "";
    snprintf(text, sizeof text, "%s|%s", tow_ttd_failure_code(answer, failure),
             tow_ttd_failure_message(answer, failure));
    return text;
}

/* What is said of the three items. */
static void items_are(const struct reading *reading, const char *first, const char *second,
                      const char *third)
{
    assert_string_equal(failure_of(reading, 1), first);
    assert_string_equal(failure_of(reading, 2), second);
    assert_string_equal(failure_of(reading, 3), third);
}

/* ---- taken ---------------------------------------------------------------------------------- */

static void test_an_answer_without_failed_lines_accepts_all(void **state)
{
    static const char *const bodies[] = {
        "{\"FailedLines\":null}", "{\"FailedLines\":[]}",           "{}", "null", "", " \r\n", NULL,
        "{\"ProcessedLines\":3}", "\"{\\\"FailedLines\\\":null}\"",
    };
    static const int statuses[] = {200, 201, 202, 204, 240};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t s = 0; s < sizeof statuses / sizeof *statuses; s++) {
            struct reading *reading = *state;

            read_as(reading, statuses[s], i % 2 ? "" : "text/plain", bodies[i]);
            assert_ok(reading->code, reading->err);
            items_are(reading, "", "", "");
        }
}

static void test_failed_lines_name_items_by_text_or_number(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m1\",\"ItemNumber\":\"1\"},"
              "{\"ItemNumber\":3,\"Foo\":[{}],\"Message\":\"m3\",\"ErrorCode\":\"B\"}],\"X\":1}");
    assert_ok(reading->code, reading->err);
    items_are(reading, "A|m1", "", "B|m3");
    read_json(
        reading, 200,
        "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m\",\"ItemNumber\":\" #2 \"}]}");
    items_are(reading, "", "A|m", "");
}

static void test_the_message_names_the_item_where_nothing_else_does(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"bad id in ITEM #2, sorry\"},"
              "{\"ErrorCode\":\"B\",\"Message\":\"item #3\",\"ItemNumber\":\"\"}]}");
    assert_ok(reading->code, reading->err);
    items_are(reading, "", "A|bad id in ITEM #2, sorry", "B|item #3");
}

static void test_several_lines_of_an_item_are_told_together(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m1\",\"ItemNumber\":\"2\"},"
              "{\"ErrorCode\":\"B\",\"Message\":\"m2\",\"ItemNumber\":\"2\"}]}");
    items_are(reading, "", "B|m1; m2", "");
}

static void test_a_thousand_lines_of_an_item_are_told_in_part(void **state)
{
    struct reading *reading = *state;
    struct tow_buffer body = {0};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_buffer_printf(&body, &err, "{\"FailedLines\":["), err);
    for (int i = 0; i < 1000; i++)
        assert_ok(tow_buffer_printf(&body, &err, "%s{\"Message\":\"m%d\",\"ItemNumber\":1}",
                                    i ? "," : "", i),
                  err);
    assert_ok(tow_buffer_append(&body, "]}", 3, &err), err);
    read_json(reading, 200, body.data);
    tow_buffer_release(&body);
    items_are(reading, "Unknown|m0; m1; m2; m3; m4; m5; m6; m7", "", "");
}

static void test_a_line_of_no_item_stands_for_all_without_their_own(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"bad\",\"ItemNumber\":\"3\"},"
              "{\"ErrorCode\":\"Unknown\",\"Message\":\"general\",\"ItemNumber\":null}]}");
    assert_ok(reading->code, reading->err);
    items_are(reading, "Unknown|general", "Unknown|general", "A|bad");
}

static void test_an_item_that_there_is_not_is_no_item(void **state)
{
    static const char *const numbers[] = {"\"0\"", "\"4\"", "-1",   "99999999999999999999",
                                          "1.5",   "true",  "\"\"", "\"1x\"",
                                          "{}",    "[1]"};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct reading *reading = *state;
        char body[128];

        snprintf(body, sizeof body,
                 "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m\",\"ItemNumber\":%s}]}",
                 numbers[i]);
        read_json(reading, 200, body);
        assert_ok(reading->code, reading->err);
        items_are(reading, "A|m", "A|m", "A|m");
    }
}

static void test_what_a_line_lacks_is_made_up_for(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":null,\"ItemNumber\":\"1\"},"
              "{\"Message\":\"\",\"ErrorCode\":\"\",\"ItemNumber\":\"2\"},7]}");
    assert_ok(reading->code, reading->err);
    items_are(reading, "Unknown|The Trade Desk refused it without a message",
              "Unknown|The Trade Desk refused it without a message", "Unknown|7");
}

static void test_the_next_answer_knows_nothing_of_the_last_one(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 200, "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"ItemNumber\":\"2\"},{}]}");
    assert_string_not_equal(failure_of(reading, 1), "");
    read_json(reading, 500, "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"ItemNumber\":\"2\"},{}]}");
    read_json(reading, 200, "{\"FailedLines\":[{\"ErrorCode\":\"B\",\"ItemNumber\":\"3\"}]}");
    items_are(reading, "", "", "B|The Trade Desk refused it without a message");
}

static void test_texts_are_one_line_and_not_endless(void **state)
{
    struct reading *reading = *state;
    char body[9000];
    char *p = body + sprintf(body, "{\"FailedLines\":[{\"ErrorCode\":\"A\\nB\",\"ItemNumber\":1,"
                                   "\"Message\":\"x\\u0000\\t\\u007f\\ud800 ");

    for (int i = 0; i < 4000; i++)
        p = stpcpy(p, "\xc3\xa9");
    strcpy(p, "\"}]}");
    read_json(reading, 200, body);
    assert_ok(reading->code, reading->err);
    const char *text = failure_of(reading, 1);
    assert_memory_equal(text, "A B|x\\u0000", 4);
    assert_null(strchr(text, '\n'));
    assert_true(strlen(text) <= 4 + 1000 && strlen(text) >= 4 + 998);
}

static void test_what_is_no_answer_of_the_api_accepts_nothing(void **state)
{
    static const char *const bodies[] = {"<html><title>Sign in</title></html>",
                                         "OK",
                                         "\"fine\"",
                                         "[]",
                                         "true",
                                         "{\"FailedLines\":{}}",
                                         "{\"FailedLines\":\"none\"}",
                                         "{\"FailedLines\":null"};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reading *reading = *state;

        read_as(reading, 200, i ? "text/plain" : "text/html", bodies[i]);
        assert_int_equal(reading->code, TOW_E_ENV);
        assert_says(reading->err, "that is no answer of The Trade Desk's Data API");
        items_are(reading, "", "", "");
    }
}

/* ---- not taken ------------------------------------------------------------------------------ */

static void test_a_400_or_429_that_names_items_leaves_the_others(void **state)
{
    struct reading *reading = *state;
    static const char body[] =
        "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"Message\":\"m\",\"ItemNumber\":\"1\"}]}";

    read_json(reading, 400, body);
    assert_int_equal(reading->code, TOW_E_TRANSIENT);
    assert_int_equal(reading->err.retry_after_ms, 0);
    assert_int_equal(reading->answer.named, 1);
    items_are(reading, "A|m", "", "");
    read_json(reading, 429, body);
    assert_int_equal(reading->code, TOW_E_RATE);
    assert_int_equal(reading->err.retry_after_ms, 7000);
    items_are(reading, "A|m", "", "");
}

static void test_other_statuses_refuse_no_item(void **state)
{
    static const int statuses[] = {500, 503, 401, 403, 404, 302};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct reading *reading = *state;

        read_json(reading, statuses[i],
                  "{\"FailedLines\":[{\"ErrorCode\":\"A\",\"ItemNumber\":\"1\"}]}");
        assert_int_not_equal(reading->code, TOW_OK);
        items_are(reading, "", "", "");
    }
}

static void test_a_line_of_no_item_is_the_reason_of_a_refusal(void **state)
{
    struct reading *reading = *state;

    read_json(reading, 400,
              "{\"FailedLines\":[{\"ErrorCode\":\"InvalidDataOwnerId\","
              "\"Message\":\"no such advertiser\"}]}");
    assert_int_equal(reading->code, TOW_E_CONFIG);
    assert_says(reading->err, "The Trade Desk: HTTP 400: InvalidDataOwnerId: no such advertiser");
    items_are(reading, "", "", "");
}

static void test_statuses_have_classes(void **state)
{
    static const struct {
        int status, class;
        const char *words;
    } all[] = {
        {400, TOW_E_CONFIG, "HTTP 400: boom"},
        {401, TOW_E_AUTH, "HTTP 401: boom (is the token still good"},
        {403, TOW_E_AUTH, "HTTP 403: boom (is the token still good"},
        {404, TOW_E_CONFIG, "HTTP 404: boom"},
        {408, TOW_E_TRANSIENT, "HTTP 408: boom"},
        {413, TOW_E_DATA, "HTTP 413: boom"},
        {429, TOW_E_RATE, "HTTP 429: boom"},
        {301, TOW_E_CONFIG, "HTTP 301: boom (redirects are refused"},
        {307, TOW_E_CONFIG, "HTTP 307: boom (redirects are refused"},
        {500, TOW_E_TRANSIENT, "HTTP 500: boom"},
        {501, TOW_E_TRANSIENT, "HTTP 501: boom"},
        {503, TOW_E_TRANSIENT, "HTTP 503: boom"},
        {520, TOW_E_TRANSIENT, "HTTP 520: boom"},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reading *reading = *state;

        read_as(reading, all[i].status, "text/plain", "boom");
        assert_int_equal(reading->code, all[i].class);
        assert_says(reading->err, all[i].words);
        assert_int_equal(reading->answer.is_too_large, all[i].status == 413);
    }
}

static void test_reasons_are_found_in_every_shape(void **state)
{
    static const struct {
        const char *body, *words;
    } all[] = {
        {"Items attribute must be a non-empty list.",
         "HTTP 400: Items attribute must be a non-empty list."},
        {"\"Forbidden\"", "HTTP 400: Forbidden"},
        {"{\"message\": \"Invalid merchant\"}", "HTTP 400: Invalid merchant"},
        {"{\"Message\":\"no rights\",\"ErrorCode\":\"IncorrectPermissions\"}",
         "HTTP 400: IncorrectPermissions: no rights"},
        {"{\"ErrorCode\":\"MissingData\"}", "HTTP 400: MissingData"},
        {"<html><head><title>Bad gateway</title></head></html>", "HTTP 400: Bad gateway"},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reading *reading = *state;

        read_as(reading, 400, "text/plain", all[i].body);
        assert_int_equal(reading->code, TOW_E_CONFIG);
        assert_says(reading->err, all[i].words);
    }
}

static void test_nothing_said_is_no_reason(void **state)
{
    static const char *const bodies[] = {"", NULL, "null", "{\"FailedLines\":[]}", "{}"};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reading *reading = *state;

        read_json(reading, 400, bodies[i]);
        assert_int_equal(reading->code, TOW_E_CONFIG);
        assert_string_equal(reading->err.message, "The Trade Desk: HTTP 400");
    }
}

static void test_a_503_with_retry_after_is_a_limit_of_rate(void **state)
{
    struct reading *reading = *state;
    struct tow_http_response response = {.status = 503, .retry_after_ms = 3000};

    reading->err = (struct tow_error)TOW_ERROR_INIT;
    assert_int_equal(tow_ttd_answer_read(&reading->answer, &response, 3, SECRET, &reading->err),
                     TOW_E_RATE);
    assert_int_equal(reading->err.retry_after_ms, 3000);
}

/* ---- secrets -------------------------------------------------------------------------------- */

static void test_a_token_that_comes_back_is_blanked_out(void **state)
{
    struct reading *reading = *state;

    read_as(reading, 401, "text/plain", "token tok-123tok-123 is unknown");
    assert_says(reading->err, "token ************** is unknown");
    read_json(reading, 200,
              "{\"FailedLines\":[{\"ErrorCode\":\"tok-123\",\"ItemNumber\":1,"
              "\"Message\":\"by tok\\u002d123\"}]}");
    assert_string_equal(failure_of(reading, 1), "*******|by *******");
    read_as(reading, 200, "text/plain", "tok-123");
    assert_null(strstr(reading->err.message, SECRET));
}

int main(void)
{
#define ANSWER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ANSWER_TEST(test_an_answer_without_failed_lines_accepts_all),
        ANSWER_TEST(test_failed_lines_name_items_by_text_or_number),
        ANSWER_TEST(test_the_message_names_the_item_where_nothing_else_does),
        ANSWER_TEST(test_several_lines_of_an_item_are_told_together),
        ANSWER_TEST(test_a_thousand_lines_of_an_item_are_told_in_part),
        ANSWER_TEST(test_a_line_of_no_item_stands_for_all_without_their_own),
        ANSWER_TEST(test_an_item_that_there_is_not_is_no_item),
        ANSWER_TEST(test_what_a_line_lacks_is_made_up_for),
        ANSWER_TEST(test_the_next_answer_knows_nothing_of_the_last_one),
        ANSWER_TEST(test_texts_are_one_line_and_not_endless),
        ANSWER_TEST(test_what_is_no_answer_of_the_api_accepts_nothing),
        ANSWER_TEST(test_a_400_or_429_that_names_items_leaves_the_others),
        ANSWER_TEST(test_other_statuses_refuse_no_item),
        ANSWER_TEST(test_a_line_of_no_item_is_the_reason_of_a_refusal),
        ANSWER_TEST(test_statuses_have_classes),
        ANSWER_TEST(test_reasons_are_found_in_every_shape),
        ANSWER_TEST(test_nothing_said_is_no_reason),
        ANSWER_TEST(test_a_503_with_retry_after_is_a_limit_of_rate),
        ANSWER_TEST(test_a_token_that_comes_back_is_blanked_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
