#include "plugins/databricks_copy/stage.h"

#include <stdlib.h>

#include "connectors/databricks/volume.h"
#include "plugins/databricks_copy/stage_priv.h"

struct tow_copy_stage {
    const struct tow_copy_place *place;
    const struct stage_ops *ops;
    struct tow_databricks *databricks;
    struct tow_s3 *s3;
    struct tow_buffer path; /* of the call at hand */
};

/* ---- volumes -------------------------------------------------------------------------------- */

static int volume_put(struct tow_copy_stage *stage, const char *path, int fd, int64_t length,
                      struct tow_error *err)
{
    return tow_volume_put(stage->databricks, path, fd, length, err);
}

static int volume_remove(struct tow_copy_stage *stage, const char *path, struct tow_error *err)
{
    return tow_volume_remove(stage->databricks, path, err);
}

static int volume_remove_folder(struct tow_copy_stage *stage, const char *path,
                                struct tow_error *err)
{
    return tow_volume_remove_folder(stage->databricks, path, err);
}

static int volume_visit(void *context, const struct tow_volume_entry *entry, struct tow_error *err)
{
    const struct stage_walk *walk = context;
    const struct tow_copy_entry seen = {entry->name, entry->is_folder, entry->modified_ms};

    return walk->visit(walk->context, &seen, err);
}

static int volume_each(struct tow_copy_stage *stage, const char *path, struct stage_walk *walk,
                       struct tow_error *err)
{
    return tow_volume_each(stage->databricks, path, volume_visit, walk, err);
}

/* ---- S3 ------------------------------------------------------------------------------------- */

static int bucket_put(struct tow_copy_stage *stage, const char *path, int fd, int64_t length,
                      struct tow_error *err)
{
    return tow_s3_put(stage->s3, path, fd, length, err);
}

static int bucket_remove(struct tow_copy_stage *stage, const char *path, struct tow_error *err)
{
    return tow_s3_remove(stage->s3, path, err);
}

/* ---- folders of this machine ---------------------------------------------------------------- */

static int folder_put(struct tow_copy_stage *stage, const char *path, int fd, int64_t length,
                      struct tow_error *err)
{
    (void)stage;
    return stage_folder_put(path, fd, length, err);
}

static int folder_remove(struct tow_copy_stage *stage, const char *path, struct tow_error *err)
{
    (void)stage;
    return stage_folder_remove(path, err);
}

static int folder_remove_folder(struct tow_copy_stage *stage, const char *path,
                                struct tow_error *err)
{
    (void)stage;
    return stage_folder_remove_folder(path, err);
}

static int folder_each(struct tow_copy_stage *stage, const char *path, struct stage_walk *walk,
                       struct tow_error *err)
{
    (void)stage;
    return stage_folder_each(path, walk, err);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static const struct stage_ops stage_ops[] = {
    [TOW_COPY_VOLUME] = {volume_put, volume_remove, volume_remove_folder, volume_each},
    /* A store of objects has no folders, and a list of it needs rights that a put does not. */
    [TOW_COPY_S3] = {bucket_put, bucket_remove, NULL, NULL},
    [TOW_COPY_FOLDER] = {folder_put, folder_remove, folder_remove_folder, folder_each},
};

struct tow_copy_stage *tow_copy_stage_new(const struct tow_copy_place *place,
                                          struct tow_databricks *databricks,
                                          const struct tow_s3_settings *s3, int cancel_fd,
                                          struct tow_error *err)
{
    struct tow_copy_stage *stage = calloc(1, sizeof *stage);

    if (!stage) {
        tow_error_nomem(err);
        return NULL;
    }
    stage->place = place;
    stage->ops = &stage_ops[place->kind];
    stage->databricks = databricks;
    if (place->kind != TOW_COPY_S3)
        return stage;
    stage->s3 = tow_s3_new(s3, cancel_fd, err);
    if (stage->s3)
        return stage;
    tow_copy_stage_free(stage);
    return NULL;
}

void tow_copy_stage_free(struct tow_copy_stage *stage)
{
    if (!stage)
        return;
    if (stage->s3)
        tow_s3_free(stage->s3);
    tow_buffer_release(&stage->path);
    free(stage);
}

static const char *stage_path(struct tow_copy_stage *stage, const char *folder, const char *name,
                              struct tow_error *err)
{
    stage->path.size = 0;
    return tow_copy_place_path(stage->place, &stage->path, folder, name, err) == TOW_OK
               ? stage->path.data
               : NULL;
}

int tow_copy_stage_put(struct tow_copy_stage *stage, const char *folder, const char *name, int fd,
                       int64_t length, struct tow_error *err)
{
    const char *path = stage_path(stage, folder, name, err);

    return path ? stage->ops->put(stage, path, fd, length, err) : TOW_E_NOMEM;
}

int tow_copy_stage_remove(struct tow_copy_stage *stage, const char *folder, const char *name,
                          struct tow_error *err)
{
    const char *path = stage_path(stage, folder, name, err);

    return path ? stage->ops->remove(stage, path, err) : TOW_E_NOMEM;
}

int tow_copy_stage_remove_folder(struct tow_copy_stage *stage, const char *folder,
                                 struct tow_error *err)
{
    const char *path;

    if (!stage->ops->remove_folder)
        return TOW_OK;
    path = stage_path(stage, folder, NULL, err);
    return path ? stage->ops->remove_folder(stage, path, err) : TOW_E_NOMEM;
}

int tow_copy_stage_each(struct tow_copy_stage *stage, const char *folder,
                        int (*visit)(void *context, const struct tow_copy_entry *entry,
                                     struct tow_error *err),
                        void *context, struct tow_error *err)
{
    struct stage_walk walk = {visit, context};
    const char *path;

    if (!stage->ops->each)
        return TOW_OK;
    path = stage_path(stage, folder, NULL, err);
    return path ? stage->ops->each(stage, path, &walk, err) : TOW_E_NOMEM;
}

void tow_copy_stage_keys(const struct tow_copy_stage *stage, const char **access_key,
                         const char **secret_key, const char **session_token)
{
    *access_key = *secret_key = *session_token = NULL;
    if (stage->s3)
        tow_s3_keys(stage->s3, access_key, secret_key, session_token);
}
