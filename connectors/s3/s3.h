/*
 * Objects in S3 and what speaks like it: put and remove, signed by Signature Version 4.
 */
#ifndef CONNECTORS_S3_S3_H
#define CONNECTORS_S3_S3_H

#include "connectors/http/http.h"

struct tow_s3_settings {
    const char *bucket;
    const char *region;   /* NULL: AWS_REGION, AWS_DEFAULT_REGION, us-east-1 */
    const char *endpoint; /* "https://host": path-style addresses there; NULL: AWS */
    /* NULL: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
    const char *access_key, *secret_key, *session_token;
    const char *ca_file, *proxy;
};

struct tow_s3;

/* Copies settings; TOW_E_CONFIG where keys are missing or the bucket's name cannot be. */
struct tow_s3 *tow_s3_new(const struct tow_s3_settings *settings, int cancel_fd,
                          struct tow_error *err);
void tow_s3_free(struct tow_s3 *s3);
/* What the keys are now, for a statement that must carry them; borrowed. */
void tow_s3_keys(const struct tow_s3 *s3, const char **access_key, const char **secret_key,
                 const char **session_token);

/* key: no leading '/', not encoded. Both are repeatable. */
int tow_s3_put(struct tow_s3 *s3, const char *key, int fd, int64_t length, struct tow_error *err);
int tow_s3_remove(struct tow_s3 *s3, const char *key, struct tow_error *err);

#endif
