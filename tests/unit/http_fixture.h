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

/* The exchange ended with that class and those words. */
#define assert_failed(exchange, class, words)                                           \
    do {                                                                                \
        if ((exchange).code != (class) || !strstr((exchange).err.message, (words)))     \
            fail_msg("%s (%s) where %s \"%s\" is due", tow_error_name((exchange).code), \
                     (exchange).err.message, tow_error_name(class), (words));           \
    } while (0)

#endif
