#include "http_fixture.h"

void http_fixture_clean_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy",  "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",    "no_proxy",
                                        "NO_PROXY",   "SSL_CERT_FILE"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

struct tow_http *http_fixture_client(const struct tow_http_settings *settings)
{
    const struct tow_http_settings plain = {.cancel_fd = -1};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_http *http = tow_http_new(settings ? settings : &plain, &err);

    if (!http)
        fail_msg("%s", err.message);
    return http;
}

void exchange_init(struct exchange *exchange, const char *method, const char *base,
                   const char *path)
{
    *exchange = (struct exchange){.err = TOW_ERROR_INIT};
    snprintf(exchange->url, sizeof exchange->url, "%s%s", base, path);
    exchange->request.method = method;
    exchange->request.url = exchange->url;
}

int exchange_perform(struct exchange *exchange, struct tow_http *http)
{
    exchange->code =
        tow_http_perform(http, &exchange->request, &exchange->response, &exchange->err);
    return exchange->code;
}

void exchange_release(struct exchange *exchange)
{
    tow_http_response_release(&exchange->response);
}

void exchange_get(struct exchange *exchange, struct tow_http *http, struct http_server *server,
                  const char *path)
{
    exchange_init(exchange, "GET", http_server_base(server), path);
    assert_ok(exchange_perform(exchange, http), exchange->err);
}
