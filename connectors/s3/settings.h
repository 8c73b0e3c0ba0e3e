/* Settings of S3, put together from what the user wrote and the environment, and checked. */
#ifndef CONNECTORS_S3_SETTINGS_H
#define CONNECTORS_S3_SETTINGS_H

#include "connectors/s3/s3.h"

/* Owned texts; the keys are wiped by release. */
struct tow_s3_place {
    char *bucket, *region;
    char *base; /* what a key is put behind: "https://host/" or "https://host/bucket/" */
    char *access_key, *secret_key;
    char *session_token; /* NULL: none */
};

/* *place is to be released in any case. */
int tow_s3_place_init(struct tow_s3_place *place, const struct tow_s3_settings *settings,
                      struct tow_error *err);
void tow_s3_place_release(struct tow_s3_place *place);

#endif
