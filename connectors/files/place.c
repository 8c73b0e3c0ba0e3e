#include "connectors/files/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_FOLDER_MODE 0777 /* less the umask */
#define PLACE_MODE_BITS   0777

/* The part of path before its last '/', in new memory. */
static char *place_folder_path(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int tow_place_init(struct tow_place *place, const char *path, struct tow_error *err)
{
    const char *slash;
    int code;

    *place = (struct tow_place){.folder = -1};
    place->path = strdup(path);
    place->folder_path = place_folder_path(path);
    if (!place->path || !place->folder_path) {
        code = tow_error_nomem(err);
        goto fail;
    }
    slash = strrchr(place->path, '/');
    place->name = slash ? slash + 1 : place->path;
    if (!*place->name || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
        code = tow_error_set(err, TOW_E_CONFIG, "path \"%s\" names a folder, not a file", path);
        goto fail;
    }
    place->folder = open(place->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->folder < 0) {
        code = tow_error_errno(err, TOW_E_ENV, errno, "open folder \"%s\"", place->folder_path);
        goto fail;
    }
    return TOW_OK;
fail:
    tow_place_release(place);
    return code;
}

void tow_place_release(struct tow_place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    free(place->path);
    free(place->folder_path);
    *place = (struct tow_place){.folder = -1};
}

char *tow_place_hidden_name(const struct tow_place *place, const char *suffix,
                            struct tow_error *err)
{
    char *name;

    if (asprintf(&name, ".%s.%s", place->name, suffix) < 0) {
        tow_error_nomem(err);
        return NULL;
    }
    return name;
}

int tow_place_look(const struct tow_place *place, const char *name, int64_t *size, uint32_t *mode,
                   struct tow_error *err)
{
    struct stat st;

    *size = -1;
    if (fstatat(place->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return TOW_OK;
        return tow_error_errno(err, TOW_E_ENV, errno, "look at \"%s/%s\"", place->folder_path,
                               name);
    }
    if (!S_ISREG(st.st_mode))
        return tow_error_set(err, TOW_E_ENV, "\"%s/%s\" is %s, not a regular file",
                             place->folder_path, name,
                             S_ISDIR(st.st_mode)   ? "a folder"
                             : S_ISLNK(st.st_mode) ? "a symbolic link"
                                                   : "a device, pipe or socket");
    *size = st.st_size;
    if (mode)
        *mode = st.st_mode & PLACE_MODE_BITS;
    return TOW_OK;
}

int tow_place_sync(const struct tow_place *place, struct tow_error *err)
{
    /* EINVAL: a file system that cannot sync folders, so there is nothing to wait for. */
    if (fsync(place->folder) != 0 && errno != EINVAL)
        return tow_error_errno(err, TOW_E_ENV, errno, "sync folder \"%s\"", place->folder_path);
    return TOW_OK;
}

/* Makes one folder, whose parent exists; one that exists is as good. */
static int place_make_folder(const char *folder, struct tow_error *err)
{
    struct tow_place place;
    int code;

    if (mkdir(folder, PLACE_FOLDER_MODE) != 0)
        return errno == EEXIST
                   ? TOW_OK
                   : tow_error_errno(err, TOW_E_ENV, errno, "make folder \"%s\"", folder);
    code = tow_place_init(&place, folder, err);
    if (code != TOW_OK)
        return code;
    code = tow_place_sync(&place, err);
    tow_place_release(&place);
    return code;
}

int tow_place_make_folders(const char *path, struct tow_error *err)
{
    char *folder = strdup(path);
    char *slash = folder;
    int code = TOW_OK;

    if (!folder)
        return tow_error_nomem(err);
    while (code == TOW_OK && *slash && (slash = strchr(slash + 1, '/'))) {
        *slash = '\0';
        if (access(folder, F_OK) != 0)
            code = place_make_folder(folder, err);
        *slash = '/';
    }
    free(folder);
    return code;
}

int tow_place_check_folders(const char *path, struct tow_error *err)
{
    char *folder = place_folder_path(path);
    int code = TOW_OK, is_there = 0;

    /* Up to the nearest one that is there: "." and "/" always are. */
    while (folder && !(is_there = access(folder, F_OK) == 0) && errno == ENOENT) {
        char *above = place_folder_path(folder);

        free(folder);
        folder = above;
    }
    if (!folder)
        return tow_error_nomem(err);
    if (!is_there || access(folder, W_OK | X_OK) != 0)
        code = tow_error_errno(err, TOW_E_ENV, errno, "make folders in \"%s\"", folder);
    free(folder);
    return code;
}

int tow_place_has_folder(const char *path)
{
    char *folder = place_folder_path(path);
    int exists = folder && access(folder, F_OK) == 0;

    free(folder);
    return exists;
}
