#include "plugins/events/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/events/bucket.h"
#include "plugins/events/source.h"

#define STORE_SCHEME "s3://"
#define STORE_DAY_US INT64_C(86400000000)

void tow_events_store_release(struct tow_events_store *store)
{
    tow_s3_free(store->s3);
    free(store->bucket);
    free(store->root);
    *store = (struct tow_events_store){0};
}

static int store_prepare_bucket(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_store *store = &source->store;
    const char *path = source->options.path, *bucket = path + strlen(STORE_SCHEME);
    size_t length = strcspn(bucket, "/");

    store->is_bucket = 1;
    store->bucket = strndup(bucket, length);
    store->root = strndup(path, strlen(STORE_SCHEME) + length + 1);
    if (!store->bucket || !store->root)
        return tow_error_nomem(err);
    if (bucket[length] != '/')
        return tow_error_set(err, TOW_E_CONFIG,
                             "path = \"%s\" lacks what lies behind the bucket: \"%s/\" for all of "
                             "it",
                             path, path);
    if (source->options.tail)
        return tow_error_set(err, TOW_E_CONFIG,
                             "tail = true needs files of this machine: an object never grows");
    store->key = bucket + length + 1;
    store->has_template = tow_template_is_pattern(store->key);
    return TOW_OK;
}

int tow_events_store_prepare(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_store *store = &source->store;
    const char *path = source->options.path;
    int code = TOW_OK;

    tow_events_store_release(store);
    if (strncmp(path, STORE_SCHEME, strlen(STORE_SCHEME)) == 0)
        code = store_prepare_bucket(source, err);
    /* As in listings, what exists under exactly that name is no pattern. */
    else
        store->has_template = tow_template_is(path) && access(path, F_OK) != 0;
    if (code != TOW_OK || !store->has_template)
        return code;
    return tow_template_init(&store->template, path, err);
}

int tow_events_store_is_far(const struct tow_events_source *source)
{
    return source->store.is_bucket;
}

static int store_connect(struct tow_events_source *source, int cancel_fd, struct tow_error *err)
{
    const struct tow_events_options *options = &source->options;
    const struct tow_s3_settings settings = {
        .bucket = source->store.bucket,
        .region = options->aws_region,
        .endpoint = options->aws_endpoint,
        .access_key = options->aws_access_key_id,
        .secret_key = options->aws_secret_access_key,
        .session_token = options->aws_session_token,
        .ca_file = options->ca_file,
        .identity = options->identity,
        .proxy = options->proxy,
        .connect_timeout_ms = options->connect_timeout_ms,
        .stall_timeout_ms = options->stall_timeout_ms,
    };

    if (!source->store.is_bucket || source->store.s3)
        return TOW_OK;
    source->store.s3 = tow_s3_new(&settings, cancel_fd, err);
    return source->store.s3 ? TOW_OK : err->code;
}

int tow_events_store_check(struct tow_events_source *source, struct tow_error *err)
{
    return store_connect(source, -1, err);
}

static int store_reach(struct tow_events_source *source, struct tow_error *err)
{
    return store_connect(source, source->host ? source->host->cancel_fd(source->host) : -1, err);
}

/* ---- listing -------------------------------------------------------------------------------- */

/* Files of the days that are asked for, and of some before and after. */
static void store_days(const struct tow_events_source *source, int32_t *from, int32_t *until)
{
    const struct tow_events_rules *rules = &source->rules;
    int64_t slack = source->options.path_slack_ms * 1000, at;

    *from = INT32_MIN;
    *until = INT32_MAX;
    if (rules->from_us != INT64_MIN) {
        at = rules->from_us - slack;
        *from = (int32_t)(at / STORE_DAY_US - (at % STORE_DAY_US < 0));
    }
    if (rules->until_us != INT64_MAX) {
        at = rules->until_us + slack;
        *until = (int32_t)(at / STORE_DAY_US + (at % STORE_DAY_US > 0));
    }
}

static int store_is_marker(const char *path, const char *marker)
{
    const char *slash = strrchr(path, '/');
    size_t length = strlen(path), ending = strlen(marker);

    if (marker[0] == '.')
        return length >= ending && strcmp(path + length - ending, marker) == 0;
    return strcmp(slash ? slash + 1 : path, marker) == 0;
}

static void store_drop_markers(const struct tow_events_source *source, struct tow_listing *listing)
{
    size_t kept = 0;

    for (size_t i = 0; source->options.done_marker && i < listing->count; i++) {
        struct tow_file *file = &listing->files[i];

        if (store_is_marker(file->path, source->options.done_marker)) {
            free(file->path);
            free(file->etag);
        } else {
            listing->files[kept++] = *file;
        }
    }
    if (source->options.done_marker)
        listing->count = kept;
}

int tow_events_store_list(struct tow_events_source *source, struct tow_listing *listing,
                          struct tow_error *err)
{
    struct tow_events_store *store = &source->store;
    const struct tow_tree bucket = {tow_events_bucket_list, store};
    int32_t from, until;
    int code = store_reach(source, err);

    *listing = (struct tow_listing){NULL, 0};
    if (code != TOW_OK)
        return code;
    store_days(source, &from, &until);
    if (store->has_template)
        code = tow_template_list(&store->template, store->is_bucket ? &bucket : &tow_tree_local,
                                 from, until, listing, err);
    else if (store->is_bucket)
        code = tow_events_bucket_list_all(store, listing, err);
    else
        code = tow_listing_init(listing, source->options.path, err);
    if (code == TOW_OK)
        store_drop_markers(source, listing);
    else
        tow_listing_release(listing);
    return code;
}

/* ---- one file ------------------------------------------------------------------------------- */

int tow_events_store_stream(const struct tow_events_source *source, const char *path, char **stream,
                            struct tow_error *err)
{
    struct tow_template_values values;

    *stream = NULL;
    if (!source->store.has_template ||
        !tow_template_match(&source->store.template, path, &values) || !values.stream)
        return TOW_OK;
    *stream = strndup(values.stream, values.stream_length);
    return *stream ? TOW_OK : tow_error_nomem(err);
}

/* The marker of a file: its name with an ending, or a name in its folder. Heap. */
static char *store_marker(const char *path, const char *marker)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    char *text;

    if (marker[0] == '.')
        return asprintf(&text, "%s%s", path, marker) < 0 ? NULL : text;
    return asprintf(&text, "%.*s%s", folder, path, marker) < 0 ? NULL : text;
}

int tow_events_store_has_marker(struct tow_events_source *source, const struct tow_file *file,
                                int *is_there, struct tow_error *err)
{
    const struct tow_events_store *store = &source->store;
    int code = TOW_OK;
    char *path;

    *is_there = 1;
    if (!source->options.done_marker)
        return TOW_OK;
    path = store_marker(file->path, source->options.done_marker);
    if (!path)
        return tow_error_nomem(err);
    if (store->is_bucket)
        code = tow_s3_exists(store->s3, path + strlen(store->root), is_there, err);
    else
        *is_there = access(path, F_OK) == 0;
    free(path);
    return code;
}

struct tow_input *tow_events_store_open(struct tow_events_source *source,
                                        const struct tow_file *file, struct tow_error *err)
{
    const struct tow_input_options options = {.cancel_fd = source->host->cancel_fd(source->host),
                                              .buffer_size = source->window_size};

    if (source->store.is_bucket)
        return tow_events_bucket_open(&source->store, file, &options, err);
    return tow_input_new(file->path, &options, err);
}
