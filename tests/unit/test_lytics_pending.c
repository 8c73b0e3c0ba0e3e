/* Calls of the Lytics API beside others, and the scan of an audience by them. */
#include <unistd.h>

#include "connectors/lytics/query.h"
#include "lytics_fixture.h"

static struct tow_lytics_pending *start(struct api *api, const char *path)
{
    const struct tow_lytics_call call = {.what = "asking", .path = path};
    struct tow_lytics_pending *pending = tow_lytics_start(api->lytics, &call, &api->err);

    if (!pending)
        fail_msg("%s", api->err.message);
    return pending;
}

static void wait_for(struct api *api, const struct tow_lytics_pending *pending)
{
    for (int i = 0; i < 100 && !tow_lytics_ended(pending); i++)
        assert_ok(tow_lytics_wait(api->lytics, 1000, &api->err), api->err);
    assert_true(tow_lytics_ended(pending));
}

static int finish(struct api *api, struct tow_lytics_pending *pending)
{
    wait_for(api, pending);
    return tow_lytics_finish(pending, &api->answer, &api->err);
}

static void test_calls_are_answered_in_any_order(void **state)
{
    struct api *api = *state;
    struct tow_lytics_pending *one, *other;

    api_reply(api, 200, "{\"data\":[1]}");
    api_reply(api, 200, "{\"data\":[1]}");
    one = start(api, "/v2/one");
    other = start(api, "/v2/other");
    assert_ok(finish(api, other), api->err);
    assert_int_equal(api->answer.data.length, 3);
    assert_ok(finish(api, one), api->err);
    assert_told(api, 0, "Authorization", LYTICS_TOKEN);
    assert_told(api, 1, "Authorization", LYTICS_TOKEN);
}

static void test_a_refusal_is_judged_as_that_of_any_call(void **state)
{
    struct api *api = *state;

    api_reply(api, 429, "{\"status\":429,\"message\":\"slow down\"}");
    assert_fails(api, finish(api, start(api, "/v2/one")), TOW_E_RATE, "asking: HTTP 429");
    api_reply(api, 401, "{\"status\":401,\"message\":\"Expired Token\"}");
    assert_fails(api, finish(api, start(api, "/v2/one")), TOW_E_AUTH, "Expired Token");
}

static void test_a_call_is_broken_off_without_an_answer(void **state)
{
    struct api *api = *state;

    api_reply(api, 200, "{}");
    assert_int_equal(tow_lytics_finish(start(api, "/v2/one"), NULL, NULL), TOW_E_CANCELLED);
}

static void test_a_stop_ends_the_wait(void **state)
{
    struct api *api = *state;
    const uint64_t one = 1;
    struct tow_lytics_pending *pending = start(api, "/v2/one");
    int code = TOW_OK;

    assert_int_equal(write(api->cancel, &one, sizeof one), sizeof one);
    for (int i = 0; i < 10 && code == TOW_OK && !tow_lytics_ended(pending); i++)
        code = tow_lytics_wait(api->lytics, 1000, &api->err);
    assert_int_equal(code, TOW_E_CANCELLED);
    (void)tow_lytics_finish(pending, NULL, NULL);
}

static int scan(struct api *api, const char *token)
{
    static const char *const fields[] = {"a", "b c"};
    const struct tow_lytics_scan asked = {.segment = "v/ip",
                                          .start = token,
                                          .fields = fields,
                                          .field_count = 2,
                                          .splits = "0,50",
                                          .with_segments = 1};
    struct tow_lytics_pending *pending = tow_lytics_scan_start(api->lytics, &asked, &api->err);

    assert_non_null(pending);
    wait_for(api, pending);
    return tow_lytics_scan_finish(pending, token != NULL, &api->answer, &api->err);
}

static void test_a_page_of_a_scan_may_be_under_way(void **state)
{
    struct api *api = *state;

    api_reply(api, 200, "{\"data\":[{\"a\":1}],\"_next\":\"t2\",\"status\":200,\"total\":7}");
    assert_ok(scan(api, NULL), api->err);
    assert_asked(api, 0,
                 "GET /api/segment/v%2Fip/scan?limit=100&fields=a%2Cb%20c&splits=0%2C50&segments="
                 "true");
    assert_string_equal(api->answer.next.data, "t2");
    assert_int_equal(api->answer.is_stale, 0);
}

static void test_a_token_that_is_refused_is_stale_and_a_first_page_is_not(void **state)
{
    struct api *api = *state;

    api_reply(api, 400, "{\"status\":400,\"message\":\"the token has expired\"}");
    assert_fails(api, scan(api, "t2"), TOW_E_TRANSIENT, "the scan begins anew");
    assert_int_equal(api->answer.is_stale, 1);
    api_reply(api, 400, "{\"status\":400,\"message\":\"no such field\"}");
    assert_fails(api, scan(api, NULL), TOW_E_CONFIG, "no such field");
    assert_int_equal(api->answer.is_stale, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls_are_answered_in_any_order, api_setup,
                                        api_teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_is_judged_as_that_of_any_call, api_setup,
                                        api_teardown),
        cmocka_unit_test_setup_teardown(test_a_call_is_broken_off_without_an_answer, api_setup,
                                        api_teardown),
        cmocka_unit_test_setup_teardown(test_a_stop_ends_the_wait, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_a_page_of_a_scan_may_be_under_way, api_setup,
                                        api_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_token_that_is_refused_is_stale_and_a_first_page_is_not, api_setup, api_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
