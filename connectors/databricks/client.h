/*
 * Calls of the Databricks REST API: base URL, login, JSON answers, errors that say what to do.
 *
 * A client has connections and a token of its own and is used by one thread at a time. An OAuth
 * token is fetched when first needed, renewed a minute before it ends, and once more after a 401.
 */
#ifndef CONNECTORS_DATABRICKS_CLIENT_H
#define CONNECTORS_DATABRICKS_CLIENT_H

#include <jansson.h>

#include "connectors/databricks/config.h"
#include "connectors/http/http.h"

struct tow_databricks;

/* config is copied. cancel_fd as in http.h; it stays the caller's. */
struct tow_databricks *tow_databricks_new(const struct tow_databricks_config *config, int cancel_fd,
                                          struct tow_error *err);
void tow_databricks_free(struct tow_databricks *databricks);

struct tow_databricks_call {
    const char *what;   /* for messages: "submitting the statement" */
    const char *method; /* "GET", ... */
    const char *path;   /* "/api/2.0/...", percent-encoded, with its query */
    const json_t *json; /* body; NULL: none, or one of the following */
    const void *body;   /* body_length bytes; NULL: none, or a file */
    int body_fd;        /* used where body is NULL and body_length > 0 */
    int64_t body_length;
    const char *body_type; /* of body and body_fd; NULL: "application/octet-stream" */
    int64_t timeout_ms;    /* 0: 60 s, with a body_fd none but that for idling */
    int64_t answer_ms;     /* that the server may be silent before it answers, by the request */
    size_t limit;          /* of the answer; 0: http.h's */
};

/*
 * One exchange with the login header. TOW_OK for 2xx. Otherwise the class by http.h, with the
 * server's own words: 401 and 403 are TOW_E_AUTH, 404 TOW_E_CONFIG, 409 with ABORTED
 * TOW_E_TRANSIENT, a web page in place of JSON, or a redirect, TOW_E_ENV that names a proxy or
 * log-in page as the likely cause. response is filled also where the call fails; release it in any
 * case.
 */
int tow_databricks_call(struct tow_databricks *databricks, const struct tow_databricks_call *call,
                        struct tow_http_response *response, struct tow_error *err);
/* The same for a JSON answer; *answer is a new reference (NULL where the body is empty). */
int tow_databricks_call_json(struct tow_databricks *databricks,
                             const struct tow_databricks_call *call, json_t **answer,
                             struct tow_error *err);

const struct tow_databricks_config *tow_databricks_config_of(
    const struct tow_databricks *databricks);
/* 1 where the last call that failed has certainly not reached the server. */
int tow_databricks_was_unsent(const struct tow_databricks *databricks);

/* Any number in an answer, also one that came as a string; `fallback` where there is none. */
int64_t tow_databricks_json_int(const json_t *object, const char *key, int64_t fallback);

#endif
