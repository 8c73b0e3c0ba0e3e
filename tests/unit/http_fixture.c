#include "http_fixture.h"

#include <sys/mman.h>
#include <unistd.h>

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

void assert_header(const struct http_seen *seen, const char *name, const char *value)
{
    char *found = http_seen_header(seen, name);

    if (!value && found)
        fail_msg("%s: %s", name, found);
    if (value && (!found || strcmp(found, value) != 0))
        fail_msg("%s: \"%s\", not \"%s\"", name, found ? found : "(absent)", value);
    free(found);
}

struct tow_http_call *exchange_start(struct exchange *exchange, struct tow_http *http)
{
    struct tow_http_call *call = tow_http_start(http, &exchange->request, &exchange->err);

    if (!call)
        fail_msg("%s", exchange->err.message);
    return call;
}

int exchange_finish(struct exchange *exchange, struct tow_http *http, struct tow_http_call *call)
{
    struct tow_error err = TOW_ERROR_INIT;

    while (!tow_http_ended(call))
        assert_ok(tow_http_run(http, 10000, &err), err);
    exchange->code = tow_http_finish(call, &exchange->response, &exchange->err);
    return exchange->code;
}

char *http_fixture_bytes(size_t length)
{
    char *bytes = malloc(length + 1);
    size_t i;

    assert_non_null(bytes);
    for (i = 0; i < length; i++)
        bytes[i] = (char)('a' + i * 31 % 23 + i / 1000 % 3);
    bytes[length] = '\0';
    return bytes;
}

int http_fixture_file(const char *bytes, size_t length)
{
    int fd = memfd_create("upload", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    return fd;
}

int taker_take(void *context, const struct tow_http_call *call, const void *bytes, size_t length,
               struct tow_error *err)
{
    struct taker *taker = context;

    taker->status = tow_http_status(call);
    taker->length = tow_http_length(call);
    if (taker->bytes.size + length > taker->room) {
        taker->pauses++;
        return TOW_END;
    }
    return tow_buffer_append(&taker->bytes, bytes, length, err);
}
