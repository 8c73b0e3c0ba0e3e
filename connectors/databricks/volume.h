/*
 * Files in Unity Catalog volumes, by the Files API (Databricks REST API reference, Files). Paths
 * are absolute: "/Volumes/catalog/schema/volume/folder/file", not encoded.
 */
#ifndef CONNECTORS_DATABRICKS_VOLUME_H
#define CONNECTORS_DATABRICKS_VOLUME_H

#include "connectors/databricks/client.h"

/* Puts `length` bytes of an open file, read by offset from 0, in place of what is there. 5 GiB at
 * most. Repeatable. The server is asked for the file's length then: another one is
 * TOW_E_TRANSIENT. */
int tow_volume_put(struct tow_databricks *databricks, const char *path, int fd, int64_t length,
                   struct tow_error *err);
/* A file that is not there is no error. */
int tow_volume_remove(struct tow_databricks *databricks, const char *path, struct tow_error *err);
/* An empty folder; one that is not there, or not empty, is no error. */
int tow_volume_remove_folder(struct tow_databricks *databricks, const char *path,
                             struct tow_error *err);

struct tow_volume_entry {
    const char *name;
    int is_folder;
    int64_t size;
    int64_t modified_ms; /* since 1970 */
};
/* Calls visit for each entry of a folder until it returns other than TOW_OK; a folder that is not
 * there has none. */
int tow_volume_each(struct tow_databricks *databricks, const char *path,
                    int (*visit)(void *context, const struct tow_volume_entry *entry,
                                 struct tow_error *err),
                    void *context, struct tow_error *err);

#endif
