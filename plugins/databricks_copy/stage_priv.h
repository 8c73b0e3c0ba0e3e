/* Inside of stage.c and stage_folder.c. */
#ifndef PLUGINS_DATABRICKS_COPY_STAGE_PRIV_H
#define PLUGINS_DATABRICKS_COPY_STAGE_PRIV_H

#include "plugins/databricks_copy/stage.h"

struct stage_walk {
    int (*visit)(void *context, const struct tow_copy_entry *entry, struct tow_error *err);
    void *context;
};

/* A NULL: the place has no such thing. */
struct stage_ops {
    int (*put)(struct tow_copy_stage *stage, const char *path, int fd, int64_t length,
               struct tow_error *err);
    int (*remove)(struct tow_copy_stage *stage, const char *path, struct tow_error *err);
    int (*remove_folder)(struct tow_copy_stage *stage, const char *path, struct tow_error *err);
    int (*each)(struct tow_copy_stage *stage, const char *path, struct stage_walk *walk,
                struct tow_error *err);
};

int stage_folder_put(const char *path, int fd, int64_t length, struct tow_error *err);
int stage_folder_remove(const char *path, struct tow_error *err);
int stage_folder_remove_folder(const char *path, struct tow_error *err);
int stage_folder_each(const char *path, struct stage_walk *walk, struct tow_error *err);

#endif
