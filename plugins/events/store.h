/* Where the files lie, so that the rest need not know: on this machine, or in a bucket. */
#ifndef PLUGINS_EVENTS_STORE_H
#define PLUGINS_EVENTS_STORE_H

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "towpath/error.h"

struct tow_events_source;

int tow_events_store_list(struct tow_events_source *source, struct tow_listing *listing,
                          struct tow_error *err);

/* The stream that a path names; NULL: none. Good until the next call. */
const char *tow_events_store_stream(struct tow_events_source *source, const char *path);

/* 1 where a file is complete by `done_marker`, or none is asked for. */
int tow_events_store_has_marker(const struct tow_events_source *source, const struct tow_file *file,
                                int *is_there, struct tow_error *err);

/* NULL where it cannot be opened. */
struct tow_input *tow_events_store_open(struct tow_events_source *source,
                                        const struct tow_file *file, struct tow_error *err);

#endif
