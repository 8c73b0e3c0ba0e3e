/* Inside of the client, for the other parts of this connector. */
#ifndef CONNECTORS_LYTICS_CLIENT_PRIV_H
#define CONNECTORS_LYTICS_CLIENT_PRIV_H

#include "connectors/http/http.h"
#include "connectors/lytics/client.h"

struct tow_lytics {
    char *api_url, *bulk_url; /* without a slash at the end */
    char *token, *account_id;
    int64_t timeout_ms, rate_wait_ms;
    struct tow_http *http;
};

#define TOW_LYTICS_HEADERS 3

/* Appends the URL of a call, with a NUL behind it. */
int tow_lytics_put_url(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                       struct tow_buffer *url, struct tow_error *err);
/* Fills in the exchange of a call, which borrows from all of them. */
void tow_lytics_request(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                        const char *url, struct tow_http_header headers[TOW_LYTICS_HEADERS],
                        struct tow_http_request *request);
/* Takes away what an earlier call has left. */
void tow_lytics_reset(struct tow_lytics_answer *answer);

/* Appends text to a path, percent-encoded, with a NUL behind it that is not counted. */
int tow_lytics_put_segment(struct tow_buffer *path, const char *text, struct tow_error *err);

/* What tow_lytics_call says of an answer, whose body it moves. */
int tow_lytics_judge(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                     struct tow_http_response *response, struct tow_lytics_answer *answer,
                     struct tow_error *err);

/* Starts on the array that is "data"; one that is missing is empty. TOW_E_ENV where it is something
 * else. */
int tow_lytics_check_rows(const struct tow_lytics_answer *answer, const char *what,
                          struct tow_json_scan *scan, struct tow_error *err);

#endif
