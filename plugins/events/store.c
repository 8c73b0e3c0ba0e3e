#include "plugins/events/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/events/source.h"

int tow_events_store_list(struct tow_events_source *source, struct tow_listing *listing,
                          struct tow_error *err)
{
    return tow_listing_init(listing, source->options.path, err);
}

const char *tow_events_store_stream(struct tow_events_source *source, const char *path)
{
    (void)source;
    (void)path;
    return NULL;
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

int tow_events_store_has_marker(const struct tow_events_source *source, const struct tow_file *file,
                                int *is_there, struct tow_error *err)
{
    char *path;

    *is_there = 1;
    if (!source->options.done_marker)
        return TOW_OK;
    path = store_marker(file->path, source->options.done_marker);
    if (!path)
        return tow_error_nomem(err);
    *is_there = access(path, F_OK) == 0;
    free(path);
    return TOW_OK;
}

struct tow_input *tow_events_store_open(struct tow_events_source *source,
                                        const struct tow_file *file, struct tow_error *err)
{
    const struct tow_input_options options = {.cancel_fd = source->host->cancel_fd(source->host),
                                              .buffer_size = source->window_size};

    return tow_input_new(file->path, &options, err);
}
