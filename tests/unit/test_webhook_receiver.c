/* connectors/webhook/receiver.h: what is answered with 200 is in the spool, and what is not is not
 * taken. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "certificates.h"
#include "connectors/http/http.h"
#include "connectors/webhook/receiver.h"
#include "scratch.h"
#include "towpath/clock.h"
#include "unit.h"

static char folder[160];
static struct tow_error err;
static struct tow_spool_settings spool_settings;
static struct tow_receiver_settings settings;
static struct tow_spool *spool;
static struct tow_receiver *receiver;
static struct tow_http *http;
static char url[64];

static int set_up(void **state)
{
    int result = scratch_setup(state);

    err = (struct tow_error)TOW_ERROR_INIT;
    snprintf(folder, sizeof folder, "%s/spool", ((struct scratch *)*state)->folder);
    spool_settings = (struct tow_spool_settings){
        .folder = folder, .segment_bytes = 1 << 20, .max_bytes = 1 << 24, .max_message = 100000};
    settings = (struct tow_receiver_settings){.listen = "127.0.0.1:0",
                                              .path = "/hook",
                                              .max_body = 100000,
                                              .max_pending = 1 << 20,
                                              .connections = 64,
                                              .timeout_ms = 5000};
    return result;
}

static int tear_down(void **state)
{
    tow_http_free(http);
    tow_receiver_stop(receiver);
    tow_spool_free(spool);
    http = NULL;
    receiver = NULL;
    spool = NULL;
    return scratch_teardown(state);
}

static void begin(const char *ca_file)
{
    const struct tow_http_settings client = {.ca_file = ca_file, .cancel_fd = -1};

    assert_ok(tow_spool_open(&spool_settings, &spool, &err), err);
    assert_ok(tow_receiver_check(&settings, &err), err);
    assert_ok(tow_receiver_start(&settings, spool, &receiver, &err), err);
    http = tow_http_new(&client, &err);
    assert_non_null(http);
    snprintf(url, sizeof url, "http%s://127.0.0.1:%d/hook", settings.certificate ? "s" : "",
             tow_receiver_port(receiver));
}

/* The status of the answer. */
static int send_as(const char *method, const char *to, const void *body, size_t length,
                   const struct tow_http_header *header)
{
    const struct tow_http_request request = {.method = method,
                                             .url = to,
                                             .headers = header,
                                             .header_count = header != NULL,
                                             .body = body,
                                             .body_length = (int64_t)length,
                                             .timeout_ms = 20000};
    struct tow_http_response response;

    assert_ok(tow_http_perform(http, &request, &response, &err), err);
    int status = response.status;
    if (status == 503)
        assert_int_equal(response.retry_after_ms, 5000);
    tow_http_response_release(&response);
    return status;
}

static int post(const char *text)
{
    return send_as("POST", url, text, strlen(text), NULL);
}

static int64_t spooled(const char *last)
{
    struct tow_spool_message message = {0};
    struct tow_spool_place at = {0};
    int64_t count = 0;

    while (tow_spool_read(spool, at, &message, &err) == TOW_OK) {
        at = message.next;
        count++;
    }
    if (last) {
        assert_int_equal(message.length, strlen(last));
        assert_memory_equal(message.bytes, last, message.length);
    }
    return count;
}

/* ---- what is taken -------------------------------------------------------------------------- */

static void test_what_is_answered_with_200_is_in_the_spool(void **state)
{
    struct pollfd told = {.events = POLLIN};

    (void)state;
    begin(NULL);
    told.fd = tow_receiver_fd(receiver);
    assert_int_equal(poll(&told, 1, 0), 0);
    assert_int_equal(post("{\"a\":1}"), 200);
    assert_int_equal(poll(&told, 1, 5000), 1);
    tow_receiver_quiet(receiver);
    assert_int_equal(poll(&told, 1, 0), 0);
    assert_int_equal(spooled("{\"a\":1}"), 1);
    assert_int_equal(send_as("PUT", url, "[2]", 3, NULL), 200);
    assert_int_equal(send_as("PATCH", url, "[3]", 3, NULL), 200);
    assert_int_equal(spooled("[3]"), 3);
    assert_ok(tow_receiver_health(receiver, &err), err);
}

#define SENDERS  16
#define MESSAGES 50

static void *sender(void *context)
{
    const struct tow_http_settings client = {.cancel_fd = -1};
    struct tow_error own = TOW_ERROR_INIT;
    struct tow_http *mine = tow_http_new(&client, &own);
    intptr_t good = 0;

    (void)context;
    for (int i = 0; mine && i < MESSAGES; i++) {
        const struct tow_http_request request = {.method = "POST",
                                                 .url = url,
                                                 .body = "{\"n\":1}",
                                                 .body_length = 7,
                                                 .timeout_ms = 20000};
        struct tow_http_response response;

        good += !tow_http_perform(mine, &request, &response, &own) && response.status == 200;
        tow_http_response_release(&response);
    }
    tow_http_free(mine);
    return (void *)good;
}

static void test_many_senders_at_once_get_what_is_durable(void **state)
{
    pthread_t threads[SENDERS];
    intptr_t good = 0;

    (void)state;
    begin(NULL);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sender, NULL), 0);
    for (int i = 0; i < SENDERS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        good += (intptr_t)result;
    }
    assert_int_equal(good, SENDERS * MESSAGES);
    assert_int_equal(spooled(NULL), SENDERS * MESSAGES);
}

static void test_over_tls(void **state)
{
    struct certificates certificates;

    certificates_make(&certificates, ((struct scratch *)*state)->folder);
    settings.certificate = settings.key = certificates.server;
    begin(certificates.ca);
    assert_int_equal(post("{}"), 200);
    assert_int_equal(spooled("{}"), 1);
}

/* ---- what is not ---------------------------------------------------------------------------- */

static void test_other_paths_and_methods_are_refused(void **state)
{
    char other[96];

    (void)state;
    begin(NULL);
    snprintf(other, sizeof other, "%s/", url);
    assert_int_equal(send_as("POST", other, "{}", 2, NULL), 404);
    assert_int_equal(send_as("GET", url, NULL, 0, NULL), 405);
    assert_int_equal(send_as("DELETE", url, NULL, 0, NULL), 405);
    assert_int_equal(spooled(NULL), 0);
}

static void test_a_secret_is_asked_for(void **state)
{
    const struct tow_http_header right = {"X-Token", "open sesame"};
    const struct tow_http_header wrong = {"X-Token", "open sesamf"};
    const struct tow_http_header shorter = {"X-Token", "open"};
    const struct tow_http_header longer = {"X-Token", "open sesameopen sesame"};
    const struct tow_http_header other = {"X-Tokens", "open sesame"};

    (void)state;
    settings.secret_header = "X-Token";
    settings.secret = "open sesame";
    begin(NULL);
    assert_int_equal(post("{}"), 401);
    assert_int_equal(send_as("POST", url, "{}", 2, &wrong), 401);
    assert_int_equal(send_as("POST", url, "{}", 2, &shorter), 401);
    assert_int_equal(send_as("POST", url, "{}", 2, &longer), 401);
    assert_int_equal(send_as("POST", url, "{}", 2, &other), 401);
    assert_int_equal(spooled(NULL), 0);
    assert_int_equal(send_as("POST", url, "{}", 2, &right), 200);
    assert_int_equal(spooled("{}"), 1);
}

static void test_bodies_that_are_empty_or_encoded_are_refused(void **state)
{
    const struct tow_http_header gzip = {"Content-Encoding", "gzip"};

    (void)state;
    begin(NULL);
    assert_int_equal(send_as("POST", url, "", 0, NULL), 400);
    assert_int_equal(send_as("POST", url, "x", 1, &gzip), 415);
    assert_int_equal(spooled(NULL), 0);
}

static void test_a_body_may_be_as_long_as_the_limit_and_not_longer(void **state)
{
    const struct tow_http_header chunked = {"Transfer-Encoding", "chunked"};
    char *body = calloc(1, settings.max_body + 2);

    (void)state;
    memset(body, ' ', settings.max_body + 1);
    begin(NULL);
    assert_int_equal(send_as("POST", url, body, settings.max_body, NULL), 200);
    assert_int_equal(send_as("POST", url, body, settings.max_body + 1, NULL), 413);
    assert_int_equal(send_as("POST", url, body, settings.max_body + 1, &chunked), 413);
    assert_int_equal(spooled(NULL), 1);
    free(body);
}

static void test_more_bytes_under_way_than_allowed_are_put_off(void **state)
{
    char *body = calloc(1, 50000);

    (void)state;
    memset(body, ' ', 50000);
    settings.max_pending = 10000;
    begin(NULL);
    assert_int_equal(send_as("POST", url, body, 50000, NULL), 503);
    assert_int_equal(spooled(NULL), 0);
    assert_int_equal(post("{}"), 200);
    free(body);
}

static void test_a_full_spool_puts_senders_off_until_there_is_room(void **state)
{
    struct tow_spool_message message;
    struct tow_spool_place at = {0};
    char *body = calloc(1, 9000);
    int taken = 0, status;

    (void)state;
    memset(body, ' ', 9000);
    spool_settings.segment_bytes = 20000;
    spool_settings.max_bytes = 100000;
    begin(NULL);
    while ((status = send_as("POST", url, body, 9000, NULL)) == 200)
        taken++;
    assert_int_equal(status, 503);
    assert_in_range(taken, 9, 11);
    while (tow_spool_read(spool, at, &message, &err) == TOW_OK)
        at = message.next;
    assert_ok(tow_spool_drop(spool, at, &err), err);
    assert_int_equal(post("{}"), 200);
    assert_ok(tow_receiver_health(receiver, &err), err);
    free(body);
}

static int fill_the_disk(const struct scratch *scratch)
{
    const struct rlimit limit = {4096, 4096};
    char body[3000];
    int status = 0;

    (void)scratch;
    signal(SIGXFSZ, SIG_IGN);
    memset(body, ' ', sizeof body);
    begin(NULL);
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    for (int i = 0; i < 3; i++)
        status = send_as("POST", url, body, sizeof body, NULL);
    if (status != 503 || tow_receiver_health(receiver, &err) != TOW_E_ENV)
        return 2;
    return strstr(err.message, "spool") ? 0 : 3;
}

static void test_a_full_disk_is_told_and_nothing_is_promised(void **state)
{
    assert_int_equal(scratch_child(*state, fill_the_disk, 0), 0);
}

static void test_a_sender_that_drips_is_shown_out(void **state)
{
    static const char head[] = "POST /hook HTTP/1.1\r\nX: ";
    int64_t began = tow_monotonic_ms();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd line = {.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};

    (void)state;
    settings.connections = 1;
    settings.timeout_ms = 1000;
    begin(NULL);
    address.sin_port = htons((uint16_t)tow_receiver_port(receiver));
    assert_int_equal(connect(line.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(line.fd, head, strlen(head), MSG_NOSIGNAL), strlen(head));
    /* A byte more often than silence is allowed. */
    while (poll(&line, 1, 200) == 0)
        (void)send(line.fd, "y", 1, MSG_NOSIGNAL);
    assert_in_range(tow_monotonic_ms() - began, 3000, 15000);
    close(line.fd);
    assert_int_equal(post("hello"), 200);
}

/* ---- starting ------------------------------------------------------------------------------- */

static void refused(const char *says)
{
    assert_int_equal(tow_receiver_check(&settings, &err), TOW_E_CONFIG);
    assert_says(err, says);
}

static void test_addresses_that_others_reach_need_tls_and_a_secret(void **state)
{
    char path[256];

    snprintf(path, sizeof path, "%s/x.pem", ((struct scratch *)*state)->folder);
    settings.listen = "0.0.0.0:0";
    refused("give a certificate and a key");
    settings.certificate = settings.key = path;
    assert_int_equal(tow_receiver_check(&settings, &err), TOW_E_ENV);
    assert_says(err, "x.pem");
    scratch_write(path, "x", 1);
    refused("give secret_header and secret");
    settings.secret_header = "X-Token";
    settings.secret = "s";
    assert_ok(tow_receiver_check(&settings, &err), err);
    settings = (struct tow_receiver_settings){.listen = "[::]:1", .path = "/", .allow_plain = 1};
    assert_ok(tow_receiver_check(&settings, &err), err);
}

static void test_settings_that_do_not_go_together_are_refused(void **state)
{
    static const char *const addresses[] = {
        "",         "8088",          "127.0.0.1",  ":80",
        "[::1]",    "example.com:1", "127.0.0.1:", "127.0.0.1:65536",
        "::1:8088", "127.0.0.1:x",   "[::1:80",    "1.2.3:80"};

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        settings.listen = addresses[i];
        refused("is no address and port");
    }
    settings.listen = "[::1]:8088";
    settings.path = "hook";
    refused("must begin with '/'");
    settings.path = "/hook";
    settings.key = "x";
    refused("the certificate is missing");
    settings.key = NULL;
    settings.secret = "x";
    refused("secret_header is missing");
    settings.secret_header = "X-Token";
    settings.secret = "";
    refused("secret is empty");
}

static void test_a_port_that_is_taken_is_told(void **state)
{
    struct tow_receiver *other;
    char taken[32];

    (void)state;
    begin(NULL);
    snprintf(taken, sizeof taken, "127.0.0.1:%d", tow_receiver_port(receiver));
    settings.listen = taken;
    assert_int_equal(tow_receiver_start(&settings, spool, &other, &err), TOW_E_ENV);
    assert_says(err, "in use");
    assert_null(other);
}

static void test_a_certificate_that_is_none_is_told(void **state)
{
    struct tow_receiver *other;
    char path[256];

    snprintf(path, sizeof path, "%s/x.pem", ((struct scratch *)*state)->folder);
    settings.certificate = settings.key = path;
    assert_ok(tow_spool_open(&spool_settings, &spool, &err), err);
    assert_int_equal(tow_receiver_start(&settings, spool, &other, &err), TOW_E_ENV);
    assert_says(err, "x.pem");
    scratch_write(path, "no certificate", 14);
    assert_int_equal(tow_receiver_start(&settings, spool, &other, &err), TOW_E_ENV);
    assert_says(err, "certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define RECEIVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        RECEIVER_TEST(test_what_is_answered_with_200_is_in_the_spool),
        RECEIVER_TEST(test_a_sender_that_drips_is_shown_out),
        RECEIVER_TEST(test_many_senders_at_once_get_what_is_durable),
        RECEIVER_TEST(test_over_tls),
        RECEIVER_TEST(test_other_paths_and_methods_are_refused),
        RECEIVER_TEST(test_a_secret_is_asked_for),
        RECEIVER_TEST(test_bodies_that_are_empty_or_encoded_are_refused),
        RECEIVER_TEST(test_a_body_may_be_as_long_as_the_limit_and_not_longer),
        RECEIVER_TEST(test_more_bytes_under_way_than_allowed_are_put_off),
        RECEIVER_TEST(test_a_full_spool_puts_senders_off_until_there_is_room),
        RECEIVER_TEST(test_a_full_disk_is_told_and_nothing_is_promised),
        RECEIVER_TEST(test_addresses_that_others_reach_need_tls_and_a_secret),
        RECEIVER_TEST(test_settings_that_do_not_go_together_are_refused),
        RECEIVER_TEST(test_a_port_that_is_taken_is_told),
        RECEIVER_TEST(test_a_certificate_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
