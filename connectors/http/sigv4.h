/*
 * AWS Signature Version 4, in the Authorization header (AWS: "Authenticating Requests: Using the
 * Authorization Header"). Not libcurl's: 7.88 sends no X-Amz-Content-Sha256, which S3 demands.
 */
#ifndef CONNECTORS_HTTP_SIGV4_H
#define CONNECTORS_HTTP_SIGV4_H

#include <time.h>

#include "connectors/http/http.h"

#define TOW_SIGV4_UNSIGNED  "UNSIGNED-PAYLOAD"
#define TOW_SIGV4_HASH_SIZE 65 /* hex SHA-256 and its NUL */
#define TOW_SIGV4_DATE_SIZE 17 /* "20130524T000000Z" */

struct tow_sigv4_request {
    const char *method;
    const char *path;                      /* as it is sent, percent-encoded; begins with '/' */
    const char *query;                     /* as it is sent, without '?'; NULL: none */
    const struct tow_http_header *headers; /* all that are to be signed, "Host" among them;
                                              no name twice */
    size_t header_count;
    const char *payload; /* hex SHA-256 of the body, or TOW_SIGV4_UNSIGNED */
};

/* X-Amz-Date of a time. */
void tow_sigv4_date(char date[TOW_SIGV4_DATE_SIZE], time_t now);

/* Appends the value of the Authorization header. `date` is that of X-Amz-Date, which is among the
 * headers. TOW_E_UNSUPPORTED for a path with empty or dot segments of another service than S3. */
int tow_sigv4_sign(struct tow_buffer *out, const struct tow_http_sigv4 *keys, const char *date,
                   const struct tow_sigv4_request *request, struct tow_error *err);

/* Hash of bytes, and of the first `length` bytes of a file. TOW_E_ENV where that cannot be read. */
int tow_sigv4_hash(char hash[TOW_SIGV4_HASH_SIZE], const void *bytes, size_t length,
                   struct tow_error *err);
int tow_sigv4_hash_file(char hash[TOW_SIGV4_HASH_SIZE], int fd, int64_t length,
                        struct tow_error *err);

#endif
