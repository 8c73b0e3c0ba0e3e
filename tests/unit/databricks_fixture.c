#include "databricks_fixture.h"

#include <jansson.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/databricks/client_priv.h"

void workspace_clean_environment(void)
{
    static const char *const names[] = {
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "DATABRICKS_HOST",
        "DATABRICKS_TOKEN",
        "DATABRICKS_CLIENT_ID",
        "DATABRICKS_CLIENT_SECRET",
        "DATABRICKS_WAREHOUSE_ID",
        "DATABRICKS_WORKSPACE_ID",
        "DATABRICKS_AUTH_TYPE",
        "DATABRICKS_CONFIG_FILE",
        "DATABRICKS_CONFIG_PROFILE",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

struct workspace *workspace_new(int as_client,
                                void (*handle)(void *context, const struct http_seen *seen,
                                               struct http_reply *reply))
{
    struct workspace *workspace = calloc(1, sizeof *workspace);
    struct http_server_options options = {.handle = handle, .context = workspace};
    struct tow_databricks_settings settings = {.warehouse_id = WORKSPACE_WAREHOUSE};

    assert_non_null(workspace);
    workspace_clean_environment();
    workspace->err = (struct tow_error)TOW_ERROR_INIT;
    workspace->server = http_server_new(&options);
    workspace->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(workspace->cancel >= 0);
    settings.host = http_server_base(workspace->server);
    if (as_client) {
        settings.client_id = "principal";
        settings.client_secret = WORKSPACE_SECRET;
    } else {
        settings.token = WORKSPACE_TOKEN;
    }
    assert_ok(tow_databricks_config_init(&workspace->config, &settings, 1, &workspace->err),
              workspace->err);
    workspace->databricks =
        tow_databricks_new(&workspace->config, workspace->cancel, &workspace->err);
    if (!workspace->databricks)
        fail_msg("%s", workspace->err.message);
    workspace->databricks->poll_ms = 2;
    return workspace;
}

void workspace_free(struct workspace *workspace)
{
    tow_databricks_free(workspace->databricks);
    tow_databricks_config_release(&workspace->config);
    http_server_free(workspace->server);
    close(workspace->cancel);
    free(workspace);
}

int workspace_setup(void **state)
{
    *state = workspace_new(0, NULL);
    return 0;
}

int workspace_setup_client(void **state)
{
    *state = workspace_new(1, NULL);
    return 0;
}

int workspace_teardown(void **state)
{
    workspace_free(*state);
    return 0;
}

void workspace_reply_with(struct workspace *workspace, int status, const char *headers,
                          const char *body)
{
    http_server_reply(workspace->server,
                      (struct http_reply){.status = status, .headers = headers, .body = body});
}

void workspace_reply(struct workspace *workspace, int status, const char *body)
{
    workspace_reply_with(workspace, status, "Content-Type: application/json\r\n", body);
}

void assert_seen(struct workspace *workspace, size_t index, const char *line)
{
    const struct http_seen *seen;
    char text[sizeof seen->method + sizeof seen->target + 1];

    if (index >= http_server_count(workspace->server))
        fail_msg("request %zu, %s, did not come", index, line);
    seen = http_server_seen(workspace->server, index);
    snprintf(text, sizeof text, "%s %s", seen->method, seen->target);
    assert_string_equal(text, line);
}

void assert_sent(struct workspace *workspace, size_t index, const char *member,
                 const char *expected)
{
    const struct http_seen *seen = http_server_seen(workspace->server, index);
    json_error_t reason;
    json_t *root = json_loadb(seen->body, seen->length, 0, &reason);
    char *text;

    if (!root)
        fail_msg("request %zu: %s in %s", index, reason.text, seen->body);
    text = json_dumps(json_object_get(root, member), JSON_ENCODE_ANY | JSON_COMPACT);
    if ((text && !expected) || (expected && (!text || strcmp(text, expected) != 0)))
        fail_msg("%s: %s, not %s", member, text ? text : "(absent)",
                 expected ? expected : "(absent)");
    free(text);
    json_decref(root);
}

void assert_hushed(const struct tow_error *err)
{
    if (strstr(err->message, "hush"))
        fail_msg("a secret stands in \"%s\"", err->message);
}
