/* Inside of the client, for the other parts of this connector. */
#ifndef CONNECTORS_DATABRICKS_CLIENT_PRIV_H
#define CONNECTORS_DATABRICKS_CLIENT_PRIV_H

#include "connectors/databricks/client.h"

#define TOW_DATABRICKS_HEADERS 4
#define TOW_DATABRICKS_POLL_MS 200

struct tow_databricks {
    struct tow_databricks_config config;
    struct tow_http *http;
    int cancel_fd;
    char *bearer;     /* value of the login header; NULL: to be fetched */
    int64_t renew_ms; /* monotonic time from which on it is fetched anew; INT64_MAX: never */
    unsigned logins;  /* tokens fetched so far: calls in flight may have an earlier one */
    int unsent;       /* what tow_databricks_was_unsent says */
    int uncompressed; /* the server has refused result_compression before */
    int64_t poll_ms;  /* first delay between two looks at a statement; grows to 25 times of it */
};

/* A client with the same login, and the token where there is one already; for another thread, or
 * for what is to be done although cancel_fd is readable. */
struct tow_databricks *tow_databricks_clone(const struct tow_databricks *databricks, int cancel_fd,
                                            struct tow_error *err);
/* Waits: TOW_OK after ms, TOW_E_CANCELLED as soon as cancel_fd is readable. */
int tow_databricks_wait(const struct tow_databricks *databricks, int64_t ms, struct tow_error *err);

/* Makes sure that there is a token that lasts. */
int tow_databricks_login(struct tow_databricks *databricks, struct tow_error *err);
/* Forgets a token that was refused: 1 where another one can be fetched, 0 where not. */
int tow_databricks_forget(struct tow_databricks *databricks);

/* ---- a call in its steps, for calls of which several run at once ----------------------------- */

/* A call as a request, with the memory that it points to. */
struct tow_databricks_exchange {
    struct tow_http_request request;
    struct tow_http_header headers[TOW_DATABRICKS_HEADERS];
    char *url;
    char *text; /* of a JSON body */
};

/* After tow_databricks_login, of which it borrows the token. */
int tow_databricks_exchange_init(struct tow_databricks_exchange *exchange,
                                 const struct tow_databricks *databricks,
                                 const struct tow_databricks_call *call, struct tow_error *err);
void tow_databricks_exchange_release(struct tow_databricks_exchange *exchange);

/* What tow_databricks_call says of an answer. */
int tow_databricks_judge(const struct tow_databricks *databricks,
                         const struct tow_databricks_call *call,
                         const struct tow_http_response *response, struct tow_error *err);
/* TOW_E_ENV where a success is a web page in place of JSON. */
int tow_databricks_check_page(const struct tow_databricks *databricks,
                              const struct tow_databricks_call *call,
                              const struct tow_http_response *response, struct tow_error *err);
/* The JSON of an answer; NULL where the body is empty. */
int tow_databricks_parse(const struct tow_databricks *databricks,
                         const struct tow_databricks_call *call,
                         const struct tow_http_response *response, json_t **answer,
                         struct tow_error *err);

/* Sets class and puts the hint behind the message that err holds. Returns the class. */
int tow_databricks_hint(struct tow_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
