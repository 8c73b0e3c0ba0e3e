/* Objects of a bucket as files: what there are, and their bytes. */
#ifndef PLUGINS_EVENTS_BUCKET_H
#define PLUGINS_EVENTS_BUCKET_H

#include "connectors/files/input.h"
#include "connectors/files/template.h"
#include "plugins/events/store.h"
#include "towpath/error.h"

/* As tow_tree.list; context is a struct tow_events_store, folders begin with its root. */
int tow_events_bucket_list(void *context, const char *folder, tow_tree_visit *visit,
                           void *visit_context, struct tow_error *err);

/* All objects whose keys begin with the store's key, however deep, but hidden names and what ends
 * with a slash. */
int tow_events_bucket_list_all(struct tow_events_store *store, struct tow_listing *listing,
                               struct tow_error *err);

struct tow_input *tow_events_bucket_open(struct tow_events_store *store,
                                         const struct tow_file *file,
                                         const struct tow_input_options *options,
                                         struct tow_error *err);

#endif
