/* Getting to a server: URLs, names, certificates, proxies, and far ends that are none. */
#include <openssl/ssl.h>
#include <unistd.h>

#include "certificate.h"
#include "grpc_fixture.h"
#include "tcp_proxy.h"
#include "towpath/clock.h"

static void refused(struct fixture *fixture, int code, const char *says)
{
    struct tow_grpc *grpc = tow_grpc_connect(&fixture->settings, &fixture->err);

    assert_null(grpc);
    if (fixture->err.code != code)
        fail_msg("%s: %s", tow_error_name(fixture->err.code), fixture->err.message);
    assert_says(fixture->err, says);
}

static void works(struct fixture *fixture)
{
    fixture_connect(fixture);
    fixture_start(fixture);
    tow_grpc_half_close(fixture->call);
    fixture_run_until(fixture, fixture_has_ended);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_OK);
    tow_grpc_free(fixture->grpc);
    fixture->grpc = NULL;
}

static const char *url(struct fixture *fixture, const char *host, int port)
{
    (void)snprintf(fixture->body, sizeof fixture->body, "%s:%d", host, port);
    return fixture->body;
}

/* ---- URLs ------------------------------------------------------------------------------------ */

static void test_urls_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"", "not a URL"},
        {"https://", "not a URL"},
        {"https://a b", "0x20"},
        {"https://host/path", "nothing behind"},
        {"https://host?query", "nothing behind"},
        {"https://host#mark", "nothing behind"},
        {"ftp://host", "not an https URL"},
        {"http://example.com", "this machine only"},
        {"http://128.0.0.1:1", "this machine only"},
        {"http://127.0.0.1.example.com", "this machine only"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture->settings.url = cases[i].url;
        refused(fixture, TOW_E_CONFIG, cases[i].says);
    }
}

static void test_a_password_in_a_url_is_refused_and_not_repeated(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.url = "https://me:secret@host";
    refused(fixture, TOW_E_CONFIG, "no user and password");
    assert_null(strstr(fixture->err.message, "secret"));
}

static void test_a_name_is_as_good_as_an_address(void **state)
{
    struct fixture *fixture = *state;

    fixture_serve(fixture);
    fixture->settings.url = url(fixture, fixture->is_tls ? "https://localhost" : "http://localhost",
                                grpc_server_port(fixture->server));
    works(fixture);
}

/* ---- nobody there ---------------------------------------------------------------------------- */

static void test_a_refused_connection_may_pass(void **state)
{
    struct fixture *fixture = *state;

    fixture_serve(fixture);
    grpc_server_stop_listening(fixture->server);
    refused(fixture, TOW_E_TRANSIENT, "127.0.0.1");
}

static void test_a_name_that_does_not_exist_may_pass(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.url = "https://no-such-host.invalid";
    refused(fixture, TOW_E_TRANSIENT, "no-such-host.invalid");
}

static void test_a_server_that_says_nothing_is_given_up_in_time(void **state)
{
    struct fixture *fixture = *state;
    int64_t before = tow_monotonic_ms();

    fixture->options.is_mute = 1;
    fixture->settings.connect_timeout_ms = 200;
    fixture_serve(fixture);
    if (fixture->is_tls) {
        refused(fixture, TOW_E_TRANSIENT, "in time");
    } else {
        fixture_connect(fixture);
        fixture_start(fixture);
        fixture_run_until(fixture, fixture_has_ended);
        assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_UNAVAILABLE);
        assert_says(fixture->err, "no HTTP/2 frame came in time");
    }
    assert_in_range(tow_monotonic_ms() - before, 190, 2000);
}

static void test_a_stop_ends_connecting(void **state)
{
    struct fixture *fixture = *state;
    int stop[2];

    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    fixture->options.is_mute = 1;
    fixture->settings.cancel_fd = stop[0];
    fixture_serve(fixture);
    refused(fixture, TOW_E_CANCELLED, "stopped");
    close(stop[0]);
    close(stop[1]);
}

static void test_a_server_that_speaks_something_else_is_told_so(void **state)
{
    static const char *const words[] = {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                                        "SSH-2.0-OpenSSH_9.2\r\n", "220 ready\r\n"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        fixture->options.says = words[i];
        fixture_serve(fixture);
        fixture_connect(fixture);
        fixture_start(fixture);
        fixture->settings.connect_timeout_ms = 300;
        fixture_run_until(fixture, fixture_has_ended);
        assert_says(fixture->err, "does not speak HTTP/2");
        assert_int_equal(fixture->err.code, TOW_E_ENV);
        tow_grpc_free(fixture->grpc);
        grpc_server_free(fixture->server);
        fixture->grpc = NULL;
        fixture->server = NULL;
    }
}

/* ---- certificates ---------------------------------------------------------------------------- */

static void test_a_certificate_of_somebody_else_is_refused(void **state)
{
    struct fixture *fixture = *state;

    certificate_write(fixture->certificate, "DNS:example.com,IP:127.0.0.2");
    fixture_serve(fixture);
    refused(fixture, TOW_E_ENV, "is refused");
    fixture->settings.url = url(fixture, "https://localhost", grpc_server_port(fixture->server));
    refused(fixture, TOW_E_ENV, "hostname mismatch");
}

static void test_a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char other[200];

    (void)snprintf(other, sizeof other, "%s/other.pem", fixture->scratch->folder);
    certificate_write(other, "DNS:localhost,IP:127.0.0.1");
    fixture_serve(fixture);
    fixture->settings.ca_file = other;
    refused(fixture, TOW_E_ENV, "ca_file");
    fixture->settings.ca_file = NULL;
    refused(fixture, TOW_E_ENV, "ca_file");
}

static void test_files_that_hold_no_certificate_are_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture_serve(fixture);
    fixture->settings.ca_file = "/no/such/file.pem";
    refused(fixture, TOW_E_CONFIG, "/no/such/file.pem");
    fixture->settings.ca_file = fixture->certificate;
    fixture->settings.identity.cert = "/no/such/client.pem";
    refused(fixture, TOW_E_CONFIG, "/no/such/client.pem");
    fixture->settings.identity.cert = fixture->certificate;
    fixture->settings.identity.key = "/no/such/key.pem";
    refused(fixture, TOW_E_CONFIG, "/no/such/key.pem");
}

static void test_a_server_that_asks_for_a_certificate_gets_it(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.asks_client = 1;
    fixture_serve(fixture);
    fixture->settings.identity.cert = fixture->certificate;
    works(fixture);
}

/* With TLS 1.3 the refusal comes when the client takes itself for connected. */
static void test_a_client_without_the_certificate_is_turned_away(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.asks_client = 1;
    fixture_serve(fixture);
    fixture_connect(fixture);
    fixture_start(fixture);
    fixture_run_until(fixture, fixture_has_ended);
    assert_int_equal(tow_grpc_status_of(fixture->call)->code, TOW_GRPC_UNAVAILABLE);
    assert_says(fixture->err, "certificate required");
    assert_says(fixture->err, "client_cert");
    assert_int_equal(fixture->err.code, TOW_E_ENV);
}

/* With TLS 1.2 it comes before. */
static void test_an_older_server_turns_such_a_client_away_at_once(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.asks_client = 1;
    fixture->options.tls_max = TLS1_2_VERSION;
    fixture_serve(fixture);
    refused(fixture, TOW_E_ENV, "client_cert");
}

static void test_a_certificate_that_has_expired_is_refused(void **state)
{
    struct fixture *fixture = *state;

    certificate_write_expired(fixture->certificate, "DNS:localhost,IP:127.0.0.1");
    fixture_serve(fixture);
    refused(fixture, TOW_E_ENV, "is this machine's clock right?");
}

static void test_tls_before_1_2_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.tls_max = TLS1_1_VERSION;
    fixture_serve(fixture);
    refused(fixture, TOW_E_ENV, "TLS with");
}

static void test_tls_1_2_will_do(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.tls_max = TLS1_2_VERSION;
    fixture_serve(fixture);
    works(fixture);
}

static void test_a_server_without_http2_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.no_alpn = 1;
    fixture_serve(fixture);
    refused(fixture, TOW_E_ENV, "does not offer HTTP/2");
}

static void test_a_server_that_hangs_up_during_tls_may_pass(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy;

    fixture_serve(fixture);
    proxy = tcp_proxy_new("", 0); /* reads, answers nothing and closes */
    fixture->settings.url = url(fixture, "https://127.0.0.1", tcp_proxy_port(proxy));
    fixture->settings.connect_timeout_ms = 300;
    refused(fixture, TOW_E_TRANSIENT, "TLS with");
    tcp_proxy_free(proxy);
}

/* ---- proxies --------------------------------------------------------------------------------- */

static struct tcp_proxy *through(struct fixture *fixture, const char *answer, const char *host)
{
    struct tcp_proxy *proxy;

    fixture_serve(fixture);
    proxy = tcp_proxy_new(answer, grpc_server_port(fixture->server));
    fixture->settings.proxy = url(fixture, host, tcp_proxy_port(proxy));
    return proxy;
}

static void test_a_proxy_is_asked_to_connect(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy =
        through(fixture, "HTTP/1.1 200 OK\r\n\r\n", "http://me:secret@127.0.0.1");

    works(fixture);
    assert_non_null(strstr(tcp_proxy_request(proxy), "CONNECT 127.0.0.1:"));
    tcp_proxy_free(proxy);
}

static void test_a_proxy_that_wants_a_password_is_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy = through(fixture,
                                      "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                                      "Content-Length: 0\r\nConnection: close\r\n\r\n",
                                      "http://127.0.0.1");

    refused(fixture, TOW_E_AUTH, "407");
    tcp_proxy_free(proxy);
}

static void test_a_proxy_that_refuses_says_so_and_hides_the_password(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy = through(fixture, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
                                      "http://me:secret@127.0.0.1");

    refused(fixture, TOW_E_ENV, "403");
    assert_null(strstr(fixture->err.message, "secret"));
    assert_null(strstr(fixture->err.message, "me:"));
    tcp_proxy_free(proxy);
}

static void test_a_proxy_with_trouble_may_pass(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy =
        through(fixture, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "http://127.0.0.1");

    refused(fixture, TOW_E_TRANSIENT, "502");
    tcp_proxy_free(proxy);
}

static void test_a_proxy_that_says_nothing_is_given_up_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy = through(fixture, NULL, "http://127.0.0.1");
    int64_t before = tow_monotonic_ms();

    fixture->settings.connect_timeout_ms = 200;
    refused(fixture, TOW_E_TRANSIENT, "in time");
    assert_in_range(tow_monotonic_ms() - before, 190, 2000);
    tcp_proxy_free(proxy);
}

static void test_a_proxy_over_tls_is_not_supported(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.url = "https://example.com";
    fixture->settings.proxy = "https://me:secret@127.0.0.1:1";
    refused(fixture, TOW_E_UNSUPPORTED, "http://host:port");
    assert_null(strstr(fixture->err.message, "secret"));
}

static void test_the_environment_names_proxy_and_exceptions(void **state)
{
    struct fixture *fixture = *state;
    struct tcp_proxy *proxy = through(fixture, "HTTP/1.1 200 OK\r\n\r\n", "http://127.0.0.1");

    setenv("https_proxy", fixture->settings.proxy, 1);
    fixture->settings.proxy = NULL;
    setenv("no_proxy", "127.0.0.1", 1);
    works(fixture);
    assert_string_equal(tcp_proxy_request(proxy), "");
    unsetenv("no_proxy");
    works(fixture);
    assert_non_null(strstr(tcp_proxy_request(proxy), "CONNECT 127.0.0.1:"));
    unsetenv("https_proxy");
    tcp_proxy_free(proxy);
}

#define TLS_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup_tls, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(test_urls_that_cannot_be_are_refused),
        TLS_TEST(test_a_password_in_a_url_is_refused_and_not_repeated),
        GRPC_TEST(test_a_name_is_as_good_as_an_address),
        GRPC_TEST(test_a_refused_connection_may_pass),
        TLS_TEST(test_a_name_that_does_not_exist_may_pass),
        GRPC_TEST(test_a_server_that_says_nothing_is_given_up_in_time),
        TLS_TEST(test_a_stop_ends_connecting),
        cmocka_unit_test_setup_teardown(test_a_server_that_speaks_something_else_is_told_so,
                                        fixture_setup_plain, fixture_teardown),
        TLS_TEST(test_a_certificate_of_somebody_else_is_refused),
        TLS_TEST(test_a_certificate_that_nobody_vouches_for_is_refused),
        TLS_TEST(test_files_that_hold_no_certificate_are_refused),
        TLS_TEST(test_a_server_that_asks_for_a_certificate_gets_it),
        TLS_TEST(test_a_client_without_the_certificate_is_turned_away),
        TLS_TEST(test_an_older_server_turns_such_a_client_away_at_once),
        TLS_TEST(test_a_certificate_that_has_expired_is_refused),
        TLS_TEST(test_tls_before_1_2_is_refused),
        TLS_TEST(test_tls_1_2_will_do),
        TLS_TEST(test_a_server_without_http2_is_refused),
        TLS_TEST(test_a_server_that_hangs_up_during_tls_may_pass),
        GRPC_TEST(test_a_proxy_is_asked_to_connect),
        TLS_TEST(test_a_proxy_that_wants_a_password_is_told_apart),
        TLS_TEST(test_a_proxy_that_refuses_says_so_and_hides_the_password),
        TLS_TEST(test_a_proxy_with_trouble_may_pass),
        TLS_TEST(test_a_proxy_that_says_nothing_is_given_up_in_time),
        TLS_TEST(test_a_proxy_over_tls_is_not_supported),
        TLS_TEST(test_the_environment_names_proxy_and_exceptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
