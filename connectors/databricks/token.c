/* The login header: a personal access token as it is, or an OAuth token of a service principal
 * (Databricks documentation, Authorize service principal access with OAuth). */
#include <string.h>

#include "connectors/databricks/client_priv.h"
#include "connectors/databricks/oauth.h"
#include "connectors/databricks/secret.h"
#include "towpath/clock.h"

#define TOKEN_WHAT        "logging in by OAuth"
#define TOKEN_FORM        "grant_type=client_credentials&scope=all-apis"
#define TOKEN_TIMEOUT_MS  30000
#define TOKEN_MARGIN_MS   60000
#define TOKEN_LIFE_MIN_MS 120000  /* of one whose answer says less: it is renewed half way */
#define TOKEN_LIFE_MS     3600000 /* where the answer does not say */

/* The answer is no success. */
static int token_refused(void *context, const struct tow_http_response *response,
                         struct tow_error *err)
{
    const struct tow_databricks *databricks = context;
    const struct tow_databricks_call call = {.what = TOKEN_WHAT};
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
    const struct tow_oauth_request request = {.workspace = &databricks->config,
                                              .form = TOKEN_FORM,
                                              .form_length = sizeof TOKEN_FORM - 1,
                                              .timeout_ms = TOKEN_TIMEOUT_MS,
                                              .what = TOKEN_WHAT,
                                              .refused = token_refused,
                                              .context = databricks};
    struct tow_oauth_token token;
    int code = tow_oauth_fetch(databricks->http, &request, &token, err);
    int64_t life = token.life_ms ? token.life_ms : TOKEN_LIFE_MS;

    if (code != TOW_OK)
        return code;
    life -= life > TOKEN_LIFE_MIN_MS ? TOKEN_MARGIN_MS : life / 2;
    databricks->renew_ms = tow_monotonic_ms() + life;
    databricks->bearer = token.bearer;
    databricks->logins++;
    return TOW_OK;
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
