/* connectors/s3: settings, requests, and what the far end says. */
#include <unistd.h>

#include "certificates.h"
#include "connectors/s3/s3.h"
#include "connectors/s3/settings.h"
#include "http_fixture.h"
#include "scratch.h"
#include "sigv4_verifier.h"

struct fixture {
    struct http_server *server;
    struct tow_s3 *s3;
    struct tow_error err;
    int fd;
};

static const struct sigv4_expected expected = {"AKID", "very/secret+key", "eu-west-1",
                                               "a/token+=="};

static void clean_environment(void)
{
    static const char *const names[] = {"AWS_REGION",        "AWS_DEFAULT_REGION",
                                        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"};
    size_t i;

    http_fixture_clean_environment();
    for (i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tow_s3_settings settings = {.bucket = "my-bucket",
                                       .region = "eu-west-1",
                                       .access_key = expected.access_key,
                                       .secret_key = expected.secret_key,
                                       .session_token = expected.token};

    clean_environment();
    assert_non_null(fixture);
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    fixture->server = http_server_new(NULL);
    settings.endpoint = http_server_base(fixture->server);
    fixture->s3 = tow_s3_new(&settings, -1, &fixture->err);
    if (!fixture->s3)
        fail_msg("%s", fixture->err.message);
    fixture->fd = http_fixture_file("rows", 4);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    assert_null(strstr(fixture->err.message, expected.secret_key));
    assert_null(strstr(fixture->err.message, expected.token));
    tow_s3_free(fixture->s3);
    http_server_free(fixture->server);
    close(fixture->fd);
    free(fixture);
    clean_environment();
    return 0;
}

static void answers(struct fixture *fixture, int status, const char *body)
{
    http_server_reply(fixture->server,
                      (struct http_reply){.status = status,
                                          .body = body,
                                          .headers = "Content-Type: application/xml\r\n"});
}

/* ---- requests -------------------------------------------------------------------------------- */

static void test_an_object_is_put_signed(void **state)
{
    struct fixture *fixture = *state;
    const struct http_seen *seen;

    answers(fixture, 200, "");
    assert_ok(tow_s3_put(fixture->s3, "load/2024/part 1+é.csv.gz", fixture->fd, 4, &fixture->err),
              fixture->err);
    seen = http_server_seen(fixture->server, 0);
    assert_string_equal(seen->method, "PUT");
    assert_string_equal(seen->target, "/my-bucket/load/2024/part%201%2B%C3%A9.csv.gz");
    assert_string_equal(seen->body, "rows");
    assert_signed(seen, &expected);
}

static void test_keys_with_any_characters_are_put_signed(void **state)
{
    static const char *const keys[] = {
        "a=b",       "a&b?c#d",          "a//b",      "a/../b", "..", "100%", "a%2Fb",
        "~-._!*'()", "\xF0\x9F\x98\x80", "tab\there", "end/"};
    struct fixture *fixture = *state;
    size_t i;

    for (i = 0; i < sizeof keys / sizeof *keys; i++) {
        answers(fixture, 200, "");
        assert_ok(tow_s3_put(fixture->s3, keys[i], fixture->fd, 4, &fixture->err), fixture->err);
        assert_signed(http_server_seen(fixture->server, i), &expected);
    }
    assert_string_equal(http_server_seen(fixture->server, 3)->target, "/my-bucket/a/../b");
    assert_string_equal(http_server_seen(fixture->server, 6)->target, "/my-bucket/a%252Fb");
}

static void test_an_empty_object_is_put(void **state)
{
    struct fixture *fixture = *state;

    answers(fixture, 200, "");
    assert_ok(tow_s3_put(fixture->s3, "empty", fixture->fd, 0, &fixture->err), fixture->err);
    assert_header(http_server_seen(fixture->server, 0), "Content-Length", "0");
    assert_signed(http_server_seen(fixture->server, 0), &expected);
}

static void test_an_object_is_removed_signed(void **state)
{
    struct fixture *fixture = *state;

    answers(fixture, 204, NULL);
    assert_ok(tow_s3_remove(fixture->s3, "load/x", &fixture->err), fixture->err);
    assert_string_equal(http_server_seen(fixture->server, 0)->method, "DELETE");
    assert_string_equal(http_server_seen(fixture->server, 0)->target, "/my-bucket/load/x");
    assert_signed(http_server_seen(fixture->server, 0), &expected);
}

static void test_to_remove_what_is_not_there_is_no_error(void **state)
{
    struct fixture *fixture = *state;

    answers(fixture, 404, "<Error><Code>NoSuchKey</Code></Error>");
    assert_ok(tow_s3_remove(fixture->s3, "x", &fixture->err), fixture->err);
    answers(fixture, 404, "<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>");
    assert_int_equal(tow_s3_remove(fixture->s3, "x", &fixture->err), TOW_E_CONFIG);
    assert_string_equal(fixture->err.message,
                        "DELETE s3://my-bucket/x: HTTP 404 NoSuchBucket: gone");
}

static void test_keys_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char key[1026];

    memset(key, 'k', sizeof key);
    key[1025] = '\0';
    assert_int_equal(tow_s3_put(fixture->s3, "", fixture->fd, 4, &fixture->err), TOW_E_CONFIG);
    assert_int_equal(tow_s3_put(fixture->s3, "/x", fixture->fd, 4, &fixture->err), TOW_E_CONFIG);
    assert_int_equal(tow_s3_remove(fixture->s3, key, &fixture->err), TOW_E_CONFIG);
    assert_says(fixture->err, "1 to 1024 bytes");
    key[1024] = '\0';
    answers(fixture, 204, NULL);
    assert_ok(tow_s3_remove(fixture->s3, key, &fixture->err), fixture->err);
    assert_int_equal(
        tow_s3_put(fixture->s3, "x", fixture->fd, (INT64_C(5) << 30) + 1, &fixture->err),
        TOW_E_CONFIG);
    assert_says(fixture->err, "5 GiB");
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_refusals_have_the_class_of_their_code(void **state)
{
    static const struct {
        int status;
        const char *code;
        int class;
        const char *words;
    } refusals[] = {
        {403, "AccessDenied", TOW_E_AUTH, "HTTP 403 AccessDenied: why"},
        {403, "SignatureDoesNotMatch", TOW_E_AUTH, "SignatureDoesNotMatch"},
        {400, "ExpiredToken", TOW_E_AUTH, "has to be renewed"},
        {403, "RequestTimeTooSkewed", TOW_E_ENV, "clock"},
        {400, "RequestTimeout", TOW_E_TRANSIENT, "why"},
        {503, "SlowDown", TOW_E_RATE, "why"},
        {500, "InternalError", TOW_E_TRANSIENT, "why"},
        {301, "PermanentRedirect", TOW_E_CONFIG, "is the region that of the bucket?"},
        {400, "AuthorizationHeaderMalformed", TOW_E_CONFIG, "is the region that of the bucket?"},
        {400, "EntityTooLarge", TOW_E_CONFIG, "why"},
        {404, "NoSuchBucket", TOW_E_CONFIG, "why"},
    };
    struct fixture *fixture = *state;
    char bodies[sizeof refusals / sizeof *refusals][256];
    size_t i;

    for (i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        snprintf(bodies[i], sizeof bodies[i],
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
                 "<Message>why</Message><RequestId>1</RequestId></Error>",
                 refusals[i].code);
        answers(fixture, refusals[i].status, bodies[i]);
        if (tow_s3_put(fixture->s3, "k", fixture->fd, 4, &fixture->err) != refusals[i].class)
            fail_msg("%s: %s", refusals[i].code, tow_error_name(fixture->err.code));
        assert_says(fixture->err, refusals[i].words);
        assert_says(fixture->err, "PUT s3://my-bucket/k: ");
    }
}

static void test_the_wait_that_s3_asks_for_is_passed_on(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server,
                      (struct http_reply){.status = 503, .headers = "Retry-After: 3\r\n"});
    assert_int_equal(tow_s3_put(fixture->s3, "k", fixture->fd, 4, &fixture->err), TOW_E_RATE);
    assert_int_equal(fixture->err.retry_after_ms, 3000);
}

static void test_a_cut_connection_may_pass(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server, (struct http_reply){.how = HTTP_REPLY_NOTHING});
    assert_int_equal(tow_s3_put(fixture->s3, "k", fixture->fd, 4, &fixture->err), TOW_E_TRANSIENT);
}

/* ---- settings -------------------------------------------------------------------------------- */

static void assert_base(const char *bucket, const char *region, const char *endpoint,
                        const char *base)
{
    const struct tow_s3_settings settings = {.bucket = bucket,
                                             .region = region,
                                             .endpoint = endpoint,
                                             .access_key = "a",
                                             .secret_key = "s"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_s3_place place;

    assert_ok(tow_s3_place_init(&place, &settings, &err), err);
    assert_string_equal(place.base, base);
    tow_s3_place_release(&place);
}

static void test_addresses_are_those_of_aws_or_of_the_endpoint(void **state)
{
    (void)state;
    clean_environment();
    assert_base("my-bucket", "eu-west-1", NULL, "https://my-bucket.s3.eu-west-1.amazonaws.com/");
    assert_base("my.bucket", "eu-west-1", NULL, "https://s3.eu-west-1.amazonaws.com/my.bucket/");
    assert_base("My_Bucket", "eu-west-1", NULL, "https://s3.eu-west-1.amazonaws.com/My_Bucket/");
    assert_base("my-bucket", "cn-north-1", NULL,
                "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/");
    assert_base("my-bucket", NULL, NULL, "https://my-bucket.s3.us-east-1.amazonaws.com/");
    setenv("AWS_DEFAULT_REGION", "eu-north-1", 1);
    assert_base("my-bucket", NULL, "", "https://my-bucket.s3.eu-north-1.amazonaws.com/");
    setenv("AWS_REGION", "ap-south-1", 1);
    assert_base("my-bucket", "", NULL, "https://my-bucket.s3.ap-south-1.amazonaws.com/");
    assert_base("my-bucket", "eu-west-1", "https://storage.example:9000",
                "https://storage.example:9000/my-bucket/");
    assert_base("my-bucket", NULL, "http://localhost:9000//", "http://localhost:9000/my-bucket/");
    assert_base("my-bucket", NULL, "https://storage.example/storage/v1/s3/",
                "https://storage.example/storage/v1/s3/my-bucket/");
    clean_environment();
}

static void assert_refused(struct tow_s3_settings settings, const char *words)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_s3 *s3 = tow_s3_new(&settings, -1, &err);

    assert_null(s3);
    assert_int_equal(err.code, TOW_E_CONFIG);
    assert_says(err, words);
    assert_null(strstr(err.message, "secret-"));
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    static const char *const buckets[] = {"",
                                          "ab",
                                          "s3://bucket",
                                          "a/b",
                                          "-abc",
                                          "abc.",
                                          "a b c",
                                          "b\xC3\xBC"
                                          "cher",
                                          NULL,
                                          "under\nline"};
    struct tow_s3_settings settings = {.access_key = "a", .secret_key = "secret-x"};
    size_t i;

    (void)state;
    clean_environment();
    for (i = 0; i < sizeof buckets / sizeof *buckets; i++) {
        settings.bucket = buckets[i];
        assert_refused(settings, "a name is 3 to 255 letters");
    }
    settings.bucket = "bucket";
    settings.region = "eu west";
    assert_refused(settings, "S3 region \"eu west\"");
    settings.region = NULL;
    settings.endpoint = "http://storage.example";
    assert_refused(settings, "S3 endpoint: http://storage.example: plain http");
    settings.endpoint = "https://storage.example/a%20b";
    assert_refused(settings, "the bucket has an option of its own");
    settings.endpoint = "https://storage.example/?x=1";
    assert_refused(settings, "the bucket has an option of its own");
    settings.endpoint = NULL;
    settings.proxy = "http://u:secret-p@ho st";
    assert_refused(settings, "proxy: not a URL");
}

static void test_keys_come_from_the_settings_or_the_environment(void **state)
{
    struct tow_s3_settings settings = {.bucket = "bucket"};
    struct tow_error err = TOW_ERROR_INIT;
    const char *access_key, *secret_key, *token;
    struct tow_s3 *s3;

    (void)state;
    clean_environment();
    assert_refused(settings,
                   "no keys: give an access key id and a secret access key, or AWS_ACCESS_KEY_ID");
    settings.access_key = "own";
    assert_refused(settings, "keys are incomplete");
    setenv("AWS_ACCESS_KEY_ID", "env", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "env-secret", 1);
    setenv("AWS_SESSION_TOKEN", "env-token", 1);
    assert_refused(settings, "keys are incomplete");
    settings.secret_key = "own-secret";
    s3 = tow_s3_new(&settings, -1, &err);
    assert_non_null(s3);
    tow_s3_keys(s3, &access_key, &secret_key, &token);
    assert_string_equal(access_key, "own");
    assert_string_equal(secret_key, "own-secret");
    assert_null(token);
    tow_s3_free(s3);
    settings = (struct tow_s3_settings){.bucket = "bucket"};
    s3 = tow_s3_new(&settings, -1, &err);
    assert_non_null(s3);
    tow_s3_keys(s3, &access_key, &secret_key, &token);
    assert_string_equal(access_key, "env");
    assert_string_equal(secret_key, "env-secret");
    assert_string_equal(token, "env-token");
    tow_s3_free(s3);
    clean_environment();
}

/* The address of AWS itself, by a proxy that leads here. */
static void test_a_bucket_of_aws_is_a_host(void **state)
{
    struct tow_s3_settings settings = {.bucket = "my-bucket",
                                       .access_key = expected.access_key,
                                       .secret_key = expected.secret_key};
    struct http_server_options options = {.certificate = NULL};
    struct http_server *server, *proxy;
    struct tow_error err = TOW_ERROR_INIT;
    struct certificates pem;
    struct tow_s3 *s3;
    char url[64];

    clean_environment();
    certificates_make(&pem, ((struct scratch *)*state)->folder);
    options.certificate = pem.server;
    server = http_server_new(&options);
    options = (struct http_server_options){.tunnel_port = http_server_port(server)};
    proxy = http_server_new(&options);
    snprintf(url, sizeof url, "%s", http_server_base(proxy));
    settings.proxy = url;
    setenv("AWS_CA_BUNDLE", pem.ca, 1);
    s3 = tow_s3_new(&settings, -1, &err);
    assert_non_null(s3);
    /* The certificate there is not Amazon's. */
    assert_int_equal(tow_s3_remove(s3, "x", &err), TOW_E_ENV);
    assert_says(err, "certificate is not accepted");
    assert_string_equal(http_server_seen(proxy, 0)->target,
                        "my-bucket.s3.us-east-1.amazonaws.com:443");
    tow_s3_free(s3);
    http_server_free(proxy);
    http_server_free(server);
    clean_environment();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_an_object_is_put_signed),
        TEST(test_keys_with_any_characters_are_put_signed),
        TEST(test_an_empty_object_is_put),
        TEST(test_an_object_is_removed_signed),
        TEST(test_to_remove_what_is_not_there_is_no_error),
        TEST(test_keys_that_cannot_be_are_refused),
        TEST(test_refusals_have_the_class_of_their_code),
        TEST(test_the_wait_that_s3_asks_for_is_passed_on),
        TEST(test_a_cut_connection_may_pass),
        cmocka_unit_test(test_addresses_are_those_of_aws_or_of_the_endpoint),
        cmocka_unit_test(test_settings_that_cannot_be_are_refused),
        cmocka_unit_test(test_keys_come_from_the_settings_or_the_environment),
        cmocka_unit_test_setup_teardown(test_a_bucket_of_aws_is_a_host, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
