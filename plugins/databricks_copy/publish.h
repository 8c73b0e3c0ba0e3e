/*
 * From staged parts to a table that readers see, in steps of which each is in the ledger before it
 * is taken and after: what broke off goes on, and a step of which nobody knows whether it was done
 * is one that may be done twice.
 */
#ifndef PLUGINS_DATABRICKS_COPY_PUBLISH_H
#define PLUGINS_DATABRICKS_COPY_PUBLISH_H

#include "plugins/databricks_copy/yard.h"

/* Borrowed. All parts that the ledger has of the load are staged and belong to it. */
struct tow_copy_publish {
    const struct tow_copy_session *session;
    const struct tow_copy_load *load;
    const struct ArrowSchema *schema;
    struct tow_copy_stage *stage;
};

/* Again after any failure, or once it is done: goes on, or finds its work done. */
int tow_copy_publish(const struct tow_copy_publish *publish, struct tow_error *err);

#endif
