/* OAuth tokens for one table, as the service hands them out. */
#ifndef CONNECTORS_ZEROBUS_TOKEN_H
#define CONNECTORS_ZEROBUS_TOKEN_H

#include "connectors/databricks/config.h"
#include "connectors/http/http.h"

struct token {
    char *bearer;    /* "Bearer ..."; NULL: none */
    int64_t life_ms; /* that the service gave it, from the request on; 0: it did not say */
};

struct token_request {
    const struct tow_databricks_config *workspace;
    const char *workspace_id, *table;
    int64_t timeout_ms;
};

/* Fetches one: TOW_E_TRANSIENT and TOW_E_RATE may pass; TOW_E_AUTH, TOW_E_CONFIG, TOW_E_ENV do
 * not. */
int token_fetch(struct tow_http *http, const struct token_request *request, struct token *token,
                struct tow_error *err);
void token_release(struct token *token);

#endif
