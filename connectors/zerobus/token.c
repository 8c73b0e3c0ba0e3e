/*
 * The token request (Zerobus Ingest documentation, Authentication): client credentials with the
 * privileges that the token is to carry. One without those of catalog and schema is handed out as
 * well, and refused by the streams.
 */
#include "connectors/zerobus/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/bearer.h"
#include "connectors/databricks/secret.h"
#include "connectors/grpc/clock.h"
#include "towpath/clock.h"
#include "towpath/json.h"
#include "towpath/value.h"

#define TOKEN_PATH     "/oidc/v1/token"
#define TOKEN_LIMIT    65536
#define TOKEN_DEPTH    16
#define TOKEN_LIFE_MAX INT64_C(86400) /* seconds; a longer one is taken for that */

void token_release(struct token *token)
{
    tow_secret_free(token->bearer);
    *token = (struct token){0};
}

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

/* ---- the answer ------------------------------------------------------------------------------ */

/* Milliseconds of "expires_in", a number or a text; 0 where it says nothing. */
static int64_t token_life_ms(struct tow_json_part part)
{
    int64_t life;

    if (part.length >= 2 && part.text[0] == '"') {
        part.text++;
        part.length -= 2;
    }
    if (tow_parse_int64(part.text, part.length, &life) != TOW_PARSE_OK || life <= 0)
        return 0;
    return (life < TOKEN_LIFE_MAX ? life : TOKEN_LIFE_MAX) * 1000;
}

static int token_take(struct token *token, struct tow_json_part string, struct tow_error *err)
{
    int code = tow_bearer_make(string, &token->bearer, err);

    if (code == TOW_OK || code == TOW_E_NOMEM)
        return code;
    return tow_error_set(err, TOW_E_AUTH,
                         "logging in for Zerobus: the access_token of the answer is no token");
}

static int token_read(struct token *token, const struct tow_buffer *body, struct tow_error *err)
{
    struct tow_json_part key, value, string = {"", 0};
    struct tow_json_scan scan;

    if (!tow_json_valid(body->data, body->size, TOKEN_DEPTH) ||
        !tow_json_scan_object(&scan, (struct tow_json_part){body->data, body->size}))
        return tow_error_set(err, TOW_E_ENV,
                             "logging in for Zerobus: the answer is no JSON object; check host and "
                             "proxy settings");
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"access_token\""))
            string = value;
        else if (tow_json_part_is(key, "\"expires_in\""))
            token->life_ms = token_life_ms(value);
    }
    return token_take(token, string, err);
}

/* ---- the exchange ---------------------------------------------------------------------------- */

static int token_judge(const struct tow_http_response *response,
                       const struct token_request *request, struct tow_error *err)
{
    char what[400];

    (void)snprintf(what, sizeof what, "logging in for Zerobus as %s, for %s",
                   request->workspace->client_id, request->table);
    return tow_http_refused(response, what, err);
}

static int token_exchange(struct tow_http *http, const struct token_request *request,
                          struct tow_buffer *form, struct token *token, struct tow_error *err)
{
    static const struct tow_http_header headers[] = {
        {"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}};
    struct tow_http_request call = {.method = "POST",
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = form->data,
                                    .body_length = (int64_t)form->size,
                                    .user = request->workspace->client_id,
                                    .password = request->workspace->client_secret,
                                    .timeout_ms = request->timeout_ms,
                                    .limit = TOKEN_LIMIT};
    struct tow_http_response response = {0};
    int64_t began_ms = tow_monotonic_ms();
    char *url;
    int code;

    if (asprintf(&url, "%s" TOKEN_PATH, request->workspace->url) < 0)
        return tow_error_nomem(err);
    call.url = url;
    code = tow_http_perform(http, &call, &response, err);
    if (code != TOW_OK && code != TOW_E_CANCELLED)
        tow_error_prefix(err, "logging in for Zerobus");
    if (code == TOW_OK)
        code = response.status / 100 == 2 ? token_read(token, &response.body, err)
                                          : token_judge(&response, request, err);
    if (code == TOW_OK && token->life_ms && tow_monotonic_ms() - began_ms >= token->life_ms)
        code = tow_error_set(err, TOW_E_TRANSIENT,
                             "logging in for Zerobus: the token had ended when it came");
    if (response.body.data)
        explicit_bzero(response.body.data, response.body.capacity);
    tow_http_response_release(&response);
    free(url);
    return code;
}

int token_fetch(struct tow_http *http, const struct token_request *request, struct token *token,
                struct tow_error *err)
{
    struct tow_buffer form = {0};
    int code = token_put_form(&form, request, err);

    *token = (struct token){0};
    if (code == TOW_OK)
        code = token_exchange(http, request, &form, token, err);
    if (code != TOW_OK)
        token_release(token);
    tow_buffer_release(&form);
    return code;
}
