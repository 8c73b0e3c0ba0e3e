/*
 * The token request (Zerobus Ingest documentation, Authentication): client credentials with the
 * privileges that the token is to carry. One without those of catalog and schema is handed out as
 * well, and refused by the streams.
 */
#include "connectors/zerobus/token.h"

#include <stdio.h>
#include <string.h>

#include "towpath/clock.h"

#define TOKEN_WHAT "logging in for Zerobus"

/* ---- the request ----------------------------------------------------------------------------- */

/* One privilege, as JSON. */
static int token_put_privilege(struct tow_buffer *out, const char *privileges, const char *type,
                               const char *name, size_t length, struct tow_error *err)
{
    int code = tow_buffer_printf(out, err,
                                 "%s{\"type\":\"unity_catalog_privileges\",\"privileges\":[%s],"
                                 "\"object_type\":\"%s\",\"object_full_path\":",
                                 out->size ? "," : "[", privileges, type);

    if (code == TOW_OK)
        code = tow_buffer_json_string(out, name, length, err);
    return code;
}

static int token_put_details(struct tow_buffer *out, const char *table, struct tow_error *err)
{
    const char *first = strchr(table, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    int code;

    if (!second)
        return tow_error_set(err, TOW_E_CONFIG, "\"%s\" is no table of a schema of a catalog",
                             table);
    code =
        token_put_privilege(out, "\"USE CATALOG\"", "CATALOG", table, (size_t)(first - table), err);
    if (code == TOW_OK)
        code = tow_buffer_append(out, "}", 1, err);
    if (code == TOW_OK)
        code = token_put_privilege(out, "\"USE SCHEMA\"", "SCHEMA", table, (size_t)(second - table),
                                   err);
    if (code == TOW_OK)
        code = tow_buffer_append(out, "}", 1, err);
    if (code == TOW_OK)
        code =
            token_put_privilege(out, "\"SELECT\",\"MODIFY\"", "TABLE", table, strlen(table), err);
    return code == TOW_OK ? tow_buffer_printf(out, err, ",\"operations\":[\"zerobuswrite\"]}]")
                          : code;
}

static int token_put_form(struct tow_buffer *form, const struct token_request *request,
                          struct tow_error *err)
{
    struct tow_buffer details = {0}, resource = {0};
    int code = token_put_details(&details, request->table, err);

    if (code == TOW_OK)
        code = tow_buffer_printf(&resource, err,
                                 "api://databricks/workspaces/%s/zerobusDirectWriteApi",
                                 request->workspace_id);
    if (code == TOW_OK)
        code = tow_buffer_printf(form, err,
                                 "grant_type=client_credentials&scope=all-apis&"
                                 "resource=");
    if (code == TOW_OK)
        code = tow_http_encode(form, resource.data, resource.size, 0, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(form, err, "&authorization_details=");
    if (code == TOW_OK)
        code = tow_http_encode(form, details.data, details.size, 0, err);
    tow_buffer_release(&details);
    tow_buffer_release(&resource);
    return code;
}

/* ---- the exchange ---------------------------------------------------------------------------- */

static int token_refused(void *context, const struct tow_http_response *response,
                         struct tow_error *err)
{
    const struct token_request *request = context;
    char what[400];

    (void)snprintf(what, sizeof what, TOKEN_WHAT " as %s, for %s", request->workspace->client_id,
                   request->table);
    return tow_http_refused(response, what, err);
}

int token_fetch(struct tow_http *http, struct token_request *request, struct tow_oauth_token *token,
                struct tow_error *err)
{
    struct tow_oauth_request exchange = {.workspace = request->workspace,
                                         .timeout_ms = request->timeout_ms,
                                         .what = TOKEN_WHAT,
                                         .refused = token_refused,
                                         .context = request};
    struct tow_buffer form = {0};
    int64_t began_ms = tow_monotonic_ms();
    int code = token_put_form(&form, request, err);

    *token = (struct tow_oauth_token){0};
    exchange.form = form.data;
    exchange.form_length = form.size;
    if (code == TOW_OK)
        code = tow_oauth_fetch(http, &exchange, token, err);
    if (code == TOW_OK && token->life_ms && tow_monotonic_ms() - began_ms >= token->life_ms)
        code = tow_error_set(err, TOW_E_TRANSIENT, TOKEN_WHAT ": the token had ended when it came");
    if (code != TOW_OK)
        tow_oauth_token_release(token);
    tow_buffer_release(&form);
    return code;
}
