/*
 * Files in the stage, whichever place that is. One thread. Puts and removes may be repeated; what
 * may pass is TOW_E_TRANSIENT, and nothing is retried here.
 */
#ifndef PLUGINS_DATABRICKS_COPY_STAGE_H
#define PLUGINS_DATABRICKS_COPY_STAGE_H

#include "connectors/databricks/client.h"
#include "connectors/s3/s3.h"
#include "plugins/databricks_copy/place.h"

struct tow_copy_stage;

/* All borrowed until free: place; the client, for volumes; the settings of S3, whose bucket is the
 * place's. */
struct tow_copy_stage *tow_copy_stage_new(const struct tow_copy_place *place,
                                          struct tow_databricks *databricks,
                                          const struct tow_s3_settings *s3, int cancel_fd,
                                          struct tow_error *err);
void tow_copy_stage_free(struct tow_copy_stage *stage);

/* Puts `length` bytes of a file, by offset from 0, as "folder/name". Readers see it whole or not at
 * all. */
int tow_copy_stage_put(struct tow_copy_stage *stage, const char *folder, const char *name, int fd,
                       int64_t length, struct tow_error *err);
/* One that is not there is no error. */
int tow_copy_stage_remove(struct tow_copy_stage *stage, const char *folder, const char *name,
                          struct tow_error *err);
/* One that is not there, or not empty, is no error. */
int tow_copy_stage_remove_folder(struct tow_copy_stage *stage, const char *folder,
                                 struct tow_error *err);

struct tow_copy_entry {
    const char *name;
    int is_folder;
    int64_t modified_ms; /* since 1970 */
};
/* Calls visit for what is in a folder until it returns other than TOW_OK. S3 is not listed: there
 * it has nothing. */
int tow_copy_stage_each(struct tow_copy_stage *stage, const char *folder,
                        int (*visit)(void *context, const struct tow_copy_entry *entry,
                                     struct tow_error *err),
                        void *context, struct tow_error *err);

/* The keys that S3 is used with now, borrowed; NULLs for other places. */
void tow_copy_stage_keys(const struct tow_copy_stage *stage, const char **access_key,
                         const char **secret_key, const char **session_token);

#endif
