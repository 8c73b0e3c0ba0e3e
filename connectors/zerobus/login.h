/*
 * Where the metadata of streams comes from (Zerobus Ingest documentation, Authentication): an OAuth
 * token that is good for one table and kept until shortly before its end, or headers of the user's
 * own, written down or asked of a program. One login serves several streams, from any thread.
 */
#ifndef CONNECTORS_ZEROBUS_LOGIN_H
#define CONNECTORS_ZEROBUS_LOGIN_H

#include "connectors/databricks/config.h"
#include "connectors/zerobus/stream.h"

struct tow_zerobus_login_settings {
    const char *table;        /* "catalog.schema.table" */
    const char *workspace_id; /* that the token is for */
    /* OAuth, by client_id and client_secret; NULL where headers or a command are given. */
    const struct tow_databricks_config *workspace;
    const char *const *headers; /* "name: value"; header_count of them */
    size_t header_count;
    const char *const *command; /* program and arguments, whose lines of output are such headers */
    size_t command_count;
    int64_t refresh_ms; /* a token is renewed so long before its end; 0: 5 min */
    int cancel_fd;      /* readable: whoever waits in it stops; -1: none */
};

struct tow_zerobus_account;

/* Settings are copied. TOW_E_CONFIG for headers that are none, or lack authorization. */
struct tow_zerobus_account *tow_zerobus_account_new(
    const struct tow_zerobus_login_settings *settings, struct tow_error *err);
void tow_zerobus_account_free(struct tow_zerobus_account *account);
/* What a stream needs; good until the account is freed. */
struct tow_zerobus_login tow_zerobus_account_login(struct tow_zerobus_account *account);

/*
 * "Bearer ..." of a token that lasts, fetched within timeout_ms where there is none. Only one
 * thread fetches at a time. A token that is to be renewed and cannot be is used while it lasts.
 * TOW_E_TRANSIENT, TOW_E_RATE; TOW_E_AUTH and TOW_E_CONFIG where the service refuses.
 */
int tow_zerobus_account_bearer(struct tow_zerobus_account *account, int64_t timeout_ms,
                               struct tow_buffer *bearer, struct tow_error *err);
/* The service has refused this one: it is not used again. */
void tow_zerobus_account_forget(struct tow_zerobus_account *account, const char *bearer);

/* The first label of an endpoint's host, which is the workspace's number; new. NULL: no memory. */
char *tow_zerobus_workspace_id(const char *endpoint);
/* TOW_E_CONFIG where the text is not three parts with dots between. */
int tow_zerobus_check_table(const char *table, struct tow_error *err);

#endif
