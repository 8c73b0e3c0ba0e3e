/* connectors/s3: lists of keys, and objects read piece by piece. */
#include "connectors/s3/s3.h"
#include "http_fixture.h"
#include "sigv4_verifier.h"
#include "towpath/value.h"
#include "unit.h"

struct fixture {
    struct http_server *server;
    struct tow_s3_settings settings;
    struct tow_s3 *s3;
    struct tow_error err;
    struct tow_buffer seen; /* what a list visited */
    int limit;              /* entries until visit fails; -1: never */
    char *body;             /* that the server sends */
};

static const struct sigv4_expected expected = {"AKID", "very/secret+key", "eu-west-1", NULL};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct tow_s3_settings settings = {.bucket = "my-bucket",
                                       .region = "eu-west-1",
                                       .access_key = expected.access_key,
                                       .secret_key = expected.secret_key};

    http_fixture_clean_environment();
    unsetenv("AWS_SESSION_TOKEN");
    fixture->err = (struct tow_error)TOW_ERROR_INIT;
    fixture->limit = -1;
    fixture->server = http_server_new(NULL);
    settings.endpoint = http_server_base(fixture->server);
    fixture->settings = settings;
    fixture->s3 = tow_s3_new(&settings, -1, &fixture->err);
    assert_non_null(fixture->s3);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    tow_s3_free(fixture->s3);
    http_server_free(fixture->server);
    free(fixture->body);
    tow_buffer_release(&fixture->seen);
    free(fixture);
    return 0;
}

/* ---- lists ---------------------------------------------------------------------------------- */

#define HEAD                                      \
    "<?xml version=\"1.0\"?>\n<ListBucketResult " \
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define TAIL "</ListBucketResult>"
#define OBJECT(key, size)                                                                     \
    "<Contents><Key>" key "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>" \
    "&quot;abc&quot;</ETag><Size>" size "</Size></Contents>"

static int visit(void *context, const struct tow_s3_entry *entry, struct tow_error *err)
{
    struct fixture *fixture = context;

    if (fixture->limit-- == 0)
        return tow_error_set(err, TOW_E_CONFIG, "enough");
    return entry->is_common ? tow_buffer_printf(&fixture->seen, err, "%s/ ", entry->key)
                            : tow_buffer_printf(&fixture->seen, err, "%s=%lld%s@%lld ", entry->key,
                                                (long long)entry->size, entry->etag,
                                                (long long)entry->modified_us / 1000000);
}

static int list(struct fixture *fixture, const char *prefix, char delimiter)
{
    return tow_s3_each(fixture->s3, prefix, delimiter, visit, fixture, &fixture->err);
}

static void answer(struct fixture *fixture, int status, const char *body)
{
    http_server_reply(fixture->server, (struct http_reply){.status = status, .body = body});
}

static void test_a_list_goes_from_page_to_page(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 200,
           HEAD "<IsTruncated>true</IsTruncated><NextContinuationToken>a+/=&amp;</"
                "NextContinuationToken>" OBJECT("p/a%20b%2Bc+d", "12") OBJECT("p/&amp;", "0") TAIL);
    answer(fixture, 200, HEAD "<IsTruncated>false</IsTruncated>" OBJECT("p/%C3%A9", "5") TAIL);
    assert_ok(list(fixture, "p/ &", 0), fixture->err);
    assert_memory_equal(fixture->seen.data,
                        "p/a b+c d=12\"abc\"@1767323045 p/&=0\"abc\"@1767323045 "
                        "p/\xC3\xA9=5\"abc\"@1767323045 ",
                        fixture->seen.size);
    assert_string_equal(http_server_seen(fixture->server, 0)->target,
                        "/my-bucket/?encoding-type=url&list-type=2&prefix=p%2F%20%26");
    assert_string_equal(http_server_seen(fixture->server, 1)->target,
                        "/my-bucket/?encoding-type=url&list-type=2&prefix=p%2F%20%26&"
                        "continuation-token=a%2B%2F%3D%26");
    /* Signatures over a query are looked at by the sandbox's tests. */
}

static void test_what_keys_have_in_common_is_listed_once(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 200,
           HEAD "<Prefix>p/</Prefix><CommonPrefixes><Prefix>p/x/</Prefix></CommonPrefixes>"
                "<CommonPrefixes><Prefix>p/y/</Prefix></CommonPrefixes>" TAIL);
    assert_ok(list(fixture, "p/", '/'), fixture->err);
    assert_memory_equal(fixture->seen.data, "p/x// p/y// ", fixture->seen.size);
    assert_non_null(strstr(http_server_seen(fixture->server, 0)->target, "&delimiter=%2F"));
}

static void test_a_list_ends_with_its_visitor(void **state)
{
    struct fixture *fixture = *state;

    fixture->limit = 1;
    answer(fixture, 200, HEAD OBJECT("a", "1") OBJECT("b", "1") TAIL);
    assert_int_equal(list(fixture, "", 0), TOW_E_CONFIG);
    assert_says(fixture->err, "enough");
}

static void test_a_list_that_cannot_be_read_is_told(void **state)
{
    static const char *const cases[][2] = {
        {"", "no ListBucketResult"},
        {"<html>hello</html>", "no ListBucketResult"},
        {HEAD OBJECT("a", "1"), "no ListBucketResult"},
        {HEAD OBJECT("a", "-1") TAIL, "Size or LastModified"},
        {HEAD OBJECT("a", "many") TAIL, "Size or LastModified"},
        {HEAD "<Contents><Key>a</Key></Contents>" TAIL, "lacks"},
        {HEAD OBJECT("", "1") TAIL, "empty or has a NUL"},
        {HEAD OBJECT("a%00b", "1") TAIL, "empty or has a NUL"},
        {HEAD "<CommonPrefixes></CommonPrefixes>" TAIL, "without a Prefix"},
        {HEAD "<IsTruncated>true</IsTruncated>" TAIL, "no NextContinuationToken"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *fixture = *state;

        answer(fixture, 200, cases[i][0]);
        assert_true(list(fixture, "", 0) < 0);
        assert_says(fixture->err, cases[i][1]);
    }
}

static void test_a_page_that_comes_again_and_again_ends_the_list(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 3; i++)
        answer(
            fixture, 200,
            HEAD
            "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>" TAIL);
    assert_int_equal(list(fixture, "", 0), TOW_E_ENV);
    assert_says(fixture->err, "again and again");
}

static void test_a_refused_list_has_the_class_of_its_code(void **state)
{
    struct fixture *fixture = *state;

    answer(fixture, 503, "<Error><Code>SlowDown</Code><Message>Please</Message></Error>");
    assert_int_equal(list(fixture, "p", 0), TOW_E_RATE);
    answer(fixture, 403, "<Error><Code>ExpiredToken</Code></Error>");
    assert_int_equal(list(fixture, "p", 0), TOW_E_AUTH);
    assert_says(fixture->err, "list of s3://my-bucket/p");
}

/* ---- objects -------------------------------------------------------------------------------- */

static void test_whether_an_object_is_there_is_asked(void **state)
{
    struct fixture *fixture = *state;
    int is_there = -1;

    answer(fixture, 200, NULL);
    assert_ok(tow_s3_exists(fixture->s3, "a", &is_there, &fixture->err), fixture->err);
    assert_int_equal(is_there, 1);
    assert_string_equal(http_server_seen(fixture->server, 0)->method, "HEAD");
    assert_signed(http_server_seen(fixture->server, 0), &expected);
    answer(fixture, 404, NULL);
    assert_ok(tow_s3_exists(fixture->s3, "a", &is_there, &fixture->err), fixture->err);
    assert_int_equal(is_there, 0);
    answer(fixture, 403, NULL);
    assert_int_equal(tow_s3_exists(fixture->s3, "a", &is_there, &fixture->err), TOW_E_AUTH);
}

/* Reads by `step` bytes until the end or an error, asking again after TOW_E_TRANSIENT. */
static int read_object(struct fixture *fixture, struct tow_s3_object *object, size_t step,
                       struct tow_buffer *out, int *passing)
{
    char *piece = malloc(step);
    size_t length;
    int code;

    for (;;) {
        fixture->err = (struct tow_error)TOW_ERROR_INIT;
        code = tow_s3_object_read(object, piece, step, &length, &fixture->err);
        if (code == TOW_E_TRANSIENT && (*passing)++ < 5)
            continue;
        if (code != TOW_OK || length == 0)
            break;
        assert_ok(tow_buffer_append(out, piece, length, &fixture->err), fixture->err);
    }
    free(piece);
    return code;
}

/* Goes with the fixture: the server may still be sending it when a test is over. */
static char *make_body(struct fixture *fixture, size_t length)
{
    char *body = fixture->body = malloc(length + 1);

    for (size_t i = 0; i < length; i++)
        body[i] = (char)('a' + i * 7 % 26 + (i >> 12) % 3);
    body[length] = '\0';
    return body;
}

static void test_an_object_is_read_in_pieces_of_any_size(void **state)
{
    static const size_t steps[] = {1000, 65536, 1 << 20};
    struct fixture *fixture = *state;
    size_t length = 1500000;
    char *body = make_body(fixture, length);

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct tow_buffer out = {0};
        int passing = 0;
        struct tow_s3_object *object =
            tow_s3_object_new(fixture->s3, "a b", "\"tag\"", (int64_t)length, &fixture->err);

        assert_non_null(object);
        http_server_reply(fixture->server, (struct http_reply){.body = body, .length = length});
        assert_ok(read_object(fixture, object, steps[i], &out, &passing), fixture->err);
        assert_int_equal(out.size, length);
        assert_memory_equal(out.data, body, length);
        assert_header(http_server_seen(fixture->server, i), "If-Match", "\"tag\"");
        assert_signed(http_server_seen(fixture->server, i), &expected);
        tow_s3_object_free(object);
        tow_buffer_release(&out);
    }
}

static void test_an_object_that_breaks_goes_on_behind_its_last_byte(void **state)
{
    struct fixture *fixture = *state;
    size_t length = 600000, cut = 400000, came;
    char *body = make_body(fixture, length), *range;
    struct tow_buffer out = {0};
    struct tow_s3_object *object =
        tow_s3_object_new(fixture->s3, "a", "\"t\"", (int64_t)length, &fixture->err);
    int passing = 0;

    http_server_reply(
        fixture->server,
        (struct http_reply){.body = body, .length = length, .how = HTTP_REPLY_CUT, .cut = cut});
    http_server_reply(
        fixture->server,
        (struct http_reply){.status = 206, .body = body + cut, .length = length - cut});
    assert_ok(read_object(fixture, object, 5000, &out, &passing), fixture->err);
    assert_int_equal(passing, 1);
    range = http_seen_header(http_server_seen(fixture->server, 1), "Range");
    assert_non_null(range);
    assert_int_equal(sscanf(range, "bytes=%zu-", &came), 1);
    assert_int_equal(came, cut);
    assert_int_equal(out.size, length);
    assert_memory_equal(out.data, body, length);
    free(range);
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_an_object_that_is_another_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tow_buffer out = {0};
    struct tow_s3_object *object = tow_s3_object_new(fixture->s3, "a", "\"t\"", 6, &fixture->err);
    int passing = 0;

    answer(fixture, 412, "<Error><Code>PreconditionFailed</Code></Error>");
    assert_int_equal(read_object(fixture, object, 100, &out, &passing), TOW_E_ENV);
    assert_says(fixture->err, "no longer the object that was listed");
    answer(fixture, 403, "<Error><Code>AccessDenied</Code></Error>");
    assert_int_equal(read_object(fixture, object, 100, &out, &passing), TOW_E_AUTH);
    assert_says(fixture->err, "GET s3://my-bucket/a");
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_a_store_that_sends_all_where_a_part_was_asked_for_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct tow_buffer out = {0};
    struct tow_s3_object *object = tow_s3_object_new(fixture->s3, "a", "\"t\"", 6, &fixture->err);
    int passing = 0;

    http_server_reply(fixture->server,
                      (struct http_reply){.body = "abcdef", .how = HTTP_REPLY_CUT, .cut = 3});
    answer(fixture, 200, "abcdef");
    assert_int_equal(read_object(fixture, object, 100, &out, &passing), TOW_E_ENV);
    assert_says(fixture->err, "the store sent all");
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_an_answer_that_was_made_shorter_is_no_end(void **state)
{
    struct fixture *fixture = *state;
    struct tow_buffer out = {0};
    struct tow_s3_object *object = tow_s3_object_new(fixture->s3, "a", "\"t\"", 6, &fixture->err);
    int passing = 0;

    answer(fixture, 200, "abc\n");
    http_server_reply(fixture->server, (struct http_reply){.status = 206, .body = "d\n"});
    assert_ok(read_object(fixture, object, 100, &out, &passing), fixture->err);
    assert_int_equal(passing, 1);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "abc\nd\n", 6);
    assert_header(http_server_seen(fixture->server, 1), "Range", "bytes=4-");
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_an_answer_that_says_it_is_longer_is_read_to_the_listed_end(void **state)
{
    struct fixture *fixture = *state;
    struct tow_buffer out = {0};
    struct tow_s3_object *object = tow_s3_object_new(fixture->s3, "a", "\"t\"", 6, &fixture->err);
    int passing = 0;

    http_server_reply(
        fixture->server,
        (struct http_reply){.body = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nabcdef",
                            .how = HTTP_REPLY_RAW});
    answer(fixture, 416, "<Error><Code>InvalidRange</Code></Error>");
    assert_ok(read_object(fixture, object, 100, &out, &passing), fixture->err);
    assert_int_equal(passing, 1);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "abcdef", 6);
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_an_object_of_more_than_was_listed_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tow_buffer out = {0};
    struct tow_s3_object *object = tow_s3_object_new(fixture->s3, "a", "\"t\"", 2, &fixture->err);
    int passing = 0;

    answer(fixture, 200, "abc");
    assert_int_equal(read_object(fixture, object, 100, &out, &passing), TOW_E_ENV);
    assert_says(fixture->err, "s3://my-bucket/a has more than the 2 bytes that were listed");
    tow_s3_object_free(object);
    tow_buffer_release(&out);
}

static void test_a_silent_store_is_waited_for_as_long_as_the_user_says(void **state)
{
    struct fixture *fixture = *state;
    struct tow_s3_settings settings = fixture->settings;

    settings.stall_timeout_ms = 100;
    tow_s3_free(fixture->s3);
    fixture->s3 = tow_s3_new(&settings, -1, &fixture->err);
    assert_non_null(fixture->s3);
    http_server_reply(fixture->server,
                      (struct http_reply){.body = "", .how = HTTP_REPLY_STALL | HTTP_REPLY_RAW});
    assert_int_equal(list(fixture, "", 0), TOW_E_TRANSIENT);
    assert_says(fixture->err, "no byte moved for 100 ms (limit)");
}

static void test_an_object_may_be_given_up_in_its_middle(void **state)
{
    struct fixture *fixture = *state;
    size_t length = 5000000, came;
    char *body = make_body(fixture, length), piece[100];
    struct tow_s3_object *object =
        tow_s3_object_new(fixture->s3, "a", "\"t\"", (int64_t)length, &fixture->err);

    http_server_reply(fixture->server, (struct http_reply){.body = body, .length = length});
    assert_ok(tow_s3_object_read(object, piece, sizeof piece, &came, &fixture->err), fixture->err);
    assert_true(came > 0);
    tow_s3_object_free(object);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_list_goes_from_page_to_page),
        TEST(test_what_keys_have_in_common_is_listed_once),
        TEST(test_a_list_ends_with_its_visitor),
        TEST(test_a_list_that_cannot_be_read_is_told),
        TEST(test_a_page_that_comes_again_and_again_ends_the_list),
        TEST(test_a_refused_list_has_the_class_of_its_code),
        TEST(test_whether_an_object_is_there_is_asked),
        TEST(test_an_object_is_read_in_pieces_of_any_size),
        TEST(test_an_object_that_breaks_goes_on_behind_its_last_byte),
        TEST(test_an_object_that_is_another_one_is_refused),
        TEST(test_a_store_that_sends_all_where_a_part_was_asked_for_is_told),
        TEST(test_an_answer_that_was_made_shorter_is_no_end),
        TEST(test_an_answer_that_says_it_is_longer_is_read_to_the_listed_end),
        TEST(test_an_object_of_more_than_was_listed_is_refused),
        TEST(test_a_silent_store_is_waited_for_as_long_as_the_user_says),
        TEST(test_an_object_may_be_given_up_in_its_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
