/* The login header: a personal access token as it is, or an OAuth token of a service principal
 * (Databricks documentation, Authorize service principal access with OAuth). */
#include <stdio.h>
#include <string.h>

#include "connectors/databricks/bearer.h"
#include "connectors/databricks/client_priv.h"
#include "connectors/databricks/secret.h"
#include "towpath/clock.h"
#include "towpath/json.h"
#include "towpath/value.h"

#define TOKEN_PATH       "/oidc/v1/token"
#define TOKEN_FORM       "grant_type=client_credentials&scope=all-apis"
#define TOKEN_TIMEOUT_MS 30000
#define TOKEN_LIMIT      65536
#define TOKEN_DEPTH      16
#define TOKEN_MARGIN_S   60
#define TOKEN_LIFE_MIN_S 120   /* of one whose answer says less: it is renewed half way */
#define TOKEN_LIFE_MAX_S 86400 /* what an answer may say at most */
#define TOKEN_LIFE_S     3600  /* where the answer does not say */

static int token_take(struct tow_databricks *databricks, struct tow_json_part string,
                      struct tow_error *err)
{
    int code = tow_bearer_make(string, &databricks->bearer, err);

    databricks->logins += code == TOW_OK;
    if (code == TOW_OK || code == TOW_E_NOMEM)
        return code;
    return tow_error_set(err, TOW_E_ENV, "logging in: the answer's access_token is no token");
}

/* Seconds that an "expires_in" says, as a number or as a text. */
static int64_t token_life(struct tow_json_part part)
{
    int64_t life;

    if (part.length >= 2 && part.text[0] == '"') {
        part.text++;
        part.length -= 2;
    }
    if (tow_parse_int64(part.text, part.length, &life) != TOW_PARSE_OK || life <= 0)
        return TOKEN_LIFE_S;
    return life > TOKEN_LIFE_MAX_S ? TOKEN_LIFE_MAX_S : life;
}

static int token_read(struct tow_databricks *databricks, const struct tow_buffer *body,
                      struct tow_error *err)
{
    struct tow_json_part key, value, token = {"", 0};
    struct tow_json_scan scan;
    int64_t life = TOKEN_LIFE_S;

    if (!tow_json_valid(body->data, body->size, TOKEN_DEPTH) ||
        !tow_json_scan_object(&scan, (struct tow_json_part){body->data, body->size}))
        return tow_error_set(err, TOW_E_ENV,
                             "logging in: %s" TOKEN_PATH " answers with no JSON object; check host "
                             "and proxy settings",
                             databricks->config.url);
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"access_token\""))
            token = value;
        else if (tow_json_part_is(key, "\"expires_in\""))
            life = token_life(value);
    }
    life -= life > TOKEN_LIFE_MIN_S ? TOKEN_MARGIN_S : life / 2;
    databricks->renew_ms = tow_monotonic_ms() + life * 1000;
    return token_take(databricks, token, err);
}

/* The answer is no success. */
static int token_refused(const struct tow_databricks *databricks,
                         const struct tow_http_response *response, struct tow_error *err)
{
    const struct tow_databricks_call call = {.what = "logging in by OAuth"};
    int code = tow_databricks_judge(databricks, &call, response, err);

    if (code != TOW_E_AUTH && code != TOW_E_CONFIG)
        return code;
    tow_http_refused(response, call.what, err);
    if (response->status == 404)
        return tow_databricks_hint(err, TOW_E_CONFIG, "check that %s is the host of a workspace",
                                   databricks->config.url);
    return tow_databricks_hint(err, TOW_E_AUTH,
                               "check client_id %s and its secret, which may have ended, and that "
                               "the service principal may use the workspace",
                               databricks->config.client_id);
}

static int token_fetch(struct tow_databricks *databricks, struct tow_error *err)
{
    const struct tow_http_header headers[] = {
        {"Accept", "application/json"},
        {"Content-Type", "application/x-www-form-urlencoded"},
    };
    struct tow_http_request request = {.method = "POST",
                                       .headers = headers,
                                       .header_count = 2,
                                       .body = TOKEN_FORM,
                                       .body_length = sizeof TOKEN_FORM - 1,
                                       .user = databricks->config.client_id,
                                       .password = databricks->config.client_secret,
                                       .timeout_ms = TOKEN_TIMEOUT_MS,
                                       .limit = TOKEN_LIMIT};
    struct tow_http_response response = {0};
    char *url;
    int code;

    if (asprintf(&url, "%s" TOKEN_PATH, databricks->config.url) < 0)
        return tow_error_nomem(err);
    request.url = url;
    code = tow_http_perform(databricks->http, &request, &response, err);
    if (code == TOW_OK && response.status / 100 == 2)
        code = token_read(databricks, &response.body, err);
    else if (code == TOW_OK)
        code = token_refused(databricks, &response, err);
    else if (code != TOW_E_CANCELLED)
        tow_error_prefix(err, "logging in by OAuth");
    if (response.body.data)
        explicit_bzero(response.body.data, response.body.capacity);
    tow_http_response_release(&response);
    free(url);
    return code;
}

int tow_databricks_login(struct tow_databricks *databricks, struct tow_error *err)
{
    if (databricks->bearer && tow_monotonic_ms() < databricks->renew_ms)
        return TOW_OK;
    tow_secret_free(databricks->bearer);
    databricks->bearer = NULL;
    if (databricks->config.login == TOW_DATABRICKS_CLIENT)
        return token_fetch(databricks, err);
    databricks->renew_ms = INT64_MAX;
    /* Not by asprintf, which may leave copies of the token in memory. */
    databricks->bearer = malloc(sizeof TOW_BEARER + strlen(databricks->config.token));
    if (!databricks->bearer)
        return tow_error_nomem(err);
    memcpy(databricks->bearer, TOW_BEARER, sizeof TOW_BEARER - 1);
    strcpy(databricks->bearer + sizeof TOW_BEARER - 1, databricks->config.token);
    return TOW_OK;
}

int tow_databricks_forget(struct tow_databricks *databricks)
{
    if (databricks->config.login != TOW_DATABRICKS_CLIENT)
        return 0;
    tow_secret_free(databricks->bearer);
    databricks->bearer = NULL;
    return 1;
}
