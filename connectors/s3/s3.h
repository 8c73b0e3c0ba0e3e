/*
 * Objects in S3 and what speaks like it: put, remove, list and read, signed by Signature Version 4.
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
    const char *ca_file;          /* NULL: AWS_CA_BUNDLE, else as http.h says */
    struct tow_identity identity; /* http.h */
    const char *proxy;            /* http.h */
    int64_t connect_timeout_ms;   /* http.h; 0: its own */
    int64_t stall_timeout_ms;     /* http.h's idle_timeout_ms; 0: its own */
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

/* Whether there is an object of that key; a request without a body. */
int tow_s3_exists(struct tow_s3 *s3, const char *key, int *is_there, struct tow_error *err);

/* An object, or with a delimiter, what keys have in common up to it behind the prefix. */
struct tow_s3_entry {
    const char *key;     /* not encoded */
    int is_common;       /* 1: the beginning of keys, with the delimiter; the rest is not set */
    int64_t size;        /* bytes */
    int64_t modified_us; /* since 1970 */
    const char *etag;    /* with its quotes */
};

/*
 * Visits what keys with that prefix ("" for all) there are, in order of their bytes, page by page;
 * delimiter 0 or a byte. Ends with what visit returns other than TOW_OK.
 */
int tow_s3_each(struct tow_s3 *s3, const char *prefix, char delimiter,
                int (*visit)(void *context, const struct tow_s3_entry *entry,
                             struct tow_error *err),
                void *context, struct tow_error *err);

/*
 * An object read front to back, without holding more than a piece of it. Where a reading fails with
 * TOW_E_TRANSIENT or TOW_E_RATE, the next one goes on behind the last byte handed out. An object
 * that is no longer the one of that tag is TOW_E_ENV, and so is one of more than `size` bytes,
 * which the list says it has; fewer are TOW_E_TRANSIENT. One reading at a time of a client. Only
 * looked at once it is read.
 */
struct tow_s3_object;
struct tow_s3_object *tow_s3_object_new(struct tow_s3 *s3, const char *key, const char *etag,
                                        int64_t size, struct tow_error *err);
/* 1 to capacity bytes, and their number in *length; 0 at the end. */
int tow_s3_object_read(struct tow_s3_object *object, void *into, size_t capacity, size_t *length,
                       struct tow_error *err);
void tow_s3_object_free(struct tow_s3_object *object);

#endif
