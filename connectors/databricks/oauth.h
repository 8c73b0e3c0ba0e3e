/*
 * Tokens of a service principal: OAuth 2.0 client credentials, from a workspace's own endpoint
 * (Databricks documentation, Authorize service principal access with OAuth).
 */
#ifndef CONNECTORS_DATABRICKS_OAUTH_H
#define CONNECTORS_DATABRICKS_OAUTH_H

#include "connectors/databricks/config.h"
#include "connectors/http/http.h"

/* What the value of an Authorization header begins with. */
#define TOW_BEARER "Bearer "

struct tow_oauth_token {
    char *bearer;    /* "Bearer ..."; NULL: none */
    int64_t life_ms; /* that the answer gave it, a day at most; 0: it did not say */
};

struct tow_oauth_request {
    const struct tow_databricks_config *workspace; /* url, client_id, client_secret */
    const char *form;                              /* the body: application/x-www-form-urlencoded */
    size_t form_length;
    int64_t timeout_ms;
    const char *what; /* "logging in by OAuth": messages begin with it */
    /* Says in err why an answer is no success; returns its class. */
    int (*refused)(void *context, const struct tow_http_response *response, struct tow_error *err);
    void *context;
};

/* Fetches a token. TOW_E_ENV where a success brings none; else as tow_http_perform, or what
 * `refused` says. Where it fails, *token is empty. */
int tow_oauth_fetch(struct tow_http *http, const struct tow_oauth_request *request,
                    struct tow_oauth_token *token, struct tow_error *err);
/* Wipes it. */
void tow_oauth_token_release(struct tow_oauth_token *token);

#endif
