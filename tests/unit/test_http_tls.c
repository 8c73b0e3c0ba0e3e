/* connectors/http: certificates, and proxies. */
#include <openssl/ssl.h>
#include <unistd.h>

#include "certificates.h"
#include "http_fixture.h"
#include "lookup.h"
#include "scratch.h"

static struct certificates pem; /* of all tests here */

struct fixture {
    struct http_server *server; /* TLS */
    struct http_server *proxy;
    struct exchange exchange;
    struct tow_http *http;
};

static int group_setup(void **state)
{
    scratch_setup(state);
    certificates_make(&pem, ((struct scratch *)*state)->folder);
    return 0;
}

static int group_teardown(void **state)
{
    return scratch_teardown(state);
}

static int setup(void **state)
{
    static const struct http_server_options plain; /* a state for all would be another test's */
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct http_server_options options = plain;

    assert_non_null(fixture);
    options.certificate = pem.server;
    fixture->server = http_server_new(&options);
    options = plain;
    options.tunnel_port = http_server_port(fixture->server);
    fixture->proxy = http_server_new(&options);
    exchange_init(&fixture->exchange, "GET", http_server_base(fixture->server), "/x?sig=secret");
    http_fixture_clean_environment();
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    assert_null(strstr(fixture->exchange.err.message, "secret"));
    exchange_release(&fixture->exchange);
    tow_http_free(fixture->http);
    http_server_free(fixture->proxy);
    http_server_free(fixture->server);
    free(fixture);
    http_fixture_clean_environment();
    return 0;
}

/* A GET by a client with these settings. */
static int get(struct fixture *fixture, struct tow_http_settings settings)
{
    settings.cancel_fd = -1;
    tow_http_free(fixture->http);
    fixture->http = http_fixture_client(&settings);
    exchange_release(&fixture->exchange);
    return exchange_perform(&fixture->exchange, fixture->http);
}

/* The same from another server, which is then gone. */
static void get_from(struct fixture *fixture, const struct http_server_options *options,
                     struct http_reply reply, struct tow_http_settings settings)
{
    struct http_server *server = http_server_new(options);

    http_server_reply(server, reply);
    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "%s/x?sig=secret",
             http_server_base(server));
    get(fixture, settings);
    http_server_free(server);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static void test_a_certificate_of_ca_file_is_trusted(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server, (struct http_reply){.body = "hidden"});
    assert_ok(get(fixture, (struct tow_http_settings){.ca_file = pem.ca}), fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "hidden");
}

static void test_the_environment_may_name_the_certificates(void **state)
{
    struct fixture *fixture = *state;

    http_server_reply(fixture->server, (struct http_reply){.body = "hidden"});
    setenv("SSL_CERT_FILE", pem.ca, 1);
    assert_ok(get(fixture, (struct tow_http_settings){.ca_file = NULL}), fixture->exchange.err);
    /* The settings stand above it. */
    get(fixture, (struct tow_http_settings){.ca_file = pem.stranger});
    assert_failed(fixture->exchange, TOW_E_ENV, "certificate is not accepted");
}

static void test_a_certificate_of_nobody_known_is_refused(void **state)
{
    struct fixture *fixture = *state;

    get(fixture, (struct tow_http_settings){.ca_file = NULL});
    assert_failed(fixture->exchange, TOW_E_ENV,
                  "name a file with its issuer's certificate in ca_file");
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    get(fixture, (struct tow_http_settings){.ca_file = pem.stranger});
    assert_failed(fixture->exchange, TOW_E_ENV, "certificate is not accepted");
    assert_int_equal(http_server_count(fixture->server), 0);
}

static void test_a_certificate_for_another_host_is_refused(void **state)
{
    const struct http_server_options options = {.certificate = pem.other};

    get_from(*state, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(((struct fixture *)*state)->exchange, TOW_E_ENV, "certificate is not accepted");
    assert_says(((struct fixture *)*state)->exchange.err, "127.0.0.1");
}

static void test_an_expired_certificate_is_refused(void **state)
{
    const struct http_server_options options = {.certificate = pem.expired};

    get_from(*state, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(((struct fixture *)*state)->exchange, TOW_E_ENV, "expired");
    assert_says(((struct fixture *)*state)->exchange.err, "is this machine's clock right?");
}

static void test_a_ca_file_that_is_none_is_told(void **state)
{
    struct fixture *fixture = *state;

    get(fixture, (struct tow_http_settings){.ca_file = "/nowhere/ca.pem"});
    assert_failed(fixture->exchange, TOW_E_CONFIG, "\"/nowhere/ca.pem\" (ca_file)");
}

static void test_versions_before_tls_1_2_are_refused(void **state)
{
    const struct http_server_options options = {.certificate = pem.server,
                                                .tls_max = TLS1_1_VERSION};

    get_from(*state, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(((struct fixture *)*state)->exchange, TOW_E_ENV, "no TLS connection");
}

static void test_tls_1_2_is_taken(void **state)
{
    const struct http_server_options options = {.certificate = pem.server,
                                                .tls_max = TLS1_2_VERSION};

    get_from(*state, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_ok(((struct fixture *)*state)->exchange.code, ((struct fixture *)*state)->exchange.err);
}

static void test_a_port_that_does_not_speak_tls_is_told(void **state)
{
    const struct http_server_options mute = {.greets = "220 hello\r\n"};
    struct fixture *fixture = *state;
    struct http_server *plain = http_server_new(&mute);

    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://127.0.0.1:%d/",
             http_server_port(plain));
    get(fixture, (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(fixture->exchange, TOW_E_ENV, "that port does not speak TLS");
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
    http_server_free(plain);
}

static void test_a_handshake_that_is_cut_may_pass(void **state)
{
    const struct http_server_options cut = {.greets = ""};
    struct fixture *fixture = *state;
    struct http_server *plain = http_server_new(&cut);

    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://127.0.0.1:%d/",
             http_server_port(plain));
    get(fixture, (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "no TLS connection");
    http_server_free(plain);
}

static void test_a_client_certificate_is_shown(void **state)
{
    const struct http_server_options options = {.certificate = pem.server, .client_ca = pem.ca};
    struct fixture *fixture = *state;
    const struct http_reply reply = {.body = "x"};

    get_from(fixture, &options, reply,
             (struct tow_http_settings){.ca_file = pem.ca, .identity = {.cert = pem.client}});
    assert_ok(fixture->exchange.code, fixture->exchange.err);
    get_from(fixture, &options, reply,
             (struct tow_http_settings){
                 .ca_file = pem.ca,
                 .identity = {pem.client_cert, pem.client_key, CERTIFICATES_PASSWORD}});
    assert_ok(fixture->exchange.code, fixture->exchange.err);
    get_from(fixture, &options, reply, (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(fixture->exchange, TOW_E_ENV, "wants another client certificate");
    get_from(fixture, &options, reply,
             (struct tow_http_settings){.ca_file = pem.ca,
                                        .identity = {.cert = pem.client, .key = pem.server}});
    assert_failed(fixture->exchange, TOW_E_CONFIG, "the client certificate");
    get_from(fixture, &options, reply,
             (struct tow_http_settings){.ca_file = pem.ca, .identity = {.cert = "/nowhere.pem"}});
    assert_failed(fixture->exchange, TOW_E_CONFIG, "the client certificate \"/nowhere.pem\"");
}

/* Of a strange one the server cannot make anything, and says so. */
static void test_a_client_certificate_of_nobody_known_is_turned_away(void **state)
{
    const struct http_server_options options = {.certificate = pem.server,
                                                .client_ca = pem.stranger};
    struct fixture *fixture = *state;

    get_from(fixture, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca, .identity = {.cert = pem.client}});
    assert_failed(fixture->exchange, TOW_E_ENV, "wants another client certificate");
}

/* Before TLS 1.3 the server says no more than that it does not like something. */
static void test_a_handshake_that_fails_may_lack_a_client_certificate(void **state)
{
    const struct http_server_options options = {
        .certificate = pem.server, .client_ca = pem.ca, .tls_max = TLS1_2_VERSION};
    struct fixture *fixture = *state;

    get_from(fixture, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(fixture->exchange, TOW_E_ENV,
                  "the server had asked for a client certificate (client_cert)");
}

/* A far end that the job does not name is not told who is calling. */
static void test_a_client_certificate_stays_at_home(void **state)
{
    const struct http_server_options options = {.certificate = pem.server, .client_ca = pem.ca};
    struct fixture *fixture = *state;

    fixture->exchange.request.is_elsewhere = 1;
    get_from(fixture, &options, (struct http_reply){.body = "x"},
             (struct tow_http_settings){.ca_file = pem.ca, .identity = {.cert = pem.client}});
    assert_failed(fixture->exchange, TOW_E_ENV, "wants another client certificate");
}

static void test_client_certificates_are_judged_without_a_connection(void **state)
{
    const struct {
        struct tow_identity identity;
        const char *says;
    } cases[] = {
        {{NULL, NULL, NULL}, NULL},
        {{"", "", ""}, NULL},
        {{pem.client, NULL, NULL}, NULL},
        {{pem.client, "", ""}, NULL},
        {{pem.client_cert, pem.client, NULL}, NULL},
        {{pem.client_cert, pem.client_key, CERTIFICATES_PASSWORD}, NULL},
        {{"/nowhere.pem", NULL, NULL},
         "client_cert: \"/nowhere.pem\" cannot be read: No such file or directory"},
        {{pem.client_cert, NULL, NULL}, "client_cert: "},
        {{pem.client_cert, "/nowhere.key", NULL},
         "client_key: \"/nowhere.key\" cannot be read: No such"},
        {{pem.client_cert, pem.client_cert, NULL}, "client_key: "},
        {{pem.client_cert, pem.server, NULL}, "is not that of the certificate in"},
        {{pem.client_cert, pem.client_key, NULL}, "it is encrypted: give client_key_password"},
        {{pem.client_cert, pem.client_key, "secret"}, "does client_key_password fit?"},
        {{NULL, pem.client, NULL}, "client_key goes with client_cert, which is missing"},
        {{NULL, NULL, "secret"}, "client_key_password goes with client_cert"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tow_http_settings settings = {.identity = cases[i].identity};
        struct tow_error err = TOW_ERROR_INIT;

        assert_int_equal(tow_http_check(&settings, &err), cases[i].says ? TOW_E_CONFIG : TOW_OK);
        if (cases[i].says)
            assert_says(err, cases[i].says);
        assert_null(strstr(err.message, "secret"));
    }
}

static void test_a_body_whose_tls_was_cut_is_no_end(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_http_settings settings = {.ca_file = pem.ca};

    http_server_reply(
        fixture->server,
        (struct http_reply){.body = "abc", .how = HTTP_REPLY_NO_LENGTH | HTTP_REPLY_RUDE});
    http_server_reply(
        fixture->server,
        (struct http_reply){.body = "abc", .cut = 1, .how = HTTP_REPLY_CUT | HTTP_REPLY_RUDE});
    http_server_reply(
        fixture->server,
        (struct http_reply){.body = "abc",
                            .how = HTTP_REPLY_CHUNKED | HTTP_REPLY_NO_END | HTTP_REPLY_RUDE});
    get(fixture, settings);
    assert_failed(fixture->exchange, TOW_E_ENV, "nobody could tell whether it is whole");
    get(fixture, settings);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "cut off");
    get(fixture, settings);
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "cut off");
}

/* The test program would end by SIGPIPE. */
static void test_an_upload_that_is_reset_raises_no_signal(void **state)
{
    const struct http_server_options options = {.certificate = pem.server, .ignores_expect = 1};
    struct fixture *fixture = *state;
    struct exchange *put = &fixture->exchange;
    int fd = http_fixture_file("", 0);

    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    put->request.method = "PUT";
    put->request.body_fd = fd;
    put->request.body_length = 64 << 20;
    get_from(fixture, &options,
             (struct http_reply){.how = HTTP_REPLY_NOTHING | HTTP_REPLY_EARLY | HTTP_REPLY_RESET},
             (struct tow_http_settings){.ca_file = pem.ca});
    assert_failed(*put, TOW_E_TRANSIENT, "PUT https://127.0.0.1:");
    assert_int_equal(tow_http_was_unsent(fixture->http), 0);
    close(fd);
}

/* ---- proxies --------------------------------------------------------------------------------- */

/* A URL of the proxy with a login. */
static const char *proxy_url(struct fixture *fixture, char *url, size_t size)
{
    snprintf(url, size, "http://user:p%%40secret@127.0.0.1:%d", http_server_port(fixture->proxy));
    return url;
}

static void test_https_goes_through_a_tunnel(void **state)
{
    struct fixture *fixture = *state;
    const struct tow_http_header header = {"Authorization", "Bearer secret"};
    char proxy[128], target[64];

    http_server_reply(fixture->server, (struct http_reply){.body = "hidden"});
    fixture->exchange.request.headers = &header;
    fixture->exchange.request.header_count = 1;
    assert_ok(get(fixture, (struct tow_http_settings){.ca_file = pem.ca,
                                                      .proxy = proxy_url(fixture, proxy, 128)}),
              fixture->exchange.err);
    assert_string_equal(fixture->exchange.response.body.data, "hidden");
    assert_int_equal(http_server_count(fixture->proxy), 1);
    snprintf(target, sizeof target, "127.0.0.1:%d", http_server_port(fixture->server));
    assert_string_equal(http_server_seen(fixture->proxy, 0)->method, "CONNECT");
    assert_string_equal(http_server_seen(fixture->proxy, 0)->target, target);
    /* Each gets its own login. */
    assert_header(http_server_seen(fixture->proxy, 0), "Proxy-Authorization",
                  "Basic dXNlcjpwQHNlY3JldA==");
    assert_header(http_server_seen(fixture->proxy, 0), "Authorization", NULL);
    assert_header(http_server_seen(fixture->server, 0), "Proxy-Authorization", NULL);
    assert_header(http_server_seen(fixture->server, 0), "Authorization", "Bearer secret");
}

static void test_the_environment_may_name_the_proxy(void **state)
{
    struct fixture *fixture = *state;
    char proxy[128];

    setenv("https_proxy", proxy_url(fixture, proxy, sizeof proxy), 1);
    http_server_reply(fixture->server, (struct http_reply){.body = "hidden"});
    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://service.example/");
    assert_ok(get(fixture, (struct tow_http_settings){.ca_file = pem.ca}), fixture->exchange.err);
    assert_string_equal(http_server_seen(fixture->proxy, 0)->target, "service.example:443");
}

static void test_no_proxy_names_hosts_that_are_reached_directly(void **state)
{
    struct fixture *fixture = *state;
    char proxy[128];
    const struct tow_http_settings by_environment = {.ca_file = pem.ca};
    const struct tow_http_settings by_settings = {.ca_file = pem.ca,
                                                  .proxy = proxy_url(fixture, proxy, 128)};
    const struct tow_http_settings none = {.ca_file = pem.ca, .proxy = ""};

    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://service.example:%d/",
             http_server_port(fixture->server));
    http_server_reply(fixture->server, (struct http_reply){.body = "1"});
    http_server_reply(fixture->server, (struct http_reply){.body = "2"});
    http_server_reply(fixture->server, (struct http_reply){.body = "3"});
    setenv("https_proxy", proxy, 1);
    assert_ok(get(fixture, none), fixture->exchange.err);
    setenv("no_proxy", ".elsewhere,service.example", 1);
    assert_ok(get(fixture, by_environment), fixture->exchange.err);
    assert_ok(get(fixture, by_settings), fixture->exchange.err);
    assert_int_equal(http_server_count(fixture->proxy), 0);
}

static void test_a_proxy_of_the_environment_is_not_for_this_machine(void **state)
{
    struct fixture *fixture = *state;
    char proxy[128];

    setenv("https_proxy", proxy_url(fixture, proxy, sizeof proxy), 1);
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    http_server_reply(fixture->server, (struct http_reply){.body = "x"});
    assert_ok(get(fixture, (struct tow_http_settings){.ca_file = pem.ca}), fixture->exchange.err);
    get_from(fixture, NULL, (struct http_reply){.body = "plain"}, (struct tow_http_settings){0});
    assert_ok(fixture->exchange.code, fixture->exchange.err);
    assert_int_equal(http_server_count(fixture->proxy), 0);
}

static void test_plain_http_stays_on_this_machine(void **state)
{
    struct fixture *fixture = *state;
    char proxy[128];
    const struct http_server_options options = {.tunnel_port = 1};
    struct http_server *plain = http_server_new(NULL);
    struct http_server_options through = options;
    struct http_server *near;

    through.tunnel_port = http_server_port(plain);
    near = http_server_new(&through);
    snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "%s/", http_server_base(plain));
    http_server_reply(plain, (struct http_reply){.body = "plain"});
    snprintf(proxy, sizeof proxy, "http://localhost:%d", http_server_port(near));
    assert_ok(get(fixture, (struct tow_http_settings){.proxy = proxy}), fixture->exchange.err);
    assert_string_equal(http_server_seen(near, 0)->method, "CONNECT");
    get(fixture, (struct tow_http_settings){.proxy = "http://user:secret@far.example:3128"});
    assert_failed(fixture->exchange, TOW_E_CONFIG, "not sent through a proxy on another machine");
    http_server_free(near);
    http_server_free(plain);
}

static void refused(struct fixture *fixture, int status, int class, const char *words)
{
    char proxy[128];

    http_server_reply(fixture->proxy, (struct http_reply){.status = status, .body = "no"});
    get(fixture,
        (struct tow_http_settings){.ca_file = pem.ca, .proxy = proxy_url(fixture, proxy, 128)});
    assert_failed(fixture->exchange, class, words);
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
}

static void test_a_proxy_that_refuses_is_told_from_the_server(void **state)
{
    refused(*state, 407, TOW_E_CONFIG, "the proxy wants a login (HTTP 407)");
    refused(*state, 403, TOW_E_ENV, "the proxy refuses to connect to the host (HTTP 403)");
    refused(*state, 302, TOW_E_ENV, "the proxy refuses to connect to the host (HTTP 302)");
    refused(*state, 503, TOW_E_TRANSIENT, "the proxy cannot reach the host (HTTP 503)");
}

static void test_a_proxy_that_is_not_there_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct http_server *gone = http_server_new(NULL);
    char proxy[128];

    snprintf(proxy, sizeof proxy, "http://user:secret@127.0.0.1:%d", http_server_port(gone));
    http_server_free(gone);
    get(fixture, (struct tow_http_settings){.ca_file = pem.ca, .proxy = proxy});
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "Connection refused");
    get(fixture,
        (struct tow_http_settings){.ca_file = pem.ca, .proxy = "http://u:secret@gone.test"});
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "the proxy's name is not found");
}

static void test_a_proxy_that_does_not_answer_is_limited(void **state)
{
    struct fixture *fixture = *state;
    char proxy[128];

    http_server_reply(fixture->proxy,
                      (struct http_reply){.body = "", .how = HTTP_REPLY_RAW | HTTP_REPLY_STALL});
    get(fixture, (struct tow_http_settings){.ca_file = pem.ca,
                                            .connect_timeout_ms = 300,
                                            .proxy = proxy_url(fixture, proxy, 128)});
    assert_failed(fixture->exchange, TOW_E_TRANSIENT, "no connection within 300 ms (limit)");
    assert_int_equal(tow_http_was_unsent(fixture->http), 1);
}

static void test_a_proxy_that_cannot_be_is_refused_without_its_password(void **state)
{
    static const struct {
        const char *proxy, *words;
    } bad[] = {{"http://user:secret@ho st:port", "proxy: not a URL"},
               {"ftp://user:secret@proxy.example", "proxy: \"ftp://\" is no kind of proxy"}};
    struct fixture *fixture = *state;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct tow_http_settings settings = {.cancel_fd = -1, .proxy = bad[i].proxy};
        struct tow_error err = TOW_ERROR_INIT;

        assert_null(tow_http_new(&settings, &err));
        assert_int_equal(err.code, TOW_E_CONFIG);
        assert_says(err, bad[i].words);
        assert_null(strstr(err.message, "secret"));
        /* The same from the environment, which is looked at by libcurl. */
        setenv("https_proxy", bad[i].proxy, 1);
        snprintf(fixture->exchange.url, sizeof fixture->exchange.url, "https://service.example/");
        get(fixture, (struct tow_http_settings){.ca_file = pem.ca});
        assert_true(fixture->exchange.code == TOW_E_CONFIG ||
                    fixture->exchange.code == TOW_E_TRANSIENT);
        assert_null(strstr(fixture->exchange.err.message, "secret"));
        assert_says(fixture->exchange.err, "https_proxy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_certificate_of_ca_file_is_trusted),
        TEST(test_the_environment_may_name_the_certificates),
        TEST(test_a_certificate_of_nobody_known_is_refused),
        TEST(test_a_certificate_for_another_host_is_refused),
        TEST(test_an_expired_certificate_is_refused),
        TEST(test_a_ca_file_that_is_none_is_told),
        TEST(test_versions_before_tls_1_2_are_refused),
        TEST(test_tls_1_2_is_taken),
        TEST(test_a_port_that_does_not_speak_tls_is_told),
        TEST(test_a_handshake_that_is_cut_may_pass),
        TEST(test_a_client_certificate_is_shown),
        TEST(test_a_client_certificate_of_nobody_known_is_turned_away),
        TEST(test_a_handshake_that_fails_may_lack_a_client_certificate),
        TEST(test_a_client_certificate_stays_at_home),
        TEST(test_client_certificates_are_judged_without_a_connection),
        TEST(test_a_body_whose_tls_was_cut_is_no_end),
        TEST(test_an_upload_that_is_reset_raises_no_signal),
        TEST(test_https_goes_through_a_tunnel),
        TEST(test_the_environment_may_name_the_proxy),
        TEST(test_no_proxy_names_hosts_that_are_reached_directly),
        TEST(test_a_proxy_of_the_environment_is_not_for_this_machine),
        TEST(test_plain_http_stays_on_this_machine),
        TEST(test_a_proxy_that_refuses_is_told_from_the_server),
        TEST(test_a_proxy_that_is_not_there_is_told),
        TEST(test_a_proxy_that_does_not_answer_is_limited),
        TEST(test_a_proxy_that_cannot_be_is_refused_without_its_password),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
