/* Who may ask the daemon what. */
#include "unit.h"

#include "daemon/web_guard.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        int family, port, loopback;
    } good[] = {
        {"127.0.0.1:9477", AF_INET, 9477, 1}, {"127.9.9.9:0", AF_INET, 0, 1},
        {"localhost:80", AF_INET, 80, 1},     {"0.0.0.0:65535", AF_INET, 65535, 0},
        {"192.0.2.7:1", AF_INET, 1, 0},       {"[::1]:9477", AF_INET6, 9477, 1},
        {"[::]:9477", AF_INET6, 9477, 0},     {"[2001:db8::1]:2", AF_INET6, 2, 0},
    };
    static const char *const bad[] = {
        "",           ":",           ":80",         "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:x", "1.2.3:4",     "127.0.0.1:-1",
        "::1:80",     "[::1]",       "[::1]:65536", "[::1:80",
        "[]:80",      "example:80",  "[1.2.3.4]:5", "127.0.0.1:80 ",
    };
    struct tow_web_address address;
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(tow_web_parse(good[i].text, &address, &err), err);
        assert_int_equal(address.address.any.sa_family, good[i].family);
        assert_int_equal(address.loopback, good[i].loopback);
        assert_int_equal(ntohs(good[i].family == AF_INET ? address.address.v4.sin_port
                                                         : address.address.v6.sin6_port),
                         good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tow_web_parse(bad[i], &address, &err) != TOW_E_CONFIG)
            fail_msg("\"%s\" is taken for an address", bad[i]);
        assert_says(err, "is no address such as");
    }
}

static void test_a_token_is_the_same_or_it_is_not(void **state)
{
    (void)state;
    assert_true(tow_web_same("abc", "abc"));
    assert_true(tow_web_same("", ""));
    assert_false(tow_web_same("", "abc"));
    assert_false(tow_web_same("abc", ""));
    assert_false(tow_web_same("ab", "abc"));
    assert_false(tow_web_same("abcd", "abc"));
    assert_false(tow_web_same("abcabc", "abc"));
    assert_false(tow_web_same("abd", "abc"));
    assert_false(tow_web_same("Abc", "abc"));
}

static int guard(struct tow_web_request request, const char *token)
{
    const char *why;
    int status = tow_web_guard(&request, token, &why);

    assert_int_equal(status == 200, why == NULL);
    return status;
}

static void test_without_a_token_the_host_must_be_this_machine(void **state)
{
    static const char *const good[] = {"localhost",   "localhost:1", "LocalHost", "127.0.0.1",
                                       "127.0.0.1:9", "[::1]",       "[::1]:9"};
    static const char *const bad[] = {"",
                                      "example",
                                      "localhost.example",
                                      "xlocalhost",
                                      "127.0.0.1.example",
                                      "[::1]x",
                                      "[::2]",
                                      "[::1",
                                      "128.0.0.1",
                                      "127.0.0.1x:80",
                                      "0x7f.1"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(guard((struct tow_web_request){.host = good[i]}, NULL), 200);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (guard((struct tow_web_request){.host = bad[i]}, NULL) != 403)
            fail_msg("\"%s\" is taken for this machine", bad[i]);
    assert_int_equal(guard((struct tow_web_request){.host = NULL}, NULL), 403);
    assert_int_equal(guard((struct tow_web_request){.open = 1, .host = "example"}, NULL), 200);
}

static void test_with_a_token_it_is_asked_for(void **state)
{
    const struct tow_web_request none = {.host = "example"};

    (void)state;
    assert_int_equal(guard(none, "t"), 401);
    assert_int_equal(guard((struct tow_web_request){.authorization = "t"}, "t"), 401);
    assert_int_equal(guard((struct tow_web_request){.authorization = "Bearer tt"}, "t"), 401);
    assert_int_equal(guard((struct tow_web_request){.authorization = "Bearer "}, "t"), 401);
    assert_int_equal(guard((struct tow_web_request){.authorization = "bearer t"}, "t"), 200);
    assert_int_equal(guard((struct tow_web_request){.open = 1}, "t"), 200);
}

static void test_browsers_start_nothing(void **state)
{
    static const char *const local = "localhost";

    (void)state;
    assert_int_equal(guard((struct tow_web_request){.post = 1, .host = local}, NULL), 200);
    assert_int_equal(
        guard((struct tow_web_request){.post = 1, .host = local, .origin = "http://localhost"},
              NULL),
        403);
    assert_int_equal(
        guard((struct tow_web_request){.post = 1, .host = local, .fetch_site = "cross-site"}, NULL),
        403);
    assert_int_equal(
        guard((struct tow_web_request){.post = 1, .host = local, .fetch_site = "none"}, NULL), 200);
    assert_int_equal(guard((struct tow_web_request){.host = local, .origin = "http://x"}, NULL),
                     200);
    assert_int_equal(
        guard(
            (struct tow_web_request){.post = 1, .authorization = "Bearer t", .origin = "http://x"},
            "t"),
        403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_a_token_is_the_same_or_it_is_not),
        cmocka_unit_test(test_without_a_token_the_host_must_be_this_machine),
        cmocka_unit_test(test_with_a_token_it_is_asked_for),
        cmocka_unit_test(test_browsers_start_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
