/* connectors/http: AWS signatures, against the examples that AWS publishes and a verifier. */
#include <unistd.h>

#include "certificates.h"
#include "connectors/http/sigv4.h"
#include "http_fixture.h"
#include "scratch.h"
#include "sigv4_verifier.h"

/* ---- published examples ---------------------------------------------------------------------- */

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk". */
static const struct tow_http_sigv4 s3_keys = {.region = "us-east-1",
                                              .service = "s3",
                                              .access_key = "AKIAIOSFODNN7EXAMPLE",
                                              .secret_key =
                                                  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
/* The test suite of Signature Version 4. */
static const struct tow_http_sigv4 suite_keys = {.region = "us-east-1",
                                                 .service = "service",
                                                 .access_key = "AKIDEXAMPLE",
                                                 .secret_key =
                                                     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};

static void assert_signature(const struct tow_http_sigv4 *keys, const char *date,
                             const struct tow_sigv4_request *request, const char *expected)
{
    struct tow_buffer out = {NULL, 0, 0};
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_sigv4_sign(&out, keys, date, request, &err), err);
    assert_ok(tow_buffer_append(&out, "", 1, &err), err);
    if (!strstr(out.data, expected))
        fail_msg("%s, not %s", out.data, expected);
    tow_buffer_release(&out);
}

#define S3_HOST                                  \
    {                                            \
        "Host", "examplebucket.s3.amazonaws.com" \
    }
#define S3_DATE "20130524T000000Z"

static void test_the_get_of_an_object_is_signed(void **state)
{
    const struct tow_http_header headers[] = {{"X-Amz-Date", S3_DATE},
                                              {"x-amz-content-sha256", EMPTY_HASH},
                                              {"Range", "bytes=0-9"},
                                              S3_HOST};
    const struct tow_sigv4_request request = {"GET", "/test.txt", NULL, headers, 4, EMPTY_HASH};

    (void)state;
    assert_signature(
        &s3_keys, S3_DATE, &request,
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_the_put_of_an_object_is_signed(void **state)
{
    char hash[TOW_SIGV4_HASH_SIZE];
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_http_header headers[] = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                              {"x-amz-date", S3_DATE},
                                              {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                              {"x-amz-content-sha256", hash},
                                              S3_HOST};
    /* Both spellings of '$' are the same key. */
    const struct tow_sigv4_request request = {"PUT", "/test%24file.text", NULL, headers, 5, hash};
    const struct tow_sigv4_request plain = {"PUT", "/test$file.text", "", headers, 5, hash};

    (void)state;
    assert_ok(tow_sigv4_hash(hash, "Welcome to Amazon S3.", 21, &err), err);
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    assert_signature(&s3_keys, S3_DATE, &request,
                     "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    assert_signature(&s3_keys, S3_DATE, &plain,
                     "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void test_queries_are_signed(void **state)
{
    const struct tow_http_header headers[] = {
        {"X-Amz-Date", S3_DATE}, {"x-amz-content-sha256", EMPTY_HASH}, S3_HOST};
    struct tow_sigv4_request request = {"GET", "/", "lifecycle", headers, 3, EMPTY_HASH};

    (void)state;
    assert_signature(&s3_keys, S3_DATE, &request,
                     "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request.query = "prefix=J&max-keys=2";
    assert_signature(&s3_keys, S3_DATE, &request,
                     "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

#define SUITE_DATE "20150830T123600Z"
#define SUITE_OWN                      \
    {"Host", "example.amazonaws.com"}, \
    {                                  \
        "X-Amz-Date", SUITE_DATE       \
    }

static void test_the_suite_of_signature_version_4_is_met(void **state)
{
    const struct tow_http_header plain[] = {SUITE_OWN};
    const struct tow_http_header trimmed[] = {
        SUITE_OWN, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\" "}};
    const struct {
        struct tow_sigv4_request request;
        const char *signature;
    } suite[] = {
        {{"GET", "/", NULL, plain, 2, EMPTY_HASH},
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {{"POST", "/", NULL, plain, 2, EMPTY_HASH},
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {{"GET", "/", "Param2=value2&Param1=value1", plain, 2, EMPTY_HASH},
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {{"GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", NULL, plain,
          2, EMPTY_HASH},
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {{"GET", "/", NULL, trimmed, 4, EMPTY_HASH},
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof suite / sizeof *suite; i++)
        assert_signature(&suite_keys, SUITE_DATE, &suite[i].request, suite[i].signature);
}

static void test_the_iam_example_is_met(void **state)
{
    struct tow_http_sigv4 keys = suite_keys;
    const struct tow_http_header headers[] = {
        {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"Host", "iam.amazonaws.com"},
        {"X-Amz-Date", SUITE_DATE}};
    const struct tow_sigv4_request request = {"GET",   "/", "Action=ListUsers&Version=2010-05-08",
                                              headers, 3,   EMPTY_HASH};

    (void)state;
    keys.service = "iam";
    assert_signature(&keys, SUITE_DATE, &request,
                     "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void test_crooked_paths_are_for_s3_only(void **state)
{
    static const char *const crooked[] = {"/a//b", "/./a", "/a/..", "/../a", "/a/."};
    const struct tow_http_header headers[] = {SUITE_OWN};
    struct tow_buffer out = {NULL, 0, 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof crooked / sizeof *crooked; i++) {
        struct tow_sigv4_request request = {"GET", crooked[i], NULL, headers, 2, EMPTY_HASH};
        struct tow_error err = TOW_ERROR_INIT;

        assert_int_equal(tow_sigv4_sign(&out, &suite_keys, SUITE_DATE, &request, &err),
                         TOW_E_UNSUPPORTED);
        assert_ok(tow_sigv4_sign(&out, &s3_keys, SUITE_DATE, &request, &err), err);
    }
    tow_buffer_release(&out);
}

static void test_dates_are_utc(void **state)
{
    char date[TOW_SIGV4_DATE_SIZE];

    (void)state;
    tow_sigv4_date(date, 1369353600);
    assert_string_equal(date, S3_DATE);
}

/* ---- exchanges ------------------------------------------------------------------------------- */

static const struct sigv4_expected expected = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", NULL};

static void test_what_arrives_is_signed(void **state)
{
    static const char *const paths[] = {
        "/",
        "/bucket/plain",
        "/bucket/a%20b%2Bc%25d%2Fe",
        "/bucket/h%C3%A9/~x",
        "/bucket//a/./b/../c",
        "/bucket/a=b,c!d'e(f)*g;h:i@j&k$l",
        "/bucket/lower%c3%a9%2a",
    };
    struct http_server *server = http_server_new(NULL);
    struct tow_http *http = http_fixture_client(NULL);
    const struct tow_http_header headers[] = {{"Content-Type", "text/csv;  charset=utf-8"},
                                              {"x-amz-acl", "private"}};
    struct exchange exchange;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof paths / sizeof *paths; i++) {
        exchange_init(&exchange, i % 2 ? "PUT" : "DELETE", http_server_base(server), paths[i]);
        exchange.request.sigv4 = &s3_keys;
        exchange.request.headers = headers;
        exchange.request.header_count = i % 3;
        exchange.request.body = i % 2 ? "content" : NULL;
        exchange.request.body_length = i % 2 ? 7 : 0;
        http_server_reply(server, (struct http_reply){.status = 200});
        assert_ok(exchange_perform(&exchange, http), exchange.err);
        assert_string_equal(http_server_seen(server, i)->target, paths[i]);
        assert_signed(http_server_seen(server, i), &expected);
        exchange_release(&exchange);
    }
    tow_http_free(http);
    http_server_free(server);
}

static void test_session_tokens_are_signed(void **state)
{
    struct http_server *server = http_server_new(NULL);
    struct tow_http *http = http_fixture_client(NULL);
    struct tow_http_sigv4 keys = s3_keys;
    struct sigv4_expected with_token = expected;
    struct exchange exchange;

    (void)state;
    keys.session_token = with_token.token = "IQoJb3JpZ2luX2VjE//////////wEa+token==";
    exchange_init(&exchange, "GET", http_server_base(server), "/x");
    exchange.request.sigv4 = &keys;
    http_server_reply(server, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(&exchange, http), exchange.err);
    assert_signed(http_server_seen(server, 0), &with_token);
    exchange_release(&exchange);
    tow_http_free(http);
    http_server_free(server);
}

/* One PUT of a file; the X-Amz-Content-Sha256 that came. */
static char *put_file(struct http_server *server, const char *ca_file)
{
    const struct tow_http_settings settings = {.cancel_fd = -1, .ca_file = ca_file};
    struct tow_http *http = http_fixture_client(&settings);
    const size_t length = 100000;
    char *bytes = http_fixture_bytes(length);
    int fd = http_fixture_file(bytes, length);
    struct exchange exchange;

    exchange_init(&exchange, "PUT", http_server_base(server), "/bucket/key");
    exchange.request.sigv4 = &s3_keys;
    exchange.request.body_fd = fd;
    exchange.request.body_length = (int64_t)length;
    http_server_reply(server, (struct http_reply){.status = 200});
    assert_ok(exchange_perform(&exchange, http), exchange.err);
    assert_signed(http_server_seen(server, 0), &expected);
    exchange_release(&exchange);
    tow_http_free(http);
    close(fd);
    free(bytes);
    return http_seen_header(http_server_seen(server, 0), "X-Amz-Content-Sha256");
}

static void test_files_are_hashed_unless_tls_guards_them(void **state)
{
    struct http_server_options options = {.certificate = NULL};
    struct certificates pem;
    struct http_server *server = http_server_new(&options);
    char *hash = put_file(server, NULL);

    assert_int_equal(strlen(hash), 64);
    free(hash);
    http_server_free(server);
    certificates_make(&pem, ((struct scratch *)*state)->folder);
    options.certificate = pem.server;
    server = http_server_new(&options);
    hash = put_file(server, pem.ca);
    assert_string_equal(hash, "UNSIGNED-PAYLOAD");
    free(hash);
    http_server_free(server);
}

static void test_a_file_that_cannot_be_hashed_is_told(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int fd = http_fixture_file("abc", 3);
    char hash[TOW_SIGV4_HASH_SIZE];

    (void)state;
    assert_ok(tow_sigv4_hash_file(hash, fd, 3, &err), err);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(tow_sigv4_hash_file(hash, fd, 4, &err), TOW_E_ENV);
    assert_says(err, "ends after 3 of 4 bytes");
    close(fd);
    assert_int_equal(tow_sigv4_hash_file(hash, -1, 4, &err), TOW_E_ENV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_get_of_an_object_is_signed),
        cmocka_unit_test(test_the_put_of_an_object_is_signed),
        cmocka_unit_test(test_queries_are_signed),
        cmocka_unit_test(test_the_suite_of_signature_version_4_is_met),
        cmocka_unit_test(test_the_iam_example_is_met),
        cmocka_unit_test(test_crooked_paths_are_for_s3_only),
        cmocka_unit_test(test_dates_are_utc),
        cmocka_unit_test(test_what_arrives_is_signed),
        cmocka_unit_test(test_session_tokens_are_signed),
        cmocka_unit_test_setup_teardown(test_files_are_hashed_unless_tls_guards_them, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(test_a_file_that_cannot_be_hashed_is_told),
    };

    http_fixture_clean_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
