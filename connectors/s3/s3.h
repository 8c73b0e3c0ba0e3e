/*
 * Objects in S3 and what speaks like it: put and remove, signed by Signature Version 4.
 */
#ifndef CONNECTORS_S3_S3_H
#define CONNECTORS_S3_S3_H

#include "connectors/http/http.h"

struct tow_s3_settings {
    const char *bucket;
    const char *region;   /* NULL: AWS_REGION, AWS_DEFAULT_REGION, us-east-1 */
    const char *endpoint; /* "https://host:port[/path]": path-style addresses below; NULL: AWS */
    /* All NULL: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Never mixed: a token
     * belongs to its key. */
    const char *access_key, *secret_key, *session_token;
    const char *ca_file; /* NULL: AWS_CA_BUNDLE, else as http.h says */
    const char *proxy;   /* http.h */
};

struct tow_s3;

/* Copies settings; TOW_E_CONFIG where keys are missing or the bucket's name cannot be. */
struct tow_s3 *tow_s3_new(const struct tow_s3_settings *settings, int cancel_fd,
                          struct tow_error *err);
void tow_s3_free(struct tow_s3 *s3);
/* What the keys are now, for a statement that must carry them; borrowed. */
void tow_s3_keys(const struct tow_s3 *s3, const char **access_key, const char **secret_key,
                 const char **session_token);

/*
 * key: 1 to 1,024 bytes, no leading '/', not encoded. Both are repeatable. put sends the first
 * `length` bytes of an open file, 5 GiB at most, by offset from 0, in place of what is there; to
 * remove what is not there is no error. Classes are those of http.h, and where S3's own code says
 * more, by that: an expired token is TOW_E_AUTH, SlowDown TOW_E_RATE, another region's bucket
 * TOW_E_CONFIG, a wrong clock TOW_E_ENV.
 */
int tow_s3_put(struct tow_s3 *s3, const char *key, int fd, int64_t length, struct tow_error *err);
int tow_s3_remove(struct tow_s3 *s3, const char *key, struct tow_error *err);

#endif
