/* What the parts of the module share. */
#ifndef CONNECTORS_S3_S3_PRIV_H
#define CONNECTORS_S3_S3_PRIV_H

#include "connectors/s3/s3.h"
#include "connectors/s3/settings.h"

#define S3_KEY_MAX   1024 /* bytes */
#define S3_SHOWN_MAX 200  /* bytes of a key in messages */

struct tow_s3 {
    struct tow_http *http;
    struct tow_s3_place place;
};

/* Bytes of a key that messages show. */
int s3_shown(const char *key);
/* Appends the URL of a key, with its NUL. */
int s3_url(const struct tow_s3 *s3, const char *key, struct tow_buffer *url, struct tow_error *err);
/* Sets err from an answer that is no success, by S3's own code where that says more. */
int s3_refused(const struct tow_http_response *response, const char *what, struct tow_error *err);
struct tow_http_sigv4 s3_keys(const struct tow_s3 *s3);

#endif
