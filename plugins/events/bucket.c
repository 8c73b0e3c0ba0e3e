#include "plugins/events/bucket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bucket_walk {
    const struct tow_events_store *store;
    size_t prefix; /* bytes of keys that are the folder's own */
    tow_tree_visit *visit;
    void *context;
    struct tow_listing *listing;
};

/* Heap texts in it. */
static int bucket_file(const struct tow_events_store *store, const struct tow_s3_entry *entry,
                       struct tow_file *file, struct tow_error *err)
{
    *file = (struct tow_file){.size = entry->size, .mtime_ns = entry->modified_us * 1000};
    file->etag = strdup(entry->etag);
    if (file->etag && asprintf(&file->path, "%s%s", store->root, entry->key) >= 0)
        return TOW_OK;
    free(file->etag);
    return tow_error_nomem(err);
}

static int bucket_visit(void *context, const struct tow_s3_entry *entry, struct tow_error *err)
{
    const struct bucket_walk *walk = context;
    const char *name = entry->key + walk->prefix;
    struct tow_file file;
    int code;

    if (entry->is_common) {
        char *folder = strndup(name, strlen(name) - 1);

        /* A key may have slashes in a row, which no path has. */
        code = !folder   ? tow_error_nomem(err)
               : *folder ? walk->visit(walk->context, folder, NULL, err)
                         : TOW_OK;
        free(folder);
        return code;
    }
    if (!*name)
        return TOW_OK;
    code = bucket_file(walk->store, entry, &file, err);
    if (code != TOW_OK)
        return code;
    code = walk->visit(walk->context, name, &file, err);
    free(file.path);
    free(file.etag);
    return code;
}

int tow_events_bucket_list(void *context, const char *folder, tow_tree_visit *visit,
                           void *visit_context, struct tow_error *err)
{
    struct tow_events_store *store = context;
    const char *prefix = folder + strlen(store->root);
    struct bucket_walk walk = {
        .store = store, .prefix = strlen(prefix), .visit = visit, .context = visit_context};

    return tow_s3_each(store->s3, prefix, '/', bucket_visit, &walk, err);
}

static int bucket_visit_all(void *context, const struct tow_s3_entry *entry, struct tow_error *err)
{
    const struct bucket_walk *walk = context;
    const char *slash = strrchr(entry->key, '/');
    const char *name = slash ? slash + 1 : entry->key;
    struct tow_file file;
    int code;

    if (!*name || *name == '.')
        return TOW_OK;
    code = bucket_file(walk->store, entry, &file, err);
    return code == TOW_OK ? tow_listing_take(walk->listing, &file, err) : code;
}

int tow_events_bucket_list_all(struct tow_events_store *store, struct tow_listing *listing,
                               struct tow_error *err)
{
    struct bucket_walk walk = {.store = store, .listing = listing};
    int code = tow_s3_each(store->s3, store->key, 0, bucket_visit_all, &walk, err);

    if (code == TOW_OK)
        tow_listing_sort(listing);
    return code;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int bucket_read(void *context, void *into, size_t capacity, size_t *length,
                       struct tow_error *err)
{
    return tow_s3_object_read(context, into, capacity, length, err);
}

static void bucket_close(void *context)
{
    tow_s3_object_free(context);
}

struct tow_input *tow_events_bucket_open(struct tow_events_store *store,
                                         const struct tow_file *file,
                                         const struct tow_input_options *options,
                                         struct tow_error *err)
{
    struct tow_reader reader = {bucket_read, bucket_close, NULL};

    reader.context =
        tow_s3_object_new(store->s3, file->path + strlen(store->root), file->etag, file->size, err);
    return reader.context ? tow_input_new_reader(file->path, &reader, options, err) : NULL;
}
