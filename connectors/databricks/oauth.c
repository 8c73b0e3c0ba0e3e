#include "connectors/databricks/oauth.h"

#include <stdio.h>

#include "connectors/databricks/secret.h"
#include "towpath/json.h"
#include "towpath/value.h"

#define OAUTH_PATH       "/oidc/v1/token"
#define OAUTH_LIMIT      65536
#define OAUTH_DEPTH      16
#define OAUTH_LIFE_MAX_S INT64_C(86400)

/* "Bearer " and what the JSON string stands for. TOW_E_DATA, with nothing in err, where that is
 * empty or not fit for a header. */

static int oauth_make_bearer(struct tow_json_part string, char **bearer, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code = tow_buffer_reserve(&text, sizeof TOW_BEARER + string.length, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&text, TOW_BEARER, sizeof TOW_BEARER - 1, err);
    if (code == TOW_OK)
        code = tow_json_unescape(&text, string, NULL);
    if (code == TOW_OK && text.size == sizeof TOW_BEARER - 1)
        code = TOW_E_DATA;
    for (size_t i = sizeof TOW_BEARER - 1; code == TOW_OK && i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            code = TOW_E_DATA;
    if (code == TOW_OK) {
        text.data[text.size] = '\0'; /* falls into the buffer's slack */
        *bearer = text.data;
        return TOW_OK;
    }
    tow_secret_buffer_release(&text);
    return code == TOW_E_NOMEM ? tow_error_nomem(err) : code;
}

/* Milliseconds of "expires_in", a number of seconds or a text of one; 0 where it says nothing. */
static int64_t oauth_life_ms(struct tow_json_part part)
{
    int64_t life;

    if (part.length >= 2 && part.text[0] == '"') {
        part.text++;
        part.length -= 2;
    }
    if (tow_parse_int64(part.text, part.length, &life) != TOW_PARSE_OK || life <= 0)
        return 0;
    return (life < OAUTH_LIFE_MAX_S ? life : OAUTH_LIFE_MAX_S) * 1000;
}

static int oauth_read(const struct tow_oauth_request *request, const struct tow_buffer *body,
                      struct tow_oauth_token *token, struct tow_error *err)
{
    struct tow_json_part key, value, string = {"", 0};
    struct tow_json_scan scan;
    int code;

    if (!tow_json_valid(body->data, body->size, OAUTH_DEPTH) ||
        !tow_json_scan_object(&scan, (struct tow_json_part){body->data, body->size}))
        return tow_error_set(err, TOW_E_ENV,
                             "%s: %s" OAUTH_PATH " answers with no JSON object; check host and "
                             "proxy settings",
                             request->what, request->workspace->url);
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"access_token\""))
            string = value;
        else if (tow_json_part_is(key, "\"expires_in\""))
            token->life_ms = oauth_life_ms(value);
    }
    code = oauth_make_bearer(string, &token->bearer, err);
    if (code == TOW_OK || code == TOW_E_NOMEM)
        return code;
    return tow_error_set(err, TOW_E_ENV, "%s: the answer's access_token is no token",
                         request->what);
}

int tow_oauth_fetch(struct tow_http *http, const struct tow_oauth_request *request,
                    struct tow_oauth_token *token, struct tow_error *err)
{
    static const struct tow_http_header headers[] = {
        {"Accept", "application/json"},
        {"Content-Type", "application/x-www-form-urlencoded"},
    };
    struct tow_http_request call = {.method = "POST",
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = request->form,
                                    .body_length = (int64_t)request->form_length,
                                    .user = request->workspace->client_id,
                                    .password = request->workspace->client_secret,
                                    .timeout_ms = request->timeout_ms,
                                    .limit = OAUTH_LIMIT};
    struct tow_http_response response = {0};
    char *url;
    int code;

    *token = (struct tow_oauth_token){0};
    if (asprintf(&url, "%s" OAUTH_PATH, request->workspace->url) < 0)
        return tow_error_nomem(err);
    call.url = url;
    code = tow_http_perform(http, &call, &response, err);
    if (code == TOW_OK && response.status / 100 == 2)
        code = oauth_read(request, &response.body, token, err);
    else if (code == TOW_OK)
        code = request->refused(request->context, &response, err);
    else if (code != TOW_E_CANCELLED)
        tow_error_prefix(err, "%s", request->what);
    if (response.body.data)
        explicit_bzero(response.body.data, response.body.capacity);
    tow_http_response_release(&response);
    free(url);
    if (code != TOW_OK)
        tow_oauth_token_release(token);
    return code;
}

void tow_oauth_token_release(struct tow_oauth_token *token)
{
    tow_secret_free(token->bearer);
    *token = (struct tow_oauth_token){0};
}
