/* OAuth tokens for one table, as the service hands them out. */
#ifndef CONNECTORS_ZEROBUS_TOKEN_H
#define CONNECTORS_ZEROBUS_TOKEN_H

#include "connectors/databricks/oauth.h"

struct token_request {
    const struct tow_databricks_config *workspace;
    const char *workspace_id, *table;
    int64_t timeout_ms;
};

/* Fetches one, whose life counts from the call on: TOW_E_TRANSIENT and TOW_E_RATE may pass;
 * TOW_E_AUTH, TOW_E_CONFIG, TOW_E_ENV do not. */
int token_fetch(struct tow_http *http, struct token_request *request, struct tow_oauth_token *token,
                struct tow_error *err);

#endif
