/* What tests of connectors/http share: clients, requests, and answers that are looked at. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include "connectors/http/http.h"
#include "http_server.h"
#include "unit.h"

struct exchange {
    struct tow_http_request request;
    char url[512];
    struct tow_http_response response;
    struct tow_error err;
    int code;
};

/* Takes proxies and certificates out of the environment; for main. */
void http_fixture_clean_environment(void);
/* NULL: all defaults, no cancel_fd. */
struct tow_http *http_fixture_client(const struct tow_http_settings *settings);
/* A request to base and path; the rest is zero. */
void exchange_init(struct exchange *exchange, const char *method, const char *base,
                   const char *path);
/* Does it; the result is in the exchange. */
int exchange_perform(struct exchange *exchange, struct tow_http *http);
void exchange_release(struct exchange *exchange);

/* Method, URL and nothing else: does it, and fails the test where no answer comes. */
void exchange_get(struct exchange *exchange, struct tow_http *http, struct http_server *server,
                  const char *path);

/* A request's header: its value, or NULL where it must be absent. */
void assert_header(const struct http_seen *seen, const char *name, const char *value);

/* Begins an exchange; the test fails where that cannot be. */
struct tow_http_call *exchange_start(struct exchange *exchange, struct tow_http *http);
/* Runs the client until the exchange has ended, and finishes it. */
int exchange_finish(struct exchange *exchange, struct tow_http *http, struct tow_http_call *call);

/* So many bytes that do not repeat soon, with a NUL behind them; heap. */
char *http_fixture_bytes(size_t length);
/* A file without a name that holds them. */
int http_fixture_file(const char *bytes, size_t length);

/* Takes a body, and pauses before the piece with which it would hold more than `room`. */
struct taker {
    struct tow_buffer bytes;
    size_t room;
    int pauses;
    int status;
    int64_t length;
};

int taker_take(void *context, const struct tow_http_call *call, const void *bytes, size_t length,
               struct tow_error *err);

/* The exchange ended with that class and those words. */
#define assert_failed(exchange, class, words)                                           \
    do {                                                                                \
        if ((exchange).code != (class) || !strstr((exchange).err.message, (words)))     \
            fail_msg("%s (%s) where %s \"%s\" is due", tow_error_name((exchange).code), \
                     (exchange).err.message, tow_error_name(class), (words));           \
    } while (0)

#endif
