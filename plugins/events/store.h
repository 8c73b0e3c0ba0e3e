/* Where the files lie, so that the rest need not know: on this machine, or in a bucket. */
#ifndef PLUGINS_EVENTS_STORE_H
#define PLUGINS_EVENTS_STORE_H

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "connectors/files/template.h"
#include "connectors/s3/s3.h"
#include "towpath/error.h"

struct tow_events_source;

/* Zero-initialized is empty and valid. */
struct tow_events_store {
    int is_bucket;
    int has_template; /* 1: the path has places to fill in, or of a bucket, anything special */
    struct tow_template template;
    char *bucket;      /* heap */
    char *root;        /* "s3://BUCKET/"; heap */
    const char *key;   /* of the path, behind the root */
    struct tow_s3 *s3; /* NULL until it is needed */
};

/* Takes the path apart. Needs no network. */
int tow_events_store_prepare(struct tow_events_source *source, struct tow_error *err);
/* 1 where files cannot be listed without the network. */
int tow_events_store_is_far(const struct tow_events_source *source);
/* What of the settings for a bucket can be judged without the network. */
int tow_events_store_check(struct tow_events_source *source, struct tow_error *err);
void tow_events_store_release(struct tow_events_store *store);

/* Markers are left out. */
int tow_events_store_list(struct tow_events_source *source, struct tow_listing *listing,
                          struct tow_error *err);

/* What a path says of its stream: *stream is heap, NULL where it says nothing. */
int tow_events_store_stream(const struct tow_events_source *source, const char *path, char **stream,
                            struct tow_error *err);

/* 1 where a file is complete by `done_marker`, or none is asked for. */
int tow_events_store_has_marker(struct tow_events_source *source, const struct tow_file *file,
                                int *is_there, struct tow_error *err);

/* NULL where it cannot be opened. */
struct tow_input *tow_events_store_open(struct tow_events_source *source,
                                        const struct tow_file *file, struct tow_error *err);

#endif
