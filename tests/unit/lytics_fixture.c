#include "lytics_fixture.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "http_fixture.h"

void api_renew(struct api *api)
{
    tow_lytics_free(api->lytics);
    api->lytics = NULL;
    assert_ok(tow_lytics_check(&api->settings, &api->err), api->err);
    api->lytics = tow_lytics_new(&api->settings, &api->err);
    if (!api->lytics)
        fail_msg("%s", api->err.message);
}

int api_setup(void **state)
{
    struct api *api = calloc(1, sizeof *api);

    assert_non_null(api);
    http_fixture_clean_environment();
    api->err = (struct tow_error)TOW_ERROR_INIT;
    api->server = http_server_new(NULL);
    api->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(api->cancel >= 0);
    api->settings = (struct tow_lytics_settings){.api_url = http_server_base(api->server),
                                                 .bulk_url = http_server_base(api->server),
                                                 .token = LYTICS_TOKEN,
                                                 .cancel_fd = api->cancel};
    api_renew(api);
    *state = api;
    return 0;
}

int api_teardown(void **state)
{
    struct api *api = *state;

    tow_lytics_answer_release(&api->answer);
    tow_lytics_free(api->lytics);
    http_server_free(api->server);
    close(api->cancel);
    free(api);
    return 0;
}

void api_reply(struct api *api, int status, const char *body)
{
    http_server_reply(api->server,
                      (struct http_reply){.status = status,
                                          .headers = "Content-Type: application/json\r\n",
                                          .body = body});
}

void assert_asked(struct api *api, size_t index, const char *line)
{
    const struct http_seen *seen;
    char text[sizeof seen->method + sizeof seen->target + 1];

    if (index >= http_server_count(api->server))
        fail_msg("request %zu, %s, did not come", index, line);
    seen = http_server_seen(api->server, index);
    snprintf(text, sizeof text, "%s %s", seen->method, seen->target);
    assert_string_equal(text, line);
}

void assert_told(struct api *api, size_t index, const char *name, const char *value)
{
    assert_header(http_server_seen(api->server, index), name, value);
}

void assert_hushed(const struct tow_error *err)
{
    if (strstr(err->message, "hush"))
        fail_msg("a secret stands in \"%s\"", err->message);
}
